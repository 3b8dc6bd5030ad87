"""What lies in the folder of a quarter: which of it is read, and what becomes of the rest."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_council import HERE, QUARTER, Desk, text_of, write_raw

from kpi_tools import loading
from kpi_tools.errors import InputError
from kpi_tools.intake.received import files_in
from kpi_tools.loading import ReturnsError, load, read_returns

RETURN = text_of([["kpi_id", "period", "value"], ["C1", QUARTER, "412"]]).encode()
OTHER = RETURN.replace(b"412", b"413")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk(tmp_path_factory.mktemp("received")) as desk:
        yield desk


def _told(desk: Desk) -> list[tuple[str, str, str]]:
    found = desk.read(return_csv=RETURN)
    assert found.taken["value"].tolist() == [412.0]
    return [
        (row.severity, row.code, row.file.removeprefix(HERE)) for row in found.problems.itertuples()
    ]


@pytest.mark.parametrize(
    "name",
    ["return (1).csv", "return(2).csv", "return - Copy.csv", "return - Copy (2).csv", "Copy of return.csv",
     "Copy (3) of return.csv", "RETURN copy.CSV", "return_copy 2.csv"],
)  # fmt: skip
@pytest.mark.parametrize("content", [RETURN, OTHER])
def test_a_copy_beside_the_original_is_skipped_and_listed(
    desk: Desk, name: str, content: bytes
) -> None:
    (desk.folder / name).write_bytes(content)
    try:
        found = desk.read(return_csv=RETURN)
    finally:
        (desk.folder / name).unlink()
    assert found.taken["value"].tolist() == [412.0]
    assert found.problems[["severity", "code", "file"]].values.tolist() == [
        ["warning", "file-copy", HERE + name]
    ]
    assert ("holds something else" in found.problems["rule"][0]) == (content is OTHER)
    assert found.counts.set_index("file").loc[HERE + name, "outcome"] == "skipped"


@pytest.mark.parametrize("name", ["another.csv", "return (1) final.csv", "~return.csv"])
def test_the_same_bytes_under_another_name_are_a_copy_too_and_other_bytes_are_a_return(
    desk: Desk, name: str
) -> None:
    path = desk.folder / name
    path.write_bytes(RETURN.replace(b"C1", b"007"))
    try:
        assert desk.read(return_csv=RETURN).taken["kpi_id"].tolist() in (
            ["007", "C1"],
            ["C1", "007"],
        )
        path.write_bytes(RETURN)
        assert {code for _, code, _ in _told(desk)} == {"file-copy"}
    finally:
        path.unlink()


@pytest.mark.parametrize(
    "name",
    ["~$return.xlsx", ".~lock.return.csv#", "~WRL0001.tmp", "return.tmp", "desktop.ini", "Thumbs.db", ".DS_Store", "._return.csv",
     "return.csv.part", "return.csv.bak", "return.csv~", "return.crdownload"],
)  # fmt: skip
def test_what_programs_leave_behind_is_skipped_and_listed(desk: Desk, name: str) -> None:
    (desk.folder / name).write_bytes(b"anything")
    told = _told(desk)
    (desk.folder / name).unlink()
    assert told == [("notice", "file-leftover", name)]


@pytest.mark.parametrize(
    ("name", "severity", "code"),
    [
        ("old.csv", "error", "file-folder"),
        ("old.XLSX", "error", "file-folder"),
        ("old", "warning", "folder-inside"),
    ],
)
def test_a_folder_among_the_returns_is_told(
    desk: Desk, name: str, severity: str, code: str
) -> None:
    (desk.folder / name).mkdir()
    told = _told(desk)
    (desk.folder / name).rmdir()
    assert told == [(severity, code, name)]


@pytest.mark.parametrize("name", ["minutes.docx", "photo.png", "return"])
def test_what_is_no_table_is_named(desk: Desk, name: str) -> None:
    (desk.folder / name).write_bytes(b"anything")
    told = _told(desk)
    (desk.folder / name).unlink()
    assert told == [("warning", "file-other", name)]


@pytest.mark.parametrize("name", ["a.xls", "a.xlsm", "a.XLSB", "a.ods", "a.numbers", "a.xltx"])
def test_a_table_of_another_format_is_refused(desk: Desk, name: str) -> None:
    (desk.folder / name).write_bytes(b"anything")
    told = _told(desk)
    (desk.folder / name).unlink()
    assert told == [("error", "file-format", name)]


def test_links_are_followed_or_refused(desk: Desk) -> None:
    link = desk.folder / "link.csv"
    try:
        link.symlink_to(desk.raw / "nowhere.csv")
    except OSError:
        pytest.skip("no links on this system")
    told = _told(desk)
    link.unlink()
    assert told == [("error", "file-unreadable", "link.csv")]
    link.symlink_to(desk.folder / "return.csv")
    told = _told(desk)
    link.unlink()
    assert [code for _, code, _ in told] == ["file-copy"]


def test_a_folder_that_cannot_be_opened_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match="cannot be opened: Permission denied. Check its rights."):
        files_in(tmp_path)


def test_what_lies_beside_the_folders_of_quarters_is_told(tmp_path: Path) -> None:
    (write_raw(tmp_path) / "a.csv").write_bytes(RETURN)
    (tmp_path / "returns" / "Q3 2024-25").mkdir()
    (tmp_path / "returns" / "misc").mkdir()
    (tmp_path / "returns" / "loose.csv").write_bytes(RETURN)
    (tmp_path / "returns" / ".DS_Store").write_bytes(b"x")
    problems = read_returns(tmp_path, QUARTER).problems
    assert set(zip(problems["code"], problems["file"], strict=True)) == {
        ("folder-twice", "returns/Q3 2024-25"), ("folder-other", "returns/misc"), ("folder-other", "returns/loose.csv"),
        ("file-leftover", "returns/.DS_Store"),
    }  # fmt: skip


def test_a_file_that_changes_while_it_is_read_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_raw(tmp_path) / "a.csv"
    path.write_bytes(RETURN)
    check = loading.Run.check_still_there

    def meanwhile(run: loading.Run) -> None:
        path.write_bytes(OTHER)
        check(run)

    monkeypatch.setattr(loading.Run, "check_still_there", meanwhile)
    for allow in (False, True):
        path.write_bytes(RETURN)
        with pytest.raises(ReturnsError, match="changed while it was being read"):
            load(tmp_path, QUARTER, allow_rejected=allow)


@pytest.mark.parametrize("name", ["a.csv", "a.TSV", "a.txt", "a.xlsx"])
def test_texts_and_workbooks_are_returns(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RETURN)
    assert [(found.path.name, found.code, found.detail) for found in files_in(tmp_path)] == [
        (name, "", "")
    ]


@pytest.mark.parametrize(
    "name", ["a.xls", "a.xlsm", "a.XLSB", "a.xltx", "a.xltm", "a.ods", "a.numbers", "a.fods"]
)  # fmt: skip
def test_tables_of_other_programs_are_named_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RETURN)
    assert [found.code for found in files_in(tmp_path)] == ["file-format"]


@pytest.mark.parametrize("name", ["a.pdf", "a", "a.docx"])
def test_what_is_no_table_is_named_as_such(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(RETURN)
    assert [found.code for found in files_in(tmp_path)] == ["file-other"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes are of Linux and macOS")
def test_a_pipe_is_no_return_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    assert [found.code for found in files_in(tmp_path)] == ["file-other"]
