"""Where a KPI is heading, and how sure that is: the projected direction of travel (METHOD.md,
"Outlook").

The same regression that gives the overlap-aware direction gives the prediction, its interval and
the chance of meeting target and floor standard; where there is no trend, the mean is predicted.
Small counts, and measures that lie at their end most of the time, have no such interval: then
Poisson, or how often past figures met the line. Never beyond a third of the history.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.frames import Array, in_order
from kpi_tools.limits import is_described
from kpi_tools.quarters import Quarter
from kpi_tools.rating import meets
from kpi_tools.rows import Row, is_number, rows_of
from kpi_tools.trend import FittedLine, chance_below, fit
from kpi_tools.units import ends_of
from kpi_tools.vocabulary import (
    CLOSEST,
    HIGHER,
    IN_YEARS,
    LOWER,
    NO_VARIATION,
    NOT_ENOUGH_DATA,
    POLARITIES,
)

FROM_TREND: Final = "from the trend"
FROM_MEAN: Final = "from the mean, as there is no clear trend"
FROM_COUNTS: Final = "from the mean of small counts, as there is no clear trend"
FROM_PAST: Final = "from the past figures, most of which lie at the end of what the measure can be"
_PARTS: Final = ("expected", "low", "high", "target_chance", "floor_chance")
_ANSWER: Final = (
    "outlook",
    "horizon",
    *(f"{name}_{part}" for name in ("next", "year_end") for part in ("quarter", *_PARTS)),
    "year_end_state",
)
PREDICTED: Final = (FROM_TREND, FROM_MEAN, FROM_COUNTS, FROM_PAST)
_NOT: Final = "not predicted: "
FOR_YEAR_TO_DATE: Final = f"{_NOT}year-to-date figures grow through the year by their nature"
FOR_ANNUAL: Final = f"{_NOT}a figure that comes once a year or less often is not carried on"
UNLIKE: Final = f"{_NOT}one figure is unlike all others"
TOO_FAR: Final = f"{_NOT}further ahead than a third of the history"
YEAR_ENDED: Final = "the latest figure is already that of the year's end"
NOT_THEN: Final = f"{_NOT}no figure is due at the year's end"
_SMALL = 5.0
_FEWEST_PAST = 8
_NAMED: Final = {"value": "value", "polarity": "polarity"}
_USED: Final = ("unit", "basis", "frequency", "tolerance", "range_low", "range_high")


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
    """What to expect of the next figure of each series, and of that at its financial year's end.

    Parameters and errors are those of `direction_of_travel`; `target` and `floor_standard` are
    columns or numbers. Used where they are there: `unit`, `basis`, `frequency`, `tolerance`,
    `range_low`, `range_high`, and `series_from`: only the figures with that of the last row are of
    one series.

    Returns:
        One row a series: `outlook` (in words how it is predicted, or why not), `horizon` (quarters
        ahead that may be predicted), and for `next` and `year_end` each `…_quarter`, `…_expected`,
        `…_low`, `…_high` (95% interval, ending where the measure ends), `…_target_chance`,
        `…_floor_chance` (null where there is no line, or nothing can be said; they hold if the
        lines stay); last `year_end_state`, empty or why not.
    """
    named: dict[str, Any] = {"value": value, "polarity": polarity}
    named |= {"target": target, "floor_standard": floor_standard}
    keys, series = _series(recent, significance, minimum_points, by, period, named)
    rows = [{**dict(zip(keys, key, strict=True)), **_outlook(ahead)} for key, ahead in series]
    return pd.DataFrame(rows, columns=[*keys, *_ANSWER])


def line_chances(
    recent: Any, lines: pd.DataFrame, *, significance: float = 0.05, minimum_points: int = 5
) -> pd.DataFrame:
    """The chance that each line is met, from what `outlook` takes.

    Returns:
        `lines` (`kpi_id`, `edge`, `far_edge`, as `rating.band_lines` gives them) with
        `next_chance` and `year_end_chance`, null where nothing can be said.
    """
    found: dict[str, list[float]] = {"next_chance": [], "year_end_chance": []}
    series = {key[0]: ahead for key, ahead in _series(recent, significance, minimum_points)[1]}
    for row in rows_of(lines):
        ahead = series[row["kpi_id"]]
        for name, months in ahead.asked():
            found[f"{name}_chance"].append(ahead.chance(row["edge"], row["far_edge"], months))
    return lines.assign(**found)


def _series(
    recent: Any,
    significance: float,
    minimum_points: int,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    named: Mapping[str, Any] = _NAMED,
) -> tuple[list[str], list[tuple[tuple[Any, ...], "_Prediction"]]]:
    """The columns that name a series, and what can be said of each, by its name."""
    rows, polarity = in_order(recent, by, period, named=named), named["polarity"]
    used = [name for name in (*rows.keys, period, *_USED) if name in rows.frame.columns]
    if polarity not in POLARITIES:
        used.append(polarity)
    table = rows.frame.select(*dict.fromkeys(used)).to_pandas().iloc[rows.order]
    table = table.assign(
        value=rows.numbers(named["value"]),
        polarity=polarity if polarity in POLARITIES else table[polarity],
        period_end=pd.to_datetime(rows.days, unit="D"),
        target=rows.either(named.get("target"), "target"),
        floor_standard=rows.either(named.get("floor_standard"), "floor_standard"),
    )
    kept, every = rows.is_as_last("series_from"), rows_of(table)
    found = []
    for span in rows.spans:
        group = [every[place] for place in np.flatnonzero(kept[span]) + span.start]
        key = tuple(group[-1][name] for name in rows.keys)
        found.append((key, _Prediction(group, significance, minimum_points)))
    return list(rows.keys), found


class _Prediction:
    """What can be said of the figures to come of one series: `state`, and with `line` or `law`
    expected values and chances."""

    def __init__(self, rows: list[Row], significance: float, minimum_points: int) -> None:
        self.kpi = rows[-1]
        self.known = [row for row in rows if is_number(row["value"])]
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
        """The distribution of figures for which the normal one is wrong, as possible figures with
        their chances."""
        low, high = ends_of(self.kpi)
        counts = self.kpi.get("unit") == "count" and low == 0 and (self.y % 1 == 0).all()
        if counts and self.y.mean() < _SMALL:
            numbers = np.arange(0.0, 60.0)
            self.law = (numbers, _poisson(float(self.y.mean()), len(numbers)))
            return FROM_COUNTS
        if ((self.y <= low) | (self.y >= high)).mean() <= 0.5:
            return ""
        self.law = (self.y, np.full(len(self.y), 1 / len(self.y)))
        return FROM_PAST

    def asked(self) -> list[tuple[str, int]]:
        """What is asked of it, with the months until then: the next figure, and that at the
        financial year's end."""
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
            at = np.minimum(np.searchsorted(reached, (0.025, 0.975)), len(figures) - 1)
            low, high = figures[order][at].tolist()
            return float(figures @ chances), low, high
        assert self.line is not None
        middle, _, half = self.line.predict(self.line.months[-1] + months)
        least, most = ends_of(self.kpi)
        within = [min(max(one, least), most) for one in (middle, middle - half, middle + half)]
        return within[0], within[1], within[2]

    def chance(self, edge: float, far: float, months: int) -> float:
        """Of meeting a line, between two edges where closest is best; NaN where there is none or
        nothing can be said."""
        polarity = str(self.kpi["polarity"])
        if math.isnan(edge) or polarity not in POLARITIES or not self.reaches(months):
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


def _outlook(ahead: _Prediction) -> dict[str, Any]:
    """The columns of `outlook` for a series."""
    answer: dict[str, Any] = {"outlook": ahead.state, "horizon": ahead.reach // 3}
    for name, months in ahead.asked():
        interval = ahead.interval(months) if ahead.reaches(months) else (math.nan,) * 3
        bands = (_band(ahead.kpi, line) for line in ("target", "floor_standard"))
        figures = (*interval, *(ahead.chance(*edges, months) for edges in bands))
        answer[f"{name}_quarter"] = ahead.last.shift(months // 3).label
        answer |= {f"{name}_{part}": one for part, one in zip(_PARTS, figures, strict=True)}
    why_not = TOO_FAR if months > ahead.reach else ""
    if months % ahead.step:
        why_not = NOT_THEN
    if months == 0:
        why_not = YEAR_ENDED
    return answer | {"year_end_state": why_not if ahead.reach else ahead.state}


def _band(kpi: Row, line: str) -> tuple[float, float]:
    """The edges of what meets a line: twice the line itself, or either side of the target where
    closest is best."""
    at, target = kpi[line], kpi["target"]
    if kpi["polarity"] != CLOSEST:
        return at, at
    width, inner = abs(kpi["floor_standard"] - target), kpi.get("tolerance")
    if line == "target":
        width = inner if is_number(inner) else width / 2
    return target - width, target + width


@lru_cache(maxsize=256)
def _poisson(mean: float, size: int) -> Array:
    logs = np.array([k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(size)])
    return np.exp(logs)


def chance_in_words(chance: float) -> str:
    """`is about 62%`; never 0% or 100%, which no prediction can promise."""
    if math.isnan(chance):
        return "not known"
    if 0.01 <= chance <= 0.99:
        return f"is about {chance * 100:.0f}%"
    return "is under 1%" if chance < 0.01 else "is over 99%"
