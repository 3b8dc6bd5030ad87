"""How many small faults, put into a module one at a time, do its tests notice? Prints the score and the survivors.

python benchmarks/mutation.py [MODULE …]        (names as in SUITES; Linux and macOS: each fault runs in a forked process)

A fault is one changed operator, comparison, constant, condition or result; type hints and prose (docstrings, the words of
a sentence) are left alone. Each runs in a copy of this process, in which all but our own package is imported already, and
meets only the tests that call the function it is in, those first that noticed most faults so far, until one fails. A fault
that makes the tests endless is noticed by their time: ten times the processor's seconds that they need without it.
"""

import ast
import copy
import importlib.abc
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ("test_loading_corpus.py", "test_loading_properties.py")
BOOKS = ("test_workbooks.py", "test_loading_corpus.py")
SUITES = {
    "rating": ("test_rating.py", "test_cases.py"),
    "quarters": ("test_quarters.py",),
    "loading.cells": CORPUS,
    "loading.ids": CORPUS,
    "loading.periods": ("test_periods.py", *CORPUS),
    "loading.returns": ("test_returns.py", "test_loading.py", *CORPUS),
    "loading.read": CORPUS,
    "loading.grids": CORPUS,
    "loading.account": ("test_loading.py", *CORPUS),
    "received": ("test_loading.py",),
    "workbooks.child": BOOKS,
    "workbooks.parts": BOOKS,
    "workbooks.sheets": BOOKS,
}
AT_ONCE = 2
SWAPS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


def sites(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that may be changed, in the order of the text."""
    hints = {
        id(inner) for node in ast.walk(tree) for hint in _hints(node) for inner in ast.walk(hint)
    }
    words = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr | ast.JoinedStr)
        for part in (node.values if isinstance(node, ast.JoinedStr) else [node.value])
    }
    return (
        node for node in ast.walk(tree) if id(node) not in hints | words and not _is_sentence(node)
    )


def _is_sentence(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 3
    )


def _hints(node: ast.AST) -> list[ast.AST]:
    found = [getattr(node, name, None) for name in ("annotation", "returns")]
    return [hint for hint in found if isinstance(hint, ast.AST)]


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """The faulty versions of one node; the node itself is not changed."""
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in SWAPS:
            yield _with(node, ops=[SWAPS[type(op)](), *node.ops[1:]])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in SWAPS:
            yield _with(node, op=SWAPS[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub(), operand=operand):
            yield operand
        case ast.AugAssign(op=op) if type(op) in SWAPS:
            yield _with(node, op=SWAPS[type(op)]())
        case ast.Constant(value=bool(value)):
            yield _with(node, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield _with(node, value=value + 1)
        case ast.Constant(value=str(value)):
            yield _with(node, value=f"XX{value}")
        case ast.If(test=test) | ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Return(value=value) if value is not None:
            yield _with(node, value=ast.Constant(None))


def _with(node: ast.AST, **parts: object) -> ast.AST:
    changed = copy.copy(node)
    for name, part in parts.items():
        setattr(changed, name, part)
    return changed


class _Put(ast.NodeTransformer):
    def __init__(self, before: ast.AST, after: ast.AST) -> None:
        self.before, self.after = before, after

    def visit(self, node: ast.AST) -> ast.AST:
        return self.after if node is self.before else self.generic_visit(node)


@dataclass(frozen=True)
class Fault:
    """What became of what in a line, the module's faulty text, and the lines of the function it is in (0, 0: of none)."""

    line: int
    told: str
    text: str
    lines: tuple[int, int]


def mutants(source: str) -> Iterator[Fault]:
    """Each fault."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for place, node in enumerate(list(sites(tree))):
        for version in range(len(list(changes(node)))):
            fresh = ast.parse(source)
            before = list(sites(fresh))[place]
            after = list(changes(before))[version]
            told = f"{ast.unparse(before)[:90]!r} -> {ast.unparse(after)[:90]!r}"
            line = getattr(before, "lineno", 0)
            text = ast.unparse(ast.fix_missing_locations(_Put(before, after).visit(fresh)))
            around = [
                _lines(one) for one in functions if one.lineno <= line <= (one.end_lineno or 0)
            ]
            if text != ast.unparse(tree):  # as where None is returned already
                yield Fault(line, told, text, max(around, default=(0, 0)))


def _lines(function: ast.FunctionDef) -> tuple[int, int]:
    return min(
        [function.lineno, *(one.lineno for one in function.decorator_list)]
    ), function.end_lineno or 0


class _Faulty(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, name: str, *_: object) -> object:
        # without an origin given here, the loader is asked for the file, and the module has its `__file__`
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def get_filename(self, name: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.text.encode()


@dataclass
class Watch:
    """A plugin of pytest: which tests to run, in which order, and what is noted of them."""

    path: Path
    only: list[str] = field(default_factory=list)
    calls: dict[str, set[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failed: str = ""

    def pytest_collection(self) -> None:
        """A failing example need not be made small."""
        from hypothesis import Phase, settings

        settings.register_profile("unshrunk", settings(phases=(Phase.explicit, Phase.generate)))
        settings.load_profile("unshrunk")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Only the tests wanted, in the order in which they are."""
        place = {name: at for at, name in enumerate(self.only)}
        kept = [item for item in items if item.nodeid in place or not place]
        items[:] = sorted(kept, key=lambda item: place.get(item.nodeid, 0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """How long a test took, and whether it failed."""
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed = report.nodeid

    def pytest_runtest_setup(self, item: Any) -> None:
        """What is prepared may serve all tests of the file."""
        self._listen(item.nodeid.split("::")[0])

    def pytest_runtest_call(self, item: Any) -> None:
        """From here on it is the test that calls."""
        self._listen(item.nodeid)

    def _listen(self, caller: str) -> None:
        if self.only:
            return
        heard, path = self.calls.setdefault(caller, set()), str(self.path)

        def note(frame: Any, event: str, _: object) -> None:
            if event == "call" and frame.f_code.co_filename == path:
                heard.add(frame.f_code.co_firstlineno)

        sys.setprofile(note)
        threading.setprofile(note)


@dataclass
class Suite:
    """The tests of a module: the lines of the functions that each calls, and its seconds."""

    module: str
    scratch: Path
    calls: dict[str, set[int]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    limit: int = 600
    kills: Counter[str] = field(default_factory=Counter)

    def look(self) -> None:
        """Run the tests without a fault, and import what they needed, but for our own package.

        Then once more in the way in which they will meet the faults: tests that fail anyhow would notice all of them.
        """
        sound = _path(self.module).read_text(encoding="utf-8")
        child = self.start(sound, [], "none")
        _, status, used = os.wait4(child, 0)
        told = json.loads((self.scratch / "none.json").read_text()) if status == 0 else {}
        if not told:
            raise SystemExit(f"The tests of {self.module} fail without any fault.")
        self.calls = {caller: set(lines) for caller, lines in told["calls"].items()}
        self.seconds, self.limit = told["seconds"], int(10 * used.ru_utime) + 20
        for name in told["modules"]:
            with suppress(Exception):
                importlib.import_module(name)
        child = self.start(sound, self.tests_of(0, 0), "again")
        if os.waitpid(child, 0)[1] != 0:
            raise SystemExit(
                f"The tests of {self.module} fail without any fault where the imports are done already."
            )

    def tests_of(self, first: int, last: int) -> list[str]:
        """The tests that call what stands in these lines, the most telling first, then the quick ones."""
        able = {
            caller
            for caller, lines in self.calls.items()
            if any(first <= line <= last for line in lines)
        }
        found = [test for test in self.seconds if not last or able & {test, test.split("::")[0]}]
        return sorted(found, key=lambda test: (-self.kills[test], self.seconds[test]))

    def start(self, text: str, tests: list[str], name: str) -> int:
        """A process that runs these tests, or all, on a module that holds `text`."""
        if child := os.fork():
            return child
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
        path = _path(self.module)
        sys.meta_path.insert(0, _Faulty(f"kpi_tools.{self.module}", path, text))
        import pytest

        watch, status = Watch(path, tests), 0
        files = [f"tests/{file}" for file in SUITES[self.module]]
        runs = [[file] for file in dict.fromkeys(test.split("::")[0] for test in tests)] or [files]
        options = [
            "-xq",
            "-oaddopts=",
            "--assert=plain",
            "-pno:cacheprovider",
            f"--basetemp={self.scratch / name}",
        ]
        try:
            while runs and not status:
                status = int(pytest.main(options + runs.pop(0), plugins=[watch]))
        except BaseException:
            status = 1
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
        own = {
            "kpi_tools",
            "tests",
            "conftest",
            "__main__",
            *(path.stem for path in (ROOT / "tests").glob("*.py")),
        }
        others = [] if tests else [name for name in sys.modules if name.split(".")[0] not in own]
        told = {
            "failed": watch.failed,
            "seconds": watch.seconds,
            "modules": others,
            "calls": {caller: sorted(lines) for caller, lines in watch.calls.items()},
        }
        (self.scratch / f"{name}.json").write_text(json.dumps(told))
        os._exit(status)

    def survivors(self, faults: list["Fault"]) -> list["Fault"]:
        """The faults that no test notices."""
        waiting, alive, running = list(enumerate(faults))[::-1], [], {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                place, fault = waiting.pop()
                if tests := self.tests_of(*fault.lines):
                    child = self.start(fault.text, tests, str(place))
                    running[child] = (place, time.monotonic() + 3 * self.limit)
                else:
                    alive.append(place)
                    print(f"  line {fault.line}: {fault.told} (no test calls it)", flush=True)
            time.sleep(0.01)
            for child, (place, until) in list(running.items()):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    del running[child]
                    if status == 0:
                        alive.append(place)
                        print(f"  line {faults[place].line}: {faults[place].told}", flush=True)
                    self._tidy(str(place))
                elif time.monotonic() > until:
                    os.killpg(child, signal.SIGKILL)
        return [faults[place] for place in sorted(alive)]

    def _tidy(self, name: str) -> None:
        note = self.scratch / f"{name}.json"
        if note.exists():
            self.kills[json.loads(note.read_text())["failed"]] += 1
            note.unlink()
        shutil.rmtree(self.scratch / name, ignore_errors=True)


def _path(module: str) -> Path:
    return ROOT / "kpi_tools" / f"{module.replace('.', '/')}.py"


def main() -> None:
    """Try every fault of the modules named, or of all."""
    os.chdir(ROOT)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT))
    for module in sys.argv[1:] or SUITES:
        faults = list(mutants(_path(module).read_text(encoding="utf-8")))
        with tempfile.TemporaryDirectory() as scratch:
            suite = Suite(module, Path(scratch))
            suite.look()
            alive = suite.survivors(faults)
        killed = len(faults) - len(alive)
        print(
            f"{module}: {killed} of {len(faults)} faults noticed, {killed / len(faults):.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
