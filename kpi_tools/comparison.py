"""One KPI of many councils, side by side: rank, quartile, distance from England and from a group,
and a funnel.

Each KPI and period is compared within itself (METHOD.md, "Comparison across councils"). A funnel
says which councils differ by more than their numbers explain: D. J. Spiegelhalter, Funnel plots for
comparing institutional performance, Statistics in Medicine 24 (2005), 1185-1202.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.frames import Array, Ordered, Words, in_order
from kpi_tools.schemes import one_of

Z_95, Z_998 = 1.959963984540054, 3.090232306167813
FUNNEL_WORDS: Final = (
    None,
    "as expected",
    "better than expected",
    "far better than expected",
    "worse than expected",
    "far worse than expected",
)
_FUNNEL = ("expected", "overdispersion", "lower_95", "upper_95", "lower_998", "upper_998", "funnel")
ADDED = ("rank", "ranked", "quartile", "from_england", "from_group", *_FUNNEL)
_WINSOR = 0.1
_FEWEST_FOR_SPREAD = 10
_ROUNDED = 1.0


def compare(
    figures: Any,
    *,
    by: str | Sequence[str] = ("kpi_id", "period_end"),
    area: str = "authority",
    value: str = "value",
    polarity: str = "polarity",
    england: str | None = None,
    group: Sequence[str] = (),
) -> Any:
    """Add how each area's figure stands among those of the others for the same KPI and period.

    Args:
        figures: A table of pandas, Polars, PyArrow or DuckDB. `numerator` and `denominator` are
            used where they are there and the value is a percentage of them (or, 0.98 for 98%, a
            share). Rows of other totals, such as regions, are to be left out before.
        by: The columns within which areas are compared.
        area: The column with the names of the areas.
        value: The figures.
        polarity: The column that says what is better, or one of `higher`, `lower`, `target`.
        england: The row of the whole country, which is compared with but not ranked.
        group: The areas of a comparison group.

    Returns:
        The table with, null where it cannot be said: `rank` (1 is best; equal figures share one),
        `ranked` (out of how many), `quartile` (1 is the best quarter); `from_england` and
        `from_group`: the figure less England's, and less the mean of the group's other areas;
        `expected` (all numerators over all denominators, or England's), `lower_95`, `upper_95`,
        `lower_998`, `upper_998` around it for the area's own denominator, widened by
        `overdispersion` where ten areas or more differ by more than chance, all in the unit of the
        value; `funnel`: a state of `FUNNEL_WORDS`, far being beyond the 99.8% limits. What is
        expected is estimated without the areas that are far from it, so that none comes to look as
        expected by getting worse.

    Raises:
        InputError: A column, or an area, is not there, or there are two rows of one area.
    """
    named = {"area": area, "value": value, "polarity": polarity}
    rows = in_order(figures, by, None, named=named)
    given = rows.frame[area].to_list()
    names, whole = [given[row] for row in rows.order], [england] if england else []
    _check_areas(rows, names, area, [*whole, *group])
    country, member = (np.array([name in of for name in names], bool) for of in (whole, group))
    y, better = rows.numbers(value), rows.better(polarity).astype(float)
    parts = [rows.either(None, name) for name in ("numerator", "denominator")]
    share = (parts[0] >= 0) & (parts[1] > 0) & (parts[0] <= parts[1])
    if "unit" in rows.frame.columns:
        share &= rows.is_word("unit", "%")
    n, d = (np.where(share, part, np.nan) for part in parts)
    found: dict[str, Any] = {name: np.full(len(y), np.nan) for name in ADDED}
    for span in rows.spans:
        compared = {
            **_ranks(y[span], better[span], country[span]),
            **_distances(y[span], country[span], member[span]),
            **_funnel(y[span], n[span], d[span], better[span], country[span]),
        }
        for name, values in compared.items():
            found[name][span] = values
    found["ranked"] = found["ranked"].astype(int)
    found["funnel"] = Words(found["funnel"].astype(int), FUNNEL_WORDS)
    return rows.with_columns(**found)


def _check_areas(rows: Ordered, names: Sequence[Any], area: str, asked: Sequence[str]) -> None:
    """Raise `InputError` where an area that is asked for is not there, or one is there twice."""
    there = {str(name) for name in names}
    if unknown := [name for name in asked if name not in there]:
        raise InputError(
            f'There is no {area} "{unknown[0]}" in the table; there are '
            f"{one_of(unknown[0], sorted(there))}."
        )
    table = pd.DataFrame({"area": names, "of": rows.series}, rows.order + 1)
    if (twice := table[table.duplicated(keep=False)].sort_index()).size:
        first, second, *_ = twice.index[(twice == twice.iloc[0]).all(axis=1)]
        raise InputError(
            f"Rows {first} and {second} are both of {twice['area'].iloc[0]} for the same KPI and "
            "period. Keep the one that counts."
        )


def _ranks(y: Array, better: Array, country: Array) -> dict[str, Array]:
    """Figures that agree to nine decimals are equal: 100 × 29 / 50 and 29 / 50 × 100 differ."""
    score = pd.Series(np.where(country | (better == 0), np.nan, y * better).round(9))
    rank = score.rank(method="min", ascending=False).to_numpy()
    ranked = int(score.notna().sum())
    return {
        "rank": rank,
        "ranked": np.full(len(y), ranked),
        "quartile": np.floor((rank - 1) * 4 / max(ranked, 1)) + 1,
    }


def _distances(y: Array, country: Array, member: Array) -> dict[str, Array]:
    england = y[country][0] if country.any() else np.nan
    mine = member & ~np.isnan(y)
    others = mine.sum() - mine
    total = y[mine].sum() - np.where(mine, y, 0.0)
    mean = np.where(others > 0, total / np.maximum(others, 1), np.nan)
    return {"from_england": y - england, "from_group": y - mean}


def _funnel(y: Array, n: Array, d: Array, better: Array, country: Array) -> dict[str, Array]:
    """Normal limits about a common proportion, in the unit of the value, and the number of each
    area's state."""
    areas = ~country & ~np.isnan(n)
    if not areas.any():
        return {"funnel": np.zeros(len(y))}
    shares, of_country = np.where(areas, n / d, np.nan), (n / d)[country][:1]
    known = of_country[~np.isnan(of_country)]
    centre, kept = float(known[0]) if known.size else _middle(shares[areas], d[areas]), areas

    def measured() -> tuple[Array, Array, float]:
        error = np.sqrt(centre * (1 - centre) / d)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, (shares - centre) / error, np.nan)
        return error, z, _overdispersion(z[kept & ~np.isnan(z)])

    for _ in range(2):
        _, z, spread = measured()
        near = areas & ~(np.abs(z) > Z_998 * np.sqrt(spread))
        kept = near if near.sum() * 2 >= areas.sum() else areas
        if not known.size:
            centre = float(n[kept].sum()) / float(d[kept].sum())
    error, _, spread = measured()
    whole, off = _whole(y, n / d), shares - centre
    reach = np.where(areas, error, np.nan) * np.sqrt(spread)
    limits = {
        f"{side}_{name}": np.clip(centre + reach * sign * at, 0.0, 1.0) * whole
        for name, at in (("95", Z_95), ("998", Z_998))
        for side, sign in (("lower", -1), ("upper", 1))
    }
    far, good = np.abs(off) > reach * Z_998, off * better > 0
    unknown = np.isnan(off) | (better == 0) | np.isnan(reach)
    near = np.abs(off) <= reach * Z_95
    state = np.select([unknown, near, good & far, good, far], [0, 1, 3, 2, 5], 4)
    same = {"expected": centre * whole, "overdispersion": spread}
    return {name: np.full(len(y), one) for name, one in same.items()} | limits | {"funnel": state}


def _middle(shares: Array, weights: Array) -> float:
    """The share of which half of the cases are in areas with no larger one: no single area moves it
    far."""
    order = np.argsort(shares)
    reached = np.cumsum(weights[order])
    return float(shares[order][np.searchsorted(reached, reached[-1] / 2)])


def _overdispersion(z: Array) -> float:
    """How much more areas vary than chance makes them, with the outer tenths drawn in; below ten
    areas that is not asked."""
    if len(z) < _FEWEST_FOR_SPREAD:
        return 1.0
    cut = int(len(z) * _WINSOR)
    ranked = np.sort(z)
    drawn = np.clip(ranked, ranked[cut], ranked[len(z) - 1 - cut])
    spread = float((drawn**2).mean())
    return spread if spread > 1 + 2 * np.sqrt(2 / len(z)) else 1.0


def _whole(y: Array, share: Array) -> float:
    """What the whole is in the values: 100, or 1 where more are shares than percentages."""
    shares = (np.abs(y - share) <= _ROUNDED / 100).sum()
    return 1.0 if shares > (np.abs(y - share * 100) <= _ROUNDED).sum() else 100.0
