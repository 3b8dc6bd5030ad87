"""The report's page as a Word document: the same words, tables and pictures, with Word's own headings, captions and bookmarks.

The page is read element by element, so what a chapter says stands in both. Styles are those of the council's own document
where it names one. The same page gives the same bytes.
"""

import io
import re
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

import docx
import lxml.html
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from kpi_tools.errors import InputError
from kpi_tools.loading import Returns
from kpi_tools.publications.word_blocks import Writer
from kpi_tools.publications.word_parts import field, write
from kpi_tools.quarters import Quarter
from kpi_tools.spreadsheets import repacked

_SVG: Final = re.compile(r"<svg\b.*?</svg>", re.S)
_STYLES: Final = {
    "KPI Note": ("484F56", 9),
    "KPI Panel": ("0B0C0C", 10),
    "KPI Table": ("0B0C0C", 9),
}


def to_word(
    page: str,
    *,
    title: str,
    author: str,
    quarter: Quarter,
    changed_where: str,
    reference: Path | None = None,
) -> bytes:
    """The document as bytes.

    Args:
        page: The report's page.
        title: Its title, for the document's properties.
        author: The council.
        quarter: The report's quarter, whose last day is the document's date.
        changed_where: A sentence for its end: where words are changed.
        reference: The council's own document, whose styles, header and footer are taken.

    Raises:
        InputError: The reference is no Word document.
    """
    document = _opened(reference)
    _set_up(document, title, author, quarter, is_own=reference is None)
    pictures: list[str] = []

    def keep(found: re.Match[str]) -> str:
        pictures.append(found[0])
        return f'<img class="kept" alt="{len(pictures) - 1}">'

    main = lxml.html.fromstring(_SVG.sub(keep, page)).get_element_by_id("main")
    written = Writer(document, pictures)
    write(written.styled("Title"), title)
    until = f"{quarter.end.day} {quarter.end:%B %Y}"
    write(written.styled("Subtitle"), f"{author}. Figures to {until}.")
    written.contents(main)
    written.blocks(main)
    write(written.styled("Heading 1"), "Where words are changed")
    write(written.styled("Normal"), changed_where)
    raw = io.BytesIO()
    document.save(raw)
    return repacked(raw.getvalue())


def report_document(page: str, title: str, returns: Returns, raw: Path) -> bytes:
    """The Word document of a report, by the settings of its council in the folder `raw`.

    Raises `InputError` where [word] reference of council.toml names no Word document there.
    """
    council, quarter = returns.council, returns.quarter
    reference = raw / council.word_reference if council.word_reference else None
    if reference and (reference.parent != raw or not reference.is_file()):
        raise InputError(
            f'council.toml, [word] reference: there is no file "{council.word_reference}" beside council.toml. '
            "Put the document there, or leave the setting out."
        )
    changed = (
        "Words that are changed in this document do not find their way back. Commentary and actions are changed in "
        f"commentary/{quarter.slug}.csv or in the workbooks that the services return, figures in returns/{quarter.slug}; "
        f'then `kpi report "{quarter.label}" --word` makes the document again.'
    )
    return to_word(
        page,
        title=title,
        author=council.name,
        quarter=quarter,
        changed_where=changed,
        reference=reference,
    )


def _opened(reference: Path | None) -> Any:
    if reference is None:
        return docx.Document()
    try:
        document = docx.Document(str(reference))
    except Exception as error:  # python-docx says it in many ways
        raise InputError(
            f"{reference.name} cannot be used as [word] reference of council.toml: it is no Word document (.docx) "
            f"({type(error).__name__}). Save it in Word as .docx, or leave the setting out."
        ) from None
    body = document.element.body
    for child in list(body):
        if child.tag != qn("w:sectPr"):
            body.remove(child)
    return document


def _set_up(document: Any, title: str, author: str, quarter: Quarter, *, is_own: bool) -> None:
    """Properties, language, the styles that are lacking, page size, and the number on each page."""
    properties, day = document.core_properties, datetime.combine(quarter.end, time())
    properties.title, properties.author, properties.language = title, author, "en-GB"
    properties.created = properties.modified = day
    properties.last_modified_by, properties.revision, properties.comments = author, 1, ""
    defaults = document.styles.element.find(qn("w:docDefaults"))
    if defaults is not None:
        for language in defaults.iter(qn("w:lang")):
            language.set(qn("w:val"), "en-GB")
    names = {style.name for style in document.styles}
    if is_own:
        document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Arial", Pt(10)
        document.styles["Normal"].paragraph_format.space_after = Pt(5)
        document.styles["List Bullet"].paragraph_format.space_after = Pt(1)
        for fonts in document.styles.element.iter(qn("w:rFonts")):
            for name in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
                fonts.attrib.pop(qn(f"w:{name}"), None)
            fonts.set(qn("w:ascii"), "Arial")
            fonts.set(qn("w:hAnsi"), "Arial")
    for name in (
        "Title",
        "Subtitle",
        "Heading 1",
        "Heading 2",
        "Heading 3",
        "Caption",
        "List Bullet",
        "TOC Heading",
        "toc 1",
    ):
        if name not in names:
            document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    for name, (colour, size) in _STYLES.items():
        if name not in names:
            style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            style.base_style = document.styles["Normal"]
            style.font.color.rgb, style.font.size = RGBColor.from_string(colour), Pt(size)
            style.paragraph_format.space_after = Pt(0 if name == "KPI Table" else 4)
    section = document.sections[0]
    if is_own:
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(20)
        section.top_margin = section.bottom_margin = Mm(18)
    if not any(paragraph.text for paragraph in section.footer.paragraphs):
        foot = section.footer.paragraphs[0]
        write(foot, f"{title}. Page ")
        field(foot, "PAGE", "1")
        write(foot, " of ")
        field(foot, "NUMPAGES", "1")
