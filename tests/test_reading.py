"""Files as they are sent: limits, the child process that reads workbooks, and rows as a person sees them."""

import io
from pathlib import Path

import pytest
from malformed import book_of, rows
from openpyxl import Workbook

from kpi_tools.intake import grids, reading
from kpi_tools.intake.returns import RETURNS
from kpi_tools.intake.tables import Table
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.words.problems import Ledger

GOOD = book_of(rows())


def read(path: Path, content: bytes) -> tuple[Table | None, Ledger]:
    path.write_bytes(content)
    ledger = Ledger()
    snapshot = reading.take(path, path.name, ledger)
    with Workbooks() as books:
        return (reading.read_table(snapshot, RETURNS, ledger, books) if snapshot else None), ledger


def test_rows_are_those_that_an_editor_shows_and_a_spreadsheets_count_is_named(tmp_path: Path) -> None:
    table, ledger = read(tmp_path / "r.csv", b'kpi_id,period,value,note\nA,p,1,"one\ntwo\nthree"\nB,p,2\n')
    assert table is not None and table.rows == [2, 5]
    problem = ledger.problems().iloc[0]
    assert problem["row"] == 5 and "(Row 3 in a spreadsheet program.)" in problem["rule"]


def test_blank_rows_are_counted_in_both_kinds_of_file(tmp_path: Path) -> None:
    text, _ = read(tmp_path / "r.csv", b"kpi_id,period,value\n\nA,p,1\n,,\n \nB,p,2\n\n")
    book = Workbook()
    for line, row in {1: ["kpi_id", "period", "value"], 3: ["A", "p", 1], 4: [" "], 7: ["B", "p", 2]}.items():
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
