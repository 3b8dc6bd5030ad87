"""A notebook run in this process by papermill: refused before it starts, or run to its last cell.

papermill alone ends with success where a cell calls `sys.exit(0)`, where a thread fails, where a
parameter is misspelt. So notebook and parameters are looked at first, and what was run afterwards.
"""

import ast
import base64
import io
import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import nbformat
import papermill
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat import NotebookNode
from papermill.engines import Engine, papermill_engines
from traitlets import Type
from traitlets.config import Config

from kpi_tools.errors import InputError, KpiError

OPTIONAL = {
    *("edition", "overrides", "allow_rejected", "only", "corrections"),
    *("prepared_by", "signed_off_by"),
}
KERNEL = "python3"
LARGEST_OUTPUT = 64 * 1024**2
TRACEBACK = "Traceback (most recent call last)"


class NotebookError(KpiError):
    """The notebook stopped."""


class FloodError(Exception):
    """The notebook shows more than anybody could read."""


@dataclass
class Run:
    """A notebook's cells as executed, the names it left, and what stopped it, if anything did."""

    notebook: NotebookNode
    names: dict[str, Any]
    error: KpiError | None = None


def read_notebook(path: Path, parameters: Mapping[str, str]) -> NotebookNode:
    """The notebook at `path`. Raises `InputError` where it or its parameters are not fit to run."""
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        raise InputError(f"There is no notebook {path}.") from None
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise InputError(f"{path} cannot be read as a notebook: {_first_line(error)}") from error
    for fault in _faults(notebook, parameters):
        raise InputError(f"{path.name}{fault}")
    return notebook


def run_notebook(
    path: Path,
    parameters: Mapping[str, str],
    mark: str,
    step: Callable[[str], object] = lambda name: None,
) -> Run:
    """The notebook at `path`, executed in its folder and this process with `parameters` (name to
    text).

    `error` is None where every code cell ran to its end, no thread wrote a traceback, and the last
    cell displays `mark`. `step` is called with the name of each cell before it runs. The file at
    `path` is not changed. Raises `InputError`, before anything is run, as `read_notebook` does.
    """
    notebook = read_notebook(path, parameters)
    for speaker in ("papermill", "traitlets"):  # what they have to say is in the sentence
        logging.getLogger(speaker).setLevel(logging.CRITICAL)
    papermill_engines.register("kpi_tools", InProcess)
    run = Run(notebook, {})
    how: dict[str, Any] = {"engine_name": "kpi_tools", "kernel_name": KERNEL, "language": "python"}
    how |= {"progress_bar": False, "cwd": str(path.parent)}
    of_engine = {"run": run, "name": path.name, "step": step}
    with suppress(papermill.PapermillExecutionError):  # `run.error` says it in a sentence
        papermill.execute_notebook(notebook, None, dict(parameters), **how, **of_engine)
    # it holds the whole notebook once more, as it was given
    run.notebook.metadata.pop("papermill", None)
    run.error = run.error or _unfinished(run.notebook, path.name, mark)
    return run


# Before


def _faults(notebook: NotebookNode, given: Mapping[str, str]) -> Iterator[str]:
    """Why the notebook is not fit to run with these parameters: the rest of a sentence each."""
    kernel = notebook.metadata.get("kernelspec", {}).get("name", KERNEL)
    if kernel != KERNEL:
        yield (
            f' asks for the kernel "{kernel}", and is run by "{KERNEL}", the Python of this '
            "project. Open it in JupyterLab, choose Kernel > Change Kernel > Python 3, and save it."
        )
    code = [(number, cell) for number, cell in enumerate(notebook.cells, 1) if _has_code(cell)]
    tagged = [cell.source for _, cell in code if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield (
            f' needs one code cell with the tag "parameters", and has {len(tagged) or "none"}. '
            "Tags are in JupyterLab's property inspector, at the right."
        )
    for number, cell in code:
        for line, reason in _not_python(cell.source):
            yield f", cell {number}, line {line}{reason}. Write it in Python."
    if "complete(" not in code[-1][1].source:
        yield " does not end with kpi.complete(quarter), which proves that a run came to its end."
    # papermill's own inspection reads line by line and loses a parameter with "=" in its comment
    declared = set()
    for node in ast.parse(tagged[0]).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str())):
                declared.add(name)
            case _:
                yield (
                    f', the cell tagged "parameters", line {node.lineno}: only lines such as '
                    'quarter = "2024-25 Q3" can stand here, a name and a text in quotes.'
                )
    if unknown := [name for name in given if name not in declared]:
        yield f' has no parameter "{_short(unknown[0])}". It has: {", ".join(sorted(declared))}.'
    if wrong := [name for name, value in given.items() if not isinstance(value, str)]:
        value = given[wrong[0]]
        kind = type(value).__name__
        yield f": the parameter {wrong[0]} must be text, and is {kind} {value!r}."
    if missing := sorted(declared - set(given) - OPTIONAL):
        yield f" also asks for the parameter {missing[0]}, for which nothing is given."


def _not_python(source: str) -> Iterator[tuple[int, str]]:
    lines = source.splitlines()
    try:
        ast.parse(source)
    except (SyntaxError, ValueError) as error:
        number = min(getattr(error, "lineno", None) or 1, len(lines))
        line = lines[number - 1].strip()
        reason = _first_line(error)
        if re.match(r"[!%?]", line) or re.search(r"\?$|= [!%]", line):
            reason = "a command outside Python (!, % or ?), whose failure nobody would notice"
        yield number, f", `{_short(line)}`: {reason}"
    for number, line in enumerate(lines, 1):
        if "get_ipython" in line:
            yield number, ": get_ipython is not for a report"


def _has_code(cell: NotebookNode) -> bool:
    return bool(cell.cell_type == "code" and cell.source.strip())


# The engine: cells run by IPython's shell in this process, what they show kept as outputs


class InProcess(Engine):  # type: ignore[misc]
    """An engine of papermill that needs no kernel."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: Any, kernel_name: str, *, run: Run, name: str, step: Any, **_: Any
    ) -> None:
        """Run the cells until one fails; what became of them is in `run`."""
        run.notebook = nb_man.nb
        with _shell() as shell:
            run.names = shell.user_ns
            for cell in filter(_has_code, nb_man.nb.cells):
                place = _place(nb_man.nb, cell)
                step(place)
                nb_man.cell_start(cell)
                result = shell.run_cell(cell.source, store_history=True)
                cell.execution_count, cell.outputs = result.execution_count, shell.taken_outputs()
                if error := result.error_before_exec or result.error_in_exec:
                    nb_man.cell_exception(cell)
                    what = _short(f"{type(error).__name__}: {error}").rstrip(".: ")
                    ours = error if isinstance(error, KpiError) else None
                    run.error = ours or NotebookError(f"{name} stopped in {place}: {what}.")
                nb_man.cell_complete(cell)
                if run.error:
                    break


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name: str, shell: "_Shell") -> None:
        self._name, self._shell = name, shell

    def write(self, text: str) -> int:
        self._shell.keep(self._name, text, text)
        return len(text)


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        shell: Any = self.shell
        count = self.prompt_count
        shell.keep_display(format_dict, md_dict, "execute_result", execution_count=count)

    def finish_displayhook(self) -> None:
        pass


class _Publisher(DisplayPublisher):
    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        shell: Any = self.shell
        shell.keep_display(data, metadata, "display_data")


class _Shell(InteractiveShell):
    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    outputs: list[tuple[str, Any]]
    """Of the cell that runs: the name of a stream and what is written to it, or "" and another."""
    characters = 0

    def keep(self, stream: str, output: Any, *texts: Any) -> None:
        self.characters += sum(len(text) for text in texts if isinstance(text, str))
        if texts and self.characters > LARGEST_OUTPUT:
            raise FloodError("it shows more text than a report can hold (a loop that prints?)")
        self.outputs.append((stream, output))

    def keep_display(self, data: Any, metadata: Any, kind: str, **more: Any) -> None:
        data = {
            form: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for form, value in data.items()
        }
        output = nbformat.v4.new_output(kind, data=data, metadata=metadata or {}, **more)
        self.keep("", output, *data.values())

    def taken_outputs(self) -> list[NotebookNode]:
        """The outputs since the last time; what was written to a stream at a stretch is one."""
        taken, self.outputs = self.outputs, []
        found = list[NotebookNode]()
        for stream, group in groupby(taken, itemgetter(0)):
            parts = [output for _, output in group]
            if stream:
                parts = [nbformat.v4.new_output("stream", name=stream, text="".join(parts))]
            found += parts
        return found

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        error = {"ename": etype.__name__, "evalue": str(evalue), "traceback": list(stb)}
        self.keep("", nbformat.v4.new_output("error", **error))


@contextmanager
def _shell() -> Iterator[Any]:
    """IPython's shell without a terminal, history or start-up files of the user."""
    plain = {"colors": "nocolor"}
    settings = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": plain})
    streams, main = (sys.stdout, sys.stderr), sys.modules["__main__"]
    with tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as private:
        shell = _Shell.instance(config=settings, ipython_dir=private)
        shell.outputs = []
        sys.stdout, sys.stderr = _Stream("stdout", shell), _Stream("stderr", shell)
        try:
            yield shell
        finally:
            sys.stdout, sys.stderr = streams
            sys.modules["__main__"] = main
            _Shell.clear_instance()


# What became of it


def _unfinished(notebook: NotebookNode, name: str, mark: str) -> KpiError | None:
    code = list(filter(_has_code, notebook.cells))
    for cell in code:
        for output in cell.outputs:
            if output.get("name") == "stderr" and TRACEBACK in output.text:
                last = _short(output.text.rstrip().splitlines()[-1]).rstrip(".")
                beside = f"a failure beside {_place(notebook, cell)}: {last}"
                return NotebookError(f"{name} went on after {beside}.")
    outputs = [output.get("data", {}).get("text/plain", "") for output in code[-1].outputs]
    if mark in outputs:
        return None
    what = _short(" ".join(filter(None, outputs))) or "nothing"
    return NotebookError(f'{name} does not show "{mark}" in its last cell, but {what!r}.')


def _place(notebook: NotebookNode, cell: NotebookNode) -> str:
    """Where a cell stands in the notebook as it was given."""

    def is_injected(cell: NotebookNode) -> bool:
        return "injected-parameters" in cell.metadata.get("tags", [])

    if is_injected(cell):
        return "the parameters given"
    given = (other for other in notebook.cells if not is_injected(other))
    number = next(number for number, other in enumerate(given, 1) if other is cell)
    return f"cell {number} (`{_short(cell.source.strip().splitlines()[0], 60)}`)"


def _first_line(error: object) -> str:
    text = str(error).strip()
    return _short(text.splitlines()[0] if text else type(error).__name__).rstrip(".")


def _short(text: object, length: int = 200) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
