"""The explorer without a browser: what its screen is given, and what is said where there is nothing to show."""

import base64
import json
import re
import shutil
from dataclasses import replace
from hashlib import sha256

import pytest

from kpi_tools.explorer import screen
from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.points import remarks
from kpi_tools.explorer.screen import Explorer
from kpi_tools.explorer.table import offline_page
from kpi_tools.explorer.views import VIEWS
from kpi_tools.provenance import slug
from kpi_tools.report import OUTPUTS_GIVEN
from kpi_tools.rows import rows_of
from kpi_tools.terms import Terms
from tests import kent

CHILDREN = "Children, Young People and Education"
KPIS = ["IC05", "IC06", "ES01"]


@pytest.fixture(scope="module")
def look() -> Explorer:
    Explorer._last.clear()
    return Explorer(evidence(kent.returns(), KPIS), CHILDREN, kent.commentary(), [], str(kent.RAW))


@pytest.fixture(scope="module")
def page(look) -> str:
    return offline_page(look.known, look.directorate, look.commentary)


def test_the_table_stands_in_order_of_consequence_with_its_ratings(look):
    kpis = look.data["kpis"]
    assert [kpi["id"] for kpi in kpis] == list(look.known.kpis["kpi_id"]) == KPIS
    for kpi in kpis:
        recent = rows_of(look.known.of("recent", kpi["id"]))
        assert [it["rating"] for it in kpi["six"]] == [row["rating"] for row in recent]
    foster = kpis[0]
    assert (foster["value"], foster["target"], foster["way"]) == ("613", "700", "down")
    assert foster["why"].startswith("Red and getting worse.")
    assert [it["sure"] for it in kpis[1]["six"]] == ["hollow"] * 4 + ["final"] * 2


def test_what_is_better_is_not_where_the_arrow_points():
    """First-time entrants fall, which is good; foster households fall, which is not."""
    rows = screen.table.screen(evidence(kent.returns(), ["ES05", "IC05"]), "")["kpis"]
    ways = {row["id"]: (row["way"], row["direction"]) for row in rows}
    assert ways == {"ES05": ("down", "positive"), "IC05": ("down", "negative")}


def test_a_council_of_two_point_arrows_has_their_words():
    returns = kent.returns()
    words = {**returns.council.words, "management_action": "Next step"}
    council = replace(returns.council, arrows=("previous", "trend"), words=words)
    assert remarks(
        {"quarter": "2024-25 Q3", "status": "final", "commentary": None, "management_action": "B."},
        Terms(council),
    ) == ["Next step, report of Quarter 3 2024/25: B."]
    shown = screen.table.screen(evidence(replace(returns, council=council), ["ES05"]), "")
    assert [word for _, word in shown["directions"]] == ["Worse", "Unchanged", "Better"]
    assert shown["words"]["action"] == "Next step"
    assert shown["kpis"][0]["direction"] in ("worse", "unchanged", "better")


@pytest.mark.parametrize("size", ["S", "M", "L"])
def test_every_view_is_plain_data_with_facts_for_each_of_its_points(look, size):
    for kpi in look.data["kpis"]:
        for name in VIEWS:
            shown = look.view_of(kpi["id"], name, size)
            json.dumps(shown, allow_nan=False)
            assert set(shown["facts"]) == set(shown["places"])
            assert bool(shown["svg"]) == bool(shown["places"])
            assert not shown["svg"] or shown["latest"] in shown["places"]
            assert shown["notes"]


def test_a_point_stands_where_its_mark_is_drawn(look):
    shown = look.view_of("ES01", "season", "M")
    left, top = map(float, re.search(r"translate\(([\d.]+),([\d.]+)\)", shown["svg"]).groups())
    places = {
        (round(left + float(x), 0), round(top + float(y), 0))
        for x, y in re.findall(r'<path transform="translate\(([\d.]+),([\d.]+)\)"', shown["svg"])
    }
    assert {(round(x, 0), round(y, 0)) for x, y in shown["places"].values()} <= places


def test_the_facts_of_a_point_are_its_numbers_its_reason_and_what_was_said(look):
    facts = look.view_of("ES01", "trend", "M")["facts"]
    latest = facts["2024-25 Q3"]
    assert latest["figures"] == "34% (813 of 2,421); target 60%, floor standard 55%"
    assert (latest["rating"], latest["look"]) == ("Red", "red")
    assert latest["more"][0].startswith("Not flagged: 34% lies within the usual range")
    assert latest["remarks"][0].startswith("Commentary, report of Quarter 3 2024/25 (illustrative)")
    assert facts["2024-12"]["figures"].startswith("68% (50 of 73)")


def test_what_is_taken_away_is_what_the_tables_hold(look):
    for name, table in (("trend", "quarters"), ("limits", "points")):
        taken = look.view_of("IC06", name, "M")["table"]
        rows = look.known.of(table, "IC06")
        at = taken["columns"].index("value")
        assert [row[at] for row in taken["rows"]] == pytest.approx(rows["value"].tolist())


def test_a_message_is_answered_once_under_its_number(look):
    asked = {"number": 7, "ask": "view", "kpi_id": "ES01", "name": "areas", "size": "S"}
    answer = look.answer(asked)
    assert answer["number"] == 7 and "England" in answer["svg"]
    assert look.answer({"number": 8, "ask": "hello"}) == {"number": 8}


def test_another_quarter_or_an_error_in_a_sentence():
    look = Explorer(evidence(kent.returns(), KPIS), CHILDREN, kent.commentary(), [], str(kent.RAW))
    asked = {"number": 1, "ask": "read", "directorate": "Childrens", "quarter": "2024-25 Q2"}
    assert "The nearest: Children, Young People" in look.answer(asked)["error"]
    assert look.data["quarter"] == "2024-25 Q3", "what cannot be read changes nothing"
    look.answer(asked | {"directorate": "Public Health"})
    assert (look.data["directorate"], look.data["quarter"]) == ("Public Health", "2024-25 Q2")
    assert {kpi["section"] for kpi in look.data["kpis"]} == {"Public Health"}


def test_a_rerun_keeps_the_choice(look):
    look.chosen = "kpi=ES01&view=limits"
    again = Explorer(look.known, CHILDREN, look.commentary, [], look.raw)
    assert again.chosen == "kpi=ES01&view=limits"
    Explorer._last.clear()


def displayed(look, monkeypatch) -> list[dict[str, str]]:
    """The outputs of a cell that shows the explorer."""
    outputs = []
    monkeypatch.setattr(screen, "display", lambda bundle, **_: outputs.append(bundle))
    look._ipython_display_()
    return outputs


def test_a_notebook_without_its_kernel_shows_the_last_picture_and_one_sentence(look, monkeypatch):
    last, alive = displayed(look, monkeypatch)
    assert "application/vnd.jupyter.widget-view+json" in alive
    assert last["text/plain"] == "Run > Run All Cells to go on."
    assert "613 in Quarter 3 2024/25" in last["text/html"]
    assert last["text/html"].endswith("<p>Run &gt; Run All Cells to go on.</p></div>")
    (coded,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', last["text/html"])
    drawn = base64.b64decode(coded).decode()
    assert drawn.startswith("<svg xmlns=") and ">613<" in drawn


def test_without_benchmarks_there_are_words_and_no_empty_chart(look):
    shown = look.view_of("IC05", "areas", "M")
    assert shown["svg"] == ""
    assert shown["notes"] == ["There are no figures of other areas for this KPI."]


def test_a_directorate_without_kpis_in_the_report_opens_and_is_empty(monkeypatch):
    known = evidence(kent.returns(), set())
    empty = Explorer(known, "Deputy Chief Executive's", kent.commentary(), [], str(kent.RAW))
    assert (empty.data["kpis"], empty.shown) == ([], {})
    assert "0 KPIs" in str(empty.pages)
    assert "Run &gt; Run All Cells" in displayed(empty, monkeypatch)[0]["text/html"]


@pytest.mark.parametrize("elsewhere", [False, True])
def test_in_a_published_quarter_the_words_are_read_and_not_written(
    tmp_path, monkeypatch, elsewhere
):
    """The final report in the outputs closes the desk, in the browser and for whoever asks past it, also where
    `kpi explore` was told of other outputs."""
    raw = tmp_path / "raw"
    shutil.copytree(kent.RAW, raw)
    monkeypatch.setattr("kpi_tools.report.OUTPUTS", tmp_path / "outputs")
    look = Explorer(evidence(kent.returns(), ["IC06"]), CHILDREN, kent.commentary(), [], str(raw))
    before = (raw / "commentary" / "2024-25-Q3.csv").read_bytes()
    council = look.data["council"]
    final = tmp_path / "outputs" / slug(council) / "2024-25-Q3"
    if elsewhere:
        monkeypatch.setenv(OUTPUTS_GIVEN, str(tmp_path / "elsewhere"))
        final = tmp_path / "elsewhere" / "2024-25-Q3"
    final.mkdir(parents=True)
    noted = dict.fromkeys(("inputs", "outputs", "program", "parameters"), {})
    noted |= {"quarter": "2024-25 Q3", "council": council, "notebook": "of the report"}
    save = {"number": 1, "ask": "save", "kpi_id": "IC06", "texts": ["New.", ""], "shown": None}
    for edition, refused in (("draft", False), ("final", True)):
        text = json.dumps(noted | {"edition": edition})
        (final / "manifest.json").write_text(text, encoding="utf-8")
        said = look.answer({"number": 1, "ask": "words", "kpi_id": "IC06"})["why_not"]
        assert ("is published: its words can be read, not changed" in said) == refused
    assert "is published" in look.answer(save)["error"]
    assert (raw / "commentary" / "2024-25-Q3.csv").read_bytes() == before


# The offline page


def test_the_offline_page_allows_nothing_but_what_it_holds(page):
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    held = {
        "script": re.findall(r'<script type="module">(.*?)</script>', page, re.S),
        "style": re.findall(r"<style>(.*?)</style>", page, re.S),
    }
    for kind, (text,) in held.items():
        named = base64.b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{named}&#39;" in policy
    assert "default-src &#39;none&#39;" in policy and "unsafe" not in policy
    assert not re.findall(r'(?:src|href)="(?!#|data:)', page)


def test_the_offline_page_holds_each_picture_once_and_reads_without_script(page):
    keys = re.findall(r'data-key="([^"]+)"', page)
    assert len(keys) == len(set(keys)) == 3 * (2 * len(VIEWS) + 1) - 2, (
        "two have no other areas at the smaller size; the larger is an empty figure"
    )
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    bare = re.sub(r"<(script|template|style).*?</\1>", "", page, flags=re.S)
    for said in ("Red and getting worse.", "34% in Quarter 3 2024/25", "it needs 77% in each of"):
        assert said in bare
    assert bare.count("<svg") == 3 * len(VIEWS) - 2


def test_data_in_the_page_cannot_end_their_script(page):
    (text,) = re.findall(r'id="data">(.*?)</script>', page, re.S)
    assert not set("<>&\u2028\u2029") & set(text)
    data = json.loads(text)
    assert [kpi["id"] for kpi in data["kpis"]] == KPIS
    assert set(data["drawn"]["ES01 trend S"]) == {"places"}
