"""What is known of each point of a chart: its numbers, why it is flagged or not, and what was said
of it."""

from typing import Any

import pandas as pd

from kpi_tools.doubts import MARK
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.kinds import DAYS_BETWEEN
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, in_doubt, is_text, rows_of
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import FINAL, ILLUSTRATIVE
from kpi_tools.wording import figure_of, line_of, parts_of, period_of, plural, show

_ELSEWHERE = "Whether it is unusual is judged on the {}: see the view of the usual range."


def facts(known: Evidence, kpi_id: str, commentary: pd.DataFrame) -> dict[str, Row]:
    """The facts of every point of a KPI's views, by the id that it has there: a `title` (period or
    area), `figures` in one line, `rating` and its `look` (empty: none), the sentences on it
    (`more`), and its `remarks` in the report of its quarter, of `evidence.commentary_so_far`."""
    points, terms = known.of("points", kpi_id), known.terms
    reasons = dict(zip(points["period"], points["why"], strict=True))
    rows = rows_of(commentary[commentary["kpi_id"] == kpi_id])
    notes = {row["quarter"]: remarks(row, terms) for row in rows}
    found = dict[str, Row]()
    for row in rows_of(known.of("quarters", kpi_id)):
        why = reasons.get(row["period"], _ELSEWHERE.format("months"))
        rated = {"rating": row["rating"], "look": terms.look(row["rating"])}
        found[row["period"]] = _of_figure(row, terms, [why], notes) | rated
    for row in rows_of(known.months(kpi_id)):
        why = reasons.get(row["period"], _ELSEWHERE.format("quarters"))
        agreed = "A single month: its lines are agreed for the quarterly figure."
        found[row["period"]] = _of_figure(row, terms, [why, agreed], notes)
    for row in rows_of(points[points["series"] == DAYS_BETWEEN]):
        figures = f"{plural(int(row['value']), 'day')} after the one before"
        found[row["period"]] = _fact(
            row["period"], figures, [row["why"]], notes.get(row["quarter"])
        )
    kpi = known.kpi(kpi_id)
    for row in rows_of(known.of("benchmarks", kpi_id)):
        title = f"{row['area']}, {row['period']}"
        figure = show(row["value"], kpi["unit"], int(kpi["decimals"]) + 1)
        first = f"First known in the report for {Quarter.parse(row['from_quarter']).title}."
        found[title] = _fact(title, figure, [first, _source(row["source"])])
    return found


def _fact(title: str, figures: str, more: list[str], notes: list[str] | None = None) -> Row:
    more = [text for text in more if text]
    fact = {"title": title, "figures": figures, "rating": "", "look": ""}
    return fact | {"more": more, "remarks": notes or []}


def _source(text: object) -> str:
    return f"Source: {text.rstrip('.')}." if is_text(text) else ""


def _of_figure(row: Row, terms: Terms, why: list[str], notes: dict[str, list[str]]) -> Row:
    parts = f" ({parts_of(row)})" if parts_of(row) else ""
    lines = ", ".join(f"{terms.word(name)} {line_of(row, name)}" for name in terms.lines(row))
    figure = f"{figure_of(row)}{MARK if in_doubt(row) else ''}{parts}"
    reason, doubt = row.get("not_rated_reason"), row.get("doubt")
    invented = lines and row["target_status"] == ILLUSTRATIVE
    more = [
        doubt if is_text(doubt) else "",
        *why,
        f"{reason.capitalize()}." if is_text(reason) else "",
        f"The figure is {row['status']}." if row["status"] != FINAL else "",
        f"Its lines are {ILLUSTRATIVE}." if invented else "",
        _source(row["note"]),
    ]
    report = Quarter.parse(row["quarter"]).shift(int(row["lag_quarters"]))
    none = [f"There is no commentary on it in the report of {report.title}."]
    figures = f"{figure}; {lines}" if lines else figure
    return _fact(period_of(row), figures, more, notes.get(report.label, none))


def remarks(row: dict[str, Any], terms: Terms) -> list[str]:
    """What a report said of a KPI, from its row of the commentary."""
    report = Quarter.parse(row["quarter"]).title
    mark = f" ({ILLUSTRATIVE})" if row["status"] == ILLUSTRATIVE else ""
    return [
        f"{word}, report of {report}{mark}: {row[name]}"
        for name, word in (
            ("commentary", "Commentary"),
            ("management_action", terms.head("management_action")),
        )
        if is_text(row[name])
    ]
