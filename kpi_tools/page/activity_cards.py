"""Activity indicators: demand beside its expected range and the same quarter last year. Nothing here is rated."""

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.card_parts import legend
from kpi_tools.page.card_tables import behind_chart, in_head, short_title, with_value
from kpi_tools.page.charts import activity_spec
from kpi_tools.page.html import Html, render, slug
from kpi_tools.page.svg import Chart, Drawings, drawn
from kpi_tools.page.tables import figure_with_status
from kpi_tools.quarters import Quarter
from kpi_tools.words.row_words import Row, Rows, rows_by
from kpi_tools.words.wording import MISSING, show

_SHOWN = 6
_NOT_SET = "not set"


def activity_cards(
    activity: pd.DataFrame,
    section: str,
    describe: Callable[[Rows], str],
    quarter: Quarter | None = None,
    charts: Drawings | None = None,
) -> Html:
    """A card for each activity indicator of `section`: its last six periods, what was expected, the year before.

    `quarter`: the report's, so that a latest figure of an earlier one is flagged. `charts`: their charts, where they are
    being drawn already (`activity_charts`).
    """
    own = activity[activity["section"] == section]
    drawings = charts or drawn(activity_charts(own, describe))
    every = rows_by(own, "activity_id").values()
    entries = [_card(points, drawings[_anchor(points)], quarter) for points in every]
    return render("activity.html.j2", cards=entries) if entries else Html()


def activity_charts(activity: pd.DataFrame, describe: Callable[[Rows], str]) -> list[Chart]:
    """What is to be drawn (`svg.drawn`) for the cards of these indicators, in their order."""
    every = rows_by(activity, "activity_id").values()
    return [
        (
            activity_spec(points[-_SHOWN:]),
            _anchor(points),
            points[-1]["activity_name"],
            describe(points[-_SHOWN:]),
        )
        for points in every
    ]


def expectation(row: Row) -> dict[str, str] | None:
    """How an activity figure stands to what was expected; nothing where one of the three is missing."""
    if not all(math.isfinite(row[name]) for name in ("value", "lower_expected", "upper_expected")):
        return None
    if row["value"] > row["upper_expected"]:
        return {"kind": "above", "words": "Above expectation"}
    if row["value"] < row["lower_expected"]:
        return {"kind": "below", "words": "Below expectation"}
    return {"kind": "within", "words": "Within expectation"}


def _card(every: Rows, chart: str, quarter: Quarter | None) -> dict[str, Any]:
    points, latest = every[-_SHOWN:], every[-1]
    spec = activity_spec(points)
    cut = (
        [{"kind": "cut", "text": "The scale does not start at zero"}]
        if spec["params"][0]["value"] > 0
        else []
    )
    anchor = _anchor(every)
    band = [{"kind": "band", "text": "Expected range"}] if spec["datasets"]["band"] else []
    return {
        "anchor": anchor,
        "name": latest["activity_name"],
        "flag": _flag(latest["period"], quarter),
        "facts": _facts(every, latest),
        "expectation": expectation(latest),
        "legend": band + legend(row["status"] for row in points) + cut,
        "chart": Markup(chart),
        "table": activity_table(points, anchor),
    }


def _anchor(every: Rows) -> str:
    return f"activity-{slug(every[-1]['activity_id'])}"


def _facts(every: Rows, latest: Row) -> list[dict[str, Any]]:
    """The strip: latest figure, what was expected of it, and the same quarter last year."""
    unit, head = in_head(latest["unit"])
    worded = head.removeprefix("Result").strip(" ()")
    quarter = Quarter.parse(latest["period"])
    ago = quarter.shift(-4).label
    then = next(
        (row for row in every if row["period"] == ago and math.isfinite(row["value"])), None
    )
    figure = (
        show(latest["value"], unit, latest["decimals"])
        if math.isfinite(latest["value"])
        else latest["status"]
    )
    strip: list[dict[str, Any]] = [
        {
            "label": "Latest",
            "value": figure,
            "status": with_value(latest["status"]),
            "small": quarter.title,
        },
        {"label": "Expected", "value": expected_range(latest, unit), "status": None, "small": None},
        {
            "label": "Same quarter last year",
            "value": show(then["value"], unit, then["decimals"]) if then else MISSING,
            "status": with_value(then["status"]) if then else None,
            "small": _compared(latest["value"], then["value"]) if then else None,
        },
    ]
    for fact in strip:
        fact["none"] = not any(letter.isdigit() for letter in fact["value"])
        fact["unit"] = "" if fact["none"] or fact["label"] == "Expected" else worded
    return strip


def _flag(period: str, quarter: Quarter | None) -> str | None:
    last = Quarter.parse(period)
    return (
        f"Older data: no figure since {last.title}."
        if quarter is not None and last < quarter
        else None
    )


def _compared(now: float, then: float) -> str | None:
    """`now 12% higher`; nothing where a share of the earlier figure means nothing."""
    if not math.isfinite(now) or then <= 0:
        return None
    change = round(100 * (now / then - 1))
    return (
        "now the same"
        if change == 0
        else f"now {abs(change):,}% {'higher' if change > 0 else 'lower'}"
    )


def activity_table(points: Rows, anchor: str) -> Html:
    """The figures behind an activity indicator's chart, with what was expected of each."""
    latest = points[-1]
    unit, result = in_head(latest["unit"])
    frame = pd.DataFrame(
        [
            {
                "Quarter": short_title(row["period"]),
                result: figure_with_status(
                    show(row["value"], unit, row["decimals"])
                    if math.isfinite(row["value"])
                    else row["status"],
                    with_value(row["status"]),
                ),
                "Expected": expected_range(row, unit),
            }
            for row in points
        ]
    )
    return behind_chart(frame, latest["activity_name"], anchor)


def expected_range(row: Row, unit: str) -> str:
    """From what to what a figure was expected."""
    low, high = (
        show(row[name], unit, row["decimals"]) for name in ("lower_expected", "upper_expected")
    )
    return _NOT_SET if MISSING in (low, high) else f"{low} to {high}"
