"""The figures shown for each KPI in a report: a row for each quarter, a figure there or none."""

import pandas as pd

from kpi_tools.loading import Returns, with_targets
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.vocabulary import NOT_AVAILABLE

_FIGURE = ["value", "numerator", "denominator", "status", "note", "received"]


def due_figures(returns: Returns, quarter: Quarter, count: int) -> pd.DataFrame:
    """The last `count` figures of each KPI in the report of `quarter`, in the order of the catalogue and of time."""
    kpis = in_set(returns.catalogue, quarter)
    rows = [
        (kpi_id, shown.label, pd.Timestamp(shown.end), shown.title, shown.shift(int(lag)).label)
        for kpi_id, lag in zip(kpis["kpi_id"], kpis["lag_quarters"], strict=True)
        for shown in quarter_range(quarter.shift(-int(lag)), count)
    ]
    names = ["kpi_id", "quarter", "period_end", "period", "due_quarter"]
    grid = pd.DataFrame(rows, columns=names)
    grid["is_due"] = grid["due_quarter"] == quarter.label
    grid["next_due"] = quarter.shift(1).label
    figures = returns.figures[["kpi_id", "quarter", *_FIGURE]]
    table = grid.merge(kpis, on="kpi_id", how="left")
    table = table.merge(figures, on=["kpi_id", "quarter"], how="left")
    table["status"] = table["status"].fillna(NOT_AVAILABLE)
    return with_targets(table.assign(since=None, kind="number", rated="yes"), returns.targets)


def in_set(catalogue: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    """The KPIs of the catalogue that are in the set in the report of `quarter`."""
    first = catalogue["first_quarter"].map(Quarter.parse)
    last = [
        quarter if pd.isna(label) else Quarter.parse(label) for label in catalogue["last_quarter"]
    ]
    kpis = catalogue[[a <= quarter <= b for a, b in zip(first, last, strict=True)]]
    # that a KPI leaves the set later is not known yet
    return kpis.assign(
        last_quarter=kpis["last_quarter"].where(kpis["last_quarter"] == quarter.label)
    )
