"""A table of texts with the rows and columns that a person sees, before any of it is understood."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from kpi_tools.words.hygiene import clean_name
from kpi_tools.words.problems import Ledger
from kpi_tools.words.rules import ERROR


@dataclass(frozen=True)
class Layout:
    """The columns that a kind of table must and may have; the first one is its key.

    `shown` are those that our own template has for whoever fills it in: they are not read, and, where all of them stand
    there, nothing is said of them. `others`: whether further columns are kept as well, by their own names.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    others: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, in their order."""
        return self.required + self.optional


@dataclass
class Table:
    """The rows below the headings of one sheet, as texts by column; `bad` marks rows that are refused.

    `rows_in` counts them together with `blank` rows; `beyond` holds what stands right of the last heading. `later` counts
    good rows that come into force after the report's quarter: they are not part of its account, which would change with them.
    """

    file: str
    sheet: str
    rows: list[int]
    cells: dict[str, list[str]]
    letters: dict[str, str]
    ledger: Ledger
    kinds: dict[str, dict[int, str]] = field(default_factory=dict)
    records: list[int] | None = None
    comma_is_doubtful: bool = False
    blank: int = 0
    rows_in: int = 0
    later: int = 0
    beyond: dict[int, str] = field(default_factory=dict)
    bad: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.bad = np.zeros(len(self.rows), dtype=bool)

    def __len__(self) -> int:
        return len(self.rows)

    def kind(self, column: str, position: int) -> str:
        """The workbook kind of a cell, "" where its text says all."""
        return self.kinds.get(column, {}).get(position, "")

    def place(self, column: str) -> str:
        """How problems name a column: `value (C)`."""
        return f"{column} ({self.letters[column]})" if column in self.letters else column

    def fault(self, position: int, column: str, code: str, detail: str = "") -> None:
        """Note that the cell breaks a rule; where the rule is an error, the row is refused."""
        value = self.cells[column][position] if column in self.cells else ""
        severity = self.ledger.problem(
            code, self.file, sheet=self.sheet, row=self.rows[position], column=self.place(column) if column else "",
            value=value, detail=detail, excel_row=self.records[position] if self.records else 0,
        )  # fmt: skip
        if severity == ERROR:
            self.bad[position] = True

    def changed(self, position: int, column: str, taken: str, why: str) -> None:
        """Note that a cell was taken as something else than it says."""
        sent = self.cells[column][position]
        self.ledger.change(
            self.file, self.sheet, self.rows[position], self.place(column), sent, taken, why
        )


@lru_cache(512)  # each file has the same
def heading(text: str) -> str:
    """A heading as columns are named: `KPI ID` → `kpi_id`."""
    return re.sub(r"\W+", "_", clean_name(text).casefold()).strip("_")


def letter(at: int) -> str:
    """The name that a spreadsheet gives a column: 0 → A."""
    letters, number = "", at + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def place(letters: str) -> int:
    """The place of a column of that name: A → 0."""
    number = 0
    for one in letters:
        number = number * 26 + ord(one) - 64
    return number - 1
