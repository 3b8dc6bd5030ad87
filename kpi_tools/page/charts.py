"""A KPI's picture, from rows as the tables have them: its figures, the bands of its rating behind,
the outlook beside. Nothing is rated here."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from kpi_tools.page.canvas import (
    DEFAULT_COLOURS,
    Canvas,
    Name,
    Region,
    Unit,
    axis,
    number,
    period_label,
    regions,
)
from kpi_tools.page.chart_words import (
    WORDS,
    activity_words,
    chart_about,
    chart_notes,
    chart_text,
    chart_title,
    end_of,
    look_of,
    note_in_words,
    period_end,
    period_words,
)
from kpi_tools.page.drawing import COLOURS, INK, QUIET, VIOLET
from kpi_tools.page.labels import Label, every, text_width
from kpi_tools.rows import Row, Rows, in_doubt, is_number, text_of
from kpi_tools.units import adds_up, ends_of
from kpi_tools.vocabulary import FINAL, IN_YEARS, MONEY
from kpi_tools.wording import (
    capitalised,
    decimals_against,
    figure_of,
    listed,
    parts_of,
    plural,
    rounded,
    show,
    show_line,
    with_range,
)

LINES = {"target": "target", "floor_standard": "floor"}
_WITHOUT_LINES = dict.fromkeys(LINES)
_NO_ROOM = "Figures for which there is no room stand in the table."
_MOST_COLUMNS, _FROM_ZERO = 12, 2 / 3
_OUTLOOK = 34.0  # pixels for it beside its figure
_ABSENT = {"suppressed": "[c]", "not applicable": "n/a"}


class Chart(NamedTuple):
    """A picture: SVG, what it shows in ten words, in full, notes for below it, what is measured."""

    svg: str
    title: str
    text: str
    notes: Sequence[str] = ()
    about: str = ""


def kpi_chart(
    points: Rows,
    name: str,
    *,
    bands: Rows | None = None,
    outlook: Row | None = None,
    months: Sequence[Row] = (),
    benchmarks: Sequence[Row] = (),
    words: Mapping[str, str] = WORDS,
    form: str = "auto",
    breaks: Sequence[str] = (),
    dated: Sequence[Row] = (),
    small: bool = False,
    scale: tuple[float, float] | None = None,
) -> Chart:
    """One KPI's figures (`points`, oldest first) with its lines and the bands of its rating.

    `bands`: its rows of `rating.band_lines`, by default those of the default bands;
    `outlook`: what is expected next, of `describe.outlooks`; the latest of `months` alone stands
    beside a figure that covers more, `benchmarks` at their own periods; `words`: the lines
    that are drawn, each with what it is called; `breaks`: quarters from which the KPI was
    redefined; `dated`: rows of annotations.csv; `small`: lower, and without what stands beside;
    `scale`: the axis' ends.
    """
    last = points[-1]
    columns = as_columns(points, words, form)
    broken = [n for n, row in enumerate(points) if n and row["quarter"] in breaks]
    month = [] if small or columns else _single_month(points, months)
    placed = [] if small else _at_their_periods(points, benchmarks)
    ahead = None if small or columns or any(map(in_doubt, points)) else outlook
    levels = levels_of(points, words)
    levels += [float(row["value"]) for row in (*month, *(row for _, row in placed))]
    expected, room = "", 0.0
    if ahead:
        levels += [ahead["low"], ahead["high"]]
        figure = last | _WITHOUT_LINES | {"value": ahead["expected"]}
        expected = show_figure(figure, unit_of(last, levels))
        room = _OUTLOOK + text_width(expected, 13)
    canvas, behind = course(
        points,
        words,
        [] if columns else bands,
        levels,
        after=len(points) * room / (280 - room),
        scale=scale or axis(levels, ends=ends_of(last), from_zero=columns),
        size=(400, 130 if small else 180),
    )
    low, high = canvas.low, canvas.high
    for n in broken:
        canvas.line("divider", [n, n], [low, high])
        canvas.note(canvas.x(n) + 4, [12], "new definition", colour=QUIET, align="left")
    figures = [] if columns else _draw_series(canvas, points, broken)
    if columns:
        _draw_columns(canvas, points)
    for row in month:
        _draw_month(canvas, row, len(points) - 0.5, last)
    whole = canvas.label(figures)
    if ahead:
        _draw_outlook(canvas, ahead, len(points), expected)
    _draw_benchmarks(canvas, placed, last)
    draw_gaps(canvas, points)
    happened = draw_dated(canvas, points, dated)
    canvas.name(behind[-1] if behind else ())
    yearly = last.get("frequency") in IN_YEARS
    canvas.periods([period_label(period_end(row), yearly) for row in points], always=yearly)
    text = [chart_text(points, "Columns" if columns else "Line", words)]
    text += [f"New definition from {period_words(points[n])}." for n in broken]
    if ahead:
        expected_words = (
            show(ahead[name], last["unit"], int(last["decimals"]))
            for name in ("expected", "low", "high")
        )
        text.append(f"Outlook for {period_words(ahead)}: {with_range(*expected_words)}.")
    text += happened
    text += [f"{row['area']}, {row['period']}: {figure_of(last | row)}." for _, row in placed]
    notes = chart_notes(points, columns) + ([] if whole else [_NO_ROOM]) + happened
    notes += [f"Diamond: one month, {parts_of(row)}." for row in month if parts_of(row)]
    if low > 0:
        notes.append(f"The scale starts at {show_line(round(low, 9), last['unit'], 0)}.")
    title = chart_title(points[broken[-1] :] if broken else points, words)
    description = " ".join(text)
    svg = canvas.drawing().svg(name, f"{last['kpi_name']}: {title}", description)
    return Chart(svg, title, description, notes, chart_about(last, canvas.unit.suffix))


def course(
    points: Rows,
    words: Mapping[str, str],
    bands: Rows | None,
    levels: Sequence[float],
    *,
    after: float = 0,
    names: Sequence[Name] = (),
    scale: tuple[float, float] | None = None,
    size: tuple[float, float] = (400, 180),
) -> tuple[Canvas, list[list[Region]]]:
    """What a KPI's figures are drawn upon, on its card and in the explorer: the axis, the bands of
    its rating, its lines as steps; the bands are given, too.

    `words`: the lines that are drawn, each with its word; `levels`: what the axis holds; `after`:
    places right of the figures; `names`: further ones at the right end; `size`: the width of all,
    the height of the plot.
    """
    low, high = scale or axis(levels, ends=ends_of(points[-1]))
    behind = regions(points, bands, low, high)
    called = {line: word.removesuffix(" standard") for line, word in words.items()}
    widths = (text_width(band.band, 13) + 30 for row in behind for band in row)
    canvas = Canvas(
        low,
        high,
        len(points) + after,
        unit_of(points[-1], levels),
        [*named_lines(points, called), *names],
        *size,
        grid=not any(behind),
        right=max(widths, default=24),
    )
    draw_bands(canvas, behind)
    draw_ground(canvas)
    for column in words:
        canvas.steps(LINES[column], [number(row.get(column)) for row in points], canvas.places)
    return canvas, behind


def levels_of(points: Rows, words: Mapping[str, str]) -> list[float]:
    """The figures that are not in doubt, and the lines that are drawn."""
    sure = [row for row in points if is_number(row["value"]) and not in_doubt(row)] or points
    levels = [row["value"] for row in sure] + [row.get(name) for row in points for name in words]
    return [float(level) for level in levels if is_number(level)]


def activity_chart(points: Rows, name: str) -> Chart:
    """One activity indicator's figures (rows of activity.csv, oldest first), unrated, with the
    range that was expected behind."""
    bounds = {"upper_expected": "Up to", "lower_expected": "From"}
    levels = [number(row[column]) for row in points for column in ("value", *bounds)]
    low, high = axis(levels, ends=ends_of(points[-1]))
    unit, names = unit_of(points[-1], levels), named_lines(points, bounds)
    canvas = Canvas(low, high, len(points), unit, names, grid=True)
    for n, row in enumerate(points):
        if all(is_number(row[column]) for column in bounds):
            canvas.band("grey", n, n + 1, row["lower_expected"], row["upper_expected"])
    draw_ground(canvas)
    for column in bounds:
        canvas.steps("limit", [number(row[column]) for row in points])
    whole = canvas.label(_draw_series(canvas, points))
    draw_gaps(canvas, points)
    canvas.name()
    canvas.periods([period_label(period_end(row)) for row in points])
    notes = chart_notes(points, columns=False) + ([] if whole else [_NO_ROOM])
    title, text = activity_words(points)
    return Chart(canvas.drawing().svg(name, title, text), title, text, notes)


def milestone_chart(points: Rows, name: str, colours: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """The statuses of a milestone (its rows, oldest first) as a line of shapes, with its word
    wherever it changes. `colours`: by rating."""
    canvas = Canvas(0, 1, len(points), height=70, axis=False)
    canvas.joined("other", [n + 0.5 for n in range(len(points))], [0.3] * len(points))
    statuses = [str(text_of(row.get("milestone")) or "no report") for row in points]
    for n, (row, status) in enumerate(zip(points, statuses, strict=True)):
        last = n == len(points) - 1
        colour = colours.get(row["rating"])
        canvas.point(n + 0.5, 0.3, colour if colour in COLOURS else "unrated", row["quarter"])
        if not n or status != statuses[n - 1]:
            align = "left" if n < len(points) / 2 else "right" if last else "center"
            x = canvas.x(n + {"left": 0.3, "right": 0.7, "center": 0.5}[align])
            canvas.note(x, [32, 14, -4], status, bold=last, align=align)
    canvas.periods([period_label(period_end(row)) for row in points])
    each = [
        f"{period_words(row)} {status} ({row['rating']})"
        for row, status in zip(points, statuses, strict=True)
    ]
    title = f"{capitalised(statuses[-1])} in the latest quarter"
    text = f"Statuses for {plural(len(points), 'quarter')}: {listed(each)}."
    return Chart(canvas.drawing().svg(name, title, text), title, text)


def as_columns(points: Rows, words: Mapping[str, str], form: str = "auto") -> bool:
    """Whether a KPI's figures are columns from zero (counts that start near it), or a line."""
    last = points[-1]
    levels = [row.get(column) for row in points for column in ("value", *words)]
    known = [float(level) for level in levels if is_number(level)]
    if form != "auto" or not known:
        return form == "columns"
    if last["unit"] == "%" or last.get("frequency") in IN_YEARS or len(points) > _MOST_COLUMNS:
        return False
    return 0 <= min(known) < _FROM_ZERO * max(known)


def unit_of(row: Row, levels: Sequence[float]) -> Unit:
    """How the values of an axis are printed: large ones in thousands or millions."""
    largest = max((abs(level) for level in levels if math.isfinite(level)), default=0)
    if row["unit"] == "%":
        return Unit(suffix="%")
    suffix, divisor = ("m", 1e6) if largest >= 1e6 else ("k", 1e3) if largest >= 1e5 else ("", 1)
    return Unit("£" if str(row["unit"]).startswith(MONEY) else "", suffix, divisor)


def show_figure(row: Row, unit: Unit) -> str:
    """A figure in a picture, short: `34%`, `£1.25m`; never on another side of its lines."""
    if unit.divisor == 1:
        return figure_of({"polarity": ""} | row, bare=True)
    value = row["value"] / unit.divisor
    lines = [row[name] / unit.divisor for name in LINES if is_number(row.get(name))]
    places = min(2, max(0, 2 - math.floor(math.log10(abs(value))))) if value else 0
    digits = rounded(abs(value), decimals_against(value, places, lines))
    return f"{'-' if value < 0 else ''}{unit.prefix}{digits}{unit.suffix}"


def named_lines(points: Rows, words: Mapping[str, str], *, calculated: bool = False) -> list[Name]:
    """The last known level of each column of `words`; calculated ones at a decimal more."""
    names = []
    for column, word in words.items():
        for row in [row for row in points if is_number(row.get(column))][-1:]:
            level, decimals = row[column], int(row["decimals"])
            displayed = round(level, decimals + 1) if calculated else level
            text = show_line(displayed, row["unit"], decimals, bare=True)
            names.append(Name(level, f"{capitalised(word)} {text}"))
    return names


def draw_bands(canvas: Canvas, behind: list[list[Region]]) -> None:
    """The bands as steps, those of the last period to the end."""
    begin = 0.0
    for bands, run in groupby(behind):
        end = begin + len(list(run))
        for band in bands:
            last = canvas.places if end == len(behind) else end
            canvas.band(band.colour, begin, last, band.low, band.high)
        begin = end


def draw_ground(canvas: Canvas) -> None:
    """The line at nought, or at the end of the axis that is nearest to it."""
    look = "base" if canvas.low <= 0 <= canvas.high else "edge"
    canvas.line(look, [0, canvas.places], [canvas.within(0)] * 2)


def draw_gaps(canvas: Canvas, points: Rows) -> None:
    """A word for each run of periods without a figure, where there is room for it."""
    words = [
        "" if is_number(row["value"]) else _ABSENT.get(row["status"], "no data") for row in points
    ]
    begin = 0
    for word, run in groupby(words):
        count = len(list(run))
        if word and canvas.x(count) >= text_width(word, 13):
            middle = canvas.x(begin + count / 2)
            canvas.text(middle, canvas.height - 7, word, colour=QUIET, halo=True)
        begin += count


def draw_dated(canvas: Canvas, points: Rows, notes: Sequence[Row]) -> list[str]:
    """Number each note within the periods of `points`; gives their words in that order."""
    ends = [pd.Timestamp(row["period_end"]) for row in points]
    first = ends[0] - (ends[1] - ends[0]) if len(ends) > 1 else ends[0] - pd.Timedelta(days=92)
    numbered: list[str] = []
    for note in notes:
        day = pd.Timestamp(note["date"])
        place = next((n for n, end in enumerate(ends) if day <= end), None)
        if place is None or day <= first:
            continue
        begin = ends[place - 1] if place else first
        x = place + (day - begin) / (ends[place] - begin)
        numbered.append(f"{len(numbered) + 1}: {note_in_words(note)}")
        canvas.line("divider", [x, x], [canvas.low, canvas.high])
        looks: dict[str, Any] = {"bold": True, "colour": QUIET, "align": "left"}
        at, text = canvas.x(x) + 3, f"{len(numbered)}"
        if not canvas.note(at, [12, 26, canvas.height - 22], text, **looks):
            canvas.text(at, 12, text, halo=True, **looks)
    return numbered


def _draw_columns(canvas: Canvas, points: Rows) -> None:
    """Columns with their figures at the foot, where no line passes, or above a low one."""
    width, ground = canvas.x(1), canvas.y(0)
    texts = [show_figure(row, canvas.unit) if is_number(row["value"]) else "" for row in points]
    step = every(len(points), width, max(text_width(text, 13, True) for text in texts) + 3)
    for n, row in ((n, row) for n, row in enumerate(points) if is_number(row["value"])):
        last, doubted, top = n == len(points) - 1, in_doubt(row), canvas.within(row["value"])
        canvas.columns.append({"x": n + 0.5, "y": top, "y2": 0, "look": look_of(row)})
        if doubted:
            canvas.point(n + 0.5, top, "doubt")
        if (len(points) - 1 - n) % step == 0:
            inside = ground - canvas.y(top) >= 22
            foot = ground - 8 if inside else canvas.y(max(top, 0)) - 5
            colour = VIOLET if doubted and not (inside and row["status"] == FINAL) else INK
            text, size = texts[n] + ("?" if doubted else ""), 14 if width > 44 else 13
            canvas.text(canvas.x(n + 0.5), foot, text, size=size, bold=last, colour=colour)


def _draw_series(canvas: Canvas, points: Rows, broken: Sequence[int] = ()) -> list[Label]:
    """The line with its points; gives those that are to be labelled."""
    values = [canvas.within(number(row["value"])) for row in points]
    canvas.joined("series", [n + 0.5 for n in range(len(points))], values, broken)
    figures = []
    for n, (row, value) in enumerate(zip(points, values, strict=True)):
        if math.isfinite(value):
            last = n == len(points) - 1
            look = f"latest {look_of(row)}".removesuffix(" final") if last else look_of(row)
            canvas.point(n + 0.5, value, look, str(row.get("quarter") or row.get("period")))
            figures.append(label_at(canvas, n + 0.5, row, last))
    return figures


def label_at(canvas: Canvas, x: float, row: Row, strong: bool = False) -> Label:
    """The figure of a row as a label, and a ring around its point where it is in doubt."""
    doubted, value = in_doubt(row), canvas.within(row["value"])
    if doubted:
        canvas.point(x, value, "doubt")
    text = show_figure(row, canvas.unit) + ("?" if doubted else "")
    return Label(canvas.x(x), canvas.y(value), text, strong, doubted)


def _draw_outlook(canvas: Canvas, outlook: Row, count: int, figure: str) -> None:
    """What is expected, right of a divider: a bar for the range and a tick for the value."""
    low, high, expected = (outlook[name] for name in ("low", "high", "expected"))
    x = canvas.width - 15
    canvas.line("divider", [count, count], [canvas.low, canvas.high])
    canvas.line("range", [canvas.at(x)] * 2, [low, high])
    across = [("range end", 6, low), ("range end", 6, high), ("expected", 8, expected)]
    for look, half, at in across:
        canvas.line(look, [canvas.at(x - half), canvas.at(x + half)], [at, at])
    feet = [canvas.y(expected) + down for down in (4.5, -5, 15, -12, 22)]
    canvas.note(x - 11, feet, figure, align="right")
    for down, text in ((17, period_label(period_end(outlook))[0]), (32, "outlook")):
        canvas.text(x, canvas.height + down, text, colour=QUIET)


def _draw_benchmarks(canvas: Canvas, placed: Sequence[tuple[int, Row]], kpi: Row) -> None:
    for n, row in placed:
        canvas.level("benchmark", float(row["value"]), n + 0.15, n + 0.85)
    for n, row in placed:
        figure = show(float(row["value"]), kpi["unit"], int(kpi["decimals"]), bare=True)
        text = f"{row['area']} {row['period']}: {figure}"
        feet = [canvas.y(float(row["value"])) + down for down in (16, -7, 29, -20)]
        left, right = canvas.x(n + 0.15), canvas.x(n + 0.85)
        if not canvas.note(left, feet, text, colour=VIOLET, align="left"):
            canvas.note(right, feet, text, colour=VIOLET, align="right")


def _draw_month(canvas: Canvas, row: Row, at: float, kpi: Row) -> None:
    value, parts = float(row["value"]), parts_of(row)
    canvas.point(at, value, "one month")
    figure = show_figure(kpi | _WITHOUT_LINES | {"value": value}, canvas.unit)
    x, y = canvas.x(at) - 12, canvas.y(value)
    canvas.note(x, [y - 2, y - 9], f"{row['period_end']:%B} alone", bold=True, align="right")
    canvas.note(x, [y + 13, y + 6], f"{figure} ({parts})" if parts else figure, align="right")


def _single_month(points: Rows, months: Sequence[Row]) -> list[Row]:
    """The latest month alone that ends with the latest quarter, whose figure covers more. None of
    what adds up: a month of it is on another scale."""
    last = points[-1]
    if adds_up(last["unit"]) or not is_number(last["value"]):
        return []
    alone = [row for row in months if is_number(row["value"]) and row.get("basis") == "month"][-1:]
    return [row for row in alone if row["period_end"].date() == period_end(last)]


def _at_their_periods(points: Rows, benchmarks: Sequence[Row]) -> list[tuple[int, Row]]:
    """Other areas' figures, each with the place of the period that ends with theirs."""
    places = {period_end(row): n for n, row in enumerate(points)}
    ends = [(end_of(row["period"]), row) for row in benchmarks if is_number(row["value"])]
    return [(places[end], row) for end, row in ends if end in places]
