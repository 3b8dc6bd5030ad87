"""Tables to CSV and .xlsx files that are safe to open and the same to the byte each time (floor 1).

A text that a spreadsheet would run as a formula gets a leading apostrophe; numbers stay numbers.
The same table gives the same bytes: times inside the .xlsx container are fixed.
"""

import csv
import io
import os
import re
import zipfile
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.words.hygiene import clean_text

_TRIGGERS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_HARMLESS: Final = re.compile(r"[-–—]+|[-+]?\d+(\.\d+)?")
_LEADING: Final = " \u00a0\ufeff\u200b\n'"
_LONGEST_CELL: Final = 32_767
_SHORT, _LONG = "Short", "Long"
_STAMP: Final = (1980, 1, 1, 0, 0, 0)
_TIMES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def safe_text(text: str) -> str:
    """`text` without control characters, and with a leading apostrophe where a spreadsheet would take it for a formula."""
    begins = text.lstrip(_LEADING)[:1]
    cleaned = clean_text(text) if not text.isprintable() or not text.isascii() else text
    if begins in _TRIGGERS and begins and not _HARMLESS.fullmatch(cleaned.strip()):
        return "'" + cleaned
    return cleaned


def plain_cell(value: Any) -> Any:
    """What one cell of a table becomes in a file: a number, a safe text, an ISO date, or None where missing."""
    if isinstance(value, str):
        return safe_text(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            return None
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, int):
        return value
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return safe_text(str(value))


def _records(table: pd.DataFrame) -> list[list[Any]]:
    columns = [[plain_cell(value) for value in table[name].tolist()] for name in table.columns]
    return [list(record) for record in zip(*columns, strict=True)]


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write `table` (without its index) as UTF-8 CSV with a mark, so that Excel shows £ and accents; return the path."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow([safe_text(str(name)) for name in table.columns])
    writer.writerows(
        ["" if cell is None else cell for cell in record] for record in _records(table)
    )
    return _put(path, text.getvalue().encode("utf-8-sig"))


def make_workbook(tables: Mapping[str, pd.DataFrame]) -> Any:
    """An openpyxl workbook with one sheet per table, heading row bold and frozen, every text a text; not yet saved."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, NamedStyle, PatternFill
    from openpyxl.styles.fonts import DEFAULT_FONT
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.page import PageMargins

    book = Workbook()
    book.remove(book.active)
    styles = {}  # by its name a style would be looked up for every cell
    for name, wrapped in ((_SHORT, False), (_LONG, True)):
        style = NamedStyle(
            name, font=DEFAULT_FONT, alignment=Alignment(vertical="top", wrap_text=wrapped)
        )
        book.add_named_style(style)
        styles[name] = style.as_tuple()
    for title, table in tables.items():
        sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\']", " ", clean_text(title))[:31] or "Sheet")
        for position, name in enumerate(table.columns, start=1):
            heading = sheet.cell(1, position, safe_text(str(name)))
            heading.font, heading.fill = (
                Font(bold=True, color="FFFFFFFF"),
                PatternFill("solid", start_color="FF1D3B53"),
            )
            widest = max(
                [len(str(name)), *(len(str(value)) for value in table[name].head(200).tolist())]
            )
            sheet.column_dimensions[get_column_letter(position)].width = min(max(widest + 2, 9), 60)
        for number, record in enumerate(_records(table), start=2):
            longest = max((len(value) for value in record if isinstance(value, str)), default=0)
            if longest > 60:  # not every program fits the height of a row to its text
                sheet.row_dimensions[number].height = 15 * min(1 + longest // 50, 25)
            for position, value in enumerate(record, start=1):
                if value is None:
                    continue
                cell = sheet.cell(number, position)
                cell._style = copy(
                    styles[_LONG if isinstance(value, str) and len(value) > 60 else _SHORT]
                )
                if isinstance(value, str):
                    cell.value = value[:_LONGEST_CELL]
                    cell.data_type = "s"
                else:
                    cell.value = value
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
        sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.5)
    return book


def save_workbook(book: Any, path: str | os.PathLike[str]) -> Path:
    """Save an openpyxl workbook so that the same content gives the same bytes; return the path."""
    raw, fixed = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with (
        zipfile.ZipFile(raw) as source,
        zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml":
                part = _TIMES.sub(rb"\g<1>2000-01-01T00:00:00Z", part)
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type, info.create_system, info.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o600 << 16,
            )
            target.writestr(info, part)
    return _put(path, fixed.getvalue())


def write_workbook(tables: Mapping[str, pd.DataFrame], path: str | os.PathLike[str]) -> Path:
    """Write each table to a sheet of its name in one .xlsx file; return the path."""
    return save_workbook(make_workbook(tables), path)


def _put(path: str | os.PathLike[str], content: bytes) -> Path:
    target = Path(path)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_bytes(content)
    os.replace(unfinished, target)
    return target
