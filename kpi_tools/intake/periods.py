"""One text → the quarter or month that it names, or the rule it breaks."""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final, NamedTuple

from kpi_tools.intake.cells import MONTH, fault_of_text
from kpi_tools.quarters import ADVICE, Quarter, QuarterError
from kpi_tools.words.hygiene import clean_name, what_changed


class Period(NamedTuple):
    """A financial quarter, or a month of the calendar ("2024-12") where `month` is not empty, or a fault."""

    quarter: Quarter | None = None
    month: str = ""
    from_date: bool = False
    why: str = ""
    fault: str = ""
    detail: str = ""


_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        (
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ),
        start=1,
    )
}
_MONTHS_SHORT: Final = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_ISO_MONTH: Final = re.compile(r"(20\d\d)-(\d\d)", re.ASCII)
_WORD_MONTH: Final = re.compile(r"([a-z]{3,9})\.?[-/ ](20\d\d)", re.ASCII)
_ISO_DATE: Final = re.compile(
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ t]00:00(?::00(?:\.0+)?)?)?", re.ASCII
)
_UK_DATE: Final = re.compile(r"(\d\d?)[-/. ](\d\d?)[-/. ](\d{4}|\d\d)(?: 00:00(?::00)?)?", re.ASCII)
_YEAR: Final = re.compile(r"(?:20)?(\d\d)[-/](?:20)?(\d\d)", re.ASCII)
_SHORT_MONTH: Final = re.compile(
    r"([a-z]{3,9})\.?[-/' ]\d\d|\d\d?[-/ ]([a-z]{3,9})", re.ASCII | re.I
)
_SERIAL: Final = re.compile(r"([3-5]\d{4})(?:\.0+)?", re.ASCII)
_FIRST_DAY: Final = date(1899, 12, 30)
"""The day that spreadsheet programs number 0."""
_WORD_DATE: Final = re.compile(
    r"(\d\d?)(?:st|nd|rd|th)?[- ]([a-z]{3,9})\.?,?[- ](\d{4}|\d\d)", re.ASCII
)


def read_period(text: str, kind: str = "") -> Period:
    """The period that `text` names: a quarter, its last day as a date, or a month."""
    plain = clean_name(text)
    if fault := fault_of_text(text, kind):
        return Period(fault=fault)
    if not plain:
        return Period(fault="period-missing")
    try:
        quarter = Quarter.parse(plain)
    except QuarterError as error:
        found = _read_calendar(text, plain.lower(), kind)
        if found.fault == "period-bad" and not found.detail:
            return Period(
                fault="period-bad", detail=_why_not(plain) or str(error).removesuffix(f" {ADVICE}")
            )
        return found
    if text == quarter.label:
        return Period(quarter)
    return Period(quarter, why=what_changed(text, plain) or "written as the tables have it")


def _read_calendar(text: str, plain: str, kind: str) -> Period:
    if kind == MONTH:
        return _month(int(plain[:4]), int(plain[5:7]), "a cell formatted as a month")
    if found := _ISO_MONTH.fullmatch(plain):
        if int(found[2]) == int(found[1]) % 100 + 1 <= 12:
            return Period(
                fault="period-bad", detail=f'"{plain}" may be a month or a financial year.'
            )
        if int(found[2]) != int(found[1]) % 100 + 1:
            return _month(int(found[1]), int(found[2]), what_changed(text, plain))
    if (found := _WORD_MONTH.fullmatch(plain)) and (number := month_number(found[1])):
        return _month(int(found[2]), number, "a month in words")
    if found := _ISO_DATE.fullmatch(plain):
        return _date(plain, int(found[1]), int(found[2]), int(found[3]))
    if found := _UK_DATE.fullmatch(plain):
        return _date(plain, int(found[3]), int(found[2]), int(found[1]))
    if (found := _WORD_DATE.fullmatch(plain)) and (number := month_number(found[2])):
        return _date(plain, int(found[3]), number, int(found[1]))
    return Period(fault="period-bad")


def _why_not(plain: str) -> str:
    """What a text that names no period probably is; "" where that cannot be told."""
    if (found := _YEAR.fullmatch(plain)) and int(found[2]) == int(found[1]) + 1:
        return f'"{plain}" is a year, not a quarter of it.'
    if found := _SERIAL.fullmatch(plain):
        day = _FIRST_DAY + timedelta(days=int(found[1]))
        return f'"{plain}" is perhaps a date that lost its format: {day.day} {day:%B %Y}.'
    if (found := _SHORT_MONTH.fullmatch(plain)) and month_number((found[1] or found[2]).lower()):
        return f'"{plain}" may be a day or a month with its year.'
    return ""


def month_number(name: str) -> int | None:
    """The month of an English name or its first three letters, in lower case."""
    return _MONTHS.get(name) or _MONTHS_SHORT.get(name)


def _month(year: int, number: int, why: str) -> Period:
    if not 1 <= number <= 12:
        return Period(fault="period-bad", detail=f"There is no month {number}.")
    return Period(Quarter.containing(date(year, number, 1)), f"{year}-{number:02}", why=why)


def _date(plain: str, year: int, month: int, day: int) -> Period:
    year += 2000 if year < 100 else 0
    if not (2000 <= year <= 2098 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]):
        return Period(
            fault="period-date", detail=f'"{plain}" does not exist when read as day/month/year'
        )
    quarter = Quarter.containing(date(year, month, day))
    if quarter.end != date(year, month, day):
        return Period(fault="period-date", detail=f'"{plain}" is not the last day of a quarter')
    return Period(quarter, from_date=True, why=f"the last day of {quarter.title}")
