"""A kernel that does not begin from nothing: a copy of this process, made before it has connections or threads of its own.

What is imported and loaded here is there at once, in memory that is shared until one of the two writes to it. Only on
Linux, and only where nothing would be left behind half done; elsewhere a kernel is a new Python (`kernel.serve`).
"""

import ctypes
import gc
import json
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module, reload
from pathlib import Path
from typing import Any

MEMORY_LIMIT = 4 * 1024**3
PACKAGE = str(Path(__file__).resolve().parent.parent.parent)
KERNEL = ("ipykernel.kernelapp",)
_BEFORE = "vl_convert"  # its threads are not copied, and without them a chart is waited for in vain


def possible() -> bool:
    """Whether a copy of this process, as it is now, can be a kernel."""
    return (
        sys.platform == "linux"
        and threading.active_count() == 1
        and threading.current_thread() is threading.main_thread()
        and _BEFORE not in sys.modules
        and {sys.getfilesystemencoding(), locale.getencoding().lower()} == {"utf-8"}
    )


class Copy:
    """A copy of this process that waits to be told what to be. To a kernel's manager it is a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, gate: int) -> None:
        self.pid, self._gate = pid, gate
        self.returncode: int | None = None

    def begin(self, connection: str, folder: str, environment: dict[str, str], log: str) -> None:
        """Have it be the kernel of the connection file, in `folder`, with its error stream in `log`."""
        told = json.dumps(
            {"connection": connection, "folder": folder, "environment": environment, "log": log}
        )
        os.write(self._gate, told.encode("utf-8", "surrogateescape"))
        self._close_gate()

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Have it gone, whatever it is doing."""
        self._close_gate()
        self.kill()
        self.wait()

    def _close_gate(self) -> None:
        if self._gate >= 0:
            os.close(self._gate)
            self._gate = -1


@contextmanager
def copy_of_this_process(
    needed: Iterable[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[Copy | None]:
    """A copy that imports `needed` in `environment` while it waits, gone afterwards; None where there can be none.

    A module of `needed` may have a function `begin`, for what it can do while it waits. It has ended before the copy takes
    on its own environment and folder: another thread must not look at them just then.
    """
    if not possible():
        yield None
        return
    ear, gate = os.pipe()
    starter = os.getpid()
    with warnings.catch_warnings():
        # Python warns of any thread; those of Arrow and OpenBLAS begin anew in a copy by themselves
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        try:
            os.environ.update(environment or {})
            _be_a_kernel(ear, starter, (*KERNEL, *needed))
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        finally:
            os._exit(1)  # nothing of the original is this process's to end
    os.close(ear)
    copy = Copy(pid, gate)
    try:
        yield copy
    finally:
        copy.end()


def _be_a_kernel(ear: int, starter: int, needed: Iterable[str]) -> None:
    end_with(starter)
    _leave_behind(ear)
    for name in needed:
        with suppress(Exception):  # the cell that needs it stops with the same
            module = import_module(name)
            getattr(module, "begin", lambda: None)()
    gc.freeze()  # what is imported is not looked through for garbage again and again
    told: dict[str, Any] = json.loads(_heard(ear) or "null") or os._exit(1)
    os.environ.clear()
    os.environ.update(told["environment"])
    os.chdir(told["folder"])
    log = os.open(told["log"], os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from ipykernel.kernelapp import IPKernelApp

    sys.modules["debugpy"] = None  # type: ignore[assignment]  # nobody debugs a report, and it is slow to import
    arguments = ["-f", told["connection"], "--log-level=ERROR", "--HistoryManager.enabled=False"]
    limit_memory()
    IPKernelApp.launch_instance(arguments)


def end_with(starter: int) -> None:
    """Have this process end when `starter`, its parent, has ended (Linux)."""
    # A kernel's own look for its starter comes late, and not while a cell keeps Python's lock.
    set_death_signal = 1  # PR_SET_PDEATHSIG of linux/prctl.h
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != starter:
        sys.exit(1)


def limit_memory() -> None:
    """Never let this process take all the memory (Linux)."""
    import resource

    resource.setrlimit(
        resource.RLIMIT_DATA, (MEMORY_LIMIT, resource.getrlimit(resource.RLIMIT_DATA)[1])
    )


def _leave_behind(ear: int) -> None:
    """Nothing of the original: its terminal, its files and locks, its hooks and ways of ending, its script's folder."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reload(warnings)  # whoever collects them in the original does not collect those of a notebook
    warnings.resetwarnings()
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)  # as Python begins
    threading.excepthook, sys.excepthook = threading.__excepthook__, sys.__excepthook__
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    for taken in map(int, os.listdir("/proc/self/fd")):
        if taken > 2 and taken not in (ear, nothing):
            # Not closed: when an object of the original is thrown away here it closes its number, which must not be
            # another's by then (the drawing engine's, say).
            with suppress(OSError):  # the look at the folder had a number of its own
                os.fstat(taken)
                os.dup2(nothing, taken, inheritable=False)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(stream, mode, closefd=False) for stream, mode in enumerate("rww")
    )
    import asyncio

    asyncio.set_event_loop(
        asyncio.new_event_loop()
    )  # the original's, if it had one, waits for what is closed here
    sys.argv[:] = [""]
    if not sys.flags.safe_path:
        sys.path[0] = PACKAGE


def _heard(ear: int) -> bytes:
    parts = list(iter(lambda: os.read(ear, 2**16), b""))
    os.close(ear)
    return b"".join(parts)
