"""The returns folders up to a quarter → one table of the rows accepted from them: what each says, and the rules it must keep."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median
from typing import Any, Final

import pandas as pd

from kpi_tools.loading.account import Run
from kpi_tools.loading.cells import (
    TEXT_CAP,
    Number,
    clean_name,
    clean_text,
    fault_of_text,
    read_number,
    read_status,
    what_changed,
)
from kpi_tools.loading.ids import Ids, Match
from kpi_tools.loading.periods import Period, read_period
from kpi_tools.loading.read import Layout, Table
from kpi_tools.loading.targets import outside, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.received import sort_out
from kpi_tools.units import known_unit, meant_unit, unit_family
from kpi_tools.vocabulary import FINAL, MILESTONE, NOT_AVAILABLE, STATUSES, STATUSES_WITHOUT_VALUE

LINES: Final = ("target", "floor_standard")
SHOWN: Final = ("kpi_name", "unit", "last_figure", *LINES)
"""What stands in a return template between the period and the figures, for whoever fills it in."""
NUMBERS: Final = ("value", "numerator", "denominator")
RETURNS: Final = Layout(
    ("kpi_id", "period", "value"), ("numerator", "denominator", "status", "note"), SHOWN
)
SUBMISSION: Final = {
    "kpi_id": "str",
    "period": "str",
    "quarter": "str",
    "month": "str",
    "value": "float64",
    "numerator": "float64",
    "denominator": "float64",
    "status": "str",
    "note": "str",
    "milestone": "str",
    "received": "str",
    "file": "str",
    "sheet": "str",
    "row": "int64",
    "silent": "bool",
}
"""The columns of accepted rows, with their types."""
_WELL_ABOVE_FRACTIONS: Final = 5.0


@dataclass
class Catalogue:
    """What a return is held against: the KPIs, their targets, what their ids are called, the statuses of milestones."""

    kpis: pd.DataFrame
    targets: pd.DataFrame
    ids: Ids
    milestones: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows: list[dict[str, Any]] = self.kpis.to_dict("records")
        self.by_id = {row["kpi_id"]: row for row in rows}


@dataclass
class Row:
    """One row of a return as it is checked; the figure may yet follow from its parts."""

    at: int
    folder: Quarter
    kpi: Mapping[str, Any]
    match: Match
    period: Period
    value: Number
    numerator: Number
    denominator: Number
    status: str
    status_why: str
    status_fault: str
    sent_note: str
    note: str
    note_fault: str
    milestone: str = ""
    target: float = nan
    floor_standard: float = nan
    usual: float = nan
    typed: str = ""
    silent: bool = False

    @property
    def readable(self) -> bool:
        """Whether KPI and period are known."""
        return bool(self.kpi) and self.period.quarter is not None

    @property
    def numbers(self) -> tuple[Number, Number, Number]:
        """Value, numerator and denominator."""
        return self.value, self.numerator, self.denominator

    @property
    def label(self) -> str:
        """The day of a weekly figure, the month, or else the quarter's label."""
        return self.period.day or self.period.month or str(self.period.quarter or "")

    @property
    def unit(self) -> str:
        return str(self.kpi.get("unit", ""))

    @property
    def highest(self) -> float:
        return float(self.kpi.get("range_high", unit_family(self.unit).high))

    @property
    def lowest(self) -> float:
        return float(self.kpi.get("range_low", unit_family(self.unit).low))

    @property
    def capped(self) -> bool:
        """Whether it is a percentage that cannot be above 100."""
        return self.unit == "%" and self.highest <= 100

    @property
    def ahead(self) -> bool:
        """Whether the period lies after the quarter for which the row was sent."""
        return self.period.quarter is not None and self.period.quarter > self.folder

    @property
    def may_be_fraction(self) -> bool:
        """Whether a percentage is at most one, without anything that says that it is meant so."""
        plain = self.readable and self.unit == "%" and not self.value.percent and not self.parts
        return plain and 0 < self.value.value <= 1

    def wrong_sign(self, name: str) -> bool:
        """Whether a sign in the cell contradicts the KPI's unit; a part is never a percentage, which is another fault."""
        number = getattr(self, name)
        percent = number.percent and name == "value" and self.unit != "%"
        return bool(percent or number.pound and not unit_family(self.unit).money)

    @property
    def rounding(self) -> float:
        """To what the counts are rounded before they are sent; 0 where they are not."""
        to = self.kpi.get("rounded_to")
        return 0.0 if to is None or pd.isna(to) else float(to)

    @property
    def parts(self) -> bool:
        """Whether both parts are given."""
        return self.numerator.given and self.denominator.given

    @property
    def over(self) -> bool:
        """Whether a part is greater than its whole, where it cannot be, by more than both are rounded."""
        surplus = self.numerator.value - self.denominator.value
        return self.capped and self.denominator.value > 0 and surplus > self.rounding

    @property
    def made(self) -> float:
        """The figure that the parts make; NaN where they make none."""
        per = unit_family(self.unit).per
        if not self.parts or per is None or self.denominator.value <= 0:
            return nan
        made = per * self.numerator.value / self.denominator.value
        return min(made, 100.0) if self.rounding and self.capped else made

    @property
    def reason_given(self) -> bool:
        return self.status in STATUSES_WITHOUT_VALUE


def submissions_upto(last: Quarter, run: Run, known: Catalogue) -> pd.DataFrame:
    """The accepted rows of every folder up to `last`, oldest folder first (columns: SUBMISSION).

    Without a catalogue nothing is read: every row would only be reported as unknown.
    """
    folders, others = sort_out(run.raw)
    for other in others:
        run.note(other.path, other.code, other.detail)
    accepted = list[tuple[Any, ...]]()
    for quarter in sorted(folders):
        if quarter <= last and known.by_id:
            tables = [
                (table, check_return(table, quarter, known))
                for table in run.returns(folders[quarter], RETURNS)
            ]
            _check_duplicates(tables)
            for table, rows in tables:
                accepted += [_record(table, row) for row in rows if not table.bad[row.at]]
    return pd.DataFrame(accepted, columns=list(SUBMISSION)).astype(SUBMISSION)


def shown(submissions: pd.DataFrame) -> pd.DataFrame:
    """Submissions as others see them: missing texts are null."""
    empty = ("month", "note", "sheet", "milestone")
    return submissions.assign(
        **{name: submissions[name].mask(submissions[name] == "") for name in empty}
    )


def _record(table: Table, row: Row) -> tuple[Any, ...]:
    return (
        row.match.id,
        row.label,
        str(row.period.quarter),
        row.period.month,
        row.value.value,
        row.numerator.value,
        row.denominator.value,
        row.status,
        row.note,
        row.milestone,
        row.folder.label,
        table.file,
        table.sheet,
        table.rows[row.at],
        row.silent,
    )


def check_return(table: Table, folder: Quarter, known: Catalogue) -> list[Row]:
    """Each row of `table`, received in the folder of a quarter, read and checked; faults and changes go into its ledger."""
    misshapen = set(table.bad.nonzero()[0].tolist())
    rows = [_read_row(table, at, folder, known) for at in range(len(table))]
    _add_lines(rows, table, known)
    for row in rows:
        if row.at in misshapen or _is_no_figure(table, row):
            continue
        for column, code, detail in _own_faults(row):
            if code:
                table.fault(row.at, column, code, detail)
        for column, code, broken in _RULES if row.kpi else ():
            found = broken(row, known)
            if found is not None and found is not False:
                table.fault(row.at, column, code, "" if found is True else found)
        if row.kpi:
            _settle(table, row)
        if not table.bad[row.at]:
            _log(table, row)
    return rows


def _read_row(table: Table, at: int, folder: Quarter, known: Catalogue) -> Row:
    def cell(column: str) -> tuple[str, str]:
        return table.cells[column][at], table.kind(column, at)

    match = known.ids.find(*cell("kpi_id"))
    kpi = known.by_id.get(match.id, {})
    unit = str(kpi.get("unit", ""))
    value, numerator, denominator = (
        read_number(*cell(name), table.comma_is_doubtful, unit if name == "value" else "")
        for name in NUMBERS
    )
    status, status_why, status_fault = read_status(*cell("status"))
    sent, kind = cell("note")
    note, fault = clean_text(sent), fault_of_text(sent, kind)
    row = Row(
        at,
        folder,
        kpi,
        match,
        read_period(*cell("period"), kpi),
        value,
        numerator,
        denominator,
        status,
        status_why,
        status_fault,
        sent,
        "" if fault else note[:TEXT_CAP],
        fault or ("text-cut" if len(note) > TEXT_CAP else ""),
    )
    if kpi.get("kind") == MILESTONE and not value.blank:
        folded = {name.casefold(): name for name in known.milestones}
        row.milestone = folded.get(clean_name(cell("value")[0]).casefold(), "")
        fault = "" if row.milestone else "milestone-unknown"
        row.value = Number(fault=fault, detail=", ".join(known.milestones))
    return row


def _add_lines(rows: list[Row], table: Table, known: Catalogue) -> None:
    """Where they are needed: the lines in force, what the KPI's other figures are, what was typed over a target shown."""
    in_template = set(SHOWN) <= set(table.cells)
    asked = [row for row in rows if row.may_be_fraction or in_template and row.readable]
    if not asked:
        return
    keys = [(row.match.id, str(row.period.quarter)) for row in asked]
    lines = with_targets(
        pd.DataFrame(keys, columns=["kpi_id", "quarter"], dtype="str"), known.targets
    )
    figures = defaultdict[str, list[float]](list)
    for row in rows:
        if row.readable and row.value.given:
            figures[row.match.id].append(row.value.value)
    for at, row in enumerate(asked):
        row.target, row.floor_standard = (float(lines[name].iloc[at]) for name in LINES)
        row.usual = median(figures[row.match.id] or [nan])
        for name in LINES if in_template else ():
            shown_line = read_number(table.cells[name][row.at], table.kind(name, row.at))
            line = row.target if name == "target" else row.floor_standard
            if abs(shown_line.value - line) > 0.5 * 10.0**-shown_line.decimals + 1e-9:
                row.typed = f"{name.replace('_', ' ')} {shown_line.value:g} where {line:g} is"


def _is_no_figure(table: Table, row: Row) -> bool:
    """Whether the row is a total, a footnote, units or without a KPI that is known: of the first three no more is said."""
    others = [table.cells[name][row.at].strip() for name in RETURNS.names if name != "kpi_id"]
    code = row.match.fault
    unknown = code in ("id-unknown", "id-missing")
    value = table.cells["value"][row.at].strip(" ()")
    note_alone = code == "id-missing" and not any(others[:-1])
    if unknown and (note_alone or not any(others)):
        code = "row-footnote"
    elif (
        unknown
        and row.at == 0
        and not re.search(r"\d", " ".join(others))
        and (known_unit(value) or meant_unit(value) or value.casefold() in ("numeric", "decimal"))
    ):
        code = "row-units"
    if code:
        table.fault(row.at, "kpi_id", code, row.match.detail)
    return code in ("row-total", "row-footnote", "row-units", "id-waits")


def _retired(row: Row, _: Catalogue) -> str | None:
    last = row.kpi.get("last_quarter")
    if not row.readable or not isinstance(last, str) or str(row.period.quarter) <= last:
        return None
    return Quarter.parse(last).title


def _is_fraction(row: Row, _: Catalogue) -> str | None:
    """A percentage of at most one where the KPI's target and floor, or else its other figures, are well above: 0.87 for 87%."""
    if not row.may_be_fraction:
        return None
    lines = [line for line in (row.target, row.floor_standard) if not isnan(line)]
    near = min(lines, default=row.usual)
    return f" with figures near {near:g}" if near > _WELL_ABOVE_FRACTIONS else None


def _unlike_parts(row: Row, _: Catalogue) -> str | None:
    made, value = row.made, row.value
    rounding = 0.5 * 10.0**-value.decimals + 1e-9 * max(1, abs(made))
    capped = min(value.value, 100.0) if row.rounding and made == 100 else value.value
    return f"{made:,.{value.decimals + 1}f}" if abs(capped - made) > rounding else None


def _parts_withheld(row: Row, _: Catalogue) -> str | None:
    if not row.parts or row.value.given or row.value.fault or row.milestone:
        return None
    if row.value.blank:
        return row.status if row.reason_given else None
    return row.value.reason


def _other_reason(row: Row, _: Catalogue) -> str | None:
    value = row.value
    if not row.reason_given or value.given or value.fault or value.blank or row.milestone:
        return None
    if value.reason in (NOT_AVAILABLE, row.status):
        return None
    return f'{value.reason}, but the status says "{row.status}"'


def _holds_rows(row: Row, known: Catalogue) -> bool:
    """Whether a line of the note, but for the first, is a row of a return: an id and a period among its cells."""
    lines = [re.split(r"[,;\t]", line) for line in row.note.split("\n")[1:]]
    return any(
        any(known.ids.find(cell).id for cell in cells)
        and any(not read_period(cell).fault for cell in cells)
        for cells in lines
        if len(cells) > 2
    )


Test = Callable[[Row, Catalogue], "str | bool | None"]
_RULES: Final[tuple[tuple[str, str, Test], ...]] = (
    ("note", "text-rows", _holds_rows),
    ("period", "period-year", lambda row, _: row.period.notice or None),
    ("period", "period-future", lambda row, _: row.folder.title if row.ahead else None),
    ("period", "period-retired", _retired),
    *(
        (name, "value-sign", lambda row, _, name=name: row.unit if row.wrong_sign(name) else None)
        for name in NUMBERS
    ),
    *(
        (name, "parts-sign", lambda row, _, name=name: getattr(row, name).percent)
        for name in NUMBERS[1:]
    ),
    ("numerator", "value-negative", lambda row, _: row.numerator.value < 0 <= row.lowest),
    ("denominator", "value-negative", lambda row, _: row.denominator.value < 0),
    ("value", "value-fraction", _is_fraction),
    (
        "value",
        "value-fractional",
        lambda row, _: (
            row.unit == "count" and row.value.value % 1 > 0 and not row.kpi.get("decimals", 0) > 0
        ),
    ),
    ("target", "target-typed", lambda row, _: row.typed or None),
    ("denominator", "parts-zero", lambda row, _: row.denominator.value == 0),
    ("numerator", "parts-over", lambda row, _: row.over),
    ("value", "value-unlike-parts", _unlike_parts),
    ("numerator", "parts-withheld", _parts_withheld),
    (
        "status",
        "status-with-value",
        lambda row, _: (
            row.status if row.reason_given and (row.value.given or row.milestone) else None
        ),
    ),
    ("value", "status-other-reason", _other_reason),
)
"""Column, code of the rule, and what says for a row of a known KPI whether it is broken: its particulars, or True."""


def _own_faults(row: Row) -> Iterator[tuple[str, str, str]]:
    """What the cells themselves are at fault for, and a figure that the measure cannot be."""
    yield "period", row.period.fault, row.period.detail
    for name, number in zip(NUMBERS, row.numbers, strict=True):
        yield name, number.fault, number.detail
    known = ", ".join(STATUSES) if row.status_fault == "status-unknown" else ""
    yield "status", row.status_fault, known
    yield "note", row.note_fault, f"{TEXT_CAP:,}"
    value, by_rounding = row.value.value, row.rounding and row.parts and not row.over
    if row.kpi and (value < row.lowest or value > row.highest and not by_rounding):
        yield "value", *outside(value, row.lowest, row.highest, row.unit == "%")


def _settle(table: Table, row: Row) -> None:
    """The figure that follows from its parts, and the status: that of a figure, or the reason why there is none."""
    value, sound = row.value, not row.value.fault
    if value.blank and sound and not row.reason_given and not isnan(row.made):
        row.value = value = Number(row.made, why="it follows from numerator and denominator")
    elif value.given and row.rounding and row.made == 100 and value.value > 100:
        why = "above 100 by the rounding of its parts"
        row.value = value = value._replace(value=100.0, why=why)
    if value.given or row.milestone:
        if not row.status:
            row.status = FINAL
    elif sound:
        if value.blank and row.status and not row.reason_given and not table.bad[row.at]:
            table.fault(row.at, "status", "status-without-value", row.status)
        row.silent = value.blank and not row.status
        if not (row.reason_given and (value.blank or value.reason == NOT_AVAILABLE)):
            row.status = value.reason


def _log(table: Table, row: Row) -> None:
    for name, number in zip(NUMBERS, row.numbers, strict=True):
        if number.why:
            taken = f"{number.value:.15g}" if number.given else ""
            table.changed(row.at, name, taken, number.why)
    for name, taken, why in (
        ("kpi_id", row.match.id, row.match.why),
        ("period", row.label, row.period.why),
        ("status", row.status, row.status_why),
        ("note", row.note, what_changed(row.sent_note, row.note)),
    ):
        if why:
            table.changed(row.at, name, taken, why)


def _check_duplicates(tables: list[tuple[Table, list[Row]]]) -> None:
    """The same KPI and period sent more than once for one folder: rows that differ are all refused, equal ones noted."""
    sent = defaultdict[tuple[str, str], list[tuple[Table, Row]]](list)
    for table, rows in tables:
        for row in rows:
            if row.readable:
                sent[row.match.id, row.label].append((table, row))
    for places in sent.values():
        if len(places) == 1:
            continue
        same = len({_content(table, row) for table, row in places}) == 1
        for table, row in places:
            others = [
                f"row {other.rows[one.at]}" + (f" of {other.file}" if other is not table else "")
                for other, one in places[:6]
                if other is not table or one is not row
            ][:5]
            if not table.bad[row.at] or not same:
                code = "duplicate-same" if same else "duplicate-conflict"
                table.fault(row.at, "kpi_id", code, "; ".join(others))


def _content(table: Table, row: Row) -> tuple[object, ...]:
    if table.bad[row.at]:
        return table.file, table.sheet, row.at
    return (
        *(f"{number.value:.12g}" for number in row.numbers),
        row.status,
        row.note,
        row.milestone,
    )
