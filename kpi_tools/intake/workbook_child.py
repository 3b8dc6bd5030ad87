"""Reads workbooks in a process of its own, so that a hostile one costs that process and nothing else.

Run as a script by `workbooks`: workbooks come in on standard input, each as eight bytes of length and then its
bytes; for each goes out one line of JSON, `{"fault": code, "detail": text}` or `{"sheets": [...]}`.
Imports openpyxl and the standard library only, so that it starts quickly.
"""

import io
import json
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import iterparse
from xml.parsers import expat

MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 200_000, 200, 1_000_000
MAX_UNPACKED, MAX_RATIO, MAX_PARTS = 50 * 2**20, 100, 2_000
MAX_OUTLINE = 4 * 2**20
"""Of each part that holds no cells: styles, names, the list of sheets."""
MEMORY, CPU_SECONDS = 500 * 2**20, 15

_P = rb"(?:[\w.-]+:)?"
_CELL = re.compile(rb"<" + _P + rb"c\b[^>]*?\br=[\"']([A-Z]{1,3})([0-9]+)[\"'][^>]*>\s*<" + _P + rb"(?:v|is|f)\b")
_BLANK = re.compile(rb"<(" + _P + rb")c\b[^>]*(?:/>|></\1c>)")
_FILLED = re.compile(rb"<" + _P + rb"(?:v|is|f)\b")
_WIDE = re.compile(rb"\br=[\"']([A-Z]{2,3})[0-9]+[\"']")
_ROW = re.compile(rb"<" + _P + rb"row\b([^>]*)>")
_NUMBER = re.compile(rb"\br=[\"'](\d{1,9})[\"']")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']|\b(?:ht|width)=[\"']0(?:\.0*)?[\"']")
_STRUCK = re.compile(rb"<" + _P + rb"strike\b(?![^>]*val=[\"'](?:0|false))")
_SHARED = re.compile(rb"<" + _P + rb"si\b.*?</" + _P + rb"si>", re.DOTALL)
_COLUMN = re.compile(rb"<" + _P + rb"col\b([^>]*)>")
_MERGED = re.compile(rb"<" + _P + rb"mergeCell\b[^>]*?\bref=[\"']([A-Z0-9:]+)[\"']")
_UNCALCULATED = re.compile(
    rb"<" + _P + rb"c\b([^>]*)>\s*<" + _P + rb"f\b(?:[^>]*/>|[^>]*>[^<]*</" + _P + rb"f>)\s*"
    rb"(<" + _P + rb"v\s*/>|<" + _P + rb"v></" + _P + rb"v>)?\s*</" + _P + rb"c>"
)
_OUTLINE = re.compile(r"xl/workbook\d*\.xml|.*styles\d*\.xml|.*\.rels|\[Content_Types\]\.xml|docProps/.*")
_BOOK = re.compile(r"xl/workbook\d*\.xml")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_SHOWS_NOTHING = re.compile(r";{2,3}")


class Refused(Exception):
    """A workbook that is not read: (code, detail)."""


def check_container(raw: bytes) -> zipfile.ZipFile:
    """The .xlsx container in `raw`, after what can be told without unpacking it. Raises `Refused`."""
    try:
        container = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise Refused("file-truncated", "it is not a whole workbook") from error
    parts = container.infolist()
    names = [part.filename for part in parts]
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("file-password", "")
    if any("vbaproject" in name.lower() or "macro" in name.lower() for name in names):
        raise Refused("file-macros", "")
    if "xl/workbook.bin" in names:
        raise Refused("file-kind", "a binary workbook (.xlsb)")
    if "mimetype" in names and "content.xml" in names:
        raise Refused("file-kind", "an OpenDocument file")
    if not any(map(_BOOK.fullmatch, names)):
        raise Refused("file-kind", "a zip archive without a workbook in it")
    links = sum(bool(re.fullmatch(r"xl/externalLinks/[^/]+\.xml", name)) for name in names)
    if links or "xl/connections.xml" in names:
        raise Refused("file-links", f"{links} linked" if links else "a query of a database, file or web page")
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MAX_PARTS or len(set(names)) < len(names):
        raise Refused("file-hostile", f"it has {len(parts):,} parts, or two of one name")
    if unpacked > MAX_UNPACKED:
        raise Refused("file-large", f"it unpacks to {unpacked // 2**20:,} MB, more than {MAX_UNPACKED // 2**20}")
    if unpacked > MAX_RATIO * max(packed, 1) and unpacked > 2**20:
        raise Refused("file-hostile", f"it unpacks to {unpacked // max(packed, 1):,} times its size")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            if part.file_size > MAX_OUTLINE and _OUTLINE.fullmatch(part.filename):
                raise Refused("file-hostile", f"{os.path.basename(part.filename)} has {part.file_size // 2**20} MB")
            _check_xml(os.path.basename(part.filename), container.read(part))
    return container


def _check_xml(name: str, part: bytes) -> None:
    """Refuse a part that declares a document type, as the parser itself sees it, and so every entity."""

    def refuse(*_: object) -> None:
        raise Refused("file-hostile", f"{name} declares a document type")

    if part[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Refused("file-hostile", f"{name} is in UTF-16")
    if name == "[Content_Types].xml" and b"macroEnabled" in part:
        raise Refused("file-macros", "")
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise Refused("file-truncated", f"{name} is not whole") from error


def read_workbook(raw: bytes) -> dict[str, Any]:
    """The sheets of the workbook in `raw`. Raises `Refused`."""
    container = check_container(raw)
    from openpyxl import load_workbook
    from openpyxl.reader import excel, strings
    from openpyxl.worksheet import _reader

    # defusedxml reads cell by cell in Python, five times slower; here is nothing left for it to refuse
    strings.iterparse = _reader.iterparse = iterparse
    excel.ExcelReader.read_chartsheet = lambda *_: None  # a chart has no cells
    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    outline = next(name for name in container.namelist() if _BOOK.fullmatch(name))
    listed = len(re.findall(rb"<" + _P + rb"sheet\s", container.read(outline)))
    listed -= sum(name.startswith(("xl/chartsheets/sheet", "xl/dialogsheets/sheet")) for name in container.namelist())
    if b"purl.oclc.org/ooxml" in container.read(outline):
        raise Refused("file-kind", 'a workbook saved as "Strict Open XML"')
    if listed > len(book.sheetnames):
        raise Refused("file-truncated", "a sheet that it lists is not in it")
    sheets = []
    struck = _struck_texts(container)
    for sheet in book.worksheets:
        xml = container.read(sheet._worksheet_path.lstrip("/"))
        if sheet.sheet_state == "visible":
            sheets.append({"name": sheet.title, "hidden": False, **_read_sheet(sheet, xml, struck)})
        else:
            sheets.append({"name": sheet.title, "hidden": True, "filled": bool(_CELL.search(xml))})
    return {"sheets": sheets}


def _struck_texts(container: zipfile.ZipFile) -> set[int]:
    """The places, among the shared texts, of those with a part that is struck through."""
    name = "xl/sharedStrings.xml"
    part = container.read(name) if name in container.namelist() else b""
    if b"strike" not in part:
        return set()
    return {place for place, text in enumerate(_SHARED.findall(part)) if _STRUCK.search(text)}


def _read_sheet(sheet: Any, xml: bytes, struck_texts: set[int]) -> dict[str, Any]:
    xml = _BLANK.sub(b"", xml)  # cells that have a format and nothing else
    sheet._get_source = lambda: io.BytesIO(xml)
    if sum(map(xml.count, (b"<c ", b":c "))) > MAX_CELLS:
        raise Refused("file-large", f"more than {MAX_CELLS:,} cells")
    columns = max((_number(letters) for letters in set(_WIDE.findall(xml))), default=1)
    if columns > MAX_COLUMNS:
        for letters, row in _CELL.findall(xml):
            if _number(letters) > MAX_COLUMNS:
                raise Refused("file-stray", (letters + row).decode())
    last, hidden = _read_outline(xml)
    sheet.reset_dimensions()
    source = sheet.iter_rows(max_row=last, max_col=MAX_COLUMNS if columns > MAX_COLUMNS else None)
    struck_words = {sheet._shared_strings[place] for place in struck_texts if place < len(sheet._shared_strings)}
    rows, kinds, struck, unseen = _read_rows(source, struck_words) if last else ({}, [], [], [])
    for found, empty in _UNCALCULATED.findall(xml) if b"<f" in xml or b":f" in xml else ():
        cell = _attributes(found)
        place = re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r", ""))
        if place and not (empty and cell.get("t") == "str"):
            kinds.append([int(place[2]), _number(place[1].encode()) - 1, "formula"])
            rows.setdefault(int(place[2]), [])
    return {
        "rows": sorted(rows.items()), "kinds": kinds, "struck": struck, "unseen": unseen, "hidden_rows": hidden,
        "hidden_columns": [
            [int(found["min"]) - 1, int(found["max"]) - 1]
            for column in _COLUMN.findall(xml) if _HIDDEN.search(column)
            for found in [{"min": "1", "max": "1"} | _attributes(column)]
        ],
        "merged": [found.decode() for found in _MERGED.findall(xml)],
    }  # fmt: skip


def _read_outline(xml: bytes) -> tuple[int, list[int]]:
    """(the last row with anything in it, the hidden rows up to it). Raises `Refused`.

    What comes after that row, a million of blank formatted ones perhaps, is not looked at.
    """
    line, far, hidden = 0, False, []
    for found in _ROW.finditer(xml, 0, _end_of_content(xml)):
        number = _NUMBER.search(found[1])
        before, line = line, int(number[1]) if number else line + 1
        if line <= before:
            raise Refused("file-truncated", f"row {line} comes after row {before}")
        far = far or line > MAX_ROWS
        if _HIDDEN.search(found[1]):
            hidden.append(line)
    if far:
        beyond = [(letters, int(row)) for letters, row in _CELL.findall(xml) if int(row) > MAX_ROWS]
        if len(beyond) > 1_000 or not beyond:
            raise Refused("file-large", f"more than {MAX_ROWS:,} rows")
        raise Refused("file-stray", f"{beyond[0][0].decode()}{beyond[0][1]}")
    return line, hidden


def _end_of_content(xml: bytes) -> int:
    """Where the last cell with anything in it begins, looked for from the end; 0 where there is none."""
    stop = xml.rfind(b"sheetData>")
    while stop > 0:
        start = max(stop - 2**20, 0)
        filled = max((found.start() for found in _FILLED.finditer(xml, start, stop + 100)), default=0)
        if filled:
            return filled
        stop = start
    return 0


def _read_rows(
    source: Iterator[Any], struck_words: set[str]
) -> tuple[dict[int, list[str]], list[Any], list[Any], list[Any]]:
    """(texts of each row that has any, kinds of cells, struck cells, cells whose format shows nothing)."""
    from openpyxl.cell.read_only import EMPTY_CELL

    rows: dict[int, list[str]] = {}
    kinds: list[list[Any]] = []
    struck: list[list[int]] = []
    unseen: list[list[int]] = []
    styles: dict[int, tuple[bool, bool, bool, bool]] = {}
    nothing: Any = None
    for number, cells in enumerate(source, start=1):
        # rows that the file leaves out come as one and the same row of nothing
        if cells is nothing:
            continue
        if all(cell is EMPTY_CELL for cell in cells):
            nothing = cells
            continue
        texts = []
        for position, cell in enumerate(cells):
            value = cell.value
            if value is None:
                texts.append("")
                continue
            style = cell._style_id
            if style not in styles:
                form = _LITERAL.sub("", cell.number_format or "").lower()
                strike = bool(cell.font and cell.font.strike)
                shows_nothing = bool(_SHOWS_NOTHING.fullmatch(form))
                styles[style] = ("%" in form, "m" in form and "d" not in form, strike, shows_nothing)
            percent, month, strike, shows_nothing = styles[style]
            text, kind = _as_text(value, cell.data_type, percent, month)
            texts.append(text)
            if kind:
                kinds.append([number, position, kind])
            if text and (strike or value in struck_words):
                struck.append([number, position])
            if text and shows_nothing:
                unseen.append([number, position])
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            rows[number] = texts
    return rows, kinds, struck, unseen


def _as_text(value: Any, data_type: str, percent: bool, month: bool) -> tuple[str, str]:
    """The text of a cell as a person would type it, and its kind where the text does not say."""
    if isinstance(value, str):
        if data_type == "e":
            return value, "error"
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value) if "_x" in value else value, ""
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), "truth"
    if isinstance(value, int | float):
        return (_as_percentage(value), "percent") if percent else (_digits(value), "")
    if isinstance(value, datetime):
        if value.time() != time(0):
            return value.isoformat(" ", "seconds"), "date"
        return f"{value:%Y-%m-%d}", "month" if month and value.day == 1 else "date"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}", "date"
    if isinstance(value, time | timedelta):
        return str(value), "time"
    return str(value), ""


def _as_percentage(value: float) -> str:
    """As `_digits`, and as it is shown in a cell formatted as a percentage: 0.875 as 87.5%."""
    shown = _digits(value)
    if not shown.strip("-0123456789."):
        from decimal import Decimal

        shown = f"{(Decimal(shown) * 100).normalize():f}"
    return f"{shown}%"


def _digits(value: float) -> str:
    """A number as a spreadsheet shows it: fifteen digits, no exponent."""
    if isinstance(value, float) and value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    short = f"{value:.15g}"
    if "e" not in short:
        return short
    from decimal import Decimal

    return f"{Decimal(short):f}"


def _attributes(tag: bytes) -> dict[str, str]:
    return dict(re.findall(r"""([\w:]+)=["']([^"']*)["']""", tag.decode("utf-8", "replace")))


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _limit() -> None:
    """Cap memory, and let the next workbook use so many more processor seconds, where the platform has such limits."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    for kind, amount in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds)):
        try:
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard))
        except (ValueError, OSError):
            pass


def _answer(raw: bytes) -> dict[str, Any]:
    try:
        return read_workbook(raw)
    except Refused as refused:
        return {"fault": refused.args[0], "detail": refused.args[1]}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return {"fault": "file-truncated", "detail": "a part of it cannot be unpacked"}
    except MemoryError:
        return {"fault": "file-large", "detail": "it needs more memory than a return should"}
    except Exception as error:  # noqa: BLE001 - whatever a damaged workbook makes the reader raise is a fault of the workbook
        return {"fault": "file-truncated", "detail": f"it cannot be read as a workbook ({type(error).__name__})"}


def main() -> None:
    """Answer for each workbook on standard input until there are no more."""
    # openpyxl looks for numpy only to recognise its numbers in cells to be written
    sys.modules["numpy"] = None  # type: ignore[assignment]
    os.environ["OPENPYXL_LXML"] = "False"
    import warnings

    warnings.simplefilter("ignore")
    import defusedxml  # noqa: F401  (openpyxl guards itself with it only where it is installed)
    import openpyxl  # noqa: F401

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while len(head := source.read(8)) == 8:
        _limit()
        raw = source.read(int.from_bytes(head, "big"))
        sink.write(json.dumps(_answer(raw)).encode() + b"\n")
        sink.flush()


if __name__ == "__main__":
    main()
