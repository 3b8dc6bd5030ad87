"""What stands beside the figures: commentary, activity indicators, benchmarks, changes, rebases, actions.

Each function takes a table and returns what is accepted of it by a quarter, typed; faults go into the table's ledger.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.loading import schemas
from kpi_tools.loading.disclosure import Withheld
from kpi_tools.loading.fields import in_force, read
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.periods import read_period
from kpi_tools.loading.read import Table
from kpi_tools.loading.targets import outside
from kpi_tools.quarters import Quarter, year_end, year_ending
from kpi_tools.schemes import one_of
from kpi_tools.tokens import KPI_TOKENS, SECTION_TOKENS, listing, unknown
from kpi_tools.units import MULTIPLIERS
from kpi_tools.vocabulary import IN_YEARS

_WELL_ABOVE_SHARES = 5.0


def read_commentary(table: Table, sections: tuple[str, ...], ids: Ids) -> pd.DataFrame:
    """kpi_id or section (the other is missing), commentary, management_action, author, status; file, row: its place."""
    rows = read(table, schemas.COMMENTARY, ids, {"section": sections})
    for place, row in enumerate(rows.to_dict("records")):
        texts = [row[name] for name in ("commentary", "management_action")]
        if not any(isinstance(text, str) for text in texts):
            table.fault(place, "commentary", "text-missing")
        tokens = KPI_TOKENS if table.cells["kpi_id"][place].strip() else SECTION_TOKENS
        for name, text in zip(("commentary", "management_action"), texts, strict=True):
            for fault in unknown(text if isinstance(text, str) else "", tokens):
                detail = f"{fault} There are: {listing(tokens)}."
                table.fault(place, name, "token-unknown", detail)
    rows = rows.assign(file=table.file, row=np.array(table.rows, dtype="int64"))
    return rows[~table.bad].reset_index(drop=True)


def withhold_texts(
    table: Table, commentary: pd.DataFrame, kpis: pd.DataFrame, withheld: Withheld
) -> pd.DataFrame:
    """`commentary`, read from `table`, without the texts on KPIs that give a suppressed figure away; those are refused.

    A text on a section in which such a figure stands is only remarked on: it may be another number. No problem repeats it.
    """
    refused = []
    for at, said in commentary.to_dict("index").items():
        of_kpi = isinstance(said["kpi_id"], str)
        about = (
            [said["kpi_id"]] if of_kpi else kpis.loc[kpis["section"] == said["section"], "kpi_id"]
        )
        for column in ("commentary", "management_action"):
            if isinstance(said[column], str) and withheld.told_of(about, said[column]):
                code = "small-number-in-text" if of_kpi else "small-number-in-section"
                table.ledger.problem(
                    code, table.file, sheet=table.sheet, row=said["row"], column=table.place(column)
                )
                if of_kpi:
                    refused.append(at)
                    table.bad[table.rows.index(said["row"])] = True
    return commentary.drop(index=refused).reset_index(drop=True)


def read_activity(table: Table, sections: tuple[str, ...], upto: Quarter) -> pd.DataFrame:
    """The activity indicators of periods up to a quarter: value, lower_expected, upper_expected float64, decimals int."""
    rows = read(table, schemas.ACTIVITY, choices={"section": sections})
    for place in np.flatnonzero(rows["lower_expected"] > rows["upper_expected"]):
        table.fault(int(place), "lower_expected", "expected-order")
    return in_force(table, rows, upto, "period").astype({"decimals": "int64"})


def read_benchmarks(
    table: Table, kpis: pd.DataFrame, targets: pd.DataFrame, ids: Ids, upto: Quarter
) -> pd.DataFrame:
    """The benchmarks known by a quarter: kpi_id, area, period, value, from_quarter, numerator, denominator, group, status,
    source; `quarter` is the one in which the period ends (missing where that cannot be told)."""
    known = kpis.set_index("kpi_id").to_dict("index")
    units = {kpi_id: kpi["unit"] for kpi_id, kpi in known.items()}
    usual = targets.groupby("kpi_id")["target"].median().to_dict()
    rows = read(table, schemas.BENCHMARKS, ids, units=units)
    quarters = []
    for place, row in enumerate(rows.to_dict("records")):
        kpi = known.get(row["kpi_id"])
        quarters.append(period_ends(row["period"], kpi) if kpi else None)
        if kpi:
            _check_benchmark(table, place, row, kpi, usual.get(row["kpi_id"], np.nan))
    rows["quarter"] = pd.array(quarters, dtype="str")
    return in_force(table, rows, upto)


def _check_benchmark(
    table: Table, place: int, row: dict[str, Any], kpi: Mapping[str, Any], usual: float
) -> None:
    value, above, below = row["value"], row["numerator"], row["denominator"]
    percentage, per = kpi["unit"] == "%", MULTIPLIERS.get(kpi["unit"])
    low, high = kpi["range_low"], kpi["range_high"]
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
    elif (
        percentage
        and 0 < value <= 1
        and usual > _WELL_ABOVE_SHARES
        and "%" not in table.cells["value"][place]
    ):
        table.fault(place, "value", "benchmark-share", f"figures near {usual:g}")
    if value > high or value < low:
        table.fault(place, "value", *outside(value, low, high, percentage))


def period_ends(text: object, kpi: Mapping[str, Any]) -> str | None:
    """The quarter in which a benchmark's period ends; a bare year is the KPI's own, or else the calendar's."""
    plain = str(text).strip()
    yearly = kpi["frequency"] in IN_YEARS
    plain = re.sub(r"(?:academic |financial )?year (?:to )?", "", plain, flags=re.I)
    if re.fullmatch(r"(?:19|20)\d\d", plain):
        end = year_ending(int(plain), kpi["year_ends"] if yearly else "12-31")
        return Quarter.containing(end).label
    found = re.fullmatch(r"((?:19|20)\d\d)[-/](?:20)?(\d\d)", plain)
    if found and int(found[2]) == (int(found[1]) + 1) % 100:
        end = year_end(int(found[1]), kpi["year_ends"] if yearly else "03-31")
        return Quarter.containing(end).label
    quarter = read_period(plain).quarter
    return quarter.label if quarter else None


def check_headline(table: Table, benchmarks: pd.DataFrame, headline: str) -> None:
    """Note a headline of council.toml that no benchmark has as its group or area."""
    there = list(dict.fromkeys([*benchmarks["group"].dropna(), *benchmarks["area"].dropna()]))
    if headline and there and headline not in there:
        table.ledger.problem(
            "setting-bad",
            "council.toml",
            column="benchmarks.headline",
            value=headline,
            detail=f"benchmarks.csv has no group or area of this name; there are {one_of(headline, there[:20])}.",
        )


def read_rebases(table: Table, ids: Ids, upto: Quarter) -> pd.DataFrame:
    """The rebases known by a quarter: kpi_id, first_period (a quarter or month), date (its first day), reason, name (a
    role), from_quarter (the first report that uses it; missing: all), status."""
    rows = read(table, schemas.REBASES, ids)
    days = [
        first_day(period) if isinstance(period, str) else None for period in rows["first_period"]
    ]
    first = dict[tuple[Any, Any], int]()
    for place, key in enumerate(zip(rows["kpi_id"], days, strict=True)):
        if all(key) and first.setdefault(key, place) != place and not table.bad[place]:
            table.fault(place, "first_period", "catalogue-twice", str(table.rows[first[key]]))
    rows.insert(2, "date", pd.array(days, dtype="str"))
    return in_force(table, rows, upto)


def first_day(period: str) -> str:
    """The first day of a quarter or month as the tables write it."""
    return Quarter.parse(period).start.isoformat() if "Q" in period else f"{period}-01"
