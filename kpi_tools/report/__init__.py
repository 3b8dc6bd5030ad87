"""From a folder of raw data to a finished report: `make_report`, `make_history`.

This door imports no pandas: a report is made in a process of its own (`process`), which runs the notebook (`runner`),
makes the page (`export`) and writes every file (`build`); here its folder gets its name in one step (`publish`).
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kpi_tools.errors import InputError, KpiError
from kpi_tools.parameters import corrections_of
from kpi_tools.provenance import slug
from kpi_tools.quarters import Quarter
from kpi_tools.report.job import (
    CELL_TIMEOUT,
    EXPLORER,
    HISTORY,
    NOTEBOOK,
    OUTPUTS,
    PROJECT,
    RAW,
    Job,
    Report,
    parameters_of,
)
from kpi_tools.report.pdf import find_browser
from kpi_tools.report.process import LostError, Worker
from kpi_tools.report.publish import (
    FAILED,
    MANIFEST,
    WORK,
    check_replaceable,
    replace_folder,
    work_folder,
)

__all__ = [
    "CELL_TIMEOUT",
    "EXPLORER",
    "HISTORY",
    "NOTEBOOK",
    "OUTPUTS",
    "PROJECT",
    "RAW",
    "Job",
    "Report",
    "make",
    "make_history",
    "make_report",
    "page_jobs",
    "report_job",
]

Place = str | os.PathLike[str]
_LONGEST_SLUG = 40


def make_report(
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    notebook: Place = NOTEBOOK,
    *,
    worker: Worker | None = None,
    step: Callable[[str], object] = lambda name: None,
    **settings: Any,
) -> Report:
    """Make `outputs/<quarter>/` from the returns in `raw`: page, notebook, tables and manifest.

    The folder appears, or takes the place of an older one, as a whole; until then the older one stays as it is. The
    same inputs give the same bytes. Rows of returns that were refused stop it, or are left out with `allow_rejected`,
    which the page then says; either way they are kept in `processed` beside `raw`.

    Args:
        quarter: the quarter, or its text such as "2024-25 Q3".
        raw: the folder of council.toml, kpis.csv and returns.
        outputs: the folder in which that of the quarter is made.
        notebook: the notebook that is run.
        worker: the process that makes it; a new one for this report where none is given.
        step: called with the name of each cell before it runs.
        settings: those of `report_job`.

    Returns:
        The finished report.

    Raises:
        InputError: the quarter, the returns or the settings cannot be used.
        BusyError: the same report is being made at this moment.
        KpiError: something went wrong on the way; a notebook that stopped is kept in `outputs/_failed/<quarter>/`.
    """
    return make(report_job(quarter, raw, outputs, notebook, **settings), worker, step)


def report_job(
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    notebook: Place = NOTEBOOK,
    *,
    pdf: bool = False,
    word: bool = False,
    read_in: Path | None = None,
    timeout: float = CELL_TIMEOUT,
    council: str = "",
    **settings: Any,
) -> Job:
    """What `make_report` makes. `settings`: `edition` ("draft" or "final"), `overrides` (check, reason, role),
    `allow_rejected`, `prepared_by`, `signed_off_by`, `only`, `corrections`; `pdf` prints the page too, `word` makes a
    document of it; a cell may take `timeout` seconds."""
    when = Quarter.parse(quarter)
    browser = find_browser() if pdf else None
    parameters = parameters_of(**settings)
    part = parameters.get("only", "")
    name = f"{when.slug}-{slug(part) or 'part'}" if part else when.slug
    return Job(
        when,
        name,
        *_places(raw, outputs, notebook),
        parameters=parameters,
        browser=browser,
        word=word,
        read_in=read_in,
        timeout=timeout,
        council=council,
    )


def page_jobs(
    kind: str,
    asked: Sequence[str],
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    *,
    directorate: str | None = None,
    pdf: bool = False,
    worker: Worker | None = None,
    **more: Any,
) -> list[Job]:
    """The pages of a `kind`: `history` of each KPI asked for, `explorer` of each directorate; of all where none is asked for.

    They go to `outputs/<kind>/<quarter>-<name>`. `directorate`: all KPIs of this one. Raises `InputError`, before anything
    is made, with the nearest names where there is no such KPI or directorate.
    """
    when, notebook = Quarter.parse(quarter), {"history": HISTORY, "explorer": EXPLORER}[kind]
    tables = {"history": "figures", "explorer": "kpis"}[kind]
    places = _places(raw, Path(outputs) / kind, notebook)
    one = Job(when, "", *places, kind=kind, stem=kind, tables=tables, **more)
    at_work = worker or Worker()
    try:
        done = "kpi_tools.report.build:wanted"
        found = at_work.run(done, one, list(asked), directorate, patience=one.timeout)
    finally:
        if worker is None:
            at_work.end()
    browser = find_browser() if pdf else None
    jobs = []
    for given in found:
        (name,) = given.values()
        short = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST_SLUG]
        folder, title = f"{when.slug}-{short}", f"{name}, {when.title}"
        jobs.append(replace(one, name=folder, parameters=given, browser=browser, council=title))
    return jobs


def make_history(
    kpi: str,
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    *,
    step: Callable[[str], object] = lambda name: None,
    **more: Any,
) -> Report:
    """Make `outputs/history/<quarter>-<kpi>/`: one KPI in depth, as known at the report of `quarter`.

    As `make_report`, with `history.html`, `history.ipynb` and the KPI's figures; `more` as in `page_jobs`.
    """
    with Worker() as worker:
        (job,) = page_jobs("history", [kpi], quarter, raw, outputs, worker=worker, **more)
        return make(job, worker, step)


def _places(raw: Place, outputs: Place, notebook: Place) -> tuple[Path, Path, Path]:
    return Path(raw).resolve(), Path(outputs).resolve(), Path(notebook).resolve()


def make(
    job: Job, worker: Worker | None = None, step: Callable[[str], object] = lambda name: None
) -> Report:
    """The finished folder of a job, whole or not at all."""
    check_replaceable(job.final, job.raw)
    try:
        with work_folder(job.outputs, job.name) as work:
            warnings, account = _build(job, work, worker, step)
            files = tuple(sorted(path.name for path in (work / "report").iterdir()))
            _keep_version(job, work)
            replace_folder(work / "report", job.final, job.outputs / WORK / f"{job.name}.aside")
            shutil.rmtree(job.outputs / FAILED / job.name, ignore_errors=True)
    except OSError as error:
        place = error.filename if error.filename is not None else job.outputs
        raise KpiError(
            f"The report could not be written: {error.strerror or error} ({place})."
        ) from error
    return Report(job.quarter, job.final, files, warnings, account)


def _keep_version(job: Job, work: Path) -> None:
    """Before a final report is replaced by its next version: that one stays beside it, as `2024-25-Q3-version-1`."""
    number = len(corrections_of(job.parameters.get("corrections", "")))
    kept = job.outputs / f"{job.name}-version-{number}"
    if not number or job.read_in or kept.is_dir():
        return
    try:
        noted = json.loads((job.final / MANIFEST).read_text(encoding="utf-8"))
        before = len(corrections_of(noted["parameters"].get("corrections", "")))
        there = noted["edition"] == "final" and before == number - 1
    except (OSError, ValueError, KeyError):
        there = False
    if not there:
        raise InputError(
            f"{job.final} holds no version {number} to correct: there the final report stands as it was published. "
            "Put it back there, or leave out --corrected."
        )
    shutil.copytree(job.final, work / "kept")
    (work / "kept").rename(kept)


def _build(
    job: Job, work: Path, worker: Worker | None, step: Callable[[str], object]
) -> tuple[tuple[str, ...], str]:
    at_work = worker or Worker()
    try:
        result: tuple[tuple[str, ...], str] = at_work.run(
            "kpi_tools.report.build:build", job, work, patience=job.timeout, step=step
        )
        return result
    except LostError as lost:
        raise KpiError(f"{job.notebook.name} {lost}") from lost
    except KpiError as error:
        if kept := _keep_failed(work / "failed", job.outputs / FAILED / job.name):
            error.args = (f"{error} {kept}",)
        raise
    finally:
        if worker is None:
            at_work.end()


def _keep_failed(folder: Path, place: Path) -> str:
    if not folder.is_dir():
        return ""
    shutil.rmtree(place, ignore_errors=True)
    place.parent.mkdir(exist_ok=True)
    folder.rename(place)
    return f"The notebook as it stopped: {place / 'report.ipynb'}"
