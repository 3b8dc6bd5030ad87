"""Every sentence about the whole set, for none, one, two and many, as a person would have written it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kpi_tools import narrative
from kpi_tools.page.chapters import how_rated
from kpi_tools.quarters import Quarter
from kpi_tools.schemes import parse_schemes
from kpi_tools.scorecard import DEFAULT_COUNCIL
from kpi_tools.scorecard.changes import movement
from kpi_tools.terms import Terms, names

Q3, KENT, TITLE = Quarter(2024, 3), Terms(), "Quarterly Performance Report"


def kpis(ratings: list[str], ways: list[str] | None = None, **columns: Any) -> pd.DataFrame:
    """A scorecard of as many KPIs as there are ratings, in one section."""
    count = len(ratings)
    rows: dict[str, Any] = {"kpi_id": [f"K{place}" for place in range(count)], "section": "S"}
    rows |= {"kpi_name": [f"Number of things {place}" for place in range(count)], "is_due": True}
    rows |= {"direction_of_travel": ways or ["stable or no clear trend"] * count, "rating": ratings}
    rows |= {"previous_rating": ratings, "management_action": "do it", "lag_quarters": 0}
    rows |= {"not_rated_reason": "no figure", "next_due": "2025-26 Q2", "basis": "quarter"}
    return pd.DataFrame(rows | {"kind": "number", "scheme": ""} | columns, index=range(count))


def of(green: int = 0, amber: int = 0, red: int = 0, none: int = 0) -> list[str]:
    return ["Green"] * green + ["Amber"] * amber + ["Red"] * red + ["Not rated"] * none


def test_a_kpi_is_among_the_worst_by_the_bands_of_its_own_scheme():
    """Amber is the last of two bands and the middle one of three."""
    bands = [{"name": "Green", "meets": "target"}, {"name": "Amber"}]
    schemes = parse_schemes({"schemes": {"pair": {"bands": bands}}})
    council = replace(DEFAULT_COUNCIL, schemes=schemes)
    two = kpis(["Amber", "Amber", "Red"], scheme=["", "pair", ""])
    assert narrative.worst_of(two, Terms(council))["kpi_id"].tolist() == ["K1", "K2"]


def test_bands_stand_in_order_whichever_scheme_has_them():
    pair = {"pair": {"bands": [{"name": "Green", "meets": "target"}, {"name": "Red"}]}}
    blue = {"name": "Blue", "meets": "target beyond 5%"}
    bands = [blue, {"name": "Green", "meets": "target"}, {"name": "Red"}]
    schemes = parse_schemes({"bands": bands, "schemes": pair})
    looks = Terms(replace(DEFAULT_COUNCIL, schemes=schemes)).looks
    assert list(looks.items()) == [("Blue", "blue"), ("Green", "green"), ("Red", "red")]


UP, FLAT, DOWN = ["positive"], ["stable or no clear trend"], ["negative"]


def test_the_paragraph_for_the_minutes_as_it_was_published():
    now = kpis(of(15, 15, 8), UP * 7 + FLAT * 19 + DOWN * 12)
    then = kpis(of(16, 11, 11), UP * 4 + FLAT * 24 + DOWN * 10)
    assert narrative.headline(now, then, Quarter(2023, 2), TITLE, KENT) == (
        "Out of the 38 KPIs in the Quarterly Performance Report for Quarter 2 2023/24, 15 achieved or exceeded target (rated "
        "Green), 15 achieved or exceeded the floor standard but did not meet the target (rated Amber) and 8 did not meet the "
        "floor standard (rated Red). The direction of travel analysis indicated a positive trend for seven indicators (three "
        "more than the previous quarter), 19 were stable or with no clear trend (five fewer than the previous quarter) and 12 "
        "were showing a negative trend (two more than the previous quarter)."
    )


@pytest.mark.parametrize(("now", "then", "said"), [
    (kpis(of(1), FLAT), kpis(of(1), UP),
     "Out of the one KPI in the R for Quarter 3 2024/25, 1 achieved or exceeded target (rated Green), 0 achieved or exceeded "
     "the floor standard but did not meet the target (rated Amber) and 0 did not meet the floor standard (rated Red). The "
     "direction of travel analysis indicated a positive trend for no indicator (one fewer than the previous quarter), one "
     "was stable or with no clear trend (one more than the previous quarter) and none was showing a negative trend (the "
     "same number as the previous quarter)."),
    (kpis(of(1, none=1), UP + ["not testable"]), None,
     "Out of the 2 KPIs in the R for Quarter 3 2024/25, 1 achieved or exceeded target (rated Green), 0 achieved or exceeded "
     "the floor standard but did not meet the target (rated Amber), 0 did not meet the floor standard (rated Red) and 1 "
     "could not be rated. The direction of travel analysis indicated a positive trend for one indicator, none was stable or "
     "with no clear trend, none was showing a negative trend and one cannot be tested."),
    (kpis(of(0, 2) + ["Monitored"], FLAT * 2 + ["not enough data"]), None,
     "Out of the 3 KPIs in the R for Quarter 3 2024/25, 0 achieved or exceeded target (rated Green), 2 achieved or exceeded "
     "the floor standard but did not meet the target (rated Amber), 0 did not meet the floor standard (rated Red) and 1 is "
     "monitored only. The direction of travel analysis indicated a positive trend for no indicator, two "
     "were stable or with no clear trend, none was showing a negative trend and one had not enough data to tell."),
])  # fmt: skip
def test_the_paragraph_for_few(now, then, said):
    assert narrative.headline(now, then, Q3, "R", KENT) == said


@pytest.mark.parametrize(("now", "then", "said"), [
    (of(15, 15, 8), of(16, 11, 11),
     "Since Quarter 2 2024/25 the counts went: Green from 16 to 15, Amber from 11 to 15 and Red from 11 to 8. Both reports "
     "have the same 38 KPIs, so this is like for like."),
    (of(1), of(0, 1),
     "Since Quarter 2 2024/25 the counts went: Green from 0 to 1, Amber from 1 to 0 and Red from 0 to 0. Both reports have "
     "the same KPI, so this is like for like."),
    (of(1), of(1, 1),
     "Since Quarter 2 2024/25 the counts went: Green from 1 to 1, Amber from 1 to 0 and Red from 0 to 0. That report had 2 "
     "KPIs and this one has 1. Like for like, on the one KPI that is in both, with the figures known now: Green from 1 to 1, "
     "Amber from 0 to 0 and Red from 0 to 0."),
])  # fmt: skip
def test_the_change_is_said_plainly_and_like_for_like(now, then, said):
    table = movement(kpis(now), kpis(then), kpis(then))
    assert narrative.change_sentence(table, Quarter(2024, 2), KENT) == said


def test_a_first_report_claims_no_change_since_one_that_never_was():
    known = movement(kpis(of(1)), kpis(of(0, 1)), kpis(of(0, 1)))
    assert narrative.change_sentence(known, Quarter(2024, 2), KENT, first=True) == (
        "No report of Quarter 2 2024/25 is held here. By the figures known now the counts went since then: Green from 0 to 1, "
        "Amber from 1 to 0 and Red from 0 to 0."
    )
    unrated = movement(kpis(of(1)), kpis(of(none=1)), kpis(of(none=1)))
    said = narrative.change_sentence(unrated, Quarter(2024, 2), KENT, first=True)
    assert said.endswith("Green from 0 to 1, Amber from 0 to 0 and Red from 0 to 0.")
    nothing = movement(kpis(of(1)), kpis(of()), kpis(of()))
    said = "This is the first report: there is none before it to compare its counts with."
    assert narrative.change_sentence(nothing, Quarter(2024, 2), KENT, first=True) == said


def test_movers_are_counted():
    for count, moved in (
        (0, "No KPI changed its rating since the previous quarter."),
        (1, "One KPI changed its rating since the previous quarter:"),
        (2, "Two KPIs changed their rating since the previous quarter:"),
        (12, "12 KPIs changed their rating since the previous quarter:"),
    ):
        changed = kpis(of(1, red=count), previous_rating=of(1, amber=count))
        assert narrative.movers_sentence(changed, KENT) == moved


def test_the_head_of_the_chapter_of_reds():
    def head(now: pd.DataFrame, then: pd.DataFrame | None) -> str:
        return narrative.actions_sentence(now, then, KENT, "Quarter 2")

    assert head(kpis(of(3)), kpis(of(2, 0, 1))) == "No KPI is rated Red."
    same = "The one KPI is rated Red, the same number as in Quarter 2."
    assert head(kpis(of(red=1)), kpis(of(red=1))) == same
    assert head(kpis(of(1, 0, 1)), None) == "One of the two KPIs is rated Red."
    more = "Two of the three KPIs are rated Red, one more than in Quarter 2."
    assert head(kpis(of(1, 0, 2)), kpis(of(1, 1, 1))) == more


def test_what_lacks_an_action_is_counted():
    def head(reds: int, lacking: int) -> str:
        return narrative.actions_sentence(kpis(of(1, 0, reds)), None, KENT, lacking=lacking)

    two, three = "Two of the three KPIs are rated Red.", "Three of the four KPIs are rated Red."
    none = "No management action has been given for"
    assert head(1, 1) == f"One of the two KPIs is rated Red. {none} it."
    assert head(2, 2) == f"{two} {none} either of them."
    assert head(3, 3) == f"{three} {none} any of them."
    assert head(3, 1) == f"{three} {none} one of them." and head(3, 0) == three


@pytest.mark.parametrize(("ratings", "ways", "said"), [
    ([], [], "No KPI is reported here."),
    (of(1), FLAT, "The one KPI is Green; its direction of travel is stable or without a clear trend."),
    (of(none=1), ["not enough data"], "The one KPI is not rated; its direction of travel is not known."),
    (of(2), UP * 2, "Of two KPIs, both are Green; the direction of travel is positive for both."),
    (of(3), UP + FLAT + DOWN,
     "Of three KPIs, all are Green; the direction of travel is positive for one, stable or without a clear trend for one and "
     "negative for one."),
    (of(2, 0, 1), FLAT * 2 + ["not testable"],
     "Of three KPIs, two are Green and one is Red; the direction of travel is stable or without a clear trend for two and not "
     "known for one."),
    (["Monitored", "Green"], FLAT * 2,
     "Of two KPIs, one is Green and one is monitored only; the direction of travel is stable or without a clear trend for both."),
])  # fmt: skip
def test_a_section_in_one_sentence(ratings, ways, said):
    assert narrative.section_sentence(kpis(ratings, ways), KENT) == said


def chances(*target: float, floor: float = np.nan) -> pd.DataFrame:
    """The lines of so many KPIs with the chance that each is met."""
    lines = [("Green", "target", False, chance) for chance in target]
    lines += [("Amber", "floor standard", True, floor) for _ in target]
    table = pd.DataFrame(lines, columns=["band", "line", "lowest", "next_chance"])
    ids = [f"K{place}" for place in range(len(target))] * 2
    return table.assign(kpi_id=ids, plain=True, earlier=False)


@pytest.mark.parametrize(("expected", "now", "text"), [
    (chances(0.1), of(1), "the one KPI that can be predicted is less likely than not to meet its target"),
    (chances(0.9), of(1), "the one KPI that can be predicted is more likely than not to meet its target"),
    (chances(0.9, 0.1), of(2), "of the two KPIs that can be predicted, one is more likely than not to meet its target"),
    (chances(0.9, 0.8), of(2), "of the two KPIs that can be predicted, two are more likely than not to meet their target"),
])  # fmt: skip
def test_the_outlook_of_the_whole_set(expected, now, text):
    begin, end = "Outlook (a judgement, not a fact): ", " with the next figure, if nothing changes."
    assert narrative.outlook_sentence(expected, kpis(now), KENT) == begin + text + end


def test_the_outlook_counts_the_worst_that_are_to_come_out_of_it():
    for floor, some in ((0.2, "none"), (0.9, "two")):
        said = narrative.outlook_sentence(chances(0.1, 0.2, floor=floor), kpis(of(red=2)), KENT)
        rest = f"and of the two rated Red {some} to reach a better rating, if nothing changes."
        assert said.endswith(
            f"none is more likely than not to meet its target with the next figure, {rest}"
        )
    for worst, who in ((1, ""), (2, " that can be predicted")):
        said = narrative.outlook_sentence(chances(0.1, floor=0.9), kpis(of(red=worst)), KENT)
        rest = f"the one rated Red{who} is more likely than not to reach a better rating, if nothing changes."
        assert said.endswith(f" to meet its target with the next figure, and {rest}")
    none = "No outlook can be given: no KPI has both a line and figures from which a chance can be told."
    assert narrative.outlook_sentence(chances(np.nan), kpis(of(1)), KENT) == none


def test_what_the_figures_rest_on():
    recent = pd.DataFrame({"status": ["final", "final", "provisional"]})
    none = narrative.data_sentences(kpis(of(1)), recent, Q3, KENT)
    assert none[1:] == ["Of the 3 figures shown for KPIs, 2 are final and 1 is provisional."]
    same = narrative.data_sentences(kpis(of(1)), recent.head(2), Q3, KENT)
    assert same[1:] == ["All 2 figures shown for KPIs are final."]
    late = kpis(of(none=1), ["not testable"], lag_quarters=1, is_due=False)
    assert narrative.data_sentences(late, recent.head(1), Q3, KENT)[1:] == [
        "The one figure shown for KPIs is final.",
        "One KPI is reported in arrears: Number of things 0.",
        "One KPI is not rated: Number of things 0 (no figure).",
        "One KPI is not due in this quarter, so the latest figure stands: Number of things 0 (next due Quarter 2 2025/26).",
        "No direction of travel can be given for Number of things 0 (not testable).",
    ]
    beside = Terms(replace(DEFAULT_COUNCIL, arrows=("previous", "trend")))
    untested = kpis(of(1), ["not testable"], arrow="better")
    said = "No trend can be tested for Number of things 0 (not testable)."
    assert narrative.data_sentences(untested, recent, Q3, beside)[-1] == said
    two = "Two KPIs are monitored only and not rated: Number of things 0; Number of things 1."
    assert narrative.data_sentences(kpis(["Monitored"] * 2), recent, Q3, KENT)[-1] == two


def test_two_kpis_of_one_name_are_told_by_their_ids():
    two = kpis(of(2)).assign(kpi_name="Waiting time")
    assert list(names(two).values()) == ["Waiting time (K0)", "Waiting time (K1)"]
    short = kpis(of(2)).assign(short_name=["Waits", None])
    assert list(names(short, short=True).values()) == ["Waits", "Things 1"]


def test_terms_are_the_councils():
    aim, level = {"kpi": "Measure", "target": "Aim"}, {"floor_standard": "Intervention level"}
    terms = Terms(replace(DEFAULT_COUNCIL, words=aim | level | {"section": "Priority"}))
    assert terms.kpis(0) == "no measure" and terms.kpis(2) == "two measures"
    assert terms.word("section", 2) == "priorities" and terms.head("target") == "Aim"
    said = narrative.actions_sentence(kpis(of(1)), None, terms)
    assert said == "No measure is rated Red."


def test_a_two_point_arrow_is_counted_in_its_own_words():
    terms = Terms(replace(DEFAULT_COUNCIL, arrows=("previous", "trend")))
    now = kpis(of(3)).assign(arrow=["better", "worse", "unchanged"])
    text = narrative.headline(now, None, Q3, "R", terms)
    said = "Compared with the previous figure, one was better, one was unchanged and one was worse."
    assert text.endswith(said)
    said = "the direction of travel is better for one, unchanged for one and worse for one."
    assert narrative.section_sentence(now, terms) == f"Of three KPIs, all are Green; {said}"
    lacking = narrative.headline(kpis(of(1)).assign(arrow="not enough data"), None, Q3, "R", terms)
    assert lacking.endswith("and one had nothing to compare.")


def test_the_method_takes_its_numbers_from_the_settings_and_the_data():
    council = replace(DEFAULT_COUNCIL, minimum_points=4, significance=0.025)
    returns: Any = SimpleNamespace(council=council)
    one = kpis(of(1), target=1.0, floor_standard=np.nan)
    said = str(how_rated(returns, one))
    assert "rated by the target of its own period" in said and "floor" not in said
    assert "tested at the 2.5% level; at least four figures are needed" in said
    assert "With one KPI tested, fewer than one arrow a report comes from chance alone." in said
    many = kpis(of(38), target=1.0, floor_standard=1.0)
    returns.council = replace(DEFAULT_COUNCIL, significance=0.05)
    chance = "With 38 KPIs tested, about two arrows a report come from chance alone."
    assert chance in str(how_rated(returns, many))
    returns.council = replace(DEFAULT_COUNCIL, arrows=("previous", "trend", "year_ago"))
    said = " ".join(str(how_rated(returns, many)).split())
    trend = "the trend, a straight line fitted to the figures shown, tested at the 5% level;"
    change = "The direction of travel is the change against the previous figure."
    assert f"{change} Beside it stands {trend}" in said
    assert "Beside it stands the change against the same period last year." in said
