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
    """Through Python values, so that NaN stays NaN and None stays null on the engines that know both."""
    return pl.DataFrame({name: pl.Series(table[name].tolist(), strict=False) for name in table.columns}, strict=False)


def to_pandas(frame: Any) -> pd.DataFrame:
    """Any engine's frame as a pandas table, with missing as None."""
    table = nw.from_native(frame).lazy().collect("polars").to_native()
    return pd.DataFrame(table.to_dict(as_series=False), dtype=object)
