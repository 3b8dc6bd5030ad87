"""Return templates: a workbook with the figures that are due and the words that go with them. There
is one for each directorate or owner. Only the cells to be filled in can be typed into, and what
comes back is read without a remark."""

import tomllib
from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools import loading
from kpi_tools.errors import InputError
from kpi_tools.loading.schemas import RETURNS
from kpi_tools.loading.words import ACTION, COMMENTARY, NEW
from kpi_tools.quarters import Quarter
from kpi_tools.rows import is_number, rows_of
from kpi_tools.scorecard import rated
from kpi_tools.scorecard.actions import OPEN, followed
from kpi_tools.spreadsheets import (
    choices,
    column_letter,
    file_name,
    fit_to_width,
    make_workbook,
    restrict,
    save_workbook,
    solid,
    writing,
)
from kpi_tools.vocabulary import ILLUSTRATIVE, MILESTONE, STATUSES
from kpi_tools.wording import figure_of, show_line

FOLDER: Final = "templates"
SHEET, WORDS = "Figures", "Words"
_FILLED_IN: Final = tuple(name for name in RETURNS.names if name not in ("kpi_id", "period"))
COLUMNS: Final = ("kpi_id", "period", *RETURNS.prefilled, *_FILLED_IN)
_NEW_ACTIONS: Final = 2
_WRITTEN: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_OF_WORDS: Final[list[str]] = _WRITTEN["words"]
_RULES: Final[dict[str, dict[str, str]]] = _WRITTEN["rules"]
_HUGE: Final = 1e15


def write_templates(
    raw: str | Path, quarter: str | Quarter, folder: str | Path, by: str = "directorate"
) -> list[Path]:
    """Write a workbook for each `directorate` or `owner` into `folder`/templates/<quarter>, where
    the data of `quarter` are to be sent; return them. Last figures are those known before it, and
    the same data give the same bytes. Raises `InputError` where no returns are known or nothing is
    due then, `KpiError` where nothing can be written."""
    wanted = Quarter.parse(quarter)
    there = [one for one in loading.quarters_with_returns(raw) if one < wanted]
    returns = loading.read_returns(raw, there[-1] if there else wanted, agreed_until=wanted)
    rows = _figures(returns, wanted)
    words = _words(
        returns, rows["kpi_id"].drop_duplicates(), loading.commentary_until(str(raw), returns)
    )
    place, taken, paths = Path(folder) / FOLDER / wanted.slug, set[str](), list[Path]()
    with writing("The templates"):
        place.mkdir(parents=True, exist_ok=True)
        for name, figures in rows.groupby(by, sort=False):
            title = f"{returns.council.name}: return for {wanted.title}, {name}"
            texts = words[words["kpi_id"].isin(figures["kpi_id"])]
            book = _workbook(figures, texts, title, returns.council.milestones)
            path = place / f"{wanted.slug}-{file_name(str(name), taken)}.xlsx"
            paths.append(save_workbook(book, path))
    return paths


def _figures(returns: loading.Returns, quarter: Quarter) -> pd.DataFrame:
    """A row for each figure that is due with the report of a quarter, and of a monthly KPI for each
    of its months (columns: COLUMNS, and what the rules of its cells follow from)."""
    by_kpi, due = loading.calendars(returns), []
    for kpi in loading.in_set(returns.catalogue, quarter).itertuples():
        if by_kpi[kpi.kpi_id].is_due(quarter):
            of = by_kpi[kpi.kpi_id].expected(quarter)
            months = pd.date_range(of.start, of.end, freq="MS").strftime("%Y-%m").tolist()
            for period in (of.label, *(months if kpi.frequency == "monthly" else ())):
                due.append((kpi.kpi_id, of.label, period, period != of.label))
    if not due:
        nothing = f"is due in {quarter.title}, so there is nothing to ask for."
        raise InputError(f"No figure of a KPI of kpis.csv {nothing}")
    rows = pd.DataFrame(due, columns=["kpi_id", "quarter", "period", "month"])
    rows = rows.merge(returns.catalogue, on="kpi_id").assign(value=float("nan"))
    rows = rated(loading.with_targets(rows, returns.targets), returns.council)
    rows["target"] = rows["target"].fillna(rows["year_target"])
    without = rows["month"] | (rows["rated"] == "no") | (rows["kind"] == MILESTONE)
    rows["line"] = rows["target"].mask(without)
    for name in ("target", "floor_standard"):
        lines = zip(rows[name], rows["unit"], rows["decimals"], strict=True)
        rows[name] = pd.Series([show_line(*one) for one in lines], rows.index).mask(without, "")
    rows["last_figure"] = [_last_figure(returns, row) for row in rows_of(rows)]
    added = ["directorate", "owner", "kind", "range_low", "range_high", "polarity", "line"]
    return rows.reindex(columns=[*COLUMNS, *added])


def _last_figure(returns: loading.Returns, row: dict[str, Any]) -> str:
    table, name = (returns.months, "month") if row["month"] else (returns.figures, "quarter")
    earlier = table[(table["kpi_id"] == row["kpi_id"]) & (table[name] < row["period"])]
    known = earlier["value"].notna() | earlier["milestone"].fillna("").ne("")
    last = rows_of(earlier[known].tail(1))
    return f"{figure_of(last[0])} in {last[0][name]}" if last else "none"


def _words(returns: loading.Returns, kpi_ids: Iterable[str], texts: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sheet Words: the last commentary, each open action, room for new ones."""
    ids = pd.DataFrame({"kpi_id": list(kpi_ids)})
    last = texts.dropna(subset="commentary").drop_duplicates("kpi_id", keep="last")
    last = last.assign(so_far=last["quarter"] + ": " + last["commentary"])[["kpi_id", "so_far"]]
    actions = followed(returns)
    actions = actions[actions["status"] == OPEN].rename(columns={"action": "so_far"})
    parts = [
        ids.merge(last, how="left", on="kpi_id").assign(what=COMMENTARY),
        ids.merge(actions, on="kpi_id").assign(what=ACTION),
        *[ids.assign(what=NEW)] * _NEW_ACTIONS,
    ]
    found = pd.concat(parts).set_index("kpi_id").loc[ids["kpi_id"]].reset_index()
    names = returns.catalogue.set_index("kpi_id")["kpi_name"]
    return found.assign(kpi_name=found["kpi_id"].map(names)).reindex(columns=_OF_WORDS)


def _workbook(rows: pd.DataFrame, words: pd.DataFrame, title: str, bands: Iterable[str]) -> Any:
    guidance = pd.DataFrame({title: _WRITTEN["guidance"]})
    book = make_workbook({SHEET: rows[list(COLUMNS)], WORDS: words, "Guidance": guidance})
    _dress(book[SHEET], rows, COLUMNS)
    _dress(book[WORDS], words, _OF_WORDS)
    book[SHEET].freeze_panes = book[WORDS].freeze_panes = "C2"
    _restrict_figures(book[SHEET], rows, tuple(bands))
    for name in ("text", "status", "due"):
        letter = column_letter(_OF_WORDS, name)
        restrict(book[WORDS], [f"{letter}2:{letter}{len(words) + 1}"], **_RULES[name])
    _show_misses(book[SHEET], rows)
    for page in book.worksheets:
        page.protection.sheet, page.protection.formatColumns = True, False
        page.protection.formatRows = False
        fit_to_width(page)
    return book


def _dress(sheet: Any, rows: pd.DataFrame, columns: Iterable[str]) -> None:
    """White cells to be typed into, grey ones to look at; ids are as they are, without the
    apostrophe of `safe_text`."""
    from openpyxl.styles import Alignment, Border, Protection, Side

    widths: dict[str, int] = _WRITTEN["widths"][sheet.title]
    grey, unlocked, thin = solid("FFE8ECEF"), Protection(locked=False), Side("thin", "FF7A8288")
    for line, row in enumerate(rows_of(rows), start=2):
        typed = _WRITTEN["free"].get(row.get("what"), _FILLED_IN)
        for place, name in enumerate(columns, start=1):
            cell = sheet.cell(line, place)
            cell.alignment = Alignment(vertical="top", wrap_text=widths.get(name, 0) > 30)
            if name in typed:
                cell.protection, cell.border = unlocked, Border(thin, thin, thin, thin)
            else:
                cell.fill = grey
            if name in ("kpi_id", "action_id") and isinstance(row[name], str):
                cell.value, cell.data_type, cell.quotePrefix = row[name], "s", True
        wide = {name: width for name, width in widths.items() if width > 30 and row[name]}
        heights = [1 + len(str(row[name])) // (width - 8) for name, width in wide.items()]
        sheet.row_dimensions[line].height = 15 * min(max(heights, default=1), 8)
    for name, width in widths.items():
        sheet.column_dimensions[column_letter(columns, name)].width = width


def _restrict_figures(sheet: Any, rows: pd.DataFrame, milestones: tuple[str, ...]) -> None:
    """A figure lies within what its measure can be; a milestone is one of the council's."""

    def cells(name: str, of: pd.DataFrame) -> list[str]:
        return [f"{column_letter(COLUMNS, name)}{line}" for line in of["row"]]

    rows = rows.assign(row=range(2, len(rows) + 2), percentage=rows["unit"] == "%")
    figures = rows[rows["kind"] != MILESTONE]
    ranges = figures.groupby(["range_low", "range_high", "percentage"])
    for (low, high, percentage), of_range in ranges:
        sentence, rule = _between(low, high, percentage)
        hint = sentence.removeprefix("Give ").capitalize()
        hint += " Where there is none, say why in status."
        restrict(sheet, cells("value", of_range), sentence, hint if percentage else "", **rule)
        sentence, rule = _between(0 if low == 0 else -inf, inf)
        restrict(sheet, cells("numerator", of_range), sentence, **rule)
    sentence, rule = _between(0, inf)
    restrict(sheet, cells("denominator", figures), sentence, **rule)
    restrict(sheet, cells("value", rows[rows["kind"] == MILESTONE]), **choices(milestones))
    hint = "Empty beside a value means final. Without a value: why there is none."
    statuses = choices([status for status in STATUSES if status != ILLUSTRATIVE])
    restrict(sheet, cells("status", rows), prompt=hint, **statuses)
    restrict(sheet, cells("note", rows), **_RULES["note"])


def _between(low: float, high: float, percentage: bool = False) -> tuple[str, dict[str, str]]:
    """The rule that a number lies between two, and its sentence."""
    what = f"a {'percentage' if percentage else 'number'}"
    where = f" from {low:g} to {high:g}" if low > -inf else f" of {high:g} or less"
    where = where if high < inf else f" of {low:g} or more" * (low > -inf)
    example = ", such as 87.5" * percentage
    bounds = {"formula1": f"{max(low, -_HUGE):.15G}", "formula2": f"{min(high, _HUGE):.15G}"}
    rule = {"type": "decimal", "operator": "between"} | bounds
    return f"Give {what}{where}{example}.", rule


def _show_misses(sheet: Any, rows: pd.DataFrame) -> None:
    """A value that misses its target turns amber while it is typed."""
    from openpyxl.formatting.rule import FormulaRule
    from openpyxl.styles import PatternFill

    letter, amber = column_letter(COLUMNS, "value"), PatternFill("solid", end_color="FFFFE08A")
    for line, row in enumerate(rows_of(rows), start=2):
        sign = {"higher": "<", "lower": ">"}.get(row["polarity"])
        if sign and is_number(row["line"]):
            cell = f"{letter}{line}"
            formula = f"AND(ISNUMBER({cell}),{cell}{sign}{row['line']:.15G})"
            rule = FormulaRule(formula=[formula], fill=amber)
            sheet.conditional_formatting.add(cell, rule)
