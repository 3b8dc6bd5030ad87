"""A table of texts and its schema → typed columns, with what is wrong or changed noted at its place.

One cell at a time: the council's own tables hold hundreds of rows.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.loading import schemas
from kpi_tools.loading.cells import (
    NAME_CAP,
    TEXT_CAP,
    clean_name,
    clean_text,
    fault_of_text,
    read_number,
    read_status,
    what_changed,
)
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import read_period
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import PLACES, Column, Schema
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.schemes import one_of
from kpi_tools.units import clock, known_unit, meant_unit, parse_range

Choices = Mapping[str, Sequence[str]]
_DUE: Final = re.compile(r"q(?P<number>[1-4])(?:\s+(?P<year>\d{4}[-/]\d\d))?", re.I)


def read(
    table: Table,
    schema: Schema,
    ids: Ids | None = None,
    choices: Choices | None = None,
    units: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The columns of `schema`, typed, a row for each of `table`; rows that break a rule are marked in `table.bad`.

    `choices`: what a column may hold where that depends on other tables; `units`: the unit of each KPI. Of two rows with
    one key the second is refused.
    """
    reader = _Reader(table, ids, choices or {})
    found: dict[str, list[Any]] = {}
    for column in schema.columns:
        if column.kind not in (schemas.NUMBER, schemas.VALUE):
            found[column.name] = [reader.cell(row, column) for row in range(len(table))]
    # what a number may be depends on the unit of its row
    own = found.get("unit", [])
    of_row = own if units is None else [units.get(one, "") for one in found["kpi_id"]]
    further = [name for name in table.cells if name not in schema.names]
    for name in [name for name in schema.names if name not in found] + further:
        found[name] = [reader.number(row, name, unit or "") for row, unit in enumerate(of_row)]
    if schema.placed:
        for row, named in enumerate(zip(*(table.cells[name] for name in PLACES), strict=True)):
            if sum(bool(cell.strip()) for cell in named) != 1:
                table.fault(row, PLACES[0], "text-place")
    if any(column.kind == schemas.VALUE for column in schema.columns):
        found["status"] = [reader.reason(row, value) for row, value in enumerate(found["value"])]
    _check_twice(table, schema, found)
    ordered = {name: found[name] for name in (*schema.names, *further)}
    frame = pd.DataFrame(ordered, index=range(len(table)))
    return frame.astype({name: _kind(schema, name) for name in ordered})


def _kind(schema: Schema, name: str) -> str:
    kind = next((column.kind for column in schema.columns if column.name == name), schemas.NUMBER)
    if kind == schemas.WHOLE:
        return "Int64"
    return "float64" if kind in (schemas.NUMBER, schemas.VALUE) else "str"


def _check_twice(table: Table, schema: Schema, found: dict[str, list[Any]]) -> None:
    first = dict[tuple[Any, ...], int]()
    for row, key in enumerate(zip(*(found[name] for name in schema.key), strict=True)):
        if not any(key) or (schema.certain and table.bad[row]) or first.setdefault(key, row) == row:
            continue
        named = next(name for name, part in zip(schema.key[::-1], key[::-1], strict=True) if part)
        other = table.rows[first[key]]
        if schema.certain:
            table.fault(row, named, "catalogue-twice", str(other))
        else:
            table.fault(row, named, "duplicate-conflict", f"row {other}")
            table.fault(first[key], named, "duplicate-conflict", f"row {table.rows[row]}")


def known_by(
    table: Table, schema: Schema, ids: Ids, upto: Quarter, sections: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The good rows of a table that are in force by a quarter, in the order of the file (columns: those of its schema)."""
    return in_force(table, read(table, schema, ids, {"section": sections}), upto)


def in_force(
    table: Table, rows: pd.DataFrame, upto: Quarter, since: str = "from_quarter"
) -> pd.DataFrame:
    """The good rows that are in force by a quarter; the others of them are counted as later."""
    later = (
        (rows[since] > upto.label).fillna(False).to_numpy(dtype=bool)
    )  # labels are in the order of time
    table.later = int((later & ~table.bad).sum())
    return rows[~table.bad & ~later].reset_index(drop=True)


class _Reader:
    """Reads the cells of one table."""

    def __init__(self, table: Table, ids: Ids | None, choices: Choices) -> None:
        self.table, self.ids, self.choices = table, ids, choices

    def cell(self, row: int, column: Column) -> Any:
        """What a cell says; the column's default where it is blank."""
        sent, name = self.table.cells[column.name][row], column.name
        if fault := fault_of_text(sent, self.table.kind(name, row)):
            self.table.fault(row, name, fault)
            return None
        if column.kind == schemas.PROSE:
            return self._text(row, name, sent, clean_text(sent), TEXT_CAP, column)
        taken = clean_name(sent)
        if not taken:
            if column.kind == schemas.ID and column.needed:
                self.table.fault(row, name, "id-missing")
            elif column.needed and column.kind != schemas.UNIT:  # a milestone has none
                self.table.fault(row, name, "catalogue-missing")
            return None if column.needed else column.default
        read = _READERS.get(column.kind)
        return (
            read(self, row, column, taken)
            if read
            else self._text(row, name, sent, taken, NAME_CAP, column)
        )

    def _text(self, row: int, name: str, sent: str, taken: str, cap: int, column: Column) -> Any:
        if len(taken) > cap:
            self.table.fault(row, name, "text-cut", f"{cap:,}")
            taken = taken[:cap]
        if taken != sent and (taken or sent.strip(" ")):
            self.table.changed(row, name, taken, what_changed(sent, taken))
        return taken or (None if column.needed else column.default)

    def taken(self, row: int, column: Column, taken: str, why: str) -> str:
        """`taken`, with a note where the cell is written otherwise."""
        if taken != self.table.cells[column.name][row]:
            self.table.changed(row, column.name, taken, why)
        return taken

    def choice(self, row: int, column: Column, text: str) -> str | None:
        """One of the options, whatever its case; any text where there are none to choose from (they were at fault)."""
        options = column.options or self.choices.get(column.name, ())
        for option in options:
            if text.casefold() == option.casefold():
                return self.taken(row, column, option, "spelt as the tables have it")
        if not options:
            return text
        self.table.fault(row, column.name, "catalogue-choice", one_of(text, options))
        return None

    def quarter(self, row: int, column: Column, text: str) -> str | None:
        """The label of a quarter."""
        try:
            return self.taken(row, column, _quarter(text), "written as the tables have it")
        except QuarterError as error:
            self.table.fault(row, column.name, "catalogue-quarter", str(error))
            return None

    def known_id(self, row: int, column: Column, text: str) -> str | None:
        """An id of the catalogue."""
        assert self.ids is not None
        found = self.ids.find(self.table.cells[column.name][row], self.table.kind(column.name, row))
        if found.fault:
            self.table.fault(row, column.name, found.fault, found.detail)
            return None
        return self.taken(row, column, found.id, found.why)

    def period(self, row: int, column: Column, text: str) -> str | None:
        """A quarter or month, as the tables write it."""
        found = read_period(self.table.cells[column.name][row], self.table.kind(column.name, row))
        if found.quarter is None:
            nothing = "There is no quarter or month that this names."
            self.table.fault(
                row,
                column.name,
                "period-own",
                found.detail if found.fault == "period-bad" else nothing,
            )
            return None
        return self.taken(row, column, found.month or found.quarter.label, found.why)

    def unit(self, row: int, column: Column, text: str) -> str | None:
        """A unit of a known family, or other words that are declared as such."""
        if (found := known_unit(text)) is not None:
            return found
        meant = meant_unit(text)
        remedy = f'Write "{meant}".' if meant else f'Write "other: {text}" if it is none of these.'
        self.table.fault(row, column.name, "unit-unknown", remedy)
        return None

    def written(self, row: int, column: Column, text: str) -> Any:
        """What a cell of a kind that is written in one way says."""
        form = _FORMS[column.kind]
        found = form.read(text)
        if found is None or column.kind == schemas.WHOLE and found > column.most:
            must_be = form.must_be.replace("{most}", str(column.most))
            self.table.fault(row, column.name, "catalogue-number", must_be)
            return None
        return (
            self.taken(row, column, found, "written as the tables have it") if form.noted else found
        )

    def number(self, row: int, name: str, unit: str) -> float:
        """A number in a unit; NaN where there is none. A sign % is for percentages only."""
        sent = self.table.cells[name][row]
        if (seconds := clock(sent, unit)) is not None:
            self.table.changed(row, name, f"{seconds:g}", f"a duration in {unit}")
            return seconds
        found = read_number(sent, self.table.kind(name, row), self.table.comma_is_doubtful)
        if found.fault:
            self.table.fault(row, name, found.fault, found.detail)
        elif found.percent and unit != "%":
            self.table.fault(row, name, "value-sign", unit or "no percentage")
        elif found.why:
            self.table.changed(row, name, "" if found.reason else f"{found.value:g}", found.why)
        return found.value

    def reason(self, row: int, value: float) -> str:
        """The status of a value, or the reason why there is none."""
        cells, kind = self.table.cells, self.table.kind
        sent = read_number(cells["value"][row], kind("value", row), self.table.comma_is_doubtful)
        status, _, fault = read_status(cells["status"][row], kind("status", row))
        if fault:
            self.table.fault(row, "status", fault, ", ".join(words.STATUSES))
        without = status in words.STATUSES_WITHOUT_VALUE
        if not np.isnan(value):
            if without:
                self.table.fault(row, "status", "status-with-value", status)
            return status or words.FINAL
        return status if without else sent.reason or words.NOT_AVAILABLE


@lru_cache(maxsize=1_000)
def _quarter(text: str) -> str:
    return Quarter.parse(text).label


def _day(text: str) -> str | None:
    """A day as 2025-03-31; None for anything else."""
    day = text.removesuffix(" 00:00:00")
    if found := re.fullmatch(r"(\d\d?)/(\d\d?)/(\d{4})", day):
        day = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        return date.fromisoformat(day).isoformat() if len(day) == 10 else None
    except ValueError:
        return None


def _due(text: str) -> str | None:
    """Quarters in the form `Q2;Q4`, some with their year, or the date of a milestone as 2026-03-31."""
    parts = [_DUE.fullmatch(part.strip()) for part in text.split(";") if part.strip()]
    if not parts or None in parts:
        return _day(text)
    return ";".join(
        Quarter.parse(f"{found['year']} Q{found['number']}").label
        if found["year"]
        else f"Q{found['number']}"
        for found in parts
        if found
    )


def _letters(text: str) -> str | None:
    plain = re.sub(r"[\s,;/-]", "", text).upper()
    return plain if re.fullmatch("[GAR]{1,4}", plain) else None


class _Form(NamedTuple):
    """How a kind of cell is read (None: it is none), what it must be, and whether another spelling is noted."""

    read: Callable[[str], Any]
    must_be: str
    noted: bool = False


_FORMS: Final = {
    schemas.WHOLE: _Form(
        lambda text: int(text) if text.isdecimal() and text.isascii() else None,
        "a whole number from 0 to {most}",
    ),
    schemas.DATE: _Form(_day, 'a date such as "2025-03-31"', noted=True),
    schemas.RANGE: _Form(
        lambda text: text if parse_range(text) else None, 'a range such as "0..100", "0.." or ".."'
    ),
    schemas.DUE: _Form(
        _due, 'quarters such as "Q2", "Q2;Q4" or "Q4 2024/25"; of a milestone a date'
    ),
    schemas.YEAR_ENDS: _Form(
        lambda text: text if _day(f"2024-{text}") else None,
        'a month and day such as "03-31" or "08-31"',
    ),
    schemas.LETTERS: _Form(_letters, "up to four letters G, A or R", noted=True),
}
_READERS: Final[dict[str, Callable[[_Reader, int, Column, str], Any]]] = {
    schemas.CHOICE: _Reader.choice,
    schemas.QUARTER: _Reader.quarter,
    schemas.ID: _Reader.known_id,
    schemas.PERIOD: _Reader.period,
    schemas.UNIT: _Reader.unit,
    **dict.fromkeys(_FORMS, _Reader.written),
}
