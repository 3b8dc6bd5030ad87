"""A million random figures rated by the program and by exact fractions: how many differ? There must be none.

python benchmarks/ratings.py [COUNT]
"""

import sys
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ratings_by_fractions import COLUMNS, PERCENTS, cases

from kpi_tools.rating import rate
from kpi_tools.schemes import Scheme, parse_schemes

COUNT, AT_ONCE = 1_000_000, 50_000


def _percentage(percent: float) -> dict[str, Scheme]:
    return parse_schemes({"scheme": "percentage", "percent": percent})


def main() -> None:
    """Rate them in blocks: three in four with floor standards of their own, the others with a percentage of the target."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    started, differ, seen, counts = time.process_time(), 0, 0, dict[str, int]()
    for block in range(-(-wanted // AT_ONCE)):
        percent = PERCENTS[block // 4 % len(PERCENTS)] if block % 4 == 3 else None
        found = list(cases(min(AT_ONCE, wanted - seen), seed=block, percent=percent))
        rows = pd.DataFrame([row for row, _ in found], columns=list(COLUMNS))
        rated = rate(rows, None if percent is None else _percentage(percent))
        expected = [rag for _, rag in found]
        wrong = rated["rating"] != expected
        seen, differ = seen + len(found), differ + int(wrong.sum())
        for rag in expected:
            counts[rag] = counts.get(rag, 0) + 1
        for row in rated[wrong].head(3).to_dict("records"):
            print(f"differs: {row}")
    told = ", ".join(f"{counts[rag]:,} {rag}" for rag in counts)
    print(
        f"{seen:,} figures ({told}): {differ:,} differ; {time.process_time() - started:.0f} s of processor"
    )
    sys.exit(differ > 0)


if __name__ == "__main__":
    main()
