"""A Python process of its own for one piece of work after another, limited in memory and time.

What goes wrong in it (killed, out of memory, hanging) costs that piece of work, never the command
that asked for it. Standard library only: what the work imports is imported in the process alone.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from kpi_tools.errors import InputError, KpiError

MEMORY_LIMIT = 4 * 1024**3
PIECES = 20
"""So many pieces of work, then another process: what they leave in memory does not add up."""
_PACKAGE = str(Path(__file__).resolve().parents[2])
_SERVE = "from kpi_tools.report.process import serve; serve()"
_BEGIN = f"import sys; sys.path.insert(0, sys.argv[2]); {_SERVE}"
_PYTHON = ("-E", "-P", "-X", "utf8", "-c", _BEGIN)
"""`-E`: no variable of the user's environment changes what a report is made with."""


class LostError(KpiError):
    """The process ended, or was ended for taking too long; `step` is what it was at."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"stopped in {step}: {reason}." if step else f"stopped: {reason}.")


class Worker:
    """Such a process. It is started with its first piece of work, and anew after it was lost."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._done = 0

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def run(
        self,
        work: str,
        *given: Any,
        patience: float,
        step: Callable[[str], object] = lambda name: None,
    ) -> Any:
        """What `work` ("module:function") returns for `given`, or the error that it raises. The
        function is also given `step`, to say what it goes on to: the process is ended where the
        next word from it takes longer than `patience` seconds. Raises `LostError` then, and where
        it ended by itself."""
        if self._done >= PIECES:
            self.end()
        process = self._process or self._start()
        self._done += 1
        _send(process.stdin, (work, given))
        at = ""
        while True:
            try:
                kind, value = self._answers.get(timeout=patience)
            except queue.Empty:
                self.end()
                raise LostError(at, "it took longer than it may") from None
            if kind == "step":
                at = value
                step(at)
            elif kind == "returned":
                return value
            elif kind == "raised":
                raise value
            else:
                self.end()
                status = process.returncode
                how = f"its process ended (exit status {status})"
                if status < 0:
                    name = signal.Signals(-status).name
                    how = f"its process was ended by {name}, as when memory runs out"
                raise LostError(at, how)

    def end(self) -> None:
        """Have the process gone, whatever it is doing."""
        if self._process is not None:
            process, self._process, self._done = self._process, None, 0
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with suppress(OSError):  # what was still to be sent has nobody to read it
                    assert stream is not None
                    stream.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, *_PYTHON, str(os.getpid()), _PACKAGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the command
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._process, self._answers = process, queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process.stdout, self._answers), daemon=True).start()
        return process


def _listen(stream: IO[bytes], answers: "queue.SimpleQueue[tuple[str, Any]]") -> None:
    with suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
        while True:
            answers.put(pickle.load(stream))
    answers.put(("ended", None))


def _send(stream: "IO[bytes] | None", message: Any) -> None:
    assert stream is not None
    # the other side has ended, which is noticed where its answer is waited for
    with suppress(OSError):
        stream.write(pickle.dumps(message))
        stream.flush()


# In the process


def serve() -> None:
    """Do what is asked through the standard input, until the process that asks has ended."""
    answers = os.fdopen(os.dup(1), "wb")
    questions = os.fdopen(os.dup(0), "rb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)  # nothing that a notebook starts speaks to the one who asks
    _limit(int(sys.argv[1]))
    sys.argv[1:] = []
    with suppress(EOFError):
        while True:
            work, given = pickle.load(questions)
            try:
                module, _, name = work.partition(":")
                function = getattr(import_module(module), name)
                returned = function(*given, step=lambda at: _send(answers, ("step", at)))
                _send(answers, ("returned", returned))
            except Exception as error:
                _send(answers, ("raised", _plain(error)))
    os._exit(1)  # whatever threads a notebook left: nobody is there to ask or to read


def _limit(starter: int) -> None:
    """Never take all the memory, and end with the process that asks, whatever runs (Linux)."""
    if sys.platform == "linux":
        import ctypes
        import resource

        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, most))
        set_death_signal = 1  # PR_SET_PDEATHSIG of linux/prctl.h
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.name == "posix" and os.getppid() != starter:
        os._exit(1)


def _plain(error: Exception) -> Exception:
    """The error as any process can read it."""
    for kind in (InputError, KpiError):
        if isinstance(error, kind):
            return kind(str(error))
    if isinstance(error, OSError):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
