"""Rebases: where the limits of a series are made anew, as agreed with a date, a reason and a name (METHOD.md, "Anomalies")."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, in_order
from kpi_tools.schemes import one_of

RUN = 7
"""So many figures on one side of the mean are a shift, or in one direction a trend."""
_REBASE = ("date", "reason", "name")


def suggested_rebases(
    classified: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> Any:
    """Where a new baseline may be worth agreeing: one row a series whose latest seven figures or more lie on one side.

    Columns: those of `by`, `run` (its length, negative below the mean), `date` (first period of that run). Only a
    suggestion: whether the process changed, and why, is for its owner to say (`rebase` needs a reason and a name).
    """
    rows = in_order(classified, by, period)
    run, baseline = (rows.numbers(name) for name in ("run", "baseline"))
    ends = np.append(rows.starts[1:], len(run)) - 1
    begin = (ends - np.abs(run[ends]) + 1).astype(int)
    long = np.abs(run[ends]) >= RUN
    inside = long & (begin > rows.starts) & (baseline[np.maximum(begin - 1, 0)] == baseline[ends])
    places = rows.order[begin[inside]].tolist()
    found = rows.frame[places].select(*rows.keys, date=nw.col(period))
    lengths = nw.new_series("run", run[ends][inside].astype(int), backend=found.implementation)
    return found.with_columns(lengths).select(*rows.keys, "run", "date").to_native()


def rebase_notes(
    series: Any, rebase: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> list[str]:
    """A sentence for each rebase that changes nothing, since its date lies outside the series or names none."""
    rows = in_order(series, by, period)
    ends = np.append(rows.starts[1:], len(rows.order)) - 1
    named = rows.frame.select(*rows.keys).rows(named=True) if rows.keys else [{}] * len(rows.order)
    spans = [
        (named[rows.order[start]], rows.days[start], rows.days[end])
        for start, end in zip(rows.starts, ends, strict=True)
    ]
    return [note for row in _checked(rebase, rows.keys) for note in _notes(row, spans, rows)]


def _notes(
    row: Mapping[str, Any], spans: Sequence[tuple[dict[str, Any], float, float]], rows: Ordered
) -> Iterator[str]:
    what = f"The rebase of {str(row['date'])[:10]} ({str(row['reason']).rstrip('.')})"
    mine = [
        span for span in spans if all(row.get(key) in (None, span[0][key]) for key in rows.keys)
    ]
    if not mine:
        yield f"{what} is for a series that is not there, so it changes nothing."
    for names, first, last in mine:
        name, day = ", ".join(map(str, names.values())), _moment(row["date"], rows)
        if day > last:
            yield f"{what} lies after the last figure of {name}, so it changes nothing."
        elif day <= first:
            yield f"{what} lies before the second figure of {name}, so it changes nothing."


def reached(rebase: Any, rows: Ordered) -> Array:
    """How many rebases each row has behind it."""
    behind = np.zeros(len(rows.order))
    for row in _checked(rebase, rows.keys):
        here = rows.days >= _moment(row["date"], rows)
        for key in rows.keys:
            if row.get(key) is not None:
                here = here & (rows.frame[key] == row[key]).to_numpy().astype(bool)[rows.order]
        behind += here
    return behind


def _checked(rebase: Any, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    if isinstance(rebase, str):
        raise InputError(
            f'"{rebase}" is no rebase. Give a table or a list of dictionaries with date, reason and name.'
        )
    if isinstance(rebase, Mapping):
        rebase = [rebase]
    rows = (
        rebase
        if isinstance(rebase, list)
        else nw.from_native(rebase).lazy().collect().rows(named=True)
    )
    for place, row in enumerate(rows, start=1):
        for part in _REBASE:
            found = row.get(part) if isinstance(row, Mapping) else None
            if found is None or found != found or not str(found).strip():
                raise InputError(
                    f"Rebase {place} has no {part}. Limits are rebased only with a date, a reason and the name of who "
                    "agreed it: fill in all three."
                )
        if unknown := [k for k in row if k not in (*_REBASE, *keys)]:
            known = [*_REBASE, *keys]
            raise InputError(
                f'Rebase {place} names "{unknown[0]}"; there are {one_of(unknown[0], known)}.'
            )
    return list(rows)


def _moment(day: Any, rows: Ordered) -> float:
    """The rebase date on the scale of the periods."""
    if not rows.dates:
        if rows.measured:
            return float(day)
        texts = sorted(set(rows.frame[rows.period].to_list()))
        text = str(day)[:10] if isinstance(day, date) else str(day)
        return float(np.searchsorted(np.array(texts, dtype=object), text))
    try:
        moment = datetime.fromisoformat(str(day)[:10])
    except ValueError:
        raise InputError(f'"{day}" is no date for a rebase. Give it like 2024-04-01.') from None
    return pd.Timestamp(moment).timestamp() / 86_400
