"""Directions of travel: the published one on every engine, the overlap-aware one, Student's t; against scipy and by hand."""

import math
from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
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
)
from tests.engines import ENGINES, to_pandas

RULES = [direction_of_travel, gls_direction]
QUARTERS = [0, 3, 6, 9, 12, 15]
STABLE = "stable or no clear trend"
SEASONAL = [
    place + (0, 40, 5, -30)[place % 4] + noise
    for place, noise in enumerate([0.1, -0.2, 0, 0.2, -0.1, 0.1] * 2)
]


def series(values, basis="rolling_12_months", polarity="higher", kpi="K1", **columns):
    ends = pd.date_range("2023-09-30", periods=len(values), freq="QE")
    rows = {"kpi_id": kpi, "period_end": ends, "value": np.array(values, dtype=float)}
    return pd.DataFrame({**rows, "polarity": polarity, "basis": basis, **columns})


def direction(values, **more):
    return gls_direction(series(values, **more)).iloc[0]


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


@pytest.mark.parametrize("overlap", [1, 12])
@pytest.mark.parametrize("months", [QUARTERS, [0, 3, 9, 12, 15, 24], list(range(24))])
def test_a_line_is_the_textbooks_by_least_squares_ordinary_or_generalised(months, overlap):
    values = np.random.default_rng(7).normal(30, 4, len(months))
    line, (slope, p) = fit(months, values, overlap=overlap), written_out(months, values, overlap)
    assert (line.slope, line.p) == pytest.approx((slope, p))
    if overlap == 1:
        oracle = stats.linregress(months, values)
        reach = oracle.stderr * stats.t.isf(0.025, len(months) - 2)
        assert (line.slope, line.p) == pytest.approx((oracle.slope, oracle.pvalue))
        assert (line.low, line.high) == pytest.approx((oracle.slope - reach, oracle.slope + reach))
    if months == QUARTERS and overlap == 12:  # counted in quarters it is the same
        quarterly = fit(range(6), values, overlap=4)
        assert (quarterly.slope / 3, quarterly.p) == pytest.approx((slope, p))
    with pytest.raises(InputError, match="for the same month"):
        fit([0, 3, 3, 6], [1.0, 2.0, 3.0, 4.0])


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


@pytest.mark.parametrize(("values", "columns", "expected"), [
    ([1, 2, 3, 4, 5, 6], {}, "positive"),
    ([1, 2, 3, 4, 5, 6], {"polarity": "lower"}, "negative"),
    ([0.1 + 0.2] * 6, {}, STABLE),
    ([22.8, 16.6, 12.9, 14.2, 26.0, 33.6], {}, STABLE),  # EHC plans: the interval holds nought
    ([1, 2, 3, 4], {}, "not enough data"),
    ([math.nan] * 6, {}, "not enough data"),
    ([1, 2, 3, 4, 5, 6], {"basis": "year_to_date"}, "not testable"),
    ([1, 2, 3, 4, 5, 6], {"polarity": "target"}, "not testable"),
    # without season terms the rise by 1 a quarter drowns in the season
    (SEASONAL, {"basis": "quarter"}, STABLE),
    (SEASONAL, {"basis": "quarter", "seasonal": True}, "positive"),
    (SEASONAL[:6], {"basis": "quarter", "seasonal": True}, "not enough data"),
])  # fmt: skip
def test_the_states_of_the_second_rule(values, columns, expected):
    found = direction(values, direction_of_travel=None, **columns)
    assert found["gls_direction"] == expected
    assert found["direction_note"] == ""  # there is no official one to differ from


def test_the_size_of_what_is_flat_perfect_or_seasonal():
    flat, four = direction([0.1 + 0.2] * 6), direction([1, 2, 3, 4])
    assert (flat["gls_slope"], flat["gls_p_value"]) == (0.0, 1.0)
    assert direction([1, 2, 3, 4, 5])["gls_p_value"] == 0 and math.isnan(four["gls_slope"])
    seasonal = direction(SEASONAL, basis="quarter", seasonal=True)
    assert seasonal["gls_slope"] == pytest.approx(4, abs=0.2)


def test_gaps_keep_their_place():
    values = [10.0, 11.5, math.nan, 13.0, 13.5, 15.5, 15.0]
    slope, p = written_out([0, 3, 9, 12, 15, 18], [v for v in values if v == v], 12)
    found = direction(values)
    assert found["gls_slope"] == pytest.approx(slope * 12)
    assert found["gls_p_value"] == pytest.approx(p)


def test_mann_kendall_by_hand():
    # Six rising values: one of 720 orders, two-sided 2/720. One pair the wrong way round: 2 (1 + 5)/720.
    assert mann_kendall([1, 2, 3, 4, 5, 6]) == pytest.approx(2 / 720)
    assert mann_kendall([2, 1, 3, 4, 5, 6]) == pytest.approx(12 / 720)
    assert mann_kendall([3, 3, 3, 3]) == 1.0
    # 1 2 2 3 4: score 9 (ten pairs, one tied); variance (5·4·15 − 2·1·9)/18 = 282/18.
    tied = 2 * stats.norm.sf(8 / math.sqrt(282 / 18))
    assert mann_kendall([1, 2, 2, 3, 4]) == pytest.approx(tied)
    assert math.isnan(mann_kendall([1, 2]))


@given(st.permutations(list(range(8))))
def test_mann_kendall_is_kendalls_tau_with_time(order):
    tau = stats.kendalltau(range(8), order, method="exact")
    assert mann_kendall(order) == pytest.approx(tau.pvalue)


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
    ends = [pd.Timestamp(quarter.end) for quarter in quarter_range(LAST, len(values))]
    rows = {"kpi_id": kpi_id, "period_end": ends, "value": values, "polarity": polarity}
    return pd.DataFrame(rows | more)


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


NOISE = [0.3, 0.1 + 0.2, 0.3 + 1e-16, 0.1 + 0.2, 0.30000000000000016, 0.30000000000000027]


def test_each_state(directed):
    rising, yearly = [10.0, 11.1, 12.0, 12.9, 14.2, 15.0], [5.0, 10.0, 15.0, 20.0, 5.0, 10.0]
    expected = {
        "up": ("positive", quarters(rising)),
        "up but lower is better": ("negative", quarters(rising, polarity="lower")),
        "down": ("negative", quarters(rising[::-1])),
        "noise": (STABLE, quarters([5.0, 9.0, 4.0, 8.0, 5.0, 7.0])),
        "constant": (STABLE, quarters([7.0] * 6)),
        "flat but for floating noise": (STABLE, quarters(NOISE)),
        "a perfect line": ("positive", quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        "four points": ("not enough data", quarters([10, 11, math.nan, math.nan, 14, 15])),
        "five points": ("positive", quarters([10.0, 11.1, math.nan, 12.9, 14.2, 15.0])),
        "nothing": ("not enough data", quarters([math.nan] * 6)),
        "closest": ("not testable", quarters(rising, polarity="target")),
        "no polarity": ("not testable", quarters(rising, polarity="sideways")),
        "year to date": ("not testable", quarters(yearly, basis="year_to_date")),
    }
    tables = [table.assign(kpi_id=name) for name, (_, table) in expected.items()]
    answer = directed(*tables)
    assert words(answer) == {name: state for name, (state, _) in expected.items()}
    points = [answer[name]["points"] for name in ("up", "five points", "four points", "nothing")]
    assert points == [6, 5, 4, 0]
    assert answer["four points"]["slope"] is None or math.isnan(answer["four points"]["slope"])
    line = answer["a perfect line"]
    sizes = [line[name] for name in ("slope", "slope_low", "slope_high", "r_squared")]
    assert sizes == pytest.approx([4, 4, 4, 1])


def test_of_a_long_history_only_what_is_shown_is_tested(directed):
    fell_then_rose = [30.0, 28.0, 26.0, 24.0, 22.0, 10.0, 11.1, 12.0, 12.9, 14.2, 15.0]
    ended = quarters([1.0, 2, 3, 4, 5, 6], "ended")
    ended["period_end"] -= pd.DateOffset(years=9)
    answer = directed(quarters(fell_then_rose), ended, after=date(2023, 6, 30))
    assert words(answer) == {"A": "positive", "ended": "not enough data"}
    assert [answer["A"]["points"], answer["ended"]["points"]] == [6, 0]
    slope = stats.linregress(range(6), fell_then_rose[5:]).slope
    assert answer["A"]["slope"] == pytest.approx(slope * 4)
    assert words(directed(quarters(fell_then_rose))) == {"A": "negative"}


def test_large_values_lose_no_accuracy(directed):
    values = [1.0, 2.0, 2.5, 4.5, 5.0, 6.5]
    row = directed(quarters([1e9 + value for value in values]))["A"]
    assert row["slope"] == pytest.approx(stats.linregress(range(6), values).slope * 4, rel=1e-6)
    assert row["direction_of_travel"] == "positive"


def test_series_by_several_keys_and_dates_of_every_kind():
    areas = {"Ashford": [1.0, 2, 3, 4, 5, 6.5], "Dover": [6.0, 5, 4, 3, 2, 1.5]}
    tables = [quarters(values, area=area) for area, values in areas.items()]
    table = pd.concat(tables, ignore_index=True)
    days, given = table["period_end"].dt.date, {"by": ["area", "kpi_id"]}
    for ends in (days.astype("datetime64[s]"), pd.Series(list(days), dtype=object)):
        rows = table.assign(period_end=ends)
        result = direction_of_travel(rows, after=date(2023, 6, 30), **given)
        assert result["direction_of_travel"].tolist() == ["positive"] * 6 + ["negative"] * 6


@pytest.mark.parametrize("rule", RULES)
def test_the_callers_table_is_not_changed_and_keeps_its_order(rule):
    tables = [quarters([1.0, 2, 3, 4, 5, 6.5], "Z"), quarters([6.0, 5, 4, 3, 2, 1.5], "A")]
    table = pd.concat(tables, ignore_index=True).sample(frac=1, random_state=2)
    before = table.copy()
    result = rule(table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(result[list(before.columns)], before)
    states = result.groupby("kpi_id")[rule.__name__].unique().map(list).to_dict()
    assert states == {"A": ["negative"], "Z": ["positive"]}
    pd.testing.assert_frame_equal(rule(result), result)


def agrees_with_scipy(result, many):
    rows = result.drop_duplicates("kpi_id").set_index("kpi_id")
    for number, values in enumerate(many):
        row = rows.loc[number]
        at = np.flatnonzero(~np.isnan(values))
        known = np.asarray(values)[at]
        if len(at) < 5 or np.ptp(known) == 0:
            assert row["direction_of_travel"] == ("not enough data" if len(at) < 5 else STABLE)
            continue
        line = stats.linregress(at / 4, known)
        half = stats.t.ppf(0.975, len(at) - 2) * line.stderr
        expected = {"slope": line.slope, "standard_error": line.stderr, "p_value": line.pvalue}
        expected |= {"slope_low": line.slope - half, "slope_high": line.slope + half}
        assert row[list(expected)].tolist() == pytest.approx(list(expected.values()), abs=1e-6)
        if abs(line.pvalue - 0.05) > 1e-9:
            way = "positive" if line.slope > 0 else "negative"
            assert row["direction_of_travel"] == (STABLE if line.pvalue > 0.05 else way)


VALUE = st.floats(-100, 100).map(lambda x: round(x, 2))
SERIES = st.lists(st.one_of(VALUE, VALUE, st.just(math.nan)), min_size=5, max_size=12)


@given(st.lists(SERIES, min_size=1, max_size=30))
def test_agrees_with_scipy_where_there_are_gaps_too(many):
    table = pd.concat([quarters(values, number) for number, values in enumerate(many)])
    agrees_with_scipy(direction_of_travel(table), many)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_long_series_and_straight_lines_on_every_engine(engine):
    """More points than critical values are listed for; and a line, whose residuals are noise of the
    sixteenth place, their root of the eighth, has no room about it.
    """
    random, many = np.random.default_rng(7), []
    for points in (5, 12, 29, 30, 31, 60, 300):
        rise = random.uniform(-3, 3) * np.arange(points)
        many += [random.normal(70, 3, points) + 0.3 * rise / points, random.uniform(-9, 9) + rise]
    table = pd.concat([quarters(values, number) for number, values in enumerate(many)])
    table = table.sample(frac=1, random_state=2)
    found = to_pandas(direction_of_travel(ENGINES[engine](table)))
    agrees_with_scipy(found, many)
    lines = found[found["kpi_id"] % 2 == 1]
    for bound in ("slope_low", "slope_high"):
        assert lines[bound].tolist() == pytest.approx(lines["slope"].tolist(), rel=0, abs=1e-12)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_table_that_cannot_be_read_is_told_in_a_sentence(engine):
    rows = quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.5])
    rows["period_end"] = rows["period_end"].dt.strftime("%Y-%m-%d")
    gap = rows["period_end"].mask(rows.index == 2)
    for changed, sentence in (
        (rows.drop(columns=["value", "polarity"]), 'There is no column "value" in the table'),
        (rows.assign(period_end=range(6)), 'The column "period_end" holds no dates'),
        (rows.assign(value="x"), 'The column "value" holds "x" in row 1'),
        (rows.assign(period_end=gap), '"period_end" is empty in row 3'),
        (pd.concat([rows, rows.tail(1)]), "row 6 .A, 2024-12-31. and row 7"),
    ):
        for rule in RULES:
            with pytest.raises(InputError, match=sentence):
                rule(ENGINES[engine](changed))


@pytest.mark.parametrize("rule", RULES)
def test_a_frame_of_ones_own_in_three_lines_on_every_engine(rule):
    names = {"value": "pct", "period_end": "day"}
    own = quarters([1.0, 2.0, 3.0, 4.0, 5.0, 6.5]).rename(columns=names)
    own = own.drop(columns=["polarity", "kpi_id"])
    zoned = own.assign(day=own["day"].dt.tz_localize("UTC"))
    for frame in [zoned, *(made(own) for made in ENGINES.values())]:
        for polarity, state in (("higher", "positive"), ("lower", "negative")):
            found = to_pandas(rule(frame, period="day", value="pct", polarity=polarity, by=[]))
            assert set(found[rule.__name__]) == {state}
    found = rule(own, period="day", value="pct", polarity="higher")
    assert set(found[rule.__name__]) == {"positive"}


# Student's t


def test_the_printed_critical_values():
    printed = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 10: 2.228, 30: 2.042}
    assert {df: critical(df) for df in printed} == pytest.approx(printed, abs=0.0005)


def test_both_tails_agree_with_scipy():
    for df, t in product([1, 2, 3, 4, 7, 22, 58, 1000], [0.0, 1e-3, 0.3, 1.0, 2.5, 8.0, 60.0, 1e5]):
        assert p_value(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-10, abs=1e-14)
        assert p_value(-t, df) == p_value(t, df)
        assert chance_below(t, df) == pytest.approx(stats.t.cdf(t, df), rel=1e-12)
        assert chance_below(-t, df) == pytest.approx(stats.t.cdf(-t, df), rel=1e-10, abs=1e-14)
    for df, level in product([1, 4, 5, 40], [0.5, 0.2, 0.05, 0.001]):
        assert critical(df, level) == pytest.approx(stats.t.isf(level / 2, df), rel=1e-10)
        assert p_value(critical(df, level), df) == pytest.approx(level, rel=1e-10)
    # With one degree of freedom t is a Cauchy variable: half of it lies beyond ±1.
    assert (p_value(1.0, 1), chance_below(1.0, 1)) == pytest.approx((0.5, 0.75))
    assert p_value(math.inf, 4) == 0.0 and math.isnan(p_value(math.nan, 4))


def test_impossible_questions_are_refused():
    with pytest.raises(ValueError, match="at least one degree of freedom, not 0"):
        p_value(1.0, 0)
    with pytest.raises(ValueError, match="between 0 and 1, not at 5"):
        critical(4, 5)
