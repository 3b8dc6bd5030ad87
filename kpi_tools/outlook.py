"""Where a KPI is heading, and how sure that is: the projected direction of travel (METHOD.md, "Outlook").

The same regression that gives the overlap-aware direction gives the prediction, its interval and the chance of
meeting target and floor standard. Where there is no trend, the mean is what is predicted. Never beyond a third of the
history.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.trend import FittedLine as Line
from kpi_tools.trend import chance_below, fit
from kpi_tools.vocabulary import CLOSEST, HIGHER, LOWER, MONEY, NO_VARIATION, NOT_ENOUGH_DATA
from kpi_tools.words.row_words import Rows, is_number, series_rows
from kpi_tools.words.wording import show

FROM_TREND = "from the trend"
FROM_MEAN = "from the mean, as there is no clear trend"
FOR_YEAR_TO_DATE = "not predicted: year-to-date figures grow through the year by their nature"
FOR_ANNUAL = "not predicted: a figure that comes once a year has no next quarter"
TOO_FAR = "not predicted: further ahead than a third of the history"
YEAR_ENDED = "the latest figure is already that of the year's end"
_QUARTER = 3


def outlook(
    recent: pd.DataFrame,
    *,
    by: Sequence[str] = ("kpi_id",),
    significance: float = 0.05,
    minimum_points: int = 5,
) -> pd.DataFrame:
    """One row a series: what to expect of its next quarter and of the quarter in which its financial year ends.

    Needs the quarterly rows `period_end`, `value`, `polarity` and the columns of `by`; uses `basis` (rolling figures
    overlap), `frequency`, `target`, `floor_standard` and `tolerance`, of the latest row: chances hold if the targets
    stay.

    Columns: `outlook` (a state in words: from the trend, from the mean, not enough data, no variation, not predicted
    and why), `horizon` (quarters ahead that may be predicted: a third of the figures known), and for `next` and
    `year_end` each `…_quarter`, `…_expected`, `…_low`, `…_high` (95% prediction interval, KPI's unit, not clipped),
    `…_target_chance`, `…_floor_chance` (0 to 1, null where there is no target or floor) and, last, `year_end_state`
    (empty or why not).
    """
    keys = list(by)
    return pd.DataFrame(
        [
            {**dict(zip(keys, key, strict=True)), **_outlook(rows, significance, minimum_points)}
            for key, rows in series_rows(recent, keys)
        ]
    )


def predictions(
    recent: pd.DataFrame,
    *,
    by: Sequence[str] = ("kpi_id",),
    significance: float = 0.05,
    minimum_points: int = 5,
) -> pd.DataFrame:
    """The quarters ahead for a chart, one row each: columns of `by`, `quarter`, `period_end`, `expected`, `low`,
    `high`.

    Series that cannot be predicted have no rows; `outlook` says why.
    """
    keys, rows = list(by), []
    for key, group in series_rows(recent, keys):
        _, line, known = _line(group, significance, minimum_points)
        if line is None:
            continue
        last = Quarter.containing(known[-1]["period_end"].date())
        for ahead in range(1, len(known) // 3 + 1):
            expected, _, reach = line.predict(line.months[-1] + ahead * _QUARTER)
            quarter = last.shift(ahead)
            rows.append(
                (
                    *key,
                    quarter.label,
                    pd.Timestamp(quarter.end),
                    expected,
                    expected - reach,
                    expected + reach,
                )
            )
    return pd.DataFrame(rows, columns=[*keys, "quarter", "period_end", "expected", "low", "high"])


def _line(rows: Rows, significance: float, minimum_points: int) -> tuple[str, Line | None, Rows]:
    """The state of a series, its line where it can be predicted, and its rows with a value."""
    known, last = [row for row in rows if is_number(row["value"])], rows[-1]
    if last.get("basis") == "year_to_date":
        return FOR_YEAR_TO_DATE, None, known
    if "annual" in (last.get("basis"), last.get("frequency")):
        return FOR_ANNUAL, None, known
    if len(known) < max(minimum_points, 3):
        return NOT_ENOUGH_DATA, None, known
    months = [row["period_end"].year * 12 + row["period_end"].month for row in known]
    values, overlap = (
        [float(row["value"]) for row in known],
        12 if last.get("basis") == "rolling_12_months" else 1,
    )
    line = fit(months, values, overlap=overlap)
    if line is None or line.flat:
        return NO_VARIATION if line else NOT_ENOUGH_DATA, None, known
    if line.p < significance:
        return FROM_TREND, line, known
    return FROM_MEAN, fit(months, values, overlap=overlap, trend=False), known


def _outlook(rows: Rows, significance: float, minimum_points: int) -> dict[str, Any]:
    state, line, known = _line(rows, significance, minimum_points)
    horizon = len(known) // 3 if line else 0
    answer: dict[str, Any] = {"outlook": state, "horizon": horizon}
    last = Quarter.containing((known or rows)[-1]["period_end"].date())
    to_year_end = 4 - last.number
    for name, ahead in (("next", 1), ("year_end", to_year_end)):
        predicted = line is not None and 1 <= ahead <= horizon
        answer |= {
            f"{name}_quarter": last.shift(ahead).label,
            **_ahead(name, line if predicted else None, ahead, known),
        }
    why_not = YEAR_ENDED if to_year_end == 0 else TOO_FAR if to_year_end > horizon else ""
    return answer | {"year_end_state": why_not if line else state}


def _ahead(name: str, line: Line | None, ahead: int, known: Rows) -> dict[str, float]:
    names = [
        f"{name}_{part}" for part in ("expected", "low", "high", "target_chance", "floor_chance")
    ]
    if line is None:
        return dict.fromkeys(names, math.nan)
    expected, error, reach = line.predict(line.months[-1] + ahead * _QUARTER)
    chances = _chances(known[-1], expected, error, line.df)
    return dict(zip(names, (expected, expected - reach, expected + reach, *chances), strict=True))


def _chances(kpi: Mapping[str, Any], expected: float, error: float, df: int) -> tuple[float, float]:
    """Of meeting target and floor standard; NaN where there is none, or where the prediction knows no error."""
    polarity, target, floor = (
        kpi["polarity"],
        _number(kpi.get("target")),
        _number(kpi.get("floor_standard")),
    )
    if error <= 0:
        return math.nan, math.nan

    def below(level: float) -> float:
        return math.nan if math.isnan(level) else chance_below((level - expected) / error, df)

    if polarity == HIGHER:
        return 1 - below(target), 1 - below(floor)
    if polarity == LOWER:
        return below(target), below(floor)
    if polarity != CLOSEST:
        return math.nan, math.nan
    outer = abs(floor - target)
    inner = _number(kpi.get("tolerance"))
    inner = outer / 2 if math.isnan(inner) else inner
    return below(target + inner) - below(target - inner), below(target + outer) - below(
        target - outer
    )


def outlook_in_words(row: Mapping[str, Any], unit: str, decimals: int) -> str:
    """One paragraph for a row of `outlook`: what is expected, between what, and how likely target and floor are met."""
    if math.isnan(row["next_expected"]):
        return f"Outlook: {row['outlook']}."

    def figure(name: str) -> str:
        return show_expected(float(row[name]), unit, decimals)

    parts = []
    for name, when in (("next", "Next quarter"), ("year_end", "At the year's end")):
        if math.isnan(row[f"{name}_expected"]) or (
            name == "year_end" and row["year_end_quarter"] == row["next_quarter"]
        ):
            continue
        sentence = f"{when} ({Quarter.parse(row[f'{name}_quarter']).title}) expect {figure(f'{name}_expected')}, "
        sentence += f"between {figure(f'{name}_low')} and {figure(f'{name}_high')}"
        met = [
            f"of meeting the {line} {chance_in_words(row[f'{name}_{key}_chance'])}"
            for line, key in (("target", "target"), ("floor standard", "floor"))
            if not math.isnan(row[f"{name}_{key}_chance"])
        ]
        parts.append(f"{sentence}; the chance {' and '.join(met)}." if met else f"{sentence}.")
    if row["year_end_state"] == TOO_FAR:
        parts.append(
            "The year's end is further ahead than a third of the history: nothing is said of it."
        )
    return f"Predicted {row['outlook']}. {' '.join(parts)}"


def show_expected(value: float, unit: str, decimals: int) -> str:
    """An expected figure as it is shown: never below zero (but for money), never a share above 100%."""
    possible = value if unit.startswith(MONEY) else max(value, 0.0)
    return show(min(possible, 100.0) if unit == "%" else possible, unit, decimals)


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
