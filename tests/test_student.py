"""Student's t against scipy and against values printed in every table of the distribution."""

import math

import pytest
from scipy import stats

from kpi_tools.statistics.student import chance_below, critical, critical_of_many, p_value


@pytest.mark.parametrize(
    ("df", "printed"), [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (10, 2.228), (30, 2.042)]
)
def test_the_printed_critical_values(df: int, printed: float) -> None:
    assert critical(df) == pytest.approx(printed, abs=0.0005)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 7, 22, 58, 1000])
@pytest.mark.parametrize("t", [0.0, 1e-3, 0.3, 1.0, 2.5, 8.0, 60.0, 1e5])
def test_both_tails_agree_with_scipy(t: float, df: int) -> None:
    assert p_value(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-10)
    assert p_value(-t, df) == p_value(t, df)
    assert chance_below(t, df) == pytest.approx(stats.t.cdf(t, df), rel=1e-12)
    assert chance_below(-t, df) == pytest.approx(stats.t.cdf(-t, df), rel=1e-10)


@pytest.mark.parametrize("df", [1, 4, 5, 40])
@pytest.mark.parametrize("level", [0.5, 0.2, 0.05, 0.001])
def test_the_critical_value_undoes_the_p_value(df: int, level: float) -> None:
    assert critical(df, level) == pytest.approx(stats.t.isf(level / 2, df), rel=1e-10)
    assert p_value(critical(df, level), df) == pytest.approx(level, rel=1e-10)


@pytest.mark.parametrize("df", [28, 29, 33, 40, 58, 100, 149, 300, 999, 10_000, 10**7])
@pytest.mark.parametrize("level", [0.2, 0.05, 0.001])
def test_the_critical_value_of_many(df: int, level: float) -> None:
    assert critical_of_many(1 / df, level) == pytest.approx(stats.t.isf(level / 2, df), rel=1e-8)
    assert critical_of_many(1 / df) == pytest.approx(stats.t.isf(0.025, df), rel=1e-9)


def test_one_degree_of_freedom_by_hand() -> None:
    # With one degree of freedom t is a Cauchy variable: half of it lies beyond ±1.
    assert p_value(1.0, 1) == pytest.approx(0.5)
    assert chance_below(1.0, 1) == pytest.approx(0.75)


def test_the_ends() -> None:
    assert p_value(math.inf, 4) == 0.0
    assert math.isnan(p_value(math.nan, 4))
    assert p_value(0.0, 4) == 1.0
    assert chance_below(0.0, 4) == 0.5


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one degree of freedom, not 0"):
        p_value(1.0, 0)
    with pytest.raises(ValueError, match="between 0 and 1, not at 5"):
        critical(4, 5)
