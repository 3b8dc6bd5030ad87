"""One report, eight, fifty: against what one would do by hand with the command lines of papermill and nbconvert.

    python benchmarks/reports.py [one] [eight] [unchanged] [memory] [--rounds N]

`by hand` is benchmarks/by_hand.py as a notebook, run by `papermill` and turned into a page by `jupyter nbconvert
--no-input`; `the same two commands` runs our own notebook so. Linux only. The machine should have nothing else to do.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
from measuring import ROOT, Cost, compare, cost, heading, side_by_side

RAW = ROOT / "data" / "raw"
BIN = Path(sys.executable).parent
QUARTERS = ("2023-24 Q4", "2024-25 Q1", "2024-25 Q2", "2024-25 Q3")
COPIES = 9
STEPS = Path(__file__).with_name("steps.py")


def by_hand(folder: Path) -> Path:
    """benchmarks/by_hand.py as a notebook."""
    cells = []
    for cell in (
        Path(__file__).with_name("by_hand.py").read_text(encoding="utf-8").split("\n# %%")[1:]
    ):
        tag, _, source = cell.partition("\n")
        cells.append(nbformat.v4.new_code_cell(source.strip()))
        cells[-1].metadata["tags"] = [tag.strip()] if tag.strip() else []
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}),
        folder / "by_hand.ipynb",
    )
    return folder / "by_hand.ipynb"


def plainly(notebook: Path, quarter: str, folder: Path) -> list[list[str | Path]]:
    """The two commands that run a notebook and make its page."""
    given = ["-p", "quarter", quarter, "-p", "raw", RAW, "--no-progress-bar"]
    return [
        [BIN / "papermill", notebook, folder / "out.ipynb", *given],
        [BIN / "jupyter", "nbconvert", "--no-input", "--to", "html", folder / "out.ipynb"],
    ]


def kpi(*arguments: str | Path) -> list[str | Path]:
    """The command, as a console runs it."""
    return [BIN / "kpi", *arguments]


def councils(folder: Path, count: int) -> list[Path]:
    """Copies of the council's data, each under a name of its own."""
    made = []
    for number in range(1, count + 1):
        made.append(Path(shutil.copytree(RAW, folder / f"council{number}")))
        settings = made[-1] / "council.toml"
        text = settings.read_text(encoding="utf-8").replace(
            '"Kent County Council"', f'"Council {number}"', 1
        )
        settings.write_text(text, encoding="utf-8")
    return made


def one(folder: Path, rounds: int) -> None:
    heading("One report, from a cold process to the finished page")
    hand, ours, quarter = (
        by_hand(folder),
        ROOT / "notebooks" / "quarterly_report.ipynb",
        QUARTERS[-1],
    )
    ways = (
        lambda: cost(*plainly(hand, quarter, folder)),
        lambda: cost(*plainly(ours, quarter, folder)),
        lambda: cost(kpi("report", quarter, "--outputs", folder / "out")),
    )
    compare(
        ("by hand", "the same two commands, our notebook", "kpi report"),
        side_by_side(rounds, *ways),
    )
    print("\nshare of each step of kpi report")
    told = subprocess.run(
        [sys.executable, STEPS, quarter, folder / "out"], capture_output=True, check=True, cwd=ROOT
    )
    for name, seconds, share in json.loads(told.stdout.splitlines()[-1]):
        print(f"{name:60} {seconds:6.2f} s {share:6.1%}")


def eight(folder: Path, rounds: int) -> None:
    heading("Eight reports: two councils, four quarters each")
    hand, two = by_hand(folder), councils(folder / "two", 2)

    def ours() -> Cost:
        return cost(
            kpi("report", *QUARTERS, "--councils", *two, "--force", "--outputs", folder / "out")
        )

    plain = [command for quarter in QUARTERS * 2 for command in plainly(hand, quarter, folder)]
    compare(
        ("by hand, one after the other", "kpi report --councils"),
        side_by_side(rounds, lambda: cost(*plain), ours),
    )


def unchanged(folder: Path, rounds: int) -> None:
    heading("Nothing changed, and help")
    everything = kpi("report", "--all", "--outputs", folder / "out")
    cost(everything)
    ways = (lambda: cost(everything), lambda: cost(kpi("--help")))
    compare(("kpi report --all, nothing changed", "kpi --help"), side_by_side(rounds, *ways))


def memory(folder: Path, _: int) -> None:
    heading(f"Memory over {COPIES * 6} reports: all processes together, shared pages counted once")
    command = kpi(
        "report",
        "--all",
        "--councils",
        *councils(folder / "many", COPIES),
        "--outputs",
        folder / "out",
    )
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    root, made, peaks = psutil.Process(process.pid), 0, {}
    assert process.stdout is not None
    while process.poll() is None:
        made = sum(1 for _ in (folder / "out").glob("*/*/manifest.json"))
        peaks[made // 6] = max(peaks.get(made // 6, 0.0), _resident(root))
        time.sleep(0.25)
    for six, peak in sorted(peaks.items())[:COPIES]:
        print(f"reports {6 * six + 1:2} to {6 * six + 6:2}  {peak / 2**20:7.0f} MiB at most")


def _resident(root: psutil.Process) -> float:
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def main() -> None:
    parts = {"one": one, "eight": eight, "unchanged": unchanged, "memory": memory}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for name in given.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](Path(folder), given.rounds)


if __name__ == "__main__":
    main()
