"""Special causes: which figures are more than usual variation (METHOD.md, "Anomalies").

    classified = special_causes(table)   # kpi_id, period_end, value and, for good or bad, polarity
    latest = assurance(classified)       # and target (kpi_tools.assurance)

Arrays are in the order of series and time. No rule crosses the start of a stretch (series,
baseline, gap).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from kpi_tools import vocabulary as words
from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Words, in_order
from kpi_tools.kinds import WITH_PARTS, charted, expected_runs
from kpi_tools.limits import EXACT, FEWEST_FOR_RUNS, LIMITED, RUNS, process_limits
from kpi_tools.rebases import RUN
from kpi_tools.schemes import one_of

_CAUSES = (None, words.CONCERN, words.NEUTRAL, words.IMPROVEMENT)


def special_causes(
    series: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    polarity: str = "polarity",
    profile: str = "plotthedots",
    **options: Any,
) -> Any:
    """Add which points are special causes: the first rule that holds, good or bad.

    Args:
        series: A table, with process limits of the same `value`, or without: then they are added.
        by: As for `process_limits`, like `period` and `value`.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.
            Without it causes are neutral.
        profile: Whether a point beyond a limit counts among the two in three (`mdc`) or not
            (`plotthedots`).
        **options: `chart`, `screen`, `fix`, `rebase`, `overlap` of `process_limits`, where the
            limits are added; `numerator` and `denominator`, as there.

    Returns:
        The table with `run` (length of the run of figures on one side of the mean, negative below
        it), `steps` (of the run of rises, negative for falls), `rule` (one of `vocabulary.RULES` or
        null) and `special_cause`: improvement, concern, neutral, or null for common cause. Where
        fewer than 8 points make the limits, and for overlapping figures, only the limits are
        tested. A run chart has the rules of Anhøj, and where there is one the table has
        `longest_run`, `longest_run_max`, `crossings` and `crossings_min` of each baseline.

    Raises:
        InputError: As `process_limits`; also where the limits in the table are not of `value`.
    """
    if profile not in words.PROFILES:
        there = one_of(profile, words.PROFILES)
        raise InputError(f'There is no profile "{profile}"; there are {there}.')
    parts = {name: options.pop(name) for name in ("numerator", "denominator") if name in options}
    if "mean" not in nw.from_native(series).collect_schema().names():
        series = process_limits(series, by=by, period=period, value=value, **parts, **options)
    elif options:
        raise InputError(
            f'The table has limits already: leave "{min(options)}" away, or the columns of limits.'
        )
    rows = in_order(series, by, period, named={"value": value})
    if missing := [name for name in LIMITED if name not in rows.frame.columns]:
        raise InputError(
            f'The table has process limits without "{missing[0]}": put it through process_limits '
            "again."
        )
    figures = charted(rows, value, "chart", **parts)
    limits = {name: rows.numbers(name) for name in LIMITED[:-2]}
    ranges = limits["moving_range"]
    other = ~np.isnan(ranges) & ~np.isclose(ranges, np.abs(np.diff(figures.y, prepend=np.nan)))
    if other.any():
        raise InputError(
            f'The limits in the table are not those of "{value}": see '
            f"{rows.row_of(int(np.argmax(other)))}. Put it through process_limits with value="
            f'"{value}".'
        )
    y = np.where(rows.is_word("limits", words.NOT_CHARTED), np.nan, figures.y)
    few, alone, none, runs = (
        rows.is_word("limits", word)
        for word in (words.TRIAL, words.LIMITS_ALONE, words.NO_LIMITS, words.RUN_CHART)
    )
    better = rows.better(polarity)
    z = np.where(figures.among(WITH_PARTS), (y - limits["mean"]) * np.sqrt(figures.size), y)
    columns = signalled(y, limits, few | alone, better, profile, none | runs, z)
    if runs.any():
        begins = rows.first | (np.diff(limits["baseline"], prepend=0) != 0)
        columns |= _of_runs(y, limits, runs, np.cumsum(begins) - 1, better, columns)
    return rows.with_columns(**columns)


def signalled(
    y: Array, limits: dict[str, Any], few: Array, way: Array, profile: str, none: Array, z: Array
) -> dict[str, Any]:
    """The columns of `CAUSES`. `few`: where too few figures make the limits for any rule but the
    first; `none`: where there are no limits; `z`: the figures on a scale on which neighbours
    compare, where their limits differ."""
    mean = limits["mean"]
    noise = np.maximum(np.abs(mean), 1) * EXACT
    there = ~(none | np.isnan(mean))
    side = _sign(np.where(there & (np.abs(y - mean) > noise), y - mean, 0))
    outside, near = (
        there & ((y > limits[high] + noise) | (y < limits[low] - noise))
        for low, high in (("lower_limit", "upper_limit"), ("near_lower", "near_upper"))
    )
    start = np.isnan(limits["moving_range"])
    step = _sign(np.where(start | ~there, 0, np.diff(z, prepend=np.nan)))
    number, length = _runs(start | _turns(side))
    run, steps = side * length, step * _runs(_turns(step))[1]
    close = (near if profile == "mdc" else near & ~outside) & (side != 0)
    three = sum(_shifted(close, back).astype(int) for back in range(3)) >= 2
    three &= (number == _shifted(number, 2)) & (np.arange(len(y)) > 1)
    two = close & (three | _shifted(three, -1) | _shifted(three, -2))
    long = np.abs(steps) >= RUN - 1
    trend = long | _shifted(long, -1)
    sequences = ~few & (limits["baseline_points"] >= FEWEST_FOR_RUNS) & (limits["overlap"] == 1)
    rules = {
        words.OUTSIDE: outside,
        words.TREND: sequences & trend,
        words.TWO_IN_THREE: sequences & two,
        words.SHIFT: sequences & (np.abs(run) >= RUN),
    }
    rule = Words.first_of(rules)
    following = np.where(_shifted(trend, -1), _shifted(step, -1), 0)
    slope = np.where(following != 0, following, step)
    news = np.where(rules[words.TREND] & ~outside, slope, side) * way
    cause = np.where(rule.codes == len(rules), 0, np.sign(news) + 2)
    return {"run": run, "steps": steps, "rule": rule, "special_cause": Words(cause, _CAUSES)}


def _of_runs(
    y: Array,
    limits: Mapping[str, Array],
    runs: Array,
    stretch: Array,
    better: Array,
    columns: Mapping[str, Any],
) -> dict[str, Any]:
    """The columns of `CAUSES` and `RUNS` with the rules of Anhøj where `runs`; points on the median
    and gaps are left out."""
    mean = limits["mean"]
    alone = runs & (limits["overlap"] == 1)
    useful = np.flatnonzero(alone & (np.abs(y - mean) > np.maximum(np.abs(mean), 1) * EXACT))
    side, of = _sign(y - mean)[useful], stretch[useful]
    turns = _turns(side) | _turns(of)
    length = _runs(turns)[1]
    count = int(stretch[-1]) + 1
    longest = np.zeros(count, int)
    np.maximum.at(longest, of, length)
    points = np.bincount(of, minlength=count)
    crossings = np.maximum(np.bincount(of[turns], minlength=count) - 1, 0)
    most, least = np.array([expected_runs(n) for n in points.tolist()]).T
    long, few = length > most[of], (crossings < least)[of]
    codes = np.select(
        [long, few],
        [words.RULES.index(words.LONG_RUN), words.RULES.index(words.FEW_CROSSINGS)],
        len(words.RULES),
    )
    none = columns["rule"].codes == len(columns["rule"].meanings) - 1
    rule = np.where(runs | none, len(words.RULES), columns["rule"].codes)
    cause = np.where(runs, 0, columns["special_cause"].codes)
    run = np.where(runs, 0, columns["run"])
    rule[useful], run[useful] = codes, side * length
    cause[useful] = np.where(long | few, side * better[useful] + 2, 0)
    each = dict(zip(RUNS, (longest, most, crossings, least), strict=True))
    return {
        "run": run,
        "rule": Words(rule, (*words.RULES, None)),
        "special_cause": Words(cause, _CAUSES),
        **{name: np.where(alone, values[stretch], np.nan) for name, values in each.items()},
    }


def _sign(values: Array) -> Array:
    """1, -1 or 0, which stands for a missing value too."""
    return np.nan_to_num(np.sign(values)).astype(int)


def _turns(values: Array) -> Array:
    """Where a row differs from the one before."""
    return np.append(True, np.diff(values) != 0)[: len(values)]


def _runs(begins: Array) -> tuple[Array, Array]:
    """The number of each row's run, and how long that is."""
    number = np.cumsum(begins)
    return number, np.bincount(number)[number]


def _shifted(values: Array, rows: int) -> Array:
    """Each row's value from so many rows before it (after it where negative), 0 where none is."""
    shifted = np.zeros_like(values)
    shifted[max(rows, 0) : len(values) + min(rows, 0)] = values[max(-rows, 0) : len(values) - rows]
    return shifted
