"""What a published page may consist of: a short list of elements and attributes, and no address but its own anchors."""

import re
from collections import Counter
from html.parser import HTMLParser

from kpi_tools.errors import KpiError
from kpi_tools.report.export import policy

_ELEMENTS = """
    html head meta title style body a header footer nav main section article div span p h1 h2 h3 h4 h5 h6 ul ol li dl
    dt dd table caption thead tbody tr th td figure figcaption details summary strong em b i code br hr time blockquote
    svg g path text rect circle line desc defs clippath
"""
_ATTRIBUTES = """
    id class lang role tabindex href charset name content http-equiv scope colspan rowspan datetime start
    aria-label aria-labelledby aria-describedby aria-hidden
    viewbox d fill stroke stroke-width stroke-dasharray transform text-anchor font-size font-weight x y width height
    x1 x2 y1 y2 cx cy r dx dy opacity fill-opacity stroke-opacity stroke-linecap stroke-linejoin clip-path paint-order
"""
_ELEMENT, _ATTRIBUTE = frozenset(_ELEMENTS.split()), frozenset(_ATTRIBUTES.split())
_VOID = {"meta", "br", "hr"}
_METAS = {"content-security-policy"}
_WORDS = {"content", "aria-label"}  # read to people and machines, never fetched
_DRAWN = {"d", "fill", "stroke", "transform", "clip-path", "stroke-dasharray"}
_DRAWN |= {"font-size", "font-weight", "paint-order"}
# What a reader does not see: control characters, and marks that hide or reverse text.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff]"
)
_PLAIN = re.compile(r"url\(#[\w-]+\)|(?!.*url\()[\w#.,()% +-]*", re.S | re.I)
_SHOWN = 5


def assert_self_contained(page: str) -> None:
    """Raise `KpiError` if the page could run or fetch anything, misleads, or refers to an anchor it does not have.

    Allowed are plain elements and attributes by list; links lead to anchors of the same page; one style sheet,
    without imports or addresses, and no inline styles; every id once; every element closed where it was opened; no
    unseen characters. The policy that forbids the browser everything else comes before anything it is to hold for.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    faults = list(dict.fromkeys(reader.faults))
    faults += [
        f'id "{name}" stands {count} times' for name, count in reader.ids.items() if count > 1
    ]
    faults += [
        f'nothing has the id "{name}"'
        for name in dict.fromkeys(reader.references)
        if name not in reader.ids
    ]
    faults += [f"<{tag}> is not closed" for tag in reader.unclosed]
    if reader.styles != 1:
        faults.append(f"{reader.styles} style sheets instead of one")
    if reader.begins != ["html", "head", "meta", "meta"] or reader.policies != [
        policy(reader.style)
    ]:
        faults.append(
            "its policy does not stand at the head, or is not the one for its style sheet"
        )
    # in a drawing, browsers read elements in a title, and Python's reader may not
    if len(re.findall(r"<title[^>]*>[^<]*</title>", page)) != len(re.findall("<title", page, re.I)):
        faults.append("an element in a title")
    if unseen := _UNSEEN.search(page):
        faults.append(f"the unseen character U+{ord(unseen[0]):04X}")
    if faults:
        more = f" (and {len(faults) - _SHOWN} more)" if len(faults) > _SHOWN else ""
        raise KpiError(f"The page is not fit to publish: {'; '.join(faults[:_SHOWN])}{more}.")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ids: Counter[str] = Counter()
        self.references: list[str] = []
        self.styles = 0
        self.style = ""
        self.policies: list[str | None] = []
        self.begins: list[str] = []
        self.unclosed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ELEMENT:
            self.faults.append(f"element <{tag}>")
        if tag not in _VOID:
            self.unclosed.append(tag)
        if len(self.begins) < 4:
            self.begins.append(tag)
        self.styles += tag == "style"
        given = dict(attrs)
        if tag == "meta" and "http-equiv" in given:
            self.policies.append(given.get("content"))
        for name, value in attrs:
            if fault := self._fault(tag, name, value or ""):
                self.faults.append(fault)

    def _fault(self, tag: str, name: str, value: str) -> str:
        if name not in _ATTRIBUTE:
            return f"attribute {name} on <{tag}>"
        if name == "href":
            if tag == "a" and value.startswith("#"):
                self.references.append(value[1:])
                return ""
            return f'<{tag}> leads to "{value[:80]}"'
        if name == "id":
            self.ids[value] += 1
        elif name in ("aria-labelledby", "aria-describedby"):
            self.references += value.split()
        elif name == "http-equiv" and value.lower() not in _METAS:
            return f'<meta http-equiv="{value[:80]}">'
        elif name == "class" and not re.fullmatch(r"[\w -]*", value):
            return f'class "{value[:80]}" on <{tag}>'
        elif (
            not _PLAIN.fullmatch(value)
            if name in _DRAWN
            else name not in _WORDS and "url(" in value.lower()
        ):
            return f'{name} on <{tag}> refers to "{value[:80]}"'
        return ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID and "svg" not in self.unclosed:
            self.faults.append(f"<{tag}/> closes itself, which browsers do not see")
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and (not self.unclosed or self.unclosed.pop() != tag):
            self.faults.append(f"</{tag}> closes what is not open")

    def handle_data(self, data: str) -> None:
        if "style" not in self.unclosed:
            return
        self.style += data
        if re.search(r"@import|url\(|src\(|image-set|expression\(|\\", data, re.I):
            self.faults.append("the style sheet refers to something outside")

    def handle_comment(self, data: str) -> None:
        self.faults.append("a comment")

    def handle_pi(self, data: str) -> None:
        self.faults.append("a processing instruction")

    def unknown_decl(self, data: str) -> None:
        self.faults.append("a declaration")
