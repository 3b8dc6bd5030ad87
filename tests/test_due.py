"""When a KPI is due, which figure stands between, and which period it is of."""

from datetime import date

import pandas as pd
import pytest

from kpi_tools.loading import Calendar, Returns, due_figures, load, period_words
from kpi_tools.quarters import Quarter
from tests.small_council import make_council, quarters

BARE = {"due": None, "year_ends": "03-31", "lag_quarters": 0, "first_quarter": "2000-01 Q1"}
BARE |= {"since": None}


def calendar(frequency: str, first: str = "", **more: object) -> Calendar:
    kpi = {**BARE, "frequency": frequency, **more}
    return Calendar.of(kpi, Quarter.parse(first) if first else None)


@pytest.mark.parametrize(("known", "due"), [
    (calendar("quarterly"), "Q1 Q2 Q3 Q4"),
    (calendar("monthly"), "Q1 Q2 Q3 Q4"),
    (calendar("half_yearly"), "Q2 Q4"),
    (calendar("termly"), "Q2 Q3 Q4"),
    (calendar("annual"), "Q4"),
    (calendar("annual", due="Q2"), "Q2"),
    (calendar("quarterly", due="Q1;Q3"), "Q1 Q3"),
    (calendar("biennial", "2022-23 Q4"), "Q4"),
    (calendar("biennial", "2023-24 Q4"), ""),
    (calendar("annual", due="2024-25 Q3"), "Q3"),
    (calendar("annual", due="2025-26 Q3"), ""),
])  # fmt: skip
def test_in_which_quarters_of_2024_25_it_is_due(known, due):
    found = [f"Q{number}" for number in range(1, 5) if known.is_due(Quarter(2024, number))]
    assert found == due.split()


@pytest.mark.parametrize(("known", "due", "quarter", "end"), [
    (calendar("quarterly", lag_quarters=1), "2024-25 Q3", "2024-25 Q2", date(2024, 9, 30)),
    (calendar("annual"), "2024-25 Q4", "2024-25 Q4", date(2025, 3, 31)),
    (calendar("annual", due="Q2"), "2024-25 Q2", "2023-24 Q4", date(2024, 3, 31)),
    (calendar("annual", due="Q2", year_ends="08-31"), "2024-25 Q2", "2024-25 Q2", date(2024, 8, 31)),
    (calendar("annual", due="Q3", year_ends="08-31"), "2024-25 Q3", "2024-25 Q2", date(2024, 8, 31)),
    (calendar("annual", due="Q3", year_ends="12-31", lag_quarters=1), "2024-25 Q3", "2023-24 Q3", date(2023, 12, 31)),
    (calendar("biennial", "2022-23 Q4"), "2024-25 Q4", "2024-25 Q4", date(2025, 3, 31)),
])  # fmt: skip
def test_which_period_is_reported(known, due, quarter, end):
    expected = known.expected(Quarter.parse(due))
    assert expected == Quarter.parse(quarter) and known.ends(expected) == end
    assert known.due_with(expected) == Quarter.parse(due)


@pytest.mark.parametrize(("kpi", "quarter", "words"), [
    ({"basis": "quarter"}, "2024-25 Q3", "October to December 2024"),
    ({"basis": "snapshot"}, "2024-25 Q3", "at 31 December 2024"),
    ({"basis": "rolling_12_months"}, "2024-25 Q3", "12 months to December 2024"),
    ({"basis": "year_to_date"}, "2024-25 Q3", "April 2024 to December 2024"),
    ({"basis": "annual", "frequency": "annual"}, "2024-25 Q4", "year to March 2025"),
    ({"basis": "annual", "frequency": "annual", "year_ends": "08-31"}, "2024-25 Q2", "academic year 2023/24"),
    ({"basis": "year_to_date", "since": "2021-04-01"}, "2024-25 Q3", "April 2021 to December 2024"),
])  # fmt: skip
def test_the_words_of_a_period(kpi, quarter, words):
    full = {**BARE, "frequency": "quarterly", **kpi}
    known = Quarter.parse(quarter)
    assert period_words(full, known, Calendar.of(full).ends(known)) == words


def shown(returns: Returns, kpi_id: str) -> pd.DataFrame:
    table = due_figures(returns, returns.quarter, 6)
    return table[table["kpi_id"] == kpi_id]


def test_an_annual_figure_stands_until_the_next_is_due(tmp_path):
    annual = {"kpi_id": "A", "frequency": "annual", "due": "Q2", "year_ends": "08-31"}
    came = "2023-24-Q2"
    sent = [(came, "A", f"{y}-{y - 1999:02} Q2", float(y - 2000)) for y in range(2018, 2024)]
    sent += [(quarter, "Q", quarter, 60.0) for quarter in quarters("2023-24 Q2", 7)]
    sent.append(("2024-25-Q3", "A", "2024-25 Q2", 24.0))
    make_council(tmp_path, [annual, {"kpi_id": "Q"}], sent)
    last, names = {}, ["value", "status", "is_due", "next_due", "period"]
    for quarter in ("2023-24 Q2", "2024-25 Q1", "2024-25 Q2", "2024-25 Q3", "2024-25 Q4"):
        last[quarter] = tuple(shown(load(tmp_path, quarter), "A").iloc[-1][names])
    old, new = "Academic year 2022/23", "Academic year 2023/24"
    assert last["2023-24 Q2"] == (23.0, "final", True, "2024-25 Q2", old)
    assert last["2024-25 Q1"] == (23.0, "final", False, "2024-25 Q2", old)
    # late at its due quarter it is missing, and stands once it has come
    assert last["2024-25 Q2"][1:] == ("not available", True, "2025-26 Q2", new)
    assert last["2024-25 Q3"] == last["2024-25 Q4"] == (24.0, "final", False, "2025-26 Q2", new)
    assert shown(load(tmp_path), "A")["value"].tolist() == [19.0, 20.0, 21.0, 22.0, 23.0, 24.0]


def test_half_yearly_figures_are_the_last_six_of_them(tmp_path):
    halves = quarters("2022-23 Q2", 11)[::2]
    figures = [("2024-25-Q4", "H", quarter, 70.0 + at) for at, quarter in enumerate(halves)]
    make_council(tmp_path, [{"kpi_id": "H", "frequency": "half_yearly"}], figures)
    rows = shown(load(tmp_path), "H")
    assert rows["value"].tolist() == [70, 71, 72, 73, 74, 75]
    assert rows["quarter"].tolist() == rows["due_quarter"].tolist() == halves


def test_a_kpi_that_has_never_been_due_says_so(tmp_path):
    annual = {"kpi_id": "A", "frequency": "annual", "first_quarter": "2024-25 Q1"}
    sent = [("2024-25-Q3", "Q", "2024-25 Q3", 60.0)]
    make_council(tmp_path, [annual, {"kpi_id": "Q", "first_quarter": ""}], sent)
    row = shown(load(tmp_path), "A").iloc[-1]
    assert row["status"] == "not yet due" and row["next_due"] == "2024-25 Q4"


def test_weekly_figures_make_their_months_and_these_the_quarter(tmp_path):
    kpis = [
        {"kpi_id": "S", "frequency": "weekly", "basis": "snapshot", "unit": "count"},
        {"kpi_id": "N", "frequency": "weekly", "unit": "count"},
    ]
    days = ["2024-10-04", "2024-10-11", "2024-11-29", "06/12/2024", "13/12/2024"]
    figures = [("2024-25-Q3", kpi, day, 5 + at) for kpi in "SN" for at, day in enumerate(days)]
    returns = load(make_council(tmp_path, kpis, figures))
    assert {kpi: shown(returns, kpi)["value"].iloc[-1] for kpi in "SN"} == {"S": 9, "N": 35}
    months = returns.months.query("kpi_id == 'S'").set_index("month")["value"]
    assert months.to_dict() == {"2024-10": 6, "2024-11": 7, "2024-12": 9}
