"""Workbooks from outside, read by one child process that serves a whole run."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); import kpi_tools; del sys.path[0];"
    "from kpi_tools.intake.workbook_child import main; main()"
)
"""Only our own package is looked for where it lies: what lies beside it may have the name of a module that others want."""
_PACKAGE = str(Path(__file__).parents[2])
SECONDS = 30
"""The longest that one workbook may take."""


class Workbooks:
    """Reads workbooks, each under limits, in a child process that starts with the first of them and ends with the block.

    Where some are `expected`, it starts with the block, to be ready by then.
    """

    def __init__(self, seconds: float = SECONDS, *, expected: bool = False) -> None:
        self._seconds, self._expected = seconds, expected
        self._child: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes] = queue.Queue()

    def __enter__(self) -> Self:
        if self._expected:
            self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def read(self, raw: bytes) -> dict[str, Any]:
        """`{"sheets": [...]}` or `{"fault": code, "detail": text}` for the workbook in `raw` (see `workbook_child`)."""
        child = self._child or self._start()
        assert child.stdin is not None
        # written from a thread: a child that dies or hangs while it is fed must not hold the run
        threading.Thread(target=_feed, args=(child.stdin, raw), daemon=True).start()
        try:
            answer = self._answers.get(timeout=self._seconds)
        except queue.Empty:
            self._stop()
            return {"fault": "file-slow", "detail": f"{self._seconds:g} seconds"}
        if not answer.endswith(b"\n"):
            self._stop()
            return {
                "fault": "file-large",
                "detail": "reading it took more memory or time than a return should",
            }
        found: dict[str, Any] = json.loads(answer)
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = child = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, _PACKAGE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._answers = queue.Queue()
        threading.Thread(target=_listen, args=(child, self._answers), daemon=True).start()
        return child

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                with contextlib.suppress(OSError):
                    if pipe is not None:
                        pipe.close()
            self._child = None


def _feed(pipe: Any, raw: bytes) -> None:
    try:
        pipe.write(len(raw).to_bytes(8, "big") + raw)
        pipe.flush()
    except (OSError, ValueError):
        pass


def _listen(child: subprocess.Popen[bytes], answers: "queue.Queue[bytes]") -> None:
    assert child.stdout is not None
    while True:
        try:
            answer = child.stdout.readline()
        except (OSError, ValueError):
            answer = b""
        answers.put(answer)
        if not answer.endswith(b"\n"):
            return
