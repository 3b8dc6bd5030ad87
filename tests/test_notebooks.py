"""The master notebook by plain papermill, and its stored answers, which can fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from kpi_tools import parameters
from kpi_tools.page.html import paragraphs

ROOT = Path(__file__).parents[1]
NAMES = "allow_rejected, corrections, edition, only, overrides, prepared_by, quarter, raw, signed_off_by"
MASTER = ROOT / "notebooks" / "quarterly_report.ipynb"


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(("notebook", "wrong", "names"), [
    ("quarterly_report", "quater", NAMES),
    ("quarterly_report", "kpi", NAMES),
    ("kpi_history", "edition", "kpi, quarter, raw"),
    ("directorate_explorer", "Directorate", "directorate, quarter, raw"),
])  # fmt: skip
@pytest.mark.slow
def test_plain_papermill_fails_on_a_parameter_that_the_notebook_does_not_have(
    tmp_path, notebook, wrong, names
):
    path = str(ROOT / "notebooks" / f"{notebook}.ipynb")
    command = [sys.executable, "-m", "papermill", path, str(tmp_path / "out.ipynb"), "-p", wrong]
    done = run(*command, "2024-25 Q2", "--no-progress-bar", folder=ROOT)
    assert done.returncode == 1
    assert f'This notebook has no parameter "{wrong}". It has: {names}.' in done.stderr


def test_parameters_are_compared_only_where_papermill_gave_some(monkeypatch):
    for cells in (
        [],
        ["", "quarter = '2024-25 Q3'", "later = 1"],
        ["", "quarter = ''", "# Parameters\nquarter = '2024-25 Q2'\n", "more = 2"],
        ["", "# Parameters\nquarter = '2024-25 Q2'\n"],  # run alone after a restart
        ["", "if", "# Parameters\nquarter = '2024-25 Q2'\n"],
    ):
        monkeypatch.setattr(parameters, "_executed", lambda cells=cells: cells)
        parameters.check_parameters()


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "data" / "raw", tmp_path / "data" / "raw")
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    return tmp_path


@pytest.mark.slow
def test_a_changed_floor_standard_makes_nbval_fail(copy):
    targets = copy / "data" / "raw" / "targets.csv"
    before = targets.read_text(encoding="utf-8")
    after = before.replace("CS03,2024-25 Q1,85,80,", "CS03,2024-25 Q1,85,70,")
    assert after != before
    targets.write_text(after, encoding="utf-8", newline="\n")
    nbval = ("-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "-q")
    done = run(sys.executable, *nbval, "notebooks/quarterly_report.ipynb", folder=copy)
    assert done.returncode == 1, done.stdout
    assert "2 failed" in done.stdout
    assert "'Amber': 13, 'Red': 8" in done.stdout


@pytest.mark.parametrize("name", ["quarterly_report", "directorate_explorer", "kpi_history"])
def test_a_notebook_that_is_not_trusted_says_what_to_do(name):
    first = nbformat.read(MASTER.with_stem(name), 4).cells[0]
    assert first.cell_type == "markdown" and "Trust Notebook" in first.source


def test_sums_in_dollars_are_no_mathematics_in_jupyterlab():
    shown = paragraphs("From $5 to $9.")._repr_html_()
    assert shown.startswith('<div class="kpi mathjax_ignore">') and "$5 to $9" in shown
