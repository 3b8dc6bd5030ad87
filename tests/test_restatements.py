"""A figure changed in a later folder: the earlier report stays as it was, the later one says what changed and why."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.cli import main
from kpi_tools.loading import Returns, load
from kpi_tools.page import chapters
from kpi_tools.page.change_chapter import restated_figures
from kpi_tools.restatements import issue_changes, restatements
from kpi_tools.scorecard import (
    earlier_reports,
    movement,
    quarter_before,
    recent_quarters,
    report_tables,
    score,
)

RAW = Path(__file__).parents[1] / "data" / "raw"


@pytest.fixture(scope="module")
def raws(tmp_path_factory):
    """The data as they are, and with CS01 of June 2024 restated in the folder of Quarter 3."""
    changed = tmp_path_factory.mktemp("restated") / "raw"
    shutil.copytree(RAW, changed)
    path = changed / "returns" / "2024-25-Q3" / "chief-executives.csv"
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(
            ["CS01", "2024-25 Q1", 88, "", "", "final", "Survey answers of May were counted twice"]
        )
    return RAW, changed


@pytest.fixture(scope="module")
def read(raws):
    return {
        (raw, quarter): load(raw, quarter)
        for raw in raws
        for quarter in ("2024-25 Q2", "2024-25 Q3")
    }


def reports(returns: Returns) -> tuple[Returns, pd.DataFrame, pd.DataFrame]:
    """The returns, the previous report's scorecard and that of its quarter as known now."""
    return returns, *earlier_reports(returns)


def page(returns: Returns) -> str:
    """The chapters of the report, with the cards of the section in which the figure was changed."""
    returns = replace(returns, council=replace(returns.council, sections=("Customer Services",)))
    recent = recent_quarters(returns)
    kpis, before = score(recent, returns), earlier_reports(returns)[0]
    moved = movement(kpis, before, quarter_before(returns))
    pieces = (
        chapters.for_the_minutes(kpis, before, moved, returns),
        chapters.reds(kpis),
        chapters.sections(kpis, recent, returns),
        chapters.changes(kpis, before, quarter_before(returns), moved, returns),
    )
    return "".join(map(str, pieces))


def test_the_earlier_report_stays_as_it_was_to_the_byte(raws, read):
    plain, changed = (read[raw, "2024-25 Q2"] for raw in raws)
    assert page(changed).encode() == page(plain).encode()
    for name, table in report_tables(plain).items():
        pd.testing.assert_frame_equal(table, report_tables(changed)[name])


def test_the_later_report_shows_the_restatement_with_its_effect(raws, read):
    plain, changed = (restatements(*reports(read[raw, "2024-25 Q3"])) for raw in raws)
    new = changed[~changed["kpi_id"].isin(plain["kpi_id"])].iloc[0]
    assert new[["kpi_id", "quarter", "new", "old_rating", "new_rating", "received"]].tolist() == [
        "CS01", "2024-25 Q1", "88%", "Green", "Red", "2024-25 Q3",
    ]  # fmt: skip
    assert new["old"] == "98%"
    assert new["reason"] == "Survey answers of May were counted twice"
    told = str(restated_figures(*reports(read[raws[1], "2024-25 Q3"])))
    assert (
        "88%" in told
        and "Green, now Red" in told
        and "Survey answers of May were counted twice" in told
    )
    assert "Survey answers" not in str(restated_figures(*reports(read[raws[0], "2024-25 Q3"])))


def test_what_was_filled_in_or_replaced_in_quarter_3(read):
    found = restatements(*reports(read[RAW, "2024-25 Q3"])).set_index(["kpi_id", "quarter"])
    assert found.loc[("PH02", "2023-24 Q3"), ["old", "new", "old_rating", "new_rating"]].tolist() == [
        "66,971", "67,011", "Amber", "Amber",
    ]  # fmt: skip
    late = found.loc[("PH03", "2024-25 Q2")]
    assert late[["old", "new", "old_rating", "new_rating"]].tolist() == [
        "not available",
        "65%",
        "Not rated",
        "Amber",
    ]
    assert late[["old_direction", "new_direction"]].tolist() == ["not enough data", "negative"]
    assert len(found) == 3


def test_the_first_report_has_nothing_to_compare():
    returns = load(RAW, "2023-24 Q2")
    assert restatements(*reports(returns)).empty
    assert "No earlier returns are held here" in str(restated_figures(*reports(returns)))


def test_what_differs_between_two_issues(read):
    found = issue_changes(read[RAW, "2024-25 Q2"], read[RAW, "2024-25 Q3"])
    assert list(found) == ["Figures restated", "Ratings", "Commentary", "Management action"]
    ratings = found["Ratings"].set_index("kpi_id")
    assert ratings.loc["ED02", ["before", "now"]].tolist() == ["Amber", "Red"]
    assert ratings.loc["ES06", "now"] == "not in this report"
    assert ratings.loc["PH03", ["before", "now"]].tolist() == ["Not rated", "Amber"]
    words = found["Commentary"].set_index("kpi_id")
    assert words.loc["CS02", "now"].startswith(
        "The answer rate rose from 89% to 94%, above its target of 90%"
    )
    assert set(words.index) >= {"CS03", "ES03", "PH03"}
    assert "CS01" not in words.index


def test_the_command_lists_them(capsys):
    assert main(["changes", "2024-25 Q3", "Q2 2024/25"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "From the report of Quarter 2 2024/25 to that of Quarter 3 2024/25\n\nFigures restated: 3\n"
    )
    assert "  ED02   Amber              → Red " in told
    assert "Is: The answer rate rose from 89% to 94%" in " ".join(told.split())
