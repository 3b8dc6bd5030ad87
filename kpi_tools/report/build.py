"""What a report's own process does: run the notebook, make its page, write everything."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from kpi_tools import __version__
from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import ReturnsError
from kpi_tools.parameters import Complete
from kpi_tools.provenance import digest, fingerprint, fingerprints, program
from kpi_tools.report import Job, Step
from kpi_tools.report.export import published, relative, to_html
from kpi_tools.report.publish import MANIFEST, as_json
from kpi_tools.report.runner import Run, run_notebook

if TYPE_CHECKING:
    import pandas as pd

    from kpi_tools.loading import Returns

LARGEST_PAGE = 10 * 1024**2


@dataclass(frozen=True)
class Contents:
    """What a notebook computed: `tables` by sheet, what is `recorded` in the manifest, other
    `pages`; `whole` makes the page of its foot, where it is not the notebook as it stands."""

    returns: "Returns"
    title: str
    tables: "Mapping[str, pd.DataFrame]"
    recorded: Mapping[str, Any] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    whole: Callable[[str], str] | None = None


def build(job: Job, work: Path, step: Step) -> str:
    """Write the files of the report into `work/report`, or the notebook as it stopped into
    `work/failed`; the account of the rows read."""
    import pandas as pd

    # This process is the report's own. Its tables are small: texts one by one are quicker than
    # Arrow's arrays.
    pd.set_option("mode.string_storage", "python")
    used = fingerprints(job.raw, job.quarter)
    given = {"quarter": job.quarter.label, "raw": str(job.raw), **job.parameters}
    run = run_notebook(job.notebook, given, repr(Complete(job.quarter)), step)
    step("the page and its tables")
    try:
        contents = _contents(job, run)
        _write_all(job, run, contents, given, used, work / "report")
    except Exception as error:
        if not isinstance(error, InputError):  # which the analyst can put right without it
            _keep_failed(run, error, work / "failed")
        raise
    return contents.returns.summary


def wanted(job: Job, asked: Sequence[str], directorate: str | None, step: Step) -> dict[str, str]:
    """The KPIs or directorates asked for, as they are called, each with a short name of its own for
    files; where none is all, or those of the `directorate`."""
    from kpi_tools.explorer.evidence import directorate_named
    from kpi_tools.explorer.history import kpi_in_report
    from kpi_tools.loading import in_set, load
    from kpi_tools.spreadsheets import file_name

    returns = load(job.raw, job.quarter)
    there = in_set(returns.catalogue, job.quarter)
    of_kind, taken = "directorate" if job.kind == "explorer" else "kpi_id", set[str]()
    every = sorted(returns.catalogue[of_kind].dropna().unique())
    short = {name: file_name(name, taken) for name in every}
    if job.kind == "explorer":
        names = [directorate_named(returns, name) for name in asked]
        names = names or sorted(there["directorate"].dropna().unique())
    elif directorate:
        named = directorate_named(returns, directorate)
        names = list(there.loc[there["directorate"] == named, "kpi_id"])
    else:
        names = [kpi_in_report(returns, name) for name in asked] or list(there["kpi_id"])
    return {name: short[name] for name in names}


def _contents(job: Job, run: Run) -> Contents:
    from kpi_tools.spreadsheets import keep_rejected, sent_back

    if isinstance(run.error, ReturnsError):
        kept = keep_rejected(run.error.returns, job.raw)
        raise InputError(f"{run.error}{sent_back(kept, indent='  ')}")
    if run.error:
        raise run.error
    of_kind = {"report": _of_report, "history": _of_history, "explorer": _of_explorer}
    try:
        contents = of_kind[job.kind](job, run.names)
    except (KeyError, AttributeError) as error:
        raise KpiError(
            f"{job.notebook.name} leaves no {error}, of which the tables beside the page are made."
        ) from error
    keep_rejected(contents.returns, job.raw)
    return contents


def _of_report(job: Job, names: Mapping[str, Any]) -> Contents:
    from kpi_tools.checks.findings import DRAFT, kinds, parse_overrides
    from kpi_tools.page.released import notices, record
    from kpi_tools.publications.onepage import one_page
    from kpi_tools.scorecard import matrix

    returns, kpis, parameters = names["returns"], names["kpis"], job.parameters
    tables = [names[name] for name in ("before", "movement", "recent")]
    edition = parameters.get("edition", DRAFT)
    title = f"{returns.council.report_title}, {job.quarter.title}"
    overrides = parse_overrides(parameters.get("overrides", ""))
    roles = (parameters.get("prepared_by", ""), parameters.get("signed_off_by", ""))
    sentences = notices(edition, job.quarter, parameters.get("corrections", ""), returns.only)
    return Contents(
        returns,
        f"Draft: {title}" if edition == DRAFT else title,
        {"KPIs": kpis, "Quarters": names["recent"], "Counts": matrix(kpis, returns.council)},
        record(returns, kpis, kinds(names["findings"]), edition, overrides, *roles)
        | {"allow_rejected": "allow_rejected" in parameters},
        {"onepage": one_page(returns, kpis, *tables, notices=sentences)},
    )


def _of_history(job: Job, names: Mapping[str, Any]) -> Contents:
    from kpi_tools.explorer.history import kpi_tables

    one = names["one"]
    title = f"{one.kpi['kpi_name']}: history to {job.quarter.title}"
    return Contents(one.known.returns, title, kpi_tables(one), {"kpi": job.parameters["kpi"]})


def _of_explorer(job: Job, names: Mapping[str, Any]) -> Contents:
    look = names["look"]
    title = f"{look.directorate or 'All directorates'}: {job.quarter.title}"
    tables = {"KPIs": look.known.kpis, "Quarters": look.known.quarters}
    return Contents(look.known.returns, title, tables, whole=look.offline)


def _write_all(
    job: Job,
    run: Run,
    contents: Contents,
    given: Mapping[str, str],
    used: Mapping[str, str],
    folder: Path,
) -> None:
    from kpi_tools.publications.workbook import write_directors_workbook
    from kpi_tools.report.pdf import write_pdf
    from kpi_tools.spreadsheets import write_csv, write_workbook

    council, day = contents.returns.council.name, job.quarter.end.isoformat()
    end = repr(Complete(job.quarter))
    way = relative(job.read_in or job.final, job.raw)
    notebook = published(run.notebook, {**given, "raw": way})
    origin = f"Made by kpi-tools {__version__} from the inputs {digest(used)} (manifest.json)."
    texts = {f"{stem}.html": page for stem, page in contents.pages.items()}
    if contents.whole:
        page = contents.whole(f"{origin} {end}")
    else:
        page = to_html(notebook, title=contents.title, author=council, date=day, provenance=origin)
        texts[f"{job.kind}.ipynb"] = f"{nbformat.writes(notebook)}\n"
    texts[f"{job.kind}.html"] = page
    _check_page(page, end)
    everything = "".join(texts.values())
    if any(place in everything for place in (str(job.raw), json.dumps(str(job.raw))[1:-1])):
        raise KpiError(
            f"The notebook shows {job.raw}: a folder of this computer, which is not for "
            "publication."
        )
    folder.mkdir()
    for name, text in texts.items():
        _write(folder / name, text)
    write_csv(next(iter(contents.tables.values())), folder / f"{job.tables}.csv")
    if job.kind == "report":
        write_directors_workbook(contents.tables, contents.returns, folder / f"{job.tables}.xlsx")
    else:
        write_workbook(contents.tables, folder / f"{job.tables}.xlsx")
    if job.word:
        from kpi_tools.publications.word import report_document

        document = report_document(page, contents.title, contents.returns, job.raw)
        (folder / f"{job.kind}.docx").write_bytes(document)
    if job.browser:
        signed: dict[str, Any] = {"author": council, "day": day, "browser": job.browser}
        for stem in (job.kind, *contents.pages):
            write_pdf(folder / f"{stem}.html", folder / f"{stem}.pdf", **signed)
    if changed := sorted(set(used.items()) ^ set(fingerprints(job.raw, job.quarter).items())):
        raise InputError(f"{changed[0][0]} was changed while the report was being made. Run again.")
    manifest = {
        "quarter": job.quarter.label,
        "council": council,
        "inputs": dict(used),
        "inputs_digest": digest(used),
        "notebook": fingerprint(job.notebook),
        "parameters": dict(job.parameters),
        "outputs": {path.name: fingerprint(path) for path in sorted(folder.iterdir())},
        "program": program(),
        **contents.recorded,
    }
    _write(folder / MANIFEST, as_json(manifest))


def _check_page(page: str, end: str) -> None:
    size = len(page.encode())
    if not page.rstrip().endswith("</html>"):
        fault = "is cut short"
    elif end not in page:
        fault = f'does not hold its last line, "{end}"'
    elif size > LARGEST_PAGE:
        fault = f"is {size / 1024**2:.0f} MB, more than {LARGEST_PAGE // 1024**2} MB"
    else:
        return
    raise KpiError(f"The page made from the notebook {fault}.")


def _keep_failed(run: Run, error: Exception, folder: Path) -> None:
    try:
        folder.mkdir()
        _write(folder / "report.ipynb", f"{nbformat.writes(run.notebook)}\n")
        _write(folder / "log.txt", f"{error}\n")
    except OSError:  # a full disk, say: what went wrong first is what matters
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n", errors="replace")
