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

    def has_a_figure_by_its_status(table):
        return table["value"].notna() == ~table["status"].isin(STATUSES_WITHOUT_VALUE)

    def is_no_percentage_above_100(table):
        return (table["value"] <= 100) | (table["unit"] != "%") | table["value"].isna()

    columns = {
        "kpi_id": pa.Column(str),
        "quarter": pa.Column(str, pa.Check.str_matches(r"^\d{4}-\d\d Q[1-4]$")),
        "polarity": pa.Column(str, pa.Check.isin(POLARITIES)),
        "decimals": pa.Column(int, pa.Check.in_range(0, 6)),
        "lag_quarters": pa.Column(int, pa.Check.in_range(0, 8)),
        "status": pa.Column(str, pa.Check.isin(STATUSES)),
    }
    for name in NUMBERS:
        columns[name] = pa.Column(float, pa.Check(lambda c: np.isfinite(c)), nullable=True)
    checks = [pa.Check(has_a_figure_by_its_status), pa.Check(is_no_percentage_above_100)]
    return pa.DataFrameSchema(columns, checks=checks, unique=["kpi_id", "period_end"])


@pytest.mark.parametrize("quarter", ["2023-24 Q2", "2024-25 Q3"])
def test_the_figures_of_a_real_council_keep_it(quarter):
    figures = returns(quarter).figures
    schema().validate(figures, lazy=True)
    schema().validate(figures.head(0), lazy=True)
