"""What stands beside the figures: commentary, activity indicators, benchmarks.

Each function takes a table and returns what is accepted of it, typed; faults go into the table's ledger.
"""

from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.intake import fields as field
from kpi_tools.intake.catalogue import typed
from kpi_tools.intake.cells import read_number, read_status
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    FINAL,
    ILLUSTRATIVE,
    NOT_AVAILABLE,
    STATUSES,
    STATUSES_WITHOUT_VALUE,
)
from kpi_tools.words.tokens import KPI_TOKENS, SECTION_TOKENS, listing, unknown

COMMENTARY: Final = Layout(
    ("commentary",), ("kpi_id", "section", "management_action", "author", "status")
)
ACTIVITY: Final = Layout(
    ("activity_id", "activity_name", "section", "unit", "decimals", "period", "value"),
    ("lower_expected", "upper_expected", "status", "note"),
)
BENCHMARKS: Final = Layout(
    ("kpi_id", "area", "period", "value", "from_quarter"),
    ("numerator", "denominator", "group", "status", "source"),
)
CHANGES: Final = Layout(("kpi_id", "from_quarter", "change"), ("reason", "status"))
KINDS_OF_CHANGE: Final = ("added", "removed", "redefined")


def read_commentary(table: Table, sections: tuple[str, ...], ids: Ids) -> pd.DataFrame:
    """kpi_id or section (the other is missing), commentary, management_action, author, status; file, row: its place."""
    rows, places = [], dict[tuple[str | None, str | None], int]()
    for row in range(len(table)):
        kpi_id = section = None
        named, placed = table.cells["kpi_id"][row].strip(), table.cells["section"][row].strip()
        if bool(named) == bool(placed):
            table.fault(row, "kpi_id", "text-place")
        elif named:
            kpi_id = field.kpi_id(table, row, "kpi_id", ids)
        else:
            section = field.choice(table, row, "section", sections)
        found = {
            "kpi_id": kpi_id, "section": section, "commentary": field.prose(table, row, "commentary"),
            "management_action": field.prose(table, row, "management_action"), "author": field.name(table, row, "author"),
            "status": field.choice(table, row, "status", (FINAL, ILLUSTRATIVE), FINAL),
        }  # fmt: skip
        if not found["commentary"] and not found["management_action"]:
            table.fault(row, "commentary", "text-missing")
        if (kpi_id or section) and (first := places.setdefault((kpi_id, section), row)) != row:
            for place, other in ((first, row), (row, first)):
                table.fault(
                    place,
                    "kpi_id" if kpi_id else "section",
                    "duplicate-conflict",
                    f"row {table.rows[other]}",
                )
        for column in ("commentary", "management_action"):
            tokens = SECTION_TOKENS if placed else KPI_TOKENS
            for fault in unknown(found[column] or "", tokens):
                table.fault(row, column, "token-unknown", f"{fault} There are: {listing(tokens)}.")
        rows.append(found | {"file": table.file, "row": table.rows[row]})
    columns = [
        "kpi_id",
        "section",
        "commentary",
        "management_action",
        "author",
        "status",
        "file",
        "row",
    ]
    return typed(pd.DataFrame(rows, columns=columns)[~table.bad], whole=("row",))


def read_activity(table: Table, sections: tuple[str, ...], upto: Quarter) -> pd.DataFrame:
    """The activity indicators of periods up to a quarter: value, lower_expected, upper_expected float64, decimals int."""
    rows, places, late = [], dict[tuple[str | None, str | None], int](), []
    for row in range(len(table)):
        period = field.quarter(table, row, "period")
        activity_id = field.name(table, row, "activity_id", needed=True)
        unit = field.name(table, row, "unit", needed=True)
        label = period.label if period else None
        if activity_id and label and (first := places.setdefault((activity_id, label), row)) != row:
            table.fault(row, "activity_id", "catalogue-twice", str(table.rows[first]))
        lower, upper = (
            field.number(table, row, name, unit == "%")
            for name in ("lower_expected", "upper_expected")
        )
        if lower > upper:
            table.fault(row, "lower_expected", "expected-order")
        value, status = _valued(table, row, unit == "%")
        rows.append({
            "activity_id": activity_id, "activity_name": field.name(table, row, "activity_name", needed=True),
            "section": field.choice(table, row, "section", sections), "unit": unit,
            "decimals": field.whole(table, row, "decimals", 6), "period": label, "value": value,
            "lower_expected": lower, "upper_expected": upper, "status": status, "note": field.prose(table, row, "note"),
        })  # fmt: skip
        late.append(period is not None and period > upto)
    kept = not_later(table, pd.DataFrame(rows, columns=list(ACTIVITY.names)), late)
    return typed(kept, whole=("decimals",), real=("value", "lower_expected", "upper_expected"))


def read_benchmarks(
    table: Table, percentages: frozenset[str], ids: Ids, upto: Quarter
) -> pd.DataFrame:
    """The benchmarks known by a quarter: kpi_id, area, period (free text), value float64, from_quarter, numerator and
    denominator float64 (missing where not known), group (of areas that ours is compared with), status, source."""
    rows, late = [], []
    for row in range(len(table)):
        kpi_id, since = (
            field.kpi_id(table, row, "kpi_id", ids),
            field.quarter(table, row, "from_quarter"),
        )
        value, status = _valued(table, row, kpi_id in percentages)
        if kpi_id in percentages and value > 100:
            table.fault(row, "value", "value-above-100")
        numerator, denominator = _parts(table, row, kpi_id in percentages)
        rows.append({
            "kpi_id": kpi_id, "area": field.name(table, row, "area", needed=True),
            "period": field.name(table, row, "period", needed=True), "value": value,
            "from_quarter": since.label if since else None, "numerator": numerator, "denominator": denominator,
            "group": field.name(table, row, "group"), "status": status, "source": field.name(table, row, "source"),
        })  # fmt: skip
        late.append(since is not None and since > upto)
    kept = not_later(table, pd.DataFrame(rows, columns=list(BENCHMARKS.names)), late)
    return typed(kept, real=("value", "numerator", "denominator"))


def _parts(table: Table, row: int, percentage: bool) -> tuple[float, float]:
    """The cases behind an area's figure, where they are given."""
    numerator, denominator = (
        field.number(table, row, name) for name in ("numerator", "denominator")
    )
    for name, cases in (("numerator", numerator), ("denominator", denominator)):
        if cases < 0:
            table.fault(row, name, "value-negative")
    if denominator == 0:
        table.fault(row, "denominator", "parts-zero")
    elif percentage and numerator > denominator:
        table.fault(row, "numerator", "parts-over")
    return numerator, denominator


def read_changes(table: Table, ids: Ids, upto: Quarter) -> pd.DataFrame:
    """The changes to the set of KPIs and their definitions up to a quarter: kpi_id, from_quarter, change, reason, status."""
    rows, late = [], []
    for row in range(len(table)):
        since = field.quarter(table, row, "from_quarter")
        rows.append({
            "kpi_id": field.kpi_id(table, row, "kpi_id", ids), "from_quarter": since.label if since else None,
            "change": field.choice(table, row, "change", KINDS_OF_CHANGE), "reason": field.prose(table, row, "reason"),
            "status": field.choice(table, row, "status", (FINAL, ILLUSTRATIVE), FINAL),
        })  # fmt: skip
        late.append(since is not None and since > upto)
    return typed(not_later(table, pd.DataFrame(rows, columns=list(CHANGES.names)), late))


def not_later(table: Table, rows: pd.DataFrame, late: list[bool]) -> pd.DataFrame:
    """The good rows that are in force; the others are noted as later."""
    after = np.array(late, dtype=bool)
    table.later = int((after & ~table.bad).sum())
    return rows[~table.bad & ~after]


def _valued(table: Table, row: int, percentage: bool) -> tuple[float, str]:
    """A value with its status, or no value with the reason."""
    value = field.number(table, row, "value", percentage)
    reason = read_number(
        table.cells["value"][row], table.kind("value", row), table.comma_is_doubtful
    ).reason
    status, _, fault = read_status(table.cells["status"][row], table.kind("status", row))
    if fault:
        table.fault(row, "status", fault, ", ".join(STATUSES))
    if not np.isnan(value) and status in STATUSES_WITHOUT_VALUE:
        table.fault(row, "status", "status-with-value", status)
    if np.isnan(value):
        return value, status if status in STATUSES_WITHOUT_VALUE else reason or NOT_AVAILABLE
    return value, status or FINAL
