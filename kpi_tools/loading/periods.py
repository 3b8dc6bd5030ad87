"""One text → the period that it names for a KPI, or the rule it breaks.

A period is known by the financial quarter in which it ends; of a monthly figure the month is known as well.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from kpi_tools.loading.cells import MONTH, YEAR, clean_name, fault_of_text, what_changed
from kpi_tools.quarters import ADVICE, Quarter, QuarterError, year_end, year_ending
from kpi_tools.vocabulary import IN_YEARS


class Period(NamedTuple):
    """A financial quarter, or a month of the calendar ("2024-12") where `month` is not empty, or a fault.

    `day` is that of a weekly figure ("2024-12-13").

    `notice`: what was taken for granted, where a reader of the figures should know.
    """

    quarter: Quarter | None = None
    month: str = ""
    why: str = ""
    fault: str = ""
    detail: str = ""
    day: str = ""
    notice: str = ""


IN_MONTHS: Final = ("weekly", "monthly")
_ACADEMIC: Final = ("07-31", "08-31")
_MONTHS: Final = (
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
)
_ISO_MONTH: Final = re.compile(r"(20\d\d)-(\d\d)", re.ASCII)
_WORD_MONTH: Final = re.compile(r"([a-z]{3,9})\.?[-/ ](20\d\d)", re.ASCII)
_ENDED: Final = re.compile(
    r"(?:year|12 months|twelve months) (?:to|ending|ended)(?: in)? (?P<end>.+)"
)
_ISO_DATE: Final = re.compile(
    r"(\d{4})[-/](\d\d?)[-/](\d\d?)(?:[ t]00:00(?::00(?:\.0+)?)?)?", re.ASCII
)
_UK_DATE: Final = re.compile(r"(\d\d?)[-/. ](\d\d?)[-/. ](\d{4}|\d\d)(?: 00:00(?::00)?)?", re.ASCII)
_WORD_DATE: Final = re.compile(
    r"(\d\d?)(?:st|nd|rd|th)?[- ]([a-z]{3,9})\.?,?[- ](\d{4}|\d\d)", re.ASCII
)
_YEAR: Final = re.compile(
    r"(?P<academic>academic (?:year )?|school year )?(?:financial year |fy ?|year )?"
    r"(?P<start>20\d\d|\d\d)[-/](?P<end>20\d\d|\d\d)",
    re.ASCII,
)
_BARE_YEAR: Final = re.compile(r"20\d\d", re.ASCII)
_HALF: Final = re.compile(
    r"(?:h|half(?: year)? )(?P<half>[12])[ ,]*(?P<year>20\d\d[-/]\d\d)|(?P<year2>20\d\d[-/]\d\d)[ ,]*h(?P<half2>[12])",
    re.ASCII,
)
_SHORT_MONTH: Final = re.compile(
    r"([a-z]{3,9})\.?[-/' ]\d\d|\d\d?[-/ ]([a-z]{3,9})", re.ASCII | re.I
)
_SERIAL: Final = re.compile(r"([3-5]\d{4})(?:\.0+)?", re.ASCII)
_FIRST_DAY: Final = date(1899, 12, 30)
"""The day that spreadsheet programs number 0."""


def read_period(text: str, kind: str = "", kpi: Mapping[str, Any] | None = None) -> Period:
    """The period that `text`, a cell of workbook kind `kind`, names for a KPI (of which frequency and year_ends count).

    A quarter always does; a month or a day in it for monthly figures, and where it ends the KPI's year; a year for
    annual ones. Without a KPI a quarter, its last day or a month.
    """
    plain = clean_name(text)
    if fault := fault_of_text(text, kind):
        return Period(fault=fault)
    if not plain:
        return Period(fault="period-missing")
    try:
        quarter = Quarter.parse(plain)
    except QuarterError as error:
        found = _Reader(plain, kind, kpi or {}).read()
        if found.fault == "period-bad" and not found.detail:
            advice = _why_not(plain) or str(error).removesuffix(f" {ADVICE}")
            return found._replace(detail=advice)
        return found if found.why or found.fault else found._replace(why=what_changed(text, plain))
    if text == quarter.label:
        return Period(quarter)
    return Period(quarter, why=what_changed(text, plain) or "written as the tables have it")


class _Reader:
    """Reads what is no quarter, for one KPI."""

    def __init__(self, plain: str, kind: str, kpi: Mapping[str, Any]) -> None:
        self.plain, self.low, self.kind = plain, plain.lower(), kind
        self.frequency = kpi.get("frequency", "")
        self.year_ends = kpi.get("year_ends") or "03-31"
        self.yearly = self.frequency in IN_YEARS

    def read(self) -> Period:
        if self.kind == MONTH:
            return self.month(
                int(self.plain[:4]), int(self.plain[5:7]), "a cell formatted as a month"
            )
        if self.kind == YEAR and not self.yearly:
            return Period(fault="period-date", detail=f'"{self.plain}" is shown as a year alone')
        if self.kind == YEAR:
            self.plain = self.low = self.plain[:4]
        if self.yearly and (found := self.year()):
            return found
        if self.frequency == "half_yearly" and (half := _HALF.fullmatch(self.low)):
            year, number = half["year"] or half["year2"], half["half"] or half["half2"]
            return Period(
                Quarter.parse(f"{year} Q{2 * int(number)}"), why="a half of the financial year"
            )
        if found := self.iso_month():
            return found
        if (word := _WORD_MONTH.fullmatch(self.low)) and (number := month_number(word[1])):
            return self.month(int(word[2]), number, "a month in words")
        if iso := _ISO_DATE.fullmatch(self.low):
            return self.date(int(iso[1]), int(iso[2]), int(iso[3]))
        if uk := _UK_DATE.fullmatch(self.low):
            return self.date(int(uk[3]), int(uk[2]), int(uk[1]))
        if (word := _WORD_DATE.fullmatch(self.low)) and (number := month_number(word[2])):
            return self.date(int(word[3]), number, int(word[1]))
        return Period(fault="period-bad")

    def year(self) -> Period | None:
        """A year of an annual KPI."""
        if ended := _ENDED.fullmatch(self.low):
            return _Reader(
                ended["end"], "", {"frequency": self.frequency, "year_ends": self.year_ends}
            ).read()
        if _BARE_YEAR.fullmatch(self.plain):
            end = year_ending(int(self.plain), self.year_ends)
            notice = f'"{self.plain}" was taken as the year to {end:%B %Y}.'
            return Period(Quarter.containing(end), why=f"the year to {end:%B %Y}", notice=notice)
        found = _YEAR.fullmatch(self.low)
        if not found or int(found["end"]) % 100 != (int(found["start"]) + 1) % 100:
            return None
        if found["academic"] and self.year_ends not in _ACADEMIC:
            day = year_end(2000, self.year_ends)
            detail = f'"{self.plain}" is an academic year, and the years of this KPI end on {day.day} {day:%B}.'
            return Period(fault="period-bad", detail=detail)
        end = year_end(int(found["start"]) % 100 + 2000, self.year_ends)
        return Period(Quarter.containing(end), why=f"the year to {end:%B %Y}")

    def iso_month(self) -> Period | None:
        if not (found := _ISO_MONTH.fullmatch(self.plain)):
            return None
        follows = int(found[2]) == int(found[1]) % 100 + 1
        if not follows:
            return self.month(int(found[1]), int(found[2]), "")
        if int(found[2]) > 12:
            return None
        return Period(
            fault="period-bad", detail=f'"{self.plain}" may be a month or a financial year.'
        )

    def month(self, year: int, number: int, why: str) -> Period:
        if not 1 <= number <= 12:
            return Period(fault="period-bad", detail=f"There is no month {number}.")
        quarter, month = Quarter.containing(date(year, number, 1)), f"{year}-{number:02}"
        if not self.frequency or self.frequency in IN_MONTHS:
            return Period(quarter, month, why)
        if self.yearly and int(self.year_ends[:2]) == number:
            return Period(quarter, why=f"the year to {date(year, number, 1):%B %Y}")
        return Period(quarter, month, fault="period-month", detail=month)

    def date(self, year: int, month: int, day: int) -> Period:
        year += 2000 if year < 100 else 0
        if not (
            2000 <= year <= 2098 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]
        ):
            detail = f'"{self.plain}" does not exist when read as day/month/year'
            return Period(fault="period-date", detail=detail)
        found = date(year, month, day)
        quarter = Quarter.containing(found)
        if self.frequency in IN_MONTHS:
            if quarter.end == found and self.frequency != "weekly":
                return Period(quarter, fault="period-which")
            day_of_week = found.isoformat() if self.frequency == "weekly" else ""
            why = "" if day_of_week else f"a day of {found:%B %Y}"
            return Period(quarter, f"{year}-{month:02}", why, day=day_of_week)
        if self.yearly and found == year_ending(year, self.year_ends):
            return Period(quarter, why="the last day of the KPI's year")
        if quarter.end != found:
            return Period(
                fault="period-date", detail=f'"{self.plain}" is not the last day of a quarter'
            )
        return Period(quarter, why=f"the last day of {quarter.title}")


def _why_not(plain: str) -> str:
    """What a text that names no period probably is; "" where that cannot be told."""
    found = _YEAR.fullmatch(plain.lower())
    if found and int(found["end"]) % 100 == int(found["start"]) % 100 + 1:
        return f'"{plain}" is a year, not a quarter of it.'
    if found := _SERIAL.fullmatch(plain):
        day = _FIRST_DAY + timedelta(days=int(found[1]))
        return f'"{plain}" is perhaps a date that lost its format: {day.day} {day:%B %Y}.'
    if (found := _SHORT_MONTH.fullmatch(plain)) and month_number((found[1] or found[2]).lower()):
        return f'"{plain}" may be a day or a month with its year.'
    return ""


def month_number(name: str) -> int | None:
    """The month of an English name or its first three letters, in lower case."""
    known = name == "sept" or len(name) == 3 or name in _MONTHS
    found = [at for at, month in enumerate(_MONTHS, start=1) if month.startswith(name[:3])]
    return found[0] if known and found and _MONTHS[found[0] - 1].startswith(name) else None
