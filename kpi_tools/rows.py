"""A table as its rows, quicker than a small frame, and what a cell of one holds."""

import math
from typing import Any, TypeGuard

import pandas as pd

Row = dict[str, Any]
Rows = list[Row]


def rows_of(table: pd.DataFrame) -> Rows:
    """A table as a list of its rows, each its cells by column: quicker than a small frame."""
    names = [str(name) for name in table.columns]
    cells = zip(*(column.tolist() for _, column in table.items()), strict=True)
    return [dict(zip(names, row, strict=True)) for row in cells]


def rows_by(table: pd.DataFrame, name: str = "kpi_id") -> dict[str, Rows]:
    """The rows of each value of a column, in their order."""
    found: dict[str, Rows] = {}
    for row in rows_of(table):
        found.setdefault(row[name], []).append(row)
    return found


def is_text(value: Any) -> TypeGuard[str]:
    """Whether a cell holds words."""
    return isinstance(value, str) and bool(value.strip())


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a cell holds a number that can be shown."""
    return value is not None and not pd.isna(value) and math.isfinite(value)


def text_of(value: Any) -> str | None:
    """A cell's words, or nothing where it is empty."""
    return str(value) if is_text(value) else None


def in_doubt(row: Row) -> bool:
    """Whether a figure looks like a fault of the data and nobody has confirmed it."""
    return row.get("doubt_state") in ("open", "let pass")
