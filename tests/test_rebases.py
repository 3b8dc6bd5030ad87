"""data/raw/rebases.csv: read and checked like every other table, and known from the report in which it was agreed."""

import pytest

from kpi_tools.loading import read_returns
from tests.small_council import write_raw

HEAD = "kpi_id,first_period,reason,name,from_quarter,status\n"


@pytest.fixture
def read(tmp_path):
    """What is read after these lines stand in rebases.csv."""
    folder = write_raw(tmp_path)
    (folder / "return.csv").write_text(
        "kpi_id,period,value\nP1,2024-25 Q3,87.5\n", encoding="utf-8"
    )

    def given(*lines):
        (tmp_path / "rebases.csv").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
        return read_returns(tmp_path)

    return given


def test_a_rebase_in_every_part_however_its_period_is_written(read):
    returns = read(
        "P1,Q1 2024/25,New system,Head of Roads,2024-25 Q2,",
        "M1,May 2024,New team,Head of Care,,",
        "P2,2024-06,Moved,Chief,,",
    )
    rows = returns.rebases.astype(object).where(returns.rebases.notna(), None)
    assert rows.values.tolist() == [
        ["P1", "2024-25 Q1", "2024-04-01", "New system", "Head of Roads", "2024-25 Q2", "final"],
        ["M1", "2024-05", "2024-05-01", "New team", "Head of Care", None, "final"],
        ["P2", "2024-06", "2024-06-01", "Moved", "Chief", None, "final"],
    ]
    log = returns.log
    assert set(log["file"] + " " + log["column"]) == {"rebases.csv first_period (B)"}
    assert log[["row", "sent", "taken"]].values.tolist() == [
        [2, "Q1 2024/25", "2024-25 Q1"],
        [3, "May 2024", "2024-05"],
    ]


def test_a_rebase_agreed_later_is_neither_known_nor_counted(read):
    lines = (
        "P2,2024-25 Q1,New,Head,2024-25 Q3,",
        "P1,2024-25 Q1,New,Head,2024-25 Q4,",
        "M1,2024-05,,Head,2024-25 Q4,",
    )
    returns = read(*lines)
    assert returns.rebases["kpi_id"].tolist() == ["P2"]
    counts = returns.counts.set_index("file").loc["rebases.csv"]
    assert counts[["rows_in", "accepted", "rejected"]].tolist() == [2, 1, 1]
    assert returns.problems[["row", "code"]].values.tolist() == [[4, "catalogue-missing"]]


@pytest.mark.parametrize(("line", "code", "column"), [
    ("P9,2024-25 Q1,New system,Head of Roads,,", "id-unknown", "kpi_id (A)"),
    ("P1,,New system,Head of Roads,,", "catalogue-missing", "first_period (B)"),
    ("P1,spring,New system,Head of Roads,,", "period-own", "first_period (B)"),
    ("P1,2024-05-17,New system,Head of Roads,,", "period-own", "first_period (B)"),
    ("P1,2024-25 Q1,,Head of Roads,,", "catalogue-missing", "reason (C)"),
    ("P1,2024-25 Q1,New system,,,", "catalogue-missing", "name (D)"),
    ("P1,2024-25 Q1,New system,Head of Roads,soon,", "catalogue-quarter", "from_quarter (E)"),
    ("P1,2024-25 Q1,New system,Head of Roads,,perhaps", "catalogue-choice", "status (F)"),
    ("P2,2024-04,Another reason,Head of Care,,", "catalogue-twice", "first_period (B)"),
])  # fmt: skip
def test_a_fault_has_its_place_and_the_rebase_is_left_out(read, line, code, column):
    returns = read("P2,2024-25 Q1,New system,Head of Roads,,", line)
    assert returns.rebases["kpi_id"].tolist() == ["P2"]
    problem = returns.problems[returns.problems["code"] == code].iloc[0]
    place = problem[["severity", "file", "row", "column"]].tolist()
    assert place == ["error", "rebases.csv", 3, column]
