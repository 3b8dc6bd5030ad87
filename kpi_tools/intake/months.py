"""Months → the figure of their quarter where none was sent, by what one figure of the KPI covers; and what disagrees.

A quarter with only some of its months has no figure, and its note says how many there are: never a part as the whole.
"""

import math
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.intake.figures import FIGURES, latest_word
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import MONTH, MULTIPLIERS, NOT_AVAILABLE, STATUSES_WITH_VALUE
from kpi_tools.words.problems import Ledger
from kpi_tools.words.wording import show

_KEY: Final = ["kpi_id", "quarter"]
_PARTS: Final = ("numerator", "denominator")
_COUNT: Final = "count"
_A_QUARTER: Final = 3
_A_YEAR: Final = 12
_NOTHING: Final = (math.nan, math.nan, math.nan)


def figures_and_months(
    submissions: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The last word on each quarter (columns: FIGURES) and on each month (also `month`), from rows as received.

    Quarters of which no figure was sent follow from their months (`quarters_from_months`). In the table of months
    `basis` says what a month's figure covers: `month` where it is of the month alone.
    """
    a_month = submissions["month"].fillna("") != ""
    sent = latest_word(submissions[~a_month].assign(month=""), kpis, targets)[list(FIGURES)]
    months = latest_word(submissions[a_month], kpis, targets)
    months["basis"] = months["kpi_id"].map(_covered(kpis)).astype("str")
    made = quarters_from_months(months, kpis)
    told = submissions[~a_month & ~submissions["silent"].astype(bool)]
    made = made[~_keys(made).isin(_keys(told))]
    if made.empty:
        return sent, months
    figures = pd.concat([sent[~_keys(sent).isin(_keys(made))], made], ignore_index=True)
    place = pd.Index(kpis["kpi_id"]).get_indexer(figures["kpi_id"])
    order = np.lexsort((figures["period_end"].to_numpy(), place))
    return figures.iloc[order].reset_index(drop=True), months


def quarters_from_months(months: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """One row for each KPI and quarter of which a month is known (columns: FIGURES), made from the months.

    * basis `quarter`: the sum of numerators over the sum of denominators of its three months; of counts, their sum;
    * `snapshot`, `year_to_date`, and `rolling_12_months` where a month's figure covers twelve months too: the figure of
      the quarter's last month, as given;
    * `rolling_12_months` where a month's figure is of the month alone: numerators over denominators of twelve months.

    What does not follow has no value, status `not available` and a `note` that says what is missing.
    """
    rows = months[months.groupby(_KEY)["value"].transform("count") > 0].reset_index(drop=True)
    parts = rows[list(_PARTS)].notna().all(axis=1) & rows["value"].notna()
    group = rows.assign(_parts=parts).groupby(_KEY, sort=False)
    total = group[["value", *_PARTS]].transform("sum")
    year = _twelve_months(rows[parts]).reindex(rows.index)
    rank = {status: place for place, status in enumerate(STATUSES_WITH_VALUE)}
    weakest = rows["status"].map(rank).groupby([rows[name] for name in _KEY]).transform("max")
    rows = rows.assign(
        received=group["received"].transform("max"), _known=group["value"].transform("count"),
        _parted=group["_parts"].transform("sum"), _weakest=weakest, _per=rows["unit"].map(MULTIPLIERS),
        _basis=rows["kpi_id"].map(kpis.set_index("kpi_id")["basis"]),
        **{f"_sum_{name}": total[name] for name in total}, **{f"_year_{name}": year[name] for name in year},
    )  # fmt: skip
    made = [_quarter(row) for row in rows.drop_duplicates(_KEY, keep="last").to_dict("records")]
    return pd.DataFrame(made, columns=list(FIGURES)).astype(months.dtypes[list(FIGURES)].to_dict())


def note_months(
    figures: pd.DataFrame,
    months: pd.DataFrame,
    submissions: pd.DataFrame,
    kpis: pd.DataFrame,
    upto: Quarter,
    ledger: Ledger,
) -> None:
    """Log each figure that follows from months; warn where months are missing, and where they make another than was sent."""
    made = quarters_from_months(months, kpis).set_index(_KEY)
    spoken = submissions[~submissions["silent"].astype(bool)]
    a_month = spoken["month"].fillna("") != ""
    sent, single = (spoken[rows].drop_duplicates(_KEY, keep="last").set_index(_KEY) for rows in (~a_month, a_month))
    for row in figures[_keys(figures).isin(made.index)].to_dict("records"):
        key, follows = (row["kpi_id"], row["quarter"]), dict(made.loc[(row["kpi_id"], row["quarter"])])
        at = (sent if key in sent.index else single).loc[key]
        place: dict[str, Any] = {"file": str(at["file"]), "sheet": _text(at["sheet"]), "row": int(at["row"])}
        if key not in sent.index and not math.isnan(row["value"]):
            ledger.change(**place, column="value", sent="", taken=f"{row['value']:.15g}", why=_why(row))
        elif key not in sent.index and Quarter.parse(row["quarter"]) <= upto.shift(-int(row["lag_quarters"])):
            detail = f"{row['kpi_id']} has no figure for {Quarter.parse(row['quarter']).title}. {row['note']}"
            ledger.problem("months-partial", **place, column="period", value=str(at["period"]), detail=detail)
        elif other := _unlike(row, follows):
            ledger.problem("months-unlike", **place, column="value", value=f"{row['value']:.15g}", detail=other)


def _covered(kpis: pd.DataFrame) -> pd.Series:
    """What the figure of a month covers, by KPI: the month alone, unless the KPI's own basis is another."""
    alone = (kpis["basis"] == "quarter") | ((kpis["basis"] == "rolling_12_months") & (kpis["monthly_basis"] == MONTH))
    return kpis["basis"].mask(alone, MONTH).set_axis(kpis["kpi_id"])


def _twelve_months(known: pd.DataFrame) -> pd.DataFrame:
    """Numerator and denominator of the twelve months to each row, missing where they are not all there."""
    ordinal = known["period_end"].dt.year * _A_YEAR + known["period_end"].dt.month
    whole = ordinal - ordinal.groupby(known["kpi_id"]).shift(_A_YEAR - 1) == _A_YEAR - 1
    so_far = known.groupby("kpi_id")[list(_PARTS)].cumsum()
    sums = so_far - so_far.groupby(known["kpi_id"]).shift(_A_YEAR).fillna(0)
    return sums.where(whole)


def _quarter(row: dict[str, Any]) -> dict[str, Any]:
    """The quarter of which `row` is the last month there, with sums over its months and over the year to it."""
    quarter = Quarter.parse(row["quarter"])
    value, numerator, denominator, note = _follows(row, quarter)
    found = not math.isnan(value)
    weakest = row["status"] if row["basis"] != MONTH else STATUSES_WITH_VALUE[int(row["_weakest"])]
    return row | {
        "period_end": pd.Timestamp(quarter.end), "value": value, "numerator": numerator, "denominator": denominator,
        "basis": row["_basis"], "status": weakest if found else NOT_AVAILABLE, "note": note,
    }  # fmt: skip


def _follows(row: dict[str, Any], quarter: Quarter) -> tuple[float, float, float, str]:
    """Value, numerator and denominator with where they come from; or none of them, and why."""
    only = f"Only {row['_known']:.0f} of its 3 months {'has' if row['_known'] == 1 else 'have'} a figure"
    ended, last = row["period_end"].date() == quarter.end, f"{quarter.end:%B %Y}"
    if row["basis"] != MONTH:
        if ended and not math.isnan(row["value"]):
            return row["value"], row["numerator"], row["denominator"], f"The figure of {last}, its last month."
        return *_NOTHING, f"{only}, and {last}, on which its own rests, has none."
    if row["_basis"] == "rolling_12_months":
        if ended and row["_year_denominator"] > 0 and not math.isnan(row["_per"]):
            return *_ratio(row, "year"), f"The sum of the twelve months to {last}."
        return *_NOTHING, f"Not all of the twelve months to {last} are known with the cases behind them."
    if row["_known"] < _A_QUARTER:
        return *_NOTHING, f"{only}."
    if row["unit"] == _COUNT:
        return row["_sum_value"], math.nan, math.nan, "The sum of its three months."
    if math.isnan(row["_per"]):
        return *_NOTHING, f"Months in the unit {row['unit']} cannot be added up."
    if row["_parted"] < _A_QUARTER or row["_sum_denominator"] <= 0:
        return *_NOTHING, "Its months came without the cases behind them, which would have to be added up."
    return *_ratio(row, "sum"), "The sum of its three months."


def _ratio(row: dict[str, Any], over: str) -> tuple[float, float, float]:
    numerator, denominator = row[f"_{over}_numerator"], row[f"_{over}_denominator"]
    return row["_per"] * numerator / denominator, numerator, denominator


def _why(row: dict[str, Any]) -> str:
    cases = "" if math.isnan(row["denominator"]) else f": {row['numerator']:,.0f} of {row['denominator']:,.0f}"
    return f"the figure of {row['kpi_id']} for {row['quarter']} follows from its months{cases}"


def _unlike(sent: dict[str, Any], made: dict[str, Any]) -> str:
    """What the months make, where that is not what was sent, as exactly as that was written; else empty."""
    if math.isnan(sent["value"]) or math.isnan(made["value"]):
        return ""
    places = len(f"{sent['value']:.10f}".rstrip("0").partition(".")[2])
    near = abs(sent["value"] - made["value"]) <= 0.5 * 10.0**-places + 1e-9 * max(1.0, abs(made["value"]))
    counted = [name for name in _PARTS if not (math.isnan(sent[name]) or math.isnan(made[name]))]
    if near and all(sent[name] == made[name] for name in counted):
        return ""
    cases = "" if math.isnan(made["denominator"]) else f" ({made['numerator']:,.0f} of {made['denominator']:,.0f})"
    return f"{show(made['value'], made['unit'], places + 1)}{cases}"


def _keys(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[_KEY])


def _text(cell: Any) -> str:
    return cell if isinstance(cell, str) else ""
