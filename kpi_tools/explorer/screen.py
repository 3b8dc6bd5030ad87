"""The explorer on one screen in JupyterLab and Voila: the table beside the chart, and what the browser asks of Python.

The front end is `screen.js`, the same for the offline page. What it needs of Python it asks for by a message with a
number, and gets one answer; pictures are drawn when they are first looked at.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import pandas as pd
import traitlets
from markupsafe import escape

from kpi_tools.errors import KpiError
from kpi_tools.explorer import table
from kpi_tools.explorer.desk import Desk
from kpi_tools.explorer.evidence import Evidence, directorate_named, evidence
from kpi_tools.explorer.offline import image, offline_page, pages
from kpi_tools.explorer.whatif import what_if
from kpi_tools.kinds import TITLES
from kpi_tools.loading import commentary_until, load, quarters_with_returns
from kpi_tools.page.html import Html
from kpi_tools.quarters import Quarter

RUN_AGAIN = "Run > Run All Cells to go on."
HERE = Path(__file__).parent


def explore(directorate: str, quarter: object, raw: str | Path) -> "Explorer":
    """The explorer of a directorate (empty: of all) in the report of `quarter`, from the folder `raw`.

    Raises `InputError`, with the nearest names, where there is no such directorate, and as `loading.load` does.
    """
    return Explorer(*_read(directorate, quarter, raw), raw=str(raw))


def _read(
    directorate: str, quarter: object, raw: str | Path
) -> tuple[Evidence, str, pd.DataFrame, list[str]]:
    returns = load(raw, Quarter.parse(quarter))
    name = directorate_named(returns, directorate)
    own = returns.catalogue[returns.catalogue["directorate"] == name] if name else returns.catalogue
    every = sorted(dict.fromkeys(returns.catalogue["directorate"].dropna()))
    return evidence(returns, set(own["kpi_id"])), name, commentary_until(raw, returns), every


class Explorer(anywidget.AnyWidget):
    """The screen. `known` holds every table behind it (see `evidence.Evidence`).

    `data`: what `table.screen` gives; `shown`: the view looked at last; `chosen`: which that is, as `kpi=ES01&view=trend`.
    """

    _esm = HERE / "screen.js"
    _css = HERE / "screen.css"
    data = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    _last: ClassVar[dict[str, str]] = {}

    def __init__(
        self,
        known: Evidence,
        directorate: str,
        commentary: pd.DataFrame,
        directorates: Sequence[str] = (),
        raw: str = "data/raw",
    ) -> None:
        self.known, self.directorate, self.commentary = known, directorate, commentary
        self.directorates, self.raw = directorates, raw
        super().__init__()
        self._facts: dict[tuple[str, str], Any] = {}
        self.desk = Desk(known, commentary, raw)
        self.chosen = self._last.get(raw, "")
        self.data = self._data()
        if len(known.kpis):
            first = str(known.kpis["kpi_id"].iloc[0])
            self.shown = {"key": f"{first} trend M", **self.view_of(first, "trend", "M")}
        self.on_msg(self._asked)
        self.observe(self._kept, "chosen")

    def view_of(self, kpi_id: str, name: str, size: str, chart: str = "") -> dict[str, Any]:
        """One view of a KPI: its picture, its words, and the facts of its points; `chart`: another kind than is set."""
        known = self.known.charted_as(kpi_id, chart) if chart else self.known
        drawn = table.shown(known, kpi_id, name, size)
        if name == "limits":
            taken = known.chart(kpi_id)
            kinds = dict.fromkeys((taken.chart, *taken.possible))
            drawn |= {
                "kind": taken.chart,
                "kinds": [[kind, TITLES[kind].split(" ", 1)[1]] for kind in kinds],
            }
        if (kpi_id, chart) not in self._facts:
            self._facts[kpi_id, chart] = table.facts_of(known, kpi_id, self.commentary)
        facts = self._facts[kpi_id, chart]
        return drawn | {"facts": {at: facts[at] for at in drawn["places"] if at in facts}}

    def what_if(self, kpi_id: str, supposed: dict[str, float], size: str) -> dict[str, Any]:
        """What would be (`whatif.what_if`), with the facts of the points that are so."""
        return self.view_of(kpi_id, "trend", size) | what_if(self.known, kpi_id, supposed, size)

    def _data(self) -> dict[str, Any]:
        quarters = reversed(quarters_with_returns(self.raw))
        return table.screen(
            self.known,
            self.directorate,
            directorates=list(self.directorates),
            quarters=[[one.label, one.title] for one in quarters],
        )

    @property
    def pages(self) -> Html:
        """The table and each KPI's trend, for reading without a kernel."""
        return pages(self.known, self.directorate, self.commentary)

    def offline(self, foot: str) -> str:
        """The same screen as a page that needs neither Python nor a network (`offline.offline_page`)."""
        return offline_page(self.known, self.directorate, self.commentary, foot)

    def read(self, directorate: str, quarter: str) -> dict[str, Any]:
        """Another directorate or quarter in the same place."""
        read = _read(directorate, quarter, self.raw)
        self.known, self.directorate, self.commentary, self.directorates = read
        self._facts = {}
        self.desk = Desk(self.known, self.commentary, self.raw)
        self.data = self._data()
        return {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is answered to a message of the front end; a sentence under `error` where it cannot be."""
        doers: dict[str, Callable[..., dict[str, Any]]]
        doers = {"view": self.view_of, "read": self.read, "hello": dict, "what_if": self.what_if}
        doers |= {"words": self.desk.show, "save": self.desk.save, "undo": self.desk.undo}
        what = {name: value for name, value in asked.items() if name not in ("number", "ask")}
        try:
            answer = doers[asked["ask"]](**what)
            if asked["ask"] in ("save", "undo"):
                self.commentary = self.desk.commentary
                self._facts.clear()
            return {"number": asked["number"], **answer}
        except KpiError as error:
            return {"number": asked["number"], "error": str(error)}

    def _asked(self, _: Any, asked: dict[str, Any], buffers: Any) -> None:
        self.send(self.answer(asked))

    def _kept(self, change: Any) -> None:
        self._last[self.raw] = change["new"]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The widget, and for a notebook that is opened without its kernel the last picture and a sentence."""
        shown: Any = super()._repr_mimebundle_(**options)
        bundle, metadata = shown if isinstance(shown, tuple) else (shown, {})
        return {**bundle, "text/html": self._picture(), "text/plain": RUN_AGAIN}, metadata

    def _picture(self) -> str:
        if not self.shown.get("svg"):
            return f"<p>{escape(RUN_AGAIN)}</p>"
        kpi = next(one for one in self.data["kpis"] if self.shown["key"].startswith(one["id"]))
        return (
            f"<p><b>{escape(kpi['name'])} ({escape(kpi['id'])})</b>. {escape(kpi['lead'])}</p>"
            f"{image(self.shown['svg'], kpi['lead'])}"
            f"<p>{escape(RUN_AGAIN)}</p>"
        )
