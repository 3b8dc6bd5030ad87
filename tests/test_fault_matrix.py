"""What may go wrong with a batch of reports: tests/faults/README.md lists each with its tests."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kpi_tools import report
from kpi_tools.errors import InputError, KpiError
from tests.workplace import HERE, QUARTER, SLUG, Project, reader, state, whole, with_cell

LONG = os.environ.get("KPI_LONG") == "1"
ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


@pytest.fixture(scope="module")
def published(tmp_path_factory, worker):
    """A real report of a small council; tests compare with it."""
    real = Project(tmp_path_factory.mktemp("real"))
    real.make(worker=worker)
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
    listed = (HERE / "faults" / "README.md").read_text("utf-8")
    named = re.findall(r"\b(test_\w+)::(test_\w+)", listed)
    gone = [
        name
        for module, name in named
        if f"def {name}(" not in (HERE / f"{module}.py").read_text("utf-8")
    ]
    assert gone == []
    faults = re.findall(r"\bF(\d\d) \| ", listed)
    assert faults == [f"{number:02}" for number in range(1, 25)]


# F01


def _cells_to_break() -> list[int]:
    cells = json.loads(report.NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [place for place, cell in enumerate(cells) if cell["cell_type"] == "code"]
    after = [at for at in code if "parameters" not in cells[at]["metadata"].get("tags", [])]
    return after if LONG else [after[0], after[len(after) // 2]]


@pytest.mark.parametrize("place", _cells_to_break())
def test_an_exception_in_any_cell_of_the_real_report(published, worker, tmp_path, place):
    """The notebook of the project with `1 / 0` at the head of one cell; the published report stays."""
    broken = json.loads(report.NOTEBOOK.read_text(encoding="utf-8"))
    cell = broken["cells"][place]
    cell["source"] = ["1 / 0\n", *cell["source"]]
    (tmp_path / "broken.ipynb").write_text(json.dumps(broken), encoding="utf-8")
    before = state(published.final)
    sentence = rf"broken.ipynb stopped in cell {place + 1} \(`1 / 0`\): ZeroDivisionError"
    with pytest.raises(KpiError, match=sentence):
        published.make(worker=worker, notebook=tmp_path / "broken.ipynb")
    assert state(published.final) == before
    kept = published.outputs / "_failed" / SLUG
    assert not list(kept.glob("*.html"))
    shutil.rmtree(kept)


# F08, F09


@pytest.mark.slow
def test_a_disk_that_fills_up_at_any_point(published, tmp_path, small_disk):
    """From no room at all to enough, on a real file system; the report has five files."""
    page = os.sysconf("SC_PAGE_SIZE")
    project = Project(tmp_path / "project")
    size = sum(-(-path.stat().st_size // page) for path in published.final.iterdir())
    disk = small_disk((2 * size + 64) * page)
    project.outputs = disk / "outputs"
    project.final = project.outputs / SLUG
    assert project.run()[0] == 0
    old, ended = state(project.final), []
    for free in (0, 2, size // 2, size - 1, size + 24):
        project.change(f"with {free} free")
        (disk / "filler").unlink(missing_ok=True)
        left = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(b"x" * (left - free * page))
        with reader(project.final / "report.html") as seen:
            status, _, told = project.run()
        ended.append(status)
        assert seen <= {"</html>\n"}
        assert whole(project.final) and project.left() == []
        assert (state(project.final) == old) == bool(status)
        sentence = "The report could not be written: No space left on device"
        assert not status or told.startswith(sentence)
    assert ended == [1, 1, 1, 1, 0]


def test_outputs_that_cannot_be_written_are_told_before_anything_starts(
    project, monkeypatch, small_disk
):
    monkeypatch.setattr(report, "_in_worker", None)
    disk = small_disk(64 * 1024)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    project.outputs = disk / "outputs"
    sentence = r"The report could not be written: Read-only file system \(.*outputs"
    with pytest.raises(KpiError, match=sentence):
        project.make()


@posix
def test_outputs_may_be_a_link_and_a_quarter_may_not(project, worker, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.outputs.symlink_to(elsewhere)
    project.make(worker=worker)
    assert whole(elsewhere / SLUG)
    (elsewhere / SLUG).rename(elsewhere / "kept")
    (elsewhere / SLUG).symlink_to(elsewhere / "kept")
    with pytest.raises(KpiError, match="is not a folder. Move it away"):
        project.make()
    assert whole(elsewhere / "kept")


# F13


def test_an_input_that_cannot_be_read_any_more_is_a_sentence(published, worker, tmp_path):
    """It was there when the report was begun, and is gone at the last look."""
    shutil.copytree(published.folder, tmp_path / "project")
    project = Project(tmp_path / "project", fresh=False)
    old = state(project.final)
    source = "import os\n\nos.remove('../data/raw/targets.csv')"
    notebook = with_cell(project.folder / "notebooks" / "r.ipynb", source, 20)
    with pytest.raises(InputError, match="targets.csv was changed while the report was being made"):
        project.make(worker=worker, notebook=notebook)
    assert (state(project.final), project.left()) == (old, [])


# F16, F17, F18: the same report wherever and whenever it is made


def same(one: Project, other: Project) -> bool:
    return state(one.final) == state(other.final)


STRANGE = "a folder « of the council » – £ 50% " + "é" * 60
PLAIN = {"LC_ALL": "C", "HOME": "/nowhere"}


def touched(project: Project, moment: int) -> None:
    """As if every file of its data were of that second."""
    for path in project.raw.rglob("*"):
        os.utime(path, (moment, moment))


@posix
def test_the_real_report_wherever_and_whenever_it_is_made(published, tmp_path):
    """All of it in one run; each alone is a slow test."""
    other = Project(tmp_path / STRANGE / ("x" * 100))
    zone, moment, seed = MOMENTS[2]
    touched(other, moment)
    within = alone() or ()
    status, _, said = other.run(within=within, TZ=zone, PYTHONHASHSEED=seed, **PLAIN)
    assert status == 0, said
    assert same(other, published)


@posix
@pytest.mark.slow
def test_the_real_report_in_a_plain_locale_and_a_long_strange_path(published, tmp_path):
    strange = Project(tmp_path / STRANGE / ("x" * 100))
    status, _, said = strange.run(**PLAIN)
    assert status == 0, said
    assert same(strange, published)


MOMENTS = [
    ("Europe/London", 1743298200, "0"),  # in the hour that the last Sunday of March 2025 leaves out
    ("UTC", 1743465599, "1"),  # the last second of 31 March
    ("Pacific/Auckland", 1743465600, "2"),  # 1 April, half a day later there
    # in the hour that the last Sunday of October 2025 has twice
    ("Europe/London", 1761438600, "random"),
]


@posix
@pytest.mark.slow
@pytest.mark.parametrize(("zone", "moment", "seed"), MOMENTS)
def test_no_zone_file_time_or_hash_seed_takes_part(published, tmp_path, zone, moment, seed):
    other = Project(tmp_path)
    touched(other, moment)
    status, _, said = other.run(TZ=zone, PYTHONHASHSEED=seed)
    assert status == 0, said
    assert same(other, published)


def test_nobody_asks_for_the_time():
    """So that no date of the clock takes part either: in the package and the notebooks.

    Set-up aside, and the lock of who writes commentary in the explorer, whose age tells that it was left behind.
    """
    asked = re.compile(
        r"\b(now|today|utcnow|localtime|gmtime|ctime|time\.time|getmtime)\(|st_[cm]time"
    )
    package, notebooks = HERE.parent / "kpi_tools", HERE.parent / "notebooks"
    places = {*package.rglob("*.py"), *notebooks.glob("*.ipynb")}
    places -= {package / "__main__.py", package / "explorer" / "words.py"}
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


def alone() -> tuple[str, ...] | None:
    """What runs a command in a network of one, which is made by root on Linux; None elsewhere."""
    within = ("unshare", "--net", sys.executable, "-c", ALONE)
    if not ROOT_ON_LINUX or not shutil.which("unshare"):
        return None
    return None if subprocess.run([*within, "true"], capture_output=True).returncode else within


@pytest.mark.slow
def test_without_any_network(published, tmp_path):
    within = alone()
    if within is None:
        pytest.skip("a network of one cannot be made here")
    other = Project(tmp_path)
    status, _, said = other.run(within=within)
    assert status == 0, said
    assert same(other, published)


# F19, F20, F21


def test_a_chart_that_cannot_be_drawn_stops_the_report(published, tmp_path):
    source = "import sys, types\n\nsys.modules['vl_convert'] = types.ModuleType('vl_convert')"
    before = state(published.final)
    with pytest.raises(KpiError, match=r"vl_convert"):
        published.make(notebook=with_cell(tmp_path / "undrawn.ipynb", source))
    assert state(published.final) == before


def test_a_kpi_without_data_is_reported_as_such(project, worker):
    rows = project.raw / "returns" / SLUG / "all.csv"
    lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
    rows.write_text("".join(line for line in lines if not line.startswith("R2,")), encoding="utf-8")
    project.make(worker=worker)
    page = re.sub("<[^>]+>", " ", project.page())
    assert "Street lights working" in page and re.search(r"Out of the (?:3|three) KPIs", page)
    assert "not rated" in page.lower()


@pytest.mark.parametrize("allowed", [False, True])
def test_returns_of_which_nothing_can_be_used(project, worker, allowed):
    project.returns(SLUG, [[kpi, QUARTER, "72p"] for kpi in project.kpis])
    with pytest.raises(InputError, match="72p") as stop:
        project.make(worker=worker, allow_rejected=allowed)
    assert stop.value.exit_status == 2 and "Traceback" not in str(stop.value)
    assert not project.final.exists()


@pytest.mark.slow
def test_control_characters_and_endless_names(tmp_path):
    codes = (*range(1, 9), 11, 12, *range(14, 32), 127, 0x202E, 0x2066, 0xFEFF, 0xFFFE, 0xFFFF)
    every = "".join(map(chr, codes))
    names = {
        "R1": f"Potholes{every}mended",
        "R2": "Lights " + "very " * 1000 + "well",
        "C1": "\u202eVisits\u2028in time",
    }
    real = Project(tmp_path, names)
    hostile = "</style>]]><svg><foreignObject>x\u202e"
    real.comment({"R1": f"Words{every} on it.", "R2": "word " * 1000, "C1": hostile})
    status, _, said = real.run()
    assert status == 0, said
    page = real.page()
    assert "Potholes mended" in page
    assert "&lt;/style&gt;]]&gt;&lt;svg&gt;&lt;foreignObject&gt;x" in page
    assert not set(page) & set(every)


@pytest.mark.slow
def test_many_kpis(tmp_path):
    """A page beyond what may be published is a sentence (test_report)."""
    count = 200
    real = Project(tmp_path, {f"R{number:04}": f"Indicator {number}" for number in range(count)})
    status, _, said = real.run()
    assert status == 0, said
    assert len(re.findall('<article [^>]*id="kpi-', real.page())) == count


MEDDLERS = {
    "removes the work folder": 'import shutil\n\nshutil.rmtree("../outputs/.work")',
    "removes the report": 'import shutil\n\nshutil.rmtree("../outputs")',
    "writes where the report goes": 'open("../outputs/2024-25-Q3/more.txt", "w").write("mine")',
    "leaves its folder": 'import os\n\nos.chdir("/")',
    "removes itself": 'import os\n\nos.remove("meddles.ipynb")',
}


@posix
@pytest.mark.slow
@pytest.mark.parametrize("deed", MEDDLERS)
def test_a_notebook_that_meddles_with_folders(published, tmp_path, deed):
    """What is under the final name is whole, or nothing; and the next run is as if nothing had been."""
    shutil.copytree(published.folder, tmp_path / "project")
    project = Project(tmp_path / "project", fresh=False)
    old = state(project.final)
    notebook = with_cell(project.folder / "notebooks" / "meddles.ipynb", MEDDLERS[deed], 20)
    error = None
    try:
        project.make(notebook=notebook)
    except KpiError as caught:
        error = str(caught)
    if error is None:
        assert whole(project.final)
    else:
        assert "\n" not in error
        meant = not project.final.exists() or deed.startswith("writes")
        assert meant or state(project.final) == old
    shutil.rmtree(project.final, ignore_errors=True)
    assert project.run()[0] == 0
    assert state(project.final) == old


# F23


@pytest.mark.slow
def test_a_late_revision_leaves_the_old_quarter_as_published(tmp_path):
    real = Project(tmp_path)
    assert real.run()[0] == 0
    before = state(real.final)
    late = [["R1", QUARTER, 55], ["R1", "2024-25 Q4", 77], ["C1", "2023-24 Q4", 99]]
    real.returns("2024-25-Q4", late)
    words = [["kpi_id", "section", "commentary"], ["R1", "", "It was wrong."]]
    real.write("commentary/2024-25-Q4.csv", words)
    assert real.run()[0] == 0
    assert state(real.final) == before
