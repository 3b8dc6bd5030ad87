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
import threading
import uuid
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from workplace import HERE, QUARTER, SLUG, Project, processes, reader, state, whole

from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter, QuarterError
from kpi_tools.running import folders
from kpi_tools.running.folders import BusyError, work_folder

FILES = ("kpis.csv", "kpis.xlsx", "manifest.json", "report.html", "report.ipynb")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


def test_a_report_is_one_folder(project):
    made = project.make("warns")
    assert made.quarter == Quarter(2024, 3)
    assert (made.folder, made.files) == (project.final, FILES)
    assert tuple(sorted(os.listdir(made.folder))) == FILES
    assert len(made.warnings) == 1
    assert "UserWarning: one figure is provisional" in made.warnings[0]
    assert project.left() == []
    assert pickle.loads(pickle.dumps(made)) == made


def test_what_is_published_names_no_place_and_no_moment(project):
    project.make("warns")
    notebook = json.loads((project.final / "report.ipynb").read_text(encoding="utf-8"))
    assert "".join(notebook["cells"][1]["source"]) == (
        'quarter = "2024-25 Q3"  # the report\'s quarter, a = b\nraw = "../../data/raw"  # where the returns are'
    )
    assert [cell["id"] for cell in notebook["cells"]] == ["cell-1", "cell-2", "cell-3", "cell-4"]
    assert [cell.get("execution_count") for cell in notebook["cells"]] == [None, 1, 2, 3]
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    everything = b"".join(path.read_bytes() for path in project.final.iterdir())
    assert str(project.folder).encode() not in everything
    assert b"UserWarning" not in everything


def test_two_runs_in_two_places_give_the_same_bytes(project, tmp_path):
    project.make()
    once = state(project.final)
    project.make()
    assert state(project.final) == once
    other = Project(tmp_path / "élan – a much longer name")
    other.make()
    assert state(other.final) == once


@pytest.mark.usefixtures("no_kernel")
def test_the_manifest_names_what_the_report_depends_on(project):
    project.make()
    manifest = json.loads((project.final / "manifest.json").read_text(encoding="utf-8"))
    assert sorted(manifest["inputs"]) == ["council.toml", f"returns/{SLUG}/returns.csv"]
    assert sorted(manifest["outputs"]) == ["kpis.csv", "kpis.xlsx", "report.html", "report.ipynb"]
    before = state(project.final)
    (project.raw / "returns" / "2024-25-Q4" / "returns.csv").write_text("changed")
    (project.raw / "returns" / SLUG / "~$returns.xlsx").write_text("Excel is open")
    project.make()
    assert state(project.final) == before
    (project.raw / "council.toml").write_text("name = 2")
    project.make()
    assert state(project.final) != before


@pytest.mark.parametrize("fault", ["exception", "sys_exit_0", "kernel_killed", "prints_its_place"])
def test_a_failed_run_leaves_the_old_report_and_keeps_its_notebook_aside(project, fault):
    project.make()
    old = state(project.final)
    with pytest.raises(KpiError) as failed:
        project.make(fault)
    aside = project.outputs / "_failed" / SLUG
    assert str(failed.value).endswith(f" The notebook as it stopped: {aside / 'report.ipynb'}")
    assert "\n" not in str(failed.value)
    assert sorted(os.listdir(aside)) == ["log.txt", "report.ipynb"]
    assert (state(project.final), project.left()) == (old, [])
    project.make()
    assert not aside.exists()


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("<html>End of the report for Quarter 3 2024/25.", "is cut short"),
        (
            "<html></html>",
            'does not hold its last line, "End of the report for Quarter 3 2024/25."',
        ),
        (
            "End of the report for Quarter 3 2024/25." + "x" * 11 * 1024**2 + "</html>",
            "is 11 MB, more than 10 MB",
        ),
    ],
    ids=["cut", "empty", "large"],
)
@pytest.mark.usefixtures("no_kernel")
def test_a_page_that_is_not_whole_is_not_published(project, monkeypatch, page, sentence):
    monkeypatch.setattr(
        sys.modules["kpi_tools.running.export"], "to_html", lambda notebook, **_: page
    )
    with pytest.raises(KpiError) as failed:
        project.make()
    assert sentence in str(failed.value)
    assert not project.final.exists()


@pytest.mark.usefixtures("no_kernel")
def test_inputs_that_change_meanwhile_stop_the_report(project, monkeypatch):
    def to_html(*arguments: object, **options: object) -> str:
        (project.raw / "council.toml").write_text("name = 2")
        return original(*arguments, **options)

    original = sys.modules["kpi_tools.running.export"].to_html
    monkeypatch.setattr(sys.modules["kpi_tools.running.export"], "to_html", to_html)
    with pytest.raises(
        InputError, match=r"^council.toml was changed while the report was being made. Run again.$"
    ):
        project.make()
    assert not project.final.exists()


def test_a_text_that_is_no_quarter_makes_nothing(project):
    with pytest.raises(QuarterError):
        project.make(quarter="../../2024-25")
    assert not project.outputs.exists()


@pytest.mark.usefixtures("no_kernel")
def test_a_file_that_somebody_else_put_there_is_not_deleted(project):
    project.make()
    (project.final / ".DS_Store").touch()
    (project.final / "Thumbs.db").touch()
    project.make()
    (project.final / "notes.docx").touch()
    with pytest.raises(KpiError, match=r"notes.docx was not made by this command"):
        project.make()
    assert (project.final / "notes.docx").exists()


@pytest.mark.usefixtures("no_kernel")
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
    with work_folder(project.outputs, "2024-25-Q2"):
        project.make()


@pytest.mark.usefixtures("no_kernel")
def test_what_a_killed_run_left_is_harmless(project):
    project.make()
    old = state(project.final)
    work = project.outputs / ".work"
    shutil.copytree(project.final, work / f"{SLUG}.0a1b2c3d" / "report")
    (work / f"{SLUG}.lock").write_text("locked since 2019")
    os.utime(work / f"{SLUG}.lock", (2**32, 2**32))
    (work / "2024-25-Q2.0a1b2c3d").mkdir()
    project.make()
    assert state(project.final) == old
    assert project.left() == ["2024-25-Q2.0a1b2c3d"]


@pytest.mark.usefixtures("no_kernel")
def test_where_names_cannot_be_exchanged_an_old_report_is_replaced_or_kept(project, monkeypatch):
    monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    project.make()
    old = state(project.final)
    (project.raw / "council.toml").write_text("name = 2")
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if self.name == "report":
            raise PermissionError(errno.EACCES, "The file is open in another program", str(target))
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(
            KpiError, match=r"is as it was: The file is open in another program. Close the files"
        ):
            project.make()
    assert (state(project.final), project.left()) == (old, [])
    project.make()
    assert (state(project.final) != old, project.left()) == (True, [])


@pytest.mark.skipif(
    sys.platform != "linux", reason="names are exchanged in one step on Linux (and macOS)"
)
def test_a_reader_finds_the_old_report_or_the_new_one(tmp_path):
    final, seen, stop = tmp_path / "final", set(), threading.Event()
    texts = {name * 100_000 for name in "ab"}
    (final).mkdir()
    (final / "report.html").write_text("a" * 100_000)

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add((final / "report.html").read_text())
            except OSError as error:
                seen.add(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(100):
        new = tmp_path / "new"
        new.mkdir()
        (new / "report.html").write_text("ba"[turn % 2] * 100_000)
        folders.publish(new, final, tmp_path / "aside")
    stop.set()
    reader.join()
    assert seen <= texts
    assert not new.exists()


@posix
@pytest.mark.parametrize("mode", ["exchange", "two-steps"])
def test_a_run_killed_at_any_step_leaves_the_old_report_or_the_new_one(project, mode):
    if mode == "exchange" and sys.platform != "linux":
        pytest.skip("names are exchanged in one step on Linux (and macOS)")
    project.run_without_kernel()
    (project.raw / "council.toml").write_text("name = 2")
    script = [
        sys.executable,
        str(HERE / "standin.py"),
        str(project.notebook("good")),
        "--kill-at-each-step",
    ]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
    command = [*script, QUARTER, str(project.folder), f"--{mode}"]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=120)
    result = json.loads(done.stdout)
    old, new, found = result["old"], result["new"], result["found"]
    assert old != new
    assert [step["ended"] for step in found] == ["killed"] * (len(found) - 1) + ["0"]
    assert len(found) > 25
    allowed = {"exchange": {old, new}, "two-steps": {old, new, "absent"}}[mode]
    assert {step["seen"] for step in found} == allowed
    assert {step["restored"] for step in found} == {old, new}
    assert {step["left"] for step in found} == {""}
    assert sum(step["seen"] == "absent" for step in found) <= 1


@posix
@pytest.mark.parametrize("size", [0, 50, 100, 400, 900])
def test_a_full_disk_is_a_sentence_and_leaves_the_old_report(project, size):
    project.run_without_kernel()
    old = state(project.final)
    (project.raw / "council.toml").write_text("name = 2")
    status, _, said = project.run_without_kernel(KPI_LARGEST_FILE=str(size))
    assert (status, state(project.final), project.left()) == (1, old, [])
    assert said.startswith("The report could not be written: File too large")


@pytest.fixture
def waiting(project):
    """The notebook `waits` says through a pipe that it has begun, and stops; calling this gives its runner's pid."""
    pipe = project.folder / "notebooks" / "pipe"
    os.mkfifo(pipe)
    source = json.loads(project.notebook("good").read_text())
    source["cells"][2]["source"] = WAIT
    project.notebook("waits").write_text(json.dumps(source))
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    yield lambda: select.select([reader], [], [], 60)[0] == [reader] and int(os.read(reader, 20))
    os.close(reader)


WAIT = """import ctypes, os, time
pipe = os.open("pipe", os.O_WRONLY)
os.write(pipe, str(os.getppid()).encode())
(ctypes.PyDLL(None) if os.environ.get("KEEP_LOCK") else time).sleep(1000)"""


@posix
@pytest.mark.parametrize("keep_lock", ["", "1"], ids=["waits", "keeps Python's lock"])
@pytest.mark.parametrize(
    ("sent", "ended", "sentence"),
    [
        (signal.SIGINT, 130, "Stopped. Nothing was changed."),
        (signal.SIGTERM, 143, "Stopped. Nothing was changed."),
        (signal.SIGKILL, -9, ""),
    ],
)
def test_a_run_that_is_ended_leaves_the_old_report_and_no_kernel(
    project, waiting, sent, ended, sentence, keep_lock
):
    project.run_without_kernel()
    old, mark = state(project.final), uuid.uuid4().hex
    process = project.process("waits", KPI_MARK=mark, KEEP_LOCK=keep_lock)
    assert waiting() == process.pid
    process.send_signal(sent)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (ended, sentence)
    assert psutil.wait_procs(processes(mark), timeout=10)[1] == []
    assert state(project.final) == old
    assert project.run_without_kernel()[0] == 0
    assert project.left() == []


@posix
def test_runs_ended_at_random_moments_never_leave_half_a_report(project):
    """KPI_KILLS says how many (CI: 100). A reader looks on all the time; Windows and macOS are not shown by this."""
    chance, mark = random.Random(20240331), uuid.uuid4().hex
    assert project.run()[0] == 0
    with reader(project.final / "report.html") as seen:
        for turn in range(int(os.environ.get("KPI_KILLS", "10"))):
            project.change(f"name = {turn}")
            process = project.process("good", KPI_MARK=mark)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=chance.uniform(0, 4))
            process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            process.communicate(timeout=30)
            assert whole(project.final)
        assert project.run()[0] == 0
    assert seen == ({"</html>\n"} if sys.platform == "linux" else seen)
    assert psutil.wait_procs(processes(mark), timeout=10)[1] == []
    assert project.left() == []


@posix
@pytest.mark.parametrize("count", [2, 3, 8])
def test_of_runs_at_once_one_goes_on(project, waiting, count):
    project.run_without_kernel()
    with reader(project.final / "report.html") as seen:
        runs = [project.process("waits") for _ in range(count)]
        first = waiting()
        winner = next(run for run in runs if run.pid == first)
        others = [run.communicate(timeout=60)[1] for run in runs if run is not winner]
        winner.terminate()
        winner.communicate(timeout=30)
    assert sorted(run.returncode for run in runs) == [75] * (count - 1) + [143]
    assert set(others) == {
        "2024-25-Q3 is being made by another run at this moment. Wait until it has ended.\n"
    }
    assert seen == {"</html>\n"}


@posix
def test_of_eight_runs_at_once_one_makes_the_report(project):
    """As above, with nobody holding the winner up: each ends with 0 or 75, and what stands there is whole."""
    runs = [project.process("good") for _ in range(8)]
    said = [run.communicate(timeout=60)[1] for run in runs]
    ended = {run.returncode for run in runs}
    assert 0 in ended and ended <= {0, 75}, said
    assert whole(project.final) and project.left() == []


def test_quarters_do_not_wait_for_each_other(project):
    quarters = [Quarter(2023, 1).shift(step) for step in range(8)]
    runs = [project.process("good", quarter=quarter.label) for quarter in quarters]
    said = [run.communicate(timeout=180)[1] for run in runs]
    assert [run.returncode for run in runs] == [0] * 8, said
    assert sorted(os.listdir(project.outputs)) == [".work", *(quarter.slug for quarter in quarters)]
    assert all(whole(project.outputs / quarter.slug) for quarter in quarters)


@posix
@pytest.mark.parametrize(
    "name",
    [
        "Rôle « £ » – {x} 50%",
        "x" * 100 + "/" + "é" * 100,
        "a\nb '\" $HOME `id` ;",
        os.fsdecode(b"caf\xe9"),
    ],
)
def test_a_plain_locale_a_strange_path_and_no_home(project, tmp_path, name):
    strange = Project(tmp_path / name)
    plain = {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "HOME": "/nowhere",
        "TZ": "Pacific/Auckland",
    }
    status, told, said = strange.run(**plain)
    assert (status, said) == (0, "Quarter 3 2024/25: rows\n")
    assert told.rstrip("\n") == str(strange.final / "report.html")
    project.make()
    assert state(strange.final) == state(project.final)


def test_the_councils_way_to_write_a_quarter_makes_no_folder_of_its_own(project):
    status, told, _ = project.run_without_kernel(quarter="2024/25 Q3")
    assert (status, Path(told.strip())) == (0, project.final / "report.html")
    assert sorted(os.listdir(project.outputs)) == [".work", SLUG]
