"""Tables as plain text for a terminal: what the checks found, and what differs between two reports."""

from textwrap import wrap
from typing import Final

import pandas as pd

from kpi_tools.loading import read_returns
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import issue_changes
from kpi_tools.wording import rows_of

_WIDTH: Final = 110
_NAMES: Final = {
    "kpi_id": "KPI",
    "quarter": "Quarter",
    "old": "Was",
    "new": "Is",
    "reason": "Reason",
    "old_rating": "Rating was",
    "new_rating": "Rating is",
    "old_direction": "Direction was",
    "new_direction": "Direction is",
    "before": "Was",
    "now": "Is",
}


def changes_text(raw: object, earlier: Quarter, later: Quarter) -> str:
    """What differs between the reports of two quarters: figures restated, ratings, commentary and actions, by KPI."""
    then, now = (read_returns(str(raw), quarter) for quarter in sorted((earlier, later)))
    lines = [f"From the report of {then.quarter.title} to that of {now.quarter.title}"]
    for heading, table in issue_changes(then, now).items():
        lines += ["", f"{heading}: {len(table)}"]
        lines += _records(table) if heading != "Ratings" else _ratings(table)
    return "\n".join(lines)


def _ratings(table: pd.DataFrame) -> list[str]:
    return [
        f"  {row['kpi_id']:<6} {row['before']:<18} → {row['now']:<18} {row['kpi_name']}"
        for row in rows_of(table)
    ]


def _records(table: pd.DataFrame) -> list[str]:
    lines = []
    for row in rows_of(table):
        lines.append(f"  {row['kpi_id']:<6} {row['kpi_name']}")
        for column, name in _NAMES.items():
            if column != "kpi_id" and column in row:
                text = row[column] if isinstance(row[column], str) and row[column] else "none"
                lines += wrap(
                    f"{name}: {text}", _WIDTH, initial_indent=" " * 9, subsequent_indent=" " * 11
                )
    return lines
