"""A copy of the data that is quick to make a report of: one section, with a Red that has lost its action."""

import csv
import re
import shutil
from pathlib import Path

RAW = Path(__file__).parents[1] / "data" / "raw"
_LEFT_OUT = ("*.xlsx", "benchmarks.csv", "activity.csv", "changes.csv")


def governance_without_action(raw: Path) -> Path:
    """Write the copy to `raw`: nothing but Governance and Law, without the management action of GL01, which is Red."""
    shutil.copytree(RAW, raw, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for path in raw.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        said = path.parent.name == "commentary"
        kept = [row for row in rows if row[0].startswith("GL") or (said and row[1][:3] == "Gov")]
        kept = [[*row[:3], "", *row[4:]] if row[0] == "GL01" and said else row for row in kept]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *kept])
    council = (raw / "council.toml").read_text(encoding="utf-8")
    sections = 'sections = ["Governance and Law"]\n'
    (raw / "council.toml").write_text(
        re.sub(r"(?s)sections = \[.*?\]\n", sections, council), encoding="utf-8"
    )
    return raw


def append(path: Path, *rows: list[str]) -> None:
    """Add rows to a table; where there is none yet the first is its heading."""
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
