"""The sheets of a workbook → texts of cells, row by row, with what is hidden, struck through, merged or not calculated.

openpyxl reads the cells; what it leaves out, or reads at any cost, is taken from the XML itself.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from xml.etree.ElementTree import iterparse

from kpi_tools.intake.workbook_container import BOOK, Refused, check_container
from kpi_tools.intake.workbook_texts import as_number, as_text, read_format, rich_text

MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 200_000, 200, 1_000_000

_P = rb"(?:[\w.-]+:)?"
_CELL = re.compile(
    rb"<" + _P + rb"c\b[^>]*?\br=[\"']([A-Z]{1,3})([0-9]+)[\"'][^>]*>\s*<" + _P + rb"(?:v|is|f)\b"
)
_BLANK = re.compile(rb"<(" + _P + rb")c\b[^>]*(?:/>|></\1c>)")
_UNPLACED = re.compile(rb"<" + _P + rb"c(?=[\s/>])(?![^>]*\br=)")
_PLACE = re.compile(rb"<" + _P + rb"c\b[^>]*?\br=[\"']([A-Z]{1,3}[0-9]+)[\"']")
_FILLED = re.compile(rb"<" + _P + rb"(?:v|is|f)\b")
_WIDE = re.compile(rb"\br=[\"']([A-Z]{2,3})[0-9]+[\"']")
_ROW = re.compile(rb"<" + _P + rb"row\b([^>]*)>")
_NUMBER = re.compile(rb"\br=[\"'](\d{1,9})[\"']")
_HIDDEN = re.compile(rb"\bhidden=[\"'](?:1|true)[\"']|\b(?:ht|width)=[\"']0(?:\.0*)?[\"']")
_COLUMN = re.compile(rb"<" + _P + rb"col\b([^>]*)>")
_MERGED = re.compile(rb"<" + _P + rb"mergeCell\b[^>]*?\bref=[\"']([A-Z0-9:]+)[\"']")


def read_workbook(raw: bytes) -> dict[str, Any]:
    """The sheets of the workbook in `raw`. Raises `Refused`."""
    container = check_container(raw)
    from openpyxl import load_workbook
    from openpyxl.reader import excel

    struck = set[str]()
    _reads_as_shown(struck)
    excel.ExcelReader.read_chartsheet = lambda *_: None  # a chart has no cells
    book = load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
    outline = next(name for name in container.namelist() if BOOK.fullmatch(name))
    listed = len(re.findall(rb"<" + _P + rb"sheet\s", container.read(outline)))
    listed -= sum(
        name.startswith(("xl/chartsheets/sheet", "xl/dialogsheets/sheet"))
        for name in container.namelist()
    )
    if b"purl.oclc.org/ooxml" in container.read(outline):
        raise Refused("file-kind", 'a workbook saved as "Strict Open XML"')
    if listed > len(book.sheetnames):
        raise Refused("file-truncated", "a sheet that it lists is not in it")
    sheets = []
    for sheet in book.worksheets:
        xml = container.read(sheet._worksheet_path.lstrip("/"))
        if sheet.sheet_state == "visible":
            sheets.append({"name": sheet.title, "hidden": False, **_read_sheet(sheet, xml, struck)})
        else:
            sheets.append({"name": sheet.title, "hidden": True, "filled": bool(_CELL.search(xml))})
    return {"sheets": sheets}


def _reads_as_shown(struck: set[str]) -> None:
    """Make openpyxl read rich texts, numbers and formulas without a result as a person sees them.

    `struck` receives the texts with a part that is struck through.
    """
    from openpyxl.cell.text import Text
    from openpyxl.reader import strings
    from openpyxl.worksheet import _read_only, _reader

    class Shown:
        @staticmethod
        def from_tree(element: Any) -> Any:
            found = Text.from_tree(element)
            if not found.r:
                return found
            runs = [(found.t or "", "", False)]
            for run in found.r:
                font = run.font
                runs.append(
                    (run.t or "", font and font.vertAlign or "", bool(font and font.strike))
                )
            text = rich_text(runs)
            if any(strike and part for part, _, strike in runs):
                struck.add(text)
            return SimpleNamespace(content=text)

    class Cells(_reader.WorkSheetParser):  # type: ignore[misc]
        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell: dict[str, Any] = super().parse_cell(element)
            if cell["value"] is None and element.find(_reader.FORMULA_TAG) is not None:
                if element.get("r") is None:
                    raise Refused(
                        "file-truncated",
                        "a formula without a result does not say in which cell it is",
                    )
                if element.get("t") != "str" or element.find(_reader.VALUE_TAG) is None:
                    cell |= {"value": "", "data_type": "f"}
            return cell

        def parse_extensions(self, element: Any) -> None:
            """They hold no cells."""

    # defusedxml reads cell by cell in Python, five times slower; here is nothing left for it to refuse
    strings.iterparse = _reader.iterparse = iterparse
    strings.Text = _reader.Text = Shown
    _reader._cast_number = as_number
    _read_only.WorkSheetParser = Cells


def _read_sheet(sheet: Any, xml: bytes, struck_words: set[str]) -> dict[str, Any]:
    if not _UNPLACED.search(
        xml
    ):  # such a cell stands right of the one before it, which is then needed
        xml = _BLANK.sub(b"", xml)  # cells that have a format and nothing else
    sheet._get_source = lambda: io.BytesIO(xml)
    if sum(map(xml.count, (b"<c ", b"<c>", b":c "))) > MAX_CELLS:
        raise Refused("file-large", f"more than {MAX_CELLS:,} cells")
    columns = max((_number(letters) for letters in set(_WIDE.findall(xml))), default=1)
    if columns > MAX_COLUMNS:
        for letters, row in _CELL.findall(xml):
            if _number(letters) > MAX_COLUMNS:
                raise Refused("file-stray", (letters + row).decode())
    last, hidden = _read_outline(xml)
    if len(places := _PLACE.findall(xml)) > len(set(places)):
        twice = next(place for place, times in Counter(places).items() if times > 1)
        raise Refused("file-truncated", f"the cell {twice.decode()} is in it twice")
    sheet.reset_dimensions()
    source = sheet.iter_rows(max_row=last, max_col=MAX_COLUMNS if columns > MAX_COLUMNS else None)
    rows, kinds, struck, unseen = _read_rows(source, struck_words) if last else ({}, [], [], [])
    return {
        "rows": sorted(rows.items()), "kinds": kinds, "struck": struck, "unseen": unseen, "hidden_rows": hidden,
        "hidden_columns": [
            [int(found["min"]) - 1, int(found["max"]) - 1]
            for column in _COLUMN.findall(xml) if _HIDDEN.search(column)
            for found in [_attributes(column)]
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
        filled = max(
            (found.start() for found in _FILLED.finditer(xml, start, stop + 100)), default=0
        )
        if filled:
            return filled
        stop = start
    return 0


def _read_rows(
    source: Iterator[Any], struck_words: set[str]
) -> tuple[dict[int, list[str]], list[Any], list[Any], list[Any]]:
    """(texts of each row that has any, kinds of cells, struck cells, cells whose format hides their value)."""
    from openpyxl.cell.read_only import EMPTY_CELL

    rows: dict[int, list[str]] = {}
    kinds: list[list[Any]] = []
    struck: list[list[int]] = []
    unseen: list[list[int]] = []
    styles: dict[int, tuple[bool, bool, bool, bool, bool]] = {}
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
                styles[style] = (
                    *read_format(cell.number_format or ""),
                    bool(cell.font and cell.font.strike),
                )
            percent, month, shows_nothing, worded, strike = styles[style]
            text, kind = as_text(value, cell.data_type, percent, month)
            texts.append(text)
            if kind:
                kinds.append([number, position, kind])
            if text and (strike or value in struck_words):
                struck.append([number, position])
            if text and (shows_nothing or worded and isinstance(value, int | float) and value > 0):
                unseen.append([number, position])
        while texts and not texts[-1]:
            texts.pop()
        if texts or kinds and kinds[-1][0] == number:
            rows[number] = texts
    return rows, kinds, struck, unseen


def _attributes(tag: bytes) -> dict[str, str]:
    return dict(re.findall(r"""([\w:]+)=["']([^"']*)["']""", tag.decode("utf-8", "replace")))


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
