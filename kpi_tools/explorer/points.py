"""What is known of each point of a chart: its numbers, why it is flagged or not, and what was said
of it."""

from typing import Any

import pandas as pd

from kpi_tools.doubts import MARK
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.kinds import DAYS_BETWEEN
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, in_doubt, is_text, rows_of, text_of
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import FINAL, ILLUSTRATIVE, MONITORED
from kpi_tools.wording import figure_of, line_of, listed, parts_of, period_of, plural, show


def facts(known: Evidence, kpi_id: str, commentary: pd.DataFrame) -> dict[str, Row]:
    """The facts of every point of a KPI's views, by the id that it has there: a `title` (period or
    area), `figures` in one line, `rating` (empty: none), the sentences on it (`more`), and its
    `remarks` in the report of its quarter, of `evidence.commentary_so_far`."""
    points, terms = known.of("points", kpi_id), known.terms
    reasons = dict(zip(points["period"], points["why"], strict=True))
    of_kpi = commentary[commentary["kpi_id"] == kpi_id]
    by_quarter = {row["quarter"]: remarks(row, terms) for row in rows_of(of_kpi)}
    found = {
        str(row["period"]): _of_figure(row, known, reasons, by_quarter)
        for table in (known.of("quarters", kpi_id), known.months(kpi_id))
        for row in rows_of(table)
    }
    kpi = known.kpi(kpi_id)
    for row in rows_of(points[points["series"] == DAYS_BETWEEN]):
        days, remark = plural(int(row["value"]), "day"), by_quarter.get(row["quarter"], [])
        of_event = {"title": row["period"], "figures": f"{days} after the one before", "rating": ""}
        found[row["period"]] = of_event | {"more": [row["why"]], "remarks": remark}
    return found | {
        f"{row['area']}, {row['period']}": _of_area(row, kpi)
        for row in rows_of(known.of("benchmarks", kpi_id))
    }


def _of_figure(
    row: Row, known: Evidence, reasons: dict[str, str], by_quarter: dict[str, list[str]]
) -> Row:
    terms, is_month = known.terms, is_text(row.get("month"))
    rateable = row["rating"] != MONITORED and not is_text(row.get("milestone"))
    lines = terms.lines(row) or (["target"] if rateable else [])
    parts = f" ({parts_of(row)})" if parts_of(row) else ""
    against = [f"{terms.word(name)} {line_of(row, name)}" for name in lines]
    invented = ILLUSTRATIVE if row["target_status"] == ILLUSTRATIVE and against else ""
    figures = f"{figure_of(row)}{MARK if in_doubt(row) else ''}{parts}"
    figures = "; ".join([figures, ", ".join(against)] if against else [figures])
    finer = "quarters" if is_month else "months"
    elsewhere = f"Whether it is unusual is judged on the {finer}: see the view of the usual range."
    more = [text_of(row.get("doubt")), reasons.get(row["period"], elsewhere)]
    agreed = [terms.word(name) for name in terms.lines(known.kpi(row["kpi_id"]))]
    if is_month and agreed:
        agreed_on = f"{listed(agreed)} {'is' if len(agreed) == 1 else 'are'} agreed"
        more.append(f"A single month: {agreed_on} for the {terms.word('kpi')}'s quarterly figure.")
    more += [
        f"{row['not_rated_reason'].capitalize()}." if is_text(row.get("not_rated_reason")) else "",
        f"The figure is {row['status']}." if row["status"] != FINAL else "",
        f"Its lines are {invented}." if invented else "",
        f"Source: {row['note'].rstrip('.')}." if is_text(row["note"]) else "",
    ]
    report = Quarter.parse(row["quarter"]).shift(int(row["lag_quarters"]))
    none = [f"There is no commentary on it in the report of {report.title}."]
    return {
        "title": period_of(row),
        "figures": figures,
        "rating": "" if is_month else row["rating"],
        "more": [text for text in more if text],
        "remarks": by_quarter.get(report.label, none),
    }


def _of_area(row: Row, kpi: Row) -> Row:
    figure = show(row["value"], kpi["unit"], int(kpi["decimals"]) + 1)
    first = f"First known in the report for {Quarter.parse(row['from_quarter']).title}."
    source = [f"Source: {row['source'].rstrip('.')}."] if is_text(row["source"]) else []
    title, more = f"{row['area']}, {row['period']}", [first, *source]
    return {"title": title, "figures": figure, "rating": "", "more": more, "remarks": []}


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
