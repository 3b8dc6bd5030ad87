"""Submissions → figures: the last word on each, with the catalogue's attributes and the target of its own quarter."""

from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.intake.columns import places
from kpi_tools.loading.targets import LINES, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import NO_POLARITY_GIVEN, POLARITIES, STATUSES, STATUSES_WITHOUT_VALUE

_FIGURE: Final = ("value", "numerator", "denominator", "status", "note", "received")
_NUMBERS: Final = ("value", "numerator", "denominator")


def latest_word(
    submissions: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame
) -> pd.DataFrame:
    """One row per KPI and period of `submissions`, which come in the order in which they were received (columns: the
    catalogue's, `quarter`, `period_end`, those of the figure, the lines).

    A later figure, or a later word that there is none, replaces an earlier one; a cell left blank without a status
    says nothing and replaces nothing. Months carry the column `month` as well. Sorted by catalogue and `period_end`.
    """
    monthly = not (submissions["month"] == "").any()
    place = places(submissions["kpi_id"], pd.Index(kpis["kpi_id"]))
    codes, periods = pd.factorize(submissions["period"])
    ends = np.array([_end(period) for period in periods], dtype="datetime64[s]")[codes]
    # sorted so that the last word on a KPI and period comes last among its own
    order = np.lexsort((~submissions["silent"].to_numpy(dtype=bool), ends, place))
    kept = order[
        np.append(np.diff(place[order]) | np.diff(ends[order]).astype("int64") != 0, True)[
            : len(order)
        ]
    ]
    last = submissions[["quarter", "month", *_FIGURE]].iloc[kept]
    figures = kpis.iloc[place[kept]].reset_index(drop=True)
    figures["quarter"] = last["quarter"].astype("str").array
    if monthly:
        figures["month"] = last["month"].astype("str").array
    figures["period_end"] = ends[kept]
    for name in _FIGURE:
        figures[name] = last[name].astype("float64" if name in _NUMBERS else "str").array
    figures["note"] = figures["note"].mask(figures["note"] == "")
    return with_targets(figures, targets)


def _end(period: str) -> pd.Timestamp:
    if "Q" in period:
        return pd.Timestamp(Quarter.parse(period).end)
    return pd.Timestamp(f"{period}-01") + pd.offsets.MonthEnd(0)


def check_figures(figures: pd.DataFrame) -> None:
    """The contract on what leaves loading. A failure here, an `AssertionError`, is a defect of ours, never of a return."""
    texts, whole = ("kpi_id", "quarter", "polarity", "status"), ("decimals", "lag_quarters")
    numbers = ("value", "numerator", "denominator", *LINES)
    kinds = [("str", texts), ("int64", whole), ("float64", numbers)]
    found = [
        f"{name} is {figures[name].dtype}"
        for kind, names in kinds
        for name in names
        if figures[name].dtype != kind
    ]
    if not found:
        value, status = figures["value"], figures["status"]
        broken = {
            "a text": figures[list(texts)].isna().any(axis=1),
            "a quarter": ~figures["quarter"].str.fullmatch(r"\d{4}-\d\d Q[1-4]").astype(bool),
            "a polarity": ~figures["polarity"].isin((*POLARITIES, NO_POLARITY_GIVEN)),
            "decimals from 0 to 6": ~figures["decimals"].between(0, 6),
            "a lag from 0 to 8": ~figures["lag_quarters"].between(0, 8),
            "a status": ~status.isin(STATUSES),
            "finite": np.isinf(figures[list(numbers)]).any(axis=1),
            "a value or a reason": value.notna() == status.isin(STATUSES_WITHOUT_VALUE),
            "within its range": (value > figures["range_high"]) | (value < figures["range_low"]),
            "one figure a period": figures.duplicated(["kpi_id", "period_end"]),
        }
        found = [
            f"{rule}, row {int(bad.to_numpy().argmax())}"
            for rule, bad in broken.items()
            if bad.any()
        ]
    if found:
        raise AssertionError(f"The table of figures is not as it must be: {'; '.join(found)}.")
