"""The directorate explorer: what deserves attention first, and one KPI after another, looked at from four sides.

A notebook shows its parts one by one. What can be filtered by the chart itself is; Python computes only what it must:
another KPI, another view, what is known of the point that was clicked.
"""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd
from markupsafe import Markup

from kpi_tools.explorer import lab
from kpi_tools.explorer.evidence import Evidence, directorate_named, evidence
from kpi_tools.explorer.overview import doubted, flags, ordered, rating_grid
from kpi_tools.explorer.points import point
from kpi_tools.explorer.sentences import standing
from kpi_tools.explorer.views import VIEWS, begin_with, notes_below, view
from kpi_tools.loading import commentary_until, load
from kpi_tools.page.html import Html, looks, paragraphs, render
from kpi_tools.quarters import Quarter
from kpi_tools.terms import Terms
from kpi_tools.wording import rows_of


def explore(directorate: str, quarter: object, raw: str | Path) -> "Explorer":
    """The explorer of a directorate (empty: of all) in the report of `quarter`, from the folder `raw`.

    Raises `InputError`, with the nearest names, where there is no such directorate, and as `loading.load` does.
    """
    lab.start_bundling()
    returns = load(raw, Quarter.parse(quarter))
    name = directorate_named(returns, directorate)
    own = returns.catalogue[returns.catalogue["directorate"] == name] if name else returns.catalogue
    known = evidence(returns, set(own["kpi_id"]))
    return Explorer(known, name, str(raw), commentary_until(raw, returns))


RUN_AGAIN = (
    "What stood here has ended with its kernel. Choose Run > Run All Cells to have it again."
)


class Live:
    """A widget that leaves a sentence in the saved notebook, for who opens it when its kernel has ended."""

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super()._repr_mimebundle_(**options)  # type: ignore[misc]
        return {**shown, "text/html": f"<p>{RUN_AGAIN}</p>", "text/plain": RUN_AGAIN}


class Parameters(Live, widgets.HTML):  # type: ignore[misc]
    """Lines of Python that follow the chooser."""


class Explorer:
    """The parts of the notebook, each to be shown in a cell. `known` holds every table (see `evidence.Evidence`)."""

    def __init__(
        self, known: Evidence, directorate: str, raw: str, commentary: pd.DataFrame
    ) -> None:
        self.known, self.directorate, self.raw, self.commentary = (
            known,
            directorate,
            raw,
            commentary,
        )

    @property
    def by_consequence(self) -> Html:
        """Every KPI of the directorate, in the order in which it deserves attention, with the reason."""
        return ordered(self.known, self.directorate)

    @property
    def grid(self) -> Html:
        """KPI × quarter: the rating of each of the quarters shown."""
        return rating_grid(self.known)

    @property
    def flags(self) -> Html:
        """Why each KPI's latest figure is flagged, or why not."""
        return flags(self.known)

    @property
    def doubts(self) -> Html:
        """What about the data themselves looks wrong: for those who send them."""
        return doubted(self.known)

    @cached_property
    def chooser(self) -> "Chooser | Html":
        """Section → KPI → view → point."""
        return Chooser(self) if len(self.known.kpis) else paragraphs("There is no KPI to choose.")

    @cached_property
    def parameters(self) -> "Parameters | Html":
        """The parameters of what is on screen, to paste into kpi_history or the report; they follow the chooser."""
        return self.chooser.parameters if isinstance(self.chooser, Chooser) else Html()


class Chooser(Live, widgets.VBox):  # type: ignore[misc]
    """Section → KPI → view, the chart, and what is known of the point chosen in it by a click or from the list."""

    def __init__(self, explorer: Explorer) -> None:
        self._known, self._said, self._raw = explorer.known, explorer.commentary, explorer.raw
        kpis = self._known.kpis
        sections = [
            name for name in self._known.returns.council.sections if name in set(kpis["section"])
        ]
        wide = {
            "layout": widgets.Layout(width="auto", max_width="56rem"),
            "style": {"description_width": "4rem"},
        }
        self.section = widgets.Dropdown(
            options=sections, value=kpis["section"].iloc[0], description="Section", **wide
        )
        self.kpi = widgets.Dropdown(
            options=self._titles(), value=kpis["kpi_id"].iloc[0], description="KPI", **wide
        )
        self.view = widgets.ToggleButtons(
            options=[(title, name) for name, title in VIEWS.items()], style={"button_width": "auto"}
        )
        self.point = widgets.Dropdown(description="Point", style={"description_width": "4rem"})
        self.chart = lab.live_chart()
        self._head, self._notes, self._facts, self._draft = (widgets.HTML() for _ in range(4))
        self.parameters = Parameters()
        self._filling = False
        chosen = widgets.VBox([self.point, self._facts], layout=widgets.Layout(flex="1 1 20rem"))
        said = widgets.VBox([self._notes], layout=widgets.Layout(flex="1 1 22rem"))
        below = widgets.HBox(
            [chosen, said], layout=widgets.Layout(flex_flow="row wrap", grid_gap="0 1.5rem")
        )
        parts = [self.section, self.kpi, self.view, self._head, self.chart, below, self._draft]
        super().__init__(parts, layout=widgets.Layout(width="100%", max_width="72rem"))
        self.section.observe(self._on_section, "value")
        self.kpi.observe(self._on_kpi, "value")
        self.view.observe(self._on_kpi, "value")
        self.point.observe(self._on_point, "value")
        self.chart.observe(self._on_click, "chosen")
        self._show()

    def _titles(self) -> list[tuple[str, str]]:
        kpis = self._known.kpis[self._known.kpis["section"] == self.section.value]
        return [(f"{row['kpi_id']}  {row['kpi_name']}", row["kpi_id"]) for row in rows_of(kpis)]

    def _on_section(self, _: Any) -> None:
        titles = self._titles()
        self._filling = True
        self.kpi.options = titles
        self.kpi.value = titles[0][1]
        self._filling = False
        self._show()

    def _on_kpi(self, _: Any) -> None:
        if not self._filling and self.kpi.value is not None:
            self._show()

    def _on_click(self, change: Any) -> None:
        if not self._filling and change["new"] in dict(self.point.options).values():
            self.point.value = change["new"]

    def _on_point(self, _: Any) -> None:
        if not self._filling:
            self._show_point()

    def _show(self) -> None:
        kpi_id, name = self.kpi.value, self.view.value
        shown = view(name, self._known, kpi_id)
        ids = [point.name for point in shown.picture.points]
        self._filling = True
        with self.chart.hold_sync():
            self.chart.name, self.chart.description = f"{kpi_id} {name}", shown.description
            self.chart.chosen = shown.latest
            self.chart.spec = shown.picture.drawing(shown.latest).spec
        self.chart.layout.display = None if ids or name != "areas" else "none"
        self.point.options = [(_period(name), name) for name in ids] or [("no figure", "")]
        self.point.value = shown.latest
        self._filling = False
        self._head.value = self._heading(kpi_id)
        self._notes.value = notes_below(shown)._repr_html_()
        self._draft.value = begin_with(self._known, kpi_id)._repr_html_()
        self.parameters.value = self._parameters()
        self._show_point()

    def _heading(self, kpi_id: str) -> str:
        kpi = self._known.kpi(kpi_id)
        shown = render(
            "explorer_head.html.j2",
            name=kpi["kpi_name"],
            kpi_id=kpi_id,
            rating=kpi["rating"],
            look=looks(Terms(self._known.returns.council)).get(kpi["rating"]),
            direction=kpi["direction_of_travel"],
            lead=standing(self._known, kpi_id),
        )
        return shown._repr_html_()

    def _show_point(self) -> None:
        self.chart.chosen = self.point.value or ""
        self._facts.value = point(
            self.point.value or "", self._known, self.kpi.value, self._said
        )._repr_html_()

    def _parameters(self) -> str:
        kpi = self._known.kpi(self.kpi.value)
        return parameters_html(
            kpi["directorate"],
            kpi["kpi_id"],
            self._known.returns.quarter.label,
            self._raw,
            VIEWS[self.view.value],
        )


def parameters_html(directorate: str, kpi_id: str, quarter: str, raw: str, shown: str) -> str:
    """Python lines to paste, escaped for the page."""
    lines = {"kpi": kpi_id, "directorate": directorate, "quarter": quarter, "raw": raw}
    assigned = (
        f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in lines.items()
    )
    text = "\n".join([f"# on screen: {shown}", *assigned])
    return str(Markup('<pre class="kpi-parameters">{}</pre>').format(text))


def _period(name: str) -> str:
    try:
        return Quarter.parse(name).title
    except ValueError:
        return name
