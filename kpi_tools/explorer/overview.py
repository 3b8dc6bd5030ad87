"""A directorate at a glance: its KPIs by consequence, their ratings over time, their flags, and doubted figures."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.assurance import BY_LUCK
from kpi_tools.doubts import MARK, is_doubted
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.page.html import (
    Html,
    arrow,
    badge,
    figure_with_status,
    looks,
    paragraphs,
    report_table,
)
from kpi_tools.quarters import Quarter
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import COMMON_CAUSE, CONCERN, ILLUSTRATIVE, IMPROVEMENT, NEUTRAL
from kpi_tools.wording import Row, capitalised, figure_of, is_text, line_of, rows_of

CAUSES = {
    COMMON_CAUSE: "Within usual variation",
    IMPROVEMENT: "Unusual: improvement",
    CONCERN: "Unusual: concern",
    NEUTRAL: "Unusual",
}


def ordered(known: Evidence, directorate: str) -> Html:
    """The KPIs in order of consequence: latest figure, rating, direction, what the limits say, why it stands there."""
    kpis, title = known.kpis, known.returns.quarter.title
    if kpis.empty:
        where = f" of {directorate}" if directorate else ""
        one = Terms(known.returns.council).word("kpi")
        return paragraphs(f"No {one}{where} is in the report for {title}.")
    terms = Terms(known.returns.council)
    colours, one = looks(terms), terms.head("kpi")
    rows = [
        {
            one: _named(row["kpi_id"], row["kpi_name"]),
            "Latest": _latest(row),
            terms.head("target"): line_of(row, "target"),
            "Rating": badge(row["rating"], colours.get(row["rating"]), doubted=is_doubted(row)),
            "Direction of travel": arrow(row["direction_of_travel"]),
            "Variation": _variation(row),
            "Why here": _reason(row),
        }
        for row in rows_of(kpis)
    ]
    count = f"{capitalised(terms.kpis(len(kpis)))} of {directorate or 'all directorates'}"
    return _table(rows, f"{count} in the report for {title}, what matters most first", "ordered")


def rating_grid(known: Evidence) -> Html:
    """The rating of every KPI in each of the quarters shown; quarters that are not there yet for a KPI stay empty."""
    recent = known.recent
    if recent.empty:
        return Html()
    ratings = {(row["kpi_id"], row["quarter"]): row["rating"] for row in rows_of(recent)}
    quarters = sorted(set(recent["quarter"]), key=Quarter.parse)
    terms = Terms(known.returns.council)
    rows, colours, one = [], looks(terms), terms.head("kpi")
    for kpi_id, name in zip(known.kpis["kpi_id"], known.kpis["kpi_name"], strict=True):
        row: Row = {one: _named(kpi_id, name)}
        for quarter in quarters:
            rating = ratings.get((kpi_id, quarter))
            row[Quarter.parse(quarter).short] = badge(rating, colours.get(rating)) if rating else ""
        rows.append(row)
    return _table(rows, "Ratings, quarter by quarter", "grid", look="kpi-grid")


def flags(known: Evidence) -> Html:
    """Why the latest figure of each KPI is flagged or not: one sentence each, the flagged first."""
    if known.kpis.empty:
        return Html()
    one = Terms(known.returns.council).head("kpi")
    last = known.points.groupby("kpi_id").nth(-1).set_index("kpi_id")["why"]
    usual = known.kpis["variation"] == COMMON_CAUSE
    kpis = known.kpis.assign(why=known.kpis["kpi_id"].map(last), usual=usual)
    rows = [
        {
            one: _named(row["kpi_id"], row["kpi_name"]),
            "Variation": _variation(row),
            "Why, or why not": row["why"],
        }
        for row in rows_of(kpis.sort_values("usual", kind="stable"))
    ]
    return _table(rows, "Is the latest figure unusual?", "flags")


def doubted(known: Evidence) -> Html:
    """Which figures look like a fault of the data, for the service that sends them."""
    if known.doubts.empty:
        return paragraphs("No figure looks like a fault of the data.")
    one = Terms(known.returns.council).head("kpi")
    titles = dict(zip(known.kpis["kpi_id"], known.kpis["kpi_name"], strict=True))
    rows = [
        {
            one: _named(row["kpi_id"], titles[row["kpi_id"]]),
            "Quarter": Quarter.parse(row["quarter"]).title,
            "Doubt": row["doubt"],
            "What to do": row["remedy"],
            "Who": row["who"],
        }
        for row in rows_of(known.doubts)
    ]
    return _table(rows, "Doubted figures", "doubts")


def _table(rows: list[Row], caption: str, name: str, look: str = "kpi-order") -> Html:
    return report_table(pd.DataFrame(rows), caption, name=name, wide=True, look=look)


def _named(kpi_id: str, name: str) -> Html:
    return Html(Markup('{} <span class="kpi-id">{}</span>').format(name, kpi_id))


def _latest(row: Row) -> Html:
    shown = f"{figure_of(row)}{MARK if is_doubted(row) else ''}"
    return figure_with_status(shown, ILLUSTRATIVE if row["status"] == ILLUSTRATIVE else None)


def _variation(row: dict[str, Any]) -> str:
    return CAUSES.get(row["variation"], capitalised(str(row["variation"])))


def _reason(row: Row) -> str:
    """Why a KPI stands where it does in the order; what the limits say says it for those that are Green by luck."""
    reading = [row["reading"]] if is_text(row["reading"]) else []
    texts = reading if row["consequence"].endswith(BY_LUCK) else [row["consequence"], *reading]
    return " ".join(f"{capitalised(text)}." for text in texts)
