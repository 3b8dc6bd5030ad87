"""The four rules that tell a special cause from usual variation, on rows in order that have their process limits.

Used by `variation.special_causes`. A run is given a number where it breaks and is measured by counting; each rule looks
at its neighbours by shifts. A missing moving range marks where a stretch starts: the step there is zero, and no run
crosses it.
"""

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, when

from kpi_tools.statistics.codes import first_of, flag, sign, words
from kpi_tools.statistics.series import Rows, keeping, moved, run_lengths
from kpi_tools.vocabulary import (
    CONCERN,
    IMPROVEMENT,
    NEUTRAL,
    OUTSIDE,
    SHIFT,
    TREND,
    TWO_IN_THREE,
)

LOOKED_AT = ("baseline_points", "overlap", "moving_range", "mean", "upper_limit")
CAUSES = ("run", "steps", "rule", "special_cause")
_RUN = 7
_FEWEST_FOR_RUNS = 8
_EXACT = 1e-9
_RULE_CODES = {1: OUTSIDE, 2: TREND, 3: TWO_IN_THREE, 4: SHIFT}
_CAUSE_CODES = {1: CONCERN, 2: NEUTRAL, 3: IMPROVEMENT}


def signalled(rows: Rows, profile: str) -> Rows:
    """Add `run`, `steps`, `rule`, `special_cause` (see `variation.special_causes`) to rows from `series.in_order`.

    They have the `LOOKED_AT` of their limits, `_y`, the figure where it is finite, and `_better` (`codes.better`).
    """
    return _ruled(_run_lengths(_judged(rows), profile))


def _judged(rows: Rows) -> Rows:
    """Where each point lies: `_side` of the mean and `_step` since the point before (1, 0, -1), `_outside`, `_near`."""
    noise = col("mean").abs().clip(lower_bound=1.0) * _EXACT
    rows = rows.with_columns(
        _half=col("upper_limit") - col("mean"),
        _start=col("moving_range").is_null(),
        _all_rules=(col("baseline_points") >= _FEWEST_FOR_RUNS) & (col("overlap") == 1),
        _far=(col("_y") - col("mean")).abs() - noise,
    )
    limited, before = ~col("_half").is_null(), moved(rows, "_y", 1)
    away, goes_on = (col("_far") > 0) & limited, ~col("_start") & limited
    return rows.with_columns(
        _side=sign(away & (col("_y") > col("mean")), away),
        _step=sign(goes_on & (col("_y") > before), goes_on & (col("_y") < before)),
        _outside=sign(col("_far") > col("_half")),
        _near=sign(col("_far") > col("_half") * (2 / 3)),
    )


def _run_lengths(rows: Rows, profile: str) -> Rows:
    """How long runs are, and what of the rules goes on to neighbours: `_two` of three, `_trend`."""
    rows = keeping(rows, "_all_rules", "_better", "_start", "_side", "_step", "_outside", "_near")
    rows = rows.with_columns(
        _side_starts=flag(col("_start") | (col("_side") != moved(rows, "_side", 1))),
        _step_starts=flag((col("_step") != moved(rows, "_step", 1)).fill_null(True)),
        _close=col("_near") if profile == "mdc" else col("_near") - col("_outside"),
    )
    rows = keeping(
        rows,
        "_all_rules",
        "_better",
        "_side",
        "_step",
        "_outside",
        "_close",
        "_side_starts",
        "_step_starts",
    )
    rows = run_lengths(rows, _side_run="_side_starts", _step_run="_step_starts")
    rows = rows.with_columns(
        run=(col("_side") * col("_side_run")).cast(nw.Int64),
        steps=(col("_step") * col("_step_run")).cast(nw.Int64),
    )
    rows = keeping(
        rows,
        "_all_rules",
        "_better",
        "_side",
        "_step",
        "_outside",
        "_close",
        "_side_starts_first",
        "run",
        "steps",
    )
    same_run = col("_side_starts_first") == moved(rows, "_side_starts_first", 2)
    three = (col("_close") + moved(rows, "_close", 1) + moved(rows, "_close", 2) >= 2) & same_run
    rows = rows.with_columns(
        _three=flag(three.fill_null(False)), _long=flag(col("steps").abs() >= _RUN - 1)
    )
    part = (
        (col("_three") == 1) | (moved(rows, "_three", -1) == 1) | (moved(rows, "_three", -2) == 1)
    )
    trend = (col("_long") == 1) | (moved(rows, "_long", -1) == 1).fill_null(False)
    return rows.with_columns(
        _two=flag((col("_close") == 1) & part.fill_null(False)), _trend=flag(trend)
    )


def _ruled(rows: Rows) -> Rows:
    """The rules in their order, and whether the point that one of them flags is good or bad news."""
    rows = keeping(
        rows,
        "_all_rules",
        "_better",
        "_side",
        "_step",
        "_outside",
        "_two",
        "_trend",
        "run",
        "steps",
    )
    more = col("_all_rules")
    turns = ((moved(rows, "_trend", -1) == 1) & (moved(rows, "_step", -1) != 0)).fill_null(False)
    rows = rows.with_columns(
        _rule=first_of(
            rows,
            col("_outside") == 1,
            more & (col("_trend") == 1),
            more & (col("_two") == 1),
            more & (col("run").abs() >= _RUN),
        ),
        _slope=when(turns).then(moved(rows, "_step", -1)).otherwise(col("_step")),
    )
    way = when(col("_rule") == 2).then(col("_slope")).otherwise(col("_side"))
    rows = rows.with_columns(_news=when(col("_rule") > 0).then(way * col("_better")))
    rows = rows.with_columns(
        _cause=first_of(rows, col("_news") < 0, col("_news") == 0, col("_news") > 0)
    )
    return rows.with_columns(
        rule=words(rows, "_rule", _RULE_CODES), special_cause=words(rows, "_cause", _CAUSE_CODES)
    )
