"""Direction of travel: whether a KPI gets better or worse over the figures shown, by how much a
year, and how sure that is.

The published rule, named `ols`, is `direction_of_travel`: ordinary least squares over exactly the
figures in the table, two-sided test. `gls_direction` stands beside it and knows that rolling
figures share their data (METHOD.md, "Direction of travel").

Two figures that cover k months and lie d months apart share k − d of them. With that covariance
V = LLᵀ (Cholesky) generalised least squares is ordinary least squares of L⁻¹y on L⁻¹X; without
overlap V is the identity.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import MONTHLY, Array, Ordered, Words, in_order
from kpi_tools.vocabulary import NEGATIVE, NOT_ENOUGH_DATA, NOT_TESTABLE, POSITIVE, STABLE

MINIMUM_POINTS = 5
ROLLING_MONTHS = 12
ADDED = (
    *("direction_of_travel", "points", "slope", "slope_low", "slope_high"),
    *("r_squared", "standard_error", "p_value"),
)
_OF_GLS = [
    *("gls_direction", "gls_slope", "gls_slope_low", "gls_slope_high", "gls_p_value"),
    *("mann_kendall_p", "second_opinion", "direction_note"),
]
_STRAIGHT = 1e-10
_FLAT = 1e-9
_PERFECT = 1e-20
_DAYS_A_MONTH = 365.25 / 12
_MOST_FOR_EXACT = 10


def direction_of_travel(
    recent: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    significance: float = 0.05,
    minimum_points: int = MINIMUM_POINTS,
    after: date | None = None,
) -> Any:
    """Add the direction of each series to all of its rows: pass just the figures of the chart.

    Args:
        recent: A table of pandas, Polars, PyArrow or DuckDB. `basis` is used where it is there.
        by: The columns that name a series. Default: `kpi_id`, else the table is one series.
        period: Dates or timestamps: gaps keep their place on the axis.
        value: The figures; missing and infinite ones are left out.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.
        significance: Of the two-sided test.
        minimum_points: Fewer are not enough data.
        after: Of a longer history only the figures that end later than that day are tested.

    Returns:
        The table with `direction_of_travel` (positive, stable or no clear trend, negative, not
        enough data; not testable where the basis is `year_to_date` or neither up nor down is
        better), `points`, `slope` (change a year in the KPI's unit), `slope_low` and `slope_high`
        (its 95% interval), `r_squared`, `standard_error` (of the slope) and `p_value`.

    Raises:
        InputError: A column is not there or holds something else, a row has no period or that of
            another row.
    """
    rows = in_order(recent, by, period, named={"value": value, "polarity": polarity})
    y, better = rows.numbers(value), rows.better(polarity)
    return rows.with_columns(**directions(rows, y, better, significance, minimum_points, after))


def directions(
    rows: Ordered,
    y: Array,
    better: Array,
    significance: float = 0.05,
    minimum_points: int = MINIMUM_POINTS,
    after: date | None = None,
) -> dict[str, Any]:
    """The columns of `ADDED`."""
    _check_dates(rows)
    if not 0 < significance < 1:
        raise InputError(f"A level of significance lies between 0 and 1, not at {significance}.")
    if after is not None:
        y = np.where(rows.days > np.datetime64(after, "D").astype(float), y, np.nan)
    series, starts, known = rows.series, rows.starts, ~np.isnan(y)
    x = np.where(rows.steps[0] >= MONTHLY, rows.months, rows.days / _DAYS_A_MONTH)
    x = x - x[starts][series]
    up = y - np.fmin.reduceat(y, starts)[series]
    size, spread = np.fmax.reduceat(np.abs(y), starts), np.fmax.reduceat(up, starts)

    def total(values: Array) -> Array:
        return np.bincount(series[known], values[known], len(starts))

    n = total(np.ones(len(y)))
    mean_x, mean_y = total(x) / np.maximum(n, 1), total(up) / np.maximum(n, 1)
    dx, dy = x - mean_x[series], up - mean_y[series]
    sxx, sxy, syy = total(dx * dx), total(dx * dy), total(dy * dy)
    way = np.where(rows.is_word("basis", "year_to_date"), 0, better)[rows.last]
    enough = (n >= minimum_points) & (n > 2) & (sxx > 0)
    can = enough & (way != 0)
    sloped = can & (spread > np.maximum(size, 1) * _FLAT)
    level = np.where(can, 0.0, np.nan)  # of a flat series slope and error are nought
    with np.errstate(divide="ignore", invalid="ignore"):
        r_squared = np.where(sloped, np.minimum(sxy * sxy / (sxx * syy), 1.0), np.nan)
        rest = np.where(1 - r_squared > _STRAIGHT, 1 - r_squared, 0.0)
        error = np.where(sloped, np.sqrt(rest * syy / sxx / (n - 2)) * 12, level)
        slope = np.where(sloped, sxy / sxx * 12, level)
        t = np.where(sloped, np.abs(slope) / error, np.nan)
    df = np.maximum(n - 2, 1).astype(int)
    p = p_value(t, df)
    reach = error * np.array([critical(int(one)) for one in df])
    states = {
        NOT_TESTABLE: way == 0,
        NOT_ENOUGH_DATA: ~enough,
        STABLE: ~(p < significance),
        POSITIVE: slope * way > 0,
        NEGATIVE: slope * way <= 0,
    }
    numbers = {
        "points": n.astype(int),
        "slope": slope,
        "slope_low": slope - reach,
        "slope_high": slope + reach,
        "r_squared": r_squared,
        "standard_error": error,
        "p_value": p,
    }
    found = {name: values[series] for name, values in numbers.items()}
    return {"direction_of_travel": Words.first_of(states).at(series), **found}


def _check_dates(rows: Ordered) -> None:
    if not rows.dates:
        advice = "Give the last day of each period."
        raise InputError(f'The column "{rows.period}" holds no dates. {advice}')


def gls_direction(
    recent: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    significance: float = 0.05,
    minimum_points: int = MINIMUM_POINTS,
) -> Any:
    """Add the overlap-aware direction to all rows of each series: pass the rows of the chart.

    Parameters and errors are those of `direction_of_travel`. Used where they are there: `basis`
    (`rolling_12_months` overlaps), `seasonal` (`yes`: season terms are fitted where there are
    figures enough), `direction_of_travel`, the official arrow, and `series_from`: only figures with
    that of the last row are of one series. `gls_slope` is a year's change, `false_discovery` the
    share of false calls to expect among the series called at this p or less.
    """
    rows = in_order(recent, by, period, named={"value": value, "polarity": polarity})
    _check_dates(rows)
    y, better = rows.numbers(value), rows.better(polarity)[rows.last]
    latest = map(rows.latest, ("basis", "seasonal", "direction_of_travel"))
    kept = ~np.isnan(y) & rows.is_as_last("series_from")
    found = []
    for span, way, basis, seasonal, official in zip(rows.spans, better, *latest, strict=True):
        months, figures = rows.months[span][kept[span]], y[span][kept[span]]
        testable, line = way != 0 and basis != "year_to_date", None
        if len(figures) >= max(minimum_points, 3):
            overlap = ROLLING_MONTHS if basis == "rolling_12_months" else 1
            terms = seasonal in (True, "yes")
            line = fit(months.astype(int).tolist(), figures, overlap=overlap, seasonal=terms)
        if line is None or not testable:
            state = NOT_ENOUGH_DATA if testable else NOT_TESTABLE
            found.append((state, *[math.nan] * 5, "", ""))
            continue
        improving = POSITIVE if line.slope * way > 0 else NEGATIVE
        state = STABLE if line.p >= significance else improving
        second = mann_kendall(figures.tolist())
        official = official or state
        alone = official in (POSITIVE, NEGATIVE) and second >= significance
        remark = "the trend depends on one or two unusual values" if alone else ""
        size = (line.slope * 12, line.low * 12, line.high * 12, line.p)
        found.append((state, *size, second, remark, difference_in_words(official, state)))
    texts = {"gls_direction", "second_opinion", "direction_note"}
    kinds = {name: object if name in texts else float for name in _OF_GLS}
    lines = pd.DataFrame(found, columns=list(kinds)).astype(kinds)
    lines.insert(6, "false_discovery", false_discovery(lines["gls_p_value"].tolist()))
    columns = {name: column.to_numpy()[rows.series] for name, column in lines.items()}
    return rows.with_columns(**columns)


def difference_in_words(official: Any, overlap_aware: Any) -> str:
    """A sentence where the published direction and the overlap-aware one differ; else empty."""
    seen = {state: f"a {state.lower()} direction" for state in (POSITIVE, NEGATIVE)}
    seen[STABLE] = "no clear trend"
    if official == overlap_aware or official not in seen or overlap_aware not in seen:
        return ""
    return (
        f"The published rule finds {seen[official]}; allowing for the data that rolling figures "
        f"share, there is {seen[overlap_aware]}."
    )


@dataclass(frozen=True)
class FittedLine:
    """A line through figures of months: `slope`, `low` and `high` (95% interval) are per month. `p`
    is two-sided, `df` degrees of freedom, `flat`: the figures are all the same, so there is nothing
    to test. The other fields are for `predict`."""

    slope: float
    low: float
    high: float
    p: float
    df: int
    flat: bool
    months: tuple[int, ...]
    overlap: int
    trend: bool
    seasons: tuple[int, ...]
    coefficients: Array
    residuals: Array
    spread: Array
    variance: float

    def predict(self, month: int) -> tuple[float, float, float]:
        """The expected figure of a later month, its standard error, and half its 95% interval. A
        figure that will share data with known ones is drawn towards them, and the surer for it."""
        row = _design((month,), self.months[0], self.trend, self.seasons)[0]
        shared = _shared(month - np.array(self.months), self.overlap)
        inverse = _whitener(self.months, self.overlap)
        weights = inverse.T @ (inverse @ shared)
        left = row - weights @ _design(self.months, self.months[0], self.trend, self.seasons)
        expected = float(row @ self.coefficients + weights @ self.residuals)
        variance = self.variance * (1 - shared @ weights + left @ self.spread @ left)
        error = float(np.sqrt(max(0.0, variance)))
        return expected, error, critical(self.df) * error


def fit(
    months: Sequence[int],
    values: Any,
    *,
    overlap: int = 1,
    trend: bool = True,
    seasonal: bool = False,
) -> FittedLine | None:
    """The line through figures by generalised least squares; None with too few of them.

    `months`: of each figure, as whole numbers that rise; `overlap`: how many one figure covers,
    where neighbours share data. Without `trend` the mean alone is fitted; with `seasonal` a term
    for each month of the year but the first, which asks for two spare degrees. Raises `InputError`
    where two figures are for one month.
    """
    known = tuple(int(month) for month in months)
    if len(set(known)) < len(known):
        twice = "Two figures of one series are for the same month"
        raise InputError(f"{twice}: keep the one that counts.")
    seasons = tuple(sorted({month % 12 for month in known}))[1:] if seasonal else ()
    df = len(known) - (1 + trend + len(seasons))
    if df < 1 + bool(seasons):
        return None
    y = np.asarray(values, dtype=float)
    low = y.min()
    flat = bool(y.max() - low <= _FLAT * max(1.0, float(np.abs(y).max())))
    design = _design(known, known[0], trend, seasons)
    inverse = _whitener(known, overlap)
    spread = np.linalg.inv((inverse @ design).T @ (inverse @ design))
    coefficients = spread @ (inverse @ design).T @ (inverse @ (y - low))
    residuals = np.zeros_like(y) if flat else y - low - design @ coefficients
    total = float(np.sum((inverse @ (y - low)) ** 2))
    rest = float(np.sum((inverse @ residuals) ** 2))
    variance = 0.0 if rest <= _PERFECT * total else rest / df
    coefficients[0] += low
    slope = float(coefficients[1]) if trend and not flat else 0.0
    error = float(np.sqrt(variance * spread[1, 1])) if trend else 0.0
    t = 0.0 if slope == 0 else float("inf") if error == 0 else slope / error
    reach = critical(df) * error
    size = (slope, slope - reach, slope + reach, float(p_value(t, df)), df, flat)
    how = (known, overlap, trend, seasons)
    return FittedLine(*size, *how, coefficients, residuals, spread, variance)


def _shared(distances: Array, overlap: int) -> Array:
    """The share of their data that figures have in common."""
    return np.maximum(0, overlap - np.abs(distances)) / overlap


def _design(months: Sequence[int], origin: int, trend: bool, seasons: Sequence[int]) -> Array:
    columns = [[1.0] * len(months)]
    if trend:
        columns.append([float(month - origin) for month in months])
    columns += [[float(month % 12 == season) for month in months] for season in seasons]
    return np.array(columns).T


@lru_cache(maxsize=4096)
def _whitener(months: tuple[int, ...], overlap: int) -> Array:
    """L⁻¹ of the correlations V = LLᵀ between figures of these months."""
    places = np.array(months)
    return np.linalg.inv(np.linalg.cholesky(_shared(places[:, None] - places, overlap)))


def p_value(t: Any, df: Any) -> Any:
    """Student's t: the two-sided probability of a value at least as far from zero. Numbers or
    columns of them, of whole degrees of freedom; NaN stays NaN. By the finite series of Abramowitz
    and Stegun, 26.7.3 and 26.7.4."""
    t, df = np.broadcast_arrays(np.abs(np.asarray(t, float)), np.asarray(df))
    if (df < 1).any():
        raise ValueError(f"Student's t needs at least one degree of freedom, not {df.min()}.")
    found = np.full(t.shape, np.nan)
    for one in np.unique(df[~np.isnan(t)]):
        here = (df == one) & ~np.isnan(t)
        angle = np.arctan(t[here] / math.sqrt(one))
        cosine = np.cos(angle)
        first = one % 2
        term = cosine.copy() if first else np.ones_like(cosine)
        total = term.copy() if one > 1 else np.zeros_like(cosine)
        for step in range(2 + first, int(one) - 1, 2):
            term = term * cosine**2 * (step - 1) / step
            total = total + term
        inside = np.sin(angle) * total
        found[here] = 1 - ((angle + inside) * 2 / math.pi if first else inside)
    return np.clip(found, 0.0, 1.0)


def chance_below(t: float, df: int) -> float:
    """The probability of a value below `t`, between 0 and 1; `df` as in `p_value`."""
    tail = float(p_value(t, df)) / 2
    return tail if t < 0 else 1.0 - tail


@lru_cache(maxsize=4096)
def critical(df: int, level: float = 0.05) -> float:
    """The positive t whose two-sided probability is `level` (between 0 and 1), by bisection."""
    if not 0 < level < 1:
        raise ValueError(f"A level of significance lies between 0 and 1, not at {level}.")
    low, high = 0.0, 1.0
    while p_value(high, df) > level:
        low, high = high, high * 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if p_value(middle, df) > level else (low, middle)
    return middle


def mann_kendall(values: Sequence[float]) -> float:
    """The two-sided p-value of the Mann-Kendall trend test, NaN below three values. Exact up to ten
    values without ties; else the normal approximation with corrections for ties and continuity."""
    y = np.asarray(values, float)
    n = len(y)
    if n < 3:
        return math.nan
    score = int(np.sign(y[None, :] - y[:, None])[np.triu_indices(n, 1)].sum())
    ties = np.unique(y, return_counts=True)[1].tolist()
    if n <= _MOST_FOR_EXACT and max(ties) == 1:
        discordant = (n * (n - 1) // 2 - abs(score)) // 2
        return min(1.0, 2 * sum(_inversion_counts(n)[: discordant + 1]) / math.factorial(n))
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    if variance <= 0 or score == 0:
        return 1.0
    return math.erfc((abs(score) - 1) / math.sqrt(2 * variance))


@lru_cache(maxsize=16)
def _inversion_counts(n: int) -> tuple[int, ...]:
    """How many orders of n things have 0, 1, 2 … pairs the wrong way round."""
    counts = np.ones(1, dtype=int)
    for size in range(2, n + 1):
        counts = np.convolve(counts, np.ones(size, dtype=int))
    return tuple(counts.tolist())


def false_discovery(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values, in the order given; NaN is not counted."""
    known = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    adjusted, least = [math.nan] * len(p_values), 1.0
    for rank, (p, place) in reversed(list(enumerate(known, start=1))):
        least = min(least, p * len(known) / rank)
        adjusted[place] = least
    return adjusted
