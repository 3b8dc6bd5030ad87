"""Return templates: for each directorate or owner a workbook with the figures that are due and the words that go with them.

Only the cells to be filled in can be typed into, and what comes back is read without a remark.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import (
    Returns,
    calendars,
    commentary_until,
    in_set,
    quarters_with_returns,
    read_returns,
    with_targets,
)
from kpi_tools.loading.returns import RETURNS, SHOWN
from kpi_tools.loading.words import ACTION, COMMENTARY, NEW
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import rated
from kpi_tools.scorecard.actions import OPEN, followed
from kpi_tools.spreadsheets import file_name, fit_to_width, make_workbook, save_workbook
from kpi_tools.vocabulary import ILLUSTRATIVE, MILESTONE, STATUSES
from kpi_tools.wording import is_number, rows_of, show, show_line

FOLDER: Final = "templates"
SHEET, WORDS = "Figures", "Words"
_FILLED_IN: Final = tuple(name for name in RETURNS.names if name not in ("kpi_id", "period"))
COLUMNS: Final = ("kpi_id", "period", *SHOWN, *_FILLED_IN)
_STATUSES: Final = tuple(status for status in STATUSES if status != ILLUSTRATIVE)
_HUGE: Final = 1e15
_REFUSED: Final = "This cannot be sent"
_LONGEST: Final = {"type": "textLength", "operator": "lessThanOrEqual", "formula1": "5000"}
_WIDTHS: Final = {"kpi_name": 60, "last_figure": 28, "status": 16, "note": 60}
_SAID: Final = (
    "kpi_id",
    "kpi_name",
    "what",
    "action_id",
    "so_far",
    "text",
    "status",
    "owner",
    "due",
)
_FREE: Final = {
    COMMENTARY: ("text",),
    ACTION: ("text", "status", "owner", "due"),
    NEW: ("text", "owner", "due"),
}
_WORDS_WIDTHS: Final = {
    "kpi_name": 36,
    "so_far": 60,
    "text": 60,
    "owner": 24,
    "due": 14,
    "action_id": 20,
}
_NEW_ACTIONS: Final = 2
_GUIDANCE: Final = (
    "Fill in the white cells of the sheets Figures and Words, and send the workbook back.",
    "Figures, one row for each period:",
    "value: plain digits. A percentage as 87.5. Leave it empty where there is none and say why in status.",
    "numerator, denominator: the two whole numbers behind the value, where there are any. The value may then stay empty.",
    "status: choose from the list. Empty beside a value means final.",
    "note: whatever a reader of the figure should know. Keep names of persons out of it.",
    "A value that turns amber misses its target: say why in Words, and what is done about it.",
    "Words, for each KPI a row commentary: what explains the figure. Line breaks and bullets stay as they are.",
    "A row action is one that is open: what became of it, and its status. A row new action: what will be done, by whom (a role), "
    "and by when (a date).",
    "To correct an earlier figure, send a second file with the columns kpi_id, period, value, status and note.",
)


def write_templates(
    raw: str | Path, quarter: str | Quarter, folder: str | Path, by: str = "directorate"
) -> list[Path]:
    """Write a workbook for each directorate, or each `owner`, into `folder`/templates/<quarter>; their paths.

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
    words = words_rows(
        returns, rows["kpi_id"].drop_duplicates(), commentary_until(str(raw), returns)
    )
    place = Path(folder) / FOLDER / wanted.slug
    taken = set[str]()
    try:
        place.mkdir(parents=True, exist_ok=True)
        return [
            save_workbook(
                _workbook(
                    own, words[words["kpi_id"].isin(own["kpi_id"])], str(name), returns, wanted
                ),
                place / f"{wanted.slug}-{file_name(str(name), taken)}.xlsx",
            )
            for name, own in rows.groupby(by, sort=False)
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
    lines = asked["target"].tolist()
    for name in ("target", "floor_standard"):
        asked[name] = [show_line(line, *how) for line, how in zip(asked[name], shown, strict=True)]
        asked[name] = asked[name].mask(without, "")  # a month is not rated
    asked["last_figure"] = [_last_figure(returns, row) for row in rows_of(asked)]
    asked["line"] = [
        line if kept else float("nan") for line, kept in zip(lines, ~without, strict=True)
    ]
    added = ["directorate", "owner", "kind", "range_low", "range_high", "polarity", "line"]
    return asked.reindex(columns=[*COLUMNS, *added])


def words_rows(returns: Returns, kpi_ids: Iterable[str], said: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sheet Words: for each KPI its last commentary, each open action, and room for new ones (columns: _SAID)."""
    names = dict(zip(returns.catalogue["kpi_id"], returns.catalogue["kpi_name"], strict=True))
    last = {row["kpi_id"]: row for row in rows_of(said) if isinstance(row["commentary"], str)}
    actions = followed(returns)
    open_ = rows_of(actions[actions["status"] == OPEN])
    rows = []
    for kpi_id in kpi_ids:
        start = {"kpi_id": kpi_id, "kpi_name": names[kpi_id]}
        earlier = last.get(kpi_id)
        so_far = f"{earlier['quarter']}: {earlier['commentary']}" if earlier else ""
        rows.append(start | {"what": COMMENTARY, "so_far": so_far})
        for row in open_:
            if row["kpi_id"] == kpi_id:
                told = {
                    "so_far": row["action"],
                    "owner": row["owner"],
                    "due": row["due"],
                    "status": OPEN,
                }
                rows.append(start | {"what": ACTION, "action_id": row["action_id"]} | told)
        rows += [start | {"what": NEW}] * _NEW_ACTIONS
    return pd.DataFrame(rows, columns=list(_SAID))


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


def _workbook(
    rows: pd.DataFrame, words: pd.DataFrame, directorate: str, returns: Returns, quarter: Quarter
) -> Any:
    title = f"{returns.council.name}: return for {quarter.title}, {directorate}"
    tables = {
        SHEET: rows[list(COLUMNS)],
        WORDS: words,
        "Guidance": pd.DataFrame({title: _GUIDANCE}),
    }
    book = make_workbook(tables)
    _dress(book[SHEET], rows, COLUMNS, _WIDTHS, lambda _: _FILLED_IN)
    _dress(book[WORDS], words, _SAID, _WORDS_WIDTHS, lambda row: _FREE[row["what"]])
    book[SHEET].freeze_panes = book[WORDS].freeze_panes = "C2"
    for check in _checks(rows, returns.council.milestones):
        book[SHEET].add_data_validation(check)
    for check in _words_checks(len(words)):
        book[WORDS].add_data_validation(check)
    _show_misses(book[SHEET], rows)
    for page in book.worksheets:
        page.protection.sheet, page.protection.formatColumns = True, False
        page.protection.formatRows = False
        fit_to_width(page)
    return book


def _dress(
    sheet: Any,
    rows: pd.DataFrame,
    columns: Iterable[str],
    widths: Mapping[str, int],
    free: Callable[[dict[str, Any]], Iterable[str]],
) -> None:
    """White cells to be typed into, grey ones to look at; ids and texts as they are, without the apostrophe of `safe_text`."""
    from openpyxl.styles import Alignment, Border, PatternFill, Protection, Side
    from openpyxl.utils import get_column_letter

    grey, open_ = PatternFill("solid", start_color="FFE8ECEF"), Protection(locked=False)
    thin = Side("thin", "FF7A8288")
    places = {name: place for place, name in enumerate(columns, start=1)}
    for line, row in enumerate(rows_of(rows), start=2):
        typed = free(row)
        for name, place in places.items():
            cell = sheet.cell(line, place)
            cell.alignment = Alignment(vertical="top", wrap_text=widths.get(name, 0) > 30)
            if name in typed:
                cell.protection, cell.border = open_, Border(thin, thin, thin, thin)
            else:
                cell.fill = grey
        for name in ("kpi_id", "action_id"):
            if name in places and isinstance(row[name], str):
                key = sheet.cell(line, places[name])
                key.value, key.data_type, key.quotePrefix = row[name], "s", True
        lines = [
            1 + len(str(row[name])) // (width - 8)
            for name, width in widths.items()
            if width > 30 and row[name]
        ]
        sheet.row_dimensions[line].height = 15 * min(max(lines, default=1), 8)
    for name, width in widths.items():
        sheet.column_dimensions[get_column_letter(places[name])].width = width


def _words_checks(rows: int) -> Iterator[Any]:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    rules = {
        "text": ("A text has at most 5,000 characters.", _LONGEST),
        "status": ("Choose from the list.", {"type": "list", "formula1": '"open,done,stopped"'}),
        "due": (
            "Give a date, such as 31/03/2026.",
            {"type": "date", "operator": "greaterThan", "formula1": "36526"},
        ),
    }
    for name, (sentence, rule) in rules.items():
        letter = get_column_letter(_SAID.index(name) + 1)
        check = DataValidation(allow_blank=True, showErrorMessage=True, error=sentence, **rule)
        check.errorTitle = _REFUSED
        check.add(f"{letter}2:{letter}{rows + 1}")
        yield check


def _show_misses(sheet: Any, rows: pd.DataFrame) -> None:
    """A value that misses its target turns amber while it is typed."""
    from openpyxl.formatting.rule import FormulaRule
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter

    letter, amber = (
        get_column_letter(COLUMNS.index("value") + 1),
        PatternFill("solid", end_color="FFFFE08A"),
    )
    for line, row in enumerate(rows_of(rows), start=2):
        sign = {"higher": "<", "lower": ">"}.get(row["polarity"])
        if sign and is_number(row["line"]):
            formula = f"AND(ISNUMBER({letter}{line}),{letter}{line}{sign}{row['line']:.15G})"
            sheet.conditional_formatting.add(
                f"{letter}{line}", FormulaRule(formula=[formula], fill=amber)
            )


def _checks(rows: pd.DataFrame, statuses: Iterable[str]) -> Iterator[Any]:
    """What a cell may hold: Excel and LibreOffice refuse anything else with the sentence given.

    A figure lies within what its measure can be; a milestone is one of the council's `statuses`.
    """
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    letters = {name: get_column_letter(COLUMNS.index(name) + 1) for name in _FILLED_IN}

    def check(sentence: str, cells: Iterable[str], hint: str = "", **rule: Any) -> Any:
        found = DataValidation(
            allow_blank=True,
            showErrorMessage=True,
            errorTitle=_REFUSED,
            error=sentence,
            errorStyle="stop",
            showInputMessage=bool(hint),
            prompt=hint or None,
            **rule,
        )
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
    yield check("A note has at most 5,000 characters.", notes, **_LONGEST)


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
