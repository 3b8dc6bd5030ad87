"""KPI cards: one indicator's figures, picture, table, words and outlook together, from the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.charts import Chart, kpi_chart, milestone_chart, small_multiples
from kpi_tools.page.describe import (
    IN_DOUBT,
    Outlook,
    arrow_sentences,
    direction_sentence,
    month_alone,
    redefinitions,
    short_title,
)
from kpi_tools.page.facts import action_of, facts, first_line, flag
from kpi_tools.page.html import Html, badge, figure_with_status, render, report_table, slug
from kpi_tools.page.marks import notes_on, quality_notes
from kpi_tools.page.overviews import peers_chart
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import (
    CLOSEST,
    ENGLAND,
    FINAL,
    HIGHER,
    ILLUSTRATIVE,
    MILESTONE,
    MONITORED,
    MONTH,
    NOT_RATED,
    TREND_ARROW,
)
from kpi_tools.wording import (
    NOT_SET,
    Row,
    Rows,
    capitalised,
    figure_of,
    in_doubt,
    is_number,
    is_text,
    line_of,
    rows_by,
    rows_of,
    text_of,
    unit_words,
)

_SHOWN, _FEW_AREAS = 6, 4
_GOOD = {
    HIGHER: "Higher is better.",
    CLOSEST: "Closest to the target is better.",
    "lower": "Lower is better.",
}


@dataclass(frozen=True)
class Beside:
    """What a card shows beside its KPI's own figures, and the council's terms and colours."""

    terms: Terms = field(default_factory=Terms)
    benchmarks: Mapping[str, Rows] = field(default_factory=dict)
    months: Mapping[str, Rows] = field(default_factory=dict)
    targets: Mapping[str, Rows] = field(default_factory=dict)
    actions: Mapping[str, Rows] = field(default_factory=dict)
    outlooks: Mapping[str, Outlook] = field(default_factory=dict)
    form: str = "auto"
    bands: Mapping[str, Rows] | None = None
    ahead: Mapping[str, Rows] = field(default_factory=dict)
    breaks: Mapping[str, Rows] = field(default_factory=dict)
    headline: str = ""
    dated: pd.DataFrame | None = None

    @property
    def line_words(self) -> dict[str, str]:
        """What the council calls target and floor standard."""
        return {line: self.terms.word(line) for line in ("target", "floor_standard")}


def cards(kpis: pd.DataFrame, recent: pd.DataFrame, beside: Beside | None = None) -> Html:
    """A card for each KPI, in the order of `kpis`; what is part of another stands in the card of its total.

    `kpis`: the scorecard; `recent`: the figures shown, six rows per KPI.
    """
    beside = beside or Beside()
    whole = set(kpis["kpi_id"])
    points = rows_by(recent[recent["kpi_id"].isin(whole)])
    rows = rows_of(kpis)
    parts: dict[str, Rows] = {}
    for row in rows:
        if row.get("part_of") in whole and row["part_of"] != row["kpi_id"]:
            parts.setdefault(row["part_of"], []).append(row)
    under = {part["kpi_id"] for some in parts.values() for part in some}
    return Html(
        Markup("").join(
            card(row, points[row["kpi_id"]], beside, parts.get(row["kpi_id"], []), points).markup
            for row in rows
            if row["kpi_id"] not in under
        )
    )


def card(
    kpi: Row,
    points: Rows,
    beside: Beside,
    parts: Sequence[Row] = (),
    every: Mapping[str, Rows] | None = None,
) -> Html:
    """One KPI's card: `kpi` is its row of the scorecard, `points` its figures shown; `parts`: the KPIs under it."""
    name, terms = kpi["kpi_id"], beside.terms
    anchor = f"kpi-{slug(name)}"
    benchmarks, months = (
        beside.benchmarks.get(name, []),
        _single_months(beside.months.get(name, [])),
    )
    areas = _latest(benchmarks)
    actions = beside.actions.get(name, [])
    action = text_of(kpi["management_action"])
    worst = kpi["rating"] in terms.worst
    return render(
        "card.html.j2",
        card={
            "anchor": anchor,
            "kpi_id": name,
            "name": kpi["kpi_name"],
            "rating": kpi["rating"],
            "look": beside.terms.look(kpi["rating"]),
            "doubt": text_of(kpi.get("doubt")) if in_doubt(kpi) else None,
            "direction": terms.arrow_of(kpi),
            "reason": text_of(kpi["not_rated_reason"]) if kpi["rating"] == NOT_RATED else None,
            "line": first_line(kpi, terms),
            "facts": facts(kpi, terms),
            "picture": _picture(points, anchor, beside, areas),
            "peers": peers_chart(points, benchmarks, beside.headline, f"{anchor}-peers"),
            "flag": flag(kpi),
            "trend": _trend(kpi, points, beside),
            "outlook": beside.outlooks.get(name),
            "commentary": text_of(kpi["commentary"]),
            "action": action,
            "actions": [action_of(one) for one in actions],
            "action_word": capitalised(terms.word("management_action")),
            "gap": worst and not action and not actions,
            "commentary_status": text_of(kpi["commentary_status"]),
            "notes": _notes(kpi, areas, months, beside.terms),
            "table": figures_table(kpi, points, anchor, beside),
            "definition": _definition(kpi, beside.terms),
            "targets": target_history(kpi, beside.targets.get(name, []), beside),
            "parts": _parts(parts, every or {}, anchor, beside),
        },
    )


def _trend(kpi: Row, points: Rows, beside: Beside) -> list[str]:
    """Where the figures go, in the arrows that the council shows, and from when they are counted otherwise."""
    if any(map(in_doubt, points)):
        return [IN_DOUBT]
    tested = TREND_ARROW in beside.terms.arrows and kpi.get("kind") != MILESTONE
    said = [direction_sentence(kpi)] if tested else []
    return said + redefinitions(points, beside.breaks.get(kpi["kpi_id"], [])) + arrow_sentences(kpi)


def _picture(points: Rows, anchor: str, beside: Beside, areas: Rows) -> Chart:
    """The KPI's figures with what stands beside them, or a milestone's statuses."""
    name = points[-1]["kpi_id"]
    if points[-1].get("kind") == MILESTONE:
        return milestone_chart(points, anchor, beside.terms.looks)
    return _drawn(
        points,
        anchor,
        beside,
        outlook=next(iter(beside.ahead.get(name, [])), None),
        months=beside.months.get(name, []),
        benchmarks=areas,
        dated=[] if beside.dated is None else notes_on(beside.dated, points[-1]),
    )


def small_picture(points: Rows, name: str, beside: Beside) -> Chart:
    """The figures alone, in little room."""
    kpi = points[-1]
    if kpi.get("kind") == MILESTONE:
        return milestone_chart(points, name, beside.terms.looks)
    return _drawn(points, name, beside, small=True)


def _drawn(points: Rows, name: str, beside: Beside, **more: Any) -> Chart:
    kpi_id = points[-1]["kpi_id"]
    return kpi_chart(
        points,
        name,
        bands=None if beside.bands is None else beside.bands.get(kpi_id, []),
        words=beside.line_words,
        form=beside.form,
        breaks=[row["from_quarter"] for row in beside.breaks.get(kpi_id, [])],
        **more,
    )


def _parts(
    parts: Sequence[Row], every: Mapping[str, Rows], anchor: str, beside: Beside
) -> list[dict[str, Any]]:
    if not parts:
        return []
    own = {part["kpi_id"]: every[part["kpi_id"]] for part in parts}
    words = beside.line_words
    pictures = small_multiples(own, f"{anchor}-part", bands=beside.bands, words=words)
    return [_part(part, beside) | {"svg": pictures[part["kpi_id"]].svg} for part in parts]


def _part(kpi: Row, beside: Beside) -> dict[str, Any]:
    return {
        "anchor": f"kpi-{slug(kpi['kpi_id'])}",
        "id": kpi["kpi_id"],
        "name": text_of(kpi.get("short_name")) or kpi["kpi_name"],
        "figure": figure_of(kpi),
        "rating": kpi["rating"],
        "look": beside.terms.look(kpi["rating"]),
        "doubted": in_doubt(kpi),
        "direction": beside.terms.arrow_of(kpi),
        "commentary": text_of(kpi["commentary"]),
        "action": text_of(kpi["management_action"]),
        "status": text_of(kpi["commentary_status"]),
        "actions": [action_of(one) for one in beside.actions.get(kpi["kpi_id"], [])],
    }


# Below the picture.


def _notes(kpi: Row, areas: Rows, months: Rows, terms: Terms) -> list[str]:
    """The season, the latest single month, other areas, and where a figure or target comes from that is not final."""
    notes = []
    if kpi.get("seasonal") == "yes":
        ago = (
            f" ({figure_of(kpi, 'year_ago_')})"
            if is_number(kpi["year_ago_value"])
            else ", when there was no figure"
        )
        notes.append(
            f"Seasonal: compare with the same quarter last year{ago}, not with the quarter before."
        )
    notes += [month_alone(month, kpi["unit"], int(kpi["decimals"])) for month in months[-1:]]
    notes += [f"{other_area(kpi, row)}." for row in areas]
    return notes + [note for note, status in _sources(kpi, terms) if status != FINAL]


def _single_months(months: Rows) -> Rows:
    return [month for month in months if is_number(month["value"]) and month["basis"] == MONTH]


def _latest(benchmarks: Rows) -> Rows:
    """The last row of each area, in the order of the table; of many areas England's alone."""
    last = {row["area"]: place for place, row in enumerate(benchmarks)}
    rows = [benchmarks[place] for place in sorted(last.values())]
    return rows if len(rows) <= _FEW_AREAS else [row for row in rows if row["area"] == ENGLAND]


def other_area(kpi: Row, benchmark: Row) -> str:
    """Another area's figure with its date: `England, 2023: 50.3%`."""
    figure = line_of({**kpi, "line": float(benchmark["value"])}, "line")
    mark = "" if benchmark["status"] == FINAL else f" ({benchmark['status']})"
    return f"{benchmark['area']}, {benchmark['period']}: {figure}{mark}"


def _definition(kpi: Row, terms: Terms) -> str:
    what = text_of(kpi["definition"]) or "No definition has been given."
    final = [note for note, status in _sources(kpi, terms) if status == FINAL]
    said = [
        *quality_notes(kpi),
        *([f"Accountable: {kpi['owner']}."] if is_text(kpi.get("owner")) else []),
    ]
    return " ".join(
        [what, _GOOD.get(kpi["polarity"], "Neither more nor less is better."), *final, *said]
    )


def _sources(kpi: Row, terms: Terms) -> list[tuple[str, Any]]:
    given = (
        ("Latest figure", kpi["note"], kpi["status"]),
        (terms.head("target"), kpi["target_reason"], kpi["target_status"]),
    )
    found = []
    for what, note, status in given:
        text = (text_of(note) or "").strip().rstrip(".")
        if text:
            said = text if text.lower().startswith(what.lower()) else f"{what}: {text}"
            found.append((f"{said}.", status))
    return found


def figures_table(kpi: Row, points: Rows, anchor: str, beside: Beside) -> Html:
    """The figures behind a KPI's picture: each period's result, lines and rating."""
    words = unit_words(kpi["unit"])
    each = [beside.terms.lines({**row, "scheme": kpi.get("scheme")}) for row in points]
    lines = list(dict.fromkeys(name for names in each for name in names))
    changed = {row["from_quarter"] for row in beside.breaks.get(kpi["kpi_id"], [])}
    rows = []
    for row in points:
        status = row["status"] if is_number(row["value"]) else None
        figure = figure_of(row, bare=True) + (" ?" if in_doubt(row) else "")
        new = " (new definition)" if row.get("due_quarter") in changed else ""
        cells: dict[str, Any] = {"Period": f"{_short_period(row)}{new}"}
        cells[f"Result ({words})" if words else "Result"] = figure_with_status(figure, status)
        for name in lines:
            label, mark = capitalised(beside.terms.word(name)), _invented(row.get("target_status"))
            cells[label] = figure_with_status(line_of(row, name, bare=True), mark)
        if kpi["rating"] != MONITORED:
            look = beside.terms.look(row["rating"])
            cells["Rating"] = badge(row["rating"], look, doubted=in_doubt(row))
        rows.append(cells)
    return behind_chart(pd.DataFrame(rows), kpi["kpi_name"], anchor)


def _short_period(row: Row) -> str:
    if row.get("basis") == "annual" and is_text(row.get("period")):
        return capitalised(str(row["period"]))
    return short_title(row["quarter"])


def behind_chart(frame: pd.DataFrame, title: str, anchor: str) -> Html:
    """The table that stands under a picture, out of sight until it is asked for."""
    return report_table(
        frame,
        f"{title}, by period",
        name=f"{anchor}-table",
        quiet=True,
        wide=True,
        look="kpi-figures",
    )


def target_history(kpi: Row, targets: Sequence[Row], beside: Beside) -> list[dict[str, str | None]]:
    """Every set of lines that the KPI has had: `since` (quarter), `lines`, `reason` and its `status`.

    `targets`: its rows of the table, oldest first.
    """
    entries: list[dict[str, str | None]] = []
    before: tuple[str, str] | None = None
    for row in targets:
        reason = (
            row["target_reason"].rstrip(".")
            if is_text(row["target_reason"])
            else "no reason was given"
        )
        own = {**row, "unit": kpi["unit"], "decimals": kpi["decimals"], "polarity": kpi["polarity"]}
        lines = [
            f"{beside.terms.word(n)} {line_of(own, n, bare=True)}" for n in beside.terms.lines(own)
        ]
        entries.append(
            {
                "since": short_title(row["from_quarter"]),
                "lines": ", ".join(lines) or NOT_SET,
                "reason": "as above" if (reason, row["target_status"]) == before else reason,
                "status": _invented(row["target_status"]),
            }
        )
        before = (reason, row["target_status"])
    return entries


def _invented(status: object) -> str | None:
    return ILLUSTRATIVE if status == ILLUSTRATIVE else None
