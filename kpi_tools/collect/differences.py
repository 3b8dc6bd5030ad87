"""The page of differences: where our rating is not the colour or word in their workbook, KPI by KPI."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from kpi_tools.collect.schemes import Agreement
from kpi_tools.vocabulary import NOT_RATED
from kpi_tools.wording import plural, show, show_line

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}caption{text-align:left;font-weight:600;padding:.3rem 0}"
    "th,td{border-bottom:1px solid #b8bfc6;padding:.3rem .5rem;text-align:left;vertical-align:top}td.n{text-align:right}"
)


def differences_page(
    cells: pd.DataFrame, bands: str, tried: Sequence[Agreement], council: str
) -> str:
    """One HTML file without script; `cells`: `rated_cells` with `ours`."""
    unlike = cells[cells["ours"] != cells["theirs"]]
    same = len(cells) - len(unlike)
    title = f"{council}: ratings in the workbook beside ours"
    said = f"{same:,} of {plural(len(cells), 'rating')} in the workbook {'is' if same == 1 else 'are'} ours as well."
    if not len(cells):
        said = "The workbook has no rating beside a figure."
    rows = [
        (
            row["kpi_id"], row["kpi_name"], row["period"], f"{row['sheet']} {row['cell']}".strip(),
            show(row["value"], row["unit"], _places(row["value"])), show_line(row["target"], row["unit"], 1),
            row["theirs"], row["ours"], _why(row),
        )
        for row in unlike.to_dict("records")
    ]  # fmt: skip
    heads = ("KPI", "Name", "Period", "Cell", "Figure", "Target", "Theirs", "Ours", "Why")
    parts = [f"<h1>{escape(title)}</h1><p>{said} Ours are by: {escape(bands)}.</p>"]
    if rows:
        parts.append(_table(f"Where they differ ({len(rows):,})", heads, rows))
    if tried:
        best = [(one.bands, f"{one.same:,} of {one.of:,}") for one in tried[:12]]
        parts.append(
            _table("Schemes that were tried, the best first", ("Bands", "Ratings that agree"), best)
        )
        parts.append("<p>To rate by another, write its bands under [rating] in council.toml.</p>")
    return (
        f'<!doctype html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><main>'
        f"{''.join(parts)}</main></body></html>\n"
    )


def _places(value: float) -> int:
    return 0 if value % 1 == 0 else 1 if round(value * 10) == value * 10 else 2


def _why(row: dict[str, object]) -> str:
    if row["ours"] != NOT_RATED:
        return ""
    return "it has no target" if pd.isna(row["target"]) else "a line or the polarity is not set"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
