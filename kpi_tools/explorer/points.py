"""What is known of one point of a chart: its numbers, why it is flagged or not, and what was said of it."""

from typing import Any

import pandas as pd

from kpi_tools.doubts import MARK, is_doubted
from kpi_tools.explorer.evidence import Evidence, said_so_far
from kpi_tools.page.html import Html, render
from kpi_tools.quarters import Quarter
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import ILLUSTRATIVE, MONITORED
from kpi_tools.wording import (
    figure_of,
    is_number,
    is_text,
    line_of,
    listed,
    period_of,
    rows_of,
    show,
)


def point(chosen: str, known: Evidence, kpi_id: str, commentary: pd.DataFrame) -> Html:
    """What is known of one point, by its id in a chart: numbers, why it is flagged or not, what was said of it.

    `commentary`: as `remarks.commentary_until` gives it.
    """
    if not chosen:
        return render("explorer_point.html.j2", title="No figure", facts=[], remarks=[],
                      sentences=["There is no figure to look at."])  # fmt: skip
    rows = known.of("quarters", kpi_id)
    here = pd.concat([table[table["period"] == chosen] for table in (rows, known.months(kpi_id))])
    if here.empty:
        return _area_point(chosen, known, kpi_id)
    row, terms = rows_of(here)[0], Terms(known.returns.council)
    rateable = row["rating"] != MONITORED and not is_text(row.get("milestone"))
    lines = terms.lines(row) or (["target"] if rateable else [])
    agreed = [terms.word(name) for name in terms.lines(known.kpi(kpi_id))]
    is_month = is_text(row.get("month"))
    points = known.of("points", kpi_id)
    reasons = points.loc[points["period"] == chosen, "why"].tolist()
    finer = "quarters" if is_month else "months"
    facts = [
        _fact("Figure", f"{figure_of(row)}{MARK if is_doubted(row) else ''}", row["status"]),
        *([_fact("Cases", f"{row['numerator']:,.0f} of {row['denominator']:,.0f}")] if is_number(row["denominator"]) else []),
        *[_fact(terms.head(name), line_of(row, name), _invented(row["target_status"])) for name in lines],
        *([] if is_month else [_fact("Rating", "", rating=row["rating"])]),
    ]  # fmt: skip
    sentences = [
        row["doubt"] if is_text(row.get("doubt")) else "",
        *(
            reasons
            or [f"Whether it is unusual is judged on the {finer}: see the view of the usual range."]
        ),
        f"A single month: {listed(agreed)} {'is' if len(agreed) == 1 else 'are'} agreed for the "
        f"{terms.word('kpi')}'s quarterly figure."
        if is_month and agreed
        else "",
        f"{row['not_rated_reason'].capitalize()}." if is_text(row.get("not_rated_reason")) else "",
        f"Source: {row['note'].rstrip('.')}." if is_text(row["note"]) else "",
    ]
    return render("explorer_point.html.j2", title=period_of(row), facts=facts, sentences=[text for text in sentences if text],
                  remarks=_remarks(row, known, commentary))  # fmt: skip


def _area_point(chosen: str, known: Evidence, kpi_id: str) -> Html:
    kpi = known.kpi(kpi_id)
    for row in rows_of(known.benchmarks(kpi_id)):
        if f"{row['area']}, {row['period']}" == chosen:
            figure = show(row["value"], kpi["unit"], int(kpi["decimals"]) + 1)
            source = [f"Source: {row['source'].rstrip('.')}."] if is_text(row["source"]) else []
            known_from = (
                f"First known in the report for {Quarter.parse(row['from_quarter']).title}."
            )
            return render("explorer_point.html.j2", title=chosen, facts=[_fact("Figure", figure, row["status"])],
                          sentences=[known_from, *source], remarks=[])  # fmt: skip
    return point("", known, kpi_id, known.returns.commentary)


def _remarks(
    row: dict[str, Any], known: Evidence, commentary: pd.DataFrame
) -> list[dict[str, Any]]:
    report = Quarter.parse(row["quarter"]).shift(int(row["lag_quarters"]))
    said = commentary[
        (commentary["kpi_id"] == row["kpi_id"]) & (commentary["quarter"] == report.label)
    ]
    said = said_so_far(known, said)
    texts = [
        {
            "title": f"{word}, report of {report.title}",
            "text": entry[name],
            "status": entry["status"],
        }
        for entry in rows_of(said)
        for name, word in (("commentary", "Commentary"), ("management_action", "Management action"))
        if is_text(entry[name])
    ]
    none = f"There is no commentary on it in the report of {report.title}."
    return texts or [{"title": "Commentary", "text": none, "status": None}]


def _fact(label: str, value: str, status: Any = None, rating: str | None = None) -> dict[str, Any]:
    return {
        "label": label,
        "value": value,
        "status": status if is_text(status) else None,
        "rating": rating,
    }


def _invented(status: Any) -> Any:
    return status if status == ILLUSTRATIVE else None
