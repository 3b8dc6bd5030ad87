"""Tables → sentences about the whole set: the paragraph for the minutes, what moved, what the
figures rest on. Each figure is taken from the table that is printed beside it, so the two cannot
differ, and each sentence reads rightly for none, one, two and many."""

from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.rows import in_doubt, is_text, rows_of
from kpi_tools.scorecard import in_last_band, movers
from kpi_tools.terms import AGAINST, Terms, are, names, were
from kpi_tools.vocabulary import (
    MILESTONE,
    MONITORED,
    NOT_DUE,
    NOT_RATED,
    STABLE,
    TREND_ARROW,
    UNTESTED,
)
from kpi_tools.wording import capitalised, change_in_words, in_words, listed, plural_of

_WORDED = {
    **{NOT_RATED: "not rated", MONITORED: "monitored only", NOT_DUE: "not due"},
    **{STABLE: "stable or without a clear trend", "other": "not known"},
}


def headline(
    kpis: pd.DataFrame,
    before: pd.DataFrame | None,
    quarter: Quarter,
    title: str,
    terms: Terms,
) -> str:
    """The paragraph for the minutes: counts by rating (in figures) and direction (below ten in
    words), with the changes since the previous scorecard as printed, None for a first one. What is
    not rated or only monitored is counted too, so both add up to the same number."""
    return f"{ratings_sentence(kpis, quarter, title, terms)} {_directions(kpis, before, terms)}"


def ratings_sentence(kpis: pd.DataFrame, quarter: Quarter, title: str, terms: Terms) -> str:
    """Of the paragraph for the minutes what it says of ratings."""
    now, number = terms.counts(kpis), len(kpis)
    if not number:
        return f"The {title} for {quarter.title} has no {terms.word('kpi')}."
    phrases = {
        band.name: f"{terms.says(band, now[band.name])} (rated {band.name})"
        for band in terms.council.bands
    }
    rest = [name for name in terms.ratings if name not in phrases and now[name]]
    ways = {
        NOT_DUE: f"{were(now[NOT_DUE])} not due",
        NOT_RATED: "could not be rated",
        MONITORED: f"{are(now[MONITORED])} monitored only",
    }
    phrases |= {name: f"{were(now[name])} rated {name}" for name in rest if name not in ways}
    phrases |= {name: way for name, way in ways.items() if name in rest}
    parts = [f"{now[name]} {way}" for name, way in phrases.items()]
    out_of = f"{number if number != 1 else 'one'} {terms.word('kpi', number)}"
    return f"Out of the {out_of} in the {title} for {quarter.title}, {listed(parts)}."


def _directions(kpis: pd.DataFrame, before: pd.DataFrame | None, terms: Terms) -> str:
    now = terms.counts(kpis)
    then = now if before is None else terms.counts(before)

    def counted(state: str, rest: str, word: str = "") -> str:
        change = now[state] - then[state]
        since = f" ({change_in_words(change)} {'than' if change else 'as'} the previous quarter)"
        some = word or f"{_none(now[state])} {were(now[state])}"
        return f"{some} {rest}{'' if before is None else since}"

    good, same, bad = terms.states
    tested = terms.arrow == TREND_ARROW
    if tested:
        one = "indicator" if terms.word("kpi") == "KPI" else terms.word("kpi")
        many = one if now[good] in (0, 1) else plural_of(one)
        parts = [
            counted(good, f"{in_words(now[good])} {many}", "a positive trend for"),
            counted(same, "stable or with no clear trend"),
            counted(bad, "showing a negative trend"),
        ]
    else:
        parts = [counted(state, state) for state in terms.states]
    states = Counter(kpis["direction_of_travel" if tested else "arrow"])
    little, never = (states[name] for name in UNTESTED)
    why = "not enough data to tell" if tested else "nothing to compare"
    parts += [f"{in_words(little)} had {why}"] if little else []
    parts += [f"{in_words(never)} cannot be {'tested' if tested else 'compared'}"] if never else []
    begin = f"Compared with {AGAINST.get(terms.arrow)},"
    begin = "The direction of travel analysis indicated" if tested else begin
    return f"{begin} {listed(parts)}."


def change_sentence(
    movement: pd.DataFrame, before: Quarter, terms: Terms, *, first: bool = False
) -> str:
    """How the ratings' counts changed: as printed in the two reports, then like for like. A `first`
    report claims no change since a report that never was."""
    table = movement.set_index("count")
    rated = [band.name for band in terms.council.bands if band.name in table.index]

    def went(then: str, now: str) -> str:
        each = table.loc[rated, [then, now]].itertuples(name=None)
        return listed([f"{name} from {old} to {new}" for name, old, new in each])

    if first and not table.at["kpis", "same_previous"]:
        return "This is the first report: there is none before it to compare its counts with."
    if first:
        return (
            f"No report of {before.title} is held here. By the figures known now the counts went "
            f"since then: {went('same_previous', 'same_now')}."
        )
    plain = f"Since {before.title} the counts went: {went('previous', 'now')}."
    now, then, both = (int(table.at["kpis", name]) for name in ("now", "previous", "same_now"))
    if table["now"].equals(table["same_now"]) and table["previous"].equals(table["same_previous"]):
        same = f"the same{f' {now}' if now != 1 else ''} {terms.word('kpi', now)}"
        return f"{plain} Both reports have {same}, so this is like for like."
    on = f"{both if both != 1 else 'one'} {terms.word('kpi', both)} that {are(both)} in both"
    return (
        f"{plain} That report had {then} {terms.word('kpi', then)} and this one has {now}. Like "
        f"for like, on the {on}, with the figures known now: {went('same_previous', 'same_now')}."
    )


def movers_sentence(kpis: pd.DataFrame, terms: Terms) -> str:
    """How many KPIs changed rating since the previous figure: the head of their list."""
    changed = len(movers(kpis))
    if not changed:
        return f"No {terms.word('kpi')} changed its rating since the previous quarter."
    whose = "its" if changed == 1 else "their"
    return f"{capitalised(terms.kpis(changed))} changed {whose} rating since the previous quarter:"


def worst_of(kpis: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """The KPIs in the last band of their scheme."""
    return kpis[in_last_band(kpis, terms.council)]


def actions_sentence(
    kpis: pd.DataFrame,
    before: pd.DataFrame | None,
    terms: Terms,
    when: str = "",
    lacking: int = 0,
) -> str:
    """How many KPIs are in the worst band, and the change since the last report. `when`: that
    report's quarter; `lacking`: how many of them have no management action."""
    reds, one = worst_of(kpis, terms), terms.word("kpi")
    number = len(reds)
    opening = f"{capitalised(in_words(number))} of the {terms.kpis(len(kpis))} {are(number)}"
    if number and len(kpis) == 1:
        opening = f"The one {one} is"
    parts = [f"{opening if number else f'No {one} is'} {terms.rated_worst}"]
    if number and before is not None:
        change = number - len(worst_of(before, terms))
        parts[0] += f", {change_in_words(change)} {'than' if change else 'as'} in {when}"
    if lacking:
        whom = {1: "it", 2: "either of them"}.get(number, "any of them")
        whom = whom if lacking == number else f"{in_words(lacking)} of them"
        parts.append(f"No {terms.word('management_action')} has been given for {whom}")
    return " ".join(f"{part}." for part in parts)


def section_sentence(kpis: pd.DataFrame, terms: Terms) -> str:
    """One section's counts: `Of three KPIs, two are Green and one is Red; the direction of travel
    is …`."""
    now, number, one = terms.counts(kpis), len(kpis), terms.word("kpi")
    ratings = [name for name in terms.ratings if now[name]]
    states, way = [name for name in (*terms.states, "other") if now[name]], "direction of travel is"
    if not number:
        return f"No {one} is reported here."
    if number == 1:
        return f"The one {one} is {_worded(ratings[0])}; its {way} {_worded(states[0])}."
    whole = "both" if number == 2 else "all"
    some = {name: whole if now[name] == number else in_words(now[name]) for name in now}
    rated = [f"{some[name]} {are(now[name])} {_worded(name)}" for name in ratings]
    ways = [f"{_worded(name)} for {some[name]}" for name in states]
    return f"Of {terms.kpis(number)}, {listed(rated)}; the {way} {listed(ways)}."


def outlook_sentence(lines: pd.DataFrame, kpis: pd.DataFrame, terms: Terms) -> str:
    """How many KPIs are more likely than not to meet their lines (those of `outlook.line_chances`)
    next time: a judgement, never a fact. Of a KPI the target counts, else the best line that it
    has; of one in the worst band also the lowest."""
    known = lines[lines["next_chance"].notna() & ~lines["earlier"]]
    target = known["plain"] & (known["line"] == terms.word("target"))
    best = known.assign(first=~target).sort_values("first", kind="stable")
    best = best.drop_duplicates("kpi_id")
    if best.empty:
        both = "has both a line and figures from which a chance can be told"
        return f"No outlook can be given: no {terms.word('kpi')} {both}."
    likely, number = int((best["next_chance"] > 0.5).sum()), len(best)
    goal = best["line"].iloc[0] if best["line"].nunique() == 1 else "line"
    worst = worst_of(kpis, terms)["kpi_id"]
    reds = known.loc[known["lowest"] & known["kpi_id"].isin(worst), "next_chance"] > 0.5
    who = f"the {terms.kpis(number)} that can be predicted"
    some = f"of {who}, {_none(likely)} {are(likely)} more"
    meets = f"likely than not to meet {'their' if likely > 1 else 'its'} {goal}"
    if number == 1:
        some = f"{who} is {'more' if likely else 'less'}"
    rescued = ""
    if len(reds):
        of_reds = f"the {in_words(len(reds))} {terms.rated_worst}"
        of_reds += "" if len(reds) == len(worst) else " that can be predicted"
        rescued = f", and of {of_reds} {_none(reds.sum())} to reach a better rating"
        if len(reds) == 1:
            how = "more" if reds.any() else "less"
            rescued = f", and {of_reds} is {how} likely than not to reach a better rating"
    opening = "Outlook (a judgement, not a fact):"
    return f"{opening} {some} {meets} with the next figure{rescued}, if nothing changes."


def data_sentences(
    kpis: pd.DataFrame, recent: pd.DataFrame, quarter: Quarter, terms: Terms
) -> list[str]:
    """What the figures rest on: which are not final, missing or late, what is not rated and why."""
    called, until = names(kpis), f"{quarter.title} and the quarters before it"
    sentences = [f"This report uses what had been received for {until}."]
    statuses, scope = recent["status"].value_counts(), f"shown for {terms.word('kpi', 2)}"
    if len(recent) == 1:
        sentences.append(f"The one figure {scope} is {statuses.index[0]}.")
    elif len(statuses) == 1:
        sentences.append(f"All {len(recent):,} figures {scope} are {statuses.index[0]}.")
    elif len(statuses):
        each = [f"{n:,} {are(n)} {status}" for status, n in statuses.items()]
        sentences.append(f"Of the {len(recent):,} figures {scope}, {listed(each)}.")
    for how, rows, why in caveats(kpis):
        if len(rows):
            some = f"{capitalised(terms.kpis(len(rows)))} {are(len(rows))} {how}"
            sentences.append(f"{some}: {'; '.join(named(rows, called, why))}.")
    untested = kpis[kpis["direction_of_travel"].isin(UNTESTED)]
    untested = untested[untested["kind"] != MILESTONE]
    if len(untested) and TREND_ARROW in terms.council.arrows:
        names_of = "; ".join(named(untested, called, "direction_of_travel"))
        trend = terms.arrow == TREND_ARROW
        what = "direction of travel can be given" if trend else "trend can be tested"
        sentences.append(f"No {what} for {names_of}.")
    return sentences


def caveats(kpis: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, str]]:
    """What is to be said of some KPIs, these KPIs, and the column that has more about each."""
    doubted = [in_doubt(row) for row in rows_of(kpis)]
    yield "in doubt", kpis[pd.Series(doubted, kpis.index, dtype=bool)], "doubt"
    yield "reported in arrears", kpis[kpis["lag_quarters"] > 0], ""
    yield "not rated", kpis[kpis["rating"] == NOT_RATED], "not_rated_reason"
    yield "monitored only and not rated", kpis[kpis["rating"] == MONITORED], ""
    stands = kpis[~kpis["is_due"].astype(bool)]
    never, when = "no date is set for the next figure", stands["next_due"]
    due = [f"next due {Quarter.parse(one).title}" if is_text(one) else never for one in when]
    yield "not due in this quarter, so the latest figure stands", stands.assign(due=due), "due"


def named(kpis: pd.DataFrame, called: Mapping[str, str], why: str) -> list[str]:
    """The KPIs by name, each with what the column `why` says of it."""
    return [
        called[row["kpi_id"]] + (f" ({row[why].rstrip('.')})" if why and is_text(row[why]) else "")
        for row in rows_of(kpis)
    ]


def _none(number: int) -> str:
    return in_words(number) if number else "none"


def _worded(name: str) -> str:
    return _WORDED.get(name, name)
