"""The council's own tables and settings: five columns are enough, every fault is a sentence at its place, nothing crashes."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_tools.cli import main
from kpi_tools.loading import Returns, due_figures, load, read_returns, with_targets
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.schemas import SCHEMAS, SETTINGS
from kpi_tools.scorecard import recent_quarters, score
from kpi_tools.units import clock, known_unit, meant_unit, parse_range, unit_family
from tests.codebook import codebook
from tests.kent import RAW
from tests.small_council import COUNCIL, make_council, quarters, write_table

QUARTER = "2024-25 Q3"
FIGURES = [
    ("2024-25-Q3", "P1", label, 60 + at) for at, label in enumerate(quarters("2023-24 Q2", 6))
]
P1 = {"kpi_id": "P1"}


def council(raw: Path, kpi: dict[str, object] | None = None, **more: object) -> Returns:
    """A council of one KPI, read without raising."""
    return read_returns(make_council(raw, [P1 | (kpi or {})], FIGURES, **more))  # type: ignore[arg-type]


def faults(returns: Returns) -> list[tuple[str, str, str]]:
    """File, column and code of each finding, but for the commentary that is not there."""
    rows = returns.problems[returns.problems["code"] != "commentary-none"]
    columns = [name.partition(" (")[0] for name in rows["column"]]
    return list(zip(rows["file"], columns, rows["code"], strict=True))


# The codebook


def test_the_codebook_says_all_that_is_declared():
    assert codebook() in (RAW / "README.md").read_text(encoding="utf-8")
    for schema in SCHEMAS.values():
        assert all(column.meaning and column.example for column in schema.columns), schema.file
        assert set(schema.key) <= set(schema.names)
    assert all(one.meaning and one.default and one.example for one in SETTINGS)


def test_five_columns_are_enough(tmp_path):
    returns = council(tmp_path)
    assert faults(returns) == []
    kpi = returns.catalogue.iloc[0]
    expected = {"directorate": "Roads", "owner": "Roads", "decimals": 0, "basis": "quarter"}
    expected |= {"frequency": "quarterly", "rated": "yes", "kind": "number"}
    expected |= {"range_low": 0, "range_high": 100}
    assert kpi[list(expected)].to_dict() == expected
    row = score(recent_quarters(returns), returns).iloc[0]
    assert row["value"] == 65 and row["rating"] == "Green"


def test_decimals_are_as_sent_but_one_at_most(tmp_path):
    figures = [("2024-25-Q3", "P1", QUARTER, "61.25"), ("2024-25-Q3", "P2", QUARTER, "61")]
    returns = load(make_council(tmp_path, [P1, {"kpi_id": "P2"}], figures))
    assert returns.catalogue["decimals"].tolist() == [1, 0]


# Any own table may be empty or refused

BROKEN = {
    "no rows": lambda text: text.partition("\n")[0] + "\n",
    "nothing": lambda text: "",
    "no first column": lambda text: re.sub("(?m)^[^,\n]*,", "", text),
    "every row refused": lambda text: text.replace("\n", ",1,2\n").replace(",1,2", "", 1),
    "a column gone": lambda text: "wrong\n1\n",
    "no table": lambda text: "%PDF-1.7",
    "blank cells": lambda text: text.partition("\n")[0] + "\n" + ",;" * 30,
}
_VISITS = {"activity_id": "V1", "activity_name": "Visits", "section": "Roads", "unit": "count"}
_DECISION = {"period": QUARTER, "from_quarter": QUARTER, "reason": "Known", "agreed_by": "Director"}
WHOLE = {
    "activity": _VISITS | {"decimals": 0, "period": QUARTER, "value": 5},
    "benchmarks": P1 | {"area": "England", "period": "2023", "value": 55.5},
    "changes": P1 | {"from_quarter": QUARTER, "change": "redefined"},
    "rebases": P1 | {"first_period": "2024-25 Q1", "reason": "New", "name": "Head"},
    "small_numbers": P1 | _DECISION,
    "actions": {"action_id": "A1", "kpi_id": "P1", "action": "Work", "from_quarter": QUARTER},
    "commentary/2024-25-Q3": P1 | {"commentary": "Words"},
}
TABLES = {name: [row] for name, row in WHOLE.items()}


_HOW = st.sampled_from(list(BROKEN))
_ANY = st.dictionaries(st.sampled_from([*WHOLE, "kpis", "targets"]), _HOW, min_size=1, max_size=3)


@settings(max_examples=settings.default.max_examples // 6)
@given(_ANY)
@pytest.mark.slow
def test_any_own_table_may_be_empty_or_refused(tmp_path_factory, broken):
    raw = make_council(tmp_path_factory.mktemp("raw"), [P1], FIGURES, **TABLES)
    for name, how in broken.items():
        path = raw / f"{name}.csv"
        path.write_text(BROKEN[how](path.read_text()))
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as told:
        assert main(["check", QUARTER, "--raw", str(raw)]) in (0, 2)
    assert "fault in the program" not in told.getvalue()
    returns = read_returns(raw)
    assert "id-unknown" not in set(returns.problems["code"]) or "blank cells" in broken.values()
    figures = due_figures(returns, returns.quarter, 6)
    assert len(figures) in (0, 6)
    if len(returns.catalogue):
        assert len(score(recent_quarters(returns), returns)) == 1
    for name in set(broken) & set(WHOLE):
        rows = returns.problems[returns.problems["file"] == f"{name}.csv"]
        assert len(rows) or broken[name] == "blank cells"


def test_rows_that_wait_for_the_catalogue_are_one_sentence(tmp_path, capsys):
    """A refused row of kpis.csv is not held against the services, and without its ids one thing has to be put right."""
    figures = [*FIGURES, ("2024-25-Q3", "P2", QUARTER, 60)]
    raw = make_council(tmp_path, [P1, {"kpi_id": "P2"}], figures, **TABLES)
    text = (raw / "kpis.csv").read_text()
    (raw / "kpis.csv").write_text(text.replace("Roads", "Raods", 1))
    problems = read_returns(raw).problems
    waiting = problems[problems["code"] == "id-waits"]
    assert "returns/2024-25-Q3/all.csv" in set(waiting["file"])
    assert set(waiting["who"]) == {"the performance team"}
    (raw / "kpis.csv").write_text(text.replace("kpi_id", "identity", 1))
    assert main(["check", QUARTER, "--raw", str(raw)]) == 2
    said = capsys.readouterr()
    assert said.out.count("[id-waits]") == 1
    assert "rows of KPIs that have no sound row in kpis.csv wait for it: " in said.out
    assert "one error has to be put right first" in said.err


def test_a_path_of_three_hundred_letters_is_a_sentence(capsys):
    for path in ("x" * 300, "/" + "x" * 300, "x" * 300 + "/raw"):
        assert main(["check", QUARTER, "--raw", path]) == 2
        told = "".join(capsys.readouterr())
        assert "fault in the program" not in told and "too long" in told
    assert main(["report", QUARTER, "--outputs", "x" * 300]) == 2
    assert "longer than this computer allows" in capsys.readouterr().err


def test_tables_as_they_should_be_are_no_complaint(tmp_path):
    returns = load(make_council(tmp_path, [P1], FIGURES, **TABLES))
    assert returns.problems.empty
    assert len(returns.actions) == len(returns.rebases) == len(returns.benchmarks) == 1
    assert returns.benchmarks["quarter"].tolist() == ["2023-24 Q3"]


# kpis.csv


@pytest.mark.parametrize(("kpi", "column", "code"), [
    ({"kpi_name": ""}, "kpi_name", "catalogue-missing"),
    ({"section": "Rods"}, "section", "catalogue-choice"),
    ({"unit": ""}, "unit", "catalogue-missing"),
    ({"unit": "Per cent"}, "unit", "unit-unknown"),
    ({"decimals": "one"}, "decimals", "catalogue-number"),
    ({"decimals": 7}, "decimals", "catalogue-number"),
    ({"polarity": "up"}, "polarity", "catalogue-choice"),
    ({"polarity": "none"}, "polarity", "polarity-none"),
    ({"frequency": "quaterly"}, "frequency", "catalogue-choice"),
    ({"basis": "weekly"}, "basis", "catalogue-choice"),
    ({"lag_quarters": -1}, "lag_quarters", "catalogue-number"),
    ({"first_quarter": "2020"}, "first_quarter", "catalogue-quarter"),
    ({"first_quarter": QUARTER, "last_quarter": "2019-20 Q1"}, "last_quarter", "catalogue-order"),
    ({"due": "Q5"}, "due", "catalogue-number"),
    ({"due": "2026-03-31"}, "due", "catalogue-number"),
    ({"year_ends": "31 August"}, "year_ends", "catalogue-number"),
    ({"since": "lately"}, "since", "catalogue-number"),
    ({"range": "100..0"}, "range", "catalogue-number"),
    ({"rated": "maybe"}, "rated", "catalogue-choice"),
    ({"scheme": "tolerant"}, "scheme", "scheme-unknown"),
    ({"kind": "milestone"}, "kind", "milestone-statuses"),
    ({"data_quality": "GX"}, "data_quality", "catalogue-number"),
    ({"part_of": "Z"}, "part_of", "part-of"),
    ({"status": "sure"}, "status", "catalogue-choice"),
    ({"kpi_id": ""}, "kpi_id", "catalogue-missing"),
])  # fmt: skip
def test_a_fault_in_the_catalogue_has_its_place(tmp_path, kpi, column, code):
    returns = council(tmp_path, kpi)
    assert ("kpis.csv", column, code) in faults(returns)
    assert returns.catalogue.empty
    # the services' good rows wait for the council, and are no fault of theirs
    sent = returns.problems[returns.problems["file"].str.startswith("returns")]
    assert set(sent["who"]) <= {"the performance team"} or not kpi.get("kpi_id", "P1")


def test_what_is_wrong_names_the_nearest_word(tmp_path):
    returns = council(tmp_path, {"frequency": "quaterly", "unit": "Per cent", "section": "Road"})
    rules = " ".join(returns.problems["rule"])
    for told in ('the nearest is "quarterly"', 'Write "%"', 'the nearest is "Roads"'):
        assert told in rules


@pytest.mark.parametrize(("ids", "code"), [
    (("P1", "p 1"), "catalogue-twice"),
    (("P1", "P1"), "catalogue-twice"),
])  # fmt: skip
def test_two_ids_that_cannot_be_told_apart(tmp_path, ids, code):
    returns = read_returns(make_council(tmp_path, [{"kpi_id": one} for one in ids], FIGURES))
    assert ("kpis.csv", "kpi_id", code) in faults(returns) and len(returns.catalogue) == 1


@pytest.mark.parametrize(("ids", "warned"), [
    (("1.12", "11.2"), False), (("S1", "51"), True), (("PO1", "P01"), True),
])  # fmt: skip
def test_ids_of_any_form_are_taken_and_a_look_alike_is_none_of_them(tmp_path, ids, warned):
    sent = [("2024-25-Q3", kpi_id, QUARTER, 60 + at) for at, kpi_id in enumerate(ids)]
    strange = ("2024-25-Q3", ids[1].replace("1", "l"), QUARTER, 99)
    raw = make_council(tmp_path, [{"kpi_id": one} for one in ids], [*sent, strange])
    returns = read_returns(raw, QUARTER)
    assert returns.figures.set_index("kpi_id")["value"].to_dict() == {ids[0]: 60, ids[1]: 61}
    told = returns.problems.set_index("code")["rule"].to_dict()
    assert told["id-lookalike"] == f"The id only looks like {' or '.join(sorted(ids))}."
    errors = returns.problems.loc[returns.problems["severity"] == "error", "code"]
    assert ("catalogue-lookalike" in told) == warned and errors.tolist() == ["id-lookalike"]


def test_ids_that_a_spreadsheet_program_makes_one_are_warned_of(tmp_path):
    ids = ["1.1", "1.10", "7", "007"]
    returns = read_returns(make_council(tmp_path, [{"kpi_id": one} for one in ids], FIGURES))
    told = returns.problems[returns.problems["code"] == "catalogue-lookalike"]
    assert told["value"].tolist() == ["1.10", "007"] and len(returns.catalogue) == 4
    found = Ids(returns.catalogue[returns.catalogue["kpi_id"] == "1.10"]).find("1.1")
    assert (found.fault, found.detail) == ("id-lookalike", "1.10")


def test_names_that_differ_in_spelling_only(tmp_path):
    spelt = [
        "kpi_id,kpi_name,directorate",
        "P0,Calls,Roads and Care in 1",
        "P1,calls,Roads & Care in 1",
        "P2,Visits,Roads and Care in 1",
        "P3,Bins,Roads and Car in 1",
        "P4,Trees,Roads and Care in 2",
    ]
    sent = [("2024-25-Q3", "P0", QUARTER, 60)]
    found = faults(read_returns(make_council(tmp_path, spelt, sent)))
    codes = [(column, code) for file, column, code in found if file == "kpis.csv"]
    assert codes == [("kpi_name", "name-twice"), *[("directorate", "name-alike")] * 2]


# Units


def test_units_that_are_known_that_are_meant_and_what_they_are():
    known = {"%": "%", "Count": "count", "rate per 1000": "rate per 1,000", "other: ": None}
    known |= {"per 100,000": "rate per 100,000", "£ Thousand": "£ thousand", "percent": None}
    known |= {"other: tonnes CO2e": "tonnes CO2e", "rate per 7": None, "tonnes": None}
    assert {text: known_unit(text) for text in known} == known
    meant = {"percent": "%", "Per cent": "%", "pct": "%", "£m": "£ million", "No.": "count"}
    meant |= {"mins": "minutes", "tonnes": ""}
    assert {text: meant_unit(text) for text in meant} == meant
    assert unit_family("£ million").low == -np.inf and unit_family("days").low == 0
    times = {("2:30", "minutes"): 2.5, ("1:02:03", "seconds"): 3723, ("7:30", "hours"): 7.5}
    times |= {("2:30", "%"): None, ("3m 30s", "minutes"): None, ("", "minutes"): None}
    assert {one: clock(*one) for one in times} == times
    ranges = {"0..": (0, np.inf), "..": (-np.inf, np.inf), "-100..100": (-100, 100), "0-100": None}
    assert {text: parse_range(text) for text in ranges} == ranges


# targets.csv


@pytest.mark.parametrize(("target", "column", "code"), [
    ({"target": 80, "floor_standard": 90}, "target", "target-side"),
    ({"target": 0.9}, "target", "target-fraction"),
    ({"target": 190}, "target", "value-above-100"),
    ({"target": "ninety"}, "target", "value-text"),
    ({"target": 90, "from_quarter": "2020"}, "from_quarter", "catalogue-quarter"),
    ({"kpi_id": "ZZ"}, "kpi_id", "id-unknown"),
    ({"target": 90, "tolerance": 5}, "tolerance", "target-tolerance"),
    ({"target": -1}, "target", "value-negative"),
    ({"target": 90, "status": "agreed"}, "status", "catalogue-choice"),
    ({"target": "72,5"}, "target", "value-comma"),
    ({"target": 90, "applies": "yearly"}, "applies", "catalogue-choice"),
    ({"target": 90, "stretch": 120}, "stretch", "value-above-100"),
])  # fmt: skip
def test_a_fault_in_the_targets_has_its_place(tmp_path, target, column, code):
    returns = council(tmp_path, {"decimals": 1}, targets=[P1 | target])
    assert ("targets.csv", column, code) in faults(returns) and returns.targets.empty


def test_a_range_lets_a_percentage_pass_100_in_figures_and_targets(tmp_path):
    returns = council(tmp_path, {"range": "0..150"}, targets=[P1 | {"target": 110}])
    assert faults(returns) == []
    returns = council(tmp_path, {"range": "0..150"}, targets=[P1 | {"target": 160}])
    assert ("targets.csv", "target", "value-outside") in faults(returns)


YEAR = pd.DataFrame({"kpi_id": "P1", "quarter": quarters("2024-25 Q1", 4)})
COUNT = {"unit": "count", "basis": "year_to_date"}


def in_year(returns: Returns) -> list[list[float]]:
    """Target, floor standard and target of the year, quarter by quarter; -1: none."""
    found = with_targets(YEAR, returns.targets)
    return found[["target", "floor_standard", "year_target"]].fillna(-1).T.to_numpy().tolist()


def test_a_part_of_the_settings_that_is_no_part_is_a_fault(tmp_path):
    raw = make_council(tmp_path, [P1], FIGURES)
    (raw / "council.toml").write_text('council = "Anyshire"\n')
    found = faults(read_returns(raw))
    assert ("council.toml", "council", "setting-bad") in found
    assert ("council.toml", "council.name", "setting-bad") in found


def test_targets_of_a_whole_year(tmp_path):
    year = P1 | {"target": 80, "floor_standard": 60, "stretch": 100}
    at_end = council(tmp_path / "a", COUNT, targets=[year | {"applies": "year_end"}])
    assert in_year(at_end) == [[-1, -1, -1, 80], [-1, -1, -1, 60], [80] * 4]
    even = council(tmp_path / "b", COUNT, targets=[year | {"profile": "even"}])
    assert in_year(even) == [[20, 40, 60, 80], [15, 30, 45, 60], [80] * 4]
    share = council(tmp_path / "d", COUNT | {"unit": "%"})
    assert faults(at_end) == faults(even) == faults(share) == []
    grows = council(tmp_path / "e", COUNT | {"unit": "%", "adds_up": "yes"})
    for flat in (council(tmp_path / "c", COUNT, targets=[year]), grows):
        assert faults(flat) == [("targets.csv", "kpi_id", "target-flat")]


def test_a_kpi_without_a_line_in_force_is_warned_of_unless_it_is_only_monitored(tmp_path):
    later = [P1 | {"target": 90, "from_quarter": "2025-26 Q1"}]
    assert faults(council(tmp_path, targets=later)) == [("targets.csv", "kpi_id", "target-none")]
    assert faults(council(tmp_path, {"rated": "no", "polarity": "none"}, targets=later)) == []
    blank = [P1 | {"target": "", "reason": "To be agreed"}]
    assert faults(council(tmp_path, targets=blank)) == [("targets.csv", "kpi_id", "target-none")]
    # the figure of a year that stands between its quarters is held against the lines of that year
    since = [P1 | {"target": 90, "from_quarter": "2024-25 Q1"}]
    returns = council(tmp_path / "y", {"frequency": "annual", "basis": "annual"}, targets=since)
    assert ("targets.csv", "kpi_id", "target-none") in faults(returns)


# council.toml


@pytest.mark.parametrize(("settings_", "told"), [
    ('[direction]\nwindow = "six"\n', "a whole number from 2 to 40"),
    ("[direction]\nminimum_points = 7\n", "more figures than the 6 that are shown (window)"),
    ("[direction]\nwindow = 4\n", "lower it, or raise window"),
    ('[direction]\nshow = ["previus"]\n', 'the nearest is "previous"'),
    ('[direction]\nshow = "trend"\n', 'a list, in square brackets, of these: trend'),
    ("[direction]\nunchanged_within = 1\n", "in quotation marks"),
    ("[loading]\nrejected_share = 5\n", "a number from 0 to 1"),
    ("[counsel]\nname = 1\n", 'the nearest is "council"'),
    ('[report]\nnot_du = "apart"\n', 'the nearest is "not_due"'),
    ('[report]\nnot_due = "aside"\n', "counted, apart"),
    ('[words]\nkpi = ""\n', "a text"),
    ('[benchmarks]\nheadline = ["A", "B"]\n', "a text, one alone"),
    ('[milestones]\nstatuses = [{ name = "Late", band = "Redd" }]\n', 'the nearest is "Red"'),
    ('[milestones]\nstatuses = [{ name = "Late" }, { name = "late" }]\n', "a list of different names"),
    ('[milestones]\nstatuses = [{ name = "Late", colour = "red" }]\n', "each with its band or none"),
    ('[chart]\nform = "bars"\n', "auto, columns, line"),
    ("[rating.schemes.easy]\nband = []\n", "[rating.schemes.easy]"),
    ("[rating]\nbands = []\n", "a list of bands"),
    ('[rating]\nbands = ["Green"]\n', "a list of bands, the best first"),
    ("[small_numbers]\nthreshold = true\n", "a whole number from 2 to 100"),
    ("[small_numbers]\nthreshold = 1\n", "a whole number from 2 to 100"),
    ("[small_numbers]\nrounding = 2.5\n", "a whole number from 2 to 100"),
    ("[small_numbers]\nbase = 5\n", "threshold"),
    ("[council\n", "not valid TOML"),
])  # fmt: skip
def test_a_fault_in_the_settings_is_a_sentence(tmp_path, settings_, told):
    problems = council(tmp_path, settings=settings_).problems
    own = problems[problems["file"] == "council.toml"]
    assert told in own["rule"].iloc[0] and (own["severity"] == "error").all()


def test_settings_in_another_encoding_are_a_sentence(tmp_path):
    raw = make_council(tmp_path, [P1], FIGURES)
    (raw / "council.toml").write_text(COUNCIL, encoding="utf-16")
    problems = read_returns(raw).problems
    assert problems["rule"].str.contains("it is not saved as UTF-8").any()
    assert "codec" not in " ".join(problems["rule"])


def test_the_councils_own_words_and_settings(tmp_path):
    text = (
        '[words]\nsection = "Priority"\nkpi = "Measure of success"\nkpi_plural = "Measures of success"\n'
        '[report]\nnot_due = "apart"\n'
        '[direction]\nshow = ["previous", "trend"]\nunchanged_within = "1%"\n'
        '[milestones]\nstatuses = [{ name = "On track", band = "Green" }, { name = "Not started" }]\n'
    )
    known = council(tmp_path, settings=text).council
    expected = {"section_plural": "Priorities", "kpi_plural": "Measures of success"}
    expected |= {"target_plural": "targets"}
    assert {name: known.words[name] for name in expected} == expected
    assert known.arrows == ("previous", "trend")
    assert (known.unchanged_within, known.not_due) == ("1%", "apart")
    assert known.milestones == {"On track": "Green", "Not started": None}


def test_an_older_way_to_rate_still_works_and_is_named(tmp_path):
    returns = council(tmp_path, settings='[rating]\nscheme = "percentage"\npercent = 10\n')
    assert faults(returns) == [("council.toml", "rating.scheme", "setting-old")]
    assert set(returns.problems["severity"]) <= {"notice", "warning"}


# Benchmarks and actions


def test_a_bad_benchmark_is_left_out_and_stops_no_report(tmp_path):
    rows = [
        {"area": "North", "value": 0.98},
        {"area": "South", "value": 0.97, "numerator": 97, "denominator": 100},
        {"area": "East", "value": 97.04, "numerator": 9704, "denominator": 10000},
        {"area": "West", "value": 104},
    ]
    benchmarks = [P1 | {"period": "2023/24"} | row for row in rows]
    headline = '[benchmarks]\nheadline = "East"\n'
    more = {"benchmarks": benchmarks, "settings": headline}
    returns = load(make_council(tmp_path, [P1], FIGURES, **more))
    assert returns.benchmarks[["area", "quarter"]].values.tolist() == [["East", "2023-24 Q4"]]
    found = [code for file, _, code in faults(returns) if file == "benchmarks.csv"]
    assert found == ["benchmark-share", "benchmark-share", "value-above-100"]
    (tmp_path / "council.toml").write_text(COUNCIL + '[benchmarks]\nheadline = "Est"\n')
    assert 'the nearest is "East"' in " ".join(read_returns(tmp_path).problems["rule"])


def test_an_area_in_two_spellings_is_told(tmp_path):
    areas = ("England,2023/24", "Wales,2023/24", "england,2022/23")
    rows = ["kpi_id,area,period,value", *(f"P1,{area},50" for area in areas)]
    returns = council(tmp_path, benchmarks=rows)
    assert faults(returns) == [("benchmarks.csv", "area", "name-alike")]
    assert 'spelt "England" in another row' in " ".join(returns.problems["rule"])


def test_actions_are_known_up_to_the_report(tmp_path):
    row = {"action_id": "A1", "kpi_id": "P1", "action": "Work", "from_quarter": "2024-25 Q2"}
    rows = [row | {"from_quarter": QUARTER, "status": "done"}, row | {"from_quarter": "2024-25 Q4"}]
    raw = make_council(tmp_path, [P1], FIGURES, actions=[row, *rows])
    assert load(raw).actions["status"].tolist() == ["open", "done"]
    wrong = {"kpi_id": "Z"}, {"section": "Roads"}, {"kpi_id": ""}, {"status": "finished"}
    rows = [row | one | {"action_id": f"A{at}"} for at, one in enumerate(wrong)]
    write_table(raw / "actions.csv", rows)
    found = [code for _, _, code in faults(read_returns(raw))]
    assert found == ["id-unknown", "text-place", "text-place", "catalogue-choice"]


def test_an_action_that_goes_over_to_another_kpi_is_told(tmp_path):
    row = {"action_id": "A1", "kpi_id": "P1", "action": "Work", "from_quarter": "2024-25 Q2"}
    moved = row | {"kpi_id": "P2", "action": "Another", "from_quarter": QUARTER}
    same = row | {"from_quarter": "2024-25 Q1"}
    raw = make_council(tmp_path, [P1, {"kpi_id": "P2"}], FIGURES, actions=[same, row, moved])
    problems = load(raw).problems.set_index("code")
    told = problems.loc["action-moved"]
    assert (told["row"], told["column"]) == (4, "action_id (A)") and "for P1 before" in told["rule"]


def test_of_a_row_whose_cells_are_not_under_their_headings_that_alone_is_told(tmp_path):
    raw = make_council(tmp_path, [P1], FIGURES)
    file = raw / "kpis.csv"
    file.write_text(file.read_text().replace("Name of P1", "Calls, answered"))
    errors = read_returns(raw).problems.query("file == 'kpis.csv'")
    assert errors["code"].tolist() == ["row-long"]


def test_a_fault_of_the_councils_own_tables_is_for_the_team(tmp_path):
    targets = [{"kpi_id": "P1", "target": "TBC"}]
    own = council(tmp_path, targets=targets).problems.query("file == 'targets.csv'")
    assert own["code"].tolist() == ["value-text"] and set(own["who"]) == {"the performance team"}


def test_a_column_of_an_older_folder_is_named_with_its_new_word(tmp_path):
    council(tmp_path)
    file = next((tmp_path / "returns").rglob("*.csv"))
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([f"{lines[0]},rag", *(f"{line},Green" for line in lines[1:])]))
    found = read_returns(tmp_path, QUARTER).problems.set_index("code").loc["table-unexpected"]
    assert 'left out. It is called "rating" now' in str(found["rule"])
