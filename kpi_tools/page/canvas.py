"""A value axis over periods, and the marks upon it: bands, steps, a series, points, and texts where they find room.

Places run from left to right: period number n fills n to n + 1, its point stands at n + 0.5.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from kpi_tools.page.drawing import COLOURS, INK, LINES, QUIET, VIOLET, WHITE, Drawing
from kpi_tools.page.labels import Box, Label, Surroundings, every, place, spread, text_width
from kpi_tools.wording import Rows

NAME_GAP, SMALL, NORMAL = 17.0, 13, 14
_TOP, _BOTTOM, _LEAST_LEFT = 20.0, 44.0, 34.0
_LEAST_ROOM = 18.0


class Unit(NamedTuple):
    """How values of an axis are printed: divided, and between two texts."""

    prefix: str = ""
    suffix: str = ""
    divisor: float = 1


class Name(NamedTuple):
    """A text at the right end of the chart, beside the height of what it names."""

    value: float
    text: str
    bold: bool = True


class Figure(NamedTuple):
    """A point that is labelled with its figure; the `strong` one comes first and is bold, a `doubted` one has a ring."""

    x: float
    value: float
    text: str
    strong: bool = False
    doubted: bool = False


@dataclass
class Canvas:
    """What a chart of so many `places` from `low` to `high` holds; `names` and `room` decide how much is left at its right."""

    low: float
    high: float
    places: float
    unit: Unit = Unit()
    names: Sequence[Name] = ()
    total: float = 400
    height: float = 180
    grid: bool = False
    room: float = 14
    bands: Rows = field(default_factory=list)
    columns: Rows = field(default_factory=list)
    lines: Rows = field(default_factory=list)
    points: Rows = field(default_factory=list)
    texts: Rows = field(default_factory=list)
    _taken: list[Box] = field(default_factory=list)
    _points: list[Box] = field(default_factory=list)
    _series: list[tuple[float, float, float, float]] = field(default_factory=list)
    _levels: list[tuple[float, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ticks = ticks(self.low, self.high)
        widest = max((text_width(self._tick_text(tick), SMALL) for tick in self.ticks), default=0)
        self.left = max(_LEAST_LEFT, widest + 10)
        texts = [(line, name.bold) for name in self.names for line in wrapped(name.text)]
        named = max((text_width(text, SMALL, bold) for text, bold in texts), default=0)
        self.right = max(named, self.room) + 10
        self.width = self.total - self.left - self.right
        beside = (self.y(tick) for tick in self.ticks)
        self._taken += [Box(-self.left, height - 7, -6, height + 7) for height in beside]

    def x(self, at: float) -> float:
        """A place in units of the canvas."""
        return at / self.places * self.width

    def y(self, value: float) -> float:
        """A value in units of the canvas, from above."""
        return (self.high - value) / (self.high - self.low) * self.height

    def within(self, value: float) -> float:
        """The value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)

    def rectangle(self, x: float, x2: float, y: float, y2: float, colour: str) -> None:
        """A band from place to place and value to value, as far as the axis reaches."""
        low, high = sorted((self.within(y), self.within(y2)))
        if high > low:
            seam = 0.6 * self.places / self.width if x2 < self.places else 0
            self.bands.append({"x": x, "x2": x2 + seam, "y": low, "y2": high, "colour": colour})

    def line(self, look: str, xs: Sequence[float], values: Sequence[float]) -> None:
        """A line from point to point."""
        part = f"{len(self.lines)} {look}"
        self.lines += [
            {
                "x": round(x, 4),
                "y": value,
                "step": n,
                "part": part,
                "look": look,
                "cap": LINES[look].cap,
            }
            for n, (x, value) in enumerate(zip(xs, values, strict=True))
        ]

    def bar(self, look: str, x: float, x2: float, value: float) -> None:
        """A short level that texts keep off."""
        self.line(look, [x, x2], [value, value])
        self._levels.append((self.x(x), self.x(x2), self.y(value)))

    def steps(self, look: str, levels: Sequence[float], end: float = 0) -> None:
        """A level for each period, held throughout it; a gap ends the line. The last goes on to the place `end`."""
        for known, run in groupby(enumerate(levels), key=lambda item: math.isfinite(item[1])):
            if not known:
                continue
            xs: list[float] = []
            values: list[float] = []
            for n, level in run:
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
        run: list[tuple[float, float]] = []
        for n, (x, value) in enumerate(zip(xs, values, strict=True)):
            if n in breaks or not math.isfinite(value):
                self._run(look, run)
                run = []
            if math.isfinite(value):
                run.append((x, value))
        self._run(look, run)

    def _run(self, look: str, run: list[tuple[float, float]]) -> None:
        if len(run) > 1:
            self.line(look, [x for x, _ in run], [value for _, value in run])
            ends = [(self.x(x), self.y(value)) for x, value in run]
            self._series += [(*one, *other) for one, other in zip(ends, ends[1:], strict=False)]

    def point(self, x: float, value: float, look: str, name: str = "") -> None:
        """A point; `name` is its id in a live view."""
        across, down = self.x(x), self.y(value)
        self._points.append(Box(across - 6, down - 6, across + 6, down + 6))
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
        """A text at a place, its foot at a height in units of the canvas; with a `halo` over the marks that it meets."""
        self.texts.append(
            {
                "x": round(x, 4),
                "y": self._value(foot),
                "text": text,
                "size": size,
                "weight": "bold" if bold else "normal",
                "colour": colour,
                "align": align,
                "behind": self.behind(x, self._value(foot - 5)) if halo else None,
            }
        )

    def behind(self, x: float, value: float) -> str:
        """The colour that lies behind a place and value."""
        for band in self.bands:
            if band["x"] <= x <= band["x2"] and band["y"] <= value <= band["y2"]:
                return COLOURS[band["colour"]].tint
        return WHITE

    def note(self, x: float, feet: Sequence[float], text: str, **looks: Any) -> bool:
        """A text at the first of some heights where nothing else is; where there is none, no text (False)."""
        width = text_width(text, looks.get("size", SMALL), looks.get("bold", False))
        left = (
            self.x(x)
            - {"center": width / 2, "right": width, "left": 0.0}[looks.get("align", "center")]
        )
        for foot in feet:
            box = Box(left, foot - 11, left + width, foot + 2)
            levels = (
                Box(begin, height - 1, end, height + 1) for begin, end, height in self._levels
            )
            inside = (
                box.left >= 0
                and box.right <= self.width
                and box.top >= -_TOP
                and box.bottom <= self.height
            )
            if inside and not any(
                box.meets(other) for other in (*self._taken, *self._points, *levels)
            ):
                self._taken.append(box)
                self.text(x, foot, text, halo=True, **looks)
                return True
        return False

    def label(self, figures: Sequence[Figure]) -> bool:
        """The figures' texts where they find room (False: not all of them did)."""
        values = [figure.value for figure in figures]
        first = {values.index(end(values)) for end in (min, max) if values}
        if len(figures) * _LEAST_ROOM > self.width:
            chosen = {n for n, figure in enumerate(figures) if figure.strong or figure.doubted}
            figures = [figures[n] for n in sorted(chosen | first)]
            first = set(range(len(figures)))
        labels = []
        for n, figure in enumerate(figures):
            half = text_width(figure.text, NORMAL + figure.strong, figure.strong) / 2
            labels.append(
                Label(
                    max(half - 6, min(self.x(figure.x), self.width + 6 - half)),
                    self.y(figure.value),
                    figure.text,
                    NORMAL + figure.strong,
                    figure.strong,
                    rank=2 if figure.strong else int(n in first),
                    reach=10 if figure.doubted else 6 if figure.strong else 5,
                )
            )
        canvas = Box(0, 4 - _TOP, self.width, self.height)
        feet = place(labels, Surroundings(canvas, self._series, self._levels, self._taken))
        for figure, label, foot in zip(figures, labels, feet, strict=True):
            if foot is not None:
                self._taken.append(label.box(foot))
                colour = VIOLET if figure.doubted else INK
                looks: dict[str, Any] = {
                    "size": label.size,
                    "bold": label.bold,
                    "colour": colour,
                    "halo": True,
                }
                self.text(label.x / self.width * self.places, foot, label.text, **looks)
        return None not in feet

    def name(self) -> list[Box]:
        """Write the names at the right end, pushed away from each other; gives the room they take."""
        texts = [wrapped(name.text) for name in self.names]
        wanted = [self.y(self.within(name.value)) for name in self.names]
        sizes = [NAME_GAP * len(lines) for lines in texts]
        found = spread(wanted, sizes, -4, self.height + 8)
        x = self.places * (1 + 7 / self.width)
        for name, lines, height, wish in zip(self.names, texts, found, wanted, strict=True):
            for n, line in enumerate(lines):
                foot = height + 4.5 + 15 * (n - (len(lines) - 1) / 2)
                self.text(x, foot, line, bold=name.bold, align="left")
            if abs(height - wish) > 3:
                ends = [self._value(wish), self._value(height)]
                self.line("leader", [self.places, x - 0.02], ends)
        return [
            Box(0, height - size / 2 + 0.5, 1, height + size / 2 - 0.5)
            for height, size in zip(found, sizes, strict=True)
        ]

    def between_names(
        self, taken: list[Box], top: float, bottom: float, text: str, look: str
    ) -> None:
        """A shape and a word at the right end for what lies from `top` to `bottom`, where there is room for them."""
        middle = (top + bottom) / 2
        free = Box(0, middle - 7.5, 1, middle + 7.5)
        if bottom - top < 15 or any(free.meets(other) for other in taken):
            return
        taken.append(free)
        self.point(self.places * (1 + 11 / self.width), self._value(middle), look)
        self.text(
            self.places * (1 + 20 / self.width), middle + 4.5, text, colour=QUIET, align="left"
        )

    def periods(
        self, labels: Sequence[tuple[str, str]], *, always: bool = False, latest: int = -1
    ) -> None:
        """Two lines of text under each period, as many as there is room for; number `latest` (the last) always and bold.

        The second line stands where it changes, or with `always` everywhere.
        """
        above, below = ([one[n] for one in labels] for n in (0, 1))
        widest = max(
            (text_width(text, SMALL) for text in (above + below if always else above)), default=0
        )
        step = every(len(labels), self.width / self.places, widest + 2)
        latest %= max(1, len(labels))
        shown = [n for n in range(len(labels)) if (latest - n) % step == 0]
        before, right = "", -math.inf
        for n in shown:
            self.text(n + 0.5, self.height + 17, above[n], bold=n == latest)
            width = text_width(below[n], SMALL)
            if (always or below[n] != before) and self.x(n + 0.5) - width / 2 > right + 3:
                self.text(n + 0.5, self.height + 32, below[n], colour=QUIET)
                before, right = below[n], self.x(n + 0.5) + width / 2

    def drawing(self) -> Drawing:
        """All of it, ready to be drawn."""
        data = {name: getattr(self, name) for name in ("columns", "lines", "points")}
        grid = [self._rule(tick, 0, self.places, "grid") for tick in self.ticks if self.grid]
        left = -4 / self.width * self.places
        ticks = [self._rule(tick, left, 0, "tick") for tick in self.ticks]
        data["bands"] = [*grid, *self.bands, *ticks]
        data["texts"] = [*map(self._tick, self.ticks), *self.texts]
        settings = {"low": self.low, "high": self.high, "places": self.places}
        margins = (self.left, self.right, _TOP, _BOTTOM)
        return Drawing("series", data, self.width, self.height, margins, settings)

    def _rule(self, tick: float, x: float, x2: float, colour: str) -> dict[str, Any]:
        above, below = (self._value(self.y(tick) + way) for way in (0, 1))
        return {"x": x, "x2": x2, "y": below, "y2": above, "colour": colour}

    def _tick(self, tick: float) -> dict[str, Any]:
        x, y = -7 / self.width * self.places, self._value(self.y(tick) + 4.5)
        look = {"size": SMALL, "weight": "normal", "colour": QUIET, "align": "right"}
        return {"x": x, "y": y, "text": self._tick_text(tick), "behind": None, **look}

    def _value(self, height: float) -> float:
        return self.high - height / self.height * (self.high - self.low)

    def _tick_text(self, tick: float) -> str:
        size = f"{self.unit.prefix}{abs(tick) / self.unit.divisor:,g}{self.unit.suffix}"
        return f"−{size}" if tick < 0 else size


def wrapped(text: str, most: float = 96) -> list[str]:
    """A name in one line, or in two where it is long: `Intervention`, `level 54%`."""
    words = text.split()
    if text_width(text, SMALL, True) <= most or len(words) < 2:
        return [text]
    cuts = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
    return list(min(cuts, key=lambda two: max(text_width(one, SMALL, True) for one in two)))


def axis(
    levels: Iterable[float],
    *,
    ends: tuple[float, float] = (-math.inf, math.inf),
    from_zero: bool = False,
) -> tuple[float, float]:
    """From where to where a value axis goes: around all levels, never beyond the `ends` of what the measure can be."""
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
    """What stands under a period that ends then: month and year, or both years of one that is a year long."""
    if not yearly:
        return f"{end:%b}", f"{end:%Y}"
    begun = (end + timedelta(days=1)).year - 1
    return (str(end.year), "") if begun == end.year else (str(begun), f"/{end.year % 100:02}")
