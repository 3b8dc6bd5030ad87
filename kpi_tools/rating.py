"""RAG rating: which figures meet their target and floor standard.

One rule for every engine: the functions take any frame that narwhals knows (pandas, Polars eager or lazy, PyArrow,
DuckDB, Spark), never change it, and return the same kind of frame with more columns. The method is METHOD.md, "RAG rating".
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.statistics.codes import better, finite, first_of, words
from kpi_tools.statistics.series import Rows, check_columns
from kpi_tools.vocabulary import (
    AMBER,
    CLOSEST,
    GREEN,
    LOWER,
    MULTIPLIERS,
    NOT_RATED,
    RED,
    STATUSES_WITHOUT_VALUE,
)

ADDED = ("rating", "not_rated_reason")
NO_FIGURE = "no figure"
NO_TARGET = "no target"
NO_FLOOR_STANDARD = "no floor standard"
NO_POLARITY = "polarity not known"
WRONG_SIDE = "floor standard on the better side of the target"

_LINES = ("target", "floor_standard")
_NUMBERS = ("value", *_LINES)
_PARTS = ("numerator", "denominator")
NUMBERS = (*_NUMBERS, *_PARTS, "tolerance")
_NOISE = 1e-9
_ROUNDING = 1e-15
_RATING_CODES = {0: NOT_RATED, 1: GREEN, 2: AMBER, 3: RED}
_REASON_CODES = {1: NO_FIGURE, 2: NO_TARGET, 3: NO_FLOOR_STANDARD, 4: NO_POLARITY, 5: WRONG_SIDE}


def rate(kpis: IntoFrameT) -> IntoFrameT:
    """Add `rating` (Green, Amber, Red or Not rated; never null) and `not_rated_reason` (null where rated) to each row.

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
    polarity or with its floor standard on the better side of its target. Raises `InputError` for a column that is not there
    and for text among the numbers.
    """
    frame: Any = nw.from_native(kpis)
    check_columns(frame, (*_NUMBERS, "polarity"), NUMBERS)
    names = [name for name in frame.collect_schema().names() if name not in ADDED]
    return rated(frame.with_columns(_better=better()), names).select(*names, *ADDED).to_native()


def rated(rows: Rows, names: Sequence[str]) -> Rows:
    """Add what `rate` adds to rows with `_better` (`codes.better`) and the caller's columns `names`."""
    parts, closest = set(_PARTS) <= set(names), _may_be_closest(rows)
    rows = rows.with_columns(
        **{f"_{name}": finite(name) for name in (*_NUMBERS, "tolerance") if name in names},
        **{"_closest": col("polarity") == CLOSEST} if closest else {},
        _way=col("_better").cast(nw.Float64),
    )
    rows = rows.with_columns(_reason=_reason(rows, closest))
    rows = _as_cases(rows, names) if parts else rows
    rows = _as_distances(rows, names) if closest else rows
    short = (col("_target", "_floor_standard") - col("_value")) * col("_way")
    rows = rows.with_columns(short.name.suffix("_short"))
    met = (_met(f"_{line}", parts, closest) for line in _LINES)
    rows = rows.with_columns(_rating=first_of(rows, col("_reason") > 0, *met, start=0, otherwise=3))
    rows = rows.with_columns(
        rating=words(rows, "_rating", _RATING_CODES),
        not_rated_reason=words(rows, "_reason", _REASON_CODES),
    )
    if "status" in names:
        rows = rows.with_columns(not_rated_reason=_status_or_reason())
    return rows


def floor_by_percentage(kpis: IntoFrameT, percent: float) -> IntoFrameT:
    """Replace `floor_standard` by a share of `target`: `percent` below it, above it where lower is better.

    For councils that rate by a percentage tolerance (10 and 5 are common) or by target alone (0: no Amber).
    """
    slack = col("target").abs() * (percent / 100)
    floor = (
        when(col("polarity") == LOWER).then(col("target") + slack).otherwise(col("target") - slack)
    )
    frame: Any = nw.from_native(kpis)
    return frame.with_columns(floor_standard=floor).to_native()


def _may_be_closest(rows: Rows) -> bool:
    """Whether a figure may be best closest to its target: where none can be, what that takes is left out."""
    return not isinstance(rows, nw.DataFrame) or bool((rows["_better"] == 0).any())


def _as_cases(rows: Rows, names: Sequence[str]) -> Rows:
    """Where there are parts the numerator times its unit's multiplier is judged, and the lines times the denominator.

    Adds `_noise`, the share of a line that is no more than rounding.
    """
    rows = rows.with_columns(
        _cases=col("numerator").cast(nw.Float64) * _multiplier(names),
        _scale=col("denominator").cast(nw.Float64),
    )
    there = col("_cases").is_finite() & col("_scale").is_finite() & (col("_scale") > 0)
    rows = rows.with_columns(_scale=when(there).then(col("_scale")))
    rows = rows.with_columns(
        _value=when(col("_scale").is_null()).then(col("_value")).otherwise(col("_cases")),
        _noise=when(col("_scale").is_null()).then(lit(_NOISE)).otherwise(lit(_ROUNDING)),
        _scale=col("_scale").fill_null(1.0),
    )
    lines = [f"_{name}" for name in (*_LINES, "tolerance") if name in names]
    return rows.with_columns(col(*lines) * col("_scale"))


def _multiplier(names: Sequence[str]) -> nw.Expr:
    if "unit" not in names:
        return lit(100.0)
    per = lit(None, dtype=nw.Float64)
    for unit, multiplier in MULTIPLIERS.items():
        per = when(col("unit") == unit).then(lit(float(multiplier))).otherwise(per)
    return per


def _as_distances(rows: Rows, names: Sequence[str]) -> Rows:
    """Closest to target is judged as lower is better: the distance from the target against the width of its bands.

    Adds `_carried`: a difference of two large numbers carries their noise, however small it is itself.
    """
    rows = rows.with_columns(_amber=(col("_floor_standard") - col("_target")).abs())
    green = col("_amber") / 2
    if "tolerance" in names:
        green = when(col("_tolerance").is_null()).then(green).otherwise(col("_tolerance"))

    def instead(name: str, there: nw.Expr) -> nw.Expr:
        return when(col("_closest")).then(there).otherwise(col(name))

    return rows.with_columns(
        _value=instead("_value", (col("_value") - col("_target")).abs()),
        _target=instead("_target", green),
        _floor_standard=instead("_floor_standard", col("_amber")),
        _way=instead("_way", lit(-1.0)),
        _carried=when(col("_closest"))
        .then(col("_value").abs() + col("_target").abs())
        .otherwise(lit(0.0)),
    )


def _reason(rows: Rows, closest: bool) -> nw.Expr:
    """Why a row is not rated, as a number of `_REASON_CODES`, 0 where it can be."""
    unknown = (
        (col("_better") == 0) & ~col("_closest").fill_null(False)
        if closest
        else col("_better") == 0
    )
    wrong_side = (col("_floor_standard") - col("_target")) * col("_way") > 0
    return first_of(rows, *(col(f"_{name}").is_null() for name in _NUMBERS), unknown, wrong_side)


def _status_or_reason() -> nw.Expr:
    missing = (col("_reason") == 1) & col("status").is_in(STATUSES_WITHOUT_VALUE)
    return when(missing.fill_null(False)).then(col("status")).otherwise(col("not_rated_reason"))


def _met(line: str, parts: bool, closest: bool) -> nw.Expr:
    """Whether a figure falls short of a line by no more than noise: of the line where that is above 1, else of 1."""
    noise = col("_noise") if parts else lit(_NOISE)
    short = col(f"{line}_short")
    size = col(line).abs() + col("_carried") if closest else col(line).abs()
    return (short <= noise) | (short <= size * noise)
