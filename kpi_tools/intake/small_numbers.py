"""Small numbers on the way in: what is hidden of the returns, what is printed by decision, and texts that would tell."""

import pandas as pd

from kpi_tools.loading.council import Council
from kpi_tools.loading.read import Table
from kpi_tools.loading.rules import Ledger
from kpi_tools.suppression.figures import Suppressed, suppress
from kpi_tools.suppression.texts import Withheld


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
