"""The scorecard: which figures are chosen, what counts as previous, what is due when, and counts that add up."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.loading import load
from kpi_tools.page.cards import cards
from kpi_tools.page.chapters import context_of
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.scorecard import (
    counts,
    earlier_reports,
    first_report,
    matrix,
    movers,
    quarter_before,
    rating_history,
    recent_quarters,
    report_tables,
    score,
)
from kpi_tools.scorecard.actions import without_action
from kpi_tools.scorecard.changes import movement, reconcile
from tests.small_council import Figure, make_council

LAST = Quarter(2024, 3)
RATINGS = ["Green", "Amber", "Red", "Not rated"]
KPIS = [
    "kpi_id,kpi_name,section,unit,polarity,basis,lag_quarters,first_quarter,last_quarter",
    "A1,Calls answered,Roads,%,higher,quarter,0,2023-24 Q2,",
    "B1,Waits,Care,%,lower,snapshot,0,2023-24 Q2,",
    "B2,Homes,Care,count,higher,rolling_12_months,1,2024-25 Q3,",
    "C1,Gone,Care,%,higher,quarter,0,2023-24 Q2,2024-25 Q2",
]
TARGETS = [
    "kpi_id,from_quarter,target,floor_standard,status",
    "A1,2023-24 Q1,90,80,final",
    "A1,2024-25 Q3,95,80,final",
    "B1,2023-24 Q1,5,9,final",
    "B2,2023-24 Q1,400,360,illustrative",
    "C1,2023-24 Q1,50,40,final",
]
VALUES = {"A1": [85, 86, 87, 88, 92, 93], "B1": [9.0, 4.0, 8.0, 4.5, 8.5]}
VALUES |= {"B2": [300, 370, 410, 500], "C1": [45, 55, 45, 55, 60, 60]}


def sent(values: dict[str, list[float]], last: Quarter = LAST) -> list[Figure]:
    """Each figure in the returns of its own quarter."""
    return [
        (quarter.label, kpi_id, quarter.label, value)
        for kpi_id, series in values.items()
        for quarter, value in zip(quarter_range(last, 6), series, strict=False)
    ]


@pytest.fixture(scope="module")
def returns(tmp_path_factory):
    words = ["kpi_id,section,commentary,management_action", "A1,,why,do", ",Roads,all,"]
    tables = {"commentary/2024-25-Q3": words}
    return load(make_council(tmp_path_factory.mktemp("raw"), KPIS, sent(VALUES), TARGETS, **tables))


@pytest.fixture(scope="module")
def kpis(returns):
    return score(recent_quarters(returns), returns)


def test_as_many_rows_as_the_window_for_each_kpi_in_the_set_with_gaps_in_place(returns):
    recent = recent_quarters(returns)
    assert recent.groupby("kpi_id", sort=False).size().to_dict() == {"A1": 6, "B1": 6, "B2": 6}
    quarters = recent.groupby("kpi_id")["quarter"].agg(list)
    assert quarters["A1"] == [q.label for q in quarter_range(LAST, 6)]
    assert quarters["B2"] == [q.label for q in quarter_range(LAST.shift(-1), 6)]
    late = recent[recent["kpi_id"] == "B1"].iloc[-1]
    assert (late["status"], late["not_rated_reason"]) == ("not available", "not available")
    assert pd.isna(late["value"]) and late["rating"] == "Not rated"


def test_the_previous_figure_is_rated_by_the_lines_of_its_own_period(kpis):
    row = kpis.set_index("kpi_id").loc["A1"]
    assert row[["value", "target", "rating"]].tolist() == [93, 95, "Amber"]
    previous = ["previous_value", "previous_target", "previous_rating", "previous_quarter"]
    assert row[previous].tolist() == [92, 90, "Green", "2024-25 Q2"]
    assert row[["year_ago_quarter", "year_ago_value"]].tolist() == ["2023-24 Q3", 86]
    assert row[["commentary", "management_action"]].tolist() == ["why", "do"]
    assert kpis.loc[kpis["illustrative"], "kpi_id"].tolist() == ["B2"]


@pytest.mark.parametrize("window", [2, 3, 40])
def test_the_same_quarter_last_year_is_found_by_its_period_in_any_window(returns, kpis, window):
    council = replace(returns.council, window=window)
    found = score(recent_quarters(replace(returns, council=council)), returns)
    names = ["year_ago_quarter", "year_ago_value", "year_ago_status", "previous_rating"]
    pd.testing.assert_frame_equal(found[names], kpis[names])


def test_counts_add_up_and_say_what_is_not_rated(kpis):
    table = matrix(kpis).set_index("section")
    ratings = {"kpis": 3, "Green": 0, "Amber": 1, "Red": 0, "Not rated": 2}
    trends = {"positive": 1, "stable or no clear trend": 1, "negative": 0, "other": 1}
    assert table.loc["Total"].to_dict() == ratings | trends
    assert table.loc["Roads", "kpis"] == 1 and table.loc["Care", "kpis"] == 2
    assert table.iloc[:-1].sum().equals(table.loc["Total"])
    assert counts(kpis.head(0))["kpis"] == 0


def test_plain_and_like_for_like_change_differ_when_the_set_does(returns, kpis):
    same = quarter_before(returns)
    assert same["kpi_id"].tolist() == ["A1", "B1", "C1"]
    change = movement(kpis, same, same).set_index("count")
    sides = ["now", "previous", "same_now", "same_previous"]
    assert change.loc["kpis", sides].tolist() == [3, 3, 2, 2]
    assert change.loc["Green", ["now", "previous", "change"]].tolist() == [0, 2, -2]
    assert change.loc["Green", ["same_now", "same_previous", "same_change"]].tolist() == [0, 1, -1]


def test_movers_are_those_whose_rating_changed(kpis):
    assert movers(kpis)["kpi_id"].tolist() == ["A1", "B1", "B2"]
    assert movers(kpis.assign(previous_rating=kpis["rating"])).empty
    assert movers(kpis.assign(is_due=False)).empty


def test_a_first_report_with_figures_of_its_quarter_alone_has_nothing_to_compare_with(tmp_path):
    raw = make_council(tmp_path, KPIS, [(LAST.label, "A1", LAST.label, 93)], TARGETS)
    returns = load(raw)
    before, same = earlier_reports(returns)
    assert first_report(returns) and before.empty and same.empty
    kpis = score(recent_quarters(returns), returns)
    assert len(rating_history(returns, kpis, before)) == 1
    assert kpis["previous_rating"].isna().all() and movers(kpis).empty


# Due when they are due


YEARLY = [
    "kpi_id,kpi_name,section,unit,polarity,frequency,due,year_ends",
    "AN,Pupils at the expected standard,Roads,%,higher,annual,Q2,08-31",
    "HY,Tenants satisfied,Care,%,higher,half_yearly,Q2;Q4,",
    "QU,Waste recycled,Care,%,higher,quarterly,,",
]
YEARLY_LINES = [
    "kpi_id,from_quarter,target,floor_standard",
    "AN,,50,45",
    "HY,,80,70",
    "QU,,50,45",
    "QU,2024-25 Q1,60,45",
]
AN = {2017: 40, 2018: 42, 2019: 44, 2020: 46, 2021: 47, 2022: 48, 2023: 51}
HY = [70, 72, 71, 74, 75, 77, 78, 79, 81, 82]
REPORTS = [Quarter(2022, 3).shift(step) for step in range(8)]


@pytest.fixture(scope="module")
def yearly(tmp_path_factory):
    """An annual, a half-yearly and a quarterly KPI, each figure sent when it is due, from 2017 to September 2024."""
    figures = [
        # the year that began in September ends in August
        *(("AN", Quarter(year + 1, 2), value) for year, value in AN.items()),
        *(("HY", Quarter(2019, 4).shift(2 * step), value) for step, value in enumerate(HY)),
        *(("QU", quarter, 55) for quarter in quarter_range(REPORTS[-1], 16)),
    ]
    sent = [(quarter.label, kpi, quarter.label, value) for kpi, quarter, value in figures]
    return make_council(tmp_path_factory.mktemp("yearly"), YEARLY, sent, YEARLY_LINES)


def adds_up(steps: pd.DataFrame) -> bool:
    names = ["kpis", *RATINGS]
    at = dict(zip(steps["step"], steps[names].to_numpy(), strict=True))
    moved = at["Moved since the previous quarter"]
    same = at["The same KPIs, previous quarter, as known now"]
    return bool((same + moved == at["The same KPIs, now"]).all())


@pytest.mark.slow
def test_an_annual_and_a_half_yearly_kpi_through_eight_quarterly_reports(yearly):
    ratings: dict[str, list[str]] = {"AN": [], "HY": [], "QU": []}
    for quarter in REPORTS:
        returns = load(yearly, quarter)
        recent = recent_quarters(returns)
        kpis = score(recent, returns)
        before, same = earlier_reports(returns)
        by_id = kpis.set_index("kpi_id")
        assert set(kpis["status"]) == {"final"} and kpis["value"].notna().all()
        due = {"AN": quarter.number == 2, "HY": quarter.number in (2, 4), "QU": True}
        assert by_id["is_due"].to_dict() == due
        assert by_id.loc["AN", "next_due"] == Quarter(quarter.year + (quarter.number >= 2), 2).label
        year = quarter.year - (quarter.number < 2)
        assert by_id.loc["AN", "period"] == f"Academic year {year - 1}/{year % 100}"
        # tested over six due figures, however many quarters lie between them
        if quarter >= Quarter(2023, 2):
            assert by_id.loc["AN", ["points", "direction_of_travel"]].tolist() == [6, "positive"]
        assert by_id.loc["HY", ["points", "direction_of_travel"]].tolist() == [6, "positive"]
        assert adds_up(reconcile(kpis, before, same))
        change = movement(kpis, before, same).set_index("count")["same_change"]
        moved = set(movers(kpis)["kpi_id"])
        for kpi_id in ratings:
            ratings[kpi_id].append(by_id.loc[kpi_id, "rating"])
            if kpi_id in moved:
                assert by_id.loc[kpi_id, "is_due"]
        if not moved:
            assert not change[RATINGS].any()
    assert ratings["AN"] == ["Amber"] * 7 + ["Green"]  # the one figure that changed it came with Q2
    assert ratings["HY"] == ["Amber"] * 5 + ["Green"] * 3
    assert ratings["QU"] == ["Green"] * 6 + ["Amber"] * 2  # a new target


def test_the_standing_figure_is_as_it_was_rated_when_it_came(yearly):
    returns = load(yearly, "2024-25 Q1")
    lines = returns.targets
    lines = lines.assign(target=lines["target"].where(lines["kpi_id"] != "HY", 75))
    raised = replace(returns, targets=lines)
    kpis = score(recent_quarters(raised), raised).set_index("kpi_id")
    assert kpis.loc["HY", ["quarter", "rating"]].tolist() == ["2023-24 Q4", "Green"]


def test_what_is_not_due_may_be_counted_apart_and_keeps_its_rating(yearly):
    returns = load(yearly, "2023-24 Q3")
    apart = replace(returns.council, not_due="apart")
    kpis = score(recent_quarters(returns), returns)
    assert kpis["rating"].tolist() == ["Amber", "Amber", "Green"]
    table = matrix(kpis, apart).set_index("section")
    assert table.loc["Total", ["kpis", "Green", "Amber", "Not due"]].tolist() == [3, 1, 0, 2]
    assert "Not due" not in matrix(kpis, returns.council)
    late = kpis.assign(rating="Not rated", not_rated_reason="not available")
    assert counts(late, apart)["Not rated"] == 3  # late is not the same as not due


def test_a_figure_that_is_late_is_missing_until_it_comes(yearly, tmp_path):
    raw = Path(shutil.copytree(yearly, tmp_path / "raw"))
    due, after = raw / "returns" / "2023-24-Q2", raw / "returns" / "2023-24-Q3"
    (row,) = [one for one in (due / "all.csv").read_text().splitlines() if one.startswith("AN")]
    (due / "all.csv").write_text((due / "all.csv").read_text().replace(row + "\n", ""))
    for quarter, rating in (("2023-24 Q2", "Not rated"), ("2023-24 Q3", "Not rated")):
        returns = load(raw, quarter)
        kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
        assert kpis.loc["AN", ["rating", "status"]].tolist() == [rating, "not available"]
    (after / "late.csv").write_text(f"kpi_id,period,value\n{row}\n")
    returns = load(raw, "2023-24 Q3")
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    assert kpis.loc["AN", ["rating", "value"]].tolist() == ["Amber", 48]


# The council's bands


def test_bands_of_each_scheme_are_counted_and_the_last_of_each_asks_for_an_action(tmp_path):
    settings = """
[rating]
bands = [
  { name = "Blue", meets = "target beyond 10%", colour = "blue" },
  { name = "Green", meets = "target" },
  { name = "Red" },
]
[rating.schemes.tolerant]
bands = [
  { name = "Green", meets = "target within 5%" },
  { name = "Behind", colour = "grey" },
]
"""
    lines = [
        "kpi_id,kpi_name,section,unit,polarity,rated,scheme",
        *(f"K{n},Name {n},Roads,%,higher,yes," for n in range(4)),
        *(f"T{n},Tolerant {n},Care,%,higher,yes,tolerant" for n in range(2)),
        "M,Watched,Care,count,none,no,",
    ]
    values = {"K0": 60, "K1": 50, "K2": 49, "T0": 48, "T1": 40, "M": 7}
    targets = ["kpi_id,target", *(f"{kpi},50" for kpi in ("K0", "K1", "K2", "K3", "T0", "T1"))]
    sent_now = [(LAST.label, kpi, LAST.label, value) for kpi, value in values.items()]
    returns = load(make_council(tmp_path, lines, sent_now, targets, settings))
    kpis = score(recent_quarters(returns), returns)
    total = matrix(kpis, returns.council).set_index("section").loc["Total"]
    expected = {"kpis": 7, "Blue": 1, "Green": 2, "Red": 1, "Behind": 1}
    expected |= {"Not rated": 1, "Monitored": 1}
    trends = ["positive", "stable or no clear trend", "negative", "other"]
    assert total.drop(trends).to_dict() == expected
    assert without_action(kpis, returns)["kpi_id"].tolist() == ["K2", "T1"]
    table = matrix(kpis, returns.council).drop(columns=["section", *trends])
    assert (table.drop(columns="kpis").sum(axis=1) == table["kpis"]).all()


# Redefinitions


def test_nothing_is_tested_or_compared_across_a_redefinition(tmp_path):
    """Level at about 50, then at about 80 by another definition: three figures are not enough, and not a rise of 31 a year."""
    values = [50, 51, 50, 51, 50.5, 80, 81, 80.5]
    first = LAST.shift(-7)
    sent_now = [
        (report, "A1", first.shift(step).label, value)
        for report, count in (("2023-24 Q4", 5), ("2024-25 Q3", 8))
        for step, value in enumerate(values[:count])
    ]
    changes = ["kpi_id,from_quarter,change,reason", "A1,2024-25 Q1,redefined,Appointments kept"]
    raw = make_council(tmp_path, KPIS[:2], sent_now, TARGETS[:2], changes=changes)
    returns = load(raw)
    recent = recent_quarters(returns)
    kpis = score(recent, returns)
    row = kpis.iloc[0]
    assert (row["direction_of_travel"], row["points"]) == ("not enough data", 3)
    said = (
        "New definition from Quarter 1 2024/25: Appointments kept. Earlier figures are not compared"
    )
    assert said in str(cards(kpis, recent, context_of(kpis, recent, returns)))
    assert recent["series_from"].fillna("").tolist() == ["", "", "", *["2024-25 Q1"] * 3]
    assert recent["previous"].fillna(0).tolist() == [51, 50, 51, 0, 80, 81]
    assert row["year_ago_value"] == 51 and not row["year_ago_comparable"]
    assert row["previous_comparable"] and pd.isna(row["same_quarter_last_year"])
    earlier = load(raw, "2023-24 Q4")
    assert score(recent_quarters(earlier), earlier).iloc[0]["points"] == 5


def test_the_tables_of_a_report(returns, kpis):
    tables = report_tables(returns)
    assert list(tables) == ["KPIs", "Quarters", "Counts"]
    pd.testing.assert_frame_equal(tables["KPIs"], kpis)
