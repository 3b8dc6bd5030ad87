"""Predictions, intervals and chances against the textbook formulas; states in words where nothing can be said."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpi_tools.outlook import chance_in_words, outlook
from tests.engines import ENGINES

RISING = [30.0, 31.0, 33.0, 34.0, 36.0, 37.5]
LEVEL = [30.0, 34.0, 31.0, 33.0, 30.0, 34.0]


def series(values, last="2024-12-31", **columns):
    ends = pd.date_range(end=last, periods=len(values), freq="QE")
    rows = {"kpi_id": "K1", "period_end": ends, "value": np.array(values, dtype=float)}
    rows |= {"polarity": "higher", "basis": "quarter", "target": 40.0, "floor_standard": 36.0}
    return pd.DataFrame({**rows, **columns})


def looked(values, last="2024-12-31", **columns):
    return outlook(series(values, last, **columns)).iloc[0]


def test_a_trend_is_prolonged_with_its_prediction_interval():
    # x = 0 … 5: mean 2.5, sum of squares 17.5. At x = 6 the variance is s² (1 + 1/6 + 3.5²/17.5).
    line = stats.linregress(range(6), RISING)
    rest = RISING - (line.intercept + line.slope * np.arange(6))
    error = math.sqrt(rest @ rest / 4 * (1 + 1 / 6 + 3.5**2 / 17.5))
    expected = line.intercept + 6 * line.slope
    row = looked(RISING)
    assert row["outlook"] == "from the trend"
    assert row["next_quarter"] == "2024-25 Q4"
    assert row["next_expected"] == pytest.approx(expected)
    assert row["next_high"] - row["next_expected"] == pytest.approx(stats.t.isf(0.025, 4) * error)
    assert row["next_target_chance"] == pytest.approx(stats.t.sf((40 - expected) / error, 4))
    assert row["next_floor_chance"] == pytest.approx(stats.t.sf((36 - expected) / error, 4))


def test_without_a_trend_the_mean_is_what_is_predicted():
    # Mean 32, sum of squares 18, five degrees of freedom: the variance of a new figure is 18/5 (1 + 1/6).
    row = looked(LEVEL)
    assert row["outlook"] == "from the mean, as there is no clear trend"
    assert row["next_expected"] == pytest.approx(32.0)
    assert row["next_low"] == pytest.approx(32 - stats.t.isf(0.025, 5) * math.sqrt(18 / 5 * 7 / 6))


def test_lower_is_better_turns_the_chance_round_and_close_to_target_counts_both_sides():
    higher, lower = looked(RISING), looked(RISING, polarity="lower")
    assert lower["next_target_chance"] == pytest.approx(1 - higher["next_target_chance"])
    row = looked(LEVEL, polarity="target", target=32.0, tolerance=2.0)
    error = math.sqrt(18 / 5 * 7 / 6)
    assert row["next_target_chance"] == pytest.approx(1 - 2 * stats.t.sf(2 / error, 5))
    assert row["next_floor_chance"] == pytest.approx(1 - 2 * stats.t.sf(4 / error, 5))


def test_a_rolling_figure_is_held_by_the_data_it_will_share():
    # The next rolling figure shares three of its four quarters with the latest, so it stays near it and is surer.
    months, y = np.arange(0, 18, 3), np.array([30.0, 31, 29, 30, 31, 36])
    plain, rolling = looked(y), looked(y, basis="rolling_12_months")
    assert rolling["next_expected"] > plain["next_expected"]
    shared = np.maximum(0, 12 - np.abs(months[:, None] - months)) / 12
    inverse, ones = np.linalg.inv(shared), np.ones(6)
    mean = ones @ inverse @ y / (ones @ inverse @ ones)
    new = np.maximum(0, 12 - np.abs(18 - months)) / 12
    assert rolling["next_expected"] == pytest.approx(mean + new @ inverse @ (y - mean))
    variance = (y - mean) @ inverse @ (y - mean) / 5
    left = 1 - new @ inverse @ ones
    error = math.sqrt(variance * (1 - new @ inverse @ new + left**2 / (ones @ inverse @ ones)))
    reach = rolling["next_high"] - rolling["next_expected"]
    assert reach == pytest.approx(stats.t.isf(0.025, 5) * error)


@pytest.mark.parametrize(("last", "year_end", "state"), [
    ("2024-12-31", "2024-25 Q4", ""),
    ("2024-09-30", "2024-25 Q4", ""),
    ("2024-06-30", "2024-25 Q4", "not predicted: further ahead than a third of the history"),
    ("2025-03-31", "2024-25 Q4", "the latest figure is already that of the year's end"),
])  # fmt: skip
def test_never_beyond_a_third_of_the_history(last, year_end, state):
    row = looked(RISING, last)
    assert (row["horizon"], row["year_end_quarter"], row["year_end_state"]) == (2, year_end, state)
    assert math.isnan(row["year_end_expected"]) == bool(state)


def test_a_missing_latest_figure_is_the_first_to_predict():
    assert looked([*RISING, math.nan], "2025-03-31")["next_quarter"] == "2024-25 Q4"


YEARLY = "not predicted: a figure that comes once a year or less often is not carried on"
CUMULATIVE = "not predicted: year-to-date figures grow through the year by their nature"


@pytest.mark.parametrize(("values", "columns", "state"), [
    ([1, 2, 3, 4], {}, "not enough data"),
    ([math.nan] * 6, {}, "not enough data"),
    ([7.0] * 6, {}, "no variation"),
    (RISING, {"basis": "year_to_date"}, CUMULATIVE),
    (RISING, {"basis": "annual"}, YEARLY),
    (RISING, {"frequency": "annual"}, YEARLY),
])  # fmt: skip
def test_what_cannot_be_predicted_says_so(values, columns, state):
    row = looked(values, **columns)
    assert row["outlook"] == state
    assert math.isnan(row["next_expected"]) and math.isnan(row["next_target_chance"])


def test_without_room_about_the_line_or_without_target_there_is_no_chance():
    row = looked([1, 2, 3, 4, 5, 6])
    assert row["next_expected"] == pytest.approx(7) and math.isnan(row["next_target_chance"])
    row = looked(RISING, target=math.nan)
    assert row["next_floor_chance"] > 0.9 and math.isnan(row["next_target_chance"])
    assert math.isnan(outlook(series(RISING).drop(columns="target")).iloc[0]["next_target_chance"])


def test_a_chance_in_words_is_never_0_or_100():
    said = {0.001: "is under 1%", 0.5: "is about 50%", 0.9999: "is over 99%"}
    assert {chance: chance_in_words(chance) for chance in said} == said
    assert chance_in_words(math.nan) == "not known"


# Small counts, ends, outliers, redefinitions


def quarterly(values, **columns):
    ends = pd.date_range(end="2024-12-31", periods=len(values), freq="QE")
    rows = {"period_end": ends, "value": np.array(values, float), "polarity": "lower"}
    return pd.DataFrame(rows | columns)


def test_a_small_count_meets_nought_about_seven_times_in_ten():
    """Nought in eight of ten quarters, 3.5 in all: Poisson with 0.35 a quarter gives exp(-0.35) = 0.70, the normal 36%."""
    counts = quarterly([0, 0, 2, 0, 0, 0, 1, 0, 0, 0], unit="count", target=0.0, floor_standard=1.0)
    found = outlook(counts).iloc[0]
    assert found["outlook"] == "from the mean of small counts, as there is no clear trend"
    mean = 0.3
    assert found["next_expected"] == pytest.approx(mean)
    assert found["next_target_chance"] == pytest.approx(stats.poisson.cdf(0, mean))
    assert found["next_floor_chance"] == pytest.approx(stats.poisson.cdf(1, mean))
    assert (found["next_low"], found["next_high"]) == (0, stats.poisson.ppf(0.975, mean))


def test_a_percentage_at_its_end_most_of_the_time_is_as_its_past_figures_were():
    shares = [100.0, 100, 98, 100, 100, 100, 96, 100]
    rows = quarterly(shares, polarity="higher", unit="%", target=98.0)
    found = outlook(rows).iloc[0]
    assert found["outlook"].startswith("from the past figures, most of which lie at the end")
    assert (found["next_target_chance"], found["next_high"]) == (pytest.approx(7 / 8), 100)
    assert math.isnan(outlook(rows.tail(6)).iloc[0]["next_target_chance"])


def test_intervals_end_where_the_measure_ends():
    rows = quarterly([97.0, 99.0, 96.0, 99.5, 98.0, 99.0], polarity="higher", unit="%", target=98.0)
    found = outlook(rows).iloc[0]
    assert found["next_high"] == 100 and found["next_low"] < 97
    wide = outlook(rows.assign(range_low=-math.inf, range_high=150.0)).iloc[0]
    assert wide["next_high"] > 100
    assert wide["next_target_chance"] == found["next_target_chance"]  # never the test


def test_nothing_is_predicted_from_an_outlier_or_across_a_redefinition():
    slip = quarterly([613, 610, 608, 615, 611, 612, 6130], unit="count", target=600.0)
    assert outlook(slip)["outlook"].tolist() == ["not predicted: one figure is unlike all others"]
    other = quarterly([10, 12, 11, 50, 52, 51], series_from=[None] * 3 + ["2024-25 Q1"] * 3)
    assert outlook(other)["outlook"].tolist() == ["not enough data"]


def test_half_yearly_figures_are_predicted_half_a_year_ahead():
    ends = pd.date_range("2022-03-31", periods=6, freq="2QE")
    rows = pd.DataFrame({"period_end": ends, "value": [10.0, 12, 11, 12, 10, 11]})
    rows = rows.assign(polarity="higher", target=9.0)
    found = outlook(rows).iloc[0]
    assert (found["next_quarter"], found["year_end_quarter"]) == ("2024-25 Q4", "2024-25 Q4")
    assert found["year_end_state"] == ""
    between = rows.assign(period_end=pd.date_range("2022-06-30", periods=6, freq="2QE"))
    found = outlook(between).iloc[0]
    assert (found["next_quarter"], found["year_end_quarter"]) == ("2025-26 Q1", "2024-25 Q4")
    assert found["year_end_state"] == "not predicted: no figure is due at the year's end"


def test_a_frame_of_ones_own_on_every_engine():
    own = quarterly([10.0, 12, 11, 12, 10, 11]).drop(columns="polarity")
    own = own.rename(columns={"value": "pct", "period_end": "day"})
    for made in ENGINES.values():
        found = outlook(made(own), period="day", value="pct", polarity="higher", target=9).iloc[0]
        assert found["next_target_chance"] > 0.9


def test_the_readmes_example_of_ones_own_frame_runs():
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    code = text[text.index("## With a frame of your own") :].split("```python\n")[1].split("```")[0]
    found: dict = {}
    exec(code, found)
    assert found["latest"]["assurance"].tolist() == ["hit or miss"]
    assert set(found["arrow"]["direction_of_travel"]) == {"positive"}
    assert set(found["rated"]["rating"]) == {"Green", "Amber"}
    assert found["ahead"]["next_target_chance"].iloc[0] > 0.9


def test_without_figures_there_is_nothing_to_predict_and_the_columns_are_there():
    some = series([1.0, 2, 3, 4, 5, 6, 7])
    none = some.head(0)
    assert outlook(none).columns.tolist() == outlook(some).columns.tolist() and outlook(none).empty
