"""Random figures with the rating that exact fractions give them: the oracle for `kpi_tools.rating`.

Every number is a decimal of at most four places, as people write them; fractions judge what is written, the program what
floating point makes of it. In a third of the cases a figure stands exactly on one of its lines.
"""

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

MULTIPLIERS = {
    "%": 100,
    "rate per 100,000": 100_000,
    "rate per 10,000": 10_000,
    "rate per 1,000": 1_000,
}
PERCENTS = (0, 2.5, 5, 7.5, 10, 20)
COLUMNS = ("value", "numerator", "denominator", "unit")
COLUMNS += ("target", "floor_standard", "tolerance", "polarity")


def cases(
    count: int, seed: int, percent: float | None = None
) -> Iterator[tuple[dict[str, Any], str]]:
    """(a row for `rate`, its rating); with `percent` the floor standard follows from the target, as a scheme may have it."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _case(chance, None if percent is None else Fraction(str(percent)) / 100)


def _case(chance: random.Random, share: Fraction | None) -> tuple[dict[str, Any], str]:
    polarity = chance.choice(("higher", "lower", "target"))
    unit = chance.choice(tuple(MULTIPLIERS))
    by_parts = chance.random() < 0.5
    below = chance.randint(1, 10 ** chance.randint(1, 5))
    above = chance.randint(0, below)
    figure = Fraction(MULTIPLIERS[unit] * above, below) if by_parts else _decimal(chance, 10_000)
    target = _near(chance, figure)
    better = {"higher": 1, "lower": -1, "target": chance.choice((1, -1))}[polarity]
    if share is not None:
        floor = target + abs(target) * share * (1 if polarity == "lower" else -1)
    elif chance.random() < 0.5:
        floor = target - better * abs(_near(chance, figure) - target)
    else:
        floor = target - better * _decimal(chance, 100)
    tolerance = _decimal(chance, 100) if polarity == "target" and chance.random() < 0.6 else None
    if tolerance is not None and chance.random() < 0.4 and _is_decimal(abs(figure - target)):
        tolerance = abs(figure - target)
    row = {
        "value": float(figure) if by_parts else _noisy(chance, float(figure)),
        "numerator": above if by_parts else None,
        "denominator": below if by_parts else None,
        "unit": unit,
        "target": float(target),
        "floor_standard": float(floor),
        "tolerance": None if tolerance is None else float(tolerance),
        "polarity": polarity,
    }
    return row, _rating(figure, target, floor, tolerance, polarity, amber=share != 0)


def _rating(
    figure: Fraction,
    target: Fraction,
    floor: Fraction,
    tolerance: Fraction | None,
    polarity: str,
    *,
    amber: bool,
) -> str:
    off, band = abs(figure - target), abs(floor - target)
    if polarity == "target":
        if tolerance is not None and tolerance > band and amber:
            return "Not rated"
        met = off <= (band / 2 if tolerance is None else tolerance), off <= band
    elif polarity == "higher":
        met = figure >= target, figure >= floor
    else:
        met = figure <= target, figure <= floor
    return "Green" if met[0] else "Amber" if met[1] else "Red"


def _decimal(chance: random.Random, most: int) -> Fraction:
    places = chance.randint(0, 4)
    return Fraction(chance.randint(0, most * 10**places), 10**places)


def _near(chance: random.Random, figure: Fraction) -> Fraction:
    """A line: the figure itself where that is a decimal, the next decimal to it, or any."""
    places = chance.randint(0, 4)
    if _is_decimal(figure) and chance.random() < 0.4:
        return figure
    if chance.random() < 0.5:
        return Fraction(round(figure * 10**places) + chance.choice((-1, 0, 0, 1)), 10**places)
    return _decimal(chance, 1_000)


def _is_decimal(number: Fraction) -> bool:
    return 10_000 % number.denominator == 0


def _noisy(chance: random.Random, value: float) -> float:
    """The value as sums of floating-point numbers leave it: some steps beside what was meant."""
    for _ in range(chance.choice((0, 0, 1, 3))):
        value = math.nextafter(value, chance.choice((-math.inf, math.inf)))
    return value
