"""One indicator in words: what its chart shows, which way it goes and by how much, what its latest figure covers.

Every figure in a sentence is taken from the rows that are drawn and tabled beside it, so they cannot differ.
"""

from itertools import groupby

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    AMBER,
    GREEN,
    ILLUSTRATIVE,
    RED,
)
from kpi_tools.words.row_words import Row, Rows
from kpi_tools.words.wording import (
    MISSING,
    capitalised,
    listed,
    plural,
    show,
    show_against,
    show_line,
)

_STANDS = {
    GREEN: "achieved the target",
    AMBER: "achieved the floor standard but not the target",
    RED: "did not achieve the floor standard",
}


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


def _month(quarter: str) -> str:
    return f"{Quarter.parse(quarter).end:%B %Y}"
