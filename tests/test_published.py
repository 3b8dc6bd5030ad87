"""The whole chain against what Kent County Council published: from data/raw to ratings, directions, counts and words.

What was published was typed from the documents that data/raw/README.md names.
"""

from dataclasses import replace

import pytest

from kpi_tools.narrative import headline
from kpi_tools.scorecard import earlier_reports, matrix, rating_history, recent_quarters
from kpi_tools.scorecard.changes import movement
from kpi_tools.terms import Terms
from tests.kent import EIGHT_REDS, earlier, returns, scorecard

RAG = {"G": "Green", "A": "Amber", "R": "Red"}
TREND = {"up": "positive", "stable": "stable or no clear trend", "down": "negative"}
# Quarter 3 2024/25: latest, rating, previous, rating, direction (of IC06 only these two figures
# are public).
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
# by quarter: KPIs; Green, Amber, Red; positive, stable, negative; those that were not printed
# are None
COUNTS = {
    "2023-24 Q1": (38, (16, 11, 11), (4, 24, 10)),
    "2023-24 Q2": (38, (15, 15, 8), (7, 19, 12)),
    "2023-24 Q3": (38, None, (7, None, 11)),
    "2023-24 Q4": (38, (None, None, 10), (9, 20, 9)),
    "2024-25 Q1": (40, (None, None, 8), (11, 21, 7)),
    "2024-25 Q2": (40, (16, 15, 8), (11, 22, 6)),
    "2024-25 Q3": (38, (17, 12, 9), (10, 22, 6)),
}


@pytest.mark.parametrize("quarter", COUNTS)
def test_published_counts_hold(quarter):
    total, *published = COUNTS[quarter]
    kpis = scorecard(quarter)
    assert len(kpis) == total
    for column, names, counts in zip(
        ("rating", "direction_of_travel"), (RAG, TREND), published, strict=True
    ):
        found = kpis[column].value_counts()
        for name, count in zip(names.values(), counts or (), strict=False):
            assert count is None or found[name] == count, name
    without = kpis[kpis["rating"] == "Not rated"]
    assert without["kpi_id"].tolist() == (["PH03"] if total == 40 else [])
    assert without["not_rated_reason"].notna().all()


def test_every_figure_rating_and_direction_of_quarter_3_2024_25():
    kpis = scorecard().set_index("kpi_id")
    published = [line.split() for line in PUBLISHED.replace("\n", "|").split("|") if line]
    expected = {
        kpi_id: (float(value), RAG[rag], float(previous), RAG[before], TREND[trend])
        for kpi_id, value, rag, previous, before, trend in published
    }
    expected["PH03"] = (64.6, "Amber", 65.2, "Amber", "negative")  # printed as 65 and 65
    columns = ["value", "rating", "previous_value", "previous_rating", "direction_of_travel"]
    assert {kpi_id: tuple(row) for kpi_id, *row in kpis[columns].itertuples()} == expected
    assert len(expected) == 38


def test_no_figure_of_quarter_3_of_2024_25_is_invented_but_of_one_kpi():
    shown = recent_quarters(returns())
    assert set(shown.loc[shown["status"] == "illustrative", "kpi_id"]) == {"IC06"}
    assert set(scorecard()["target_status"]) == {"final"}


def test_every_section_total_of_quarter_3_2024_25():
    table = matrix(scorecard()).set_index("section")
    for line in SECTIONS.strip().splitlines():
        section, kpis, ratings, trends = line.split("|")
        row = table.loc[section]
        assert [row["kpis"], row["Not rated"], row["other"]] == [int(kpis), 0, 0], section
        assert row[list(RAG.values())].tolist() == [int(n) for n in ratings.split()], section
        assert row[list(TREND.values())].tolist() == [int(n) for n in trends.split()], section


def test_green_went_from_16_to_17_as_printed_and_from_14_to_17_like_for_like():
    change = movement(scorecard(), *earlier()).set_index("count")
    columns = ["previous", "now", "same_previous", "same_now"]
    assert change.loc["Green", columns].tolist() == [16, 17, 14, 17]
    assert change.loc["kpis", columns].tolist() == [40, 38, 38, 38]
    assert change.loc[["Amber", "Red", "Not rated"], "previous"].tolist() == [15, 8, 1]


def test_the_reports_before_as_they_were_printed():
    history = rating_history(returns(), scorecard(), earlier()[0]).set_index("quarter")
    assert history.loc["2023-24 Q2"].tolist() == [15, 15, 8, 0]
    assert history.loc["2024-25 Q2"].tolist() == [16, 15, 8, 1]
    assert history.loc["2024-25 Q3"].tolist() == [17, 12, 9, 0]
    assert list(history.columns) == ["Green", "Amber", "Red", "Not rated"] and len(history) == 6


def test_this_report_is_in_its_history_though_none_of_its_rows_could_be_used():
    sent = returns().submissions
    without = replace(returns(), submissions=sent[sent["received"] != "2024-25 Q3"])
    history = rating_history(without, scorecard(), earlier_reports(without)[0])
    assert history["quarter"].tolist()[-2:] == ["2024-25 Q2", "2024-25 Q3"]
    assert history.iloc[-1].tolist()[1:] == [17, 12, 9, 0]


def test_the_minute_of_quarter_2_2023_24():
    known, kpis = returns("2023-24 Q2"), scorecard("2023-24 Q2")
    title, terms = known.council.report_title, Terms(known.council)
    text = headline(kpis, earlier("2023-24 Q2")[0], known.quarter, title, terms)
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
    care = kpis.loc[kpis["section"] == "Adult Social Care", "rating"]
    assert care.value_counts().to_dict() == {"Red": 1, "Amber": 5, "Green": 1}
