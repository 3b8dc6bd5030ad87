"""Rows in = accepted + rejected on every run: what is refused is kept, and a report without it says so."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.checks import release_findings
from kpi_tools.cli import main
from kpi_tools.errors import KpiError
from kpi_tools.loading import read_returns
from kpi_tools.page.chapters import left_out, opening
from kpi_tools.page.released import how_made
from kpi_tools.spreadsheets import keep_rejected
from tests import kent
from tests.kent import RAW

QUARTER = "2024-25 Q3"
WORKBOOK = "rejected-2024-25-q3-growth-environment-transport-csv.xlsx"
FILES = ["problems.csv", WORKBOOK, "rejected.csv"]


@pytest.fixture
def raw(tmp_path):
    return Path(shutil.copytree(RAW, tmp_path / "data" / "raw"))


@pytest.fixture
def spoilt(raw):
    """The raw folder with one figure, of KPI ED02 (80.9), that is no number."""
    path = raw / "returns" / "2024-25-Q3" / "growth-environment-transport.csv"
    text = path.read_text(encoding="utf-8")
    assert text.count("ED02,2024-25 Q3,80.9,") == 1
    text = text.replace("ED02,2024-25 Q3,80.9,", "ED02,2024-25 Q3,80.9p,")
    path.write_text(text, encoding="utf-8")
    return raw


def account(text: str) -> tuple[int, int]:
    """Rows accepted and rejected, of a text that says rows in = accepted + rejected."""
    (found,) = re.findall(
        r"Quarter 3 2024/25: rows in ([\d,]+) = accepted ([\d,]+) \+ rejected (\d+) \(files: ", text
    )
    rows, accepted, rejected = (int(number.replace(",", "")) for number in found)
    assert rows == accepted + rejected > 900
    return accepted, rejected


@pytest.fixture(scope="module")
def everything():
    """The rows of all files read for the quarter."""
    return int(kent.returns().counts["rows_in"].sum())


def kept(raw: Path) -> list[str]:
    folder = raw.parent / "processed" / "2024-25-Q3"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_check_keeps_what_is_refused_and_a_clean_run_leaves_nothing_stale(
    raw, spoilt, everything, capsys
):
    assert main(["check", QUARTER, "--raw", str(raw)]) == 2
    told = capsys.readouterr()
    assert account(told.out) == (everything - 1, 1)
    place = raw.parent / "processed" / "2024-25-Q3" / WORKBOOK
    assert f"Rejected rows, to be sent back: {place}" in told.out
    assert 'transport.csv\n  row 3, column C "value": "80.9p"\n    The mark "p" stands' in told.out
    assert told.err == "The report cannot be made: one error has to be put right first.\n"
    assert kept(raw) == FILES
    rejected = pd.read_csv(raw.parent / "processed" / "2024-25-Q3" / "rejected.csv", dtype="str")
    assert rejected.loc[0, ["kpi_id", "value", "codes"]].tolist() == ["ED02", "80.9p", "value-flag"]
    shutil.copytree(RAW, raw, dirs_exist_ok=True)
    assert main(["check", QUARTER, "--raw", str(raw)]) == 0
    assert account(capsys.readouterr().out) == (everything, 0)
    assert kept(raw) == []


@pytest.mark.slow
def test_councils_side_by_side_keep_each_its_own(spoilt, tmp_path, capsys):
    """`kpi report --councils kent medway`: what kent must mend is not gone when medway's returns are found to be clean."""
    shutil.copytree(spoilt, tmp_path / "kent")
    shutil.copytree(RAW, tmp_path / "medway")
    for council, status in (("kent", 2), ("medway", 0)):
        assert main(["check", QUARTER, "--raw", str(tmp_path / council)]) == status
    assert str(tmp_path / "processed" / "kent" / "2024-25-Q3" / WORKBOOK) in capsys.readouterr().out
    places = [
        path.relative_to(tmp_path / "processed") for path in tmp_path.glob("processed/**/*.*")
    ]
    assert sorted(places) == [Path("kent") / "2024-25-Q3" / name for name in FILES]


def test_a_report_stops_and_says_where_the_rejected_rows_are(spoilt, tmp_path, at_work, capsys):
    outputs = tmp_path / "outputs"
    assert main(["report", QUARTER, "--raw", str(spoilt), "--outputs", str(outputs)]) == 2
    out, said = capsys.readouterr()
    assert out == "" and '"80.9p"' in said and " + rejected 1 (files: " in said
    assert said.rstrip().endswith(str(Path("processed") / "2024-25-Q3" / WORKBOOK))
    assert kept(spoilt) == FILES and [path.name for path in outputs.iterdir()] == [".work"]


@pytest.mark.slow
def test_a_report_without_them_is_made_on_demand_and_says_so(spoilt, everything, tmp_path, capsys):
    places = ["--raw", str(spoilt), "--outputs", str(tmp_path / "outputs")]
    assert main(["report", QUARTER, *places, "--allow-rejected"]) == 0
    assert account(capsys.readouterr().err) == (everything - 1, 1)
    page = (tmp_path / "outputs" / "2024-25-Q3" / "report.html").read_text(encoding="utf-8")
    assert "made without rows that could not be used" in page
    assert f"1 of {everything:,} rows received is rejected, of these KPIs: " in page
    notebook = (tmp_path / "outputs" / "2024-25-Q3" / "report.ipynb").read_text(encoding="utf-8")
    assert 'allow_rejected = \\"yes\\"' in notebook
    assert kept(spoilt) == FILES


def test_a_report_with_everything_has_no_such_notice_and_gives_the_account(everything):
    returns, kpis = kent.returns(), kent.scorecard()
    assert "made without rows" not in str(opening(returns, kpis, kent.recent()))
    findings = release_findings(returns, kent.recent(), kpis)
    account = f"hold {everything:,} rows: {everything:,} accepted, 0 rejected and 0 blank."
    assert account in str(how_made(returns, RAW, kpis, findings, "draft"))


def test_a_file_that_could_not_be_read_is_told(raw):
    (raw / "returns" / "2024-25-Q3" / "damaged.xlsx").write_bytes(b"PK\x03\x04")
    assert "One file could not be read at all." in str(left_out(read_returns(raw, QUARTER)))


def test_what_cannot_be_written_is_a_sentence(spoilt):
    (spoilt.parent / "processed").write_text("a file where a folder should be")
    with pytest.raises(KpiError, match="The rejected rows could not be written: "):
        keep_rejected(read_returns(spoilt, QUARTER), spoilt)


@pytest.mark.slow
def test_what_was_taken_otherwise_than_sent_is_told_and_kept(raw, capsys):
    path = raw / "returns" / "2024-25-Q3" / "growth-environment-transport.csv"
    text = path.read_text(encoding="utf-8")
    changed = text.replace("ED02,2024-25 Q3,80.9,", "ed02,Q3 2024/25,80.9%,")
    path.write_text(changed, encoding="utf-8")
    assert main(["check", QUARTER, "--raw", str(raw)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "cells were taken otherwise than sent" in told
    assert '"Q3 2024/25" as "2024-25 Q3"' in told
    assert kept(raw) == ["changes.csv"]
    changes = pd.read_csv(raw.parent / "processed" / "2024-25-Q3" / "changes.csv", dtype="str")
    assert changes["sent"].tolist() == ["80.9%", "ed02", "Q3 2024/25"]
    path.write_text(text, encoding="utf-8")
    assert main(["check", QUARTER, "--raw", str(raw)]) == 0
    assert "otherwise than sent" not in capsys.readouterr().out and kept(raw) == []
