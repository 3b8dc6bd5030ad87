"""What is known from rows as received: the last word on each quarter and month, and quarters that follow from their months.

A quarter with only some of its months has no figure, and its note says how many there are: never a part as the whole.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.loading.due import Calendar
from kpi_tools.loading.rules import Ledger
from kpi_tools.loading.targets import with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.units import MULTIPLIERS, unit_family
from kpi_tools.vocabulary import MONTH, NOT_AVAILABLE, STATUSES_WITH_VALUE
from kpi_tools.wording import rows_of, show

PARTS: Final = ["numerator", "denominator"]
NUMBERS: Final = ["value", *PARTS]
_WORDS: Final = ["milestone", "status", "note", "received"]
_ROLLING: Final = "rolling_12_months"
_KEY: Final = ["kpi_id", "quarter"]


class Known(NamedTuple):
    """The last word on each quarter (`figures`) and on each month (`months`; also column `month`).

    `made`: each quarter of which a month is known as its months make it, whether or not a figure was sent; it has neither
    the catalogue's columns nor lines. In the table of months `basis` says what a month's figure covers: `month` where it
    is of the month alone.
    """

    figures: pd.DataFrame
    months: pd.DataFrame
    made: pd.DataFrame


def figures_and_months(
    submissions: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame
) -> Known:
    """What is known from `submissions`, which come in the order in which they were received.

    Columns: the catalogue's, `quarter`, `period_end`, those of the figure (`value` … `received`), the lines in force. Sorted
    by catalogue and `period_end`. Quarters of which no figure was sent follow from their months.
    """
    rows = submissions.assign(month=submissions["month"].fillna(""))
    if "milestone" not in rows:
        rows = rows.assign(milestone=None)
    sent, single = _last(rows[rows["month"] == ""]), _last(rows[rows["month"] != ""])
    single = _months_of_weeks(single, kpis)
    covers = _covered(kpis)
    made = _made(single, kpis, covers)
    spoken = set(zip(*(sent.loc[~sent["silent"], name] for name in _KEY), strict=True))
    follows = made[[key not in spoken for key in zip(*(made[name] for name in _KEY), strict=True)]]
    figures = pd.concat([sent, follows], ignore_index=True).drop_duplicates(_KEY, keep="last")
    months = with_targets(_complete(single, kpis, by_month=True), targets)
    months["basis"] = pd.array(months["kpi_id"].map(covers), dtype="str")
    return Known(with_targets(_complete(figures, kpis), targets), months, made)


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    """The last word on each KPI and period; a cell left blank without a status says nothing and replaces nothing."""
    silent = rows["silent"].astype("bool")
    ordered = pd.concat([rows[silent], rows[~silent]])
    kept = ordered.drop_duplicates(["kpi_id", "period"], keep="last")
    names = [*_KEY, "period", "month", *NUMBERS, *_WORDS]
    return kept[names].astype(dict.fromkeys(NUMBERS, "float64")).assign(silent=silent)


def _months_of_weeks(rows: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """The rows with one for each month: of a weekly KPI that of its last week, or its weeks added up where they can be."""
    weekly = kpis[kpis["frequency"] == "weekly"].set_index("kpi_id")
    rows = rows.sort_values("period", kind="stable")
    last = rows.drop_duplicates(["kpi_id", "month"], keep="last").copy()
    for at, row in last[last["kpi_id"].isin(weekly.index)].iterrows():
        weeks = rows[(rows["kpi_id"] == row["kpi_id"]) & (rows["month"] == row["month"])]
        unit = weekly.loc[row["kpi_id"], "unit"]
        if weekly.loc[row["kpi_id"], "basis"] != "quarter" or len(weeks) == 1:
            continue
        if unit == "count" or unit_family(unit).money:
            last.loc[at, NUMBERS] = [weeks["value"].sum(), np.nan, np.nan]
        elif (
            unit in MULTIPLIERS
            and weeks[PARTS].notna().all(axis=None)
            and weeks["denominator"].sum() > 0
        ):
            last.loc[at, NUMBERS] = list(_ratio(weeks, MULTIPLIERS[unit]))
        else:
            last.loc[at, NUMBERS], last.loc[at, "status"] = np.nan, NOT_AVAILABLE
    return last


def _complete(rows: pd.DataFrame, kpis: pd.DataFrame, by_month: bool = False) -> pd.DataFrame:
    """The rows with the catalogue's attributes before them, in order and typed."""
    own = {kpi["kpi_id"]: Calendar.of(kpi) for kpi in rows_of(kpis)}
    ends = [
        pd.Period(month, "M").end_time.normalize()
        if month
        else own[kpi_id].ends(Quarter.parse(quarter))
        for kpi_id, quarter, month in zip(
            rows["kpi_id"], rows["quarter"], rows["month"], strict=True
        )
    ]
    order = {kpi_id: place for place, kpi_id in enumerate(own)}
    rows = rows.assign(
        period_end=pd.array(ends, dtype="datetime64[s]"), _place=rows["kpi_id"].map(order)
    )
    rows = rows.sort_values(["_place", "period_end"], kind="stable", ignore_index=True)
    when = ["quarter", "month"] if by_month else ["quarter"]
    figures = kpis.iloc[rows["_place"].astype("int64")].reset_index(drop=True)
    figures[when] = rows[when].astype("str")
    figures["period_end"] = rows["period_end"]
    figures[NUMBERS] = rows[NUMBERS].astype("float64")
    figures[_WORDS] = rows[_WORDS].astype("str")
    figures["note"] = figures["note"].mask(figures["note"] == "")
    return figures


def _covered(kpis: pd.DataFrame) -> dict[str, str]:
    """What the figure of a month covers, KPI by KPI: the month alone, unless the KPI's own basis is another."""
    alone = (kpis["basis"] == "quarter") | (
        (kpis["basis"] == _ROLLING) & (kpis["monthly_basis"] == MONTH)
    )
    return dict(zip(kpis["kpi_id"], kpis["basis"].mask(alone, MONTH), strict=True))


def _made(months: pd.DataFrame, kpis: pd.DataFrame, covers: dict[str, str]) -> pd.DataFrame:
    """One row for each KPI and quarter of which a month is known, made from the months.

    * basis `quarter`: the sum of numerators over the sum of denominators of its three months; of counts and money, their sum;
    * `snapshot`, `year_to_date`, and `rolling_12_months` where a month's figure covers twelve months too: the figure of
      the quarter's last month, as given;
    * `rolling_12_months` where a month's figure is of the month alone: numerators over denominators of twelve months.

    What does not follow has no value, status `not available` and a `note` that says what is missing.
    """
    known = {kpi["kpi_id"]: kpi for kpi in rows_of(kpis)}
    rows = []
    for kpi_id, own in months.sort_values("month", kind="stable").groupby("kpi_id", sort=False):
        kpi, months_of = known[str(kpi_id)], own.set_index("month")
        for quarter, of in own.groupby("quarter"):
            there = of[of["value"].notna()]
            if there.empty:
                continue
            last = f"{Quarter.parse(quarter).end:%Y-%m}"
            if covers[kpi["kpi_id"]] != MONTH:
                numbers, note = _running(months_of, there, last)
                status = of["status"].iloc[-1]
            else:
                year = kpi["basis"] == _ROLLING
                numbers, note = _twelve(months_of, kpi, last) if year else _three(there, kpi)
                status = max(there["status"], key=STATUSES_WITH_VALUE.index)
            rows.append(
                {
                    "kpi_id": kpi_id,
                    "quarter": quarter,
                    "month": "",
                    **dict(zip(NUMBERS, numbers, strict=True)),
                    "milestone": None,
                    "status": NOT_AVAILABLE if np.isnan(numbers[0]) else status,
                    "note": note,
                    "received": of["received"].max(),
                    "silent": False,
                }
            )
    return pd.DataFrame(rows, columns=months.columns).astype(dict.fromkeys(NUMBERS, "float64"))


_NO_PARTS: Final = "Its months came without the cases behind them, which would have to be added up."
_Numbers = tuple[float, float, float]
_NOTHING: Final[_Numbers] = (np.nan, np.nan, np.nan)


def _running(months: pd.DataFrame, there: pd.DataFrame, last: str) -> tuple[_Numbers, str]:
    name = f"{pd.Period(last):%B %Y}"
    if last in set(there["month"]):
        value, above, below = months.loc[last, NUMBERS]
        return (value, above, below), f"The figure of {name}, its last month."
    return _NOTHING, f"{_only(there)}, and {name}, on which its own rests, has none."


def _twelve(months: pd.DataFrame, kpi: dict[str, Any], last: str) -> tuple[_Numbers, str]:
    year = [str(month) for month in pd.period_range(end=last, periods=12, freq="M")]
    of = months.reindex(year)[NUMBERS]
    name, per = f"{pd.Period(last):%B %Y}", MULTIPLIERS.get(kpi["unit"])
    if of.isna().any(axis=None) or per is None or of["denominator"].sum() <= 0:
        return (
            _NOTHING,
            f"Not all of the twelve months to {name} are known with the cases behind them.",
        )
    return _ratio(of, per), f"The sum of the twelve months to {name}."


def _three(there: pd.DataFrame, kpi: dict[str, Any]) -> tuple[_Numbers, str]:
    unit, per = kpi["unit"], MULTIPLIERS.get(kpi["unit"])
    if len(there) < 3:
        return _NOTHING, f"{_only(there)}."
    if unit == "count" or unit_family(unit).money:
        return (there["value"].sum(), np.nan, np.nan), "The sum of its three months."
    if per is None:
        return _NOTHING, f"Months in the unit {unit} cannot be added up."
    if there[PARTS].isna().any(axis=None) or there["denominator"].sum() <= 0:
        return _NOTHING, _NO_PARTS
    return _ratio(there, per), "The sum of its three months."


def _ratio(months: pd.DataFrame, per: float) -> _Numbers:
    above, below = months["numerator"].sum(), months["denominator"].sum()
    return per * above / below, above, below


def _only(there: pd.DataFrame) -> str:
    return f"Only {len(there)} of its 3 months {'has' if len(there) == 1 else 'have'} a figure"


def note_months(
    known: Known, submissions: pd.DataFrame, kpis: pd.DataFrame, upto: Quarter, ledger: Ledger
) -> None:
    """Log each figure that follows from months; warn where months are missing, and where they make another than was sent."""
    spoken = submissions[~submissions["silent"].astype("bool")]
    a_month = spoken["month"].fillna("") != ""
    sent, single = (dict(_places(spoken[rows])) for rows in (~a_month, a_month))
    figures = {(row["kpi_id"], row["quarter"]): row for row in rows_of(known.figures)}
    without = dict[str, tuple[dict[str, Any], str]]()
    for made in rows_of(_complete(known.made, kpis)):
        key = made["kpi_id"], made["quarter"]
        figure, place = figures[key], sent.get(key) or single.get(key)
        if place is None:
            continue
        quarter = Quarter.parse(made["quarter"])
        where: dict[str, Any] = {name: place[name] for name in ("file", "row")}
        where["sheet"] = place["sheet"] if isinstance(place["sheet"], str) else ""
        if key not in sent and not np.isnan(figure["value"]):
            why = (
                f"the figure of {key[0]} for {key[1]} follows from its months{_cases(': ', figure)}"
            )
            ledger.change(
                **where, column="value", sent="", taken=f"{figure['value']:.15g}", why=why
            )
        elif key not in sent and made["note"] == _NO_PARTS:
            without.setdefault(key[0], (where, place["period"]))
        elif key not in sent and quarter.shift(int(made["lag_quarters"])) <= upto:
            detail = f"{key[0]} has no figure for {quarter.title}. {made['note']}"
            ledger.problem(
                "months-partial", column="period", value=place["period"], detail=detail, **where
            )
        elif key in sent and _unlike(figure, made):
            exact = _decimals(figure["value"]) + 1
            detail = f"{show(made['value'], made['unit'], exact)}{_cases(' (', made, ')')}"
            ledger.problem(
                "months-unlike",
                column="value",
                value=f"{figure['value']:.15g}",
                detail=detail,
                **where,
            )
    for kpi_id, (where, period) in without.items():
        ledger.problem("months-parts", column="period", value=period, detail=kpi_id, **where)


def _places(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    places = rows[["file", "sheet", "row", "period"]].to_dict("records")
    yield from zip(zip(rows["kpi_id"], rows["quarter"], strict=True), places, strict=True)


def _unlike(figure: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether months make another figure than was sent, as exactly as that was written, or other cases."""
    value, own = figure["value"], made["value"]
    if np.isnan(value) or np.isnan(own):
        return False
    rounding = 0.5 * 10.0 ** -_decimals(value) + 1e-9 * max(1.0, abs(own))
    parts = [(figure[name], made[name]) for name in PARTS]
    return abs(value - own) > rounding or any(
        a != b for a, b in parts if not np.isnan(a) and not np.isnan(b)
    )


def _decimals(value: float) -> int:
    return len(f"{value:.10f}".rstrip("0").partition(".")[2])


def _cases(before: str, row: dict[str, Any], after: str = "") -> str:
    above, below = row["numerator"], row["denominator"]
    return "" if np.isnan(below) else f"{before}{above:,.0f} of {below:,.0f}{after}"
