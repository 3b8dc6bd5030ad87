"""Where each mark of a chart stands: rows of plain numbers and words that the shapes of `charts` draw."""

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    AMBER,
    ESTIMATED,
    FINAL,
    ILLUSTRATIVE,
    NOT_RATED,
    RAGS,
    STATUSES_WITH_VALUE,
)
from kpi_tools.words.row_words import Row, Rows, rows_of
from kpi_tools.words.wording import decimals_against, rounded, show_line

WIDTH, HEIGHT = 276, 150
_LINE_OF_TEXT = 15 / HEIGHT
_ABSENT = {"suppressed": "[c]", "not applicable": "n/a"}


def kpi_data(points: Rows, benchmark: tuple[str, float] | None = None) -> dict[str, Any]:
    """Data sets `boxes`, `lines`, `texts` and the `range` of the vertical scale for a KPI's columns."""
    levels = [row[name] for row in points for name in ("value", "target", "floor_standard")]
    high = _top([*levels, benchmark[1] if benchmark else math.nan])
    low = min(0.0, *(level for level in levels if math.isfinite(level)), 0.0)
    height = high - low
    boxes: Rows = []
    lines: Rows = _steps("base", [0.0] * len(points))
    texts: Rows = _axis([row["quarter"] for row in points], low, height)
    for place, row in enumerate(points):
        if not math.isfinite(row["value"]):
            texts.append(
                _text(
                    place + 0.5, low + 0.06 * height, _ABSENT.get(row["status"], "no data"), "quiet"
                )
            )
            continue
        kind = _kind(row["status"])
        boxes.append(
            {"x": place + 0.06, "x2": place + 0.94, "y": row["value"], "y2": 0, "kind": kind}
        )
        texts.append(_value_text(place, row, kind, low, height))
    named = []
    for kind, column, word in (
        ("target", "target", "Target"),
        ("floor", "floor_standard", "Floor"),
    ):
        level = [row[column] for row in points]
        lines += _steps(kind, level)
        known = [
            (value, row) for value, row in zip(level, points, strict=True) if math.isfinite(value)
        ]
        if known:
            value, row = known[-1]
            named.append((value, f"{word} {_short_line(value, row)}"))
    if benchmark and math.isfinite(benchmark[1]):
        area, value = benchmark
        lines += _steps("benchmark", [value] * len(points))
        named.append((value, f"{area} {_short_line(value, points[-1])}"))
    texts += _names(named, low, height)
    return {"boxes": boxes, "lines": lines, "texts": texts, "range": (low, high)}


def activity_data(points: Rows) -> dict[str, Any]:
    """Data sets `band`, `lines`, `dots`, `texts` and the `range` for an activity indicator, the last six periods."""
    rows = points[-6:]
    levels = [row[name] for row in rows for name in ("value", "lower_expected", "upper_expected")]
    known = [level for level in levels if math.isfinite(level)]
    low, high = activity_range(known)
    height = high - low
    texts = _axis([row["period"] for row in rows], low, height)
    band: Rows = []
    dots: Rows = []
    for place, row in enumerate(rows):
        if math.isfinite(row["lower_expected"]) and math.isfinite(row["upper_expected"]):
            band += [
                {"x": x, "y": row["upper_expected"], "y2": row["lower_expected"]}
                for x in (place, place + 1)
            ]
        if math.isfinite(row["value"]):
            dots.append({"x": place + 0.5, "y": row["value"], "kind": _kind(row["status"])})
            side = -1 if _is_dip(rows, place) else 1
            texts.append(
                _text(place + 0.5, row["value"] + side * 0.1 * height, _short(row), "dark")
            )
        else:
            texts.append(
                _text(
                    place + 0.5, low + 0.06 * height, _ABSENT.get(row["status"], "no data"), "quiet"
                )
            )
    lines = _steps("base", [low] * len(rows)) + _joined([row["value"] for row in rows])
    named = []
    for column, word in (("upper_expected", "Up to"), ("lower_expected", "From")):
        level = [row[column] for row in rows]
        lines += _steps("limit", level, column)
        last = [
            (value, row) for value, row in zip(level, rows, strict=True) if math.isfinite(value)
        ][-1:]
        named += [(value, f"{word} {_short_line(value, row)}") for value, row in last]
    return {
        "band": band,
        "lines": lines,
        "dots": dots,
        "texts": texts + _names(named, low, height),
        "range": (low, high),
    }


def activity_range(levels: list[float]) -> tuple[float, float]:
    """The vertical scale for a line: from zero, unless everything lies in the upper 40% of what would be drawn."""
    if not levels:
        return 0.0, 1.0
    low, high = min(levels), max(levels)
    spread = high - low
    if low > 0.6 * high and spread > 0:
        return low - 0.5 * spread, high + 0.35 * spread
    return min(0.0, low), _top([*levels, 1.12 * high])


def counts_data(history: pd.DataFrame) -> dict[str, Any]:
    """Data sets `boxes`, `lines`, `texts` and the `range` for the stacked columns of ratings."""
    rows = rows_of(history.tail(6))
    order = [NOT_RATED, *RAGS]
    high = float(max(sum(row[rag] for rag in order) for row in rows)) or 1.0
    boxes: Rows = []
    texts = _axis([row["quarter"] for row in rows], 0, high)
    named = []
    for place, row in enumerate(rows):
        top = float(sum(row[rag] for rag in order))
        for rag in order:
            count = int(row[rag])
            if not count:
                continue
            middle = top - count / 2
            boxes.append(
                {"x": place + 0.06, "x2": place + 0.94, "y": top, "y2": top - count, "kind": rag}
            )
            if count > _LINE_OF_TEXT * high:
                texts.append(
                    _text(
                        place + 0.5,
                        middle,
                        str(count),
                        "dark" if rag in (AMBER, NOT_RATED) else "light",
                    )
                )
            top -= count
            if place == len(rows) - 1:
                named.append((middle, rag))
    return {
        "boxes": boxes,
        "lines": _steps("base", [0.0] * len(rows)),
        "texts": texts + _names(named, 0, high),
        "range": (0.0, high),
    }


def _top(levels: Iterable[float]) -> float:
    return 1.06 * max((level for level in levels if math.isfinite(level)), default=1.0) or 1.0


def _kind(status: str) -> str:
    if status in (FINAL, ILLUSTRATIVE):
        return status
    return ESTIMATED if status in STATUSES_WITH_VALUE else FINAL


def _value_text(place: int, row: Row, kind: str, low: float, height: float) -> dict[str, Any]:
    inside = row["value"] - low > 0.14 * height
    crossed = any(
        abs(row[name] - low - 0.06 * height) < 0.06 * height
        for name in ("target", "floor_standard")
    )
    if inside and not crossed:
        return _text(
            place + 0.5, low + 0.06 * height, _short(row), "light" if kind == FINAL else "dark"
        )
    return _text(place + 0.5, max(row["value"], 0) + 0.05 * height, _short(row), "dark")


def _short(row: Row) -> str:
    lines = [row.get(name, math.nan) for name in ("target", "floor_standard")]
    number = rounded(row["value"], decimals_against(row["value"], row["decimals"], lines))
    return f"{number}%" if row["unit"] == "%" else number


def _short_line(value: float, row: Row) -> str:
    unit = row["unit"] if row["unit"] == "%" else "GBP" if row["unit"].startswith("GBP") else ""
    return show_line(value, unit, row["decimals"])


def _text(x: float, y: float, text: str, tone: str, align: str = "center") -> dict[str, Any]:
    return {"x": round(x, 3), "y": y, "text": text, "tone": tone, "align": align}


def _axis(labels: list[str], low: float, height: float) -> Rows:
    return [
        _text(place + 0.5, low - 0.09 * height, Quarter.parse(label).short, "dark")
        for place, label in enumerate(labels)
    ]


def _is_dip(rows: Rows, place: int) -> bool:
    """Whether the line comes down to this point and leaves upwards, so that its figure has room below it."""
    beside = [rows[near]["value"] for near in (place - 1, place + 1) if 0 <= near < len(rows)]
    return all(value > rows[place]["value"] for value in beside if math.isfinite(value))


def _steps(kind: str, levels: list[float], name: str = "") -> Rows:
    """Two points per quarter, so that a level holds for its whole quarter; a gap begins a new part."""
    rows: Rows = []
    part = 0
    for place, level in enumerate(levels):
        if not math.isfinite(level):
            part += 1
            continue
        rows += [
            {"x": x, "y": level, "kind": kind, "part": f"{kind} {name} {part}"}
            for x in (place, place + 1)
        ]
    return rows


def _joined(levels: list[float]) -> Rows:
    rows: Rows = []
    part = 0
    for place, level in enumerate(levels):
        if math.isfinite(level):
            rows.append({"x": place + 0.5, "y": level, "kind": "actual", "part": f"actual {part}"})
        else:
            part += 1
    return rows


def _names(named: list[tuple[float, str]], low: float, height: float) -> Rows:
    """The lines' names at the right edge, pushed apart where they would overlap, kept inside the chart."""
    apart = _LINE_OF_TEXT * height
    ordered = sorted(named, key=lambda item: (item[0], item[1] == "Target"))
    places = [value for value, _ in ordered]
    for lower in range(1, len(places)):
        gap = places[lower] - places[lower - 1]
        if gap < apart:
            places[lower - 1] -= (apart - gap) / 2
            places[lower] += (apart - gap) / 2
    for lower in range(1, len(places)):
        places[lower] = max(places[lower], places[lower - 1] + apart)
    return [
        _text(6, place, text, "dark", "left")
        for place, (_, text) in zip(places, ordered, strict=True)
    ]
