"""A value axis over periods, and the marks upon it: bands, steps, a series, points, and texts.

Period number n fills the places n to n + 1, its point stands at n + 0.5. Texts stand at pixels.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import pandas as pd

from kpi_tools.page.drawing import BANDS, INK, QUIET, VIOLET, WHITE, Drawing
from kpi_tools.page.labels import Box, Label, Level, Segment, every, place, spread, text_width
from kpi_tools.rating import band_lines, meets
from kpi_tools.rows import Row, Rows, is_number, rows_of

DEFAULT_COLOURS = {"Green": "green", "Amber": "amber", "Red": "red"}
Pair = tuple[float, float]
SMALL = 13
_NAME_GAP, _LEAST_ROOM = 17.0, 18.0


class Unit(NamedTuple):
    """How values of an axis are printed: divided, and between two texts."""

    prefix: str = ""
    suffix: str = ""
    divisor: float = 1

    def text(self, tick: float) -> str:
        """A round value with this unit."""
        size = f"{self.prefix}{abs(tick) / self.divisor:,g}{self.suffix}"
        return f"−{size}" if tick < 0 else size


class Region(NamedTuple):
    """A band between two values."""

    band: str
    colour: str
    low: float
    high: float


class Name(NamedTuple):
    """A text at the right end of the chart, beside the height of what it names."""

    value: float
    text: str
    bold: bool = True


@dataclass
class Canvas:
    """A chart of so many `places` from `low` to `high`, `total` wide, its plot `height` high. The
    margins are the least: the axis and the `names` take what they need."""

    low: float
    high: float
    places: float
    unit: Unit = Unit()
    names: Sequence[Name] = ()
    total: float = 400
    height: float = 180
    axis: bool = True
    grid: bool = False
    left: float = 34
    right: float = 24
    top: float = 20
    bottom: float = 44
    bands: Rows = field(default_factory=list)
    columns: Rows = field(default_factory=list)
    lines: Rows = field(default_factory=list)
    points: Rows = field(default_factory=list)
    texts: Rows = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)
    _series: list[Segment] = field(default_factory=list)
    _levels: list[Level] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = ticks(self.low, self.high) if self.axis else []
        axis = [self.unit.text(tick) for tick in self.ticks]
        self.left = max([self.left, *(text_width(text, SMALL) + 10 for text in axis)])
        named = [(line, name.bold) for name in self.names for line in wrapped(name.text)]
        self.right = max([self.right, *(text_width(text, SMALL, b) + 10 for text, b in named)])
        self.width = self.total - self.left - self.right
        for tick, text in zip(self.ticks, axis, strict=True):
            y = self.y(tick)
            self.text(-7, y + 4.5, text, colour=QUIET, align="right")
            self.taken.append(Box(-self.left, y - 7, -6, y + 7))

    def x(self, at: float) -> float:
        """A place in pixels."""
        return at / self.places * self.width

    def y(self, value: float) -> float:
        """A value in pixels, from above."""
        return (self.high - value) / (self.high - self.low) * self.height

    def at(self, pixels: float) -> float:
        """The place that lies so many pixels from the left."""
        return pixels / self.width * self.places

    def value(self, pixels: float) -> float:
        """The value that lies so many pixels from above."""
        return self.high - pixels / self.height * (self.high - self.low)

    def within(self, value: float) -> float:
        """The value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)

    def band(self, look: str, x: float, x2: float, y: float, y2: float) -> None:
        """A band from place to place and value to value, as far as the axis reaches."""
        low, high = sorted((self.within(y), self.within(y2)))
        if high > low:
            seam = self.at(0.6) if x2 < self.places else 0
            self.bands.append({"x": x, "x2": x2 + seam, "y": low, "y2": high, "look": look})

    def line(self, look: str, xs: Sequence[float], values: Sequence[float]) -> None:
        """A line from point to point."""
        part = f"{len(self.lines)} {look}"
        for step, (x, y) in enumerate(zip(xs, values, strict=True)):
            row = {"x": round(x, 4), "y": y, "step": step, "part": part, "look": look}
            self.lines.append(row)

    def level(self, look: str, value: float, x: float = 0, x2: float | None = None) -> None:
        """A level that texts keep off, from place to place."""
        end = self.places if x2 is None else x2
        self.line(look, [x, end], [value, value])
        self._levels.append((self.x(x), self.x(end), self.y(value)))

    def steps(self, look: str, levels: Sequence[float], end: float = 0) -> None:
        """A level for each period, held throughout, the last up to `end`; a gap ends the line."""
        for known, run in groupby(enumerate(levels), key=lambda item: math.isfinite(item[1])):
            xs: list[float] = []
            values: list[float] = []
            for n, level in run if known else ():
                last = max(end, n + 1) if n == len(levels) - 1 else n + 1
                self._levels.append((self.x(n), self.x(last), self.y(level)))
                if values and values[-1] == level:
                    xs[-1] = last
                else:
                    xs += [n, last]
                    values += [level, level]
            self.line(look, xs, values)

    def joined(
        self, look: str, xs: Sequence[float], values: Sequence[float], breaks: Sequence[int] = ()
    ) -> None:
        """The series through its points, not across a gap or into the places of `breaks`."""
        runs: Rows = []
        for n, (x, value) in enumerate(zip(xs, values, strict=True)):
            if not runs or n in breaks or not math.isfinite(value):
                runs.append({"xs": [], "values": []})
            if math.isfinite(value):
                runs[-1]["xs"].append(x)
                runs[-1]["values"].append(value)
        for run in runs:
            if len(run["xs"]) > 1:
                self.line(look, **run)
            ends = [(self.x(x), self.y(y)) for x, y in zip(run["xs"], run["values"], strict=True)]
            self._series += [(*one, *other) for one, other in pairwise(ends)]

    def point(self, x: float, value: float, look: str, name: str = "") -> None:
        """A point; `name` is its id in a live view."""
        self.points.append({"x": round(x, 4), "y": value, "look": look, "id": name})

    def text(
        self,
        x: float,
        foot: float,
        text: str,
        *,
        size: float = SMALL,
        bold: bool = False,
        colour: str = INK,
        align: str = "center",
        halo: bool = False,
    ) -> None:
        """A text with its foot at a place in pixels; with a `halo` over the marks it meets."""
        weight = "bold" if bold else "normal"
        behind = self._behind(self.at(x), self.value(foot - 5)) if halo else None
        row = {"x": x, "y": foot, "text": text, "fontSize": size, "fontWeight": weight}
        self.texts.append(row | {"fill": colour, "align": align, "behind": behind})

    def _behind(self, x: float, value: float) -> str:
        """The colour that lies behind a place and value."""
        for band in self.bands:
            if band["x"] <= x <= band["x2"] and band["y"] <= value <= band["y2"]:
                return BANDS[band["look"]].fill
        return WHITE

    def note(self, x: float, feet: Sequence[float], text: str, **looks: Any) -> bool:
        """A text at the first of some heights where nothing else is; none (False) without one."""
        width = text_width(text, SMALL, looks.get("bold", False))
        left = x - {"center": 0.5, "right": 1, "left": 0}[looks.get("align", "center")] * width
        places = [(self.x(point["x"]), self.y(point["y"])) for point in self.points]
        others = [Box(x - 6, y - 6, x + 6, y + 6) for x, y in places]
        others += [Box(begin, y - 1, end, y + 1) for begin, end, y in self._levels]
        for foot in feet:
            box = Box(left, foot - 11, left + width, foot + 2)
            across = box.left >= 0 and box.right <= self.width
            inside = across and box.top >= -self.top and box.bottom <= self.height
            if inside and not box.meets([*self.taken, *others]):
                self.taken.append(box)
                self.text(x, foot, text, halo=True, **looks)
                return True
        return False

    def label(self, labels: Sequence[Label]) -> bool:
        """The labels where they find room; of many those that matter (False: not all)."""
        if len(labels) * _LEAST_ROOM > self.width:
            ends = [end(labels, key=lambda label: label.y) for end in (min, max)]
            labels = [one for one in labels if one.strong or one.doubted or one in ends]
        end = self.width + 6
        labels = [one._replace(x=max(one.half - 6, min(one.x, end - one.half))) for one in labels]
        canvas = Box(0, 4 - self.top, self.width, self.height)
        feet = place(labels, canvas, self._series, self._levels, self.taken)
        for label, foot in zip(labels, feet, strict=True):
            if foot is not None:
                self.taken.append(label.box(foot))
                looks: Any = {"bold": label.strong, "colour": VIOLET if label.doubted else INK}
                self.text(label.x, foot, label.text, size=14 + label.strong, halo=True, **looks)
        return None not in feet

    def name(self, bands: Sequence[Region] = ()) -> None:
        """The names at the right end, pushed away from each other, and bands' between them."""
        texts = [wrapped(name.text) for name in self.names]
        wanted = [self.y(self.within(name.value)) for name in self.names]
        sizes = [_NAME_GAP * len(lines) for lines in texts]
        found = spread(wanted, sizes, -4, self.height + 8)
        for name, lines, height, wish in zip(self.names, texts, found, wanted, strict=True):
            for n, line in enumerate(lines):
                foot = height + 4.5 + 15 * (n - (len(lines) - 1) / 2)
                self.text(self.width + 7, foot, line, bold=name.bold, align="left")
            if abs(height - wish) > 3:
                ends = [self.value(wish), self.value(height)]
                self.line("edge", [self.places, self.at(self.width + 7) - 0.02], ends)
        both = zip(found, sizes, strict=True)
        taken = [Box(0, at - size / 2 + 0.5, 1, at + size / 2 - 0.5) for at, size in both]
        for band in bands:
            middle = self.y((band.low + band.high) / 2)
            free = Box(0, middle - 7.5, 1, middle + 7.5)
            if self.y(band.low) - self.y(band.high) >= 15 and not free.meets(taken):
                taken.append(free)
                look = f"band {band.colour}"
                self.point(self.at(self.width + 11), self.value(middle), look)
                self.text(self.width + 20, middle + 4.5, band.band, colour=QUIET, align="left")

    def periods(
        self, labels: Sequence[Sequence[str]], always: bool = False, latest: int = -1
    ) -> None:
        """Two lines under each period, where there is room; number `latest` always and bold.
        The second line stands where it changes, or with `always` everywhere."""
        wide = [text for label in labels for text in (label if always else label[:1])]
        widest = max((text_width(text, SMALL) for text in wide), default=0)
        step = every(len(labels), self.x(1), widest + 2)
        latest %= max(1, len(labels))
        before, right = "", -math.inf
        for n, (above, below) in enumerate(labels):
            if (latest - n) % step:
                continue
            x, half = self.x(n + 0.5), text_width(below, SMALL) / 2
            self.text(x, self.height + 17, above, bold=n == latest)
            if (always or below != before) and x - half > right + 3:
                self.text(x, self.height + 32, below, colour=QUIET)
                before, right = below, x + half

    def drawing(self) -> Drawing:
        """All of it, ready to be drawn."""
        names = ("bands", "columns", "lines", "points", "texts")
        settings = {name: getattr(self, name) for name in ("low", "high", "places", "ticks")}
        margins = (self.left, self.right, self.top, self.bottom)
        data = {name: getattr(self, name) for name in names}
        return Drawing(data, settings | {"grid": +self.grid}, self.width, self.height, margins)


def wrapped(text: str, most: float = 96) -> list[str]:
    """A name in one line, or in two where it is long: `Intervention`, `level 54%`."""
    words = text.split()
    if text_width(text, SMALL, True) <= most or len(words) < 2:
        return [text]
    cuts = [[" ".join(words[:n]), " ".join(words[n:])] for n in range(1, len(words))]
    return min(cuts, key=lambda two: max(text_width(one, SMALL, True) for one in two))


def axis(
    levels: Iterable[float], *, ends: Pair = (-math.inf, math.inf), from_zero: bool = False
) -> Pair:
    """Where an axis begins and ends: around all levels, not beyond the `ends` of the measure."""
    known = [level for level in levels if math.isfinite(level)]
    if not known:
        return (ends[0], ends[0] + 1) if math.isfinite(ends[0]) else (0.0, 1.0)
    low, high = min(known), max(known)
    if from_zero or (low >= 0 and low < 0.35 * high):
        low, high = min(low, 0.0), max(high, 0.0)
    room = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
    fine = _step(high - low + 2 * room, 25)
    bottom = low if low == 0 else math.floor((low - room) / fine) * fine
    top = high if high == 0 and low < 0 else math.ceil((high + room) / fine) * fine
    return max(bottom, min(ends[0], low)), min(top, max(ends[1], high))


def ticks(low: float, high: float) -> list[float]:
    """Round values within an axis, two to six of them."""
    step = _step(high - low, 5.5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, last + 1)]


def _step(span: float, parts: float) -> float:
    """The least of 1, 2, 5, 10, 20 … of which so many fill the span."""
    power = 10.0 ** math.floor(math.log10(span / parts))
    return next(power * size for size in (1, 2, 5, 10) if power * size >= 0.999 * span / parts)


def period_label(end: date, yearly: bool = False) -> tuple[str, str]:
    """What stands under a period that ends then: month and year; of a `yearly` one its years."""
    if not yearly:
        return f"{end:%b}", f"{end:%Y}"
    begun = (end + timedelta(days=1)).year - 1
    return (str(end.year), "") if begun == end.year else (str(begun), f"/{end.year % 100:02}")


# Where the bands of a rating lie on a value axis.


def regions(points: Rows, bands: Rows | None, low: float, high: float) -> list[list[Region]]:
    """For each row the bands of its rating, within an axis, upwards; none where no line is set.
    `bands`: the KPI's rows of `rating.band_lines`; without them those of the default bands."""
    given: dict[str, Rows] = {}
    for row in rows_of(band_lines(pd.DataFrame(points))) if bands is None else bands:
        given.setdefault(row["quarter"], []).append(row)
    return [_stacked(row, given.get(row["quarter"], []), low, high) for row in points]


def _stacked(row: Row, bands: Rows, low: float, high: float) -> list[Region]:
    """Each piece of the axis has the best band whose line it meets; the last band takes the rest,
    where it has no line and the one before it has."""
    lines = [band for band in bands if is_number(band["edge"])]
    takes_rest = len(bands) > 1 and is_number(bands[-2]["edge"]) and bands[-1] not in lines
    rest = bands[-1:] if takes_rest else []
    edges = {number(band.get(end)) for band in lines for end in ("edge", "far_edge")}
    found: list[Region] = []
    for bottom, top in pairwise(sorted({low, high, *(end for end in edges if low < end < high)})):
        middle, way = (bottom + top) / 2, row["polarity"]
        met = [one for one in lines if meets(middle, one["edge"], way, far=one.get("far_edge"))]
        for band in [*met, *rest][:1]:
            if found and found[-1].band == band["band"] and found[-1].high == bottom:
                found[-1] = found[-1]._replace(high=top)
            else:
                found.append(Region(band["band"], band["colour"], bottom, top))
    return found


def number(cell: object) -> float:
    """A cell as a number, not a number where it is empty."""
    return float(cell) if is_number(cell) else math.nan
