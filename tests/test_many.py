"""Many reports: what is made, what is left as it is, what fails, and that no way of making one changes a byte of it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools import __version__, report
from kpi_tools.cli import main
from kpi_tools.errors import InputError
from kpi_tools.loading import load
from kpi_tools.provenance import slug
from kpi_tools.quarters import Quarter
from kpi_tools.report import many, verify
from kpi_tools.report.export import published, relative, to_html
from kpi_tools.report.many import jobs_of, jobs_of_councils
from kpi_tools.report.verify import up_to_date
from tests.kent import governance_without_action
from tests.workplace import FILES

ROOT = Path(__file__).parents[1]
Q1, Q2, Q3 = (Quarter(2024, number) for number in (1, 2, 3))
PIPES = {"cwd": ROOT, "encoding": "utf-8", "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def council(folder: Path, name: str, *quarters: Quarter) -> Path:
    """A folder of raw data with nothing in its returns that could be read."""
    for quarter in quarters:
        (folder / "returns" / quarter.slug).mkdir(parents=True)
        (folder / "returns" / quarter.slug / "all.csv").write_text("kpi_id")
    folder.mkdir(exist_ok=True)
    (folder / "council.toml").write_text(f'[council]\nname = "{name}"\n', encoding="utf-8")
    return folder


def all_of(raw: Path, out: Path) -> list[str]:
    return ["report", "--all", "--raw", str(raw), "--outputs", str(out)]


def batch(raw: Path, out: Path, *more: str) -> int:
    return main(["report", "--raw", str(raw), "--outputs", str(out), *more])


@pytest.fixture
def made(monkeypatch):
    """The reports that are asked for, in a thread of this process; those of Quarter 2 fail."""
    asked: list[tuple[Quarter, str]] = []

    def make(job: report.Job, worker: object) -> report.Report:
        asked.append((job.quarter, job.raw.name))
        if job.quarter == Q2:
            raise InputError("Row 7 of roads.csv is not to be used.\nNor is row 9.")
        return report.Report(job.quarter, job.final, ())

    monkeypatch.setattr(many, "make", make)
    return asked


# Which


def test_all_quarters_are_those_with_returns_and_none_is_the_latest(tmp_path):
    raw = council(tmp_path / "raw", "Kent", Q3, Q1, Q2)
    (raw / "returns" / "2025-26-Q1").mkdir()
    (raw / "returns" / "notes.txt").touch()
    assert [order.quarter for order in jobs_of(raw, tmp_path, None, {})] == [Q1, Q2, Q3]
    assert [order.quarter for order in jobs_of(raw, tmp_path, [], {})] == [Q3]
    assert [order.quarter for order in jobs_of(raw, tmp_path, [Q2, Q2], {})] == [Q2]
    assert jobs_of(raw, tmp_path / "out", [Q1], {})[0].final == tmp_path / "out" / "2024-25-Q1"
    with pytest.raises(InputError, match='There is no folder "returns" in'):
        jobs_of(council(tmp_path / "bare", "Bare"), tmp_path, None, {})


def test_each_council_has_a_folder_of_its_own_and_one_that_cannot_be_used_does_not_stop_the_rest(
    tmp_path,
):
    kent = council(tmp_path / "a", "Kent County Council", Q2, Q3)
    one = council(tmp_path / "b", "Mid-Shire", Q3)
    other = council(tmp_path / "c", "MID SHIRE", Q3)
    broken = council(tmp_path / "d", "Broken", Q3)
    (broken / "council.toml").write_text("name = ")
    nameless = council(tmp_path / "e", "", Q3)
    bare = council(tmp_path / "f", "Bare")
    nowhere = tmp_path / "nowhere"
    given = [kent, one, other, broken, nameless, bare, nowhere, kent, tmp_path / "b" / ".." / "a"]
    found, refused = jobs_of_councils(given, tmp_path / "out", None, {})
    assert [(order.title, order.final.relative_to(tmp_path).as_posix()) for order in found] == [
        ("Kent County Council, Quarter 2 2024/25", "out/kent-county-council/2024-25-Q2"),
        ("Kent County Council, Quarter 3 2024/25", "out/kent-county-council/2024-25-Q3"),
    ]
    said = {Path(folder).name: str(error) for folder, error in refused}
    assert set(said) == {"b", "c", "d", "e", "f", "nowhere"}
    both = f"and so would those of {other}, so none of them is made."
    assert f'Its reports would go to "mid-shire", {both}' in said["b"]
    assert str(one) in said["c"]
    assert "council.toml is not as TOML should be" in said["d"]
    assert 'needs under [council] a line such as name = "Kent County Council"' in said["e"]
    assert 'There is no folder "returns"' in said["f"]
    gone = "cannot be read (No such file or directory). Is this a folder of raw data?"
    assert gone in said["nowhere"]


@pytest.mark.parametrize(("name", "folder"), [
    ("Kent County Council", "kent-county-council"),
    ("Ynys Môn / Anglesey", "ynys-mon-anglesey"),
    ("../../etc", "etc"),
    ("Con", "con-council"),
    ("x" * 80, "x" * 60),
    ("…", ""),
])  # fmt: skip
def test_a_council_gives_its_folder_its_name(name, folder):
    assert slug(name) == folder


@given(st.text())
def test_a_slug_is_a_plain_name_of_a_folder_and_its_own_slug(name):
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug(name))
    assert slug(slug(name)) == slug(name)


# The command


def test_one_that_fails_does_not_stop_the_rest_and_is_listed_at_the_end(made, tmp_path, capsys):
    raw = council(tmp_path / "raw", "Kent", Q1, Q2, Q3)
    assert batch(raw, tmp_path / "out", "--all") == 2
    told = capsys.readouterr()
    assert sorted(made) == [(Q1, "raw"), (Q2, "raw"), (Q3, "raw")]
    pages = {str(tmp_path / "out" / slug / "report.html") for slug in ("2024-25-Q1", "2024-25-Q3")}
    assert set(told.out.splitlines()) == pages
    assert told.err == (
        "2 of 3 reports made. Not made:\n"
        "  Quarter 2 2024/25: Row 7 of roads.csv is not to be used. (`kpi check` lists them all)\n"
    )


def test_several_councils_in_one_command(made, tmp_path, capsys):
    folders = [str(council(tmp_path / name, name, Q1, Q3)) for name in ("Kent", "Medway")]
    out = ["--outputs", str(tmp_path / "out")]
    assert main(["report", "--councils", *folders, *out]) == 0
    assert sorted(made) == [(Q3, "Kent"), (Q3, "Medway")]
    assert capsys.readouterr().err == "2 of 2 reports made.\n"
    made.clear()
    nowhere = str(tmp_path / "Nowhere")
    assert main(["report", "Q1 2024/25", "--councils", *folders, nowhere, *out]) == 2
    assert sorted(made) == [(Q1, "Kent"), (Q1, "Medway")]
    assert "2 of 3 reports made. Not made:\n" in capsys.readouterr().err
    made.clear()
    assert main(["report", "--councils", "--all", *folders, *out]) == 0
    assert len(made) == 4
    made.clear()  # those inside
    assert main(["report", "--councils", "--all", str(tmp_path), "--force", *out]) == 0
    assert len(made) == 4


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--all", "2024-25 Q3"], "--all makes every quarter with returns: leave out 2024-25 Q3, or --all."),
    (["--councils", "2024-25 Q3"], "--councils needs the folders of the councils"),
    (["2024-25 Q3", "next"], '"next" is not a financial quarter'),
    (["--all", "--raw", "nowhere"], "There is no folder nowhere."),
    (["--all", "--processes", "0"], "Invalid value for '--processes'"),
])  # fmt: skip
def test_what_cannot_be_ordered_is_a_sentence_and_status_2(made, capsys, arguments, sentence):
    assert main(["report", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert made == []


# For real, with a council of two KPIs


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Raw data with three quarters, and the folder of its reports, which `kpi report --all` has made."""
    folder = tmp_path_factory.mktemp("small")
    raw = governance_without_action(folder / "raw")
    for quarter in ("2023-24-Q2", "2023-24-Q3", "2023-24-Q4"):
        shutil.rmtree(raw / "returns" / quarter)
    assert batch(raw, folder / "out", "--all") == 0
    return raw, folder / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.mark.slow
def test_no_way_of_making_a_report_changes_a_byte_of_it(small, tmp_path):
    """`report --all` made them one after another in the same processes; here backwards, and one alone."""
    raw, made = small
    elsewhere = raw.parent  # the notebook names the way from a report to its returns
    backwards = [report.report_job(quarter, raw, elsewhere / "backwards") for quarter in (Q3, Q1)]
    with many.here(1) as executor:
        results = [result for _, result in many._outcomes(backwards, executor)]
    assert len(results) == 2 and all(isinstance(one, report.Report) for one in results)
    report.make_report(Q3, raw, elsewhere / "alone")
    expected = contents(made / "2024-25-Q3")
    assert set(expected) == set(FILES)
    for way in ("backwards", "alone"):
        assert contents(elsewhere / way / "2024-25-Q3") == expected, way
    assert contents(elsewhere / "backwards" / "2024-25-Q1") == contents(made / "2024-25-Q1")


@pytest.mark.slow
def test_papermills_own_command_with_an_ordinary_kernel_makes_the_same_page(small, tmp_path):
    raw, made = small
    given = {"quarter": Q3.label, "raw": str(raw)}
    command = [sys.executable, "-m", "papermill", str(report.NOTEBOOK), str(tmp_path / "out.ipynb")]
    parameters = [text for name, value in given.items() for text in ("-r", name, value)]
    subprocess.run([*command, *parameters], cwd=ROOT, check=True, capture_output=True, timeout=120)
    executed = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    noted = json.loads((made / "2024-25-Q3" / "manifest.json").read_text(encoding="utf-8"))
    returns = load(raw, Q3)
    inputs = f"from the inputs {noted['inputs_digest']} (manifest.json)."
    title = f"Draft: {returns.council.report_title}, {Q3.title}"
    head = {"title": title, "author": returns.council.name, "date": "2024-12-31"}
    clean = published(executed, given | {"raw": relative(made / "2024-25-Q3", raw)})
    page = to_html(clean, **head, provenance=f"Made by kpi-tools {__version__} {inputs}")
    assert page == (made / "2024-25-Q3" / "report.html").read_text(encoding="utf-8")


def test_a_second_run_makes_only_what_has_changed(small, tmp_path, capsys, monkeypatch):
    raw, out = (shutil.copytree(folder, tmp_path / folder.name) for folder in small)
    quick = all_of(raw, out)
    monkeypatch.setattr(many, "make", None)  # nothing is to be made
    assert main(["report", "2024-25 Q1", "2024-25 Q2", *quick[2:]]) == 0
    assert main(quick) == 0
    told = "0 of {0} reports made, {0} up to date already.\n"
    assert capsys.readouterr() == ("", told.format(2) + told.format(3))

    def stale(**settings: object) -> list[Quarter]:
        jobs = jobs_of(raw, out, None, settings)
        return [job.quarter for job in jobs if not up_to_date(job)]

    assert stale() == []
    for other in ("edition=final", "allow_rejected=True", "prepared_by=Analyst", "pdf=True"):
        name, _, value = other.partition("=")
        assert stale(**{name: True if value == "True" else value}) == [Q1, Q2, Q3], other
    (out / "2024-25-Q1" / "kpis.csv").write_bytes(b"edited")
    (out / "2024-25-Q2" / "report.html").unlink()
    assert stale() == [Q1, Q2]
    (raw / "commentary" / "2024-25-Q3.csv").write_text("kpi_id,section,commentary\n")
    assert stale() == [Q1, Q2, Q3]


@pytest.mark.parametrize("changed", ["program", "notebook"])
def test_another_program_or_notebook_is_a_reason_to_make_it_again(
    small, tmp_path, monkeypatch, changed
):
    raw, out = small
    (order, *_) = jobs_of(raw, out, [Q3], {})
    assert up_to_date(order)
    if changed == "program":
        monkeypatch.setattr(verify, "program", lambda: {"code": "another"})
    else:
        other = tmp_path / "quarterly_report.ipynb"
        text = report.NOTEBOOK.read_text(encoding="utf-8").replace("\n", "\n ")
        other.write_text(text, encoding="utf-8")
        order = replace(order, notebook=other)
    assert not up_to_date(order)


@posix
@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "ended"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_a_batch_that_is_ended_leaves_no_process_and_goes_on_the_next_time(small, sent, ended):
    raw, made = small
    out = raw.parent / f"ended-{sent}"
    arguments = [sys.executable, "-m", "kpi_tools", *all_of(raw, out)]
    with subprocess.Popen([*arguments, "--processes", "1"], **PIPES) as process:
        assert process.stdout.readline() == f"{out / '2024-25-Q1' / 'report.html'}\n"
        below = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(sent)
        _, said = process.communicate(timeout=60)
    assert process.returncode == ended
    if sent != signal.SIGKILL:
        stopped = r"Stopped: [12] of 3 reports made. The same command goes on from here.\n"
        assert re.fullmatch(stopped, said)
    assert psutil.wait_procs(below, timeout=20)[1] == []
    again = subprocess.run(arguments, **PIPES, timeout=180)
    assert again.returncode == 0
    assert re.fullmatch(r"[12] of 3 reports made, [12] up to date already.\n", again.stderr)
    for quarter in ("2024-25-Q1", "2024-25-Q2", "2024-25-Q3"):
        assert contents(out / quarter) == contents(made / quarter)


# On a cluster


def test_a_scheduler_that_does_not_answer_is_a_sentence(cluster, tmp_path, capsys, monkeypatch):
    cluster("distributed")
    monkeypatch.setattr(many, "_PATIENCE", 1)
    raw = council(tmp_path / "raw", "Kent", Q3)
    assert batch(raw, tmp_path, "--scheduler", "tcp://127.0.0.1:9") == 1
    assert "No Dask scheduler answers at tcp://127.0.0.1:9: " in capsys.readouterr().err


def test_something_else_than_a_scheduler_listens(cluster, tmp_path, capsys, monkeypatch):
    """Such as its own page on the next port: a client would wait for ever."""
    cluster("distributed")
    monkeypatch.setattr(many, "_PATIENCE", 1)
    raw = council(tmp_path / "raw", "Kent", Q3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        assert batch(raw, tmp_path, "--scheduler", address) == 1
    told = f"No Dask scheduler answers at {address}: what listens there is something else."
    assert told in capsys.readouterr().err


def test_without_dask_a_scheduler_is_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    raw = council(tmp_path / "raw", "Kent", Q3)
    assert batch(raw, tmp_path, "--scheduler", "tcp://127.0.0.1:9") == 2
    said = '--scheduler needs Dask, which is not installed: pip install "kpi-tools[dask]".\n'
    assert capsys.readouterr().err == said


@pytest.fixture
def dask(cluster, tmp_path):
    """A scheduler, and two workers of one thread, each a process of its own on this computer."""
    cluster("distributed")
    from distributed import LocalCluster

    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**how, local_directory=tmp_path) as started:
        yield started


@pytest.mark.cluster
@pytest.mark.slow
@posix
def test_a_cluster_that_loses_a_worker_makes_the_same_reports_all_the_same(dask, small):
    raw, made = small
    out = raw.parent / "cluster"
    command = [sys.executable, "-m", "kpi_tools", *all_of(raw, out)]
    with subprocess.Popen([*command, "--scheduler", dask.scheduler_address], **PIPES) as process:
        works = out / ".work"
        while len(list(works.glob("*/"))) < 2:  # both workers are at a report
            assert process.poll() is None, process.stderr.read()
        lost = psutil.Process(dask.workers[0].pid)
        below = [lost, *lost.children(recursive=True)]
        lost.kill()
        _, said = process.communicate(timeout=300)
    assert (process.returncode, said) == (0, "3 of 3 reports made.\n")
    assert psutil.wait_procs(below, timeout=20)[1] == []
    for quarter in ("2024-25-Q1", "2024-25-Q2", "2024-25-Q3"):
        assert contents(out / quarter) == contents(made / quarter)
