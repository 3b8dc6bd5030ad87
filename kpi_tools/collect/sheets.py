"""The sheets of a workbook or CSV file that is no return: every cell with its place and colour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kpi_tools.errors import InputError, Refused
from kpi_tools.loading.cells import DATE, ERROR, FORMULA, MONTH, YEAR, clean_name
from kpi_tools.loading.grids import read_text
from kpi_tools.loading.rules import RULES, rows_in_words
from kpi_tools.spreadsheets import safe_text
from kpi_tools.workbooks.child import Workbooks
from kpi_tools.workbooks.parts import letters

Place = tuple[int, int]
"""The line of a cell as a person counts, and its place in it, from 0."""
_LENGTHS = {MONTH: 7, DATE: 7, YEAR: 4}
_FAULTS = {FORMULA: "a formula that was never calculated", ERROR: "the error of a formula"}


@dataclass
class Sheet:
    """A visible sheet: texts, colours, and why nothing can be read from a cell, by place."""

    name: str
    cells: dict[Place, str]
    fills: dict[Place, str] = field(default_factory=dict)
    faults: dict[Place, str] = field(default_factory=dict)
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

    def row(self, line: int) -> dict[int, str]:
        """The texts that stand in a line, by place; a merged one at its first place."""
        texts = ((at, self.cells.get((line, at), "").strip()) for at in range(self.width))
        return {at: text for at, text in texts if text}

    def letter(self, place: int) -> str:
        """What a person calls the column (in a turned sheet the row) of a place."""
        return str(place + 1) if self.turned else letters(place + 1)

    def where(self, line: int, place: int) -> str:
        """The name of a cell as a person sees it."""
        return f"{letters(line)}{place + 1}" if self.turned else f"{letters(place + 1)}{line}"

    def across(self) -> "Sheet":
        """The sheet with rows and columns exchanged."""
        cells, fills, faults = (
            {(place + 1, line - 1): text for (line, place), text in one.items()}
            for one in (self.cells, self.fills, self.faults)
        )
        merged = [(left + 1, top - 1, right + 1, end - 1) for top, left, end, right in self.merged]
        return Sheet(self.name, cells, fills, faults, merged, not self.turned)

    def records(self) -> list[dict[str, str]]:
        """The rows below the first by its headings, as texts; `_line` is where they stand."""
        heads = {place: text for (line, place), text in self.cells.items() if line == 1}
        return [
            {name: _typed(self.cells.get((line, place), "")) for place, name in heads.items()}
            | {"_line": str(line)}
            for line in self.lines
            if line > 1
        ]


def _typed(text: str) -> str:
    """A text without the apostrophe of `safe_text`."""
    plain = clean_name(text)
    bare = plain.removeprefix("'")
    return bare if safe_text(bare) == plain else plain


def open_sheets(path: Path) -> tuple[list[Sheet], list[tuple[str, str]]]:
    """The visible sheets of a workbook or CSV file, and what is to be told of sheets: why one was
    left, what in one is hidden. Raises `InputError` where it cannot be opened or read as such."""
    try:
        raw = path.read_bytes()
        if path.suffix.lower() != ".xlsx":
            grid = read_text(raw, lambda rows: max([sum(map(bool, one)) for one in rows] or [0]))
            return [Sheet("", _cells(zip(grid.records or [], grid.cells, strict=True)))], []
        with Workbooks() as books:
            answer = books.read(raw)
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}.") from None
    except Refused as fault:
        rule = RULES[fault.code]
        sentence = rule.sentence.replace("{detail}", fault.detail)
        raise InputError(f"{path.name}: {sentence} {rule.remedy}") from None
    sheets, left = list[Sheet](), list[tuple[str, str]]()
    for one in answer["sheets"]:
        if one["hidden"]:
            left += [(one["name"], "the sheet is hidden")] if one["filled"] else []
            continue
        cells, kinds = _cells(one["rows"]), {(line, at): kind for line, at, kind in one["kinds"]}
        for place, kind in kinds.items():
            if kind in _LENGTHS and place in cells:
                cells[place] = cells[place][: _LENGTHS[kind]]
            elif kind == FORMULA:
                cells[place] = ""
        faults = {place: _FAULTS[kind] for place, kind in kinds.items() if kind in _FAULTS}
        fills = {(line, at): colour for line, at, colour in one["fills"]}
        rows = sorted({line for line, _ in cells}.intersection(one["hidden_rows"]))
        columns = sorted({place for _, place in cells}.intersection(one["hidden_columns"]))
        unseen = [rows_in_words(rows)] if rows else []
        unseen += [f"column {letters(place + 1)}" for place in columns]
        if unseen:
            left.append((one["name"], f"read although hidden: {', '.join(unseen)}"))
        merged = [(top, first, end, after - 1) for _, first, top, after, end in one["merged"]]
        sheets.append(Sheet(one["name"], cells, fills, faults, merged))
    return sheets, left


def _cells(rows: Iterable[tuple[int, Sequence[str]]]) -> dict[Place, str]:
    cells = (((line, at), text) for line, texts in rows for at, text in enumerate(texts))
    return {place: text for place, text in cells if text.strip()}
