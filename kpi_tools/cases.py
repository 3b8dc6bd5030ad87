"""The arithmetic behind a percentage: its own quarter inside a rolling figure, what it takes, how
many cases decide. Cases are counted: no model, no chance (METHOD.md, "Outlook")."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, is_number, rows_of
from kpi_tools.schemes import Scheme
from kpi_tools.vocabulary import HIGHER, LOWER, MULTIPLIERS
from kpi_tools.wording import capitalised, in_words, plural, show

_WINDOW = 4
Leaving = Sequence[tuple[float, float]] | None


def in_period(figures: pd.DataFrame, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add the figure of the quarter alone to rolling 12-month figures: `in_period_numerator`,
    `in_period_denominator`, `in_period_value`, missing where they do not follow or are impossible.

    A rolling figure is the sum of four quarters, and moves by the quarter that comes less the one
    that leaves: from the quarters known (their own parts, from months say) the others follow, both
    ways in time.
    """
    rolling = figures[figures["basis"] == "rolling_12_months"]
    parts = []
    for part in ("numerator", "denominator"):
        sums, direct = _counts(rolling, part), {} if known is None else _counts(known, part)
        ids = rolling["kpi_id"].unique()
        found = {kpi: _recovered(sums.get(kpi, {}), direct.get(kpi, {})) for kpi in ids}
        keys = zip(figures["kpi_id"], map(_place, figures["period_end"]), strict=True)
        alone = [found.get(kpi, {}).get(at, math.nan) for kpi, at in keys]
        parts.append(pd.Series(alone, figures.index, dtype=float))
    n, d = parts
    possible = (n >= 0) & (d > 0) & ((figures["unit"] != "%") | (n <= d))
    value = figures["unit"].map(MULTIPLIERS) * n / d
    return figures.assign(
        in_period_numerator=n.where(possible),
        in_period_denominator=d.where(possible),
        in_period_value=value.where(possible),
    )


def _place(end: pd.Timestamp) -> int:
    """A whole number for the quarter that ends then, so that neighbours differ by one."""
    quarter = Quarter.containing(end.date())
    return quarter.year * 4 + quarter.number


def _counts(table: pd.DataFrame, part: str) -> dict[str, dict[int, float]]:
    """The counts of each KPI that are known, by quarter."""
    found: dict[str, dict[int, float]] = {}
    for row in rows_of(table):
        if is_number(row.get(part)):
            found.setdefault(row["kpi_id"], {})[_place(row["period_end"])] = float(row[part])
    return found


def _recovered(rolling: Mapping[int, float], known: Mapping[int, float]) -> dict[int, float]:
    """Every quarter's own count that follows from sums of four and from the counts known."""
    found = dict(known)
    while True:
        before = len(found)
        for at, total in rolling.items():
            window = range(at - _WINDOW + 1, at + 1)
            unknown = [place for place in window if place not in found]
            if len(unknown) == 1:
                found[unknown[0]] = total - sum(found[place] for place in window if place in found)
            if at - 1 in rolling:
                change = total - rolling[at - 1]
                if at - _WINDOW in found:
                    found.setdefault(at, found[at - _WINDOW] + change)
                if at in found:
                    found.setdefault(at - _WINDOW, found[at] - change)
        if len(found) == before:
            return found


@dataclass(frozen=True)
class Step:
    """After so many `quarters`: the `best` that the rolling figure can be, and the figure
    `required` in each of them, whether `possible` or not."""

    quarters: int
    best: float
    required: float
    possible: bool


def what_it_takes(
    numerator: float,
    denominator: float,
    level: float,
    *,
    leaving: Leaving = None,
    polarity: str = HIGHER,
    per: int = 100,
) -> list[Step]:
    """What each of the next quarters must be for a rolling percentage to reach `level`: a step for
    one quarter ahead, for two, and so on. As many cases come as leave. `leaving`: the parts of the
    quarters that drop out, oldest first (default: each is a quarter of the whole); `per`: what the
    KPI multiplies by, such as 1,000 for a rate per 1,000."""
    steps, met, new = [], numerator, 0.0
    for quarters, (gone_met, gone) in enumerate(_leaving(numerator, denominator, leaving), 1):
        met, new = met - gone_met, new + gone
        if new <= 0 or denominator <= 0:
            continue
        best = per * (met + new if polarity == HIGHER else met) / denominator
        required = (level * denominator - per * met) / new
        possible = required <= per if polarity == HIGHER else required >= 0
        steps.append(Step(quarters, best, required, possible))
    return steps


def rolling_after(
    numerator: float,
    denominator: float,
    rate: float,
    quarters: int,
    *,
    leaving: Leaving = None,
    per: int = 100,
) -> float:
    """The rolling figure after so many quarters at `rate`; the rest as for `what_it_takes`. Raises
    `ValueError` for more quarters than drop out."""
    goes = _leaving(numerator, denominator, leaving)
    if quarters > len(goes):
        known = f"Only {len(goes)} of the quarters that drop out are known"
        raise ValueError(f"{known}, not {quarters}.")
    met, new = (sum(one[part] for one in goes[:quarters]) for part in (0, 1))
    return (per * (numerator - met) + rate * new) / denominator


def _leaving(met: float, cases: float, leaving: Leaving) -> Sequence[tuple[float, float]]:
    """The quarters that drop out."""
    return [(met / _WINDOW, cases / _WINDOW)] * _WINDOW if leaving is None else leaving


def takes_in_words(
    steps: Sequence[Step], line: str, unit: str, decimals: int, *, polarity: str = HIGHER
) -> str:
    """`Even at 100% next quarter the rolling figure reaches 47%; it needs 72% in each of the next
    two quarters to …`: rounded to the hard side, so that what is printed suffices."""
    if not steps:
        unknown = "the numbers of cases are not known"
        return f"What it takes to reach the {line} cannot be calculated: {unknown}."
    reach = next((step for step in steps if step.possible), None)
    per, higher = MULTIPLIERS.get(unit), polarity == HIGHER
    if reach and (reach.required <= 0 if higher else reach.required >= (per or math.inf)):
        when = plural(reach.quarters, "quarter")
        return f"The rolling figure will be at the {line} in {when} whatever the new cases bring."
    ideal, clauses = show(float(per or 0) if higher else 0.0, unit, 0), []
    for step in steps[: reach.quarters - 1 if reach else len(steps)]:
        reached = f"the rolling figure reaches {show(step.best, unit, decimals)}"
        clauses.append(f"even at {ideal} {_each(step.quarters)} {reached}")
    if reach:
        tenth = 10**decimals
        hard = (math.ceil if higher else math.floor)(round(reach.required * tenth, 6)) / tenth
        figure = f"{show(hard, unit, decimals)} {_each(reach.quarters)}"
        clauses.append(f"it needs {figure} to reach the {line}")
    else:
        clauses.append(f"so the {line} is out of reach in that time")
    return f"{capitalised('; '.join(clauses))}."


def _each(quarters: int) -> str:
    return "next quarter" if quarters == 1 else f"in each of the next {in_words(quarters)} quarters"


def cases_to(kpi: Mapping[str, Any], level: float | None) -> int | None:
    """How many cases the numerator would have to change by to stand on the right side of `level`.
    Where the level is met it is the last case that still meets it: for `higher` zero or negative
    (what may be lost), for `lower` zero or positive. None where the KPI does not say."""
    per, sided = MULTIPLIERS.get(str(kpi.get("unit"))), kpi.get("polarity") in (HIGHER, LOWER)
    numbers = (level, kpi.get("numerator"), kpi.get("denominator"))
    if per is None or not sided or not all(map(is_number, numbers)):
        return None
    line, met, cases = (Fraction(Decimal(repr(float(n)))) for n in numbers if n is not None)
    if cases <= 0:
        return None
    edge = line * cases / per
    return int((math.ceil(edge) if kpi["polarity"] == HIGHER else math.floor(edge)) - met)


def sensitivity(kpi: Row, lines: Rows, scheme: Scheme) -> list[str]:
    """How many cases decide the rating: `Amber with three fewer cases`, the next better one first,
    then the next worse; empty where cases or rating are not known. `lines`: its rows of
    `rating.band_lines`, where they are set."""
    names, edges = [band.name for band in scheme.bands], {row["band"]: row["edge"] for row in lines}
    required = [cases_to(kpi, edges.get(name)) for name in names[:-1]]
    if kpi.get("rating") not in names or any(cases is None for cases in required):
        return []
    place, sign = names.index(kpi["rating"]), 1 if kpi["polarity"] == HIGHER else -1
    total = f"{'meeting the standard ' if sign > 0 else ''}(of {int(kpi['denominator']):,})"
    clauses = []
    if place and (first := required[place - 1]) is not None:
        better = required.index(first)  # of two lines at one place the better band
        clauses.append(f"{names[better]} with {_cases(first)} {total}")
    if place < len(required) and (last := required[place]) is not None:
        below = (n for n in range(place + 1, len(required)) if required[n] != last)
        worse = next(below, len(required))
        clauses.append(f"{names[worse]} with {_cases(last - sign)} {total}")
    return clauses


def _cases(change: int) -> str:
    """`three fewer cases`; `no fewer cases` for none."""
    more = "more" if change > 0 else "fewer"
    return f"{in_words(abs(change))} {more} {'case' if abs(change) == 1 else 'cases'}"
