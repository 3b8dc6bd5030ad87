"""What a report says of a KPI in a few words, formatted once: its entry, the strip, an action."""

from typing import Any

import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.page.describe import SELDOM
from kpi_tools.page.html import Html, badge, figure_with_status, slug
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, in_doubt, is_number, is_text, text_of
from kpi_tools.terms import Terms, gap_of
from kpi_tools.wording import distance, figure_of, line_of, parts_of, unit_words


def entry(kpi: Row, terms: Terms, name: str = "") -> dict[str, Any]:
    """What card, glance, Reds and lists say of a KPI, its row of the scorecard, in texts."""
    was = text_of(kpi["previous_rating"])
    levels = {line: line_of(kpi, line, bare=True) for line in terms.lines(kpi)}
    lines = ", ".join(f"{terms.word(line)} {level}" for line, level in levels.items())
    return {
        "id": kpi["kpi_id"],
        "anchor": f"kpi-{slug(kpi['kpi_id'])}",
        "name": name or kpi["kpi_name"],
        "section": kpi["section"],
        "figure": figure_of(kpi),
        "parts": parts_of(kpi),
        "doubted": in_doubt(kpi),
        "status": kpi["status"],
        "rating": kpi["rating"],
        "look": terms.look(kpi["rating"]),
        "was": was,
        "was_look": terms.look(was or words.NOT_RATED),
        "was_rated": was not in (None, words.NOT_RATED, words.MONITORED),
        "direction": terms.arrow_of(kpi),
        "levels": levels,
        "lines": f"{lines}." if lines else "",
        "definition": text_of(kpi["definition"]),
        "owner": text_of(kpi.get("owner")),
        "commentary": text_of(kpi["commentary"]),
        "action": text_of(kpi["management_action"]),
        "commentary_status": text_of(kpi["commentary_status"]),
    }


def facts(kpi: Row, terms: Terms) -> list[dict[str, Any]]:
    """The strip: latest, lines, previous with its rating, a year ago or next due, data period."""
    doubted, unit, small = in_doubt(kpi), unit_words(kpi["unit"]), parts_of(kpi)
    strip = [figure_fact("Latest", kpi, "", small or _above(kpi, terms)) | {"doubted": doubted}]
    for name in terms.lines(kpi):
        gap = None if doubted else gap_of(kpi, name, bare=True)
        line = line_of(kpi, name, bare=True)
        strip.append(fact(terms.head(name), line, kpi["target_status"], gap, unit))
    if is_number(kpi.get("year_target")) and not is_number(kpi["target"]):
        year, head = line_of(kpi, "year_target", bare=True), f"{terms.head('target')} for the year"
        strip.append(fact(head, year, kpi["target_status"], unit=unit))
    if kpi.get("kind") == words.MILESTONE and (day := _day(kpi["due"])):
        strip.append(fact("Due", day, None))
    if is_number(kpi["previous_value"]) or is_text(kpi["previous_status"]):
        rating = text_of(kpi["previous_rating"]) or words.NOT_RATED
        strip.append(
            figure_fact("Previous", kpi, "previous_", text_of(kpi.get("previous_period")))
            | {
                "rating": None if kpi["rating"] == words.MONITORED else rating,
                "look": terms.look(rating),
                "doubted": in_doubt({"doubt_state": kpi.get("previous_doubt_state")}),
            }
        )
    if kpi.get("is_due") is False and is_text(kpi.get("next_due")):
        due = Quarter.parse(kpi["next_due"]).title
        strip.append(fact("Next due", due, None, "not due in this quarter"))
    elif is_number(kpi["year_ago_value"]) and kpi["frequency"] not in words.IN_YEARS:
        head = f"Same {'period' if kpi['frequency'] in SELDOM else 'quarter'} last year"
        strip.append(figure_fact(head, kpi, "year_ago_", text_of(kpi.get("year_ago_period"))))
    status = (
        f"{kpi['status']} figure" if kpi["status"] in words.STATUSES_WITH_VALUE else kpi["status"]
    )
    return [*strip, fact("Data period", kpi["period"], None, status)]


def figure_fact(label: str, kpi: Row, of: str = "", small: str | None = "") -> dict[str, Any]:
    """An entry of the strip for a figure; `of`: the start of its columns' names."""
    figure, status = figure_of(kpi, of, bare=True), kpi.get(f"{of}status")
    found = fact(label, figure, status, small, unit_words(kpi["unit"]))
    milestone = is_text(kpi.get(f"{of}milestone"))  # a status of its own, in place of a figure
    return found | {"status": status, "none": False} if milestone else found


def fact(label: str, value: str, status: Any, small: str | None = None, unit: str = "") -> Row:
    """An entry of the strip; words in place of a figure have neither unit nor status."""
    known = any(map(str.isdigit, value))
    return {
        "label": label,
        "value": value,
        "status": status if known and status in words.STATUSES_WITH_VALUE else None,
        "small": small,
        "unit": unit if known else "",
        "none": not known,
        "rating": None,
        "doubted": False,
    }


def figure_cell(row: Row, *, bare: bool = False) -> Html:
    """A row's figure for a table, with the mark of a doubt, and its status where it has a value."""
    known = is_number(row["value"]) or is_text(row.get("milestone"))
    figure = figure_of(row, bare=bare) + " ?" * in_doubt(row)
    return figure_with_status(figure, row["status"] if known else None)


def rating_cell(row: Row, terms: Terms) -> Html:
    """A row's rating for a table, as a coloured word with the mark of a doubt."""
    return badge(row["rating"], terms.look(row["rating"]), doubted=in_doubt(row))


def _above(kpi: Row, terms: Terms) -> str | None:
    """How far the latest figure is on the good side of its target."""
    value, target = kpi["value"], kpi["target"]
    sided = kpi["polarity"] in (words.HIGHER, words.LOWER) and not in_doubt(kpi)
    if not sided or not is_number(value) or "target" not in terms.lines(kpi):
        return None
    if value == target:
        return f"exactly on {terms.word('target')}"
    if (value > target) != (kpi["polarity"] == words.HIGHER):
        return None
    side = "above" if value > target else "below"
    return f"{distance(kpi, 'target', bare=True)} {side} {terms.word('target')}"


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
