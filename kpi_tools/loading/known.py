"""What is known from rows as received: the last word on each quarter and month, quarters of months.

A quarter with only some of its months has no figure, and its note says how many there are: never a
part as the whole.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.loading.due import Calendar
from kpi_tools.loading.returns import NUMBERS, PARTS
from kpi_tools.loading.rules import Ledger
from kpi_tools.loading.targets import with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.units import MULTIPLIERS, unit_family
from kpi_tools.vocabulary import MONTH, NOT_AVAILABLE, STATUSES_WITH_VALUE
from kpi_tools.wording import rows_of, show

_NUMBERS: Final = list(NUMBERS)
_PARTS: Final = list(PARTS)
_WORDS: Final = ["milestone", "status", "note", "received"]
_ROLLING: Final = "rolling_12_months"
_KEY: Final = ["kpi_id", "quarter"]
_NO_PARTS: Final = "Its months came without the cases behind them, which would have to be added up."
_Figure = tuple[float, float, float]
_NOTHING: Final[_Figure] = (np.nan, np.nan, np.nan)


class Known(NamedTuple):
    """The last word on each quarter (`figures`) and on each month (`months`; also column `month`).

    `made`: each quarter of which a month is known as its months make it, whether or not a figure
    was sent; it has neither the catalogue's columns nor lines. In the table of months `basis` says
    what a month's figure covers: `month` where it is of the month alone.
    """

    figures: pd.DataFrame
    months: pd.DataFrame
    made: pd.DataFrame


def figures_and_months(
    submissions: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame
) -> Known:
    """What is known from `submissions`, which come in the order in which they were received.

    Columns: the catalogue's, `quarter`, `period_end`, those of the figure (`value` … `received`),
    the lines in force. Sorted by catalogue and `period_end`. Quarters of which no figure was sent
    follow from their months.
    """
    rows = submissions.assign(month=submissions["month"].fillna(""))
    rows["milestone"] = rows.get("milestone")
    # the last word; a cell left blank without a status says nothing and replaces nothing
    rows = rows.sort_values("silent", key=lambda silent: ~silent.astype("bool"), kind="stable")
    rows = rows.drop_duplicates(["kpi_id", "period"], keep="last").astype({"silent": "bool"})
    sent, single = rows[rows["month"] == ""], _months_of_weeks(rows[rows["month"] != ""], kpis)
    covers = _covered(kpis)
    made = _made(single, kpis, covers)
    spoken = pd.MultiIndex.from_frame(sent.loc[~sent["silent"], _KEY])
    follows = made[~pd.MultiIndex.from_frame(made[_KEY]).isin(spoken)]
    figures = pd.concat([sent, follows], ignore_index=True).drop_duplicates(_KEY, keep="last")
    months = with_targets(_complete(single, kpis, by_month=True), targets)
    months["basis"] = pd.array(months["kpi_id"].map(covers), dtype="str")
    return Known(with_targets(_complete(figures, kpis), targets), months, made)


def _months_of_weeks(rows: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """The rows with one for each month: of a weekly KPI its weeks added up, or else its last."""
    weekly = kpis[kpis["frequency"] == "weekly"].set_index("kpi_id")
    rows = rows.sort_values("period", kind="stable")
    last = rows.drop_duplicates(["kpi_id", "month"], keep="last").copy()
    for at, row in last[last["kpi_id"].isin(weekly.index)].iterrows():
        weeks = rows[(rows["kpi_id"] == row["kpi_id"]) & (rows["month"] == row["month"])]
        if weekly.loc[row["kpi_id"], "basis"] == "quarter" and len(weeks) > 1:
            added = _added(weeks, weekly.loc[row["kpi_id"], "unit"])
            last.loc[at, _NUMBERS] = list(added or _NOTHING)
            last.loc[at, "status"] = row["status"] if added else NOT_AVAILABLE
    return last


def _added(rows: pd.DataFrame, unit: str) -> _Figure | None:
    """The figure of several spans together; None where it does not follow from theirs."""
    if unit == "count" or unit_family(unit).money:
        return rows["value"].sum(), np.nan, np.nan
    above, below = rows[_PARTS].sum()
    if unit not in MULTIPLIERS or rows[_PARTS].isna().any(axis=None) or below <= 0:
        return None
    return MULTIPLIERS[unit] * above / below, above, below


def _complete(rows: pd.DataFrame, kpis: pd.DataFrame, by_month: bool = False) -> pd.DataFrame:
    """The rows with the catalogue's attributes before them, in order and typed."""
    calendar_of = {kpi["kpi_id"]: Calendar.of(kpi) for kpi in rows_of(kpis)}
    ends = [
        pd.Period(month, "M").end_time.normalize()
        if month
        else calendar_of[kpi_id].ends(Quarter.parse(quarter))
        for kpi_id, quarter, month in zip(*(rows[name] for name in [*_KEY, "month"]), strict=True)
    ]
    place = rows["kpi_id"].map({kpi_id: at for at, kpi_id in enumerate(calendar_of)})
    rows = rows.assign(period_end=pd.array(ends, dtype="datetime64[s]"), _place=place)
    rows = rows.sort_values(["_place", "period_end"], kind="stable", ignore_index=True)
    figures = kpis.iloc[rows["_place"].astype("int64")].reset_index(drop=True)
    when = ["quarter", "month"] if by_month else ["quarter"]
    figures[when] = rows[when].astype("str")
    figures["period_end"] = rows["period_end"]
    figures[_NUMBERS] = rows[_NUMBERS].astype("float64")
    figures[_WORDS] = rows[_WORDS].astype("str")
    figures["note"] = figures["note"].mask(figures["note"] == "")
    return figures


def _covered(kpis: pd.DataFrame) -> dict[str, str]:
    """What a month's figure covers: the month alone, unless the KPI's own basis is another."""
    alone = (kpis["basis"] == "quarter") | (
        (kpis["basis"] == _ROLLING) & (kpis["monthly_basis"] == MONTH)
    )
    return dict(zip(kpis["kpi_id"], kpis["basis"].mask(alone, MONTH), strict=True))


def _made(months: pd.DataFrame, kpis: pd.DataFrame, covers: dict[str, str]) -> pd.DataFrame:
    """One row for each KPI and quarter of which a month is known, made from the months.

    * basis `quarter`: the sum of numerators over the sum of denominators of its three months; of
      counts and money, their sum;
    * `snapshot`, `year_to_date`, and `rolling_12_months` where a month's figure covers twelve
      months too: the figure of the quarter's last month, as given;
    * `rolling_12_months` where a month's figure is of the month alone: numerators over denominators
      of twelve months.

    What does not follow has no value, status `not available` and a `note` of what is missing.
    """
    known = {kpi["kpi_id"]: kpi for kpi in rows_of(kpis)}
    rows = []
    for kpi_id, of_kpi in months.sort_values("month", kind="stable").groupby("kpi_id", sort=False):
        kpi, months_of = known[str(kpi_id)], of_kpi.set_index("month")
        for quarter, of in of_kpi.groupby("quarter"):
            there = of[of["value"].notna()]
            if there.empty:
                continue
            last = pd.Period(Quarter.parse(quarter).end, "M")
            if covers[kpi["kpi_id"]] != MONTH:
                (numbers, note), status = _running(months_of, there, last), of["status"].iloc[-1]
            else:
                year = kpi["basis"] == _ROLLING
                numbers, note = _twelve(months_of, kpi, last) if year else _three(there, kpi)
                status = max(there["status"], key=STATUSES_WITH_VALUE.index)
            status = NOT_AVAILABLE if np.isnan(numbers[0]) else status
            rows.append((kpi_id, quarter, *numbers, status, note, of["received"].max()))
    made = pd.DataFrame(rows, columns=[*_KEY, *_NUMBERS, "status", "note", "received"])
    made = made.assign(month="", milestone=None, silent=False)
    return made.astype(dict.fromkeys(_NUMBERS, "float64"))


def _running(months: pd.DataFrame, there: pd.DataFrame, last: pd.Period) -> tuple[_Figure, str]:
    if str(last) in set(there["month"]):
        value, above, below = months.loc[str(last), _NUMBERS]
        return (value, above, below), f"The figure of {last:%B %Y}, its last month."
    return _NOTHING, f"{_only(there)}, and {last:%B %Y}, on which its own rests, has none."


def _twelve(months: pd.DataFrame, kpi: dict[str, Any], last: pd.Period) -> tuple[_Figure, str]:
    of = months.reindex(pd.period_range(end=last, periods=12).astype(str))[_NUMBERS]
    added = None if of.isna().any(axis=None) else _added(of, kpi["unit"])
    year = f"twelve months to {last:%B %Y}"
    if added is None:
        return _NOTHING, f"Not all of the {year} are known with the cases behind them."
    return added, f"The sum of the {year}."


def _three(there: pd.DataFrame, kpi: dict[str, Any]) -> tuple[_Figure, str]:
    if len(there) < 3:
        return _NOTHING, f"{_only(there)}."
    if added := _added(there, kpi["unit"]):
        return added, "The sum of its three months."
    cannot = f"Months in the unit {kpi['unit']} cannot be added up."
    return _NOTHING, _NO_PARTS if kpi["unit"] in MULTIPLIERS else cannot


def _only(there: pd.DataFrame) -> str:
    return f"Only {len(there)} of its 3 months {'has' if len(there) == 1 else 'have'} a figure"


def note_months(
    known: Known, submissions: pd.DataFrame, kpis: pd.DataFrame, upto: Quarter, ledger: Ledger
) -> None:
    """Log figures that follow from months; warn where months are missing, or make another."""
    spoken = submissions[~submissions["silent"].astype("bool")].fillna({"month": "", "sheet": ""})
    places = {(row["kpi_id"], row["quarter"], row["month"] != ""): row for row in rows_of(spoken)}
    figures = {(row["kpi_id"], row["quarter"]): row for row in rows_of(known.figures)}
    without = set[str]()
    for made in rows_of(_complete(known.made, kpis)):
        key = made["kpi_id"], made["quarter"]
        figure, sent = figures[key], (*key, False) in places
        place = places.get((*key, False)) or places.get((*key, True))
        if place is None:
            continue
        quarter = Quarter.parse(made["quarter"])
        where: dict[str, Any] = {name: place[name] for name in ("file", "sheet", "row")}
        of_month = where | {"column": "period", "value": place["period"]}
        taken = f"{figure['value']:.15g}"
        if not sent and not np.isnan(figure["value"]):
            cases = _cases(figure, ": {}")
            why = f"the figure of {key[0]} for {key[1]} follows from its months{cases}"
            ledger.change(**where, column="value", sent="", taken=taken, why=why)
        elif not sent and made["note"] == _NO_PARTS:
            if key[0] not in without:
                ledger.problem("months-parts", detail=key[0], **of_month)
            without.add(key[0])
        elif not sent and quarter.shift(int(made["lag_quarters"])) <= upto:
            detail = f"{key[0]} has no figure for {quarter.title}. {made['note']}"
            ledger.problem("months-partial", detail=detail, **of_month)
        elif sent and _unlike(figure, made):
            exact = show(made["value"], made["unit"], _decimals(figure["value"]) + 1)
            detail = f"{exact}{_cases(made, ' ({})')}"
            ledger.problem("months-unlike", **where, column="value", value=taken, detail=detail)


def _unlike(figure: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether months make another figure than was sent, as exactly as written, or other cases."""
    value, calculated = figure["value"], made["value"]
    rounding = 0.5 * 10.0 ** -_decimals(value) + 1e-9 * max(1.0, abs(calculated))
    known = not np.isnan(value) and not np.isnan(calculated)
    others = any(abs(figure[name] - made[name]) > 0 for name in PARTS)
    return known and (abs(value - calculated) > rounding or others)


def _decimals(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def _cases(row: dict[str, Any], words: str) -> str:
    cases = f"{row['numerator']:,.0f} of {row['denominator']:,.0f}"
    return "" if np.isnan(row["denominator"]) else words.format(cases)
