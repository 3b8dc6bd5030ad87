"""How often each direction rule calls a trend: on rolling figures without one, and where there is one. Seeded.

    python benchmarks/false_trends.py

A rolling 12-month figure is the mean of the last four quarters. The quarters themselves are independent noise with
standard deviation 1; where there is a trend they rise by a constant amount each quarter. `ols` is the published rule,
`gls` knows how much data neighbours share.
"""

import numpy as np
import pandas as pd

from kpi_tools.trend import direction_of_travel, gls_direction
from kpi_tools.vocabulary import NEGATIVE, POSITIVE

SERIES = 2_000
POINTS = (6, 8, 12)
RISES = (0.0, 0.1, 0.25, 0.5, 1.0)


def rolling_figures(points: int, rise: float, seed: int) -> pd.DataFrame:
    """Many series of rolling figures, with `rise` a quarter in the quarters behind them."""
    quarters = np.random.default_rng(seed).normal(size=(SERIES, points + 3)) + rise * np.arange(
        points + 3
    )
    rolling = np.lib.stride_tricks.sliding_window_view(quarters, 4, axis=1).mean(axis=2)
    return pd.DataFrame(
        {
            "kpi_id": np.repeat([f"K{number:04}" for number in range(SERIES)], points),
            "period_end": np.tile(pd.date_range("2020-06-30", periods=points, freq="QE"), SERIES),
            "value": rolling.ravel(),
            "polarity": "higher",
            "basis": "rolling_12_months",
        }
    )


def calls(points: int, rise: float, seed: int = 20241231) -> tuple[float, float]:
    """The share of series for which `ols` and `gls` call a trend."""
    table = rolling_figures(points, rise, seed)
    both = gls_direction(direction_of_travel(table)).groupby("kpi_id").first()
    trend = (POSITIVE, NEGATIVE)
    return float(both["direction_of_travel"].isin(trend).mean()), float(
        both["gls_direction"].isin(trend).mean()
    )


def main() -> None:
    """Print the table: the row without a rise shows false calls, the others power."""
    print(f"Share of {SERIES:,} rolling series called a trend at the 5% level")
    print("rise a quarter   " + "   ".join(f"{points:>2} figures: ols    gls" for points in POINTS))
    for rise in RISES:
        cells = [calls(points, rise) for points in POINTS]
        print(
            f"{rise:>9.2f} sd     " + "   ".join(f"{ols:>15.1%} {gls:>6.1%}" for ols, gls in cells)
        )


if __name__ == "__main__":
    main()
