"""The command that rates many figures at once."""

from pathlib import Path

import click

from kpi_tools.commands.shared import near
from kpi_tools.errors import InputError


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("output", metavar="OUTPUT", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    default="polars",
    metavar="NAME",
    help="polars (default), pandas, or spark for a cluster.",
)
@click.option(
    "--by", default=None, metavar="COLUMNS", help="What names a series (default: authority,kpi_id)."
)
@click.option(
    "--quarters",
    type=click.IntRange(1, 400),
    default=6,
    help="Direction over the latest so many (default: 6).",
)
@click.option(
    "--partitioned", is_flag=True, help="OUTPUT is a folder with one folder for each authority."
)
@click.option(
    "--master",
    default=None,
    metavar="ADDRESS",
    help="With spark: the cluster, such as spark://host:7077.",
)
def rate(
    source: Path, output: Path, engine: str, by: str | None, quarters: int, partitioned: bool,
    master: str | None,
) -> None:  # fmt: skip
    """Rate many figures at once: a Parquet file, or a folder of them, of any size.

    INPUT has the columns authority, kpi_id, period_end, value, target, floor_standard and polarity, and may have
    numerator, denominator, unit, tolerance, status, basis and others. OUTPUT has them too, then the rating, the direction
    of travel, the process limits and the special causes of each row. It is never replaced. What cannot be rated is named, and
    the rest is done.
    """
    from kpi_tools.scale import rate_many

    done = rate_many(source, output, engine, by, quarters, partitioned, master)
    click.echo(done.account)
    click.echo(near(output))
    if done.faults:
        raise InputError("\n".join(("Not rated:", *done.faults)))
