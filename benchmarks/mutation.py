"""How many small faults, put into a module one at a time, do its tests notice? Prints the score and the survivors.

python benchmarks/mutation.py [MODULE …]        (names as in SUITES; Linux and macOS: each fault runs in a forked process)

A fault is one changed operator, comparison, constant, condition or result; type hints and prose (docstrings, the words of
a sentence) are left alone.
"""

import ast
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CELLS = ("test_cells.py", "test_rows.py")
ROWS = ("test_rows.py", "test_loading.py", "test_loading_properties.py")
FILES = ("test_reading.py", "test_loading.py", "test_loading_corpus.py")
SUITES = {
    "rating": ("test_rating.py",),
    "quarters": ("test_quarters.py",),
    "intake.cells": CELLS,
    "intake.periods": CELLS,
    "intake.ids": CELLS,
    "intake.columns": ROWS,
    "intake.return_rules": ROWS,
    "intake.figures": ("test_loading.py", "test_loading_properties.py"),
    "intake.received": ("test_loading.py", "test_received.py"),
    "intake.grids": FILES,
    "intake.reading": FILES,
}
SECONDS, AT_ONCE = 180, 2
SWAPS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


def sites(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that may be changed, in the order of the text."""
    hints = {id(inner) for node in ast.walk(tree) for hint in _hints(node) for inner in ast.walk(hint)}
    words = {
        id(part)
        for node in ast.walk(tree) if isinstance(node, ast.Expr | ast.JoinedStr)
        for part in (node.values if isinstance(node, ast.JoinedStr) else [node.value])
    }  # fmt: skip
    return (node for node in ast.walk(tree) if id(node) not in hints | words and not _is_sentence(node))


def _is_sentence(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 3


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


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """(line, what became of what, the module's faulty text) for each fault."""
    tree = ast.parse(source)
    for place, node in enumerate(list(sites(tree))):
        for version in range(len(list(changes(node)))):
            fresh = ast.parse(source)
            before = list(sites(fresh))[place]
            after = list(changes(before))[version]
            told = f"{ast.unparse(before)[:90]!r} -> {ast.unparse(after)[:90]!r}"
            line = getattr(before, "lineno", 0)
            yield line, told, ast.unparse(ast.fix_missing_locations(_Put(before, after).visit(fresh)))


class _Faulty(importlib.abc.MetaPathFinder, importlib.abc.SourceLoader):
    """Imports one module from a text."""

    def __init__(self, name: str, path: Path, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, name: str, *_: object) -> object:
        return importlib.util.spec_from_loader(name, self, origin=str(self.path)) if name == self.name else None

    def get_filename(self, name: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.text.encode()


def survives(module: str, text: str) -> bool:
    """Whether the tests of `module` pass although its text is `text`."""
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        sys.meta_path.insert(0, _Faulty(f"kpi_tools.{module}", _path(module), text))
        import pytest

        tests = [str(ROOT / "tests" / name) for name in SUITES[module]]
        os._exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])))
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _path(module: str) -> Path:
    return ROOT / "kpi_tools" / f"{module.replace('.', '/')}.py"


def main() -> None:
    """Try every fault of the modules named, or of all."""
    os.chdir(ROOT)
    import narwhals  # noqa: F401  (imported once, before the processes part)
    import openpyxl  # noqa: F401
    import pandas  # noqa: F401

    sys.dont_write_bytecode = True
    sys.path.insert(0, str(ROOT))
    for module in sys.argv[1:] or SUITES:
        found = list(mutants(_path(module).read_text(encoding="utf-8")))
        if not survives(module, _path(module).read_text(encoding="utf-8")):
            raise SystemExit(f"The tests of {module} fail without any fault.")
        with ThreadPoolExecutor(AT_ONCE) as threads:
            alive = list(threads.map(lambda mutant: survives(module, mutant[2]), found))  # noqa: B023
        killed = len(found) - sum(alive)
        print(f"{module}: {killed} of {len(found)} faults noticed, {killed / len(found):.1%}", flush=True)
        for (line, told, _), lives in zip(found, alive, strict=True):
            if lives:
                print(f"  line {line}: {told}", flush=True)


if __name__ == "__main__":
    main()
