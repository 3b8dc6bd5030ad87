"""Every fault once found in a published report (and those of the method), seeded one by one into a copy of the data.

Texts are seeded into the commentary file, which is read again by the loader; figures and names into returns and catalogue.
"""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi_tools.checks import release_findings, tables, texts
from kpi_tools.checks.findings import Finding, as_findings, findings_text, grouped
from kpi_tools.loading import commentary_until, load, read_returns
from kpi_tools.loading.account import Run
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.words import read_commentary
from kpi_tools.scorecard import score
from kpi_tools.workbooks.child import Workbooks
from tests import kent
from tests.kent import RAW
from tests.small_council import make_council
from tests.test_seeded_faults import put

QUARTER = "2024-25 Q3"
FILE = "commentary/2024-25-Q3.csv"


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    """`seed({"CS02": "…"})`: the findings with these texts in a copy of the commentary file."""
    known, earlier = kent.returns(), commentary_until(RAW, kent.returns())
    place = tmp_path_factory.mktemp("seeded")
    (place / "commentary").mkdir()

    def seeded(said: dict[str, str]) -> set[tuple[str, str, str]]:
        shutil.copy(RAW / FILE, place / FILE)
        for key, text in said.items():
            put(place / FILE, key, "commentary", text)
        with Workbooks() as books:
            run = Run(place, books)
            table = run.commentary(known.quarter)
            kpis, council = known.catalogue, known.council
            texts = read_commentary(table, council, Ids(kpis), kpis, known.withheld)
        assert run.ledger.problems().empty
        returns, recent = replace(known, commentary=texts), kent.recent()
        kpis = score(recent, returns)
        found = release_findings(returns, recent, kpis, kent.earlier()[1], earlier=earlier)
        found = found[found["severity"] != "notice"]
        return {tuple(row) for row in found[["severity", "code", "place"]].to_numpy()}

    return seeded


@pytest.mark.parametrize("quarter", [QUARTER, "2023-24 Q2"])
def test_the_two_main_quarters_are_without_findings(quarter):
    returns, kpis, same = kent.returns(quarter), kent.scorecard(quarter), kent.earlier(quarter)[1]
    before = commentary_until(RAW, returns)
    found = release_findings(returns, kent.recent(quarter), kpis, same, earlier=before)
    assert found["code"].isin(["late-figure"]).all()


def row_of(key: str) -> int:
    with (RAW / FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return next((number for number, row in enumerate(rows, 1) if key in row[:2]), len(rows) + 1)


TEXTS = pd.read_csv(Path(__file__).with_name("checked_texts.csv"), keep_default_na=False)


def rounds(table: pd.DataFrame) -> list[list[dict[str, str]]]:
    """The rows, as few times as each text has its own place."""
    turn = table.groupby("place").cumcount()
    return [rows.to_dict("records") for _, rows in table.groupby(turn)]


@pytest.mark.parametrize("faults", rounds(TEXTS[TEXTS["code"] != ""]))
def test_a_fault_in_a_text_is_found_at_its_place(seed, faults):
    expected = set()
    for fault in faults:
        code, place = fault["code"], fault["place"]
        row = f"row {row_of(place)}, commentary"
        where = f"{FILE}, {place if code == 'name-left-over' else row}"
        expected.add((fault["severity"], code, where))
    assert seed({fault["place"]: fault["text"] for fault in faults}) == expected


@pytest.mark.parametrize("said", rounds(TEXTS[TEXTS["code"] == ""]))
def test_what_is_true_is_let_pass(seed, said):
    assert seed({text["place"]: text["text"] for text in said}) == set()


def test_faults_in_the_councils_own_words_are_found_too():
    words = {"kpi": "Promise", "kpi_plural": "Promises", "target": "Ambition"}
    council, kpis = replace(kent.returns().council, words=words), kent.scorecard()
    said = "The promise is Red. It is above the ambition of 85%. All 40 promises are rated."
    row = {"kpi_id": "CS01", "section": None, "column": "commentary", "place": "a", "text": said}
    written, pairs = pd.DataFrame([row]), kpis.assign(now=kpis["rating"], before=kpis["rating"])
    found = [
        *texts.targets(written, kpis, council),
        *texts.counts(written, kpis, pairs, council),
    ]
    assert [one.code for one in found] == ["target-in-text", "count-in-text"]


def test_the_commentary_of_last_quarter(seed):
    with (RAW / "commentary/2024-25-Q2.csv").open(encoding="utf-8", newline="") as file:
        text = next(row[2] for row in csv.reader(file) if row[0] == "PH03")
    place = f"{FILE}, row {row_of('PH03')}, commentary"
    assert ("warning", "commentary-unchanged", place) in seed({"PH03": text})


def test_an_unknown_token_is_found_on_the_way_in_with_its_place(tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(RAW, raw)
    put(raw / FILE, "CS02", "commentary", "At {valeu}, and a { brace.")
    problems = read_returns(raw, QUARTER).problems
    assert problems["code"].tolist() == ["token-unknown", "token-unknown"]
    first, place = problems.iloc[0], [FILE, row_of("CS02"), "commentary (C)"]
    assert first[["file", "row", "column"]].tolist() == place
    assert "There is no token {valeu} here. There are: {value}, {target}" in first["rule"]


def test_last_quarters_return_sent_again():
    """The five figures of Quarter 2 again, under the name of Quarter 3; one other figure, and it is not that."""
    known, file = kent.returns(), "returns/2024-25-Q3/chief-executives.csv"
    sent = known.submissions
    own = (sent["received"] == QUARTER) & (sent["file"] == file)
    second = sent[(sent["quarter"] == "2024-25 Q2") & sent["month"].isna()]
    before = second.drop_duplicates("kpi_id", keep="last").set_index("kpi_id")["value"]
    again = sent.assign(value=sent["value"].mask(own, sent["kpi_id"].map(before)))
    found = as_findings(tables.sent_again(replace(known, submissions=again)))
    assert found["place"].tolist() == [file]
    assert found["finding"].tolist() == ["All 5 figures are those of the quarter before."]
    again.loc[own & (again["kpi_id"] == "CS01"), "value"] = 96
    assert not list(tables.sent_again(replace(known, submissions=again)))


def test_a_floor_standard_beside_an_empty_target():
    kpis = kent.scorecard()
    without = kpis.assign(target=kpis["target"].mask(kpis["kpi_id"] == "IC05"))
    (found,) = tables.floors_without_target(without)
    assert found.place.startswith("IC05, ")


def test_like_findings_are_one_with_its_rows():
    places = [f"a.csv, row {row}, commentary" for row in range(2, 12)]
    like = [Finding("commentary-unchanged", place, "The same.") for place in places]
    found = as_findings([*like, Finding("old-data", "ES01, Plans", "Old.")])
    assert len(grouped(found)) == 2
    assert findings_text(found).splitlines() == [
        "Severity  Check                Place",
        "warning   commentary-unchanged a.csv, rows 2 to 11, commentary",
        "          The same. Write what happened in this quarter.",
        "warning   old-data             ES01, Plans",
        "          Old. Say so in the commentary, or return the KPI as not available.",
    ]


@given(st.text())
def test_any_text_is_read_as_sentences_of_tokens(text):
    for sentence in texts.sentences(text):
        assert all(text[word.start : word.end] == word.text for word in sentence)


def test_a_change_is_counted_as_the_council_counts_what_is_not_due(tmp_path):
    """A1 was Red at its due quarter and is not due in the next: with what is not due apart, one fewer is Red."""
    kpis = [{"kpi_id": "A1", "frequency": "annual", "basis": "annual"}, {"kpi_id": "P1"}]
    lines = [{"kpi_id": one["kpi_id"], "target": 70, "floor_standard": 60} for one in kpis]
    sent = [("2023-24 Q4", "A1", "2023/24", 50), ("2023-24 Q4", "P1", "2023-24 Q4", 80)]
    sent.append(("2024-25 Q1", "P1", "2024-25 Q1", 81))
    words = ["kpi_id,section,commentary", ",Roads,One fewer Red than in the previous quarter."]
    tables = {"commentary/2024-25-Q1": words}
    raw = make_council(tmp_path, kpis, sent, lines, '[report]\nnot_due = "apart"\n', **tables)
    assert "change-not-like-for-like" not in set(release_findings(load(raw))["code"])
