"""A table of texts and its schema → typed columns, with what is wrong or changed at its place.

One cell at a time: the council's own tables hold hundreds of rows.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.loading import schemas
from kpi_tools.loading.cells import (
    Text,
    clean_name,
    fault_of_text,
    read_number,
    read_status,
    read_text,
)
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import read_period
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import PLACES, Column, Schema
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.schemes import one_of
from kpi_tools.units import clock, known_unit, meant_unit, parse_range

_DUE: Final = re.compile(r"q(?P<number>[1-4])(?:\s+(?P<year>\d{4}[-/]\d\d))?", re.I)
_NUMBERS: Final = (schemas.NUMBER, schemas.VALUE)
_WRITTEN: Final = {
    schemas.CHOICE: "spelt as the tables have it",
    **dict.fromkeys(
        (schemas.QUARTER, schemas.DATE, schemas.LETTERS), "written as the tables have it"
    ),
}
_OF_ONE_FORM: Final = (
    *_WRITTEN,
    schemas.UNIT,
    schemas.WHOLE,
    schemas.RANGE,
    schemas.DUE,
    schemas.YEAR_ENDS,
)


def read(
    table: Table,
    schema: Schema,
    ids: Ids | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    units: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The columns of `schema`, typed, a row for each of `table`; faults mark rows in `table.bad`.

    `choices`: what a column may hold where that depends on other tables; `units`: the unit of each
    KPI. Of two rows with one key the second is refused.
    """
    found = {
        column.name: [_cell(table, at, column, ids, choices or {}) for at in range(len(table))]
        for column in schema.columns
        if column.kind not in _NUMBERS
    }
    # what a number may be depends on the unit of its row
    row_units = found.get("unit", [])
    of_row = row_units if units is None else [units.get(one, "") for one in found["kpi_id"]]
    further = [name for name in table.cells if name not in schema.names]
    for name in [name for name in schema.names if name not in found] + further:
        found[name] = [_number(table, row, name, unit or "") for row, unit in enumerate(of_row)]
    if schema.placed:
        for row, named in enumerate(zip(*(table.cells[name] for name in PLACES), strict=True)):
            if sum(bool(cell.strip()) for cell in named) != 1:
                table.fault(row, PLACES[0], "text-place")
    kinds = {column.name: column.kind for column in schema.columns}
    if schemas.VALUE in kinds.values():
        found["status"] = [_status(table, row, value) for row, value in enumerate(found["value"])]
    _check_twice(table, schema, found)
    names = (*schema.names, *further)
    types = {
        schemas.WHOLE: "Int64",
        schemas.NUMBER: "float64",
        schemas.VALUE: "float64",
    }
    frame = pd.DataFrame({name: found[name] for name in names}, index=range(len(table)))
    return frame.astype({name: types.get(kinds.get(name, schemas.NUMBER), "str") for name in names})


def known_by(
    table: Table, schema: Schema, ids: Ids, upto: Quarter, sections: tuple[str, ...] = ()
) -> pd.DataFrame:
    """The good rows of a table that are in force by a quarter, in the order of the file."""
    return in_force(table, read(table, schema, ids, {"section": sections}), upto)


def in_force(
    table: Table, rows: pd.DataFrame, upto: Quarter, since: str = "from_quarter"
) -> pd.DataFrame:
    """The good rows in force by a quarter; the other good ones are counted as later."""
    # labels stand in the order of time
    later = (rows[since] > upto.label).fillna(False).to_numpy(dtype=bool)
    table.later = int((later & ~table.bad).sum())
    return rows[~table.bad & ~later].reset_index(drop=True)


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


def _cell(
    table: Table, at: int, column: Column, ids: Ids | None, choices: Mapping[str, Sequence[str]]
) -> Any:
    """What a cell says; the column's default where it is blank, nothing where it is at fault."""
    sent, kind = table.cells[column.name][at], table.kind(column.name, at)
    plain, blank = clean_name(sent), None if column.needed else column.default
    if fault := fault_of_text(sent, kind):
        found = Text(fault=fault)
    elif column.kind == schemas.ID and (plain or column.needed):
        assert ids is not None
        found = ids.find(sent, kind)
    elif not plain and column.needed:  # a milestone has no unit
        found = Text(fault="" if column.kind == schemas.UNIT else "catalogue-missing")
    elif column.kind == schemas.PERIOD and plain:
        period = read_period(sent, kind)
        nothing = "There is no quarter or month that this names."
        detail = period.detail if period.fault == "period-bad" else nothing
        fault = "" if period.quarter else "period-own"
        found = Text(period.taken or None, period.why, fault, detail)
    elif plain and column.kind in _OF_ONE_FORM:
        found = _meant(plain, column, choices)
        found = found._replace(why="" if found.value == sent else found.why)
    else:
        found = read_text(sent, kind, prose=column.kind == schemas.PROSE)
    if found.fault:
        table.fault(at, column.name, found.fault, found.detail)
    if found.why and not (found.fault and found.value is None):
        table.changed(at, column.name, found.taken, found.why)
    return blank if found.value is None and not found.fault else found.value


def _meant(text: str, column: Column, choices: Mapping[str, Sequence[str]]) -> Text:
    """What a filled cell of a kind says. A choice without options is any: they were at fault."""
    found: Any = None
    match column.kind:
        case schemas.CHOICE:
            options = column.options or choices.get(column.name) or (text,)
            found = next((one for one in options if one.casefold() == text.casefold()), None)
            if found is None:
                return Text(fault="catalogue-choice", detail=one_of(text, options))
        case schemas.QUARTER:
            try:
                found = Quarter.parse(text).label
            except QuarterError as error:
                return Text(fault="catalogue-quarter", detail=str(error))
        case schemas.UNIT:
            found, meant = known_unit(text), meant_unit(text)
            if found is None:
                other = f'Write "other: {text}" if it is none of these.'
                return Text(fault="unit-unknown", detail=f'Write "{meant}".' if meant else other)
        case schemas.WHOLE:
            whole = text.isdecimal() and text.isascii() and int(text) <= column.most
            found = int(text) if whole else None
        case schemas.DATE:
            found = _day(text)
        case schemas.RANGE:
            found = text if parse_range(text) else None
        case schemas.DUE:
            found = _due(text)
        case schemas.YEAR_ENDS:
            found = text if _day(f"2024-{text}") else None
        case schemas.LETTERS:
            plain = re.sub(r"[\s,;/-]", "", text).upper()
            found = plain if re.fullmatch("[GAR]{1,4}", plain) else None
    if found is None:
        must_be = schemas.KINDS[column.kind].format(least=0, most=column.most)
        return Text(fault="catalogue-number", detail=must_be)
    return Text(found, _WRITTEN.get(column.kind, ""))


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
    """Quarters as `Q2;Q4`, some with their year, or the date of a milestone as 2026-03-31."""
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


def _number(table: Table, at: int, name: str, unit: str) -> float:
    """A number in a unit; NaN where there is none. A sign % is for percentages only."""
    sent = table.cells[name][at]
    if (seconds := clock(sent, unit)) is not None:
        table.changed(at, name, f"{seconds:g}", f"a duration in {unit}")
        return seconds
    found = read_number(sent, table.kind(name, at), table.comma_is_doubtful)
    if found.fault:
        table.fault(at, name, found.fault, found.detail)
    elif found.percent and unit != "%":
        table.fault(at, name, "value-sign", unit or "no percentage")
    elif found.why:
        table.changed(at, name, found.taken, found.why)
    return found.value


def _status(table: Table, at: int, value: float) -> str:
    """The status of a value, or the reason why there is none."""
    cells, kind = table.cells, table.kind
    found = read_status(cells["status"][at], kind("status", at))
    if found.fault:
        table.fault(at, "status", found.fault, found.detail)
    status, without = found.value, found.value in words.STATUSES_WITHOUT_VALUE
    if not np.isnan(value):
        if without:
            table.fault(at, "status", "status-with-value", status)
        return status or words.FINAL
    reason = read_number(cells["value"][at], kind("value", at), table.comma_is_doubtful).reason
    return status if without else reason or words.NOT_AVAILABLE
