"""The bytes of a CSV file → a grid of texts: what the file really is, its encoding, its separator."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from kpi_tools.workbooks.parts import letters

MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 3_000_000
_FAR: Final = 10_000
_SEPARATORS: Final = {",": "", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MAGIC: Final = {
    b"PK\x03\x04": "a workbook",
    b"PK\x05\x06": "an empty archive",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"II*\x00": "an image",
    b"MM\x00*": "an image",
    b"RIFF": "an image or sound",
    b"{\\rtf": "a word-processor document",
    b"\x1f\x8b": "a compressed archive",
    b"7z\xbc\xaf": "a compressed archive",
    b"Rar!": "a compressed archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database",
}
_OLE: Final = b"\xd0\xcf\x11\xe0"
_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)


class FileFault(Exception):
    """The file as a whole cannot be taken: a code of `rules` and its particulars."""

    def __init__(self, code: str, detail: str = "", sheet: str = "", row: int = 0) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.sheet, self.row = code, detail, sheet, row


@dataclass
class Grid:
    """A sheet: the texts of its rows that have any, and the number of each row as a person sees it.

    `last` is the number of its last row; of a CSV file, `records` counts rows where `lines` counts lines. `marks`: line,
    place, code and detail of what is remarkable about a cell.
    """

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


def what_it_is(raw: bytes) -> str:
    """What the first bytes say the file is; "" for text. Raises `FileFault` where it holds nothing or is locked."""
    if not raw:
        raise FileFault("file-empty")
    if not raw.strip(b"\x00"):
        raise FileFault("file-zeros")
    if raw.startswith(_OLE):
        raise FileFault("file-password")
    begins = raw[:400].lstrip()
    if begins.startswith(b"<"):
        return "a web page or XML"
    if begins.startswith((b"{", b"[{", b"[\n")) and not begins.startswith(b"{\\rtf"):
        return "JSON"
    return next((kind for magic, kind in _MAGIC.items() if raw.startswith(magic)), "")


def read_text(raw: bytes, known: Callable[[Sequence[Sequence[str]]], int]) -> Grid:
    """The grid in a CSV file; `known` counts the headings that a way of cutting the rows brings out. Raises `FileFault`."""
    if kind := what_it_is(raw):
        raise FileFault("file-kind", kind)
    text, remark = _decode(raw)
    text = text.lstrip("\ufeff").rstrip("\x1a")
    if not text.strip():
        raise FileFault("file-empty")
    if kind := what_it_is(text[:400].encode()):
        raise FileFault("file-kind", kind)
    separator = max(_SEPARATORS, key=lambda mark: known(_beginning(text, mark)))
    grid = _cut(text, separator)
    grid.comma_is_doubtful = separator == ";"
    grid.remarks = [remark] if remark else []
    if separator != ",":
        grid.remarks.append(f"the cells are separated by {_SEPARATORS[separator]}")
    return grid


def _decode(raw: bytes) -> tuple[str, str]:
    """The text, and a remark where the encoding is not UTF-8."""
    even, odd = raw[:2_000:2].count(0), raw[1:2_000:2].count(0)
    if raw.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        text, remark = _decoded(raw, "utf-32"), "the text is in UTF-32"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, remark = _decoded(raw, "utf-16"), "the text is in UTF-16"
    elif (
        len(raw) > 8
        and max(even, odd) > 0.15 * len(raw[:2_000])
        and min(even, odd) < 0.025 * len(raw[:2_000])
    ):
        text = _decoded(raw, "utf-16-le" if odd > even else "utf-16-be")
        remark = "the text is in UTF-16 without a mark"
    else:
        try:
            text, remark = raw.decode("utf-8-sig"), ""
        except UnicodeDecodeError as error:
            if raw.startswith(b"\xef\xbb\xbf") or _UTF8.search(raw):
                line = error.object[: error.start].count(b"\n") + 1  # of what follows the mark
                detail = f"most of it is UTF-8, but not line {line}"
                raise FileFault("file-encoding", detail) from None
            text, remark = _decoded(raw, "cp1252"), "the text is in Windows-1252"
            if re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text):
                raise FileFault("file-encoding", "it holds bytes that no text has") from None
    if text.rstrip().endswith("\x00"):
        raise FileFault("file-truncated", "it ends in zeros, so it was not wholly downloaded")
    if "\x00" in text:
        raise FileFault("file-encoding", "it holds zero bytes")
    return text, remark


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} fits neither UTF-8 nor {encoding}"
        raise FileFault("file-encoding", detail) from None


def _beginning(text: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in islice(
            csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=separator), 60
        ):
            rows.append(row)
    except csv.Error:
        pass
    return rows


def _cut(text: str, separator: str) -> Grid:
    """The rows with anything in them, each with the line on which it starts."""
    text, blank = _without_blank_end(text, separator)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    grid = Grid("", records=[])
    assert grid.records is not None
    start, cells = 1, 0
    try:
        for record, row in enumerate(reader, start=1):
            cells += len(row)
            if any(map(str.strip, row)):
                place = max(place for place, cell in enumerate(row) if cell.strip())
                if grid.records and record - grid.records[-1] > _FAR:
                    raise FileFault("file-stray", f"{letters(place + 1)}{start}")
                if place >= MOST_COLUMNS:
                    raise FileFault("file-large", f"more than {MOST_COLUMNS} columns")
                grid.cells.append(row)
                grid.lines.append(start)
                grid.records.append(record)
            if len(grid.cells) > MOST_ROWS:
                raise FileFault("file-large", f"more than {MOST_ROWS:,} rows")
            start = reader.line_num + 1
            grid.last = record
            if cells > MOST_CELLS and grid.records and grid.records[-1] == record:
                raise FileFault("file-large", f"more than {MOST_CELLS:,} cells")
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            detail = f"the quotation marks that open in row {start} never close"
            raise FileFault("file-truncated", detail) from None
        if "field larger" in str(error):
            raise FileFault(
                "file-quotes", f"the cell that begins in row {start} never ends"
            ) from None
        raise FileFault("file-quotes", f"see row {start}") from None
    grid.last += blank
    return grid


def _without_blank_end(text: str, separator: str) -> tuple[str, int]:
    """The text to the end of the last line with anything in it, and how many lines come after: it may be a million."""
    end = re.compile(r"\r\n|\r|\n").search(text, len(text.rstrip(f"{separator} \t\r\n")))
    if end is None:
        return text, 0
    rest = text[end.end() :]
    lines = rest.count("\n") + rest.count("\r") - rest.count("\r\n")
    return text[: end.end()], lines + (rest[-1:] not in ("", "\r", "\n"))
