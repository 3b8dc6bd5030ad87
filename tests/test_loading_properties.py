"""What must hold of any return: nothing lost, no silent change, and the order of rows and files without effect."""

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from tests.malformed import book_of
from tests.small_council import HEAD, HERE, Desk, text_of

ROWS = [
    ["P1", "2024-25 Q3", "87.5", "", "", "final", ""],
    ["P2", "2024-25 Q3", "34", "813", "2421", "provisional", ""],
    ["C1", "2024-25 Q2", "1412", "", "", "final", ""],
    ["007", "2024-25 Q1", "5", "", "", "estimated", ""],
    ["R1", "2024-25 Q3", "15.5", "31", "2000", "final", ""],
    ["M1", "2024-12", "71", "", "", "final", ""],
    ["F1", "2024-25 Q3", "", "", "", "suppressed", ""],
]
SHOWN = ["kpi_id", "period", "value", "numerator", "denominator", "status"]
OUTCOMES = ["accepted", "rejected", "blank"]
DATED = ("dd/mm/yyyy", "mmm-yy", "yyyy")
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def _as_sent(desk: Desk) -> list[list[object]]:
    return _content(desk.read(return_csv=text_of([HEAD, *ROWS]).encode()).taken)


def _content(taken: object) -> list[list[object]]:
    return taken[SHOWN].fillna(-1).values.tolist()  # type: ignore[index]


SIGNS = " \u00a0\u200b\u202e\tabcOolxzSQ*%£,;:/+-<>#~'\"()[]=@&é\u0421\uff11"
SPOILT = st.sampled_from([*SIGNS, "  ", "to", "[x]", "N/A"])


@quick
@given(st.integers(0, len(ROWS) - 1), st.integers(0, 5), st.floats(0, 1), SPOILT)
@pytest.mark.slow
def test_a_single_corruption_is_logged_or_located_or_without_effect(desk, row, column, where, what):
    spoilt = [list(cells) for cells in ROWS]
    text = spoilt[row][column]
    place = round(where * len(text))
    spoilt[row][column] = text[:place] + what + text[place:]
    found = desk.read(return_csv=text_of([HEAD, *spoilt]).encode())
    located = set(found.problems["row"].dropna()) | set(found.log["row"].dropna())
    sent = _as_sent(desk)
    others = [content for at, content in enumerate(sent) if at != row]
    assert [content for content in _content(found.taken) if content in others] == others
    assert row + 2 in located or _content(found.taken) == sent


COMMON = (
    "|P1|p1|C1|ZZ|2024-25 Q3|Q2 24/25|2024-12|87.5|0.5|101|-3|n/a|c|12|40|final|suppressed|Total|#N/A"
    "|1,412|87%"
)
texts = st.one_of(
    st.sampled_from(COMMON.split("|")),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=6),
)


@quick
@given(st.lists(st.lists(texts, min_size=1, max_size=9), max_size=8))
def test_whatever_comes_rows_in_are_accepted_or_rejected_or_blank(desk, rows):
    table = [HEAD, *rows]
    found = desk.read(return_csv=text_of(table).encode())
    counts = found.counts.set_index("file").loc[HERE + "return.csv"]
    errors = found.problems[found.problems["severity"] == "error"]
    if counts["outcome"] == "refused":
        assert found.taken.empty and len(errors)
        return
    assert counts["rows_in"] == len(rows) == counts[OUTCOMES].sum()
    assert counts["accepted"] == len(found.taken) and counts["rejected"] == len(found.rejected)
    assert set(errors["row"]) == set(found.rejected["row"])


cells = st.one_of(
    texts,
    st.integers(-5, 10**6),
    st.floats(allow_nan=False),
    st.booleans(),
    st.dates(date(1990, 1, 1)),
    st.times(),
    st.datetimes(datetime(1990, 1, 1)),
    st.sampled_from(["=1+1", '="P1"', "#N/A", "#REF!"]),
)
forms = st.sampled_from(
    ["General", "0%", "0.0", "dd/mm/yyyy", "mmm-yy", "yyyy", "@", ";;;", "hh:mm"]
)


@quick
@given(st.lists(st.lists(st.tuples(cells, forms), min_size=1, max_size=9), max_size=6))
def test_whatever_stands_in_the_cells_of_a_workbook_it_is_taken_or_located(desk, rows):
    def fill(_: object, sheet: Any) -> None:
        for line, row in enumerate(rows, start=2):
            for column, (value, form) in enumerate(row, start=1):
                if isinstance(value, str):
                    value = ILLEGAL_CHARACTERS_RE.sub("", value)
                cell = sheet.cell(line, column, value)
                if cell.data_type == "f" and not str(value).startswith(("=1", '="')):
                    cell.data_type = "s"
                dated = isinstance(value, date | time) and form not in DATED
                cell.number_format = "dd/mm/yyyy" if dated else form

    found = desk.read(return_xlsx=book_of([HEAD], fill))
    counts = found.counts.set_index("file").loc[HERE + "return.xlsx"]
    errors = found.problems[found.problems["severity"] == "error"]
    if counts["outcome"] == "refused":
        assert found.taken.empty and len(errors) == 1
        assert errors["row"].isna().any() or errors["code"].iloc[0] == "table-two"
        return
    assert counts["rows_in"] == counts[OUTCOMES].sum() <= len(rows)
    assert counts["accepted"] == len(found.taken)
    assert set(errors["row"]) == set(found.rejected["row"])


AGAIN = [*ROWS, ["C1", "2024-25 Q2", "1413", "", "", "final", ""]]


@quick
@given(st.permutations(AGAIN), st.integers(0, 8))
@pytest.mark.slow
def test_the_order_of_rows_and_files_has_no_effect(desk, rows, cut):
    together = desk.read(return_csv=text_of([HEAD, *AGAIN]).encode())
    first, second = (text_of([HEAD, *few]).encode() for few in (rows[:cut], rows[cut:]))
    apart = desk.read(a_csv=first, b_csv=second)
    assert sorted(map(str, _content(apart.taken))) == sorted(map(str, _content(together.taken)))
    assert sorted(apart.rejected["value"]) == sorted(together.rejected["value"]) == ["1412", "1413"]


COUNTED = st.tuples(st.sampled_from(["C1", "007", "1E5", "NA", "MAR1"]), st.integers(0, 10**9))


@quick
@given(st.lists(COUNTED, unique_by=lambda one: one[0]))
def test_valid_figures_come_back_equal(desk, figures):
    rows = [[kpi_id, "2024-25 Q3", str(value), "", "", "final", ""] for kpi_id, value in figures]
    found = desk.read(return_csv=text_of([HEAD, *rows]).encode())
    assert list(zip(found.taken["kpi_id"], found.taken["value"], strict=True)) == figures
    assert found.log.empty and set(found.problems["code"]) <= {"table-no-rows"}
