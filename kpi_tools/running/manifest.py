"""What a report was made from, as hashes: the manifest beside it, and the digest in its foot (floor 3)."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from kpi_tools import __version__
from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter

MANIFEST: Final = "manifest.json"
PACKAGES: Final = ("altair", "narwhals", "nbconvert", "openpyxl", "pandas", "papermill", "vl-convert-python")
_NOBODYS: Final = ("desktop.ini", "thumbs.db")
_READ: Final = (".csv", ".toml", ".xlsx")


def manifest(
    quarter: Quarter, used: Mapping[str, str], rows: str, notebook: Path, folder: Path, recorded: Mapping[str, Any]
) -> dict[str, Any]:
    """The manifest of the report whose other files are in `folder`.

    `used`: the `fingerprints` of what it was made from; `rows`: how those add up (`Returns.summary`); `notebook`: the one
    that was run, as stored; `recorded`: what else is to be said of this report.
    """
    return {
        "quarter": quarter.label,
        "inputs": dict(used),
        "inputs_digest": digest(used),
        "rows": rows,
        "notebook": fingerprint(notebook),
        "outputs": {path.name: fingerprint(path) for path in sorted(folder.iterdir())},
        "python": platform.python_version(),
        "packages": {"kpi-tools": __version__} | {name: version(name) for name in PACKAGES},
        **recorded,
    }


def as_json(content: Mapping[str, Any]) -> str:
    """A manifest as the text of its file."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def fingerprints(raw: Path, quarter: Quarter) -> dict[str, str]:
    """SHA-256 of every file that the report of `quarter` may depend on, by its path in `raw`.

    These are the files beside the folders, and what is filed under quarters up to and including this one.
    """
    found = {}
    for path in sorted(raw.rglob("*")):
        parts = path.relative_to(raw).parts
        if path.suffix not in _READ or parts[-1].startswith((".", "~$")) or not path.is_file():
            continue
        if len(parts) == 1 or _filed_by(parts[1].removesuffix(path.suffix), quarter):
            found["/".join(parts)] = fingerprint(path)
    return found


def digest(used: Mapping[str, str]) -> str:
    """One short name for all fingerprints together."""
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:16]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_replaceable(final: Path) -> None:
    """Raise `KpiError` where the folder holds a file that no run of ours made, since the whole folder is replaced."""
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise KpiError(f"{final} is not a folder. Move it away, then run again.")
    if not final.exists():
        return
    try:
        ours = {MANIFEST, *json.loads((final / MANIFEST).read_text(encoding="utf-8"))["outputs"]}
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    for path in sorted(final.iterdir()):
        if path.name not in ours and not path.name.startswith((".", "~$")) and path.name.lower() not in _NOBODYS:
            raise KpiError(
                f"{path} was not made by this command, which replaces the whole folder. Move it away, then run again."
            )


def _filed_by(name: str, quarter: Quarter) -> bool:
    try:
        return Quarter.parse(name) <= quarter
    except InputError:
        return False
