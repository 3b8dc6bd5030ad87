"""Tables → sentences about the whole set: the paragraph for the minutes, what moved, what the figures rest on.

Every figure in a sentence is taken from the table that is printed beside it, so the two cannot differ.
"""

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import counts, movers
from kpi_tools.vocabulary import (
    AMBER,
    GREEN,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_RATED,
    NOT_TESTABLE,
    POSITIVE,
    RAGS,
    RED,
    STABLE,
)
from kpi_tools.words.wording import capitalised, change_in_words, in_words, listed, plural


def headline(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    quarter: Quarter,
    title: str = "Quarterly Performance Report",
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
    if (
        table[["now", "previous"]].to_numpy().tolist()
        == table[["same_now", "same_previous"]].to_numpy().tolist()
    ):
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
    return f"{capitalised(plural(moved, 'KPI'))} changed rating since the previous quarter:"


def moves(kpis: pd.DataFrame) -> list[str]:
    """Each KPI whose rating changed, with both ratings, in report order."""
    moved = movers(kpis)
    return [
        f"{name}: from {old} to {new}"
        for name, old, new in zip(
            moved["kpi_name"], moved["previous_rating"], moved["rating"], strict=True
        )
    ]


def reds_sentence(kpis: pd.DataFrame) -> str:
    """How many KPIs are Red: the head of their list."""
    reds = int((kpis["rating"] == RED).sum())
    return f"The {plural(reds, 'KPI')} rated Red:" if reds else "No KPI is rated Red."


def actions_sentence(kpis: pd.DataFrame) -> str:
    """How many KPIs are Red, and how many of those still lack a management action."""
    reds = kpis[kpis["rating"] == RED]
    lacking = int(reds["management_action"].isna().sum())
    said = f"{capitalised(plural(len(reds), 'KPI'))} did not achieve the floor standard."
    return (
        f"{said} For {in_words(lacking)} of them no management action has been given."
        if lacking
        else said
    )


def worsening_sentence(kpis: pd.DataFrame) -> str:
    """The Ambers that are getting worse, by name: the Reds of tomorrow, which a colour alone does not show."""
    worse = kpis[(kpis["rating"] == AMBER) & (kpis["direction_of_travel"] == NEGATIVE)]
    if worse.empty:
        return "No KPI rated Amber shows a negative trend."
    return f"Rated Amber and getting worse: {'; '.join(worse['kpi_name'])}."


def section_sentence(kpis: pd.DataFrame) -> str:
    """One section's counts: `Of three KPIs, two are Green and one is Red; one shows a positive trend.`"""
    now = counts(kpis)
    rated = [
        f"{in_words(now[rag])} {_are(now[rag])} {rag if rag != NOT_RATED else 'not rated'}"
        for rag in (*RAGS, NOT_RATED)
        if now[rag]
    ]
    trends = [
        f"{in_words(now[t])} {'shows' if now[t] == 1 else 'show'} a {t} trend"
        for t in (POSITIVE, NEGATIVE)
        if now[t]
    ]
    tail = listed(trends) if trends else "none shows a clear trend"
    return f"Of {plural(now['kpis'], 'KPI')}, {listed(rated)}; {tail}."


def data_sentences(kpis: pd.DataFrame, recent: pd.DataFrame, quarter: Quarter) -> list[str]:
    """What the figures rest on: which are not final, which are missing, which are late, which KPIs are not rated and why."""
    said = [
        f"This report uses what had been received for {quarter.title} and the quarters before it."
    ]
    statuses = recent["status"].value_counts()
    said.append(
        f"Of the {len(recent)} figures shown for KPIs, {listed([f'{n} are {status}' for status, n in statuses.items()])}."
    )
    late = kpis[kpis["lag_quarters"] > 0]
    if len(late):
        said.append(
            f"{capitalised(plural(len(late), 'KPI'))} {_are(len(late))} reported in arrears: {'; '.join(late['kpi_name'])}."
        )
    unrated = kpis[kpis["rating"] == NOT_RATED]
    if len(unrated):
        names = [
            f"{name} ({why})"
            for name, why in zip(unrated["kpi_name"], unrated["not_rated_reason"], strict=True)
        ]
        said.append(
            f"{capitalised(plural(len(unrated), 'KPI'))} {_are(len(unrated))} not rated: {'; '.join(names)}."
        )
    untested = kpis[kpis["direction_of_travel"].isin((NOT_ENOUGH_DATA, NOT_TESTABLE))]
    if len(untested):
        names = [
            f"{name} ({why})"
            for name, why in zip(untested["kpi_name"], untested["direction_of_travel"], strict=True)
        ]
        said.append(f"No direction of travel can be given for {'; '.join(names)}.")
    return said


def _since(now: dict[str, int], then: dict[str, int], word: str) -> str:
    change = now[word] - then[word]
    return f"{change_in_words(change)} {'than' if change else 'as'} the previous quarter"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
