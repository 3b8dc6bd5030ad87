"""Shapes of charts, described (Vega-Lite) and compiled (Vega): those of the report from a file, others as they come."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from kpi_tools.page.engine import engine

Spec = dict[str, Any]
SHAPES = Path(__file__).with_name("shapes.json")
_ASIDE = ("datasets", "params")


@lru_cache
def stored() -> dict[str, dict[str, Spec]]:
    """Each shape of the report by name: `described` and `compiled`. Not to be changed."""
    kept: dict[str, dict[str, Spec]] = json.loads(SHAPES.read_text(encoding="utf-8"))
    return kept


def compiled(spec: Spec) -> Spec:
    """The Vega form of the shape of a chart, without its data; anew each time, to be filled."""
    names = tuple(param["name"] for param in spec.get("params", []))
    shape = {key: value for key, value in spec.items() if key not in _ASIDE}
    found: Spec = json.loads(_compiled(json.dumps(shape, sort_keys=True), names))
    return found


def compile_shape(shape: Spec, params: tuple[str, ...] = ("low", "high")) -> Spec:
    """A Vega-Lite shape in Vega, without descriptions of single marks: a chart of the page has one as a whole."""
    empty = shape | {"params": [{"name": name, "value": 0} for name in params]}
    empty["config"] = shape.get("config", {}) | {"aria": False}
    drawing: Spec = engine().vegalite_to_vega(empty)
    return drawing


@lru_cache
def _compiled(shape: str, params: tuple[str, ...]) -> str:
    known = {
        json.dumps(kept["described"], sort_keys=True): kept["compiled"]
        for kept in stored().values()
    }
    return json.dumps(known.get(shape) or compile_shape(json.loads(shape), params))
