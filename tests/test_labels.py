"""Labels find room, and never lie upon each other."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.page.labels import Box, Label, every, place, spread, text_width

CANVAS = Box(0, -16, 276, 180)
heights = st.lists(st.floats(0, 180), min_size=1, max_size=9)


def labelled(ys: list[float], text: str) -> tuple[list[Label], list[float | None]]:
    step = 276 / len(ys)
    labels = [Label(step * (n + 0.5), y, text, strong=n == len(ys) - 1) for n, y in enumerate(ys)]
    points = [(label.x, label.y) for label in labels]
    series = [(*one, *other) for one, other in pairwise(points)]
    return labels, place(labels, CANVAS, series, [(0, 276, 90), (0, 276, 95)])


@given(heights)
def test_the_latest_is_always_labelled(ys):
    assert labelled(ys, "100%")[1][-1] is not None


def test_a_label_stands_above_its_point_and_below_where_the_line_comes_from_above():
    labels, feet = labelled([40.0, 120.0, 40.0], "88%")
    assert feet[0] < labels[0].y and not (feet[1] is not None and feet[1] < labels[1].y)
    labels, feet = labelled([97.0], "88%")  # above it lie two lines
    assert feet[0] is not None and labels[0].box(feet[0]).top > 95


@given(st.lists(st.floats(-50, 250), min_size=1, max_size=9), st.sampled_from([5.0, 17.0]))
def test_names_are_pushed_apart_in_their_order_and_within_the_ends(middles, size):
    found = spread(middles, [size] * len(middles), 0, 180)
    assert min(found) >= size / 2 - 1e-6 and max(found) <= 180 - size / 2 + 1e-6
    ordered = sorted(range(len(middles)), key=lambda n: (middles[n], n))
    assert all(found[b] - found[a] >= size - 1e-6 for a, b in pairwise(ordered))


def test_names_with_room_stay_where_they_are():
    assert spread([50, 20, 100], [10, 10, 10], 0, 180) == [50, 20, 100]
    assert spread([50, 50], [10, 10], 0, 180) == pytest.approx([45, 55])


def test_of_many_periods_some_are_named():
    for count, room, step in ((6, 40, 1), (12, 20, 2), (40, 7, 4), (1, 3, 1)):
        assert every(count, room, 24) == step


def test_widths_are_those_of_arial():
    assert text_width("89.6%", 14) == pytest.approx(40.3, abs=1.5)
    assert text_width("Target 90%", 13, bold=True) == pytest.approx(71, abs=5)
