"""Pieces of the report as HTML that is safe by construction: templates escape whatever they are given.

A piece shows itself in JupyterLab and is taken over unchanged into the report. Charts are inline SVG, so both need
neither JavaScript nor internet.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import mistune
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

MADE_HERE = "kpi_tools"
"""Key in an output's metadata: `report` for a piece of the report, `style` for the styles JupyterLab needs."""
SAID = "kpi_tools_said"
"""Key in an output's metadata: what a piece says, for a program to read."""


_WRAPPED = '<div class="kpi">', "</div>"


_STYLED_BY_LAB = "h2,h3,h4,h5,p,ul,ol,li,dl,dt,dd,table,caption,thead,tbody,tr,th,td,a,b,figure,figcaption,details,summary"


class Html:
    """A piece of HTML made by this package's templates, with `+` to put pieces after one another (without what they `said`)."""

    def __init__(
        self, markup: Markup | str = "", kind: str = "report", said: Mapping[str, Any] | None = None
    ) -> None:
        self.markup = Markup(markup)
        self.metadata = {MADE_HERE: kind} | ({} if said is None else {SAID: said})

    def __str__(self) -> str:
        return str(self.markup)

    def __html__(self) -> Markup:
        return self.markup

    def __repr__(self) -> str:
        return f"<report text, {len(self.markup):,} characters>"

    def __add__(self, other: "Html") -> "Html":
        return Html(self.markup + other.markup)

    def _repr_html_(self) -> str:
        report = self.metadata[MADE_HERE] == "report"
        return f"{_WRAPPED[0]}{self.markup}{_WRAPPED[1]}" if report else str(self.markup)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}, self.metadata


def unwrapped(shown: str) -> str:
    """What a notebook stored of a piece, without the wrapper that carries the styles there."""
    return shown.removeprefix(_WRAPPED[0]).removesuffix(_WRAPPED[1])


def render(template: str, **values: Any) -> Html:
    """The template of that name in `kpi_tools/page/template`, filled in; every value that is not `Html` is escaped."""
    return Html(Markup(_environment().get_template(template).render(**values)))


@lru_cache(4096, typed=True)  # a page says the same small things many times
def small(macro: str, *values: Any) -> Html:
    """A small piece by a macro of `pieces.html.j2`, for a table's cell."""
    return Html(getattr(_environment().get_template("pieces.html.j2").module, macro)(*values))


def style() -> Html:
    """The styles of the report's pieces, for a notebook: show it once, in the cell of the imports.

    They touch nothing outside the pieces. The report has them in its head, so this output is left out there.
    """
    source, _, _ = _environment().loader.get_source(_environment(), "components.css")  # type: ignore[union-attr]
    # JupyterLab styles lists, tables and headings of every output: here that is undone, and outranked (an id that never is).
    nested = re.sub(r"\.kpi(?![-\w])", "&", source)
    reset = f"& :where({_STYLED_BY_LAB}) {{ all: revert }}"
    return Html(Markup(f"<style>.kpi:not(#kpi-none) {{ {reset}\n{nested} }}</style>"), kind="style")


def markdown(text: str | None) -> Markup:
    """Commentary's small Markdown: paragraphs, lists, emphasis. Raw HTML shows as text, links lose their address."""
    return Markup(_markdown()(text or "").strip())


def slug(text: str) -> str:
    """`growth-economic-development` for a heading: the stable anchor of its section."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "section"


def section(title: str, *contents: Html | str, anchor: str | None = None) -> Html:
    """A numbered section of the report: its heading and contents. `anchor` defaults to the heading's words."""
    heading = Markup('<h2 id="{}"><span class="kpi-sn"></span>{}</h2>').format(
        anchor or slug(title), title
    )
    pieces = (content if isinstance(content, Html) else paragraphs(content) for content in contents)
    return Html(heading + Markup("").join(piece.markup for piece in pieces))


def subheading(title: str) -> Html:
    """A heading below a section's."""
    return Html(Markup('<h3 class="kpi-sub">{}</h3>').format(title))


def paragraphs(*texts: Html | str, name: str | None = None) -> Html:
    """Numbered paragraphs, which a minute can cite, of plain text or of a piece without blocks (a text with its mark).

    `name` becomes the anchor of a paragraph that is not in every report; the others have their section's and a number.
    """
    if name is not None:
        (text,) = texts
        own = Markup(
            '<p class="kpi-para" id="{0}"><span class="kpi-pn" id="cite-{0}"></span>{1}</p>'
        )
        return Html(own.format(name, text))
    numbered = Markup('<p class="kpi-para"><span class="kpi-pn"></span>{}</p>')
    return Html(Markup("").join(numbered.format(text) for text in texts))


def bullets(items: Iterable[str]) -> Html:
    """A list of plain texts."""
    return Html(
        Markup('<ul class="kpi-bullets">{}</ul>').format(
            Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
        )
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
    environment.filters["markdown"] = markdown
    return environment


@lru_cache
def _markdown(numbered: bool = False) -> Any:
    return mistune.Markdown(renderer=_Plain(numbered))


def notebook_markdown(text: str) -> Markup:
    """A notebook's Markdown cell: headings get anchors, headings and paragraphs numbers; raw HTML shows as text."""
    return Markup(_markdown(numbered=True)(text).strip())


class _Plain(mistune.HTMLRenderer):
    """Nothing but text: no raw HTML, no addresses, no images."""

    def __init__(self, numbered: bool) -> None:
        super().__init__(escape=True)
        self.numbered = numbered

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return (
            f'<a href="{escape(url)}">{text}</a>'
            if self.numbered and re.fullmatch(r"#[\w.-]+", url)
            else text
        )

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return text

    def paragraph(self, text: str) -> str:
        return (
            f'<p class="kpi-para"><span class="kpi-pn"></span>{text}</p>'
            if self.numbered
            else f"<p>{text}</p>"
        )

    def heading(self, text: str, level: int, **attrs: Any) -> str:
        if not self.numbered:
            return f"<p><strong>{text}</strong></p>"
        if level == 1:
            return ""
        name = slug(Markup(text).striptags())
        return (
            f'<h2 id="{name}"><span class="kpi-sn"></span>{text}</h2>'
            if level == 2
            else (f'<h{level} class="kpi-sub">{text}</h{level}>')
        )

    def block_code(self, code: str, info: str | None = None) -> str:
        return f"<p>{escape(code)}</p>"
