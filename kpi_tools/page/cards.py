"""KPI cards: one indicator's figures, chart, table, words and outlook together, from the same rows."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.card_parts import facts, flag, known, legend, notes_below, other_area, season, sources
from kpi_tools.page.card_tables import figures_table, target_history
from kpi_tools.page.charts import kpi_spec
from kpi_tools.page.descriptions import direction_sentence, month_alone
from kpi_tools.page.html import Html, render, slug
from kpi_tools.page.outlook_words import Outlook
from kpi_tools.page.svg import inline_svg
from kpi_tools.vocabulary import CLOSEST, HIGHER, MONTH, NOT_RATED, RED

Describe = Callable[[pd.DataFrame], str]

_GOOD = {HIGHER: "Higher is better.", CLOSEST: "Closest to the target is better."}


def cards(
    kpis: pd.DataFrame,
    recent: pd.DataFrame,
    section: str,
    describe: Describe,
    benchmarks: pd.DataFrame | None = None,
    months: pd.DataFrame | None = None,
    *,
    outlooks: Mapping[str, Outlook] | None = None,
    targets: pd.DataFrame | None = None,
) -> Html:
    """A card for each KPI of `section`, in the order of `kpis`.

    `kpis`: the scorecard; `recent`: the quarters shown, six rows per KPI. `describe` says in words what one KPI's chart
    shows. `benchmarks`: `kpi_id`, `area`, `period`, `value`, `status`; the latest of each area is noted, that of the first
    area drawn. `months`: figures of single months, of which the latest is noted beside a figure that covers more.
    `outlooks`: by KPI, as `outlook_words` gives them; `targets`: the target history of all KPIs.
    """
    ahead = outlooks or {}
    by_kpi = dict(tuple(recent.groupby("kpi_id", sort=False)))
    chosen = kpis[kpis["section"] == section]
    return Html(
        Markup("").join(
            card(
                kpi,
                points,
                describe(points),
                _latest(benchmarks, kpi),
                _of(months, kpi),
                ahead.get(kpi["kpi_id"]),
                targets,
            ).markup
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
    ahead: Outlook | None = None,
    targets: pd.DataFrame | None = None,
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
            "legend": [{"kind": "area", "text": other_area(kpi, row)} for row in (benchmarks or [])[:1]]
            + legend(points["status"]),
            "flag": flag(kpi),
            "trend": direction_sentence(kpi),
            "outlook": ahead,
            "acted": rag == RED or bool(known(kpi["management_action"])),
            "commentary": known(kpi["commentary"]),
            "action": known(kpi["management_action"]),
            "commentary_status": known(kpi["commentary_status"]),
            "notes": season(kpi) + _month(kpi, months) + notes_below(kpi, (benchmarks or [])[1:]),
            "table": figures_table(kpi, points, anchor),
            "definition": _definition(kpi),
            "targets": [] if targets is None else target_history(kpi, targets),
        },
    )


def _definition(kpi: pd.Series) -> str:
    what = known(kpi["definition"]) or "No definition has been given."
    who = f" Accountable: {kpi['owner']}." if known(kpi["owner"]) else ""
    return f"{what} {' '.join([_GOOD.get(kpi['polarity'], 'Lower is better.'), *sources(kpi)])}{who}"


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
