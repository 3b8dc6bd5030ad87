"""Which kind of control chart a measure needs, which others it may have, and the figures that each of them charts.

Formulas, sources and where others differ: METHOD.md, "Kinds of chart".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered
from kpi_tools.schemes import one_of
from kpi_tools.vocabulary import MULTIPLIERS
from kpi_tools.wording import capitalised

XMR, RUN, P, P_PRIME, U, U_PRIME, C, G, T = CHARTS = (
    "xmr",
    "run",
    "p",
    "p_prime",
    "u",
    "u_prime",
    "c",
    "g",
    "t",
)
AUTO: Final = "auto"
SHARES, RATES, PRIMES = (P, P_PRIME), (U, U_PRIME), (P_PRIME, U_PRIME)
WITH_PARTS: Final = SHARES + RATES
DAYS_BETWEEN, PERIODS_BETWEEN = "days between events", "periods between events"
"""What the figures of a series are that was made of events, or of counts that are mostly nought (its column `series`)."""
TITLES: Final = {
    XMR: "an XmR chart",
    RUN: "a run chart",
    P: "a P chart",
    P_PRIME: "a P′ chart",
    U: "a U chart",
    U_PRIME: "a U′ chart",
    C: "a C chart",
    G: "a G chart",
    T: "a T chart",
}
FEWEST_FOR_LIMITS = 12
"""With fewer figures `auto` takes a run chart."""
_SMALL = 5.0


@dataclass(frozen=True)
class Chosen:
    """The kind of chart that is taken for a series, why in one sentence, and which kinds it may have."""

    chart: str
    why: str
    possible: tuple[str, ...]


def chart_for(rows: pd.DataFrame, chart: str = AUTO) -> Chosen:
    """The kind of chart for the rows of one series, oldest first: what they need, or the one that is asked for.

    Used where they are there: `value`, `numerator`, `denominator`, `unit`, `basis` and `series`.
    """
    y, n, d = (
        rows[name].to_numpy(float, na_value=np.nan) if name in rows else np.full(len(rows), np.nan)
        for name in ("value", "numerator", "denominator")
    )
    unit, basis, series = (
        str(rows[name].iloc[-1]) if name in rows and len(rows) else ""
        for name in ("unit", "basis", "series")
    )
    found = _needed(y, n, d, unit, basis, series)
    if chart == AUTO:
        return found
    return Chosen(chart, f"{_title(chart)}, as it was chosen.", found.possible)


def _title(chart: str) -> str:
    return capitalised(TITLES[chart])


def _needed(y: Array, n: Array, d: Array, unit: str, basis: str, series: str) -> Chosen:
    """What a series of figures needs, in the order in which the kinds are asked after."""
    known = ~np.isnan(y)
    count, mean = int(known.sum()), float(y[known].mean()) if known.any() else 0.0
    small = unit in ("", "count") and not _first_fault(C, y, n, d)
    share = unit == "%" or not unit and not _first_fault(P, y, n, d)
    parts = count > 0 and (share or unit in MULTIPLIERS or not unit)
    fault = _first_fault(P if share else U, y, n, d) if parts else None
    fitting = parts and fault is None
    possible = [XMR] if basis == "rolling_12_months" else [XMR, RUN]
    if fitting:
        possible += [*(SHARES if share else RATES)]
    if series in (DAYS_BETWEEN, PERIODS_BETWEEN):
        possible += [T if series == DAYS_BETWEEN else G]
    elif small and count:
        possible += [C]
    taken, why = XMR, f"nothing about its {count} figures asks for another"
    if series == DAYS_BETWEEN:
        taken, why = T, "most periods have no event: it shows the days from one event to the next"
    elif series == PERIODS_BETWEEN:
        taken, why = (
            G,
            "most periods have no case: it shows how many without one lie between two with",
        )
    elif fitting:
        least, most = f"{d[known].min():,.0f}", f"{d[known].max():,.0f}"
        sizes = least if least == most else f"{least} to {most}"
        taken = P_PRIME if share else U_PRIME
        why = f"each figure is made of {sizes} cases: its limits are wider where these are fewer"
        if ((n == 0) | (share & (n == d)))[known].mean() > 0.5:
            taken = P if share else U
            why = f"most of its figures, made of {sizes} cases, lie at the end of what it can be"
    elif small and count and mean < _SMALL:
        taken, why = C, f"it counts few cases ({mean:.1f} a period), which have no normal range"
    elif count < FEWEST_FOR_LIMITS and RUN in possible:
        taken, why = RUN, f"limits want {FEWEST_FOR_LIMITS} figures, and there are {count}"
    elif fault is not None and unit and (np.isnan(n) | np.isnan(d)).all():
        why = "its figures came without numerator and denominator"
    elif fault is not None and unit:
        why = f"not all of its figures have parts to count: one {fault[1]}"
    return Chosen(taken, f"{_title(taken)}, because {why}.", tuple(possible))


def _first_fault(chart: str, y: Array, n: Array, d: Array) -> tuple[int, str] | None:
    """The first row that this kind cannot chart, and what is wrong with it."""
    known = ~np.isnan(y)
    checks: list[tuple[Array, str, Array]] = []
    if chart in WITH_PARTS:
        checks = [
            (known & (np.isnan(n) | np.isnan(d)), "has no numerator or no denominator", n),
            (known & (d <= 0), "has a denominator of {:g}, of which nothing can be a part", d),
            (known & (n < 0), "has a numerator of {:g}, and no count is below nought", n),
            (known & (n % 1 > 0), "has a numerator of {:g}, and a case is counted whole", n),
        ]
        if chart in SHARES:
            checks.append((known & (n > d), "has a numerator of {:g}, above its denominator", n))
    elif chart in (C, G):
        checks = [
            (y < 0, "has the figure {:g}, and no count is below nought", y),
            (y % 1 > 0, "has the figure {:g}, and a case is counted whole", y),
        ]
    elif chart == T:
        checks = [(y <= 0, "has {:g} days since the event before, so there is no time between", y)]
    for wrong, words, of in checks:
        if wrong.any():
            at = int(np.argmax(wrong))
            return at, words.format(of[at])
    return None


@dataclass(frozen=True)
class Charted:
    """The figures of a table as its kinds of chart take them, row by row.

    `kind` is the place in `CHARTS`; `size` the denominator of what is made of parts, else 1; `per` what a share is
    multiplied by to stand in the unit of the value.
    """

    y: Array
    kind: Array
    size: Array
    per: Array

    def among(self, charts: Sequence[str]) -> Array:
        """Where one of these kinds is charted."""
        return np.isin(self.kind, [CHARTS.index(chart) for chart in charts])

    def law(self, mean: Array) -> Array:
        """The standard deviation of each figure by the law of its kind; 1 where moving ranges alone tell it."""
        shares, parts, counts = (self.among(kinds) for kinds in (SHARES, WITH_PARTS, [C]))
        if not (parts | counts).any():
            return np.ones(len(self.y))
        left = np.where(shares, np.maximum(self.per - mean, 0.0), self.per) / self.size
        return np.sqrt(np.select([parts, counts], [mean * left, mean], 1.0))

    def scaled(self, y: Array, mean: Array, law: Array) -> Array:
        """The figures whose moving ranges count: of Laney's kinds their z-scores."""
        primes = self.among(PRIMES)
        return (
            np.where(primes, (y - mean) / np.where(law > 0, law, np.inf), y) if primes.any() else y
        )


def charted(
    rows: Ordered,
    value: str,
    chart: str,
    numerator: str = "numerator",
    denominator: str = "denominator",
) -> Charted:
    """The figures of `value` for a kind of chart, `auto`, or the column `chart` that names one for each series.

    Raises `InputError` for an unknown kind, two kinds in one series, and figures that the kind cannot chart.
    """
    columns, count = rows.frame.columns, len(rows.order)
    n, d = (
        rows.numbers(name) if name in columns else np.full(count, np.nan)
        for name in (numerator, denominator)
    )
    if value in columns:
        y = rows.numbers(value)
    elif chart == T:
        y = np.where(rows.first, np.nan, np.diff(rows.days, prepend=np.nan))
    else:
        y = n / np.where(d > 0, d, np.nan)
    kind = _kinds(rows, chart, y, n, d)
    for place in np.unique(kind):
        here = kind == place
        fault = _first_fault(CHARTS[place], *(np.where(here, part, np.nan) for part in (y, n, d)))
        if fault:
            raise InputError(
                f"{capitalised(rows.row_of(fault[0]))} {fault[1]}: {TITLES[CHARTS[place]]} cannot show that. Put it "
                "right, leave the figure missing, or take another chart=…"
            )
    parts = np.isin(kind, [CHARTS.index(one) for one in WITH_PARTS])
    if not parts.any():
        return Charted(y, kind, np.ones(count), np.ones(count))
    share = np.isin(kind, [CHARTS.index(one) for one in SHARES])
    per = _multiplier(rows, y * d / np.where(n > 0, n, np.nan), value in columns, share)
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(parts, np.where(np.isnan(y), np.nan, n / d) * per, y)
    return Charted(y, kind, np.where(parts, d, 1.0), per)


def _kinds(rows: Ordered, chart: str, y: Array, n: Array, d: Array) -> Array:
    if chart in CHARTS:
        return np.full(len(y), CHARTS.index(chart))
    words: dict[str, list[Any]] = {
        name: rows.frame[name].to_list()
        for name in ("unit", "basis", "series", chart)
        if name in rows.frame.columns
    }
    if chart != AUTO and chart not in words:
        raise InputError(
            f'There is no chart "{chart}"; there are {one_of(chart, [*CHARTS, AUTO])}.'
        )
    kind = np.zeros(len(y), int)
    for own in rows.spans:
        last = {name: values[rows.order[own.stop - 1]] for name, values in words.items()}
        if chart == AUTO:
            texts = (str(last.get(name) or "") for name in ("unit", "basis", "series"))
            taken = _needed(y[own], n[own], d[own], *texts).chart
        else:
            named = [words[chart][place] for place in rows.order[own]]
            odd = next((at for at, one in enumerate(named) if one != named[-1]), None)
            taken = named[-1]
            if odd is not None or taken not in CHARTS:
                at = own.start + (odd or 0)
                raise InputError(
                    f'{capitalised(rows.row_of(at))} has the chart "{named[odd or 0]}"; a series has one kind for all of '
                    f"its rows: {one_of(str(taken), CHARTS)}."
                )
        kind[own] = CHARTS.index(taken)
    return kind


def _multiplier(rows: Ordered, ratio: Array, given: bool, share: Array) -> Array:
    """What numerator over denominator is multiplied by, as the values of each series tell; else as their unit says."""
    units = rows.frame["unit"].to_list() if "unit" in rows.frame.columns else []
    per = np.ones(len(ratio))
    for span in rows.spans:
        own = ratio[span]
        own = own[own > 0] if given else own[:0]
        unit = str(units[rows.order[span.start]]) if units else "%" if share[span.start] else ""
        told = 10.0 ** round(np.log10(np.median(own))) if len(own) else None
        per[span] = told or MULTIPLIERS.get(unit, 1)
    return per


@cache
def expected_runs(useful: int) -> tuple[int, int]:
    """The longest run and the fewest crossings that chance leaves so many figures off the median (Anhøj).

    The run is round(log₂ n) + 3 long, the crossings are the 5% point of the binomial of n − 1 throws of a coin.
    """
    if useful < 1:
        return 0, 0
    reached, least = 0, -1
    while reached * 20 < 2 ** (useful - 1):
        least += 1
        reached += comb(useful - 1, least)
    return round(np.log2(useful)) + 3, least


def between(counts: pd.DataFrame) -> pd.DataFrame:
    """Of one series of counts the periods with a case: `value` is how many without one lie before it, since the last.

    Of counts that are mostly nought it is a series that can be charted (G). A missing count leaves its value missing.
    """
    value = counts["value"].to_numpy(float)
    places = np.flatnonzero(value > 0)
    gaps = [np.isnan(value[a:b]).any() for a, b in zip(places[:-1], places[1:], strict=True)]
    found = np.where(gaps, np.nan, np.diff(places) - 1.0)
    rows = counts.iloc[places].assign(value=np.append(np.nan, found)[: len(places)])
    return rows.assign(series=PERIODS_BETWEEN)
