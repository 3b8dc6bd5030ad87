"""What the limits say about a series as a whole, in the words a committee needs (METHOD.md,
"Anomalies"). Takes the table that `variation.special_causes` made. `why` explains one point,
`reading` one KPI: both take a plain mapping."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.errors import InputError
from kpi_tools.frames import Words, in_order
from kpi_tools.kinds import PRIMES, RUN, XMR, G
from kpi_tools.limits import EXACT, FEWEST_FOR_RUNS, carried_away
from kpi_tools.rating import meets
from kpi_tools.rows import is_number, rows_of
from kpi_tools.units import ends_of
from kpi_tools.wording import capitalised, plural, show

BY_LUCK: Final = "but the limits say that it will miss by chance"
_MIDDLE: Final = 3
_ONLY_LIMITS = "Only the limits are tested"


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


def why(point: Mapping[str, Any]) -> str:
    """One sentence on why a point is flagged or, as often asked, why not: from a row of the
    classified table, with `unit`, `decimals` and `status` where they are there."""
    limits = str(point["limits"])
    if limits == words.NOT_CHARTED:
        return f"Not charted: {words.LIMIT_MEANINGS[words.NOT_CHARTED]}."
    value = point["value"]
    if not is_number(value):
        status = point.get("status")
        reason = f" ({status})" if isinstance(status, str) and status else ""
        return f"No figure for this period{reason}: nothing to judge."
    if limits == words.NO_LIMITS:
        return f"Not judged: {words.LIMIT_MEANINGS[words.NO_LIMITS]}."

    def figure(name: str) -> str:
        places = _places(point) + (name != "value")
        return show(float(point[name]), str(point.get("unit") or ""), places)

    side = "above" if value > point["mean"] else "below"
    if isinstance(point["rule"], str):
        return _why_flagged(point, figure, side)
    inside = f"{figure('value')} lies within the usual range of {usual_range(point)}"
    return f"Not flagged: {_why_not(point, inside, side)}."


def usual_range(point: Mapping[str, Any]) -> str:
    """The range between the limits in words: `62% to 71%`, or `up to 71%` where the measure cannot
    be lower anyway. Uses the limits and, where they are there, `unit`, `decimals`, `range_low` and
    `range_high` (else those of the unit)."""
    if point["limits"] == words.RUN_CHART:
        return "none: a run chart has no limits"
    (low, high), unit = ends_of(point), str(point.get("unit") or "")
    ends = [point[name] for name in ("lower_limit", "upper_limit")]
    lower, upper = (show(float(end), unit, _places(point) + 1) for end in ends)
    down, up = is_number(ends[0]) and ends[0] >= low, is_number(ends[1]) and ends[1] <= high
    if not (down and ends[0] > low) and not (up and ends[1] < high):
        return "all that it can be"
    if not down:
        return f"up to {upper}"
    return f"{lower} to {upper}" if up else f"{lower} and more"


def if_today(point: Mapping[str, Any], today: date) -> str:
    """Of the latest of days between events: what it would be if one happened today, the last day
    that is reported on."""
    days = (today - point["period_end"].date()).days
    if days < 1:
        return ""
    when, after = f"{today.day} {today:%B %Y}", plural(days, "day")
    opening = f"If one happened today ({when}), {after} after the last"
    if point["limits"] in (words.NO_LIMITS, words.NO_VARIATION):
        return f"{opening}, nothing could be said of it yet."
    side = "longer than" if days > point["upper_limit"] else "within"
    side = "shorter than" if days < point["lower_limit"] else side
    return f"{opening}, that would be {side} the usual range of {usual_range(point)}."


def _places(point: Mapping[str, Any]) -> int:
    """The decimals of a figure."""
    decimals = point.get("decimals")
    return int(decimals) if is_number(decimals) else 1


def _why_flagged(point: Mapping[str, Any], figure: Callable[[str], str], side: str) -> str:
    """The sentence for a point with a `rule`."""
    cause, rule = str(point["special_cause"]), point["rule"]
    article = "an" if cause[0] in "aeiou" else "a"
    verdict = "Flagged as unusual" if cause == words.NEUTRAL else f"Flagged as {article} {cause}"
    mean = f"{side} the {centre_of(point)} of {figure('mean')}"
    run = f"it is one of {abs(int(point['run']))} figures in a row {mean}; by chance"
    if rule == words.OUTSIDE:
        end = "upper" if side == "above" else "lower"
        usual = "the figures behind the limits were all the same"
        if point["limits"] != words.NO_VARIATION:
            usual = f"the usual range is {usual_range(point)}"
        limit = f"the {end} process limit of {figure(f'{end}_limit')}"
        reason = f"{figure('value')} is {side} {limit} ({usual})"
    elif rule == words.TREND:
        reason = "it is part of seven or more figures in a row that all rise or all fall"
    elif rule == words.LONG_RUN:
        reason = f"{run} {_most(point)}"
    elif rule == words.FEW_CROSSINGS:
        reason = f"the figures cross {_crossed(point)}, and this one lies {mean}"
    elif rule == words.SHIFT:
        reason = f"{run} seven are rare"
    else:
        outer = "lie in the outer third of the usual range"
        reason = f"at least two of three figures in a row {outer}, {mean}"
    return f"{verdict}: {reason}."


def _why_not(point: Mapping[str, Any], inside: str, side: str) -> str:
    """Why a point has no `rule`."""
    limits = point["limits"]
    if limits == words.NO_VARIATION:
        return words.LIMIT_MEANINGS[words.NO_VARIATION]
    if int(point["overlap"]) > 1:
        if limits == words.RUN_CHART:
            return "rolling figures share most of their data, so their runs say nothing"
        wider = ", and they are widened" if point.get("chart", XMR) in (XMR, *PRIMES) else ""
        because = "because rolling figures share most of their data"
        return f"{inside}. {_ONLY_LIMITS}{wider}, {because}"
    if int(point["baseline_points"]) < FEWEST_FOR_RUNS and limits != words.RUN_CHART:
        return f"{inside}. {_ONLY_LIMITS}, because there are fewer than {FEWEST_FOR_RUNS} figures"
    if limits == words.LIMITS_ALONE:
        return f"{inside}. {capitalised(words.LIMIT_MEANINGS[words.LIMITS_ALONE])}"
    run, steps, centre = abs(int(point["run"])), int(point["steps"]), centre_of(point)
    where = f"it lies on the {centre}"
    if run:
        usual = _most(point) if limits == words.RUN_CHART else "seven make a shift"
        where = f"its run {side} the {centre} is {run} long ({usual})"
    if limits == words.RUN_CHART:
        return f"{where}, and the figures cross {_crossed(point)}"
    move = "it follows no rise or fall"
    if steps:
        kind = "rises" if steps > 0 else "falls"
        move = f"its run of {kind} is {abs(steps)} long (six make a trend)"
    return f"{inside}; {where}, and {move}"


def centre_of(point: Mapping[str, Any]) -> str:
    """What the middle line of a chart is."""
    return "median" if point.get("chart") in (RUN, G) else "mean"


def _most(point: Mapping[str, Any]) -> str:
    return f"a run of {int(point['longest_run_max'])} may come about"


def _crossed(point: Mapping[str, Any]) -> str:
    fewest = f"{int(point['crossings_min'])} or more by chance"
    return f"the median {plural(int(point['crossings']), 'time')} ({fewest})"
