"""The chapters of the report: each takes the scorecard and gives a piece of the page, in JupyterLab as on paper."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.narrative import KENT_TERMS
from kpi_tools.outlook import line_chances, predictions
from kpi_tools.page.activity import activity_cards
from kpi_tools.page.cards import Beside, cards, small_picture
from kpi_tools.page.describe import outlooks, short_title
from kpi_tools.page.facts import action_of, first_line
from kpi_tools.page.html import (
    Html,
    bullets,
    figure_with_status,
    paragraphs,
    render,
    section,
    slug,
    subheading,
)
from kpi_tools.page.marks import assurance_marks
from kpi_tools.page.overviews import share_bars, sparkline
from kpi_tools.page.summary import by_distance, lowest_lines
from kpi_tools.quarters import Quarter
from kpi_tools.rating import band_lines
from kpi_tools.scorecard import first_report, followed, in_report, section_words, without_action
from kpi_tools.scorecard.series import variation_and_assurance
from kpi_tools.terms import Terms, level_of, lines_of, miss, missed, names
from kpi_tools.vocabulary import FAILS, HIT_OR_MISS, ILLUSTRATIVE, NOT_RATED, PASSES
from kpi_tools.wording import (
    Row,
    Rows,
    capitalised,
    figure_of,
    gap_of,
    in_doubt,
    in_words,
    is_number,
    is_text,
    line_of,
    listed,
    parts_of,
    plural,
    rows_by,
    rows_of,
    text_of,
)


def beside(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Beside:
    """What the cards show beside their figures: other areas, months, targets, actions, outlooks; terms and colours."""
    terms = Terms(returns.council)
    return Beside(
        terms,
        benchmarks=rows_by(returns.benchmarks),
        months=rows_by(returns.months),
        targets=rows_by(returns.targets),
        outlooks=outlooks(kpis, recent, returns, terms),
        form=returns.council.chart_form,
        bands=rows_by(band_lines(recent, returns.council.schemes)),
        ahead=rows_by(
            predictions(
                recent,
                significance=returns.council.significance,
                minimum_points=returns.council.minimum_points,
            )
        ),
        breaks=rows_by(returns.changelog[returns.changelog["change"] == "redefined"]),
        headline=returns.council.headline,
        dated=returns.annotations,
        actions=_open_actions(returns),
    )


def _open_actions(returns: Returns) -> dict[str, Rows]:
    actions = followed(returns)
    return rows_by(actions[(actions["status"] == "open") & actions["kpi_id"].notna()])


def opening(returns: Returns, kpis: pd.DataFrame, recent: pd.DataFrame) -> Html:
    """The notices at the report's top of what was left out and of what is illustrative; nothing where nothing is."""
    return left_out(returns) + illustrative_banner(recent, returns.activity, Terms(returns.council))


def left_out(returns: Returns) -> Html:
    """The notice of refused rows and files, without which a report was made; nothing where there are none."""
    rows = int(returns.counts["rejected"].sum())
    files = int((returns.counts["outcome"] == "refused").sum())
    said = []
    if rows:
        sent = set(returns.rejected.get("kpi_id", pd.Series(dtype="str")).dropna())
        titles = returns.catalogue.loc[returns.catalogue["kpi_id"].isin(sent), "kpi_name"]
        terms = Terms(returns.council)
        of_kpis = f", of these {terms.word('kpi', 2)}: {'; '.join(titles)}" if len(titles) else ""
        said.append(
            f"{rows:,} of {returns.counts['rows_in'].sum():,} rows received {'is' if rows == 1 else 'are'} rejected{of_kpis}."
        )
    if files:
        said.append(f"{capitalised(plural(files, 'file'))} could not be read at all.")
    return render("left_out.html.j2", said=" ".join(said)) if said else Html()


def illustrative_banner(
    recent: pd.DataFrame, activity: pd.DataFrame | None = None, terms: Terms = KENT_TERMS
) -> Html:
    """The notice at the top of a report that shows any invented figure; nothing for one that shows none."""
    figures = int((recent["status"] == ILLUSTRATIVE).sum())
    lines = recent.loc[recent["target_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    whole = recent.loc[recent["kpi_status"] == ILLUSTRATIVE, "kpi_id"].nunique()
    of_activity = 0 if activity is None else int((activity["status"] == ILLUSTRATIVE).sum())
    invented = [
        f"{figures} of the {len(recent)} figures of its {terms.word('kpi', 2)}" if figures else "",
        f"the {terms.word('target', 2)} of {terms.kpis(lines)}" if lines else "",
        f"the whole of {terms.kpis(whole)}" if whole else "",
        plural(of_activity, "activity figure") if of_activity else "",
    ]
    found = [text for text in invented if text]
    return render("banner.html.j2", invented=listed(found)) if found else Html()


# Every KPI.


def at_a_glance(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """Every KPI in one table by section: figure, lines, rating and the one before, its last figures, direction."""
    terms, council = Terms(returns.council), returns.council
    points, called = rows_by(recent), names(kpis)
    lines = terms.all_lines(kpis)
    if council.marks:
        kpis = kpis.join(variation_and_assurance(recent, returns), on="kpi_id")
    groups = []
    for name in council.sections:
        own = kpis[kpis["section"] == name]
        counted = terms.counts(own)
        counts = [
            {"count": counted[rating], "name": rating, "look": terms.look(rating)}
            for rating in terms.ratings
            if counted[rating]
        ]
        rows = [
            _in_a_row(row, points[row["kpi_id"]], called, terms)
            | {
                "spark": sparkline(
                    points[row["kpi_id"]], f"spark-{slug(row['kpi_id'])}", terms.looks
                ),
                "line": first_line(row, terms),
                "mark": row["status"] if row["status"] == ILLUSTRATIVE else None,
                "parts": parts_of(row),
                "marks": assurance_marks(row) if council.marks else "",
                "unusual": _unusual(row) if council.marks else "",
                "levels": [
                    line_of(row, line, bare=True) if line in terms.lines(row) else ""
                    for line in lines
                ],
                "first": not is_text(row["previous_rating"]),
                "changed": row["previous_rating"] != row["rating"],
            }
            for row in rows_of(own)
        ]
        if rows:
            groups.append({"title": name, "anchor": slug(name), "counts": counts, "rows": rows})
    expected = line_chances(
        recent,
        lines_of(kpis, terms),
        significance=council.significance,
        minimum_points=council.minimum_points,
    )
    texts = [
        narrative.outlook_sentence(expected, kpis, terms),
        narrative.worsening_sentence(kpis, terms),
    ]
    heads = [terms.head(name) for name in lines]
    called_here = {
        "kpi": terms.head("kpi"),
        "one": terms.word("kpi"),
        "section": terms.word("section"),
    }
    table = render(
        "glance.html.j2", groups=groups, lines=heads, marked=council.marks, **called_here
    )
    if council.marks:
        texts.append(_MARKS.format(terms.word("target")))
    said = paragraphs(*filter(None, texts))
    moved = paragraphs(narrative.movers_sentence(kpis, terms)) + bullets(narrative.moves(kpis))
    return section("At a glance", said, table, moved, anchor="executive-summary")


_MARKS = (
    "Variation: improvement and concern are more than the usual variation of a series would explain, common cause is not. "
    "Where the {0} lies beyond that variation a series consistently passes or fails, where it lies within, it is hit or miss."
)


def _unusual(kpi: Row) -> str:
    """Variation and assurance in words, or why they cannot be told."""
    is_certain = kpi["assurance"] in (PASSES, FAILS, HIT_OR_MISS)
    words = [text_of(kpi["variation"]), kpi["assurance"] if is_certain else ""]
    return ", ".join(filter(None, words)) or "no figures"


def _in_a_row(row: Row, points: Rows, called: Mapping[str, str], terms: Terms) -> dict[str, Any]:
    """What every list of KPIs says of one: name, figure, rating, the last ratings as shapes, arrow."""
    shown = [
        point for point in points if is_number(point["value"]) or is_text(point.get("milestone"))
    ]
    each = [
        f"{short_title(point['quarter'])} {figure_of(point)} {point['rating']}" for point in shown
    ]
    return {
        "anchor": slug(row["kpi_id"]),
        "id": row["kpi_id"],
        "name": called[row["kpi_id"]].removesuffix(f" ({row['kpi_id']})"),
        "figure": figure_of(row),
        "doubted": in_doubt(row),
        "rating": row["rating"],
        "look": terms.look(row["rating"]),
        "direction": terms.arrow_of(row),
        "shapes": [terms.look(point["rating"]) for point in shown],
        "text": ", ".join(each),
    }


def reds(kpis: pd.DataFrame, before: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """Every KPI in the worst band: an overview, then each with its words and action, the furthest from its line first."""
    terms = Terms(returns.council)
    points, called = rows_by(recent), names(kpis)
    running, worst = _open_actions(returns), narrative.worst_of(kpis, terms)
    lowest = lowest_lines(worst, terms) if len(worst) else {}
    lines = band_lines(recent[recent["kpi_id"].isin(worst["kpi_id"])], returns.council.schemes)
    breaks = rows_by(returns.changelog[returns.changelog["change"] == "redefined"])
    form = returns.council.chart_form
    pictured = Beside(terms, form=form, bands=rows_by(lines), breaks=breaks)
    entries = [
        _in_a_row(row, points[row["kpi_id"]], called, terms)
        | _red(row, points[row["kpi_id"]], lowest.get(row["kpi_id"]), terms)
        | {
            "actions": [action_of(one) for one in running.get(row["kpi_id"], [])],
            "picture": small_picture(points[row["kpi_id"]], f"red-{slug(row['kpi_id'])}", pictured),
        }
        for row in by_distance(rows_of(worst), lowest)
    ]
    named = {f"share-{red['anchor']}": red for red in entries if red["share"] is not None}
    bars = share_bars(
        {name: red["share"] for name, red in named.items()},
        {name: red["look"] for name, red in named.items()},
    )
    for red in entries:
        red["bar"] = bars.get(f"share-{red['anchor']}")
    then = None if before.empty or first_report(returns) else before
    last = returns.quarter.shift(-1)
    lacking = len(without_action(kpis, returns))
    said = narrative.actions_sentence(kpis, then, f"Quarter {last.number}", lacking, terms)
    actions = in_report(followed(returns))
    pieces = render(
        "reds.html.j2",
        reds=entries,
        followed=[_followed(one, kpis, terms) for one in rows_of(actions)],
        counted=_counted_actions(actions, last),
        kpi=terms.head("kpi"),
        action=terms.head("management_action"),
    )
    return section(f"{terms.head('kpi', 2)} {terms.rated_worst}", paragraphs(said), pieces)


def _followed(action: Row, kpis: pd.DataFrame, terms: Terms) -> dict[str, Any]:
    """An action with the KPI that it is for, and how that is rated now and was before."""
    called = names(kpis, short=True)
    shown = action_of(action) | {"name": action["section"], "anchor": "", "rating": ""}
    row = next((row for row in rows_of(kpis) if row["kpi_id"] == action["kpi_id"]), None)
    if row is None:
        return shown
    old, new = text_of(row["previous_rating"]) or NOT_RATED, row["rating"]
    return shown | {
        "name": called[row["kpi_id"]],
        "anchor": slug(row["kpi_id"]),
        "rating": new,
        "turn": new if old == new else f"{old} to {new}",
        "look": terms.look(new),
        "was_look": terms.look(old),
    }


def _counted_actions(actions: pd.DataFrame, last: Quarter) -> list[tuple[int, str]]:
    """Counts that add up: how many were open at the last report, what became of them, what is new, how many are open."""
    became = actions["became"].value_counts()
    fresh = int(became.get("new", 0) + became.get("opened again", 0))
    running, overdue = int((actions["status"] == "open").sum()), int(actions["overdue"].sum())
    counts = [
        (len(actions) - fresh, f"open at {last.title}"),
        (int(became.get("done", 0)), "done since"),
        (int(became.get("stopped", 0)), "stopped since"),
        (fresh, "new"),
        (running, f"open now, of which {in_words(overdue)} overdue" if overdue else "open now"),
    ]
    return [
        (number, what) for place, (number, what) in enumerate(counts) if number or place in (0, 4)
    ]


def _red(row: Row, points: Rows, line: Row | None, terms: Terms) -> dict[str, Any]:
    """`line`: its lowest, of `terms.lines_of`."""
    at = missed(row, line) if line else None
    to_target = gap_of(row, "target") if line and line["line"] != terms.word("target") else None
    return {
        "section": row["section"],
        "status": row["status"],
        "line": level_of(row, at or line["edge"], bare=False) if line else "",
        "line_word": line["line"] if line else "",
        "target_status": row["target_status"],
        "gap": miss(row, line),
        "to_target": f"{to_target} the {terms.word('target')} of {line_of(row, 'target')}"
        if to_target
        else "",
        "previous": figure_of(row, "previous_"),
        "previous_status": row["previous_status"] if is_number(row["previous_value"]) else None,
        "previous_rating": text_of(row["previous_rating"]),
        "share": _share(row, at),
        "long": how_long(points, terms),
        "commentary": text_of(row["commentary"]),
        "action": text_of(row["management_action"]),
        "commentary_status": row["commentary_status"],
    }


def how_long(points: Rows, terms: Terms) -> str:
    """`Red for three figures`; for all that are shown `six or more`."""
    last, run = points[-1]["rating"], 0
    while run < len(points) and points[-1 - run]["rating"] == last:
        run += 1
    if run == 1:
        known = any(point["rating"] != NOT_RATED for point in points[:-1])
        return f"New to {last}." if known else ""
    return f"{last} for {in_words(run)}{' or more' if run == len(points) else ''} figures."


def _share(row: Row, line: float | None) -> int | None:
    """The figure as a whole per cent of the line that it misses; nothing where such a share means nothing."""
    if line is None or line <= 0 or row["value"] < 0 or in_doubt(row):
        return None
    return round(100 * row["value"] / line)


def sections(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """A chapter for each section in the council's order: counts, commentary, a card for each KPI, activity indicators."""
    about, with_cards = section_words(returns, kpis), beside(kpis, recent, returns)
    actions = in_report(followed(returns))
    of_sections = rows_by(actions[actions["kpi_id"].isna()], "section")
    whole = Html()
    for name in returns.council.sections:
        own = kpis[kpis["section"] == name]
        activity = activity_cards(returns.activity, name, returns.quarter)
        if own.empty and not activity:
            continue
        said = about[about["section"] == name]
        marked = [
            figure_with_status(*row) for row in zip(said["commentary"], said["status"], strict=True)
        ]
        words = [narrative.section_sentence(own, with_cards.terms)] if len(own) else []
        none = f"No commentary on the {with_cards.terms.word('section')} has been given."
        running = [_in_a_line(one, with_cards.terms) for one in of_sections.get(name, [])]
        whole += section(name, *words, paragraphs(*(marked or [Html(none)]), *running))
        whole += cards(own, recent, with_cards)
        whole += subheading("Activity indicators") + activity if activity else Html()
    return whole


def _in_a_line(action: Row, terms: Terms) -> str:
    """An action of a whole section: what, by whom, by when, and how it stands."""
    shown = action_of(action)
    opened = f", opened in {shown['since']}" if shown["since"] else ""
    parts = [
        f"{terms.head('management_action')} {shown['id']}: {shown['text'].rstrip('.')}",
        f"Owner: {shown['owner']}" if shown["owner"] else "",
        f"Due {shown['due']}" if shown["due"] else "",
        f"{shown['state'].capitalize()}{opened}",
        (shown["note"] or "").rstrip("."),
    ]
    return f"{'. '.join(filter(None, parts))}."


def method(returns: Returns, kpis: pd.DataFrame, recent: pd.DataFrame) -> Html:
    """How ratings, arrows and outlook are made; what was received, what is missing or not final, what cannot be rated."""
    said = narrative.method_sentences(returns, kpis)
    said += narrative.data_sentences(kpis, recent, returns.quarter, Terms(returns.council))
    rows = returns.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
    said.append(
        f"The tables read for this report hold {rows['rows_in']:,} rows: {rows['accepted']:,} accepted, "
        f"{rows['rejected']:,} rejected and {rows['blank']:,} blank."
    )
    before = returns.quarter.shift(-1)
    if before.label not in set(returns.submissions["received"]):
        said.append(
            f"No returns of {before.title} are held here: its counts are worked out from figures received with this report."
        )
    return section("Method and data", paragraphs(*said))
