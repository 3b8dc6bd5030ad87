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
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.limits import is_described, process_limits
from kpi_tools.variation import special_causes
from tests.engines import ENGINES, to_pandas
from tests.spc_by_hand import limits as limits_by_hand
from tests.spc_by_hand import rules as rules_by_hand

BASE = [10.0, 12.0, 11.0, 13.0, 9.0, 11.0, 12.0, 10.0]
LETTERS = {"outside a limit": "O", "trend of seven": "T", "shift of seven": "S"}
LETTERS["two in three near a limit"] = "2"
SIGNS = {"improvement": "+", "concern": "-", "neutral": "="}
REBASE = {"reason": "new system", "name": "head of service"}


def month_end(number):
    """The last day of the month so many months after January 2020."""
    year, month = divmod(number + 1, 12)
    return dt.datetime(2020 + year, month + 1, 1) - dt.timedelta(days=1)


def table(values, months=None, **columns):
    """One series a row a month; a month that is not listed is absent."""
    rows = {
        "kpi_id": "K1",
        "period_end": [month_end(place) for place in months or range(len(values))],
        "value": [math.nan if value is None else float(value) for value in values],
        "polarity": "higher",
    }
    return pd.DataFrame(rows).assign(**columns)


def classified(frame, profile="plotthedots", **options):
    by = {name: options[name] for name in ("by", "period", "value") if name in options}
    return special_causes(process_limits(frame, **options), profile=profile, **by)


def chart(values, months=None, columns=(), **options):
    """The classified rows of one series or more, in order, as a table of plain values."""
    rows = values if isinstance(values, pd.DataFrame) else table(values, months, **dict(columns))
    result = to_pandas(classified(rows.sample(frac=1, random_state=3), **options))
    keys = [name for name in ("kpi_id", "area", "period_end") if name in result]
    return result.sort_values(keys).reset_index(drop=True)


def flags(rows, after=0):
    """What the points are flagged with: the rule's letter and the cause's sign, or a dot."""
    pairs = zip(rows["rule"][after:], rows["special_cause"][after:], strict=True)
    return " ".join(LETTERS[rule] + SIGNS[cause] if rule else "." for rule, cause in pairs)


def numbers(text):
    return [None if one == "gap" else float(one) for one in text.split()]


def test_limits_by_hand():
    rows = chart(BASE)
    assert rows["mean"].tolist() == [11.0] * 8
    assert rows["moving_range"].tolist() == [None, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0]
    limits = {"lower_limit": 5.68, "upper_limit": 16.32}
    near = {"near_lower": 11 - 10.64 / 3, "near_upper": 11 + 10.64 / 3}
    for name, expected in (limits | near).items():
        assert rows[name].tolist() == pytest.approx([expected] * 8)
    assert set(rows["limits"]) == {"trial limits"}
    assert flags(rows) == ". . . . . . . ."


def test_large_moving_ranges_are_screened_once():
    # Moving ranges: nine of 1 and two of 19, 47/11 on average; 19 is more than 3.267 times that, and 9/9 = 1 is left.
    values = [10, 11, 10, 11, 10, 11, 30, 11, 10, 11, 10, 11]
    for screen, average in ((True, 1), (False, 47 / 11)):
        rows = chart(values, screen=screen)
        assert rows["mean"][0] == pytest.approx(146 / 12)
        assert rows["upper_limit"][0] == pytest.approx(146 / 12 + 2.66 * average)
    # one of 4 among nothing but zeros would leave only zeros, and stays
    assert chart([5, 5, 5, 5, 5, 5, 5, 9])["upper_limit"][0] == pytest.approx(5.5 + 2.66 * 4 / 7)


@pytest.mark.parametrize(("largest", "average"), [(3.267, 6.733 / 9), (3.266, 1.0)])
def test_a_moving_range_on_the_screen_is_left_out(largest, average):
    # Ten moving ranges that add up to 10: their mean is 1, the screen stands at 3.267.
    moves = [0.75, -0.75, 0.75, -0.75, largest, -0.75, 0.75, -0.75, 0.75, -(10 - largest - 6)]
    rows = chart([*accumulate([20.0, *moves])])
    assert rows["upper_limit"][0] - rows["mean"][0] == pytest.approx(2.66 * average)


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.0, 34.7, -1 / 3, 1e9 / 7])
def test_a_flat_series_has_limits_on_its_mean_and_no_flags(value):
    rows = chart([value] * 24)
    for name in ("lower_limit", "upper_limit", "mean"):
        assert rows[name].tolist() == [value] * 24
    assert set(rows["limits"]) == {"no variation"} and set(rows["run"]) == {0}
    assert rows["rule"].isna().all()
    # a flat baseline flags what leaves it
    assert flags(chart([5.0] * 8 + [5.0 + 1e-9, 5.1], fix=8), after=8) == ". O+"


def test_what_is_not_charted_and_a_table_without_values_or_rows():
    rows = chart(BASE, columns={"basis": "year_to_date"})
    assert set(rows["limits"]) == {"not charted"}
    assert rows["mean"].isna().all() and rows["rule"].isna().all()
    assert set(classified(table(BASE).assign(value=None))["limits"]) == {"no limits"}
    assert len(classified(table([]).astype({"value": float, "period_end": "datetime64[ns]"}))) == 0


@pytest.mark.parametrize(("values", "expected"), [
    ("16.32 5.68 16.33 5.67", ". . O+ O-"),  # on the limit is inside
    ("9 9.5 10 10.5 11.5 12 12.5 12", "T+ T+ T+ T+ T+ T+ T+ ."),
    # a turning point takes the sign of what follows
    ("9 9.5 10 10.5 11.5 12 12.5 12 11.5 10.8 10.5 10 9.5", "T+ T+ T+ T+ T+ T+ T- T- T- T- T- T- T-"),
    ("12 10 10.5 10 10.5 10 10.5 10", ". S- S- S- S- S- S- S-"),
    ("15 12 15 10", "2+ . 2+ ."),
    ("15 15 12 10", "2+ 2+ . ."),
    ("12 15 15", ". 2+ 2+"),
    ("15 15", ". ."),
    ("15 10.5 15", ". . ."),
    ("15 11 15", ". . ."),
    ("15 12 12 15", ". . . ."),
    ("15 7 15 7", ". . . ."),
    ("14.546666666666667 12 14.546666666666667", ". . ."),  # on near, and just beyond
    ("14.547 12 14.547", "2+ . 2+"),
    ("14.547 12 16.32", "2+ . 2+"),
    # nothing crosses a gap
    ("9 9.5 10 gap 10.5 11.5 12 12.5", ". . . . . . . ."),
    ("10.5 10.5 10.5 gap 10.5 10.5 10.5 10.5", ". . . . . . . ."),
    ("12 15 gap 15", ". . . ."),
    ("12 gap 9 9.5 10 10.5 11.5 12 12.5", ". . T+ T+ T+ T+ T+ T+ T+"),
])  # fmt: skip
def test_what_follows_a_frozen_baseline_is_flagged_by_hand(values, expected):
    values = BASE + numbers(values)
    assert flags(chart(values, fix=8), after=8) == expected
    present = [place for place, value in enumerate(values) if value is not None]
    absent = chart([values[place] for place in present], present, fix=8)
    assert flags(absent, after=8) == " ".join(expected.split()[place - 8] for place in present[8:])


def test_a_rebase_is_for_its_series_and_may_lie_outside():
    two = pd.concat([table(BASE), table(BASE).assign(kpi_id="K2")])
    rebase = pd.DataFrame([{"kpi_id": "K2", "date": dt.date(2020, 5, 31), **REBASE}])
    assert chart(two, rebase=rebase)["baseline"].tolist() == [1] * 8 + [1] * 4 + [2] * 4
    for day in ("1999-01-01", "2050-01-01"):
        rows = chart(BASE, rebase=[{"date": day, **REBASE}])
        assert rows["baseline"].tolist() == [1] * 8
        assert rows["mean"].tolist() == [11.0] * 8


@pytest.mark.parametrize(("values", "options", "state"), [
    (BASE[:7], {}, "trial"),
    (BASE, {}, "trial limits"),
    ((BASE * 2)[:12], {}, "trial limits"),
    ((BASE * 2)[:13], {}, "limits"),
    (BASE * 2, {"fix": 8}, "trial limits"),  # it counts the points behind the limits
])  # fmt: skip
def test_how_many_points_make_which_limits(values, options, state):
    assert set(chart(values, **options)["limits"]) == {state}


def test_few_points_are_judged_by_the_limits_alone():
    # The mean is 4 and the moving ranges are all 1, so that the limits are 1.34 and 6.66.
    assert flags(chart([1, 2, 3, 4, 5, 6, 7])) == "O- . . . . . O+"
    assert flags(chart([1, 2, 3, 4, 5, 6, 7, 8]))[9:19] == "T+ T+ T+ T"
    # The first five have the mean 10.2 and moving ranges of 0.5: limits 8.87 and 11.53.
    assert flags(chart([10, 10.5, 10, 10.5, 10, 11.54], fix=5)) == ". . . . . O+"
    # however many follow: the shift of nine would be one of the rules
    rows = chart([10.0, 10.5, 10.0, 10.5, 10.0, *[10.9] * 9], fix=5)
    assert set(rows["limits"]) == {"trial"} and rows["rule"].isna().all()


def test_rolling_figures_have_wider_limits_and_one_rule():
    rising = numbers("9 9.5 10 10.5 11.5 12 12.5")
    for months, k in (([3 * quarter + 2 for quarter in range(15)], 4), (list(range(15)), 12)):
        rows = chart(BASE + rising, months, {"basis": "rolling_12_months"}, fix=8)
        assert set(rows["overlap"]) == {k}
        assert rows["upper_limit"][0] == pytest.approx(11 + 5.32 * math.sqrt(k))
        assert set(rows["rule"]) == {None}
    assert flags(chart([*BASE, 21.65, 21.63], fix=8, overlap=4), after=8) == "O+ ."
    rows = chart(BASE, columns={"k": 9}, overlap="k")
    assert rows["upper_limit"][0] == pytest.approx(11 + 15.96)


@pytest.mark.parametrize(
    ("polarity", "flag"),
    [("lower", "O-"), ("higher", "O+"), ("target", "O="), (None, "O="), ("no column", "O=")],
)
def test_polarity_says_what_is_good(polarity, flag):
    rows = table([*BASE, 17.0], polarity=polarity)
    rows = rows.drop(columns="polarity") if polarity == "no column" else rows
    assert flags(chart(rows, fix=8), after=8) == flag


@pytest.mark.parametrize("missing", [math.nan, math.inf, None])
def test_nan_infinity_and_null_are_the_same_gap(missing):
    rows = chart([*BASE[:4], missing, *BASE[4:]])  # the moving range of 4 falls into the gap
    assert (rows["mean"][0], rows["baseline_points"][0], rows["rule"][4]) == (11.0, 8, None)
    assert rows["upper_limit"][4] == pytest.approx(11 + 2.66 * 10 / 6)


@pytest.mark.parametrize("engine", list(ENGINES))
def test_the_frame_comes_back_in_its_own_kind_with_its_columns_first(engine):
    rows = table(BASE, note="as sent").sample(frac=1, random_state=1).set_axis(list("hgfedcba"))
    before = rows.copy()
    frame = ENGINES[engine](rows)
    result = classified(frame)
    assert type(result) is (pa.Table if engine == "duckdb" else type(frame))
    names = list(to_pandas(result).columns)
    assert names[:5] == ["kpi_id", "period_end", "value", "polarity", "note"]
    assert names[5:9] == ["baseline", "baseline_points", "overlap", "moving_range"]
    assert names[-4:] == ["run", "steps", "rule", "special_cause"]
    assert list(to_pandas(classified(result)).columns) == names
    pd.testing.assert_frame_equal(rows, before)
    if engine == "pandas":
        assert list(result.index) == list("hgfedcba")
        assert result["value"].tolist() == rows["value"].tolist()
    days = [dt.date(2024, month, 1) for month in range(1, 9)]
    plain = ENGINES[engine](pd.DataFrame({"day": pd.Series(days, dtype=object), "n": BASE}))
    found = to_pandas(classified(plain, period="day", value="n"))
    assert found["upper_limit"].tolist() == pytest.approx([16.32] * 8)
    assert found["special_cause"].isna().all()


@pytest.mark.parametrize(("changed", "options", "sentence"), [
    ({}, {"period": "day"}, 'no column "day".*Its columns are: kpi_id, period_end, value, polarity.*period='),
    ({}, {"by": "area"}, 'no column "area".*by='),
    ({}, {"value": "n"}, 'no column "n".*value='),
    ({}, {"overlap": "k"}, 'no column "k".*overlap='),
    ({"value": "12"}, {}, '"value" holds "12" in row 1, which is no number'),
    ({"value": [None, "n/a", *BASE[2:]]}, {}, '"value" holds "n/a" in row 2'),
    ({"period_end": None}, {}, '"period_end" is empty in row 1'),
    ({"period_end": "31/12/2024"}, {}, '"31/12/2024" in row 1, which does not sort by time'),
    ({"period_end": dt.datetime(2024, 1, 31)}, {}, 'same "period_end": row 1 .K1, 2024-01-31. and row 2. Keep the one'),
    ({}, {"fix": 0}, "fixed after 0 values"),
    ({}, {"rebase": "2020-05-31"}, "is no rebase"),
    ({}, {"rebase": REBASE | {"date": None}}, "Rebase 1 has no date"),
    ({}, {"rebase": REBASE | {"date": "2020-05-31", "reason": None}}, "Rebase 1 has no reason"),
    ({}, {"rebase": REBASE | {"date": "2020-05-31", "name": " "}}, "Rebase 1 has no name"),
    ({}, {"rebase": REBASE | {"date": "May 2020"}}, '"May 2020" is no date'),
    ({}, {"rebase": REBASE | {"kpi": "K1", "date": "2020-05-31"}}, 'Rebase 1 names "kpi"; .*the nearest is "kpi_id"'),
    ({}, {"overlap": 0}, "overlap cannot be 0"),
    ({}, {"overlap": 1.5}, "overlap cannot be 1.5"),
    ({"k": [4, 4, 0, 4, 4, 4, 4, 4]}, {"overlap": "k"}, 'overlap cannot be 0 in the column "k", row 3 .K1, 2020-03-31.'),
])  # fmt: skip
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
    with pytest.raises(InputError, match='no profile "nhs"; there are plotthedots, mdc'):
        special_causes(process_limits(table(BASE)), profile="nhs")


COARSE = st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=1, max_size=40)
FINE = st.lists(
    st.one_of(st.none(), st.floats(-1e3, 1e3).map(lambda x: round(x, 1))), min_size=1, max_size=40
)
WALK = st.lists(st.integers(-2, 4), min_size=8, max_size=40).map(
    lambda steps: [float(total % 17) for total in accumulate(steps)]
)


def many_series(many):
    return pd.concat([table(values, kpi_id=f"K{place:02}") for place, values in enumerate(many)])


def written_out(by_hand):
    signs = {1: "+", -1: "-"}
    return " ".join(LETTERS[rule] + signs[way] if rule else "." for rule, way in by_hand)


@given(
    st.lists(st.one_of(COARSE, FINE, WALK), min_size=1, max_size=15),
    st.booleans(),
    st.sampled_from([None, 3, 8]),
    st.sampled_from(["plotthedots", "mdc"]),
)
def test_agrees_with_the_rules_written_out(many, screen, fix, profile):
    all_rows = to_pandas(classified(many_series(many), profile, screen=screen, fix=fix))
    for place, values in enumerate(many):
        rows = all_rows[all_rows["kpi_id"] == f"K{place:02}"]
        mean, half = limits_by_hand(values, screen, fix)
        if mean is not None:
            assert rows["mean"].iloc[0] == pytest.approx(mean, abs=1e-9)
        if half is None:
            assert set(rows["limits"]) == {"no limits"} and rows["upper_limit"].isna().all()
        else:
            assert rows["upper_limit"].iloc[0] == pytest.approx(mean + half, abs=1e-6)
        assert flags(rows) == written_out(rules_by_hand(values, screen, fix, profile == "mdc"))


@given(
    st.lists(
        st.tuples(st.one_of(COARSE, WALK), st.sets(st.integers(1, 30), max_size=3)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([None, 4, 8]),
)
def test_each_baseline_is_judged_as_if_it_stood_alone(many, fix):
    rebase = [
        {"kpi_id": f"K{place:02}", "date": month_end(at), **REBASE}
        for place, (_, cuts) in enumerate(many)
        for at in cuts
    ]
    frame = many_series([values for values, _ in many])
    all_rows = to_pandas(classified(frame, fix=fix, rebase=rebase or None))
    for place, (values, cuts) in enumerate(many):
        edges = [0, *sorted(cut for cut in cuts if cut < len(values)), len(values)]
        parts = [rules_by_hand(values[first:last], fix=fix) for first, last in pairwise(edges)]
        rows = all_rows[all_rows["kpi_id"] == f"K{place:02}"]
        assert flags(rows) == written_out([one for part in parts for one in part])
        assert rows["baseline"].tolist() == [
            n for n, (a, b) in enumerate(pairwise(edges), 1) for _ in range(b - a)
        ]


# Time


@pytest.mark.parametrize(("ends", "gaps"), [
    ("2020-03-31 2020-06-30 2020-09-30 2020-12-31 2021-03-31 2021-09-30", 1),
    ("2024-02-05 2024-02-12 2024-02-19 2024-03-04", 1),
    ("2022-23 Q3,2022-23 Q4,2023-24 Q1,2023-24 Q2", 0),
    # a row on another day of its month, and a February that is not there
    ("2024-10-31 2024-11-30 2024-12-31 2025-01-31 2025-02-01", 0),
    ("2024-10-31 2024-11-30 2024-12-31 2025-01-31 2025-03-01", 1),
    # from Friday to Monday is one step, from Monday to Wednesday two
    ("2024-01-04 2024-01-05 2024-01-08 2024-01-09 2024-01-10", 0),
    ("2024-01-03 2024-01-04 2024-01-05 2024-01-08 2024-01-10", 1),
    ("2024-01-01 2024-02-01 2024-03-01 2024-05-01 2024-06-01", 1),
])  # fmt: skip
def test_every_rhythm_has_its_gaps(ends, gaps):
    ends = ends.split("," if "," in ends else None)
    rows = table(BASE[: len(ends)])
    kinds = [ends] if "Q" in ends[0] else [ends, [dt.datetime.fromisoformat(end) for end in ends]]
    for days in kinds:
        assert chart(rows.assign(period_end=days))["moving_range"].isna().sum() == 1 + gaps
    numbered = rows.assign(period_end=[*range(1, len(ends)), len(ends) + 1])
    assert chart(numbered)["moving_range"].isna().sum() == 2


def test_dates_as_text_can_be_rebased():
    days = [f"2024-{month:02}-01" for month in (1, 2, 3, 5, 6, 7, 8, 9)]
    rows = classified(table(BASE).assign(period_end=days), rebase={"date": "2024-06-01", **REBASE})
    assert rows["moving_range"].isna().tolist() == [at in (0, 3, 4) for at in range(8)]
    assert rows["baseline"].tolist() == [1] * 4 + [2] * 4


def test_time_zones_and_keys_of_every_form_are_accepted():
    rows = table(BASE)
    zoned = rows.assign(period_end=rows["period_end"].dt.tz_localize("Europe/London"))
    alone = rows.drop(columns="kpi_id")
    expected = process_limits(rows)["upper_limit"].tolist()
    for frame, by in ((zoned, "kpi_id"), (zoned, ["kpi_id"]), (rows, None), (alone, None)):
        assert process_limits(frame, by=by)["upper_limit"].tolist() == expected
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
        assert process_limits(arrow, by=by)["upper_limit"].to_pylist() == expected


@pytest.mark.parametrize(("values", "described"), [
    ("613 610 608 615 611 612 6130", False),  # the limits of a tenfold slip hold all the others
    ("613 610 608 6130 615 611 612 609 614", False),
    ("10 12 11 13 9 11 12 10", True),
    ("5 5 5 5 5 5 5 5", True),
    ("1 2", True),
    ("0 0 0 1 0 2 0 0 1 0", True),
])  # fmt: skip
def test_an_outlier_that_carries_its_own_limits(values, described):
    assert is_described(numbers(values)) is described
