"""What was found wrong and what was changed, each with its place: collected, never raised one at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from textwrap import wrap
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.words.row_words import Row, rows_of
from kpi_tools.words.rules import ERROR, RULES, SERVICE

PROBLEM_COLUMNS: Final = (
    "severity",
    "code",
    "file",
    "sheet",
    "row",
    "column",
    "value",
    "rule",
    "remedy",
    "who",
)
LOG_COLUMNS: Final = ("file", "sheet", "row", "column", "sent", "taken", "why")
SHOWN: Final = 20
_SHOWN_VALUE: Final = 80
_WIDTH: Final = 110


@dataclass
class Ledger:
    """Collects problems and changes; rows are those that a person sees, 0 stands for the file as a whole.

    Only facts are kept of each, since there may be hundreds of thousands: sentences are made when they are asked for.
    """

    _problems: list[tuple[Any, ...]] = field(default_factory=list)
    _changes: list[tuple[Any, ...]] = field(default_factory=list)

    def problem(
        self, code: str, file: str, *, sheet: str = "", row: int = 0, column: str = "", value: str = "", detail: str = "",
        excel_row: int = 0,
    ) -> str:  # fmt: skip
        """Note that the rule `code` is broken there; return its severity.

        `row` of a CSV file is the line on which it starts; where cells hold line ends Excel counts otherwise: `excel_row`.
        """
        shown = value if len(value) <= _SHOWN_VALUE else value[:_SHOWN_VALUE] + "…"
        self._problems.append(
            (file, sheet, row, code, column, shown, detail, excel_row if excel_row != row else 0)
        )
        return RULES[code].severity

    def change(
        self, file: str, sheet: str, row: int, column: str, sent: str, taken: str, why: str
    ) -> None:
        """Note that what was sent was taken as something else, because its meaning is certain."""
        self._changes.append((file, sheet, row, column, sent, taken, why))

    def problems(self) -> pd.DataFrame:
        """All problems, one row each, sorted by file, sheet and row; `row` is missing where it is the whole file."""
        file, sheet, row, code, column, value, detail, excel_row = _columns(self._problems, 8)
        rules = [RULES[one] for one in code]
        sentences = list(map(_sentence, code, detail, excel_row))
        severity, remedy, who = (
            list(map(attrgetter(name), rules)) for name in ("severity", "remedy", "who")
        )
        return _table(
            PROBLEM_COLUMNS, severity, code, file, sheet, row, column, value, sentences, remedy, who
        )

    def log(self) -> pd.DataFrame:
        """All changes, one row each, in the same order."""
        return _table(LOG_COLUMNS, *_columns(self._changes, len(LOG_COLUMNS)))


@lru_cache(maxsize=10_000)
def _sentence(code: str, detail: str, excel_row: int) -> str:
    sentence = RULES[code].sentence.replace("{detail}", detail)
    return f"{sentence} (Row {excel_row} in a spreadsheet program.)" if excel_row else sentence


def _columns(records: list[tuple[Any, ...]], count: int) -> list[np.ndarray]:
    """The records, which begin with file, sheet and row, as columns sorted by these."""
    columns = [np.array(column, dtype=object) for column in zip(*records, strict=True)] or [
        np.array([], dtype=object)
    ] * count
    file, sheet = (pd.factorize(column, sort=True)[0] for column in columns[:2])
    order = np.lexsort((columns[2].astype("int64"), sheet, file))
    return [column[order] for column in columns]


def _table(names: tuple[str, ...], *columns: Sequence[Any] | np.ndarray) -> pd.DataFrame:
    texts = dict(zip(names, columns, strict=True))
    rows = pd.array([row or None for row in texts["row"]], dtype="Int64")
    return pd.DataFrame(
        {name: rows if name == "row" else pd.array(texts[name], dtype="str") for name in names}
    )


def column_name(column: str) -> str:
    """The name in a problem's `column`, which also carries the letter: `value (C)` → `value`."""
    return column.rpartition(" (")[0] or column


def as_list(problems: pd.DataFrame) -> str:
    """The problems under the name of each file and sheet: place and content of the cell, below them rule and remedy.

    Of each rule the first `SHOWN` are told; the others are counted.
    """
    told = problems[problems.groupby("code").cumcount() < SHOWN]
    lines, here = list[str](), ("", "")
    for problem in rows_of(told):
        if (problem["file"], problem["sheet"]) != here:
            here = problem["file"], problem["sheet"]
            lines.append(here[0] + (f', sheet "{here[1]}"' if here[1] else ""))
        lines += _entry(problem)
    if len(problems) > len(told):
        lines.append(f"… and {len(problems) - len(told):,} more of the same kinds.")
    return "\n".join(lines)


def _entry(problem: Row) -> list[str]:
    place = [] if pd.isna(problem["row"]) else [f"row {problem['row']}"]
    if problem["column"]:
        name = column_name(problem["column"])
        letter = problem["column"].removeprefix(name).strip(" ()")
        place.append(f'column {letter} "{name}"' if letter else f'column "{name}"')
    value = " ".join(problem["value"].split())
    first = ", ".join(place) + (f': "{value}"' if value else "")
    mark = (
        problem["code"]
        if problem["severity"] == ERROR
        else f"{problem['severity']} {problem['code']}"
    )
    whose = f"; for {problem['who']}" if problem["who"] != SERVICE else ""
    text = f"{problem['rule']} {problem['remedy']} [{mark}{whose}]"
    indent = " " * 4
    below = wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    return [f"  {first}"] * bool(first) + below
