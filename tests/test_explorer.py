"""The explorer without a browser: what each choice shows, and what is said where there is nothing to choose."""

import ast
import json

import ipywidgets
import kent
import pytest

from kpi_tools.errors import InputError
from kpi_tools.explorer.directorate import Explorer, explore, lab, parameters_html
from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.views import VIEWS
from kpi_tools.page import html


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch):
    monkeypatch.setattr(lab, "_library", lambda: "")
    monkeypatch.setattr(lab, "start_bundling", lambda: None)


@pytest.fixture(scope="module")
def look():
    own = kent.returns().catalogue
    own = own[own["directorate"] == "Children, Young People and Education"]
    known = evidence(kent.returns(), set(own["kpi_id"]))
    return Explorer(known, "Children, Young People and Education", "data/raw", kent.commentary())


@pytest.fixture
def chooser(look):
    look.__dict__.pop("chooser", None)
    return look.chooser


def test_it_begins_with_what_matters_most(look, chooser):
    assert chooser.kpi.value == look.known.kpis["kpi_id"].iloc[0] == "IC05"
    assert "13 KPIs of Children, Young People and Education" in str(look.by_consequence)
    names = [str(look.by_consequence).index(f">{kpi_id}<") for kpi_id in look.known.kpis["kpi_id"]]
    assert names == sorted(names)


def test_the_grid_has_every_rating_of_the_quarters_shown(look):
    grid = str(look.grid)
    for rag, count in look.known.recent["rating"].value_counts().items():
        assert grid.count(f"</svg>{rag}</span>") == count


def test_every_choice_shows_itself(chooser, look):
    seen = set()
    for section in chooser.section.options:
        chooser.section.value = section
        for _, kpi_id in chooser.kpi.options:
            chooser.kpi.value = kpi_id
            name = look.known.kpi(kpi_id)["kpi_name"]
            assert look.known.kpi(kpi_id)["section"] == section
            assert name.replace("'", "&#39;") in chooser._head.value
            for view in VIEWS:
                chooser.view.value = view
                assert chooser.chart.name == f"{kpi_id} {view}"
                json.dumps(chooser.chart.spec, allow_nan=False)
                seen.add(kpi_id)
    assert seen == set(look.known.kpis["kpi_id"])


def test_a_click_shows_the_point(chooser):
    chooser.section.value = "Education and Skills"
    chooser.kpi.value = "ES01"
    assert chooser.point.value == chooser.chart.chosen == "2024-25 Q3"
    assert "813 of 2,421" in chooser._facts.value
    chooser.chart.chosen = "2024-12"
    assert chooser.point.value == "2024-12"
    assert "50 of 73" in chooser._facts.value
    assert "December 2024" in chooser._facts.value
    chooser.chart.chosen = "something else"
    assert chooser.point.value == "2024-12"


def test_the_list_rings_the_point(chooser):
    chooser.view.value = "limits"
    chooser.point.value = "2024-25 Q1"
    assert chooser.chart.chosen == "2024-25 Q1"
    assert "Quarter 1 2024/25" in chooser._facts.value


def test_without_benchmarks_there_are_words_and_no_empty_chart(chooser):
    chooser.kpi.value, chooser.view.value = "IC04", "areas"
    assert "There are no figures of other areas for it." in chooser._notes.value
    assert chooser.chart.layout.display == "none"
    assert chooser.point.value == ""
    chooser.view.value = "trend"
    assert chooser.chart.layout.display is None


def test_the_parameters_on_screen_are_python(chooser, look):
    look.__dict__.pop("parameters", None)
    assert look.parameters is chooser.parameters
    chooser.section.value = "Education and Skills"
    chooser.kpi.value = "ES02"
    lines = chooser.parameters.value.split(">", 1)[1].rsplit("<", 1)[0].replace("&#34;", '"')
    given = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(lines).body}
    directorate = "Children, Young People and Education"
    assert given == {
        "kpi": "ES02",
        "directorate": directorate,
        "quarter": "2024-25 Q3",
        "raw": "data/raw",
    }


def test_what_is_pasted_is_text_and_not_markup():
    shown = parameters_html('</pre><img src=x onerror="alert(1)">', "K", "Q", "r", "Trend")
    assert "<img" not in shown


def test_words_in_widgets_are_escaped(look):
    commentary = kent.commentary().copy()
    commentary.loc[(commentary["kpi_id"] == "ES01"), "commentary"] = "<img src=x onerror=alert(1)>"
    chooser = Explorer(look.known, "", "data/raw", commentary).chooser
    chooser.section.value = "Education and Skills"
    chooser.kpi.value = "ES01"
    assert "onerror" in chooser._facts.value
    assert "<img" not in chooser._facts.value


def test_a_directorate_without_kpis_in_the_report_is_a_sentence():
    known = evidence(kent.returns(), set())
    empty = Explorer(known, "Deputy Chief Executive's", "data/raw", kent.commentary())
    assert "No KPI of Deputy Chief Executive&#39;s is in the report for Quarter 3 2024/25." in str(
        empty.by_consequence
    )
    assert "There is no KPI to choose." in str(empty.chooser)
    assert [str(part) for part in (empty.grid, empty.flags, empty.parameters)] == ["", "", ""]
    assert "No figure looks like a fault of the data." in str(empty.doubts)


def test_an_unknown_directorate_gets_the_nearest_names():
    with pytest.raises(
        InputError,
        match='no directorate "Children". The nearest: Children, Young People and Education',
    ):
        explore("Children", "2024-25 Q3", kent.RAW)


def test_every_flag_has_its_reason_and_the_flagged_come_first(look):
    flags = str(look.flags)
    first_usual = flags.index("Within usual variation")
    assert flags.rindex("Unusual: ") < first_usual
    assert (
        flags.count("Flagged as")
        == (look.known.kpis["variation"].isin(["improvement", "concern", "neutral"])).sum()
    )


def test_only_what_this_package_made_is_shown_as_html(chooser):
    boxes = [child for child in vars(chooser).values() if isinstance(child, ipywidgets.HTML)]
    for box in boxes:
        assert box.value.startswith((html._WRAPPED[0], '<pre class="kpi-parameters">'))


def test_what_a_saved_notebook_keeps_says_what_to_do(look, chooser):
    for widget in (chooser, look.parameters):
        stored = widget._repr_mimebundle_()
        assert "application/vnd.jupyter.widget-view+json" in stored
        assert "Run > Run All Cells" in stored["text/plain"]
        assert "Run > Run All Cells" in stored["text/html"].replace("&gt;", ">")
    plain = look.by_consequence._repr_mimebundle_()[0]["text/plain"]
    assert plain.startswith("13 KPIs of Children, Young People and Education") and "<" not in plain
