"""What each figure counts: which events, of which KPIs in which months (floor 0).

Two figures that count the same events can give each other away: a total and its parts, twelve months and their quarters, a
quarter and its months. Events are named by KPI and month; a KPI that is the sum of others (`part_of`) counts theirs.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import MONTH, MULTIPLIERS

Event = tuple[str, str]
_PERCENT: Final = "%"
_MONTHS_BEFORE: Final = {"quarter": 3, "rolling_12_months": 12, "annual": 12}


class Figure(NamedTuple):
    """One figure as it was received: KPI and period, what was sent, the events it counts, and how many.

    `parts` are numbers that must not be small: the count, or the cases that met a percentage and those that did not;
    none where they are not known.
    """

    kpi_id: str
    period: str
    sent: tuple[float | None, ...]
    events: frozenset[Event]
    parts: tuple[float, ...]


class Kpis:
    """The catalogue as suppression needs it: of which KPIs each is the sum, and which must be looked at together."""

    def __init__(self, kpis: pd.DataFrame) -> None:
        self._rows = kpis.set_index("kpi_id")[["unit", "basis", "monthly_basis"]].to_dict("index")
        self.sensitive = set(kpis.loc[kpis["sensitive"] == "yes", "kpi_id"])
        sums = dict(zip(kpis["kpi_id"], map(parts_named, kpis["part_of"]), strict=True))
        self._sums = {
            kpi_id: [total for total in totals if total in sums] for kpi_id, totals in sums.items()
        }

    def families(self) -> list[set[str]]:
        """Sensitive KPIs with those whose totals or parts they are, however far: what is printed of one bears on the others."""
        found = []
        left = set(self.sensitive)
        while left:
            family, edge = set[str](), {min(left)}
            while edge:
                family |= edge
                above = {total for kpi_id in edge for total in self._sums[kpi_id]}
                edge = (
                    above | {kpi_id for kpi_id in self._sums if edge & set(self._sums[kpi_id])}
                ) - family
            found.append(family)
            left -= family
        return found

    def figure(self, row: Mapping[str, Any]) -> Figure:
        """A row of submissions (`kpi_id`, `period`, `quarter`, `month`, `value`, `numerator`, `denominator`) as a figure."""
        kpi_id, unit = row["kpi_id"], self._rows[row["kpi_id"]]["unit"]
        sent = tuple(
            None if pd.isna(row[name]) else float(row[name])
            for name in ("value", "numerator", "denominator")
        )
        value, above, below = sent
        if unit not in MULTIPLIERS:
            parts: tuple[float, ...] = () if value is None else (value,)
        elif above is None or below is None:
            parts = ()
        else:
            parts = (above, below - above) if unit == _PERCENT else (above,)
        months = self._months(kpi_id, row)
        events = frozenset((leaf, month) for leaf in self._leaves(kpi_id) for month in months)
        return Figure(kpi_id, row["period"], sent, events, parts)

    def _leaves(self, kpi_id: str) -> set[str]:
        parts = [part for part, totals in self._sums.items() if kpi_id in totals]
        return {leaf for part in parts for leaf in self._leaves(part)} or {kpi_id}

    def _months(self, kpi_id: str, row: Mapping[str, Any]) -> list[str]:
        basis, month = self._rows[kpi_id]["basis"], str(row["month"] or "")
        alone = month and (basis == "quarter" or self._rows[kpi_id]["monthly_basis"] == MONTH)
        quarter = Quarter.parse(row["quarter"])
        end = pd.Period(month or f"{quarter.end:%Y-%m}", "M")
        if basis == "snapshot":
            return [f"at {end}"]
        if basis == "year_to_date":
            first = pd.Period(f"{quarter.year}-04", "M")
        else:
            first = end - (1 if alone else _MONTHS_BEFORE[basis]) + 1
        return [str(one) for one in pd.period_range(first, end, freq="M")]


def parts_named(text: object) -> tuple[str, ...]:
    """The ids in a cell of `part_of`, which stand there with a semicolon between them."""
    return (
        tuple(name.strip() for name in text.split(";") if name.strip())
        if isinstance(text, str)
        else ()
    )
