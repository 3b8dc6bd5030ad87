"""What a published page may consist of: a short list of elements and attributes, and no address but its own anchors."""

import re
from collections import Counter
from html.parser import HTMLParser

from kpi_tools.errors import KpiError

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
_VOID = {"meta", "br", "hr"}
_METAS = {"content-security-policy"}
_WORDS = {"content", "aria-label"}  # read to people and machines, never fetched
_SHOWN = 5


def assert_self_contained(page: str) -> None:
    """Raise `KpiError` if the page could run or fetch anything, or refers to an anchor it does not have.

    Allowed are plain elements and attributes by list; links lead to anchors of the same page; one style sheet,
    without imports or addresses, and no inline styles; every id once; every element closed where it was opened.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    faults = list(dict.fromkeys(reader.faults))
    faults += [f'id "{name}" stands {count} times' for name, count in reader.ids.items() if count > 1]
    faults += [f'nothing has the id "{name}"' for name in dict.fromkeys(reader.references) if name not in reader.ids]
    if reader.styles != 1:
        faults.append(f"{reader.styles} style sheets instead of one")
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
        self._in_style = False
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _ELEMENTS.split():
            self.faults.append(f"element <{tag}>")
        if tag not in _VOID:
            self._open.append(tag)
        self._in_style = tag == "style"
        self.styles += self._in_style
        for name, given in attrs:
            value = given or ""
            if name not in _ATTRIBUTES.split():
                self.faults.append(f"attribute {name} on <{tag}>")
            elif name == "href":
                if tag == "a" and value.startswith("#"):
                    self.references.append(value[1:])
                else:
                    self.faults.append(f'<{tag}> leads to "{value[:80]}"')
            elif name == "id":
                self.ids[value] += 1
            elif name in ("aria-labelledby", "aria-describedby"):
                self.references += value.split()
            elif name == "http-equiv" and value.lower() not in _METAS:
                self.faults.append(f'<meta http-equiv="{value}">')
            elif name not in _WORDS and "url(" in value.lower() and not re.fullmatch(r"url\(#[\w-]+\)", value):
                self.faults.append(f'{name} on <{tag}> refers to "{value[:80]}"')

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        if tag not in _VOID and (not self._open or self._open.pop() != tag):
            self.faults.append(f"</{tag}> closes what is not open")

    def handle_data(self, data: str) -> None:
        if self._in_style and re.search(r"@import|url\(|image-set|expression\(|\\", data, re.I):
            self.faults.append("the style sheet refers to something outside")

    def handle_comment(self, data: str) -> None:
        self.faults.append("a comment")

    def handle_pi(self, data: str) -> None:
        self.faults.append("a processing instruction")
