"""All that is said of figures, in one table: rating, direction of travel, process limits, special causes.

Any frame that narwhals knows goes in, eager or lazy, of any size: the rules are those of `rating`, `direction` and
`variation`, and series are independent. Here is only the order in which they follow.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.direction import direction_of_travel
from kpi_tools.rating import rate
from kpi_tools.statistics.series import numbered
from kpi_tools.variation import process_limits, special_causes

NEEDED = ("period_end", "value", "target", "floor_standard", "polarity")
USED = (*NEEDED, "numerator", "denominator", "unit", "tolerance", "status", "basis")
ADDED = (
    "rag", "not_rated_reason",
    "direction_of_travel", "points", "slope", "slope_low", "slope_high", "r_squared",
    "baseline", "baseline_points", "overlap", "moving_range",
    "mean", "lower_limit", "near_lower", "near_upper", "upper_limit", "limits",
    "run", "steps", "rule", "special_cause",
)  # fmt: skip


def judged(
    figures: IntoFrameT, *, by: Sequence[str] = ("authority", "kpi_id"), after: date | None = None
) -> IntoFrameT:
    """Add what `rate`, `direction_of_travel`, `process_limits` and `special_causes` say, in this order, to each row.

    `by` names a series; `period_end`, `value`, `target`, `floor_standard` and `polarity` are needed, and those in `USED`
    are used where they are there. The direction is that of the periods that end later than `after`, and stands in every
    row of its series, as the limits do. Eager frames keep their order, and sorted ones are quicker; lazy ones have none.
    """
    frame: Any = nw.from_native(figures)
    names, series = frame.collect_schema().names(), list(by)
    if isinstance(frame, nw.DataFrame) and (rows := numbered(frame, by, "period_end")) is not None:
        frame, series = rows, ["_series"]
    directed = direction_of_travel(rate(frame.to_native()), by=series, after=after)
    given = [name for name in names if name not in ADDED]
    result: Any = nw.from_native(classify(directed, by=series)).select(*given, *ADDED)
    return result.to_native()


def classify(
    figures: IntoFrameT, *, by: Sequence[str] = ("kpi_id",), order_by: str = "period_end", **options: Any
) -> IntoFrameT:
    """Add process limits and special causes: `special_causes` of `process_limits`, which takes the `options`."""
    profile = {"profile": options.pop("profile")} if "profile" in options else {}
    limited = process_limits(figures, by=by, order_by=order_by, **options)
    return special_causes(limited, by=by, order_by=order_by, **profile)
