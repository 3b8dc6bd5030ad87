"""Kinds of chart: each against formulas of its own, exact in fractions or from scipy, on random series and on published ones."""

import math
import os
from itertools import groupby

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kpi_tools.errors import InputError
from kpi_tools.explorer.reasons import why
from kpi_tools.kinds import CHARTS, chart_for, expected_runs
from kpi_tools.limits import process_limits
from kpi_tools.variation import special_causes
from tests.engines import ENGINES, to_pandas

LONG = os.environ.get("KPI_LONG") == "1"
WITH_PARTS = ["p", "p_prime", "u", "u_prime"]


def series(values=None, n=None, d=None, points=None, **columns):
    """One series, a row a month; of `points` rows each where there are more."""
    count = len(values if values is not None else n)
    points = points or count
    ids = [f"K{one:04}" for one in range(count // points)]
    ends = pd.date_range("2018-01-31", periods=points, freq="ME")
    rows = {"kpi_id": np.repeat(ids, points), "period_end": np.tile(ends, len(ids))}
    table = pd.DataFrame(rows)
    if n is not None:
        table = table.assign(numerator=np.asarray(n, float), denominator=np.asarray(d, float))
    if values is not None:
        table["value"] = np.asarray(values, float)
    return table.assign(**columns)


def noise(kind, seed, count=1000 if LONG else 250, points=24):
    """Random series of the law that the kind supposes."""
    rng, size = np.random.default_rng(seed), count * points
    if kind in WITH_PARTS:
        d = rng.integers(50, 2400, size)
        share = np.clip(rng.normal(0.4, 0.03 * kind.endswith("prime"), size), 0.01, 0.99)
        n = rng.binomial(d, share)
        return series(n / d * (100 if kind[0] == "p" else 1), n, d, points)
    mean = np.repeat(rng.uniform(0.5, 6, count), points)
    values = {
        "c": lambda: rng.poisson(mean),
        "g": lambda: rng.geometric(1 / (1 + 4 * mean)) - 1,
        "t": lambda: rng.exponential(30 * mean) + 1e-3,
    }.get(kind, lambda: rng.normal(50, 5, size))()
    return series(values, points=points)


def by_formula(kind, table, screen):
    """Centre, lower and upper limit of each row, point by point, apart from the product."""
    y = table["value"]
    if kind in WITH_PARTS:
        n, d = table["numerator"], table["denominator"]
        per = 100 if kind[0] == "p" else 1
        centre = sum(n) / sum(d)
        variance = centre * (1 - centre) if kind[0] == "p" else centre
        sigma = [math.sqrt(variance / size) for size in d]
        times = 1.0
        if kind.endswith("prime"):
            z = [(a / b - centre) / s for a, b, s in zip(n, d, sigma, strict=True)]
            times = mean_range(z, screen) / 1.128
        found = [(centre, centre - 3 * s * times, centre + 3 * s * times) for s in sigma]
        top = 1 if kind[0] == "p" else math.inf
        return [tuple(one * per if 0 <= one <= top else None for one in three) for three in found]
    mean = sum(y) / len(y)
    if kind == "xmr":
        reach = 2.66 * mean_range(y, screen)
        return [(mean, mean - reach, mean + reach)] * len(y)
    if kind == "c":
        low, high = mean - 3 * math.sqrt(mean), mean + 3 * math.sqrt(mean)
    elif kind == "g":
        law, mean = stats.geom(1 / (1 + mean), loc=-1), float(np.median(y))
        low, high = -1, float(law.isf(2 * stats.norm.sf(3)))
    elif kind == "t":
        roots = [one ** (1 / 3.6) for one in y]
        middle, reach = sum(roots) / len(roots), 3 * mean_range(roots, screen) / 1.128
        low = (middle - reach) ** 3.6 if middle > reach else -1
        mean, high = middle**3.6, (middle + reach) ** 3.6
    else:
        return [(float(np.median(y)), None, None)] * len(y)
    return [(mean, low if low >= 0 else None, high)] * len(y)


def mean_range(z, screen):
    moves = [abs(b - a) for a, b in zip(z[:-1], z[1:], strict=True)]
    average = sum(moves) / len(moves)
    kept = [move for move in moves if move < 3.267 * average]
    return sum(kept) / len(kept) if screen else average


@pytest.mark.parametrize("kind", CHARTS)
def test_each_kind_is_its_formula_on_random_series(kind):
    table = noise(kind, 1)
    each = table.to_dict("list")
    for screen in (True, False):
        found = process_limits(table, chart=kind, screen=screen)
        expected = []
        for start in range(0, len(table), 24):
            own = {name: values[start : start + 24] for name, values in each.items()}
            expected += by_formula(kind, own, screen)
        wanted = pd.DataFrame(expected, columns=["mean", "lower_limit", "upper_limit"], dtype=float)
        if kind == "g":  # the limit lies between two numbers, of which scipy gives the upper
            assert (np.floor(found["upper_limit"] + 1) == wanted["upper_limit"]).all()
            found["upper_limit"] = wanted["upper_limit"]
        pd.testing.assert_frame_equal(found[wanted.columns], wanted, rtol=1e-9)
        assert set(found["chart"]) == {kind}


def figures(text):
    """The numbers of a line of text."""
    return [float(one) for one in text.split()]


# Source, kind, parts or values, denominator, (mean, lower, upper) as printed, how exactly, numbers of
# the points beyond
JUICE = figures("12 15 8 10 4 7 16 9 14 10 5 6 17 12 22 8 10 5 13 11 20 18 24 15 9 12 7 13 9 6")
BOARDS = figures("21 24 16 12 15 5 28 20 31 25 20 24 16 19 10 17 13 22 18 39 30 24 16 19 17 15")
WAFERS = figures("16 14 28 16 12 20 10 12 10 17 19 17 14 16 15 13 14 16 11 20 11 19 16 31 13")
COMPUTERS = figures("10 12 8 14 10 16 11 7 10 15 9 5 7 11 12 6 8 10 7 5")
FLOW = figures("49.6 47.6 49.9 51.3 47.8 51.2 52.6 52.4 53.6 52.1")
PUBLISHED = [
    # frozen orange juice cans (Montgomery, ch. 7): trial limits, and samples 15 and 23 left out
    ("p", JUICE, 50, (0.2313, 0.0524, 0.4102), 5e-5, [15, 23]),
    ("p", JUICE[:14] + JUICE[15:22] + JUICE[23:], 50, (0.2150, 0.0407, 0.3893), 5e-5, [20]),
    # printed circuit boards (Montgomery, ch. 7); wafers (NIST/SEMATECH e-Handbook, 6.3.3.1)
    ("c", BOARDS, None, (19.85, 6.48, 33.22), 1e-2, [6, 20]),
    ("c", WAFERS, None, (16, 4, 28), 1e-9, [24]),
    # personal computers, five a sample (Montgomery, ch. 7)
    ("u", COMPUTERS, 5, (1.93, 0.07, 3.79), 5e-3, []),
    # flow rate (NIST/SEMATECH e-Handbook, 6.3.2.2; 3/1.128 for our 2.66)
    ("xmr", FLOW, None, (50.81, 45.8159, 55.8041), 2e-3, []),
]


@pytest.mark.parametrize(("kind", "counts", "size", "printed", "exactly", "beyond"), PUBLISHED)
def test_a_published_example_has_its_published_limits(kind, counts, size, printed, exactly, beyond):
    values, parts = np.divide(counts, size or 1), (counts, [size] * len(counts)) if size else ()
    rows = process_limits(series(values, *parts), chart=kind)
    for column, value in zip(["mean", "lower_limit", "upper_limit"], printed, strict=True):
        assert rows[column].to_numpy() == pytest.approx(value, abs=exactly)
    outside = (rows["value"] < rows["lower_limit"]) | (rows["value"] > rows["upper_limit"])
    assert (np.flatnonzero(outside) + 1).tolist() == beyond


def test_the_failures_of_a_valve_are_transformed_as_published():
    """Montgomery, ch. 7, after Nelson: hours between failures and their powers of 0.2777; the process is in control."""
    hours = figures("286 948 536 124 816 729 4 143 431 8 2837 596 81 227 603 492 1199 1214 2831 96")
    powers = figures(
        "4.80986 6.70903 5.72650 3.81367 6.43541 6.23705 1.46958 3.96768 5.39007 1.78151 "
        "9.09619 5.89774 3.38833 4.51095 5.91690 5.59189 7.16124 7.18601 9.09083 3.55203"
    )
    rows = process_limits(series(hours), chart="t", screen=False)
    upper = np.mean(powers) + 3 * mean_range(powers, False) / 1.128
    for column, power in {"mean": np.mean(powers), "upper_limit": upper}.items():
        assert rows[column].iloc[0] ** 0.2777 == pytest.approx(power, abs=5e-3)
    assert rows["lower_limit"].isna().all()
    assert (rows["value"] < rows["upper_limit"]).all()


SEEN = figures(
    "266501 264225 276532 281461 269071 261215 270409 279778 270483 270320 "
    "267923 271478 255353 256820 261835 259144 255910 260863 264465 260989"
)
OF = figures(
    "280443 276823 291681 296155 282343 275888 283867 295251 284468 282529 "
    "279618 283932 266629 268091 276803 271578 266005 273520 278574 273772"
)
LANEY = {
    ("p_prime", 100, 5.1e-5): {
        "lower_limit": "94.013 94.0046 94.0378 94.0473 94.0173 94.0025 94.0207 94.0454 94.022 94.0177 "
        "94.0111 94.0208 93.9803 93.9839 94.0046 93.9923 93.9788 93.9969 94.0087 93.9975",
        "near_lower": "94.4386 94.4331 94.4552 94.4615 94.4415 94.4316 94.4438 94.4603 94.4447 94.4418 "
        "94.4374 94.4439 94.4169 94.4192 94.4331 94.4248 94.4158 94.4279 94.4358 94.4283",
        "near_upper": "96.1413 96.1469 96.1247 96.1184 96.1384 96.1483 96.1362 96.1197 96.1353 96.1382 "
        "96.1426 96.1361 96.1631 96.1607 96.1469 96.1551 96.1641 96.152 96.1442 96.1516",
        "upper_limit": "96.567 96.5753 96.5421 96.5326 96.5627 96.5775 96.5593 96.5345 96.5579 96.5623 "
        "96.5689 96.5591 96.5996 96.5961 96.5753 96.5877 96.6012 96.583 96.5713 96.5824",
    },
    ("u_prime", 1, 5.1e-5): {
        "lower_limit": "0.9401 0.940 0.9404 0.9405 0.9402 0.94 0.9402 0.9405 0.9402 0.9402 "
        "0.9401 0.9402 0.9398 0.9398 0.94 0.9399 0.9398 0.94 0.9401 0.94",
        "near_lower": "0.9444 0.9443 0.9446 0.9446 0.9444 0.9443 0.9444 0.9446 0.9444 0.9444 "
        "0.9444 0.9444 0.9442 0.9442 0.9443 0.9442 0.9442 0.9443 0.9444 0.9443",
        "near_upper": "0.9614 0.9615 0.9612 0.9612 0.9614 0.9615 0.9614 0.9612 0.9614 0.9614 "
        "0.9614 0.9614 0.9616 0.9616 0.9615 0.9616 0.9616 0.9615 0.9614 0.9615",
        "upper_limit": "0.9657 0.9658 0.9654 0.9653 0.9656 0.9658 0.9656 0.9653 0.9656 0.9656 "
        "0.9657 0.9656 0.966 0.966 0.9658 0.9659 0.966 0.9658 0.9657 0.9658",
    },
}
"""Limits of 20 weeks of attendances seen within four hours (`SEEN` of `OF`), as printed."""


@pytest.mark.parametrize(("chart", "per", "close"), LANEY)
def test_laneys_limits_are_those_that_western_australia_prints(chart, per, close):
    """Mohammed and others, Quality and Safety in Health Care 22, 2013, 362-368; limits in the tests
    of PowerBI-SPC (Western Australia's Department of Health), which screens no moving ranges. They
    print ±2 standard deviations, too."""
    table = series(per * np.divide(SEEN, OF), SEEN, OF)
    rows = process_limits(table, chart=chart, screen=False)
    for column, text in LANEY[chart, per, close].items():
        assert rows[column].to_numpy() == pytest.approx(figures(text), abs=close)
    assert rows["value"].between(rows["lower_limit"], rows["upper_limit"]).all()
    if chart == "p_prime":
        plain = process_limits(table, chart="p")
        sigma_z = (rows["upper_limit"] - rows["mean"]) / (plain["upper_limit"] - plain["mean"])
        assert sigma_z.to_numpy() == pytest.approx(10.64, abs=5e-3)  # as the printed limits have it


def test_the_g_chart_of_a_printed_series():
    """67 counts and a centre of 24 with m + 3√(m(m + 1)) = 128.1749 as PowerBI-SPC prints them. Ours
    is the probability limit of the same m, above which 27 of 10,000 counts lie: 189.27, so that the
    183, which theirs flags, is within."""
    between = figures(
        "23 39 15 34 1 49 98 29 27 13 45 7 10 27 24 14 20 38 44 11 10 3 113 183 3 47 18 18 33 15 2 "
        "38 27 27 1 52 23 7 26 82 5 49 5 17 24 44 26 2 27 46 55 97 22 22 20 4 60 51 7 21 66 36 25 "
        "72 15 5 3"
    )
    rows = process_limits(series(between), chart="g")
    mean = sum(between) / len(between)
    assert mean + 3 * math.sqrt(mean * (mean + 1)) == pytest.approx(128.1749, abs=5e-5)
    assert set(rows["mean"]) == {24.0}
    limit = rows["upper_limit"].iloc[0]
    beyond = stats.geom(1 / (1 + mean), loc=-1).sf
    assert beyond(math.ceil(limit)) < 0.0027 < beyond(math.floor(limit) - 1)
    assert rows["lower_limit"].isna().all()
    assert limit == pytest.approx(189.27, abs=1e-2)  # ln 0.0027 / ln(m/(m + 1)) - 1


def test_the_limits_of_a_run_chart_are_the_published_ones():
    """Anhøj and Olesen 2014: the longest run, where the table steps, and the crossings of 13 and of 24 figures."""
    longest = {10: 6, 11: 6, 12: 7, 22: 7, 23: 8, 45: 8, 46: 9, 90: 9, 91: 10}
    assert {useful: expected_runs(useful)[0] for useful in longest} == longest
    assert [expected_runs(useful)[1] for useful in (13, 24)] == [3, 8]


def runs_by_hand(values, median):
    sides = [value > median for value in values if not math.isnan(value) and value != median]
    runs = [len(list(group)) for _, group in groupby(sides)]
    useful = len(sides)
    if not useful:
        return 0, 0, 0, 0
    least = stats.binom.ppf(0.05, useful - 1, 0.5) if useful > 1 else 0
    return max(runs), round(math.log2(useful)) + 3, len(runs) - 1, int(least)


@given(st.lists(st.one_of(st.integers(0, 6), st.just(math.nan)), min_size=10, max_size=60))
def test_a_run_chart_has_the_rules_of_anhoej(values):
    rows = special_causes(series(values), chart="run", polarity="higher")
    known = [value for value in values if not math.isnan(value)]
    if len(known) < 2:
        assert set(rows["limits"]) == {"no limits"}
        return
    median = float(np.median(known))
    if len(set(known)) == 1:
        assert set(rows["limits"]) == {"no variation"}
        assert rows["special_cause"].isna().all()
        return
    longest, most, crossings, least = expected = runs_by_hand(values, median)
    names = ["longest_run", "longest_run_max", "crossings", "crossings_min"]
    assert rows[names].drop_duplicates().to_numpy().tolist() == [list(expected)]
    assert rows["lower_limit"].isna().all()
    signal = longest > most or crossings < least
    assert rows["special_cause"].notna().any() == signal
    if signal:
        flagged = rows[rows["special_cause"].notna()]
        assert (flagged["special_cause"].eq("improvement") == (flagged["value"] > median)).all()


def test_each_side_of_a_rebase_is_a_run_chart_of_its_own():
    """By hand: as one series the shift is too long a run with too few crossings; parted, only a run after it is."""
    before = [4, 7, 5, 6, 3, 8, 5, 4, 7, 6]
    after = [14, 17, 14, 17, 15, 18, 18, 18, 17, 17, 18, 17, 18, 13, 12, 14, 13, 11, 13, 14]
    table = series(before + after, polarity="higher")
    agreed = [{"date": table["period_end"][10], "reason": "new centre", "name": "director"}]
    names = ["baseline", "mean", "longest_run", "longest_run_max", "crossings", "crossings_min"]
    for rebase, expected, flagged in [
        (None, [[1, 13.5, 13, 8, 5, 10]], [*range(30)]),
        (agreed, [[1, 5.5, 2, 6, 7, 2], [2, 16, 8, 7, 6, 6]], [*range(15, 23)]),
    ]:
        rows = special_causes(table, chart="run", rebase=rebase)
        assert rows[names].drop_duplicates().to_numpy().tolist() == expected
        assert np.flatnonzero(rows["special_cause"].notna()).tolist() == flagged
    assert set(rows["special_cause"].dropna()) == {"improvement"}


def test_where_most_figures_lie_at_the_end_no_run_is_a_signal():
    table = series([100] * 14 + [80], [20] * 14 + [16], [20] * 15, unit="%")
    rows = special_causes(table, chart="p")
    assert set(rows["limits"]) == {"limits alone"}
    assert rows["rule"].notna().tolist() == [False] * 14 + [True]
    assert "the limits alone are tested" in why(dict(rows.iloc[0]))


# Which kind is taken


def months(values, **columns):
    return series(values).assign(unit="count", basis="quarter", **columns)


@pytest.mark.parametrize(("rows", "kind", "reason"), [
    (series([50] * 8, [5] * 8, [10, 20] * 4, unit="%"), "p_prime", "made of 10 to 20 cases"),
    (series([50] * 8, [5] * 8, [10] * 8, unit="%"), "p_prime", "made of 10 cases"),
    (series([5] * 9, [5] * 9, [1000] * 9, unit="rate per 1,000"), "u_prime", "1,000 cases"),
    (series([50] * 20, [5] * 20, [np.nan] * 20, unit="%"), "xmr", "without numerator"),
    (series([100, 100, 95] * 5, [20, 20, 19] * 5, [20] * 15, unit="%"), "p", "20 cases, lie at the end"),
    (months([0, 3, 1, 2] * 5), "c", "(1.5 a period)"),
    (months([60, 63, 61, 62] * 5), "xmr", "20 figures"),
    (months([60, 63, 61, 62]), "run", "limits want 12 figures, and there are 4"),
    (series([1.5, 2.5] * 6, unit="days"), "xmr", "12 figures"),
    (series([30.0, 41.0] * 6, unit="days", series="days between events"), "t", "no event"),
    (months([0.0, 4.0] * 6, series="periods between events"), "g", "no case"),
    (series([70.0] * 6, unit="%", basis="rolling_12_months"), "xmr", "without numerator"),
])  # fmt: skip
def test_auto_takes_what_the_measure_needs_and_says_why(rows, kind, reason):
    found = chart_for(rows)
    assert found.chart == kind and kind in found.possible
    assert reason in found.why and found.why.endswith(".")
    assert set(process_limits(rows, chart="auto")["chart"]) == {kind}
    for other in found.possible:
        assert set(special_causes(rows, chart=other)["chart"]) == {other}


def test_each_series_of_a_table_gets_its_own_kind():
    kinds = {"p": ("%", "p_prime"), "xmr": ("days", "xmr"), "c": ("count", "c")}
    tables = [noise(law, 1, 1).assign(kpi_id=law, unit=unit) for law, (unit, _) in kinds.items()]
    mixed = process_limits(pd.concat(tables), chart="auto")
    for own in tables:
        (law,) = set(own["kpi_id"])
        alone = process_limits(own, chart="auto")
        assert set(alone["chart"]) == {kinds[law][1]}
        found = mixed[mixed["kpi_id"] == law][alone.columns]
        pd.testing.assert_frame_equal(found, alone, check_dtype=False)


# Bad input


@pytest.mark.parametrize(("kind", "columns", "message"), [
    ("p", {"denominator": np.nan}, "has no numerator or no denominator"),
    ("p_prime", {"numerator": 30}, "numerator of 30, above its denominator"),
    ("u", {"denominator": 0}, "denominator of 0"),
    ("u_prime", {"numerator": -1}, "no count is below nought"),
    ("p", {"numerator": 4.5}, "a case is counted whole"),
    ("c", {"value": -2}, "no count is below nought"),
    ("c", {"value": 2.5}, "a case is counted whole"),
    ("g", {"value": 0.5}, "a case is counted whole"),
    ("t", {"value": 0}, "there is no time between"),
])  # fmt: skip
def test_what_a_kind_cannot_show_is_told_with_its_row(kind, columns, message):
    table = series([50] * 12, [10] * 12, [20] * 12)
    for name, value in columns.items():
        table[name] = table[name].astype(float)
        table.loc[3, name] = value
    with pytest.raises(InputError, match=r"Row 4 \(K0000, 2018-04-30\)") as told:
        process_limits(table, chart=kind)
    assert message in str(told.value)


def test_kinds_are_named():
    with pytest.raises(InputError, match='no chart "pprime"; there are xmr.*nearest is "p_prime"'):
        process_limits(series([1, 2, 3]), chart="pprime")
    mixed = series([1, 2, 3]).assign(chart=["c", "run", "c"])
    with pytest.raises(InputError, match='Row 2 .*has the chart "run"; a series has one kind'):
        process_limits(mixed, chart="chart")
    with pytest.raises(InputError, match='no column "numerator"'):
        process_limits(series([1, 2, 3]), chart="p")


@pytest.mark.parametrize(
    ("kind", "columns"), [("c", {}), ("p", {"n": 0, "d": 9}), ("u_prime", {"n": 0, "d": 9})]
)
def test_all_periods_nought_is_a_state(kind, columns):
    parts = {name: [value] * 12 for name, value in columns.items()}
    rows = special_causes(series([0] * 12, **parts), chart=kind)
    assert set(rows["limits"]) == {"no variation"}
    assert rows[["mean", "lower_limit", "upper_limit"]].eq(0).all(axis=None)
    assert rows["special_cause"].isna().all()


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "pandas"])
def test_every_engine_gives_the_same_answers(engine):
    tables = [noise(kind, 5, 2).assign(chart=kind, polarity="lower") for kind in CHARTS]
    table = pd.concat(tables, ignore_index=True).sample(frac=1, random_state=1)
    table["kpi_id"] += table["chart"]
    parts = table["chart"].isin(WITH_PARTS)
    table.loc[(table["period_end"].dt.month == 5) & ~parts, "value"] = np.nan
    table = table[table["period_end"].dt.month != 9]
    wanted = special_causes(table, chart="chart")
    found = to_pandas(special_causes(ENGINES[engine](table.reset_index(drop=True)), chart="chart"))
    assert set(found.columns) == set(wanted.columns)
    for name in ("limits", "rule", "special_cause", "chart"):
        expected = wanted[name].astype(object).where(wanted[name].notna(), None)
        assert found[name].tolist() == expected.tolist()
    names = ["mean", "lower_limit", "near_upper", "upper_limit"]
    names += ["run", "longest_run", "crossings"]
    np.testing.assert_allclose(found[names].astype(float), wanted[names].astype(float), rtol=1e-12)
