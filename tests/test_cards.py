"""A card shows one KPI's figures, and nothing about another."""

import math
import re

import pandas as pd
import pytest

from kpi_tools.page.activity_cards import activity_cards
from kpi_tools.page.cards import cards
from kpi_tools.page.notices import illustrative_banner
from kpi_tools.page.summary import counts_history
from tests.page_samples import activity_points, points, scorecard_of


def words(html: object) -> str:
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", str(html), flags=re.S).split())


def shown(*series: pd.DataFrame, benchmarks: pd.DataFrame | None = None, **columns: object) -> str:
    kpis = scorecard_of(*series, **columns)
    return str(
        cards(
            kpis,
            pd.concat(series),
            "Customer Services",
            lambda rows: f"{len(rows)} quarters described.",
            benchmarks,
        )
    )


def test_the_strip_has_every_figure_with_its_period():
    text = words(
        shown(points(numerator=[math.nan] * 5 + [3058], denominator=[math.nan] * 5 + [3243]))
    )
    assert (
        "Latest 91% 3,058 of 3,243 Target 90% Floor standard 80% Previous 86% Amber Quarter 2 2024/25"
        in text
    )
    assert (
        "Same quarter last year 84% Quarter 3 2023/24 Data period October to December 2024 final figure"
        in text
    )


def test_rating_and_direction_are_words():
    assert "Calls answered CS01 Green Positive" in words(shown(points()))


def test_a_card_for_each_kpi_of_the_section_and_no_other():
    two = shown(points("CS01"), points("CS02"), points("GL01", section="Governance and Law"))
    assert re.findall(r'<article class="kpi-card[^"]*" id="([^"]+)"', two) == [
        "kpi-cs01",
        "kpi-cs02",
    ]


def test_chart_table_and_strip_show_the_same_rows():
    one, other = points("CS01"), points("CS02", values=(11, 12, 13, 14, 15, 16))
    for card, values in zip(
        re.findall(r"<article.*?</article>", shown(one, other), re.S),
        ((82, 84, 83, 88, 86, 91), (11, 12, 13, 14, 15, 16)),
        strict=True,
    ):
        drawn = re.findall(
            r">(\d+)%</text>", re.search(r"<svg class=\"kpi-chart.*?</svg>", card, re.S)[0]
        )  # type: ignore[index]
        table = re.findall(r'<th scope="row">[^<]*</th><td>(\d+)%', card)
        assert (
            [int(number) for number in drawn] == list(values) == [int(number) for number in table]
        )


def test_the_description_is_the_charts_alternative_text():
    assert '<desc id="kpi-cs01-d">6 quarters described.</desc>' in shown(points())


def test_display_never_contradicts_the_rating():
    text = words(
        shown(
            points(
                values=(80, 80, 80, 80, 80, 74.7),
                floor_standard=75.0,
                rating=["Green"] * 5 + ["Red"],
            )
        )
    )
    assert "Latest 74.7%" in text


def test_illustrative_figures_are_marked_wherever_they_show():
    card = shown(
        points(status="illustrative", target_status="illustrative"),
        commentary_status="illustrative",
    )
    strip = re.search(r'<dl class="kpi-strip">.*?</dl>', card, re.S)[0]  # type: ignore[index]
    assert (
        strip.count(">illustrative</span>") == 5
    )  # latest, target, floor, previous, same quarter last year
    table = re.search(r"<tbody>.*?</tbody>", card, re.S)[0]  # type: ignore[index]
    assert table.count(">illustrative</span>") == 6 * 3
    assert card.count('<h4>Commentary <span class="kpi-mark kpi-invented">') == 1
    assert "dashed edge: illustrative" in card


def test_final_figures_carry_no_mark_and_need_no_legend():
    card = shown(points())
    assert "kpi-mark" not in card and "kpi-legend" not in card


def test_a_missing_figure_is_not_shown_as_a_number():
    reason = "no figure was received"
    text = words(
        shown(
            points(
                values=(82, 84, 83, 88, 86, math.nan),
                status=["final"] * 5 + ["not collected"],
                not_rated_reason=reason,
            )
        )
    )
    assert f"Not rated: {reason}" in text
    assert (
        "Latest not collected" in text
        and "Data period October to December 2024 not collected" in text
    )
    assert "nan" not in text.lower().replace("finance", "")


def test_a_red_without_action_shows_the_gap():
    card = shown(points(values=(80, 80, 80, 80, 80, 60)), management_action=None)
    assert "No management action has been given." in card
    assert "No management action" not in shown(points(), management_action=None)


def test_commentary_may_hold_emphasis_and_lists_but_no_markup():
    card = shown(
        points(),
        commentary="A **bold** word\n\n* one\n* two\n\n<script>x</script> [here](https://example.org) ![p](x.png)",
    )
    assert "<strong>bold</strong>" in card and "<li>one</li>" in card
    assert "&lt;script&gt;" in card
    assert "<script" not in card and "href" not in card and "<img" not in card


def test_names_from_outside_are_escaped():
    card = shown(points(kpi_name="<img src=x onerror=alert(1)>", definition="</details><b>"))
    assert "<img" not in card and "</details><b>" not in card


def test_arrears_benchmark_note_and_reason_are_footnotes():
    england = pd.DataFrame(
        [{"kpi_id": "CS01", "area": "England", "period": "2023", "value": 81.0, "status": "final"}]
    )
    late = points(
        lag_quarters=1,
        status="provisional",
        target_status="estimated",
        note="Read again in May.",
        target_reason="Target agreed by Cabinet",
    )
    text = words(shown(late, benchmarks=england))
    for note in (
        "England, 2023: 81%",
        "Older data: reported one quarter in arrears, so the latest figure is for Quarter 3 2024/25.",
        "Latest figure: read again in May.",
        "Target agreed by Cabinet.",
    ):
        assert note in text


def test_of_many_areas_a_card_notes_england_alone():
    names = ["Ashby", "Bray", "Cobham", "England", "Deal"]
    rows = [
        {"kpi_id": "CS01", "area": name, "period": "2023", "value": 81.0, "status": "final"}
        for name in names
    ]
    few, many = (words(shown(points(), benchmarks=pd.DataFrame(some))) for some in (rows[:4], rows))
    assert all(f"{name}, 2023" in few for name in names[:4])
    assert [name for name in names if f"{name}, 2023" in many] == ["England"]


def test_the_source_of_a_final_figure_stands_with_the_definition():
    card = shown(points(note="As published", target_reason="Agreed by Cabinet"))
    assert "kpi-notes" not in card
    definition = "Calls answered of all calls. Higher is better. Latest figure: as published. Target: agreed by Cabinet."
    assert definition in words(card)


@pytest.mark.parametrize(
    ("unit", "value", "latest"),
    [
        ("tonnes CO2e", 10323.0, "10,323 tonnes CO2e"),
        ("rate per 100,000", 175.0, "175 per 100,000"),
        ("GBP", 1234.0, "£1,234"),
        ("count", 613.0, "613"),
    ],
)
def test_units_stand_with_the_figures(unit: str, value: float, latest: str):
    text = words(shown(points(values=(value,) * 6, unit=unit, target=value, floor_standard=value)))
    assert f"Latest {latest} Target {latest} Floor standard {latest}" in text


def test_an_activity_says_how_it_stands_to_what_was_expected():
    def said(**columns: object) -> str:
        return words(
            activity_cards(activity_points(**columns), "Customer Services", lambda rows: "d")
        )

    assert (
        "Calls received Above expectation Latest 150 Quarter 3 2024/25 Expected 90 to 130" in said()
    )
    assert "Within expectation" in said(upper_expected=150.0)
    assert "Below expectation" in said(lower_expected=151.0, upper_expected=200.0)
    assert "expectation" not in said(lower_expected=math.nan, upper_expected=math.nan)
    assert "Expected not set" in said(lower_expected=math.nan, upper_expected=math.nan)
    assert "Q3 2024/25 150 90 to 130" in said()


def test_a_scale_that_does_not_start_at_zero_says_so():
    def said(value: list[float]) -> str:
        return words(
            activity_cards(
                activity_points(value=value, lower_expected=math.nan, upper_expected=math.nan),
                "Customer Services",
                str,
            )
        )

    assert "does not start at zero" in said([950.0, 960, 970, 980, 990, 1000])
    assert "does not start at zero" not in said([100.0, 200, 300, 400, 500, 1000])


def test_a_section_without_activity_shows_nothing():
    assert str(activity_cards(activity_points(), "Public Health", lambda rows: "d")) == ""


def test_the_history_has_chart_and_table():
    counts = pd.DataFrame(
        {
            "quarter": ["2024-25 Q2", "2024-25 Q3"],
            "Green": [16, 17],
            "Amber": [15, 12],
            "Red": [8, 9],
            "Not rated": [1, 0],
        }
    )
    shown_counts = counts_history(counts)
    assert "Q2 2024/25 16 15 8 1 40 Q3 2024/25 17 12 9 0 38" in words(shown_counts)
    went = "From Quarter 2 2024/25 to Quarter 3 2024/25: Green from 16 to 17, Amber from 15 to 12, Red from 8 to 9"
    assert (
        f'<desc id="history-d">{went}, Not rated from 1 to 0, as printed in each report.</desc>'
        in str(shown_counts)
    )
    assert str(counts_history(counts.tail(1))) == ""


def test_the_banner_counts_what_is_invented():
    assert str(illustrative_banner(points())) == ""
    text = words(
        illustrative_banner(
            points(status=["illustrative"] * 4 + ["final"] * 2, target_status="illustrative"),
            activity_points(status="illustrative"),
        )
    )
    assert (
        "4 of the 6 quarterly figures of its KPIs, the target or floor standard of one KPI and six activity figures"
        in text
    )


def test_a_seasonal_kpi_says_with_which_quarter_to_compare_it():
    text = words(shown(points(values=(71, 84, 83, 88, 86, 91)), seasonal="yes"))
    assert (
        "Seasonal: compare with the same quarter last year (84%), not with the quarter before."
        in text
    )
    assert "Seasonal" not in words(shown(points(), seasonal="no"))
