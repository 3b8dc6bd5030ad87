"""Process limits and special causes: which changes of a KPI are more than its usual variation (METHOD.md, "Anomalies").

One rule for pandas, Polars (eager and lazy), PyArrow and DuckDB, all tested. Dask has no ordered windows: give it
blocks of whole series. The caller's own kind of frame comes back, its columns first and unchanged:

    classified = special_causes(process_limits(table))     # kpi_id, period_end, value and, for good or bad, polarity
    latest = statistics.assurance.assurance(classified)    # and target

Each baseline is a number of its own, so that no window needs a partition by text. Where a stretch starts (series,
baseline, gap) there is no moving range, and that is all that the rules need to know of gaps (`signals`).
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.statistics.rebasing import rebases_reached
from kpi_tools.statistics.series import (
    Rows,
    as_given,
    counted_up,
    flag,
    in_order,
    keeping,
    keys_of,
    shifted,
    with_gaps,
    words,
)
from kpi_tools.statistics.signals import signalled
from kpi_tools.vocabulary import LIMITS, NO_LIMITS, NO_VARIATION, NOT_CHARTED, PROFILES, TRIAL, TRIAL_LIMITS

_REACH = 2.66
_SCREEN = 3.267
_FEWEST_FOR_RUNS = 8
_FEWEST_FOR_LIMITS = 13
_EXACT = 1e-9

_READ = ("baseline_points", "overlap", "moving_range", "mean", "upper_limit")
_LIMITS = ("baseline", *_READ[:4], "lower_limit", "near_lower", "near_upper", "upper_limit", "limits")
_CAUSES = ("run", "steps", "rule", "special_cause")
_LIMIT_CODES = {1: LIMITS, 2: TRIAL_LIMITS, 3: TRIAL, 4: NO_VARIATION, 5: NO_LIMITS}


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
        raise InputError(f"The limits cannot be fixed after {fix} values. Leave `fix` out to use all.")
    columns = {"order_by": order_by, "value": value} | ({"overlap": overlap} if isinstance(overlap, str) else {})
    rows, names = _prepare(frame, keys_of(frame, by, **columns), order_by, value, rebase, overlap)
    return as_given(_limited(rows, screen, fix), frame, names, _LIMITS).to_native()


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
    names = [name for name in frame.collect_schema().names() if name not in _CAUSES]
    keys = keys_of(frame, by, order_by=order_by, value=value)
    _check_limits(frame)
    rows = in_order(frame.select(*names), keys, order_by, (value, "polarity", *_READ))
    return as_given(signalled(rows, value, profile), frame, names, _CAUSES).to_native()


def _prepare(
    frame: Rows, keys: list[str], order_by: str, value: str, rebase: Any, overlap: int | str | None
) -> tuple[Rows, list[str]]:
    """The rows in order, with `_y` (the finite value), `_base` (the baseline's number), `overlap`, `moving_range`."""
    schema = frame.collect_schema()
    names = [name for name in schema.names() if name not in (*_LIMITS, *_CAUSES) or name == overlap]
    number = col(value).cast(nw.Float64)
    charted = (col("basis") != "year_to_date").fill_null(True) if "basis" in names else lit(True)
    rows = in_order(frame.select(*names), keys, order_by, (value, "basis", str(overlap)))
    rows = with_gaps(rows, keys, order_by).with_columns(
        _charted=charted, _base=col("_series"), baseline=lit(1), overlap=_overlap(overlap, names)
    )
    if rebase is not None:
        rows = rows.with_columns(_rebases=rebases_reached(rebase, keys, order_by, schema[order_by])).with_columns(
            _base=col("_n").min().over("_series", "_rebases"),
            baseline=col("_rebases") - col("_rebases").min().over("_series") + 1,
        )
    rows = rows.with_columns(_y=when(number.is_finite() & col("_charted")).then(number))
    rows = shifted(keeping(rows, "_charted", "_base", "_gap", "baseline", "overlap", "_y"), (1, "_y"))
    start = (col("_n") == col("_base")) | col("_gap") | col("_y_1").is_null() | col("_y").is_null()
    return rows.with_columns(moving_range=when(~start).then((col("_y") - col("_y_1")).abs())), names


def _limited(rows: Rows, screen: bool, fix: int | None) -> Rows:
    """Each baseline is one row of a small table, made from sums over its fixed values `_f` and their moving ranges."""
    rows = keeping(rows, "_charted", "_base", "baseline", "overlap", "_y", "moving_range")
    fixed = ~col("_y").is_null()
    if fix is not None:
        rows = counted_up(rows.with_columns(_known=flag(fixed)), "_known")
        rows = rows.with_columns(_before=col("_known_so_far") - col("_known"))
        rows = rows.with_columns(_rank=col("_known_so_far") - col("_before").min().over("_base"))
        fixed = fixed & (col("_rank") <= fix)
    rows = rows.with_columns(_f=when(fixed).then(col("_y")), _range=when(fixed).then(col("moving_range")))
    baselines = _with_means(rows)
    if screen:
        baselines = _screened(rows, baselines)
    lines = _in_words(baselines).select("_base", "mean", "baseline_points", "_reach", "limits")
    rows = rows.select(*(name for name in rows.collect_schema().names() if name not in ("_y", "_f", "_range")))
    rows = rows.join(lines, on="_base", how="left").with_columns(
        _half=col("_reach") * col("overlap").cast(nw.Float64).sqrt(),
        limits=when(col("_charted")).then(col("limits")).otherwise(lit(NOT_CHARTED)),
    )
    return rows.with_columns(
        lower_limit=col("mean") - col("_half"),
        near_lower=col("mean") - col("_half") * (2 / 3),
        near_upper=col("mean") + col("_half") * (2 / 3),
        upper_limit=col("mean") + col("_half"),
    )


def _with_means(rows: Rows) -> Rows:
    """One row a baseline: how many points and ranges, their means, and what is no more than floating noise.

    A mean lies between the least and the largest value: of equal ones it is that value, whatever rounding does to the sum.
    """
    baselines = rows.group_by("_base").agg(
        baseline_points=col("_y").count(), _points=col("_f").count(), _sum=col("_f").sum(),
        _least=col("_f").min(), _most=col("_f").max(), _ranges=col("_range").count(), _range_sum=col("_range").sum(),
    )  # fmt: skip
    baselines = baselines.with_columns(
        baseline_points=col("baseline_points").cast(nw.Int64),
        mean=when(col("_points") > 0).then(col("_sum") / col("_points")),
    )
    baselines = baselines.with_columns(
        mean=when(col("mean") < col("_least")).then(col("_least")).otherwise(col("mean"))
    )
    baselines = baselines.with_columns(mean=when(col("mean") > col("_most")).then(col("_most")).otherwise(col("mean")))
    return baselines.with_columns(
        _noise=col("mean").abs().clip(lower_bound=1.0) * _EXACT,
        _mean_range=when(col("_ranges") > 0).then(col("_range_sum") / col("_ranges")),
    )


def _screened(rows: Rows, baselines: Rows) -> Rows:
    """The mean moving range without the large ones, unless that would leave nothing, or only zeros."""
    baselines = baselines.with_columns(_screen=col("_mean_range") * _SCREEN - col("_noise"))
    kept = rows.select("_base", "_range").join(baselines.select("_base", "_screen"), on="_base", how="left")
    # summed, not what is left of the whole sum: beside one huge range the others would lose their digits
    kept = kept.filter(col("_range") < col("_screen"))
    kept = kept.group_by("_base").agg(_kept=col("_range").count(), _kept_sum=col("_range").sum())
    baselines = baselines.join(kept, on="_base", how="left")
    some = ((col("_kept") > 0) & (col("_kept_sum") > col("_noise"))).fill_null(False)
    return baselines.with_columns(
        _mean_range=when(some).then(col("_kept_sum") / col("_kept")).otherwise(col("_mean_range"))
    )


def _in_words(baselines: Rows) -> Rows:
    """Add `_reach`, from the mean to a limit for figures that do not overlap, and `limits`, the state of the limits."""
    varied = (col("_sum") - col("_least") * col("_points") > col("_noise") * col("_points")).fill_null(False)
    baselines = baselines.with_columns(_varied=flag(varied)).with_columns(
        _reach=col("_mean_range") * col("_varied") * _REACH
    )
    few = flag(col("_points") < _FEWEST_FOR_LIMITS) + flag(col("_points") < _FEWEST_FOR_RUNS)
    baselines = baselines.with_columns(
        _limits=when(col("_reach").is_null()).then(lit(5))
        .when(col("_varied") == 0).then(lit(4))
        .otherwise(few + 1)
    )  # fmt: skip
    return baselines.with_columns(limits=words("_limits", _LIMIT_CODES))


def _check_limits(frame: Rows) -> None:
    if missing := [name for name in _READ if name not in frame.collect_schema().names()]:
        raise InputError(f'The table has no process limits ("{missing[0]}"): put it through process_limits first.')


def _overlap(overlap: int | str | None, names: list[str]) -> nw.Expr:
    if isinstance(overlap, int):
        return lit(overlap)
    if overlap is not None:
        return col(overlap)
    if "basis" not in names:
        return lit(1)
    months = when(col("_usual") < 45).then(lit(12)).when(col("_usual") > 135).then(lit(1)).otherwise(lit(4))
    return when(col("basis") == "rolling_12_months").then(months).otherwise(lit(1))
