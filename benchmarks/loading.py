"""How long it takes to check a million rows of returns, faults among them: seconds of processor and clock, peak memory.

python benchmarks/loading.py

The case: 42 indicators in each of 150 areas, so 6,300 series in the catalogue, as monthly figures of 13 years (1,001,700
rows in six CSV files below the limits of a file), one row in a thousand spoilt. Every spoilt row must be located.
What is imported on the way is imported beforehand.
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandera.pandas  # noqa: F401

from kpi_tools.loading import read_returns

AREAS, INDICATORS, MONTHS, FILES = 150, 42, 159, 6
QUARTER = "2024-25 Q4"
COUNCIL = '[council]\nname = "Areas"\nreport_title = "Benchmark"\nsections = ["All"]\nowner_team = ""\n'
KPI = ("Name", "All", "Areas", "%", 1, "higher", "quarter", "monthly", 0, "2010-11 Q1")


def write_raw(raw: Path) -> set[tuple[str, int]]:
    """Catalogue, targets and returns; where the spoilt rows are (file, row)."""
    folder = raw / "returns" / "2024-25-Q4"
    folder.mkdir(parents=True)
    (raw / "council.toml").write_text(COUNCIL, encoding="utf-8")
    ids = [f"N{indicator:02}-{area:03}" for indicator in range(INDICATORS) for area in range(AREAS)]
    names = ("kpi_id", "kpi_name", "section", "directorate", "unit", "decimals", "polarity", "basis", "frequency",
             "lag_quarters", "first_quarter")  # fmt: skip
    _write(raw / "kpis.csv", names, [(kpi_id, *KPI) for kpi_id in ids])
    lines = ("kpi_id", "from_quarter", "target", "floor_standard")
    _write(raw / "targets.csv", lines, [(kpi_id, "2010-11 Q1", 90, 80) for kpi_id in ids])
    months = [f"{2012 + month // 12}-{month % 12 + 1:02}" for month in range(MONTHS)]
    chance = np.random.default_rng(20250331)
    spoilt = set()
    for part in range(FILES):
        name, rows = f"part-{part}.csv", []
        for kpi_id in ids[part::FILES]:
            below = chance.integers(200, 2_000, MONTHS)
            above = (below * chance.uniform(0.3, 0.99, MONTHS)).astype(int)
            for month, over, under in zip(months, above.tolist(), below.tolist(), strict=True):
                rows.append((kpi_id, month, f"{100 * over / under:.1f}", over, under, "final", ""))
        for row in chance.choice(len(rows), len(rows) // 1_000, replace=False).tolist():
            rows[row] = (*rows[row][:2], "72p", *rows[row][3:])
            spoilt.add((f"returns/2024-25-Q4/{name}", row + 2))
        _write(folder / name, ("kpi_id", "period", "value", "numerator", "denominator", "status", "note"), rows)
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
        spoilt = write_raw(Path(folder))
        clock, processor = time.perf_counter(), time.process_time()
        returns = read_returns(folder, QUARTER)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
    errors = returns.problems[returns.problems["row"].notna()]
    located = set(zip(errors["file"], errors["row"].astype(int), strict=True))
    print(returns.summary)
    print(f"{processor:.1f} s of processor, {clock:.1f} s by the clock, {peak()} at most")
    print(f"{len(spoilt & located):,} of {len(spoilt):,} spoilt rows located, {len(located - spoilt):,} others")


if __name__ == "__main__":
    main()
