"""One column of a long table → arrays, each distinct text read once.

Plain numbers, which nearly all are, are converted together; only the others are read one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.intake.cells import PLAIN_NUMBER, Number, read_number
from kpi_tools.intake.tables import Table

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Objects = np.ndarray[Any, np.dtype[np.object_]]


def read_column(
    table: Table, column: str, read: Callable[..., Any]
) -> tuple[np.ndarray, list[Any]]:
    """(codes, results): `results[codes[i]]` is what `read(text)` or `read(text, kind)` made of row i."""
    texts = np.array(table.cells[column], dtype=object)
    for position, kind in table.kinds.get(column, {}).items():
        texts[position] = (texts[position], kind)
    codes, distinct = pd.factorize(texts)
    return codes, [read(*key) if isinstance(key, tuple) else read(key) for key in distinct]


def places(texts: pd.Series, among: pd.Index) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Where each text stands among others, -1 where it does not; each distinct text is looked up once."""
    codes, distinct = pd.factorize(texts)
    return among.get_indexer(distinct).astype(np.int64)[codes]


def part(codes: np.ndarray, results: list[Any], place: Any, kind: Any = object) -> np.ndarray:
    """One part of each row's result, by its name or position; None for the result itself."""
    values = np.empty(len(results), dtype=kind)
    for position, result in enumerate(results):
        if isinstance(place, str):
            result = getattr(result, place)
        values[position] = result[place] if isinstance(place, int) else result
    return values[codes]


@dataclass
class Numbers:
    """What `read_number` says of each row of a column."""

    value: Floats
    decimals: np.ndarray
    percent: Bools
    pound: Bools
    reason: Objects
    blank: Bools
    why: Objects
    fault: Objects
    detail: Objects

    @property
    def given(self) -> Bools:
        """Where there is a number."""
        return np.isfinite(self.value)


def read_numbers(table: Table, column: str) -> Numbers:
    """The numbers of a column."""
    size = len(table)
    empty = np.full(size, "", dtype=object)
    found = Numbers(
        np.full(size, np.nan), np.zeros(size, dtype=np.int64), np.zeros(size, bool), np.zeros(size, bool),
        empty, np.zeros(size, bool), empty.copy(), empty.copy(), empty.copy(),
    )  # fmt: skip
    if not size:
        return found
    codes, distinct = pd.factorize(np.array(table.cells[column], dtype=object))
    texts = pd.Series(distinct, dtype="str")
    is_plain = texts.str.fullmatch(PLAIN_NUMBER).to_numpy(dtype=bool)
    plain = is_plain[codes]
    plain[list(table.kinds.get(column, {}))] = False
    points = texts.str.find(".").to_numpy()
    decimals = np.where(points < 0, 0, texts.str.len().to_numpy() - points - 1)
    found.value[plain] = texts.where(is_plain).astype("float64").to_numpy()[codes[plain]]
    found.value[plain] += 0.0  # there is no minus nought
    found.decimals[plain] = decimals[codes[plain]]
    endless = plain & ~np.isfinite(found.value)
    found.value[endless], found.fault[endless] = np.nan, "value-infinite"
    kinds = table.kinds.get(column, {})
    read: dict[tuple[str, str], Number] = {}
    for position in np.flatnonzero(~plain).tolist():
        key = (table.cells[column][position], kinds.get(position, ""))
        number = read.get(key)
        if number is None:
            number = read[key] = read_number(*key, table.comma_is_doubtful)
        _put(found, position, number)
    return found


def _put(found: Numbers, position: int, number: Number) -> None:
    if number.blank and not number.why:
        found.blank[position], found.reason[position] = True, number.reason
        return
    for name in Number._fields:
        getattr(found, name)[position] = getattr(number, name)
