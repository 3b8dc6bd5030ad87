"""The chapter on what changed since the previous report: KPIs, ratings, counts, earlier figures."""

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import (
    Html,
    badge,
    bullets,
    paragraphs,
    report_table,
    section,
    slug,
    subheading,
)
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import first_report, known_by
from kpi_tools.scorecard.changes import (
    ADDED,
    NEW_TARGET,
    REMOVED,
    REWRITTEN,
    came_and_went,
    rating_matrix,
    rating_pairs,
    reconcile,
    restatements,
    set_changes,
)
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import NOT_RATED
from kpi_tools.wording import Row, capitalised, in_words, plural, rows_of, signed

_TITLE = "Changes since the previous report"


def changes(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    same: pd.DataFrame,
    movement: pd.DataFrame,
    returns: Returns,
) -> Html:
    """What changed since the previous report: KPIs, ratings, counts, figures published before.

    A first report has no previous one: what can be said is by the figures known now.
    """
    if same.empty:
        first_one = "This is the first report: there is none before it to compare it with."
        return section(_TITLE, first_one)
    terms, first = Terms(returns.council), first_report(returns)
    return section(
        _TITLE,
        Html() if first else set_table(kpis, before, returns, terms),
        ratings_table(kpis, same, returns, terms),
        subheading("Counts, plainly and like for like"),
        movement_table(movement, terms, first=first),
        Html() if first else steps_table(kpis, before, same, returns, terms),
        restated_figures(returns, before, same),
    )


def set_table(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns, terms: Terms) -> Html:
    """KPIs added, removed, redefined, with a new target, rated again or no longer, and why."""
    changed = set_changes(kpis, before, returns)
    many, target = terms.word("kpi", 2), terms.word("target")
    if changed.empty:
        lines = terms.word("target", 2)
        return paragraphs(
            f"The {many}, their definitions and their {lines} are those of the previous report."
        )
    added, gone = (int((changed["change"] == word).sum()) for word in (ADDED, REMOVED))
    sentence = f"The {many} are those of the previous report."
    if added or gone:
        came = f"{capitalised(terms.kpis(added))} came into the report"
        sentence = f"{came}, and {terms.kpis(gone)} left it."
    displayed = changed[["kpi_name", "change", "reason"]]
    displayed = displayed.replace({"change": {NEW_TARGET: f"New {target}"}})
    displayed = displayed.set_axis([terms.head("kpi"), "Change", "Reason"], axis=1)
    caption = f"{capitalised(many)} added, removed, redefined, newly rated or with a new {target}"
    table = report_table(displayed, caption, name="set-changes", wide=True, quiet=True)
    return paragraphs(sentence) + table


def ratings_table(kpis: pd.DataFrame, same: pd.DataFrame, returns: Returns, terms: Terms) -> Html:
    """From → to on the KPIs known in both quarters, and what came to each rating and left it."""
    pairs = rating_pairs(kpis, same, returns.council)
    changed = int((pairs["before"] != pairs["now"]).sum())
    table = rating_matrix(pairs, returns.council).rename(columns={"before": "From"})
    badges = [badge(name, terms.look(name)) if name != "Total" else name for name in table["From"]]
    caption = (
        f"{terms.head('kpi', 2)} known in both quarters, by rating in the previous quarter and now"
    )
    whole = subheading("Ratings: from and to")
    whole += paragraphs(
        f"Of the {terms.kpis(len(pairs))} known in both quarters, "
        f"{in_words(changed) if changed else 'none'} changed rating, with figures as known now."
    )
    whole += report_table(
        table.assign(From=badges),
        caption,
        name="from-to",
        totals=1,
        wide=True,
        quiet=True,
        numbers=True,
        over="To",
    )
    for row in rows_of(came_and_went(pairs, returns.council)):
        rating = "not rated" if row["rating"] == NOT_RATED else row["rating"]
        for word, names in (("Now", row["came"]), ("No longer", row["went"])):
            if names:
                title = f"{word} {rating}"
                whole += paragraphs(f"{title}:", name=slug(title)) + bullets(names)
    return whole


def movement_table(movement: pd.DataFrame, terms: Terms, *, first: bool) -> Html:
    """How each count changed, plainly against the previous report and on the same KPIs."""
    many = terms.word("kpi", 2)
    named = {"kpis": capitalised(many), "other": "Direction not tested"}
    columns = {"Count": [named.get(name, capitalised(name)) for name in movement["count"]]}
    if not first:
        columns |= {
            "This report": movement["now"],
            "Previous report": movement["previous"],
            "Change": movement["change"].map(signed),
        }
    columns |= {
        f"Same {many}, now": movement["same_now"],
        f"Same {many}, previous quarter": movement["same_previous"],
        "Change like for like": movement["same_change"].map(signed),
    }
    caption = f"Counts now and before, plainly and on the same {many}"
    table = pd.DataFrame(columns)
    return report_table(table, caption, name="movement", wide=True, quiet=True, numbers=True)


def steps_table(
    kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame, returns: Returns, terms: Terms
) -> Html:
    """The way from the previous report's counts to this one's: plain and like for like."""
    steps, many = reconcile(kpis, before, same, returns.council), terms.word("kpi", 2)
    displayed = pd.DataFrame({"Step": steps["step"].str.replace("KPIs", many).map(capitalised)})
    for name in steps.columns.drop(["step", "kind"]):
        counts = steps[name].astype(str)
        changes = steps[name].map(signed)
        heading = capitalised(many) if name == "kpis" else name
        displayed[heading] = counts.mask(steps["kind"] == "change", changes)
    caption = "From the previous report's counts to this report's"
    text = (
        "Each line leads to the next; the change like for like is the line between the two counts "
        f"of the same {many}."
    )
    return paragraphs(text) + report_table(
        displayed, caption, name="steps", totals=1, wide=True, quiet=True, numbers=True
    )


def restated_figures(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> Html:
    """Figures published before that this quarter's returns replaced, and what that changed."""
    terms = Terms(returns.council)
    head, last = subheading("Changes to figures published before"), returns.quarter.shift(-1)
    if not known_by(returns, last):
        text = "No earlier returns are held here, so nothing published before can be compared."
        return head + paragraphs(text)
    changed = restatements(returns, before, same)
    real = changed[changed["kind"] != REWRITTEN]
    sentence = f"No figure that was known at the report of {last.title} has changed since."
    if len(real):
        of = f"{capitalised(plural(len(real), 'figure'))} of {terms.kpis(real['kpi_id'].nunique())}"
        were = "is not what it was" if len(real) == 1 else "are not what they were"
        sentence = f"{of} {were} in the report of {last.title}."
    if otherwise := len(changed) - len(real):
        sentence += f" {capitalised(plural(otherwise, 'figure'))} came again with other decimals."
    if real.empty:
        return head + paragraphs(sentence)
    table = pd.DataFrame([_restated(row, terms) for row in rows_of(real)])
    caption = (
        "Figures published before and restated, with the effect on rating and direction of travel"
    )
    rendered = report_table(table, caption, name="restated", wide=True, quiet=True)
    return head + paragraphs(sentence) + rendered


def _restated(row: Row, terms: Terms) -> Row:
    return {
        terms.head("kpi"): row["kpi_name"],
        "Quarter": Quarter.parse(row["quarter"]).title,
        "Was": row["old"],
        "Is": row["new"],
        "Rating": _effect(row["old_rating"], row["new_rating"]),
        "Direction in that report": _effect(row["old_direction"], row["new_direction"]),
        "Reason": row["reason"] if isinstance(row["reason"], str) else "No reason was given.",
    }


def _effect(old: object, new: object) -> str:
    if not isinstance(old, str) or not isinstance(new, str):
        return "not in that report"
    return f"{capitalised(old)}, as before" if old == new else f"{capitalised(old)}, now {new}"
