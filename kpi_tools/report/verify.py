"""Whether a folder holds the report that today's inputs and program give: files, inputs, then made
again.

A hash beside a file shows an accident, not an intent: who edits the report can edit the manifest.
Only a second run tells.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance import fingerprint, fingerprints, program
from kpi_tools.quarters import Quarter
from kpi_tools.report import NOTEBOOKS, Job, make
from kpi_tools.report.publish import MANIFEST, as_json

_ENTRIES: Final = ("quarter", "inputs", "outputs", "program", "notebook")
_MOST_KEYS: Final = 3
_KINDS: Final = {"kpi": "history", "directorate": "explorer"}
"""What a manifest is of, by a parameter that it has; else a report."""


@dataclass(frozen=True)
class Verdict:
    """The `differences` among so many `files` and `inputs`, a sentence each."""

    folder: Path
    differences: tuple[str, ...]
    files: int
    inputs: int


def verify(folder: Path, raw: Path, *, again: bool = True) -> Verdict:
    """Compare a folder that `report` or `history` made with its manifest, `raw` and this program.

    With `again` it is also made a second time, elsewhere, and compared byte for byte: that tells an
    edited report whose manifest was edited to match. A PDF is compared with the manifest and not
    printed again, since another browser gives other bytes. Raises `InputError` where the folder has
    no manifest to go by.
    """
    folder, raw = folder.resolve(), raw.resolve()
    noted = _manifest(folder)
    quarter = Quarter.parse(noted["quarter"])
    try:
        job = _job(folder, raw, quarter, noted)
        differences = [
            *_changed_outputs(folder, noted["outputs"]),
            *_changed_inputs(noted["inputs"], fingerprints(raw, quarter)),
            *_changed_program(noted, job.notebook),
            *(_changed_bytes(folder, job) if again else ()),
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / MANIFEST} has an entry that no report has: {error}."
        ) from error
    return Verdict(folder, tuple(differences), len(noted["outputs"]) + 1, len(noted["inputs"]))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}. Give the folder of a report, such as outputs/2024-25-Q3."
        )
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder} has no {MANIFEST}, so there is nothing to compare it with."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    if not isinstance(noted, dict):
        raise InputError(f"{path} is not the manifest of a report.")
    for name in _ENTRIES:
        if name not in noted:
            raise InputError(f"{path} is not the manifest of a report: it has no {name}.")
    return noted


def _job(folder: Path, raw: Path, quarter: Quarter, noted: Mapping[str, Any]) -> Job:
    parameters = noted.get("parameters", {})
    kind = next((kind for name, kind in _KINDS.items() if name in parameters), "report")
    word = any(name.endswith(".docx") for name in noted["outputs"])
    places = (raw, folder.parent, NOTEBOOKS[kind])
    return Job(quarter, folder.name, *places, kind, parameters, word=word, read_in=folder)


def _changed_outputs(folder: Path, noted: Mapping[str, str]) -> Iterator[str]:
    for name, known in noted.items():
        path = folder / Path(name).name
        if not path.is_file():
            yield f"{name} is missing from the folder."
        elif fingerprint(path) != known:
            yield (
                f"{name} is not the file that was made: it was changed afterwards, or the manifest "
                "was."
            )
    for path in sorted(folder.iterdir()):
        if path.name not in {MANIFEST, *noted} and not path.name.startswith((".", "~$")):
            yield f"{path.name} is not part of the report."


def _changed_inputs(noted: Mapping[str, str], there: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*noted, *there}):
        if name not in there:
            yield f"The input {name} is no longer there."
        elif name not in noted:
            yield f"The input {name} was not there when the report was made."
        elif noted[name] != there[name]:
            yield f"The input {name} is not what it was when the report was made."


def _changed_program(noted: Mapping[str, Any], notebook: Path) -> Iterator[str]:
    before, now = noted["program"], program()
    for name, version in now["packages"].items():
        if (old := (before.get("packages") or {}).get(name)) != version:
            yield f"The package {name} was {old}, and is {version} now."
    names = {"code": "program", "python": "Python", "lock": "file requirements.lock"}
    for key, name in names.items():
        if before.get(key) != now[key]:
            yield f"The {name} was {_short(before.get(key))}, and is {_short(now[key])} now."
    if fingerprint(notebook) != noted["notebook"]:
        yield f"The notebook {notebook.name} is not what it was when the report was made."


def _short(part: Any) -> str:
    return f"{part['version']} ({part['sources']})" if isinstance(part, dict) else str(part)[:16]


def _changed_bytes(folder: Path, job: Job) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="kpi-verify-") as place:
        try:
            again = make(replace(job, outputs=Path(place).resolve())).folder
        except KpiError as error:
            yield f"It cannot be made again: {error}"
            return
        for path in sorted(again.iterdir()):
            found = folder / path.name
            if found.is_file() and path.read_bytes() != _without_pdf(found):
                yield f"{path.name} is not what these inputs give{_where(found, path)}."


def _without_pdf(path: Path) -> bytes:
    """A file's bytes, of a manifest those that it would have without the PDF."""
    written = path.read_bytes()
    if path.name != MANIFEST:
        return written
    noted = json.loads(written)
    if as_json(noted).encode() != written:
        return written
    kept = {name: known for name, known in noted["outputs"].items() if not name.endswith(".pdf")}
    return as_json(noted | {"outputs": kept}).encode()


def _where(found: Path, made: Path) -> str:
    """In a manifest the entries that differ, in a text the first line that does."""
    if found.name == MANIFEST:
        one, other = (json.loads(path.read_text(encoding="utf-8")) for path in (found, made))
        keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
        more = ", …" if len(keys) > _MOST_KEYS else ""
        return f" (entries {', '.join(keys[:_MOST_KEYS])}{more})" if keys else ""
    if found.suffix not in (".html", ".csv", ".ipynb"):
        return ""
    one, other = (path.read_bytes().split(b"\n") for path in (found, made))
    pairs = enumerate(zip(one, other, strict=False), 1)
    line = next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)) + 1)
    return f" (from line {line} on)"
