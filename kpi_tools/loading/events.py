"""events.csv: what is counted one by one, and the counts of months and quarters that follow from it."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from kpi_tools.loading import schemas
from kpi_tools.loading.fields import in_force, read
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.read import Table
from kpi_tools.quarters import Quarter


def read_events(
    table: Table, kpis: pd.DataFrame, ids: Ids, upto: Quarter, latest: Quarter
) -> pd.DataFrame:
    """The events known by a quarter, by KPI and day: kpi_id, date, label, from_quarter, status; `row`, where each stands.

    `latest`: the last quarter with returns; an event after it has not happened yet, so it is a fault.
    """
    rows = read(table, schemas.EVENTS, ids)
    known = kpis.set_index("kpi_id")
    since = []
    for place, row in enumerate(rows.to_dict("records")):
        day = date.fromisoformat(row["date"]) if isinstance(row["date"], str) else None
        kpi = known.loc[row["kpi_id"]] if isinstance(row["kpi_id"], str) else None
        if kpi is not None and (kpi["unit"], kpi["basis"]) != ("count", "quarter"):
            table.fault(place, "kpi_id", "event-kind", str(row["kpi_id"]))
        if day is not None and day > latest.end:
            table.fault(place, "date", "event-future", latest.title)
        own = Quarter.containing(day).label if day else None
        first = row["from_quarter"] if isinstance(row["from_quarter"], str) else own
        since.append(max(first, own) if first and own else first)
    rows = rows.assign(from_quarter=pd.array(since, dtype="str"), row=np.array(table.rows, "int64"))
    return in_force(table, rows, upto).sort_values(["kpi_id", "date"], ignore_index=True)


def counted(events: pd.DataFrame, upto: Quarter, file: str, columns: Sequence[str]) -> pd.DataFrame:
    """The count of each month from the quarter of a KPI's first event on, as it was known in each report, as received rows.

    A month without an event counts nought. An event that became known later makes its month's count come again.
    """
    rows = []
    for kpi_id, own in events.groupby("kpi_id", sort=False):
        months = own["date"].str[:7]
        begin = Quarter.containing(date.fromisoformat(own["date"].iloc[0]))
        report = Quarter.parse(own["from_quarter"].min())
        totals: dict[str, int] = {}
        while report <= upto:
            then = own[own["from_quarter"] <= report.label]
            for month in pd.period_range(begin.start, report.end, freq="M").astype(str):
                count = int((months[then.index] == month).sum())
                if totals.get(month) != count:
                    totals[month] = count
                    rows.append(
                        {
                            "kpi_id": kpi_id,
                            "period": month,
                            "month": month,
                            "value": float(count),
                            "status": "final",
                            "quarter": Quarter.containing(date.fromisoformat(f"{month}-01")).label,
                            "note": f"Counted in {file}.",
                            "received": report.label,
                            "file": file,
                            "row": int(then["row"].iloc[-1]),
                            "silent": False,
                            "sheet": "",
                            "milestone": "",
                        }
                    )
            report = report.shift(1)
    return pd.DataFrame(rows, columns=list(columns))
