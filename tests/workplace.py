"""A small council whose real report is made by the real command, a look at what is in it, and what a reader sees."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import psutil
from bs4 import BeautifulSoup

from kpi_tools import report
from kpi_tools.quarters import Quarter
from kpi_tools.report.export import policy
from kpi_tools.report.process import Worker
from kpi_tools.report.runner import run_notebook
from tests.small_council import make_council

HERE = Path(__file__).parent
QUARTER = "2024-25 Q3"
SLUG = "2024-25-Q3"
FILES = ("kpis.csv", "kpis.xlsx", "manifest.json", "onepage.html", "report.html", "report.ipynb")
_COMMAND = """import sys
from functools import partial
from kpi_tools import cli, report
report.make_report = partial(report.make_report, notebook=sys.argv[1], timeout=20)
sys.exit(cli.main(sys.argv[2:]))"""


def run_only(path: Path, given: dict[str, str], mark: str, step: Callable[[str], object]) -> str:
    """A notebook run in a worker: what was executed, as text."""
    run = run_notebook(path, given, mark, step)
    if run.error:
        raise run.error
    return str(nbformat.writes(run.notebook))


def make_history(kpi: str, quarter: str, raw: Path, outputs: Path) -> report.Report:
    """The page on one KPI."""
    with Worker() as worker:
        (job,) = report.page_jobs("history", [kpi], quarter, raw, outputs, worker=worker)
        return report.make(job, worker)


def state(folder: Path) -> str:
    """One name for everything in a folder; `absent` where there is none."""
    if not folder.exists():
        return "absent"
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return content.hexdigest()


def with_cell(notebook: Path, source: str, before: int = 3) -> Path:
    """The project's notebook with one more cell before the one at that place (0: the first), as another file."""
    changed = json.loads(report.NOTEBOOK.read_text(encoding="utf-8"))
    cell: dict[str, Any] = {"cell_type": "code", "id": "more", "metadata": {}, "outputs": []}
    changed["cells"].insert(before, cell | {"execution_count": None, "source": source})
    notebook.parent.mkdir(parents=True, exist_ok=True)
    notebook.write_text(json.dumps(changed), encoding="utf-8")
    return notebook


AXE = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Any, part: str | None = None, rules: object = AXE) -> list[object]:
    """What axe finds on a page in the browser, or in a part of it, and where."""
    from axe_playwright_python.sync_playwright import Axe

    given = {"resultTypes": ["violations"], "runOnly": rules}
    found = Axe().run(page, context=part, options=given).response["violations"]
    return [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found]


_ELEMENTS = """
    html head meta title style body a header footer nav main section article div span p h1 h2 h3
    h4 h5 h6 ul ol li dl dt dd table caption thead tbody tr th td figure figcaption details
    summary strong em b i code br hr time blockquote svg g path text rect circle line desc defs
    clippath
"""
_ATTRIBUTES = """
    id class lang role tabindex href charset name content http-equiv scope colspan rowspan
    datetime start aria-label aria-labelledby aria-describedby aria-hidden viewbox d fill stroke
    stroke-width stroke-dasharray transform text-anchor font-size font-weight x y width height
    x1 x2 y1 y2 cx cy r dx dy opacity fill-opacity stroke-opacity stroke-linecap stroke-linejoin
    clip-path paint-order
"""
_READ = ("content", "aria-label")  # to people and machines, never fetched
_REFERENCES = ("aria-labelledby", "aria-describedby")
_LIVE = re.compile(r"url\((?!#)|src\(|[\\;{}]")
_UNSEEN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f"
_UNSEEN += "\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]"


def unfit(page: str) -> list[str]:
    """What in a page could run, fetch or mislead, leads nowhere, or is not closed."""
    elements, attributes = set(_ELEMENTS.split()), set(_ATTRIBUTES.split())
    soup = BeautifulSoup(page, "html.parser")
    tags, links = soup.find_all(True), soup.find_all("a", href=re.compile("^#"))
    taken = set(map(id, soup.find_all("a", download=True, href=re.compile("^data:"))))
    leading = set(map(id, links)) | taken
    given = {
        (id(tag), name): " ".join(tag.get_attribute_list(name))
        for tag in tags
        for name in tag.attrs
    }
    faults = [f"<{tag.name}>" for tag in tags if tag.name not in elements]
    for (tag, name), value in given.items():
        if name == "href":
            known = tag in leading
        elif name == "download":
            known = tag in taken
        else:
            known = name in attributes and (name in _READ or not _LIVE.search(value))
        faults += [] if known else [f'{name}="{value[:80]}"']
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    named = " ".join(value for (_, name), value in given.items() if name in _REFERENCES).split()
    faults += ({link["href"][1:] for link in links} | {*named}) - {*ids}
    faults += [one for one, count in Counter(ids).items() if count > 1]
    faults += re.findall(f"<!--|<[?]|<!\\[|<title>[^<]*<(?!/title)|{_UNSEEN}", page)
    sheet = " ".join(style.get_text() for style in soup("style"))
    faults += re.findall(r"@import|url\(|src\(|image-set|expression\(|\\", sheet, re.I)
    faults += map(str, soup.find_all("meta", attrs={"http-equiv": True})[1:])
    of_policy = {"http-equiv": "Content-Security-Policy", "content": policy(sheet)}
    if [tag.name for tag in tags][:3] != ["html", "head", "meta"] or tags[3].attrs != of_policy:
        faults.append("its policy is not at its head, or not the one for its style sheet")
    if page.count("</") + page.count("/>") != str(soup).count("</"):
        faults.append("an element is not closed where it was opened")
    return faults


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


class Project:
    """A small council; `kpis`: its names by id."""

    def __init__(
        self, folder: Path, kpis: dict[str, str] | None = None, *, fresh: bool = True
    ) -> None:
        self.folder, self.raw, self.outputs = folder, folder / "data" / "raw", folder / "outputs"
        self.final = self.outputs / SLUG
        self.kpis = kpis or {
            "R1": "Potholes mended in 28 days",
            "R2": "Street lights working",
            "C1": "Visits in time",
        }
        if not fresh:
            return
        kpis = [
            {"kpi_id": kpi, "kpi_name": name, "section": "Care" if kpi[0] == "C" else "Roads"}
            for kpi, name in self.kpis.items()
        ]
        figures = [
            (SLUG, kpi, Quarter.parse(QUARTER).shift(-back).label, 75 + (7 * at + 3 * back) % 24)
            for at, kpi in enumerate(self.kpis)
            for back in range(8)
        ]
        targets = [{"kpi_id": kpi, "target": 90, "floor_standard": 80} for kpi in self.kpis]
        kpis = [kpi | {"owner": "Head of Roads"} for kpi in kpis]
        make_council(self.raw, kpis, figures, targets)
        self.comment({kpi: f"Words on {kpi}." for kpi in self.kpis})

    def write(self, name: str, rows: list[list[object]]) -> None:
        path = self.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)

    def comment(self, words: dict[str, str]) -> None:
        rows = [[kpi, "", text, "A plan is in place."] for kpi, text in words.items()]
        head = ["kpi_id", "section", "commentary", "management_action"]
        self.write(f"commentary/{SLUG}.csv", [head, *rows])

    def returns(self, slug: str, rows: list[list[object]]) -> None:
        self.write(f"returns/{slug}/all.csv", [["kpi_id", "period", "value"], *rows])

    def command(self, *options: str, quarter: str = QUARTER) -> list[str]:
        places = ["--raw", str(self.raw), "--outputs", str(self.outputs)]
        return [sys.executable, "-m", "kpi_tools", "report", quarter, *places, *options]

    def run(
        self, *options: str, within: tuple[str, ...] = (), **environment: str
    ) -> tuple[int, str, str]:
        """Exit status and what was written; `within`: a command in which the report's command runs."""
        how = {"cwd": HERE.parent, "env": os.environ | environment, "capture_output": True}
        how |= {"encoding": "utf-8", "errors": "replace", "timeout": 300}
        done = subprocess.run([*within, *self.command(*options)], **how)
        return done.returncode, done.stdout, done.stderr

    def make(self, **options: object) -> report.Report:
        return report.make_report(QUARTER, self.raw, self.outputs, **options)

    def process(
        self, notebook: Path = report.NOTEBOOK, *, quarter: str = QUARTER, **environment: str
    ) -> "subprocess.Popen[str]":
        """The command at work, with another notebook."""
        places = ["--raw", str(self.raw), "--outputs", str(self.outputs)]
        command = [sys.executable, "-c", _COMMAND, str(notebook), "report", quarter, *places]
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        how |= {"cwd": HERE.parent, "env": os.environ | environment}
        return subprocess.Popen(command, **how)

    def revise(self, old: int, new: int) -> None:
        """Another figure of R1 for the quarter."""
        path = self.raw / "returns" / SLUG / "all.csv"
        was, now = (f"R1,{QUARTER},{value}" for value in (old, new))
        path.write_text(path.read_text(encoding="utf-8").replace(was, now), encoding="utf-8")

    def change(self, text: str = "changed") -> None:
        """Something of which the next report is made differs from the last one."""
        self.comment({kpi: f"Words on {kpi}, {text}." for kpi in self.kpis})

    def left(self) -> list[str]:
        return [path.name for path in (self.outputs / ".work").iterdir() if path.is_dir()]

    def page(self) -> str:
        return (self.final / "report.html").read_text(encoding="utf-8")
