"""When each KPI is due, and which figure stands in a report: the latest due one, until the next. A
figure is known by its KPI and the quarter in which its period ends. It is first due in the report
of the first due quarter that is not before that quarter, and so many quarters later as the KPI
lags."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from kpi_tools.loading.catalogue import line_columns, with_targets
from kpi_tools.loading.periods import ACADEMIC
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import BEGINNING
from kpi_tools.quarters import Quarter, year_ended_by, year_ending
from kpi_tools.rows import rows_of
from kpi_tools.vocabulary import IN_YEARS, MILESTONE, NOT_AVAILABLE, NOT_YET_DUE

_DUE: Final = {"half_yearly": "Q2;Q4", "termly": "Q2;Q3;Q4", "annual": "Q4", "biennial": "Q4"}
_EACH: Final = "Q1;Q2;Q3;Q4"
_FIGURE: Final = ["value", "numerator", "denominator", "milestone", "status", "note", "received"]
_FARTHEST: Final = 160
"""How many quarters before or after a report a due quarter is looked for."""


@dataclass(frozen=True)
class Calendar:
    """In which quarters a KPI is due, and which period is then reported. `numbers` are quarters of
    every year, `single` quarters of one year; `anchor` is a quarter in which a biennial KPI was
    due."""

    numbers: frozenset[int]
    single: frozenset[Quarter]
    lag: int = 0
    year_ends: str = ""
    anchor: Quarter | None = None

    @classmethod
    def of(cls, kpi: Mapping[str, Any], first: Quarter | None = None) -> Self:
        """That of a row of the catalogue; `first` is the quarter of its first figure."""
        frequency, text = kpi["frequency"], kpi.get("due")
        text = text if isinstance(text, str) and "Q" in text else ""
        parts = (text or _DUE.get(frequency, _EACH)).split(";")
        numbers = frozenset(int(part[1]) for part in parts if len(part) == 2)
        single = frozenset(Quarter.parse(part) for part in parts if len(part) > 2)
        lag = int(kpi["lag_quarters"])
        year_ends = kpi["year_ends"] if frequency in IN_YEARS else ""
        if frequency != "biennial":
            return cls(numbers, single, lag, year_ends)
        since = first.shift(lag) if first else Quarter.parse(kpi["first_quarter"])
        every = numbers or frozenset(one.number for one in single)
        yearly = cls(every, frozenset(), lag, year_ends)
        return replace(yearly, anchor=yearly.due_from(min(single, default=since)))

    def is_due(self, quarter: Quarter) -> bool:
        """Whether a figure is due in the report of a quarter."""
        if self.anchor and (quarter.year - self.anchor.year) % 2:
            return False
        return quarter.number in self.numbers or quarter in self.single

    def due_from(self, quarter: Quarter) -> Quarter | None:
        """The first due quarter that is not before `quarter`; None where there is none."""
        later = (quarter.shift(step) for step in range(_FARTHEST))
        return next((one for one in later if self.is_due(one)), None)

    def due_until(self, quarter: Quarter, count: int) -> list[Quarter]:
        """The last `count` due quarters up to `quarter`, oldest first."""
        farthest = min(_FARTHEST, quarter - BEGINNING)
        before = (quarter.shift(-step) for step in range(farthest))
        return list(islice((one for one in before if self.is_due(one)), count))[::-1]

    def due_with(self, quarter: Quarter) -> Quarter | None:
        """The quarter in whose report a figure whose period ends in `quarter` is first due."""
        return self.due_from(quarter.shift(self.lag))

    def expected(self, due: Quarter) -> Quarter:
        """The quarter in which the period ends that is due in the report of `due`."""
        before = due.shift(-self.lag)
        if not self.year_ends:
            return before
        return Quarter.containing(year_ended_by(before.end, self.year_ends))

    def ends(self, quarter: Quarter) -> date:
        """The last day of the period that ends in `quarter`."""
        day = year_ending(quarter.end.year, self.year_ends) if self.year_ends else quarter.end
        return day if quarter.start <= day <= quarter.end else quarter.end


def period_words(kpi: Mapping[str, Any], quarter: Quarter, end: date) -> str:
    """What a figure covers: `October to December 2024`, `academic year 2023/24`, `at 31 March`."""
    month = f"{end:%B %Y}"
    if isinstance(kpi.get("since"), str):
        return f"{date.fromisoformat(kpi['since']):%B %Y} to {month}"
    if kpi["frequency"] in IN_YEARS and kpi["basis"] == "annual":
        if kpi["year_ends"] in ACADEMIC and f"{end:%m-%d}" == kpi["year_ends"]:
            return f"academic year {end.year - 1}/{end.year % 100:02}"
        return f"year to {month}"
    return {
        "quarter": f"{quarter.start:%B} to {month}",
        "rolling_12_months": f"12 months to {month}",
        "snapshot": f"at {end.day} {month}",
        "year_to_date": f"April {quarter.year} to {month}",
        "annual": f"year to {month}",
    }[str(kpi["basis"])]


def calendars(returns: Any) -> dict[str, Calendar]:
    """The calendar of each KPI of the catalogue of `returns` (a `Returns`)."""
    first = returns.figures.groupby("kpi_id")["quarter"].min().to_dict()
    first = {kpi_id: Quarter.parse(label) for kpi_id, label in first.items()}
    kpis = rows_of(returns.catalogue)
    return {kpi["kpi_id"]: Calendar.of(kpi, first.get(kpi["kpi_id"])) for kpi in kpis}


def in_set(catalogue: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    """The KPIs of the catalogue that are in the set in the report of `quarter`."""
    last = catalogue["last_quarter"]
    now = (catalogue["first_quarter"] <= quarter.label) & ~(last < quarter.label).fillna(False)
    kpis = catalogue[now.astype(bool)]
    # that a KPI leaves the set later is not known yet
    last = kpis["last_quarter"]
    return kpis.assign(last_quarter=last.where(last == quarter.label))


def due_figures(returns: Any, quarter: Quarter, count: int) -> pd.DataFrame:
    """The last `count` due figures of each KPI in the report of `quarter`, in order: a row for each
    due quarter, figure or none; of a KPI that is not due each quarter the first is that of its
    first figure. Columns: those of the catalogue; `quarter` in which the period ends, `period_end`,
    `period` in words; `due_quarter`, in whose report it was first due, `is_due` in this one,
    `next_due` after it; the figure with its status (`not available` where none came, `not yet due`
    where the KPI has never been due); the lines of its own period."""
    kpis = in_set(returns.catalogue, quarter)
    known = calendars(returns)
    there = _by_due_quarter(returns.figures, known)
    rows = []
    for kpi in rows_of(kpis):
        calendar = known[kpi["kpi_id"]]
        following = calendar.due_from(quarter.shift(1))
        due = calendar.due_until(quarter, count) or [following or quarter]
        if len(calendar.numbers) < 4 or calendar.anchor:  # not due in every report
            came = [one for one in due if (kpi["kpi_id"], one) in there]
            due = due[due.index(came[0]) :] if came else due[-1:]
        for one in due:
            of = there.get((kpi["kpi_id"], one)) or calendar.expected(one)
            end = calendar.ends(of)
            words = period_words(kpi, of, end)
            period = (of.label, pd.Timestamp(end), words[0].upper() + words[1:])
            next_due = following.label if following else None
            rows.append((kpi["kpi_id"], *period, one.label, one == quarter, next_due))
    names = ["kpi_id", "quarter", "period_end", "period", "due_quarter", "is_due", "next_due"]
    kinds = dict.fromkeys(names, "str") | {"is_due": "bool", "period_end": "datetime64[s]"}
    grid = pd.DataFrame(rows, columns=names).astype(kinds)
    figures = returns.figures[["kpi_id", "quarter", *_FIGURE]]
    table = grid.merge(kpis, on="kpi_id", how="left")
    table = table.merge(figures, on=["kpi_id", "quarter"], how="left")
    never = table["value"].isna() & (table["due_quarter"] < table["first_quarter"])
    never |= table["due_quarter"] > quarter.label
    missing = pd.Series(NOT_AVAILABLE, index=table.index).mask(never, NOT_YET_DUE)
    last = ~table.duplicated("kpi_id", keep="last")
    table["status"] = table["status"].fillna(missing.where(last, NOT_AVAILABLE))
    return with_targets(table, returns.targets)


def _by_due_quarter(
    figures: pd.DataFrame, known: Mapping[str, Calendar]
) -> dict[tuple[str, Quarter], Quarter]:
    """KPI and due quarter → the quarter of the figure that is due then: the latest of several."""
    labels = {label: Quarter.parse(label) for label in sorted(figures["quarter"].unique())}
    by_time = figures.sort_values("quarter", kind="stable")
    found = {
        (kpi_id, known[kpi_id].due_with(labels[label])): labels[label]
        for kpi_id, label in zip(by_time["kpi_id"], by_time["quarter"], strict=True)
    }
    return {(kpi_id, due): of for (kpi_id, due), of in found.items() if due}


def check_targets(table: Table, kpis: pd.DataFrame, targets: pd.DataFrame, now: Quarter) -> None:
    """Warn of a KPI in the set without a line for its figure, of one line for one that grows."""
    refused = set(np.array(table.cells["kpi_id"], dtype=object)[table.bad])
    kpis = in_set(kpis, now)
    rated = (kpis["rated"] == "yes") & (kpis["kind"] != MILESTONE)
    # a row that was refused is told by itself
    for kpi in kpis[rated & ~kpis["kpi_id"].isin(refused)].to_dict("records"):
        calendar = Calendar.of(kpi)
        reported = calendar.expected((calendar.due_until(now, 1) or [now])[-1])
        lines = targets[targets["kpi_id"] == kpi["kpi_id"]]
        place = {"file": table.file, "column": "kpi_id", "value": kpi["kpi_id"]}
        row = pd.DataFrame({"kpi_id": [kpi["kpi_id"]], "quarter": [reported.label]})
        now_set = with_targets(row, lines)[[*line_columns(targets), "year_target"]]
        if now_set.isna().all(axis=None):
            table.ledger.problem("target-none", **place, detail=reported.title)
        elif _is_flat(kpi, lines, reported):
            table.ledger.problem("target-flat", **place, detail=reported.year_title)


def _is_flat(kpi: dict[str, Any], lines: pd.DataFrame, quarter: Quarter) -> bool:
    """Whether one target stands all through the year beside a figure that grows through it."""
    grows = kpi["basis"] == "year_to_date" and (kpi["unit"] != "%" or kpi["adds_up"] == "yes")
    if not grows or isinstance(kpi.get("since"), str):
        return False
    quarters = [Quarter(quarter.year, at).label for at in range(1, 5)]
    found = with_targets(pd.DataFrame({"kpi_id": kpi["kpi_id"], "quarter": quarters}), lines)
    one_line = found["target"].notna().all() and found["target"].nunique() == 1
    return bool(one_line and found["year_target"].isna().all())
