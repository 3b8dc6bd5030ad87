"""A hostile workbook costs the process that reads it, and nothing else: both sides of that process.
Workbooks go in as eight bytes of length and their bytes; for each comes back one line of JSON."""

import json
import os
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from kpi_tools.errors import Refused
from kpi_tools.workbooks.sheets import read_workbook

SECONDS: Final = 30
MEMORY, CPU_SECONDS = 2**30, 15
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); import kpi_tools; del sys.path[0];"
    "from kpi_tools.workbooks.child import main; main()"
)
"""Only our package is looked for where it lies: beside it may lie a module that others want."""
_PACKAGE: Final = str(Path(__file__).parents[2])


class Workbooks:
    """Reads workbooks, each under limits, in one child process that ends with the block."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def begin(self) -> "subprocess.Popen[bytes]":
        """Start the process, which takes longer than what it has to do."""
        self._child = self._child or subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, _PACKAGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._child

    def read(self, raw: bytes) -> dict[str, Any]:
        """As `sheets.read_workbook`. Raises `Refused`."""
        child = self.begin()
        assert child.stdin is not None and child.stdout is not None
        begun, limit = time.monotonic(), threading.Timer(self._seconds, child.kill)
        limit.start()
        try:
            child.stdin.write(len(raw).to_bytes(8, "big") + raw)
            child.stdin.flush()
            line = child.stdout.readline()
        except OSError:
            line = b""
        limit.cancel()
        if line.endswith(b"\n"):
            found: dict[str, Any] = json.loads(line)
            if "code" in found:
                raise Refused(**found)
            return found
        self.__exit__()
        if time.monotonic() - begun >= self._seconds:
            raise Refused("file-slow", f"{self._seconds:g} seconds")
        raise Refused("file-large", "reading it took more memory or time than a return should")


def answer(raw: bytes) -> dict[str, Any]:
    """As `read_workbook`; whatever a workbook makes the reader raise is a fault of the workbook."""
    try:
        return read_workbook(raw)
    except Refused as refused:
        return {"code": refused.code, "detail": refused.detail}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return {"code": "file-truncated", "detail": "a part of it cannot be unpacked"}
    except MemoryError:
        return {"code": "file-large", "detail": "it needs more memory than a return should"}
    except Exception as error:  # noqa: BLE001
        return {"code": "file-strange", "detail": type(error).__name__}


def main() -> None:
    """Answer for each workbook on standard input until there are no more."""
    import warnings

    # openpyxl looks for numpy, which it does not need here, and for lxml, which is not guarded
    sys.modules["numpy"] = None  # type: ignore[assignment]
    os.environ["OPENPYXL_LXML"] = "False"
    warnings.simplefilter("ignore")
    import openpyxl  # noqa: F401

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while len(head := source.read(8)) == 8:
        _limit()
        raw = source.read(int.from_bytes(head, "big"))
        sink.write(json.dumps(answer(raw)).encode() + b"\n")
        sink.flush()


def _limit() -> None:
    """Cap memory and the next workbook's processor seconds, where the platform has such limits."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    for kind, amount in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds)):
        with suppress(ValueError, OSError):
            hard = resource.getrlimit(kind)[1]
            allowed = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
            resource.setrlimit(kind, (allowed, hard))
