"""Tables of texts: what is made of one field, of one column of figures, and what is noted at which place."""

import math
from typing import Any

import numpy as np
import pytest

from kpi_tools.intake import fields
from kpi_tools.intake.cells import DATE, ERROR, FORMULA, PERCENT, Number, read_number, read_status
from kpi_tools.intake.columns import part, read_column, read_numbers
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.tables import Layout, Table, heading, letter, place
from kpi_tools.quarters import Quarter
from kpi_tools.words.problems import Ledger

ENDS = "spaces at the ends removed"
AS_OURS, SPELT = "written as the tables have it", "spelt as the tables have it"


class Noted(Ledger):
    """A ledger that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []
        self.places: list[dict[str, Any]] = []

    def problem(self, code: str, file: str, **more: Any) -> str:
        self.told.append((code, more["detail"]))
        self.places.append({"file": file, **more})
        return super().problem(code, file, **more)


def table_of(*texts: str, kind: str = "", semicolons: bool = False) -> Table:
    kinds = {"c": dict.fromkeys(range(len(texts)), kind)} if kind else {}
    rows = list(range(2, len(texts) + 2))
    return Table(
        "t.csv",
        "",
        rows,
        {"c": list(texts)},
        {"c": "B"},
        Noted(),
        kinds,
        comma_is_doubtful=semicolons,
    )


def read(
    what: Any, text: str, *more: Any, kind: str = "", semicolons: bool = False, **options: Any
) -> Any:
    """(what the field is, faults with their particulars, changes as (taken, why))."""
    table = table_of(text, kind=kind, semicolons=semicolons)
    found = what(table, 0, "c", *more, **options)
    log = table.ledger.log()
    assert set(log["column"]) <= {"c (B)"}
    told = table.ledger.told  # type: ignore[attr-defined]
    return found, told, list(zip(log["taken"], log["why"], strict=True))


@pytest.mark.parametrize("what", [fields.name, fields.prose])
def test_a_text(what: Any) -> None:
    assert read(what, "Roads") == ("Roads", [], [])
    assert read(what, " Roads") == ("Roads", [], [("Roads", ENDS)])
    assert read(what, "") == read(what, "  ") == (None, [], [])
    assert read(what, "\u200b") == (None, [], [("", "invisible characters removed")])
    assert read(what, "#REF!") == (None, [("value-error", "")], [])
    assert read(what, "=A1", kind=FORMULA) == (None, [("formula-empty", "")], [])


def test_a_text_on_one_line_and_one_on_several() -> None:
    usual = "line ends, spaces or accents put in their usual form"
    assert read(fields.name, "one\ntwo") == ("one two", [], [("one two", usual)])
    assert read(fields.prose, "one\ntwo") == ("one\ntwo", [], [])
    assert read(fields.name, "", needed=True) == (None, [("catalogue-missing", "")], [])
    assert read(fields.name, "Roads", needed=True) == ("Roads", [], [])


@pytest.mark.parametrize(
    ("what", "most", "told"), [(fields.name, 300, "300"), (fields.prose, 5_000, "5,000")]
)
def test_a_text_that_is_too_long_is_cut_and_told(what: Any, most: int, told: str) -> None:
    assert read(what, "x" * most) == ("x" * most, [], [])
    found, faults, changes = read(what, "x" * (most + 1))
    assert found == "x" * most and faults == [("text-cut", told)] and len(changes) == 1


def test_a_choice() -> None:
    options = ["Roads", "Care"]
    assert read(fields.choice, "Care", options) == ("Care", [], [])
    assert read(fields.choice, " care", options) == ("Care", [], [("Care", SPELT)])
    assert read(fields.choice, "Parks", options) == (
        None,
        [("catalogue-choice", "Roads, Care")],
        [],
    )
    assert read(fields.choice, "", options) == (None, [("catalogue-choice", "Roads, Care")], [])
    assert read(fields.choice, "", options, "Roads") == ("Roads", [], [])
    assert read(fields.choice, "", options, "") == ("", [], [])
    assert read(fields.choice, "#N/A", options, "Roads") == (None, [("value-error", "")], [])
    assert read(fields.choice, " Parks", []) == ("Parks", [], [])
    assert read(fields.choice, "", []) == (None, [], [])


def test_a_number() -> None:
    def same(found: Any, value: float, faults: list[Any], changes: list[Any]) -> None:
        assert found[0] == value or math.isnan(found[0]) and math.isnan(value)
        assert found[1:] == (faults, changes)

    same(read(fields.number, "87.5"), 87.5, [], [])
    same(read(fields.number, "5%"), 5, [("value-sign", "no percentage")], [])
    same(read(fields.number, "5%", True), 5, [], [("5", "the sign % left out")])
    same(read(fields.number, "72p"), math.nan, [("value-flag", '"p"')], [])
    same(read(fields.number, ""), math.nan, [], [])
    same(read(fields.number, "n/a"), math.nan, [], [("", '"n/a" means not applicable')])
    same(read(fields.number, "1,412"), 1412, [], [("1412", "written with separators or signs")])
    same(read(fields.number, "1,412", semicolons=True), math.nan, [("value-comma", "")], [])
    same(read(fields.number, "5", kind=DATE), math.nan, [("value-date", "")], [])


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("8", 8), (" 3 ", 3), ("9", None), ("-1", None), ("", None), ("2.0", None), ("\uff13", None), ("\u00b2", None)],
)  # fmt: skip
def test_a_whole_number(text: str, number: int | None) -> None:
    fault = [("catalogue-number", "a whole number from 0 to 8")]
    assert read(fields.whole, text, 8) == ((0, fault, []) if number is None else (number, [], []))


def test_a_quarter() -> None:
    q3 = Quarter(2024, 3)
    assert read(fields.quarter, "2024-25 Q3") == (q3, [], [])
    assert read(fields.quarter, "Q3 2024/25") == (q3, [], [("2024-25 Q3", AS_OURS)])
    assert read(fields.quarter, " ") == (None, [("catalogue-missing", "")], [])
    assert read(fields.quarter, " ", needed=False) == (None, [], [])
    assert read(fields.quarter, "#REF!") == (None, [("value-error", "")], [])
    found, ((code, detail),), changes = read(fields.quarter, "2024-25 Q5")
    assert (found, code, changes) == (
        None,
        "catalogue-quarter",
        [],
    ) and "four quarters, not 5" in detail


def test_an_id() -> None:
    ids = Ids(["P1"])
    assert read(fields.kpi_id, "P1", ids) == ("P1", [], [])
    assert read(fields.kpi_id, "p1", ids) == ("P1", [], [("P1", "spaces or case in the id")])
    assert read(fields.kpi_id, "", ids) == (None, [("id-missing", "")], [])
    assert read(fields.kpi_id, "P-1", ids) == (None, [("id-lookalike", "P1")], [])
    assert read(fields.kpi_id, "x", ids, kind=ERROR) == (None, [("value-error", "")], [])


TEXTS = [
    "5",
    "87.50",
    "-0",
    "-3.125",
    "",
    " ",
    "\u200b",
    "n/a",
    "1,412",
    "72p",
    "5%",
    "£5",
    "9" * 400,
    "5",
    ".5",
    "\u22120",
]


@pytest.mark.parametrize("semicolons", [False, True])
def test_a_column_of_numbers_says_of_each_row_what_its_text_says_alone(semicolons: bool) -> None:
    table = table_of(*TEXTS, semicolons=semicolons)
    table.kinds = {"c": {13: DATE, 10: PERCENT}}
    found = read_numbers(table, "c")
    for at, text in enumerate(TEXTS):
        alone = read_number(text, table.kind("c", at), semicolons)
        together = Number(*(getattr(found, name)[at] for name in Number._fields))
        assert together[1:] == alone[1:], text
        assert (
            together.value == alone.value or math.isnan(together.value) and math.isnan(alone.value)
        )
        assert found.given[at] == math.isfinite(alone.value)
    assert math.copysign(1, found.value[2]) == math.copysign(1, found.value[15]) == 1
    assert found.decimals[:4].tolist() == [0, 2, 0, 3]
    # the columns do not share what is written into one of them
    assert (
        found.reason[9] == found.detail[7] == found.why[12] == ""
        and found.fault[12] == "value-infinite"
    )


def test_a_column_without_rows_and_one_in_which_all_is_plain() -> None:
    assert len(read_numbers(table_of(), "c").value) == 0
    found = read_numbers(table_of("1", "2.5", "1"), "c")
    assert found.value.tolist() == [1, 2.5, 1] and found.decimals.tolist() == [0, 1, 0]
    assert not (found.blank.any() or found.percent.any() or found.pound.any()) and set(
        found.why
    ) == {""}


def test_each_distinct_text_is_read_once_with_its_kind() -> None:
    asked: list[tuple[str, ...]] = []

    def reader(*key: str) -> tuple[str, str, str]:
        asked.append(key)
        return read_status(*key)

    table = table_of("final", "draft", "final", "final")
    table.kinds = {"c": {2: FORMULA}}
    codes, results = read_column(table, "c", reader)
    assert asked == [("final",), ("draft",), ("final", FORMULA)]
    assert part(codes, results, 2).tolist() == ["", "status-unknown", "formula-empty", ""]
    assert part(codes, [4, 5, 6], None, int).tolist() == [4, 5, 6, 4]
    numbers = [Number(1.0), Number(2.0), Number(3.0, percent=True)]
    assert part(codes, numbers, "percent", bool).tolist() == [False, False, True, False]
    assert (
        part(codes, numbers, "value", float).dtype == np.float64
        and part(codes, results, 0).dtype == object
    )


def test_columns_are_named_as_a_spreadsheet_names_them() -> None:
    names = {
        0: "A",
        1: "B",
        25: "Z",
        26: "AA",
        51: "AZ",
        52: "BA",
        701: "ZZ",
        702: "AAA",
        16_383: "XFD",
    }
    assert {at: letter(at) for at in names} == names
    assert {at: place(name) for at, name in names.items()} == {at: at for at in names}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("KPI ID", "kpi_id"),
        (" Value (%) ", "value"),
        ("kpi-id", "kpi_id"),
        ("__a  b__", "a_b"),
        ("", ""),
    ],
)
def test_a_heading_is_named_as_columns_are(text: str, name: str) -> None:
    assert heading(text) == name


def test_a_fault_stands_at_its_place_and_refuses_the_row_only_where_it_is_an_error() -> None:
    table = table_of("x", "y", "z")
    table.records = [2, 7, 4]
    assert len(table) == 3 and not table.bad.any()
    table.fault(1, "c", "value-text")
    table.fault(2, "c", "text-cut", "300")
    table.fault(0, "", "row-short", "2")
    assert table.bad.tolist() == [True, True, False]
    places = table.ledger.places  # type: ignore[attr-defined]
    shown = [
        (found["row"], found["column"], found["value"], found["detail"], found["excel_row"])
        for found in places
    ]
    assert shown == [(3, "c (B)", "y", "", 7), (4, "c (B)", "z", "300", 4), (2, "", "", "2", 2)]
    assert table.kind("c", 1) == "" and table.place("d") == "d"
    assert Layout(("a",), ("b",), ("c",)).names == ("a", "b") and Layout(("a",)).names == ("a",)


def test_without_records_rows_are_those_of_the_file() -> None:
    table = table_of("x")
    table.fault(0, "c", "value-text")
    assert table.ledger.places[0]["excel_row"] == 0  # type: ignore[attr-defined]
    assert (table.blank, table.rows_in, table.later, table.beyond) == (0, 0, 0, {})
    assert Table("t.csv", "", [], {}, {}, Ledger()).comma_is_doubtful is False
