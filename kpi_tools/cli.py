"""The `kpi` command: one sentence for what went wrong, and an exit status."""

import errno
import os
import signal
import sys
import traceback
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import Any

import click

from kpi_tools import collecting, publishing  # noqa: F401 (their commands join the others)
from kpi_tools.commands import TERMINATED, Terminated, kpi
from kpi_tools.errors import InputError, KpiError

__all__ = ["Terminated", "kpi", "main"]

INTERRUPTED = 130
_NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")
_ENDING = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's); its exit status. Never raises."""
    for stream in (sys.stdout, sys.stderr):
        # a console or pipe that lacks a character must not fail the run
        if hasattr(stream, "reconfigure"):
            utf_8 = ("utf-8", "surrogateescape")
            encoding, errors = utf_8 if os.name == "posix" else (stream.encoding, "replace")
            stream.reconfigure(encoding=encoding, errors=errors)
    ended = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        raise Terminated

    before = {number: signal.signal(number, end) for number in _ENDING}
    try:
        return int(kpi.main(arguments, prog_name="kpi", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KpiError) as error:  # click calls Ctrl-C so
        # what was at work when the end was asked for may call that a failure
        if isinstance(error, KpiError) and (not ended or error.exit_status == TERMINATED):
            click.echo(str(error), err=True)
            return error.exit_status
        click.echo("Stopped. Nothing was changed.", err=True)
        return TERMINATED if ended or isinstance(error.__cause__, Terminated) else INTERRUPTED
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BrokenPipeError:  # the reader has gone: what is left to write goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            name = str(error.filename)
            click.echo(f"The name {name[:60]}… is longer than this computer allows.", err=True)
            return InputError.exit_status
        first, where = (str(error).splitlines() or [""])[0], "It could not be logged."
        how: Any = {"prefix": "kpi-", "suffix": ".log", "encoding": "utf-8", "errors": "replace"}
        with suppress(OSError), NamedTemporaryFile("w", delete=False, **how) as log:
            traceback.print_exception(error, file=log)
            where = f"Please send {log.name} to whoever looks after the project."
        sentence = f"A fault in the program itself: {type(error).__name__}: {first}. {where}"
        click.echo(sentence, err=True)
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
