"""Tables as plain text for a terminal: what the checks found, and what differs between two reports."""

from textwrap import wrap
from typing import Final

import pandas as pd

from kpi_tools.loading import Returns, read_returns
from kpi_tools.quarters import Quarter
from kpi_tools.remarks import commentary_until
from kpi_tools.scorecard import issue_changes
from kpi_tools.words.row_words import rows_of

_WIDTH: Final = 110
_NAMES: Final = {
    "kpi_id": "KPI", "quarter": "Quarter", "old": "Was", "new": "Is", "reason": "Reason", "old_rating": "Rating was",
    "new_rating": "Rating is", "old_direction": "Direction was", "new_direction": "Direction is", "before": "Was", "now": "Is",
}  # fmt: skip


def check_findings(returns: Returns, raw: object) -> pd.DataFrame:
    """The findings of the checks before release (`checks.release_findings`), with the commentary of earlier reports."""
    from kpi_tools.release.checks import release_findings

    return release_findings(returns, earlier=commentary_until(str(raw), returns))


def findings_text(findings: pd.DataFrame) -> str:
    """One finding after another: severity, check and place in columns, below them what was found and what to do."""
    code = max(findings["code"].str.len().max(), 5)
    lines = [f"{'Severity':<9} {'Check':<{code}} Place"]
    for row in rows_of(findings):
        lines.append(f"{row['severity']:<9} {row['code']:<{code}} {row['place']}")
        lines += wrap(
            f"{row['finding']} {row['remedy']}",
            _WIDTH,
            initial_indent=" " * 10,
            subsequent_indent=" " * 10,
        )
    return "\n".join(lines)


def changes_text(raw: object, earlier: Quarter, later: Quarter) -> str:
    """What differs between the reports of two quarters: figures restated, ratings, commentary and actions, by KPI."""
    then, now = (read_returns(str(raw), quarter) for quarter in sorted((earlier, later)))
    told = [f"From the report of {then.quarter.title} to that of {now.quarter.title}"]
    for heading, table in issue_changes(then, now).items():
        told += ["", f"{heading}: {len(table)}"]
        told += _records(table) if heading != "Ratings" else _ratings(table)
    return "\n".join(told)


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
