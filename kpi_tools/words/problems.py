"""What was found wrong and what was changed, each with its place: collected, never raised one at a time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from kpi_tools.words.rules import ERROR, RULES

PROBLEM_COLUMNS: Final = ("severity", "code", "file", "sheet", "row", "column", "value", "rule", "remedy", "who")
LOG_COLUMNS: Final = ("file", "sheet", "row", "column", "sent", "taken", "why")
_SHOWN_VALUE: Final = 80


@dataclass
class Ledger:
    """Collects problems and changes; rows are those that a person sees, 0 stands for the file as a whole."""

    _problems: list[tuple[Any, ...]] = field(default_factory=list)
    _changes: list[tuple[Any, ...]] = field(default_factory=list)

    def problem(
        self, code: str, file: str, *, sheet: str = "", row: int = 0, column: str = "", value: str = "", detail: str = "",
        excel_row: int = 0,
    ) -> str:  # fmt: skip
        """Note that the rule `code` is broken there; return its severity.

        `row` of a CSV file is the line on which it starts; where cells hold line ends Excel counts otherwise: `excel_row`.
        """
        rule = RULES[code]
        shown = value if len(value) <= _SHOWN_VALUE else value[:_SHOWN_VALUE] + "…"
        sentence = rule.sentence.replace("{detail}", detail)
        if excel_row and excel_row != row:
            sentence += f" (Row {excel_row} in a spreadsheet program.)"
        self._problems.append((rule.severity, code, file, sheet, row, column, shown, sentence, rule.remedy, rule.who))
        return rule.severity

    def change(self, file: str, sheet: str, row: int, column: str, sent: str, taken: str, why: str) -> None:
        """Note that what was sent was taken as something else, because its meaning is certain."""
        self._changes.append((file, sheet, row, column, sent, taken, why))

    def problems(self) -> pd.DataFrame:
        """All problems, one row each, sorted by file, sheet and row; `row` is missing where it is the whole file."""
        return _table(self._problems, PROBLEM_COLUMNS)

    def log(self) -> pd.DataFrame:
        """All changes, one row each, in the same order."""
        return _table(self._changes, LOG_COLUMNS)


def _table(records: list[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    place = [columns.index(name) for name in ("file", "sheet", "row")]
    ordered = sorted(records, key=lambda record: [record[at] for at in place])
    parts = zip(*ordered, strict=True) if ordered else [()] * len(columns)
    texts = dict(zip(columns, map(list, parts), strict=True))
    rows = pd.array([row or None for row in texts["row"]], dtype="Int64")
    return pd.DataFrame({name: rows if name == "row" else pd.array(texts[name], dtype="str") for name in columns})


def column_name(column: str) -> str:
    """The name in a problem's `column`, which also carries the letter: `value (C)` → `value`."""
    return column.rpartition(" (")[0] or column


def as_sentence(problem: pd.Series) -> str:
    """One problem as a sentence: where, what was found, the rule, what to do, who."""
    place = []
    if pd.notna(problem["row"]):
        place.append(f"row {problem['row']}")
    if problem["column"]:
        name = column_name(problem["column"])
        letter = problem["column"].removeprefix(name).strip(" ()")
        place.append(f'column {letter} "{name}"' if letter else f'column "{name}"')
    if problem["sheet"]:
        place.append(f'sheet "{problem["sheet"]}"')
    where = ", ".join([problem["file"], *place])
    found = f'"{problem["value"]}". ' if problem["value"] else ""
    told = f"{problem['code']}, {problem['severity']}; for {problem['who']}"
    return f"{where}: {found}{problem['rule']} {problem['remedy']} [{told}]"


def as_list(problems: pd.DataFrame, most: int = 20) -> str:
    """The errors among `problems` as a list of sentences, one per line, at most `most`; the rest is counted."""
    errors = problems[problems["severity"] == ERROR]
    lines = [f"  {as_sentence(row)}" for row in _rows(errors.head(most))]
    if len(errors) > most:
        lines.append(f"  … and {len(errors) - most:,} more.")
    return "\n".join(lines)


def _rows(table: pd.DataFrame) -> Iterable[pd.Series]:
    return (row for _, row in table.iterrows())
