"""The quarter's scorecard: one row per KPI in the set, and counts that add up. `recent_quarters`
chooses the rows once; rating, direction, chart and card all see the same ones."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from kpi_tools.doubts import with_doubts
from kpi_tools.loading import Council, Returns, as_known_at, due_figures
from kpi_tools.quarters import Quarter
from kpi_tools.rating import rate
from kpi_tools.rows import rows_of
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
from kpi_tools.wording import within

DEFAULT_COUNCIL: Final = Council(name="", report_title="", sections=())
"""The default bands, words and arrow."""
_YEAR: Final = 4
_LINES: Final = ("target", "floor_standard")
_PREVIOUS: Final = ["quarter", "period", "value", "rating", *_LINES, "status", "doubt_state"]
_WORDS: Final = ["commentary", "management_action"]
_SELDOM: Final = [MONITORED, NOT_DUE]
"""Counts that a table leaves out where nothing is counted there."""


def recent_quarters(returns: Returns, quarter: Quarter | None = None) -> pd.DataFrame:
    """The due figures shown for each KPI in the report of `quarter` (that of the returns), rated.

    As many rows per KPI as the council's window says (six), in the order of the catalogue and of
    time; the last is the latest figure that was due by then. One that did not come is a row with
    status `not available`. Columns: those of `loading.due_figures`, `rating`, `not_rated_reason`,
    those of `direction_of_travel`, `with_doubts` and of `arrows`.

    Nothing is tested or compared across a redefinition (changes.csv) or a rebase: `series_from`
    says since when the figure's series is as it is.
    """
    council = returns.council
    rows = rated(due_rows(returns, quarter or returns.quarter, council.window), council)
    series = _series(rows)
    now = rows[series == series.groupby(rows["kpi_id"]).transform("last")]
    least, significance = council.minimum_points, council.significance
    directed = direction_of_travel(now, significance=significance, minimum_points=least)
    lines = directed.drop_duplicates("kpi_id")[["kpi_id", *DIRECTED]]
    return with_doubts(rows.merge(lines, on="kpi_id", how="left"), returns.figures)


def due_rows(returns: Returns, quarter: Quarter, window: int) -> pd.DataFrame:
    """The last `window` due figures of each KPI for the report of a quarter, with their arrows."""
    # longer by a year, so that the first row shown has its comparisons as well
    longer = with_series(due_figures(returns, quarter, window + _YEAR), returns)
    rows = with_arrows(with_earlier_figures(longer), returns.council)
    return rows.groupby("kpi_id", sort=False).tail(window).reset_index(drop=True)


def rated(figures: pd.DataFrame, council: Council) -> pd.DataFrame:
    """`figures` with `rating`, `not_rated_reason` and `band`, by the council's schemes."""
    words = {name: within(word) for name, word in council.words.items()}
    return rate(figures, council.schemes, milestones=council.milestones, words=words)


def with_series(figures: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """Add `series_from`: since when the figure's series is as it is, null where it never changed. A
    quarter for a redefinition (the first report with it), a day for a rebase; texts stand in the
    order of time."""
    changes = returns.changelog[returns.changelog["change"] == "redefined"]
    since = pd.Series(pd.NA, index=figures.index, dtype="str")
    for change in rows_of(changes.sort_values("from_quarter")):
        of, first = figures["kpi_id"] == change["kpi_id"], change["from_quarter"]
        since = since.mask(of & (figures["due_quarter"] >= first), first)
    for rebase in rows_of(returns.rebases.sort_values("date")):
        of = figures["kpi_id"] == rebase["kpi_id"]
        after = figures["period_end"] >= pd.Timestamp(rebase["date"])
        since = since.mask(of & after, rebase["date"])
    return figures.assign(series_from=since)


def score(recent: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """One row per KPI: its last row of `recent`, the due figure before as `previous_…`, commentary.

    Adds `previous_` … `quarter`, `period`, `value`, `rating` (by the lines of its own period),
    `target`, `floor_standard`, `status`, `doubt_state` and `comparable` (False across a
    redefinition); `commentary`, `management_action` (both with the figures for their tokens),
    `author`, `commentary_status`; `arrow` and `arrow_change` (the first that council.toml shows);
    and `illustrative`: whether anything shown for the KPI is invented.
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
    """The commentary on whole sections, with the figures of `kpis` for its tokens."""
    about, quarter = returns.commentary[returns.commentary["kpi_id"].isna()], returns.quarter
    figures = [
        section_figures(rating_counts(kpis[kpis["section"] == name], returns.council), quarter)
        for name in about["section"]
    ]
    return about.assign(commentary=_filled(about["commentary"], figures))


def first_report(returns: Returns) -> bool:
    """Whether nothing was received before this quarter: no earlier report to compare with."""
    return not known_by(returns, returns.quarter.shift(-1))


def report_before(returns: Returns) -> bool:
    """Whether the quarter before had returns of its own: else no report of it was ever printed."""
    return returns.quarter.shift(-1).label in set(returns.submissions["received"])


def known_by(returns: Returns, quarter: Quarter) -> bool:
    """Whether anything had been received by then."""
    return bool((returns.submissions["received"] <= quarter.label).any())


def earlier_reports(returns: Returns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scorecard of the previous report, by what had been received by then, and that of its
    quarter as known now.

    Where nothing was received with the previous quarter both are by what is known now; without a
    single figure of that quarter in a first report they have no rows, and there is nothing to
    compare with.
    """
    before = returns.quarter.shift(-1)
    if not report_before(returns):
        same = quarter_before(returns)
        if first_report(returns) and same["value"].isna().all():
            same = same.head(0)
        return same, same
    then = as_known_at(returns, before)
    return score(recent_quarters(then), then), quarter_before(returns)


def quarter_before(returns: Returns) -> pd.DataFrame:
    """The scorecard a quarter earlier, by what is known now: like for like."""
    return score(recent_quarters(returns, returns.quarter.shift(-1)), returns)


def ratings_of(council: Council = DEFAULT_COUNCIL) -> tuple[str, ...]:
    """What a KPI can count as: the default bands, those of other schemes, `Not rated` and the like.
    A band of another scheme counts with that of the same name."""
    schemes = [council.schemes[""], *council.schemes.values()]
    bands = dict.fromkeys(band.name for scheme in schemes for band in scheme.bands)
    return (*bands, NOT_RATED, MONITORED, NOT_DUE)


def trends_of(council: Council = DEFAULT_COUNCIL) -> tuple[str, ...]:
    """The words of the arrow that is counted, the first that council.toml shows."""
    return TRENDS if council.arrows[0] == TREND_ARROW else (BETTER, UNCHANGED, WORSE)


def in_last_band(kpis: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> pd.Series:
    """Whether each KPI has the last band of its scheme, which asks for an action."""
    last = {name: scheme.bands[-1].name for name, scheme in council.schemes.items()}
    return kpis["rating"] == kpis["scheme"].map(last).fillna(last[""])


def counted(kpis: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> pd.Series:
    """What each KPI counts as: its rating. With `not_due = "apart"` a KPI whose rating stands from
    an earlier report, or that was never due yet, counts as `Not due`; one that is late stays
    `Not rated`."""
    if council.not_due != "apart":
        return kpis["rating"]
    stands = ~kpis["is_due"] & ~kpis["rating"].isin((NOT_RATED, MONITORED))
    return kpis["rating"].mask(stands | (kpis["not_rated_reason"] == NOT_YET_DUE), NOT_DUE)


def rating_counts(kpis: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> dict[str, int]:
    """How many KPIs there are (`kpis`), and of each of `ratings_of`, which add up to that."""
    ratings = Counter(counted(kpis, council))
    return {"kpis": len(kpis), **{name: ratings[name] for name in ratings_of(council)}}


def counts(kpis: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> dict[str, int]:
    """How many KPIs: {`kpis`, each of `ratings_of`, each of `trends_of`, `other`}.

    The ratings add up to `kpis`, and so do the directions with `other` (not enough data, not
    testable).
    """
    trends = trends_of(council)
    arrows = Counter(kpis["direction_of_travel" if trends == TRENDS else "arrow"])
    there = {name: arrows[name] for name in trends}
    return rating_counts(kpis, council) | there | {"other": len(kpis) - sum(there.values())}


def matrix(kpis: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> pd.DataFrame:
    """The `counts` by section and in total, a column each after `section`."""
    sections = [*kpis.groupby("section", sort=False), ("Total", kpis)]
    return _compact([{"section": name, **counts(rows, council)} for name, rows in sections])


def _compact(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A table of counts, without columns for what few councils have where nothing is in them."""
    table = pd.DataFrame(rows)
    return table.drop(columns=[name for name in _SELDOM if not table[name].any()])


def rating_history(returns: Returns, kpis: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """How many KPIs had each rating in the last reports, each as printed then: `quarter`, ratings.
    As many as the window says. The last row is this report's (`kpis`), that above it the previous
    one's (`before`, as `earlier_reports` gives it). Quarters in which nothing was received have no
    row."""
    received = sorted(Quarter.parse(label) for label in returns.submissions["received"].unique())
    last, first = returns.quarter.shift(-1), returns.quarter.shift(-returns.council.window)
    older = [then for then in received if first < then < last]
    rows = {then: due_rows(as_known_at(returns, then), then, 1) for then in older}
    reports = dict[str, pd.DataFrame]()
    if rows:
        every = pd.concat([one.assign(report=then.label) for then, one in rows.items()])
        every = rated(every.reset_index(drop=True), returns.council)
        reports = {str(label): table for label, table in every.groupby("report")}
    if last in received:
        reports[last.label] = before
    reports[returns.quarter.label] = kpis
    counted = {label: rating_counts(table, returns.council) for label, table in reports.items()}
    table = _compact([{"quarter": label, **ratings} for label, ratings in counted.items()])
    return table.drop(columns="kpis")


def report_tables(returns: Returns) -> dict[str, pd.DataFrame]:
    """A report's tables: `KPIs` (the scorecard), `Quarters` (the rows shown), `Counts`."""
    recent = recent_quarters(returns)
    kpis = score(recent, returns)
    return {"KPIs": kpis, "Quarters": recent, "Counts": matrix(kpis, returns.council)}


def movers(kpis: pd.DataFrame) -> pd.DataFrame:
    """The KPIs due now whose rating differs from that of their previous due figure."""
    known = kpis["previous_rating"].notna()
    return kpis[kpis["is_due"] & known & (kpis["rating"] != kpis["previous_rating"])]


def _with_first_arrow(kpis: pd.DataFrame, council: Council) -> pd.DataFrame:
    """Add `arrow`, `arrow_change`, and `arrows_differ`: the trend points another way."""
    first, trend = council.arrows[0], kpis["direction_of_travel"]
    names = (f"arrow_{first}", f"change_{first}")
    names = ("direction_of_travel", "slope") if first == TREND_ARROW else names
    others = kpis[[f"arrow_{kind}" for kind in council.arrows if kind != TREND_ARROW]]
    up = (trend == TRENDS[0]) & (others == WORSE).any(axis=1)
    down = (trend == TRENDS[-1]) & (others == BETTER).any(axis=1)
    return kpis.assign(arrow=kpis[names[0]], arrow_change=kpis[names[1]], arrows_differ=up | down)


def _series(rows: pd.DataFrame) -> pd.Series:
    return rows["series_from"].fillna("")


def _filled(texts: pd.Series, figures: Sequence[dict[str, str | None]]) -> object:
    pairs = zip(texts, figures, strict=True)
    words = [filled(text, values) if isinstance(text, str) else text for text, values in pairs]
    return pd.array(words, dtype="str")
