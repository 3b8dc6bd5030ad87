"""The rules for rows of returns that rest on what the catalogue says of a KPI. Whole files: tests/malformed.py."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi_tools.loading import read_returns
from tests.malformed import book_of, rows
from tests.small_council import COUNCIL, HERE, QUARTER, text_of

KPIS = """kpi_id,kpi_name,section,unit,polarity,frequency,decimals,range,rounded_to,kind,year_ends,last_quarter
RENT,Rent collected,Roads,%,higher,quarterly,2,0..150,,,,
ROUND,Take-up of checks,Roads,%,higher,quarterly,1,,5,,,
CHANGE,Change in demand,Roads,%,higher,quarterly,1,-100..100,,,,
WAIT,Time to answer,Roads,minutes,lower,quarterly,2,,,,,
SHIFT,Length of a shift,Roads,hours,lower,quarterly,2,,,,,
CENTRE,New centre open,Roads,,none,quarterly,,,,milestone,,
PUPILS,Pupils of a good school,Roads,%,higher,annual,1,,,,08-31,
AVERAGE,Staff on average,Roads,count,lower,quarterly,1,,,,,
CASES,Cases open,Roads,count,lower,quarterly,0,,,,,
"""
STATUSES = """
[milestones]
statuses = [{ name = "On track", band = "Green" }, { name = "Not started" }]
"""


@pytest.fixture
def raw(tmp_path):
    (tmp_path / "council.toml").write_text(COUNCIL + STATUSES, encoding="utf-8")
    (tmp_path / "kpis.csv").write_text(KPIS, encoding="utf-8")
    (tmp_path / "targets.csv").write_text(
        "kpi_id,target,floor_standard\nRENT,100,95\nROUND,90,80\nWAIT,05:00,10:00\nPUPILS,80,70\nCASES,20,30\n",
        encoding="utf-8",
    )
    (tmp_path / "returns" / "2024-25-Q3").mkdir(parents=True)
    return tmp_path


def sent(
    raw: Path, *cells: str, head: str = "kpi_id,period,value,numerator,denominator,status,note"
) -> Any:
    """What becomes of one row."""
    path = raw / "returns" / "2024-25-Q3" / "roads.csv"
    path.write_text("\n".join([head, ",".join(cells)]) + "\n", encoding="utf-8")
    returns = read_returns(raw, QUARTER)
    problems = returns.problems[returns.problems["file"] == HERE + "roads.csv"]
    return returns.submissions, problems.set_index("code")["rule"].to_dict()


@pytest.mark.parametrize(("kpi_id", "value", "parts", "taken"), [
    ("RENT", "102.44", ",", 102.44),
    ("RENT", "", "210,200", 105.0),
    ("CHANGE", "-3.5", ",", -3.5),
    ("ROUND", "", "105,100", 100.0),
    ("ROUND", "105", "105,100", 100.0),
    ("ROUND", "100", "105,100", 100.0),
    ("WAIT", "4:30", ",", 4.5),
    ("WAIT", "1:04:30", ",", 64.5),
    ("WAIT", "4.5", ",", 4.5),
    ("SHIFT", "7:30", ",", 7.5),
    ("SHIFT", "7:30:36", ",", 7.51),
    ("AVERAGE", "12.5", ",", 12.5),
])  # fmt: skip
def test_what_the_measure_can_be_is_taken(raw, kpi_id, value, parts, taken):
    found, problems = sent(raw, kpi_id, QUARTER, value, *parts.split(","), "", "")
    assert problems == {} and found["value"].tolist() == pytest.approx([taken])


@pytest.mark.parametrize(("kpi_id", "value", "parts", "code"), [
    ("RENT", "151", ",", "value-outside"),
    ("RENT", "-1", ",", "value-negative"),
    ("CHANGE", "-101", ",", "value-outside"),
    ("PUPILS", "101", ",", "value-above-100"),
    ("ROUND", "", "106,100", "parts-over"),
    ("ROUND", "101", ",", "value-above-100"),
    ("WAIT", "4:75", ",", "value-time"),
    ("CASES", "4:30", ",", "value-time"),
    ("CENTRE", "Nearly", ",", "milestone-unknown"),
    ("CENTRE", "12", ",", "milestone-unknown"),
])  # fmt: skip
def test_what_it_cannot_be_is_refused(raw, kpi_id, value, parts, code):
    found, problems = sent(raw, kpi_id, QUARTER, value, *parts.split(","), "", "")
    assert code in problems and found.empty
    if code in ("value-outside", "value-above-100"):
        remedies = read_returns(raw, QUARTER).problems["remedy"]
        assert remedies.str.contains("column `range` of kpis.csv").any()


def test_a_status_of_a_milestone_is_its_figure(raw):
    found, problems = sent(raw, "CENTRE", QUARTER, "ON TRACK", "", "", "", "")
    row = found.iloc[0]
    assert problems == {}
    assert (row["milestone"], row["status"], pd.isna(row["value"])) == ("On track", "final", True)
    for blank, status in (("", ""), ("", "not available")):
        found, problems = sent(raw, "CENTRE", QUARTER, blank, "", "", status, "")
        assert problems == {} and found["milestone"].isna().all()


def test_a_year_of_an_annual_figure_is_taken_and_a_bare_one_told(raw):
    found, problems = sent(raw, "PUPILS", "Academic year 2023/24", "81", "", "", "", "")
    assert problems == {} and found["quarter"].tolist() == ["2024-25 Q2"]
    found, problems = sent(raw, "PUPILS", "2024", "81", "", "", "", "")
    assert problems == {"period-year": '"2024" was taken as the year to August 2024.'}
    assert found["quarter"].tolist() == ["2024-25 Q2"]


TEMPLATE = "kpi_id,period,kpi_name,unit,last_figure,target,floor_standard,value,numerator,denominator,status,note"


@pytest.mark.parametrize(("kpi_id", "name", "last", "value", "codes"), [
    ("RENT", "Rent collected", "98% in 2024-25 Q2", "99", []),
    ("RENT", "Rent collected (ours)", "98% in 2024-25 Q2", "99", []),
    ("RENT", "Cases open", "98% in 2024-25 Q2", "99", ["id-named"]),
    ("RENT", "Rent collected", "99", "", ["last-typed"]),
    ("RENT", "Rent collected", "none", "", []),
])  # fmt: skip
def test_what_was_moved_or_typed_over_in_a_template_is_told(raw, kpi_id, name, last, value, codes):
    row = (kpi_id, QUARTER, name, "%", last, "100%", "95%", value, "", "", "", "")
    found, problems = sent(raw, *row, head=TEMPLATE)
    assert list(problems) == codes and len(found) == ("id-named" not in codes)


def test_the_status_of_a_milestone_is_logged_only_where_it_is_spelt_otherwise(raw):
    for word, taken in (("On track", []), ("on track", ["On track"])):
        sent(raw, "CENTRE", QUARTER, word, "", "", "", "")
        log = read_returns(raw, QUARTER).log
        assert log.loc[log["file"] == HERE + "roads.csv", "taken"].tolist() == taken


def test_a_target_typed_over_in_a_template_is_told(raw):
    row = ("RENT", QUARTER, "Rent collected", "%", "none", "{}", "95%", "99", "", "", "", "")
    for target in ("100%", "100.00%", "", "soon", "98%"):
        found, problems = sent(raw, *(cell.format(target) for cell in row), head=TEMPLATE)
        assert found["value"].tolist() == [99]
        assert list(problems) == ["target-typed"] * (target == "98%")
    assert problems["target-typed"] == (
        "The return says target 98 where 100 is, which is not what is in force: targets are not taken from returns."
    )


def test_a_comment_in_the_cell_is_told_with_its_words(raw):
    from openpyxl.comments import Comment

    def change(_: object, sheet: Any) -> None:
        sheet["A2"], sheet["A3"], sheet["A4"] = "CASES", None, None
        sheet["C2"].comment = Comment("do not use", "Jo")

    path = raw / "returns" / "2024-25-Q3" / "roads.xlsx"
    path.write_bytes(book_of(rows()[:2], change))
    told = read_returns(raw, QUARTER).problems
    told = told[told["code"] == "cell-comment"]
    assert told["rule"].tolist() == ['A comment stands on the cell: "do not use".']


GOOD_CSV = text_of(rows(["P1", QUARTER, "87.5", "", "", "final", ""])).encode()
GOOD_BOOK = book_of(rows(["P1", QUARTER, 87.5, "", "", "final", ""]))
damage = st.lists(
    st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 3)), min_size=1, max_size=3
)
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def damaged(raw: bytes, changes: list[tuple[float, bytes, int]]) -> bytes:
    for where, what, gone in changes:
        place = round(where * len(raw))
        raw = raw[:place] + what + raw[place + gone :]
    return raw


@fuzz
@given(damage)
@pytest.mark.slow
def test_bytes_of_a_text_that_are_damaged_are_never_a_traceback(desk, changes):
    found = desk.read(return_csv=damaged(GOOD_CSV, changes))
    counts = found.counts.set_index("file").loc[HERE + "return.csv"]
    assert counts["rows_in"] == counts["accepted"] + counts["rejected"] + counts["blank"]
    assert set(found.taken["kpi_id"]) <= {"C1", "P1", "P2", "007", "NA", "R1", "M1", "F1", "S1"}


@fuzz
@given(damage)
@pytest.mark.slow
def test_bytes_of_a_workbook_that_are_damaged_give_its_figures_or_none(desk, changes):
    found = desk.read(return_xlsx=damaged(GOOD_BOOK, changes))
    figures = dict(zip(found.taken["kpi_id"], found.taken["value"], strict=True))
    assert figures in ({}, {"C1": 412.0, "P1": 87.5, "P2": 34.0})
    assert figures or (found.problems["severity"] == "error").any()
