"""Direction of travel, on every engine by one fixture. scipy is the oracle; edges are by hand."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_tools.direction import direction_of_travel
from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter, quarter_range
from tests.engines import ENGINES, to_pandas

LAST = Quarter(2024, 3)


def series(values, kpi_id="A", polarity="higher", **more):
    """One row a quarter, the last value in 2024-25 Q3."""
    quarters = quarter_range(LAST, len(values))
    return pd.DataFrame(
        {
            "kpi_id": kpi_id,
            "period_end": [pd.Timestamp(q.end) for q in quarters],
            "value": values,
            "polarity": polarity,
            **more,
        }
    )


@pytest.fixture(params=list(ENGINES))
def directed(request):
    """The direction of each series on one engine, as {kpi_id: row}."""

    def answer(*tables, **settings):
        frame = ENGINES[request.param](pd.concat(tables, ignore_index=True))
        result = to_pandas(direction_of_travel(frame, **settings))
        assert len(result) == sum(map(len, tables))
        assert result.groupby("kpi_id")["direction_of_travel"].nunique().eq(1).all()
        return result.drop_duplicates("kpi_id").set_index("kpi_id").to_dict("index")

    return answer


def words(answer):
    return {kpi_id: row["direction_of_travel"] for kpi_id, row in answer.items()}


def test_each_state(directed):
    rising = [10.0, 11.1, 12.0, 12.9, 14.2, 15.0]
    answer = directed(
        series(rising, "up"),
        series(rising, "up but lower is better", "lower"),
        series(rising[::-1], "down"),
        series([5.0, 9.0, 4.0, 8.0, 5.0, 7.0], "noise"),
        series([7.0] * 6, "constant"),
        series([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "a perfect line"),
        series([10.0, 11.0, math.nan, math.nan, 14.0, 15.0], "four points"),
        series([10.0, 11.1, math.nan, 12.9, 14.2, 15.0], "five points"),
        series([math.nan] * 6, "nothing"),
        series(rising, "closest", "target"),
        series(rising, "no polarity", "sideways"),
    )
    assert words(answer) == {
        "up": "positive",
        "up but lower is better": "negative",
        "down": "negative",
        "noise": "stable or no clear trend",
        "constant": "stable or no clear trend",
        "a perfect line": "positive",
        "four points": "not enough data",
        "five points": "positive",
        "nothing": "not enough data",
        "closest": "not testable",
        "no polarity": "not testable",
    }
    assert [answer[name]["points"] for name in ("up", "five points", "four points", "nothing")] == [
        6,
        5,
        4,
        0,
    ]
    assert answer["four points"]["slope"] is None or math.isnan(answer["four points"]["slope"])


def test_year_to_date_is_not_testable(directed):
    cumulative = series([5.0, 10.0, 15.0, 20.0, 5.0, 10.0], basis="year_to_date")
    assert words(directed(cumulative, series([1.0, 2, 3, 4, 5, 6], "B", basis="quarter"))) == {
        "A": "not testable",
        "B": "positive",
    }


def test_a_perfect_line_has_its_slope_a_year_and_no_width(directed):
    line = directed(series([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))["A"]
    assert [
        line["slope"],
        line["slope_low"],
        line["slope_high"],
        line["r_squared"],
    ] == pytest.approx([4, 4, 4, 1])


def test_a_gap_keeps_its_place(directed):
    values = [10.0, math.nan, 13.0, 12.0, math.nan, 16.0, 15.0]
    at = [0.0, 2.0, 3.0, 5.0, 6.0]
    expected = stats.linregress(at, [10.0, 13.0, 12.0, 16.0, 15.0])
    assert directed(series(values))["A"]["slope"] == pytest.approx(expected.slope * 4)


def test_flat_but_for_floating_noise_is_no_trend(directed):
    noise = [0.3, 0.1 + 0.2, 0.3 + 1e-16, 0.1 + 0.2, 0.30000000000000016, 0.30000000000000027]
    assert words(directed(series(noise))) == {"A": "stable or no clear trend"}


def test_of_a_long_history_only_what_is_shown_is_tested(directed):
    fell_then_rose = [30.0, 28.0, 26.0, 24.0, 22.0, 10.0, 11.1, 12.0, 12.9, 14.2, 15.0]
    ended = series([1.0, 2, 3, 4, 5, 6], "ended").assign(
        period_end=lambda t: t["period_end"] - pd.DateOffset(years=9)
    )
    answer = directed(series(fell_then_rose), ended, after=date(2023, 6, 30))
    assert words(answer) == {"A": "positive", "ended": "not enough data"}
    assert [answer["A"]["points"], answer["ended"]["points"]] == [6, 0]
    assert answer["A"]["slope"] == pytest.approx(
        stats.linregress(range(6), fell_then_rose[5:]).slope * 4
    )
    assert words(directed(series(fell_then_rose))) == {"A": "negative"}


def test_dates_as_pandas_reads_them_from_parquet():
    table = series([1.0, 2, 3, 4, 5, 6.5])
    as_dates = table.assign(
        period_end=pd.Series([end.date() for end in table["period_end"]], dtype=object)
    )
    result = direction_of_travel(as_dates, after=date(2023, 6, 30))
    assert result["direction_of_travel"].tolist() == ["positive"] * 6
    assert result["slope"].tolist() == direction_of_travel(table)["slope"].tolist()


def test_large_values_lose_no_accuracy(directed):
    values = [1e9 + v for v in (1.0, 2.0, 2.5, 4.5, 5.0, 6.5)]
    row = directed(series(values))["A"]
    expected = stats.linregress(range(6), [1.0, 2.0, 2.5, 4.5, 5.0, 6.5])
    assert row["slope"] == pytest.approx(expected.slope * 4, rel=1e-6)
    assert row["direction_of_travel"] == "positive"


def test_series_by_several_keys_and_dates_without_time():
    table = pd.concat(
        [
            series([1.0, 2, 3, 4, 5, 6.5], area="Ashford"),
            series([6.0, 5, 4, 3, 2, 1.5], area="Dover"),
        ]
    )
    table["period_end"] = table["period_end"].dt.date.astype("datetime64[s]")
    result = direction_of_travel(table, by=["area", "kpi_id"]).drop_duplicates("area")
    assert result.set_index("area")["direction_of_travel"].to_dict() == {
        "Ashford": "positive",
        "Dover": "negative",
    }
    assert isinstance(LAST.end, date)


def test_the_callers_table_is_not_changed_and_keeps_its_order():
    table = pd.concat(
        [series([3.0, 1, 2, 5, 4, 6], "Z"), series([1.0, 2, 3, 4, 5, 6], "A")], ignore_index=True
    )
    before = table.copy()
    result = direction_of_travel(table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(result[list(before.columns)], before)
    again = direction_of_travel(result)
    assert list(again.columns) == list(result.columns)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(-100, 100).map(lambda x: round(x, 2)), min_size=5, max_size=12),
        min_size=1,
        max_size=30,
    )
)
def test_agrees_with_scipy(many):
    table = pd.concat([series(values, str(i)) for i, values in enumerate(many)], ignore_index=True)
    result = direction_of_travel(table).drop_duplicates("kpi_id").reset_index(drop=True)
    for values, row in zip(many, result.to_dict("records"), strict=True):
        if np.ptp(values) == 0:
            assert row["direction_of_travel"] == "stable or no clear trend"
            continue
        line = stats.linregress(np.arange(len(values)), values)
        half = stats.t.ppf(0.975, len(values) - 2) * line.stderr
        assert row["slope"] == pytest.approx(line.slope * 4, abs=1e-9)
        assert [row["slope_low"], row["slope_high"]] == pytest.approx(
            [(line.slope - half) * 4, (line.slope + half) * 4], abs=1e-6
        )
        if abs(line.pvalue - 0.05) > 1e-9:
            expected = (
                "stable or no clear trend"
                if line.pvalue > 0.05
                else "positive"
                if line.slope > 0
                else "negative"
            )
            assert row["direction_of_travel"] == expected


@pytest.mark.parametrize("engine", list(ENGINES))
def test_more_points_than_are_listed(engine):
    """Thirty and more: sixty months of a series, five years of weeks."""
    random, rows = np.random.default_rng(7), []
    ends = pd.date_range("2000-01-31", periods=300, freq="ME")
    for points in (29, 30, 31, 40, 60, 123, 300):
        values = random.normal(70, 3, points) + 0.9 * np.arange(points) / points
        rows.append(
            pd.DataFrame({"kpi_id": f"{points:03}", "period_end": ends[:points], "value": values})
        )
    table = pd.concat(rows, ignore_index=True).assign(polarity="higher")
    found = (
        to_pandas(direction_of_travel(ENGINES[engine](table)))
        .drop_duplicates("kpi_id")
        .set_index("kpi_id")
    )
    for name, series in table.groupby("kpi_id"):
        line = stats.linregress(np.arange(len(series)) / 12, series["value"])
        reach = stats.t.ppf(0.975, len(series) - 2) * line.stderr
        assert found.loc[name, "slope_low"] == pytest.approx(line.slope - reach, rel=1e-9, abs=1e-9)
        assert found.loc[name, "slope_high"] == pytest.approx(
            line.slope + reach, rel=1e-9, abs=1e-9
        )
        assert (found.loc[name, "direction_of_travel"] == "positive") == (
            line.pvalue < 0.05 and line.slope > 0
        )


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_straight_line_has_no_room_about_it_on_any_engine(engine):
    """Its residuals are noise of the sixteenth place, and their root of the eighth."""
    random, rows = np.random.default_rng(5), []
    ends = pd.date_range("2014-06-30", periods=29, freq="QE")
    for number in range(40):
        points = int(random.integers(5, 30))
        values = random.uniform(-100, 100) + random.uniform(-3, 3) * np.arange(points)
        rows.append(pd.DataFrame({"kpi_id": number, "period_end": ends[:points], "value": values}))
    table = (
        pd.concat(rows, ignore_index=True).sample(frac=1, random_state=2).assign(polarity="higher")
    )
    found = to_pandas(direction_of_travel(ENGINES[engine](table))).astype({"slope": float})
    for bound in ("slope_low", "slope_high"):
        np.testing.assert_allclose(found[bound].astype(float), found["slope"], rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_table_that_cannot_be_read_is_told_in_a_sentence(engine):
    table = pd.DataFrame(
        {"kpi_id": "K", "period_end": ["2024-12-31"], "value": [1.0], "polarity": "higher"}
    )
    for changed, sentence in (
        (
            table.drop(columns=["value", "polarity"]),
            "There is no column value or polarity in the table",
        ),
        (table, 'The column "period_end" holds no dates'),
        (table.assign(value="x"), 'The column "value" holds text, not numbers'),
    ):
        with pytest.raises(InputError, match=sentence):
            direction_of_travel(ENGINES[engine](changed))
