"""Process limits and special causes of XmR, by hand and against the rules written out; every engine in test_kinds.

The baseline used most, worked out by hand: 10 12 11 13 9 11 12 10 has the mean 88/8 = 11 and the moving ranges
2 1 2 4 2 1 2, which are 14/7 = 2 on average (all below 3.267 · 2, so none is screened). The limits are 11 ± 2.66 · 2,
that is 5.68 and 16.32; near is beyond 11 ± 3.5467.
Frozen (`fix=8`), it judges what follows without being moved by it.
"""

import datetime as dt
import math
from itertools import accumulate, pairwise

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.limits import is_described, process_limits
from kpi_tools.variation import special_causes
from tests.engines import ENGINES, to_pandas
from tests.spc_by_hand import limits as limits_by_hand
from tests.spc_by_hand import rules as rules_by_hand

BASE = [10.0, 12.0, 11.0, 13.0, 9.0, 11.0, 12.0, 10.0]
OUTSIDE, TREND, TWO, SHIFT = (
    "outside a limit",
    "trend of seven",
    "two in three near a limit",
    "shift of seven",
)
UP, DOWN = "improvement", "concern"
ORDERED = list(ENGINES)
REBASE = {"reason": "new system", "name": "head of service"}


def month_end(number):
    """The last day of the month so many months after January 2020."""
    year, month = divmod(number + 1, 12)
    return dt.datetime(2020 + year, month + 1, 1) - dt.timedelta(days=1)


def table(values, months=None, **columns):
    """One series a row a month; a month that is not listed is absent."""
    places = months or range(len(values))
    return pd.DataFrame(
        {
            "kpi_id": "K1",
            "period_end": [month_end(place) for place in places],
            "value": [math.nan if value is None else float(value) for value in values],
            "polarity": "higher",
        }
    ).assign(**columns)


def classified(frame, profile="plotthedots", **options):
    by = {name: options[name] for name in ("by", "period", "value") if name in options}
    return special_causes(process_limits(frame, **options), profile=profile, **by)


@pytest.fixture
def chart():
    """The classified rows of one series or more, in order, as a table of plain values."""

    def draw(values, months=None, profile="plotthedots", options=None, **columns):
        rows = values if isinstance(values, pd.DataFrame) else table(values, months, **columns)
        frame = rows.sample(frac=1, random_state=3).reset_index(drop=True)
        result = to_pandas(classified(frame, profile, **(options or {})))
        keys = [name for name in ("kpi_id", "area", "period_end") if name in result]
        return result.sort_values(keys).reset_index(drop=True)

    return draw


def flags(rows, after=8):
    """Rule and cause of the points after the baseline."""
    return list(zip(rows["rule"][after:], rows["special_cause"][after:], strict=True))


def after_base(chart, values, **more):
    return flags(chart(BASE + values, options={"fix": 8}, **more))


NOTHING = (None, None)


def test_limits_by_hand(chart):
    rows = chart(BASE)
    assert rows["mean"].tolist() == [11.0] * 8
    assert rows["moving_range"].tolist() == [None, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0]
    for name, expected in {
        "lower_limit": 5.68,
        "upper_limit": 16.32,
        "near_lower": 11 - 10.64 / 3,
        "near_upper": 11 + 10.64 / 3,
    }.items():
        assert rows[name].tolist() == pytest.approx([expected] * 8)
    assert set(rows["limits"]) == {"trial limits"}
    assert flags(rows, 0) == [NOTHING] * 8


def test_large_moving_ranges_are_screened_once(chart):
    # Moving ranges: nine of 1 and two of 19, 47/11 on average; 19 is more than 3.267 times that, and 9/9 = 1 is left.
    values = [10, 11, 10, 11, 10, 11, 30, 11, 10, 11, 10, 11]
    rows = chart(values)
    assert rows["mean"][0] == pytest.approx(146 / 12)
    assert rows["upper_limit"][0] == pytest.approx(146 / 12 + 2.66)
    plain = chart(values, options={"screen": False})
    assert plain["upper_limit"][0] == pytest.approx(146 / 12 + 2.66 * 47 / 11)


@pytest.mark.parametrize(("largest", "average"), [(3.267, 6.733 / 9), (3.266, 1.0)])
def test_a_moving_range_on_the_screen_is_left_out(chart, largest, average):
    # Ten moving ranges that add up to 10: their mean is 1, the screen stands at 3.267.
    moves = [0.75, -0.75, 0.75, -0.75, largest, -0.75, 0.75, -0.75, 0.75, -(10 - largest - 6)]
    values = [20.0]
    for move in moves:
        values.append(values[-1] + move)
    rows = chart(values)
    assert rows["upper_limit"][0] - rows["mean"][0] == pytest.approx(2.66 * average)


def test_screening_never_leaves_only_zeros(chart):
    rows = chart([5, 5, 5, 5, 5, 5, 5, 9])
    assert rows["mean"][0] == 5.5
    assert rows["upper_limit"][0] == pytest.approx(5.5 + 2.66 * 4 / 7)


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.0, 34.7, -1 / 3, 1e9 / 7])
def test_a_flat_series_has_limits_on_its_mean_and_no_flags(chart, value):
    rows = chart([value] * 24)
    assert (
        rows["lower_limit"].tolist()
        == rows["upper_limit"].tolist()
        == rows["mean"].tolist()
        == [value] * 24
    )
    assert set(rows["limits"]) == {"no variation"}
    assert flags(rows, 0) == [NOTHING] * 24
    assert set(rows["run"]) == {0}


def test_a_flat_baseline_flags_what_leaves_it(chart):
    rows = chart([5.0] * 8 + [5.0 + 1e-9, 5.1], options={"fix": 8})
    assert flags(rows) == [NOTHING, (OUTSIDE, UP)]


def test_states_where_there_are_no_limits(chart):
    rows = chart([7.0])
    assert (rows["mean"][0], rows["limits"][0], rows["rule"][0]) == (7.0, "no limits", None)
    assert rows["upper_limit"].isna().all()
    rows = chart([None, None, None])
    assert set(rows["limits"]) == {"no limits"}
    assert rows["mean"].isna().all()
    rows = chart([3.0, None, 4.0, None, 9.0])
    assert set(rows["limits"]) == {"no limits"}
    assert rows["moving_range"].isna().all()


def test_on_the_limit_is_inside(chart):
    assert after_base(chart, [16.32, 5.68, 16.33, 5.67]) == [
        NOTHING,
        NOTHING,
        (OUTSIDE, UP),
        (OUTSIDE, DOWN),
    ]


RISING = [9.0, 9.5, 10.0, 10.5, 11.5, 12.0, 12.5]


def test_seven_rising_points_are_all_flagged(chart):
    assert after_base(chart, [*RISING, 12.0]) == [(TREND, UP)] * 7 + [NOTHING]


def test_a_turning_point_takes_the_sign_of_what_follows(chart):
    falling = [12.0, 11.5, 10.8, 10.5, 10.0, 9.5]
    assert after_base(chart, RISING + falling) == [(TREND, UP)] * 6 + [(TREND, DOWN)] * 7


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        ([15.0, 12.0, 15.0, 10.0], [0, 2]),
        ([15.0, 15.0, 12.0, 10.0], [0, 1]),
        ([12.0, 15.0, 15.0], [1, 2]),
        ([15.0, 15.0], []),
        ([15.0, 10.5, 15.0], []),
        ([15.0, 11.0, 15.0], []),
        ([15.0, 12.0, 12.0, 15.0], []),
        ([15.0, 7.0, 15.0, 7.0], []),
        ([11 + 10.64 / 3, 12.0, 11 + 10.64 / 3], []),
        ([14.547, 12.0, 14.547], [0, 2]),
        ([14.547, 12.0, 16.32], [0, 2]),
    ],
)
def test_two_in_three(chart, values, flagged):
    expected = [(TWO, UP) if place in flagged else NOTHING for place in range(len(values))]
    assert after_base(chart, values) == expected


def test_a_point_beyond_a_limit_counts_among_the_two_by_profile(chart):
    values = [12.0, 17.0, 15.0, 10.0]
    assert after_base(chart, values) == [NOTHING, (OUTSIDE, UP), NOTHING, NOTHING]
    assert after_base(chart, values, profile="mdc") == [NOTHING, (OUTSIDE, UP), (TWO, UP), NOTHING]
    third = [15.0, 17.0, 15.0]
    assert after_base(chart, third) == [(TWO, UP), (OUTSIDE, UP), (TWO, UP)]


@pytest.mark.parametrize("hole", ["missing", "absent"])
def test_nothing_crosses_a_gap(chart, hole):
    def with_gap(values, at):
        if hole == "missing":
            return flags(chart([*BASE, *values[:at], None, *values[at:]], options={"fix": 8}))
        months = [*range(8 + at), *range(9 + at, 9 + len(values))]
        return flags(chart(BASE + values, months, options={"fix": 8}))

    assert {rule for rule, _ in with_gap(RISING, 3)} == {None}
    assert {rule for rule, _ in with_gap([10.5] * 7, 3)} == {None}
    assert {rule for rule, _ in with_gap([12.0, 15.0, 15.0], 2)} == {None}
    assert [rule for rule, _ in with_gap([12.0, *RISING], 1) if rule] == [TREND] * 7


def test_no_moving_range_crosses_a_gap(chart):
    rows = chart([10, 12, 30, 31], months=[0, 1, 3, 4])
    assert rows["moving_range"].tolist() == [None, 2.0, None, 1.0]
    assert rows["upper_limit"][0] == pytest.approx(83 / 4 + 2.66 * 1.5)


def test_quarters_weeks_and_numbers_have_gaps_too(chart):
    quarters = table(BASE, months=[2, 5, 8, 11, 14, 20, 23, 26])
    assert chart(quarters)["moving_range"].isna().sum() == 2
    days = [
        dt.datetime(2024, 2, 5) + dt.timedelta(days=7 * week) for week in (0, 1, 2, 3, 4, 5, 7, 8)
    ]
    assert chart(table(BASE).assign(period_end=days))["moving_range"].isna().sum() == 2
    numbered = chart(table(BASE).assign(period_end=[1, 2, 3, 4, 5, 6, 7, 9]))
    assert numbered["moving_range"].isna().sum() == 2
    quarters = [f"{2022 + n // 4}-{23 + n // 4} Q{n % 4 + 1}" for n in range(8)]
    assert chart(table(BASE).assign(period_end=quarters))["moving_range"].isna().sum() == 1


def test_a_rebase_starts_limits_and_rules_anew(chart):
    second = [value + 20 for value in BASE]
    rows = chart(
        BASE + second, options={"rebase": [{"kpi_id": "K1", "date": "2020-09-30", **REBASE}]}
    )
    assert rows["baseline"].tolist() == [1] * 8 + [2] * 8
    assert rows["mean"].tolist() == [11.0] * 8 + [31.0] * 8
    assert rows["moving_range"][8] is None
    assert flags(rows, 0) == [NOTHING] * 16
    assert flags(chart(BASE + second), 0) != [NOTHING] * 16


def test_runs_do_not_cross_a_rebase(chart):
    # Limits frozen on each baseline's eight first values; 10.5 seven times, the rebase after three of them.
    values = [*BASE, 10.5, 10.5, 10.5, *BASE, 10.5, 10.5]
    rows = chart(values, options={"fix": 8, "rebase": [{"date": dt.date(2020, 12, 1), **REBASE}]})
    assert rows["baseline"].tolist() == [1] * 11 + [2] * 10
    assert set(rows["rule"]) == {None}
    assert rows["run"].tolist()[8:12] == [-4, -4, -4, -1]


def test_a_rebase_is_for_its_series_and_may_lie_outside(chart):
    two = pd.concat([table(BASE), table(BASE).assign(kpi_id="K2")])
    rows = chart(
        two,
        options={
            "rebase": pd.DataFrame([{"kpi_id": "K2", "date": dt.date(2020, 5, 31), **REBASE}])
        },
    )
    assert rows["baseline"].tolist() == [1] * 8 + [1] * 4 + [2] * 4
    for day in ("1999-01-01", "2050-01-01"):
        rows = chart(BASE, options={"rebase": [{"date": day, **REBASE}]})
        assert rows["baseline"].tolist() == [1] * 8
        assert rows["mean"].tolist() == [11.0] * 8


@pytest.mark.parametrize("part", ["date", "reason", "name"])
def test_a_rebase_without_one_of_its_parts_is_refused(chart, part):
    whole = {"date": "2020-05-31", **REBASE}
    for empty in ({part: None}, {part: " " if part != "date" else None}):
        with pytest.raises(InputError, match=f"Rebase 1 has no {part}"):
            chart(BASE, options={"rebase": [whole | empty]})


def test_few_points_are_judged_by_the_limits_alone(chart):
    rows = chart([1, 2, 3, 4, 5, 6, 7])
    assert set(rows["limits"]) == {"trial"}
    # The mean is 4 and the moving ranges are all 1, so that the limits are 1.34 and 6.66.
    assert rows["rule"].tolist() == [OUTSIDE, *[None] * 5, OUTSIDE]
    assert chart([1, 2, 3, 4, 5, 6, 7, 8])["rule"].tolist()[2:6] == [TREND] * 4
    # The first five have the mean 10.2 and moving ranges of 0.5: limits 8.87 and 11.53.
    rows = chart([10, 10.5, 10, 10.5, 10, 11.54], options={"fix": 5})
    assert flags(rows, 0) == [NOTHING] * 5 + [(OUTSIDE, UP)]


@pytest.mark.parametrize(
    ("points", "state"), [(7, "trial"), (8, "trial limits"), (12, "trial limits"), (13, "limits")]
)
def test_how_many_points_make_which_limits(chart, points, state):
    assert set(chart((BASE * 2)[:points])["limits"]) == {state}


def test_the_state_counts_the_points_behind_the_limits(chart):
    assert set(chart(BASE * 2, options={"fix": 8})["limits"]) == {"trial limits"}


def test_rolling_figures_have_wider_limits_and_one_rule(chart):
    for months, k in (([3 * quarter + 2 for quarter in range(15)], 4), (list(range(15)), 12)):
        rows = chart(BASE + RISING, months, options={"fix": 8}, basis="rolling_12_months")
        assert set(rows["overlap"]) == {k}
        assert rows["upper_limit"][0] == pytest.approx(11 + 5.32 * math.sqrt(k))
        assert set(rows["rule"]) == {None}
    rows = chart([*BASE, 21.65, 21.63], options={"fix": 8, "overlap": 4})
    assert flags(rows) == [(OUTSIDE, UP), NOTHING]
    rows = chart(BASE, k=9, options={"overlap": "k"})
    assert rows["upper_limit"][0] == pytest.approx(11 + 15.96)


def test_year_to_date_is_not_charted(chart):
    rows = chart(BASE, basis="year_to_date")
    assert set(rows["limits"]) == {"not charted"}
    assert rows["mean"].isna().all()
    assert set(rows["rule"]) == {None}


@pytest.mark.parametrize(
    ("polarity", "cause"),
    [("lower", DOWN), ("higher", UP), ("target", "neutral"), (None, "neutral")],
)
def test_polarity_says_what_is_good(chart, polarity, cause):
    assert after_base(chart, [17.0], polarity=polarity) == [(OUTSIDE, cause)]


def test_without_a_polarity_column_a_cause_is_neutral(chart):
    rows = chart(table([*BASE, 17.0]).drop(columns="polarity"), options={"fix": 8})
    assert flags(rows) == [(OUTSIDE, "neutral")]


def test_series_do_not_touch_each_other(chart):
    other = table([100.0, 300.0, None, 200.0, 100.0, 900.0, 100.0, 5.0]).assign(kpi_id="K0")
    both = chart(pd.concat([table(BASE), other]))
    alone = chart(BASE)
    mine = both[both["kpi_id"] == "K1"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, alone)


def test_two_keys_or_none(chart):
    areas = pd.concat(
        [
            table(BASE).assign(area="Kent"),
            table([2 * value for value in BASE]).assign(area="Medway"),
        ]
    )
    assert sorted(set(chart(areas, options={"by": ("kpi_id", "area")})["mean"])) == [11.0, 22.0]
    assert set(chart(table(BASE).drop(columns="kpi_id"), options={"by": ()})["mean"]) == {11.0}


def test_nan_infinity_and_null_are_the_same_gap(chart):
    for missing in (math.nan, math.inf, None):
        rows = chart(
            [*BASE[:4], missing, *BASE[4:]]
        )  # the moving range of 4 falls into the gap: 10/6 are left
        assert rows["mean"][0] == 11.0
        assert rows["baseline_points"][0] == 8
        assert rows["upper_limit"][4] == pytest.approx(11 + 2.66 * 10 / 6)
        assert rows["rule"][4] is None


@pytest.mark.parametrize("engine", ORDERED)
def test_the_frame_comes_back_in_its_own_kind_with_its_columns_first(engine):
    given_rows = (
        table(BASE, note="as sent").sample(frac=1, random_state=1).set_axis(list("hgfedcba"))
    )
    before = given_rows.copy()
    frame = ENGINES[engine](given_rows)
    result = classified(frame)
    assert type(result) is (pa.Table if engine == "duckdb" else type(frame))
    names = list(to_pandas(result).columns)
    assert names[:5] == ["kpi_id", "period_end", "value", "polarity", "note"]
    assert names[5:9] == ["baseline", "baseline_points", "overlap", "moving_range"]
    assert names[-4:] == ["run", "steps", "rule", "special_cause"]
    assert list(to_pandas(classified(result)).columns) == names
    pd.testing.assert_frame_equal(given_rows, before)
    if engine == "pandas":
        assert list(result.index) == list("hgfedcba")
        assert result["value"].tolist() == given_rows["value"].tolist()


@pytest.mark.parametrize("engine", ORDERED)
def test_a_plain_table_of_dates_and_values_will_do(engine):
    days = [dt.date(2024, month, 1) for month in range(1, 9)]
    plain = ENGINES[engine](pd.DataFrame({"day": pd.Series(days, dtype=object), "n": BASE}))
    rows = to_pandas(classified(plain, period="day", value="n"))
    assert rows["upper_limit"].tolist() == pytest.approx([16.32] * 8)
    assert rows["special_cause"].isna().all()


def test_dates_as_text_have_gaps_and_can_be_rebased():
    days = [f"2024-{month:02}-01" for month in (1, 2, 3, 5, 6, 7, 8, 9)]
    rows = classified(table(BASE).assign(period_end=days), rebase={"date": "2024-06-01", **REBASE})
    assert rows["moving_range"].isna().tolist() == [
        True,
        False,
        False,
        True,
        True,
        False,
        False,
        False,
    ]
    assert rows["baseline"].tolist() == [1] * 4 + [2] * 4


@pytest.mark.parametrize(
    ("changed", "options", "sentence"),
    [
        (
            {},
            {"period": "day"},
            'no column "day".*Its columns are: kpi_id, period_end, value, polarity.*period=',
        ),
        ({}, {"by": "area"}, 'no column "area".*by='),
        ({}, {"value": "n"}, 'no column "n".*value='),
        ({}, {"overlap": "k"}, 'no column "k".*overlap='),
        ({"value": "12"}, {}, '"value" holds "12" in row 1, which is no number'),
        ({"value": [None, "n/a", *BASE[2:]]}, {}, '"value" holds "n/a" in row 2'),
        ({"period_end": None}, {}, '"period_end" is empty in row 1'),
        ({"period_end": "31/12/2024"}, {}, '"31/12/2024" in row 1, which does not sort by time'),
        (
            {"period_end": dt.datetime(2024, 1, 31)},
            {},
            'same "period_end": row 1 .K1, 2024-01-31. and row 2. Keep the one',
        ),
        ({}, {"fix": 0}, "fixed after 0 values"),
        ({}, {"rebase": "2020-05-31"}, "is no rebase"),
        (
            {},
            {"rebase": {"kpi": "K1", "date": "2020-05-31", **REBASE}},
            'Rebase 1 names "kpi"; .*the nearest is "kpi_id"',
        ),
        ({}, {"overlap": 0}, "overlap cannot be 0"),
        ({}, {"overlap": 1.5}, "overlap cannot be 1.5"),
        (
            {"k": [4, 4, 0, 4, 4, 4, 4, 4]},
            {"overlap": "k"},
            'overlap cannot be 0 in the column "k", row 3 .K1, 2020-03-31.',
        ),
        ({}, {"rebase": {"date": "May 2020", **REBASE}}, '"May 2020" is no date'),
    ],
)
def test_what_cannot_be_charted_is_a_sentence(changed, options, sentence):
    with pytest.raises(InputError, match=sentence):
        process_limits(table(BASE).assign(**changed), **options)


def test_the_steps_come_in_order():
    """Limits are added where there are none, and belong to the figures that the rules look at."""
    whole = special_causes(table(BASE), fix=8)
    pd.testing.assert_frame_equal(whole, special_causes(process_limits(table(BASE), fix=8)))
    two = table(BASE, pct=[value * 2 for value in BASE])
    with pytest.raises(InputError, match='not those of "pct": see row 2 .K1'):
        special_causes(process_limits(two), value="pct")
    assert special_causes(two, value="pct")["rule"].isna().all()
    with pytest.raises(InputError, match='limits already: leave "fix" away'):
        special_causes(process_limits(two), fix=8)


def test_a_column_without_any_value_is_no_text():
    assert set(classified(table(BASE).assign(value=None))["limits"]) == {"no limits"}


def test_an_unknown_profile_is_named():
    with pytest.raises(InputError, match='no profile "nhs"; there are plotthedots, mdc'):
        special_causes(process_limits(table(BASE)), profile="nhs")


def test_an_empty_table_stays_empty():
    assert len(classified(table([]).astype({"value": float, "period_end": "datetime64[ns]"}))) == 0


# Attendances and four-hour breaches by month, April 2016 to March 2019, East Kent Hospitals, type 1 departments
# (NHS England, A&E attendances and emergency admissions; Open Government Licence).
ATTENDED = [11821, 13303, 12832, 13504, 12876, 12873, 12700, 12064, 12487, 11837, 10975, 12737]
ATTENDED += [12384, 13208, 13201, 14143, 13725, 13457, 13407, 13120, 13295, 13196, 12050, 14381]
ATTENDED += [13692, 14627, 13970, 15468, 14781, 14143, 15212, 14582, 14948, 15097, 14004, 15559]
BREACHED = [2456, 3124, 2535, 3151, 3155, 2811, 3703, 4115, 4481, 4875, 3700, 3548]
BREACHED += [3945, 4250, 3869, 5287, 5244, 5076, 5013, 3994, 5142, 5065, 4011, 4534]
BREACHED += [4012, 3588, 3144, 4133, 3715, 4074, 3593, 3275, 3709, 4745, 4520, 4202]


@pytest.mark.parametrize("profile", ["plotthedots", "mdc"])
def test_a_real_monthly_series(chart, profile):
    within = [100 * (seen - late) / seen for seen, late in zip(ATTENDED, BREACHED, strict=True)]
    rows = chart(within, profile=profile)
    mean, half = limits_by_hand(within)
    assert rows["mean"][0] == pytest.approx(mean)
    assert rows["upper_limit"][0] == pytest.approx(mean + half)
    by_hand = rules_by_hand(within, mdc=profile == "mdc")
    assert flags(rows, 0) == [(rule, {1: UP, -1: DOWN, 0: None}[way]) for rule, way in by_hand]
    assert {OUTSIDE, SHIFT} <= set(rows["rule"])


COARSE = st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=40)
FINE = st.lists(
    st.one_of(st.none(), st.floats(-1e3, 1e3).map(lambda x: round(x, 1))), min_size=1, max_size=40
)
WALK = st.lists(st.integers(-2, 4), min_size=8, max_size=40).map(
    lambda steps: [float(total % 17) for total in accumulate(steps)]
)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.one_of(COARSE, FINE, WALK), min_size=1, max_size=15),
    st.booleans(),
    st.sampled_from([None, 3, 8]),
    st.sampled_from(["plotthedots", "mdc"]),
)
def test_agrees_with_the_rules_written_out(many, screen, fix, profile):
    all_rows = classified(many_series(many), profile, screen=screen, fix=fix)
    for place, values in enumerate(many):
        rows = all_rows[all_rows["kpi_id"] == f"K{place:02}"]
        mean, half = limits_by_hand(values, screen, fix)
        if half is None:
            assert rows["upper_limit"].isna().all()
        else:
            assert rows["mean"].iloc[0] == pytest.approx(mean, abs=1e-9)
            assert rows["upper_limit"].iloc[0] == pytest.approx(mean + half, abs=1e-6)
        by_hand = rules_by_hand(values, screen, fix, profile == "mdc")
        expected = [(rule or "", {1: UP, -1: DOWN, 0: ""}[way]) for rule, way in by_hand]
        found = rows[["rule", "special_cause"]].fillna("").itertuples(index=False, name=None)
        assert list(found) == expected


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.one_of(COARSE, WALK), st.sets(st.integers(1, 30), max_size=3)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([None, 4, 8]),
)
def test_each_baseline_is_judged_as_if_it_stood_alone(many, fix):
    frame = many_series([values for values, _ in many])
    rebase = [
        {"kpi_id": f"K{place:02}", "date": month_end(at), **REBASE}
        for place, (_, cuts) in enumerate(many)
        for at in cuts
    ]
    all_rows = classified(frame, fix=fix, rebase=rebase or None)
    for place, (values, cuts) in enumerate(many):
        edges = [0, *sorted(cut for cut in cuts if cut < len(values)), len(values)]
        parts = [rules_by_hand(values[first:last], fix=fix) for first, last in pairwise(edges)]
        expected = [
            (rule or "", {1: UP, -1: DOWN, 0: ""}[way]) for part in parts for rule, way in part
        ]
        rows = all_rows[all_rows["kpi_id"] == f"K{place:02}"]
        assert (
            list(rows[["rule", "special_cause"]].fillna("").itertuples(index=False, name=None))
            == expected
        )
        assert rows["baseline"].tolist() == [
            n for n, (a, b) in enumerate(pairwise(edges), 1) for _ in range(b - a)
        ]


MANY = st.lists(WALK, min_size=1, max_size=15)


def many_series(many, **columns):
    return pd.concat(
        [table(values, kpi_id=f"K{place:02}", **columns) for place, values in enumerate(many)]
    )


@settings(deadline=None, max_examples=15)
@given(MANY, st.sampled_from([-40.0, 7.0, 1000.0]), st.sampled_from([0.25, 3.0, 100.0]))
def test_moving_and_stretching_a_series_moves_and_stretches_its_limits(many, shift, scale):
    rows = many_series(many)
    plain, moved = classified(rows), classified(rows.assign(value=scale * rows["value"] + shift))
    for name in ("mean", "lower_limit", "upper_limit", "near_lower"):
        assert moved[name].tolist() == pytest.approx(
            (scale * plain[name] + shift).tolist(), abs=1e-6
        )
    assert moved["rule"].fillna("").tolist() == plain["rule"].fillna("").tolist()


@settings(deadline=None, max_examples=15)
@given(MANY)
def test_reversing_polarity_swaps_improvement_and_concern(many):
    higher, lower = (
        classified(many_series(many, polarity=polarity)) for polarity in ("higher", "lower")
    )
    assert lower["rule"].fillna("").tolist() == higher["rule"].fillna("").tolist()
    swapped = higher["special_cause"].replace({UP: DOWN, DOWN: UP})
    assert lower["special_cause"].fillna("").tolist() == swapped.fillna("").tolist()


@settings(deadline=None, max_examples=15)
@given(st.lists(st.floats(4, 18).map(lambda x: round(x, 1)), min_size=1, max_size=20))
def test_a_gap_never_makes_a_flag(values):
    holes = [[*BASE, *values[:at], None, *values[at + 1 :]] for at in range(len(values))]
    rows = classified(many_series([BASE + values, *holes]), fix=8)
    flagged = rows["rule"].notna().to_numpy().reshape(len(holes) + 1, -1)
    assert not (flagged & ~flagged[0]).any()


# Time


def test_one_row_on_another_day_of_its_month_is_no_gap(chart):
    days = [dt.datetime(2024, month, 1) - dt.timedelta(days=1) for month in range(2, 13)]
    days += [dt.datetime(2024, 12, 31), dt.datetime(2025, 1, 31), dt.datetime(2025, 3, 1)]
    rows = chart(table((BASE * 2)[:14]).assign(period_end=days))
    assert rows["moving_range"].isna().sum() == 2  # the first, and February, which is not there
    days[-1] = dt.datetime(2025, 2, 1)
    assert chart(table((BASE * 2)[:14]).assign(period_end=days))["moving_range"].isna().sum() == 1


def test_from_friday_to_monday_is_one_step(chart):
    days = [day for day in pd.date_range("2024-01-01", "2024-01-16") if day.weekday() < 5]
    rows = chart(table([*BASE, *BASE[:4]]).assign(period_end=days))
    assert rows["moving_range"].isna().sum() == 1
    rows = chart(table(BASE[:7] + BASE[:4]).assign(period_end=days[:6] + days[7:]))
    assert rows["moving_range"].isna().sum() == 2  # a Tuesday is absent


def test_time_zones_and_keys_of_every_form_are_accepted():
    rows = table(BASE)
    zoned = rows.assign(period_end=rows["period_end"].dt.tz_localize("Europe/London"))
    alone = rows.drop(columns="kpi_id")
    expected = process_limits(rows)["upper_limit"].tolist()
    for frame, by in (
        (zoned, "kpi_id"),
        (zoned, ["kpi_id"]),
        (rows, None),
        (rows, []),
        (alone, None),
    ):
        assert process_limits(frame, by=by)["upper_limit"].tolist() == expected
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
        assert process_limits(arrow, by=by)["upper_limit"].to_pylist() == expected


def test_the_state_and_the_rules_go_by_the_ranges_behind_the_limits(chart):
    rows = chart([10.0, 10.5, 10.0, 10.5, 10.0, *[10.9] * 9], options={"fix": 5})
    assert set(rows["limits"]) == {"trial"}
    assert set(rows["rule"]) == {None}  # the shift of nine would be one of its rules


@pytest.mark.parametrize(
    ("values", "described"),
    [
        (
            [613, 610, 608, 615, 611, 612, 6130],
            False,
        ),  # one tenfold slip: the limits hold none of the seven
        ([613, 610, 608, 6130, 615, 611, 612, 609, 614], False),
        (BASE, True),
        ([5.0] * 8, True),
        ([1.0, 2.0], True),
        ([0, 0, 0, 1, 0, 2, 0, 0, 1, 0], True),
    ],
)
def test_an_outlier_that_carries_its_own_limits(values, described):
    assert is_described(values) is described
