"""The outlook of a card: its chances against scipy, its arithmetic by hand, its words where nothing can be said."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from scipy import stats

from kpi_tools.narrative import outlook_sentence
from kpi_tools.outlook import line_chances
from kpi_tools.page.cards import Context, cards
from kpi_tools.page.describe import (
    arrow_sentences,
    direction_sentence,
    likelihood,
    month_alone,
    outlooks,
    short_title,
    size_in_words,
)
from kpi_tools.page.summary import lowest_lines
from kpi_tools.quarters import Quarter
from kpi_tools.rating import band_lines
from kpi_tools.rows import Row, rows_by, rows_of
from kpi_tools.schemes import parse_schemes
from kpi_tools.scorecard import recent_quarters, score
from kpi_tools.terms import Terms, lines_of, miss
from tests import kent
from tests.test_cards import words

Council = tuple[Any, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def council():
    returns = kent.returns()
    recent = recent_quarters(returns)
    return returns, recent, score(recent, returns)


@pytest.fixture(scope="module")
def ahead(council):
    returns, recent, kpis = council
    return outlooks(kpis, recent, returns)


def card_of(council: Council, ahead: dict[str, Row], kpi_id: str) -> str:
    returns, recent, kpis = council
    own = kpis[kpis["kpi_id"] == kpi_id]
    return words(cards(own, recent, Context(outlooks=ahead, targets=rows_by(returns.targets))))


def chance(values: list[float], level: float) -> tuple[float, float, float, float]:
    """Mean, 95% prediction interval and the chance of `level` or more, for independent figures: a textbook's formula."""
    n, mean = len(values), sum(values) / len(values)
    error = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) * (1 + 1 / n))
    t = stats.t(n - 1)
    reach = t.ppf(0.975) * error
    return mean, mean - reach, mean + reach, 1 - t.cdf((level - mean) / error)


def test_the_explorer_says_of_the_outlook_what_the_card_says(council, ahead):
    said = kent.known("ES01").outlook_in_words("ES01")
    assert said == (
        "Expected for Q4 2024/25, the end of the year: 36% (21% to 51%). Meets target 60%: very unlikely (under 1%). Meets "
        "floor standard 55%: very unlikely (about 1%). From the mean of six figures, as there is no clear trend."
    )
    card = card_of(council, ahead, "ES01")
    for part in ("36% 21% to 51%, year's end", "Very unlikely about 1%", "From the mean of six"):
        assert part in card


def test_the_chances_on_the_card_are_those_of_the_figures_on_the_card(council, ahead):
    """Complaints answered in time: 63, 75, 56, 66, 71, 71%, target 85, floor standard 80; no trend, so the mean."""
    mean, low, high, target = chance([63, 75, 56, 66, 71, 71], 85)
    floor = chance([63, 75, 56, 66, 71, 71], 80)[3]
    text = card_of(council, ahead, "CS03")
    assert f"Expected Q4 2024/25 {mean:.0f}% {low:.0f}% to {high:.0f}%, year's end" in text
    assert f"Meets target 85% Very unlikely about {100 * target:.0f}%" in text
    assert f"Meets floor standard 80% Very unlikely about {100 * floor:.0f}%" in text
    assert "Outlook a judgement, not a fact" in text
    assert "From the mean of six figures, as there is no clear trend." in text


def test_the_next_quarter_of_a_kpi_in_arrears_is_the_one_after_its_latest_figure(ahead):
    expected = {"AS04": [("Q3 2024/25", False), ("Q4 2024/25", True)]}
    expected["CS03"] = [("Q4 2024/25", True)]
    for kpi_id, steps in expected.items():
        assert [(step["when"], step["ends"]) for step in ahead[kpi_id]["steps"]] == steps


def test_every_line_of_the_kpis_own_scheme_has_its_chance_and_its_way():
    """813 of 2,421 is 33.6%: within 10% of 60 is 54, 1,307.3 plans, so 1,308 − 813 = 495 more."""
    bands = [
        {"name": "Blue", "meets": "target beyond 10%", "colour": "blue"},
        {"name": "Green", "meets": "target"},
        {"name": "Amber", "meets": "target within 10%"},
        {"name": "Red"},
    ]
    known = kent.known("ES01")
    schemes = parse_schemes({"schemes": {"tolerant": {"bands": bands}}})
    returns = replace(known.returns, council=replace(known.returns.council, schemes=schemes))
    own = known.kpis.assign(scheme="tolerant")
    found = outlooks(own, known.recent, returns)["ES01"]
    steps, said = found["steps"], found["sentences"]
    lines = [one["line"] for one in steps[0]["chances"]]
    assert lines == ["Reaches Blue, 66%", "Meets target 60%", "Reaches Amber, 54%"]
    assert any("To reach the target within 10% of 54%" in text for text in said)
    assert said[-1] == "Would be Amber with 495 more cases meeting the standard (of 2,421)."
    line = lowest_lines(own, Terms(returns.council))["ES01"]
    assert miss(rows_of(own)[0], line) == "20 points below"


def test_a_line_that_can_never_be_met_is_none():
    """A per cent beyond a target of nought is nothing."""
    bands = [
        {"name": "Blue", "meets": "target beyond 5%", "colour": "blue"},
        {"name": "Green", "meets": "target"},
        {"name": "Red"},
    ]
    table = pd.DataFrame([{"kpi_id": "K", "polarity": "lower", "target": 0.0, "value": 1.0}])
    found = band_lines(table, parse_schemes({"bands": bands})).set_index("band")["edge"]
    assert math.isnan(found["Blue"]) and found["Green"] == 0


def test_what_rests_on_illustrative_figures_says_so(council, ahead):
    kpis = council[2]
    invented = set(kpis.loc[kpis["illustrative"], "kpi_id"])
    marked = {one for one, outlook in ahead.items() if outlook["status"] == "illustrative"}
    assert marked == invented != set()
    assert "a judgement, not a fact illustrative" in card_of(council, ahead, "ET06")


def test_where_the_two_directions_differ_the_card_says_it_in_words(council, ahead):
    told = "The published rule finds a negative direction; allowing for the data that rolling figures share"
    assert told in card_of(council, ahead, "IC04")
    assert "The published rule finds" not in card_of(council, ahead, "CS01")


def test_what_it_takes_counts_cases(ahead):
    """EHCPs: 813 of 2,421; by hand in test_one_kpi: 77% in each of two quarters; 1,332 plans in time are 55%."""
    said = " ".join(ahead["ES01"]["sentences"])
    most = "even at 100% next quarter the rolling figure reaches 50%;"
    assert f"To reach the floor standard of 55%: {most}" in said
    assert "it needs 77% in each of the next two quarters" in said
    assert "(taking each quarter that drops out for a quarter of the twelve months)." in said
    assert "Would be Amber with 519 more cases meeting the standard (of 2,421)." in said
    assert "Green" not in said


def test_how_many_cases_decide_an_amber_both_ways(ahead):
    """540 of 565: 98% is 553.7, so 554, 14 more; 95% is 536.75, so 537 still Amber and 536, four fewer, Red."""
    cases = "cases meeting the standard (of 565)"
    said = f"Would be Green with 14 more {cases} or Red with four fewer {cases}."
    assert ahead["ET03"]["sentences"] == [said]
    assert ahead["CS03"]["sentences"] == []  # without cases nothing is counted


def test_the_quarter_alone_follows_from_its_three_months():
    """50 of 73, 40 of 60 and 31 of 50 plans in time: 121 of 183, 66%, inside 813 of 2,421."""
    known = kent.with_months([60, 60, 60])
    cases = {"numerator": [31.0, 40.0, 50.0], "denominator": [50.0, 60.0, 73.0]}
    months = known.returns.months.assign(basis="month", **cases)
    kpis = known.kpis.assign(numerator=813.0, denominator=2421.0)
    said = outlooks(kpis, known.recent, replace(known.returns, months=months))["ES01"]["sentences"]
    assert said[0] == "The quarter alone: 66% (121 of 183)."
    two = replace(known.returns, months=months.tail(2))
    said = outlooks(kpis, known.recent, two)["ES01"]["sentences"]
    assert not any("quarter alone" in text for text in said)


@pytest.mark.parametrize(("values", "state"), [
    ([math.nan, math.nan, 90, 91, 92, 93], "Not enough data."),
    ([90, 90, 90, 90, 90, 90], "No variation."),
])  # fmt: skip
def test_where_nothing_can_be_said_that_is_said(values, state):
    known = kent.with_figures(values)
    outlook = outlooks(known.kpis, known.recent, known.returns)["CS01"]
    assert (outlook["steps"], outlook["basis"]) == ([], state)


def test_the_years_end_is_not_judged_from_too_few_figures():
    first = kent.with_figures([80, 84, 79, 85, 81, 83])
    earlier = first.recent.assign(period_end=first.recent["period_end"] - pd.offsets.MonthEnd(6))
    earlier["quarter"] = [Quarter.parse(label).shift(-2).label for label in earlier["quarter"]]
    last = earlier.iloc[-1]
    kpis = first.kpis.assign(quarter=last["quarter"], period_end=last["period_end"])
    outlook = outlooks(kpis, earlier, first.returns)["CS01"]
    assert [step["when"] for step in outlook["steps"]] == ["Q2 2024/25"]
    assert outlook["basis"].endswith("The year's end is too far ahead to judge.")


def test_a_chance_in_a_word():
    parts = (1, 0.9, 0.89, 0.66, 0.65, 0.34, 0.33, 0.1, 0.09, 0)
    words = ("very likely", "likely", "as likely as not", "unlikely", "very unlikely")
    assert [likelihood(part) for part in parts] == [word for word in words for _ in (1, 2)]


def test_the_summary_counts_what_the_cards_say(council, ahead):
    """More likely than not, counted from the cards' own figures."""
    returns, recent, kpis = council

    def over_half(kpi_id: str, line: str) -> bool:
        chances = ahead[kpi_id]["steps"][0]["chances"]
        how, percent = next(one["figure"] for one in chances if line in one["line"]).split()
        return how == "over" or (how == "about" and int(percent[:-1]) > 50)

    known = [kpi_id for kpi_id, one in ahead.items() if one["steps"]]
    reds = [kpi_id for kpi_id in kpis.loc[kpis["rating"] == "Red", "kpi_id"] if kpi_id in known]
    on_target = sum(over_half(kpi_id, "target") for kpi_id in known)
    rescued = sum(over_half(kpi_id, "floor") for kpi_id in reds)
    assert (len(known), on_target, rescued, len(reds)) == (38, 16, 1, 9)
    assert outlook_sentence(line_chances(recent, lines_of(kpis, Terms())), kpis, Terms()) == (
        "Outlook (a judgement, not a fact): of the 38 KPIs that can be predicted, 16 are more likely than not to meet their "
        "target with the next figure, and of the nine rated Red one to reach a better rating, if nothing changes."
    )


def test_the_targets_history_has_its_reasons(council, ahead):
    text = card_of(council, ahead, "CS01")
    lines = "target 97%, floor standard 90%"
    carried = "Not public: target and floor standard of 2023/24 carried back"
    assert f"From Q3 2021/22: {lines} ({carried}) illustrative" in text
    agreed = "Agreed for 2024/25, as published in the Quarter 3 2024/25 report"
    assert f"From Q1 2024/25: {lines} ({agreed})" in text
    assert short_title("2000-01 Q1") == "the beginning"  # where targets.csv names no quarter


@pytest.mark.parametrize(("kpi_id", "distances"), [
    ("ES01", ("60% 26 points below", "55% 21 points below")),
    ("IC05", ("700 87 below", "650 37 below")),
])  # fmt: skip
def test_a_red_says_how_far_it_is_from_both_lines(council, ahead, kpi_id, distances):
    text = card_of(council, ahead, kpi_id)
    assert f"Target {distances[0]} Floor standard {distances[1]}" in text


# One KPI in words; figures by hand.


def test_a_single_month_beside_a_rolling_figure():
    month = {"period_end": pd.Timestamp(2024, 12, 31), "value": 68.5, "status": "final"}
    month |= {"numerator": 50.0, "denominator": 73.0}
    assert month_alone(month, "%", 0) == "December 2024 alone: 69% (50 of 73)."
    invented = month | {"denominator": math.nan, "status": "illustrative"}
    assert month_alone(invented, "%", 1) == "December 2024 alone: 68.5% (illustrative)."


NAN = (math.nan,) * 3
FALL = "Negative: falling by 2.1 percentage points a year (95% interval 0.6 to 3.6)."
RISE = "Positive: rising by 8.0 percentage points a year (95% interval 2.0 to 14.0)."
BETWEEN = "between a fall of 2.0 percentage points and a rise of 4.0 percentage points a year"


@pytest.mark.parametrize(("state", "slopes", "said"), [
    ("negative", (-2.1, -3.6, -0.6), FALL),
    ("positive", (8.0, 2.0, 14.0), RISE),
    ("stable or no clear trend", (1.0, -2.0, 4.0), f"Stable or no clear trend: {BETWEEN}."),
    ("not enough data", NAN, "Not enough data: two figures in the period shown."),
])  # fmt: skip
def test_direction_with_its_size(state, slopes, said):
    kpi = dict(zip(("slope", "slope_low", "slope_high"), slopes, strict=True))
    kpi |= {"direction_of_travel": state, "points": 2, "unit": "%", "decimals": 0}
    assert direction_sentence(kpi) == said


def test_the_size_by_the_overlap_aware_rule():
    kpi = {
        "gls_slope": 120.4,
        "gls_slope_low": 80.0,
        "gls_slope_high": 160.0,
        "unit": "tonnes",
        "decimals": 0,
    }
    assert (
        size_in_words(kpi, "positive", "gls_")
        == "rising by 120 tonnes a year (95% interval 80 to 160)"
    )
    assert size_in_words(kpi | {"gls_slope": math.nan}, "positive", "gls_") == ""
    # at a significance of 0.1 a direction may be told whose 95% interval reaches beyond nought
    kpi |= {"gls_slope": 60.0, "gls_slope_low": -10.0, "gls_slope_high": 130.0}
    assert (
        size_in_words(kpi, "positive", "gls_")
        == "rising by 60 tonnes a year (95% interval -10 to 130)"
    )
    stable = size_in_words(kpi, "stable or no clear trend", "gls_")
    assert stable == "between a fall of 10 tonnes and a rise of 130 tonnes a year"


def test_two_point_arrows_are_words_and_say_where_the_trend_differs():
    kpi = {"unit": "%", "decimals": 0, "direction_of_travel": "negative", "arrows_differ": True}
    kpi |= {"arrow_previous": "better", "change_previous": 3.0}
    kpi |= {"arrow_year_ago": "unchanged", "change_year_ago": 0.0}
    assert arrow_sentences(kpi) == [
        "Better than the previous figure, by 3 percentage points.",
        "Unchanged from the same period last year.",
        "The trend over the figures shown points another way: negative.",
    ]
    by_one = arrow_sentences(kpi | {"change_previous": 1.0, "arrows_differ": False})
    assert by_one[0] == "Better than the previous figure, by 1 percentage point."
    assert arrow_sentences({"direction_of_travel": "negative"}) == []


def test_nothing_is_concluded_from_a_figure_in_doubt(council):
    returns, recent, kpis = council
    doubted = recent.assign(doubt_state=["open" if i == "IC05" else None for i in recent["kpi_id"]])
    one = outlooks(kpis, doubted, returns)["IC05"]
    assert (one["steps"], one["sentences"], one["direction"]) == ([], [], "")
    assert one["basis"] == "Nothing is concluded from these figures while one of them is in doubt."
