"""A project folder for tests of whole runs, a look at what is in it, and what a reader beside it sees."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import standin

from kpi_tools import report
from kpi_tools.quarters import Quarter

HERE = Path(__file__).parent
QUARTER = "2024-25 Q3"
SLUG = "2024-25-Q3"
state = standin.state


class Project:
    """A project folder with returns and the notebooks of tests/faults."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.raw, self.outputs = folder, folder / "data" / "raw", folder / "outputs"
        self.final = self.outputs / SLUG
        (self.raw / "returns" / SLUG).mkdir(parents=True)
        (self.raw / "council.toml").write_text("name = 1")
        (self.raw / "returns" / SLUG / "returns.csv").write_text("kpi_id")
        (self.raw / "returns" / "2024-25-Q4").mkdir()
        (self.raw / "returns" / "2024-25-Q4" / "returns.csv").write_text("of a later quarter")
        shutil.copytree(
            HERE / "faults",
            folder / "notebooks",
            ignore=shutil.ignore_patterns("*.py", "__pycache__"),
        )

    def notebook(self, name: str) -> Path:
        return self.folder / "notebooks" / f"{name}.ipynb"

    def change(self, text: str = "name = 2") -> None:
        """Something of which the next report is made differs from the last one."""
        (self.raw / "council.toml").write_text(text)

    def make(self, name: str = "good", quarter: str = QUARTER, **options: object) -> report.Report:
        return report.report_quarter(
            quarter, self.raw, self.outputs, self.notebook(name), **options
        )

    def process(
        self, name: str, *, quarter: str = QUARTER, **environment: str
    ) -> "subprocess.Popen[str]":
        places = ["--raw", str(self.raw), "--outputs", str(self.outputs)]
        return subprocess.Popen(
            [sys.executable, str(HERE / "standin.py"), str(self.notebook(name)), "report", quarter, *places],
            env=os.environ | {"PYTHONPATH": str(HERE.parent)} | environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="surrogateescape",
        )  # fmt: skip

    def run(self, name: str = "good", **options: str) -> tuple[int, str, str]:
        """Exit status and what was written, of a run that is given a minute."""
        process = self.process(name, **options)
        told, said = process.communicate(timeout=60)
        return process.returncode, told, said

    def run_without_kernel(self, **options: str) -> tuple[int, str, str]:
        return self.run(KPI_WITHOUT_KERNEL="1", **options)

    def left(self) -> list[str]:
        return [path.name for path in (self.outputs / ".work").iterdir() if path.is_dir()]


def whole(folder: Path) -> bool:
    """Whether a report's folder holds just what its manifest says."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    del found["manifest.json"]
    return bool(found == manifest["outputs"])


def processes(mark: str) -> list[psutil.Process]:
    """The processes that have KPI_MARK of that value in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("KPI_MARK") == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@contextmanager
def reader(page: Path) -> Iterator[set[str]]:
    """Somebody reads `page` every 5 ms: how it ended each time, or why it could not be read."""
    seen: set[str] = set()
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.005):
            try:
                seen.add(page.read_text(encoding="utf-8")[-8:])
            except OSError as error:
                seen.add(str(error))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


COUNCIL = """[council]
name = "Anyshire"
report_title = "Report"
sections = ["Roads", "Care"]
owner_team = "Performance team"
"""


class RealProject:
    """A small council of which the real report is made by the real command; `kpis`: its names by id."""

    def __init__(self, folder: Path, kpis: dict[str, str] | None = None) -> None:
        self.folder, self.raw, self.outputs = folder, folder / "data" / "raw", folder / "outputs"
        self.final = self.outputs / SLUG
        self.kpis = kpis or {
            "R1": "Potholes mended in 28 days",
            "R2": "Street lights working",
            "C1": "Visits in time",
        }
        (self.raw / "commentary").mkdir(parents=True)
        (self.raw / "council.toml").write_text(COUNCIL, encoding="utf-8")
        names = ["kpi_id", "kpi_name", "section", "directorate", "unit", "decimals", "polarity", "basis", "frequency",
                 "lag_quarters", "first_quarter", "last_quarter", "definition", "owner", "status", "source"]  # fmt: skip
        rows = [[kpi, name, "Care" if kpi.startswith("C") else "Roads", "Place", "%", "0", "higher", "quarter",
                 "quarterly", "0", "2020-21 Q1", "", "", "Head of Roads", "final", ""]
                for kpi, name in self.kpis.items()]  # fmt: skip
        self.write("kpis.csv", [names, *rows])
        lines = [[kpi, "2020-21 Q1", "90", "80", "", "", "final"] for kpi in self.kpis]
        self.write(
            "targets.csv",
            [
                [
                    "kpi_id",
                    "from_quarter",
                    "target",
                    "floor_standard",
                    "tolerance",
                    "reason",
                    "status",
                ],
                *lines,
            ],
        )
        self.comment({kpi: f"Words on {kpi}." for kpi in self.kpis})
        quarters = [Quarter.parse(QUARTER).shift(-back) for back in range(8)]
        self.returns(SLUG, [[kpi, quarter.label, 75 + (7 * place + 3 * back) % 24]
                            for place, kpi in enumerate(self.kpis) for back, quarter in enumerate(quarters)])  # fmt: skip

    def write(self, name: str, rows: list[list[object]]) -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)

    def comment(self, words: dict[str, str]) -> None:
        rows = [[kpi, "", text, "A plan is in place."] for kpi, text in words.items()]
        self.write(
            f"commentary/{SLUG}.csv",
            [["kpi_id", "section", "commentary", "management_action"], *rows],
        )

    def returns(self, slug: str, rows: list[list[object]]) -> None:
        self.write(f"returns/{slug}/return.csv", [["kpi_id", "period", "value"], *rows])

    def command(self, *options: str, quarter: str = QUARTER) -> list[str]:
        places = ["--raw", str(self.raw), "--outputs", str(self.outputs)]
        return [sys.executable, "-m", "kpi_tools", "report", quarter, *places, *options]

    def run(
        self, *options: str, within: tuple[str, ...] = (), **environment: str
    ) -> tuple[int, str, str]:
        """Exit status and what was written; `within`: a command in which the report's command runs."""
        done = subprocess.run(
            [*within, *self.command(*options)], cwd=HERE.parent, env=os.environ | environment, capture_output=True,
            encoding="utf-8", errors="replace", timeout=300,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def page(self) -> str:
        return (self.final / "report.html").read_text(encoding="utf-8")
