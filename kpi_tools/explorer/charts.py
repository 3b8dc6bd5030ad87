"""What the explorers draw of one KPI: its course, its usual range, its seasons, other areas; on screen and on paper.

The marks and their looks are those of the report (`page.canvas`). Each point has an id and a place, by which the screen
knows it. A figure that is missing has no mark but a word.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

import pandas as pd

from kpi_tools.assurance import centre_of
from kpi_tools.narrative import KENT_TERMS
from kpi_tools.outlook import ends_of
from kpi_tools.page.canvas import Canvas, Figure, Name, axis, period_label
from kpi_tools.page.chart_words import look_of
from kpi_tools.page.charts import draw_bands, show_figure, unit_of
from kpi_tools.page.drawing import QUIET, Drawing
from kpi_tools.page.labels import every, text_width
from kpi_tools.page.marks import draw_dated, draw_gaps
from kpi_tools.page.regions import number, regions
from kpi_tools.quarters import Quarter
from kpi_tools.rating import band_lines
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import COMMON_CAUSE, ESTIMATED, FINAL, ILLUSTRATIVE
from kpi_tools.wording import (
    Row,
    Rows,
    capitalised,
    in_doubt,
    is_number,
    is_text,
    rows_of,
    show_line,
)

SIZES = {"S": (420.0, 190.0), "M": (640.0, 200.0), "L": (880.0, 390.0), "PAGE": (904.0, 300.0)}
"""Width of a picture and height of its plot: for a narrow column, a wide one, a large screen, a page."""
SMALL = (300.0, 96.0)
_FEW_AREAS, _CLIPPED = 4, 14
_NOTHING = "No figures have been received"
_LINES = {"target": "target", "floor_standard": "floor"}
_LIMITS = {
    "upper_limit": ("limit", "Upper limit"),
    "near_upper": ("near", ""),
    "mean": ("mean", "Mean"),
    "near_lower": ("near", ""),
    "lower_limit": ("limit", "Lower limit"),
    "target": ("target", "Target"),
}
_QUARTERS = {
    1: "Quarter 1 (Apr–Jun)",
    2: "Quarter 2 (Jul–Sep)",
    3: "Quarter 3 (Oct–Dec)",
    4: "Quarter 4 (Jan–Mar)",
}


@dataclass(frozen=True)
class Point:
    """One figure of a view: its `name` (a period, an area), where it stands, its `kind` and the `status` of the figure."""

    name: str
    value: float
    kind: str
    status: str


@dataclass(frozen=True)
class Picture:
    """A view as it is drawn, with its points and the words of the dated notes that are numbered in it."""

    canvas: Canvas
    points: tuple[Point, ...] = ()
    happened: tuple[str, ...] = ()

    def drawing(self) -> Drawing:
        """What is to be drawn."""
        return self.canvas.drawing()

    def places(self) -> dict[str, tuple[float, float]]:
        """Where each point stands in the drawing, by its id, from left to right."""
        canvas, (left, _, top, _) = self.canvas, self.drawing().margins
        found = {
            row["id"]: (round(left + canvas.x(row["x"]), 1), round(top + canvas.y(row["y"]), 1))
            for row in canvas.points
            if row["id"]
        }
        return dict(sorted(found.items(), key=lambda item: item[1]))


def trend_picture(
    quarters: pd.DataFrame,
    ahead: pd.DataFrame,
    months: pd.DataFrame,
    fitted: Sequence[float],
    terms: Terms = KENT_TERMS,
    dated: Sequence[Row] = (),
    size: tuple[float, float] = SIZES["PAGE"],
    supposed: Mapping[str, float] | None = None,
) -> Picture:
    """Every quarterly figure by its rating, target and floor as steps, the tested line, single months, what is expected.

    `quarters`: one KPI's rows oldest first; `ahead`: its rows of `outlook.predictions`; `months`: its single months;
    `fitted`: the heights of the tested line at the last quarters (none: empty); `supposed`: what if `target`,
    `floor_standard` or the `next` figure were this.
    """
    rows, coming = rows_of(quarters), rows_of(ahead)
    places = {row["quarter"]: place for place, row in enumerate(rows)}
    single = [
        row for row in rows_of(months) if row["quarter"] in places and is_number(row["value"])
    ]
    levels = [number(row.get(name)) for row in rows for name in ("value", *_LINES)]
    levels += [number(row["value"]) for row in single]
    levels += [number(row[name]) for row in coming for name in ("low", "high")]
    what_if = dict(supposed or {})
    levels += what_if.values()
    names = _named(rows, {name: terms.head(name).removesuffix(" standard") for name in _LINES})
    names += [
        Name(level, f"What if {_level(level, rows[-1])}", bold=False) for level in what_if.values()
    ]
    after = max(len(coming), int("next" in what_if))
    canvas = _canvas(rows, levels, len(rows) + after, names, size)
    lines = rows_of(band_lines(quarters, terms.schemes))
    draw_bands(canvas, regions(rows, lines, canvas.low, canvas.high))
    for column, look in _LINES.items():
        canvas.steps(look, [number(row.get(column)) for row in rows], canvas.places)
    canvas.joined("other", _middles(rows), [number(row["value"]) for row in rows])
    if len(fitted):
        first = len(rows) - len(fitted)
        canvas.line("fitted", [first + n + 0.5 for n in range(len(fitted))], fitted)
    for n, row in enumerate(coming):
        low, high = (canvas.within(row[name]) for name in ("low", "high"))
        canvas.line("range", [len(rows) + n + 0.5] * 2, [low, high])
        canvas.line(
            "expected",
            [len(rows) + n + 0.3, len(rows) + n + 0.7],
            [canvas.within(row["expected"])] * 2,
        )
    for level in (what_if[name] for name in _LINES if name in what_if):
        canvas.line("supposed", [0, canvas.places], [level] * 2)
    if "next" in what_if and is_number(rows[-1]["value"]):
        ends = [canvas.within(rows[-1]["value"]), what_if["next"]]
        canvas.line("supposed", [len(rows) - 0.5, len(rows) + 0.5], ends)
        canvas.point(len(rows) + 0.5, what_if["next"], "hollow month")
    points, figures, colours = [], [], terms.looks
    for place, row in enumerate(rows):
        if is_number(row["value"]):
            colour = colours.get(row["rating"], "unrated")
            points.append(_point(canvas, place + 0.5, row, row["quarter"], row["rating"], colour))
            figures.append(_figure(canvas, place + 0.5, row, place == len(rows) - 1))
    for row in single:
        x = places[row["quarter"]] + ((row["period_end"].month - 1) % 3 + 0.5) / 3
        points.append(_point(canvas, x, row, row["month"], "month", "month"))
        if len(single) <= 2:
            alone = _figure(canvas, x, row)
            figures.append(alone._replace(text=f"{row['period_end']:%b} alone {alone.text}"))
    canvas.label(figures)
    return _finished(canvas, points, [*rows, *coming], rows, dated)


def limit_picture(
    table: pd.DataFrame,
    terms: Terms = KENT_TERMS,
    dated: Sequence[Row] = (),
    size: tuple[float, float] = SIZES["PAGE"],
) -> Picture:
    """The control chart: figures by special cause, mean and process limits of each baseline, the target as a line.

    `table`: one KPI's rows of the classified table, oldest first. Limits are drawn as far as the measure goes; where they
    are not known there are none.
    """
    rows = rows_of(table)
    low, high = ends_of(rows[-1])
    for row in rows:
        for name in ("lower_limit", "upper_limit", "near_lower", "near_upper"):
            row[name] = min(max(row[name], low), high) if is_number(row[name]) else math.nan
    levels = [number(row[name]) for row in rows for name in ("value", *_LIMITS)]
    named = {name: word for name, (_, word) in _LIMITS.items() if word} | {
        "target": terms.head("target"),
        "mean": capitalised(centre_of(rows[-1])),
    }
    canvas = _canvas(rows, levels, len(rows), _named(rows, named), size)
    axis_ends = canvas.low, canvas.high
    parts = [
        [row for row in rows if row["baseline"] == one]
        for one in dict.fromkeys(row["baseline"] for row in rows)
    ]
    begin = 0
    for part in parts:
        end = begin + len(part)
        for name, (look, _) in _LIMITS.items():
            before, after = [math.nan] * begin, [math.nan] * (len(rows) - end)
            canvas.steps(look, [*before, *(number(row[name]) for row in part), *after])
        for n, row in enumerate(part, begin):
            ends = [row["lower_limit"], row["upper_limit"]]
            if any(map(is_number, ends)):  # where there is no limit, as far as the measure goes
                ends = [
                    end if is_number(end) else far for end, far in zip(ends, axis_ends, strict=True)
                ]
                canvas.rectangle(n, n + 1, ends[0], ends[1], "grey")
        if begin:
            canvas.note(begin, [12], "New limits", colour=QUIET, align="left")
        begin = end
    canvas.joined("other", _middles(rows), [number(row["value"]) for row in rows])
    points, figures = [], []
    for place, row in enumerate(rows):
        if is_number(row["value"]):
            cause = row["special_cause"] if is_text(row["special_cause"]) else COMMON_CAUSE
            points.append(_point(canvas, place + 0.5, row, row["period"], cause, cause))
            figures.append(_figure(canvas, place + 0.5, row, place == len(rows) - 1))
    canvas.label(figures)
    return _finished(canvas, points, rows, rows, dated)


def season_picture(quarters: pd.DataFrame, size: tuple[float, float] = SIZES["PAGE"]) -> Picture:
    """The same quarter over the years, side by side: a group for each quarter of the year, its years from left to right.

    `quarters`: one KPI's rows oldest first. The group of the latest quarter is strong, the others are pale.
    """
    rows = rows_of(quarters)
    latest = Quarter.parse(rows[-1]["quarter"]).number if rows else 0
    groups = {
        n: [row for row in rows if Quarter.parse(row["quarter"]).number == n] for n in _QUARTERS
    }
    groups = {n: group for n, group in groups.items() if group}
    slots = max(1, sum(len(group) + 1 for group in groups.values()) - 1)
    canvas = _canvas(rows, [number(row["value"]) for row in rows], slots, (), size)
    step = every(len(rows), canvas.width / slots, text_width("23/24", 13) + 4)
    points, figures, x = [], [], 0
    for n, group in groups.items():
        look = "series" if n == latest else "other"
        canvas.joined(
            look, [x + place for place in _middles(group)], [number(row["value"]) for row in group]
        )
        for place, row in enumerate(group):
            at = x + place + 0.5
            year = Quarter.parse(row["quarter"]).year
            if (len(group) - 1 - place) % step == 0:
                canvas.text(at, canvas.height + 17, f"{year % 100:02}/{(year + 1) % 100:02}")
            if is_number(row["value"]):
                points.append(
                    _point(canvas, at, row, row["quarter"], "this" if n == latest else "other")
                )
                figures.append(_figure(canvas, at, row, n == latest and place == len(group) - 1))
        canvas.text(x + len(group) / 2, canvas.height + 34, _QUARTERS[n], bold=n == latest)
        x += len(group) + 1
    canvas.label(figures)
    if not points:
        canvas.text(canvas.places / 2, canvas.height / 2, _NOTHING, colour=QUIET)
    return _finished(canvas, points, [], [])


def area_picture(
    benchmarks: pd.DataFrame, kpi: Row, size: tuple[float, float] = SIZES["PAGE"]
) -> Picture:
    """How figures are spread over areas, period by period, with the KPI's latest figure as a line.

    `benchmarks`: rows of one KPI with `area`, `period`, `value`, `status`, oldest first. Up to four areas are joined
    and named; of more, each period shows its middle half as a band and its median as a line.
    """
    fixed = {name: kpi[name] for name in ("unit", "decimals")}
    rows = [row | fixed for row in rows_of(benchmarks) if is_number(row["value"])]
    periods = list(dict.fromkeys(row["period"] for row in rows))
    areas = list(dict.fromkeys(row["area"] for row in rows))
    few, names = len(areas) <= _FEW_AREAS, []
    unit = unit_of(kpi, [number(row["value"]) for row in rows])
    if is_number(kpi["value"]):
        names.append(Name(kpi["value"], f"Our latest {show_figure(kpi, unit)}"))
    for area in areas if few else ():
        last = [row for row in rows if row["area"] == area][-1]
        names.append(Name(last["value"], f"{_clip(area)} {show_figure(last, unit)}", bold=False))
    levels = [kpi["value"], *(row["value"] for row in rows)]
    canvas = _canvas([kpi], levels, max(1, len(periods)), names, size)
    if is_number(kpi["value"]):
        canvas.line("series", [0, canvas.places], [kpi["value"]] * 2)
    for area in areas if few else ():
        own = {row["period"]: row["value"] for row in rows if row["area"] == area}
        canvas.joined("other", _middles(periods), [own.get(at, math.nan) for at in periods])
    points = []
    for place, period in enumerate(periods):
        here = [row for row in rows if row["period"] == period]
        here.sort(key=lambda row: (row["value"], row["area"]))
        if not few and len(here) >= _FEW_AREAS:
            quarter, middle, three = quantiles(
                [row["value"] for row in here], n=4, method="inclusive"
            )
            canvas.rectangle(place + 0.1, place + 0.9, quarter, three, "grey")
            canvas.line("mean", [place + 0.1, place + 0.9], [middle, middle])
        for n, row in enumerate(here):
            aside = 0.0 if few else 0.6 * (((n * 7) % 11) / 10 - 0.5)
            points.append(
                _point(canvas, place + 0.5 + aside, row, f"{row['area']}, {period}", "other")
            )
    if len(areas) == 1:
        canvas.label([_figure(canvas, place + 0.5, row) for place, row in enumerate(rows)])
    canvas.periods([(_clip(period), "") for period in periods])
    return _finished(canvas, points, [], [])


def several_picture(
    quarters: pd.DataFrame, labels: Sequence[str], terms: Terms = KENT_TERMS
) -> Picture:
    """A KPI's course over given quarters, small, for beside others on one scale of time."""
    known = {row["quarter"]: row for row in rows_of(quarters)}
    nothing = dict.fromkeys(("value", *_LINES), math.nan) | {"rating": "", "status": ""}
    rows = []
    for label in labels:
        end = pd.Timestamp(Quarter.parse(label).end)
        blank = dict(next(iter(known.values()))) | nothing | {"quarter": label, "period_end": end}
        rows.append(known.get(label, blank))
    empty = pd.DataFrame({"value": [], "quarter": []})
    return trend_picture(pd.DataFrame(rows), empty, empty, [], terms, size=SMALL)


def _canvas(
    rows: Rows,
    levels: Sequence[float],
    places: int,
    names: Sequence[Name],
    size: tuple[float, float],
) -> Canvas:
    known = [level for level in levels if math.isfinite(level)]
    kpi = rows[-1] if rows else {"unit": ""}
    low, high = axis(known, ends=ends_of(kpi))
    room = 60.0 if names else 14.0
    canvas = Canvas(
        low, high, max(1, places), unit_of(kpi, known), names, *size, grid=True, room=room
    )
    canvas.line("base" if low <= 0 <= high else "edge", [0, canvas.places], [canvas.within(0)] * 2)
    return canvas


def _finished(
    canvas: Canvas, points: list[Point], axis_rows: Rows, shown: Rows, dated: Sequence[Row] = ()
) -> Picture:
    draw_gaps(canvas, shown)
    happened = draw_dated(canvas, shown, dated) if shown else []
    canvas.name()
    if axis_rows:
        canvas.periods(
            [row.get("label") or period_label(row["period_end"].date()) for row in axis_rows],
            latest=len(shown) - 1,
        )
    if not points and axis_rows:
        canvas.text(canvas.places / 2, canvas.height / 2, _NOTHING, colour=QUIET)
    return Picture(canvas, tuple(points), tuple(happened))


def _named(rows: Rows, words: dict[str, str]) -> list[Name]:
    """The last known level of each line with its word."""
    names = []
    for column, word in words.items():
        for row in [row for row in rows if is_number(row.get(column))][-1:]:
            names.append(Name(row[column], f"{word} {_level(row[column], row)}"))
    return names


def _level(value: float, row: Row) -> str:
    decimals = int(row["decimals"])
    return show_line(round(value, decimals + 1), row["unit"], decimals, bare=True)


def _point(canvas: Canvas, x: float, row: Row, name: str, kind: str, look: str = "") -> Point:
    """A point with the look of its kind: filled where the figure is final, pale where not, hollow where illustrative."""
    sure = look_of(row)
    shade = {FINAL: "", "open": "pale ", ILLUSTRATIVE: "hollow "}[sure]
    canvas.point(x, canvas.within(row["value"]), f"{shade}{look or kind}", name)
    if in_doubt(row):
        canvas.point(x, canvas.within(row["value"]), "doubt")
    return Point(name, float(row["value"]), kind, ESTIMATED if sure == "open" else sure)


def _figure(canvas: Canvas, x: float, row: Row, strong: bool = False) -> Figure:
    doubted = in_doubt(row)
    text = show_figure(row, canvas.unit) + ("?" if doubted else "")
    return Figure(x, canvas.within(row["value"]), text, strong, doubted)


def _middles(rows: Sequence[object]) -> list[float]:
    return [place + 0.5 for place in range(len(rows))]


def _clip(text: str) -> str:
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1] + "…"
