"""What was refused, kept to be sent back: CSV, and a workbook with each bad cell coloured and noted (floor 1)."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import KpiError
from kpi_tools.files.spreadsheets import make_workbook, save_workbook, write_csv
from kpi_tools.loading import Returns, ReturnsError, load, raw_folder
from kpi_tools.quarters import Quarter
from kpi_tools.words.problems import column_name
from kpi_tools.words.rules import ERROR

_COLOURS: Final = {"error": "FFF4B6B0", "warning": "FFFFE699"}


_FILES: Final = ("rejected.csv", "problems.csv", "rejected.xlsx")


def load_keeping_rejected(
    raw: str | Path, quarter: Quarter, *, allow_rejected: bool = False
) -> Returns:
    """As `load`; whatever comes of it, what was refused is in `processed_folder` afterwards, and nothing older is.

    The `ReturnsError` says where. Raises `KpiError` where nothing can be written there.
    """
    try:
        returns = load(raw, quarter, allow_rejected=allow_rejected)
    except ReturnsError as error:
        kept = keep_rejected(error.returns, raw)
        raise ReturnsError(
            f"{error}\n  Rejected rows, to be sent back: {kept}", error.returns
        ) from None
    keep_rejected(returns, raw)
    return returns


def processed_folder(raw: str | Path, quarter: Quarter) -> Path:
    """Where the refused rows of a quarter are kept: beside the raw folder, in `processed/2024-25-Q3`.

    A folder of another name than `raw` may have other councils beside it: theirs are in `processed/<its name>/2024-25-Q3`.
    """
    folder = raw_folder(raw).absolute()
    place = folder.parent / "processed"
    return (place if folder.name == "raw" else place / folder.name) / quarter.slug


def keep_rejected(returns: Returns, raw: str | Path) -> Path | None:
    """Write what was refused (`write_rejected`) into `processed_folder`; the workbook's path.

    Where nothing was, the files of an earlier run are removed and None is returned.
    """
    folder = processed_folder(raw, returns.quarter)
    try:
        if (returns.problems["severity"] == ERROR).any():
            return write_rejected(returns, folder)[-1]
        for name in _FILES:
            (folder / name).unlink(missing_ok=True)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    except OSError as error:
        raise KpiError(
            f"The rejected rows could not be written: {error.strerror} ({error.filename})."
        ) from error
    return None


def write_rejected(returns: Returns, folder: str | Path) -> list[Path]:
    """Write rejected.csv, problems.csv and rejected.xlsx into `folder` (made where missing); return their paths.

    The workbook has the rejected rows as sent, with a note on each bad cell that says what is wrong and what to do,
    and a sheet with all problems. Without rejected rows the tables are empty. The same returns give the same bytes.
    """
    from openpyxl.worksheet.properties import PageSetupProperties

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    book = make_workbook({"Rejected": returns.rejected, "Problems": returns.problems})
    _mark(book["Rejected"], returns)
    for sheet in book.worksheets:
        sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return [
        write_csv(returns.rejected, target / _FILES[0]),
        write_csv(returns.problems, target / _FILES[1]),
        save_workbook(book, target / _FILES[2]),
    ]


def _mark(sheet: Any, returns: Returns) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    fills = {
        severity: PatternFill("solid", start_color=colour) for severity, colour in _COLOURS.items()
    }
    places = {name: place for place, name in enumerate(returns.rejected.columns, start=1)}
    lines = {
        key: line
        for line, key in enumerate(
            zip(*(returns.rejected[name] for name in ("file", "sheet", "row")), strict=True), 2
        )
    }
    notes: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    located = returns.problems[returns.problems["row"].notna()]
    for problem in located.itertuples():
        if line := lines.get((problem.file, problem.sheet, int(problem.row))):
            place = places.get(column_name(problem.column), places["codes"])
            notes[line, place].append((problem.severity, f"{problem.rule} {problem.remedy}"))
    for (line, place), said in notes.items():
        cell = sheet.cell(line, place)
        cell.fill = fills[
            "error" if any(severity == "error" for severity, _ in said) else "warning"
        ]
        note = Comment("\n".join(dict.fromkeys(text for _, text in said)), "kpi check")
        note.width, note.height = 320, 40 + 30 * len(said)
        cell.comment = note
