"""Draft and final: what refuses the final report, what lets it pass, and a page that must say what its figures say."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kpi_tools.checks import release_findings
from kpi_tools.checks.findings import (
    Finding,
    Override,
    as_findings,
    open_errors,
    parse_overrides,
    with_overrides,
)
from kpi_tools.cli import main
from kpi_tools.errors import InputError
from kpi_tools.page.released import checks_chapter, edition_notice, how_made
from kpi_tools.page.summary import key
from kpi_tools.quarters import Quarter
from kpi_tools.report import make_report
from kpi_tools.schemes import parse_schemes
from tests import kent
from tests.kent import RAW, governance_without_action

FOUND = as_findings(
    [
        Finding("old-data", "c, A2", "A figure."),
        Finding("red-without-action", "c, A1", "No action.", "the service"),
        Finding("stale-quarter", "c.csv, row 3, commentary", "Old."),
    ]
)
PASSED = "red-without-action | the action is agreed at the meeting | Director of Place"


def test_errors_come_first_and_stand_until_they_are_overridden():
    assert FOUND["severity"].tolist() == ["error", "error", "warning"]
    for passed, left in (
        ("", ["red-without-action", "stale-quarter"]),
        (PASSED, ["stale-quarter"]),
    ):
        errors = open_errors(with_overrides(FOUND, parse_overrides(passed)))
        assert errors["code"].tolist() == left


def test_an_override_has_its_reason_and_role_and_something_to_override():
    given = ("stale-quarter", "it is a title", "Head of Performance")
    assert parse_overrides(" | ".join(given)) == (Override(*given),)
    assert parse_overrides("") == ()
    for text in ("stale-quarter", "a | b", "a |  | c", "a | b | c | d"):
        with pytest.raises(InputError):
            parse_overrides(text)
    there = "no finding 'title' to override. There are: red-without-action, stale-quarter"
    with pytest.raises(InputError, match=there):
        with_overrides(FOUND, [Override("title", "because", "role")])


def test_the_draft_shows_every_finding_and_the_final_one_only_what_was_let_pass():
    draft = str(checks_chapter(FOUND, "draft"))
    assert '<h2 id="checks">' in draft and "three things, of which two stand in the way" in draft
    assert all(place in draft for place in FOUND["place"])
    place = r"stale-quarter c\.csv, row 3, commentary\n +Old\. Correct it, or write \{quarter\}\."
    with pytest.raises(InputError, match=place):
        checks_chapter(FOUND, "final", PASSED)
    final = str(checks_chapter(FOUND[FOUND["code"] != "stale-quarter"], "final", PASSED))
    because = "because the action is agreed at the meeting."
    assert f"red-without-action: let pass by the Director of Place, {because}" in final
    assert "c, A1" in final and "c, A2" not in final
    assert str(checks_chapter(FOUND.head(0), "final")) == ""


def test_only_a_draft_says_so():
    assert "<strong>Draft.</strong>" in str(edition_notice("draft", Quarter(2024, 3)))
    assert str(edition_notice("final", Quarter(2024, 3))) == ""


def test_the_final_report_is_held_back_for_a_red_without_an_action():
    known = kent.returns()
    texts = known.commentary
    action = texts["management_action"].mask(texts["kpi_id"] == "GL01")
    assert checks_chapter(release_findings(known), "final") == ""
    gap = release_findings(replace(known, commentary=texts.assign(management_action=action)))
    refusal = "The final report is refused: one error found by its checks"
    with pytest.raises(InputError, match=refusal) as refused:
        checks_chapter(gap, "final")
    assert "commentary/2024-25-Q3, GL01, FOI / EIR requests" in str(refused.value)
    checks_chapter(gap, "draft")
    checks_chapter(gap, "final", "red-without-action | agreed on Monday | Director")
    with pytest.raises(InputError, match='A report is "draft" or "final", not \'fianl\''):
        edition_notice("fianl", Quarter(2024, 3))


def sent_as(raw, value, note):
    path = raw / "returns/2024-25-Q3/growth-environment-transport.csv"
    old = 'ED02,2024-25 Q3,80.9,,,final,"As published'
    text = path.read_text(encoding="utf-8")
    assert old in text
    new = f'ED02,2024-25 Q3,{value},,,final,"{note}As published'
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("note", "status"), [("", 2), ("checked: the sites were small. ", 0)])
def test_a_doubted_figure_holds_the_final_report_back_until_it_is_confirmed(
    tmp_path, capsys, note, status
):
    raw = Path(shutil.copytree(RAW, tmp_path / "raw"))
    sent_as(raw, "8.09", note)
    assert main(["check", "2024-25 Q3", "--raw", str(raw)]) == status
    told = capsys.readouterr()
    assert ("doubt-slip" in told.out) == (not note)
    assert note or "8.1% is about a tenth of the usual 93.2%." in told.out


@pytest.mark.parametrize(("arrows", "tested"), [(("trend",), True), (("previous",), False)])
def test_the_rules_tell_of_the_test_where_its_arrow_is_shown(arrows, tested):
    returns = kent.returns()
    returns = replace(returns, council=replace(returns.council, arrows=arrows))
    page = str(how_made(returns, RAW, kent.scorecard(), FOUND, "draft"))
    assert ("is tested over 6 quarters" in page) == tested


def test_key_and_rules_tell_of_every_scheme_by_which_a_kpi_is_rated():
    bands = [
        {"name": "Green", "meets": "target"},
        {"name": "Near", "meets": "target within 10%", "colour": "amber"},
        {"name": "Off", "colour": "red"},
    ]
    schemes = parse_schemes({"schemes": {"tolerant": {"bands": bands}, "unused": {"bands": bands}}})
    returns, kpis = kent.returns(), kent.scorecard()
    returns = replace(returns, council=replace(returns.council, schemes=schemes))
    one = kpis.assign(scheme=["tolerant", *[None] * (len(kpis) - 1)])
    rules = str(how_made(returns, RAW, one, FOUND, "draft"))
    assert "by the scheme tolerant, Green: target; Near: target within 10%; Off: the rest;" in rules
    told = " ".join(re.sub("<[^>]+>", " ", str(key(returns, one))).split())
    assert "One KPI by the scheme tolerant: Green : achieved or exceeded target" in told
    assert "Near : came within 10% of the target" in told and "unused" not in rules + told
    assert "by the scheme" not in str(key(returns, kpis))


@pytest.fixture(scope="module")
def one_section(tmp_path_factory):
    return governance_without_action(tmp_path_factory.mktemp("one_section") / "raw")


def test_the_final_report_is_refused_by_the_command_with_the_place(
    one_section, tmp_path, at_work, capsys
):
    places = ["--raw", str(one_section), "--outputs", str(tmp_path)]
    asked = ["report", "2024-25 Q3", "--final", *places]
    assert main(asked) == 2
    told = capsys.readouterr()
    assert told.out == "" and not (tmp_path / "2024-25-Q3").exists()
    name = "FOI / EIR requests completed within 20 working days"
    place = f"commentary/2024-25-Q3, GL01, {name} The KPI is Red"
    assert place in " ".join(told.err.split())
    assert main([*asked, "--override", "red-without-action"]) == 2
    assert "Each --override needs its own --because and --by." in capsys.readouterr().err


def test_the_final_report_prints_its_gap_and_its_override(one_section, tmp_path, worker):
    passed = ("red-without-action", "it is agreed at the meeting", "Director of Place")
    final = {"edition": "final", "overrides": (passed,), "worker": worker}
    made = make_report("2024-25 Q3", one_section, tmp_path, **final)
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    assert "No management action has been given." in page
    assert "Draft" not in page and "Checks overridden" in page
    assert "let pass by the Director of Place, because it is agreed at the meeting." in page
    noted = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
    assert (noted["edition"], noted["overrides"][0]["by"]) == ("final", "Director of Place")
