"""What follows for a KPI of a workbook from its cells; what a person says goes before."""

import colorsys
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from kpi_tools.collect.kpis import Book, Kpi
from kpi_tools.collect.periods import ends_quarter, find_period, kind_of, quarter_of
from kpi_tools.collect.recognise import Fact, Sure, folded, recognise
from kpi_tools.units import adds_up, known_unit

ANSWERS: Final = (
    *("kpi_id", "kpi_name", "section", "directorate", "owner", "unit", "polarity", "frequency"),
    *("basis", "due", "rated", "multiply_by", "target_covers"),
)
"""What the mapping says of a KPI, in the order of its columns."""
_HUES: Final = {20: "Red", 70: "Amber", 175: "Green", 260: "Blue", 330: "", 360: "Red"}
"""The rating that a colour stands for, by where its hue ends."""
Facts = Iterator[tuple[str, str, str, str]]
"""Name, value, sureness and reason; the first of a name counts."""


def deduce(book: Book, answers: Mapping[str, Mapping[str, str]]) -> Book:
    """Complete the KPIs of a book: the answers by key, then what follows from cells."""
    _take_colours(book)
    width = max(2, len(str(len(book.kpis))))
    codes = {kpi.get("kpi_id").casefold() for kpi in book.kpis}
    sheets = {kpi.sheet for kpi in book.kpis}
    cells = [key for kpi in book.kpis for key in kpi.cells]
    figures = [period for means, period in cells if means in ("actual", "cumulative")]
    quarters = {quarter_of(one).number for one in figures if kind_of(one) == "quarter"}
    for number, kpi in enumerate(book.kpis, start=1):
        for name, text in answers.get(kpi.key, {}).items():
            if text and name in ANSWERS and kpi.get(name) != text:
                kpi.facts[name] = Fact(text, Sure.GIVEN, "mapping.xlsx")
        code = f"K{number:0{width}}"
        code += "-new" * (code.casefold() in codes)
        named_sheet = len(sheets) > 1 and not find_period(kpi.sheet).label
        kpi.note("kpi_id", code, Sure.LIKELY, "made, since it has no code")
        for section, why in (
            (kpi.get("directorate"), "its directorate, since no section is told"),
            (kpi.sheet * named_sheet, "the name of its sheet"),
            ("Performance indicators", "no section is told"),
        ):
            kpi.note("section", section, Sure.LIKELY, why)
        for facts in (_unit(kpi), _frequency(kpi, quarters), _polarity(kpi), _covers(kpi)):
            for fact in facts:  # a later one may ask for what an earlier one has set
                kpi.note(*fact)
    return book


def _take_colours(book: Book) -> None:
    """Take colours for ratings where they are of two kinds at least."""
    fills = [(kpi, period, cell) for kpi in book.kpis for period, cell in kpi.of("fill").items()]
    if len({_rating_of(cell.text) for *_, cell in fills} - {""}) > 1:
        for kpi, period, cell in fills:
            cell.text = cell.value = _rating_of(cell.text)
            if cell.text and period not in kpi.of("rating"):
                cell.means, kpi.cells["rating", period] = "rating", cell
                book.cells.append(cell)


def _rating_of(fill: str) -> str:
    red, green, blue = (int(fill[at : at + 2], 16) / 255 for at in (0, 2, 4))
    if max(red, green, blue) - min(red, green, blue) < 0.06:
        return ""
    hue = 360 * colorsys.rgb_to_hls(red, green, blue)[0]
    return next(name for end, name in _HUES.items() if hue <= end)


def _unit(kpi: Kpi) -> Facts:
    figures = [*kpi.of("actual").values(), *kpi.of("cumulative").values()]
    lines = [*kpi.of("target").values(), *kpi.of("floor_standard").values()]
    signs, name = Counter(cell.sign for cell in figures or lines), kpi.get("kpi_name")
    if signs["%"] and 2 * signs["%"] >= signs.total():
        yield "unit", "%", Sure.CERTAIN, "its cells have the sign %"
    if rate := re.search(r"\bper ([\d,]+(?: ?000)?)\b", folded(name)):
        yield "unit", known_unit(rate[0].replace(" 000", "000")) or "", Sure.CERTAIN, "its name"
    if within := recognise("unit_within", name):
        yield "unit", *within, "its name"
    if signs["£"]:
        yield "unit", "£", Sure.CERTAIN, "its cells have the sign £"
    if any(cell.sign == "%" for cell in lines):
        yield "unit", "%", Sure.LIKELY, "its target has the sign %"
    if within := recognise("unit_within", kpi.get("definition")):
        yield "unit", within.means, Sure.LIKELY, "its definition"
    if figures and all((cell.value or 0) % 1 == 0 for cell in [*figures, *lines]):
        yield "unit", "count", Sure.LIKELY, "all its figures are whole numbers"
    numbers = [cell.value or 0 for cell in [*figures, *lines] if cell.sign != "%"]
    if kpi.get("unit") == "%" and len(numbers) > 1 and max(map(abs, numbers)) <= 1:
        why = "a percentage whose figures are all at most 1: shares"
        yield "multiply_by", "100" if any(one % 1 for one in numbers) else "", Sure.LIKELY, why
    yield "unit", "", Sure.UNKNOWN, "neither its name nor its cells say"


def _frequency(kpi: Kpi, asked: set[int]) -> Facts:
    """Frequency, due and basis; `asked` are the quarters of which others have figures."""
    given = kpi.figures
    kinds = Counter(map(kind_of, given))
    numbers = {quarter_of(period).number for period in given if kind_of(period) == "quarter"}
    if kinds["month"] > 1 and all(ends_quarter(one) for one in given if kind_of(one) == "month"):
        yield "frequency", "quarterly", Sure.LIKELY, "it has figures of every third month only"
    if kinds["month"]:
        yield "frequency", "monthly", Sure.CERTAIN, "it has figures of months"
    elif kinds["quarter"]:
        if kinds["quarter"] > 1 and len(numbers) == 1 and len(asked) > 1:
            why = f"it has figures of Quarter {min(numbers)} only"
            yield "frequency", "annual", Sure.LIKELY, why
        elif numbers in ({2, 4}, {1, 3}) and (len(given) > 2 or asked == numbers):
            why = "it has figures of every second quarter only"
            yield "frequency", "half_yearly", Sure.LIKELY, why
        yield "frequency", "quarterly", Sure.CERTAIN, "it has figures of quarters"
        usual = {"half_yearly": {2, 4}, "annual": {4}, "biennial": {4}}
        if numbers != usual.get(kpi.get("frequency"), numbers):
            due = ";".join(f"Q{number}" for number in sorted(numbers))
            yield "due", due, Sure.LIKELY, "the quarters in which it has figures"
    elif kinds["year"]:
        yield "frequency", "annual", Sure.CERTAIN, "it has figures of years"
    yield "frequency", "quarterly", Sure.LIKELY, "it has no figure of a period"
    if within := recognise("basis_within", kpi.get("kpi_name")):
        yield "basis", *within, "its name"
    if kpi.of("cumulative") and not kpi.of("actual"):
        yield "basis", "year_to_date", Sure.CERTAIN, "its figures are headed year to date"
    elif kpi.get("frequency") == "monthly" and not (
        adds_up(kpi.get("unit")) or kpi.of("numerator") or kinds["quarter"]
    ):
        why = "months without the cases behind them cannot be added up: "
        yield "basis", "snapshot", Sure.LIKELY, f"{why}the quarter shows its last month"


def _polarity(kpi: Kpi) -> Facts:
    """Polarity and whether it is rated: by words, else by ratings, else asked for."""
    for where in ("name", "definition"):
        if within := recognise("polarity_within", kpi.get(where.replace("name", "kpi_name"))):
            yield "polarity", *within, f"its {where}"
    if not kpi.of("target") and not kpi.of("floor_standard"):
        if unread := kpi.unread:
            yield "rated", "", Sure.UNKNOWN, f'its target "{unread[0]}" is not read as a number'
        else:
            yield "rated", "no", Sure.LIKELY, "it has no target"
    if kpi.get("rated") == "no":
        yield "polarity", "none", Sure.LIKELY, "it is only monitored"
    if kpi.get("polarity") == "none":
        yield "rated", "no", Sure.LIKELY, "no side of it is better"
    pairs = [one for one in _rated(kpi) if one[1]]
    ways = {"higher" if (beyond > 0) == good else "lower" for good, beyond in pairs}
    strong = any(not good or abs(beyond) > 0.1 for good, beyond in pairs)
    if len(ways) == 1 and strong and len(pairs) > 1:
        why = f"its {len(pairs)} ratings beside the target fit it alone"
        yield "polarity", ways.pop(), Sure.LIKELY, why
    hint = recognise("polarity_hint", kpi.get("kpi_name"))
    why = "nothing says what is better"
    yield "polarity", "", Sure.UNKNOWN, f"{why}; perhaps {hint.means}" if hint else why


def _rated(kpi: Kpi) -> list[tuple[bool, float]]:
    """Of each rating whether it is a good one, and the figure's share beyond the target."""
    return [
        (row["theirs"] in ("Green", "Blue"), (row["value"] - target) / (abs(target) or 1e-9))
        for row in kpi.rated()
        if (target := row["target"]) == target
    ]


def _covers(kpi: Kpi) -> Facts:
    """Whether a target is of a quarter or of more, where figures add up and no column says."""
    kinds, figures = {*map(kind_of, kpi.of("target"))}, {*map(kind_of, kpi.figures)}
    basis, months = kpi.get("basis", "quarter"), kpi.get("frequency") == "monthly"
    way = {"higher": 1, "lower": -1}.get(kpi.get("polarity"), 0)
    fits = [(way * beyond >= 0) == good for good, beyond in _rated(kpi)]
    against = bool(way) and len(fits) > 1 and not any(fits)
    dated = kinds & {"quarter", "month"} and not against or figures <= {"year"}
    undated = kinds == {""} and not months and basis == "quarter" and not against
    if kpi.get("rated") == "no" or not adds_up(kpi.get("unit")) or not kinds or dated or undated:
        return
    if basis not in ("quarter", "year_to_date"):
        return
    if way and len(fits) > 1 and all(fits) and not months:
        yield "target_covers", "quarter", Sure.LIKELY, "its ratings fit the target as it stands"
    why = "its figures add up, and the target may be of a quarter or of more"
    yield "target_covers", "", Sure.UNKNOWN, why
