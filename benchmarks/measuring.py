"""Commands measured side by side, and the table in which it is printed."""

import ctypes
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("pandas", "narwhals", "altair", "vl-convert-python", "papermill", "nbconvert")


class Cost(NamedTuple):
    """Seconds by the clock, and of all processors together."""

    wall: float
    cpu: float


def cost(*commands: Sequence[str | Path], cwd: Path = ROOT) -> Cost:
    """What commands, one after the other, cost with every process that they start (Linux). Raises where one fails."""
    adopt_orphans = (
        36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h: what outlives a command is waited for here
    )
    ctypes.CDLL(None).prctl(adopt_orphans, 1)
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for command in commands:
        done = subprocess.run(
            list(map(str, command)), cwd=cwd, capture_output=True, encoding="utf-8"
        )
        if done.returncode:
            raise SystemExit(f"{command}\n{done.stdout}{done.stderr}")
    wall = time.perf_counter() - begun
    try:
        while True:
            os.wait()
    except ChildProcessError:
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def side_by_side(rounds: int, *ways: Callable[[], Cost]) -> list[list[Cost]]:
    """The costs of each way, taken in turn: A B A B …, after one round that fills the caches of the disk."""
    taken: list[list[Cost]] = [[] for _ in ways]
    for turn in range(rounds + 1):
        for costs, way in zip(taken, ways, strict=True):
            costs.append(way())
            print(f"\r  round {turn} of {rounds}", end="", file=sys.stderr, flush=True)
    print("\r" + " " * 20 + "\r", end="", file=sys.stderr, flush=True)
    return [costs[1:] for costs in taken]


def heading(title: str) -> None:
    """What is measured, and where."""
    processor = platform.processor() or platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    told = " ".join(f"{name} {version(name)}" for name in SHOWN)
    load = os.getloadavg()[0]
    print(
        f"\n{title}\n{names[0] if names else processor}, {len(os.sched_getaffinity(0))} processors, load {load:.1f} before"
    )
    print(f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {told}")


def compare(names: Sequence[str], taken: Sequence[Sequence[Cost]]) -> None:
    """Medians of each way, and how often the last one goes into it: the median of the ratios of the rounds."""
    print(
        f"{'median of ' + str(len(taken[0])):44} {'clock':>9} {'CPU':>9} {'clock ×':>9} {'CPU ×':>9}"
    )
    for name, costs in zip(names, taken, strict=True):
        ratios = [
            (one.wall / last.wall, one.cpu / last.cpu)
            for one, last in zip(costs, taken[-1], strict=True)
        ]
        wall, cpu = (median(one[at] for one in costs) for at in (0, 1))
        by_wall, by_cpu = (median(one[at] for one in ratios) for at in (0, 1))
        shown = f"{by_wall:9.2f} {by_cpu:9.2f}" if costs is not taken[-1] else ""
        print(f"{name:44} {wall:7.2f} s {cpu:7.2f} s {shown}")
