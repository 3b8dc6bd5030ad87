"""mapping.xlsx: what each column and KPI of a council's workbook was taken for, how sure that is, and what is to be filled in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.collect.cells import ANSWERS, COVERS, Book, Kpi
from kpi_tools.collect.columns import MEANINGS, Column
from kpi_tools.collect.recognise import GIVEN, LIKELY, NOT_TOLD
from kpi_tools.collect.sheets import Sheet, open_sheets
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name
from kpi_tools.spreadsheets import make_workbook, safe_text
from kpi_tools.units import UNITS

FILE: Final = "mapping.xlsx"
OPEN, COLUMNS, KPIS, SETTINGS, LEFT = "To fill in", "Columns", "KPIs", "Settings", "Left out"
_OPTIONS: Final = {
    "polarity": ("higher", "lower", "target", "none"),
    "unit": tuple(UNITS),
    "target_covers": COVERS,
    "taken_for": MEANINGS,
}
_ASKS: Final = {
    "polarity": "What is better? (target: closest to it; none: only monitored)",
    "unit": "In what is it measured? (or: other: a word of your own)",
    "target_covers": "Of what is the target: a quarter, a month, a whole year (year: a quarter of it each quarter; year_end: "
    "rated at the end of the year; even: grows evenly to it)?",
    "period": "Of which period is the column? (2024-25 Q1, 2024-04, 2024/25)",
    "bands": "How do you rate? The best band first, such as: Green: target; Amber: target within 10%; Red",
}
_HELP: Final = (
    f"1. Fill in the column answer of the sheet {OPEN}, where it has rows. Save.",
    f"2. Look through {COLUMNS}, {KPIS} and {SETTINGS}: type over what was taken wrongly. What is likely is coloured.",
    "3. Run the same command again. What stands here goes before what the program would take by itself.",
    f"taken_for can be: {', '.join(MEANINGS)}.",
    f"{LEFT} has every cell with a number or a rating that was not taken, and why.",
)


@dataclass
class Mapping_:
    """What a person has filled in: of columns by sheet and letter, of KPIs by key, settings by name."""

    columns: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    kpis: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def questions(book: Book, settings: Mapping[str, tuple[str, str, str]]) -> list[dict[str, str]]:
    """What could not be told: a row for each, with what can be answered and perhaps a hint."""
    rows = [
        _question("column", f"{one.sheet}!{one.letter}", one.heading, "period", one.why)
        for one in book.columns
        if one.open
    ]
    rows += [
        _question("setting", name, "", name, why)
        for name, (value, _, why) in settings.items()
        if not value and not (rows and name == "report_quarter")  # it follows from the periods
    ]
    rows += [
        _question(
            "KPI", kpi.key, kpi.said["kpi_name"], name, kpi.hint if name == "polarity" else why
        )
        for kpi in book.kpis
        for name, (sure, why) in kpi.how.items()
        if sure == NOT_TOLD
    ]
    return rows


def _question(what: str, where: str, name: str, setting: str, hint: str) -> dict[str, str]:
    return {
        "what": what,
        "which": where,
        "name": name,
        "setting": setting,
        "answer": "",
        "question": _ASKS.get(setting, ""),
        "may_be": ", ".join(_OPTIONS.get(setting, ())),
        "hint": hint,
    }


def mapping_book(
    book: Book, settings: Mapping[str, tuple[str, str, str]], asked: list[dict[str, str]]
) -> Any:
    """The workbook, not yet saved. `settings`: value, sureness and reason by name."""
    tables = {
        "How to": pd.DataFrame({"How a workbook is taken": _HELP}),
        OPEN: pd.DataFrame(asked, columns=list(_question("", "", "", "", ""))),
        COLUMNS: pd.DataFrame(
            [
                (one.sheet, one.letter, one.heading, one.means, one.period, one.sure, one.why)
                for one in book.columns
            ],
            columns=["sheet", "column", "heading", "taken_for", "period", "how_sure", "why"],
        ),
        KPIS: pd.DataFrame(
            [_kpi_row(kpi) for kpi in book.kpis],
            columns=["which", "sheet", "row", *ANSWERS, "how_sure", "why"],
        ),
        SETTINGS: pd.DataFrame(
            [(name, *said) for name, said in settings.items()],
            columns=["setting", "value", "how_sure", "why"],
        ),
        LEFT: pd.DataFrame(book.left, columns=["sheet", "cell", "what", "text", "why"]),
    }
    made = make_workbook(tables)
    _dress(made, tables)
    made.active = 1 if asked else 2
    return made


def _kpi_row(kpi: Kpi) -> list[Any]:
    decisions = {name: how for name, how in kpi.how.items() if how[0] in (LIKELY, NOT_TOLD)}
    sure = (
        NOT_TOLD
        if any(how[0] == NOT_TOLD for how in decisions.values())
        else LIKELY
        if decisions
        else ""
    )
    why = "; ".join(f"{name}: {how[1]}" for name, how in decisions.items())
    return [
        kpi.key,
        kpi.sheet,
        kpi.line,
        *(kpi.said.get(name, "") for name in ANSWERS),
        sure or ("certain" if all(how[0] != GIVEN for how in kpi.how.values()) else GIVEN),
        why,
    ]


def _dress(made: Any, tables: Mapping[str, pd.DataFrame]) -> None:
    """Colours for what is open or likely, and lists to choose from."""
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    yellow, pale = (PatternFill("solid", start_color=one) for one in ("FFFFE699", "FFFFF7DC"))
    for title in (COLUMNS, KPIS, SETTINGS):
        place = list(tables[title].columns).index("how_sure") + 1
        for row in made[title].iter_rows(min_row=2):
            fill = {NOT_TOLD: yellow, LIKELY: pale}.get(row[place - 1].value)
            if fill:
                row[place - 1].fill = fill
    for line in range(2, len(tables[OPEN]) + 2):
        made[OPEN].cell(line, 5).fill = yellow
    lists = [(OPEN, "setting", "answer"), (COLUMNS, "", "taken_for"), (KPIS, "", "polarity")]
    for title, by, column in lists:
        letter = get_column_letter(list(tables[title].columns).index(column) + 1)
        for name, options in _OPTIONS.items():
            listed = f'"{",".join(option.replace(",", "") for option in options)}"'
            lines = [
                line
                for line, row in enumerate(tables[title].to_dict("records"), start=2)
                if (row[by] if by else column) == name
            ]
            if lines and len(listed) < 255 and name != "unit":
                check = DataValidation("list", formula1=listed, allow_blank=True)
                check.showErrorMessage, check.error = True, f"One of: {', '.join(options)}."
                for line in lines:
                    check.add(f"{letter}{line}")
                made[title].add_data_validation(check)


def read_mapping(path: Path) -> Mapping_:
    """What mapping.xlsx says. Raises `InputError` where it is none."""
    sheets, _ = open_sheets(path)
    tables = {sheet.name: rows_below(sheet) for sheet in sheets}
    if not {COLUMNS, KPIS, SETTINGS} <= tables.keys():
        raise InputError(
            f"{path} is no mapping: it has no sheets {COLUMNS}, {KPIS} and {SETTINGS}."
        )
    said = Mapping_()
    for row in tables[COLUMNS]:
        said.columns[row["sheet"], row["column"]] = row
    for row in tables[KPIS]:
        said.kpis[row["which"]] = {name: row[name] for name in ANSWERS if row.get(name)}
    said.settings = {row["setting"]: row["value"] for row in tables[SETTINGS]}
    for number, row in enumerate(tables.get(OPEN, []), start=2):
        answer, setting = row["answer"], row["setting"]
        options = _OPTIONS.get(setting, ()) if setting != "unit" else ()
        if answer and options and answer.casefold() not in options:
            raise InputError(
                f'{path.name}, sheet "{OPEN}", row {number}: "{answer}" is none of {", ".join(options)}.'
            )
        if answer and row["what"] == "KPI":
            said.kpis.setdefault(row["which"], {})[setting] = (
                answer.casefold() if options else answer
            )
        elif answer and row["what"] == "column":
            sheet, _, letter = row["which"].rpartition("!")
            said.columns.setdefault((sheet, letter), {})[setting] = answer
        elif answer:
            said.settings[setting] = answer
    return said


def rows_below(sheet: Sheet) -> list[dict[str, str]]:
    """The rows below the first as dictionaries of texts, `_line` their line; what `safe_text` put before a text is taken away."""
    heads = {place: text for (line, place), text in sheet.cells.items() if line == 1}
    found = []
    for line in (line for line in sheet.lines if line > 1):
        cells = {name: sheet.cells.get((line, place), "") for place, name in heads.items()}
        found.append(
            {name: _unsafe(clean_name(text)) for name, text in cells.items()} | {"_line": str(line)}
        )
    return found


def _unsafe(text: str) -> str:
    bare = text.removeprefix("'")
    return bare if bare != text and safe_text(bare) == text else text


def unlike(said: Mapping_, columns: Iterable[Column]) -> list[str]:
    """How the columns of a workbook differ from those of the mapping, a sentence each."""
    now = {(one.sheet, one.letter): clean_name(one.heading) for one in columns}
    then = {where: row.get("heading", "") for where, row in said.columns.items()}

    def where(at: tuple[str, str]) -> str:
        return f"{at[0]}!{at[1]}" if at[0] else at[1]

    found = [
        f'{where(at)}: "{then[at]}" in the mapping, "{now[at]}" in the workbook'
        for at in then
        if at in now and then[at] != now[at]
    ]
    found += [
        f'{where(at)}: "{text}" is not in the workbook'
        for at, text in then.items()
        if at not in now
    ]
    return found + [f'{where(at)}: "{text}" is new' for at, text in now.items() if at not in then]
