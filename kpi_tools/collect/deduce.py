"""What follows for a KPI of a workbook from its cells: unit, rhythm, polarity, what its target covers. Answers go first."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from kpi_tools.collect.cells import ANSWERS, Book, Cell, Kpi
from kpi_tools.collect.recognise import (
    CERTAIN,
    GIVEN,
    LIKELY,
    NOT_TOLD,
    find_period,
    folded,
    kind_of,
    quarter_of,
    recognise,
)
from kpi_tools.units import UNITS, known_unit, unit_family


def colour_of(fill: str) -> str:
    """The rating that a colour stands for, by its hue; "" for none of the four."""
    red, green, blue = (int(fill[at : at + 2], 16) / 255 for at in (0, 2, 4))
    most, least = max(red, green, blue), min(red, green, blue)
    span = most - least
    if span < 0.06:
        return ""
    if most == red:
        hue = 60 * ((green - blue) / span % 6)
    else:
        hue = 60 * ((blue - red) / span + 2) if most == green else 60 * ((red - green) / span + 4)
    bounds = ((20, "Red"), (70, "Amber"), (175, "Green"), (260, "Blue"), (330, ""), (360, "Red"))
    return next(name for bound, name in bounds if hue <= bound)


def settle(book: Book, answers: Mapping[str, Mapping[str, str]]) -> None:
    """What follows for each KPI from its cells and from all of them; the answers of a person go before all."""
    colours = {
        colour_of(k.ratings[p][0]) for k in book.kpis for p in k.ratings if p.startswith("fill ")
    } - {""}
    of_fills = len(colours) > 1 or not any(
        not p.startswith("fill ") for k in book.kpis for p in k.ratings
    )
    for kpi in book.kpis:
        for period in [p for p in kpi.ratings if p.startswith("fill ")]:
            fill, where = kpi.ratings.pop(period)
            if colour_of(fill) and of_fills and len(colours) > 1:
                kpi.ratings.setdefault(period.removeprefix("fill "), (colour_of(fill), where))
    book.counts["rating", "in the sheet"] = (
        sum(len(k.ratings) for k in book.kpis) + book.counts["rating", "left"]
    )
    width = max(2, len(str(len(book.kpis))))
    taken = {kpi.said.get("kpi_id", "").casefold() for kpi in book.kpis}
    for number, kpi in enumerate(book.kpis, start=1):
        for name, text in answers.get(kpi.key, {}).items():
            if text and name in ANSWERS:
                told = kpi.said.get(name) == text
                kpi.said[name] = text
                kpi.how[name] = (
                    kpi.how.get(name, (GIVEN, "mapping.xlsx")) if told else (GIVEN, "mapping.xlsx")
                )
        own = f"K{number:0{width}}"
        kpi.tell(
            "kpi_id",
            own if own.casefold() not in taken else f"{own}-new",
            LIKELY,
            "made, since it has no code",
        )
        directorate = kpi.said.get("directorate", "")
        kpi.tell("section", directorate, LIKELY, "its directorate, since no section is told")
        if len({one.sheet for one in book.kpis}) > 1 and not find_period(kpi.sheet).label:
            kpi.tell("section", kpi.sheet, LIKELY, "the name of its sheet")
        kpi.tell("section", "Performance indicators", LIKELY, "no section is told")
        _units(kpi)
        _rhythm(kpi, book)
        _ways(kpi)


def _units(kpi: Kpi) -> None:
    figures = [*kpi.of("actual").values(), *kpi.of("cumulative").values()]
    lines = [*kpi.of("target").values(), *kpi.of("floor_standard").values()]
    signs = Counter(cell.signs for cell in (figures or lines))
    name = kpi.said["kpi_name"]
    if signs["%"] and 2 * signs["%"] >= sum(signs.values()):
        kpi.tell("unit", "%", CERTAIN, "its cells have the sign %")
    rate = re.search(r"\bper ([\d,]+(?: ?000)?)\b", folded(name))
    if rate and (unit := known_unit(f"per {rate[1].replace(' ', '')}")):
        kpi.tell("unit", unit, CERTAIN, "its name")
    if within := recognise("unit_within", name):
        kpi.tell("unit", within.means, within.sure, "its name")
    if signs["£"]:
        kpi.tell("unit", "£", CERTAIN, "its cells have the sign £")
    if any(cell.signs == "%" for cell in lines):
        kpi.tell("unit", "%", LIKELY, "its target has the sign %")
    if within := recognise("unit_within", kpi.texts.get(("definition", ""), "")):
        kpi.tell("unit", within.means, LIKELY, "its definition")
    if figures and all(
        cell.value is not None and cell.value % 1 == 0 for cell in [*figures, *lines]
    ):
        kpi.tell("unit", "count", LIKELY, "all its figures are whole numbers")
    numbers = [cell.value or 0 for cell in [*figures, *lines] if cell.signs != "%"]
    if (
        kpi.said.get("unit") == "%"
        and len(numbers) > 1
        and max(map(abs, numbers)) <= 1
        and any(v % 1 for v in numbers)
    ):
        kpi.tell(
            "multiply_by", "100", LIKELY, "a percentage whose figures are all at most 1: shares"
        )
    if not kpi.said.get("unit"):
        kpi.how["unit"] = (NOT_TOLD, "neither its name nor its cells say")


def _rhythm(kpi: Kpi, book: Book) -> None:
    """Frequency, basis and when it is due, by the periods of its figures."""
    given = kpi.of("actual") or kpi.of("cumulative")
    kinds = Counter(kind_of(period) for period in given)
    if kinds["month"]:
        kpi.tell("frequency", "monthly", CERTAIN, "it has figures of months")
    elif kinds["quarter"]:
        numbers = {quarter_of(period).number for period in given if kind_of(period) == "quarter"}
        enough = len([p for p in given if kind_of(p) == "quarter"]) > 1
        asked = {
            p
            for other in book.kpis
            for w, p in other.figures
            if w in ("actual", "cumulative") and kind_of(p) == "quarter"
        }
        all_asked = {quarter_of(p).number for p in asked}
        if enough and len(numbers) == 1 and len(all_asked) > 1:
            kpi.tell(
                "frequency", "annual", LIKELY, f"it has figures of Quarter {min(numbers)} only"
            )
        elif enough and numbers in ({2, 4}, {1, 3}) and len(all_asked) > 2 and len(given) > 2:
            kpi.tell(
                "frequency", "half_yearly", LIKELY, "it has figures of every second quarter only"
            )
        kpi.tell("frequency", "quarterly", CERTAIN, "it has figures of quarters")
        if kpi.said["frequency"] in ("annual", "half_yearly", "biennial"):
            usual = {"half_yearly": {2, 4}}.get(kpi.said["frequency"], {4})
            due = ";".join(f"Q{number}" for number in sorted(numbers))
            if numbers != usual:
                kpi.tell("due", due, LIKELY, "the quarters in which it has figures")
    elif kinds["half"]:
        kpi.tell("frequency", "half_yearly", CERTAIN, "it has figures of half years")
    elif kinds["year"]:
        kpi.tell("frequency", "annual", CERTAIN, "it has figures of years")
    kpi.tell("frequency", "quarterly", LIKELY, "it has no figure of a period")
    if within := recognise("basis_within", kpi.said["kpi_name"]):
        kpi.tell("basis", within.means, within.sure, "its name")
    if not kpi.of("actual") and kpi.of("cumulative"):
        kpi.tell("basis", "year_to_date", CERTAIN, "its figures are headed year to date")
    elif kpi.said["frequency"] == "monthly" and not adds(kpi) and not kpi.of("numerator"):
        why = "months without the cases behind them cannot be added up: the quarter shows its last month"
        kpi.tell("basis", "snapshot", LIKELY, why)


def adds(kpi: Kpi) -> bool:
    """Whether figures of parts of a period add up to the whole's."""
    unit = kpi.said.get("unit", "")
    return unit == "count" or unit_family(unit).money and unit in UNITS


def target_at(kpi: Kpi, period: str, means: str = "target") -> Cell | None:
    """The line in force for a period as the sheet has it: of the period, of its year, of none."""
    lines = kpi.of(means)
    year = quarter_of(period).year if period else 0
    names = (
        period,
        quarter_of(period).label if period else "",
        f"{year}/{(year + 1) % 100:02}",
        "",
    )
    return next((lines[name] for name in names if name in lines), None)


def _ways(kpi: Kpi) -> None:
    """Polarity, whether it is rated, what its target covers: by words, else by ratings, else asked for."""
    texts = (kpi.said["kpi_name"], kpi.texts.get(("definition", ""), ""))
    for text, where in zip(texts, ("name", "definition"), strict=True):
        if within := recognise("polarity_within", text):
            kpi.tell("polarity", within.means, within.sure, f"its {where}")
    if not kpi.of("target") and not kpi.of("floor_standard"):
        kpi.tell("rated", "no", LIKELY, "it has no target")
    if kpi.said.get("rated") == "no":
        kpi.tell("polarity", "none", LIKELY, "it is only monitored")
    if kpi.said.get("polarity") == "none":
        kpi.tell("rated", "no", LIKELY, "no side of it is better")
    votes, strong = Counter[str](), False
    for rating, figure, line in _rated(kpi):
        good = rating in ("Green", "Blue")
        if figure != line:
            votes["higher" if (figure > line) == good else "lower"] += 1
            strong |= not good or abs(figure - line) > 0.1 * abs(line)
    if len(votes) == 1 and strong and (count := votes.total()) > 1:
        kpi.tell(
            "polarity",
            next(iter(votes)),
            LIKELY,
            f"its {count} ratings beside the target fit it alone",
        )
    if not kpi.said.get("polarity"):
        hint = recognise("polarity_hint", kpi.said["kpi_name"])
        kpi.hint = f"perhaps {hint.means}" if hint else ""
        kpi.how["polarity"] = (NOT_TOLD, "nothing says what is better")
    _covers(kpi)


def _rated(kpi: Kpi) -> Iterator[tuple[str, float, float]]:
    """Each rating with the figure and the target that it is of."""
    figures = kpi.of("actual") or kpi.of("cumulative")
    for period, (rating, _) in kpi.ratings.items():
        of = kpi.period_of(period)
        line = target_at(kpi, of)
        if of and line:
            yield rating, kpi.number(figures[of]), kpi.number(line)


def _covers(kpi: Kpi) -> None:
    """Whether a target is of a quarter or of more, where figures add up and the sheet does not say."""
    kinds = {kind_of(period) for period in kpi.of("target")}
    figures = {kind_of(period) for period in (kpi.of("actual") or kpi.of("cumulative"))}
    to_date = kpi.said.get("basis") == "year_to_date"
    dated = kinds & {"quarter", "month"} or figures <= {"year", "half"}
    if kpi.said.get("rated") == "no" or not adds(kpi) or dated or not kinds:
        return
    undated_quarters = kinds == {""} and "month" not in figures and not to_date
    if kpi.said.get("basis", "quarter") not in ("quarter", "year_to_date") or undated_quarters:
        return
    way = {"higher": 1, "lower": -1}.get(kpi.said.get("polarity", ""), 0)
    fits = [
        (way * (figure - line) >= 0) == (rating in ("Green", "Blue"))
        for rating, figure, line in _rated(kpi)
    ]
    if way and len(fits) > 1 and all(fits) and "month" not in figures:
        kpi.tell("target_covers", "quarter", LIKELY, "its ratings fit the target as it stands")
    if not kpi.said.get("target_covers"):
        kpi.how["target_covers"] = (
            NOT_TOLD,
            "its figures add up, and the target may be of a quarter or of more",
        )
