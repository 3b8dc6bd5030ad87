"""What is known from rows as received: the last word on each quarter and month, quarters of months.
A quarter with only some of its months has no figure, and its note says how many there are: never a
part as the whole."""

from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kpi_tools.loading.catalogue import line_columns, with_targets
from kpi_tools.loading.due import Calendar
from kpi_tools.loading.returns import NUMBERS, PARTS
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter
from kpi_tools.rows import rows_of
from kpi_tools.units import MULTIPLIERS, adds_up
from kpi_tools.vocabulary import MONTH, NOT_AVAILABLE, STATUSES_WITH_VALUE
from kpi_tools.wording import parts_of, show, written_decimals

_NUMBERS: Final = list(NUMBERS)
_PARTS: Final = list(PARTS)
_WORDS: Final = ["milestone", "status", "note", "received"]
_ROLLING: Final = "rolling_12_months"
_KEY: Final = ["kpi_id", "quarter"]
_NO_PARTS: Final = "Its months came without the cases behind them, which would have to be added up."


class Known(NamedTuple):
    """The last word on each quarter (`figures`) and on each month (`months`; also column `month`).
    `made`: each quarter of which a month is known as its months make it, whether or not a figure
    was sent; it has neither the catalogue's columns nor lines. In the table of months `basis` says
    what a month's figure covers: `month` where it is of the month alone."""

    figures: pd.DataFrame
    months: pd.DataFrame
    made: pd.DataFrame


def figures_and_months(sent: pd.DataFrame, kpis: pd.DataFrame, targets: pd.DataFrame) -> Known:
    """What is known from submissions, which come in the order in which they were received.
    Columns: the catalogue's, `quarter`, `period_end`, those of the figure (`value` … `received`),
    the lines in force. Sorted by catalogue and `period_end`. Quarters of which no figure was sent
    follow from their months."""
    rows = sent.assign(month=sent["month"].fillna(""))
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
    # a line of three months is none of one, where figures of a longer time are larger
    part = (months["basis"] == MONTH) & months["unit"].map(adds_up).astype("bool")
    months.loc[part, line_columns(targets)] = np.nan
    return Known(with_targets(_complete(figures, kpis), targets), months, made)


def _months_of_weeks(rows: pd.DataFrame, kpis: pd.DataFrame) -> pd.DataFrame:
    """The rows with one for each month: of a weekly KPI its weeks added up, or else its last."""
    key, rows = ["kpi_id", "month"], rows.sort_values("period", kind="stable")
    weekly = kpis[(kpis["frequency"] == "weekly") & (kpis["basis"] == "quarter")]
    weeks = rows.merge(weekly[["kpi_id", "unit"]], on="kpi_id")
    last = rows.drop_duplicates(key, keep="last")
    if weeks.empty:
        return last.reset_index(drop=True)
    last = last.set_index(key, drop=False)
    added = _added(weeks[weeks.duplicated(key, keep=False)], key)
    last.loc[added.index, _NUMBERS] = added
    last.loc[added.index[added["value"].isna()], "status"] = NOT_AVAILABLE
    return last.reset_index(drop=True)


def _added(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The figure of the spans of each group together; missing where it does not follow from theirs.
    One span alone stays as it is. Counts and money are added up, others are made of their parts."""
    groups = rows.groupby(by, sort=False)
    size, unit = groups.size(), groups["unit"].first()
    sums = groups[_NUMBERS].sum().where(groups[_NUMBERS].count().eq(size, axis=0))
    alone = size == 1
    add = unit.map(adds_up).astype("bool")
    below = sums["denominator"].where(sums["denominator"] > 0)
    ratio = unit.map(MULTIPLIERS).astype("float64") * sums["numerator"] / below
    sums["value"] = sums["value"].where(alone | add, ratio)
    sums[_PARTS] = sums[_PARTS].where(alone | ~add & sums["value"].notna())
    return sums


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
    of_month = kpis["monthly_basis"] == MONTH
    alone = (kpis["basis"] == "quarter") | ((kpis["basis"] == _ROLLING) & of_month)
    return dict(zip(kpis["kpi_id"], kpis["basis"].mask(alone, MONTH), strict=True))


def _made(months: pd.DataFrame, kpis: pd.DataFrame, covers: dict[str, str]) -> pd.DataFrame:
    """One row for each KPI and quarter of which a month is known, made from the months. Of basis
    `quarter`: the sum of numerators over the sum of denominators of its three months, of counts and
    money their sum. Of `snapshot`, `year_to_date`, and `rolling_12_months` where a month's figure
    covers twelve months too: the figure of the quarter's last month, as given. Of
    `rolling_12_months` where a month's figure is of the month alone: as `quarter`, of twelve
    months. What does not follow has no value, status `not available` and a `note` of what is
    missing."""
    if months.empty:
        return months
    known = months[months["value"].notna()]
    quarters = known.groupby(_KEY, sort=False).size().rename("known_months").reset_index()
    quarters = quarters.merge(kpis[["kpi_id", "unit", "basis"]], on="kpi_id")
    alone = quarters["kpi_id"].map(covers) == MONTH
    quarters["needed"] = np.where(alone, np.where(quarters["basis"] == _ROLLING, 12, 3), 1)
    quarters["last_month"] = [pd.Period(Quarter.parse(one).end, "M") for one in quarters["quarter"]]
    spans = zip(quarters["last_month"], quarters["needed"], strict=True)
    needed = [[str(last - back) for back in range(count)] for last, count in spans]
    quarters["month"] = pd.Series(needed, index=quarters.index, dtype="object")
    known = known[["kpi_id", "month", *_NUMBERS, "status"]]
    parts = quarters.explode("month").merge(known, on=["kpi_id", "month"], how="left")
    quarters = quarters.merge(_added(parts, _KEY), on=_KEY)
    quarters["note"] = [_why(row) for row in rows_of(quarters)]
    # the weakest of the months that it is made of
    statuses = parts.dropna(subset="status").groupby(_KEY)["status"]
    weakest = statuses.agg(lambda few: max(few, key=STATUSES_WITH_VALUE.index)).rename("status")
    quarters = quarters.merge(weakest, on=_KEY, how="left")
    quarters["status"] = quarters["status"].mask(quarters["value"].isna(), NOT_AVAILABLE)
    quarters = quarters.merge(months.groupby(_KEY)["received"].max(), on=_KEY)
    quarters = quarters.assign(month="", milestone=None, silent=False)
    return quarters.drop(columns=["unit", "basis", "needed", "last_month", "known_months"])


def _why(quarter: dict[str, Any]) -> str:
    """What a quarter's figure is made of, or what is missing."""
    month, unit = f"{quarter['last_month']:%B %Y}", quarter["unit"]
    count, given = quarter["known_months"], quarter["value"] == quarter["value"]
    only = f"Only {count} of its 3 months {'has' if count == 1 else 'have'} a figure"
    if quarter["needed"] == 1:
        missing = f"{only}, and {month}, on which its own rests, has none."
        return f"The figure of {month}, its last month." if given else missing
    if quarter["needed"] == 12:
        missing = f"Not all of the twelve months to {month} are known with the cases behind them."
        return f"The sum of the twelve months to {month}." if given else missing
    if count < 3:
        return f"{only}."
    missing = _NO_PARTS if unit in MULTIPLIERS else f"Months in the unit {unit} cannot be added up."
    return "The sum of its three months." if given else missing


def note_months(
    known: Known, submissions: pd.DataFrame, kpis: pd.DataFrame, upto: Quarter, ledger: Ledger
) -> None:
    """Log figures that follow from months; warn where months are missing, or make another."""
    if known.made.empty:
        return
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
            exact = show(made["value"], made["unit"], written_decimals(figure["value"]) + 1)
            detail = f"{exact}{_cases(made, ' ({})')}"
            ledger.problem("months-unlike", **where, column="value", value=taken, detail=detail)


def _unlike(figure: dict[str, Any], made: dict[str, Any]) -> bool:
    """Whether months make another figure than was sent, as exactly as written, or other cases."""
    value, calculated = figure["value"], made["value"]
    if np.isnan(value) or np.isnan(calculated):
        return False
    rounding = 0.5 * 10.0 ** -written_decimals(value) + 1e-9 * max(1.0, abs(calculated))
    others = any(abs(figure[name] - made[name]) > 0 for name in PARTS)
    return abs(value - calculated) > rounding or others


def _cases(row: dict[str, Any], words: str) -> str:
    cases = parts_of(row)
    return words.format(cases) if cases else ""
