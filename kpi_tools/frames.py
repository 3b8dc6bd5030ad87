"""A table of any engine as arrays in the order of series and time, and back: where the statistics meet pandas, Polars,
PyArrow and DuckDB. Only `rating` is written in expressions of its own, for tables that are never in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.vocabulary import HIGHER, LOWER, POLARITIES

Array = np.ndarray[Any, Any]
_ABSENT = 1.5
MONTHLY = 27.0
"""Steps of so many days or more are counted in calendar months."""
_ISO_DATE = r"^\d{4}-\d\d-\d\d$"


@dataclass(frozen=True)
class Ordered:
    """The rows of a table by series and period: `order` is where each stands in `frame`, `first` whether a series begins there.

    `days` is where each period lies, in days (or in the units of a column of numbers), `dates` whether it is a date;
    `measured` is false for text, which has an order and no distance.
    """

    given: Any
    frame: nw.DataFrame[Any]
    keys: tuple[str, ...]
    period: str
    order: Array
    first: Array
    days: Array
    dates: bool
    measured: bool

    @cached_property
    def starts(self) -> Array:
        """The place of the first row of each series."""
        return np.flatnonzero(self.first)

    @cached_property
    def series(self) -> Array:
        """The number of each row's series."""
        return np.cumsum(self.first) - 1

    @cached_property
    def spans(self) -> list[slice]:
        """The places of each series."""
        ends = np.append(self.starts[1:], len(self.order))
        return [slice(*ends) for ends in zip(self.starts.tolist(), ends.tolist(), strict=False)]

    @cached_property
    def months(self) -> Array:
        """The calendar month of each period, counted on."""
        return self.days.astype("datetime64[D]").astype("datetime64[M]").astype(int).astype(float)

    def numbers(self, name: str) -> Array:
        """A column of numbers, NaN where there is none or it is infinite."""
        return numbers(self.frame, name)[self.order]

    def either(self, given: str | float | None, default: str) -> Array:
        """A column's numbers, or one number in every row; NaN where nothing is given and there is no such column."""
        if given is None:
            given = default if default in self.frame.columns else np.nan
        if isinstance(given, str):
            return self.numbers(given)
        return np.full(len(self.order), float(given))

    def is_word(self, name: str, word: str) -> Array:
        """Where a column of text says `word`; nowhere where there is no such column."""
        if name not in self.frame.columns:
            return np.zeros(len(self.order), bool)
        said = self.frame[name].cast(nw.String) == word
        return said.fill_null(False).to_numpy().astype(bool)[self.order]

    def better(self, polarity: str) -> Array:
        """1 where higher is better, -1 where lower is, else 0; `polarity` is a column or one of the words."""
        if polarity in POLARITIES:
            return np.full(len(self.order), {HIGHER: 1, LOWER: -1}.get(polarity, 0))
        return self.is_word(polarity, HIGHER).astype(int) - self.is_word(polarity, LOWER)

    def row_of(self, place: int) -> str:
        """`row 3 (ES01, 2024-12-31)`: a row as its caller counts, with its series and period."""
        at = int(self.order[place])
        row = self.frame.row(at)
        named = [str(row[self.frame.columns.index(key)]) for key in self.keys]
        when = str(row[self.frame.columns.index(self.period)])[:10]
        return f"row {at + 1} ({', '.join([*named, when])})"

    @cached_property
    def steps(self) -> tuple[Array, Array]:
        """For each row the usual distance of its series (the median, in days), and whether a period is absent before it."""
        apart = np.diff(self.days, prepend=np.nan)
        apart[self.first] = np.nan
        usual = _medians(apart, self.starts)[self.series]
        if not self.measured:
            return np.full(len(apart), np.nan), np.zeros(len(apart), bool)
        if not self.dates:
            return usual, _far(apart, usual)
        monthly, daily = usual >= MONTHLY, usual == 1
        weekday = (self.days + 3) % 7
        working = (
            daily & (np.maximum.reduceat(weekday, self.starts)[self.series] < 5)
            if len(apart)
            else daily
        )
        at = np.where(monthly, self.months, self.days)
        at = np.where(working, (self.days + 3) // 7 * 5 + weekday, at)
        apart = np.diff(at, prepend=np.nan)
        apart[self.first] = np.nan
        return usual, _far(apart, _medians(apart, self.starts)[self.series])

    def with_columns(self, **added: Any) -> Any:
        """The caller's table with more columns, in its own order and of its own kind."""
        places = np.arange(len(self.order))
        back: Array | slice = slice(None)  # nothing is moved where the rows came in order
        if not np.array_equal(self.order, places):
            back = np.empty_like(self.order)
            back[self.order] = places
        return native(
            added_to(self.frame, {n: take(values, back) for n, values in added.items()}), self.given
        )

    def rows(self, places: Array, **added: Any) -> Any:
        """Some rows of the caller's table, with more columns: one value for each of the places. In the caller's order."""
        order = np.argsort(self.order[places])
        frame = self.frame[self.order[places][order].tolist()]
        return native(added_to(frame, {n: take(v, order) for n, v in added.items()}), self.given)


@dataclass(frozen=True)
class Words:
    """A column of text by numbers: the meaning of 0, of 1 …, None for a missing text."""

    codes: Array
    meanings: Sequence[str | None]


def take(values: Any, places: Array | slice) -> Any:
    """A column in another order."""
    if isinstance(values, Words):
        return Words(values.codes[places], values.meanings)
    return np.asarray(values)[places]


def added_to(frame: nw.DataFrame[Any], columns: Mapping[str, Any]) -> nw.DataFrame[Any]:
    """The table with further columns, given as arrays; NaN is null on engines that know both."""
    engine = frame.implementation
    found = []
    for name, values in columns.items():
        if isinstance(values, Words):
            texts = nw.new_series(name, list(values.meanings), nw.String, backend=engine)
            found.append(
                texts[nw.new_series(name, values.codes, nw.Int64, backend=engine)].alias(name)
            )
            continue
        if values.dtype == object:
            found.append(nw.new_series(name, values.tolist(), nw.String, backend=engine))
            continue
        column = nw.new_series(name, values, backend=engine)
        missing = values.dtype.kind == "f" and not engine.is_pandas()
        found.append(column.fill_nan(None) if missing else column)
    kept = frame.drop(*(name for name in columns if name in frame.columns))
    return kept.with_columns(*found) if found else kept


def native(frame: nw.DataFrame[Any], given: Any) -> Any:
    """An eager table as its caller's kind: lazy Polars stays lazy, and what an engine holds for itself comes as Arrow."""
    if frame.implementation.is_polars() and isinstance(given, nw.LazyFrame):
        return frame.lazy().to_native()
    table = frame.to_native()
    if isinstance(table, pd.DataFrame):
        own = given.to_native().index
        table.index = own if len(own) == len(table) else pd.RangeIndex(len(table))
    return table


def in_order(
    table: Any,
    by: str | Sequence[str] | None,
    period: str,
    *,
    named: Mapping[str, Any] | None = None,
) -> Ordered:
    """The rows of a table by series and period.

    Args:
        table: Of any engine; what is lazy is collected.
        by: The columns that name a series; without them `kpi_id` where there is such a column, else all is one series.
        period: The column of periods: dates, timestamps (with a zone or without), numbers, or text that sorts by time.
        named: Further columns that have to be there, by the name of their parameter; numbers and polarities pass.

    Raises:
        InputError: A column is not there, or a row has no period or that of another row of its series.
    """
    given, frame = _eager(table)
    keys = _keys(frame, by)
    _check_named(frame, keys, {"period": period, **(named or {})})
    days, dates, measured = _positions(frame, period)
    codes = _codes(frame, keys)
    same = codes[1:] == codes[:-1]
    if (codes[1:] > codes[:-1]).sum() + same.sum() == len(same) and not (
        same & (np.diff(days) < 0)
    ).any():
        order = np.arange(len(days))
    else:
        order = np.lexsort((days, codes))
    codes, days = codes[order], days[order]
    first = np.concatenate([[True], codes[1:] != codes[:-1]]) if len(codes) else np.zeros(0, bool)
    ordered = Ordered(given, frame, tuple(keys), period, order, first, days, dates, measured)
    if (twice := np.flatnonzero(~first[1:] & (np.diff(days) == 0))).size:
        raise InputError(
            f'Two rows of one series are for the same "{period}": {ordered.row_of(twice[0])} and row '
            f"{order[twice[0] + 1] + 1}. Keep the one that counts, or name all columns that tell the series apart: by=…"
        )
    return ordered


def of_groups(
    table: Any, by: str | Sequence[str], *, named: Mapping[str, Any]
) -> tuple[Ordered, Array]:
    """The rows of a table as they stand, and the number of each one's group: what `by` names."""
    given, frame = _eager(table)
    keys = _keys(frame, by)
    _check_named(frame, keys, named)
    order = np.arange(len(frame))
    rows = Ordered(given, frame, tuple(keys), "", order, order == 0, order * 1.0, False, False)
    return rows, _codes(frame, keys)


def _eager(table: Any) -> tuple[Any, Any]:
    given: Any = nw.from_native(table)
    frame = given.collect() if isinstance(given, nw.LazyFrame) else given
    if frame.implementation.is_pandas():
        frame = nw.from_native(frame.to_native().reset_index(drop=True), eager_only=True)
    return given, frame


def _check_named(frame: Any, keys: Sequence[str], named: Mapping[str, Any]) -> None:
    asked = [*(("by", key) for key in keys), *named.items()]
    for parameter, name in asked:
        if isinstance(name, str) and name not in frame.columns and name not in POLARITIES:
            raise InputError(
                f'There is no column "{name}" in the table. Its columns are: {", ".join(frame.columns)}. '
                f"Name the one that is meant: {parameter}=…"
            )


def _codes(frame: Any, keys: Sequence[str]) -> Array:
    """A number for each combination of keys."""
    codes = np.zeros(len(frame), np.int64)
    for key in keys:
        own, found = pd.factorize(frame[key].to_pandas(), use_na_sentinel=False)
        codes = codes * max(len(found), 1) + own
    return codes


def numbers(frame: Any, name: str) -> Array:
    """A column as numbers, NaN where missing or infinite. Raises `InputError` for text, with its row."""
    column = frame[name]
    try:
        if frame.implementation.is_pandas():
            kind = column.dtype
            if kind == nw.String and column.null_count() < len(column) or kind.is_temporal():
                raise ValueError
            found = column.to_native().to_numpy(dtype=float, na_value=np.nan)
        elif column.dtype.is_numeric() or column.null_count() == len(column):
            found = column.cast(nw.Float64).to_numpy().astype(float)
        else:
            raise ValueError
    except (TypeError, ValueError):
        texts = column.to_list()
        row = next((n for n, one in enumerate(texts, 1) if _is_no_number(one)), 0)
        row = row or next((n for n, one in enumerate(texts, 1) if one is not None), 1)
        raise InputError(
            f'The column "{name}" holds "{str(texts[row - 1])[:40]}" in row {row}, which is no number. Where there is no '
            "figure leave it missing."
        ) from None
    return np.where(np.isfinite(found), found, np.nan)


def _is_no_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return True
        return False
    return value is not None and not isinstance(value, int | float) and not pd.isna(value)


def _keys(frame: Any, by: str | Sequence[str] | None) -> list[str]:
    if by is None:
        return ["kpi_id"] if "kpi_id" in frame.columns else []
    return [by] if isinstance(by, str) else list(by)


def _positions(frame: Any, period: str) -> tuple[Array, bool, bool]:
    """Where each period lies, whether it is a date, and whether distances mean anything."""
    column = frame[period]
    if column.null_count():
        row = column.is_null().to_list().index(True) + 1
        raise InputError(
            f'The column "{period}" is empty in row {row}: fill it in, or leave the row out.'
        )
    kind = column.dtype
    if kind.is_numeric():
        return column.cast(nw.Float64).to_numpy().astype(float), False, True
    if kind == nw.String:
        texts = column.to_pandas()
        odd = ~texts.str.contains(r"^\d{4}")
        if odd.any():
            row = int(np.flatnonzero(odd)[0])
            raise InputError(
                f'The column "{period}" holds "{texts.iloc[row]}" in row {row + 1}, which does not sort by time: give '
                "dates, or text that begins with the year."
            )
        if texts.str.contains(_ISO_DATE).all():
            return _days(pd.to_datetime(texts, format="%Y-%m-%d")), True, True
        return (
            np.unique(texts.to_numpy(dtype=object), return_inverse=True)[1].astype(float),
            False,
            False,
        )
    if not kind.is_temporal():
        return _days(pd.to_datetime(column.to_pandas())), True, True
    if isinstance(kind, nw.Datetime) and kind.time_zone:
        column = column.dt.replace_time_zone(None)
    return column.cast(nw.Datetime("ms")).dt.timestamp("ms").to_numpy() / 86_400_000, True, True


def _days(column: pd.Series) -> Array:
    return column.to_numpy("datetime64[ms]").astype(np.int64) / 86_400_000


def _far(apart: Array, usual: Array) -> Array:
    return np.nan_to_num(apart, nan=0.0) > np.nan_to_num(usual, nan=np.inf) * _ABSENT


def _medians(values: Array, starts: Array) -> Array:
    """The (lower) median of each stretch, without NaN; NaN where there is nothing."""
    if not len(starts):
        return np.zeros(0)
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    ranked = values[np.lexsort((values, number))]
    known = np.add.reduceat(~np.isnan(values), starts).astype(int)
    return np.where(known > 0, ranked[starts + np.maximum(known - 1, 0) // 2], np.nan)
