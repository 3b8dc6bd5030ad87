"""CSV and workbooks that are written: numbers stay numbers, each service is sent its own rows."""

import zipfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from kpi_tools import spreadsheets
from kpi_tools.loading import read_returns
from kpi_tools.spreadsheets import (
    keep_rejected,
    processed_folder,
    safe_text,
    sent_back,
    write_csv,
    write_workbook,
)
from tests.small_council import write_raw


@pytest.mark.parametrize("text", ["\u200b=1", "\n=1", "-2+3", "'=1"])
def test_a_text_that_would_run_gets_an_apostrophe(text):
    """Many more, in files, are in tests/test_payloads.py."""
    assert safe_text(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+5", "-0.5", "-", "–", "Roads", "a=b", "", "£5"])
def test_other_texts_stay(text):
    assert safe_text(text) == text


def test_numbers_dates_and_gaps_are_written_plainly(tmp_path):
    table = pd.DataFrame({"a": [1.0, np.nan, 0.1], "b": [1, 2, 3]})
    table["c"] = pd.to_datetime(["2024-12-31", None, "2024-03-31"])
    table["d"], table["e"], table["f"] = [True, False, True], ["x", None, "é"], ["", "a\r=1", "y"]
    assert write_csv(table, tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines() == [
        '"a","b","c","d","e","f"',
        '1,1,"2024-12-31","TRUE","x",""',
        '"",2,"","FALSE","","a',
        '=1"',
        '0.1,3,"2024-03-31","TRUE","é","y"',
    ]
    sheet = load_workbook(write_workbook({"T": table}, tmp_path / "t.xlsx")).worksheets[0]
    december, march = datetime(2024, 12, 31), datetime(2024, 3, 31)
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [
        [1, 1, december, "TRUE", "x", None],
        [None, 2, None, "FALSE", None, "a\n=1"],
        [0.1, 3, march, "TRUE", "é", "y"],
    ]
    assert sheet["C2"].is_date and sheet["C2"].number_format == "dd/mm/yyyy"
    # ISBLANK holds only where the file has no cell, or one without a value
    with zipfile.ZipFile(tmp_path / "t.xlsx") as container:
        assert b'r="A3"' not in container.read("xl/worksheets/sheet1.xml")


def test_the_same_table_gives_the_same_bytes_at_any_time(tmp_path):
    path = write_workbook({"T": pd.DataFrame({"a": [1]})}, tmp_path / "t.xlsx")
    with zipfile.ZipFile(path) as container:
        assert {info.date_time for info in container.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = container.read("docProps/core.xml")
    assert core.count(b"2000-01-01T00:00:00Z") == 2


def test_a_failed_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_csv(pd.DataFrame({"a": [1]}), tmp_path / "t.csv")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(spreadsheets.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_csv(pd.DataFrame({"a": [2]}), path)
    assert path.read_bytes() == before


# What is sent back


@pytest.fixture
def raw(tmp_path):
    """Two services' files with rejected rows, one without, a refused row of the council's own."""
    folder = write_raw(tmp_path / "raw")
    roads = ["kpi_id,period,value,numerator,denominator,status,note"]
    roads += ["C1,2024-25 Q3,412,,,final,fine", "CS01,2024-25 Q3,80,,final,"]
    roads.insert(2, 'P1,2024-25 Q3,72p,,,draft,"=HYPERLINK(""http://x"")"')
    (folder / "roads.csv").write_text("\n".join(roads) + "\n", encoding="utf-8")
    (folder / "care.csv").write_text("kpi_id,period,value\nP2,2024-25 Q3,many\n")
    (folder / "clean.csv").write_text("kpi_id,period,value\nR1,2024-25 Q3,12\n")
    with (tmp_path / "raw" / "targets.csv").open("a") as targets:
        targets.write("nobody,2020-21 Q1,1,1,,,final\n")
    return tmp_path / "raw"


@pytest.fixture
def returns(raw):
    return read_returns(raw)


def texts(path: Path) -> str:
    """Every cell and note of a workbook."""
    cells = [cell for sheet in load_workbook(path) for row in sheet for cell in row]
    return " ".join(f"{cell.value} {cell.comment.text if cell.comment else ''}" for cell in cells)


def test_each_file_gets_a_workbook_with_its_rows_alone(returns, tmp_path):
    care, roads = sorted(keep_rejected(returns, tmp_path / "out"))
    assert care.name == "rejected-2024-25-q3-care-csv.xlsx"
    assert roads.name == "rejected-2024-25-q3-roads-csv.xlsx"
    assert "many" in texts(care) and "72p" not in texts(care) and "roads" not in texts(care)
    assert "72p" in texts(roads) and "many" not in texts(roads) and "care" not in texts(roads)
    assert "nobody" not in texts(care) + texts(roads)
    everything = pd.read_csv(processed_folder(tmp_path / "out", returns.quarter) / "rejected.csv")
    assert len(everything) == 4 and "targets.csv" in set(everything["file"])
    again = sorted(keep_rejected(returns, tmp_path / "again"))
    assert [one.read_bytes() for one in again] == [care.read_bytes(), roads.read_bytes()]


def test_each_rejected_row_is_there_as_sent_with_its_reasons(returns, tmp_path):
    keep_rejected(returns, tmp_path / "out")
    path = processed_folder(tmp_path / "out", returns.quarter) / "rejected.csv"
    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    table = table[table["file"].str.endswith("roads.csv")].reset_index(drop=True)
    assert table["row"].tolist() == ["3", "4"]
    assert table["codes"].tolist() == ["value-flag status-unknown", "row-short"]
    assert table.loc[0, ["kpi_id", "value", "status"]].tolist() == ["P1", "72p", "draft"]
    assert 'value: The mark "p" stands behind the number.' in table.loc[0, "reasons"]
    assert table.loc[0, "note"] == '\'=HYPERLINK("http://x")'


def test_each_bad_cell_is_coloured_and_noted(returns, tmp_path):
    _, roads = sorted(keep_rejected(returns, tmp_path / "out"))
    sheet = load_workbook(roads)["Rejected"]
    names = [cell.value for cell in sheet[1]]
    noted = {(cell.row, names[cell.column - 1]) for row in sheet for cell in row if cell.comment}
    assert noted == {(2, "value"), (2, "status"), (3, "codes")}
    marked = sheet.cell(2, names.index("value") + 1)
    assert marked.fill.start_color.rgb == "FFF4B6B0"
    assert "Give the number alone" in marked.comment.text
    assert all(cell.data_type != "f" for row in sheet for cell in row)


def test_without_a_rejected_row_there_is_no_workbook_and_no_word_of_one(raw, returns):
    assert len(keep_rejected(returns, raw)) == 2
    folder = raw / "returns" / "2024-25-Q3"
    (folder / "roads.csv").unlink()
    (folder / "care.csv").unlink()
    kept = keep_rejected(read_returns(raw), raw)  # targets.csv still has its fault
    assert kept == [] and sent_back(kept) == ""
    left = raw.parent / "processed" / "2024-25-Q3"
    assert sorted(path.name for path in left.iterdir()) == ["problems.csv", "rejected.csv"]


def test_the_workbooks_are_named_in_a_line_each():
    assert sent_back(["a.xlsx"]) == "\nRejected rows, to be sent back: a.xlsx"
    assert sent_back(["b.xlsx", "a.xlsx"], "  ") == (
        "\n  Rejected rows, to be sent back, a workbook for each file:\n    a.xlsx\n    b.xlsx"
    )


def test_what_was_taken_otherwise_than_sent_is_kept(tmp_path):
    folder = write_raw(tmp_path / "raw")
    (folder / "roads.csv").write_text("kpi_id,period,value\np1,Q3 2024/25,72%\n", encoding="utf-8")
    returns = read_returns(tmp_path / "raw")
    assert keep_rejected(returns, tmp_path / "raw") == [] and returns.rejected.empty
    kept = pd.read_csv(tmp_path / "processed" / "2024-25-Q3" / "changes.csv")
    both = (one[["file", "sent", "taken"]].to_numpy().tolist() for one in (kept, returns.log))
    assert next(both) == next(both) and len(kept) >= 1
