"""Whether a folder holds the report that today's inputs and program give: file by file, input by input, then made again.

A hash beside a file shows an accident, not an intent: who edits the report can edit the manifest. Only a second run tells.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance import fingerprint, fingerprints, program
from kpi_tools.quarters import Quarter
from kpi_tools.report import EXPLORER, HISTORY, NOTEBOOK, make, make_history, make_report, page_jobs
from kpi_tools.report.publish import MANIFEST, as_json

_NEEDED: Final = ("quarter", "inputs", "outputs", "program", "notebook")
_SHOWN: Final = 3


@dataclass(frozen=True)
class Verdict:
    """What was found: `differences`, a sentence each, none where all is as it was, among so many `files` and `inputs`."""

    folder: Path
    differences: tuple[str, ...]
    files: int
    inputs: int


def verify(folder: Path, raw: Path, *, again: bool = True) -> Verdict:
    """Compare a folder that `report` or `history` made with its manifest, with `raw` as it is now and with this program.

    With `again` it is also made a second time, in a folder for the purpose, and compared byte for byte: that tells an
    edited report whose manifest was edited to match. A PDF is compared with the manifest and not printed again, since
    another browser gives other bytes. Raises `InputError` where the folder has no manifest to go by.
    """
    folder, raw = folder.resolve(), raw.resolve()
    noted = _manifest(folder)
    quarter = Quarter.parse(noted["quarter"])
    try:
        changed = [
            *_outputs(folder, noted["outputs"]),
            *_inputs(raw, quarter, noted["inputs"]),
            *_program(noted),
        ]
        repeated = list(_made_again(folder, raw, noted)) if again else []
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{folder / MANIFEST} has an entry that no report has: {error}."
        ) from error
    return Verdict(folder, (*changed, *repeated), len(noted["outputs"]) + 1, len(noted["inputs"]))


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}. Give the folder of a report, such as outputs/2024-25-Q3."
        )
    try:
        noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder} has no {MANIFEST}, so there is nothing to compare it with."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / MANIFEST} cannot be read: {error}.") from None
    wrong = [name for name in _NEEDED if not isinstance(noted, dict) or name not in noted]
    if wrong or not all(isinstance(noted[name], dict) for name in ("inputs", "outputs", "program")):
        raise InputError(
            f"{folder / MANIFEST} is not the manifest of a report{f': it has no {wrong[0]}' * bool(wrong)}."
        )
    return dict(noted)


def _outputs(folder: Path, noted: Mapping[str, str]) -> Iterator[str]:
    for name, known in noted.items():
        path = folder / Path(name).name
        if not path.is_file():
            yield f"{name} is missing from the folder."
        elif fingerprint(path) != known:
            yield f"{name} is not the file that was made: it was changed afterwards, or the manifest was."
    for path in sorted(folder.iterdir()):
        if path.name not in {MANIFEST, *noted} and not path.name.startswith((".", "~$")):
            yield f"{path.name} is not part of the report."


def _inputs(raw: Path, quarter: Quarter, noted: Mapping[str, str]) -> Iterator[str]:
    there = fingerprints(raw, quarter)
    for name in sorted({*noted, *there}):
        if name not in there:
            yield f"The input {name} is no longer there."
        elif name not in noted:
            yield f"The input {name} was not there when the report was made."
        elif noted[name] != there[name]:
            yield f"The input {name} is not what it was when the report was made."


def _program(noted: Mapping[str, Any]) -> Iterator[str]:
    before, now = noted["program"], program()
    for name, version in now["packages"].items():
        if (old := (before.get("packages") or {}).get(name)) != version:
            yield f"The package {name} was {old}, and is {version} now."
    names = {"code": "program", "python": "Python", "lock": "file requirements.lock"}
    for key, name in names.items():
        if before.get(key) != now[key]:
            yield f"The {name} was {_short(before.get(key))}, and is {_short(now[key])} now."
    if fingerprint(_notebook(noted)) != noted["notebook"]:
        yield f"The notebook {_notebook(noted).name} is not what it was when the report was made."


def _short(part: Any) -> str:
    return f"{part['version']} ({part['sources']})" if isinstance(part, dict) else str(part)[:16]


def _notebook(noted: Mapping[str, Any]) -> Path:
    if "directorate" in noted.get("parameters", {}):
        return EXPLORER
    return HISTORY if "kpi" in noted else NOTEBOOK


def _made_again(folder: Path, raw: Path, noted: Mapping[str, Any]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="kpi-verify-") as place:
        try:
            again = _run(folder, raw, noted, Path(place))
        except KpiError as error:
            yield f"It cannot be made again: {error}"
            return
        for name in sorted(
            {path.name for path in again.iterdir()} & {path.name for path in folder.iterdir()}
        ):
            if (again / name).read_bytes() != _without_pdf(folder / name):
                yield f"{name} is not what these inputs give{_where(folder / name, again / name)}."


def _without_pdf(path: Path) -> bytes:
    """A file's bytes, of a manifest those that it would have without the PDF."""
    written = path.read_bytes()
    if path.name != MANIFEST:
        return written
    noted = json.loads(written)
    pdf = [name for name in noted["outputs"] if name.endswith(".pdf")]
    if not pdf or as_json(noted).encode() != written:
        return written
    return as_json(
        noted | {"outputs": {k: v for k, v in noted["outputs"].items() if k not in pdf}}
    ).encode()


def _run(folder: Path, raw: Path, noted: Mapping[str, Any], place: Path) -> Path:
    if "kpi" in noted:
        return make_history(noted["kpi"], noted["quarter"], raw, place, read_in=folder).folder
    if directorate := noted.get("parameters", {}).get("directorate"):
        asked = (noted["quarter"], raw, place)
        (job,) = page_jobs("explorer", [directorate], *asked, read_in=folder)
        return make(job).folder
    passed = tuple(
        (str(one["code"]), str(one["because"]), str(one["by"]))
        for one in noted.get("overrides", ())
    )
    return make_report(
        noted["quarter"],
        raw,
        place,
        edition=str(noted.get("edition")),
        overrides=passed,
        allow_rejected=bool(noted.get("allow_rejected")),
        prepared_by=noted.get("prepared_by") or "",
        signed_off_by=noted.get("signed_off_by") or "",
        read_in=folder,
        only=noted["parameters"].get("only", ""),
        corrections=noted["parameters"].get("corrections", ""),
        word=any(name.endswith(".docx") for name in noted["outputs"]),
    ).folder


def _where(found: Path, made: Path) -> str:
    """In a manifest the entries that differ, in a text the first line that does."""
    if found.name == MANIFEST:
        one, other = (json.loads(path.read_text(encoding="utf-8")) for path in (found, made))
        keys = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
        return (
            f" (entries {', '.join(keys[:_SHOWN])}{', …' if len(keys) > _SHOWN else ''})"
            if keys
            else ""
        )
    if found.suffix not in (".html", ".csv", ".ipynb"):
        return ""
    pair = [path.read_bytes().split(b"\n") for path in (found, made)]
    lines = next(
        (n for n, both in enumerate(zip(*pair, strict=False), 1) if both[0] != both[1]),
        min(map(len, pair)) + 1,
    )
    return f" (from line {lines} on)"
