"""Process limits of rows in order: where each baseline begins, its mean and moving ranges, and the limits that follow.

Used by `variation.process_limits`. Each baseline has a number of its own, so that no window needs a partition by text.
Where a stretch starts (series, baseline, gap) there is no moving range, and that is all that the rules need to know of
gaps (`signals`).
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when

from kpi_tools.statistics.codes import first_of, flag, words
from kpi_tools.statistics.rebasing import rebases_reached
from kpi_tools.statistics.series import Rows, counted_up, keeping, moved, of_each, with_gaps
from kpi_tools.vocabulary import LIMITS, NO_LIMITS, NO_VARIATION, NOT_CHARTED, TRIAL, TRIAL_LIMITS

LIMITED = (
    "baseline", "baseline_points", "overlap", "moving_range",
    "mean", "lower_limit", "near_lower", "near_upper", "upper_limit", "limits",
)  # fmt: skip
_REACH = 2.66
_SCREEN = 3.267
_FEWEST_FOR_RUNS = 8
_FEWEST_FOR_LIMITS = 13
_EXACT = 1e-9
_LIMIT_CODES = {0: NOT_CHARTED, 1: NO_LIMITS, 2: NO_VARIATION, 3: TRIAL, 4: TRIAL_LIMITS, 5: LIMITS}


def with_limits(
    rows: Rows, keys: Sequence[str], order_by: str, value: str, *, screen: bool = True, fix: int | None = None,
    rebase: Any = None, overlap: int | str | None = None, kept: Sequence[str] = (),
) -> Rows:  # fmt: skip
    """Add what `variation.process_limits` adds, where its parameters are explained, to rows from `series.in_order`.

    Eager rows come back with these columns only, those to be `kept` and `_y`, the figures that are charted.
    """
    rows = _with_ranges(rows, keys, order_by, value, rebase, overlap, kept)
    y, moved = "_y", "moving_range"
    if fix is not None:
        y, moved, rows = "_fixed", "_fixed_range", _fixed(rows, fix)
    baselines = _with_means(rows, y, moved)
    if screen:
        baselines = _screened(rows, baselines, moved)
    rows = keeping(rows, *kept, "_charted", "_base", "_y", "baseline", "overlap", "moving_range")
    rows = of_each(rows, _stated(baselines), "_base")
    rows = rows.with_columns(
        _half=col("_reach") * col("overlap").cast(nw.Float64).sqrt(),
        _state=col("_state") * first_of(rows, col("_charted")),
    )
    return rows.with_columns(
        limits=words(rows, "_state", _LIMIT_CODES),
        lower_limit=col("mean") - col("_half"),
        near_lower=col("mean") - col("_half") * (2 / 3),
        near_upper=col("mean") + col("_half") * (2 / 3),
        upper_limit=col("mean") + col("_half"),
    )


def _with_ranges(
    rows: Rows, keys: Sequence[str], order_by: str, value: str, rebase: Any, overlap: int | str | None,
    kept: Sequence[str],
) -> Rows:  # fmt: skip
    """Add `_y` (the finite value), `_base` (the number of the baseline among all), `overlap`, `moving_range`."""
    schema = rows.collect_schema()
    number = col(value).cast(nw.Float64)
    charted = (col("basis") != "year_to_date").fill_null(True) if "basis" in schema else lit(True)
    rows = with_gaps(rows, keys, order_by).with_columns(
        _charted=charted,
        _base=col("_series"),
        baseline=lit(1),
        overlap=_overlap(overlap, schema.names()),
    )
    if rebase is not None:
        rows = _rebased(
            rows.with_columns(_rebases=rebases_reached(rebase, keys, order_by, schema[order_by]))
        )
    rows = rows.with_columns(_y=when(number.is_finite() & col("_charted")).then(number))
    rows = keeping(rows, *kept, "_charted", "_base", "_first", "_gap", "baseline", "overlap", "_y")
    goes_on = ~(col("_first") | col("_gap"))
    return rows.with_columns(
        moving_range=when(goes_on).then((col("_y") - moved(rows, "_y", 1)).abs())
    )


def _rebased(rows: Rows) -> Rows:
    """A baseline begins with its series, and where one more of the `_rebases` lies behind a row than behind the one before."""
    more = (col("_rebases") != moved(rows, "_rebases", 1)).fill_null(False)
    rows = rows.with_columns(_begins=flag(col("_first") | more))
    return counted_up(rows, "_begins").with_columns(
        _first=col("_begins") == 1,
        _base=col("_begins_so_far") - 1,
        baseline=col("_rebases") - col("_rebases").min().over("_series") + 1,
    )


def _fixed(rows: Rows, fix: int) -> Rows:
    """Add `_fixed` and `_fixed_range`: the first so many values of each baseline, and their moving ranges."""
    rows = counted_up(rows.with_columns(_known=flag(~col("_y").is_null())), "_known")
    rows = rows.with_columns(_before=col("_known_so_far") - col("_known"))
    rows = rows.with_columns(_rank=col("_known_so_far") - col("_before").min().over("_base"))
    return rows.with_columns(
        _fixed=when(col("_rank") <= fix).then(col("_y")),
        _fixed_range=when(col("_rank") <= fix).then(col("moving_range")),
    )


def _with_means(rows: Rows, y: str, moved: str) -> Rows:
    """One row a baseline: how many points, their mean and that of the ranges, and what is no more than floating noise.

    A mean lies between the least and the largest value: of equal ones it is that value, whatever rounding does to it.
    """
    baselines = rows.group_by("_base").agg(
        baseline_points=col("_y").count(), _points=col(y).count(), mean=col(y).mean(),
        _least=col(y).min(), _most=col(y).max(), _mean_range=col(moved).mean(),
    )  # fmt: skip
    baselines = baselines.with_columns(
        baseline_points=col("baseline_points").cast(nw.Int64),
        mean=when(col("mean") < col("_least")).then(col("_least"))
        .when(col("mean") > col("_most")).then(col("_most"))
        .otherwise(col("mean")),
    )  # fmt: skip
    return baselines.with_columns(_noise=col("mean").abs().clip(lower_bound=1.0) * _EXACT)


def _screened(rows: Rows, baselines: Rows, moved: str) -> Rows:
    """The mean moving range without the large ones, unless that would leave nothing, or only zeros."""
    screens = baselines.select("_base", _screen=col("_mean_range") * _SCREEN - col("_noise"))
    kept = of_each(keeping(rows, "_base", moved), screens, "_base")
    # summed, not what is left of the whole sum: beside one huge range the others would lose their digits
    kept = kept.with_columns(_small=when(col(moved) < col("_screen")).then(col(moved)))
    kept = kept.group_by("_base").agg(_kept=col("_small").count(), _kept_sum=col("_small").sum())
    some = (col("_kept") > 0) & (col("_kept_sum") > col("_noise")).fill_null(False)
    return baselines.join(kept, on="_base", how="left").with_columns(
        _mean_range=when(some).then(col("_kept_sum") / col("_kept")).otherwise(col("_mean_range"))
    )


def _stated(baselines: Rows) -> Rows:
    """`mean`, `_reach` from it to a limit for figures that do not overlap, `baseline_points`, and the `_state` of the limits."""
    varied = (col("mean") - col("_least") > col("_noise")).fill_null(False)
    baselines = baselines.with_columns(_varied=flag(varied)).with_columns(
        _reach=col("_mean_range") * col("_varied") * _REACH
    )
    none, same = col("_reach").is_null(), col("_varied") == 0
    few, fewer = (col("_points") < fewest for fewest in (_FEWEST_FOR_LIMITS, _FEWEST_FOR_RUNS))
    state = first_of(baselines, none, same, fewer, few, otherwise=5)
    return baselines.select("_base", "mean", "baseline_points", "_reach", _state=state)


def _overlap(overlap: int | str | None, names: list[str]) -> nw.Expr:
    if isinstance(overlap, int):
        return lit(overlap)
    if overlap is not None:
        return col(overlap)
    if "basis" not in names:
        return lit(1)
    months = (
        when(col("_usual") < 45)
        .then(lit(12))
        .when(col("_usual") > 135)
        .then(lit(1))
        .otherwise(lit(4))
    )
    return when(col("basis") == "rolling_12_months").then(months).otherwise(lit(1))
