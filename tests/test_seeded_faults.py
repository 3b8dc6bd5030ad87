"""Every fault once found in a published report of 71 pages, seeded into a copy of the data: the
command names its place.
"""

import csv
import shutil
from pathlib import Path

import pytest

from kpi_tools.cli import main
from tests.kent import RAW
from tests.small_council import append

QUARTER = "2024-25 Q3"
SAID = "commentary/2024-25-Q3.csv"
SENT = "returns/2024-25-Q3/chief-executives.csv"


@pytest.fixture
def raw(tmp_path):
    return Path(shutil.copytree(RAW, tmp_path / "raw"))


def put(path: Path, key: str, column: str, text: str) -> int:
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    row = next((row for row in rows if key in row[:2]), None)
    if row is None:
        row = [key, *[""] * (len(head) - 1)]
        rows.append(row)
    row[head.index(column)] = text
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return rows.index(row) + 2


def check(raw: Path, capsys: pytest.CaptureFixture[str], status: int = 2) -> list[str]:
    """The lines of `kpi check`, without the spaces of their layout."""
    capsys.readouterr()
    assert main(["check", QUARTER, "--raw", str(raw)]) == status
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_data_as_they_are_have_none_of_them(raw, capsys):
    told = check(raw, capsys, status=0)
    assert told[-1] == "Ready for the report."
    assert not any(line.startswith(("error", "warning")) for line in told)


def test_each_is_named_at_its_place(raw, capsys):
    """All in one copy, far from each other; one more Green is from 16 to 17 as printed, 14 to 17 on the same 38 KPIs."""
    wrong = "Percentage of phone call to Contact Point which was answered"
    texts = f"""
error count-in-text | Adult Social Care | Of the five KPIs four are Green and none is Red.
error stale-quarter | Environment and Transport | In Quarter 2 the service repaired more potholes.
error target-in-text | CS02 | Performance stays above the target of 95%.
error title-spelt-two-ways | Customer Services | {wrong} is Green.
error change-not-like-for-like | ET02 | One more Green than in the last report.
warning words-against-direction | PH03 | Performance has improved again."""
    expected = []
    for code, key, text in (line.split(" | ") for line in texts.strip().splitlines()):
        row = put(raw / SAID, key, "commentary", text)
        expected.append((code, f"{SAID}, row {row}, commentary"))
    put(raw / SAID, "GL01", "management_action", "")
    put(raw / SENT, "GL02", "status", "carried forward")
    for name, key, column in (
        ("benchmarks.csv", "ES01", "area"),
        ("kpis.csv", "ED01", "kpi_name"),
        ("activity.csv", "CSA1", "activity_name"),
    ):
        put(raw / name, key, column, "Series1")
        expected.append(("error name-left-over", f"{name}, {key}"))
    redefined = ["CS02", QUARTER, "redefined", f"{wrong}: counted otherwise.", "final"]
    append(raw / "changes.csv", redefined)
    put(raw / "kpis.csv", "CS02", "definition", f"{wrong}, out of all that were made.")
    for kpi_id, name in (("GL07", "First"), ("GL08", "Second"), ("GL09", "Another KPI")):
        append(raw / "kpis.csv", _like(raw, "GL01", kpi_id, name))
        append(raw / "targets.csv", [kpi_id, "2021-22 Q1", "90", "80", "", "", "final"])
        figures = [
            [kpi_id, f"2024-25 Q{at}", str(90 + at), "", "", "final", ""] for at in (1, 2, 3)
        ]
        append(raw / SENT, *(figures if kpi_id != "GL09" else []))
    expected += [
        ("error title-spelt-two-ways", "changes.csv, CS02"),
        ("error title-spelt-two-ways", "kpis.csv, CS02"),
        ("error same-series", "GL07 and GL08"),
        ("error no-data-period", "GL09, Another KPI"),
        ("error red-without-action", "commentary/2024-25-Q3, GL01,"),
        ("warning old-data", "GL02,"),
    ]
    told = check(raw, capsys)
    for code, place in expected:
        assert any(line.startswith(code) and place in line for line in told), (code, place)
    assert any("like for like Green changed by" in line for line in told)


def _like(raw: Path, kpi_id: str, new: str, name: str) -> list[str]:
    with (raw / "kpis.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.reader(file) if row[0] == kpi_id)
    return [new, name, *row[2:]]
