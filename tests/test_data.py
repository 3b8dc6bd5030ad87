"""The data themselves: what was published comes out of them, and what was not published says so.

Figures, ratings and directions are compared with what was typed from the published documents (data/raw/README.md names
them); ratings and arrows one by one in test_published.py.
"""

import csv
import io
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kpi_tools.loading import load
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import earlier_reports, recent_quarters, score
from kpi_tools.vocabulary import TRENDS

RAW = Path(__file__).parents[1] / "data" / "raw"
WITH_VALUE = {"final", "provisional", "estimated", "carried forward", "illustrative"}
WITHOUT_VALUE = {"suppressed", "not available", "not collected", "not applicable"}
SLUGS = ["2023-24-Q2", "2023-24-Q3", "2023-24-Q4", "2024-25-Q1", "2024-25-Q2", "2024-25-Q3"]

# Quarter 3 2024/25 as published: latest, rating, previous, rating, direction (of IC06 only these two figures are public).
PUBLISHED = """
CS01 97 G 97 G down|CS02 94 G 89 A stable|CS03 71 R 71 R stable|GL01 84 R 77 R stable|GL02 60 R 52 R stable
ED01 422 G 493 G stable|ED02 80.9 R 93.2 A stable|ET01 94 G 97 G stable|ET02 89 A 91 G stable|ET03 96 A 97 A stable
ET04 64 G 64 G stable|ET05 99.2 G 99.2 G down|ET06 10323 G 10985 G up|ES01 34 R 26 R stable|ES02 35 G 34 G up
ES03 10.5 A 10.3 A up|ES04 0.04 A 0.04 A stable|ES05 175 G 190 A up|IC01 14.9 G 15.2 A stable|IC02 75.2 A 74.7 R stable
IC03 22.2 G 23.4 G stable|IC04 73.2 R 72.7 R down|IC05 613 R 612 R down|IC06 53.6 R 54.3 R down|IC07 59.1 A 59.6 A stable
IC08 98.6 G 98.1 G up|AS01 4 G 6 A stable|AS02 74 R 75 A stable|AS03 26 A 26 A up|AS04 84 A 83 A stable
AS05 553 G 562 G up|AS06 76 A 76 A stable|PH01 33550 G 33194 G up|PH02 67008 A 66746 A stable|PH03 65 A 65 A down
PH04 5534 A 5473 A up|PH05 27.4 G 28.2 G up|PH06 99.2 G 99.6 G stable
"""
UP, STABLE, DOWN = TRENDS
EIGHT_REDS = {"CS03", "GL01", "GL02", "ES01", "ES02", "ES03", "IC02", "AS02"}


def table(name: str) -> list[dict[str, str]]:
    with open(RAW / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def returns() -> list[dict[str, str]]:
    """Every row sent, in the order of the folders; `folder` is the label of the quarter and `file` the place."""
    rows = []
    for slug in SLUGS:
        for path in sorted((RAW / "returns" / slug).iterdir()):
            if path.suffix == ".csv":
                sent = table(f"returns/{slug}/{path.name}")
            else:
                header, *cells = openpyxl.load_workbook(path)["Return"].iter_rows(values_only=True)
                texts = [["" if cell is None else str(cell) for cell in row] for row in cells]
                sent = [dict(zip(map(str, header), row, strict=True)) for row in texts]
            rows += [
                {**row, "folder": Quarter.parse(slug).label, "file": f"{slug}/{path.name}"}
                for row in sent
            ]
    return rows


def known(quarter: str) -> dict[tuple[str, str], dict[str, str]]:
    """The last word on each figure, from the folders up to a quarter."""
    return {(r["kpi_id"], r["period"]): r for r in returns() if r["folder"] <= quarter}


@cache
def scorecard(quarter: str) -> list[dict[str, Any]]:
    """The report's row of each KPI; of the quarter before the first folder, as its report would have been printed."""
    if quarter == "2023-24 Q1":
        rows = earlier_reports(load(RAW, "2023-24 Q2"))[0]
    else:
        known_then = load(RAW, quarter)
        rows = score(recent_quarters(known_then), known_then)
    return rows.to_dict("records")


def counts(quarter: str, what: str) -> Counter[str]:
    return Counter(row[what] for row in scorecard(quarter))


@pytest.mark.parametrize(
    ("quarter", "kpis", "ratings", "directions"),
    [
        ("2023-24 Q1", 38, {"Green": 16, "Amber": 11, "Red": 11}, {UP: 4, STABLE: 24, DOWN: 10}),
        ("2023-24 Q2", 38, {"Green": 15, "Amber": 15, "Red": 8}, {UP: 7, STABLE: 19, DOWN: 12}),
        ("2023-24 Q3", 38, {}, {UP: 7, DOWN: 11}),
        ("2023-24 Q4", 38, {"Red": 10}, {UP: 9, STABLE: 20, DOWN: 9}),
        ("2024-25 Q1", 40, {"Red": 8, "Not rated": 1}, {UP: 11, STABLE: 21, DOWN: 7}),
        (
            "2024-25 Q2",
            40,
            {"Green": 16, "Amber": 15, "Red": 8, "Not rated": 1},
            {UP: 11, STABLE: 22, DOWN: 6},
        ),
        ("2024-25 Q3", 38, {"Green": 17, "Amber": 12, "Red": 9}, {UP: 10, STABLE: 22, DOWN: 6}),
    ],
)
def test_published_counts_hold(
    quarter: str, kpis: int, ratings: dict[str, int], directions: dict[str, int]
) -> None:
    assert len(scorecard(quarter)) == kpis
    assert {rag: counts(quarter, "rating")[rag] for rag in ratings} == ratings
    assert {way: counts(quarter, "direction_of_travel")[way] for way in directions} == directions


def test_the_figures_of_quarter_3_of_2024_25_are_the_published_ones() -> None:
    rows = {row["kpi_id"]: row for row in scorecard("2024-25 Q3")}
    for line in PUBLISHED.replace("\n", "|").strip("|").split("|"):
        kpi_id, value, _, previous, *_ = line.split()
        ours = [rows[kpi_id][name] for name in ("value", "previous_value")]
        # printed as 65 and 65
        assert ours == ([64.6, 65.2] if kpi_id == "PH03" else [float(value), float(previous)]), (
            kpi_id
        )


def test_of_ic06_only_the_two_printed_figures_are_not_invented() -> None:
    rows = {
        period: row for (kpi_id, period), row in known("2024-25 Q3").items() if kpi_id == "IC06"
    }
    assert {
        period: row["value"] for period, row in rows.items() if row["status"] != "illustrative"
    } == {"2024-25 Q2": "54.3", "2024-25 Q3": "53.6"}


def test_adult_social_care_in_quarter_2_was_one_red_five_amber_one_green() -> None:
    rows = [
        row["rating"] for row in scorecard("2023-24 Q2") if row["section"] == "Adult Social Care"
    ]
    assert Counter(rows) == {"Red": 1, "Amber": 5, "Green": 1}


def test_no_figure_of_quarter_3_of_2024_25_is_invented_but_of_one_kpi() -> None:
    known_then = load(RAW, "2024-25 Q3")
    shown = recent_quarters(known_then)
    assert set(shown.loc[shown["status"] == "illustrative", "kpi_id"]) == {"IC06"}
    assert {row["target_status"] for row in scorecard("2024-25 Q3")} == {"final"}


def test_figures_before_september_2023_are_marked_as_not_the_councils() -> None:
    lags = {kpi["kpi_id"]: int(kpi["lag_quarters"]) for kpi in table("kpis.csv")}
    for row in returns():
        if (
            "Q" in row["period"]
            and row["period"] < Quarter(2023, 2).shift(-lags[row["kpi_id"]]).label
        ):
            dfe = row["kpi_id"] == "ES01" and row["period"] == "2022-23 Q3"
            assert row["status"] == ("estimated" if dfe else "illustrative"), row


def test_each_mark_agrees_with_its_row() -> None:
    for row in returns():
        assert row["status"] in WITH_VALUE | WITHOUT_VALUE, row
        assert bool(row["value"]) == (row["status"] in WITH_VALUE), row
        assert row["note"], row
        assert ("Invented" in row["note"]) == (row["status"] == "illustrative"), row
        if row["status"] == "estimated":
            assert "±" in row["note"] or "National statistic" in row["note"], row


def test_marks_of_the_other_files() -> None:
    for name, allowed in {
        "kpis.csv": {"final", "illustrative"},
        "targets.csv": {"final", "estimated", "illustrative"},
        "activity.csv": {"final", "estimated"},
        "benchmarks.csv": {"final"},
    }.items():
        assert {row["status"] for row in table(name)} <= allowed, name
    for kpi in table("kpis.csv"):
        assert ("illustrative" in kpi["kpi_name"]) == (kpi["status"] == "illustrative")


def test_every_theme_of_the_minute_has_data() -> None:
    card = {row["kpi_id"]: row for row in scorecard("2023-24 Q2")}
    texts = {row["kpi_id"] for row in table("commentary/2023-24-Q2.csv")}
    themes = {
        "CS02",
        "CS03",
        "GL01",
        "GL02",
        "IC02",
        "ET01",
        "ES01",
        "ES03",
        "ES06",
        "AS01",
        "AS02",
    }
    assert themes <= set(card) and themes <= texts
    assert sum(row["section"] == "Public Health" for row in card.values()) == 6


def test_what_the_minute_says_of_the_quarter_is_in_the_figures() -> None:
    figures = known("2023-24 Q2")

    def moved(kpi_id: str) -> float:
        return float(figures[kpi_id, "2023-24 Q2"]["value"]) - float(
            figures[kpi_id, "2023-24 Q1"]["value"]
        )

    activity = {
        (row["activity_id"], row["period"]): float(row["value"]) for row in table("activity.csv")
    }
    assert moved("CS02") < 0
    assert -1 <= moved("IC02") < 0
    card = {row["kpi_id"]: row for row in scorecard("2023-24 Q2")}
    assert card["CS02"]["rating"] == "Amber" and card["ED02"]["previous_rating"] == "Green"
    assert round(100 * (activity["CSA7", "2023-24 Q2"] / activity["CSA7", "2023-24 Q1"] - 1)) == -3
    assert activity["ICA5", "2023-24 Q2"] < activity["ICA5", "2023-24 Q1"]
    assert figures["ES06", "2023-24 Q2"]["value"] == "89"
    england = [
        row["value"]
        for row in table("benchmarks.csv")
        if row["kpi_id"] == "ES06" and row["area"] == "England"
    ]
    assert england == ["81"]


def test_the_national_statistic_gives_what_was_published() -> None:
    rows = {
        (row["area"], row["period"]): row["value"]
        for row in table("benchmarks.csv")
        if row["kpi_id"] == "ES01"
    }
    england = [rows["England", str(year)] for year in range(2019, 2025)]
    assert [float(value) for value in england] == [60.4, 58.0, 59.9, 49.2, 50.3, 46.4]


def plain_files() -> list[Path]:
    return sorted(path for path in RAW.rglob("*") if path.is_file() and path.suffix != ".xlsx")


@pytest.mark.parametrize("path", plain_files(), ids=lambda path: str(path.relative_to(RAW)))
def test_files_are_plain(path: Path) -> None:
    content = path.read_bytes()
    text = content.decode("utf-8")
    assert not text.startswith("\ufeff") and "\r" not in text and text.endswith("\n")
    assert not re.search(r"/(work|root|home|opt|tmp)/", text)
    if path.suffix == ".csv":
        again = io.StringIO()
        csv.writer(again, lineterminator="\n").writerows(csv.reader(io.StringIO(text)))
        assert again.getvalue() == text, "quoted where needed and nowhere else"
        assert len({len(row) for row in csv.reader(io.StringIO(text))}) == 1


def test_some_directorate_sends_a_workbook() -> None:
    assert list((RAW / "returns").glob("*/*.xlsx"))
    assert sorted(path.name for path in (RAW / "returns").iterdir()) == SLUGS


def test_the_table_of_counts_in_the_readme_is_true() -> None:
    readme = (RAW / "README.md").read_text(encoding="utf-8")
    titles = {
        Quarter.parse(slug).title: Quarter.parse(slug).label for slug in ["2023-24-Q1", *SLUGS]
    }
    rows = [line.strip("|").split("|") for line in readme.splitlines() if line.startswith("|")]
    lines = [[cell.strip() for cell in row] for row in rows]
    checked = 0
    for above, line in zip(lines, lines[1:], strict=False):
        if line[1:2] == ["ours"]:
            quarter = titles[above[0]]
            rags, ways = counts(quarter, "rating"), counts(quarter, "direction_of_travel")
            counted = [rags[rag] for rag in ("Green", "Amber", "Red", "Not rated")]
            counted += [ways[way] for way in (UP, STABLE, DOWN, "not enough data")]
            assert [int(cell) for cell in line[2:]] == [len(scorecard(quarter)), *counted], quarter
            checked += 1
    assert checked == 7
