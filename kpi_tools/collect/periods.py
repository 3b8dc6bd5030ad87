"""The periods that headings and titles of a council's workbook name, as returns write them."""

import re
from datetime import date
from typing import Final, NamedTuple

from kpi_tools.collect.recognise import Sure, folded, recognisers
from kpi_tools.loading.periods import month_number
from kpi_tools.quarters import Quarter

_LOOSE: Final = (
    r"(?:[\s:;,|()\[\]'_./-]"
    r"|\b(?:to|for|of|as at|as of|at|the|end|ending|ended|fy|ay|academic|year)\b)*"
)

_NUMBERS: Final = ("first", "second", "third", "fourth", "one", "two", "three", "four")
_IN_WORDS: Final = re.compile(
    r"\b(?:first|second|third|fourth)(?= (?:quarter|qtr))|(?<=quarter )(?:one|two|three|four)\b"
)


class When(NamedTuple):
    """The period that a heading names, as returns write it, and the rest of the heading. `open`: a
    period is named, but not which; why. `fault`: one is named that cannot be."""

    label: str = ""
    rest: str = ""
    sure: str = Sure.CERTAIN
    open: str = ""
    fault: str = ""


def find_period(text: str, year: int | None = None) -> When:
    """The period named somewhere in `text`; `year` is the financial year that titles above name."""
    rest, found = folded(text).replace("_", " "), dict[str, re.Match[str]]()
    rest = _IN_WORDS.sub(lambda one: str(1 + _NUMBERS.index(one[0]) % 4), rest)
    for form, (kind, _) in recognisers()["period"]:
        matches = form.finditer(rest)
        if kind == "years":  # the second follows the first
            matches = (one for one in matches if (int(one["end"]) - int(one["y"])) % 100 == 1)
        if kind not in found and (match := next(matches, None)):
            found[kind] = match
            rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    rest = re.sub(r"\(\s*\)", "", rest).strip()
    if not found:
        return When(rest=rest)
    rest = re.sub(rf"^{_LOOSE}|{_LOOSE}$", "", rest).strip()
    return _period(found, year)._replace(rest=rest)


def _period(found: dict[str, re.Match[str]], year: int | None) -> When:
    started = _full(found["years"]["y"]) if "years" in found else None
    bare = found["year"]["y"] if "year" in found else ""
    quarters = [found[kind] for kind in ("quarter", "another quarter") if kind in found]
    numbers = {int(one["n"] or one["nth"]) for one in quarters}
    if wrong := sorted(numbers - {1, 2, 3, 4}):
        return When(fault=f"there is no quarter {wrong[0]} of a year")
    if span := found.get("months"):
        first, last = month_number(span["first"]) or 0, month_number(span["m"]) or 0
        if (last - first) % 12 == 2 and last % 3 == 0:
            numbers.add(_number(last))
            if started is None and (known := span["y"] or bare):
                started = _full(known) - (last < 4)
        elif not numbers and (last - first) % 12 != 11:
            return When(open="it is of several months, and which it ends in has to be said")
    if len(numbers) > 1:
        return When(fault=f"it names Quarter {min(numbers)} and Quarter {max(numbers)} at once")
    month, number = found.get("month"), 0
    if month:
        number = int(month["m"]) if month["m"].isdigit() else month_number(month["m"]) or 0
        if not 1 <= number <= 12:
            return When(fault=f"there is no month {number}")
    inherited, sure = (year, Sure.LIKELY) if started is None else (started, Sure.CERTAIN)
    if numbers:
        quarter = numbers.pop()
        if started is None and month and month["y"]:
            if _number(number) != quarter:
                return When(fault=f"{month['m']} is not in Quarter {quarter}")
            inherited, sure = _full(month["y"]) - (number < 4), Sure.CERTAIN
        elif inherited is None:
            return When(open="which financial year it is of")
        elif started is None and bare and int(bare) != inherited + (quarter == 4):
            return When(open=f"which financial year it is of: {bare} may be of two")
        return When(Quarter(inherited, quarter).label, sure=sure)
    if half := found.get("half"):
        if inherited is None:
            return When(open="which financial year it is of")
        which = int(half["n"] or 1 + (half[0][0] in "2s"))
        return When(Quarter(inherited, 2 * which).label, sure=sure)
    if month:
        if known := month["y"] or bare:
            return When(f"{_full(known)}-{number:02}")
        if inherited is None:
            return When(open="which year it is of")
        return When(f"{inherited + (number < 4)}-{number:02}", sure=sure)
    if started is not None:
        return When(years_label(started))
    return When(bare, sure=Sure.LIKELY) if bare else When()


def _full(year: str) -> int:
    return int(year) + (2000 if len(year) == 2 else 0)


def _number(month: int) -> int:
    return Quarter.containing(date(2000, month, 1)).number


def years_label(started: int) -> str:
    """`2024/25` for 2024."""
    return f"{started}/{(started + 1) % 100:02}"


def kind_of(label: str) -> str:
    """What a period is: quarter, month, year, or "" where there is none."""
    if re.fullmatch(r"\d{4}-\d\d", label):
        return "month"
    return "quarter" if "Q" in label else "year" if label else ""


def ends_quarter(label: str) -> bool:
    """Whether a period is the last month of a quarter."""
    return kind_of(label) == "month" and int(label[5:]) % 3 == 0


def quarter_of(label: str) -> Quarter:
    """The quarter in which a period ends; of a bare year the one that ends in its March."""
    match kind_of(label):
        case "quarter":
            return Quarter.parse(label)
        case "month":
            return Quarter.containing(date(int(label[:4]), int(label[5:]), 1))
        case _:
            return Quarter(int(label[:4]) - (len(label) == 4), 4)


def year_in(texts: list[str]) -> int | None:
    """The financial year that titles name, the first; a quarter or month says it too."""
    whens = [(text, find_period(text)) for text in texts]
    labels = [
        (find_period(re.sub(r"(?i)\bq\d", "", text)) if when.fault else when).label
        for text, when in whens
    ]
    named = [one for one in labels if one and kind_of(one) != "year" or "/" in one]
    return quarter_of(named[0]).year if named else None
