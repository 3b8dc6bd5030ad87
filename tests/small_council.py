"""Small councils in a raw folder, and their returns read as a run reads them; all else is as the
codebook's defaults have it.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from kpi_tools.loading import read_returns
from kpi_tools.loading.account import Run
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.returns import Catalogue, submissions_upto, with_nulls
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.workbooks.child import Workbooks

QUARTER = "2024-25 Q3"
HERE = "returns/2024-25-Q3/"
HEAD = ["kpi_id", "period", "value", "numerator", "denominator", "status", "note"]
COUNCIL = """[council]
name = "Anyshire"
report_title = "Report"
sections = ["Roads", "Care"]
owner_team = "Performance team"
"""
REQUIRED = {"section": "Roads", "unit": "%", "polarity": "higher"}
Table = Sequence[str] | Iterable[Mapping[str, object]]  # lines of CSV, a heading first; or rows
Figure = tuple[object, ...]  # the report that it came for, KPI, period, value, what more of HEAD


def make_council(
    raw: Path,
    kpis: Table,
    figures: Iterable[Figure] = (),
    targets: Table = (),
    settings: str = "",
    **tables: Table,
) -> Path:
    """A council of these KPIs, with a target of 50 each unless `targets` are given.

    `tables`: further ones by name.
    """
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "council.toml").write_text(COUNCIL + settings, encoding="utf-8")
    kpis = [
        kpi | {"kpi_name": f"Name of {kpi['kpi_id']}"} | REQUIRED | kpi for kpi in rows_of(kpis)
    ]
    fifty = [{"kpi_id": kpi["kpi_id"], "target": 50} for kpi in kpis]
    for name, table in {"kpis": kpis, "targets": targets or fifty, **tables}.items():
        write_table(raw / f"{name}.csv", table)
    returns: dict[str, list[dict[str, object]]] = {}
    for report, *figure in figures:
        row = dict(zip(HEAD, figure, strict=False))
        returns.setdefault(str(report).replace(" ", "-"), []).append(row)
    for folder, rows in returns.items():
        write_table(raw / "returns" / folder / "all.csv", rows)
    return raw


def rows_of(table: Table) -> list[dict[str, object]]:
    table = list(table)
    return list(csv.DictReader(table)) if isinstance(table[0], str) else [*map(dict, table)]


def write_table(path: Path, table: Table) -> None:
    """The table as CSV, with every column that one of its rows has."""
    rows = rows_of(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def append(path: Path, *rows: list[str]) -> None:
    """Add rows to a table; where there is none yet the first is its heading."""
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def text_of(table: list[list[Any]], separator: str = ",", end: str = "\r\n") -> str:
    """The table as a spreadsheet program writes CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(table)
    return text.getvalue()


def quarters(first: str, count: int) -> list[str]:
    """So many quarters from a first one on, as the tables write them."""
    return [one.label for one in quarter_range(Quarter.parse(first).shift(count - 1), count)]


_LINES = {"%": "90,80", "count": "400,300", "rate per 1,000": "20,10", "£": "1000,500"}
_UNITS = {"P1": "%", "P2": "%", "C1": "count", "R1": "rate per 1,000", "M1": "%", "F1": "£"}
_UNITS |= {"S1": "%", "CS01": "%"}
_UNITS |= dict.fromkeys(("007", "1E5", "NA", "TRUE", "MAR1", "nan", "OLD"), "count")
_DECIMALS = {"P1": 1, "R1": 1, "S1": 2}
_NAMES = (
    "kpi_id,kpi_name,section,directorate,unit,decimals,polarity,basis,frequency,lag_quarters,first_quarter,"
    "last_quarter,definition,owner,status,source"
)


def write_raw(raw: Path) -> Path:
    """A council with all kinds of units and ids; returns the folder for the returns of QUARTER, still empty."""
    kpis, targets = [_NAMES], ["kpi_id,from_quarter,target,floor_standard,tolerance,reason,status"]
    for kpi_id, unit in _UNITS.items():
        frequency = "monthly" if kpi_id == "M1" else "quarterly"
        last = "2024-25 Q1" if kpi_id == "OLD" else ""
        kpis.append(
            f'{kpi_id},Name of {kpi_id},Roads,Place,"{unit}",{_DECIMALS.get(kpi_id, 0)},higher,quarter,'
            f"{frequency},0,2020-21 Q1,{last},,Head of Roads,final,"
        )
        lines = "0.9,0.5" if kpi_id == "S1" else _LINES[unit]
        targets.append(f"{kpi_id},2020-21 Q1,{lines},,,final")
    words = ["kpi_id,section,commentary", "P1,,Words"]
    make_council(raw, kpis, targets=targets, **{"commentary/2024-25-Q3": words})
    folder = raw / "returns" / "2024-25-Q3"
    folder.mkdir(parents=True)
    return folder


class Desk:
    """The returns folder of one quarter, read again and again against one catalogue, with one child process."""

    def __init__(self, raw: Path) -> None:
        self.raw, self.folder = raw, write_raw(raw)
        write_table(self.folder / "beside.csv", ["kpi_id,period,value", "R1,2023-24 Q1,15"])
        council = read_returns(raw, QUARTER)
        assert council.problems.empty
        self._known = Catalogue(council.catalogue, council.targets, Ids(council.catalogue))
        self._books = Workbooks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._books.__exit__(None, None, None)

    def read(self, **files: bytes) -> Any:
        """What becomes of files given by name (`return_csv` for return.csv): taken, problems, log, rejected, counts."""
        paths = [self.folder / ".".join(name.rsplit("_", 1)) for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            path.write_bytes(content)
        run = Run(self.raw, self._books)
        taken = with_nulls(submissions_upto(Quarter.parse(QUARTER), run, self._known))
        for path in paths:
            path.unlink()
        beside = taken["file"] == HERE + "beside.csv"
        assert beside.sum() == 1
        problems = run.ledger.problems()
        found = {"problems": problems, "log": run.ledger.log(), "counts": run.counts()}
        return SimpleNamespace(taken=taken[~beside], rejected=run.rejected(problems), **found)
