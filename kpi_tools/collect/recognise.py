"""What a heading or a cell of somebody else's workbook means: a table of recognisers, and the periods that headings name."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from kpi_tools.loading.cells import clean_name
from kpi_tools.loading.periods import month_number
from kpi_tools.quarters import Quarter

CERTAIN, LIKELY, NOT_TOLD, GIVEN = "certain", "likely", "not told", "given"
"""How sure a decision is; `given` where whoever filled in the mapping made it."""


class Meaning(NamedTuple):
    """What a text was taken for, and how sure that is."""

    means: str
    sure: str


@cache
def _recognisers() -> dict[str, list[tuple[re.Pattern[str], Meaning]]]:
    table = tomllib.loads(Path(__file__).with_name("recognisers.toml").read_text(encoding="utf-8"))
    return {
        group: [(re.compile(one["pattern"]), Meaning(one["means"], one["sure"])) for one in rows]
        for group, rows in table.items()
    }


def folded(text: str) -> str:
    """`text` as recognisers see it: one line of small letters, plain dashes and quotation marks."""
    plain = clean_name(text).casefold().replace("’", "'").replace("‘", "'")
    return re.sub("[‐-―−]", "-", plain)


def recognise(group: str, text: str) -> Meaning | None:
    """The first recogniser of a group that fits `text`; None where none does."""
    plain = folded(text)
    within = group.endswith(("_within", "_hint"))
    for pattern, meaning in _recognisers()[group] if plain else ():
        if pattern.search(plain) if within else pattern.fullmatch(plain):
            return meaning
    return None


class When(NamedTuple):
    """The period that a heading names, as returns write it, and the rest of the heading.

    `open`: a period is named, but not which; why. `fault`: one is named that cannot be.
    """

    label: str = ""
    rest: str = ""
    sure: str = CERTAIN
    open: str = ""
    fault: str = ""


_NAMES: Final = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_DATES: Final = (
    re.compile(r"\b(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?: 00:00:00)?\b"),
    re.compile(r"\b(?P<d>\d\d?)[/.](?P<m>\d\d?)[/.](?P<y>20\d\d|\d\d)\b"),
    re.compile(rf"\b(?P<d>\d\d?)(?:st|nd|rd|th)?[- ](?P<m>{_NAMES})[- ,]+(?P<y>20\d\d)\b"),
)
_ISO_MONTH: Final = re.compile(r"\b(20\d\d)-(0[1-9]|1[0-2])\b")
_MONTHS_TO: Final = re.compile(
    rf"\b({_NAMES})\.?(?: ?20\d\d| ?\d\d)? ?(?:-|to|/|&|and) ?({_NAMES})\b\.?(?:[ '/-]*(20\d\d|\d\d)\b)?"
)
_NUMBER: Final = re.compile(
    r"\b(?:q(?:tr|uarter|u)?\.?[ _-]?)(\d+)(?=\D|$)|\b([1-4])(?:st|nd|rd|th) q(?:ua)?r?ter\b"
)
_HALF: Final = re.compile(r"\bh([12])\b|\b(?:half[- ]year|(?:1st|2nd|first|second) half)\b")
_SPAN: Final = re.compile(r"(?<![\d/.-])(?:fy ?)?(20\d\d|[1-4]\d) ?[-/] ?(20\d\d|\d\d)(?![\d/-])")
_MONTH: Final = re.compile(rf"\b({_NAMES})\b\.?(?:[- '/,.]*(20\d\d|\d\d)(?!\d))?")
_YEAR: Final = re.compile(r"(?<![\d/.-])(?:fy ?|cy ?)?(20[0-4]\d)(?![\d/.])")
_LOOSE: Final = (
    r"(?:[\s:;,|()\[\]'_./-]|\b(?:to|for|of|as at|as of|at|the|end|ending|ended|fy|year)\b)*"
)
LAST_MONTHS: Final = ("03", "06", "09", "12")


class _Text:
    """A heading from which what is recognised is taken away."""

    def __init__(self, text: str) -> None:
        self.left = folded(text)

    def take(self, form: re.Pattern[str], only: object = None) -> re.Match[str] | None:
        for found in form.finditer(self.left):
            if only is None or only(found):  # type: ignore[operator]
                self.left = f"{self.left[: found.start()]} {self.left[found.end() :]}"
                return found
        return None


def _follows(found: re.Match[str]) -> bool:
    return int(found[2]) % 100 == (int(found[1]) + 1) % 100


def _full(year: str) -> int:
    return int(year) + (2000 if len(year) == 2 else 0)


def _month_of(name: str) -> int:
    return int(name) if name.isdigit() else month_number(name) or 0


def find_period(text: str, year: int | None = None) -> When:
    """The period named somewhere in `text`; `year` is the financial year that titles above it name."""
    given = _Text(text)
    date = next(filter(None, (given.take(form) for form in _DATES)), None)
    ranges = given.take(_MONTHS_TO)
    numbers = [given.take(_NUMBER) for _ in range(2)]
    half, span = given.take(_HALF), given.take(_SPAN, _follows)
    iso = given.take(_ISO_MONTH)
    month = given.take(_MONTH)
    bare = given.take(_YEAR)
    rest = re.sub(r"\(\s*\)", "", given.left).strip()
    if any((date, ranges, half, span, iso, month, bare, *numbers)):
        rest = re.sub(rf"^{_LOOSE}|{_LOOSE}$", "", rest).strip()
    started = int(_full(span[1])) if span else None
    said = {int(one[1] or one[2]) for one in numbers if one}
    if bad := [number for number in said if not 1 <= number <= 4]:
        return When(rest=rest, fault=f"there is no quarter {bad[0]} of a year")
    if ranges:
        first, last = _month_of(ranges[1]), _month_of(ranges[2])
        if (last - first) % 12 == 2 and last % 3 == 0:
            said.add((last - 4) % 12 // 3 + 1)
            known = ranges[3] or (bare[1] if bare else "")
            if known and started is None:
                started = _full(known) - (last < 4)
    if len(said) > 1:
        return When(
            rest=rest, fault=f"it names Quarter {min(said)} and Quarter {max(said)} at once"
        )
    if said:
        return _quarter(said.pop(), started, bare, month, year, rest)
    if half:
        if started is None and year is None:
            return When(rest=rest, open="which financial year it is of")
        return When(f"H{half[1] or 1} {_years(started if started is not None else year)}", rest)
    if date:
        number = _month_of(date["m"])
        if not 1 <= number <= 12:
            return When(rest=rest, fault=f"there is no month {number}")
        return When(f"{_full(date['y'])}-{number:02}", rest)
    if iso:
        return When(f"{iso[1]}-{iso[2]}", rest)
    if month:
        number = _month_of(month[1])
        known = month[2] or (bare[1] if bare else "")
        if known and not (span and month[2] is None and not bare):
            return When(f"{_full(known)}-{number:02}", rest)
        of = started if started is not None else year
        if of is None:
            return When(rest=rest, open="which year it is of")
        sure = CERTAIN if started is not None else LIKELY
        return When(f"{of + (number < 4)}-{number:02}", rest, sure)
    if started is not None:
        return When(_years(started), rest)
    return When(bare[1], rest, LIKELY) if bare else When(rest=rest)


def _quarter(
    number: int,
    started: int | None,
    bare: re.Match[str] | None,
    month: re.Match[str] | None,
    year: int | None,
    rest: str,
) -> When:
    if started is not None:
        return When(Quarter(started, number).label, rest)
    if month and month[2]:
        ends = _month_of(month[1])
        if (ends - 4) % 12 // 3 + 1 != number:
            return When(rest=rest, fault=f"{month[1]} is not in Quarter {number}")
        return When(Quarter(_full(month[2]) - (ends < 4), number).label, rest)
    if year is None:
        return When(rest=rest, open="which financial year it is of")
    if bare and int(bare[1]) != year + (number == 4):
        return When(rest=rest, open=f"which financial year it is of: {bare[1]} may be of two")
    return When(Quarter(year, number).label, rest, LIKELY)


def _years(started: int | None) -> str:
    started = started or 0
    return f"{started}/{(started + 1) % 100:02}"


def kind_of(label: str) -> str:
    """What a period is: quarter, month, half, year, or "" where there is none."""
    if not label:
        return ""
    if re.fullmatch(r"\d{4}-\d\d", label):
        return "month"
    return "quarter" if "Q" in label else "half" if label[0] == "H" else "year"


def quarter_of(label: str) -> Quarter:
    """The financial quarter in which a period ends; of a bare year the one that ends in its March."""
    kind = kind_of(label)
    if kind == "quarter":
        return Quarter.parse(label)
    if kind == "month":
        number = int(label[5:])
        return Quarter(int(label[:4]) - (number < 4), (number - 4) % 12 // 3 + 1)
    if kind == "half":
        return Quarter(int(label[3:7]), 2 * int(label[1]))
    return Quarter(int(label[:4]) - (len(label) == 4), 4)


def year_in(texts: list[str]) -> int | None:
    """The financial year that titles name, the first of them; a quarter or month says it too."""
    for text in texts:
        label = find_period(text).label
        if label and kind_of(label) != "year" or "/" in label:
            return quarter_of(label).year
    return None
