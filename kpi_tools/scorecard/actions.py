"""Actions, followed from report to report: which are open, overdue, done or stopped, and what
became of those before. actions.csv has a row for each change of an action, in force from the report
of `from_quarter`; the last one says how it stands. An action keeps its id from year to year, and
each that was open in the previous report is accounted for."""

from itertools import takewhile
from typing import Final

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, in_doubt, is_text, rows_by, rows_of
from kpi_tools.scorecard import in_last_band

OPEN, DONE, STOPPED = "open", "done", "stopped"
NEW, STILL_OPEN, NOW_OVERDUE, STILL_OVERDUE = "new", "still open", "now overdue", "still overdue"
OPENED_AGAIN: Final = "opened again"
BECAME: Final = (NEW, STILL_OPEN, NOW_OVERDUE, STILL_OVERDUE, OPENED_AGAIN, DONE, STOPPED)
FOLLOWED: Final = [
    *("action_id", "kpi_id", "section", "action", "owner", "opened", "due", "status", "overdue"),
    *("open_quarters", "became", "previous_due", "note", "from_quarter"),
]
_KINDS: Final = dict.fromkeys(FOLLOWED, "str") | {"overdue": "bool", "open_quarters": "int64"}


def followed(returns: Returns) -> pd.DataFrame:
    """How each action stands at the report of the returns' quarter, a row each, as they were
    opened: the columns of actions.csv; `section` of an action for a KPI is that of the KPI;
    `overdue`: open, and due before the last day of the quarter; `open_quarters`: how many quarters
    it has been, or had been, open; `became`: what became of it since the previous report (one of
    `BECAME`), null where it was closed before; `previous_due`: the date before, where it was put
    off or brought forward since."""
    now, before = returns.quarter, returns.quarter.shift(-1)
    places = returns.catalogue.set_index("kpi_id")["section"].to_dict()
    changes = rows_by(returns.actions.sort_values("from_quarter", kind="stable"), "action_id")
    rows = []
    for of_action in changes.values():
        last = of_action[-1]
        earlier = [row for row in of_action if row["from_quarter"] <= before.label]
        old = earlier[-1] if earlier else None
        opened = last["opened"] if is_text(last["opened"]) else of_action[0]["from_quarter"]
        since = now
        if last["status"] != OPEN:  # closed by the first report after the last in which it was open
            closed = list(takewhile(lambda row: row["status"] != OPEN, reversed(of_action)))
            since = Quarter.parse(closed[-1]["from_quarter"])
        rescheduled = old is not None and old["status"] == OPEN and old["due"] != last["due"]
        row = last | {"section": places.get(last["kpi_id"], last["section"]), "opened": opened}
        row |= {"overdue": _is_overdue(last, now), "became": _became(last, old, now)}
        row["open_quarters"] = max(since - Quarter.parse(opened), 0)
        rows.append(row | {"previous_due": old["due"] if old and rescheduled else None})
    table = pd.DataFrame(rows, columns=FOLLOWED).astype(_KINDS)
    return table.sort_values("opened", kind="stable").reset_index(drop=True)


def in_report(actions: pd.DataFrame) -> pd.DataFrame:
    """Of `followed`, those that the report shows: open, or closed since the previous report."""
    return actions[actions["became"].notna()]


def without_action(kpis: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The KPIs in the last band of their scheme without an action, open or in the commentary; a
    figure in doubt asks for none."""
    actions = followed(returns)
    answered = kpis["kpi_id"].isin(actions.loc[actions["status"] == OPEN, "kpi_id"])
    answered |= kpis["management_action"].notna()
    answered |= pd.Series([in_doubt(row) for row in rows_of(kpis)], kpis.index, dtype="bool")
    return kpis[in_last_band(kpis, returns.council) & ~answered]


def _is_overdue(row: Row, quarter: Quarter) -> bool:
    """Whether it is open and its date had passed by the quarter's end (texts sort by time)."""
    due = row["due"]
    return row["status"] == OPEN and isinstance(due, str) and due < quarter.end.isoformat()


def _became(row: Row, old: Row | None, quarter: Quarter) -> str | None:
    if row["status"] != OPEN:
        return None if old and old["status"] != OPEN else str(row["status"])
    if old is None:
        return NEW
    if old["status"] != OPEN:
        return OPENED_AGAIN
    if not _is_overdue(row, quarter):
        return STILL_OPEN
    return STILL_OVERDUE if _is_overdue(old, quarter.shift(-1)) else NOW_OVERDUE
