"""`python -m kpi_tools …` where there is nothing but Python: makes the environment once, then runs
the command in it.

Standard library only, and only syntax that an old Python can read, so that it can say it is too
old. The environment is the folder `.venv` beside the package, made from requirements.lock. Its mark
is written last and names the lock, the folder and the Python it was made from: an interrupted,
outdated or moved environment is never used, nor one whose Python has gone. A `.venv` without a mark
is somebody else's, and left alone.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MARK = ENVIRONMENT / "kpi-tools-set-up"
LOG = ENVIRONMENT / "set-up.log"
SET_UP_LOCK = ROOT / ".venv.guard"
INTERRUPTED = 130
VERSION = ".".join(map(str, sys.version_info[:2]))

FAILED = (
    "The environment could not be made. It needs the internet, or the package mirror of your "
    "organisation (its IT service knows what to give to `pip config set global.index-url`), about "
    "1.5 GB of disk, and a Python of 64 bit that can make environments (on Debian and Ubuntu "
    "`sudo apt install python3-venv`). A package that differs from the one this project was tested "
    "with is never used: tell whoever runs the mirror, and do not go round this. What failed:"
)


class SetUpError(Exception):
    """The environment could not be made. Its text is for an analyst."""


def say(text: str) -> None:
    """Tell the user; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def installed() -> bool:
    """Whether this Python's own environment holds the package, from this very folder."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("kpi-tools")
    except PackageNotFoundError:
        return False
    return ROOT in [Path(place).resolve() for place in sys.path[1:]]  # first is where we were begun


def wanted() -> str:
    """What the mark of an up-to-date environment says."""
    place = os.fsencode(str(ROOT)).decode("utf-8", "replace")  # the same in every locale
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n{place}\nPython {VERSION}\n"


def ready() -> bool:
    """Whether the environment is there and up to date."""
    there = PYTHON.exists() and MARK.is_file()
    return there and MARK.read_text(encoding="utf-8") == wanted()


@contextlib.contextmanager
def alone() -> "Iterator[None]":
    """One set-up at a time. The lock goes when its holder and the tools it started have ended."""
    with SET_UP_LOCK.open("ab") as handle:
        if not locked(handle.fileno()):
            say("Another set-up of this folder is running; waiting for it.")
            while not locked(handle.fileno()):
                time.sleep(0.5)
        os.set_inheritable(handle.fileno(), True)
        yield


def locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def set_up() -> None:
    """Make the environment from the lock, from the beginning. Raises `SetUpError`."""
    if ENVIRONMENT.exists():
        if not MARK.is_file() and (not ENVIRONMENT.is_dir() or os.listdir(str(ENVIRONMENT))):
            raise SetUpError(
                f"{ENVIRONMENT} was not made by this command, so it is left alone. If it is an "
                "environment of yours, install the project in it (CONTRIBUTING.md) and run the "
                "command with its Python; else move it away and run again."
            )
        # first: what is left if this is interrupted does not pass for an environment
        with contextlib.suppress(FileNotFoundError):
            PYTHON.unlink()
        shutil.rmtree(str(ENVIRONMENT))
    often = "once, about a minute, longer on a slow network"
    say(f"Setting up the environment in {ENVIRONMENT}: {often}.")
    ENVIRONMENT.mkdir()
    MARK.write_text("unfinished", encoding="utf-8")
    call([sys.executable, "-m", "venv", str(ENVIRONMENT)])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    pip.append("--no-deps")
    call([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(LOCK)])
    call([*pip, "--no-build-isolation", "--editable", str(ROOT)])
    # Python 3.11 reads the file that points to the package in the encoding of the locale: with the
    # locale C and in a folder such as `Année` it would not even start. A relative path is ASCII.
    for path in ENVIRONMENT.glob("[Ll]ib/**/site-packages/kpi_tools.pth"):
        path.write_text(os.path.relpath(str(ROOT), str(path.parent)) + "\n", encoding="ascii")
    MARK.write_text(wanted(), encoding="utf-8")


def call(command: "list[str]") -> None:
    """Run a tool, its words into the log; raise `SetUpError` with its last ones where it fails."""
    settings = dict(os.environ, PIP_USER="0", PYTHONIOENCODING="utf-8")
    with LOG.open("ab") as log:  # close_fds: the tool holds the lock too
        done = subprocess.call(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=settings,
            close_fds=False,
        )
    if done:
        log_text = LOG.read_text(encoding="utf-8", errors="replace")
        last = "\n".join("    " + line[:160] for line in log_text.strip().splitlines()[-5:])
        raise SetUpError(f"{FAILED}\n{last}\n    (all of it: {LOG})")


def hand_over() -> int:
    """Run the same command in the environment. Its exit status is ours."""
    # whatever the user's locale and settings of Python are (-E), they have no part in a report
    command = [str(PYTHON), "-X", "utf8", "-E", "-m", "kpi_tools", *sys.argv[1:]]
    settings = dict(os.environ, PYTHON_COLORS="0")
    if os.name == "posix":
        os.execve(command[0], command, settings)
    process = subprocess.Popen(command, env=settings)
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # the command has had it too, and says so
            return process.wait()


def main() -> int:
    """Run the `kpi` command: here where it is installed, else in the environment made for it."""
    if sys.version_info < (3, 11):
        say(
            f"This needs Python 3.11 or newer; {sys.executable} is {VERSION}. Install a newer one "
            "from python.org (or your software centre) and start the command with it."
        )
        return 1
    if installed():
        from kpi_tools.cli import main as run

        return run() or 0
    try:
        if Path(sys.prefix).resolve() == ENVIRONMENT:
            raise SetUpError(
                "The set-up of this environment was interrupted or undone, and it cannot mend "
                "itself from within. Leave it (`deactivate`) and run the command again."
            )
        if not ready():
            with alone():
                if not ready():
                    set_up()
                    say("The environment is ready.")
        return hand_over()
    except KeyboardInterrupt:
        say("\nInterrupted. The next run starts the set-up again.")
        return INTERRUPTED
    except SetUpError as error:
        say(str(error))
    except OSError as error:
        say(
            f"The environment could not be made in {ROOT}: {error}. The folder must be writable, "
            "with about 1.5 GB free, and no other program may be using .venv."
        )
    return 1


if __name__ == "__main__":
    sys.exit(main())
