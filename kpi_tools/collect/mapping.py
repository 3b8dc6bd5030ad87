"""mapping.xlsx: what each column and KPI of a workbook was taken for, and how sure that is.

What could not be told is a list in it to fill in; what a person writes goes before what the program
takes by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.collect.deduce import ANSWERS, COVERS
from kpi_tools.collect.kpis import Book, Kpi
from kpi_tools.collect.recognise import Sure
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.collect.tables import MEANINGS, Column
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name
from kpi_tools.spreadsheets import choices, column_letter, make_workbook, restrict, solid
from kpi_tools.units import UNITS

FILE: Final = "mapping.xlsx"
OPEN, COLUMNS, KPIS, SETTINGS, LEFT = "To fill in", "Columns", "KPIs", "Settings", "Left out"
Settings = dict[str, tuple[str, str, str]]
"""What is set for the council as a whole: value, sureness and reason by name."""
_Keyed = dict[tuple[str, str, int], Any]
_OPTIONS: Final = {
    "polarity": ("higher", "lower", "target", "none"),
    "unit": tuple(UNITS),
    "target_covers": COVERS,
    "taken_for": MEANINGS,
}
_ASKS: Final = {
    "polarity": "What is better? (target: closest to it; none: only monitored)",
    "unit": "In what is it measured? (or: other: a word of your own)",
    "target_covers": "Of what is the target: a quarter, a month, a whole year (year: a quarter of "
    "it each quarter; year_end: rated at the end of the year; even: grows evenly to it)?",
    "period": "Of which period is the column? (2024-25 Q1, 2024-04, 2024/25)",
    "bands": "How do you rate? The best band first, such as: "
    "Green: target; Amber: target within 10%; Red",
}
_HELP: Final = (
    f"1. Fill in the column answer of the sheet {OPEN}, where it has rows. Save.",
    f"2. Look through {COLUMNS}, {KPIS} and {SETTINGS}: type over what was taken wrongly. "
    "What is likely is coloured.",
    "3. Run the same command again. What stands here goes before what the program would take by "
    "itself.",
    f"taken_for can be: {', '.join(MEANINGS)}.",
    f"{LEFT} has every cell with a number or a rating that was not taken, and why.",
)
_QUESTION: Final = ["what", "which", "name", "setting", "answer", "question", "may_be", "hint"]
_COLUMN: Final = ["sheet", "column", "heading", "taken_for", "period", "how_sure", "why"]
_KPI: Final = ["which", "sheet", "row", *ANSWERS, "how_sure", "why"]


def questions(book: Book, settings: Settings) -> pd.DataFrame:
    """What could not be told: a row for each, with what can be answered and perhaps a hint."""
    columns = [
        ("column", f"{one.sheet}!{one.letter}", one.heading, "period", one.why)
        for one in book.columns
        if one.open
    ]
    others = [
        ("setting", name, "", name, why)
        for name, (value, _, why) in settings.items()
        if not value and not (columns and name == "report_quarter")  # it follows from the periods
    ]
    others += [
        ("KPI", kpi.key, kpi.facts["kpi_name"], name, why)
        for kpi in book.kpis
        for name, (sure, why) in kpi.reasons.items()
        if sure == Sure.UNKNOWN
    ]
    rows = [
        (*where, name, "", _ASKS.get(name, ""), ", ".join(_OPTIONS.get(name, ())), why)
        for *where, name, why in [*columns, *others]
    ]
    return pd.DataFrame(rows, columns=_QUESTION)


def mapping_book(book: Book, settings: Settings, asked: pd.DataFrame) -> Any:
    """The workbook, not yet saved."""
    columns = [
        (one.sheet, one.letter, one.heading, one.means, one.period, one.sure, one.why)
        for one in book.columns
    ]
    left = [
        (one.sheet, one.where, one.what, clean_name(one.text)[:80], one.left) for one in book.cells
    ]
    tables = {
        "How to": pd.DataFrame({"How a workbook is taken": _HELP}),
        OPEN: asked,
        COLUMNS: pd.DataFrame(columns, columns=_COLUMN),
        KPIS: pd.DataFrame(map(_kpi_row, book.kpis), columns=_KPI),
        SETTINGS: pd.DataFrame(
            [(name, *setting) for name, setting in settings.items()],
            columns=["setting", "value", "how_sure", "why"],
        ),
        LEFT: pd.DataFrame(
            [row for row in left if row[-1]], columns=["sheet", "cell", "what", "text", "why"]
        ),
    }
    made = make_workbook(tables)
    yellow, pale = solid("FFFFE699"), solid("FFFFF7DC")
    for title in (COLUMNS, KPIS, SETTINGS):
        place = tables[title].columns.get_loc("how_sure") + 1
        for line, sure in enumerate(tables[title]["how_sure"], start=2):
            if sure in (Sure.UNKNOWN, Sure.LIKELY):
                made[title].cell(line, place).fill = yellow if sure == Sure.UNKNOWN else pale
    answer = column_letter(_QUESTION, "answer")
    for line, name in enumerate(asked["setting"], start=2):
        made[OPEN][f"{answer}{line}"].fill = yellow
        if name in _OPTIONS and name != "unit":
            restrict(made[OPEN], [f"{answer}{line}"], **choices(_OPTIONS[name]))
    for title, name, names in ((COLUMNS, "taken_for", _COLUMN), (KPIS, "polarity", _KPI)):
        letter, lines = column_letter(names, name), range(2, len(tables[title]) + 2)
        restrict(made[title], [f"{letter}{line}" for line in lines], **choices(_OPTIONS[name]))
    made.active = 2 if asked.empty else 1
    return made


def _kpi_row(kpi: Kpi) -> list[Any]:
    sure = {one for one, _ in kpi.reasons.values()}
    found = next((one for one in (Sure.UNKNOWN, Sure.LIKELY, Sure.GIVEN) if one in sure), "certain")
    why = [
        f"{name}: {reason}"
        for name, (one, reason) in kpi.reasons.items()
        if one in (Sure.UNKNOWN, Sure.LIKELY)
    ]
    facts = [kpi.get(name) for name in ANSWERS]
    return [kpi.key, kpi.sheet, kpi.line, *facts, found, "; ".join(why)]


@dataclass
class Mapping_:
    """What stands in a mapping: rows of columns by sheet and letter, of KPIs by key, settings."""

    columns: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    kpis: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Mapping_:
    """What mapping.xlsx says, with what was filled in. Raises `InputError` where it is none."""
    tables = {sheet.name: sheet.records() for sheet in open_sheets(path)[0]}
    if not {COLUMNS, KPIS, SETTINGS} <= tables.keys():
        raise InputError(
            f"{path} is no mapping: it has no sheets {COLUMNS}, {KPIS} and {SETTINGS}."
        )
    found = Mapping_(
        {(row["sheet"], row["column"]): row for row in tables[COLUMNS]},
        {row["which"]: {name: row.get(name, "") for name in ANSWERS} for row in tables[KPIS]},
        {row["setting"]: row["value"] for row in tables[SETTINGS]},
    )
    for row in tables.get(OPEN, []):
        answer, setting = row["answer"], row["setting"]
        options = _OPTIONS.get(setting, ()) if setting != "unit" else ()
        if options and answer.casefold() not in (*options, ""):
            raise InputError(
                f'{path.name}, sheet "{OPEN}", row {row["_line"]}: "{answer}" is none of '
                f"{', '.join(options)}."
            )
        if answer and row["what"] == "KPI":
            found.kpis.setdefault(row["which"], {})[setting] = (
                answer.casefold() if options else answer
            )
        elif answer and row["what"] == "column":
            sheet, _, letter = row["which"].rpartition("!")
            found.columns.setdefault((sheet, letter), {})[setting] = answer
        elif answer:
            found.settings[setting] = answer
    return found


def changed_columns(read: Mapping_, columns: list[Column]) -> list[str]:
    """How the columns of a workbook differ from those of its mapping, a sentence each."""
    then, now = _by_heading(read, columns)
    gone = [f'no longer there: "{key[1]}"' for key in then if key not in now and key[1]]
    return gone + [
        f'new: "{one.heading}" ({one.letter}), taken for {one.means} {one.period}'.rstrip()
        for key, one in now.items()
        if key not in then
    ]


def answered_columns(
    read: Mapping_, columns: list[Column], names: Iterable[str] = ("taken_for", "period")
) -> dict[tuple[str, str], dict[str, str]]:
    """What the mapping says otherwise of columns that are headed so, wherever they stand now."""
    then, now = _by_heading(read, columns)
    found = {}
    for key in now.keys() & then.keys():
        one, row = now[key], {name: then[key].get(name, "") for name in names}
        current = {"taken_for": one.means, "period": one.period}
        if any(row[name] != current[name] for name in names):
            found[one.sheet, one.letter] = row
    return found


def _by_heading(read: Mapping_, columns: list[Column]) -> tuple[_Keyed, _Keyed]:
    """The rows of the mapping and the columns, by sheet, heading and which it is of those."""
    rows = [((sheet, row.get("heading", "")), row) for (sheet, _), row in read.columns.items()]
    of_columns = [((one.sheet, one.heading), one) for one in columns]
    then, now = (
        {(*key, [k for k, _ in pairs[:at]].count(key)): one for at, (key, one) in enumerate(pairs)}
        for pairs in (rows, of_columns)
    )
    return then, now
