"""Process limits and special causes: which changes of a KPI are more than its usual variation (METHOD.md, "Anomalies").

One rule for pandas, Polars (eager and lazy), PyArrow and DuckDB, all tested. Dask has no ordered windows: give it
blocks of whole series. The caller's own kind of frame comes back, its columns first and unchanged:

    classified = special_causes(process_limits(table))     # kpi_id, period_end, value and, for good or bad, polarity
    latest = statistics.assurance.assurance(classified)    # and target

How the limits are computed is in `statistics.limits`, the rules are in `statistics.signals`.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import lit
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.statistics.codes import better, finite
from kpi_tools.statistics.limits import LIMITED, with_limits
from kpi_tools.statistics.series import Rows, as_given, in_order, keys_of
from kpi_tools.statistics.signals import CAUSES, LOOKED_AT, signalled
from kpi_tools.vocabulary import PROFILES


def process_limits(
    series: IntoFrameT,
    *,
    by: Sequence[str] | None = None,
    order_by: str = "period_end",
    value: str = "value",
    screen: bool = True,
    fix: int | None = None,
    rebase: Any = None,
    overlap: int | str | None = None,
) -> IntoFrameT:
    """Add the mean and the natural process limits (XmR) of each baseline to its rows.

    `by` names a series (without it `kpi_id`; a table without that column is one series), `order_by` its periods: dates,
    timestamps or numbers, so that absent periods are seen as gaps (more than one and a half times the series' shortest
    interval); text other than 2024-12-31 has an order only. `value` is a number; missing, NaN and infinite are gaps.
    With `screen`, moving ranges of 3.267 times their mean and more are left out, once.

    * `fix`: only the first so many values of each baseline make the limits.
    * `rebase`: a table, or a list of dictionaries, with `date` (the first period of the new baseline), `reason`,
      `name` (who agreed it) and, for one series only, the columns of `by`. Limits are never rebased without all
      three.
    * `overlap`: of how many periods one figure is the sum: a number or a column. Without it, a column `basis` is
      read: `rolling_12_months` means 12 for monthly and 4 for quarterly figures, anything else 1.

    Adds `baseline` (1, 2 …), `baseline_points`, `overlap`, `moving_range`, `mean`, `lower_limit`, `near_lower`,
    `near_upper` (two thirds of the way), `upper_limit` (all in the KPI's unit) and `limits`, a state of
    `vocabulary.LIMIT_MEANINGS`. Rows with `basis` `year_to_date` are not charted. Raises `InputError` for a rebase
    that lacks one of its three parts, a column that is not there, and two rows for one period (not seen on a lazy frame).
    """
    frame: Rows = nw.from_native(series)
    if fix is not None and fix < 1:
        raise InputError(
            f"The limits cannot be fixed after {fix} values. Leave `fix` out to use all."
        )
    columns = {"order_by": order_by, "value": value} | (
        {"overlap": overlap} if isinstance(overlap, str) else {}
    )
    keys = keys_of(frame, by, **columns)
    names = [
        name
        for name in frame.collect_schema().names()
        if name not in (*LIMITED, *CAUSES) or name == overlap
    ]
    rows = in_order(frame.select(*names), keys, order_by, (value, "basis", str(overlap)))
    rows = with_limits(
        rows, keys, order_by, value, screen=screen, fix=fix, rebase=rebase, overlap=overlap
    )
    return as_given(frame, names, LIMITED, rows).to_native()


def special_causes(
    limited: IntoFrameT,
    *,
    by: Sequence[str] | None = None,
    order_by: str = "period_end",
    value: str = "value",
    profile: str = "plotthedots",
) -> IntoFrameT:
    """Add to a table with process limits which points are special causes: the first rule that holds, good or bad.

    Takes what `process_limits` made, with the same `by`, `order_by` and `value`. Adds `run` (length of the run of
    figures on one side of the mean, negative below it), `steps` (length of the run of rises, negative for falls),
    `rule` (one of `vocabulary.RULES` or null) and `special_cause`: improvement or concern by `polarity`, neutral where
    that is neither `higher` nor `lower`, null for common cause. `profile` says whether a point beyond a limit counts
    among the two in three (`mdc`) or not (`plotthedots`). With fewer than 8 points in a baseline, and for overlapping
    figures, only the limits are tested.
    """
    if profile not in PROFILES:
        raise InputError(f'There is no profile "{profile}". Choose one of: {", ".join(PROFILES)}.')
    frame: Rows = nw.from_native(limited)
    names = [name for name in frame.collect_schema().names() if name not in CAUSES]
    keys = keys_of(frame, by, order_by=order_by, value=value)
    _check_limits(frame)
    rows = in_order(frame.select(*names), keys, order_by, (value, "polarity", *LOOKED_AT))
    rows = rows.with_columns(
        _y=finite(value), _better=better() if "polarity" in names else lit(0, dtype=nw.Int8)
    )
    return as_given(frame, names, CAUSES, signalled(rows, profile)).to_native()


def _check_limits(frame: Rows) -> None:
    if missing := [name for name in LOOKED_AT if name not in frame.collect_schema().names()]:
        raise InputError(
            f'The table has no process limits ("{missing[0]}"): put it through process_limits first.'
        )
