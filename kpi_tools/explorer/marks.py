"""Marks of an explorer's chart, and where they find room: the pieces from which `explorer_data` builds its views.

A chart has slots from left to right: period n fills 0 to 1 from x = n. A figure that is missing has no mark.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from kpi_tools.vocabulary import ESTIMATED, FINAL, ILLUSTRATIVE, STATUSES_WITH_VALUE
from kpi_tools.words.wording import decimals_against, rounded, show_line

HEIGHT = 300
_LINE_OF_TEXT = 15 / HEIGHT
_MOST_LABELS = 14
_ABSENT = {"suppressed": "[c]", "not applicable": "n/a"}

Rows = list[dict[str, Any]]
Marks = dict[str, Any]


def marks(
    band: Rows, lines: Rows, dots: Rows, texts: Rows, low: float, high: float, slots: int, unit: str
) -> Marks:
    if not dots:
        texts = [
            *texts,
            text(slots / 2, (low + high) / 2, "No figures have been received", "quiet"),
        ]
    return {
        "band": band,
        "lines": lines,
        "dots": dots,
        "texts": texts,
        "range": (low, high),
        "slots": slots,
        "unit": unit,
    }


def unit_of(rows: Rows) -> str:
    return str(rows[-1]["unit"]) if rows else ""


def span(levels: Iterable[float], unit: str, from_zero: bool = True) -> tuple[float, float]:
    """The vertical scale around all levels, from zero where they are not far above it; percentages end at 100."""
    known = [level for level in levels if finite(level)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    room = 0.08 * (high - low) or 0.08 * abs(high) or 1.0
    near_zero = low >= 0 and (low < 0.4 * high or (from_zero and low < 0.6 * high))
    bottom = min(low, 0.0) if near_zero else low - room
    if unit == "%" and low >= 0:
        bottom = max(bottom, 0.0)
    return bottom, high + room


def within(level: float, unit: str) -> float:
    return min(max(level, 0.0), 100.0) if unit == "%" and finite(level) else level


def target_lines(rows: Rows, slots: int) -> tuple[Rows, list[tuple[float, str]]]:
    lines, named = [], []
    for kind, column, word in (
        ("target", "target", "Target"),
        ("floor", "floor_standard", "Floor"),
    ):
        level = [row[column] for row in rows]
        level += level[-1:] * (slots - len(rows))
        lines += steps(kind, level, kind)
        known = [value for value in level if finite(value)][-1:]
        named += [(value, f"{word} {short_line(value, rows[-1])}") for value in known]
    return lines, named


def steps(
    kind: str, levels: Sequence[float], name: str, parts: Sequence[Any] | None = None
) -> Rows:
    """Two points for each slot, so that a level holds throughout; a gap or another part begins a new line."""
    rows: Rows = []
    gap = 0
    for place, level in enumerate(levels):
        if not finite(level):
            gap += 1
            continue
        part = f"{name} {gap} {parts[place] if parts is not None else ''}"
        rows += [at(x, level, kind, part=part) for x in (place, place + 1)]
    return rows


def joined(kind: str, levels: Sequence[float], name: str = "") -> Rows:
    rows: Rows = []
    gap = 0
    for place, level in enumerate(levels):
        if finite(level):
            rows.append(at(place + 0.5, level, kind, part=f"{kind} {name}{gap}"))
        else:
            gap += 1
    return rows


def figures(rows: Rows) -> Iterable[tuple[int, dict[str, Any]]]:
    return ((place, row) for place, row in enumerate(rows) if finite(row["value"]))


def dot(
    x: float,
    row: dict[str, Any],
    name: str,
    *,
    kind: str = "",
    rated: bool = False,
    cause: bool = False,
) -> dict[str, Any]:
    shown = row["rating"] if rated else kind
    if cause:
        shown = row["special_cause"] if isinstance(row["special_cause"], str) else "common cause"
    status = row["status"]
    sure = (
        status
        if status in (FINAL, ILLUSTRATIVE)
        else ESTIMATED
        if status in STATUSES_WITH_VALUE
        else FINAL
    )
    return at(x, float(row["value"]), shown, id=name, status=sure, shown=short(row))


def values(dots: Rows, low: float, high: float) -> Rows:
    """The figures beside their dots, where there is room for them: above, or below where the line dips."""
    if len(dots) > _MOST_LABELS + 6:
        return []
    ordered, texts = sorted(dots, key=lambda dot: dot["x"]), []
    for place, dot in enumerate(ordered):
        beside = [ordered[near]["y"] for near in (place - 1, place + 1) if 0 <= near < len(ordered)]
        dips = (
            bool(beside)
            and all(y > dot["y"] for y in beside)
            and dot["y"] - low > 0.1 * (high - low)
        )
        texts.append(
            text(
                dot["x"], dot["y"] + (-0.06 if dips else 0.06) * (high - low), dot["shown"], "dark"
            )
        )
    return texts


def gaps(rows: Rows, low: float, high: float) -> Rows:
    return [
        text(place + 0.5, low + 0.04 * (high - low), _ABSENT.get(row["status"], "no data"), "quiet")
        for place, row in enumerate(rows)
        if not finite(row["value"])
    ]


def axis(labels: Sequence[str], low: float, high: float) -> Rows:
    """The periods below the chart: so many of them that they do not touch, the latest always."""
    every = math.ceil(len(labels) / _MOST_LABELS) or 1
    shown = [place for place in range(len(labels)) if (len(labels) - 1 - place) % every == 0]
    return [
        text(place + 0.5, low - 0.06 * (high - low), clipped(labels[place]), "dark")
        for place in shown
    ]


def edge(named: Sequence[tuple[float, str]], slots: int, low: float, high: float) -> Rows:
    """The lines' names at the right edge, pushed apart where they would overlap."""
    apart = _LINE_OF_TEXT * (high - low)
    texts = sorted(set(named))
    places = [value for value, _ in texts]
    for _ in texts:
        for upper in range(1, len(places)):
            missing = apart - (places[upper] - places[upper - 1])
            if missing > 1e-9 * apart:
                places[upper - 1] -= missing / 2
                places[upper] += missing / 2
    return [
        text(slots, place, name, "dark", "left")
        for place, (_, name) in zip(places, texts, strict=True)
    ]


def short(row: dict[str, Any]) -> str:
    lines = [row.get(name, math.nan) for name in ("target", "floor_standard")]
    number = rounded(row["value"], decimals_against(row["value"], int(row["decimals"]), lines))
    return f"{number}%" if row["unit"] == "%" else number


def short_line(value: float, row: dict[str, Any]) -> str:
    unit = row["unit"] if row["unit"] == "%" else "GBP" if row["unit"].startswith("GBP") else ""
    decimals = int(row["decimals"])
    return show_line(round(value, decimals + 1), unit, decimals)


def clipped(text: str, length: int = 14) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def text(x: float, y: float, text: str, tone: str, align: str = "center") -> dict[str, Any]:
    return {"x": round(x, 3), "y": y, "text": text, "tone": tone, "align": align}


def at(x: float, y: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"x": round(x, 3), "y": float(y), "kind": kind} | more


def finite(number: Any) -> bool:
    return number is not None and math.isfinite(number)
