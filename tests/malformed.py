"""A corpus of returns as services send them: every case a file, and what must become of each of its cells.

malformed.csv has a row of a return in each line, tried as CSV and as a workbook; malformed_files.csv
what in a good file is `old` and what stands there instead (`*`: all of it, `$`: its end); here are
the other files that are spoilt as a whole. `CASES` holds them with what is expected. Expectations are written by
hand from the rules of METHOD.md and the remedies that an analyst would give, never taken from the
program.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from tests.small_council import HEAD, QUARTER, text_of

Key = tuple[str, str]
CSV, XLSX = "return.csv", "return.xlsx"
GOOD: dict[Key, float | str] = {("C1", QUARTER): 412.0, ("P2", "2024-25 Q2"): 34.0}
_ALL: dict[Key, float | str] = {**GOOD, ("P1", QUARTER): 87.5}
_AT = {2: ("C1", QUARTER), 3: ("P1", QUARTER), 4: ("P2", "2024-25 Q2")}
"""Where the rows of a whole file stand."""


@dataclass(frozen=True)
class Case:
    """One file, and what must come of it: figures taken, errors by (row, column), the file's own fault, rows logged."""

    name: str
    file: str
    make: Callable[[], bytes]
    taken: dict[Key, float | str] = field(default_factory=dict)
    refused: dict[tuple[int, str], str] = field(default_factory=dict)
    fault: str = ""
    logged: frozenset[tuple[int, str]] = frozenset()
    warned: frozenset[tuple[int, str, str]] = frozenset()

    @property
    def content(self) -> bytes:
        """The file, made each time it is asked for: some are large."""
        return self.make()


CASES: list[Case] = []


def rows(*changed: list[Any]) -> list[list[Any]]:
    """The headings, a good row, the rows given, a good row."""
    return [
        HEAD,
        ["C1", QUARTER, 412, "", "", "final", ""],
        *changed,
        ["P2", "2024-25 Q2", 34, 813, 2421, "final", ""],
    ]


def book_of(table: list[list[Any]], change: Callable[[Any, Any], None] | None = None) -> bytes:
    """The table as a workbook; `change(book, sheet)` spoils it before it is saved."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Return"
    for line, row in enumerate(table, start=1):
        for column, value in enumerate(row, start=1):
            if value != "":
                sheet.cell(line, column).value = value
                if isinstance(value, str):
                    sheet.cell(line, column).data_type = "s"
    if change:
        change(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def add(
    name: str,
    content: Any,
    expected: str = "",
    file: str = CSV,
    taken: dict[Key, Any] | None = None,
) -> None:
    """One more case. `expected`, with commas between: `fault CODE`, `refused ROW COLUMN CODE`, `warned …`, `logged ROW COLUMN`.

    A text is written as UTF-8; what makes a workbook is called when it is needed. All rows that are not refused are taken.
    """
    found: dict[str, list[list[str]]] = {"fault": [], "refused": [], "warned": [], "logged": []}
    for one in filter(None, expected.split(", ")):
        kind, *particulars = one.split(" ")
        found[kind].append(["" if part == "-" else part for part in particulars])
    refused = {(int(row), column): code for row, column, code in found["refused"]}
    lost = {_AT.get(row) for row, _ in refused}
    whole = {} if found["fault"] else {key: value for key, value in _ALL.items() if key not in lost}
    raw = content.encode() if isinstance(content, str) else content
    file, make = (XLSX, content) if callable(content) else (file, lambda: raw)
    fault = "".join(code for (code,) in found["fault"])
    logged = frozenset((int(row), column) for row, column in found["logged"])
    warned = frozenset((int(row), column, code) for row, column, code in found["warned"])
    taken = whole if taken is None else taken
    CASES.append(Case(name, file, make, taken, refused, fault, logged, warned))


def both(case: dict[str, str]) -> None:
    """A row of malformed.csv as CSV and as a workbook: taken, under another id or period perhaps, or refused by a code."""
    sent = [case[name] for name in HEAD]
    as_id, _, as_period = (case["as"] or f"{case['kpi_id']} @ {case['period']}").partition(" @ ")
    figure = case["taken"]
    value = float(figure) if re.fullmatch(r"-?[\d.]+", figure) else figure
    taken = {**GOOD, **({(as_id, as_period): value} if figure else {})}
    expected = [f"refused 3 {case['column']} {case['code']}"] if case["code"] else []
    expected += [f"{kind} 3 {case[kind]}" for kind in ("logged", "warned") if case[kind]]
    said = ", ".join(expected)
    add(f"{case['name']} (csv)", text_of(rows(sent)), said, taken=taken)
    add(f"{case['name']} (xlsx)", lambda: book_of(rows(sent)), said, taken=taken)


def row(
    value: Any = "87.5",
    kpi: str = "P1",
    period: Any = QUARTER,
    above: Any = "",
    below: Any = "",
    status: str = "final",
    note: str = "",
) -> list[Any]:
    """A row of a return."""
    return [kpi, period, value, above, below, status, note]


def _table(name: str) -> list[dict[str, str]]:
    """A table of cases, whose cells are written as in a Python string (`\\r\\n`, `\\u202e`)."""
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        return [
            {
                column: codecs.decode(text.encode("latin-1"), "unicode_escape")
                for column, text in case.items()
            }
            for case in csv.DictReader(file)
        ]


for _case in _table("malformed.csv"):
    both(_case)
for _digits in ("1" + "0" * 400, "9" * 400):
    add(
        f"{len(_digits)} digits",
        text_of(rows(row(_digits, "C1", "2024-25 Q1"))),
        "refused 3 value value-infinite",
        taken=dict(GOOD),
    )

# fmt: off
# rows and files of text
_FINE = text_of(rows(row()))
for _case in _table("malformed_files.csv"):
    _old, _new = _case["old"], _case["new"]
    _text = {"*": _new, "$": _FINE + _new}.get(_old, _FINE.replace(_old, _new, 1))
    _sent = _text.encode(_case["encoding"] or "utf-8")
    add(_case["name"], _sent, _case["expected"], file=_case["file"])
add("conflicting rows", text_of(rows(row("87"), row("78"))),
    "refused 3 kpi_id duplicate-conflict, refused 4 kpi_id duplicate-conflict", taken=dict(GOOD))
add("conflict written in two ways", text_of(rows(row("87"), row("78", "p1", "Q3 24/25"))),
    "refused 3 kpi_id duplicate-conflict, refused 4 kpi_id duplicate-conflict", taken=dict(GOOD))
add("utf-16 with tabs", text_of(rows(row()), "\t").encode("utf-16"), "logged 0 -")
add("utf-16 without mark", text_of(rows(row()), "\t").encode("utf-16-le"), "fault file-encoding")
add("utf-16 big-endian", "\ufeff".encode("utf-16-be") + _FINE.encode("utf-16-be"))
add("semicolons", text_of(rows(row()), ";"), "logged 0 -")
add("semicolons and a comma", text_of(rows(row("1,412", "F1")), ";"), "refused 3 value value-comma")
add("old line ends", text_of(rows(row()), end="\r"))
add("quoted thousands", _FINE.replace("87.5", '"1,412"').replace("P1", "F1"),
    "logged 3 value", taken={**GOOD, ("F1", QUARTER): 1412.0})
add("note of two lines", text_of(rows(row(note="one\ntwo"), row("81", "CS01"), row("72p", "S1"))),
    "refused 6 value value-flag", taken={**_ALL, ("CS01", QUARTER): 81.0})
add("unexpected column", _FINE.replace("note", "phone").replace("final,", "final,01234"), "warned 1 phone table-unexpected")
add("only headings", text_of([HEAD]), "warned 1 - table-no-rows", taken={})
add("tab-separated text file", text_of(rows(row()), "\t"), "logged 0 -", file="return.txt")
add("directive for the separator", "sep=;\r\n" + text_of(rows(row()), ";"), "logged 0 -, logged 1 -")
add("bars", text_of(rows(row()), "|"), "logged 0 -")
add("utf-16 with semicolons", text_of(rows(row()), ";").encode("utf-16"), "logged 0 -")
add("utf-32", _FINE.encode("utf-32"), "fault file-encoding")
add("line feeds alone", _FINE.replace("\r\n", "\n"))
add("all in quotes", "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in rows(row())))
add("separators at the end of every row", _FINE.replace("\r\n", ",,,\r\n"))
add("a million blank rows", _FINE + ",,,,,,\r\n" * 1_000_000)
add("a million blank rows and a stray cell", _FINE + ",,,,,,\r\n" * 1_000_000 + ",,x,,,,", "refused 1000005 kpi_id id-missing, refused 1000005 period period-missing")
add("nearly twenty megabytes of line ends", _FINE + "\n" * 19_000_000)
add("ten thousand times the same", _FINE + "C1,2024-25 Q1,5,,,final,\r\n" * 10_000,
    ", ".join(f"warned {line} kpi_id duplicate-same" for line in range(5, 10_005)), taken={**_ALL, ("C1", "2024-25 Q1"): 5.0})

# files refused
_BOOK = book_of(rows(row()))
_PAGE = "<!DOCTYPE html><html><body>Sign in</body></html>"
for name, content, file, fault in (
    ("zeros", bytes(4096), CSV, "file-zeros"),
    ("zeros in a workbook", bytes(4096), XLSX, "file-zeros"),
    ("zeros at the end", _FINE.encode() + bytes(500), CSV, "file-encoding"),
    ("zeros inside", _FINE.encode().replace(b"final", b"fi\x00nal"), CSV, "file-encoding"),
    ("truncated workbook", _BOOK[: len(_BOOK) // 2], XLSX, "file-truncated"),
    ("image", b"\x89PNG\r\n\x1a\n" + bytes(50), CSV, "file-kind"),
    ("image in a workbook", b"\xff\xd8\xff\xe0" + bytes(50), XLSX, "file-kind"),
    ("workbook named .csv", _BOOK, CSV, "file-kind"),
    ("password", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), XLSX, "file-password"),
    ("old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "return.xls", "file-format"),
    ("workbook with macros by name", _BOOK, "return.xlsm", "file-format"),
    ("windows-1252 in the midst of utf-8", text_of(rows(row(note="caf\u00e9"))).encode() + b"C1,2024-25 Q1,5,,,final,caf\xe9",
     CSV, "file-encoding"),
    ("mark of utf-8, other text", b"\xef\xbb\xbf" + text_of(rows(row(note="\u00a35"))).encode("cp1252"),
     CSV, "file-encoding"),
    ("utf-16 cut within a letter", _FINE.encode("utf-16")[:-1], CSV, "file-encoding"),
    ("all rows in quotes", "\r\n".join(f'"{line}"' for line in _FINE.split("\r\n")).encode(),
     CSV, "table-header"),
    ("three hundred thousand rows", (_FINE + "C1,2024-25 Q1,5,,,final,\r\n" * 300_000).encode(),
     CSV, "file-large"),
    ("six million cells", (_FINE + ("12," * 150 + "\r\n") * 40_000).encode(), CSV, "file-large"),
    ("cell without an end", _FINE.replace("final,", "final," + "x" * 140_000, 1).encode(), CSV, "file-quotes"),
    ("two tables", (_FINE + "\r\n" + _FINE).encode(), CSV, "table-two"),
    ("no headings", _FINE.split("\r\n", 1)[1].encode(), CSV, "table-header"),
):
    add(name, content, f"fault {fault}", file=file)


# workbooks
def spoilt(name: str, change: Callable[[Any, Any], None], expected: str = "", **more: Any) -> None:
    """A workbook with a good row 3, changed."""
    add(name, lambda: book_of(rows(row(87.5)), change), expected, **more)


def _set(place: str, value: Any, form: str = "General") -> Callable[[Any, Any], None]:
    def change(_: Any, sheet: Any) -> None:
        sheet[place] = value
        sheet[place].number_format = form

    return change


spoilt("percent format", _set("C3", 0.875, "0.0%"), "logged 3 value")
for _share, _shown in ((0.29, 29.0), (0.0575, 5.75), (0.1 + 0.2, 30.0), (1, 100.0), (0.005, 0.5), (0, 0.0)):
    spoilt(f"percent format {_share!r}", _set("C3", _share, "0.0%;[Red]-0.0%"), "logged 3 value",
           taken={**GOOD, ("P1", QUARTER): _shown})
for _place, _name in (("F3", "status"), ("G3", "note"), ("A3", "kpi_id"), ("B3", "period"), ("D3", "numerator")):
    spoilt(f"uncalculated formula in {_name}", _set(_place, '="final"'), f"refused 3 {_name} formula-empty")
    spoilt(f"spreadsheet error in {_name}", _set(_place, "#N/A"), f"refused 3 {_name} value-error")
for _name, _value, _form in (("date", date(2024, 1, 1), "dd/mm/yyyy"), ("truth", True, "General"), ("share", 0.5, "0%")):
    spoilt(f"{_name} in status", _set("F3", _value, _form), "refused 3 status status-unknown")
spoilt("percent format over a number of per cent", _set("C3", 87.5, "0.0%"), "refused 3 value value-above-100")
spoilt("percent sign only in the format", _set("C3", 87.5, '0.0"%"'))
spoilt("percent format on a count", lambda b, s: (_set("A3", "1E5")(b, s), _set("C3", 0.5, "0%")(b, s)),
    "refused 3 value value-sign")
spoilt("year cell of a monthly KPI", lambda b, s: (_set("A3", "M1")(b, s), _set("B3", date(2024, 1, 1), "yyyy")(b, s)),
    "refused 3 period period-date")
spoilt("date without its format", _set("B3", 45657), "refused 3 period period-bad")
spoilt("format that shows nothing", _set("C3", 87.5, ";;;"), "warned 3 value cell-unseen")
spoilt("thousands by the format", lambda b, s: (_set("A3", "F1")(b, s), _set("C3", 1412000, "#,##0,")(b, s)),
    "warned 3 value cell-scaled", taken={**GOOD, ("F1", QUARTER): 1412000.0})
spoilt("chart on a sheet of its own", lambda b, s: b.create_chartsheet("Chart"))
spoilt("table far below", lambda b, s: s.insert_rows(1, 500))
spoilt("two tables one below the other", lambda b, s: [s.cell(9, at, name) for at, name in enumerate(HEAD, 1)],
    "fault table-two")
spoilt("merged title", lambda b, s: (s.insert_rows(1), _set("A1", "Return")(b, s), s.merge_cells("A1:G1")))
spoilt("merged ids", lambda b, s: s.merge_cells("A3:A4"), "refused 3 kpi_id row-merged, refused 4 kpi_id row-merged")
spoilt("total by formula", lambda b, s: (_set("A6", "Total")(b, s), _set("C6", "=SUM(C2:C4)")(b, s)),
    "refused 6 kpi_id row-total")
spoilt("second table very hidden", lambda b, s: setattr(b.copy_worksheet(s), "sheet_state", "veryHidden"),
    "warned 0 - sheet-hidden")
spoilt("float noise", _set("C3", 87.49999999999999999))
spoilt("date cell for the quarter", _set("B3", date(2024, 12, 31), "dd/mm/yyyy"), "logged 3 period")
spoilt("date and time cell", _set("B3", datetime(2024, 12, 31), "dd/mm/yyyy"), "logged 3 period")
spoilt("date inside the quarter", _set("B3", date(2024, 12, 30), "dd/mm/yyyy"), "refused 3 period period-date")
spoilt("date in value", _set("C3", date(2024, 2, 10), "d-mmm"), "refused 3 value value-date")
spoilt("time in value", _set("C3", time(8, 30), "hh:mm"), "refused 3 value value-time")
spoilt("truth in value", _set("C3", True), "refused 3 value value-truth")
spoilt("error in value", _set("C3", "#N/A"), "refused 3 value value-error")
spoilt("error in id", _set("A3", "#REF!"), "refused 3 kpi_id value-error")
spoilt("uncalculated formula", _set("C3", "=80+7.5"), "refused 3 value formula-empty")
spoilt("id became a number", _set("A3", 7), "refused 3 kpi_id id-lookalike")
spoilt("id became a date", _set("A3", date(2024, 3, 1), "d-mmm"), "refused 3 kpi_id id-unknown")
spoilt("id became a power", _set("A3", 1e5, "0.00E+00"), "refused 3 kpi_id id-unknown")
spoilt("truth as id", lambda b, s: _set("A3", True)(b, s),
    "warned 3 value value-fractional", taken={**GOOD, ("TRUE", QUARTER): 87.5})
spoilt("month cell of a monthly KPI", lambda b, s: (_set("A3", "M1")(b, s), _set("B3", date(2024, 12, 1), "mmm-yy")(b, s)),
    "logged 3 period", taken={**GOOD, ("M1", "2024-12"): 87.5})
spoilt("hidden row", lambda b, s: setattr(s.row_dimensions[3], "hidden", True), "warned 3 - row-hidden")
spoilt("hidden column", lambda b, s: setattr(s.column_dimensions["C"], "hidden", True), "warned 0 value column-hidden")
spoilt("struck through", lambda b, s: setattr(s["C3"], "font", Font(strike=True)), "warned 3 value cell-struck")
spoilt("merged", lambda b, s: s.merge_cells("C3:C4"), "refused 3 value row-merged, refused 4 value row-merged")
spoilt("notes beside the table", _set("H3", "ask Jo"), "refused 3 - row-beside")
spoilt("blank rows", lambda b, s: s.insert_rows(3, 4))
spoilt("titles above", lambda b, s: (s.insert_rows(1, 2), _set("A1", "Return of Roads")(b, s)), "logged 1 -")
spoilt("second sheet of notes", lambda b, s: b.create_sheet("Notes").append(["Please read"]))
spoilt("hidden sheet", lambda b, s: (b.create_sheet("Lists").append(["a"]), setattr(b["Lists"], "sheet_state", "hidden")),
    "warned 0 - sheet-hidden")
spoilt("two candidate sheets", lambda b, s: b.copy_worksheet(s), "fault table-sheets")
spoilt("table on a hidden sheet", lambda b, s: (b.create_sheet("Front"), setattr(s, "sheet_state", "hidden")),
    "fault table-hidden, warned 0 - sheet-hidden")
spoilt("stray cell at the end of the sheet", _set("XFD1048576", "x"), "fault file-stray")
spoilt("stray cell a million rows down", _set("B1000000", " "), "fault file-stray")
spoilt("stray cell far right", _set("XFD2", 1), "fault file-stray")
spoilt("number as text", lambda b, s: (_set("C3", "87.5")(b, s), setattr(s["C3"], "data_type", "s")))
spoilt("carriage return in note", _set("G3", "one_x000D_two"), "logged 3 note")
spoilt("empty sheet", lambda b, s: s.delete_rows(1, 20), "fault file-empty")


def _repacked(change: Callable[[dict[str, bytes]], None], level: int = 6) -> Callable[[], bytes]:
    """What makes the workbook with its parts changed."""
    return lambda: _pack(change, level)


def _pack(change: Callable[[dict[str, bytes]], None], level: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_BOOK)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return out.getvalue()


_SHEET = "xl/worksheets/sheet1.xml"
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def _entity(parts: dict[str, bytes]) -> None:
    parts[_SHEET] = parts[_SHEET].replace(b"<worksheet", _LAUGHS + b"<worksheet", 1)


def _in_sheet(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[_SHEET]
        parts[_SHEET] = parts[_SHEET].replace(old, new, 1)

    return change


def _everywhere(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.update(
        {name: part.replace(old, new) for name, part in parts.items()}
    )


_END = b"</sheetData>"


def _formatted() -> bytes:
    """Half a million cells with a format and nothing in them."""
    return b"".join(
        b'<row r="%d">' % line
        + b"".join(b'<c r="%c%d" s="0"/>' % (place, line) for place in b"ABCD")
        + b"</row>"
        for line in range(6, 120_000)
    )


add("macros", _repacked(lambda parts: parts.update({"xl/vbaProject.bin": b"x"})), "fault file-macros")
add("a link that no cell uses", _repacked(lambda parts: parts.update({"xl/externalLinks/externalLink1.xml": b"<x/>"})))
add("entity expansion", _repacked(_entity), "fault file-hostile")
add("zip expansion", _repacked(lambda parts: parts.update({"xl/media/a.bin": bytes(60 * 2**20)}), 9), "fault file-large")
add("zip ratio", _repacked(lambda parts: parts.update({"xl/media/a.bin": bytes(20 * 2**20)}), 9), "fault file-hostile")
add("no sheet in it", _repacked(lambda parts: parts.pop(_SHEET)), "fault file-truncated")
add("broken part", _repacked(lambda parts: parts.update({_SHEET: parts[_SHEET][:300]})), "fault file-truncated")
add("not a workbook inside", _repacked(lambda parts: [parts.pop(name) for name in list(parts) if "workbook" in name]),
    "fault file-kind")
add("half a million formatted blank cells", _repacked(lambda parts: _in_sheet(_END, _formatted() + _END)(parts)))
add("half a million formatted blank cells and a stray one",
    _repacked(lambda parts: _in_sheet(_END, _formatted() + b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>' + _END)(parts)),
    "fault file-stray")
add("merged with a million rows, ten thousand times",
    _repacked(lambda parts: _in_sheet(_END, _END + b"<mergeCells>" +
        b"".join(b'<mergeCell ref="A3:A%d"/>' % line for line in range(1_000_000, 1_010_000)) + b"</mergeCells>")(parts)),
    "refused 3 kpi_id row-merged, refused 4 kpi_id row-merged")
add("rows out of order", _repacked(_in_sheet(b'<row r="3"', b'<row r="2"')), "fault file-truncated")
add("strict form of the format",
    _repacked(_everywhere(b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main")),
    "fault file-kind")
add("infinite number in a cell", _repacked(_in_sheet(b"<v>412</v>", b"<v>1e400</v>")), "refused 2 value value-infinite")
add("macro sheet", _repacked(lambda parts: parts.update({"xl/macrosheets/sheet1.xml": b"<x/>"})), "fault file-macros")
add("query of a database", _repacked(lambda parts: parts.update({"xl/queryTables/queryTable1.xml": b"<x/>"})),
    "fault file-links")
add("a connection that no sheet uses", _repacked(lambda parts: parts.update({"xl/connections.xml": b"<x/>"})))
add("document type in a small part",
    _repacked(lambda parts: parts.update({"docProps/app.xml": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'})),
    "fault file-hostile")
for _text in ("abc", "1_0", "NaN", "\u0661\u0662"):
    add(f"{_text} where a number stands", _repacked(_in_sheet(b"<v>412</v>", f"<v>{_text}</v>".encode())), "fault file-hostile")
add("styles without end",
    _repacked(lambda parts: parts.update({"xl/styles.xml": parts["xl/styles.xml"].replace(b"</cellXfs>",
        b"".join(b'<xf numFmtId="%d"/>' % (line * 7919 % 10**7) for line in range(200_000)) + b"</cellXfs>")})),
    "fault file-hostile")
add("a million styled blank rows",
    _repacked(lambda parts: parts.update({_SHEET: parts[_SHEET].replace(b"</sheetData>",
        b"".join(b'<row r="%d"/>' % line for line in range(6, 1_048_577)) + b"</sheetData>")})))
add("a cell that takes its figure from another file", _repacked(_in_sheet(b"<v>412</v>", b"<f>[1]Sheet1!A1</f><v>412</v>")),
    "fault file-links")
add("an empty fill",
    _repacked(lambda parts: parts.update({"xl/styles.xml": re.sub(rb"<fill><patternFill ?/></fill>",
        b"<fill/>", parts["xl/styles.xml"], count=1)})),
    "warned 0 - styles-unknown")
add("styles that nobody can read",
    _repacked(lambda parts: parts.update({"xl/styles.xml": parts["xl/styles.xml"].replace(b'numFmtId="0"', b'numFmtId="x"')})),
    "warned 0 - styles-unknown")
add("properties that nobody can read",
    _repacked(lambda parts: parts.update({"docProps/core.xml": b"<x><created>yesterday</created></x>"})))
add("a rule of colours that nobody can read",
    _repacked(_in_sheet(_END, _END + b'<conditionalFormatting sqref="nowhere"><cfRule type="strange"/></conditionalFormatting>')))
spoilt("white on white", lambda b, s: setattr(s["C3"], "font", Font(color="FFFFFFFF")), "warned 3 value cell-unseen")
spoilt("black on black", lambda b, s: setattr(s["C3"], "fill", PatternFill("solid", start_color="FF000000")),
    "warned 3 value cell-unseen")
spoilt("white on blue",
    lambda b, s: (setattr(s["C3"], "font", Font(color="FFFFFFFF")), setattr(s["C3"], "fill",
        PatternFill("solid", start_color="FF1D4F8C"))))
spoilt("a comment", lambda b, s: setattr(s["C3"], "comment", Comment("do not use", "Jo")), "warned 3 value cell-comment")
spoilt("our own notes that come back", lambda b, s: setattr(s["C3"], "comment", Comment("Mend", "kpi check")))
for _name, _formula in (("itself", "C2*1"), ("a sum with itself", "SUM(C2:C4)"), ("another cell and back", "H9")):
    add(f"a formula of {_name}", _repacked(lambda parts, text=_formula: (
        _in_sheet(b"<v>412</v>", f"<f>{text}</f><v>0</v>".encode())(parts),
        _in_sheet(_END, b'<row r="9"><c r="H9"><f>C2</f><v>0</v></c></row>' + _END)(parts) if text == "H9" else None)),
        "refused 2 value formula-circular" + (", refused 9 kpi_id row-footnote" if _formula == "H9" else ""))


def _elsewhere(parts: dict[str, bytes]) -> None:
    parts["xl/tables/one.xml"] = parts.pop(_SHEET)
    for name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        parts[name] = parts[name].replace(b"worksheets/sheet1.xml", b"tables/one.xml")


add("a sheet in a folder of another name", _repacked(_elsewhere))
add("a formula that makes nought", _repacked(_in_sheet(b"<v>412</v>", b"<f>C4-34</f><v>0</v>")),
    taken={**_ALL, ("C1", QUARTER): 0.0})
add("a comma at the end of every row",
    "\r\n".join([_FINE.split("\r\n")[0], *(line + "," for line in _FINE.split("\r\n")[1:] if line)]),
    "logged 1 -")
add("thousands without quotes in every row",
    ",".join(HEAD) + "\r\nC1,2024-25 Q3,1,412,,,final,\r\nF1,2024-25 Q3,2,500,,,final,\r\n",
    "refused 2 - row-long, refused 3 - row-long", taken={})
add("a row of units", _FINE.replace("note\r\n", "note\r\nid,quarter,%,number,number,,\r\n", 1),
    "refused 2 kpi_id row-units", taken=_ALL)
# fmt: on
