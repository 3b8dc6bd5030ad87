"""What one cell of a workbook says, and what is held of a KPI and of a whole workbook until a folder is made of it."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kpi_tools.collect.columns import Column
from kpi_tools.collect.recognise import folded, kind_of, quarter_of, recognise
from kpi_tools.loading.cells import clean_name

ANSWERS: Final = (
    "kpi_id",
    "kpi_name",
    "section",
    "directorate",
    "owner",
    "unit",
    "polarity",
    "frequency",
    "basis",
    "due",
    "rated",
    "multiply_by",
    "target_covers",
)
"""What the mapping says of a KPI, in the order of its columns."""
COVERS: Final = ("quarter", "month", "year", "year_end", "even")
_ARROWS: Final = re.compile("[↑↓→←↔▲▼►◄△▽⬆⬇➡↗↘↕🔼🔽\ufe0f]")
_CELL: Final = re.compile(
    r"(?P<least>at least|minimum|min\.?|over|above|more than|greater than|no less than|>=?|≥)?"
    r"(?P<most>at most|maximum|max\.?|under|below|less than|fewer than|no more than|not more than|up to|within|<=?|≤)?\s*"
    r"(?P<sign>[-+(−]?)\s*(?P<pound>£?)\s*(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+)\s*"
    r"(?P<suffix>%|k\b|m\b|mn\b|bn\b)?\)?\s*(?P<plus>\+)?"
    r"(?P<note>\s*(?:[*†‡#¹²³^]+|[\[(].*|p|r|e|days?|working days?|hours?|hrs|mins?|minutes?|weeks?|per ?cent|"
    r"people|cases|kgs?|tonnes?)\.?)?"
    r"\s*(?P<side>or (?:more|above|over|higher|better)|or (?:less|below|under|fewer|lower))?"
)
_TIMES: Final = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "": 1.0, "%": 1.0}
_UNIT_SIZE: Final = {"£ thousand": 1e3, "£ million": 1e6}


class Cell(NamedTuple):
    """What a cell holds: a number (None where it has none, then `reason` says why), a note, what it says of sides."""

    value: float | None = None
    note: str = ""
    reason: str = ""
    signs: str = ""
    side: str = ""
    where: str = ""
    scale: float = 1.0


class Left(NamedTuple):
    """A cell that was not taken, and why."""

    sheet: str
    cell: str
    what: str
    text: str
    reason: str


@dataclass
class Kpi:
    """One KPI of the workbook: what was told of it (`said`) and how (`how`: sureness and reason), its cells by period."""

    key: str
    sheet: str
    line: int
    said: dict[str, str] = field(default_factory=dict)
    how: dict[str, tuple[str, str]] = field(default_factory=dict)
    figures: dict[tuple[str, str], Cell] = field(default_factory=dict)
    texts: dict[tuple[str, str], str] = field(default_factory=dict)
    ratings: dict[str, tuple[str, str]] = field(default_factory=dict)
    hint: str = ""

    def tell(self, name: str, value: str, sure: str, why: str) -> None:
        """Note what was told, unless it is known already."""
        if value and not self.said.get(name):
            self.said[name], self.how[name] = value, (sure, why)

    def of(self, means: str) -> dict[str, Cell]:
        """The cells of a meaning that hold a number, by period."""
        return {
            period: cell
            for (what, period), cell in self.figures.items()
            if what == means and cell.value is not None
        }

    def period_of(self, period: str) -> str:
        """The period of the figure that a rating is of: its own, the latest in its year, or the latest of all."""
        figures = self.of("actual") or self.of("cumulative")
        year = quarter_of(period).year if kind_of(period) == "year" else None
        inside = [one for one in figures if not period or quarter_of(one).year == year]
        return (
            period
            if period in figures
            else max(inside, key=lambda one: quarter_of(one), default="")
        )

    def number(self, cell: Cell) -> float:
        """The number of a cell in the unit of the KPI."""
        assert cell.value is not None
        size = _UNIT_SIZE.get(self.said.get("unit", ""), 1.0)
        scaled = cell.value * (cell.scale / size if cell.scale != 1 else 1)
        return scaled if cell.signs == "%" else scaled * float(self.said.get("multiply_by") or 1)


@dataclass
class Book:
    """All that was found in a workbook."""

    kpis: list[Kpi]
    columns: list[Column]
    left: list[Left]
    counts: Counter[tuple[str, str]]

    def leave(self, sheet: str, cell: str, what: str, text: str, reason: str) -> None:
        """Note a cell that was not taken; one that holds a number counts as left."""
        self.left.append(Left(sheet, cell, what, clean_name(text)[:80], reason))
        self.counts[what, "left"] += read_cell(text).value is not None or what == "rating"


def read_cell(text: str) -> Cell:
    """The number in a cell with the signs that people write beside it, or why there is none."""
    plain = re.sub(r"\s+", " ", _ARROWS.sub("", clean_name(text))).strip()
    if not plain:
        return Cell(reason="" if not text.strip() else "an arrow alone")
    found = _CELL.fullmatch(folded(plain))
    if none := recognise("no_figure", plain):
        return Cell(reason=none.means)
    if re.fullmatch(r"\d+:\d\d(:\d\d)?", plain):
        return Cell(reason="a duration", note=plain)
    if not found:
        return Cell(
            reason="more than one number" if re.search(r"\d.*[^\d.,%].*\d", plain) else "no number"
        )
    value = float(found["digits"].replace(",", "")) * (
        -1 if found["sign"] in ("-", "(", "−") else 1
    )
    side = "higher" if found["least"] or found["plus"] else "lower" if found["most"] else ""
    if found["side"]:
        side = "lower" if re.search("less|below|under|fewer|lower", found["side"]) else "higher"
    suffix = found["suffix"] or ""
    said = (found["note"] or "").strip()
    note = said if re.match(r"[\[(*†‡#¹²³^]|[pre]\b", said) else ""
    percent = suffix == "%" or "per" in said and "cent" in said
    return Cell(value, note, "", "%" if percent else found["pound"] or "", side, "", _TIMES[suffix])
