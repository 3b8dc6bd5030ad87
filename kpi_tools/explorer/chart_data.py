"""Where each mark of an explorer's chart stands: rows of plain numbers and words that `explorer_charts` draws.

All views share one drawing: slots from left to right (period n fills 0 to 1 from x = n), lines, dots that can be
clicked (`id`), texts. Every function gives the data sets `band`, `lines`, `dots`, `texts`, with the `range` of the
vertical scale, the number of `slots` and the `unit` for the axis. A figure that is missing has no mark but a word.
"""

import math
from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import pandas as pd

from kpi_tools.explorer.marks import (
    Marks,
    Rows,
    at,
    axis,
    clipped,
    dot,
    edge,
    figures,
    finite,
    gaps,
    joined,
    marks,
    short,
    short_line,
    span,
    steps,
    target_lines,
    text,
    unit_of,
    values,
    within,
)
from kpi_tools.quarters import Quarter
from kpi_tools.words.row_words import rows_of

_FEW_AREAS = 4
_YEARS = "Quarter 1 (Apr–Jun)", "Quarter 2 (Jul–Sep)", "Quarter 3 (Oct–Dec)", "Quarter 4 (Jan–Mar)"


def trend_marks(
    quarters: pd.DataFrame, ahead: pd.DataFrame, months: pd.DataFrame, line: Sequence[float]
) -> Marks:
    """Every quarterly figure by its rating, target and floor as steps, the tested line, single months, what is expected.

    `quarters`: one KPI's rows oldest first; `ahead`: its rows of `outlook.predictions`; `months`: its single months;
    `line`: the heights of the fitted line at the last quarters (none: empty).
    """
    rows, coming, single = (rows_of(table) for table in (quarters, ahead, months))
    unit, slots = unit_of(rows), len(rows) + len(coming)
    place_of = {row["quarter"]: place for place, row in enumerate(rows)}
    single = [row for row in single if row["quarter"] in place_of and math.isfinite(row["value"])]
    levels = [row[name] for row in rows for name in ("value", "target", "floor_standard")]
    levels += [row["value"] for row in single] + [
        row[name] for row in coming for name in ("low", "high")
    ]
    low, high = span(levels, unit)
    lines, named = target_lines(rows, slots)
    lines += joined("actual", [row["value"] for row in rows])
    if len(line):
        first = len(rows) - len(line)
        lines += [
            at(first + n + 0.5, level, "fitted", part="fitted") for n, level in enumerate(line)
        ]
    band: Rows = []
    for n, row in enumerate(coming):
        x = len(rows) + n + 0.5
        band += [at(x + side, within(row["low"], unit), "expected", y2=within(row["high"], unit), part=f"expected {n}")
                 for side in (-0.3, 0.3)]  # fmt: skip
        lines += [
            at(x + side, row["expected"], "expected", part=f"expected {n}") for side in (-0.3, 0.3)
        ]
    dots = [dot(place + 0.5, row, row["quarter"], rated=True) for place, row in figures(rows)]
    for row in single:
        month = (row["period_end"].month - 1) % 3
        alone = dot(place_of[row["quarter"]] + (month + 0.5) / 3, row, row["month"], kind="month")
        dots.append(
            alone
            | {
                "shown": f"{row['period_end']:%b} alone {alone['shown']}"
                if len(single) <= 2
                else ""
            }
        )
    labels = [Quarter.parse(row["quarter"]).short for row in (*rows, *coming)]
    texts = [
        *axis(labels, low, high),
        *values(dots, low, high),
        *gaps(rows, low, high),
        *edge(named, slots, low, high),
    ]
    return marks(band, lines, dots, texts, low, high, slots, unit)


def limit_marks(points: pd.DataFrame) -> Marks:
    """The XmR chart: figures by special cause, mean and process limits of each baseline, the target as a line.

    `points`: one KPI's rows of the classified table, oldest first. Limits of percentages are drawn within 0 to 100;
    where limits are not known there are none.
    """
    rows = rows_of(points)
    unit, slots = unit_of(rows), len(rows)
    for row in rows:
        for name in ("lower_limit", "upper_limit", "near_lower", "near_upper"):
            row[name] = within(row[name], unit)
    levels = [
        row[name] for row in rows for name in ("value", "lower_limit", "upper_limit", "target")
    ]
    low, high = span(levels, unit, from_zero=False)
    lines, band, named = [], [], []
    for name, kind, word in (
        ("upper_limit", "limit", "Upper limit"),
        ("near_upper", "near", ""),
        ("mean", "mean", "Mean"),
        ("near_lower", "near", ""),
        ("lower_limit", "limit", "Lower limit"),
        ("target", "target", "Target"),
    ):
        level = [row[name] for row in rows]
        lines += steps(kind, level, f"{name} {kind}", [row["baseline"] for row in rows])
        known = [value for value in level if finite(value)][-1:]
        named += [(value, f"{word} {short_line(value, rows[-1])}") for value in known if word]
    for place, row in enumerate(rows):
        if finite(row["lower_limit"]) and finite(row["upper_limit"]):
            band += [at(place + side, row["lower_limit"], "limits", y2=row["upper_limit"], part=f"limits {row['baseline']}")
                     for side in (0, 1)]  # fmt: skip
    lines += joined("actual", [row["value"] for row in rows])
    dots = [dot(place + 0.5, row, row["period"], cause=True) for place, row in figures(rows)]
    labels = [f"{row['period_end']:%b %y}" for row in rows]
    texts = [
        *axis(labels, low, high),
        *values(dots, low, high),
        *gaps(rows, low, high),
        *edge(named, slots, low, high),
    ]
    texts += [text(place, high, "New limits", "quiet", "left") for place, row in enumerate(rows)
              if place and row["baseline"] != rows[place - 1]["baseline"]]  # fmt: skip
    return marks(band, lines, dots, texts, low, high, slots, unit)


def season_marks(quarters: pd.DataFrame) -> Marks:
    """The same quarter over the years, side by side: a group for each quarter of the year, its years from left to right.

    `quarters`: one KPI's rows oldest first. The group of the latest quarter is strong, the others are pale.
    """
    rows = rows_of(quarters)
    unit = unit_of(rows)
    low, high = span([row["value"] for row in rows], unit, from_zero=False)
    latest = Quarter.parse(rows[-1]["quarter"]).number if rows else 0
    lines, dots, texts, x = [], [], [], 0
    for number in range(1, 5):
        group = [row for row in rows if Quarter.parse(row["quarter"]).number == number]
        if not group:
            continue
        kind = "this" if number == latest else "other"
        lines += [
            line | {"x": line["x"] + x}
            for line in joined(kind, [row["value"] for row in group], f"{number} ")
        ]
        dots += [
            dot(x + place + 0.5, row, row["quarter"], kind=kind) for place, row in figures(group)
        ]
        years = [
            f"{year % 100:02}/{(year + 1) % 100:02}"
            for year in (Quarter.parse(row["quarter"]).year for row in group)
        ]
        texts += [
            word | {"x": word["x"] + x}
            for word in (*axis(years, low, high), *gaps(group, low, high))
        ]
        texts.append(
            text(x + len(group) / 2, low - 0.12 * (high - low), _YEARS[number - 1], "dark")
        )
        x += len(group) + 1
    slots = max(x - 1, 1)
    return marks([], lines, dots, [*texts, *values(dots, low, high)], low, high, slots, unit)


def area_marks(benchmarks: pd.DataFrame, kpi: dict[str, Any]) -> Marks:
    """How figures are spread over areas, period by period, with the KPI's latest figure as a line.

    `benchmarks`: rows of one KPI with `area`, `period`, `value`, `status`, oldest first. Up to four areas are joined
    and named; of more, each period shows its middle half as a band and its median as a line.
    """
    rows, unit = rows_of(benchmarks), str(kpi["unit"])
    rows = [
        row | {"unit": unit, "decimals": kpi["decimals"]}
        for row in rows
        if math.isfinite(row["value"])
    ]
    periods = list(dict.fromkeys(row["period"] for row in rows))
    areas = list(dict.fromkeys(row["area"] for row in rows))
    low, high = span([*(row["value"] for row in rows), kpi["value"]], unit, from_zero=False)
    slots = max(len(periods), 1)
    lines, band, named = [], [], []
    if math.isfinite(kpi["value"]):
        lines += [at(x, kpi["value"], "latest", part="latest") for x in (0, slots)]
        named.append((kpi["value"], f"Our latest {short(kpi)}"))
    dots = []
    for place, period in enumerate(periods):
        here = sorted(
            (row for row in rows if row["period"] == period),
            key=lambda row: (row["value"], row["area"]),
        )
        for n, row in enumerate(here):
            aside = 0.0 if len(areas) <= _FEW_AREAS else 0.6 * (((n * 7) % 11) / 10 - 0.5)
            dots.append(
                dot(
                    place + 0.5 + aside,
                    row,
                    f"{row['area']}, {period}",
                    kind="this" if len(areas) <= 1 else "other",
                )
            )
        if len(areas) > _FEW_AREAS and len(here) >= _FEW_AREAS:
            quarter, middle, three = quantiles(
                [row["value"] for row in here], n=4, method="inclusive"
            )
            band += [
                at(place + x, quarter, "limits", y2=three, part=f"half {place}") for x in (0.1, 0.9)
            ]
            lines += [at(place + x, middle, "mean", part=f"median {place}") for x in (0.1, 0.9)]
            if place == len(periods) - 1:
                named.append((middle, f"Median {short_line(middle, here[0])}"))
    if len(areas) <= _FEW_AREAS:
        for area in areas:
            own = {row["period"]: row["value"] for row in rows if row["area"] == area}
            lines += joined("other", [own.get(period, math.nan) for period in periods], f"{area} ")
            last = next(row for row in reversed(rows) if row["area"] == area)
            named.append((last["value"], f"{clipped(area)} {short(last)}"))
    texts = [*axis(periods, low, high), *edge(named, slots, low, high)]
    texts += values(dots, low, high) if len(areas) == 1 else []
    return marks(band, lines, dots, texts, low, high, slots, unit)
