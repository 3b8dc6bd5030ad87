"""The chapters of the report: each takes the scorecard and gives a piece of the page, in JupyterLab as on paper."""

from itertools import chain

import pandas as pd
from markupsafe import Markup

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.page import change_chapter, descriptions, tables
from kpi_tools.page.activity_cards import activity_cards, activity_charts
from kpi_tools.page.cards import cards, kpi_charts
from kpi_tools.page.html import Html, bullets, paragraphs, section, slug, subheading
from kpi_tools.page.notices import illustrative_banner, left_out
from kpi_tools.page.outlook_words import outlook_sentence, outlooks
from kpi_tools.page.reds import red_list
from kpi_tools.page.summary import counts_history, matrix, scoreboard, side_by_side
from kpi_tools.page.svg import Drawings, drawn
from kpi_tools.scorecard import counts, rating_history, section_words
from kpi_tools.vocabulary import ILLUSTRATIVE, RED
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import show_against, show_line, signed

_ROWS = {"kpis": "KPIs", "other": "Direction not tested"}


def opening(returns: Returns, kpis: pd.DataFrame, recent: pd.DataFrame) -> Html:
    """The notices at the report's top of what was left out and of what is illustrative; nothing where nothing is."""
    return left_out(returns) + illustrative_banner(recent, returns.activity)


def for_the_minutes(
    kpis: pd.DataFrame, before: pd.DataFrame, movement: pd.DataFrame, returns: Returns
) -> Html:
    """The paragraph for the minutes, the change in the counts plainly and like for like, and the Reds by name."""
    return paragraphs(
        narrative.headline(kpis, before, returns.quarter, returns.council.report_title),
        narrative.change_sentence(movement, returns.quarter.shift(-1)),
        narrative.reds_sentence(kpis),
    ) + bullets(kpis.loc[kpis["rating"] == RED, "kpi_name"])


def summary(
    kpis: pd.DataFrame, before: pd.DataFrame, recent: pd.DataFrame, returns: Returns
) -> Html:
    """On one screen: counts in large figures, what to expect, sections × ratings and directions, the last reports."""
    then = counts(before)
    names = [name for name in returns.council.sections if name in set(kpis["section"])]
    counted = rating_history(returns, kpis, before)
    return (
        scoreboard(kpis, then)
        + paragraphs(outlook_sentence(kpis, recent, returns), narrative.worsening_sentence(kpis))
        + side_by_side(matrix(kpis, names, then), counts_history(counted))
    )


def at_a_glance(kpis: pd.DataFrame) -> Html:
    """Every KPI in one table: latest figure, target, rating, previous rating, direction; each name leads to its card."""
    rows = [
        {
            "KPI": Html(
                Markup('<a href="#kpi-{}">{}</a>').format(slug(row["kpi_id"]), row["kpi_name"])
            ),
            "Latest": tables.figure_with_status(
                show_against(
                    row["value"],
                    row["unit"],
                    row["decimals"],
                    (row["target"], row["floor_standard"]),
                ),
                row["status"] if row["status"] == ILLUSTRATIVE else None,
            ),
            "Target": show_line(row["target"], row["unit"], row["decimals"]),
            "Rating": tables.badge(row["rating"]),
            "Previous rating": tables.badge(row["previous_rating"]),
            "Direction of travel": tables.arrow(row["direction_of_travel"]),
        }
        for row in rows_of(kpis)
    ]
    return (
        subheading("Every KPI at a glance")
        + paragraphs(narrative.movers_sentence(kpis))
        + bullets(narrative.moves(kpis))
        + tables.report_table(
            pd.DataFrame(rows),
            "Every KPI: latest figure, target, this and the previous rating, direction of travel",
            name="glance",
            look="kpi-glance",
            wide=True,
            quiet=True,
        )
    )


def reds(kpis: pd.DataFrame) -> Html:
    """Every Red KPI with its figures and management action."""
    return paragraphs(narrative.actions_sentence(kpis)) + red_list(kpis)


def charts(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Drawings:
    """The charts of all cards, begun: in a report they are drawn while the chapters before are made."""
    return drawn(
        chain(
            kpi_charts(kpis, recent, descriptions.chart_description, returns.benchmarks),
            activity_charts(returns.activity, descriptions.activity_description),
        )
    )


def sections(
    kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns, drawings: Drawings | None = None
) -> Html:
    """A chapter for each section in the council's order: counts, commentary, a card for each KPI, activity indicators.

    `drawings`: the cards' charts, as `charts` begins them.
    """
    drawings = drawings or charts(kpis, recent, returns)
    about, ahead = section_words(returns, kpis), outlooks(kpis, recent, returns)
    whole = Html()
    for name in returns.council.sections:
        own = kpis[kpis["section"] == name]
        activity = activity_cards(
            returns.activity, name, descriptions.activity_description, returns.quarter, drawings
        )
        if own.empty and not str(activity):
            continue
        words = [narrative.section_sentence(own)] if len(own) else []
        said = about[about["section"] == name]
        marked = [
            tables.figure_with_status(*row)
            for row in zip(said["commentary"], said["status"], strict=True)
        ]
        marked = marked or [Html("No commentary on the section has been given.")]
        whole += section(name, *words, paragraphs(*marked))
        whole += cards(
            own, recent, name, descriptions.chart_description, returns.benchmarks, returns.months,
            outlooks=ahead, targets=returns.targets, charts=drawings,
        )  # fmt: skip
        whole += subheading("Activity indicators") + activity if str(activity) else Html()
    return whole


def changes(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    same: pd.DataFrame,
    movement: pd.DataFrame,
    returns: Returns,
) -> Html:
    """What changed since the previous report: KPIs that came and went, ratings, counts, figures published before."""
    names = movement.rename(columns={
        "count": "Count", "now": "This report", "previous": "Previous report", "change": "Change",
        "same_now": "Same KPIs, now", "same_previous": "Same KPIs, previous quarter", "same_change": "Change like for like",
    })  # fmt: skip
    names["Count"] = [_ROWS.get(count, count[0].upper() + count[1:]) for count in names["Count"]]
    for column in ("Change", "Change like for like"):
        names[column] = [signed(change) for change in names[column]]
    caption = "Counts in this and the previous report, plainly and on the same KPIs"
    table = tables.report_table(
        names, caption, name="movement", wide=True, quiet=True, numbers=True
    )
    return (
        change_chapter.set_table(kpis, before, returns)
        + change_chapter.moved_ratings(kpis, same)
        + subheading("Counts, plainly and like for like")
        + table
        + change_chapter.counts_table(kpis, before, same)
        + change_chapter.restated_figures(returns, before, same)
    )


def data_notes(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """Where the figures come from: what was received, what is missing or not final, and what cannot be rated, by name."""
    said = narrative.data_sentences(kpis, recent, returns.quarter)
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
    return paragraphs(*said)
