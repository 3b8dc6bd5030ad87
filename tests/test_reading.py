"""Files as they are sent: limits, the child process that reads workbooks, and rows as a person sees them."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from malformed import book_of, rows
from openpyxl import Workbook

from kpi_tools.intake import grids, reading, workbook_child, workbooks
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


def test_one_child_reads_all_workbooks_and_ends_with_the_block() -> None:
    with Workbooks() as books:
        assert "sheets" in books.read(GOOD)
        child = books._child
        assert "fault" in books.read(b"PK\x03\x04 broken")
        assert books.read(GOOD)["sheets"][0]["name"] == "Return"
        assert books._child is child
    assert child is not None and child.returncode is not None


def test_a_workbook_that_takes_too_long_is_given_up_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = tmp_path / "stuck.py"
    stuck.write_text("import sys, threading\nsys.stdin.buffer.read(8)\nthreading.Event().wait()\n")
    with Workbooks(seconds=0.3) as books:
        with monkeypatch.context() as patched:
            patched.setattr(workbooks, "_CHILD", stuck)
            assert books.read(GOOD)["fault"] == "file-slow"
        books._seconds = workbooks.SECONDS
        assert "sheets" in books.read(GOOD)


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_a_child_that_dies_costs_one_workbook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dying = tmp_path / "dying.py"
    dying.write_text(f"import os\nos.kill(os.getpid(), {int(signal.SIGKILL)})\n")
    with Workbooks() as books:
        with monkeypatch.context() as patched:
            patched.setattr(workbooks, "_CHILD", dying)
            assert books.read(GOOD)["fault"] == "file-large"
        assert "sheets" in books.read(GOOD)


def test_the_child_starts_without_pandas_and_guards_its_xml() -> None:
    told = subprocess.run(
        [sys.executable, "-P", "-c",
         "import runpy, sys, io; sys.stdin = io.TextIOWrapper(io.BytesIO(b''));"
         f"runpy.run_path({str(Path(workbook_child.__file__))!r}, run_name='__main__');"
         "import openpyxl; sys.stderr.write(f'{\"pandas\" in sys.modules} {openpyxl.DEFUSEDXML}')"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stderr == "False True"


def test_a_wide_and_long_sheet_of_nothing_is_cheap() -> None:
    book = Workbook()
    sheet = book.active
    for column, name in enumerate(["kpi_id", "period", "value"], start=1):
        sheet.cell(1, column, name)
    sheet["XFD1048576"].number_format = "0.0"
    content = io.BytesIO()
    book.save(content)
    start = time.process_time()
    found = workbook_child.read_workbook(content.getvalue())
    assert found["sheets"][0]["rows"] == [(1, ["kpi_id", "period", "value"])]
    assert time.process_time() - start < 5


def test_numbers_are_those_that_a_spreadsheet_shows() -> None:
    shown = {
        0.1 + 0.2: "0.3",
        87.3: "87.3",
        1e-7: "0.0000001",
        97.0: "97",
        1e21: "1000000000000000000000",
        33.0 / 7: "4.71428571428571",
    }
    assert {value: workbook_child._digits(value) for value in shown} == shown
