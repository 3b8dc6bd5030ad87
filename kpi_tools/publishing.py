"""The commands that publish more than one report: the data table of all quarters, the site of all final reports."""

from pathlib import Path

import click

from kpi_tools import report as reports
from kpi_tools.commands import OUTPUTS, RAW, kpi, near, outputs_of


@kpi.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@RAW
@OUTPUTS
@click.option("--allow-rejected", is_flag=True, help="Leave out rows that cannot be used.")
def data(folders: tuple[Path, ...], raw: Path, outputs: Path | None, allow_rejected: bool) -> None:
    """Write all quarters as one long table, for Power BI, DuckDB, pandas and the like.

    outputs/data then holds kpis.csv and kpis.parquet: a row for each KPI, report and period, as reported and as known
    now; and datapackage.json, which says what each column means. Of several councils give the FOLDERs, each like data/raw:
    comparison.html then shows all their ratings as a grid, and how the figures of each KPI lie.
    """
    from kpi_tools.loading import load
    from kpi_tools.publications.data import long_table, write_data
    from kpi_tools.report.site import write_comparison

    councils = [load(folder, allow_rejected=allow_rejected) for folder in folders or (raw,)]
    place = (outputs or reports.OUTPUTS) if folders else outputs_of(outputs, raw)
    table = long_table(councils)
    written = write_data(councils, place / "data", table)
    if len(councils) > 1:
        written.append(write_comparison(councils, table, place / "data"))
    for path in written:
        click.echo(near(path))


@kpi.command()
@RAW
@OUTPUTS
@click.option("--force", is_flag=True, help="Make it again although nothing has changed.")
def site(raw: Path, outputs: Path | None, force: bool) -> None:
    """Make a site of all final reports.

    outputs/site then holds them by quarter, the history of each KPI, data and definitions, and a search that needs no
    server: it opens from a folder, a share or a web server. Drafts have no place in it. It is made where something changed.
    """
    from kpi_tools.report.site import make_site

    folder, made = make_site(raw.resolve(), outputs_of(outputs, raw).resolve(), force=force)
    if not made:
        click.echo("Nothing has changed since it was made.", err=True)
    click.echo(near(folder / "index.html"))
