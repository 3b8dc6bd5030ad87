"""The commands about more than one report: data, site, changes, figures by the million."""

from pathlib import Path
from textwrap import TextWrapper

import click

from kpi_tools import report as reports
from kpi_tools.commands import FOLDER, OUTPUTS, RAW, flag, kpi, near, outputs_of, words
from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter

_WRAPPER = TextWrapper(110, initial_indent=" " * 9, subsequent_indent=" " * 11)
_MANY = click.IntRange(1, 400)
_NAMES = {"quarter": "Quarter", "old": "Was", "new": "Is", "reason": "Reason"} | {
    f"{when}_{what}": f"{what.capitalize()} {verb}"
    for what in ("rating", "direction")
    for when, verb in (("old", "was"), ("new", "is"))
}
_NAMES |= {"before": "Was", "now": "Is"}


@kpi.command()
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=FOLDER)
@RAW
@OUTPUTS
@flag("--allow-rejected", help="Leave out rows that cannot be used.")
def data(folders: tuple[Path, ...], raw: Path, outputs: Path | None, allow_rejected: bool) -> None:
    """Write all quarters as one long table, for Power BI, DuckDB, pandas and the like.

    outputs/data then holds kpis.csv and kpis.parquet: a row for each KPI, report and period, as
    reported and as known now; and datapackage.json, which says what each column means. Of several
    councils give the FOLDERs, each like data/raw: comparison.html then shows all their ratings as a
    grid, and how the figures of each KPI lie.
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
@flag("--force", help="Make it again although nothing has changed.")
def site(raw: Path, outputs: Path | None, force: bool) -> None:
    """Make a site of all final reports.

    outputs/site then holds them by quarter, the history of each KPI, data and definitions, and a
    search that needs no server: it opens from a folder, a share or a web server. Drafts have no
    place in it. It is made where something changed.
    """
    from kpi_tools.report.site import make_site

    folder, made = make_site(raw.resolve(), outputs_of(outputs, raw).resolve(), force=force)
    if not made:
        click.echo("Nothing has changed since it was made.", err=True)
    click.echo(near(folder / "index.html"))


@kpi.command()
@click.argument("earlier", metavar="FROM")
@click.argument("later", metavar="TO")
@RAW
def changes(earlier: str, later: str, raw: Path) -> None:
    """List what differs between the reports of two quarters: figures, ratings, commentary."""
    from kpi_tools.loading import read_returns
    from kpi_tools.rows import rows_of, text_of
    from kpi_tools.scorecard.changes import issue_changes

    quarters = sorted((Quarter.parse(earlier), Quarter.parse(later)))
    then, now = (read_returns(str(raw), quarter) for quarter in quarters)
    click.echo(f"From the report of {then.quarter.title} to that of {now.quarter.title}")
    for heading, table in issue_changes(then, now).items():
        click.echo(f"\n{heading}: {len(table)}")
        for row in rows_of(table):
            if heading == "Ratings":
                move = f"{row['before']:<18} → {row['now']:<18}"
                click.echo(f"  {row['kpi_id']:<6} {move} {row['kpi_name']}")
                continue
            click.echo(f"  {row['kpi_id']:<6} {row['kpi_name']}")
            for column in [column for column in _NAMES if column in row]:
                line = f"{_NAMES[column]}: {text_of(row[column]) or 'none'}"
                click.echo(_WRAPPER.fill(line))


@kpi.command()
@click.argument("source", metavar="INPUT", type=FOLDER)
@click.argument("output", metavar="OUTPUT", type=FOLDER)
@words("--engine", "NAME", "polars (default), pandas, or spark for a cluster.", default="polars")
@words("--by", "COLUMNS", "What names a series (default: authority,kpi_id).")
@words("--quarters", "N", "Direction over the latest so many (default: 6).", type=_MANY, default=6)
@words("--master", "ADDRESS", "With spark: the cluster, such as spark://host:7077.")
def rate(
    source: Path, output: Path, engine: str, by: str | None, quarters: int, master: str | None
) -> None:
    """Rate many figures at once: a Parquet file, or a folder of them, of any size.

    INPUT has the columns authority, kpi_id, period_end, value, target, floor_standard and polarity,
    and may have numerator, denominator, unit, tolerance, status, basis and others. OUTPUT has them
    too, then the rating, the direction of travel, the process limits and the special causes of each
    row: one file where its name ends in .parquet, else a folder with one for each authority. It is
    never replaced. What cannot be rated is named, and the rest is done.
    """
    from kpi_tools.scale import rate_many

    done = rate_many(source, output, engine, by, quarters, master)
    click.echo(done.account)
    click.echo(near(output))
    if done.faults:
        raise InputError("\n".join(("Not rated:", *done.faults)))
