"""The first screen: the paragraph for the minutes, what needs attention, the counts, the sections, the last reports; the key."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.page.describe import direction_notes, short_title
from kpi_tools.page.html import (
    Html,
    bullets,
    figure_with_status,
    paragraphs,
    render,
    report_table,
    section,
    slug,
)
from kpi_tools.page.overviews import counts_chart
from kpi_tools.scorecard import first_report, followed, movers, rating_history
from kpi_tools.terms import AGAINST, Terms, lines_of, miss, missed, names
from kpi_tools.vocabulary import (
    ESTIMATED,
    ILLUSTRATIVE,
    MONITORED,
    NOT_ENOUGH_DATA,
    NOT_RATED,
    NOT_TESTABLE,
    STABLE,
    TREND_ARROW,
)
from kpi_tools.wording import (
    Row,
    Rows,
    capitalised,
    change_in_words,
    figure_of,
    in_doubt,
    in_words,
    listed,
    plural,
    rows_of,
)

_LABELS = {STABLE: "Stable"}
_FURTHEST, _NAMED = 2, 4
_BETTER, _WORSE, _LOOSE = "To a better rating", "To a worse rating", "Rated again, or no longer"


def summary(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    movement: pd.DataFrame,
    recent: pd.DataFrame,
    returns: Returns,
) -> Html:
    """On one screen: the paragraph for the minutes, what needs attention, counts, sections, the last reports, what changed."""
    terms, council = Terms(returns.council), returns.council
    last = returns.quarter.shift(-1)
    first = first_report(returns)
    then = None if before.empty else before
    reds = narrative.worst_of(kpis, terms)
    return section(
        "Summary",
        render(
            "summary.html.j2",
            minutes=paragraphs(
                narrative.headline(kpis, then, returns.quarter, council.report_title, terms),
                narrative.change_sentence(movement, last, terms, first=first),
            ),
            named=f"{capitalised(terms.kpis(len(reds)))} {terms.rated_worst}, by name",
            reds=paragraphs(narrative.reds_sentence(kpis, terms)) + bullets(names(reds).values()),
            attention=attention(kpis, recent, returns, terms),
            tiles=tiles(kpis, then, terms, f"Q{last.number}"),
            matrix=matrix(kpis, council.sections, terms),
            where=where_sentence(kpis, terms),
            history=counts_history(rating_history(returns, kpis, before), terms),
            changed="" if then is None else narrative.movers_sentence(kpis, terms).rstrip(":."),
            moved=[] if then is None else moved(kpis, terms),
        ),
        anchor="for-the-minutes",
    )


# What needs attention.


def attention(
    kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns, terms: Terms
) -> list[dict[str, Any]]:
    """At most four lines of what needs attention, each with its sign, a reason and the KPIs that it is about."""
    called = names(kpis, short=True)
    notes = direction_notes(recent, returns)
    sure = [row for row in rows_of(kpis) if not in_doubt(row)]
    lowest = lowest_lines(kpis, terms)
    reds = [row for row in sure if row["rating"] in terms.worst]
    far = by_distance([row for row in reds if miss(row, lowest.get(row["kpi_id"]))], lowest)
    found = []
    if far:
        words = {lowest[row["kpi_id"]]["line"] for row in far[:_FURTHEST]}
        line = f"the {words.pop()}" if len(words) == 1 else "their lowest line"
        gaps = [miss(row, lowest[row["kpi_id"]]) for row in far]
        furthest = _line(f"Furthest from {line}:", far[:_FURTHEST], called, gaps)
        found.append(furthest | {"look": terms.look(far[0]["rating"])})
    for ratings in (terms.worst, terms.middle):
        # both directions must agree before a KPI is said to get worse
        worse = [
            row
            for row in sure
            if row["rating"] in ratings
            and terms.arrow_of(row) == terms.states[2]
            and not notes.get(row["kpi_id"])
        ]
        if worse:
            rating = listed(sorted({row["rating"] for row in worse}), "or")
            found.append(_line(f"{rating} and getting worse:", worse, called))
    said = _loose_ends(kpis, followed(returns), terms)
    return found + (
        [{"look": "", "sign": "old", "reason": said, "items": [], "more": ""}] if said else []
    )


def _line(
    reason: str, rows: Rows, called: Mapping[str, str], extra: Sequence[str] = ()
) -> dict[str, Any]:
    shown = rows if len(rows) <= _NAMED else rows[: _NAMED - 1]
    items = [
        {"anchor": slug(row["kpi_id"]), "name": called[row["kpi_id"]], "extra": ""} for row in shown
    ]
    for item, text in zip(items, extra, strict=False):
        item["extra"] = text
    more = f"{in_words(len(rows) - len(shown))} more" if len(rows) > len(shown) else ""
    return {"look": "", "sign": "negative", "reason": reason, "items": items, "more": more}


def _loose_ends(kpis: pd.DataFrame, actions: pd.DataFrame, terms: Terms) -> str:
    one, many = terms.word("kpi"), terms.word("kpi", 2)
    doubted, unrated = sum(map(in_doubt, rows_of(kpis))), int((kpis["rating"] == NOT_RATED).sum())
    late = int(kpis["lag_quarters"].gt(0).sum())
    overdue, running = int(actions["overdue"].sum()), int((actions["status"] == "open").sum())
    said = [
        f"{in_words(overdue)} of {plural(running, 'open action')} overdue" if overdue else "",
        plural(doubted, "figure in doubt", "figures in doubt") if doubted else "",
        plural(unrated, f"{one} not rated", f"{many} not rated") if unrated else "",
        plural(late, f"{one} reported in arrears", f"{many} reported in arrears") if late else "",
    ]
    text = listed([part for part in said if part])
    return f"{capitalised(text)}." if text else ""


def lowest_lines(kpis: pd.DataFrame, terms: Terms) -> dict[str, Row]:
    """The lowest line of each KPI that has one, below which it has the last band: a row of `terms.lines_of`."""
    lines = lines_of(kpis, terms)
    return {row["kpi_id"]: row for row in rows_of(lines[lines["lowest"]])}


def by_distance(rows: Rows, lowest: Mapping[str, Row]) -> Rows:
    """Rows by how far they miss their lowest line, as a share of it: the furthest first, those without one last."""

    def share(row: Row) -> float:
        line = lowest.get(row["kpi_id"])
        at = missed(row, line) if line else None
        return -abs(row["value"] - at) / abs(at) if at else 0.0

    return sorted(rows, key=share)


# Counts.


def tiles(
    kpis: pd.DataFrame, before: pd.DataFrame | None, terms: Terms, when: str
) -> list[dict[str, Any]]:
    """The counts of ratings and directions in large figures, each with the last report's and the change in words."""
    now = terms.counts(kpis)
    then = None if before is None else terms.counts(before)
    always = {band.name for band in terms.bands} | set(terms.states)
    found = []
    for name in (*terms.ratings, *terms.states):
        change = ""
        if then is not None:
            moved = now[name] - then[name]
            change = f"{then[name]} in {when}, {change_in_words(moved) if moved else 'no change'}"
        if name in always or now[name] or (then is not None and then[name]):
            look = "" if name in terms.states else terms.look(name)
            found.append(
                {
                    "name": name,
                    "label": _LABELS.get(name, capitalised(name)),
                    "count": now[name],
                    "change": change,
                    "look": look,
                    "first": name == terms.states[0],
                }
            )
    return found


def matrix(kpis: pd.DataFrame, sections: Sequence[str], terms: Terms) -> Html:
    """Sections × ratings and directions, with totals; what no KPI has has no column, but for bands and directions."""
    all_counts = terms.counts(kpis)
    always = {band.name for band in terms.bands} | set(terms.states)
    names = (*terms.ratings, *terms.states, "other")
    labels = _LABELS | {"other": "Not tested" if terms.arrow == TREND_ARROW else "Not compared"}
    heads = [
        {
            "name": name,
            "label": labels.get(name, capitalised(name)),
            "look": terms.look(name) if name in terms.ratings else "",
            "first": name == terms.states[0],
        }
        for name in names
        if name in always or all_counts[name]
    ]

    def counted(title: str, rows: pd.DataFrame) -> dict[str, Any]:
        found = terms.counts(rows)
        cells = [head | {"count": found[str(head["name"])]} for head in heads]
        return {"name": title, "anchor": slug(title), "all": len(rows), "cells": cells}

    many = capitalised(terms.word("kpi", 2))
    own = ((name, kpis[kpis["section"] == name]) for name in sections)
    return render(
        "matrix.html.j2",
        heads=heads,
        rows=[counted(name, rows) for name, rows in own if len(rows)],
        total=counted(f"All {terms.word('kpi', 2)}", kpis),
        many=many,
        word=capitalised(terms.word("section")),
    )


def where_sentence(kpis: pd.DataFrame, terms: Terms) -> str:
    """`Rated Red in six of eight sections`: what the matrix shows."""
    reds, sections = narrative.worst_of(kpis, terms), kpis["section"].nunique()
    worst, section_word = listed(terms.worst, "or"), terms.word("section")
    if reds.empty:
        return f"No {terms.word('kpi')} rated {worst} in any {section_word}"
    if sections == 1:
        return f"Rated {worst} in the one {section_word}"
    found = reds["section"].nunique()
    return f"Rated {worst} in {in_words(found)} of {in_words(sections)} {terms.word('section', 2)}"


def moved(kpis: pd.DataFrame, terms: Terms) -> list[dict[str, Any]]:
    """The KPIs whose rating changed, those to a better one first."""
    order = {name: place for place, name in enumerate(terms.ratings)}
    called = names(kpis, short=True)
    groups: dict[str, list[dict[str, Any]]] = {_BETTER: [], _WORSE: [], _LOOSE: []}
    for row in rows_of(movers(kpis)):
        old, new = row["previous_rating"], row["rating"]
        group = _BETTER if order.get(new, 0) < order.get(old, 0) else _WORSE
        group = _LOOSE if {old, new} & {NOT_RATED, MONITORED} else group
        groups[group].append(
            {
                "anchor": slug(row["kpi_id"]),
                "name": called[row["kpi_id"]],
                "figure": figure_of(row, bare=True),
                "doubted": in_doubt(row),
                "old": old,
                "new": new,
                "from": terms.look(old),
                "to": terms.look(new),
            }
        )
    return [{"title": title, "rows": rows} for title, rows in groups.items() if rows]


def counts_history(history: pd.DataFrame, terms: Terms) -> Html:
    """The ratings of the whole set in the last six reports as picture and table; nothing for one report alone."""
    shown = history.tail(6)
    if len(shown) < 2:
        return Html()
    frame = shown.assign(quarter=[short_title(label) for label in shown["quarter"]])
    frame = frame.rename(columns={"quarter": "Quarter"}).assign(
        **{terms.head("kpi", 2): shown.drop(columns="quarter").sum(axis=1)}
    )
    caption = f"{terms.head('kpi', 2)} by rating in the last reports, as printed then"
    table = report_table(
        frame, caption, name="history-table", wide=True, look="kpi-reports", quiet=True
    )
    picture = counts_chart(rows_of(shown), "history", terms.looks)
    return render("history.html.j2", picture=picture, table=table)


# How to read it.


def key(returns: Returns, kpis: pd.DataFrame) -> Html:
    """What the shapes, arrows, lines and marks mean: a line, and the rest of it folded."""
    terms = Terms(returns.council)
    ratings = [(band.name, terms.look(band.name), band.says or "") for band in terms.bands]
    ratings.append((NOT_RATED, "not-rated", ""))
    if MONITORED in set(kpis["rating"]):
        ratings.append((MONITORED, "monitored", "followed, with no rating"))
    return section(
        "How to read this report",
        render(
            "key.html.j2",
            ratings=ratings,
            directions=_directions(terms, returns.council.minimum_points),
            words=_lines(terms, kpis, len(returns.activity) > 0) + _marks(),
        ),
    )


def _directions(terms: Terms, minimum_points: int) -> list[tuple[str, str]]:
    good, same, bad = terms.states
    if terms.arrow != TREND_ARROW:
        against = AGAINST[terms.arrow]
        return [
            (good, f"Better than {against}"),
            (same, f"As {against}"),
            (bad, f"Worse than {against}"),
            (
                "not compared",
                "The figures add up over the year, or neither more nor less is better",
            ),
        ]
    by_chance = "over the figures shown, by more than chance explains"
    return [
        (good, f"Performance is improving {by_chance}"),
        (same, "No change that chance would not explain"),
        (bad, f"Performance is worsening {by_chance}"),
        (
            NOT_ENOUGH_DATA,
            f"Fewer than {in_words(minimum_points)} of the periods shown have a figure",
        ),
        (NOT_TESTABLE, "The figures add up over the year, or neither more nor less is better"),
    ]


def _lines(terms: Terms, kpis: pd.DataFrame, activity: bool) -> list[tuple[Any, str]]:
    dashes = {
        "target": ": a dashed line in the pictures",
        "floor_standard": ": a dotted line in the pictures",
    }
    said = {
        "target": "The level agreed for the period",
        "floor_standard": f"The level below which performance is {' or '.join(terms.worst)}",
    }
    lines: list[tuple[Any, str]] = [
        (
            terms.head(name),
            said.get(name, "A further level agreed for the period") + dashes.get(name, ""),
        )
        for name in terms.all_lines(kpis)
    ]
    if activity:
        lines.append(("Activity indicator", "Shows demand; it has an expected range and no rating"))
    return lines


def _marks() -> list[tuple[Any, str]]:
    return [
        (
            "Same quarter last year",
            "Figures are not adjusted for the season: compare with this one where a season matters",
        ),
        (
            figure_with_status("", ESTIMATED),
            "Not a final figure: estimated, provisional or read from a published chart",
        ),
        (
            figure_with_status("", ILLUSTRATIVE),
            "Invented to complete the picture; not a fact about any council",
        ),
        (
            "?",
            "In doubt: it looks like a fault of the data. It keeps its rating, and nothing is concluded from it",
        ),
    ]
