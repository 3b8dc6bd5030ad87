"""The quarter on one A4 page for e-mail: tables, every look inline, no picture, no script."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.page.drawing import COLOURS
from kpi_tools.page.facts import action_of, entry
from kpi_tools.page.html import render
from kpi_tools.page.summary import (
    by_distance,
    changed_ratings,
    getting_worse,
    lowest_lines,
    tiles,
)
from kpi_tools.rows import Row, Rows, rows_by, rows_of
from kpi_tools.scorecard import report_before
from kpi_tools.scorecard.actions import followed, without_action
from kpi_tools.terms import Terms, level_of, names
from kpi_tools.vocabulary import ILLUSTRATIVE, MONITORED, NOT_DUE, NOT_RATED
from kpi_tools.wording import capitalised, figure_of, in_words, listed, plural

MOST: Final = 10
"""So many KPIs of the worst band stand on the page; of more the furthest from their lines."""
_ROOM: Final = 690
"""Characters for all actions together, so that the page stays one A4."""
_SHORTEST, _LONGEST, _NAMED = 60, 140, 6
_SELDOM: Final = (NOT_RATED, MONITORED, NOT_DUE)
SHAPES: Final = {"green": "●", "amber": "▲", "red": "■", "blue": "⬟", "grey": "⬢"}
_INVENTED: Final = "What is marked illustrative is invented to complete the picture."
_ROLE = re.compile(r"^(Head of Service,|Head of|Director of|Assistant Director of) ")


def one_page(
    returns: Returns,
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    movement: pd.DataFrame,
    recent: pd.DataFrame,
    *,
    notices: Sequence[str] = (),
) -> str:
    """The page: counts, what changed, the worst with action and owner, doubt and gaps, next steps.
    `before`: the previous scorecard as printed; `notices`: what stands at its head (a draft,
    say)."""
    terms, quarter, title = Terms(returns.council), returns.quarter, returns.council.report_title
    then, last = None if before.empty else before, quarter.shift(-1)
    lowest, called = lowest_lines(kpis, terms), names(kpis, short=True)
    worst = by_distance(rows_of(narrative.worst_of(kpis, terms)), lowest)
    actions = followed(returns)
    running = rows_by(actions[(actions["status"] == "open") & actions["kpi_id"].notna()])
    reds = [
        _red(row, lowest.get(row["kpi_id"]), running.get(row["kpi_id"], []), terms)
        | {"name": called[row["kpi_id"]]}
        for row in worst[:MOST]
    ]
    roles = {found[0] if (found := _ROLE.match(red["owner"])) else "" for red in reds}
    acted = [red for red in reds if red["actions"] or red["action"]]
    without = set(without_action(kpis, returns)["kpi_id"])
    lacking = [called[row["kpi_id"]] for row in worst if row["kpi_id"] in without]
    invented = kpis["illustrative"].any() or (kpis["commentary_status"] == ILLUSTRATIVE).any()
    page = render(
        "onepage.html.j2",
        title=f"{title} on one page: {quarter.title}",
        council=returns.council.name,
        until=f"{quarter.end.day} {quarter.end:%B %Y}",
        notices=notices,
        sentences=(
            narrative.ratings_sentence(kpis, quarter, title, terms),
            narrative.change_sentence(movement, last, terms, first=not report_before(returns)),
        ),
        tiles=[
            tile
            for tile in tiles(kpis, then, terms, f"Q{last.number}")
            if tile["name"] != terms.states[1] and (tile["count"] or tile["name"] not in _SELDOM)
        ],
        colours=COLOURS,
        shapes=SHAPES,
        signs=dict(zip(terms.states, "↗→↘", strict=True)),
        changed=[
            (f"{group['title']}:", _some([_change(row) for row in group["rows"]], _NAMED - 1))
            for group in (changed_ratings(kpis, terms) if then is not None else ())
        ],
        reds=reds,
        short=short,
        number=len(worst),
        most=MOST,
        room=max(_SHORTEST, min(_LONGEST, _ROOM // max(len(reds), 1))),
        role=roles.pop() if len(roles) == 1 else "",
        all_invented=bool(acted) and all(red["invented"] for red in acted),
        lines=list(dict.fromkeys(red["line_word"] for red in reds if red["line_word"])),
        terms=terms,
        loose=_loose(kpis, called),
        steps=_steps(getting_worse(kpis, recent, returns), lacking, actions, terms, called),
        invented_note=_INVENTED if invented else "",
    )
    return str(page)


def _some(texts: list[str], most: int) -> str:
    """All texts, or the first and how many more: one more than `most` is not worth the words."""
    if len(texts) > most + 1:
        texts = [*texts[:most], f"and {in_words(len(texts) - most)} more"]
    return f"{'; '.join(texts)}."


def _change(row: Row) -> str:
    return f"{row['name']} ({row['old']} to {row['new']}, {row['figure']}{' ?' * row['doubted']})"


def _red(row: Row, line: Row | None, running: list[Row], terms: Terms) -> Row:
    displayed, actions = entry(row, terms), list(map(action_of, running))
    owners = dict.fromkeys(one["owner"] for one in actions if one["owner"])
    return displayed | {
        "line": level_of(row, line["edge"]) if line else "",
        "line_word": line["line"] if line else "",
        "line_invented": row["target_status"] == ILLUSTRATIVE,
        "actions": actions,
        "invented": not actions and displayed["commentary_status"] == ILLUSTRATIVE,
        "owner": listed(list(owners)) or displayed["owner"] or "",
    }


def short(text: str, room: int) -> str:
    """A text's beginning, to the end of its first sentence or of a word, in so many characters."""
    first = re.split(r"(?<=[.!?])\s", re.sub(r"[*_`#]", "", text).strip())[0]
    return textwrap.shorten(first.rstrip("."), room, placeholder=" …").replace(", …", " …")


def _loose(kpis: pd.DataFrame, called: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is doubtful, missing, behind or not due; `none` of what readers always ask for."""
    return [
        (f"{capitalised(how)}:", _some(narrative.named(rows, called, why) or ["none"], _NAMED))
        for how, rows, why in narrative.caveats(kpis)
        if len(rows) or how in ("in doubt", "not rated")
    ]


def _steps(
    worsening: Rows,
    lacking: list[str],
    actions: pd.DataFrame,
    terms: Terms,
    called: Mapping[str, str],
) -> list[str]:
    """What follows from the tables: actions to be given, actions overdue, what to watch."""
    steps = []
    if lacking:
        action, number = terms.head("management_action"), in_words(len(lacking))
        steps.append(f"{action} to be given ({number} lacking): {listed(lacking[:_NAMED])}.")
    if overdue := list(actions.loc[actions["overdue"], "action_id"]):
        steps.append(f"Overdue: {plural(len(overdue), 'action')} ({', '.join(overdue)}).")
    worse = []
    for row in (one for one in worsening if one["rating"] in terms.middle):
        displayed = entry(row, terms, called[row["kpi_id"]])
        level = f"{figure_of(row, bare=True)}; {displayed['lines'].rstrip('.')}"
        worse.append(f"{displayed['name']} ({level})")
    if worse:
        bands = listed(terms.middle, "or")
        steps.append(f"To watch: rated {bands} and getting worse: {'; '.join(worse[:_NAMED])}.")
    return steps or ["Nothing stands out beyond what is said above."]
