"""The drawing engine in a process of its own, so that charts are drawn while the notebook goes on (Linux).

It takes a third of a second to start, and is slow at first: so it is started before anything is read, and where many reports
are made, engines are at work for all of them.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn

from kpi_tools.errors import KpiError
from kpi_tools.page import engine
from kpi_tools.running.forked import PACKAGE, end_with, limit_memory

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

DOOR = "KPI_TOOLS_PENS"
"""Name of the environment variable that says where engines are at work (`pens`)."""
_FIRST = json.dumps({"width": 1, "height": 1})  # the engine starts with it
_SERVE = "import sys; from kpi_tools.running.pen import serve; serve(*map(int, sys.argv[1:]))"


def begin() -> None:
    """Have an engine at work draw all charts of this process from now on; where there is none it draws by itself."""
    if DOOR in os.environ:
        from multiprocessing.connection import Client

        with suppress(OSError):  # they have ended
            engine.use(Pen(Client(os.environ[DOOR], "AF_UNIX")))


@contextmanager
def pens(count: int) -> Iterator[dict[str, str]]:
    """So many engines at work for the reports made meanwhile, each of which has one to itself (elsewhere than on Linux none).

    Gives the environment in which a report finds them. One that ends costs the report that it was drawing for.
    """
    with ExitStack() as end:
        environment: dict[str, str] = {}
        if sys.platform == "linux":
            with suppress(
                OSError
            ):  # where there is no room for them a report draws by itself, or says so
                environment = _started(count, end)
        yield environment


def _started(count: int, end: ExitStack) -> dict[str, str]:
    private = end.enter_context(
        tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True)
    )
    place = os.path.join(private, "pens")
    paths = os.pathsep.join(filter(None, (PACKAGE, os.environ.get("PYTHONPATH"))))
    with socket.socket(
        socket.AF_UNIX
    ) as door:  # closed here, so that nobody waits at it when they have ended
        door.bind(place)
        door.listen()
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(door.fileno()), str(os.getpid())],
                env=os.environ | {"PYTHONPATH": paths},
                pass_fds=[door.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            end.callback(process.wait)
            end.callback(process.kill)
    return {DOOR: place}


def serve(door: int, starter: int) -> NoReturn:
    """Draw for whoever comes to the door (a listening socket's number), one after the other."""
    from multiprocessing.connection import Connection

    end_with(starter)
    engine.Own().svgs([_FIRST])  # if this fails, the chart that needs it is told the same
    limit_memory()
    with socket.socket(fileno=door) as listening:
        while True:
            visitor, _ = listening.accept()
            with Connection(visitor.detach()) as place, suppress(EOFError, OSError):
                _draw(place)


class Pen:
    """An `engine.Engine` in another process; each question waits for its answer."""

    def __init__(self, place: "Connection[Any, Any]") -> None:
        self._place, self._lock = place, Lock()

    def svgs(self, specs: Sequence[str]) -> list[str | KpiError]:
        """As `engine.Engine`. Raises `KpiError` where it has ended."""
        return list(self._ask("svgs", specs))

    def vegalite_to_vega(self, spec: dict[str, Any]) -> dict[str, Any]:
        """As `engine.Engine`. Raises `KpiError` where it has ended, too."""
        return dict(self._ask("vegalite_to_vega", spec))

    def _ask(self, what: str, about: Any) -> Any:
        with self._lock:
            try:
                self._place.send((what, about))
                answer = self._place.recv()
            except (OSError, EOFError) as error:
                raise KpiError("The drawing engine has ended, as when memory runs out.") from error
        if isinstance(answer, KpiError):
            raise answer
        return answer


def _draw(place: "Connection[Any, Any]") -> NoReturn:
    """Answer what is asked until nobody is there to ask, which ends this by an exception."""
    own = engine.Own()
    while True:
        what, about = place.recv()
        try:
            answer: Any = getattr(own, what)(about)
        except KpiError as error:
            answer = error
        place.send(answer)
