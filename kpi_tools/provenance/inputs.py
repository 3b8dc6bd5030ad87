"""What a report may depend on, as hashes: of files as they are, of the council's own tables by their content (floor 0).

A report of a quarter must stay the same to the byte when the council later agrees next year's targets or adds a KPI. So of
a table beside the folders only the rows count that are in force by that quarter, and of council.toml only what it says.
"""

import csv
import hashlib
import io
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter

_READ: Final = (".csv", ".toml", ".xlsx")
_SINCE: Final = {
    "kpis.csv": "first_quarter", "targets.csv": "from_quarter", "changes.csv": "from_quarter",
    "benchmarks.csv": "from_quarter", "small_numbers.csv": "from_quarter", "rebases.csv": "from_quarter",
    "activity.csv": "period",
}  # fmt: skip
_UNTIL: Final = "last_quarter"
_SHORT: Final = 16


def fingerprints(raw: Path, quarter: Quarter) -> dict[str, str]:
    """SHA-256 of everything in `raw` that the report of `quarter` may depend on, by its path there, in a fixed order.

    * What is filed under quarters up to and including this one, and files beside the folders: their bytes;
    * kpis.csv, targets.csv, changes.csv, benchmarks.csv, activity.csv, rebases.csv and small_numbers.csv: the rows in force
      by this quarter, as texts; when a KPI leaves the set later is not yet known then, and does not count;
    * council.toml: what it says, without comments and order.

    A table that cannot be read so counts with its bytes. Two calls that give the same give the same report with the same
    program (`program.sources`): what is made of many quarters may skip those.
    """
    found = {}
    for path in sorted(raw.rglob("*")):
        parts = path.relative_to(raw).parts
        if (
            path.suffix.lower() not in _READ
            or parts[-1].startswith((".", "~$"))
            or not path.is_file()
        ):
            continue
        if len(parts) == 1:
            found[path.name] = hashlib.sha256(
                _content(path.name, _bytes(path), quarter)
            ).hexdigest()
        elif _filed_by(parts[1].removesuffix(path.suffix), quarter):
            found["/".join(parts)] = fingerprint(path)
    return found


def digest(used: Mapping[str, str]) -> str:
    """One short name (16 hexadecimal digits) for all `fingerprints` together."""
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:_SHORT]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. `InputError` where it has gone or another program keeps it to itself."""
    return hashlib.sha256(_bytes(path)).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}. Close it in other programs, then run again."
        ) from error


def _content(name: str, written: bytes, quarter: Quarter) -> bytes:
    try:
        text = written.decode("utf-8-sig")
        if name == "council.toml":
            return json.dumps(tomllib.loads(text), sort_keys=True, default=str).encode()
        if name in _SINCE:
            head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            return json.dumps([head, *_in_force(head, rows, _SINCE[name], quarter)]).encode()
    except (ValueError, csv.Error):
        pass
    return written


def _in_force(
    head: list[str], rows: list[list[str]], since: str, quarter: Quarter
) -> list[list[str]]:
    """The rows whose `since` is not after the quarter. Raises `ValueError` where there is no such column."""
    at = head.index(since)
    kept = [row for row in rows if any(row) and not _after(row[at : at + 1], quarter)]
    if _UNTIL in head:
        end = head.index(_UNTIL)
        kept = [
            [*row[:end], "", *row[end + 1 :]] if _after(row[end : end + 1], quarter) else row
            for row in kept
        ]
    return kept


def _after(cells: list[str], quarter: Quarter) -> bool:
    try:
        return Quarter.parse(cells[0]) > quarter
    except (InputError, IndexError):
        return False


def _filed_by(name: str, quarter: Quarter) -> bool:
    try:
        return Quarter.parse(name) <= quarter
    except InputError:
        return False
