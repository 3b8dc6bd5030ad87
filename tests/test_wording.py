"""Numbers as readers see them, and what is meant by a name that somebody typed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.terms import gap_of
from kpi_tools.wording import (
    capitalised,
    change_in_words,
    decimals_against,
    distance,
    in_words,
    line_of,
    listed,
    named,
    plural,
    plural_of,
    rounded,
    show,
    show_line,
    signed,
)


def against(value, unit: str, decimals: int, lines: list) -> str:
    """A figure with as many decimals as it takes to stand on its own side of the lines."""
    return show(value, unit, decimals_against(value, decimals, lines))


@pytest.mark.parametrize(("value", "unit", "decimals", "text"), [
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
    (-1.8, "£ million", 1, "-£1.8 million"),
    (1, "days", 0, "1 day"),
    (1.0, "days", 1, "1.0 days"),
    (3, "other: homes", 0, "3 homes"),
    (0.8, "ratio", 1, "0.8"),
])  # fmt: skip
def test_a_figure_with_its_unit(value, unit, decimals, text):
    assert show(value, unit, decimals) == text


@pytest.mark.parametrize(("value", "decimals", "text"), [
    (0.5, 0, "1"),
    (1.5, 0, "2"),
    (2.5, 0, "3"),
    (0.125, 2, "0.13"),
    (1.005, 2, "1.01"),
    (-2.5, 0, "-3"),
])  # fmt: skip
def test_halves_go_up_as_readers_expect(value, decimals, text):
    assert rounded(value, decimals) == text


def test_print_never_contradicts_the_rating():
    assert against(74.7, "%", 0, [85, 75]) == "74.7%"
    assert against(89.96, "%", 0, [90, 85]) == "89.96%"
    assert against(94.3, "%", 0, [90, 85]) == "94%"
    assert against(90.0, "%", 0, [90, None, math.nan]) == "90%"
    assert against(None, "%", 0, [90]) == "not available"


@given(
    st.floats(0, 100).map(lambda x: round(x, 3)),
    st.floats(0, 100).map(lambda x: round(x, 1)),
    st.integers(0, 2),
)
def test_the_printed_figure_stays_on_its_side_of_the_line(value, line, decimals):
    printed = float(against(value, "", decimals, [line]).replace(",", ""))
    assert (printed >= line) == (value >= line)
    assert (printed <= line) == (value <= line)


def test_lines_keep_their_own_decimals():
    assert show_line(10.5, "%", 0) == "10.5%"
    assert show_line(400.0, "count", 0) == "400"
    assert show_line(math.nan, "%", 0) == "not set"


def test_words():
    assert [in_words(n) for n in (0, 7, 9, 10, 1234)] == ["no", "seven", "nine", "10", "1,234"]
    changes = {3: "three more", -5: "five fewer", 0: "the same number", 12: "12 more"}
    assert {n: change_in_words(n) for n in changes} == changes
    assert [signed(n) for n in (3, -2, 0, -1200)] == ["+3", "-2", "0", "-1,200"]
    assert [plural(1, "KPI"), plural(2, "KPI")] == ["one KPI", "two KPIs"]
    assert [*map(plural_of, ("Measure of success", "Focus"))] == ["Measure of successes", "Focuses"]
    assert plural(0, "entry", "entries") == "no entries"
    assert [listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    # a unit with a capital of its own keeps its small letter
    meant = {"days": "Days", "tCO2e": "tCO2e", "a KPI": "A KPI", "": ""}
    assert {text: capitalised(text) for text in meant} == meant


@pytest.mark.parametrize(("value", "target", "floor", "unit", "gap"), [
    (34.0, 60.0, 55.0, "%", "26 points below"),
    (74.0, 75.0, 70.0, "%", "1 point below"),
    (44.46, 44.5, 40.0, "%", "0.04 points below"),
    (44.499, 44.5, 40.0, "%", "0.001 points below"),
    (90.0, 90.0, 80.0, "%", ""),
    (94.0, 90.0, 80.0, "%", ""),
    (613, 650, 600, "count", "37 below"),
    (-2.0, -1.2, -1.5, "£ million", "£0.8 million below"),
    (math.nan, 90.0, 80.0, "%", ""),
])  # fmt: skip
def test_how_far_a_line_is_missed_is_never_nought(value, target, floor, unit, gap):
    row = {"value": value, "target": target, "floor_standard": floor, "unit": unit, "decimals": 0}
    assert gap_of(row | {"polarity": "higher"}, "target") == gap


def test_a_distance_is_known_on_both_sides_and_a_target_best_met_closely_has_its_tolerance():
    above = {"value": 94.0, "target": 90.0, "unit": "%", "decimals": 0, "polarity": "higher"}
    assert distance(above, "target") == "4 points"
    row = {"target": 50.0, "tolerance": 2.5, "unit": "%", "decimals": 0, "polarity": "target"}
    assert line_of(row, "target") == "50% ± 2.5"
    money = row | {"target": 0.0, "tolerance": 100.0, "unit": "£ thousand"}
    assert line_of(money, "target", bare=True) == "£0 ± £100k"


KNOWN = {"ES01": "ES01 (Plans within 20 weeks)", "ES02": "ES02 (Reviews overdue)"}
KNOWN |= {"CS01": "CS01 (Calls)"}


@pytest.mark.parametrize(("typed", "sentence"), [
    ("ES1", 'There is no KPI "ES1". The nearest: ES01 (Plans within 20 weeks), ES02 (Reviews overdue) or CS01 (Calls).'),
    ("reviews", 'There is no KPI "reviews". The nearest: ES02 (Reviews overdue).'),
    ("the plan", 'There is no KPI "the plan". The nearest: ES01 (Plans within 20 weeks).'),
    ("../../etc", 'There is no KPI "../../etc". There are: ES01; ES02; CS01.'),
    ("", 'There is no KPI "". There are: ES01; ES02; CS01.'),
])  # fmt: skip
def test_otherwise_the_nearest_names_are_told(typed, sentence):
    with pytest.raises(InputError) as error:
        named(typed, KNOWN, "KPI")
    assert str(error.value) == sentence
    with pytest.raises(InputError) as error:
        named("x" * 5000, KNOWN, "KPI")
    assert len(str(error.value)) < 200


def test_thousands_of_pounds_stay_thousands_where_the_unit_is_left_away():
    thousands = {-85.0: "-£85k", 0.0: "£0", 1200.0: "£1,200k"}
    assert {n: show(n, "£ thousand", 0, bare=True) for n in thousands} == thousands
    assert show(-85.0, "£ thousand", 0) == "-£85 thousand"
    assert show(1.5, "£ million", 1, bare=True) == "£1.5m"
