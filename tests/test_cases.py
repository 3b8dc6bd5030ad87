"""The arithmetic of cases, by hand: EHCPs in 20 weeks at December 2024 (813 of 2,421; December alone 50 of 73)."""

import math
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.cases import (
    cases_to,
    in_period,
    rolling_after,
    sensitivity,
    takes_in_words,
    what_it_takes,
)
from kpi_tools.rating import band_lines, rate
from kpi_tools.rows import rows_of
from kpi_tools.schemes import parse_schemes

EHCP = {"unit": "%", "polarity": "higher", "numerator": 813.0, "denominator": 2421.0}
EHCP |= {"target": 60.0, "floor_standard": 55.0}


def test_what_it_takes_for_ehcps_to_reach_the_floor_standard():
    # If the quarters that drop out were average: 203.25 of 605.25 each. To reach 55%: 0.55 · 2421 = 1331.55.
    one, two, three, four = what_it_takes(813, 2421, 55)
    assert one.best == pytest.approx(100 * (813 - 203.25 + 605.25) / 2421)
    assert one.required == pytest.approx(100 * (1331.55 - 609.75) / 605.25)
    assert (one.possible, two.possible) == (False, True)
    assert two.required == pytest.approx(100 * (1331.55 - 406.5) / 1210.5)
    assert three.required == pytest.approx(100 * (1331.55 - 203.25) / 1815.75)
    assert four.required == pytest.approx(55)
    assert takes_in_words([one, two, three, four], "floor standard", "%", 0) == (
        "Even at 100% next quarter the rolling figure reaches 50%; "
        "it needs 77% in each of the next two quarters to reach the floor standard."
    )


def test_at_decembers_pace_the_rolling_figure_follows_slowly():
    # December: 50 of 73, 68%. Next quarter 609.75 + 605.25 · 50/73 = 1024.3 of 2421.
    december = 100 * 50 / 73
    one = 100 * (609.75 + 605.25 * 50 / 73) / 2421
    assert rolling_after(813, 2421, december, 1) == pytest.approx(one)
    assert rolling_after(813, 2421, december, 4) == pytest.approx(december)
    with pytest.raises(ValueError, match="Only 4 of the quarters"):
        rolling_after(813, 2421, december, 5)


def test_known_quarters_that_leave():
    # 20 of 100 leaves and 100 come: (300 − 20 + 100)/1000 at best; to reach 50%: 500 − 280 = 220 of 100.
    (step,) = what_it_takes(300, 1000, 50, leaving=[(20, 100)])
    assert step.best == pytest.approx(38)
    assert step.required == pytest.approx(220)
    assert not step.possible
    assert takes_in_words([step], "target", "%", 0) == (
        "Even at 100% next quarter the rolling figure reaches 38%; so the target is out of reach in that time."
    )


def test_lower_is_better():
    # 12% of 1000; 30 of 250 leaves. To come down to 10%: 100 − 90 = 10 of 250.
    (step, *_) = what_it_takes(120, 1000, 10, leaving=[(30, 250)], polarity="lower")
    assert step.required == pytest.approx(4.0)
    assert step.best == pytest.approx(9.0)
    said = takes_in_words([step], "target", "%", 1, polarity="lower")
    assert said == "It needs 4.0% next quarter to reach the target."


def test_what_needs_nothing_says_so():
    (step,) = what_it_takes(900, 1000, 50, leaving=[(100, 200)])
    assert "whatever the new cases bring" in takes_in_words([step], "target", "%", 0)
    assert "cannot be calculated" in takes_in_words([], "target", "%", 0)


def test_a_needed_figure_is_rounded_so_that_it_suffices():
    (step,) = what_it_takes(0, 100, 72.01, leaving=[(0, 100)])
    assert "it needs 73% next quarter" in takes_in_words([step], "target", "%", 0).lower()
    assert "it needs 72.1% next quarter" in takes_in_words([step], "target", "%", 1).lower()


@given(st.integers(0, 2000), st.integers(1, 2000), st.floats(1, 99))
def test_what_is_needed_leads_where_it_should(met, missed, level):
    for step in what_it_takes(met, met + missed, level):
        reached = rolling_after(met, met + missed, step.required, step.quarters)
        assert reached == pytest.approx(level)


def rolling(numerators, denominators, start="2023-03-31"):
    quarters = list(zip(numerators, denominators, strict=True))
    return known(quarters, start).assign(unit="%", basis="rolling_12_months")


def known(quarters, start="2022-06-30"):
    ends = pd.date_range(start, periods=len(quarters), freq="QE")
    parts = pd.DataFrame(quarters, columns=["numerator", "denominator"], dtype=float)
    return parts.assign(kpi_id="K1", period_end=ends)


YEAR = [(10, 100), (20, 100), (30, 100), (40, 100)]


def test_quarters_are_recovered_forwards_from_a_known_year():
    # Quarters 10 20 30 40 of 100 each make 100 of 400; the next rolling 130 of 420 moves by 30 and 20: 40 of 120 alone.
    rows = in_period(rolling([100, 130, 125], [400, 420, 410]), known(YEAR))
    assert rows["in_period_numerator"].tolist() == [40, 40, 15]
    assert rows["in_period_denominator"].tolist() == [100, 120, 90]
    assert rows["in_period_value"].tolist() == pytest.approx([40, 100 / 3, 100 / 6])


def test_and_backwards_from_the_latest():
    # The latest quarter is 40 of 100 and the rolling numerator rose by 30: the quarter that left was 10.
    rows = rolling([100, 130], [400, 420], "2024-03-31")
    before = rolling([90], [400], "2023-06-30")
    found = in_period(pd.concat([before, rows]), known([(40, 120)], "2024-06-30"))
    parts = found[["in_period_numerator", "in_period_denominator"]].fillna(-1)
    assert parts.to_numpy().tolist() == [[10, 100], [-1, -1], [40, 120]]


def test_nothing_is_invented():
    rows = in_period(rolling([100, 130], [400, 420]))
    assert rows["in_period_value"].isna().all()
    impossible = in_period(rolling([100, 300], [400, 420]), known(YEAR))
    assert impossible["in_period_value"].isna().tolist() == [False, True]
    plain = in_period(rolling([100], [400]).assign(basis="quarter"))
    assert plain["in_period_value"].isna().all()


def decides(kpi, schemes=None):
    schemes = schemes or parse_schemes({})
    lines = rows_of(band_lines(pd.DataFrame([{"value": math.nan, "scheme": ""} | kpi]), schemes))
    return sensitivity(kpi, lines, schemes[""])


def test_sensitivity_by_hand():
    # EHCPs: 55% of 2421 is 1331.55, so 1332 − 813 = 519 more; 60% is 1452.6, so 640 more.
    amber = "Amber with 519 more cases meeting the standard (of 2,421)"
    assert decides(EHCP | {"rating": "Red"}) == [amber]
    # 63 of 600 is 10.5%: 10% allows 60, 9% allows 54.
    late = {"unit": "%", "polarity": "lower", "numerator": 63, "denominator": 600, "rating": "Red"}
    late |= {"target": 9.0, "floor_standard": 10.0}
    for changed, said in (
        ({}, ["Amber with three fewer cases"]),
        (
            {"rating": "Amber", "numerator": 60},
            ["Green with six fewer cases", "Red with one more case"],
        ),
        ({"rating": "Green", "numerator": 50}, ["Amber with five more cases"]),
        ({"floor_standard": 9.0}, ["Green with nine fewer cases"]),
    ):
        assert decides(late | changed) == [f"{one} (of 600)" for one in said]
    for silent in ({"numerator": math.nan}, {"unit": "days"}, {"polarity": "target"}):
        assert decides(EHCP | {"rating": "Red"} | silent) == []
    assert decides(EHCP | {"rating": None}) == []
    assert cases_to(EHCP, None) is None


@pytest.mark.parametrize("polarity", ["higher", "lower"])
@pytest.mark.parametrize(
    ("met", "cases", "level"),
    [(813, 2421, 55.0), (3, 7, 42.9), (50, 73, 68.0), (29, 50, 58.0), (1, 3, 33.3)],
)
def test_the_rating_turns_exactly_there(polarity, met, cases, level):
    """29 of 50 is 58%, although 29/50*100 falls short of it in floating point."""
    kpi = {"unit": "%", "polarity": polarity, "numerator": met, "denominator": cases}
    change = cases_to(kpi, level)
    row = kpi | {"value": 0.0, "target": level, "floor_standard": level}
    turns = met + change, met + change - (1 if polarity == "higher" else -1)
    rows = pd.DataFrame([row | {"numerator": float(one)} for one in turns])
    assert rate(rows)["rating"].tolist() == ["Green", "Red"]
    edge = Fraction(str(level)) * cases / 100
    assert met + change == (math.ceil(edge) if polarity == "higher" else math.floor(edge))


def test_sensitivity_by_the_bands_of_the_council():
    bands = [
        {"name": "Blue", "meets": "target beyond 10%", "colour": "blue"},
        {"name": "Green", "meets": "target within 5%"},
        {"name": "Red"},
    ]
    kpi = EHCP | {"target": 80.0, "numerator": 80, "denominator": 100, "rating": "Green"}
    assert decides(kpi, parse_schemes({"bands": bands})) == [
        "Blue with eight more cases meeting the standard (of 100)",
        "Red with five fewer cases meeting the standard (of 100)",
    ]
