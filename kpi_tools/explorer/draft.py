"""How long it has been so, and words to begin the commentary with: sentences made of figures alone, for an analyst to go on.

Whatever is said here is in the tables; why it is so is for the service to say.
"""

import math
from typing import Any

import pandas as pd

from kpi_tools.explorer.evidence import Evidence
from kpi_tools.page.describe import month_alone
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    CONCERN,
    ILLUSTRATIVE,
    IMPROVEMENT,
    MONTH,
    NEGATIVE,
    NOT_RATED,
    POSITIVE,
    RED,
    STABLE,
)
from kpi_tools.words.row_words import figure_of, is_number, line_of, rows_of
from kpi_tools.words.tokens import filled, kpi_figures
from kpi_tools.words.wording import capitalised, in_words, show

_DIRECTIONS = {
    POSITIVE: "The direction of travel is positive.",
    NEGATIVE: "The direction of travel is negative.",
    STABLE: "The direction of travel is stable, or without a clear trend.",
}
_UNUSUAL = {
    COMMON_CAUSE: "The latest figure lies within its usual variation.",
    IMPROVEMENT: "The latest figure is better than usual variation would explain.",
    CONCERN: "The latest figure is worse than usual variation would explain.",
}


def how_long(quarters: pd.DataFrame) -> str:
    """`Red for five quarters in a row, since Quarter 3 2023/24.` from one KPI's rated quarters, oldest first; or empty."""
    rags = quarters["rating"].tolist()
    if not rags or rags[-1] == NOT_RATED:
        return ""
    run = next((n for n, rag in enumerate(reversed(rags)) if rag != rags[-1]), len(rags))
    first = Quarter.parse(quarters["quarter"].iloc[-run]).title
    if run == 1:
        before = rags[-2] if len(rags) > 1 and rags[-2] != NOT_RATED else None
        return f"{rags[-1]} for the first quarter, {before} before." if before else ""
    since = (
        f"in all {in_words(run)} quarters known"
        if run == len(rags)
        else f"for {in_words(run)} quarters in a row"
    )
    marks = [name for name in ("status", "target_status") if name in quarters]
    invented = bool((quarters[marks].iloc[-run:] == ILLUSTRATIVE).any(axis=None))
    return f"{rags[-1]} {since}, since {first}{' (some figures or lines of these are illustrative)' if invented else ''}."


def draft(known: Evidence, kpi_id: str) -> str:
    """A first paragraph for the commentary on a KPI, from its figures alone."""
    kpi = known.kpi(kpi_id)
    if not is_number(kpi["value"]):
        return f"There is no figure for {Quarter.parse(kpi['quarter']).title} ({kpi['status']})."
    said = [
        f"At {figure_of(kpi)}{_cases(kpi)} {_against(kpi)}.",
        _before(kpi),
        how_long(known.of("quarters", kpi_id)),
    ]
    said += [_DIRECTIONS.get(kpi["direction_of_travel"], ""), _UNUSUAL.get(kpi["variation"], "")]
    months = known.months(kpi_id)
    told = months[months["value"].notna() & (months["basis"] == MONTH)]
    if kpi["basis"] != "quarter" and len(told):
        said.append(month_alone(told.iloc[-1], kpi["unit"], int(kpi["decimals"])))
    return " ".join([*(text for text in said if text), _ahead(known, kpi)]).strip()


def _cases(kpi: dict[str, Any]) -> str:
    parts = kpi["numerator"], kpi["denominator"]
    return f" ({parts[0]:,.0f} of {parts[1]:,.0f})" if all(map(is_number, parts)) else ""


def _against(kpi: dict[str, Any]) -> str:
    if kpi["rating"] == NOT_RATED:
        return f"in {Quarter.parse(kpi['quarter']).title} the KPI is not rated"
    line = "floor_standard" if kpi["rating"] == RED else "target"
    return f"the KPI is {kpi['rating']} against a {line.replace('_', ' ')} of {line_of(kpi, line)}"


def _before(kpi: dict[str, Any]) -> str:
    figures = kpi_figures(kpi)
    then = [
        f"{{{name}}} a {ago} earlier"
        for name, ago in (("previous", "quarter"), ("year_ago", "year"))
        if figures[name]
    ]
    return filled(f"It was {' and '.join(then)}.", figures) if then else ""


def _ahead(known: Evidence, kpi: dict[str, Any]) -> str:
    row = rows_of(known.of("outlooks", kpi["kpi_id"]))[0]
    if math.isnan(row["next_low"]):
        return ""
    ends = [float(row[name]) for name in ("next_low", "next_high")]
    ends = [min(max(end, 0.0), 100.0) for end in ends] if kpi["unit"] == "%" else ends
    low, high = (show(end, kpi["unit"], int(kpi["decimals"])) for end in ends)
    return capitalised(
        f"for {Quarter.parse(row['next_quarter']).title} between {low} and {high} is to be expected."
    )
