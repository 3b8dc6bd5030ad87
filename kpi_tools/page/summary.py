"""The first screen: the paragraph for the minutes, what needs attention, the counts; the key."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from kpi_tools import narrative, scorecard
from kpi_tools.loading import Returns
from kpi_tools.page.describe import direction_notes, short_title
from kpi_tools.page.facts import entry
from kpi_tools.page.html import Html, render, section
from kpi_tools.page.overviews import counts_chart
from kpi_tools.rows import Row, Rows, in_doubt, rows_of
from kpi_tools.scorecard import movers, rating_history, report_before
from kpi_tools.scorecard.actions import followed
from kpi_tools.terms import AGAINST, Terms, lines_of, miss, missed, names
from kpi_tools.vocabulary import MONITORED, NOT_RATED, STABLE, TREND_ARROW
from kpi_tools.wording import capitalised, change_in_words, figure_of, in_words, listed, plural

_LABELS = {STABLE: "Stable"}
_FURTHEST = 2
_TO_SETTLE = ("in doubt", "reported in arrears", "not rated")
_BETTER, _WORSE, _LOOSE = "To a better rating", "To a worse rating", "Rated again, or no longer"


def summary(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    movement: pd.DataFrame,
    recent: pd.DataFrame,
    returns: Returns,
) -> Html:
    """On one screen: the paragraph for the minutes, what needs attention, counts, what changed."""
    terms, council = Terms(returns.council), returns.council
    last = returns.quarter.shift(-1)
    then = None if before.empty else before
    reds = narrative.worst_of(kpis, terms)
    return section(
        "Summary",
        render(
            "summary.html.j2",
            terms=terms,
            minutes=[
                narrative.headline(kpis, then, returns.quarter, council.report_title, terms),
                narrative.change_sentence(movement, last, terms, first=not report_before(returns)),
            ],
            reds=list(names(reds).values()),
            attention=attention(kpis, recent, returns, terms),
            called=names(kpis, short=True),
            tiles=tiles(kpis, then, terms, f"Q{last.number}"),
            matrix=matrix(kpis, council.sections, terms),
            where=where_sentence(kpis, terms),
            history=counts_history(rating_history(returns, kpis, before), terms),
            changed="" if then is None else narrative.movers_sentence(kpis, terms).rstrip(":"),
            rating_changes=[] if then is None else changed_ratings(kpis, terms),
        ),
        anchor="for-the-minutes",
    )


# What needs attention.


def attention(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns, terms: Terms) -> Rows:
    """At most four lines of what needs attention: a sign, a reason and the KPIs it is about."""
    lowest, worse = lowest_lines(kpis, terms), getting_worse(kpis, recent, returns)
    sure = [row for row in rows_of(kpis) if not in_doubt(row)]
    gaps = {row["kpi_id"]: miss(row, lowest.get(row["kpi_id"])) for row in sure}
    reds = [row for row in sure if row["rating"] in terms.worst and gaps[row["kpi_id"]]]
    found = []
    if far := by_distance(reds, lowest)[:_FURTHEST]:
        words = {lowest[row["kpi_id"]]["line"] for row in far}
        line = f"the {words.pop()}" if len(words) == 1 else "their lowest line"
        look = terms.look(far[0]["rating"])
        found.append({"look": look, "reason": f"Furthest from {line}:", "rows": far, "gaps": gaps})
    for ratings in (terms.worst, terms.middle):
        if rows := [row for row in worse if row["rating"] in ratings]:
            reason = f"{listed(sorted({row['rating'] for row in rows}), 'or')} and getting worse:"
            found.append({"sign": "negative", "reason": reason, "rows": rows, "gaps": {}})
    if sentence := _loose_ends(kpis, followed(returns), terms):
        found.append({"sign": "old", "reason": sentence, "rows": [], "gaps": {}})
    return found


def getting_worse(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Rows:
    """The KPIs that are getting worse by both directions of travel, where both can be told. Of a
    figure in doubt nothing is concluded."""
    terms = Terms(returns.council)
    worse = [
        row for row in rows_of(kpis) if terms.arrow_of(row) == terms.states[2] and not in_doubt(row)
    ]
    of_these = recent["kpi_id"].isin([row["kpi_id"] for row in worse])
    differs = direction_notes(recent[of_these], returns) if worse else {}
    return [row for row in worse if not differs.get(row["kpi_id"])]


def _loose_ends(kpis: pd.DataFrame, actions: pd.DataFrame, terms: Terms) -> str:
    overdue = int(actions["overdue"].sum())
    counts = [f"{plural(overdue, 'action')} overdue"] if overdue else []
    counts += [
        f"{terms.kpis(len(rows))} {how}"
        for how, rows, _ in narrative.caveats(kpis)
        if len(rows) and how in _TO_SETTLE
    ]
    return f"{capitalised(listed(counts))}." if counts else ""


def lowest_lines(kpis: pd.DataFrame, terms: Terms) -> dict[str, Row]:
    """The line of each KPI below which it has the last band: its row of `terms.lines_of`."""
    lines = lines_of(kpis, terms)
    return {row["kpi_id"]: row for row in rows_of(lines[lines["lowest"]])}


def by_distance(rows: Rows, lowest: Mapping[str, Row]) -> Rows:
    """Rows by how far they miss their lowest line, as a share of it, the furthest first: one that
    misses a line of nought first of all."""

    def share(row: Row) -> float:
        line = lowest.get(row["kpi_id"])
        at = missed(row, line) if line else None
        if at is None:
            return 0.0
        return -abs(row["value"] - at) / abs(at) if at else -math.inf

    return sorted(rows, key=share)


# Counts.


def _columns(terms: Terms, there: Iterable[str], *more: str) -> list[dict[str, Any]]:
    """The ratings and directions counted: bands and directions always, others if `there`."""
    always = {band.name for band in terms.council.bands} | set(terms.states)
    other = "Not tested" if terms.arrow == TREND_ARROW else "Not compared"
    labels = _LABELS | {"other": other}
    return [
        {
            "name": name,
            "label": labels.get(name, capitalised(name)),
            "look": terms.look(name) if name in terms.ratings else "",
            "first": name == terms.states[0],
        }
        for name in (*terms.ratings, *terms.states, *more)
        if name in always or name in there
    ]


def tiles(kpis: pd.DataFrame, before: pd.DataFrame | None, terms: Terms, when: str) -> Rows:
    """The counts of ratings and directions, each with the last report's and the change in words."""
    now = terms.counts(kpis)
    then = now if before is None else terms.counts(before)
    found = []
    for head in _columns(terms, +(now + then)):
        name, change = head["name"], now[head["name"]] - then[head["name"]]
        words = f"{then[name]} in {when}, {change_in_words(change) if change else 'no change'}"
        found.append(head | {"count": now[name], "change": "" if before is None else words})
    return found


def matrix(kpis: pd.DataFrame, sections: Sequence[str], terms: Terms) -> Html:
    """Sections × ratings and directions, with totals; what no KPI has has no column."""
    rows = {row["section"]: row for row in rows_of(scorecard.matrix(kpis, terms.council))}
    return render(
        "matrix.html.j2",
        heads=_columns(terms, +terms.counts(kpis), "other"),
        rows=[rows[name] for name in sections if name in rows],
        total=rows["Total"],
        terms=terms,
    )


def where_sentence(kpis: pd.DataFrame, terms: Terms) -> str:
    """`Sections with any KPI rated Red: six of eight`: what the matrix shows."""
    found, whole = (rows["section"].nunique() for rows in (narrative.worst_of(kpis, terms), kpis))
    some = f"{in_words(found) if found else 'none'} of {in_words(whole)}"
    return f"{terms.head('section', 2)} with any {terms.word('kpi')} {terms.rated_worst}: {some}"


def changed_ratings(kpis: pd.DataFrame, terms: Terms) -> list[dict[str, Any]]:
    """The KPIs whose rating changed, those to a better one first."""
    order = {name: place for place, name in enumerate(terms.ratings)}
    called = names(kpis, short=True)
    groups: dict[str, list[dict[str, Any]]] = {_BETTER: [], _WORSE: [], _LOOSE: []}
    for row in rows_of(movers(kpis)):
        old, new = row["previous_rating"], row["rating"]
        group = _BETTER if order.get(new, 0) < order.get(old, 0) else _WORSE
        group = _LOOSE if {old, new} & {NOT_RATED, MONITORED} else group
        figure = {"figure": figure_of(row, bare=True), "old": old, "new": new}
        groups[group].append(entry(row, terms, called[row["kpi_id"]]) | figure)
    return [{"title": title, "rows": rows} for title, rows in groups.items() if rows]


def counts_history(history: pd.DataFrame, terms: Terms) -> Html:
    """The ratings of the whole set in the last six reports; nothing for one report alone."""
    displayed = history.tail(6)
    if len(displayed) < 2:
        return Html()
    total = {terms.head("kpi", 2): displayed.drop(columns="quarter").sum(axis=1)}
    frame = displayed.rename(columns={"quarter": "Quarter"})
    frame = frame.assign(Quarter=frame["Quarter"].map(short_title), **total)
    picture = counts_chart(rows_of(displayed), "history", terms.looks)
    return render("history.html.j2", picture=picture, figures=rows_of(frame), terms=terms)


def key(returns: Returns, kpis: pd.DataFrame) -> Html:
    """What the shapes, arrows, lines and marks mean: a line, and the rest of it folded."""
    terms = Terms(returns.council)
    return section(
        "How to read this report",
        render(
            "key.html.j2",
            terms=terms,
            monitored=MONITORED in set(kpis["rating"]),
            against=AGAINST.get(terms.arrow),
            least=in_words(returns.council.minimum_points),
            lines=terms.all_lines(kpis),
            further=terms.further_schemes(kpis),
            activity=len(returns.activity) > 0,
        ),
    )
