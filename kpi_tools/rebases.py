"""Rebases: where the limits of a series are made anew, as agreed with a date, a reason and a name
(METHOD.md, "Anomalies")."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, in_order
from kpi_tools.schemes import one_of

RUN = 7
"""So many figures on one side of the mean are a shift, or in one direction a trend."""
_REBASE = ("date", "reason", "name")


def suggested_rebases(
    classified: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> Any:
    """Where a new baseline may be worth agreeing: the latest seven figures or more of a series of
    `special_causes` lie on one side. A row for each: the columns of `by`, `run` (its length,
    negative below the mean), `date` (first period of that run). Only a suggestion: whether the
    process changed, and why, is for its owner to say."""
    rows = in_order(classified, by, period)
    run, baseline = rows.numbers("run")[rows.last].astype(int), rows.numbers("baseline")
    begin = rows.last - np.abs(run) + 1
    same = baseline[np.maximum(begin - 1, 0)] == baseline[rows.last]
    inside = (np.abs(run) >= RUN) & (begin > rows.starts) & same
    found = rows.frame[rows.order[begin[inside]].tolist()].select(*rows.keys, date=nw.col(period))
    lengths = nw.new_series("run", run[inside], backend=found.implementation)
    return found.with_columns(lengths).select(*rows.keys, "run", "date").to_native()


def rebase_notes(
    series: Any, rebase: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> list[str]:
    """A sentence for each rebase that changes nothing, since its date lies outside the series or
    names none."""
    rows = in_order(series, by, period)
    return [note for row in _checked(rebase, rows.keys) for note in _notes(row, rows)]


def _notes(row: Mapping[str, Any], rows: Ordered) -> Iterator[str]:
    """Why a rebase changes nothing, for each of its series."""
    what = f"The rebase of {str(row['date'])[:10]} ({str(row['reason']).rstrip('.')})"
    names = list(zip(*(rows.latest(key) for key in rows.keys), strict=True)) or [()]
    day, mine = _moment(row["date"], rows), _of(row, rows)[rows.starts]
    if not mine.any():
        yield f"{what} is for a series that is not there, so it changes nothing."
    for place in np.flatnonzero(mine):
        name = ", ".join(map(str, names[place]))
        if day > rows.days[rows.last[place]]:
            yield f"{what} lies after the last figure of {name}, so it changes nothing."
        elif day <= rows.days[rows.starts[place]]:
            yield f"{what} lies before the second figure of {name}, so it changes nothing."


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
