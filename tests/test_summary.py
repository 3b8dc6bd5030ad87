"""The first screen, its counts and the chapter of Reds: captions, scoped heads, counts that agree with the KPIs."""

from dataclasses import replace

import pandas as pd
from bs4 import BeautifulSoup

from kpi_tools.page.cards import Context, cards
from kpi_tools.page.chapters import at_a_glance, illustrative_banner, reds
from kpi_tools.page.html import Html, badge, piece, report_table
from kpi_tools.page.summary import (
    _loose_ends,
    by_distance,
    counts_history,
    lowest_lines,
    matrix,
    tiles,
    where_sentence,
)
from kpi_tools.rows import rows_of
from kpi_tools.terms import Terms
from tests import kent
from tests.page_samples import activity_points, points, scorecard_of


class Cells:
    """The rows of all tables as lists of texts, the heads' scopes, the captions, and all text."""

    def __init__(self, html: Html) -> None:
        soup = BeautifulSoup(str(html), "html.parser")
        self.rows = [[cell.text for cell in row(["td", "th"])] for row in soup("tr")]
        self.scopes = [head.get("scope") for head in soup("th")]
        self.captions = [caption.text for caption in soup("caption")]
        self.text = soup.text


def four_kpis() -> pd.DataFrame:
    def kpi(kpi_id: str, section: str, direction: str, *last: float) -> pd.DataFrame:
        values = [80] * (6 - len(last)) + [*last]
        return points(kpi_id, values=values, section=section, direction_of_travel=direction)

    return scorecard_of(
        points("CS01"),
        kpi("CS02", "Customer Services", "stable or no clear trend", 81),
        kpi("GL01", "Governance and Law", "negative", 85, 71),
        kpi("GL02", "Governance and Law", "not enough data", float("nan")),
    )


def test_a_table_has_a_caption_and_scoped_heads():
    areas = [{"Area": "Ashford", "Count": 3}, {"Area": "Swale", "Count": 5}]
    table = Cells(report_table(areas, "Areas"))
    assert table.captions == ["Areas"]
    assert table.rows == [["Area", "Count"], ["Ashford", "3"], ["Swale", "5"]]
    assert table.scopes == ["col", "col", "row", "row"]


def test_text_in_a_table_is_escaped_and_html_is_not():
    shown = str(report_table([{"<b>": "<script>", "x": badge("Red")}], "<i>"))
    assert "&lt;script&gt;" in shown and "&lt;b&gt;" in shown and "&lt;i&gt;" in shown
    assert "<script" not in shown and 'class="kpi-rag' in shown


def test_a_wide_table_can_be_scrolled_by_keyboard():
    shown = str(report_table([{"a": 1}], "Wide one"))
    for attribute in (
        'tabindex="0"',
        'aria-labelledby="wide-one-caption"',
        'id="wide-one-caption"',
    ):
        assert attribute in shown


def test_the_matrix_counts_each_section_and_adds_up():
    table = Cells(matrix(four_kpis(), ["Customer Services", "Governance and Law"], Terms()))
    assert ["|".join(row) for row in table.rows] == [
        "Section|KPIs|Green|Amber|Red|Not rated|Positive|Stable|Negative|Not tested",
        "Customer Services|2|1|1|0|0|1|1|0|0",
        "Governance and Law|2|0|0|1|1|0|0|1|1",
        "All KPIs|4|1|1|1|1|1|1|1|1",
    ]


def test_what_no_kpi_has_has_no_column_and_no_tile():
    one = scorecard_of(points())
    counted = ["Green", "Amber", "Red", "Positive", "Stable", "Negative"]
    head = Cells(matrix(one, ["Customer Services"], Terms())).rows[0]
    assert head == ["Section", "KPIs", *counted]
    assert [tile["label"] for tile in tiles(one, None, Terms(), "")] == counted


def test_a_tile_says_how_its_count_changed():
    now, then = four_kpis(), scorecard_of(points("CS01"), points("CS02"), points("GL01"))
    shown = tiles(now, then, Terms(), "Q2")
    said = {tile["label"]: (tile["count"], tile["change"]) for tile in shown}
    assert said["Green"] == (1, "3 in Q2, two fewer")
    assert said["Amber"] == (1, "0 in Q2, one more")
    assert said["Negative"] == (1, "0 in Q2, one more")
    assert {tile["change"] for tile in tiles(now, None, Terms(), "Q2")} == {""}


def test_where_the_reds_are_is_said_for_none_one_and_some():
    assert where_sentence(four_kpis(), Terms()) == "Sections with any KPI rated Red: one of two"
    assert (
        where_sentence(scorecard_of(points()), Terms())
        == "Sections with any KPI rated Red: none of one"
    )


def test_actions_that_are_overdue_are_counted():
    for overdue, said in ((1, "One action overdue."), (2, "Two actions overdue.")):
        actions = pd.DataFrame({"overdue": [True] * overdue + [False]})
        assert _loose_ends(four_kpis().head(1), actions, Terms()) == said


def test_the_last_reports_have_picture_and_table():
    rows = [("2024-25 Q2", 16, 15, 8, 1), ("2024-25 Q3", 17, 12, 9, 0)]
    names = ["quarter", "Green", "Amber", "Red", "Not rated"]
    counts = pd.DataFrame(rows, columns=names)
    shown = Cells(counts_history(counts, Terms()))
    assert shown.rows[1:] == [
        ["Q2 2024/25", "16", "15", "8", "1", "40"],
        ["Q3 2024/25", "17", "12", "9", "0", "38"],
    ]
    assert str(counts_history(counts.tail(1), Terms())) == ""


def test_the_banner_counts_what_is_invented():
    assert str(illustrative_banner(points(), activity_points(), Terms())) == ""
    kpis = points(status=["illustrative"] * 4 + ["final"] * 2, target_status="illustrative")
    demand = activity_points(status="illustrative")
    text = Cells(illustrative_banner(kpis, demand, Terms())).text
    assert "4 of the 6 figures of its KPIs, the targets of one KPI and six activity figures" in text


def chapter_of_reds(*series: pd.DataFrame, **columns: object) -> Html:
    returns = kent.returns()
    kpis = scorecard_of(*series, **columns)
    return reds(kpis, kpis.head(0), pd.concat(series), returns)


def test_every_red_is_listed_with_its_distance_action_and_card():
    red = points("GL01", values=(80, 80, 80, 80, 85, 71))
    text = " ".join(Cells(chapter_of_reds(points(), red)).text.split())
    lines = "9 points below the floor standard of 80% and 19 points below the target of 90%."
    assert f"71% {lines} Previous 85% (Amber)" in text
    assert "Red for the first time in six quarters." in text and "Two posts are advertised." in text
    assert 'href="#kpi-gl01"' in str(chapter_of_reds(points(), red))
    row = Cells(chapter_of_reds(points(), red)).rows[1]
    assert row[1:4] == ["71%", "floor standard 80%", "9 points below"] and row[4].startswith("89%")


def test_a_red_that_is_better_low_one_without_action_and_none():
    lines = {"unit": "days", "polarity": "lower", "target": 9.0, "floor_standard": 10.5}
    late = points(values=(10, 10, 10, 10, 10, 10.6), rating="Red", **lines)
    text = " ".join(Cells(chapter_of_reds(late, management_action=None)).text.split())
    assert "10.6 days 0.1 days above the floor standard of 10.5 days" in text
    assert "No management action has been given" in text
    assert "No KPI is rated Red." in str(chapter_of_reds(points()))


def test_the_line_that_is_missed_is_printed_also_where_it_is_nought():
    lines = {"polarity": "target", "unit": "count", "target": -10.0, "floor_standard": -20.0}
    warm = points(values=(-10, -10, -10, -10, -10, 3), rating="Red", **lines)
    text = " ".join(Cells(chapter_of_reds(warm)).text.split())
    assert "3 3 above the floor standard of 0." in text


def test_what_misses_a_line_of_nought_is_the_furthest_of_all():
    lines = {"polarity": "lower", "unit": "count", "target": 0.0, "floor_standard": 0.0}
    falls = points("B", values=(1, 2, 3, 4, 5, 6), rating="Red", **lines)
    kpis = scorecard_of(points("A", values=(80, 80, 80, 80, 80, 79)), falls)
    ordered = by_distance(rows_of(kpis), lowest_lines(kpis, Terms()))
    assert [row["kpi_id"] for row in ordered] == ["B", "A"]


def test_the_councils_terms_keep_their_capitals():
    known, red = kent.returns(), points(values=(80, 80, 80, 80, 80, 70))
    words = {"management_action": "HR action", "section": "HR area", "target": "HR aim"}
    council = replace(known.council, words=known.council.words | words)
    returns, terms = replace(known, council=council), Terms(council)
    kpis = scorecard_of(red, management_action=None)
    pieces = (
        reds(kpis, kpis.head(0), red, returns),
        cards(kpis, red, Context(terms)),
        matrix(kpis, ["Customer Services"], terms),
        at_a_glance(kent.scorecard(), kent.recent(), returns),
    )
    for piece_ in pieces:
        assert "HR a" in str(piece_) and "hr a" not in str(piece_).replace("</h", "")


def test_a_figure_in_doubt_is_marked_and_no_share_is_drawn_from_it():
    red = points(values=(80, 80, 80, 80, 80, 7.1)).assign(doubt_state="open")
    text = " ".join(Cells(chapter_of_reds(red)).text.split())
    assert "Red ? in doubt" in text and "9%" not in text


def test_each_colour_has_a_shape_of_its_own_and_a_word_beside_it():
    colours = ("green", "amber", "red", "blue", "grey", "not-rated")
    shapes = {str(piece("mark_of", look)).split("aria-hidden")[1] for look in colours}
    assert len(shapes) == 6
    assert Cells(badge("On course", "blue")).text == "On course"
    assert Cells(badge("Red", doubted=True)).text == "Red ? in doubt"


def test_a_direction_is_a_word_and_an_arrow():
    words = ("positive", "stable or no clear trend", "negative", "not testable")
    shapes = {str(piece("direction", word)).split('d="')[1].split('"')[0] for word in words}
    assert len(shapes) == 4
    assert "Stable or no clear trend" in str(piece("direction", "stable or no clear trend"))
