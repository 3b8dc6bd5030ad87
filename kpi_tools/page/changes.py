"""The chapter on what changed since the previous report: the set, the ratings, the counts, figures published before."""

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
from kpi_tools.scorecard import (
    came_and_went,
    first_report,
    known_by,
    rating_matrix,
    rating_pairs,
    reconcile,
    restatements,
    set_changes,
)
from kpi_tools.scorecard.changes import NEW_TARGET, REWRITTEN
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
    """What changed since the previous report: KPIs that came and went, ratings, counts, figures published before.

    A first report has no previous one: what can be said is by the figures known now.
    """
    if same.empty:
        return section(
            _TITLE, "This is the first report: there is none before it to compare it with."
        )
    terms, first = Terms(returns.council), first_report(returns)
    pieces = [
        moved_ratings(kpis, same, returns),
        subheading("Counts, plainly and like for like"),
        movement_table(movement, terms, first=first),
    ]
    if not first:
        pieces = [
            set_table(kpis, before, returns, terms),
            *pieces,
            steps_table(kpis, before, same, returns),
        ]
    return section(_TITLE, *pieces, restated_figures(returns, before, same))


def set_table(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns, terms: Terms) -> Html:
    """KPIs added, removed, redefined, with a new target, rated again or no longer rated, with the reasons."""
    changed, many = set_changes(kpis, before, returns), terms.word("kpi", 2)
    if changed.empty:
        return paragraphs(
            f"The {many}, their definitions and their {terms.word('target', 2)} are those of the previous report."
        )
    added, gone = (int((changed["change"] == word).sum()) for word in ("Added", "Removed"))
    said = f"{capitalised(terms.kpis(added))} came into the report, and {terms.kpis(gone)} left it."
    if not added and not gone:
        said = f"The {many} are those of the previous report."
    shown = changed[["kpi_name", "change", "reason"]]
    shown = shown.replace({"change": {NEW_TARGET: f"New {terms.word('target')}"}})
    shown = shown.set_axis([terms.head("kpi"), "Change", "Reason"], axis=1)
    caption = f"{terms.head('kpi', 2)} added, removed, redefined, newly rated or with a new {terms.word('target')}"
    return paragraphs(said) + report_table(
        shown, caption, name="set-changes", wide=True, quiet=True
    )


def moved_ratings(kpis: pd.DataFrame, same: pd.DataFrame, returns: Returns) -> Html:
    """From → to on the KPIs known in both quarters, and by name what came to each rating and what left it."""
    council, terms = returns.council, Terms(returns.council)
    pairs = rating_pairs(kpis, same, council)
    moved = int((pairs["before"] != pairs["now"]).sum())
    table = rating_matrix(pairs, council)
    table["before"] = [
        badge(name, terms.look(name)) if name != "Total" else name for name in table["before"]
    ]
    heads = [("", "From"), *(("To", str(name)) for name in table.columns[1:-1]), ("", "Total")]
    table = table.set_axis(pd.Index(heads, tupleize_cols=False), axis=1)
    of = f"Of the {terms.kpis(len(pairs))} known in both quarters"
    said = (
        f"{of}, {in_words(moved) if moved else 'none'} changed rating, with figures as known now."
    )
    caption = (
        f"{terms.head('kpi', 2)} known in both quarters, by rating in the previous quarter and now"
    )
    whole = subheading("Ratings: from and to") + paragraphs(said)
    whole += report_table(
        table, caption, name="from-to", totals=1, wide=True, quiet=True, numbers=True
    )
    for row in rows_of(came_and_went(pairs, council)):
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
    table = pd.DataFrame(
        {"Count": [named.get(name, capitalised(name)) for name in movement["count"]]}
    )
    if not first:
        table["This report"], table["Previous report"] = movement["now"], movement["previous"]
        table["Change"] = [signed(change) for change in movement["change"]]
    table[f"Same {many}, now"] = movement["same_now"]
    table[f"Same {many}, previous quarter"] = movement["same_previous"]
    table["Change like for like"] = [signed(change) for change in movement["same_change"]]
    caption = f"Counts now and before, plainly and on the same {many}"
    return report_table(table, caption, name="movement", wide=True, quiet=True, numbers=True)


def steps_table(
    kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame, returns: Returns
) -> Html:
    """The way from the previous report's counts to this one's, step by step: plain and like for like."""
    steps = reconcile(kpis, before, same, returns.council)
    many = Terms(returns.council).word("kpi", 2)
    shown = pd.DataFrame(
        {"Step": [capitalised(step.replace("KPIs", many)) for step in steps["step"]]}
    )
    for name in [name for name in steps.columns if name not in ("step", "kind")]:
        if name not in ("Monitored", "Not due") or steps[name].any():
            cells = zip(steps["kind"], steps[name], strict=True)
            shown[capitalised(many) if name == "kpis" else name] = [
                signed(int(n)) if kind == "change" else str(n) for kind, n in cells
            ]
    caption = "From the previous report's counts to this report's"
    text = f"Each line leads to the next; the change like for like is the line between the two counts of the same {many}."
    return paragraphs(text) + report_table(
        shown, caption, name="steps", totals=1, wide=True, quiet=True, numbers=True
    )


def restated_figures(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> Html:
    """Figures published before that this quarter's returns replaced, with the effect on rating and direction."""
    terms = Terms(returns.council)
    head, last = subheading("Changes to figures published before"), returns.quarter.shift(-1)
    if not known_by(returns, last):
        text = "No earlier returns are held here, so nothing published before can be compared."
        return head + paragraphs(text)
    changed = restatements(returns, before, same)
    real = changed[changed["kind"] != REWRITTEN]
    otherwise = len(changed) - len(real)
    more = (
        f" {capitalised(plural(otherwise, 'figure'))} came again with other decimals."
        if otherwise
        else ""
    )
    if real.empty:
        said = f"No figure that was known at the report of {last.title} has changed since."
        return head + paragraphs(said + more)
    of = f"{capitalised(plural(len(real), 'figure'))} of {terms.kpis(real['kpi_id'].nunique())}"
    were = "is not what it was" if len(real) == 1 else "are not what they were"
    said = f"{of} {were} in the report of {last.title}."
    table = pd.DataFrame([_restated(row, terms) for row in rows_of(real)])
    caption = (
        "Figures published before and restated, with the effect on rating and direction of travel"
    )
    return (
        head
        + paragraphs(said + more)
        + report_table(table, caption, name="restated", wide=True, quiet=True)
    )


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
