"""What a card says of its KPI's figures in a few words: its first line, the strip of facts, older data, an action."""

from typing import Any

import pandas as pd

from kpi_tools.page.describe import SELDOM, arrears
from kpi_tools.quarters import Quarter
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import CARRIED_FORWARD, HIGHER, MONITORED, NOT_RATED, STATUSES_WITH_VALUE
from kpi_tools.wording import (
    Row,
    distance,
    figure_of,
    gap_of,
    in_doubt,
    is_number,
    is_text,
    line_of,
    parts_of,
    rounded,
    show,
    text_of,
    unit_words,
)


def first_line(kpi: Row, terms: Terms) -> dict[str, Any]:
    """What a folded card says beside rating and arrow: `94% target 90%, floor standard 85%. Was Amber.`"""
    lines = [f"{terms.word(n)} {line_of(kpi, n, bare=True)}" for n in terms.lines(kpi)]
    was = text_of(kpi["previous_rating"])
    shown = was if was and was not in (NOT_RATED, MONITORED) else None
    return {
        "figure": figure_of(kpi),
        "doubted": in_doubt(kpi),
        "lines": f"{', '.join(lines)}." if lines else "",
        "was": shown,
        "look": terms.look(shown or NOT_RATED),
    }


def facts(kpi: Row, terms: Terms) -> list[dict[str, Any]]:
    """The strip: latest, lines, previous with its rating, same quarter last year or next due, data period."""
    words = unit_words(kpi["unit"])
    strip = [
        fact(
            "Latest",
            figure_of(kpi, bare=True),
            kpi["status"],
            small=parts_of(kpi) or _above(kpi, terms),
            unit=words,
        )
    ]
    strip[0]["doubted"] = in_doubt(kpi)
    for name in terms.lines(kpi):
        small = None if in_doubt(kpi) else gap_of(kpi, name, bare=True)
        line = line_of(kpi, name, bare=True)
        strip.append(fact(terms.head(name), line, kpi["target_status"], small=small, unit=words))
    if is_number(kpi.get("year_target")) and not is_number(kpi["target"]):
        year = line_of(kpi, "year_target", bare=True)
        strip.append(
            fact(f"{terms.head('target')} for the year", year, kpi["target_status"], unit=words)
        )
    if is_number(kpi["previous_value"]) or is_text(kpi["previous_status"]):
        rating = (
            None if kpi["rating"] == MONITORED else text_of(kpi["previous_rating"]) or NOT_RATED
        )
        strip.append(
            fact(
                "Previous",
                figure_of(kpi, "previous_", bare=True),
                kpi["previous_status"],
                small=_when(kpi, "previous_"),
                unit=words,
            )
        )
        strip[-1] |= {
            "rating": rating,
            "look": terms.look(rating or NOT_RATED),
            "doubted": kpi.get("previous_doubt_state") in ("open", "let pass"),
        }
    if kpi.get("is_due") is False and is_text(kpi.get("next_due")):
        strip.append(
            fact(
                "Next due",
                Quarter.parse(kpi["next_due"]).title,
                None,
                small="not due in this quarter",
            )
        )
    elif is_number(kpi["year_ago_value"]) and kpi["frequency"] not in ("annual", "biennial"):
        period = "period" if kpi["frequency"] in SELDOM else "quarter"
        small = _since_then(kpi) or _when(kpi, "year_ago_")
        figure, given = figure_of(kpi, "year_ago_", bare=True), kpi.get("year_ago_status")
        strip.append(fact(f"Same {period} last year", figure, given, small=small, unit=words))
    status = f"{kpi['status']} figure" if kpi["status"] in STATUSES_WITH_VALUE else kpi["status"]
    return [*strip, fact("Data period", kpi["period"], None, small=status)]


def fact(
    label: str, value: str, status: Any, *, small: str | None = None, unit: str = ""
) -> dict[str, Any]:
    figure = any(letter.isdigit() for letter in value)
    return {
        "label": label,
        "value": value,
        "status": status if figure and status in STATUSES_WITH_VALUE else None,
        "small": small,
        "unit": unit if figure else "",
        "none": not figure,
        "rating": None,
        "look": "",
        "doubted": False,
    }


def _above(kpi: Row, terms: Terms) -> str | None:
    """How far the latest figure is on the good side of its target."""
    if (
        in_doubt(kpi)
        or kpi["polarity"] not in (HIGHER, "lower")
        or not is_number(kpi["value"])
        or not is_number(kpi["target"])
    ):
        return None
    if kpi["value"] == kpi["target"]:
        return f"exactly on {terms.word('target')}"
    better = (kpi["value"] > kpi["target"]) == (kpi["polarity"] == HIGHER)
    side = "above" if kpi["value"] > kpi["target"] else "below"
    return f"{distance(kpi, 'target', bare=True)} {side} {terms.word('target')}" if better else None


def _since_then(kpi: Row) -> str | None:
    """`3 points higher now`; nothing for a figure in doubt or across a redefinition."""
    if in_doubt(kpi) or not is_number(kpi["value"]) or kpi.get("year_ago_comparable") is False:
        return None
    unit, change = (
        "points" if kpi["unit"] == "%" else kpi["unit"],
        kpi["value"] - kpi["year_ago_value"],
    )
    if not rounded(abs(change), int(kpi["decimals"])).strip("0.,"):
        return "now the same"
    size = show(abs(change), unit, int(kpi["decimals"]), bare=unit != "points")
    return f"{size} {'higher' if change > 0 else 'lower'} now"


def _when(kpi: Row, of: str) -> str | None:
    return text_of(kpi.get(f"{of}period"))


def flag(kpi: Row) -> str | None:
    """That the rating rests on data older than the report, or carried forward; nothing where it does not."""
    if kpi["status"] == CARRIED_FORWARD:
        return "Older data: the latest figure is carried forward from an earlier period."
    if not kpi["lag_quarters"]:
        return None
    return f"Older data: reported {arrears(kpi)}, so the latest figure is for {Quarter.parse(kpi['quarter']).title}."


def action_of(action: Row) -> dict[str, Any]:
    """A followed action as it is shown: its text, owner, due date, how it stands and since when."""
    state = "overdue" if action["overdue"] else action["status"]
    return {
        "id": action["action_id"],
        "text": action["action"],
        "owner": text_of(action["owner"]),
        "due": _day(action["due"]),
        "was_due": _day(action["previous_due"]),
        "state": "new" if state == "open" and action["became"] == "new" else state,
        "since": Quarter.parse(action["opened"]).title if is_text(action["opened"]) else None,
        "note": text_of(action["note"]),
    }


def _day(text: Any) -> str | None:
    day = pd.to_datetime(text, errors="coerce")
    return None if pd.isna(day) else f"{day.day} {day:%B %Y}"
