"""Which step of one report takes how long: `python benchmarks/steps.py QUARTER OUTPUTS` prints it as JSON."""

import json
import sys
import time
from pathlib import Path

import psutil

from kpi_tools.report import make_report


def main() -> None:
    begun = psutil.Process().create_time()
    marks = [("Python, the command, its process and what runs the notebook", begun)]
    make_report(
        sys.argv[1], outputs=Path(sys.argv[2]), step=lambda name: marks.append((name, time.time()))
    )
    ends = [moment for _, moment in marks[1:]] + [time.time()]
    whole = ends[-1] - begun
    steps = [
        (name, end - start, (end - start) / whole)
        for (name, start), end in zip(marks, ends, strict=True)
    ]
    shown = [step for step in steps if step[2] >= 0.02]
    small = whole - sum(seconds for _, seconds, _ in shown)
    print(json.dumps([*shown, ("all other steps, each under 2%", small, small / whole)]))


if __name__ == "__main__":
    main()
