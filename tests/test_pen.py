"""The drawing engine beside the kernel: the same drawings, failures in words, and nothing left behind."""

import os
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

chart = (kpi_spec(rows_of(points())), "kpi-cs01", "Calls answered", "Columns for six quarters.")
ready = pen.pens({})
os.environ.update(ready.__enter__())
pens = psutil.Process().children()
pen.begin()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine is beside on Linux")


def run(script: str, pens: int = 1, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script in a Python of its own, with so many engines at work."""
    return subprocess.run(
        [sys.executable, "-c", BEGUN.format(pens) + script], capture_output=True, encoding="utf-8", cwd=ROOT,
        env=os.environ | environment,
    )  # fmt: skip


def test_it_draws_what_the_engine_of_the_process_itself_draws():
    done = run("""
many = [(chart[0], f"kpi-{number}", *chart[2:]) for number in range(20)]
beside = [inline_svg(*chart), *(drawing.result() for drawing in drawn(many).values())]
assert "vl_convert" not in sys.modules
shape = {"mark": "bar", "data": {"values": []}}
compiled = engine.engine().vegalite_to_vega(shape)
engine.use(engine.Own())
assert beside == [inline_svg(*one) for one in (chart, *many)]
assert compiled == engine.engine().vegalite_to_vega(shape)
""")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("own", ["", "engine.use(engine.Own())"])
def test_what_it_cannot_draw_is_told_in_its_words_and_it_goes_on(own):
    done = run(f"""
{own}
try:
    engine.engine().vegalite_to_vega({{"mark": 1}})
except Exception as error:
    print(type(error).__name__, error)
wrong, right = engine.engine().svgs(["no JSON", json.dumps({{"width": 1, "height": 1}})])
print(type(wrong).__name__, wrong)
assert right.startswith("<svg") and inline_svg(*chart).startswith("<svg")
""")
    said = done.stdout.splitlines()
    assert said[0].startswith("KpiError The drawing engine cannot draw this: ValueError: "), (
        done.stderr
    )
    assert any(
        line.startswith("KpiError The drawing engine cannot draw this: ValueError: ")
        for line in said[1:]
    )


def test_one_that_was_killed_is_a_sentence():
    done = run("""
pens[0].kill()
for ask in (lambda: inline_svg(*chart), lambda: drawn([chart])["kpi-cs01"].result()):
    try:
        ask()
    except Exception as error:
        print(type(error).__name__, error)
""")
    assert done.stdout == "KpiError The drawing engine has ended, as when memory runs out.\n" * 2, (
        done.stderr
    )


def test_one_report_after_the_other_is_served():
    done = run("""
drawings = [inline_svg(*chart)]
for report in range(3):
    engine.use(engine.Own())  # which closes the door behind it
    pen.begin()
    drawings += [inline_svg(*chart), drawn([chart])["kpi-cs01"].result()]
assert psutil.Process().children() == pens
ready.__exit__(None, None, None)
assert not pens[0].is_running() and "vl_convert" not in sys.modules
engine.use(engine.Own())
assert drawings == [inline_svg(*chart)] * 7
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_two_reports_at_a_time_have_an_engine_each():
    done = run(
        """
first = engine.engine()
pen.begin()
assert len(pens) == 2 and engine.engine() is not first
shape = [json.dumps({"width": 1, "height": 1})]
assert engine.engine().svgs(shape) == first.svgs(shape) != []
""",
        pens=2,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "gone", ["pens[0].kill(); pens[0].wait()", "os.environ[pen.DOOR] = '/nowhere'"]
)
def test_where_they_have_ended_the_report_draws_by_itself(gone):
    done = run(f"""
engine.use(engine.Own())
{gone}
pen.begin()
assert inline_svg(*chart).startswith("<svg") and "vl_convert" in sys.modules
""")
    assert (done.returncode, done.stderr) == (0, "")


def test_where_temporary_files_have_too_long_a_path_there_is_none(tmp_path):
    long = tmp_path / ("long" * 30)
    long.mkdir()
    done = run(
        "assert pens == [] and pen.DOOR not in os.environ and inline_svg(*chart)", TMPDIR=str(long)
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "end", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(0)", "sys.exit()"]
)
def test_they_end_with_whoever_started_them(end):
    done = run(f"print(*(one.pid for one in pens), flush=True)\n{end}", pens=2)
    left = [one for one in psutil.process_iter() if str(one.pid) in done.stdout.split()]
    assert len(done.stdout.split()) == 2 and psutil.wait_procs(left, timeout=20)[1] == []
