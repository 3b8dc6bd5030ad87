"""Pictures of many figures at once: the last reports, our place among others, and small marks."""

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import pandas as pd

from kpi_tools import vocabulary
from kpi_tools.comparison import compare
from kpi_tools.page import drawing
from kpi_tools.page.canvas import DEFAULT_COLOURS, Canvas, period_label
from kpi_tools.page.chart_words import end_of, period_end, period_words
from kpi_tools.page.charts import Chart
from kpi_tools.page.html import render
from kpi_tools.page.labels import spread, text_width
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, text_of
from kpi_tools.wording import figure_of, in_words, listed, show

_STRIP, _FEWEST = 384.0, 3
_SHAPES = {
    "circle": "M1,0A1,1,0,1,1,-1,0A1,1,0,1,1,1,0",
    "square": "M-1,-1H1V1H-1Z",
    "triangle-up": "M0,-.87L1,.87H-1Z",
}


def sparkline(points: Rows, name: str, colours: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """The last figures (rows, oldest first) as marks of the shape of their rating, and the target
    dashed. The text reads each of them. `colours`: by rating."""
    rows = [row | {"value": 0.0} if is_text(row.get("milestone")) else row for row in points]
    known = [row for row in rows if is_number(row["value"])]
    levels = [row["value"] for row in known if not in_doubt(row)] or [0.0]
    levels += [row["target"] for row in points if is_number(row.get("target"))]
    room = 0.15 * (max(levels) - min(levels)) or 1.0
    low, high, step = min(levels) - room, max(levels) + room, 124 / len(points)

    def y(value: float) -> float:
        return 34 - 30 * (min(max(value, low), high) - low) / (high - low)

    def path_command(n: int, name: str) -> str:
        return "L" if n and is_number(rows[n - 1].get(name)) else "M"

    target = line = marks = ""
    for n, row in enumerate(rows):
        begin, x = 4 + step * n, 4 + step * (n + 0.5)
        if is_number(row.get("target")):
            target += f"{path_command(n, 'target')}{begin:.1f},{y(row['target']):.1f}h{step:.1f}"
        if is_number(row["value"]):
            line += f"{path_command(n, 'value')}{x:.1f},{y(row['value']):.1f}"
            size = "" if n == len(rows) - 1 else "band "
            marks += _mark(x, y(row["value"]), colours.get(row["rating"], ""), size)
    lines = (
        f'<g fill="none"><path d="{target}" stroke="{drawing.INK}" stroke-width="1.2" '
        f'stroke-dasharray="3,2"/><path d="{line}" stroke="{drawing.BLUE}" stroke-width="1.4"/></g>'
    )
    words = [f"{period_words(row)} {figure_of(row)}, {row['rating']}" for row in known]
    title, text = "Last figures", f"{'; '.join(words) or 'None'}."
    return Chart(drawing.image(name, title, text, (132, 38), lines + marks), title, text)


def _mark(x: float, y: float, colour: str, size: str = "") -> str:
    look = drawing.POINTS[f"{size}{colour if colour in drawing.COLOURS else 'unrated'}"]
    scale = math.sqrt(look.size) / 2  # as Vega does
    return (
        f'<path transform="translate({x:.1f},{y:.1f}) scale({scale:.1f})" '
        f'd="{_SHAPES.get(look.shape, look.shape)}" fill="{look.fill}" stroke="{look.stroke}" '
        f'stroke-width="{1 / scale:.2f}"/>'
    )


def counts_chart(history: Rows, name: str, bands: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """How many KPIs had each rating, report by report: a row of columns for each, on one scale.
    `history`: two rows or more, oldest first: `quarter` and a count for each rating. `bands`:
    best first, each with its colour. What is not rated has a row where the latest has any."""
    ratings = [rating for rating in bands if rating in history[-1]]
    ratings += [vocabulary.NOT_RATED] if history[-1].get(vocabulary.NOT_RATED) else []
    left = round(max(text_width(rating, 14, True) for rating in ratings)) + 34
    marks = render(
        "counts.svg.j2",
        history=history,
        rows=[(rating, bands.get(rating, "unrated")) for rating in ratings],
        left=left,
        each=42 / max(1, *(int(row[rating]) for row in history for rating in ratings)),
        labels=[period_label(Quarter.parse(row["quarter"]).end) for row in history],
        columns=drawing.COLUMNS,
        mark=_mark,
    )
    size = left + 30 * len(history) + 4, 60 * len(ratings) + 40
    counted = [f"{rating} {listed([str(row[rating]) for row in history])}" for rating in ratings]
    titles = [Quarter.parse(row["quarter"]).title for row in history]
    span = f"{titles[0]} to {titles[-1]}"
    text = f"Columns for {in_words(len(history))} reports, {span}: {'; '.join(counted)}."
    title = _counts_title(history, [rating for rating in ratings if rating != vocabulary.NOT_RATED])
    return Chart(drawing.image(name, title, text, size, marks), title, text)


def _counts_title(history: Rows, rated: list[str]) -> str:
    """`Green from 15 to 17, Red from 8 to 9 in six reports`: the best and the worst rating."""
    parts = []
    for rating in dict.fromkeys((rated[0], rated[-1])):
        first, last = history[0][rating], history[-1][rating]
        change = "still" if first == last else f"from {first} to"
        parts.append(f"{rating} {change} {last}")
    return f"{', '.join(parts)} in {in_words(len(history))} reports"


def peers_chart(points: Rows, benchmarks: Rows, headline: str, name: str) -> Chart | None:
    """The strip of the latest period of the council's group; None for fewer than three others.
    `points`: the KPI's rows shown; `benchmarks`: its rows `area`, `period`, `value`, perhaps
    `group`. `headline`: the group; without one all areas but England. Ours is of the same period
    where it is shown, else the latest."""
    areas = [
        row
        for row in benchmarks
        if is_number(row["value"])
        and (row.get("group") == headline if headline else row["area"] != vocabulary.ENGLAND)
    ]
    known = [row for row in points if is_number(row["value"]) and not in_doubt(row)]
    period = areas[-1]["period"] if areas else ""
    areas = [row for row in areas if row["period"] == period]
    if len(areas) < _FEWEST or not known:
        return None
    same = [row for row in known if period_end(row) == end_of(period)]
    ours, latest = (same or known)[-1] | {"area": "Ours"}, known[-1]
    now = latest if same and latest is not same[-1] else None
    when = Quarter.parse(period).title if "Q" in period else period
    strip = peers_strip(areas, ours, name, now)
    best = f" {headline or 'areas'}, {when} (best first)"
    words = strip.text.replace(" (best first)", best, 1)
    if same and (state := _beyond_chance(areas, ours)):
        words += f" Allowing for chance in the numbers of cases, ours is {state}."
    if not same:
        words += f" Our figure is of {period_words(ours)}."
    elif now:
        words += f" Now {figure_of(latest)} ({period_words(latest)})."
    return strip._replace(title=f"{headline or 'Other areas'}, {when}", text=words)


def _beyond_chance(areas: Rows, ours: Row) -> str | None:
    """The funnel's verdict on ours; nothing where the cases of all are not known."""
    numbers = ["value", "numerator", "denominator"]
    rows = [{name: row.get(name) for name in ("area", *numbers)} for row in (*areas, ours)]
    if ours["unit"] != "%" or not all(is_number(row[name]) for row in rows for name in numbers):
        return None
    table = pd.DataFrame(rows).assign(polarity=ours["polarity"], period="same")
    return text_of(compare(table, by="period", area="area")["funnel"].iloc[-1])


def peers_strip(areas: Rows, ours: Row, name: str, now: Row | None = None) -> Chart:
    """Where we stand among other councils: a tick for each, the median taller, ours as a disc.
    `areas`: rows of one period without ours; `now`: today's, where that is later than `ours`."""
    others = sorted(float(row["value"]) for row in areas if is_number(row["value"]))
    everyone = sorted([*others, float(ours["value"])])
    middle, lowest, highest = median(everyone), everyone[0], everyone[-1]
    values = [*everyone, *([float(now["value"])] if now else [])]
    room = 0.02 * (max(values) - min(values)) or 1.0
    low, span = min(values) - room, max(values) - min(values) + 2 * room

    def figure(value: float) -> str:
        return show(value, ours["unit"], int(ours["decimals"]), bare=True)

    sides: Any = {"left": 8, "right": 8, "top": 0, "bottom": 0}
    canvas = Canvas(0, 74, span, total=_STRIP + 16, height=74, axis=False, **sides)
    canvas.line("edge", [0, span], [34, 34])
    for value, look, half in [*((value, "tick", 8) for value in others), (middle, "median", 14)]:
        canvas.line(look, [value - low] * 2, [34 - half, 34 + half])
    canvas.point(float(ours["value"]) - low, 34, "ours")
    above = [(float(ours["value"]), f"{ours['area']} {figure(ours['value'])}", True)]
    if now:
        canvas.point(float(now["value"]) - low, 34, "ours now")
        above.append((float(now["value"]), f"now {figure(now['value'])}", False))
    below = [(middle, f"median {figure(middle)}", False)]
    below += [(end, figure(end), False) for end in {lowest, highest} - {middle}]
    for foot, row in ((23, above), (68, sorted(below))):
        widths = [text_width(text, 14, bold) + 8 for _, text, bold in row]
        wished = [canvas.x(value - low) for value, _, _ in row]
        places = spread(wished, widths, -8, _STRIP + 8)
        for x, (_, text, bold) in zip(places, row, strict=True):
            canvas.text(x, foot, text, size=13 + bold, bold=bold)
    rank = f"One of {len(everyone)}"
    if ours["polarity"] in (vocabulary.HIGHER, vocabulary.LOWER):
        way = 1 if ours["polarity"] == vocabulary.HIGHER else -1
        better = sum(way * value > way * ours["value"] for value in others)
        rank = f"{_ordinal(1 + better)} of {len(everyone)} (best first)"
    ends = f"range {figure(lowest)} to {figure(highest)}"
    text = f"{rank}; ours {figure(ours['value'])}, median {figure(middle)}, {ends}."
    return Chart(canvas.drawing().svg(name, rank, text), rank, text)


def _ordinal(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else endings.get(number % 10, 'th')}"
