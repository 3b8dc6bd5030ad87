"""Financial quarters: April starts the year, so 2023-24 Q2 is July to September 2023."""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Self

from kpi_tools.errors import InputError

_YEAR = r"(?:fy ?|financial year )?(?P<start>(?:20)?\d\d)\s*[-/]\s*(?P<end>(?:20)?\d\d)\)?"
_NUMBER = r"(?:q|qtr\.?|quarter)\s*(?P<number>\d+)\)?"
_GAP = r"[\s,;:_(-]*(?:of )?"
_FORMS = re.compile(rf"{_YEAR}{_GAP}{_NUMBER}"), re.compile(rf"{_NUMBER}{_GAP}{_YEAR}")
_ONE_YEAR = re.compile(
    rf"(?:{_NUMBER}[\s,;:_(/'-]*(?:fy ?)?(?P<year>(?:20)?\d\d)\)?|"
    rf"(?:fy ?)?(?P<year2>(?:20)?\d\d){_GAP}{_NUMBER.replace('number', 'number2')})"
)
ADVICE = 'Write the financial year and the quarter, for example "2023-24 Q2".'


class QuarterError(InputError, ValueError):
    """A text that does not name exactly one financial quarter."""


@dataclass(frozen=True, order=True)
class Quarter:
    """A financial quarter: `number` 1 to 4 of the financial year that begins in `year`."""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not (1900 <= self.year <= 2098 and 1 <= self.number <= 4):
            what = f"quarter {self.number} of the financial year {self.year}"
            raise QuarterError(f"There is no {what}. {ADVICE}")

    @classmethod
    def parse(cls, text: object) -> Self:
        """The quarter that a text names; a `Quarter` is returned as it is.

        Args:
            text: `2024-25 Q3`, `2024/25 Q3`, `Q3 2024/25`, `Quarter 3, 2024/25`, `Q3 24/25`.

        Raises:
            QuarterError: It names none, or more than one (`Q2 2023` may be the second quarter of
                2022/23 or of 2023/24, or April to June).
        """
        if isinstance(text, cls):
            return text
        plain = unicodedata.normalize("NFKC", str(text)).strip().lower()
        plain = re.sub("[‐-―−]", "-", plain)
        for form in _FORMS:
            if found := form.fullmatch(plain):
                return cls._from_parts(str(text), *found.group("start", "end", "number"))
        if found := _ONE_YEAR.fullmatch(plain):
            year, number = int(found["year"] or found["year2"]), found["number"] or found["number2"]
            year += 2000 if year < 100 else 0
            if 1 <= int(number) <= 4:
                raise QuarterError(
                    f'"{text}" is ambiguous: it may mean Quarter {int(number)} of '
                    f"{year - 1}/{year % 100:02}, of {year}/{(year + 1) % 100:02}, or of the "
                    f"calendar year. {ADVICE}"
                )
        raise QuarterError(f'"{text}" is not a financial quarter. {ADVICE}')

    @classmethod
    def _from_parts(cls, text: str, start: str, end: str, quarter: str) -> Self:
        year, after = (int(part) + 2000 * (len(part) < 4) for part in (start, end))
        number = int(quarter)
        if after != year + 1:
            why = f"{year} is followed by {year + 1}"
            raise QuarterError(f'"{text}" is not a financial year: {why}. {ADVICE}')
        if not 1 <= number <= 4:
            raise QuarterError(f'"{text}": a year has four quarters, not {number}. {ADVICE}')
        return cls(year, number)

    @classmethod
    def containing(cls, day: date) -> Self:
        """The quarter in which `day` falls."""
        return cls(day.year - (day.month < 4), (day.month - 4) % 12 // 3 + 1)

    @property
    def label(self) -> str:
        """`2024-25 Q3`: the form used in tables and files."""
        return f"{self.year}-{(self.year + 1) % 100:02} Q{self.number}"

    @property
    def slug(self) -> str:
        """`2024-25-Q3`: the form used in folder and file names; never from a given text."""
        return self.label.replace(" ", "-")

    @property
    def title(self) -> str:
        """`Quarter 3 2024/25`: the form that readers see."""
        return f"Quarter {self.number} {self.year_title}"

    @property
    def year_title(self) -> str:
        """Its financial year, `2024/25`."""
        return f"{self.year}/{(self.year + 1) % 100:02}"

    @property
    def start(self) -> date:
        """The first day."""
        return date(self.end.year, self.end.month - 2, 1)

    @property
    def end(self) -> date:
        """The last day."""
        year, month = self.year + (self.number == 4), self.number * 3 % 12 + 3
        return date(year, month, monthrange(year, month)[1])

    def shift(self, quarters: int) -> Self:
        """The quarter so many later (earlier where negative)."""
        year, number = divmod(self.year * 4 + self.number - 1 + quarters, 4)
        return type(self)(year, number + 1)

    def __sub__(self, other: "Quarter") -> int:
        """How many quarters lie between: `later - earlier` is positive."""
        return (self.year - other.year) * 4 + self.number - other.number

    def __str__(self) -> str:
        return self.label


def quarter_range(last: Quarter, count: int) -> list[Quarter]:
    """The `count` quarters that end with `last`, oldest first."""
    return [last.shift(back) for back in range(1 - count, 1)]


def year_ending(ended: int, year_ends: str) -> date:
    """The last day of the year that ends in the calendar year `ended`, on the day `year_ends`."""
    month, day = map(int, year_ends.split("-"))
    return date(ended, month, min(day, monthrange(ended, month)[1]))


def year_end(started: int, year_ends: str) -> date:
    """The last day of the year that began in the calendar year `started` (`2023/24`)."""
    return year_ending(started + (year_ends < "12-31"), year_ends)


def year_ended_by(day: date, year_ends: str) -> date:
    """The last day of the last such year that had ended by `day`."""
    end = year_ending(day.year, year_ends)
    return end if end <= day else year_ending(day.year - 1, year_ends)
