"""The same table as each engine's own frame, and back: rating tests run on all engines and mention none."""

from collections.abc import Callable
from typing import Any

import duckdb
import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl

ENGINES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda table: table,
    "polars": lambda table: _polars(table),
    "polars-lazy": lambda table: _polars(table).lazy(),
    "pyarrow": lambda table: _polars(table).to_arrow(),
    "duckdb": lambda table: duckdb.from_arrow(_polars(table).to_arrow()),
}


def _polars(table: pd.DataFrame) -> pl.DataFrame:
    """Through Python values, so that NaN stays NaN and None stays null on the engines that know both.

    A missing text, which pandas holds as NaN, is null: it must not become the text "NaN".
    """
    columns = {}
    for name in table.columns:
        values = table[name].tolist()
        is_text = any(isinstance(value, str) for value in values)
        columns[name] = pl.Series(
            [None if is_text and value != value else value for value in values], strict=False
        )
    return pl.DataFrame(columns, strict=False)


def to_pandas(frame: Any) -> pd.DataFrame:
    """Any engine's frame as a pandas table, with missing as None."""
    table = nw.from_native(frame).lazy().collect("polars").to_native()
    return pd.DataFrame(table.to_dict(as_series=False), dtype=object)
