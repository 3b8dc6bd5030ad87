"""Checks of figures, names and what was received. Each function takes tables and gives findings."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pandas as pd

from kpi_tools.checks.findings import Finding
from kpi_tools.doubts import doubt_table, with_doubts
from kpi_tools.loading import Returns
from kpi_tools.loading.rules import as_changes
from kpi_tools.quarters import Quarter
from kpi_tools.rating import cannot_be_rated
from kpi_tools.schemes import Scheme
from kpi_tools.scorecard import returned_again, sent_rounded, without_action
from kpi_tools.vocabulary import CARRIED_FORWARD, SUPPRESSED
from kpi_tools.wording import Row, is_text, rows_of

_LEFT_OVER: Final = re.compile(
    r"^(?:Series ?\d+|Column ?\d+|Chart Title|Axis Title|Sheet ?\d+|Category ?\d+|TBC|TBD|xx+|KPI name)$|"
    r"#(?:REF|N/A|VALUE|DIV/0|NAME)[!?]?|lorem ipsum",
    re.I,
)
_OLD: Final = 4
"""A rated figure that is so many quarters old is named: its year is over."""
_FEWEST_SAME: Final = 3


def doubted(recent: pd.DataFrame, months: pd.DataFrame) -> Iterator[Finding]:
    """Figures shown, and the months in them, that look like a fault of the data and that nobody has confirmed."""
    parts = [recent]
    if len(months):
        shown = months["period_end"] > recent["period_end"].min()
        parts.append(with_doubts(months)[shown & months["kpi_id"].isin(set(recent["kpi_id"]))])
    for row in rows_of(pd.concat([doubt_table(part) for part in parts])):
        yield Finding(row["code"], f"{row['kpi_id']}, {row['period']}", row["doubt"], row["remedy"])


def reds_without_action(kpis: pd.DataFrame, returns: Returns) -> Iterator[Finding]:
    """Every KPI in the last band of its scheme has an open action, or a management action in the commentary."""
    word = returns.council.words["management_action"]
    for row in rows_of(without_action(kpis, returns)):
        asked = row["owner"] if is_text(row["owner"]) else "the service"
        yield Finding(
            "red-without-action",
            f"commentary/{returns.quarter.slug}, {_kpi(row)}",
            f"The KPI is {row['rating']} and no {word} has been given.",
            asked,
        )


def missing(kpis: pd.DataFrame, recent: pd.DataFrame) -> Iterator[Finding]:
    """Every KPI that is due has a figure, or a status. One that is suppressed is missing on purpose."""
    known = recent.assign(known=_is_there(recent)).groupby("kpi_id")["known"].any()
    for row in rows_of(kpis[~_is_there(kpis) & (kpis["status"] != SUPPRESSED)]):
        if not known[row["kpi_id"]]:
            yield Finding("no-data-period", _kpi(row), "None of the periods shown has a figure.")
        elif row["is_due"]:
            yield Finding(
                "no-latest-figure",
                _kpi(row),
                f"There is no figure for {Quarter.parse(row['quarter']).title}: {row['status']}.",
            )


def late(recent: pd.DataFrame, returns: Returns) -> Iterator[Finding]:
    """Figures that came first with the returns of this quarter and were due for an earlier report.

    What came with the very first returns, or is of a time before them, is history, for which nobody was late.
    """
    sent = returns.submissions[returns.submissions["value"].notna()]
    earlier = sent[sent["received"] < returns.quarter.label]
    known = set(zip(earlier["kpi_id"], earlier["quarter"], strict=True))
    first = Quarter.parse(earlier["received"].min()) if known else returns.quarter
    came = recent[recent["value"].notna() & (recent["received"] == returns.quarter.label)]
    for row in rows_of(came) if known else ():
        due = Quarter.parse(row["due_quarter"])
        in_set = max(first, Quarter.parse(row["first_quarter"])) <= due < returns.quarter
        if in_set and (row["kpi_id"], row["quarter"]) not in known:
            yield Finding(
                "late-figure",
                _kpi(row),
                f"The figure of {Quarter.parse(row['quarter']).title} was due for the report of {due.title}.",
            )


def old_ratings(kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """A rating that rests on data of another time than the report's. A figure that stands until the next is due is none."""
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
    seen: dict[tuple[object, ...], str] = {}
    for kpi_id, rows in recent.groupby("kpi_id", sort=False):
        values = rows["value"].dropna()
        if len(values) < _FEWEST_SAME or values.nunique() < 2:
            continue
        key = tuple(rows["value"].fillna(-1.0))
        if key in seen:
            yield Finding(
                "same-series",
                f"{seen[key]} and {kpi_id}",
                "Both KPIs have the same figures in every quarter shown.",
            )
        seen.setdefault(key, str(kpi_id))


def sent_again(returns: Returns) -> Iterator[Finding]:
    """Files whose figures are those of the quarter before, under the new quarter's name, or of which none is new."""
    sent = returns.submissions
    sent = sent[sent["value"].notna() & sent["month"].isna()]
    new = sent[sent["received"] == returns.quarter.label]
    last = sent.drop_duplicates(["kpi_id", "quarter"], keep="last")
    before = dict(
        zip(zip(last["kpi_id"], last["quarter"], strict=True), last["value"], strict=True)
    )
    for file, rows in new.groupby("file", sort=False):
        latest = rows[rows["quarter"] == rows["quarter"].max()]
        keys = [
            (row["kpi_id"], Quarter.parse(row["quarter"]).shift(-1).label)
            for row in rows_of(latest)
        ]
        there = [before.get(key) for key in keys]
        if len(latest) >= _FEWEST_SAME and latest["value"].tolist() == there:
            yield Finding(
                "sent-again",
                str(file),
                f"All {len(latest)} figures are those of the quarter before.",
            )
    for row in rows_of(returned_again(returns)):
        which = "Its one figure" if row["rows"] == 1 else f"All its {row['rows']:,} figures"
        yield Finding(
            "sent-before",
            row["file"],
            f"{which} had been received before, with the same or other decimals.",
        )
    for file, rows in sent_rounded(returns).groupby("file", sort=False):
        first = rows.iloc[0]
        which = "One of its figures" if len(rows) == 1 else f"{len(rows):,} of its figures"
        yield Finding(
            "sent-rounded",
            str(file),
            f"{which} had been received before, with more decimals: {first['kpi_id']} of {first['period']} "
            f"was {first['old']:.12g} and is {first['new']:.12g}.",
        )


def floors_without_target(kpis: pd.DataFrame) -> Iterator[Finding]:
    """A floor standard beside an empty target: nothing can be better than just above the worst band."""
    for row in rows_of(kpis[kpis["target"].isna() & kpis["floor_standard"].notna()]):
        yield Finding("floor-without-target", _kpi(row), "There is a floor standard and no target.")


def unrated_by_rule(
    kpis: pd.DataFrame, schemes: Mapping[str, Scheme], words: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """KPIs that cannot be rated whatever their figure, but for those without any line, and lines that mean nothing."""
    table = cannot_be_rated(kpis, schemes, words)
    for found in rows_of(table[~table["reason"].str.startswith(("No ", "On the way"))]):
        yield Finding(f"rating-{found['kind']}", str(found["kpi_id"]), found["reason"])


def left_over_names(returns: Returns) -> Iterator[Finding]:
    """Names that a spreadsheet program gave: `Series1`, `Chart Title`, `#REF!`."""
    named = [
        *(("kpis.csv", row["kpi_id"], row["kpi_name"]) for row in rows_of(_by_now(returns))),
        *(
            ("activity.csv", row["activity_id"], row["activity_name"])
            for row in rows_of(returns.activity)
        ),
        *(("benchmarks.csv", row["kpi_id"], row["area"]) for row in rows_of(returns.benchmarks)),
        *(
            (row["file"], row["kpi_id"] or row["section"], row["commentary"])
            for row in rows_of(returns.commentary)
        ),
    ]
    for file, what, name in dict.fromkeys(named):
        if is_text(name) and _LEFT_OVER.search(name.strip()):
            yield Finding("name-left-over", f"{file}, {what}", f'"{name}" is not a name.')


def taken_otherwise(log: pd.DataFrame) -> Iterator[Finding]:
    """What was changed on the way in, because its meaning is certain: how much, and the first lines."""
    if len(log):
        yield Finding("taken-otherwise", "the returns", " ".join(as_changes(log).split()))


def versions(unlike: list[str]) -> Iterator[Finding]:
    """A package at another version than that of the lock: the same inputs may then not give the same bytes."""
    if unlike:
        yield Finding(
            "versions-not-locked",
            "this environment",
            f"It is not that of requirements.lock: {'; '.join(unlike)}.",
        )


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
    """The catalogue without the KPIs that come into the set after the report's quarter, which must not change it."""
    first = returns.catalogue["first_quarter"].map(Quarter.parse)
    return returns.catalogue[[quarter <= returns.quarter for quarter in first]]


def _is_there(table: pd.DataFrame) -> pd.Series:
    """Whether a row has its figure, or a milestone its status."""
    return table["value"].notna() | table["milestone"].fillna("").ne("")


def _kpi(row: Row) -> str:
    return f"{row['kpi_id']}, {row['kpi_name']}"
