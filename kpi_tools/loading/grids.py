"""A workbook → one grid of texts for each of its sheets, read once."""

import hashlib
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from kpi_tools.loading.cells import clean_name
from kpi_tools.loading.csvs import FileFault, Grid, what_it_is
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.workbooks.child import Workbooks


@dataclass(frozen=True)
class Snapshot:
    """The bytes of one file as they were when read; everything is parsed from these."""

    path: Path
    file: str
    raw: bytes

    @cached_property
    def sha256(self) -> str:
        """The hash of the bytes."""
        return hashlib.sha256(self.raw).hexdigest()


def heading(text: str) -> str:
    """A heading as columns are named: `KPI ID` → `kpi_id`."""
    return re.sub(r"\W+", "_", clean_name(text).casefold()).strip("_")


def received_rows(grid: Grid, quarter: Quarter) -> Grid:
    """The rows that were received with the returns of a quarter, without the column that says so. Raises `FileFault`."""
    names = [heading(text) for text in grid.cells[0]]
    if "received" not in names:
        raise FileFault("table-columns", '"received"', grid.sheet, grid.lines[0])
    at, kept = names.index("received"), [0]
    for position, cells in enumerate(grid.cells[1:], start=1):
        text = cells[at] if at < len(cells) else ""
        try:
            if any(map(str.strip, cells)) and Quarter.parse(text) == quarter:
                kept.append(position)
        except QuarterError:
            raise FileFault("table-received", text, grid.sheet, grid.lines[position]) from None
    rows = [[*grid.cells[one][:at], "", *grid.cells[one][at + 1 :]] for one in kept]
    lines = [grid.lines[position] for position in kept]
    return replace(grid, cells=rows, lines=lines, last=lines[0] + len(lines) - 1)


def workbook_grids(snapshot: Snapshot, books: Workbooks, ledger: Ledger) -> list[Grid]:
    """One grid per sheet, read once. Hidden sheets that hold something are reported, and empty here."""
    if "grids" in snapshot.__dict__:
        known: list[Grid] = snapshot.__dict__["grids"]
        return known
    kind = what_it_is(snapshot.raw)
    if kind != "a workbook":
        raise FileFault("file-kind", kind or "a text file, such as CSV")
    answer = books.read(snapshot.raw)
    if "fault" in answer:
        raise FileFault(answer["fault"], answer["detail"])
    if answer["unknown"]:
        ledger.problem("styles-unknown", snapshot.file, detail=answer["unknown"])
    grids = []
    for sheet in answer["sheets"]:
        name = sheet["name"]
        if sheet["hidden"]:
            grids.append(Grid(name, hidden=True, filled=sheet["filled"]))
            if sheet["filled"]:
                ledger.problem("sheet-hidden", snapshot.file, sheet=name, detail=f'"{name}"')
            continue
        lines = [line for line, _ in sheet["rows"]]
        grids.append(
            Grid(
                name,
                [cells for _, cells in sheet["rows"]],
                lines,
                last=lines[-1] if lines else 0,
                kinds={(line, place): kind for line, place, kind in sheet["kinds"]},
                hidden_rows=sheet["hidden_rows"],
                hidden_columns=set(sheet["hidden_columns"]),
                marks=[
                    (*at, f'"{clean_name(text)[:200]}".' if text else "")
                    for *at, text in sheet["marks"]
                ],
                merged=sheet["merged"],
            )
        )
    snapshot.__dict__["grids"] = grids
    return grids
