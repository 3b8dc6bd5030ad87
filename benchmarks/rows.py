"""What rating many figures costs: 10^4 rows and more, per engine, against what an analyst would write and against reading.

python benchmarks/rows.py [--largest 1e7] [--rounds 3]     1e8 needs 2 GB of disk and some minutes

CPU seconds of the process (wall clocks lie on a busy machine), measured in turns, A B A B; a ratio is the median of the
ratios of neighbours. The four computations: rating, direction of travel, process limits, special causes. The figures are
made up and seeded: sixty quarters a series, a few moving, 1% missing. Peak memory is that of a fresh process.
"""

import argparse
import datetime as dt
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
from scipy import stats

from kpi_tools.scale import POLARS_SETTINGS
from kpi_tools.scale.blocks import (
    BLOCK_ROWS,
    blocks_of,
    months_before,
    rate_rows,
    source_of,
)

BY = ["authority", "kpi_id"]
PERIODS, KPIS = 60, 200
ENDS = [end.date() for end in pd.date_range("2010-03-31", periods=PERIODS, freq="QE")]
AFTER = months_before(ENDS[-1], 18)
ENGINES = ("polars", "pandas")


def figures(first: int, series: int) -> pl.DataFrame:
    """So many series from a place on: the same ones whenever they are asked for."""
    random = np.random.default_rng([20241231, first])
    number = np.arange(first, first + series)
    higher = random.random(series) < 0.6
    target = np.round(random.uniform(50, 90, series), 1)
    floor = np.round(target * np.where(higher, 0.9, 1.1), 1)
    denominator = random.integers(50, 2_000, (series, 1)) + random.integers(
        0, 40, (series, PERIODS)
    )
    slope = random.normal(0, 0.05, (series, 1)) * np.arange(PERIODS)
    share = np.clip(
        target[:, None]
        + random.normal(0, 5, (series, 1))
        + slope
        + random.normal(0, 4, (series, PERIODS)),
        1,
        99,
    )
    value = 100 * np.round(share * denominator / 100) / denominator
    missing = random.random(value.shape) < 0.01
    return pl.DataFrame(
        {
            "authority": np.repeat([f"E{place:08}" for place in number // KPIS], PERIODS),
            "kpi_id": np.repeat([f"K{place:04}" for place in number % KPIS], PERIODS),
            "period_end": pl.Series(ENDS * series, dtype=pl.Date),
            "value": pl.Series(value.ravel()).set(pl.Series(missing.ravel()), None),
            "target": np.repeat(target, PERIODS),
            "floor_standard": np.repeat(floor, PERIODS),
            "polarity": np.repeat(np.where(higher, "higher", "lower"), PERIODS),
            "basis": pl.repeat("quarter", series * PERIODS, eager=True),
        }
    )


def write(path: Path, rows: int) -> Path:
    """A Parquet file of so many rows, as PyArrow writes it."""
    series, step = rows // PERIODS, 10_000
    with pq.ParquetWriter(path, figures(0, 1).to_arrow().schema, compression="zstd") as writer:
        for first in range(0, series, step):
            writer.write_table(figures(first, min(step, series - first)).to_arrow())
    return path


# What an analyst would write


def by_groups(table: pd.DataFrame) -> pd.DataFrame:
    """The four computations with pandas and scipy, a series at a time."""
    return table.groupby(BY, sort=False, group_keys=False)[list(table.columns)].apply(_one_series)


def _one_series(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.sort_values("period_end")
    value, higher = rows["value"], rows["polarity"].iloc[0] == "higher"
    sign = 1 if higher else -1
    met, floor = (value - rows["target"]) * sign >= 0, (value - rows["floor_standard"]) * sign >= 0
    rows["rating"] = np.select([value.isna(), met, floor], ["", "Green", "Amber"], "Red")
    recent = rows[rows["period_end"] > pd.Timestamp(AFTER)].dropna(subset="value")
    rows["direction_of_travel"] = "not enough data"
    if len(recent) >= 5:
        line = stats.linregress(
            recent["period_end"].dt.year * 12 + recent["period_end"].dt.month, recent["value"]
        )
        way = "stable or no clear trend"
        if line.pvalue < 0.05:
            way = "positive" if line.slope * sign > 0 else "negative"
        rows["direction_of_travel"] = way
    moves = value.diff().abs()
    spread = moves[moves < 3.267 * moves.mean()].mean()
    mean, reach = value.mean(), 2.66 * spread
    rows["mean"], rows["lower_limit"], rows["upper_limit"] = mean, mean - reach, mean + reach
    side, step = np.sign(value - mean), np.sign(value.diff())
    outside = (value - mean).abs() > reach
    near = ((value - mean).abs() > reach * 2 / 3) & ~outside
    shift = side.rolling(7).sum().abs() == 7
    trend = step.rolling(6).sum().abs() == 6
    two = (near & (side == 1)).astype(int).rolling(3).sum().ge(2) | (near & (side == -1)).astype(
        int
    ).rolling(3).sum().ge(2)
    rows["rule"] = np.select(
        [outside, trend, two, shift], ["outside", "trend", "two in three", "shift"], ""
    )
    return rows


# Measuring


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turns(rounds: int, *works: Callable[[], object]) -> list[list[float]]:
    """CPU seconds of each, a round after the other; the first round warms up and is not counted."""
    for work in works:
        work()
    return [
        list(column)
        for column in zip(*([cpu(work) for work in works] for _ in range(rounds)), strict=True)
    ]


def ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def read_all(path: Path, engine: str) -> Iterator[object]:
    """The eight columns in blocks of whole series, by the engine's own reader, and nothing else."""
    source = source_of(path)
    for _, inside in blocks_of(source, BLOCK_ROWS)[0]:
        rows = source.dataset.to_table(filter=inside)
        yield pl.from_arrow(rows) if engine == "polars" else rows.to_pandas(date_as_object=False)


def rate_all(path: Path, engine: str) -> Iterator[object]:
    """The same, rated."""
    for frame in read_all(path, engine):
        yield rate_rows(frame, by=BY, after=AFTER)


def exhaust(items: Iterator[object]) -> None:
    deque(items, maxlen=0)  # lets go of each before it asks for the next, as writing does


def peak() -> float:
    """The most memory that this process had, in MB. Linux keeps that of a process's starter in getrusage."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(path: Path, engine: str) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of judging a file in a process of its own, imports left out of the first."""
    command = [sys.executable, __file__, "--one", engine, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(said[0]), float(said[1])


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--largest", type=float, default=1e7)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", nargs=2, metavar=("ENGINE", "FILE"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if any(
        setting not in os.environ.get(name, "").split(",")
        for name, setting in POLARS_SETTINGS.items()
    ):
        # as kpi rate does, and it has to be before Polars is imported
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | POLARS_SETTINGS)
    if asked.one:
        seconds = cpu(lambda: exhaust(rate_all(Path(asked.one[1]), asked.one[0])))
        print(seconds, peak())
        return
    with tempfile.TemporaryDirectory() as folder:
        tables(Path(folder), int(asked.largest), asked.rounds)


def tables(folder: Path, largest: int, rounds: int) -> None:
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("polars", "pandas", "pyarrow", "narwhals")
    )
    print(
        f"{dt.date.today()}, Python {platform.python_version()}, {packages}; {os.cpu_count()} processors\n"
    )
    million = write(folder / "million.parquet", min(10**6, largest))
    tabled = pl.read_parquet(million)
    frames = {"polars": tabled, "pandas": pq.read_table(million).to_pandas(date_as_object=False)}
    works = [lambda frame=frame: rate_rows(frame, by=BY, after=AFTER) for frame in frames.values()]
    few = pd.DataFrame(frames["pandas"].iloc[: 600 * PERIODS])
    share = len(frames["pandas"]) / len(few)
    *ours, theirs = in_turns(rounds, *works, lambda: by_groups(few))
    theirs = [seconds * share for seconds in theirs]
    print(
        f"Four computations, {len(tabled):,} rows (a series at a time: every {share:.0f}th of the series, multiplied)\n"
    )
    print("| | CPU s | series at a time / this |\n|---|--:|--:|")
    print(f"| pandas groupby-apply | {statistics.median(theirs):.2f} | |")
    for engine, seconds in zip(frames, ours, strict=True):
        print(f"| {engine} | {statistics.median(seconds):.2f} | {ratio(theirs, seconds):.0f} |")
    print("\nIn blocks of whole series, reading included, against reading alone\n")
    print("| rows | engine | CPU s | ns a row | / reading | peak MB |\n|--:|---|--:|--:|--:|--:|")
    rows = 10**4
    while rows <= largest:
        path = write(folder / f"{rows}.parquet", rows)
        for engine in ENGINES if rows <= 10**7 else ENGINES[:1]:
            line(path, rows, engine, rounds if rows <= 10**7 else 1)
        path.unlink()
        rows *= 10


def line(path: Path, rows: int, engine: str, rounds: int) -> None:
    read, judge = in_turns(
        rounds, lambda: exhaust(read_all(path, engine)), lambda: exhaust(rate_all(path, engine))
    )
    _, peak = alone(path, engine)
    seconds = statistics.median(judge)
    print(
        f"| {rows:,} | {engine} | {seconds:.2f} | {seconds * 1e9 / rows:.0f} | {ratio(judge, read):.1f} | {peak:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
