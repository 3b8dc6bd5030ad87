"""Where the bands of a rating lie on a value axis: from the edges of `rating.band_lines` to stacked regions."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from kpi_tools.vocabulary import CLOSEST, LOWER
from kpi_tools.wording import Row, Rows, is_number

DEFAULT_COLOURS = {"Green": "green", "Amber": "amber", "Red": "red"}


class Region(NamedTuple):
    """A band between two values."""

    band: str
    colour: str
    low: float
    high: float


def regions(points: Rows, bands: Rows | None, low: float, high: float) -> list[list[Region]]:
    """For each row the bands of its rating from below to above, within an axis; none where no line is set.

    `bands`: the KPI's rows of `rating.band_lines`; without them what target, floor standard and tolerance of the row say.
    """
    given: dict[str, Rows] = {}
    for row in bands or []:
        given.setdefault(row["quarter"], []).append(row)
    found = []
    for row in points:
        edges = _default_bands(row) if bands is None else given.get(row["quarter"], [])
        found.append(_stacked(_spans(row, edges), low, high))
    return found


def _default_bands(row: Row) -> Rows:
    target, floor = number(row.get("target")), number(row.get("floor_standard"))
    edges, far_edges = [target, floor, math.nan], [math.nan] * 3
    if row["polarity"] == CLOSEST:
        reach = abs(target - floor)
        within = number(row.get("tolerance"))
        within = within if math.isfinite(within) else reach / 2
        edges = [target - within, target - reach, math.nan]
        far_edges = [target + within, target + reach, math.nan]
    names = DEFAULT_COLOURS.items()
    return [
        {"band": band, "colour": colour, "edge": edge, "far_edge": far}
        for (band, colour), edge, far in zip(names, edges, far_edges, strict=True)
    ]


def _spans(row: Row, bands: Rows) -> list[Region]:
    """From where to where the line of each band is met, best first; the last takes the rest where one above it is set."""
    spans = []
    for n, band in enumerate(bands):
        edge, far = number(band["edge"]), number(band.get("far_edge"))
        span = -math.inf, math.inf
        if math.isfinite(edge):
            other = math.inf if row["polarity"] != LOWER else -math.inf
            span = edge, far if row["polarity"] == CLOSEST else other
        elif n == 0 or n < len(bands) - 1 or not math.isfinite(number(bands[n - 1]["edge"])):
            continue
        spans.append(Region(band["band"], band["colour"], min(span), max(span)))
    return spans


def _stacked(spans: Sequence[Region], low: float, high: float) -> list[Region]:
    """Each piece of the axis belongs to the best band that reaches it."""
    ends = {low, high} | {end for span in spans for end in span[2:] if low < end < high}
    found: list[Region] = []
    for bottom, top in pairwise(sorted(ends)):
        here = [span for span in spans if span.low <= (bottom + top) / 2 <= span.high]
        if not here:
            continue
        if found and found[-1].band == here[0].band and found[-1].high == bottom:
            found[-1] = found[-1]._replace(high=top)
        else:
            found.append(here[0]._replace(low=bottom, high=top))
    return found


def number(cell: object) -> float:
    """A cell as a number, not a number where it is empty."""
    return float(cell) if is_number(cell) else math.nan
