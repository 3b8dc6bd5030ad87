"""KPI cards: one indicator's figures, picture, table, words and outlook, from the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from kpi_tools.page.canvas import axis, number
from kpi_tools.page.chart_words import against_expected, notes_on, quality_notes
from kpi_tools.page.charts import LINES, Chart, activity_chart, kpi_chart, milestone_chart
from kpi_tools.page.describe import begins_anew, course, month_alone, short_title
from kpi_tools.page.facts import (
    action_of,
    entry,
    fact,
    facts,
    figure_cell,
    figure_fact,
    rating_cell,
)
from kpi_tools.page.html import Html, figure_with_status, render, slug
from kpi_tools.page.overviews import peers_chart
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, is_number, is_text, rows_by, rows_of, text_of
from kpi_tools.terms import Terms
from kpi_tools.units import ends_of
from kpi_tools.vocabulary import (
    ENGLAND,
    FINAL,
    ILLUSTRATIVE,
    MILESTONE,
    MONITORED,
    MONTH,
    NOT_RATED,
)
from kpi_tools.wording import NOT_SET, capitalised, figure_of, line_of, rounded, show, unit_words

_FEW_AREAS, _PERIODS = 4, 6


@dataclass(frozen=True)
class Context:
    """What a card shows beside its KPI's own figures, and the council's terms and colours."""

    terms: Terms = field(default_factory=Terms)
    benchmarks: Mapping[str, Rows] = field(default_factory=dict)
    months: Mapping[str, Rows] = field(default_factory=dict)
    targets: Mapping[str, Rows] = field(default_factory=dict)
    actions: Mapping[str, Rows] = field(default_factory=dict)
    outlooks: Mapping[str, Row] = field(default_factory=dict)
    bands: Mapping[str, Rows] | None = None
    breaks: Mapping[str, Rows] = field(default_factory=dict)
    rebases: Mapping[str, Rows] = field(default_factory=dict)
    dated: pd.DataFrame | None = None


def cards(kpis: pd.DataFrame, recent: pd.DataFrame, context: Context | None = None) -> Html:
    """A card for each KPI of the scorecard, with `recent`, the figures shown; what is part of
    another stands in the card of its total."""
    context, rows = context or Context(), rows_of(kpis)
    points = rows_by(recent[recent["kpi_id"].isin(set(kpis["kpi_id"]))])
    parts: dict[str, Rows] = {}
    for row in rows:
        total = row.get("part_of")
        if total in points and total != row["kpi_id"]:
            parts.setdefault(total, []).append(row)
    within = {part["kpi_id"] for some in parts.values() for part in some}
    each = (
        card(row, points[row["kpi_id"]], context, parts.get(row["kpi_id"], []), points)
        for row in rows
        if row["kpi_id"] not in within
    )
    return Html("").join(each)


def card(
    kpi: Row,
    points: Rows,
    context: Context,
    parts: Sequence[Row] = (),
    every: Mapping[str, Rows] | None = None,
) -> Html:
    """The card of a KPI: a row of the scorecard, its figures shown, the `parts` under it, whose
    figures are in `every`."""
    name, terms = kpi["kpi_id"], context.terms
    displayed = entry(kpi, terms)
    anchor = displayed["anchor"]
    benchmarks, months = context.benchmarks.get(name, []), context.months.get(name, [])
    areas = latest_areas(benchmarks)
    before = points[-2].get("milestone") if len(points) > 1 else None
    actions = [action_of(one) for one in context.actions.get(name, [])]
    anew = begins_anew(points, context.breaks.get(name, []), context.rebases.get(name, []))
    return render(
        "card.html.j2",
        kpi=displayed,
        doubted_for=text_of(kpi.get("doubt")) if displayed["doubted"] else None,
        reason=text_of(kpi["not_rated_reason"]) if kpi["rating"] == NOT_RATED else None,
        period=Quarter.parse(kpi["quarter"]).title,
        facts=facts(kpi | {"previous_milestone": before}, terms),
        picture=small_picture(
            points,
            anchor,
            context,
            small=False,
            outlook=context.outlooks.get(name, {}).get("next"),
            months=months,
            benchmarks=areas,
            dated=[] if context.dated is None else notes_on(context.dated, points[-1]),
        ),
        trend=course(kpi, points, anew, terms),
        peers=peers_chart(points, benchmarks, terms.council.headline, f"{anchor}-peers"),
        outlook=context.outlooks.get(name),
        actions=actions,
        action_word=terms.head("management_action"),
        gap=kpi["rating"] in terms.worst
        and not (displayed["action"] or actions or displayed["doubted"]),
        parts=_parts(parts, every or {}, anchor, context),
        notes=_notes(kpi, areas, months),
        figures=figures_table(kpi, points, context),
        row=kpi,
        terms=terms,
        source=_source(kpi),
        quality=quality_notes(kpi),
        targets=target_history(kpi, context.targets.get(name, []), terms),
    )


def small_picture(
    points: Rows, name: str, context: Context, *, form: str = "", small: bool = True, **more: Any
) -> Chart:
    """The figures alone, in little room; `more`: what stands beside them where there is more."""
    kpi = points[-1]
    if kpi.get("kind") == MILESTONE:
        return milestone_chart(points, name, context.terms.looks)
    bands = None if context.bands is None else context.bands.get(kpi["kpi_id"], [])
    breaks = [row["from_quarter"] for row in context.breaks.get(kpi["kpi_id"], [])]
    looks: Any = {"words": context.terms.drawn(kpi), "small": small} | more
    form = form or context.terms.council.chart_form
    return kpi_chart(points, name, bands=bands, breaks=breaks, form=form, **looks)


def _parts(
    parts: Sequence[Row], every: Mapping[str, Rows], anchor: str, context: Context
) -> list[dict[str, Any]]:
    """What stands under a total: each part in a small picture, all on one scale."""
    rows, found = [row for part in parts for row in every[part["kpi_id"]]], []
    levels = [number(row.get(column)) for row in rows for column in ("value", *LINES)]
    scale = axis(levels, ends=ends_of(rows[-1])) if rows else None
    for n, part in enumerate(parts, 1):
        series, actions = every[part["kpi_id"]], context.actions.get(part["kpi_id"], [])
        looks: Any = {"form": "line", "scale": scale}
        svg = small_picture(series, f"{anchor}-part-{n}", context, **looks).svg
        picture = {"svg": svg, "actions": list(map(action_of, actions))}
        found.append(entry(part, context.terms, text_of(part.get("short_name")) or "") | picture)
    return found


# Below the picture.


def _notes(kpi: Row, areas: Rows, months: Rows) -> list[str]:
    """The season, the latest single month and other areas."""
    notes, unit, decimals = [], kpi["unit"], int(kpi["decimals"])
    if kpi.get("seasonal") == "yes":
        ago = ", when there was no figure"
        if is_number(kpi["year_ago_value"]):
            ago = f" ({figure_of(kpi, 'year_ago_')})"
        same = f"compare with the same quarter last year{ago}"
        notes.append(f"Seasonal: {same}, not with the quarter before.")
    alone = [one for one in months if is_number(one["value"]) and one["basis"] == MONTH]
    notes += [month_alone(month, unit, decimals) for month in alone[-1:]]
    return notes + area_notes(kpi, areas)


def area_notes(kpi: Row, areas: Rows) -> list[str]:
    """`England, 2023: 50.3%.` for each of some rows of benchmarks."""
    notes = []
    for area in areas:
        figure = line_of({**kpi, "line": float(area["value"])}, "line")
        mark = "" if area["status"] == FINAL else f" ({area['status']})"
        notes.append(f"{area['area']}, {area['period']}: {figure}{mark}.")
    return notes


def latest_areas(benchmarks: Rows) -> Rows:
    """The last row of each area, in the order of the table; of many areas England's alone."""
    last = {row["area"]: place for place, row in enumerate(benchmarks)}
    rows = [benchmarks[place] for place in sorted(last.values())]
    return rows if len(rows) <= _FEW_AREAS else [row for row in rows if row["area"] == ENGLAND]


def _source(kpi: Row) -> str:
    """Where the latest figure comes from."""
    text = (text_of(kpi["note"]) or "").strip().rstrip(".")
    if not text:
        return ""
    return f"{text}." if text.lower().startswith("latest figure") else f"Latest figure: {text}."


def figures_table(kpi: Row, points: Rows, context: Context) -> Rows:
    """The figures behind a KPI's picture: each period's result, lines and rating."""
    words, terms = unit_words(kpi["unit"]), context.terms
    each = [terms.lines({**row, "scheme": kpi.get("scheme")}) for row in points]
    lines = list(dict.fromkeys(name for names in each for name in names))
    changed = {row["from_quarter"] for row in context.breaks.get(kpi["kpi_id"], [])}
    rows = []
    for row in points:
        period = short_title(row["quarter"])
        if row.get("basis") == "annual" and is_text(row.get("period")):
            period = capitalised(row["period"])
        new = " (new definition)" if row.get("due_quarter") in changed else ""
        result = f"Result ({words})" if words else "Result"
        cells = {"Period": f"{period}{new}", result: figure_cell(row, bare=True)}
        for name in lines:
            invented = row.get("target_status") == ILLUSTRATIVE and is_number(row[name])
            mark = ILLUSTRATIVE if invented else None
            cells[terms.head(name)] = figure_with_status(line_of(row, name, bare=True), mark)
        if kpi["rating"] != MONITORED:
            cells["Rating"] = rating_cell(row, terms)
        rows.append(cells)
    return rows


def target_history(kpi: Row, targets: Sequence[Row], terms: Terms) -> Rows:
    """Each set of lines that the KPI has had, of its `targets`: `since`, `lines`, `reason` and its
    `status`."""
    printed, entries = {name: kpi[name] for name in ("unit", "decimals", "polarity")}, []
    for row in (row | printed for row in targets):
        lines = [f"{terms.word(name)} {line_of(row, name, bare=True)}" for name in terms.lines(row)]
        entries.append(
            {
                "since": short_title(row["from_quarter"]),
                "lines": ", ".join(lines) or NOT_SET,
                "reason": (text_of(row["target_reason"]) or "no reason was given").rstrip("."),
                "status": row["target_status"],
            }
        )
    return entries


# Activity indicators: demand beside its expected range, unrated.


def activity_cards(activity: pd.DataFrame, section: str, quarter: Quarter | None = None) -> Html:
    """A card for each activity indicator of `section`: six periods, what was expected, last year.
    A latest figure of before the report's `quarter` is flagged."""
    every = rows_by(activity[activity["section"] == section], "activity_id").values()
    entries = [_activity(rows, quarter) for rows in every]
    return render("activity.html.j2", cards=entries) if entries else Html()


def _activity(every: Rows, quarter: Quarter | None) -> dict[str, Any]:
    points, latest, name = every[-_PERIODS:], every[-1], every[-1]["activity_name"]
    anchor, last = f"activity-{slug(latest['activity_id'])}", Quarter.parse(latest["period"])
    where, words = against_expected(latest), unit_words(latest["unit"])
    strip = [figure_fact("Latest", latest, small=last.title)]
    if (expected := _expected(latest)) != NOT_SET:
        strip.append(fact("Expected", expected, None))
    ago = last.shift(-4).label
    for then in [row for row in every if row["period"] == ago and is_number(row["value"])][:1]:
        small = _compared(latest["value"], then["value"])
        strip.append(figure_fact("Same quarter last year", then, small=small))
    head, rows = f"Result ({words})" if words else "Result", []
    for row in points:
        result = figure_cell(row, bare=True)
        rows.append(
            {"Period": short_title(row["period"]), head: result, "Expected": _expected(row)}
        )
    return {
        "anchor": anchor,
        "name": name,
        "flag": f"Older data: no figure since {last.title}." if quarter and last < quarter else "",
        "facts": strip,
        "expectation": where and {"kind": where, "words": f"{where.capitalize()} expectation"},
        "picture": activity_chart(points, anchor),
        "figures": rows,
    }


def _compared(now: float, then: float) -> str | None:
    """`now 12% higher`; nothing where a share of the earlier figure means nothing."""
    if not is_number(now) or then <= 0:
        return None
    share = 100 * (now / then - 1)
    size = rounded(abs(share), 0)
    return f"now {size}% {'higher' if share > 0 else 'lower'}" if size != "0" else "now the same"


def _expected(row: Row) -> str:
    """From what to what a figure was expected."""
    ends = [row[name] for name in ("lower_expected", "upper_expected")]
    if not all(map(is_number, ends)):
        return NOT_SET
    return " to ".join(show(end, row["unit"], row["decimals"], bare=True) for end in ends)
