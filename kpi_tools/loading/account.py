"""One run of reading: the files it took, their tables, and the account of every row."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.loading.cells import clean_name
from kpi_tools.loading.grids import Snapshot
from kpi_tools.loading.read import Schema, Table, has_figures, has_table, read_table
from kpi_tools.loading.rules import ERROR, Ledger, column_name
from kpi_tools.loading.schemas import COMMENTARY, RETURNS, WORDS
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK, FIGURES, files_in
from kpi_tools.workbooks.child import Workbooks

LARGEST: Final = 20 * 2**20
_PLACE: Final = ("file", "sheet", "row")
_NUMBERS: Final = ("rows_in", "accepted", "rejected", "blank", "bytes")
SHEETS: Final = {"kpis.csv": "KPIs", "targets.csv": "Targets", "actions.csv": "Actions"}
"""The sheets of council.xlsx that stand for a table where it is not there."""


class Taken(NamedTuple):
    """A file that was looked at: its bytes and table, where there are, and what became of it."""

    file: str
    snapshot: Snapshot | None
    table: Table | None
    outcome: str


class Run:
    """Takes files from `raw`, in the order asked for, and keeps account of them."""

    def __init__(self, raw: Path, books: Workbooks) -> None:
        self.ledger = Ledger()
        self.raw, self._books = raw, books
        self._taken: list[Taken] = []
        self.words: list[tuple[Quarter, Table]] = []

    def snapshot(self, path: Path) -> Snapshot:
        """The bytes of a file. Raises `InputError` where it is not there or cannot be read."""
        _must_be_there(path)
        taken = self._take(path)
        if taken is None:
            raise InputError(f"The file {path} cannot be read.")
        self._taken.append(Taken(taken.file, taken, None, "read"))
        return taken

    def table(self, schema: Schema, file: str = "") -> Table:
        """The table of a schema, perhaps in another file; without rows where it is refused, or not
        there and not needed. Where it is not there and council.xlsx is, the sheet of its name in
        that."""
        path, book = self.raw / (file or schema.file), self.raw / COUNCIL_BOOK
        sheet = "" if path.exists() or not book.is_file() else SHEETS.get(schema.file, "")
        path, table = book if sheet else path, None
        if not schema.optional:
            _must_be_there(path)
        if path.is_file():
            table = self._read(path, self._take(path), schema, sheet)
        nothing = {name: list[str]() for name in schema.names}
        return Table(self._name(path), "", [], nothing, {}, self.ledger) if table is None else table

    def commentary(self, quarter: Quarter) -> Table:
        """The commentary file of a quarter."""
        found = sorted((self.raw / "commentary").glob(f"{quarter.slug}.*"))
        there = [path for path in found if path.suffix.lower() in (".csv", ".xlsx")]
        for other in there[1:]:
            detail = f"{there[0].name} and {other.name}"
            self.ledger.problem("file-twice", self._name(other), detail=detail)
        file = f"commentary/{there[0].name if there else f'{quarter.slug}.csv'}"
        words = [table for of, table in self.words if of == quarter]
        if not there and not any(text.strip() for one in words for text in one.cells["text"]):
            self.ledger.problem("commentary-none", file)
        return self.table(COMMENTARY, file)

    def returns(self, folder: Path) -> Iterator[Table]:
        """The tables of the returns in a quarter's folder; the other files there are noted."""
        seen: dict[str, str] = {}
        # copies last: what they are copies of is known by then
        for found in sorted(files_in(folder), key=lambda one: one.code == "file-copy"):
            name, quarter = self._name(found.path), Quarter.parse(folder.name)
            code, detail, is_copy = found.code, found.detail, found.code == "file-copy"
            taken = self._take(found.path) if is_copy or not code else None
            if taken and taken.sha256 in seen:
                code, detail = "file-copy", seen[taken.sha256]
            elif is_copy:
                code = "file-copy-differs"
            if code:
                self.skip(found.path, code, detail)
                continue
            if taken:
                seen[taken.sha256] = found.path.name
            if found.path == self.raw / COUNCIL_BOOK:
                table = self._read(found.path, taken, RETURNS, FIGURES, quarter)
            elif taken and (words := has_table(taken, WORDS, self.ledger, self._books)):
                self.words.append((quarter, words))
                self._taken.append(Taken(name, taken, words, "words"))
                figures = has_figures(taken, RETURNS, words.sheet)
                table = self._read(found.path, taken, RETURNS) if figures else None
            else:
                table = self._read(found.path, taken, RETURNS)
            if table is not None:
                yield table

    def _take(self, path: Path) -> Snapshot | None:
        """The bytes of a file, read once; None where they cannot be had, as the ledger says."""
        file = self._name(path)
        try:
            if (size := path.stat().st_size) <= LARGEST:
                return Snapshot(path, file, path.read_bytes())
            detail = f"{size / 2**20:,.0f} MB, more than {LARGEST // 2**20}"
            self.ledger.problem("file-large", file, detail=detail)
        except OSError as error:
            self.ledger.problem("file-unreadable", file, detail=str(error.strerror or error))
        return None

    def _read(self, path: Path, raw: Snapshot | None, schema: Schema, *where: Any) -> Table | None:
        table = read_table(raw, schema, self.ledger, self._books, *where) if raw else None
        outcome = "refused" if table is None else "read"
        self._taken.append(Taken(self._name(path), raw, table, outcome))
        return table

    def skip(self, path: Path, code: str, detail: str) -> None:
        """Note a file that is not read, or lies where none is looked for."""
        name = self._name(path)
        severity = self.ledger.problem(code, name, detail=detail)
        outcome = "refused" if severity == ERROR else "skipped"
        self._taken.append(Taken(name, None, None, outcome))

    def check_still_there(self) -> None:
        """Note each file whose bytes are no longer those that were read."""
        for one in self._taken:
            try:
                same = one.snapshot is None or one.snapshot.path.read_bytes() == one.snapshot.raw
            except OSError:
                same = False
            if not same:
                self.ledger.problem("file-changing", one.file)

    def counts(self) -> pd.DataFrame:
        """One row per file. Rows in = accepted + rejected + blank, or it is a defect of ours."""
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
            file = (len(taken.raw), taken.sha256) if taken else (0, "")
            numbers = (accepted + rejected + blank, accepted, rejected, blank)
            rows.append((name, sheet, outcome, *numbers, *file))
        counts = pd.DataFrame(rows, columns=["file", "sheet", "outcome", *_NUMBERS, "sha256"])
        return counts.astype({name: "str" for name in counts if name not in _NUMBERS})

    def rejected(self, problems: pd.DataFrame) -> pd.DataFrame:
        """Every refused row as it was sent: file, sheet, row, codes, reasons, its cells by column.
        `problems`: those of the ledger, which hold the reasons. A cell is null where the table has
        no such column."""
        errors = problems[(problems["severity"] == ERROR) & problems["row"].notna()]
        reasons = defaultdict[tuple[str, str, int], list[tuple[str, str]]](list)
        for one in errors.itertuples(index=False):
            where = f"{column_name(one.column)}: " if one.column else ""
            reason = f"{where}{one.rule} {one.remedy}"
            reasons[one.file, one.sheet, one.row].append((one.code, reason))
        rows = []
        for table in (one.table for one in self._taken if one.table is not None):
            sent = [name for name in table.cells if name in table.letters]
            for at in table.bad.nonzero()[0].tolist():
                place = (table.file, table.sheet, table.rows[at])
                codes, texts = (dict.fromkeys(one) for one in zip(*reasons[place], strict=True))
                row = dict(zip(_PLACE, place, strict=True))
                row |= {"codes": " ".join(codes), "reasons": " ".join(texts)}
                row |= {name: table.cells[name][at] for name in sent}
                rows.append(row | ({"beyond": table.beyond[at]} if at in table.beyond else {}))
        named = pd.DataFrame(rows, columns=None if rows else [*_PLACE, "codes", "reasons"])
        return named.astype({name: "int64" if name == "row" else "str" for name in named.columns})

    def _name(self, path: Path) -> str:
        return clean_name(path.relative_to(self.raw).as_posix())


def _must_be_there(path: Path) -> None:
    if not path.is_file():
        what = "It is one of the council's own tables."
        raise InputError(f"There is no file {path.name} in {path.parent}. {what}")
