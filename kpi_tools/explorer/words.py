"""Commentary and management action written back into the council's own file, by one writer at a time.

Only the row of the KPI is written anew: encoding, separators, line ends and every other row stay as they are, byte for
byte. The file is replaced in one step. Nothing is written over what somebody else has written since it was shown.
"""

import csv
import io
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpi_tools.errors import KpiError
from kpi_tools.quarters import Quarter

Texts = tuple[str, str]
"""Commentary and management action of a KPI."""

_COLUMNS = ["kpi_id", "section", "commentary", "management_action", "author", "status"]
_TEXTS = ("commentary", "management_action")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_PATIENCE = 3.0
_STALE = 60.0


class ConflictError(KpiError):
    """Somebody else has written in the meantime; `theirs` is what stands there now."""

    def __init__(self, theirs: Texts) -> None:
        super().__init__("It was changed by somebody else since it was shown here.")
        self.theirs = theirs


@dataclass(frozen=True)
class Written:
    """A file before and after a save."""

    path: Path
    before: bytes | None
    after: bytes


def words_file(raw: Path, quarter: Quarter) -> Path:
    """The file with the words of a quarter. Raises `KpiError` where they stand in a workbook or in several files."""
    folder = raw / "commentary"
    there = sorted(folder.glob(f"{quarter.slug}.*"))
    found = [path for path in there if path.suffix.lower() in (".csv", ".xlsx")]
    if len(found) > 1 or any(path.suffix.lower() != ".csv" for path in found):
        named = " and ".join(path.name for path in found)
        raise KpiError(f"The words of {quarter.title} stand in {named}: write them there.")
    return found[0] if found else folder / f"{quarter.slug}.csv"


def read_words(path: Path, kpi_id: str) -> Texts:
    """What stands in the file of a KPI; empty texts where nothing does."""
    return _File(path.read_bytes()).texts(kpi_id) if path.exists() else ("", "")


def row_of(path: Path, kpi_id: str) -> int:
    """In which row of the file a KPI stands, as a person counts; 0 where it does not."""
    return _File(path.read_bytes()).row(kpi_id) if path.exists() else 0


def save_words(path: Path, kpi_id: str, texts: Texts, shown: Texts | None) -> Written:
    """Write the texts of a KPI; empty ones take its row away.

    `shown`: what stood there when it was shown; another raises `ConflictError`. None writes over whatever stands there.
    Raises `KpiError` where the file is open elsewhere, cannot be written, or cannot hold a character.
    """
    with _alone(path):
        before = path.read_bytes() if path.exists() else None
        file = _File(before if before is not None else (",".join(_COLUMNS) + "\r\n").encode())
        there = file.texts(kpi_id)
        if shown is not None and there != shown:
            raise ConflictError(there)
        after = file.with_texts(kpi_id, texts)
        _replace(path, after)
        return Written(path, before, after)


def undo(saved: Written) -> None:
    """Put the file back as it was before a save. Raises `KpiError` where it has been changed since."""
    with _alone(saved.path):
        if not saved.path.exists() or saved.path.read_bytes() != saved.after:
            raise KpiError(f"{saved.path.name} has been changed since, so the save is not undone.")
        if saved.before is None:
            saved.path.unlink()
        else:
            _replace(saved.path, saved.before)


class _File:
    """A CSV file as it is: its records as text, its cells, and the form in which a record is written."""

    def __init__(self, written: bytes) -> None:
        mark = next((known for known in _MARKS if written.startswith(known)), b"")
        self.encoding = _MARKS.get(mark, "utf-8")
        try:
            text = written.decode(self.encoding)
        except UnicodeDecodeError:
            self.encoding = "cp1252"
            text = written.decode(self.encoding)
        if self.encoding == "utf-16":  # written back with the mark that it had
            self.encoding = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
            text = "\ufeff" + text
        lines = _LINES.findall(text)
        first = lines[0].lstrip("\ufeff") if lines else ""
        self.separator = max(",;\t|", key=first.count)
        self.end = next((end for end in ("\r\n", "\n", "\r") if first.endswith(end)), "\r\n")
        self.records: list[str] = []
        self.cells: list[list[str]] = []
        self.rows: list[int] = []
        reader = csv.reader(iter(lines), delimiter=self.separator)
        begin = 0
        for cells in reader:
            self.records.append("".join(lines[begin : reader.line_num]))
            self.cells.append(cells)
            self.rows.append(begin + 1)
            begin = reader.line_num
        head = [cell.lstrip("\ufeff").strip().casefold() for cell in self.cells[0]] if lines else []
        if missing := [name for name in ("kpi_id", *_TEXTS) if name not in head]:
            raise KpiError(
                f"The file of the words has no column {missing[0]}, so nothing is written."
            )
        self.head = head
        every = [record.strip() for record in self.records[1:] if record.strip()]
        self.quoted = bool(every) and all(record.startswith('"') for record in every)

    def _place(self, kpi_id: str) -> int | None:
        at = self.head.index("kpi_id")
        named = [cells[at].strip() if len(cells) > at else "" for cells in self.cells[1:]]
        same = [n for n, name in enumerate(named, 1) if name.casefold() == kpi_id.casefold()]
        if len(same) > 1:
            raise KpiError(
                f"{kpi_id} stands twice in the file of the words: take one row out first."
            )
        return same[0] if same else None

    def row(self, kpi_id: str) -> int:
        place = self._place(kpi_id)
        return 0 if place is None else self.rows[place]

    def texts(self, kpi_id: str) -> Texts:
        place = self._place(kpi_id)
        if place is None:
            return "", ""
        cells = [*self.cells[place], *[""] * len(self.head)]
        first, second = (cells[self.head.index(name)] for name in _TEXTS)
        return first, second

    def with_texts(self, kpi_id: str, texts: Texts) -> bytes:
        place, records = self._place(kpi_id), list(self.records)
        cells = list(self.cells[place]) if place is not None else [""] * len(self.head)
        cells += [""] * (len(self.head) - len(cells))
        cells[self.head.index("kpi_id")] = cells[self.head.index("kpi_id")] or kpi_id
        for name, text in zip(_TEXTS, texts, strict=True):
            cells[self.head.index(name)] = "\n".join(text.strip().splitlines())
        record = self._record(cells) if any(text.strip() for text in texts) else ""
        if place is not None:
            records[place] = record
        elif record:
            if records and not records[-1].endswith(("\r", "\n")):
                records[-1] += self.end
            records.append(record)
        try:
            return "".join(records).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise KpiError(
                f"The file is in {self.encoding}, which has no {error.object[error.start]!r}: write it otherwise, or save "
                "the file as UTF-8 first."
            ) from error

    def _record(self, cells: Sequence[str]) -> str:
        out = io.StringIO(newline="")
        form: Any = {"delimiter": self.separator, "lineterminator": self.end}
        form["quoting"] = csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL
        csv.writer(out, **form).writerow(cells)
        return out.getvalue()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Be the only one who writes the file: by a file beside it that only one can make; one left behind counts a minute."""
    for name in (f"~${path.name}", f".~lock.{path.name}#"):
        if (path.parent / name).exists():
            raise KpiError(
                f"{path.name} is open in another program: close it there, then save again."
            )
    lock, until = path.with_name(f".{path.name}.writing"), time.monotonic() + _PATIENCE
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            with suppress(OSError):
                if time.time() - lock.stat().st_mtime > _STALE:
                    lock.unlink()
            if time.monotonic() > until:
                raise KpiError(
                    f"{path.name} is being written at this moment: save again."
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise KpiError(
                f"Nothing can be written in {path.parent.name}: {error.strerror}."
            ) from error
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()


def _replace(path: Path, content: bytes) -> None:
    work = path.with_name(f".{path.name}.new")
    try:
        with open(work, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            work.chmod(path.stat().st_mode)
        os.replace(work, path)
    except OSError as error:
        with suppress(OSError):
            work.unlink()
        raise KpiError(
            f"{path.name} could not be written: {error.strerror}. Is it open in another program?"
        ) from error
