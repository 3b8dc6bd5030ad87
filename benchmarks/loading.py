"""How long it takes to check a million rows of returns, faults among them: seconds of processor and clock, peak memory.

python benchmarks/loading.py [months]

The case: 42 indicators in each of 250 areas, so 10,500 series in the catalogue, as figures of 96 quarters (1,008,000 rows in
six CSV files below the limits of a file), one row in a thousand spoilt. With `months`: 42 indicators in 150 areas, as monthly
figures of 13 years (1,001,700 rows), from which every quarter's figure follows as well. Every spoilt row must be located.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from kpi_tools.loading import read_returns
from kpi_tools.quarters import Quarter, quarter_range

INDICATORS, FILES = 42, 6
QUARTER = "2024-25 Q4"
COUNCIL = (
    '[council]\nname = "Areas"\nreport_title = "Benchmark"\nsections = ["All"]\nowner_team = ""\n'
)
KPI = ("Name", "All", "Areas", "%", 1, "higher", "quarter")


def write_raw(raw: Path, by_month: bool = False) -> set[tuple[str, int]]:
    """Catalogue, targets and returns; where the spoilt rows are (file, row)."""
    areas, frequency = (150, "monthly") if by_month else (250, "quarterly")
    periods = [f"{2012 + month // 12}-{month % 12 + 1:02}" for month in range(159)]
    if not by_month:
        periods = [quarter.label for quarter in quarter_range(Quarter.parse(QUARTER), 96)]
    first = "2000-01 Q1"
    folder = raw / "returns" / "2024-25-Q4"
    folder.mkdir(parents=True)
    (raw / "council.toml").write_text(COUNCIL, encoding="utf-8")
    ids = [f"N{indicator:02}-{area:03}" for indicator in range(INDICATORS) for area in range(areas)]
    names = (
        "kpi_id",
        "kpi_name",
        "section",
        "directorate",
        "unit",
        "decimals",
        "polarity",
        "basis",
        "frequency",
        "lag_quarters",
        "first_quarter",
    )
    _write(raw / "kpis.csv", names, [(kpi_id, *KPI, frequency, 0, first) for kpi_id in ids])
    lines = ("kpi_id", "from_quarter", "target", "floor_standard")
    _write(raw / "targets.csv", lines, [(kpi_id, first, 90, 80) for kpi_id in ids])
    chance = np.random.default_rng(20250331)
    spoilt = set()
    for part in range(FILES):
        name, rows = f"part-{part}.csv", []
        for kpi_id in ids[part::FILES]:
            below = chance.integers(200, 2_000, len(periods))
            above = (below * chance.uniform(0.3, 0.99, len(periods))).astype(int)
            for period, over, under in zip(periods, above.tolist(), below.tolist(), strict=True):
                rows.append((kpi_id, period, f"{100 * over / under:.1f}", over, under, "final", ""))
        for row in chance.choice(len(rows), len(rows) // 1_000, replace=False).tolist():
            rows[row] = (*rows[row][:2], "72p", *rows[row][3:])
            spoilt.add((f"returns/2024-25-Q4/{name}", row + 2))
        _write(
            folder / name,
            ("kpi_id", "period", "value", "numerator", "denominator", "status", "note"),
            rows,
        )
    return spoilt


def _write(path: Path, names: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def peak() -> str:
    """The most memory that this process ever had; "not known" on Windows."""
    try:
        import resource
    except ImportError:
        return "not known"
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{used / (2**30 if sys.platform == 'darwin' else 2**20):.2f} GB"


def main() -> None:
    """Write the case, read it once, print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        spoilt = write_raw(Path(folder), by_month="months" in sys.argv[1:])
        clock, processor = time.perf_counter(), time.process_time()
        returns = read_returns(folder, QUARTER)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    errors = returns.problems[returns.problems["row"].notna()]
    located = set(zip(errors["file"], errors["row"].astype(int), strict=True))
    print(returns.summary)
    print(f"{processor:.1f} s of processor, {clock:.1f} s by the clock, {peak()} at most")
    print(
        f"{len(spoilt & located):,} of {len(spoilt):,} spoilt rows located, {len(located - spoilt):,} others"
    )


if __name__ == "__main__":
    main()
