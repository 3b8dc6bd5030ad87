"""A plain page of tables in one HTML file without script, for who works on the data."""

from collections.abc import Iterable
from typing import Final

import pandas as pd
from markupsafe import Markup

_PAGE: Final = Markup(
    '<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{title}</title>'
    '<meta name="viewport" content="width=device-width"><style>'
    "body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;"
    "color:#1a1a1a}}table{{border-collapse:collapse;width:100%;margin:1rem 0}}"
    "caption{{text-align:left;font-weight:600;padding:.3rem 0}}th,td{{border-bottom:1px solid "
    "#b8bfc6;padding:.3rem .5rem;text-align:left;vertical-align:top}}pre{{white-space:pre-wrap;"
    "border:1px solid #b8bfc6;padding:.8rem}}@media print{{body{{margin:0}}}}</style></head>"
    "<body><main><h1>{title}</h1>{parts}</main></body></html>\n"
)


def page(title: str, parts: Iterable[str]) -> str:
    """The whole file; a part that is no `Markup` is a paragraph."""
    blocks = (one if isinstance(one, Markup) else Markup("<p>{}</p>").format(one) for one in parts)
    return str(_PAGE.format(title=title, parts=Markup("").join(blocks)))


def table(caption: str, rows: pd.DataFrame) -> Markup:
    """Rows as a table of the page."""
    html = rows.to_html(index=False, border=0, na_rep="").replace("<th>", '<th scope="col">')
    return Markup(html.replace(">", Markup("><caption>{}</caption>").format(caption), 1))
