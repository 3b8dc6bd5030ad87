"""The `kpi` command: exit statuses, sentences, and help that comes at once."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

from kpi_tools import cli, report
from kpi_tools.cli import main
from kpi_tools.errors import InputError, KpiError
from kpi_tools.quarters import Quarter
from kpi_tools.report.publish import BusyError

ROOT = Path(__file__).parents[1]
RAW = ROOT / "data" / "raw"


MAIN = "import sys; from kpi_tools.cli import main; sys.exit(main())"
PIPES = {"stderr": subprocess.PIPE, "encoding": "utf-8", "timeout": 60, "cwd": ROOT}


@pytest.fixture
def made(monkeypatch):
    """`make_report` is told what to do by setting `made.does`; `made.asked` is what it was called with."""

    class Made:
        asked: tuple[object, ...] = ()
        release: dict[str, object] = {}
        does: Exception | BaseException | None = None

    def make_report(
        quarter: Quarter, raw: Path, outputs: Path, *, allow_rejected: bool, **release: object
    ) -> report.Report:
        Made.asked, Made.release = (quarter, raw, outputs, allow_rejected), release
        if Made.does:
            raise Made.does
        return report.Report(quarter, outputs / quarter.slug, (), "rows in 2 = …")

    monkeypatch.setattr(report, "make_report", make_report)
    return Made


def test_help_is_for_an_analyst_and_loads_nothing_heavy():
    heavy = "print([name for name in ('pandas', 'altair', 'papermill') if name in sys.modules])"
    script = f"import sys; from kpi_tools.cli import main; main(['--help']); {heavy}"
    told = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, **PIPES).stdout
    assert told.splitlines()[-1] == "[]"
    assert 'kpi report "2024-25 Q3"' in told
    for command in ("check", "report", "test", "explore"):
        assert f"\n  {command}" in told


def test_the_report_is_made_where_asked_and_its_place_is_told(made, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "Q3 2024/25", "--raw", "in", "--outputs", str(tmp_path / "out")]) == 0
    assert made.asked == (Quarter(2024, 3), Path("in"), tmp_path / "out", False)
    told = capsys.readouterr()
    assert told.out == f"{Path('out/2024-25-Q3/report.html')}\n"
    assert told.err == "Quarter 3 2024/25: rows in 2 = …\n"


def test_a_report_is_a_draft_unless_it_is_to_be_final(made):
    assert main(["report", "2024-25 Q3"]) == 0
    assert (made.release["edition"], made.release["overrides"]) == ("draft", ())
    passed = ["--override", "stale-quarter", "--because", "a title", "--by", "Head of Performance"]
    roles = ["--prepared-by", "Analyst", "--signed-off-by", "Chief Analyst"]
    assert main(["report", "2024-25 Q3", "--final", *passed, *roles]) == 0
    assert made.release == made.release | {
        "edition": "final",
        "overrides": (("stale-quarter", "a title", "Head of Performance"),),
        "prepared_by": "Analyst",
        "signed_off_by": "Chief Analyst",
    }


@pytest.mark.parametrize(("fault", "status", "sentence"), [
    (KpiError("It could not be done."), 1, "It could not be done."),
    (InputError("It cannot be used."), 2, "It cannot be used."),
    (BusyError("It is being made."), 75, "It is being made."),
    (KeyboardInterrupt(), 130, "Stopped. Nothing was changed."),
    (cli.Terminated(), 143, "Stopped. Nothing was changed."),
])  # fmt: skip
def test_what_went_wrong_is_a_sentence_and_a_status(made, capsys, fault, status, sentence):
    made.does = fault
    assert main(["report", "2024-25 Q3"]) == status
    told = capsys.readouterr()
    assert (told.out, told.err.strip()) == ("", sentence)


def test_an_end_that_is_asked_for_is_none_of_what_was_at_work(monkeypatch, capsys):
    def make_report(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            raise KpiError("The kernel could not be started.") from None

    monkeypatch.setattr(report, "make_report", make_report)
    assert main(["report", "2024-25 Q3"]) == 143
    assert capsys.readouterr().err == "Stopped. Nothing was changed.\n"


def test_a_fault_of_the_program_is_a_sentence_too_and_its_traceback_a_file(
    made, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made.does = ZeroDivisionError("division by zero")
    assert main(["report", "2024-25 Q3"]) == 1
    (log,) = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        "A fault in the program itself: ZeroDivisionError: division by zero. "
        f"Please send {log} to whoever looks after the project.\n"
    )
    assert "Traceback (most recent call last)" in log.read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["report", "Q2 2023"], '"Q2 2023" is ambiguous'),
    (["check", "next"], '"next" is not a financial quarter'),
    (["report", "--raw"], "Option '--raw' requires an argument"),
    (["report", "--quarter", "2024-25 Q3"], "No such option '--quarter'"),
    (["reprot"], "No such command 'reprot'"),
    (["check", "2024-25 Q3", "--raw", "nowhere"], "nowhere"),
    (["explore", "--page", "Public Health", "last"], '"last" is not a financial quarter'),
    (["start", "X", "--bands", "Green: target; Red"], "--bands goes with --from"),
    (["report", "2030-31 Q1"], "There are no returns for Quarter 1 2030/31."),
])  # fmt: skip
def test_what_cannot_be_used_is_a_sentence_and_status_2(arguments, sentence, at_work, capsys):
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == "" and sentence in told.err and "Traceback" not in told.err


def test_a_missing_tool_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["explore"]) == 1
    assert "has no jupyterlab. Install the requirements again" in capsys.readouterr().err


def other_council(folder: Path) -> Path:
    shutil.copytree(RAW, folder / "raw")
    settings = folder / "raw" / "council.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("Kent County Council", "Ynys Môn"), encoding="utf-8")
    return folder / "raw"


def test_the_explorer_of_another_council_is_a_copy_that_knows_its_folder(monkeypatch, tmp_path):
    asked = []

    class Process:
        def __init__(self, command: list[str], **_: object) -> None:
            asked.extend(command)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(report, "OUTPUTS", tmp_path / "outputs")
    assert main(["explore", "--no-browser", "--raw", str(other_council(tmp_path))]) == 0
    copy = tmp_path / "outputs" / "ynys-mon" / "directorate_explorer.ipynb"
    assert f"--ServerApp.root_dir={copy.parent}" in asked
    (workspace,) = (copy.parent / ".lab").iterdir()
    assert "notebook:directorate_explorer.ipynb" in workspace.read_text(encoding="utf-8")
    (parameters,) = (
        "".join(cell["source"])
        for cell in json.loads(copy.read_text(encoding="utf-8"))["cells"]
        if "parameters" in cell["metadata"].get("tags", [])
    )
    assert 'directorate = ""' in parameters and 'quarter = "2024-25 Q3"' in parameters
    assert 'raw = "../../raw"' in parameters


def test_reports_of_another_council_have_a_folder_of_their_own(made, monkeypatch, tmp_path):
    monkeypatch.setattr(report, "OUTPUTS", tmp_path / "outputs")
    raw = other_council(tmp_path)
    assert main(["report", "--raw", str(raw)]) == 0
    assert made.asked[2] == tmp_path / "outputs" / "ynys-mon"
    assert main(["report", "--raw", str(raw), "--outputs", str(tmp_path / "mine")]) == 0
    assert made.asked[2] == tmp_path / "mine"
    assert main(["report"]) == 0
    assert made.asked[2] == tmp_path / "outputs"


OPENED = """
--ip=0.0.0.0 --ServerApp.ip=* --ServerApp.token= --IdentityProvider.token= --NotebookApp.token=''
--ServerApp.password=x --ServerApp.allow_origin=* --ServerApp.allow_remote_access=True
--config=mine.py --ServerApp.disable_check_xsrf=True --sock=/x --port=1;--ip=* --generate-config
--ServerApp.allow_unauthenticated_access=True --ServerApp.root_dir=/ 0.0.0.0 -y
--LabApp.default_url=http://example.org
"""


@pytest.mark.parametrize("opened", [one.replace(";", " ") for one in OPENED.split()])
def test_nothing_opens_the_explorer_to_others(monkeypatch, capsys, opened):
    monkeypatch.setattr(subprocess, "Popen", None)  # nothing is started
    assert main(["explore", "--no-browser", opened]) == 2
    assert opened.partition("=")[0] in capsys.readouterr().err


def test_a_configuration_file_does_not_open_it_either(tmp_path):
    """A real JupyterLab, asked over this computer's own address, with what would open it in a file, and no token."""
    mine = tmp_path / ".jupyter"
    mine.mkdir()
    (mine / "jupyter_server_config.py").write_text(
        "c.ServerApp.ip = '0.0.0.0'\nc.IdentityProvider.token = ''\nc.ServerApp.allow_origin = '*'\n"
        "c.ServerApp.allow_remote_access = True\nc.ServerApp.disable_check_xsrf = True\n"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_")}
    own = {"HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(mine), "JUPYTER_TOKEN": ""}
    own["PYTHONPATH"] = str(ROOT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", MAIN, "explore", "--no-browser", "--allow-root"]
    command.append(f"--port={port}")
    server = subprocess.Popen(command, env=clean | own, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        address = re.compile(r"http://127\.0\.0\.1:\d+/\S*token=(\w{40,})")
        told = map(address.search, iter(server.stderr.readline, ""))
        token = {"Authorization": f"token {next(filter(None, told))[1]}"}
        rest = threading.Thread(target=server.stderr.read)
        rest.start()  # so that it is never held up by what nobody reads
        until_it_listens(server, port)
        if sys.platform == "linux":  # where this computer has this address as well
            with pytest.raises(ConnectionRefusedError):
                HTTPConnection("127.0.0.2", port, timeout=30).connect()
        assert asked(port) == 403 and asked(port, **token) == 200
        assert asked(port, Host="example.org", **token) == 403
    finally:
        server.terminate()
        server.wait(timeout=60)
    rest.join()
    server.stderr.close()


def until_it_listens(server: "subprocess.Popen[str]", port: int) -> None:
    """It names its address a moment before it listens there."""
    for _ in range(300):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        with suppress(subprocess.TimeoutExpired):
            server.wait(timeout=0.2)
    pytest.fail("JupyterLab does not listen")


def asked(port: int, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/api/contents", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_console_that_lacks_a_character_does_not_fail_the_run():
    plain = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", MAIN, "check", "Rôle – £"]
    done = subprocess.run(command, stdout=subprocess.PIPE, env=plain, **PIPES)
    assert (done.returncode, done.stdout) == (2, "")
    assert '"Rôle – £" is not a financial quarter' in done.stderr


def test_a_reader_that_goes_away_is_no_fault():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", MAIN, "--help"], stdout=write, **PIPES)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")
