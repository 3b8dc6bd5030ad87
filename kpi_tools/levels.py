"""Lines as numbers on one scale, on which more is better: the figure itself, its negative where lower is better, the
negative distance from the target where closest is best (METHOD.md, "Rating")."""

from collections.abc import Iterator, Sequence
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


def finite(name: str) -> nw.Expr:
    """The column where it is finite, else null: comparisons with NaN differ from engine to engine."""
    number = col(name).cast(nw.Float64)
    return when(number.is_finite()).then(number)


def better() -> nw.Expr:
    """Whether higher (1) or lower (-1) is better, by the column `polarity`; 0 where it says neither."""
    polarity = col("polarity").cast(nw.String)
    one, minus, none = (lit(number, dtype=nw.Int8) for number in (1, -1, 0))
    return when(polarity == HIGHER).then(one).when(polarity == LOWER).then(minus).otherwise(none)


def prepared(rows: Rows, schemes: Any) -> Rows:
    """Adds numbers that are finite or null: `_value`, `_way`, `_closest`, and a `_line_…` for each column of a line.

    Where there are parts the numerator times its unit's multiplier is rated, and the lines times the denominator (`_scale`).
    `_noise` is the share of a line that is no more than rounding.
    """
    names = rows.collect_schema().names()
    lines = {"target", "floor_standard", "tolerance"}.union(*(one.columns for one in schemes))
    rows = rows.with_columns(
        _value=finite("value"),
        _way=col("_better").cast(nw.Float64),
        _closest=(col("polarity") == CLOSEST).fill_null(False)
        if may_be_closest(rows)
        else lit(False),
        **{
            f"_line_{name}": finite(name) if name in names else lit(None, dtype=nw.Float64)
            for name in lines
        },
    )
    if not set(PARTS) <= set(names):
        return rows.with_columns(_scale=lit(1.0), _noise=lit(NOISE))
    above = col("numerator").cast(nw.Float64) * _multiplier(names)
    below = col("denominator").cast(nw.Float64)
    there = above.is_finite() & below.is_finite() & (below > 0)
    rows = rows.with_columns(_scale=when(there).then(below), _cases=above)
    alone = col("_scale").is_null()
    rows = rows.with_columns(
        _value=when(alone).then(col("_value")).otherwise(col("_cases")),
        _noise=when(alone).then(lit(NOISE)).otherwise(lit(ROUNDING)),
        _scale=col("_scale").fill_null(1.0),
    )
    return rows.with_columns(col(*(f"_line_{name}" for name in lines)) * col("_scale"))


def may_be_closest(rows: Rows) -> bool:
    """Whether a figure may be best closest to its target: where none can be, what that takes is left out."""
    return not isinstance(rows, nw.DataFrame) or bool((rows["_better"] == 0).any())


def _multiplier(names: Sequence[str]) -> nw.Expr:
    if "unit" not in names:
        return lit(100.0)
    per = lit(None, dtype=nw.Float64)
    for unit, multiplier in MULTIPLIERS.items():
        per = when(col("unit") == unit).then(lit(float(multiplier))).otherwise(per)
    return per


def level_of(line: Line) -> str:
    return f"_level_{line.column}_{line.amount:g}{'%' if line.percent else ''}{'+' if line.beyond else ''}"


def with_levels(rows: Rows, scheme: Scheme) -> Rows:
    """Add `_figure` and for each line of the scheme its level: both on the scale on which more is better."""
    closest = may_be_closest(rows)
    figure = col("_value") * col("_way")
    if closest:
        distance = (col("_value") - col("_line_target")).abs()
        figure = when(col("_closest")).then(-distance).otherwise(figure)
    levels = {}
    for band, after in zip(scheme.bands, scheme.bands[1:], strict=False):
        for line in band.meets:
            level = col(f"_line_{line.column}") * col("_way") + _offset(line)
            if closest:
                reach = -_reach(line, after)
                level = when(col("_closest")).then(reach).otherwise(level)
            levels[level_of(line)] = level
    return rows.with_columns(_figure=figure, **levels)


def _offset(line: Line) -> nw.Expr:
    """How far the level lies from the line itself, upwards where it is beyond it."""
    if not line.amount:
        return lit(0.0)
    size = (
        col(f"_line_{line.column}").abs() * (line.amount / 100)
        if line.percent
        else col("_scale") * line.amount
    )
    return size if line.beyond else -size


def _reach(line: Line, after: Band) -> nw.Expr:
    """How far from the target a band reaches where closest is best.

    The target alone reaches as far as the tolerance; without one half as far as the next band, or as the floor standard.
    """
    target = col("_line_target")
    if line.column != "target":
        return (col(f"_line_{line.column}") - target).abs() - _offset(line)
    if line.amount:
        return -_offset(line)
    following = after.meets[0] if after.meets else Line("floor_standard")
    if following.column == "target" and not following.amount:
        following = Line("floor_standard")
    half = _reach(following, after) / 2
    width = when(col("_line_tolerance").is_null()).then(half).otherwise(col("_line_tolerance"))
    return when(~target.is_null()).then(width)


def comparable(scheme: Scheme) -> Iterator[tuple[list[Line], list[Line]]]:
    """Lines of a better and of a worse band whose order can be told: lines that are agreed, or the same earlier figure."""
    for kind in ("", *EARLIER):
        own = [
            lines
            for band in scheme.bands
            if (
                lines := [
                    line
                    for line in band.meets
                    if (line.column if line.column in EARLIER else "") == kind
                ]
            )
        ]
        yield from ((own[i], own[j]) for i in range(len(own)) for j in range(i + 1, len(own)))


def most_lenient(lines: Sequence[Line]) -> nw.Expr:
    levels = [col(level_of(line)) for line in lines]
    return levels[0] if len(levels) == 1 else nw.min_horizontal(*levels)


def is_met(line: Line, closest: bool) -> nw.Expr:
    level, base = col(level_of(line)), col(f"_line_{line.column}")
    size = base.abs()
    if line.amount:
        size = (
            size * (1 + line.amount / 100) if line.percent else size + col("_scale") * line.amount
        )
    if closest:
        distance = level.abs() + col("_value").abs() + col("_line_target").abs()
        size = when(col("_closest")).then(distance).otherwise(size)
    met = no_less(level - col("_figure"), size, col("_noise"))
    return met & (base != 0) if line.beyond and line.percent else met


def no_less(short: Any, size: Any, noise: Any) -> Any:
    """Whether a figure falls short of a line by no more than noise: of the line where that is above 1, else of 1."""
    return (short <= noise) | (short <= size * noise)


def any_of(truths: Sequence[nw.Expr]) -> nw.Expr:
    truth = truths[0]
    for other in truths[1:]:
        truth = truth.fill_null(False) | other.fill_null(False)
    return truth
