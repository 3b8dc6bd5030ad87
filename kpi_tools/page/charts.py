"""Tables → charts: the KPI's columns with its target and floor, activity with what was expected, the set's ratings.

A chart is a shape and its data. Each shape is described in Altair and compiled once; a chart is that
specification with named data sets filled in, which is fifty times faster than describing it anew. Text that
comes from the council stands in data values only: Vega reads titles and axis titles as expressions.
All charts measure in slots: quarter number n fills 0 to 1 from x = n. Nothing is rated here.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from typing import Any

import altair as alt
import pandas as pd

from kpi_tools.page.chart_data import WIDTH, activity_data, counts_data, kpi_data
from kpi_tools.vocabulary import AMBER, ESTIMATED, FINAL, GREEN, ILLUSTRATIVE, NOT_RATED, RED

Spec = dict[str, Any]
Layer = alt.Chart | alt.LayerChart

INK, WHITE = "#0b0c0c", "#ffffff"
BLUE, PALE_BLUE = "#1d5b94", "#cfe0f0"
RAG_FILLS = {GREEN: "#00703c", AMBER: "#f7a800", RED: "#d4351c", NOT_RATED: WHITE}
_FILLS = {FINAL: BLUE, ESTIMATED: PALE_BLUE, ILLUSTRATIVE: WHITE, "band": "#e3e8ec"} | RAG_FILLS
_EDGES = {FINAL: BLUE, ESTIMATED: BLUE, ILLUSTRATIVE: BLUE, "band": "#e3e8ec", RED: RED, GREEN: GREEN} | {
    GREEN: RAG_FILLS[GREEN],
    AMBER: INK,
    RED: RAG_FILLS[RED],
    NOT_RATED: INK,
}
_EDGE_DASHES = {ILLUSTRATIVE: [3, 2]}
_LINES = {
    "base": (INK, 1, [1, 0]),
    "halo": (WHITE, 5, [1, 0]),
    "target": (INK, 2, [8, 4]),
    "floor": (INK, 2, [2, 3]),
    "benchmark": ("#6a1b9a", 2, [10, 3, 2, 3]),
    "limit": ("#5b6770", 1, [5, 3]),
    "actual": (BLUE, 2.5, [1, 0]),
}
_TONES = {"dark": INK, "light": WHITE, "quiet": "#4a5258"}


def kpi_spec(points: pd.DataFrame, benchmark: tuple[str, float] | None = None) -> Spec:
    """The Vega-Lite specification of one KPI's column chart.

    `points`: the rows shown, oldest first, with `quarter`, `value`, `unit`, `decimals`, `status`, `target`,
    `floor_standard`, `target_status`. Columns stand on zero; target and floor are stepped lines, dashed and dotted,
    with their names beside them; estimated figures are pale, illustrative ones have a dashed edge and no fill;
    a quarter without a figure says so. `benchmark` is an area's name and its value, drawn as a further line.
    """
    return _filled("columns", kpi_data(points, benchmark))


def activity_spec(points: pd.DataFrame) -> Spec:
    """The specification of one activity indicator's line, with the band between what was expected at least and at most.

    `points`: rows oldest first with `period` (quarter label), `value`, `unit`, `decimals`, `status`, `lower_expected`,
    `upper_expected`. The scale starts at zero unless all values lie far from it.
    """
    return _filled("line", activity_data(points))


def counts_spec(history: pd.DataFrame) -> Spec:
    """The specification of the stacked columns of ratings: `history` has `quarter`, Green, Amber, Red, Not rated."""
    return _filled("columns", counts_data(history))


def kpi_chart(points: pd.DataFrame, benchmark: tuple[str, float] | None = None) -> alt.LayerChart:
    """`kpi_spec` as an Altair chart, for notebooks."""
    return alt.LayerChart.from_dict(kpi_spec(points, benchmark))


def activity_chart(points: pd.DataFrame) -> alt.LayerChart:
    """`activity_spec` as an Altair chart, for notebooks."""
    return alt.LayerChart.from_dict(activity_spec(points))


def counts_chart(history: pd.DataFrame) -> alt.LayerChart:
    """`counts_spec` as an Altair chart, for notebooks."""
    return alt.LayerChart.from_dict(counts_spec(history))


def _filled(shape: str, data: dict[str, Any]) -> Spec:
    spec = deepcopy(_shape(shape))
    low, high = data.pop("range")
    spec["params"] = [{"name": "low", "value": low}, {"name": "high", "value": high}]
    spec["datasets"] = data
    return spec


@lru_cache
def _shape(name: str) -> Spec:
    layers: dict[str, Callable[[], list[Layer]]] = {
        "columns": lambda: [_boxes(), _lines()[0], _tops(), _lines()[1], *_texts()],
        "line": lambda: [_band(), *_lines(), _dots(), *_texts(stroke=WHITE, strokeWidth=3)],
    }
    chart = alt.layer(*layers[name]()).properties(
        width=WIDTH,
        height=150,
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
        padding={"left": 4, "right": 96, "top": 8, "bottom": 22},
    )
    return specification(chart)


def specification(layers: alt.LayerChart | alt.FacetChart) -> Spec:
    """Layers that share their axes and nothing else, as a plain specification without a frame."""
    looks: Any = dict.fromkeys(("fill", "stroke", "strokeDash", "strokeWidth", "color"), "independent")
    spec: Spec = layers.resolve_scale(**looks).configure_view(stroke=None).to_dict()
    return spec


def _x(field: str = "x") -> alt.X:
    return alt.X(f"{field}:Q", axis=None, scale=alt.Scale(domain=[0, 6], range=[0, WIDTH], nice=False, zero=False))


def _y(field: str = "y") -> alt.Y:
    ends = [alt.ExprRef("low"), alt.ExprRef("high")]
    return alt.Y(f"{field}:Q", axis=None, scale=alt.Scale(domain=ends, nice=False, zero=False))


def _boxes() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("boxes"))
        .mark_bar(strokeWidth=1.5)
        .encode(
            x=_x(),
            x2="x2:Q",
            y=_y(),
            y2="y2:Q",
            fill=_scaled(alt.Fill, _FILLS),
            stroke=_scaled(alt.Stroke, _EDGES),
            strokeDash=_scaled(alt.StrokeDash, {kind: _EDGE_DASHES.get(kind, [1, 0]) for kind in _FILLS}),
        )
    )


def _tops() -> alt.Chart:
    """The columns' upper edges once more, above the lines' white surroundings, which would hide a figure near a line."""
    tops = alt.Chart(alt.NamedData("boxes")).mark_rule(strokeWidth=2)
    return tops.encode(x=_x(), x2="x2:Q", y=_y(), stroke=_scaled(alt.Stroke, _EDGES))


def _lines() -> list[Layer]:
    lines = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line()
        .encode(
            x=_x(),
            y=_y(),
            detail="part:N",
            order="x:Q",
            stroke=_scaled(alt.Stroke, {kind: style[0] for kind, style in _LINES.items()}),
            strokeWidth=_scaled(alt.StrokeWidth, {kind: style[1] for kind, style in _LINES.items()}),
            strokeDash=_scaled(alt.StrokeDash, {kind: style[2] for kind, style in _LINES.items()}),
        )
    )
    halo = lines.transform_filter("datum.kind != 'base' && datum.kind != 'limit'").encode(
        stroke=alt.value(WHITE), strokeWidth=alt.value(5), strokeDash=alt.value([1, 0])
    )
    return [halo, lines]


def _band() -> alt.Chart:
    return alt.Chart(alt.NamedData("band")).mark_area(fill=_FILLS["band"]).encode(x=_x(), y=_y(), y2="y2:Q")


def _dots() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("dots"))
        .mark_point(size=45, filled=True, strokeWidth=1.5, opacity=1)
        .encode(x=_x(), y=_y(), fill=_scaled(alt.Fill, _FILLS), stroke=_scaled(alt.Stroke, _EDGES))
    )


def _texts(**halo: Any) -> list[Layer]:
    tone = _scaled(alt.Color, _TONES, "tone")
    base = alt.Chart(alt.NamedData("texts")).encode(x=_x(), y=_y(), text="text:N", color=tone)
    looks: Any = {"baseline": "middle"} | halo
    return [
        base.transform_filter("datum.align == 'center'").mark_text(align="center", fontSize=11, **looks),
        base.transform_filter("datum.align == 'left'").mark_text(align="left", fontSize=12, dx=6, **looks),
    ]


def _scaled(channel: Any, looks: dict[str, Any], field: str = "kind") -> Any:
    return channel(
        f"{field}:N", legend=None, scale=alt.Scale(type="ordinal", domain=list(looks), range=list(looks.values()))
    )
