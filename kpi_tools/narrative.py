"""Tables → sentences: the paragraph for the minutes, what moved, and what each chart shows.

Every figure in a sentence is taken from the table that is printed beside it, so the two cannot differ.
"""

from itertools import groupby
from typing import Any

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import counts, movers
from kpi_tools.vocabulary import (
    AMBER,
    GREEN,
    ILLUSTRATIVE,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_RATED,
    NOT_TESTABLE,
    POSITIVE,
    RAGS,
    RED,
    STABLE,
)
from kpi_tools.wording import MISSING, change_in_words, in_words, listed, plural, rounded, show, show_against, show_line

_STANDS = {
    GREEN: "achieved the target",
    AMBER: "achieved the floor standard but not the target",
    RED: "did not achieve the floor standard",
}


def headline(
    kpis: pd.DataFrame, before: pd.DataFrame, quarter: Quarter, title: str = "Quarterly Performance Report"
) -> str:
    """The paragraph for the minutes: counts by rating and by direction, with the change in each trend since the last report.

    `kpis` and `before` are scorecards of this report and of the previous one as it was printed. Ratings are given in
    figures and directions below ten in words, as committee minutes print them. What is not rated is counted too.
    """
    now, then = counts(kpis), counts(before)
    ratings = [
        f"{now[GREEN]} achieved or exceeded target (rated Green)",
        f"{now[AMBER]} achieved or exceeded the floor standard but did not meet the target (rated Amber)",
        f"{now[RED]} did not meet the floor standard (rated Red)",
        *([f"{now[NOT_RATED]} could not be rated"] if now[NOT_RATED] else []),
    ]
    trends = [
        f"a positive trend for {plural(now[POSITIVE], 'indicator')} ({_since(now, then, POSITIVE)})",
        f"{in_words(now[STABLE])} {_were(now[STABLE])} stable or with no clear trend ({_since(now, then, STABLE)})",
        f"{in_words(now[NEGATIVE])} {_were(now[NEGATIVE])} showing a negative trend ({_since(now, then, NEGATIVE)})",
        *([f"{in_words(now['other'])} had not enough data to tell"] if now["other"] else []),
    ]
    return (
        f"Out of the {now['kpis']} KPIs in the {title} for {quarter.title}, {listed(ratings)}. "
        f"The direction of travel analysis indicated {listed(trends)}."
    )


def change_sentence(movement: pd.DataFrame, before: Quarter) -> str:
    """How Green, Amber and Red changed: as printed in the two reports, then on the KPIs that are in both."""
    table = movement.set_index("count")

    def went(then: str, now: str) -> str:
        return listed([f"{rag} from {table.at[rag, then]} to {table.at[rag, now]}" for rag in RAGS])

    plain = f"Since {before.title} the counts went: {went('previous', 'now')}."
    if table[["now", "previous"]].to_numpy().tolist() == table[["same_now", "same_previous"]].to_numpy().tolist():
        return f"{plain} Both reports have the same {table.at['kpis', 'now']} KPIs, so this is like for like."
    return (
        f"{plain} That report had {table.at['kpis', 'previous']} KPIs and this one has {table.at['kpis', 'now']}. "
        f"Like for like, on the {table.at['kpis', 'same_now']} KPIs that are in both, with the figures known now: "
        f"{went('same_previous', 'same_now')}."
    )


def movers_sentence(kpis: pd.DataFrame) -> str:
    """How many KPIs changed rating since the previous quarter: the head of the list that `moves` gives."""
    moved = len(movers(kpis))
    if not moved:
        return "No KPI changed its rating since the previous quarter."
    return f"{_capital(plural(moved, 'KPI'))} changed rating since the previous quarter:"


def moves(kpis: pd.DataFrame) -> list[str]:
    """Each KPI whose rating changed, with both ratings, in report order."""
    moved = movers(kpis)
    then, now = moved["previous_rag"].fillna(NOT_RATED), moved["rag"].fillna(NOT_RATED)
    return [f"{name}: from {old} to {new}" for name, old, new in zip(moved["kpi_name"], then, now, strict=True)]


def month_alone(months: pd.DataFrame, unit: str, decimals: int) -> str:
    """The latest single month of a KPI whose figure covers more: `December 2024 alone: 68% (50 of 73).`

    `months` are the KPI's rows of `returns.months`, oldest first.
    """
    last = months.iloc[-1]
    parts = f" ({last['numerator']:,.0f} of {last['denominator']:,.0f})" if pd.notna(last["denominator"]) else ""
    mark = f" ({ILLUSTRATIVE})" if last["status"] == ILLUSTRATIVE else ""
    return f"{last['period_end']:%B %Y} alone: {show(last['value'], unit, decimals)}{parts}{mark}."


def reds_sentence(kpis: pd.DataFrame) -> str:
    """How many KPIs are Red: the head of their list."""
    reds = int((kpis["rag"] == RED).sum())
    return f"The {plural(reds, 'KPI')} rated Red:" if reds else "No KPI is rated Red."


def actions_sentence(kpis: pd.DataFrame) -> str:
    """How many KPIs are Red, and how many of those still lack a management action."""
    reds = kpis[kpis["rag"] == RED]
    lacking = int(reds["management_action"].isna().sum())
    said = f"{_capital(plural(len(reds), 'KPI'))} did not achieve the floor standard."
    return f"{said} For {in_words(lacking)} of them no management action has been given." if lacking else said


def section_sentence(kpis: pd.DataFrame) -> str:
    """One section's counts: `Of three KPIs, two are Green and one is Red; one shows a positive trend.`"""
    now = counts(kpis)
    rated = [
        f"{in_words(now[rag])} {_are(now[rag])} {rag if rag != NOT_RATED else 'not rated'}"
        for rag in (*RAGS, NOT_RATED)
        if now[rag]
    ]
    trends = [
        f"{in_words(now[t])} {'shows' if now[t] == 1 else 'show'} a {t} trend" for t in (POSITIVE, NEGATIVE) if now[t]
    ]
    tail = listed(trends) if trends else "none shows a clear trend"
    return f"Of {plural(now['kpis'], 'KPI')}, {listed(rated)}; {tail}."


def chart_description(points: pd.DataFrame) -> str:
    """What the column chart of one KPI shows, in words, for those who cannot see it: values, lines, where the last stands.

    `points` are the KPI's rows of `recent_quarters`, oldest first.
    """
    last = points.iloc[-1]
    columns = [f"{_month(row.quarter)} {_figure(row._asdict())}" for row in points.itertuples()]
    stands = _STANDS.get(last["rag"])
    verdict = (
        f"The latest figure {stands} ({last['rag']})."
        if stands
        else f"The latest quarter is not rated: {last['not_rated_reason']}."
    )
    return f"Columns for {plural(len(points), 'quarter')}: {listed(columns)}. {_lines(points)} {verdict}"


def direction_sentence(kpi: pd.Series) -> str:
    """The direction of travel in words with its size: `Negative: falling by 2.1 percentage points a year (0.6 to 3.6).`"""
    state, points = kpi["direction_of_travel"], int(kpi["points"])
    if state == NOT_ENOUGH_DATA:
        return f"Not enough data: {plural(points, 'figure')} in the quarters shown."
    if state == NOT_TESTABLE:
        return "Not testable: neither rising nor falling is better, or the figures build up over the year."
    low, high = sorted((kpi["slope_low"], kpi["slope_high"]))
    places = _places(high - low, int(kpi["decimals"]))
    if state == STABLE:
        return f"{_capital(STABLE)}: between {_change(low, kpi, places)} and {_change(high, kpi, places)} a year."
    rising = kpi["slope"] > 0
    smaller, larger = sorted((abs(low), abs(high)))
    size = _amount(abs(kpi["slope"]), kpi, places)
    return (
        f"{_capital(state)}: {'rising' if rising else 'falling'} by {size} a year "
        f"(95% interval {rounded(smaller, places)} to {rounded(larger, places)})."
    )


def data_period(kpi: pd.Series) -> str:
    """What the latest figure covers: `October to December 2024`, `12 months to December 2024`, `at 31 December 2024`."""
    quarter = Quarter.parse(kpi["quarter"])
    end = f"{quarter.end:%B %Y}"
    return {
        "quarter": f"{quarter.start:%B} to {end}",
        "rolling_12_months": f"12 months to {end}",
        "snapshot": f"at {quarter.end.day} {end}",
        "year_to_date": f"April {quarter.year} to {end}",
        "annual": f"year to {end}",
    }[kpi["basis"]]


def activity_description(points: pd.DataFrame) -> str:
    """What the chart of one activity indicator shows, in words. `points` are its rows, oldest first; it is not rated."""
    last = points.iloc[-1]
    shown = [
        f"{_month(row.period)} {show(row.value, row.unit, int(row.decimals))}"
        + (" (illustrative)" if row.status == ILLUSTRATIVE else "")
        for row in points.itertuples()
    ]
    low, high = (show(last[name], last["unit"], int(last["decimals"])) for name in ("lower_expected", "upper_expected"))
    expected = f" Expected in the latest quarter: {low} to {high}." if MISSING not in (low, high) else ""
    return f"{_capital(plural(len(points), 'quarter'))}: {listed(shown)}.{expected}"


def set_sentences(kpis: pd.DataFrame, before: pd.DataFrame) -> list[str]:
    """Which KPIs came and went since the previous report, and which are rated that were not, or no longer."""
    now, then = kpis.set_index("kpi_id"), before.set_index("kpi_id")
    came = now.loc[~now.index.isin(then.index), "kpi_name"].tolist()
    went = then.loc[~then.index.isin(now.index), "kpi_name"].tolist()
    both = now.index.intersection(then.index)
    newly = [name for name in both if pd.notna(now.at[name, "rag"]) and pd.isna(then.at[name, "rag"])]
    no_longer = [name for name in both if pd.isna(now.at[name, "rag"]) and pd.notna(then.at[name, "rag"])]
    lists = [
        ("New in this report", came),
        ("No longer in this report", went),
        ("Rated now, and not in the previous report", now.loc[newly, "kpi_name"].tolist()),
        ("Not rated now, but in the previous report", now.loc[no_longer, "kpi_name"].tolist()),
    ]
    said = [f"{title}: {'; '.join(names)}." for title, names in lists if names]
    return said or ["The KPIs are those of the previous report."]


def data_sentences(kpis: pd.DataFrame, recent: pd.DataFrame, quarter: Quarter) -> list[str]:
    """What the figures rest on: which are not final, which are missing, which are late, which KPIs are not rated and why."""
    said = [f"This report uses what had been received for {quarter.title} and the quarters before it."]
    statuses = recent["status"].value_counts()
    said.append(
        f"Of the {len(recent)} figures shown for KPIs, {listed([f'{n} are {status}' for status, n in statuses.items()])}."
    )
    late = kpis[kpis["lag_quarters"] > 0]
    if len(late):
        said.append(
            f"{_capital(plural(len(late), 'KPI'))} {_are(len(late))} reported in arrears: {'; '.join(late['kpi_name'])}."
        )
    unrated = kpis[kpis["rag"].isna()]
    if len(unrated):
        names = [f"{name} ({why})" for name, why in zip(unrated["kpi_name"], unrated["not_rated_reason"], strict=True)]
        said.append(f"{_capital(plural(len(unrated), 'KPI'))} {_are(len(unrated))} not rated: {'; '.join(names)}.")
    untested = kpis[kpis["direction_of_travel"].isin((NOT_ENOUGH_DATA, NOT_TESTABLE))]
    if len(untested):
        names = [
            f"{name} ({why})" for name, why in zip(untested["kpi_name"], untested["direction_of_travel"], strict=True)
        ]
        said.append(f"No direction of travel can be given for {'; '.join(names)}.")
    return said


def _since(now: dict[str, int], then: dict[str, int], word: str) -> str:
    change = now[word] - then[word]
    return f"{change_in_words(change)} {'than' if change else 'as'} the previous quarter"


def _figure(row: dict[str, Any]) -> str:
    lines = (row["target"], row["floor_standard"])
    text = show_against(row["value"], row["unit"], int(row["decimals"]), lines)
    if text == "not available":
        return f"no figure ({row['status']})"
    return f"{text} (illustrative)" if row["status"] == ILLUSTRATIVE else text


def _lines(points: pd.DataFrame) -> str:
    return " ".join(
        _line(points, column, name) for column, name in (("target", "target"), ("floor_standard", "floor standard"))
    )


def _line(points: pd.DataFrame, column: str, name: str) -> str:
    unit, decimals = points["unit"].iloc[-1], int(points["decimals"].iloc[-1])
    levels = [show_line(level, unit, decimals) for level in points[column]]
    months = [_month(quarter) for quarter in points["quarter"]]
    steps, at = [], 0
    for level, run in groupby(levels):
        steps.append(f"{level} from {months[at]}" if at else level)
        at += len(list(run))
    return f"The {name} is {steps[0]} throughout." if len(steps) == 1 else f"The {name} is {', then '.join(steps)}."


def _amount(size: float, kpi: pd.Series, places: int) -> str:
    if kpi["unit"] == "%":
        return f"{rounded(size, places)} percentage points"
    return show(size, kpi["unit"], places)


def _change(size: float, kpi: pd.Series, places: int) -> str:
    if round(abs(size), places) == 0:
        return "no change"
    return f"{'a rise' if size > 0 else 'a fall'} of {_amount(abs(size), kpi, places)}"


def _places(width: float, decimals: int) -> int:
    return decimals + 1 if width < 10 ** (1 - decimals) * 3 else decimals


def _month(quarter: str) -> str:
    return f"{Quarter.parse(quarter).end:%B %Y}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
