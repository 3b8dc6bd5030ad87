"""From a folder of raw data to a finished report, in a process of its own (`process`), which runs
the notebook (`runner`), makes the page (`export`) and writes every file (`build`); here its folder
gets its name in one step (`publish`). This door imports no pandas."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kpi_tools.errors import InputError, KpiError
from kpi_tools.parameters import corrections_of
from kpi_tools.provenance import council_name, slug
from kpi_tools.quarters import Quarter
from kpi_tools.received import check_there
from kpi_tools.report.pdf import find_browser
from kpi_tools.report.process import LostError, Worker
from kpi_tools.report.publish import (
    FAILED,
    check_replaceable,
    manifest_of,
    replace_folder,
    work_folder,
)

PROJECT = Path(__file__).resolve().parents[2]
RAW = PROJECT / "data" / "raw"
OUTPUTS = PROJECT / "outputs"
OUTPUTS_GIVEN = "KPI_OUTPUTS"
"""In the environment of an explorer that `kpi explore` opened: where its reports go."""
NOTEBOOK = PROJECT / "notebooks" / "quarterly_report.ipynb"
HISTORY = PROJECT / "notebooks" / "kpi_history.ipynb"
EXPLORER = PROJECT / "notebooks" / "directorate_explorer.ipynb"
NOTEBOOKS = {"report": NOTEBOOK, "history": HISTORY, "explorer": EXPLORER}
CELL_TIMEOUT = 300
Place = str | os.PathLike[str]
Step = Callable[[str], object]
"""Called with the name of each cell before it runs."""


@dataclass(frozen=True)
class Job:
    """A report to be made: `outputs/name`, of `raw`, by `notebook` with `parameters` (name to
    text).

    Page and notebook are called by its `kind` (`report`, `history`, `explorer`); in a list of
    several it is of `what`. With a `browser` the page is printed to PDF too; in `word` it is a Word
    document as well. `read_in` is the folder in which it is to be read, where it is made elsewhere
    to be compared with it. Each cell may take `timeout` seconds.
    """

    quarter: Quarter
    name: str
    raw: Path
    outputs: Path
    notebook: Path
    kind: str = "report"
    parameters: Mapping[str, str] = field(default_factory=dict)
    what: str = ""
    browser: Path | None = None
    word: bool = False
    read_in: Path | None = None
    timeout: float = CELL_TIMEOUT

    @property
    def title(self) -> str:
        """What it is, in a list of several."""
        return f"{self.what}, {self.quarter.title}" if self.what else self.quarter.title

    @property
    def tables(self) -> str:
        """What its tables are called."""
        return "figures" if self.kind == "history" else "kpis"

    @property
    def final(self) -> Path:
        """The folder of the finished report."""
        return self.outputs / self.name


@dataclass(frozen=True)
class Report:
    """A finished report: `folder` holds `files`, all of one run.

    `account` is the reconciliation of the rows that were read: rows in = accepted + rejected.
    """

    quarter: Quarter
    folder: Path
    files: tuple[str, ...]
    account: str = ""


def outputs_of(raw: Path) -> Path:
    """Where the reports of `raw` go if nothing else is said: of another council than the project's
    into a folder of its own."""
    if raw.resolve() == RAW.resolve():
        return OUTPUTS
    check_there(raw)
    return OUTPUTS / slug(council_name(raw))


def make_report(
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    notebook: Place = NOTEBOOK,
    *,
    worker: Worker | None = None,
    step: Step = lambda name: None,
    **settings: Any,
) -> Report:
    """Make `outputs/<quarter>/` from the returns in `raw`: page, notebook, tables and manifest.

    The folder appears, or takes the place of an older one, as a whole; until then the older one
    stays as it is. The same inputs give the same bytes. Rows of returns that were refused stop it,
    or are left out with `allow_rejected`, which the page then says; either way they are kept in
    `processed` beside `raw`.

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
        KpiError: something went wrong on the way; a notebook that stopped is kept in
            `outputs/_failed/<quarter>/`.
    """
    return make(report_job(quarter, raw, outputs, notebook, **settings), worker, step)


def report_job(
    quarter: object,
    raw: Place = RAW,
    outputs: Place = OUTPUTS,
    notebook: Place = NOTEBOOK,
    *,
    edition: str = "draft",
    overrides: Iterable[tuple[str, str, str]] = (),
    allow_rejected: bool = False,
    prepared_by: str = "",
    signed_off_by: str = "",
    only: str = "",
    corrections: str = "",
    pdf: bool = False,
    **more: Any,
) -> Job:
    """What `make_report` makes.

    `overrides` are findings let pass, each a check, a reason and a role; `only` a section or
    directorate; `pdf` prints the page too; `more` are fields of `Job`. Raises `InputError` for what
    cannot be used.
    """
    when = Quarter.parse(quarter)
    if edition not in ("draft", "final"):
        raise InputError(f'A report is "draft" or "final", not {edition!r}.')
    for override in overrides:
        for name, text in zip(("code", "reason", "role"), override, strict=True):
            if not text.strip() or "|" in text or "\n" in text:
                raise InputError(
                    f"An override needs a {name} in plain words, on one line and without |; it has "
                    f"{text!r}."
                )
    if corrections_of(corrections) and edition != "final":
        raise InputError("Only a final report is published again: give --final with --corrected.")
    given = {
        "allow_rejected": "yes" if allow_rejected else "",
        "edition": edition if edition != "draft" else "",
        "overrides": "\n".join(map(" | ".join, overrides)),
        "prepared_by": prepared_by,
        "signed_off_by": signed_off_by,
        "only": only.strip(),
        "corrections": corrections,
    }
    return Job(
        when,
        f"{when.slug}-{slug(only) or 'part'}" if only.strip() else when.slug,
        *_resolved(raw, outputs, notebook),
        parameters={name: text for name, text in given.items() if text},
        browser=find_browser() if pdf else None,
        **more,
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
    """The pages of a `kind`: `history` of each KPI asked for, `explorer` of each directorate. Where
    none is asked for they are of all, or of all KPIs of the `directorate`. They go to
    `outputs/<kind>/<quarter>-<name>`. Raises `InputError`, before anything is made, with the
    nearest names where there is no such KPI or directorate."""
    when, places = Quarter.parse(quarter), (raw, Path(outputs) / kind, NOTEBOOKS[kind])
    one = Job(when, "", *_resolved(*places), kind=kind, **more)
    parameter = {"history": "kpi", "explorer": "directorate"}[kind]
    browser, jobs = find_browser() if pdf else None, list[Job]()
    names = _in_worker(worker, "wanted", one, list(asked), directorate)
    for name, short in names.items():
        what = {"parameters": {parameter: name}, "browser": browser, "what": name}
        jobs.append(replace(one, name=f"{when.slug}-{short}", **what))
    return jobs


def make(job: Job, worker: Worker | None = None, step: Step = lambda name: None) -> Report:
    """The finished folder of a job, whole or not at all."""
    check_replaceable(job.final, job.raw)
    kept = job.outputs / FAILED / job.name
    try:
        with work_folder(job.outputs, job.name) as work:
            try:
                account = _in_worker(worker, "build", job, work, step=step)
            except LostError as lost:
                raise KpiError(f"{job.notebook.name} {lost}") from lost
            except KpiError as error:
                if (work / "failed").is_dir():
                    shutil.rmtree(kept, ignore_errors=True)
                    kept.parent.mkdir(exist_ok=True)
                    (work / "failed").rename(kept)
                    error.args = (f"{error} The notebook as it stopped: {kept / 'report.ipynb'}",)
                raise
            files = tuple(sorted(path.name for path in (work / "report").iterdir()))
            _keep_version(job, work)
            replace_folder(work / "report", job.final)
            shutil.rmtree(kept, ignore_errors=True)
    except OSError as error:
        place = error.filename if error.filename is not None else job.outputs
        why = f"{error.strerror or error} ({place})"
        raise KpiError(f"The report could not be written: {why}.") from error
    return Report(job.quarter, job.final, files, account)


def _resolved(raw: Place, outputs: Place, notebook: Place) -> tuple[Path, Path, Path]:
    return Path(raw).resolve(), Path(outputs).resolve(), Path(notebook).resolve()


def _in_worker(worker: Worker | None, function: str, job: Job, *given: Any, **more: Any) -> Any:
    """What a function of `build` returns, done by the worker; by a new one where none is given."""
    if worker is None:
        with Worker() as new:
            return _in_worker(new, function, job, *given, **more)
    work = f"kpi_tools.report.build:{function}"
    return worker.run(work, job, *given, patience=job.timeout, **more)


def _keep_version(job: Job, work: Path) -> None:
    """Keep a final report beside its next version, as `2024-25-Q3-version-1`."""
    number = len(corrections_of(job.parameters.get("corrections", "")))
    kept = job.outputs / f"{job.name}-version-{number}"
    if not number or job.read_in or kept.is_dir():
        return
    there = -1
    with suppress(InputError):
        noted = manifest_of(job.final)
        if noted.get("edition") == "final":
            there = len(corrections_of(noted["parameters"].get("corrections", "")))
    if there != number - 1:
        raise InputError(
            f"{job.final} holds no version {number} to correct: there the final report stands as "
            "it was published. Put it back there, or leave out --corrected."
        )
    shutil.copytree(job.final, work / "kept")
    (work / "kept").rename(kept)
