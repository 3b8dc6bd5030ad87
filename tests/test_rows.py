"""The rows of the corpus in one return: each comes out as it does alone, whatever stands beside it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from malformed import CASES, Case
from small_council import HEAD, QUARTER, text_of, write_raw

from kpi_tools.intake.reading import Snapshot, read_table
from kpi_tools.intake.return_rules import check_return
from kpi_tools.intake.returns import RETURNS, Catalogue
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.loading import read_returns
from kpi_tools.quarters import Quarter
from kpi_tools.words.problems import Ledger, column_name
from kpi_tools.words.rules import ERROR, WARNING

ROWS = [case for case in CASES if case.name.endswith("(csv)") and "footnote" not in case.name]


def _changed(case: Case) -> list[str]:
    return list(csv.reader(io.StringIO(case.content.decode(), newline="")))[2]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    raw = tmp_path_factory.mktemp("rows")
    (write_raw(raw) / "return.csv").write_text(text_of([HEAD]), encoding="utf-8")
    council = read_returns(raw, QUARTER)
    return Catalogue(council.catalogue, council.targets)


def test_each_row_comes_out_as_it_does_alone(known: Catalogue) -> None:
    ledger = Ledger()
    text = text_of([HEAD, *map(_changed, ROWS)]).encode()
    with Workbooks() as books:
        table = read_table(Snapshot(Path("return.csv"), "return.csv", text), RETURNS, ledger, books)
    assert table is not None and len(table) == len(ROWS) > 200
    sent = check_return(table, Quarter.parse(QUARTER), known)
    problems, log = ledger.problems(), ledger.log()
    accepted = sent.accepted().set_index("row")
    line = dict(zip(map(id, ROWS), table.rows, strict=True))
    for case in ROWS:
        row = line[id(case)]
        own = problems[problems["row"] == row]
        faults = {
            (column_name(found.column), found.code)
            for found in own.itertuples()
            if found.severity == ERROR
        }
        assert faults == {(column, code) for (_, column), code in case.refused.items()}, case.name
        warned = {
            (column_name(found.column), found.code)
            for found in own.itertuples()
            if found.severity == WARNING
        }
        assert warned == {(column, code) for _, column, code in case.warned}, case.name
        logged = set(map(column_name, log.loc[log["row"] == row, "column"]))
        assert {column for _, column in case.logged} <= logged, case.name
        assert bool(logged) <= (not faults), case.name
        if faults:
            assert row not in accepted.index, case.name
            continue
        taken = accepted.loc[row]
        ((key, expected),) = set(case.taken.items()) - {
            (("C1", QUARTER), 412.0),
            (("P2", "2024-25 Q2"), 34.0),
        }
        assert (taken["kpi_id"], taken["period"]) == key, case.name
        if isinstance(expected, str):
            assert np.isnan(taken["value"]) and taken["status"] == expected, case.name
        else:
            assert (
                taken["value"] == pytest.approx(expected, abs=1e-9) and taken["status"] == "final"
            ), case.name
