"""The runner: every fault of a notebook is refused before it starts, or found out afterwards, in a sentence."""

import ast
import copy
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter
from kpi_tools.report.export import published
from kpi_tools.report.process import LostError, Worker
from kpi_tools.report.runner import read_notebook

FAULTS = Path(__file__).parent / "faults"
QUARTER = Quarter(2024, 3)
GIVEN = {"quarter": "2024-25 Q3", "raw": "somewhere"}
END = "End of the report for Quarter 3 2024/25."


@pytest.fixture
def run(worker):
    """Run a notebook in a process of its own; what was executed."""

    def run(path, given=GIVEN, patience=30):
        executed = worker.run("tests.workplace:run_only", path, given, END, patience=patience)
        return nbformat.reads(executed, as_version=4)

    return run


def test_a_run_returns_the_executed_notebook_and_leaves_the_file_alone(run):
    before = (FAULTS / "good.ipynb").read_bytes()
    outputs = [one for cell in run(FAULTS / "good.ipynb").cells[3:] for one in cell.outputs]
    printed = [output.text for output in outputs if output.output_type == "stream"]
    assert printed == ["The quarter is 2024-25 Q3\n"]
    assert (FAULTS / "good.ipynb").read_bytes() == before


def sound() -> nbformat.NotebookNode:
    return nbformat.read(FAULTS / "good.ipynb", as_version=4)


def test_old_outputs_in_the_file_take_no_part(run, tmp_path):
    notebook = sound()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="old words")]
            cell.execution_count = 7
    nbformat.write(notebook, tmp_path / "left_with_outputs.ipynb")
    assert "old words" not in str(run(tmp_path / "left_with_outputs.ipynb"))


def test_a_warning_does_not_stop_a_run(run):
    assert "one figure is provisional" in str(run(FAULTS / "warns.ipynb"))


def test_what_cells_show_is_what_a_kernel_shows(run, tmp_path):
    """Printed text in order, several displays, a picture, a result, a cell without any; a name of one is there in the next."""
    notebook = sound()
    notebook.cells[2].source = (
        "import sys\nfrom IPython.display import HTML, Image, display\nprint('one')\nprint('two')\n"
        "display(HTML('<b>x</b>'))\nprint('three', file=sys.stderr)\ndisplay(Image(b'\\x89PNG', format='png'))\n"
        "later = 5\n[later]"
    )
    notebook.cells.insert(3, nbformat.v4.new_code_cell("later += 1"))
    notebook.cells.insert(4, nbformat.v4.new_code_cell("later"))
    nbformat.write(notebook, tmp_path / "shows.ipynb")
    _, _, _, shows, silent, last, _ = run(tmp_path / "shows.ipynb").cells
    kinds = ["stream", "display_data", "stream", "display_data", "execute_result"]
    assert [output.output_type for output in shows.outputs] == kinds
    assert shows.outputs[0] == {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"}
    assert shows.outputs[1].data["text/html"] == "<b>x</b>"
    assert shows.outputs[3].data["image/png"].strip() == "iVBORw=="
    assert shows.outputs[4].data == {"text/plain": "[5]"}
    assert shows.outputs[4].execution_count == shows.execution_count
    assert (silent.outputs, last.outputs[0].data) == ([], {"text/plain": "6"})


def table(text: str) -> list[list[str]]:
    """The lines of a table whose columns stand between bars."""
    return [line.split(" | ") for line in text.strip().splitlines()]


NOT_WHOLE = """
exception | exception.ipynb stopped in cell 3 (`1 / 0`): ZeroDivisionError: division by zero.
exception_in_last_cell | in cell 4 (`from kpi_tools.parameters import complete`): ZeroDivisionError
exception_expected | stopped in cell 3 (`1 / 0`): ZeroDivisionError
skipped_cell | stopped in cell 3 (`1 / 0`): ZeroDivisionError
stopped_by_a_sentence | "Q2 2023" is ambiguous: it may mean
sys_exit_0 | stopped in cell 3 (`import sys`): SystemExit: 0.
sys_exit_3 | stopped in cell 3 (`import sys`): SystemExit: 3.
out_of_memory | stopped in cell 3 (`bytearray(64 * 1024**3)`): MemoryError
thread_fails | went on after a failure beside cell 3 (`import threading`): ZeroDivisionError
asks_for_input | stopped in cell 3 (`input("Which quarter? ")`):
prints_without_end | cell 3 (`while True:`): FloodError: it shows more text than a report can hold
prints_too_much_at_once | in cell 3 (`print("x" * 100_000_000)`): FloodError: it shows more text
another_quarter | in its last cell, but 'End of the report for Quarter 2 2024/25.'
last_cell_shows_nothing | in its last cell, but 'nothing'
"""


@pytest.mark.parametrize(("fault", "sentence"), table(NOT_WHOLE))
def test_a_run_that_is_not_whole_is_refused(run, fault, sentence):
    with pytest.raises(KpiError) as refused:
        run(FAULTS / f"{fault}.ipynb")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


ENDED = r"""
exits_at_once | cell 3 \(`import os`\): its process ended \(exit status 0\)
kernel_killed | cell 3 \(`import os`\): its process was ended by SIGKILL, as when memory runs out
kernel_killed_in_last_cell | cell 4 \(`from .*`\): its process ended \(exit status 0\)
segmentation_fault | cell 3 \(`import ctypes`\): its process was ended by SIGSEGV
abort | cell 3 \(`import os`\): its process was ended by SIGABRT
"""


@pytest.mark.parametrize(("fault", "how"), table(ENDED))
def test_a_process_that_ends_is_a_sentence_and_the_next_run_has_another(run, fault, how):
    with pytest.raises(LostError, match=f"^stopped in {how}"):
        run(FAULTS / f"{fault}.ipynb")
    assert END in str(run(FAULTS / "good.ipynb"))


@pytest.mark.parametrize("fault", ["hangs", "hangs_and_swallows_interrupts", "kernel_stopped"])
@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_ended(worker, run, fault):
    run(FAULTS / "good.ipynb")  # so that the time is the cell's, not that of the imports
    long = r"^stopped in cell 3 \(`import .*`\): it took longer than it may"
    with pytest.raises(LostError, match=long):
        run(FAULTS / f"{fault}.ipynb", patience=2)


UNFIT = """
number_as_parameter | line 1: only lines such as
computed_parameter | line 1: only lines such as
another_parameter | also asks for the parameter directorate
no_raw_parameter | has no parameter "raw". It has: quarter.
shell_command | shell_command.ipynb, cell 3, line 1, `!ls`: a command outside Python
shell_command_assigned | `files = !ls`: a command outside Python
magic | `%matplotlib inline`: a command outside Python
cell_magic | `%%bash`: a command outside Python
hidden_shell | cell 3, line 1: get_ipython is not for a report
hidden_shell_elsewhere | cell 3, line 3: get_ipython is not for a report
hidden_shell_renamed | cell 3, line 1: get_ipython is not for a report
help_mark | `len?`: a command outside Python
syntax_error | cell 3, line 1, `if True`: expected ':'
no_end | does not end with kpi.complete(quarter)
another_kernel | asks for the kernel "ir"
not_there | There is no notebook
"""


@pytest.mark.parametrize(("fault", "sentence"), table(UNFIT))
def test_a_notebook_that_is_not_fit_to_run_is_refused_before_it_starts(fault, sentence):
    with pytest.raises(InputError) as refused:
        read_notebook(FAULTS / f"{fault}.ipynb", GIVEN)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("text", ["", "{\n 'cells': [", "[]", '{"a": 1}'])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    (tmp_path / "other.ipynb").write_text(text)
    with pytest.raises(InputError, match=r"other\.ipynb cannot be read as a notebook"):
        read_notebook(tmp_path / "other.ipynb", GIVEN)


@pytest.mark.parametrize(
    ("times", "kinds", "told"), [(0, ("code",), "none"), (2, ("code",), "2"), (1, (), "none")]
)
def test_a_notebook_has_one_code_cell_with_parameters(tmp_path, times, kinds, told):
    notebook, cells = sound(), []
    for cell in notebook.cells:
        tagged = "parameters" in cell.metadata.get("tags", [])
        kept = cell.cell_type in ("markdown", *kinds)
        cells += [copy.deepcopy(cell) for _ in range(times if tagged else 1) if kept]
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"
    notebook.cells = cells
    nbformat.write(notebook, tmp_path / "other.ipynb")
    needs = f'needs one code cell with the tag "parameters", and has {told}'
    with pytest.raises(InputError, match=needs):
        read_notebook(tmp_path / "other.ipynb", GIVEN)


@pytest.mark.parametrize(("given", "sentence"), [
    (GIVEN | {"quater": "2024-25 Q3"}, 'has no parameter "quater". It has: quarter, raw.'),
    (GIVEN | {"a = 1\nimport os": "5"}, 'has no parameter "a = 1 import os"'),
    ({"quarter": "2024-25 Q3"}, "also asks for the parameter raw"),
    (GIVEN | {"quarter": 3}, "good.ipynb: the parameter quarter must be text, and is int 3"),
    (GIVEN | {"raw": None}, "the parameter raw must be text"),
])  # fmt: skip
def test_parameters_the_notebook_does_not_have_are_refused_before_it_starts(given, sentence):
    with pytest.raises(InputError) as refused:
        read_notebook(FAULTS / "good.ipynb", given)
    assert sentence in str(refused.value)


def test_a_hostile_value_arrives_as_text(run, tmp_path):
    hostile = '"); import os; os._exit(1) #\n\r\t"""{quarter}{{}}%s\\n\\ \' \u2028\u2029\x85\x0c é \U0001f600 \\N{\''
    shutil.copy(FAULTS / "prints_its_place.ipynb", tmp_path / "{raw} é.ipynb")
    executed = run(tmp_path / "{raw} é.ipynb", GIVEN | {"raw": hostile})
    assert executed.cells[3].outputs[0].text == f"from {hostile}\n"
    kept = published(executed, GIVEN | {"raw": hostile})
    given = ast.parse(kept.cells[1].source).body[1].value.value
    assert given == hostile


def test_nothing_of_the_user_takes_part(tmp_path, monkeypatch):
    """Neither start-up files of IPython nor PYTHONPATH, PYTHONSTARTUP or PYTHONINSPECT."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("1 / 0")
    for name in ("papermill", "IPython", "pandas"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    given = (FAULTS / "good.ipynb", GIVEN, END)
    with Worker() as fresh:
        executed = fresh.run("tests.workplace:run_only", *given, patience=60)
    assert END in executed


# The process


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_process_serves_only_the_one_that_started_it():
    import subprocess

    from kpi_tools.report import process

    begun = [sys.executable, *process._PYTHON, "1", process._PACKAGE]
    assert subprocess.run(begun, stdin=subprocess.DEVNULL, timeout=60).returncode == 1
