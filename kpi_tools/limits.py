"""Process limits: between which figures a series lies by its usual variation alone (METHOD.md,
"Anomalies"). Every array is in the order of series and time. A baseline is a stretch between
rebases; where a stretch starts (series, baseline, gap) there is no moving range. What is found of a
baseline stands in each of its rows."""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, Words, in_order
from kpi_tools.kinds import CHARTS, PRIMES, RUN, SHARES, WITH_PARTS, XMR, Charted, G, T, charted
from kpi_tools.rebases import reached

_ENDS = {"lower_limit": -3, "near_lower": -2, "near_upper": 2, "upper_limit": 3}
"""The limits, in standard deviations from the centre."""
_BASELINE = ("baseline", "baseline_points", "overlap", "moving_range", "mean")
LIMITED = (*_BASELINE, *_ENDS, "limits", "chart")
CAUSES = ("run", "steps", "rule", "special_cause")
RUNS = ("longest_run", "longest_run_max", "crossings", "crossings_min")
FEWEST_FOR_RUNS = 8
EXACT = 1e-9
_REACH = 2.66
_SIGMA = 1.128
"""The mean moving range of figures whose standard deviation is 1."""
_SCREEN = 3.267
_TAILS = {3: 0.0026997960632602, 2: 0.0455002638963584}
"""How often a normal figure lies more than three, and more than two standard deviations off."""
_NELSON = 3.6
_FEWEST_FOR_LIMITS = 13
_FEWEST_OTHERS = 5


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
        series: A table of pandas, Polars, PyArrow or DuckDB. A column `basis` is used where it is
            there: `year_to_date` is not charted, `rolling_12_months` overlaps.
        by: The columns that name a series. Default: `kpi_id`, else the table is one series.
        period: Dates, timestamps or numbers, so that absent periods are seen as gaps (more than one
            and a half times the series' median step; where all are working days, from one to the
            next is a step). Other text has an order only.
        value: The figures; missing and infinite ones are gaps. Where there is no such column, a
            chart of parts makes it of these, and `t` of the days between the periods.
        chart: The kind of chart, of all series or by a column: `xmr` for any measure; `p` and
            `p_prime` for shares, `u` and `u_prime` for rates, made of a numerator and a denominator
            (Laney's primes take in how much periods differ beside chance); `c` for counts; `g` for
            cases between events, `t` for time between them; `run` for a median and runs about it;
            `auto` for what each series needs.
        numerator: The counts behind shares and rates.
        denominator: Of how many; it may differ from period to period, and then so do the limits.
        screen: Leave moving ranges of 3.267 times their mean and more out, once (`xmr`, `t` and the
            primes).
        fix: Only the first so many values of each baseline make the limits.
        rebase: A table, or a list of dictionaries, with `date` (the first period of the new
            baseline), `reason`, `name` (who agreed it) and, for one series only, the columns of
            `by`.
        overlap: Of how many periods one figure is the sum: a number or a column. Default: by
            `basis`, 12 for monthly and 4 for quarterly rolling figures.

    Returns:
        The table with `baseline` (1, 2 …), `baseline_points`, `overlap`, `moving_range`, `mean` (of
        `g` and `run` the median), `lower_limit`, `near_lower`, `near_upper` (two thirds of the
        way), `upper_limit` (in the KPI's unit; null where the figure cannot be so low or high) and
        `limits`, a state of `vocabulary.LIMIT_MEANINGS`, by how many figures or moving ranges the
        limits rest on; last `chart`, the kind.

    Raises:
        InputError: A column is not there or holds something else, two rows are for one period, a
            rebase lacks one of its parts or names a column that is not there, or a kind of chart
            cannot show a figure (a denominator of nought, a numerator above it, part of a case …).
    """
    given: Any = nw.from_native(series)
    made = chart in (*WITH_PARTS, T) and value not in given.collect_schema().names()
    named = {"value": None if made else value, "overlap": overlap}
    if chart in WITH_PARTS:
        named |= {"numerator": numerator, "denominator": denominator}
    rows = in_order(given.drop(*CAUSES, *RUNS, strict=False), by, period, named=named)
    figures = charted(rows, value, chart, numerator, denominator)
    found = limited(rows, figures, screen=screen, fix=fix, rebase=rebase, overlap=overlap)[1]
    return rows.with_columns(**({value: figures.y} if made else {}), **found)


class _Baselines:
    """The rows of each baseline, by where one begins."""

    def __init__(self, begins: Array) -> None:
        self.starts, self.number = np.flatnonzero(begins), np.cumsum(begins) - 1

    def count(self, y: Array) -> Array:
        return self._sums(~np.isnan(y)).astype(int)[self.number]

    def least(self, y: Array) -> Array:
        return np.fmin.reduceat(y, self.starts)[self.number]

    def mean(self, y: Array, weights: Array | float = 1.0) -> Array:
        """It lies between the least and the largest, so where all are the same it is that."""
        known, low = ~np.isnan(y), np.fmin.reduceat(y, self.starts)
        weights = np.where(known, weights, 0.0)
        weighted = np.where(known, (y - low[self.number]) * weights, 0.0)
        with np.errstate(invalid="ignore"):
            above = self._sums(weighted) / self._sums(weights)
        return np.fmin(low + above, np.fmax.reduceat(y, self.starts))[self.number]

    def median(self, y: Array) -> Array:
        return pd.Series(y).groupby(self.number).transform("median").to_numpy()

    def place(self, there: Array) -> Array:
        """The how manieth of those that are there each row is."""
        so_far = np.cumsum(there)
        return so_far - (so_far - there)[self.starts][self.number]

    def _sums(self, values: Array) -> Array:
        return np.add.reduceat(values, self.starts, dtype=float)


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
        why = f"The limits cannot be fixed after {fix} values."
        raise InputError(f"{why} Leave fix out to use all.")
    usual, gap = rows.steps
    t, g, run, xmr, shares = (figures.among(kinds) for kinds in ([T], [G], [RUN], [XMR], SHARES))
    by_law = ~(xmr | t | figures.among(PRIMES))
    in_year = rows.is_word("basis", "year_to_date")
    y = np.where(in_year, np.nan, figures.y)
    shared = _overlap(rows, usual, overlap)
    begins = rows.first | (np.diff(reached(rebase, rows), prepend=0) != 0)
    breaks = begins | (gap & ~(t | g))  # events come when they come
    base = _Baselines(begins)
    used = np.where(t, np.abs(y) ** (1 / _NELSON), y) if t.any() else y
    if fix is not None:
        used = np.where(base.place(~np.isnan(y)) <= fix, used, np.nan)
    count, mean = base.count(used), base.mean(used, figures.size)
    noise = np.maximum(np.abs(mean), 1) * EXACT
    law = figures.law(mean)
    ranges = _moving_range(figures.scaled(used, mean, law), breaks)
    average = base.mean(ranges)
    if screen:
        small = np.where(ranges < average * _SCREEN - noise, ranges, np.nan)
        kept = base.mean(small)
        average = np.where(kept * base.count(small) > noise, kept, average)
    none = np.where(by_law, count < 2, np.isnan(average))
    inside = (mean > 0) & ~(shares & (mean >= figures.per))
    varied = np.where(by_law & ~run, inside, mean - base.least(used) > noise)
    of_one = np.where(xmr, _REACH / 3, 1 / _SIGMA) * np.sqrt(shared)
    sigma = law * np.where(by_law, 1.0, np.where(varied, average, 0.0) * of_one)
    points = np.where(by_law, count, base.count(ranges) + 1)
    at_end = (used == 0) | (shares & (used == figures.per))
    crowded = by_law & (base.count(np.where(at_end, 0.0, np.nan)) * 2 > count)
    states = {
        words.NOT_CHARTED: in_year,
        words.NO_LIMITS: none,
        words.NO_VARIATION: ~varied,
        words.RUN_CHART: run,
        words.TRIAL: points < FEWEST_FOR_RUNS,
        words.LIMITS_ALONE: crowded,
        words.TRIAL_LIMITS: points < _FEWEST_FOR_LIMITS,
        words.LIMITS: ~in_year,
    }
    sigma = np.where(none, np.nan, sigma)
    ends = {name: _end(figures, mean, sigma, times) for name, times in _ENDS.items()}
    if (g | run).any():
        mean = np.where(g | run, base.median(used), mean)
    if t.any():
        mean = np.where(t, np.abs(mean) ** _NELSON, mean)
    return y, {
        "baseline": base.number - base.number[rows.starts][rows.series] + 1,
        "baseline_points": base.count(y),
        "overlap": shared.astype(int),
        "moving_range": _moving_range(y, breaks),
        "mean": np.where(in_year, np.nan, mean),
        **ends,
        "limits": Words.first_of(states),
        "chart": Words(figures.kind, CHARTS),
    }


def _moving_range(y: Array, breaks: Array) -> Array:
    """The distance of each figure from the one before it, NaN where a stretch starts."""
    return np.where(breaks, np.nan, np.abs(np.diff(y, prepend=np.nan)))


def _end(figures: Charted, mean: Array, sigma: Array, times: int) -> Array:
    """So many standard deviations from the centre, in the unit of the value; NaN where no figure
    can be so low or high."""
    end = mean + times * sigma
    t, g, run, xmr = (figures.among([kind]) for kind in (T, G, RUN, XMR))
    if xmr.all():
        return end
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.log(_TAILS.get(times, np.nan)) / np.log(mean / (mean + 1)) - 1 + 0 * sigma
        end = np.select([g, t & (end >= 0)], [above, np.abs(end) ** _NELSON], end)
    beyond = (end < 0) | (figures.among(SHARES) & (end > figures.per))
    return np.where(run | (beyond & ~xmr), np.nan, end)


def _overlap(rows: Ordered, usual: Array, overlap: int | str | None) -> Array:
    """Of how many periods each figure is the sum."""
    if overlap is None:
        months = np.select([usual < 45, usual > 135], [12, 1], 4)
        return np.where(rows.is_word("basis", "rolling_12_months"), months, 1).astype(float)
    found = rows.either(overlap, "overlap")
    if (wrong := np.flatnonzero(~((found >= 1) & (found % 1 == 0)))).size:
        column = isinstance(overlap, str)
        where = f' in the column "{overlap}", {rows.row_of(wrong[0])}' if column else ""
        what = f"overlap cannot be {found[wrong[0]]:g}{where}."
        raise InputError(f"A figure covers one whole period or more: {what}")
    return found


def is_described(values: Array) -> bool:
    """Whether the mean of a series describes it: not where fewer than half of the figures lie
    inside their limits, or where one figure has carried the mean away from all others."""
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
    """Whether all figures but one lie on one side of the mean, and that one further off than four
    times what they span."""
    above = y > y.mean()
    if len(y) <= _FEWEST_OTHERS or min(above.sum(), (~above).sum()) != 1:
        return False
    others = above if above.sum() > 1 else ~above
    return bool(np.abs(y[others] - y[~others]).min() > 4 * np.ptp(y[others]) + EXACT)
