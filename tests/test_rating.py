"""Rating, on every engine by one fixture. Expected answers are by hand, from METHOD.md and from exact fractions."""

import math
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.rating import floor_by_percentage, rate
from tests.engines import ENGINES, to_pandas
from tests.ratings_by_fractions import COLUMNS
from tests.ratings_by_fractions import cases as cases_by_fractions

NAN, INF = math.nan, math.inf


@pytest.fixture(params=list(ENGINES))
def rated(request):
    """Rate rows given as dictionaries on one engine; answers as a list of (rag, reason)."""

    def answer(rows):
        frame = ENGINES[request.param](pd.DataFrame(rows))
        result = to_pandas(rate(frame))
        return list(zip(result["rating"], result["not_rated_reason"], strict=True))

    return answer


def kpi(value, target, floor, polarity="higher", **more):
    return {"value": value, "target": target, "floor_standard": floor, "polarity": polarity, **more}


EDGES = [
    (kpi(90.0, 90.0, 85.0), "Green"),
    (kpi(85.0, 90.0, 85.0), "Amber"),
    (kpi(84.9, 90.0, 85.0), "Red"),
    (kpi(9.0, 9.0, 10.5, "lower"), "Green"),
    (kpi(10.5, 9.0, 10.5, "lower"), "Amber"),
    (kpi(10.6, 9.0, 10.5, "lower"), "Red"),
    (kpi(74.7, 85.0, 75.0), "Red"),
    (kpi(0.1 + 0.2, 0.3, 0.5, "lower"), "Green"),
    (kpi(89.99999999999999, 90.0, 85.0), "Green"),
    (kpi(89.9999, 90.0, 85.0), "Amber"),
    (kpi(90.0, 90.0, 90.0), "Green"),
    (kpi(89.0, 90.0, 90.0), "Red"),
    (kpi(0.0, 0.0, 5.0, "lower"), "Green"),
    (kpi(-2.0, -1.0, -3.0), "Amber"),
    (kpi(52.0, 50.0, 45.0, "target", tolerance=2.0), "Green"),
    (kpi(52.1, 50.0, 45.0, "target", tolerance=2.0), "Amber"),
    (kpi(55.0, 50.0, 45.0, "target", tolerance=2.0), "Amber"),
    (kpi(44.9, 50.0, 45.0, "target", tolerance=2.0), "Red"),
    (kpi(52.5, 50.0, 45.0, "target"), "Green"),
    (kpi(52.6, 50.0, 45.0, "target"), "Amber"),
    (kpi(45.0, 50.0, 55.0, "target"), "Amber"),
]
UNRATED = [
    (kpi(None, 90.0, 85.0), "no figure"),
    (kpi(NAN, 90.0, 85.0), "no figure"),
    (kpi(INF, 90.0, 85.0), "no figure"),
    (kpi(90.0, None, 85.0), "no target"),
    (kpi(90.0, NAN, 85.0), "no target"),
    (kpi(90.0, 90.0, None), "no floor standard"),
    (kpi(90.0, 90.0, NAN), "no floor standard"),
    (kpi(90.0, 90.0, 95.0), "floor standard on the better side of the target"),
    (kpi(9.0, 10.0, 9.0, "lower"), "floor standard on the better side of the target"),
    (kpi(90.0, 90.0, 85.0, "up"), "polarity not known"),
    (kpi(90.0, 90.0, 85.0, None), "polarity not known"),
    (kpi(None, 90.0, 85.0, status="suppressed"), "suppressed"),
    (kpi(NAN, 90.0, 85.0, status="not available"), "not available"),
    (kpi(None, 90.0, 85.0, status="final"), "no figure"),
]


def test_every_edge_has_one_answer(rated):
    assert [rag for rag, _ in rated([row for row, _ in EDGES])] == [
        expected for _, expected in EDGES
    ]


def test_what_cannot_be_rated_has_a_reason_and_no_colour(rated):
    assert rated([row for row, _ in UNRATED]) == [("Not rated", reason) for _, reason in UNRATED]


def test_whole_numbers_are_compared_where_there_are_parts(rated):
    exactly_on_target = [
        kpi(100 * n / d, float(t), float(t) - 5, numerator=float(n), denominator=float(d), unit="%")
        for n, d, t in [(29, 50, 58), (57, 100, 57), (7, 25, 28), (14, 25, 56), (1, 3, 33)]
    ]
    assert [rag for rag, _ in rated(exactly_on_target)] == ["Green"] * 5


def test_parts_do_not_turn_a_count_into_a_percentage(rated):
    health_checks = kpi(
        67008.0, 68000.0, 54400.0, numerator=67008.0, denominator=77061.0, unit="count"
    )
    assert rated([health_checks]) == [("Amber", None)]


def test_a_small_band_between_large_numbers_is_kept(rated):
    """Exactly on the edge of the green band, and the smallest step outside, by whole numbers."""
    rows = [
        kpi(
            1000.0,
            90.931,
            152.931,
            "target",
            tolerance=909.069,
            numerator=10,
            denominator=10,
            unit="rate per 1,000",
        ),
        kpi(
            1000.0,
            90.931,
            152.931,
            "target",
            tolerance=909.0689,
            numerator=10,
            denominator=10,
            unit="rate per 1,000",
        ),
    ]
    assert [rag for rag, _ in rated(rows)] == ["Green", "Red"]


def test_rates_are_compared_per_head(rated):
    entrants = kpi(
        175.0,
        180.0,
        240.0,
        "lower",
        numerator=284.0,
        denominator=162_000.0,
        unit="rate per 100,000",
    )
    missed = kpi(
        175.0,
        175.0,
        240.0,
        "lower",
        numerator=284.0,
        denominator=162_000.0,
        unit="rate per 100,000",
    )
    assert [rag for rag, _ in rated([entrants, missed])] == ["Green", "Amber"]


def test_a_denominator_of_nothing_leaves_the_value_to_speak(rated):
    assert rated([kpi(90.0, 90.0, 85.0, numerator=0.0, denominator=0.0)]) == [("Green", None)]


def test_the_callers_columns_come_first_and_stay_as_they_were():
    table = pd.DataFrame([kpi(1.0, 2.0, 1.0, note="kept")])
    before = table.copy()
    assert list(rate(table).columns) == [*before.columns, "rating", "not_rated_reason"]
    pd.testing.assert_frame_equal(table, before)
    assert list(rate(rate(table)).columns) == [*before.columns, "rating", "not_rated_reason"]


def test_an_empty_table_stays_empty():
    empty = pd.DataFrame([kpi(1.0, 2.0, 1.0)]).head(0)
    assert len(rate(empty)) == 0


def test_percentage_tolerance_and_target_only_schemes():
    table = pd.DataFrame(
        [
            kpi(82.0, 90.0, None),
            kpi(80.0, 90.0, None),
            kpi(9.9, 9.0, None, "lower"),
            kpi(10.0, 9.0, None, "lower"),
        ]
    )
    assert rate(floor_by_percentage(table, 10))["rating"].tolist() == [
        "Amber",
        "Red",
        "Amber",
        "Red",
    ]
    assert rate(floor_by_percentage(table, 0))["rating"].tolist() == ["Red", "Red", "Red", "Red"]


standards = st.decimals(min_value=1, max_value=100, places=2)
slacks = st.decimals(min_value=0, max_value=20, places=1)
parts = st.tuples(
    st.integers(0, 10_000), st.integers(1, 10_000), standards, slacks, st.booleans(), st.booleans()
)
many = settings(max_examples=25, deadline=None)


@many
@given(st.lists(parts, min_size=1, max_size=200))
def test_ratings_agree_with_exact_fractions(cases):
    rows, expected = [], []
    for n, d, target, slack, higher, on_line in cases:
        numerator, denominator = (int(target * 100), 10_000) if on_line else (n, d)
        floor = target - slack if higher else target + slack
        exact = Fraction(100 * numerator, denominator)
        expected.append(_exact(exact, Fraction(target), Fraction(floor), higher))
        polarity = "higher" if higher else "lower"
        rows.append(
            kpi(
                float(exact),
                float(target),
                float(floor),
                polarity,
                numerator=numerator,
                denominator=denominator,
            )
        )
    assert rate(pd.DataFrame(rows))["rating"].tolist() == expected


@pytest.mark.parametrize("percent", [None, 0, 5, 7.5, 10])
def test_thousands_of_random_figures_agree_with_exact_fractions(percent):
    """`benchmarks/ratings.py` does the same a million times."""
    found = list(cases_by_fractions(4_000, seed=20250331, percent=percent))
    rows = pd.DataFrame([row for row, _ in found], columns=list(COLUMNS))
    rated = rate(rows if percent is None else floor_by_percentage(rows, percent))
    wrong = rated[rated["rating"] != [rag for _, rag in found]]
    assert wrong.to_dict("records") == []
    assert {rag for _, rag in found} == (
        {"Green", "Red"} if percent == 0 else {"Green", "Amber", "Red"}
    )


@many
@given(
    st.lists(st.tuples(standards, standards, slacks, st.integers(2, 9)), min_size=1, max_size=100)
)
def test_mirrored_and_scaled_figures_are_rated_alike(cases):
    plain = [kpi(float(v), float(t), float(t - s)) for v, t, s, _ in cases]
    mirrored = [kpi(-float(v), -float(t), -float(t - s), "lower") for v, t, s, _ in cases]
    scaled = [kpi(float(v * f), float(t * f), float((t - s) * f)) for v, t, s, f in cases]
    expected = [_exact(v, t, t - s, higher=True) for v, t, s, _ in cases]
    assert rate(pd.DataFrame(plain + mirrored + scaled))["rating"].tolist() == expected * 3


@many
@given(st.lists(st.tuples(standards, standards, slacks), min_size=1, max_size=100))
def test_a_better_figure_is_never_rated_worse(cases):
    rows = [kpi(float(value), float(target), float(target) - 10) for value, target, _ in cases]
    better = [
        kpi(float(value + gain), float(target), float(target) - 10) for value, target, gain in cases
    ]
    order = {"Red": 0, "Amber": 1, "Green": 2}
    before, after = (rate(pd.DataFrame(table))["rating"].map(order) for table in (rows, better))
    assert (after >= before).all()


def _exact(value: Fraction | Decimal, target, floor, higher: bool) -> str:
    def meets(line):
        return value >= line if higher else value <= line

    return "Green" if meets(target) else "Amber" if meets(floor) else "Red"


@pytest.mark.parametrize(
    ("row", "rag"),
    [
        # closest to target with parts: 54, 56 and 61 of 100 against 50 ± 5, floor standard 40
        (
            kpi(54.0, 50.0, 40.0, "target", tolerance=5.0, numerator=54.0, denominator=100.0),
            "Green",
        ),
        (
            kpi(56.0, 50.0, 40.0, "target", tolerance=5.0, numerator=56.0, denominator=100.0),
            "Amber",
        ),
        (kpi(61.0, 50.0, 40.0, "target", tolerance=5.0, numerator=61.0, denominator=100.0), "Red"),
        # the parts are used from a denominator of one on, and only where both are there
        (kpi(99.9, 100.0, 90.0, numerator=1.0, denominator=1.0), "Green"),
        (kpi(50.0, 90.0, 85.0, numerator=0.0, denominator=0.0), "Red"),
        (kpi(95.0, 90.0, 85.0, numerator=10.0, denominator=NAN), "Green"),
        # the allowance for noise is 1e-9 of the line, and no less than that of a line of one
        (kpi(0.5 - 1.5e-9, 0.5, 0.4), "Amber"),
        (kpi(1.5 - 1.3e-9, 1.5, 1.0), "Green"),
        (kpi(1.5 - 1.7e-9, 1.5, 1.0), "Amber"),
    ],
)
def test_the_parts_and_the_allowance_to_their_limits(rated, row, rag):
    assert rated([row]) == [(rag, None)]


def test_without_a_column_of_tolerances_green_reaches_half_as_far_as_amber(rated):
    rows = [
        kpi(52.5, 50.0, 45.0, "target"),
        kpi(52.6, 50.0, 45.0, "target"),
        kpi(47.5, 50.0, 55.0, "target"),
    ]
    assert [rag for rag, _ in rated(rows)] == ["Green", "Amber", "Green"]


@pytest.mark.parametrize(
    ("row", "rag"),
    [
        # a billionth of a thousand million is one: one short is still met, one and a half is not
        (kpi(999_999_999.0, 1e9, 5e8), "Green"),
        (kpi(999_999_998.5, 1e9, 5e8), "Amber"),
        (kpi(1_000_000_001.0, 1e9, 2e9, "lower"), "Green"),
        # closest to target: figure, target and half the band are 1e9 together, so the band reaches one further
        (kpi(500_000_000.5, 0.0, 6e8, "target", tolerance=499_999_999.5), "Green"),
        (kpi(500_000_001.5, 0.0, 6e8, "target", tolerance=499_999_999.5), "Amber"),
        # 55 + 50 + 5 = 110: the allowance is 1.1e-7
        (kpi(55 + 1.05e-7, 50.0, 40.0, "target", tolerance=5.0), "Green"),
        (kpi(55 + 1.15e-7, 50.0, 40.0, "target", tolerance=5.0), "Amber"),
        # and no less than 1e-9, however small the numbers
        (kpi(0.25 + 0.5e-9, 0.125, 0.5, "target", tolerance=0.125), "Green"),
        (kpi(0.25 + 1.5e-9, 0.125, 0.5, "target", tolerance=0.125), "Amber"),
    ],
)
def test_the_edge_of_the_allowance_for_noise_is_still_inside(rated, row, rag):
    assert rated([row]) == [(rag, None)]


def test_a_null_is_no_figure_no_polarity_and_no_status_on_engines_that_know_it():
    rows = pl.DataFrame(
        {
            "value": [90.0, None, None, None], "target": [90.0] * 4, "floor_standard": [85.0] * 4,
            "polarity": [None, "higher", "higher", None], "status": ["final", None, "suppressed", None],
        }
    )  # fmt: skip
    expected = ["polarity not known", "no figure", "suppressed", "no figure"]
    for frame in (rows, rows.to_arrow()):
        found = pl.DataFrame(rate(frame))
        assert (
            found["rating"].to_list() == ["Not rated"] * 4
            and found["not_rated_reason"].to_list() == expected
        )


@pytest.mark.parametrize("engine", list(ENGINES))
def test_a_table_that_cannot_be_rated_is_told_in_a_sentence(engine):
    table = pd.DataFrame(
        {"value": [1.0], "target": 1.0, "floor_standard": 1.0, "polarity": "higher"}
    )
    for changed, sentence in (
        (
            table.drop(columns=["target", "polarity"]),
            "There is no column target or polarity in the table",
        ),
        *(
            (table.assign(**{name: "x"}), f'The column "{name}" holds text, not numbers')
            for name in (
                "value",
                "target",
                "floor_standard",
                "numerator",
                "denominator",
                "tolerance",
            )
        ),
    ):
        with pytest.raises(InputError, match=sentence):
            rate(ENGINES[engine](changed))
