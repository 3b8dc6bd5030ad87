"""From a quarter's returns to its finished folder: checks, master notebook, page, tables, and one rename."""

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_tools import __version__
from kpi_tools.errors import InputError, KpiError
from kpi_tools.folders import FAILED, WORK, publish, work_folder
from kpi_tools.published import published, relative
from kpi_tools.quarters import Quarter
from kpi_tools.runner import CELL_TIMEOUT, Complete, run_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

PROJECT = Path(__file__).resolve().parent.parent
RAW = PROJECT / "data" / "raw"
OUTPUTS = PROJECT / "outputs"
NOTEBOOK = PROJECT / "notebooks" / "quarterly_report.ipynb"

PAGE = "report.html"
EXECUTED = "report.ipynb"
MANIFEST = "manifest.json"
LARGEST_PAGE = 10 * 1024**2
PACKAGES = ("altair", "narwhals", "nbconvert", "openpyxl", "pandas", "papermill", "vl-convert-python")
_READ = (".csv", ".toml", ".xlsx")
_NOBODYS = ("desktop.ini", "thumbs.db")


@dataclass(frozen=True)
class Report:
    """A finished report: `folder` holds `files`, all of one run; `warnings` is what its notebook wrote to stderr."""

    quarter: Quarter
    folder: Path
    files: tuple[str, ...]
    warnings: tuple[str, ...]


def report_quarter(
    quarter: object,
    raw: str | os.PathLike[str] = RAW,
    outputs: str | os.PathLike[str] = OUTPUTS,
    notebook: str | os.PathLike[str] = NOTEBOOK,
    *,
    timeout: int = CELL_TIMEOUT,
    progress: bool = False,
) -> Report:
    """Make `outputs/<quarter>/` from the returns in `raw`: page, notebook, tables and manifest (`files`).

    The folder appears, or takes the place of an older one, as a whole; until then the older one stays as it is. The
    same inputs give the same bytes. Each cell of the notebook may take `timeout` seconds. `progress` shows a bar.
    Raises `InputError` for a quarter or returns that cannot be used, `BusyError` where the same quarter is being made,
    `KpiError` for what went wrong on the way; a notebook that stopped is kept in `outputs/_failed/<quarter>/`.
    """
    quarter = Quarter.parse(quarter)
    raw, outputs, notebook = (Path(place).resolve() for place in (raw, outputs, notebook))
    final = outputs / quarter.slug
    _check_replaceable(final)
    try:
        with work_folder(outputs, quarter.slug) as work:
            made = _make(quarter, raw, outputs, notebook, work, timeout, progress)
            publish(work / "report", final, outputs / WORK / f"{quarter.slug}.aside")
            shutil.rmtree(outputs / FAILED / quarter.slug, ignore_errors=True)
    except OSError as error:
        place = error.filename if error.filename is not None else outputs
        raise KpiError(f"The report could not be written: {error.strerror or error} ({place}).") from error
    return made


def _make(
    quarter: Quarter, raw: Path, outputs: Path, notebook: Path, work: Path, timeout: int, progress: bool
) -> Report:
    from kpi_tools.export import to_html
    from kpi_tools.loading import load
    from kpi_tools.scorecard import report_tables
    from kpi_tools.spreadsheets import write_csv, write_workbook

    used = fingerprints(raw, quarter)
    returns = load(raw, quarter)
    end = repr(Complete(quarter))
    given = {"quarter": quarter.label, "raw": str(raw)}
    executed = None
    try:
        executed = run_notebook(notebook, given, end, timeout=timeout, progress=progress)
        shown = published(executed, given | {"raw": relative(outputs / quarter.slug, raw)})
        title = f"{returns.council.report_title}, {quarter.title}"
        origin = f"Made by kpi-tools {__version__} from the inputs {_digest(used)} (manifest.json)."
        council, day = returns.council.name, quarter.end.isoformat()
        page = to_html(shown, title=title, author=council, date=day, provenance=origin)
        _check_page(page, end)
        if any(name in page + _text(shown) for name in (str(raw), json.dumps(str(raw))[1:-1])):
            raise KpiError(f"The notebook shows {raw}: a folder of this computer, which is not for publication.")
    except Exception as error:
        kept = _keep_aside(work, outputs / FAILED / quarter.slug, error, executed)
        if kept and isinstance(error, KpiError):
            raise KpiError(f"{error} {kept}") from error
        raise
    tables = report_tables(returns)
    folder = work / "report"
    folder.mkdir()
    _write(folder / PAGE, page)
    _write(folder / EXECUTED, _text(shown))
    write_csv(next(iter(tables.values())), folder / "kpis.csv")
    write_workbook(tables, folder / "kpis.xlsx")
    if changed := sorted(set(used.items()) ^ set(fingerprints(raw, quarter).items())):
        raise InputError(f"{changed[0][0]} was changed while the report was being made. Run again.")
    manifest = {
        "quarter": quarter.label,
        "inputs": used,
        "inputs_digest": _digest(used),
        "notebook": _fingerprint(notebook),
        "outputs": {path.name: _fingerprint(path) for path in sorted(folder.iterdir())},
        "python": platform.python_version(),
        "packages": {"kpi-tools": __version__} | {name: version(name) for name in PACKAGES},
    }
    _write(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    files = tuple(sorted(path.name for path in folder.iterdir()))
    return Report(quarter, outputs / quarter.slug, files, _warnings(executed))


def fingerprints(raw: Path, quarter: Quarter) -> dict[str, str]:
    """SHA-256 of every file that the report of `quarter` may depend on, by its path in `raw`.

    These are the files beside the folders, and what is filed under quarters up to and including this one.
    """
    found = {}
    for path in sorted(raw.rglob("*")):
        parts = path.relative_to(raw).parts
        if path.suffix not in _READ or parts[-1].startswith((".", "~$")) or not path.is_file():
            continue
        if len(parts) == 1 or _filed_by(parts[1].removesuffix(path.suffix), quarter):
            found["/".join(parts)] = _fingerprint(path)
    return found


def _filed_by(name: str, quarter: Quarter) -> bool:
    try:
        return Quarter.parse(name) <= quarter
    except InputError:
        return False


def _digest(used: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:16]


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check_replaceable(final: Path) -> None:
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise KpiError(f"{final} is not a folder. Move it away, then run again.")
    if not final.exists():
        return
    try:
        ours = {MANIFEST, *json.loads((final / MANIFEST).read_text(encoding="utf-8"))["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    for path in sorted(final.iterdir()):
        if path.name not in ours and not path.name.startswith((".", "~$")) and path.name.lower() not in _NOBODYS:
            raise KpiError(
                f"{path} was not made by this command, which replaces the whole folder. Move it away, then run again."
            )


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
    return tuple(output.text.strip() for cell in code for output in cell.outputs if output.get("name") == "stderr")


def _text(notebook: "NotebookNode") -> str:
    import nbformat

    return str(nbformat.writes(notebook)) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n", errors="replace")
