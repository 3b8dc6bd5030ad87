"""Units of measure: a declaration of each family, from which reading, range and format follow."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Final

OTHER: Final = "other: "
"""How a unit of no known family is declared in kpis.csv; the words behind it are printed."""


@dataclass(frozen=True)
class Family:
    """What all figures of a unit have in common. `low` and `high` are what the measure can be where
    kpis.csv does not say otherwise; `per` is what numerator over denominator is multiplied by;
    `clock` the seconds of one unit of time."""

    low: float = 0.0
    high: float = inf
    per: int | None = None
    money: bool = False
    clock: int | None = None
    meant: str = ""


_DECLARED: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
UNITS: Final = {unit: Family(**of) for unit, of in _DECLARED.items()}
_OTHER_FAMILY: Final = Family(low=-inf)
MULTIPLIERS: Final = {unit: family.per for unit, family in UNITS.items() if family.per}
"""Units whose value is numerator / denominator times this number."""


def unit_family(unit: str) -> Family:
    """The family of a unit as it stands in the tables; of any other words that of `other: …`."""
    return UNITS.get(unit, _OTHER_FAMILY)


def adds_up(unit: str) -> bool:
    """Whether figures of it are counts or money, so that those of parts make that of the whole."""
    return unit == "count" or unit_family(unit).money


def ends_of(kpi: Mapping[str, Any]) -> tuple[float, float]:
    """What a KPI's measure can be: its `range_low` and `range_high`, else those of its unit."""
    family = unit_family(kpi.get("unit") or "")
    low, high = kpi.get("range_low"), kpi.get("range_high")
    return (
        family.low if low is None or low != low else float(low),
        family.high if high is None or high != high else float(high),
    )


def known_unit(text: str) -> str | None:
    """The unit that `text` certainly is (`rate per 1000`, `Days`, `other: tonnes`), or None."""
    folded = " ".join(text.split()).casefold()
    if folded.startswith(OTHER.strip()):
        return text.partition(":")[2].strip() or None
    if found := re.fullmatch(r"(?:rate )?per ([\d,]+)", folded):
        folded = f"rate per {int(found[1].replace(',', '') or 0):,}"
    return next((unit for unit in UNITS if unit.casefold() == folded), None)


def meant_unit(text: str) -> str:
    """The unit that a text was probably meant to be; "" where that cannot be told."""
    folded = " ".join(text.split()).casefold()
    meant = (unit for unit, one in UNITS.items() if one.meant and re.fullmatch(one.meant, folded))
    return next(meant, "")


def clock(text: str, unit: str) -> float | None:
    """A duration (`mm:ss`, `hh:mm` for hours, `hh:mm:ss`) in its unit of time, or None."""
    found = re.fullmatch(r"(\d+):([0-5]\d)(?::([0-5]\d))?", text.strip(), re.ASCII)
    of_one = unit_family(unit).clock
    if not found or not of_one:
        return None
    first, second, third = int(found[1]), int(found[2]), found[3]
    if third is not None:
        seconds = first * 3600 + second * 60 + int(third)
    else:
        seconds = (first * 60 + second) * (60 if unit == "hours" else 1)
    return seconds / of_one


def parse_range(text: str) -> tuple[float, float] | None:
    """`0..100`, `0..`, `..` as (low, high), infinite where open; None where it is no range."""
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)?\s*\.\.\s*(-?\d+(?:\.\d+)?)?", text.strip(), re.ASCII)
    if not found:
        return None
    low, high = float(found[1] or -inf), float(found[2] or inf)
    return (low, high) if low < high else None
