"""Activity indicators: demand beside its expected range and the same quarter last year, unrated."""

from typing import Any

import pandas as pd

from kpi_tools.page.chart_words import against_expected
from kpi_tools.page.charts import activity_chart
from kpi_tools.page.describe import short_title
from kpi_tools.page.facts import fact, figure_fact
from kpi_tools.page.html import Html, figure_with_status, render, slug
from kpi_tools.quarters import Quarter
from kpi_tools.wording import (
    MISSING,
    NOT_SET,
    Row,
    Rows,
    figure_of,
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
    points, latest, name = every[-_PERIODS:], every[-1], every[-1]["activity_name"]
    anchor, last = f"activity-{slug(latest['activity_id'])}", Quarter.parse(latest["period"])
    where, words = against_expected(latest), unit_words(latest["unit"])
    strip = [figure_fact("Latest", latest, small=last.title)]
    if (expected := _expected(latest)) != NOT_SET:
        strip.append(fact("Expected", expected, None))
    ago = last.shift(-4).label
    for then in [row for row in every if row["period"] == ago and is_number(row["value"])][:1]:
        small = _compared(latest["value"], then["value"])
        strip.append(figure_fact("Same quarter last year", then, small=small))
    rows = [
        {
            "Period": short_title(row["period"]),
            f"Result ({words})" if words else "Result": figure_with_status(
                figure_of(row, bare=True), row["status"] if is_number(row["value"]) else None
            ),
            "Expected": _expected(row),
        }
        for row in points
    ]
    return {
        "anchor": anchor,
        "name": name,
        "flag": f"Older data: no figure since {last.title}." if quarter and last < quarter else "",
        "facts": strip,
        "expectation": where and {"kind": where, "words": f"{where.capitalize()} expectation"},
        "picture": activity_chart(points, anchor),
        "figures": pd.DataFrame(rows),
    }


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
