"""Student's t distribution in plain Python: the questions this package asks of it.

`scipy.stats` would answer them too, at 0.9 s of import in every process; the tests hold the two together.
Method: the tail is the regularised incomplete beta function, by its continued fraction (modified Lentz).
"""

import math
from functools import lru_cache
from typing import Any

MANY = 28
_EXACT = (MANY, 34, 45, 70, 150, 1000)
_TINY = 1e-300
_CLOSE = 1e-16


def p_value(t: float, df: float) -> float:
    """The two-sided probability of a value at least as far from zero as `t`, with `df` degrees of freedom (≥ 1).

    Infinite `t` gives 0, NaN gives NaN. Raises `ValueError` where `df` is below 1.
    """
    if not df >= 1:
        raise ValueError(f"Student's t needs at least one degree of freedom, not {df}.")
    if math.isnan(t):
        return math.nan
    if math.isinf(t):
        return 0.0
    share, rest = df / (df + t * t), t * t / (df + t * t)
    if share < (df + 2) / (df + 5):
        return _beta_tail(share, rest, df / 2, 0.5)
    return 1.0 - _beta_tail(rest, share, 0.5, df / 2)


def chance_below(t: float, df: float) -> float:
    """The probability of a value below `t`, between 0 and 1; `df` as in `p_value`."""
    tail = p_value(t, df) / 2
    return tail if t < 0 else 1.0 - tail


@lru_cache(maxsize=1024)
def critical(df: float, level: float = 0.05) -> float:
    """The positive t whose two-sided probability is `level` (strictly between 0 and 1), by bisection."""
    if not 0 < level < 1:
        raise ValueError(f"A level of significance lies between 0 and 1, not at {level}.")
    low, high = 0.0, 1.0
    while p_value(high, df) > level:
        low, high = high, high * 2
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        if p_value(middle, df) > level:
            low = middle
        else:
            high = middle


def critical_of_many(inverse: Any, level: float = 0.05) -> Any:
    """`critical` for `MANY` degrees of freedom and more, to within 1e-9, from 1 / df: a number, or an expression of a table."""
    first, *others = reversed(list(zip(_EXACT, _differences(level), strict=True)))
    curve = first[1]
    for df, difference in others:
        curve = curve * (inverse - 1 / df) + difference
    return curve


@lru_cache
def _differences(level: float) -> tuple[float, ...]:
    """Newton's divided differences of the exact values at `_EXACT`: in 1 / df they lie on a curve that hardly bends."""
    found = [critical(df, level) for df in _EXACT]
    for order in range(1, len(_EXACT)):
        for at in range(len(_EXACT) - 1, order - 1, -1):
            found[at] = (found[at] - found[at - 1]) / (1 / _EXACT[at] - 1 / _EXACT[at - order])
    return tuple(found)


def _beta_tail(x: float, rest: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for x below (a + 1) / (a + b + 2); `rest` is 1 − x."""
    if x <= 0:
        return 0.0
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log(rest)
        - math.log(a)
    )
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            fraction *= c * d
        if abs(c * d - 1.0) < _CLOSE * 4:
            break
    return front * fraction


def _away(number: float) -> float:
    """The number, or a tiny one where it would be zero, since it is going to be divided by."""
    return number if abs(number) > _TINY else _TINY
