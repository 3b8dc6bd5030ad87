"""Every fault once found in a published report of 71 pages, seeded into a copy of the data: the command names its place."""

import csv
import shutil
from pathlib import Path

import pytest

from kpi_tools.cli import main
from tests.one_section import RAW, append

QUARTER = "2024-25 Q3"
SAID = "commentary/2024-25-Q3.csv"
SENT = "returns/2024-25-Q3/chief-executives.csv"


@pytest.fixture
def raw(tmp_path):
    return Path(shutil.copytree(RAW, tmp_path / "raw"))


def say(raw: Path, key: str, text: str) -> int:
    """Write a text on a KPI or section; the row in which it stands."""
    return put(raw / SAID, key, "commentary", text)


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
    assert told[-1] == "Ready for the report." and not any(
        line.startswith(("error", "warning")) for line in told
    )


def test_narrative_counts_that_contradict_the_table(raw, capsys):
    row = say(raw, "Adult Social Care", "Of the five KPIs four are Green and none is Red.")
    told = check(raw, capsys)
    assert told.count(f"error count-in-text {SAID}, row {row}, commentary") == 3


def test_a_stale_quarter_name_in_the_text(raw, capsys):
    row = say(raw, "Environment and Transport", "In Quarter 2 the service repaired more potholes.")
    assert f"error stale-quarter {SAID}, row {row}, commentary" in check(raw, capsys)


def test_one_kpi_with_another_kpis_chart(raw, capsys):
    quarters = ("2023-24 Q2", "2023-24 Q3", "2023-24 Q4", "2024-25 Q1", "2024-25 Q2", "2024-25 Q3")
    put(raw / SENT, "CS01", "value", "90")
    put(raw / SENT, "CS02", "value", "90")
    rows = [
        [name, quarter, str(80 + at), "", "", "final", ""]
        for at, quarter in enumerate(quarters[:5])
        for name in ("CS01", "CS02")
    ]
    append(raw / SENT, *rows)
    assert "error same-series CS01 and CS02" in check(raw, capsys)


def test_a_target_that_differs_between_text_and_chart(raw, capsys):
    row = say(raw, "CS02", "Performance stays above the target of 95%.")
    assert f"error target-in-text {SAID}, row {row}, commentary" in check(raw, capsys)


@pytest.mark.parametrize(
    ("file", "key", "column", "place"),
    [
        ("benchmarks.csv", "ES01", "area", "benchmarks.csv, ES01"),
        ("kpis.csv", "ED01", "kpi_name", "kpis.csv, ED01"),
        ("activity.csv", "CSA1", "activity_name", "activity.csv, CSA1"),
    ],
)
def test_a_legend_left_as_series1(raw, capsys, file, key, column, place):
    put(raw / file, key, column, "Series1")
    assert f"error name-left-over {place}" in check(raw, capsys)


@pytest.mark.parametrize("where", ["commentary", "changes.csv", "kpis.csv"])
def test_a_title_spelt_two_ways(raw, capsys, where):
    wrong = "Percentage of phone call to Contact Point which was answered"
    if where == "commentary":
        place = f"{SAID}, row {say(raw, 'Customer Services', f'{wrong} is Green.')}, commentary"
    elif where == "changes.csv":
        append(raw / where, ["CS02", QUARTER, "redefined", f"{wrong}: counted otherwise.", "final"])
        place = "changes.csv, CS02"
    else:
        put(raw / where, "CS02", "definition", f"{wrong}, out of all that were made.")
        place = "kpis.csv, CS02"
    assert f"error title-spelt-two-ways {place}" in check(raw, capsys)


def test_one_more_green_that_is_not_like_for_like(raw, capsys):
    """16 to 17 as printed, 14 to 17 on the same 38 KPIs."""
    row = say(raw, "CS01", "One more Green than in the last report.")
    told = check(raw, capsys)
    assert f"error change-not-like-for-like {SAID}, row {row}, commentary" in told
    assert any("like for like Green changed by +3" in line for line in told)


def test_a_red_without_an_action(raw, capsys):
    put(raw / SAID, "GL01", "management_action", "")
    assert any(
        line.startswith("error red-without-action commentary/2024-25-Q3, GL01,")
        for line in check(raw, capsys)
    )


def test_a_kpi_without_a_data_period(raw, capsys):
    append(raw / "kpis.csv", _like(raw, "GL01", "GL09", "Another KPI"))
    append(raw / "targets.csv", ["GL09", "2021-22 Q1", "90", "80", "", "", "final"])
    assert "error no-data-period GL09, Another KPI" in check(raw, capsys)


def _like(raw: Path, kpi_id: str, new: str, name: str) -> list[str]:
    with (raw / "kpis.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.reader(file) if row[0] == kpi_id)
    return [new, name, *row[2:]]


def test_commentary_that_says_improved_beside_a_negative_arrow(raw, capsys):
    row = say(raw, "PH03", "Performance has improved again.")
    assert f"warning words-against-direction {SAID}, row {row}, commentary" in check(
        raw, capsys, status=0
    )


def test_an_old_figure_shown_green_on_old_data(raw, capsys):
    put(raw / SENT, "CS02", "status", "carried forward")
    assert any(line.startswith("warning old-data CS02,") for line in check(raw, capsys, status=0))
