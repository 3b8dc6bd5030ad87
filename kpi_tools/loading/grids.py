"""The bytes of a file → grids of texts, one a sheet, before any of them is understood. Of a CSV
file: what it really is, its encoding, its separator. Of a workbook: its sheets, read once."""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

from kpi_tools.errors import Refused
from kpi_tools.loading.cells import clean_name
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.received import received_heading
from kpi_tools.workbooks.child import Workbooks

MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 3_000_000
_SEPARATORS: Final = {",": "", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MAGIC: Final = {
    "a workbook": (b"PK\x03\x04",),
    "a web page or XML": (b"<",),
    "a PDF document": (b"%PDF",),
    "an image": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
    "JSON or another text that is no table": (b"{", b"[{", b"[\n"),
}
_OLE: Final = b"\xd0\xcf\x11\xe0"
_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


@dataclass
class Grid:
    """A sheet: the texts of its rows that have any, and each row's number as a person sees it.
    `last` is the number of its last row; of a CSV file, `records` counts rows where `lines` counts
    lines. `marks`: line, place, code and detail of what is remarkable about a cell."""

    sheet: str
    cells: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    records: list[int] | None = None
    last: int = 0
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: bool = False
    filled: bool = True
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    marks: list[tuple[int, int, str, str]] = field(default_factory=list)
    merged: list[tuple[str, int, int, int, int]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    comma_is_doubtful: bool = False


@dataclass
class Snapshot:
    """The bytes of one file as they were when read; everything is parsed from these. `grids`: those
    of a workbook, once it was."""

    path: Path
    file: str
    raw: bytes
    grids: list[Grid] | None = None

    @cached_property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


def heading(text: str) -> str:
    """A heading as columns are named: `KPI ID` → `kpi_id`."""
    return re.sub(r"\W+", "_", clean_name(text).casefold()).strip("_")


def what_it_is(raw: bytes) -> str:
    """What the first bytes say the file is; "" for text. Raises `Refused`: empty or locked."""
    if not raw:
        raise Refused("file-empty")
    if not raw.strip(b"\x00"):
        raise Refused("file-zeros")
    if raw.startswith(_OLE):
        raise Refused("file-password")
    begins = raw[:400].lstrip()
    return next((kind for kind, magic in _MAGIC.items() if begins.startswith(magic)), "")


def read_text(raw: bytes, known: Callable[[Sequence[Sequence[str]]], int]) -> Grid:
    """The grid in a CSV file; `known` counts the headings in rows. Raises `Refused`."""
    if kind := what_it_is(raw):
        raise Refused("file-kind", kind)
    text, remark = _decode(raw)
    text = text.lstrip("\ufeff").rstrip("\x1a")
    if not text.strip():
        raise Refused("file-empty")
    if kind := what_it_is(text[:400].encode()):
        raise Refused("file-kind", kind)
    separator = max(_SEPARATORS, key=lambda mark: known(_beginning(text, mark)))
    grid, name = _cut(text, separator), _SEPARATORS[separator]
    grid.comma_is_doubtful = separator == ";"
    note = f"the cells are separated by {name}" if name else ""
    grid.remarks = [*filter(None, (remark, note))]
    return grid


def _decode(raw: bytes) -> tuple[str, str]:
    """The text, and a remark where the encoding is not UTF-8. Raises `Refused`."""
    ways = {"utf-8-sig": "", "cp1252": "the text is in Windows-1252"}
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        ways = {"utf-16": "the text is in UTF-16"}
    for encoding, remark in ways.items():
        with suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            mixed = encoding == "cp1252" and _UTF8.search(raw)
            if "\x00" not in text and not mixed:
                return text, remark
    raise Refused("file-encoding")


def _beginning(text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=separator)
    try:
        return list(islice(reader, 60))
    except csv.Error:
        return []


def _cut(text: str, separator: str) -> Grid:
    """The rows with anything in them, each with the line on which it starts."""
    filled = text.rstrip("\r\n")  # some programs write a million blank lines
    reader = csv.reader(io.StringIO(filled, newline=""), delimiter=separator, strict=True)
    records, start, cells = list[int](), 1, 0
    grid = Grid("", records=records)
    try:
        for grid.last, row in enumerate(reader, start=1):
            if any(map(str.strip, row)):
                cells += len(row)
                width = max(place for place, cell in enumerate(row, start=1) if cell.strip())
                grid.cells.append(row)
                grid.lines.append(start)
                records.append(grid.last)
                for count, most, what in (
                    (width, MOST_COLUMNS, "columns"),
                    (len(grid.cells), MOST_ROWS, "rows"),
                    (cells, MOST_CELLS, "cells"),
                ):
                    if count > most:
                        raise Refused("file-large", f"more than {most:,} {what}")
            start = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            detail = f"the quotation marks that open in row {start} never close"
            raise Refused("file-truncated", detail) from None
        detail = f"see row {start}"
        if "field larger" in str(error):
            detail = f"the cell that begins in row {start} never ends"
        raise Refused("file-quotes", detail) from None
    grid.last += max(len(text[len(filled) :].splitlines()) - 1, 0)
    return grid


def received_rows(grid: Grid, quarter: Quarter) -> Grid:
    """The rows received with the returns of a quarter, the column of that blank. Raises `Refused`
    where the column is missing, or a row does not say it."""
    first, at = received_heading(grid.cells)
    if at < 0:
        raise Refused("table-columns", '"received"', grid.sheet, grid.lines[0])
    rows, lines = list[list[str]](), list[int]()
    for place, (line, cells) in enumerate(zip(grid.lines, grid.cells, strict=True)):
        text = cells[at] if at < len(cells) else ""
        try:
            of_it = place > first and any(map(str.strip, cells)) and Quarter.parse(text) == quarter
            if place <= first or of_it:
                rows.append([*cells[:at], "", *cells[at + 1 :]])
                lines.append(line)
        except QuarterError:
            raise Refused("table-received", text, grid.sheet, line) from None
    return replace(grid, cells=rows, lines=lines, last=lines[first] + len(lines) - 1 - first)


def workbook_grids(snapshot: Snapshot, books: Workbooks, ledger: Ledger) -> list[Grid]:
    """One grid per sheet, read once. Hidden sheets with content are reported, and empty here."""
    if snapshot.grids is not None:
        return snapshot.grids
    kind = what_it_is(snapshot.raw)
    if kind != "a workbook":
        raise Refused("file-kind", kind or "no workbook")
    answer = books.read(snapshot.raw)
    if answer["unknown"]:
        ledger.problem("styles-unknown", snapshot.file, detail=answer["unknown"])
    grids = snapshot.grids = list[Grid]()
    for sheet in answer["sheets"]:
        name = sheet["name"]
        if sheet["hidden"]:
            grids.append(Grid(name, hidden=True, filled=sheet["filled"]))
            if sheet["filled"]:
                ledger.problem("sheet-hidden", snapshot.file, sheet=name, detail=f'"{name}"')
            continue
        lines = [line for line, _ in sheet["rows"]]
        grid = Grid(name, [cells for _, cells in sheet["rows"]], lines, last=max(lines, default=0))
        grid.kinds = {(line, place): kind for line, place, kind in sheet["kinds"]}
        grid.hidden_rows, grid.merged = sheet["hidden_rows"], sheet["merged"]
        grid.hidden_columns = set(sheet["hidden_columns"])
        texts = (f'"{clean_name(text)[:200]}".' * bool(text) for *_, text in sheet["marks"])
        grid.marks = [(*of, text) for (*of, _), text in zip(sheet["marks"], texts, strict=True)]
        grids.append(grid)
    return grids
