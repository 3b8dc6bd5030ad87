"""What the view of other areas says of ours among them: distance from England and from a group, rank, quartile, funnel."""

import math
from typing import Any

import pandas as pd

from kpi_tools.comparison import compare
from kpi_tools.vocabulary import ENGLAND
from kpi_tools.words.wording import plural, rounded, show

_FEWEST = 4
_OURS = "our latest figure"


def comparison_notes(told: pd.DataFrame, kpi: dict[str, Any]) -> list[str]:
    """Sentences on a KPI's latest figure among the latest of other areas (rows with `area`, `period`, `value`, in order).

    England is compared with and not ranked. With fewer than four areas there is no rank. `group` names the group in which an
    area is to be compared with ours; `numerator` and `denominator`, ours included, say whether ours differs by more than
    chance. Periods differ where other areas publish by the year, and the sentence names theirs.
    """
    if told.empty or not pd.notna(kpi["value"]):
        return []
    latest = told[told["period"] == told["period"].iloc[-1]].drop_duplicates("area", keep="last")
    names = [
        name for name in ("area", "value", "numerator", "denominator") if name in latest.columns
    ]
    ours = pd.DataFrame({name: [_OURS if name == "area" else kpi.get(name)] for name in names})
    numbers = dict.fromkeys(names[1:], "float64")
    areas = pd.concat([latest[names].astype(numbers), ours.astype(numbers)], ignore_index=True)
    england = ENGLAND if (areas["area"] == ENGLAND).any() else None
    table = areas.assign(kpi_id=kpi["kpi_id"], polarity=kpi["polarity"], unit=kpi["unit"])
    row = compare(table, by=["kpi_id"], area="area", england=england).iloc[-1]
    period, notes = latest["period"].iloc[0], []
    if pd.notna(row["from_england"]):
        notes.append(f"Ours is {_gap(row['from_england'], kpi)} {ENGLAND} in {period}.")
    for name, members in (
        latest.groupby("group", sort=False)["area"] if "group" in latest.columns else ()
    ):
        gap = compare(table, by=["kpi_id"], area="area", england=england, group=list(members)).iloc[
            -1
        ]["from_group"]
        if pd.notna(gap):
            notes.append(
                f"It is {_gap(gap, kpi)} the mean of {name} ({plural(len(members), 'area')})."
            )
    if pd.notna(row["rank"]) and row["ranked"] > _FEWEST:
        notes.append(
            f"Among the {int(row['ranked'])} areas of {period}, ours included, it ranks {int(row['rank'])} (1 is best), in "
            f"quarter {int(row['quartile'])} of 4."
        )
    if row["ranked"] > _FEWEST and isinstance(row.get("funnel"), str):
        notes.append(_funnel(row, kpi))
    return notes


def _gap(gap: float, kpi: dict[str, Any]) -> str:
    unit, decimals = kpi["unit"], int(kpi["decimals"])
    if not gap:
        return "level with"
    size = (
        f"{rounded(abs(gap), decimals)} points" if unit == "%" else show(abs(gap), unit, decimals)
    )
    return f"{size} {'above' if gap > 0 else 'below'}"


def _funnel(row: pd.Series, kpi: dict[str, Any]) -> str:
    """Whether ours differs by more than the number of its cases explains, and how wide that is."""
    low, high = (
        show(row[name], kpi["unit"], int(kpi["decimals"])) for name in ("lower_998", "upper_998")
    )
    wider, times = "", math.sqrt(row["overdispersion"])
    if times > 1:
        wider = f"; areas differ by more than chance, so this range is {times:.1f} times as wide as chance alone makes it"
    cases = plural(int(row["denominator"]), "case")
    return f"For an area with {cases} a figure between {low} and {high} is to be expected; ours is {row['funnel']}{wider}."
