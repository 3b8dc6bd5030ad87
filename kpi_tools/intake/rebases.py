"""The rebases a council has agreed: from which period on a KPI's process limits are made anew, why, and who agreed."""

from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.intake import fields as field
from kpi_tools.intake.catalogue import typed
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.periods import read_period
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import FINAL, ILLUSTRATIVE

REBASES: Final = Layout(("kpi_id", "first_period", "reason", "name"), ("from_quarter", "status"))


def read_rebases(table: Table, ids: Ids, upto: Quarter) -> pd.DataFrame:
    """The rebases known by a quarter: kpi_id, first_period (a quarter or month), date (its first day), reason, name (a
    role), from_quarter (the first report that uses it; missing: all), status."""
    rows, places, late = [], dict[tuple[str | None, str], int](), []
    for row in range(len(table)):
        kpi_id, (period, day) = field.kpi_id(table, row, "kpi_id", ids), _first_period(table, row)
        since = field.quarter(table, row, "from_quarter", needed=False)
        if kpi_id and day and (first := places.setdefault((kpi_id, day), row)) != row:
            table.fault(row, "first_period", "catalogue-twice", str(table.rows[first]))
        rows.append({
            "kpi_id": kpi_id, "first_period": period, "date": day,
            "reason": field.name(table, row, "reason", needed=True), "name": field.name(table, row, "name", needed=True),
            "from_quarter": since.label if since else None,
            "status": field.choice(table, row, "status", (FINAL, ILLUSTRATIVE), FINAL),
        })  # fmt: skip
        late.append(since is not None and since > upto)
    columns = ["kpi_id", "first_period", "date", "reason", "name", "from_quarter", "status"]
    after = np.array(late, dtype=bool)
    table.later = int((after & ~table.bad).sum())
    return typed(pd.DataFrame(rows, columns=columns)[~table.bad & ~after])


def _first_period(table: Table, row: int) -> tuple[str, str]:
    """The period as the tables write it, and its first day."""
    found = read_period(table.cells["first_period"][row], table.kind("first_period", row))
    if found.quarter is None:
        detail = (
            found.detail
            if found.fault == "period-bad"
            else "There is no quarter or month that this names."
        )
        table.fault(row, "first_period", "rebase-period", detail)
        return "", ""
    label = found.month or found.quarter.label
    if found.why:
        table.changed(row, "first_period", label, found.why)
    return label, f"{found.month}-01" if found.month else found.quarter.start.isoformat()
