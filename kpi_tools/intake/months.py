"""Months → the figure of their quarter where none was sent, by what one figure of the KPI covers.

A quarter with only some of its months has no figure, and its note says how many there are: never a part as the whole.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.intake.columns import Bools, Objects, places
from kpi_tools.intake.figures import latest_word
from kpi_tools.intake.returns import NEVER, ordinal
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import MONTH, MULTIPLIERS, NOT_AVAILABLE, STATUSES_WITH_VALUE

PARTS: Final = ("numerator", "denominator")
NUMBERS: Final = ["value", *PARTS]
_COUNT: Final = "count"
_ROLLING: Final = "rolling_12_months"
_A_QUARTER: Final = 3
_A_YEAR: Final = 12

_LAST, _NO_LAST, _YEAR, _NO_YEAR, _PARTIAL, _COUNTED, _NO_SUM, _NO_PARTS, _ADDED = range(9)
_NOTES: Final = (
    "The figure of {last}, its last month.",
    "{only}, and {last}, on which its own rests, has none.",
    "The sum of the twelve months to {last}.",
    "Not all of the twelve months to {last} are known with the cases behind them.",
    "{only}.",
    "The sum of its three months.",
    "Months in the unit {unit} cannot be added up.",
    "Its months came without the cases behind them, which would have to be added up.",
    "The sum of its three months.",
)
"""How a quarter's figure follows from its months, or why it does not, and the note for it."""


class Known(NamedTuple):
    """The last word on each quarter (`figures`) and on each month (`months`; also column `month`).

    `made`: each quarter of which a month is known as its months make it, whether or not a figure was sent. In the table of
    months `basis` says what a month's figure covers: `month` where it is of the month alone.
    """

    figures: pd.DataFrame
    months: pd.DataFrame
    made: pd.DataFrame


def figures_and_months(
    submissions: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame
) -> Known:
    """What is known from rows as received. Quarters of which no figure was sent follow from their months."""
    a_month = submissions["month"].fillna("") != ""
    sent = latest_word(submissions[~a_month].assign(month=""), kpis, targets)
    months = latest_word(submissions[a_month], kpis, targets)
    months["basis"] = _covered(kpis).array.take(numbered(months, kpis) // NEVER)
    made = quarters_from_months(months, kpis)
    told = submissions[~a_month & ~submissions["silent"].astype(bool)]
    follows = made[~np.isin(numbered(made, kpis), numbered(told, kpis))]
    if follows.empty:
        return Known(sent, months, made)
    kept = sent[~np.isin(numbered(sent, kpis), numbered(follows, kpis))]
    figures = pd.concat([kept, follows], ignore_index=True)
    order = np.argsort(numbered(figures, kpis))
    return Known(figures.iloc[order].reset_index(drop=True), months, made)


def quarters_from_months(months: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """One row for each KPI and quarter of which a month is known, made from the months.

    * basis `quarter`: the sum of numerators over the sum of denominators of its three months; of counts, their sum;
    * `snapshot`, `year_to_date`, and `rolling_12_months` where a month's figure covers twelve months too: the figure of
      the quarter's last month, as given;
    * `rolling_12_months` where a month's figure is of the month alone: numerators over denominators of twelve months.

    What does not follow has no value, status `not available` and a `note` that says what is missing.
    """
    if months.empty:
        return months.drop(columns="month")
    rows = _last_months(months, kpis)
    quarters, labels = pd.factorize(rows["quarter"])
    ends = np.array([Quarter.parse(label).end for label in labels], dtype="datetime64[s]")[quarters]
    how = _how(rows, (rows["period_end"] == ends).to_numpy())
    made = rows.assign(
        period_end=ends, received=rows["latest"], basis=rows["kpi_basis"], **_numbers(rows, how)
    )
    status = np.where(rows["basis"] == MONTH, rows["weakest"], rows["status"])
    made["status"] = np.where(made["value"].notna(), status, NOT_AVAILABLE)
    made["note"] = _notes(rows, how)
    columns = months.dtypes.drop("month")
    return made[list(columns.index)].astype(columns.to_dict())


def numbered(table: pd.DataFrame, kpis: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """KPI and quarter of each row as one number: place in the catalogue times NEVER, plus the quarter's `ordinal`."""
    codes, labels = pd.factorize(table["quarter"])
    ordinals = np.array([ordinal(Quarter.parse(label)) for label in labels], dtype=np.int64)
    return places(table["kpi_id"], pd.Index(kpis["kpi_id"])) * NEVER + ordinals[codes]


def _covered(kpis: pd.DataFrame) -> pd.Series:
    """What the figure of a month covers, KPI by KPI: the month alone, unless the KPI's own basis is another."""
    alone = (kpis["basis"] == "quarter") | (
        (kpis["basis"] == _ROLLING) & (kpis["monthly_basis"] == MONTH)
    )
    return kpis["basis"].mask(alone, MONTH)


def _last_months(months: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """The last month of each quarter with any figure; added is what its quarter and the twelve months to it come to.

    `known`, `parted`: how many of its months have a value, and its parts with it; `weakest`: the weakest of their statuses;
    `latest`: when the last of them was received; `sum_…`, `year_…` of numbers; `per`: what the unit multiplies by;
    `kpi_basis`.
    """
    keys = numbered(months, kpis)
    parted = months[NUMBERS].notna().all(axis=1)
    received, folders = pd.factorize(months["received"], sort=True)
    weakest = places(months["status"], pd.Index(STATUSES_WITH_VALUE))
    each = months[NUMBERS].assign(
        known=months["value"].notna(),
        parted=parted,
        latest=received,
        weakest=weakest,
        last=np.arange(len(months)),
    )
    by = each.groupby(keys, sort=False)
    whole = by[[*NUMBERS, "known", "parted"]].sum().join(by[["weakest", "latest", "last"]].max())
    whole = whole[whole["known"] > 0]
    rows = months.iloc[whole["last"]]
    rolling = (kpis["basis"] == _ROLLING).to_numpy()[keys // NEVER]
    year = _twelve_months(months[parted & rolling]).reindex(rows.index)
    own = kpis.iloc[whole.index // NEVER]
    return rows.reset_index(drop=True).assign(
        known=whole["known"].array, parted=whole["parted"].array,
        weakest=np.array(STATUSES_WITH_VALUE, dtype=object)[whole["weakest"]], latest=folders.take(whole["latest"]).array,
        per=own["unit"].map(MULTIPLIERS).to_numpy(dtype="float64"), kpi_basis=own["basis"].array,
        **{f"sum_{name}": whole[name].array for name in NUMBERS},
        **{f"year_{name}": year[name].array for name in PARTS},
    )  # fmt: skip


def _twelve_months(known: pd.DataFrame) -> pd.DataFrame:
    """Numerator and denominator of the twelve months to each row, missing where they are not all there."""
    kpi = pd.factorize(known["kpi_id"])[0]
    month = known["period_end"].dt.year * _A_YEAR + known["period_end"].dt.month
    whole = month - month.groupby(kpi).shift(_A_YEAR - 1) == _A_YEAR - 1
    so_far = known[list(PARTS)].groupby(kpi).cumsum()
    sums = so_far - so_far.groupby(kpi).shift(_A_YEAR).fillna(0)
    return sums.where(whole)


def _how(rows: pd.DataFrame, ended: Bools) -> np.ndarray:
    """Which of _NOTES holds for each row of `_last_months`; `ended`: where it is the last month of its quarter."""
    running, rolling = rows["basis"] != MONTH, rows["kpi_basis"] == _ROLLING
    return np.select(
        [
            running & ended & rows["value"].notna(), running,
            rolling & ended & (rows["year_denominator"] > 0) & rows["per"].notna(), rolling,
            rows["known"] < _A_QUARTER,
            rows["unit"] == _COUNT,
            rows["per"].isna(),
            (rows["parted"] < _A_QUARTER) | (rows["sum_denominator"] <= 0),
        ],
        [_LAST, _NO_LAST, _YEAR, _NO_YEAR, _PARTIAL, _COUNTED, _NO_SUM, _NO_PARTS],
        _ADDED,
    )  # fmt: skip


def _numbers(rows: pd.DataFrame, how: np.ndarray) -> dict[str, np.ndarray]:
    """Value, numerator and denominator of each quarter; none where nothing follows."""
    above, below = (
        np.where(how == _YEAR, rows[f"year_{part}"], rows[f"sum_{part}"]) for part in PARTS
    )
    ratio, given = np.isin(how, (_YEAR, _ADDED)), how == _LAST
    with np.errstate(divide="ignore", invalid="ignore"):
        made = rows["per"].to_numpy() * above / below
    return {
        "value": np.select(
            [given, ratio, how == _COUNTED], [rows["value"], made, rows["sum_value"]], np.nan
        ),
        "numerator": np.select([given, ratio], [rows["numerator"], above], np.nan),
        "denominator": np.select([given, ratio], [rows["denominator"], below], np.nan),
    }


def _notes(rows: pd.DataFrame, how: np.ndarray) -> Objects:
    """The note of each row: most recur, so each is written once."""
    told = rows[["quarter", "unit", "known"]].assign(how=how)
    codes = told.groupby(list(told), sort=False, dropna=False).ngroup().to_numpy()
    notes = []
    for quarter, unit, known, one in told.drop_duplicates().itertuples(index=False):
        only = f"Only {known} of its 3 months {'has' if known == 1 else 'have'} a figure"
        notes.append(
            _NOTES[one].format(last=f"{Quarter.parse(quarter).end:%B %Y}", only=only, unit=unit)
        )
    return np.array(notes, dtype=object)[codes]
