"""Return templates: for each directorate a workbook with the KPIs that are due, last figures and targets, to be filled in.

Only the cells to be filled in can be typed into, and what comes back is read without a remark.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import Returns, in_set, quarters_with_returns, read_returns, with_targets
from kpi_tools.loading.returns import RETURNS, SHOWN
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import rated
from kpi_tools.spreadsheets import file_name, fit_to_width, make_workbook, save_workbook
from kpi_tools.vocabulary import ILLUSTRATIVE, MONEY, STATUSES
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import show, show_line

FOLDER: Final = "templates"
SHEET: Final = "Return"
_FILLED_IN: Final = tuple(name for name in RETURNS.names if name not in ("kpi_id", "period"))
COLUMNS: Final = ("kpi_id", "period", *SHOWN, *_FILLED_IN)
_STATUSES: Final = tuple(status for status in STATUSES if status != ILLUSTRATIVE)
_NUMBERS: Final = ("value", "numerator", "denominator")
_WIDTHS: Final = {"kpi_name": 60, "last_figure": 28, "status": 16, "note": 60}
_GUIDANCE: Final = (
    "Fill in the white cells of the sheet Return, one row for each KPI and period, and send the workbook back.",
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
            f"No KPI of kpis.csv is in the set in {wanted.title}, so there is nothing to ask for."
        )
    place = Path(folder) / FOLDER / wanted.slug
    taken = set[str]()
    try:
        place.mkdir(parents=True, exist_ok=True)
        return [
            save_workbook(
                _workbook(own[list(COLUMNS)], str(name), returns, wanted),
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

    A monthly KPI has a row for its quarter and one for each month of it.
    """
    due = [
        {"kpi_id": kpi.kpi_id, "quarter": of.label, "period": period, "month": period != of.label}
        for kpi in in_set(returns.catalogue, quarter).itertuples()
        for of in [quarter.shift(-int(kpi.lag_quarters))]
        for period in (of.label, *(_months(of) if kpi.frequency == "monthly" else ()))
    ]
    kinds = {"kpi_id": "str", "quarter": "str", "period": "str", "month": "bool"}
    rows = pd.DataFrame(due, columns=list(kinds)).astype(kinds)
    kpis = returns.catalogue[["kpi_id", "kpi_name", "directorate", "unit", "decimals", "polarity"]]
    asked = with_targets(rows.merge(kpis, on="kpi_id").assign(value=float("nan")), returns.targets)
    asked = rated(asked, returns.council)
    shown = list(zip(asked["unit"], asked["decimals"], strict=True))
    for name in ("target", "floor_standard"):
        asked[name] = [show_line(line, *how) for line, how in zip(asked[name], shown, strict=True)]
        asked[name] = asked[name].mask(asked["month"], "")  # a month is not rated
    asked["last_figure"] = [_last_figure(returns, row) for row in rows_of(asked)]
    return asked.reindex(columns=[*COLUMNS, "directorate"])


def _months(quarter: Quarter) -> list[str]:
    return [f"{day:%Y-%m}" for day in pd.date_range(quarter.start, quarter.end, freq="MS")]


def _last_figure(returns: Returns, row: dict[str, Any]) -> str:
    table, name = (returns.months, "month") if row["month"] else (returns.figures, "quarter")
    earlier = table[
        (table["kpi_id"] == row["kpi_id"]) & table["value"].notna() & (table[name] < row["period"])
    ]
    if earlier.empty:
        return "none"
    last = earlier.iloc[-1]
    return f"{show(last['value'], row['unit'], row['decimals'])} in {last[name]}"


def _workbook(rows: pd.DataFrame, directorate: str, returns: Returns, quarter: Quarter) -> Any:
    from openpyxl.styles import Alignment, Border, PatternFill, Protection, Side
    from openpyxl.utils import get_column_letter

    title = f"{returns.council.name}: return for {quarter.title}, {directorate}"
    book = make_workbook({SHEET: rows, "Guidance": pd.DataFrame({title: _GUIDANCE})})
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
    for check in _checks(rows["unit"].tolist()):
        sheet.add_data_validation(check)
    for page in book.worksheets:
        page.protection.sheet, page.protection.formatColumns = True, False
        fit_to_width(page)
    return book


def _checks(units: list[str]) -> Iterator[Any]:
    """What a cell may hold: Excel and LibreOffice refuse anything else with the sentence given."""
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

    rows = list(enumerate(units, start=2))
    percentages = [f"{letters['value']}{line}" for line, unit in rows if unit == "%"]
    money = [
        f"{letters[name]}{line}"
        for line, unit in rows
        for name in ("value", "numerator")
        if unit.startswith(MONEY)
    ]
    numbers = [f"{letters[name]}{line}" for line, _ in rows for name in _NUMBERS]
    others = [cell for cell in numbers if cell not in {*percentages, *money}]
    number = {"type": "decimal", "operator": "between", "formula2": "1E+15"}
    if percentages:
        hint = "A percentage from 0 to 100, such as 87.5. Where there is none, say why in status."
        rule = number | {"formula1": "0", "formula2": "100"}
        yield check("Give a percentage from 0 to 100, such as 87.5.", percentages, hint, **rule)
    if money:
        yield check("Give a number.", money, **number, formula1="-1E+15")
    yield check("Give a number that is not below zero.", others, **number, formula1="0")
    hint = "Empty beside a value means final. Without a value: why there is none."
    states, notes = (
        [f"{letters[name]}2:{letters[name]}{len(units) + 1}"] for name in ("status", "note")
    )
    rule = {"type": "list", "formula1": f'"{",".join(_STATUSES)}"'}
    yield check("Choose from the list.", states, hint, **rule)
    rule = {"type": "textLength", "operator": "lessThanOrEqual", "formula1": "5000"}
    yield check("A note has at most 5,000 characters.", notes, **rule)
