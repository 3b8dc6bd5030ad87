"""One text → the period that it names for a KPI: every spelling that makes sense for it, and a sentence for the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.loading.periods import Period, read_period
from kpi_tools.quarters import Quarter

ANNUAL = {"frequency": "annual", "year_ends": "03-31"}
ACADEMIC = {"frequency": "annual", "year_ends": "08-31"}
CALENDAR = {"frequency": "annual", "year_ends": "12-31"}
MONTHLY = {"frequency": "monthly"}
QUARTERLY = {"frequency": "quarterly"}
HALF = {"frequency": "half_yearly"}


@pytest.mark.parametrize(("text", "kpi", "quarter", "month"), [
    ("2024-25 Q3", QUARTERLY, "2024-25 Q3", ""),
    ("31/12/2024", QUARTERLY, "2024-25 Q3", ""),
    ("2024", ANNUAL, "2023-24 Q4", ""),
    ("2023/24", ANNUAL, "2023-24 Q4", ""),
    ("2023-24", ANNUAL, "2023-24 Q4", ""),
    ("23/24", ANNUAL, "2023-24 Q4", ""),
    ("FY 2023/24", ANNUAL, "2023-24 Q4", ""),
    ("financial year 2023/24", ANNUAL, "2023-24 Q4", ""),
    ("year to March 2024", ANNUAL, "2023-24 Q4", ""),
    ("March 2024", ANNUAL, "2023-24 Q4", ""),
    ("2024-03", ANNUAL, "2023-24 Q4", ""),
    ("31/03/2024", ANNUAL, "2023-24 Q4", ""),
    ("2024", ACADEMIC, "2024-25 Q2", ""),
    ("Academic year 2023/24", ACADEMIC, "2024-25 Q2", ""),
    ("academic 2023/24", ACADEMIC, "2024-25 Q2", ""),
    ("31/08/2024", ACADEMIC, "2024-25 Q2", ""),
    ("2024", CALENDAR, "2024-25 Q3", ""),
    ("2024", {"frequency": "biennial", "year_ends": "03-31"}, "2023-24 Q4", ""),
    ("2024-12", MONTHLY, "2024-25 Q3", "2024-12"),
    ("December 2024", MONTHLY, "2024-25 Q3", "2024-12"),
    ("15/12/2024", MONTHLY, "2024-25 Q3", "2024-12"),
    ("30 November 2024", MONTHLY, "2024-25 Q3", "2024-11"),
    ("H1 2024/25", HALF, "2024-25 Q2", ""),
    ("2024/25 H2", HALF, "2024-25 Q4", ""),
    ("half year 1 2024/25", HALF, "2024-25 Q2", ""),
])  # fmt: skip
def test_a_period_is_read_as_it_makes_sense_for_the_kpi(text, kpi, quarter, month):
    found = read_period(text, "", kpi)
    assert (str(found.quarter), found.month, found.fault) == (quarter, month, "")


def test_a_bare_year_is_told():
    assert (
        read_period("2024", "", ACADEMIC).notice == '"2024" was taken as the year to August 2024.'
    )


@pytest.mark.parametrize(("text", "kpi", "fault"), [
    ("2024", QUARTERLY, "period-bad"),
    ("2023/24", QUARTERLY, "period-bad"),
    ("H1 2024/25", QUARTERLY, "period-bad"),
    ("2024-12", QUARTERLY, "period-month"),
    ("December 2024", ANNUAL, "period-month"),
    ("Academic year 2023/24", ANNUAL, "period-bad"),
    ("2023/25", ANNUAL, "period-bad"),
    ("31/12/2024", MONTHLY, "period-which"),
    ("30/12/2024", ANNUAL, "period-date"),
    ("", ANNUAL, "period-missing"),
])  # fmt: skip
def test_what_may_mean_two_or_none_is_refused(text, kpi, fault):
    assert read_period(text, "", kpi).fault == fault


def test_a_cell_that_shows_a_year_is_a_year_and_no_month():
    assert str(read_period("2024-01-01", "year", ANNUAL).quarter) == "2023-24 Q4"
    assert read_period("2024-01-01", "year", MONTHLY).fault == "period-date"
    for far in ("1900-01-01", "2099-06-01"):  # 1 and 72,837 in a cell formatted as a month
        assert read_period(far, "month", MONTHLY).fault == "period-bad"


@given(st.integers(2000, 2090), st.integers(1, 4))
def test_every_label_is_its_own_quarter(year, number):
    quarter = Quarter(year, number)
    assert read_period(quarter.label, "", QUARTERLY) == Period(quarter)


@given(st.text(max_size=25), st.sampled_from([ANNUAL, ACADEMIC, MONTHLY, QUARTERLY, HALF]))
def test_any_text_is_a_period_or_a_fault(text, kpi):
    found = read_period(text, "", kpi)
    assert bool(found.fault) != (found.quarter is not None and not found.fault)
