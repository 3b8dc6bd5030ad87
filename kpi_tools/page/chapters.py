"""The chapters of the report: each takes the scorecard and gives a piece of the page."""

from collections import Counter
from typing import Any

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.outlook import line_chances
from kpi_tools.page.cards import Context, activity_cards, cards, small_picture
from kpi_tools.page.chart_words import how_long
from kpi_tools.page.describe import outlooks, settings_of, short_title
from kpi_tools.page.facts import action_of, entry
from kpi_tools.page.html import Html, piece, render, section, slug
from kpi_tools.page.overviews import sparkline
from kpi_tools.page.summary import by_distance, lowest_lines
from kpi_tools.quarters import Quarter
from kpi_tools.rating import band_lines
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, rows_by, rows_of, text_of
from kpi_tools.scorecard import report_before, section_words
from kpi_tools.scorecard.actions import followed, in_report, without_action
from kpi_tools.scorecard.series import variation_and_assurance
from kpi_tools.terms import AGAINST, Terms, gap_of, level_of, lines_of, miss, missed, names
from kpi_tools.vocabulary import (
    FAILS,
    HIT_OR_MISS,
    ILLUSTRATIVE,
    PASSES,
    TREND_ARROW,
    UNTESTED,
)
from kpi_tools.wording import figure_of, in_words, line_of


def context_of(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Context:
    """What the cards show beside their figures: areas, months, targets, actions, outlooks."""
    terms, council = Terms(returns.council), returns.council
    return Context(
        terms,
        benchmarks=rows_by(returns.benchmarks),
        months=rows_by(returns.months),
        targets=rows_by(returns.targets),
        outlooks=outlooks(kpis, recent, returns),
        bands=rows_by(band_lines(recent, council.schemes)),
        breaks=_redefined(returns),
        rebases=rows_by(returns.rebases),
        dated=returns.annotations,
        actions=_open_actions(returns),
    )


def _redefined(returns: Returns) -> dict[str, Rows]:
    return rows_by(returns.changelog[returns.changelog["change"] == "redefined"])


def _open_actions(returns: Returns) -> dict[str, Rows]:
    actions = followed(returns)
    return rows_by(actions[(actions["status"] == "open") & actions["kpi_id"].notna()])


def opening(returns: Returns, kpis: pd.DataFrame, recent: pd.DataFrame) -> Html:
    """The notices at the report's top of what was left out and of what is illustrative."""
    return left_out(returns) + illustrative_banner(recent, returns.activity, Terms(returns.council))


def left_out(returns: Returns) -> Html:
    """The notice of refused rows and files, without which a report was made."""
    counts, catalogue = returns.counts, returns.catalogue
    sent = set(returns.rejected.get("kpi_id", pd.Series(dtype="str")).dropna())
    return render(
        "left_out.html.j2",
        rows=int(counts["rejected"].sum()),
        received=int(counts["rows_in"].sum()),
        files=int((counts["outcome"] == "refused").sum()),
        titles=list(catalogue.loc[catalogue["kpi_id"].isin(sent), "kpi_name"]),
        terms=Terms(returns.council),
    )


def illustrative_banner(recent: pd.DataFrame, activity: pd.DataFrame, terms: Terms) -> Html:
    """The notice at the top of a report that shows any invented figure."""
    columns = ("target_status", "kpi_status")
    lines, whole = (recent.loc[recent[c] == ILLUSTRATIVE, "kpi_id"].nunique() for c in columns)
    return render(
        "banner.html.j2",
        figures=int((recent["status"] == ILLUSTRATIVE).sum()),
        displayed=len(recent),
        lines=lines,
        whole=whole,
        activity=int((activity["status"] == ILLUSTRATIVE).sum()),
        terms=terms,
    )


# Every KPI.


def at_a_glance(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """Every KPI in one table by section: figure, lines, ratings, last figures, direction."""
    terms, council = Terms(returns.council), returns.council
    points, lines = rows_by(recent), terms.all_lines(kpis)
    if council.marks:
        kpis = kpis.join(variation_and_assurance(recent, returns), on="kpi_id")
    groups = []
    for name in council.sections:
        in_section = kpis[kpis["section"] == name]
        counted = terms.counts(in_section)
        rows = [
            (item := entry(row, terms))
            | {
                "spark": sparkline(points[item["id"]], f"spark-{slug(item['id'])}", terms.looks),
                "marks": piece("spc_marks", row) if council.marks else "",
                "unusual": _unusual(row) if council.marks else "",
            }
            for row in rows_of(in_section)
        ]
        if rows:
            counts = [(counted[name], name, terms.look(name)) for name in terms.ratings]
            groups.append({"title": name, "anchor": slug(name), "counts": counts, "rows": rows})
    expected = line_chances(recent, lines_of(kpis, terms), **settings_of(returns))
    page = render(
        "glance.html.j2",
        outlook=narrative.outlook_sentence(expected, kpis, terms),
        groups=groups,
        lines=lines,
        marked=council.marks,
        terms=terms,
    )
    return section("At a glance", page, anchor="executive-summary")


def _unusual(kpi: Row) -> str:
    """Variation and assurance in words, or why they cannot be told."""
    is_certain = kpi["assurance"] in (PASSES, FAILS, HIT_OR_MISS)
    words = [text_of(kpi["variation"]), kpi["assurance"] if is_certain else ""]
    return ", ".join(filter(None, words)) or "no figures"


def reds(kpis: pd.DataFrame, before: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """Every KPI in the worst band, the furthest first: an overview, then each with its action."""
    terms = Terms(returns.council)
    points, running = rows_by(recent), _open_actions(returns)
    worst = narrative.worst_of(kpis, terms)
    lowest = lowest_lines(worst, terms) if len(worst) else {}
    lines = band_lines(recent[recent["kpi_id"].isin(worst["kpi_id"])], returns.council.schemes)
    pictured = Context(terms, bands=rows_by(lines), breaks=_redefined(returns))
    entries = []
    for row in by_distance(rows_of(worst), lowest):
        name, series = row["kpi_id"], points[row["kpi_id"]]
        entries.append(
            entry(row, terms)
            | _red(row, series, lowest.get(name), terms)
            | {
                "red": f"red-{slug(name)}",
                "actions": [action_of(one) for one in running.get(name, [])],
                "picture": small_picture(series, f"red-{slug(name)}", pictured),
            }
        )
    then = None if before.empty or not report_before(returns) else before
    last = returns.quarter.shift(-1)
    actions, called = in_report(followed(returns)), names(kpis, short=True)
    acted = rows_of(kpis[kpis["kpi_id"].isin(actions["kpi_id"])])
    of = {row["kpi_id"]: entry(row, terms, called[row["kpi_id"]]) for row in acted}
    lacking = len(without_action(kpis, returns))
    page = render(
        "reds.html.j2",
        sentence=narrative.actions_sentence(kpis, then, terms, f"Quarter {last.number}", lacking),
        reds=entries,
        followed=[
            action_of(one) | {"section": one["section"], "kpi": of.get(one["kpi_id"])}
            for one in rows_of(actions)
        ],
        counted=_counted_actions(actions, last),
        kpi=terms.head("kpi"),
        terms=terms,
    )
    return section(f"{terms.head('kpi', 2)} {terms.rated_worst}", page)


def _counted_actions(actions: pd.DataFrame, last: Quarter) -> list[tuple[int, str]]:
    """Counts that add up: open at the last report, what became of them, new ones, open now."""
    became, overdue = Counter(actions["became"]), int(actions["overdue"].sum())
    fresh = became["new"] + became["opened again"]
    late = f", of which {in_words(overdue)} overdue" if overdue else ""
    counts = {
        f"open at {last.title}": len(actions) - fresh,
        "done since": became["done"],
        "stopped since": became["stopped"],
        "new": fresh,
        f"open now{late}": int((actions["status"] == "open").sum()),
    }
    always = (f"open at {last.title}", f"open now{late}")
    return [(count, what) for what, count in counts.items() if count or what in always]


def _red(row: Row, points: Rows, line: Row | None, terms: Terms) -> dict[str, Any]:
    """What a Red says beside its entry. `line`: its lowest, of `terms.lines_of`."""
    at, share, to_target = missed(row, line) if line else None, None, ""
    if at is not None and at > 0 and row["value"] >= 0 and not in_doubt(row):
        share = round(100 * row["value"] / at)
    if line and line["line"] != terms.word("target") and "target" in terms.lines(row):
        gap = gap_of(row, "target")
        to_target = f"{gap} the {terms.word('target')} of {line_of(row, 'target')}" if gap else ""
    known = [one for one in points if is_number(one["value"]) or is_text(one.get("milestone"))]
    each = [f"{short_title(one['quarter'])} {figure_of(one)} {one['rating']}" for one in known]
    return {
        "shapes": [terms.look(one["rating"]) for one in known],
        "text": ", ".join(each),
        "line": level_of(row, line["edge"] if at is None else at, bare=False) if line else "",
        "line_word": line["line"] if line else "",
        "plain": line is not None and line["plain"],
        "target_status": row["target_status"],
        "gap": miss(row, line),
        "to_target": to_target,
        "previous": figure_of(row, "previous_"),
        "previous_status": row["previous_status"] if is_number(row["previous_value"]) else None,
        "share": share,
        "long": f"{long}." if (long := how_long(points)) else "",
    }


# Section by section.


def sections(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> Html:
    """A chapter for each section: counts, commentary, a card for each KPI, activity indicators."""
    about, with_cards = section_words(returns, kpis), context_of(kpis, recent, returns)
    actions, terms = in_report(followed(returns)), Terms(returns.council)
    of_sections = rows_by(actions[actions["kpi_id"].isna()], "section")
    whole = Html()
    for name in returns.council.sections:
        in_section = kpis[kpis["section"] == name]
        activity = activity_cards(returns.activity, name, returns.quarter)
        if in_section.empty and not activity:
            continue
        words = render(
            "section.html.j2",
            sentence=narrative.section_sentence(in_section, terms) if len(in_section) else "",
            commentary=rows_of(about[about["section"] == name]),
            actions=[action_of(one) for one in of_sections.get(name, [])],
            terms=terms,
        )
        whole += section(name, words) + cards(in_section, recent, with_cards) + activity
    return whole


def method(returns: Returns, kpis: pd.DataFrame, recent: pd.DataFrame) -> Html:
    """How ratings, arrows and outlook are made; what was received, and what is missing."""
    before = returns.quarter.shift(-1)
    received = render(
        "received.html.j2",
        sentences=narrative.data_sentences(kpis, recent, returns.quarter, Terms(returns.council)),
        before=before.title,
        compared=report_before(returns),
    )
    return section("Method and data", how_rated(returns, kpis), received)


def how_rated(returns: Returns, kpis: pd.DataFrame) -> Html:
    """How ratings, arrows, changes and outlook are made, with the council's settings and terms."""
    council, terms = returns.council, Terms(returns.council)
    tested = int((~kpis["direction_of_travel"].isin(UNTESTED)).sum())
    return render(
        "method.html.j2",
        lines=[terms.word(name) for name in terms.all_lines(kpis)],
        trend=TREND_ARROW in council.arrows,
        level=f"{100 * council.significance:g}%",
        least=council.minimum_points,
        tested=tested,
        chance=round(council.significance * tested),
        rolling=(kpis["basis"] == "rolling_12_months").any(),
        counted=AGAINST.get(terms.arrow) if TREND_ARROW in council.arrows else None,
        against=[AGAINST[name] for name in council.arrows if name in AGAINST],
        terms=terms,
    )
