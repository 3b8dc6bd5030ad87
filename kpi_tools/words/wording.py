"""Numbers as readers see them: figures with their unit, small counts in words, dates of a quarter."""

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from kpi_tools.vocabulary import MONEY

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_EXTRA_DECIMALS = 6
MISSING = "not available"


def in_words(number: int) -> str:
    """`seven` for 7; from ten on the figures, as committee minutes print them."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"


def rounded(value: float, decimals: int) -> str:
    """The value to so many decimals, half away from zero (as readers round), with thousands separators."""
    exact = Decimal(repr(float(value))).quantize(
        Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP
    )
    return f"{exact:,f}" if exact else f"{abs(exact):,f}"


def show(value: float | None, unit: str, decimals: int) -> str:
    """A figure with its unit: `34%`, `10,323 tonnes CO2e`, `£1,234`, `175 per 100,000`; `not available` for none."""
    if value is None or not math.isfinite(value):
        return MISSING
    number = rounded(value, decimals)
    if unit == "%":
        return f"{number}%"
    if unit.startswith(MONEY):
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        return f"{sign}£{digits}{unit.removeprefix('GBP').removeprefix('£')}"
    if unit.startswith("rate "):
        return f"{number} {unit.removeprefix('rate ')}"
    return number if unit in ("", "count", "number") else f"{number} {unit}"


def decimals_against(value: float | None, decimals: int, lines: Iterable[float | None]) -> int:
    """How many decimals keep the printed value on its own side of every line it is judged by.

    74.7 against a floor of 75 would print as `75` with no decimals; one decimal shows why it is Red.
    """
    if value is None or not math.isfinite(value):
        return decimals
    known = [line for line in lines if line is not None and math.isfinite(line)]
    for places in range(decimals, decimals + _MOST_EXTRA_DECIMALS):
        printed = float(rounded(value, places).replace(",", ""))
        if all(_side(printed, line) == _side(value, line) for line in known):
            return places
    return decimals


def show_against(
    value: float | None, unit: str, decimals: int, lines: Iterable[float | None]
) -> str:
    """`show`, with as many decimals as it takes for the print not to contradict the rating."""
    return show(value, unit, decimals_against(value, decimals, lines))


def show_line(value: float | None, unit: str, decimals: int) -> str:
    """A target or floor standard: its own decimals where it has more than the KPI's."""
    if value is None or not math.isfinite(value):
        return "not set"
    own = -int(Decimal(repr(float(value))).normalize().as_tuple().exponent)
    return show(value, unit, max(decimals, min(own, _MOST_EXTRA_DECIMALS)))


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def plural(number: int, one: str, many: str | None = None) -> str:
    """`one KPI`, `two KPIs`, `12 KPIs`."""
    return f"{in_words(number)} {one if number == 1 else many or one + 's'}"


def capitalised(text: str) -> str:
    """The text with its first letter large, and the rest as it is."""
    return text[:1].upper() + text[1:]


def change_in_words(change: int) -> str:
    """`three more`, `five fewer`, `the same number`."""
    if change == 0:
        return "the same number"
    return f"{in_words(abs(change))} {'more' if change > 0 else 'fewer'}"


def signed(change: int) -> str:
    """`+3`, `−2`, `0`, with a true minus sign, for the cells of a table."""
    return f"{change:+,}".replace("-", "−") if change else "0"


def _side(value: float, line: float) -> int:
    slack = 1e-9 * max(1.0, abs(line))
    return (value > line + slack) - (value < line - slack)
