"""Sentences against figures chosen by hand."""

import numpy as np
import pandas as pd
import pytest

from kpi_tools.narrative import (
    actions_sentence,
    change_sentence,
    headline,
    movers_sentence,
    moves,
    reds_sentence,
    section_sentence,
)
from kpi_tools.page.descriptions import (
    chart_description,
    data_period,
    direction_sentence,
    month_alone,
)
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.words.row_words import rows_of


def card(rags, directions, names=None):
    return pd.DataFrame(
        {
            "kpi_name": names or [f"K{i}" for i in range(len(rags))],
            "section": "S",
            "rating": rags,
            "direction_of_travel": directions,
            "previous_rating": rags,
        }
    )


def many(green, amber, red, none, up, stable, down, other=0):
    rags = ["Green"] * green + ["Amber"] * amber + ["Red"] * red + ["Not rated"] * none
    ways = (
        ["positive"] * up
        + ["stable or no clear trend"] * stable
        + ["negative"] * down
        + ["not enough data"] * other
    )
    return card(rags, ways)


def test_headline_in_the_words_of_a_minute():
    text = headline(many(15, 15, 8, 0, 7, 19, 12), many(16, 11, 11, 0, 4, 24, 10), Quarter(2023, 2))
    assert text == (
        "Out of the 38 KPIs in the Quarterly Performance Report for Quarter 2 2023/24, 15 achieved or exceeded target (rated "
        "Green), 15 achieved or exceeded the floor standard but did not meet the target (rated Amber) and 8 did not meet the "
        "floor standard (rated Red). The direction of travel analysis indicated a positive trend for seven indicators (three "
        "more than the previous quarter), 19 were stable or with no clear trend (five fewer than the previous quarter) and 12 "
        "were showing a negative trend (two more than the previous quarter)."
    )


def test_headline_counts_what_is_not_rated_and_keeps_its_grammar():
    text = headline(many(1, 0, 0, 1, 1, 0, 0, 1), many(1, 0, 0, 1, 1, 0, 0, 1), Quarter(2024, 1))
    assert "1 could not be rated" in text
    assert "a positive trend for one indicator (the same number as the previous quarter)" in text
    assert "one had not enough data to tell" in text


def test_change_is_said_plainly_and_like_for_like():
    rows = [
        ("kpis", 38, 40, 38, 38),
        ("Green", 17, 16, 17, 14),
        ("Amber", 12, 15, 12, 16),
        ("Red", 9, 8, 9, 8),
    ]
    movement = pd.DataFrame(rows, columns=["count", "now", "previous", "same_now", "same_previous"])
    text = change_sentence(movement, Quarter(2024, 2))
    assert (
        "That report had 40 KPIs and this one has 38. Like for like, on the 38 KPIs that are in both"
        in text
    )
    assert "Green from 16 to 17, Amber from 15 to 12 and Red from 8 to 9" in text
    assert "Green from 14 to 17, Amber from 16 to 12 and Red from 8 to 9" in text


def test_change_on_the_same_kpis_is_said_once():
    rows = [
        ("kpis", 38, 38, 38, 38),
        ("Green", 15, 16, 15, 16),
        ("Amber", 15, 11, 15, 11),
        ("Red", 8, 11, 8, 11),
    ]
    movement = pd.DataFrame(rows, columns=["count", "now", "previous", "same_now", "same_previous"])
    assert change_sentence(movement, Quarter(2023, 1)) == (
        "Since Quarter 1 2023/24 the counts went: Green from 16 to 15, Amber from 11 to 15 and Red from 11 to 8. "
        "Both reports have the same 38 KPIs, so this is like for like."
    )


def test_movers_and_reds_by_name():
    kpis = card(["Green", "Red", "Not rated"], ["positive"] * 3, ["Calls", "Waits", "Homes"])
    kpis = kpis.assign(previous_rating=["Green", "Amber", "Red"])
    assert movers_sentence(kpis) == "Two KPIs changed rating since the previous quarter:"
    assert moves(kpis) == ["Waits: from Amber to Red", "Homes: from Red to Not rated"]
    assert reds_sentence(kpis) == "The one KPI rated Red:"
    still = kpis.head(1)
    assert (
        movers_sentence(still).startswith("No KPI")
        and reds_sentence(still) == "No KPI is rated Red."
    )


def test_a_single_month_beside_a_rolling_figure():
    months = pd.DataFrame(
        {
            "period_end": pd.to_datetime(["2024-11-30", "2024-12-31"]),
            "value": [79.0, 68.5],
            "numerator": [90.0, 50.0],
            "denominator": [114.0, 73.0],
            "status": "final",
        }
    )
    assert month_alone(months.iloc[-1], "%", 0) == "December 2024 alone: 69% (50 of 73)."
    assert month_alone(
        months.assign(denominator=np.nan, status="illustrative").iloc[-1], "%", 1
    ) == ("December 2024 alone: 68.5% (illustrative).")


def test_reds_without_an_action_are_counted():
    kpis = card(["Green", "Red", "Red"], ["positive"] * 3).assign(
        management_action=[None, None, "do"]
    )
    assert (
        actions_sentence(kpis)
        == "Two KPIs did not achieve the floor standard. For one of them no management action has been given."
    )
    assert actions_sentence(kpis.tail(1)) == "One KPI did not achieve the floor standard."


def test_a_section_in_one_sentence():
    kpis = card(
        ["Green", "Green", "Red"],
        ["stable or no clear trend", "negative", "stable or no clear trend"],
    )
    assert (
        section_sentence(kpis)
        == "Of three KPIs, two are Green and one is Red; one shows a negative trend."
    )
    assert (
        section_sentence(card(["Not rated"], ["not enough data"]))
        == "Of one KPI, one is not rated; none shows a clear trend."
    )


def points(values, targets, floors, rags, statuses=None):
    quarters = quarter_range(Quarter(2024, 3), len(values))
    table = pd.DataFrame(
        {
            "quarter": [q.label for q in quarters], "value": values, "target": targets, "floor_standard": floors, "rating": rags,
            "status": statuses or ["final"] * len(values), "unit": "%", "decimals": 0, "not_rated_reason": "not available",
        }
    )  # fmt: skip
    return rows_of(table)


def test_a_chart_in_words_says_every_figure_and_the_steps_of_the_lines():
    text = chart_description(
        points(
            [4.1, np.nan, 6.0],
            [9.0, 9.0, 5.0],
            [10.0, 10.0, 10.0],
            ["Green", "Not rated", "Amber"],
            ["illustrative", "not available", "final"],
        )
    )
    assert text == (
        "Columns for three quarters: June 2024 4% (illustrative), September 2024 no figure (not available) and December 2024 6%. "
        "The target is 9%, then 5% from December 2024. The floor standard is 10% throughout. "
        "The latest figure achieved the floor standard but not the target (Amber)."
    )


def test_a_chart_that_ends_without_a_figure_says_so():
    text = chart_description(
        points(
            [4.0, np.nan],
            [9.0, 9.0],
            [10.0, 10.0],
            ["Green", "Not rated"],
            ["final", "not available"],
        )
    )
    assert text.endswith("The latest quarter is not rated: not available.")


@pytest.mark.parametrize(
    ("state", "slope", "low", "high", "said"),
    [
        ("negative", -2.1, -3.6, -0.6, "Negative: falling by 2.1 percentage points a year (95% interval 0.6 to 3.6)."),
        ("positive", 8.0, 2.0, 14.0, "Positive: rising by 8.0 percentage points a year (95% interval 2.0 to 14.0)."),
        ("stable or no clear trend", 1.0, -2.0, 4.0,
         "Stable or no clear trend: between a fall of 2.0 percentage points and a rise of 4.0 percentage points a year."),
        ("not enough data", np.nan, np.nan, np.nan, "Not enough data: two figures in the quarters shown."),
    ],
)  # fmt: skip
def test_direction_with_its_size(state, slope, low, high, said):
    kpi = pd.Series(
        {
            "direction_of_travel": state,
            "slope": slope,
            "slope_low": low,
            "slope_high": high,
            "points": 2,
            "unit": "%",
            "decimals": 0,
        }
    )
    assert direction_sentence(kpi) == said


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ("quarter", "October to December 2024"),
        ("rolling_12_months", "12 months to December 2024"),
        ("snapshot", "at 31 December 2024"),
        ("year_to_date", "April 2024 to December 2024"),
        ("annual", "year to December 2024"),
    ],
)
def test_the_data_period(basis, said):
    assert data_period(pd.Series({"quarter": "2024-25 Q3", "basis": basis})) == said
