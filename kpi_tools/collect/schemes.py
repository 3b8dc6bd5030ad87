"""By which scheme of bands the ratings of a workbook were given: each of a list is tried on its figures and targets."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pandas as pd

from kpi_tools.collect.cells import Book, Kpi
from kpi_tools.collect.deduce import target_at
from kpi_tools.collect.recognise import quarter_of
from kpi_tools.errors import InputError
from kpi_tools.rating import rate
from kpi_tools.schemes import Scheme, parse_schemes

FLOOR: Final = "Green: target; Amber: floor_standard; Red"
_WITHIN: Final = (
    "10%",
    "5%",
    "2%",
    "15%",
    "20%",
    "3%",
    "1%",
    "2.5%",
    "7.5%",
    "5",
    "2",
    "10",
    "3",
    "1",
)
CANDIDATES: Final = (
    FLOOR,
    "Green: target; Red",
    *(f"Green: target; Amber: target within {within}; Red" for within in _WITHIN),
    "Green: target within 5%; Amber: target within 10%; Red",
    "Green: target within 2%; Amber: target within 5%; Red",
    "Green: target within 5%; Amber: target within 15%; Red",
    "Green: target within 10%; Amber: target within 20%; Red",
    "Green: target within 10%; Amber: same_quarter_last_year; Red",
    "Green: target within 5%; Amber: previous; Red",
    *(
        f"Blue: target beyond {beyond}; Green: target; Amber: {amber}; Red"
        for beyond in ("5%", "10%")
        for amber in ("floor_standard", "target within 5%", "target within 10%")
    ),
)
"""Schemes that councils have (COUNCILS, "A rating is an ordered list of bands"), the simplest first."""
ENOUGH: Final = 0.6
"""The share of the ratings that a scheme has to give for it to be taken as theirs."""


class Agreement(NamedTuple):
    """How many of the ratings in a workbook a scheme gives."""

    bands: str
    same: int
    of: int


def scheme_of(bands: str) -> Scheme:
    """The scheme that a line such as `Green: target; Amber: target within 10%; Red` stands for. Raises `InputError`."""
    return parse_schemes({"bands": bands_of(bands)}, "bands")[""]


def bands_of(bands: str) -> list[dict[str, Any]]:
    """The bands of such a line as council.toml has them."""
    rows = []
    for text in filter(None, map(str.strip, bands.split(";"))):
        name, _, lines = text.partition(":")
        meets = [line.strip() for line in re.split(r"\bor\b", lines) if line.strip()]
        rows.append(
            {"name": name.strip()}
            | ({"meets": meets[0] if len(meets) == 1 else meets} if meets else {})
        )
    if not rows:
        raise InputError(f'"{bands}" is no scheme. Write such as: {CANDIDATES[4]}')
    return rows


def rated_cells(book: Book) -> pd.DataFrame:
    """One row for each rating of the workbook that stands beside a figure, with the lines in force for it."""
    return pd.DataFrame(list(_cells(book)), columns=_COLUMNS)


_COLUMNS: Final = [
    "kpi_id",
    "kpi_name",
    "sheet",
    "cell",
    "period",
    "value",
    "target",
    "floor_standard",
    "tolerance",
    "polarity",
    "previous",
    "same_quarter_last_year",
    "theirs",
    "unit",
]


def _cells(book: Book) -> Iterator[tuple[Any, ...]]:
    for kpi in book.kpis:
        figures = kpi.of("actual") or kpi.of("cumulative")
        for period, (rating, where) in kpi.ratings.items():
            of = kpi.period_of(period)
            if of not in figures:
                continue
            earlier = sorted((p for p in figures if p < of), key=lambda p: quarter_of(p).label)
            ago = f"{int(of[:4]) - 1}-{int(of[:4]) % 100:02}{of[7:]}" if "Q" in of else ""
            yield (
                kpi.said["kpi_id"],
                kpi.said["kpi_name"],
                kpi.sheet,
                where,
                of,
                kpi.number(figures[of]),
                _line(kpi, of, "target"),
                _line(kpi, of, "floor_standard"),
                float("nan"),
                kpi.said.get("polarity", ""),
                kpi.number(figures[earlier[-1]]) if earlier else float("nan"),
                kpi.number(figures[ago]) if ago in figures else float("nan"),
                rating,
                kpi.said.get("unit", ""),
            )


def _line(kpi: Kpi, period: str, means: str) -> float:
    found = target_at(kpi, period, means)
    return kpi.number(found) if found else float("nan")


def ratings_by(cells: pd.DataFrame, bands: str) -> pd.Series:
    """Our rating of each cell by a scheme."""
    return rate(cells.drop(columns="unit"), {"": scheme_of(bands)})["rating"]


def agreements(cells: pd.DataFrame) -> list[Agreement]:
    """How each scheme agrees with the ratings, the best first; where a polarity is not known the better one counts."""
    rateable = cells[cells["target"].notna()].reset_index(drop=True)
    floors = rateable["floor_standard"].notna().any()
    open_ = ~rateable["polarity"].isin(("higher", "lower", "target"))
    found = []
    for bands in CANDIDATES:
        if rateable.empty or "floor_standard" in bands and not floors:
            continue
        tried = [
            ratings_by(_with(rateable, open_, way), bands) == rateable["theirs"]
            for way in (("higher", "lower") if open_.any() else ("higher",))
        ]
        by_kpi = [one.groupby(rateable["kpi_id"]).transform("sum") for one in tried]
        same = tried[0].where(by_kpi[0] >= by_kpi[-1], tried[-1])
        found.append(Agreement(bands, int(same.sum()), len(rateable)))
    return sorted(found, key=lambda one: -one.same)


def _with(cells: pd.DataFrame, open_: pd.Series, polarity: str) -> pd.DataFrame:
    return cells.assign(polarity=cells["polarity"].mask(open_, polarity))
