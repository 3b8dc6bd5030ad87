"""The value of a cell of a workbook → its text as a person would type it, and its kind where the text does not say."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LITERAL = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.')
_SHOWS_NOTHING = re.compile(r";{2,3}")


def read_format(form: str) -> tuple[bool, bool, bool]:
    """What a number format makes of a value: (a percentage, a month without a day, nothing that shows)."""
    form = _LITERAL.sub("", form).lower()
    return "%" in form, "m" in form and "d" not in form, bool(_SHOWS_NOTHING.fullmatch(form))


def as_text(value: Any, data_type: str, percent: bool, month: bool) -> tuple[str, str]:
    """The text of a cell as a person would type it, and its kind where the text does not say."""
    if isinstance(value, str):
        if data_type == "e":
            return value, "error"
        return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), value) if "_x" in value else value, ""
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
