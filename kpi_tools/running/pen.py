"""The drawing engine in a process of its own, so that charts are drawn while the notebook goes on (Linux).

It is a copy of the copied kernel (`forked`), made before that has threads of its own, and ends with it. Where many reports
are made, engines are at work for all of them: a new one takes a third of a second to start, and is slow at first.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection
from threading import Lock
from typing import Any, NoReturn

from kpi_tools.errors import KpiError
from kpi_tools.page import engine
from kpi_tools.running.forked import PACKAGE, end_with, limit_memory

DOOR = "KPI_TOOLS_PENS"
"""Name of the environment variable that says where engines at work are to be found (`pens`)."""
_FIRST = json.dumps({"width": 1, "height": 1})  # takes a third of a second, as the engine starts with it
_SERVE = "import sys; from kpi_tools.running.pen import serve; serve(*map(int, sys.argv[1:]))"


def begin() -> None:
    """Have an engine at work for many reports draw all charts of this process from now on, or start one."""
    engine.use(Pen(_at_work() or _own()))


@contextmanager
def pens(count: int) -> Iterator[dict[str, str]]:
    """So many engines at work for the reports made meanwhile, each of which has one to itself (elsewhere than on Linux none).

    Gives the environment in which a report finds them. One that ends costs the report that it was drawing for.
    """
    if sys.platform != "linux":
        yield {}
        return
    with (
        tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as private,
        socket.socket(socket.AF_UNIX) as door,
    ):
        place = os.path.join(private, "pens")
        door.bind(place)
        door.listen()
        command = [sys.executable, "-P", "-c", _SERVE, str(door.fileno()), str(os.getpid())]
        paths = os.pathsep.join(filter(None, (PACKAGE, os.environ.get("PYTHONPATH"))))
        options: Any = {
            "env": os.environ | {"PYTHONPATH": paths},
            "pass_fds": [door.fileno()],
            "start_new_session": True,
        }
        started = [subprocess.Popen(command, stdin=subprocess.DEVNULL, **options) for _ in range(count)]
        door.close()  # so that nobody waits at it when they have ended
        try:
            yield {DOOR: place}
        finally:
            for process in started:
                process.kill()
                process.wait()


def serve(door: int, starter: int) -> NoReturn:
    """Draw for whoever comes to the door (a listening socket's number), one after the other."""
    end_with(starter)
    _start()
    with socket.socket(fileno=door) as listening:
        while True:
            visitor, _ = listening.accept()
            with Connection(visitor.detach()) as place, suppress(EOFError, OSError):
                _draw(place)


def _at_work() -> "Connection[Any, Any] | None":
    with suppress(OSError):  # they have ended
        return Client(os.environ[DOOR], "AF_UNIX") if DOOR in os.environ else None
    return None


def _own() -> "Connection[Any, Any]":
    here, there = Pipe()
    starter = os.getpid()
    if os.fork() == 0:
        try:
            end_with(starter)
            here.close()
            _start()
            _draw(there)
        finally:
            os._exit(1)
    there.close()
    return here


class Pen:
    """Has the functions of `vl_convert` that charts need; each waits for its answer."""

    def __init__(self, place: "Connection[Any, Any]") -> None:
        self._place, self._lock = place, Lock()

    def vega_to_svg(self, spec: str) -> str:
        """A drawing in Vega as SVG. Raises `KpiError` with the engine's words where it fails, or has ended."""
        return str(self._ask("vega_to_svg", spec))

    def vegalite_to_vega(self, spec: dict[str, Any]) -> dict[str, Any]:
        """A Vega-Lite specification in Vega. Raises as `vega_to_svg`."""
        return dict(self._ask("vegalite_to_vega", spec))

    def _ask(self, what: str, spec: Any) -> Any:
        with self._lock:
            try:
                self._place.send((what, spec))
                done, answer = self._place.recv()
            except (OSError, EOFError) as error:
                raise KpiError("The drawing engine has ended, as when memory runs out.") from error
        if not done:
            raise KpiError(f"The drawing engine cannot draw this: {answer}")
        return answer


def _start() -> None:
    with suppress(Exception):  # the chart that needs it is told the same
        engine.own().vega_to_svg(_FIRST)
    limit_memory()


def _draw(place: "Connection[Any, Any]") -> NoReturn:
    """Answer what is asked until nobody is there to ask, which ends this by an exception."""
    while True:
        what, spec = place.recv()
        try:
            told = True, getattr(engine.own(), what)(spec)
        except Exception as error:
            told = False, f"{type(error).__name__}: {error}"
        place.send(told)
