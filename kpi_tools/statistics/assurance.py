"""What the limits say about a series as a whole, in the words a committee needs (METHOD.md, "Anomalies").

Takes the table that `variation.special_causes` made, of any engine. `why` explains one point and takes a plain mapping.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.statistics.codes import flag, words
from kpi_tools.statistics.series import keys_of
from kpi_tools.vocabulary import (
    AMBER,
    CLOSEST,
    COMMON_CAUSE,
    FAILS,
    GREEN,
    HIGHER,
    HIT_OR_MISS,
    LIMIT_MEANINGS,
    LOWER,
    NEGATIVE,
    NEUTRAL,
    NO_LIMITS,
    NO_TARGET,
    NO_VARIATION,
    NOT_CHARTED,
    NOT_RATED,
    NOT_REPORTED,
    OUTSIDE,
    PASSES,
    RED,
    SHIFT,
    TREND,
    UNKNOWN_POLARITY,
)
from kpi_tools.words.wording import show

READINGS = {
    (GREEN, PASSES): "Green, and the process can be relied on to stay so",
    (GREEN, HIT_OR_MISS): "Green by luck: expect to miss some quarters",
    (GREEN, FAILS): "Green this time, although the process as it is misses the target",
    (AMBER, PASSES): "an unusual miss: find out what happened",
    (AMBER, HIT_OR_MISS): "an ordinary miss",
    (AMBER, FAILS): "will not reach the target until the process is redesigned",
    (RED, PASSES): "an unusual miss: find out what happened",
    (RED, HIT_OR_MISS): "an ordinary miss",
    (RED, FAILS): "will stay Red until the process is redesigned",
}
_ASSURANCES = {0: NO_TARGET, 1: UNKNOWN_POLARITY, 2: PASSES, 3: FAILS, 4: HIT_OR_MISS}
_EXACT = 1e-9
_FEWEST_FOR_RUNS = 8
_ONLY_LIMITS = "Only the limits are tested"


def assurance(
    classified: IntoFrameT,
    *,
    by: Sequence[str] | None = None,
    order_by: str = "period_end",
    value: str = "value",
) -> IntoFrameT:
    """The latest row of each series, with what its limits say: `variation`, `assurance` and, where there is `rating`,
    `reading`.

    `variation`: the special cause of the latest point, or common cause, not reported (no value), no limits, not
    charted. `assurance`: whether `target` lies beyond the limits of the latest baseline (consistently passes,
    consistently fails) or between them (hit or miss; a limit itself is between); without variation the mean is
    compared with the target. Polarity `target` passes where both limits lie inside the target's band (`tolerance`,
    else half the way to `floor_standard`). Otherwise a state in words: no target, no limits, not charted, polarity
    not known. `reading` joins rating and assurance.
    """
    frame: Any = nw.from_native(classified)
    names = frame.collect_schema().names()
    keys = keys_of(frame, by, order_by=order_by, value=value)
    if "special_cause" not in names:
        raise InputError(
            "The table has no special causes: put it through process_limits and special_causes first."
        )
    rows = frame if keys else frame.with_columns(_all=lit(0))
    rows = rows.with_columns(_latest=col(order_by).max().over(*(keys or ["_all"])))
    rows = rows.filter(col(order_by) == col("_latest")).with_columns(
        _value=_finite([value], value),
        _target=_finite(names, "target"),
        _band=_band(names),
        **_polarity(names),
    )
    noise = col("_target").abs().clip(lower_bound=1.0) * _EXACT + col("_band")
    rows = rows.with_columns(
        _stated=col("limits").is_in((NO_LIMITS, NOT_CHARTED)),
        _low=col("_target") - noise,
        _high=col("_target") + noise,
    )
    rows = rows.with_columns(
        _side=flag((col("lower_limit") > col("_high")).fill_null(False))
        - flag((col("upper_limit") < col("_low")).fill_null(False)),
        _inside=(
            (col("lower_limit") >= col("_low")) & (col("upper_limit") <= col("_high"))
        ).fill_null(False),
    )
    rows = rows.with_columns(
        _state=when(col("_stated") | col("_target").is_null()).then(lit(0))
        .when((col("_better") == 0) & (col("_closest") == 0)).then(lit(1))
        .when(col("_inside") | (col("_side") * col("_better") > 0)).then(lit(2))
        .when((col("_side") * col("_better") < 0) | ((col("_closest") == 1) & (col("_side") != 0))).then(lit(3))
        .otherwise(lit(4)),
        variation=when(col("limits") == NOT_CHARTED).then(lit(NOT_CHARTED))
        .when(col("_value").is_null()).then(lit(NOT_REPORTED))
        .when(col("_stated")).then(col("limits"))
        .otherwise(col("special_cause").fill_null(COMMON_CAUSE)),
    )  # fmt: skip
    rows = rows.with_columns(assurance=words(rows, "_state", _ASSURANCES)).with_columns(
        assurance=when(col("_stated")).then(col("limits")).otherwise(col("assurance"))
    )
    added = ["variation", "assurance"]
    if "rating" in names:
        known = {f"{rag}/{state}": reading for (rag, state), reading in READINGS.items()}
        rows = rows.with_columns(
            _both=nw.concat_str("rating", "assurance", separator="/")
        ).with_columns(
            reading=col("_both").replace_strict(
                list(known), list(known.values()), default=None, return_dtype=nw.String
            )
        )
        added.append("reading")
    return rows.select(*(name for name in names if name not in added), *added).to_native()


def _finite(names: Sequence[str], name: str) -> nw.Expr:
    if name not in names:
        return lit(None, dtype=nw.Float64)
    number = col(name).cast(nw.Float64)
    return when(number.is_finite()).then(number)


def _polarity(names: Sequence[str]) -> dict[str, nw.Expr]:
    if "polarity" not in names:
        return {"_better": lit(0), "_closest": lit(0)}
    known = col("polarity").cast(nw.String).fill_null("")
    return {
        "_better": flag(known == HIGHER) - flag(known == LOWER),
        "_closest": flag(known == CLOSEST),
    }


def _band(names: Sequence[str]) -> nw.Expr:
    """How far from the target still meets it: nothing, unless close to the target is what is wanted."""
    if "polarity" not in names:
        return lit(0.0)
    half = (_finite(names, "floor_standard") - _finite(names, "target")).abs() / 2
    band = (
        when(_finite(names, "tolerance").is_null())
        .then(half)
        .otherwise(_finite(names, "tolerance"))
    )
    return when(col("polarity") == CLOSEST).then(band).otherwise(lit(0.0)).fill_null(0.0)


def why(point: Mapping[str, Any]) -> str:
    """One sentence on why a point is flagged or, as often asked, why not: from a row of the classified table.

    Uses `value`, the limits, `rule`, `special_cause`, `run`, `steps` and, where they are there, `unit`, `decimals`,
    `status`.
    """
    limits = str(point["limits"])
    if limits == NOT_CHARTED:
        return f"Not charted: {LIMIT_MEANINGS[NOT_CHARTED]}."
    value = point["value"]
    if not _known(value):
        status = point.get("status")
        reason = f" ({status})" if isinstance(status, str) and status else ""
        return f"No figure for this period{reason}: nothing to judge."
    if limits == NO_LIMITS:
        return f"Not judged: {LIMIT_MEANINGS[NO_LIMITS]}."

    decimals = point.get("decimals")
    places = int(decimals) if decimals is not None and _known(decimals) else 1

    def figure(name: str) -> str:
        return show(float(point[name]), str(point.get("unit") or ""), places + (name != "value"))

    side = "above" if value > point["mean"] else "below"
    if isinstance(point["rule"], str):
        return _why_flagged(point, figure, side)
    inside = f"{figure('value')} lies within the usual range of {figure('lower_limit')} to {figure('upper_limit')}"
    return f"Not flagged: {_why_not(point, inside, side)}."


def _why_flagged(point: Mapping[str, Any], figure: Callable[[str], str], side: str) -> str:
    cause, rule = str(point["special_cause"]), point["rule"]
    article = "an" if cause[0] in "aeiou" else "a"
    verdict = "Flagged as unusual" if cause == NEUTRAL else f"Flagged as {article} {cause}"
    if rule == OUTSIDE:
        limit = "upper_limit" if side == "above" else "lower_limit"
        usual = f"usually it lies between {figure('lower_limit')} and {figure('upper_limit')}"
        usual = (
            "the figures behind the limits were all the same"
            if point["limits"] == NO_VARIATION
            else usual
        )
        return f"{verdict}: {figure('value')} is {side} the {limit[:5]} process limit of {figure(limit)} ({usual})."
    if rule == TREND:
        return f"{verdict}: it is part of seven or more figures in a row that all rise or all fall."
    mean = f"{side} the mean of {figure('mean')}"
    if rule == SHIFT:
        return f"{verdict}: it is one of {abs(int(point['run']))} figures in a row {mean}; by chance seven are rare."
    return f"{verdict}: at least two of three figures in a row lie in the outer third of the usual range, {mean}."


def _why_not(point: Mapping[str, Any], inside: str, side: str) -> str:
    if point["limits"] == NO_VARIATION:
        return LIMIT_MEANINGS[NO_VARIATION]
    if int(point["overlap"]) > 1:
        return f"{inside}. {_ONLY_LIMITS}, and they are widened, because rolling figures share most of their data"
    if int(point["baseline_points"]) < _FEWEST_FOR_RUNS:
        return f"{inside}. {_ONLY_LIMITS}, because there are fewer than {_FEWEST_FOR_RUNS} figures"
    run, steps = abs(int(point["run"])), int(point["steps"])
    where = (
        f"its run {side} the mean is {run} long (seven make a shift)"
        if run
        else "it lies on the mean"
    )
    kind = "rises" if steps > 0 else "falls"
    move = (
        f"its run of {kind} is {abs(steps)} long (six make a trend)"
        if steps
        else "it follows no rise or fall"
    )
    return f"{inside}; {where}, and {move}"


def _known(number: Any) -> bool:
    return number is not None and not pd.isna(number) and math.isfinite(number)


ORDER = (
    "Red and getting worse",
    "Green, but the limits say that it will miss by chance",
    "Amber and getting worse",
    "newly changed rating",
    "other Red",
    "other Amber",
    "other Green",
    "not rated",
)


def by_consequence(kpis: pd.DataFrame) -> pd.DataFrame:
    """The scorecard in the order in which it deserves attention, with `consequence`: why a KPI stands where it does.

    Needs `rating` and `direction_of_travel`; uses `assurance` and `previous_rating` where they are there. Within a group
    the order of the table stays.
    """
    nothing = pd.Series(None, index=kpis.index, dtype=object)
    rag, worse = kpis["rating"], kpis["direction_of_travel"] == NEGATIVE
    before = kpis.get("previous_rating", rag)
    groups = (
        (rag == RED) & worse,
        (rag == GREEN) & (kpis.get("assurance", nothing) == HIT_OR_MISS),
        (rag == AMBER) & worse,
        (rag != NOT_RATED) & (before != NOT_RATED) & (rag != before),
        rag == RED,
        rag == AMBER,
        rag == GREEN,
    )
    place = pd.Series(len(groups), index=kpis.index)
    for number in reversed(range(len(groups))):
        place = place.mask(groups[number].fillna(False).astype(bool), number)
    order = place.sort_values(kind="stable").index
    return kpis.assign(consequence=place.map(dict(enumerate(ORDER)))).loc[order]
