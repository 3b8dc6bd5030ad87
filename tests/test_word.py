"""The report in Word: what is on the page stands in it, with Word's own structure; the same bytes each time."""

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import docx
import pytest
from bs4 import BeautifulSoup
from docx.oxml.ns import qn

from kpi_tools.errors import InputError
from kpi_tools.publications.word import report_document
from kpi_tools.quarters import Quarter
from kpi_tools.report import make_report
from tests.kent import BOROUGH, returns

QUARTER = Quarter.parse("2025-26 Q2")


def to_word(page: str, raw: Path = BOROUGH, reference: str = "") -> bytes:
    known = returns(QUARTER.label, BOROUGH)
    known = replace(known, council=replace(known.council, word_reference=reference))
    return report_document(page, "A title", known, raw)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, worker):
    """The second example's report."""
    return make_report(
        QUARTER, BOROUGH, tmp_path_factory.mktemp("word"), worker=worker, word=True
    ).folder


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(folder):
    return docx.Document(str(folder / "report.docx"))


def words(text: str) -> str:
    return re.sub(r"[\s()]+", "", text)


def everything(document) -> str:
    return words("".join(part.text or "" for part in document.element.body.iter(qn("w:t"))))


def test_every_sentence_and_figure_of_the_page_is_in_it(document, page):
    soup = BeautifulSoup(page, "html.parser")
    for gone in soup.select("svg, [aria-hidden=true], .kpi-label, .back, summary"):
        gone.decompose()
    for table in soup.select("details.kpi-more table"):  # the alternative text has their figures
        table.decompose()
    there = everything(document)
    main = soup.select_one("#main")
    said = main.select("p, li, td, th, dt, dd, figcaption, h2, h3, h4")
    texts = [element.get_text() for element in said]
    lost = [text for text in texts if words(text) not in there]
    assert len(texts) > 500
    assert lost == []


def test_it_has_words_own_structure(document, page):
    soup = BeautifulSoup(page, "html.parser")
    styles = [paragraph.style.name for paragraph in document.paragraphs]
    assert styles.count("Title") == 1
    assert styles.count("Heading 1") == len(soup.select("#main h2")) + 1
    assert styles.count("Heading 2") == len(soup.select("#main h3:not(figcaption h3)"))
    levels = [int(style[-1]) for style in styles if style.startswith("Heading ")]
    assert levels[0] == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    xml = document.element.xml
    assert xml.count("w:tblHeader") >= len(document.tables) > 10
    for table in document.tables:
        assert table._tbl.tr_lst[0].trPr.find(qn("w:tblHeader")) is not None
    pictures = list(document.element.body.iter("{*}docPr"))
    assert len(pictures) > 15
    assert all(len(picture.get("descr")) > 20 for picture in pictures)
    assert len({picture.get("id") for picture in pictures}) == len(pictures)
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    for kind in ("Figure", "Table"):
        numbers = [int(text.split()[1][:-1]) for text in captions if text.startswith(kind)]
        assert numbers == list(range(1, len(numbers) + 1)) and numbers
    units = [p for p in document.paragraphs if p.text.endswith("quarter ending")]
    assert units and all(p.paragraph_format.keep_with_next for p in units)


def test_numbers_and_anchors_are_bookmarks_to_which_links_lead(document, page):
    names = [mark.get(qn("w:name")) for mark in document.element.body.iter(qn("w:bookmarkStart"))]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z]\w{0,39}", name) for name in names)
    links = {link.get(qn("w:anchor")) for link in document.element.body.iter(qn("w:hyperlink"))}
    assert len(links) > 20 and links <= set(names)
    for anchor in re.findall(r'id="(p\d+\.\d+|kpi-[a-z0-9]+|for-the-minutes)"', page):
        assert re.sub(r"\W", "_", anchor) in names, anchor
    fields = "".join(code.text for code in document.element.body.iter(qn("w:instrText")))
    assert fields.count("PAGEREF") == page.count('<section class="part"')


def test_language_title_author_and_day(document):
    properties = document.core_properties
    assert properties.language == "en-GB"
    assert properties.author == "Example Borough Council (illustrative)"
    assert properties.title.endswith("Council Plan Performance Report, Quarter 2 2025/26")
    assert properties.created.date() == properties.modified.date() == QUARTER.end
    assert 'w:val="en-GB"' in document.styles.element.xml
    assert "not find their way back" in document.paragraphs[-1].text
    assert "commentary/2025-26-Q2.csv" in document.paragraphs[-1].text


def test_a_wide_table_lies_on_its_side_and_ratings_are_words_with_colour(document):
    turned = [section.orientation for section in document.sections]
    assert 1 in turned and turned[0] == turned[-1] == 0
    runs = document.element.body.iter(qn("w:r"))
    shaded = {run.text for run in runs if run.find(f".//{qn('w:shd')}") is not None}
    assert {"Blue", "Green", "Amber", "Red"} <= shaded


def test_the_same_page_gives_the_same_bytes(page):
    made = to_word(page)
    assert made == to_word(page)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}


def test_the_councils_own_document_lends_its_styles(page, tmp_path):
    own = docx.Document()
    own.styles["Heading 1"].font.name = "Courier New"
    own.sections[0].header.paragraphs[0].text = "Letterhead of the council"
    own.add_paragraph("Text of a letter")
    own.save(str(tmp_path / "council.docx"))
    made = docx.Document(BytesIO(to_word(page, tmp_path, "council.docx")))
    assert made.styles["Heading 1"].font.name == "Courier New"
    assert made.sections[0].header.paragraphs[0].text == "Letterhead of the council"
    assert "Text of a letter" not in [paragraph.text for paragraph in made.paragraphs]


@pytest.mark.parametrize("content", [b"", b"not a document", None])
def test_a_reference_that_is_none_gets_a_sentence(content, page, tmp_path):
    path = tmp_path / "council.docx"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "a")
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="council.docx cannot be used as .word. reference"):
        to_word(page, tmp_path, "council.docx")


@pytest.mark.slow
def test_libreoffice_opens_it(folder, tmp_path, program):
    import subprocess

    from pypdf import PdfReader

    office = program("soffice", "libreoffice")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    command.append(str(folder / "report.docx"))
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    pages = PdfReader(tmp_path / "report.pdf").pages
    text = words("".join(one.extract_text() for one in pages[:2]))
    assert len(pages) > 10
    assert re.search(r"1\.1Outofthe\d+measuresintheCouncilPlanPerformanceReport", text)


def test_long_names_and_characters_that_word_forbids(tmp_path, worker):
    """Three hundred characters, control characters, marks of XML, and a KPI without figures."""
    from tests.workplace import QUARTER as WHEN
    from tests.workplace import SLUG, Project

    long = ("A name of three hundred letters " * 10)[:300].strip()
    marks = 'Lights & <signs> "kept" ]]>'
    project = Project(tmp_path, {"R1": long, "R2": marks, "C1": "No figures"})
    odd = "Words with \x0b a tab and \ufffe no character."
    project.comment({"R1": odd, "R2": "Plain.", "C1": "None."})
    rows = [["R1", WHEN, 91], ["R2", WHEN, 70]]
    project.returns(SLUG, rows)
    made = project.make(worker=worker, word=True)
    text = everything(docx.Document(str(made.folder / "report.docx")))
    for name in (long, marks, "No figures"):
        assert words(name) in text
    assert "not available" in (made.folder / "kpis.csv").read_text(encoding="utf-8")


def test_a_reference_that_is_not_there_stops_the_report(project, worker):
    council = project.raw / "council.toml"
    own = council.read_text(encoding="utf-8")
    council.write_text(f'{own}\n[word]\nreference = "../other.docx"\n', encoding="utf-8")
    with pytest.raises(InputError, match='reference: there is no file "../other.docx" beside'):
        project.make(worker=worker, word=True)
    assert not project.final.exists()
