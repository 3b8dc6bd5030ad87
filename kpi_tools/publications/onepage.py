"""The quarter on one A4 page for e-mail: tables, every look inline, no picture, no script."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.page.drawing import COLOURS
from kpi_tools.page.facts import action_of
from kpi_tools.page.html import render
from kpi_tools.page.summary import by_distance, changed_ratings, lowest_lines, tiles
from kpi_tools.scorecard import report_before
from kpi_tools.scorecard.actions import followed
from kpi_tools.terms import Terms, level_of, names
from kpi_tools.vocabulary import ILLUSTRATIVE, MONITORED, NOT_DUE, NOT_RATED, STABLE
from kpi_tools.wording import (
    Row,
    capitalised,
    figure_of,
    in_doubt,
    in_words,
    line_of,
    listed,
    rows_by,
    rows_of,
    text_of,
)

MOST: Final = 10
"""So many KPIs of the worst band stand on the page; of more the furthest from their lines."""
_ROOM: Final = 690
"""Characters for all actions together, so that the page stays one A4."""
_SHORTEST, _LONGEST, _NAMED = 60, 140, 6
_SELDOM: Final = (NOT_RATED, MONITORED, NOT_DUE)
SHAPES: Final = {"green": "●", "amber": "▲", "red": "■", "blue": "⬟", "grey": "⬢"}
_ARROWS: Final = ("↗", "→", "↘")
_INVENTED: Final = "What is marked illustrative is invented to complete the picture."
_MONTH = re.compile(r"([A-Z][a-z]{2})[a-z]+")
_ROLE = re.compile(r"^(Head of Service,|Head of|Director of|Assistant Director of) ")


def one_page(
    returns: Returns,
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    movement: pd.DataFrame,
    *,
    notices: Sequence[str] = (),
) -> str:
    """The page: counts, what changed, the worst with action and owner, doubt and gaps, next steps.
    `before`: the previous scorecard as printed; `notices`: what stands at its head (a draft,
    say)."""
    terms, quarter, title = Terms(returns.council), returns.quarter, returns.council.report_title
    then, last = None if before.empty else before, quarter.shift(-1)
    lowest = lowest_lines(kpis, terms)
    worst = by_distance(rows_of(narrative.worst_of(kpis, terms)), lowest)
    actions = followed(returns)
    running = rows_by(actions[(actions["status"] == "open") & actions["kpi_id"].notna()])
    room = max(_SHORTEST, min(_LONGEST, _ROOM // max(len(worst[:MOST]), 1)))
    called = names(kpis, short=True)
    reds = [
        _red(row, lowest.get(row["kpi_id"]), running.get(row["kpi_id"], []), terms, room)
        | {"name": called[row["kpi_id"]]}
        for row in worst[:MOST]
    ]
    roles = {found[0] if (found := _ROLE.match(red["owner"])) else "" for red in reds}
    lines = list(dict.fromkeys(red["line_word"] for red in reds if red["line_word"]))
    alike = len(lines) == 1
    counted = [
        _tile(tile, terms)
        for tile in tiles(kpis, then, terms, f"Q{last.number}")
        if tile["name"] != terms.states[1] and (tile["count"] or tile["name"] not in _SELDOM)
    ]
    acted = {row["kpi_id"] for row in worst if text_of(row["management_action"])} | set(running)
    lacking = [called[row["kpi_id"]] for row in worst if row["kpi_id"] not in acted]
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
        tiles=counted,
        changed=[
            (f"{group['title']}:", _some([_change(row) for row in group["rows"]], _NAMED - 1))
            for group in (changed_ratings(kpis, terms) if then is not None else ())
        ],
        reds=reds,
        role=roles.pop() if len(roles) == 1 else "",
        all_invented={one["invented"] for red in reds for one in red["actions"]} == {True},
        line_head=capitalised(lines[0]) if alike else "Line",
        terms=terms,
        alike=alike,
        head=_head(len(worst), terms),
        followed=any(red["due"] for red in reds),
        loose=_loose(kpis, called),
        steps=_steps(kpis, lacking, actions, terms, called),
        invented_note=_INVENTED if invented else "",
    )
    return str(page)


def _tile(tile: Row, terms: Terms) -> Row:
    colour = COLOURS.get(tile["look"])
    states = dict(zip(terms.states, _ARROWS, strict=True))
    return tile | {
        "edge": colour.badge if colour else "#12355b",
        "ink": colour.badge if colour and tile["look"] != "amber" else "#0b0c0c",
        "sign": SHAPES.get(tile["look"]) or states.get(tile["name"], "◌"),
    }


def _some(texts: list[str], most: int) -> str:
    """All texts, or the first and how many more: one more than `most` is not worth the words."""
    if len(texts) > most + 1:
        texts = [*texts[:most], f"and {in_words(len(texts) - most)} more"]
    return f"{'; '.join(texts)}."


def _change(row: Row) -> str:
    return f"{row['name']} ({row['old']} to {row['new']}, {row['figure']}{' ?' * row['doubted']})"


def _head(number: int, terms: Terms) -> str:
    if not number:
        return f"No {terms.word('kpi')} is {terms.rated_worst}"
    some = f"{terms.kpis(number)} {terms.rated_worst}"
    if number > MOST:
        some = f"{in_words(MOST)} furthest from their lines of the {some}"
    return f"The {some}, and what is done{', furthest first' if 1 < number <= MOST else ''}"


def _red(row: Row, line: Row | None, actions: list[Row], terms: Terms, room: int) -> Row:
    given, words = list(map(action_of, actions)), text_of(row["management_action"])
    texts = [(one["text"], one["id"], False) for one in given]
    if words and not given:
        texts = [(words, "", row["commentary_status"] == ILLUSTRATIVE)]
    owners = dict.fromkeys(one["owner"] for one in given if one["owner"])
    arrow = terms.arrow_of(row)
    return {
        "id": row["kpi_id"],
        "figure": figure_of(row),
        "doubted": in_doubt(row),
        "invented": row["status"] == ILLUSTRATIVE,
        "line": level_of(row, line["edge"]) if line else "",
        "line_word": line["line"] if line else "",
        "line_invented": row["target_status"] == ILLUSTRATIVE,
        "arrow": dict(zip(terms.states, _ARROWS, strict=True)).get(arrow, ""),
        "direction": "Stable" if arrow == STABLE else capitalised(arrow),
        "actions": [
            {"text": short(text, room), "id": name, "invented": invented}
            for text, name, invented in texts
        ],
        "owner": listed(list(owners)) or text_of(row["owner"]) or "",
        "due": [(_MONTH.sub(r"\1", one["due"] or ""), one["state"]) for one in given],
    }


def short(text: str, room: int) -> str:
    """A text's beginning, to the end of a sentence, a clause or a word, in so many characters."""
    text = re.sub(r"[*_`#]", "", " ".join(text.split()))
    first = re.split(r"(?<=[.!?]) ", text)[0]
    if len(first) <= room:
        return first.rstrip(".")
    cut = first[: room - 1]
    clause = max(cut.rfind(mark) for mark in (", ", "; ", ": "))
    end = clause if clause > room // 2 else cut.rfind(" ")
    return f"{cut[: end if end > 0 else room].rstrip(',;: ')} …"


def _loose(kpis: pd.DataFrame, called: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is doubtful, missing, behind or not due; `none` of what readers always ask for."""
    doubted = pd.Series([in_doubt(row) for row in rows_of(kpis)], kpis.index, dtype=bool)
    asked = (
        ("? In doubt:", doubted, "doubt"),
        ("Not rated:", kpis["rating"] == NOT_RATED, "not_rated_reason"),
        ("Reported in arrears:", kpis["lag_quarters"] > 0, ""),
        ("Not due in this quarter, the last figure stands:", ~kpis["is_due"].astype(bool), ""),
    )
    found = []
    for head, wanted, why in asked:
        texts = [
            called[row["kpi_id"]]
            + (f" ({row[why].rstrip('.')})" if why and text_of(row[why]) else "")
            for row in rows_of(kpis[wanted])
        ]
        if texts or why:
            found.append((head, _some(texts or ["none"], _NAMED)))
    return found


def _steps(
    kpis: pd.DataFrame,
    lacking: list[str],
    actions: pd.DataFrame,
    terms: Terms,
    called: Mapping[str, str],
) -> list[str]:
    """What follows from the tables: actions to be given, actions overdue, what to watch."""
    steps = []
    if lacking:
        action, number = capitalised(terms.word("management_action")), in_words(len(lacking))
        steps.append(f"{action} to be given ({number} lacking): {listed(lacking[:_NAMED])}.")
    if overdue := list(actions.loc[actions["overdue"], "action_id"]):
        are = "action is" if len(overdue) == 1 else "actions are"
        number = capitalised(in_words(len(overdue)))
        steps.append(f"{number} {are} overdue ({', '.join(overdue)}).")
    worse = []
    for row in rows_of(kpis[kpis["rating"].isin(terms.middle)]):
        if terms.arrow_of(row) == terms.states[2] and not in_doubt(row):
            lines = [f"{terms.word(n)} {line_of(row, n, bare=True)}" for n in terms.lines(row)]
            figure = figure_of(row, bare=True)
            worse.append(f"{called[row['kpi_id']]} ({figure}; {', '.join(lines)})")
    if worse:
        bands = listed(terms.middle, "or")
        steps.append(f"To watch: rated {bands} and getting worse: {'; '.join(worse[:_NAMED])}.")
    return steps or ["Nothing stands out beyond what is said above."]
