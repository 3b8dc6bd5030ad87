"""A small council in a raw folder, and its returns read as a run reads them, for the tests of the way in."""

import csv
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from kpi_tools.loading import read_returns
from kpi_tools.loading.account import Run
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.returns import Catalogue, shown, submissions_upto
from kpi_tools.quarters import Quarter
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
_KPIS = [
    ("P1", "%", 1, "quarterly"),
    ("P2", "%", 0, "quarterly"),
    ("C1", "count", 0, "quarterly"),
    ("R1", "rate per 1,000", 1, "quarterly"),
    ("M1", "%", 0, "monthly"),
    ("F1", "£", 0, "quarterly"),
    ("S1", "%", 2, "quarterly"),
    ("CS01", "%", 0, "quarterly"),
    ("007", "count", 0, "quarterly"),
    ("1E5", "count", 0, "quarterly"),
    ("NA", "count", 0, "quarterly"),
    ("TRUE", "count", 0, "quarterly"),
    ("MAR1", "count", 0, "quarterly"),
    ("nan", "count", 0, "quarterly"),
    ("OLD", "count", 0, "quarterly"),
]
_LINES = {
    "%": ("90", "80"),
    "count": ("400", "300"),
    "rate per 1,000": ("20", "10"),
    "£": ("1000", "500"),
}


def write_raw(raw: Path) -> Path:
    """A raw folder with settings, catalogue and targets, and an empty returns folder of QUARTER; returns that folder."""
    folder = raw / "returns" / "2024-25-Q3"
    folder.mkdir(parents=True)
    (raw / "council.toml").write_text(COUNCIL, encoding="utf-8")
    kpis = [
        [
            "kpi_id",
            "kpi_name",
            "section",
            "directorate",
            "unit",
            "decimals",
            "polarity",
            "basis",
            "frequency",
            "lag_quarters",
            "first_quarter",
            "last_quarter",
            "definition",
            "owner",
            "status",
            "source",
        ]
    ]
    for kpi_id, unit, decimals, frequency in _KPIS:
        last = "2024-25 Q1" if kpi_id == "OLD" else ""
        kpis.append(
            [
                kpi_id,
                f"Name of {kpi_id}",
                "Roads",
                "Place",
                unit,
                str(decimals),
                "higher",
                "quarter",
                frequency,
                "0",
                "2020-21 Q1",
                last,
                "",
                "Head of Roads",
                "final",
                "",
            ]
        )
    targets = [
        ["kpi_id", "from_quarter", "target", "floor_standard", "tolerance", "reason", "status"]
    ]
    for kpi_id, unit, _, _ in _KPIS:
        target, floor = ("0.9", "0.5") if kpi_id == "S1" else _LINES[unit]
        targets.append([kpi_id, "2020-21 Q1", target, floor, "", "", "final"])
    (raw / "kpis.csv").write_text(text_of(kpis), encoding="utf-8")
    (raw / "targets.csv").write_text(text_of(targets), encoding="utf-8")
    (raw / "commentary").mkdir()
    (raw / "commentary" / "2024-25-Q3.csv").write_text(
        "kpi_id,section,commentary\nP1,,Words\n", encoding="utf-8"
    )
    return folder


def text_of(table: list[list[Any]], separator: str = ",", end: str = "\r\n") -> str:
    """The table as a spreadsheet program writes CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(table)
    return text.getvalue()


class Desk:
    """The returns folder of one quarter, read again and again against one catalogue, with one child process."""

    def __init__(self, raw: Path) -> None:
        self.raw, self.folder = raw, write_raw(raw)
        (self.folder / "beside.csv").write_text(
            "kpi_id,period,value\nR1,2023-24 Q1,15\n", encoding="utf-8"
        )
        council = read_returns(raw, QUARTER)
        assert council.problems.empty
        self._known = Catalogue(
            council.catalogue,
            council.targets,
            Ids(
                council.catalogue["kpi_id"],
                council.catalogue.set_index("kpi_id")["kpi_name"].to_dict(),
            ),
        )
        self._books = Workbooks()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._books.__exit__(None, None, None)

    def read(self, **files: bytes) -> Any:
        """What becomes of files given by name (`return_csv` for return.csv): taken, problems, log, rejected, counts."""
        paths = {
            self.folder / ".".join(name.rsplit("_", 1)): content for name, content in files.items()
        }
        for path, content in paths.items():
            path.write_bytes(content)
        run = Run(self.raw, self._books)
        taken = shown(submissions_upto(Quarter.parse(QUARTER), run, self._known))
        for path in paths:
            path.unlink()
        beside = taken["file"] == HERE + "beside.csv"
        assert beside.sum() == 1
        found = {
            "problems": run.ledger.problems(),
            "log": run.ledger.log(),
            "rejected": run.rejected(run.ledger.problems()),
        }
        return SimpleNamespace(taken=taken[~beside], counts=run.counts(), **found)
