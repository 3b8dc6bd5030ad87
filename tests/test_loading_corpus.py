"""Every file of the corpus: what is taken, refused, logged and warned of, cell by cell."""

import pandas as pd
import pytest

from kpi_tools.loading.rules import column_name
from tests.malformed import CASES
from tests.small_council import HERE


def _placed(table: pd.DataFrame) -> list[tuple[int, str]]:
    columns = map(column_name, table["column"])
    return [
        (0 if pd.isna(row) else int(row), column)
        for row, column in zip(table["row"], columns, strict=True)
    ]


_SELDOM = [[pytest.mark.slow] if n % 4 else [] for n in range(len(CASES))]
"""Three in four run only with KPI_LONG=1."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=m) for case, m in zip(CASES, _SELDOM, strict=True)],
)
def test_every_cell_of_the_corpus_comes_out_as_expected(case, desk):
    found = desk.read(**{case.file.replace(".", "_"): case.content})
    taken = {
        (row.kpi_id, row.period): row.status if pd.isna(row.value) else row.value
        for row in found.taken.itertuples()
    }
    assert taken == pytest.approx(case.taken, abs=1e-9)
    errors = found.problems[found.problems["severity"] == "error"]
    if case.fault:
        assert list(errors["code"]) == [case.fault]
        assert "{" not in errors["rule"].iloc[0]
    else:
        assert dict(zip(_placed(errors), errors["code"], strict=True)) == case.refused
    warnings = found.problems[found.problems["severity"] == "warning"]
    assert {
        (*place, code) for place, code in zip(_placed(warnings), warnings["code"], strict=True)
    } == case.warned
    assert case.logged <= set(_placed(found.log))
    assert set(found.rejected["row"]) == {row for row, _ in case.refused}
    counts = found.counts.set_index("file").loc[HERE + case.file]
    assert counts["rows_in"] == counts["accepted"] + counts["rejected"] + counts["blank"]
    assert counts["outcome"] == ("refused" if case.fault else "read")


def test_the_corpus_is_large_and_its_names_differ():
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)
