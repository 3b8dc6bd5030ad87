"""The arithmetic behind a percentage: its own quarter inside a rolling figure, what it takes, how many cases decide.

Everything here counts cases, so it is exact: no model, no chance (METHOD.md, "Outlook").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.schemes import DEFAULT_SCHEME, Band, Scheme
from kpi_tools.vocabulary import HIGHER, LOWER, MULTIPLIERS
from kpi_tools.wording import in_words, show

_WINDOW = 4


def in_period(figures: pd.DataFrame, known: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add the figure of the quarter alone to rolling 12-month figures: `in_period_numerator`, `…_denominator`,
    `…_value`.

    `figures`: rows with `kpi_id`, `period_end`, `unit`, `basis`, rolling `numerator` and `denominator`. `known`:
    quarters' own `numerator` and `denominator` by `kpi_id` and `period_end` (from monthly returns, say). From these
    the others follow, both ways in time: a rolling figure is the sum of four quarters, and moves by the quarter that
    comes less the one that leaves. What cannot be recovered, or would come out impossible, stays missing.
    """
    rows = figures.reset_index(drop=True)
    found: dict[tuple[str, str, int], float] = {}
    given = pd.DataFrame(columns=["kpi_id", "period_end"]) if known is None else known
    for part in ("numerator", "denominator"):
        places = _places(rows)
        for kpi, group in rows.assign(_at=places)[rows["basis"] == "rolling_12_months"].groupby(
            "kpi_id", sort=False
        ):
            mine = given[given["kpi_id"] == kpi]
            start = {
                at: float(n)
                for at, n in zip(_places(mine), mine.get(part, []), strict=True)
                if pd.notna(n)
            }
            rolling = {
                at: float(n) for at, n in zip(group["_at"], group[part], strict=True) if pd.notna(n)
            }
            found |= {(str(kpi), part, at): n for at, n in _recovered(rolling, start).items()}
        keys = zip(rows["kpi_id"], places, strict=True)
        rows[f"in_period_{part}"] = [found.get((str(kpi), part, at), math.nan) for kpi, at in keys]
    n, d = rows["in_period_numerator"], rows["in_period_denominator"]
    per = rows["unit"].map(MULTIPLIERS)
    possible = (n >= 0) & (d > 0) & ((rows["unit"] != "%") | (n <= d))
    names = ["in_period_numerator", "in_period_denominator"]
    rows[names] = rows[names].where(possible)
    rows["in_period_value"] = (per * n / d.where(d > 0)).where(possible)
    return rows.set_axis(figures.index)


def _places(rows: pd.DataFrame) -> list[int]:
    """A whole number for each quarter, so that neighbours differ by one."""
    ends = [Quarter.containing(end.date()) for end in rows["period_end"]]
    return [end.year * 4 + end.number for end in ends]


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
    """After so many `quarters`: the `best` that the rolling figure can be, and the figure `required` in each of them.

    Both in the KPI's unit. `possible`: whether the figure needed is one that can be had.
    """

    quarters: int
    best: float
    required: float
    possible: bool


def what_it_takes(
    numerator: float,
    denominator: float,
    level: float,
    *,
    leaving: Sequence[tuple[float, float]] | None = None,
    coming: float | None = None,
    polarity: str = HIGHER,
    per: int = 100,
) -> list[Step]:
    """What each of the next quarters must be for a rolling percentage (or rate per `per`) to reach `level`.

    `leaving`: numerator and denominator of the quarters that drop out, oldest first; without them each is a quarter
    of the whole. `coming`: how many cases each new quarter brings; without it, as many as leave. One step for one
    quarter ahead, for two, and so on.
    """
    goes = (
        list(leaving)
        if leaving is not None
        else [(numerator / _WINDOW, denominator / _WINDOW)] * _WINDOW
    )
    steps, met, cases, new = [], numerator, denominator, 0.0
    for quarters, (gone_met, gone) in enumerate(goes, start=1):
        fresh = gone if coming is None else coming
        met, cases, new = met - gone_met, cases - gone + fresh, new + fresh
        if new <= 0 or cases <= 0:
            continue
        best = per * (met + new if polarity == HIGHER else met) / cases
        required = (level * cases - per * met) / new
        possible = required <= per if polarity == HIGHER else required >= 0
        steps.append(Step(quarters, best, required, possible))
    return steps


def rolling_after(
    numerator: float,
    denominator: float,
    rate: float,
    quarters: int,
    *,
    leaving: Sequence[tuple[float, float]] | None = None,
    coming: float | None = None,
    per: int = 100,
) -> float:
    """The rolling figure after so many quarters at `rate` (in the KPI's unit); the rest as in `what_it_takes`."""
    goes = (
        list(leaving)
        if leaving is not None
        else [(numerator / _WINDOW, denominator / _WINDOW)] * _WINDOW
    )
    if quarters > len(goes):
        raise ValueError(
            f"Only {len(goes)} of the quarters that drop out are known, not {quarters}."
        )
    new = sum(gone if coming is None else coming for _, gone in goes[:quarters])
    cases = denominator - sum(gone for _, gone in goes[:quarters]) + new
    return (per * (numerator - sum(met for met, _ in goes[:quarters])) + rate * new) / cases


def takes_in_words(
    steps: Sequence[Step], line: str, unit: str, decimals: int, *, polarity: str = HIGHER
) -> str:
    """`Even at 100% next quarter the rolling figure reaches 47%; it needs 72% in each of the next two quarters to …`

    `line` names what is to be reached. A needed figure is rounded to the hard side, so that what is printed suffices.
    """
    if not steps:
        return f"What it takes to reach the {line} cannot be calculated: the numbers of cases are not known."
    reachable = next((step for step in steps if step.possible), None)
    if reachable is not None and (
        reachable.required <= 0
        if polarity == HIGHER
        else reachable.required >= MULTIPLIERS.get(unit, math.inf)
    ):
        return f"The rolling figure will be at the {line} in {_span(reachable.quarters)} whatever the new cases bring."
    clauses = []
    for step in steps[: reachable.quarters - 1 if reachable else len(steps)]:
        ideal = show(float(MULTIPLIERS.get(unit, 0)) if polarity == HIGHER else 0.0, unit, 0)
        clauses.append(
            f"even at {ideal} {_each(step.quarters)} the rolling figure reaches {show(step.best, unit, decimals)}"
        )
    if reachable is None:
        clauses.append(f"so the {line} is out of reach in that time")
    else:
        step = 10**decimals
        hard = (math.ceil if polarity == HIGHER else math.floor)(
            round(reachable.required * step, 6)
        ) / step
        clauses.append(
            f"it needs {show(hard, unit, decimals)} {_each(reachable.quarters)} to reach the {line}"
        )
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _each(quarters: int) -> str:
    return "next quarter" if quarters == 1 else f"in each of the next {in_words(quarters)} quarters"


def _span(quarters: int) -> str:
    return "one quarter" if quarters == 1 else f"{in_words(quarters)} quarters"


def cases_to(kpi: Mapping[str, Any], level: float | None) -> int | None:
    """How many cases the numerator would have to change by to stand exactly on the right side of `level`.

    Positive: so many more; negative: so many fewer. Where the level is met already it is the last case that still
    meets it: for `higher` zero or negative (what may be lost), for `lower` zero or positive. None where cases are not
    known.
    """
    per = MULTIPLIERS.get(str(kpi.get("unit")))
    numbers = (level, kpi.get("numerator"), kpi.get("denominator"))
    if (
        per is None
        or kpi.get("polarity") not in (HIGHER, LOWER)
        or any(n is None or pd.isna(n) for n in numbers)
    ):
        return None
    line, met, cases = (Fraction(Decimal(repr(float(n)))) for n in numbers if n is not None)
    edge = line * cases / per
    return (
        int((math.ceil(edge) if kpi["polarity"] == HIGHER else math.floor(edge)) - met)
        if cases > 0
        else None
    )


def sensitivity(kpi: Mapping[str, Any], scheme: Scheme = DEFAULT_SCHEME) -> list[str]:
    """How many cases decide the rating: `would be Amber with three fewer cases`, the way up first, then the way down.

    From a row with `rating`, `polarity`, `unit`, `numerator`, `denominator` and its lines. Empty where the cases are not
    known or the KPI is not rated.
    """
    names = [band.name for band in scheme.bands]
    required = [cases_to(kpi, _edge(kpi, band)) for band in scheme.bands[:-1]]
    if kpi.get("rating") not in names or any(cases is None for cases in required):
        return []
    place, sign = names.index(kpi["rating"]), 1 if kpi["polarity"] == HIGHER else -1
    total = f"{'meeting the standard ' if sign > 0 else ''}(of {int(kpi['denominator']):,})"
    clauses = [
        f"would be {names[better]} with {_cases(cases)} {total}"
        for better in reversed(range(place))
        if (cases := required[better]) is not None and cases not in required[:better]
    ]
    if place < len(required) and (last := required[place]) is not None:
        worse = next(
            (n for n in range(place + 1, len(required)) if required[n] != last), len(required)
        )
        clauses.append(f"would be {names[worse]} with {_cases(last - sign)} {total}")
    return clauses


def _edge(kpi: Mapping[str, Any], band: Band) -> float | None:
    """Where a band begins, in the KPI's unit: the easiest of its lines."""
    way = -1 if kpi.get("polarity") == LOWER else 1
    levels = []
    for line in band.meets:
        at = kpi.get(line.column)
        if at is None or pd.isna(at):
            continue
        off = abs(at) * line.amount / 100 if line.percent else line.amount
        levels.append(float(at) * way + (off if line.beyond else -off))
    return min(levels) * way if levels else None


def _cases(change: int) -> str:
    return f"{in_words(abs(change))} {'more' if change > 0 else 'fewer'} {'case' if abs(change) == 1 else 'cases'}"
