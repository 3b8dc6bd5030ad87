"""The sheets of a workbook or CSV file that is not one of our returns: every cell with its place, kind and colour."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpi_tools.errors import InputError
from kpi_tools.loading.cells import ERROR, FORMULA
from kpi_tools.loading.csvs import FileFault, read_text
from kpi_tools.loading.rules import RULES
from kpi_tools.workbooks.child import Workbooks
from kpi_tools.workbooks.parts import letters


@dataclass
class Sheet:
    """The cells of one visible sheet: texts, workbook kinds and colours by (line, place), places from 0."""

    name: str
    cells: dict[tuple[int, int], str]
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)
    fills: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    turned: bool = False

    def __post_init__(self) -> None:
        self.lines = sorted({line for line, _ in self.cells})
        self.width = 1 + max((place for _, place in self.cells), default=-1)
        self.spread = dict(self.cells)
        self.single = dict[int, tuple[int, int]]()
        for top, left, bottom, right in self.merged:
            text = self.cells.get((top, left), "")
            for line in range(top, bottom + 1) if text else ():
                if right > left:
                    self.single[line] = (left, right)
                for place in range(left, right + 1):
                    self.spread.setdefault((line, place), text)

    def text(self, line: int, place: int) -> str:
        """The text of a cell, in a merged range that of its first."""
        return self.spread.get((line, place), "")

    def where(self, line: int, place: int) -> str:
        """The name of a cell as a person sees it."""
        return f"{letters(line)}{place + 1}" if self.turned else f"{letters(place + 1)}{line}"

    def across(self) -> "Sheet":
        """The sheet with rows and columns exchanged."""

        def swap(cells: dict[tuple[int, int], str]) -> dict[tuple[int, int], str]:
            return {(place + 1, line - 1): text for (line, place), text in cells.items()}

        merged = [
            (left + 1, top - 1, right + 1, bottom - 1) for top, left, bottom, right in self.merged
        ]
        return Sheet(
            self.name, swap(self.cells), swap(self.kinds), swap(self.fills), merged, not self.turned
        )


def open_sheets(path: Path) -> tuple[list[Sheet], list[tuple[str, str]]]:
    """The visible sheets of a workbook or CSV file, and why others were left (sheet, reason). Raises `InputError`."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from None
    left = []
    try:
        if path.suffix.lower() != ".xlsx":
            grid = read_text(
                raw, lambda rows: max((sum(map(bool, row)) for row in rows), default=0)
            )
            return [Sheet("", _numbered(zip(grid.records or [], grid.cells, strict=True)))], []
        with Workbooks() as books:
            answer = books.read(raw)
        if "fault" in answer:
            raise FileFault(answer["fault"], answer["detail"])
    except FileFault as fault:
        rule = RULES[fault.code]
        sentence = rule.sentence.replace("{detail}", fault.detail)
        raise InputError(f"{path.name}: {sentence} {rule.remedy}") from None
    sheets = []
    for sheet in answer["sheets"]:
        if sheet["hidden"]:
            left += [(sheet["name"], "the sheet is hidden")] if sheet["filled"] else []
            continue
        cells = _numbered(sheet["rows"])
        kinds = {(line, place): kind for line, place, kind in sheet["kinds"]}
        cells |= {where: "" for where, kind in kinds.items() if kind == FORMULA}
        fills = {(line, place): colour for line, place, colour in sheet["fills"]}
        merged = [(top, left, bottom, after - 1) for _, left, top, after, bottom in sheet["merged"]]
        sheets.append(Sheet(sheet["name"], cells, kinds, fills, merged))
    return sheets, left


def _numbered(rows: Any) -> dict[tuple[int, int], str]:
    return {
        (line, place): text
        for line, texts in rows
        for place, text in enumerate(texts)
        if text.strip()
    }


def unreadable(sheet: Sheet, line: int, place: int) -> str:
    """Why nothing can be read from a cell that is not blank to a person; "" where it can."""
    kind = sheet.kinds.get((line, place), "")
    if kind == FORMULA:
        return "a formula that was never calculated"
    return "the error of a formula" if kind == ERROR else ""
