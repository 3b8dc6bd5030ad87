"""The council's own tables and settings as data, and the reading of a table by its declaration.
codebook.toml says all of each column and setting. From kind, default, meaning and example follow
what is read, the codebook in data/raw/README.md and the sentences of faults.
`python -m tests.codebook` prints the codebook."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.loading import cells
from kpi_tools.loading.cells import Number, Text, clean_name, fault_of_text
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import read_period
from kpi_tools.loading.read import Entry, Schema, Table
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.schemes import one_of
from kpi_tools.units import known_unit, meant_unit, parse_range
from kpi_tools.vocabulary import NOT_AVAILABLE, STATUSES_WITHOUT_VALUE

BEGINNING: Final = Quarter(2000, 1)
"""Stands where a table says nothing of the first quarter: it holds from the beginning."""
PLACES: Final = ("kpi_id", "section")
_DUE: Final = re.compile(r"q(?P<number>[1-4])(?:\s+(?P<year>\d{4}[-/]\d\d))?", re.I)
_NUMBERS: Final = ("number", "value")
_AS_SENT: Final = ("prose", "name", "own id")


def _schema(entry: dict[str, Any]) -> Schema:
    return Schema(**entry | {"columns": [Entry(**column) for column in entry["columns"]]})


_CODEBOOK = tomllib.loads(Path(__file__).with_name("codebook.toml").read_text(encoding="utf-8"))
KINDS: Final[dict[str, str]] = _CODEBOOK["kinds"]
"""What a setting or a cell of each kind must be."""
RETURNS: Final = _schema(_CODEBOOK["returns"])
SCHEMAS: Final = {name: _schema(entry) for name, entry in _CODEBOOK["tables"].items()}
KPIS, TARGETS, COMMENTARY, WORDS, ACTIVITY, BENCHMARKS = (
    SCHEMAS[name] for name in ("kpis", "targets", "commentary", "words", "activity", "benchmarks")
)
CHANGES, REBASES, SMALL_NUMBERS, EVENTS, ANNOTATIONS, ACTIONS = (
    SCHEMAS[name]
    for name in ("changes", "rebases", "small_numbers", "events", "annotations", "actions")
)
FILES: Final = [schema.file for schema in SCHEMAS.values() if "/" not in schema.file]
"""The tables that lie beside council.toml."""
SETTINGS: Final = [
    Entry(part=part, **{"attribute": entry["name"]} | entry)
    for part, several in _CODEBOOK["settings"].items()
    for entry in several
]


def read(
    table: Table,
    schema: Schema,
    ids: Ids | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    units: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The columns of `schema`, typed, a row for each of `table`; faults mark rows in `table.bad`.
    `choices`: what a column may hold where that depends on other tables; `units`: the unit of each
    KPI. Of two rows with one key the second is refused."""
    found = {
        column.name: [_cell(table, at, column, ids, choices or {}) for at in range(len(table))]
        for column in schema.columns
        if column.kind not in _NUMBERS
    }
    kinds = {column.name: column.kind for column in schema.columns}
    # what a number may be depends on the unit of its row
    row_units = found.get("unit", [])
    of_row = row_units if units is None else [units.get(one, "") for one in found["kpi_id"]]
    known = {*schema.names, *schema.prefilled}
    further = [name for name in table.cells if name not in known]
    for name in [name for name in schema.names if name not in found] + further:
        numbers = [_number(table, row, name, unit or "") for row, unit in enumerate(of_row)]
        found[name] = [number.value for number in numbers]
        if kinds.get(name) == "value":
            statuses = enumerate(zip(numbers, found["status"], strict=True))
            found["status"] = [_status(table, row, *pair) for row, pair in statuses]
    if set(PLACES) <= {*schema.names} - {*schema.required}:
        for row, named in enumerate(zip(*(table.cells[name] for name in PLACES), strict=True)):
            if sum(bool(cell.strip()) for cell in named) != 1:
                table.fault(row, PLACES[0], "text-place")
    _check_twice(table, schema, found)
    names = (*schema.names, *further)
    types = {"whole": "Int64", "number": "float64", "value": "float64"}
    frame = pd.DataFrame({name: found[name] for name in names}, index=range(len(table)))
    return frame.astype({name: types.get(kinds.get(name, "number"), "str") for name in names})


def in_force(
    table: Table, rows: pd.DataFrame, upto: Quarter, since: str = "from_quarter"
) -> pd.DataFrame:
    """The good rows in force by a quarter; the other good ones are counted as later."""
    good = rows[~table.bad]
    now = known_at(good, upto, since)
    table.later = len(good) - len(now)
    return now


def known_at(table: pd.DataFrame, quarter: Quarter, since: str = "from_quarter") -> pd.DataFrame:
    """The rows known by a quarter; labels stand in the order of time."""
    later = (table[since] > quarter.label).fillna(False).astype(bool)
    return table[~later].reset_index(drop=True)


def _check_twice(table: Table, schema: Schema, found: dict[str, list[Any]]) -> None:
    first = dict[tuple[Any, ...], int]()
    for row, key in enumerate(zip(*(found[name] for name in schema.key), strict=True)):
        if not any(key) or (schema.certain and table.bad[row]) or first.setdefault(key, row) == row:
            continue
        named = next(name for name, part in zip(schema.key[::-1], key[::-1], strict=True) if part)
        other = table.rows[first[key]]
        if schema.certain:
            table.fault(row, named, "catalogue-twice", f"{other} ({', '.join(schema.key)})")
        else:
            table.fault(row, named, "duplicate-conflict", f"row {other}")
            table.fault(first[key], named, "duplicate-conflict", f"row {table.rows[row]}")


def _cell(
    table: Table, at: int, column: Entry, ids: Ids | None, choices: Mapping[str, Sequence[str]]
) -> Any:
    """What a cell says; the column's default where it is blank, nothing where it is at fault."""
    sent, kind = table.cells[column.name][at], table.kind(column.name, at)
    plain, blank = clean_name(sent), None if column.required else column.default
    if fault := fault_of_text(sent, kind):
        found = Text(fault=fault)
    elif column.kind == "id" and (plain or column.required):
        assert ids is not None
        found = ids.find(sent, kind)
    elif not plain and column.required:  # a milestone has no unit
        found = Text(fault="" if column.kind == "unit" else "catalogue-missing")
    elif column.kind == "period" and plain:
        period = read_period(sent, kind)
        nothing = "There is no quarter or month that this names."
        detail = period.detail if period.fault == "period-bad" else nothing
        fault = "" if period.quarter else "period-own"
        found = Text(period.taken or None, fault, detail)
    elif not plain or column.kind in _AS_SENT:
        found = cells.read_text(sent, kind, prose=column.kind == "prose")
    else:
        found = _meant(plain, column, choices)
    if found.fault:
        table.fault(at, column.name, found.fault, found.detail)
    if column.kind != "unit" and (not found.fault or found.value is not None):  # "other: …" is none
        table.changed(at, column.name, found.taken)
    return blank if found.value is None and not found.fault else found.value


def _meant(text: str, column: Entry, choices: Mapping[str, Sequence[str]]) -> Text:
    """What a filled cell of a kind says. A choice without options is any: they were at fault."""
    found: Any = None
    match column.kind:
        case "choice":
            options = column.options or choices.get(column.name) or (text,)
            found = next((one for one in options if one.casefold() == text.casefold()), None)
            if found is None:
                return Text(fault="catalogue-choice", detail=one_of(text, options))
        case "quarter":
            try:
                found = Quarter.parse(text).label
            except QuarterError as error:
                return Text(fault="catalogue-quarter", detail=str(error))
        case "unit":
            found, meant = known_unit(text), meant_unit(text)
            if found is None:
                other = f'Write "other: {text}" if it is none of these.'
                return Text(fault="unit-unknown", detail=f'Write "{meant}".' if meant else other)
        case "whole":
            whole = text.isdecimal() and text.isascii() and int(text) <= column.most
            found = int(text) if whole else None
        case "date":
            found = _day(text)
        case "range":
            found = text if parse_range(text) else None
        case "due":
            found = _due(text)
        case "year ends":
            found = text if _day(f"2024-{text}") else None
        case "letters":
            plain = re.sub(r"[\s,;/-]", "", text).upper()
            found = plain if re.fullmatch("[GAR]{1,4}", plain) else None
    if found is None:
        must_be = KINDS[column.kind].format(least=0, most=column.most)
        return Text(fault="catalogue-number", detail=must_be)
    return Text(found)


def _day(text: str) -> str | None:
    """A day as 2025-03-31; None for anything else, and for one before or after all quarters."""
    day = text.removesuffix(" 00:00:00")
    if found := re.fullmatch(r"(\d\d?)/(\d\d?)/(\d{4})", day):
        day = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        found_day = date.fromisoformat(day) if len(day) == 10 else None
        return found_day.isoformat() if found_day and Quarter.containing(found_day) else None
    except ValueError:
        return None


def _due(text: str) -> str | None:
    """Quarters as `Q2;Q4`, some with their year, or the date of a milestone as 2026-03-31."""
    quarters = []
    for part in filter(None, map(str.strip, text.split(";"))):
        if not (found := _DUE.fullmatch(part)):
            return _day(text)
        quarter = f"Q{found['number']}"
        year = found["year"]
        quarters.append(Quarter.parse(f"{year} {quarter}").label if year else quarter)
    return ";".join(quarters) or _day(text)


def _number(table: Table, at: int, name: str, unit: str) -> Number:
    """A number in a unit; NaN where there is none. A sign % is for percentages only."""
    kind = table.kind(name, at)
    found = cells.read_number(table.cells[name][at], kind, table.comma_is_doubtful, unit)
    if found.fault:
        table.fault(at, name, found.fault, found.detail)
    elif found.percent and unit != "%":
        table.fault(at, name, "value-sign", unit or "no percentage")
    else:
        table.changed(at, name, found.taken)
    return found


def _status(table: Table, at: int, number: Number, status: str) -> str:
    """The status of a value, or the reason why there is none."""
    without = status in STATUSES_WITHOUT_VALUE
    if number.given and without:
        table.fault(at, "status", "status-with-value", status)
    return status if number.given or without else number.reason or NOT_AVAILABLE
