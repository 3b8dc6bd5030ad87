"""Rows of many series in their order, for rules that look at neighbours: numbered, shifted, counted up, on any engine.

An eager frame is sorted once and then simply shifted; a lazy one has no order, so each window names it. Both follow
one row number over all series: where a series starts is a column to ask, so no window needs a partition by text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when

_ABSENT = 1.5

Rows = Any
"""A narwhals frame, eager or lazy: the two have no public type in common."""


def in_order(frame: Rows, keys: Sequence[str], order_by: str, needed: Sequence[str]) -> Rows:
    """The rows by series and period, with `_n`, their number.

    Eager frames are narrowed to the `needed` columns, since every step copies what is there, and sorted.
    """
    if not isinstance(frame, nw.DataFrame):
        return frame.with_row_index("_n", order_by=[*keys, order_by]).with_columns(_n=col("_n").cast(nw.Int64))
    columns = [name for name in frame.columns if name in (*keys, order_by, *needed)]
    rows = frame.select(*columns).with_row_index("_row").sort(*keys, order_by).with_row_index("_n")
    return rows.with_columns(_n=col("_n").cast(nw.Int64))


def with_gaps(rows: Rows, keys: Sequence[str], order_by: str) -> Rows:
    """Add `_series` (number of its first row), `_usual` (the shortest distance between its periods, in days or units)
    and `_gap` (more than one and a half of that since the row before, so that a period is absent).

    Periods are dates, timestamps or numbers; text has an order but no distance.
    """
    at = _position(order_by, rows.collect_schema()[order_by])
    rows = rows.with_columns(_at=at, _series=col("_n").min().over(*keys) if keys else lit(0))
    apart = col("_at") - col("_at_1")
    rows = shifted(rows, (1, "_at")).with_columns(_apart=when((col("_n") > col("_series")) & (apart > 0)).then(apart))
    rows = rows.with_columns(_usual=col("_apart").min().over("_series"))
    return rows.with_columns(_gap=(col("_apart") > col("_usual") * _ABSENT).fill_null(False))


def as_given(rows: Rows, frame: Rows, names: Sequence[str], added: Sequence[str]) -> Rows:
    """The caller's frame, its columns `names` first, then the `added` ones; eager rows in the caller's order."""
    if isinstance(rows, nw.DataFrame):
        return frame.select(*names).with_columns(*rows.sort("_row").select(*added).iter_columns())
    return rows.select(*names, *added)


def keeping(rows: Rows, *names: str) -> Rows:
    """Eager rows with the named columns only: every step copies what is there. A lazy engine prunes by itself."""
    return rows.select("_row", "_n", *names) if isinstance(rows, nw.DataFrame) else rows


def shifted(rows: Rows, *moves: tuple[int, str] | tuple[int, str, str]) -> Rows:
    """Add columns as they were so many rows earlier (later where negative): `(1, "x")` adds `x_1`, `(-1, …)` `x_-1`."""
    return rows.with_columns(*(_along(rows, col(*names).shift(back)).name.suffix(f"_{back}") for back, *names in moves))


def counted_up(rows: Rows, *names: str) -> Rows:
    """Replace each column of numbers by its running total."""
    return rows.with_columns(_along(rows, col(*names).cum_sum()))


def flag(truth: nw.Expr) -> nw.Expr:
    """1 or 0: truths become objects on pandas when they are shifted, numbers stay numbers."""
    return truth.cast(nw.Int64)


def words(code: str, meanings: Mapping[int, str]) -> nw.Expr:
    """The text for each number of a column, null for others: faster on pandas than a chain of conditions."""
    return col(code).replace_strict(list(meanings), list(meanings.values()), default=None, return_dtype=nw.String)


def _along(rows: Rows, expression: nw.Expr) -> nw.Expr:
    return expression if isinstance(rows, nw.DataFrame) else expression.over(order_by="_n")


def _position(order_by: str, kind: Any) -> nw.Expr:
    if kind.is_temporal():
        days_before = (
            (col(order_by).dt.year().cast(nw.Int64) - 1) * 1461 // 4
        )  # the Julian rule: true from 1901 to 2099
        return (days_before + col(order_by).dt.ordinal_day()).cast(nw.Float64)
    return col(order_by).cast(nw.Float64) if kind.is_numeric() else lit(None, dtype=nw.Float64)
