"""A workbook from outside: what is refused before it is read as one, and what its parts say that no reader tells.

Zip and XML are looked at as they are, by the standard library alone.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterable
from typing import Final
from xml.parsers import expat

MAX_UNPACKED, MAX_RATIO, MAX_PARTS, MAX_OUTLINE = 50 * 2**20, 100, 2_000, 4 * 2**20
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 20_000, 200, 300_000
BOOK: Final = re.compile(r"xl/workbook\d*\.xml")
_OUTLINE: Final = re.compile(
    rf"{BOOK.pattern}|.*styles\d*\.xml|.*\.rels|\[Content_Types\]\.xml|docProps/.*"
)
_LINK: Final = re.compile(r"\[\d+\]")
_NUMBER: Final = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


class Refused(Exception):
    """A workbook that is not read: (code, detail)."""


def open_container(raw: bytes) -> zipfile.ZipFile:
    """The .xlsx container in `raw`, after what it says of itself without being unpacked. Raises `Refused`."""
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
    if not any(map(BOOK.fullmatch, names)):
        raise Refused("file-kind", "a zip archive without a workbook in it")
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    if len(parts) > MAX_PARTS or len(set(names)) < len(names):
        raise Refused("file-hostile", f"it has {len(parts):,} parts, or two of one name")
    if unpacked > MAX_UNPACKED:
        detail = f"it unpacks to {unpacked // 2**20:,} MB, more than {MAX_UNPACKED // 2**20}"
        raise Refused("file-large", detail)
    if unpacked > MAX_RATIO * packed and unpacked > 2**20:
        raise Refused("file-hostile", f"it unpacks to {unpacked // packed:,} times its size")
    for part in parts:
        if part.file_size > MAX_OUTLINE and _OUTLINE.fullmatch(part.filename):
            size = f"{os.path.basename(part.filename)} has {part.file_size // 2**20} MB"
            raise Refused("file-hostile", size)
    return container


def parts_of(container: zipfile.ZipFile) -> dict[str, "Part"]:
    """Every part that is XML, looked through. Raises `Refused` for what no spreadsheet program writes."""
    parts = {
        name: Part(name, container.read(name))
        for name in container.namelist()
        if name.endswith((".xml", ".rels"))
    }
    if any(b"macroEnabled" in part.xml for part in parts.values() if part.root == "Types"):
        raise Refused("file-macros", "")
    outline = next(part for name, part in parts.items() if BOOK.fullmatch(name))
    if b"purl.oclc.org/ooxml" in outline.xml:
        raise Refused("file-kind", 'a workbook saved as "Strict Open XML"')
    sheets = [part for part in parts.values() if part.root == "worksheet"]
    _refuse_links(container.namelist(), outline, sheets)
    for sheet in sheets:
        if len(sheet.beyond) > 1_000:
            raise Refused("file-large", f"more than {MAX_ROWS:,} rows or {MAX_COLUMNS} columns")
        if sheet.beyond:
            raise Refused("file-stray", sheet.beyond[0])
        if sheet.cells > MAX_CELLS:
            raise Refused("file-large", f"more than {MAX_CELLS:,} cells")
    return parts


def _refuse_links(names: list[str], outline: "Part", sheets: Iterable["Part"]) -> None:
    """Refuse what takes figures from elsewhere; a link that no cell uses does not."""
    linked = [name for name, text in outline.names.items() if _LINK.search(text)]
    through = re.compile("|".join([_LINK.pattern, *(rf"\b{re.escape(name)}\b" for name in linked)]))
    if used := sum(bool(through.search(text)) for sheet in sheets for text in sheet.formulas):
        raise Refused("file-links", "one cell" if used == 1 else f"{used:,} cells")
    if any(name.lower().startswith("xl/querytables/") for name in names):
        raise Refused("file-links", "a query of a database, file or web page")


def listed_sheets(parts: dict[str, "Part"]) -> list["Part"]:
    """The sheets with cells in the order of the workbook. Raises `Refused` where one is not there."""
    outline = next(part for name, part in parts.items() if BOOK.fullmatch(name))
    links = [
        part
        for name, part in parts.items()
        if re.fullmatch(r"xl/_rels/workbook\d*\.xml\.rels", name)
    ]
    targets = {entry.get("Id", ""): entry for part in links for entry in part.entries}
    found = []
    for sheet in outline.entries:
        place = next((text for key, text in sheet.items() if key.endswith(" id")), "")
        entry = targets.get(place, {})
        if entry.get("Type", "").endswith(("/chartsheet", "/dialogsheet")):
            continue
        target = entry.get("Target", "")
        part = parts.get(target[1:] if target.startswith("/") else f"xl/{target}")
        if part is None or part.root != "worksheet":
            raise Refused("file-truncated", "a sheet that it lists is not in it")
        found.append(part)
    return found


class Part:
    """One part as its XML has it: its elements and, of a sheet, which cells hold something, are merged, never calculated.

    Raises `Refused` for what no spreadsheet program writes.
    """

    def __init__(self, name: str, xml: bytes) -> None:
        self.name, self.xml, self.root, self.end = os.path.basename(name), xml, "", len(xml)
        self.children: list[tuple[str, int]] = []
        self.entries: list[dict[str, str]] = []
        self.names: dict[str, str] = {}
        self.merged: list[str] = []
        self.formulas: list[str] = []
        self.uncalculated: list[tuple[int, int]] = []
        self.noughts = False
        self.beyond: list[str] = []
        self.cells = self._row = self._column = self._depth = 0
        self._filled_row = self._cut_from = self._cut_to = 0
        self._kind = self._text = self._name = self._value = ""
        self._formula: str | None = None
        self._filled = False
        if xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Refused("file-hostile", f"{self.name} is in UTF-16")
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._finish
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(xml, True)
        except expat.ExpatError as error:
            raise Refused("file-truncated", f"{self.name} is not whole") from error

    def only(self, *names: str) -> bytes:
        """The part with these of its elements alone, without what comes below the last cell that holds something."""
        if not self.children:
            return self.xml
        starts = [start for _, start in self.children]
        kept = [self.xml[: starts[0]]]
        for (name, start), end in zip(self.children, [*starts[1:], self.end], strict=True):
            if name == "sheetData" and self._cut_from:
                kept.append(self.xml[start : self._cut_from] + self.xml[self._cut_to : end])
            elif name in names:
                kept.append(self.xml[start:end])
        return b"".join(kept) + self.xml[self.end :]

    def _doctype(self, *_: object) -> None:
        raise Refused("file-hostile", f"{self.name} declares a document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._depth == 0:
            self.root = local
        elif self._depth == 1:
            self.children.append((local, self._parser.CurrentByteIndex))
        self._depth += 1
        self._text = ""
        if local == "definedName":
            self._name = attributes.get("name", "")
        elif local == "Relationship" or local == "sheet" and self.root == "workbook":
            self.entries.append(attributes)
        elif self.root == "worksheet":
            self._start_in_sheet(local, attributes)

    def _start_in_sheet(self, local: str, attributes: dict[str, str]) -> None:
        place = attributes.get("r", "")
        if local == "row":
            if self._filled_row == self._row:
                self._cut_from = self._parser.CurrentByteIndex
            before, self._column = self._row, 0
            self._row = int(place) if place.isdecimal() else before + 1
            if self._row <= before:
                raise Refused("file-truncated", f"row {self._row} comes after row {before}")
        elif local == "c":
            before, self._column = self._column, _column(place) if place else self._column + 1
            if (
                self._column <= before
                or place
                and place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != str(self._row)
            ):
                raise Refused(
                    "file-truncated", f"the cell {place} is in it twice, or not in its place"
                )
            self._kind, self._value, self._formula = attributes.get("t", "n"), "", None
            self._filled = False
        elif local == "is":
            self._filled = True
        elif local == "mergeCell":
            self.merged.append(attributes.get("ref", ""))

    def _characters(self, text: str) -> None:
        self._text += text

    def _finish(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        self._depth -= 1
        if self._depth == 0:
            self.end = self._parser.CurrentByteIndex
        if local == "definedName":
            self.names[self._name] = self._text
        elif self.root != "worksheet":
            return
        elif local == "v":
            self._value = self._text
        elif local == "f":
            self._formula = self._text
        elif local == "c":
            self._finish_cell()
        elif local == "sheetData":
            self._cut_to = self._parser.CurrentByteIndex
            self._cut_from = self._cut_to if self._filled_row == self._row else self._cut_from

    def _finish_cell(self) -> None:
        where = f"{letters(self._column)}{self._row}"
        if self._kind == "n" and self._value and not _NUMBER.fullmatch(self._value):
            raise Refused("file-hostile", f'the number in {where} is written "{self._value[:20]}"')
        if self._formula is not None:
            self.formulas.append(self._formula)
            self.noughts |= self._value == "0"
            if not self._value and self._kind != "str":
                self.uncalculated.append((self._row, self._column - 1))
        if self._filled or self._value or self._formula is not None:
            self._filled_row, self.cells = self._row, self.cells + 1
            if self._row > MAX_ROWS or self._column > MAX_COLUMNS:
                self.beyond.append(where)


def _column(place: str) -> int:
    number = 0
    for letter in place.rstrip("0123456789"):
        number = number * 26 + ord(letter) - 64
    return number


def letters(column: int) -> str:
    """The name that a spreadsheet gives a column: 1 → A."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name
