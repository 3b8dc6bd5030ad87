"""Return templates: for each directorate a workbook with the KPIs that are due, last figures and targets, to be filled in.

Only the cells to be filled in can be typed into, and what comes back is read without a remark.
"""

from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import (
    Returns,
    calendars,
    in_set,
    quarters_with_returns,
    read_returns,
    with_targets,
)
from kpi_tools.loading.returns import RETURNS, SHOWN
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import rated
from kpi_tools.spreadsheets import file_name, fit_to_width, make_workbook, save_workbook
from kpi_tools.vocabulary import ILLUSTRATIVE, MILESTONE, STATUSES
from kpi_tools.wording import rows_of, show, show_line

FOLDER: Final = "templates"
SHEET: Final = "Return"
_FILLED_IN: Final = tuple(name for name in RETURNS.names if name not in ("kpi_id", "period"))
COLUMNS: Final = ("kpi_id", "period", *SHOWN, *_FILLED_IN)
_STATUSES: Final = tuple(status for status in STATUSES if status != ILLUSTRATIVE)
_HUGE: Final = 1e15
_WIDTHS: Final = {"kpi_name": 60, "last_figure": 28, "status": 16, "note": 60}
_GUIDANCE: Final = (
    "Fill in the white cells of the sheet Return, one row for each period, and send the workbook back.",
    "value: plain digits. A percentage as 87.5. Leave it empty where there is none and say why in status.",
    "numerator, denominator: the two whole numbers behind the value, where there are any. The value may then stay empty.",
    "status: choose from the list. Empty beside a value means final.",
    "note: whatever a reader of the figure should know. Keep names of persons out of it.",
    "To correct an earlier figure, send a second file with the columns kpi_id, period, value, status and note.",
)


def write_templates(raw: str | Path, quarter: str | Quarter, folder: str | Path) -> list[Path]:
    """Write a workbook for each directorate into `folder`/templates/<quarter>; their paths, in the catalogue's order.

    `quarter` is the one whose data are to be sent; last figures are those known before it. The same data give the same
    bytes. Raises `InputError` where no returns are known, or nothing is due then, `KpiError` where nothing can be written.
    """
    wanted = Quarter.parse(quarter)
    known = [there for there in quarters_with_returns(raw) if there < wanted]
    returns = read_returns(raw, known[-1] if known else wanted, agreed_until=wanted)
    rows = template_rows(returns, wanted)
    if rows.empty:
        raise InputError(
            f"No figure of a KPI of kpis.csv is due in {wanted.title}, so there is nothing to ask for."
        )
    place = Path(folder) / FOLDER / wanted.slug
    taken = set[str]()
    try:
        place.mkdir(parents=True, exist_ok=True)
        return [
            save_workbook(
                _workbook(own, str(name), returns, wanted),
                place / f"{wanted.slug}-{file_name(str(name), taken)}.xlsx",
            )
            for name, own in rows.groupby("directorate", sort=False)
        ]
    except OSError as error:
        raise KpiError(
            f"The templates could not be written: {error.strerror} ({error.filename})."
        ) from error


def template_rows(returns: Returns, quarter: Quarter) -> pd.DataFrame:
    """One row for each figure that is due with the report of `quarter`: COLUMNS, the last five empty, and directorate.

    A monthly KPI has a row for its quarter and one for each month of it; one that is not due then has none.
    """
    known = calendars(returns)
    due = [
        {"kpi_id": kpi.kpi_id, "quarter": of.label, "period": period, "month": period != of.label}
        for kpi in in_set(returns.catalogue, quarter).itertuples()
        if known[kpi.kpi_id].is_due(quarter)
        for of in [known[kpi.kpi_id].expected(quarter)]
        for period in (of.label, *(_months(of) if kpi.frequency == "monthly" else ()))
    ]
    kinds = {"kpi_id": "str", "quarter": "str", "period": "str", "month": "bool"}
    rows = pd.DataFrame(due, columns=list(kinds)).astype(kinds)
    rows = rows.merge(returns.catalogue, on="kpi_id").assign(value=float("nan"))
    asked = rated(with_targets(rows, returns.targets), returns.council)
    asked["target"] = asked["target"].fillna(asked["year_target"])
    shown = list(zip(asked["unit"], asked["decimals"], strict=True))
    without = asked["month"] | (asked["rated"] == "no") | (asked["kind"] == MILESTONE)
    for name in ("target", "floor_standard"):
        asked[name] = [show_line(line, *how) for line, how in zip(asked[name], shown, strict=True)]
        asked[name] = asked[name].mask(without, "")  # a month is not rated
    asked["last_figure"] = [_last_figure(returns, row) for row in rows_of(asked)]
    return asked.reindex(columns=[*COLUMNS, "directorate", "kind", "range_low", "range_high"])


def _months(quarter: Quarter) -> list[str]:
    return [f"{day:%Y-%m}" for day in pd.date_range(quarter.start, quarter.end, freq="MS")]


def _last_figure(returns: Returns, row: dict[str, Any]) -> str:
    table, name = (returns.months, "month") if row["month"] else (returns.figures, "quarter")
    earlier = table[(table["kpi_id"] == row["kpi_id"]) & (table[name] < row["period"])]
    milestones = earlier.get("milestone", pd.Series(None, index=earlier.index, dtype="str"))
    earlier = earlier[earlier["value"].notna() | milestones.notna()]
    if earlier.empty:
        return "none"
    last = earlier.iloc[-1]
    if pd.isna(last["value"]):
        return f"{milestones[earlier.index[-1]]} in {last[name]}"
    return f"{show(last['value'], row['unit'], row['decimals'])} in {last[name]}"


def _workbook(rows: pd.DataFrame, directorate: str, returns: Returns, quarter: Quarter) -> Any:
    from openpyxl.styles import Alignment, Border, PatternFill, Protection, Side
    from openpyxl.utils import get_column_letter

    title = f"{returns.council.name}: return for {quarter.title}, {directorate}"
    book = make_workbook({SHEET: rows[list(COLUMNS)], "Guidance": pd.DataFrame({title: _GUIDANCE})})
    sheet = book[SHEET]
    grey, free = PatternFill("solid", start_color="FFE8ECEF"), Protection(locked=False)
    thin = Side("thin", "FF7A8288")
    for line in range(1, len(rows) + 2):
        for position, name in enumerate(COLUMNS, start=1):
            cell = sheet.cell(line, position)
            cell.alignment = Alignment(vertical="top", wrap_text=name in ("kpi_name", "note"))
            if line > 1 and name in _FILLED_IN:
                cell.protection, cell.border = free, Border(thin, thin, thin, thin)
            elif line > 1:
                cell.fill = grey
    for line, (kpi_id, name) in enumerate(zip(rows["kpi_id"], rows["kpi_name"], strict=True), 2):
        sheet.row_dimensions[line].height = 15 * (1 + len(name) // (_WIDTHS["kpi_name"] - 8))
        key = sheet.cell(line, 1)  # as it is, without the apostrophe of `safe_text`
        key.value, key.data_type, key.quotePrefix = kpi_id, "s", True
    for name, width in _WIDTHS.items():
        sheet.column_dimensions[get_column_letter(COLUMNS.index(name) + 1)].width = width
    sheet.freeze_panes = "C2"
    for check in _checks(rows, returns.council.milestones):
        sheet.add_data_validation(check)
    for page in book.worksheets:
        page.protection.sheet, page.protection.formatColumns = True, False
        fit_to_width(page)
    return book


def _checks(rows: pd.DataFrame, statuses: Iterable[str]) -> Iterator[Any]:
    """What a cell may hold: Excel and LibreOffice refuse anything else with the sentence given.

    A figure lies within what its measure can be; a milestone is one of the council's `statuses`.
    """
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    letters = {name: get_column_letter(COLUMNS.index(name) + 1) for name in _FILLED_IN}

    def check(sentence: str, cells: Iterable[str], hint: str = "", **rule: Any) -> Any:
        found = DataValidation(
            allow_blank=True, showErrorMessage=True, errorTitle="This cannot be sent", error=sentence,
            errorStyle="stop", showInputMessage=bool(hint), prompt=hint or None, **rule,
        )  # fmt: skip
        for cell in cells:
            found.add(cell)
        return found

    number = {"type": "decimal", "operator": "between"}
    kinds = rows.assign(line=range(2, len(rows) + 2), percentage=rows["unit"] == "%")
    figures = kinds[kinds["kind"] != MILESTONE]
    for (low, high, percentage), own in figures.groupby(["range_low", "range_high", "percentage"]):
        bounds = {"formula1": f"{max(low, -_HUGE):.15G}", "formula2": f"{min(high, _HUGE):.15G}"}
        sentence, hint = _bounds_in_words(low, high, percentage), ""
        if percentage:
            hint = f"{sentence.removeprefix('Give ').capitalize()} Where there is none, say why in status."
        values = [f"{letters['value']}{line}" for line in own["line"]]
        yield check(sentence, values, hint, **number, **bounds)
        least = {"formula1": "0" if low == 0 else f"{-_HUGE:G}", "formula2": f"{_HUGE:G}"}
        numerators = [f"{letters['numerator']}{line}" for line in own["line"]]
        yield check(_bounds_in_words(low, inf, False), numerators, **number, **least)
    whole = [f"{letters['denominator']}{line}" for line in figures["line"]]
    least = {"formula1": "0", "formula2": f"{_HUGE:G}"}
    yield check(_bounds_in_words(0, inf, False), whole, **number, **least)
    if len(figures) < len(kinds):
        cells = [
            f"{letters['value']}{line}" for line in kinds["line"] if line not in {*figures["line"]}
        ]
        yield check("Choose from the list.", cells, type="list", formula1=f'"{",".join(statuses)}"')
    states, notes = (
        [f"{letters[name]}2:{letters[name]}{len(rows) + 1}"] for name in ("status", "note")
    )
    hint = "Empty beside a value means final. Without a value: why there is none."
    listed = {"type": "list", "formula1": f'"{",".join(_STATUSES)}"'}
    yield check("Choose from the list.", states, hint, **listed)
    longest = {"type": "textLength", "operator": "lessThanOrEqual", "formula1": "5000"}
    yield check("A note has at most 5,000 characters.", notes, **longest)


def _bounds_in_words(low: float, high: float, percentage: bool) -> str:
    what = "a percentage" if percentage else "a number"
    example = ", such as 87.5" if percentage else ""
    if low == -inf and high == inf:
        return f"Give {what}{example}."
    if high == inf:
        return f"Give {what} that is not below {'zero' if low == 0 else f'{low:g}'}{example}."
    if low == -inf:
        return f"Give {what} that is not above {high:g}{example}."
    return f"Give {what} from {low:g} to {high:g}{example}."
