"""What puts the figures in context: activity indicators, benchmarks, rebases, single events. Each
function takes a table and returns what is accepted of it by a quarter, typed; faults go into the
table's ledger."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.loading import schemas
from kpi_tools.loading.catalogue import outside
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import read_period
from kpi_tools.loading.read import Table
from kpi_tools.loading.returns import SUBMISSION, WELL_ABOVE_SHARES
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.schemes import one_of
from kpi_tools.units import MULTIPLIERS
from kpi_tools.vocabulary import FINAL, IN_YEARS


def read_activity(table: Table, sections: tuple[str, ...], upto: Quarter) -> pd.DataFrame:
    """The activity indicators of periods up to a quarter; numbers float64, decimals int64."""
    rows = schemas.read(table, schemas.ACTIVITY, choices={"section": sections})
    for place in np.flatnonzero(rows["lower_expected"] > rows["upper_expected"]):
        table.fault(int(place), "lower_expected", "expected-order")
    return schemas.in_force(table, rows, upto, "period").astype({"decimals": "int64"})


def read_benchmarks(
    table: Table, kpis: pd.DataFrame, targets: pd.DataFrame, ids: Ids, upto: Quarter
) -> pd.DataFrame:
    """The benchmarks known by a quarter, typed; `quarter` is the one in which the period ends. It
    is missing where that cannot be told."""
    known = kpis.set_index("kpi_id").to_dict("index")
    units = {kpi_id: kpi["unit"] for kpi_id, kpi in known.items()}
    usual = targets.groupby("kpi_id")["target"].median().to_dict()
    rows = schemas.read(table, schemas.BENCHMARKS, ids, units=units)
    quarters, spelt = [], dict[str, str]()
    for place, row in enumerate(rows.fillna({"area": ""}).to_dict("records")):
        kpi, area = known.get(row["kpi_id"]), row["area"]
        if spelt.setdefault(area.casefold(), area) != area:
            table.fault(place, "area", "name-alike", f'"{spelt[area.casefold()]}"')
        quarters.append(period_ends(row["period"], kpi) if kpi else None)
        if kpi:
            _check_benchmark(table, place, row, kpi, usual.get(row["kpi_id"], np.nan))
    rows["quarter"] = pd.array(quarters, dtype="str")
    return schemas.in_force(table, rows, upto)


def _check_benchmark(
    table: Table, place: int, row: dict[str, Any], kpi: Mapping[str, Any], usual: float
) -> None:
    value, above, below = row["value"], row["numerator"], row["denominator"]
    percentage, per = kpi["unit"] == "%", MULTIPLIERS.get(kpi["unit"])
    low, high = kpi["range_low"], kpi["range_high"]
    unsigned = percentage and "%" not in table.cells["value"][place]
    for name in ("numerator", "denominator"):
        if row[name] < 0:
            table.fault(place, name, "value-negative")
    if below == 0:
        table.fault(place, "denominator", "parts-zero")
    elif percentage and high <= 100 and above > below and not kpi["rounded_to"]:
        table.fault(place, "numerator", "parts-over")
    elif per and not np.isnan(value) and below > 0 and above >= 0:
        if abs(value - per * above / below) > max(0.51, 0.01 * abs(value)):
            share = percentage and abs(value - above / below) < 0.011
            made = f"{per * above / below:,.1f}"
            table.fault(place, "value", "benchmark-share" if share else "value-unlike-parts", made)
    elif unsigned and 0 < value <= 1 and usual > WELL_ABOVE_SHARES:
        table.fault(place, "value", "benchmark-share", f"figures near {usual:g}")
    if value > high or value < low:
        table.fault(place, "value", *outside(value, low, high, percentage))


def period_ends(text: object, kpi: Mapping[str, Any]) -> str | None:
    """The quarter in which a benchmark's period ends; a bare year: the KPI's or the calendar's."""
    plain = re.sub(r"(?:academic |financial )?year (?:to )?", "", str(text).strip(), flags=re.I)
    usual = "12-31" if re.fullmatch(r"20\d\d", plain) else "03-31"
    ends = kpi["year_ends"] if kpi["frequency"] in IN_YEARS else usual
    quarter = read_period(plain, "", {"frequency": "annual", "year_ends": ends}).quarter
    return quarter.label if quarter else None


def check_headline(table: Table, benchmarks: pd.DataFrame, headline: str) -> None:
    """Note a headline of council.toml that no benchmark has as its group or area."""
    there = list(dict.fromkeys([*benchmarks["group"].dropna(), *benchmarks["area"].dropna()]))
    if headline and there and headline not in there:
        none = "benchmarks.csv has no group or area of this name"
        where = dict[str, Any](column="benchmarks.headline", value=headline)
        where["detail"] = f"{none}; there are {one_of(headline, there[:20])}."
        table.ledger.problem("setting-bad", "council.toml", **where)


def read_rebases(table: Table, ids: Ids, upto: Quarter) -> pd.DataFrame:
    """The rebases known by a quarter; `date`: the first day of first_period, a quarter or month.
    `from_quarter` is the first report that uses it; missing: all."""
    rows = schemas.read(table, schemas.REBASES, ids)
    firsts = rows["first_period"].fillna("")
    days = [f"{Quarter.parse(one).start}" if "Q" in one else f"{one}-01" for one in firsts]
    first = dict[tuple[Any, Any], int]()
    for place, key in enumerate(zip(rows["kpi_id"], days, strict=True)):
        if not table.bad[place] and (at := first.setdefault(key, place)) != place:
            table.fault(place, "first_period", "catalogue-twice", str(table.rows[at]))
    rows.insert(2, "date", pd.array(days, dtype="str"))
    return schemas.in_force(table, rows, upto)


def read_events(
    table: Table, kpis: pd.DataFrame, ids: Ids, upto: Quarter, latest: Quarter
) -> pd.DataFrame:
    """The events known by a quarter, by KPI and day; `row`, where each stands. `latest`: the last
    quarter with returns; an event after it has not happened yet: a fault."""
    rows = schemas.read(table, schemas.EVENTS, ids)
    days = [date.fromisoformat(one) if isinstance(one, str) else None for one in rows["date"]]
    quarters = [Quarter.containing(day).label if day else None for day in days]
    happened = pd.Series(quarters, rows.index, dtype="str")
    others = kpis.loc[(kpis["unit"] != "count") | (kpis["basis"] != "quarter"), "kpi_id"]
    for place in np.flatnonzero(rows["kpi_id"].isin(others)).tolist():
        table.fault(place, "kpi_id", "event-kind", rows["kpi_id"][place])
    for place in np.flatnonzero(happened > latest.label).tolist():
        table.fault(place, "date", "event-future", latest.title)
    later = rows["from_quarter"] > happened
    rows = rows.assign(from_quarter=rows["from_quarter"].where(later, happened))
    rows = rows.assign(row=np.array(table.rows, "int64"))
    return schemas.in_force(table, rows, upto).sort_values(["kpi_id", "date"], ignore_index=True)


def counted(events: pd.DataFrame, upto: Quarter, received: Iterable[str]) -> pd.DataFrame:
    """The count of each month from a KPI's first event on, as known in each report, as rows sent.
    `received`: when returns came; before the first of them there was no report. The first month is
    that in which the quarter of the first event begins. A month without an event counts nought. An
    event that became known later makes its month's count come again."""
    rows, first = [], min(received, default="")
    for kpi_id, of_kpi in events.groupby("kpi_id", sort=False):
        begin = Quarter.containing(date.fromisoformat(of_kpi["date"].iloc[0]))
        earliest = Quarter.parse(max(of_kpi["from_quarter"].min(), first))
        totals: dict[str, int] = {}
        for report in quarter_range(upto, upto - earliest + 1):
            then = of_kpi[of_kpi["from_quarter"] <= report.label]
            counts, last = Counter(then["date"].str[:7]), int(then["row"].iloc[-1])
            for month in pd.period_range(begin.start, report.end, freq="M").astype(str):
                if totals.get(month) != counts[month]:
                    totals[month] = counts[month]
                    quarter = Quarter.containing(date.fromisoformat(f"{month}-01")).label
                    rows.append((kpi_id, month, quarter, counts[month], report.label, last))
    columns = ["kpi_id", "month", "quarter", "value", "received", "row"]
    sent, file = pd.DataFrame(rows, columns=columns), schemas.EVENTS.file
    sent = sent.assign(period=sent["month"], status=FINAL, note=f"Counted in {file}.")
    sent = sent.assign(file=file, sheet="", milestone="", silent=False)
    return sent.reindex(columns=list(SUBMISSION)).astype(SUBMISSION)
