"""What `kpi` can be asked, one function a command."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from kpi_tools import __version__
from kpi_tools import report as reports
from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter
from kpi_tools.received import council_folder, council_folders, latest_quarter

TERMINATED = 143
FOLDER = click.Path(path_type=Path)


def flag(*names: str, help: str) -> Callable[[Any], Any]:
    return click.option(*names, is_flag=True, help=help)


def words(name: str, metavar: str, help: str, **more: Any) -> Callable[[Any], Any]:
    return click.option(name, metavar=metavar, help=help, **more)


QUARTER = click.argument("quarter", required=False, metavar="[QUARTER]")
RAW = click.option(
    "--raw",
    type=FOLDER,
    default=reports.RAW,
    callback=lambda _, __, given: council_folder(given),
    help="Where the returns are, or a folder that holds them as raw (default: data/raw).",
)
OUTPUTS = click.option(
    "--outputs",
    type=FOLDER,
    default=None,
    help="Where reports go (default: outputs; of another council than the project's, "
    "outputs/<council>).",
)
PROCESSES = click.IntRange(1)


class Terminated(KeyboardInterrupt):
    """The system asks the command to end; it does what Ctrl-C does."""

    exit_status = TERMINATED


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(version)s")
def kpi() -> None:
    """Make a council's quarterly KPI report from the returns of its services.

    \b
    kpi check "2024-25 Q3"     is everything in the returns usable?
    kpi report "2024-25 Q3"    make outputs/2024-25-Q3/report.html
    kpi template "2024-25 Q4"  make the workbooks in which services send the next figures

    A quarter is a financial quarter, such as "2024-25 Q3" (October to December 2024). If you leave
    it out, the latest quarter with returns is taken. A command that fails says why in a sentence,
    and ends with status 1 (it could not be done), 2 (something given cannot be used) or 75 (another
    run is at the same report).
    """


# Reports


@kpi.command()
@click.argument("given", nargs=-1, metavar="[QUARTER]... [FOLDER]...")
@RAW
@OUTPUTS
@flag("--all", "every", help="The reports of all quarters with returns.")
@flag("--councils", help="FOLDERs are those of several councils, or hold them.")
@flag("--force", help="Make again what is up to date, too.")
@words("--processes", "N", "Reports at a time (default: one a processor).", type=PROCESSES)
@words("--scheduler", "ADDRESS", "Make them on a Dask cluster, such as tcp://10.0.0.5:8786.")
@flag("--allow-rejected", help="Leave out rows that cannot be used; the report says so.")
@flag("--final", help="Not a draft: refused while the checks find an error.")
@flag("--pdf", help="Print it to report.pdf too, by the Chromium, Chrome or Edge of this computer.")
@flag("--word", help="Make report.docx too, for a clerk to work on in Word.")
@words("--only", "SECTION", "Of one section or directorate, in a folder of its own.", default="")
@words(
    "--corrected",
    "LINE",
    'A final report again: "2025-03-14 | what | why"; one for each version.',
    multiple=True,
)
@words("--override", "CODE", "Let the findings of one check pass …", multiple=True)
@words("--because", "REASON", "… for this reason, which the report prints …", multiple=True)
@words("--by", "ROLE", "… by decision of this role.", multiple=True)
@words("--prepared-by", "ROLE", "Who prepared it; else as in council.toml.", default="")
@words("--signed-off-by", "ROLE", "Who signed it off; else as in council.toml.", default="")
def report(
    given: tuple[str, ...],
    raw: Path,
    outputs: Path | None,
    every: bool,
    councils: bool,
    force: bool,
    processes: int | None,
    scheduler: str | None,
    final: bool,
    corrected: tuple[str, ...],
    override: tuple[str, ...],
    because: tuple[str, ...],
    by: tuple[str, ...],
    **settings: Any,
) -> None:
    """Make the report of a quarter.

    It is checked as `kpi check` does, and made only if there are no errors, or without the rows
    that have some. The folder of the quarter then holds report.html (to send on), onepage.html (one
    A4 for e-mail), report.ipynb (how it was made), kpis.csv and kpis.xlsx (the rated table) and
    manifest.json (what it was made from). An older report of the quarter is replaced when the new
    one is finished; until then, and if anything goes wrong, it stays as it is.

    Without --final it is a draft, says so, and ends with a chapter on what its checks found.

    \b
    kpi report --all                     every quarter with returns
    kpi report --councils kent medway    the latest of each council, in outputs/<council>/<quarter>
    kpi report --all --councils */raw    every report of every council

    Of several reports only those are made whose inputs, settings, notebook or program have changed;
    one that fails does not stop the rest, and is listed at the end.
    """
    if not len(override) == len(because) == len(by):
        raise InputError("Each --override needs its own --because and --by.")
    settings["edition"] = "final" if final else "draft"
    settings["overrides"] = tuple(zip(override, because, by, strict=True))
    settings["corrections"] = "\n".join(corrected)
    if every or councils or scheduler or len(given) > 1:
        from kpi_tools.report.many import make_all

        jobs, refused = _jobs(given, raw, outputs, every, councils, settings)
        how: Any = {"force": force, "processes": processes, "scheduler": scheduler}
        make_all(jobs, refused, **how, progress=sys.stderr.isatty())
        return
    quarter = _quarter_or_latest(given[0] if given else None, raw)
    with _progress(quarter.label) as step:
        made = reports.make_report(quarter, raw, outputs_of(outputs, raw), **settings, **step)
    click.echo(f"{made.quarter.title}: {made.account}", err=True)
    click.echo(near(made.folder / "report.html"))


def _jobs(
    given: Sequence[str], raw: Path, outputs: Path | None, every: bool, councils: bool, more: Any
) -> tuple[list[reports.Job], list[tuple[str, KpiError]]]:
    """Several reports, and the folders of councils that have none, with the reason."""
    from kpi_tools.report.many import jobs_of, jobs_of_councils

    folders = [text for text in given if councils and not _is_quarter(text)]
    quarters = [Quarter.parse(text) for text in given if text not in folders]
    if every and quarters:
        one = quarters[0].label
        raise InputError(f"--all makes every quarter with returns: leave out {one}, or --all.")
    wanted = None if every else quarters
    if not councils:
        return jobs_of(raw, outputs_of(outputs, raw), wanted, more), []
    if not folders:
        raise InputError(
            "--councils needs the folders of the councils, each with a council.toml, kpis.csv and "
            "returns."
        )
    found = [one for folder in folders for one in council_folders(Path(folder))]
    return jobs_of_councils(found, outputs or reports.OUTPUTS, wanted, more)


@kpi.command()
@click.argument("given", nargs=-1, metavar="[KPI]... [QUARTER]")
@RAW
@OUTPUTS
@words("--directorate", "NAME", "All KPIs of a directorate.")
@flag("--all", "every", help="All KPIs in the report.")
@flag("--pdf", help="Print each page to history.pdf too.")
def history(given: tuple[str, ...], directorate: str | None, every: bool, **more: Any) -> None:
    """Make the history of a KPI: everything known of it as at a quarter, on one page.

    KPI is its id, such as ES01. The folder outputs/history/<quarter>-<kpi> then holds history.html
    (one file, which needs no internet), history.ipynb (how it was made), figures.csv and
    figures.xlsx, and manifest.json.
    """
    names = [text for text in given if not _is_quarter(text)]
    if bool(names) + bool(directorate) + every != 1:
        raise InputError("Name one or more KPIs such as ES01, or --directorate NAME, or --all.")
    _pages("history", names, given, directorate=directorate, **more)


def _pages(
    kind: str, names: Sequence[str], given: Sequence[str], raw: Path, outputs: Any, **more: Any
) -> None:
    from kpi_tools.report.many import make_all

    quarters = [text for text in given if _is_quarter(text)]
    when = _quarter_or_latest(quarters[0] if quarters else None, raw)
    jobs = reports.page_jobs(kind, names, when, raw, outputs_of(outputs, raw), **more)
    if len(jobs) > 1:
        make_all(jobs, progress=sys.stderr.isatty())
        return
    for job in jobs:
        with _progress(job.title) as step:
            made = reports.make(job, **step)
        click.echo(near(made.folder / f"{kind}.html"))


@kpi.command()
@click.argument("folder", type=FOLDER)
@RAW
@flag("--quick", help="Compare names of contents only; do not make it again.")
def verify(folder: Path, raw: Path, quick: bool) -> None:
    """Say whether FOLDER, such as outputs/2024-25-Q3, is what the inputs give.

    Each file is compared with the manifest, each input with what it was, the program with the one
    that made it; then the report is made again elsewhere and compared byte for byte. What differs
    is named. Status 0: nothing does; 1: something does; 2: there is no manifest to go by.
    """
    from kpi_tools.report.publish import manifest_of
    from kpi_tools.report.verify import verify as compare

    found = compare(folder, raw, again=not quick)
    again = ", made again" if not quick else ""
    noted, place = manifest_of(folder), near(folder.resolve())
    counted = f"{len(noted['outputs']) + 1} files and {len(noted['inputs'])} inputs compared"
    if found:
        click.echo("\n".join(f"  {sentence}" for sentence in found))
        wrong = "is not what the inputs give now, or not with this program"
        raise KpiError(f"{place} {wrong} ({counted}{again}).")
    whole = "agrees with its manifest and the inputs"
    what = whole if quick else "is what these inputs give, byte for byte"
    click.echo(f"{place} {what} ({counted}{again}).")


# Returns


@kpi.command()
@QUARTER
@RAW
def check(quarter: str | None, raw: Path) -> None:
    """List what in the returns of a quarter cannot be used, and what in its report is not right.

    First the faults of files and figures, each with its place and remedy, then what the checks
    before release find in the report as a whole: counts, quarter names and figures in the
    commentary, Reds without an action, and the like.
    """
    from kpi_tools.checks import release_findings
    from kpi_tools.checks.findings import findings_text
    from kpi_tools.collect.status import kpi_status, three_lines
    from kpi_tools.collect.year import undecided
    from kpi_tools.loading import commentary_until, council_is_sound, read_returns
    from kpi_tools.loading.rules import as_changes, as_list, errors_of
    from kpi_tools.spreadsheets import keep_rejected, processed_folder, sent_back
    from kpi_tools.terms import Terms
    from kpi_tools.wording import plural

    def to_put_right(errors: int) -> str:
        return f"{plural(errors, 'error')} {'has' if errors == 1 else 'have'} to be put right first"

    returns = read_returns(raw, _quarter_or_latest(quarter, raw))
    if len(returns.problems):
        click.echo(as_list(returns.problems))
    if len(returns.log):
        file = near(processed_folder(raw, returns.quarter) / "changes.csv")
        click.echo(as_changes(returns.log, file))
    kept = sent_back(near(path) for path in keep_rejected(returns, raw))
    click.echo(f"{returns.quarter.title}: {returns.summary}{kept}")
    faults = 0
    if council_is_sound(returns):
        findings = release_findings(returns, earlier=commentary_until(str(raw), returns))
        faults = int((findings["severity"] == "error").sum())
        findings = findings[findings["code"] != "taken-otherwise"]  # they stand above
        if len(findings):
            click.echo(findings_text(findings))
        if left := ", ".join(undecided(raw, returns.quarter)):
            see = "see kpi start --year"
            click.echo(f"warning   Nothing is decided for this year of {left}: {see}.")
        click.echo(
            "\n".join(three_lines(kpi_status(returns, returns.quarter), Terms(returns.council)))
        )
    if errors := len(errors_of(returns.problems)):
        raise InputError(f"The report cannot be made: {to_put_right(errors)}.")
    if faults:
        cannot = f"the final report cannot: {to_put_right(faults)}, or let pass"
        raise InputError(f"A draft can be made, {cannot}.")
    click.echo("Ready for the report.")


# Other programs


@kpi.command()
@QUARTER
@RAW
@OUTPUTS
@words("--page", "DIRECTORATE", "Make its page for reading without Python instead …")
@flag("--all", "every", help="… or that of every directorate.")
@flag("--no-browser", help="Open no browser: its address is told.")
@flag("--allow-root", help="Also for the administrator, as in a container.")
@words("--port", "NUMBER", "At this port of this computer.", type=click.IntRange(1, 65535))
def explore(
    quarter: str | None,
    raw: Path,
    outputs: Path | None,
    page: str | None,
    every: bool,
    no_browser: bool,
    allow_root: bool,
    port: int | None,
) -> None:
    """Open the directorate explorer in JupyterLab, on this computer only. Ctrl-C ends it.

    With --page or --all nothing is opened: outputs/explorer/<quarter>-<directorate> then holds
    explorer.html, one file that needs neither Python nor a network, of the quarter that is given
    (else the latest).

    Nothing is asked of the network: JupyterLab's look for news and newer versions is switched off.
    Configuration files of Jupyter are left aside, so that none of them can open it to others. With
    --raw the explorer of another council is opened, a copy of the notebook in outputs/<council>.
    """
    from kpi_tools.report.explorer import jupyter_arguments

    given = [quarter] if quarter else []
    for text in given:
        Quarter.parse(text)
    if page or every:
        _pages("explorer", [page] if page else [], given, raw, outputs)
        return
    if quarter:
        raise InputError("A quarter goes with --page or --all: the screen has a list of them.")
    asked, settings = jupyter_arguments(raw, outputs_of(outputs, raw))
    asked += ["--no-browser"] * no_browser + ["--allow-root"] * allow_root
    asked += [f"--ServerApp.port={port}"] if port else []
    _run_tool("jupyterlab", *asked, **settings)


@kpi.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Prove that the project works: run its tests, on all processors. ARGUMENTS are handed to
    pytest instead.

    The longest tests (many kills, slow faults) run with KPI_LONG=1 in the environment.
    """
    _run_tool("pytest", *(arguments or ("-n", "logical", "--dist", "worksteal")))


def _run_tool(module: str, *arguments: str, **environment: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        advice = "Install the requirements again (README.md)."
        raise KpiError(f"This Python ({sys.executable}) has no {module}. {advice}")
    command = [sys.executable, "-m", module, *arguments]
    settings = os.environ | {"PYTHONUTF8": "1", "PYTHON_COLORS": "0"} | environment
    settings.pop("PYTHONPATH", None)  # other packages of the same names have no part in it
    process = subprocess.Popen(command, cwd=reports.PROJECT, env=settings)
    while True:
        try:
            raise SystemExit(process.wait())
        except Terminated:
            process.terminate()
        except KeyboardInterrupt:
            pass  # it has had it too, and says what it does about it


# What commands share


def _quarter_or_latest(text: str | None, raw: Path) -> Quarter:
    return latest_quarter(raw) if text is None else Quarter.parse(text)


def _is_quarter(text: str) -> bool:
    with suppress(InputError):
        Quarter.parse(text)
        return not Path(text).is_dir()
    return False


def outputs_of(given: Path | None, raw: Path) -> Path:
    """Where the reports of `raw` go: as given, else `outputs`; of another council in a folder."""
    return reports.outputs_of(raw) if given is None else given


def near(path: Path) -> str:
    """The path as seen from the folder in which the command was given, where it lies in it."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)


@contextmanager
def _progress(name: str) -> Iterator[dict[str, Any]]:
    """On a terminal a line that says which cell runs, gone afterwards."""
    if not sys.stderr.isatty():
        yield {}
        return
    try:
        yield {"step": lambda at: click.echo(f"\r\x1b[K{name}: {at}"[:100], nl=False, err=True)}
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)
