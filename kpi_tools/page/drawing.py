"""How pictures look and become SVG: one Altair chart, compiled once and drawn with each one's data.

No random ids, no counters: the same bytes in whatever order they are drawn. A council's text stands
in data values only: Vega reads titles and axis titles as expressions.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import wrap
from typing import Any, NamedTuple

import altair as alt
from markupsafe import escape

from kpi_tools.errors import KpiError
from kpi_tools.rows import Rows

INK, QUIET, WHITE, VIOLET = "#0b0c0c", "#484f56", "#ffffff", "#6a1b9a"
BLUE, COLUMN, PALE = "#1d5c99", "#5a93cc", "#dbe8f5"
GREY, HAIRLINE, ORANGE = "#6b737b", "#d3d8dd", "#b3470b"


class Colour(NamedTuple):
    """A band's badge, its text, edge, the pale tint behind a chart, and the shape beside it."""

    badge: str
    text: str
    edge: str
    tint: str
    shape: str


_PENTAGON = "M0,-1.1L1.05,-0.34L0.65,0.9L-0.65,0.9L-1.05,-0.34Z"
_HEXAGON = "M1,0L0.5,0.87L-0.5,0.87L-1,0L-0.5,-0.87L0.5,-0.87Z"
COLOURS = {
    "blue": Colour("#1d4f8c", WHITE, "#1d4f8c", "#eaf1fa", _PENTAGON),
    "green": Colour("#00703c", WHITE, "#00703c", "#e8f5ee", "circle"),
    "amber": Colour("#f7a800", INK, INK, "#fbe6b0", "triangle-up"),
    "red": Colour("#d4351c", WHITE, "#d4351c", "#f5cfc7", "square"),
    "grey": Colour("#6b737b", WHITE, "#6b737b", "#e1e4e7", _HEXAGON),
}
UNRATED = Colour(WHITE, INK, QUIET, WHITE, "circle")


class Line(NamedTuple):
    """How a line looks, by Altair's names."""

    stroke: str
    strokeWidth: float = 1.0
    strokeDash: tuple[float, float] = (1, 0)


LINES = {
    "edge": Line(GREY),
    "divider": Line(GREY, 1, (2, 3)),
    "base": Line(INK, 1.6),
    "target": Line(INK, 2, (8, 5)),
    "floor": Line(INK, 2.8, (0.1, 5)),  # its ends are round, which makes dots of the dashes
    "mean": Line(QUIET, 1.5),
    "limit": Line(GREY, 1.5, (6, 3)),
    "near": Line("#aab2ba", 1, (2, 2)),
    "benchmark": Line(VIOLET, 3),
    "range": Line("#6f7880", 6),
    "range end": Line(QUIET, 1.6),
    "expected": Line(INK, 3),
    "tick": Line(GREY, 2),
    "median": Line(INK, 3.2),
    "other": Line("#8a97a2", 1.5),
    "series": Line(BLUE, 2.6),
    "fitted": Line(BLUE, 1.5, (6, 3)),
    "supposed": Line(VIOLET, 2, (3, 3)),
}


class Point(NamedTuple):
    """How a point looks, by Altair's names."""

    fill: str
    stroke: str
    shape: str = "circle"
    size: float = 66
    strokeWidth: float = 2.2
    strokeDash: tuple[float, float] = (1, 0)


_MARKS = {
    name: Point(colour.badge, colour.edge, colour.shape, 85, 1)
    for name, colour in (COLOURS | {"unrated": UNRATED}).items()
} | {
    "month": Point(VIOLET, VIOLET, "diamond", 85),
    "this": Point(BLUE, BLUE, size=85),
    "other": Point("#8a97a2", "#8a97a2", size=45, strokeWidth=1),
    "improvement": Point(BLUE, BLUE, "square", 85),
    "concern": Point(ORANGE, ORANGE, "diamond", 98),
    "neutral": Point(VIOLET, VIOLET, "triangle-up", 85),
    "common cause": Point(GREY, GREY, size=66),
}
"""Points whose shape says what a figure is; pale where it is not final, hollow where no fact."""
POINTS = {
    "final": Point(BLUE, BLUE),
    "open": Point(WHITE, BLUE),
    "illustrative": Point(WHITE, VIOLET, strokeDash=(3, 2)),
    "latest": Point(BLUE, BLUE, size=113),
    "latest open": Point(WHITE, BLUE, size=113),
    "latest illustrative": Point(WHITE, VIOLET, size=113, strokeDash=(3, 2)),
    "doubt": Point("transparent", VIOLET, size=314, strokeWidth=1.8, strokeDash=(3, 2)),
    "one month": Point(WHITE, BLUE, "diamond", 98, 2.4),
    "ours": Point(BLUE, WHITE, size=200, strokeWidth=2),
    "ours now": Point(WHITE, BLUE, size=150, strokeWidth=2.6),
} | _MARKS
for _name, _look in _MARKS.items():
    _tint = COLOURS[_name].tint if _name in COLOURS else PALE
    POINTS[f"band {_name}"] = _look._replace(size=64 if _name == "amber" else 50)
    POINTS[f"pale {_name}"] = _look._replace(fill=_tint, strokeWidth=1.6)
    POINTS[f"hollow {_name}"] = _look._replace(fill=WHITE, strokeWidth=1.6)


class Area(NamedTuple):
    """How a band or a column looks."""

    fill: str
    stroke: str = "transparent"


BANDS = {name: Area(colour.tint) for name, colour in COLOURS.items()}
COLUMNS = {
    "final": Area(COLUMN, BLUE),
    "open": Area(PALE, BLUE),
    "illustrative": Area(WHITE, VIOLET),
    "unrated": Area(WHITE, QUIET),
    "pale unrated": Area(WHITE, QUIET),
}
for _name, _colour in COLOURS.items():
    _edge = "#7a5200" if _name == "amber" else _colour.edge  # beside white amber is too pale
    COLUMNS |= {_name: Area(_colour.badge, _edge), f"pale {_name}": Area(_colour.tint, _edge)}


def chart() -> Any:
    """Bands, columns, lines and points over periods, with the ticks and grid of a value axis.

    Bands and columns go from `y` to `y2`, a line through the rows of each `part`; each row names
    its `look` above. Settings: see `Drawing`.
    """
    expr: Any = alt.ExprRef
    exact: Any = {"nice": False, "zero": False, "padding": 0}
    axis = alt.Axis(
        values=expr("ticks"),
        title=None,
        domain=False,
        labels=False,
        gridColor=HAIRLINE,
        gridOpacity=expr("grid"),
        tickColor=GREY,
        tickSize=4,
    )
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, expr("places")], **exact))
    y = alt.Y("y:Q", axis=axis, scale=alt.Scale(domain=[expr("low"), expr("high")], **exact))
    bands = _data("bands").mark_rect().encode(x, y, x2="x2:Q", y2="y2:Q", **_looks(Area))
    columns = _data("columns").mark_bar(width=expr("0.78 * width / places"), strokeWidth=1.4)
    columns = columns.encode(x, y, y2="y2:Q", **_looks(Area))
    cap = expr("datum.look == 'floor' ? 'round' : 'butt'")
    lines = _data("lines").mark_line(strokeCap=cap, strokeJoin="round")
    lines = lines.encode(x, y, detail="part:N", order="step:Q", **_looks(Line))
    points = _data("points").mark_point(opacity=1).encode(x, y, **_looks(Point))
    return alt.layer(bands, columns, lines, points)


def texts() -> Any:
    """Texts at places in pixels, over wider copies in the colour that lies `behind` them."""
    names = ("x", "y", "align", "fontSize", "fontWeight")
    looks: Any = {name: alt.ExprRef(f"datum.{name}") for name in names} | {"baseline": "alphabetic"}
    edge: Any = {"fill": "transparent", "stroke": alt.ExprRef("datum.behind"), "strokeWidth": 4}
    layer = _data("texts").encode(text="text:N")
    behind = layer.transform_filter("isValid(datum.behind)")
    behind = behind.mark_text(**looks, **edge, strokeJoin="round")
    return alt.layer(behind, layer.mark_text(**looks, fill=alt.ExprRef("datum.fill")))


_CONFIG: Any = {"background": "transparent", "view": {"stroke": None}}


def _data(name: str) -> alt.Chart:
    return alt.Chart(alt.NamedData(name))


def _looks(kind: Any) -> dict[str, Any]:
    """An encoding for each field of a kind of look, which the data hold as they are to be drawn."""
    channels = {name: getattr(alt, name[0].upper() + name[1:]) for name in kind._fields}
    return {name: of(name, type="nominal", scale=None) for name, of in channels.items()}


def _with_looks(data: Mapping[str, Rows]) -> dict[str, Rows]:
    """The data sets with the looks that their rows name."""
    tables: Any = {"bands": BANDS, "columns": COLUMNS, "lines": LINES, "points": POINTS}
    return dict(data) | {
        name: [row | looks[row["look"]]._asdict() for row in data[name]]
        for name, looks in tables.items()
    }


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn: the data sets of `chart` and `texts`, the plot's size, `settings`.
    `margins` are left, right, top, bottom. The settings are `low` and `high` (the ends of the value
    axis), `places` (how many periods), `ticks`, and `grid` (0 or 1)."""

    data: Mapping[str, Rows]
    settings: Mapping[str, Any]
    width: float
    height: float
    margins: tuple[float, float, float, float]

    def svg(self, name: str, title: str, text: str) -> str:
        """The picture as an `<svg role="img">` with `title` and `text` as its alternative text.
        `name` becomes the stem of the ids, so it is unique on its page. Raises `KpiError` for text
        with control characters, which end the process (vega/vl-convert issue 220): loading takes
        them out."""
        import vl_convert

        written = [row["text"] for row in self.data["texts"]]
        if _UNDRAWABLE.search("".join([*written, title, text])):
            raise KpiError(
                f'The chart "{name}" cannot be drawn: a text in it holds a control character. '
                "Type that text again in the return it came from."
            )
        vega, data = json.loads(_compiled(tuple(self.settings))), _with_looks(self.data)
        for known in vega["data"]:
            known |= {"values": data[known["name"]]} if known["name"] in data else {}
        for signal in vega["signals"]:
            signal |= {"value": self.settings[signal["name"]]}
        left, right, top, bottom = self.margins
        room = {"left": left, "right": right, "top": top, "bottom": bottom}
        vega |= {"width": self.width, "height": self.height, "padding": room}
        root = ET.fromstring(vl_convert.vega_to_svg(json.dumps(vega)))
        marks = "".join(ET.tostring(one, "unicode") for child in root for one in _seen(child))
        texts = _written(self.data["texts"])
        marks += f'<g transform="translate({left:.1f},{top:.1f})">{texts}</g>'
        size = self.width + left + right, self.height + top + bottom
        return image(name, title, text, size, marks.replace(" />", "/>"))

    def altair(self, title: str, below: str) -> alt.LayerChart:
        """The picture as an Altair chart under a title and a text, to be shown or saved."""
        lines = [wrap(text, 130) for text in (title, below)]
        left, right, top, bottom = self.margins
        above = top + 15 * sum(map(len, lines))
        room = {"left": left, "right": right, "top": above, "bottom": bottom}
        whole: Any = alt.layer(chart(), texts()).properties(
            width=self.width,
            height=self.height,
            padding=room,
            autosize=alt.AutoSizeParams(type="none"),
            title=alt.TitleParams(lines[0], subtitle=lines[1], anchor="start", subtitleColor=QUIET),
            datasets=_with_looks(self.data),
        )
        whole = whole.add_params(*(alt.param(name, value=v) for name, v in self.settings.items()))
        return whole.configure(**_CONFIG)


def image(name: str, title: str, text: str, size: tuple[float, float], marks: str) -> str:
    """Marks as an `<svg>` of a size, with `title` and `text` as its alternative text."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return (
        f'<svg class="kpi-chart" role="img" viewBox="0 0 {size[0]:g} {size[1]:g}" '
        f'aria-labelledby="{stem}-t {stem}-d"><title id="{stem}-t">{escape(title)}</title>'
        f'<desc id="{stem}-d">{escape(text)}</desc>{marks}</svg>'
    )


@lru_cache
def _compiled(settings: Sequence[str]) -> str:
    """The chart in Vega, without data."""
    import vl_convert

    whole = chart().add_params(*(alt.param(name, value=0) for name in settings))
    spec = whole.to_dict(validate=False)  # a test validates it
    spec |= {"autosize": {"type": "none"}, "config": _CONFIG | {"aria": False}}
    return json.dumps(vl_convert.vegalite_to_vega(spec))


def _written(rows: Rows) -> str:
    """The texts as elements: Vega measures each one it draws, twice the time of all the rest."""
    behind, above = "", ""
    for row in rows:
        anchor = {"left": "start", "center": "middle", "right": "end"}[row["align"]]
        bold = ' font-weight="bold"' if row["fontWeight"] == "bold" else ""
        place = f'x="{row["x"]:.1f}" y="{row["y"]:.1f}" text-anchor="{anchor}"{bold}'
        begin = f'<text {place} font-size="{row["fontSize"]}"'
        end = f">{escape(row['text'])}</text>"
        above += f'{begin} fill="{row["fill"]}"{end}'
        if row["behind"]:
            behind += f'{begin} fill="none" stroke="{row["behind"]}"{end}'
    return f'<g stroke-width="4" stroke-linejoin="round">{behind}</g>{above}'


_UNDRAWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_DRAWN = {
    *("d", "x2", "y2", "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap"),
    *("stroke-linejoin", "transform", "text-anchor", "font-size", "font-weight"),
}
_DEFAULTS = {"transparent", "translate(0,0)", "1,0", "butt", "miter", "start", "normal"}


def _seen(element: ET.Element) -> Iterator[ET.Element]:
    """What is seen of an element that Vega drew, in as few elements and attributes."""
    if element.get("class") in ("background", "foreground") or element.get("opacity") == "0":
        return
    tag = element.tag.rpartition("}")[2]
    looks = {
        key: _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
        for key, value in element.attrib.items()
        if key in _DRAWN and value not in _DEFAULTS
    }
    children = [one for child in element for one in _seen(child)]
    if tag == "g" and not looks:
        yield from children
    elif tag != "rect" and (children or tag != "g"):
        slim = ET.Element(tag, looks)
        slim.text = element.text
        slim.extend(children)
        yield slim
