"""Tables → charts: the KPI's columns with its target and floor, activity with what was expected, the set's ratings.

A chart is a shape (`shapes`) and its data. Text that comes from the council stands in data values only: Vega reads titles
and axis titles as expressions. Nothing is rated here.
"""

from typing import Any

import pandas as pd

from kpi_tools.page.chart_data import activity_data, counts_data, kpi_data
from kpi_tools.page.shapes import described
from kpi_tools.page.svg import Spec
from kpi_tools.words.row_words import Rows


def kpi_spec(points: Rows, benchmark: tuple[str, float] | None = None) -> Spec:
    """The Vega-Lite specification of one KPI's column chart.

    `points`: the rows shown, oldest first, with `quarter`, `value`, `unit`, `decimals`, `status`, `target`,
    `floor_standard`, `target_status`. Columns stand on zero; target and floor are stepped lines, dashed and dotted,
    with their names beside them; estimated figures are pale, illustrative ones have a dashed edge and no fill;
    a quarter without a figure says so. `benchmark` is an area's name and its value, drawn as a further line.
    """
    return _filled("columns", kpi_data(points, benchmark))


def activity_spec(points: Rows) -> Spec:
    """The specification of one activity indicator's line, with the band between what was expected at least and at most.

    `points`: rows oldest first with `period` (quarter label), `value`, `unit`, `decimals`, `status`, `lower_expected`,
    `upper_expected`. The scale starts at zero unless all values lie far from it.
    """
    return _filled("line", activity_data(points))


def counts_spec(history: pd.DataFrame) -> Spec:
    """The specification of the stacked columns of ratings: `history` has `quarter`, Green, Amber, Red, Not rated."""
    return _filled("columns", counts_data(history))


def _filled(shape: str, data: dict[str, Any]) -> Spec:
    low, high = data.pop("range")
    ends = [{"name": "low", "value": low}, {"name": "high", "value": high}]
    return described()[shape] | {"params": ends, "datasets": data}
