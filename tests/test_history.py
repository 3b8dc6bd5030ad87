"""`kpi history`: one KPI on one offline page, by the machinery of the report."""

import csv
import io
import json
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup

from kpi_tools.cli import main
from kpi_tools.errors import InputError
from tests import kent
from tests.workplace import make_history, unfit


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_history("es01", "2024-25 Q3", kent.RAW, tmp_path_factory.mktemp("out"))


def test_the_folder_is_named_by_quarter_and_kpi_and_whole(made):
    assert made.folder.parts[-2:] == ("history", "2024-25-Q3-es01")
    assert made.files == (
        "figures.csv",
        "figures.xlsx",
        "history.html",
        "history.ipynb",
        "manifest.json",
    )
    manifest = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["kpi"], manifest["quarter"]) == ("ES01", "2024-25 Q3")
    assert set(manifest["outputs"]) == set(made.files) - {"manifest.json"}


def test_the_page_is_one_file_that_runs_nothing(made):
    text = (made.folder / "history.html").read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    assert unfit(text) == []
    assert page.title and "history to Quarter 3 2024/25" in page.title.string
    assert len(page.select('svg[role="img"]')) == 5, "the card's chart and four views"
    assert all(
        chart.find("title") and chart.find("desc").text for chart in page.select('svg[role="img"]')
    )
    assert [heading.get_text(" ", strip=True) for heading in page.find_all("h2")][-1].endswith(
        "Doubts about its data"
    )
    assert "77% in each of the next two quarters" in page.get_text()


def test_each_view_gives_its_picture_and_its_figures_in_the_page_itself(made):
    page = BeautifulSoup((made.folder / "history.html").read_text(encoding="utf-8"), "html.parser")
    taken = {
        link["download"]: b64decode(link["href"].partition(";base64,")[2]).decode("utf-8-sig")
        for link in page.select("a[download]")
    }
    views = ("limits", "trend", "season", "areas")
    assert set(taken) == {
        f"ES01-{view}-2024-25-Q3.{end}" for view in views for end in ("svg", "csv")
    }
    for view in views:
        picture = ElementTree.fromstring(taken[f"ES01-{view}-2024-25-Q3.svg"])
        said = " ".join(picture.itertext())
        assert "issued within 20 weeks" in said and "Source: KCC Quarterly" in said
        assert "As at Quarter 3 2024/25" in said and "34%" in said
    table = list(csv.DictReader(io.StringIO(taken["ES01-trend-2024-25-Q3.csv"])))
    last = {"period": "2024-25 Q3", "value": "34", "numerator": "813", "rating": "Red"}
    assert table[-1] | last == table[-1] and len(table) == 12


def test_the_notebook_beside_it_names_no_place(made):
    text = (made.folder / "history.ipynb").read_text(encoding="utf-8")
    assert 'kpi = \\"ES01\\"' in text
    assert str(Path(kent.RAW).resolve()) not in text


@pytest.mark.parametrize(
    ("kpi", "sentence"),
    [("ES99", "The nearest: "), ("../../etc", "There are: "), ("ES06", "is not in the report")],
)
@pytest.mark.slow
def test_what_cannot_be_made_leaves_nothing(tmp_path, kpi, sentence):
    with pytest.raises(InputError, match=sentence):
        make_history(kpi, "2024-25 Q3", kent.RAW, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_why_it_cannot(tmp_path, capsys):
    assert main(["history", "ES1", "2024-25 Q3", "--outputs", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith('There is no KPI "ES1". The nearest: ES01')
