"""KPI cards and activity cards: one indicator's figures, chart, table and words together, from the same rows."""

from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.card_parts import (
    activity_table,
    expectation,
    facts,
    figures_table,
    given,
    known,
    legend,
    notes_below,
    sources,
)
from kpi_tools.page.charts import activity_spec, counts_spec, kpi_spec
from kpi_tools.page.descriptions import direction_sentence, month_alone
from kpi_tools.page.html import Html, render, slug
from kpi_tools.page.svg import inline_svg
from kpi_tools.page.tables import report_table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import CLOSEST, HIGHER, ILLUSTRATIVE, MONTH, NOT_RATED, RAGS
from kpi_tools.words.wording import listed, plural, show

Describe = Callable[[pd.DataFrame], str]

_GOOD = {HIGHER: "Higher is better.", CLOSEST: "Closest to the target is better."}


def cards(
    kpis: pd.DataFrame,
    recent: pd.DataFrame,
    section: str,
    describe: Describe,
    benchmarks: pd.DataFrame | None = None,
    months: pd.DataFrame | None = None,
) -> Html:
    """A card for each KPI of `section`, in the order of `kpis`.

    `kpis`: the scorecard; `recent`: the quarters shown, six rows per KPI. `describe` says in words what one KPI's chart
    shows. `benchmarks`: `kpi_id`, `area`, `period`, `value`, `status`; the latest of each area is noted, that of the first
    area drawn. `months`: figures of single months, of which the latest is noted beside a figure that covers more.
    """
    by_kpi = dict(tuple(recent.groupby("kpi_id", sort=False)))
    chosen = kpis[kpis["section"] == section]
    return Html(
        Markup("").join(
            card(kpi, points, describe(points), _latest(benchmarks, kpi), _of(months, kpi)).markup
            for _, kpi in chosen.iterrows()
            for points in [by_kpi[kpi["kpi_id"]]]
        )
    )


def card(
    kpi: pd.Series,
    points: pd.DataFrame,
    description: str,
    benchmarks: list[dict[str, Any]] | None = None,
    months: pd.DataFrame | None = None,
) -> Html:
    """One KPI's card: `kpi` is its row of the scorecard, `points` its quarters, `description` its chart in words."""
    anchor = f"kpi-{slug(kpi['kpi_id'])}"
    rag = known(kpi["rag"]) or NOT_RATED
    drawn = (benchmarks[0]["area"], float(benchmarks[0]["value"])) if benchmarks else None
    chart = inline_svg(kpi_spec(points, drawn), anchor, kpi["kpi_name"], description)
    return render(
        "card.html.j2",
        card={
            "anchor": anchor,
            "kpi_id": kpi["kpi_id"],
            "name": kpi["kpi_name"],
            "rag": rag,
            "direction": kpi["direction_of_travel"],
            "not_rated_reason": known(kpi["not_rated_reason"]) if rag == NOT_RATED else None,
            "facts": facts(kpi),
            "chart": Markup(chart),
            "legend": legend(points["status"]),
            "trend": direction_sentence(kpi),
            "commentary": known(kpi["commentary"]),
            "action": known(kpi["management_action"]),
            "commentary_status": known(kpi["commentary_status"]),
            "notes": _month(kpi, months) + notes_below(kpi, benchmarks or []),
            "table": figures_table(kpi, points, anchor),
            "definition": _definition(kpi),
        },
    )


def _definition(kpi: pd.Series) -> str:
    what = known(kpi["definition"]) or "No definition has been given."
    who = f" Accountable: {kpi['owner']}." if known(kpi["owner"]) else ""
    return f"{what} {' '.join([_GOOD.get(kpi['polarity'], 'Lower is better.'), *sources(kpi)])}{who}"


def activity_cards(activity: pd.DataFrame, section: str, describe: Describe) -> Html:
    """A card for each activity indicator of `section`: its last six periods, what was expected, and its figures."""
    entries = [
        _activity(points.tail(6), describe(points.tail(6)))
        for _, points in activity[activity["section"] == section].groupby("activity_id", sort=False)
    ]
    return render("activity.html.j2", cards=entries) if entries else Html()


def counts_history(history: pd.DataFrame, description: str) -> Html:
    """The ratings of the whole set over the last six reports: chart, table, and `description`, the change in words.

    `history`: `quarter` (label), Green, Amber, Red, Not rated; one row per quarter, oldest first.
    """
    shown = history.tail(6)
    columns = ["quarter", *RAGS, NOT_RATED]
    chart = inline_svg(counts_spec(shown), "history", "How many KPIs had each rating, report by report", description)
    frame = shown[columns].assign(quarter=[Quarter.parse(label).title for label in shown["quarter"]])
    frame = frame.rename(columns={"quarter": "Quarter"}).assign(KPIs=shown[columns[1:]].sum(axis=1))
    return render(
        "history.html.j2",
        chart=Markup(chart),
        description=description,
        table=report_table(frame, "KPIs by rating in the last reports", name="history-table", wide=True),
    )


def illustrative_banner(recent: pd.DataFrame, activity: pd.DataFrame | None = None) -> Html:
    """The notice at the top of a report that shows any invented figure; nothing for one that shows none."""
    figures = recent[recent["status"] == ILLUSTRATIVE]
    lines = recent.loc[recent["target_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    whole = recent.loc[recent["kpi_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    of_activity = 0 if activity is None else int((activity["status"] == ILLUSTRATIVE).sum())
    invented = [
        *([f"{len(figures)} of the {len(recent)} quarterly figures of its KPIs"] if len(figures) else []),
        *([f"the target or floor standard of {plural(lines, 'KPI')}"] if lines else []),
        *([f"the whole of {plural(whole, 'KPI')}"] if whole else []),
        *([plural(of_activity, "activity figure")] if of_activity else []),
    ]
    return render("banner.html.j2", invented=listed(invented)) if invented else Html()


def _activity(points: pd.DataFrame, description: str) -> dict[str, Any]:
    latest, spec = points.to_dict("records")[-1], activity_spec(points)
    cut = [{"kind": "cut", "text": "The scale does not start at zero"}] if spec["params"][0]["value"] > 0 else []
    anchor, title = f"activity-{slug(latest['activity_id'])}", latest["activity_name"]
    return {
        "anchor": anchor,
        "name": title,
        "period": Quarter.parse(latest["period"]).title,
        "latest": show(latest["value"], latest["unit"], latest["decimals"]),
        "status": given(latest["status"]),
        "expectation": expectation(latest),
        "legend": legend(points["status"]) + cut,
        "chart": Markup(inline_svg(spec, anchor, title, description)),
        "table": activity_table(points, anchor),
    }


def _month(kpi: pd.Series, months: pd.DataFrame | None) -> list[str]:
    known_months = months if months is None else months[months["value"].notna() & (months["basis"] == MONTH)]
    if known_months is None or known_months.empty:
        return []
    return [month_alone(known_months, kpi["unit"], kpi["decimals"])]


def _latest(benchmarks: pd.DataFrame | None, kpi: pd.Series) -> list[dict[str, Any]]:
    own = _of(benchmarks, kpi)
    return [] if own is None else list(own.groupby("area", sort=False).nth(-1).to_dict("records"))


def _of(table: pd.DataFrame | None, kpi: pd.Series) -> pd.DataFrame | None:
    return None if table is None else table[table["kpi_id"] == kpi["kpi_id"]]
