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
from kpi_tools.loading.schemas import COMMENTARY
from kpi_tools.loading.words import read_commentary
from kpi_tools.scorecard import earlier_reports, recent_quarters, score
from kpi_tools.workbooks.child import Workbooks
from tests.test_seeded_faults import put

RAW = Path(__file__).parents[1] / "data" / "raw"
QUARTER = "2024-25 Q3"
FILE = "commentary/2024-25-Q3.csv"


@pytest.fixture(scope="module")
def known():
    return load(RAW, QUARTER)


@pytest.fixture(scope="module")
def made(known):
    recent = recent_quarters(known)
    earlier = commentary_until(RAW, known)
    return recent, score(recent, known), *earlier_reports(known), earlier


@pytest.fixture
def seed(known, made, tmp_path):
    """`seed("CS02", commentary="…")`: the findings with that text in the copy of the commentary file."""

    def seeded(key: str, **cells: str) -> pd.DataFrame:
        (tmp_path / "commentary").mkdir()
        with (RAW / FILE).open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        row = next((row for row in rows if key in row[:2]), None)
        if row is None:
            row = [key, "", "", "", "Head of Service", "illustrative"]
            rows.append(row)
        for name, text in cells.items():
            row[head.index(name)] = text
        with (tmp_path / FILE).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *rows])
        with Workbooks() as books:
            run = Run(tmp_path, books)
            table = run.commentary(known.quarter, COMMENTARY.layout)
            texts = read_commentary(table, known.council.sections, Ids(known.catalogue["kpi_id"]))
        assert run.ledger.problems().empty
        returns = replace(known, commentary=texts)
        recent, _, _, same, earlier = made
        found = release_findings(returns, recent, score(recent, returns), same, earlier=earlier)
        found = found[found["severity"] != "notice"]
        return found[["severity", "code", "place"]].apply(tuple, axis=1).tolist()

    return seeded


@pytest.mark.parametrize("quarter", [QUARTER, "2023-24 Q2"])
def test_the_two_main_quarters_are_without_findings(quarter):
    returns = load(RAW, quarter)
    found = release_findings(returns, earlier=commentary_until(RAW, returns))
    assert found["code"].isin(["late-figure"]).all()


def row_of(key: str) -> int:
    with (RAW / FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return next((number for number, row in enumerate(rows, 1) if key in row[:2]), len(rows) + 1)


FAULTS = """
error count-in-text | Adult Social Care | Two of the KPIs are rated Red.
error count-in-text | Adult Social Care | There are 3 Green, 3 Amber and 1 Red.
error count-in-text | Adult Social Care | No KPI of this section is Red.
error count-in-text | Adult Social Care | All five KPIs are rated.
error count-in-text | Adult Social Care | In the whole report 16 KPIs are Green.
error change-not-like-for-like | CS01 | There is one more Green than in the last report.
error stale-quarter | Environment and Transport | Repairs held up in Quarter 2.
error stale-quarter | CS01 | A good result for Q3 2023/24.
error rating-in-text | CS01 | Calls fell. The KPI remains Amber.
error rating-in-text | CS01 | This measure is now rated Red
error target-in-text | CS02 | The rate is above the target of 85%.
error target-in-text | ED02 | It misses the floor standard of 80%.
warning words-against-direction | PH03 | Performance has improved again.
warning words-against-direction | ED02 | This is an improvement.
error title-spelt-two-ways | Customer Services | Percentage of phone call to Contact Point which was answered is Green.
error token-without-figure | CS01 | {numerator} callers were pleased.
error name-left-over | CS01 | Series1
"""


@pytest.mark.parametrize("fault", FAULTS.strip().splitlines())
def test_a_fault_in_a_text_is_found_at_its_place(seed, fault):
    found, key, text = fault.split(" | ")
    severity, code = found.split()
    place = (
        f"{FILE}, {key}" if code == "name-left-over" else f"{FILE}, row {row_of(key)}, commentary"
    )
    assert set(seed(key, commentary=text)) == {(severity, code, place)}


TRUE = """
Adult Social Care | Two Green, three Amber and one Red KPI; the report has 17 Green ones.
CS02 | The rate is above the target of 90%, at 94% after 89%, and 5% better than in Quarter 2.
PH03 | It has not improved, and is expected to improve by March.
IC04 | The share improved on the quarter before, but has fallen over the six quarters.
ES01 | In December 68% of plans (50 of 73) were issued within 20 weeks, since 2023 the best month.
CS01 | Percentage of phone calls to Contact Point which were answered is another KPI.
ES05 | The rate is 175 per 100,000, after 190; the last target was 200.
CS01 | The Green Paper of 2024 asks for three green spaces; four more are to follow in July 2025.
CS01 | The new system comes in Quarter 1 2025/26.
CS01 | The KPI is Green. The KPI is Red for one district. If the KPI is Red, we act. The KPI was Amber.
"""


@pytest.mark.parametrize("said", TRUE.strip().splitlines())
def test_what_is_true_is_let_pass(seed, said):
    key, text = said.split(" | ")
    assert seed(key, commentary=text) == []


def test_the_commentary_of_last_quarter(seed):
    with (RAW / "commentary/2024-25-Q2.csv").open(encoding="utf-8", newline="") as file:
        text = next(row[2] for row in csv.reader(file) if row[0] == "PH03")
    assert ("warning", "commentary-unchanged", f"{FILE}, row {row_of('PH03')}, commentary") in seed(
        "PH03", commentary=text
    )


def test_an_unknown_token_is_found_on_the_way_in_with_its_place(tmp_path):
    raw = tmp_path / "raw"
    shutil.copytree(RAW, raw)
    put(raw / FILE, "CS02", "commentary", "At {valeu}, and a { brace.")
    problems = read_returns(raw, QUARTER).problems
    assert problems["code"].tolist() == ["token-unknown", "token-unknown"]
    first = problems.iloc[0]
    assert (first["file"], first["row"], first["column"]) == (
        FILE,
        row_of("CS02"),
        "commentary (C)",
    )
    assert "There is no token {valeu} here. There are: {value}, {target}" in first["rule"]


def test_last_quarters_return_sent_again(known):
    """The five figures of Quarter 2 again, under the name of Quarter 3; one other figure, and it is not that."""
    sent = known.submissions
    own = (sent["received"] == QUARTER) & (
        sent["file"] == "returns/2024-25-Q3/chief-executives.csv"
    )
    second = sent[(sent["quarter"] == "2024-25 Q2") & sent["month"].isna()]
    before = second.drop_duplicates("kpi_id", keep="last").set_index("kpi_id")["value"]
    again = sent.assign(value=sent["value"].mask(own, sent["kpi_id"].map(before)))
    found = as_findings(tables.sent_again(replace(known, submissions=again)))
    assert found["place"].tolist() == ["returns/2024-25-Q3/chief-executives.csv"]
    assert found["finding"].tolist() == ["All 5 figures are those of the quarter before."]
    again.loc[own & (again["kpi_id"] == "CS01"), "value"] = 96
    assert not list(tables.sent_again(replace(known, submissions=again)))


def test_a_floor_standard_beside_an_empty_target(made):
    kpis = made[1]
    without = kpis.assign(target=kpis["target"].mask(kpis["kpi_id"] == "IC05"))
    assert (
        as_findings(tables.floors_without_target(without))["place"].tolist()[0].startswith("IC05, ")
    )


def test_like_findings_are_one_with_its_rows():
    found = as_findings(
        [
            Finding("commentary-unchanged", f"a.csv, row {row}, commentary", "The same.")
            for row in range(2, 12)
        ]
        + [Finding("old-data", "ES01, Plans", "Old.")]
    )
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
