"""The report's page in Word, with its headings, captions, bookmarks: always the same bytes."""

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
from kpi_tools.publications.word_blocks import PALE, Writer, add_field, fill, tag
from kpi_tools.quarters import Quarter
from kpi_tools.spreadsheets import repacked

_SVG: Final = re.compile(r"<svg\b.*?</svg>", re.S)
_STYLES: Final = {
    "KPI Note": ("484F56", 9, 4),
    "KPI Panel": ("0B0C0C", 10, 4),
    "KPI Table": ("0B0C0C", 9, 0),
}
"""Our own styles: colour, size and the space after a paragraph, in points."""
_USUAL: Final = (
    *("Title", "Subtitle", "Heading 1", "Heading 2", "Heading 3", "Caption", "List Bullet"),
    *("TOC Heading", "toc 1"),
)


def report_document(page: str, title: str, returns: Returns, raw: Path) -> bytes:
    """The Word document of a report's page, dated by the last day of its quarter, as bytes. Styles,
    header and footer are those of [word] reference of council.toml, a document in the folder `raw`.
    Raises `InputError` where that is no Word document there."""
    council, quarter = returns.council, returns.quarter
    reference = council.word_reference
    document = _opened(raw, reference) if reference else docx.Document()
    _set_properties(document, title, council.name, quarter)
    _add_styles(document, is_builtin=not reference)
    pictures = _SVG.findall(page)  # their attributes have capitals, which HTML has not
    numbers = iter(range(len(pictures)))
    page = _SVG.sub(lambda _: f'<img class="kept" alt="{next(numbers)}">', page)
    main = lxml.html.fromstring(page).get_element_by_id("main")
    writer = Writer(document, pictures)
    writer.paragraph("Title").add_run(title)
    until = f"{quarter.end.day} {quarter.end:%B %Y}"
    writer.paragraph("Subtitle").add_run(f"{council.name}. Figures to {until}.")
    writer.contents(main)
    writer.blocks(main)
    writer.paragraph("Heading 1").add_run("Where words are changed")
    writer.paragraph().add_run(
        "Words that are changed in this document do not find their way back. Commentary and "
        f"actions are changed in commentary/{quarter.slug}.csv or in the workbooks that the "
        f"services return, figures in returns/{quarter.slug}; "
        f'then `kpi report "{quarter.label}" --word` makes the document again.'
    )
    made = io.BytesIO()
    document.save(made)
    return repacked(made.getvalue())


def _opened(raw: Path, name: str) -> Any:
    if (raw / name).parent != raw or not (raw / name).is_file():
        raise InputError(
            f'council.toml, [word] reference: there is no file "{name}" beside council.toml. Put '
            "the document there, or leave the setting out."
        )
    try:
        document = docx.Document(str(raw / name))
    except Exception as error:  # python-docx says it in many ways
        raise InputError(
            f"{name} cannot be used as [word] reference of council.toml: it is no Word document "
            f"(.docx) ({type(error).__name__}). Save it in Word as .docx, or leave the setting out."
        ) from None
    document._body.clear_content()
    return document


def _set_properties(document: Any, title: str, author: str, quarter: Quarter) -> None:
    """Properties, language, and the number on each page."""
    properties = document.core_properties
    properties.title, properties.author, properties.language = title, author, "en-GB"
    properties.created = properties.modified = datetime.combine(quarter.end, time())
    properties.last_modified_by, properties.revision, properties.comments = author, 1, ""
    for language in document.styles.element.iterfind(f"{qn('w:docDefaults')}//{qn('w:lang')}"):
        language.set(qn("w:val"), "en-GB")
    footer = document.sections[0].footer
    if not any(paragraph.text for paragraph in footer.paragraphs):
        foot = footer.paragraphs[0]
        foot.add_run(f"{title}. Page ")
        add_field(foot, "PAGE", "1")
        foot.add_run(" of ")
        add_field(foot, "NUMPAGES", "1")


def _add_styles(document: Any, *, is_builtin: bool) -> None:
    """The styles that are lacking; where the document is our own, its fonts and page too."""
    styles = document.styles
    there = {style.name for style in styles}
    if is_builtin:
        styles["Normal"].font.size, styles["Normal"].paragraph_format.space_after = Pt(10), Pt(5)
        styles["List Bullet"].paragraph_format.space_after = Pt(1)
        for fonts in styles.element.iter(qn("w:rFonts")):
            fonts.attrib.clear()  # those of the theme
            fonts.attrib.update({qn("w:ascii"): "Arial", qn("w:hAnsi"): "Arial"})
        section = document.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(20)
        section.top_margin = section.bottom_margin = Mm(18)
    for name in (*_USUAL, *_STYLES):
        if name not in there:
            styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    for name in _STYLES.keys() - there:
        style, (colour, size, space) = styles[name], _STYLES[name]
        style.base_style, style.font.size = styles["Normal"], Pt(size)
        style.font.color.rgb = RGBColor.from_string(colour)
        if name == "KPI Panel":
            style.element.get_or_add_pPr().append(tag("shd", **fill(PALE)))
        style.paragraph_format.space_after = Pt(space)
