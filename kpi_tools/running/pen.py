"""The drawing engine in a process of its own, so that charts are drawn while the notebook goes on (Linux).

It is a copy of the copied kernel (`forked`), made before that has threads of its own, and ends with it.
"""

import json
import os
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, NoReturn

from kpi_tools.errors import KpiError
from kpi_tools.page import engine
from kpi_tools.running.forked import end_with, limit_memory

_FIRST = json.dumps({"width": 1, "height": 1})  # takes a third of a second, as the engine starts with it


def begin() -> None:
    """Start it, and have it draw all charts of this process from now on."""
    here, there = Pipe()
    starter = os.getpid()
    if os.fork() == 0:
        try:
            end_with(starter)
            here.close()
            _draw(there)
        finally:
            os._exit(1)
    there.close()
    engine.use(Pen(here))


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


def _draw(place: "Connection[Any, Any]") -> NoReturn:
    """Answer what is asked until nobody is there to ask, which ends this by an exception."""
    with suppress(Exception):  # the chart that needs it is told the same
        engine.own().vega_to_svg(_FIRST)
    limit_memory()
    while True:
        what, spec = place.recv()
        try:
            told = True, getattr(engine.own(), what)(spec)
        except Exception as error:
            told = False, f"{type(error).__name__}: {error}"
        place.send(told)
