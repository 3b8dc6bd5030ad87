"""Which files were received for which quarter, and which of them are returns."""

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from kpi_tools.errors import InputError, Refused
from kpi_tools.quarters import Quarter, QuarterError

TEXT_ENDINGS: Final = (".csv", ".tsv", ".txt")
WORKBOOK_ENDINGS: Final = (".xlsx",)
OTHER_TABLES: Final = (".xls", ".xlsm", ".xlsb", ".xltx", ".xltm", ".ods", ".numbers", ".fods")
COUNCIL_BOOK: Final = "council.xlsx"
"""One workbook that may stand for all tables; its sheet Figures says when each one came."""
FIGURES: Final = "Figures"
_SETTINGS: Final = "council.toml"
_LEFTOVERS: Final = re.compile(
    r"~\$.*|.*\.(?:tmp|part|partial|crdownload|download|swp|lnk|bak|old)|.*~|"
    r"desktop\.ini|(?:eh)?thumbs\.db|\..*|__macosx",
    re.I,
)
_COMMENTARY: Final = re.compile(r"\d{4}-\d\d-Q[1-4]\.(?:csv|xlsx)", re.I)
_COPY: Final = (
    re.compile(r"(?P<stem>.+?)(?: - copy| copy|[_-]copy)(?: ?\(?\d+\)?)?", re.I),
    re.compile(r"copy(?: \(?\d+\)?)? of (?P<stem>.+)", re.I),
    re.compile(r"(?P<stem>.+?) ?\(\d+\)"),
)


def council_folder(folder: Path) -> Path:
    """The folder of raw data of a council: as given, or `raw` in it if only that has settings."""
    inside = folder / "raw"
    with suppress(OSError):  # a name that no folder can have is told where it is opened
        if not (folder / _SETTINGS).is_file() and (inside / _SETTINGS).is_file():
            return inside
    return folder


def council_folders(folder: Path) -> list[Path]:
    """The folders of raw data of a council, or of all inside; as given where there is none."""
    council = council_folder(folder)
    if (council / _SETTINGS).is_file() or not folder.is_dir():
        return [council]
    inside = (council_folder(one) for one in sorted(folder.iterdir()) if one.is_dir())
    return [one for one in inside if (one / _SETTINGS).is_file()] or [folder]


@dataclass(frozen=True)
class Received:
    """A file in a folder: a return, or why it is none: `code`, one of `rules`."""

    path: Path
    code: str = ""
    detail: str = ""


def check_there(raw: Path) -> None:
    """Raise `InputError` where there is no such folder."""
    if not raw.is_dir():
        advice = "Name the folder that holds council.toml and the returns."
        raise InputError(f"There is no folder {raw}. {advice}")


def sort_out(raw: Path) -> tuple[dict[Quarter, Path], list[Received]]:
    """The folder of each quarter in `raw`/returns, and what else lies there. Raises `InputError`
    where there is no such folder."""
    check_there(raw)
    in_book = {quarter: raw / "returns" / quarter.slug for quarter in book_quarters(raw)}
    if not (raw / "returns").is_dir() and (raw / COUNCIL_BOOK).is_file():
        return in_book, []
    if not (raw / "returns").is_dir():
        holds = "It holds one folder for each quarter, such as 2024-25-Q3."
        raise InputError(f'There is no folder "returns" in {raw}. {holds}')
    folders: dict[Quarter, Path] = {}
    others = []
    for path in _listed(raw / "returns"):
        try:
            quarter = Quarter.parse(path.name)
        except QuarterError:
            quarter = None
        if quarter is None or not path.is_dir():
            leftover = _LEFTOVERS.fullmatch(path.name)
            others.append(Received(path, "file-leftover" if leftover else "folder-other"))
        elif quarter in folders:
            others.append(Received(path, "folder-twice", folders[quarter].name))
        else:
            folders[quarter] = path
    return in_book | folders, others


def book_quarters(raw: Path) -> list[Quarter]:
    """The quarters with whose returns the figures in council.xlsx came, as far as can be read."""
    path = raw / COUNCIL_BOOK
    if not path.is_file():
        return []
    return list(_in_book(path.read_bytes()))


@lru_cache(maxsize=8)
def _in_book(content: bytes) -> tuple[Quarter, ...]:
    from kpi_tools.workbooks.child import Workbooks

    sheets = list[dict[str, Any]]()
    with Workbooks() as books, suppress(Refused):
        sheets = books.read(content)["sheets"]
    visible = (one["rows"] for one in sheets if one["name"] == FIGURES and not one["hidden"])
    rows = [cells for _, cells in next(visible, [])]
    first, place = received_heading(rows)
    found = set()
    for cells in rows[first + 1 :]:
        with suppress(QuarterError, IndexError):
            found.add(Quarter.parse(cells[place]))
    return tuple(sorted(found))


def received_heading(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The row and the place in it of the heading of when each figure came; no place, no row below
    without it."""
    headings = (
        (line, place)
        for line, cells in enumerate(rows)
        for place, text in enumerate(cells)
        if text.strip().casefold() == "received"
    )
    return next(headings, (len(rows), -1))


def files_in(folder: Path) -> list[Received]:
    """Every file of a folder in the order of their names, with what becomes of it."""
    raw = folder.parent.parent
    book = raw / COUNCIL_BOOK
    there = book.is_file() and Quarter.parse(folder.name) in book_quarters(raw)
    paths = [] if there and not folder.is_dir() else _listed(folder)
    names = {path.name.casefold() for path in paths}
    return [Received(book)] * there + [_sorted(path, names) for path in paths]


def returns_in(folder: Path) -> list[Path]:
    """The files of a folder that are to be read."""
    return [found.path for found in files_in(folder) if not found.code]


def raw_folder(raw: str | Path) -> Path:
    """The folder of raw data: where `raw` is relative, from the nearest folder above that has it.
    So `data/raw` means the same in a notebook, which runs in its own folder, as at the project's
    root. Raises `InputError` for a name that no folder can have."""
    path, here = Path(raw), Path.cwd()
    try:
        for base in (here, *here.parents):
            if (base / path / "council.toml").is_file():
                return path if path.is_absolute() else base / path
    except OSError as error:
        name = f"{str(path)[:60]}…" if len(str(path)) > 60 else str(path)
        raise InputError(f"The folder {name} cannot be opened: {error.strerror}.") from error
    return path


def quarters_with_returns(raw: str | Path) -> list[Quarter]:
    """The quarters with returns, oldest first. Raises `InputError` where there is no folder."""
    folders = sort_out(raw_folder(raw))[0]
    return sorted(quarter for quarter, folder in folders.items() if returns_in(folder))


def latest_quarter(raw: str | Path) -> Quarter:
    """The latest quarter with returns. Raises `InputError` where there is none."""
    if quarters := quarters_with_returns(raw):
        return quarters[-1]
    advice = "Put them into a folder named like 2024-25-Q3."
    raise InputError(f"There are no returns in {Path(raw) / 'returns'}. {advice}")


def strays(raw: Path, tables: Collection[str]) -> list[Path]:
    """What nobody reads of what lies beside a council's own `tables`, and in commentary/."""
    endings, words = (".csv", ".tsv", *WORKBOOK_ENDINGS, *OTHER_TABLES), raw / "commentary"
    known = {*tables, COUNCIL_BOOK}
    there = [path for path in _listed(raw) if path.name not in known]
    beside = [path for path in there if path.suffix.lower() in endings]
    texts = _listed(words) if words.is_dir() else []
    unread = [*beside, *(path for path in texts if not _COMMENTARY.fullmatch(path.name))]
    return [path for path in unread if not _LEFTOVERS.fullmatch(path.name)]


def _sorted(path: Path, names: set[str]) -> Received:
    ending, tables = path.suffix.lower(), TEXT_ENDINGS + WORKBOOK_ENDINGS
    for is_so, code, detail in (
        (_LEFTOVERS.fullmatch(path.name), "file-leftover", ""),
        (path.is_dir() and ending in tables + OTHER_TABLES, "file-folder", ""),
        (path.is_dir(), "folder-inside", ""),
        (not path.exists(), "file-unreadable", "it is a link to a file that is not there"),
        (path.is_file() and ending in OTHER_TABLES, "file-format", ""),
        (not path.is_file() or ending not in tables, "file-other", ""),
    ):
        if is_so:
            return Received(path, code, detail)
    for found in filter(None, (form.fullmatch(path.stem) for form in _COPY)):
        if (original := found["stem"] + path.suffix).casefold() in names:
            return Received(path, "file-copy", original)
    return Received(path)


def _listed(folder: Path) -> list[Path]:
    """What lies in a folder, by name. Raises `InputError` where it cannot be looked into."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        why = f"{error.strerror}. Check its rights."
        raise InputError(f"The folder {folder} cannot be opened: {why}") from error
