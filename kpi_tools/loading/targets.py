"""targets.csv: by which lines each figure is rated, and from when on they are in force."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading.fields import read
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.read import Table
from kpi_tools.loading.schemas import TARGETS
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import CLOSEST, HIGHER, LOWER, MILESTONE, PERCENTAGE

LINES: Final = ("target", "floor_standard", "tolerance")
_WORDS: Final = ("applies", "profile", "target_reason", "target_status")
_NOT_LINES: Final = ("kpi_id", "from_quarter", *_WORDS, "year_target")


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
            _check(table, place, row, lines, known[row["kpi_id"]])
        if scheme == PERCENTAGE and not np.isnan(row["floor_standard"]):
            table.fault(place, "floor_standard", "target-unused")
    # labels stand in the order of time
    rows = rows[~table.bad].sort_values("from_quarter", kind="stable")
    return rows.reset_index(drop=True)


def _check(
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


def check_targets(
    table: Table,
    kpis: pd.DataFrame,
    targets: pd.DataFrame,
    quarter: Quarter,
    latest_due: Callable[[Mapping[str, Any], Quarter], Quarter],
) -> None:
    """Warn of a KPI in the set without a line for its figure, of one line for one that grows."""
    rated = (kpis["rated"] == "yes") & (kpis["kind"] != MILESTONE)
    refused = set(np.array(table.cells["kpi_id"], dtype=object)[table.bad])
    rated &= ~kpis["kpi_id"].isin(refused)  # a row that was refused is told by itself
    gone = (kpis["last_quarter"] < quarter.label).fillna(False).astype(bool)
    here = (kpis["first_quarter"] <= quarter.label) & ~gone
    for kpi in kpis[rated & here].to_dict("records"):
        reported = latest_due(kpi, quarter)
        lines = targets[targets["kpi_id"] == kpi["kpi_id"]]
        place = {"file": table.file, "column": "kpi_id", "value": kpi["kpi_id"]}
        if not (lines["from_quarter"] <= reported.label).any():
            table.ledger.problem("target-none", **place, detail=reported.title)
        elif _is_flat(kpi, lines, reported):
            detail = f"{reported.year}/{(reported.year + 1) % 100:02}"
            table.ledger.problem("target-flat", **place, detail=detail)


def _is_flat(kpi: dict[str, Any], lines: pd.DataFrame, quarter: Quarter) -> bool:
    """Whether one target stands all through the year beside a figure that grows through it."""
    grows = kpi["basis"] == "year_to_date" and (kpi["unit"] != "%" or kpi["adds_up"] == "yes")
    if not grows or isinstance(kpi.get("since"), str):
        return False
    quarters = [Quarter(quarter.year, at).label for at in range(1, 5)]
    found = with_targets(pd.DataFrame({"kpi_id": kpi["kpi_id"], "quarter": quarters}), lines)
    one_line = found["target"].notna().all() and found["target"].nunique() == 1
    return bool(one_line and found["year_target"].isna().all())


def with_targets(table: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """`table` (kpi_id, quarter, …) with the lines in force in each row's own quarter, in order.

    Adds every line of `targets`, `applies`, `profile`, `target_reason`, `target_status`, and
    `year_target`: the target of the whole year, where that is what the row of targets.csv states.
    Then a line that applies at the end of the year is missing before its last quarter, and one with
    an even profile is as many quarters of it as have passed.
    """
    lines = line_columns(targets)
    added = [*lines, *_WORDS, "year_target"]
    bare = table.drop(columns=[name for name in added if name in table.columns])
    # quarters stand in the order of time, which is that of their labels
    since = sorted(
        zip(targets["kpi_id"], targets["from_quarter"], range(len(targets)), strict=True)
    )
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
