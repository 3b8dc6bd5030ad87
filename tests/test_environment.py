"""The promises of the repository itself: one environment, written down three ways; floors;
notebooks as prose.
"""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import kpi_tools

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CLUSTER_LOCK = (ROOT / "requirements-cluster.lock").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MODULES = {
    ".".join(path.relative_to(ROOT / "kpi_tools").with_suffix("").parts).removesuffix(
        ".__init__"
    ): path
    for path in sorted((ROOT / "kpi_tools").rglob("*.py"))
}

# The floors of the house, from the ground up (CONTRIBUTING.md): imports only go down, or stay in
# their room.
FLOORS = (
    "errors vocabulary units quarters received workbooks",
    "wording tokens frames schemes levels rating trend kinds rebases limits variation assurance comparison",
    "cases outlook doubts loading",
    "scorecard",
    "checks narrative spreadsheets",
    "page templates collect",
    "publications",
    "report explorer",
    "commands collecting publishing cli __main__",
)
TOO_LONG = ()
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms.split()}


def requirements(extra: str | None = None) -> dict[str, Requirement]:
    """What pyproject.toml asks for, by canonical name: the package itself, or one of its extras."""
    project = PROJECT["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {canonicalize_name(Requirement(line).name): Requirement(line) for line in lines}


def locked(lock: str = LOCK) -> dict[str, list[Version]]:
    """The versions in requirements.lock, or another; more than one where Pythons differ."""
    pins: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE):
        pins.setdefault(canonicalize_name(name), []).append(Version(version))
    return pins


def tracked() -> list[Path]:
    """The files of the repository, those not yet added included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8", errors="replace")


# One environment


def test_conda_asks_for_the_same():
    conda = [Requirement(line) for line in CONDA["dependencies"] if isinstance(line, str)]
    asked = {
        canonicalize_name(r.name): str(r.specifier)
        for r in conda
        if r.name not in ("python", "pip")
    }
    assert asked == {
        name: str(requirement.specifier) for name, requirement in requirements().items()
    }
    assert {r.name: str(r.specifier) for r in conda}["python"] == PROJECT["project"][
        "requires-python"
    ]


def test_lock_holds_what_is_asked_for():
    pins = locked()
    extras = (requirements(extra).items() for extra in ("figures", "test", "build"))
    for name, requirement in chain(requirements().items(), *extras):
        assert name in pins, f"{name} is not in requirements.lock: bash .ci/lock"
        assert all(requirement.specifier.contains(version) for version in pins[name]), (
            f"{name}: lock and bounds differ"
        )


def test_the_lock_for_clusters_agrees_with_it():
    pins, beside = locked(), locked(CLUSTER_LOCK)
    for name, requirement in chain(requirements("spark").items(), requirements("dask").items()):
        assert name in beside, f"{name} is not in requirements-cluster.lock: bash .ci/lock"
        assert all(requirement.specifier.contains(version) for version in beside[name]), name
    differing = [name for name in beside if name in pins and set(beside[name]) - set(pins[name])]
    assert not differing, f"{differing}: bash .ci/lock makes them again"


@pytest.mark.parametrize(
    "lock", [LOCK, CLUSTER_LOCK], ids=["requirements.lock", "requirements-cluster.lock"]
)
def test_lock_has_hashes_and_nothing_else(lock):
    line = re.compile(
        r"[\w.-]+==[\w.]+( ; [\w .'<>=!()*]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [text for text in lock.splitlines() if not line.fullmatch(text)] == []
    assert all("--hash" in entry for entry in re.split(r"(?m)^(?=\S)", lock) if entry)


def test_no_addresses_in_environment_files():
    locks = ("requirements.lock", "requirements-cluster.lock")
    for name in (*locks, "environment.yml", ".pre-commit-config.yaml", "pyproject.toml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"://|--(extra-)?index-url|--find-links", text), name


def test_every_import_is_asked_for():
    homes = metadata.packages_distributions()
    asked = {name for extra in (None, "figures", "spark", "dask") for name in requirements(extra)}
    for folder, allowed in (("kpi_tools", asked), ("tests", asked | set(requirements("test")))):
        for path in sorted((ROOT / folder).rglob("*.py")):
            ours = {"kpi_tools", "tests", *(one.stem for one in path.parent.glob("*.py"))}
            used = {name.partition(".")[0] for name in imports(path)}
            for name in used - ours - sys.stdlib_module_names:
                distributions = {canonicalize_name(home) for home in homes.get(name, [name])}
                assert distributions & allowed, (
                    f"{path.name} imports {name}, which pyproject.toml does not name"
                )


def test_hooks_are_local():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}
    run("pre_commit", "validate-config", ".pre-commit-config.yaml")


def test_slow_module_is_never_imported():
    """rfc3987-syntax costs a second in each process; jsonschema<4.25 keeps it out."""
    assert "rfc3987-syntax" not in locked()
    loaded = modules_after("import pandas, altair, papermill, nbconvert")
    assert {"pandas", "altair", "papermill", "nbconvert"} <= loaded
    assert "rfc3987_syntax" not in loaded


def test_command_starts_without_the_heavy_ones():
    assert modules_after("import kpi_tools.cli").isdisjoint(
        {"pandas", "altair", "narwhals", "papermill", "nbconvert"}
    )


# One house


def test_ruff():
    run("ruff", "check", ".")


@pytest.mark.slow
def test_mypy():
    run("mypy")


def test_the_door_imports_when_asked():
    assert set(imports(MODULES["__init__"])) == {"importlib", "typing"}
    assert len(kpi_tools.__all__) <= 25 and all(getattr(kpi_tools, n) for n in kpi_tools.__all__)


def test_imports_go_downward():
    assert len(FLOORS) <= 9
    for module, path in MODULES.items():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 450 or module in TOO_LONG
        room = module.partition(".")[0]
        for name in imports(path):
            assert name != "kpi_tools", f"{module} imports through the door"
            used = name.partition(".")[2].partition(".")[0]
            if {room, used} <= set(FLOOR):
                assert FLOOR[used] <= FLOOR[room], f"{module} may not import {name}"


def test_no_imports_in_a_circle():
    uses = {
        module: {name.partition(".")[2] for name in imports(path)}
        for module, path in MODULES.items()
    }
    assert set(TopologicalSorter(uses).static_order()) >= set(MODULES)


def test_benchmarks_start_with_todays_names():
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kpi_tools"):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


def test_files_that_are_named_exist():
    name = re.compile(r"(?<![\w/])(?:benchmarks|kpi_tools|notebooks|tests)/[\w/]+\.\w+(?![\w(])")
    found = {
        (place, named)
        for place, text in texts()
        if not place.startswith("CHANGELOG")
        for named in name.findall(text)
    }
    assert [one for one in sorted(found) if not (ROOT / one[1]).exists()] == []


def test_no_machine_of_ours_is_named():
    place = re.compile(r"(?<![\w.~}<>)-])(/(work|root|farm|opt|home|Users)/|[A-Z]:\\+Users\\)")
    found = [
        f"{name}: {match.group()}"
        for name, text in texts()
        for match in [place.search(text)]
        if match
    ]
    assert found == []


def test_jupyter_keeps_its_guards():
    guards = re.compile(
        r"0\.0\.0\.0|token=['\"]{2}|allow_origin|disable_check_xsrf|allow_remote_access"
    )
    assert [
        name for name, text in texts() if not name.startswith("tests/") and guards.search(text)
    ] == []


# Notebooks


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell) -> str:
    return "".join(cell["source"])


def test_one_cell_of_parameters(notebook):
    tagged = [
        cell for cell in code_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])
    ]
    assert len(tagged) == 1
    for statement in ast.parse(source(tagged[0])).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
    assert all("#" in line for line in source(tagged[0]).splitlines())


def test_no_logic_in_cells(notebook):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.While, ast.Try)
    for cell in code_cells(notebook):
        assert not re.search(r"^\s*[!%]", source(cell), re.MULTILINE), source(cell)
        assert not [
            node for node in ast.walk(ast.parse(source(cell))) if isinstance(node, kinds)
        ], source(cell)
        assert len(source(cell).splitlines()) <= 12


def test_only_checked_outputs_are_stored(notebook):
    """nbval compares the outputs of marked cells that have a number, and nbstripout leaves those of
    tagged ones.
    """
    for cell in code_cells(notebook):
        marked = "NBVAL_CHECK_OUTPUT" in source(cell)
        assert (
            marked == ("keep_output" in cell["metadata"].get("tags", [])) == bool(cell["outputs"])
        ), source(cell)
        assert not marked or cell["execution_count"], (
            "nbval refuses a stored output without its number: run the cell"
        )


def test_notebooks_are_stripped():
    run("nbstripout", "--verify", "--keep-id", "--keep-count", *map(str, NOTEBOOKS))


def test_master_is_short():
    master = json.loads((ROOT / "notebooks/quarterly_report.ipynb").read_text(encoding="utf-8"))
    assert len(master["cells"]) <= 40
    assert sum(len(source(cell).splitlines()) for cell in code_cells(master)) <= 60


# Helpers


def run(*command: str) -> None:
    """A tool of this environment, on the repository; what it says is the message if it objects."""
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def modules_after(statement: str) -> set[str]:
    ask = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-c", ask]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in printed.split()}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it; `from kpi_tools import name` counts as
    `kpi_tools.name`.

    Not what is named in annotations only (`if TYPE_CHECKING`).
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif (
            isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kpi_tools")
        ):
            within = node.module.partition(".")[2]
            for alias in node.names:
                inner = f"{within}.{alias.name}".lstrip(".")
                if alias.name != "__version__":
                    yield f"kpi_tools.{inner}" if inner in MODULES else node.module
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
