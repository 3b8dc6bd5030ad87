"""From returns to a finished folder: whole or not at all, the same each time, and one run at a time."""

import errno
import json
import os
import pickle
import random
import select
import shutil
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest

from kpi_tools import report
from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter
from kpi_tools.report import build, publish
from kpi_tools.report.publish import BusyError, work_folder
from tests.workplace import (
    FILES,
    HERE,
    QUARTER,
    SLUG,
    Project,
    processes,
    reader,
    state,
    whole,
    with_cell,
)

posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


@pytest.fixture(scope="module")
def published(tmp_path_factory, worker):
    """A council with a report that nobody changes."""
    one = Project(tmp_path_factory.mktemp("published"))
    made = one.make(worker=worker, notebook=warning_notebook(one))
    return one, made


def warning_notebook(project: Project) -> Path:
    source = "import warnings\n\nwarnings.warn('one figure is provisional')"
    return with_cell(project.folder / "notebooks" / "report.ipynb", source)


@pytest.fixture
def made(published, tmp_path):
    """A copy of it, to change."""
    one, _ = published
    shutil.copytree(one.folder, tmp_path / "made")
    return Project(tmp_path / "made", fresh=False)


def test_a_report_is_one_folder(published):
    project, made = published
    assert made.quarter == Quarter(2024, 3)
    assert (made.folder, made.files) == (project.final, FILES)
    assert tuple(sorted(os.listdir(made.folder))) == FILES
    assert project.left() == []
    assert pickle.loads(pickle.dumps(made)) == made


def test_what_is_published_names_no_place_and_no_moment(published):
    project, _ = published
    notebook = json.loads((project.final / "report.ipynb").read_text(encoding="utf-8"))
    parameters = "".join(notebook["cells"][1]["source"])
    assert 'quarter = "2024-25 Q3"  #' in parameters and 'raw = "../../data/raw"  #' in parameters
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(notebook["cells"], start=1):
        assert cell["id"] == f"cell-{number}"
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    everything = b"".join(path.read_bytes() for path in project.final.iterdir())
    assert str(project.folder).encode() not in everything
    assert b"UserWarning" not in everything


def test_the_manifest_names_what_the_report_depends_on(published):
    noted = json.loads((published[0].final / "manifest.json").read_text(encoding="utf-8"))
    said, sent = f"commentary/{SLUG}.csv", f"returns/{SLUG}/all.csv"
    assert sorted(noted["inputs"]) == [said, "council.toml", "kpis.csv", sent, "targets.csv"]
    assert {*noted["outputs"], "manifest.json"} == set(FILES)
    assert (noted["council"], noted["quarter"]) == ("Anyshire", QUARTER)


@pytest.mark.parametrize(("cell", "sentence"), [
    ("1 / 0", r"stopped in cell 4 \(`1 / 0`\): ZeroDivisionError: division by zero\. The notebook"),
    ("import os\nos.kill(os.getpid(), 9)", r"cell 4 .*: its process was ended by SIGKILL, as when memory runs out\."),
    pytest.param("del kpis", r"name 'kpis' is not defined", marks=pytest.mark.slow),
    ("raw", r"The notebook shows .*: a folder of this computer, which is not for publication"),
])  # fmt: skip
def test_a_failed_run_leaves_the_old_report_and_says_where_it_stopped(made, worker, cell, sentence):
    old = state(made.final)
    path = made.folder / "notebooks" / "fails.ipynb"
    notebook = with_cell(path, cell, 8 if cell == "del kpis" else 3)
    with pytest.raises(KpiError, match=sentence) as failed:
        made.make(worker=worker, notebook=notebook)
    assert "\n" not in str(failed.value)
    aside = made.outputs / "_failed" / SLUG
    if "its process was ended" not in str(failed.value):
        assert str(failed.value).endswith(f"The notebook as it stopped: {aside / 'report.ipynb'}")
        assert sorted(os.listdir(aside)) == ["log.txt", "report.ipynb"]
        nbformat.read(aside / "report.ipynb", as_version=4)
    assert (state(made.final), made.left()) == (old, [])


@pytest.mark.parametrize(("page", "sentence"), [
    ("<html>The end.", "is cut short"),
    ("<html></html>", 'does not hold its last line, "The end."'),
    ("The end." + "x" * 11 * 1024**2 + "</html>", "is 11 MB, more than 10 MB"),
], ids=["cut", "empty", "large"])  # fmt: skip
def test_a_page_that_is_not_whole_is_not_published(page, sentence):
    with pytest.raises(KpiError, match=sentence):
        build._check_page(page, "The end.")


def test_inputs_that_change_meanwhile_stop_the_report(made, worker):
    old = state(made.final)
    cell = "done = open('../data/raw/council.toml', 'a').write('\\n[cells]\\n')"
    notebook = with_cell(made.folder / "notebooks" / "changes.ipynb", cell, 20)
    with pytest.raises(
        InputError, match=r"^council.toml was changed while the report was being made. Run again.$"
    ):
        made.make(worker=worker, notebook=notebook)
    assert state(made.final) == old


@pytest.fixture
def built(made, monkeypatch):
    """The report that is there comes again from its process, or what is in this folder by then."""
    kept = shutil.copytree(made.final, made.folder / "kept")

    def build(worker, function, job, work, step):
        shutil.copytree(kept, work / "report")
        return (), ""

    monkeypatch.setattr(report, "_in_worker", build)
    return kept


def test_a_file_that_somebody_else_put_there_is_not_deleted(made, built):
    (made.final / ".DS_Store").touch()
    (made.final / "Thumbs.db").touch()
    made.make()
    assert not (made.final / "Thumbs.db").exists()
    (made.final / "notes.docx").touch()
    with pytest.raises(KpiError, match=r"notes.docx was not made by this command"):
        made.make()
    assert (made.final / "notes.docx").exists()


def test_the_report_of_another_council_is_not_replaced(made):
    old = state(made.final)
    settings = made.raw / "council.toml"
    settings.write_text(settings.read_text().replace("Anyshire", "Otherton"))
    with pytest.raises(KpiError, match="holds the report of Anyshire, and this one is of Otherton"):
        made.make()
    assert state(made.final) == old


@pytest.mark.parametrize("place", ["final", "outputs"])
def test_a_file_where_a_folder_should_be_is_a_sentence(project, place):
    path = getattr(project, place)
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    with pytest.raises(KpiError, match="is not a folder|could not be written: "):
        project.make()
    assert path.read_text() == "mine"


def test_one_run_of_a_quarter_at_a_time(project):
    with (
        work_folder(project.outputs, SLUG),
        pytest.raises(BusyError, match="2024-25-Q3 is being made by another run"),
    ):
        project.make()
    assert BusyError.exit_status == 75
    with work_folder(project.outputs, SLUG), work_folder(project.outputs, "2024-25-Q2"):
        pass


def test_what_a_killed_run_left_is_harmless(made, built):
    work = made.outputs / ".work"
    shutil.copytree(made.final, work / f"{SLUG}.0a1b2c3d" / "report")
    (work / f"{SLUG}.lock").write_text("locked since 2019")
    os.utime(work / f"{SLUG}.lock", (2**32, 2**32))
    (work / "2024-25-Q2.0a1b2c3d").mkdir()
    made.make()
    assert whole(made.final)
    assert made.left() == ["2024-25-Q2.0a1b2c3d"]


def test_where_names_cannot_be_exchanged_an_old_report_is_replaced_or_kept(
    made, built, monkeypatch
):
    monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    monkeypatch.setattr(publish.time, "sleep", lambda seconds: None)
    old, rename, tries = state(made.final), Path.rename, []
    (built / "report.html").write_text("new")

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "report" and len(tries) < most:
            tries.append(self)
            raise PermissionError(errno.EACCES, "The file is open in another program", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    most = 100
    sentence = r"is as it was: The file is open in another program. Close the files"
    with pytest.raises(KpiError, match=sentence):
        made.make()
    assert (state(made.final), made.left(), len(tries)) == (old, [], publish._TRIES)
    most = len(tries) + 2  # a virus scanner lets go of it in the end
    made.make()
    assert (state(made.final) != old, made.left()) == (True, [])


@pytest.mark.skipif(
    sys.platform != "linux", reason="names are exchanged in one step on Linux (and macOS)"
)
def test_a_reader_finds_the_old_report_or_the_new_one(tmp_path):
    final, new = tmp_path / "final", tmp_path / "new"
    final.mkdir()
    (final / "report.html").write_text("a" * 100_000)
    with reader(final / "report.html") as seen:
        for turn in range(100):
            new.mkdir()
            (new / "report.html").write_text("ba"[turn % 2] * 100_000)
            publish.replace_folder(new, final)
    assert seen <= {"a" * 8, "b" * 8}
    assert not new.exists()


STEPS = """
import json, os, shutil, signal, sys
from pathlib import Path
from kpi_tools import report
from kpi_tools.report import publish
sys.path.insert(0, sys.argv[1])
from tests.workplace import state
raw, outputs, two_steps = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4] == "two-steps"
final, kept = outputs / "2024-25-Q3", outputs.parent / "kept"
shutil.copytree(final, kept)

def build(worker, function, job, work, step):  # as if its process had done its work
    shutil.copytree(kept, work / "report")
    (work / "report" / "report.html").write_text("new")
    return (), ""

report._in_worker = build
if two_steps:
    publish._exchange = lambda one, other: False

def die_at(step):
    left, looking = step, False
    def count(event, arguments):
        nonlocal left, looking
        if looking:  # what this function does is an event as well
            return
        looking = True
        paths = [os.fsdecode(one) for one in arguments if isinstance(one, str | bytes | os.PathLike)]
        left -= event == "ctypes.dlsym" or any(f"{os.sep}outputs" in path for path in paths)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        looking = False
    sys.addaudithook(count)

found = []
while not found or found[-1]["ended"] == "killed":
    shutil.rmtree(final, ignore_errors=True)
    shutil.copytree(kept, final)
    if (child := os.fork()) == 0:
        die_at(len(found) + 1)
        report.make_report("2024-25 Q3", raw, outputs)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    seen = state(final)
    with publish.work_folder(outputs, final.name):
        pass  # what the next run does first
    left = [path.name for path in (outputs / publish.WORK).iterdir() if path.is_dir()]
    ended = "killed" if os.WIFSIGNALED(status) else str(os.WEXITSTATUS(status))
    found.append({"ended": ended, "seen": seen, "restored": state(final), "left": " ".join(left)})
print(json.dumps([state(kept), found]))
"""


@posix
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["exchange", "two-steps"])
def test_a_run_killed_at_any_step_leaves_the_old_report_or_the_new_one(made, mode):
    """A step is what Python reports to its audit hooks about the outputs: opened, made, renamed, removed, called."""
    if mode == "exchange" and sys.platform != "linux":
        pytest.skip("names are exchanged in one step on Linux (and macOS)")
    command = [sys.executable, "-c", STEPS, str(HERE), str(made.raw), str(made.outputs), mode]
    done = subprocess.run(command, capture_output=True, cwd=HERE.parent, timeout=120)
    old, found = json.loads(done.stdout or done.stderr)
    new = found[-1]["seen"]
    assert old != new
    assert [step["ended"] for step in found] == ["killed"] * (len(found) - 1) + ["0"]
    assert len(found) > 20
    allowed = {"exchange": {old, new}, "two-steps": {old, new, "absent"}}[mode]
    assert {step["seen"] for step in found} == allowed
    assert {step["restored"] for step in found} == {old, new}
    assert {step["left"] for step in found} == {""}
    assert sum(step["seen"] == "absent" for step in found) <= 1


@posix
@pytest.mark.parametrize(
    "size", [1000, *(pytest.param(size, marks=pytest.mark.slow) for size in (0, 20_000))]
)
@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_leaves_the_old_report(made, size):
    import resource

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    old = state(made.final)
    made.change()
    done = subprocess.run(
        made.command(),
        cwd=HERE.parent,
        capture_output=True,
        encoding="utf-8",
        preexec_fn=small_files,
    )
    assert (done.returncode, state(made.final), made.left()) == (1, old, []), done.stderr
    assert done.stderr.startswith("The report could not be written: ")


@pytest.fixture
def waiting(made):
    """The notebook `waits` says through a pipe that it has begun, and stops; calling this gives its runner's pid."""
    pipe = made.folder / "notebooks" / "pipe"
    os.mkfifo(pipe)
    with_cell(made.folder / "notebooks" / "waits.ipynb", WAIT)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    yield lambda: select.select([reader], [], [], 60)[0] == [reader] and int(os.read(reader, 20))
    os.close(reader)


WAIT = """import ctypes, os, time
pipe = os.open("pipe", os.O_WRONLY)
os.write(pipe, str(os.getppid()).encode())
(ctypes.PyDLL(None) if os.environ.get("KEEP_LOCK") else time).sleep(1000)"""


@posix
@pytest.mark.parametrize(
    "keep_lock", ["", pytest.param("1", id="keeps Python's lock", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(("sent", "ended", "sentence"), [
    (signal.SIGINT, 130, "Stopped. Nothing was changed."),
    (signal.SIGTERM, 143, "Stopped. Nothing was changed."),
    (signal.SIGKILL, -9, ""),
])  # fmt: skip
def test_a_run_that_is_ended_leaves_the_old_report_and_no_process(
    made, waiting, sent, ended, sentence, keep_lock
):
    old, mark = state(made.final), uuid.uuid4().hex
    notebook = made.folder / "notebooks" / "waits.ipynb"
    process = made.process(notebook, KPI_MARK=mark, KEEP_LOCK=keep_lock)
    assert waiting() == process.pid
    process.send_signal(sent)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told.strip()) == (ended, sentence)
    assert psutil.wait_procs(processes(mark), timeout=10)[1] == []
    assert state(made.final) == old
    with work_folder(made.outputs, SLUG):
        pass
    assert made.left() == []


@posix
@pytest.mark.slow
def test_runs_ended_at_random_moments_never_leave_half_a_report(made):
    """KPI_KILLS says how many (CI: 100). A reader looks on all the time; Windows and macOS are not shown by this."""
    chance, mark = random.Random(20240331), uuid.uuid4().hex
    with reader(made.final / "report.html") as seen:
        for turn in range(int(os.environ.get("KPI_KILLS", "6"))):
            made.change(f"turn {turn}")
            process = made.process(KPI_MARK=mark)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=chance.uniform(0, 5))
            process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            process.communicate(timeout=30)
            assert whole(made.final)
        assert made.run()[0] == 0
    assert seen == ({"</html>\n"} if sys.platform == "linux" else seen)
    assert psutil.wait_procs(processes(mark), timeout=10)[1] == []
    assert made.left() == []


@posix
def test_of_runs_at_once_one_goes_on(made, waiting):
    notebook = made.folder / "notebooks" / "waits.ipynb"
    with reader(made.final / "report.html") as seen:
        runs = [made.process(notebook) for _ in range(2)]
        first = waiting()
        winner = next(run for run in runs if run.pid == first)
        others = [run.communicate(timeout=60)[1] for run in runs if run is not winner]
        winner.terminate()
        winner.communicate(timeout=30)
    assert sorted(run.returncode for run in runs) == [75, 143]
    assert set(others) == {
        "2024-25-Q3 is being made by another run at this moment. Wait until it has ended.\n"
    }
    assert seen == {"</html>\n"}
