"""Arrows between two figures: against the previous due figure, a year ago, the average of four; by hand."""

from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.loading import load
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.scorecard import counts, recent_quarters, score
from tests.small_council import make_council

LAST = Quarter(2024, 3)
KPIS = [
    "kpi_id,kpi_name,section,unit,polarity,basis,rated",
    "UP,Higher is better,Roads,%,higher,quarter,yes",
    "DN,Lower is better,Roads,days,lower,quarter,yes",
    "CL,Closest,Roads,%,target,quarter,yes",
    "YD,Homes in the year,Care,count,higher,year_to_date,yes",
    "MO,Watched,Care,count,none,quarter,no",
]
TARGETS = ["kpi_id,target,floor_standard", "UP,90,80", "DN,10,12", "CL,50,40", "YD,40,30"]
VALUES = {
    "UP": [80, 82, 84, 86, 88, 85],
    "DN": [9, 9, 9, 9, 10, 9],
    "CL": [50, 48, 49, 51, 56, 45],
    "YD": [20, 40, 60, 80, 15, 35],
    "MO": [5, 6, 7, 8, 9, 10],
}


def scorecard(folder: Path, show: list[str], within: str = "0", **values) -> pd.DataFrame:
    rows = [
        (LAST.label, kpi_id, quarter.label, value)
        for kpi_id, series in (VALUES | values).items()
        for quarter, value in zip(quarter_range(LAST, 6), series, strict=True)
        if value is not None
    ]
    settings = f'[direction]\nshow = {show}\nunchanged_within = "{within}"\n'.replace("'", '"')
    returns = load(make_council(folder, KPIS, rows, TARGETS, settings))
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    return kpis.assign(council=returns.council)


def test_against_the_previous_figure(tmp_path):
    kpis = scorecard(tmp_path, ["previous"])
    assert kpis.loc["UP", ["arrow", "arrow_change"]].tolist() == ["worse", -3]
    assert kpis.loc["DN", ["arrow", "arrow_change"]].tolist() == ["better", -1]
    # 6 above the target, then 5 below it: nearer by 1
    assert kpis.loc["CL", ["arrow", "arrow_change"]].tolist() == ["better", -1]
    # what adds up within the year has no previous figure to compare with; without polarity nothing is better
    assert kpis.loc[["YD", "MO"], "arrow"].tolist() == ["not testable"] * 2
    found = counts(kpis.reset_index(), kpis["council"].iloc[0])
    expected = {"kpis": 5, "better": 2, "unchanged": 0, "worse": 1, "other": 2}
    assert {name: found[name] for name in expected} == expected


def test_against_a_year_ago_and_the_average_of_four(tmp_path):
    kpis = scorecard(tmp_path, ["year_ago", "average"])
    assert kpis.loc["UP", ["arrow", "arrow_change"]].tolist() == ["better", 3]  # 82
    assert kpis.loc["YD", ["arrow", "arrow_change"]].tolist() == ["worse", -5]  # 40
    assert kpis.loc["UP", ["arrow_average", "change_average"]].tolist() == ["unchanged", 0]  # 85
    assert kpis.loc["DN", ["arrow_average", "change_average"]].tolist() == ["better", -0.25]
    assert kpis.loc["CL", ["arrow_average", "change_average"]].tolist() == ["worse", 4]  # 51
    assert kpis.loc["YD", "arrow_average"] == "not testable"


@pytest.mark.parametrize(
    ("within", "arrow"),
    [("3", "unchanged"), ("2.9", "worse"), ("3.5%", "unchanged"), ("3.4%", "worse")],
)
def test_a_small_difference_is_no_change(tmp_path, within, arrow):
    """From 88 to 85: 3 points, and 3.41% of the earlier figure."""
    assert scorecard(tmp_path, ["previous"], within).loc["UP", "arrow"] == arrow


def test_a_gap_is_not_enough_to_compare(tmp_path):
    kpis = scorecard(tmp_path, ["previous", "year_ago", "average"], UP=[80, 82, 84, 86, None, 85])
    assert kpis.loc["UP", "arrow_previous"] == "not enough data"
    assert kpis.loc["UP", "arrow_average"] == "not enough data"
    assert kpis.loc["UP", "arrow_year_ago"] == "better"


def test_arrows_that_point_different_ways_are_known(tmp_path):
    kpis = scorecard(tmp_path, ["trend", "previous"], UP=[70, 74, 78, 82, 88, 87])
    arrows = kpis.loc["UP", ["arrow", "arrow_previous", "arrows_differ"]].tolist()
    assert arrows == ["positive", "worse", True]
    assert not kpis.loc["DN", "arrows_differ"]
