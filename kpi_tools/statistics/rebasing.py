"""New baselines: from when a series has other limits than before, who agreed it, and where it may be worth asking.

A tool may suggest a rebase, never do it: limits that follow each change of the figures would explain every change away.
`rebase` is everywhere a table, or a list of dictionaries, with `date` (the first period of the new baseline), `reason`, `name`
(who agreed it) and, for one series only, the columns that name it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.statistics.series import keys_of

_RUN = 7


def rebases_reached(rebase: Any, keys: Sequence[str], order_by: str, kind: Any) -> nw.Expr:
    """How many rebases each row has behind it; `rebase` as above."""
    reached = lit(0)
    for row in _checked(rebase):
        here = col(order_by) >= lit(_moment(row["date"], kind))
        for key in keys:
            if row.get(key) is not None:
                here = here & (col(key) == row[key])
        reached = reached + here.fill_null(False).cast(nw.Int64)
    return reached


def suggested_rebases(
    classified: IntoFrameT, *, by: Sequence[str] | None = None, order_by: str = "period_end"
) -> IntoFrameT:
    """Where a new baseline may be worth agreeing: one row a series whose latest seven figures or more lie on one side.

    Columns: those of `by`, `date` (first period of that run), `run` (its length, negative below the mean). Only a
    suggestion: whether the process changed, and why, is for its owner to say (`rebase` needs a reason and a name).
    """
    frame: Any = nw.from_native(classified)
    keys = keys_of(frame, by, order_by=order_by)
    rows = frame.with_row_index("_n", order_by=[*keys, order_by]).with_columns(
        _n=col("_n").cast(nw.Int64), _all=lit(0)
    )
    parts = keys or ["_all"]
    rows = rows.with_columns(
        _last=col("_n").max().over(*parts), _first=col("_n").min().over(*parts, "baseline")
    )
    rows = rows.with_columns(_run=when(col("_n") == col("_last")).then(col("run")))
    rows = rows.with_columns(_run=col("_run").max().over(*parts))
    starts = (col("_n") == col("_last") - col("_run").abs() + 1) & (col("_n") > col("_first"))
    return (
        rows.filter(starts & (col("_run").abs() >= _RUN))
        .select(*keys, "run", date=col(order_by))
        .to_native()
    )


def rebase_notes(
    series: Any, rebase: Any, *, by: Sequence[str] | None = None, order_by: str = "period_end"
) -> list[str]:
    """A sentence for each rebase that changes nothing, since its date lies outside the series or names none."""
    frame: Any = nw.from_native(series)
    keys = keys_of(frame, by, order_by=order_by)
    kind = frame.collect_schema()[order_by]
    spans = frame.with_columns(_all=lit(0)).group_by("_all", *keys).agg(
        _first=col(order_by).min(), _last=col(order_by).max()
    ).lazy().collect().rows(named=True)  # fmt: skip
    return [note for row in _checked(rebase) for note in _notes(row, spans, keys, kind)]


def _notes(
    row: Mapping[str, Any], spans: Sequence[Mapping[str, Any]], keys: Sequence[str], kind: Any
) -> Iterator[str]:
    what = f"The rebase of {str(row['date'])[:10]} ({str(row['reason']).rstrip('.')})"
    mine = [span for span in spans if all(row.get(key) in (None, span[key]) for key in keys)]
    if not mine:
        yield f"{what} is for a series that is not there, so it changes nothing."
    for span in mine:
        name = ", ".join(str(span[key]) for key in keys)
        moment = _moment(row["date"], kind)
        if moment > span["_last"]:
            yield f"{what} lies after the last figure of {name}, so it changes nothing."
        elif moment <= span["_first"]:
            yield f"{what} lies before the second figure of {name}, so it changes nothing."


def _checked(rebase: Any) -> list[Mapping[str, Any]]:
    rows = [rebase] if isinstance(rebase, Mapping) else rebase
    if isinstance(rows, str):
        raise InputError(
            f'"{rows}" is no rebase. Give a table or a list of dictionaries with date, reason and name.'
        )
    rows = (
        rows if isinstance(rows, list) else nw.from_native(rows).lazy().collect().rows(named=True)
    )
    for place, row in enumerate(rows, start=1):
        for part in ("date", "reason", "name"):
            found = row.get(part) if isinstance(row, Mapping) else None
            if found is None or found != found or not str(found).strip():
                raise InputError(
                    f"Rebase {place} has no {part}. Limits are rebased only with a date, a reason and the name of who "
                    "agreed it: fill in all three."
                )
    return list(rows)


def _moment(day: Any, kind: Any) -> Any:
    """The rebase date in the kind of the period column."""
    if kind.is_numeric():
        return day
    if kind == nw.String:
        return str(day)[:10] if isinstance(day, date) else day
    try:
        moment = datetime.fromisoformat(str(day)[:10])
    except ValueError:
        raise InputError(f'"{day}" is no date for a rebase. Give it like 2024-04-01.') from None
    return moment if kind.is_temporal() and kind != nw.Date else moment.date()
