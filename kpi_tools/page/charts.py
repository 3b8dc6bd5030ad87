"""A KPI's picture: its figures as a line or columns, the bands of its rating pale behind, what is expected beside.

Each function takes rows as the tables have them and gives a `Chart`. Nothing is rated here: what was rated is drawn.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kpi_tools.outlook import ends_of
from kpi_tools.page.canvas import Canvas, Figure, Name, Unit, axis, period_label
from kpi_tools.page.chart_words import (
    WORDS,
    YEARLY,
    activity_text,
    activity_title,
    chart_about,
    chart_notes,
    chart_text,
    chart_title,
    end_of,
    look_of,
    milestone_text,
    outlook_text,
    period_end,
    period_words,
)
from kpi_tools.page.drawing import COLOURS, INK, QUIET, VIOLET, Drawing
from kpi_tools.page.labels import every, text_width
from kpi_tools.page.marks import draw_dated, draw_gaps
from kpi_tools.page.regions import DEFAULT_COLOURS, Region, number, regions
from kpi_tools.vocabulary import FINAL, MONEY
from kpi_tools.wording import (
    Row,
    Rows,
    capitalised,
    decimals_against,
    figure_of,
    in_doubt,
    is_number,
    parts_of,
    rounded,
    show,
    show_line,
    text_of,
)

LINES = {"target": "target", "floor_standard": "floor"}
_WITHOUT_LINES = dict.fromkeys(LINES)
_NO_ROOM = "Figures for which there is no room stand in the table."
_MOST_COLUMNS = 12
_FROM_ZERO = (
    2 / 3
)  # columns where the lowest of figures and lines is below this share of the highest
_OUTLOOK = 34.0  # room for it beside its figure, in units of the canvas


class Chart(NamedTuple):
    """A picture for the page: inline SVG, what it shows in at most ten words, the same in full, notes for below it,
    and what is measured in which unit."""

    svg: str
    title: str
    text: str
    notes: tuple[str, ...] = ()
    about: str = ""


def finished(
    drawing: Drawing,
    name: str,
    title: str,
    text: str,
    notes: Sequence[str] = (),
    about: str = "",
    of: str = "",
) -> Chart:
    """The chart that is drawn so, with its words; `of`: what it is called where it is one of many alike."""
    called = ": ".join(filter(None, [of, title]))
    return Chart(drawing.svg(name, called, text), title, text, tuple(notes), about)


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
    """One KPI's figures with target, floor standard and the bands of its rating.

    `points`: its rows of the quarters shown, oldest first, any number. `name`: the stem of the ids in the SVG. `bands`:
    its rows of `rating.band_lines` (default: what target, floor standard, tolerance and polarity say). `outlook`: the row
    of `outlook.predictions` to be shown. `months`: its single months; the latest is drawn beside a figure that covers
    more. `benchmarks`: rows with `area`, `period`, `value`, each drawn at its own period if that is shown. `words`: what
    the council calls its lines. `form`: `auto`, `columns` or `line`. `breaks`: quarters from which the KPI was redefined.
    `dated`: notes with a date, numbered in the picture (rows of annotations.csv).
    `small`: lower, and without outlook, months and benchmarks. `scale`: the ends of the value axis.
    """
    last, ends = points[-1], ends_of(points[-1])
    columns = as_columns(points, form)
    broken = [n for n, row in enumerate(points) if n and row["quarter"] in breaks]
    month = [] if small or columns else _single_month(points, months)
    beside = [] if small else _at_their_periods(points, benchmarks)
    ahead = None if small or columns or any(map(in_doubt, points)) else _within(outlook, ends)
    sure = [row for row in points if is_number(row["value"]) and not in_doubt(row)] or points
    levels = [row.get(column) for row in points for column in LINES]
    levels += [row["value"] for row in (*sure, *month, *(row for _, row in beside))]
    levels += [ahead[side] for side in ("low", "high")] if ahead else []
    known = [float(level) for level in levels if is_number(level)]
    low, high = scale or axis(known, ends=ends, from_zero=columns)
    behind = [] if columns else regions(points, bands, low, high)
    unit = unit_of(last, known)
    expected = (
        show_figure(last | _WITHOUT_LINES | {"value": ahead["expected"]}, unit) if ahead else ""
    )
    room = _OUTLOOK + text_width(expected, 13) if ahead else 0.0
    canvas = Canvas(
        low,
        high,
        len(points) * (1 + room / (280 - room)),
        unit,
        _line_names(points, words),
        height=130 if small else 180,
        grid=not any(behind),
        room=max(
            (text_width(band.band, 13) + 20 for bands in behind for band in bands), default=14
        ),
    )
    draw_bands(canvas, behind)
    canvas.line("base" if low <= 0 <= high else "edge", [0, canvas.places], [canvas.within(0)] * 2)
    for column, look in LINES.items():
        canvas.steps(look, [number(row.get(column)) for row in points], canvas.places)
    for n in broken:
        canvas.line("divider", [n, n], [low, high])
        canvas.note(n + 0.08, [12], "new definition", colour=QUIET, align="left")
    figures = [] if columns else _draw_series(canvas, points, broken)
    if columns:
        _draw_columns(canvas, points)
    _draw_month(canvas, month, len(points), last)
    whole = canvas.label(figures)
    if ahead:
        _draw_outlook(canvas, ahead, len(points), expected)
    _draw_benchmarks(canvas, beside, last)
    draw_gaps(canvas, points)
    happened = draw_dated(canvas, points, dated)
    _name_bands(canvas, behind)
    yearly = last.get("frequency") in YEARLY
    canvas.periods([period_label(period_end(row), yearly) for row in points], always=yearly)
    text = [chart_text(points, "Columns" if columns else "Line", words)]
    text += [f"New definition from {period_words(points[n])}." for n in broken]
    text += ([outlook_text(ahead, last)] if ahead else []) + happened
    text += [f"{row['area']}, {row['period']}: {figure_of(last | row)}." for _, row in beside]
    notes = chart_notes(points, columns) + ([] if whole else [_NO_ROOM]) + happened
    notes += [f"Diamond: one month, {parts_of(row)}." for row in month if parts_of(row)]
    notes += (
        [f"The scale starts at {show_line(round(low, 9), last['unit'], 0)}."] if low > 0 else []
    )
    title = chart_title(points[broken[-1] :] if broken else points, words)
    about = chart_about(last, unit.suffix)
    return finished(canvas.drawing(), name, title, " ".join(text), notes, about, last["kpi_name"])


def activity_chart(points: Rows, name: str) -> Chart:
    """One activity indicator's figures, with the range between what was expected at least and at most behind.

    `points`: rows oldest first with `period` (a quarter), `value`, `unit`, `decimals`, `status`, `lower_expected`,
    `upper_expected`. It is not rated.
    """
    bounds = {"upper_expected": "Up to", "lower_expected": "From"}
    levels = [number(row[column]) for row in points for column in ("value", *bounds)]
    low, high = axis(levels, ends=ends_of(points[-1]))
    names = [
        Name(
            row[column], f"{word} {show_line(row[column], row['unit'], row['decimals'], bare=True)}"
        )
        for column, word in bounds.items()
        for row in [row for row in points if is_number(row[column])][-1:]
    ]
    canvas = Canvas(low, high, len(points), unit_of(points[-1], levels), names, grid=True)
    expected = [
        [Region("Expected", "grey", row["lower_expected"], row["upper_expected"])]
        if all(is_number(row[column]) for column in bounds)
        else []
        for row in points
    ]
    draw_bands(canvas, expected)
    canvas.line("base" if low <= 0 else "edge", [0, len(points)], [canvas.within(0)] * 2)
    for column in bounds:
        canvas.steps("limit", [number(row[column]) for row in points])
    whole = canvas.label(_draw_series(canvas, points))
    draw_gaps(canvas, points)
    canvas.name()
    canvas.periods([period_label(period_end(row)) for row in points])
    notes = chart_notes(points, columns=False) + ([] if whole else [_NO_ROOM])
    return finished(canvas.drawing(), name, activity_title(points), activity_text(points), notes)


def milestone_chart(points: Rows, name: str, colours: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """The statuses of a milestone as a line of shapes, its word wherever it changes.

    `points`: rows oldest first with `milestone` (the status, empty where none was sent) and `rating`. `colours`: by rating.
    """
    canvas = Canvas(0, 1, len(points), height=70)
    canvas.ticks = []
    canvas.joined("other", [n + 0.5 for n in range(len(points))], [0.3] * len(points))
    before = None
    for n, row in enumerate(points):
        status = text_of(row.get("milestone")) or "no report"
        colour = colours.get(row["rating"])
        canvas.point(n + 0.5, 0.3, colour if colour in COLOURS else "unrated", row["quarter"])
        if status != before:
            align = "left" if n < len(points) / 2 else "right" if n == len(points) - 1 else "center"
            at = n + {"left": 0.3, "right": 0.7, "center": 0.5}[align]
            canvas.note(at, [32, 14, -4], str(status), bold=n == len(points) - 1, align=align)
        before = status
    canvas.periods([period_label(period_end(row)) for row in points])
    title = (
        f"{capitalised(text_of(points[-1].get('milestone')) or 'no report')} in the latest quarter"
    )
    return finished(canvas.drawing(), name, title, milestone_text(points))


def small_multiples(
    parts: Mapping[str, Rows],
    name: str,
    *,
    bands: Mapping[str, Rows] | None = None,
    words: Mapping[str, str] = WORDS,
) -> dict[str, Chart]:
    """A small picture for each part of a KPI (its name → its rows), all on one scale; `bands` by name as in `kpi_chart`."""
    rows = [row for own in parts.values() for row in own]
    levels = [number(row.get(column)) for row in rows for column in ("value", *LINES)]
    scale = axis(levels, ends=ends_of(rows[-1]))
    return {
        part: kpi_chart(
            own,
            f"{name}-{n}",
            bands=None if bands is None else bands.get(own[-1]["kpi_id"], []),
            words=words,
            form="line",
            small=True,
            scale=scale,
        )
        for n, (part, own) in enumerate(parts.items(), 1)
    }


def as_columns(points: Rows, form: str = "auto") -> bool:
    """Whether a KPI's figures are columns from zero: counts that start near it. Else they are a line."""
    last = points[-1]
    levels = [row.get(column) for row in points for column in ("value", *LINES)]
    known = [float(level) for level in levels if is_number(level)]
    if form != "auto" or not known:
        return form == "columns"
    if last["unit"] == "%" or last.get("frequency") in YEARLY or len(points) > _MOST_COLUMNS:
        return False
    return min(known) >= 0 and min(known) < _FROM_ZERO * max(known)


def unit_of(row: Row, levels: Sequence[float]) -> Unit:
    """How the values of an axis are printed: large ones in thousands or millions."""
    largest = max((abs(level) for level in levels if math.isfinite(level)), default=0)
    if row["unit"] == "%":
        return Unit(suffix="%")
    suffix, divisor = ("m", 1e6) if largest >= 1e6 else ("k", 1e3) if largest >= 1e5 else ("", 1)
    return Unit("£" if str(row["unit"]).startswith(MONEY) else "", suffix, divisor)


def show_figure(row: Row, unit: Unit) -> str:
    """A figure in a picture, short: `34%`, `1,234`, `£1.25m`; never on another side of its lines than it is."""
    if unit.divisor == 1:
        return figure_of({"polarity": ""} | row, bare=True)
    value = row["value"] / unit.divisor
    lines = [row[name] / unit.divisor for name in LINES if is_number(row.get(name))]
    places = min(2, max(0, 2 - math.floor(math.log10(abs(value))))) if value else 0
    digits = rounded(abs(value), decimals_against(value, places, lines))
    return f"{'-' if value < 0 else ''}{unit.prefix}{digits}{unit.suffix}"


def _line_names(points: Rows, words: Mapping[str, str]) -> list[Name]:
    names = []
    for column in LINES:
        for row in [row for row in points if is_number(row.get(column))][-1:]:
            level = show_line(row[column], row["unit"], int(row["decimals"]), bare=True)
            names.append(
                Name(row[column], f"{capitalised(words[column].removesuffix(' standard'))} {level}")
            )
    return names


def draw_bands(canvas: Canvas, behind: list[list[Region]]) -> None:
    """The bands as steps, those of the last period to the end."""
    begin = 0
    for n in range(1, len(behind) + 1):
        if n == len(behind) or behind[n] != behind[begin]:
            for band in behind[begin]:
                end = canvas.places if n == len(behind) else n
                canvas.rectangle(begin, end, band.low, band.high, band.colour)
            begin = n


def _name_bands(canvas: Canvas, behind: list[list[Region]]) -> None:
    taken = canvas.name()
    for band in behind[-1] if behind else ():
        canvas.between_names(
            taken, canvas.y(band.high), canvas.y(band.low), band.band, f"band {band.colour}"
        )


def _draw_columns(canvas: Canvas, points: Rows) -> None:
    """Columns with their figures at the foot, where no line passes, or above a low one."""
    width = canvas.width / canvas.places
    texts = [show_figure(row, canvas.unit) if is_number(row["value"]) else "" for row in points]
    step = every(len(points), width, max(text_width(text, 13, True) for text in texts) + 3)
    for n, row in enumerate(points):
        if not is_number(row["value"]):
            continue
        last, doubted = n == len(points) - 1, in_doubt(row)
        top = canvas.within(row["value"])
        canvas.columns.append({"x": n + 0.5, "y": top, "look": look_of(row)})
        if doubted:
            canvas.point(n + 0.5, top, "doubt")
        if (len(points) - 1 - n) % step == 0:
            inside = canvas.y(0) - canvas.y(top) >= 22
            foot = canvas.y(0) - 8 if inside else canvas.y(max(top, 0)) - 5
            colour = VIOLET if doubted and not (inside and row["status"] == FINAL) else INK
            text = texts[n] + ("?" if doubted else "")
            canvas.text(
                n + 0.5, foot, text, size=14 if width > 44 else 13, bold=last, colour=colour
            )


def _draw_series(canvas: Canvas, points: Rows, broken: Sequence[int] = ()) -> list[Figure]:
    """The line with its points; gives those that are to be labelled."""
    values = [canvas.within(number(row["value"])) for row in points]
    canvas.joined("series", [n + 0.5 for n in range(len(points))], values, broken)
    figures = []
    for n, (row, value) in enumerate(zip(points, values, strict=True)):
        if not math.isfinite(value):
            continue
        last, doubted = n == len(points) - 1, in_doubt(row)
        look = f"latest {look_of(row)}".removesuffix(" final") if last else look_of(row)
        canvas.point(n + 0.5, value, look, str(row.get("quarter") or row.get("period")))
        if doubted:
            canvas.point(n + 0.5, value, "doubt")
        text = show_figure(row, canvas.unit) + ("?" if doubted else "")
        figures.append(Figure(n + 0.5, value, text, last, doubted))
    return figures


def _within(outlook: Row | None, ends: tuple[float, float]) -> Row | None:
    """The outlook as far as the measure goes."""
    names = ("expected", "low", "high")
    return outlook and outlook | {n: min(max(outlook[n], ends[0]), ends[1]) for n in names}


def _draw_outlook(canvas: Canvas, outlook: Row, count: int, figure: str) -> None:
    """What is expected, to the right of a divider: a bar for the range and a tick for the value, not joined to the line."""
    low, high, expected = (outlook[name] for name in ("low", "high", "expected"))
    unit = canvas.places / canvas.width
    at = canvas.places - 15 * unit
    canvas.line("divider", [count, count], [canvas.low, canvas.high])
    canvas.line("range", [at, at], [low, high])
    for end in (low, high):
        canvas.line("range end", [at - 6 * unit, at + 6 * unit], [end, end])
    canvas.line("expected", [at - 8 * unit, at + 8 * unit], [expected, expected])
    feet = [canvas.y(expected) + down for down in (4.5, -5, 15, -12, 22)]
    canvas.note(at - 11 * unit, feet, figure, align="right")
    month, _ = period_label(period_end(outlook))
    canvas.text(at, canvas.height + 17, month, colour=QUIET)
    canvas.text(at, canvas.height + 32, "outlook", colour=QUIET)


def _draw_benchmarks(canvas: Canvas, beside: Sequence[tuple[int, Row]], kpi: Row) -> None:
    for n, row in beside:
        canvas.bar("benchmark", n + 0.15, n + 0.85, float(row["value"]))
    for n, row in beside:
        value = float(row["value"])
        figure = show(value, kpi["unit"], int(kpi["decimals"]), bare=True)
        feet = [canvas.y(value) + down for down in (16, -7, 29, -20)]
        for align, x in (("left", n + 0.15), ("right", n + 0.85)):
            looks = {"colour": VIOLET, "align": align}
            if canvas.note(x, feet, f"{row['area']} {row['period']}: {figure}", **looks):
                break


def _draw_month(canvas: Canvas, months: Sequence[Row], count: int, kpi: Row) -> None:
    for row in months:
        value, parts = float(row["value"]), parts_of(row)
        canvas.point(count - 0.5, value, "one month")
        at = count - 0.5 - 12 * canvas.places / canvas.width
        figure = show_figure(kpi | _WITHOUT_LINES | {"value": value}, canvas.unit)
        looks = {"align": "right"}
        height = canvas.y(value)
        canvas.note(
            at, [height - 2, height - 9], f"{row['period_end']:%B} alone", bold=True, **looks
        )
        canvas.note(
            at, [height + 13, height + 6], f"{figure} ({parts})" if parts else figure, **looks
        )


def _single_month(points: Rows, months: Sequence[Row]) -> list[Row]:
    """The latest month alone that ends with the latest quarter, where its figure covers more than the month."""
    end = period_end(points[-1])
    alone = [row for row in months if is_number(row["value"]) and row.get("basis") == "month"]
    return [
        row
        for row in alone[-1:]
        if row["period_end"].date() == end and is_number(points[-1]["value"])
    ]


def _at_their_periods(points: Rows, benchmarks: Sequence[Row]) -> list[tuple[int, Row]]:
    """Other areas' figures, each with the place of the period that ends with theirs."""
    places = {period_end(row): n for n, row in enumerate(points)}
    ends = [(end_of(row["period"]), row) for row in benchmarks if is_number(row["value"])]
    return [(places[end], row) for end, row in ends if end in places]
