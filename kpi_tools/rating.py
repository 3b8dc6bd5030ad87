"""RAG rating: which figures meet their target and floor standard.

One rule for every engine: the functions take any frame that narwhals knows (pandas, Polars eager or lazy, PyArrow,
DuckDB, Spark), never change it, and return the same kind of frame with more columns. The method is METHOD.md, "RAG rating".
"""

from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.statistics.series import flag, words
from kpi_tools.vocabulary import AMBER, CLOSEST, GREEN, HIGHER, LOWER, MULTIPLIERS, RED, STATUSES_WITHOUT_VALUE

NO_FIGURE = "no figure"
NO_TARGET = "no target"
NO_FLOOR_STANDARD = "no floor standard"
NO_POLARITY = "polarity not known"
WRONG_SIDE = "floor standard on the better side of the target"

_NUMBERS = ("value", "target", "floor_standard")
_PARTS = ("numerator", "denominator")
_NOISE = 1e-9
_ROUNDING = 1e-15
_RAG_CODES = {1: RED, 2: AMBER, 3: GREEN}
_REASON_CODES = {1: NO_FIGURE, 2: NO_TARGET, 3: NO_FLOOR_STANDARD, 4: NO_POLARITY, 5: WRONG_SIDE}


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
    numbers = [name for name in (*_NUMBERS, *_PARTS, "tolerance") if name in names]
    rows = frame.with_columns(
        **{f"_{name}": _finite(name) for name in numbers},
        _better=(flag(col("polarity") == HIGHER) - flag(col("polarity") == LOWER)).cast(nw.Float64),
        _closest=col("polarity") == CLOSEST,
    )
    parts = set(_PARTS) <= set(names)
    rows = (_with_parts(rows, names) if parts else rows).with_columns(_reason=_reason())
    rows = rows.with_columns(
        _rag=when(col("_reason") > 0).then(lit(0))
        .when(_meets("_target", _green_band(names), parts)).then(lit(3))
        .when(_meets("_floor_standard", _amber_band(), parts)).then(lit(2))
        .otherwise(lit(1))
    )  # fmt: skip
    rows = rows.with_columns(
        rag=words(rows, "_rag", _RAG_CODES), not_rated_reason=words(rows, "_reason", _REASON_CODES)
    )
    if "status" in names:
        rows = rows.with_columns(not_rated_reason=_status_or_reason())
    return rows.select(*names, "rag", "not_rated_reason").to_native()


def floor_by_percentage(kpis: IntoFrameT, percent: float) -> IntoFrameT:
    """Replace `floor_standard` by a share of `target`: `percent` below it, above it where lower is better.

    For councils that rate by a percentage tolerance (10 and 5 are common) or by target alone (0: no Amber).
    """
    slack = col("target").abs() * (percent / 100)
    floor = when(col("polarity") == LOWER).then(col("target") + slack).otherwise(col("target") - slack)
    frame: Any = nw.from_native(kpis)
    return frame.with_columns(floor_standard=floor).to_native()


def _finite(name: str) -> nw.Expr:
    """The column where it is finite, else null: NaN is Green on some engines, Red on others, unless guarded."""
    number = col(name).cast(nw.Float64)
    return when(number.is_finite()).then(number)


def _with_parts(rows: Any, names: list[str]) -> Any:
    """Add `_figure`, what is compared with a standard times `_scale`, give or take `_noise` of that.

    Where there are parts the figure is the numerator times its unit's multiplier and the scale is the denominator.
    """
    rows = rows.with_columns(_figure=col("_numerator") * _multiplier(names))
    rows = rows.with_columns(_parts=((col("_denominator") > 0) & ~col("_figure").is_null()).fill_null(False))
    return rows.with_columns(
        _figure=when(col("_parts")).then(col("_figure")).otherwise(col("_value")),
        _scale=when(col("_parts")).then(col("_denominator")).otherwise(lit(1.0)),
        _noise=when(col("_parts")).then(lit(_ROUNDING)).otherwise(lit(_NOISE)),
    )


def _multiplier(names: list[str]) -> nw.Expr:
    if "unit" not in names:
        return lit(100.0)
    per = lit(None, dtype=nw.Float64)
    for unit, multiplier in MULTIPLIERS.items():
        per = when(col("unit") == unit).then(lit(float(multiplier))).otherwise(per)
    return per


def _reason() -> nw.Expr:
    """Why a row is not rated, as a number of `_REASON_CODES`, 0 where it can be: the first that holds."""
    wrong_side = (col("_floor_standard") - col("_target")) * col("_better") > 0
    return (
        when(col("_value").is_null()).then(lit(1))
        .when(col("_target").is_null()).then(lit(2))
        .when(col("_floor_standard").is_null()).then(lit(3))
        .when(((col("_better") == 0) & ~col("_closest")).fill_null(True)).then(lit(4))
        .when(wrong_side).then(lit(5))
        .otherwise(lit(0))
    )  # fmt: skip


def _status_or_reason() -> nw.Expr:
    missing = (col("_reason") == 1) & col("status").is_in(STATUSES_WITHOUT_VALUE)
    return when(missing.fill_null(False)).then(col("status")).otherwise(col("not_rated_reason"))


def _meets(line: str, band: nw.Expr, parts: bool) -> nw.Expr:
    """Whether a line is met: figure and line are both multiplied by the denominator where the parts are compared."""
    figure, noise = (col("_figure"), col("_noise")) if parts else (col("_value"), lit(_NOISE))

    def scaled(number: nw.Expr) -> nw.Expr:
        return number * col("_scale") if parts else number

    standard, target, band = scaled(col(line)), scaled(col("_target")), scaled(band)
    slack = standard.abs().clip(lower_bound=1.0) * noise
    off, short = (figure - target).abs(), (standard - figure) * col("_better")
    # a difference of two large numbers carries their noise, however small it is itself
    off_slack = (figure.abs() + target.abs() + band).clip(lower_bound=1.0) * noise
    return when(col("_closest")).then(off <= band + off_slack).otherwise(short <= slack)


def _amber_band() -> nw.Expr:
    return (col("_floor_standard") - col("_target")).abs()


def _green_band(names: list[str]) -> nw.Expr:
    if "tolerance" not in names:
        return _amber_band() / 2
    return when(col("_tolerance").is_null()).then(_amber_band() / 2).otherwise(col("_tolerance"))
