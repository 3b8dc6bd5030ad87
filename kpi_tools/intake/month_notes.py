"""What is said of the figures that follow from months: which do, which cannot yet, which make another than was sent."""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.intake.months import PARTS, Known, numbered
from kpi_tools.intake.returns import NEVER, ordinal
from kpi_tools.quarters import Quarter
from kpi_tools.words.problems import Ledger
from kpi_tools.words.wording import show

_NUMBERS: Final = ("value", *PARTS)
_ROUNDING: Final = np.array([0.5 * 10.0**-places for places in range(11)])


def note_months(known: Known, submissions: pd.DataFrame, kpis: pd.DataFrame, upto: Quarter, ledger: Ledger) -> None:
    """Log each figure that follows from months; warn where months are missing, and where they make another than was sent."""
    if known.made.empty:
        return
    spoken = submissions[~submissions["silent"].astype(bool)]
    keys, a_month = numbered(spoken, kpis), (spoken["month"].fillna("") != "").to_numpy()
    own = numbered(known.figures, kpis)
    made = pd.Index(numbered(known.made, kpis)).get_indexer(own)
    figures, own, made = known.figures[made >= 0], own[made >= 0], made[made >= 0]
    sent, single = (_last(keys, rows, own) for rows in (~a_month, a_month))
    at = spoken[["file", "sheet", "row", "period"]].iloc[np.where(sent < 0, single, sent)]
    table = figures[["kpi_id", "quarter", "note", "unit", *_NUMBERS]].assign(
        **{name: at[name].array for name in at}, **{f"made_{name}": known.made[name].array[made] for name in _NUMBERS}
    )
    follows, missing = sent < 0, figures["value"].isna().to_numpy()
    for row in table[follows & ~missing].itertuples():
        ledger.change(row.file, _text(row.sheet), row.row, "value", "", f"{row.value:.15g}", _why(row))
    due = own % NEVER <= ordinal(upto) - figures["lag_quarters"].to_numpy()
    for row in table[follows & missing & due].itertuples():
        detail = f"{row.kpi_id} has no figure for {Quarter.parse(row.quarter).title}. {row.note}"
        place = {"sheet": _text(row.sheet), "row": row.row, "column": "period"}
        ledger.problem("months-partial", row.file, **place, value=row.period, detail=detail)
    for row in _unlike(table[~follows]).itertuples():
        place = {"sheet": _text(row.sheet), "row": row.row, "column": "value"}
        ledger.problem("months-unlike", row.file, **place, value=f"{row.value:.15g}", detail=_instead(row))


def _last(keys: np.ndarray, where: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The position of the last row with each wanted key, among those of `where`; -1 where there is none."""
    rows = np.flatnonzero(where)
    rows = rows[~pd.Index(keys[rows]).duplicated(keep="last")]
    return np.append(rows, -1)[pd.Index(keys[rows]).get_indexer(wanted)]


def _unlike(sent: pd.DataFrame) -> pd.DataFrame:
    """The rows whose months make another figure than was sent, as exactly as that was written (`places`), or other cases."""
    known = sent[sent["value"].notna() & sent["made_value"].notna()]
    places = np.array([_places(value) for value in known["value"].tolist()], dtype=int)
    rounding = _ROUNDING[places] + 1e-9 * np.maximum(1.0, known["made_value"].abs())
    unlike = (known["value"] - known["made_value"]).abs() > rounding
    for name in PARTS:
        own, made = known[name], known[f"made_{name}"]
        unlike |= own.notna() & made.notna() & (own != made)
    return known.assign(places=places)[unlike]


def _places(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def _why(row: Any) -> str:
    cases = "" if math.isnan(row.denominator) else f": {row.numerator:,.0f} of {row.denominator:,.0f}"
    return f"the figure of {row.kpi_id} for {row.quarter} follows from its months{cases}"


def _instead(row: Any) -> str:
    """What the months make, with one more place than was sent."""
    below = row.made_denominator
    cases = "" if math.isnan(below) else f" ({row.made_numerator:,.0f} of {below:,.0f})"
    return f"{show(row.made_value, row.unit, row.places + 1)}{cases}"


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
