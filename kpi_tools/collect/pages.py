"""A plain page of tables in one HTML file without script, for who works on the data."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from jinja2 import Template
from markupsafe import Markup


def page(title: str, parts: Iterable[str]) -> str:
    """The whole file; a part that is no `Markup` is a paragraph."""
    form = Path(__file__).with_name("page.html.j2").read_text("utf-8")
    blocks = [one if isinstance(one, Markup) else Markup("<p>{}</p>").format(one) for one in parts]
    return f"{Template(form, autoescape=True).render(title=title, parts=blocks)}\n"


def table(caption: str, rows: pd.DataFrame) -> Markup:
    """Rows as a table of the page."""
    html = rows.to_html(index=False, border=0, na_rep="").replace("<th>", '<th scope="col">')
    return Markup(html.replace(">", Markup("><caption>{}</caption>").format(caption), 1))
