"""What the limits say about a series as a whole, in the words a committee needs (METHOD.md, "Anomalies").

Takes the table that `variation.special_causes` made. `why` explains one point, `reading` one KPI: both take a plain mapping.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Words, in_order
from kpi_tools.kinds import PRIMES, RUN, XMR, G
from kpi_tools.limits import EXACT, FEWEST_FOR_RUNS, carried_away
from kpi_tools.rating import meets
from kpi_tools.units import unit_family
from kpi_tools.vocabulary import (
    CLOSEST,
    COMMON_CAUSE,
    CONCERN,
    FAILS,
    FEW_CROSSINGS,
    HIGHER,
    HIT_OR_MISS,
    IMPROVEMENT,
    LIMIT_MEANINGS,
    LIMITS_ALONE,
    LONG_RUN,
    LOWER,
    MONITORED,
    NEGATIVE,
    NEUTRAL,
    NO_LIMITS,
    NO_TARGET,
    NO_VARIATION,
    NOT_CHARTED,
    NOT_DESCRIBED,
    NOT_RATED,
    NOT_REPORTED,
    OUTSIDE,
    PASSES,
    POSITIVE,
    RUN_CHART,
    SHIFT,
    SPECIAL_CAUSES,
    STABLE,
    TREND,
    UNKNOWN_POLARITY,
)
from kpi_tools.wording import capitalised, plural, show

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
    """The latest row of each series of `special_causes`, with `variation` (the special cause of its point, or why none) and
    `assurance`: on which side of the limits of its baseline the target lies, or a state that says why that cannot be told.

    A limit itself lies between them; without variation the mean is compared. Polarity `target` passes where both limits lie
    inside the target's band, as wide as `tolerance`, else half the way to `floor_standard`. `target` and `tolerance` are
    columns or numbers. Raises `InputError` where a column, or the special causes, are not there.
    """
    rows = in_order(
        classified, by, period, named={"value": value, "target": target, "tolerance": tolerance}
    )
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
    closest = rows.is_polarity(polarity, CLOSEST)[last]
    width = rows.either(tolerance, "tolerance")[last]
    half = np.abs(rows.either(None, "floor_standard")[last] - aim) / 2
    width = np.where(closest, np.nan_to_num(np.where(np.isnan(width), half, width)), 0.0)
    slack = np.maximum(np.abs(aim), 1) * EXACT + width
    low, high = low[last], high[last]
    side = (low > aim + slack).astype(int) - (high < aim - slack)
    inside = (low >= aim - slack) & (high <= aim + slack)
    better = rows.better(polarity)[last]
    not_charted, no_limits, runs = (
        rows.is_word("limits", word)[last] for word in (NOT_CHARTED, NO_LIMITS, RUN_CHART)
    )
    states = {
        NOT_CHARTED: not_charted,
        NO_LIMITS: no_limits | runs,
        NO_TARGET: np.isnan(aim),
        UNKNOWN_POLARITY: (better == 0) & ~closest,
        NOT_DESCRIBED: undescribed,
        PASSES: inside | (side * better > 0),
        FAILS: (side * better < 0) | (closest & (side != 0)),
        HIT_OR_MISS: ~not_charted,
    }
    causes = {word: rows.is_word("special_cause", word)[last] for word in SPECIAL_CAUSES}
    why_none = {NOT_CHARTED: not_charted, NOT_REPORTED: np.isnan(y[last]), NO_LIMITS: no_limits}
    variations = {**why_none, **causes, COMMON_CAUSE: ~not_charted}
    return rows.rows(last, variation=Words.first_of(variations), assurance=Words.first_of(states))


def reading(
    kpi: Mapping[str, Any], bands: int = 3, *, alone_meets: bool = False, target: str = "target"
) -> str | None:
    """Rating and assurance in one sentence; None where there is none, or where something else that is tested contradicts it.

    Limits describe a process that stays as it is. Where it was tested to improve, a Green is not luck and a Red does not
    stay; where it gets worse, none can be relied on; and what one month or quarter alone reaches can be reached.

    Args:
        kpi: `rating`, `band` (its place, the best 1), `assurance`, and where known `variation`, `direction_of_travel`,
            `value`, `target`, `polarity`: a lower band than the best may meet the target, too.
        bands: How many bands the KPI's scheme has.
        alone_meets: Whether the latest month or quarter alone meets the line that the figure misses.
        target: What the target is called.
    """
    rating, place, state = kpi["rating"], kpi.get("band"), kpi.get("assurance")
    if place is None or not is_known(place) or state not in (PASSES, FAILS, HIT_OR_MISS):
        return None
    found = {kpi.get("variation"), kpi.get("direction_of_travel")}
    better, worse = bool({IMPROVEMENT, POSITIVE} & found), bool({CONCERN, NEGATIVE} & found)
    if _is_good(kpi):
        contradicted = {PASSES: worse, HIT_OR_MISS: better, FAILS: better}
        words = {
            PASSES: f"{rating}, and the process can be relied on to stay so",
            HIT_OR_MISS: f"{rating} by luck: expect to miss some quarters",
            FAILS: f"{rating} this time, although the process as it is misses the {target}",
        }
    else:
        lasting = (
            f"will stay {rating} until the process is redesigned"
            if place == bands
            else f"will not reach the {target} until the process is redesigned"
        )
        contradicted = {HIT_OR_MISS: worse, FAILS: better or alone_meets}
        words = {
            PASSES: "an unusual miss: find out what happened",
            HIT_OR_MISS: "an ordinary miss",
            FAILS: lasting,
        }
    return None if contradicted.get(state) else words[state]


def _is_good(kpi: Mapping[str, Any]) -> bool:
    """Whether the latest figure has the best band, or one that meets the target as well."""
    value, target, polarity = kpi.get("value"), kpi.get("target"), str(kpi.get("polarity"))
    sided = polarity in (HIGHER, LOWER) and is_known(value) and is_known(target)
    return kpi["band"] == 1 or bool(sided and meets(value, target, polarity))


def by_consequence(
    kpis: pd.DataFrame, bands: Mapping[str, int] | None = None, history: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The scorecard in the order in which it deserves attention, with `consequence`: why a KPI stands where it does.

    The worst band first, what gets worse before what is stable and that before what improves, the longest in that band
    first; then middle bands that get worse; the best that the limits say will miss by chance; what changed its rating; the
    rest by band. Getting worse needs the overlap-aware direction to agree, where it can be told.

    Args:
        kpis: Rows with `rating`, `band` and `direction_of_travel`; perhaps `gls_direction`, `assurance`, `previous_rating`.
        bands: How many bands the scheme of each name has (column `scheme`, the default ""). Default: three.
        history: Rated figures of each KPI, oldest first, for how long it has been in its band.
    """
    order = []
    counts = dict(bands or {"": 3})
    runs = _runs(history)
    for place, row in enumerate(kpis.to_dict("records")):
        group, why_here = _consequence(row, counts.get(row.get("scheme") or "", 3))
        order.append(
            (group, -runs.get(row.get("kpi_id"), 0) if group < _MIDDLE else 0, place, why_here)
        )
    order.sort()
    ordered = kpis.iloc[[place for _, _, place, _ in order]]
    return ordered.assign(consequence=[text for *_, text in order])


_MIDDLE: Final = 3
BY_LUCK: Final = "but the limits say that it will miss by chance"


def _consequence(row: Mapping[str, Any], bands: int) -> tuple[int, str]:
    rating, place = row["rating"], row.get("band")
    if rating == MONITORED:
        return 10, "monitored"
    if rating == NOT_RATED or place is None or not is_known(place):
        return 9, "not rated"
    second = row.get("gls_direction")
    way = row["direction_of_travel"]
    agreed = second not in (POSITIVE, STABLE, NEGATIVE) or second == way
    worse, improving = way == NEGATIVE and agreed, way == POSITIVE and agreed
    if place == bands:
        if worse:
            return 0, f"{rating} and getting worse"
        return (2, f"{rating}, improving") if improving else (1, f"{rating}, no clear change")
    if place > 1 and worse:
        return _MIDDLE, f"{rating} and getting worse"
    if _is_good(row) and row.get("assurance") == HIT_OR_MISS and reading(row, bands):
        return 4, f"{rating}, {BY_LUCK}"
    before = row.get("previous_rating", rating)
    if before not in (NOT_RATED, MONITORED, rating) and isinstance(before, str):
        return 5, "newly changed rating"
    return 6 if place > 1 else 7, rating


def _runs(history: pd.DataFrame | None) -> dict[Any, int]:
    """For how many figures in a row each KPI has had its latest rating."""
    if history is None:
        return {}
    found = {}
    for kpi_id, ratings in history.groupby("kpi_id", sort=False)["rating"]:
        texts = ratings.tolist()[::-1]
        found[kpi_id] = next((n for n, text in enumerate(texts) if text != texts[0]), len(texts))
    return found


def why(point: Mapping[str, Any]) -> str:
    """One sentence on why a point is flagged or, as often asked, why not: from a row of the classified table.

    Uses `value`, the limits, `rule`, `special_cause`, `run`, `steps` and, where they are there, `unit`, `decimals`,
    `status`.
    """
    limits = str(point["limits"])
    if limits == NOT_CHARTED:
        return f"Not charted: {LIMIT_MEANINGS[NOT_CHARTED]}."
    value = point["value"]
    if not is_known(value):
        status = point.get("status")
        reason = f" ({status})" if isinstance(status, str) and status else ""
        return f"No figure for this period{reason}: nothing to judge."
    if limits == NO_LIMITS:
        return f"Not judged: {LIMIT_MEANINGS[NO_LIMITS]}."

    def figure(name: str) -> str:
        return show(
            float(point[name]), str(point.get("unit") or ""), _places(point) + (name != "value")
        )

    side = "above" if value > point["mean"] else "below"
    if isinstance(point["rule"], str):
        return _why_flagged(point, figure, side)
    inside = f"{figure('value')} lies within the usual range of {usual_range(point)}"
    return f"Not flagged: {_why_not(point, inside, side)}."


def usual_range(point: Mapping[str, Any]) -> str:
    """The range between the limits in words: `62% to 71%`, or `up to 71%` where the measure cannot be lower anyway.

    Uses the limits and, where they are there, `unit`, `decimals`, `range_low` and `range_high` (else those of the unit).
    """
    unit, places = str(point.get("unit") or ""), _places(point) + 1
    family = unit_family(unit)
    given = (point.get("range_low"), point.get("range_high"))
    low, high = (
        other if end is None or pd.isna(end) else end
        for end, other in zip(given, (family.low, family.high), strict=True)
    )
    names = ("lower_limit", "upper_limit")
    lower, upper = (show(float(point[name]), unit, places) for name in names)
    down, up = (is_known(point[name]) for name in names)
    if point["limits"] == RUN_CHART:
        return "none: a run chart has no limits"
    if not (down and point["lower_limit"] > low) and not (up and point["upper_limit"] < high):
        return "all that it can be"
    if not down or point["lower_limit"] < low:
        return f"up to {upper}"
    return f"{lower} to {upper}" if up and point["upper_limit"] <= high else f"{lower} and more"


def if_today(point: Mapping[str, Any], today: date) -> str:
    """Of the latest of days between events: what it would be if one happened today, the last day that is reported on."""
    days = (today - point["period_end"].date()).days
    if days < 1:
        return ""
    opening = (
        f"If one happened today ({today.day} {today:%B %Y}), {plural(days, 'day')} after the last"
    )
    if point["limits"] in (NO_LIMITS, NO_VARIATION):
        return f"{opening}, nothing could be said of it yet."
    side = "within" if not days > point["upper_limit"] else "longer than"
    side = "shorter than" if days < point["lower_limit"] else side
    return f"{opening}, that would be {side} the usual range of {usual_range(point)}."


def _places(point: Mapping[str, Any]) -> int:
    decimals = point.get("decimals")
    return int(decimals) if decimals is not None and is_known(decimals) else 1


def _why_flagged(point: Mapping[str, Any], figure: Callable[[str], str], side: str) -> str:
    cause, rule = str(point["special_cause"]), point["rule"]
    article = "an" if cause[0] in "aeiou" else "a"
    verdict = "Flagged as unusual" if cause == NEUTRAL else f"Flagged as {article} {cause}"
    if rule == OUTSIDE:
        limit = "upper_limit" if side == "above" else "lower_limit"
        usual = f"the usual range is {usual_range(point)}"
        usual = (
            "the figures behind the limits were all the same"
            if point["limits"] == NO_VARIATION
            else usual
        )
        return f"{verdict}: {figure('value')} is {side} the {limit[:5]} process limit of {figure(limit)} ({usual})."
    if rule == TREND:
        return f"{verdict}: it is part of seven or more figures in a row that all rise or all fall."
    mean = f"{side} the {centre_of(point)} of {figure('mean')}"
    if rule == LONG_RUN:
        return f"{verdict}: it is one of {abs(int(point['run']))} figures in a row {mean}; by chance {_most(point)}."
    if rule == FEW_CROSSINGS:
        return f"{verdict}: the figures cross {_crossed(point)}, and this one lies {mean}."
    if rule == SHIFT:
        return f"{verdict}: it is one of {abs(int(point['run']))} figures in a row {mean}; by chance seven are rare."
    return f"{verdict}: at least two of three figures in a row lie in the outer third of the usual range, {mean}."


def _why_not(point: Mapping[str, Any], inside: str, side: str) -> str:
    if point["limits"] == NO_VARIATION:
        return LIMIT_MEANINGS[NO_VARIATION]
    if int(point["overlap"]) > 1:
        if point["limits"] == RUN_CHART:
            return "rolling figures share most of their data, so their runs say nothing"
        wider = ", and they are widened," if point.get("chart", XMR) in (XMR, *PRIMES) else ""
        return f"{inside}. {_ONLY_LIMITS}{wider or ','} because rolling figures share most of their data"
    if int(point["baseline_points"]) < FEWEST_FOR_RUNS and point["limits"] != RUN_CHART:
        return f"{inside}. {_ONLY_LIMITS}, because there are fewer than {FEWEST_FOR_RUNS} figures"
    if point["limits"] == LIMITS_ALONE:
        return f"{inside}. {capitalised(LIMIT_MEANINGS[LIMITS_ALONE])}"
    run, steps = abs(int(point["run"])), int(point["steps"])
    centre, runs = centre_of(point), point["limits"] == RUN_CHART
    where = (
        f"its run {side} the {centre} is {run} long ({_most(point) if runs else 'seven make a shift'})"
        if run
        else f"it lies on the {centre}"
    )
    if runs:
        return f"{where}, and the figures cross {_crossed(point)}"
    kind = "rises" if steps > 0 else "falls"
    move = (
        f"its run of {kind} is {abs(steps)} long (six make a trend)"
        if steps
        else "it follows no rise or fall"
    )
    return f"{inside}; {where}, and {move}"


def centre_of(point: Mapping[str, Any]) -> str:
    """What the middle line of a chart is."""
    return "median" if point.get("chart") in (RUN, G) else "mean"


def _most(point: Mapping[str, Any]) -> str:
    return f"a run of {int(point['longest_run_max'])} may come about"


def _crossed(point: Mapping[str, Any]) -> str:
    return f"the median {plural(int(point['crossings']), 'time')} ({int(point['crossings_min'])} or more by chance)"


def is_known(number: Any) -> bool:
    """Whether there is a finite number."""
    return number is not None and not pd.isna(number) and math.isfinite(number)
