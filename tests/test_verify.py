"""`kpi verify`: whatever was changed after a report was made is named, by whoever and however well it was hidden."""

import json
import shutil
from pathlib import Path

import pytest

from kpi_tools.cli import main
from kpi_tools.provenance import fingerprint
from kpi_tools.report import make_report
from kpi_tools.report import verify as verification
from kpi_tools.report.publish import as_json
from kpi_tools.report.verify import verify
from tests.kent import governance_without_action
from tests.small_council import append
from tests.workplace import make_history

QUARTER = "2024-25 Q3"
ENTRIES = (
    '{"quarter": "2024-25 Q3", "council": "", "inputs": {}, "outputs": {"a": 1},'
    ' "program": {"packages": 7}, "notebook": "", "parameters": {}}'
)


@pytest.fixture(scope="module")
def original(tmp_path_factory, worker):
    place = tmp_path_factory.mktemp("original")
    raw = governance_without_action(place / "data" / "raw")
    passed = (("red-without-action", "agreed on Monday", "Director of Place"),)
    final = {"edition": "final", "overrides": passed, "signed_off_by": "Chief Analyst"}
    make_report(QUARTER, raw, place / "outputs", worker=worker, **final)
    return place


@pytest.fixture
def made(original, tmp_path, at_work):
    shutil.copytree(original, tmp_path / "project")
    return tmp_path / "project"


CHANGED = "is not the file that was made: it was changed afterwards, or the manifest was."


def folder(made: Path) -> Path:
    return made / "outputs" / "2024-25-Q3"


def told(made: Path, again: bool = False) -> tuple[str, ...]:
    return verify(folder(made), made / "data" / "raw", again=again)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


def test_a_report_as_it_was_made_is_what_the_inputs_give(made, capsys):
    assert main(["verify", str(folder(made)), "--raw", str(made / "data" / "raw")]) == 0
    said = capsys.readouterr().out
    assert "is what these inputs give, byte for byte (6 files and " in said and "made again" in said
    assert not list(made.rglob("*verify*"))


def test_an_edited_report_is_named(made):
    edit(folder(made) / "report.html", "Director of Place", "Director of Care")
    assert told(made) == (f"report.html {CHANGED}",)


def test_an_edited_report_with_an_edited_manifest_is_found_by_making_it_again(made, capsys):
    page, manifest = folder(made) / "report.html", folder(made) / "manifest.json"
    edit(page, "Director of Place", "Director of Care")
    noted = json.loads(manifest.read_text(encoding="utf-8"))
    noted["outputs"]["report.html"] = fingerprint(page)
    noted["data_until"] = "2025-03-31"
    manifest.write_text(json.dumps(noted), encoding="utf-8")
    assert told(made) == ()
    assert main(["verify", str(folder(made)), "--raw", str(made / "data" / "raw")]) == 1
    said = capsys.readouterr()
    assert "manifest.json is not what these inputs give (from line 1 on)." in said.out
    assert "report.html is not what these inputs give (from line " in said.out
    assert "kpis.csv" not in said.out
    assert "is not what the inputs give now, or not with this program (6 files" in said.err


@pytest.mark.slow
def test_a_pdf_is_compared_and_not_printed_again(made):
    (folder(made) / "report.pdf").write_bytes(b"%PDF-1.7")
    manifest = folder(made) / "manifest.json"
    noted = json.loads(manifest.read_text(encoding="utf-8"))
    noted["outputs"]["report.pdf"] = fingerprint(folder(made) / "report.pdf")
    manifest.write_text(as_json(noted), encoding="utf-8")
    assert told(made, again=True) == ()
    (folder(made) / "report.pdf").write_bytes(b"%PDF-1.8")
    assert told(made) == (f"report.pdf {CHANGED}",)


def test_each_edited_missing_or_new_input_is_named(made):
    raw = made / "data" / "raw"
    sent = raw / "returns" / "2024-25-Q3" / "chief-executives.csv"
    append(sent, ["GL01", "2024-25 Q2", "70", "", "", "final", ""])
    (raw / "returns" / "2023-24-Q3" / "chief-executives.csv").unlink()
    append(raw / "returns" / "2024-25-Q1" / "late.csv", ["kpi_id", "period", "value"])
    edit(raw / "council.toml", "window = 6", "window = 5")
    append(raw / "targets.csv", ["GL01", "2025-26 Q1", "95", "85", "", "next year", "final"])
    assert told(made) == (
        "The input council.toml is not what it was when the report was made.",
        "The input returns/2023-24-Q3/chief-executives.csv is no longer there.",
        "The input returns/2024-25-Q1/late.csv was not there when the report was made.",
        "The input returns/2024-25-Q3/chief-executives.csv is not what it was when the report was made.",
    )


def test_missing_and_foreign_files_are_named(made):
    (folder(made) / "kpis.csv").unlink()
    (folder(made) / "notes.docx").write_text("mine")
    (folder(made) / ".DS_Store").touch()
    assert told(made) == (
        "kpis.csv is missing from the folder.",
        "notes.docx is not part of the report.",
    )


def test_another_program_is_named(made, monkeypatch):
    now = verification.program()
    other = now | {"packages": now["packages"] | {"pandas": "9.9.9"}, "python": "3.99.1"}
    other |= {"code": {"version": "7.0", "sources": "abcd"}, "lock": None}
    monkeypatch.setattr(verification, "program", lambda: other)
    code = f"{now['code']['version']} ({now['code']['sources']})"
    assert told(made) == (
        f"The package pandas was {now['packages']['pandas']}, and is 9.9.9 now.",
        f"The program was {code}, and is 7.0 (abcd) now.",
        f"The Python was {now['python']}, and is 3.99.1 now.",
        f"The file requirements.lock was {now['lock'][:16]}, and is None now.",
    )


def test_inputs_with_which_it_cannot_be_made_again_are_a_sentence(made):
    unknown = ["GL77", "2020-21 Q1", "95", "85", "", "", "final"]
    append(made / "data" / "raw" / "targets.csv", unknown)
    said = told(made, again=True)
    assert said[-1].startswith("It cannot be made again: ") and "GL77" in said[-1]


@pytest.mark.parametrize(("written", "sentence"), [
    (None, "has no manifest.json"),
    ("{", "is not the manifest of a report"),
    ("[]", "is not the manifest of a report"),
    ('{"quarter": "2024-25 Q3"}', "it has no council"),
    (ENTRIES.replace("2024-25 Q3", "x"), "quarter"),
    (ENTRIES, "has an entry that no report has"),
])  # fmt: skip
def test_without_a_manifest_to_go_by_there_is_no_verdict(made, capsys, written, sentence):
    path = folder(made) / "manifest.json"
    path.unlink()
    if written is not None:
        path.write_text(written, encoding="utf-8")
    assert main(["verify", str(folder(made)), "--raw", str(made / "data" / "raw"), "--quick"]) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Traceback" not in said
    assert main(["verify", str(made / "nowhere")]) == 2
    assert "There is no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_a_history_is_verified_like_a_report(made):
    raw = made / "data" / "raw"
    history = make_history("GL01", QUARTER, raw, made / "outputs")
    assert verify(history.folder, raw) == ()
    edit(history.folder / "history.html", "GL01", "GL02")
    found = verify(history.folder, raw)
    assert [text.partition(" ")[0] for text in found] == ["history.html"] * 2
