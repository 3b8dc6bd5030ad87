"""The value of a cell of a workbook → its text as a person would type it, and its kind where the text does not say."""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_CONDITION = re.compile(r"\[[<>=]")
_SHOWS_NOTHING = re.compile(r";{2,3}")
_SHOWS_VALUE = re.compile(r"[0#?@ymdhsbeg]")
_LEVELS = {
    "superscript": str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "subscript": str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"),
}
_STROKE = "\u0336"


def read_format(form: str) -> tuple[bool, bool, bool, bool]:
    """What a format makes of a value: (a percentage, a month without a day, nothing that shows, other words for a number).

    The last is of numbers above zero: a dash for nought is how accounts are written. Formats with conditions are not judged.
    """
    plain = _LITERAL.sub("", form).lower()
    worded = (
        bool(form)
        and not _SHOWS_VALUE.search(plain.partition(";")[0])
        and not _CONDITION.search(form)
    )
    return (
        "%" in plain,
        "m" in plain and "d" not in plain,
        bool(_SHOWS_NOTHING.fullmatch(plain)),
        worded,
    )


def rich_text(runs: Iterable[tuple[str, str, bool]]) -> str:
    """The text of runs (text, "superscript", "subscript" or "", struck through) with its digits as a person sees them.

    A raised mark of a footnote must not become a digit of the number before it, nor what is struck out a part of it.
    """
    runs = [run for run in runs if run[0]]
    partly = not all(struck for _, _, struck in runs)
    return "".join(
        (_strike_out(text) if struck and partly else text).translate(_LEVELS.get(level, {}))
        for text, level, struck in runs
    )


def _strike_out(text: str) -> str:
    """`text` with a line through its digits and, where it has no letters and may be a point or sign, through all of it."""
    return re.sub(r"\d" if any(map(str.isalpha, text)) else r"\S", rf"\g<0>{_STROKE}", text)


def as_number(text: str) -> float | str:
    """The number that a cell holds; its text where that is none, which Python would take for one ("1_0") or not ("NaN")."""
    if text.isascii() and "_" not in text:
        try:
            number = int(text) if text.isdigit() else float(text)
        except ValueError:
            return text
        return number if number == number else text
    return text


def as_text(value: Any, data_type: str, percent: bool, month: bool) -> tuple[str, str]:
    """The text of a cell as a person would type it, and its kind where the text does not say."""
    if isinstance(value, str):
        if data_type == "e":
            return value, "error"
        if data_type == "f":
            return "", "formula"
        return _ESCAPE.sub(
            lambda found: chr(int(found[1], 16)), value
        ) if "_x" in value else value, ""
    if isinstance(value, bool):
        return ("TRUE" if value else "FALSE"), "truth"
    if isinstance(value, int | float):
        return (_as_percentage(value), "percent") if percent else (digits(value), "")
    if isinstance(value, datetime):
        if value.time() != time(0):
            return value.isoformat(" ", "seconds"), "date"
        return f"{value:%Y-%m-%d}", "month" if month and value.day == 1 else "date"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}", "date"
    if isinstance(value, time | timedelta):
        return str(value), "time"
    return str(value), ""


def _as_percentage(value: float) -> str:
    """As `digits`, and as it is shown in a cell formatted as a percentage: 0.875 as 87.5%."""
    shown = digits(value)
    if not shown.strip("-0123456789."):
        from decimal import Decimal

        shown = f"{(Decimal(shown) * 100).normalize():f}"
    return f"{shown}%"


def digits(value: float) -> str:
    """A number as a spreadsheet shows it: fifteen digits, no exponent."""
    if isinstance(value, float) and value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    short = f"{value:.15g}"
    if "e" not in short:
        return short
    from decimal import Decimal

    return f"{Decimal(short):f}"
