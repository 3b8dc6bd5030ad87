"""A finished folder under its final name in one step, and one run at a time: what the operating system can promise."""

import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from kpi_tools.errors import KpiError

WORK = ".work"
FAILED = "_failed"


class BusyError(KpiError):
    """Another run holds the lock."""

    exit_status = 75


@contextmanager
def work_folder(outputs: Path, name: str) -> Iterator[Path]:
    """A new empty folder on the same filesystem as `outputs`, for the one run that may make `outputs/name` now.

    It is gone afterwards, whatever happened. What a killed run left of `name` is put right first.
    Raises `BusyError` at once where another run of `name` is going on. The lock is the system's, not the file's:
    it ends with the process that holds it, so a lock file that stays behind means nothing.
    """
    (outputs / WORK).mkdir(parents=True, exist_ok=True)
    with open(outputs / WORK / f"{name}.lock", "a", encoding="utf-8") as lock:
        _lock(lock, name)
        _recover(outputs, name)
        # Not mkdtemp: its folders are closed to everyone else, and this one is to be published.
        work = outputs / WORK / f"{name}.{secrets.token_hex(4)}"
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _lock(lock: IO[str], name: str) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise BusyError(
            f"{name} is being made by another run at this moment. Wait until it has ended."
        ) from None


def _recover(outputs: Path, name: str) -> None:
    aside = outputs / WORK / f"{name}.aside"
    if aside.is_dir() and not (outputs / name).exists():
        aside.rename(outputs / name)
    for left in (outputs / WORK).glob(f"{name}.*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)


def publish(folder: Path, final: Path, aside: Path) -> None:
    """Give the finished `folder` the name `final`; an older folder of that name is removed.

    Linux and macOS exchange the two names in one step, where the filesystem can: a reader, and whoever looks after a
    kill, finds the whole old folder or the whole new one. Elsewhere (Windows, some network shares) the old folder is
    first renamed to `aside`: for an instant there is neither, and a run killed in that instant leaves the old folder
    at `aside`, from where the next run restores it (`work_folder`). Half a folder is never under the final name.
    """
    flush_folder(folder)
    try:
        if not final.exists():
            folder.rename(final)
        elif _exchange(folder, final):
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _replace_in_two_steps(folder, final, aside)
    except PermissionError as error:
        raise KpiError(
            f"{final} could not be replaced and is as it was: {error.strerror}. "
            "Close the files of that folder in other programs, then run again."
        ) from error
    _flush(final.parent)


def _replace_in_two_steps(folder: Path, final: Path, aside: Path) -> None:
    final.rename(aside)
    try:
        folder.rename(final)
    except OSError:
        aside.rename(final)
        raise
    shutil.rmtree(aside, ignore_errors=True)


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


def flush_folder(folder: Path) -> None:
    """Have every file of `folder`, and the folder itself, written to the disk."""
    for path in sorted(folder.rglob("*")):
        _flush(path)
    _flush(folder)


def _flush(path: Path) -> None:
    if not path.is_dir():
        with open(path, "rb+") as file:
            os.fsync(file)
        return
    with suppress(
        OSError
    ):  # Windows cannot open a folder, and some network shares cannot flush one
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
