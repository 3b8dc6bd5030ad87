"""The drawing engine beside the kernel: the same drawings, failures in words, and nothing left behind."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
BEGUN = """
import json, os, signal, sys
import psutil
from kpi_tools.page import engine
from kpi_tools.page.charts import kpi_spec
from kpi_tools.page.svg import drawn, inline_svg
from kpi_tools.running import pen
from kpi_tools.words.row_words import rows_of
from tests.page_samples import points
pen.begin()
(child,) = psutil.Process().children()
chart = (kpi_spec(rows_of(points())), "kpi-cs01", "Calls answered", "Columns for six quarters.")
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")


def run(script: str) -> subprocess.CompletedProcess[str]:
    """The script in a Python of its own: one that has an engine of its own cannot be copied."""
    return subprocess.run([sys.executable, "-c", BEGUN + script], capture_output=True, encoding="utf-8", cwd=ROOT)


def test_it_draws_what_the_engine_of_the_process_itself_draws():
    done = run("""
beside = [inline_svg(*chart), drawn([chart])["kpi-cs01"].result()]
assert "vl_convert" not in sys.modules
shape = {"mark": "bar", "data": {"values": []}}
compiled = engine.engine().vegalite_to_vega(shape)
engine.use(None)
assert beside == [inline_svg(*chart)] * 2
assert compiled == engine.engine().vegalite_to_vega(shape)
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_what_it_cannot_draw_is_told_in_its_words_and_it_goes_on():
    done = run("""
try:
    engine.engine().vega_to_svg("no JSON")
except Exception as error:
    print(type(error).__name__, error)
assert inline_svg(*chart).startswith("<svg")
""")
    assert done.stdout.startswith("KpiError The drawing engine cannot draw this: ValueError: "), done.stderr


def test_one_that_was_killed_is_a_sentence():
    done = run("""
child.kill()
try:
    inline_svg(*chart)
except Exception as error:
    print(type(error).__name__, error)
""")
    assert done.stdout == "KpiError The drawing engine has ended, as when memory runs out.\n"


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", ""])
def test_it_ends_with_whoever_started_it(end):
    done = run(f"print(child.pid, flush=True)\n{end}")
    left = [one for one in psutil.process_iter() if one.pid == int(done.stdout)]
    assert psutil.wait_procs(left, timeout=20)[1] == []


AT_WORK = BEGUN.replace("pen.begin()\n(child,) = psutil.Process().children()\n", "")


def at_work(script: str) -> subprocess.CompletedProcess[str]:
    """As `run`, where no engine has been started."""
    return subprocess.run([sys.executable, "-c", AT_WORK + script], capture_output=True, encoding="utf-8", cwd=ROOT)


def test_those_of_a_batch_draw_the_same_for_one_report_after_the_other():
    done = at_work("""
with pen.pens(1) as environment:
    os.environ.update(environment)
    (child,) = psutil.Process().children()
    drawings = []
    for report in range(3):
        pen.begin()
        drawings += [inline_svg(*chart), drawn([chart])["kpi-cs01"].result()]
        engine.use(None)  # which closes the door behind it
    assert psutil.Process().children() == [child]
assert not child.is_running() and "vl_convert" not in sys.modules
engine.use(None)
assert drawings == [inline_svg(*chart)] * 6
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_two_reports_at_a_time_have_an_engine_each():
    done = at_work("""
with pen.pens(2) as environment:
    os.environ.update(environment)
    pen.begin()
    first = engine.engine()
    pen.begin()
    second = engine.engine()
    shape = json.dumps({"width": 1, "height": 1})
    assert second.vega_to_svg(shape) == first.vega_to_svg(shape) != ""
""")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("gone", ["child.kill(); child.wait()", "os.environ[pen.DOOR] = '/nowhere'"])
def test_where_those_of_the_batch_have_ended_the_report_starts_its_own(gone):
    done = at_work(f"""
with pen.pens(1) as environment:
    os.environ.update(environment)
    (child,) = psutil.Process().children()
    {gone}
    pen.begin()
    assert inline_svg(*chart).startswith("<svg") and len(psutil.Process().children()) == 2 - ("kill" in {gone!r})
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_those_of_a_batch_end_with_it():
    done = at_work("""
with pen.pens(2):
    print(*(child.pid for child in psutil.Process().children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
""")
    left = [one for one in psutil.process_iter() if str(one.pid) in done.stdout.split()]
    assert len(done.stdout.split()) == 2 and psutil.wait_procs(left, timeout=20)[1] == []
