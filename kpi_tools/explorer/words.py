"""Commentary and management action written beside the evidence, into the council's own file.

`Desk` shows what stands there, the draft, and what `check` says after a save. One writer at a time;
encoding, separator, line ends and the cells of every other row stay as they are. The file is
replaced in one step, and never over what somebody else has written since it was shown.
"""

import csv
import io
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from kpi_tools.checks import release_findings
from kpi_tools.errors import InputError, KpiError
from kpi_tools.explorer.evidence import TEXTS, Evidence, commentary_so_far
from kpi_tools.explorer.points import remarks
from kpi_tools.explorer.sentences import doubts_in_words, draft
from kpi_tools.loading import commentary_now, raw_folder
from kpi_tools.provenance import council_name
from kpi_tools.quarters import Quarter
from kpi_tools.report import OUTPUTS_GIVEN, outputs_of
from kpi_tools.report.publish import manifest_of
from kpi_tools.rows import is_text, rows_of
from kpi_tools.scorecard import in_last_band
from kpi_tools.scorecard.actions import OPEN, followed
from kpi_tools.tokens import kpi_figures
from kpi_tools.wording import plural

Texts = tuple[str, str]
"""Commentary and management action of a KPI."""

_COLUMNS = ["kpi_id", "section", *TEXTS, "author", "status"]
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_PATIENCE, _STALE = 3.0, 60.0
"""For how many seconds a writer waits for another, and when a lock has been left behind."""


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
    after: bytes | None


class Desk:
    """The words of one quarter's report. `saved`: what can be undone, the last save last."""

    def __init__(self, known: Evidence, commentary: pd.DataFrame, raw: str) -> None:
        self.known, self.commentary = known, commentary
        self.raw, self.quarter = raw_folder(raw), known.returns.quarter
        self.saved = list[Written]()

    def show(self, kpi_id: str) -> dict[str, Any]:
        """What stands there of a KPI, its draft, earlier texts, open actions; why not to write."""
        kpi, council = self.known.kpi(kpi_id), self.known.returns.council
        now, place, why_not = ("", ""), "", self._why_not(kpi_id)
        try:
            path = words_file(self.raw, self.quarter)
            now, place = read_words(path, kpi_id), f"{path.parent.name}/{path.name}"
        except (KpiError, OSError) as error:
            why_not = why_not or str(error)
        sent = [kpi[name] if is_text(kpi[name]) else "" for name in TEXTS]
        earlier = self.commentary
        earlier = earlier[(earlier["quarter"] < self.quarter.label) & (earlier["kpi_id"] == kpi_id)]
        actions = followed(self.known.returns)
        actions = actions[(actions["kpi_id"] == kpi_id) & (actions["status"] == OPEN)]
        return {
            "now": list(now),
            "texts": list(now) if any(now) else sent,
            "draft": draft(self.known, kpi_id),
            "tokens": {name: text for name, text in kpi_figures(kpi).items() if text},
            "before": [
                text
                for row in rows_of(commentary_so_far(self.known, earlier))[-1:]
                for text in remarks(row, self.known.terms)
            ],
            "actions": [
                f"{row['action']} ({row['owner']}, due {row['due']})" for row in rows_of(actions)
            ],
            "action_required": bool(in_last_band(self.known.of("kpis", kpi_id), council).any()),
            "action": self.known.terms.head("management_action"),
            "why_not": why_not,
            "place": place,
            "undo": bool(self.saved),
        }

    def save(self, kpi_id: str, texts: list[str], shown: list[str] | None = None) -> dict[str, Any]:
        """Write both texts; a conflict gives `theirs`. Then what `check` finds of the KPI."""
        if why_not := self._why_not(kpi_id):
            raise KpiError(why_not)
        path = words_file(self.raw, self.quarter)
        stood = None if shown is None else (shown[0], shown[1])
        try:
            self.saved.append(save_words(path, kpi_id, (texts[0], texts[1]), stood))
        except ConflictError as error:
            return {"theirs": list(error.theirs), "message": str(error)}
        return self._after(kpi_id, f"Saved in {path.parent.name}/{path.name}")

    def undo(self, kpi_id: str) -> dict[str, Any]:
        """Take the last save back."""
        if not self.saved:
            raise KpiError("There is nothing to undo.")
        undo(self.saved[-1])
        self.saved.pop()
        return self._after(kpi_id, "The last save is undone")

    def _after(self, kpi_id: str, done: str) -> dict[str, Any]:
        """The desk after a save, with what `check` finds in the words on the KPI."""
        written, problems = commentary_now(self.raw, self.known.returns)
        others = self.commentary[self.commentary["quarter"] != self.quarter.label]
        written = written.assign(quarter=self.quarter.label)
        self.commentary = pd.concat([others, written], ignore_index=True)
        written = written[written["kpi_id"] == kpi_id].reset_index(drop=True)
        findings = release_findings(
            replace(self.known.returns, commentary=written.drop(columns="quarter")),
            self.known.of("recent", kpi_id),
            same=self.known.kpis.head(0),
            earlier=self.commentary,
        )
        findings = findings[findings["place"].str.startswith("commentary/")]
        path = words_file(self.raw, self.quarter)
        file = _File(path.read_bytes()) if path.exists() else None
        faults = problems[problems["row"] == (file.lines[file.place(kpi_id)] if file else 0)]
        found = [f"{row['rule']} {row['remedy']}" for row in rows_of(faults)]
        found += [f"{row['finding']} {row['remedy']}" for row in rows_of(findings)]
        message = f"{done}; {plural(len(found), 'finding')}."
        return {"message": message, "found": found, **self.show(kpi_id)}

    def _why_not(self, kpi_id: str) -> str:
        if is_published(self.raw, self.quarter):
            title = self.quarter.title
            return f"The report of {title} is published: its words can be read, not changed."
        return doubts_in_words(self.known, kpi_id)


def is_published(raw: Path, quarter: Quarter) -> bool:
    """Whether the outputs hold the final report of a quarter."""
    places, council = {outputs_of(raw)}, council_name(raw)
    if given := os.environ.get(OUTPUTS_GIVEN):
        places.add(Path(given))
    for outputs in places:
        with suppress(InputError):  # there is no report
            noted = manifest_of(outputs / quarter.slug)
            if noted.get("edition") == "final" and noted["council"] == council:
                return True
    return False


def words_file(raw: Path, quarter: Quarter) -> Path:
    """The CSV file with the words of a quarter, there or not yet. Raises `KpiError` where they
    stand in a workbook or in several files."""
    folder = raw / "commentary"
    there = sorted(folder.glob(f"{quarter.slug}.*"))
    found = [path for path in there if path.suffix.lower() in (".csv", ".xlsx")]
    if len(found) > 1 or any(path.suffix.lower() != ".csv" for path in found):
        names = " and ".join(path.name for path in found)
        raise KpiError(f"The words of {quarter.title} stand in {names}: write them there.")
    return found[0] if found else folder / f"{quarter.slug}.csv"


def read_words(path: Path, kpi_id: str) -> Texts:
    """What stands in the file of a KPI; empty texts where nothing does."""
    return _File(path.read_bytes()).texts(kpi_id) if path.exists() else ("", "")


def save_words(path: Path, kpi_id: str, texts: Texts, expected: Texts | None) -> Written:
    """Write the texts of a KPI; empty ones take its row away. `expected`: what stood there when it
    was shown; another raises `ConflictError`; None writes over whatever stands there. Raises
    `KpiError` where the file is open elsewhere, cannot be written, or cannot hold a character."""

    def change(before: bytes | None) -> bytes:
        file = _File((",".join(_COLUMNS) + "\r\n").encode() if before is None else before)
        there = file.texts(kpi_id)
        if expected is not None and there != expected:
            raise ConflictError(there)
        return file.with_texts(kpi_id, texts)

    return _rewrite(path, change)


def undo(saved: Written) -> None:
    """Put the file back as it was before a save; `KpiError` where it has been changed since."""

    def change(now: bytes | None) -> bytes | None:
        if now != saved.after:
            raise KpiError(f"{saved.path.name} has been changed since, so the save is not undone.")
        return saved.before

    _rewrite(saved.path, change)


class _File:
    """A CSV file as rows of cells, to be written back with its encoding, separator and line ends.
    `lines`: on which line each row begins."""

    def __init__(self, content: bytes) -> None:
        self.encoding = _MARKS.get(content[:2], "utf-8")
        try:
            text = content.decode(self.encoding)
        except UnicodeDecodeError:
            self.encoding = "cp1252"
            text = content.decode(self.encoding)
        self.mark = "\ufeff" if text.startswith("\ufeff") else ""
        lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        first = lines[0] if lines else ""
        self.separator = max(",;\t|", key=first.count)
        self.end = first[len(first.rstrip("\r\n")) :] or "\r\n"
        self.quoting: Any = csv.QUOTE_ALL if first.startswith('"') else csv.QUOTE_MINIMAL
        self.rows, self.lines = list[list[str]](), [1]
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        try:
            for cells in reader:
                self.rows.append(cells)
                self.lines.append(reader.line_num + 1)
        except csv.Error as error:
            raise KpiError(
                f"The quotation marks in the file of the words do not match, in line "
                f"{reader.line_num} or before it, so nothing is written."
            ) from error
        self.head = [cell.strip().casefold() for cell in self.rows[0]] if lines else []
        if missing := [name for name in ("kpi_id", *TEXTS) if name not in self.head]:
            raise KpiError(
                f"The file of the words has no column {missing[0]}, so nothing is written."
            )

    def place(self, kpi_id: str) -> int:
        """Which row is that of a KPI; the one after the last where none is."""
        at, name = self.head.index("kpi_id"), kpi_id.casefold()
        ids = ["".join(cells[at : at + 1]).strip().casefold() for cells in self.rows]
        if ids[1:].count(name) > 1:
            raise KpiError(
                f"{kpi_id} stands twice in the file of the words: take one row out first."
            )
        return ids.index(name, 1) if name in ids[1:] else len(ids)

    def row(self, kpi_id: str) -> list[str]:
        """The cells of a KPI, empty ones where it has none."""
        cells = [cell for row in self.rows[self.place(kpi_id) :][:1] for cell in row]
        return cells + [""] * (len(self.head) - len(cells))

    def texts(self, kpi_id: str) -> Texts:
        """Commentary and management action of a KPI, or empty ones."""
        first, second = (self.row(kpi_id)[self.head.index(name)] for name in TEXTS)
        return first, second

    def with_texts(self, kpi_id: str, texts: Texts) -> bytes:
        """The file with other texts of a KPI; without its row where both are empty."""
        place, cells = self.place(kpi_id), self.row(kpi_id)
        given = dict(zip(TEXTS, texts, strict=True))
        given["kpi_id"] = cells[self.head.index("kpi_id")] or kpi_id
        for name, text in given.items():
            cells[self.head.index(name)] = "\n".join(text.strip().splitlines())
        new = [cells] if any(text.strip() for text in texts) else []
        out = io.StringIO(newline="")
        form: dict[str, Any] = {"delimiter": self.separator, "lineterminator": self.end}
        csv.writer(out, quoting=self.quoting, **form).writerows(
            [*self.rows[:place], *new, *self.rows[place + 1 :]]
        )
        try:
            return (self.mark + out.getvalue()).encode(self.encoding)
        except UnicodeEncodeError as error:
            raise KpiError(
                f"The file is in {self.encoding}, which has no {error.object[error.start]!r}: "
                "write it otherwise, or save the file as UTF-8 first."
            ) from error


def _rewrite(path: Path, change: Callable[[bytes | None], bytes | None]) -> Written:
    """Put in the place of a file, in one step, what `change` makes of it (None: no file). One
    writer at a time: its successor is a file that only one can make."""
    for name in (f"~${path.name}", f".~lock.{path.name}#"):
        if (path.parent / name).exists():
            raise KpiError(
                f"{path.name} is open in another program: close it there, then save again."
            )
    work, until = path.with_name(f".{path.name}.writing"), time.monotonic() + _PATIENCE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while not (file := _begun(work)):
            if time.monotonic() > until:
                raise KpiError(f"{path.name} is being written at this moment: save again.")
            time.sleep(0.05)
        try:
            with file:
                before = path.read_bytes() if path.exists() else None
                after = change(before)
                file.write(after or b"")
                file.flush()
                os.fsync(file.fileno())
            if before is not None:
                work.chmod(path.stat().st_mode)
            work.replace(path)
            if after is None:
                path.unlink()
        except BaseException:
            work.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise KpiError(
            f"{path.name} could not be written: {error.strerror}. Is it open in another program?"
        ) from error
    return Written(path, before, after)


def _begun(work: Path) -> BinaryIO | None:
    """A new file; None where somebody else is at it, for whom nobody waits after a minute."""
    with suppress(FileExistsError):
        return work.open("xb")
    with suppress(OSError):
        if time.time() - work.stat().st_mtime > _STALE:
            work.unlink()
    return None
