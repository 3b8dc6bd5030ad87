"""A workbook from outside: what is refused before it is read as one, and what its XML says. Zip and
XML are looked at by the standard library; no part may declare a document type, so no entity can be
expanded."""

import io
import os
import re
import zipfile
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

from kpi_tools.errors import Refused

MAX_UNPACKED, MAX_RATIO, MAX_PARTS, MAX_OUTLINE = 50 * 2**20, 100, 2_000, 4 * 2**20
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 20_000, 200, 300_000
BOOK: Final = re.compile(r"xl/workbook\d*\.xml")
_OUTLINE: Final = re.compile(
    rf"{BOOK.pattern}|.*styles\d*\.xml|.*\.rels|\[Content_Types\]\.xml|docProps/.*"
)
_LINK: Final = re.compile(r"\[\d+\]")
_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)
_CONTENT: Final = re.compile(
    rb"</(?:\w+:)?(?:v|f|is)\s*>|<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?sheetData>"
)
_ROW_ENDS: Final = re.compile(rb"</(?:\w+:)?row\s*>")
_ROWS_END: Final = re.compile(rb"</(?:\w+:)?sheetData\s*>")
_CELL: Final = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br=\"([A-Z]{1,3})(\d{1,9})\"[^>]*(?<!/)>\s*<(?!/)")
"""A cell with anything in it."""
_LAST_COLUMN: Final = (2, b"GR")


@dataclass
class Part:
    """One part of the container that is XML: its bytes, the tree of them, the name of its root."""

    xml: bytes
    root: Element
    kind: str


@dataclass
class Sheet:
    """What the XML of a sheet says that openpyxl does not tell. `uncalculated` formulas by line and
    place (from 0); `noughts`: whether a formula makes 0, as spreadsheet programs store for one that
    leads back to itself."""

    merged: list[str]
    filled: bool
    formulas: list[str] = field(default_factory=list)
    uncalculated: list[tuple[int, int]] = field(default_factory=list)
    noughts: bool = False


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def open_container(raw: bytes) -> zipfile.ZipFile:
    """The .xlsx container in `raw`, after what it says of itself unopened. Raises `Refused`."""
    try:
        container = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise Refused("file-truncated", "it is not a whole workbook") from error
    parts = container.infolist()
    names = [part.filename for part in parts]
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    size = f"it unpacks to {unpacked // 2**20:,} MB, more than {MAX_UNPACKED // 2**20}"
    without = "a zip archive without a workbook in it"
    ratio = f"it unpacks to {unpacked // packed:,} times its size"
    for found, code, detail in (
        (any(part.flag_bits & 1 for part in parts), "file-password", ""),
        (re.search("vbaproject|macro", " ".join(names), re.I), "file-macros", ""),
        ("xl/workbook.bin" in names, "file-kind", "a binary workbook (.xlsb)"),
        ({"mimetype", "content.xml"} <= {*names}, "file-kind", "an OpenDocument file"),
        (not any(map(BOOK.fullmatch, names)), "file-kind", without),
        (len(parts) > MAX_PARTS, "file-hostile", f"it has {len(parts):,} parts"),
        (len({*names}) < len(names), "file-hostile", "it has two parts of one name"),
        (unpacked > MAX_UNPACKED, "file-large", size),
        (unpacked > max(MAX_RATIO * packed, 2**20), "file-hostile", ratio),
    ):
        if found:
            raise Refused(code, detail)
    for part in parts:
        if part.file_size > MAX_OUTLINE and _OUTLINE.fullmatch(part.filename):
            size = f"{os.path.basename(part.filename)} has {part.file_size // 2**20} MB"
            raise Refused("file-hostile", size)
    return container


def parts_of(container: zipfile.ZipFile) -> dict[str, Part]:
    """Every part that is XML. Raises `Refused` for what no spreadsheet program writes."""
    parts = {}
    for name in container.namelist():
        if name.endswith((".xml", ".rels")):
            xml, base = container.read(name), os.path.basename(name)
            if b"\0" in xml or b"<!DOCTYPE" in xml:
                raise Refused("file-hostile", f"{base} declares a document type or is in UTF-16")
            _refuse_large(_CELL.findall(xml))
            try:
                xml = _without_blank_end(xml)
                root = fromstring(xml)
            except ParseError as error:
                raise Refused("file-truncated", f"{base} is not whole") from error
            parts[name] = Part(xml, root, local(root))
    types = [part.root for part in parts.values() if part.kind == "Types"]
    if any("macroEnabled" in one.get("ContentType", "") for root in types for one in root):
        raise Refused("file-macros")
    if "purl.oclc.org/ooxml" in _book(parts).tag:
        raise Refused("file-kind", 'a workbook saved as "Strict Open XML"')
    return parts


def _refuse_large(cells: list[tuple[bytes, bytes]]) -> None:
    """Refuse what lies too far below before it is parsed: most rows above it are blank."""
    rows = ((column, row, int(row) > MAX_ROWS) for column, row in cells)
    off = [one + row for one, row, below in rows if below or (len(one), one) > _LAST_COLUMN]
    beyond = [where.decode() for where in off]
    if len(beyond) > 1_000:
        raise Refused("file-large", f"more than {MAX_ROWS:,} rows or {MAX_COLUMNS} columns")
    if beyond:
        raise Refused("file-stray", beyond[0])
    if len(cells) > MAX_CELLS:
        raise Refused("file-large", f"more than {MAX_CELLS:,} cells")


def _without_blank_end(xml: bytes) -> bytes:
    """A sheet without what comes below the last cell with content: it may be a million rows."""
    last = max((found.end() for found in _CONTENT.finditer(xml)), default=-1)
    row, end = _ROW_ENDS.search(xml, last), _ROWS_END.search(xml, last)
    if last < 0 or not row or not end or row.start() > end.start():
        return xml
    return xml[: row.end()] + xml[end.start() :]


def sheets_of(parts: dict[str, Part]) -> list[Sheet]:
    """The sheets with cells in the order of the workbook, looked through. Raises `Refused`. Refused
    are a sheet that is not there, and figures taken from elsewhere: a link that no cell uses takes
    none."""
    book = _book(parts)
    rels = [part.root for name, part in parts.items() if is_of_book(name)]
    targets = {one.get("Id"): one for root in rels for one in root}
    found = []
    for listed in book.iterfind("{*}sheets/{*}sheet"):
        place = next((text for key, text in listed.items() if key.endswith("}id")), "")
        entry = targets.get(place, Element("none"))
        if entry.get("Type", "").endswith(("/chartsheet", "/dialogsheet")):
            continue
        target = entry.get("Target", "")
        part = parts.get(target[1:] if target.startswith("/") else f"xl/{target}")
        if part is None or part.kind != "worksheet":
            raise Refused("file-truncated", "a sheet that it lists is not in it")
        found.append(_look_through(part))
    names = book.iterfind("{*}definedNames/{*}definedName")
    linked = [one.get("name", "") for one in names if _LINK.search(one.text or "")]
    through = re.compile("|".join([_LINK.pattern, *(rf"\b{re.escape(name)}\b" for name in linked)]))
    if used := sum(bool(through.search(text)) for sheet in found for text in sheet.formulas):
        raise Refused("file-links", "one cell" if used == 1 else f"{used:,} cells")
    if any(name.lower().startswith("xl/querytables/") for name in parts):
        raise Refused("file-links", "a query of a database, file or web page")
    return found


def is_of_book(name: str) -> bool:
    """Whether a part is the list of what belongs to the workbook itself."""
    return bool(re.fullmatch(r"xl/_rels/workbook\d*\.xml\.rels", name))


def _book(parts: dict[str, Part]) -> Element:
    return next(part.root for name, part in parts.items() if BOOK.fullmatch(name))


def _look_through(part: Part) -> Sheet:
    """A sheet. Raises `Refused` where rows or cells are out of order: one would hide another."""
    from openpyxl.utils.cell import coordinate_to_tuple

    merged = [one.get("ref", "") for one in part.root.iterfind("{*}mergeCells/{*}mergeCell")]
    sheet, line = Sheet(merged, bool(_CELL.search(part.xml))), 0
    for row in part.root.iterfind("{*}sheetData/{*}row"):
        before, line, column = line, int(row.get("r") or line + 1), 0
        if line <= before:
            raise Refused("file-truncated", f"row {line} comes after row {before}")
        for cell in row:
            where = cell.get("r") or f"{letters(column + 1)}{line}"
            before, (of, column) = column, coordinate_to_tuple(where)
            if column <= before or of != line:
                detail = f"the cell {where} is in it twice, or not in its place"
                raise Refused("file-truncated", detail)
            inside = {local(one): one.text or "" for one in cell}
            value, kind = inside.get("v", ""), cell.get("t", "n")
            if kind == "n" and value and not _NUMBER.fullmatch(value):
                raise Refused("file-hostile", f'the number in {where} is written "{value[:20]}"')
            if "f" in inside:
                sheet.formulas.append(inside["f"])
                sheet.noughts |= value == "0"
                if not value and kind != "str":
                    sheet.uncalculated.append((line, column - 1))
    return sheet


def letters(column: int) -> str:
    """The name that a spreadsheet gives a column: 1 → A."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
