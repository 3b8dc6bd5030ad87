"""The report's tables: captions, scoped heads, counts that agree with the KPIs they count."""

from html.parser import HTMLParser

import pandas as pd

from kpi_tools.page.html import Html, paragraphs
from kpi_tools.page.reds import red_list
from kpi_tools.page.summary import matrix, scoreboard
from kpi_tools.page.tables import arrow, badge, figure_with_status, key, report_table
from tests.page_samples import points, scorecard_of

PREVIOUS = {
    "kpis": 4,
    "Green": 1,
    "Amber": 2,
    "Red": 0,
    "Not rated": 1,
    "positive": 1,
    "stable or no clear trend": 3,
    "negative": 0,
    "other": 0,
}


class Cells(HTMLParser):
    """The rows of all tables as lists of texts, the heads' scopes, the captions, and all text."""

    def __init__(self, html: Html) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.scopes: list[str | None] = []
        self.captions: list[str] = []
        self.text = ""
        self._in = ""
        self.feed(str(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in = "cell"
            self.scopes += [dict(attrs).get("scope")] if tag == "th" else []
        if tag == "caption":
            self._in = "caption"
            self.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption"):
            self._in = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in == "cell":
            self.rows[-1][-1] += data
        if self._in == "caption":
            self.captions[-1] += data


def four_kpis() -> pd.DataFrame:
    other, nan = "Governance and Law", float("nan")
    return scorecard_of(
        points("CS01"),
        points(
            "CS02", values=(80, 80, 80, 80, 80, 81), direction_of_travel="stable or no clear trend"
        ),
        points(
            "GL01", section=other, values=(80, 80, 80, 80, 85, 71), direction_of_travel="negative"
        ),
        points(
            "GL02",
            section=other,
            values=(80, 80, 80, 80, 80, nan),
            direction_of_travel="not enough data",
        ),
    )


def test_a_table_has_a_caption_and_scoped_heads():
    table = Cells(
        report_table(pd.DataFrame({"Area": ["Ashford", "Swale"], "Count": [3, 5]}), "Areas")
    )
    assert table.captions == ["Areas"]
    assert table.rows == [["Area", "Count"], ["Ashford", "3"], ["Swale", "5"]]
    assert table.scopes == ["col", "col", "row", "row"]


def test_text_in_a_table_is_escaped_and_html_is_not():
    shown = str(report_table(pd.DataFrame({"<b>": ["<script>"], "x": [badge("Red")]}), "<i>"))
    assert "&lt;script&gt;" in shown and "&lt;b&gt;" in shown and "&lt;i&gt;" in shown
    assert "<script" not in shown and 'class="kpi-rag' in shown


def test_a_wide_table_can_be_scrolled_by_keyboard():
    shown = str(report_table(pd.DataFrame({"a": [1]}), "Wide one", wide=True))
    assert (
        'tabindex="0"' in shown
        and 'aria-labelledby="wide-one-caption"' in shown
        and 'id="wide-one-caption"' in shown
    )


def test_the_matrix_counts_each_section_and_adds_up():
    table = Cells(matrix(four_kpis(), ["Customer Services", "Governance and Law"]))
    assert table.rows[0] == ["Section", "KPIs", "RAG rating", "Direction of travel"]
    assert table.rows[1] == [
        "Green",
        "Amber",
        "Red",
        "Not rated",
        "Positive",
        "Stable",
        "Negative",
        "Not tested",
    ]
    assert table.rows[2:] == [
        ["Customer Services", "2", "1", "1", "0", "0", "1", "1", "0", "0"],
        ["Governance and Law", "2", "0", "0", "1", "1", "0", "0", "1", "1"],
        ["All KPIs", "4", "1", "1", "1", "1", "1", "1", "1", "1"],
    ]


def test_the_matrix_shows_the_previous_report_and_the_change():
    table = Cells(matrix(four_kpis(), ["Customer Services"], PREVIOUS))
    assert table.rows[-2] == ["Previous report", "4", "1", "2", "0", "1", "1", "3", "0", "0"]
    assert table.rows[-1] == ["Change", "0", "0", "−1", "+1", "0", "0", "−2", "+1", "+1"]


def test_group_heads_span_their_columns():
    shown = str(matrix(four_kpis(), ["Customer Services"]))
    assert shown.count('scope="colgroup" colspan="4"') == 2
    assert shown.count('rowspan="2"') == 2


def test_the_scoreboard_says_how_each_count_changed():
    text = " ".join(Cells(scoreboard(four_kpis(), PREVIOUS)).text.split())
    assert "1 Green no change" in text
    assert "1 Amber one fewer" in text
    assert "1 Red one more" in text
    assert "1 Stable two fewer" in text


def test_the_scoreboard_leaves_out_not_rated_where_there_is_none():
    assert "Not rated" not in str(scoreboard(scorecard_of(points())))


def test_every_red_is_listed_with_its_distance_action_and_card():
    text = " ".join(Cells(red_list(four_kpis())).text.split())
    assert (
        "71%, 9 percentage points below the floor standard of 80% and 19 percentage points below the target of 90%;"
        in text
    )
    assert "previous quarter 85% (Amber)" in text
    assert "Two posts are advertised." in text
    assert str(red_list(four_kpis())).count("<li ") == 1 and 'href="#kpi-gl01"' in str(
        red_list(four_kpis())
    )


def test_the_distance_of_a_lower_is_better_kpi_is_above_its_floor():
    red = points(
        values=(10, 10, 10, 10, 10, 10.6),
        unit="days",
        decimals=0,
        polarity="lower",
        target=9.0,
        floor_standard=10.5,
        rating="Red",
    )
    assert "10.6 days, 0.1 days above the floor standard of 10.5 days" in " ".join(
        Cells(red_list(scorecard_of(red))).text.split()
    )


def test_a_red_without_action_shows_the_gap():
    red = scorecard_of(points(values=(80, 80, 80, 80, 80, 60)), management_action=None)
    assert "No management action has been given" in str(red_list(red))


def test_no_reds_is_said_in_words():
    assert "No KPI is rated Red." in str(red_list(scorecard_of(points())))


def test_a_rating_is_a_word_and_a_shape_as_well_as_a_colour():
    shapes = set()
    for rag in ("Green", "Amber", "Red", "Not rated"):
        shown = str(badge(rag))
        assert rag in Cells(Html(shown)).text
        shapes.add(shown.split('d="')[1].split('"')[0])
    assert len(shapes) == 4


def test_a_direction_is_a_word_and_an_arrow():
    shapes = {
        str(arrow(word)).split('d="')[1].split('"')[0]
        for word in ("positive", "stable or no clear trend", "negative", "not testable")
    }
    assert len(shapes) == 4
    assert "Stable or no clear trend" in str(arrow("stable or no clear trend"))


def test_marks_stand_beside_what_is_not_final():
    assert str(figure_with_status("34%", "final")) == "34%"
    assert "illustrative" in str(figure_with_status("34%", "illustrative"))


def test_the_key_explains_every_rating_and_direction():
    text = Cells(key()).text
    for word in (
        "Green",
        "Amber",
        "Red",
        "Not rated",
        "Positive",
        "Stable or no clear trend",
        "Negative",
        "Not enough data",
        "Not testable",
        "Target",
        "Floor standard",
        "Activity indicator",
        "estimated",
        "illustrative",
    ):
        assert word in text


def test_a_marked_text_keeps_its_mark_in_a_paragraph():
    shown = str(paragraphs(figure_with_status("Fewer <b>", "illustrative")))
    assert "Fewer &lt;b&gt; <span class" in shown and ">illustrative</span>" in shown
