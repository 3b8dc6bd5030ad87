"""Return templates: what is asked for, what may be typed; what comes back is read as filled in."""

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from kpi_tools.errors import InputError
from kpi_tools.loading import load, read_returns
from kpi_tools.templates import COLUMNS, write_templates
from tests.kent import BOROUGH, RAW
from tests.small_council import QUARTER, make_council, write_raw, write_table

NEXT = "2024-25 Q4"
WITHOUT_VALUE = ["suppressed", "not available", "not collected", "not applicable", "rounds to zero"]


@pytest.fixture(scope="module")
def template(desk, tmp_path_factory):
    (path,) = write_templates(desk.raw, QUARTER, tmp_path_factory.mktemp("templates"))
    return path


def table_of(path: Path | io.BytesIO) -> list[dict[str, Any]]:
    sheet = load_workbook(path)["Figures"]
    names = [cell.value for cell in sheet[1]]
    return [
        dict(zip(names, (cell.value for cell in row), strict=True))
        for row in sheet.iter_rows(min_row=2)
    ]


def filled(path: Path, rows: list[dict[str, Any]]) -> bytes:
    """The template with `rows`: what is typed into each of its rows, by column."""
    book = load_workbook(path)
    for line, typed in enumerate(rows, start=2):
        for name, value in typed.items():
            cell = book["Figures"].cell(line, COLUMNS.index(name) + 1)
            assert not cell.protection.locked
            cell.value = value
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_a_directorate_is_asked_for_its_kpis_with_last_figures_and_targets(tmp_path):
    paths = write_templates(RAW, NEXT, tmp_path)
    assert [path.name for path in paths] == [
        "2024-25-Q4-chief-executive-s-deputy-chief-executive-s.xlsx",
        "2024-25-Q4-chief-executive-s.xlsx",
        "2024-25-Q4-growth-environment-and-transport.xlsx",
        "2024-25-Q4-children-young-people-and-education.xlsx",
        "2024-25-Q4-adult-social-care-and-health.xlsx",
        "2024-25-Q4-public-health.xlsx",
    ]
    assert {path.parent for path in paths} == {tmp_path / "templates" / "2024-25-Q4"}
    rows = [row for path in paths for row in table_of(path)]
    # the report of 2024/25 Q3 has 38 KPIs; one of them, ES01, is sent by month as well
    assert len({row["kpi_id"] for row in rows}) == 38 and len(rows) == 41
    asked = [row for row in rows if row["kpi_id"] == "ES01"]
    assert [row["period"] for row in asked] == [NEXT, "2025-01", "2025-02", "2025-03"]
    # KCC Quarterly Performance Report, Quarter 3 2024/25: EHC plans 34%, target 60%, floor 55%
    quarter = {"last_figure": "34% in 2024-25 Q3", "target": "60%", "floor_standard": "55%"}
    quarter |= {"unit": "%", "value": None}
    assert asked[0] | quarter == asked[0]
    assert (asked[1]["target"], asked[1]["floor_standard"]) == (None, None)


def test_the_last_figure_is_the_last_there_is(tmp_path):
    write_raw(tmp_path)
    (tmp_path / "returns" / "2024-25-Q3" / "a.csv").write_text(
        "kpi_id,period,value,status\nP1,2024-25 Q2,80,final\nP1,2024-25 Q3,,not available\n"
    )
    (path,) = write_templates(tmp_path, NEXT, tmp_path)
    rows = {row["kpi_id"]: row for row in table_of(path)}
    assert rows["P1"]["last_figure"] == "80.0% in 2024-25 Q2"


def test_a_kpi_in_arrears_is_asked_for_the_quarter_that_is_due(tmp_path):
    write_raw(tmp_path)
    kpis = (tmp_path / "kpis.csv").read_text(encoding="utf-8")
    kpis = kpis.replace("quarterly,0", "quarterly,2", 1)
    (tmp_path / "kpis.csv").write_text(kpis, encoding="utf-8")
    figures = ["kpi_id,period,value", "P1,2024-25 Q1,80"]
    write_table(tmp_path / "returns" / "2024-25-Q3" / "a.csv", figures)
    (path,) = write_templates(tmp_path, NEXT, tmp_path)
    rows = {row["kpi_id"]: row for row in table_of(path)}
    last = (rows["P1"]["period"], rows["P1"]["last_figure"])
    assert last == ("2024-25 Q2", "80.0% in 2024-25 Q1")
    assert (rows["P2"]["period"], rows["P2"]["last_figure"]) == (NEXT, "none")
    assert "OLD" not in rows and set(rows) >= {"007", "1E5", "NA", "TRUE", "MAR1", "nan"}


def test_only_what_is_due_is_asked_for(tmp_path):
    kpis = [
        "kpi_id,kpi_name,section,unit,polarity,frequency,due,year_ends,range,rated,kind",
        "AN,Pupils,Roads,%,higher,annual,Q2,08-31,0..150,,",
        "HY,Tenants,Roads,score,higher,half_yearly,,,-5..5,,",
        "MO,Watched,Roads,count,none,quarterly,,,,no,",
        "MI,The centre,Roads,count,none,quarterly,2026-03-31,,,,milestone",
    ]
    settings = """
[milestones]
statuses = [{ name = "On track", band = "Green" }, { name = "Late", band = "Red" }]
"""
    targets = ["kpi_id,target,floor_standard", "AN,50,45", "HY,3,2"]
    sent = [("2023-24 Q2", "AN", "2023-24 Q2", 44), ("2023-24 Q2", "HY", "2023-24 Q2", 2.5)]
    raw = make_council(tmp_path / "raw", kpis, sent, targets, settings)
    asked = {}
    for quarter in ("2024-25 Q1", "2024-25 Q2", "2024-25 Q4"):
        (path,) = write_templates(raw, quarter, tmp_path)
        asked[quarter] = {row["kpi_id"]: row for row in table_of(path)}
    assert {quarter: list(rows) for quarter, rows in asked.items()} == {
        "2024-25 Q1": ["MO", "MI"],
        "2024-25 Q2": ["AN", "HY", "MO", "MI"],
        "2024-25 Q4": ["HY", "MO", "MI"],
    }
    annual = asked["2024-25 Q2"]["AN"]
    assert (annual["period"], annual["last_figure"]) == ("2024-25 Q2", "44% in 2023-24 Q2")
    assert asked["2024-25 Q2"]["MO"]["target"] is None  # only watched: there is no line
    (path,) = write_templates(raw, "2024-25 Q2", tmp_path)
    rules = load_workbook(path)["Figures"].data_validations.dataValidation
    allowed = {str(rule.sqref): (rule.formula1, rule.formula2) for rule in rules}
    assert allowed["H2"] == ("0", "150") and allowed["H3"] == ("-5", "5")
    assert allowed["H5"][0] == '"On track,Late"'


def test_only_what_is_to_be_filled_in_can_be_typed(template):
    book = load_workbook(template)
    assert all(sheet.protection.sheet and not sheet.protection.password for sheet in book)
    sheet = book["Figures"]
    free = {COLUMNS[cell.column - 1] for row in sheet for cell in row if not cell.protection.locked}
    assert free == {"value", "numerator", "denominator", "status", "note"}
    assert all(cell.protection.locked for cell in sheet[1])
    checks = sheet.data_validations.dataValidation
    ways = {check.type: check for check in checks}
    assert ways["list"].formula1.strip('"').split(",")[:2] == ["final", "provisional"]
    assert all(check.showErrorMessage and check.errorStyle == "stop" for check in checks)
    lines = {row["kpi_id"]: line for line, row in enumerate(table_of(template), start=2)}

    found = {}
    for kpi_id, name in (("P1", "value"), ("C1", "value"), ("F1", "denominator"), ("F1", "value")):
        place = sheet.cell(lines[kpi_id], COLUMNS.index(name) + 1).coordinate
        (check,) = [one for one in checks if place in one.sqref]
        found[kpi_id, name] = (check.formula1, check.formula2)
    assert found["P1", "value"] == ("0", "100")
    assert found["C1", "value"] == found["F1", "denominator"] == ("0", "1E+15")
    assert found["F1", "value"] == ("-1E+15", "1E+15")


def test_an_untouched_template_says_nothing_and_is_the_same_each_time(desk, template, tmp_path):
    (again,) = write_templates(desk.raw, QUARTER, tmp_path)
    assert again.read_bytes() == template.read_bytes()
    found = desk.read(return_xlsx=template.read_bytes())
    assert found.problems.empty and found.log.empty and found.rejected.empty
    assert set(found.taken["status"]) == {"not available"} and found.taken["silent"].all()


def valid(unit: str) -> st.SearchStrategy[dict[str, Any]]:
    """Whatever may be sent of a KPI of that unit.

    Percentages up to one need a sign to be believed.
    """
    least, most = {"%": (11, 1000), "£": (-(10**10), 10**10)}.get(unit, (0, 10**10))
    value = st.integers(least, most).map(lambda n: n / (1 if unit == "count" else 10))
    status = st.sampled_from(["final", "provisional", "estimated", "carried forward"])
    note = {"note": st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x17F), max_size=9)}
    figure = st.fixed_dictionaries({"value": value, "status": status}, optional=note)
    reason = st.fixed_dictionaries({"status": st.sampled_from(WITHOUT_VALUE)}, optional=note)
    parts = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6), status).map(
        lambda one: {"numerator": min(one[:2]), "denominator": one[1], "status": one[2]}
    )
    blank = st.just(dict[str, Any]())
    return st.one_of(figure, reason, blank, *[parts] * (unit == "%"))


@pytest.fixture(scope="module")
def units(template):
    return [row["unit"] for row in table_of(template)]


def come_back(found: Any, template: Path, typed: list[dict[str, Any]]) -> None:
    """Every row as it was filled in, and not one complaint."""
    assert found.problems.empty and found.rejected.empty
    taken = found.taken.astype(object).where(found.taken.notna(), None).to_dict("records")
    for asked, sent, row in zip(table_of(template), typed, taken, strict=True):
        assert (row["kpi_id"], row["period"]) == (asked["kpi_id"], asked["period"])
        follows = 100 * sent["numerator"] / sent["denominator"] if "denominator" in sent else None
        value = sent.get("value", follows)
        assert row["value"] == (value if value is None else pytest.approx(value, rel=1e-12))
        for part in ("numerator", "denominator"):
            assert row[part] == sent.get(part)
        assert row["status"] == sent.get("status", "not available")
        assert row["note"] == (sent.get("note") or None)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.slow
def test_whatever_valid_is_filled_in_comes_back_equal(desk, template, units, data):
    typed = [data.draw(valid(unit)) for unit in units]
    come_back(desk.read(return_xlsx=filled(template, typed)), template, typed)


def test_it_comes_back_equal_from_libreoffice(desk, template, units, tmp_path, program):
    office = program("soffice")
    typed: list[dict[str, Any]] = [
        {"numerator": 87, "denominator": 240, "status": "final"}
        if unit == "%"
        else {"value": 1412, "status": "provisional", "note": f"Row {line}, né £"}
        for line, unit in enumerate(units)
    ]
    typed[1], typed[2], typed[3] = {"status": "suppressed"}, {}, {"value": 0, "status": "final"}
    (tmp_path / "sent.xlsx").write_bytes(filled(template, typed))
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    convert = ["--convert-to", "xlsx", "--outdir", "saved", "sent.xlsx"]
    how = {"cwd": tmp_path, "check": True, "capture_output": True, "timeout": 120}
    subprocess.run([office, home, "--headless", *convert], **how)
    saved = (tmp_path / "saved" / "sent.xlsx").read_bytes()
    come_back(desk.read(return_xlsx=saved), template, typed)


def test_a_councils_templates_become_its_next_returns(tmp_path):
    shutil.copytree(RAW, tmp_path / "raw")
    folder = tmp_path / "raw" / "returns" / "2024-25-Q4"
    folder.mkdir()
    for path in write_templates(RAW, NEXT, tmp_path):
        rows = [{"value": 50, "status": "final"} for _ in table_of(path)]
        (folder / path.name).write_bytes(filled(path, rows))
    returns = load(tmp_path / "raw", NEXT)
    own = returns.problems[returns.problems["file"].str.startswith("returns/2024-25-Q4/")]
    assert own.empty and returns.rejected.empty
    assert (returns.submissions["received"] == NEXT).sum() == 41


def test_no_path_is_made_of_an_unchecked_name(tmp_path):
    write_raw(tmp_path / "raw")
    kpis = tmp_path / "raw" / "kpis.csv"
    lines = kpis.read_text(encoding="utf-8").splitlines()
    names = ["../../evil", "..\\..\\evil!", "Évil £", "=cmd|' /C calc'!A0", "CON", "x" * 200]
    for at, name in enumerate(names, start=1):
        lines[at] = lines[at].replace(",Place,", f",{name},")
    kpis.write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "raw" / "returns" / "2024-25-Q3" / "a.csv").write_text(
        "kpi_id,period,value\nC1,2024-25 Q1,80\n"
    )
    paths = write_templates(tmp_path / "raw", NEXT, tmp_path / "out")
    stems = [path.stem.removeprefix("2024-25-Q4-") for path in paths]
    assert stems == ["evil", "evil-2", "vil", "cmd-c-calc-a0", "con", "x" * 60, "place"]
    assert sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file()) == sorted(paths)
    sheets = [sheet for path in paths for sheet in load_workbook(path)]
    assert not [cell for sheet in sheets for row in sheet for cell in row if cell.data_type == "f"]


def test_a_quarter_without_kpis_is_a_sentence(tmp_path):
    folder = write_raw(tmp_path).with_name("2010-11-Q3")
    folder.mkdir()
    (folder / "a.csv").write_text("kpi_id,period,value\nC1,2010-11 Q3,80\n")
    with pytest.raises(InputError, match="No figure of a KPI of kpis.csv is due in Quarter 4 2010"):
        write_templates(tmp_path, "2010-11 Q4", tmp_path)


def test_an_alien_column_of_the_templates_name_is_still_reported(tmp_path):
    folder = write_raw(tmp_path)
    (folder / "a.csv").write_text("kpi_id,period,value,target\nC1,2024-25 Q1,80,90\n")
    assert read_returns(tmp_path, QUARTER).problems["code"].tolist() == ["table-unexpected"]


HARD = (
    "Rose to 80% – ‘late’ “plans”…\n• one\n• two\n\n\t"
    "Indented £5 & <b>not bold</b> café 🙂 {{braces}} ²"
)


def in_words(path: Path, typed: dict[tuple[str, str], dict[str, Any]], rename: str = "") -> None:
    """Type into the sheet Words by KPI and what the row is: into the first row of its kind."""
    book = load_workbook(path)
    sheet = book["Words"]
    names = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        at = dict(zip(names, row, strict=True))
        for name, value in typed.pop((at["kpi_id"].value, at["what"].value), {}).items():
            assert not at[name].protection.locked
            at[name].value = value
    assert not typed
    if rename:
        sheet.title = rename
        sheet.protection.set_password("secret")
        sheet.cell(1, len(names) + 1, "our own column")
    book.save(path)


def test_words_and_actions_come_back_with_the_figures(tmp_path):
    kpis = [{"kpi_id": x, "owner": f"Head of {x}"} for x in "AB"]
    figures = [("2024-25 Q1", x, "2024-25 Q1", value) for x, value in (("A", 70), ("B", 95))]
    targets = ["kpi_id,target,floor_standard", "A,90,80", "B,90,80"]
    actions = ["action_id,kpi_id,action,owner,due,from_quarter"]
    actions.append("A-1,A,Two more lorries,Head of A,2024-12-31,2024-25 Q1")
    raw = make_council(tmp_path / "raw", kpis, figures, targets, actions=actions)
    first, second = write_templates(raw, "2024-25 Q2", tmp_path, "owner")
    assert (first.stem, second.stem) == ("2024-25-Q2-head-of-a", "2024-25-Q2-head-of-b")
    sheet = load_workbook(first)["Words"]
    shown = [[cell.value for cell in row[2:]] for row in sheet.iter_rows(min_row=2)]
    assert [row[0] for row in shown] == ["commentary", "action", "new action", "new action"]
    assert shown[1][1:7] == ["A-1", "Two more lorries", None, "open", "Head of A", "2024-12-31"]
    when = datetime(2025, 3, 31)
    typed: dict[tuple[str, str], dict[str, Any]] = {
        ("A", "commentary"): {"text": HARD},
        ("A", "action"): {"status": "done", "text": "In use since May."},
        ("A", "new action"): {"text": "A third lorry", "owner": "Head of Fleet", "due": when},
    }
    in_words(first, typed, rename="Our words")
    in_words(second, {("B", "commentary"): {"text": "As the return says it."}})
    place = raw / "returns" / "2024-25-Q2"
    place.mkdir()
    for path in (first, second):
        shutil.copy(path, place)
    found = read_returns(raw, "2024-25 Q2")
    assert set(found.problems["severity"]) <= {"warning"}
    assert len(found.actions) == 3
    assert set(found.commentary["commentary"]) == {HARD, "As the return says it."}
    changes = found.actions.set_index(["action_id", "from_quarter"])
    done, new = changes.loc[("A-1", "2024-25 Q2")], changes.loc[("A-2024-25-Q2-1", "2024-25 Q2")]
    expected = ["done", "In use since May.", "Two more lorries"]
    assert done[["status", "note", "action"]].tolist() == expected
    expected = ["A third lorry", "Head of Fleet", "2025-03-31", "open"]
    assert new[["action", "owner", "due", "status"]].tolist() == expected
    assert read_returns(raw, "2024-25 Q1").actions["status"].tolist() == ["open"]
    # what is written into commentary/ afterwards goes before the return
    write_table(raw / "commentary" / "2024-25-Q2.csv", ["kpi_id,commentary", "B,As edited."])
    found = read_returns(raw, "2024-25 Q2")
    assert set(found.commentary["commentary"]) == {HARD, "As edited."}
    edited = found.problems[found.problems["code"] == "text-edited"]
    rule = "What the return says of B was edited after the return: commentary/ goes before it."
    assert edited["rule"].tolist() == [rule]


def test_an_untouched_sheet_of_words_says_nothing(tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(BOROUGH, raw)
    before = read_returns(raw, "2025-26 Q2").actions
    folder = raw / "returns" / "2025-26-Q3"
    folder.mkdir()
    for path in write_templates(raw, "2025-26 Q3", tmp_path):
        shutil.copy(path, folder)
    found = read_returns(raw, "2025-26 Q3")
    assert found.actions.equals(before) and found.commentary.empty
    assert found.rejected.empty


def test_two_texts_on_one_kpi_and_an_action_that_is_not_there(tmp_path):
    sent = [("2024-25 Q1", "A", "2024-25 Q1", 70)]
    raw = make_council(tmp_path / "raw", [{"kpi_id": "A"}], sent)
    for name, text in (("one", "This."), ("two", "That.")):
        book = Workbook()
        book.active.append(["kpi_id", "what", "text", "action_id"])
        book.active.append(["A", "commentary", text, None])
        book.active.append(["A", "action", "Done.", "A-9" if name == "one" else None])
        book.save(raw / "returns" / "2024-25-Q1" / f"{name}.xlsx")
    found = read_returns(raw, "2024-25 Q1")
    assert found.commentary.empty and found.actions.empty
    faults = found.problems[found.problems["severity"] == "error"]
    assert sorted(faults["code"]) == ["action-unknown"] * 2 + ["duplicate-conflict"] * 2
    assert set(faults["sheet"]) == {"Sheet"}
    told = sorted(faults.loc[faults["code"] == "action-unknown", "rule"])
    none = "There is no action of this id: "
    assert told == [f"{none}A-9.", f"{none}the cell is blank."]
    of_words = found.counts.set_index("file").loc["returns/2024-25-Q1/one.xlsx"]
    assert of_words[["rows_in", "accepted", "rejected"]].tolist() == [2, 0, 2]
