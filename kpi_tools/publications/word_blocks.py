"""Elements of the page written into a Word document: paragraphs, lists, tables, pictures, within them links and ratings."""

import re
from collections.abc import Iterator
from typing import Any, Final

import lxml.html
import vl_convert
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph

from kpi_tools.page.drawing import COLOURS
from kpi_tools.publications.onepage import SHAPES
from kpi_tools.publications.word_parts import (
    begun,
    bookmark,
    field,
    link,
    mark_table,
    name_of,
    picture,
    shade,
    spanned,
    write,
)

Element = Any
_BLOCKS = ("p", "ul", "div", "li", "dl", "dt", "dd")
_FONT: Final = "Arial, 'Liberation Sans', sans-serif"
_LEFT_OUT: Final = {"kpi-label", "back", "kpi-pn", "skip"}
_FOLDED: Final = ("Figures in this picture",)
"""The tables whose figures each picture's alternative text reads out."""
_PANELS: Final = {
    "kpi-action": "eef3f8",
    "kpi-doubted": "f3eafa",
    "kpi-draft": "fff4d6",
    "kpi-banner": "f3eafa",
}
_WIDE: Final = 105
"""A table of more characters in a row than this stands on a page that lies on its side."""
_FEW: Final = 8
"""With no more rows it stays upright: a page of its own would be empty."""
_DPI: Final = 96


class Writer:
    """Writes the elements of the page, in their order, to the end of a document."""

    def __init__(self, document: Any, pictures: list[str]) -> None:
        self.document, self.pictures = document, pictures
        self.numbers = {"Figure": 0, "Table": 0}
        self.bookmarks: set[str] = set()
        # python-docx looks a style up by reading all of them
        self.styles = {style.name: style.style_id for style in document.styles}
        self.body, self.end = document.element.body, document.element.body.sectPr

    def styled(self, style: str) -> Any:
        """A new paragraph at the end."""
        made = OxmlElement("w:p")
        made.style = self.styles[style]
        self.end.addprevious(made)
        return Paragraph(made, self.document._body)

    # Structure

    def contents(self, main: Element) -> None:
        """The chapters with their pages: Word and LibreOffice work the page numbers out."""
        write(self.styled("TOC Heading"), "Contents")
        for chapter in main.findall(".//h2"):
            line = self.styled("toc 1")
            line.paragraph_format.tab_stops.add_tab_stop(
                self.room(), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS
            )
            line.paragraph_format.space_after = Pt(2)
            anchor = name_of(chapter.get("id"))
            link(line, anchor, _text(chapter))
            write(line, "\t")
            field(line, rf"PAGEREF {anchor} \h", "", dirty=True)

    def room(self) -> int:
        """How wide the text is on the page that is written now."""
        section = self.document.sections[-1]
        return int(section.page_width - section.left_margin - section.right_margin)

    def blocks(self, parent: Element) -> None:
        """Every block of an element."""
        for element in parent:
            if isinstance(element.tag, str):
                self.block(element)

    def block(self, element: Element) -> None:
        classes = set((element.get("class") or "").split())
        tag = element.tag
        if classes & _LEFT_OUT or tag == "summary" or element.get("aria-hidden") == "true":
            return
        if tag == "details":
            said = _text(element.find("summary"))
            if said in _FOLDED:
                return
            if "kpi-more" in classes:
                write(self.styled("Normal"), said, bold=True)
        if tag in ("h2", "h3", "h4"):
            self.paragraph(element, f"Heading {int(tag[1]) - 1}")
        elif tag == "p":
            self.paragraph(element, "KPI Note" if "kpi-note" in classes else "Normal")
        elif tag in ("ul", "ol"):
            self.items(element)
        elif tag == "dl":
            self.strip(element) if "kpi-strip" in classes else self.terms(element)
        elif tag == "table":
            self.table(element)
        elif tag == "figure":
            self.figure(element)
        elif tag == "img":
            self.drawing(self.styled("Normal"), element)
        elif panel := next((colour for name, colour in _PANELS.items() if name in classes), ""):
            begun = len(self.document.element.body)
            self.blocks(element)
            for child in list(self.document.element.body)[begun - 1 : -1]:
                shade(child, panel)
        else:
            self.blocks(element)

    def paragraph(self, element: Element, style: str) -> Any:
        if not _text(element) and not element.findall(".//img"):
            return None
        paragraph = self.styled(style)
        for holder in (element, *element.iterancestors("article")):
            if holder.get("id") and (holder is element or style == "Heading 2"):
                self.bookmark(paragraph, holder.get("id"))
        self.inline(paragraph, element)
        return paragraph

    def bookmark(self, paragraph: Any, anchor: str) -> None:
        name = name_of(anchor)
        if name not in self.bookmarks:
            self.bookmarks.add(name)
            bookmark(paragraph, name, len(self.bookmarks))

    def items(self, element: Element) -> None:
        for item in element.findall("li"):
            paragraph = self.styled("List Bullet")
            if item.get("id"):
                self.bookmark(paragraph, item.get("id"))
            self.inline(paragraph, item)

    def terms(self, element: Element) -> None:
        for pair in element.iter("div"):
            paragraph = self.styled("Normal")
            self.inline(paragraph, pair.find("dt"), bold=True)
            write(paragraph, ": ")
            self.inline(paragraph, pair.find("dd"))

    def strip(self, element: Element) -> None:
        """The facts of a card as a table: what they are in its head, the figures below."""
        pairs = element.findall("div")
        rows = [[pair.find("dt") for pair in pairs], [pair.find("dd") for pair in pairs]]
        self.grid([(rows[0], True), (rows[1], False)], "")

    def figure(self, element: Element) -> None:
        title = element.find("figcaption")
        for child in element:
            if child.tag == "img":
                holder = self.styled("Normal")
                holder.paragraph_format.keep_with_next = True
                self.drawing(holder, child)
            elif child is not title:
                self.block(child)
        if title is not None and element.findall(".//img"):
            self.caption("Figure", _text(title))

    def caption(self, kind: str, text: str) -> Any:
        self.numbers[kind] += 1
        paragraph = self.styled("Caption")
        paragraph.paragraph_format.keep_with_next = kind == "Table"
        write(paragraph, f"{kind} ")
        field(paragraph, f"SEQ {kind} \\* ARABIC", str(self.numbers[kind]))
        write(paragraph, f": {text}")
        return paragraph

    # Tables

    def table(self, element: Element) -> None:
        rows = [
            ([cell for cell in row if cell.tag in ("th", "td")], row.getparent().tag == "thead")
            for row in element.iter("tr")
        ]
        widths = _widths(rows)
        lies = (
            len(rows) > _FEW and len(widths) > 4 and sum(min(width, 27) for width in widths) > _WIDE
        )
        if lies:
            self.turned(WD_ORIENT.LANDSCAPE)
        caption = element.find("caption")
        text = _text(caption) if caption is not None else ""
        if text:
            self.caption("Table", text)
        self.grid(rows, text)
        if lies:
            self.turned(WD_ORIENT.PORTRAIT)

    def turned(self, orientation: Any) -> None:
        section = self.document.add_section()
        width, height = sorted((section.page_width, section.page_height))
        if orientation == WD_ORIENT.LANDSCAPE:
            width, height = height, width
        section.orientation, section.page_width, section.page_height = orientation, width, height

    def grid(self, rows: list[tuple[list[Element], bool]], described: str) -> None:
        columns = max(sum(int(cell.get("colspan") or 1) for cell in cells) for cells, _ in rows)
        table = self.document.add_table(0, columns)
        if "Table Grid" in self.styles:
            table._tbl.tblStyle_val = self.styles["Table Grid"]
        open_cells: dict[int, int] = {}
        for cells, is_head in rows:
            row, place, waiting = table._tbl.add_tr(), 0, list(cells)
            while place < columns and (waiting or open_cells.get(place)):
                if open_cells.get(place):
                    open_cells[place] -= 1
                    place += spanned(row, table, 1, "continue")[1]
                    continue
                cell = waiting.pop(0)
                down = int(cell.get("rowspan") or 1)
                if down > 1:
                    open_cells[place] = down - 1
                paragraph, wide = spanned(
                    row, table, int(cell.get("colspan") or 1), "restart" if down > 1 else ""
                )
                place += wide
                paragraph._p.style = self.styles["KPI Table"]
                if "kpi-n" in (cell.get("class") or "").split():
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
                self.inline(paragraph, cell, bold=is_head or cell.tag == "th")
                if is_head:
                    shade(paragraph._p.getparent(), "eef3f8")
        mark_table(
            table, _widths(rows), self.room(), sum(is_head for _, is_head in rows), described
        )
        self.styled("KPI Table")

    # Within a paragraph

    def inline(
        self,
        paragraph: Any,
        element: Element,
        *,
        bold: bool = False,
        italic: bool = False,
        colour: str = "",
    ) -> None:
        def run(text: str | None) -> None:
            words = re.sub(r"\s+", " ", text or "")
            if not begun(paragraph) or (paragraph._p[-1].text or "").endswith(" "):
                words = words.lstrip()
            if words:
                write(paragraph, words, bold=bold, italic=italic, look=COLOURS.get(colour))

        run(element.text)
        for child in element:
            self.within(paragraph, child, bold=bold, italic=italic, colour=colour)
            run(child.tail)

    def within(
        self, paragraph: Any, child: Element, *, bold: bool, italic: bool, colour: str
    ) -> None:
        classes = set((child.get("class") or "").split())
        if child.tag == "a" and "kpi-pn" in classes:
            for anchor in (child.get("id"), child.get("href", "#")[1:]):
                self.bookmark(paragraph, anchor)
            write(paragraph, f"{_text(child)} ", bold=bold)
        elif child.get("aria-hidden") == "true" or classes & _LEFT_OUT:
            return
        elif child.tag == "a" and child.get("href", "").startswith("#"):
            link(paragraph, name_of(child.get("href")[1:]), _text(child), bold=bold)
        elif child.tag == "img":
            self.drawing(paragraph, child)
        elif "kpi-marks" in classes:
            for mark in child.iter("img"):
                self.shape(paragraph, mark)
        elif classes & {"kpi-change", "kpi-mark"}:
            write(paragraph, f"({_text(child)})")
        else:
            if child.tag in _BLOCKS and begun(paragraph):
                write(paragraph, " ")
            looks = [name[4:] for name in classes if name[4:] in COLOURS and "kpi-rag" in classes]
            self.inline(
                paragraph,
                child,
                bold=bold or child.tag in ("b", "strong") or bool(looks),
                italic=italic or child.tag in ("i", "em"),
                colour=looks[0] if looks else colour,
            )

    def shape(self, paragraph: Any, element: Element) -> None:
        """One of the last ratings as a character; each picture's alternative text has the words."""
        found = re.search(r"kpi-s-([\w-]+)", self.pictures[int(element.get("alt"))])
        look = found[1] if found else ""
        write(
            paragraph,
            f"{SHAPES.get(look, '◌')} ",
            ink=COLOURS[look].edge if look in COLOURS else "",
        )

    def drawing(self, paragraph: Any, element: Element) -> None:
        """A picture at twice the pixels of a screen, with its title and description as alternative text."""
        svg = self.pictures[int(element.get("alt"))]
        if 'role="img"' not in svg:
            return
        root = lxml.etree.fromstring(
            svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
        )
        wide, high = map(float, root.get("viewBox").split()[2:])
        said = [part.text for part in root if part.tag.endswith(("}title", "}desc")) and part.text]
        for name, value in (
            ("width", f"{wide:g}"),
            ("height", f"{high:g}"),
            ("font-family", _FONT),
        ):
            root.set(name, value)
        png = vl_convert.svg_to_png(lxml.etree.tostring(root, encoding="unicode"), scale=2)
        across = min(wide / _DPI * 25.4 * (1.05 if wide > 200 else 0.7), 165)
        picture(paragraph, png, Mm(across), ". ".join(said))


def _widths(rows: list[tuple[list[Element], bool]]) -> list[int]:
    """How much room each column asks for, in characters: its longest cell up to thirty, its longest word at least."""
    columns = max(len(cells) for cells, _ in rows)
    found = [4] * columns
    for cells, is_head in rows:
        for place, cell in enumerate(cells) if len(cells) == columns else ():
            text = _text(cell)
            words = max(map(len, text.split()), default=0)
            least = 14 * bool(cell.findall(".//img[@class='kept']")) if not text else 0
            asked = max(words, least if is_head else min(len(text), 30), least)
            found[place] = max(found[place], asked + 3, 8)
    return found


def _text(element: Element) -> str:
    """The words of an element, but for what is not read aloud."""
    return " ".join("".join(_spoken(element)).split())


def _spoken(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        hidden = child.get("aria-hidden") == "true" or "kpi-label" in (child.get("class") or "")
        if isinstance(child.tag, str) and not hidden:
            yield from _spoken(child)
        yield child.tail or ""
