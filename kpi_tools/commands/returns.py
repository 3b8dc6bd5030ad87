"""Commands about returns: what is wrong with them, what they changed, and the workbooks that services fill in."""

from pathlib import Path

import click

from kpi_tools.commands.shared import OUTPUTS, QUARTER, RAW, near, quarter_or_latest
from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter


@click.command()
@QUARTER
@RAW
def check(quarter: str | None, raw: Path) -> None:
    """List what in the returns of a quarter cannot be used, and what in its report is not right.

    First the faults of files and figures, each with its place and remedy, then what the checks before release find in the
    report as a whole: counts, quarter names and figures in the commentary, Reds without an action, and the like.
    """
    from kpi_tools.loading import own_tables_are_sound, read_returns
    from kpi_tools.loading.rules import as_list
    from kpi_tools.spreadsheets import keep_rejected, sent_back

    returns = read_returns(raw, quarter_or_latest(quarter, raw))
    problems = returns.problems
    if len(problems):
        click.echo(as_list(problems))
    kept = sent_back(near(path) for path in keep_rejected(returns, raw))
    click.echo(f"{returns.quarter.title}: {returns.summary}{kept}")
    errors, faults = int((problems["severity"] == "error").sum()), 0
    if own_tables_are_sound(returns):
        from kpi_tools.checks import release_findings
        from kpi_tools.checks.findings import findings_text
        from kpi_tools.remarks import commentary_until

        findings = release_findings(returns, earlier=commentary_until(str(raw), returns))
        faults = int((findings["severity"] == "error").sum())
        if len(findings):
            click.echo(findings_text(findings))
    if errors:
        raise InputError(f"The report cannot be made: {_to_put_right(errors)} first.")
    if faults:
        raise InputError(
            f"A draft can be made, the final report cannot: {_to_put_right(faults)} first, or let pass."
        )
    click.echo("Ready for the report.")


def _to_put_right(errors: int) -> str:
    from kpi_tools.wording import plural

    return f"{plural(errors, 'error')} {'has' if errors == 1 else 'have'} to be put right"


@click.command()
@click.argument("quarter")
@RAW
@OUTPUTS
def template(quarter: str, raw: Path, outputs: Path) -> None:
    """Write the workbooks that the services fill in for QUARTER, one for each directorate, with last figures and targets."""
    from kpi_tools.templates import write_templates

    for path in write_templates(raw, quarter, outputs):
        click.echo(near(path))


@click.command()
@click.argument("earlier", metavar="FROM")
@click.argument("later", metavar="TO")
@RAW
def changes(earlier: str, later: str, raw: Path) -> None:
    """List what differs between the reports of two quarters: figures restated, ratings, commentary."""
    from kpi_tools.terminal import changes_text

    click.echo(changes_text(raw, Quarter.parse(earlier), Quarter.parse(later)))
