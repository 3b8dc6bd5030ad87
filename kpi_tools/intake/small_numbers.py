"""Small numbers on the way in: what is hidden of the returns, what is printed by decision, and texts that would tell."""

from typing import Final

import pandas as pd

from kpi_tools.intake import fields as field
from kpi_tools.intake.catalogue import Council, typed
from kpi_tools.intake.context import not_later
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.periods import read_period
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.quarters import Quarter
from kpi_tools.suppression.figures import Suppressed, suppress
from kpi_tools.suppression.texts import Withheld
from kpi_tools.words.problems import Ledger

SHOWN: Final = Layout(("kpi_id", "period", "from_quarter", "reason", "agreed_by"))


def hide(
    submissions: pd.DataFrame,
    kpis: pd.DataFrame,
    council: Council,
    agreed: pd.DataFrame,
    ledger: Ledger,
) -> Suppressed:
    """`suppress` by the council's settings; shares of sensitive KPIs that came without their counts are noted."""
    judged = suppress(submissions, kpis, council.threshold, council.rounding, agreed)
    for row in judged.not_judged.to_dict("records"):
        ledger.problem(
            "small-number-unknown",
            row["file"],
            sheet=row["sheet"],
            row=row["row"],
            column="numerator",
        )
    return judged


def read_shown(table: Table, ids: Ids, upto: Quarter) -> pd.DataFrame:
    """The small figures that are printed by decision, up to a quarter: kpi_id, period (as in returns), from_quarter (the
    returns with which the decision comes into force), reason, agreed_by (a role)."""
    rows, late = [], []
    for row in range(len(table)):
        since, period = (
            field.quarter(table, row, "from_quarter"),
            read_period(table.cells["period"][row]),
        )
        if period.fault:
            table.fault(row, "period", period.fault, period.detail)
        rows.append({
            "kpi_id": field.kpi_id(table, row, "kpi_id", ids),
            "period": period.month or (period.quarter.label if period.quarter else None),
            "from_quarter": since.label if since else None,
            "reason": field.name(table, row, "reason", needed=True),
            "agreed_by": field.name(table, row, "agreed_by", needed=True),
        })  # fmt: skip
        late.append(since is not None and since > upto)
    return typed(not_later(table, pd.DataFrame(rows, columns=list(SHOWN.names)), late))


def withhold_texts(
    table: Table, commentary: pd.DataFrame, kpis: pd.DataFrame, withheld: Withheld
) -> pd.DataFrame:
    """`commentary`, read from `table`, without the texts on KPIs that give a suppressed figure away; those are refused.

    A text on a section in which such a figure stands is only remarked on: it may be another number. No problem repeats it.
    """
    refused = []
    for at, said in commentary.to_dict("index").items():
        of_kpi = isinstance(said["kpi_id"], str)
        about = (
            [said["kpi_id"]] if of_kpi else kpis.loc[kpis["section"] == said["section"], "kpi_id"]
        )
        for column in ("commentary", "management_action"):
            if isinstance(said[column], str) and withheld.told_of(about, said[column]):
                code = "small-number-in-text" if of_kpi else "small-number-in-section"
                table.ledger.problem(
                    code, table.file, sheet=table.sheet, row=said["row"], column=table.place(column)
                )
                if of_kpi:
                    refused.append(at)
                    table.bad[table.rows.index(said["row"])] = True
    return commentary.drop(index=refused).reset_index(drop=True)
