"""What stands where in the pictures: marks from rows, whatever the rows are."""

import math
import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.page.canvas import Canvas, axis, period_label, regions, ticks, wrapped
from kpi_tools.page.cards import Context, cards, small_picture
from kpi_tools.page.chart_words import WORDS
from kpi_tools.page.charts import (
    activity_chart,
    as_columns,
    kpi_chart,
    milestone_chart,
)
from kpi_tools.page.drawing import COLOURS, Drawing
from kpi_tools.page.overviews import counts_chart, peers_chart, peers_strip, sparkline
from kpi_tools.rows import rows_of
from kpi_tools.schemes import parse_schemes
from kpi_tools.scorecard import DEFAULT_COUNCIL
from kpi_tools.terms import Terms
from tests.page_samples import activity_points, points, scorecard_of


@pytest.fixture
def drawings(monkeypatch):
    """What is to be drawn, which is quicker to look at than what was drawn."""
    seen: list[Drawing] = []

    def keep(self: Drawing, name: str, title: str, text: str) -> str:
        seen.append(self)
        return ""

    monkeypatch.setattr(Drawing, "svg", keep)
    return seen


def rows(values: tuple[float, ...] = (82, 84, 83, 88, 86, 91), **columns: object) -> list[dict]:
    shown = rows_of(points(values=values, **columns))
    return [row | {"rating": row["rating"] or "Not rated"} for row in shown]


def texts(drawing: Drawing) -> list[str]:
    return [row["text"] for row in drawing.data["texts"]]


def lines(drawing: Drawing, look: str) -> list[tuple[float, float]]:
    return [(row["x"], row["y"]) for row in drawing.data["lines"] if row["look"] == look]


def test_every_figure_has_its_point_and_label(drawings):
    given_rows, kept = rows(), rows()
    kpi_chart(given_rows, "k")
    assert str(given_rows) == str(kept)
    found = [(row["x"], row["y"]) for row in drawings[0].data["points"][:6]]
    assert found == [(n + 0.5, value) for n, value in enumerate((82, 84, 83, 88, 86, 91))]
    wanted = {"82%", "84%", "83%", "88%", "86%", "91%", "Target 90%", "Floor 80%", "Sep", "2023"}
    assert wanted <= set(texts(drawings[0]))


def test_a_month_of_what_adds_up_is_not_drawn_beside_quarters(drawings):
    """A third of the year's quarter would press the scale together and say nothing."""
    nothing = {"numerator": math.nan, "denominator": math.nan, "status": "final"}
    month = {"value": 85.0, "basis": "month"} | nothing
    for unit in ("%", "count"):
        kpi_chart(rows(unit=unit), "k", months=[rows()[-1] | month], form="line")
    looks = [[point["look"] for point in one.data["points"]] for one in drawings]
    assert ["one month" in one for one in looks] == [True, False]


def test_lines_and_bands_step_midway_between_two_periods(drawings):
    kpi_chart(rows(target=[90, 90, 90, 85, 85, 85]), "k")
    assert lines(drawings[0], "target") == [(0, 90), (3, 90), (3, 85), (6, 85)]
    green = [row for row in drawings[0].data["bands"] if row["look"] == "green"]
    assert [(row["x"], row["y"]) for row in green] == [(0, 90), (3, 85)]


def test_a_gap_breaks_the_line_and_has_a_word(drawings):
    status = ["final", "suppressed", *["final"] * 4]
    kpi_chart(rows((82, math.nan, 83, 88, 86, 91), status=status), "k")
    parts = {row["part"] for row in drawings[0].data["lines"] if row["look"] == "series"}
    assert len(parts) == 1 and lines(drawings[0], "series")[0] == (2.5, 83)
    assert "[c]" in texts(drawings[0])


def test_a_redefinition_breaks_the_line(drawings):
    chart = kpi_chart(rows((70, 71, 70, 95, 96, 97)), "k", breaks=["2024-25 Q1"])
    assert (2.5, 70) in lines(drawings[0], "series")
    assert len({row["part"] for row in drawings[0].data["lines"] if row["look"] == "series"}) == 2
    assert chart.title.startswith("Green in all three quarters")
    assert "New definition from June 2024." in chart.text


def test_status_and_doubt_have_looks(drawings):
    status = ["illustrative", "estimated", "final", "final", "final", "provisional"]
    doubted = [None, None, "open", None, None, None]
    chart = kpi_chart(rows(status=status, doubt_state=doubted), "k")
    looks = [row["look"] for row in drawings[0].data["points"]]
    assert looks[:7] == ["illustrative", "open", "final", "doubt", "final", "final", "latest open"]
    assert "83%?" in texts(drawings[0]) and len(chart.notes) == 4
    # a doubtful figure does not stretch the scale
    kpi_chart(rows((82, 84, 830, 88, 86, 91), doubt_state=doubted), "k")
    assert drawings[1].settings["high"] <= 100 and "830%?" in texts(drawings[1])


def test_counts_near_zero_are_columns_and_percentages_a_line(drawings):
    low = rows((394, 511, 474, 566, 493, 422), unit="count", target=400.0, floor_standard=360.0)
    assert as_columns(low, WORDS) and not as_columns(low, WORDS, "line")
    assert not as_columns(rows(), WORDS) and as_columns(rows(), WORDS, "columns")
    assert not as_columns([row | {"frequency": "annual"} for row in low], WORDS)
    kpi_chart(low, "k")
    assert drawings[0].settings["low"] == 0
    assert [row["y"] for row in drawings[0].data["columns"]] == [394, 511, 474, 566, 493, 422]


def test_the_outlook_stands_to_the_right(drawings):
    ahead = {"expected": 96.0, "low": 88.0, "high": 100.0, "quarter": "2024-25 Q4"}
    chart = kpi_chart(rows(), "k", outlook=ahead)
    bar = lines(drawings[0], "range")
    assert [y for _, y in bar] == [88, 100] and bar[0][0] > 6
    assert "Outlook for March 2025: 96%, between 88% and 100%." in chart.text


def test_a_benchmark_stands_at_its_own_period(drawings):
    england = {"area": "England", "value": 85.0}
    areas = [england | {"period": period} for period in ("2023", "2023/24", "2019")]
    kpi_chart(rows(), "k", benchmarks=areas)
    assert [x for x, _ in lines(drawings[0], "benchmark")] == [1.15, 1.85, 2.15, 2.85]


@pytest.mark.parametrize(("columns", "edges", "bands"), [
    ({}, (0, 80, 90, 100), "RAG"),
    ({"polarity": "lower", "target": 20, "floor_standard": 40}, (0, 20, 40, 100), "GAR"),
    ({"polarity": "target", "target": 50, "floor_standard": 40}, (0, 40, 45, 55, 60, 100), "RAGAR"),
    ({"floor_standard": math.nan}, (90, 100), "G"),
    ({"target": math.nan}, (0, 80, 100), "RA"),
    ({"target": math.nan, "floor_standard": math.nan}, (), ""),
])  # fmt: skip
def test_bands_of_each_polarity(columns, edges, bands):
    found = regions(rows((50,), **columns), None, 0, 100)[0]
    assert [(band.low, band.high) for band in found] == list(pairwise(edges))
    assert "".join(band.band[0] for band in found) == bands


def test_bands_given_are_the_councils():
    edges = [("Blue", "blue", 95.0), ("Green", "green", 90.0), ("Grey", "grey", math.nan)]
    names, any_row = ("band", "colour", "edge"), {"quarter": "2024-25 Q3", "far_edge": math.nan}
    bands = [any_row | dict(zip(names, edge, strict=True)) for edge in edges]
    found = regions(rows((50,)), bands, 80, 100)[0]
    assert [(band.band, band.low) for band in found] == [("Grey", 80), ("Green", 90), ("Blue", 95)]


figures = st.one_of(st.floats(-1e7, 1e7), st.integers(0, 100).map(float), st.just(math.nan))


@given(
    st.lists(figures, min_size=1, max_size=40),
    st.fixed_dictionaries(
        {
            "unit": st.sampled_from(["%", "count", "£", "days", "rate per 1,000"]),
            "target": figures,
            "floor_standard": figures,
            "polarity": st.sampled_from(["higher", "lower", "target"]),
        }
    ),
)
def test_any_figures_stand_within_the_axis_and_no_texts_overlap(values, columns):
    made: list[Canvas] = []
    status = ["final" if math.isfinite(value) else "not available" for value in values]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawing, "svg", lambda *_: "")
        nothing = Drawing({}, {}, 0, 0, (0,) * 4)
        patch.setattr(Canvas, "drawing", lambda self: made.append(self) or nothing)
        kpi_chart(rows(tuple(values), status=status, **columns), "k")
    (canvas,) = made
    low, high = canvas.low - 1e-9 * abs(canvas.low), canvas.high + 1e-9 * abs(canvas.high)
    assert canvas.low < canvas.high
    for row in (*canvas.points, *canvas.bands, *canvas.columns, *canvas.lines):
        assert low <= row["y"] <= high
    boxes = canvas.taken
    assert not any(box.meets(boxes[:n]) for n, box in enumerate(boxes))


def test_axes_end_where_the_measure_ends():
    assert axis([96, 100], ends=(0, 100))[1] == 100
    assert axis([1, 2, 9], ends=(0, math.inf))[0] == 0
    assert axis([-5, 10])[0] < -5
    assert axis([], ends=(0, 100)) == (0, 1)


def test_long_names_stand_in_two_lines():
    assert wrapped("Intervention level 54.0%") == ["Intervention", "level 54.0%"]
    assert wrapped("Target 90%") == ["Target 90%"] and wrapped("W" * 40) == ["W" * 40]


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1e6))
def test_ticks_are_few_and_within(low, span):
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 7
    assert low - span * 1e-6 <= found[0] and found[-1] <= low + span * 1.000001


@pytest.mark.parametrize(("end", "yearly", "label"), [
    (date(2024, 12, 31), False, ("Dec", "2024")),
    (date(2024, 3, 31), True, ("2023", "/24")),
    (date(2024, 8, 31), True, ("2023", "/24")),
    (date(2024, 12, 31), True, ("2024", "")),
])  # fmt: skip
def test_periods_are_named(end, yearly, label):
    assert period_label(end, yearly) == label


def test_activity_has_its_range_behind(drawings):
    chart = activity_chart(rows_of(activity_points()), "a")
    assert chart.title == "The latest is above the expected range"
    assert (90, 130) in {(row["y"], row["y2"]) for row in drawings[0].data["bands"]}
    assert {"Up to 130", "From 90"} <= set(texts(drawings[0]))


def test_last_reports_have_a_row_for_each_rating():
    history = [
        {"quarter": "2024-25 Q2", "Green": 16, "Amber": 15, "Red": 8, "Not rated": 1},
        {"quarter": "2024-25 Q3", "Green": 17, "Amber": 12, "Red": 9, "Not rated": 0},
    ]
    chart = counts_chart(history, "c")
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"', chart.svg)]
    counts = (16, 17, 15, 12, 8, 9)
    assert heights == pytest.approx([count * 42 / 17 for count in counts], abs=0.06)
    assert {*map(str, counts), "Green", "Amber", "Red"} <= set(re.findall(">([^<]+)<", chart.svg))
    assert chart.title == "Green from 16 to 17, Red from 8 to 9 in two reports"


@pytest.mark.parametrize(("polarity", "words"), [
    ("higher", "3rd of 4 (best first)"),
    ("lower", "2nd of 4 (best first)"),
    ("target", "One of 4"),
])  # fmt: skip
def test_peers_have_rank_median_and_range(polarity, words, drawings):
    ours = {"area": "Kent", "value": 18.0, "unit": "%", "decimals": 0, "polarity": polarity}
    others = [{"value": value} for value in (10.0, 40.0, 30.0)]
    chart = peers_strip(others, ours, "p", {"value": 34.0})
    assert chart.text == f"{words}; ours 18%, median 24%, range 10% to 40%."
    assert len({row["part"] for row in drawings[0].data["lines"] if row["look"] == "tick"}) == 3


def test_milestones_are_a_line_of_statuses(drawings):
    shown = rows((1, 1, 1), milestone=["On track", "On track", "Late"])
    for row, rating in zip(shown, ("Green", "Green", "Red"), strict=True):
        row["rating"] = rating
    chart = milestone_chart(shown, "m")
    assert [row["look"] for row in drawings[0].data["points"]] == ["green"] * 2 + ["red"]
    said = [text for text in texts(drawings[0]) if text in ("On track", "Late")]
    assert said == ["On track", "Late"]
    assert chart.title == "Late in the latest quarter"


def test_parts_share_one_scale(drawings):
    series = [points("All"), points("East"), points("West", values=(60, 61, 62, 63, 64, 65))]
    cards(scorecard_of(*series).assign(part_of=[None, "All", "All"]), pd.concat(series))
    scales = [(one.settings["low"], one.settings["high"]) for one in drawings]
    assert len(scales) == 3 and scales[1] == scales[2] != scales[0]


def test_a_sparkline_has_the_shape_of_each_rating():
    status = ["final", "final", "suppressed", "final"]
    chart = sparkline(rows((70, 85, math.nan, 91), status=status), "s")
    fills = re.findall(r'scale\(([\d.]+)\)" d="(M[^,]+,)[^"]*" fill="(#\w+)"', chart.svg)
    square, triangle, circle = "M-1,", "M0,", "M1,"
    assert fills == [
        ("3.5", square, COLOURS["red"].badge),
        ("4.0", triangle, COLOURS["amber"].badge),
        ("4.6", circle, COLOURS["green"].badge),
    ]
    assert chart.text == "March 2024 70%, Red; June 2024 85%, Amber; December 2024 91%, Green."
    assert sparkline(rows((math.nan,), status="not available"), "s").text == "None."


@pytest.mark.parametrize(("columns", "words"), [
    ({"basis": "rolling_12_months"}, "Per cent, 12 months ending"),
    ({"unit": "count", "values": (1e6, 2e6)}, "Number (m: million), quarter ending"),
    ({"unit": "£ thousand"}, "£ thousand, quarter ending"),
    ({"unit": "days", "frequency": "annual"}, "Days, a year each"),
])  # fmt: skip
def test_what_is_measured_is_said(columns, words, drawings):
    assert kpi_chart(rows(**columns), "k").about == words


def test_peers_are_those_of_the_group_at_their_own_period(drawings):
    values = {"A": 80.0, "B": 85.0, "C": 90.0}
    near = {"group": "Near", "period": "2023/24"}
    areas = [near | {"area": "A", "period": "2022/23", "value": 1.0}]
    areas.append({"area": "England", "group": "All", "period": "2023/24", "value": 2.0})
    areas += [near | {"area": name, "value": value} for name, value in values.items()]
    chart = peers_chart(rows(), areas, "Near", "p")
    assert chart is not None and chart.title == "Near, 2023/24"
    where = "3rd of 4 Near, 2023/24 (best first); ours 83%, median 84%, range 80% to 90%."
    assert chart.text == f"{where} Now 91% (December 2024)."
    assert peers_chart(rows(), areas[:3], "Near", "p") is None
    # others 800, 850, 900 of 1,000; ours 83 of 100: z = (0.83 - 0.85) / sqrt(0.85 · 0.15 / 100) = -0.6; 70 of 100: -4.2
    cases = [row | {"numerator": row["value"] * 10, "denominator": 1000.0} for row in areas]
    for value, state in ((83, "as expected"), (70, "far worse than expected")):
        ours = [row | {"value": value, "numerator": value, "denominator": 100} for row in rows()]
        said = peers_chart(ours, cases, "Near", "p")
        assert said is not None
        assert f"Allowing for chance in the numbers of cases, ours is {state}." in said.text
    assert peers_chart(rows(), areas, "", "p") is not None


def test_lines_that_the_scheme_does_not_use_are_neither_drawn_nor_named():
    """Of a scheme by the target alone, although targets.csv has a floor standard."""
    bands = [{"name": "Green", "meets": "target"}, {"name": "Red"}]
    schemes = parse_schemes({"schemes": {"pair": {"bands": bands}}})
    context = Context(Terms(replace(DEFAULT_COUNCIL, schemes=schemes)))
    ratings = ["Green"] * 4 + ["Red"] * 2
    chart = small_picture(
        rows((91, 92, 93, 92, 75, 75), scheme="pair", rating=ratings), "k", context
    )
    assert chart.title == "Red for two quarters running, 15 points below target"
    assert "loor" not in chart.svg + chart.text and "Target 90%." in chart.text
