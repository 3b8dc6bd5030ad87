"""A notebook run in this process by papermill: refused before it starts, or run to its last cell.

papermill alone ends with success where a cell calls `sys.exit(0)`, where a thread fails, where a
parameter is misspelt. So notebook and parameters are looked at first, and what was run afterwards.
"""

import ast
import base64
import io
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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

OPTIONAL = {"edition", "overrides", "allow_rejected", "only", "corrections"} | {
    "prepared_by",
    "signed_off_by",
}
PARAMETERS = {"quarter", "raw", "kpi", "directorate"} | OPTIONAL
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
    _check_notebook(notebook, path.name)
    _check_parameters(notebook, parameters, path.name)
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
    with suppress(papermill.PapermillExecutionError):  # `run.error` says it in a sentence
        papermill.execute_notebook(
            notebook,
            None,
            dict(parameters),
            engine_name="kpi_tools",
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            cwd=str(path.parent),
            run=run,
            name=path.name,
            step=step,
        )
    # it holds the whole notebook once more, as it was given
    run.notebook.metadata.pop("papermill", None)
    run.error = run.error or _unfinished(run.notebook, path.name, mark)
    return run


# Before


def _check_notebook(notebook: NotebookNode, name: str) -> None:
    kernel = notebook.metadata.get("kernelspec", {}).get("name", KERNEL)
    if kernel != KERNEL:
        raise InputError(
            f'{name} asks for the kernel "{kernel}", and is run by "{KERNEL}", the Python of this '
            "project. Open it in JupyterLab, choose Kernel > Change Kernel > Python 3, and save it."
        )
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        raise InputError(
            f'{name} needs one code cell with the tag "parameters", and has '
            f"{len(tagged) or 'none'}. Tags are in JupyterLab's property inspector, at the right."
        )
    code = []
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code" and cell.source.strip():
            _check_python(cell.source, f"{name}, cell {number}")
            code.append(cell.source)
    if not code or "complete(" not in code[-1]:
        raise InputError(
            f"{name} does not end with kpi.complete(quarter), which proves that a run came to its "
            "end."
        )


def _check_python(source: str, place: str) -> None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", None) or 1
        line = [*source.splitlines(), ""][min(number, len(source.splitlines())) - 1].strip()
        outside = line.startswith(("!", "%", "?")) or line.endswith("?")
        outside |= "= !" in line or "= %" in line
        reason = (
            "a command outside Python (!, % or ?), whose failure nobody would notice"
            if outside
            else _first_line(error)
        )
        raise InputError(
            f"{place}, line {number}, `{_short(line)}`: {reason}. Write it in Python."
        ) from None
    for node in ast.walk(tree):
        if "get_ipython" in (getattr(node, name, None) for name in ("id", "attr", "name")):
            place += f", line {getattr(node, 'lineno', 1)}"
            raise InputError(f"{place}: get_ipython is not for a report. Write it in Python.")


def _check_parameters(notebook: NotebookNode, given: Mapping[str, str], name: str) -> None:
    declared = _declared(notebook, name)
    for parameter, value in given.items():
        if parameter not in PARAMETERS or parameter not in declared:
            raise InputError(
                f'{name} has no parameter "{_short(parameter)}". It has: '
                f"{', '.join(sorted(declared))}."
            )
        if not isinstance(value, str):
            raise InputError(
                f"The parameter {parameter} must be text, and is {type(value).__name__} {value!r}."
            )
    if missing := sorted(declared - set(given) - OPTIONAL):
        raise InputError(
            f"{name} also asks for the parameter {missing[0]}, for which nothing is given."
        )


def _declared(notebook: NotebookNode, name: str) -> set[str]:
    # papermill's own inspection reads line by line and loses a parameter with "=" in its comment.
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    declared = set()
    for node in ast.parse(cell.source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=parameter)], value=ast.Constant(value=str())):
                declared.add(parameter)
            case _:
                raise InputError(
                    f'{name}, the cell tagged "parameters", line {node.lineno}: only lines such as '
                    'quarter = "2024-25 Q3" can stand here, a name and a text in quotes.'
                )
    return declared


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
            for cell in nb_man.nb.cells:
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                place = _place(nb_man.nb, cell)
                step(place)
                nb_man.cell_start(cell)
                shell.outputs.begin(cell.outputs)
                result = shell.run_cell(cell.source, store_history=True)
                shell.outputs.flush()
                cell.execution_count = result.execution_count
                if error := result.error_before_exec or result.error_in_exec:
                    nb_man.cell_exception(cell)
                    run.error = _stopped(error, name, place)
                nb_man.cell_complete(cell)
                if run.error:
                    break


class _Outputs:
    """What cells show, kept in `outputs` of the one that runs."""

    def __init__(self) -> None:
        self.outputs: list[Any] = []
        self.characters = 0
        self.stream, self.written = "", list[str]()

    def begin(self, outputs: list[Any]) -> None:
        self.flush()
        self.outputs = outputs

    def add(self, kind: str, **contents: Any) -> None:
        self.flush()
        for form, value in contents.get("data", {}).items():
            if isinstance(value, bytes):
                contents["data"][form] = base64.b64encode(value).decode()
            self.count(contents["data"][form])
        self.outputs.append(nbformat.v4.new_output(kind, **contents))

    def write(self, stream: str, text: str) -> None:
        if stream != self.stream:
            self.flush()
        self.count(text)
        self.stream = stream
        self.written.append(text)

    def flush(self) -> None:
        """What was written to a stream since the last time becomes one output."""
        if text := "".join(self.written):
            made = nbformat.v4.new_output("stream", name=self.stream, text=text)
            self.outputs.append(made)
        self.stream, self.written = "", []

    def count(self, text: Any) -> None:
        self.characters += len(text) if isinstance(text, str) else 0
        if self.characters > LARGEST_OUTPUT:
            raise FloodError("it shows more text than a report can hold (a loop that prints?)")


class _Stream(io.TextIOBase):
    encoding = "utf-8"

    def __init__(self, name: str, outputs: _Outputs) -> None:
        self._name, self._outputs = name, outputs

    def write(self, text: str) -> int:
        self._outputs.write(self._name, text)
        return len(text)


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        count = self.prompt_count
        output = {"data": dict(format_dict), "metadata": md_dict or {}, "execution_count": count}
        shell: Any = self.shell
        shell.outputs.add("execute_result", **output)

    def finish_displayhook(self) -> None:
        pass


class _Publisher(DisplayPublisher):
    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        shell: Any = self.shell
        shell.outputs.add("display_data", data=dict(data), metadata=metadata or {})


class _Shell(InteractiveShell):
    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)
    outputs: _Outputs

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.outputs.add("error", ename=etype.__name__, evalue=str(evalue), traceback=list(stb))


@contextmanager
def _shell() -> Iterator[Any]:
    """IPython's shell without a terminal, history or start-up files of the user."""
    settings = Config(
        {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    )
    streams, main = (sys.stdout, sys.stderr), sys.modules["__main__"]
    with tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as private:
        shell = _Shell.instance(config=settings, ipython_dir=private)
        outputs = shell.outputs = _Outputs()
        sys.stdout, sys.stderr = _Stream("stdout", outputs), _Stream("stderr", outputs)
        try:
            yield shell
        finally:
            outputs.flush()
            sys.stdout, sys.stderr = streams
            sys.modules["__main__"] = main
            _Shell.clear_instance()


# What became of it


def _stopped(error: BaseException, name: str, place: str) -> KpiError:
    """A sentence of this package as it is, of anything else its first line with the place."""
    if isinstance(error, KpiError):
        return error
    what = _short(f"{type(error).__name__}: {error}").rstrip(".: ")
    return NotebookError(f"{name} stopped in {place}: {what}.")


def _unfinished(notebook: NotebookNode, name: str, mark: str) -> KpiError | None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for cell in code:
        for output in cell.outputs:
            if output.get("name") == "stderr" and TRACEBACK in output.text:
                last = _short(output.text.rstrip().splitlines()[-1]).rstrip(".")
                return NotebookError(
                    f"{name} went on after a failure beside {_place(notebook, cell)}: {last}."
                )
    outputs = [output.get("data", {}).get("text/plain", "") for output in code[-1].outputs]
    if mark in outputs:
        return None
    what = _short(" ".join(filter(None, outputs))) or "nothing"
    return NotebookError(f'{name} does not show "{mark}" in its last cell, but {what!r}.')


def _place(notebook: NotebookNode, cell: NotebookNode) -> str:
    kept = [
        other
        for other in notebook.cells
        if "injected-parameters" not in other.metadata.get("tags", [])
    ]
    number = next((number for number, other in enumerate(kept, 1) if other is cell), None)
    line = cell.source.strip().splitlines()[0]
    return f"cell {number} (`{_short(line, 60)}`)" if number else "the parameters given"


def _first_line(error: object) -> str:
    text = str(error).strip()
    return _short(text.splitlines()[0] if text else type(error).__name__).rstrip(".")


def _short(text: object, length: int = 200) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
