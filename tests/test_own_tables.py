"""Any of the council's own tables may be empty, refused or short of a column: that is told, and blamed on no other file."""

from pathlib import Path

import pytest
from small_council import write_raw

from kpi_tools.cli import main
from kpi_tools.loading import load, read_returns

QUARTER = "2024-25 Q3"
TABLES = {
    "kpis.csv": "",
    "targets.csv": "",
    "commentary/2024-25-Q3.csv": "",
    "activity.csv": "activity_id,activity_name,section,unit,decimals,period,value\nA1,Calls,Roads,count,0,2024-25 Q3,5\n",
    "benchmarks.csv": "kpi_id,area,period,value,from_quarter\nP1,England,2023,60.4,2024-25 Q3\n",
    "changes.csv": "kpi_id,from_quarter,change\nP1,2024-25 Q1,redefined\n",
    "rebases.csv": "kpi_id,first_period,reason,name\nP1,2024-25 Q1,New rules,Head of Roads\n",
    "small_numbers.csv": "kpi_id,period,from_quarter,reason,agreed_by\nC1,2024-25 Q3,2024-25 Q3,Published,Head of Roads\n",
    "actions.csv": "action_id,kpi_id,section,action,owner,opened,due,status,from_quarter,note\n"
    "X1,P1,,Repair,Head,2024-25 Q3,2025-03-31,open,2024-25 Q3,\n",
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = write_raw(tmp_path)
    (folder / "roads.csv").write_text(
        "kpi_id,period,value\nC1,2024-25 Q3,412\nP1,2024-25 Q3,87.5\n", encoding="utf-8"
    )
    for name, text in TABLES.items():
        if text:
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def spoil(text: str, way: str) -> str:
    head, *rows = text.splitlines()
    if way == "headings alone":
        return head + "\n"
    if way == "no first column":
        return "\n".join(line.partition(",")[2] for line in [head, *rows])
    if way == "every row refused":
        return "\n".join([head, *(line + ",one,more" for line in rows)])
    return ""


@pytest.mark.parametrize(
    "way", ["headings alone", "no first column", "every row refused", "nothing in it"]
)
@pytest.mark.parametrize("name", TABLES)
def test_the_check_tells_it_of_that_file(
    raw: Path, name: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (raw / name).write_text(spoil((raw / name).read_text(encoding="utf-8"), way), encoding="utf-8")
    status = main(["check", QUARTER, "--raw", str(raw)])
    told = "".join(capsys.readouterr())
    assert status in (0, 2) and "fault in the program" not in told
    problems = read_returns(raw, QUARTER).problems
    assert name in set(problems["file"])
    assert "id-unknown" not in set(problems["code"])


def test_a_refused_row_of_the_catalogue_is_not_held_against_the_services(raw: Path) -> None:
    text = (raw / "kpis.csv").read_text(encoding="utf-8")
    assert text.count("P1,Name of P1,Roads") == 1
    (raw / "kpis.csv").write_text(
        text.replace("P1,Name of P1,Roads", "P1,Name of P1,Raods"), encoding="utf-8"
    )
    problems = read_returns(raw, QUARTER).problems
    about = problems[problems["file"] == "returns/2024-25-Q3/roads.csv"]
    assert about["code"].tolist() == ["id-waits"]
    assert about["who"].tolist() == ["the performance team"]


def test_as_it_is_nothing_is_told(raw: Path) -> None:
    assert load(raw, QUARTER).problems.empty


def test_a_path_of_three_hundred_letters_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for path in ("x" * 300, "/" + "x" * 300, "x" * 300 + "/raw"):
        assert main(["check", QUARTER, "--raw", path]) == 2
        told = "".join(capsys.readouterr())
        assert "fault in the program" not in told and "too long" in told
    assert main(["report", QUARTER, "--outputs", "x" * 300]) == 2
    assert "longer than this computer allows" in capsys.readouterr().err
