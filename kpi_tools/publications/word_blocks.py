"""Elements of the page written into a Word document: paragraphs, lists, tables, pictures, links."""

import io
import re
from collections import Counter
from typing import Any, Final

import lxml.etree
import vl_convert
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from kpi_tools.page.drawing import COLOURS
from kpi_tools.publications.onepage import SHAPES

Element = Any
_FONT: Final = "Arial, 'Liberation Sans', sans-serif"
PALE: Final = "eef3f8"
_LEFT_OUT: Final = {"kpi-label", "back", "skip"}
_PANELS: Final = {"kpi-action", "kpi-doubted", "kpi-draft", "kpi-banner"}
_FOLDED: Final = "Figures in this picture"
"""The tables whose figures each picture's alternative text reads out."""
_WIDE: Final = 120
"""A table of more characters in a row than this stands on a page that lies on its side …"""
_FEW: Final = 8
"""… unless it has no more rows: a page of its own would be empty."""
_LONGEST_NAME: Final = 40


class Writer:
    """Writes the elements of the page, in their order, to the end of a document."""

    def __init__(self, document: Any, pictures: list[str]) -> None:
        self.document, self.pictures = document, pictures
        self.numbers, self.anchors = Counter[str](), set[str]()
        self.text = "Normal"
        # python-docx looks a style up by reading all of them
        self.styles = {style.name: style.style_id for style in document.styles}
        self.end = document.element.body.sectPr

    def paragraph(self, style: str = "") -> Any:
        """A new paragraph at the end."""
        made = OxmlElement("w:p")
        made.style = self.styles[style or self.text]
        self.end.addprevious(made)
        return Paragraph(made, self.document._body)

    def room(self) -> int:
        """How wide the text is on the page that is written now."""
        section = self.document.sections[-1]
        return int(section.page_width - section.left_margin - section.right_margin)

    def contents(self, main: Element) -> None:
        """The chapters with their pages: Word and LibreOffice work the page numbers out."""
        self.paragraph("TOC Heading").add_run("Contents")
        for chapter in main.findall(".//h2"):
            line, anchor = self.paragraph("toc 1"), _name(chapter.get("id"))
            stops = line.paragraph_format.tab_stops
            stops.add_tab_stop(self.room(), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
            line.paragraph_format.space_after = Pt(2)
            _add_link(line, anchor, _text(chapter))
            line.add_run("\t")
            add_field(line, rf"PAGEREF {anchor} \h", "", dirty="true")

    # Blocks

    def blocks(self, parent: Element) -> None:
        for element in parent:
            if isinstance(element.tag, str) and not _is_left_out(element):
                self.block(element)

    def block(self, element: Element) -> None:
        classes = _classes(element)
        match element.tag:
            case "h2" | "h3" | "h4":
                self.words(element, f"Heading {int(element.tag[1]) - 1}")
            case "p":
                self.words(element, "KPI Note" if "kpi-note" in classes else "")
            case "li":
                self.words(element, "List Bullet")
            case "dl" if "kpi-strip" in classes:  # the facts of a card
                pairs = element.findall("div")
                heads, figures = ([pair.find(name) for pair in pairs] for name in ("dt", "dd"))
                self.grid([(heads, True), (figures, False)])
            case "dl":
                for pair in element.iter("div"):
                    paragraph = self.paragraph()
                    self.inline(paragraph, pair.find("dt"), bold=True)
                    paragraph.add_run(": ")
                    self.inline(paragraph, pair.find("dd"))
            case "table":
                self.table(element)
            case "figure":
                title = element.find("figcaption")
                for child in element:
                    if child.tag == "img":
                        paragraph = self.paragraph()
                        paragraph.paragraph_format.keep_with_next = True
                        self.picture(paragraph, child)
                    elif child is not title:
                        self.block(child)
                if title is not None and element.findall(".//img"):
                    self.caption("Figure", _text(title))
            case "img":
                self.picture(self.paragraph(), element)
            case "summary":
                if "kpi-more" in _classes(element.getparent()):
                    self.paragraph().add_run(_text(element)).bold = True
            case "details" if _text(element.find("summary")) == _FOLDED:
                pass
            case _:
                before, self.text = self.text, "KPI Panel" if classes & _PANELS else self.text
                self.blocks(element)
                self.text = before

    def words(self, element: Element, style: str) -> None:
        if not _text(element) and not element.findall(".//img"):
            return
        paragraph = self.paragraph(style)
        cards = element.iterancestors("article") if style == "Heading 2" else ()
        for holder in (element, *cards):
            self.bookmark(paragraph, holder.get("id"))
        self.inline(paragraph, element)
        after = element.getnext()
        if after is not None and after.tag == "img":  # the unit stays with its picture
            paragraph.paragraph_format.keep_with_next = True

    def bookmark(self, paragraph: Any, anchor: str | None) -> None:
        name = _name(anchor or "")
        if name and name not in self.anchors:
            self.anchors.add(name)
            number = str(len(self.anchors))
            paragraph._p.append(tag("bookmarkStart", id=number, name=name))
            paragraph._p.append(tag("bookmarkEnd", id=number))

    def caption(self, kind: str, text: str) -> None:
        self.numbers[kind] += 1
        paragraph = self.paragraph("Caption")
        paragraph.paragraph_format.keep_with_next = kind == "Table"
        paragraph.add_run(f"{kind} ")
        add_field(paragraph, f"SEQ {kind} \\* ARABIC", str(self.numbers[kind]))
        paragraph.add_run(f": {text}")

    def table(self, element: Element) -> None:
        rows = [
            ([cell for cell in row if cell.tag in ("th", "td")], row.getparent().tag == "thead")
            for row in element.iter("tr")
        ]
        widths = _widths(rows)
        wide = len(widths) > 4 and sum(min(width, 27) for width in widths) > _WIDE
        lies = wide and len(rows) > _FEW
        if lies:
            self.turn(WD_ORIENT.LANDSCAPE)
        if caption := _text(element.find("caption")):
            self.caption("Table", caption)
        self.grid(rows, caption)
        if lies:
            self.turn(WD_ORIENT.PORTRAIT)

    def turn(self, orientation: Any) -> None:
        section = self.document.add_section()
        across, down = section.page_height, section.page_width
        section.orientation, section.page_width, section.page_height = orientation, across, down

    def grid(self, rows: list[tuple[list[Element], bool]], described: str = "") -> None:
        """A table: rows that are not cut in two, heads that stand on each page again."""
        columns = max(sum(map(_span, cells)) for cells, _ in rows)
        asked = _widths(rows)
        widths = [self.room() * width // sum(asked) for width in asked]
        table = self.document.add_table(len(rows), columns)
        table.autofit = False
        if "Table Grid" in self.styles:
            table._tbl.tblStyle_val = self.styles["Table Grid"]
        if described:
            table._tbl.tblPr.append(tag("tblCaption", val=described[:255]))
        for column, width in zip(table.columns, widths, strict=False):
            column.width = width
        places = [row.cells for row in table.rows]
        for row in places:
            for cell, width in zip(row, widths, strict=False):
                cell.width = width
        for at, (cells, is_head) in enumerate(rows):
            marks = table.rows[at]._tr.get_or_add_trPr()
            marks.extend([tag("cantSplit"), *[tag("tblHeader")] * is_head])
            place = 0
            for cell in cells:
                made, last = places[at][place], place + _span(cell) - 1
                if last > place:
                    made = made.merge(places[at][last])
                place = last + 1
                paragraph = made.paragraphs[0]
                paragraph._p.style = self.styles["KPI Table"]
                if "kpi-n" in _classes(cell):
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                self.inline(paragraph, cell, bold=is_head or cell.tag == "th")
                if is_head:
                    made._tc.get_or_add_tcPr().append(tag("shd", **fill(PALE)))
        self.paragraph("KPI Table")

    # Within a paragraph

    def inline(self, paragraph: Any, element: Element, **look: Any) -> None:
        """The words of an element, links, ratings, pictures. `look`: `bold`, `italic`, `band`."""
        _add_words(paragraph, element.text, **look)
        for child in element:
            if isinstance(child.tag, str):
                self.within(paragraph, child, look)
            _add_words(paragraph, child.tail, **look)

    def within(self, paragraph: Any, child: Element, look: Any) -> None:
        classes = _classes(child)
        if child.tag == "a" and "kpi-pn" in classes:  # a paragraph's number
            for anchor in (child.get("id"), child.get("href", "#")[1:]):
                self.bookmark(paragraph, anchor)
            _add_words(paragraph, f"{_text(child)} ", **look)
        elif _is_left_out(child):
            return
        elif child.tag == "a" and child.get("href", "").startswith("#"):
            _add_link(paragraph, _name(child.get("href")[1:]), _text(child), **look)
        elif child.tag == "img":
            self.picture(paragraph, child)
        elif "kpi-marks" in classes:  # the last ratings, whose words the picture's text has
            for mark in child.iter("img"):
                found = re.search(r"kpi-s-([\w-]+)", self.pictures[int(mark.get("alt"))])
                band = found[1] if found else ""
                run = paragraph.add_run(f"{SHAPES.get(band, '◌')} ")
                if band in COLOURS:
                    run.font.color.rgb = RGBColor.from_string(COLOURS[band].edge[1:])
        elif classes & {"kpi-change", "kpi-mark"}:
            paragraph.add_run(f"({_text(child)})")
        else:
            if child.tag in ("p", "ul", "div", "li", "dl", "dt", "dd") and paragraph.text:
                paragraph.add_run(" ")
            if "kpi-rag" in classes and (bands := {f"kpi-{name}" for name in COLOURS} & classes):
                look = look | {"band": bands.pop()[4:], "bold": True}
            look = look | {"bold": True} if child.tag in ("b", "strong") else look
            look = look | {"italic": True} if child.tag in ("i", "em") else look
            self.inline(paragraph, child, **look)

    def picture(self, paragraph: Any, element: Element) -> None:
        """A picture at twice a screen's pixels, with its title and description as its text."""
        svg = self.pictures[int(element.get("alt"))]
        if 'role="img"' not in svg:
            return
        named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        root = lxml.etree.fromstring(named)
        wide, high = root.get("viewBox").split()[2:]
        root.attrib.update({"width": wide, "height": high, "font-family": _FONT})
        png = vl_convert.svg_to_png(lxml.etree.tostring(root, encoding="unicode"), scale=2)
        millimetres = float(wide) / 96 * 25.4 * (1.05 if float(wide) > 200 else 0.7)
        run = paragraph.add_run()
        properties = run.add_picture(io.BytesIO(png), Mm(min(millimetres, 165)))._inline.docPr
        texts = [part.text for part in root if part.tag.endswith(("}title", "}desc")) and part.text]
        properties.set("descr", ". ".join(texts))
        properties.set("name", f"Picture {properties.id}")


# What python-docx has no words for


def tag(kind: str, /, **attributes: str) -> Any:
    return OxmlElement(f"w:{kind}", {qn(f"w:{key}"): text for key, text in attributes.items()})


def fill(colour: str) -> dict[str, str]:
    return {"val": "clear", "color": "auto", "fill": colour.lstrip("#")}


def _add_words(
    paragraph: Any, text: str | None, bold: bool = False, italic: bool = False, band: str = ""
) -> None:
    """Words with single spaces between them; of a rating with its colours."""
    words = re.sub(r"\s+", " ", text or "")
    if paragraph.text[-1:] in ("", " "):
        words = words.lstrip()
    if not words:
        return
    run = paragraph.add_run(words)
    if bold:
        run.bold = True
    if italic:
        run.italic = True
    if band:
        run.font.color.rgb = RGBColor.from_string(COLOURS[band].text[1:])
        run._r.rPr.append(tag("shd", **fill(COLOURS[band].badge)))


def _add_link(paragraph: Any, anchor: str, text: str, **look: Any) -> None:
    around = tag("hyperlink", anchor=anchor, history="1")
    _add_words(paragraph, text, **look)
    around.append(paragraph._p[-1])
    paragraph._p.append(around)


def add_field(paragraph: Any, code: str, text: str, **marks: str) -> None:
    """A field with what it shows until it is worked out."""
    begin, words = tag("fldChar", fldCharType="begin", **marks), tag("instrText")
    words.text = f" {code} "
    for part in (begin, words, tag("fldChar", fldCharType="separate")):
        paragraph.add_run()._r.append(part)
    paragraph.add_run(text)
    paragraph.add_run()._r.append(tag("fldChar", fldCharType="end"))


def _name(anchor: str) -> str:
    """An anchor of the page as a bookmark's name of letters, digits and `_`: `kpi_es01`."""
    return re.sub(r"\W", "_", anchor)[:_LONGEST_NAME]


# The page's elements


def _classes(element: Element) -> set[str]:
    return set((element.get("class") or "").split())


def _is_left_out(element: Element) -> bool:
    return element.get("aria-hidden") == "true" or bool(_classes(element) & _LEFT_OUT)


def _span(cell: Element) -> int:
    return int(cell.get("colspan") or 1)


def _text(element: Element | None) -> str:
    """The words of an element, but for what is not read aloud."""
    if element is None:
        return ""
    silent = "ancestor::*[@aria-hidden='true' or contains(@class, 'kpi-label')]"
    return " ".join("".join(element.xpath(f".//text()[not({silent})]")).split())


def _widths(rows: list[tuple[list[Element], bool]]) -> list[int]:
    """The room that each column asks for: its longest cell up to thirty, or its longest word."""
    columns = max(len(cells) for cells, _ in rows)
    found = [8] * columns
    for cells, is_head in rows:
        for place, cell in enumerate(cells) if len(cells) == columns else ():
            text = _text(cell)
            word = max(map(len, text.split()), default=0) * 3 // 2  # not cut in two, even in bold
            asked = word if is_head else max(word, min(len(text), 27))
            if not text and cell.findall(".//img[@class='kept']"):
                asked = 14
            found[place] = max(found[place], asked + 3)
    return found
