"""What the view of other areas says of ours among them: distance from England, rank and quartile."""

from typing import Any

import pandas as pd

from kpi_tools.comparison import compare
from kpi_tools.words.wording import rounded, show

ENGLAND = "England"
_FEWEST = 4
_OURS = "our latest figure"


def comparison_notes(told: pd.DataFrame, kpi: dict[str, Any]) -> list[str]:
    """Sentences on a KPI's latest figure among the latest of other areas (rows with `area`, `period`, `value`, in order).

    England is compared with and not ranked. With fewer than four areas there is no rank. Periods differ where other areas
    publish by the year, and the sentence names theirs.
    """
    if told.empty or not pd.notna(kpi["value"]):
        return []
    latest = told[told["period"] == told["period"].iloc[-1]].drop_duplicates("area", keep="last")
    ours = pd.DataFrame({"area": [_OURS], "value": [kpi["value"]]})
    areas = pd.concat([latest[["area", "value"]], ours], ignore_index=True)
    england = ENGLAND if (areas["area"] == ENGLAND).any() else None
    table = areas.assign(kpi_id=kpi["kpi_id"], polarity=kpi["polarity"])
    row = compare(table, by=["kpi_id"], area="area", england=england).iloc[-1]
    place, period, notes = (kpi["unit"], int(kpi["decimals"])), latest["period"].iloc[0], []
    if pd.notna(row["from_england"]):
        gap, side = abs(row["from_england"]), "above" if row["from_england"] > 0 else "below"
        size = f"{rounded(gap, place[1])} points" if place[0] == "%" else show(gap, *place)
        where = f"{size} {side}" if gap else "level with"
        notes.append(f"Ours is {where} {ENGLAND} in {period}.")
    if pd.notna(row["rank"]) and row["ranked"] > _FEWEST:
        notes.append(
            f"Among the {int(row['ranked'])} areas of {period}, ours included, it ranks {int(row['rank'])} (1 is best), in "
            f"quarter {int(row['quartile'])} of 4."
        )
    return notes
