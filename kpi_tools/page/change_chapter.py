"""The chapter on what changed since the previous report: the set, the ratings, the counts, figures published before."""

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import Html, bullets, paragraphs, slug, subheading
from kpi_tools.page.tables import badge, report_table
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import (
    came_and_went,
    known_by,
    rating_matrix,
    rating_pairs,
    reconcile,
    restatements,
    set_changes,
)
from kpi_tools.vocabulary import NOT_RATED, RAGS
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import capitalised, plural, signed


def set_table(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns) -> Html:
    """KPIs added, removed, redefined, with a new target, rated again or no longer rated, with the reasons."""
    changed = set_changes(kpis, before, returns)
    if changed.empty:
        return paragraphs(
            "The KPIs, their definitions and their targets are those of the previous report."
        )
    added, gone = (int((changed["change"] == word).sum()) for word in ("Added", "Removed"))
    said = f"{capitalised(plural(added, 'KPI'))} came into the report, and {plural(gone, 'KPI')} left it."
    shown = changed[["kpi_name", "change", "reason"]].set_axis(["KPI", "Change", "Reason"], axis=1)
    caption = "KPIs added, removed, redefined, newly rated or with a new target"
    return paragraphs(said) + report_table(
        shown, caption, name="set-changes", wide=True, quiet=True
    )


def moved_ratings(kpis: pd.DataFrame, same: pd.DataFrame) -> Html:
    """From → to on the KPIs of both reports, and by name what came to each colour and what left it."""
    pairs = rating_pairs(kpis, same)
    moved = int((pairs["before"] != pairs["now"]).sum())
    counted = rating_matrix(pairs)
    counted["before"] = [
        badge(name) if name in (*RAGS, NOT_RATED) else name for name in counted["before"]
    ]
    head = [("", "From")] + [("To", str(name)) for name in counted.columns[1:-1]] + [("", "Total")]
    matrix = counted.set_axis(pd.Index(head, tupleize_cols=False), axis=1)
    caption = "KPIs of both reports by rating in the previous quarter and now"
    said = f"Of the {len(pairs)} KPIs that are in both reports, {plural(moved, 'KPI')} changed rating, with figures as known now."
    whole = subheading("Ratings: from and to") + paragraphs(said)
    whole += report_table(
        matrix, caption, name="from-to", totals=1, wide=True, quiet=True, numbers=True
    )
    for row in rows_of(came_and_went(pairs)):
        for word, names in (("Now", row["came"]), ("No longer", row["went"])):
            if names:
                rating = row["rating"] if row["rating"] in RAGS else "not rated"
                whole += paragraphs(f"{word} {rating}:", name=slug(f"{word} {rating}")) + bullets(
                    names
                )
    return whole


def counts_table(kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame) -> Html:
    """The way from the previous report's counts to this one's, step by step: plain and like for like."""
    steps = reconcile(kpis, before, same)
    columns = ["kpis", *RAGS, NOT_RATED]
    shown = pd.DataFrame({"Step": steps["step"]})
    for name in columns:
        cells = zip(steps["kind"], steps[name], strict=True)
        shown["KPIs" if name == "kpis" else name] = [
            signed(int(n)) if kind == "change" else str(n) for kind, n in cells
        ]
    caption = "From the previous report's counts to this report's"
    text = "Each line leads to the next; the change like for like is the line between the two counts of the same KPIs."
    return paragraphs(text) + report_table(
        shown, caption, name="steps", totals=1, wide=True, quiet=True, numbers=True
    )  # fmt: skip


def restated_figures(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> Html:
    """Figures published before that this quarter's returns replaced, with the effect on rating and direction."""
    head = subheading("Changes to figures published before")
    last = returns.quarter.shift(-1)
    if not known_by(returns, last):
        return head + paragraphs(
            "No earlier returns are held here, so nothing published before can be compared."
        )
    changed = restatements(returns, before, same)
    if changed.empty:
        return head + paragraphs(
            f"No figure that was known at the report of {last.title} has changed since."
        )
    said = (
        f"{capitalised(plural(len(changed), 'figure'))} of {plural(changed['kpi_id'].nunique(), 'KPI')} "
        f"{'is' if len(changed) == 1 else 'are'} not what {'it was' if len(changed) == 1 else 'they were'} in the "
        f"report of {last.title}."
    )
    rows = [
        {
            "KPI": row["kpi_name"],
            "Quarter": Quarter.parse(row["quarter"]).title,
            "Was": row["old"],
            "Is": row["new"],
            "Rating": _effect(row["old_rating"], row["new_rating"]),
            "Direction in that report": _effect(row["old_direction"], row["new_direction"]),
            "Reason": row["reason"] if isinstance(row["reason"], str) else "No reason was given.",
        }
        for row in rows_of(changed)
    ]
    caption = (
        "Figures published before and restated, with the effect on rating and direction of travel"
    )
    return (
        head
        + paragraphs(said)
        + report_table(pd.DataFrame(rows), caption, name="restated", wide=True, quiet=True)
    )


def _effect(old: object, new: object) -> str:
    if not isinstance(old, str) or not isinstance(new, str):
        return "not in that report"
    return f"{capitalised(old)}, as before" if old == new else f"{capitalised(old)}, now {new}"
