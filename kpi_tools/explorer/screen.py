"""The explorer on one screen in JupyterLab: the table and the chart, and what the browser asks.

The front end is `screen.js`, the same for the offline page. What it needs of Python it asks for by
a message with a number, and gets one answer; pictures are drawn when they are first looked at.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import pandas as pd
import traitlets
from IPython.display import display
from markupsafe import Markup

from kpi_tools.errors import KpiError
from kpi_tools.explorer import table
from kpi_tools.explorer.evidence import Evidence, directorate_named, evidence
from kpi_tools.explorer.whatif import what_if
from kpi_tools.explorer.words import Desk
from kpi_tools.kinds import TITLES
from kpi_tools.loading import commentary_until, load, quarters_with_returns
from kpi_tools.page.html import Html
from kpi_tools.quarters import Quarter

RUN_AGAIN = "Run > Run All Cells to go on."
_HIDDEN = """<style>.jp-OutputArea:has(.kx) .kx-last,
.jp-OutputArea:has(.kx-last):not(:has(.kx)) > :not(:has(.kx-last)) { display: none; }</style>"""
"""Of the last picture and the screen one is seen, also where the screen cannot come to life."""
_TEXTS_ONE_BY_ONE = "mode.string_storage", "python"
"""Quicker than Arrow's arrays for tables as small as a council's."""


def explore(directorate: str, quarter: object, raw: str | Path) -> "Explorer":
    """The explorer of a directorate (empty: of all) in the report of a quarter.

    Args:
        directorate: its name, as in kpis.csv.
        quarter: the financial quarter, for example `2024-25 Q3`.
        raw: the folder of council.toml, kpis.csv and returns.

    Raises:
        InputError: with the nearest names, where there is no such directorate; as `load` does.
    """
    with pd.option_context(*_TEXTS_ONE_BY_ONE):
        return Explorer(*_read(directorate, quarter, raw), raw=str(raw))


def _read(
    directorate: str, quarter: object, raw: str | Path
) -> tuple[Evidence, str, pd.DataFrame, list[str]]:
    returns = load(raw, Quarter.parse(quarter))
    name, rows = directorate_named(returns, directorate), returns.catalogue
    ids = set(rows.loc[rows["directorate"] == name, "kpi_id"] if name else rows["kpi_id"])
    every = sorted(rows["directorate"].dropna().unique())
    return evidence(returns, ids), name, commentary_until(raw, returns), every


class Explorer(anywidget.AnyWidget):
    """The screen. `known` holds every table behind it (see `evidence.Evidence`).

    `data`: what `table.screen` gives; `shown`: the view looked at last; `chosen`: which that is, as
    `kpi=ES01&view=trend`.
    """

    _esm = table.HERE / "screen.js"
    _css = table.HERE / "screen.css"
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
        super().__init__()
        self.raw, self.chosen = raw, self._last.get(raw, "")
        self._show(known, directorate, commentary, directorates)
        if len(known.kpis):
            first = str(known.kpis["kpi_id"].iloc[0])
            self.shown = {"key": f"{first} trend M", **self.view_of(first, "trend", "M")}
        self.on_msg(lambda _, asked, __: self.send(self.answer(asked)))
        self.observe(lambda change: self._last.update({raw: change["new"]}), "chosen")

    def _show(
        self,
        known: Evidence,
        directorate: str,
        commentary: pd.DataFrame,
        directorates: Sequence[str],
    ) -> None:
        self.known, self.directorate, self.commentary = known, directorate, commentary
        self.desk = Desk(known, commentary, self.raw)
        self._facts: dict[tuple[str, str], Any] = {}
        quarters = reversed(quarters_with_returns(self.raw))
        self.data = table.screen(
            known,
            directorate,
            directorates=list(directorates),
            quarters=[[one.label, one.title] for one in quarters],
        )

    def view_of(self, kpi_id: str, name: str, size: str, chart: str = "") -> dict[str, Any]:
        """One view of a KPI with the facts of its points; `chart`: another kind than is set."""
        known = self.known.charted_as(kpi_id, chart) if chart else self.known
        drawn = table.view_data(known, kpi_id, name, size)
        if name == "limits":
            taken = known.chart(kpi_id)
            kinds = dict.fromkeys((taken.chart, *taken.possible))
            drawn["kind"] = taken.chart
            drawn["kinds"] = [[kind, TITLES[kind].split(" ", 1)[1]] for kind in kinds]
        if (kpi_id, chart) not in self._facts:
            self._facts[kpi_id, chart] = table.facts_of(known, kpi_id, self.commentary)
        facts = self._facts[kpi_id, chart]
        return drawn | {"facts": {at: facts[at] for at in drawn["places"] if at in facts}}

    def what_if(self, kpi_id: str, supposed: dict[str, float], size: str) -> dict[str, Any]:
        """What would be (`whatif.what_if`), with the facts of the points that are so."""
        return self.view_of(kpi_id, "trend", size) | what_if(self.known, kpi_id, supposed, size)

    @property
    def pages(self) -> Html:
        """The table and each KPI's trend, for reading without a kernel."""
        return table.pages(self.known, self.directorate, self.commentary)

    def offline(self, foot: str) -> str:
        """The same screen as a page that needs neither Python nor a network."""
        return table.offline_page(self.known, self.directorate, self.commentary, foot)

    def read(self, directorate: str, quarter: str) -> dict[str, Any]:
        """Another directorate or quarter in the same place."""
        self._show(*_read(directorate, quarter, self.raw))
        return {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to a message of the front end; a sentence under `error` instead."""
        doers: dict[str, Callable[..., dict[str, Any]]]
        doers = {"view": self.view_of, "read": self.read, "hello": dict, "what_if": self.what_if}
        doers |= {"words": self.desk.show, "save": self.desk.save, "undo": self.desk.undo}
        what = {name: value for name, value in asked.items() if name not in ("number", "ask")}
        try:
            with pd.option_context(*_TEXTS_ONE_BY_ONE):
                answer = doers[asked["ask"]](**what)
        except KpiError as error:
            answer = {"error": str(error)}
        if asked["ask"] in ("save", "undo"):
            self.commentary = self.desk.commentary
            self._facts.clear()
        return {"number": asked["number"], **answer}

    def _ipython_display_(self) -> None:
        """The last picture and a sentence, for a notebook without its kernel; then the screen.

        JupyterLab shows the widget's own text in its place where it is not trusted, and an error or
        nothing but "Loading widget..." where it is trusted and cannot come to life.
        """
        put: Any = display
        view, picture = self.shown, Markup("")
        if view.get("svg"):
            kpi = next(one for one in self.data["kpis"] if view["key"].startswith(one["id"]))
            picture = Markup("<p><b>{name} ({id})</b>. {lead}</p>").format_map(kpi)
            picture += table.image(view["svg"], kpi["lead"])
        last = Markup('{}<div class="kx-last">{}<p>{}</p></div>')
        last = last.format(Markup(_HIDDEN), picture, RUN_AGAIN)
        put({"text/html": last, "text/plain": RUN_AGAIN}, raw=True)
        bundle: Any = self._repr_mimebundle_()
        bundle, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        put({**bundle, "text/plain": "KPI explorer"}, metadata=metadata, raw=True)
