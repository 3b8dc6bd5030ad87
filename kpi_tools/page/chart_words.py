"""What a chart shows in words: its title, its alternative text and the notes below it. A figure in doubt concludes nothing."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import FINAL, ILLUSTRATIVE, MONEY, NOT_RATED, STATUSES_WITH_VALUE
from kpi_tools.wording import (
    Row,
    Rows,
    between,
    capitalised,
    figure_of,
    gap_of,
    in_doubt,
    in_words,
    is_number,
    is_text,
    line_of,
    listed,
    money_words,
    plural,
    show,
    text_of,
    unit_words,
    with_range,
)

WORDS = {"target": "target", "floor_standard": "floor standard"}
"""What a council calls its lines, where it says nothing else."""
MONITORED = "Monitored"
YEARLY = ("annual", "biennial")
_MOST_WORDS = 10
_UNITS = {"%": "per cent", "count": "number"}
_COVERS = {
    "rolling_12_months": "12 months ending",
    "snapshot": "at the end of",
    "year_to_date": "April to",
    "annual": "a year each",
}
_PERIODS = {"annual": "year", "biennial": "figure", "half_yearly": "half-year", "termly": "term"}


def period_end(row: Row) -> date:
    """The last day of a row's period."""
    end: Any = row.get("period_end")
    return (
        end.date()
        if hasattr(end, "date")
        else Quarter.parse(row.get("quarter") or row["period"]).end
    )


def period_words(row: Row) -> str:
    """A row's period, short: `December 2024`, or as it is called where it is a year."""
    if row.get("frequency") in YEARLY and is_text(row.get("period")):
        return str(row["period"])
    return f"{period_end(row):%B %Y}"


def chart_title(points: Rows, words: Mapping[str, str] = WORDS) -> str:
    """What the figures show in at most ten words, from their ratings: `Green again after two quarters of Amber`.

    `points`: one KPI's rows of one definition, oldest first; `words`: what the council calls its lines.
    """
    if not any(is_number(row["value"]) or is_text(row.get("milestone")) for row in points):
        return "No figures yet"
    last = points[-1]
    if in_doubt(last):
        return "The latest figure is in doubt: no conclusion"
    if last["rating"] in (NOT_RATED, MONITORED):
        return _unrated_title(points)
    rated = [
        row for row in points if not in_doubt(row) and row["rating"] not in (NOT_RATED, MONITORED)
    ]
    title = _rating_title([row["rating"] for row in rated], _one(points, len(rated) == len(points)))
    more = _gap(last, words) or _extreme(points)
    return f"{title}, {more}" if more and len(f"{title} {more}".split()) <= _MOST_WORDS else title


def chart_text(points: Rows, form: str, lines: Mapping[str, str]) -> str:
    """The alternative text: every figure with its period, the lines and how they went, and the latest rating.

    `form`: how they are drawn (`Line`, `Columns`); `lines`: the columns of lines to be named, with their words.
    """
    figures = [f"{period_words(row)} {_figure(row)}" for row in points]
    drawn = f"{form} for {plural(len(points), _one(points, True))}: {listed(figures)}."
    levels = [_level(points, column, word) for column, word in lines.items()]
    last = points[-1]
    reason = last.get("not_rated_reason")
    rating = f"The latest is {last['rating']}" + (f": {reason}." if is_text(reason) else ".")
    return " ".join([drawn, *(level for level in levels if level), rating])


def chart_about(row: Row, suffix: str) -> str:
    """What is measured in which unit, and what one figure covers: `Per cent, 12 months ending`."""
    unit = _UNITS.get(row["unit"]) or unit_words(row["unit"]) or "number"
    if row["unit"].startswith(MONEY):
        unit = f"£ {money_words(row['unit'])}".strip()
    scaled = {"k": " (k: thousand)", "m": " (m: million)"}.get(suffix, "")
    covers = _COVERS.get(str(row.get("basis")), "quarter ending")
    if row.get("frequency") in YEARLY:
        covers = "a year each"
    return f"{capitalised(unit)}{scaled}, {covers}"


def chart_notes(points: Rows, columns: bool) -> list[str]:
    """What the looks of figures mean, for the kinds that are in the chart."""
    statuses = {row["status"] for row in points if is_number(row["value"])}
    what = "columns" if columns else "points"
    notes = []
    if statuses & set(STATUSES_WITH_VALUE) - {FINAL, ILLUSTRATIVE}:
        looks = "Pale columns" if columns else "Open points"
        notes.append(f"{looks}: not final, or read from a published chart.")
    if ILLUSTRATIVE in statuses:
        notes.append(f"Violet {what}: illustrative, not a fact.")
    if any(in_doubt(row) for row in points):
        notes.append("Ringed, with “?”: in doubt.")
    return notes


def _rating_title(ratings: Sequence[str], one: str) -> str:
    """From ratings alone, oldest first; the last one is the latest."""
    last, count = ratings[-1], len(ratings)
    run = next((n for n, rating in enumerate(reversed(ratings)) if rating != last), count)
    if count == 1:
        return f"{last}, the only one rated"
    if run == count:
        return f"{last} in {'both' if count == 2 else f'all {in_words(count)}'} {one}s"
    if run > 1:
        return (
            f"{last} for {in_words(run)} {one}s running"
            if one != "figure"
            else f"{last} in the last {in_words(run)} figures"
        )
    if last not in ratings[:-1]:
        return f"{last} for the first time in {in_words(count)} {one}s"
    since = next(n for n, rating in enumerate(reversed(ratings[:-1])) if rating == last)
    others = set(ratings[-1 - since : -1])
    of = f" of {others.pop()}" if len(others) == 1 else ""
    return f"{last} again after {plural(since, one)}{of}"


def _unrated_title(points: Rows) -> str:
    last = points[-1]
    if not is_number(last["value"]):
        return f"Latest figure {last['status']}"
    known = [row for row in points if is_number(row["value"]) and not in_doubt(row)]
    values = [row["value"] for row in known]
    one = _one(points, len(known) == len(points))
    if len(known) == 1:
        return f"One figure: {figure_of(last, bare=True)}"
    if min(values) == max(values):
        return f"{figure_of(last, bare=True)} in {'both' if len(known) == 2 else f'all {in_words(len(known))}'} {one}s"
    for word, end in (("Highest", max), ("Lowest", min)):
        if values[-1] == end(values) and values.count(values[-1]) == 1:
            return f"{word} of {in_words(len(known))} {one}s"
    low, high = (
        figure_of(end(known, key=lambda row: row["value"]), bare=True) for end in (min, max)
    )
    return f"{capitalised(between(low, high))} in {in_words(len(known))} {one}s"


def _gap(row: Row, words: Mapping[str, str]) -> str | None:
    """How far the latest figure misses the worst line that it misses."""
    for column in ("floor_standard", "target"):
        if (gap := gap_of(row, column, bare=True)) is not None:
            return f"{gap} {words[column].removesuffix(' standard')}"
    return None


def _extreme(points: Rows) -> str | None:
    values = [row["value"] for row in points if is_number(row["value"]) and not in_doubt(row)]
    if (
        len(values) < 3
        or values.count(values[-1]) > 1
        or values[-1] not in (min(values), max(values))
    ):
        return None
    return f"now at its {'highest' if values[-1] == max(values) else 'lowest'}"


def _one(points: Rows, whole: bool) -> str:
    """What one of the periods is called; `figure` where some of them are left out of a count."""
    return _PERIODS.get(str(points[-1].get("frequency")), "quarter") if whole else "figure"


def _figure(row: Row) -> str:
    if not is_number(row["value"]):
        return f"no figure ({row['status']})"
    marks = [row["status"]] if row["status"] == ILLUSTRATIVE else []
    marks += ["in doubt"] if in_doubt(row) else []
    return figure_of(row) + (f" ({', '.join(marks)})" if marks else "")


def _level(points: Rows, column: str, word: str) -> str:
    """`Target 90% to March 2024, 85% since.`"""
    runs = [
        (level, list(rows)) for level, rows in groupby(points, key=lambda row: line_of(row, column))
    ]
    if all(not is_number(row.get(column)) for row in points):
        return ""
    parts = [
        f"{level} to {period_words(rows[-1])}"
        if n < len(runs) - 1
        else level + (" since" if n else "")
        for n, (level, rows) in enumerate(runs)
    ]
    return f"{capitalised(word)} {', '.join(parts)}."


def outlook_text(outlook: Row, row: Row) -> str:
    """`Outlook for March 2025: 91%, between 84% and 97%.`"""
    values = (
        show(outlook[name], row["unit"], int(row["decimals"]))
        for name in ("expected", "low", "high")
    )
    return f"Outlook for {period_words(outlook)}: {with_range(*values)}."


def activity_title(points: Rows) -> str:
    """Where the latest figure of an activity indicator lies, beside what was expected."""
    last = points[-1]
    if not is_number(last["value"]):
        return f"Latest figure {last['status']}"
    if is_number(last["lower_expected"]) and is_number(last["upper_expected"]):
        low, high = last["lower_expected"], last["upper_expected"]
        where = "below" if last["value"] < low else "above" if last["value"] > high else "within"
        return f"The latest is {where} the expected range"
    return _unrated_title(points)


def activity_text(points: Rows) -> str:
    """The alternative text of an activity indicator's chart."""
    last = points[-1]
    text = f"Line for {plural(len(points), 'quarter')}: {listed([f'{period_words(row)} {_figure(row)}' for row in points])}."
    ends = [
        show(last[name], last["unit"], int(last["decimals"]))
        for name in ("lower_expected", "upper_expected")
    ]
    if is_number(last["lower_expected"]) and is_number(last["upper_expected"]):
        text += f" Expected in the latest quarter: {ends[0]} to {ends[1]}."
    return text


def milestone_text(points: Rows) -> str:
    """The alternative text of a milestone's line of statuses."""
    statuses = [
        f"{period_words(row)} {text_of(row.get('milestone')) or 'no report'} ({row['rating']})"
        for row in points
    ]
    return f"Statuses for {plural(len(points), 'quarter')}: {listed(statuses)}."


def end_of(period: object) -> date | None:
    """The last day of another area's period: a calendar year, a financial year or a quarter; of others none."""
    year = re.fullmatch(r"(\d{4})(/\d\d)?", str(period))
    if year:
        begun = int(year[1])
        return date(begun + 1, 3, 31) if year[2] else date(begun, 12, 31)
    try:
        return Quarter.parse(period).end
    except InputError:
        return None


def look_of(row: Row) -> str:
    """How sure a figure is: `final`, `open` (not final, or read from a chart) or `illustrative`."""
    status = row["status"]
    return "illustrative" if status == ILLUSTRATIVE else "final" if status == FINAL else "open"
