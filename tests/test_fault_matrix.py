"""What may go wrong with a batch of reports, fault by fault, and the tests that show what becomes of it.

Everywhere: an exit status other than 0 unless said otherwise, one sentence, nothing half made, the earlier report as it
was, no kernel left behind. A test of this table fails where one of these names is gone.

F01 exception in a cell              test_runner::test_a_run_that_is_not_whole_is_refused
                                     test_fault_matrix::test_an_exception_in_any_cell_of_the_real_report
F02 sys.exit, os._exit, quit         test_runner::test_a_run_that_is_not_whole_is_refused
F03 kernel killed, segfault, abort   test_runner::test_a_run_that_is_not_whole_is_refused
F04 kernel out of memory             test_runner::test_a_run_that_is_not_whole_is_refused
    kernel that prints without end   test_runner::test_a_run_that_is_not_whole_is_refused
F05 cell hangs, swallows, is stopped test_runner::test_a_cell_that_takes_too_long_is_ended
F06 kernel missing, dies, silent     test_runner::test_a_kernel_that_does_not_start_is_a_sentence
                                     test_runner::test_the_kernel_is_this_python_whatever_the_user_has_installed
F07 runner killed at random          test_report::test_runs_ended_at_random_moments_never_leave_half_a_report
    … at each of its steps           test_report::test_a_run_killed_at_any_step_leaves_the_old_report_or_the_new_one
    … while a cell runs              test_report::test_a_run_that_is_ended_leaves_the_old_report_and_no_kernel
F08 disk full                        test_fault_matrix::test_a_disk_that_fills_up_at_any_point
                                     test_fault_matrix::test_a_full_disk_for_temporary_files_is_a_sentence
                                     test_report::test_a_full_disk_is_a_sentence_and_leaves_the_old_report
F09 outputs read-only                test_fault_matrix::test_outputs_that_cannot_be_written_are_told_before_anything_starts
    … missing (exit 0)               test_report::test_a_report_is_one_folder
    … a file                         test_report::test_a_file_where_a_folder_should_be_is_a_sentence
    … a link                         test_fault_matrix::test_outputs_may_be_a_link_and_a_quarter_may_not
F10 2, 3, 8 runs of one quarter      test_report::test_of_runs_at_once_one_goes_on
                                     test_report::test_of_eight_runs_at_once_one_makes_the_report
    8 quarters at once (exit 0)      test_report::test_quarters_do_not_wait_for_each_other
F11 a reader meanwhile               test_report::test_a_reader_finds_the_old_report_or_the_new_one, and in F07, F08, F10
F12 stale lock, stale work folder    test_report::test_what_a_killed_run_left_is_harmless
    clock set back                   test_fault_matrix::test_nobody_asks_for_the_time
F13 inputs change meanwhile          test_report::test_inputs_that_change_meanwhile_stop_the_report
                                     test_loading::test_a_file_that_changes_while_it_is_read_is_told
    … vanish or are locked           test_fault_matrix::test_an_input_that_cannot_be_read_any_more_is_a_sentence
F14 thread fails, warning (exit 0)   test_runner::test_a_run_that_is_not_whole_is_refused
                                     test_runner::test_a_warning_does_not_stop_a_run
F15 parameters                       test_runner::test_parameters_the_notebook_does_not_have_are_refused_before_a_kernel_starts
                                     test_runner::test_a_hostile_value_arrives_as_text
F16 strange paths, C locale (exit 0) test_report::test_a_plain_locale_a_strange_path_and_no_home
                                     test_fault_matrix::test_the_real_report_in_a_plain_locale_and_a_long_strange_path
F17 zones, dates, seeds: same bytes  test_fault_matrix::test_no_zone_file_time_or_hash_seed_takes_part
                                     test_fault_matrix::test_nobody_asks_for_the_time
F18 no network (exit 0)              test_fault_matrix::test_without_any_network
F19 one chart fails                  test_fault_matrix::test_a_chart_that_cannot_be_drawn_stops_the_report
    one KPI has no data (exit 0)     test_fault_matrix::test_a_kpi_without_data_is_reported_as_such
    all rejected                     test_fault_matrix::test_returns_of_which_nothing_can_be_used
F20 control characters, long names   test_fault_matrix::test_control_characters_and_endless_names
    many KPIs (exit 0)               test_fault_matrix::test_many_kpis
    a page too large                 test_report::test_a_page_that_is_not_whole_is_not_published
F21 notebook not fit to run          test_runner::test_a_notebook_that_is_not_fit_to_run_is_refused_before_a_kernel_starts
    … left with outputs (exit 0)     test_runner::test_old_outputs_in_the_file_take_no_part
    … meddles with the outputs       test_fault_matrix::test_a_notebook_that_meddles_with_folders
F22 edited report, manifest, input   test_verification
F23 late revision: same bytes        test_fault_matrix::test_a_late_revision_leaves_the_old_quarter_as_published
F24 package versions differ
             test_provenance::test_versions_other_than_those_of_the_lock_are_named_and_hold_the_final_report_back

KPI_LONG=1, as in .ci/run, makes the longer versions run: more time zones, more KPIs, every cell.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workplace import HERE, QUARTER, SLUG, Project, RealProject, reader, state, whole

from kpi_tools import making, report
from kpi_tools.errors import InputError, KpiError

LONG = os.environ.get("KPI_LONG") == "1"
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A real report of a small council; tests compare with it."""
    real = RealProject(tmp_path_factory.mktemp("real"))
    status, told, said = real.run()
    assert (status, told.strip()) == (0, str(real.final / "report.html")), said
    return real


@pytest.fixture
def small_disk(tmp_path):
    """`small_disk(bytes)`: a folder on a file system of that size. Linux and root only."""
    if not ROOT_ON_LINUX or not shutil.which("mount"):
        pytest.skip("a small disk is mounted by root on Linux")
    place = tmp_path / "small disk"
    place.mkdir()

    def mount(size: int) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True
        )
        if done.returncode:
            pytest.skip("this container may not mount a file system")
        return place

    yield mount
    subprocess.run(["umount", "--lazy", place], capture_output=True)


def test_every_fault_has_a_test():
    named = re.findall(r"\b(test_\w+)::(test_\w+)", __doc__ or "")
    gone = [
        name
        for module, name in named
        if f"def {name}(" not in (HERE / f"{module}.py").read_text("utf-8")
    ]
    assert gone == []
    faults = re.findall(r"^F(\d\d) ", __doc__ or "", re.MULTILINE)
    assert faults == [f"{number:02}" for number in range(1, 25)]


# F01


def _cells_to_break() -> list[int]:
    cells = json.loads(report.NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [place for place, cell in enumerate(cells) if cell["cell_type"] == "code"]
    after_parameters = [
        place for place in code if "parameters" not in cells[place]["metadata"].get("tags", [])
    ]
    return (
        after_parameters
        if LONG
        else [after_parameters[0], after_parameters[len(after_parameters) // 2]]
    )


@pytest.mark.parametrize("place", _cells_to_break())
def test_an_exception_in_any_cell_of_the_real_report(published, tmp_path, place):
    """The notebook of the project with `1 / 0` at the head of one cell; the published report stays."""
    broken = json.loads(report.NOTEBOOK.read_text(encoding="utf-8"))
    cell = broken["cells"][place]
    cell["source"] = ["1 / 0\n", *cell["source"]]
    (tmp_path / "broken.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    before = state(published.final)
    with pytest.raises(
        KpiError, match=rf"broken.ipynb stopped in cell {place + 1} \(`1 / 0`\): ZeroDivisionError"
    ):
        report.report_quarter(QUARTER, published.raw, published.outputs, tmp_path / "broken.ipynb")
    assert state(published.final) == before
    kept = published.outputs / "_failed" / SLUG
    assert not list(kept.glob("*.html"))
    shutil.rmtree(kept)


# F08, F09


def test_a_disk_that_fills_up_at_any_point(tmp_path, small_disk):
    """Ten sizes, from no room at all to enough, on a real file system; the report stands in five files of one page each."""
    page = os.sysconf("SC_PAGE_SIZE")
    disk = small_disk(32 * page)
    project = Project(tmp_path / "project")
    project.outputs = disk / "outputs"
    project.final = project.outputs / SLUG
    assert project.run_without_kernel()[0] == 0
    old = state(project.final)
    ended = []
    for free in range(10):
        project.change(f"name = {free + 2}")
        (disk / "filler").unlink(missing_ok=True)
        left = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(b"x" * (left - free * page))
        with reader(project.final / "report.html") as seen:
            status, _, said = project.run_without_kernel()
        ended.append(status)
        assert seen <= {"</html>\n"}
        assert whole(project.final) and project.left() == []
        if status:
            assert state(project.final) == old
            assert said.startswith("The report could not be written: No space left on device")
            assert said.count("\n") == 1
        else:
            assert state(project.final) != old
            old = state(project.final)
    assert ended[:2] == [1, 1] and ended[-1] == 0 and sorted(ended, reverse=True) == ended


@pytest.mark.parametrize("pages", range(4))
def test_a_full_disk_for_temporary_files_is_a_sentence(tmp_path, small_disk, pages):
    """Where the kernel has hardly room for its own files. Without any Python takes another folder for them."""
    disk = small_disk(16 * os.sysconf("SC_PAGE_SIZE"))
    (disk / "filler").write_bytes(
        b"x" * (shutil.disk_usage(disk).free - pages * os.sysconf("SC_PAGE_SIZE"))
    )
    project = Project(tmp_path / "project")
    status, _, said = project.run(TMPDIR=str(disk))
    assert said.count("\n") == 1 and "Traceback" not in said
    assert status in (0, 1) and (
        whole(project.final) if status == 0 else not project.final.exists()
    ), said


def test_outputs_that_cannot_be_written_are_told_before_anything_starts(
    project, monkeypatch, small_disk
):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr(making, "run_notebook", refuse)
    disk = small_disk(64 * 1024)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    project.outputs = disk / "outputs"
    with pytest.raises(
        KpiError, match=r"The report could not be written: Read-only file system \(.*outputs"
    ):
        project.make()


@posix
@pytest.mark.usefixtures("no_kernel")
def test_outputs_may_be_a_link_and_a_quarter_may_not(project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.outputs.symlink_to(elsewhere)
    project.make()
    assert whole(elsewhere / SLUG)
    (elsewhere / SLUG).rename(elsewhere / "kept")
    (elsewhere / SLUG).symlink_to(elsewhere / "kept")
    with pytest.raises(KpiError, match="is not a folder. Move it away"):
        project.make()
    assert whole(elsewhere / "kept")


# F13


@pytest.mark.usefixtures("no_kernel")
@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "No such file"), PermissionError(13, "Permission denied")]
)
@pytest.mark.parametrize("after", [0, 1], ids=["at first", "at last"])
def test_an_input_that_cannot_be_read_any_more_is_a_sentence(project, monkeypatch, error, after):
    """It is on the list of files, and is gone or locked when it is its turn: at the first look, or at the last."""
    project.make()
    old, read, turns = state(project.final), Path.read_bytes, iter(range(100))

    def refuse(path: Path) -> bytes:
        if path.name == "returns.csv" and next(turns) >= after:
            error.filename = str(path)
            raise error
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        InputError, match=r"returns.csv cannot be read: .*\. Close it in other programs"
    ):
        project.make()
    assert (state(project.final), project.left()) == (old, [])


# F16, F17, F18: the same report wherever and whenever it is made


def same(one: RealProject, other: RealProject) -> bool:
    return state(one.final) == state(other.final)


@posix
def test_the_real_report_in_a_plain_locale_and_a_long_strange_path(published, tmp_path):
    strange = RealProject(
        tmp_path / ("a folder « of the council » – £ 50% " + "é" * 60) / ("x" * 100)
    )
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "HOME": "/nowhere"}
    status, _, said = strange.run(**plain)
    assert status == 0, said
    assert same(strange, published)


MOMENTS = [
    ("Europe/London", 1743298200, "0"),  # in the hour that the last Sunday of March 2025 leaves out
    ("UTC", 1743465599, "1"),  # the last second of 31 March
    ("Pacific/Auckland", 1743465600, "2"),  # 1 April, half a day later there
    (
        "Europe/London",
        1761438600,
        "random",
    ),  # in the hour that the last Sunday of October 2025 has twice
]


@posix
@pytest.mark.parametrize(("zone", "moment", "seed"), MOMENTS if LONG else MOMENTS[2:3])
def test_no_zone_file_time_or_hash_seed_takes_part(published, tmp_path, zone, moment, seed):
    other = RealProject(tmp_path)
    for path in other.raw.rglob("*"):
        os.utime(path, (moment, moment))
    status, _, said = other.run(TZ=zone, PYTHONHASHSEED=seed)
    assert status == 0, said
    assert same(other, published)


def test_nobody_asks_for_the_time():
    """So that no date of the clock takes part either: in the package, set-up aside, and in no notebook."""
    asked = re.compile(
        r"\b(now|today|utcnow|localtime|gmtime|ctime|time\.time|getmtime)\(|st_[cm]time"
    )
    package = [
        path
        for path in HERE.parent.joinpath("kpi_tools").rglob("*.py")
        if path.name != "__main__.py"
    ]
    places = [*package, *HERE.parent.joinpath("notebooks").glob("*.ipynb")]
    assert [path.name for path in places if asked.search(path.read_text(encoding="utf-8"))] == []


ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    up_and_running = struct.pack("16sh", b"lo", 0x1 | 0x40)
    fcntl.ioctl(any_socket, 0x8914, up_and_running)  # SIOCSIFFLAGS: this computer can speak to itself, and to nobody else
try:
    socket.create_connection(("192.0.2.1", 80), timeout=5)
except OSError as error:
    assert error.errno == 101, error  # the network is unreachable
os.execvp(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(
    not ROOT_ON_LINUX or not shutil.which("unshare"),
    reason="a network of one is made by root on Linux",
)
def test_without_any_network(published, tmp_path):
    within = ("unshare", "--net", sys.executable, "-c", ALONE)
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("this container may not make a network of its own")
    other = RealProject(tmp_path)
    status, _, said = other.run(within=within)
    assert status == 0, said
    assert same(other, published)


# F19, F20, F21


def test_a_chart_that_cannot_be_drawn_stops_the_report(published, tmp_path):
    (tmp_path / "vl_convert.py").write_text(
        "def __getattr__(name):\n    raise ValueError('no chart today')\n"
    )
    before = state(published.final)
    status, _, said = published.run(PYTHONPATH=str(tmp_path))
    assert (status, said.strip().count("\n")) == (1, 0)
    assert re.search(
        r"quarterly_report.ipynb stopped in cell \d+ \(.*\): .*ValueError: no chart today\. The notebook",
        said,
    )
    assert state(published.final) == before


def test_a_kpi_without_data_is_reported_as_such(tmp_path):
    real = RealProject(tmp_path)
    rows = real.raw / "returns" / SLUG / "return.csv"
    lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
    rows.write_text("".join(line for line in lines if not line.startswith("R2,")), encoding="utf-8")
    status, _, said = real.run()
    assert status == 0, said
    assert "Street lights working" in real.page()
    (counted,) = re.findall(
        r"Out of the (?:3|three) KPIs[^.]*\.", re.sub("<[^>]+>", "", real.page())
    )[:1]
    assert "not rated" in re.sub("<[^>]+>", " ", real.page()).lower(), counted


@pytest.mark.parametrize(
    "options", [(), ("--allow-rejected",)], ids=["as it is", "without the rejected"]
)
def test_returns_of_which_nothing_can_be_used(published, tmp_path, options):
    real = RealProject(tmp_path)
    real.returns(SLUG, [[kpi, QUARTER, "72p"] for kpi in real.kpis])
    status, _, said = real.run(*options)
    assert status == 2, said
    assert "Traceback" not in said and "72p" in said
    assert not real.final.exists()


def test_control_characters_and_endless_names(tmp_path):
    every = "".join(
        map(
            chr, (*range(1, 9), 11, 12, *range(14, 32), 127, 0x202E, 0x2066, 0xFEFF, 0xFFFE, 0xFFFF)
        )
    )
    names = {
        "R1": f"Potholes{every}mended",
        "R2": "Lights " + "very " * 1000 + "well",
        "C1": "\u202eVisits\u2028in time",
    }
    real = RealProject(tmp_path, names)
    real.comment(
        {
            "R1": f"Words{every} on it.",
            "R2": "word " * 1000,
            "C1": "</style>]]><svg><foreignObject>x\u202e",
        }
    )
    status, _, said = real.run()
    assert status == 0, said
    page = real.page()
    assert (
        "Potholes mended" in page
        and "&lt;/style&gt;]]&gt;&lt;svg&gt;&lt;foreignObject&gt;x" in page
    )
    assert not set(page) & set(every)


def test_many_kpis(tmp_path):
    """Two hundred, or forty in the short version. A page beyond what may be published is a sentence (test_report)."""
    count = 200 if LONG else 40
    real = RealProject(
        tmp_path, {f"R{number:04}": f"Indicator {number}" for number in range(count)}
    )
    status, _, said = real.run()
    assert status == 0, said
    assert real.page().count("<article") == count


MEDDLERS = {
    "removes the work folder": 'import shutil\n\nshutil.rmtree("../outputs/.work")',
    "removes the report": 'import shutil\n\nshutil.rmtree("../outputs")',
    "writes where the report goes": 'open("../outputs/2024-25-Q3/more.txt", "w").write("mine")',
    "leaves its folder": 'import os\n\nos.chdir("/")',
    "removes itself": 'import os\n\nos.remove("meddles.ipynb")',
}


@posix
@pytest.mark.parametrize("deed", MEDDLERS)
def test_a_notebook_that_meddles_with_folders(project, deed):
    """What is under the final name is whole, or nothing; and the next run is as if nothing had been."""
    assert project.run_without_kernel()[0] == 0
    old = state(project.final)
    source = json.loads(project.notebook("good").read_text(encoding="utf-8"))
    source["cells"][2]["source"] = MEDDLERS[deed]
    project.notebook("meddles").write_text(json.dumps(source), encoding="utf-8")
    status, _, said = project.run("meddles")
    assert said.count("\n") == 1 and "A fault in the program itself" not in said, said
    if status:
        assert status in (1, 2)
        assert (
            not project.final.exists() or deed.startswith("writes") or state(project.final) == old
        )
    else:
        assert whole(project.final)
    shutil.rmtree(project.final, ignore_errors=True)
    assert project.run_without_kernel()[0] == 0
    assert state(project.final) == old


# F23


def test_a_late_revision_leaves_the_old_quarter_as_published(tmp_path):
    real = RealProject(tmp_path)
    assert real.run()[0] == 0
    before = state(real.final)
    real.returns(
        "2024-25-Q4", [["R1", QUARTER, 55], ["R1", "2024-25 Q4", 77], ["C1", "2023-24 Q4", 99]]
    )
    real.write(
        "commentary/2024-25-Q4.csv",
        [["kpi_id", "section", "commentary"], ["R1", "", "It was wrong."]],
    )
    assert real.run()[0] == 0
    assert state(real.final) == before
