"""The files of a council's folder of raw data, made of KPIs; council.xlsx."""

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final

import pandas as pd

from kpi_tools.collect.kpis import Cell, Kpi
from kpi_tools.collect.periods import ends_quarter, kind_of, quarter_of, years_label
from kpi_tools.loading.account import SHEETS
from kpi_tools.loading.read import Entry
from kpi_tools.loading.schemas import RETURNS, SCHEMAS, SETTINGS
from kpi_tools.page.html import render
from kpi_tools.quarters import Quarter
from kpi_tools.received import FIGURES
from kpi_tools.spreadsheets import choices, make_workbook, note, restrict
from kpi_tools.units import UNITS, adds_up
from kpi_tools.vocabulary import STATUSES_WITHOUT_VALUE
from kpi_tools.workbooks.sheets import digits

_LINES: Final = 1000
_RECEIVED: Final = (
    "the quarter with whose returns the figure came, such as 2024-25 Q3: a report knows only what "
    "had come by then"
)
_WIDE: Final = ("kpi_name", "action", "definition", "note")
Rows = list[dict[str, str]]


def csv_text(table: str, rows: Rows) -> str:
    """Rows as one of the council's own files, without columns that are blank and not needed."""
    schema = SCHEMAS.get(table, RETURNS)
    given = {name for row in rows for name, text in row.items() if text} | {*schema.required}
    kept = [name for name in schema.names if name in given]
    return pd.DataFrame(rows, columns=kept).to_csv(index=False, lineterminator="\n")


def council_toml(given: Mapping[tuple[str, str], Any], first: str = "") -> str:
    """council.toml with every setting: those `given` with their value, the others as a remark."""
    values = {place: _toml(value) for place, value in given.items()}
    parts = groupby(SETTINGS, lambda one: one.part)
    return render("council.toml.j2", given=values, first=first, parts=parts)


def _toml(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        rows = [", ".join(f"{k} = {_toml(v)}" for k, v in one.items()) for one in value]
        return "[\n" + "".join(f"  {{ {row} }},\n" for row in rows) + "]"
    return json.dumps(value, ensure_ascii=False)


def council_book() -> Any:
    """council.xlsx without a row: the meaning of each column at its head, lists to choose from."""
    sheets = {
        sheet: {one.name: (_meaning(one), one.options) for one in SCHEMAS[file[:-4]].columns}
        for file, sheet in SHEETS.items()
    }
    of_figures = {one.name: (one.meaning, one.options) for one in RETURNS.columns}
    sheets[FIGURES] = of_figures | {"received": (_RECEIVED, ())}
    book = make_workbook({name: pd.DataFrame(columns=list(of)) for name, of in sheets.items()})
    for sheet, columns in sheets.items():
        for head, (name, (text, options)) in zip(book[sheet][1], columns.items(), strict=True):
            letter = head.column_letter
            note(head, text, "kpi start", 360, 60 + 18 * (len(text) // 50))
            book[sheet].column_dimensions[letter].width = 50 if name in _WIDE else 14
            rule = choices(tuple(UNITS) if name == "unit" else options)
            rule = rule or {"type": "custom", "formula1": "TRUE"}
            restrict(book[sheet], [f"{letter}2:{letter}{_LINES}"], prompt=text[:250], **rule)
    return book


def _meaning(column: Entry) -> str:
    blank = f"Where blank: {column.without or column.default or 'nothing'}."
    blank = "Needed." if column.required else blank
    return f"{column.meaning.replace('`', '')}. {blank} Example: {column.example}"


def report_quarter(kpis: Iterable[Kpi]) -> Quarter | None:
    """The latest quarter that is whole: with a figure of its own, or of its last month."""
    figures = (kpi.of(means) for kpi in kpis for means in ("actual", "cumulative"))
    periods = {period for cells in figures for period in cells if period}
    years = {period for period in periods if kind_of(period) == "year"}
    parts = {period for period in periods - years if kind_of(period) != "month"}
    parts |= {period for period in periods - years if ends_quarter(period)}
    return max(map(quarter_of, parts or years or periods), default=None)


def return_rows(kpi: Kpi) -> Rows:
    """The figures of a KPI as rows of a return; a cell that no return can hold is left."""
    rows, taken = dict[str, dict[str, str]](), dict[str, str]()
    means = "cumulative" if kpi.of("cumulative") and not kpi.of("actual") else "actual"
    cells = {period: cell for (what, period), cell in kpi.cells.items() if what == means}
    reports = kpi.get("frequency") in ("quarterly", "monthly")
    kinds = ("quarter", "month", "year", "")
    ends = {period: quarter_of(period).label if period else "" for period in cells}
    for period in sorted(cells, key=lambda one: (ends[one], kinds.index(kind_of(one)))):
        cell, (label, why) = cells[period], _label(kpi, period)
        row = {"kpi_id": kpi.get("kpi_id"), "period": label}
        if cell.value is None:
            if reports and not why and cell.left in STATUSES_WITHOUT_VALUE:
                rows.setdefault(label, row | {"status": cell.left})
            continue
        value = digits(round(kpi.number(cell), 10))
        if label in taken:
            same = "the same as" if rows[label]["value"] == value else "another figure than"
            why = why or f"{same} that of {taken[label]}, which was taken for {label}"
        if why:
            cell.left = why
            continue
        parts = {name: kpi.of(name).get(period) for name in ("numerator", "denominator")}
        rows[label] = row | {"value": value, "status": "final", "note": cell.note}
        rows[label] |= {name: digits(part.value) for name, part in parts.items() if part}
        taken[label] = period
    for cell in kpi.of("cumulative").values() if means == "actual" else ():
        cell.left = "a figure of the year to date beside figures of the periods themselves"
    return list(rows.values())


def _label(kpi: Kpi, period: str) -> tuple[str, str]:
    """The period as a return of this KPI has it, or why it cannot be sent."""
    kind, frequency = kind_of(period), kpi.get("frequency")
    if not kind:
        return "", "its heading names no period"
    quarter, by_month = quarter_of(period), frequency in ("monthly", "weekly")
    if kind == "month" and not by_month and not ends_quarter(period):
        return "", f"a month of a KPI that is {frequency.replace('_', ' ')}"
    if frequency in ("annual", "biennial"):
        return period if kind == "year" else years_label(quarter.shift(-3).year), ""
    parts = {"quarter", "month"} & set(map(kind_of, kpi.figures))
    if kind == "year" and parts and kpi.get("basis") != "year_to_date":
        return "", "a figure of a whole year beside figures of parts of it"
    return period if kind == "month" and by_month else quarter.label, ""


def target_rows(kpi: Kpi) -> Rows:
    """The lines of a KPI as rows of targets.csv: one for each change."""
    covers, frequency = kpi.get("target_covers", "quarter"), kpi.get("frequency")
    sums = frequency == "monthly" and kpi.get("basis", "quarter") == "quarter"
    sums = sums and adds_up(kpi.get("unit"))
    yearly = frequency in ("annual", "biennial")
    times = 1.0 if yearly else {"month": 3.0, "year": 0.25}.get(covers, 1.0)
    lines = dict[str, dict[str, float]]()
    for means in ("target", "floor_standard"):
        months, cells = dict[str, list[Cell]](), kpi.of(means)
        parts = {quarter_of(one).year for one in cells if kind_of(one) in ("quarter", "month")}
        for period in sorted(cells):
            cell, kind = cells[period], kind_of(period)
            since = quarter_of(period) if period else None
            if kind == "month" and since:
                months.setdefault(since.label, []).append(cell)
            elif kind == "year" and since and since.year in parts:
                cell.left = "a target of the whole year beside targets of its parts"
            else:
                first = Quarter(since.year, 1) if since and kind == "year" else since
                lines.setdefault(first.label if first else "", {})[means] = kpi.number(cell) * times
        for quarter, of_months in months.items():
            numbers = [kpi.number(cell) for cell in of_months]
            if sums and len(numbers) < 3:
                for cell in of_months:
                    cell.left = "a target of a month, of a quarter that is not whole"
            else:
                lines.setdefault(quarter, {})[means] = sum(numbers) if sums else numbers[-1]
    way = {"year_end": {"applies": "year_end"}, "even": {"profile": "even"}}.get(covers, {})
    rows, now = Rows(), dict[str, float]()
    for quarter in sorted(lines):
        before, now = now, now | lines[quarter]
        if now != before:
            texts = {name: digits(round(number, 10)) for name, number in now.items()}
            rows.append({"kpi_id": kpi.get("kpi_id"), "from_quarter": quarter, **texts, **way})
    return rows


def text_rows(kpis: Iterable[Kpi], report: Quarter) -> dict[Quarter, Rows]:
    """Commentary and actions by the report that they belong to; braces are no tokens."""
    found = dict[Quarter, dict[str, dict[str, str]]]()
    for kpi in kpis:
        for (means, period), cell in kpi.cells.items():
            if cell.what != "text" or not cell.value:
                continue
            quarter = quarter_of(period) if period else report
            if kind_of(period) == "year" and quarter.year == report.year:
                quarter = report
            kpi_id = kpi.get("kpi_id")
            row = found.setdefault(quarter, {}).setdefault(kpi_id, {"kpi_id": kpi_id})
            plain = cell.value.replace("{", "{{").replace("}", "}}")
            row[means] = f"{row[means]}\n\n{plain}" if means in row else plain
    return {quarter: list(rows.values()) for quarter, rows in found.items()}
