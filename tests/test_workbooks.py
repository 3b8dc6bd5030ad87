"""The process that reads workbooks, its limits, what it sees in a cell; files: malformed.py."""

import io
import os
import signal
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from datetime import time as clock
from typing import Any

import pytest

from kpi_tools.errors import Refused
from kpi_tools.workbooks import child
from kpi_tools.workbooks.child import Workbooks, answer
from kpi_tools.workbooks.sheets import Look, as_text, digits, read_format, read_workbook, rich_text
from tests.malformed import book_of, rows

GOOD = book_of(rows())
SHEET = "xl/worksheets/sheet1.xml"
SPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def packed(**changed: bytes) -> bytes:
    """The good workbook with other parts (`a__b` is a/b)."""
    with zipfile.ZipFile(io.BytesIO(GOOD)) as source:
        content = {name: source.read(name) for name in source.namelist()}
    content |= {name.replace("__", "/"): part for name, part in changed.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in content.items():
            target.writestr(name, part)
    return out.getvalue()


def sheet_of(cells: str, after: str = "", before: str = "") -> dict[str, Any]:
    """The only sheet of a workbook with these rows."""
    xml = f"<worksheet {SPACE}>{before}<sheetData>{cells}</sheetData>{after}</worksheet>"
    (sheet,) = read_workbook(packed(**{SHEET: xml.encode()}))["sheets"]
    return dict(sheet)


def test_one_child_reads_all_workbooks_and_ends_with_the_block():
    with Workbooks() as books:
        assert "sheets" in books.read(GOOD)
        process = books._child
        with pytest.raises(Refused, match="file-truncated"):
            books.read(b"PK\x03\x04 broken")
        assert books.read(GOOD)["sheets"][0]["name"] == "Return" and books._child is process
    assert process is not None and process.returncode is not None


@pytest.mark.parametrize(("program", "fault"), [
    ("import time; time.sleep(60)", "file-slow"),
    ("import sys; sys.exit(3)", "file-large"),
    pytest.param(
        f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})" if os.name != "nt" else "",
        "file-large",
        marks=pytest.mark.skipif(os.name == "nt", reason="there are no such signals"),
    ),
])  # fmt: skip
def test_a_child_that_hangs_or_dies_costs_one_workbook(monkeypatch, program, fault):
    with Workbooks(seconds=0.5) as books:
        with monkeypatch.context() as patched:
            patched.setattr(child, "_CHILD", program)
            with pytest.raises(Refused, match=fault):
                books.read(bytes(2**21))
        books._seconds = child.SECONDS
        assert "sheets" in books.read(GOOD)


@pytest.mark.skipif(sys.platform != "linux", reason="there are no such limits")
def test_memory_has_an_end(monkeypatch):
    reads = "import kpi_tools.workbooks.child as c; c.read_workbook = lambda raw: bytes(2**31)"
    greedy = child._CHILD.replace("main()", f"{reads}; main()")
    monkeypatch.setattr(child, "_CHILD", greedy)
    more = "it needs more memory than a return should"
    with Workbooks() as books, pytest.raises(Refused, match=more):
        books.read(GOOD)


def test_the_child_starts_without_pandas():
    ask = child._CHILD.replace("main()", "print('pandas' in sys.modules)")
    command = [sys.executable, "-P", "-c", ask, child._PACKAGE]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"False\n"


@pytest.mark.parametrize(("changed", "fault"), [
    ({"xl__VBAPROJECT.BIN": b"x"}, "file-macros"),
    ({"xl__workbook.bin": b"x"}, "file-kind"),
    ({"mimetype": b"x", "content.xml": b"<x/>"}, "file-kind"),
    ({"xl__theme__t.xml": "<x/>".encode("utf-16")}, "file-hostile"),
])  # fmt: skip
def test_what_a_container_may_not_hold(changed, fault):
    assert answer(packed(**changed))["code"] == fault


def test_a_sheet_in_every_part():
    found = sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>kpi_id</t></is></c><c r="C1"><v>5</v></c>'
        '<c r="D1" s="0"/></row>'
        '<row r="3" hidden="1"><c r="B3" t="b"><v>1</v></c><c r="C3" t="e"><v>#N/A</v></c></row>'
        '<row r="4" ht="0"><c r="A4"><f>1+1</f></c></row>'
        '<row r="5" ht="15"><c r="B5"><f>1+1</f><v></v></c></row>'
        '<row r="6"><c r="A6" t="str"><f>""</f><v></v></c><c r="B6"><f>1+1</f><v>2</v></c></row>'
        '<row r="9" hidden="true"><c r="C9" s="0"/></row>',
        before='<cols><col min="2" max="3" hidden="1"/><col min="5" max="5" width="0"/></cols>',
        after='<mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="C4:D4"/></mergeCells>',
    )
    assert found == {
        **{"name": "Return", "hidden": False, "marks": [], "fills": []},
        "rows": [
            (1, ["kpi_id", "", "5"]),
            (3, ["", "TRUE", "#N/A"]),
            (4, []),
            (5, []),
            (6, ["", "2"]),
        ],
        "kinds": [(3, 1, "truth"), (3, 2, "error"), (4, 0, "formula"), (5, 1, "formula")],
        **{"hidden_rows": [3, 4], "hidden_columns": [1, 2, 4]},
        "merged": [("A1:B2", 0, 1, 2, 2), ("C4:D4", 2, 4, 4, 4)],
    }


def test_names_with_a_prefix_are_the_same_names():
    xml = (
        f'<x:worksheet {SPACE.replace("=", ":x=", 1)}><x:sheetData><x:row r="1" hidden="1">'
        '<x:c r="A1"><x:v>5</x:v></x:c><x:c r="B1"><x:f>1+1</x:f></x:c></x:row>'
        '<x:row r="2"><x:c r="A2" s="0"/></x:row></x:sheetData><x:mergeCells count="1">'
        '<x:mergeCell ref="A1:B1"/></x:mergeCells></x:worksheet>'
    )
    (found,) = read_workbook(packed(**{SHEET: xml.encode()}))["sheets"]
    assert found["rows"] == [(1, ["5"])] and found["kinds"] == [(1, 1, "formula")]
    assert found["hidden_rows"] == [1] and found["merged"] == [("A1:B1", 0, 1, 2, 1)]


@pytest.mark.parametrize(("font", "text", "marks"), [
    ('vertAlign val="superscript"', "1² st", []),
    ('vertAlign val="subscript"', "1₂ st", []),
    ('vertAlign val="baseline"', "12 st", []),
    ("strike", "12\u0336 st", [(1, 0, "cell-struck", "")]),
    ('strike val="0"', "12 st", []),
])  # fmt: skip
def test_digits_that_are_raised_or_struck_out_are_no_part_of_a_number(font, text, marks):
    runs = f"<is><r><t>1</t></r><r><rPr><{font}/></rPr><t>2 st</t></r></is>"
    found = sheet_of(f'<row r="1"><c r="A1" t="inlineStr">{runs}</c></row>')
    assert (found["rows"], found["marks"]) == ([(1, [text])], marks)
    assert rich_text([("1", "", False), (". ", "", True), ("5", "", False)]) == "1.\u0336 5"


@pytest.mark.parametrize(("value", "data_type", "look", "expected"), [
    (1, "n", "percent", ("100%", "percent")),
    (-0.005, "n", "percent", ("-0.5%", "percent")),
    (datetime(2024, 12, 2), "d", "month", ("2024-12-02", "date")),
    (datetime(2024, 12, 1, 8, 30, 15), "d", "", ("2024-12-01 08:30:15", "date")),
    (clock(0, 4, 35), "d", "seconds", ("0:04:35", "time")),
    (timedelta(hours=30), "d", "", ("30:00", "time")),
])  # fmt: skip
def test_a_cell_is_what_a_person_would_type(value, data_type, look, expected):
    found = as_text(value, data_type, Look(**{look: True} if look else {}))
    assert found == (*expected, False)


@pytest.mark.parametrize(("form", "expected"), [
    ("General", ""),
    ("0.0%", "percent"),
    ('0"%"', ""),
    ("MMM-YY", "month"),
    ("yyyy", "year"),
    ("dd/mm/yyyy", ""),
    ("[mm]:ss", "seconds"),
    ("0;;;", ""),
    (";;;", "words unseen"),
    ('"n/a"', "words"),
    ('[<5]"c";0', ""),
    ("#,##0,", "scaled"),
    ('0.0,,"m"', "scaled"),
    ("#,##0.00", ""),
    ('_-* #,##0_-;-* #,##0_-;_-* "-"_-', ""),
])  # fmt: skip
def test_what_a_format_makes_of_a_number(form, expected):
    assert read_format(form) == Look(**dict.fromkeys(expected.split(), True))


@pytest.mark.parametrize(("value", "shown"), [
    (0.1 + 0.2, "0.3"),
    (1e-7, "0.0000001"),
    (97.0, "97"),
    (1e21, "1000000000000000000000"),
    (33.0 / 7, "4.71428571428571"),
])  # fmt: skip
def test_a_number_shows_fifteen_digits_and_no_exponent(value, shown):
    assert digits(value) == shown
