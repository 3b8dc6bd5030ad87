"""Checks of figures, names and what was received. Each function takes tables and gives findings."""

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from kpi_tools.checks.findings import Finding
from kpi_tools.doubts import doubt_table, with_doubts
from kpi_tools.loading import Council, Returns
from kpi_tools.loading.rules import as_changes
from kpi_tools.quarters import Quarter
from kpi_tools.rating import cannot_be_rated
from kpi_tools.rows import Row, is_text, rows_of
from kpi_tools.scorecard.actions import without_action
from kpi_tools.scorecard.changes import sent_before
from kpi_tools.vocabulary import CARRIED_FORWARD, SUPPRESSED
from kpi_tools.wording import within

_LEFT_OVER: Final = re.compile(
    r"^(?:(?:Series|Column|Sheet|Category) ?\d+|(?:Chart|Axis) Title|TBC|TBD|xx+|KPI name)$|"
    r"#(?:REF|N/A|VALUE|DIV/0|NAME)[!?]?|lorem ipsum",
    re.I,
)
_OLD: Final = 4
"""A rated figure that is so many quarters old is named: its year is over."""
_FEWEST_SAME: Final = 3


def doubted(recent: pd.DataFrame, months: pd.DataFrame) -> Iterator[Finding]:
    """Figures and months shown that look like a fault of the data and are not confirmed."""
    parts = [recent]
    if len(months):
        displayed = months["period_end"] > recent["period_end"].min()
        parts.append(with_doubts(months)[displayed & months["kpi_id"].isin(set(recent["kpi_id"]))])
    for row in rows_of(pd.concat([doubt_table(part) for part in parts])):
        yield Finding(row["code"], f"{row['kpi_id']}, {row['period']}", row["doubt"], row["remedy"])


def reds_without_action(kpis: pd.DataFrame, returns: Returns) -> Iterator[Finding]:
    """Every KPI in the last band of its scheme has an open action, or one in the commentary."""
    one, word = (within(returns.council.words[name]) for name in ("kpi", "management_action"))
    for row in rows_of(without_action(kpis, returns)):
        place = f"commentary/{returns.quarter.slug}, {_kpi(row)}"
        text = f"The {one} is {row['rating']} and no {word} has been given."
        owner = row["owner"] if is_text(row["owner"]) else "the service"
        yield Finding("red-without-action", place, text, owner)


def missing(kpis: pd.DataFrame, recent: pd.DataFrame) -> Iterator[Finding]:
    """Every KPI that is due has a figure or a status; a suppressed one is missing on purpose."""
    known = set(recent.loc[_is_there(recent), "kpi_id"])
    for row in rows_of(kpis[~_is_there(kpis) & (kpis["status"] != SUPPRESSED)]):
        if row["kpi_id"] not in known:
            yield Finding("no-data-period", _kpi(row), "None of the periods shown has a figure.")
        elif row["is_due"]:
            text = f"There is no figure for {Quarter.parse(row['quarter']).title}: {row['status']}."
            yield Finding("no-latest-figure", _kpi(row), text)


def late(recent: pd.DataFrame, returns: Returns) -> Iterator[Finding]:
    """Figures that came first with the returns of this quarter and were due for an earlier report.
    What came with the very first returns, or is of a time before them, is history, for which nobody
    was late."""
    sent = returns.submissions[returns.submissions["value"].notna()]
    earlier = sent[sent["received"] < returns.quarter.label]
    if earlier.empty:
        return
    known = set(zip(earlier["kpi_id"], earlier["quarter"], strict=True))
    came = recent[recent["value"].notna() & (recent["received"] == returns.quarter.label)]
    for row in rows_of(came):
        due = Quarter.parse(row["due_quarter"])
        first = max(Quarter.parse(earlier["received"].min()), Quarter.parse(row["first_quarter"]))
        if first <= due < returns.quarter and (row["kpi_id"], row["quarter"]) not in known:
            of = f"The figure of {Quarter.parse(row['quarter']).title}"
            yield Finding("late-figure", _kpi(row), f"{of} was due for the report of {due.title}.")


def old_ratings(kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """A rating on data of another time; one that stands until the next is due is none."""
    for row in rows_of(kpis[kpis["band"].notna() & kpis["due_quarter"].notna()]):
        of = Quarter.parse(row["quarter"])
        if row["status"] == CARRIED_FORWARD:
            why = f"the figure of {of.title} is {row['status']}"
        elif row["is_due"] and quarter - Quarter.parse(row["due_quarter"]) >= _OLD:
            why = f"it is of {of.title}"
        else:
            continue
        yield Finding("old-data", _kpi(row), f"{row['rating']} rests on old data: {why}.")


def same_series(recent: pd.DataFrame) -> Iterator[Finding]:
    """Two KPIs whose figures in the quarters shown are the same: one has the other's chart."""
    seen: dict[tuple[float, ...], str] = {}
    for kpi_id, values in recent.groupby("kpi_id", sort=False)["value"]:
        if values.count() < _FEWEST_SAME or values.nunique() < 2:
            continue
        first = seen.setdefault(tuple(values.fillna(-1.0)), str(kpi_id))
        if first != kpi_id:
            text = "Both KPIs have the same figures in every quarter shown."
            yield Finding("same-series", f"{first} and {kpi_id}", text)


def sent_again(returns: Returns) -> Iterator[Finding]:
    """Files whose figures are those of the quarter before, or of which none is new."""
    sent = returns.submissions
    sent = sent[sent["value"].notna() & sent["month"].isna()]
    last = sent.drop_duplicates(["kpi_id", "quarter"], keep="last")
    before = last.set_index(["kpi_id", "quarter"])["value"].to_dict()
    for file, rows in sent[sent["received"] == returns.quarter.label].groupby("file", sort=False):
        latest = rows[rows["quarter"] == rows["quarter"].max()]
        then = Quarter.parse(latest["quarter"].iloc[0]).shift(-1).label
        there = [before.get((kpi_id, then)) for kpi_id in latest["kpi_id"]]
        if len(latest) >= _FEWEST_SAME and latest["value"].tolist() == there:
            text = f"All {len(latest)} figures are those of the quarter before."
            yield Finding("sent-again", str(file), text)
    known = sent_before(returns)
    for file, rows in known.groupby("file", sort=False):
        if rows["same"].all():
            which = "Its one figure" if len(rows) == 1 else f"All its {len(rows):,} figures"
            text = f"{which} had been received before, with the same or other decimals."
            yield Finding("sent-before", str(file), text)
    for file, rows in known[known["rounded"]].groupby("file", sort=False):
        which = "One of its figures" if len(rows) == 1 else f"{len(rows):,} of its figures"
        one = rows_of(rows)[0]
        text = (
            f"{which} had been received before, with more decimals: {one['kpi_id']} of "
            f"{one['period']} was {one['old']:.12g} and is {one['new']:.12g}."
        )
        yield Finding("sent-rounded", str(file), text)


def floors_without_target(kpis: pd.DataFrame) -> Iterator[Finding]:
    """A floor standard beside an empty target: nothing can be better than above the worst band."""
    for row in rows_of(kpis[kpis["target"].isna() & kpis["floor_standard"].notna()]):
        yield Finding("floor-without-target", _kpi(row), "There is a floor standard and no target.")


def unrated_by_rule(kpis: pd.DataFrame, council: Council) -> Iterator[Finding]:
    """KPIs with lines that cannot be rated whatever their figure, and lines that mean nothing."""
    table = cannot_be_rated(kpis, council.schemes, council.words)
    for found in rows_of(table[~table["reason"].str.startswith(("No ", "On the way"))]):
        yield Finding(f"rating-{found['kind']}", str(found["kpi_id"]), found["reason"])


def left_over_names(returns: Returns) -> Iterator[Finding]:
    """Names that a spreadsheet program gave: `Series1`, `Chart Title`, `#REF!`."""
    words = returns.commentary
    words = words.assign(about=words["kpi_id"].fillna(words["section"]))
    sources = (
        ("kpis.csv", "kpi_id", "kpi_name", _by_now(returns)),
        ("activity.csv", "activity_id", "activity_name", returns.activity),
        ("benchmarks.csv", "kpi_id", "area", returns.benchmarks),
        ("", "about", "commentary", words),
    )
    named = dict[tuple[str, str, str], None]()
    for file, key, name, table in sources:
        named |= {(file or row["file"], row[key], row[name]): None for row in rows_of(table)}
    for file, what, name in named:
        if is_text(name) and _LEFT_OVER.search(name.strip()):
            yield Finding("name-left-over", f"{file}, {what}", f'"{name}" is not a name.')


def taken_otherwise(returns: Returns) -> Iterator[Finding]:
    """What was changed on the way in, as its meaning is certain: how much, and the first lines."""
    if len(returns.log):
        changes = as_changes(returns.log, f"processed/{returns.quarter.slug}/changes.csv")
        yield Finding("taken-otherwise", "the returns", " ".join(changes.split()))


def versions(unlike: list[str]) -> Iterator[Finding]:
    """A package at another version than the lock's: the same inputs may not give the same bytes."""
    if unlike:
        text = f"It is not that of requirements.lock: {'; '.join(unlike)}."
        yield Finding("versions-not-locked", "this environment", text)


def other_texts(returns: Returns) -> dict[str, str]:
    """Texts beside the commentary in which a KPI's title may stand, by their place."""
    sources = (
        ("changes.csv", returns.changelog, "reason"),
        ("kpis.csv", _by_now(returns), "definition"),
        ("targets.csv", returns.targets, "target_reason"),
    )
    return {
        f"{file}, {row['kpi_id']}": row[column]
        for file, table, column in sources
        for row in rows_of(table)
        if is_text(row[column])
    }


def _by_now(returns: Returns) -> pd.DataFrame:
    """The catalogue without KPIs that come into the set after the report."""
    first = returns.catalogue["first_quarter"].map(Quarter.parse)
    return returns.catalogue[[quarter <= returns.quarter for quarter in first]]


def _is_there(table: pd.DataFrame) -> pd.Series:
    """Whether a row has its figure, or a milestone its status."""
    return table["value"].notna() | table["milestone"].fillna("").ne("")


def _kpi(row: Row) -> str:
    return f"{row['kpi_id']}, {row['kpi_name']}"
