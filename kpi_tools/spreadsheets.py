"""Tables to CSV and .xlsx files that are safe to open; rejected rows to be sent back. A text that a
spreadsheet would run as a formula gets a leading apostrophe; numbers stay numbers, dates are dates,
and an empty cell is empty. The same table gives the same bytes: times inside the .xlsx container
are fixed."""

import csv
import io
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.errors import KpiError
from kpi_tools.loading import Returns, raw_folder
from kpi_tools.loading.cells import clean_text
from kpi_tools.loading.rules import ERROR, SERVICE, column_name
from kpi_tools.quarters import Quarter
from kpi_tools.workbooks.parts import letters

os.environ["OPENPYXL_LXML"] = "False"  # before it is imported: with lxml it writes other bytes
DATE_FORMAT: Final = "dd/mm/yyyy"
_TRIGGERS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_HARMLESS: Final = re.compile(r"[-–—]+|[-+]?\d+(\.\d+)?")
_LEADING: Final = " \u00a0\ufeff\u200b\n'"
_LONGEST_CELL: Final = 32_767
_LONGEST_NAME: Final = 60
_WIDE: Final = 60
_STAMP: Final = (1980, 1, 1, 0, 0, 0)
_TIMES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_ERROR_COLOUR, _WARNING_COLOUR = "FFF4B6B0", "FFFFE699"
_TABLES: Final = ("changes.csv", "problems.csv", "rejected.csv")
_CHOOSE: Final = "Choose from the list."


def safe_text(text: str) -> str:
    """`text` cleaned, with an apostrophe where a spreadsheet would take it for a formula."""
    cleaned = clean_text(text) if not text.isprintable() or not text.isascii() else text
    runs = text.lstrip(_LEADING).startswith(_TRIGGERS) and not _HARMLESS.fullmatch(cleaned.strip())
    return f"'{cleaned}" if runs else cleaned


def file_name(text: str, taken: set[str]) -> str:
    """A file's name made from one that nobody checked, added to `taken` and unlike all in it."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST_NAME].strip("-") or "unnamed"
    while name in taken:
        name += "-2"
    taken.add(name)
    return name


def write_csv(table: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write `table` as `csv_bytes` makes it; return the path."""
    return put(path, csv_bytes(table))


def csv_bytes(table: pd.DataFrame) -> bytes:
    """`table` without its index as CSV that Excel reads rightly."""
    heads = [safe_text(str(name)) for name in table.columns]
    text: str = pd.DataFrame(_records(table), columns=heads, dtype="object").to_csv(
        index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n"
    )
    return text.encode("utf-8-sig")


def write_workbook(tables: Mapping[str, pd.DataFrame], path: str | os.PathLike[str]) -> Path:
    """Write each table to a sheet of its name in one .xlsx file; return the path."""
    return save_workbook(make_workbook(tables), path)


def make_workbook(tables: Mapping[str, pd.DataFrame]) -> Any:
    """An openpyxl workbook with a sheet for each table, its heading frozen, every text a text."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.page import PageMargins

    book = Workbook()
    book.remove(book.active)
    short, long = Alignment(vertical="top"), Alignment(vertical="top", wrap_text=True)
    bold, blue = Font(bold=True, color="FFFFFFFF"), solid("FF1D3B53")
    for title, table in tables.items():
        sheet = book.create_sheet(re.sub(r"[\[\]:*?/\\']", " ", clean_text(title))[:31] or "Sheet")
        for position, name in enumerate(table.columns, start=1):
            heading = sheet.cell(1, position, safe_text(str(name)))
            heading.font, heading.fill = bold, blue
            texts = [str(name), *map(str, table[name].head(200).tolist())]
            width = min(max(max(map(len, texts)) + 2, 9), _WIDE)
            sheet.column_dimensions[letters(position)].width = width
        looks = dict[tuple[type, bool], Any]()  # cells to be copied: to make a style takes long
        for line, record in enumerate(_records(table), start=2):
            longest = max((len(value) for value in record if isinstance(value, str)), default=0)
            if longest > _WIDE:  # not every program fits the height of a row to its text
                sheet.row_dimensions[line].height = 15 * min(1 + longest // 50, 25)
            for position, value in enumerate(record, start=1):
                if value is None or value == "":
                    continue
                cell, text = sheet.cell(line, position), isinstance(value, str)
                cell.value = value[:_LONGEST_CELL] if text else value
                if text:
                    cell.data_type = "s"
                look = type(value), text and len(value) > _WIDE
                if look in looks:
                    cell._style = copy(looks[look]._style)
                    continue
                looks[look] = cell
                cell.alignment = long if look[1] else short
                if isinstance(value, date):
                    cell.number_format = DATE_FORMAT
        sheet.freeze_panes = "A2"
        sheet.print_title_rows = "1:1"
        sheet.page_margins = PageMargins(left=0.4, right=0.4, top=0.5, bottom=0.5)
    return book


def fit_to_width(sheet: Any) -> None:
    """Print a sheet on its side, as wide as the paper."""
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def column_letter(names: Iterable[str], name: str) -> str:
    """The letter of a column of a sheet with such headings."""
    return letters(list(names).index(name) + 1)


def solid(colour: str) -> Any:
    """The fill of a cell."""
    from openpyxl.styles import PatternFill

    return PatternFill("solid", start_color=colour)


def note(cell: Any, text: str, author: str, width: int, height: int) -> None:
    """Put a note on a cell."""
    from openpyxl.comments import Comment

    cell.comment = Comment(text, author, height, width)


def choices(options: Sequence[str]) -> dict[str, str]:
    """The rule of a list to choose from, for `restrict`; {} where a workbook cannot hold it."""
    listed = f'"{",".join(options)}"'
    possible = options and len(listed) < 255 and not any("," in option for option in options)
    return {"type": "list", "formula1": listed} if possible else {}


def restrict(
    sheet: Any, cells: Iterable[str], error: str = _CHOOSE, prompt: str = "", **rule: str
) -> None:
    """Let cells hold only what a rule allows: programs refuse anything else with a sentence. A rule
    that allows everything (`custom`) only shows the prompt; no rule restricts nothing."""
    from openpyxl.worksheet.datavalidation import DataValidation

    check = DataValidation(
        allow_blank=True,
        showErrorMessage=rule.get("type") != "custom",
        errorTitle="This cannot be taken",
        error=error,
        errorStyle="stop",
        showInputMessage=bool(prompt),
        prompt=prompt or None,
        **rule,
    )
    for cell in cells if rule else ():
        check.add(cell)
    if check.sqref:
        sheet.add_data_validation(check)


@contextmanager
def writing(what: Path | str) -> Iterator[None]:
    """Make a sentence of what the system refuses to write. Raises `KpiError`."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise KpiError(f"{what} could not be written: {error.strerror}{where}.") from error


def save_workbook(book: Any, path: str | os.PathLike[str]) -> Path:
    """Save an openpyxl workbook so that the same content gives the same bytes; return the path."""
    raw = io.BytesIO()
    book.save(raw)
    return put(path, repacked(raw.getvalue()))


def repacked(content: bytes) -> bytes:
    """A workbook or document without the time of its making."""
    fixed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            part = source.read(name)
            if name == "docProps/core.xml" and b"spreadsheet" in source.read("[Content_Types].xml"):
                part = _TIMES.sub(rb"\g<1>2000-01-01T00:00:00Z", part)
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = 0o600 << 16
            target.writestr(info, part)
    return fixed.getvalue()


def processed_folder(raw: str | Path, quarter: Quarter) -> Path:
    """Where refused rows of a quarter are kept: `processed/2024-25-Q3` beside the raw folder. A
    folder of another name than `raw` may have other councils beside it: its rows are in
    `processed/<its name>/2024-25-Q3`."""
    folder = raw_folder(raw).absolute()
    place = folder.parent / "processed"
    return (place if folder.name == "raw" else place / folder.name) / quarter.slug


def keep_rejected(returns: Returns, raw: str | Path) -> list[Path]:
    """Write what was refused or taken otherwise than sent into `processed_folder`, in place of what
    is left of earlier runs; return the workbooks to be sent back.

    `changes.csv` holds what was taken otherwise than it was sent, `problems.csv` all problems where
    one is an error, `rejected.csv` every rejected row as sent. For each file of the returns with a
    rejected row that its service can put right there is a workbook with that file's rows and
    problems alone, a note on each bad cell: nothing of another service's, or of the council's own
    tables. Raises `KpiError` where nothing can be written."""
    target, problems, taken = processed_folder(raw, returns.quarter), returns.problems, set[str]()
    errors = problems[problems["severity"] == ERROR]
    theirs = errors.loc[errors["who"] == SERVICE, "file"]
    sent = returns.rejected[returns.rejected["file"].str.startswith("returns/")]
    with writing("The rejected rows"):
        if target.is_dir():
            for old in [*(target / name for name in _TABLES), *target.glob("rejected*.xlsx")]:
                old.unlink(missing_ok=True)
            if not any(target.iterdir()):
                target.rmdir()
        listed = problems if len(errors) else errors
        for name, table in zip(_TABLES, (returns.log, listed, returns.rejected), strict=True):
            if len(table):
                target.mkdir(parents=True, exist_ok=True)
                write_csv(table, target / name)
        return [
            save_workbook(
                _reject_workbook(rows, problems[problems["file"] == file]),
                target / f"rejected-{file_name(str(file).removeprefix('returns/'), taken)}.xlsx",
            )
            for file, rows in sent[sent["file"].isin(theirs)].groupby("file", sort=False)
        ]


def sent_back(workbooks: Iterable[Path | str], indent: str = "") -> str:
    """The lines that name the workbooks to be sent back, each after a line end; or nothing."""
    names = sorted(map(str, workbooks))
    head = f"\n{indent}Rejected rows, to be sent back"
    if len(names) > 1:
        each = "".join(f"\n{indent}  {name}" for name in names)
        return f"{head}, a workbook for each file:{each}"
    return f"{head}: {names[0]}" if names else ""


def _reject_workbook(rows: pd.DataFrame, problems: pd.DataFrame) -> Any:
    """One file's rejected rows, with the columns that it has, and its problems."""
    rows = rows.dropna(axis="columns", how="all")
    book = make_workbook({"Rejected": rows, "Problems": problems})
    places = {str(name): place for place, name in enumerate(rows.columns, start=1)}
    lines = {key: line for line, key in enumerate(zip(rows["sheet"], rows["row"], strict=True), 2)}
    found = defaultdict(list)
    for problem in problems[problems["row"].notna()].itertuples():
        if line := lines.get((problem.sheet, problem.row)):
            found[line, places.get(column_name(problem.column), places["codes"])].append(problem)
    for place, of_cell in found.items():
        cell = book["Rejected"].cell(*place)
        error = any(problem.severity == ERROR for problem in of_cell)
        cell.fill = solid(_ERROR_COLOUR if error else _WARNING_COLOUR)
        texts = dict.fromkeys(f"{problem.rule} {problem.remedy}" for problem in of_cell)
        note(cell, "\n".join(texts), "kpi check", 320, 40 + 30 * len(of_cell))
    for sheet in book.worksheets:
        fit_to_width(sheet)
    return book


def _records(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [[_plain(value) for value in table[name].tolist()] for name in table.columns]
    return list(zip(*columns, strict=True))


def _plain(value: Any) -> Any:
    """What a cell becomes in a file: a number, a safe text, a date, or None where missing."""
    if isinstance(value, str):
        return safe_text(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return int(value) if whole else value if isfinite(value) else None
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, int | date) else safe_text(str(value))


def put(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file as a whole: until it is there, an older one stays as it is; return the path."""
    target = Path(path)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_bytes(content)
    os.replace(unfinished, target)
    return target
