"""mapping.xlsx: what each column and KPI of a workbook was taken for, and how sure that is. What
could not be told is a list in it to fill in; what a person writes goes before what the program
takes by itself."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.collect import message
from kpi_tools.collect.deduce import ANSWERS
from kpi_tools.collect.kpis import Book, Kpi
from kpi_tools.collect.recognise import Fact, Sure
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.collect.tables import MEANINGS, Column
from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name
from kpi_tools.rows import rows_of
from kpi_tools.spreadsheets import choices, make_workbook, restrict, solid
from kpi_tools.units import UNITS

FILE: Final = "mapping.xlsx"
OPEN, COLUMNS, KPIS, SETTINGS, LEFT = "To fill in", "Columns", "KPIs", "Settings", "Left out"
_HEADS: Final = {
    OPEN: ("what", "which", "name", "setting", "answer", "question", "may_be", "hint"),
    COLUMNS: ("sheet", "column", "heading", "taken_for", "period", "how_sure", "why"),
    KPIS: ("which", "sheet", "row", *ANSWERS, "how_sure", "why"),
    SETTINGS: ("setting", "value", "how_sure", "why"),
    LEFT: ("sheet", "cell", "what", "text", "why"),
}
_OPTIONS: Final = {
    "polarity": ("higher", "lower", "target", "none"),
    "target_covers": ("quarter", "month", "year", "year_end", "even"),
    **{"rated": ("no",), "taken_for": MEANINGS},
}
_WORDS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_NAMES: Final = {"OPEN": OPEN, "COLUMNS": COLUMNS, "KPIS": KPIS, "SETTINGS": SETTINGS, "LEFT": LEFT}
_COLOURS: Final = {Sure.UNKNOWN: solid("FFFFE699"), Sure.LIKELY: solid("FFFFF7DC")}


def mapping_tables(book: Book, settings: dict[str, Fact]) -> dict[str, pd.DataFrame]:
    """The sheets of the workbook; of what could not be told a row each, perhaps with a hint."""
    open_columns = [(one, f"{one.sheet}!{one.letter}") for one in book.columns if one.open]
    asked = [("column", where, one.heading, "period", one.why) for one, where in open_columns]
    asked += [
        ("setting", name, "", name, fact.why)
        for name, fact in settings.items()
        if not fact.value and not (asked and name == "report_quarter")  # which follows from those
    ]
    asked += [
        ("KPI", kpi.key, kpi.get("kpi_name"), name, fact.why)
        for kpi in book.kpis
        for name, fact in kpi.facts.items()
        if fact.sure == Sure.UNKNOWN
    ]
    may_be = _OPTIONS | {"unit": tuple(UNITS)}
    rows: dict[str, list[tuple[Any, ...]]] = {
        OPEN: [
            (*where, name, "", _WORDS["asks"].get(name, ""), ", ".join(may_be.get(name, ())), why)
            for *where, name, why in asked
        ],
        COLUMNS: [
            (one.sheet, one.letter, one.heading, one.means, one.period, one.sure, one.why)
            for one in book.columns
        ],
        KPIS: list(map(_kpi_row, book.kpis)),
        SETTINGS: [(name, *fact) for name, fact in settings.items()],
        LEFT: [
            (one.sheet, one.where, one.what, clean_name(one.text)[:80], one.left)
            for one in book.cells
            if one.left
        ],
    }
    tables = {name: pd.DataFrame(rows[name], columns=heads) for name, heads in _HEADS.items()}
    meanings = ", ".join(MEANINGS)
    lines = [one.format(**_NAMES, MEANINGS=meanings) for one in _WORDS["how_to"]["lines"]]
    return {"How to": pd.DataFrame({"How a workbook is taken": lines})} | tables


def mapping_book(tables: dict[str, pd.DataFrame]) -> Any:
    """The workbook, not yet saved: what is not certain coloured, lists to choose from."""
    made = make_workbook(tables)
    for title, table in tables.items():
        lists = defaultdict[tuple[str, ...], list[str]](list)
        for line, row in enumerate(rows_of(table), start=2):
            for place, name in enumerate(table, start=1):
                cell = made[title].cell(line, place)
                sure = {"answer": Sure.UNKNOWN, "how_sure": row[name]}.get(name)
                if sure in _COLOURS:
                    cell.fill = _COLOURS[sure]
                options = _OPTIONS.get(row["setting"] if name == "answer" else name, ())
                lists[options].append(cell.coordinate)
        for options, cells in lists.items():
            restrict(made[title], cells, **choices(options))
    made.active = 2 if tables[OPEN].empty else 1
    return made


def _kpi_row(kpi: Kpi) -> tuple[Any, ...]:
    sure = {fact.sure for fact in kpi.facts.values()}
    found = next((one for one in (Sure.UNKNOWN, Sure.LIKELY, Sure.GIVEN) if one in sure), "certain")
    why = [f"{name}: {fact.why}" for name, fact in kpi.facts.items() if fact.sure in _COLOURS]
    return kpi.key, kpi.sheet, kpi.line, *map(kpi.get, ANSWERS), found, "; ".join(why)


@dataclass
class Answers:
    """What stands in a mapping: rows of columns by sheet and letter, of KPIs by key, settings."""

    columns: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    kpis: dict[str, dict[str, str]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    def compared(self, columns: Iterable[Column]) -> list[tuple[Column | None, dict[str, str]]]:
        """Columns of a workbook beside their rows, by sheet, heading and which it is of those. None
        for a column that is no longer there, {} for the row of a new one."""
        now, then = dict[Any, Column](), dict[Any, dict[str, str]]()
        for one in columns:
            alike = sum(key[:2] == (one.sheet, one.heading) for key in now)
            now[one.sheet, one.heading, alike] = one
        for (sheet, _), row in self.columns.items():
            heading = row.get("heading", "")
            then[sheet, heading, sum(key[:2] == (sheet, heading) for key in then)] = row
        return [(now.get(key), then.get(key, {})) for key in {**then, **now}]

    def changes(self, columns: Iterable[Column]) -> list[str]:
        """How the columns of a workbook differ from those of the mapping, a sentence each."""
        pairs = self.compared(columns)
        gone = [row["heading"] for one, row in pairs if not one and row.get("heading")]
        return [f'no longer there: "{heading}"' for heading in gone] + [
            f'new: "{one.heading}" ({one.letter}), taken for {one.means} {one.period}'.rstrip()
            for one, row in pairs
            if one and not row
        ]

    def of(self, columns: Iterable[Column], names: Iterable[str]) -> dict[tuple[str, str], Any]:
        """What is said otherwise of columns that are headed so, wherever they stand now."""
        found = {}
        for one, row in self.compared(columns):
            given = {name: row.get(name, "") for name in names}
            taken = {"taken_for": one.means, "period": one.period} if one and row else given
            if one and any(taken[name] != text for name, text in given.items()):
                found[one.sheet, one.letter] = given
        return found


def read(path: Path) -> Answers:
    """What mapping.xlsx says, with what was filled in. Raises `InputError` where it is none."""
    tables = {sheet.name: sheet.records() for sheet in open_sheets(path)[0]}
    if not {COLUMNS, KPIS, SETTINGS} <= tables.keys():
        raise InputError(message("mapping_sheets", path=path))
    found = Answers(
        {(row["sheet"], row["column"]): row for row in tables[COLUMNS]},
        {row["which"]: {name: row.get(name, "") for name in ANSWERS} for row in tables[KPIS]},
        {row["setting"]: row["value"] for row in tables[SETTINGS]},
    )
    for row in tables.get(OPEN, []):
        answer, setting, options = row["answer"], row["setting"], _OPTIONS.get(row["setting"], ())
        answer = answer.casefold() if options else answer
        if answer and options and answer not in options:
            of = {"path": path, "sheet": OPEN, "line": row["_line"], "answer": answer}
            raise InputError(message("mapping_answer", **of, options=", ".join(options)))
        sheet, _, letter = row["which"].rpartition("!")
        if answer and row["what"] == "KPI":
            found.kpis.setdefault(row["which"], {})[setting] = answer
        elif answer and row["what"] == "column":
            found.columns.setdefault((sheet, letter), {})[setting] = answer
        elif answer:
            found.settings[setting] = answer
    return found
