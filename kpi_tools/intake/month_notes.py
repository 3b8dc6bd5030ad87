"""What is said of the figures that follow from months: which do, which cannot yet, which make another than was sent."""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.intake.months import NUMBERS, PARTS, Known, numbered
from kpi_tools.intake.returns import NEVER, ordinal
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter
from kpi_tools.words.wording import show

_ROUNDING: Final = np.array([0.5 * 10.0**-places for places in range(11)])


class _Said(NamedTuple):
    """A figure, what its months make, and the place of the row that speaks of it."""

    file: str
    sheet: str
    row: int
    period: str
    kpi_id: str
    quarter: str
    unit: str
    note: str
    value: float
    numerator: float
    denominator: float
    made_value: float
    made_numerator: float
    made_denominator: float


def note_months(
    known: Known, submissions: pd.DataFrame, kpis: pd.DataFrame, upto: Quarter, ledger: Ledger
) -> None:
    """Log each figure that follows from months; warn where months are missing, and where they make another than was sent."""
    if known.made.empty:
        return
    spoken = submissions[~submissions["silent"].astype(bool)]
    keys, a_month = numbered(spoken, kpis), (spoken["month"].fillna("") != "").to_numpy()
    own = numbered(known.figures, kpis)
    made = pd.Index(numbered(known.made, kpis)).get_indexer(own)
    figures, own, made = known.figures[made >= 0], own[made >= 0], known.made.iloc[made[made >= 0]]
    sent, single = (_last(keys, rows, own) for rows in (~a_month, a_month))
    at = spoken[["file", "sheet", "row", "period"]].iloc[np.where(sent < 0, single, sent)]
    table = figures.assign(
        **{name: at[name].fillna("").array for name in at},
        **{f"made_{name}": made[name].array for name in NUMBERS},
    )
    follows, missing = sent < 0, figures["value"].isna().to_numpy()
    for said in _rows(table[follows & ~missing]):
        ledger.change(*said[:3], "value", "", f"{said.value:.15g}", _why(said))
    due = own % NEVER <= ordinal(upto) - figures["lag_quarters"].to_numpy()
    for said in _rows(table[follows & missing & due]):
        detail = f"{said.kpi_id} has no figure for {Quarter.parse(said.quarter).title}. {said.note}"
        ledger.problem(
            "months-partial", said.file, sheet=said.sheet, row=said.row, column="period", value=said.period, detail=detail
        )  # fmt: skip
    _note_unlike(table[~follows & ~missing & made["value"].notna().to_numpy()], ledger)


def _note_unlike(table: pd.DataFrame, ledger: Ledger) -> None:
    """Warn where months make another figure than was sent, as exactly as that was written, or other cases."""
    sent = table["value"].tolist()
    places = np.array(
        [len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in sent], dtype=int
    )
    rounding = _ROUNDING[places] + 1e-9 * np.maximum(1.0, table["made_value"].abs())
    unlike = (table["value"] - table["made_value"]).abs() > rounding
    for name in PARTS:
        own, made = table[name], table[f"made_{name}"]
        unlike |= own.notna() & made.notna() & (own != made)
    for said, exact in zip(_rows(table[unlike]), places[unlike].tolist(), strict=True):
        cases = _cases(" (", said.made_numerator, said.made_denominator, ")")
        ledger.problem(
            "months-unlike", said.file, sheet=said.sheet, row=said.row, column="value", value=f"{said.value:.15g}",
            detail=f"{show(said.made_value, said.unit, exact + 1)}{cases}",
        )  # fmt: skip


def _rows(table: pd.DataFrame) -> Iterator[_Said]:
    return map(_Said._make, zip(*(table[name].tolist() for name in _Said._fields), strict=True))


def _last(keys: np.ndarray, where: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The position of the last row with each wanted key, among those of `where`; -1 where there is none."""
    rows = np.flatnonzero(where)
    rows = rows[~pd.Index(keys[rows]).duplicated(keep="last")]
    return np.append(rows, -1)[pd.Index(keys[rows]).get_indexer(wanted)]


def _why(said: _Said) -> str:
    cases = _cases(": ", said.numerator, said.denominator)
    return f"the figure of {said.kpi_id} for {said.quarter} follows from its months{cases}"


def _cases(before: str, above: float, below: float, after: str = "") -> str:
    return "" if math.isnan(below) else f"{before}{above:,.0f} of {below:,.0f}{after}"
