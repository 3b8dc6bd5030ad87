"""What a chart shows in words: its title, alternative text and notes. A doubt concludes nothing."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby, takewhile
from typing import Any

import pandas as pd

from kpi_tools import vocabulary
from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, rows_of
from kpi_tools.terms import gap_of
from kpi_tools.wording import (
    between,
    capitalised,
    figure_of,
    in_words,
    line_of,
    listed,
    money_words,
    plural,
    show,
    unit_words,
)

WORDS = {"target": "target", "floor_standard": "floor standard"}
"""What a council calls its lines, where it says nothing else."""
_MOST_WORDS, _ALL_IN_WORDS = 10, 16
_UNITS = {"%": "per cent", "count": "number"}
_SCALED = {"k": " (k: thousand)", "m": " (m: million)"}
_COVERS = {
    "rolling_12_months": "12 months ending",
    "snapshot": "at the end of",
    "year_to_date": "April to",
    "annual": "a year each",
}
_PERIODS = {"annual": "year", "biennial": "figure", "half_yearly": "half-year", "termly": "term"}
_QUALITY = ("sign-off", "timeliness", "audit", "system")
_LETTERS = {"G": "Green", "A": "Amber", "R": "Red"}


def period_end(row: Row) -> date:
    """The last day of a row's period."""
    end: Any = row.get("period_end")
    if hasattr(end, "date"):
        return end.date()
    return Quarter.parse(row.get("quarter") or row["period"]).end


def period_words(row: Row) -> str:
    """A row's period, short: `December 2024`, a day, or as it is called where it is a year."""
    if row.get("frequency") in vocabulary.IN_YEARS and is_text(row.get("period")):
        return str(row["period"])
    end = period_end(row)
    return f"{end.day} {end:%B %Y}" if is_text(row.get("day")) else f"{end:%B %Y}"


def end_of(period: object) -> date | None:
    """The last day of another area's year or quarter; of other periods none."""
    if year := re.fullmatch(r"(\d{4})(/\d\d)?", str(period)):
        begun = int(year[1])
        return date(begun + 1, 3, 31) if year[2] else date(begun, 12, 31)
    try:
        return Quarter.parse(period).end
    except InputError:
        return None


def look_of(row: Row) -> str:
    """How sure a figure is: `final`, `open` (not final, or read from a chart) or `illustrative`."""
    return row["status"] if row["status"] in (vocabulary.ILLUSTRATIVE, vocabulary.FINAL) else "open"


def chart_title(points: Rows, words: Mapping[str, str] = WORDS) -> str:
    """What the figures show in at most ten words: `Green again after two quarters of Amber`.
    `points`: rows of one definition, oldest first; `words`: what its lines are called."""
    if not any(is_number(row["value"]) or is_text(row.get("milestone")) for row in points):
        return "No figures yet"
    last = points[-1]
    if in_doubt(last):
        return "The latest figure is in doubt: no conclusion"
    if not (title := how_long(points)):
        return _unrated_title(points)
    gaps = ((line, gap_of(last, line, bare=True)) for line in reversed([*words]))
    missed = [f"{gap} {words[line].removesuffix(' standard')}" for line, gap in gaps if gap]
    values = [row["value"] for row in _sure(points)]
    end = _end(values) if len(values) > 2 else None
    more = missed[0] if missed else f"now the {end} shown" if end else ""
    return f"{title}, {more}" if more and len(f"{title} {more}".split()) <= _MOST_WORDS else title


def how_long(points: Rows) -> str:
    """For how long a KPI has had its rating: `Red for three quarters running`, `Green again after
    two quarters of Amber`. Empty where the latest figure is in doubt or not rated."""
    run, known = latest_run(points), [row for row in points if _is_rated(row)]
    if not run:
        return ""
    last, count, one = run[-1]["rating"], len(known), _one(points, known)
    if count == 1:
        return f"{last}, the only figure rated"
    if len(run) == count:
        return f"{last} in {_all(count)} {one}s"
    if len(run) > 1 and one == "figure":
        return f"{last} in the last {in_words(len(run))} figures"
    if len(run) > 1:
        return f"{last} for {in_words(len(run))} {one}s running"
    before = [row["rating"] for row in known[:-1]]
    others = list(takewhile(lambda rating: rating != last, reversed(before)))
    if len(others) == len(before):
        return f"{last} for the first time in {in_words(count)} {one}s"
    of = f" of {others[0]}" if len(set(others)) == 1 else ""
    return f"{last} again after {plural(len(others), one)}{of}"


def latest_run(points: Rows) -> Rows:
    """The figures that have the rating of the latest, back to the last other one."""
    known = [row for row in reversed(points) if _is_rated(row)]
    if not known or known[0] is not points[-1]:
        return []
    return [*takewhile(lambda row: row["rating"] == known[0]["rating"], known)][::-1]


def _is_rated(row: Row) -> bool:
    return not in_doubt(row) and row["rating"] not in (vocabulary.NOT_RATED, vocabulary.MONITORED)


def chart_text(points: Rows, form: str, lines: Mapping[str, str], one: str = "") -> str:
    """The alternative text: every figure with its period (of many the ends and the last twelve),
    the lines (columns with their words), the latest rating. `form`: `Line` or `Columns`; `one`:
    what one of the periods is called."""
    levels = [_level(points, column, word) for column, word in lines.items()]
    last = points[-1]
    reason = last.get("not_rated_reason")
    rating = f"The latest is {last['rating']}" + (f": {reason}." if is_text(reason) else ".")
    if last["rating"] == vocabulary.NOT_RATED and not is_text(reason):  # a month, say
        rating = ""
    many = plural(len(points), one or _one(points, points))
    drawn = f"{form} for {many}: {_figures(points)}."
    return " ".join(filter(None, [drawn, *levels, rating]))


def chart_about(row: Row, suffix: str) -> str:
    """What is measured in which unit, and what one figure covers: `Per cent, 12 months ending`."""
    unit = _UNITS.get(row["unit"]) or unit_words(row["unit"]) or "number"
    if row["unit"].startswith(vocabulary.MONEY):
        unit = f"£ {money_words(row['unit'])}".strip()
    covers = _COVERS.get(str(row.get("basis")), "quarter ending")
    if row.get("frequency") in vocabulary.IN_YEARS:
        covers = "a year each"
    return f"{capitalised(unit)}{_SCALED.get(suffix, '')}, {covers}"


def chart_notes(points: Rows, columns: bool) -> list[str]:
    """What the looks of figures mean, for the kinds that are in the chart."""
    statuses = {row["status"] for row in points if is_number(row["value"])}
    what, notes = "columns" if columns else "points", []
    if statuses & set(vocabulary.STATUSES_WITH_VALUE) - {vocabulary.FINAL, vocabulary.ILLUSTRATIVE}:
        looks = "Pale columns" if columns else "Open points"
        notes.append(f"{looks}: not final, or read from a published chart.")
    if vocabulary.ILLUSTRATIVE in statuses:
        notes.append(f"Violet {what}: illustrative, not a fact.")
    if any(map(in_doubt, points)):
        notes.append("Ringed, with “?”: in doubt.")
    return notes


def against_expected(row: Row) -> str | None:
    """`below`, `within` or `above` what was expected; nothing where one of the three is missing."""
    value, low, high = (row[name] for name in ("value", "lower_expected", "upper_expected"))
    if not all(map(is_number, (value, low, high))):
        return None
    return "below" if value < low else "above" if value > high else "within"


def activity_words(points: Rows) -> tuple[str, str]:
    """Title and alternative text of an activity indicator's chart: where the latest figure lies,
    beside what was expected, and each figure."""
    last, where = points[-1], against_expected(points[-1])
    text = f"Line for {plural(len(points), 'quarter')}: {_figures(points)}."
    if not where:
        return _unrated_title(points), text
    ends = (last[name] for name in ("lower_expected", "upper_expected"))
    low, high = (show(end, last["unit"], int(last["decimals"])) for end in ends)
    title = f"The latest is {where} the expected range"
    return title, f"{text} Expected in the latest quarter: {low} to {high}."


def notes_on(annotations: pd.DataFrame, kpi: Row) -> Rows:
    """The dated notes on a KPI, its section or all, oldest first."""
    about = annotations["section"].isin([kpi["section"], "all"])
    return rows_of(annotations[about | (annotations["kpi_id"] == kpi["kpi_id"])])


def note_in_words(note: Row) -> str:
    """`1 April 2024: New booking system (Cabinet, 14 March 2024).`"""
    day = pd.Timestamp(note["date"])
    source = [str(note["source"])] if is_text(note["source"]) else []
    source += [vocabulary.ILLUSTRATIVE] if note["status"] == vocabulary.ILLUSTRATIVE else []
    more = f" ({', '.join(source)})" if source else ""
    return f"{day.day} {day:%B %Y}: {str(note['label']).rstrip('.')}{more}."


def quality_notes(kpi: Row) -> list[str]:
    """The council's own mark of its data, where the KPI was last reviewed or escalated to."""
    letters = kpi["data_quality"] if is_text(kpi.get("data_quality")) else ""
    marks = [f"{of} {_LETTERS[letter]}" for of, letter in zip(_QUALITY, letters, strict=False)]
    labelled = {
        "Data quality": ", ".join(marks),
        "Last reviewed": kpi.get("reviewed_at"),
        "Escalated to": kpi.get("escalated_to"),
    }
    return [f"{label}: {text}." for label, text in labelled.items() if is_text(text) and text]


def _unrated_title(points: Rows) -> str:
    last, known = points[-1], _sure(points)
    if not is_number(last["value"]):
        return f"Latest figure {last['status']}"
    values, one = [row["value"] for row in known], _one(points, known)
    latest, count = figure_of(last, bare=True), in_words(len(known))
    if len(known) == 1:
        return f"One figure: {latest}"
    if min(values) == max(values):
        return f"{latest} in {_all(len(known))} {one}s"
    if end := _end(values):
        return f"{end.capitalize()} of {count} {one}s"
    ends = (known[values.index(end)] for end in (min(values), max(values)))
    low, high = (figure_of(row, bare=True) for row in ends)
    return f"{capitalised(between(low, high))} in {count} {one}s"


def _sure(points: Rows) -> Rows:
    return [row for row in points if is_number(row["value"]) and not in_doubt(row)]


def _end(values: Sequence[float]) -> str | None:
    """`highest` or `lowest` where the last value is that, and no other is as high or low."""
    if values.count(values[-1]) > 1:
        return None
    return {max(values): "highest", min(values): "lowest"}.get(values[-1])


def _all(count: int) -> str:
    return "both" if count == 2 else f"all {in_words(count)}"


def _one(points: Rows, counted: Rows) -> str:
    """What one of the periods is called; `figure` where not all of them are counted."""
    whole = len(counted) == len(points)
    return _PERIODS.get(str(points[-1].get("frequency")), "quarter") if whole else "figure"


def _figures(points: Rows) -> str:
    known = [row for row in points if is_number(row["value"])]
    each = [f"{period_words(row)} {_figure(row)}" for row in points]
    if len(points) <= _ALL_IN_WORDS or not known:
        return listed(each)
    low, high = (end(known, key=lambda row: row["value"]) for end in (min, max))
    return (
        f"lowest {_figure(low)} in {period_words(low)}, highest {_figure(high)} in "
        f"{period_words(high)}; the last twelve: {listed(each[-12:])}"
    )


def _figure(row: Row) -> str:
    if not is_number(row["value"]) and not is_text(row.get("milestone")):
        return f"no figure ({row['status']})"
    marks = [vocabulary.ILLUSTRATIVE] if row["status"] == vocabulary.ILLUSTRATIVE else []
    marks += ["in doubt"] if in_doubt(row) else []
    return figure_of(row) + (f" ({', '.join(marks)})" if marks else "")


def _level(points: Rows, column: str, word: str) -> str:
    """`Target 90% to March 2024, 85% since.`"""
    if not any(is_number(row.get(column)) for row in points):
        return ""
    runs = groupby(points, key=lambda row: line_of(row, column))
    ends = [(level, [*rows][-1]) for level, rows in runs]
    parts = [f"{level} to {period_words(row)}" for level, row in ends[:-1]]
    parts.append(ends[-1][0] + (" since" if parts else ""))
    return f"{capitalised(word)} {', '.join(parts)}."
