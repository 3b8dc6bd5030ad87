"""The rows of the tables that were found → KPIs, with an account of every cell."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from kpi_tools.collect.cells import Book, Cell, Kpi, Left, read_cell
from kpi_tools.collect.columns import OF_KPI
from kpi_tools.collect.deduce import settle
from kpi_tools.collect.layout import Found
from kpi_tools.collect.recognise import CERTAIN, LIKELY, find_period, folded, recognise
from kpi_tools.collect.sheets import Sheet, unreadable
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import DATE, MONTH, clean_name, clean_text
from kpi_tools.units import known_unit

_WHAT: Final = {
    "actual": "figure",
    "cumulative": "figure",
    "target": "target",
    "floor_standard": "target",
    "numerator": "part",
    "denominator": "part",
}
"""What the account calls the cells of a column."""
_NOT_TAKEN: Final = ("ignore", "to_date", "benchmark", "previous", "total")
_CODED: Final = re.compile(
    r"([A-Za-z]{1,6}[ -]?\d{1,4}[a-z]?(?:\.\d+)*[a-z]?)\s*[:.–—-]?\s+(?=\S)(.{4,})"
)


def collect(tables: Iterable[Found], answers: Mapping[str, Mapping[str, str]]) -> Book:
    """The KPIs of all tables, with what the mapping says of them (`answers`, by key). Raises `InputError` for codes twice."""
    book = Book([], [], [], Counter())
    known: dict[str, Kpi] = {}
    tables = _without_running_numbers(list(tables))
    for found in tables:
        book.columns += found.columns
        own: dict[str, int] = {}
        last: Kpi | None = None
        for line in found.rows:
            kpi = _kpi_of(found, line, known, own, last, len(tables) > 1)
            if kpi is None:
                _leave_row(found, line, book)
                continue
            last = kpi
            _take_row(found, line, kpi, book)
        for line, why in found.notes.items():
            for place in range(found.sheet.width) if why.startswith("a total") else ():
                text = found.sheet.cells.get((line, place), "")
                if read_cell(text).value is not None:
                    where = found.sheet.where(line, place)
                    book.leave(found.sheet.name, where, "other", text, why)
    book.kpis = list(known.values())
    settle(book, answers)
    return book


def _without_running_numbers(tables: list[Found]) -> list[Found]:
    """The tables without codes that are only numbers which begin anew, in each sheet or section."""
    codes = [
        clean_name(found.sheet.text(line, column.place))
        for found in tables
        for column in found.of("kpi_id")
        for line in found.rows
    ]
    if codes.count("1") < 2 or not all(re.fullmatch(r"\d{1,3}|", code) for code in codes):
        return tables
    why = "numbers that begin anew name no KPI"
    return [
        replace(
            found,
            columns=[
                replace(one, means="ignore", sure=LIKELY, why=why) if one.means == "kpi_id" else one
                for one in found.columns
            ],
        )
        for found in tables
    ]


def _kpi_of(
    found: Found,
    line: int,
    known: dict[str, Kpi],
    own: dict[str, int],
    last: Kpi | None,
    sheets: bool,
) -> Kpi | None:
    """The KPI of a row, a new one where it is the first of it. Raises `InputError` where two have one code."""
    sheet = found.sheet
    said = {
        column.means: clean_name(sheet.text(line, column.place)) for column in found.of(*OF_KPI)
    }
    several = bool(found.of("row", "period"))
    name, code = said.get("kpi_name", ""), said.get("kpi_id", "")
    if not name and not code:
        return last if several else None
    if not code and not found.of("kpi_id") and (split := _CODED.fullmatch(name)):
        code, name = split[1], split[2]
    name = name or code
    when = find_period(sheet.name)
    dated = bool(when.label or when.open)
    key = folded(code or name) if code or dated or not sheets else f"{folded(name)} | {sheet.name}"
    section, above = found.rows[line]
    if not code and not several and key in own:
        key = f"{key} | {folded(section) or line}"
    if kpi := known.get(key):
        if folded(name) != folded(kpi.said["kpi_name"]) or (key in own and not several):
            other = (
                f"row {kpi.line}"
                if kpi.sheet == sheet.name
                else f'sheet "{kpi.sheet}", row {kpi.line}'
            )
            raise InputError(
                f'Two KPIs have the code "{code or name}": {other} ("{kpi.said["kpi_name"]}") and '
                f'{"" if kpi.sheet == sheet.name else f"sheet {sheet.name!r}, "}row {line} ("{name}"). '
                "Give each a code of its own in the workbook."
            )
    else:
        kpi = known[key] = Kpi(key, sheet.name, line)
        kpi.tell("kpi_id", code, CERTAIN, "its code")
        kpi.tell("kpi_name", name, CERTAIN, "its name")
    own.setdefault(key, line)
    for column in found.of("section", "directorate", "owner"):
        kpi.tell(column.means, said.get(column.means, ""), CERTAIN, f"column {column.letter}")
    kpi.tell("section", section, LIKELY, "the row of one text above it")
    kpi.tell("directorate", above, LIKELY, "the row of one text above its section")
    for column in found.of("unit", "polarity", "frequency"):
        text = said.get(column.means, "")
        meaning = recognise(column.means, text)
        if column.means == "unit":
            unit = known_unit(text) or (meaning.means if meaning else "")
            kpi.tell("unit", unit, CERTAIN, f'"{text}"')
            other = f"other: {text}" if text and not re.search(r"\d", text) else ""
            kpi.tell("unit", other, LIKELY, f'"{text}"')
        elif meaning:
            kpi.tell(column.means, meaning.means, meaning.sure, f'"{text}"')
    if said.get("definition"):
        kpi.texts.setdefault(("definition", ""), said["definition"])
    return kpi


def _leave_row(found: Found, line: int, book: Book) -> None:
    sheet = found.sheet
    for column in found.of(*_WHAT):
        text, what = sheet.text(line, column.place), _WHAT[column.means]
        if read_cell(text).value is not None:
            book.counts[what, "in the sheet"] += 1
            where = sheet.where(line, column.place)
            book.leave(sheet.name, where, what, text, "its row has neither name nor code")


def _take_row(found: Found, line: int, kpi: Kpi, book: Book) -> None:
    sheet = found.sheet
    row_means = next(
        (m.means for c in found.of("row") if (m := recognise("row", sheet.text(line, c.place)))), ""
    )
    row_period = next((_period(sheet, line, c.place, found.year) for c in found.of("period")), "")
    for column in found.columns:
        text, means = sheet.text(line, column.place), column.means
        if row_means and means in ("actual", "cumulative", "target"):
            means = row_means
        period = column.period or row_period
        where = sheet.where(line, column.place)
        if column.open:
            if means in _WHAT and read_cell(text).value is not None:
                book.counts[_WHAT[means], "in the sheet"] += 1
                why = "the period of its column is not told yet"
                book.leave(sheet.name, where, _WHAT[means], text, why)
        elif means in ("commentary", "management_action"):
            if said := clean_text(text):
                earlier = kpi.texts.get((means, period))
                kpi.texts[means, period] = (
                    f"{earlier}\n\n{said}" if earlier and earlier != said else said
                )
                book.counts["text", "in the sheet"] += 1
        elif means == "rating":
            if text.strip() or (line, column.place) in sheet.fills:
                _rate(
                    kpi,
                    period,
                    text,
                    sheet.fills.get((line, column.place), ""),
                    where,
                    book,
                    sheet.name,
                )
        elif means in _WHAT:
            _take_cell(sheet, (line, column.place), means, period, kpi, book)
            if means == "actual" and (line, column.place) in sheet.fills:
                fill = sheet.fills[line, column.place]
                kpi.ratings.setdefault(f"fill {period}", (fill, where))
        elif means in _NOT_TAKEN and read_cell(text).value is not None:
            why = f'column {column.letter}, "{column.heading}": {means}'
            book.leave(sheet.name, where, "other", text, why)


def _period(sheet: Sheet, line: int, place: int, year: int | None) -> str:
    text = sheet.text(line, place)
    dated = sheet.kinds.get((line, place)) in (MONTH, DATE)
    when = find_period(text[:7] if dated else text, year)
    if when.fault:
        raise InputError(
            f'The period "{text}" ({sheet.where(line, place)}) cannot be: {when.fault}.'
        )
    return when.label


def _take_cell(
    sheet: Sheet, at: tuple[int, int], means: str, period: str, kpi: Kpi, book: Book
) -> None:
    what, where = _WHAT[means], sheet.where(*at)
    text = sheet.text(*at) if what == "target" else sheet.cells.get(at, "")
    if why := unreadable(sheet, *at):
        book.leave(sheet.name, where, what, text, why)
    if why or not text.strip():
        return
    cell = read_cell(text)._replace(where=where)
    if cell.reason == "a duration":
        cell = cell._replace(value=_minutes(cell.note), note="", reason="")
        kpi.tell("unit", "minutes", LIKELY, f'"{text}"')
    if cell.value is None or what == "figure" and cell.side:
        if means == "target" and (none := recognise("no_target", text)):
            kpi.tell("rated", none.means, LIKELY, f'its target says "{clean_name(text)}"')
        hidden = "suppressed" if clean_name(text).startswith("<") else "a bound and no figure"
        reason = cell.reason or hidden
        book.left.append(Left(sheet.name, where, what, clean_name(text)[:80], reason))
        kpi.figures.setdefault((means, period), Cell(reason=reason, where=where))
        return
    book.counts[what, "in the sheet"] += 1
    old = kpi.figures.get((means, period))
    if old and old.value is not None:
        same = "the same" if old.value == cell.value else "another one"
        text = f"{clean_name(text)} (see {old.where})"
        book.left.append(
            Left(sheet.name, where, what, text, f"{same} stands elsewhere for its period")
        )
        book.counts[what, "left"] += 1
        return
    kpi.figures[means, period] = cell
    if means == "target" and cell.side:
        kpi.tell("polarity", cell.side, CERTAIN, f'its target says "{clean_name(text)}"')


def _minutes(text: str) -> float:
    parts = [int(part) for part in text.split(":")]
    return parts[0] + parts[1] / 60 if len(parts) == 2 else parts[0] * 60 + parts[1] + parts[2] / 60


def _rate(kpi: Kpi, period: str, text: str, fill: str, where: str, book: Book, sheet: str) -> None:
    meaning = recognise("rating", text)
    book.counts["rating", "in the sheet"] += bool(text.strip() or fill)
    if meaning is None and not text.strip() and fill:
        kpi.ratings.setdefault(f"fill {period}", (fill, where))
    elif meaning is None or not meaning.means:
        book.leave(
            sheet, where, "rating", text, "no rating" if meaning else "not known as a rating"
        )
    else:
        kpi.ratings.setdefault(period, (meaning.means, where))
