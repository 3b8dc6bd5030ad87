"""How often each kind of chart flags a point beyond its limits where nothing happens, and how long it takes.

Noise of the law that each kind supposes.
python benchmarks/false_alarms.py

Limits come from the same 24 points. 0.1 to 1% is what three standard deviations promise (0.27%) and estimation adds. In the last
column the limit of g is that of other tools, the mean and three standard deviations of the geometric law.
"""

import time

import numpy as np
import pandas as pd

from kpi_tools.kinds import CHARTS
from kpi_tools.limits import process_limits
from kpi_tools.variation import special_causes

SERIES, POINTS = 10_000, 24


def noise(kind: str, count: int) -> pd.DataFrame:
    """Series of the law that a kind supposes, seeded."""
    rng, size = np.random.default_rng(20241231), count * POINTS
    ends = np.tile(pd.date_range("2023-01-31", periods=POINTS, freq="ME"), count)
    table = pd.DataFrame(
        {
            "kpi_id": np.repeat(np.arange(count), POINTS),
            "period_end": ends,
            "denominator": rng.integers(50, 2400, size).astype(float),
        }
    )
    share = np.full(size, 0.4)
    if kind.endswith("prime"):
        share = np.clip(rng.normal(0.4, 0.03, size), 0, 1)
    table["numerator"] = rng.binomial(table["denominator"].astype(int), share).astype(float)
    if kind[0] == "u":
        table["numerator"] = rng.poisson(table["denominator"] * share).astype(float)
    values = {
        "c": lambda: rng.poisson(3.0, size),
        "g": lambda: rng.geometric(0.05, size) - 1,
        "t": lambda: rng.exponential(30.0, size) + 1e-6,
        "xmr": lambda: rng.normal(50, 5, size),
        "run": lambda: rng.normal(50, 5, size),
    }
    if kind in values:
        return table.assign(value=values[kind]().astype(float))
    return table.assign(value=100 * table["numerator"] / table["denominator"])


def main() -> None:
    """Print the share of points beyond a limit, of series with any signal, and seconds for 1,000 series."""
    print(f"{SERIES:,} series of {POINTS} points")
    print("kind       beyond a limit   series with a signal   1,000 series   as others have it")
    for kind in CHARTS:
        table = noise(kind, SERIES)
        rows = special_causes(table, chart=kind)
        beyond = rows["rule"].eq("outside a limit").mean()
        signal = rows.groupby("kpi_id")["rule"].count().gt(0).mean()
        few = table[table["kpi_id"] < 1000]
        start = time.process_time()
        process_limits(few, chart=kind)
        took = time.process_time() - start
        other = ""
        if kind == "g":
            mean = table.groupby("kpi_id")["value"].transform("mean")
            other = f"{(table['value'] > mean + 3 * np.sqrt(mean * (mean + 1))).mean():.2%}"
        share = "no limits" if kind == "run" else f"{beyond:.2%}"
        print(f"{kind:<10} {share:>14} {signal:>22.1%} {took:>12.3f} s {other:>19}")


if __name__ == "__main__":
    main()
