"""KPI cards: one indicator's figures, chart, table, words and outlook together, from the same rows."""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.card_parts import (
    facts,
    flag,
    known,
    legend,
    notes_below,
    other_area,
    season,
    sources,
)
from kpi_tools.page.card_tables import figures_table, target_history
from kpi_tools.page.charts import kpi_spec
from kpi_tools.page.descriptions import direction_sentence, month_alone
from kpi_tools.page.html import Html, render, slug
from kpi_tools.page.outlook_words import Outlook
from kpi_tools.page.svg import Chart, Drawings, drawn
from kpi_tools.vocabulary import CLOSEST, ENGLAND, HIGHER, MONTH, RED
from kpi_tools.words.row_words import Row, Rows, is_number, rows_by, rows_of

Describe = Callable[[Rows], str]

_FEW_AREAS = 4
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
    charts: Drawings | None = None,
) -> Html:
    """A card for each KPI of `section`, in the order of `kpis`.

    `kpis`: the scorecard; `recent`: the quarters shown, six rows per KPI. `describe` says in words what one KPI's chart
    shows. `benchmarks`: `kpi_id`, `area`, `period`, `value`, `status`; the latest of each area is noted, that of the first
    area drawn. `months`: figures of single months, of which the latest is noted beside a figure that covers more.
    `outlooks`: by KPI, as `outlook_words` gives them; `targets`: the target history of all KPIs. `charts`: their charts,
    where they are being drawn already (`kpi_charts`).
    """
    chosen, ahead = kpis[kpis["section"] == section], outlooks or {}
    shown, others, alone, lines = (
        _own(table, chosen["kpi_id"]) for table in (recent, benchmarks, months, targets)
    )
    latest = {name: _latest(benchmarks) for name, benchmarks in others.items()}
    drawings = charts or drawn(kpi_charts(chosen, recent, describe, benchmarks))
    return Html(
        Markup("").join(
            card(
                kpi,
                shown[name],
                drawings[_anchor(kpi)],
                latest.get(name, []),
                alone.get(name, []),
                ahead.get(name),
                lines.get(name, []),
            ).markup
            for kpi in rows_of(chosen)
            for name in [kpi["kpi_id"]]
        )
    )


def kpi_charts(
    kpis: pd.DataFrame,
    recent: pd.DataFrame,
    describe: Describe,
    benchmarks: pd.DataFrame | None = None,
) -> list[Chart]:
    """What is to be drawn (`svg.drawn`) for the cards of `kpis`, in their order; the rest as `cards` takes it."""
    shown, others = (_own(table, kpis["kpi_id"]) for table in (recent, benchmarks))
    return [
        (kpi_spec(shown[name], _line(_latest(others.get(name, [])))), _anchor(kpi), kpi["kpi_name"], describe(shown[name]))
        for kpi in rows_of(kpis[["kpi_id", "kpi_name"]])
        for name in [kpi["kpi_id"]]
    ]  # fmt: skip


def card(
    kpi: Row,
    points: Rows,
    chart: str,
    benchmarks: Sequence[Row] = (),
    months: Sequence[Row] = (),
    ahead: Outlook | None = None,
    targets: Sequence[Row] = (),
) -> Html:
    """One KPI's card: `kpi` is its row of the scorecard, `points` its quarters, `chart` them drawn.

    `benchmarks`, `months` and `targets` are its rows of these tables, the latest of each area alone in the first.
    """
    anchor, rating = _anchor(kpi), kpi["rating"]
    return render(
        "card.html.j2",
        card={
            "anchor": anchor,
            "kpi_id": kpi["kpi_id"],
            "name": kpi["kpi_name"],
            "rating": rating,
            "direction": kpi["direction_of_travel"],
            "not_rated_reason": known(kpi["not_rated_reason"]),
            "facts": facts(kpi),
            "chart": Markup(chart),
            "legend": [{"kind": "area", "text": other_area(kpi, row)} for row in benchmarks[:1]]
            + legend(row["status"] for row in points),
            "flag": flag(kpi),
            "trend": direction_sentence(kpi),
            "outlook": ahead,
            "acted": rating == RED or bool(known(kpi["management_action"])),
            "commentary": known(kpi["commentary"]),
            "action": known(kpi["management_action"]),
            "commentary_status": known(kpi["commentary_status"]),
            "notes": season(kpi) + _month(kpi, months) + notes_below(kpi, benchmarks[1:]),
            "table": figures_table(kpi, points, anchor),
            "definition": _definition(kpi),
            "targets": target_history(kpi, targets),
        },
    )


def _anchor(kpi: Row) -> str:
    return f"kpi-{slug(kpi['kpi_id'])}"


def _line(benchmarks: Rows) -> tuple[str, float] | None:
    return (benchmarks[0]["area"], float(benchmarks[0]["value"])) if benchmarks else None


def _definition(kpi: Row) -> str:
    what = known(kpi["definition"]) or "No definition has been given."
    who = f" Accountable: {kpi['owner']}." if known(kpi["owner"]) else ""
    return (
        f"{what} {' '.join([_GOOD.get(kpi['polarity'], 'Lower is better.'), *sources(kpi)])}{who}"
    )


def _month(kpi: Row, months: Sequence[Row]) -> list[str]:
    known_months = [
        month for month in months if is_number(month["value"]) and month["basis"] == MONTH
    ]
    return [month_alone(month, kpi["unit"], kpi["decimals"]) for month in known_months[-1:]]


def _latest(benchmarks: Rows) -> Rows:
    """The last row of each area, in the order of the table; of many areas England's alone."""
    last = {row["area"]: place for place, row in enumerate(benchmarks)}
    rows = [benchmarks[place] for place in sorted(last.values())]
    return rows if len(rows) <= _FEW_AREAS else [row for row in rows if row["area"] == ENGLAND]


def _own(table: pd.DataFrame | None, kpi_ids: pd.Series) -> dict[str, Rows]:
    return {} if table is None else rows_by(table[table["kpi_id"].isin(kpi_ids)])
