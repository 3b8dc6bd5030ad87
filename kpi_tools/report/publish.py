"""A finished folder under its final name in one step, one run at a time."""

import ctypes
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance import council_name

MANIFEST: Final = "manifest.json"
WORK: Final = ".work"
FAILED: Final = "_failed"
_ENTRIES: Final = dict.fromkeys(("quarter", "council", "notebook"), str) | dict.fromkeys(
    ("inputs", "outputs", "program", "parameters"), dict
)
_NOBODYS: Final = ("desktop.ini", "thumbs.db")
_TRIES: Final = 5


class BusyError(KpiError):
    """Another run holds the lock."""

    exit_status = 75


@contextmanager
def work_folder(outputs: Path, name: str) -> Iterator[Path]:
    """A new empty folder on the same filesystem, for the one run that may make `name` now. What a
    killed run left of `name` is put right first. The lock is the system's, not the file's: it ends
    with the process that holds it, so a lock file that stays means nothing."""
    place = outputs / WORK
    place.mkdir(parents=True, exist_ok=True)
    with open(place / f"{name}.lock", "a", encoding="utf-8") as lock:
        try:
            _lock(lock)
        except (BlockingIOError, PermissionError):
            raise BusyError(
                f"{name} is being made by another run at this moment. Wait until it has ended."
            ) from None
        aside = _aside(outputs / name)
        if aside.is_dir() and not (outputs / name).exists():
            aside.rename(outputs / name)
        for left in place.glob(f"{name}.*/"):
            shutil.rmtree(left, ignore_errors=True)
        # Not mkdtemp: its folders are closed to everyone else, and this one is to be published.
        work = place / f"{name}.{secrets.token_hex(4)}"
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _aside(final: Path) -> Path:
    return final.parent / WORK / f"{final.name}.aside"


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def replace_folder(folder: Path, final: Path) -> None:
    """Give the finished `folder` the name `final`; an older folder of that name is removed.

    Linux and macOS exchange the two names in one step, where the filesystem can: a reader, and
    whoever looks after a kill, finds the whole old folder or the whole new one. Elsewhere (Windows,
    some network shares) the old folder is first renamed to `aside`: for an instant there is
    neither, and a run killed in that instant leaves the old folder at `aside`, from where the next
    run restores it (`work_folder`). Half a folder is never under the final name.
    """
    aside = _aside(final)
    for path in (*sorted(folder.rglob("*")), folder):
        _flush(path)
    try:
        if not final.exists():
            _rename(folder, final)
        elif _exchange(folder, final):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _rename(final, aside)
            try:
                _rename(folder, final)
            except OSError:
                _rename(aside, final)
                raise
            shutil.rmtree(aside, ignore_errors=True)
    except PermissionError as error:
        raise KpiError(
            f"{final} could not be replaced and is as it was: {error.strerror}. "
            "Close the files of that folder in other programs, then run again."
        ) from error
    _flush(final.parent)


def _rename(folder: Path, name: Path) -> None:
    """A virus scanner or a cloud folder may hold a new file for a moment (Windows): try again."""
    for _ in range(_TRIES - 1):
        with suppress(PermissionError):
            folder.rename(name)
            return
        time.sleep(0.2)
    folder.rename(name)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where this system or filesystem cannot."""
    names = (os.fsencode(one.absolute()), os.fsencode(other.absolute()))
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            current_folder, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h
            return libc.renameat2(current_folder, names[0], current_folder, names[1], exchange) == 0
        if sys.platform == "darwin":
            swap = 2  # RENAME_SWAP of sys/stdio.h
            return libc.renamex_np(*names, swap) == 0
    except (OSError, AttributeError, TypeError):
        pass  # no C library to be called, or one that is too old
    return False


def _flush(path: Path) -> None:
    """Have a file or folder written to the disk."""
    if not path.is_dir():
        with open(path, "rb+") as file:
            os.fsync(file)
        return
    # Windows cannot open a folder, and some network shares cannot flush one
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def manifest_of(folder: Path) -> dict[str, Any]:
    """What the manifest in a report's folder says. Raises `InputError` where there is none."""
    path = folder / MANIFEST
    try:
        noted = json.loads(path.read_text(encoding="utf-8"))
        lacking = [name for name, kind in _ENTRIES.items() if not isinstance(noted.get(name), kind)]
    except FileNotFoundError:
        nothing = "so there is nothing to compare it with"
        raise InputError(f"{folder} has no {MANIFEST}, {nothing}.") from None
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} is not the manifest of a report: {error}.") from None
    if lacking:
        raise InputError(f"{path} is not the manifest of a report: it has no {lacking[0]}.")
    return dict(noted)


def as_json(content: Mapping[str, Any]) -> str:
    """A manifest as the text of its file."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def check_replaceable(final: Path, raw: Path) -> None:
    """Raise `KpiError` where the folder holds a file that we did not make, or another council's
    report than that of `raw`."""
    if final.is_symlink() or (final.exists() and not final.is_dir()):
        raise KpiError(f"{final} is not a folder. Move it away, then run again.")
    if not final.exists():
        return
    noted, ours = dict[str, Any](), set[str]()
    with suppress(InputError):
        noted = manifest_of(final)
        ours = {MANIFEST, *noted["outputs"]}
    for path in sorted(final.iterdir()):
        theirs = path.name.startswith((".", "~$")) or path.name.lower() in _NOBODYS
        if path.name not in ours and not theirs:
            raise KpiError(
                f"{path} was not made by this command, which replaces the whole folder. Move it "
                "away, then run again."
            )
    if noted and noted["council"] != (name := council_name(raw)):
        raise KpiError(
            f"{final} holds the report of {noted['council']}, and this one is of {name}. "
            "Give another folder with --outputs, or move that report away."
        )
