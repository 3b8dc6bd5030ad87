"""Each piece of work in a process of its own, which on Linux begins with everything imported.

An executor of `concurrent.futures` as any other. Nothing that one piece leaves behind reaches the next, a process that is
killed costs its own piece of work only, and memory does not grow. Elsewhere than on Linux each process is a new Python.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic, sleep
from typing import Any

from kpi_tools.errors import KpiError
from kpi_tools.running.forked import end_with

IMPORTED = ("kpi_tools.running.warm",)
_AT_ONCE = "forkserver" if sys.platform == "linux" else "spawn"
_PATIENCE = 5


class LostError(KpiError):
    """The process at work ended without a word."""


class Apart(Executor):
    """Runs importable functions with arguments that can be pickled, `processes` of them at a time, in `environment`."""

    def __init__(self, processes: int, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._context: Any = get_context(_AT_ONCE)
        if _AT_ONCE == "forkserver":
            self._context.set_forkserver_preload(list(IMPORTED))
        self._threads = ThreadPoolExecutor(processes)
        self._working: set[Any] = set()
        self._lock, self._closed = Lock(), False

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        """A future of `work(*given, **named)`; its exception is `LostError` where the process was killed."""
        return self._threads.submit(self._run, work, given, named)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As every executor; with `cancel_futures` what is under way is ended as well."""
        if cancel_futures:
            with self._lock:
                self._closed = True
            self._tell("terminate")
            until = monotonic() + _PATIENCE
            while self._working and monotonic() < until:
                sleep(0.02)
            self._tell("kill")
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _tell(self, what: str) -> None:
        with self._lock:
            for process in self._working:
                getattr(process, what)()

    def _run(self, work: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        ear, mouth = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(mouth, self._environment, work, given, named)
        )
        with self._lock:
            if self._closed:
                raise LostError("It was not begun.")
            process.start()
            self._working.add(process)
        mouth.close()
        try:
            result, error = ear.recv()
        except EOFError:
            process.join()
            raise LostError(f"Its process was ended ({_how(process.exitcode)}).") from None
        finally:
            process.join()
            with self._lock:
                self._working.discard(process)
                process.close()
            ear.close()
        if error is not None:
            raise error
        return result


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"by the signal {signal.Signals(-status).name}, as when memory runs out"


def _work(
    mouth: Connection,
    environment: dict[str, str],
    work: Callable[..., Any],
    given: tuple[Any, ...],
    named: dict[str, Any],
) -> None:
    os.environ.update(environment)
    if os.name == "posix":
        os.setsid()  # Ctrl-C is for the process that gave the work; it ends this one
        signal.signal(signal.SIGTERM, _end)
    if sys.platform == "linux":
        end_with(os.getppid())
    told: tuple[Any, Exception | None]
    try:
        told = work(*given, **named), None
    except Exception as error:
        told = None, error
    except KeyboardInterrupt:
        return
    mouth.send(told)


def _end(*_: object) -> None:
    raise KeyboardInterrupt
