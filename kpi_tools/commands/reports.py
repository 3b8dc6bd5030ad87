"""Commands that make a report, one or many, and say whether one is what its inputs give."""

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from kpi_tools import report as reports
from kpi_tools.commands.shared import OUTPUTS, QUARTER, RAW, near, quarter_or_latest
from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter


@click.command()
@click.argument("given", nargs=-1, metavar="[QUARTER]... [FOLDER]...")
@RAW
@OUTPUTS
@click.option("--all", "every", is_flag=True, help="The reports of all quarters with returns.")
@click.option(
    "--councils", is_flag=True, help="FOLDERs are those of several councils, each like data/raw."
)
@click.option("--force", is_flag=True, help="Make again what is up to date, too.")
@click.option(
    "--processes",
    type=click.IntRange(1),
    metavar="N",
    help="Reports at a time (default: one a processor).",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Make them on a Dask cluster, such as tcp://10.0.0.5:8786.",
)
@click.option(
    "--allow-rejected", is_flag=True, help="Leave out rows that cannot be used; the report says so."
)
@click.option("--final", is_flag=True, help="Not a draft: refused while the checks find an error.")
@click.option(
    "--pdf",
    is_flag=True,
    help="Print it to report.pdf too, by the Chromium, Chrome or Edge of this computer.",
)
@click.option(
    "--override", multiple=True, metavar="CODE", help="Let the findings of one check pass …"
)
@click.option(
    "--because",
    multiple=True,
    metavar="REASON",
    help="… for this reason, which the report prints …",
)
@click.option("--by", multiple=True, metavar="ROLE", help="… by decision of this role.")
@click.option(
    "--prepared-by", default="", metavar="ROLE", help="Who prepared it; else as in council.toml."
)
@click.option(
    "--signed-off-by",
    default="",
    metavar="ROLE",
    help="Who signed it off; else as in council.toml.",
)
def report(
    given: tuple[str, ...], raw: Path, outputs: Path, every: bool, councils: bool, force: bool, processes: int | None,
    scheduler: str | None, allow_rejected: bool, final: bool, pdf: bool,
    override: tuple[str, ...], because: tuple[str, ...], by: tuple[str, ...], prepared_by: str, signed_off_by: str,
) -> None:  # fmt: skip
    """Make the report of a quarter.

    It is checked as `kpi check` does, and made only if there are no errors, or without the rows that have some. The
    folder of the quarter then holds report.html (to send on), report.ipynb (how it was made), kpis.csv and kpis.xlsx
    (the rated table) and manifest.json (what it was made from). An older report of the quarter is
    replaced when the new one is finished; until then, and if anything goes wrong, it stays as it is.

    Without --final it is a draft, says so, and ends with a chapter on what its checks found.

    \b
    kpi report --all                     every quarter with returns
    kpi report --councils kent medway    the latest report of each council, in outputs/<council>/<quarter>
    kpi report --all --councils */raw    every report of every council

    Of several reports only those are made whose inputs, settings, notebook or program have changed; one that fails
    does not stop the rest, and is listed at the end.
    """
    if not len(override) == len(because) == len(by):
        raise InputError("Each --override needs its own --because and --by.")
    settings: dict[str, Any] = {
        "edition": "final" if final else "draft", "overrides": tuple(zip(override, because, by, strict=True)),
        "allow_rejected": allow_rejected, "pdf": pdf, "prepared_by": prepared_by, "signed_off_by": signed_off_by,
    }  # fmt: skip
    if every or councils or scheduler or len(given) > 1:
        _many(
            given,
            raw,
            outputs,
            every,
            councils,
            settings,
            force=force,
            processes=processes,
            scheduler=scheduler,
        )
        return
    quarter = quarter_or_latest(given[0] if given else None, raw)
    made = reports.report_quarter(quarter, raw, outputs, **settings, progress=sys.stderr.isatty())
    click.echo(f"{made.quarter.title}: {made.account}", err=True)
    for warning in made.warnings:
        lines = warning.splitlines()
        line = next((line for line in lines if "Warning: " in line), lines[0])
        click.echo(f"Note: {line.partition('Warning: ')[2] or line}", err=True)
    click.echo(near(made.folder / reports.PAGE))


def _many(
    given: tuple[str, ...],
    raw: Path,
    outputs: Path,
    every: bool,
    councils: bool,
    settings: dict[str, Any],
    **how: Any,
) -> None:
    from kpi_tools.batch import make_all
    from kpi_tools.orders import orders_of, orders_of_councils

    folders = [text for text in given if councils and not _isquarter_or_latest(text)]
    quarters = [Quarter.parse(text) for text in given if text not in folders]
    if every and quarters:
        raise InputError(
            f"--all makes every quarter with returns: leave out {quarters[0].label}, or --all."
        )
    if councils and not folders:
        raise InputError(
            "--councils needs the folders of the councils, each with a council.toml, kpis.csv and returns."
        )
    wanted = None if every else quarters
    orders, refused = (
        orders_of_councils(map(Path, folders), outputs, wanted, settings)
        if councils
        else (orders_of(raw, outputs, wanted, settings), [])
    )
    make_all(orders, refused, **how, progress=sys.stderr.isatty())


def _isquarter_or_latest(text: str) -> bool:
    with suppress(InputError):
        Quarter.parse(text)
        return not Path(text).is_dir()
    return False


@click.command()
@click.argument("kpi_id", metavar="KPI")
@QUARTER
@RAW
@OUTPUTS
def history(kpi_id: str, quarter: str | None, raw: Path, outputs: Path) -> None:
    """Make the history of one KPI: everything known of it as at a quarter, on one page.

    KPI is its id, such as ES01. The folder outputs/history/<quarter>-<kpi> then holds history.html (one file, which
    needs no internet), history.ipynb (how it was made), figures.csv and figures.xlsx, and manifest.json.
    """
    made = reports.history_of_kpi(
        kpi_id, quarter_or_latest(quarter, raw), raw, outputs, progress=sys.stderr.isatty()
    )
    click.echo(near(made.folder / "history.html"))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@RAW
@click.option("--quick", is_flag=True, help="Compare names of contents only; do not make it again.")
def verify(folder: Path, raw: Path, quick: bool) -> None:
    """Say whether FOLDER, such as outputs/2024-25-Q3, is what the inputs give.

    Each file is compared with the manifest, each input with what it was, the program with the one that made it; then the
    report is made again elsewhere and compared byte for byte. What differs is named. Status 0: nothing does; 1: something
    does; 2: there is no manifest to go by.
    """
    from kpi_tools.verification import verify as compare

    found = compare(folder, raw, again=not quick)
    counted = (
        f"{found.files} files and {found.inputs} inputs compared{', made again' * found.again}"
    )
    if found.differences:
        click.echo("\n".join(f"  {sentence}" for sentence in found.differences))
        raise KpiError(
            f"{near(found.folder)} is not what the inputs give now, or not with this program ({counted})."
        )
    what = (
        "is what these inputs give, byte for byte"
        if found.again
        else "agrees with its manifest and the inputs"
    )
    click.echo(f"{near(found.folder)} {what} ({counted}).")
