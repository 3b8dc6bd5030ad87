"""How long a KPI has been so, and the words to begin its commentary with, against what the figures say by hand."""

import math
from dataclasses import replace

import pandas as pd
import pytest

from kpi_tools.checks import release_findings
from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.sentences import draft, so_long, status_sentences
from kpi_tools.explorer.table import screen
from kpi_tools.explorer.views import view
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.schemes import parse_schemes
from kpi_tools.tokens import KPI_TOKENS, filled, kpi_figures, unknown
from tests import kent


def quarters(*rags, status="final"):
    labels = [quarter.label for quarter in quarter_range(Quarter(2024, 3), len(rags))]
    return pd.DataFrame({"quarter": labels, "rating": list(rags), "status": status})


@pytest.mark.parametrize(("rags", "said"), [
    (["Green", "Red", "Red"], "Red for two quarters running, since Quarter 2 2024/25."),
    (["Red", "Red"], "Red in both quarters, since Quarter 2 2024/25."),
    (["Red", "Amber"], "Amber for the first time in two quarters."),
    (["Red", "Amber", "Red"], "Red again after one quarter of Amber."),
    (["Red", "Red", "Not rated"], ""),
    (["Not rated", "Green"], "Green, the only figure rated."),
    ([], ""),
])  # fmt: skip
def test_how_long_it_has_been_so(rags, said):
    assert so_long(quarters(*rags)) == said


def test_what_rests_on_illustrative_figures_says_so():
    assert so_long(quarters("Red", "Red", status="illustrative")).endswith("are illustrative).")


def test_the_draft_holds_what_the_tables_hold():
    written = draft(kent.known("ES01"), "ES01")
    said = filled(written, kpi_figures(kent.known("ES01").kpi("ES01")))
    assert said.startswith("At 34% (813 of 2,421) the KPI is Red against a floor standard of 55%.")
    assert "It was 26% a quarter earlier and 17% a year earlier." in said
    begins = "At {value} ({numerator} of {denominator}) the KPI is {rating} against a floor"
    assert written.startswith(begins)
    assert "December 2024 alone: 68% (50 of 73)." in said
    row = kent.known("ES01").of("outlooks", "ES01").iloc[0]
    assert f"between {row['next_low']:.0f}% and {row['next_high']:.0f}% is to be expected." in said


def test_a_draft_names_no_line_that_the_scheme_does_not_use():
    bands = [{"name": "Green", "meets": "target"}, {"name": "Red"}]
    known = kent.known("ES01")
    schemes = parse_schemes({"schemes": {"pair": {"bands": bands}}})
    council = replace(known.returns.council, schemes=schemes)
    kpis = known.kpis.assign(scheme="pair", band=2)
    known = replace(known, returns=replace(known.returns, council=council), kpis=kpis)
    assert "the KPI is {rating} against a target of {target}." in draft(known, "ES01")


def test_a_missing_figure_and_a_missing_target_are_said():
    missing = draft(kent.with_figures([90, 91, math.nan]), "CS01")
    assert missing == "There is no figure for Quarter 3 2024/25 (not available)."
    said = "At {value} in {quarter} the KPI is not rated. It was {previous} a quarter earlier."
    assert draft(kent.with_figures([90.0, 91], lines=False), "CS01").startswith(said)


@pytest.mark.parametrize(
    "quarter", ["2024-25 Q3", pytest.param("2023-24 Q2", marks=pytest.mark.slow)]
)
def test_every_draft_passes_the_checks_of_commentary(quarter):
    """Written into the commentary as it stands, the draft of no KPI has a finding in its text, or an unknown token."""
    known = kent.everything(quarter)
    returns = known.returns
    drafts = {kpi_id: draft(known, kpi_id) for kpi_id in known.kpis["kpi_id"]}
    assert not [text for text in drafts.values() if unknown(text, KPI_TOKENS)]
    texts = pd.concat([returns.commentary.iloc[[0]]] * len(drafts), ignore_index=True)
    texts = texts.assign(kpi_id=[*drafts], commentary=[*drafts.values()], row=range(len(drafts)))
    texts = texts.astype(returns.commentary.dtypes)
    none = returns.commentary.head(0).assign(quarter="")
    found = release_findings(replace(returns, commentary=texts), earlier=none)
    assert found.loc[found["place"].str.contains(", row "), "finding"].tolist() == []


def test_a_council_with_other_bands_and_periods():
    """Blue is a rating, an annual figure is no quarter, a milestone has a status, and what is monitored is not rated."""
    known = evidence(kent.returns("2025-26 Q2", kent.BOROUGH))
    said = "At {value} the measure is {rating} against an aim of {target}."
    assert draft(known, "CG2").startswith(said)
    assert "Green for three years running" in draft(known, "CG1")
    assert "The figure before was {previous}." in draft(known, "CG1")
    assert status_sentences(known, "CG1").startswith("57.6% in the year to March 2025; aim 57.0%")
    said = "In {quarter} it is Delayed. Amber for the first time in three figures."
    assert draft(known, "WW5") == said
    assert "monitored only" in draft(known, "GH4")
    assert "reported" not in status_sentences(known, "WW5")


def test_nothing_is_concluded_from_a_doubted_figure():
    known = kent.with_figures([663, 655, 658, 640, 624, 612, 6130], "IC05")
    kpi = known.kpi("IC05")
    assert kpi["rating"] == "Green", "it keeps its rating"
    assert kpi["variation"] == kpi["assurance"] == "not judged" and kpi["reading"] is None
    (row,) = screen(known, "")["kpis"]
    assert (row["value"], row["doubt"], row["six"][-1]["sure"]) == ("6,130?", True, "doubt")
    assert row["why"] == "Not judged."
    said = [status_sentences(known, "IC05"), draft(known, "IC05")]
    said += [" ".join(view(name, known, "IC05").notes) for name in ("trend", "limits")]
    conclusions = ("expect", "usual range", "relied on", "rising by", "falling by")
    for text in said:
        assert "6,130 is about ten times the usual 648. Nothing is concluded: " in text
        assert not any(word in text for word in conclusions)
    figures = [663, 655, 658, 640, 624, 612, 6130]
    confirmed = kent.with_figures(figures, "IC05", note="checked: a merger")
    assert confirmed.doubts.empty
    assert "?" not in str(screen(confirmed, "")["kpis"])


def test_sentences_about_one_kpi_do_not_contradict_each_other():
    """Red fails, but December alone meets the floor: it need not stay Red. Tested improvement: not by luck."""
    kpis = kent.everything().kpis.set_index("kpi_id")
    assert kpis.loc["ES01", ["rating", "assurance"]].tolist() == ["Red", "consistently fails"]
    assert pd.isna(kpis.loc["ES01", "reading"])
    assert kpis.loc["GL02", "reading"] == "will stay Red until the process is redesigned"
    better = kpis.query("direction_of_travel == 'positive' or variation == 'improvement'")
    said = "Green, and the process can be relied on to stay so"
    assert better["reading"].dropna().tolist() == [said]
    steady = kpis[kpis["reading"].fillna("").str.contains("relied on")]
    assert not steady["direction_of_travel"].eq("negative").any()


def test_the_worst_stand_first_and_of_them_those_that_get_worse():
    kpis = kent.everything().kpis
    assert kpis["rating"].eq("Red").tolist() == [True] * 9 + [False] * 29
    assert kpis["kpi_id"].tolist()[:2] == ["IC05", "IC06"]
    level = "Red, no clear change"
    assert kpis["consequence"].tolist()[:3] == ["Red and getting worse"] * 2 + [level]
    # the other direction is stable
    assert kpis.set_index("kpi_id").loc["IC04", "consequence"] == level


def test_every_kpi_has_a_draft_without_gaps():
    known = kent.everything()
    for kpi_id in known.kpis["kpi_id"]:
        said = draft(known, kpi_id) + status_sentences(known, kpi_id)
        said = filled(said, kpi_figures(known.kpi(kpi_id)))
        assert not [part for part in ("nan", "None", "{", "  ") if part in said], kpi_id
