"""Checks of the quarters and months that commentary names against the report's own (floor 2)."""

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.words.findings import Finding, error, warning
from kpi_tools.words.row_words import rows_of

_QUARTER: Final = re.compile(
    r"\b(?:Quarter|Qtr\.?|Q)\s?(?P<number>[1-4])(?P<year>\s*,?\s*(?:of\s+)?(?:20)?\d\d\s?[/-]\s?(?:20)?\d\d)?\b",
    re.I,
)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_MONTH: Final = re.compile(rf"\b(?P<month>{'|'.join(_MONTHS)})\b(?:\s+(?P<year>20\d\d))?")
_COMPARED: Final = re.compile(
    r"\b(?:than|since|from|back to|compared (?:with|to)|against|before|after|until|till|by|next|previous|expected|to|"
    r"earlier|and|between|through|each|every|last)\W+(?:\w+\W+){0,3}?$", re.I
)  # fmt: skip


def stale_quarters(said: pd.DataFrame, kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """Quarters and months named as if they were this report's. What is compared with (`than in Quarter 2`) is let pass."""
    data = dict(zip(kpis["kpi_id"], kpis["quarter"], strict=True))
    for row in rows_of(said):
        own = {quarter} | ({Quarter.parse(data[row["kpi_id"]])} if row["kpi_id"] else set())
        text = str(row["text"])
        for found in _QUARTER.finditer(text):
            if not _COMPARED.search(text[: found.start()]) and not any(
                _names(found, one) for one in own
            ):
                yield error(
                    "stale-quarter", row["place"], f'"{found[0].strip()}" in the report of {quarter.title}.',
                    "Correct it, or write {quarter}.",
                )  # fmt: skip
        for found in _MONTH.finditer(text):
            if (
                found["month"] == "May"
                and not found["year"]
                and not re.search(r"\b(?:in|of|at|end)\s+$", text[: found.start()])
            ):
                continue
            if not _COMPARED.search(text[: found.start()]) and not any(
                _within(found, one) for one in own
            ):
                yield warning(
                    "stale-month", row["place"], f'"{found[0]}" in the report of {quarter.title}.',
                    "Correct it, or say what it is compared with.",
                )  # fmt: skip


def _names(found: re.Match[str], quarter: Quarter) -> bool:
    if int(found["number"]) != quarter.number:
        return False
    years = re.findall(r"\d+", found["year"] or "")
    return not years or int(years[0]) % 100 == quarter.year % 100


def _within(found: re.Match[str], quarter: Quarter) -> bool:
    month = _MONTHS.index(found["month"]) + 1
    inside = quarter.start.month <= month <= quarter.end.month
    return inside and (not found["year"] or int(found["year"]) == quarter.end.year)
