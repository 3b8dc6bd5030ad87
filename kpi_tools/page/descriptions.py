"""One indicator in words: what its chart shows, which way it goes and by how much, what its latest figure covers.

Every figure in a sentence is taken from the rows that are drawn and tabled beside it, so they cannot differ.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    AMBER,
    GREEN,
    ILLUSTRATIVE,
    NOT_ENOUGH_DATA,
    NOT_TESTABLE,
    RED,
    STABLE,
)
from kpi_tools.words.row_words import Row, Rows
from kpi_tools.words.wording import (
    MISSING,
    capitalised,
    listed,
    plural,
    rounded,
    show,
    show_against,
    show_line,
)

_STANDS = {
    GREEN: "achieved the target",
    AMBER: "achieved the floor standard but not the target",
    RED: "did not achieve the floor standard",
}


def month_alone(month: Mapping[str, Any], unit: str, decimals: int) -> str:
    """The latest single month of a KPI whose figure covers more: `December 2024 alone: 68% (50 of 73).`

    `month` is its row of `returns.months`.
    """
    parts = (
        f" ({month['numerator']:,.0f} of {month['denominator']:,.0f})"
        if pd.notna(month["denominator"])
        else ""
    )
    mark = f" ({ILLUSTRATIVE})" if month["status"] == ILLUSTRATIVE else ""
    return (
        f"{month['period_end']:%B %Y} alone: {show(month['value'], unit, decimals)}{parts}{mark}."
    )


def chart_description(points: Rows) -> str:
    """What the column chart of one KPI shows, in words, for those who cannot see it: values, lines, where the last stands.

    `points` are the KPI's rows of `recent_quarters`, oldest first.
    """
    last = points[-1]
    columns = [f"{_month(row['quarter'])} {_figure(row)}" for row in points]
    stands = _STANDS.get(last["rating"])
    verdict = (
        f"The latest figure {stands} ({last['rating']})."
        if stands
        else f"The latest quarter is not rated: {last['not_rated_reason']}."
    )
    return f"Columns for {plural(len(points), 'quarter')}: {listed(columns)}. {_lines(points)} {verdict}"


def direction_sentence(kpi: Mapping[str, Any]) -> str:
    """The direction of travel in words with its size: `Negative: falling by 2.1 percentage points a year (0.6 to 3.6).`"""
    state, points = kpi["direction_of_travel"], int(kpi["points"])
    if state == NOT_ENOUGH_DATA:
        return f"Not enough data: {plural(points, 'figure')} in the quarters shown."
    if state == NOT_TESTABLE:
        return "Not testable: neither rising nor falling is better, or the figures build up over the year."
    low, high = sorted((kpi["slope_low"], kpi["slope_high"]))
    places = _places(high - low, int(kpi["decimals"]))
    if state == STABLE:
        return f"{capitalised(STABLE)}: between {_change(low, kpi, places)} and {_change(high, kpi, places)} a year."
    rising = kpi["slope"] > 0
    smaller, larger = sorted((abs(low), abs(high)))
    size = _amount(abs(kpi["slope"]), kpi, places)
    return (
        f"{capitalised(state)}: {'rising' if rising else 'falling'} by {size} a year "
        f"(95% interval {rounded(smaller, places)} to {rounded(larger, places)})."
    )


def data_period(kpi: Mapping[str, Any]) -> str:
    """What the latest figure covers: `October to December 2024`, `12 months to December 2024`, `at 31 December 2024`."""
    quarter = Quarter.parse(kpi["quarter"])
    end = f"{quarter.end:%B %Y}"
    return {
        "quarter": f"{quarter.start:%B} to {end}",
        "rolling_12_months": f"12 months to {end}",
        "snapshot": f"at {quarter.end.day} {end}",
        "year_to_date": f"April {quarter.year} to {end}",
        "annual": f"year to {end}",
    }[kpi["basis"]]


def activity_description(points: Rows) -> str:
    """What the chart of one activity indicator shows, in words. `points` are its rows, oldest first; it is not rated."""
    last = points[-1]
    shown = [
        f"{_month(row['period'])} {show(row['value'], row['unit'], int(row['decimals']))}"
        + (" (illustrative)" if row["status"] == ILLUSTRATIVE else "")
        for row in points
    ]
    low, high = (
        show(last[name], last["unit"], int(last["decimals"]))
        for name in ("lower_expected", "upper_expected")
    )
    expected = (
        f" Expected in the latest quarter: {low} to {high}." if MISSING not in (low, high) else ""
    )
    return f"{capitalised(plural(len(points), 'quarter'))}: {listed(shown)}.{expected}"


def _figure(row: Row) -> str:
    lines = (row["target"], row["floor_standard"])
    text = show_against(row["value"], row["unit"], int(row["decimals"]), lines)
    if text == "not available":
        return f"no figure ({row['status']})"
    return f"{text} (illustrative)" if row["status"] == ILLUSTRATIVE else text


def _lines(points: Rows) -> str:
    return " ".join(
        _line(points, column, name)
        for column, name in (("target", "target"), ("floor_standard", "floor standard"))
    )


def _line(points: Rows, column: str, name: str) -> str:
    unit, decimals = points[-1]["unit"], int(points[-1]["decimals"])
    levels = [show_line(row[column], unit, decimals) for row in points]
    months = [_month(row["quarter"]) for row in points]
    steps, at = [], 0
    for level, run in groupby(levels):
        steps.append(f"{level} from {months[at]}" if at else level)
        at += len(list(run))
    return (
        f"The {name} is {steps[0]} throughout."
        if len(steps) == 1
        else f"The {name} is {', then '.join(steps)}."
    )


def _amount(size: float, kpi: Mapping[str, Any], places: int) -> str:
    if kpi["unit"] == "%":
        return f"{rounded(size, places)} percentage points"
    return show(size, kpi["unit"], places)


def _change(size: float, kpi: Mapping[str, Any], places: int) -> str:
    if round(abs(size), places) == 0:
        return "no change"
    return f"{'a rise' if size > 0 else 'a fall'} of {_amount(abs(size), kpi, places)}"


def _places(width: float, decimals: int) -> int:
    return decimals + 1 if width < 10 ** (1 - decimals) * 3 else decimals


def _month(quarter: str) -> str:
    return f"{Quarter.parse(quarter).end:%B %Y}"
