"""A card shows one KPI's figures, and nothing about another."""

import math
import re

import pandas as pd

from kpi_tools.page.cards import Context, activity_cards, cards
from kpi_tools.wording import rows_by
from tests.page_samples import activity_points, points, scorecard_of


def words(html: object) -> str:
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", str(html), flags=re.S).split())


def shown(*series: pd.DataFrame, benchmarks: pd.DataFrame | None = None, **columns: object) -> str:
    areas = {} if benchmarks is None else rows_by(benchmarks)
    return str(
        cards(scorecard_of(*series, **columns), pd.concat(series), Context(benchmarks=areas))
    )


def test_the_strip_has_every_figure_with_its_period():
    text = words(
        shown(points(numerator=[math.nan] * 5 + [3058], denominator=[math.nan] * 5 + [3243]))
    )
    assert (
        "Latest 91% 3,058 of 3,243 Target 90% Floor standard 80% Previous 86% Amber July to September 2024"
        in text
    )
    assert (
        "Same quarter last year 84% 7 points higher now Data period October to December 2024 final figure"
        in text
    )


def test_rating_and_direction_are_words():
    assert "Calls answered CS01 Green Positive" in words(shown(points()))


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
        assert set(values) <= {int(number) for number in drawn}
        assert list(values) == [int(number) for number in table]


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
        "Latest figure: Read again in May.",
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
    definition = "Calls answered of all calls. Higher is better. Latest figure: As published. Target: Agreed by Cabinet."
    assert definition in words(card)


def test_a_section_without_activity_shows_nothing():
    assert str(activity_cards(activity_points(), "Public Health")) == ""


def test_a_seasonal_kpi_says_with_which_quarter_to_compare_it():
    text = words(shown(points(values=(71, 84, 83, 88, 86, 91)), seasonal="yes"))
    assert (
        "Seasonal: compare with the same quarter last year (84%), not with the quarter before."
        in text
    )
    assert "Seasonal" not in words(shown(points(), seasonal="no"))


def test_what_is_not_due_stands_with_the_quarter_of_the_next_figure():
    text = words(
        shown(points(is_due=False, next_due="2025-26 Q2", frequency="annual", basis="annual"))
    )
    assert "Next due Quarter 2 2025/26 not due in this quarter" in text
    assert "Same quarter last year" not in text and "not available" not in text


def test_what_is_only_monitored_has_no_lines_and_no_rating_of_its_figures():
    nothing = {"target": math.nan, "floor_standard": math.nan, "polarity": "none"}
    text = words(shown(points(rating="Monitored", **nothing)))
    assert "Calls answered CS01 Monitored" in text
    assert "Target" not in text.split("Data period")[0] and "not set" not in text


def test_a_milestone_shows_when_it_is_due_and_how_it_stood():
    text = words(
        shown(
            points(
                values=[math.nan] * 6,
                kind="milestone",
                polarity="none",
                due="2025-03-31",
                milestone=["On track"] * 5 + ["Delayed"],
                rating=["Green"] * 5 + ["Amber"],
                status=["final"] * 5 + ["illustrative"],
                target=math.nan,
            )
        )
    )
    assert "Due 31 March 2025 Previous On track Green July to September 2024" in text
    assert "Latest Delayed illustrative" in text and "Q3 2024/25 Delayed illustrative" in text
    assert "Neither more nor less" not in text


def test_a_line_that_is_not_set_has_no_mark():
    lines = {"target": [90.0, math.nan] * 3, "target_status": "illustrative"}
    text = words(shown(points(**lines)))
    assert "90% illustrative" in text and "not set" in text and "not set illustrative" not in text


def test_where_a_series_begins_anew_the_card_says_since_when_and_why():
    rebase = {
        "date": "2024-04-01",
        "reason": "A second contractor began.",
        "name": "Head of Homes",
        "status": "illustrative",
    }
    few = points(direction_of_travel="not enough data", points=3, series_from="2024-04-01")
    text = words(cards(scorecard_of(few), few, Context(rebases={"CS01": [rebase]})))
    assert (
        "Not enough data: three figures since the series began anew. A new series begins with "
        "April 2024: A second contractor began. Agreed by: Head of Homes (illustrative)." in text
    )
    assert "A new series" not in words(
        cards(scorecard_of(few), few, Context(rebases={"CS01": [rebase | {"date": "2023-04-01"}]}))
    )


def test_a_missing_previous_figure_says_so_once():
    text = words(
        shown(
            points(
                values=(82, 84, 83, 88, math.nan, 91),
                status=["final"] * 4 + ["not available", "final"],
            )
        )
    )
    assert "Previous not available Not rated July to September 2024" in text


def test_a_figure_in_doubt_is_marked_and_nothing_is_concluded_from_it():
    doubted = points(values=(82, 84, 83, 88, 86, 9.1)).assign(
        doubt_state=[None] * 5 + ["open"], doubt=[None] * 5 + ["A tenth of the figures before."]
    )
    card = shown(doubted)
    text = words(card)
    assert "Red ? in doubt" in text and "Latest 9% ? in doubt" in text
    assert "? In doubt. A tenth of the figures before." in text
    assert "Nothing is concluded from these figures while one of them is in doubt." in text
    assert "below" not in text and "rising by" not in text


def test_parts_stand_under_their_total():
    total, part = points("CG3"), points("CG3N", kpi_name="Calls, north", part_of="CG3")
    card = shown(total.assign(part_of=None), part)
    assert card.count("<article") == 1 and '<li id="kpi-cg3n">' in card
    assert "Calls, north CG3N 91% Green Positive" in words(card)


def test_an_action_that_is_followed_has_owner_date_and_state():
    action = {
        "action_id": "A-01",
        "action": "Two posts.",
        "owner": "Head of Service",
        "due": "2024-11-30",
        "status": "open",
        "overdue": True,
        "became": "now overdue",
        "previous_due": None,
        "opened": "2024-25 Q1",
        "note": "One is filled.",
    }
    kpi = scorecard_of(points(), management_action=None)
    text = words(cards(kpi, points(), Context(actions={"CS01": [action]})))
    assert (
        "Management action A-01 Two posts. Owner Head of Service Due 30 November 2024 Overdue , opened in Quarter 1 2024/25 "
        "One is filled." in text
    )


def test_a_name_in_a_note_keeps_its_capital():
    assert "Latest figure: Trafford Data Lab." in words(shown(points(note="Trafford Data Lab")))
