"""One file → one table of texts, with the rows that a person sees.

Knows files, not KPIs: what a file really is, its encoding and separator, which sheet and row hold the headings.
What is wrong with the file as a whole, or with the shape of a row, goes into the ledger.
"""

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kpi_tools.intake import tables
from kpi_tools.intake.grids import FileFault, Grid, text_grid, workbook_grids
from kpi_tools.intake.tables import Layout, Table, heading
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.words.hygiene import clean_name
from kpi_tools.words.problems import Ledger

LARGEST: Final = 20 * 2**20
_HEADING_WITHIN: Final = 40
_TIME: Final = re.compile(
    r"q[1-4]|(?:20)?\d\d[-/](?:20)?\d\d|20\d\d|\d{4}-\d\d-\d\d|\d\d?[-/.]\d\d?[-/.](?:20)?\d\d",
    re.I,
)
_MONTH: Final = re.compile(
    r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?[-/' ]*(?:(?:20)?\d\d)?",
    re.I,
)


@dataclass
class Snapshot:
    """The bytes of one file as they were when read; everything is parsed from these."""

    path: Path
    file: str
    raw: bytes

    @property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


def take(path: Path, file: str, ledger: Ledger) -> Snapshot | None:
    """The bytes of `path`, read once; None where they cannot be had (then the ledger says why)."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            ledger.problem(
                "file-large", file, detail=f"{size / 2**20:,.0f} MB, more than {LARGEST // 2**20}"
            )
            return None
        return Snapshot(path, file, path.read_bytes())
    except OSError as error:
        ledger.problem("file-unreadable", file, detail=error.strerror or "no reason is given")
        return None


def unchanged(snapshot: Snapshot) -> bool:
    """Whether the file still holds the bytes that were read."""
    try:
        return snapshot.path.read_bytes() == snapshot.raw
    except OSError:
        return False


def read_table(
    snapshot: Snapshot, layout: Layout, ledger: Ledger, books: Workbooks
) -> Table | None:
    """The table of `layout` in the file; None where the file is refused as a whole (then the ledger says why)."""
    try:
        return _read(snapshot, layout, ledger, books)
    except FileFault as fault:
        ledger.problem(
            fault.code, snapshot.file, sheet=fault.sheet, row=fault.row, detail=fault.detail
        )
        return None


def _read(snapshot: Snapshot, layout: Layout, ledger: Ledger, books: Workbooks) -> Table:
    if snapshot.path.suffix.lower() == ".xlsx":
        grids = workbook_grids(snapshot.raw, books, snapshot.file, ledger)
        return _from_grid(_choose(grids, layout), layout, snapshot.file, ledger)
    grid = text_grid(snapshot.raw, lambda rows: _known(rows, layout))
    for why in grid.remarks:
        ledger.change(snapshot.file, "", 0, "", "", "", why)
    return _from_grid(grid, layout, snapshot.file, ledger)


def _known(rows: Sequence[Sequence[str]], layout: Layout) -> int:
    """The most headings of `layout` that stand in one of the first rows."""
    return max(
        (
            len({heading(cell) for cell in row} & set(layout.names))
            for row in rows[:_HEADING_WITHIN]
        ),
        default=0,
    )


def _heading_row(grid: Grid, layout: Layout) -> int | None:
    for position, cells in enumerate(grid.cells[:_HEADING_WITHIN]):
        if set(layout.required) <= {heading(cell) for cell in cells}:
            return position
    return None


def _choose(grids: list[Grid], layout: Layout) -> Grid:
    """The one visible sheet that holds the table. Raises `FileFault` where there is none or more than one."""
    visible = [grid for grid in grids if not grid.hidden]
    candidates = [grid for grid in visible if _heading_row(grid, layout) is not None]
    if len(candidates) > 1:
        raise FileFault("table-sheets", ", ".join(f'"{grid.sheet}"' for grid in candidates))
    if candidates:
        return candidates[0]
    if not any(grid.cells for grid in visible):
        hidden = [f'"{grid.sheet}"' for grid in grids if grid.hidden and grid.filled]
        raise FileFault("table-hidden", ", ".join(hidden)) if hidden else FileFault("file-empty")
    return max(visible, key=lambda grid: _known(grid.cells, layout))


def _from_grid(grid: Grid, layout: Layout, file: str, ledger: Ledger) -> Table:
    position = _heading_row(grid, layout)
    if position is None:
        raise _no_headings(grid, layout)
    names = [heading(cell) for cell in grid.cells[position]]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name in layout.names and names.count(name) > 1:
            raise FileFault("table-duplicate", f'"{name}"', grid.sheet, grid.lines[position])
    _describe_headings(grid, position, names, layout, file, ledger)
    return _body(grid, position, names, layout, file, ledger)


def _no_headings(grid: Grid, layout: Layout) -> FileFault:
    """Why there is no row of headings: the nearest row decides."""
    best, missing = -1, layout.required
    for position, cells in enumerate(grid.cells[:_HEADING_WITHIN]):
        names = {heading(cell) for cell in cells}
        quarters = [cell for cell in cells if _is_time(cell)]
        if len(quarters) > 1:
            return FileFault(
                "table-wide", ", ".join(quarters[:3]), grid.sheet, grid.lines[position]
            )
        lacking = tuple(name for name in layout.required if name not in names)
        if names & set(layout.names) and len(lacking) < len(missing):
            best, missing = position, lacking
    if best < 0:
        return FileFault(
            "table-header", ", ".join(f'"{name}"' for name in layout.required), grid.sheet
        )
    return FileFault(
        "table-columns", ", ".join(f'"{name}"' for name in missing), grid.sheet, grid.lines[best]
    )


def _is_time(text: str) -> bool:
    """Whether a heading is one of a row of periods, as far as can be told: quarters, months, years, dates."""
    return bool(
        _TIME.fullmatch(clean_name(text)) or _MONTH.fullmatch(clean_name(text))
    ) or _is_quarter(text)


def _is_quarter(text: str) -> bool:
    try:
        Quarter.parse(text)
    except QuarterError as error:
        return "is ambiguous" in str(error)
    return True


def _describe_headings(
    grid: Grid, at: int, names: list[str], layout: Layout, file: str, ledger: Ledger
) -> None:
    for above in range(at):
        if text := " ".join(filter(None, map(clean_name, grid.cells[above]))):
            ledger.change(
                file,
                grid.sheet,
                grid.lines[above],
                "",
                text,
                "",
                "text above the headings, left out",
            )
    silent = set(layout.shown) if set(layout.shown) <= set(names) else set[str]()
    for place, name in enumerate(names):
        sent, letter = grid.cells[at][place], tables.letter(place)
        if name in layout.names:
            if sent != name:
                ledger.change(
                    file, grid.sheet, grid.lines[at], f"{name} ({letter})", sent, name, "heading"
                )
            if place in grid.hidden_columns:
                ledger.problem("column-hidden", file, sheet=grid.sheet, column=f"{name} ({letter})")
        elif name and layout.others:
            continue
        elif name not in silent and (
            name or any(place < len(row) and row[place].strip() for row in grid.cells[at + 1 :])
        ):
            shown = f"{clean_name(sent) or '(no heading)'} ({letter})"
            ledger.problem(
                "table-unexpected", file, sheet=grid.sheet, row=grid.lines[at], column=shown
            )


def _body(
    grid: Grid, at: int, names: list[str], layout: Layout, file: str, ledger: Ledger
) -> Table:
    width = len(names)
    formulas = grid.formula_rows()
    filled = [
        position
        for position, cells in enumerate(grid.cells[at + 1 :], start=at + 1)
        if (cells and cells[0][:1].isalnum())
        or any(map(str.strip, cells))
        or grid.lines[position] in formulas
    ]
    blank = len(grid.cells) - at - 1 - len(filled) + grid.blank
    if not grid.ragged_is_fault:
        # the grid of a workbook holds only rows with something in them; those between are blank rows that a person sees
        blank += (grid.lines[-1] - grid.lines[at]) - (len(grid.cells) - 1 - at)
    if not filled:
        ledger.problem("table-no-rows", file, sheet=grid.sheet, row=grid.lines[at])
    body = [grid.cells[position] for position in filled]
    lines = [grid.lines[position] for position in filled]
    even = set(map(len, body)) == {width}
    padded = (
        body
        if even
        else [
            row if len(row) == width else [*row[:width], *[""] * (width - len(row))] for row in body
        ]
    )
    columns = list(zip(*padded, strict=True)) if padded else [()] * width
    wanted = [*layout.names, *dict.fromkeys(filter(None, names))] if layout.others else layout.names
    places = {name: names.index(name) for name in wanted if name in names}
    cells = {
        name: list(columns[places[name]]) if name in places else [""] * len(body) for name in wanted
    }
    table = Table(
        file, grid.sheet, lines, cells, {name: tables.letter(place) for name, place in places.items()}, ledger,
        records=[grid.records[position] for position in filled] if grid.records else None,
        comma_is_doubtful=grid.comma_is_doubtful, blank=blank, rows_in=_rows_below(grid, at),
    )  # fmt: skip
    _refuse_second_headings(table, layout.required[0])
    if grid.ragged_is_fault:
        if not even or width != len(grid.cells[at]):
            _check_widths(table, body, len(grid.cells[at]), width, layout.required[0])
    else:
        by_line = {line: position for position, line in enumerate(lines)}
        by_place = {place: name for name, place in places.items()}
        for (line, place), kind in grid.kinds.items():
            if line in by_line and place in by_place:
                table.kinds.setdefault(by_place[place], {})[by_line[line]] = kind
        for position, row in enumerate(body):
            _check_beside(table, position, row, width)
        _check_marks(table, grid, by_line, by_place)
    return table


def _rows_below(grid: Grid, at: int) -> int:
    return (
        len(grid.cells) - at - 1 + grid.blank
        if grid.ragged_is_fault
        else grid.lines[-1] - grid.lines[at]
    )


def _check_widths(table: Table, body: list[list[str]], wide: int, width: int, key: str) -> None:
    """Rows of a CSV file have as many cells as its headings (`wide`, blank ones too): one more is a comma in a number."""
    for position, row in enumerate(body):
        if len(row) < wide:
            filled = [cell for cell in row if cell.strip()]
            if len(filled) == 1 and len(re.split(r"[,;\t|]", filled[0])) < len(table.letters):
                table.fault(position, key, "row-footnote")
            else:
                table.fault(position, "", "row-short", f"{len(row)} of {wide}")
        elif len(row) > wide:
            table.beyond[position] = " | ".join(row[width:])
            table.fault(position, "", "row-long", f"{len(row)} instead of {wide}")
        else:
            _check_beside(table, position, row, width)


def _check_beside(table: Table, position: int, row: list[str], width: int) -> None:
    """Nothing may stand right of the last heading."""
    if beside := [place for place in range(width, len(row)) if row[place].strip()]:
        table.beyond[position] = " | ".join(row[place] for place in beside)
        place = f"{tables.letter(beside[0])}{table.rows[position]}"
        table.fault(position, "", "row-beside", f'{place} ("{clean_name(row[beside[0]])[:80]}")')


def _refuse_second_headings(table: Table, key: str) -> None:
    again = {text for text in set(table.cells[key]) if heading(text) == key}
    if again:
        second = next(
            row for row, text in zip(table.rows, table.cells[key], strict=True) if text in again
        )
        raise FileFault("table-two", str(second), table.sheet, second)


def _check_marks(
    table: Table, grid: Grid, by_line: dict[int, int], by_place: dict[int, str]
) -> None:
    for line in grid.hidden_rows:
        if line in by_line:
            table.fault(by_line[line], "", "row-hidden")
    for marked, code in ((grid.struck, "cell-struck"), (grid.unseen, "cell-unseen")):
        for line, place in marked:
            if line in by_line and place in by_place:
                table.fault(by_line[line], by_place[place], code)
    merged = dict[tuple[int, str], str]()
    for reference in grid.merged:
        found = re.fullmatch(r"([A-Z]+)(\d+):([A-Z]+)(\d+)", reference)
        if found and (
            places := [p for p in by_place if tables.place(found[1]) <= p <= tables.place(found[3])]
        ):
            for position in range(
                bisect_left(table.rows, int(found[2])), bisect_right(table.rows, int(found[4]))
            ):
                merged.setdefault((position, by_place[places[0]]), reference)
    for (position, column), reference in merged.items():
        table.fault(position, column, "row-merged", reference)
