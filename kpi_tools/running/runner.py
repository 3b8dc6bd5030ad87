"""A notebook run with parameters: refused before it starts, or run to its last cell, or a sentence.

papermill alone ends with success where a cell calls `sys.exit(0)`, where a thread fails, where a parameter is misspelt,
and leaves a notebook that looks finished where its kernel was killed. So what it returns is judged here, cell by cell.
"""

import ast
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter
from kpi_tools.running.forked import Copy

if TYPE_CHECKING:
    from nbformat import NotebookNode

OPTIONAL = {"edition", "overrides", "allow_rejected", "prepared_by", "signed_off_by"}
PARAMETERS = {"quarter", "raw", "kpi", "directorate"} | OPTIONAL
KERNEL = "python3"
START_TIMEOUT = 40
CELL_TIMEOUT = 300
TRACEBACK = "Traceback (most recent call last)"


class NotebookError(KpiError):
    """The notebook stopped. `notebook` is what was executed until then, `log` what its kernel said outside of cells."""

    def __init__(
        self, sentence: str, notebook: "NotebookNode | None" = None, log: str = ""
    ) -> None:
        super().__init__(sentence)
        self.notebook = notebook
        self.log = log


class FloodError(Exception):
    """The notebook showed more than anybody could read, and its kernel was ended for it."""


@dataclass(frozen=True)
class Complete:
    """The mark that ends a report: shown by its last cell, and demanded by the runner."""

    quarter: Quarter

    def __repr__(self) -> str:
        return f"End of the report for {self.quarter.title}."

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, str]]:
        return {"text/html": f"<p>{self!r}</p>", "text/plain": repr(self)}, {"kpi_tools": "report"}


def complete(quarter: object) -> Complete:
    """The last line of a report notebook. `quarter` is a `Quarter` or its text; anything else is a `QuarterError`."""
    return Complete(Quarter.parse(quarter))


def run_notebook(
    path: Path,
    parameters: Mapping[str, str],
    mark: str,
    *,
    copy: Copy | None = None,
    timeout: int = CELL_TIMEOUT,
    progress: bool = False,
) -> "NotebookNode":
    """The notebook at `path`, executed in its own folder by this Python with `parameters` (name to text).

    Returned only where every code cell ran to its end, none failed, no thread wrote a traceback, and the last cell
    displays `mark`. The file at `path` is not changed. Its kernel is `copy`, where there is one (`running.forked`).
    `timeout` is in seconds, for each cell.
    Raises `InputError` before any kernel is started where notebook or parameters are not fit to run,
    `NotebookError` afterwards.
    """
    notebook = _read(path)
    _check_notebook(notebook, path.name)
    _check_parameters(notebook, parameters, path.name)
    executed, log, error = _execute(notebook, parameters, path.parent, copy, timeout, progress)
    if sentence := _verdict(executed, mark, error, log):
        raise NotebookError(f"{path.name} {sentence}", executed, log) from error
    assert executed is not None
    return executed


def _read(path: Path) -> "NotebookNode":
    import nbformat

    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        nbformat.validate(notebook)
        return notebook
    except FileNotFoundError:
        raise InputError(f"There is no notebook {path}.") from None
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise InputError(f"{path} cannot be read as a notebook: {_first_line(error)}") from error


def _check_notebook(notebook: "NotebookNode", name: str) -> None:
    kernel = notebook.metadata.get("kernelspec", {}).get("name", KERNEL)
    if kernel != KERNEL:
        raise InputError(
            f'{name} asks for the kernel "{kernel}", and is run by "{KERNEL}", the Python of this project. '
            "Open it in JupyterLab, choose Kernel > Change Kernel > Python 3, and save it."
        )
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1 or tagged[0].cell_type != "code":
        raise InputError(
            f'{name} needs one code cell with the tag "parameters", and has {len(tagged) or "none"}. '
            "Tags are in JupyterLab's property inspector, at the right."
        )
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            _check_python(cell.source, f"{name}, cell {number}")
    code = [
        cell.source for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()
    ]
    if not code or "complete(" not in code[-1]:
        raise InputError(
            f"{name} does not end with kpi.complete(quarter), which proves that a run came to its end."
        )


def _check_python(source: str, place: str) -> None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", None) or 1
        line = [*source.splitlines(), ""][min(number, len(source.splitlines())) - 1].strip()
        reason = (
            "a command outside Python (!, % or ?), whose failure nobody would notice"
            if line.startswith(("!", "%", "?"))
            or line.endswith("?")
            or "= !" in line
            or "= %" in line
            else _first_line(error)
        )
        raise InputError(
            f"{place}, line {number}, `{_short(line)}`: {reason}. Write it in Python."
        ) from None
    for node in ast.walk(tree):
        if "get_ipython" in (getattr(node, name, None) for name in ("id", "attr", "name")):
            place += f", line {getattr(node, 'lineno', 1)}"
            raise InputError(f"{place}: get_ipython is not for a report. Write it in Python.")


def _check_parameters(notebook: "NotebookNode", given: Mapping[str, str], name: str) -> None:
    declared = _declared(notebook, name)
    for parameter, value in given.items():
        if parameter not in PARAMETERS or parameter not in declared:
            raise InputError(
                f'{name} has no parameter "{_short(parameter)}". It has: {", ".join(sorted(declared))}.'
            )
        if not isinstance(value, str):
            raise InputError(
                f"The parameter {parameter} must be text, and is {type(value).__name__} {value!r}."
            )
    if missing := sorted(declared - set(given) - OPTIONAL):
        raise InputError(
            f"{name} also asks for the parameter {missing[0]}, for which nothing is given."
        )


def _declared(notebook: "NotebookNode", name: str) -> set[str]:
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


def _execute(
    notebook: "NotebookNode",
    parameters: Mapping[str, str],
    folder: Path,
    copy: Copy | None,
    timeout: int,
    progress: bool,
) -> tuple["NotebookNode | None", str, Exception | None]:
    """What was executed, the kernel's log, and what stopped papermill, if anything did."""
    try:
        import ipykernel  # noqa: F401
        import papermill

        from kpi_tools.running.kernel import kernel, tail
    except ImportError as error:
        raise InputError(
            f"The Jupyter kernel cannot be started: this Python ({sys.executable}) has no {error.name}. "
            "Install the project's requirements again (README.md)."
        ) from None
    for speaker in (
        "papermill",
        "traitlets",
        "asyncio",
    ):  # what they have to say is in the sentence or in the log
        logging.getLogger(speaker).setLevel(logging.CRITICAL)
    started: list[NotebookNode] = []
    said, stopped = "", None
    try:
        with kernel(folder, copy) as (manager, log):
            try:
                papermill.execute_notebook(
                    notebook,
                    None,
                    dict(parameters),
                    kernel_name=KERNEL,
                    language="python",
                    progress_bar={"desc": parameters["quarter"], "leave": False}
                    if progress
                    else False,
                    start_timeout=START_TIMEOUT,
                    execution_timeout=timeout,
                    km=manager,
                    record_timing=False,
                    on_notebook_start=lambda notebook: started.append(notebook),
                )
            except Exception as error:
                stopped = FloodError() if manager.flooded else error
            finally:
                said = tail(log)
    except Exception as error:
        stopped = error
    if not started:
        return None, said, stopped
    started[0].metadata.pop(
        "papermill", None
    )  # it holds the whole notebook once more, as it was given
    return started[0], said, stopped


def _verdict(notebook: "NotebookNode | None", mark: str, error: Exception | None, log: str) -> str:
    """Why the run cannot be used, or nothing."""
    if notebook is None:
        said = (
            f'The kernel\'s last words: "{_short(log.splitlines()[-1])}".'
            if log.strip()
            else "The kernel said nothing."
        )
        return f"could not be started: {_first_line(error)}. {said}"
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for cell in code:
        for output in cell.outputs:
            if output.output_type == "error":
                what = _short(f"{output.ename}: {output.evalue}").rstrip(".: ")
                return f"stopped in {_name(notebook, cell)}: {what}."
            if output.get("name") == "stderr" and TRACEBACK in output.text:
                last = output.text.rstrip().splitlines()[-1]
                return f"went on after a failure beside {_name(notebook, cell)}: {_short(last).rstrip('.')}."
    if error is not None:
        begun = [cell for cell in code if cell.metadata.papermill.start_time]
        if isinstance(error, FloodError):
            begun.sort(key=lambda cell: sum(len(output.get("text", "")) for output in cell.outputs))
        place = _name(notebook, begun[-1] if begun else code[0])
        kind = type(error).__name__
        why = {
            "DeadKernelError": "its kernel died (out of memory, or ended by a cell or by another program)",
            "CellTimeoutError": "the cell took longer than it may",
            "FloodError": "it shows more text than a report can hold (a loop that prints?)",
        }.get(kind, f"{kind}: {_first_line(error)}")
        return f"stopped in {place}: {why}."
    for cell in code:
        if cell.execution_count is None or cell.metadata.papermill.status != "completed":
            return f"ended before {_name(notebook, cell)} had run."
    shown = [
        text
        for output in code[-1].outputs
        for text in (output.get("data", {}).get("text/plain"),)
        if text
    ]
    if mark not in shown:
        return f'does not show "{mark}" in its last cell, but {_short(" ".join(shown)) or "nothing"!r}.'
    return ""


def _name(notebook: "NotebookNode", cell: "NotebookNode") -> str:
    kept = [
        other
        for other in notebook.cells
        if not {"injected-parameters", "papermill-error-cell-tag"}
        & set(other.metadata.get("tags", []))
    ]
    number = next((number for number, other in enumerate(kept, 1) if other is cell), None)
    line = cell.source.strip().splitlines()[0]
    return f"cell {number} (`{_short(line, 60)}`)" if number else "the parameters given"


def _first_line(error: object) -> str:
    return _short(
        str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    ).rstrip(".")


def _short(text: object, length: int = 200) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"
