"""Titles say at most ten words, and only what the figures bear out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.page.chart_words import chart_notes, chart_text, chart_title
from kpi_tools.rows import rows_of
from tests.page_samples import points

LINES = {"target": "target", "floor_standard": "floor standard"}


def rows(values: tuple[float, ...], **columns: object) -> list[dict]:
    shown = rows_of(points(values=values, **columns))
    return [row | {"rating": row["rating"] or "Not rated"} for row in shown]


@pytest.mark.parametrize(("values", "title"), [
    ((91, 92, 93, 92, 95, 93), "Green in all six quarters"),
    ((91, 92, 93, 92, 91, 95), "Green in all six quarters, now the highest shown"),
    ((91, 92, 85, 86, 91), "Green again after two quarters of Amber"),
    ((91, 75, 85, 91), "Green again after two quarters"),
    ((70, 85, 91), "Green for the first time in three quarters"),
    ((70, 71, 72), "Red in all three quarters, 8 points below floor"),
    ((91, 91, 84), "Amber for the first time in three quarters"),
    ((91, 91, 84, 83), "Amber for two quarters running, 7 points below target"),
    ((70, 70), "Red in both quarters, 10 points below floor"),
    ((math.nan, 91), "Green, the only figure rated"),
    ((91, math.nan, 91), "Green in both figures"),
    ((91, 91, math.nan), "Latest figure not available"),
    ((math.nan, math.nan), "No figures yet"),
])  # fmt: skip
def test_titles(values, title):
    status = ["not available" if math.isnan(value) else "final" for value in values]
    assert chart_title(rows(values, status=status)) == title


def test_titles_use_the_councils_words():
    words = {"target": "aim", "floor_standard": "intervention level"}
    said = "Red in both quarters, 10 points below intervention level"
    assert chart_title(rows((70, 70)), words) == said


def test_a_figure_in_doubt_concludes_nothing():
    doubted = rows((91, 92, 85, 86, 99), doubt_state=[None] * 4 + ["open"])
    assert chart_title(doubted) == "The latest figure is in doubt: no conclusion"
    assert "Ringed, with “?”: in doubt." in chart_notes(doubted, columns=False)
    earlier = rows((91, 20, 92), doubt_state=[None, "open", None])
    assert chart_title(earlier) == "Green in both figures"


@pytest.mark.parametrize(("values", "title"), [
    ((831, 737, 784, 863, 768), "Between 737 and 863 in five quarters"),
    ((1, 2, 3), "Highest of three quarters"),
    ((3, 2, 1), "Lowest of three quarters"),
    ((5, 5), "5 in both quarters"),
    ((math.nan, 5), "One figure: 5"),
])  # fmt: skip
def test_titles_of_what_is_not_rated(values, title):
    watched = [row | {"rating": "Monitored", "unit": "count"} for row in rows(values)]
    assert chart_title(watched) == title


@given(
    st.lists(st.one_of(st.floats(0, 100), st.just(math.nan)), min_size=1, max_size=40),
    st.sampled_from([None, "annual", "half_yearly"]),
)
def test_titles_have_at_most_ten_words(values, frequency):
    title = chart_title(rows(tuple(values), frequency=frequency))
    assert 1 < len(title.split()) <= 10


def test_the_alternative_text_reads_every_figure_and_line():
    status = ["final", "suppressed", "illustrative"]
    shown = rows((82, math.nan, 91), status=status, target=[85, 90, 90])
    assert chart_text(shown, "Line", LINES) == (
        "Line for three quarters: June 2024 82%, September 2024 no figure (suppressed) and December 2024 91% "
        "(illustrative). Target 85% to June 2024, 90% since. Floor standard 80%. The latest is Green."
    )


def test_of_many_figures_the_ends_and_the_last_twelve_are_read():
    shown = rows(tuple(range(80, 97)))
    text = chart_text(shown, "Line", {}, "month")
    assert text.startswith(
        "Line for 17 months: lowest 80% in December 2020, highest 96% in December 2024; the last twelve: "
    )
    assert text.count("%") == 14
