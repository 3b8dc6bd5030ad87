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
import json
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

REMEDIES = (
    (
        ("No space left on device", "not enough space on the disk", "Disk quota exceeded"),
        "The disk is full. The set-up needs about 1.5 GB; make room and run the command again.",
    ),
    (
        ("ensurepip is not available", "No module named ensurepip", "No module named venv"),
        "This Python cannot make environments. On Debian and Ubuntu install the missing part with "
        "`sudo apt install python3-venv`; elsewhere use the Python of python.org. Then run the "
        "command again.",
    ),
    (
        ("No module named pip",),
        "The folder .venv was made by another tool, without pip. "
        "Delete it and run the command again, or install the project in it yourself "
        "(CONTRIBUTING.md).",
    ),
    (
        ("DO NOT MATCH THE HASHES", "REQUIRE HASHES"),
        "A package differs from the one this project was tested with, so nothing of it was used. "
        "Tell whoever runs your package mirror; do not go round this.",
    ),
    (
        ("Long Path support",),
        "The path of this folder is too long for Windows. Move it to a short one, such as C:\\kpi, "
        "and run the command again.",
    ),
    (
        (
            "establish a new connection",
            "Max retries exceeded",
            "NameResolutionError",
            "getaddrinfo failed",
            "timed out",
            "ProxyError",
            "SSLError",
            "CERTIFICATE_VERIFY_FAILED",
            "ConnectionResetError",
        ),
        "The package index was not reached. The first run needs the internet, or the package "
        "mirror of your organisation (its IT service knows what to give to "
        "`pip config set global.index-url`).",
    ),
    (
        ("No matching distribution found",),
        f"A package was not found for Python {sys.version_info[0]}.{sys.version_info[1]} on this "
        "computer. Use Python 3.11 or later (64 bit); if you use a package mirror, it may lack the "
        "package named below.",
    ),
)


class SetUpError(Exception):
    """The environment could not be made. Its text is for an analyst."""


def say(text: str) -> None:
    """Tell the user; standard output belongs to the command."""
    print(text, file=sys.stderr, flush=True)


def installed() -> bool:
    """Whether this Python's own environment holds the package, from this very folder."""
    from importlib import metadata
    from urllib.parse import unquote_to_bytes, urlsplit
    from urllib.request import url2pathname

    try:
        distribution = metadata.distribution("kpi-tools")
    except metadata.PackageNotFoundError:
        return False
    places = [Path(str(distribution.locate_file("")))]
    origin = distribution.read_text("direct_url.json")
    if origin:
        path = urlsplit(json.loads(origin)["url"]).path
        places.append(
            Path(url2pathname(path) if os.name == "nt" else os.fsdecode(unquote_to_bytes(path)))
        )
    return any(place.resolve() == ROOT for place in places)


def wanted() -> str:
    """What the mark of an up-to-date environment says."""
    place = os.fsencode(str(ROOT)).decode("utf-8", "replace")  # the same in every locale
    return f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()}\n{place}\n{python()}\n"


def python() -> str:
    """The Python that runs this, and would make the environment."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def mark() -> str:
    """The mark; "" where there is none, "unfinished" while a set-up runs and after it failed."""
    try:
        return MARK.read_text(encoding="utf-8")
    except OSError:
        return ""


def inside() -> bool:
    return Path(sys.prefix).resolve() == ENVIRONMENT


def ready() -> bool:
    return PYTHON.exists() and mark() == wanted()


def write_mark(text: str) -> None:
    draft = MARK.with_name(MARK.name + ".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(MARK)


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
    """Make the environment, or bring it up to the lock. Raises `SetUpError`."""
    if (
        ENVIRONMENT.exists()
        and not mark()
        and (not ENVIRONMENT.is_dir() or os.listdir(str(ENVIRONMENT)))
    ):
        raise SetUpError(
            f"{ENVIRONMENT} was not made by this command, so it is left alone. If it is an "
            "environment of yours, install the project in it (CONTRIBUTING.md) and run the command "
            "with its Python; else move it away and run again."
        )
    outdated = PYTHON.exists() and mark().splitlines()[2:] == [python()]
    doing = "Updating" if outdated else "Setting up"
    say(
        f"{doing} the environment in {ENVIRONMENT}: once, about a minute, longer on a slow network."
    )
    if not outdated:
        if inside():
            raise SetUpError(
                "The set-up of this environment was interrupted and it cannot mend itself from "
                "within. Leave it (`deactivate`) and run the command again."
            )
        # first: what is left if this is interrupted does not pass for an environment
        with contextlib.suppress(FileNotFoundError):
            PYTHON.unlink()
        if ENVIRONMENT.exists():
            shutil.rmtree(str(ENVIRONMENT))
        ENVIRONMENT.mkdir()
    write_mark("unfinished")
    LOG.write_text("", encoding="utf-8")
    if not outdated:
        call([sys.executable, "-m", "venv", str(ENVIRONMENT)])
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
    pip.append("--no-deps")
    call([*pip, "--require-hashes", "--only-binary=:all:", "-r", str(LOCK)])
    call([*pip, "--no-build-isolation", "--editable", str(ROOT)])
    point_back()
    write_mark(wanted())


def point_back() -> None:
    """Have the environment find the package by a relative path, which is plain ASCII.

    Python 3.11 reads such a file in the encoding of the locale: in a folder such as `Année` and
    with the locale C it would not even start.
    """
    for path in ENVIRONMENT.glob("[Ll]ib/**/site-packages/kpi_tools.pth"):
        path.write_text(os.path.relpath(str(ROOT), str(path.parent)) + "\n", encoding="ascii")


def call(command: "list[str]") -> None:
    """Run a tool, its words into the log; raise `SetUpError` with the remedy where it fails."""
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
        raise SetUpError(explain(LOG.read_text(encoding="utf-8", errors="replace")))


def explain(log: str) -> str:
    """The remedy for what the log shows, then its last words."""
    known = (sentence for signs, sentence in REMEDIES if any(sign in log for sign in signs))
    last = "\n".join("    " + line[:160] for line in log.strip().splitlines()[-5:])
    return f"{next(known, 'The environment could not be made:')}\n{last}\n    (all of it: {LOG})"


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
            f"This needs Python 3.11 or newer; {sys.executable} is {sys.version_info[0]}."
            f"{sys.version_info[1]}. Install a newer one from python.org (or your software centre) "
            "and start the command with it."
        )
        return 1
    if installed():
        from kpi_tools.cli import main as run

        return run() or 0
    try:
        if inside() and ready():
            raise SetUpError(
                f"The package is no longer installed in {ENVIRONMENT}. Delete that folder and run "
                "again."
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
