"""The promises of the repository itself: one environment, written down three ways; floors; notebooks as prose."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
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


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT / "kpi_tools").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {_module(path): path for path in sorted((ROOT / "kpi_tools").rglob("*.py"))}

# The floors of the house, from the ground up (CONTRIBUTING.md): imports only go down, or stay in
# their room.
FLOORS = (
    "errors vocabulary units quarters rows received workbooks",
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
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [ROOT / name for name in listed.stdout.split("\0") if (ROOT / name).is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8", errors="replace")


# One environment


def test_conda_asks_for_the_same():
    conda = [Requirement(line) for line in CONDA["dependencies"] if isinstance(line, str)]
    asked = {canonicalize_name(one.name): str(one.specifier) for one in conda}
    asked.pop("pip")
    assert asked.pop("python") == PROJECT["project"]["requires-python"]
    assert asked == {name: str(one.specifier) for name, one in requirements().items()}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [(LOCK, (None, "figures", "test", "build")), (CLUSTER_LOCK, ("spark", "dask"))],
    ids=["requirements.lock", "requirements-cluster.lock"],
)
def test_a_lock_holds_what_is_asked_for_with_hashes_and_nothing_else(lock, extras):
    pins, pinned = locked(), locked(lock)
    for name, requirement in chain(*(requirements(extra).items() for extra in extras)):
        assert name in pinned, f"{name} is not in the lock: bash .ci/lock"
        within = (requirement.specifier.contains(version) for version in pinned[name])
        assert all(within), f"{name}: lock and bounds differ"
    differing = [name for name in pinned if name in pins and set(pinned[name]) - set(pins[name])]
    assert not differing, f"{differing}: bash .ci/lock makes them again"
    line = re.compile(
        r"[\w.-]+==[\w.]+( ; [\w .'<>=!()*]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [text for text in lock.splitlines() if not line.fullmatch(text)] == []
    assert all("--hash" in entry for entry in re.split(r"(?m)^(?=\S)", lock) if entry)


def test_no_addresses_in_environment_files():
    beside = (ROOT / name for name in ("environment.yml", ".pre-commit-config.yaml"))
    for text in (LOCK, CLUSTER_LOCK, *(path.read_text(encoding="utf-8") for path in beside)):
        assert not re.search(r"://|--(extra-)?index-url|--find-links", text)
    assert "://" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in hooks["repos"]} == {"local"}


def test_every_import_is_asked_for():
    homes = metadata.packages_distributions()
    asked = {name for extra in (None, "figures", "spark", "dask") for name in requirements(extra)}
    for folder, allowed in (("kpi_tools", asked), ("tests", asked | set(requirements("test")))):
        for path in sorted((ROOT / folder).rglob("*.py")):
            ours = {"kpi_tools", "tests", *(one.stem for one in path.parent.glob("*.py"))}
            used = {name.partition(".")[0] for name in imports(path)}
            for name in used - ours - sys.stdlib_module_names:
                distributions = {canonicalize_name(home) for home in homes.get(name, [name])}
                said = f"{path.name} imports {name}, which pyproject.toml does not name"
                assert distributions & allowed, said


def test_what_costs_a_second_is_never_imported_and_the_command_starts_without_the_heavy_ones():
    """jsonschema<4.25 keeps rfc3987-syntax out."""
    assert "rfc3987-syntax" not in locked()
    heavy = {"pandas", "altair", "papermill", "nbconvert"}
    loaded = modules_after("import pandas, altair, papermill, nbconvert")
    assert heavy <= loaded and "rfc3987_syntax" not in loaded
    assert modules_after("import kpi_tools.cli").isdisjoint({*heavy, "narwhals"})


# One house


NOTEBOOK_NAMES = [path.relative_to(ROOT).as_posix() for path in NOTEBOOKS]


@pytest.mark.parametrize("command", [
    ["ruff", "check", "."],
    ["nbstripout", "--verify", "--keep-id", "--keep-count", *NOTEBOOK_NAMES],
    ["pre_commit", "validate-config", ".pre-commit-config.yaml"],
    pytest.param(["mypy"], marks=pytest.mark.slow),
], ids=lambda command: command[0])  # fmt: skip
def test_tools_of_this_environment_do_not_object(command):
    asked = [sys.executable, "-m", *command]
    result = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


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
    """And no machine of ours is named, and Jupyter keeps its guards."""
    named = re.compile(r"(?<![\w/])(?:benchmarks|kpi_tools|notebooks|tests)/[\w/]+\.\w+(?![\w(])")
    machine = re.compile(r"(?<![\w.~}<>)-])(/(work|root|farm|opt|home|Users)/|[A-Z]:\\+Users\\)")
    opened = r"0\.0\.0\.0|token=['\"]{2}|allow_origin|disable_check_xsrf|allow_remote_access"
    guards = re.compile(opened)
    for place, text in texts():
        gone = [name for name in named.findall(text) if not (ROOT / name).exists()]
        assert place.startswith("CHANGELOG") or not gone, place
        assert not machine.search(text), place
        assert place.startswith("tests/") or not guards.search(text), place


# Notebooks


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def notebook(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell) -> str:
    return "".join(cell["source"])


def test_one_cell_of_parameters(notebook):
    cells = code_cells(notebook)
    (tagged,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    for statement in ast.parse(source(tagged)).body:
        assert isinstance(statement, ast.Assign)
        ast.literal_eval(statement.value)
    assert all("#" in line for line in source(tagged).splitlines())


def test_no_logic_in_cells(notebook):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.While, ast.Try)
    for cell in code_cells(notebook):
        assert not re.search(r"^\s*[!%]", source(cell), re.MULTILINE), source(cell)
        nodes = ast.walk(ast.parse(source(cell)))
        assert not any(isinstance(node, kinds) for node in nodes), source(cell)
        assert len(source(cell).splitlines()) <= 12


def test_only_checked_outputs_are_stored(notebook):
    """nbval compares the outputs of marked cells that have a number, and nbstripout leaves those of tagged ones."""
    for cell in code_cells(notebook):
        marked = "NBVAL_CHECK_OUTPUT" in source(cell)
        tagged = "keep_output" in cell["metadata"].get("tags", [])
        assert marked == tagged == bool(cell["outputs"]), source(cell)
        said = "nbval refuses a stored output without its number: run the cell"
        assert not marked or cell["execution_count"], said


def test_master_is_short():
    master = json.loads((ROOT / "notebooks/quarterly_report.ipynb").read_text(encoding="utf-8"))
    assert len(master["cells"]) <= 40
    assert sum(len(source(cell).splitlines()) for cell in code_cells(master)) <= 60


# Helpers


def modules_after(statement: str) -> set[str]:
    ask = f"{statement}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-c", ask]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name.partition(".")[0] for name in printed.split()}


@cache
def imports(path: Path) -> list[str]:
    """The modules that a file imports, wherever in it; `from kpi_tools import name` counts as
    `kpi_tools.name`.

    Not what is named in annotations only (`if TYPE_CHECKING`).
    """
    tree, found = ast.parse(path.read_text(encoding="utf-8")), []
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            if not node.module.startswith("kpi_tools"):
                found.append(node.module)
                continue
            within = node.module.partition(".")[2]
            for alias in node.names:
                inner = f"{within}.{alias.name}".lstrip(".")
                if alias.name != "__version__":
                    found.append(f"kpi_tools.{inner}" if inner in MODULES else node.module)
    return found
