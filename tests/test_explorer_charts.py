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
from kpi_tools.explorer.table import view_data
from kpi_tools.explorer.views import VIEWS, view
from kpi_tools.vocabulary import COMMON_CAUSE, NO_LIMITS, NOT_CHARTED, NOT_REPORTED
from tests import kent

NAN = math.nan


def canvas_of(name, known, kpi_id: str):
    """What is drawn; JSON with NaN or infinity would not be drawn by a browser."""
    canvas = view(name, known, kpi_id).picture.canvas
    json.dumps(canvas.drawing().data, allow_nan=False)
    return canvas


def drawn(name, known, kpi_id: str) -> str:
    """The view as SVG."""
    return view(name, known, kpi_id).picture.svg("chart", "Title", "Text")


def dots(canvas) -> dict[str, float]:
    """The points by their ids, without those of single months."""
    rows = [row for row in canvas.points if row["id"] and not row["look"].endswith("month")]
    return {row["id"]: row["y"] for row in rows}


def told(known, kpi_id: str, at: str, commentary=None) -> str:
    """Everything that is known of one point."""
    said = commentary_so_far(known, kent.commentary() if commentary is None else commentary)
    return str(facts(known, kpi_id, said).get(at, ""))


@cache
def facts_of(kpi_id: str) -> dict:
    known = kent.known(kpi_id)
    return facts(known, kpi_id, commentary_so_far(known, kent.commentary()))


def words(name, known, kpi_id: str) -> str:
    shown = view_data(known, kpi_id, name, "PAGE")
    legend = [entry["text"] for entry in shown["legend"]]
    return " ".join([view(name, known, kpi_id).description, *shown["notes"], *legend])


@pytest.mark.parametrize("kpi_id", ["ES01", "CS01", "ET06", "PH03", "AS03"])
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_of_a_kpi_draws_each_of_its_figures_once(kpi_id, name):
    known = kent.known(kpi_id)
    canvas = canvas_of(name, known, kpi_id)
    assert "<svg" in drawn(name, known, kpi_id)
    assert "nan" not in words(name, known, kpi_id).lower().split()
    table = {"trend": "quarters", "season": "quarters", "limits": "points"}.get(name)
    rows = (
        known.of(table, kpi_id)
        if table
        else known.of("benchmarks", kpi_id).assign(period=lambda t: t["area"] + ", " + t["period"])
    )
    figures = dict(zip(rows["period"], rows["value"], strict=True))
    assert dots(canvas) == {period: value for period, value in figures.items() if value == value}
    places = view_data(known, kpi_id, name, "PAGE")["places"]
    assert set(places) == {row["id"] for row in canvas.points if row["id"]}
    assert not [at for at in places if not facts_of(kpi_id).get(at)]


def test_rolling_figure_and_single_month_stand_together():
    picture, _, notes = view("trend", kent.known("ES01"), "ES01")
    points = {row["id"]: row for row in picture.canvas.points}
    quarter, month = points["2024-25 Q3"], points["2024-12"]
    assert (quarter["y"], month["y"]) == (34, 68)
    assert "Dec alone 68%" in [row["text"] for row in picture.canvas.texts]
    assert quarter["x"] < month["x"] < quarter["x"] + 0.5, "December ends its quarter"
    assert notes[0] == (
        "December 2024 alone: 68% (50 of 73). The KPI's own figure covers twelve months: 34% (813 of 2,421)."
    )


def test_limits_are_drawn_within_0_and_100_and_tested_beyond():
    known = kent.with_figures([96, 99, 95, 99, 96, 99, 95, 99])
    rows = known.of("points", "CS01")
    assert rows["upper_limit"].iloc[-1] > 100
    canvas = canvas_of("limits", known, "CS01")
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
    limits = view_data(known, "CS01", "limits", "PAGE")
    assert known.kpi("CS01")["variation"] == variation
    assert sentence in words("limits", known, "CS01") + told(known, "CS01", limits["latest"])
    assert ("◆" in {entry["mark"] for entry in limits["legend"]}) == (variation == "concern")
    for name in VIEWS:
        latest = view_data(known, "CS01", name, "PAGE")["latest"]
        points = 0 if name == "areas" else sum(value == value for value in values)
        svg = drawn(name, known, "CS01")
        assert "<svg" in svg and len(dots(canvas_of(name, known, "CS01"))) == points
        assert "nan" not in words(name, known, "CS01").lower().split()
        no_figures = name != "areas" and not points
        assert ("No figures have been received" in svg) == no_figures
        assert not latest or told(known, "CS01", latest)


def test_without_lines_there_are_none():
    known = kent.with_figures([88, 90, 89, 91, 90, 88], lines=False)
    for name in VIEWS:
        kinds = {line["look"] for line in canvas_of(name, known, "CS01").lines}
        assert not kinds & {"target", "floor"}
    assert "No target." in told(known, "CS01", "2024-25 Q3")


def test_a_gap_breaks_the_line():
    known = kent.with_figures([88, 90, NAN, 91, 90, 88])
    lines = canvas_of("trend", known, "CS01").lines
    assert len({line["part"] for line in lines if line["look"] == "other"}) == 2


def test_many_areas_are_a_spread_with_its_middle_half():
    names = [f"Area {n}" for n in range(1, 102)]
    areas = pd.DataFrame({"area": names, "value": range(1, 102)})
    areas = areas.assign(
        value=areas["value"] * 1.0, period="2023", quarter="2023-24 Q3", status="final"
    )
    picture = area_picture(areas, [], kent.known("ES01").kpi("ES01"))
    assert {(band["y"], band["y2"]) for band in picture.canvas.bands} == {(26, 76)}
    assert {line["y"] for line in picture.canvas.lines if line["look"] == "mean"} == {51}
    assert len(dots(picture.canvas)) == 101


def test_commentary_stands_with_the_figure_that_its_report_was_about():
    said = kent.commentary().assign(kpi_id="AS04").tail(1)
    shown = told(kent.known("AS04"), "AS04", "2024-25 Q2", said)
    assert "report of Quarter 3 2024/25" in shown, "AS04 is reported a quarter in arrears"


def test_a_changed_definition_or_polarity_is_said_beside_the_limits():
    change = {"kpi_id": "CS01", "from_quarter": "2024-25 Q1", "change": "redefined"}
    change |= {"status": "final", "reason": "Lower is now better."}
    made = kent.with_figures([88.0, 90, 89, 91, 90, 88, 89, 99], polarity="lower")
    returns = replace(made.returns, changelog=pd.DataFrame([change]))
    _, _, notes = view("limits", replace(made, returns=returns), "CS01")
    redefined = "The KPI was redefined from the report of Quarter 1 2024/25: Lower is now better. "
    assert any(note.startswith(f"{redefined}The figures since") for note in notes)
    assert made.kpi("CS01")["variation"] == "concern", (
        "99 is above the limits, and lower is better now"
    )


def test_our_figure_stands_beside_those_of_other_areas_at_the_same_period_only():
    """Of 2019 to 2023 Kent's 41% of 2022-23 Q3 and 17% of 2023-24 Q3 are known."""
    picture = view("areas", kent.known("ES01"), "ES01").picture
    ours = [(row["x"], row["y"]) for row in picture.canvas.lines if row["look"] == "series"]
    assert ours == [(3, 41), (4, 41), (4, 17), (5, 17)]
    assert ">Ours 17%,<" in picture.svg("a", "b", "c")
