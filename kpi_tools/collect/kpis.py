"""The rows of the tables that were found → KPIs, with an account of every cell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import nan
from typing import Any, Final

from kpi_tools.collect import message
from kpi_tools.collect.periods import find_period, kind_of, quarter_of
from kpi_tools.collect.recognise import Fact, Sure, folded, recognise, recognisers
from kpi_tools.collect.sheets import Sheet
from kpi_tools.collect.tables import LEFT, OF_KPI, OF_PERIOD, Column, Table
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name, clean_text
from kpi_tools.units import clock, known_unit

_WHAT: Final = {
    **dict.fromkeys(("actual", "cumulative"), "figure"),
    **dict.fromkeys(("target", "floor_standard"), "target"),
    **dict.fromkeys(("numerator", "denominator"), "part"),
    **dict.fromkeys(("commentary", "management_action"), "text"),
    "rating": "rating",
}
"""What the account calls the cells of a column."""
NOT_A_NUMBER: Final = ("more than one number", "no number")
NOT_A_RATING: Final = "not known as a rating"
_ARROWS: Final = re.compile("[↑↓→←↔▲▼►◄△▽⬆⬇➡↗↘↕🔼🔽\ufe0f]")
_CODED: Final = recognisers()["coded"][0][0]
_CELL: Final = recognisers()["cell"][0][0]
_TIMES: Final = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, **{"thousand": 1e3, "million": 1e6}}

_UNIT_SIZE: Final = {"£ thousand": 1e3, "£ million": 1e6}


@dataclass
class Cell:
    """A cell: the number, rating or text in it, or why it was left; what it says of sides."""

    sheet: str
    where: str
    means: str
    text: str
    value: Any = None
    left: str = ""
    note: str = ""
    sign: str = ""
    side: str = ""
    scale: float = 1.0

    @property
    def what(self) -> str:
        """What the account calls it."""
        return _WHAT.get(self.means, "other")


@dataclass
class Kpi:
    """One KPI of a workbook: its facts by name, its cells by meaning and period. `called`: its name
    there, which the mapping may replace."""

    key: str
    sheet: str
    line: int
    called: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    def note(self, name: str, value: str, sure: str, why: str) -> None:
        """Note a fact, unless it is known already; one that is unknown has no value."""
        if not self.get(name) and (value or sure == Sure.UNKNOWN):
            self.facts[name] = Fact(value, sure, why)

    def get(self, name: str, default: str = "") -> str:
        """The value of a fact, or the default where it is not known."""
        return self.facts[name].value or default if name in self.facts else default

    def of(self, means: str) -> dict[str, Cell]:
        """The cells of a meaning from which something was taken, by period."""
        cells = {period: cell for (what, period), cell in self.cells.items() if what == means}
        return {period: cell for period, cell in cells.items() if cell.value is not None}

    @property
    def unread(self) -> list[str]:
        """Its targets that are no number, nor say that there is none."""
        targets = [cell for (means, _), cell in self.cells.items() if means == "target"]
        texts = [clean_name(cell.text) for cell in targets if cell.left in NOT_A_NUMBER]
        return texts + re.findall(r"[(\[](target\b[^)\]]*\d[^)\]]*)", folded(self.called))

    @property
    def figures(self) -> dict[str, Cell]:
        """Its figures by period; those of the year to date where it has no others."""
        return self.of("actual") or self.of("cumulative")

    def number(self, cell: Cell) -> float:
        """The number of a cell in the unit of the KPI."""
        size = _UNIT_SIZE.get(self.get("unit"), 1.0) if cell.scale != 1 else 1.0
        times = 1.0 if cell.sign == "%" else float(self.get("multiply_by", "1"))
        return float(cell.value * (cell.scale / size) * times)

    def line_at(self, period: str, means: str) -> float:
        """The line in force for a period as the sheet has it: of the period, its year, of none."""
        lines, quarter = self.of(means), quarter_of(period) if period else None
        names = [period, quarter.label, quarter.title[-7:]] if quarter else []
        found = next((lines[name] for name in [*names, ""] if name in lines), None)
        return self.number(found) if found else nan

    def rated(self) -> list[dict[str, Any]]:
        """Each rating beside a figure, of its period or the latest in it, and the lines in force
        for it."""
        values = {period: self.number(cell) for period, cell in self.figures.items()}
        quarters = {quarter_of(one): value for one, value in values.items() if "Q" in one}
        rows = []
        for named, rating in self.of("rating").items():
            year = quarter_of(named).year if kind_of(named) == "year" else None
            inside = [one for one in values if not named or quarter_of(one).year == year]
            period = named if named in values else max(inside, key=quarter_of, default="")
            if period not in values:
                continue
            earlier = max((one for one in values if one < period), key=quarter_of, default="")
            ago = quarters.get(quarter_of(period).shift(-4), nan) if "Q" in period else nan
            where = f"{self.sheet} {rating.where}".strip()
            row: dict[str, Any] = {"place": where, "period": period}
            row |= {means: self.line_at(period, means) for means in ("target", "floor_standard")}
            row |= {"value": values[period], "previous": values.get(earlier, nan)}
            rows.append(row | {"same_quarter_last_year": ago, "theirs": rating.value})
        return rows


@dataclass
class Book:
    """All that was found in a workbook."""

    kpis: list[Kpi] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)


def read_cell(sheet: Sheet, line: int, place: int, means: str) -> Cell:
    """What a cell holds for what its column was taken for, or why nothing is taken from it."""
    cell = Cell(sheet.name, sheet.where(line, place), means, sheet.text(line, place))
    if cell.what in ("figure", "part", "other"):  # merged it counts once, a target is of all rows
        cell.text = sheet.cells.get((line, place), "")
    plain = folded(_ARROWS.sub("", clean_name(cell.text)))
    if cell.what == "text":
        cell.value = clean_text(cell.text) or None
    elif cell.what == "rating":
        bare = re.sub("[●■⬤•]", "", _ARROWS.sub("", cell.text))
        meaning = recognise("rating", cell.text) or recognise("rating", bare)
        cell.value = meaning.means or None if meaning else None
        if cell.text.strip() and not cell.value:
            cell.left = "no rating" if meaning else NOT_A_RATING
    elif fault := sheet.faults.get((line, place)):
        cell.left = fault
    elif not plain:
        cell.left = "an arrow alone" if cell.text.strip() else ""
    elif none := recognise("no_figure", plain):
        cell.left = none.means
    elif (minutes := clock(plain, "minutes")) is not None:
        cell.value, cell.sign = minutes, "minutes"
    elif found := _CELL.fullmatch(plain):
        number = float(found["digits"].replace(",", ""))
        cell.value = -number if found["sign"] in ("-", "(") else number
        cell.scale, cell.note = _TIMES.get(found["suffix"], 1.0), found["note"] or ""
        percent = found["suffix"] == "%" or (found["words"] or "").startswith("per")
        cell.sign = "%" if percent else found["pound"]
        if found["more"] or not found["less"] and (found["least"] or found["plus"]):
            cell.side = "higher"
        elif found["less"] or found["most"]:
            cell.side = "lower"
    else:
        several = re.search(r"\d.*[^\d.,%].*\d", plain)
        cell.left = NOT_A_NUMBER[0 if several else 1]
    return cell


def read_tables(tables: list[Table]) -> Book:
    """The KPIs of all tables. Raises `InputError` for a code that two have."""
    book, by_key = Book(), dict[str, Kpi]()
    _leave_running_numbers(tables)
    coded = _names_are_coded(tables)
    for table in tables:
        book.columns += table.columns
        seen, last = set[str](), None
        for line in table.rows:
            kpi = _kpi_of(table, line, by_key, seen, last, len(tables) > 1, coded)
            last = kpi or last
            for column in table.columns:
                _take(table, line, column, kpi, book)
        for line, why in table.totals.items():
            for place in table.sheet.row(line):
                _leave(read_cell(table.sheet, line, place, ""), why, book)
    book.kpis = list(by_key.values())
    return book


def _leave_running_numbers(tables: Iterable[Table]) -> None:
    """Take columns of numbers that begin anew in each sheet or section for no codes."""
    columns = [(table, column) for table in tables for column in table.of("kpi_id")]
    places = [(table.sheet, line, column.place) for table, column in columns for line in table.rows]
    codes = [clean_name(sheet.text(line, place)) for sheet, line, place in places]
    if codes.count("1") > 1 and all(re.fullmatch(r"\d{1,3}|", code) for code in codes):
        for _, column in columns:
            column.take("numbers that begin anew name no KPI", means="ignore")


def _names_are_coded(tables: Iterable[Table]) -> bool:
    """Whether most names begin with a code: one "CO2 emissions" among others does not."""
    names = [
        clean_name(table.sheet.text(line, column.place))
        for table in tables
        if not table.of("kpi_id")
        for column in table.of("kpi_name")
        for line in table.rows
    ]
    known = [_CODED.fullmatch(name) for name in names if name]
    return 3 * sum(map(bool, known)) >= 2 * len(known)


def _kpi_of(
    table: Table,
    line: int,
    by_key: dict[str, Kpi],
    seen: set[str],
    last: Kpi | None,
    sheets: bool,
    coded: bool,
) -> Kpi | None:
    """The KPI of a row, a new one where it is the first of it; `seen` are those of the table."""
    sheet, several = table.sheet, bool(table.of("row", "period"))
    texts = {one.means: clean_name(sheet.text(line, one.place)) for one in table.of(*OF_KPI)}
    name, code = texts.get("kpi_name", ""), texts.get("kpi_id", "")
    when, section = find_period(sheet.name), table.rows[line]
    if table.of("row") and not table.of("kpi_name"):  # a block for each KPI, its name above it
        name, section = name or section, ""
    if not name and not code:
        return last if several else None
    if coded and not code and not table.of("kpi_id") and (split := _CODED.fullmatch(name)):
        code, name = split.groups()
    name = name or code
    key = folded(code or name)
    if sheets and not code and not when.label and not when.open:
        key = f"{key} | {sheet.name}"
    if not code and not several and key in seen:
        key = f"{key} | {folded(section) or line}"
    kpi = by_key.setdefault(key, Kpi(key, sheet.name, line, name))
    kpi.note("kpi_id", code, Sure.CERTAIN, "its code")
    kpi.note("kpi_name", name, Sure.CERTAIN, "its name")
    if folded(name) != folded(kpi.get("kpi_name")) or key in seen and not several:
        first, second = (
            f"row {at}" if kpi.sheet == sheet.name else f'sheet "{of}", row {at}'
            for of, at in ((kpi.sheet, kpi.line), (sheet.name, line))
        )
        of = {"code": code or name, "other": kpi.get("kpi_name"), "name": name}
        raise InputError(message("two_kpis", first=first, second=second, **of))
    seen.add(key)
    for column in table.of("section", "directorate", "owner", "definition"):
        kpi.note(column.means, texts[column.means], Sure.CERTAIN, f"column {column.letter}")
    kpi.note("section", section, Sure.LIKELY, "the row of one text above it")
    for means in ("unit", "polarity", "frequency"):
        text = texts.get(means, "")
        if means == "unit" and (unit := known_unit(text)):
            kpi.note(means, unit, Sure.CERTAIN, f'"{text}"')
        elif meaning := recognise(means, text):
            kpi.note(means, *meaning, f'"{text}"')
        elif means == "unit" and text and not _left_to_the_name(text, name):
            kpi.note(means, f"other: {text}", Sure.LIKELY, f'"{text}"')
    for fact in ("basis", "unit"):
        heads = {recognise(f"{fact}_within", one.heading) for one in table.of("actual")}
        found = heads.pop() if len(heads) == 1 else None
        stated = (
            recognise(f"{fact}_within", name) or fact == "unit" and re.search(r"\bper \d", name)
        )
        if found and found.sure == Sure.CERTAIN and not stated:
            kpi.note(fact, *found, "the headings of its figures")
    return kpi


def _left_to_the_name(unit: str, name: str) -> bool:
    """Whether a unit holds a number, but `tCO2e`, or is a rate whose name says per how many."""
    rate = folded(unit) in ("rate", "rates") and re.search(r"\bper \d", folded(name))
    return bool(rate or re.search(r"\b\d", unit))


def _take(table: Table, line: int, column: Column, kpi: Kpi | None, book: Book) -> None:
    """Put what a cell says where it belongs, and into the account."""
    sheet, means, period = table.sheet, column.means, column.period
    for one in table.of("row") if means in ("actual", "cumulative", "target") else ():
        if text := sheet.text(line, one.place).strip():
            found = recognise("row", text)
            means = found.means if found else "ignore"
    if not period and (periods := table.of("period")):  # perhaps a year beside a quarter
        texts = [sheet.text(line, one.place) for one in periods]
        whens = [find_period(text, table.year) for text in texts]
        for one, text, when in zip(periods, texts, whens, strict=True):
            if when.fault:
                where = sheet.where(line, one.place)
                raise InputError(message("no_period", text=text, where=where, fault=when.fault))
        parts = [when.label for when in whens if kind_of(when.label) in ("quarter", "month")]
        joined = find_period(" ".join(texts), table.year)
        period = joined.label or next(iter(parts), "")
    cell, fill = read_cell(sheet, line, column.place, means), sheet.fills.get((line, column.place))
    if means in LEFT:
        _leave(cell, f'column {column.letter}, "{column.heading}": {means}', book)
    elif column.open:
        _leave(cell, "the period of its column is not told yet", book)
    elif kpi is None:
        _leave(cell, "its row has neither name nor code", book)
    elif means in OF_PERIOD:
        if fill and (means == "actual" or means == "rating" and not cell.text.strip()):
            kpi.cells.setdefault(("fill", period), Cell(sheet.name, cell.where, "fill", fill, fill))
        if cell.text.strip() or cell.left:
            _keep(kpi, period, cell, book)


def _leave(cell: Cell, why: str, book: Book) -> None:
    if cell.value is not None:
        cell.left = why
        book.cells.append(cell)


def _keep(kpi: Kpi, period: str, cell: Cell, book: Book) -> None:
    text, key = clean_name(cell.text), (cell.means, period)
    earlier = kpi.cells.get(key)
    book.cells.append(cell)
    if cell.sign == "minutes" and re.search(r"\bratio\b", folded(kpi.called)):  # 1:20 is no time
        cell.value, cell.sign, cell.left = None, "", NOT_A_NUMBER[0]
    if cell.sign == "minutes":
        kpi.note("unit", "minutes", Sure.LIKELY, f'"{text}"')
    if cell.value is None or cell.what == "figure" and cell.side:
        if cell.means == "target" and (none := recognise("no_target", text)):
            kpi.note("rated", none.means, Sure.LIKELY, f'its target says "{text}"')
        bound = "suppressed" if text.startswith("<") else "a bound and no figure"
        cell.value, cell.left = None, cell.left or bound
        kpi.cells.setdefault(key, cell)
    elif not earlier or earlier.value is None:
        kpi.cells[key] = cell
        if cell.means == "target":
            kpi.note("polarity", cell.side, Sure.CERTAIN, f'its target says "{text}"')
    elif cell.what == "text":
        earlier.value += f"\n\n{cell.value}" * (cell.value != earlier.value)
    else:
        same = "the same" if earlier.value == cell.value else "another one"
        cell.left = f"{same} stands elsewhere for its period"
        cell.text = f"{text} (see {earlier.where})"
