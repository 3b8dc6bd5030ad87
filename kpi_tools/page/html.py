"""Pieces of the report as HTML that is safe by construction: templates escape whatever they are given.

A piece shows itself in JupyterLab and is taken over unchanged into the report. Charts are inline SVG, so both need
neither JavaScript nor internet.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import mistune
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from kpi_tools.terms import Terms
from kpi_tools.vocabulary import MONITORED, NOT_DUE, NOT_RATED

MADE_HERE = "kpi_tools"
"""Key in an output's metadata: `report` for a piece of the report, `style` for the styles JupyterLab needs."""
SAID = "kpi_tools_said"
"""Key in an output's metadata: what a piece says, for a program to read."""


KENT_LOOKS = {"Green": "green", "Amber": "amber", "Red": "red"}
"""The colours of the default bands; each colour has a shape of its own in the templates."""

_WRAPPED = '<div class="kpi mathjax_ignore">', "</div>"
"""Around a piece in a notebook: the styles reach it, and JupyterLab takes no sum in dollars for mathematics."""

_PLAIN = 600
"""So many characters of a piece are stored as plain text beside it, for who cannot see the rest."""
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

    def __bool__(self) -> bool:
        return bool(self.markup)

    def __html__(self) -> Markup:
        return self.markup

    def __repr__(self) -> str:
        return textwrap.shorten(self.markup.striptags(), _PLAIN, placeholder=" …")

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


def looks(terms: Terms) -> dict[str, str]:
    """The colour of each rating that a council has, by its name: green, amber, red, blue, grey, not-rated, monitored."""
    return terms.looks | {NOT_RATED: "not-rated", NOT_DUE: "not-rated", MONITORED: "monitored"}


def badge(rating: str, look: str | None = None, *, doubted: bool = False) -> Html:
    """A rating as word, colour and shape, with a question mark where its figure is in doubt."""
    return small("badge", rating, look or KENT_LOOKS.get(rating, "not-rated"), doubted)


def shape(look: str) -> Html:
    """The shape of a colour, for beside a word."""
    return small("mark_of", look)


def arrow(direction: str) -> Html:
    """A direction of travel as word and arrow."""
    return small("direction", direction)


def figure_with_status(text: str, status: str | None) -> Html:
    """A figure with the mark its status asks for: none for final ones."""
    return small("figure_with", text, status)


def report_table(
    frame: pd.DataFrame,
    caption: str,
    *,
    name: str | None = None,
    totals: int = 0,
    wide: bool = False,
    quiet: bool = False,
    look: str = "",
    numbers: bool = False,
) -> Html:
    """`frame` as a table: first column = row headers, the rest cells; numbers stand right, text (or `Html`) left.

    Column labels that are pairs give two rows of heads, the first naming a group. `totals`: how many of the last rows
    are totals. `wide`: the table scrolls by itself on narrow screens. `quiet`: the caption is read aloud but not seen.
    `numbers`: all cells are numbers, also where the column holds other things.
    `name` is the stem of the caption's id, to be unique on the page (default: the caption's words).
    """
    kinds = [numbers or pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]
    kinds[0] = False
    records = list(frame.itertuples(index=False, name=None))
    rows = [
        {
            "head": row[0],
            "total": place >= len(records) - totals,
            "cells": [
                {"text": cell, "number": n} for cell, n in zip(row[1:], kinds[1:], strict=True)
            ],
        }
        for place, row in enumerate(records)
    ]
    heads = _heads(list(frame.columns), kinds)
    return render(
        "table.html.j2",
        heads=heads,
        rows=rows,
        caption=caption,
        wide=wide,
        quiet=quiet,
        look=look,
        name=name or slug(caption),
    )


def _heads(columns: list[Any], numbers: list[bool]) -> list[list[dict[str, Any]]]:
    plain = [
        {"text": column, "scope": "col", "span": 1, "down": 1, "number": number}
        for column, number in zip(columns, numbers, strict=True)
    ]
    if not any(isinstance(column, tuple) for column in columns):
        return [plain]
    groups: list[dict[str, Any]] = []
    below: list[dict[str, Any]] = []
    for (group, label), head in zip(columns, plain, strict=True):
        if not group:
            groups.append(head | {"text": label, "down": 2})
            continue
        below.append(head | {"text": label})
        if groups[-1]["text"] == group:
            groups[-1]["span"] += 1
        else:
            groups.append(head | {"text": group, "scope": "colgroup", "number": False})
    return [groups, below]


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
