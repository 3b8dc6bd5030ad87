"""What changed since the previous report: it adds up, and a figure changed later leaves the earlier report as it was."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.checks.tables import sent_again
from kpi_tools.cli import main
from kpi_tools.loading import Returns, load
from kpi_tools.page import chapters
from kpi_tools.page.changes import changes
from kpi_tools.page.summary import summary
from kpi_tools.scorecard import (
    earlier_reports,
    quarter_before,
    recent_quarters,
    report_tables,
    score,
)
from kpi_tools.scorecard.changes import (
    issue_changes,
    movement,
    rating_matrix,
    rating_pairs,
    reconcile,
    restatements,
    sent_before,
    set_changes,
)
from tests import kent
from tests.kent import RAW
from tests.small_council import append, make_council

RATINGS = ["Green", "Amber", "Red", "Not rated"]


# The way from the previous counts to these


@pytest.fixture(scope="module")
def quarter_3():
    return kent.returns(), kent.scorecard(), *kent.earlier()


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
    assert adds_up(steps)


def test_the_matrix_has_the_counts_like_for_like_on_its_sides(quarter_3):
    _, kpis, before, same = quarter_3
    table = rating_matrix(rating_pairs(kpis, same)).set_index("before")
    change = movement(kpis, before, same).set_index("count")
    assert table.columns.tolist() == [*RATINGS[:3], "Total"]  # none is or was without a rating
    for rating in RATINGS[:3]:
        assert table.loc[rating, "Total"] == change.loc[rating, "same_previous"]
        assert table.loc["Total", rating] == change.loc[rating, "same_now"]
    assert table.loc["Total", "Total"] == 38
    assert table.loc["Amber"].tolist() == [4, 10, 2, 16]


def test_every_change_to_the_set_has_its_reason(quarter_3):
    returns, kpis, before, _ = quarter_3
    found = set_changes(kpis, before, returns).set_index(["kpi_id", "change"])["reason"]
    assert found["ES06", "Removed"] == "Ofsted no longer gives overall judgements of schools."
    assert "ES07" in found.index.get_level_values(0)
    assert found["PH03", "Rated again"].startswith("Quarter 3 2024/25 is rated Amber")
    lines = "Target 10,797 tonnes CO2e, was 11,197 tonnes CO2e."
    assert found["ET06", "New target"].startswith(lines)
    assert len(found) == 4


def test_a_redefinition_and_a_removal_without_a_reason_say_so(quarter_3):
    returns, kpis, before, _ = quarter_3
    log = {"kpi_id": ["CS01", "CS02"], "from_quarter": ["2024-25 Q3", "2024-25 Q2"]}
    log |= {"change": "redefined", "reason": "Counts web chats as well", "status": "final"}
    known = replace(returns, changelog=pd.DataFrame(log))
    found = set_changes(kpis, before, known).set_index(["kpi_id", "change"])["reason"]
    assert found["CS01", "Redefined"] == "Counts web chats as well."
    assert found["ES06", "Removed"] == "No reason is recorded."
    assert ("CS02", "Redefined") not in found.index


def adds_up(steps: pd.DataFrame) -> bool:
    """Whether each row of counts is where the rows above lead, and its ratings are as many as its KPIs."""
    columns = ["kpis", *RATINGS]
    running = None
    for _, row in steps.iterrows():
        here = row[columns].astype(int)
        if row["kind"] == "change":
            running = running + here
        elif (
            running is not None and not here.equals(running) or here["kpis"] != here[RATINGS].sum()
        ):
            return False
        else:
            running = here
    return True


def rated(**rags):
    ratings = pd.array(list(rags.values()), dtype="str")
    return pd.DataFrame({"kpi_id": [*rags], "kpi_name": [*rags], "section": "S", "rating": ratings})


colours = st.sampled_from(["Green", "Amber", "Red", "Not rated"])
cards = st.dictionaries(st.sampled_from(list("abcdefgh")), colours, max_size=8)


@given(cards, cards, cards)
def test_it_adds_up_whatever_came_went_moved_or_was_restated(now, before, same):
    steps = reconcile(rated(**now), rated(**before), rated(**same))
    assert adds_up(steps)
    assert steps.iloc[0]["kpis"] == len(before) and steps.iloc[-1]["kpis"] == len(now)


# Figures published before


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The data with CS01 of June 2024 restated in the folder of Quarter 3."""
    raw = Path(shutil.copytree(RAW, tmp_path_factory.mktemp("restated") / "raw"))
    row = ["CS01", "2024-25 Q1", "88", "", "", "final", "Survey answers of May were counted twice"]
    append(raw / "returns" / "2024-25-Q3" / "chief-executives.csv", row)
    return raw


def restated(quarter: str = "2024-25 Q3", raw: Path = RAW) -> pd.DataFrame:
    """Against the previous report's scorecard, and that of its quarter as known now."""
    return restatements(kent.returns(quarter, raw), *kent.earlier(quarter, raw))


def chapter(quarter: str = "2024-25 Q3", raw: Path = RAW) -> str:
    kpis, before, same = kent.scorecard(quarter, raw), *kent.earlier(quarter, raw)
    moved = movement(kpis, before, same)
    return str(changes(kpis, before, same, moved, kent.returns(quarter, raw)))


def page(returns: Returns) -> str:
    """The chapters of the report, with the cards of the section in which the figure was changed."""
    returns = replace(returns, council=replace(returns.council, sections=("Customer Services",)))
    recent = recent_quarters(returns)
    kpis, before = score(recent, returns), earlier_reports(returns)[0]
    moved = movement(kpis, before, quarter_before(returns))
    pieces = (
        summary(kpis, before, moved, recent, returns),
        chapters.reds(kpis, before, recent, returns),
        chapters.sections(kpis, recent, returns),
        changes(kpis, before, quarter_before(returns), moved, returns),
    )
    return "".join(map(str, pieces))


@pytest.mark.slow
def test_the_earlier_report_stays_as_it_was_to_the_byte(changed):
    plain, later = (kent.returns("2024-25 Q2", raw) for raw in (RAW, changed))
    assert page(later).encode() == page(plain).encode()
    for name, table in report_tables(plain).items():
        pd.testing.assert_frame_equal(table, report_tables(later)[name])


def test_the_later_report_shows_the_restatement_with_its_effect(changed):
    found = restated(raw=changed)
    new = found[~found["kpi_id"].isin(restated()["kpi_id"])].iloc[0]
    assert new[["kpi_id", "quarter", "old", "new"]].tolist() == ["CS01", "2024-25 Q1", "98%", "88%"]
    assert new[["old_rating", "new_rating", "received"]].tolist() == ["Green", "Red", "2024-25 Q3"]
    assert new["reason"] == "Survey answers of May were counted twice"
    told = chapter(raw=changed)
    for said in ("88%", "Green, now Red", "Survey answers of May were counted twice"):
        assert said in told
    assert "Survey answers" not in chapter()


def test_what_was_filled_in_or_replaced_in_quarter_3():
    found, names = restated().set_index(["kpi_id", "quarter"]), ["old", "new"]
    names += ["old_rating", "new_rating"]
    changed, late = found.loc[("PH02", "2023-24 Q3")], found.loc[("PH03", "2024-25 Q2")]
    assert changed[names].tolist() == ["66,971", "67,011", "Amber", "Amber"]
    assert late[names].tolist() == ["not available", "65%", "Not rated", "Amber"]
    assert late[["old_direction", "new_direction"]].tolist() == ["not enough data", "negative"]
    assert len(found) == 3


def test_the_first_report_has_nothing_to_compare():
    assert restated("2023-24 Q2").empty
    assert "No earlier returns are held here" in chapter("2023-24 Q2")


def test_a_quarter_without_returns_made_no_report(tmp_path):
    """Nothing came in Quarter 2: no counts of that quarter were ever printed."""
    came = [("2024-25-Q1", "A", "2024-25 Q1", 52), ("2024-25-Q3", "A", "2024-25 Q1", 46)]
    now = [("2024-25-Q3", "A", "2024-25 Q2", 49), ("2024-25-Q3", "A", "2024-25 Q3", 53)]
    returns = load(make_council(tmp_path, [{"kpi_id": "A"}], [*came, *now]))
    recent = recent_quarters(returns)
    kpis, (before, same) = score(recent, returns), earlier_reports(returns)
    moved = movement(kpis, before, same)
    page = str(changes(kpis, before, same, moved, returns))
    assert "as printed" not in page and "Previous report<" not in page
    assert "is not what it was in the report of Quarter 1 2024/25." in page
    told = str(summary(kpis, before, moved, recent, returns))
    assert "No report of Quarter 2 2024/25 is held here." in told


def test_what_differs_between_two_issues():
    found = issue_changes(kent.returns("2024-25 Q2"), kent.returns())
    assert list(found) == ["Figures restated", "Ratings", "Commentary", "Management action"]
    ratings = found["Ratings"].set_index("kpi_id")
    assert ratings.loc["ED02", ["before", "now"]].tolist() == ["Amber", "Red"]
    assert ratings.loc["ES06", "now"] == "not in this report"
    assert ratings.loc["PH03", ["before", "now"]].tolist() == ["Not rated", "Amber"]
    words = found["Commentary"].set_index("kpi_id")["now"]
    assert words["CS02"].startswith("The answer rate rose from 89% to 94%, above its target of 90%")
    assert set(words.index) >= {"CS03", "ES03", "PH03"} and "CS01" not in words.index


def test_the_command_lists_them(capsys):
    assert main(["changes", "2024-25 Q3", "Q2 2024/25"]) == 0
    told = capsys.readouterr().out
    head = "From the report of Quarter 2 2024/25 to that of Quarter 3 2024/25\n\n"
    assert told.startswith(f"{head}Figures restated: 3\n")
    assert "  ED02   Amber              → Red " in told
    assert "Is: The answer rate rose from 89% to 94%" in " ".join(told.split())


def test_the_same_figure_written_otherwise_is_no_restatement(tmp_path):
    """A return that holds an old quarter again, rounded: 80.9 became 81."""
    raw = Path(shutil.copytree(RAW, tmp_path / "raw"))
    file = raw / "returns" / "2024-25-Q3" / "again.csv"
    old = kent.returns("2024-25 Q2").figures
    old = old[(old["quarter"] == "2024-25 Q2") & old["value"].notna()].set_index("kpi_id")["value"]
    rounded = {kpi: round(value) for kpi, value in old.items() if value != round(value)}
    assert len(rounded) > 3
    rows = [f"{kpi},2024-25 Q2,{value}" for kpi, value in rounded.items()]
    file.write_text("\n".join(["kpi_id,period,value", *rows]) + "\n")
    found = restated(raw=raw).set_index(["kpi_id", "quarter"])["kind"]
    again = [(kpi, "2024-25 Q2") for kpi in rounded]
    assert set(found.loc[again]) == {"written otherwise"}
    assert found["PH03", "2024-25 Q2"] == "filled in"
    assert found["PH02", "2023-24 Q3"] == "restated"
    again = sent_before(kent.returns(raw=raw)).groupby("file")["same"].agg(["all", "size"])
    assert again[again["all"]]["size"].to_dict() == {"returns/2024-25-Q3/again.csv": len(rounded)}


def test_a_return_of_all_quarters_with_rounded_figures_is_named(tmp_path):
    """The file holds this quarter's figure too, so it is not merely an old one again."""
    came = [("2024-25-Q2", "A", "2024-25 Q1", 80.9), ("2024-25-Q2", "A", "2024-25 Q2", 82.4)]
    now = [("A", "2024-25 Q1", 81), ("A", "2024-25 Q2", 82.4), ("A", "2024-25 Q3", 83)]
    sent = [*came, *(("2024-25-Q3", *one) for one in now)]
    returns = load(make_council(tmp_path, [{"kpi_id": "A"}], sent))
    known = sent_before(returns)
    assert known["same"].tolist() == [True, True, False]
    rounded = known.loc[known["rounded"], ["period", "old", "new"]]
    assert rounded.values.tolist() == [["2024-25 Q1", 80.9, 81.0]]
    (found,) = sent_again(returns)
    before = "One of its figures had been received before, with more decimals: "
    assert found.code == "sent-rounded"
    assert found.finding == f"{before}A of 2024-25 Q1 was 80.9 and is 81."


def test_a_return_with_a_new_figure_is_not_returned_again():
    known = sent_before(kent.returns())
    assert not known.groupby("file")["same"].all().any() and not known["rounded"].any()
