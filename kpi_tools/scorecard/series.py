"""The series that limits are made of: the finest there is, or the time between rare events."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.assurance import assurance
from kpi_tools.doubts import doubt_table, with_doubts
from kpi_tools.kinds import AUTO, DAYS_BETWEEN, G, T, between
from kpi_tools.limits import process_limits
from kpi_tools.loading import Returns, calendars
from kpi_tools.quarters import Quarter
from kpi_tools.rating import ADDED
from kpi_tools.rows import rows_of
from kpi_tools.scorecard import rated, with_series
from kpi_tools.scorecard.arrows import with_earlier_figures
from kpi_tools.variation import special_causes
from kpi_tools.vocabulary import HIGHER, LOWER, NOT_AVAILABLE, NOT_RATED

_AGREED = ["kpi_id", "date", "reason", "name"]
NOT_ASSESSED = "not judged"
FEWEST = 8
"""So many weekly or monthly figures make a series of their own for the limits."""
_FEWEST_EVENTS = 3
_FIGURE = ["value", "numerator", "denominator", "status", "note", "received"]
_LINES = ["value", "numerator", "denominator", "target", "floor_standard", "tolerance"]


def rare_kinds(rows: pd.DataFrame, returns: Returns) -> tuple[str, ...]:
    """Which charts of the time between events the counts of one KPI may have beside others."""
    if not _is_rare(rows):
        return ()
    dated = len(_event_days(rows, returns)) >= _FEWEST_EVENTS
    return (T, G) if dated else (G,)


def rare_events(points: pd.DataFrame, returns: Returns, chart: str) -> pd.DataFrame:
    """The points, where `chart` wants it with the time between its events for each KPI whose counts
    are mostly nought. The days where their dates are known (T), else how many periods without a
    case lie between two with one (G). More of either is better where fewer cases are. A KPI with
    fewer than three events keeps its counts."""
    if chart not in (AUTO, T, G):
        return points
    parts = []
    for _, group in points.groupby("kpi_id", sort=False):
        rows = group
        if _is_rare(group):
            days = _event_days(group, returns) if chart != G else group.head(0)
            rows = _days_between(group, days) if len(days) >= _FEWEST_EVENTS else between(group)
        enough = rows is not group and len(rows) + 1 >= _FEWEST_EVENTS
        parts.append(_turned(rows) if enough else group)
    return pd.concat(parts, ignore_index=True)


def _is_rare(rows: pd.DataFrame) -> bool:
    if rows.empty:
        return False
    known = rows["value"].dropna()
    last = rows.iloc[-1]
    whole = last["unit"] == "count" and (known % 1 == 0).all() and (known >= 0).all()
    return bool(whole and last["basis"] in ("quarter", "month") and (known == 0).mean() > 0.5)


def _event_days(rows: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The events of the KPI, one for each day that has any."""
    events = returns.events[returns.events["kpi_id"] == rows["kpi_id"].iloc[-1]]
    return events.drop_duplicates("date")


def _days_between(rows: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """A row for each day with an event but the first: how many days since the one before."""
    found = _repeated(rows.iloc[-1], events["date"].tolist())
    days, states = found["period_end"].diff().dt.days.astype(float), events["status"].tolist()
    return found.assign(value=days, status=states, series=DAYS_BETWEEN, unit="days").iloc[1:]


def _turned(rows: pd.DataFrame) -> pd.DataFrame:
    """The time between events in place of their count: no line, and more is better."""
    way = {LOWER: HIGHER, HIGHER: LOWER}.get(rows["polarity"].iloc[-1], rows["polarity"].iloc[-1])
    nothing = dict.fromkeys([name for name in _LINES[1:] if name in rows], np.nan)
    return rows.assign(polarity=way, basis="quarter", decimals=0, rating=NOT_RATED, **nothing)


def _repeated(last: pd.Series, days: list[str]) -> pd.DataFrame:
    """A KPI's row with its attributes for each of some days."""
    rows = pd.DataFrame([last] * len(days)).reset_index(drop=True)
    nothing = dict.fromkeys(("month", "note", "not_rated_reason"), None)
    nothing |= dict.fromkeys(("numerator", "denominator"), np.nan)
    kind = rows["period_end"].dtype if len(rows) else "datetime64[s]"
    quarters = [Quarter.containing(date.fromisoformat(day)).label for day in days]
    rows = rows.assign(period_end=pd.to_datetime(days).astype(kind), quarter=quarters)
    return rows.assign(period=days, day=days, rating=NOT_RATED, **nothing)


def finest_series(returns: Returns, recent: pd.DataFrame, quarters: pd.DataFrame) -> pd.DataFrame:
    """For each KPI its weeks or days, its months, or else its quarters; `series` says which. Up to
    the latest due quarter, where there are enough of them. They are not rated: target and floor
    standard are agreed for the KPI's own basis."""
    due = recent.groupby("kpi_id")["period_end"].max()
    every, sent = returns.months, returns.submissions
    finer = {}
    for kpi_id, of_kpi in every[every["period_end"] <= every["kpi_id"].map(due)].groupby("kpi_id"):
        if of_kpi["value"].count() >= FEWEST:
            rows = _without_holes(of_kpi, due[kpi_id]).assign(rating=NOT_RATED, series="months")
            finer[kpi_id] = rows.assign(not_rated_reason=None, period=rows["month"])
    days = sent[sent["period"].str.fullmatch(r"\d{4}-\d\d-\d\d") & ~sent["silent"].astype(bool)]
    days = days.drop_duplicates(["kpi_id", "period"], keep="last").sort_values("period")
    days = days[pd.to_datetime(days["period"]) <= days["kpi_id"].map(due)]
    for kpi_id, of_kpi in days.groupby("kpi_id"):
        if of_kpi["value"].count() >= FEWEST:
            numbers: dict[str, Any] = {name: of_kpi[name].tolist() for name in _FIGURE}
            daily = pd.to_datetime(of_kpi["period"]).diff().dt.days.median() < 2
            rows = _repeated(every[every["kpi_id"] == kpi_id].iloc[-1], of_kpi["period"].tolist())
            finer.pop(kpi_id, None)
            finer[kpi_id] = rows.assign(**numbers, series="days" if daily else "weeks")
    rest = quarters[~quarters["kpi_id"].isin(set(finer))].assign(series="quarters")
    parts = [part for part in (rest, *finer.values()) if len(part)]
    return pd.concat(parts or [rest], ignore_index=True)


def _without_holes(rows: pd.DataFrame, last: pd.Timestamp) -> pd.DataFrame:
    known = rows.set_index("period_end")
    every = pd.date_range(known.index.min(), last, freq="ME", name="period_end", unit="s")
    filled = known.reindex(every)
    plain = [name for name in known.columns if name not in _FIGURE]
    filled[plain] = filled[plain].ffill()
    filled["status"] = filled["status"].fillna(NOT_AVAILABLE)
    filled["month"] = [f"{end:%Y-%m}" for end in every]
    filled["quarter"] = [Quarter.containing(end.date()).label for end in every]
    return filled.reset_index()


def all_quarters(returns: Returns, recent: pd.DataFrame) -> pd.DataFrame:
    """Every quarterly figure up to the latest due one: older ones as known, then `recent`."""
    first = recent.groupby("kpi_id")["period_end"].min()
    older = returns.figures[returns.figures["kpi_id"].isin(set(first.index))]
    older = rated(_with_figures_before(older, returns), returns.council)
    older = older[older["period_end"] < older["kpi_id"].map(first)]
    names = [name for name in (*returns.figures, *ADDED) if name in recent.columns]
    rows = pd.concat([older[names], recent[names]], ignore_index=True)
    rows = rows.sort_values(["kpi_id", "period_end"], kind="stable")
    return rows.assign(period=rows["quarter"]).reset_index(drop=True)


def _with_figures_before(figures: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """Figures with those before them, against which a scheme may rate them."""
    due, known = calendars(returns), []
    for kpi_id, label in zip(figures["kpi_id"], figures["quarter"], strict=True):
        quarter = Quarter.parse(label)
        known.append((due[kpi_id].due_with(quarter) or quarter).label)
    figures = figures.assign(due_quarter=known, period=figures["quarter"])
    return with_earlier_figures(with_series(figures.sort_values("period_end"), returns))


def _redefinitions(returns: Returns, points: pd.DataFrame) -> list[dict[str, Any]]:
    """A redefinition as a rebase: what follows it is a new series, with limits of its own."""
    lags = points.groupby("kpi_id")["lag_quarters"].last()
    changes = returns.changelog[returns.changelog["change"] == "redefined"]
    changes = changes[changes["kpi_id"].isin(lags.index)].fillna({"reason": "redefined"})
    found = []
    for row in rows_of(changes):
        first = Quarter.parse(row["from_quarter"]).shift(-int(lags[row["kpi_id"]]))
        why = {"reason": row["reason"], "name": "changes.csv"}
        found.append({"kpi_id": row["kpi_id"], "date": first.start.isoformat(), **why})
    return found


def classified(series: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """Series, or the time between their events, on the council's kind of chart: with limits, made
    anew where agreed, and what is flagged."""
    council, chart = returns.council, returns.council.chart_kind
    points = rare_events(series, returns, chart)
    agreed = returns.rebases[returns.rebases["kpi_id"].isin(set(points["kpi_id"]))]
    rebase = rows_of(agreed[_AGREED]) + _redefinitions(returns, points)
    limited = process_limits(points, chart=chart, screen=council.screening, rebase=rebase or None)
    table: pd.DataFrame = special_causes(limited, profile=council.profile)
    return table


def series_of(
    recent: pd.DataFrame, returns: Returns
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """All quarters of each KPI, its finest series, and what is doubted in either."""
    quarters = with_doubts(all_quarters(returns, recent))
    series = with_doubts(finest_series(returns, recent, quarters))
    return (
        quarters,
        series,
        doubt_table(pd.concat([quarters, series[series["series"] != "quarters"]])),
    )


def assessed(points: pd.DataFrame, doubts: pd.DataFrame) -> pd.DataFrame:
    """`assurance` of each KPI of a classified table, by id; of a doubted one nothing is said."""
    found = assurance(points).set_index("kpi_id")
    found.loc[found.index.isin(doubts["kpi_id"]), ["variation", "assurance"]] = NOT_ASSESSED
    return found


def variation_and_assurance(recent: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """`variation` and `assurance` of each KPI by id; none where a figure is in doubt."""
    _, series, doubts = series_of(recent, returns)
    return assessed(classified(series, returns), doubts)[["variation", "assurance"]]
