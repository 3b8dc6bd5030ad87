"""kpis.csv and targets.csv: what the council measures, by which lines each figure is rated. A row
of kpis.csv with everything that it leaves to be understood; a line from when on it is in force."""

import re
from bisect import bisect_right
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading.council import Council
from kpi_tools.loading.ids import Ids, folded, skeleton, without_zeros
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import KPIS, TARGETS, read
from kpi_tools.units import parse_range, unit_family
from kpi_tools.vocabulary import (
    CLOSEST,
    HIGHER,
    IN_YEARS,
    LOWER,
    MILESTONE,
    NO_POLARITY_GIVEN,
    PERCENTAGE,
)

_SHORT: Final = 30
_ALIKE: Final = 0.93
"""So much of two names is the same where they are one, spelt in two ways."""
_WORDS: Final = ("applies", "profile", "target_reason", "target_status")
_NOT_LINES: Final = ("kpi_id", "from_quarter", *_WORDS, "year_target")


def read_kpis(table: Table, council: Council) -> pd.DataFrame:
    """One row per KPI, in the order of the file, defaults filled in; `status` is `kpi_status`. Adds
    `range_low` and `range_high`, infinite where the measure is open. `decimals` is missing where it
    follows from the figures. Rows with faults are left out."""
    choices = {"section": council.sections}
    rows = read(table, KPIS, choices=choices).rename(columns={"status": "kpi_status"})
    rows["directorate"] = rows["directorate"].fillna(rows["section"])
    rows["owner"] = rows["owner"].fillna(rows["directorate"])
    in_years = rows["frequency"].isin(IN_YEARS)
    rows["basis"] = rows["basis"].fillna(in_years.map({True: "annual", False: "quarter"}))
    rows["unit"] = rows["unit"].mask((rows["kind"] == MILESTONE) & rows["unit"].isna(), "")
    families = map(unit_family, rows["unit"].fillna(""))
    ranges = [
        (parse_range(text) if isinstance(text, str) else (family.low, family.high)) or (np.nan,) * 2
        for text, family in zip(rows["range"], families, strict=True)
    ]
    rows[["range_low", "range_high"]] = np.array(ranges, dtype="float64").reshape(-1, 2)
    kpis = rows.to_dict("records")
    _check_ids(table, kpis)
    for place, kpi in enumerate(kpis):
        _check_kpi(table, place, kpi, council)
    check_sums(table, kpis)
    _check_names(table, rows)
    for name in ("lag_quarters", "rounded_to"):
        rows[name] = rows[name].fillna(0).astype("int64")
    return rows.drop(columns="range")[~table.bad].reset_index(drop=True)


def _check_kpi(table: Table, place: int, kpi: dict[str, Any], council: Council) -> None:
    first, last, milestone = kpi["first_quarter"], kpi["last_quarter"], kpi["kind"] == MILESTONE
    if isinstance(last, str) and isinstance(first, str) and last < first:
        table.fault(place, "last_quarter", "catalogue-order")
    if pd.isna(kpi["unit"]) and not table.cells["unit"][place].strip():
        table.fault(place, "unit", "catalogue-missing")
    if isinstance(kpi["short_name"], str) and len(kpi["short_name"]) > _SHORT:
        table.fault(place, "short_name", "text-cut", str(_SHORT))
    if kpi["polarity"] == NO_POLARITY_GIVEN and kpi["rated"] == "yes" and not milestone:
        table.fault(place, "polarity", "polarity-none")
    if kpi["scheme"] and kpi["scheme"] not in council.schemes:
        there = ", ".join(filter(None, council.schemes)) or "none"
        table.fault(place, "scheme", "scheme-unknown", there)
    due = kpi["due"] if isinstance(kpi["due"], str) else ""
    if due and milestone == ("Q" in due):
        quarters = 'quarters such as "Q2" or "Q2;Q4"; a date is for milestones'
        of_milestone = 'the date of the milestone, such as "2026-03-31"'
        table.fault(place, "due", "catalogue-number", of_milestone if milestone else quarters)
    if milestone and not council.milestones:
        table.fault(place, "kind", "milestone-statuses")


def _check_ids(table: Table, kpis: list[dict[str, Any]]) -> None:
    """Two ids of one form; a warning of two that a reader or a spreadsheet cannot tell apart."""
    first, alike = dict[str, int](), dict[str, str]()
    for place, kpi_id in enumerate(kpi["kpi_id"] for kpi in kpis):
        if not isinstance(kpi_id, str):
            continue
        if (at := first.setdefault(folded(kpi_id), place)) != place:
            if kpi_id != kpis[at]["kpi_id"]:
                table.fault(place, "kpi_id", "catalogue-twice", str(table.rows[at]))
            continue
        forms = skeleton(kpi_id) or kpi_id, without_zeros(kpi_id)
        others = {alike.setdefault(form, kpi_id) for form in forms} - {kpi_id}
        if others:
            table.fault(place, "kpi_id", "catalogue-lookalike", " and ".join(sorted(others)))


def _check_names(table: Table, rows: pd.DataFrame) -> None:
    """Warn of two KPIs of one name, of a directorate or owner that most rows spell otherwise."""
    first = dict[str, int]()
    for place, text in enumerate(rows["kpi_name"].fillna("")):
        if text and (at := first.setdefault(_words(text), place)) != place:
            table.fault(place, "kpi_name", "name-twice", f"row {table.rows[at]}")
    for name in ("directorate", "owner"):
        usual = dict[str, str]()
        for text in rows[name].value_counts().index:  # the commonest spelling first
            spelt = _words(text)
            near = get_close_matches(spelt, usual, n=1, cutoff=_ALIKE)
            same = near and re.findall(r"\d", near[0]) == re.findall(r"\d", spelt)
            usual.setdefault(near[0] if same else spelt, text)
            for place in np.flatnonzero(rows[name] == text).tolist() if same else ():
                if table.cells[name][place].strip():
                    table.fault(place, name, "name-alike", f'"{usual[near[0]]}"')


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold().replace(" and ", " ")))


def check_sums(table: Table, kpis: list[dict[str, Any]]) -> None:
    """Each KPI named in `part_of` is there, of one unit and time, and not a part of itself."""
    there = {kpi["kpi_id"]: kpi for kpi in kpis}
    sums = {kpi["kpi_id"]: parts_named(kpi["part_of"]) for kpi in kpis}
    for place, kpi in enumerate(kpis):
        for total in sums[kpi["kpi_id"]]:
            fault = ""
            if total not in there:
                fault = f"The catalogue has no KPI {total}."
            elif kpi["kpi_id"] in _totals_above(total, sums):
                fault = f"{kpi['kpi_id']} would be a part of itself."
            elif there[total]["unit"] != kpi["unit"]:
                fault = f"{total} has the unit {there[total]['unit']}."
            elif (there[total]["basis"] == "snapshot") != (kpi["basis"] == "snapshot"):
                fault = f"One of the two is of a day, the other not: {total}."
            if fault:
                table.fault(place, "part_of", "part-of", fault)


def parts_named(text: object) -> tuple[str, ...]:
    """The ids in a cell of `part_of`, which stand there with a semicolon between them."""
    named = text.split(";") if isinstance(text, str) else []
    return tuple(name.strip() for name in named if name.strip())


def _totals_above(total: str, sums: dict[str, tuple[str, ...]]) -> set[str]:
    found, edge = set[str](), {total}
    while edge:
        found |= edge
        edge = {above for one in edge for above in sums.get(one, ())} - found
    return found


def line_columns(targets: pd.DataFrame) -> list[str]:
    """The columns of numbers in a table of targets: its lines and the tolerance."""
    return [name for name in targets.columns if name not in _NOT_LINES]


def read_targets(table: Table, kpis: pd.DataFrame, ids: Ids, scheme: str = "") -> pd.DataFrame:
    """One row per KPI and first quarter of force: its lines (float64), what they apply to, why."""
    known = kpis.set_index("kpi_id").to_dict("index")
    rows = read(table, TARGETS, ids, units={kpi_id: kpi["unit"] for kpi_id, kpi in known.items()})
    rows = rows.rename(columns={"reason": "target_reason", "status": "target_status"})
    lines = [name for name in line_columns(rows) if name != "tolerance"]
    for place, row in enumerate(rows.to_dict("records")):
        if row["kpi_id"] in known:
            _check_target(table, place, row, lines, known[row["kpi_id"]])
        if scheme == PERCENTAGE and not np.isnan(row["floor_standard"]):
            table.fault(place, "floor_standard", "target-unused")
    # labels stand in the order of time
    rows = rows[~table.bad].sort_values("from_quarter", kind="stable")
    return rows.reset_index(drop=True)


def _check_target(
    table: Table, place: int, row: dict[str, Any], lines: list[str], kpi: dict[str, Any]
) -> None:
    low, high, percentage = kpi["range_low"], kpi["range_high"], kpi["unit"] == "%"
    # a KPI shown with two decimals may well have a target of 0.02%; one in whole per cent has not
    whole = percentage and (pd.isna(kpi["decimals"]) or kpi["decimals"] < 2)
    for name in lines:
        signed = "%" in table.cells[name][place] or table.kind(name, place) == "percent"
        if row[name] > high or row[name] < low:
            table.fault(place, name, *outside(row[name], low, high, percentage))
        elif whole and 0 < row[name] <= 1 and not signed:
            table.fault(place, name, "target-fraction")
    target, floor, polarity = row["target"], row["floor_standard"], kpi["polarity"]
    if (polarity == HIGHER and floor > target) or (polarity == LOWER and floor < target):
        table.fault(place, "target", "target-side", polarity)
    if not np.isnan(row["tolerance"]):
        if polarity != CLOSEST:
            detail = f"The KPI's polarity is {polarity}."
            table.fault(place, "tolerance", "target-tolerance", detail)
        elif row["tolerance"] <= 0:
            table.fault(place, "tolerance", "target-tolerance", "The tolerance is not above zero.")


def outside(value: float, low: float, high: float, percentage: bool) -> tuple[str, str]:
    """The rule, with its detail, that a number outside what the measure can be breaks."""
    if percentage and high == 100 and value > high:
        return "value-above-100", ""
    if low == 0 and value < 0:
        return "value-negative", ""
    return "value-outside", "..".join("" if np.isinf(end) else f"{end:g}" for end in (low, high))


def with_targets(table: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """`table` (kpi_id, quarter, …) with the lines in force in each row's own quarter, in order.
    Adds every line of `targets`, `applies`, `profile`, `target_reason`, `target_status`, and
    `year_target`: the target of the whole year, where that is what the row of targets.csv states.
    Then a line that applies at the end of the year is missing before its last quarter, and one with
    an even profile is as many quarters of it as have passed."""
    lines = line_columns(targets)
    added = [*lines, *_WORDS, "year_target"]
    bare = table.drop(columns=[name for name in added if name in table.columns])
    # quarters stand in the order of time, which is that of their labels
    rows = range(len(targets))
    since = sorted(zip(targets["kpi_id"], targets["from_quarter"], rows, strict=True))
    places = []
    for kpi_id, quarter in zip(bare["kpi_id"], bare["quarter"], strict=True):
        last = bisect_right(since, (kpi_id, quarter, len(since))) - 1
        places.append(since[last][2] if last >= 0 and since[last][0] == kpi_id else -1)
    found = targets.reset_index(drop=True).reindex(index=places, columns=[*lines, *_WORDS])
    found.index = bare.index
    number = np.array([float(quarter[-1]) for quarter in bare["quarter"]])
    of_year, even = found["applies"] == "year_end", found["profile"] == "even"
    year_target = found["target"].where(of_year | even)
    share = np.where(of_year & (number < 4), np.nan, np.where(even, number / 4, 1.0))
    found[lines] = found[lines].to_numpy("float64") * share[:, None]
    return pd.concat([bare, found.assign(year_target=year_target)], axis=1)
