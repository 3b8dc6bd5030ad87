"""The views of one KPI: what is drawn, and what it says in words.

On screen and on paper (`history`) the same marks and sentences are used. Whatever cannot be drawn
is said in words: too few figures, none, no variation, no benchmarks.
"""

from typing import NamedTuple

import pandas as pd

from kpi_tools import vocabulary
from kpi_tools.explorer.charts import (
    SIZES,
    Picture,
    area_picture,
    limit_picture,
    season_picture,
    trend_picture,
)
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.explorer.reasons import centre_of, if_today, sentences_of
from kpi_tools.explorer.sentences import directions, doubts_in_words
from kpi_tools.kinds import AUTO, DAYS_BETWEEN, PERIODS_BETWEEN, XMR
from kpi_tools.page.cards import area_notes, latest_areas
from kpi_tools.page.chart_words import chart_text, note_in_words, notes_on
from kpi_tools.page.describe import is_rolling, leaving_quarters, month_alone, to_reach
from kpi_tools.page.overviews import peers_chart
from kpi_tools.quarters import Quarter
from kpi_tools.rebases import RUN
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, rows_of
from kpi_tools.wording import (
    amount,
    capitalised,
    figure_of,
    line_of,
    listed,
    parts_of,
    period_of,
)

CAUSES = {
    vocabulary.COMMON_CAUSE: "Within usual variation",
    vocabulary.IMPROVEMENT: "Unusual: improvement",
    vocabulary.CONCERN: "Unusual: concern",
    vocabulary.NEUTRAL: "Unusual",
}
VIEWS = {
    "trend": "Trend",
    "limits": "Usual range",
    "season": "Same quarter",
    "areas": "Other areas",
}

_EACH = {
    "months": "month",
    "weeks": "week",
    "days": "day",
    DAYS_BETWEEN: "time between events",
    PERIODS_BETWEEN: "period with a case",
}
Size = tuple[float, float]
_NO_GAP = 1e-6
_MARKS = {
    "green": "●",
    "amber": "▲",
    "red": "■",
    "blue": "⬟",
    "grey": "⬢",
    "unrated": "–",
    "month": "◆",
    "expected": "▬",
    vocabulary.COMMON_CAUSE: "●",
    vocabulary.IMPROVEMENT: "■",
    vocabulary.CONCERN: "◆",
    vocabulary.NEUTRAL: "▲",
    "pale": "◍",
    "hollow": "○",
}
_LEGEND = {
    "unrated": vocabulary.NOT_RATED,
    "month": "A single month",
    "expected": "Expected, with its 95% interval",
    **CAUSES,
    "pale": "Pale: not final, or read from a published chart",
    "hollow": "Hollow: illustrative, not a fact",
}


class View(NamedTuple):
    """One view of one KPI: its picture, its description, the notes below."""

    picture: Picture
    description: str
    notes: list[str]


def view(name: str, known: Evidence, kpi_id: str, size: str = "PAGE") -> View:
    """The view `name` (one of VIEWS) of a KPI, drawn in one of `charts.SIZES`."""
    makers = {"trend": _trend, "limits": _limits, "season": _season, "areas": _areas}
    picture, words, notes = makers[name](known, kpi_id, SIZES[size])
    notes = [note for note in (*notes, *picture.happened) if note]
    return View(picture, f"{words} {' '.join(notes)}".strip(), notes)


def legend(known: Evidence, kpi_id: str, picture: Picture) -> list[dict[str, str]]:
    """What the looks in a picture mean, each with its `kind`, `mark` and `text`."""
    there = picture.looks()
    if len(known.of("doubts", kpi_id)):  # of which nothing is concluded
        there -= set(CAUSES)
    given = set(known.of("quarters", kpi_id)["rating"])
    ratings = [(colour, name) for name, colour in known.terms.looks.items() if name in given]
    return [
        {
            "kind": "not-rated" if look == "unrated" else look.replace(" ", "-"),
            "mark": _MARKS[look],
            "text": text,
        }
        for look, text in (*ratings, *_LEGEND.items())
        if look in there
    ]


def _trend(known: Evidence, kpi_id: str, size: Size) -> View:
    kpi, place = known.kpi(kpi_id), _place(known.kpi(kpi_id))
    months, terms = known.single_months(kpi_id), known.terms
    notes = []
    if len(months):
        notes.append(f"{month_alone(months.iloc[-1], *place)} {_covers(kpi, terms.word('kpi'))}")
    if known.of("doubts", kpi_id).empty:
        notes.append(known.outlook_in_words(kpi_id))
        if is_rolling(kpi) and is_text(parts_of(kpi)):
            leaving = leaving_quarters(rows_of(known.of("alone", kpi_id)))
            notes += to_reach(kpi, rows_of(known.of("lines", kpi_id)), leaving)
    words = chart_text(rows_of(known.of("quarters", kpi_id)), "Line", terms.line_words)
    notes += directions(known, kpi_id)
    return View(trend_picture(known, kpi_id, size), words, notes)


def _limits(known: Evidence, kpi_id: str, size: Size) -> View:
    kpi, points = known.kpi(kpi_id), known.of("points", kpi_id)
    dated, terms = notes_on(known.returns.annotations, kpi), known.terms
    picture = limit_picture(points, terms, dated, size)
    last = rows_of(points)[-1]
    target = {"target": terms.word("target")}
    words = chart_text(rows_of(points), "Line", target, _EACH.get(last["series"], ""))
    if doubt := doubts_in_words(known, kpi_id):
        return View(picture, words, [doubt])
    flagged = points[points["special_cause"].notna() & (points["period"] != last["period"])]
    changes, began = known.of("changelog", kpi_id), run_began(rows_of(points))
    meaning = vocabulary.LIMIT_MEANINGS.get(last["limits"])
    near: Row | None = None
    if began:
        day = began["period_end"]
        near = min(dated, key=lambda one: abs(pd.Timestamp(one["date"]) - day), default=None)
    unlike = last["chart"] != XMR or known.returns.council.chart_kind == AUTO
    days = last["series"] == DAYS_BETWEEN
    notes = sentences_of(
        "explorer_limits.txt.j2",
        kpi=kpi,
        terms=terms,
        last=last,
        many=len(points),
        kind=known.chart(kpi_id).why if unlike else "",
        today=if_today(last, known.returns.quarter.end) if days else "",
        meaning=f"{capitalised(meaning)}." if meaning else "",
        line=f"{terms.word('target')} of {line_of(last, 'target')}",
        flagged=[period_of(row) for row in rows_of(flagged.tail(6))],
        rebases=rows_of(known.of("rebases", kpi_id)),
        redefined=rows_of(changes[changes["change"] == "redefined"]),
        title=lambda label: Quarter.parse(label).title,
        began=began,
        centre=centre_of(last),
        nearest=note_in_words(near) if near else "",
        invented=int((points["status"] == vocabulary.ILLUSTRATIVE).sum()),
    )
    return View(picture, words, notes)


def run_began(points: Rows) -> Row | None:
    """Since which of a series' classified points seven figures or more lie on one side, where the
    baseline is older: a new one may be worth agreeing."""
    last = points[-1]
    run = abs(int(last["run"])) if is_number(last["run"]) else 0
    begin = len(points) - run
    inside = begin > 0 and points[begin - 1]["baseline"] == last["baseline"]
    return points[begin] if run >= RUN and inside else None


def _season(known: Evidence, kpi_id: str, size: Size) -> View:
    kpi, quarters = known.kpi(kpi_id), known.of("quarters", kpi_id)
    number = Quarter.parse(kpi["quarter"]).number
    same = [row for row in rows_of(quarters) if Quarter.parse(row["quarter"]).number == number]
    figures = [f"{figure_of(row)} in {Quarter.parse(row['quarter']).year_title}" for row in same]
    notes = ["No figures have been received."]
    if figures:
        notes = [f"Quarter {number} over the years: {listed(figures)}."]
    if kpi["basis"] == "rolling_12_months":
        notes.append(
            "Each figure covers twelve months, so that seasons cancel out: a difference here is "
            "a change."
        )
    if len(same) < 2:
        notes.append("The same quarter of an earlier year is not known.")
    return View(season_picture(quarters, size), "", notes)


def _areas(known: Evidence, kpi_id: str, size: Size) -> View:
    kpi, rows = known.kpi(kpi_id), known.of("benchmarks", kpi_id)
    measured, quarters = rows[rows["value"].notna()], rows_of(known.of("quarters", kpi_id))
    picture = area_picture(rows, quarters, kpi, size)
    if measured.empty:
        one = known.terms.word("kpi")
        return View(picture, "", [f"There are no figures of other areas for this {one}."])
    areas = rows_of(measured)
    notes = [f"Our latest: {figure_of(kpi)} ({period_of(kpi)})."]
    notes += area_notes(kpi, latest_areas(areas)) + _beside_england(kpi, areas, quarters)
    groups = dict.fromkeys(row["group"] for row in areas if is_text(row.get("group")))
    for group in groups or [""]:
        if peers := peers_chart(quarters, areas, group, "peers"):
            notes.append(peers.text)
    sources = {str(text).rstrip("."): None for text in measured["source"] if is_text(text)}
    notes.append(f"Source: {'; '.join(sources)}." if sources else "")
    return View(picture, "", notes)


def _beside_england(kpi: Row, areas: Rows, quarters: Rows) -> list[str]:
    """`Ours is 33 points below England in 2023.`, of the same period where it is known."""
    last = [row for row in areas if row["period"] == areas[-1]["period"]]
    then = [row for row in quarters if row["quarter"] == areas[-1]["quarter"]]
    same = [row for row in then if is_number(row["value"])]
    ours, when = kpi, f" in {Quarter.parse(kpi['quarter']).title}"
    if same:
        ours, when = same[-1], ""
    found = []
    for row in (one for one in last if one["area"] == vocabulary.ENGLAND):
        if is_number(ours["value"]) and not in_doubt(ours):
            gap = ours["value"] - row["value"]
            side = "above" if gap > 0 else "below"
            far = f"{amount(gap, *_place(kpi))} {side}" if abs(gap) > _NO_GAP else "level with"
            found.append(f"Ours{when} is {far} {vocabulary.ENGLAND} in {row['period']}.")
    return found


def _place(kpi: Row) -> tuple[str, int]:
    return kpi["unit"], int(kpi["decimals"])


def _covers(kpi: Row, one: str) -> str:
    if kpi["basis"] != "rolling_12_months":
        return ""
    counted = f" ({parts})" if (parts := parts_of(kpi)) else ""
    return f"The {one}'s own figure covers twelve months: {figure_of(kpi)}{counted}."
