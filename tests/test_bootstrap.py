"""`python -m kpi_tools` on a machine without the environment, in a small checkout and without the internet.

The checkout has our `__main__.py`, a command that shows what it was given, and a lock of two packages built here.
"""

import ast
import base64
import contextlib
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import kpi_tools
from kpi_tools import __main__ as bootstrap

PACKAGE = Path(kpi_tools.__file__).parent
WINDOWS = os.name == "nt"

COMMAND = """
import sys

def main():
    print("ran", sys.argv[1:], sys.prefix != sys.base_prefix)
    if sys.argv[1:] == ["wait"]:
        import time
        print("waiting", flush=True)
        time.sleep(60)
    return 7 if "fail" in sys.argv else 0
"""

PYPROJECT = """
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
[project]
name = "kpi-tools"
version = "0.1.0"
description = "test"
[tool.flit.module]
name = "kpi_tools"
"""


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    """A wheel of `files` in `folder`; returns its line of the lock."""
    about = f"{name}-{version}.dist-info"
    files = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = io.StringIO()
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        csv.writer(record, lineterminator="\n").writerow([path, f"sha256={digest}", len(content)])
    record.write(f"{about}/RECORD,,\n")
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, content in (files | {f"{about}/RECORD": record.getvalue().encode()}).items():
            archive.writestr(inside, content)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{name}=={version} \\\n    --hash=sha256:{digest}\n"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A folder of wheels in place of the package index, and the line of the lock for each."""
    folder = tmp_path_factory.mktemp("mirror")
    flit = metadata.distribution("flit_core")
    files = [file for file in flit.files or () if file.parts[0] == "flit_core"]
    files = [file for file in files if "__pycache__" not in file.parts]
    content = {str(file): Path(file.locate()).read_bytes() for file in files}
    lines = {
        "flit": wheel(folder, "flit_core", flit.version, content),
        "one": wheel(folder, "small", "1.0", {"small.py": b"VERSION = 1\n"}),
        "two": wheel(folder, "small", "2.0", {"small.py": b"VERSION = 2\n"}),
    }
    return folder, lines


class Checkout:
    """A folder with the package, its lock, and what pip is told about where packages are."""

    def __init__(self, folder: Path, mirror: tuple[Path, dict[str, str]]) -> None:
        self.folder, (wheels, self.lines) = folder, mirror
        (folder / "kpi_tools").mkdir(parents=True)
        for name in ("__init__.py", "__main__.py"):
            shutil.copy(PACKAGE / name, folder / "kpi_tools")
        (folder / "kpi_tools/cli.py").write_text(COMMAND, encoding="utf-8")
        (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
        self.lock("flit", "one")
        theirs = ("PIP_", "PYTHON")
        self.environ = {one: it for one, it in os.environ.items() if not one.startswith(theirs)}
        self.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        self.environ["PIP_CONFIG_FILE"] = os.devnull

    def lock(self, *names: str) -> None:
        lines = "".join(self.lines[name] for name in names)
        (self.folder / "requirements.lock").write_text(lines, encoding="utf-8")

    def start(
        self, *arguments: str, python: str | Path = sys._base_executable, **more: str
    ) -> subprocess.Popen[str]:
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
        command = [python, "-m", "kpi_tools", *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environ | more, **how)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **more) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @property
    def python(self) -> Path:
        return self.folder / ".venv" / ("Scripts/python.exe" if WINDOWS else "bin/python")

    @property
    def mark(self) -> Path:
        return self.folder / ".venv" / bootstrap.MARK.name

    def small(self) -> str:
        """The version of the locked package that the environment has."""
        ask = [self.python, "-c", "import small; print(small.VERSION)"]
        return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def made(tmp_path_factory, mirror):
    """A checkout, its path with a space and an accent, whose environment has been made by asking for help."""
    checkout = Checkout(tmp_path_factory.mktemp("check out é"), mirror)
    first = checkout.run("--help")
    assert (first.returncode, first.stdout) == (0, "ran ['--help'] True\n"), first.stderr
    assert first.stderr.startswith("Setting up the environment in ")
    assert len(first.stderr.splitlines()) == 2
    return checkout


@pytest.fixture
def checkout(tmp_path, mirror):
    """A checkout without an environment."""
    return Checkout(tmp_path / "checkout", mirror)


def test_is_made_once_and_then_only_used(made):
    written = made.mark.stat().st_mtime_ns
    again = made.run("report", "2024-25 Q3", "fail", PIP_FIND_LINKS="nowhere")
    assert (again.returncode, again.stderr) == (7, "")
    assert again.stdout == "ran ['report', '2024-25 Q3', 'fail'] True\n"
    assert made.mark.stat().st_mtime_ns == written


@pytest.mark.skipif(WINDOWS, reason="a locale of POSIX")
def test_an_accent_in_the_path_does_not_mind_the_locale(made):
    """Python 3.11 reads the file that points to the package in the locale's encoding, and ends where it cannot."""
    assert not str(made.folder).isascii()
    plain = made.run("report", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (plain.returncode, plain.stdout, plain.stderr) == (0, "ran ['report'] True\n", "")
    (pointer,) = (made.folder / ".venv" / "lib").glob("python*/site-packages/kpi_tools.pth")
    assert pointer.read_text(encoding="ascii") == "../../../..\n"


def test_runs_in_process_where_it_is_installed(made):
    aside = made.mark.with_name("aside")
    made.mark.rename(aside)  # an environment that someone made by hand has no mark
    try:
        with made.start("report", python=made.python) as process:
            assert process.communicate() == ("ran ['report'] True\n", "")
    finally:
        aside.rename(made.mark)


@pytest.mark.slow
def test_follows_the_lock(made):
    assert made.small() == "1"
    made.lock("flit", "two")
    assert made.run("report").stderr.startswith("Setting up the environment")
    assert made.small() == "2"


@pytest.mark.slow
def test_a_moved_folder_is_noticed(made, mirror, tmp_path):
    moved = Checkout(tmp_path / "moved", mirror)
    shutil.copytree(made.folder / ".venv", moved.folder / ".venv", symlinks=True)
    shutil.copy(made.folder / "requirements.lock", moved.folder)
    assert moved.run("report").stderr.startswith("Setting up the environment")
    ask = [moved.python, "-c", "import kpi_tools; print(kpi_tools.__file__)"]
    found = subprocess.run(ask, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert Path(found.strip()).parent.parent == moved.folder


@pytest.mark.skipif(
    WINDOWS, reason="there, what a killed set-up has started runs on without the guard"
)
@pytest.mark.slow
def test_survives_kills_and_two_at_once(checkout):
    for moment in (0.2, 2.5):
        killed = checkout.start("report")
        with contextlib.suppress(subprocess.TimeoutExpired):
            killed.wait(moment)
        killed.kill()
        killed.communicate()
    checkout.lock("flit", "two")  # so that there is something to do in any case
    both = [checkout.start("one"), checkout.start("two")]
    results = [process.communicate() for process in both]
    assert [out for out, _ in results] == ["ran ['one'] True\n", "ran ['two'] True\n"], results
    assert sum("The environment is ready." in err for _, err in results) == 1
    assert any("Another set-up of this folder is running" in err for _, err in results)
    assert checkout.small() == "2"


def test_an_environment_of_somebody_else_is_left_alone_and_named(checkout):
    (checkout.folder / ".venv").mkdir()
    (checkout.folder / ".venv" / "pyvenv.cfg").write_text("mine")
    result = checkout.run("report")
    assert (result.returncode, result.stdout) == (1, "")
    alone = "was not made by this command, so it is left alone."
    assert f"{checkout.folder / '.venv'} {alone}" in result.stderr
    assert os.listdir(checkout.folder / ".venv") == ["pyvenv.cfg"]


def test_variables_of_the_user_do_not_reach_the_command(made, tmp_path):
    (tmp_path / "small.py").write_text("raise SystemExit('not this one')")
    (made.folder / "kpi_tools/cli.py").write_text(
        "import os, small, sys\n\n\ndef main():\n"
        "    print(small.VERSION, sys.flags.utf8_mode, os.environ['PYTHON_COLORS'])\n",
        encoding="utf-8",
    )
    try:
        asked = made.run("report", PYTHONPATH=str(tmp_path), PYTHONUTF8="0", PYTHON_COLORS="1")
    finally:
        (made.folder / "kpi_tools/cli.py").write_text(COMMAND, encoding="utf-8")
    assert (asked.returncode, asked.stdout.split()[1:]) == (0, ["1", "0"]), asked.stderr


@pytest.mark.parametrize(("settings", "lock", "sentence"), [
    # port 9 of this computer: nothing answers there
    ({"PIP_NO_INDEX": "0", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "1"},
     "other==1.0 --hash=sha256:" + "0" * 64, "No matching distribution found for other==1.0"),
    ({}, "small==2.0 --hash=sha256:" + "0" * 64, "Expected sha256"),
    ({}, "small==3.0 --hash=sha256:" + "0" * 64, "No matching distribution found for small==3.0"),
], ids=["no network", "other bytes", "no such package"])  # fmt: skip
@pytest.mark.slow
def test_failures_are_sentences(checkout, settings, lock, sentence):
    (checkout.folder / "requirements.lock").write_text(lock, encoding="utf-8")
    result = checkout.run("report", **settings)
    assert (result.returncode, result.stdout) == (1, "")
    assert "It needs the internet, or the package mirror" in result.stderr
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert str(checkout.folder / ".venv" / "set-up.log") in result.stderr
    assert checkout.mark.read_text(encoding="utf-8") == "unfinished"


def test_a_python_without_ensurepip_is_a_sentence(checkout):
    """As Debian's without python3-venv: played by a module `venv` that ends as Debian's does."""
    said = 'print("The virtual environment was not created successfully because ensurepip is not available.")'
    (checkout.folder / "venv.py").write_text(f"{said}\nraise SystemExit(1)\n", encoding="utf-8")
    result = checkout.run("report")
    assert (result.returncode, result.stdout) == (1, "")
    assert "sudo apt install python3-venv" in result.stderr


def test_an_old_python_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert bootstrap.main() == 1
    assert "needs Python 3.11 or newer" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_an_old_python_meets_no_annotation_that_it_cannot_evaluate(name):
    """It can read the file; and `list[str]`, which Python 3.7 reads, is an error there when the function is defined."""
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"), feature_version=(3, 7))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            said = [node.returns, *(argument.annotation for argument in node.args.args)]
            assert not any(isinstance(one, ast.Subscript | ast.BinOp) for one in said), node.name


def test_starts_with_the_standard_library_only():
    ask = "import sys; sys.path.insert(0, sys.argv[1]); import kpi_tools.__main__; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", ask, PACKAGE.parent]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names
    assert others == {"kpi_tools", "__main__"}
