"""Rows of many series in their order, for rules that look at neighbours: numbered, shifted, counted up, on any engine.

An eager frame is sorted once and then simply shifted; a lazy one has no order, so each window names it. Both follow
one row number over all series: where a series starts is a column to ask, so no window needs a partition by text.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when

from kpi_tools.errors import InputError

_ABSENT = 1.5
_ISO_DATE = r"^\d{4}-\d\d-\d\d$"
_YEAR_FIRST = r"^\d{4}"

Rows = Any
"""A narwhals frame, eager or lazy: the two have no public type in common."""


def keys_of(frame: Rows, by: Sequence[str] | None, **needed: str) -> list[str]:
    """The columns that name a series: `by`, or without it `kpi_id` where there is such a column, else none.

    `needed` are the caller's other columns by the name of their parameter. Raises `InputError` for one that is not there,
    and where `value` holds text.
    """
    schema = frame.collect_schema()
    there = schema.names()
    keys = (
        (["kpi_id"] if "kpi_id" in there else [])
        if by is None
        else [by]
        if isinstance(by, str)
        else list(by)
    )
    for parameter, name in [*(("by", key) for key in keys), *needed.items()]:
        if name not in there:
            raise InputError(f'There is no column "{name}" in the table. Its columns are: {", ".join(there)}. '
                             f"Name the one that is meant: {parameter}=…")  # fmt: skip
    value = needed.get("value")
    if value is not None and not _holds_numbers(frame, value, schema[value]):
        raise InputError(
            f'The column "{value}" holds text, not numbers. Where there is no figure leave it missing.'
        )
    return keys


def check_columns(
    frame: Rows, needed: Sequence[str], numbers: Sequence[str], dates: Sequence[str] = ()
) -> None:
    """Raise `InputError` where a column is not there, or holds text or numbers where there should be something else."""
    schema = frame.collect_schema()
    if missing := [name for name in needed if name not in schema]:
        raise InputError(
            f"There is no column {' or '.join(missing)} in the table. Its columns are: {', '.join(schema)}."
        )
    for name in numbers:
        if (
            name in schema
            and schema[name] == nw.String
            and not _holds_numbers(frame, name, schema[name])
        ):
            raise InputError(
                f'The column "{name}" holds text, not numbers. Where there is no figure leave it missing.'
            )
    for name in dates:
        if schema[name] == nw.String or schema[name].is_numeric():
            raise InputError(
                f'The column "{name}" holds no dates. Give the last day of each period.'
            )


def _holds_numbers(frame: Rows, name: str, kind: Any) -> bool:
    if kind.is_numeric() or not isinstance(frame, nw.DataFrame):
        return not (kind == nw.String or kind.is_temporal())
    if kind == nw.String:  # as a column without any value is called on pandas
        return bool(frame[name].null_count() == len(frame))
    try:
        frame[name].cast(nw.Float64)
    except (TypeError, ValueError):
        return False
    return not kind.is_temporal()


def in_order(frame: Rows, keys: Sequence[str], order_by: str, needed: Sequence[str]) -> Rows:
    """The rows by series and period, with `_n`, their number, `_series`, that of their series, and `_first`, if they begin it.

    Eager frames are narrowed to the `needed` columns, since every step copies what is there, and sorted where they are
    not, which is quicker to ask than to do; `_row` is where a row stood. Their series are numbered 0, 1, 2 …
    """
    if not isinstance(frame, nw.DataFrame):
        rows = frame.with_row_index("_n", order_by=[*keys, order_by]).with_columns(
            _n=col("_n").cast(nw.Int64)
        )
        rows = rows.with_columns(_series=col("_n").min().over(*keys) if keys else lit(0))
        return rows.with_columns(_first=col("_n") == col("_series"))
    columns = [name for name in frame.columns if name in (*keys, order_by, *needed)]
    given = frame.select(*columns).with_row_index("_row")
    rows = given.with_columns(_again=_again(keys))
    if not _is_in_order(rows, keys, order_by):
        rows = given.sort(*keys, order_by).with_columns(_again=_again(keys))
    rows = rows.with_row_index("_n").with_columns(_n=col("_n").cast(nw.Int32))
    rows = rows.with_columns(_first=~col("_again") | (col("_n") == 0))
    numbers = rows.select(_series=col("_first").cast(nw.UInt32).cum_sum() - 1)["_series"]
    return rows.with_columns(
        numbers.sort()
    )  # as they were: but an engine that has sorted them groups by them faster


def _is_in_order(rows: Rows, keys: Sequence[str], order_by: str) -> bool:
    """Whether eager rows stand by series and period; `_again` is true where a row is of the series of the one before."""
    schema = rows.collect_schema()
    if not all(schema[name] == nw.String or schema[name].is_numeric() or schema[name].is_temporal()
               for name in (*keys, order_by)):  # fmt: skip
        return False
    later = (col(order_by) >= col(order_by).shift(1)).fill_null(False)
    if not rows.select(_on=~col("_again") | later)["_on"].all():
        return False
    tied, rising = lit(True), lit(True)
    for name in keys:  # each series once
        before = col(name).shift(1)
        rising = rising & (~tied | (col(name) >= before))
        tied = tied & (col(name) == before)
    starts = rows.select(*keys, "_again").filter(~col("_again")).select(_rising=rising & ~tied)
    return bool(starts["_rising"][1:].fill_null(False).all())


def _again(keys: Sequence[str]) -> nw.Expr:
    again = lit(True)
    for key in keys:
        before = col(key).shift(1)
        again = again & ((col(key) == before) | (col(key).is_null() & before.is_null()))
    return again.fill_null(False)


def of_each(rows: Rows, lines: Rows, number: str) -> Rows:
    """Add to each row what the line of its `number` says. Eager: there is a line for each of the numbers 0, 1, 2 …"""
    if not isinstance(rows, nw.DataFrame):
        return rows.join(lines, on=number, how="left")
    places = rows[number].cast(
        nw.UInt32
    )  # none is negative, and to see that takes as long as to look them up
    lines = lines.sort(number)
    return rows.with_columns(
        *lines.select(*(n for n in lines.columns if n != number))[places].iter_columns()
    )


def with_gaps(rows: Rows, keys: Sequence[str], order_by: str) -> Rows:
    """Add `_usual` (the shortest distance between the periods of a series, in days or units) and `_gap` (more than one
    and a half of that since the row before, so that a period is absent) to rows from `in_order`.

    Periods are dates (as text: 2024-12-31), timestamps or numbers; other text has an order but no distance. Raises
    `InputError` where an eager table has a row without a period, or two of one series for the same.
    """
    rows = rows.with_columns(_at=_position(rows, order_by))
    rows = rows.with_columns(_apart=when(~col("_first")).then(col("_at") - moved(rows, "_at", 1)))
    _check_periods(rows, keys, order_by)
    rows = of_each(rows, rows.group_by("_series").agg(_usual=col("_apart").min()), "_series")
    return rows.with_columns(_gap=(col("_apart") > col("_usual") * _ABSENT).fill_null(False))


def _check_periods(rows: Rows, keys: Sequence[str], order_by: str) -> None:
    if not isinstance(rows, nw.DataFrame):
        return
    if rows[order_by].null_count():
        raise InputError(f'A row has no period: fill in its "{order_by}", or leave the row out.')
    texts = rows[order_by]
    if texts.dtype == nw.String and len(odd := texts.filter(~texts.str.contains(_YEAR_FIRST))):
        raise InputError(
            f'The column "{order_by}" holds text such as "{odd[0]}", which does not sort by time: give dates, or text '
            "that begins with the year."
        )
    if (rows["_apart"] == 0).any():
        row = rows.filter(col("_apart") == 0).rows(named=True)[0]
        series = ", ".join(str(row[key]) for key in keys)
        raise InputError(
            f"Two rows{f' of {series}' if series else ''} are for the same period, {str(row[order_by])[:10]}. Keep the one "
            "that counts, or name all columns that tell the series apart: by=…"
        )


def as_given(frame: Rows, names: Sequence[str], added: Sequence[str], *said: Rows) -> Rows:
    """The caller's frame, its columns `names` first, then the `added` ones; eager rows in the caller's order.

    What is `said` of the rows, in tables in one order, of which the last has all columns where they are lazy.
    """
    if not isinstance(frame, nw.DataFrame):
        return said[-1].select(*names, *added)
    found = {name: table[name] for table in said for name in added if name in table.columns}
    if not said[0]["_row"].is_sorted():
        back = said[0].select("_row").with_columns(*found.values()).sort("_row")
        found = {name: back[name] for name in added}
    return frame.select(*names).with_columns(*(found[name] for name in added))


def keeping(rows: Rows, *names: str) -> Rows:
    """Eager rows with the named columns only: every step copies what is there. A lazy engine prunes by itself."""
    return rows.select("_row", "_n", *names) if isinstance(rows, nw.DataFrame) else rows


def moved(rows: Rows, name: str, back: int) -> nw.Expr:
    """A column as it was so many rows earlier (later where negative). In a lazy frame it has to be a column already."""
    return _along(rows, col(name).shift(back))


def counted_up(rows: Rows, name: str) -> Rows:
    """Add the running total of a column over all rows, as `name_so_far`."""
    return rows.with_columns(
        _along(rows, col(name).cast(nw.Int64).cum_sum()).alias(f"{name}_so_far")
    )


def run_lengths(rows: Rows, **lengths: str) -> Rows:
    """Add to each row how long its run is: `length="starts"`, where the column `starts` is 1 as a run begins, else 0.

    The run's first row is the latest start up to here and its last stands before the next start: nothing is grouped.
    """
    starts = list(lengths.values())
    never = lit(2**31 - 1 if isinstance(rows, nw.DataFrame) else 2**62)
    rows = rows.with_columns(
        *(
            when(col(name) == 1).then(col("_n")).otherwise(lit(-1)).alias(f"{name}_first")
            for name in starts
        ),
        *(
            when(moved(rows, name, -1) == 0).then(never).otherwise(col("_n")).alias(f"{name}_last")
            for name in starts
        ),
    )
    first, last = ([f"{name}_{end}" for name in starts] for end in ("first", "last"))
    rows = rows.with_columns(
        _along(rows, col(*first).cum_max()), _along(rows, col(*last).cum_min(reverse=True))
    )
    return rows.with_columns(
        **{
            length: col(f"{name}_last") - col(f"{name}_first") + 1
            for length, name in lengths.items()
        }
    )


def _along(rows: Rows, expression: nw.Expr) -> nw.Expr:
    return expression if isinstance(rows, nw.DataFrame) else expression.over(order_by="_n")


def _position(rows: Rows, order_by: str) -> nw.Expr:
    """Where each period lies, in days or in the column's own units; null where it has an order only."""
    kind = rows.collect_schema()[order_by]
    if kind.is_numeric():
        return col(order_by).cast(nw.Float64)
    day = col(order_by)
    if isinstance(rows, nw.DataFrame) and kind == nw.Object:  # Python's own dates on pandas
        day = day.cast(nw.Datetime("us"))
    elif (
        isinstance(rows, nw.DataFrame)
        and kind == nw.String
        and rows[order_by].str.contains(_ISO_DATE).all()
    ):
        day = day.str.to_datetime(format="%Y-%m-%d")
    elif not kind.is_temporal():
        return lit(None, dtype=nw.Float64)
    if isinstance(rows, nw.DataFrame):
        return day.dt.timestamp("ms") / 86_400_000
    days_before = (
        (day.dt.year().cast(nw.Int64) - 1) * 1461 // 4
    )  # the Julian rule: true from 1901 to 2099
    return (days_before + day.dt.ordinal_day()).cast(nw.Float64)
