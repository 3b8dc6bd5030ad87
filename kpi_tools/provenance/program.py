"""By which program a report was made: versions, its own sources, and whether they are those of the lock (floor 0)."""

import hashlib
import platform
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from kpi_tools import __version__
from kpi_tools.provenance.inputs import fingerprint

PACKAGES: Final = (
    "altair", "jinja2", "markupsafe", "mistune", "narwhals", "nbconvert", "nbformat", "numpy", "openpyxl", "pandas",
    "papermill", "vl-convert-python",
)  # fmt: skip
"""The packages whose version can change a byte of a report."""
LOCK: Final = Path(__file__).resolve().parents[2] / "requirements.lock"
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_SOURCES: Final = (".py", ".j2", ".css", ".json")
_SHORT: Final = 16


def program() -> dict[str, Any]:
    """What the manifest says of the program: `code`, `packages`, `python`, `lock` (null where absent), `unlike_lock`."""
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
    """One short name for the package's own files: two programs with the same are the same, whatever git says."""
    whole = hashlib.sha256()
    for path in sorted(path for path in _PACKAGE.rglob("*") if path.suffix in _SOURCES):
        whole.update(path.relative_to(_PACKAGE).as_posix().encode() + b"\0")
        whole.update(
            path.read_bytes().replace(b"\r\n", b"\n") + b"\0"
        )  # as git gives them on any system
    return whole.hexdigest()[:_SHORT]


def unlike_lock(lock: Path = LOCK) -> list[str]:
    """Which of PACKAGES are not at a version of the lock, a text for each; with another version a byte may differ."""
    if not lock.is_file():
        return [f"there is no {lock.name} to compare the packages with"]
    pins: dict[str, set[str]] = {}
    for name, pinned in re.findall(
        r"^([\w.-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE
    ):
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
