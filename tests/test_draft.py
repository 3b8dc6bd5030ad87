"""How long a KPI has been so, and the words to begin its commentary with, against what the figures say by hand."""

import math

import kent
import pandas as pd
import pytest

from kpi_tools.explorer.draft import draft, how_long
from kpi_tools.explorer.standing import standing
from kpi_tools.quarters import Quarter, quarter_range


def quarters(*rags, status="final"):
    labels = [quarter.label for quarter in quarter_range(Quarter(2024, 3), len(rags))]
    return pd.DataFrame({"quarter": labels, "rating": list(rags), "status": status})


@pytest.mark.parametrize(
    ("rags", "said"),
    [
        (["Green", "Red", "Red"], "Red for two quarters in a row, since Quarter 2 2024/25."),
        (["Red", "Red", "Red"], "Red in all three quarters known, since Quarter 1 2024/25."),
        (["Red", "Amber"], "Amber for the first quarter, Red before."),
        (["Red", "Not rated", "Red"], ""),
        (["Red", "Red", "Not rated"], ""),
        (["Green"], ""),
        ([], ""),
    ],
)
def test_how_long_it_has_been_so(rags, said):
    assert how_long(quarters(*rags)) == said


def test_what_rests_on_illustrative_figures_says_so():
    assert how_long(quarters("Red", "Red", status="illustrative")).endswith("are illustrative).")


def test_the_draft_holds_what_the_tables_hold():
    said = draft(kent.known("ES01"), "ES01")
    assert said.startswith("At 34% (813 of 2,421) the KPI is Red against a floor standard of 55%.")
    assert "It was 26% a quarter earlier and 17% a year earlier." in said
    assert "December 2024 alone: 68% (50 of 73)." in said
    row = kent.known("ES01").of("outlooks", "ES01").iloc[0]
    assert f"between {row['next_low']:.0f}% and {row['next_high']:.0f}% is to be expected." in said


def test_a_missing_figure_and_a_missing_target_are_said():
    assert draft(kent.with_figures([90, 91, math.nan]), "CS01") == (
        "There is no figure for Quarter 3 2024/25 (not available)."
    )
    assert draft(kent.with_figures([90.0, 91], lines=False), "CS01").startswith(
        "At 91% in Quarter 3 2024/25 the KPI is not rated. It was 90% a quarter earlier."
    )


def test_every_kpi_has_a_draft_without_gaps():
    for kpi_id in kent.returns().catalogue["kpi_id"]:
        known = kent.known(kpi_id)
        if len(known.kpis):
            said = draft(known, kpi_id) + standing(known, kpi_id)
            assert not {"nan", "None", "{", "  "} & {
                part for part in ("nan", "None", "{", "  ") if part in said
            }
