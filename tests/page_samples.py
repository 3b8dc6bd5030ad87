"""Small tables in the shape of the scorecard, for the tests of what is drawn and shown."""

import math
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter, quarter_range

LAST = Quarter.parse("2024-25 Q3")


def points(
    kpi_id: str = "CS01", values: tuple[float, ...] = (82, 84, 83, 88, 86, 91), **columns: Any
) -> pd.DataFrame:
    """One KPI's quarters up to December 2024: target 90%, floor standard 80%, all final unless `columns` differ."""
    count = len(values)
    quarters = quarter_range(LAST, count)
    rows: dict[str, Any] = {"kpi_id": kpi_id, "kpi_name": "Calls answered", "unit": "%"}
    rows |= {"section": "Customer Services", "owner": "Head of Customer Services", "decimals": 0}
    rows |= {"polarity": "higher", "basis": "quarter", "frequency": "quarterly", "scheme": ""}
    rows |= {"lag_quarters": 0, "definition": "Calls answered of all calls.", "kpi_status": "final"}
    rows |= {
        "is_due": True,
        "next_due": "2024-25 Q4",
        "quarter": [quarter.label for quarter in quarters],
        "period": [f"{quarter.start:%B} to {quarter.end:%B %Y}" for quarter in quarters],
        "period_end": [pd.Timestamp(quarter.end) for quarter in quarters],
        "value": [float(value) for value in values],
        "rating": [_rating(value) for value in values],
    }
    rows |= {"numerator": math.nan, "denominator": math.nan, "status": "final", "note": ""}
    rows |= {"target": 90.0, "floor_standard": 80.0, "tolerance": math.nan, "target_reason": ""}
    rows |= {"target_status": "final", "not_rated_reason": None, "points": count, "r_squared": 0.8}
    rows |= {"direction_of_travel": "positive", "slope": 6.0, "slope_low": 2.0, "slope_high": 10.0}
    return pd.DataFrame(rows | columns, index=range(count))


def _rating(value: float) -> str:
    if math.isnan(value):
        return "Not rated"
    return "Green" if value >= 90 else "Amber" if value >= 80 else "Red"


def scorecard_of(*series: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """The scorecard's row for each series; commentary and action are given unless `columns` say otherwise."""
    latest = []
    for shown in series:
        rows = shown.to_dict("records")
        names = ("quarter", "period", "value", "rating", "target", "floor_standard", "status")
        before = {f"previous_{name}": rows[-2][name] for name in names}
        year_ago = {f"year_ago_{name}": rows[-5][name] for name in ("quarter", "value", "status")}
        words = {"commentary": "Demand rose.", "management_action": "Two posts are advertised."}
        words |= {"author": "Head of service", "commentary_status": "final", "illustrative": False}
        latest.append(rows[-1] | before | year_ago | words | columns)
    return pd.DataFrame(latest)


def activity_points(**columns: Any) -> pd.DataFrame:
    """One activity indicator's six quarters, the last one above what was expected."""
    rows: dict[str, Any] = {"activity_id": "A01", "activity_name": "Calls received"}
    rows |= {"section": "Customer Services", "unit": "count", "decimals": 0, "status": "final"}
    rows |= {"period": [quarter.label for quarter in quarter_range(LAST, 6)], "note": ""}
    rows |= {"value": [100.0, 110, 95, 105, 120, 150]}
    rows |= {"lower_expected": 90.0, "upper_expected": 130.0}
    return pd.DataFrame(rows | columns)
