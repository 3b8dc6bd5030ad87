"""One text, one meaning: numbers, periods, ids, statuses. (Whole rows: test_loading_corpus.)"""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.intake.cells import DATE, MONTH, PERCENT, read_number, read_status
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.periods import read_period
from kpi_tools.quarters import Quarter
from kpi_tools.words.hygiene import clean_name, clean_text


@pytest.mark.parametrize(
    ("text", "value", "decimals"),
    [("0", 0, 0), ("-3", -3, 0), ("87.50", 87.5, 2), (".5", 0.5, 1), ("+5", 5, 0), ("−5", -5, 0), ("1,234,567.8", 1234567.8, 1),
     ("87 %", 87, 0), ("£12.30", 12.3, 2)],
)  # fmt: skip
def test_numbers_and_their_written_decimals(text: str, value: float, decimals: int) -> None:
    found = read_number(text)
    assert (found.value, found.decimals, found.fault) == (value, decimals, "")


@pytest.mark.parametrize(
    "text", ["1,23", "12,34,567", "0,123", "1.234.567", "1,2345", ",5", ",412", "1,234,56"]
)
def test_a_comma_that_is_no_thousands_separator_is_refused(text: str) -> None:
    assert read_number(text).fault
    assert math.isnan(read_number(text).value)


def test_a_percent_formatted_cell_is_read_as_it_is_shown() -> None:
    found = read_number("29%", PERCENT)
    assert (found.value, found.decimals, found.percent) == (29.0, 0, True)
    assert read_number("5.75%", PERCENT)[:2] == (5.75, 2)


@given(st.decimals(-(10**9), 10**9, places=2))
def test_every_plain_decimal_is_read_as_it_is(number: object) -> None:
    assert read_number(str(number)).value == float(str(number))


@given(st.text(max_size=12), st.sampled_from(["", PERCENT[:0]]))
def test_any_text_is_a_number_a_reason_or_a_fault_and_only_one(text: str, kind: str) -> None:
    found = read_number(text, kind)
    assert [math.isfinite(found.value), bool(found.reason), bool(found.fault)].count(True) == 1


@given(st.text(max_size=14))
def test_any_text_is_a_period_or_a_fault(text: str) -> None:
    found = read_period(text)
    assert (found.quarter is None) == bool(found.fault)


@given(st.integers(2000, 2090), st.integers(1, 4))
def test_every_quarter_is_read_back_from_its_label_and_its_last_day(year: int, number: int) -> None:
    quarter = Quarter(year, number)
    assert read_period(quarter.label) == (quarter, "", False, "", "", "")
    for form in ("%d/%m/%Y", "%d.%m.%Y", "%d %B %Y", "%d %b %Y", "%Y-%m-%d"):
        found = read_period(quarter.end.strftime(form))
        assert found.quarter == quarter and found.from_date and found.why
    assert read_period(quarter.start.isoformat(), DATE).fault == "period-date"
    assert read_period(quarter.start.isoformat(), MONTH).month == f"{quarter.start:%Y-%m}"


def test_a_month_that_may_be_a_year_is_refused() -> None:
    assert read_period("2011-12").fault == "period-bad"
    assert read_period("2024-12").month == "2024-12"
    assert read_period("2024-13").fault == "period-bad"


@given(st.sampled_from(["CS01", "007", "1E5", "NA", "MAR1"]), st.data())
def test_spaces_and_case_do_not_matter_in_ids_and_letters_do(
    kpi_id: str, data: st.DataObject
) -> None:
    ids = Ids(["CS01", "007", "1E5", "NA", "MAR1"])
    place = data.draw(st.integers(0, len(kpi_id)))
    gap = data.draw(st.sampled_from([" ", "\u00a0", "\u200b", "\ufeff", "\t"]))
    spelt = kpi_id[:place].lower() + gap + kpi_id[place:]
    assert ids.find(spelt).id == kpi_id and ids.find(spelt).why
    assert not ids.find(kpi_id[:place] + "X" + kpi_id[place:]).id


def test_a_look_alike_says_which_letter_is_strange() -> None:
    assert ids_detail("\u0421S01") == "CS01 (it has cyrillic capital letter es)"
    assert "zeros at the beginning" in ids_detail("7")
    assert "for a date" in ids_detail("2024-03-01", DATE)
    assert "for a number" in ids_detail("100000")


def ids_detail(text: str, kind: str = "") -> str:
    found = Ids(["CS01", "007", "1E5", "MAR1"]).find(text, kind)
    assert found.fault == "id-lookalike"
    return found.detail


def test_statuses_in_any_case() -> None:
    assert read_status("final") == ("final", "", "")
    assert (
        read_status("Carried_Forward")[0] == "carried forward" and read_status("Carried_Forward")[1]
    )
    assert read_status("draft") == ("", "", "status-unknown")


@given(st.text())
def test_clean_text_holds_nothing_that_breaks_a_page_and_cleaning_again_changes_nothing(
    text: str,
) -> None:
    clean = clean_text(text)
    assert not set(clean) & set("\x00\x07\x0b\x1b\r\u200b\u202e\u2066\ufeff\ufffe\uffff")
    assert clean_text(clean) == clean
    assert "\n" not in clean_name(text) and "\t" not in clean_name(text)
