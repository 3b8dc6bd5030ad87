"""The chapter on what changed since the previous report: KPIs, ratings, counts, earlier figures."""

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import Html, badge, render, section
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, rows_of, text_of
from kpi_tools.scorecard import changes as since
from kpi_tools.scorecard import first_report, report_before
from kpi_tools.terms import Terms
from kpi_tools.wording import capitalised, signed

_TITLE = "Changes since the previous report"


def changes(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    same: pd.DataFrame,
    movement: pd.DataFrame,
    returns: Returns,
) -> Html:
    """What changed since the previous report: KPIs, ratings, counts, figures published before; for
    a first report, by the figures known now."""
    if same.empty:
        alone = "This is the first report: there is none before it to compare it with."
        return section(_TITLE, alone)
    terms, council = Terms(returns.council), returns.council
    received = returns.submissions["received"]
    earlier = received[received < returns.quarter.label]
    changed = since.set_changes(kpis, before, returns)
    pairs = since.rating_pairs(kpis, same, council)
    restated = since.restatements(returns, before, same)
    rewritten = restated["kind"] == since.REWRITTEN
    page = render(
        "changes.html.j2",
        terms=terms,
        first=first_report(returns),
        printed=report_before(returns),
        set_changes=_set_changes(changed, terms),
        added=int((changed["change"] == since.ADDED).sum()),
        removed=int((changed["change"] == since.REMOVED).sum()),
        pairs=len(pairs),
        moved=_moved(pairs[pairs["before"] != pairs["now"]], terms),
        from_to=_from_to(since.rating_matrix(pairs, council), terms),
        counts=_counts(movement, terms, report_before(returns)),
        steps=_steps(since.reconcile(kpis, before, same, council), terms),
        last=None if earlier.empty else Quarter.parse(earlier.max()).title,
        rewritten=int(rewritten.sum()),
        restated=_restated(restated[~rewritten], terms),
        restated_kpis=restated.loc[~rewritten, "kpi_id"].nunique(),
    )
    return section(_TITLE, page)


def _set_changes(changed: pd.DataFrame, terms: Terms) -> Rows:
    new_target = f"New {terms.word('target')}"
    return [
        {
            terms.head("kpi"): row["kpi_name"],
            "Change": new_target if row["change"] == since.NEW_TARGET else row["change"],
            "Reason": row["reason"],
        }
        for row in rows_of(changed)
    ]


def _from_to(matrix: pd.DataFrame, terms: Terms) -> Rows:
    rows = []
    for row in rows_of(matrix):
        name, total = row.pop("before"), row.pop("Total")
        old = name if name == "Total" else badge(name, terms.look(name))
        rows.append({"From": old, **{f"To {to}": n for to, n in row.items()}, "Total": total})
    return rows


def _moved(pairs: pd.DataFrame, terms: Terms) -> Rows:
    """Each KPI whose rating changed, from which to which."""
    return [
        {
            terms.head("kpi"): row["kpi_name"],
            "From": badge(row["before"], terms.look(row["before"])),
            "To": badge(row["now"], terms.look(row["now"])),
        }
        for row in rows_of(pairs)
    ]


def _counts(movement: pd.DataFrame, terms: Terms, printed: bool) -> Rows:
    """How each count changed, plainly against the previous report and on the same KPIs."""
    many = terms.word("kpi", 2)
    named = {"kpis": many, "other": "Direction not tested"}
    plain = {"now": "This report", "previous": "Previous report", "change": "Change"}
    heads = (plain if printed else {}) | {
        "same_now": f"Same {many}, now",
        "same_previous": f"Same {many}, previous quarter",
        "same_change": "Change like for like",
    }
    rows = rows_of(movement.assign(**movement[["change", "same_change"]].map(signed)))
    return [
        {"Count": capitalised(named.get(row["count"]) or row["count"])}
        | {head: row[name] for name, head in heads.items()}
        for row in rows
    ]


def _steps(steps: pd.DataFrame, terms: Terms) -> Rows:
    """The way from the previous report's counts to this one's: plain and like for like."""
    many, rows = terms.word("kpi", 2), []
    for row in rows_of(steps):
        step, written = row.pop("step"), signed if row.pop("kind") == "change" else str
        cells = {"Step": capitalised(step.replace("KPIs", many))}
        cells[capitalised(many)] = written(row.pop("kpis"))
        rows.append(cells | {name: written(count) for name, count in row.items()})
    return rows


def _restated(restated: pd.DataFrame, terms: Terms) -> Rows:
    """Figures published before that this quarter's returns replaced, and what that changed."""

    def effect(row: Row, what: str) -> str:
        old, new = text_of(row[f"old_{what}"]), text_of(row[f"new_{what}"])
        if not old or not new:
            return "not in that report"
        return f"{capitalised(old)}, {'as before' if old == new else f'now {new}'}"

    return [
        {
            terms.head("kpi"): row["kpi_name"],
            "Quarter": Quarter.parse(row["quarter"]).title,
            "Was": row["old"],
            "Is": row["new"],
            "Rating": effect(row, "rating"),
            "Direction in that report": effect(row, "direction"),
            "Reason": text_of(row["reason"]) or "No reason was given.",
        }
        for row in rows_of(restated)
    ]
