"""Direction of travel: whether a KPI gets better or worse over the quarters shown, and by how much a year.

The published rule, named `ols`: ordinary least squares over exactly the figures in the table, two-sided test
(METHOD.md, "Direction of travel"). Any frame that narwhals knows goes in and comes out with more columns. Sums are taken in the
engine; the test is one comparison of r squared with the value that Student's t asks of so many points.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.statistics.codes import finite
from kpi_tools.statistics.series import Rows, check_columns
from kpi_tools.statistics.student import MANY, critical, critical_of_many
from kpi_tools.vocabulary import (
    HIGHER,
    LOWER,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_TESTABLE,
    POSITIVE,
    STABLE,
)

MINIMUM_POINTS = 5
_STRAIGHT = 1e-10
_FLAT = 1e-9
_READ = ("period_end", "value", "polarity", "basis")
ADDED = ("direction_of_travel", "points", "slope", "slope_low", "slope_high", "r_squared")


def direction_of_travel(
    recent: IntoFrameT,
    *,
    by: Sequence[str] = ("kpi_id",),
    significance: float = 0.05,
    minimum_points: int = MINIMUM_POINTS,
    after: date | None = None,
) -> IntoFrameT:
    """Add the direction of each series to all of its rows. What the chart shows is tested: pass just those rows, or
    with `after` those of a longer history that end later than that day.

    Needs columns `period_end` (date or timestamp), `value`, `polarity` and those in `by`, which together name a series;
    uses `basis` where it is there. Adds `direction_of_travel` (positive, stable or no clear trend, negative, not enough
    data, not testable), `points` (how many finite values), `slope`, `slope_low`, `slope_high` (change a year in the
    KPI's unit with its 95% interval, at the default significance) and `r_squared`.

    Missing values are left out and keep their place on the axis. Fewer than `minimum_points` values are not enough
    data; a series without variation has no trend. Year-to-date figures, and polarity `target`, where neither up nor
    down is better, are not testable. Raises `InputError` for a column that is not there or holds something else.
    """
    frame: Any = nw.from_native(recent)
    names = [name for name in frame.collect_schema().names() if name not in ADDED]
    lines = directions(
        frame, by, after=after, significance=significance, minimum_points=minimum_points
    )
    directed = frame.select(*names).join(lines, on=list(by), how="left")
    return (directed if after is None else without_figures(directed)).to_native()


def directions(
    frame: Rows, by: Sequence[str], *, after: date | None = None, significance: float = 0.05,
    minimum_points: int = MINIMUM_POINTS,
) -> Rows:  # fmt: skip
    """What `direction_of_travel` adds, one row a series; with `after`, of those that have a row later than that day."""
    check_columns(frame, (*by, "period_end", "value", "polarity"), ("value",), ("period_end",))
    schema = frame.collect_schema()
    keys = list(by)
    end = col("period_end")
    if schema["period_end"] == nw.Object:  # Python's own dates on pandas
        end = end.cast(nw.Datetime("us"))
    months = (end.dt.year() * 12 + end.dt.month()).cast(nw.Float64)
    tested = frame.select(*keys, *(name for name in _READ if name in schema))
    if after is not None:
        tested = tested.filter(
            end
            > lit(after if schema["period_end"] == nw.Date else datetime.combine(after, time.min))
        )
    # from the first month on, so that small numbers are squared
    origin = (
        col("_x").min().over(*keys) if after is None else lit(float(after.year * 12 + after.month))
    )
    points = (
        tested.select(*keys, _better=_better(schema.names()), _y=finite("value"), _x=months)
        .with_columns(
            _size=col("_y").abs(),
            _y=col("_y") - col("_y").min().over(*keys),
            _x=when(~col("_y").is_null()).then(col("_x") - origin),
        )
        .with_columns(
            _xx=col("_x") * col("_x"), _xy=col("_x") * col("_y"), _yy=col("_y") * col("_y")
        )
    )
    sums = points.group_by(*keys).agg(
        col("_x", "_y", "_xx", "_xy", "_yy").sum(),
        _n=col("_y").count(),
        _spread=col("_y").max(),
        _size=col("_size").max(),
        _better=col("_better").min(),
    )
    return _judged(sums, significance, minimum_points).select(*keys, *ADDED)


def without_figures(directed: Rows) -> Rows:
    """The same, with the words for series that have no row to be tested."""
    return directed.with_columns(
        direction_of_travel=col("direction_of_travel").fill_null(NOT_ENOUGH_DATA),
        points=col("points").fill_null(0),
    )


def _better(names: list[str]) -> nw.Expr:
    """2 where higher is better, 1 where lower is, 0 where neither up nor down would say anything."""
    better = (
        when(col("polarity") == HIGHER)
        .then(lit(2))
        .when(col("polarity") == LOWER)
        .then(lit(1))
        .otherwise(lit(0))
    )
    if "basis" not in names:
        return better
    return when(col("basis") == "year_to_date").then(lit(0)).otherwise(better)


def _judged(sums: Rows, significance: float, minimum_points: int) -> Rows:
    """The small table, one row a series: sums of squares about the means, then slope, interval and verdict."""
    sums = sums.with_columns(
        _n=col("_n").cast(nw.Float64), _t=_critical_t(significance, minimum_points)
    )
    n, t = col("_n"), col("_t")
    large = when(col("_size") > 1).then(col("_size")).otherwise(lit(1.0))
    enough = (n >= minimum_points) & (n > 2)
    lines = sums.with_columns(
        _sxx=col("_xx") - col("_x") * col("_x") / n,
        _sxy=col("_xy") - col("_x") * col("_y") / n,
        _syy=col("_yy") - col("_y") * col("_y") / n,
        _flat=(col("_spread") <= large * _FLAT).fill_null(True),
        _can=enough & (col("_better") > 0),
    )
    lines = lines.with_columns(
        slope=when(col("_can")).then(
            when(col("_flat")).then(lit(0.0)).otherwise(col("_sxy") / col("_sxx") * 12)
        ),
        r_squared=when(col("_can") & ~col("_flat")).then(
            col("_sxy") * col("_sxy") / (col("_sxx") * col("_syy"))
        ),
    )
    rest = 1 - col(
        "r_squared"
    )  # of a straight line noise, whose root is far from nothing, and another on each engine
    rest = when(rest.is_null() | (rest > _STRAIGHT)).then(rest).otherwise(lit(0.0))
    error = rest * col("_syy") / col("_sxx") / (n - 2)
    lines = lines.with_columns(
        _reach=when(col("_can")).then(
            when(col("_flat")).then(lit(0.0)).otherwise(t * error.sqrt() * 12)
        ),
        _significant=(col("r_squared") > t * t / (t * t + n - 2)).fill_null(False),
    )
    better = when(col("_better") == 1).then(-col("slope")).otherwise(col("slope"))
    return lines.with_columns(
        points=n.cast(nw.Int64),
        slope_low=col("slope") - col("_reach"),
        slope_high=col("slope") + col("_reach"),
        direction_of_travel=when(col("_better") == 0).then(lit(NOT_TESTABLE))
        .when(~enough).then(lit(NOT_ENOUGH_DATA))
        .when(~col("_significant")).then(lit(STABLE))
        .when(better > 0).then(lit(POSITIVE))
        .otherwise(lit(NEGATIVE)),
    )  # fmt: skip


def _critical_t(significance: float, minimum_points: int) -> nw.Expr:
    """The t that each number of points asks for: from a list of exact ones, for many points from a curve."""
    known = {n: critical(n - 2, significance) for n in range(max(minimum_points, 3), MANY + 2)}
    number = col("_n").cast(nw.Int64)
    listed = number.replace_strict(
        list(known), list(known.values()), default=math.nan, return_dtype=nw.Float64
    )
    return (
        when(number < MANY + 2)
        .then(listed)
        .otherwise(critical_of_many(1 / (col("_n") - 2), significance))
    )
