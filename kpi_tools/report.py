"""The report of a quarter and the history of a KPI: what goes into each, made by its notebook (`making`)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpi_tools.making import Content, Job, Report, make
from kpi_tools.quarters import Quarter
from kpi_tools.running.pdf import find_browser
from kpi_tools.running.runner import CELL_TIMEOUT

if TYPE_CHECKING:
    import pandas as pd
    from nbformat import NotebookNode

PROJECT = Path(__file__).resolve().parent.parent
RAW = PROJECT / "data" / "raw"
OUTPUTS = PROJECT / "outputs"
NOTEBOOK = PROJECT / "notebooks" / "quarterly_report.ipynb"
HISTORY = PROJECT / "notebooks" / "kpi_history.ipynb"

PAGE = "report.html"


def report_quarter(
    quarter: object,
    raw: str | os.PathLike[str] = RAW,
    outputs: str | os.PathLike[str] = OUTPUTS,
    notebook: str | os.PathLike[str] = NOTEBOOK,
    *,
    edition: str = "draft",
    overrides: tuple[tuple[str, str, str], ...] = (),
    allow_rejected: bool = False,
    prepared_by: str = "",
    signed_off_by: str = "",
    read_in: Path | None = None,
    pdf: bool = False,
    timeout: int = CELL_TIMEOUT,
    progress: bool = False,
) -> Report:
    """Make `outputs/<quarter>/` from the returns in `raw`: page, notebook, tables and manifest (`files`).

    The folder appears, or takes the place of an older one, as a whole; until then the older one stays as it is. The
    same inputs give the same bytes. Rows of returns that were refused stop it, or are left out with `allow_rejected`,
    which the page then says; either way they are kept in `processed` beside `raw` (`kpi_tools.spreadsheets`). Each cell of
    the notebook may take `timeout` seconds. `progress` shows a bar. `pdf` prints the page too (`running.pdf`). `edition`
    is `draft` or `final`; a final report is refused while its checks find an error that `overrides` (check, reason, role)
    do not let pass (`kpi_tools.checks`). `prepared_by` and `signed_off_by` are roles, where not those of council.toml.
    `read_in`: the folder in which it is to be read, where it is made elsewhere to be compared with it.
    Raises `InputError` for a quarter or returns that cannot be used, `BusyError` where the same quarter is being made,
    `KpiError` for what went wrong on the way; a notebook that stopped is kept in `outputs/_failed/<quarter>/`.
    """
    quarter = Quarter.parse(quarter)
    raw, outputs, notebook = (Path(place).resolve() for place in (raw, outputs, notebook))
    browser = find_browser() if pdf else None
    job = Job(
        quarter,
        quarter.slug,
        raw,
        outputs,
        notebook,
        timeout,
        progress,
        read_in=read_in,
        browser=browser,
    )
    roles = {"prepared_by": prepared_by, "signed_off_by": signed_off_by}
    return make(job, lambda: _report_content(job, edition, overrides, allow_rejected, roles))


def history_of_kpi(
    kpi: str,
    quarter: object,
    raw: str | os.PathLike[str] = RAW,
    outputs: str | os.PathLike[str] = OUTPUTS,
    notebook: str | os.PathLike[str] = HISTORY,
    *,
    read_in: Path | None = None,
    timeout: int = CELL_TIMEOUT,
    progress: bool = False,
) -> Report:
    """Make `outputs/history/<quarter>-<kpi>/`: one KPI in depth, as known at the report of `quarter`.

    As `report_quarter`, with `history.html`, `history.ipynb` and the KPI's figures. Raises `InputError`, before
    anything is made, with the nearest names where there is no such KPI.
    """
    from kpi_tools.explorer.in_depth import kpi_in_report
    from kpi_tools.loading import load

    quarter = Quarter.parse(quarter)
    raw, outputs, notebook = (Path(place).resolve() for place in (raw, outputs, notebook))
    kpi_id = kpi_in_report(load(raw, quarter), kpi)
    name = f"{quarter.slug}-{re.sub('[^a-z0-9]+', '-', kpi_id.lower()).strip('-')[:40]}"
    job = Job(
        quarter,
        name,
        raw,
        outputs / "history",
        notebook,
        timeout,
        progress,
        "history",
        "figures",
        read_in,
    )
    return make(job, lambda: _history_content(job, kpi_id))


def asked(
    edition: str = "draft", overrides: tuple[tuple[str, str, str], ...] = (), allow_rejected: bool = False,
    prepared_by: str = "", signed_off_by: str = "",
) -> dict[str, str]:  # fmt: skip
    """These settings of `report_quarter` as parameters of its notebook, and as its manifest has them."""
    from kpi_tools.checks.findings import DRAFT, as_text

    given = {
        "allow_rejected": "yes" if allow_rejected else "", "edition": edition if edition != DRAFT else "",
        "overrides": as_text(overrides), "prepared_by": prepared_by, "signed_off_by": signed_off_by,
    }  # fmt: skip
    return {name: text for name, text in given.items() if text}


def _report_content(
    job: Job,
    edition: str,
    overrides: tuple[tuple[str, str, str], ...],
    allow_rejected: bool,
    roles: Mapping[str, str],
) -> Content:
    from kpi_tools.checks import release_findings
    from kpi_tools.checks.findings import DRAFT, hold_back, kinds, parse_overrides
    from kpi_tools.page.released import kinds_shown, record
    from kpi_tools.remarks import commentary_until
    from kpi_tools.scorecard import report_tables
    from kpi_tools.spreadsheets import load_keeping_rejected

    returns = load_keeping_rejected(job.raw, job.quarter, allow_rejected=allow_rejected)

    def found(tables: "Mapping[str, pd.DataFrame] | None" = None) -> "pd.DataFrame":
        made = (tables["Quarters"], tables["KPIs"]) if tables else ()
        findings = release_findings(returns, *made, earlier=commentary_until(job.raw, returns))
        hold_back(findings, edition, overrides, returns.quarter.title)
        return findings

    findings = found() if edition != DRAFT or overrides else None  # which holds nothing else back
    title = f"{'Draft: ' if edition == DRAFT else ''}{returns.council.report_title}, {job.quarter.title}"
    given = asked(edition, overrides, allow_rejected, **roles)
    let_pass = parse_overrides(given.get("overrides", ""))

    def recorded(
        tables: "Mapping[str, pd.DataFrame]", executed: "NotebookNode"
    ) -> Mapping[str, Any]:
        shown = kinds_shown(executed) if findings is None else kinds(findings)
        known = kinds(found(tables)) if shown is None else shown
        said = record(returns, tables["KPIs"], known, edition, let_pass, **roles)
        return said | {"allow_rejected": allow_rejected, "parameters": given}

    return Content(
        returns, title, given, lambda: report_tables(returns),
        lambda *_: None, recorded, whole=True,
    )  # fmt: skip


def _history_content(job: Job, kpi_id: str) -> Content:
    from kpi_tools.explorer.in_depth import kpi_tables, one_kpi

    one = one_kpi(kpi_id, job.quarter, job.raw)
    title = f"{one.kpi['kpi_name']}: history to {job.quarter.title}"
    returns = one.known.returns
    return Content(
        returns,
        title,
        {"kpi": kpi_id},
        lambda: kpi_tables(one),
        lambda *_: None,
        lambda *_: {"kpi": kpi_id},
    )
