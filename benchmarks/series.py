"""How long it takes to classify 1,000 series of 24 points: limits, rules, assurance. Prints medians of processor time.

python benchmarks/series.py
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.assurance import assurance
from kpi_tools.variation import process_limits, special_causes

SERIES, POINTS, ROUNDS = 1_000, 24, 15


def figures() -> pd.DataFrame:
    """Monthly figures around 50 with a standard deviation of 5, seeded."""
    noise = np.random.default_rng(20241231).normal(50, 5, SERIES * POINTS)
    return pd.DataFrame(
        {
            "kpi_id": np.repeat([f"K{number:04}" for number in range(SERIES)], POINTS),
            "period_end": np.tile(pd.date_range("2023-01-31", periods=POINTS, freq="ME"), SERIES),
            "value": noise,
            "polarity": "higher",
            "target": 45.0,
        }
    )


def median(work: Callable[[], Any]) -> float:
    """Seconds of the processor, over some rounds after one to warm up: a clock would count what others do too."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Time each step on pandas, and the whole on Polars where it is installed."""
    table = figures()
    limited = process_limits(table)
    classified = special_causes(limited)
    steps = {
        "process limits": lambda: process_limits(table),
        "special causes": lambda: special_causes(limited),
        "assurance": lambda: assurance(classified),
        "all three, pandas": lambda: assurance(special_causes(process_limits(table))),
    }
    try:
        import polars as pl
    except ImportError:
        print("Polars is not installed: only pandas is timed.")
    else:
        other = pl.DataFrame(table.to_dict("list"))
        steps["all three, Polars"] = lambda: assurance(special_causes(process_limits(other)))
        steps["all three, Polars lazy"] = lambda: assurance(
            special_causes(process_limits(other.lazy()))
        ).collect()
    print(f"{SERIES:,} series of {POINTS} points, median of {ROUNDS} rounds")
    for name, work in steps.items():
        print(f"  {name:<24} {median(work):6.3f} s")


if __name__ == "__main__":
    main()
