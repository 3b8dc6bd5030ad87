"""All that the rules say of figures, in one table: rating, direction of travel, process limits, special causes.

Any frame that narwhals knows goes in, eager or lazy, of any size: the rules are those of `rating`, `direction` and
`variation`, and series are independent. Here is only the order in which they follow.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.direction import directions, without_figures
from kpi_tools.rating import NUMBERS, rated
from kpi_tools.statistics.codes import better
from kpi_tools.statistics.limits import with_limits
from kpi_tools.statistics.series import Rows, as_given, check_columns, in_order, keys_of, of_each
from kpi_tools.statistics.signals import signalled
from kpi_tools.variation import process_limits, special_causes
from kpi_tools.vocabulary import PROFILES

NEEDED = ("period_end", "value", "target", "floor_standard", "polarity")
USED = (*NEEDED, "numerator", "denominator", "unit", "tolerance", "status", "basis")
ADDED = (
    "rating", "not_rated_reason",
    "direction_of_travel", "points", "slope", "slope_low", "slope_high", "r_squared",
    "baseline", "baseline_points", "overlap", "moving_range",
    "mean", "lower_limit", "near_lower", "near_upper", "upper_limit", "limits",
    "run", "steps", "rule", "special_cause",
)  # fmt: skip


def rate_rows(
    figures: IntoFrameT, *, by: Sequence[str] = ("authority", "kpi_id"), after: date | None = None
) -> IntoFrameT:
    """Add what `rate`, `direction_of_travel`, `process_limits` and `special_causes` say, in this order, to each row.

    `by` names a series; `period_end`, `value`, `target`, `floor_standard` and `polarity` are needed, and those in `USED`
    are used where they are there. The direction is that of the periods that end later than `after`, and stands in every
    row of its series, as the limits do. Eager frames keep their order, and sorted ones are quicker; lazy ones have none.

    Raises `InputError` for a column that is not there or holds something else, and, on eager frames, for a row without its
    period and two rows for one.
    """
    frame: Any = nw.from_native(figures)
    keys = keys_of(frame, by, order_by="period_end", value="value")
    check_columns(frame, NEEDED, NUMBERS, ("period_end",))
    names = [name for name in frame.collect_schema().names() if name not in ADDED]
    rows = in_order(frame.select(*names), keys, "period_end", USED).with_columns(_better=better())
    rows = rated(rows)
    rows = of_each(rows, _directions(rows, after), "_series")
    limits = with_limits(rows, keys, "period_end", "value", kept=("_better",))
    return as_given(frame, names, ADDED, rows, limits, signalled(limits, PROFILES[0])).to_native()


def _directions(rows: Rows, after: date | None) -> Rows:
    """What `direction_of_travel` says of every series of rows in order: one row for each number of a series."""
    every = rows.select("_series", "_first").filter(col("_first")).select("_series")
    return without_figures(
        every.join(directions(rows, ["_series"], after=after), on="_series", how="left")
    )


def classify(
    figures: IntoFrameT,
    *,
    by: Sequence[str] = ("kpi_id",),
    order_by: str = "period_end",
    **options: Any,
) -> IntoFrameT:
    """Add process limits and special causes: `special_causes` of `process_limits`, which takes the `options`."""
    profile = {"profile": options.pop("profile")} if "profile" in options else {}
    limited = process_limits(figures, by=by, order_by=order_by, **options)
    return special_causes(limited, by=by, order_by=order_by, **profile)
