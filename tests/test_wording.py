"""Numbers as readers see them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.words.wording import (
    change_in_words,
    in_words,
    listed,
    plural,
    rounded,
    show,
    show_against,
    show_line,
    signed,
)


@pytest.mark.parametrize(
    ("value", "unit", "decimals", "text"),
    [
        (34.0, "%", 0, "34%"),
        (10323, "tonnes CO2e", 0, "10,323 tonnes CO2e"),
        (175, "rate per 100,000", 0, "175 per 100,000"),
        (33550, "count", 0, "33,550"),
        (1234.5, "GBP", 2, "£1,234.50"),
        (-12, "GBP per week", 0, "-£12 per week"),
        (0.04, "%", 2, "0.04%"),
        (None, "%", 0, "not available"),
        (math.nan, "%", 0, "not available"),
        (math.inf, "%", 0, "not available"),
        (-0.2, "%", 0, "0%"),
    ],
)
def test_a_figure_with_its_unit(value, unit, decimals, text):
    assert show(value, unit, decimals) == text


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (2.5, 0, "3"),
        (0.125, 2, "0.13"),
        (1.005, 2, "1.01"),
        (-2.5, 0, "-3"),
    ],
)
def test_halves_go_up_as_readers_expect(value, decimals, text):
    assert rounded(value, decimals) == text


def test_print_never_contradicts_the_rating():
    assert show_against(74.7, "%", 0, [85, 75]) == "74.7%"
    assert show_against(89.96, "%", 0, [90, 85]) == "89.96%"
    assert show_against(94.3, "%", 0, [90, 85]) == "94%"
    assert show_against(90.0, "%", 0, [90, None, math.nan]) == "90%"
    assert show_against(None, "%", 0, [90]) == "not available"


@given(
    st.floats(0, 100).map(lambda x: round(x, 3)),
    st.floats(0, 100).map(lambda x: round(x, 1)),
    st.integers(0, 2),
)
def test_the_printed_figure_stays_on_its_side_of_the_line(value, line, decimals):
    printed = float(show_against(value, "", decimals, [line]).replace(",", ""))
    assert (printed >= line) == (value >= line)
    assert (printed <= line) == (value <= line)


def test_lines_keep_their_own_decimals():
    assert show_line(10.5, "%", 0) == "10.5%"
    assert show_line(400.0, "count", 0) == "400"
    assert show_line(math.nan, "%", 0) == "not set"


def test_words():
    assert [in_words(n) for n in (0, 7, 9, 10, 1234)] == ["no", "seven", "nine", "10", "1,234"]
    assert [change_in_words(n) for n in (3, -5, 0, 12)] == [
        "three more",
        "five fewer",
        "the same number",
        "12 more",
    ]
    assert [signed(n) for n in (3, -2, 0, -1200)] == ["+3", "−2", "0", "−1,200"]
    assert [plural(1, "KPI"), plural(2, "KPI"), plural(0, "entry", "entries")] == [
        "one KPI",
        "two KPIs",
        "no entries",
    ]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
