"""The whole chain against what Kent County Council published: from data/raw to ratings, directions, counts and words."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.loading import Returns, load
from kpi_tools.narrative import headline
from kpi_tools.scorecard import (
    counts,
    earlier_reports,
    matrix,
    rating_history,
    recent_quarters,
    score,
)
from kpi_tools.scorecard.changes import movement
from tests.test_data import EIGHT_REDS, PUBLISHED

RAW = Path(__file__).parents[1] / "data" / "raw"
RAG = {"G": "Green", "A": "Amber", "R": "Red"}
TREND = {"up": "positive", "stable": "stable or no clear trend", "down": "negative"}
SECTIONS = """
Customer Services|3|2 0 1|0 2 1
Governance and Law|2|0 0 2|0 2 0
Growth, Economic Development and Communities|2|1 0 1|0 2 0
Environment and Transport|6|4 2 0|1 4 1
Education and Skills|5|2 2 1|3 2 0
Integrated Children's Services|8|3 2 3|1 4 3
Adult Social Care|6|2 3 1|2 4 0
Public Health|6|3 3 0|3 2 1
Total|38|17 12 9|10 22 6
"""


@pytest.fixture(scope="module")
def quarter_3() -> tuple[Returns, pd.DataFrame]:
    returns = load(RAW, "2024-25 Q3")
    return returns, score(recent_quarters(returns), returns)


@pytest.fixture(scope="module")
def quarter_2() -> tuple[Returns, pd.DataFrame]:
    returns = load(RAW, "2023-24 Q2")
    return returns, score(recent_quarters(returns), returns)


def test_every_rating_and_direction_of_quarter_3_2024_25(quarter_3):
    kpis = quarter_3[1].set_index("kpi_id")
    published = [line.split() for line in PUBLISHED.replace("\n", "|").split("|") if line]
    expected = {row[0]: (RAG[row[2]], RAG[row[4]], TREND[row[5]]) for row in published}
    ours = {
        kpi_id: tuple(row)
        for kpi_id, *row in kpis[["rating", "previous_rating", "direction_of_travel"]].itertuples()
    }
    assert len(ours) == 38
    assert ours == expected


def test_every_section_total_of_quarter_3_2024_25(quarter_3):
    table = matrix(quarter_3[1]).set_index("section")
    for line in SECTIONS.strip().splitlines():
        section, kpis, ratings, trends = line.split("|")
        row = table.loc[section]
        assert [row["kpis"], row["Not rated"], row["other"]] == [int(kpis), 0, 0], section
        assert row[["Green", "Amber", "Red"]].tolist() == [int(n) for n in ratings.split()], section
        assert row[list(TREND.values())].tolist() == [int(n) for n in trends.split()], section


def test_green_went_from_16_to_17_as_printed_and_from_14_to_17_like_for_like(quarter_3):
    returns, kpis = quarter_3
    change = movement(kpis, *earlier_reports(returns)).set_index("count")
    assert change.loc["Green", ["previous", "now", "same_previous", "same_now"]].tolist() == [
        16,
        17,
        14,
        17,
    ]
    assert change.loc["kpis", ["previous", "now", "same_previous", "same_now"]].tolist() == [
        40,
        38,
        38,
        38,
    ]
    assert change.loc[["Amber", "Red", "Not rated"], "previous"].tolist() == [15, 8, 1]


def test_the_reports_before_as_they_were_printed(quarter_3):
    history = rating_history(*quarter_3, earlier_reports(quarter_3[0])[0]).set_index("quarter")
    assert history.loc["2023-24 Q2"].tolist() == [15, 15, 8, 0]
    assert history.loc["2024-25 Q2"].tolist() == [16, 15, 8, 1]
    assert history.loc["2024-25 Q3"].tolist() == [17, 12, 9, 0]
    assert list(history.columns) == ["Green", "Amber", "Red", "Not rated"] and len(history) == 6


def test_this_report_is_in_its_history_though_none_of_its_rows_could_be_used(quarter_3):
    returns, kpis = quarter_3
    sent = returns.submissions
    without = replace(returns, submissions=sent[sent["received"] != "2024-25 Q3"])
    history = rating_history(without, kpis, earlier_reports(without)[0])
    assert history["quarter"].tolist()[-2:] == ["2024-25 Q2", "2024-25 Q3"]
    assert history.iloc[-1].tolist()[1:] == [17, 12, 9, 0]


def test_the_minute_of_quarter_2_2023_24(quarter_2):
    returns, kpis = quarter_2
    text = headline(kpis, earlier_reports(returns)[0], returns.quarter)
    for said in (
        "Out of the 38 KPIs",
        "15 achieved or exceeded target (rated Green)",
        "15 achieved or exceeded the floor standard but did not meet the target (rated Amber)",
        "8 did not meet the floor standard (rated Red)",
        "a positive trend for seven indicators (three more than the previous quarter)",
        "19 were stable or with no clear trend (five fewer than the previous quarter)",
        "12 were showing a negative trend (two more than the previous quarter)",
    ):
        assert said in text
    assert set(kpis.loc[kpis["rating"] == "Red", "kpi_id"]) == EIGHT_REDS


def test_the_quarter_before_that_minute(quarter_2):
    before = counts(earlier_reports(quarter_2[0])[0])
    assert [before[word] for word in ("Green", "Amber", "Red", *TREND.values())] == [
        16,
        11,
        11,
        4,
        24,
        10,
    ]


@pytest.mark.parametrize("quarter", ["2023-24 Q3", "2023-24 Q4", "2024-25 Q1", "2024-25 Q2"])
def test_the_quarters_between_name_what_is_missing(quarter):
    returns = load(RAW, quarter)
    kpis = score(recent_quarters(returns), returns)
    assert kpis.loc[kpis["rating"] == "Not rated", "not_rated_reason"].notna().all()
    expected = ["PH03"] if quarter.startswith("2024-25") else []
    assert kpis.loc[kpis["rating"] == "Not rated", "kpi_id"].tolist() == expected
