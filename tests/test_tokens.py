"""Tokens in commentary: what each says, by hand, and what is said of those that cannot be filled."""

import math

import pandas as pd
import pytest

from kpi_tools.loading import ReturnsError, load
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import DEFAULT_COUNCIL, recent_quarters, score, section_words
from kpi_tools.tokens import (
    KPI_TOKENS,
    filled,
    kpi_figures,
    section_figures,
    section_tokens,
    unknown,
    without_figure,
)
from tests.page_samples import points, scorecard_of
from tests.small_council import make_council, write_table


def kpi(values=(82, 84, 83, 88, 86, 91), **columns):
    return scorecard_of(points(values=values, **columns)).to_dict("records")[0]


def test_every_token_says_what_the_card_prints():
    figures = kpi_figures(kpi(numerator=3058.0, denominator=3243.0))
    assert set(figures) == set(KPI_TOKENS)
    expected = {"value": "91%", "target": "90%", "floor_standard": "80%", "previous": "86%"}
    expected |= {"change": "a rise of 5 percentage points", "year_ago": "84%"}
    expected |= {"numerator": "3,058", "denominator": "3,243", "rating": "Green"}
    expected |= {"quarter": "Quarter 3 2024/25", "previous_quarter": "Quarter 2 2024/25"}
    assert figures == expected | {"previous_rating": "Amber"}


@pytest.mark.parametrize(("values", "decimals", "unit", "said"), [
    ((75, 74), 0, "%", "a fall of 1 percentage point"),
    ((74.7, 75.2), 1, "%", "a rise of 0.5 percentage points"),
    ((612, 613), 0, "count", "a rise of 1"),
    ((10985, 10323), 0, "tonnes CO2e", "a fall of 662 tonnes CO2e"),
    ((80, 80.4), 0, "%", "no change"),
    ((math.nan, 80), 0, "%", None),
])  # fmt: skip
def test_a_change_is_that_of_the_printed_figures_with_its_direction(values, decimals, unit, said):
    lines = {"target": math.nan, "floor_standard": math.nan}
    row = kpi((1, 1, 1, 1, *values), decimals=decimals, unit=unit, **lines)
    assert kpi_figures(row)["change"] == said
    # just below its floor a value keeps the decimal that says so
    assert kpi_figures(kpi((1, 1, 1, 1, 80, 79.7)))["value"] == "79.7%"


def test_braces_and_gaps():
    figures = {"value": "91%", "numerator": None}
    assert filled("At {value}, {{value}} and { value }.", figures) == "At 91%, {value} and 91%."
    assert filled("{numerator} of {nothing}", figures) == "{numerator} of {nothing}"
    assert without_figure("{numerator} of {value}, {numerator}", figures) == ["{numerator}"]
    assert unknown("{value} {{x}} {target}", KPI_TOKENS) == []
    assert unknown("{valeu} and {valeu}", KPI_TOKENS) == ["There is no token {valeu} here."]
    assert unknown("open { brace", KPI_TOKENS) == ["A brace is opened and not closed."]
    assert filled("open { brace", figures) == "open { brace"
    # what a figure holds is not read again
    assert filled("{value}", {"value": "{target}", "target": "90%"}) == "{target}"


def test_a_section_counts_its_own():
    counts = {"kpis": 12, "Green": 10, "Amber": 1, "Red": 1, "Not rated": 0}
    figures = section_figures(counts, Quarter(2024, 3))
    assert set(figures) == set(section_tokens(DEFAULT_COUNCIL.schemes))
    said = filled("{red} of {kpis} in {quarter}, {not_rated}", figures)
    assert said == "one of 12 in Quarter 3 2024/25, no"


def test_the_ratings_of_a_section_are_counted_by_the_names_that_a_council_gives_them(tmp_path):
    bands = '[{ name = "On course", meets = "target", colour = "green" }, { name = "Off" , colour = "red"}]'
    figures = [
        ("2024-25 Q3", kpi_id, "2024-25 Q3", value) for kpi_id, value in (("A", 60), ("B", 40))
    ]
    words = ["section,commentary", "Roads,{on_course} of {kpis} and {off}"]
    raw = make_council(
        tmp_path,
        [{"kpi_id": "A"}, {"kpi_id": "B"}],
        figures,
        settings=f"[rating]\nbands = {bands}\n",
        **{"commentary/2024-25-Q3": words},
    )
    returns = load(raw)
    kpis = score(recent_quarters(returns), returns)
    assert section_words(returns, kpis)["commentary"].tolist() == ["one of two and one"]
    words = ["section,commentary", "Roads,{green} of {kpis}"]
    write_table(raw / "commentary" / "2024-25-Q3.csv", words)
    with pytest.raises(ReturnsError, match=r"no token \{green\} here"):
        load(raw)


def test_a_table_of_rows_gives_missing_figures_as_none():
    row = pd.DataFrame([kpi((1, 1, 1, 1, 80, math.nan))]).to_dict("records")[0]
    figures = kpi_figures(row)
    assert (figures["value"], figures["rating"], figures["numerator"]) == (None, None, None)
