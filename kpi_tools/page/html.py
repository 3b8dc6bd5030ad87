"""Pieces of the report as HTML that is safe by construction: templates escape what they are given.

A piece shows itself in JupyterLab and is taken over unchanged into the report. Charts are inline
SVG, so both need neither JavaScript nor internet.
"""

import re
import textwrap
from functools import lru_cache
from typing import Any

import mistune
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from kpi_tools.rows import Rows
from kpi_tools.wording import capitalised, in_words, listed, plural

MADE_HERE = "kpi_tools"
"""Key in an output's metadata: `report` for a piece of the report, `style` for JupyterLab's styles.
"""
_WRAPPED = '<div class="kpi mathjax_ignore">', "</div>"
"""Around a piece in a notebook: the styles reach it, and no sum in dollars becomes mathematics."""
_PLAIN = 600
"""So many characters of a piece are stored as plain text beside it, for who cannot see the rest."""
_STYLED_BY_LAB = (
    "h2,h3,h4,h5,p,ul,ol,li,dl,dt,dd,table,caption,thead,tbody,tr,th,td,a,b,figure,figcaption,"
    "details,summary"
)


class Html(Markup):
    """A piece of HTML made by this package's templates; `+` puts pieces after one another."""

    def __repr__(self) -> str:
        return textwrap.shorten(self.striptags(), _PLAIN, placeholder=" …")

    def _repr_html_(self) -> str:
        return f"{_WRAPPED[0]}{self}{_WRAPPED[1]}"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, {MADE_HERE: "report"}


class _Style(Html):
    """The styles of pieces in a notebook, which are no piece of the report."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": str(self), "text/plain": ""}, {MADE_HERE: "style"}


def unwrapped(markup: str) -> str:
    """What a notebook stored of a piece, without the wrapper that carries the styles there."""
    return markup.removeprefix(_WRAPPED[0]).removesuffix(_WRAPPED[1])


def render(template: str, **values: Any) -> Html:
    """The template of `page/template`, filled in; every value that is not `Html` is escaped."""
    return Html(_environment().get_template(template).render(**values))


def piece(macro: str, *values: Any) -> Html:
    """A small piece by a macro of `pieces.html.j2`."""
    return Html(getattr(_environment().get_template("pieces.html.j2").module, macro)(*values))


_small = lru_cache(4096, typed=True)(piece)  # a page says the same small things many times


def style() -> _Style:
    """The styles of the report's pieces, for a notebook: show it once, in the cell of the imports.
    They touch nothing outside the pieces. The report has them in its head, so this output is left
    out there."""
    env = _environment()
    source, _, _ = env.loader.get_source(env, "components.css")  # type: ignore[union-attr]
    # JupyterLab styles lists, tables and headings of every output: here that is undone, and
    # outranked (by an id that never is)
    nested = re.sub(r"\.kpi(?![-\w])", "&", source)
    reset = f"& :where({_STYLED_BY_LAB}) {{ all: revert }}"
    return _Style(f"<style>.kpi:not(#kpi-none) {{ {reset}\n{nested} }}</style>")


def markdown(text: str | None) -> Markup:
    """Commentary's small Markdown: paragraphs, lists, emphasis; raw HTML as text, no addresses."""
    return Markup(_markdown()(text or "").strip())


def slug(text: str) -> str:
    """`growth-economic-development` for a heading: the stable anchor of its section."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def section(title: str, *contents: Html | str, anchor: str | None = None) -> Html:
    """A numbered section: its heading and contents. `anchor` defaults to the heading's words."""
    pieces = (content if isinstance(content, Html) else paragraphs(content) for content in contents)
    return piece("heading", title, anchor or slug(title)) + Html("").join(pieces)


def paragraphs(*texts: Html | str) -> Html:
    """Numbered paragraphs, which a minute can cite, of plain text or of a piece without blocks."""
    return piece("paragraphs", texts)


def badge(rating: str, look: str | None = None, *, doubted: bool = False) -> Html:
    """A rating as word, colour and shape, with a question mark where its figure is in doubt."""
    return _small("badge", rating, look, doubted)


def figure_with_status(text: str, status: str | None) -> Html:
    """A figure with the mark its status asks for: none for final ones."""
    return _small("figure_with", text, status)


def report_table(
    rows: Rows,
    caption: str,
    *,
    name: str | None = None,
    totals: int = 0,
    quiet: bool = True,
    look: str = "",
    numbers: bool = False,
) -> Html:
    """Rows as a table: their first cells = row headers, the rest of text, numbers or `Html`.

    Numbers stand right, all else left; it scrolls by itself on narrow screens. `name`: the stem of
    the caption's id, unique on the page; `totals`: how many of the last rows are totals; `quiet`:
    whether the caption is read aloud but not seen; `look`: a class of its own; `numbers`: whether
    all cells are numbers.
    """
    first = rows[0] if rows else {}
    right = [numbers or isinstance(cell, (int, float)) for cell in first.values()]
    return render(
        "table.html.j2",
        heads=list(first),
        rows=[list(row.values()) for row in rows],
        right=[False, *right[1:]],
        caption=caption,
        name=name or slug(caption),
        totals=totals,
        quiet=quiet,
        look=look,
    )


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("kpi_tools.page", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters |= {"markdown": markdown, "capitalised": capitalised, "slug": slug}
    words = {"in_words": in_words, "listed": listed, "plural": plural}
    environment.globals |= words | {"table": report_table}
    return environment


@lru_cache
def _markdown(numbered: bool = False) -> Any:
    return mistune.Markdown(renderer=_Plain(numbered))


def notebook_markdown(text: str) -> Markup:
    """A notebook's Markdown: anchored headings, numbered paragraphs; raw HTML as text."""
    return Markup(_markdown(numbered=True)(text).strip())


class _Plain(mistune.HTMLRenderer):
    """Nothing but text: no raw HTML, no addresses, no images."""

    def __init__(self, numbered: bool) -> None:
        super().__init__(escape=True)
        self.numbered = numbered

    def link(self, text: str, url: str, title: str | None = None) -> str:
        inside = self.numbered and re.fullmatch(r"#[\w.-]+", url)
        return f'<a href="{escape(url)}">{text}</a>' if inside else text

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def paragraph(self, text: str) -> str:
        return str(paragraphs(Html(text))) if self.numbered else f"<p>{text}</p>"

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if not self.numbered:
            return f"<p><strong>{text}</strong></p>"
        if level == 2:
            return str(piece("heading", Markup(text), slug(Markup(text).striptags())))
        return "" if level == 1 else f'<h{level} class="kpi-sub">{text}</h{level}>'

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<p>{escape(code)}</p>"
