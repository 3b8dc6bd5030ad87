"""A table of any engine as arrays in the order of series and time, and back: where the statistics
meet pandas, Polars, PyArrow and DuckDB. Only `rating` is written in expressions, for tables that
are never in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.vocabulary import HIGHER, LOWER, POLARITIES

Array = np.ndarray[Any, Any]
_ABSENT = 1.5
MONTHLY = 27.0
"""Steps of so many days or more are counted in calendar months."""


class Words(NamedTuple):
    """A column of text by numbers: the meaning of 0, of 1 …, None for a missing text."""

    codes: Array
    meanings: Sequence[str | None]

    @classmethod
    def first_of(cls, states: Mapping[Any, Array]) -> "Words":
        """The first state that is true; None where none is."""
        codes = np.select(list(states.values()), list(range(len(states))), len(states))
        return cls(codes, (*states, None))

    def at(self, places: Array | slice) -> "Words":
        return Words(self.codes[places], self.meanings)


@dataclass(frozen=True)
class Ordered:
    """The rows of a table by series and period: `order` is where each stands in `frame`, `sorted`
    whether they stand there in this order, `first` whether a series begins in a row. `days` is
    where each period lies, in days (or in the units of a column of numbers), `dates` whether it is
    a date; `measured` is false for text, which has an order and no distance."""

    given: Any
    frame: nw.DataFrame[Any]
    keys: tuple[str, ...]
    period: str | None
    order: Array
    sorted: bool
    first: Array
    days: Array
    dates: bool
    measured: bool

    @cached_property
    def starts(self) -> Array:
        """The place of the first row of each series."""
        return np.flatnonzero(self.first)

    @cached_property
    def last(self) -> Array:
        """The place of the last row of each series."""
        return np.flatnonzero(np.append(self.first, True)[1:])

    @cached_property
    def series(self) -> Array:
        """The number of each row's series."""
        return np.cumsum(self.first) - 1

    @property
    def spans(self) -> list[slice]:
        """The places of each series."""
        return [slice(*ends) for ends in zip(self.starts, self.last + 1, strict=True)]

    @cached_property
    def months(self) -> Array:
        """The calendar month of each period, counted on."""
        return self.days.astype("datetime64[D]").astype("datetime64[M]").astype(int).astype(float)

    def numbers(self, name: str) -> Array:
        """A column of numbers, NaN where there is none or it is infinite."""
        return self._put(numbers(self.frame, name))

    def either(self, given: str | float | None, default: str) -> Array:
        """A column's numbers, or one number in every row; NaN where nothing is given and there is
        no such column."""
        name = default if given is None else given
        if isinstance(name, str) and (given is not None or name in self.frame.columns):
            return self.numbers(name)
        return np.full(len(self.order), np.nan if given is None else float(given))

    def latest(self, name: str) -> list[Any]:
        """What a column holds in the last row of each series; None where it is not there."""
        if name not in self.frame.columns:
            return [None] * len(self.last)
        values = self.frame[name].to_list()
        return [values[row] for row in self.order[self.last]]

    def is_as_last(self, name: str) -> Array:
        """Where a column holds what it holds in the last row of the series; everywhere where there
        is no such column."""
        if name not in self.frame.columns:
            return np.ones(len(self.order), bool)
        codes = self._put(pd.factorize(self.frame[name].to_pandas())[0])
        return codes == codes[self.last][self.series]

    def is_word(self, name: str, word: str) -> Array:
        """Where a column of text says `word`; nowhere where it is not there."""
        if name not in self.frame.columns:
            return np.zeros(len(self.order), bool)
        same = self.frame[name].cast(nw.String) == word
        return self._put(same.fill_null(False).to_numpy().astype(bool))

    def is_polarity(self, polarity: str, word: str) -> Array:
        """Where `polarity`, a column or one of the words, is that word."""
        if polarity in POLARITIES:
            return np.full(len(self.order), polarity == word)
        return self.is_word(polarity, word)

    def better(self, polarity: str) -> Array:
        """1 where higher is better, -1 where lower is, else 0; `polarity` is a column or a word."""
        return self.is_polarity(polarity, HIGHER).astype(int) - self.is_polarity(polarity, LOWER)

    def row_of(self, place: int) -> str:
        """`row 3 (ES01, 2024-12-31)`: a row as its caller counts, with its series and period."""
        at = int(self.order[place])
        row = dict(zip(self.frame.columns, self.frame.row(at), strict=True))
        named = [str(row[key]) for key in self.keys]
        return f"row {at + 1} ({', '.join([*named, str(row[str(self.period)])[:10]])})"

    @cached_property
    def steps(self) -> tuple[Array, Array]:
        """For each row the usual distance of its series (the lower median, in days), and whether a
        period is absent before it."""
        if not self.measured:
            return np.full(len(self.order), np.nan), np.zeros(len(self.order), bool)
        usual = self._usual(self._distances(self.days))
        places = np.where(self.dates & (usual >= MONTHLY), self.months, self.days)
        if self.dates and (usual == 1).any():
            weekday = (self.days + 3) % 7
            latest_in_week = np.maximum.reduceat(weekday, self.starts)[self.series]
            working = (usual == 1) & (latest_in_week < 5)
            places = np.where(working, (self.days + 3) // 7 * 5 + weekday, places)
        distances = self._distances(places)
        return usual, distances > self._usual(distances) * _ABSENT

    def _put(self, values: Array) -> Array:
        """What stands in the order of the table, in that of series and time."""
        return values if self.sorted else values[self.order]

    def _distances(self, places: Array) -> Array:
        return np.where(self.first, np.nan, np.diff(places, prepend=np.nan))

    def _usual(self, distances: Array) -> Array:
        each = pd.Series(distances).groupby(self.series).quantile(0.5, interpolation="lower")
        return each.to_numpy()[self.series]

    def with_columns(self, **added: Any) -> Any:
        """The caller's table with more columns, in its own order and of its own kind."""
        back = None if self.sorted else np.argsort(self.order)
        return _native(added_to(self.frame, added, back), self.given)

    def rows(self, places: Array, **added: Any) -> Any:
        """Some rows of the caller's table, in its order, with more columns by place."""
        order = np.argsort(self.order[places])
        frame = self.frame[self.order[places][order].tolist()]
        return _native(added_to(frame, added, order), self.given)


def added_to(frame: nw.DataFrame[Any], columns: Mapping[str, Any], order: Array | None) -> Any:
    """The table with further columns, given as arrays, put in order (None: they are in it); NaN is
    null on engines that know both."""
    engine = frame.implementation
    found = []
    for name, given in columns.items():
        values = given.codes if isinstance(given, Words) else given
        values = values if order is None else values[order]
        if isinstance(given, Words):
            texts = nw.new_series(name, list(given.meanings), nw.String, backend=engine)
            codes = nw.new_series(name, values, nw.Int64, backend=engine)
            found.append(texts[codes].alias(name))
        elif values.dtype == object:
            found.append(nw.new_series(name, values.tolist(), nw.String, backend=engine))
        else:
            column = nw.new_series(name, values, backend=engine)
            missing = values.dtype.kind == "f" and not engine.is_pandas()
            found.append(column.fill_nan(None) if missing else column)
    return frame.drop(*columns, strict=False).with_columns(*found)


def _native(frame: Any, given: Any) -> Any:
    """An eager table as its caller's kind: lazy Polars stays lazy, and what an engine holds for
    itself comes as Arrow."""
    if frame.implementation.is_polars() and isinstance(given, nw.LazyFrame):
        return frame.lazy().to_native()
    table = frame.to_native()
    if isinstance(table, pd.DataFrame):
        index = given.to_native().index
        table.index = index if len(index) == len(table) else pd.RangeIndex(len(table))
    return table


def in_order(
    table: Any, by: str | Sequence[str] | None, period: str | None, *, named: Mapping[str, Any] = {}
) -> Ordered:
    """The rows of a table of any engine by series and period; what is lazy is collected. `by`: the
    columns that name a series; without them `kpi_id` where there is such a column, else all is one
    series. `period`: the column of dates, timestamps, numbers, or text that sorts by time; None
    where rows have no order but their own. `named`: further columns that have to be there, by their
    parameter; numbers and polarities pass. Raises `InputError` where a column is not there, or a
    row has no period, or that of another row of its series."""
    given: Any = nw.from_native(table)
    frame = given.collect() if isinstance(given, nw.LazyFrame) else given
    if frame.implementation.is_pandas():
        frame = nw.from_native(frame.to_native().reset_index(drop=True), eager_only=True)
    if by is None:
        by = [name for name in ("kpi_id",) if name in frame.columns]
    keys = (by,) if isinstance(by, str) else tuple(by)
    asked = [*(("by", key) for key in keys), ("period", period), *named.items()]
    for parameter, name in asked:
        if isinstance(name, str) and name not in (*frame.columns, *POLARITIES):
            raise no_column(name, frame.columns, parameter)
    days, dates, measured = np.arange(len(frame)) * 1.0, False, False
    if period is not None:
        days, dates, measured = _positions(frame, period)
    codes = np.zeros(len(frame), np.int64)
    for key in keys:
        key_codes, found = pd.factorize(frame[key].to_pandas(), use_na_sentinel=False)
        codes = codes * max(len(found), 1) + key_codes
    later, order = np.diff(codes), np.arange(len(codes))
    is_sorted = not ((later < 0) | ((later == 0) & (np.diff(days) < 0))).any()
    if not is_sorted:
        order = np.lexsort((days, codes))
        codes, days = codes[order], days[order]
    first = np.diff(codes, prepend=-1) != 0
    rows = Ordered(given, frame, keys, period, order, is_sorted, first, days, dates, measured)
    if (twice := np.flatnonzero(~first[1:] & (np.diff(days) == 0))).size:
        raise InputError(
            f'Two rows of one series are for the same "{period}": {rows.row_of(twice[0])} and row '
            f"{order[twice[0] + 1] + 1}. Keep the one that counts, or name all columns that tell "
            "the series apart: by=…"
        )
    return rows


def no_column(name: str, columns: Sequence[str], parameter: str) -> InputError:
    """That a column is not there, with those that are, and the parameter that names another."""
    return InputError(
        f'There is no column "{name}" in the table. Its columns are: {", ".join(columns)}. '
        f"Name the one that is meant: {parameter}=…"
    )


def numbers(frame: Any, name: str) -> Array:
    """A column as numbers, NaN where missing or infinite; text raises `InputError`."""
    column = frame[name]
    if column.dtype.is_numeric():
        found = column.cast(nw.Float64).to_numpy().astype(float)
    else:
        values = [np.nan if one is None or one is pd.NA else one for one in column.to_list()]
        if texts := [one for one in values if not isinstance(one, int | float)]:
            odd = next((one for one in texts if not str(one).replace(".", "").isdigit()), texts[0])
            raise InputError(
                f'The column "{name}" holds "{str(odd)[:40]}" in row {values.index(odd) + 1}, '
                "which is no number. Where there is no figure leave it missing."
            )
        found = np.array(values, float)
    return np.where(np.isfinite(found), found, np.nan)


def _positions(frame: Any, period: str) -> tuple[Array, bool, bool]:
    """Where each period lies, whether it is a date, and whether distances mean anything."""
    column = frame[period]
    if column.null_count():
        where = f"in row {column.is_null().to_list().index(True) + 1}"
        advice = "fill it in, or leave the row out."
        raise InputError(f'The column "{period}" is empty {where}: {advice}')
    if column.dtype.is_numeric():
        return column.cast(nw.Float64).to_numpy().astype(float), False, True
    dates = column.to_pandas()
    if column.dtype == nw.String:
        if (odd := ~dates.str.contains(r"^\d{4}")).any():
            row = int(np.flatnonzero(odd)[0])
            raise InputError(
                f'The column "{period}" holds "{dates.iloc[row]}" in row {row + 1}, which does not '
                "sort by time: give dates, or text that begins with the year."
            )
        if not dates.str.contains(r"^\d{4}-\d\d-\d\d$").all():
            return pd.factorize(dates, sort=True)[0].astype(float), False, False
    dates = pd.to_datetime(dates)
    if dates.dt.tz is not None:
        dates = dates.dt.tz_localize(None)
    return dates.to_numpy("datetime64[ms]").astype(np.int64) / 86_400_000, True, True
