"""Numbers, lists and names as readers see them, and the words of a row of a table of figures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, is_number, is_text
from kpi_tools.vocabulary import CLOSEST, HIGHER, IN_YEARS, LOWER, MONEY

MISSING = "not available"
NOT_SET = "not set"
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_EXTRA_DECIMALS = 6
_BARE = ("", "count", "number", "ratio", "score")
"""Units that are not printed: the name of the KPI says what is counted."""
_COUNTED = ("days", "hours", "minutes", "seconds", "points", "percentage points")
_NEAREST, _LONGEST, _SHORT = 3, 80, 3

_MULTIPLES = {"thousand": "k", "million": "m", "billion": "bn"}


def in_words(number: int) -> str:
    """`seven` for 7; from ten on the figures, as committee minutes print them."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else f"{number:,}"


def rounded(value: float, decimals: int) -> str:
    """The value to so many decimals, half away from zero, with thousands separators."""
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact:,f}" if exact else f"{abs(exact):,f}"


def unit_words(unit: str) -> str:
    """What stands after the number, but for `%` and `£`: `per 100,000`, `tonnes CO2e`."""
    if unit == "%" or unit in _BARE:
        return ""
    if unit.startswith(MONEY):
        return "" if money_words(unit) in _MULTIPLES else money_words(unit)
    return unit.removeprefix("rate ").removeprefix("other:").strip()


def money_words(unit: str) -> str:
    """`thousand` of `£ thousand`, without which the sum would be another."""
    return unit.removeprefix("GBP").removeprefix("£").strip()


def show(value: float | None, unit: str, decimals: int, *, bare: bool = False) -> str:
    """A figure with its unit: `34%`, `10,323 tonnes CO2e`, `-£1.8 million`, `1 day`; `not
    available` for none.

    `bare` leaves the words of the unit away, where they stand beside it or in the head of a column;
    £ thousand is `£85k`.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    number = rounded(value, decimals)
    if unit == "%":
        return f"{number}%"
    if unit.startswith(MONEY):
        sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
        number = f"{sign}£{digits}"
        multiple = money_words(unit)
        short = _MULTIPLES.get(multiple, "") if number.strip("-£0.,") else ""  # nought is nought
        return number + (short if bare else f" {multiple}".rstrip())
    words = "" if bare else unit_words(unit)
    if number == "1" and words in _COUNTED:
        words = words.removesuffix("s")
    return f"{number} {words}" if words else number


def decimals_against(value: float | None, decimals: int, lines: Iterable[float | None]) -> int:
    """How many decimals keep the printed value on its own side of every line that it is held
    against. 74.7 against a floor of 75 would print as `75` with no decimals; one decimal shows why
    it misses it."""
    if value is None or not math.isfinite(value):
        return decimals
    known = [line for line in lines if line is not None and math.isfinite(line)]
    for places in range(decimals, decimals + _MOST_EXTRA_DECIMALS):
        printed = float(rounded(value, places).replace(",", ""))
        if all(_side(printed, line) == _side(value, line) for line in known):
            return places
    return decimals


def show_line(value: float | None, unit: str, decimals: int, *, bare: bool = False) -> str:
    """A target or another line: its own decimals where it has more than the KPI's."""
    if value is None or not math.isfinite(value):
        return NOT_SET
    return show(value, unit, max(decimals, written_decimals(value)), bare=bare)


def written_decimals(value: float) -> int:
    """How many decimals a line was written with, six at most."""
    exponent = int(Decimal(repr(float(value))).normalize().as_tuple().exponent)
    return min(_MOST_EXTRA_DECIMALS, max(0, -exponent))


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a, b and c`."""
    return f" {last} ".join(part for part in (", ".join(items[:-1]), *items[-1:]) if part)


def between(low: str, high: str) -> str:
    """`between 84% and 97%`; where both are printed alike `about 84%`."""
    return f"between {low} and {high}" if low != high else f"about {low}"


def with_range(expected: str, low: str, high: str) -> str:
    """`91%, between 84% and 97%`; the figure alone where the range is not seen at its decimals."""
    return expected if low == high == expected else f"{expected}, {between(low, high)}"


def plural(number: int, one: str, many: str | None = None) -> str:
    """`one KPI`, `two KPIs`, `12 KPIs`."""
    return f"{in_words(number)} {one if number == 1 else many or plural_of(one)}"


def plural_of(word: str) -> str:
    """`priorities` for priority, `days` for day, `successes` for success, `KPIs` for KPI."""
    if word.endswith(("ss", "us", "x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def within(text: str) -> str:
    """A term as it stands within a sentence: `aim` for `Aim`, but `KPI`."""
    return text if text[1:2].isupper() else f"{text[:1].lower()}{text[1:]}"


def capitalised(text: str) -> str:
    """The text with its first letter large, and the rest as it is; `tCO2e` and the like stay."""
    return text if text[1:2].isupper() else text[:1].upper() + text[1:]


def change_in_words(change: int) -> str:
    """`three more`, `five fewer`, `the same number`."""
    if change == 0:
        return "the same number"
    return f"{in_words(abs(change))} {'more' if change > 0 else 'fewer'}"


def signed(change: int) -> str:
    """`+3`, `-2`, `0` for the cells of a table, so that a spreadsheet reads a number from it."""
    return f"{change:+,}" if change else "0"


def _side(value: float, line: float) -> int:
    slack = 1e-9 * max(1.0, abs(line))
    return int(value > line + slack) - int(value < line - slack)


# Rows of a table of figures, and their words: the same wherever a KPI is looked at.


def figure_of(row: Row, of: str = "", *, bare: bool = False) -> str:
    """The figure as the report prints it everywhere, or the status that says why there is none.
    `of`: the start of the columns' names, such as `previous_`; its lines keep the print on their
    side."""
    if is_text(row.get(f"{of}milestone")):
        return row[f"{of}milestone"]
    if not is_number(row[f"{of}value"]):
        status = row.get(f"{of}status")
        return status if is_text(status) else MISSING
    return show(row[f"{of}value"], row["unit"], _places(row, of), bare=bare)


def _places(row: Row, of: str = "") -> int:
    """How many decimals keep a figure on its side of its lines, and tell how far it misses one."""
    value = float(row[f"{of}value"])
    lines = [row.get(f"{of}target"), row.get(f"{of}floor_standard")]
    places = decimals_against(value, int(row["decimals"]), lines)
    worse = {HIGHER: -1, LOWER: 1}.get(str(row.get("polarity")))
    missed = [line for line in lines if is_number(line) and _side(value, line) == worse]
    return max([places, *map(written_decimals, missed)])


def line_of(row: Row, name: str, *, bare: bool = False) -> str:
    """The row's target or another line, with its tolerance where the nearest to it is best."""
    text = show_line(row.get(name), row["unit"], int(row["decimals"]), bare=bare)
    if name == "target" and row["polarity"] == CLOSEST and is_number(row.get("tolerance")):
        places = max(int(row["decimals"]), written_decimals(row["tolerance"]))
        size = show(row["tolerance"], row["unit"], places, bare=bare)
        text += f" ± {size if row['unit'].startswith(MONEY) else rounded(row['tolerance'], places)}"
    return text


def distance(row: Row, name: str, *, bare: bool = False) -> str:
    """How far the latest figure lies from a line, on either side: `26 points`, never `0 points`."""
    value, line = float(row["value"]), float(row[name])
    places = max(_places(row), written_decimals(line))
    gap = float(Decimal(repr(value)) - Decimal(repr(line)))
    return amount(gap, row["unit"], places, bare=bare)


def amount(
    size: float, unit: str, decimals: int, *, points: str = "points", bare: bool = False
) -> str:
    """How large a difference is, of percentages in `points`; printed as nought where it is none."""
    most = _MOST_EXTRA_DECIMALS
    while size and decimals < most and not rounded(abs(size), decimals).strip("0.,"):
        decimals += 1
    return show(abs(size), points if unit == "%" else unit, decimals, bare=bare and unit != "%")


def parts_of(row: Row) -> str | None:
    """`813 of 2,421`, where numerator and denominator are known."""
    if not (is_number(row.get("numerator")) and is_number(row.get("denominator"))):
        return None
    return f"{row['numerator']:,.0f} of {row['denominator']:,.0f}"


def period_of(row: Row) -> str:
    """`December 2024`, `Quarter 3 2024/25`, `Year to March 2025`, or a day."""
    if row.get("frequency") in IN_YEARS and is_text(row.get("period")):
        return str(row["period"])
    if is_text(row.get("day")):
        return f"{row['period_end'].day} {row['period_end']:%B %Y}"
    if is_text(row.get("month")):
        return f"{row['period_end']:%B %Y}"
    return Quarter.parse(row["quarter"]).title


# Names that somebody typed.


def named(given: object, known: Mapping[str, str], what: str) -> str:
    """The key of `known` that `given` names, whatever its capitals and spaces. `known`: names, each
    with how to present it (a KPI's id with its title). `what` is the kind of thing, for the
    sentence. Raises `InputError` with the nearest names where there is no such one: near in
    spelling, holding what was typed, or with a word near to one of it."""
    typed = _plain(given)
    for name in known:
        if _plain(name) == typed:
            return name
    found = [_clipped(known[name]) for name in _nearest(typed, known)]
    advice = f"The nearest: {listed(found, 'or')}." if found else f"There are: {'; '.join(known)}."
    raise InputError(f'There is no {what} "{_clipped(str(given))}". {advice}')


def _nearest(typed: str, known: Mapping[str, str]) -> list[str]:
    by_plain = {_plain(text): name for name, text in known.items()}
    by_plain |= {_plain(name): name for name in known}
    near = get_close_matches(typed, by_plain, n=_NEAREST, cutoff=0.5)
    near += [plain for plain in by_plain if typed and typed in plain]
    near = near or [plain for plain in by_plain if _share_a_word(typed, plain)]
    return list(dict.fromkeys(by_plain[plain] for plain in near))[:_NEAREST]


def _share_a_word(typed: str, name: str) -> bool:
    words = [word.strip(",.()") for word in name.split()]
    long = (word for word in typed.split() if len(word) > _SHORT)
    return any(get_close_matches(word, words, n=1, cutoff=0.8) for word in long)


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _plain(text: object) -> str:
    return " ".join(str(text).casefold().split())
