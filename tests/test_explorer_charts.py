"""The explorer's views: every figure stands where it belongs, and what cannot be drawn is said."""

import json
import math
from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from kpi_tools.explorer.charts import area_picture
from kpi_tools.explorer.evidence import commentary_so_far
from kpi_tools.explorer.points import facts
from kpi_tools.explorer.views import VIEWS, View, view
from kpi_tools.vocabulary import COMMON_CAUSE, NO_LIMITS, NOT_CHARTED, NOT_REPORTED
from tests import kent

NAN = math.nan


def drawn(shown: View) -> str:
    """The view as SVG; JSON with NaN or infinity would not be drawn by a browser."""
    json.dumps(shown.picture.canvas.drawing().data, allow_nan=False)
    return shown.picture.svg("chart", "Title", shown.description)


def told(known, kpi_id: str, at: str, commentary=None) -> str:
    """Everything that is known of one point."""
    said = commentary_so_far(known, kent.commentary() if commentary is None else commentary)
    return str(facts(known, kpi_id, said).get(at, ""))


@cache
def facts_of(kpi_id: str) -> dict:
    known = kent.known(kpi_id)
    return facts(known, kpi_id, commentary_so_far(known, kent.commentary()))


def words(shown: View) -> str:
    return " ".join([shown.description, *shown.notes, *(entry["text"] for entry in shown.legend)])


@pytest.mark.parametrize("kpi_id", ["ES01", "CS01", "ET06", "PH03", "AS03"])
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_of_a_kpi_draws_each_of_its_figures_once(kpi_id, name):
    known = kent.known(kpi_id)
    shown = view(name, known, kpi_id)
    assert "<svg" in drawn(shown)
    assert "nan" not in words(shown).lower().split()
    table = {"trend": "quarters", "season": "quarters", "limits": "points"}.get(name)
    rows = (
        known.of(table, kpi_id)
        if table
        else known.of("benchmarks", kpi_id).assign(period=lambda t: t["area"] + ", " + t["period"])
    )
    figures = dict(zip(rows["period"], rows["value"], strict=True))
    dots = {point.name: point.value for point in shown.picture.points if point.kind != "month"}
    assert dots == {period: value for period, value in figures.items() if value == value}
    assert set(shown.picture.places()) == {point.name for point in shown.picture.points}
    assert not [at for at in shown.picture.places() if not facts_of(kpi_id).get(at)]


def test_rolling_figure_and_single_month_stand_together():
    shown = view("trend", kent.known("ES01"), "ES01")
    dots = {row["id"]: row for row in shown.picture.canvas.points}
    assert (dots["2024-25 Q3"]["y"], dots["2024-12"]["y"]) == (34, 68)
    assert "Dec alone 68%" in [row["text"] for row in shown.picture.canvas.texts]
    assert dots["2024-25 Q3"]["x"] < dots["2024-12"]["x"] < dots["2024-25 Q3"]["x"] + 0.5, (
        "December ends its quarter"
    )
    assert shown.notes[0] == (
        "December 2024 alone: 68% (50 of 73). The KPI's own figure covers twelve months: 34% (813 of 2,421)."
    )


def test_limits_are_drawn_within_0_and_100_and_tested_beyond():
    known = kent.with_figures([96, 99, 95, 99, 96, 99, 95, 99])
    rows = known.of("points", "CS01")
    assert rows["upper_limit"].iloc[-1] > 100
    canvas = view("limits", known, "CS01").picture.canvas
    assert max(line["y"] for line in canvas.lines) == 100
    assert max(band["y2"] for band in canvas.bands) == 100


STEADY = [88.0, 90, 89, 91, 90, 88, 89]


@pytest.mark.parametrize(
    ("values", "columns", "variation", "sentence"),
    [
        (
            [NAN] * 6,
            {},
            NOT_REPORTED,
            "No figure for this period (not available): nothing to judge.",
        ),
        (
            [90],
            {},
            NO_LIMITS,
            "Not judged: no two figures follow each other, so limits cannot be calculated.",
        ),
        ([90] * 8, {}, COMMON_CAUSE, "Every figure is the same, so the limits stand on the mean."),
        ([88, 90, 89], {}, COMMON_CAUSE, "fewer than 8 figures"),
        ([*STEADY, 90], {"basis": "year_to_date"}, NOT_CHARTED, "so they have no process limits"),
        ([*STEADY, 90], {"polarity": "target"}, COMMON_CAUSE, "Not flagged: 90% lies within"),
        ([*STEADY, 60], {}, "concern", "Flagged as a concern: 60% is below the lower process"),
        ([88, NAN, 90, NAN, 89, NAN], {}, NOT_REPORTED, "nothing to judge"),
    ],
)
@pytest.mark.slow
def test_states_are_words(values, columns, variation, sentence):
    known = kent.with_figures(values, **columns)
    limits = view("limits", known, "CS01")
    assert known.kpi("CS01")["variation"] == variation
    assert sentence in words(limits) + told(known, "CS01", limits.latest or "")
    assert ("◆" in {entry["mark"] for entry in limits.legend}) == (variation == "concern")
    for name in VIEWS:
        shown = view(name, known, "CS01")
        points = 0 if name == "areas" else sum(value == value for value in values)
        assert "<svg" in drawn(shown) and len(shown.picture.points) == points
        assert "nan" not in words(shown).lower().split()
        no_figures = name != "areas" and not points
        assert ("No figures have been received" in drawn(shown)) == no_figures
        assert not shown.latest or told(known, "CS01", shown.latest)


def test_without_lines_there_are_none():
    known = kent.with_figures([88, 90, 89, 91, 90, 88], lines=False)
    for name in VIEWS:
        kinds = {line["look"] for line in view(name, known, "CS01").picture.canvas.lines}
        assert not kinds & {"target", "floor"}
    assert "not set" in told(known, "CS01", "2024-25 Q3")


def test_a_gap_breaks_the_line():
    known = kent.with_figures([88, 90, NAN, 91, 90, 88])
    parts = {
        line["part"]
        for line in view("trend", known, "CS01").picture.canvas.lines
        if line["look"] == "other"
    }
    assert len(parts) == 2


def test_many_areas_are_a_spread_with_its_middle_half():
    names = [f"Area {n}" for n in range(1, 102)]
    areas = pd.DataFrame({"area": names, "value": range(1, 102)})
    areas = areas.assign(value=areas["value"] * 1.0, period="2023", status="final")
    picture = area_picture(areas, kent.known("ES01").kpi("ES01"))
    assert {(band["y"], band["y2"]) for band in picture.canvas.bands} == {(26, 76)}
    assert {line["y"] for line in picture.canvas.lines if line["look"] == "mean"} == {51}
    assert len(picture.points) == 101


def test_commentary_stands_with_the_figure_that_its_report_was_about():
    said = kent.commentary().assign(kpi_id="AS04").tail(1)
    shown = told(kent.known("AS04"), "AS04", "2024-25 Q2", said)
    assert "report of Quarter 3 2024/25" in shown, "AS04 is reported a quarter in arrears"


def test_a_changed_definition_or_polarity_is_said_beside_the_limits():
    change = {"kpi_id": "CS01", "from_quarter": "2024-25 Q1", "change": "redefined"}
    change |= {"status": "final", "reason": "Lower is now better."}
    made = kent.with_figures([88.0, 90, 89, 91, 90, 88, 89, 99], polarity="lower")
    returns = replace(made.returns, changelog=pd.DataFrame([change]))
    shown = view("limits", replace(made, returns=returns), "CS01")
    assert any(
        note.startswith(
            "The KPI was redefined from the report of Quarter 1 2024/25: Lower is now better. The figures since"
        )
        for note in shown.notes
    )
    assert made.kpi("CS01")["variation"] == "concern", (
        "99 is above the limits, and lower is better now"
    )
