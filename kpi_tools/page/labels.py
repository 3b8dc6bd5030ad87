"""Where the texts of a chart find room: places in pixels, worked out from what else is drawn.

A label may stand above or below its point, near or further off; of its places it takes the
cheapest, and is left out where none is free.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

_WIDE = {"%": 0.89, "m": 0.83, "M": 0.83, "w": 0.72, "W": 0.94, "£": 0.56, "−": 0.58, "-": 0.33}
_NARROW = "il.,:;'|!()[]/tfjr I"
_CROSSED, _TOUCHED, _OUT, _WRONG_BAND, _FAR, _MET = 4.0, 6.0, 9.0, 3.0, 1.0, 100.0

Level = tuple[float, float, float]
"""A horizontal line: from x, to x, height."""
Segment = tuple[float, float, float, float]


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

    def meets(self, others: Iterable["Box"]) -> int:
        """With how many others it shares any room."""
        left, top, right, bottom = self
        return sum(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
            for other in others
        )


class Label(NamedTuple):
    """A text for the point at `x`, `y`; bold where `strong`, the point ringed where `doubted`."""

    x: float
    y: float
    text: str
    strong: bool = False
    doubted: bool = False

    @property
    def half(self) -> float:
        """Half its width."""
        return text_width(self.text, 14 + self.strong, self.strong) / 2

    def box(self, foot: float) -> Box:
        """The room it takes with its foot at this height."""
        half, size = self.half, 14 + self.strong
        return Box(self.x - half, foot - 0.76 * size, self.x + half, foot + 0.06 * size)


def place(
    labels: Sequence[Label],
    canvas: Box,
    series: Sequence[Segment] = (),
    levels: Sequence[Level] = (),
    taken: Sequence[Box] = (),
) -> list[float | None]:
    """The height of each label's foot; None for one that finds no room. Strong ones and the ends
    choose first. They stay within the `canvas`, and off the `taken` boxes, other points, the
    `series` and the `levels`."""
    feet: list[float | None] = [None] * len(labels)
    occupied, heights = list(taken), [label.y for label in labels]
    reaches = [10 if one.doubted else 6 if one.strong else 5 for one in labels]
    points = [
        Box(one.x - 4, one.y - reach + 1, one.x + 4, one.y + reach - 1)
        for one, reach in zip(labels, reaches, strict=True)
    ]

    def cost(label: Label, foot: float, others: Sequence[Box]) -> float:
        box = left, top, right, bottom = label.box(foot)
        room = Box(left - 2, top - 1, right + 2, bottom + 1)
        crossed = room.meets(others) + sum(_crosses(box, *segment) for segment in series)
        touched, parted = 0, False
        for begin, end, height in levels:
            touched += begin < right and left < end and top - 2 < height < bottom + 2
            between = label.y < height < top or bottom < height < label.y
            parted |= begin < label.x < end and between
        over = canvas.left - left, canvas.top - top, right - canvas.right, bottom - canvas.bottom
        beyond = _MET if max(over) > 6 else _OUT * (max(over) > 0)
        met = _MET * room.meets(occupied)
        return met + _CROSSED * crossed + _TOUCHED * touched + _WRONG_BAND * parted + beyond

    ends = {heights.index(end(heights)) for end in (min, max) if heights}
    for n in sorted(range(len(labels)), key=lambda n: (not labels[n].strong, n not in ends, n)):
        label, others = labels[n], points[:n] + points[n + 1 :]
        above, below = label.y - reaches[n] - 6.5, label.y + reaches[n] + 15.5
        wanted = enumerate((above, below, above - 14, below + 14))
        found, _, foot = min((cost(label, at, others) + _FAR * far, far, at) for far, at in wanted)
        if found < _MET:
            feet[n] = foot
            occupied.append(label.box(foot))
    return feet


def spread(middles: list[float], sizes: list[float], low: float, high: float) -> list[float]:
    """Middles of things so large, pushed equally to both sides until none overlap."""
    order = sorted(range(len(middles)), key=lambda n: (middles[n], n))
    before = [0.0, *accumulate(sizes[n] for n in order)]  # how much those before each one take
    wished = [middles[n] - sizes[n] / 2 - taken for n, taken in zip(order, before, strict=False)]
    found = list(middles)
    for place, n in enumerate(order):  # the nearest to the wishes that does not fall
        begin = max(
            min(sum(wished[j:k]) / (k - j) for k in range(place + 1, len(order) + 1))
            for j in range(place + 1)
        )
        found[n] = max(low, min(begin, high - before[-1])) + before[place] + sizes[n] / 2
    return found


def every(count: int, room: float, width: float) -> int:
    """Of how many neighbours one can be labelled, each with so much room, a label so wide."""
    least = max(1, math.ceil(width / room)) if count > 1 else 1
    return next((step for step in (1, 2, 4, 8, 12, 20) if step >= least), least)


def _crosses(box: Box, x1: float, y1: float, x2: float, y2: float) -> bool:
    """Whether a piece of the series runs through the box."""
    left, right = max(box.left, min(x1, x2)), min(box.right, max(x1, x2))
    if left >= right:
        return False
    slope = (y2 - y1) / (x2 - x1) if x2 != x1 else 0.0
    low, high = sorted(y1 + slope * (x - x1) for x in (left, right))
    return low < box.bottom and high > box.top
