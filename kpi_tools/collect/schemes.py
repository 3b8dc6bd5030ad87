"""By which scheme of bands the ratings of a workbook were given: each of a list is tried."""

import re
from math import nan
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.collect import message
from kpi_tools.collect.kpis import Book
from kpi_tools.errors import InputError
from kpi_tools.page.html import render
from kpi_tools.rating import rate
from kpi_tools.rows import rows_of
from kpi_tools.schemes import COLOURS, Scheme, parse_schemes
from kpi_tools.vocabulary import NOT_RATED
from kpi_tools.wording import plural, show_line

CANDIDATES: Final = tuple(Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines())
"""Schemes that councils have, the simplest first."""
FLOOR: Final = CANDIDATES[0]
ENOUGH: Final = 0.6
"""The share of the ratings that a scheme has to give for it to be taken as theirs."""
_OF_KPI: Final = ("kpi_id", "kpi_name", "polarity", "unit")
_OF_RATING: Final = ("place", "period", "theirs", "target", "floor_standard", "value")
_EARLIER: Final = ("previous", "same_quarter_last_year")


class Agreement(NamedTuple):
    """How many of the ratings in a workbook a scheme gives."""

    bands: str
    same: int
    of: int


def bands_of(bands: str) -> list[dict[str, Any]]:
    """`Green: target; Amber: target within 10%; Red` as council.toml has it."""
    rows = list[dict[str, Any]]()
    for text in filter(None, map(str.strip, bands.split(";"))):
        name, _, lines = text.partition(":")
        meets = [line.strip() for line in re.split(r"\bor\b", lines) if line.strip()]
        row = {"name": name.strip(), "meets": meets[0] if len(meets) == 1 else meets}
        rows.append(row if meets else {"name": name.strip()})
    if not rows or any(str(row["name"]).casefold() not in COLOURS for row in rows):
        raise InputError(message("no_bands", bands=bands, such=CANDIDATES[2]))
    return rows


def scheme_of(bands: str) -> Scheme:
    """The scheme that such a line stands for. Raises `InputError`."""
    return parse_schemes({"bands": bands_of(bands)}, "bands")[""]


def rated_cells(book: Book) -> pd.DataFrame:
    """A row for each rating of the workbook beside a figure, with the lines in force for it."""
    of_kpis = [({name: kpi.get(name) for name in _OF_KPI}, kpi.rated()) for kpi in book.kpis]
    rows = [kpi | row for kpi, rated in of_kpis for row in rated]
    names = [*_OF_KPI, *_OF_RATING, *_EARLIER]
    return pd.DataFrame(rows, columns=names).assign(tolerance=nan)


def ratings_by(cells: pd.DataFrame, bands: str) -> pd.Series:
    """Our rating of each cell by a scheme."""
    return rate(cells.drop(columns="unit"), {"": scheme_of(bands)})["rating"]


def agreements(cells: pd.DataFrame) -> list[Agreement]:
    """How each scheme agrees with the ratings, the best first. Where a polarity is not known the
    better one counts, KPI by KPI."""
    cells = cells[cells["target"].notna()].reset_index(drop=True)
    unknown = ~cells["polarity"].isin(("higher", "lower", "target"))
    ways = [
        cells.assign(polarity=cells["polarity"].mask(unknown, way))
        for way in (("higher", "lower") if unknown.any() else ("higher",))
    ]
    floors, found = cells["floor_standard"].notna().any(), []
    for bands in CANDIDATES if len(cells) else ():
        if floors or "floor_standard" not in bands:
            same = pd.concat([ratings_by(one, bands) == cells["theirs"] for one in ways], axis=1)
            by_kpi = same.groupby(cells["kpi_id"]).sum().max(axis=1)
            found.append(Agreement(bands, int(by_kpi.sum()), len(cells)))
    return sorted(found, key=lambda one: -one.same)


def differences_page(cells: pd.DataFrame, bands: str, tried: list[Agreement], council: str) -> str:
    """The page of where our rating is not the one in the workbook, KPI by KPI."""
    cells = cells.assign(ours=ratings_by(cells, bands))
    unlike = cells[cells["ours"] != cells["theirs"]]
    same, figures, units = len(cells) - len(unlike), unlike["value"].round(2), unlike["unit"]
    columns = {
        "KPI": unlike["kpi_id"],
        "Name": unlike["kpi_name"],
        "Period": unlike["period"],
        "Cell": unlike["place"],
        "Figure": [show_line(v, u, 0) for v, u in zip(figures, units, strict=True)],
        "Target": [show_line(v, u, 1) for v, u in zip(unlike["target"], units, strict=True)],
        "Theirs": unlike["theirs"],
        "Ours": unlike["ours"],
        "Why": np.select(
            [unlike["ours"] != NOT_RATED, unlike["target"].isna()],
            ["", "it has no target"],
            "a line or the polarity is not set",
        ),
    }
    best = [
        {"Bands": one.bands, "Ratings that agree": f"{one.same:,} of {one.of:,}"}
        for one in tried[:12]
    ]
    of: dict[str, Any] = {"same": same, "of": len(cells), "bands": bands, "tried": best}
    of |= {"ratings": plural(len(cells), "rating"), "unlike": rows_of(pd.DataFrame(columns))}
    title = f"{council}: ratings in the workbook beside ours"
    return render("differences.html.j2", title=title, **of)
