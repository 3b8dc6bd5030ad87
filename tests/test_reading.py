"""Files as they are sent: which row holds the headings, which rows are figures, and what spoils a table or a row."""

import io
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from kpi_tools.intake import grids, reading
from kpi_tools.intake.returns import RETURNS
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.words.problems import Ledger


def read(path: Path, content: bytes) -> tuple[Table | None, Ledger]:
    path.write_bytes(content)
    ledger = Ledger()
    snapshot = reading.take(path, path.name, ledger)
    with Workbooks() as books:
        return (reading.read_table(snapshot, RETURNS, ledger, books) if snapshot else None), ledger


def test_rows_are_those_that_an_editor_shows_and_a_spreadsheets_count_is_named(
    tmp_path: Path,
) -> None:
    table, ledger = read(
        tmp_path / "r.csv", b'kpi_id,period,value,note\nA,p,1,"one\ntwo\nthree"\nB,p,2\n'
    )
    assert table is not None and table.rows == [2, 5]
    problem = ledger.problems().iloc[0]
    assert problem["row"] == 5 and "(Row 3 in a spreadsheet program.)" in problem["rule"]


def test_blank_rows_are_counted_in_both_kinds_of_file(tmp_path: Path) -> None:
    text, _ = read(tmp_path / "r.csv", b"kpi_id,period,value\n\nA,p,1\n,,\n \nB,p,2\n\n")
    book = Workbook()
    for line, row in {
        1: ["kpi_id", "period", "value"],
        3: ["A", "p", 1],
        4: [" "],
        7: ["B", "p", 2],
    }.items():
        for column, value in enumerate(row, start=1):
            book.active.cell(line, column, value)
    content = io.BytesIO()
    book.save(content)
    sheet, _ = read(tmp_path / "r.xlsx", content.getvalue())
    assert text is not None and sheet is not None
    assert (text.rows, text.blank, text.rows_in) == ([3, 6], 4, 6)
    assert (sheet.rows, sheet.blank, sheet.rows_in) == ([3, 7], 4, 6)


@pytest.mark.parametrize(
    ("limit", "file", "content", "code"),
    [
        ((reading, "LARGEST", 10), "r.csv", b"kpi_id,period,value\n", "file-large"),
        ((grids, "MOST_ROWS", -98), "r.csv", b"kpi_id,period,value\nA,p,1\nB,p,1\n", "file-large"),
        ((grids, "MOST_COLUMNS", 3), "r.csv", b"kpi_id,period,value,note\nA,p,1,2\n", "file-large"),
    ],
)
def test_beyond_a_limit_stands_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: tuple[object, str, int],
    file: str,
    content: bytes,
    code: str,
) -> None:
    monkeypatch.setattr(*limit)
    table, ledger = read(tmp_path / file, content)
    assert table is None and list(ledger.problems()["code"]) == [code]


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    ledger = Ledger()
    assert reading.take(tmp_path / "gone.csv", "gone.csv", ledger) is None
    assert list(ledger.problems()["code"]) == ["file-unreadable"]


LAYOUT = Layout(("key", "value"), ("note", "part"), ("name", "unit"))


class Noted(Ledger):
    """A ledger that keeps what it is told, in order: (code, sheet, row, column, detail), and (sheet, row, column, …)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, int, str, str]] = []
        self.taken: list[tuple[Any, ...]] = []

    def problem(self, code: str, file: str, **more: Any) -> str:
        assert file == "r"
        place = (more.get("sheet", ""), more.get("row", 0), more.get("column", ""))
        self.told.append((code, *place, more.get("detail", "")))
        return super().problem(code, file, **more)

    def change(self, file: str, *rest: Any) -> None:
        assert file == "r"
        self.taken.append(rest)
        super().change(file, *rest)


class Sheets:
    """Stands for the reader of workbooks: every workbook has these sheets."""

    def __init__(self, *sheets: dict[str, Any]) -> None:
        self.sheets = [dict(sheet) for sheet in sheets]

    def read(self, _: bytes) -> dict[str, Any]:
        return {"sheets": self.sheets}


def sheet(*rows: tuple[int, list[str]], name: str = "S", **parts: Any) -> dict[str, Any]:
    empty = {
        key: [] for key in ("kinds", "struck", "unseen", "hidden_rows", "hidden_columns", "merged")
    }
    return {"name": name, "hidden": False, "rows": list(rows), **empty, **parts}


def hidden(name: str, filled: bool) -> dict[str, Any]:
    return {"name": name, "hidden": True, "filled": filled}


def of_text(text: str, layout: Layout = LAYOUT) -> tuple[Table | None, Noted]:
    ledger = Noted()
    found = reading.Snapshot(Path("r.csv"), "r", text.encode())
    return reading.read_table(found, layout, ledger, Workbooks()), ledger


def of_sheets(
    *sheets: dict[str, Any], layout: Layout = LAYOUT, suffix: str = ".xlsx"
) -> tuple[Table | None, Noted]:
    ledger, found = Noted(), reading.Snapshot(Path("r" + suffix), "r", b"PK\x03\x04")
    return reading.read_table(found, layout, ledger, Sheets(*sheets)), ledger  # type: ignore[arg-type]


def good(text: str, layout: Layout = LAYOUT) -> Table:
    table, ledger = of_text(text, layout)
    assert table is not None and ledger.told == []
    return table


def refused(found: tuple[Table | None, Noted]) -> tuple[str, str, int, str, str]:
    table, ledger = found
    assert table is None
    return ledger.told[-1]


HEADS = (1, ["key", "value", "note"])


# the bytes


def test_a_file_is_taken_once_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reading.LARGEST == 20_971_520
    path, ledger = tmp_path / "r.csv", Noted()
    path.write_bytes(b"abc")
    snapshot = reading.take(path, "r", ledger)
    assert snapshot is not None and (snapshot.path, snapshot.file, snapshot.raw) == (
        path,
        "r",
        b"abc",
    )
    # the published test vector of SHA-256
    assert snapshot.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert reading.unchanged(snapshot)
    path.write_bytes(b"abd")
    assert not reading.unchanged(snapshot)
    path.unlink()
    assert not reading.unchanged(snapshot)
    assert reading.take(path, "r", ledger) is None
    monkeypatch.setattr(reading, "LARGEST", 2 * 2**20)
    path.write_bytes(bytes(2 * 2**20))
    assert reading.take(path, "r", ledger) is not None
    path.write_bytes(bytes(3 * 2**20))
    assert reading.take(path, "r", ledger) is None
    assert ledger.told == [
        ("file-unreadable", "", 0, "", "No such file or directory"), ("file-large", "", 0, "", "3 MB, more than 2")
    ]  # fmt: skip


def test_what_a_file_is_called_decides_how_it_is_read() -> None:
    assert of_sheets(sheet(HEADS, (2, ["A", "1"])), suffix=".XLSX")[0] is not None
    assert refused(of_sheets(sheet(HEADS), suffix=".csv"))[0] == "file-kind"


def test_remarks_on_a_text_stand_in_the_log() -> None:
    table, ledger = of_text("key;value\nA;1\n")
    assert table is not None and table.comma_is_doubtful
    assert ledger.taken == [("", 0, "", "", "", "the cells are separated by semicolons")]


# headings


def test_headings_stand_within_forty_rows() -> None:
    assert good("\n" * 39 + "key,value\nA,1\n").rows == [41]
    assert refused(of_text("\n" * 40 + "key,value\nA,1\n")) == (
        "table-header",
        "",
        0,
        "",
        '"key", "value"',
    )
    # where no separator brings out a heading, a comma is meant
    assert refused(of_text("a\n" * 40 + "key;value\nA;1\n"))[0] == "table-header"


def test_headings_are_tidied_and_what_stands_above_is_logged() -> None:
    table, ledger = of_text("Return,of Roads\n,\nKEY,value,Note \nA,1,x\n")
    assert table is not None and table.cells == {
        "key": ["A"],
        "value": ["1"],
        "note": ["x"],
        "part": [""],
    }
    assert table.letters == {"key": "A", "value": "B", "note": "C"} and table.rows == [4]
    assert ledger.taken == [
        ("", 1, "", "Return of Roads", "", "text above the headings, left out"),
        ("", 3, "key (A)", "KEY", "key", "heading"), ("", 3, "note (C)", "Note ", "note", "heading"),
    ]  # fmt: skip
    assert ledger.told == []


def test_columns_not_asked_for_are_named_unless_they_are_the_templates_or_blank() -> None:
    _, ledger = of_text("key,value,name,Extra Bit,,\nA,1,x,y,,\n")
    assert ledger.told == [
        ("table-unexpected", "", 1, "name (C)", ""),
        ("table-unexpected", "", 1, "Extra Bit (D)", ""),
    ]
    assert good("key,name,value,unit\nA,x,1,y\n").letters == {"key": "A", "value": "C"}
    assert [column for *_, column, _ in of_text("key,name,value\nA,x,1\n")[1].told] == ["name (B)"]
    # a column in the midst without a heading is named where it holds something
    assert good("key,,value\nA,,1\n").letters == {"key": "A", "value": "C"}
    assert of_text("key,,value\nA,,1\nB,x,2\n")[1].told == [
        ("table-unexpected", "", 1, "(no heading) (B)", "")
    ]


def test_the_same_heading_twice_matters_where_it_is_asked_for() -> None:
    assert refused(of_text("x\nkey,value,Value\nA,1,2\n")) == (
        "table-duplicate",
        "",
        2,
        "",
        '"value"',
    )
    told = refused(of_sheets(sheet((4, ["note", "key", "value", "note"]), name="R")))
    assert told == ("table-duplicate", "R", 4, "", '"note"')
    assert of_text("key,value,x,x\nA,1,2,3\n")[0] is not None


@pytest.mark.parametrize(
    ("text", "row", "detail"),
    [
        ("key,x,y\n1,2,3\n", 1, '"value"'),
        ("note,x\nx,value,y\n", 2, '"key"'),
        ("x\nvalue,a\nkey,b\n", 2, '"key"'),
    ],
)
def test_of_several_rows_the_one_nearest_to_headings_decides(
    text: str, row: int, detail: str
) -> None:
    assert refused(of_text(text)) == ("table-columns", "", row, "", detail)


def test_without_any_heading_those_needed_are_told() -> None:
    for text in ("a,b\n1,2\n", "note,a\n1,2\n"):
        assert refused(of_text(text)) == ("table-header", "", 0, "", '"key", "value"')
    three = Layout(("key", "value", "place"))
    assert refused(of_text("value,a\nkey,place\n", three)) == (
        "table-columns",
        "",
        2,
        "",
        '"value"',
    )
    assert refused(of_text("value,a\n", three)) == ("table-columns", "", 1, "", '"key", "place"')


@pytest.mark.parametrize(
    "heads",
    ["Q1,q4", "2023/24,2024-25", "23/24,24/25", "2023,2024", "2024-12-31,2025-03-31", "31/12/24,31.3.2025", "Apr,May",
     "sept 24,Oct. 2024", "December 2024,jan-25", "2024-25 Q1,Q2 2024/25", "Q1 2024,Q2 2024"],
)  # fmt: skip
def test_periods_side_by_side_are_no_table(heads: str) -> None:
    first, second = heads.split(",")
    told = refused(of_text(f"Title\nkey,{first},{second},x\n1,2,3\n"))
    assert told == ("table-wide", "", 2, "", f"{first}, {second}")


def test_three_periods_are_named_and_one_is_none_too_many() -> None:
    assert refused(of_text("key,Q1,Q2,Q3,Q4\n"))[-1] == "Q1, Q2, Q3"
    assert refused(of_text("key,Q1,Q5,x 2024\n")) == ("table-columns", "", 1, "", '"value"')


# sheets


def test_the_one_visible_sheet_with_headings_is_read() -> None:
    table, ledger = of_sheets(
        sheet((1, ["Please read"]), name="Front"),
        hidden("Lists", True),
        sheet(HEADS, (2, ["A", "1"]), name="Return"),
    )
    assert table is not None and (table.sheet, table.rows) == ("Return", [2])
    assert [(code, where) for code, where, *_ in ledger.told] == [("sheet-hidden", "Lists")]
    told = refused(of_sheets(sheet(HEADS, name="A"), sheet(name="B"), sheet(HEADS, name="C")))
    assert told == ("table-sheets", "", 0, "", '"A", "C"')


def test_where_no_sheet_has_headings_the_nearest_decides() -> None:
    told = refused(
        of_sheets(sheet((1, ["x"]), name="A"), sheet((3, ["key", "x"]), name="B"), sheet(name="C"))
    )
    assert told == ("table-columns", "B", 3, "", '"value"')
    assert refused(of_sheets(sheet((1, ["x"]), name="A"))) == (
        "table-header",
        "A",
        0,
        "",
        '"key", "value"',
    )


def test_a_workbook_without_a_visible_word() -> None:
    assert refused(of_sheets(sheet(), hidden("H", False))) == ("file-empty", "", 0, "", "")
    told = refused(of_sheets(sheet(), hidden("H", True), hidden("V", False), hidden("T", True)))
    assert told == ("table-hidden", "", 0, "", '"H", "T"')


# rows


def test_a_heading_without_rows_is_told() -> None:
    table, ledger = of_text("x\nkey,value\n\n")
    assert table is not None and (len(table), table.blank, table.rows_in) == (0, 1, 1)
    assert table.cells == {"key": [], "value": [], "note": [], "part": []}
    assert ledger.told == [("table-no-rows", "", 2, "", "")]


def test_rows_of_another_length_are_refused_and_what_stands_beside_is_kept() -> None:
    table, ledger = of_text(
        "key,value,note\nA,1,x\nB,2\nC,3,x,y,z\nD,4,\nSource only\nA;1;x\n,Source; 1\n"
    )
    assert table is not None and table.cells["note"] == ["x", "", "x", "", "", "", ""]
    assert ledger.told == [
        ("row-short", "", 3, "", "2 of 3"), ("row-long", "", 4, "", "5 instead of 3"), ("row-footnote", "", 6, "key (A)", ""),
        ("row-short", "", 7, "", "1 of 3"), ("row-footnote", "", 8, "key (A)", ""),
    ]  # fmt: skip
    assert table.beyond == {2: "y | z"}
    assert list(table.bad) == [False, True, True, False, True, True, True]


def test_headings_that_are_blank_at_the_end_count_as_cells() -> None:
    table, ledger = of_text("key,value,,\nA,1,,\nB,2,\nC,3, ,x\n")
    assert table is not None and table.beyond == {2: "x"}
    assert ledger.told == [
        ("row-short", "", 3, "", "3 of 4"),
        ("row-beside", "", 4, "", 'D4 ("x")'),
    ]


def test_rows_that_are_all_shorter_than_the_blank_headings_are_told_too() -> None:
    assert of_text("key,value,,\nA,1\nB,2\n")[1].told == [
        ("row-short", "", 2, "", "2 of 4"),
        ("row-short", "", 3, "", "2 of 4"),
    ]


def test_a_second_row_of_headings_is_a_second_table() -> None:
    assert refused(of_text("key,value\nA,1\n\nKEY,Value\nB,2\nkey,value\n")) == (
        "table-two",
        "",
        4,
        "",
        "4",
    )
    told = refused(of_sheets(sheet(HEADS, (3, ["A", "1"]), (7, ["Key", "value"]), name="R")))
    assert told == ("table-two", "R", 7, "", "7")


def test_blank_rows_of_a_sheet_are_those_that_a_person_sees() -> None:
    """Rows 2 to 9 below the headings of row 1: two are figures, one holds a formula that shows nothing, five are blank."""
    table, _ = of_sheets(
        sheet(
            (1, ["key", "value"]),
            (3, ["A", "1"]),
            (5, [" "]),
            (6, []),
            (9, [" B", "2"]),
            kinds=[(6, 1, "formula")],
        )
    )
    assert table is not None and (table.rows, table.blank, table.rows_in) == ([3, 6, 9], 5, 8)
    assert table.cells["value"] == ["1", "", "2"] and table.kinds == {"value": {1: "formula"}}


def test_titles_above_a_sheets_table_are_no_blank_rows() -> None:
    """Below the headings in row 4 are rows 5 to 8: two figures, two blank."""
    table, _ = of_sheets(
        sheet(
            (1, ["Title"]), (2, ["More"]), (4, ["key", "value"]), (6, ["A", "1"]), (8, ["B", "2"])
        )
    )
    assert table is not None and (table.rows, table.blank, table.rows_in) == ([6, 8], 2, 4)


def test_marks_of_cells_are_those_of_the_table() -> None:
    table, ledger = of_sheets(
        sheet(
            (2, ["key", "x", "value"]), (3, ["A", "y", "1"]), (5, ["B", "y", "2"]), (6, ["C", "y", "3"]),
            hidden_rows=[1, 3, 4], hidden_columns=[[1, 2]], kinds=[(2, 0, "date"), (3, 1, "date"), (5, 2, "percent")],
            struck=[(3, 2), (3, 1), (2, 0)], unseen=[(6, 0), (9, 0)],
        )
    )  # fmt: skip
    assert table is not None and table.kinds == {"value": {1: "percent"}}
    assert ledger.told == [
        ("table-unexpected", "S", 2, "x (B)", ""), ("column-hidden", "S", 0, "value (C)", ""), ("row-hidden", "S", 3, "", ""),
        ("cell-struck", "S", 3, "value (C)", ""), ("cell-unseen", "S", 6, "key (A)", ""),
    ]  # fmt: skip
    assert not table.bad.any()


def test_merged_cells_spoil_each_row_that_they_cover() -> None:
    rows = [(line, [name, "x", "1"]) for line, name in ((3, "A"), (5, "B"), (6, "C"), (7, "D"))]
    merged = ["A1:C1", "B3:C5", "B4:B9", "C6:C6", "A7:B7", "D3:E9", "C:C", "A4:C4"]
    table, ledger = of_sheets(sheet((2, ["key", "x", "value"]), *rows, merged=merged))
    assert table is not None
    assert ledger.told[1:] == [
        ("row-merged", "S", 3, "value (C)", "B3:C5"), ("row-merged", "S", 5, "value (C)", "B3:C5"),
        ("row-merged", "S", 6, "value (C)", "C6:C6"), ("row-merged", "S", 7, "key (A)", "A7:B7"),
    ]  # fmt: skip
    assert list(table.bad) == [True] * 4


def test_what_stands_beside_a_sheets_table_is_told_with_its_cell() -> None:
    table, ledger = of_sheets(
        sheet(
            (1, ["key", "value", ""]),
            (2, ["A", "1", " ", "ask  Jo", "", "p" * 90]),
            (3, ["B", "2", " "]),
            (4, ["C", "3", "q" * 90]),
        )
    )
    assert table is not None and table.beyond == {0: "ask  Jo | " + "p" * 90, 2: "q" * 90}
    assert ledger.told == [
        ("row-beside", "S", 2, "", 'D2 ("ask Jo")'), ("row-beside", "S", 4, "", f'C4 ("{"q" * 80}")')
    ]  # fmt: skip
    assert list(table.bad) == [True, False, True]
