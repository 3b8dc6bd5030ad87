"""What if: the answers are those of the rules, worked out by hand here; what is so stays so."""

import pytest

from kpi_tools.errors import InputError
from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.whatif import what_if
from kpi_tools.loading import load
from tests import kent
from tests.small_council import make_council


def said(kpi_id: str, **supposed: float) -> str:
    return " ".join(what_if(kent.known(kpi_id), kpi_id, supposed)["sentences"])


def test_another_target_is_rated_and_reached_by_the_same_rules():
    """34% misses 55% and 70%. 70% of 2,421 is 1,694.7: with a quarter of 813 left, three quarters at x% of 605.25 each
    give 203.25 + 18.1575 x = 1,694.7, so x = 82.1, which only 83 suffices for."""
    text = said("ES01", target=70)
    against = "Against a target of 70% and floor standard of 55%"
    assert f"{against} the latest 34% is Red, as it is." in text
    assert "it needs 83% in each of the next three quarters to reach the target." in text
    assert "the latest 34% is Green (it is Red)." in said("ES01", target=30, floor_standard=20)


def test_the_next_quarter_alone_moves_the_rolling_figure_by_its_cases():
    """813 - 203.25 + 0.9 * 605.25 = 1,154.475 of 2,421 is 47.7%: below 55%."""
    text = said("ES01", alone=90)
    alone = "At 90% in Quarter 4 2024/25 alone the rolling figure comes to 48%"
    assert f"{alone}: it would be Red, as it is." in text


def test_a_next_figure_has_its_rating_and_its_chance():
    assert said("IC05", next=760) == (
        "A figure of 760 in Quarter 4 2024/25 would be Green (it is Red). "
        "As things are, the chance of a figure so good or better is under 1%."
    )


def test_a_next_figure_is_that_of_the_next_quarter_in_which_the_kpi_is_due():
    """Of the borough's KPIs CG4 is due in September and March, CG1 each September for the year to March."""
    borough = evidence(kent.returns("2025-26 Q2", kent.BOROUGH), {"CG1", "CG4"})
    expected = borough.of("outlooks", "CG4").iloc[0]
    answer = what_if(borough, "CG4", {"next": 77})
    slider = next(one for one in answer["sliders"] if one["name"] == "next")
    assert slider["label"] == expected["next_quarter"].replace("2025-26 Q4", "Quarter 4 2025/26")
    assert slider["so"] == round(expected["next_expected"])
    assert "A figure of 77% in Quarter 4 2025/26 would be Green" in " ".join(answer["sentences"])
    year = " ".join(what_if(borough, "CG1", {"next": 57.6})["sentences"])
    assert "A figure of 57.6% in Quarter 4 2025/26 would be Green" in year


@pytest.mark.parametrize(
    ("line", "value", "rating"),
    [
        ("previous", 74, "Red"),  # the latest is 80, that before 70
        ("previous", 80, "Green"),
        (
            "same_quarter_last_year",
            88,
            "Red",
        ),  # a year before the next it was 90, before the latest 60
        ("same_quarter_last_year", 90, "Green"),
    ],
)
def test_a_next_figure_is_held_against_the_figures_before_it(tmp_path, line, value, rating):
    quarters = ["2023-24 Q3", "2023-24 Q4", "2024-25 Q1", "2024-25 Q2", "2024-25 Q3"]
    figures = [
        ("2024-25 Q3", "P1", *one) for one in zip(quarters, [60, 90, 65, 70, 80], strict=True)
    ]
    settings = f"""[rating]
bands = [{{ name = "Green", meets = "{line}", colour = "green" }}, {{ name = "Red", colour = "red" }}]
"""
    raw = make_council(tmp_path, [{"kpi_id": "P1"}], figures, settings=settings)
    known = evidence(load(raw, "2024-25 Q3"))
    text = " ".join(what_if(known, "P1", {"next": value})["sentences"])
    assert f"A figure of {value}% in Quarter 4 2024/25 would be {rating}" in text


def test_of_a_kpi_that_leaves_the_report_no_next_figure_is_supposed():
    leaving = kent.with_figures([90.0, 91, 92], last_quarter=kent.QUARTER.label)
    names = [one["name"] for one in what_if(leaving, "CS01", {})["sliders"]]
    assert names == ["target", "floor_standard"]
    with pytest.raises(InputError, match="No further figure of CS01 is due."):
        what_if(leaving, "CS01", {"next": 93})


def test_a_floor_beyond_its_target_is_refused_in_words():
    assert said("ES01", target=50, floor_standard=55) == (
        "The floor standard (55%) lies beyond the target (50%): one has to move."
    )


def test_nothing_supposed_says_what_is_so_and_the_sliders_stand_there():
    answer = what_if(kent.known("ES01"), "ES01", {})
    assert answer["sentences"][0] == "So it is: 34%, Red."
    places = {"target": 60, "floor_standard": 55, "next": 36, "alone": 68}
    assert {one["name"]: one["value"] for one in answer["sliders"]} == places
    for one in answer["sliders"]:
        assert one["min"] <= one["value"] == one["so"] <= one["max"]


def test_the_picture_holds_what_is_supposed_and_what_is_so():
    answer = what_if(kent.known("ES01"), "ES01", {"target": 70.0})
    assert ">What if 70%<" in answer["svg"] and ">Target 60%<" in answer["svg"]
    assert "2024-25 Q3" in answer["places"]


@pytest.mark.parametrize("supposed", [{"target": 120.0}, {"next": -1.0}, {"next": float("nan")}])
def test_a_number_that_cannot_be_is_a_sentence(supposed):
    with pytest.raises(InputError, match="cannot be a figure of ES01"):
        what_if(kent.known("ES01"), "ES01", supposed)


def test_where_nothing_can_be_supposed_it_says_why():
    doubted = kent.with_figures([663, 655, 658, 640, 624, 612, 6130], "IC05")
    assert "Nothing is concluded" in what_if(doubted, "IC05", {})["sentences"][0]
    without = kent.with_figures([90.0, 91], lines=False)
    said = "It has no target that a higher or a lower figure meets."
    assert what_if(without, "CS01", {})["sentences"] == [said]
    missing = kent.with_figures([90.0, float("nan")])
    assert what_if(missing, "CS01", {})["sentences"] == ["There is no latest figure to begin with."]
