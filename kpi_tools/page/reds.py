"""The KPIs rated Red, each with its figures, its distance from the lines, and its management action."""

from decimal import Decimal
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.html import Html, render, slug
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import decimals_against, show, show_against, show_line


def red_list(kpis: pd.DataFrame) -> Html:
    """Every Red KPI with its figures and its management action, linked to its card."""
    entries = [
        {
            "anchor": slug(row["kpi_id"]),
            "name": row["kpi_name"],
            "section": row["section"],
            "direction": row["direction_of_travel"],
            "action": _text(row["management_action"]),
            "commentary_status": _text(row["commentary_status"]),
            "status": row["status"],
            "target_status": row["target_status"],
            "previous_status": _text(row["previous_status"]),
            "latest": show(row["value"], row["unit"], _places(row)),
            "floor": show_line(row["floor_standard"], row["unit"], row["decimals"]),
            "distance": _distance(row, "floor_standard"),
            "target": show_line(row["target"], row["unit"], row["decimals"]),
            "to_target": _distance(row, "target"),
            "previous": show_against(
                row["previous_value"],
                row["unit"],
                row["decimals"],
                (row["previous_target"], row["previous_floor_standard"]),
            ),
            "previous_rating": row["previous_rating"],
        }
        for row in rows_of(kpis[kpis["rating"] == "Red"])
    ]
    if not entries:
        return Html(Markup("<p>No KPI is rated Red.</p>"))
    return render("reds.html.j2", reds=entries)


def _places(row: dict[str, Any]) -> int:
    """As many decimals as the floor standard has, and as it takes to tell the figure from its lines."""
    written = -int(Decimal(repr(float(row["floor_standard"]))).normalize().as_tuple().exponent)
    return max(
        written,
        decimals_against(row["value"], row["decimals"], (row["target"], row["floor_standard"])),
    )


def _distance(row: dict[str, Any], line: str) -> str:
    """How far the figure is from its target or floor standard: `9 percentage points below`."""
    gap = row["value"] - row[line]
    unit = "percentage points" if row["unit"] == "%" else row["unit"]
    return f"{show(abs(gap), unit, _places(row))} {'below' if gap < 0 else 'above'}"


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
