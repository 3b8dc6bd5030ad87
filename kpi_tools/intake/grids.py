"""The bytes of one file → grids of texts: what the file really is, its encoding, its separator."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from kpi_tools.intake.cells import FORMULA
from kpi_tools.intake.tables import letter
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.words.problems import Ledger

MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 200
MOST_CELLS: Final = 3_000_000
_SEPARATORS: Final = (",", ";", "\t", "|")
_MAGIC: Final = (
    (b"PK\x03\x04", "a workbook"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"),
    (b"RIFF", "an image or sound"),
    (b"%PDF", "a PDF document"),
    (b"{\\rtf", "a word-processor document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"PK\x05\x06", "an empty archive"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "a database"),
)
_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_OLE: Final = b"\xd0\xcf\x11\xe0"


class FileFault(Exception):
    """The file as a whole cannot be taken: a code of `rules` and its particulars."""

    def __init__(self, code: str, detail: str = "", sheet: str = "", row: int = 0) -> None:
        super().__init__(code, detail)
        self.code, self.detail, self.sheet, self.row = code, detail, sheet, row


@dataclass
class Grid:
    """A sheet: the texts of its rows and the number of each row as a person sees it."""

    sheet: str
    cells: list[list[str]]
    lines: list[int]
    records: list[int] | None = None
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)
    hidden: bool = False
    filled: bool = True
    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    struck: list[tuple[int, int]] = field(default_factory=list)
    unseen: list[tuple[int, int]] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    comma_is_doubtful: bool = False
    ragged_is_fault: bool = False
    blank: int = 0

    def formula_rows(self) -> set[int]:
        """Rows that hold a formula without a result: not blank, though they show nothing."""
        return {line for (line, _), kind in self.kinds.items() if kind == FORMULA}


def workbook_grids(raw: bytes, books: Workbooks, file: str, ledger: Ledger) -> list[Grid]:
    """One grid per sheet. Raises `FileFault`; hidden sheets that hold something are reported and empty here."""
    _refuse_nothing(raw)
    if raw.startswith(_OLE):
        raise FileFault("file-password")
    if not raw.startswith(b"PK\x03\x04"):
        raise FileFault("file-kind", _looks_like(raw) or "a text file, such as CSV")
    answer = books.read(raw)
    if "fault" in answer:
        raise FileFault(answer["fault"], answer["detail"])
    grids = []
    for sheet in answer["sheets"]:
        if sheet["hidden"]:
            grids.append(Grid(sheet["name"], [], [], hidden=True, filled=sheet["filled"]))
            if sheet["filled"]:
                ledger.problem(
                    "sheet-hidden", file, sheet=sheet["name"], detail=f'"{sheet["name"]}"'
                )
            continue
        kinds = {(line, place): kind for line, place, kind in sheet["kinds"]}
        columns = {
            place
            for low, high in sheet["hidden_columns"]
            for place in range(low, min(high, MOST_COLUMNS) + 1)
        }
        grids.append(
            Grid(
                sheet["name"],
                [cells for _, cells in sheet["rows"]],
                [line for line, _ in sheet["rows"]],
                kinds=kinds,
                hidden_rows=sheet["hidden_rows"],
                hidden_columns=columns,
                merged=sheet["merged"],
                struck=[(line, place) for line, place in sheet["struck"]],
                unseen=[(line, place) for line, place in sheet["unseen"]],
            )  # fmt: skip
        )
    return grids


def text_grid(raw: bytes, known: Callable[[Sequence[Sequence[str]]], int]) -> Grid:
    """The grid in a CSV file; `known` counts the headings that a way of cutting the rows brings out. Raises `FileFault`."""
    _refuse_nothing(raw)
    if kind := _looks_like(raw):
        raise FileFault("file-kind", kind)
    text, remark = _decode(raw)
    text = text.lstrip("\ufeff").rstrip("\x1a")
    if not text.strip():
        raise FileFault("file-empty")
    if kind := _looks_like(text[:400].encode()):
        raise FileFault("file-kind", kind)
    found = {mark: known(_beginning(text, mark)) for mark in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda mark: found[mark])
    grid = _cut(text, separator)
    grid.remarks = [remark] if remark else []
    if separator != ",":
        names = {";": "semicolons", "\t": "tabs", "|": "bars"}
        grid.remarks.append(f"the cells are separated by {names[separator]}")
    return grid


def _refuse_nothing(raw: bytes) -> None:
    if not raw:
        raise FileFault("file-empty")
    if not raw.strip(b"\x00"):
        raise FileFault("file-zeros")


def _looks_like(raw: bytes) -> str:
    """What the first bytes say the file is; "" for text."""
    for magic, kind in _MAGIC:
        if raw.startswith(magic):
            return kind
    if raw.startswith(_OLE):
        return "an old .xls workbook or a protected one"
    begins = raw[:400].lstrip()
    if begins.startswith(b"<"):
        return "a web page or XML"
    if begins.startswith((b"{", b"[{", b"[\n")):
        return "JSON"
    return ""


def _decode(raw: bytes) -> tuple[str, str]:
    """The text, and a remark where the encoding is not UTF-8."""
    if raw.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        text, remark = _decoded(raw, "utf-32"), "the text is in UTF-32"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        text, remark = _decoded(raw, "utf-16"), "the text is in UTF-16"
    elif _every_other_is_zero(raw):
        low = raw[1::2].count(0) > raw[0::2].count(0)
        text, remark = (
            _decoded(raw, "utf-16-le" if low else "utf-16-be"),
            "the text is in UTF-16 without a mark",
        )
    else:
        try:
            text, remark = raw.decode("utf-8-sig"), ""
        except UnicodeDecodeError as error:
            if raw.startswith(b"\xef\xbb\xbf") or _UTF8.search(raw):
                line = error.object[: error.start].count(b"\n") + 1  # of what follows the mark
                raise FileFault(
                    "file-encoding", f"most of it is UTF-8, but not line {line}"
                ) from None
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
        raise FileFault(
            "file-encoding", f"byte {error.start + 1} fits neither UTF-8 nor {encoding}"
        ) from None


def _every_other_is_zero(raw: bytes) -> bool:
    head = raw[:2_000]
    return (
        len(head) > 8
        and max(head[0::2].count(0), head[1::2].count(0)) > 0.3 * len(head) / 2
        and (min(head[0::2].count(0), head[1::2].count(0)) < 0.05 * len(head))
    )


def _beginning(text: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(text[:100_000], newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) >= 60:
                break
    except csv.Error:
        pass
    return rows


def _cut(text: str, separator: str) -> Grid:
    text, blank = _without_blank_end(text, separator)
    if max(text.count("\n"), text.count("\r")) > MOST_ROWS + 100:
        _refuse_far_cells(text, separator)
    if text.count(separator) > MOST_CELLS:
        raise FileFault("file-large", f"more than {MOST_CELLS:,} cells")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    cells: list[list[str]] = []
    lines: list[int] = []
    start = 1
    try:
        if '"' not in text:
            cells = list(islice(reader, MOST_ROWS + 101))
            lines = list(range(1, len(cells) + 1))
        for row in reader:
            cells.append(row)
            lines.append(start)
            start = reader.line_num + 1
            if len(cells) > MOST_ROWS + 100:
                break
        if len(cells) > MOST_ROWS + 100:
            raise FileFault("file-large", f"more than {MOST_ROWS:,} rows")
    except csv.Error as error:
        start = start if '"' in text else reader.line_num
        if "unexpected end of data" in str(error):
            raise FileFault(
                "file-truncated", f"the quotation marks that open in row {start} never close"
            ) from None
        if "field larger" in str(error):
            raise FileFault(
                "file-quotes", f"the cell that begins in row {start} never ends"
            ) from None
        raise FileFault("file-quotes", f"see row {start}") from None
    if max(map(len, cells), default=0) > MOST_COLUMNS and any(
        cell.strip() for row in cells if len(row) > MOST_COLUMNS for cell in row[MOST_COLUMNS:]
    ):
        raise FileFault("file-large", f"more than {MOST_COLUMNS} columns")
    records = list(range(1, len(cells) + 1)) if lines and lines[-1] != len(cells) else None
    return Grid(
        "",
        cells,
        lines,
        records,
        blank=blank,
        comma_is_doubtful=separator == ";",
        ragged_is_fault=True,
    )


def _without_blank_end(text: str, separator: str) -> tuple[str, int]:
    """The text to the end of the last line with anything in it, and how many lines of nothing come after.

    A spreadsheet program writes a million of them where a cell far below was once formatted.
    """
    filled = len(text.rstrip(f"{separator} \t\r\n"))
    end = _LINE_END.search(text, filled)
    if end is None:
        return text, 0
    rest = text[end.end() :]
    lines = rest.count("\n") + rest.count("\r") - rest.count("\r\n")
    return text[: end.end()], lines + (rest[-1:] not in ("", "\r", "\n"))


def _refuse_far_cells(text: str, separator: str) -> None:
    """Raise `FileFault` where nearly all of the many rows are blank, and something stands below them."""
    filled, far = 0, (0, "")
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip(f'{separator} \t\r\n"'):
            filled, far = filled + 1, (number, line)
    if filled <= MOST_ROWS + 100:
        place = next(
            place for place, cell in enumerate(far[1].split(separator)) if cell.strip(' \t"')
        )
        raise FileFault("file-stray", f"{letter(place)}{far[0]}")
