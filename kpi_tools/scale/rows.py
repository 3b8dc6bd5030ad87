"""All that the rules say of figures, in one table: rating, direction of travel, process limits, special causes.

The rules are those of `rating`, `trend` and `variation`, and series are independent. Here is only the order in which they
follow, with the rows put into the order of time once.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from kpi_tools.errors import InputError
from kpi_tools.frames import in_order
from kpi_tools.kinds import XMR, charted
from kpi_tools.limits import CAUSES, LIMITED, limited
from kpi_tools.rating import rate
from kpi_tools.trend import ADDED as DIRECTED
from kpi_tools.trend import directions, of_each
from kpi_tools.variation import signalled
from kpi_tools.vocabulary import NO_LIMITS, PROFILES, TRIAL

NEEDED = ("period_end", "value", "target", "floor_standard", "polarity")
USED = (*NEEDED, "numerator", "denominator", "unit", "tolerance", "status", "basis")
ADDED = ("rating", "not_rated_reason", *DIRECTED, *LIMITED[:-1], *CAUSES)


def rate_rows(
    figures: Any, *, by: Sequence[str] = ("authority", "kpi_id"), after: date | None = None
) -> Any:
    """Add what `rate`, `direction_of_travel`, `process_limits` and `special_causes` say, in this order, to each row.

    `by` names a series; `period_end`, `value`, `target`, `floor_standard` and `polarity` are needed, and those in `USED`
    are used where they are there. The direction is that of the periods that end later than `after`, and stands in every
    row of its series, as the limits do. Eager frames keep their order, and sorted ones are quicker; lazy ones have none.

    Raises `InputError` for a column that is not there or holds something else, and, on eager frames, for a row without its
    period and two rows for one.
    """
    frame: Any = nw.from_native(figures)
    there = frame.collect_schema().names()
    if missing := [name for name in NEEDED if name not in there]:
        raise InputError(
            f"There is no column {' or '.join(missing)} in the table. Its columns are: {', '.join(there)}."
        )
    given = frame.select(*(name for name in there if name not in ADDED))
    rows = in_order(rate(given.to_native()), by, "period_end")
    y, better = rows.numbers("value"), rows.better("polarity")
    lines = of_each(directions(rows, y, better, after=after), rows.series)
    y, limits = limited(rows, charted(rows, "value", XMR))
    del limits["chart"]  # all are XmR
    states = limits["limits"]
    few, none = (states.codes == states.meanings.index(word) for word in (TRIAL, NO_LIMITS))
    causes = signalled(y, limits, few, better, PROFILES[0], none, y)
    table = nw.from_native(rows.with_columns(**lines, **limits, **causes))
    return table.drop("band").to_native()
