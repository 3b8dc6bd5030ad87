"""Where the bands of a rating lie on a value axis: from `rating.band_lines` to regions."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from kpi_tools.rating import band_lines
from kpi_tools.vocabulary import CLOSEST, LOWER
from kpi_tools.wording import Row, Rows, is_number, rows_of

DEFAULT_COLOURS = {"Green": "green", "Amber": "amber", "Red": "red"}


class Region(NamedTuple):
    """A band between two values."""

    band: str
    colour: str
    low: float
    high: float


def regions(points: Rows, bands: Rows | None, low: float, high: float) -> list[list[Region]]:
    """For each row the bands of its rating from below to above, within an axis; none where no line
    is set.

    `bands`: the KPI's rows of `rating.band_lines`; without them those of the default bands.
    """
    given: dict[str, Rows] = {}
    for row in rows_of(band_lines(pd.DataFrame(points))) if bands is None else bands:
        given.setdefault(row["quarter"], []).append(row)
    return [_stacked(_spans(row, given.get(row["quarter"], [])), low, high) for row in points]


def _spans(row: Row, bands: Rows) -> list[Region]:
    """From where to where each band's line is met, best first; the last takes the rest."""
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
