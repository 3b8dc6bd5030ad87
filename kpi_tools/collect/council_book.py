"""council.xlsx: a council's own tables and figures in one workbook, which is read as it is."""

from typing import Any, Final

import pandas as pd

from kpi_tools.loading.account import SHEETS
from kpi_tools.loading.returns import RETURNS
from kpi_tools.loading.schemas import SCHEMAS, Column
from kpi_tools.received import FIGURES
from kpi_tools.spreadsheets import make_workbook
from kpi_tools.units import UNITS
from kpi_tools.vocabulary import STATUSES

_LINES: Final = 1000
_OF_FIGURES: Final = {
    "kpi_id": "the KPI, as in the sheet KPIs",
    "period": "2024-25 Q3, or of a monthly KPI 2024-12",
    "value": "plain digits; a percentage as 87.5",
    "numerator": "the cases behind it",
    "denominator": "of how many",
    "status": "empty beside a value means final; without a value: why there is none",
    "note": "whatever a reader should know",
    "received": "the quarter with whose returns the figure came, such as 2024-25 Q3: a report knows only what had come by then",
}


def council_book() -> Any:
    """The workbook without a row, the meaning of each column at its head, lists to choose from; not yet saved."""
    sheets: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
        sheet: {
            one.name: (_meaning(one), _options(one))
            for one in SCHEMAS[file.removesuffix(".csv")].columns
        }
        for file, sheet in SHEETS.items()
    }
    assert {*RETURNS.names, "received"} == _OF_FIGURES.keys()
    sheets[FIGURES] = {n: (text, STATUSES * (n == "status")) for n, text in _OF_FIGURES.items()}
    book = make_workbook({name: pd.DataFrame(columns=list(of)) for name, of in sheets.items()})
    for name, of in sheets.items():
        for place, (text, options) in enumerate(of.values(), start=1):
            _explain(book[name], place, text, options)
    return book


def _options(column: Column) -> tuple[str, ...]:
    return tuple(UNITS) if column.name == "unit" else column.options


def _meaning(column: Column) -> str:
    needed = (
        "Needed."
        if column.needed
        else f"Where blank: {column.without or column.default or 'nothing'}."
    )
    return f"{column.meaning.replace('`', '')}. {needed} Example: {column.example}"


def _explain(sheet: Any, place: int, text: str, options: tuple[str, ...]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    head = sheet.cell(1, place)
    head.comment = Comment(text, "kpi start")
    head.comment.width, head.comment.height = 360, 60 + 18 * (len(text) // 50)
    letter = get_column_letter(place)
    sheet.column_dimensions[letter].width = (
        14 if head.value not in ("kpi_name", "action", "definition", "note") else 50
    )
    formula = f'"{",".join(option.replace(",", "") for option in options)}"'
    listed = bool(options) and len(formula) < 255 and not any("," in option for option in options)
    rule: dict[str, str] = (
        {"type": "list", "formula1": formula} if listed else {"type": "custom", "formula1": "TRUE"}
    )
    check = DataValidation(
        allow_blank=True, showInputMessage=True, prompt=text[:250], showErrorMessage=listed, **rule
    )
    check.error = "Choose from the list."
    check.add(f"{letter}2:{letter}{_LINES}")
    sheet.add_data_validation(check)
