"""What stands where in the charts, by arithmetic on the tables they are made from."""

import math

import altair as alt
import pandas as pd
import pytest

from kpi_tools.page.chart_data import activity_range
from kpi_tools.page.charts import activity_spec, counts_spec, kpi_spec
from kpi_tools.words.row_words import rows_of
from tests.page_samples import activity_points, points

COUNTS = pd.DataFrame(
    {
        "quarter": ["2024-25 Q2", "2024-25 Q3"],
        "Green": [16, 17],
        "Amber": [15, 12],
        "Red": [8, 9],
        "Not rated": [1, 0],
    }
)


def rows(**columns) -> list[dict]:
    return rows_of(points(**columns))


def activity_rows(**columns) -> list[dict]:
    return rows_of(activity_points(**columns))


def texts(spec: dict) -> list[str]:
    return [row["text"] for row in spec["datasets"]["texts"]]


def line(spec: dict, kind: str) -> list[tuple[float, float]]:
    return [(row["x"], row["y"]) for row in spec["datasets"]["lines"] if row["kind"] == kind]


def test_columns_stand_on_zero_and_reach_their_value():
    boxes = kpi_spec(rows())["datasets"]["boxes"]
    assert [(box["y2"], box["y"]) for box in boxes] == [
        (0, 82),
        (0, 84),
        (0, 83),
        (0, 88),
        (0, 86),
        (0, 91),
    ]
    assert [math.floor(box["x"]) for box in boxes] == [0, 1, 2, 3, 4, 5]


def test_each_column_and_quarter_is_named():
    assert texts(kpi_spec(rows()))[:6] == [
        "Sep 23",
        "Dec 23",
        "Mar 24",
        "Jun 24",
        "Sep 24",
        "Dec 24",
    ]
    assert {"82%", "91%", "Target 90%", "Floor 80%"} <= set(texts(kpi_spec(rows())))


def test_a_printed_value_does_not_contradict_its_floor():
    spec = kpi_spec(rows(values=(80, 80, 80, 80, 80, 74.7), floor_standard=75.0))
    assert "74.7%" in texts(spec) and "75%" not in texts(spec)


def test_target_steps_where_it_changes():
    spec = kpi_spec(rows(target=[85, 85, 90, 90, 90, 95]))
    assert line(spec, "target") == [
        (0, 85),
        (1, 85),
        (1, 85),
        (2, 85),
        (2, 90),
        (3, 90),
        (3, 90),
        (4, 90),
        (4, 90),
        (5, 90),
        (5, 95),
        (6, 95),
    ]


def test_a_line_is_broken_where_there_was_no_target():
    lines = kpi_spec(rows(target=[85, math.nan, 90, 90, 90, 90]))["datasets"]["lines"]
    parts = {row["x"]: row["part"] for row in lines if row["kind"] == "target"}
    assert parts[0] != parts[6]
    assert 1.5 not in parts


@pytest.mark.parametrize(
    ("status", "word"),
    [("not available", "no data"), ("not collected", "no data"), ("suppressed", "[c]")],
)
def test_a_missing_quarter_has_no_column_and_says_so(status: str, word: str):
    spec = kpi_spec(
        rows(values=(82, math.nan, 83, 88, 86, 91), status=["final", status, *["final"] * 4])
    )
    assert len(spec["datasets"]["boxes"]) == 5
    assert word in texts(spec)


def test_estimated_and_illustrative_columns_look_different():
    spec = kpi_spec(
        rows(
            status=["illustrative", "estimated", "provisional", "carried forward", "final", "final"]
        )
    )
    kinds = [box["kind"] for box in spec["datasets"]["boxes"]]
    assert kinds == ["illustrative", "estimated", "estimated", "estimated", "final", "final"]


def test_names_of_close_lines_do_not_overlap():
    spec = kpi_spec(rows(target=90.0, floor_standard=89.9), ("England", 90.1))
    (low, high) = (param["value"] for param in spec["params"])
    named = sorted(row["y"] for row in spec["datasets"]["texts"] if row["align"] == "left")
    assert len(named) == 3
    assert min(b - a for a, b in zip(named, named[1:], strict=False)) >= 0.99 * 14 / 150 * (
        high - low
    )


def test_benchmark_is_drawn_over_all_quarters():
    spec = kpi_spec(rows(), ("England", 81.0))
    assert line(spec, "benchmark")[0] == (0, 81) and line(spec, "benchmark")[-1] == (6, 81)
    assert "England 81%" in texts(spec)


def test_everything_lies_within_the_scale():
    spec = kpi_spec(rows(values=(1, 2, 3, 4, 5, 250), target=300.0))
    assert [param["value"] for param in spec["params"]][1] > 300


def test_a_kpi_without_figures_or_lines_can_be_drawn():
    spec = kpi_spec(
        rows(
            values=(math.nan,) * 6, status="not available", target=math.nan, floor_standard=math.nan
        )
    )
    assert spec["datasets"]["boxes"] == []
    assert texts(spec).count("no data") == 6


def test_activity_has_its_band_and_a_point_for_each_value():
    data = activity_spec(activity_rows())["datasets"]
    assert [dot["y"] for dot in data["dots"]] == [100, 110, 95, 105, 120, 150]
    assert {(row["y"], row["y2"]) for row in data["band"]} == {(130, 90)}
    assert {"Up to 130", "From 90"} <= {row["text"] for row in data["texts"]}


def test_the_line_of_an_activity_is_not_drawn_over_a_gap():
    data = activity_spec(activity_rows(value=[100, 110, math.nan, 105, 120, 150]))["datasets"]
    parts = [row["part"] for row in data["lines"] if row["kind"] == "actual"]
    assert len(parts) == 5 and len(set(parts)) == 2


def test_a_line_starts_at_zero_unless_all_values_are_far_from_it():
    assert activity_range([10, 50, 100])[0] == 0
    low, high = activity_range([950, 1000])
    assert 0 < low < 950 and high > 1000


def test_stacked_counts_add_up_to_the_whole_set():
    boxes = counts_spec(COUNTS)["datasets"]["boxes"]
    heights = {(math.floor(box["x"]), box["kind"]): box["y"] - box["y2"] for box in boxes}
    assert heights == {
        (0, "Not rated"): 1,
        (0, "Green"): 16,
        (0, "Amber"): 15,
        (0, "Red"): 8,
        (1, "Green"): 17,
        (1, "Amber"): 12,
        (1, "Red"): 9,
    }
    assert min(box["y2"] for box in boxes) == 0


def test_charts_are_altair_charts_with_their_own_data():
    charts = [kpi_spec(rows()), activity_spec(activity_rows()), counts_spec(COUNTS)]
    assert all(isinstance(alt.Chart.from_dict(spec), alt.LayerChart) for spec in charts)
    one, other = kpi_spec(rows()), kpi_spec(rows(values=(1, 2, 3, 4, 5, 6)))
    assert one["datasets"]["boxes"][0]["y"] == 82 and other["datasets"]["boxes"][0]["y"] == 1


def test_the_rows_given_are_left_as_they_are():
    given, kept = rows(), rows()
    kpi_spec(given, ("England", 81.0))
    assert str(given) == str(kept)
