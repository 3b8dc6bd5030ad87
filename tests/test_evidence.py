"""Everything that the rules say of a KPI, from the right series."""

import math
from dataclasses import replace

import lxml.html
import pandas as pd
import pytest

from kpi_tools.explorer.evidence import commentary_so_far, evidence
from kpi_tools.explorer.views import view
from kpi_tools.loading import load
from kpi_tools.page.chapters import at_a_glance
from kpi_tools.quarters import quarter_range
from kpi_tools.scorecard import recent_quarters, score
from kpi_tools.vocabulary import NOT_REPORTED
from tests import kent
from tests.small_council import make_council
from tests.spc_by_hand import limits as limits_by_hand


def test_every_kpi_in_force_is_there_once_in_order_of_consequence():
    known = kent.everything()
    assert len(known.kpis) == known.kpis["kpi_id"].nunique() == 38
    assert known.kpis["consequence"].iloc[0] == "Red and getting worse" and known.doubts.empty
    assert set(known.kpis["kpi_id"]) == set(known.points["kpi_id"]) == set(known.outlooks["kpi_id"])
    reasons = "lagged|Not flagged|Not judged|No figure|Not charted"
    assert known.points["why"].str.contains(reasons).all()


def test_one_kpi_alone_gets_the_same_answers_as_among_all():
    among = kent.everything()
    columns = ["kpi_id", "period", "value", "lower_limit", "upper_limit", "rule", "why", "rating"]
    alone = kent.known("PH03").of("points", "PH03")
    pd.testing.assert_frame_equal(alone[columns], among.of("points", "PH03")[columns])


def test_older_quarters_stand_before_those_of_the_report_and_are_rated():
    quarters = kent.known("CS01").of("quarters", "CS01")
    assert quarters["period_end"].is_monotonic_increasing
    assert quarters["quarter"].iloc[-1] == "2024-25 Q3"
    assert len(quarters) > 6
    assert quarters["rating"].ne("Not rated").all()


def test_limits_use_months_where_there_are_enough():
    values = [60 + (month % 4) for month in range(12)]
    known = kent.with_months(values)
    points = known.of("points", "ES01")
    mean, half = limits_by_hand(values)
    bounds = points[["lower_limit", "upper_limit"]].iloc[-1].tolist()
    assert bounds == pytest.approx([mean - half, mean + half])
    assert set(points["series"]) == {"months"}
    assert points["period"].tolist()[0::11] == ["2024-01", "2024-12"]
    assert set(points["overlap"]) == {1}, "a month's own figure shares nothing with its neighbour"
    assert points["rating"].eq("Not rated").all()
    assert set(kent.with_months(values[:7]).of("points", "ES01")["series"]) == {"quarters"}


def test_a_missing_month_is_a_hole_and_a_missing_last_month_is_not_reported():
    values = [60.0, 61, 62, math.nan, 60, 61, 62, 63, 60, 61, 62, math.nan]
    known = kent.with_months(values)
    points = known.of("points", "ES01")
    assert points["value"].isna().tolist() == [value != value for value in values]
    assert known.kpi("ES01")["variation"] == NOT_REPORTED
    assert not points.loc[points["value"].isna(), "special_cause"].notna().any()


def test_an_agreed_rebase_makes_new_limits_and_stands_below_the_chart():
    row = {"kpi_id": "CS01", "first_period": "2024-04", "date": "2024-04-01", "from_quarter": None}
    row |= {"reason": "New telephone system.", "name": "Head of Service", "status": "illustrative"}
    known = evidence(replace(kent.returns(), rebases=pd.DataFrame([row])), {"CS01"})
    points = known.of("points", "CS01")
    first = points["baseline"].tolist().index(2)
    assert points["period"][first] == "2024-25 Q1"
    assert points["mean"].iloc[-1] == pytest.approx(points["value"][first:].mean())
    shown = view("limits", known, "CS01")
    anew = "The limits are made anew from April 2024: New telephone system."
    assert f"{anew} Agreed by: Head of Service (illustrative)." in shown.notes
    assert "New limits" in shown.picture.svg("x", "Title", "Text")


@pytest.mark.parametrize(("date", "where"), [
    ("2030-01-01", "January 2030 (New) lies after the last"),
    ("2000-01-01", "January 2000 (New) lies before the second"),
])  # fmt: skip
def test_a_rebase_that_changes_nothing_says_so(date, where):
    row = {"kpi_id": "CS01", "first_period": "", "date": date, "from_quarter": None}
    row |= {"reason": "New.", "name": "Head", "status": "final"}
    known = evidence(replace(kent.returns(), rebases=pd.DataFrame([row])), {"CS01"})
    said = f"The rebase of {where} figure, so it changes nothing."
    assert known.rebases["sentence"].tolist() == [said]


def test_the_council_says_which_rules_it_uses():
    council = replace(kent.returns().council, screening=False, profile="mdc")
    few = set(kent.everything().kpis["kpi_id"].head(12))
    plain = evidence(kent.returns(), few).points
    other = evidence(replace(kent.returns(), council=council), few).points
    # without screening limits only get wider
    assert (other["upper_limit"] >= plain["upper_limit"] - 1e-9).all()
    assert (other["upper_limit"] > plain["upper_limit"] + 1e-9).any()


def test_by_setting_the_report_says_at_a_glance_what_the_explorer_says_of_variation():
    figures = kent.returns().figures
    slip = (figures["kpi_id"] == "CS02") & (figures["quarter"] == "2024-25 Q3")
    slipped = figures.assign(value=figures["value"].mask(slip, 9.4))
    slipped["numerator"] = slipped["numerator"].mask(slip)
    known = evidence(replace(kent.returns(), figures=slipped))
    assert known.kpi("CS02")["variation"] == "not judged"
    recent = recent_quarters(known.returns)
    kpis = score(recent, known.returns)
    plain = str(at_a_glance(kpis, recent, known.returns))
    marked = replace(known.returns, council=replace(known.returns.council, marks=True))
    rows = lxml.html.fromstring(str(at_a_glance(kpis, recent, marked))).xpath("//tr[td]")
    assert "Variation" not in plain and len(rows) == len(kpis) == 38
    for row in rows:
        kpi = known.kpi(row.xpath(".//span[@class='kpi-id']")[0].text)
        *_, cell = row.xpath("td")
        said = cell.text_content()
        assert kpi["variation"] in said
        drawn = [mark.get("aria-label") for mark in cell.xpath(".//*[local-name() = 'svg']")]
        assert all(word in said for word in drawn)
        assert bool(drawn) == (kpi["kpi_id"] != "CS02")


def test_tokens_in_earlier_commentary_have_the_figures_of_their_own_report():
    known = commentary_so_far(kent.everything(), kent.commentary())
    said = known.set_index(["kpi_id", "quarter"])["commentary"]
    fell = "so the answer rate fell from 91% to 88% and the KPI is rated Amber"
    assert fell in said["CS02", "2023-24 Q2"]
    assert "still holds the quarters" in said["ES01", "2024-25 Q3"]
    assert "(813 of 2,421 plans)" in said["ES01", "2024-25 Q3"]


def test_months_tell_the_quarters_that_leave_a_rolling_figure():
    """Three months of 10 of 20 make the quarter to December 30 of 60; the rolling figures give what is between."""
    known = kent.known("ES01")
    row = known.returns.months[known.returns.months["kpi_id"] == "ES01"].iloc[[-1]]
    three = pd.concat([row] * 3, ignore_index=True).assign(
        value=50.0,
        numerator=10.0,
        denominator=20.0,
        month=["2024-10", "2024-11", "2024-12"],
        period_end=pd.to_datetime(["2024-10-31", "2024-11-30", "2024-12-31"]),
    )
    changed = replace(known, returns=replace(known.returns, months=three))
    alone = changed.of("alone", "ES01").iloc[-1]
    names = ["in_period_numerator", "in_period_denominator", "in_period_value"]
    assert alone[names].tolist() == [30, 60, 50]
    two = replace(known, returns=replace(known.returns, months=three.head(2)))
    assert math.isnan(two.of("alone", "ES01").iloc[-1]["in_period_value"])


def test_figures_older_than_those_shown_are_rated_against_the_figures_before_them(tmp_path):
    """Eight quarters, of which the report shows the last six; the first has none before it."""
    quarters = [one.label for one in quarter_range(kent.QUARTER, 8)]
    values = [60, 70, 65, 66, 70, 69, 70, 71]
    figures = [("2024-25 Q3", "P1", *one) for one in zip(quarters, values, strict=True)]
    green, red = (f'{{ name = "{name}", colour = "{name.lower()}"' for name in ("Green", "Red"))
    settings = f'[rating]\nbands = [{green}, meets = "previous" }}, {red} }}]\n'
    raw = make_council(tmp_path, [{"kpi_id": "P1"}], figures, settings=settings)
    known = evidence(load(raw, "2024-25 Q3"))
    ratings = ["Not rated", "Green", "Red", "Green", "Green", "Red", "Green", "Green"]
    assert known.of("quarters", "P1")["rating"].tolist() == ratings
