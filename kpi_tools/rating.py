"""RAG rating: which figures meet their target and floor standard.

One rule for every engine: the functions take any frame that narwhals knows (pandas, Polars eager or lazy, PyArrow,
DuckDB, Spark), never change it, and return the same kind of frame with more columns. The method is METHOD.md, "RAG rating".
"""

from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.vocabulary import (
    AMBER,
    GREEN,
    HIGHER,
    LOWER,
    MULTIPLIERS,
    POLARITIES,
    RED,
    STATUSES_WITHOUT_VALUE,
)

NO_FIGURE = "no figure"
NO_TARGET = "no target"
NO_FLOOR_STANDARD = "no floor standard"
NO_POLARITY = "polarity not known"
WRONG_SIDE = "floor standard on the better side of the target"

_NUMBERS = ("value", "target", "floor_standard", "numerator", "denominator", "tolerance")
_NOISE = 1e-9
_ROUNDING = 1e-15


def rate(kpis: IntoFrameT) -> IntoFrameT:
    """Add `rag` (Green, Amber, Red or null) and `not_rated_reason` (null where rated) to each row.

    Needs columns `value`, `target`, `floor_standard` (numbers in the KPI's unit) and `polarity` (`higher`, `lower` or
    `target`). Green where the target is met, Amber where only the floor standard is, Red where neither; equality is met.
    Uses, where they are there:

    * `numerator` and `denominator` (with `unit`: `%`, `rate per 100,000` …; `%` where there is no unit column): then
      100·n is compared with target·d, since n/d·100 in floating point misrates figures that stand exactly on the line;
    * `tolerance`, for polarity `target`: half the width of the Green band. The floor standard is one edge of the Amber
      band and lies as far on the other side. Without a tolerance Green reaches half as far as Amber;
    * `status`, which says why a value is missing.

    Otherwise `value` is judged unrounded, with a relative allowance of 1e-9 for floating noise: 74.7 misses a floor of 75.
    A value, target or floor that is missing, infinite or not a number is never rated, and neither is a row with an unknown
    polarity or with its floor standard on the better side of its target.
    """
    frame: Any = nw.from_native(kpis)
    names = [name for name in frame.collect_schema().names() if name not in ("rag", "not_rated_reason")]
    return (
        frame.with_columns(**{f"_{name}": _number(names, name) for name in _NUMBERS})
        .with_columns(_not_rated=_reason(names), _per=_multiplier(names))
        .with_columns(
            _parts=((col("_denominator") > 0) & ~(col("_numerator") * col("_per")).is_null()).fill_null(False)
        )
        .with_columns(
            _figure=when(col("_parts")).then(col("_numerator") * col("_per")).otherwise(col("_value")),
            _scale=when(col("_parts")).then(col("_denominator")).otherwise(lit(1.0)),
            _noise=when(col("_parts")).then(lit(_ROUNDING)).otherwise(lit(_NOISE)),
        )
        .with_columns(_green=_meets("_target", _green_band()), _amber=_meets("_floor_standard", _amber_band()))
        .select(
            *names,
            rag=when(col("_not_rated").is_null()).then(
                when(col("_green")).then(lit(GREEN)).otherwise(when(col("_amber")).then(lit(AMBER)).otherwise(lit(RED)))
            ),
            not_rated_reason=col("_not_rated"),
        )
        .to_native()
    )


def floor_by_percentage(kpis: IntoFrameT, percent: float) -> IntoFrameT:
    """Replace `floor_standard` by a share of `target`: `percent` below it, above it where lower is better.

    For councils that rate by a percentage tolerance (10 and 5 are common) or by target alone (0: no Amber).
    """
    slack = col("target").abs() * (percent / 100)
    floor = when(col("polarity") == LOWER).then(col("target") + slack).otherwise(col("target") - slack)
    frame: Any = nw.from_native(kpis)
    return frame.with_columns(floor_standard=floor).to_native()


def _number(names: list[str], name: str) -> nw.Expr:
    """The column where it is finite, else null: NaN is Green on some engines, Red on others, unless guarded."""
    if name not in names:
        return lit(None, dtype=nw.Float64)
    number = col(name).cast(nw.Float64)
    return when(number.is_finite()).then(number)


def _multiplier(names: list[str]) -> nw.Expr:
    if "unit" not in names:
        return lit(100.0)
    per = lit(None, dtype=nw.Float64)
    for unit, multiplier in MULTIPLIERS.items():
        per = when(col("unit") == unit).then(lit(float(multiplier))).otherwise(per)
    return per


def _reason(names: list[str]) -> nw.Expr:
    target, floor, polarity = col("_target"), col("_floor_standard"), col("polarity")
    wrong_side = ((polarity == HIGHER) & (floor > target)) | ((polarity == LOWER) & (floor < target))
    reason = when(wrong_side).then(lit(WRONG_SIDE)).otherwise(lit(None, dtype=nw.String))
    reason = when(polarity.is_in(POLARITIES).fill_null(False)).then(reason).otherwise(lit(NO_POLARITY))
    reason = when(floor.is_null()).then(lit(NO_FLOOR_STANDARD)).otherwise(reason)
    reason = when(target.is_null()).then(lit(NO_TARGET)).otherwise(reason)
    missing = lit(NO_FIGURE)
    if "status" in names:
        missing = when(col("status").is_in(STATUSES_WITHOUT_VALUE)).then(col("status")).otherwise(missing)
    return when(col("_value").is_null()).then(missing).otherwise(reason)


def _meets(line: str, band: nw.Expr) -> nw.Expr:
    """Whether a line is met: figure and line are both multiplied by the denominator where the parts are compared."""
    standard = col(line) * col("_scale")
    slack = col("_noise") * when(standard.abs() > 1).then(standard.abs()).otherwise(lit(1.0))
    gap = col("_figure") - standard
    within = (col("_figure") - col("_target") * col("_scale")).abs() <= band * col("_scale") + slack
    return (
        when(col("polarity") == HIGHER)
        .then(gap >= -slack)
        .otherwise(when(col("polarity") == LOWER).then(gap <= slack).otherwise(within))
    )


def _amber_band() -> nw.Expr:
    return (col("_floor_standard") - col("_target")).abs()


def _green_band() -> nw.Expr:
    return when(col("_tolerance").is_null()).then(_amber_band() / 2).otherwise(col("_tolerance"))
