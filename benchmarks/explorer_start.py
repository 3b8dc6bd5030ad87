"""From the start of a kernel to the explorer's first picture: how long, and what it is spent on.

    python benchmarks/explorer_start.py

Each round is a new kernel that does what notebooks/directorate_explorer.ipynb does, step by step, then answers as for
three choices; the median of the rounds is printed. What the browser needs to lay out comes on top. Without .pyc files
(PYTHONDONTWRITEBYTECODE) the imports take several times as long.
"""

import time
from pathlib import Path
from statistics import median

from jupyter_client.manager import start_new_kernel

ROUNDS = 3
RAW = Path(__file__).parent.parent / "data" / "raw"
CPU = {"used": "__import__('time').process_time()"}
STEPS = {
    "importing pandas": "import pandas",
    "importing altair and widgets": "import altair, anywidget, ipywidgets",
    "importing kpi_tools": "import kpi_tools as kpi\nkpi.explore",
    "data, rules and the first picture": (
        f"look = kpi.explore('Children, Young People and Education', '2024-25 Q3', {str(RAW)!r})"
    ),
    "another KPI's picture": "look.view_of('ES01', 'trend', 'M')",
    "the same again": "look.view_of('ES01', 'trend', 'M')",
    "its usual range": "look.view_of('ES01', 'limits', 'M')",
}


def one_round() -> tuple[dict[str, float], dict[str, float]]:
    """Seconds for each step in a new kernel, by the clock and of its processor."""
    begun = time.perf_counter()
    manager, client = start_new_kernel(startup_timeout=120)
    took, cpu, before = {"starting the kernel": time.perf_counter() - begun}, {}, 0.0
    try:
        for name, source in STEPS.items():
            begun = time.perf_counter()
            answer = client.execute_interactive(
                source, output_hook=lambda message: None, timeout=120, user_expressions=CPU
            )
            assert answer["content"]["status"] == "ok", answer["content"]
            took[name] = time.perf_counter() - begun
            used = float(answer["content"]["user_expressions"]["used"]["data"]["text/plain"])
            cpu[name], before = used - before, used
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return took, cpu


def main() -> None:
    rounds = [one_round() for _ in range(ROUNDS + 1)][
        1:
    ]  # the first one fills the caches of the disk
    print("  clock     CPU")
    for name in rounds[0][0]:
        cpu = [used[name] for _, used in rounds if name in used]
        print(
            f"{median(took[name] for took, _ in rounds):6.2f} s  {f'{median(cpu):4.2f} s' if cpu else '      '}  {name}"
        )
    total = (
        median(sum(took.values()) for took, _ in rounds),
        median(sum(used.values()) for _, used in rounds),
    )
    print(f"{total[0]:6.2f} s  {total[1]:4.2f} s  in all, of {ROUNDS} rounds")


if __name__ == "__main__":
    main()
