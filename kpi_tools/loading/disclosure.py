"""Small numbers: which figures of sensitive KPIs are hidden, so that no subtraction gives them.

The rule: a figure that counts few cases is hidden, and with it every figure that counts any of the
same cases: its total, its quarter, the twelve months and the year to date that hold it. What
subtracting figures from a larger one leaves is a figure too. So no printed figure says anything of
the cases hidden, however they are added up.

Returns are looked at in the order in which they came. What an earlier report has printed stays
printed; where it holds hidden cases, everything new that shares cases with it is hidden as well. A
report made again years later hides what it hid then.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from kpi_tools.loading.catalogue import parts_named
from kpi_tools.loading.periods import MONTHS
from kpi_tools.quarters import Quarter
from kpi_tools.units import MULTIPLIERS
from kpi_tools.vocabulary import MONTH, SUPPRESSED

Event = tuple[str, str]
"""The cases of one KPI, which is no sum of others, in one month."""
Catalogue = Mapping[str, Mapping[str, Any]]
Totals = Mapping[str, Collection[str]]
"""By KPI those of which it is a part."""
_NUMBERS: Final = ["value", "numerator", "denominator"]
_MONTHS: Final = {"quarter": 3, "rolling_12_months": 12, "annual": 12}


class Figure(NamedTuple):
    """One figure as it was received: what was sent, the events it counts, how many cases they are.
    `parts` must not be small: the count, or the cases that met a percentage and those that did not;
    none where unknown."""

    kpi_id: str
    period: str
    sent: tuple[float | None, ...]
    events: frozenset[Event]
    parts: tuple[float, ...]

    def is_small(self, threshold: int) -> bool:
        """Whether it counts few cases, or nobody knows how many."""
        return not self.parts or any(0 < abs(count) < threshold for count in self.parts)


@dataclass(frozen=True)
class Suppressed:
    """`submissions` as they may be printed; `withheld`, which knows the others and does not tell.
    `uncounted`: hidden rows of sensitive KPIs of which nobody can say how many cases they count."""

    submissions: pd.DataFrame
    withheld: "Withheld"
    uncounted: pd.DataFrame


def suppress(
    submissions: pd.DataFrame,
    kpis: pd.DataFrame,
    threshold: int,
    rounding: int = 0,
    exempt: pd.DataFrame | None = None,
) -> Suppressed:
    """Hide small figures of sensitive KPIs, and what would give them away. They have the status
    `suppressed`, no numbers, no note. `submissions`: accepted rows, in the order received; `kpis`:
    the catalogue, with `sensitive` and `part_of`. Small is what counts 1 to `threshold` - 1 cases.
    `rounding`: the base to which the other counts of sensitive KPIs are rounded (0: none), halves
    up; a percentage or rate is then made of the rounded counts. `exempt`: small figures printed all
    the same (columns kpi_id, period, from_quarter), those received from `from_quarter` on."""
    sensitive = set(kpis.loc[kpis["sensitive"] == "yes", "kpi_id"])
    if not sensitive or submissions.empty:
        return Suppressed(submissions, Withheld(), submissions.head(0))
    catalogue = kpis.set_index("kpi_id").to_dict("index")
    totals = {kpi_id: parts_named(kpi["part_of"]) for kpi_id, kpi in catalogue.items()}
    keys = ["kpi_id", "period", "from_quarter"]
    agreed = [] if exempt is None else list(exempt[keys].itertuples(index=False, name=None))
    spoken = submissions[~submissions["silent"].astype("bool")]
    spoken = spoken[spoken["value"].notna() | (spoken["status"] == SUPPRESSED)]
    rows = spoken.to_dict("index").items()
    figures = {int(at): _figure(row, catalogue, totals) for at, row in rows}
    withheld, hidden = Withheld(), list[int]()
    for family in _families(sensitive, totals):
        of = spoken[spoken["kpi_id"].isin(family)]
        hidden += _hidden(of["received"], figures, sensitive, agreed, threshold)
    for at in hidden:
        withheld.add(figures[at].kpi_id, filter(None, figures[at].sent))
    printed = _rounded(submissions, catalogue, sensitive, rounding) if rounding else submissions
    lost = printed.index[printed["value"].isna() & submissions["value"].notna()]
    uncounted = [at for at in hidden if not figures[at].parts and figures[at].sent[0] is not None]
    uncounted = [at for at in uncounted if figures[at].kpi_id in sensitive]
    safe = _without(printed, {*hidden, *lost}, withheld)
    return Suppressed(safe, withheld, submissions.loc[uncounted])


def _families(sensitive: set[str], totals: Totals) -> Iterator[set[str]]:
    """Sensitive KPIs with those whose totals or parts they are, however far."""
    left = set(sensitive)
    while left:
        family, edge = set[str](), {min(left)}
        while edge:
            family |= edge
            above = {total for kpi_id in edge for total in totals.get(kpi_id, ())}
            below = {kpi_id for kpi_id, over in totals.items() if edge & set(over)}
            edge = (above | below) - family
        left -= family
        yield family


def _figure(row: Mapping[str, Any], catalogue: Catalogue, totals: Totals) -> Figure:
    kpi_id, kpi = row["kpi_id"], catalogue[row["kpi_id"]]
    sent = tuple(None if pd.isna(row[name]) else float(row[name]) for name in _NUMBERS)
    value, above, below = sent
    parts: tuple[float, ...] = ()
    if kpi["unit"] not in MULTIPLIERS:
        parts = () if value is None else (value,)
    elif above is not None and below is not None:
        parts = (above, below - above) if kpi["unit"] == "%" else (above,)
    months = _months(kpi, row)
    events = frozenset((leaf, month) for leaf in _leaves(kpi_id, totals) for month in months)
    return Figure(kpi_id, row["period"], sent, events, parts)


def _leaves(kpi_id: str, totals: Totals) -> set[str]:
    parts = [part for part, over in totals.items() if kpi_id in over]
    return {leaf for part in parts for leaf in _leaves(part, totals)} or {kpi_id}


def _months(kpi: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    """The months whose events a figure counts."""
    basis, month = kpi["basis"], row["month"] if isinstance(row["month"], str) else ""
    quarter, since = Quarter.parse(row["quarter"]), kpi.get("since")
    end = pd.Period(month or f"{quarter.end:%Y-%m}", "M")
    if basis == "snapshot":
        return [f"at {end}"]
    alone = month and (basis == "quarter" or kpi["monthly_basis"] == MONTH)
    first = end - (1 if alone else _MONTHS.get(basis, 12)) + 1
    if basis == "year_to_date" or isinstance(since, str):
        first = pd.Period(since[:7] if isinstance(since, str) else f"{quarter.year}-04", "M")
    return [str(one) for one in pd.period_range(first, end, freq="M")]


def _hidden(
    received: pd.Series,
    figures: Mapping[int, Figure],
    sensitive: set[str],
    agreed: Iterable[tuple[str, str, str]],
    threshold: int,
) -> Iterator[int]:
    """The rows to hide of one family; `received` says with which returns each of them came."""
    is_hidden = dict[Figure, bool]()
    latest = dict[tuple[str, str], tuple[Figure, str]]()
    for label in sorted(received.unique()):  # labels stand in the order of time
        here = [(at, figures[at]) for at in received.index[received == label]]
        latest |= {(one.kpi_id, one.period): (one, label) for _, one in here}
        known = [one for one, _ in latest.values()]
        asked = [(latest.get((kpi_id, period)), since) for kpi_id, period, since in agreed]
        allowed = {found[0] for found, since in asked if found and since <= found[1]}
        secret = set[Event]()
        for one in known:
            if one in allowed and one.parts:
                is_hidden[one] = False
            elif one.sent[0] is None or (one.kpi_id in sensitive and one.is_small(threshold)):
                secret |= one.events
        for one in _remainders(known):
            if {leaf for leaf, _ in one.events} & sensitive and one.is_small(threshold):
                secret |= one.events
        printed = [one.events for one, hid in is_hidden.items() if not hid]
        while share := [events for events in printed if events & secret and not events <= secret]:
            secret = secret.union(*share)
        for at, one in here:
            if is_hidden.setdefault(one, bool(one.events & secret)):
                yield at


def _remainders(figures: list[Figure]) -> Iterator[Figure]:
    """What subtraction alone gives: a year to date less the one before, a quarter less two months.
    For each figure what is left of it when the largest others within it are taken away, if no
    figure counts it by itself, and it is known and not negative."""
    counted = {one.events for one in figures}
    by_size = sorted(figures, key=lambda one: (-len(one.events), one.kpi_id, one.period))
    for whole in figures:
        events, parts = whole.events, whole.parts
        for one in by_size:
            if one.events <= events and one.events != whole.events and len(one.parts) == len(parts):
                events -= one.events
                parts = tuple(a - b for a, b in zip(parts, one.parts, strict=True))
        if events and events not in counted and parts and min(parts) >= 0:
            yield Figure(whole.kpi_id, f"{whole.period}, the rest", parts, events, parts)


def _rounded(
    sent: pd.DataFrame, catalogue: Catalogue, sensitive: set[str], base: int
) -> pd.DataFrame:
    """The counts of sensitive KPIs to the nearest multiple of the base, ratios made of them."""
    mask = sent["kpi_id"].isin(sensitive)
    unit = sent["kpi_id"].map({kpi_id: kpi["unit"] for kpi_id, kpi in catalogue.items()})
    per = unit.map(MULTIPLIERS)
    numbers = sent[_NUMBERS].astype("float64")
    near = (numbers / base + 0.5) // 1 * base
    near["denominator"] = near["denominator"].where(unit == "%", numbers["denominator"])
    ratio = near["numerator"] * per / near["denominator"].where(near["denominator"] > 0)
    near["value"] = ratio.where(per.notna(), near["value"])
    return sent.assign(**{name: near[name].where(mask, numbers[name]) for name in _NUMBERS})


def _without(submissions: pd.DataFrame, hidden: set[int], withheld: "Withheld") -> pd.DataFrame:
    at = pd.Series(submissions.index.isin(hidden), index=submissions.index)
    notes = zip(submissions["kpi_id"], submissions["note"], strict=True)
    tells = pd.Series([withheld.tells(*one) for one in notes], submissions.index, dtype="bool")
    return submissions.assign(
        **{name: submissions[name].astype("float64").mask(at) for name in _NUMBERS},
        status=submissions["status"].mask(at, SUPPRESSED),
        note=submissions["note"].mask(at | tells, ""),
    )


_NAMES: Final = "one two three four five six seven eight nine ten eleven twelve"
_WORDS: Final = {name: number for number, name in enumerate(_NAMES.split(), start=1)}
_WRITTEN: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_NUMBER, _WORD, _NOT_BEFORE, _NOT_AFTER = (
    re.compile(form.replace("WORDS", "|".join(_WORDS)).replace("MONTHS", "|".join(MONTHS)), re.I)
    for form in _WRITTEN.values()
)


class Withheld:
    """The suppressed figures of each KPI, with no way to print them: no output can."""

    def __init__(self) -> None:
        self._of: dict[str, set[float]] = {}

    def __repr__(self) -> str:
        return "<suppressed figures>"

    def add(self, kpi_id: str, numbers: Iterable[float | None]) -> None:
        """Keep the numbers of a suppressed figure; nought says nothing."""
        self._of.setdefault(kpi_id, set()).update(number for number in numbers if number)

    def tells(self, kpi_id: object, text: object) -> bool:
        """Whether a number in the text is a suppressed one of the KPI, exactly or as rounded.
        Digits and words count. Quarters, dates, spans of time and counts of KPIs are let pass."""
        known = self._of.get(str(kpi_id), ())
        return isinstance(text, str) and any(_tells(text, number) for number in known)


def _tells(text: str, number: float) -> bool:
    spelt = [found for found in _WORD.finditer(text) if _WORDS[found["word"].lower()] == number]
    for found in _NUMBER.finditer(text):
        plain = found["figure"].strip("£,").replace(",", "")
        half = 0.5 * 10.0 ** -len(plain.partition(".")[2]) if found["sign"] or "." in plain else 0.0
        spelt += [found] * (abs(float(plain) - number) <= half + 1e-9)
    return any(
        not _NOT_BEFORE.search(text[: found.start()]) and not _NOT_AFTER.match(text[found.end() :])
        for found in spelt
    )
