"""Directions of travel: the published one on every engine, the overlap-aware one, Student's t; against scipy and by hand."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.trend import (
    chance_below,
    critical,
    difference_in_words,
    direction_of_travel,
    false_discovery,
    fit,
    gls_direction,
    mann_kendall,
    p_value,
    size_in_words,
)
from tests.engines import ENGINES, to_pandas

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
    with pytest.raises(InputError, match="for the same month"):
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


# The published rule


LAST = Quarter(2024, 3)


def quarters(values, kpi_id="A", polarity="higher", **more):
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
        quarters(rising, "up"),
        quarters(rising, "up but lower is better", "lower"),
        quarters(rising[::-1], "down"),
        quarters([5.0, 9.0, 4.0, 8.0, 5.0, 7.0], "noise"),
        quarters([7.0] * 6, "constant"),
        quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "a perfect line"),
        quarters([10.0, 11.0, math.nan, math.nan, 14.0, 15.0], "four points"),
        quarters([10.0, 11.1, math.nan, 12.9, 14.2, 15.0], "five points"),
        quarters([math.nan] * 6, "nothing"),
        quarters(rising, "closest", "target"),
        quarters(rising, "no polarity", "sideways"),
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
    cumulative = quarters([5.0, 10.0, 15.0, 20.0, 5.0, 10.0], basis="year_to_date")
    assert words(directed(cumulative, quarters([1.0, 2, 3, 4, 5, 6], "B", basis="quarter"))) == {
        "A": "not testable",
        "B": "positive",
    }


def test_a_perfect_line_has_its_slope_a_year_and_no_width(directed):
    line = directed(quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))["A"]
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
    assert directed(quarters(values))["A"]["slope"] == pytest.approx(expected.slope * 4)


def test_flat_but_for_floating_noise_is_no_trend(directed):
    noise = [0.3, 0.1 + 0.2, 0.3 + 1e-16, 0.1 + 0.2, 0.30000000000000016, 0.30000000000000027]
    assert words(directed(quarters(noise))) == {"A": "stable or no clear trend"}


def test_of_a_long_history_only_what_is_shown_is_tested(directed):
    fell_then_rose = [30.0, 28.0, 26.0, 24.0, 22.0, 10.0, 11.1, 12.0, 12.9, 14.2, 15.0]
    ended = quarters([1.0, 2, 3, 4, 5, 6], "ended").assign(
        period_end=lambda t: t["period_end"] - pd.DateOffset(years=9)
    )
    answer = directed(quarters(fell_then_rose), ended, after=date(2023, 6, 30))
    assert words(answer) == {"A": "positive", "ended": "not enough data"}
    assert [answer["A"]["points"], answer["ended"]["points"]] == [6, 0]
    assert answer["A"]["slope"] == pytest.approx(
        stats.linregress(range(6), fell_then_rose[5:]).slope * 4
    )
    assert words(directed(quarters(fell_then_rose))) == {"A": "negative"}


def test_dates_as_pandas_reads_them_from_parquet():
    table = quarters([1.0, 2, 3, 4, 5, 6.5])
    as_dates = table.assign(
        period_end=pd.Series([end.date() for end in table["period_end"]], dtype=object)
    )
    result = direction_of_travel(as_dates, after=date(2023, 6, 30))
    assert result["direction_of_travel"].tolist() == ["positive"] * 6
    assert result["slope"].tolist() == direction_of_travel(table)["slope"].tolist()


def test_large_values_lose_no_accuracy(directed):
    values = [1e9 + v for v in (1.0, 2.0, 2.5, 4.5, 5.0, 6.5)]
    row = directed(quarters(values))["A"]
    expected = stats.linregress(range(6), [1.0, 2.0, 2.5, 4.5, 5.0, 6.5])
    assert row["slope"] == pytest.approx(expected.slope * 4, rel=1e-6)
    assert row["direction_of_travel"] == "positive"


def test_series_by_several_keys_and_dates_without_time():
    table = pd.concat(
        [
            quarters([1.0, 2, 3, 4, 5, 6.5], area="Ashford"),
            quarters([6.0, 5, 4, 3, 2, 1.5], area="Dover"),
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
        [quarters([3.0, 1, 2, 5, 4, 6], "Z"), quarters([1.0, 2, 3, 4, 5, 6], "A")],
        ignore_index=True,
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
    table = pd.concat(
        [quarters(values, str(i)) for i, values in enumerate(many)], ignore_index=True
    )
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
        {"kpi_id": "K", "period_end": [date(2024, 12, 31)], "value": [1.0], "polarity": "higher"}
    )
    for changed, sentence in (
        (table.drop(columns=["value", "polarity"]), 'There is no column "value" in the table'),
        (table.assign(period_end=1), 'The column "period_end" holds no dates'),
        (table.assign(value="x"), 'The column "value" holds "x" in row 1'),
    ):
        with pytest.raises(InputError, match=sentence):
            direction_of_travel(ENGINES[engine](changed))


def test_size_and_certainty_are_given():
    """Against scipy's own regression."""
    values = [10.0, 11.4, 11.2, 13.5, 12.9, 14.1]
    rows = direction_of_travel(quarters(values))
    line = stats.linregress(np.arange(6) / 4, values)
    found = rows.iloc[0]
    assert found[["slope", "standard_error", "p_value"]].tolist() == pytest.approx(
        [line.slope, line.stderr, line.pvalue]
    )


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_row_without_a_period_and_a_period_twice_are_named(engine):
    rows = quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.5])
    rows["period_end"] = rows["period_end"].dt.strftime("%Y-%m-%d")
    for changed, sentence in (
        (
            rows.assign(period_end=rows["period_end"].mask(rows.index == 2)),
            '"period_end" is empty in row 3',
        ),
        (pd.concat([rows, rows.tail(1)]), "row 6 .A, 2024-12-31. and row 7"),
    ):
        for rule in (direction_of_travel, gls_direction):
            with pytest.raises(InputError, match=sentence):
                rule(ENGINES[engine](changed))


def test_a_frame_of_ones_own_in_three_lines_on_every_engine():
    own = quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.5]).rename(
        columns={"value": "pct", "period_end": "day"}
    )
    own = own.drop(columns=["polarity", "kpi_id"])
    for made in ENGINES.values():
        for rule, name in (
            (direction_of_travel, "direction_of_travel"),
            (gls_direction, "gls_direction"),
        ):
            found = to_pandas(rule(made(own), period="day", value="pct", polarity="higher"))
            assert set(found[name]) == {"positive"}
            zoned = rule(
                own.assign(day=own["day"].dt.tz_localize("UTC")),
                period="day",
                value="pct",
                polarity="lower",
                by=[],
            )
            assert set(zoned[name]) == {"negative"}


# Student's t


@pytest.mark.parametrize(
    ("df", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (10, 2.228), (30, 2.042)]
)
def test_the_printed_critical_values(df: int, printed: float) -> None:
    assert critical(df) == pytest.approx(printed, abs=0.0005)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 22, 58, 1000])
@pytest.mark.parametrize("t", [0.0, 1e-3, 0.3, 1.0, 2.5, 8.0, 60.0, 1e5])
def test_both_tails_agree_with_scipy(t: float, df: int) -> None:
    assert p_value(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-10, abs=1e-14)
    assert p_value(-t, df) == p_value(t, df)
    assert chance_below(t, df) == pytest.approx(stats.t.cdf(t, df), rel=1e-12)
    assert chance_below(-t, df) == pytest.approx(stats.t.cdf(-t, df), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("df", [1, 4, 5, 40])
@pytest.mark.parametrize("level", [0.5, 0.2, 0.05, 0.001])
def test_the_critical_value_undoes_the_p_value(df: int, level: float) -> None:
    assert critical(df, level) == pytest.approx(stats.t.isf(level / 2, df), rel=1e-10)
    assert p_value(critical(df, level), df) == pytest.approx(level, rel=1e-10)


def test_one_degree_of_freedom_by_hand() -> None:
    # With one degree of freedom t is a Cauchy variable: half of it lies beyond ±1.
    assert p_value(1.0, 1) == pytest.approx(0.5)
    assert chance_below(1.0, 1) == pytest.approx(0.75)


def test_the_ends() -> None:
    assert p_value(math.inf, 4) == 0.0
    assert math.isnan(p_value(math.nan, 4))
    assert p_value(0.0, 4) == 1.0
    assert chance_below(0.0, 4) == 0.5


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one degree of freedom, not 0"):
        p_value(1.0, 0)
    with pytest.raises(ValueError, match="between 0 and 1, not at 5"):
        critical(4, 5)
