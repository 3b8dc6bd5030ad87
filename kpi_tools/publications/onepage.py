"""The quarter on one A4 page for e-mail: tables for layout, every look inline, no picture, no script."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from kpi_tools import narrative
from kpi_tools.loading import Returns
from kpi_tools.page.drawing import COLOURS
from kpi_tools.page.facts import action_of
from kpi_tools.page.html import render
from kpi_tools.page.summary import by_distance, lowest_lines, moved, tiles
from kpi_tools.scorecard import first_report, followed
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
"""So many of the KPIs in the worst band stand on the page; of more the furthest from their lines, and how many there are."""
_ROOM: Final = 850
"""Characters for all actions together, so that the page stays one A4."""
_SHORTEST, _LONGEST, _NAMED = 60, 140, 6
_SELDOM: Final = (NOT_RATED, MONITORED, NOT_DUE)
SHAPES: Final = {"green": "●", "amber": "▲", "red": "■", "blue": "⬟", "grey": "⬢"}
_ARROWS: Final = ("↗", "→", "↘")
_ROLE = re.compile(r"^(Head of Service,|Head of|Director of|Assistant Director of) ")


def one_page(
    returns: Returns,
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    movement: pd.DataFrame,
    *,
    notices: tuple[str, ...] = (),
) -> str:
    """The page as text: counts, what changed, the worst with action and owner, doubtful and missing, next steps.

    Args:
        returns: What is known at the report.
        kpis: Its scorecard.
        before: That of the previous report as it was printed.
        movement: The counts of both (`scorecard.movement`).
        notices: What stands at its head, such as that it is a draft.
    """
    terms = Terms(returns.council)
    quarter = returns.quarter
    then = None if before.empty else before
    last = quarter.shift(-1)
    lowest = lowest_lines(kpis, terms)
    worst = by_distance(rows_of(narrative.worst_of(kpis, terms)), lowest)
    actions = followed(returns)
    running = rows_by(actions[(actions["status"] == "open") & actions["kpi_id"].notna()])
    room = max(_SHORTEST, min(_LONGEST, _ROOM // max(len(worst[:MOST]), 1)))
    reds = [
        _red(row, lowest.get(row["kpi_id"]), running.get(row["kpi_id"], []), kpis, terms, room)
        for row in worst[:MOST]
    ]
    roles = {found[0] if (found := _ROLE.match(red["owner"])) else "" for red in reds}
    role = roles.pop() if len(roles) == 1 else ""
    marks = {one["invented"] for red in reds for one in red["actions"]}
    all_invented = marks == {True}
    return str(
        render(
            "onepage.html.j2",
            title=f"{returns.council.report_title} on one page: {quarter.title}",
            council=returns.council.name,
            until=f"{quarter.end.day} {quarter.end:%B %Y}",
            notices=notices,
            said=(
                narrative.ratings_sentence(kpis, quarter, returns.council.report_title, terms),
                narrative.change_sentence(movement, last, terms, first=first_report(returns)),
            ),
            tiles=[
                _tile(tile, terms)
                for tile in tiles(kpis, then, terms, f"Q{last.number}")
                if tile["name"] != terms.states[1]
                and (tile["count"] or tile["name"] not in _SELDOM)
            ],
            changed=[_change(group) for group in (moved(kpis, terms) if then is not None else [])],
            reds=reds,
            role=role,
            all_invented=all_invented,
            heads=[
                terms.head("kpi"),
                terms.head("floor_standard"),
                terms.head("management_action"),
            ],
            head=_head(len(worst), terms),
            followed=any(red["due"] for red in reds),
            loose=_loose(kpis, terms),
            steps=_steps(kpis, worst, actions, running, terms),
            invented_note=_invented(kpis),
        ).markup
    )


def _tile(tile: Row, terms: Terms) -> dict[str, Any]:
    colour = COLOURS.get(tile["look"])
    states = dict(zip(terms.states, _ARROWS, strict=True))
    return tile | {
        "edge": colour.badge if colour else "#12355b",
        "ink": colour.badge if colour and tile["look"] != "amber" else "#0b0c0c",
        "sign": SHAPES.get(tile["look"]) or states.get(tile["name"], "◌"),
    }


def _change(group: Row) -> tuple[str, str]:
    texts = [
        f"{row['name']} ({row['old']} to {row['new']}, {row['figure']}{' ?' * row['doubted']})"
        for row in group["rows"]
    ]
    shown = texts if len(texts) <= _NAMED else texts[: _NAMED - 1]
    more = f"; and {in_words(len(texts) - len(shown))} more" if len(texts) > len(shown) else ""
    return f"{group['title']}:", f"{'; '.join(shown)}{more}."


def _head(number: int, terms: Terms) -> str:
    if not number:
        return f"No {terms.word('kpi')} is {terms.rated_worst}"
    some = f"The {terms.kpis(number)} {terms.rated_worst}"
    if number > MOST:
        some = f"The {in_words(MOST)} furthest from their lines of the {terms.kpis(number)} {terms.rated_worst}"
    return f"{some}, and what is done{', furthest first' if 1 < number <= MOST else ''}"


def _red(
    row: Row, line: Row | None, actions: list[Row], kpis: pd.DataFrame, terms: Terms, room: int
) -> dict[str, Any]:
    given = [action_of(action) for action in actions]
    own = text_of(row["management_action"])
    invented = row["commentary_status"] == ILLUSTRATIVE
    said = [{"text": short(one["text"], room), "id": one["id"], "invented": False} for one in given]
    if own and not given:
        said = [{"text": short(own, room), "id": "", "invented": invented}]
    state = dict(zip(terms.states, _ARROWS, strict=True))
    arrow = terms.arrow_of(row)
    return {
        "name": names(kpis, short=True)[row["kpi_id"]],
        "id": row["kpi_id"],
        "figure": figure_of(row),
        "doubted": in_doubt(row),
        "invented": row["status"] == ILLUSTRATIVE,
        "line": level_of(row, line["edge"]) if line else "",
        "line_word": line["line"] if line else "",
        "line_invented": row["target_status"] == ILLUSTRATIVE,
        "arrow": state.get(arrow, ""),
        "direction": "Stable" if arrow == STABLE else capitalised(arrow),
        "actions": said,
        "owner": listed(list(dict.fromkeys(one["owner"] for one in given if one["owner"])))
        or text_of(row["owner"])
        or "",
        "due": [(_brief(one["due"]), one["state"]) for one in given],
    }


def _brief(day: str | None) -> str:
    """`31 Dec 2025`."""
    return re.sub(r"([A-Z][a-z]{2})[a-z]+", r"\1", day or "")


def short(text: str, room: int) -> str:
    """A text's beginning, to the end of a sentence, a clause or a word, in at most so many characters."""
    text = re.sub(r"[*_`#]", "", " ".join(text.split()))
    first = re.split(r"(?<=[.!?]) ", text)[0]
    if len(first) <= room:
        return first.rstrip(".")
    cut = first[: room - 1]
    clause = max(cut.rfind(mark) for mark in (", ", "; ", ": "))
    end = clause if clause > room // 2 else cut.rfind(" ")
    return f"{cut[: end if end > 0 else room].rstrip(',;: ')} …"


def _loose(kpis: pd.DataFrame, terms: Terms) -> list[tuple[str, str]]:
    """What is doubtful, missing, behind or not due, each by name; `none` of what readers always ask for."""
    called = names(kpis, short=True)

    def some(rows: pd.DataFrame, why: str = "") -> str:
        each = [
            called[row["kpi_id"]] + (f" ({row[why]})" if why and text_of(row[why]) else "")
            for row in rows_of(rows)
        ]
        shown = each[:_NAMED]
        more = f"; and {in_words(len(each) - len(shown))} more" if len(each) > len(shown) else ""
        return f"{'; '.join(shown)}{more}." if each else "none."

    doubted = kpis[[in_doubt(row) for row in rows_of(kpis)]]
    late, unrated = kpis[kpis["lag_quarters"] > 0], kpis[kpis["rating"] == NOT_RATED]
    standing = kpis[~kpis["is_due"].astype(bool)]
    found = [
        ("? In doubt:", some(doubted, "doubt")),
        ("Not rated:", some(unrated, "not_rated_reason")),
    ]
    found += [("Reported in arrears:", some(late))] if len(late) else []
    found += (
        [("Not due in this quarter, the last figure stands:", some(standing))]
        if len(standing)
        else []
    )
    return found


def _steps(
    kpis: pd.DataFrame,
    worst: list[Row],
    actions: pd.DataFrame,
    running: Mapping[str, list[Row]],
    terms: Terms,
) -> list[str]:
    """What follows from the tables: actions to be given, actions overdue, what to watch."""
    called, action = names(kpis, short=True), terms.word("management_action")
    lacking = [
        row
        for row in worst
        if not text_of(row["management_action"]) and row["kpi_id"] not in running
    ]
    steps = []
    if lacking:
        whose = listed([called[row["kpi_id"]] for row in lacking[:_NAMED]])
        steps.append(
            f"{capitalised(action)} to be given ({in_words(len(lacking))} lacking): {whose}."
        )
    if overdue := rows_of(actions[actions["overdue"]]):
        ids = ", ".join(row["action_id"] for row in overdue)
        is_one = len(overdue) == 1
        steps.append(
            f"{capitalised(in_words(len(overdue)))} {'action is' if is_one else 'actions are'} overdue ({ids})."
        )
    worse = [
        row
        for row in rows_of(kpis)
        if row["rating"] in terms.middle
        and terms.arrow_of(row) == terms.states[2]
        and not in_doubt(row)
    ]
    if worse:
        each = [
            f"{called[row['kpi_id']]} ({figure_of(row, bare=True)}; "
            + ", ".join(f"{terms.word(n)} {line_of(row, n, bare=True)}" for n in terms.lines(row))
            + ")"
            for row in worse[:_NAMED]
        ]
        steps.append(
            f"To watch: rated {listed(terms.middle, 'or')} and getting worse: {'; '.join(each)}."
        )
    return steps or ["Nothing stands out beyond what is said above."]


def _invented(kpis: pd.DataFrame) -> str:
    if not kpis["illustrative"].any() and not (kpis["commentary_status"] == ILLUSTRATIVE).any():
        return ""
    return "What is marked illustrative is invented to complete the picture."
