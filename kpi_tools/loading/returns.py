"""The returns folders up to a quarter → the rows accepted from them, each held against the rules.

A cell is read to what it certainly means or to a fault; the rules of a row stand in one table.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan, nan
from statistics import median
from typing import Any, Final

import pandas as pd

from kpi_tools.loading.account import Run
from kpi_tools.loading.cells import (
    Number,
    Text,
    clean_name,
    read_number,
    read_status,
    read_text,
)
from kpi_tools.loading.ids import Ids, Match
from kpi_tools.loading.periods import Period, read_period
from kpi_tools.loading.read import Layout, Table
from kpi_tools.loading.targets import outside, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.received import sort_out
from kpi_tools.units import known_unit, meant_unit, unit_family
from kpi_tools.vocabulary import FINAL, MILESTONE, NOT_AVAILABLE, STATUSES_WITHOUT_VALUE

LINES: Final = ("target", "floor_standard")
PREFILLED: Final = ("kpi_name", "unit", "last_figure", *LINES)
"""What a return template has between period and figures, for whoever fills it in."""
PARTS: Final = ("numerator", "denominator")
NUMBERS: Final = ("value", *PARTS)
RETURNS: Final = Layout(("kpi_id", "period", "value"), (*PARTS, "status", "note"), PREFILLED)
SUBMISSION: Final = {
    **dict.fromkeys(("kpi_id", "period", "quarter", "month"), "str"),
    **dict.fromkeys(NUMBERS, "float64"),
    **dict.fromkeys(("status", "note", "milestone", "received", "file", "sheet"), "str"),
    "row": "int64",
    "silent": "bool",
}
"""The columns of accepted rows, with their types."""
_WELL_ABOVE_FRACTIONS: Final = 5.0


@dataclass
class Catalogue:
    """What a return is held against: KPIs, targets, what ids are called, statuses of milestones."""

    kpis: pd.DataFrame
    targets: pd.DataFrame
    ids: Ids
    milestones: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows: list[dict[str, Any]] = self.kpis.to_dict("records")
        self.by_id = {row["kpi_id"]: row for row in rows}


@dataclass
class Row:
    """One row of a return as it is checked; the figure may yet follow from its parts.

    `target` and `floor_standard` in force, `usual`, the KPI's other figures, and `typed`, what was
    typed over a line that the template shows, are filled in where they are needed.
    """

    at: int
    folder: Quarter
    kpi: Mapping[str, Any]
    match: Match
    period: Period
    value: Number
    numerator: Number
    denominator: Number
    sent_status: Text
    note: Text
    status: str = ""
    milestone: str = ""
    target: float = nan
    floor_standard: float = nan
    usual: float = nan
    typed: str = ""
    silent: bool = False

    @property
    def cells(self) -> dict[str, Match | Period | Number | Text]:
        """What each cell says, by its column."""
        numbers = {name: getattr(self, name) for name in NUMBERS}
        return {
            "kpi_id": self.match,
            "period": self.period,
            **numbers,
            "status": self.sent_status,
            "note": self.note,
        }

    @property
    def readable(self) -> bool:
        """Whether KPI and period are known."""
        return bool(self.kpi) and self.period.quarter is not None

    @property
    def unit(self) -> str:
        return str(self.kpi.get("unit", ""))

    @property
    def capped(self) -> bool:
        """Whether it is a percentage that cannot be above 100."""
        return self.unit == "%" and self.kpi["range_high"] <= 100

    @property
    def may_be_fraction(self) -> bool:
        """Whether a percentage is at most one, and nothing says that it is meant so."""
        plain = self.readable and self.unit == "%" and not self.value.percent and not self.parts
        return plain and 0 < self.value.value <= 1

    @property
    def rounding(self) -> float:
        """To what the counts are rounded before they are sent; 0 where they are not."""
        return float(self.kpi["rounded_to"])

    @property
    def parts(self) -> bool:
        """Whether both parts are given."""
        return self.numerator.given and self.denominator.given

    @property
    def over(self) -> bool:
        """Whether a part is above its whole, where it cannot be, by more than both are rounded."""
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


def with_nulls(submissions: pd.DataFrame) -> pd.DataFrame:
    """Submissions as others see them: missing texts are null."""
    texts = submissions[["month", "note", "sheet", "milestone"]]
    return submissions.assign(**texts.mask(texts == ""))


def _record(table: Table, row: Row) -> tuple[Any, ...]:
    period = (row.match.taken, row.period.taken, str(row.period.quarter), row.period.month)
    figure = (*(getattr(row, name).value for name in NUMBERS), row.status, row.note.taken)
    place = (table.file, table.sheet, table.rows[row.at])
    return (*period, *figure, row.milestone, row.folder.label, *place, row.silent)


def check_return(table: Table, folder: Quarter, known: Catalogue) -> list[Row]:
    """Each row of a table in the folder of a quarter, read and checked against the rules."""
    misshapen = set(table.bad.nonzero()[0].tolist())
    rows = [_read_row(table, at, folder, known) for at in range(len(table))]
    _add_lines(rows, table, known)
    for row in rows:
        if row.at in misshapen or _is_no_figure(table, row):
            continue
        for column, cell in row.cells.items():
            if cell.fault and column != "kpi_id":
                table.fault(row.at, column, cell.fault, cell.detail)
        for column, code, broken in _RULES if row.kpi else ():
            found = broken(row, known)
            if found is not None and found is not False:
                table.fault(row.at, column, code, "" if found is True else found)
        if row.kpi:
            _check_range(table, row)
            _settle(table, row)
        cells = row.cells
        for column in (*NUMBERS, "kpi_id", "period", "status", "note"):
            if cells[column].why and not table.bad[row.at]:
                table.changed(row.at, column, cells[column].taken, cells[column].why)
    return rows


def _read_row(table: Table, at: int, folder: Quarter, known: Catalogue) -> Row:
    def cell(column: str) -> tuple[str, str]:
        return table.cells[column][at], table.kind(column, at)

    match = known.ids.find(*cell("kpi_id"))
    kpi = known.by_id.get(match.taken, {})
    unit = str(kpi.get("unit", ""))
    value, above, below = (
        read_number(*cell(name), table.comma_is_doubtful, unit if name == "value" else "")
        for name in NUMBERS
    )
    status, note = read_status(*cell("status")), read_text(*cell("note"))
    period = read_period(*cell("period"), kpi)
    row = Row(at, folder, kpi, match, period, value, above, below, status, note, status.taken)
    if kpi.get("kind") == MILESTONE and not row.value.blank:
        folded = {name.casefold(): name for name in known.milestones}
        row.milestone = folded.get(clean_name(cell("value")[0]).casefold(), "")
        fault = "" if row.milestone else "milestone-unknown"
        row.value = Number(fault=fault, detail=", ".join(known.milestones))
    return row


def _add_lines(rows: list[Row], table: Table, known: Catalogue) -> None:
    """Fill in the lines in force, the KPI's usual figure, what was typed over a target shown."""
    in_template = set(PREFILLED) <= set(table.cells)
    asked = [row for row in rows if row.may_be_fraction or in_template and row.readable]
    if not asked:
        return
    keys = [(row.match.taken, str(row.period.quarter)) for row in asked]
    places = pd.DataFrame(keys, columns=["kpi_id", "quarter"], dtype="str")
    lines = with_targets(places, known.targets)
    figures = defaultdict[str, list[float]](list)
    for row in rows:
        if row.readable and row.value.given:
            figures[row.match.taken].append(row.value.value)
    for at, row in enumerate(asked):
        row.target, row.floor_standard = (float(lines[name].iloc[at]) for name in LINES)
        row.usual = median(figures[row.match.taken] or [nan])
        for name in LINES if in_template else ():
            sent = read_number(table.cells[name][row.at], table.kind(name, row.at))
            line = getattr(row, name)
            if abs(sent.value - line) > 0.5 * 10.0**-sent.decimals + 1e-9:
                row.typed = f"{name.replace('_', ' ')} {sent.value:g} where {line:g} is"


def _is_no_figure(table: Table, row: Row) -> bool:
    """Whether the row is a total, a footnote or units, of which no more is said, or of no KPI."""
    others = [table.cells[name][row.at].strip() for name in RETURNS.names if name != "kpi_id"]
    code = row.match.fault
    unknown = code in ("id-unknown", "id-missing")
    value = table.cells["value"][row.at].strip(" ()")
    is_unit = known_unit(value) or meant_unit(value) or value.casefold() in ("numeric", "decimal")
    if not any(others) and unknown or code == "id-missing" and not any(others[:-1]):
        code = "row-footnote"
    elif unknown and row.at == 0 and is_unit and not re.search(r"\d", " ".join(others)):
        code = "row-units"
    if code:
        table.fault(row.at, "kpi_id", code, row.match.detail)
    return code in ("row-total", "row-footnote", "row-units", "id-waits")


def _check_range(table: Table, row: Row) -> None:
    """A figure that the measure cannot be; above 100 by the rounding of its parts it can."""
    value, low, high = row.value.value, row.kpi["range_low"], row.kpi["range_high"]
    by_rounding = row.rounding and row.parts and not row.over
    if value < low or value > high and not by_rounding:
        table.fault(row.at, "value", *outside(value, low, high, row.unit == "%"))


def _retired(row: Row, _: Catalogue) -> str | None:
    last = row.kpi["last_quarter"]
    gone = row.readable and isinstance(last, str) and str(row.period.quarter) > last
    return Quarter.parse(last).title if gone else None


def _ahead(row: Row, _: Catalogue) -> str | None:
    quarter = row.period.quarter
    return row.folder.title if quarter is not None and quarter > row.folder else None


def _wrong_sign(name: str) -> "Rule":
    """A sign that contradicts the unit; that a part is a percentage is another fault."""

    def rule(row: Row, _: Catalogue) -> str | None:
        number = getattr(row, name)
        percent = number.percent and name == "value" and row.unit != "%"
        wrong = percent or number.pound and not unit_family(row.unit).money
        return row.unit if wrong else None

    return rule


def _is_fraction(row: Row, _: Catalogue) -> str | None:
    """A percentage of at most one where the lines, or else the KPI's figures, are well above."""
    lines = [line for line in (row.target, row.floor_standard) if not isnan(line)]
    near = min(lines, default=row.usual)
    doubtful = row.may_be_fraction and near > _WELL_ABOVE_FRACTIONS
    return f" with figures near {near:g}" if doubtful else None


def _is_broken_count(row: Row, _: Catalogue) -> bool:
    decimals = row.kpi["decimals"]
    whole = row.unit == "count" and (pd.isna(decimals) or decimals == 0)
    return whole and row.value.value % 1 > 0


def _unlike_parts(row: Row, _: Catalogue) -> str | None:
    made, value = row.made, row.value
    rounding = 0.5 * 10.0**-value.decimals + 1e-9 * max(1, abs(made))
    capped = min(value.value, 100.0) if row.rounding and made == 100 else value.value
    return f"{made:,.{value.decimals + 1}f}" if abs(capped - made) > rounding else None


def _without_number(row: Row) -> bool:
    return not (row.value.given or row.value.fault or row.milestone)


def _parts_withheld(row: Row, _: Catalogue) -> str | None:
    if not row.parts or not _without_number(row):
        return None
    if row.value.blank:
        return row.status if row.reason_given else None
    return row.value.reason


def _status_with_value(row: Row, _: Catalogue) -> str | None:
    return row.status if row.reason_given and (row.value.given or row.milestone) else None


def _other_reason(row: Row, _: Catalogue) -> str | None:
    reason = row.value.reason
    if not row.reason_given or row.value.blank or not _without_number(row):
        return None
    same = reason in (NOT_AVAILABLE, row.status)
    return None if same else f'{reason}, but the status says "{row.status}"'


def _holds_rows(row: Row, known: Catalogue) -> bool:
    """Whether a line of the note, but for the first, is a row: an id and a period in its cells."""
    lines = [re.split(r"[,;\t]", line) for line in row.note.taken.split("\n")[1:]]
    return any(
        any(known.ids.find(cell).taken for cell in cells)
        and any(not read_period(cell).fault for cell in cells)
        for cells in lines
        if len(cells) > 2
    )


Rule = Callable[[Row, Catalogue], str | bool | None]
_RULES: Final[tuple[tuple[str, str, Rule], ...]] = (
    ("note", "text-rows", _holds_rows),
    ("period", "period-year", lambda row, _: row.period.notice or None),
    ("period", "period-future", _ahead),
    ("period", "period-retired", _retired),
    *((name, "value-sign", _wrong_sign(name)) for name in NUMBERS),
    ("numerator", "parts-sign", lambda row, _: row.numerator.percent),
    ("denominator", "parts-sign", lambda row, _: row.denominator.percent),
    ("numerator", "value-negative", lambda row, _: row.numerator.value < 0 <= row.kpi["range_low"]),
    ("denominator", "value-negative", lambda row, _: row.denominator.value < 0),
    ("value", "value-fraction", _is_fraction),
    ("value", "value-fractional", _is_broken_count),
    ("target", "target-typed", lambda row, _: row.typed or None),
    ("denominator", "parts-zero", lambda row, _: row.denominator.value == 0),
    ("numerator", "parts-over", lambda row, _: row.over),
    ("value", "value-unlike-parts", _unlike_parts),
    ("numerator", "parts-withheld", _parts_withheld),
    ("status", "status-with-value", _status_with_value),
    ("value", "status-other-reason", _other_reason),
)
"""Column, code, and whether a row of a known KPI breaks the rule: its particulars, or True."""


def _settle(table: Table, row: Row) -> None:
    """The figure that follows from its parts, and the status: a figure's, or why there is none."""
    value, sound = row.value, not row.value.fault
    if value.blank and sound and not row.reason_given and not isnan(row.made):
        row.value = value = Number(row.made, why="it follows from numerator and denominator")
    elif value.given and row.rounding and row.made == 100 and value.value > 100:
        why = "above 100 by the rounding of its parts"
        row.value = value = value._replace(value=100.0, why=why)
    if value.given or row.milestone:
        row.status = row.status or FINAL
    elif sound:
        if value.blank and row.status and not row.reason_given and not table.bad[row.at]:
            table.fault(row.at, "status", "status-without-value", row.status)
        row.silent = value.blank and not row.status
        if not (row.reason_given and (value.blank or value.reason == NOT_AVAILABLE)):
            row.status = value.reason


def _check_duplicates(tables: list[tuple[Table, list[Row]]]) -> None:
    """A KPI and period sent more than once for a folder: refused where the rows differ."""
    sent = defaultdict[tuple[str, str], list[tuple[Table, Row]]](list)
    for table, rows in tables:
        for row in rows:
            if row.readable:
                sent[row.match.taken, row.period.taken].append((table, row))
    for places in sent.values():
        same = len({_content(table, row) for table, row in places}) == 1
        for table, row in places if len(places) > 1 else ():
            others = [
                f"row {other.rows[one.at]}" + (f" of {other.file}" if other is not table else "")
                for other, one in places[:6]
                if one is not row
            ]
            if not table.bad[row.at] or not same:
                code = "duplicate-same" if same else "duplicate-conflict"
                table.fault(row.at, "kpi_id", code, "; ".join(others[:5]))


def _content(table: Table, row: Row) -> tuple[object, ...]:
    if table.bad[row.at]:
        return table.file, table.sheet, row.at
    figure = (f"{getattr(row, name).value:.12g}" for name in NUMBERS)
    return (*figure, row.status, row.note.taken, row.milestone)
