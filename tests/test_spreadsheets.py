"""CSV and workbooks that are written: nothing in them runs, numbers stay numbers, the same table gives the same bytes."""

import csv
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from kpi_tools.files import spreadsheets
from kpi_tools.files.spreadsheets import safe_text, write_csv, write_workbook

ATTACKS = ["=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "\u00a0=1", "\ufeff=1", "＝1", "＋1",
           "－1+1",
           "＠x", "'=1", "\u200b=1", "\n=1", "=HYPERLINK(\"http://x\")"]  # fmt: skip


@pytest.mark.parametrize("text", ATTACKS)
def test_a_text_that_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_text(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+5", "-0.5", "-", "–", "Roads", "a=b", "", "£5"])
def test_other_texts_stay(text: str) -> None:
    assert safe_text(text) == text


def test_no_cell_of_a_written_file_is_a_formula(tmp_path: Path) -> None:
    table = pd.DataFrame({"=name": ATTACKS, "value": range(len(ATTACKS))})
    with write_csv(table, tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert len(cells) == 2 * len(ATTACKS) + 2
    assert not [cell for cell in cells if cell.lstrip()[:1] in "=+-@" and cell]
    sheet = load_workbook(write_workbook({"=x": table}, tmp_path / "t.xlsx")).worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows(max_col=1) for cell in row} == {"s"}
    assert {cell.data_type for row in sheet.iter_rows(min_row=2, min_col=2) for cell in row} == {
        "n"
    }


def test_a_lone_return_starts_no_new_row(tmp_path: Path) -> None:
    written = write_csv(pd.DataFrame({"note": ["a\r=1", "b"]}), tmp_path / "t.csv").read_bytes()
    assert b"\r" not in written


def test_numbers_dates_and_gaps_are_written_plainly(tmp_path: Path) -> None:
    table = pd.DataFrame({
        "a": [1.0, np.nan, 0.1], "b": [1, 2, 3], "c": pd.to_datetime(["2024-12-31", None, "2024-03-31"]),
        "d": [True, False, True], "e": ["x", None, "é"],
    })  # fmt: skip
    assert write_csv(table, tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines() == [
        '"a","b","c","d","e"', '1,1,"2024-12-31","TRUE","x"', '"",2,"","FALSE",""', '0.1,3,"2024-03-31","TRUE","é"',
    ]  # fmt: skip
    sheet = load_workbook(write_workbook({"T": table}, tmp_path / "t.xlsx")).worksheets[0]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        [1, 1, "2024-12-31", "TRUE", "x"], [None, 2, None, "FALSE", None], [0.1, 3, "2024-03-31", "TRUE", "é"],
    ]  # fmt: skip


def test_the_same_table_gives_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    path = write_workbook({"T": pd.DataFrame({"a": [1]})}, tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as container:
        assert {info.date_time for info in container.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = container.read("docProps/core.xml")
    assert core.count(b"2000-01-01T00:00:00Z") == 2


def test_a_failed_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(spreadsheets.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_bytes() == before
