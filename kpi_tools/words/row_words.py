"""A row of a table of figures → the words for its parts, the same wherever a KPI is looked at closely."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.words.wording import show_against, show_line

Row = dict[str, Any]
Rows = list[Row]


def rows_of(table: pd.DataFrame) -> Rows:
    """A table as a list of its rows, each its cells by column: many times quicker to read than a small table is."""
    names = [str(name) for name in table.columns]
    cells = zip(*(column.tolist() for _, column in table.items()), strict=True)
    return [dict(zip(names, row, strict=True)) for row in cells]


def rows_by(table: pd.DataFrame, name: str = "kpi_id") -> dict[str, Rows]:
    """The rows of each value of a column, in their order."""
    found: dict[str, Rows] = {}
    for row in rows_of(table):
        found.setdefault(row[name], []).append(row)
    return found


def series_rows(table: pd.DataFrame, keys: Sequence[str]) -> Iterable[tuple[tuple[Any, ...], Rows]]:
    """The rows of each series (named by its values of `keys`) in order of their `period_end`."""
    found: dict[tuple[Any, ...], Rows] = {}
    for row in rows_of(table.sort_values("period_end", kind="stable")):
        found.setdefault(tuple(row[name] for name in keys), []).append(row)
    return found.items()


def figure_of(row: Row) -> str:
    """The figure as the report prints it, or the status that says why there is none."""
    if not is_number(row["value"]):
        return str(row["status"])
    return show_against(
        row["value"], row["unit"], int(row["decimals"]), (row["target"], row["floor_standard"])
    )


def line_of(row: Row, name: str) -> str:
    """The row's `target` or `floor_standard`."""
    return show_line(row[name], row["unit"], int(row["decimals"]))


def period_of(row: Row) -> str:
    """`December 2024` for a month, `Quarter 3 2024/25` for a quarter."""
    month = row.get("month")
    return (
        f"{row['period_end']:%B %Y}"
        if isinstance(month, str)
        else Quarter.parse(row["quarter"]).title
    )


def is_text(value: Any) -> bool:
    """Whether a cell holds words."""
    return isinstance(value, str) and bool(value.strip())


def is_number(value: Any) -> bool:
    """Whether a cell holds a number that can be shown."""
    return value is not None and not pd.isna(value) and math.isfinite(value)
