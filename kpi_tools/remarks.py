"""What was said of the KPIs in each report up to a quarter: the commentary files, read together (floor 1)."""

from pathlib import Path

import pandas as pd

from kpi_tools.loading import Returns, raw_folder
from kpi_tools.loading.account import Run
from kpi_tools.loading.beside import read_commentary, withhold_texts
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.schemas import COMMENTARY
from kpi_tools.received import sort_out
from kpi_tools.workbooks.child import Workbooks


def commentary_until(raw: str | Path, returns: Returns) -> pd.DataFrame:
    """The commentary of every report up to that of `returns`, oldest first.

    Columns: `quarter` (of the report) and those of `returns.commentary`. Rows that break a rule are left out: they
    were refused with a reason when their own quarter was checked.
    """
    folder = raw_folder(raw)
    ids = Ids(returns.catalogue["kpi_id"])
    quarters = sorted(quarter for quarter in sort_out(folder)[0] if quarter < returns.quarter)
    read = []
    with Workbooks() as books:
        run = Run(folder, books)
        for quarter in quarters:
            table = run.commentary(quarter, COMMENTARY.layout)
            said = read_commentary(table, returns.council.sections, ids)
            read.append((quarter, withhold_texts(table, said, returns.catalogue, returns.withheld)))
    every = [*read, (returns.quarter, returns.commentary)]
    return pd.concat(
        [rows.assign(quarter=quarter.label) for quarter, rows in every], ignore_index=True
    )
