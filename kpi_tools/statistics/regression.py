"""A straight line through a few figures that may share their data, and what it says of the figures to come.

Rolling figures overlap: two that cover k months and lie d months apart share k − d of them. That covariance is known,
so generalised least squares takes it into account: with V = LLᵀ (Cholesky), ordinary least squares of L⁻¹y on L⁻¹X.
Without overlap V is the identity and this is ordinary least squares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kpi_tools.statistics.student import critical, p_value

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]
_FLAT = 1e-9
_PERFECT = 1e-20


@dataclass(frozen=True)
class Line:
    """A fitted line. `slope`, `low` and `high` (95% interval) are per month, `p` is two-sided, `df` degrees of freedom.

    `flat`: the figures are all the same, so there is nothing to test. The other fields are for `predict`.
    """

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

    def predict(self, month: int, level: float = 0.05) -> tuple[float, float, float]:
        """The expected figure of a later month, the standard error of its prediction, and half the width of the
        interval.

        A figure that will share data with known ones is drawn towards them, and is the surer for it.
        """
        row = _design((month,), self.months[0], self.trend, self.seasons)[0]
        shared = np.array(
            [max(0, self.overlap - abs(month - known)) / self.overlap for known in self.months]
        )
        inverse = _whitener(self.months, self.overlap)
        weights = inverse.T @ (inverse @ shared)
        left = row - weights @ _design(self.months, self.months[0], self.trend, self.seasons)
        expected = float(row @ self.coefficients + weights @ self.residuals)
        error = float(
            np.sqrt(max(0.0, self.variance * (1 - shared @ weights + left @ self.spread @ left)))
        )
        return expected, error, critical(self.df, level) * error


def fit(
    months: Sequence[int],
    values: Sequence[float],
    *,
    overlap: int = 1,
    trend: bool = True,
    seasonal: bool = False,
) -> Line | None:
    """The line through `values` at `months` (whole numbers, rising; gaps keep their place), or None with too few of
    them.

    `overlap`: how many months one figure covers, where neighbours share data; 1 for figures of their own.
    `trend=False` fits the mean only. `seasonal` adds a term for each month of the year but the first, and asks for
    two spare degrees.
    """
    if len(set(months)) < len(months):
        raise ValueError(
            "Two figures of one series are for the same month: keep the one that counts."
        )
    seasons = tuple(sorted({month % 12 for month in months}))[1:] if seasonal else ()
    df = len(months) - (1 + trend + len(seasons))
    if df < 1 + (1 if seasons else 0):
        return None
    known = tuple(int(month) for month in months)
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
    return Line(
        slope, slope - reach, slope + reach, p_value(t, df), df, flat,
        known, overlap, trend, seasons, coefficients, residuals, spread, variance,
    )  # fmt: skip


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
    shared = np.maximum(0, overlap - np.abs(places[:, None] - places[None, :])) / overlap
    return np.linalg.inv(np.linalg.cholesky(shared))
