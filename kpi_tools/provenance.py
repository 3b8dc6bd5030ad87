"""What a report depends on, as hashes: its inputs, and the program that makes it. A report of a
quarter must stay the same to the byte when the council later agrees next year's targets or adds a
KPI. So of a table beside the folders only the rows count that are in force by that quarter, and of
council.toml only what it says."""

import csv
import hashlib
import io
import json
import platform
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from kpi_tools import __version__
from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter

_READ: Final = (".csv", ".toml", ".xlsx", ".docx")
_SINCE: Final = {
    "kpis.csv": ("first_quarter",),
    "activity.csv": ("period",),
    "events.csv": ("date", "from_quarter"),
}
"""By table the columns that say since when a row is in force, where not `from_quarter` alone.

A row is not in force where any of them names a later time.
"""
_UNTIL: Final = "last_quarter"
_SHORT: Final = 16
PACKAGES: Final = (
    *("altair", "jinja2", "markupsafe", "mistune", "narwhals", "nbconvert", "nbformat", "numpy"),
    *("openpyxl", "pandas", "papermill", "python-docx", "vl-convert-python"),
)
"""The packages whose version can change a byte of a report."""
_PACKAGE: Final = Path(__file__).resolve().parent
LOCK: Final = _PACKAGE.parent / "requirements.lock"
_SOURCES: Final = (".py", ".j2", ".css", ".json", ".csv", ".toml", ".js")
_LONGEST_SLUG: Final = 60
_TAKEN: Final = r"con|prn|aux|nul|(com|lpt)[0-9]|history|data|site"


def fingerprints(raw: Path, quarter: Quarter) -> dict[str, str]:
    """SHA-256 of everything in `raw` that the report of `quarter` may depend on, by its path.

    What is filed under quarters up to this one counts with its bytes; of tables that say since when
    a row is in force, the rows in force by this quarter, as texts (when a KPI leaves the set later
    is not yet known then); council.toml without comments and order. A table that cannot be read so
    counts with its bytes.
    """
    found = {}
    for path in sorted(raw.rglob("*")):
        parts = path.relative_to(raw).parts
        hidden = path.name.startswith((".", "~$"))
        if hidden or path.suffix.lower() not in _READ or not path.is_file():
            continue
        if len(parts) == 1:
            content = _content(path.name, _bytes(path), quarter)
            found[path.name] = hashlib.sha256(content).hexdigest()
        elif _filed_by(parts[1].removesuffix(path.suffix), quarter):
            found["/".join(parts)] = fingerprint(path)
    return found


def digest(used: Mapping[str, str]) -> str:
    """One short name (16 hexadecimal digits) for all `fingerprints` together."""
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:_SHORT]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises `InputError` where they cannot be had."""
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
        if name.endswith(".csv"):
            head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
            since = _SINCE.get(name, ("from_quarter",))
            return json.dumps([head, *_in_force(head, rows, since, quarter)]).encode()
    except (ValueError, csv.Error):
        pass
    return written


def _in_force(
    head: list[str], rows: list[list[str]], since: tuple[str, ...], quarter: Quarter
) -> list[list[str]]:
    """The rows of which nothing in `since` is after the quarter. Raises `ValueError` where its
    first column is not there."""
    places = [head.index(name) for name in since if name in head or name == since[0]]
    end = head.index(_UNTIL) if _UNTIL in head else len(head)
    return [
        [*row[:end], "", *row[end + 1 :]] if _after(row[end : end + 1], quarter) else row
        for row in rows
        if any(row) and not any(_after(row[at : at + 1], quarter) for at in places)
    ]


def _after(cells: list[str], quarter: Quarter) -> bool:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", cells[0].strip()):
            return date.fromisoformat(cells[0].strip()) > quarter.end
        return Quarter.parse(cells[0]) > quarter
    except (InputError, IndexError, ValueError):
        return False


def _filed_by(name: str, quarter: Quarter) -> bool:
    try:
        return Quarter.parse(name) <= quarter
    except InputError:
        return False


# The council


def council_name(raw: Path) -> str:
    """The council's name in council.toml. Raises `InputError` where none can name a folder."""
    path = raw / "council.toml"
    try:
        council = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("council")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Is this a folder of raw data?"
        ) from None
    except ValueError as error:
        why = f"is not as TOML should be: {error}"
        raise InputError(f"{path} {why}. `kpi check` says more.") from None
    name = council.get("name") if isinstance(council, dict) else None
    if not isinstance(name, str) or not slug(name):
        line = 'name = "Kent County Council", with a letter of a to z in it'
        raise InputError(f"{path} needs under [council] a line such as {line}.")
    return name


def slug(name: str) -> str:
    """A council's name as the name of a folder on any system: small letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{short}-council" if re.fullmatch(_TAKEN, short) else short


# The program


def program() -> dict[str, Any]:
    """What the manifest says of the program; `lock` is null where it is absent."""
    return {
        "code": {"version": __version__, "sources": sources()},
        "packages": versions(),
        "python": platform.python_version(),
        "lock": fingerprint(LOCK) if LOCK.is_file() else None,
        "unlike_lock": unlike_lock(),
    }


def versions() -> dict[str, str]:
    """The installed version of each of PACKAGES; `none` where it is not installed."""
    return {name: _installed(name) for name in PACKAGES}


@cache
def sources() -> str:
    """One short name for the package's own files: two programs of one name are the same."""
    whole = hashlib.sha256()
    for path in sorted(path for path in _PACKAGE.rglob("*") if path.suffix in _SOURCES):
        content = path.read_bytes().replace(b"\r\n", b"\n")  # as git gives it on any system
        whole.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0" + content + b"\0")
    return whole.hexdigest()[:_SHORT]


def unlike_lock(lock: Path = LOCK) -> list[str]:
    """Which of PACKAGES are not at a version of the lock, a text each: a byte may differ then."""
    if not lock.is_file():
        return [f"there is no {lock.name} to compare the packages with"]
    pins: dict[str, set[str]] = {}
    locked = lock.read_text(encoding="utf-8")
    for name, pinned in re.findall(r"^([\w.-]+)==(\S+)", locked, re.MULTILINE):
        pins.setdefault(name.lower().replace("_", "-"), set()).add(pinned)
    return [
        f"{name} {there} instead of {' or '.join(sorted(pins.get(name, {'none'})))}"
        for name, there in versions().items()
        if there not in pins.get(name, set())
    ]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
