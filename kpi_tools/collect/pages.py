"""What is made of templates: plain pages of tables for who works on the data, council.toml."""

from pathlib import Path
from typing import Any, Final

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

_FORMS: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    keep_trailing_newline=True,
)


def filled(form: str, **what: Any) -> str:
    """The text that a template of this folder makes."""
    return _FORMS.get_template(f"{form}.j2").render(table=table, **what)


def table(caption: str, rows: pd.DataFrame) -> Markup:
    """Rows as a table of the page."""
    html = rows.to_html(index=False, border=0, na_rep="").replace("<th>", '<th scope="col">')
    return Markup(html.replace(">", Markup("><caption>{}</caption>").format(caption), 1))
