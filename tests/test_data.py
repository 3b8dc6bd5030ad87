"""The files of the data themselves: what was not published says so, and they are plain."""

import csv
import io
import re
from collections import Counter
from functools import cache

import openpyxl
import pytest

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import TRENDS
from tests.kent import RAW, scorecard, table

WITH_VALUE = {"final", "provisional", "estimated", "carried forward", "illustrative"}
WITHOUT_VALUE = {"suppressed", "not available", "not collected", "not applicable"}
SLUGS = ["2023-24-Q2", "2023-24-Q3", "2023-24-Q4", "2024-25-Q1", "2024-25-Q2", "2024-25-Q3"]
MARKS = {
    "kpis.csv": {"final", "illustrative"},
    "targets.csv": {"final", "estimated", "illustrative"},
    "activity.csv": {"final", "estimated"},
    "benchmarks.csv": {"final"},
}


@cache
def returns() -> list[dict[str, str]]:
    """Every row sent, in the order of the folders."""
    rows = []
    for path in sorted((RAW / "returns").glob("*/*.*")):
        if path.suffix == ".csv":
            sent = table(path.relative_to(RAW))
        else:
            header, *cells = openpyxl.load_workbook(path)["Return"].iter_rows(values_only=True)
            texts = [["" if cell is None else str(cell) for cell in row] for row in cells]
            sent = [dict(zip(map(str, header), row, strict=True)) for row in texts]
        rows += [row | {"folder": Quarter.parse(path.parent.name).label} for row in sent]
    return rows


def known(quarter: str) -> dict[tuple[str, str], dict[str, str]]:
    """The last word on each figure, from the folders up to a quarter."""
    return {(r["kpi_id"], r["period"]): r for r in returns() if r["folder"] <= quarter}


def benchmark(kpi_id: str, area: str) -> dict[str, float]:
    rows = [row for row in table("benchmarks.csv") if row["kpi_id"] == kpi_id]
    return {row["period"]: float(row["value"]) for row in rows if row["area"] == area}


def test_of_ic06_only_the_two_printed_figures_are_not_invented():
    own = {at: row for (kpi_id, at), row in known("2024-25 Q3").items() if kpi_id == "IC06"}
    printed = {at: row["value"] for at, row in own.items() if row["status"] != "illustrative"}
    assert printed == {"2024-25 Q2": "54.3", "2024-25 Q3": "53.6"}


def test_figures_before_september_2023_are_marked_as_not_the_councils():
    lags = {kpi["kpi_id"]: int(kpi["lag_quarters"]) for kpi in table("kpis.csv")}
    for row in returns():
        first = Quarter(2023, 2).shift(-lags[row["kpi_id"]]).label
        if "Q" in row["period"] and row["period"] < first:
            dfe = row["kpi_id"] == "ES01" and row["period"] == "2022-23 Q3"
            assert row["status"] == ("estimated" if dfe else "illustrative"), row


def test_each_mark_agrees_with_its_row():
    for row in returns():
        assert row["status"] in WITH_VALUE | WITHOUT_VALUE, row
        assert bool(row["value"]) == (row["status"] in WITH_VALUE), row
        assert row["note"], row
        assert ("Invented" in row["note"]) == (row["status"] == "illustrative"), row
        if row["status"] == "estimated":
            assert "±" in row["note"] or "National statistic" in row["note"], row
    for name, allowed in MARKS.items():
        assert {row["status"] for row in table(name)} <= allowed, name
    for kpi in table("kpis.csv"):
        assert ("illustrative" in kpi["kpi_name"]) == (kpi["status"] == "illustrative")


def test_every_theme_of_the_minute_has_data():
    card = scorecard("2023-24 Q2")
    texts = {row["kpi_id"] for row in table("commentary/2023-24-Q2.csv")}
    themes = {"CS02", "CS03", "GL01", "GL02", "IC02", "ET01"}
    themes |= {"ES01", "ES03", "ES06", "AS01", "AS02"}
    assert themes <= set(card["kpi_id"]) & texts
    assert (card["section"] == "Public Health").sum() == 6


def test_what_the_minute_says_of_the_quarter_is_in_the_figures():
    figures = known("2023-24 Q2")

    def moved(kpi_id: str) -> float:
        now, before = (float(figures[kpi_id, f"2023-24 Q{at}"]["value"]) for at in (2, 1))
        return now - before

    rows = table("activity.csv")
    activity = {(row["activity_id"], row["period"]): float(row["value"]) for row in rows}
    assert moved("CS02") < 0
    assert -1 <= moved("IC02") < 0
    card = scorecard("2023-24 Q2").set_index("kpi_id")
    assert card.loc["CS02", "rating"] == "Amber" and card.loc["ED02", "previous_rating"] == "Green"
    assert round(100 * (activity["CSA7", "2023-24 Q2"] / activity["CSA7", "2023-24 Q1"] - 1)) == -3
    assert activity["ICA5", "2023-24 Q2"] < activity["ICA5", "2023-24 Q1"]
    assert figures["ES06", "2023-24 Q2"]["value"] == "89"
    assert list(benchmark("ES06", "England").values()) == [81]


def test_the_national_statistic_gives_what_was_published():
    england = benchmark("ES01", "England")
    published = [60.4, 58.0, 59.9, 49.2, 50.3, 46.4]
    assert [england[str(year)] for year in range(2019, 2025)] == published


def test_files_are_plain():
    assert list((RAW / "returns").glob("*/*.xlsx")), "some directorate sends a workbook"
    assert sorted(path.name for path in (RAW / "returns").iterdir()) == SLUGS
    for path in RAW.rglob("*"):
        if path.is_dir() or path.suffix == ".xlsx":
            continue
        text = path.read_bytes().decode("utf-8")
        assert not text.startswith("\ufeff") and "\r" not in text and text.endswith("\n"), path
        if path.suffix == ".csv":
            again = io.StringIO()
            csv.writer(again, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
            assert again.getvalue() == text, f"{path}: quoted where needed and nowhere else"
            assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1, path


@pytest.mark.parametrize("slug", ["2023-24-Q1", *SLUGS])
def test_the_table_of_counts_in_the_readme_is_true(slug):
    quarter = Quarter.parse(slug)
    ours = rf"\| {quarter.title} \| published .*\n\| \| ours \|(.*) \|\n"
    (cells,) = re.findall(ours, (RAW / "README.md").read_text(encoding="utf-8"))
    kpis = scorecard(quarter.label)
    counts = Counter([*kpis["rating"], *kpis["direction_of_travel"]])
    names = ("Green", "Amber", "Red", "Not rated", *TRENDS, "not enough data")
    counted = [len(kpis), *(counts[name] for name in names)]
    assert [int(cell) for cell in cells.split("|")] == counted
