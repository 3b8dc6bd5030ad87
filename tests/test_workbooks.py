"""Workbooks from outside: the process that reads them, what is refused unread, and every cell as a person sees it."""

import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from datetime import date, datetime, timedelta
from datetime import time as clock
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from malformed import book_of, rows
from openpyxl import Workbook

from kpi_tools.intake import workbook_child, workbook_container, workbook_sheets, workbooks
from kpi_tools.intake.cells import read_number
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.periods import read_period
from kpi_tools.intake.workbook_container import Refused, check_container
from kpi_tools.intake.workbook_sheets import read_workbook
from kpi_tools.intake.workbook_texts import as_number, as_text, digits, read_format, rich_text
from kpi_tools.intake.workbooks import Workbooks

GOOD = book_of(rows())
SHEET, BOOK, TYPES, SHARED = (
    "xl/worksheets/sheet1.xml",
    "xl/workbook.xml",
    "[Content_Types].xml",
    "xl/sharedStrings.xml",
)


def parts_of(raw: bytes = GOOD) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        return {name: source.read(name) for name in source.namelist()}


def packed(parts: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return content.getvalue()


def with_parts(**changed: bytes) -> bytes:
    """The good workbook with a part of its own name (`a__b` is a/b), which no other has."""
    return packed(parts_of() | {name.replace("__", "/"): part for name, part in changed.items()})


def sheet_of(cells: str, after: str = "", before: str = "") -> bytes:
    """The good workbook with this as the rows of its only sheet."""
    head = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return packed(
        parts_of()
        | {SHEET: f"{head}{before}<sheetData>{cells}</sheetData>{after}</worksheet>".encode()}
    )


def only_sheet(raw: bytes) -> dict[str, Any]:
    (sheet,) = read_workbook(raw)["sheets"]
    return dict(sheet)


def refusal(raw: bytes, call: Any = check_container) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        call(raw)
    code, detail = refused.value.args
    return code, detail


# the process


def test_one_child_reads_all_workbooks_and_ends_with_the_block() -> None:
    with Workbooks() as books:
        assert "sheets" in books.read(GOOD)
        child = books._child
        assert "fault" in books.read(b"PK\x03\x04 broken")
        assert books.read(GOOD)["sheets"][0]["name"] == "Return"
        assert books._child is child
    assert child is not None and child.returncode is not None


def test_the_child_is_ready_where_workbooks_are_expected_and_waits_for_them_otherwise() -> None:
    with Workbooks(expected=True) as books:
        child = books._child
        assert child is not None and child.poll() is None
        assert "sheets" in books.read(GOOD) and books._child is child
    assert child.returncode is not None and books._child is None
    with Workbooks() as books:
        assert books._child is None


def test_a_workbook_that_takes_too_long_is_given_up_and_the_next_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck = "import sys, threading; sys.stdin.buffer.read(8); threading.Event().wait()"
    with Workbooks(seconds=0.3) as books:
        with monkeypatch.context() as patched:
            patched.setattr(workbooks, "_CHILD", stuck)
            assert books.read(GOOD) == {"fault": "file-slow", "detail": "0.3 seconds"}
        books._seconds = workbooks.SECONDS
        assert "sheets" in books.read(GOOD)


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
def test_a_child_that_dies_costs_one_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    dying = f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})"
    with Workbooks() as books:
        with monkeypatch.context() as patched:
            patched.setattr(workbooks, "_CHILD", dying)
            told = books.read(GOOD)
            assert told == {
                "fault": "file-large",
                "detail": "reading it took more memory or time than a return should",
            }
        assert "sheets" in books.read(GOOD)


def test_a_workbook_that_nobody_takes_does_not_hold_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More than fits into a pipe is written while the answer is awaited, and no thread outlives its workbook loudly."""
    monkeypatch.setattr(
        workbooks, "_CHILD", "import sys; sys.stdin.close(); print('{}', flush=True)"
    )
    with Workbooks() as books:
        assert books.read(bytes(2**21)) == {}


def test_a_name_beside_the_package_is_none_of_the_childs(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openpyxl.py").write_text("raise SystemExit")
    (tmp_path / "kpi_tools").symlink_to(
        os.path.dirname(os.path.dirname(workbooks.__file__)), target_is_directory=True
    )
    monkeypatch.setattr(workbooks, "_PACKAGE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Workbooks() as books:
        assert "sheets" in books.read(GOOD)


def test_the_child_starts_without_pandas_and_guards_its_xml() -> None:
    ask = (
        "; import openpyxl; sys.stderr.write(f'{\"pandas\" in sys.modules} {openpyxl.DEFUSEDXML}')"
    )
    told = subprocess.run(
        [sys.executable, "-P", "-c", workbooks._CHILD + ask, workbooks._PACKAGE],
        input="", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stderr == "False True"


@pytest.fixture
def as_child(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `main` answers in this process, whose limits it does not touch: the lines it writes, the limits it asked for."""
    asked: list[tuple[int, tuple[int, int]]] = []
    used = SimpleNamespace(ru_utime=3.5, ru_stime=2.75)
    monkeypatch.setattr(resource, "getrusage", lambda who: {resource.RUSAGE_SELF: used}[who])
    monkeypatch.setattr(resource, "setrlimit", lambda kind, limits: asked.append((kind, limits)))
    monkeypatch.setitem(sys.modules, "numpy", sys.modules.get("numpy"))
    monkeypatch.setenv("OPENPYXL_LXML", "")
    # what the copies of openpyxl's functions in this process are, they stay
    sink = io.BytesIO()

    def run(sent: bytes) -> tuple[list[Any], list[tuple[int, tuple[int, int]]]]:
        with monkeypatch.context() as patched, warnings.catch_warnings():
            patched.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
            patched.setattr(sys, "stdout", SimpleNamespace(buffer=sink))
            workbook_child.main()
            # what a library prints must not come among the answers
            assert sys.stdout is sys.stderr
            warnings.warn("what openpyxl says of a workbook is not for the analyst", stacklevel=1)
            assert sys.modules["numpy"] is None and os.environ["OPENPYXL_LXML"] == "False"
        return [json.loads(line) for line in sink.getvalue().splitlines()], asked

    return run


def sent(*books: bytes) -> bytes:
    return b"".join(len(raw).to_bytes(8, "big") + raw for raw in books)


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_each_workbook_has_its_answer_and_its_limits(
    as_child: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hard = {resource.RLIMIT_AS: resource.RLIM_INFINITY, resource.RLIMIT_CPU: 20}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1, hard[kind]))
    macros = packed(parts_of() | {"xl/vbaProject.bin": b"x"})
    answers, asked = as_child(sent(GOOD, macros) + b"\0\0\0")
    assert answers[0]["sheets"][0]["name"] == "Return"
    assert answers[1:] == [{"fault": "file-macros", "detail": ""}]
    # half a gigabyte; fifteen seconds more than the six used, but no more than there are
    assert asked[:2] == [(resource.RLIMIT_AS, (524_288_000, -1)), (resource.RLIMIT_CPU, (20, 20))]
    assert len(asked) == 4
    asked.clear()
    hard |= {resource.RLIMIT_AS: 524_287_999, resource.RLIMIT_CPU: resource.RLIM_INFINITY}
    as_child(sent(macros))
    assert asked == [(resource.RLIMIT_AS, (524_287_999,) * 2), (resource.RLIMIT_CPU, (21, -1))]


@pytest.mark.skipif(os.name == "nt", reason="there are no such limits")
def test_a_limit_that_cannot_be_set_is_left_as_it_is(
    as_child: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def refuse(kind: int, limits: object) -> None:
        tried.append(kind)
        raise ValueError("the platform does not let one")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    answers, _ = as_child(sent(GOOD))
    assert "sheets" in answers[0] and tried == [resource.RLIMIT_AS, resource.RLIMIT_CPU]


@pytest.mark.parametrize(
    ("error", "fault", "detail"),
    [
        (zipfile.BadZipFile("Bad CRC-32"), "file-truncated", "a part of it cannot be unpacked"),
        (MemoryError(), "file-large", "it needs more memory than a return should"),
        (KeyError("x"), "file-truncated", "it cannot be read as a workbook (KeyError)"),
    ],
)
def test_whatever_the_reader_raises_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, error: Exception, fault: str, detail: str
) -> None:
    def fail(_: bytes) -> None:
        raise error

    monkeypatch.setattr(workbook_child, "read_workbook", fail)
    assert workbook_child._answer(GOOD) == {"fault": fault, "detail": detail}


# the container


def test_the_limits_are_those_that_protect() -> None:
    """50 MB unpacked, 100 times the size packed, 2,000 parts, 4 MB of styles; 200,000 rows, 200 columns, a million cells."""
    container, sheets = workbook_container, workbook_sheets
    limits = (
        container.MAX_UNPACKED,
        container.MAX_RATIO,
        container.MAX_PARTS,
        container.MAX_OUTLINE,
    )
    assert limits == (52_428_800, 100, 2_000, 4_194_304)
    assert (sheets.MAX_ROWS, sheets.MAX_COLUMNS, sheets.MAX_CELLS) == (200_000, 200, 1_000_000)
    assert workbooks.SECONDS == 30


def test_a_good_container_is_given_back() -> None:
    assert set(check_container(GOOD).namelist()) == set(parts_of())


@pytest.mark.parametrize(
    ("parts", "code", "detail"),
    [
        ({"xl/vbaProject.bin": b"x"}, "file-macros", ""),
        ({"xl/VBAPROJECT.BIN": b"x"}, "file-macros", ""),
        ({"xl/Macrosheets/intl.xml": b"<x/>"}, "file-macros", ""),
        ({"xl/workbook.bin": b"x"}, "file-kind", "a binary workbook (.xlsb)"),
        ({"mimetype": b"x", "content.xml": b"<x/>"}, "file-kind", "an OpenDocument file"),
        ({"xl/externalLinks/externalLink1.xml": b"<x/>", "xl/externalLinks/externalLink2.xml": b"<x/>",
          "xl/externalLinks/_rels/externalLink1.xml.rels": b"<x/>"}, "file-links", "2 linked"),
        ({"xl/ExternalLinks/externalLink1.xml": b"<x/>"}, "file-links", "1 linked"),
        ({"xl/Connections.xml": b"<x/>"}, "file-links", "a query of a database, file or web page"),
        ({"xl/connections.xml": b"<x/>"}, "file-links", "a query of a database, file or web page"),
        ({"xl/externalLinks/e.xml": b"<x/>", "xl/connections.xml": b"<x/>"}, "file-links", "1 linked"),
        ({"xl/theme/t.xml": b"<!DOCTYPE x><x/>"}, "file-hostile", "t.xml declares a document type"),
        ({"xl/_rels/r.rels": b"<!DOCTYPE x><x/>"}, "file-hostile", "r.rels declares a document type"),
        ({"xl/theme/t.xml": "<x/>".encode("utf-16")}, "file-hostile", "t.xml is in UTF-16"),
        ({"xl/theme/t.xml": b"\xfe\xff" + "<x/>".encode("utf-16-be")}, "file-hostile", "t.xml is in UTF-16"),
        ({TYPES: b'<Types ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/>'}, "file-macros", ""),
        ({"xl/theme/t.xml": b"<x>"}, "file-truncated", "t.xml is not whole"),
    ],
)  # fmt: skip
def test_what_a_container_may_not_hold(parts: dict[str, bytes], code: str, detail: str) -> None:
    assert refusal(packed(parts_of() | parts)) == (code, detail)


@pytest.mark.parametrize(
    "parts",
    [
        {"mimetype": b"x"},
        {"content.xml": b"<x/>"},
        {"xl/externalLinks/e.bin": b"x"},
        {"xl/theme/t.xml": b"<x>macroEnabled</x>"},
        {"xl/media/a.png": b"<!DOCTYPE x>"},
    ],
)
def test_what_only_looks_like_it_may_stay(parts: dict[str, bytes]) -> None:
    assert set(parts) <= set(check_container(packed(parts_of() | parts)).namelist())


def test_what_is_no_container() -> None:
    assert refusal(GOOD[:100]) == ("file-truncated", "it is not a whole workbook")
    assert refusal(packed({"a.xml": b"<x/>"})) == (
        "file-kind",
        "a zip archive without a workbook in it",
    )
    locked = bytearray(GOOD)
    locked[GOOD.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(locked)) == ("file-password", "")


def test_two_parts_of_one_name_are_not_chosen_between() -> None:
    content = io.BytesIO(GOOD)
    with zipfile.ZipFile(content, "a") as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        target.writestr(BOOK, b"<x/>")
    count = len(parts_of()) + 1
    assert refusal(content.getvalue()) == (
        "file-hostile",
        f"it has {count} parts, or two of one name",
    )


def test_as_many_parts_and_bytes_as_allowed_and_not_one_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = parts_of()
    monkeypatch.setattr(workbook_container, "MAX_PARTS", len(parts))
    check_container(packed(parts))
    assert refusal(packed(parts | {"more": b""}))[0] == "file-hostile"
    monkeypatch.undo()
    monkeypatch.setattr(workbook_container, "MAX_UNPACKED", 2 * 2**20)
    room = 2 * 2**20 - sum(map(len, parts.values()))
    check_container(packed(parts | {"more": bytes(room)}, zipfile.ZIP_STORED))
    assert refusal(packed(parts | {"more": bytes(room + 1)})) == (
        "file-large",
        "it unpacks to 2 MB, more than 2",
    )


def test_expansion_is_refused_from_a_megabyte_on() -> None:
    parts = parts_of()
    room = 2**20 - sum(map(len, parts.values()))
    parts["zeros"] = bytes(room)
    small = packed(parts)
    assert (
        100 * sum(part.compress_size for part in zipfile.ZipFile(io.BytesIO(small)).infolist())
        < 2**20
    )
    check_container(small)
    parts["zeros"] += b"\0"
    large = packed(parts)
    times = (2**20 + 1) // sum(
        part.compress_size for part in zipfile.ZipFile(io.BytesIO(large)).infolist()
    )
    assert refusal(large) == ("file-hostile", f"it unpacks to {times} times its size")


def test_exactly_the_ratio_allowed_is_no_expansion(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = packed(parts_of() | {"more": bytes(2**20)}, zipfile.ZIP_STORED)
    monkeypatch.setattr(workbook_container, "MAX_RATIO", 1)
    check_container(raw)


@pytest.mark.parametrize(
    "name", ["xl/styles.xml", "docProps/app.xml", "xl/_rels/workbook.xml.rels"]
)
def test_a_part_without_cells_is_small(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    parts = parts_of()
    monkeypatch.setattr(workbook_container, "MAX_OUTLINE", 3 * 2**20)
    parts[name] = parts[name] + b" " * (3 * 2**20 - len(parts[name]))
    check_container(packed(parts, zipfile.ZIP_STORED))
    parts[name] += b" "
    assert refusal(packed(parts, zipfile.ZIP_STORED)) == (
        "file-hostile",
        f"{name.rsplit('/')[-1]} has 3 MB",
    )
    check_container(
        packed(parts_of() | {SHEET: parts_of()[SHEET] + b" " * 4 * 2**20}, zipfile.ZIP_STORED)
    )


# sheets


def test_a_sheet_in_every_part() -> None:
    raw = sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>kpi_id</t></is></c><c r="C1"><v>5</v></c><c r="D1" s="0"/></row>'
        '<row r="3" hidden="1"><c r="B3" t="b"><v>1</v></c><c r="C3" t="e"><v>#N/A</v></c></row>'
        '<row r="4" ht="0"><c r="A4"><f>1+1</f></c></row><row r="5" ht="15"><c r="B5"><f>1+1</f><v></v></c></row>'
        '<row r="6"><c r="A6" t="str"><f>""</f><v></v></c><c r="B6"><f>1+1</f><v>2</v></c></row>'
        '<row r="9" hidden="true"><c r="C9" s="0"/></row>',
        before='<cols><col min="2" max="3" hidden="1"/><col min="5" max="5" width="0"/><col min="7" max="7" width="9"/></cols>',
        after='<mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="C4:D4"/></mergeCells>',
    )
    found = only_sheet(raw)
    assert found == {
        "name": "Return", "hidden": False,
        "rows": [(1, ["kpi_id", "", "5"]), (3, ["", "TRUE", "#N/A"]), (4, []), (5, []), (6, ["", "2"])],
        "kinds": [[3, 1, "truth"], [3, 2, "error"], [4, 0, "formula"], [5, 1, "formula"]],
        "struck": [], "unseen": [], "hidden_rows": [3, 4], "hidden_columns": [[1, 2], [4, 4]],
        "merged": ["A1:B2", "C4:D4"],
    }  # fmt: skip


def test_names_with_a_prefix_are_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    xml = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<x:cols><x:col min="2" max="2" hidden="1"/></x:cols><x:sheetData><x:row r="1" hidden="1"><x:c r="A1"><x:v>5</x:v></x:c>'
        '<x:c r="B1"><x:f>1+1</x:f></x:c><x:c r="C1" s="0"/></x:row></x:sheetData>'
        '<x:mergeCells count="1"><x:mergeCell ref="A1:B1"/></x:mergeCells></x:worksheet>'
    )
    raw = packed(parts_of() | {SHEET: xml.encode()})
    monkeypatch.setattr(workbook_sheets, "MAX_CELLS", 2)
    found = only_sheet(raw)
    assert (found["rows"], found["kinds"]) == ([(1, ["5"])], [[1, 1, "formula"]])
    assert (found["hidden_rows"], found["hidden_columns"], found["merged"]) == (
        [1],
        [[1, 1]],
        ["A1:B1"],
    )
    monkeypatch.setattr(workbook_sheets, "MAX_CELLS", 1)
    assert refusal(raw, read_workbook) == ("file-large", "more than 1 cells")


def test_a_formula_without_a_result_must_say_where_it_is() -> None:
    told = ("file-truncated", "a formula without a result does not say in which cell it is")
    assert refusal(sheet_of("<row><c><f>1+1</f></c><c><v>7</v></c></row>"), read_workbook) == told
    assert only_sheet(sheet_of("<row><c><f>1+1</f><v>2</v></c><c><v>7</v></c></row>"))["rows"] == [
        (1, ["2", "7"])
    ]


def test_rows_without_a_number_are_counted_on() -> None:
    cell = '<c t="inlineStr"><is><t>x</t></is></c>'
    found = only_sheet(
        sheet_of(
            f'<row>{cell}</row><row hidden="1">{cell}</row><row r="5">{cell}</row><row hidden="1">{cell}</row>'
        )
    )
    assert found["rows"] == [(1, ["x"]), (2, ["x"]), (5, ["x"]), (6, ["x"])]
    assert found["hidden_rows"] == [2, 6]


def test_a_sheet_without_content_has_no_rows() -> None:
    for cells in ("", '<row r="1"/>', '<row r="1" hidden="1"><c r="A1" s="0"/></row>'):
        found = only_sheet(sheet_of(cells))
        assert (found["rows"], found["kinds"], found["hidden_rows"]) == ([], [], [])


def test_a_cell_that_is_in_it_twice_is_refused() -> None:
    raw = sheet_of(
        '<row r="3"><c r="B3"><v>1</v></c><c r="C3"><v>2</v></c><c r="B3"><v>3</v></c></row>'
    )
    assert refusal(raw, read_workbook) == ("file-truncated", "the cell B3 is in it twice")


@pytest.mark.parametrize("second", [2, 3])
def test_rows_in_another_order_are_refused(second: int) -> None:
    raw = sheet_of(
        f'<row r="3"><c r="A3"><v>1</v></c></row><row r="{second}"><c r="A2"><v>1</v></c></row>'
    )
    assert refusal(raw, read_workbook) == ("file-truncated", f"row {second} comes after row 3")


def test_a_stray_cell_far_below_is_named_and_many_are_a_large_sheet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook_sheets, "MAX_ROWS", 3)

    def until(last: int) -> bytes:
        return sheet_of(
            "".join(
                f'<row r="{row}"><c r="B{row}"><v>1</v></c></row>' for row in range(3, last + 1)
            )
        )

    assert only_sheet(until(3))["rows"] == [(3, ["", "1"])]
    assert refusal(until(4), read_workbook) == ("file-stray", "B4")
    assert refusal(until(1_003), read_workbook) == ("file-stray", "B4")
    assert refusal(until(1_004), read_workbook) == ("file-large", "more than 3 rows")
    unplaced = sheet_of('<row r="4"><c><v>1</v></c></row>')
    assert refusal(unplaced, read_workbook) == ("file-large", "more than 3 rows")
    # a row beyond, and more rows after it that are numbered no further: still beyond
    beyond = sheet_of(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="7"><c r="C7"><v>1</v></c></row>'
    )
    assert refusal(beyond, read_workbook) == ("file-stray", "C7")


def test_a_stray_cell_far_right_is_named_and_a_blank_one_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook_sheets, "MAX_COLUMNS", 27)
    good = '<row r="2"><c r="A2"><v>1</v></c><c r="AA2"><v>2</v></c>{}</row>'
    assert only_sheet(sheet_of(good.format('<c r="AB2" s="0"/>')))["rows"] == [
        (2, ["1", *[""] * 25, "2"])
    ]
    assert only_sheet(sheet_of(good.format('<c r="AB2" s="0"><!-- --></c>')))["rows"] == [
        (2, ["1", *[""] * 25, "2"])
    ]
    assert refusal(sheet_of(good.format('<c r="AB2"><v>3</v></c>')), read_workbook) == (
        "file-stray",
        "AB2",
    )


def test_as_many_cells_as_allowed_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_sheets, "MAX_CELLS", 2)
    cells = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c>{}</row>'
    only_sheet(sheet_of(cells.format("")))
    assert refusal(sheet_of(cells.format('<c r="C1"><v>3</v></c>')), read_workbook) == (
        "file-large",
        "more than 2 cells",
    )


def test_the_end_of_the_content_is_found_from_the_end_over_megabytes_of_nothing() -> None:
    """Three megabytes of rows with a height, more than two pieces of the search, the last cell at the edge of one."""
    row = '<row r="{}" ht="15"/>'
    blank = "".join(row.format(number) for number in range(3, 140_000))
    assert len(blank) > 2 * 2**20
    found = only_sheet(
        sheet_of(
            f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="B2"><v>7</v></c></row>{blank}'
        )
    )
    assert found["rows"] == [(1, ["1"]), (2, ["", "7"])]


def test_struck_and_unseen_cells_are_told() -> None:
    parts = parts_of()
    parts["xl/styles.xml"] = (
        parts["xl/styles.xml"]
        .replace(b"</fonts>", b"<font><strike/></font></fonts>")
        .replace(b"</cellXfs>", b'<xf numFmtId="0" fontId="1" xfId="0"/></cellXfs>')
    )
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    listed = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
    parts[TYPES] = parts[TYPES].replace(b"</Types>", listed)
    texts = b"<si><t>plain</t></si><si><r><rPr><strike/></rPr><t>gone</t></r></si>" + (
        b'<si><r><rPr><strike val="0"/></rPr><t>here</t></r></si>'
    )
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    parts[SHARED] = b"<sst " + space + b">" + texts + b"</sst>"
    cells = b"".join(b'<c r="%c1" t="s"><v>%d</v></c>' % (65 + at, at) for at in range(3))
    cells += (
        b'<c r="D1"><v>1</v></c><c r="E1" s="1"><v>2</v></c><c r="F1" s="1" t="str"><v></v></c>'
    )
    parts[SHEET] = (
        b"<worksheet "
        + space
        + b'><sheetData><row r="1">'
        + cells
        + b"</row></sheetData></worksheet>"
    )
    found = only_sheet(packed(parts))
    assert found["rows"] == [(1, ["plain", "gone", "here", "1", "2"])]
    assert found["struck"] == [[1, 1], [1, 4]]
    unseen = only_sheet(
        book_of(rows(), lambda _, sheet: setattr(sheet["C2"], "number_format", ";;;"))
    )
    assert (unseen["struck"], unseen["unseen"]) == ([], [[2, 2]])


def test_cells_that_do_not_say_where_they_are_stay_in_their_columns() -> None:
    """A blank one among them moves nothing: what follows would be read as a figure of another column."""
    found = only_sheet(sheet_of("<row><c><v>1</v></c><c/><c s='0'></c><c><v>4</v></c></row>"))
    assert found["rows"] == [(1, ["1", "", "", "4"])]
    mixed = only_sheet(
        sheet_of('<row r="1"><c r="A1"><v>1</v></c><c r="B1" s="0"/><c><v>3</v></c></row>')
    )
    assert mixed["rows"] == [(1, ["1", "", "3"])]


def test_sheets_that_are_hidden_or_no_tables_are_told_apart() -> None:
    def change(book: Any, sheet: Any) -> None:
        book.create_chartsheet("Chart")
        for name, state, value in (("Full", "hidden", 1), ("Void", "veryHidden", None)):
            book.create_sheet(name).sheet_state = state
            book[name]["A1"] = value

    found = read_workbook(book_of([["a"]], change))["sheets"]
    assert (found[0]["name"], found[0]["rows"]) == ("Return", [(1, ["a"])])
    assert found[1:] == [
        {"name": "Full", "hidden": True, "filled": True}, {"name": "Void", "hidden": True, "filled": False}
    ]  # fmt: skip


def test_a_workbook_of_another_form_or_with_a_sheet_missing_is_refused() -> None:
    parts = parts_of()
    strict = parts[BOOK].replace(b"</workbook>", b"<!-- purl.oclc.org/ooxml --></workbook>")
    raw = packed(parts | {BOOK: strict})
    assert refusal(raw, read_workbook) == ("file-kind", 'a workbook saved as "Strict Open XML"')
    del parts[SHEET]
    assert refusal(packed(parts), read_workbook) == (
        "file-truncated",
        "a sheet that it lists is not in it",
    )


def test_a_wide_and_long_sheet_of_nothing_is_cheap() -> None:
    book = Workbook()
    sheet = book.active
    for column, name in enumerate(["kpi_id", "period", "value"], start=1):
        sheet.cell(1, column, name)
    sheet["XFD1048576"].number_format = "0.0"
    content = io.BytesIO()
    book.save(content)
    start = time.process_time()
    found = read_workbook(content.getvalue())
    assert found["sheets"][0]["rows"] == [(1, ["kpi_id", "period", "value"])]
    assert time.process_time() - start < 5


# texts


def test_numbers_are_those_that_a_spreadsheet_shows() -> None:
    shown = {
        0.1 + 0.2: "0.3", 87.3: "87.3", 1e-7: "0.0000001", 97.0: "97", -97.0: "-97", 5: "5", 1e21: "1000000000000000000000",
        33.0 / 7: "4.71428571428571", 123456789012345678: "123456789012346000", float("inf"): "inf", -float("inf"): "-inf",
        1e15 + 0.5: "1000000000000000", 999999999999999.0: "999999999999999",
    }  # fmt: skip
    assert {value: digits(value) for value in shown} == shown
    assert digits(float("nan")) == "nan"


@pytest.mark.parametrize(
    ("value", "data_type", "percent", "month", "expected"),
    [
        ("words", "s", False, False, ("words", "")),
        ("#N/A", "e", False, False, ("#N/A", "error")),
        ("#N_x000A_A", "e", False, False, ("#N_x000A_A", "error")),
        ("one_x000D_two_x0041__x41_", "s", False, False, ("one\rtwoA_x41_", "")),
        (True, "b", True, True, ("TRUE", "truth")),
        (False, "b", False, False, ("FALSE", "truth")),
        (5, "n", False, True, ("5", "")),
        (0.875, "n", True, False, ("87.5%", "percent")),
        (1, "n", True, False, ("100%", "percent")),
        (0, "n", True, False, ("0%", "percent")),
        (-0.005, "n", True, False, ("-0.5%", "percent")),
        (float("inf"), "n", True, False, ("inf%", "percent")),
        (datetime(2024, 12, 31), "d", False, False, ("2024-12-31", "date")),
        (datetime(2024, 12, 1), "d", False, False, ("2024-12-01", "date")),
        (datetime(2024, 12, 1), "d", False, True, ("2024-12-01", "month")),
        (datetime(2024, 12, 2), "d", False, True, ("2024-12-02", "date")),
        (datetime(2024, 12, 1, 8, 30, 15, 500), "d", False, True, ("2024-12-01 08:30:15", "date")),
        (date(2024, 12, 1), "d", False, True, ("2024-12-01", "date")),
        (clock(8, 30), "d", False, False, ("08:30:00", "time")),
        (timedelta(hours=30), "d", False, False, ("1 day, 6:00:00", "time")),
        (Fraction(1, 2), "n", False, False, ("1/2", "")),
    ],
)  # fmt: skip
def test_a_cell_is_what_a_person_would_type(
    value: Any, data_type: str, percent: bool, month: bool, expected: tuple[str, str]
) -> None:
    assert as_text(value, data_type, percent, month) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("", "---"), ("General", "---"), ("0.0%", "p--"), ('0"%"', "---"), (r"0\%", "---"), ("0_%", "---"),
        ("MMM-YY", "-m-"), ("dd/mm/yyyy", "---"), ("D mmm", "---"), ("[mm]:ss", "---"), ("0;;;", "---"), ("@", "---"),
        (";;;", "--nw"), (";;", "--nw"), (';;;""', "--nw"), (";", "---w"), ('"n/a"', "---w"), (r"\n\/\a;0", "---w"),
        ('_-* #,##0_-;-* #,##0_-;_-* "-"_-', "---"), ('0.0,,"m"', "---"), ('[<5]"c";0', "---"), ('0;"below"', "---"),
    ],
)  # fmt: skip
def test_what_a_format_makes_of_a_number(form: str, expected: str) -> None:
    """p: a percentage, m: a month, n: nothing shows, w: other words than the number."""
    percent, month, nothing, words = read_format(form)
    assert (percent, month, nothing, words) == tuple(letter in expected for letter in "pmnw")


PARTS = "<is><r><t>1</t></r><r><rPr><{}/></rPr><t>2 st</t></r></is>"


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("font", "text", "struck"),
    [
        ('vertAlign val="superscript"', "1² st", []), ('vertAlign val="subscript"', "1₂ st", []),
        ('vertAlign val="baseline"', "12 st", []), ("strike", "12\u0336 st", [[1, 0]]), ('strike val="0"', "12 st", []),
    ],
)  # fmt: skip
def test_digits_that_are_raised_or_struck_out_are_no_part_of_a_number(
    font: str, text: str, struck: list[Any], shared: bool
) -> None:
    runs = PARTS.format(font)
    parts = parts_of(sheet_of(f'<row r="1"><c r="A1" t="inlineStr">{runs}</c></row>'))
    if shared:
        kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        listed = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
        parts[TYPES] = parts[TYPES].replace(b"</Types>", listed)
        space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        parts[SHARED] = f"<sst {space}>{runs.replace('is>', 'si>')}</sst>".encode()
        parts[SHEET] = (
            f'<worksheet {space}><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>'.encode()
        )
    found = only_sheet(packed(parts))
    assert (found["rows"], found["struck"]) == ([(1, [text])], struck)


def test_a_point_that_is_struck_out_is_no_point_and_words_stay_words() -> None:
    assert rich_text([("1", "", False), (". ", "", True), ("5", "", False)]) == "1.\u0336 5"
    assert (
        rich_text([("From 7.", "", True), ("", "", False), (" On", "", False)])
        == "From 7\u0336. On"
    )


def test_what_is_struck_out_as_a_whole_is_told_and_read() -> None:
    run = "<is><r><rPr><strike/></rPr><t>12</t></r></is>"
    found = only_sheet(sheet_of(f'<row r="1"><c r="A1" t="inlineStr">{run}</c></row>'))
    assert (found["rows"], found["struck"]) == ([(1, ["12"])], [[1, 0]])


@pytest.mark.parametrize(
    "text", ["1²", "1₂", "12\u0336", "1\u03362", "1_0", "١٢", "NaN", "-nan", "0x10"]
)
def test_such_a_text_is_refused_as_a_number_period_and_id(text: str) -> None:
    assert (
        read_number(text).fault
        and read_period(f"2024-25 Q{text}").fault
        and Ids(["12", "10"]).find(text).fault
    )


@pytest.mark.parametrize("text", ["1_0", "١٢", "NaN", "-nan", "0x10", "1,5"])
def test_a_number_of_a_workbook_is_one_in_plain_digits_or_its_text(text: str) -> None:
    assert only_sheet(sheet_of(f'<row r="1"><c r="A1"><v>{text}</v></c></row>'))["rows"] == [
        (1, [text])
    ]


@pytest.mark.parametrize(
    ("text", "number"), [("12", 12), (" 12 ", 12), ("-7", -7), ("1.5E1", 15), ("0.25", 0.25)]
)
def test_numbers_in_plain_digits_are_read(text: str, number: float) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize(
    "formula",
    ["<f>1<!-- x --></f>", "<f><![CDATA[1<2]]></f>", '<f>1</f><extLst><ext uri="x"/></extLst>', "<f/><!-- x -->",
     "<f>1</f><v><!-- x --></v>", "<f>1</f><v/>"],
)  # fmt: skip
def test_a_formula_without_a_result_is_told_however_it_is_written(formula: str) -> None:
    found = only_sheet(sheet_of(f'<row r="2"><c r="B2">{formula}</c></row>'))
    assert (found["rows"], found["kinds"]) == ([(2, [])], [[2, 1, "formula"]])


def test_a_number_that_shows_as_words_is_told_as_unseen() -> None:
    def change(_: Any, sheet: Any) -> None:
        for place, value, form in (
            ("C2", 7, '"n/a"'),
            ("C3", 0, '"n/a";0'),
            ("C4", "words", '"n/a"'),
        ):
            sheet[place].value, sheet[place].number_format = value, form

    assert only_sheet(book_of(rows(), change))["unseen"] == [[2, 2]]
