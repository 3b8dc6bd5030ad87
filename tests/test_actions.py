"""Actions through three quarters: opened, overdue, done; each of the previous report is accounted for, by the same id."""

from types import SimpleNamespace

import pandas as pd

from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.scorecard import DEFAULT_COUNCIL
from kpi_tools.scorecard.actions import BECAME, followed, in_report, without_action

COLUMNS = [
    *("action_id", "kpi_id", "section", "action", "owner"),
    *("opened", "due", "status", "from_quarter", "note"),
]
ROWS = [
    ("A-1", "K1", None, "Cameras", "Head", None, "2025-06-30", "open", "2024-25 Q4", None),
    ("A-2", "K2", None, "Call back", "Head", None, "2025-05-31", "open", "2024-25 Q4", None),
    ("A-2", "K2", None, "Call back", "Head", None, "2025-05-31", "done", "2025-26 Q1", "In use"),
    ("A-1", "K1", None, "Cameras", "Head", None, "2025-09-30", "open", "2025-26 Q2", "Put off"),
    ("A-3", None, "Homes", "A board", "Head", "2025-26 Q1", None, "open", "2025-26 Q1", None),
    ("A-3", None, "Homes", "A board", "Head", "2025-26 Q1", None, "stopped", "2025-26 Q3", None),
    ("A-2", "K2", None, "Call back", "Head", None, "2025-12-31", "open", "2025-26 Q3", "Again"),
]


def at(quarter: str) -> SimpleNamespace:
    """What is known of the actions at a report."""
    rows = [row for row in ROWS if row[COLUMNS.index("from_quarter")] <= quarter]
    catalogue = pd.DataFrame({"kpi_id": ["K1", "K2"], "section": ["Roads", "Calls"]})
    actions = pd.DataFrame(rows, columns=COLUMNS)
    known = {"actions": actions, "catalogue": catalogue, "council": DEFAULT_COUNCIL}
    return SimpleNamespace(quarter=Quarter.parse(quarter), **known)


def told(quarter: str) -> str:
    """What each action became, "!" where it is overdue, and for how many quarters it was open."""
    return ", ".join(
        f"{row.action_id} {row.became}{'!' * row.overdue} {row.open_quarters}"
        for row in in_report(followed(at(quarter))).itertuples()
    )


def test_opened_overdue_done_and_opened_again():
    assert told("2024-25 Q4") == "A-1 new 0, A-2 new 0"
    # on its very day an action is not overdue
    assert told("2025-26 Q1") == "A-1 still open 1, A-2 done 1, A-3 new 0"
    assert told("2025-26 Q2") == "A-1 still open 2, A-3 still open 1"
    assert told("2025-26 Q3") == "A-1 now overdue! 3, A-2 opened again 3, A-3 stopped 2"
    assert told("2025-26 Q4") == "A-1 still overdue! 4, A-2 now overdue! 4"
    assert told("2020-21 Q1") == "" and followed(at("2020-21 Q1")).empty
    # an action stands in the section of its KPI, or in its own
    assert followed(at("2025-26 Q1"))["section"].tolist() == ["Roads", "Calls", "Homes"]


def test_a_date_that_was_put_off_is_known():
    table = followed(at("2025-26 Q2")).set_index("action_id")
    assert table.loc["A-1", ["due", "previous_due"]].tolist() == ["2025-09-30", "2025-06-30"]
    assert followed(at("2025-26 Q3")).set_index("action_id").loc["A-1"].isna()["previous_due"]


def test_each_action_of_the_previous_report_is_accounted_for():
    for quarter in quarter_range(Quarter(2026, 1), 5):
        before = followed(at(quarter.shift(-1).label))
        left_open = set(before.loc[before["status"] == "open", "action_id"])
        now = in_report(followed(at(quarter.label)))
        assert left_open <= set(now["action_id"]) and set(now["became"]) <= set(BECAME)


def test_a_red_is_answered_by_an_open_action_or_by_the_commentary():
    kpis = pd.DataFrame({"kpi_id": ["K1", "K2", "K3", "K4"], "scheme": ""})
    kpis["rating"] = ["Red", "Red", "Red", "Amber"]
    kpis["management_action"] = [None, None, "Two posts", None]
    assert without_action(kpis, at("2024-25 Q4"))["kpi_id"].tolist() == []
    assert without_action(kpis, at("2025-26 Q1"))["kpi_id"].tolist() == ["K2"]
