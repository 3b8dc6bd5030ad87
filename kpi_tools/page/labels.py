"""Where the texts of a chart find room: places in units of the canvas, worked out from what else is drawn.

Nothing here knows what a figure means. A label belongs to a point and may stand above or below it, near or further off;
of its places it takes the cheapest. Where even that would lie upon another label, it is left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_WIDE = {"%": 0.89, "m": 0.83, "M": 0.83, "w": 0.72, "W": 0.94, "£": 0.56, "−": 0.58, "-": 0.33}
_NARROW = "il.,:;'|!()[]/tfjr I"
_ABOVE, _BELOW = 11.5, 20.5  # from a point to the foot of its label
_FURTHER = 14.0
_RISE, _FALL = 0.76, 0.06  # of a letter's size: above its foot, and below
CROSSED, TOUCHED, OUT, WRONG_BAND, FAR = 4.0, 6.0, 9.0, 3.0, 1.0
_MET = 100.0


def text_width(text: str, size: float, bold: bool = False) -> float:
    """About how wide a text is in Arial, rather too wide than too narrow."""
    units = sum(_WIDE.get(letter, 0.3 if letter in _NARROW else 0.57) for letter in text)
    return units * size * (1.07 if bold else 1.0)


class Box(NamedTuple):
    """A rectangle of the canvas, `top` above `bottom` (y grows downwards)."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two share any room."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class Label:
    """A text for the point at `x`, `y`. Those of a higher `rank` choose first. `reach`: half the point's own height."""

    x: float
    y: float
    text: str
    size: float = 14
    bold: bool = False
    rank: int = 0
    reach: float = 5

    def box(self, foot: float) -> Box:
        """The room it takes with its foot at this height."""
        half = text_width(self.text, self.size, self.bold) / 2
        return Box(self.x - half, foot - _RISE * self.size, self.x + half, foot + _FALL * self.size)


@dataclass(frozen=True)
class Surroundings:
    """What labels avoid: the `series` as segments, horizontal `levels` (from x, to x, height), `taken` boxes, the edges
    of `bands` (from x, to x, height), and the canvas they may use."""

    canvas: Box
    series: Sequence[tuple[float, float, float, float]] = ()
    levels: Sequence[tuple[float, float, float]] = ()
    taken: Sequence[Box] = ()


def place(labels: Sequence[Label], around: Surroundings) -> list[float | None]:
    """The height of each label's foot; None for one that finds no room."""
    feet: list[float | None] = [None] * len(labels)
    taken = list(around.taken)
    points = [
        Box(one.x - 4, one.y - one.reach + 1, one.x + 4, one.y + one.reach - 1) for one in labels
    ]
    for number in sorted(range(len(labels)), key=lambda n: (-labels[n].rank, n)):
        label = labels[number]
        others = [box for n, box in enumerate(points) if n != number]
        costs = [
            (_cost(label, foot, around, taken, others) + FAR * far, far, foot)
            for far, foot in enumerate(_feet(label))
        ]
        cost, _, foot = min(costs)
        if cost < _MET:
            feet[number] = foot
            taken.append(label.box(foot))
    return feet


def spread(
    middles: Sequence[float], sizes: Sequence[float], low: float, high: float
) -> list[float]:
    """Middles of things so large, pushed away from each other until none overlap, equally to both sides, from low to high."""
    order = sorted(range(len(middles)), key=lambda n: (middles[n], n))
    groups: list[
        tuple[float, list[int]]
    ] = []  # where a group of neighbours begins, and who is in it
    for n in order:
        group = [n]
        begin = middles[n] - sizes[n] / 2
        while groups and groups[-1][0] + sum(sizes[m] for m in groups[-1][1]) > begin + 1e-9:
            group = groups.pop()[1] + group
            wished, offset = 0.0, 0.0
            for m in group:
                wished += middles[m] - sizes[m] / 2 - offset
                offset += sizes[m]
            begin = wished / len(group)
        begin = max(low, min(begin, high - sum(sizes[m] for m in group)))
        groups.append((begin, group))
    found = list(middles)
    end = math.inf
    for begin, group in reversed(groups):
        begin = min(begin, end - sum(sizes[m] for m in group))
        end = begin
        for m in group:
            found[m] = begin + sizes[m] / 2
            begin += sizes[m]
    return found


def every(count: int, room: float, width: float) -> int:
    """Of how many neighbours one can be labelled, where each has so much room and a label is so wide."""
    needed = max(1, math.ceil(width / room)) if count > 1 else 1
    return next((step for step in (1, 2, 4, 8, 12, 20) if step >= needed), needed)


def _feet(label: Label) -> list[float]:
    above, below = label.y - label.reach - 6.5, label.y + label.reach + 15.5
    return [above, below, above - _FURTHER, below + _FURTHER]


def _cost(
    label: Label, foot: float, around: Surroundings, taken: Sequence[Box], points: Sequence[Box]
) -> float:
    box = label.box(foot)
    room = Box(box.left - 2, box.top - 1, box.right + 2, box.bottom + 1)
    cost = _MET * sum(room.meets(other) for other in taken) + CROSSED * sum(
        room.meets(other) for other in points
    )
    cost += CROSSED * sum(_crosses(box, *segment) for segment in around.series)
    touched = [
        height
        for left, right, height in around.levels
        if left < box.right and box.left < right and box.top - 2 < height < box.bottom + 2
    ]
    parted = any(
        left < label.x < right and (label.y < height < box.top or box.bottom < height < label.y)
        for left, right, height in around.levels
    )
    canvas = around.canvas
    outside = max(
        canvas.left - box.left,
        box.right - canvas.right,
        canvas.top - box.top,
        box.bottom - canvas.bottom,
        0,
    )
    beyond = _MET if outside > 6 else OUT * (outside > 0)
    return cost + TOUCHED * len(touched) + WRONG_BAND * parted + beyond


def _crosses(box: Box, x1: float, y1: float, x2: float, y2: float) -> bool:
    """Whether a piece of the series runs through the box."""
    left, right = max(box.left, min(x1, x2)), min(box.right, max(x1, x2))
    if left >= right:
        return False
    slope = (y2 - y1) / (x2 - x1) if x2 != x1 else 0.0
    ends = sorted(y1 + slope * (x - x1) for x in (left, right))
    return ends[0] < box.bottom and ends[1] > box.top
