"""The council's own tables: each fault at its place, never an exception."""

from pathlib import Path

import pytest
from small_council import write_raw

from kpi_tools.loading import Returns, read_returns
from kpi_tools.rating import band_lines
from kpi_tools.scorecard import recent_quarters


def changed(raw: Path, file: str, before: str, after: str) -> Returns:
    folder = write_raw(raw)
    (folder / "roads.csv").write_text("kpi_id,period,value\nC1,2024-25 Q3,412\n")
    path = raw / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return read_returns(raw)


P1 = "P1,Name of P1,Roads,Place,%,1,higher,quarter,quarterly,0,2020-21 Q1,,,Head of Roads,final,"


@pytest.mark.parametrize(
    ("field", "wrong", "column", "code"),
    [
        ("Name of P1", "", "kpi_name", "catalogue-missing"), (",Roads,", ",Rods,", "section", "catalogue-choice"),
        ("%", "", "unit", "catalogue-missing"),
        (",1,higher", ",one,higher", "decimals", "catalogue-number"), (",1,higher", ",7,higher", "decimals", "catalogue-number"),
        ("higher", "up", "polarity", "catalogue-choice"),
        (",quarter,quarterly", ",weekly,quarterly", "basis", "catalogue-choice"),
        ("quarterly", "often", "frequency", "catalogue-choice"), (",0,2020", ",-1,2020", "lag_quarters", "catalogue-number"),
        ("2020-21 Q1", "2020", "first_quarter", "catalogue-quarter"),
        ("2020-21 Q1,,", "2020-21 Q1,2019-20 Q1,", "last_quarter", "catalogue-order"),
        (",final,", ",sure,", "status", "catalogue-choice"), ("P1,", ",", "kpi_id", "catalogue-missing"),
        ("P1,", "c 1,", "kpi_id", "catalogue-twice"), ("P1,", "CSO1,", "kpi_id", "catalogue-lookalike"),
    ],
)  # fmt: skip
def test_a_fault_in_the_catalogue(
    tmp_path: Path, field: str, wrong: str, column: str, code: str
) -> None:
    problems = changed(tmp_path, "kpis.csv", P1, P1.replace(field, wrong, 1)).problems
    own = problems[(problems["file"] == "kpis.csv") & (problems["severity"] == "error")]
    assert own["code"].iloc[0] == code
    assert (
        own["column"].iloc[0].startswith(column + " (")
        and own["who"].iloc[0] == "the performance team"
    )
    assert own["row"].iloc[0] == {"catalogue-twice": 4, "catalogue-lookalike": 9}.get(code, 2)


T1 = "P1,2020-21 Q1,90,80,,,final"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("P1,2020-21 Q1,80,90,,,final", "target", "target-side"), ("P1,2020-21 Q1,0.9,0.8,,,final", "target", "target-fraction"),
        ("P1,2020-21 Q1,190,80,,,final", "target", "value-above-100"),
        ("P1,2020-21 Q1,ninety,80,,,final", "target", "value-text"),
        ("P1,2020,90,80,,,final", "from_quarter", "catalogue-quarter"), ("ZZ,2020-21 Q1,90,80,,,final", "kpi_id", "id-unknown"),
        ("P1,2020-21 Q1,90,80,5,,final", "tolerance", "target-tolerance"),
        ("P1,2020-21 Q1,90,80,,,agreed", "status", "catalogue-choice"),
        (T1 + "\n" + T1, "from_quarter", "catalogue-twice"), ("P1,2020-21 Q1,-1,-2,,,final", "target", "value-negative"),
        ("P1,2020-21 Q1,\"72,5\",50,,,final", "target", "value-comma"),
    ],
)  # fmt: skip
def test_a_fault_in_the_targets(tmp_path: Path, row: str, column: str, code: str) -> None:
    returns = changed(tmp_path, "targets.csv", T1, row)
    own = returns.problems[
        (returns.problems["file"] == "targets.csv") & (returns.problems["severity"] == "error")
    ]
    assert own["code"].iloc[0] == code and own["column"].iloc[0].startswith(column + " (")
    assert (returns.targets["kpi_id"] == "P1").sum() == (1 if code == "catalogue-twice" else 0)


def test_equal_target_and_floor_and_signed_small_percentages_are_fine(tmp_path: Path) -> None:
    assert changed(tmp_path / "a", "targets.csv", T1, "P1,2020-21 Q1,80,80,,,final").problems.empty
    small = changed(tmp_path / "b", "targets.csv", T1, "P1,2020-21 Q1,0.9%,0.5%,,,final")
    assert small.problems.empty and small.targets["target"].iloc[0] == 0.9


def test_a_kpi_without_a_target_in_force_is_warned_of(tmp_path: Path) -> None:
    problems = changed(tmp_path, "targets.csv", T1, "P1,2025-26 Q1,90,80,,,final").problems
    assert list(zip(problems["severity"], problems["code"], problems["value"], strict=True)) == [
        ("warning", "target-none", "P1")
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('name = "Anyshire"', 'name = 5', "It must be a text."), ('name = "Anyshire"', "", "The setting is missing."),
        ('name = "Anyshire"', 'name = "Anyshire"\nnames = 1', "no setting of this name"),
        ("[council]", "[counsel]", "no part [counsel]"), ('["Roads", "Care"]', '["Roads", "Roads"]', "a list of different texts"),
        ("[council]", '[direction]\nwindow = "six"\n[council]', "a whole number from 2 to 40"),
        ("[council]", "[loading]\nrejected_share = 5\n[council]", "a number from 0 to 1"),
        ("[council]", "[council", "not valid TOML"),
        ("[council]", '[rating]\nscheme = "percent"\n[council]', 'the nearest is "percentage"'),
    ],
)  # fmt: skip
def test_a_fault_in_the_settings_is_a_sentence(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    problems = changed(tmp_path, "council.toml", before, after).problems
    own = problems[problems["file"] == "council.toml"]
    assert told in own["rule"].iloc[0] and (own["severity"] == "error").all()


def test_what_is_written_with_certainty_is_taken_and_logged(tmp_path: Path) -> None:
    row = (
        P1.replace("Roads", "roads")
        .replace("higher", "Higher")
        .replace("2020-21 Q1", "Q1 2020/21")
        .replace("Name of", "Name\u200b  of")
    )
    returns = changed(tmp_path, "kpis.csv", P1, row)
    assert returns.problems["code"].tolist() == ["name-alike"]
    assert returns.catalogue.loc[0, ["kpi_name", "section", "polarity", "first_quarter"]].tolist() == [
        "Name of P1", "Roads", "higher", "2020-21 Q1",
    ]  # fmt: skip
    assert len(returns.log) >= 4


SCHEME = '[rating]\nscheme = "percentage"\npercent = 10\n'


def by_percentage(raw: Path, settings: str = SCHEME, floor: str = "") -> Returns:
    """P1 (target 90, higher is better) and P2 (target 90, lower is better), rated by a percentage of their targets."""
    folder = write_raw(raw)
    with open(raw / "council.toml", "a", encoding="utf-8") as council:
        council.write(settings)
    targets, kpis = raw / "targets.csv", raw / "kpis.csv"
    text = targets.read_text(encoding="utf-8")
    targets.write_text(text.replace("P1,2020-21 Q1,90,80", f"P1,2020-21 Q1,90,{floor}").replace(
        "P2,2020-21 Q1,90,80", "P2,2020-21 Q1,90,"), encoding="utf-8")  # fmt: skip
    text = kpis.read_text(encoding="utf-8")
    kpis.write_text(text.replace("%,0,higher", "%,0,lower", 1), encoding="utf-8")
    (folder / "roads.csv").write_text(
        "kpi_id,period,value\nP1,2024-25 Q3,81\nP1,2024-25 Q2,80.9\nP2,2024-25 Q3,99\n"
    )
    return read_returns(raw)


def test_a_council_may_rate_by_a_percentage_of_the_target(tmp_path: Path) -> None:
    returns = by_percentage(tmp_path)
    recent = recent_quarters(returns).set_index(["kpi_id", "quarter"])
    assert recent.loc[("P1", "2024-25 Q3"), "rating"] == "Amber"
    assert recent.loc[("P1", "2024-25 Q2"), "rating"] == "Red"
    assert recent.loc[("P2", "2024-25 Q3"), "rating"] == "Amber"
    lines = band_lines(recent.reset_index(), returns.council.schemes)
    amber = lines[(lines["quarter"] == "2024-25 Q3") & (lines["band"] == "Amber")]
    assert dict(zip(amber["kpi_id"], amber["edge"], strict=True)) | {"P1": 81, "P2": 99} == dict(
        zip(amber["kpi_id"], amber["edge"], strict=True)
    )


def test_a_percentage_of_zero_rates_by_target_alone(tmp_path: Path) -> None:
    recent = recent_quarters(by_percentage(tmp_path, SCHEME.replace("10", "0")))
    assert set(recent["rating"]) == {"Not rated", "Red"}


@pytest.mark.parametrize(
    ("settings", "floor", "codes"),
    [
        (SCHEME, "70", ["target-unused"]), ('[rating]\nscheme = "percentage"\n', "", ["setting-bad"]),
        ("[rating]\npercent = 10\n", "80", ["setting-bad"]), (SCHEME.replace("10", "-1"), "", ["setting-bad"] * 2),
        (SCHEME.replace("10", "true"), "", ["setting-bad"] * 2),
    ],
)  # fmt: skip
def test_a_scheme_that_is_not_whole_is_told(
    tmp_path: Path, settings: str, floor: str, codes: list[str]
) -> None:
    problems = by_percentage(tmp_path, settings, floor).problems
    own = problems[
        problems["file"].isin(["council.toml", "targets.csv"])
        & (problems["row"].isna() | (problems["row"] == 2))
    ]
    assert own["code"].tolist() == codes


def test_only_money_may_be_negative(tmp_path: Path) -> None:
    folder = write_raw(tmp_path)
    lines = ["F1,2024-25 Q3,-12.5,,", "F1,2024-25 Q2,,-5,10", "F1,2024-25 Q1,5,1,-10", "C1,2024-25 Q3,-1,,", "P1,2024-25 Q3,-1,,",
             "R1,2024-25 Q3,-1,,"]  # fmt: skip
    (folder / "a.csv").write_text(
        "kpi_id,period,value,numerator,denominator\n" + "\n".join(lines) + "\n", encoding="utf-8"
    )
    targets = tmp_path / "targets.csv"
    text = targets.read_text(encoding="utf-8")
    targets.write_text(
        text.replace("F1,2020-21 Q1,1000,500", "F1,2020-21 Q1,-100,-500"), encoding="utf-8"
    )
    found = read_returns(tmp_path).problems
    errors = found[found["severity"] == "error"]
    assert set(errors["code"]) == {"value-negative"} and errors["row"].tolist() == [4, 5, 6, 7]
