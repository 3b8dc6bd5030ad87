"""The manifest beside a report: what it was made from, by which program, and what it consists of, as hashes (floor 3).

It says nothing of the moment and the machine, so that the same inputs give the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import KpiError
from kpi_tools.provenance.inputs import digest, fingerprint
from kpi_tools.provenance.program import program
from kpi_tools.quarters import Quarter

MANIFEST: Final = "manifest.json"
_NOBODYS: Final = ("desktop.ini", "thumbs.db")


def manifest(
    quarter: Quarter,
    used: Mapping[str, str],
    notebook: Path,
    folder: Path,
    recorded: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest of the report whose other files are in `folder`.

    `used`: the `inputs.fingerprints` of what it was made from; `notebook`: the one that was run, as stored; `recorded`:
    what else is to be said of this report (`how_made.record`).
    """
    return {
        "quarter": quarter.label,
        "inputs": dict(used),
        "inputs_digest": digest(used),
        "notebook": fingerprint(notebook),
        "outputs": {path.name: fingerprint(path) for path in sorted(folder.iterdir())},
        "program": program(),
        **recorded,
    }


def as_json(content: Mapping[str, Any]) -> str:
    """A manifest as the text of its file."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


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
        if (
            path.name not in ours
            and not path.name.startswith((".", "~$"))
            and path.name.lower() not in _NOBODYS
        ):
            raise KpiError(
                f"{path} was not made by this command, which replaces the whole folder. Move it away, then run again."
            )
