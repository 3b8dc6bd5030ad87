"""One text, one meaning, in every part: number, decimals, reason, what is logged, and the fault with its particulars."""

import math
from datetime import date, time
from typing import Any

import pytest
from malformed import book_of

from kpi_tools.intake.cells import (
    DATE,
    ERROR,
    FORMULA,
    MONTH,
    PERCENT,
    TIME,
    TRUTH,
    Number,
    fault_of_text,
    read_number,
    read_status,
)
from kpi_tools.intake.ids import Ids, Match, skeleton
from kpi_tools.intake.periods import Period, month_number, read_period
from kpi_tools.intake.workbook_sheets import read_workbook
from kpi_tools.quarters import Quarter

Q3 = Quarter(2024, 3)
ENDS, INVISIBLE = "spaces at the ends removed", "invisible characters removed"
SIGNS, NO_ZERO, NO_SIGN = (
    "written with separators or signs",
    "written without the zero before the point",
    "the sign % left out",
)


def same(found: Number, **expected: Any) -> None:
    wanted = Number(**expected)
    assert found[1:] == wanted[1:]
    assert found.value == wanted.value or math.isnan(found.value) and math.isnan(wanted.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("412", {"value": 412}),
        ("-12.50", {"value": -12.5, "decimals": 2}),
        (" 5 ", {"value": 5, "why": ENDS}),
        ("8\u200b7", {"value": 87, "why": INVISIBLE}),
        ("1,412.5", {"value": 1412.5, "decimals": 1, "why": SIGNS}),
        ("+5", {"value": 5, "why": SIGNS}),
        ("\u22125", {"value": -5, "why": SIGNS}),
        ("+0.5", {"value": 0.5, "decimals": 1, "why": SIGNS}),
        (".25", {"value": 0.25, "decimals": 2, "why": NO_ZERO}),
        ("-.5", {"value": -0.5, "decimals": 1, "why": NO_ZERO}),
        (" .5", {"value": 0.5, "decimals": 1, "why": ENDS}),
        ("-0.5%", {"value": -0.5, "decimals": 1, "percent": True, "why": NO_SIGN}),
        ("87 %", {"value": 87, "percent": True, "why": NO_SIGN}),
        ("£1,412.50", {"value": 1412.5, "decimals": 2, "pound": True, "why": SIGNS}),
        ("-£5", {"value": -5, "pound": True, "why": SIGNS}),
        ("", {"reason": "not available", "blank": True}),
        ("   ", {"reason": "not available", "blank": True}),
        ("\u200b", {"reason": "not available", "blank": True, "why": INVISIBLE}),
        ("N/A", {"reason": "not applicable", "why": '"N/A" means not applicable'}),
        (" c", {"reason": "suppressed", "why": ENDS}),
        ("< 5", {"reason": "suppressed", "why": '"< 5" means suppressed'}),
        ("<11 ", {"reason": "suppressed", "why": ENDS}),
        ("[k]", {"reason": "rounds to zero", "why": '"[k]" means rounds to zero'}),
        ("Not collected", {"reason": "not collected", "why": '"Not collected" means not collected'}),
        ("#N/A", {"fault": "value-error"}),
        ("false", {"fault": "value-truth"}),
        ("-.5e+10", {"fault": "value-scientific"}),
        ("10/Feb/24", {"fault": "value-date"}),
        ("12:30:05", {"fault": "value-time"}),
        ("£1.412,50 %", {"fault": "value-comma"}),
        ("3/4", {"fault": "value-range"}),
        ("£1 412 %", {"fault": "value-spaces"}),
        ("72p", {"fault": "value-flag", "detail": '"p"'}),
        ("72 (provisional)", {"fault": "value-flag", "detail": '"provisional"'}),
        ("-£7,2.5 % [r]", {"fault": "value-flag", "detail": '"r"'}),
        ("many", {"fault": "value-text"}),
        ("007", {"fault": "value-zeros"}),
        ("-05", {"fault": "value-zeros"}),
        ("00", {"fault": "value-zeros"}),
        ("9" * 400 + "%", {"fault": "value-infinite"}),
    ],
)  # fmt: skip
def test_a_number_in_every_part(text: str, expected: dict[str, Any]) -> None:
    same(read_number(text), **expected)


@pytest.mark.parametrize(
    ("reason", "marks"),
    [
        ("suppressed", ["c", "[c]", "*", "[*]", "~", "<2", "<5", "<9", "<10", "<11", "1 to 4", "suppressed"]),
        ("not applicable", ["z", "[z]", "n/a", "N/A", "not applicable"]),
        ("not available", ["x", "[x]", "..", ":", "-", "\u2013", "\u2014", "\u2212", "not available"]),
        ("rounds to zero", ["k", "[k]", "[low]", "rounds to zero"]),
        ("not collected", ["not collected"]),
    ],
)  # fmt: skip
def test_a_mark_means_its_reason(reason: str, marks: list[str]) -> None:
    for mark in marks:
        same(read_number(mark), reason=reason, why=f'"{mark}" means {reason}')


def test_what_is_nearly_a_mark_is_none() -> None:
    for text in ("<1", "<12", "<50", "1 to 5", "<<5", "**", "[y]", "...", "::"):
        assert read_number(text).fault


@pytest.mark.parametrize("between", ["\x16", "\x7f", "\x80", "\u00ad", "\x01\x02"])
def test_something_invisible_between_digits_is_not_taken_out(between: str) -> None:
    for text in (f"5{between}10", f"1.5{between}0", f"{between}7{between}2%"):
        same(read_number(text), fault="value-hidden")
    assert read_number(f"{between}72{between}").value == 72
    assert read_number("5\u200b10").value == 510


@pytest.mark.parametrize("end", ["\x0b", "\x0c", "\u2028"])
def test_digits_on_two_lines_are_no_number(end: str) -> None:
    same(read_number(f"1{end}5"), fault="value-spaces")


@pytest.mark.parametrize("text", ["1\ufffd5", "\ufffd12", "12\ufffd"])
def test_a_character_that_was_lost_is_not_taken_out(text: str) -> None:
    same(read_number(text), fault="text-lost")


def test_there_is_no_minus_nought() -> None:
    for text in ("-0", "-0.0", "\u22120"):
        assert math.copysign(1, read_number(text).value) == 1


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(DATE, "value-date"), (MONTH, "value-date"), (TIME, "value-time"), (ERROR, "value-error"), (TRUTH, "value-truth"),
     (FORMULA, "formula-empty")],
)  # fmt: skip
def test_cells_of_a_workbook_that_are_no_numbers_are_refused_whatever_they_show(
    kind: str, fault: str
) -> None:
    same(read_number("5", kind), fault=fault)


def test_the_kinds_of_cells_are_those_that_the_reader_of_workbooks_gives() -> None:
    cells = {
        "A1": (date(2024, 12, 31), "dd/mm/yyyy"), "B1": (date(2024, 12, 1), "mmm-yy"), "C1": (time(8, 30), "hh:mm"),
        "D1": (0.29, "0%"), "E1": ("#N/A", "General"), "F1": (True, "General"), "G1": ("=1+1", "General"),
    }  # fmt: skip

    def fill(_: object, sheet: Any) -> None:
        for place, (value, form) in cells.items():
            sheet[place], sheet[place].number_format = value, form

    found = read_workbook(book_of([], fill))["sheets"][0]["kinds"]
    assert [kind for _, _, kind in sorted(found)] == [
        DATE,
        MONTH,
        TIME,
        PERCENT,
        ERROR,
        TRUTH,
        FORMULA,
    ]


def test_a_cell_formatted_as_a_percentage_in_every_part() -> None:
    why = "a cell formatted as a percentage"
    same(read_number("29%", PERCENT), value=29.0, percent=True, why=why)
    same(read_number("5.75%", PERCENT), value=5.75, decimals=2, percent=True, why=why)
    same(read_number("9" * 400 + "%", PERCENT), fault="value-infinite")


def test_where_semicolons_separate_a_comma_is_doubtful_and_nothing_else_is() -> None:
    same(read_number("1,412", comma_is_doubtful=True), fault="value-comma")
    same(read_number("+1412", comma_is_doubtful=True), value=1412, why=SIGNS)


@pytest.mark.parametrize(
    ("text", "kind", "fault"),
    [("=1+1", FORMULA, "formula-empty"), ("", ERROR, "value-error"), (" #n/a ", "", "value-error"),
     ("Err:502", "", "value-error"), ("###", "", "value-error"), ("#1 of 3", "", ""), ("note: late", "", ""), ("final", "", ""),
     ("caf\ufffd", "", "text-lost")],
)  # fmt: skip
def test_words_are_refused_only_where_a_formula_failed(text: str, kind: str, fault: str) -> None:
    assert fault_of_text(text, kind) == fault
    if fault:
        assert read_status(text, kind) == ("", "", fault)
        assert read_period(text, kind) == Period(fault=fault)
        assert Ids(["P1"]).find(text, kind) == Match(fault=fault)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("provisional", ("provisional", "", "")), (" final", ("final", ENDS, "")), ("", ("", "", "")),
     ("-", ("", "", "status-unknown")),
     ("Not_Collected", ("not collected", "spelt as the tables have it", "")), ("guess", ("", "", "status-unknown"))],
)  # fmt: skip
def test_a_status_in_every_part(text: str, expected: tuple[str, str, str]) -> None:
    assert read_status(text) == expected


LAST_DAY = Period(Q3, from_date=True, why="the last day of Quarter 3 2024/25")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-25 Q3", Period(Q3)),
        (" 2024-25 Q3", Period(Q3, why=ENDS)),
        ("Q3 2024/25", Period(Q3, why="written as the tables have it")),
        ("", Period(fault="period-missing")),
        ("2024-12", Period(Q3, "2024-12")),
        ("2024-12 ", Period(Q3, "2024-12", why=ENDS)),
        ("2024-01", Period(Quarter(2023, 4), "2024-01")),
        ("2010-12", Period(Quarter(2010, 3), "2010-12")),
        ("Dec 2024", Period(Q3, "2024-12", why="a month in words")),
        ("sept.-2024", Period(Quarter(2024, 2), "2024-09", why="a month in words")),
        ("2024-12-31", LAST_DAY), ("2024/12/31 00:00:00.000", LAST_DAY), ("2024-12-31T00:00", LAST_DAY),
        ("31/12/2024", LAST_DAY), ("31.12.24 00:00", LAST_DAY), ("31st Dec, 2024", LAST_DAY), ("31-december-24", LAST_DAY),
        ("31/3/2000", Period(Quarter(1999, 4), from_date=True, why="the last day of Quarter 4 1999/00")),
        ("31/03/2098", Period(Quarter(2097, 4), from_date=True, why="the last day of Quarter 4 2097/98")),
        ("30/06/00", Period(Quarter(2000, 1), from_date=True, why="the last day of Quarter 1 2000/01")),
    ],
)  # fmt: skip
def test_a_period_in_every_part(text: str, expected: Period) -> None:
    assert read_period(text) == expected


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("2011-12", '"2011-12" may be a month or a financial year.'),
        ("2000-01", '"2000-01" may be a month or a financial year.'),
        ("2012-13", '"2012-13" is a year, not a quarter of it.'),
        ("2024/2025", '"2024/2025" is a year, not a quarter of it.'),
        ("2024-13", "There is no month 13."),
        ("2024-00", "There is no month 0."),
        ("2024/26", '"2024/26" is not a financial quarter.'),
        ("45657", '"45657" is perhaps a date that lost its format: 31 December 2024.'),
        ("45657.0", '"45657.0" is perhaps a date that lost its format: 31 December 2024.'),
        ("65657", '"65657" is not a financial quarter.'),
        ("Dec-24", '"Dec-24" may be a day or a month with its year.'),
        ("4-Dec", '"4-Dec" may be a day or a month with its year.'),
        ("abc-24", '"abc-24" is not a financial quarter.'),
        ("abc 2024", '"abc 2024" is not a financial quarter.'),
        ("31 abc 2024", '"31 abc 2024" is not a financial quarter.'),
        ("Q2 2023", '"Q2 2023" is ambiguous: it may mean Quarter 2 of 2022/23, of 2023/24, or of the calendar year.'),
    ],
)  # fmt: skip
def test_what_is_no_period_says_what_it_probably_is(text: str, detail: str) -> None:
    assert read_period(text) == Period(fault="period-bad", detail=detail)


@pytest.mark.parametrize(
    "text",
    [
        "31/12/1999",
        "31/03/2099",
        "31/03/99",
        "00/12/2024",
        "31/00/2024",
        "31/13/2024",
        "30/02/2024",
    ],
)
def test_a_date_that_does_not_exist_is_told(text: str) -> None:
    told = f'"{text}" does not exist when read as day/month/year'
    assert read_period(text) == Period(fault="period-date", detail=told)


def test_a_date_within_a_quarter_and_a_cell_formatted_as_a_month() -> None:
    for text in ("30/11/2024", "01/12/2024", "31/01/2024", "01/01/2024"):
        told = f'"{text}" is not the last day of a quarter'
        assert read_period(text) == Period(fault="period-date", detail=told)
    assert read_period("2024-12-01", MONTH) == Period(
        Q3, "2024-12", why="a cell formatted as a month"
    )


def test_every_month_has_its_name_and_its_first_letters() -> None:
    names = [f"{date(2024, month, 1):%B}".lower() for month in range(1, 13)]
    for number, name in enumerate(names, start=1):
        assert month_number(name) == month_number(name[:3]) == number
        assert read_period(f"{name} 2024").month == f"2024-{number:02}"
    assert month_number("sept") == 9 and month_number("decem") is None


IDS = Ids(["CS01", "007", "1E5", "MAR1", "DEC12", "P1", "TRUE"])
A_DATE, A_NUMBER = (
    "the spreadsheet program took the id for a date",
    "the spreadsheet program took the id for a number",
)
ZEROS = "zeros at the beginning of a number were lost or added"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("CS01", "", Match("CS01")),
        ("007", "", Match("007")),
        ("c s 0 1", "", Match("CS01", "spaces or case in the id")),
        (" cs01 ", "", Match("CS01", ENDS)),
        ("true", TRUTH, Match("TRUE", "spaces or case in the id")),
        (" ", "", Match(fault="id-missing")),
        ("All KPIs", "", Match(fault="row-total")),
        ("Sub-totals of Roads", "", Match(fault="row-total")),
        ("Roads", "", Match(fault="id-unknown")),
        ("7", "", Match(fault="id-lookalike", detail=f"007: {ZEROS}")),
        ("7.0", "", Match(fault="id-lookalike", detail=f"007: {ZEROS}")),
        ("cs 001", "", Match(fault="id-lookalike", detail=f"CS01: {ZEROS}")),
        ("100000", "", Match(fault="id-lookalike", detail=f"1E5: {A_NUMBER}")),
        ("1.00E+05", "", Match(fault="id-lookalike", detail=f"1E5: {A_NUMBER}")),
        ("10000", "", Match(fault="id-unknown")),
        ("2024-03-01", DATE, Match(fault="id-lookalike", detail=f"MAR1: {A_DATE}")),
        ("2024-12-12", MONTH, Match(fault="id-lookalike", detail=f"DEC12: {A_DATE}")),
        ("01/03/2024", "", Match(fault="id-lookalike", detail=f"MAR1: {A_DATE}")),
        ("1-mar", "", Match(fault="id-lookalike", detail=f"MAR1: {A_DATE}")),
        ("Mar-01", "", Match(fault="id-lookalike", detail=f"MAR1: {A_DATE}")),
        ("01-Mar-24", "", Match(fault="id-lookalike", detail=f"MAR1: {A_DATE}")),
        ("2024-04-01", DATE, Match(fault="id-unknown")),
        ("C501", "", Match(fault="id-lookalike", detail="CS01")),
        ("P-1", "", Match(fault="id-lookalike", detail="P1")),
        ("\u0420" + "1", "", Match(fault="id-lookalike", detail="P1 (it has cyrillic capital letter er)")),
    ],
)  # fmt: skip
def test_an_id_in_every_part(text: str, kind: str, expected: Match) -> None:
    assert IDS.find(text, kind) == expected


def test_what_a_reader_does_not_tell_apart_is_the_same() -> None:
    assert skeleton("oq-il|_sbz") == "00111582"
    assert skeleton("\u00e9\u0410\u0412 \u0391") == "EA8A"
    assert skeleton("P1") != skeleton("R1")


def test_an_id_that_is_written_with_a_gap_and_one_with_a_letter_that_has_no_name() -> None:
    assert Ids(["A 1"]).find("a1") == Match("A 1", "spaces or case in the id")
    assert Ids(["A 1"]).find("a  1").id == "A 1"
    assert IDS.find("P1\ue000").detail == "P1 (it has a strange character)"
