"""All returns folders up to a quarter → one table of the rows accepted from them."""

import pandas as pd

from kpi_tools.intake.received import sort_out
from kpi_tools.intake.return_rules import check_duplicates, check_return
from kpi_tools.intake.returns import RETURNS, SUBMISSION, Catalogue
from kpi_tools.intake.run import Run
from kpi_tools.quarters import Quarter


def submissions_upto(last: Quarter, run: Run, known: Catalogue) -> pd.DataFrame:
    """The accepted rows of every folder up to `last`, oldest folder first (columns: SUBMISSION).

    Without a catalogue nothing is read: every row would only be reported as unknown.
    """
    folders, others = sort_out(run.raw)
    for other in others:
        run.note(other.path, other.code, other.detail)
    accepted = [pd.DataFrame(columns=list(SUBMISSION))]
    for quarter in sorted(folders):
        if quarter <= last and len(known.kpi_id):
            sent = [
                check_return(table, quarter, known)
                for table in run.returns(folders[quarter], RETURNS)
            ]
            check_duplicates(sent)
            accepted += [one.accepted() for one in sent]
    return pd.concat([one for one in accepted if len(one)] or accepted, ignore_index=True)


def shown(submissions: pd.DataFrame) -> pd.DataFrame:
    """Submissions as others see them: typed, missing texts null."""
    numbers = {
        "value": "float64",
        "numerator": "float64",
        "denominator": "float64",
        "row": "int64",
        "silent": "bool",
    }
    table = submissions.astype({name: numbers.get(name, "str") for name in submissions.columns})
    return table.assign(
        **{name: table[name].mask(table[name] == "") for name in ("month", "note", "sheet")}
    )
