"""What the limits say about a series as a whole, in the words a committee needs (METHOD.md,
"Anomalies"). Takes the table that `variation.special_causes` made; `reading` explains one KPI."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.errors import InputError
from kpi_tools.frames import Words, in_order
from kpi_tools.limits import EXACT, carried_away
from kpi_tools.rating import meets
from kpi_tools.rows import is_number, rows_of

BY_LUCK: Final = "but the limits say that it will miss by chance"
_MIDDLE: Final = 3


def assurance(
    classified: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    target: str | float | None = None,
    tolerance: str | float | None = None,
) -> Any:
    """The latest row of each series of `special_causes`, with `variation` (the special cause of the
    point, or why none) and `assurance`: on which side of the limits of its baseline the target
    lies, or a state that says why that cannot be told. A limit itself lies between them; without
    variation the mean is compared. `by`, `period` and `value` are as for `process_limits`;
    `polarity` is a column or one of `higher`, `lower`, `target`, which passes where both limits lie
    inside the target's band; `target` a column or a number, `tolerance` likewise half the width of
    that band, else half the way to `floor_standard`. Raises `InputError` where a column, or the
    special causes, are not there."""
    named = {"value": value, "target": target, "tolerance": tolerance}
    rows = in_order(classified, by, period, named=named)
    if "special_cause" not in rows.frame.columns:
        raise InputError("The table has no special causes: put it through special_causes first.")
    columns = (value, "lower_limit", "upper_limit", "mean", "baseline")
    y, low, high, mean, baseline = (rows.numbers(name) for name in columns)
    last, series = rows.last, rows.series
    noise = np.maximum(np.abs(mean), 1) * EXACT
    known = (baseline == baseline[last][series]) & ~np.isnan(y)
    outside = known & ((y > high + noise) | (y < low - noise))
    above = known & (y > mean[last][series])
    count, out, up = (np.bincount(series, one, len(last)) for one in (known, outside, above))
    undescribed = out * 2 > count
    for one in np.flatnonzero(np.minimum(up, count - up) == 1):
        span = rows.spans[one]
        undescribed[one] |= carried_away(y[span][known[span]])
    aim = rows.either(target, "target")[last]
    closest = rows.is_polarity(polarity, words.CLOSEST)[last]
    width = rows.either(tolerance, "tolerance")[last]
    half = np.abs(rows.either(None, "floor_standard")[last] - aim) / 2
    width = np.where(closest, np.nan_to_num(np.where(np.isnan(width), half, width)), 0.0)
    slack = np.maximum(np.abs(aim), 1) * EXACT + width
    low, high = low[last], high[last]
    side = (low > aim + slack).astype(int) - (high < aim - slack)
    inside = (low >= aim - slack) & (high <= aim + slack)
    better = rows.better(polarity)[last]
    not_charted, no_limits, runs = (
        rows.is_word("limits", word)[last]
        for word in (words.NOT_CHARTED, words.NO_LIMITS, words.RUN_CHART)
    )
    states = {
        words.NOT_CHARTED: not_charted,
        words.NO_LIMITS: no_limits | runs,
        words.NO_TARGET: np.isnan(aim),
        words.UNKNOWN_POLARITY: (better == 0) & ~closest,
        words.NOT_DESCRIBED: undescribed,
        words.PASSES: inside | (side * better > 0),
        words.FAILS: (side * better < 0) | (closest & (side != 0)),
        words.HIT_OR_MISS: ~not_charted,
    }
    causes = {word: rows.is_word("special_cause", word)[last] for word in words.SPECIAL_CAUSES}
    why_none = {words.NOT_CHARTED: not_charted, words.NOT_REPORTED: np.isnan(y[last])}
    why_none[words.NO_LIMITS] = no_limits
    variations = {**why_none, **causes, words.COMMON_CAUSE: ~not_charted}
    return rows.rows(last, variation=Words.first_of(variations), assurance=Words.first_of(states))


def reading(
    kpi: Mapping[str, Any], bands: int = 3, *, alone_meets: bool = False, target: str = "target"
) -> str | None:
    """Rating and assurance in one sentence; None where something else that is tested contradicts:
    limits describe a process that stays as it is. Where it was tested to improve, a Green is not
    luck and a Red does not stay; where it gets worse, none can be relied on; and what the latest
    month or quarter alone meets (`alone_meets`) can be met. `kpi` has `rating`, `band` (its place
    of `bands`, the best 1), `assurance`, and where known `variation`, `direction_of_travel`,
    `value`, `target`, `polarity`: a lower band than the best may meet the target, too. `target` is
    what that is called."""
    rating, place, state = kpi["rating"], kpi.get("band"), kpi.get("assurance")
    if not is_number(place) or state not in (words.PASSES, words.FAILS, words.HIT_OR_MISS):
        return None
    found = {kpi.get("variation"), kpi.get("direction_of_travel")}
    better = bool({words.IMPROVEMENT, words.POSITIVE} & found)
    worse = bool({words.CONCERN, words.NEGATIVE} & found)
    if _is_good(kpi):
        contradicted = {words.PASSES: worse, words.HIT_OR_MISS: better, words.FAILS: better}
        sentence = {
            words.PASSES: f"{rating}, and the process can be relied on to stay so",
            words.HIT_OR_MISS: f"{rating} by luck: expect to miss some quarters",
            words.FAILS: f"{rating} this time, although the process as it is misses the {target}",
        }
    else:
        lasting = f"stay {rating}" if place == bands else f"not reach the {target}"
        contradicted = {words.HIT_OR_MISS: worse, words.FAILS: better or alone_meets}
        sentence = {
            words.PASSES: "an unusual miss: find out what happened",
            words.HIT_OR_MISS: "an ordinary miss",
            words.FAILS: f"will {lasting} until the process is redesigned",
        }
    return None if contradicted.get(state) else sentence[state]


def _is_good(kpi: Mapping[str, Any]) -> bool:
    """Whether the latest figure has the best band, or one that meets the target as well."""
    value, target, polarity = kpi.get("value"), kpi.get("target"), str(kpi.get("polarity"))
    sided = polarity in (words.HIGHER, words.LOWER) and is_number(value) and is_number(target)
    return kpi["band"] == 1 or bool(sided and meets(value, target, polarity))


def by_consequence(
    kpis: pd.DataFrame, bands: Mapping[str, int] | None = None, history: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The scorecard in the order in which it deserves attention, with why in `consequence`: the
    worst band first, what gets worse before what is stable and that before what improves, the
    longest in that band first; then middle bands that get worse; the best that the limits say will
    miss by chance; what changed its rating; the rest by band. Getting worse needs the overlap-aware
    direction (`gls_direction`) to agree, where it can be told. `bands`: how many bands the scheme
    of each name has, three by default; `history`: rated figures of each KPI, oldest first, for how
    long it has been in its band."""
    rows, counts, runs = rows_of(kpis), bands or {}, _runs(history)
    found = [_consequence(row, counts.get(row.get("scheme") or "", 3)) for row in rows]

    def urgency(place: int) -> tuple[int, int]:
        group = found[place][0]
        return group, -runs.get(rows[place].get("kpi_id"), 0) if group < _MIDDLE else 0

    order = sorted(range(len(rows)), key=urgency)
    return kpis.iloc[order].assign(consequence=[found[place][1] for place in order])


def _consequence(row: Mapping[str, Any], bands: int) -> tuple[int, str]:
    """The group of a KPI, the most urgent 0, and why it is in that."""
    rating, place = row["rating"], row.get("band")
    if rating == words.MONITORED:
        return 10, "monitored"
    if rating == words.NOT_RATED or not is_number(place):
        return 9, "not rated"
    second, way = row.get("gls_direction"), row["direction_of_travel"]
    if second in (words.POSITIVE, words.STABLE, words.NEGATIVE) and second != way:
        way = words.STABLE
    if place == bands:
        groups = {words.NEGATIVE: (0, " and getting worse"), words.POSITIVE: (2, ", improving")}
        group, how = groups.get(way, (1, ", no clear change"))
        return group, f"{rating}{how}"
    if place > 1 and way == words.NEGATIVE:
        return _MIDDLE, f"{rating} and getting worse"
    if _is_good(row) and row.get("assurance") == words.HIT_OR_MISS and reading(row, bands):
        return 4, f"{rating}, {BY_LUCK}"
    before = row.get("previous_rating", rating)
    if before not in (words.NOT_RATED, words.MONITORED, rating) and isinstance(before, str):
        return 5, "newly changed rating"
    return 6 if place > 1 else 7, rating


def _runs(history: pd.DataFrame | None) -> dict[Any, int]:
    """For how many figures in a row each KPI has had its latest rating."""
    if history is None:
        return {}
    return {
        kpi_id: len(list(next(groupby(reversed(ratings.tolist())))[1]))
        for kpi_id, ratings in history.groupby("kpi_id", sort=False)["rating"]
    }
