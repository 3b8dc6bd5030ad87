"""`kpi status`: who has sent what, of a quarter half received; and a new year."""

from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook

from kpi_tools.checks.tables import late
from kpi_tools.collect.status import (
    counts_by,
    known_for,
    kpi_status,
    reminders,
    three_lines,
    write_status,
)
from kpi_tools.collect.year import start_year, undecided
from kpi_tools.errors import InputError
from kpi_tools.loading import read_returns
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import recent_quarters
from kpi_tools.scorecard.changes import restated_between
from kpi_tools.terms import Terms
from tests.small_council import make_council, write_table

NOW = Quarter(2024, 2)


def half_received(folder: Path) -> Path:
    """Six KPIs of two owners: one Green, one Red, one rejected, two not sent, one not due."""
    kpis = ["kpi_id,kpi_name,section,unit,polarity,owner,frequency"]
    owners = dict(zip("ABCDEF", ["Roads"] * 3 + ["Parks"] * 3, strict=True))
    for x, owner in owners.items():
        kpis.append(f"{x},The {x},Roads,%,higher,{owner},{'annual' * (x == 'F')}")
    targets = ["kpi_id,target,floor_standard", *(f"{x},90,80" for x in "ABCDEF")]
    figures = [("2024-25 Q1", x, "2024-25 Q1", 95) for x in "ABCD"]
    now = {"A": 95, "B": 50, "C": 150}
    figures += [("2024-25 Q2", x, "2024-25 Q2", value) for x, value in now.items()]
    words = {"commentary/2024-25-Q2": ["kpi_id,commentary", "A,Well done."]}
    return make_council(folder / "raw", kpis, figures, targets, **words)


def test_a_quarter_half_received(tmp_path):
    raw = half_received(tmp_path)
    kpis = kpi_status(known_for(raw, NOW), NOW).set_index("kpi_id")
    states = ["received", "received", "rejected", "missing", "missing"]
    assert kpis["state"].to_dict() == dict(zip("ABCDE", states, strict=True))
    assert kpis.index[kpis["late"]].tolist() == ["E"]  # due in Quarter 1, and never sent
    first = kpi_status(known_for(raw, NOW.shift(-1)), NOW.shift(-1))
    assert not first["late"].any()  # with the first returns nobody was late
    assert kpis.index[kpis["words"]].tolist() == ["A"]
    assert kpis.index[kpis["action"] == "needed"].tolist() == ["B"]
    kpis = kpis.reset_index()
    counted = counts_by(kpis, "owner").set_index("owner")
    assert counted.loc["Roads"].tolist() == [3, 2, 0, 1, 2, 1]
    assert counted.loc["Parks"].tolist() == [2, 0, 1, 0, 2, 0]
    assert three_lines(kpis, Terms()) == [
        "Figures: 2 of 5 received, 1 rejected, 2 missing, 1 late from before.",
        "Words: 1 of 5 KPIs with a commentary.",
        "Actions: missing for B.",
    ]
    texts = reminders(kpis, NOW)
    assert "- the figure of C (The C) for Quarter 2 2024/25, which was rejected" in texts["Roads"]
    assert "- an action for B (The B)" in texts["Roads"] and "A (The A)" not in texts["Roads"]
    text, (page, table) = write_status(raw, NOW, tmp_path / "out")
    assert "all.csv: read, rows in 3 = accepted 2 + rejected 1" in text
    html = page.read_text(encoding="utf-8")
    assert "To: Parks" in html and html.count("<pre>") == 2 and "<script" not in html
    assert len(pd.read_csv(table)) == 5


def test_a_quarter_of_which_nothing_has_come(tmp_path):
    raw, later = half_received(tmp_path), Quarter(2024, 4)
    kpis = kpi_status(known_for(raw, later), later)
    assert set(kpis["state"]) == {"missing"} and len(kpis) == 6  # the annual one is due now
    assert three_lines(kpis, Terms())[2] == "Actions: none is missing."
    one = three_lines(kpis.head(1).assign(words=False), Terms())
    assert one[1] == "Words: 0 of 1 KPI with a commentary."


def test_an_earlier_years_figures_put_in_later_are_history(tmp_path):
    raw = half_received(tmp_path)
    more = "kpi_id,period,value\nA,2023-24 Q3,91\nE,2024-25 Q1,70\n"
    (raw / "returns" / "2024-25-Q2" / "history.csv").write_text(more, encoding="utf-8")
    returns = read_returns(raw, NOW)
    found = [one.place for one in late(recent_quarters(returns), returns)]
    assert len(found) == 1 and "E" in found[0]  # of Quarter 1, for which there was a report
    assert restated_between(read_returns(raw, "2024-25 Q1"), returns).empty


def test_a_new_year_is_agreed_in_one_workbook(tmp_path):
    raw = half_received(tmp_path)
    before = read_returns(raw, "2024-25 Q1").catalogue
    assert "year-2025-26.xlsx, with six KPIs" in start_year(raw, "2025-26")[0]
    path = tmp_path / "year-2025-26.xlsx"
    book = load_workbook(path)
    sheet = book["KPIs"]
    names = [cell.value for cell in sheet[1]]
    answers = {
        "A": {"decision": "stays"},
        "B": {"decision": "stays", "target": 92, "reason": "Agreed in March"},
        "C": {"decision": "retired", "reason": "No longer ours"},
        "D": {"decision": "renamed", "new_name": "The new D"},
        "Z": {"decision": "new", "kpi_name": "The Z", "section": "Care", "unit": "other: furlongs"},
    }
    answers["Z"] |= {"polarity": "lower", "target": 5}
    sheet.append(["Z"])
    for row in sheet.iter_rows(min_row=2):
        for name, value in answers.get(row[0].value, {}).items():
            row[names.index(name)].value = value
    book.save(path)
    lines = start_year(raw, "2025-26")
    assert lines[0].startswith("From Quarter 1 2025/26: 2 stays, 1 retired, 1 renamed, 1 new.")
    assert "Not decided yet: E, F." in lines[-1] and undecided(raw, Quarter(2025, 1)) == ["E", "F"]
    sent = ["kpi_id,period,value", "Z,2025-26 Q1,4"]
    write_table(raw / "returns" / "2025-26-Q1" / "a.csv", sent)
    returns = read_returns(raw, "2025-26 Q1")
    targets = returns.targets.query("from_quarter == '2025-26 Q1'").set_index("kpi_id")["target"]
    assert targets.to_dict() == {"A": 90, "B": 92, "D": 90, "Z": 5}
    kpis = returns.catalogue.set_index("kpi_id")
    assert kpis.loc["C", "last_quarter"] == "2024-25 Q4"
    assert kpis.loc["D", "kpi_name"] == "The new D"
    changes = returns.changelog[["kpi_id", "change"]].to_numpy().tolist()
    assert changes == [["C", "removed"], ["Z", "added"]]
    assert before["kpi_id"].tolist() == list("ABCDEF")
    place = {name: at for at, name in enumerate(names, start=1)}
    sheet.cell(6, place["decision"], "moved")
    sheet.cell(6, place["new_section"], "Care")
    book.save(path)
    start_year(raw, "2025-26")
    moved = read_returns(raw, "2025-26 Q1").catalogue.set_index("kpi_id")["section"]
    assert moved.loc[["D", "E"]].tolist() == ["Roads", "Care"]
    sheet["H2"] = "perhaps"
    book.save(path)
    files = {one: one.read_bytes() for one in raw.glob("*.csv")}
    with pytest.raises(InputError, match='row 2: "perhaps" is none of stays, retired'):
        start_year(raw, "2025-26")
    assert {one: one.read_bytes() for one in raw.glob("*.csv")} == files
