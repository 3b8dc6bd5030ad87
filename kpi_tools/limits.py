"""Process limits: between which figures a series lies by its usual variation alone (METHOD.md, "Anomalies").

Every array here is in the order of series and time. A baseline is a stretch between rebases; where a stretch starts
(series, baseline, gap) there is no moving range.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, Words, in_order
from kpi_tools.kinds import CHARTS, PRIMES, RUN, SHARES, WITH_PARTS, XMR, Charted, G, T, charted
from kpi_tools.rebases import reached
from kpi_tools.vocabulary import (
    LIMITS,
    LIMITS_ALONE,
    NO_LIMITS,
    NO_VARIATION,
    NOT_CHARTED,
    RUN_CHART,
    TRIAL,
    TRIAL_LIMITS,
)

LIMITED = (
    "baseline",
    "baseline_points",
    "overlap",
    "moving_range",
    "mean",
    "lower_limit",
    "near_lower",
    "near_upper",
    "upper_limit",
    "limits",
    "chart",
)
_ENDS = ("lower_limit", "near_lower", "near_upper", "upper_limit")
CAUSES = ("run", "steps", "rule", "special_cause")
RUNS = ("longest_run", "longest_run_max", "crossings", "crossings_min")
FEWEST_FOR_RUNS = 8
EXACT = 1e-9
_REACH = 2.66
_SIGMA = 1.128
"""The mean moving range of figures whose standard deviation is 1."""
_SCREEN = 3.267
_TAILS = {3: 0.0026997960632602, 2: 0.0455002638963584}
"""How often a normal figure lies more than three, and more than two standard deviations off its mean, on either side."""
_NELSON = 3.6
_FEWEST_FOR_LIMITS = 13
_FEWEST_BESIDE = 5
_STATES = (
    NOT_CHARTED,
    NO_LIMITS,
    NO_VARIATION,
    TRIAL,
    TRIAL_LIMITS,
    LIMITS,
    RUN_CHART,
    LIMITS_ALONE,
)


def process_limits(
    series: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    chart: str = "xmr",
    numerator: str = "numerator",
    denominator: str = "denominator",
    screen: bool = True,
    fix: int | None = None,
    rebase: Any = None,
    overlap: int | str | None = None,
) -> Any:
    """Add the mean and the natural process limits of each baseline to its rows.

    Args:
        series: A table of pandas, Polars, PyArrow or DuckDB. A column `basis` is used where it is there: `year_to_date` is
            not charted, `rolling_12_months` overlaps.
        by: The columns that name a series. Default: `kpi_id`, else the table is one series.
        period: Dates, timestamps or numbers, so that absent periods are seen as gaps (more than one and a half times the
            series' median step; where all are working days, from one to the next is a step). Other text has an order only.
        value: The figures; missing and infinite ones are gaps. Where there is no such column, a chart of parts makes it of
            these, and `t` of the days between the periods.
        chart: The kind of chart, of all series or by a column: `xmr` for any measure; `p` and `p_prime` for shares, `u` and
            `u_prime` for rates, made of a numerator and a denominator (Laney's primes take in how much periods differ beside
            chance); `c` for counts; `g` for cases between events, `t` for time between them; `run` for a median and runs
            about it; `auto` for what each series needs.
        numerator: The counts behind shares and rates.
        denominator: Of how many; it may differ from period to period, and then so do the limits.
        screen: Leave moving ranges of 3.267 times their mean and more out, once (`xmr`, `t` and the primes).
        fix: Only the first so many values of each baseline make the limits.
        rebase: A table, or a list of dictionaries, with `date` (the first period of the new baseline), `reason`, `name`
            (who agreed it) and, for one series only, the columns of `by`.
        overlap: Of how many periods one figure is the sum: a number or a column. Default: by `basis`, 12 for monthly and 4
            for quarterly rolling figures.

    Returns:
        The table with `baseline` (1, 2 …), `baseline_points`, `overlap`, `moving_range`, `mean` (of `g` and
        `run` the median), `lower_limit`, `near_lower`, `near_upper` (two thirds of the way), `upper_limit` (in the KPI's unit;
        null where the figure cannot be so low or high) and `limits`, a state of `vocabulary.LIMIT_MEANINGS`, by how many
        figures or moving ranges the limits rest on; last `chart`, the kind.

    Raises:
        InputError: A column is not there or holds something else, two rows are for one period, a rebase lacks one of its
            parts or names a column that is not there, or a kind of chart cannot show a figure (a denominator of nought, a
            numerator above it, a part of a case …).
    """
    given: Any = nw.from_native(series)
    there = given.collect_schema().names()
    again = [name for name in (*CAUSES, *RUNS) if name in there]
    again += ["chart"] if "chart" in there and chart != "chart" else []
    made = value not in there and chart in (*WITH_PARTS, T)
    needed = {"value": None if made else value, "overlap": overlap}
    if chart in WITH_PARTS:
        needed |= {"numerator": numerator, "denominator": denominator}
    rows = in_order(given.drop(*again).to_native() if again else series, by, period, named=needed)
    figures = charted(rows, value, chart, numerator, denominator)
    found = limited(rows, figures, screen=screen, fix=fix, rebase=rebase, overlap=overlap)[1]
    return rows.with_columns(**({value: figures.y} if made else {}), **found)


def limited(
    rows: Ordered,
    figures: Charted,
    *,
    screen: bool = True,
    fix: int | None = None,
    rebase: Any = None,
    overlap: int | str | None = None,
) -> tuple[Array, dict[str, Any]]:
    """The figures that are charted, and the columns of `LIMITED`."""
    if fix is not None and fix < 1:
        raise InputError(
            f"The limits cannot be fixed after {fix} values. Leave fix out to use all."
        )
    usual, gap = rows.steps
    t, g, run, xmr = (figures.among([kind]) for kind in (T, G, RUN, XMR))
    charted = ~rows.is_word("basis", "year_to_date")
    y = np.where(charted, figures.y, np.nan)
    shared = _overlap(rows, usual, overlap)
    behind = np.zeros(len(y)) if rebase is None else reached(rebase, rows)
    begins = rows.first | (np.diff(behind, prepend=0) != 0)
    starts = np.flatnonzero(begins)
    base = np.cumsum(begins) - 1
    breaks = begins | (gap & ~(t | g))  # events come when they come
    used = np.where(t, y ** (1 / _NELSON), y) if t.any() else y
    if fix is not None:
        known = np.cumsum(~np.isnan(y))
        rank = known - (known - ~np.isnan(y))[starts][base]
        used = np.where(rank <= fix, used, np.nan)
    count, low, _, centre = _summary(used, starts, figures.size)
    noise, mean = np.maximum(np.abs(centre), 1) * EXACT, centre[base]
    law = figures.law(mean)
    ranges = _moved(figures.scaled(used, mean, law), breaks)
    some, _, _, average = _summary(ranges, starts)
    if screen:
        small = np.where(ranges < (average * _SCREEN - noise)[base], ranges, np.nan)
        left, _, _, kept = _summary(small, starts)
        average = np.where((left > 0) & (kept * left > noise), kept, average)
    varied = centre - low > noise
    free = ~(xmr | t | figures.among(PRIMES))[starts]
    none = np.where(free, count < 2, np.isnan(average))
    interior = (centre > 0) & ~(figures.among(SHARES) & (mean >= figures.per))[starts]
    varied = np.where(free & ~run[starts], interior, varied)
    of_one = np.where(xmr, _REACH / 3, 1 / _SIGMA) * np.sqrt(shared)
    sigma = law * np.where(free[base], 1.0, np.where(varied, average, 0.0)[base] * of_one)
    ends = [_end(figures, mean, sigma, times, none[base]) for times in (-3, -2, 2, 3)]
    if (g | run).any():
        mean = np.where(g | run, _medians(used, starts)[base], mean)
    points = np.where(free, count, some + 1)
    at_end = (used == 0) | (figures.among(SHARES) & (used == figures.per))
    crowded = free & (_summary(np.where(at_end, 1.0, np.nan), starts)[0] * 2 > count)
    state = np.select(
        [
            none,
            ~varied,
            run[starts],
            points < FEWEST_FOR_RUNS,
            crowded,
            points < _FEWEST_FOR_LIMITS,
        ],
        [1, 2, 6, 3, 7, 4],
        5,
    )
    within = starts - rows.starts[rows.series[starts]] if len(starts) else starts
    number = np.cumsum(np.where(within == 0, 0, 1)) if len(starts) else starts
    return y, {
        "baseline": (number - number[base[rows.starts]][rows.series[starts]] + 1)[base]
        if len(y)
        else base,
        "baseline_points": _summary(y, starts)[0][base],
        "overlap": shared.astype(int),
        "moving_range": _moved(y, breaks),
        "mean": np.where(charted, np.where(t, mean**_NELSON, mean) if t.any() else mean, np.nan),
        **dict(zip(_ENDS, ends, strict=True)),
        "limits": Words(np.where(charted, state[base], 0), _STATES),
        "chart": Words(figures.kind, CHARTS),
    }


def _moved(y: Array, breaks: Array) -> Array:
    moved = np.abs(np.diff(y, prepend=np.nan))
    moved[breaks] = np.nan
    return moved


def _end(figures: Charted, mean: Array, sigma: Array, times: int, none: Array) -> Array:
    """So many standard deviations from the centre, in the unit of the value; NaN where no figure can be so low or high."""
    end = np.where(none, np.nan, mean + times * sigma)
    if figures.among([XMR]).all():
        return end
    t, g, run, xmr = (figures.among([kind]) for kind in (T, G, RUN, XMR))
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.log(_TAILS.get(times, np.nan)) / np.log(mean / (mean + 1)) - 1
        end = np.where(g & ~none, above, np.where(t & (end >= 0), np.abs(end) ** _NELSON, end))
    beyond = (end < 0) | (figures.among(SHARES) & (end > figures.per))
    return np.where(run | (beyond & ~xmr), np.nan, end)


def _medians(y: Array, starts: Array) -> Array:
    """The median of each stretch, NaN where there is nothing."""
    parts = (part[~np.isnan(part)] for part in np.split(y, starts[1:]))
    return np.array([np.median(part) if len(part) else np.nan for part in parts])


def _summary(y: Array, starts: Array, weights: Array | None = None) -> tuple[Array, ...]:
    """Of each stretch how many figures there are, the least, the largest and their mean, which lies between them."""
    if not len(starts):
        return (np.zeros(0, int), *[np.zeros(0)] * 3)
    known = ~np.isnan(y)
    count = np.add.reduceat(known, starts).astype(int)
    low, high = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(y))))
    each = np.where(known, 1.0 if weights is None else weights, 0.0)
    above = np.add.reduceat(np.where(known, (y - low[number]) * each, 0.0), starts)
    total = np.add.reduceat(each, starts)
    mean = np.where(count > 0, low + above / np.where(total > 0, total, 1.0), np.nan)
    return count, low, high, np.fmin(mean, high)


def _overlap(rows: Ordered, usual: Array, overlap: int | str | None) -> Array:
    if overlap is None:
        months = np.select([usual < 45, usual > 135], [12, 1], 4)
        return np.where(rows.is_word("basis", "rolling_12_months"), months, 1).astype(float)
    found = (
        rows.numbers(overlap) if isinstance(overlap, str) else np.full(len(usual), float(overlap))
    )
    if (wrong := np.flatnonzero(~((found >= 1) & (found % 1 == 0)))).size:
        where = (
            f' in the column "{overlap}", {rows.row_of(wrong[0])}'
            if isinstance(overlap, str)
            else ""
        )
        raise InputError(
            f"A figure covers one whole period or more: overlap cannot be {found[wrong[0]]:g}{where}."
        )
    return found


def is_described(values: Array) -> bool:
    """Whether the mean of a series describes it: not where fewer than half of the figures lie inside their limits, or where
    one figure has carried the mean away from all others."""
    y = np.asarray(values, float)
    y = y[~np.isnan(y)]
    if len(y) < 3:
        return True
    ranges = np.abs(np.diff(y))
    small = ranges[ranges < _SCREEN * ranges.mean()]
    half = _REACH * (small if small.any() else ranges).mean()
    outside = np.abs(y - y.mean()) > half + max(abs(y.mean()), 1) * EXACT
    return not (outside.sum() * 2 > len(y) or carried_away(y))


def carried_away(y: Array) -> bool:
    """Whether all figures but one lie on one side of the mean, and that one further off than four times what they span."""
    above = y > y.mean()
    if len(y) <= _FEWEST_BESIDE or min(above.sum(), (~above).sum()) != 1:
        return False
    others = y[above] if above.sum() > 1 else y[~above]
    lone = y[~above] if above.sum() > 1 else y[above]
    return bool(np.abs(others - lone).min() > 4 * np.ptp(others) + EXACT)
