"""One field of one row of a small table → its value, with what is wrong or changed noted at its place.

For the tables that hold hundreds of rows (catalogue, targets, commentary, benchmarks); returns are read by column.
"""

from collections.abc import Sequence
from functools import lru_cache

from kpi_tools.intake.cells import fault_of_text, read_number
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.tables import Table
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.words.hygiene import NAME_CAP, TEXT_CAP, clean_name, clean_text, what_changed


def name(table: Table, row: int, column: str, needed: bool = False) -> str | None:
    """A text on one line; None where blank."""
    sent = table.cells[column][row]
    taken = clean_name(sent)
    if len(taken) > NAME_CAP:
        table.fault(row, column, "text-cut", str(NAME_CAP))
        taken = taken[:NAME_CAP]
    return _noted(table, row, column, sent, taken, needed)


def prose(table: Table, row: int, column: str) -> str | None:
    """A text that may have several lines; None where blank."""
    sent = table.cells[column][row]
    taken = clean_text(sent)
    if len(taken) > TEXT_CAP:
        table.fault(row, column, "text-cut", f"{TEXT_CAP:,}")
        taken = taken[:TEXT_CAP]
    return _noted(table, row, column, sent, taken, False)


def _noted(table: Table, row: int, column: str, sent: str, taken: str, needed: bool) -> str | None:
    if _is_no_text(table, row, column):
        return None
    if taken != sent and (taken or sent.strip(" ")):
        table.changed(row, column, taken, what_changed(sent, taken))
    if not taken and needed:
        table.fault(row, column, "catalogue-missing")
    return taken or None


def _is_no_text(table: Table, row: int, column: str) -> bool:
    """Whether the cell holds what a formula made of itself, not words; it is noted."""
    fault = fault_of_text(table.cells[column][row], table.kind(column, row))
    if fault:
        table.fault(row, column, fault)
    return bool(fault)


def choice(
    table: Table, row: int, column: str, options: Sequence[str], default: str | None = None
) -> str | None:
    """One of `options`, whatever its case; `default` where blank. Without options (they were at fault) any text will do."""
    if table.cells[column][row] in options:
        return table.cells[column][row]
    taken = clean_name(table.cells[column][row])
    if _is_no_text(table, row, column):
        return None
    if not taken and default is not None:
        return default
    if not options:
        return taken or None
    for option in options:
        if taken.casefold() == option.casefold():
            if option != table.cells[column][row]:
                table.changed(row, column, option, "spelt as the tables have it")
            return option
    table.fault(row, column, "catalogue-choice", ", ".join(options))
    return None


def number(table: Table, row: int, column: str, percentage: bool = False) -> float:
    """A number; NaN where there is none. A sign % is for percentages only."""
    sent = table.cells[column][row]
    found = read_number(sent, table.kind(column, row), table.comma_is_doubtful)
    if found.fault:
        table.fault(row, column, found.fault, found.detail)
    elif found.percent and not percentage:
        table.fault(row, column, "value-sign", "no percentage")
    elif found.why:
        table.changed(row, column, "" if found.reason else f"{found.value:g}", found.why)
    return found.value


def whole(table: Table, row: int, column: str, most: int) -> int:
    """A whole number from 0 to `most`."""
    sent = clean_name(table.cells[column][row])
    if sent.isdecimal() and sent.isascii() and int(sent) <= most:
        return int(sent)
    table.fault(row, column, "catalogue-number", f"a whole number from 0 to {most}")
    return 0


def quarter(table: Table, row: int, column: str, needed: bool = True) -> Quarter | None:
    """A quarter; None where blank and not needed."""
    sent = table.cells[column][row]
    if _is_no_text(table, row, column):
        return None
    if not clean_name(sent):
        if needed:
            table.fault(row, column, "catalogue-missing")
        return None
    try:
        found = _parse(clean_name(sent))
    except QuarterError as error:
        table.fault(row, column, "catalogue-quarter", str(error))
        return None
    if found.label != sent:
        table.changed(row, column, found.label, "written as the tables have it")
    return found


@lru_cache(maxsize=1_000)
def _parse(text: str) -> Quarter:
    return Quarter.parse(text)


def kpi_id(table: Table, row: int, column: str, ids: Ids) -> str | None:
    """An id of the catalogue; None, with the fault noted, where it is none."""
    found = ids.find(table.cells[column][row], table.kind(column, row))
    if found.fault:
        table.fault(row, column, found.fault, found.detail)
        return None
    if found.why:
        table.changed(row, column, found.id, found.why)
    return found.id
