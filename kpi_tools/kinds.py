"""Which kind of control chart a measure needs, which others it may have, and the figures of each.

Formulas, sources and where others differ: METHOD.md, "Kinds of chart".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from math import comb
from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered
from kpi_tools.schemes import one_of
from kpi_tools.vocabulary import MULTIPLIERS
from kpi_tools.wording import capitalised

TITLES: Final = {
    "xmr": "an XmR chart",
    "run": "a run chart",
    "p": "a P chart",
    "p_prime": "a P′ chart",
    "u": "a U chart",
    "u_prime": "a U′ chart",
    "c": "a C chart",
    "g": "a G chart",
    "t": "a T chart",
}
CHARTS: Final = tuple(TITLES)
XMR, RUN, P, P_PRIME, U, U_PRIME, C, G, T = CHARTS
AUTO: Final = "auto"
SHARES, RATES, PRIMES = (P, P_PRIME), (U, U_PRIME), (P_PRIME, U_PRIME)
WITH_PARTS: Final = SHARES + RATES
DAYS_BETWEEN, PERIODS_BETWEEN = "days between events", "periods between events"
"""What the figures of a series are that was made of events, or of counts that are mostly nought
(its column `series`)."""
FEWEST_FOR_LIMITS = 12
"""With fewer figures `auto` takes a run chart."""
_SMALL = 5.0
_DESCRIBES = ("unit", "basis", "series")


@dataclass(frozen=True)
class Chosen:
    """The kind of chart for a series, why in one sentence, and which kinds it may have."""

    chart: str
    why: str
    possible: tuple[str, ...]


def chart_for(rows: pd.DataFrame, chart: str = AUTO) -> Chosen:
    """The kind of chart for a series: what its figures need, or what is asked for.

    Args:
        rows: Of one series, oldest first. Used where they are there: `value`, `numerator`,
            `denominator`, `unit`, `basis` and `series`.
        chart: One of `CHARTS`, or `auto`.
    """
    numbers = rows.reindex(columns=["value", "numerator", "denominator"])
    table = numbers.to_numpy(float, na_value=np.nan)
    words = [str(rows[name].iloc[-1]) if name in rows and len(rows) else "" for name in _DESCRIBES]
    found = _automatic(*table.T, *words)
    if chart == AUTO:
        return found
    return replace(found, chart=chart, why=f"{capitalised(TITLES[chart])}, as it was chosen.")


def _automatic(y: Array, n: Array, d: Array, unit: str, basis: str, series: str) -> Chosen:
    """What a series of figures needs, in the order in which the kinds are asked after."""
    known = ~np.isnan(y)
    count, mean = int(known.sum()), float(y[known].mean()) if known.any() else 0.0
    small = count > 0 and unit in ("", "count") and not _first_fault(C, y, n, d)
    share = unit == "%" or not unit and not _first_fault(P, y, n, d)
    parts = count > 0 and (share or unit in MULTIPLIERS or not unit)
    fault = _first_fault(P if share else U, y, n, d) if parts else None
    fitting = parts and fault is None
    rolling = basis == "rolling_12_months"
    of_events = {DAYS_BETWEEN: T, PERIODS_BETWEEN: G}.get(series)
    possible = [XMR] if rolling else [XMR, RUN]
    possible += (SHARES if share else RATES) if fitting else ()
    possible += [of_events] if of_events else [C] if small else []
    taken, why = XMR, f"nothing about its {count} figures asks for another"
    if of_events == T:
        taken, why = T, "most periods have no event: it shows the days from one event to the next"
    elif of_events == G:
        taken = G
        why = "most periods have no case: it shows how many without one lie between two with"
    elif fitting:
        sizes = " to ".join(dict.fromkeys(f"{end(d[known]):,.0f}" for end in (np.min, np.max)))
        taken = P_PRIME if share else U_PRIME
        why = f"each figure is made of {sizes} cases: its limits are wider where these are fewer"
        if ((n == 0) | (share & (n == d)))[known].mean() > 0.5:
            taken = P if share else U
            why = f"most of its figures, made of {sizes} cases, lie at the end of what it can be"
    elif small and mean < _SMALL:
        taken, why = C, f"it counts few cases ({mean:.1f} a period), which have no normal range"
    elif count < FEWEST_FOR_LIMITS and not rolling:
        taken, why = RUN, f"limits want {FEWEST_FOR_LIMITS} figures, and there are {count}"
    elif fault and unit:
        none = (np.isnan(n) | np.isnan(d)).all()
        why = f"not all of its figures have parts to count: one {fault[1]}"
        why = "its figures came without numerator and denominator" if none else why
    return Chosen(taken, f"{capitalised(TITLES[taken])}, because {why}.", tuple(possible))


def _first_fault(chart: str, y: Array, n: Array, d: Array) -> tuple[int, str] | None:
    """The first row that this kind cannot chart, and what is wrong with it."""
    checks: list[tuple[Array, str, Array]] = []
    counted, what = (n, "a numerator of") if chart in WITH_PARTS else (y, "the figure")
    whole = [
        (counted < 0, f"has {what} {{:g}}, and no count is below nought", counted),
        (counted % 1 > 0, f"has {what} {{:g}}, and a case is counted whole", counted),
    ]
    if chart in WITH_PARTS:
        checks = [
            (np.isnan(n) | np.isnan(d), "has no numerator or no denominator", n),
            (d <= 0, "has a denominator of {:g}, of which nothing can be a part", d),
            *whole,
            ((chart in SHARES) & (n > d), "has a numerator of {:g}, above its denominator", n),
        ]
    elif chart in (C, G):
        checks = whole
    elif chart == T:
        checks = [(y <= 0, "has {:g} days since the event before, so there is no time between", y)]
    for found, words, of in checks:
        if (wrong := found & ~np.isnan(y)).any():
            at = int(np.argmax(wrong))
            return at, words.format(of[at])
    return None


@dataclass(frozen=True)
class Charted:
    """The figures of a table as its kinds of chart take them, row by row. `kind` is the place in
    `CHARTS`; `size` the denominator of what is made of parts, else 1; `per` what a share is
    multiplied by to stand in the unit of the value."""

    y: Array
    kind: Array
    size: Array
    per: Array

    @cached_property
    def kinds(self) -> list[str]:
        """The kinds there are."""
        return [CHARTS[place] for place in np.flatnonzero(np.bincount(self.kind))]

    def among(self, charts: Sequence[str]) -> Array:
        """Where one of these kinds is charted."""
        if len(self.kinds) == 1:
            return np.full(len(self.kind), self.kinds[0] in charts)
        return np.array([chart in charts for chart in CHARTS])[self.kind]

    def law(self, mean: Array) -> Array:
        """The standard deviation of each figure by the law of its kind; 1 where moving ranges alone
        tell it."""
        shares, parts, counts = (self.among(kinds) for kinds in (SHARES, WITH_PARTS, [C]))
        left = np.where(shares, np.maximum(self.per - mean, 0.0), self.per) / self.size
        return np.sqrt(np.select([parts, counts], [mean * left, mean], 1.0))

    def scaled(self, y: Array, mean: Array, law: Array) -> Array:
        """The figures whose moving ranges count: of Laney's kinds their z-scores."""
        z = (y - mean) / np.where(law > 0, law, np.inf)
        return np.where(self.among(PRIMES), z, y)


def charted(
    rows: Ordered,
    value: str,
    chart: str,
    numerator: str = "numerator",
    denominator: str = "denominator",
) -> Charted:
    """The figures of `value` for a kind of chart, `auto`, or the column `chart` that names one for
    each series. Raises `InputError` for an unknown kind, two kinds in one series, and figures that
    the kind cannot chart."""
    n, d = (rows.either(None, name) for name in (numerator, denominator))
    given = value in rows.frame.columns
    if given:
        y = rows.numbers(value)
    elif chart == T:
        y = np.where(rows.first, np.nan, np.diff(rows.days, prepend=np.nan))
    else:
        y = n / np.where(d > 0, d, np.nan)
    kind = _kinds(rows, chart, y, n, d)
    plain = Charted(y, kind, np.ones(len(y)), np.ones(len(y)))
    for one in (one for one in plain.kinds if one not in (XMR, RUN)):
        here = [np.where(plain.among([one]), part, np.nan) for part in (y, n, d)]
        if fault := _first_fault(one, *here):
            raise InputError(
                f"{capitalised(rows.row_of(fault[0]))} {fault[1]}: {TITLES[one]} cannot "
                "show that. Put it right, leave the figure missing, or take another chart=…"
            )
    parts = plain.among(WITH_PARTS)
    if not parts.any():
        return plain
    ratio = y * d / np.where(n > 0, n, np.nan) if given else np.full(len(y), np.nan)
    per = _multiplier(rows, ratio, plain.among(SHARES))
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(parts, np.where(np.isnan(y), np.nan, n / d) * per, y)
    return Charted(y, kind, np.where(parts, d, 1.0), per)


def _kinds(rows: Ordered, chart: str, y: Array, n: Array, d: Array) -> Array:
    """The kind of each row, by its place in `CHARTS`."""
    if chart in CHARTS:
        return np.full(len(y), CHARTS.index(chart))
    if chart == AUTO:
        words = ([str(one or "") for one in rows.latest(name)] for name in _DESCRIBES)
        kinds = [
            CHARTS.index(_automatic(y[span], n[span], d[span], *described).chart)
            for span, *described in zip(rows.spans, *words, strict=True)
        ]
        return np.array(kinds, int)[rows.series]
    if chart not in rows.frame.columns:
        known = one_of(chart, [*CHARTS, AUTO])
        raise InputError(f'There is no chart "{chart}"; there are {known}.')
    named, latest = rows.frame[chart].to_list(), rows.latest(chart)
    for place, (row, one) in enumerate(zip(rows.order, rows.series, strict=True)):
        if named[row] != latest[one] or named[row] not in CHARTS:
            raise InputError(
                f'{capitalised(rows.row_of(place))} has the chart "{named[row]}"; a series has one '
                f"kind for all of its rows: {one_of(str(latest[one]), CHARTS)}."
            )
    return np.array([CHARTS.index(one) for one in latest], int)[rows.series]


def _multiplier(rows: Ordered, ratio: Array, share: Array) -> Array:
    """What numerator over denominator is multiplied by, as the values of each series tell
    (`ratio`); else as their unit says."""
    units = rows.latest("unit") if "unit" in rows.frame.columns else None
    units = units or ["%" if one else "" for one in share[rows.starts]]
    by_unit = np.array([MULTIPLIERS.get(str(unit), 1) for unit in units], float)
    known = pd.Series(np.where(ratio > 0, ratio, np.nan)).groupby(rows.series).median()
    powers = 10.0 ** np.log10(known.to_numpy(float)).round()
    return np.where(np.isnan(powers), by_unit, powers)[rows.series]


@cache
def expected_runs(useful: int) -> tuple[int, int]:
    """The longest run and the fewest crossings that chance leaves so many figures off the median.
    After Anhøj: the run is round(log₂ n) + 3 long, the crossings are the 5% point of the binomial
    of n − 1 throws of a coin."""
    if useful < 1:
        return 0, 0
    reached, least = 0, -1
    while reached * 20 < 2 ** (useful - 1):
        least += 1
        reached += comb(useful - 1, least)
    return round(np.log2(useful)) + 3, least


def between(counts: pd.DataFrame) -> pd.DataFrame:
    """Of one series of counts the periods with a case but the first: `value` is how many without
    one lie between the last and it. Of counts that are mostly nought it is a series that can be
    charted (G). A missing count leaves its value missing."""
    value = counts["value"].to_numpy(float)
    places = np.flatnonzero(value > 0)
    gaps = [np.isnan(value[a:b]).any() for a, b in zip(places[:-1], places[1:], strict=True)]
    found = np.where(gaps, np.nan, np.diff(places) - 1.0)
    return counts.iloc[places[1:]].assign(value=found, series=PERIODS_BETWEEN)
