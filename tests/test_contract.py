"""The contract on the table of figures, held against it by pandera."""

import numpy as np
import pytest

from kpi_tools.vocabulary import POLARITIES, STATUSES, STATUSES_WITHOUT_VALUE
from tests.kent import returns

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


@pytest.mark.parametrize("quarter", ["2023-24 Q2", "2024-25 Q3"])
def test_the_figures_of_a_real_council_keep_it(quarter):
    figures = returns(quarter).figures
    schema().validate(figures, lazy=True)
    schema().validate(figures.head(0), lazy=True)
