"""One file → one table of texts, with the rows and columns that a person sees, not yet understood.
Knows files, not KPIs: which sheet and row hold the headings. What is wrong with the file as a
whole, or with the shape of a row, goes into the ledger."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from kpi_tools.errors import Refused
from kpi_tools.loading.cells import CIRCULAR, FORMULA, clean_name
from kpi_tools.loading.grids import (
    Grid,
    Snapshot,
    heading,
    read_text,
    received_rows,
    workbook_grids,
)
from kpi_tools.loading.rules import ERROR, Ledger
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.workbooks.child import Workbooks
from kpi_tools.workbooks.parts import letters

_HEADING_WITHIN: Final = 40
_TIME: Final = re.compile(
    r"q[1-4]|(?:20)?\d\d[-/](?:20)?\d\d|20\d\d|\d{4}-\d\d-\d\d|\d\d?[-/.]\d\d?[-/.](?:20)?\d\d|"
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?[-/' ]*(?:(?:20)?\d\d)?",
    re.I,
)


@dataclass(frozen=True)
class Entry:
    """An entry of the codebook, a column of a table or a setting of council.toml: its kind, what it
    means, its default, an example. `without` says the default in words where it does not say
    itself; `options`, `least` and `most` bound it, as its kind needs; `attribute`: the name of a
    setting in `Council`."""

    name: str
    kind: str
    meaning: str
    example: str = ""
    required: bool = False
    default: Any = None
    without: str = ""
    options: Sequence[str] = ()
    least: float = 0
    most: float = 0
    part: str = ""
    attribute: str = ""


@dataclass(frozen=True)
class Schema:
    """A table: where it lies, what a row of it is, its columns, and which of them name a row.
    `further`: whether more columns may stand beside these, each a line of numbers; `prefilled`:
    columns that our own template has for whoever fills it in, which are kept where all of them
    stand there; `optional`: whether the file may be missing; `certain`: whether of two rows with
    one key the first is taken, not neither."""

    file: str
    row: str
    key: Sequence[str]
    columns: Sequence[Entry]
    further: bool = False
    prefilled: Sequence[str] = ()
    optional: bool = True
    certain: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that the file must have."""
        return tuple(column.name for column in self.columns if column.required)


@dataclass
class Table:
    """The rows below the headings of one sheet, as texts by column; `bad` marks refused rows.
    `rows_in` counts them together with `blank` rows; `beyond` holds what stands right of the last
    heading; `shifted` marks rows of another width. `later` counts good rows that come into force
    after the report's quarter: they are not part of its account, which would change with them."""

    file: str
    sheet: str
    rows: list[int]
    cells: dict[str, list[str]]
    letters: dict[str, str]
    ledger: Ledger
    kinds: dict[str, dict[int, str]] = field(default_factory=dict)
    records: list[int] | None = None
    comma_is_doubtful: bool = False
    blank: int = 0
    later: int = 0
    rows_in: int = 0
    beyond: dict[int, str] = field(default_factory=dict)
    bad: np.ndarray = field(init=False)
    shifted: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), dtype=bool)
        self.shifted = np.zeros(len(self.rows), dtype=bool)

    def __len__(self) -> int:
        return len(self.rows)

    def kind(self, column: str, position: int) -> str:
        """The workbook kind of a cell, "" where its text says all."""
        return self.kinds.get(column, {}).get(position, "")

    def place(self, column: str) -> str:
        """How problems name a column: `value (C)`."""
        return f"{column} ({self.letters[column]})" if column in self.letters else column

    def fault(
        self, position: int, column: str, code: str, detail: str = "", quoted: bool = True
    ) -> None:
        """Note that the cell breaks a rule; where the rule is an error, the row is refused. Where
        cells do not stand under their headings no more is said of them."""
        if self.shifted[position]:
            return
        severity = self.ledger.problem(
            code,
            self.file,
            sheet=self.sheet,
            row=self.rows[position],
            column=self.place(column) if column else "",
            value=self.cells[column][position] if quoted and column in self.cells else "",
            detail=detail,
            excel_row=self.records[position] if self.records else 0,
        )
        self.bad[position] |= severity == ERROR

    def changed(self, position: int, column: str, taken: str, why: str = "") -> None:
        """Note that a cell was taken as something else than it says, if it was."""
        sent, place = self.cells[column][position], self.place(column)
        if why or taken != sent and (taken or sent.strip(" ")):
            self.ledger.change(self.file, self.sheet, self.rows[position], place, sent, taken, why)


def read_table(
    snapshot: Snapshot,
    schema: Schema,
    ledger: Ledger,
    books: Workbooks,
    sheet: str = "",
    received: Quarter | None = None,
) -> Table | None:
    """The table of `schema` in the file; None where the file is refused, as the ledger says. Of
    council.xlsx that in one `sheet`, and there the rows that were `received` with the returns of a
    quarter."""
    try:
        if snapshot.path.suffix.lower() == ".xlsx":
            grids = workbook_grids(snapshot, books, ledger)
            grid = _choose([one for one in grids if sheet in ("", one.sheet)], schema)
            grid = received_rows(grid, received) if received else grid
        else:
            grid = read_text(snapshot.raw, lambda rows: _known(rows, schema))
        for why in grid.remarks:
            ledger.change(snapshot.file, "", 0, "", "", "", why)
        return _table(grid, schema, snapshot.file, ledger)
    except Refused as fault:
        place: dict[str, Any] = {"sheet": fault.sheet, "row": fault.row}
        ledger.problem(fault.code, snapshot.file, **place, detail=fault.detail)
        return None


def has_table(snapshot: Snapshot, schema: Schema, ledger: Ledger, books: Workbooks) -> Table | None:
    """The table of `schema` in any sheet of a workbook; None where there is none: no fault."""
    if snapshot.path.suffix.lower() != ".xlsx":
        return None
    try:
        grids = workbook_grids(snapshot, books, ledger)
        found = [one for one in grids if not one.hidden and _heading_row(one, schema) is not None]
        return _table(found[0], schema, snapshot.file, ledger) if found else None
    except Refused:
        return None  # it is told where the figures are read


def has_figures(snapshot: Snapshot, schema: Schema, besides: str) -> bool:
    """Whether a workbook that was read has a schema's headings besides in one sheet, or a hidden
    sheet."""
    others = [one for one in snapshot.grids or () if one.sheet != besides]
    return any(_known(one.cells, schema) > 1 or one.hidden and one.filled for one in others)


def _known(rows: Sequence[Sequence[str]], schema: Schema) -> int:
    """The most headings of `schema` that stand in one of the first rows."""
    first = ({*map(heading, row)} for row in rows[:_HEADING_WITHIN])
    return max((len(names.intersection(schema.names)) for names in first), default=0)


def _heading_row(grid: Grid, schema: Schema) -> int | None:
    first = enumerate(grid.cells[:_HEADING_WITHIN])
    required = set(schema.required)
    return next((at for at, cells in first if required <= set(map(heading, cells))), None)


def _choose(grids: list[Grid], schema: Schema) -> Grid:
    """The one visible sheet that holds the table. Raises `Refused` where there is not one."""
    visible = [grid for grid in grids if not grid.hidden]
    candidates = [grid for grid in visible if _heading_row(grid, schema) is not None]
    if len(candidates) > 1:
        raise Refused("table-sheets", ", ".join(f'"{grid.sheet}"' for grid in candidates))
    if candidates:
        return candidates[0]
    if not any(grid.cells for grid in visible):
        hidden = [f'"{grid.sheet}"' for grid in grids if grid.hidden and grid.filled]
        raise Refused("table-hidden", ", ".join(hidden)) if hidden else Refused("file-empty")
    return max(visible, key=lambda grid: _known(grid.cells, schema))


def _no_headings(grid: Grid, schema: Schema) -> Refused:
    """Why there is no row of headings: the nearest row decides."""
    best, missing = 0, schema.required
    for line, cells in zip(grid.lines, grid.cells[:_HEADING_WITHIN], strict=False):
        names = set(map(heading, cells))
        known, periods = names & set(schema.names), [cell for cell in cells if _is_time(cell)]
        if len(periods) > 1 and (known or not best):
            return Refused("table-wide", ", ".join(periods[:3]), grid.sheet, line)
        lacking = tuple(name for name in schema.required if name not in names)
        if known and len(lacking) < len(missing):
            best, missing = line, lacking
    wanted = ", ".join(f'"{name}"' for name in missing)
    return Refused("table-columns" if best else "table-header", wanted, grid.sheet, best)


def _is_time(text: str) -> bool:
    """Whether a heading is one of a row of periods: quarters, months, years, dates."""
    try:
        return bool(_TIME.fullmatch(clean_name(text))) or bool(Quarter.parse(text))
    except QuarterError as error:
        return "is ambiguous" in str(error)


def _table(grid: Grid, schema: Schema, file: str, ledger: Ledger) -> Table:
    """The table in a grid; faults of headings and shapes go into the ledger. Raises `Refused`."""
    at, key = _heading_row(grid, schema), schema.required[0]
    if at is None:
        raise _no_headings(grid, schema)
    line, names = grid.lines[at], list(map(heading, grid.cells[at]))
    while not names[-1]:
        names.pop()
    for name in schema.names:
        if names.count(name) > 1:
            raise Refused("table-duplicate", f'"{name}"', grid.sheet, line)
    prefilled = schema.prefilled if set(schema.prefilled) <= set(names) else ()
    others = filter(None, names) if schema.further else ()
    formulas = {line for (line, _), kind in grid.kinds.items() if kind in (FORMULA, CIRCULAR)}
    below = zip(grid.lines[at + 1 :], grid.cells[at + 1 :], strict=True)
    filled = [(of, row) for of, row in below if any(map(str.strip, row)) or of in formulas]
    lines, body = [of for of, _ in filled], [row for _, row in filled]
    wanted = dict.fromkeys([*schema.names, *prefilled, *others])
    places = {name: names.index(name) for name in wanted if name in names}
    cells = {name: [""] * len(body) for name in wanted}
    for name, place in places.items():
        cells[name] = [row[place] if place < len(row) else "" for row in body]
    record_of = dict(zip(grid.lines, grid.records, strict=True)) if grid.records else {}
    letter_of = {name: letters(place + 1) for name, place in places.items()}
    table = Table(file, grid.sheet, lines, cells, letter_of, ledger)
    table.records = [record_of[of] for of in lines] if record_of else None
    table.comma_is_doubtful = grid.comma_is_doubtful
    table.rows_in = grid.last - record_of.get(line, line)
    table.blank = table.rows_in - len(filled)
    _describe_headings(table, grid, schema, at, names)
    if not filled:
        ledger.problem("table-no-rows", file, sheet=grid.sheet, row=line)
    for of, text in zip(lines, cells[key], strict=True):
        if heading(text) == key:
            raise Refused("table-two", str(of), grid.sheet, of)
    if record_of:
        _check_widths(table, body, len(grid.cells[at]), len(names), line)
    else:
        for position, row in enumerate(body):
            _check_beyond(table, position, row, len(names))
        _mark(table, grid, schema, places)
    return table


def _describe_headings(table: Table, grid: Grid, schema: Schema, at: int, names: list[str]) -> None:
    """What stands above the headings, how they are spelt, and which of them are not asked for."""
    ledger, file, sheet, line = table.ledger, table.file, grid.sheet, grid.lines[at]
    for above, cells in zip(grid.lines[:at], grid.cells, strict=False):
        if text := " ".join(filter(None, map(clean_name, cells))):
            ledger.change(file, sheet, above, "", text, "", "text above the headings, left out")
    for place, name in enumerate(names):
        sent, letter = grid.cells[at][place], letters(place + 1)
        column = f"{name} ({letter})"
        if name in schema.names:
            if sent != name:
                ledger.change(file, sheet, line, column, sent, name, "heading")
            if place in grid.hidden_columns:
                ledger.problem("column-hidden", file, sheet=sheet, column=column)
            continue
        below = (row[place] for row in grid.cells[at + 1 :] if place < len(row))
        if name not in table.cells and (name or any(map(str.strip, below))):
            column = f"{clean_name(sent) or '(no heading)'} ({letter})"
            # a column of older folders
            detail = ' It is called "rating" now, and worked out.' if name == "rag" else ""
            where = dict[str, Any](sheet=sheet, row=line, column=column)
            ledger.problem("table-unexpected", file, **where, detail=detail)


def _check_widths(table: Table, body: list[list[str]], wide: int, width: int, line: int) -> None:
    """Rows of a CSV file have as many cells as its headings (`wide`, blank ones too): one more is a
    comma in a number."""
    surplus = _blank_surplus(body, wide)
    if surplus:
        why = "a blank cell too many at the end of every row, left out"
        table.ledger.change(table.file, "", line, "", "", "", why)
    for position, row in enumerate(body):
        filled = [cell for cell in row if cell.strip()]
        alone = len(filled) == 1 and len(re.split(r"[,;\t|]", filled[0])) < len(table.letters)
        if len(row) < wide and alone:
            table.fault(position, next(iter(table.cells)), "row-footnote")
        elif len(row) < wide:
            table.fault(position, "", "row-short", f"{len(row)} of {wide}")
        elif len(row) > wide + surplus:
            table.beyond[position] = " | ".join(row[width:])
            table.fault(position, "", "row-long", f"{len(row)} instead of {wide}")
        else:
            _check_beyond(table, position, row, width)
    table.shifted = table.bad.copy()


def _check_beyond(table: Table, position: int, row: list[str], width: int) -> None:
    """Nothing may stand right of the last heading."""
    if beyond := [place for place in range(width, len(row)) if row[place].strip()]:
        table.beyond[position] = " | ".join(row[place] for place in beyond)
        where = f"{letters(beyond[0] + 1)}{table.rows[position]}"
        text = clean_name(row[beyond[0]])[:80]
        table.fault(position, "", "row-beside", f'{where} ("{text}")')


def _mark(table: Table, grid: Grid, schema: Schema, places: dict[str, int]) -> None:
    """What a workbook says of its cells and rows besides their texts."""
    position_of = {line: position for position, line in enumerate(table.rows)}
    column_at = {place: name for name, place in sorted(places.items(), key=lambda one: one[1])}
    for (line, place), kind in grid.kinds.items():
        if line in position_of and place in column_at:
            table.kinds.setdefault(column_at[place], {})[position_of[line]] = kind
    for line in grid.hidden_rows:
        if line in position_of:
            table.fault(position_of[line], "", "row-hidden")
    for line, place, code, detail in grid.marks:
        if line in position_of and column_at.get(place) in schema.names:
            table.fault(position_of[line], column_at[place], code, detail)
    merged = dict[tuple[int, str], str]()
    for reference, left, top, right, bottom in grid.merged:
        inside = [name for place, name in column_at.items() if left <= place < right]
        for line in table.rows if inside else ():
            if top <= line <= bottom:
                merged.setdefault((position_of[line], inside[0]), reference)
    for (position, column), reference in merged.items():
        table.fault(position, column, "row-merged", reference)


def _blank_surplus(body: list[list[str]], wide: int) -> int:
    """How many blank cells every row has too many at its end, as some programs write. 0 where a
    comma may have cut a number: that leaves one to three digits beside exactly three. A row without
    such a pair shows that the blank is of all."""
    widths = set(map(len, body))
    surplus = widths.pop() - wide if len(widths) == 1 and len(body) > 1 else 0
    blank = not any(cell.strip() for row in body for cell in row[wide:])
    return surplus if surplus > 0 and blank and not all(map(_may_be_cut, body)) else 0


def _may_be_cut(row: list[str]) -> bool:
    return any(
        re.fullmatch(r"-?£?\d{1,3}", left.strip())
        and re.fullmatch(r"\d{3}(?:\.\d+)?%?", right.strip())
        for left, right in zip(row, row[1:], strict=False)
    )
