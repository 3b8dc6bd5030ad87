"""The runner: every fault of a notebook is refused before a kernel starts, or found out afterwards, in a sentence."""

import ast
import copy
import os
import shutil
import signal
import socket
import sys
import tempfile
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.running import forked, kernel, runner
from kpi_tools.running.published import published
from kpi_tools.running.runner import NotebookError, complete, run_notebook

FAULTS = Path(__file__).parent / "faults"
QUARTER = Quarter(2024, 3)
GIVEN = {"quarter": "2024-25 Q3", "raw": "somewhere"}
END = "End of the report for Quarter 3 2024/25."
DIED = "its kernel died"
posix = pytest.mark.skipif(os.name != "posix", reason="local sockets of POSIX")


@pytest.fixture(autouse=True)
def _no_kernel_left():
    yield
    children = psutil.Process().children(recursive=True)
    kernels = [
        child for child in children if "kpi_tools.running.kernel" in " ".join(child.cmdline())
    ]
    assert psutil.wait_procs(kernels, timeout=10)[1] == []


@pytest.fixture(params=["new", "copy"])
def run(request, monkeypatch):
    """`run_notebook` with a kernel that is a new Python, and with one that is a copy of this process."""
    if request.param == "new":
        yield run_notebook
        return
    if sys.platform != "linux":
        pytest.skip("processes are copied on Linux")
    monkeypatch.setattr(forked, "possible", lambda: True)
    with forked.copy_of_this_process() as copy:
        yield partial(run_notebook, copy=copy)


@pytest.fixture
def no_kernel(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(kernel, "kernel", refuse)


def test_a_run_returns_the_executed_notebook_and_leaves_the_file_alone(run):
    before = (FAULTS / "good.ipynb").read_bytes()
    executed = run(FAULTS / "good.ipynb", GIVEN, END)
    printed = [
        output.text
        for cell in executed.cells[3:]
        for output in cell.outputs
        if output.output_type == "stream"
    ]
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
    executed = run(tmp_path / "left_with_outputs.ipynb", GIVEN, END)
    assert "old words" not in str(executed)


def test_a_warning_does_not_stop_a_run(run):
    assert "one figure is provisional" in str(run(FAULTS / "warns.ipynb", GIVEN, END))


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            "exception",
            "exception.ipynb stopped in cell 3 (`1 / 0`): ZeroDivisionError: division by zero.",
        ),
        (
            "exception_in_last_cell",
            "stopped in cell 4 (`from kpi_tools.running.runner import complete`): ZeroDivisionError",
        ),
        ("exception_expected", "stopped in cell 3 (`1 / 0`): ZeroDivisionError"),
        ("stopped_by_a_sentence", 'QuarterError: "Q2 2023" is ambiguous: it may mean'),
        ("sys_exit_0", "stopped in cell 3 (`import sys`): SystemExit: 0."),
        ("sys_exit_3", "stopped in cell 3 (`import sys`): SystemExit: 3."),
        ("exits_at_once", f"stopped in cell 3 (`import os`): {DIED}"),
        ("kernel_killed", f"stopped in cell 3 (`import os`): {DIED}"),
        (
            "kernel_killed_in_last_cell",
            f"stopped in cell 4 (`from kpi_tools.running.runner import complete`): {DIED}",
        ),
        ("segmentation_fault", f"stopped in cell 3 (`import ctypes`): {DIED}"),
        ("abort", f"stopped in cell 3 (`import os`): {DIED}"),
        ("out_of_memory", "stopped in cell 3 (`bytearray(64 * 1024**3)`): MemoryError"),
        (
            "thread_fails",
            "went on after a failure beside cell 3 (`import threading`): ZeroDivisionError",
        ),
        (
            "asks_for_input",
            'stopped in cell 3 (`input("Which quarter? ")`): StdinNotImplementedError',
        ),
        ("skipped_cell", "ended before cell 3 (`1 / 0`) had run."),
        (
            "prints_without_end",
            "stopped in cell 3 (`while True:`): it shows more text than a report can hold",
        ),
        (
            "prints_too_much_at_once",
            'stopped in cell 3 (`print("x" * 100_000_000)`): it shows more text than a report',
        ),
        ("another_quarter", "in its last cell, but 'End of the report for Quarter 2 2024/25.'"),
        ("last_cell_shows_nothing", "in its last cell, but 'nothing'"),
    ],
)
def test_a_run_that_is_not_whole_is_refused(run, fault, sentence):
    with pytest.raises(NotebookError) as refused:
        run(FAULTS / f"{fault}.ipynb", GIVEN, END, timeout=30)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.notebook is not None


@pytest.mark.parametrize("fault", ["hangs", "hangs_and_swallows_interrupts", "kernel_stopped"])
def test_a_cell_that_takes_too_long_is_ended(run, fault):
    with pytest.raises(
        NotebookError, match=r"stopped in cell 3 \(`import .*`\): the cell took longer than it may"
    ):
        run(FAULTS / f"{fault}.ipynb", GIVEN, END, timeout=2)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("number_as_parameter", "line 1: only lines such as"),
        ("computed_parameter", "line 1: only lines such as"),
        ("another_parameter", "also asks for the parameter directorate"),
        ("no_raw_parameter", 'has no parameter "raw". It has: quarter.'),
        ("shell_command", "shell_command.ipynb, cell 3, line 1, `!ls`: a command outside Python"),
        ("shell_command_assigned", "`files = !ls`: a command outside Python"),
        ("magic", "`%matplotlib inline`: a command outside Python"),
        ("cell_magic", "`%%bash`: a command outside Python"),
        ("hidden_shell", "cell 3, line 1: get_ipython is not for a report"),
        ("hidden_shell_elsewhere", "cell 3, line 3: get_ipython is not for a report"),
        ("hidden_shell_renamed", "cell 3, line 1: get_ipython is not for a report"),
        ("help_mark", "`len?`: a command outside Python"),
        ("syntax_error", "cell 3, line 1, `if True`: expected ':'"),
        ("no_end", "does not end with kpi.complete(quarter)"),
        ("another_kernel", 'asks for the kernel "ir"'),
        ("not_there", "There is no notebook"),
    ],
)
@pytest.mark.usefixtures("no_kernel")
def test_a_notebook_that_is_not_fit_to_run_is_refused_before_a_kernel_starts(fault, sentence):
    with pytest.raises(InputError) as refused:
        run_notebook(FAULTS / f"{fault}.ipynb", GIVEN, END)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("text", ["", "{\n 'cells': [", "[]", '{"a": 1}'])
@pytest.mark.usefixtures("no_kernel")
def test_what_is_no_notebook_is_refused(tmp_path, text):
    (tmp_path / "other.ipynb").write_text(text)
    with pytest.raises(InputError, match=r"other\.ipynb cannot be read as a notebook"):
        run_notebook(tmp_path / "other.ipynb", GIVEN, END)


@pytest.mark.parametrize(
    ("times", "kinds", "told"), [(0, ("code",), "none"), (2, ("code",), "2"), (1, (), "none")]
)
@pytest.mark.usefixtures("no_kernel")
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
    with pytest.raises(
        InputError, match=f'needs one code cell with the tag "parameters", and has {told}'
    ):
        run_notebook(tmp_path / "other.ipynb", GIVEN, END)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (GIVEN | {"quater": "2024-25 Q3"}, 'has no parameter "quater". It has: quarter, raw.'),
        (GIVEN | {"a = 1\nimport os": "5"}, 'has no parameter "a = 1 import os"'),
        ({"quarter": "2024-25 Q3"}, "also asks for the parameter raw"),
        (GIVEN | {"quarter": 3}, "The parameter quarter must be text, and is int 3"),
        (GIVEN | {"raw": None}, "The parameter raw must be text"),
    ],
)
@pytest.mark.usefixtures("no_kernel")
def test_parameters_the_notebook_does_not_have_are_refused_before_a_kernel_starts(given, sentence):
    with pytest.raises(InputError) as refused:
        run_notebook(FAULTS / "good.ipynb", given, END)
    assert sentence in str(refused.value)


def test_a_hostile_value_arrives_as_text(run, tmp_path):
    hostile = '"); import os; os._exit(1) #\n\r\t"""{quarter}{{}}%s\\n\\ \' \u2028\u2029\x85\x0c é \U0001f600 \\N{\''
    shutil.copy(FAULTS / "prints_its_place.ipynb", tmp_path / "{raw} é.ipynb")
    executed = run(tmp_path / "{raw} é.ipynb", GIVEN | {"raw": hostile}, END)
    assert executed.cells[3].outputs[0].text == f"from {hostile}\n"
    kept = published(executed, GIVEN | {"raw": hostile})
    given = ast.parse(kept.cells[1].source).body[1].value.value
    assert given == hostile


@pytest.mark.parametrize("module", ["ipykernel", "papermill"])
def test_a_python_without_a_kernel_says_so(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        InputError, match=f"The Jupyter kernel cannot be started: this Python .* has no {module}"
    ):
        run_notebook(FAULTS / "good.ipynb", GIVEN, END)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (
            [sys.executable, "-c", "import time; time.sleep(1000)"],
            "Kernel didn't respond in 2 seconds",
        ),
        (
            [sys.executable, "-c", "raise SystemExit(1)"],
            "Kernel died before replying to kernel_info",
        ),
        (["no-such-python"], "No such file or directory"),
    ],
    ids=["silent", "dies", "missing"],
)
def test_a_kernel_that_does_not_start_is_a_sentence(monkeypatch, argv, sentence):
    assert runner.START_TIMEOUT <= 40
    monkeypatch.setattr(runner, "START_TIMEOUT", 2)
    monkeypatch.setattr(kernel.Manager.spec, "argv", argv)
    with pytest.raises(NotebookError) as refused:
        run_notebook(FAULTS / "good.ipynb", GIVEN, END)
    assert "good.ipynb could not be started: " in str(refused.value)
    assert sentence in str(refused.value)


@pytest.fixture
def taken():
    """A port of this computer that another program listens at."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_kernel_whose_port_is_taken_says_so(run, monkeypatch, taken):
    monkeypatch.setattr(kernel, "LONGEST_FOLDER", 0)
    monkeypatch.setattr(
        kernel, "Manager", partial(kernel.Manager, shell_port=taken, cache_ports=False)
    )
    with pytest.raises(NotebookError, match="The kernel's last words: \".*Address already in use"):
        run(FAULTS / "good.ipynb", GIVEN, END)


@posix
def test_no_port_is_needed(run, monkeypatch, taken):
    monkeypatch.setattr(
        kernel, "Manager", partial(kernel.Manager, shell_port=taken, cache_ports=False)
    )
    assert END in str(run(FAULTS / "good.ipynb", GIVEN, END))


def test_a_temporary_folder_with_a_long_name(run, monkeypatch, tmp_path):
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert END in str(run(FAULTS / "good.ipynb", GIVEN, END))


def test_the_kernel_is_this_python_whatever_the_user_has_installed(run, tmp_path, monkeypatch):
    broken = tmp_path / "kernels" / "python3"
    broken.mkdir(parents=True)
    (broken / "kernel.json").write_text(
        '{"argv": ["no-such-python"], "display_name": "Mine", "language": "python"}'
    )
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("1 / 0")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    assert END in str(run(FAULTS / "good.ipynb", GIVEN, END))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_the_kernel_serves_only_the_process_that_started_it(monkeypatch):
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    child = os.fork()
    if child == 0:
        try:
            kernel.serve()
        except SystemExit as error:
            os._exit(40 + int(str(error.code)))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 41


def test_an_interrupt_goes_through_and_takes_the_kernel_along(monkeypatch):
    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    import papermill

    monkeypatch.setattr(papermill, "execute_notebook", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_notebook(FAULTS / "good.ipynb", GIVEN, END)


def test_the_end_mark_is_for_a_quarter_and_shows_its_title():
    assert repr(complete("2024-25 Q3")) == END == repr(complete(QUARTER))
    assert complete(QUARTER)._repr_mimebundle_()[0] == {
        "text/html": f"<p>{END}</p>",
        "text/plain": END,
    }
    with pytest.raises(QuarterError):
        complete("Q2 2023")
