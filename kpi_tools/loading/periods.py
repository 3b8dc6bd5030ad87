"""One text → the period that it names for a KPI, or the rule it breaks. A period is known by the
financial quarter in which it ends; of a monthly figure the month is known as well."""

import re
import tomllib
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from kpi_tools.loading.cells import MONTH, YEAR, clean_name, fault_of_text
from kpi_tools.quarters import ADVICE, Quarter, QuarterError, year_end, year_ending
from kpi_tools.vocabulary import IN_MONTHS, IN_YEARS

ACADEMIC: Final = ("07-31", "08-31")
"""Last days of academic years."""


class Period(NamedTuple):
    """A financial quarter, or in it a month ("2024-12") or the day of a weekly figure, or a fault.
    `why`: of which year it is; `notice`: what was taken for granted, where a reader of the figures
    should know."""

    quarter: Quarter | None = None
    month: str = ""
    why: str = ""
    fault: str = ""
    detail: str = ""
    day: str = ""
    notice: str = ""

    @property
    def taken(self) -> str:
        """The day of a weekly figure, the month, or else the quarter's label."""
        return self.day or self.month or str(self.quarter or "")


MONTHS: Final = [f"{date(2000, number, 1):%B}".lower() for number in range(1, 13)]
month_number: Final = {
    form: number
    for number, month in enumerate(MONTHS, start=1)
    for form in (month, month[:3], *(["sept"] if number == 9 else []))
}.get
"""The month of an English name or its first three letters, in lower case; None for another word."""
_WRITTEN = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_DATES: Final = [re.compile(form, re.ASCII) for form in _WRITTEN.pop("dates").values()]
_FORMS: Final = {name: re.compile(form, re.ASCII) for name, form in _WRITTEN.items()}


def read_period(text: str, kind: str = "", kpi: Mapping[str, Any] | None = None) -> Period:
    """The period that `text`, a cell of workbook kind `kind`, names for a KPI. Of the KPI frequency
    and year_ends count. A quarter always names one; a month or a day in it for monthly figures, and
    where it ends the KPI's year; a year for annual ones. Without a KPI a quarter, its last day or a
    month."""
    plain = clean_name(text)
    if fault := fault_of_text(text, kind):
        return Period(fault=fault)
    if not plain:
        return Period(fault="period-missing")
    try:
        return Period(Quarter.parse(plain))
    except QuarterError as error:
        found = _no_quarter(plain, kind, kpi or {})
        if found.fault == "period-bad" and not found.detail:
            return found._replace(detail=str(error).removesuffix(f" {ADVICE}"))
        return found


def _no_quarter(plain: str, kind: str, kpi: Mapping[str, Any]) -> Period:
    yearly = kpi.get("frequency") in IN_YEARS
    if kind == MONTH:
        return _month(int(plain[:4]), int(plain[5:7]), kpi)
    if kind == YEAR and not yearly:
        return Period(fault="period-date", detail=f'"{plain}" is shown as a year alone')
    plain = plain[:4] if kind == YEAR else plain
    low = plain.lower()
    if yearly and (year := _year(plain, kpi)):
        return year
    if kpi.get("frequency") == "half_yearly" and (half := _FORMS["half"].fullmatch(low)):
        last = 2 * int(half["half"] or half["half2"])
        return Period(Quarter.parse(f"{half['year'] or half['year2']} Q{last}"))
    for found in filter(None, (form.fullmatch(low) for form in _DATES)):
        year_of, month = int(found["y"]), found["m"]
        number = int(month) if month.isdecimal() else month_number(month)
        if number is not None and found["d"]:
            return _date(plain, year_of, number, int(found["d"]), kpi)
        if number == year_of % 100 + 1 and month.isdecimal():  # a month or a financial year
            return Period(fault="period-bad")
        if number is not None:
            return _month(year_of, number, kpi)
    return Period(fault="period-bad")


def _year(plain: str, kpi: Mapping[str, Any]) -> Period | None:
    """A year of an annual KPI."""
    year_ends = kpi.get("year_ends") or "03-31"
    if ended := _FORMS["ended"].fullmatch(plain.lower()):
        return _no_quarter(ended[1], "", kpi)
    if _FORMS["bare_year"].fullmatch(plain):
        end = year_ending(int(plain), year_ends)
        notice = f'"{plain}" was taken as the year to {end:%B %Y}.'
        return Period(Quarter.containing(end), why=f"the year to {end:%B %Y}", notice=notice)
    found = _FORMS["year"].fullmatch(plain.lower())
    if not found or int(found["end"]) % 100 != (int(found["start"]) + 1) % 100:
        return None
    if found["academic"] and year_ends not in ACADEMIC:
        day = year_end(2000, year_ends)
        ends = f"the years of this KPI end on {day.day} {day:%B}"
        return Period(fault="period-bad", detail=f'"{plain}" is an academic year, and {ends}.')
    end = year_end(int(found["start"]) % 100 + 2000, year_ends)
    return Period(Quarter.containing(end), why=f"the year to {end:%B %Y}")


def _month(year: int, number: int, kpi: Mapping[str, Any]) -> Period:
    if not 1 <= number <= 12:
        return Period(fault="period-bad", detail=f"There is no month {number}.")
    first, month = date(year, number, 1), f"{year}-{number:02}"
    try:
        quarter, frequency = Quarter.containing(first), kpi.get("frequency")
    except QuarterError:
        return Period(fault="period-bad", detail=f"{first:%B %Y} is in no report.")
    if not frequency or frequency in IN_MONTHS:
        return Period(quarter, month)
    if frequency in IN_YEARS and int((kpi.get("year_ends") or "03-31")[:2]) == number:
        return Period(quarter, why=f"the year to {first:%B %Y}")
    return Period(quarter, month, fault="period-month", detail=month)


def _date(plain: str, year: int, month: int, day: int, kpi: Mapping[str, Any]) -> Period:
    year += 2000 if year < 100 else 0
    there = 2000 <= year <= 2098 and 1 <= month <= 12
    if not there or not 1 <= day <= monthrange(year, month)[1]:
        detail = f'"{plain}" does not exist when read as day/month/year'
        return Period(fault="period-date", detail=detail)
    found, frequency = date(year, month, day), kpi.get("frequency")
    quarter = Quarter.containing(found)
    if frequency == "weekly":
        return Period(quarter, f"{year}-{month:02}", day=found.isoformat())
    if frequency == "monthly" and quarter.end == found:
        return Period(quarter, fault="period-which")
    if frequency == "monthly":
        return Period(quarter, f"{year}-{month:02}")
    of_year = frequency in IN_YEARS and found == year_ending(year, kpi.get("year_ends") or "03-31")
    if quarter.end != found and not of_year:
        detail = f'"{plain}" is not the last day of a quarter'
        return Period(fault="period-date", detail=detail)
    return Period(quarter)
