"""From a notebook and what it needs to a finished folder: run, page, tables, manifest, and one rename."""

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_tools import __version__
from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance.inputs import digest, fingerprints
from kpi_tools.quarters import Quarter
from kpi_tools.running.folders import FAILED, WORK, publish, work_folder
from kpi_tools.running.forked import copy_of_this_process
from kpi_tools.running.manifest import MANIFEST, as_json, check_replaceable, manifest
from kpi_tools.running.pdf import write_pdf
from kpi_tools.running.published import published, relative
from kpi_tools.running.runner import CELL_TIMEOUT, Complete, run_notebook

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

    from kpi_tools.loading import Returns

EXECUTED = "report.ipynb"
NEEDED = ("kpi_tools.page.chapters",)  # what the notebooks will import
RUNNER = ("papermill", "kpi_tools.running.kernel")  # what will run them
LARGEST_PAGE = 10 * 1024**2


@dataclass(frozen=True)
class Report:
    """A finished report: `folder` holds `files`, all of one run; `warnings` is what its notebook wrote to stderr.

    `account` is the reconciliation of the rows that were read: rows in = accepted + rejected.
    """

    quarter: Quarter
    folder: Path
    files: tuple[str, ...]
    warnings: tuple[str, ...]
    account: str = ""


@dataclass(frozen=True)
class Job:
    """What to make: `outputs/name/` from `raw` by `notebook`; its page and notebook are called `stem`, its tables `tables`.

    With a `browser`, the page is printed to PDF too.
    """

    quarter: Quarter
    name: str
    raw: Path
    outputs: Path
    notebook: Path
    timeout: int = CELL_TIMEOUT
    progress: bool = False
    stem: str = "report"
    tables: str = "kpis"
    read_in: Path | None = None
    browser: Path | None = None


@dataclass(frozen=True)
class Content:
    """What goes into it: `parameters` of the notebook besides quarter and raw, `tables` by sheet, a `check` of the page
    against them (which raises), what is `recorded` in the manifest of them and of the executed notebook; `whole`:
    `returns` are as read from raw."""

    returns: "Returns"
    title: str
    parameters: Mapping[str, str]
    tables: "Callable[[], Mapping[str, pd.DataFrame]]"
    check: "Callable[[str, Mapping[str, pd.DataFrame]], None]"
    recorded: "Callable[[Mapping[str, pd.DataFrame], NotebookNode], Mapping[str, Any]]"
    whole: bool = False


def make(job: Job, content: Callable[[], Content]) -> Report:
    """The finished folder of a job, whole or not at all; `content` is asked for when nobody else makes the same."""
    final = job.outputs / job.name
    check_replaceable(final)
    try:
        with work_folder(job.outputs, job.name) as work:
            made = _make(job, content, work)
            publish(work / "report", final, job.outputs / WORK / f"{job.name}.aside")
            shutil.rmtree(job.outputs / FAILED / job.name, ignore_errors=True)
    except OSError as error:
        place = error.filename if error.filename is not None else job.outputs
        raise KpiError(
            f"The report could not be written: {error.strerror or error} ({place})."
        ) from error
    return made


def _make(job: Job, content: Callable[[], Content], work: Path) -> Report:
    from kpi_tools.loading import known

    quarter, raw = job.quarter, job.raw
    used = fingerprints(raw, quarter)
    filled = content()
    end = repr(Complete(quarter))
    given = {"quarter": quarter.label, "raw": str(raw), **filled.parameters}
    executed, folder = None, work / "report"
    folder.mkdir()
    try:
        already = known(raw, filled.returns) if filled.whole else nullcontext()
        with (
            already,
            copy_of_this_process(NEEDED) as copy,
            ThreadPoolExecutor(1) as beside,
        ):
            for name in (
                RUNNER
            ):  # while the copy imports what it needs; the tables can wait until it is at work
                with suppress(ImportError):
                    import_module(name)
            writing = beside.submit(_write_tables, filled, folder, job.tables)
            executed = run_notebook(
                job.notebook, given, end, copy=copy, timeout=job.timeout, progress=job.progress
            )
            tables = writing.result()
        from kpi_tools.running.export import to_html

        shown = published(
            executed, given | {"raw": relative(job.read_in or job.outputs / job.name, raw)}
        )
        origin = f"Made by kpi-tools {__version__} from the inputs {digest(used)} (manifest.json)."
        council, day = filled.returns.council.name, quarter.end.isoformat()
        text = _text(shown)
        page = to_html(shown, title=filled.title, author=council, date=day, provenance=origin)
        _check_page(page, end)
        filled.check(page, tables)
        if any(name in page + text for name in (str(raw), json.dumps(str(raw))[1:-1])):
            raise KpiError(
                f"The notebook shows {raw}: a folder of this computer, which is not for publication."
            )
    except Exception as error:
        kept = _keep_aside(work, job.outputs / FAILED / job.name, error, executed)
        if kept and isinstance(error, KpiError):
            raise KpiError(f"{error} {kept}") from error
        raise
    _write(folder / f"{job.stem}.html", page)
    _write(folder / f"{job.stem}.ipynb", text)
    if job.browser:
        paper = folder / f"{job.stem}.pdf"
        write_pdf(folder / f"{job.stem}.html", paper, author=council, day=day, browser=job.browser)
    if changed := sorted(set(used.items()) ^ set(fingerprints(raw, quarter).items())):
        raise InputError(f"{changed[0][0]} was changed while the report was being made. Run again.")
    made = manifest(quarter, used, job.notebook, folder, filled.recorded(tables, executed))
    _write(folder / MANIFEST, as_json(made))
    files = tuple(sorted(path.name for path in folder.iterdir()))
    return Report(
        quarter, job.outputs / job.name, files, _warnings(executed), filled.returns.summary
    )


def _write_tables(filled: Content, folder: Path, name: str) -> "Mapping[str, pd.DataFrame]":
    """The tables, written: this process's work while the kernel is at its own.

    What will make the page is imported meanwhile, too.
    """
    from kpi_tools.spreadsheets import write_csv, write_workbook

    tables = filled.tables()
    write_csv(next(iter(tables.values())), folder / f"{name}.csv")
    write_workbook(tables, folder / f"{name}.xlsx")
    import_module("kpi_tools.running.export")
    return tables


def _check_page(page: str, end: str) -> None:
    size = len(page.encode())
    fault = (
        "is cut short"
        if not page.rstrip().endswith("</html>")
        else f'does not hold its last line, "{end}"'
        if end not in page
        else f"is {size / 1024**2:.0f} MB, more than {LARGEST_PAGE // 1024**2} MB"
        if size > LARGEST_PAGE
        else ""
    )
    if fault:
        raise KpiError(f"The page made from the notebook {fault}.")


def _keep_aside(work: Path, place: Path, error: Exception, executed: "NotebookNode | None") -> str:
    notebook = getattr(error, "notebook", None) or executed
    if notebook is None:
        return ""
    try:
        folder = work / "failed"
        folder.mkdir()
        _write(folder / EXECUTED, _text(notebook))
        _write(folder / "log.txt", f"{error}\n{getattr(error, 'log', '')}")
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(exist_ok=True)
        folder.rename(place)
    except OSError:
        return "The notebook could not be kept aside."
    return f"The notebook as it stopped: {place / EXECUTED}"


def _warnings(executed: "NotebookNode") -> tuple[str, ...]:
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    return tuple(
        output.text.strip()
        for cell in code
        for output in cell.outputs
        if output.get("name") == "stderr"
    )


def _text(notebook: "NotebookNode") -> str:
    import nbformat

    return str(nbformat.writes(notebook)) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n", errors="replace")
