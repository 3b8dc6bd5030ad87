"""The PDF: a browser that is missing, fails, hangs or cheats, and one that prints."""

import os
import re
import stat
from pathlib import Path

import pytest

from kpi_tools.errors import InputError, KpiError
from kpi_tools.page.html import section
from kpi_tools.report import pdf
from kpi_tools.report.pdf import find_browser, write_pdf
from tests.test_page import code, page

posix = pytest.mark.skipif(os.name != "posix", reason="the stand-in browser is a shell script")
TAGGED = "%PDF-1.4 /StructTreeRoot %%EOF"


@pytest.fixture
def stand_in(tmp_path):
    """A browser that does what a line of shell says; `$out` is the file it should print to."""

    def make(line: str) -> Path:
        path = tmp_path / "browser"
        out = 'for a in "$@"; do case "$a" in --print-to-pdf=*) out="${a#--print-to-pdf=}";; esac; done'
        path.write_text(f"#!/bin/sh\n{out}\n{line}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def printed(tmp_path: Path, browser: Path, **limits: int) -> bytes:
    source = tmp_path / "report.html"
    source.write_text("<!DOCTYPE html><title>T</title>", encoding="utf-8")
    write_pdf(
        source, tmp_path / "report.pdf", author="Kent", day="2024-12-31", browser=browser, **limits
    )
    return (tmp_path / "report.pdf").read_bytes()


def test_without_a_browser_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(pdf, "_usual_places", lambda: iter(["/nowhere/chrome"]))
    with pytest.raises(InputError, match=r"No browser .*Install one of them, or leave out --pdf"):
        find_browser()


@posix
@pytest.mark.parametrize(("line", "fault"), [
    ("exit 0", "there is no file"),
    ("echo out of memory >&2; exit 7", r"there is no file \(out of memory\)"),
    ('printf "%%PDF-1.4 /StructTreeRoot" > "$out"', "it is cut short"),
    ('printf "%%PDF-1.4 %%%%EOF" > "$out"', "it has no tags"),
])  # fmt: skip
def test_a_browser_that_fails_leaves_nothing(stand_in, tmp_path, line, fault):
    with pytest.raises(KpiError, match=f"made no usable PDF of report.html: {fault}"):
        printed(tmp_path, stand_in(line))
    assert not (tmp_path / "report.pdf").exists()


@posix
def test_a_browser_that_hangs_is_ended_with_its_children(stand_in, tmp_path):
    psutil = pytest.importorskip("psutil")
    browser = stand_in(f'sleep 3600 & echo $! > "{tmp_path}/child"; wait')
    with pytest.raises(KpiError, match="did not finish the PDF in 1 seconds and was ended"):
        printed(tmp_path, browser, timeout=1)
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


@posix
def test_a_browser_that_cannot_start_is_named(tmp_path):
    (tmp_path / "browser").write_text("not a program", encoding="utf-8")
    with pytest.raises(KpiError, match=r"browser could not be started: "):
        printed(tmp_path, tmp_path / "browser")


@pytest.mark.parametrize(("author", "named"), [
    ("Kent County Council", b"/Author (Kent County Council) "),
    ("A (B) \\", rb"/Author (A \(B\) \\) "),
    ("Ynys Môn", b"/Author <FEFF" + "Ynys Môn".encode("utf-16-be").hex().upper().encode() + b"> "),
    ("x" * 200, b"/Creator (kpi-tools)"),
])  # fmt: skip
def test_the_council_takes_the_place_of_the_browser_and_every_offset_stays(author, named):
    made = (
        b"%PDF-1.4 <</Creator (Mozilla/5.0 \\(X11\\) AppleWebKit and so on, for a hundred characters and more of it)"
        b" /CreationDate (D:20261125201609+00'00') /ModDate (D:20261125201609+00'00')>> %%EOF"
    )
    signed = pdf._signed(made, author, "2024-12-31")
    assert len(signed) == len(made) and named in signed and b"Mozilla" not in signed
    assert signed.count(b"(D:20241231000000+00'00')") == 2
    assert signed.index(b"%%EOF") == made.index(b"%%EOF")


@pytest.mark.browser
def test_a_printed_page_is_tagged_bookmarked_and_the_same_each_time(chromium, tmp_path):
    pypdf = pytest.importorskip("pypdf")
    source = tmp_path / "report.html"
    parts = [section(title, f"Paragraph of {title}.") for title in ("For the minutes", "Method")]
    source.write_text(page(*(code(part) for part in parts)), encoding="utf-8", newline="\n")
    known = {"author": "Kent County Council", "day": "2024-12-31", "browser": Path(chromium)}
    for name in ("one.pdf", "two.pdf"):
        write_pdf(source, tmp_path / name, **known)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()
    read = pypdf.PdfReader(tmp_path / "one.pdf")
    assert read.metadata.title == "Quarterly Performance Report, Quarter 3 2024/25"
    assert read.metadata.author == "Kent County Council"
    root = read.trailer["/Root"]
    assert root["/Lang"] == "en-GB" and root["/MarkInfo"]["/Marked"]
    outline = [entry.title for entry in read.outline[1]]
    assert [re.sub(r"\s+", " ", title) for title in outline] == ["1 For the minutes", "2 Method"]
    assert "1 / 1" in read.pages[0].extract_text()
