"""A card shows one KPI's figures, and nothing about another."""

import math
import re

import pandas as pd

from kpi_tools.page.cards import Context, activity_cards, cards
from tests.page_samples import activity_points, points, scorecard_of


def words(html: object) -> str:
    return " ".join(re.sub(r"<svg.*?</svg>|<[^>]+>", " ", str(html), flags=re.S).split())


def shown(*series: pd.DataFrame, columns: dict | None = None, **context: object) -> str:
    kpis = scorecard_of(*series, **(columns or {}))
    return str(cards(kpis, pd.concat(series), Context(**context)))


def told(**columns: object) -> str:
    """The words of the card of one KPI."""
    return words(shown(points(**columns)))


def test_the_strip_has_every_figure_with_its_period():
    text = told(numerator=[math.nan] * 5 + [3058], denominator=[math.nan] * 5 + [3243])
    assert "Calls answered CS01 Green Positive" in text
    lines = "Target 90% Floor standard 80% Previous 86% Amber July to September 2024"
    assert f"Latest 91% 3,058 of 3,243 {lines}" in text
    period = "Data period October to December 2024 final figure"
    assert f"Same quarter last year 84% {period}" in text
    # what is shown never contradicts the rating
    lines = {"floor_standard": 75.0, "rating": ["Green"] * 5 + ["Red"]}
    assert "Latest 74.7%" in told(values=(80, 80, 80, 80, 80, 74.7), **lines)


def test_chart_table_and_strip_show_the_same_rows():
    both = (82, 84, 83, 88, 86, 91), (11, 12, 13, 14, 15, 16)
    made = shown(*(points(f"CS0{n}", values=values) for n, values in enumerate(both)))
    for card, values in zip(re.findall(r"<article.*?</article>", made, re.S), both, strict=True):
        (picture,) = re.findall(r"<svg class=\"kpi-chart.*?</svg>", card, re.S)
        table = re.findall(r'<th scope="row">[^<]*</th><td>(\d+)%', card)
        assert set(values) <= set(map(int, re.findall(r">(\d+)%</text>", picture)))
        assert list(values) == [int(number) for number in table]


def test_illustrative_figures_are_marked_wherever_they_show():
    invented = points(status="illustrative", target_status="illustrative")
    card = shown(invented, columns={"commentary_status": "illustrative"})
    (strip,) = re.findall(r'<dl class="kpi-strip">.*?</dl>', card, re.S)
    # latest, target, floor, previous, same quarter last year
    assert strip.count(">illustrative</span>") == 5
    table, *_ = re.findall(r"<tbody>.*?</tbody>", card, re.S)
    assert table.count(">illustrative</span>") == 6 * 3
    assert card.count('<h4>Commentary <span class="kpi-mark kpi-invented">') == 1


def test_a_missing_figure_is_not_shown_as_a_number():
    why = {"status": ["final"] * 5 + ["not collected"], "not_rated_reason": "nothing was received"}
    text = told(values=(82, 84, 83, 88, 86, math.nan), **why)
    assert "Not rated: nothing was received" in text and "Latest not collected" in text
    assert "Data period October to December 2024 not collected" in text
    assert "nan" not in text.lower().replace("finance", "")


def test_a_red_without_action_shows_the_gap():
    none = {"management_action": None}
    card = shown(points(values=(80, 80, 80, 80, 80, 60)), columns=none)
    assert "No management action has been given." in card
    assert "No management action" not in shown(points(), columns=none)


def test_commentary_may_hold_emphasis_and_lists_but_no_markup():
    text = "A **bold** word\n\n* one\n* two\n\n<script>x</script> [here](https://example.org) ![p](x.png)"
    card = shown(points(), columns={"commentary": text})
    assert "<strong>bold</strong>" in card and "<li>one</li>" in card
    assert "&lt;script&gt;" in card
    assert "<script" not in card and "href" not in card and "<img" not in card


def test_arrears_benchmark_and_note_are_footnotes():
    england = {"area": "England", "period": "2023", "value": 81.0, "status": "final"}
    late = {"status": "provisional", "target_status": "estimated", "note": "Read again in May."}
    late |= {"lag_quarters": 1}
    text = words(shown(points(**late), benchmarks={"CS01": [england]}))
    for note in (
        "England, 2023: 81%",
        "Older data: reported one quarter in arrears, so the latest figure is for Quarter 3 2024/25.",
        "Latest figure: Read again in May.",
    ):
        assert note in text
    assert "Latest figure: Trafford Data Lab." in told(note="Trafford Data Lab")


def test_of_many_areas_a_card_notes_england_alone():
    names = ["Ashby", "Bray", "Cobham", "England", "Deal"]
    like = {"period": "2023", "value": 81.0, "status": "final"}
    rows = [like | {"area": name} for name in names]
    few, many = (words(shown(points(), benchmarks={"CS01": some})) for some in (rows[:4], rows))
    assert all(f"{name}, 2023" in few for name in names[:4])
    assert [name for name in names if f"{name}, 2023" in many] == ["England"]


def test_the_source_of_a_final_figure_stands_with_the_definition():
    card = shown(points(note="As published"))
    assert "kpi-notes" not in card
    definition = "Calls answered of all calls. Higher is better. Latest figure: As published."
    assert definition in words(card)


def test_a_section_without_activity_shows_nothing():
    assert str(activity_cards(activity_points(), "Public Health")) == ""


def test_a_seasonal_kpi_says_with_which_quarter_to_compare_it():
    card = shown(points(values=(71, 84, 83, 88, 86, 91)), columns={"seasonal": "yes"})
    said = "Seasonal: compare with the same quarter last year (84%), not with the quarter before."
    assert said in words(card) and "Seasonal" not in shown(points(), columns={"seasonal": "no"})


def test_what_is_not_due_stands_with_the_quarter_of_the_next_figure():
    text = told(is_due=False, next_due="2025-26 Q2", frequency="annual", basis="annual")
    assert "Next due Quarter 2 2025/26 not due in this quarter" in text
    assert "Same quarter last year" not in text and "not available" not in text


def test_what_is_only_monitored_has_no_lines_and_no_rating_of_its_figures():
    nothing = {"target": math.nan, "floor_standard": math.nan, "polarity": "none"}
    text = told(rating="Monitored", **nothing)
    assert "Calls answered CS01 Monitored" in text
    assert "Target" not in text.split("Data period")[0] and "not set" not in text


def test_a_milestone_shows_when_it_is_due_and_how_it_stood():
    stood = {"milestone": ["On track"] * 5 + ["Delayed"], "rating": ["Green"] * 5 + ["Amber"]}
    stood |= {"status": ["final"] * 5 + ["illustrative"], "target": math.nan, "due": "2025-03-31"}
    text = told(values=[math.nan] * 6, kind="milestone", polarity="none", **stood)
    assert "Due 31 March 2025 Previous On track Green July to September 2024" in text
    assert "Latest Delayed illustrative" in text and "Q3 2024/25 Delayed illustrative" in text
    assert "Neither more nor less" not in text


def test_a_line_that_is_not_set_has_no_mark():
    lines = {"target": [90.0, math.nan] * 3, "target_status": "illustrative"}
    text = told(**lines)
    assert "90% illustrative" in text and "not set" in text and "not set illustrative" not in text


def test_where_a_series_begins_anew_the_card_says_since_when_and_why():
    rebase = {"date": "2024-04-01", "reason": "A second contractor began.", "name": "Head of Homes"}
    rebase |= {"status": "illustrative"}
    few = points(direction_of_travel="not enough data", points=3, series_from="2024-04-01")
    said = (
        "Not enough data: three figures since the series began anew. A new series begins with "
        "April 2024: A second contractor began. Agreed by: Head of Homes (illustrative)."
    )
    assert said in words(shown(few, rebases={"CS01": [rebase]}))
    earlier = rebase | {"date": "2023-04-01"}
    assert "A new series" not in shown(few, rebases={"CS01": [earlier]})


def test_a_missing_previous_figure_says_so_once():
    status = ["final"] * 4 + ["not available", "final"]
    text = told(values=(82, 84, 83, 88, math.nan, 91), status=status)
    assert "Previous not available Not rated July to September 2024" in text


def test_a_figure_in_doubt_is_marked_and_nothing_is_concluded_from_it():
    doubt = [None] * 5 + ["A tenth of the figures before."]
    doubted = points(values=(82, 84, 83, 88, 86, 9.1)).assign(doubt=doubt)
    text = words(shown(doubted.assign(doubt_state=[None] * 5 + ["open"])))
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
    action = {"action_id": "A-01", "action": "Two posts.", "owner": "Head of Service"}
    action |= {"due": "2024-11-30", "status": "open", "overdue": True, "became": "now overdue"}
    action |= {"previous_due": None, "opened": "2024-25 Q1", "note": "One is filled."}
    card = shown(points(), columns={"management_action": None}, actions={"CS01": [action]})
    said = "Management action A-01 Two posts. Owner Head of Service Due 30 November 2024 Overdue"
    assert f"{said} , opened in Quarter 1 2024/25 One is filled." in words(card)
