"""Lines as numbers on one scale, on which more is better: the figure itself, its negative where
lower is better, the negative distance from the target where closest is (METHOD.md, "Rating")."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
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
    denominator (`_scale`). `_noise`: the share of a line that is no more than rounding."""
    names = {"target", "floor_standard", "tolerance"}.union(*(one.columns for one in schemes))
    none, polarity = lit(None, dtype=nw.Float64), given["polarity"].cast(nw.String)
    ways = when(polarity == HIGHER).then(lit(1.0)).when(polarity == LOWER).then(lit(-1.0))
    value, scale, noise = finite(given["value"]), lit(1.0), lit(NOISE)
    if set(PARTS) <= set(given):
        per: Any = lit(100.0)
        if "unit" in given:
            unit, times = given["unit"].cast(nw.String), map(float, MULTIPLIERS.values())
            number: Any = {"default": None, "return_dtype": nw.Float64}
            per = unit.replace_strict([*MULTIPLIERS], [*times], **number)
        above, below = (given[name].cast(nw.Float64) for name in PARTS)
        rows = rows.with_columns(_cases=above * per, _scale=below)
        there = col("_cases").is_finite() & col("_scale").is_finite() & (col("_scale") > 0)
        rows = rows.with_columns(_parts=there.fill_null(False))
        parts = col("_parts")
        value = when(parts).then(col("_cases")).otherwise(value)
        scale = when(parts).then(col("_scale")).otherwise(scale)
        noise = when(parts).then(lit(ROUNDING)).otherwise(noise)
    return rows.with_columns(
        _value=value,
        _scale=scale,
        _noise=noise,
        _way=ways.otherwise(lit(0.0)),
        _closest=(polarity == CLOSEST).fill_null(False),
        **{
            f"_line_{name}": finite(given[name]) * scale if name in given else none
            for name in names
        },
    )


def level_of(line: Line, scheme: str) -> str:
    """The column of a line's level: where closest is best it depends on the scheme."""
    sign = f"{'%' if line.percent else ''}{'+' if line.beyond else ''}"
    return f"_level_{scheme}_{line.column}_{line.amount:g}{sign}"


def with_levels(rows: Rows, schemes: Mapping[str, Scheme]) -> Rows:
    """Adds `_figure` and for each line of the schemes its level, on that scale."""
    closest, value, target = (col(name) for name in ("_closest", "_value", "_line_target"))
    figure = when(closest).then(-(value - target).abs()).otherwise(value * col("_way"))
    levels = {
        level_of(line, name): when(closest)
        .then(_near(line, after))
        .otherwise(_beside(col(f"_line_{line.column}") * col("_way"), line))
        for name, scheme in schemes.items()
        for band, after in pairwise(scheme.bands)
        for line in band.meets
    }
    return rows.with_columns(_figure=figure, **levels)


def _beside(number: nw.Expr, line: Line) -> nw.Expr:
    """A number as far below itself as the level lies from the line, above where it is beyond it."""
    if not line.amount:
        return number
    size = col("_scale") * line.amount
    if line.percent:
        size = col(f"_line_{line.column}").abs() * (line.amount / 100)
    return number + size if line.beyond else number - size


def _near(line: Line, after: Band) -> nw.Expr:
    """The level where closest is best: how far from the target a band reaches, as a negative. The
    target alone reaches as far as the tolerance; without one half as far as the next band, or as
    the floor standard."""
    target, floor, tolerance = col("_line_target"), Line("floor_standard"), col("_line_tolerance")
    if line.amount or line.column != "target":
        return _beside(-(col(f"_line_{line.column}") - target).abs(), line)
    following = after.meets[0] if after.meets else floor
    half = _near(floor if following == line else following, after) / 2
    return when(~target.is_null()).then(when(tolerance.is_null()).then(half).otherwise(-tolerance))


def comparable(scheme: Scheme) -> Iterator[tuple[list[Line], list[Line]]]:
    """Lines of a better and a worse band whose order can be told: agreed, or one earlier figure."""
    for earlier in ("", *EARLIER):
        sets = (
            [
                one
                for one in band.meets
                if earlier == one.column or not earlier and one.column not in EARLIER
            ]
            for band in scheme.bands
        )
        yield from combinations(filter(None, sets), 2)


def most_lenient(levels: Sequence[nw.Expr]) -> nw.Expr:
    return nw.min_horizontal(*levels) if len(levels) > 1 else levels[0]  # Spark asks for two


def is_met(line: Line, level: nw.Expr) -> nw.Expr:
    base = col(f"_line_{line.column}")
    size = base.abs()
    if line.amount:
        further = col("_scale") * line.amount
        size = size * (1 + line.amount / 100) if line.percent else size + further
    distance = level.abs() + col("_value").abs() + col("_line_target").abs()
    size = when(col("_closest")).then(distance).otherwise(size)
    met = no_less(level - col("_figure"), size, col("_noise"))
    return met & (base != 0) if line.beyond and line.percent else met


def no_less(short: Any, size: Any, noise: Any) -> Any:
    """Whether a figure falls short by no more than noise: of the line where above 1, else of 1."""
    return (short <= noise) | (short <= size * noise)


def any_of(truths: Iterable[nw.Expr]) -> nw.Expr:
    return nw.any_horizontal(*truths, ignore_nulls=True)
