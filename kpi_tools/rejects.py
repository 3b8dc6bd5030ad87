"""What was refused, written out to be sent back: CSV, and a workbook with each bad cell coloured and noted (floor 1)."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kpi_tools.problems import column_name
from kpi_tools.spreadsheets import make_workbook, save_workbook, write_csv

if TYPE_CHECKING:
    from kpi_tools.loading import Returns

_COLOURS: Final = {"error": "FFF4B6B0", "warning": "FFFFE699"}


def write_rejected(returns: "Returns", folder: str | Path) -> list[Path]:
    """Write rejected.csv, problems.csv and rejected.xlsx into `folder` (made where missing); return their paths.

    The workbook has the rejected rows as sent, with a note on each bad cell that says what is wrong and what to do,
    and a sheet with all problems. Without rejected rows the tables are empty. The same returns give the same bytes.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    book = make_workbook({"Rejected": returns.rejected, "Problems": returns.problems})
    _mark(book["Rejected"], returns)
    return [
        write_csv(returns.rejected, target / "rejected.csv"),
        write_csv(returns.problems, target / "problems.csv"),
        save_workbook(book, target / "rejected.xlsx"),
    ]


def _mark(sheet: Any, returns: "Returns") -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    fills = {severity: PatternFill("solid", start_color=colour) for severity, colour in _COLOURS.items()}
    places = {name: place for place, name in enumerate(returns.rejected.columns, start=1)}
    lines = {
        key: line
        for line, key in enumerate(zip(*(returns.rejected[name] for name in ("file", "sheet", "row")), strict=True), 2)
    }
    notes: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    located = returns.problems[returns.problems["row"].notna()]
    for problem in located.itertuples():
        if line := lines.get((problem.file, problem.sheet, int(problem.row))):
            place = places.get(column_name(problem.column), places["codes"])
            notes[line, place].append((problem.severity, f"{problem.rule} {problem.remedy}"))
    for (line, place), said in notes.items():
        cell = sheet.cell(line, place)
        cell.fill = fills["error" if any(severity == "error" for severity, _ in said) else "warning"]
        note = Comment("\n".join(dict.fromkeys(text for _, text in said)), "kpi check")
        note.width, note.height = 320, 40 + 30 * len(said)
        cell.comment = note
