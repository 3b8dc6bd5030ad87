"""A directorate at a glance: its KPIs by consequence, their ratings over time, their flags, and doubts about the data."""

from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.explorer.evidence import Evidence
from kpi_tools.page.html import Html, arrow, badge, figure_with_status, report_table
from kpi_tools.quarters import Quarter
from kpi_tools.statistics.assurance import ORDER
from kpi_tools.vocabulary import COMMON_CAUSE, CONCERN, ILLUSTRATIVE, IMPROVEMENT, NEUTRAL
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import MISSING, plural, show_against, show_line

_CAUSES = {
    COMMON_CAUSE: "Within usual variation",
    NEUTRAL: "Unusual",
    IMPROVEMENT: "Unusual: improvement",
    CONCERN: "Unusual: concern",
}


def ordered(known: Evidence, directorate: str) -> Html:
    """The KPIs in order of consequence: latest figure, rating, direction, what the limits say, why it stands there."""
    kpis = known.kpis
    title = known.returns.quarter.title
    if kpis.empty:
        where = f" of {directorate}" if directorate else ""
        return _sentence(f"No KPI{where} is in the report for {title}.")
    rows = [
        {
            "KPI": _named(row["kpi_id"], row["kpi_name"]),
            "Latest": _latest(row),
            "Target": show_line(row["target"], row["unit"], row["decimals"]),
            "Rating": badge(row["rating"]),
            "Direction of travel": arrow(row["direction_of_travel"]),
            "Variation": _variation(row),
            "Why here": _reason(row),
        }
        for row in _without_nan(kpis, "reading")
    ]
    caption = f"{_capital(plural(len(kpis), 'KPI'))} of {directorate or 'all directorates'} in the report for {title}"
    return report_table(
        pd.DataFrame(rows),
        f"{caption}, what matters most first",
        name="ordered",
        wide=True,
        look="kpi-order",
    )


def rating_grid(known: Evidence) -> Html:
    """The rating of every KPI in each of the quarters shown; quarters that are not there yet for a KPI stay empty."""
    recent = known.recent
    if recent.empty:
        return Html()
    quarters = sorted(set(recent["quarter"]), key=Quarter.parse)
    badges = {(row["kpi_id"], row["quarter"]): row for row in rows_of(recent)}
    rows = []
    for kpi in rows_of(known.kpis):
        row: dict[str, Any] = {"KPI": _named(kpi["kpi_id"], kpi["kpi_name"])}
        for quarter in quarters:
            cell = badges.get((kpi["kpi_id"], quarter))
            row[Quarter.parse(quarter).short] = "" if cell is None else badge(cell["rating"])
        rows.append(row)
    return report_table(
        pd.DataFrame(rows), "Ratings, quarter by quarter", name="grid", wide=True, look="kpi-grid"
    )


def flags(known: Evidence) -> Html:
    """Why the latest figure of each KPI is flagged or not: one sentence each, the flagged first."""
    if known.kpis.empty:
        return Html()
    last = known.points.groupby("kpi_id").nth(-1).set_index("kpi_id")["why"]
    kpis = known.kpis.assign(
        why=known.kpis["kpi_id"].map(last), usual=known.kpis["variation"] == COMMON_CAUSE
    )
    rows = [
        {
            "KPI": _named(row["kpi_id"], row["kpi_name"]),
            "Variation": _variation(row),
            "Why, or why not": row["why"],
        }
        for row in rows_of(kpis.sort_values("usual", kind="stable"))
    ]
    return report_table(
        pd.DataFrame(rows),
        "Is the latest figure unusual?",
        name="flags",
        wide=True,
        look="kpi-order",
    )


def doubted(known: Evidence) -> Html:
    """What about the data themselves looks wrong, for the service that sends them."""
    if known.doubts.empty:
        return _sentence("No figure looks like a fault of the data.")
    titles = dict(zip(known.kpis["kpi_id"], known.kpis["kpi_name"], strict=True))
    rows = [
        {
            "KPI": _named(row["kpi_id"], titles.get(row["kpi_id"], "")),
            "Quarter": Quarter.parse(row["quarter"]).title,
            "Doubt": row["doubt"],
            "What to do": row["remedy"],
            "Who": row["who"],
        }
        for row in rows_of(known.doubts)
    ]
    return report_table(
        pd.DataFrame(rows), "Doubted figures", name="doubts", wide=True, look="kpi-order"
    )


def _named(kpi_id: str, name: str) -> Html:
    return Html(Markup('{} <span class="kpi-id">{}</span>').format(name, kpi_id))


def _latest(row: dict[str, Any]) -> Html:
    numbers = (row["value"], row["unit"], row["decimals"], (row["target"], row["floor_standard"]))
    figure = show_against(*numbers)
    shown = str(row["status"]) if figure == MISSING else figure
    return figure_with_status(shown, ILLUSTRATIVE if row["status"] == ILLUSTRATIVE else None)


def _variation(row: dict[str, Any]) -> str:
    return _CAUSES.get(row["variation"], _capital(row["variation"]))


def _reason(row: dict[str, Any]) -> str:
    """Why a KPI stands where it does in the order; what the limits say says it for those that are Green by luck."""
    by_luck = row["consequence"] == ORDER[1]
    texts = [row["reading"]] if by_luck and row["reading"] else [row["consequence"], row["reading"]]
    return " ".join(f"{_capital(text)}." for text in texts if text)


def _sentence(text: str) -> Html:
    return Html(Markup("<p>{}</p>").format(text))


def _without_nan(table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    return [
        row | {name: row[name] if isinstance(row[name], str) else None} for row in rows_of(table)
    ]


def _capital(text: object) -> str:
    return str(text)[:1].upper() + str(text)[1:]
