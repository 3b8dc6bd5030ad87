"""The overlap-aware direction: against scipy, against generalised least squares written out in full, and by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_tools.statistics.regression import fit
from kpi_tools.statistics.student import critical
from kpi_tools.statistics.trend import (
    difference_in_words,
    false_discovery,
    gls_direction,
    mann_kendall,
    single_periods,
    size_in_words,
)

QUARTERS = [0, 3, 6, 9, 12, 15]
STABLE = "stable or no clear trend"


def series(values, basis="rolling_12_months", polarity="higher", kpi="K1", **columns):
    ends = pd.date_range("2023-09-30", periods=len(values), freq="QE")
    rows = {
        "kpi_id": kpi,
        "period_end": ends,
        "value": np.array(values, dtype=float),
        "polarity": polarity,
    }
    return pd.DataFrame({**rows, "basis": basis, **columns})


def direction(values, **more):
    return gls_direction(series(values, **more)).iloc[0]


@pytest.mark.parametrize("months", [QUARTERS, [0, 3, 9, 12, 15, 24], list(range(24))])
def test_without_overlap_it_is_ordinary_least_squares(months):
    values = np.random.default_rng(7).normal(30, 4, len(months))
    line, oracle = fit(months, values), stats.linregress(months, values)
    assert line.slope == pytest.approx(oracle.slope)
    assert line.p == pytest.approx(oracle.pvalue)
    reach = oracle.stderr * stats.t.isf(0.025, len(months) - 2)
    assert (line.low, line.high) == pytest.approx((oracle.slope - reach, oracle.slope + reach))


def written_out(months, values, overlap):
    """Slope and p-value by the textbook formula with the inverse of V."""
    x, y = np.array(months, dtype=float), np.array(values)
    shared = np.array([[max(0.0, overlap - abs(a - b)) for b in months] for a in months])
    inverse, design = np.linalg.inv(shared), np.column_stack([np.ones_like(x), x])
    spread = np.linalg.inv(design.T @ inverse @ design)
    best = spread @ design.T @ inverse @ y
    rest = y - design @ best
    error = math.sqrt(rest @ inverse @ rest / (len(x) - 2) * spread[1, 1])
    return best[1], 2 * stats.t.sf(abs(best[1] / error), len(x) - 2)


@pytest.mark.parametrize("months", [QUARTERS, [0, 3, 9, 12, 15, 24], list(range(24))])
def test_with_overlap_it_is_generalised_least_squares(months):
    values = np.random.default_rng(8).normal(30, 4, len(months))
    line, (slope, p) = fit(months, values, overlap=12), written_out(months, values, 12)
    assert line.slope == pytest.approx(slope)
    assert line.p == pytest.approx(p)


def test_quarters_counted_in_months_or_in_quarters_are_the_same():
    values = [22.8, 16.6, 12.9, 14.2, 26.0, 33.6]
    in_months, in_quarters = fit(QUARTERS, values, overlap=12), fit(range(6), values, overlap=4)
    assert in_months.slope * 3 == pytest.approx(in_quarters.slope)
    assert in_months.p == pytest.approx(in_quarters.p)


def test_the_two_rules_differ_on_a_rolling_series():
    # Rises by about 1 a quarter: certain if the six figures were independent, not so for six that share their data.
    values = [30.0, 30.8, 32.1, 32.9, 33.2, 34.6]
    assert direction(values, basis="quarter")["gls_direction"] == "positive"
    rolling = direction(values, direction_of_travel="positive")
    slope, p = written_out(QUARTERS, values, 12)
    assert rolling["gls_slope"] == pytest.approx(slope * 12)
    assert rolling["gls_p_value"] == pytest.approx(p)
    lower = rolling["gls_slope_high"] - rolling["gls_slope"]
    assert lower == pytest.approx(abs(slope) * 12 * critical(4) / stats.t.isf(p / 2, 4))


def test_the_ehcp_figures_have_no_clear_trend_either_way():
    values = [22.8, 16.6, 12.9, 14.2, 26.0, 33.6]
    ordinary = stats.linregress(range(6), values)
    assert ordinary.pvalue > 0.05
    found = direction(values, direction_of_travel=STABLE)
    assert found["gls_direction"] == STABLE
    assert found["gls_slope_low"] < 0 < found["gls_slope_high"]
    assert found["direction_note"] == ""


def test_polarity_flat_and_perfect_series():
    assert direction([1, 2, 3, 4, 5, 6])["gls_direction"] == "positive"
    assert direction([1, 2, 3, 4, 5, 6], polarity="lower")["gls_direction"] == "negative"
    assert direction([1, 2, 3, 4, 5])["gls_p_value"] == 0
    flat = direction([0.1 + 0.2] * 6)
    assert (flat["gls_direction"], flat["gls_slope"], flat["gls_p_value"]) == (STABLE, 0.0, 1.0)


def test_what_cannot_be_tested_says_so():
    assert direction([1, 2, 3, 4])["gls_direction"] == "not enough data"
    assert direction([math.nan] * 6)["gls_direction"] == "not enough data"
    assert direction([1, 2, 3, 4, 5, 6], basis="year_to_date")["gls_direction"] == "not testable"
    assert direction([1, 2, 3, 4, 5, 6], polarity="target")["gls_direction"] == "not testable"
    assert math.isnan(direction([1, 2, 3, 4])["gls_slope"])


def test_gaps_keep_their_place():
    values = [10.0, 11.5, math.nan, 13.0, 13.5, 15.5, 15.0]
    slope, p = written_out([0, 3, 9, 12, 15, 18], [v for v in values if v == v], 12)
    found = direction(values)
    assert found["gls_slope"] == pytest.approx(slope * 12)
    assert found["gls_p_value"] == pytest.approx(p)


def test_two_figures_for_one_month_are_refused():
    with pytest.raises(ValueError, match="for the same month"):
        fit([0, 3, 3, 6], [1.0, 2.0, 3.0, 4.0])


def test_an_official_direction_that_is_missing_makes_no_note():
    found = direction([1, 2, 3, 4, 5, 6.5], direction_of_travel=None)
    assert (found["direction_note"], found["second_opinion"]) == ("", "")


def test_rows_and_their_order_stay():
    both = pd.concat([series([1, 2, 3, 4, 5, 6.5]), series([6, 5, 4, 3, 2, 1.5], kpi="K2")]).sample(
        frac=1, random_state=2
    )
    found = gls_direction(both)
    assert list(found.index) == list(both.index)
    pd.testing.assert_frame_equal(found[both.columns.tolist()], both)
    assert found.groupby("kpi_id")["gls_direction"].first().to_dict() == {
        "K1": "positive",
        "K2": "negative",
    }
    pd.testing.assert_frame_equal(gls_direction(found), found)


def test_season_terms_take_the_season_out():
    # Rises by 1 a quarter with a large season: without season terms the rise drowns.
    values = [
        place + (0, 40, 5, -30)[place % 4] + noise
        for place, noise in enumerate([0.1, -0.2, 0, 0.2, -0.1, 0.1] * 2)
    ]
    assert direction(values, basis="quarter")["gls_direction"] == STABLE
    seasonal = direction(values, basis="quarter", seasonal=True)
    assert seasonal["gls_direction"] == "positive"
    assert seasonal["gls_slope"] == pytest.approx(4, abs=0.2)
    assert (
        direction(values[:6], basis="quarter", seasonal=True)["gls_direction"] == "not enough data"
    )


def test_mann_kendall_by_hand():
    # Six rising values: one of 720 orders, two-sided 2/720. One pair the wrong way round: 2 (1 + 5)/720.
    assert mann_kendall([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 720)
    assert mann_kendall([2, 1, 3, 4, 5, 6]) == pytest.approx(12 / 720)
    assert mann_kendall([3, 3, 3, 3]) == 1.0
    assert math.isnan(mann_kendall([1, 2]))


@settings(deadline=None, max_examples=50)
@given(st.permutations(list(range(8))))
def test_mann_kendall_is_kendalls_tau_with_time(order):
    assert mann_kendall(order) == pytest.approx(
        stats.kendalltau(range(8), order, method="exact").pvalue
    )


def test_mann_kendall_with_ties_is_the_corrected_normal_approximation():
    # 1 2 2 3 4: score 9 (ten pairs, one tied); variance (5·4·15 − 2·1·9)/18 = 282/18.
    assert mann_kendall([1, 2, 2, 3, 4]) == pytest.approx(
        2 * stats.norm.sf(8 / math.sqrt(282 / 18))
    )


def test_a_trend_that_hangs_on_one_value_is_remarked():
    values = [50.0, 50.2, 50.1, 50.0, 50.3, 50.1, 50.2, 50.0, 50.3, 53.0]
    found = direction(values, basis="quarter", direction_of_travel="positive")
    assert mann_kendall(values) > 0.05
    assert found["second_opinion"] == "the trend depends on one or two unusual values"
    assert direction(values, basis="quarter", direction_of_travel=STABLE)["second_opinion"] == ""


def test_the_difference_is_put_in_words():
    assert difference_in_words(STABLE, STABLE) == ""
    assert difference_in_words("not enough data", STABLE) == ""
    assert difference_in_words("negative", STABLE) == (
        "The published rule finds a negative direction; allowing for the data that rolling figures share, "
        "there is no clear trend."
    )


def test_the_size_is_put_in_words():
    assert size_in_words(-2.1, -3.6, -0.6, "%") == "falling by 2.1 points a year (0.6 to 3.6)"
    assert (
        size_in_words(120.4, 80.0, 160.0, "tonnes", 0) == "rising by 120 tonnes a year (80 to 160)"
    )
    assert (
        size_in_words(1.0, -0.5, 2.5, "%")
        == "no clear change: between a fall of 0.5 points and a rise of 2.5 points a year"
    )
    assert size_in_words(math.nan, 0, 1, "%") == ""


def test_false_discovery_by_hand():
    # Ranks of 0.01, 0.02, 0.04, 0.30: times 4/rank 0.04, 0.04, 0.0533, 0.30, then the least from there on.
    assert false_discovery([0.30, 0.01, math.nan, 0.04, 0.02]) == pytest.approx(
        [0.30, 0.04, math.nan, 4 * 0.04 / 3, 0.04], nan_ok=True
    )
    assert false_discovery([]) == []
    p = np.random.default_rng(1).uniform(size=30)
    assert false_discovery(p.tolist()) == pytest.approx(stats.false_discovery_control(p).tolist())


def year_to_date(**columns):
    ends = pd.to_datetime(["2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31", "2025-03-31"])
    return pd.DataFrame(
        {"kpi_id": "K1", "period_end": ends, "basis": "year_to_date", "unit": "%", **columns}
    )


def test_year_to_date_becomes_single_quarters():
    # 40 of 50; 70 of 100, so 30 of 50 alone; 130 of 200, so 60 of 100 alone; the first row has no quarter before it.
    nothing = math.nan
    rows = year_to_date(
        value=[80.0, 80, 70, 65, nothing],
        numerator=[300.0, 40, 70, 130, nothing],
        denominator=[400.0, 50, 100, 200, nothing],
    )
    single = single_periods(rows)
    assert single["value"].tolist() == pytest.approx([nothing, 80, 60, 60, nothing], nan_ok=True)
    assert single["numerator"].tolist() == pytest.approx(
        [nothing, 40, 30, 60, nothing], nan_ok=True
    )
    assert set(single["basis"]) == {"quarter"}
    assert rows["value"].tolist()[:4] == [80, 80, 70, 65]
    counts = single_periods(
        year_to_date(value=[9.0, 5, 12, 20, 21], numerator=nothing, denominator=nothing).assign(
            unit="count"
        )
    )
    assert counts["value"].tolist() == pytest.approx([nothing, 5, 7, 8, 1], nan_ok=True)


def test_single_quarters_need_the_quarter_before():
    rows = year_to_date(
        value=[9.0, 5, 12, 20, 21], numerator=math.nan, denominator=math.nan
    ).assign(unit="count")
    left = single_periods(rows.drop(index=2))
    assert left["value"].tolist() == pytest.approx([math.nan, 5, math.nan, 1], nan_ok=True)
