"""The chapter on what changed since the previous report: KPIs, ratings, counts, earlier figures."""

from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import Html, badge, render, section
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import changes as since
from kpi_tools.scorecard import first_report, report_before
from kpi_tools.terms import Terms
from kpi_tools.wording import capitalised, rows_of, signed

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
        changed=int((pairs["before"] != pairs["now"]).sum()),
        from_to=_from_to(since.rating_matrix(pairs, council), terms),
        moves=rows_of(since.came_and_went(pairs, council)),
        counts=_counts(movement, terms, report_before(returns)),
        steps=_steps(since.reconcile(kpis, before, same, council), terms),
        last=None if earlier.empty else Quarter.parse(earlier.max()).title,
        rewritten=int(rewritten.sum()),
        restated=_restated(restated[~rewritten], terms),
        restated_kpis=restated.loc[~rewritten, "kpi_id"].nunique(),
    )
    return section(_TITLE, page)


def _set_changes(changed: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    named = {"change": {since.NEW_TARGET: f"New {terms.word('target')}"}}
    table = changed[["kpi_name", "change", "reason"]].replace(named)
    return table.set_axis([terms.head("kpi"), "Change", "Reason"], axis=1)


def _from_to(matrix: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    names = matrix["before"]
    badges = [badge(name, terms.look(name)) if name != "Total" else name for name in names]
    return matrix.assign(before=badges).rename(columns={"before": "From"})


def _counts(movement: pd.DataFrame, terms: Terms, printed: bool) -> pd.DataFrame:
    """How each count changed, plainly against the previous report and on the same KPIs."""
    many = terms.word("kpi", 2)
    named = {"kpis": capitalised(many), "other": "Direction not tested"}
    heads = {
        "count": "Count",
        "now": "This report",
        "previous": "Previous report",
        "change": "Change",
        "same_now": f"Same {many}, now",
        "same_previous": f"Same {many}, previous quarter",
        "same_change": "Change like for like",
    }
    table = movement.assign(
        count=[named.get(name, capitalised(name)) for name in movement["count"]],
        change=movement["change"].map(signed),
        same_change=movement["same_change"].map(signed),
    )
    left_out = [] if printed else ["now", "previous", "change"]
    return table.drop(columns=left_out).rename(columns=heads)


def _steps(steps: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The way from the previous report's counts to this one's: plain and like for like."""
    many, table = terms.word("kpi", 2), steps.drop(columns=["step", "kind"])
    cells = np.where(steps[["kind"]] == "change", table.map(signed), table.astype(str))
    words = steps["step"].str.replace("KPIs", many).map(capitalised)
    table = pd.DataFrame(cells, columns=table.columns).rename(columns={"kpis": capitalised(many)})
    return pd.concat([words.rename("Step"), table], axis=1)


def _restated(restated: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Figures published before that this quarter's returns replaced, and what that changed."""

    def effect(old: Any, new: Any) -> str:
        if pd.isna(old) or pd.isna(new):
            return "not in that report"
        return f"{capitalised(old)}, {'as before' if old == new else f'now {new}'}"

    return pd.DataFrame(
        {
            terms.head("kpi"): restated["kpi_name"],
            "Quarter": [Quarter.parse(label).title for label in restated["quarter"]],
            "Was": restated["old"],
            "Is": restated["new"],
            "Rating": [*map(effect, restated["old_rating"], restated["new_rating"])],
            "Direction in that report": [
                *map(effect, restated["old_direction"], restated["new_direction"])
            ],
            "Reason": restated["reason"].fillna("No reason was given."),
        }
    )
