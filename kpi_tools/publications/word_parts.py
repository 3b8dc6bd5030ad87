"""Pieces of a Word document that python-docx has no words for: bookmarks, links, fields, shading, marks of tables."""

import io
import re
from typing import Any

from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.table import _Cell

from kpi_tools.page.drawing import Colour

_LONGEST = 40
_WORDS = (qn("w:r"), qn("w:hyperlink"))


def _made(tag: str, **attributes: str) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def write(
    paragraph: Any,
    text: str,
    *,
    bold: bool = False,
    italic: bool = False,
    look: Colour | None = None,
    ink: str = "",
) -> None:
    """Words at the end of a paragraph; of a rating with its colours."""
    run = _made("w:r")
    looks = [_made("w:b")] * bold + [_made("w:i")] * italic
    if ink:
        looks.append(_made("w:color", val=ink.lstrip("#")))
    if look:
        looks += [_made("w:color", val=look.text[1:]), _fill(look.badge)]
    if looks:
        run.append(_made("w:rPr"))
        run[0].extend(looks)
    for place, part in enumerate(text.split("\t")):
        if place:
            run.append(_made("w:tab"))
        if part:
            words = _made("w:t")
            words.text = part
            words.set(qn("xml:space"), "preserve")
            run.append(words)
    paragraph._p.append(run)


def _fill(colour: str) -> Any:
    return _made("w:shd", val="clear", color="auto", fill=colour.lstrip("#"))


def begun(paragraph: Any) -> bool:
    """Whether a paragraph has words already."""
    return any(child.tag in _WORDS for child in paragraph._p)


def name_of(anchor: str) -> str:
    """An anchor of the page as a bookmark's name, which has letters, digits and `_`, forty at most: `kpi_es01`."""
    return re.sub(r"\W", "_", anchor)[:_LONGEST]


def bookmark(paragraph: Any, name: str, number: int) -> None:
    """Name the place before what is written next."""
    paragraph._p.append(_made("w:bookmarkStart", id=str(number), name=name))
    paragraph._p.append(_made("w:bookmarkEnd", id=str(number)))


def link(paragraph: Any, name: str, text: str, *, bold: bool = False) -> None:
    """A link to a bookmark."""
    around = _made("w:hyperlink", anchor=name, history="1")
    write(paragraph, text, bold=bold)
    around.append(paragraph._p[-1])
    paragraph._p.append(around)


def field(paragraph: Any, code: str, result: str, *, dirty: bool = False) -> None:
    """A field with what it shows until it is worked out."""
    paragraph.add_run()._r.append(
        _made("w:fldChar", fldCharType="begin", **({"dirty": "true"} if dirty else {}))
    )
    words = _made("w:instrText")
    words.text = f" {code} "
    words.set(qn("xml:space"), "preserve")
    paragraph.add_run()._r.append(words)
    paragraph.add_run()._r.append(_made("w:fldChar", fldCharType="separate"))
    write(paragraph, result)
    paragraph.add_run()._r.append(_made("w:fldChar", fldCharType="end"))


def shade(element: Any, colour: str) -> None:
    """Put a colour behind a run, a paragraph or a cell."""
    owner = {"r": "get_or_add_rPr", "p": "get_or_add_pPr", "tc": "get_or_add_tcPr"}
    kind = element.tag.rpartition("}")[2]
    if kind not in owner:
        return
    properties = getattr(element, owner[kind])()
    fill = _fill(colour)
    if kind == "p":
        properties.insert_element_before(
            fill,
            "w:tabs",
            "w:suppressAutoHyphens",
            "w:spacing",
            "w:ind",
            "w:jc",
            "w:outlineLvl",
            "w:rPr",
        )
    else:
        properties.append(fill)


def spanned(row: Any, table: Any, wide: int, down: str) -> tuple[Any, int]:
    """A new cell of a row over so many columns, perhaps one of several `down`: its paragraph, and how wide it is."""
    cell = row.add_tc()
    properties = cell.get_or_add_tcPr()
    if wide > 1:
        properties.append(_made("w:gridSpan", val=str(wide)))
    if down:
        properties.append(_made("w:vMerge", val=down))
    return _Cell(cell, table).paragraphs[0], wide


def mark_table(table: Any, widths: list[int], room: int, heads: int, described: str) -> None:
    """Columns by their `widths` in the `room` there is, rows that are not cut in two, heads that stand on each page again, a
    description for who cannot see the table."""
    twips = [round(room / 635 * width / sum(widths)) for width in widths]
    for column, width in zip(table._tbl.tblGrid.gridCol_lst, twips, strict=True):
        column.set(qn("w:w"), str(width))
    table.autofit = False
    for place, row in enumerate(table.rows):
        properties = row._tr.get_or_add_trPr()
        properties.append(_made("w:cantSplit"))
        if place < heads:
            properties.append(_made("w:tblHeader"))
    if described:
        table._tbl.tblPr.append(_made("w:tblCaption", val=described[:255]))


def picture(paragraph: Any, png: bytes, width: Any, said: str) -> None:
    """A picture with its alternative text."""
    shape = paragraph.add_run().add_picture(io.BytesIO(png), width=width)
    shape._inline.docPr.set("descr", said)
    shape._inline.docPr.set("name", f"Picture {shape._inline.docPr.id}")
