"""Predictions, intervals and chances against the textbook formulas; states in words where nothing can be said."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kpi_tools.outlook import chance_in_words, outlook, outlook_in_words, predictions

RISING = [30.0, 31.0, 33.0, 34.0, 36.0, 37.5]
LEVEL = [30.0, 34.0, 31.0, 33.0, 30.0, 34.0]


def series(values, last="2024-12-31", **columns):
    ends = pd.date_range(end=last, periods=len(values), freq="QE")
    rows = {
        "kpi_id": "K1",
        "period_end": ends,
        "value": np.array(values, dtype=float),
        "polarity": "higher",
    }
    return pd.DataFrame(
        {**rows, "basis": "quarter", "target": 40.0, "floor_standard": 36.0, **columns}
    )


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


def test_lower_is_better_turns_the_chance_round():
    higher, lower = looked(RISING), looked(RISING, polarity="lower")
    assert lower["next_target_chance"] == pytest.approx(1 - higher["next_target_chance"])


def test_close_to_target_counts_both_sides():
    row = looked(LEVEL, polarity="target", target=32.0, tolerance=2.0)
    error = math.sqrt(18 / 5 * 7 / 6)
    assert row["next_target_chance"] == pytest.approx(1 - 2 * stats.t.sf(2 / error, 5))
    assert row["next_floor_chance"] == pytest.approx(1 - 2 * stats.t.sf(4 / error, 5))


def test_a_rolling_figure_is_held_by_the_data_it_will_share():
    # The next rolling figure shares three of its four quarters with the latest, so it stays near it and is surer.
    plain, rolling = (
        looked([30.0, 31, 29, 30, 31, 36]),
        looked([30.0, 31, 29, 30, 31, 36], basis="rolling_12_months"),
    )
    assert rolling["next_expected"] > plain["next_expected"]
    months, y = np.arange(0, 18, 3), np.array([30.0, 31, 29, 30, 31, 36])
    shared = np.maximum(0, 12 - np.abs(months[:, None] - months)) / 12
    inverse, ones = np.linalg.inv(shared), np.ones(6)
    mean = ones @ inverse @ y / (ones @ inverse @ ones)
    new = np.maximum(0, 12 - np.abs(18 - months)) / 12
    assert rolling["next_expected"] == pytest.approx(mean + new @ inverse @ (y - mean))
    variance = (y - mean) @ inverse @ (y - mean) / 5
    left = 1 - new @ inverse @ ones
    error = math.sqrt(variance * (1 - new @ inverse @ new + left**2 / (ones @ inverse @ ones)))
    assert rolling["next_high"] - rolling["next_expected"] == pytest.approx(
        stats.t.isf(0.025, 5) * error
    )


@pytest.mark.parametrize(
    ("last", "year_end", "state"),
    [
        ("2024-12-31", "2024-25 Q4", ""),
        ("2024-09-30", "2024-25 Q4", ""),
        ("2024-06-30", "2024-25 Q4", "not predicted: further ahead than a third of the history"),
        ("2025-03-31", "2024-25 Q4", "the latest figure is already that of the year's end"),
    ],
)
def test_never_beyond_a_third_of_the_history(last, year_end, state):
    row = looked(RISING, last)
    assert (row["horizon"], row["year_end_quarter"], row["year_end_state"]) == (2, year_end, state)
    assert math.isnan(row["year_end_expected"]) == bool(state)
    assert predictions(series(RISING, last))["quarter"].size == 2


def test_predictions_for_a_chart_are_those_of_the_outlook():
    rows, row = predictions(series(RISING)), looked(RISING)
    assert rows["quarter"].tolist() == ["2024-25 Q4", "2025-26 Q1"]
    assert rows["period_end"].tolist() == [pd.Timestamp("2025-03-31"), pd.Timestamp("2025-06-30")]
    assert rows["expected"][0] == row["next_expected"]
    assert rows["low"][0] == row["next_low"]


def test_a_missing_latest_figure_is_the_first_to_predict():
    row = looked([*RISING, math.nan], "2025-03-31")
    assert row["next_quarter"] == "2024-25 Q4"


@pytest.mark.parametrize(
    ("values", "columns", "state"),
    [
        ([1, 2, 3, 4], {}, "not enough data"),
        ([math.nan] * 6, {}, "not enough data"),
        ([7.0] * 6, {}, "no variation"),
        (
            RISING,
            {"basis": "year_to_date"},
            "not predicted: year-to-date figures grow through the year by their nature",
        ),
        (
            RISING,
            {"basis": "annual"},
            "not predicted: a figure that comes once a year has no next quarter",
        ),
        (
            RISING,
            {"frequency": "annual"},
            "not predicted: a figure that comes once a year has no next quarter",
        ),
    ],
)
def test_what_cannot_be_predicted_says_so(values, columns, state):
    row = looked(values, **columns)
    assert row["outlook"] == state
    assert math.isnan(row["next_expected"]) and math.isnan(row["next_target_chance"])
    assert predictions(series(values, **columns)).empty
    assert outlook_in_words(row, "%", 0) == f"Outlook: {state}."


def test_a_perfect_line_has_no_chance_to_speak_of():
    row = looked([1, 2, 3, 4, 5, 6])
    assert row["next_expected"] == pytest.approx(7)
    assert math.isnan(row["next_target_chance"])


def test_without_target_there_is_no_chance():
    row = looked(RISING, target=math.nan)
    assert math.isnan(row["next_target_chance"])
    assert row["next_floor_chance"] > 0.9
    assert math.isnan(outlook(series(RISING).drop(columns="target")).iloc[0]["next_target_chance"])


def test_in_words():
    text = outlook_in_words(looked(RISING, "2024-09-30"), "%", 0)
    assert text.startswith(
        "Predicted from the trend. Next quarter (Quarter 3 2024/25) expect 39%, between 38% and 40%; "
    )
    assert (
        "the chance of meeting the target is about 3% and of meeting the floor standard is over 99%."
        in text
    )
    assert "At the year's end (Quarter 4 2024/25) expect 40%" in text
    assert "nothing is said of it" in outlook_in_words(looked(RISING, "2024-06-30"), "%", 0)
    high = outlook_in_words(looked([97.0, 99.5, 96.0, 99.0, 98.0, 97.5]), "%", 0)
    assert "and 100%" in high


def test_chances_never_promise():
    assert [chance_in_words(c) for c in (0.001, 0.5, 0.9999)] == [
        "is under 1%",
        "is about 50%",
        "is over 99%",
    ]
    assert chance_in_words(math.nan) == "not known"
