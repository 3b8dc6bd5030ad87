"""The overlap-aware direction of travel, and second opinions beside the published one (METHOD.md, "Direction of
travel").

The published rule (`direction.direction_of_travel`) stays the official arrow; what is here stands beside it. Rolling
figures share most of their data with their neighbours, so that plain least squares sees trends in noise a third of
the time at six quarters; `benchmarks/false_trends.py` prints the table.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from kpi_tools.statistics.regression import Line, fit
from kpi_tools.vocabulary import (
    HIGHER,
    LOWER,
    MULTIPLIERS,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_TESTABLE,
    POSITIVE,
    STABLE,
)
from kpi_tools.words.row_words import Rows, is_number, series_rows
from kpi_tools.words.wording import rounded, show

_ROLLING_MONTHS = 12
_MOST_FOR_EXACT = 10
_MONTHS_IN_A_YEAR = 12
_NUMBERS = ("gls_slope", "gls_slope_low", "gls_slope_high", "gls_p_value", "mann_kendall_p")


def gls_direction(
    recent: pd.DataFrame,
    *,
    by: Sequence[str] = ("kpi_id",),
    significance: float = 0.05,
    minimum_points: int = 5,
) -> pd.DataFrame:
    """Add the overlap-aware direction of each series to all of its rows: pass the rows that the chart shows.

    Needs `period_end` (dates), `value`, `polarity` and the columns of `by`; uses `basis` (`rolling_12_months`
    overlaps, `year_to_date` is not testable), `seasonal` (true or `yes`: season terms are fitted where there are
    figures enough) and `direction_of_travel`, the official arrow. Adds

    * `gls_direction`: as the official one: positive, stable or no clear trend, negative, not enough data, not
      testable;
    * `gls_slope`, `gls_slope_low`, `gls_slope_high`: change a year in the KPI's unit with its 95% interval;
    * `gls_p_value`, and `false_discovery`: the share of false calls to expect among the series called at this p or
      less (Benjamini and Hochberg), over all series of the table;
    * `mann_kendall_p` and `second_opinion`: a remark where a trend rests on one or two unusual values, else empty;
    * `direction_note`: a sentence where the two directions differ, else empty.
    """
    keys = list(by)
    added = ("gls_direction", *_NUMBERS, "false_discovery", "second_opinion", "direction_note")
    recent = recent[[name for name in recent.columns if name not in added]]
    lines = pd.DataFrame(
        [
            {**dict(zip(keys, key, strict=True)), **_judged(rows, significance, minimum_points)}
            for key, rows in series_rows(recent, keys)
        ]
    )
    if lines.empty:
        return recent.assign(**dict.fromkeys(added))
    lines["false_discovery"] = false_discovery(lines["gls_p_value"].tolist())
    return recent.merge(lines[[*keys, *added]], on=keys, how="left").set_axis(recent.index)


def _judged(rows: Rows, significance: float, minimum_points: int) -> dict[str, Any]:
    """The columns of one series, in order of time."""
    rows = [row for row in rows if is_number(row["value"])]
    nothing = {**dict.fromkeys(_NUMBERS, math.nan), "second_opinion": "", "direction_note": ""}
    last = rows[-1] if rows else {}
    if last.get("basis") == "year_to_date" or (last and last["polarity"] not in (HIGHER, LOWER)):
        return {"gls_direction": NOT_TESTABLE, **nothing}
    line = _line(rows) if len(rows) >= max(minimum_points, 3) else None
    if line is None:
        return {"gls_direction": NOT_ENOUGH_DATA, **nothing}
    better = (line.slope > 0) == (last["polarity"] == HIGHER)
    direction = STABLE if line.p >= significance else POSITIVE if better else NEGATIVE
    second = mann_kendall([row["value"] for row in rows])
    official = last.get("direction_of_travel", direction)
    alone = official in (POSITIVE, NEGATIVE) and second >= significance
    return {
        "gls_direction": direction,
        **dict(
            zip(
                _NUMBERS,
                (line.slope * 12, line.low * 12, line.high * 12, line.p, second),
                strict=True,
            )
        ),
        "second_opinion": "the trend depends on one or two unusual values" if alone else "",
        "direction_note": difference_in_words(official, direction),
    }


def _line(rows: Rows) -> Line | None:
    """The line through one series (rows in order of time, values finite), with the overlap that its `basis` means."""
    months = [row["period_end"].year * 12 + row["period_end"].month for row in rows]
    rolling, seasonal = (
        rows[-1].get("basis") == "rolling_12_months",
        rows[-1].get("seasonal") in (True, "yes"),
    )
    values = [float(row["value"]) for row in rows]
    return fit(months, values, overlap=_ROLLING_MONTHS if rolling else 1, seasonal=seasonal)


def difference_in_words(official: Any, overlap_aware: Any) -> str:
    """A sentence where the published direction and the overlap-aware one differ; else empty."""
    seen = {
        POSITIVE: "a positive direction",
        NEGATIVE: "a negative direction",
        STABLE: "no clear trend",
    }
    if official == overlap_aware or official not in seen or overlap_aware not in seen:
        return ""
    return (
        f"The published rule finds {seen[official]}; allowing for the data that rolling figures share, "
        f"there is {seen[overlap_aware]}."
    )


def size_in_words(slope: float, low: float, high: float, unit: str, decimals: int = 1) -> str:
    """`falling by 2.1 points a year (0.6 to 3.6)`; where that may be zero, from what to what; empty where not known."""
    if not all(map(math.isfinite, (slope, low, high))):
        return ""

    def amount(change: float) -> str:
        return (
            f"{rounded(abs(change), decimals)} points"
            if unit == "%"
            else show(abs(change), unit, decimals)
        )

    if low <= 0 <= high:
        return (
            f"no clear change: between a fall of {amount(low)} and a rise of {amount(high)} a year"
        )
    near, far = sorted((abs(low), abs(high)))
    verb = "rising" if slope > 0 else "falling"
    return (
        f"{verb} by {amount(slope)} a year ({rounded(near, decimals)} to {rounded(far, decimals)})"
    )


def mann_kendall(values: Sequence[float]) -> float:
    """The two-sided p-value of the Mann-Kendall trend test, NaN below three values.

    Exact up to ten values without ties; else the normal approximation with corrections for ties and continuity.
    """
    figures = [float(value) for value in values]
    n = len(figures)
    if n < 3:
        return math.nan
    score = sum(
        (later > earlier) - (later < earlier)
        for i, earlier in enumerate(figures)
        for later in figures[i + 1 :]
    )
    ties = [figures.count(figure) for figure in set(figures)]
    if n <= _MOST_FOR_EXACT and all(count == 1 for count in ties):
        discordant = (n * (n - 1) // 2 - abs(score)) // 2
        return min(1.0, 2 * sum(_orders(n)[: discordant + 1]) / math.factorial(n))
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0 or score == 0:
        return 1.0
    return math.erfc((abs(score) - 1) / math.sqrt(2 * variance))


@lru_cache(maxsize=16)
def _orders(n: int) -> tuple[int, ...]:
    """How many orders of n things have 0, 1, 2 … pairs the wrong way round."""
    counts = [1]
    for size in range(2, n + 1):
        counts = [
            sum(counts[max(0, k - size + 1) : k + 1]) for k in range(size * (size - 1) // 2 + 1)
        ]
    return tuple(counts)


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values, in the order given; NaN stays NaN and is not counted."""
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, least = [math.nan] * len(p_values), 1.0
    for rank, (p, place) in reversed(list(enumerate(known, start=1))):
        least = min(least, p * len(known) / rank)
        adjusted[place] = least
    return adjusted


def single_periods(figures: pd.DataFrame) -> pd.DataFrame:
    """Year-to-date figures as figures of their own quarter (basis `quarter`), so that they can be tested and charted.

    Numerators and denominators are differences within the financial year, and the value follows from them; a count
    without them is itself differenced. Where the quarter before is missing, so is the figure. Other rows stay as they
    are.
    """
    year_to_date = figures["basis"] == "year_to_date"
    rows = figures[year_to_date].sort_values(["kpi_id", "period_end"], kind="stable")
    month = rows["period_end"].dt.month
    year = rows["period_end"].dt.year - (month <= 3)
    place = (month - 4) % 12 // 3
    earlier = rows.groupby(["kpi_id", year])
    follows = (
        earlier["period_end"].transform(lambda ends: ((ends.dt.month - 4) % 12 // 3).diff()) == 1
    )
    singles = {
        name: rows[name].where(place == 0, (rows[name] - earlier[name].shift()).where(follows))
        for name in ("value", "numerator", "denominator")
    }
    per = rows["unit"].map(MULTIPLIERS)
    ratio = per * singles["numerator"] / singles["denominator"].where(singles["denominator"] > 0)
    singles["value"] = singles["value"].where(per.isna(), ratio)
    result = figures.copy()
    for name, column in singles.items():
        result.loc[rows.index, name] = column
    result["basis"] = result["basis"].where(~year_to_date, "quarter")
    return result
