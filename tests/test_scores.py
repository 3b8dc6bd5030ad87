"""The scorecard: which rows are chosen, what counts as previous, and counts that add up. Tables made by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.scorecard import (
    counts,
    matrix,
    movement,
    movers,
    quarter_before,
    recent_quarters,
    score,
)

LAST = Quarter(2024, 3)
CATALOGUE = pd.DataFrame(
    {
        "kpi_id": ["A1", "B1", "B2", "C1"],
        "kpi_name": ["Calls answered", "Waits", "Homes", "Gone"],
        "section": ["First", "Second", "Second", "Second"],
        "directorate": "D",
        "unit": ["%", "%", "count", "%"],
        "decimals": [0, 1, 0, 0],
        "polarity": ["higher", "lower", "higher", "higher"],
        "basis": ["quarter", "snapshot", "rolling_12_months", "quarter"],
        "frequency": "quarterly",
        "lag_quarters": [0, 0, 1, 0],
        "first_quarter": ["2023-24 Q2", "2023-24 Q2", "2024-25 Q3", "2023-24 Q2"],
        "last_quarter": [None, None, None, "2024-25 Q2"],
        "definition": "d",
        "owner": "o",
        "kpi_status": "final",
    }
)
TARGETS = pd.DataFrame(
    [
        ("A1", "2023-24 Q1", 90.0, 80.0, np.nan, "", "final"),
        ("A1", "2024-25 Q3", 95.0, 80.0, np.nan, "raised", "final"),
        ("B1", "2023-24 Q1", 5.0, 9.0, np.nan, "", "final"),
        ("B2", "2023-24 Q1", 400.0, 360.0, np.nan, "", "illustrative"),
        ("C1", "2023-24 Q1", 50.0, 40.0, np.nan, "", "final"),
    ],
    columns=[
        "kpi_id",
        "from_quarter",
        "target",
        "floor_standard",
        "tolerance",
        "target_reason",
        "target_status",
    ],
)
CHANGES = pd.DataFrame(columns=["kpi_id", "from_quarter", "change", "reason"])
VALUES = {
    "A1": [85, 86, 87, 88, 92, 93],
    "B1": [9.0, 4.0, 8.0, 4.5, 8.5, None],
    "B2": [300, 370, 410, 500],
    "C1": [45, 55, 45, 55, 60, 60],
}


@pytest.fixture
def returns():
    figures = pd.DataFrame(
        [
            (kpi_id, quarter.label, float(value), np.nan, np.nan, "final", "", quarter.label)
            for kpi_id, values in VALUES.items()
            for quarter, value in zip(quarter_range(LAST, 6), values, strict=False)
            if value is not None
        ],
        columns=[
            "kpi_id",
            "quarter",
            "value",
            "numerator",
            "denominator",
            "status",
            "note",
            "received",
        ],
    )
    figures["period_end"] = [pd.Timestamp(Quarter.parse(label).end) for label in figures["quarter"]]
    figures = figures.merge(CATALOGUE, on="kpi_id")
    commentary = pd.DataFrame(
        {"kpi_id": ["A1", None], "section": [None, "First"], "commentary": ["why", "all"], "management_action": ["do", None],
         "author": "Head of Service", "status": ["illustrative", "final"]}
    )  # fmt: skip
    council = SimpleNamespace(
        window=6,
        significance=0.05,
        minimum_points=5,
        scheme="floor_standard",
        arrows=("trend",),
        unchanged_within="0",
        not_due="counted",
    )
    return SimpleNamespace(
        quarter=LAST,
        council=council,
        catalogue=CATALOGUE,
        figures=figures,
        targets=TARGETS,
        commentary=commentary,
        changelog=CHANGES,
        rebases=pd.DataFrame(columns=["kpi_id", "date"]),
    )


def test_exactly_six_rows_for_each_kpi_in_force_with_gaps_in_place(returns):
    recent = recent_quarters(returns)
    assert recent.groupby("kpi_id", sort=False).size().to_dict() == {"A1": 6, "B1": 6, "B2": 6}
    assert recent.loc[recent["kpi_id"] == "A1", "quarter"].tolist() == [
        q.label for q in quarter_range(LAST, 6)
    ]
    assert recent.loc[recent["kpi_id"] == "B2", "quarter"].tolist() == [
        q.label for q in quarter_range(LAST.shift(-1), 6)
    ]
    last_of_b1 = recent[recent["kpi_id"] == "B1"].iloc[-1]
    assert (last_of_b1["status"], last_of_b1["not_rated_reason"]) == (
        "not available",
        "not available",
    )
    assert pd.isna(last_of_b1["value"]) and last_of_b1["rating"] == "Not rated"


def test_the_previous_figure_is_judged_by_the_previous_target(returns):
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    assert kpis.loc["A1", ["value", "target", "rating"]].tolist() == [93, 95, "Amber"]
    assert kpis.loc["A1", ["previous_value", "previous_target", "previous_rating"]].tolist() == [
        92,
        90,
        "Green",
    ]
    assert kpis.loc["A1", ["previous_quarter", "year_ago_quarter", "year_ago_value"]].tolist() == [
        "2024-25 Q2",
        "2023-24 Q3",
        86,
    ]
    assert kpis.loc["A1", ["commentary", "management_action"]].tolist() == ["why", "do"]


def test_what_is_invented_is_known(returns):
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    assert kpis["illustrative"].to_dict() == {"A1": False, "B1": False, "B2": True}


def test_counts_add_up_and_say_what_is_not_rated(returns):
    kpis = score(recent_quarters(returns), returns)
    table = matrix(kpis).set_index("section")
    assert table.loc["Total"].to_dict() == {
        "kpis": 3, "Green": 0, "Amber": 1, "Red": 0, "Not rated": 2,
        "positive": 1, "stable or no clear trend": 1, "negative": 0, "other": 1,
    }  # fmt: skip
    assert table.loc["First", "kpis"] == 1 and table.loc["Second", "kpis"] == 2
    assert table.iloc[:-1].sum().equals(table.loc["Total"])
    assert counts(kpis.head(0))["kpis"] == 0


def test_plain_and_like_for_like_change_differ_when_the_set_does(returns):
    kpis = score(recent_quarters(returns), returns)
    same = quarter_before(returns)
    assert same["kpi_id"].tolist() == ["A1", "B1", "C1"]
    change = movement(kpis, same, same).set_index("count")
    assert change.loc["kpis", ["now", "previous", "same_now", "same_previous"]].tolist() == [
        3,
        3,
        2,
        2,
    ]
    assert change.loc["Green", ["now", "previous", "change"]].tolist() == [0, 2, -2]
    assert change.loc["Green", ["same_now", "same_previous", "same_change"]].tolist() == [0, 1, -1]


def test_movers_are_those_whose_rating_changed(returns):
    kpis = score(recent_quarters(returns), returns)
    assert movers(kpis)["kpi_id"].tolist() == ["A1", "B1", "B2"]
    assert movers(kpis.assign(previous_rating=kpis["rating"])).empty
