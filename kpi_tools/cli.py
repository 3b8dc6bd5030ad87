"""The `kpi` command: what was asked, one sentence for what went wrong, and an exit status."""

import gc
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kpi_tools import __version__
from kpi_tools.commands import figures, programs, reports, returns
from kpi_tools.commands.shared import TERMINATED, Terminated
from kpi_tools.errors import KpiError

INTERRUPTED = 130
COMMANDS = (
    *(
        reports.report,
        reports.history,
        reports.verify,
        returns.check,
        returns.template,
        returns.changes,
    ),
    *(figures.rate, programs.explore, programs.test),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(version)s")
def kpi() -> None:
    """Make a council's quarterly KPI report from the returns of its services.

    \b
    kpi check "2024-25 Q3"     is everything in the returns usable?
    kpi report "2024-25 Q3"    make outputs/2024-25-Q3/report.html
    kpi template "2024-25 Q4"  make the workbooks in which services send the next figures

    A quarter is a financial quarter, such as "2024-25 Q3" (October to December 2024). If you leave it out, the latest
    quarter with returns is taken. A command that fails says why in a sentence, and ends with status 1 (it could not be
    done), 2 (something given cannot be used) or 75 (another run is at the same report).
    """


for _command in COMMANDS:
    kpi.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: those of the process); its exit status. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a console or pipe that lacks a character must not fail the run
            encoding, errors = (
                ("utf-8", "surrogateescape") if os.name == "posix" else (stream.encoding, "replace")
            )
            stream.reconfigure(encoding=encoding, errors=errors)
    gc.set_threshold(50_000)  # little of what a report is made of becomes garbage before it is done
    try:
        with _ended_by_signal():
            return int(kpi.main(arguments, prog_name="kpi", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:  # so click calls Ctrl-C
        click.echo("Stopped. Nothing was changed.", err=True)
        return TERMINATED if isinstance(error.__cause__, Terminated) else INTERRUPTED
    except KpiError as error:
        click.echo(str(error), err=True)
        return error.exit_status
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), 1
        )  # the reader has gone: what is left to write goes nowhere
        return 1
    except Exception as error:
        click.echo(
            f"A fault in the program itself: {type(error).__name__}: {error}. {_logged(error)}",
            err=True,
        )
        return 1


def _logged(error: Exception) -> str:
    try:
        number, path = tempfile.mkstemp(prefix="kpi-", suffix=".log")
        with open(number, "w", encoding="utf-8", errors="replace") as log:
            log.write("".join(traceback.format_exception(error)))
    except OSError:
        return "It could not be logged."
    return f"Please send {path} to whoever looks after the project."


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    asked = False

    def end(*_: object) -> None:
        nonlocal asked
        asked = True
        raise Terminated

    names = [name for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    except KpiError as error:  # what was at work just then may call its end a failure
        if asked and error.exit_status != TERMINATED:
            raise click.Abort from Terminated()
        raise
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
