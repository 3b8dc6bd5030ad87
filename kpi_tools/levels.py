"""Lines as numbers on one scale, on which more is better: the figure itself, its negative where
lower is better, the negative distance from the target where closest is (METHOD.md, "Rating")."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when

from kpi_tools.schemes import EARLIER, Band, Line, Scheme
from kpi_tools.vocabulary import CLOSEST, HIGHER, LOWER, MULTIPLIERS

Rows = Any
"""A narwhals frame, eager or lazy: the two have no public type in common."""
PARTS = ("numerator", "denominator")
NOISE = 1e-9
ROUNDING = 1e-15


def finite(number: nw.Expr) -> nw.Expr:
    """The number where it is finite, else null: engines compare NaN differently."""
    number = number.cast(nw.Float64)
    return when(number.is_finite()).then(number)


def prepared(rows: Rows, schemes: Iterable[Scheme], given: Mapping[str, nw.Expr]) -> Rows:
    """Adds numbers that are finite or null: `_value`, `_line_…` for each column of a line, `_way`.

    `_way` is 1 or -1, or 0 where neither higher nor lower is better (`_closest`: target). Where
    there are parts the numerator times its unit's multiplier is rated, and the lines times the
    denominator (`_scale`). `_noise`: the share of a line that is no more than rounding.
    """
    lines = {"target", "floor_standard", "tolerance"}.union(*(one.columns for one in schemes))
    none, polarity = lit(None, dtype=nw.Float64), given["polarity"].cast(nw.String)
    ways = when(polarity == HIGHER).then(lit(1.0)).when(polarity == LOWER).then(lit(-1.0))
    rows = rows.with_columns(
        _value=finite(given["value"]),
        _way=ways.otherwise(lit(0.0)),
        _closest=(polarity == CLOSEST).fill_null(False),
        **{f"_line_{name}": finite(given[name]) if name in given else none for name in lines},
    )
    if not set(PARTS) <= set(given):
        return rows.with_columns(_scale=lit(1.0), _noise=lit(NOISE))
    per: Any = lit(100.0)
    if "unit" in given:
        per = none
        for unit, multiplier in MULTIPLIERS.items():
            per = when(given["unit"] == unit).then(lit(float(multiplier))).otherwise(per)
    above, below = given["numerator"].cast(nw.Float64) * per, given["denominator"].cast(nw.Float64)
    there = above.is_finite() & below.is_finite() & (below > 0)
    rows = rows.with_columns(_cases=above, _scale=when(there).then(below))
    alone = col("_scale").is_null()
    rows = rows.with_columns(
        _value=when(alone).then(col("_value")).otherwise(col("_cases")),
        _noise=when(alone).then(lit(NOISE)).otherwise(lit(ROUNDING)),
        _scale=col("_scale").fill_null(1.0),
    )
    return rows.with_columns(col(*(f"_line_{name}" for name in lines)) * col("_scale"))


def level_of(line: Line) -> str:
    sign = f"{'%' if line.percent else ''}{'+' if line.beyond else ''}"
    return f"_level_{line.column}_{line.amount:g}{sign}"


def with_levels(rows: Rows, scheme: Scheme) -> Rows:
    """Add `_figure` and for each line of the scheme its level, on that scale."""
    distance = (col("_value") - col("_line_target")).abs()
    figure = when(col("_closest")).then(-distance).otherwise(col("_value") * col("_way"))
    levels = {}
    for band, after in zip(scheme.bands, scheme.bands[1:], strict=False):
        for line in band.meets:
            level = col(f"_line_{line.column}") * col("_way") + _offset(line)
            levels[level_of(line)] = (
                when(col("_closest")).then(-_reach(line, after)).otherwise(level)
            )
    return rows.with_columns(_figure=figure, **levels)


def _offset(line: Line) -> nw.Expr:
    """How far the level lies from the line itself, upwards where it is beyond it."""
    if not line.amount:
        return lit(0.0)
    size = col("_scale") * line.amount
    if line.percent:
        size = col(f"_line_{line.column}").abs() * (line.amount / 100)
    return size if line.beyond else -size


def _reach(line: Line, after: Band) -> nw.Expr:
    """How far from the target a band reaches where closest is best.

    The target alone reaches as far as the tolerance; without one half as far as the next band, or
    as the floor standard.
    """
    target, floor = col("_line_target"), Line("floor_standard")
    if line.column != "target":
        return (col(f"_line_{line.column}") - target).abs() - _offset(line)
    if line.amount:
        return -_offset(line)
    following = after.meets[0] if after.meets else floor
    half = _reach(floor if following == line else following, after) / 2
    width = when(col("_line_tolerance").is_null()).then(half).otherwise(col("_line_tolerance"))
    return when(~target.is_null()).then(width)


def comparable(scheme: Scheme) -> Iterator[tuple[list[Line], list[Line]]]:
    """Lines of a better and a worse band whose order can be told: agreed, or one earlier figure."""
    for earlier in ("", *EARLIER):
        sets = [
            [
                line
                for line in band.meets
                if earlier == (line.column if line.column in EARLIER else "")
            ]
            for band in scheme.bands
        ]
        sets = [lines for lines in sets if lines]
        yield from ((sets[i], sets[j]) for i in range(len(sets)) for j in range(i + 1, len(sets)))


def most_lenient(lines: Sequence[Line]) -> nw.Expr:
    levels = [col(level_of(line)) for line in lines]
    return nw.min_horizontal(*levels) if len(levels) > 1 else levels[0]  # Spark asks for two


def is_met(line: Line) -> nw.Expr:
    level, base = col(level_of(line)), col(f"_line_{line.column}")
    size = base.abs() * (1 + line.amount / 100)
    if not line.percent:
        size = base.abs() + col("_scale") * line.amount
    distance = level.abs() + col("_value").abs() + col("_line_target").abs()
    size = when(col("_closest")).then(distance).otherwise(size)
    met = no_less(level - col("_figure"), size, col("_noise"))
    return met & (base != 0) if line.beyond and line.percent else met


def no_less(short: Any, size: Any, noise: Any) -> Any:
    """Whether a figure falls short by no more than noise: of the line where above 1, else of 1."""
    return (short <= noise) | (short <= size * noise)


def any_of(truths: Iterable[nw.Expr]) -> nw.Expr:
    return nw.any_horizontal(*truths, ignore_nulls=True)
