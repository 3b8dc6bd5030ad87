"""The commands by which a council begins and a quarter is collected."""

import os
from pathlib import Path

import click

from kpi_tools import report as reports
from kpi_tools.commands import OUTPUTS, RAW, kpi, near, outputs_of, words
from kpi_tools.errors import InputError


@kpi.command()
@click.argument("name")
@click.option(
    "--from",
    "workbook",
    type=click.Path(path_type=Path),
    help="The wide workbook or CSV that the council has: a row a KPI, its periods side by side.",
)
@words("--bands", "SCHEME", 'How it rates: "Green: target; Amber: target within 10%; Red".')
@words("--year", "2025-26", "Agree the KPIs and targets of a new year, of a council that is there.")
def start(name: str, workbook: Path | None, bands: str | None, year: str | None) -> None:
    """Make the folder of a council: data/NAME/raw.

    Without a workbook it holds council.toml, with every setting, and council.xlsx: one workbook
    for KPIs, targets, figures and actions, which is read as it is.

    With --from it is made of a workbook that the council has. What its columns and rows were
    taken for stands in data/NAME/mapping.xlsx; what could not be told is a list in it to fill
    in, after which the same command makes the folder, and a page of where our ratings are not
    those of the workbook.

    With --year it writes data/NAME/year-2025-26.xlsx: last year's KPIs, for their targets, and
    which are retired, renamed or moved; run again it takes over what is decided there. kpi
    check names what is not.
    """
    from kpi_tools.collect.start import folder_of, start_empty, start_from

    if bands and not workbook:
        raise InputError("--bands goes with --from: else council.toml says how the council rates.")
    data = reports.PROJECT / "data"
    if year:
        from kpi_tools.collect.year import start_year
        from kpi_tools.received import council_folder

        click.echo("\n".join(start_year(council_folder(folder_of(name, data)[0]), year)))
        return
    started = start_from(name, workbook, data, bands) if workbook else start_empty(name, data)
    click.echo("\n".join(started.lines).replace(f"{Path.cwd()}{os.sep}", ""))
    if started.quarter:
        given = f'"{started.quarter.label}" --raw {near(started.folder / "raw")}'
        click.echo(f"Next: kpi check {given}, then kpi report {given}")


@kpi.command()
@click.argument("quarter")
@click.option(
    "--by",
    type=click.Choice(["directorate", "owner"]),
    default="directorate",
    help="One workbook for each directorate (default) or owner.",
)
@RAW
@OUTPUTS
def template(quarter: str, by: str, raw: Path, outputs: Path | None) -> None:
    """Write the workbooks that the services fill in for QUARTER: figures that are due, words
    and actions.

    They come back into returns/<quarter>, and everything in them is read from there. What is
    written into commentary/ and actions.csv afterwards goes before it.
    """
    from kpi_tools.templates import write_templates

    for path in write_templates(raw, quarter, outputs_of(outputs, raw), by):
        click.echo(near(path))


@kpi.command("import")
@click.argument("quarter")
@click.argument("workbook", type=click.Path(path_type=Path))
@RAW
def import_(quarter: str, workbook: Path, raw: Path) -> None:
    """Take the figures and words of QUARTER from the council's own WORKBOOK, by the mapping of
    `kpi start`.

    What is new, or other than known before, goes into returns/<quarter> and commentary; what
    has changed in the layout of the workbook is named.
    """
    from kpi_tools.collect.start import import_quarter
    from kpi_tools.quarters import Quarter

    lines, files = import_quarter(raw, Quarter.parse(quarter), workbook)
    click.echo("\n".join(lines))
    for path in files:
        click.echo(near(path))


@kpi.command()
@click.argument("quarter")
@RAW
@OUTPUTS
def status(quarter: str, raw: Path, outputs: Path | None) -> None:
    """Say who has sent what for QUARTER: figures due, received, late, rejected, without words,
    without action.

    outputs/status/<quarter> then holds status.html, with a reminder to send to each owner, and
    status.csv.
    """
    from kpi_tools.collect.status import write_status

    text, paths = write_status(raw, quarter, outputs_of(outputs, raw))
    click.echo(text)
    for path in paths:
        click.echo(near(path))
