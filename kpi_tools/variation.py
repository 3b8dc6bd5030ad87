"""Process limits and special causes: which changes of a KPI are more than its usual variation (METHOD.md, "Anomalies").

    classified = special_causes(table)     # kpi_id, period_end, value and, for good or bad, polarity
    latest = assurance(classified)         # and target (kpi_tools.assurance)

Every array here is in the order of series and time. A baseline is a stretch between rebases; where a stretch starts
(series, baseline, gap) there is no moving range, and no rule crosses it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, Words, in_order
from kpi_tools.schemes import one_of
from kpi_tools.vocabulary import (
    CONCERN,
    IMPROVEMENT,
    LIMITS,
    NEUTRAL,
    NO_LIMITS,
    NO_VARIATION,
    NOT_CHARTED,
    OUTSIDE,
    PROFILES,
    SHIFT,
    TREND,
    TRIAL,
    TRIAL_LIMITS,
    TWO_IN_THREE,
)

LIMITED = (
    "baseline", "baseline_points", "overlap", "moving_range",
    "mean", "lower_limit", "near_lower", "near_upper", "upper_limit", "limits",
)  # fmt: skip
CAUSES = ("run", "steps", "rule", "special_cause")
FEWEST_FOR_RUNS = 8
EXACT = 1e-9
_REACH = 2.66
_SCREEN = 3.267
_FEWEST_FOR_LIMITS = 13
_RUN = 7
_FEWEST_BESIDE = 5
_STATES = (NOT_CHARTED, NO_LIMITS, NO_VARIATION, TRIAL, TRIAL_LIMITS, LIMITS)
_RULES = (None, OUTSIDE, TREND, TWO_IN_THREE, SHIFT)
_CAUSES = (None, CONCERN, NEUTRAL, IMPROVEMENT)
_REBASE = ("date", "reason", "name")


def process_limits(
    series: Any,
    *,
    by: str | Sequence[str] | None = None,
    period: str = "period_end",
    value: str = "value",
    screen: bool = True,
    fix: int | None = None,
    rebase: Any = None,
    overlap: int | str | None = None,
) -> Any:
    """Add the mean and the natural process limits (XmR) of each baseline to its rows.

    Args:
        series: A table of pandas, Polars, PyArrow or DuckDB. A column `basis` is used where it is there: `year_to_date` is
            not charted, `rolling_12_months` overlaps.
        by: The columns that name a series. Default: `kpi_id`, else the table is one series.
        period: Dates, timestamps or numbers, so that absent periods are seen as gaps (more than one and a half times the
            series' median step; where all are working days, from one to the next is a step). Other text has an order only.
        value: The figures; missing and infinite ones are gaps.
        screen: Leave moving ranges of 3.267 times their mean and more out, once.
        fix: Only the first so many values of each baseline make the limits.
        rebase: A table, or a list of dictionaries, with `date` (the first period of the new baseline), `reason`, `name`
            (who agreed it) and, for one series only, the columns of `by`.
        overlap: Of how many periods one figure is the sum: a number or a column. Default: by `basis`, 12 for monthly and 4
            for quarterly rolling figures.

    Returns:
        The table with `baseline` (1, 2 …), `baseline_points`, `overlap`, `moving_range`, `mean`, `lower_limit`, `near_lower`,
        `near_upper` (two thirds of the way), `upper_limit` (in the KPI's unit) and `limits`, a state of
        `vocabulary.LIMIT_MEANINGS`, by how many moving ranges the limits rest on.

    Raises:
        InputError: A column is not there or holds something else, two rows are for one period, a rebase lacks one of its
            parts or names a column that is not there.
    """
    given: Any = nw.from_native(series)
    again = [name for name in CAUSES if name in given.collect_schema().names()]
    named = {"value": value, "overlap": overlap}
    rows = in_order(given.drop(*again).to_native() if again else series, by, period, named=named)
    y, found = limited(
        rows, rows.numbers(value), screen=screen, fix=fix, rebase=rebase, overlap=overlap
    )
    return rows.with_columns(**found)


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
        period: See there.
        value: See there.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`. Without it causes are neutral.
        profile: Whether a point beyond a limit counts among the two in three (`mdc`) or not (`plotthedots`).
        **options: `screen`, `fix`, `rebase`, `overlap` of `process_limits`, where the limits are added.

    Returns:
        The table with `run` (length of the run of figures on one side of the mean, negative below it), `steps` (of the run
        of rises, negative for falls), `rule` (one of `vocabulary.RULES` or null) and `special_cause`: improvement, concern,
        neutral, or null for common cause. Where fewer than 8 points make the limits, and for overlapping figures, only the
        limits are tested.

    Raises:
        InputError: As `process_limits`; also where the limits in the table are not those of `value`.
    """
    if profile not in PROFILES:
        raise InputError(f'There is no profile "{profile}"; there are {one_of(profile, PROFILES)}.')
    if "mean" not in nw.from_native(series).collect_schema().names():
        series = process_limits(series, by=by, period=period, value=value, **options)
    elif options:
        raise InputError(
            f'The table has limits already: leave "{min(options)}" away, or the columns of limits.'
        )
    rows = in_order(series, by, period, named={"value": value})
    if missing := [name for name in LIMITED if name not in rows.frame.columns]:
        raise InputError(
            f'The table has process limits without "{missing[0]}": put it through process_limits again.'
        )
    y, moved = rows.numbers(value), rows.numbers("moving_range")
    known = ~np.isnan(moved)
    expected = np.abs(np.diff(y, prepend=np.nan))
    if not np.allclose(moved[known], expected[known], equal_nan=False):
        place = int(np.flatnonzero(known & ~np.isclose(moved, expected))[0])
        raise InputError(
            f'The limits in the table are not those of "{value}": see {rows.row_of(place)}. Put it through process_limits '
            f'with value="{value}".'
        )
    y = np.where(rows.is_word("limits", NOT_CHARTED), np.nan, y)
    found = {
        name: rows.numbers(name)
        for name in ("mean", "upper_limit", "moving_range", "overlap", "baseline_points")
    }
    few = rows.is_word("limits", TRIAL)
    better = (
        rows.better(polarity)
        if polarity in ("higher", "lower", *rows.frame.columns)
        else np.zeros(len(y), int)
    )
    return rows.with_columns(**signalled(y, found, few, better, profile))


def limited(
    rows: Ordered, y: Array, *, screen: bool = True, fix: int | None = None, rebase: Any = None,
    overlap: int | str | None = None,
) -> tuple[Array, dict[str, Any]]:  # fmt: skip
    """The figures that are charted, and the columns of `LIMITED`."""
    if fix is not None and fix < 1:
        raise InputError(
            f"The limits cannot be fixed after {fix} values. Leave fix out to use all."
        )
    usual, gap = rows.steps
    charted = ~rows.is_word("basis", "year_to_date")
    y = np.where(charted, y, np.nan)
    shared = _overlap(rows, usual, overlap)
    reached = np.zeros(len(y)) if rebase is None else _reached(rebase, rows)
    begins = rows.first | (np.diff(reached, prepend=0) != 0)
    starts = np.flatnonzero(begins)
    base = np.cumsum(begins) - 1
    moved = np.abs(np.diff(y, prepend=np.nan))
    moved[begins | gap] = np.nan
    used, ranges = y, moved
    if fix is not None:
        known = np.cumsum(~np.isnan(y))
        rank = known - (known - ~np.isnan(y))[starts][base]
        used, ranges = (np.where(rank <= fix, one, np.nan) for one in (y, moved))
    count, low, high, mean = _summary(used, starts)
    noise = np.maximum(np.abs(mean), 1) * EXACT
    some, _, _, average = _summary(ranges, starts)
    if screen:
        small = np.where(ranges < (average * _SCREEN - noise)[base], ranges, np.nan)
        left, _, _, kept = _summary(small, starts)
        average = np.where((left > 0) & (kept * left > noise), kept, average)
    varied = mean - low > noise
    reach = np.where(varied, average * _REACH, np.where(np.isnan(average), np.nan, 0.0))
    points = some + 1
    state = np.select(
        [np.isnan(reach), ~varied, points < FEWEST_FOR_RUNS, points < _FEWEST_FOR_LIMITS], [1, 2, 3, 4], 5
    )  # fmt: skip
    half, mean = reach[base] * np.sqrt(shared), mean[base]
    within = starts - rows.starts[rows.series[starts]] if len(starts) else starts
    number = np.cumsum(np.where(within == 0, 0, 1)) if len(starts) else starts
    return y, {
        "baseline": (number - number[base[rows.starts]][rows.series[starts]] + 1)[base] if len(y) else base,
        "baseline_points": _summary(y, starts)[0][base],
        "overlap": shared.astype(int),
        "moving_range": moved,
        "mean": np.where(charted, mean, np.nan),
        "lower_limit": mean - half,
        "near_lower": mean - half * (2 / 3),
        "near_upper": mean + half * (2 / 3),
        "upper_limit": mean + half,
        "limits": Words(np.where(charted, state[base], 0), _STATES),
    }  # fmt: skip


def _summary(y: Array, starts: Array) -> tuple[Array, ...]:
    """Of each stretch how many figures there are, the least, the largest and their mean, which lies between them."""
    if not len(starts):
        return (np.zeros(0, int), *[np.zeros(0)] * 3)
    known = ~np.isnan(y)
    count = np.add.reduceat(known, starts).astype(int)
    low, high = np.fmin.reduceat(y, starts), np.fmax.reduceat(y, starts)
    number = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(y))))
    above = np.add.reduceat(np.where(known, y - low[number], 0.0), starts)
    mean = np.where(count > 0, low + above / np.maximum(count, 1), np.nan)
    return count, low, high, np.fmin(mean, high)


def _overlap(rows: Ordered, usual: Array, overlap: int | str | None) -> Array:
    if overlap is None:
        months = np.select([usual < 45, usual > 135], [12, 1], 4)
        return np.where(rows.is_word("basis", "rolling_12_months"), months, 1).astype(float)
    found = (
        rows.numbers(overlap) if isinstance(overlap, str) else np.full(len(usual), float(overlap))
    )
    if (wrong := np.flatnonzero(~((found >= 1) & (found % 1 == 0)))).size:
        where = (
            f' in the column "{overlap}", {rows.row_of(wrong[0])}'
            if isinstance(overlap, str)
            else ""
        )
        raise InputError(
            f"A figure covers one whole period or more: overlap cannot be {found[wrong[0]]:g}{where}."
        )
    return found


def signalled(
    y: Array, limits: Mapping[str, Any], few: Array, better: Array, profile: str
) -> dict[str, Any]:
    """The columns of `CAUSES`; `few`: where too few figures make the limits for any rule but the first."""
    mean, half = limits["mean"], limits["upper_limit"] - limits["mean"]
    noise = np.maximum(np.abs(mean), 1) * EXACT
    far = np.abs(y - mean) - noise
    there = ~np.isnan(half)
    side = np.where(there & (far > 0), np.sign(y - mean), 0)
    side = np.nan_to_num(side).astype(int)
    outside, near = there & (far > half), there & (far > half * (2 / 3))
    start = np.isnan(limits["moving_range"])
    step = np.where(start | ~there, 0, np.nan_to_num(np.sign(np.diff(y, prepend=np.nan)))).astype(
        int
    )
    side_run, side_length = _runs(start | (np.diff(side, prepend=9) != 0))
    _, step_length = _runs(np.diff(step, prepend=9) != 0)
    run, steps = side * side_length, step * step_length
    close = near if profile == "mdc" else near & ~outside
    close &= side != 0
    three = _before(close, 0) + _before(close, 1) + _before(close, 2) >= 2
    three &= (side_run == _before(side_run, 2, -1)) & (np.arange(len(y)) > 1)
    two = close & (three | _after(three, 1) | _after(three, 2))
    long = np.abs(steps) >= _RUN - 1
    trend = long | _after(long, 1)
    all_rules = ~few & (limits["baseline_points"] >= FEWEST_FOR_RUNS) & (limits["overlap"] == 1)
    rule = np.select(
        [outside, all_rules & trend, all_rules & two, all_rules & (np.abs(run) >= _RUN)], [1, 2, 3, 4], 0
    )  # fmt: skip
    following = np.where(_after(trend, 1), _after(step, 1), 0)
    slope = np.where(following != 0, following, step)
    news = np.where(rule == 2, slope, side) * better
    cause = np.where(rule == 0, 0, np.sign(news) + 2).astype(int)
    return {
        "run": run,
        "steps": steps,
        "rule": Words(rule, _RULES),
        "special_cause": Words(cause, _CAUSES),
    }


def _runs(begins: Array) -> tuple[Array, Array]:
    """The number of each row's run, and how long that is."""
    if not len(begins):
        return np.zeros(0, int), np.zeros(0, int)
    begins = begins.copy()
    begins[0] = True
    number = np.cumsum(begins) - 1
    return number, np.bincount(number)[number]


def _before(values: Array, rows: int, nothing: int = 0) -> Array:
    return np.concatenate([np.full(rows, nothing), values[: len(values) - rows]])[
        : len(values)
    ].astype(int)


def _after(values: Array, rows: int) -> Array:
    moved = np.zeros_like(values)
    moved[: len(values) - rows] = values[rows:]
    return moved


def is_described(values: Array) -> bool:
    """Whether the mean of a series describes it: not where fewer than half of the figures lie inside their limits, or where
    one figure has carried the mean away from all others."""
    y = np.asarray(values, float)
    y = y[~np.isnan(y)]
    if len(y) < 3:
        return True
    ranges = np.abs(np.diff(y))
    small = ranges[ranges < _SCREEN * ranges.mean()]
    half = _REACH * (small if small.any() else ranges).mean()
    outside = np.abs(y - y.mean()) > half + max(abs(y.mean()), 1) * EXACT
    return not (outside.sum() * 2 > len(y) or carried_away(y))


def carried_away(y: Array) -> bool:
    """Whether all figures but one lie on one side of the mean, and that one further off than four times what they span."""
    above = y > y.mean()
    if len(y) <= _FEWEST_BESIDE or min(above.sum(), (~above).sum()) != 1:
        return False
    others = y[above] if above.sum() > 1 else y[~above]
    lone = y[~above] if above.sum() > 1 else y[above]
    return bool(np.abs(others - lone).min() > 4 * np.ptp(others) + EXACT)


def suggested_rebases(
    classified: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> Any:
    """Where a new baseline may be worth agreeing: one row a series whose latest seven figures or more lie on one side.

    Columns: those of `by`, `run` (its length, negative below the mean), `date` (first period of that run). Only a
    suggestion: whether the process changed, and why, is for its owner to say (`rebase` needs a reason and a name).
    """
    rows = in_order(classified, by, period)
    run, baseline = (rows.numbers(name) for name in ("run", "baseline"))
    ends = np.append(rows.starts[1:], len(run)) - 1
    begin = (ends - np.abs(run[ends]) + 1).astype(int)
    long = np.abs(run[ends]) >= _RUN
    inside = long & (begin > rows.starts) & (baseline[np.maximum(begin - 1, 0)] == baseline[ends])
    places = rows.order[begin[inside]].tolist()
    found = rows.frame[places].select(*rows.keys, date=nw.col(period))
    lengths = nw.new_series("run", run[ends][inside].astype(int), backend=found.implementation)
    return found.with_columns(lengths).select(*rows.keys, "run", "date").to_native()


def rebase_notes(
    series: Any, rebase: Any, *, by: str | Sequence[str] | None = None, period: str = "period_end"
) -> list[str]:
    """A sentence for each rebase that changes nothing, since its date lies outside the series or names none."""
    rows = in_order(series, by, period)
    ends = np.append(rows.starts[1:], len(rows.order)) - 1
    named = rows.frame.select(*rows.keys).rows(named=True) if rows.keys else [{}] * len(rows.order)
    spans = [
        (named[rows.order[start]], rows.days[start], rows.days[end])
        for start, end in zip(rows.starts, ends, strict=True)
    ]
    return [note for row in _checked(rebase, rows.keys) for note in _notes(row, spans, rows)]


def _notes(
    row: Mapping[str, Any], spans: Sequence[tuple[dict[str, Any], float, float]], rows: Ordered
) -> Iterator[str]:
    what = f"The rebase of {str(row['date'])[:10]} ({str(row['reason']).rstrip('.')})"
    mine = [
        span for span in spans if all(row.get(key) in (None, span[0][key]) for key in rows.keys)
    ]
    if not mine:
        yield f"{what} is for a series that is not there, so it changes nothing."
    for names, first, last in mine:
        name, day = ", ".join(map(str, names.values())), _moment(row["date"], rows)
        if day > last:
            yield f"{what} lies after the last figure of {name}, so it changes nothing."
        elif day <= first:
            yield f"{what} lies before the second figure of {name}, so it changes nothing."


def _reached(rebase: Any, rows: Ordered) -> Array:
    """How many rebases each row has behind it."""
    reached = np.zeros(len(rows.order))
    for row in _checked(rebase, rows.keys):
        here = rows.days >= _moment(row["date"], rows)
        for key in rows.keys:
            if row.get(key) is not None:
                here = here & (rows.frame[key] == row[key]).to_numpy().astype(bool)[rows.order]
        reached += here
    return reached


def _checked(rebase: Any, keys: Sequence[str]) -> list[Mapping[str, Any]]:
    if isinstance(rebase, str):
        raise InputError(
            f'"{rebase}" is no rebase. Give a table or a list of dictionaries with date, reason and name.'
        )
    if isinstance(rebase, Mapping):
        rebase = [rebase]
    rows = (
        rebase
        if isinstance(rebase, list)
        else nw.from_native(rebase).lazy().collect().rows(named=True)
    )
    for place, row in enumerate(rows, start=1):
        for part in _REBASE:
            found = row.get(part) if isinstance(row, Mapping) else None
            if found is None or found != found or not str(found).strip():
                raise InputError(
                    f"Rebase {place} has no {part}. Limits are rebased only with a date, a reason and the name of who "
                    "agreed it: fill in all three."
                )
        if unknown := [k for k in row if k not in (*_REBASE, *keys)]:  # fmt: skip
            known = [*_REBASE, *keys]
            raise InputError(
                f'Rebase {place} names "{unknown[0]}"; there are {one_of(unknown[0], known)}.'
            )
    return list(rows)


def _moment(day: Any, rows: Ordered) -> float:
    """The rebase date on the scale of the periods."""
    if not rows.dates:
        if rows.measured:
            return float(day)
        texts = sorted(set(rows.frame[rows.period].to_list()))
        text = str(day)[:10] if isinstance(day, date) else str(day)
        return float(np.searchsorted(np.array(texts, dtype=object), text))
    try:
        moment = datetime.fromisoformat(str(day)[:10])
    except ValueError:
        raise InputError(f'"{day}" is no date for a rebase. Give it like 2024-04-01.') from None
    return pd.Timestamp(moment).timestamp() / 86_400
