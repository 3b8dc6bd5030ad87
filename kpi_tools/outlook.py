"""Where a KPI is heading, and how sure that is: the projected direction of travel (METHOD.md, "Outlook").

The same regression that gives the overlap-aware direction gives the prediction, its interval and the chance of meeting target
and floor standard; where there is no trend, the mean is predicted. Small counts, and measures that lie at their end most of the
time, have no such interval: then Poisson, the binomial, or how often past figures met the line. Never beyond a third of the
history.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.frames import Array, in_order
from kpi_tools.limits import is_described
from kpi_tools.quarters import Quarter
from kpi_tools.rating import meets
from kpi_tools.trend import FittedLine, chance_below, fit
from kpi_tools.units import unit_family
from kpi_tools.vocabulary import (
    CLOSEST,
    HIGHER,
    IN_YEARS,
    LOWER,
    MULTIPLIERS,
    NO_VARIATION,
    NOT_ENOUGH_DATA,
    POLARITIES,
)
from kpi_tools.wording import Row, rows_of, show, with_range

FROM_TREND: Final = "from the trend"
FROM_MEAN: Final = "from the mean, as there is no clear trend"
FROM_COUNTS: Final = "from the mean of small counts, as there is no clear trend"
FROM_CASES: Final = "from the share of all cases, as there is no clear trend"
FROM_PAST: Final = "from the past figures, most of which lie at the end of what the measure can be"
_PARTS: Final = ("expected", "low", "high", "target_chance", "floor_chance")
_ANSWER: Final = (
    "outlook",
    "horizon",
    *(f"{name}_{part}" for name in ("next", "year_end") for part in ("quarter", *_PARTS)),
    "year_end_state",
)
PREDICTED: Final = (FROM_TREND, FROM_MEAN, FROM_COUNTS, FROM_CASES, FROM_PAST)
FOR_YEAR_TO_DATE: Final = (
    "not predicted: year-to-date figures grow through the year by their nature"
)
FOR_ANNUAL: Final = "not predicted: a figure that comes once a year or less often is not carried on"
UNLIKE: Final = "not predicted: one figure is unlike all others"
TOO_FAR: Final = "not predicted: further ahead than a third of the history"
YEAR_ENDED: Final = "the latest figure is already that of the year's end"
_SMALL = 5.0
_FEWEST_PAST = 8
_COLUMNS = (
    "period_end",
    "value",
    "numerator",
    "denominator",
    "unit",
    "basis",
    "frequency",
    "polarity",
    "target",
    "floor_standard",
    "tolerance",
    "range_low",
    "range_high",
    "series_from",
)


def outlook(
    recent: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    target: str | float | None = None,
    floor_standard: str | float | None = None,
    significance: float = 0.05,
    minimum_points: int = 5,
) -> pd.DataFrame:
    """What to expect of the next figure of each series, and of that at the end of its financial year.

    `recent`: quarterly figures of any engine, with `_COLUMNS` where they are there; only those with the `series_from` of the last
    row are of one series. `target` and `floor_standard` are columns or numbers, the other arguments as for
    `direction_of_travel`.

    One row a series: `outlook` (a state in words: how it is predicted, or why not), `horizon` (quarters ahead that may be
    predicted), and for `next` and `year_end` each `…_quarter`, `…_expected`, `…_low`, `…_high` (95% interval, ending where the
    measure ends), `…_target_chance`, `…_floor_chance` (null where there is no line, or nothing can be said); last
    `year_end_state`, empty or why not. Chances hold if the lines stay. Raises `InputError` for a column that is not there.
    """
    keys, groups = _series(recent, by, period, value, polarity, target, floor_standard)
    rows = [
        {**dict(zip(keys, key, strict=True)), **_outlook(group, significance, minimum_points)}
        for key, group in groups
    ]
    return pd.DataFrame(rows, columns=[*keys, *_ANSWER])


def predictions(
    recent: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    significance: float = 0.05,
    minimum_points: int = 5,
) -> pd.DataFrame:
    """The quarters ahead for a chart, one row each: columns of `by`, `quarter`, `period_end`, `expected`, `low`, `high`.

    Arguments as for `outlook`, which says why a series has no rows here.
    """
    keys, groups = _series(recent, by, period, value, polarity, None, None)
    rows = []
    for key, group in groups:
        ahead = _Prediction(group, significance, minimum_points)
        for months in range(ahead.step, ahead.reach + 1, ahead.step):
            quarter = ahead.last.shift(months // 3)
            expected, low, high = ahead.interval(months)
            rows.append((*key, quarter.label, pd.Timestamp(quarter.end), expected, low, high))
    return pd.DataFrame(rows, columns=[*keys, "quarter", "period_end", "expected", "low", "high"])


def line_chances(
    recent: Any, lines: pd.DataFrame, *, significance: float = 0.05, minimum_points: int = 5
) -> pd.DataFrame:
    """`lines` (rows with `kpi_id`, `edge`, `far_edge`, as `rating.band_lines` gives them) with the chance that each is met.

    Adds `next_chance` and `year_end_chance`, null where nothing can be said; the rest as in `outlook`.
    """
    found: dict[str, list[float]] = {"next_chance": [], "year_end_chance": []}
    _, groups = _series(recent, None, "period_end", "value", "polarity", None, None)
    series = {key[0]: _Prediction(rows, significance, minimum_points) for key, rows in groups}
    for row in rows_of(lines):
        ahead = series[row["kpi_id"]]
        for name, months in ahead.asked():
            edges = row["edge"], row["far_edge"]
            chance = ahead.chance(*edges, months) if ahead.reaches(months) else math.nan
            found[f"{name}_chance"].append(chance)
    return lines.assign(**found)


def _series(
    recent: Any, by: Any, period: str, value: str, polarity: str, target: Any, floor: Any
) -> tuple[list[str], list[tuple[tuple[Any, ...], list[Row]]]]:
    """The rows of each series in order of time, with the names that this module uses."""
    named = {"value": value, "polarity": polarity, "target": target, "floor_standard": floor}
    rows = in_order(recent, by, period, named=named)
    table = rows.frame.select(
        *dict.fromkeys([*rows.keys, period, *(n for n in _COLUMNS if n in rows.frame.columns)])
    ).to_pandas()
    table = table.iloc[rows.order].reset_index(drop=True)
    table = table.assign(
        value=rows.numbers(value),
        target=rows.either(target, "target"),
        floor_standard=rows.either(floor, "floor_standard"),
        polarity=polarity
        if polarity in POLARITIES
        else rows.frame[polarity].to_pandas().iloc[rows.order].to_numpy(),
        period_end=pd.to_datetime(rows.days, unit="D"),
    )
    every = rows_of(table)
    found = []
    for start, end in pairwise(np.unique([*rows.starts, len(table)])):
        series = every[start:end]
        series = [row for row in series if _series_from(row) == _series_from(series[-1])]
        found.append((tuple(series[-1][key] for key in rows.keys), series))
    return list(rows.keys), found


def _series_from(row: Row) -> Any:
    since = row.get("series_from")
    return "" if pd.isna(since) else since


class _Prediction:
    """What can be said of the figures to come of one series: `state`, and with `line` or `law` expected values and chances."""

    def __init__(self, rows: list[Row], significance: float, minimum_points: int) -> None:
        self.kpi = rows[-1]
        self.known = [row for row in rows if _is_number(row["value"])]
        self.y = np.array([row["value"] for row in self.known], float)
        months = [row["period_end"].year * 12 + row["period_end"].month for row in self.known]
        self.last = Quarter.containing((self.known or rows)[-1]["period_end"].date())
        self.line: FittedLine | None = None
        self.law: tuple[Array, Array] | None = None
        self.step = max(3, int(np.median(np.diff(months))) if len(months) > 1 else 3)
        self.state = self._state(months, significance, max(minimum_points, 3))
        self.reach = len(self.known) // 3 * self.step if self.state in PREDICTED else 0

    def _state(self, months: list[int], significance: float, fewest: int) -> str:
        basis = self.kpi.get("basis")
        if basis == "year_to_date":
            return FOR_YEAR_TO_DATE
        if "annual" in (basis, self.kpi.get("frequency")) or self.kpi.get("frequency") in IN_YEARS:
            return FOR_ANNUAL
        overlap = 12 if basis == "rolling_12_months" else 1
        line = fit(months, self.y, overlap=overlap) if len(self.y) >= fewest else None
        if line is None:
            return NOT_ENOUGH_DATA
        if line.flat:
            return NO_VARIATION
        if line.p < significance:
            self.line = line
            return FROM_TREND
        if overlap == 1:
            if law := self._law():
                return law
            if not is_described(self.y):
                return UNLIKE
        self.line = fit(months, self.y, overlap=overlap, trend=False)
        return FROM_MEAN

    def _law(self) -> str:
        """The distribution of figures for which the normal one is wrong, as possible figures with their chances."""
        low, high = ends_of(self.kpi)
        counts = self.kpi.get("unit") == "count" and low == 0 and (self.y % 1 == 0).all()
        if counts and self.y.mean() < _SMALL:
            numbers = np.arange(0.0, 60.0)
            self.law = (numbers, _poisson(float(self.y.mean()), len(numbers)))
            return FROM_COUNTS
        if ((self.y <= low) | (self.y >= high)).mean() <= 0.5:
            return ""
        cases = [(row.get("numerator"), row.get("denominator")) for row in self.known]
        if all(_is_number(n) and _is_number(d) and d > 0 for n, d in cases):  # type: ignore[operator]
            met, of = (float(sum(part)) for part in zip(*cases, strict=True))
            size = int(cases[-1][1])  # type: ignore[arg-type]
            per = MULTIPLIERS.get(str(self.kpi.get("unit")), 100)
            self.law = (per * np.arange(size + 1) / size, _binomial(size, met / of))
            return FROM_CASES
        self.law = (self.y, np.full(len(self.y), 1 / len(self.y)))
        return FROM_PAST

    def asked(self) -> list[tuple[str, int]]:
        """What is asked of it, with the months until then: the next figure, and that at the financial year's end."""
        return [("next", self.step), ("year_end", (4 - self.last.number) * 3)]

    def reaches(self, months: int) -> bool:
        """Whether a figure so far ahead is due and may be predicted."""
        return 0 < months <= self.reach and months % self.step == 0

    def interval(self, months: int) -> tuple[float, float, float]:
        """Expected, low and high, ending where the measure ends."""
        if self.law is not None:
            figures, chances = self.law
            order = np.argsort(figures, kind="stable")
            reached = np.cumsum(chances[order])
            low, high = (
                figures[order][min(int(np.searchsorted(reached, at)), len(figures) - 1)]
                for at in (0.025, 0.975)
            )
            return float(figures @ chances), float(low), float(high)
        assert self.line is not None
        expected, _, half = self.line.predict(self.line.months[-1] + months)
        ends = ends_of(self.kpi)
        expected, low, high = (
            min(max(one, ends[0]), ends[1]) for one in (expected, expected - half, expected + half)
        )
        return expected, low, high

    def chances(self, months: int) -> tuple[float, float]:
        """Of meeting target and floor standard; NaN where there is none or nothing can be said."""
        near = [_band(self.kpi, name) for name in ("target", "floor_standard")]
        return tuple(self.chance(*edges, months) for edges in near)  # type: ignore[return-value]

    def chance(self, edge: float, far: float, months: int) -> float:
        """Of meeting a line, between two edges where closest is best; NaN where there is none or nothing can be said."""
        polarity = str(self.kpi["polarity"])
        if math.isnan(edge) or polarity not in POLARITIES:
            return math.nan
        if self.law is not None:
            if self.state == FROM_PAST and len(self.y) < _FEWEST_PAST:
                return math.nan
            figures, chances = self.law
            return float(chances[meets(figures, edge, polarity, far=far)].sum())
        assert self.line is not None
        expected, error, _ = self.line.predict(self.line.months[-1] + months)
        if error <= 0:
            return math.nan
        below = [chance_below((at - expected) / error, self.line.df) for at in (edge, far)]
        return {HIGHER: 1 - below[0], LOWER: below[0], CLOSEST: below[1] - below[0]}[polarity]


def _outlook(rows: list[Row], significance: float, minimum_points: int) -> dict[str, Any]:
    ahead = _Prediction(rows, significance, minimum_points)
    answer: dict[str, Any] = {"outlook": ahead.state, "horizon": ahead.reach // 3}
    to_year_end = (4 - ahead.last.number) * 3
    for name, months in ahead.asked():
        parts = [f"{name}_{part}" for part in _PARTS]
        figures: tuple[float, ...] = (math.nan,) * 5
        if ahead.reaches(months):
            figures = (*ahead.interval(months), *ahead.chances(months))
        answer |= {
            f"{name}_quarter": ahead.last.shift(months // 3).label,
            **dict(zip(parts, figures, strict=True)),
        }
    why_not = YEAR_ENDED if to_year_end == 0 else TOO_FAR if to_year_end > ahead.reach else ""
    return answer | {"year_end_state": why_not if ahead.reach else ahead.state}


def ends_of(kpi: Mapping[str, Any]) -> tuple[float, float]:
    """What the measure can be: its `range_low` and `range_high`, else those of its unit."""
    unit = kpi.get("unit")
    family = unit_family(unit) if isinstance(unit, str) else None
    given = (kpi.get("range_low"), kpi.get("range_high"))
    of_unit = (family.low, family.high) if family else (-math.inf, math.inf)
    low, high = (
        default if one is None or pd.isna(one) else float(one)
        for one, default in zip(given, of_unit, strict=True)
    )
    return low, high


def _band(kpi: Mapping[str, Any], line: str) -> tuple[float, float]:
    """The edges of what meets a line: twice the line itself, or either side of the target where closest is best."""
    at, target = _number(kpi.get(line)), _number(kpi.get("target"))
    if kpi["polarity"] != CLOSEST:
        return at, at
    width = abs(_number(kpi.get("floor_standard")) - target)
    if line == "target":
        inner = _number(kpi.get("tolerance"))
        width = width / 2 if math.isnan(inner) else inner
    return target - width, target + width


@lru_cache(maxsize=256)
def _poisson(mean: float, size: int) -> Array:
    logs = np.array([k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(size)])
    return np.exp(logs)


@lru_cache(maxsize=256)
def _binomial(size: int, share: float) -> Array:
    if share in (0.0, 1.0):
        return np.eye(size + 1)[int(size * share)]
    logs = [
        math.lgamma(size + 1)
        - math.lgamma(k + 1)
        - math.lgamma(size - k + 1)
        + k * math.log(share)
        + (size - k) * math.log1p(-share)
        for k in range(size + 1)
    ]
    return np.exp(np.array(logs))


def _plainly(line: str) -> str:
    return line.replace("_", " ")


def outlook_in_words(
    row: Mapping[str, Any], unit: str, decimals: int, word: Callable[[str], str] = _plainly
) -> str:
    """One paragraph for a row of `outlook`: what is expected, between what, and how likely target and floor are met.

    `word`: what a line is called.
    """
    if math.isnan(row["next_expected"]):
        return f"Outlook: {row['outlook']}."

    def figure(name: str) -> str:
        return show(float(row[name]), unit, decimals)

    parts = []
    for name, when in (("next", "Next quarter"), ("year_end", "At the year's end")):
        if math.isnan(row[f"{name}_expected"]) or (
            name == "year_end" and row["year_end_quarter"] == row["next_quarter"]
        ):
            continue
        expected = with_range(*(figure(f"{name}_{part}") for part in _PARTS[:3]))
        sentence = f"{when} ({Quarter.parse(row[f'{name}_quarter']).title}) expect {expected}"
        met = [
            f"of meeting the {word(line)} {chance_in_words(row[f'{name}_{key}_chance'])}"
            for line, key in (("target", "target"), ("floor_standard", "floor"))
            if not math.isnan(row[f"{name}_{key}_chance"])
        ]
        parts.append(f"{sentence}; the chance {' and '.join(met)}." if met else f"{sentence}.")
    if row["year_end_state"] == TOO_FAR:
        parts.append(
            "The year's end is further ahead than a third of the history: nothing is said of it."
        )
    return f"Predicted {row['outlook']}. {' '.join(parts)}"


def chance_in_words(chance: float) -> str:
    """`62%`; never 0% or 100%, which no prediction can promise."""
    if math.isnan(chance):
        return "not known"
    return (
        "is under 1%"
        if chance < 0.01
        else "is over 99%"
        if chance > 0.99
        else f"is about {chance * 100:.0f}%"
    )


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) or not math.isfinite(value) else float(value)


def _is_number(value: Any) -> bool:
    return not math.isnan(_number(value))
