"""Pictures of cards and summary, as the charts of today draw them."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from kpi_tools.narrative import history_sentence
from kpi_tools.page.charts import activity_spec, counts_spec, kpi_spec
from kpi_tools.page.descriptions import activity_description, chart_description
from kpi_tools.page.svg import inline_svg
from kpi_tools.wording import Row, Rows


class Picture(NamedTuple):
    """A drawing with its title, its alternative text and the notes below it."""

    svg: str
    title: str
    text: str
    notes: tuple[str, ...] = ()


def kpi_picture(points: Rows, name: str, areas: Sequence[Row] = ()) -> Picture:
    """A KPI's figures with their lines."""
    benchmark = (areas[0]["area"], float(areas[0]["value"])) if areas else None
    text = chart_description(points)
    return Picture(
        inline_svg(kpi_spec(points, benchmark), name, points[-1]["kpi_name"], text), "", text
    )


def activity_picture(points: Rows, name: str) -> Picture:
    """An activity indicator's figures with what was expected."""
    text = activity_description(points)
    return Picture(
        inline_svg(activity_spec(points), name, points[-1]["activity_name"], text), "", text
    )


def counts_picture(history: pd.DataFrame) -> Picture:
    """How many KPIs had each rating, report by report."""
    title = "How many KPIs had each rating, report by report"
    text = history_sentence(history)
    return Picture(inline_svg(counts_spec(history), "history", title, text), title, text)
