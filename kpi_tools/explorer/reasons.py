"""Why a point of a series is flagged or not, and what is usual of it, in words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from kpi_tools import vocabulary as words
from kpi_tools.kinds import PRIMES, RUN, XMR, G
from kpi_tools.limits import FEWEST_FOR_RUNS
from kpi_tools.page.html import render
from kpi_tools.rows import is_number, is_text
from kpi_tools.units import ends_of
from kpi_tools.wording import plural, show


def sentences_of(template: str, **values: Any) -> list[str]:
    """The sentences of a template of plain text: each of its lines that is not empty."""
    text = str(render(template, is_text=is_text, is_number=is_number, **values))
    return [line.strip() for line in text.splitlines() if line.strip()]


def why(point: Mapping[str, Any]) -> str:
    """One sentence on why a point is flagged or, as often asked, why not: from a row of the
    classified table, with `unit`, `decimals` and `status` where they are there."""

    def figure(name: str) -> str:
        places = _places(point) + (name != "value")
        return show(float(point[name]), str(point.get("unit") or ""), places)

    sentences = sentences_of(
        "explorer_why.txt.j2",
        point={"status": None} | dict(point),
        words=words,
        figure=figure,
        usual=usual_range(point),
        centre=centre_of(point),
        fewest=FEWEST_FOR_RUNS,
        widened=point.get("chart", XMR) in (XMR, *PRIMES),
    )
    return " ".join(sentences)


def usual_range(point: Mapping[str, Any]) -> str:
    """The range between the limits in words: `62% to 71%`, or `up to 71%` where the measure cannot
    be lower anyway. Uses the limits and, where they are there, `unit`, `decimals`, `range_low` and
    `range_high` (else those of the unit)."""
    if point["limits"] == words.RUN_CHART:
        return "none: a run chart has no limits"
    (low, high), unit = ends_of(point), str(point.get("unit") or "")
    ends = [point[name] for name in ("lower_limit", "upper_limit")]
    lower, upper = (show(float(end), unit, _places(point) + 1) for end in ends)
    down, up = is_number(ends[0]) and ends[0] >= low, is_number(ends[1]) and ends[1] <= high
    if not (down and ends[0] > low) and not (up and ends[1] < high):
        return "all that it can be"
    if not down:
        return f"up to {upper}"
    return f"{lower} to {upper}" if up else f"{lower} and more"


def if_today(point: Mapping[str, Any], today: date) -> str:
    """Of the latest of days between events: what it would be if one happened today, the last day
    that is reported on."""
    days = (today - point["period_end"].date()).days
    if days < 1:
        return ""
    when, after = f"{today.day} {today:%B %Y}", plural(days, "day")
    opening = f"If one happened today ({when}), {after} after the last"
    if point["limits"] in (words.NO_LIMITS, words.NO_VARIATION):
        return f"{opening}, nothing could be said of it yet."
    side = "longer than" if days > point["upper_limit"] else "within"
    side = "shorter than" if days < point["lower_limit"] else side
    return f"{opening}, that would be {side} the usual range of {usual_range(point)}."


def _places(point: Mapping[str, Any]) -> int:
    """The decimals of a figure."""
    decimals = point.get("decimals")
    return int(decimals) if is_number(decimals) else 1


def centre_of(point: Mapping[str, Any]) -> str:
    """What the middle line of a chart is."""
    return "median" if point.get("chart") in (RUN, G) else "mean"
