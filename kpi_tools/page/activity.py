"""Activity indicators: demand beside its expected range and the same quarter last year, unrated."""

from typing import Any

import pandas as pd

from kpi_tools.page.cards import behind_chart
from kpi_tools.page.chart_words import against_expected
from kpi_tools.page.charts import activity_chart
from kpi_tools.page.describe import short_title
from kpi_tools.page.facts import fact
from kpi_tools.page.html import Html, figure_with_status, render, slug
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import STATUSES_WITH_VALUE
from kpi_tools.wording import (
    MISSING,
    NOT_SET,
    Row,
    Rows,
    is_number,
    rounded,
    rows_by,
    show,
    unit_words,
)

_PERIODS = 6


def activity_cards(activity: pd.DataFrame, section: str, quarter: Quarter | None = None) -> Html:
    """A card for each activity indicator of `section`: six periods, what was expected, last year.

    `quarter`: the report's, so that a latest figure of an earlier one is flagged.
    """
    every = rows_by(activity[activity["section"] == section], "activity_id").values()
    entries = [_activity(rows, quarter) for rows in every]
    return render("activity.html.j2", cards=entries) if entries else Html()


def _activity(every: Rows, quarter: Quarter | None) -> dict[str, Any]:
    points, latest = every[-_PERIODS:], every[-1]
    anchor, last = f"activity-{slug(latest['activity_id'])}", Quarter.parse(latest["period"])
    old = quarter is not None and last < quarter
    where, words = against_expected(latest), unit_words(latest["unit"])
    strip = [fact("Latest", _figure(latest), latest["status"], small=last.title, unit=words)]
    if (expected := _expected(latest)) != NOT_SET:
        strip.append(fact("Expected", expected, None))
    ago = last.shift(-4).label
    for then in [row for row in every if row["period"] == ago and is_number(row["value"])][:1]:
        small, head = _compared(latest["value"], then["value"]), "Same quarter last year"
        strip.append(fact(head, _figure(then), then["status"], small=small, unit=words))
    result = f"Result ({words})" if words else "Result"
    rows = [
        {
            "Period": short_title(row["period"]),
            result: figure_with_status(
                _figure(row), row["status"] if row["status"] in STATUSES_WITH_VALUE else None
            ),
            "Expected": _expected(row),
        }
        for row in points
    ]
    return {
        "anchor": anchor,
        "name": latest["activity_name"],
        "flag": f"Older data: no figure since {last.title}." if old else None,
        "facts": strip,
        "expectation": where and {"kind": where, "words": f"{where.capitalize()} expectation"},
        "picture": activity_chart(points, anchor),
        "table": behind_chart(pd.DataFrame(rows), latest["activity_name"], anchor),
    }


def _figure(row: Row) -> str:
    if not is_number(row["value"]):
        return str(row["status"])
    return show(row["value"], row["unit"], row["decimals"], bare=True)


def _compared(now: float, then: float) -> str | None:
    """`now 12% higher`; nothing where a share of the earlier figure means nothing."""
    if not is_number(now) or then <= 0:
        return None
    share = 100 * (now / then - 1)
    size = rounded(abs(share), 0)
    return f"now {size}% {'higher' if share > 0 else 'lower'}" if size != "0" else "now the same"


def _expected(row: Row) -> str:
    """From what to what a figure was expected."""
    names, place = ("lower_expected", "upper_expected"), (row["unit"], row["decimals"])
    low, high = (show(row[name], *place, bare=True) for name in names)
    return NOT_SET if MISSING in (low, high) else f"{low} to {high}"
