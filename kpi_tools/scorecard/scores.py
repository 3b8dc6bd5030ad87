"""The quarter's scorecard: one row per KPI in the set, its latest and earlier due figures, and counts that add up.

`recent_quarters` chooses the rows once; rating, direction, chart and card all see the same ones.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from kpi_tools.doubts import with_doubts
from kpi_tools.loading import Council, Returns, as_known_at, due_figures
from kpi_tools.quarters import Quarter
from kpi_tools.rating import rate
from kpi_tools.schemes import DEFAULT_SCHEME, Scheme
from kpi_tools.scorecard.arrows import with_arrows, with_earlier_figures
from kpi_tools.tokens import filled, kpi_figures, section_figures
from kpi_tools.trend import ADDED as DIRECTED
from kpi_tools.trend import direction_of_travel
from kpi_tools.vocabulary import (
    BETTER,
    ILLUSTRATIVE,
    MONITORED,
    NOT_DUE,
    NOT_RATED,
    NOT_YET_DUE,
    TREND_ARROW,
    TRENDS,
    UNCHANGED,
    WORSE,
)
from kpi_tools.wording import rows_of, within

KEYS: Final = ["_asked", "kpi_id"]
_YEAR: Final = 4
_PREVIOUS: Final = [
    "quarter",
    "period",
    "value",
    "rating",
    "target",
    "floor_standard",
    "status",
    "doubt_state",
]
_WORDS: Final = ["commentary", "management_action"]
OTHER: Final = "other"
_SELDOM: Final = (MONITORED, NOT_DUE)
"""Counts that a table leaves out where nothing is counted there."""


def recent_quarters(returns: Returns, quarter: Quarter | None = None) -> pd.DataFrame:
    """The due figures shown for each KPI in the report of `quarter` (default: that of the returns), rated.

    As many rows per KPI as the council's window says (six), in the order of the catalogue and of time; the last is the
    latest figure that was due by then. One that did not come is a row with status `not available`. Columns: those of
    `loading.due_figures`, `rating`, `not_rated_reason`, those of `direction_of_travel`, `with_doubts` and of `arrows`.

    Nothing is tested or compared across a redefinition (changes.csv) or a rebase: `series_from` says since when the
    figure's series is as it is.
    """
    return recent_of([(returns, quarter or returns.quarter)])[0]


def recent_of(asked: Sequence[tuple[Returns, Quarter]]) -> list[pd.DataFrame]:
    """The table of `recent_quarters` for each report asked for; together they take little longer than one."""
    council = asked[0][0].council
    rows = rated_figures(asked, council.window)
    now = rows[
        _series(rows) == _series(rows).groupby([rows[key] for key in KEYS]).transform("last")
    ]
    directed = direction_of_travel(
        now,
        by=tuple(KEYS),
        significance=council.significance,
        minimum_points=council.minimum_points,
    )
    lines = directed.drop_duplicates(KEYS)[[*KEYS, *DIRECTED]]
    rows = rows.merge(lines, on=KEYS, how="left")
    each = [rows[rows["_asked"] == place].drop(columns="_asked") for place in range(len(asked))]
    return [
        with_doubts(table.reset_index(drop=True), returns.figures)
        for table, (returns, _) in zip(each, asked, strict=True)
    ]


def rated_figures(asked: Sequence[tuple[Returns, Quarter]], window: int) -> pd.DataFrame:
    """The last `window` due figures of each KPI for each of the reports asked for (`_asked`), rated."""
    council = asked[0][0].council
    longer = [  # by what a year before can be, so that the first row shown has its comparisons as well
        with_series(due_figures(returns, quarter, window + _YEAR), returns).assign(_asked=place)
        for place, (returns, quarter) in enumerate(asked)
    ]
    rows = with_earlier_figures(pd.concat(longer, ignore_index=True), KEYS)
    rows = with_arrows(rows, council)
    return rated(rows.groupby(KEYS, sort=False).tail(window), council).reset_index(drop=True)


def rated(figures: pd.DataFrame, council: Council) -> pd.DataFrame:
    """`figures` with `rating`, `not_rated_reason` and `band`, by the council's schemes."""
    words = {name: within(word) for name, word in council.words.items()}
    return rate(figures, council.schemes, milestones=council.milestones, words=words)


def with_series(figures: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """Add `series_from`: since when the figure's series is as it is, null where it never changed.

    A quarter for a redefinition (the first report with it), a day for a rebase; texts stand in the order of time.
    """
    changes = returns.changelog[returns.changelog["change"] == "redefined"]
    since = pd.Series(pd.NA, index=figures.index, dtype="str")
    for change in rows_of(changes.sort_values("from_quarter")):
        of = figures["kpi_id"] == change["kpi_id"]
        since = since.mask(
            of & (figures["due_quarter"] >= change["from_quarter"]), change["from_quarter"]
        )
    for rebase in rows_of(returns.rebases.sort_values("date")):
        of = figures["kpi_id"] == rebase["kpi_id"]
        after = figures["period_end"] >= pd.Timestamp(rebase["date"])
        since = since.mask(of & after, rebase["date"])
    return figures.assign(series_from=since)


def score(recent: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """One row per KPI: its last row of `recent`, the due figure before as `previous_…`, commentary.

    Adds `previous_quarter`, `previous_period`, `previous_value`, `previous_rating` (by the lines of its own period),
    `previous_target`, `previous_floor_standard`, `previous_status`, `previous_doubt_state`, `previous_comparable` (False across a
    redefinition), `commentary`, `management_action` (both with the figures for their tokens), `author`,
    `commentary_status`, `arrow` and `arrow_change` (the first that council.toml shows), and `illustrative`: whether
    anything shown for the KPI is invented.
    """
    by_kpi = recent.groupby("kpi_id", sort=False)
    kpis = by_kpi.nth(-1).reset_index(drop=True)
    before = by_kpi.nth(-2).set_index("kpi_id")
    words = returns.commentary.dropna(subset="kpi_id").set_index("kpi_id")
    words = words[[*_WORDS, "author", "status"]].rename(columns={"status": "commentary_status"})
    invented = (recent[["status", "target_status", "kpi_status"]] == ILLUSTRATIVE).any(axis=1)
    # before its first figure ever there is nothing that a KPI could have changed from
    there = recent["value"].notna() | recent["milestone"].astype("str").fillna("").ne("")
    first = recent[there].groupby("kpi_id")["due_quarter"].min().reindex(before.index)
    known = before.loc[(before["due_quarter"] >= first).fillna(False), _PREVIOUS]
    kpis = kpis.join(known.add_prefix("previous_"), on="kpi_id").join(words, on="kpi_id")
    same = _series(kpis) == kpis["kpi_id"].map(_series(before))
    kpis = _with_first_arrow(kpis.assign(previous_comparable=same), returns.council)
    kpis["illustrative"] = kpis["kpi_id"].map(invented.groupby(recent["kpi_id"]).any())
    figures = [kpi_figures(kpi) for kpi in rows_of(kpis)]
    return kpis.assign(**{name: _filled(kpis[name], figures) for name in _WORDS})


def section_words(returns: Returns, kpis: pd.DataFrame) -> pd.DataFrame:
    """The commentary on whole sections, as `returns.commentary` has it, with the figures of `kpis` for its tokens."""
    about = returns.commentary[returns.commentary["kpi_id"].isna()]
    table = matrix(kpis, returns.council).set_index("section").to_dict("index")
    figures = [section_figures(table.get(name, {}), returns.quarter) for name in about["section"]]
    return about.assign(commentary=_filled(about["commentary"], figures))


def first_report(returns: Returns) -> bool:
    """Whether nothing had been received before this quarter: there is no earlier report to compare with."""
    return not known_by(returns, returns.quarter.shift(-1))


def known_by(returns: Returns, quarter: Quarter) -> bool:
    """Whether anything had been received by then."""
    return any(
        Quarter.parse(label) <= quarter for label in returns.submissions["received"].unique()
    )


def earlier_reports(returns: Returns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scorecard of the previous report, by what had been received by then, and that of its quarter as known now.

    Where nothing was received with the previous quarter both are by what is known now; without a single figure of that
    quarter in a first report they have no rows, and there is nothing to compare with.
    """
    before = returns.quarter.shift(-1)
    if before.label not in set(returns.submissions["received"]):
        same = quarter_before(returns)
        if first_report(returns) and same["value"].isna().all():
            same = same.head(0)
        return same, same
    then = as_known_at(returns, before)
    printed, now = recent_of([(then, before), (returns, before)])
    return score(printed, then), score(now, returns)


def quarter_before(returns: Returns, quarters: int = 1) -> pd.DataFrame:
    """The scorecard so many quarters earlier, by the figures as known now: the like-for-like comparison."""
    return score(recent_quarters(returns, returns.quarter.shift(-quarters)), returns)


def ratings_of(council: Council | None = None) -> tuple[str, ...]:
    """What a KPI can count as, in order: the default scheme's bands, those of others, `Not rated`, `Monitored`, `Not due`.

    A band of another scheme counts with that of the same name.
    """
    schemes = _schemes(council)
    bands = [band.name for band in schemes[""].bands]
    bands += [band.name for scheme in schemes.values() for band in scheme.bands]
    return (*dict.fromkeys(bands), NOT_RATED, MONITORED, NOT_DUE)


def trends_of(council: Council | None = None) -> tuple[str, ...]:
    """The words of the arrow that is counted, the first that council.toml shows."""
    first = council.arrows[0] if council else TREND_ARROW
    return TRENDS if first == TREND_ARROW else (BETTER, UNCHANGED, WORSE)


def in_last_band(kpis: pd.DataFrame, council: Council | None = None) -> pd.Series:
    """Whether each KPI has the last band of its scheme, which asks for an action: Red, by default."""
    schemes = _schemes(council)
    default = schemes[""].bands[-1].name
    if "scheme" not in kpis:
        return kpis["rating"] == default
    last = {name: scheme.bands[-1].name for name, scheme in schemes.items()}
    return kpis["rating"] == kpis["scheme"].map(last).fillna(default)


def _schemes(council: Council | None) -> Mapping[str, Scheme]:
    return council.schemes if council else {"": DEFAULT_SCHEME}


def counted(kpis: pd.DataFrame, council: Council | None = None) -> pd.Series:
    """What each KPI counts as: its rating.

    With `not_due = "apart"` a KPI whose rating stands from an earlier report, or that was never due yet, counts as
    `Not due`; one that is late stays `Not rated`.
    """
    if council is None or council.not_due != "apart":
        return kpis["rating"]
    stands = ~kpis["is_due"] & ~kpis["rating"].isin((NOT_RATED, MONITORED))
    return kpis["rating"].mask(stands | (kpis["not_rated_reason"] == NOT_YET_DUE), NOT_DUE)


def rating_counts(kpis: pd.DataFrame, council: Council | None = None) -> dict[str, int]:
    """How many KPIs there are (`kpis`), and of each of `ratings_of`, which add up to that."""
    ratings = Counter(counted(kpis, council))
    return {"kpis": len(kpis), **{name: ratings[name] for name in ratings_of(council)}}


def counts(kpis: pd.DataFrame, council: Council | None = None) -> dict[str, int]:
    """How many KPIs: {`kpis`, each of `ratings_of`, each of `trends_of`, `other`}, by the council's bands and arrow.

    The ratings add up to `kpis`, and so do the directions with `other` (not enough data, not testable).
    """
    trends = trends_of(council)
    arrows = Counter(kpis["direction_of_travel" if trends == TRENDS else "arrow"])
    return {
        **rating_counts(kpis, council),
        **{name: arrows[name] for name in trends},
        OTHER: len(kpis) - sum(arrows[name] for name in trends),
    }


def matrix(kpis: pd.DataFrame, council: Council | None = None) -> pd.DataFrame:
    """The `counts` by section and in total, a column each after `section`; none for `Monitored` and `Not due` without any."""
    rows = [
        *(
            {"section": name, **counts(own, council)}
            for name, own in kpis.groupby("section", sort=False)
        ),
        {"section": "Total", **counts(kpis, council)},
    ]
    return without_empty(pd.DataFrame(rows))


def without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """A table of counts without the columns for what few councils have, where nothing is counted in them."""
    return table.drop(columns=[name for name in _SELDOM if name in table and not table[name].any()])


def rating_history(returns: Returns, kpis: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """How many KPIs had each rating in the last reports, as many as the window, each as printed then: `quarter`, ratings.

    The last row is this report's (`kpis`), that above it the previous one's (`before`, as `earlier_reports` gives it).
    Quarters in which nothing was received have no row.
    """
    received = sorted(Quarter.parse(label) for label in returns.submissions["received"].unique())
    last, first = returns.quarter.shift(-1), returns.quarter.shift(-returns.council.window)
    older = [then for then in received if first < then < last]
    reports = {returns.quarter.label: kpis}
    if last in received:
        reports = {last.label: before, **reports}
    if older:
        table = rated_figures([(as_known_at(returns, then), then) for then in older], window=1)
        known = {then.label: table[table["_asked"] == at] for at, then in enumerate(older)}
        reports = {**known, **reports}
    rows = [
        {"quarter": label, **rating_counts(table, returns.council)}
        for label, table in reports.items()
    ]
    return without_empty(pd.DataFrame(rows)).drop(columns="kpis")


def report_tables(returns: Returns) -> dict[str, pd.DataFrame]:
    """The tables that go with a report, by sheet name: `KPIs` (the scorecard), `Quarters` (the rows shown), `Counts`."""
    recent = recent_quarters(returns)
    kpis = score(recent, returns)
    return {"KPIs": kpis, "Quarters": recent, "Counts": matrix(kpis, returns.council)}


def movers(kpis: pd.DataFrame) -> pd.DataFrame:
    """The KPIs whose rating differs from that of their previous due figure, where a figure was due now; in report order."""
    known = kpis["previous_rating"].notna()
    return kpis[kpis["is_due"] & known & (kpis["rating"] != kpis["previous_rating"])]


def _with_first_arrow(kpis: pd.DataFrame, council: Council) -> pd.DataFrame:
    """Add `arrow` and `arrow_change`, and whether the trend and another arrow shown point different ways (`arrows_differ`)."""
    kind = council.arrows[0]
    names = (
        ("direction_of_travel", "slope")
        if kind == TREND_ARROW
        else (f"arrow_{kind}", f"change_{kind}")
    )
    others = [f"arrow_{kind}" for kind in council.arrows if kind != TREND_ARROW]
    up = (kpis["direction_of_travel"] == TRENDS[0]) & (kpis[others] == WORSE).any(axis=1)
    down = (kpis["direction_of_travel"] == TRENDS[-1]) & (kpis[others] == BETTER).any(axis=1)
    return kpis.assign(arrow=kpis[names[0]], arrow_change=kpis[names[1]], arrows_differ=up | down)


def _series(rows: pd.DataFrame) -> pd.Series:
    return rows["series_from"].fillna("")


def _filled(texts: pd.Series, figures: Sequence[dict[str, str | None]]) -> object:
    words = [
        filled(text, own) if isinstance(text, str) else text
        for text, own in zip(texts, figures, strict=True)
    ]
    return pd.array(words, dtype="str")
