"""What must hold before a report is released: each check goes from tables to findings (floor 2).

An error stands in the way of the final report until it is mended or overridden with a reason; a warning does not.
The rules for single figures are in `rules` and are checked on the way in; here the report as a whole is checked.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

import pandas as pd

from kpi_tools.doubts import DOUBTS, doubt_table
from kpi_tools.loading import Returns
from kpi_tools.provenance.program import unlike_lock
from kpi_tools.quarters import Quarter
from kpi_tools.release.date_checks import stale_quarters
from kpi_tools.release.text_checks import (
    counts_in_text,
    figures_in_text,
    texts,
    tokens_without_figure,
)
from kpi_tools.release.word_checks import same_as_before, titles, words_against_direction
from kpi_tools.scorecard import (
    earlier_reports,
    matrix,
    rating_pairs,
    recent_quarters,
    score,
)
from kpi_tools.vocabulary import CARRIED_FORWARD, NOT_RATED, RAGS, RED, SUPPRESSED
from kpi_tools.words.findings import Finding, as_findings, error, warning
from kpi_tools.words.row_words import rows_of

_LEFT_OVER: Final = re.compile(
    r"^(?:Series ?\d+|Column ?\d+|Chart Title|Axis Title|Sheet ?\d+|Category ?\d+|TBC|TBD|xx+|KPI name)$|"
    r"#(?:REF|N/A|VALUE|DIV/0|NAME)[!?]?|lorem ipsum",
    re.I,
)
_LATE: Final = 4
"""A rated figure that is so many quarters old is named: its year is over."""

CHECKS: Final = (
    *DOUBTS, "counts-do-not-add-up", "red-without-action", "no-latest-figure", "no-data-period", "old-data", "same-series",
    "name-left-over", "token-without-figure", "change-not-like-for-like", "count-in-text", "target-in-text",
    "figure-in-text", "stale-quarter", "stale-month", "words-against-direction", "title-spelt-two-ways",
    "commentary-unchanged", "versions-not-locked",
)  # fmt: skip
"""Every kind of finding before release, by its code; a test compares them with those that the functions give."""


def release_findings(
    returns: Returns,
    recent: pd.DataFrame | None = None,
    kpis: pd.DataFrame | None = None,
    before: pd.DataFrame | None = None,
    same: pd.DataFrame | None = None,
    *,
    earlier: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Everything found before the release of the report of the returns' quarter (columns: FINDING_COLUMNS), errors first.

    `recent`, `kpis`, and `before` and `same` (`earlier_reports`) are made where not at hand. `earlier`: the commentary of
    earlier reports, as `remarks.commentary_until` gives it; without it, repeated commentary is not found.
    """
    recent = recent_quarters(returns) if recent is None else recent
    kpis = score(recent, returns) if kpis is None else kpis
    if before is None or same is None:
        before, same = earlier_reports(returns)
    pairs = rating_pairs(kpis, same)
    change = {
        rag: int((pairs["now"] == rag).sum() - (pairs["before"] == rag).sum()) for rag in RAGS
    }
    said = texts(returns, kpis)
    return as_findings(chain(
        counts_add_up(matrix(kpis)),
        doubted_figures(recent),
        reds_without_action(kpis, returns.quarter),
        without_period(kpis, recent),
        old_ratings(kpis, returns.quarter),
        duplicate_series(recent),
        left_over_names(returns),
        tokens_without_figure(said, kpis),
        counts_in_text(said, kpis, change),
        stale_quarters(said, kpis, returns.quarter),
        figures_in_text(said, recent, _known(returns)),
        words_against_direction(said, kpis),
        titles(said, kpis, _other_texts(returns)),
        other_versions(unlike_lock()),
        same_as_before(said, said.head(0).assign(quarter="") if earlier is None else earlier, returns.quarter),
    ))  # fmt: skip


def counts_add_up(counted: pd.DataFrame) -> Iterator[Finding]:
    """Green + Amber + Red + not rated = KPIs in each row of `scorecard.matrix`, and the sections add up to the total."""
    for row in rows_of(counted):
        rated = sum(int(row[name]) for name in (*RAGS, NOT_RATED))
        if rated != row["kpis"]:
            yield _not_true(
                row["section"], f"the ratings add up to {rated}, and there are {row['kpis']} KPIs."
            )
    sections, total = counted.iloc[:-1], counted.iloc[-1]
    for name in counted.columns.drop("section"):
        if sections[name].sum() != total[name]:
            yield _not_true(
                f"column {name}",
                f"the sections add up to {sections[name].sum()}, the total is {total[name]}.",
            )


def doubted_figures(recent: pd.DataFrame) -> Iterator[Finding]:
    """Figures shown that look like a fault of the data and that nobody has confirmed."""
    for row in rows_of(doubt_table(recent)):
        yield error(
            row["code"],
            f"{row['kpi_id']}, {Quarter.parse(row['quarter']).title}",
            row["doubt"],
            f"{row['remedy']} If it is right, write into its note: checked: and why.",
        )


def reds_without_action(kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """Every Red has a management action."""
    for row in rows_of(kpis[(kpis["rating"] == RED) & kpis["management_action"].isna()]):
        yield error(
            "red-without-action", f"commentary/{quarter.slug}, {_kpi(row)}",
            "The KPI is Red and no management action has been given.",
            f"Ask {row['owner'] if isinstance(row['owner'], str) else 'the service'} for one.",
        )  # fmt: skip


def without_period(kpis: pd.DataFrame, recent: pd.DataFrame) -> Iterator[Finding]:
    """Every KPI has a figure with a data period; one without any in the quarters shown has none to show.

    One that is suppressed is missing on purpose.
    """
    known = recent["value"].notna().groupby(recent["kpi_id"]).any()
    for row in rows_of(kpis[kpis["value"].isna() & (kpis["status"] != SUPPRESSED)]):
        title = Quarter.parse(row["quarter"]).title
        if known[row["kpi_id"]]:
            yield warning(
                "no-latest-figure", _kpi(row), f"There is no figure for {title}: {row['status']}.",
                "Say in the commentary why, and when it is expected.",
            )  # fmt: skip
        else:
            yield error(
                "no-data-period", _kpi(row), "None of the quarters shown has a figure.",
                "Send the figures, or end the KPI in kpis.csv (last_quarter).",
            )  # fmt: skip


def old_ratings(kpis: pd.DataFrame, quarter: Quarter) -> Iterator[Finding]:
    """A rating that rests on data of another time than the report's."""
    for row in rows_of(kpis[kpis["rating"] != NOT_RATED]):
        of = Quarter.parse(row["quarter"])
        if row["status"] == CARRIED_FORWARD or quarter - of >= _LATE:
            why = (
                f"the figure of {of.title} is {row['status']}"
                if row["status"] == CARRIED_FORWARD
                else f"it is of {of.title}"
            )
            yield warning(
                "old-data", _kpi(row), f"{row['rating']} rests on old data: {why}.",
                "Say so in the commentary, or return the KPI as not available.",
            )  # fmt: skip


def duplicate_series(recent: pd.DataFrame) -> Iterator[Finding]:
    """Two KPIs whose figures in the quarters shown are the same: one has the other's chart."""
    seen: dict[tuple[object, ...], str] = {}
    for kpi_id, rows in recent.groupby("kpi_id", sort=False):
        values = rows["value"].dropna()
        if len(values) < 3 or values.nunique() < 2:
            continue
        key = tuple(rows["value"].fillna(-1.0))
        if key in seen:
            yield error(
                "same-series", f"{seen[key]} and {kpi_id}", "Both KPIs have the same figures in every quarter shown.",
                "One of them was filled in with the other's figures: ask for its own.",
            )  # fmt: skip
        seen.setdefault(key, str(kpi_id))


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
        if isinstance(name, str) and _LEFT_OVER.search(name.strip()):
            yield error(
                "name-left-over",
                f"{file}, {what}",
                f'"{name}" is not a name.',
                "Write what it stands for.",
            )


def other_versions(unlike: list[str]) -> Iterator[Finding]:
    """A package at another version than that of the lock: the same inputs may then not give the same bytes."""
    if unlike:
        yield error(
            "versions-not-locked", "this environment", f"It is not that of requirements.lock: {'; '.join(unlike)}.",
            "Set it up again (README.md); a report made now cannot be made again to the byte.",
        )  # fmt: skip


def _other_texts(returns: Returns) -> dict[str, str]:
    """Texts beside the commentary in which a KPI's title may stand, by their place."""
    about = returns.changelog.assign(file="changes.csv", text=returns.changelog["reason"])
    catalogue = _by_now(returns)
    defined = catalogue.assign(file="kpis.csv", text=catalogue["definition"])
    agreed = returns.targets.assign(file="targets.csv", text=returns.targets["target_reason"])
    columns = ["file", "kpi_id", "text"]
    rows = (
        pd.concat([table[columns] for table in (about, defined, agreed)])
        .dropna(subset="text")
        .drop_duplicates()
    )
    return {f"{file}, {kpi_id}": text for file, kpi_id, text in rows.itertuples(index=False)}


def _by_now(returns: Returns) -> pd.DataFrame:
    """The catalogue without the KPIs that come into the set after the report's quarter, which must not change it."""
    return returns.catalogue[
        [Quarter.parse(label) <= returns.quarter for label in returns.catalogue["first_quarter"]]
    ]


def _known(returns: Returns) -> dict[str, list[float]]:
    """What else is known of each KPI and may stand in its commentary: single months with their parts, benchmarks."""
    known: dict[str, list[float]] = {}
    for table in (returns.months, returns.benchmarks):
        names = [name for name in ("value", "numerator", "denominator") if name in table.columns]
        for kpi_id, rows in table.groupby("kpi_id"):
            known.setdefault(str(kpi_id), []).extend(rows[names].stack().astype(float).tolist())
    return known


def _kpi(row: dict[str, object]) -> str:
    return f"{row['kpi_id']}, {row['kpi_name']}"


def _not_true(place: str, sentence: str) -> Finding:
    return error(
        "counts-do-not-add-up",
        place,
        sentence,
        "A fault in the program itself: please tell who looks after it.",
    )
