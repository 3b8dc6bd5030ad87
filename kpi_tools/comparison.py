"""One KPI of many councils, side by side: rank, quartile, distance from England and from a group, and a funnel.

Each KPI and period is compared within itself. Any frame that narwhals knows comes back with more columns (METHOD.md,
"Comparison across councils"). A funnel says which councils differ by more than their numbers explain: D. J. Spiegelhalter,
Funnel plots for comparing institutional performance, Statistics in Medicine 24 (2005), 1185-1202.
"""

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
from narwhals.stable.v2 import col, lit, when
from narwhals.stable.v2.typing import IntoFrameT

from kpi_tools.errors import InputError
from kpi_tools.statistics.codes import finite, words
from kpi_tools.statistics.series import check_columns
from kpi_tools.vocabulary import HIGHER, LOWER

Z_95, Z_998 = 1.959963984540054, 3.090232306167813
FUNNEL_WORDS = {
    1: "as expected", 2: "better than expected", 3: "far better than expected",
    4: "worse than expected", 5: "far worse than expected",
}  # fmt: skip
ADDED = ("rank", "ranked", "quartile", "from_england", "from_group", "expected", "overdispersion",
         "lower_95", "upper_95", "lower_998", "upper_998", "funnel")  # fmt: skip
_WINSOR = 0.1
_ROUNDED = 1.0


def compare(
    figures: IntoFrameT,
    *,
    by: Sequence[str] = ("kpi_id", "period_end"),
    area: str = "authority",
    england: str | None = None,
    group: Sequence[str] = (),
) -> IntoFrameT:
    """Add how each area's figure stands among those of the others for the same KPI and period.

    Needs `area`, `value`, `polarity` and the columns of `by`; uses `numerator` and `denominator` where they are there and the
    value is a percentage of them (or, 0.98 for 98%, a share). `england` names the row of the whole country, which is compared
    with but not ranked; `group` names the areas of a comparison group. Rows of other totals, such as regions, are to be left
    out before. Adds, null where it cannot be said:

    * `rank` (1 is best; equal figures share one), `ranked` (out of how many) and `quartile` (1 is the best quarter);
    * `from_england` and `from_group`: the figure less England's, and less the mean of the group's other areas;
    * `expected` (all numerators over all denominators, or England's), `lower_95`, `upper_95`, `lower_998`, `upper_998`
      around it for the area's own denominator, widened by `overdispersion` where areas differ by more than chance, all in
      the unit of the value;
    * `funnel`: a state of `FUNNEL_WORDS`, far being beyond the 99.8% limits.

    Raises `InputError` for a column, or an area, that is not there, and for two rows of one area (not seen on a lazy frame).
    """
    frame: Any = nw.from_native(figures)
    if (
        isinstance(frame, nw.DataFrame) and frame.implementation.is_pyarrow()
    ):  # which cannot look at rows of a group
        found = nw.from_native(
            compare(frame.to_pandas(), by=by, area=area, england=england, group=group),
            eager_only=True,
        )
        kept = [name for name in frame.columns if name not in ADDED]
        added = nw.from_native(found.select(*ADDED).to_arrow(), eager_only=True)
        return nw.concat([frame.select(*kept), added], how="horizontal").to_native()
    check_columns(frame, (*by, area, "value", "polarity"), ("value", "numerator", "denominator"))
    names = [name for name in frame.collect_schema().names() if name not in ADDED]
    rows = frame.select(*names).with_columns(
        _england=(col(area) == lit(england or "")).fill_null(False),
        _in_group=col(area).is_in(list(group)) if group else lit(False), _value=finite("value"),
        _better=when(col("polarity") == HIGHER).then(lit(1.0)).otherwise(when(col("polarity") == LOWER).then(lit(-1.0))),
    )  # fmt: skip
    if isinstance(rows, nw.DataFrame):
        _check_areas(rows, list(by), area, [*([england] if england else []), *group])
    rows = _with_distances(_ranked(rows, list(by)), list(by))
    if {"numerator", "denominator"} <= set(names):
        rows = _with_funnel(rows, list(by))
    else:
        rows = rows.with_columns(
            **dict.fromkeys(ADDED[5:-1], lit(None, dtype=nw.Float64)),
            funnel=lit(None, dtype=nw.String),
        )
    return rows.select(*names, *ADDED).to_native()


def _check_areas(rows: Any, by: list[str], area: str, asked: Sequence[str]) -> None:
    there = set(rows[area].unique().to_list())
    if unknown := [name for name in asked if name not in there]:
        raise InputError(
            f'There is no {area} "{unknown[0]}" in the table. Give its name as it stands there.'
        )
    names = rows.select(*by, area)
    if (twice := names.filter(names.is_duplicated())).shape[0]:
        *what, who = (str(value) for value in twice.row(0))
        raise InputError(
            f"Two rows of {who} are for the same {' and '.join(by)}: {', '.join(what)}. Keep the one that counts."
        )


def _ranked(rows: Any, by: list[str]) -> Any:
    """Figures that agree to nine decimals are equal: 100 × 29 / 50 and 29 / 50 × 100 are not the same number."""
    rows = rows.with_columns(
        _score=when(~col("_england")).then((col("_value") * col("_better")).round(9))
    )
    rows = rows.with_columns(
        _rank=(-col("_score")).rank("min").over(*by),
        ranked=col("_score").count().over(*by).cast(nw.Int64),
    )
    rows = rows.with_columns(
        rank=when(~col("_score").is_null()).then(col("_rank")).cast(nw.Float64)
    )
    return rows.with_columns(quartile=((col("rank") - 1) * 4 / col("ranked")).floor() + 1)


def _with_distances(rows: Any, by: list[str]) -> Any:
    rows = rows.with_columns(
        _of_england=when(col("_england")).then(col("_value")),
        _of_group=when(col("_in_group")).then(col("_value")),
    )
    rows = rows.with_columns(
        _of_england=col("_of_england").max().over(*by), _sum=col("_of_group").sum().over(*by),
        _count=col("_of_group").count().over(*by), _own=col("_of_group").fill_null(0.0),
        _one=when(col("_of_group").is_null()).then(lit(0)).otherwise(lit(1)),
    )  # fmt: skip
    others = when(col("_count") - col("_one") > 0).then(
        (col("_sum") - col("_own")) / (col("_count") - col("_one"))
    )
    return rows.with_columns(
        from_england=col("_value") - col("_of_england"), from_group=col("_value") - others
    )


def _with_funnel(rows: Any, by: list[str]) -> Any:
    """Normal limits about a common proportion; overdispersion from the z-scores, of which the outer tenths are drawn in."""
    whole = (
        (finite("numerator") >= 0)
        & (finite("denominator") > 0)
        & (finite("numerator") <= finite("denominator"))
    )
    if "unit" in rows.collect_schema().names():
        whole = whole & (col("unit") == "%")
    rows = rows.with_columns(
        _n=when(whole).then(finite("numerator")), _d=when(whole).then(finite("denominator"))
    )
    rows = rows.with_columns(
        _areas_n=when(~col("_england")).then(col("_n")), _areas_d=when(~col("_england")).then(col("_d")),
        _country=when(col("_england")).then(col("_n") / col("_d")),
    )  # fmt: skip
    rows = rows.with_columns(
        _pooled=col("_areas_n").sum().over(*by) / _positive(col("_areas_d").sum().over(*by)),
        _country=col("_country").max().over(*by),
    ).with_columns(
        _centre=when(~col("_country").is_null()).then(col("_country")).otherwise(col("_pooled"))
    )
    rows = rows.with_columns(
        _error=(col("_centre") * (1 - col("_centre")) / col("_areas_d")).sqrt()
    )
    rows = rows.with_columns(
        _z=when(col("_error") > 0).then(
            (col("_areas_n") / col("_areas_d") - col("_centre")) / col("_error")
        )
    )
    rows = rows.with_columns(
        _place=col("_z").rank("min").over(*by), _areas=col("_z").count().over(*by)
    )
    inner = (col("_place") > (col("_areas") * _WINSOR).floor()) & (
        col("_place") <= col("_areas") - (col("_areas") * _WINSOR).floor()
    )
    rows = rows.with_columns(_inner=when(inner).then(col("_z")))
    rows = rows.with_columns(
        _least=col("_inner").min().over(*by), _most=col("_inner").max().over(*by)
    )
    drawn = when(col("_z") < col("_least")).then(col("_least")).otherwise(col("_z"))
    rows = rows.with_columns(_drawn=when(drawn > col("_most")).then(col("_most")).otherwise(drawn))
    rows = rows.with_columns(_square=col("_drawn") * col("_drawn"))
    rows = rows.with_columns(_phi=col("_square").sum().over(*by) / _positive(col("_areas")))
    more = (col("_phi") > 1 + (2 / _positive(col("_areas"))).sqrt() * 2).fill_null(False)
    rows = rows.with_columns(
        overdispersion=when(more).then(col("_phi")).otherwise(lit(1.0)),
        _unit=_unit(by),
        _share=col("_areas_n") / col("_areas_d"),
    )
    rows = rows.with_columns(
        _reach=col("_error") * col("overdispersion").sqrt(), expected=col("_centre") * col("_unit")
    )
    limits = {
        f"{side}_{name}": (col("_centre") + col("_reach") * (sign * z)).clip(0.0, 1.0)
        * col("_unit")
        for name, z in (("95", Z_95), ("998", Z_998))
        for side, sign in (("lower", -1), ("upper", 1))
    }
    rows = rows.with_columns(**limits, _off=col("_share") - col("_centre"))
    good, far = col("_off") * col("_better") > 0, col("_off").abs() > col("_reach") * Z_998
    rows = rows.with_columns(
        _state=when(col("_off").is_null() | col("_better").is_null() | col("_reach").is_null()).then(lit(0))
        .when(col("_off").abs() <= col("_reach") * Z_95).then(lit(1))
        .when(good & far).then(lit(3)).when(good).then(lit(2))
        .when(far).then(lit(5)).otherwise(lit(4))
    )  # fmt: skip
    return rows.with_columns(funnel=words(rows, "_state", FUNNEL_WORDS))


def _unit(by: list[str]) -> nw.Expr:
    """What the whole is in the values of a KPI and period: 100, or 1 where more of them are shares than percentages."""
    share = col("_n") / col("_d")
    shares = (
        ((col("_value") - share).abs() <= _ROUNDED / 100)
        .fill_null(False)
        .cast(nw.Int64)
        .sum()
        .over(*by)
    )
    percentages = (
        ((col("_value") - share * 100).abs() <= _ROUNDED)
        .fill_null(False)
        .cast(nw.Int64)
        .sum()
        .over(*by)
    )
    return when(shares > percentages).then(lit(1.0)).otherwise(lit(100.0))


def _positive(number: nw.Expr) -> nw.Expr:
    return when(number > 0).then(number)
