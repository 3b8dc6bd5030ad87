"""What moved and whether it adds up: Kent's two reports by the published counts, a redefinition, and counts that do not."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_tools.loading import load
from kpi_tools.reconciliation import (
    RATINGS,
    came_and_went,
    does_not_add_up,
    rating_matrix,
    rating_pairs,
    reconcile,
    set_changes,
)
from kpi_tools.scorecard import earlier_reports, movement, recent_quarters, score

RAW = Path(__file__).parents[1] / "data" / "raw"


@pytest.fixture(scope="module")
def quarter_3():
    returns = load(RAW, "2024-25 Q3")
    return returns, score(recent_quarters(returns), returns), *earlier_reports(returns)


def test_from_16_printed_and_14_like_for_like_to_17(quarter_3):
    _, kpis, before, same = quarter_3
    steps = reconcile(kpis, before, same)
    assert steps[["kpis", *RATINGS]].to_numpy().tolist() == [
        [40, 16, 15, 8, 1],
        [-2, -2, 0, 0, 0],
        [0, 0, 1, 0, -1],
        [38, 14, 16, 8, 0],
        [0, 3, -4, 1, 0],
        [38, 17, 12, 9, 0],
        [0, 0, 0, 0, 0],
        [38, 17, 12, 9, 0],
    ]
    assert does_not_add_up(steps) == []


def test_the_matrix_has_the_counts_like_for_like_on_its_sides(quarter_3):
    _, kpis, before, same = quarter_3
    table = rating_matrix(rating_pairs(kpis, same)).set_index("before")
    change = movement(kpis, before, same).set_index("count")
    for rating in RATINGS:
        assert table.loc[rating, "Total"] == change.loc[rating, "same_previous"]
        assert table.loc["Total", rating] == change.loc[rating, "same_now"]
    assert table.loc["Total", "Total"] == 38
    assert table.loc["Amber"].tolist() == [4, 10, 2, 0, 16]


def test_who_came_and_who_went_by_name(quarter_3):
    _, kpis, _, same = quarter_3
    moved = came_and_went(rating_pairs(kpis, same)).set_index("rating")
    assert moved.loc["Red", "came"] == [
        "Section 106 developer contributions secured as a percentage of amount sought (from Amber)",
        "Proportion of new Care Needs Assessments delivered within 28 days (from Amber)",
    ]
    assert moved.loc["Red", "went"] == [
        "Percentage of case holding posts filled by permanent qualified social workers (to Amber)"
    ]
    assert [len(moved.loc["Green", side]) for side in ("came", "went")] == [4, 1]


def test_every_change_to_the_set_has_its_reason(quarter_3):
    returns, kpis, before, _ = quarter_3
    found = set_changes(kpis, before, returns).set_index(["kpi_id", "change"])["reason"]
    assert found["ES06", "Removed"] == "Ofsted no longer gives overall judgements of schools."
    assert "ES07" in found.index.get_level_values(0)
    assert found["PH03", "Rated again"].startswith("Quarter 3 2024/25 is rated Amber")
    assert found["ET06", "New target"].startswith(
        "Target 10,797 tonnes CO2e, was 11,197 tonnes CO2e."
    )
    assert len(found) == 4


def test_a_redefinition_and_a_removal_without_a_reason_say_so(quarter_3):
    returns, kpis, before, _ = quarter_3
    log = pd.DataFrame(
        [("CS01", "2024-25 Q3", "redefined", "Counts web chats as well", "final"),
         ("CS02", "2024-25 Q2", "redefined", "of the report before", "final")],
        columns=["kpi_id", "from_quarter", "change", "reason", "status"],
    )  # fmt: skip
    found = set_changes(kpis, before, replace(returns, changelog=log)).set_index(
        ["kpi_id", "change"]
    )["reason"]
    assert found["CS01", "Redefined"] == "Counts web chats as well."
    assert found["ES06", "Removed"] == "No reason is recorded."
    assert ("CS02", "Redefined") not in found.index


def rated(**rags):
    return pd.DataFrame(
        {
            "kpi_id": list(rags),
            "kpi_name": list(rags),
            "section": "S",
            "rating": pd.array(list(rags.values()), dtype="str"),
        }
    )


colours = st.sampled_from(["Green", "Amber", "Red", "Not rated"])
cards = st.dictionaries(st.sampled_from(list("abcdefgh")), colours, max_size=8)


@settings(max_examples=40)
@given(cards, cards, cards)
def test_it_adds_up_whatever_came_went_moved_or_was_restated(now, before, same):
    steps = reconcile(rated(**now), rated(**before), rated(**same))
    assert does_not_add_up(steps) == []
    assert steps.iloc[0]["kpis"] == len(before) and steps.iloc[-1]["kpis"] == len(now)


def test_what_does_not_add_up_is_named(quarter_3):
    _, kpis, before, same = quarter_3
    steps = reconcile(kpis, before, same)
    steps.loc[4, "Green"] = 1
    assert does_not_add_up(steps) == [
        "Moved since the previous quarter: the ratings add up to -2, not to 0 KPIs.",
        "The same KPIs, now: Green is 17, and the rows above lead to 15.",
    ]
    steps.loc[0, "Red"] = 9
    assert (
        does_not_add_up(steps)[0]
        == "Previous report, as printed: the ratings add up to 41, not to 40 KPIs."
    )
