"""The charts' shapes, described in Altair: columns with lines, and a line with its band. Data fill them in `charts`.

All charts measure in slots: quarter number n fills 0 to 1 from x = n.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import altair as alt

from kpi_tools.page.chart_data import WIDTH
from kpi_tools.page.svg import Spec
from kpi_tools.vocabulary import AMBER, ESTIMATED, FINAL, GREEN, ILLUSTRATIVE, NOT_RATED, RED

Layer = alt.Chart | alt.LayerChart

INK, WHITE = "#0b0c0c", "#ffffff"
BLUE, PALE_BLUE = "#1d5b94", "#cfe0f0"
RAG_FILLS = {GREEN: "#00703c", AMBER: "#f7a800", RED: "#d4351c", NOT_RATED: WHITE}
_FILLS = {FINAL: BLUE, ESTIMATED: PALE_BLUE, ILLUSTRATIVE: WHITE, "band": "#e3e8ec"} | RAG_FILLS
_EDGES = {
    FINAL: BLUE,
    ESTIMATED: BLUE,
    ILLUSTRATIVE: BLUE,
    "band": "#e3e8ec",
    RED: RED,
    GREEN: GREEN,
} | {
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


@lru_cache
def described() -> dict[str, Spec]:
    """Each shape by name, as a Vega-Lite specification whose data sets and ends of the scale (`low`, `high`) are to be given."""
    layers: dict[str, list[Layer]] = {
        "columns": [_boxes(), _lines()[0], _tops(), _lines()[1], *_texts()],
        "line": [_band(), *_lines(), _dots(), *_texts(stroke=WHITE, strokeWidth=3)],
    }
    return {name: _shape(layered) for name, layered in layers.items()}


def _shape(layers: list[Layer]) -> Spec:
    chart = alt.layer(*layers).properties(
        width=WIDTH,
        height=150,
        autosize=alt.AutoSizeParams(type="none"),
        background="transparent",
        padding={"left": 4, "right": 96, "top": 8, "bottom": 22},
    )
    return specification(chart)


def specification(layers: alt.LayerChart | alt.FacetChart) -> Spec:
    """Layers that share their axes and nothing else, as a plain specification without a frame."""
    looks: Any = dict.fromkeys(
        ("fill", "stroke", "strokeDash", "strokeWidth", "color"), "independent"
    )
    spec: Spec = layers.resolve_scale(**looks).configure_view(stroke=None).to_dict()
    return spec


def styled_lines(
    x: alt.X, y: alt.Y, looks: Mapping[str, tuple[str, float, list[int]]]
) -> alt.Chart:
    """The data set `lines`, a line for each `part`, of the colour, width and dashes of its `kind`."""
    encoded = {
        channel: scaled(kind, {name: look[place] for name, look in looks.items()})
        for place, (channel, kind) in enumerate(
            {
                "stroke": alt.Stroke,
                "strokeWidth": alt.StrokeWidth,
                "strokeDash": alt.StrokeDash,
            }.items()
        )
    }
    lines = alt.Chart(alt.NamedData("lines")).mark_line()
    return lines.encode(x=x, y=y, detail="part:N", order="x:Q", **encoded)


def _x(field: str = "x") -> alt.X:
    return alt.X(
        f"{field}:Q",
        axis=None,
        scale=alt.Scale(domain=[0, 6], range=[0, WIDTH], nice=False, zero=False),
    )


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
            fill=scaled(alt.Fill, _FILLS),
            stroke=scaled(alt.Stroke, _EDGES),
            strokeDash=scaled(
                alt.StrokeDash, {kind: _EDGE_DASHES.get(kind, [1, 0]) for kind in _FILLS}
            ),
        )
    )


def _tops() -> alt.Chart:
    """The columns' upper edges once more, above the lines' white surroundings, which would hide a figure near a line."""
    tops = alt.Chart(alt.NamedData("boxes")).mark_rule(strokeWidth=2)
    return tops.encode(x=_x(), x2="x2:Q", y=_y(), stroke=scaled(alt.Stroke, _EDGES))


def _lines() -> list[Layer]:
    lines = styled_lines(_x(), _y(), _LINES)
    halo = lines.transform_filter("datum.kind != 'base' && datum.kind != 'limit'").encode(
        stroke=alt.value(WHITE), strokeWidth=alt.value(5), strokeDash=alt.value([1, 0])
    )
    return [halo, lines]


def _band() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("band"))
        .mark_area(fill=_FILLS["band"])
        .encode(x=_x(), y=_y(), y2="y2:Q")
    )


def _dots() -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("dots"))
        .mark_point(size=45, filled=True, strokeWidth=1.5, opacity=1)
        .encode(x=_x(), y=_y(), fill=scaled(alt.Fill, _FILLS), stroke=scaled(alt.Stroke, _EDGES))
    )


def _texts(**halo: Any) -> list[Layer]:
    tone = scaled(alt.Color, _TONES, "tone")
    base = alt.Chart(alt.NamedData("texts")).encode(x=_x(), y=_y(), text="text:N", color=tone)
    looks: Any = {"baseline": "middle"} | halo
    return [
        base.transform_filter("datum.align == 'center'").mark_text(
            align="center", fontSize=11, **looks
        ),
        base.transform_filter("datum.align == 'left'").mark_text(
            align="left", fontSize=12, dx=6, **looks
        ),
    ]


def scaled(channel: Any, looks: Mapping[str, Any], field: str = "kind") -> Any:
    """An encoding by `field`, with a look for each of its values and no legend."""
    scale = alt.Scale(type="ordinal", domain=list(looks), range=list(looks.values()))
    ordered = channel in (
        alt.StrokeWidth,
        alt.FillOpacity,
    )  # Vega warns of these where the kinds have no order
    return channel(f"{field}:{'O' if ordered else 'N'}", legend=None, scale=scale)
