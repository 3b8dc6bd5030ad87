"""One text → the period that it names for a KPI: every spelling that makes sense for it, and a sentence for the others."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.loading.periods import Period, read_period
from kpi_tools.quarters import Quarter

ANNUAL = {"frequency": "annual", "year_ends": "03-31"}
ACADEMIC = {"frequency": "annual", "year_ends": "08-31"}
MONTHLY = {"frequency": "monthly"}
QUARTERLY = {"frequency": "quarterly"}
HALF = {"frequency": "half_yearly"}


with Path(__file__).with_name("periods.csv").open(encoding="utf-8", newline="") as file:
    CASES = list(csv.DictReader(file))


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one['text']} {one['frequency']}")
def test_a_period_is_read_as_it_makes_sense_for_the_kpi_or_has_a_fault(case):
    kpi = {name: case[name] for name in ("frequency", "year_ends") if case[name]}
    found = read_period(case["text"], "", kpi)
    assert found.fault == case["fault"]
    if not found.fault:
        assert (str(found.quarter), found.month) == (case["quarter"], case["month"])


def test_a_bare_year_is_told():
    assert (
        read_period("2024", "", ACADEMIC).notice == '"2024" was taken as the year to August 2024.'
    )


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
