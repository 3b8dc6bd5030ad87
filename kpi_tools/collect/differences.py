"""The page of differences: where our rating is not the colour or word in their workbook, KPI by KPI."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from kpi_tools.collect.pages import page, table
from kpi_tools.collect.schemes import Agreement
from kpi_tools.vocabulary import NOT_RATED
from kpi_tools.wording import plural, show, show_line


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
            row["kpi_id"],
            row["kpi_name"],
            row["period"],
            f"{row['sheet']} {row['cell']}".strip(),
            show(row["value"], row["unit"], _places(row["value"])),
            show_line(row["target"], row["unit"], 1),
            row["theirs"],
            row["ours"],
            _why(row),
        )
        for row in unlike.to_dict("records")
    ]
    heads = ("KPI", "Name", "Period", "Cell", "Figure", "Target", "Theirs", "Ours", "Why")
    parts = [f"<p>{said} Ours are by: {escape(bands)}.</p>"]
    if rows:
        parts.append(table(f"Where they differ ({len(rows):,})", heads, rows))
    if tried:
        best = [(one.bands, f"{one.same:,} of {one.of:,}") for one in tried[:12]]
        parts.append(
            table("Schemes that were tried, the best first", ("Bands", "Ratings that agree"), best)
        )
        parts.append("<p>To rate by another, write its bands under [rating] in council.toml.</p>")
    return page(title, parts)


def _places(value: float) -> int:
    return 0 if value % 1 == 0 else 1 if round(value * 10) == value * 10 else 2


def _why(row: dict[str, object]) -> str:
    if row["ours"] != NOT_RATED:
        return ""
    return "it has no target" if pd.isna(row["target"]) else "a line or the polarity is not set"
