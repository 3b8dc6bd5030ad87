"""Financial quarters: what is understood, what is refused, and the arithmetic."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter, QuarterError, quarter_range

quarters = st.builds(Quarter, st.integers(2001, 2097), st.integers(1, 4))


SPELLINGS = """
2024-25 Q3|2024/25 Q3|Q3 2024/25|Quarter 3, 2024/25|Quarter 3 2024-25|2024-25-Q3|  2024–25   q3
24/25 Q3|Q3 24/25|2024/2025 Quarter 3|Q3, 2024-25|2024-25;Q3|2024−25 Q３|Q3 FY2024/25|fy24/25 Q3
Q3 (2024/25)|2024/25 (Q3)|2024-25_Q3|Quarter 3 of 2024/25|Q3 2024-2025
Financial year 2024-25, quarter 3
"""


@pytest.mark.parametrize("text", re.split(r"[|\n]", SPELLINGS.strip()))
def test_one_quarter_in_many_spellings(text):
    assert Quarter.parse(text) == Quarter(2024, 3)


@pytest.mark.parametrize(("text", "said"), [
    ("Q2 2023", "ambiguous"),
    ("2023 Q2", "ambiguous"),
    ("Q1 2023", "ambiguous"),
    ("Q4 2023", "ambiguous"),
    ("Q0 2023", "is not a financial quarter"),
    ("Q5 2023", "is not a financial quarter"),
    ("Quarter 2, 2023", "2022/23, of 2023/24"),
    ("2023-25 Q1", "2023 is followed by 2024"),
    ("2024-23 Q1", "2024 is followed by 2025"),
    ("2023-24 Q5", "four quarters, not 5"),
    ("2023-24 Q0", "four quarters, not 0"),
    ("2023-24", "not a financial quarter"),
    ("Q2", "not a financial quarter"),
    ("", "not a financial quarter"),
    ("../../etc/passwd", "not a financial quarter"),
    ("2023-24 Q2; rm", "not a financial quarter"),
    ("September 2023", "not a financial quarter"),
    (None, "not a financial quarter"),
])  # fmt: skip
def test_what_is_not_one_quarter_is_refused_with_a_sentence(text, said):
    with pytest.raises(QuarterError, match=said) as refusal:
        Quarter.parse(text)
    assert "2023-24 Q2" in str(refusal.value)
    assert isinstance(refusal.value, InputError)
    assert refusal.value.exit_status == 2


def test_names_and_days_of_a_quarter():
    quarter, last = Quarter(2023, 2), Quarter(2023, 4)
    names = (quarter.label, quarter.slug, quarter.title)
    assert names == ("2023-24 Q2", "2023-24-Q2", "Quarter 2 2023/24")
    assert (quarter.start, quarter.end) == (date(2023, 7, 1), date(2023, 9, 30))
    assert (last.start, last.end) == (date(2024, 1, 1), date(2024, 3, 31))
    assert Quarter(1999 + 1, 4).title == "Quarter 4 2000/01"


@pytest.mark.parametrize(("day", "label"), [
    (date(2024, 3, 31), "2023-24 Q4"),
    (date(2024, 4, 1), "2024-25 Q1"),
    (date(2024, 12, 31), "2024-25 Q3"),
    (date(2025, 1, 1), "2024-25 Q4"),
    (date(2024, 2, 29), "2023-24 Q4"),
])  # fmt: skip
def test_the_year_turns_on_the_first_of_april(day, label):
    assert Quarter.containing(day).label == label


@given(quarters)
def test_every_spelling_of_a_quarter_reads_back(quarter):
    for text in (quarter.label, quarter.slug, quarter.title):
        assert Quarter.parse(text) == quarter
    assert Quarter.parse(quarter) is quarter


@given(quarters)
def test_quarters_touch_without_overlap(quarter):
    assert quarter.end + timedelta(days=1) == quarter.shift(1).start
    assert Quarter.containing(quarter.start) == Quarter.containing(quarter.end) == quarter
    assert quarter.start.day == 1
    assert 89 < (quarter.end - quarter.start).days + 1 < 93


@given(quarters, st.integers(-3, 3), st.integers(-3, 3))
def test_arithmetic(quarter, first, second):
    assert quarter.shift(first).shift(second) == quarter.shift(first + second)
    assert quarter.shift(first) - quarter == first
    assert (quarter.shift(first) > quarter) == (first > 0)


@given(quarters, st.integers(1, 12))
def test_a_range_ends_where_it_should(last, count):
    found = quarter_range(last, count)
    assert (found[-1], len(found), found) == (last, count, sorted(found))


def test_years_from_1900_to_2098_have_quarters_and_are_named_by_their_label():
    assert (str(Quarter(1900, 1)), str(Quarter(2098, 4))) == ("1900-01 Q1", "2098-99 Q4")
    for year, number in ((1899, 4), (2099, 1), (2024, 0), (2024, 5)):
        with pytest.raises(QuarterError, match=f"no quarter {number} of the financial year {year}"):
            Quarter(year, number)
