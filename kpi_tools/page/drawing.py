"""Charts in Altair, and how they become a small SVG that stands inside the page and can be read aloud.

A chart is one of the kinds below and its own data. A kind is compiled to Vega once, when it is first drawn; after that
only the data change. The same chart gives the same bytes in whatever order it is drawn: no random ids, no counters.
Text that comes from the council stands in data values only: Vega reads titles and axis titles as expressions.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import altair as alt

from kpi_tools.errors import KpiError
from kpi_tools.page.texts import SVG, write_texts

Spec = dict[str, Any]
Rows = list[dict[str, Any]]

INK, QUIET, WHITE, VIOLET = "#0b0c0c", "#484f56", "#ffffff", "#6a1b9a"
BLUE, COLUMN, PALE = "#1d5c99", "#5a93cc", "#dbe8f5"
GREY, HAIRLINE = "#6b737b", "#d3d8dd"


class Colour(NamedTuple):
    """A band's colour: its badge and the badge's text, edge, the pale tint behind a chart, and the shape beside it."""

    badge: str
    text: str
    edge: str
    tint: str
    shape: str


COLOURS = {
    "blue": Colour(
        "#1d4f8c", WHITE, "#1d4f8c", "#eaf1fa", "M0,-1.1L1.05,-0.34L0.65,0.9L-0.65,0.9L-1.05,-0.34Z"
    ),
    "green": Colour("#00703c", WHITE, "#00703c", "#e8f5ee", "circle"),
    "amber": Colour("#f7a800", INK, INK, "#fbe6b0", "triangle-up"),
    "red": Colour("#d4351c", WHITE, "#d4351c", "#f5cfc7", "square"),
    "grey": Colour(
        "#6b737b", WHITE, "#6b737b", "#e1e4e7", "M1,0L0.5,0.87L-0.5,0.87L-1,0L-0.5,-0.87L0.5,-0.87Z"
    ),
}
UNRATED = Colour(WHITE, INK, QUIET, WHITE, "circle")


class Line(NamedTuple):
    """How a line looks; round ends make dots of dashes without length."""

    stroke: str
    width: float = 1.0
    dash: tuple[float, float] = (1, 0)
    cap: str = "butt"


LINES = {
    "edge": Line(GREY),
    "divider": Line(GREY, 1, (2, 3)),
    "base": Line(INK, 1.6),
    "grid": Line(HAIRLINE),
    "target": Line(INK, 2, (8, 5)),
    "floor": Line(INK, 2.8, (0.1, 5), "round"),
    "leader": Line(GREY),
    "mean": Line(QUIET, 1.5),
    "limit": Line(GREY, 1.5, (6, 3)),
    "near": Line("#aab2ba", 1, (2, 2)),
    "benchmark": Line(VIOLET, 3),
    "range": Line("#6f7880", 6),
    "range end": Line(QUIET, 1.6),
    "expected": Line(INK, 3),
    "tick": Line(GREY, 2),
    "median": Line(INK, 3.2),
    "shortfall": Line("#d4351c", 4),
    "other": Line("#8a97a2", 1.5),
    "series": Line(BLUE, 2.6),
    "thin": Line(BLUE, 1.4),
    "thin target": Line(INK, 1.2, (3, 2)),
    "fitted": Line(BLUE, 1.5, (6, 3)),
    "supposed": Line(VIOLET, 2, (3, 3)),
}


class Point(NamedTuple):
    """How a point looks."""

    fill: str
    stroke: str
    shape: str = "circle"
    size: float = 66
    width: float = 2.2
    dash: tuple[float, float] = (1, 0)


_PALE = {name: colour.tint for name, colour in COLOURS.items()}
_MARKS = {
    name: Point(colour.badge, colour.edge, colour.shape, 85, 1)
    for name, colour in (COLOURS | {"unrated": UNRATED}).items()
} | {
    "month": Point(VIOLET, VIOLET, "diamond", 85),
    "this": Point(BLUE, BLUE, size=85),
    "other": Point("#8a97a2", "#8a97a2", size=45, width=1),
    "improvement": Point(BLUE, BLUE, "square", 85),
    "concern": Point("#b3470b", "#b3470b", "diamond", 98),
    "neutral": Point(VIOLET, VIOLET, "triangle-up", 85),
    "common cause": Point(GREY, GREY, size=66),
}
"""Points that say by their shape what a figure is; pale where it is not final, hollow where it is not a fact."""
POINTS = {
    "final": Point(BLUE, BLUE),
    "open": Point(WHITE, BLUE),
    "illustrative": Point(WHITE, VIOLET, dash=(3, 2)),
    "latest": Point(BLUE, BLUE, size=113),
    "latest open": Point(WHITE, BLUE, size=113),
    "latest illustrative": Point(WHITE, VIOLET, size=113, dash=(3, 2)),
    "doubt": Point("transparent", VIOLET, size=314, width=1.8, dash=(3, 2)),
    "one month": Point(WHITE, BLUE, "diamond", 98, 2.4),
    "ours": Point(BLUE, WHITE, size=200, width=2),
    "ours now": Point(WHITE, BLUE, size=150, width=2.6),
    **_MARKS,
    **{
        f"band {name}": look._replace(size=64 if name == "amber" else 50)
        for name, look in _MARKS.items()
        if name in (*COLOURS, "unrated")
    },
    **{
        f"pale {name}": look._replace(fill=_PALE.get(name, PALE), width=1.6)
        for name, look in _MARKS.items()
    },
    **{f"hollow {name}": look._replace(fill=WHITE, width=1.6) for name, look in _MARKS.items()},
}
_BROWN = "#7a5200"  # beside white amber itself is too pale for an edge
COLUMNS = (
    {"final": (COLUMN, BLUE), "open": (PALE, BLUE), "illustrative": (WHITE, VIOLET)}
    | {
        name: (colour.badge, _BROWN if name == "amber" else colour.edge)
        for name, colour in COLOURS.items()
    }
    | {
        f"pale {name}": (colour.tint, _BROWN if name == "amber" else colour.edge)
        for name, colour in COLOURS.items()
    }
    | {"unrated": (WHITE, QUIET), "pale unrated": (WHITE, QUIET)}
)


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn: the `kind`, its data sets, its size without the margins, and its `settings`.

    `margins` are left, right, top, bottom. The kinds' settings are numbers and words of the axes (see `KINDS`).
    """

    kind: str
    data: Mapping[str, Rows]
    width: float
    height: float
    margins: tuple[float, float, float, float]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def svg(self, name: str, title: str, text: str) -> str:
        """The chart as an `<svg role="img">` element with `title` and `text` as its alternative text.

        `name` becomes the stem of the ids, so it is unique on its page. Raises `KpiError` for text that holds control
        characters, which would end the drawing process (vega/vl-convert issue 220): loading takes them out.
        """
        import vl_convert

        if _UNDRAWABLE.search("".join(_texts([self.data, title, text]))):
            raise KpiError(
                f'The chart "{name}" cannot be drawn: a text in it holds a control character. '
                "Type that text again in the return it came from."
            )
        vega: Spec = json.loads(_compiled(self.kind, tuple(self.settings)))
        for known in vega["data"]:
            known |= {"values": self.data[known["name"]]} if known["name"] in self.data else {}
        empty = {
            of["name"] for of in vega["data"] if not self.data.get(of.get("source", of["name"]), 1)
        }
        sources = [mark.get("from", {}) for mark in vega["marks"]]
        of = [source.get("facet", source).get("data") for source in sources]
        vega["marks"] = [m for m, name in zip(vega["marks"], of, strict=True) if name not in empty]
        used = json.dumps([vega["marks"], "x", "y"])
        vega["scales"] = [one for one in vega["scales"] if f'"{one["name"]}"' in used]
        for signal in vega["signals"]:
            if signal["name"] in self.settings:
                signal["value"] = self.settings[signal["name"]]
        left, right, top, bottom = self.margins
        vega |= {"width": self.width, "height": self.height}
        vega["padding"] = {"left": left, "right": right, "top": top, "bottom": bottom}
        root = ET.fromstring(vl_convert.vega_to_svg(json.dumps(vega)))
        if texts := self.data.get("texts"):
            write_texts(root, vega, texts)
        _slim_element(root)
        return _named(root, name, title, text)


# The kinds. All measure along x in places: period number n fills 0 to 1 from x = n.


def series_chart() -> alt.LayerChart | alt.FacetChart:
    """Bands, columns, lines, points and texts over periods, with a value axis.

    Its grid and ticks are bands, their labels texts. Settings: `low`, `high` (of the value axis), `places` (how many).
    """
    x = alt.X("x:Q", axis=None, scale=_scale(0, alt.ExprRef("places")))
    y = alt.Y("y:Q", axis=None, scale=_scale(alt.ExprRef("low"), alt.ExprRef("high")))
    at: Any = {"x": x, "y": y}
    tints = {name: look.tint for name, look in COLOURS.items()} | {"grid": HAIRLINE, "tick": GREY}
    bands = (
        _data("bands")
        .mark_rect()
        .encode(**at, x2="x2:Q", y2="y2:Q", fill=_look(alt.Fill, tints, "colour"))
    )
    columns = (
        _data("columns")
        .mark_bar(width=alt.ExprRef("0.78 * width / places"), strokeWidth=1.4)
        .encode(
            **at,
            y2=alt.Y2Datum(0),
            fill=_look(alt.Fill, {name: look[0] for name, look in COLUMNS.items()}),
            stroke=_look(alt.Stroke, {name: look[1] for name, look in COLUMNS.items()}),
        )
    )
    return alt.layer(bands, columns, _lines(at), _points(at))


def small_chart() -> alt.LayerChart | alt.FacetChart:
    """Lines and points without axis or text, in the room of a line of text. Settings: `low`, `high`, `left`, `right`."""
    at: Any = {
        "x": alt.X("x:Q", axis=None, scale=_scale(alt.ExprRef("left"), alt.ExprRef("right"))),
        "y": alt.Y("y:Q", axis=None, scale=_scale(alt.ExprRef("low"), alt.ExprRef("high"))),
    }
    return alt.layer(_lines(at), _points(at))


def counts_chart() -> alt.FacetChart:
    """Columns of one count a report, in a row for each rating, on one scale. Data: `columns` with `row`,
    `place`, `count`. Setting: `left`, the room for the names."""
    x = alt.X("place:O", axis=None, scale=alt.Scale(paddingInner=0.22, paddingOuter=0.11))
    y = alt.Y("count:Q", axis=None, scale=alt.Scale(domainMin=0, nice=False))
    columns = (
        alt.Chart()
        .mark_bar(strokeWidth=1.4)
        .encode(
            x=x,
            y=y,
            fill=_look(alt.Fill, {name: look[0] for name, look in COLUMNS.items()}),
            stroke=_look(alt.Stroke, {name: look[1] for name, look in COLUMNS.items()}),
        )
    )
    texts = alt.Chart().mark_text(
        baseline="alphabetic", fill=INK, fontSize=13, fontWeight=alt.ExprRef("datum.weight")
    )
    numbers = texts.encode(x=x, y=y, yOffset=alt.value(-4), text="count:Q")
    months = texts.encode(x=x, y=alt.value(59), text="month:N")
    years = texts.encode(x=x, y=alt.value(74), text="year:N")
    foot = alt.Chart().transform_aggregate(reports="count()")
    foot = foot.mark_rule(stroke=INK, strokeWidth=1.2).encode(y=alt.datum(0))
    marks = alt.Chart().transform_filter("datum.mark").encode(y=alt.value(21))
    shapes = {name: POINTS[name] for name in (*COLOURS, "unrated")}
    named = [
        marks.mark_point(size=85, opacity=1).encode(
            x=alt.value(alt.ExprRef("10 - left")),
            shape=_look(alt.Shape, {name: look.shape for name, look in shapes.items()}, "mark"),
            fill=_look(alt.Fill, {name: look.fill for name, look in shapes.items()}, "mark"),
            stroke=_look(alt.Stroke, {name: look.stroke for name, look in shapes.items()}, "mark"),
        ),
        marks.mark_text(align="left", fontSize=14, fontWeight="bold", fill=INK, dy=1).encode(
            x=alt.value(alt.ExprRef("20 - left")), text="row:N"
        ),
    ]
    row = alt.Row("row:N", sort=alt.EncodingSortField("order", op="min"), header=None)
    layered = alt.layer(
        columns, numbers, foot, months, years, *named, data=alt.NamedData("columns")
    )
    return layered.properties(width=alt.Step(30), height=42).facet(
        row=row, spacing=18, bounds="flush"
    )


def strip_chart() -> alt.LayerChart | alt.FacetChart:
    """Ticks along one line of values, with points and texts. Data: `areas`, `points`, `texts` (y from above). Settings:
    `low`, `high`."""
    at: Any = {
        "x": alt.X("x:Q", axis=None, scale=_scale(alt.ExprRef("low"), alt.ExprRef("high"))),
        "y": alt.Y("y:Q", axis=None, scale=_scale(74, 0)),
    }
    colours = {name: LINES[name].stroke for name in ("tick", "median")}
    ticks = (
        _data("areas")
        .mark_tick(opacity=1)
        .encode(
            x=at["x"],
            y=alt.value(40),
            color=_look(alt.Color, colours),
            size=_look(alt.Size, {"tick": 16, "median": 28}),
        )
    )
    base = alt.Chart(alt.InlineData(values=[{}])).mark_rule(stroke="#b4bcc4")
    axis = base.encode(y=alt.value(40), x=alt.value(0), x2=alt.value("width"))
    return alt.layer(axis, ticks, _points(at))


KINDS: dict[str, Callable[[], Any]] = {
    "series": series_chart,
    "small": small_chart,
    "counts": counts_chart,
    "strip": strip_chart,
}


def _data(name: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(name))


def _scale(low: Any, high: Any) -> alt.Scale:
    return alt.Scale(domain=[low, high], nice=False, zero=False, padding=0)


def _look(channel: Any, looks: Mapping[str, Any], name: str = "look") -> Any:
    """An encoding by `name`, with a look for each of its values and no legend."""
    scale = alt.Scale(type="ordinal", domain=list(looks), range=list(looks.values()))
    kind = (
        "O" if channel in (alt.StrokeWidth, alt.Size) else "N"
    )  # Vega warns of these where there is no order
    return channel(f"{name}:{kind}", legend=None, scale=scale)


def _lines(at: Mapping[str, Any]) -> alt.Chart:
    """A line through the rows of each `part`."""
    return (
        _data("lines")
        .mark_line(strokeCap=alt.ExprRef("datum.cap"), strokeJoin="round")
        .encode(
            **at,
            detail="part:N",
            order="step:Q",
            stroke=_look(alt.Stroke, {name: look.stroke for name, look in LINES.items()}),
            strokeWidth=_look(alt.StrokeWidth, {name: look.width for name, look in LINES.items()}),
            strokeDash=_look(
                alt.StrokeDash, {name: list(look.dash) for name, look in LINES.items()}
            ),
        )
    )


def _points(at: Mapping[str, Any]) -> alt.Chart:
    return (
        _data("points")
        .mark_point(opacity=1, cursor="pointer")
        .encode(
            **at,
            shape=_look(alt.Shape, {name: look.shape for name, look in POINTS.items()}),
            fill=_look(alt.Fill, {name: look.fill for name, look in POINTS.items()}),
            stroke=_look(alt.Stroke, {name: look.stroke for name, look in POINTS.items()}),
            size=_look(alt.Size, {name: look.size for name, look in POINTS.items()}),
            strokeWidth=_look(alt.StrokeWidth, {name: look.width for name, look in POINTS.items()}),
            strokeDash=_look(
                alt.StrokeDash, {name: list(look.dash) for name, look in POINTS.items()}
            ),
        )
    )


@lru_cache
def _described(kind: str) -> str:
    """The Vega-Lite specification of a kind, without data."""
    size = alt.AutoSizeParams(type="none")
    chart = KINDS[kind]().properties(background="transparent", autosize=size)
    names = ("fill", "stroke", "strokeDash", "strokeWidth", "size", "shape")
    looks: Any = dict.fromkeys(names, "independent")
    spec: Spec = chart.resolve_scale(**looks).configure_view(stroke=None).to_dict(validate=False)
    return json.dumps(spec)


@lru_cache
def _compiled(kind: str, settings: tuple[str, ...]) -> str:
    """The kind in Vega, without descriptions of single marks: a chart has one as a whole."""
    import vl_convert

    spec: Spec = json.loads(_described(kind))
    spec["params"] = [{"name": name, "value": 0} for name in settings]
    spec["config"] = spec.get("config", {}) | {"aria": False}
    return json.dumps(vl_convert.vegalite_to_vega(spec))


_UNDRAWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DROPPED = {
    "class",
    "role",
    "version",
    "clip-path",
    "stroke-miterlimit",
    "font-family",
    "pointer-events",
    "cursor",
}
_DEFAULTS = {
    "stroke-dasharray": ("1,0",),
    "stroke-width": ("0",),
    "opacity": ("1",),
    "fill-opacity": ("1",),
    "stroke-opacity": ("1",),
    "transform": ("translate(0,0)",),
    "text-anchor": ("start",),
    "font-weight": ("normal",),
    "stroke-linecap": ("butt",),
    "stroke": ("transparent",),
    "fill": ("transparent",),
    "stroke-linejoin": ("miter",),
}
_INHERITED = (
    "fill",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-linejoin",
    "font-size",
    "text-anchor",
)
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def _named(root: ET.Element, name: str, title: str, text: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "kpi-chart",
            "role": "img",
            "viewBox": box,
            "aria-labelledby": f"{stem}-t {stem}-d",
        }
    )
    for tag, words in (("desc", text), ("title", title)):
        element = ET.Element(tag, {"id": f"{stem}-{tag[0]}"})
        element.text = words
        root.insert(0, element)
    return ET.tostring(root, encoding="unicode").replace(" />", "/>")


def _slim_element(element: ET.Element) -> None:
    element.tag = element.tag.removeprefix(SVG)
    for child in list(element):
        unseen = child.get("class") in ("background", "foreground") or child.get("opacity") == "0"
        if unseen or child.tag.removeprefix(SVG) == "defs":
            element.remove(child)
    for key, value in list(element.attrib.items()):
        if key.startswith("aria-") or key in _DROPPED or value in _DEFAULTS.get(key, ()):
            del element.attrib[key]
        else:
            element.set(key, _NUMBER.sub(_short_number, value).removesuffix("px"))
    for child in list(element):
        _slim_element(child)
    element[:] = [
        kept
        for child in element
        if len(child) or (child.tag != "g" and (child.tag != "text" or child.text))
        for kept in (child if child.tag == "g" and not child.attrib else [child])
    ]
    if element.tag == "g" and len(element) > 1:
        for key in _INHERITED:  # what all share is written once, on the group
            first = element[0].get(key)
            same = all(child.get(key) == first for child in element)
            if first is not None and same and key not in element.attrib:
                element.set(key, first)
                for child in element:
                    del child.attrib[key]


def _short_number(found: re.Match[str]) -> str:
    short = f"{float(found[0]):.1f}".removesuffix(".0")
    return "0" if short == "-0" else short


def _texts(thing: Any) -> list[str]:
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, Mapping):
        return [text for value in thing.values() for text in _texts(value)]
    return [text for value in thing for text in _texts(value)] if isinstance(thing, list) else []
