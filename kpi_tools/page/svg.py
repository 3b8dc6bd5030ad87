"""A chart's specification → a small SVG that stands inside the page and can be read aloud.

The same chart gives the same bytes in whatever order and process it is drawn: no random ids, no counters.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from kpi_tools.errors import KpiError

Spec = dict[str, Any]
Chart = tuple[Spec, str, str, str]
"""What `inline_svg` takes."""
Drawings = Mapping[str, str]

_ASIDE = ("datasets", "params")

_SVG = "{http://www.w3.org/2000/svg}"
_DROPPED = {
    "class",
    "role",
    "version",
    "clip-path",
    "stroke-miterlimit",
    "font-family",
    "pointer-events",
}
_DEFAULTS = {
    "stroke-dasharray": {"1,0"},
    "stroke-width": {"0"},
    "opacity": {"1"},
    "fill-opacity": {"1"},
    "transform": {"translate(0,0)"},
    "text-anchor": {"start"},
}
_INHERITED = (
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "font-size",
    "text-anchor",
    "paint-order",
)
_UNDRAWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def inline_svg(spec: Spec, name: str, title: str, description: str) -> str:
    """The chart as an `<svg role="img">` element with `title` and `description` as its alternative text.

    `spec`: a specification with named data sets, as `charts` makes them. `name` becomes the stem of the ids, so it
    is unique on its page (a KPI's id). Raises `KpiError` for text that holds control characters, which would end
    the drawing process (vega/vl-convert issue 220): loading takes them out.
    """
    import vl_convert

    if _UNDRAWABLE.search("".join(_texts([spec["datasets"], title, description]))):
        raise KpiError(
            f'The chart "{name}" cannot be drawn: a text in it holds a control character. '
            "Type that text again in the return it came from."
        )
    root = ET.fromstring(vl_convert.vega_to_svg(json.dumps(_with_data(spec))))
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    _slim(root)
    _renumber_clips(root, stem)
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "kpi-chart",
            "role": "img",
            "viewBox": box,
            "aria-labelledby": f"{stem}-t {stem}-d",
            "font-size": "11",
        }
    )
    for tag, text in (("desc", description), ("title", title)):
        element = ET.Element(tag, {"id": f"{stem}-{tag[0]}"})
        element.text = text
        root.insert(0, element)
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def drawn(charts: Iterable[Chart]) -> Drawings:
    """`inline_svg` of each, by name."""
    return {chart[1]: inline_svg(*chart) for chart in charts}


def _compiled(spec: Spec) -> Spec:
    """The Vega form of a chart without its data; anew each time, to be filled."""
    names = tuple(param["name"] for param in spec.get("params", []))
    shape = {key: value for key, value in spec.items() if key not in _ASIDE}
    found: Spec = json.loads(_compiled_shape(json.dumps(shape, sort_keys=True), names))
    return found


@lru_cache
def _compiled_shape(shape: str, params: tuple[str, ...]) -> str:
    """Compiled once for each shape, without descriptions of single marks: a chart has one as a whole."""
    import vl_convert

    empty = json.loads(shape) | {"params": [{"name": name, "value": 0} for name in params]}
    empty["config"] = empty.get("config", {}) | {"aria": False}
    return json.dumps(vl_convert.vegalite_to_vega(empty))


def _with_data(spec: Spec) -> Spec:
    drawing = _compiled(spec)
    for data in drawing["data"]:
        if data["name"] in spec["datasets"]:
            data["values"] = spec["datasets"][data["name"]]
    values = {param["name"]: param["value"] for param in spec.get("params", [])}
    for signal in drawing["signals"]:
        if signal["name"] in values:
            signal["value"] = values[signal["name"]]
    return drawing


def _texts(thing: Any) -> list[str]:
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, dict):
        return [text for value in thing.values() for text in _texts(value)]
    if isinstance(thing, list):
        return [text for value in thing for text in _texts(value)]
    return []


def _slim(element: ET.Element) -> None:
    element.tag = element.tag.removeprefix(_SVG)
    for child in list(element):
        if child.get("class") in ("background", "foreground"):
            element.remove(child)
    for key, value in list(element.attrib.items()):
        if key.startswith("aria-") or key in _DROPPED or value in _DEFAULTS.get(key, ()):
            del element.attrib[key]
        else:
            element.set(key, _NUMBER.sub(_short_number, value).removesuffix("px"))
    if element.tag == "text" and "stroke" in element.attrib:
        element.set("paint-order", "stroke")
    for child in list(element):
        _slim(child)
    element[:] = [
        kept
        for child in element
        for kept in (child if child.tag == "g" and not child.attrib else [child])
    ]
    _lift_common(element)


def _short_number(found: re.Match[str]) -> str:
    short = f"{float(found[0]):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def _lift_common(group: ET.Element) -> None:
    """What all children of a group share is said once, on the group"""
    if group.tag != "g" or len(group) < 2:
        return
    for key in _INHERITED:
        shared = {child.get(key) for child in group}
        if len(shared) == 1 and (value := shared.pop()) is not None and key not in group.attrib:
            group.set(key, value)
            for child in group:
                del child.attrib[key]


def _renumber_clips(root: ET.Element, stem: str) -> None:
    """Clip paths are counted per process by the drawing library: here they take their ids from the chart."""
    names: dict[str, str] = {}
    for element in root.iter():
        if (found := element.get("id")) is not None:
            names[found] = f"{stem}-c{len(names) + 1}"
            element.set("id", names[found])
    for element in root.iter():
        for key, value in element.attrib.items():
            element.set(
                key,
                re.sub(r"url\(#([^)]+)\)", lambda hit: f"url(#{names.get(hit[1], hit[1])})", value),
            )
