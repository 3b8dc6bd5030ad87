"""What commands share: their commonest arguments, how they name a place, and how the system ends them."""

from contextlib import suppress
from pathlib import Path

import click

from kpi_tools import report as reports
from kpi_tools.quarters import Quarter

TERMINATED = 143
QUARTER = click.argument("quarter", required=False, metavar="[QUARTER]")
RAW = click.option(
    "--raw",
    type=click.Path(path_type=Path),
    default=reports.RAW,
    help="Where the returns are (default: data/raw).",
)
OUTPUTS = click.option(
    "--outputs",
    type=click.Path(path_type=Path),
    default=reports.OUTPUTS,
    help="Where reports go (default: outputs).",
)


class Terminated(KeyboardInterrupt):
    """The system asks the command to end; it does what Ctrl-C does."""

    exit_status = TERMINATED


def quarter_or_latest(text: str | None, raw: Path) -> Quarter:
    """The quarter of that text; without one the latest with returns in `raw`."""
    if text is not None:
        return Quarter.parse(text)
    from kpi_tools.loading import latest_quarter

    return latest_quarter(raw)


def near(path: Path) -> str:
    """The path as seen from the folder in which the command was given, where it lies in it."""
    with suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
