"""The one drawing of the explorers: an Altair chart described once, filled with the marks of a view.

On screen it is live: its data have ids, and the parameter `chosen` rings one of them. On paper the same specification
becomes an SVG (`svg.inline_svg`). Text that comes from the council stands in data values only (see `page.charts`).
"""

from copy import deepcopy
from functools import lru_cache
from typing import Any

import altair as alt

from kpi_tools.explorer.marks import HEIGHT, Marks
from kpi_tools.page.shapes import BLUE, INK, RAG_FILLS, WHITE, scaled, specification, styled_lines
from kpi_tools.vocabulary import (
    AMBER,
    COMMON_CAUSE,
    CONCERN,
    ESTIMATED,
    FINAL,
    GREEN,
    ILLUSTRATIVE,
    IMPROVEMENT,
    NEUTRAL,
    NOT_RATED,
    RED,
)

WIDTH = 720
_GREY, _ORANGE, _PURPLE = "#5b6770", "#b3470b", "#6a1b9a"
_DOTS = {
    GREEN: (RAG_FILLS[GREEN], "circle"),
    AMBER: (RAG_FILLS[AMBER], "triangle-up"),
    RED: (RAG_FILLS[RED], "square"),
    NOT_RATED: (_GREY, "stroke"),
    COMMON_CAUSE: (_GREY, "circle"),
    IMPROVEMENT: (BLUE, "square"),
    CONCERN: (_ORANGE, "diamond"),
    NEUTRAL: (_PURPLE, "triangle-up"),
    "month": (_PURPLE, "diamond"),
    "this": (BLUE, "circle"),
    "other": ("#8a97a2", "circle"),
}
_EDGES = {AMBER: INK}
_LINES = {
    "actual": ("#8a97a2", 1.5, [1, 0]),
    "this": (BLUE, 2.5, [1, 0]),
    "other": ("#b8c2cb", 1.5, [1, 0]),
    "target": (INK, 2, [8, 4]),
    "floor": (INK, 2, [2, 3]),
    "fitted": (BLUE, 2, [1, 0]),
    "expected": (_PURPLE, 2, [1, 0]),
    "mean": (_GREY, 1.5, [1, 0]),
    "limit": (_GREY, 1.5, [6, 3]),
    "near": ("#c3ccd4", 1, [2, 2]),
    "latest": (BLUE, 2, [8, 4]),
}
_BANDS = {"limits": "#eef2f5", "expected": "#eee3f4"}
_OPACITIES = {FINAL: 1.0, ESTIMATED: 0.35, ILLUSTRATIVE: 0.0}
_TONES = {"dark": INK, "quiet": "#4a5258"}


def series_spec(marks: Marks, chosen: str = "") -> dict[str, Any]:
    """The Vega-Lite specification that draws the marks of a view (`explorer_data`), with the dot `chosen` ringed."""
    spec = deepcopy(_shape())
    low, high = marks["range"]
    values = {
        "low": low,
        "high": high,
        "slots": marks["slots"],
        "unit": "%" if marks["unit"] == "%" else "",
        "chosen": chosen,
    }
    spec["params"] = [{"name": name, "value": value} for name, value in values.items()]
    spec["datasets"] = {name: marks[name] for name in ("band", "lines", "dots", "texts")}
    return spec


@lru_cache
def _shape() -> dict[str, Any]:
    chart = alt.layer(_band(), _lines(), _ring(), *_dots(), *_texts()).properties(
        width=WIDTH,
        height=HEIGHT,
        autosize=alt.AutoSizeParams(type="none"),
        background=WHITE,
        padding={"left": 52, "right": 132, "top": 12, "bottom": 46},
    )
    return specification(chart)


def _x() -> alt.X:
    scale = alt.Scale(domain=[0, alt.ExprRef("slots")], range=[0, WIDTH], nice=False, zero=False)
    return alt.X("x:Q", axis=None, scale=scale)


def _y() -> alt.Y:
    axis = alt.Axis(
        title=None, domain=False, ticks=False, tickCount=5, gridColor="#e3e8ec", labelColor="#4a5258", labelFontSize=11,
        labelPadding=8, labelExpr="datum.label + unit",
    )  # fmt: skip
    scale = alt.Scale(domain=[alt.ExprRef("low"), alt.ExprRef("high")], nice=False, zero=False)
    return alt.Y("y:Q", axis=axis, scale=scale)


def _band() -> alt.Chart:
    fill = scaled(alt.Fill, _BANDS)
    return (
        alt.Chart(alt.NamedData("band"))
        .mark_area()
        .encode(x=_x(), y=_y(), y2="y2:Q", detail="part:N", fill=fill)
    )


def _lines() -> alt.Chart:
    return styled_lines(_x(), _y(), _LINES)


def _ring() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("dots"))
        .transform_filter("datum.id === chosen")
        .mark_point(size=330, filled=False, stroke=INK, strokeWidth=2)
        .encode(x=_x(), y=_y())
    )


def _dots() -> list[alt.Chart]:
    """White dots, and on them the coloured ones: solid for final figures, pale or hollow for others."""
    shape = scaled(alt.Shape, {kind: look[1] for kind, look in _DOTS.items()})
    dots = alt.Chart(alt.NamedData("dots")).encode(x=_x(), y=_y(), shape=shape)
    return [
        dots.mark_point(size=85, fill=WHITE, stroke=WHITE, opacity=1),
        dots.mark_point(size=85, strokeWidth=1.75, opacity=1, cursor="pointer").encode(
            fill=scaled(alt.Fill, {kind: look[0] for kind, look in _DOTS.items()}),
            stroke=scaled(
                alt.Stroke, {kind: _EDGES.get(kind, look[0]) for kind, look in _DOTS.items()}
            ),
            fillOpacity=scaled(alt.FillOpacity, _OPACITIES, "status"),
        ),
    ]


def _texts() -> list[alt.Chart]:
    base = alt.Chart(alt.NamedData("texts")).encode(
        x=_x(), y=_y(), text="text:N", color=scaled(alt.Color, _TONES, "tone")
    )
    looks: Any = {"baseline": "middle", "fontSize": 11, "stroke": WHITE, "strokeWidth": 3}
    return [
        base.transform_filter("datum.align == 'center'").mark_text(align="center", **looks),
        base.transform_filter("datum.align == 'left'").mark_text(align="left", dx=6, **looks),
    ]
