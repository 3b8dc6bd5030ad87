"""What the explorers draw of one KPI: its course, its usual range, its seasons, other areas.

The marks and their looks are those of the report (`page.canvas`). Each point has an id and a place,
by which the screen knows it. A figure that is missing has no mark but a word.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import quantiles
from typing import NamedTuple

import pandas as pd

from kpi_tools.explorer.evidence import Evidence
from kpi_tools.explorer.reasons import centre_of
from kpi_tools.page.canvas import Canvas, Name, Region, axis, number, period_label
from kpi_tools.page.chart_words import look_of, notes_on
from kpi_tools.page.charts import (
    LINES,
    course,
    draw_dated,
    draw_gaps,
    draw_ground,
    label_at,
    levels_of,
    named_lines,
    show_figure,
    unit_of,
)
from kpi_tools.page.describe import predicted
from kpi_tools.page.drawing import QUIET
from kpi_tools.page.labels import Label, every, text_width
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, is_number, rows_of, text_of
from kpi_tools.terms import Terms
from kpi_tools.units import adds_up, ends_of
from kpi_tools.vocabulary import COMMON_CAUSE, FINAL, ILLUSTRATIVE, MONTH, NEGATIVE, POSITIVE
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


class Picture(NamedTuple):
    """A view as it is drawn, and the words of the dated notes in it."""

    canvas: Canvas
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

    def looks(self) -> set[str]:
        """The looks of its points, with `pale` and `hollow` where any is, and of its lines."""
        found = {row["look"] for row in self.canvas.lines}
        for look in (row["look"] for row in self.canvas.points if row["id"]):
            shade = next((one for one in _SHADES.values() if one and look.startswith(one)), "")
            found |= {shade.strip(), look.removeprefix(shade)}
        return found


def trend_picture(
    known: Evidence,
    kpi_id: str,
    size: tuple[float, float] = SIZES["PAGE"],
    supposed: Mapping[str, float] | None = None,
) -> Picture:
    """Every figure by its rating, target and floor, the tested line, months, what is expected; of a
    doubted series nothing is. `supposed`: what if `target`, `floor_standard` or the `next` figure
    were this."""
    kpi, rows, what_if = known.kpi(kpi_id), rows_of(known.of("quarters", kpi_id)), supposed or {}
    places = {row["quarter"]: place for place, row in enumerate(rows)}
    outlook, coming = rows_of(known.of("outlooks", kpi_id))[0], dict[str, Row]()
    for name in ("next", "year_end"):
        if of := predicted(outlook, name):
            day = pd.Timestamp(Quarter.parse(of["quarter"]).end)
            coming[of["quarter"]] = of | {"period_end": day}
    fitted = list[float]()
    if known.of("doubts", kpi_id).empty:
        fitted = _fitted(known.of("recent", kpi_id), kpi)
    months = known.months(kpi_id)
    if adds_up(kpi["unit"]):  # those of a part are on another scale
        months = months[months["basis"] != MONTH]
    single = [
        row for row in rows_of(months) if row["quarter"] in places and is_number(row["value"])
    ]
    levels = [number(row[name]) for row in coming.values() for name in ("low", "high")]
    levels += [number(row["value"]) for row in single] + [*what_if.values()]
    names = []
    for level in what_if.values():
        decimals = int(kpi["decimals"])
        text = show_line(round(level, decimals + 1), kpi["unit"], decimals, bare=True)
        names.append(Name(level, f"What if {text}", bold=False))
    after = max(len(coming), int("next" in what_if))
    words, bands = known.terms.drawn(kpi), rows_of(known.of("bands", kpi_id))
    levels = [*levels_of(rows, words), *(level for level in levels if math.isfinite(level))]
    canvas, behind = course(rows, words, bands, levels, after=after, names=names, size=size)
    _join(canvas, "other", rows)
    first = len(rows) - len(fitted)
    canvas.line("fitted", [first + n + 0.5 for n in range(len(fitted))], fitted)
    for n, row in enumerate(coming.values(), len(rows)):
        low, high, expected = (canvas.within(row[name]) for name in ("low", "high", "expected"))
        canvas.line("range", [n + 0.5, n + 0.5], [low, high])
        canvas.line("expected", [n + 0.3, n + 0.7], [expected, expected])
    for level in (what_if[name] for name in LINES if name in what_if):
        canvas.line("supposed", [0, canvas.places], [level, level])
    if "next" in what_if and is_number(rows[-1]["value"]):
        ends = [canvas.within(rows[-1]["value"]), what_if["next"]]
        canvas.line("supposed", [len(rows) - 0.5, len(rows) + 0.5], ends)
        canvas.point(len(rows) + 0.5, what_if["next"], "hollow month")
    labels = _draw_points(canvas, rows, _ratings(rows, known.terms))
    for row in single:
        x = places[row["quarter"]] + ((row["period_end"].month - 1) % 3 + 0.5) / 3
        _draw_point(canvas, x, row, row["month"], "month")
        label = label_at(canvas, x, row)
        if len(single) <= 2:
            text = f"{row['period_end']:%b} alone {label.text}"
            labels.append(label._replace(text=text))
    canvas.label(labels)
    dated = notes_on(known.returns.annotations, kpi)
    return _finished(canvas, [*rows, *coming.values()], rows, dated, behind[-1])


def several_picture(known: Evidence, kpi_id: str) -> Picture:
    """A KPI's course over all quarters known of any, small, for beside others on one time scale."""
    rows = {row["quarter"]: row for row in rows_of(known.of("quarters", kpi_id))}
    blank = known.kpi(kpi_id) | dict.fromkeys(("value", *LINES), math.nan) | {"status": ""}
    quarters = map(Quarter.parse, sorted(known.quarters["quarter"].unique()))
    padded = [
        rows.get(one.label)
        or blank | {"quarter": one.label, "rating": "", "period_end": pd.Timestamp(one.end)}
        for one in quarters
    ]
    words, bands = known.terms.drawn(blank), rows_of(known.of("bands", kpi_id))
    canvas, _ = course(padded, words, bands, levels_of(padded, words), size=SMALL)
    _join(canvas, "other", padded)
    canvas.label(_draw_points(canvas, padded, _ratings(padded, known.terms)))
    return _finished(canvas, padded, padded)


def _ratings(rows: Rows, terms: Terms) -> list[tuple[str, str]]:
    return [(row["quarter"], terms.looks.get(row["rating"], "unrated")) for row in rows]


def _fitted(recent: pd.DataFrame, kpi: Row) -> list[float]:
    """The heights of the tested line at the quarters shown; none where there is no clear trend."""
    if kpi["direction_of_travel"] not in (POSITIVE, NEGATIVE):
        return []
    years = pd.Series(range(len(recent))) / 4
    measured = recent["value"].notna()
    line = recent["value"][measured].mean() + kpi["slope"] * (years - years[measured].mean())
    return [float(level) for level in line]


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
    periods = [row["period"] for row in rows]
    canvas.label(_draw_points(canvas, rows, [*zip(periods, causes, strict=True)]))
    return _finished(canvas, rows, rows, dated)


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
    labels, first = list[Label](), 0
    for n, group in groups.items():
        latest = rows[-1] is group[-1]
        _join(canvas, "series" if latest else "other", group, first)
        marks = [(row["quarter"], "this" if latest else "other") for row in group]
        labels += _draw_points(canvas, group, marks, first, latest)
        for place, row in enumerate(group):
            year = Quarter.parse(row["quarter"]).year
            if (len(group) - 1 - place) % step == 0:
                text = f"{year % 100:02}/{(year + 1) % 100:02}"
                canvas.text(canvas.x(first + place + 0.5), canvas.height + 17, text)
        middle = canvas.x(first + len(group) / 2)
        canvas.text(middle, canvas.height + 34, _QUARTERS[n], bold=latest)
        first += len(group) + 1
    canvas.label(labels)
    return _finished(canvas)


def area_picture(
    benchmarks: pd.DataFrame, quarters: Rows, kpi: Row, size: tuple[float, float] = SIZES["PAGE"]
) -> Picture:
    """How figures are spread over areas, period by period, each with the KPI's figure of the same
    period (of its `quarters`) as a line. Up to four areas are joined and named; of more, each
    period shows its middle half and median."""
    fixed = {name: kpi[name] for name in ("unit", "decimals")}
    rows = [row | fixed for row in rows_of(benchmarks) if is_number(row["value"])]
    periods = list(dict.fromkeys(row["period"] for row in rows))
    areas: dict[str, Rows] = {}
    for row in rows:
        areas.setdefault(row["area"], []).append(row)
    few, unit = len(areas) <= _FEW_AREAS, unit_of(kpi, [number(row["value"]) for row in rows])
    known = {row["quarter"]: row for row in quarters if is_number(row["value"])}
    same = {row["period"]: known[row["quarter"]] for row in rows if row["quarter"] in known}
    ours, names = {period: same[period] for period in periods if period in same}, []
    if ours:
        period, latest = [*ours.items()][-1]
        names.append(Name(latest["value"], f"Ours {show_figure(latest, unit)}, {_clip(period)}"))
    for area, series in areas.items() if few else ():
        text = f"{_clip(area)} {show_figure(series[-1], unit)}"
        names.append(Name(series[-1]["value"], text, bold=False))
    levels = [number(row["value"]) for row in (*ours.values(), *rows)]
    canvas = _canvas([kpi], levels, len(periods), names, size)
    for period, row in ours.items():
        place = periods.index(period)
        canvas.line("series", [place, place + 1], [row["value"]] * 2)
    for series in areas.values() if few else ():
        by_period = {row["period"]: row for row in series}
        _join(canvas, "other", [by_period.get(period, {"value": None}) for period in periods])
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
            _draw_point(canvas, x, row, f"{row['area']}, {period}", "other")
    if len(areas) == 1:
        canvas.label([label_at(canvas, place + 0.5, row) for place, row in enumerate(rows)])
    canvas.periods([(_clip(period), "") for period in periods])
    canvas.name()
    return Picture(canvas)


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
    axis_rows: Rows | None = None,
    figures: Rows | None = None,
    dated: Sequence[Row] = (),
    bands: Sequence[Region] = (),
) -> Picture:
    """With the words for gaps, notes, names and periods, where the rows of the axis are given."""
    happened: list[str] = []
    if axis_rows and figures:
        draw_gaps(canvas, figures)
        happened = draw_dated(canvas, figures, dated)
        canvas.name(bands)
        labels = [row.get("label") or period_label(row["period_end"].date()) for row in axis_rows]
        canvas.periods(labels, latest=len(figures) - 1)
    if not any(point["id"] for point in canvas.points):  # names of bands have a point, too
        canvas.text(canvas.width / 2, canvas.height / 2, _NOTHING, colour=QUIET)
    return Picture(canvas, happened)


def _join(canvas: Canvas, look: str, rows: Rows, first: int = 0) -> None:
    xs = [first + place + 0.5 for place in range(len(rows))]
    canvas.joined(look, xs, [number(row["value"]) for row in rows])


def _draw_points(
    canvas: Canvas,
    rows: Rows,
    marks: Sequence[tuple[str, str]],
    first: int = 0,
    strong: bool = True,
) -> list[Label]:
    """A point for each figure, its name and look of `marks`, and the labels, the last `strong`."""
    labels = []
    for place, (row, mark) in enumerate(zip(rows, marks, strict=True)):
        if is_number(row["value"]):
            x, last = first + place + 0.5, place == len(rows) - 1
            _draw_point(canvas, x, row, *mark)
            labels.append(label_at(canvas, x, row, strong and last))
    return labels


def _draw_point(canvas: Canvas, x: float, row: Row, name: str, look: str) -> None:
    """A point of a look: filled where the figure is final, pale where not, hollow where
    illustrative."""
    canvas.point(x, canvas.within(row["value"]), f"{_SHADES[look_of(row)]}{look}", name)


def _clip(text: str) -> str:
    return text if len(text) <= _CLIPPED else text[: _CLIPPED - 1] + "…"
