"""The `kpi` command: one sentence for what went wrong, and an exit status."""

import errno
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kpi_tools import collecting, publishing  # noqa: F401 (their commands join the others)
from kpi_tools.commands import TERMINATED, Terminated, kpi
from kpi_tools.errors import InputError, KpiError

__all__ = ["Terminated", "kpi", "main"]

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's); its exit status. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a console or pipe that lacks a character must not fail the run
            encoding, errors = (
                ("utf-8", "surrogateescape") if os.name == "posix" else (stream.encoding, "replace")
            )
            stream.reconfigure(encoding=encoding, errors=errors)
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
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            name = str(error.filename)
            click.echo(f"The name {name[:60]}… is longer than this computer allows.", err=True)
            return InputError.exit_status
        first = (str(error).splitlines() or [""])[0]
        click.echo(
            f"A fault in the program itself: {type(error).__name__}: {first}. {_logged(error)}",
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
