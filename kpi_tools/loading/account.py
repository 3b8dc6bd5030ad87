"""One run of reading: the files it took, their tables, and the account of every row."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.loading import words as spoken
from kpi_tools.loading.cells import clean_name
from kpi_tools.loading.grids import Snapshot
from kpi_tools.loading.read import Layout, Table, has_figures, has_table, read_table, take
from kpi_tools.loading.rules import ERROR, Ledger, column_name
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK, FIGURES, files_in
from kpi_tools.workbooks.child import Workbooks

COUNTS: Final = (
    "file",
    "sheet",
    "outcome",
    "rows_in",
    "accepted",
    "rejected",
    "blank",
    "bytes",
    "sha256",
)
SHEETS: Final = {"kpis.csv": "KPIs", "targets.csv": "Targets", "actions.csv": "Actions"}
"""The sheets of council.xlsx that stand for a table where it is not there."""
REJECTED: Final = ("file", "sheet", "row", "codes", "reasons")


class Run:
    """Takes files from `raw`, in the order asked for, and keeps account of them."""

    def __init__(self, raw: Path, books: Workbooks) -> None:
        self.ledger = Ledger()
        self.raw, self._books = raw, books
        self._taken: list[tuple[str, Snapshot | None, Table | None, str]] = []
        self.words: list[tuple[Quarter, Table]] = []

    def snapshot(self, path: Path) -> Snapshot:
        """The bytes of a file that must be there. Raises `InputError` where it is not or cannot be read."""
        _must_be_there(path)
        taken = take(path, self._name(path), self.ledger)
        if taken is None:
            raise InputError(f"The file {path} cannot be read.")
        self._taken.append((taken.file, taken, None, "read"))
        return taken

    def table(self, path: Path, layout: Layout, needed: bool = False) -> Table:
        """The table in a file; without rows where the file is refused, or is not there and not needed.

        Where it is not there and council.xlsx is, the sheet of its name in that.
        """
        book, sheet = self.raw / COUNCIL_BOOK, SHEETS.get(path.name, "")
        if sheet and not path.exists() and book.is_file():
            return self._read(book, layout, sheet)
        if needed:
            _must_be_there(path)
        elif not path.is_file():
            return self._nothing(path, layout)
        return self._read(path, layout)

    def _read(self, path: Path, layout: Layout, sheet: str = "") -> Table:
        taken = take(path, self._name(path), self.ledger)
        table = read_table(taken, layout, self.ledger, self._books, sheet) if taken else None
        self._taken.append((self._name(path), taken, table, "refused" if table is None else "read"))
        return self._nothing(path, layout) if table is None else table

    def commentary(self, quarter: Quarter, layout: Layout) -> Table:
        """The commentary file of a quarter."""
        folder = self.raw / "commentary"
        there = [
            path
            for path in sorted(folder.glob(f"{quarter.slug}.*"))
            if path.suffix.lower() in (".csv", ".xlsx")
        ]
        if not there and any(
            of == quarter and any(map(str.strip, words.cells["text"])) for of, words in self.words
        ):
            return self._nothing(folder / f"{quarter.slug}.csv", layout)
        if not there:
            self.ledger.problem("commentary-none", f"commentary/{quarter.slug}.csv")
            return self._nothing(folder / f"{quarter.slug}.csv", layout)
        for other in there[1:]:
            self.ledger.problem(
                "file-twice", self._name(other), detail=f"{there[0].name} and {other.name}"
            )
        return self.table(there[0], layout)

    def returns(self, folder: Path, layout: Layout) -> Iterator[Table]:
        """The tables of the returns in a quarter's folder; the other files there are noted."""
        seen: dict[str, str] = {}
        # copies last: what they are copies of is known by then
        for found in sorted(files_in(folder), key=lambda one: one.code == "file-copy"):
            name = self._name(found.path)
            if found.code and found.code != "file-copy":
                self._skip(name, found.code, found.detail)
                continue
            taken = take(found.path, name, self.ledger)
            if taken and taken.sha256 in seen:
                self._skip(name, "file-copy", seen[taken.sha256])
            elif found.code:
                self._skip(name, "file-copy-differs", found.detail)
            else:
                whole = found.path.name != COUNCIL_BOOK or found.path.parent != self.raw
                if (
                    taken
                    and whole
                    and (words := has_table(taken, spoken.LAYOUT, self.ledger, self._books))
                ):
                    self.words.append((Quarter.parse(folder.name), words))
                    self._taken.append((name, taken, words, "words"))
                    if not has_figures(taken, layout, words.sheet):
                        seen[taken.sha256] = found.path.name
                        continue
                part = ("", None) if whole else (FIGURES, Quarter.parse(folder.name))
                table = (
                    read_table(taken, layout, self.ledger, self._books, *part) if taken else None
                )
                self._taken.append((name, taken, table, "refused" if table is None else "read"))
                if taken:
                    seen[taken.sha256] = found.path.name
                if table is not None:
                    yield table

    def note(self, path: Path, code: str, detail: str) -> None:
        """Something lies where no file is looked for."""
        self._skip(self._name(path), code, detail)

    def check_still_there(self) -> None:
        """Note each file whose bytes are no longer those that were read."""
        for name, taken, _, _ in self._taken:
            if taken and not _unchanged(taken):
                self.ledger.problem("file-changing", name)

    def counts(self) -> pd.DataFrame:
        """One row per file (columns: COUNTS). Rows in = accepted + rejected + blank, or it is a defect of ours."""
        rows = []
        for name, taken, table, outcome in self._taken:
            sheet, accepted, rejected, blank = "", 0, 0, 0
            if table is not None:
                sheet, rejected, blank = table.sheet, int(table.bad.sum()), table.blank
                accepted = len(table) - rejected
                if table.rows_in != accepted + rejected + blank or blank < 0:
                    parts = f"{accepted} + {rejected} + {blank}"
                    raise AssertionError(f"{name}: {table.rows_in} rows are not {parts}")
                accepted -= table.later
            size, digest = (len(taken.raw), taken.sha256) if taken else (0, "")
            total = accepted + rejected + blank
            rows.append((name, sheet, outcome, total, accepted, rejected, blank, size, digest))
        counts = pd.DataFrame(rows, columns=list(COUNTS))
        return counts.astype({"file": "str", "sheet": "str", "outcome": "str", "sha256": "str"})

    def rejected(self, problems: pd.DataFrame) -> pd.DataFrame:
        """Every refused row as it was sent: REJECTED, then its cells by column (null where the table has no such column).

        `problems`: those of the ledger, which hold the reasons.
        """
        reasons = _reasons(problems)
        parts = [pd.DataFrame(columns=list(REJECTED))]
        for _, _, table, _ in self._taken:
            if table is None or not table.bad.any():
                continue
            at = table.bad.nonzero()[0].tolist()
            rows = [table.rows[position] for position in at]
            found = [reasons[table.file, table.sheet, row] for row in rows]
            beyond = {"beyond": [table.beyond.get(position) for position in at]}
            parts.append(
                pd.DataFrame(
                    {
                        "file": table.file,
                        "sheet": table.sheet,
                        "row": rows,
                        "codes": [
                            " ".join(dict.fromkeys(code for code, _ in one)) for one in found
                        ],
                        "reasons": [
                            " ".join(dict.fromkeys(reason for _, reason in one)) for one in found
                        ],
                        **{
                            name: [cells[position] for position in at]
                            for name, cells in table.cells.items()
                            if name in table.letters
                        },
                        **(beyond if any(beyond["beyond"]) else {}),
                    }
                )
            )
        named = pd.concat(parts[1:] or parts, ignore_index=True)
        return named.astype({name: "int64" if name == "row" else "str" for name in named.columns})

    def _name(self, path: Path) -> str:
        return clean_name(path.relative_to(self.raw).as_posix())

    def _skip(self, name: str, code: str, detail: str) -> None:
        severity = self.ledger.problem(code, name, detail=detail)
        self._taken.append((name, None, None, "refused" if severity == ERROR else "skipped"))

    def _nothing(self, path: Path, layout: Layout) -> Table:
        return Table(self._name(path), "", [], {name: [] for name in layout.names}, {}, self.ledger)


def _unchanged(snapshot: Snapshot) -> bool:
    """Whether the file still holds the bytes that were read."""
    try:
        return snapshot.path.read_bytes() == snapshot.raw
    except OSError:
        return False


def _reasons(problems: pd.DataFrame) -> dict[tuple[str, str, int], list[tuple[str, str]]]:
    """For each place with an error: the codes with what is wrong and what to do."""
    errors = problems[(problems["severity"] == ERROR) & problems["row"].notna()]
    reasons = defaultdict[tuple[str, str, int], list[tuple[str, str]]](list)
    columns = (
        errors[name].tolist()
        for name in ("file", "sheet", "row", "code", "column", "rule", "remedy")
    )
    for file, sheet, row, code, column, rule, remedy in zip(*columns, strict=True):
        where = f"{column_name(column)}: " if column else ""
        reasons[file, sheet, row].append((code, f"{where}{rule} {remedy}"))
    return reasons


def _must_be_there(path: Path) -> None:
    if not path.is_file():
        raise InputError(
            f"There is no file {path.name} in {path.parent}. It is one of the council's own tables."
        )
