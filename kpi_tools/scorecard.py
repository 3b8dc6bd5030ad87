"""The quarter's scorecard: one row per KPI in force, its latest and previous figure, counts, and what moved.

`recent_quarters` chooses the rows once; rating, direction, chart and card all see the same ones.
"""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from kpi_tools.direction import direction_of_travel
from kpi_tools.doubts import with_doubts
from kpi_tools.loading import Council, Returns, as_known_at, with_targets
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.rating import floor_by_percentage, rate
from kpi_tools.vocabulary import (
    DIRECTIONS,
    ILLUSTRATIVE,
    NOT_AVAILABLE,
    NOT_RATED,
    PERCENTAGE,
    RAGS,
    TRENDS,
)
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.tokens import filled, kpi_figures, section_figures

_FIGURE = ["value", "numerator", "denominator", "status", "note", "received"]
_PREVIOUS = ["quarter", "value", "rating", "target", "floor_standard", "status"]
_OTHER = "other"


def recent_quarters(returns: Returns, quarter: Quarter | None = None) -> pd.DataFrame:
    """The quarters shown for each KPI in force in the report of `quarter` (default: that of the returns), rated.

    Exactly as many rows per KPI as the council's window says (six), in the order of the catalogue and of time, ending
    at the report's quarter or so many quarters earlier as the KPI lags. A quarter without a figure is a row with status
    `not available`. Columns: those of `returns.figures`, then `rating`, `not_rated_reason`, and those of
    `direction_of_travel` and `with_doubts`.
    """
    return _recent([(returns, quarter or returns.quarter)])[0]


def _recent(asked: Sequence[tuple[Returns, Quarter]]) -> list[pd.DataFrame]:
    """The table of `recent_quarters` for each: judged together, which takes little longer than one."""
    council = asked[0][0].council
    shown = [_shown(returns, quarter, council.window) for returns, quarter in asked]
    together = pd.concat(
        [table.assign(_asked=place) for place, table in enumerate(shown)], ignore_index=True
    )
    directed = direction_of_travel(
        judged(together, council), by=("_asked", "kpi_id"), significance=council.significance,
        minimum_points=council.minimum_points,
    )  # fmt: skip
    each = [directed[directed["_asked"] == place] for place in range(len(asked))]
    each = [table.drop(columns="_asked").reset_index(drop=True) for table in each]
    return [
        with_doubts(table, returns.figures) for table, (returns, _) in zip(each, asked, strict=True)
    ]


def judged(figures: pd.DataFrame, council: Council) -> pd.DataFrame:
    """`figures` with `rating` and `not_rated_reason`, by the council's scheme.

    Where that is a percentage, `floor_standard` becomes the target less (where lower is better: plus) so much of it.
    """
    by_scheme = (
        floor_by_percentage(figures, council.percent) if council.scheme == PERCENTAGE else figures
    )
    return rate(by_scheme)


def score(recent: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """One row per KPI: its last row of `recent`, the row before as `previous_…`, the same quarter last year, commentary.

    Adds `previous_quarter`, `previous_value`, `previous_rating` (judged by the previous target), `previous_target`,
    `previous_floor_standard`, `previous_status`, `year_ago_quarter`, `year_ago_value`, `year_ago_status`, `commentary`,
    `management_action` (both with the figures for their tokens), `author`, `commentary_status`, and `illustrative`:
    whether anything shown for the KPI is invented.
    """
    by_kpi = recent.groupby("kpi_id", sort=False)
    latest = by_kpi.nth(-1).reset_index(drop=True)
    previous = by_kpi.nth(-2).set_index("kpi_id")[_PREVIOUS].add_prefix("previous_")
    year_ago = (
        by_kpi.nth(-5).set_index("kpi_id")[["quarter", "value", "status"]].add_prefix("year_ago_")
    )
    words = returns.commentary.dropna(subset="kpi_id").set_index("kpi_id")
    words = words[["commentary", "management_action", "author", "status"]].rename(
        columns={"status": "commentary_status"}
    )
    invented = (
        (recent[["status", "target_status", "kpi_status"]] == ILLUSTRATIVE)
        .any(axis=1)
        .groupby(recent["kpi_id"])
        .any()
    )
    kpis = latest.join(previous, on="kpi_id").join(year_ago, on="kpi_id").join(words, on="kpi_id")
    return _with_figures(kpis.assign(illustrative=kpis["kpi_id"].map(invented)))


def section_words(returns: Returns, kpis: pd.DataFrame) -> pd.DataFrame:
    """The commentary on whole sections, as `returns.commentary` has it, with the figures of `kpis` for its tokens."""
    about = returns.commentary[returns.commentary["kpi_id"].isna()]
    counted = matrix(kpis).set_index("section").to_dict("index")
    words = {
        section: section_figures(counted.get(section, {}), returns.quarter)
        for section in about["section"]
    }
    said = [
        filled(text, words[section]) if isinstance(text, str) else text
        for section, text in zip(about["section"], about["commentary"], strict=True)
    ]
    return about.assign(commentary=pd.array(said, dtype="str"))


def earlier_reports(returns: Returns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The scorecard of the previous report, by what had been received by then, and that of its quarter as known now.

    The second is `quarter_before`; so is the first where nothing had been received (the first report).
    """
    before = returns.quarter.shift(-1)
    if before.label not in set(returns.submissions["received"]):
        same = quarter_before(returns)
        return same, same
    then = as_known_at(returns, before)
    printed, now = _recent([(then, before), (returns, before)])
    return score(printed, then), score(now, returns)


def quarter_before(returns: Returns, quarters: int = 1) -> pd.DataFrame:
    """The scorecard so many quarters earlier, by the figures as known now: the like-for-like comparison."""
    recent = recent_quarters(returns, returns.quarter.shift(-quarters))
    return score(recent, returns)


def matrix(kpis: pd.DataFrame) -> pd.DataFrame:
    """Counts by section and in total: `section`, `kpis`, Green, Amber, Red, Not rated, the three trends, `other`.

    Green + Amber + Red + Not rated = kpis, and the directions with `other` (not enough data, not testable) add up to kpis.
    """
    sections = kpis.groupby("section", sort=False)
    return pd.DataFrame(
        [
            *({"section": name, **counts(own)} for name, own in sections),
            {"section": "Total", **counts(kpis)},
        ]
    )


def counts(kpis: pd.DataFrame) -> dict[str, int]:
    """The last row of `matrix` as {word: count}; `kpis` is the number of KPIs."""
    rags, directions = Counter(kpis["rating"]), Counter(kpis["direction_of_travel"])
    other = sum(directions[state] for state in DIRECTIONS if state not in TRENDS)
    return {
        "kpis": len(kpis),
        **{rag: rags[rag] for rag in (*RAGS, NOT_RATED)},
        **{trend: directions[trend] for trend in TRENDS},
        _OTHER: other,
    }


def movement(kpis: pd.DataFrame, before: pd.DataFrame, like_for_like: pd.DataFrame) -> pd.DataFrame:
    """How each count changed: plainly against the previous report, and on the KPIs that are in both sets.

    Columns: `count` (a rating or direction), `now`, `previous` (as printed in the previous report), `change`,
    `same_now`, `same_previous` (the same KPIs, a quarter earlier, as known now), `same_change`.
    """
    shared = set(kpis["kpi_id"]) & set(like_for_like["kpi_id"])
    now, then = counts(kpis), counts(before)
    same_now = counts(kpis[kpis["kpi_id"].isin(shared)])
    same_then = counts(like_for_like[like_for_like["kpi_id"].isin(shared)])
    table = (
        pd.DataFrame(
            {"now": now, "previous": then, "same_now": same_now, "same_previous": same_then}
        )
        .rename_axis("count")
        .reset_index()
    )
    table["change"] = table["now"] - table["previous"]
    table["same_change"] = table["same_now"] - table["same_previous"]
    return table[["count", "now", "previous", "change", "same_now", "same_previous", "same_change"]]


def rating_history(returns: Returns, kpis: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """How many KPIs had each rating in the last six reports, each as printed then: `quarter`, Green, Amber, Red, Not rated.

    The last row is this report's (`kpis`), that above it the previous one's (`before`, as `earlier_reports` gives it).
    Quarters in which nothing was received have no row.
    """
    received = sorted(Quarter.parse(label) for label in returns.submissions["received"].unique())
    last, first = returns.quarter.shift(-1), returns.quarter.shift(-returns.council.window)
    shown = [
        _shown(as_known_at(returns, then), then, window=1).assign(report=then.label)
        for then in received
        if first < then < last
    ]
    reports = [judged(pd.concat(shown), returns.council)] if shown else []
    reports += [before.assign(report=last.label)] if last in received else []
    reports += [kpis.assign(report=returns.quarter.label)]
    ratings = pd.concat([report[["report", "rating"]] for report in reports])
    counted = {
        quarter: Counter(rags) for quarter, rags in ratings.groupby("report", sort=False)["rating"]
    }
    return pd.DataFrame(
        [
            {"quarter": quarter, **{rag: count[rag] for rag in (*RAGS, NOT_RATED)}}
            for quarter, count in counted.items()
        ]
    )


def report_tables(returns: Returns) -> dict[str, pd.DataFrame]:
    """The tables that go with a report, by sheet name: `KPIs` (the scorecard), `Quarters` (the rows shown), `Counts`."""
    recent = recent_quarters(returns)
    kpis = score(recent, returns)
    return {"KPIs": kpis, "Quarters": recent, "Counts": matrix(kpis)}


def movers(kpis: pd.DataFrame) -> pd.DataFrame:
    """The KPIs whose rating differs from that of the previous quarter, in report order."""
    return kpis[kpis["rating"] != kpis["previous_rating"]]


def _shown(returns: Returns, last: Quarter, window: int) -> pd.DataFrame:
    kpis = in_force(returns.catalogue, last)
    rows = [
        (kpi_id, shown.label, pd.Timestamp(shown.end))
        for kpi_id, lag in zip(kpis["kpi_id"], kpis["lag_quarters"], strict=True)
        for shown in quarter_range(last.shift(-int(lag)), window)
    ]
    grid = pd.DataFrame(rows, columns=["kpi_id", "quarter", "period_end"])
    figures = returns.figures[["kpi_id", "quarter", *_FIGURE]]
    recent = grid.merge(kpis, on="kpi_id", how="left").merge(
        figures, on=["kpi_id", "quarter"], how="left"
    )
    recent["status"] = recent["status"].fillna(NOT_AVAILABLE)
    return with_targets(recent, returns.targets)


def _with_figures(kpis: pd.DataFrame) -> pd.DataFrame:
    figures = [kpi_figures(kpi) for kpi in rows_of(kpis)]
    columns = {
        name: [
            filled(text, own) if isinstance(text, str) else text
            for text, own in zip(kpis[name], figures, strict=True)
        ]
        for name in ("commentary", "management_action")
    }
    return kpis.assign(**{name: pd.array(texts, dtype="str") for name, texts in columns.items()})


def in_force(catalogue: pd.DataFrame, quarter: Quarter) -> pd.DataFrame:
    """The KPIs of the catalogue that are in the set in the report of `quarter`."""
    first = catalogue["first_quarter"].map(Quarter.parse)
    last = [
        quarter if pd.isna(label) else Quarter.parse(label) for label in catalogue["last_quarter"]
    ]
    kpis = catalogue[[a <= quarter <= b for a, b in zip(first, last, strict=True)]]
    # that a KPI leaves the set later is not known yet
    return kpis.assign(
        last_quarter=kpis["last_quarter"].where(kpis["last_quarter"] == quarter.label)
    )
