"""One KPI in depth. What it takes is checked by hand."""

import re

import pandas as pd
import pytest

from kpi_tools.errors import InputError
from kpi_tools.explorer.evidence import commentary_so_far, evidence
from kpi_tools.explorer.history import OneKpi, kpi_in_report, kpi_tables
from kpi_tools.page.describe import takes
from kpi_tools.rows import rows_of
from kpi_tools.terms import Terms, lines_of
from tests import kent

NAN = float("nan")
PIECES = [
    name for name, part in vars(OneKpi).items() if isinstance(part, property) and name != "kpi"
]


def text(piece) -> str:
    plain = re.sub(r"<svg.*?</svg>", " ", str(piece), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", plain).replace("&#39;", "'").split())


@pytest.fixture(scope="module")
def ehcp():
    return OneKpi(
        kent.known("ES01"), "ES01", commentary_so_far(kent.known("ES01"), kent.commentary())
    )


def test_rolling_figure_december_and_both_directions_stand_together(ehcp):
    said = text(ehcp.directions)
    own = "The KPI's own figure covers twelve months: 34% (813 of 2,421)."
    assert f"December 2024 alone: 68% (50 of 73). {own}" in said
    stable = "stable or no clear trend"
    assert ehcp.kpi["direction_of_travel"] == ehcp.kpi["gls_direction"] == stable
    assert f"By the published rule: {stable}: between a fall of 11 percentage points" in said
    assert f"Allowing for the data that rolling figures share: {stable}" in said


def test_what_it_takes_to_reach_the_floor_by_hand(ehcp):
    """813 of 2,421 in twelve months: a quarter of them, 203.25 of 605.25, leave with each new quarter.

    All of the next 605.25 in time: (813 - 203.25 + 605.25) / 2421 = 1215 / 2421 = 50.2%. After two quarters half of
    the 813 is left; 55% of 2421 is 1331.55, so the two need 925.05 of 1210.5 = 76.42%, which only 77% suffices for.
    """
    said = text(ehcp.takes)
    most = "even at 100% next quarter the rolling figure reaches 50%; it needs 77% in each"
    assert f"To reach the floor standard of 55%: {most}" in said
    assert "(taking each quarter that drops out for a quarter of the twelve months)" in said
    # 55% of 2,421 is 1,331.55, so 1,332 plans in time are needed: 519 more than 813
    assert "Would be Amber with 519 more cases meeting the standard (of 2,421)." in said


def test_quarters_that_are_known_leave_instead_of_an_even_share():
    kpi = kent.known("ES01").kpi("ES01") | {"numerator": 100, "denominator": 400, "value": 25.0}
    own = rows_of(
        kent.known("ES01")
        .of("quarters", "ES01")
        .tail(4)
        .assign(in_period_numerator=[10, 20, 30, 40], in_period_denominator=100)
    )
    # 90 stay, 100 come: at most 190 of 400 = 48%; after two 70 stay and 55% needs 220: 150 of 200 = 75%
    most = "even at 100% next quarter the rolling figure reaches 48%; it needs 75% in each"
    on_card = takes(kpi, own, rows_of(lines_of(pd.DataFrame([kpi]), Terms())), Terms())[0]
    assert most in on_card and "taking each quarter" not in on_card


def test_what_it_takes_goes_by_the_councils_own_bands():
    known = evidence(kent.returns("2025-26 Q2", kent.BOROUGH), {"GH2"})
    takes = text(OneKpi(known, "GH2", kent.commentary()).takes)
    # 3,745 of 3,684; Blue is more than 5% above 100%: 3,684 x 1.05 = 3,868.2, so 3,869, 124 more
    assert "Would be Blue with 124 more cases" in takes


@pytest.mark.parametrize(
    ("kpi_id", "values"),
    [(kpi_id, None) for kpi_id in ("ES01", "PH02", "PH03")]
    + [pytest.param(kpi_id, None, marks=pytest.mark.slow) for kpi_id in ("CS01", "ET06", "IC06")]
    + [("CS01", values) for values in ([NAN] * 6, [90.0], [90.0] * 8, [88.0, 90, 89])],
)
@pytest.mark.slow
def test_every_piece_of_every_kind_of_kpi_is_words(kpi_id, values):
    known = kent.known(kpi_id) if values is None else kent.with_figures(values)
    one = OneKpi(known, kpi_id, kent.commentary())
    for name in PIECES:
        said = text(getattr(one, name))
        assert said, name
        assert not re.search(r"\b(nan|NaN|None|inf)\b", said), name


def test_targets_have_their_reasons(ehcp):
    said = text(ehcp.targets)
    targets = kent.returns().targets
    for reason in targets.loc[targets["kpi_id"] == "ES01", "target_reason"]:
        assert reason in said


def test_restatements_say_what_was_and_what_is():
    said = text(OneKpi(kent.known("PH02"), "PH02", kent.commentary()).restated)
    assert "Quarter 3 2023/24 66,971 67,011 Quarter 3 2024/25 Amber Stated in the text" in said
    said = text(OneKpi(kent.known("PH03"), "PH03", kent.commentary()).restated)
    assert "not available" in said
    assert "65" in said


def test_commentary_comes_latest_first(ehcp):
    said = text(ehcp.remarks)
    titles = ("Quarter 3 2024/25", "Quarter 1 2024/25", "Quarter 2 2023/24")
    places = [said.index(title) for title in titles]
    assert places == sorted(places)


def test_a_kpi_that_is_not_in_the_report_is_a_sentence_with_its_reports():
    told = "ES06 .* is not in the report for Quarter 3 2024/25. It is in the reports from"
    with pytest.raises(InputError, match=told):
        kpi_in_report(kent.returns(), "ES06")


def test_the_tables_beside_the_page_are_those_of_the_page(ehcp):
    tables = kpi_tables(ehcp)
    assert list(tables) == ["Figures", "Quarters", "Targets"]
    assert len(tables["Figures"]) == 12
    assert tables["Figures"]["why"].notna().all()
