"""Activity indicators: demand beside its expected range and the same quarter last year. Nothing
here is rated."""

import math
from typing import Any

import pandas as pd

from kpi_tools.page.cards import behind_chart
from kpi_tools.page.charts import activity_chart
from kpi_tools.page.describe import short_title
from kpi_tools.page.facts import fact
from kpi_tools.page.html import Html, figure_with_status, render, slug
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import STATUSES_WITH_VALUE
from kpi_tools.wording import MISSING, NOT_SET, Row, Rows, rounded, rows_by, show, unit_words

_SHOWN = 6


def activity_cards(activity: pd.DataFrame, section: str, quarter: Quarter | None = None) -> Html:
    """A card for each activity indicator of `section`: its last six periods, what was expected, the year before.

    `quarter`: the report's, so that a latest figure of an earlier one is flagged.
    """
    every = rows_by(activity[activity["section"] == section], "activity_id").values()
    entries = [_activity(rows, quarter) for rows in every]
    return render("activity.html.j2", cards=entries) if entries else Html()


def _activity(every: Rows, quarter: Quarter | None) -> dict[str, Any]:
    points, latest = every[-_SHOWN:], every[-1]
    anchor, last = f"activity-{slug(latest['activity_id'])}", Quarter.parse(latest["period"])
    return {
        "anchor": anchor,
        "name": latest["activity_name"],
        "flag": f"Older data: no figure since {last.title}."
        if quarter is not None and last < quarter
        else None,
        "facts": _activity_facts(every, latest),
        "expectation": expectation(latest),
        "picture": activity_chart(points, anchor),
        "table": _activity_table(points, anchor),
    }


def expectation(row: Row) -> dict[str, str] | None:
    """How an activity figure stands to what was expected; nothing where one of the three is
    missing."""
    if not all(math.isfinite(row[name]) for name in ("value", "lower_expected", "upper_expected")):
        return None
    if row["value"] > row["upper_expected"]:
        return {"kind": "above", "words": "Above expectation"}
    if row["value"] < row["lower_expected"]:
        return {"kind": "below", "words": "Below expectation"}
    return {"kind": "within", "words": "Within expectation"}


def _activity_facts(every: Rows, latest: Row) -> list[dict[str, Any]]:
    words, quarter = unit_words(latest["unit"]), Quarter.parse(latest["period"])
    ago = quarter.shift(-4).label
    then = next(
        (row for row in every if row["period"] == ago and math.isfinite(row["value"])), None
    )
    strip = [
        fact("Latest", _activity_figure(latest), latest["status"], small=quarter.title, unit=words)
    ]
    if expected_range(latest) != NOT_SET:
        strip.append(fact("Expected", expected_range(latest), None))
    if then:
        strip.append(
            fact(
                "Same quarter last year",
                _activity_figure(then),
                then["status"],
                small=_compared(latest["value"], then["value"]),
                unit=words,
            )
        )
    return strip


def _activity_figure(row: Row) -> str:
    return (
        show(row["value"], row["unit"], row["decimals"], bare=True)
        if math.isfinite(row["value"])
        else str(row["status"])
    )


def _compared(now: float, then: float) -> str | None:
    """`now 12% higher`; nothing where a share of the earlier figure means nothing."""
    if not math.isfinite(now) or then <= 0:
        return None
    change = float(rounded(100 * (now / then - 1), 0).replace(",", ""))
    return (
        "now the same"
        if change == 0
        else f"now {abs(change):,.0f}% {'higher' if change > 0 else 'lower'}"
    )


def _activity_table(points: Rows, anchor: str) -> Html:
    words = unit_words(points[-1]["unit"])
    frame = pd.DataFrame(
        [
            {
                "Period": short_title(row["period"]),
                f"Result ({words})" if words else "Result": figure_with_status(
                    _activity_figure(row),
                    row["status"] if row["status"] in STATUSES_WITH_VALUE else None,
                ),
                "Expected": expected_range(row),
            }
            for row in points
        ]
    )
    return behind_chart(frame, points[-1]["activity_name"], anchor)


def expected_range(row: Row) -> str:
    """From what to what a figure was expected."""
    low, high = (
        show(row[name], row["unit"], row["decimals"], bare=True)
        for name in ("lower_expected", "upper_expected")
    )
    return NOT_SET if MISSING in (low, high) else f"{low} to {high}"
