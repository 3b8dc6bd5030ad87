"""kpis.csv: what the council measures, with everything that a row leaves to be understood."""

import re
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading.council import Council
from kpi_tools.loading.fields import read
from kpi_tools.loading.ids import folded, skeleton
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import KPIS
from kpi_tools.units import parse_range, unit_family
from kpi_tools.vocabulary import IN_YEARS, MILESTONE, NO_POLARITY_GIVEN

_SHORT: Final = 30
_ALIKE: Final = 0.93
"""So much of two names is the same where they are one, spelt in two ways."""


def read_kpis(table: Table, council: Council) -> pd.DataFrame:
    """One row per KPI, in the order of the file, defaults filled in; `status` is `kpi_status`.

    Adds `range_low` and `range_high`, infinite where the measure is open. `decimals` is missing
    where it follows from the figures. Rows with faults are left out.
    """
    choices = {"section": council.sections}
    rows = read(table, KPIS, choices=choices).rename(columns={"status": "kpi_status"})
    rows["directorate"] = rows["directorate"].fillna(rows["section"])
    rows["owner"] = rows["owner"].fillna(rows["directorate"])
    in_years = rows["frequency"].isin(IN_YEARS)
    rows["basis"] = rows["basis"].fillna(in_years.map({True: "annual", False: "quarter"}))
    rows["unit"] = rows["unit"].mask((rows["kind"] == MILESTONE) & rows["unit"].isna(), "")
    ranges = [
        parse_range(text) if isinstance(text, str) else (family.low, family.high)
        for text, family in zip(
            rows["range"], map(unit_family, rows["unit"].fillna("")), strict=True
        )
    ]
    rows["range_low"], rows["range_high"] = (
        np.array([one[end] if one else np.nan for one in ranges], dtype="float64") for end in (0, 1)
    )
    kpis = rows.to_dict("records")
    _check_ids(table, kpis)
    for place, kpi in enumerate(kpis):
        _check(table, place, kpi, council)
    check_sums(table, kpis)
    _check_names(table, rows)
    for name in ("lag_quarters", "rounded_to"):
        rows[name] = rows[name].fillna(0).astype("int64")
    return rows.drop(columns="range")[~table.bad].reset_index(drop=True)


def _check(table: Table, place: int, kpi: dict[str, Any], council: Council) -> None:
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
    """Two ids of one form, or that a reader cannot tell apart."""
    first, alike = dict[str, int](), dict[str, str]()
    for place, kpi in enumerate(kpis):
        kpi_id = kpi["kpi_id"] if isinstance(kpi["kpi_id"], str) else ""
        same = folded(kpi_id)
        if kpi_id and first.setdefault(same, place) != place:
            if kpi_id != kpis[first[same]]["kpi_id"]:
                table.fault(place, "kpi_id", "catalogue-twice", str(table.rows[first[same]]))
        elif kpi_id and alike.setdefault(skeleton(kpi_id) or kpi_id, kpi_id) != kpi_id:
            table.fault(place, "kpi_id", "catalogue-lookalike", alike[skeleton(kpi_id)])


def _check_names(table: Table, rows: pd.DataFrame) -> None:
    """Warn of two KPIs of one name, of a directorate or owner that most rows spell otherwise."""
    first = dict[str, int]()
    for place, text in enumerate(rows["kpi_name"].fillna("")):
        if text and first.setdefault(_words(text), place) != place:
            table.fault(place, "kpi_name", "name-twice", f"row {table.rows[first[_words(text)]]}")
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


def with_decimals(kpis: pd.DataFrame, submissions: pd.DataFrame) -> pd.DataFrame:
    """The catalogue with `decimals` where a row leaves it open: as sent, one at most."""
    sent = submissions["value"].astype("float64")
    broken = submissions.loc[(sent - sent.round()).abs() > 1e-9, "kpi_id"]
    follows = kpis["kpi_id"].isin(set(broken)).astype("int64")
    return kpis.assign(decimals=kpis["decimals"].fillna(follows).astype("int64"))
