"""What the explorers draw of one KPI: its course, its usual range, its seasons, other areas.

The marks and their looks are those of the report (`page.canvas`). Each point has an id and a place,
by which the screen knows it. A figure that is missing has no mark but a word.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import NamedTuple

import pandas as pd

from kpi_tools.assurance import centre_of
from kpi_tools.page.canvas import Canvas, Name, axis, number, period_label, regions
from kpi_tools.page.chart_words import look_of
from kpi_tools.page.charts import (
    LINES,
    draw_bands,
    draw_dated,
    draw_gaps,
    draw_ground,
    label_at,
    named_lines,
    show_figure,
    unit_of,
)
from kpi_tools.page.drawing import QUIET
from kpi_tools.page.labels import Label, every, text_width
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, is_number, rows_of, text_of
from kpi_tools.terms import Terms
from kpi_tools.units import ends_of
from kpi_tools.vocabulary import COMMON_CAUSE, ESTIMATED, FINAL, ILLUSTRATIVE
from kpi_tools.wording import show_line

SIZES = {"S": (420.0, 190.0), "M": (640.0, 200.0), "L": (880.0, 390.0), "PAGE": (904.0, 300.0)}
"""Width of a picture and height of its plot: in columns, on a large screen, on a page."""
SMALL = (300.0, 96.0)
_FEW_AREAS, _CLIPPED = 4, 14
_NOTHING = "No figures have been received"
_SHADES = {FINAL: "", "open": "pale ", ILLUSTRATIVE: "hollow "}
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


class Point(NamedTuple):
    """One figure of a view: its `name` (a period, an area), `kind` and `status`."""

    name: str
    value: float
    kind: str
    status: str


@dataclass(frozen=True)
class Picture:
    """A view as it is drawn, its points, and the words of the dated notes in it."""

    canvas: Canvas
    points: Sequence[Point] = ()
    happened: Sequence[str] = ()

    def svg(self, name: str, title: str, text: str) -> str:
        """The picture for a page, as `Drawing.svg` gives it."""
        return self.canvas.drawing().svg(name, title, text)

    def places(self) -> dict[str, tuple[float, float]]:
        """Where each point stands in the drawing, by its id, from left to right."""
        left, top, x, y = self.canvas.left, self.canvas.top, self.canvas.x, self.canvas.y
        rows = [row for row in self.canvas.points if row["id"]]
        found = {
            row["id"]: (round(left + x(row["x"]), 1), round(top + y(row["y"]), 1)) for row in rows
        }
        return dict(sorted(found.items(), key=lambda item: item[1]))


def trend_picture(
    quarters: pd.DataFrame,
    bands: pd.DataFrame,
    ahead: pd.DataFrame,
    months: pd.DataFrame,
    fitted: Sequence[float],
    terms: Terms,
    dated: Sequence[Row] = (),
    size: tuple[float, float] = SIZES["PAGE"],
    supposed: Mapping[str, float] | None = None,
) -> Picture:
    """Every figure by its rating, target and floor, the tested line, months, what is expected.
    `bands`: where each begins in the quarters (`rating.band_lines`); `ahead`: rows of
    `outlook.predictions`; `fitted`: the heights of the tested line at the last quarters; `dated`:
    notes, to be numbered; `supposed`: what if `target`, `floor_standard` or the `next` figure were
    this."""
    rows, coming, what_if = rows_of(quarters), rows_of(ahead), dict(supposed or {})
    places = {row["quarter"]: place for place, row in enumerate(rows)}
    single = [
        row for row in rows_of(months) if row["quarter"] in places and is_number(row["value"])
    ]
    levels = [number(row.get(name)) for row in rows for name in ("value", *LINES)]
    levels += [number(row["value"]) for row in single]
    levels += [number(row[name]) for row in coming for name in ("low", "high")]
    levels += what_if.values()
    names = named_lines(rows, {name: terms.head(name).removesuffix(" standard") for name in LINES})
    for level in what_if.values():
        decimals = int(rows[-1]["decimals"])
        text = show_line(round(level, decimals + 1), rows[-1]["unit"], decimals, bare=True)
        names.append(Name(level, f"What if {text}", bold=False))
    after = max(len(coming), int("next" in what_if))
    canvas = _canvas(rows, levels, len(rows) + after, names, size)
    draw_bands(canvas, regions(rows, rows_of(bands), canvas.low, canvas.high))
    for column, look in LINES.items():
        canvas.steps(look, [number(row.get(column)) for row in rows], canvas.places)
    _join(canvas, "other", rows)
    first = len(rows) - len(fitted)
    canvas.line("fitted", [first + n + 0.5 for n in range(len(fitted))], fitted)
    for n, row in enumerate(coming, len(rows)):
        low, high, expected = (canvas.within(row[name]) for name in ("low", "high", "expected"))
        canvas.line("range", [n + 0.5, n + 0.5], [low, high])
        canvas.line("expected", [n + 0.3, n + 0.7], [expected, expected])
    for level in (what_if[name] for name in LINES if name in what_if):
        canvas.line("supposed", [0, canvas.places], [level, level])
    if "next" in what_if and is_number(rows[-1]["value"]):
        ends = [canvas.within(rows[-1]["value"]), what_if["next"]]
        canvas.line("supposed", [len(rows) - 0.5, len(rows) + 0.5], ends)
        canvas.point(len(rows) + 0.5, what_if["next"], "hollow month")
    marks = [
        (row["quarter"], row["rating"], terms.looks.get(row["rating"], "unrated")) for row in rows
    ]
    points, labels = _draw_points(canvas, rows, marks)
    for row in single:
        x = places[row["quarter"]] + ((row["period_end"].month - 1) % 3 + 0.5) / 3
        points.append(_point(canvas, x, row, row["month"], "month", "month"))
        label = label_at(canvas, x, row)
        if len(single) <= 2:
            text = f"{row['period_end']:%b} alone {label.text}"
            labels.append(label._replace(text=text))
    canvas.label(labels)
    return _finished(canvas, points, [*rows, *coming], rows, dated)


def limit_picture(
    table: pd.DataFrame,
    terms: Terms,
    dated: Sequence[Row] = (),
    size: tuple[float, float] = SIZES["PAGE"],
) -> Picture:
    """The control chart: figures by special cause, mean and limits of each baseline as far as the
    measure goes, the target. `table`: one KPI's rows of the classified table, oldest first."""
    rows = rows_of(table)
    low, high = ends_of(rows[-1])
    for row in rows:
        for name in ("lower_limit", "upper_limit", "near_lower", "near_upper"):
            row[name] = min(max(row[name], low), high) if is_number(row[name]) else math.nan
    levels = [number(row[name]) for row in rows for name in ("value", *_LIMITS)]
    words = {name: word for name, (_, word) in _LIMITS.items() if word}
    words |= {"target": terms.head("target"), "mean": centre_of(rows[-1])}
    canvas = _canvas(rows, levels, len(rows), named_lines(rows, words, calculated=True), size)
    baselines = [row["baseline"] for row in rows]
    for baseline in dict.fromkeys(baselines):
        inside = [one == baseline for one in baselines]
        for name, (look, _) in _LIMITS.items():
            both = zip(rows, inside, strict=True)
            canvas.steps(look, [number(row[name]) if one else math.nan for row, one in both])
        if not inside[0]:
            x = canvas.x(inside.index(True))
            canvas.note(x, [12], "New limits", colour=QUIET, align="left")
    for n, row in enumerate(rows):
        lower, upper = row["lower_limit"], row["upper_limit"]
        if is_number(lower) or is_number(upper):  # without a limit as far as the measure goes
            ends = (
                lower if is_number(lower) else canvas.low,
                upper if is_number(upper) else canvas.high,
            )
            canvas.band("grey", n, n + 1, *ends)
    _join(canvas, "other", rows)
    causes = [text_of(row["special_cause"]) or COMMON_CAUSE for row in rows]
    marks = [(row["period"], cause, cause) for row, cause in zip(rows, causes, strict=True)]
    points, labels = _draw_points(canvas, rows, marks)
    canvas.label(labels)
    return _finished(canvas, points, rows, rows, dated)


def season_picture(quarters: pd.DataFrame, size: tuple[float, float] = SIZES["PAGE"]) -> Picture:
    """The same quarter over the years, side by side: a group for each quarter of the year, that of
    the latest strong."""
    rows = rows_of(quarters)
    groups: dict[int, Rows] = {n: [] for n in _QUARTERS}
    for row in rows:
        groups[Quarter.parse(row["quarter"]).number].append(row)
    groups = {n: group for n, group in groups.items() if group}
    slots = max(1, len(rows) + len(groups) - 1)
    canvas = _canvas(rows, [number(row["value"]) for row in rows], slots, (), size)
    step = every(len(rows), canvas.x(1), text_width("23/24", 13) + 4)
    points, labels, first = [], [], 0
    for n, group in groups.items():
        latest = rows[-1] is group[-1]
        kind = "this" if latest else "other"
        _join(canvas, "series" if latest else "other", group, first)
        marks = [(row["quarter"], kind, kind) for row in group]
        more = _draw_points(canvas, group, marks, first, latest)
        points += more[0]
        labels += more[1]
        for place, row in enumerate(group):
            year = Quarter.parse(row["quarter"]).year
            if (len(group) - 1 - place) % step == 0:
                text = f"{year % 100:02}/{(year + 1) % 100:02}"
                canvas.text(canvas.x(first + place + 0.5), canvas.height + 17, text)
        middle = canvas.x(first + len(group) / 2)
        canvas.text(middle, canvas.height + 34, _QUARTERS[n], bold=latest)
        first += len(group) + 1
    canvas.label(labels)
    return _finished(canvas, points)


def area_picture(
    benchmarks: pd.DataFrame, kpi: Row, size: tuple[float, float] = SIZES["PAGE"]
) -> Picture:
    """How figures are spread over areas, period by period, with the KPI's latest figure as a line.
    Up to four areas are joined and named; of more, each period shows its middle half and median."""
    fixed = {name: kpi[name] for name in ("unit", "decimals")}
    rows = [row | fixed for row in rows_of(benchmarks) if is_number(row["value"])]
    periods = list(dict.fromkeys(row["period"] for row in rows))
    areas: dict[str, Rows] = {}
    for row in rows:
        areas.setdefault(row["area"], []).append(row)
    few, unit = len(areas) <= _FEW_AREAS, unit_of(kpi, [number(row["value"]) for row in rows])
    ours, names = is_number(kpi["value"]), []
    if ours:
        names.append(Name(kpi["value"], f"Our latest {show_figure(kpi, unit)}"))
    for area, series in areas.items() if few else ():
        text = f"{_clip(area)} {show_figure(series[-1], unit)}"
        names.append(Name(series[-1]["value"], text, bold=False))
    levels = [number(row["value"]) for row in (kpi, *rows)]
    canvas = _canvas([kpi], levels, len(periods), names, size)
    if ours:
        canvas.line("series", [0, canvas.places], [kpi["value"]] * 2)
    for series in areas.values() if few else ():
        by_period = {row["period"]: row for row in series}
        _join(canvas, "other", [by_period.get(period, {"value": None}) for period in periods])
    points = []
    for place, period in enumerate(periods):
        here = [row for row in rows if row["period"] == period]
        here.sort(key=lambda row: (row["value"], row["area"]))
        if not few and len(here) >= _FEW_AREAS:
            values = [row["value"] for row in here]
            quarter, middle, three = quantiles(values, n=4, method="inclusive")
            canvas.band("grey", place + 0.1, place + 0.9, quarter, three)
            canvas.line("mean", [place + 0.1, place + 0.9], [middle, middle])
        for n, row in enumerate(here):
            x = place + 0.5 + (0.0 if few else 0.6 * (((n * 7) % 11) / 10 - 0.5))
            points.append(_point(canvas, x, row, f"{row['area']}, {period}", "other", "other"))
    if len(areas) == 1:
        canvas.label([label_at(canvas, place + 0.5, row) for place, row in enumerate(rows)])
    canvas.periods([(_clip(period), "") for period in periods])
    canvas.name()
    return Picture(canvas, points)


def several_picture(
    quarters: pd.DataFrame,
    bands: pd.DataFrame,
    labels: Sequence[str],
    terms: Terms,
) -> Picture:
    """A KPI's course over given quarters, small, for beside others on one scale of time."""
    known = {row["quarter"]: row for row in rows_of(quarters)}
    nothing = dict.fromkeys(("value", *LINES), math.nan) | {"rating": "", "status": ""}
    blank = dict(next(iter(known.values()))) | nothing
    rows = [
        known.get(label)
        or blank | {"quarter": label, "period_end": pd.Timestamp(Quarter.parse(label).end)}
        for label in labels
    ]
    empty = pd.DataFrame({"value": [], "quarter": []})
    return trend_picture(pd.DataFrame(rows), bands, empty, empty, [], terms, size=SMALL)


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
    right, places = 70 if names else 24, max(1, places)
    canvas = Canvas(low, high, places, unit_of(kpi, known), names, *size, grid=True, right=right)
    draw_ground(canvas)
    return canvas


def _finished(
    canvas: Canvas,
    points: list[Point],
    axis_rows: Rows | None = None,
    figures: Rows | None = None,
    dated: Sequence[Row] = (),
) -> Picture:
    """With the words for gaps, notes, names and periods, where the rows of the axis are given."""
    happened: list[str] = []
    if axis_rows and figures:
        draw_gaps(canvas, figures)
        happened = draw_dated(canvas, figures, dated)
        canvas.name()
        labels = [row.get("label") or period_label(row["period_end"].date()) for row in axis_rows]
        canvas.periods(labels, latest=len(figures) - 1)
    if not points:
        canvas.text(canvas.width / 2, canvas.height / 2, _NOTHING, colour=QUIET)
    return Picture(canvas, points, happened)


def _join(canvas: Canvas, look: str, rows: Rows, first: int = 0) -> None:
    xs = [first + place + 0.5 for place in range(len(rows))]
    canvas.joined(look, xs, [number(row["value"]) for row in rows])


def _draw_points(
    canvas: Canvas,
    rows: Rows,
    marks: Sequence[tuple[str, str, str]],
    first: int = 0,
    strong: bool = True,
) -> tuple[list[Point], list[Label]]:
    """A point for each figure with name, kind and look, and the labels, the last `strong`."""
    points, labels = [], []
    for place, (row, mark) in enumerate(zip(rows, marks, strict=True)):
        if is_number(row["value"]):
            x, last = first + place + 0.5, place == len(rows) - 1
            points.append(_point(canvas, x, row, *mark))
            labels.append(label_at(canvas, x, row, strong and last))
    return points, labels


def _point(canvas: Canvas, x: float, row: Row, name: str, kind: str, look: str) -> Point:
    """A point of a look: filled where the figure is final, pale where not, hollow where
    illustrative."""
    sure = look_of(row)
    canvas.point(x, canvas.within(row["value"]), f"{_SHADES[sure]}{look}", name)
    return Point(name, float(row["value"]), kind, ESTIMATED if sure == "open" else sure)


def _clip(text: str) -> str:
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1] + "…"
