"""The contract on the table of figures refuses what pandera refuses, and lets pass what it lets pass."""

import numpy as np
import pandas as pd
import pytest

from kpi_tools.intake.figures import check_figures
from kpi_tools.loading import load
from kpi_tools.vocabulary import POLARITIES, STATUSES, STATUSES_WITHOUT_VALUE
from tests.kent import RAW

# pandera brings along what is installed of Spark, which warns of pandas 3
pytestmark = pytest.mark.filterwarnings("ignore")
NUMBERS = ("value", "numerator", "denominator", "target", "floor_standard", "tolerance")


def schema():
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "kpi_id": pa.Column(str),
            "quarter": pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d\d Q[1-4]$")),
            "polarity": pa.Column(str, pa.Check.isin(POLARITIES)),
            "decimals": pa.Column(int, pa.Check.in_range(0, 6)),
            "lag_quarters": pa.Column(int, pa.Check.in_range(0, 8)),
            "status": pa.Column(str, pa.Check.isin(STATUSES)),
            **{
                name: pa.Column(float, pa.Check(lambda c: np.isfinite(c)), nullable=True)
                for name in NUMBERS
            },
        },
        checks=[
            pa.Check(
                lambda table: (
                    table["value"].notna() == ~table["status"].isin(STATUSES_WITHOUT_VALUE)
                )
            ),
            pa.Check(
                lambda table: (
                    (table["value"] <= 100) | (table["unit"] != "%") | table["value"].isna()
                )
            ),
        ],
        unique=["kpi_id", "period_end"],
    )


@pytest.fixture(scope="module")
def figures():
    return load(RAW, "2024-25 Q3").figures


def test_the_figures_of_a_real_council_keep_it(figures):
    check_figures(figures)
    schema().validate(figures, lazy=True)
    check_figures(figures.head(0))


@pytest.mark.parametrize(
    ("column", "wrong", "said"),
    [
        ("kpi_id", None, "a text, row 5"),
        ("quarter", "2024/25 Q3", "a quarter, row 5"),
        ("polarity", "upward", "a polarity, row 5"),
        ("decimals", 7, "decimals from 0 to 6, row 5"),
        ("lag_quarters", -1, "a lag from 0 to 8, row 5"),
        ("status", "guessed", "a status, row 5"),
        ("target", np.inf, "finite, row 5"),
        ("denominator", -np.inf, "finite, row 5"),
        ("value", np.nan, "a value or a reason, row 5"),
        ("value", 100.5, "within its range, row 5"),
        ("decimals", 1.5, "decimals is float64"),
        ("value", "74", "value is"),
    ],
)
def test_what_breaks_it_is_found_as_pandera_finds_it(figures, column, wrong, said):
    import pandera.errors

    assert figures.loc[5, "unit"] == "%" and pd.notna(figures.loc[5, "value"])
    values = [*figures[column][:5], wrong, *figures[column][6:]]
    broken = figures.assign(
        **{column: pd.Series(values, dtype=object if column == "value" and wrong == "74" else None)}
    )
    with pytest.raises(AssertionError, match=f"not as it must be: {said}"):
        check_figures(broken)
    with pytest.raises(pandera.errors.SchemaErrors):
        schema().validate(broken, lazy=True)


def test_a_figure_that_stands_twice_is_found(figures):
    import pandera.errors

    twice = pd.concat([figures, figures.tail(1)], ignore_index=True)
    with pytest.raises(AssertionError, match=f"one figure a period, row {len(figures)}"):
        check_figures(twice)
    with pytest.raises(pandera.errors.SchemaErrors):
        schema().validate(twice, lazy=True)


def test_each_edge_is_inside(figures):
    assert figures.loc[5, "unit"] == "%"
    for column, edge in (
        ("value", 100.0),
        ("decimals", 0),
        ("decimals", 6),
        ("lag_quarters", 0),
        ("lag_quarters", 8),
    ):
        check_figures(
            figures.assign(**{column: [*figures[column][:5], edge, *figures[column][6:]]})
        )


def test_every_broken_rule_is_named(figures):
    broken = figures.assign(
        decimals=[9, *figures["decimals"][1:]], lag_quarters=[*figures["lag_quarters"][:-1], 9]
    )
    said = f"The table of figures is not as it must be: decimals from 0 to 6, row 0; a lag from 0 to 8, row {len(figures) - 1}."
    with pytest.raises(AssertionError) as caught:
        check_figures(broken)
    assert str(caught.value) == said
