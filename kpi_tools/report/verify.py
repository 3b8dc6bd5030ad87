"""Whether a folder holds the report that today's inputs and program give. A hash beside a file
shows an accident, not an intent: who edits the report can edit the manifest; only a second run
tells."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance import fingerprint, fingerprints, program
from kpi_tools.quarters import Quarter
from kpi_tools.report import NOTEBOOKS, Job, make
from kpi_tools.report.publish import MANIFEST, as_json, manifest_of

_KINDS: Final = {"kpi": "history", "directorate": "explorer"}
"""What a manifest is of, by a parameter that it has; else a report."""


def verify(folder: Path, raw: Path, *, again: bool = True) -> tuple[str, ...]:
    """In what a folder that `report` or `history` made is not as its manifest, `raw` and this
    program have it, a sentence each.

    With `again` it is also made a second time, elsewhere, and compared byte for byte: that tells an
    edited report whose manifest was edited to match. A PDF is compared with the manifest and not
    printed again, since another browser gives other bytes. Raises `InputError` where the folder has
    no manifest to go by.
    """
    folder, raw = folder.resolve(), raw.resolve()
    if not folder.is_dir():
        raise InputError(
            f"There is no folder {folder}. Give the folder of a report, such as outputs/2024-25-Q3."
        )
    noted = manifest_of(folder)
    quarter, parameters, outputs = (noted[name] for name in ("quarter", "parameters", "outputs"))
    kind = next((kind for name, kind in _KINDS.items() if name in parameters), "report")
    word = any(name.endswith(".docx") for name in outputs)
    places = (raw, folder.parent, NOTEBOOKS[kind])
    when = Quarter.parse(quarter)
    job = Job(when, folder.name, *places, kind, parameters, word=word, read_in=folder)
    foreign = [
        f"{path.name} is not part of the report."
        for path in sorted(folder.iterdir())
        if path.name not in {MANIFEST, *outputs} and not path.name.startswith((".", "~$"))
    ]
    return (*differences(job, noted, foreign), *(_changed_bytes(job, noted) if again else ()))


def up_to_date(job: Job) -> bool:
    """Whether the report is there, whole, and as the same inputs, settings and program give it."""
    try:
        noted = manifest_of(job.final)
        return (
            noted["parameters"] == job.parameters
            and (f"{job.kind}.pdf" in noted["outputs"] or not job.browser)
            and (f"{job.kind}.docx" in noted["outputs"] or not job.word)
            and not any(differences(job, noted))
        )
    except InputError:
        return False


def differences(job: Job, noted: Mapping[str, Any], foreign: Sequence[str] = ()) -> Iterator[str]:
    """In what files, inputs, program and notebook are not those of the manifest. `foreign`: said
    after the files."""
    for name, known in noted["outputs"].items():
        path = job.final / Path(name).name
        if not path.is_file():
            yield f"{name} is missing from the folder."
        elif fingerprint(path) != known:
            why = "it was changed afterwards, or the manifest was"
            yield f"{name} is not the file that was made: {why}."
    yield from foreign
    before, there = noted["inputs"], fingerprints(job.raw, job.quarter)
    for name in sorted({*before, *there}):
        if name not in there:
            yield f"The input {name} is no longer there."
        elif name not in before:
            yield f"The input {name} was not there when the report was made."
        elif before[name] != there[name]:
            yield f"The input {name} is not what it was when the report was made."
    then, now = _parts(noted["program"]), _parts(program())
    for name, version in now.items():
        if then.get(name) != version:
            yield f"The {name} was {then.get(name)}, and is {version} now."
    if fingerprint(job.notebook) != noted["notebook"]:
        yield f"The notebook {job.notebook.name} is not what it was when the report was made."


def _parts(whole: Mapping[str, Any]) -> dict[str, str]:
    try:
        parts = {f"package {name}": version for name, version in whole["packages"].items()}
        parts["program"] = f"{whole['code']['version']} ({whole['code']['sources']})"
        lock = str(whole["lock"])[:16]
        return parts | {"Python": whole["python"], "file requirements.lock": lock}
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{MANIFEST} has an entry that no report has: {error}.") from error


def _changed_bytes(job: Job, noted: Mapping[str, Any]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="kpi-verify-") as place:
        try:
            again = make(replace(job, outputs=Path(place).resolve())).folder
        except KpiError as error:
            yield f"It cannot be made again: {error}"
            return
        for path in sorted(again.iterdir()):
            found, made = job.final / path.name, path.read_bytes()
            if path.name == MANIFEST:  # the PDF was not printed again
                whole = json.loads(made)
                known = noted["outputs"].items()
                whole["outputs"] |= {name: one for name, one in known if name.endswith(".pdf")}
                made = as_json(whole).encode()
            if found.is_file() and (there := found.read_bytes()) != made:
                lines = enumerate(zip_longest(there.split(b"\n"), made.split(b"\n")), 1)
                line = next(number for number, (one, other) in lines if one != other)
                is_text = path.suffix in (".html", ".csv", ".ipynb", ".json")
                where = f" (from line {line} on)" if is_text else ""
                yield f"{path.name} is not what these inputs give{where}."
