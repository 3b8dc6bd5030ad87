"""Rebases: where the limits of a series are made anew, as agreed with a date, a reason and a name
(METHOD.md, "Anomalies")."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered
from kpi_tools.schemes import one_of

RUN = 7
"""So many figures on one side of the mean are a shift, or in one direction a trend."""
_REBASE = ("date", "reason", "name")


def reached(rebase: Any, rows: Ordered) -> Array:
    """How many rebases each row has behind it."""
    behind = np.zeros(len(rows.order))
    for row in _checked([] if rebase is None else rebase, rows.keys):
        behind += _of(row, rows) & (rows.days >= _moment(row["date"], rows))
    return behind


def _of(row: Mapping[str, Any], rows: Ordered) -> Array:
    """The rows of the series that a rebase is for."""
    mine = np.ones(len(rows.order), bool)
    for key in rows.keys:
        if row.get(key) is not None:
            mine &= (rows.frame[key] == row[key]).to_numpy().astype(bool)[rows.order]
    return mine


def _checked(rebase: Any, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rebases of a table or list, none of them without a part. Raises `InputError`."""
    if isinstance(rebase, str):
        raise InputError(
            f'"{rebase}" is no rebase. Give a table or a list of dictionaries with date, reason '
            "and name."
        )
    if isinstance(rebase, Mapping):
        rebase = [rebase]
    if not isinstance(rebase, list):
        rebase = nw.from_native(rebase).lazy().collect().rows(named=True)
    known = [*_REBASE, *keys]
    for place, row in enumerate(rebase, start=1):
        for part in _REBASE:
            found = row.get(part)
            if found is None or found != found or not str(found).strip():
                raise InputError(
                    f"Rebase {place} has no {part}. Limits are rebased only with a date, a reason "
                    "and the name of who agreed it: fill in all three."
                )
        if unknown := [name for name in row if name not in known]:
            there = one_of(unknown[0], known)
            raise InputError(f'Rebase {place} names "{unknown[0]}"; there are {there}.')
    return rebase


def _moment(day: Any, rows: Ordered) -> float:
    """The rebase date on the scale of the periods."""
    text = str(day)[:10]
    if not rows.measured:
        periods = np.unique(rows.frame[str(rows.period)].to_numpy().astype(str))
        return float(np.searchsorted(periods, text if hasattr(day, "day") else str(day)))
    if not rows.dates:
        return float(day)
    try:
        return float((date.fromisoformat(text) - date(1970, 1, 1)).days)
    except ValueError:
        raise InputError(f'"{day}" is no date for a rebase. Give it like 2024-04-01.') from None
