"""Pictures of many figures at once: the ratings of the last reports, and where we stand among other councils."""

from collections.abc import Mapping
from statistics import median

import pandas as pd

from kpi_tools.comparison import compare
from kpi_tools.page.canvas import Canvas, period_label
from kpi_tools.page.chart_words import end_of, period_end, period_words
from kpi_tools.page.charts import Chart, finished
from kpi_tools.page.drawing import COLOURS, INK, Drawing
from kpi_tools.page.labels import spread, text_width
from kpi_tools.page.regions import DEFAULT_COLOURS, number
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import ENGLAND, HIGHER, LOWER, NOT_RATED
from kpi_tools.wording import (
    Row,
    Rows,
    figure_of,
    in_doubt,
    in_words,
    is_number,
    is_text,
    listed,
    plural,
    show,
    text_of,
)

_STRIP = 384.0
_FEWEST = 3


def sparkline(points: Rows, name: str, colours: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """The last figures as marks at their heights, each with the shape of its rating then, and the target dashed.

    `points`: a KPI's rows shown, oldest first; `colours`: by rating. The text reads each figure and rating.
    """
    levelled = [row | {"value": 0.0} if is_text(row.get("milestone")) else row for row in points]
    known = [row for row in levelled if is_number(row["value"])]
    sure = [row["value"] for row in known if not in_doubt(row)] or [0.0]
    levels = [*sure, *(row["target"] for row in points if is_number(row.get("target")))]
    room = 0.15 * (max(levels) - min(levels)) or 1.0
    small = Canvas(min(levels) - room, max(levels) + room, len(points))
    small.steps("thin target", [number(row.get("target")) for row in points])
    heights = [small.within(number(row["value"])) for row in levelled]
    small.joined("thin", [n + 0.5 for n in range(len(points))], heights)
    for n, (row, height) in enumerate(zip(levelled, heights, strict=True)):
        if is_number(row["value"]):
            colour = colours.get(row["rating"], "unrated")
            size = "" if row is levelled[-1] else "band "
            small.point(n + 0.5, height, f"{size}{colour if colour in COLOURS else 'unrated'}")
    words = [f"{period_words(row)} {figure_of(row)}, {row['rating']}" for row in known]
    ends = {"low": small.low, "high": small.high, "left": 0, "right": len(points)}
    data = {"lines": small.lines, "points": small.points}
    drawing = Drawing("small", data, 124, 30, (4, 4, 4, 4), ends)
    return finished(drawing, name, "Last figures", f"{'; '.join(words) or 'None'}.")


def share_bars(shares: Mapping[str, float], colours: Mapping[str, str]) -> dict[str, Chart]:
    """How far each KPI is from its line, as a per cent of the line; all on one scale, the line dotted.

    `shares` and `colours` by the stem of their ids.
    """
    ends = [*shares.values(), 100.0]
    low, high = min(ends) - 4, max(ends) + 4
    bars = {}
    for name, share in shares.items():
        bar = Canvas(0, 1, 1)
        bar.line("grid", [low, high], [0.5, 0.5])
        bar.line("floor", [100, 100], [0.1, 0.9])
        bar.line("shortfall", [share, 100], [0.5, 0.5])
        bar.point(share, 0.5, colours.get(name, "red"))
        data = {"lines": bar.lines, "points": bar.points}
        settings = {"low": 0, "high": 1, "left": low, "right": high}
        drawing = Drawing("small", data, 140, 24, (4, 4, 0, 0), settings)
        bars[name] = finished(drawing, name, "Share of the line", f"{share:.0f}% of the line.")
    return bars


def counts_chart(history: Rows, name: str, bands: Mapping[str, str] = DEFAULT_COLOURS) -> Chart:
    """How many KPIs had each rating, report by report: a row of columns for each rating, on one scale.

    `history`: rows oldest first with `quarter` and a count for each rating. `bands`: the ratings in their order, best
    first, each with its colour. What is not rated has a row only where the latest report has any.
    """
    ratings = [rating for rating in bands if rating in history[-1]]
    ratings += [NOT_RATED] if history[-1].get(NOT_RATED) else []
    columns: Rows = []
    for rating in ratings:
        colour, before = bands.get(rating, "unrated"), ""
        for n, row in enumerate(history):
            month, year = period_label(Quarter.parse(row["quarter"]).end)
            last, foot = n == len(history) - 1, rating == ratings[-1]
            columns.append(
                {
                    "row": rating,
                    "mark": colour if n == 0 else "",
                    "order": ratings.index(rating),
                    "place": n,
                    "count": int(row[rating]),
                    "look": colour if last else f"pale {colour}",
                    "weight": "bold" if last else "normal",
                    "month": month if foot else "",
                    "year": year if foot and year != before else "",
                }
            )
            before = year
    counted = [f"{rating} {listed([str(row[rating]) for row in history])}" for rating in ratings]
    titles = [Quarter.parse(row["quarter"]).title for row in history]
    span = titles[0] if len(titles) == 1 else f"{titles[0]} to {titles[-1]}"
    text = f"Columns for {plural(len(history), 'report')}, {span}: {'; '.join(counted)}."
    left = max(text_width(rating, 14, True) for rating in ratings) + 34
    size = 30.0 * len(history), 60.0 * len(ratings) - 18
    drawing = Drawing("counts", {"columns": columns}, *size, (left, 4, 18, 40), {"left": left})
    return finished(drawing, name, counts_title(history, ratings), text)


def counts_title(history: Rows, ratings: list[str]) -> str:
    """`Green from 15 to 17, Red from 8 to 9 in six reports`: the best and the worst rating over the reports."""
    if len(history) < 2:
        return "One report so far"
    rated = [rating for rating in ratings if rating != NOT_RATED]
    first, last = history[0], history[-1]
    parts = []
    for rating in dict.fromkeys((rated[0], rated[-1])):
        change = "still" if first[rating] == last[rating] else f"from {first[rating]} to"
        parts.append(f"{rating} {change} {last[rating]}")
    return f"{', '.join(parts)} in {in_words(len(history))} reports"


def peers_chart(points: Rows, benchmarks: Rows, headline: str, name: str) -> Chart | None:
    """The strip of the latest period of the group that a council compares itself with; None for fewer than three others.

    `points`: the KPI's rows shown; `benchmarks`: its rows `area`, `period`, `value`, perhaps `group`. `headline`: the
    group; without one all areas but England. Ours is of the same period where it is shown, else the latest.
    """
    if headline:
        areas = [row for row in benchmarks if row.get("group") == headline]
    else:
        areas = [row for row in benchmarks if row["area"] != ENGLAND]
    areas = [row for row in areas if is_number(row["value"])]
    known = [row for row in points if is_number(row["value"]) and not in_doubt(row)]
    period = areas[-1]["period"] if areas else ""
    areas = [row for row in areas if row["period"] == period]
    if len(areas) < _FEWEST or not known:
        return None
    same = [row for row in known if period_end(row) == end_of(period)]
    ours, latest = (same or known)[-1], known[-1]
    now = latest if same and latest is not ours else None
    ours = ours | {"area": "Ours"}
    strip = peers_strip(areas, ours, name, now)
    words = strip.text.replace(
        " (best first)", f" {headline or 'areas'}, {in_words_of(period)} (best first)", 1
    )
    if same and (state := _beyond_chance(areas, ours)):
        words += f" Allowing for chance in the numbers of cases, ours is {state}."
    if not same:
        words += f" Our figure is of {period_words(ours)}."
    elif now:
        words += f" Now {figure_of(latest)} ({period_words(latest)})."
    return strip._replace(title=f"{headline or 'Other areas'}, {in_words_of(period)}", text=words)


def _beyond_chance(areas: Rows, ours: Row) -> str | None:
    """The funnel's verdict on ours; nothing where the cases of all are not known."""
    names = ("area", "value", "numerator", "denominator")
    rows = [{name: row.get(name) for name in names} for row in (*areas, ours)]
    if ours["unit"] != "%" or any(
        not is_number(value) for row in rows for value in [*row.values()][1:]
    ):
        return None
    table = pd.DataFrame(rows).assign(polarity=ours["polarity"], period="same")
    return text_of(compare(table, by="period", area="area")["funnel"].iloc[-1])


def in_words_of(period: str) -> str:
    """A period as readers see it: `Quarter 2 2025/26` for `2025-26 Q2`, others as they are written."""
    return Quarter.parse(period).title if "Q" in period else period


def peers_strip(areas: Rows, ours: Row, name: str, now: Row | None = None) -> Chart:
    """Where we stand among other councils: a tick for each, the median taller, ours as a disc.

    `areas`: rows with the `value` of one period, ours not among them. `ours`: `area`, `value`, `unit`, `decimals`,
    `polarity` of the same period; `now` today's, where that is later.
    """
    others = sorted(float(row["value"]) for row in areas if is_number(row["value"]))
    everyone = sorted([*others, float(ours["value"])])
    middle = median(everyone)
    shown = [*everyone, *([float(now["value"])] if now else [])]
    room = 0.02 * (max(shown) - min(shown)) or 1.0
    low, high = min(shown) - room, max(shown) + room

    def figure(value: float) -> str:
        return show(value, ours["unit"], int(ours["decimals"]), bare=True)

    above = [(ours["value"], f"{ours['area']} {figure(ours['value'])}", True)]
    above += [(now["value"], f"now {figure(now['value'])}", False)] if now else []
    below = [(middle, f"median {figure(middle)}", False)]
    below += [(end, figure(end), False) for end in {everyone[0], everyone[-1]} - {middle}]
    texts: Rows = []
    for foot, row in ((23.0, above), (68.0, sorted(below))):
        wished = [(value - low) / (high - low) * _STRIP for value, _, _ in row]
        widths = [text_width(text, 14, bold) + 8 for _, text, bold in row]
        places = spread(wished, widths, -8, _STRIP + 8)
        texts += [
            {
                "x": low + x / _STRIP * (high - low),
                "y": foot,
                "text": text,
                "align": "center",
                "size": 14 if bold else 13,
                "weight": "bold" if bold else "normal",
                "colour": INK,
                "behind": None,
            }
            for x, (_, text, bold) in zip(places, row, strict=True)
        ]
    ticks = [{"x": value, "look": "tick"} for value in others] + [{"x": middle, "look": "median"}]
    points = [{"x": now["value"], "y": 40, "look": "ours now", "id": ""}] if now else []
    points.insert(0, {"x": ours["value"], "y": 40, "look": "ours", "id": ""})
    data = {"areas": ticks, "points": points, "texts": texts}
    drawing = Drawing("strip", data, _STRIP, 74, (8, 8, 0, 0), {"low": low, "high": high})
    better = sum(_is_better(value, ours) for value in others)
    rank = f"{ordinal(1 + better)} of {len(everyone)} (best first)"
    if ours["polarity"] not in (HIGHER, LOWER):
        rank = f"One of {len(everyone)}"
    ends = f"range {figure(everyone[0])} to {figure(everyone[-1])}"
    text = f"{rank}; ours {figure(ours['value'])}, median {figure(middle)}, {ends}."
    return finished(drawing, name, rank, text)


def ordinal(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else endings.get(number % 10, 'th')}"


def _is_better(value: float, ours: Row) -> bool:
    return bool(value > ours["value"] if ours["polarity"] == HIGHER else value < ours["value"])
