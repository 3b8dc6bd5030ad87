"""The site of all final reports: what is in it, that its links lead somewhere, and when it is made again or refused."""

import json
import re
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from kpi_tools.errors import InputError
from kpi_tools.page.facts import figure_cell
from kpi_tools.report import make, page_jobs
from kpi_tools.report.site import make_site
from tests.small_council import make_council
from tests.workplace import QUARTER, SLUG, Project, violations

CORRECTED = "2025-03-14 | R1 was counted twice | the contractor sent two files"


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def published(tmp_path_factory, worker):
    """A council with a final report, a part of it, and a site."""
    one = Project(tmp_path_factory.mktemp("site"))
    one.make(worker=worker, edition="final", word=True)
    one.make(worker=worker, edition="final", only="Roads")
    (roads,) = page_jobs("explorer", ["Roads"], QUARTER, one.raw, one.outputs, worker=worker)
    make(roads, worker)
    make_site(one.raw, one.outputs)
    return one


@pytest.mark.parametrize(("kind", "column", "names"), [
    ("explorer", "directorate", ["Ämter", "Écoles", "x" * 61, "x" * 60]),
    ("explorer", "directorate", ["教育", "交通"]),
    ("history", "kpi_id", ["x" * 60 + "1", "x" * 60 + "2"]),
])  # fmt: skip
def test_pages_of_names_alike_have_folders_of_their_own(tmp_path, worker, kind, column, names):
    kpis = [{"kpi_id": f"K{n}"} | {column: name} for n, name in enumerate(names)]
    figures = [(QUARTER, kpi["kpi_id"], QUARTER, 50) for kpi in kpis]
    raw = make_council(tmp_path / "raw", kpis, figures)
    jobs = page_jobs(kind, [], QUARTER, raw, tmp_path / "outputs", worker=worker)
    assert len({job.name for job in jobs}) == len(names)
    for job in jobs:
        (alone,) = page_jobs(kind, [job.what], QUARTER, raw, tmp_path / "outputs", worker=worker)
        assert alone.name == job.name


def test_it_has_the_reports_histories_and_data(published):
    site = published.outputs / "site"
    there = set(files(site))
    wanted = {f"{SLUG}/report.html", f"{SLUG}/report.docx", f"{SLUG}-roads/report.html"}
    wanted |= {"index.html", "definitions.html", "data/kpis.csv", "data/datapackage.json"}
    wanted |= {"directorates/roads.html", "kpi/r1.html", "kpi/r2.html", "kpi/c1.html"}
    assert wanted <= there
    assert not [name for name in there if name.endswith(".ipynb")]
    assert '<a href="directorates/roads.html">Roads</a>' in (site / "index.html").read_text("utf-8")
    made = published.final / "report.html"
    assert (site / SLUG / "report.html").read_bytes() == made.read_bytes()
    for page in site.rglob("*.html"):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for link in soup.select("a[href]"):
            place, _, anchor = link["href"].partition("#")
            target = (page.parent / place).resolve() if place else page
            assert target.is_file(), (page, link["href"])
            if anchor and target.suffix == ".html":
                found = f'id="{anchor}"' in target.read_text(encoding="utf-8")
                assert found, (page.name, link["href"])
        text = str(soup)
        assert not re.search(r'(?:src|href)="(?:https?:|/|file:)', text), page


def test_a_reason_in_place_of_a_figure_stands_once():
    row = {"value": float("nan"), "status": "suppressed", "unit": "%", "decimals": 0}
    assert str(figure_cell(row)).count("suppressed") == 1
    assert "illustrative" in str(figure_cell(row | {"milestone": "Late", "status": "illustrative"}))


def test_its_figures_are_those_of_the_report(published):
    kpis = pd.read_csv(published.final / "kpis.csv", encoding="utf-8-sig").set_index("kpi_id")
    for kpi_id, row in kpis.iterrows():
        page = published.outputs / "site" / "kpi" / f"{kpi_id.lower()}.html"
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        tables = {table.caption.get_text(strip=True): table for table in soup.select("table")}
        (printed,) = tables["As each report printed it"].select("tbody tr")
        cells = [cell.get_text(" ", strip=True) for cell in printed.find_all(["th", "td"])]
        assert cells[0] == "Quarter 3 2024/25" and cells[2] == f"{row['value']:.0f}%"
        assert cells[5] == row["rating"] and cells[6].lower() == row["direction_of_travel"]
        assert len(tables["Every figure, as known at the latest report"].select("tbody tr")) == 8


@pytest.mark.slow
def test_the_search_finds_and_everything_reads_without_it(published, browser):
    site, asked, messages = published.outputs / "site", [], []
    for width, name in product((1280, 390), ("index.html", "kpi/r1.html", "definitions.html")):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.goto((site / name).as_uri())
        if name == "index.html":
            for words, found in (("Words on", 3), ("Potholes mended", 2)):  # history, and its card
                page.fill("#search", words)
                assert page.locator("#search-found a").count() == found
        assert violations(page) == [], (name, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto((site / "index.html").as_uri())
    assert plain.get_by_text("Potholes mended in 28 days").is_visible()
    assert not plain.locator("#search").is_visible()
    plain.close()
    assert messages == [] and all(url.startswith("file:") for url in asked)


def test_it_is_made_again_only_where_something_changed(published):
    site = published.outputs / "site"
    before, at = files(site), (site / "site.json").stat().st_mtime_ns
    assert make_site(published.raw, published.outputs) == (site, False)
    assert (site / "site.json").stat().st_mtime_ns == at
    assert make_site(published.raw, published.outputs, force=True) == (site, True)
    assert files(site) == before


@pytest.mark.slow
def test_drafts_and_what_was_changed_in_silence_have_no_place(project, worker):
    with pytest.raises(InputError, match="There is no final report of Anyshire"):
        make_site(project.raw, project.outputs)
    project.make(worker=worker)
    with pytest.raises(InputError, match="There is no final report of Anyshire"):
        make_site(project.raw, project.outputs)
    project.make(worker=worker, edition="final")
    site, _ = make_site(project.raw, project.outputs)
    first = (site / SLUG / "report.html").read_bytes()
    project.revise(75, 91)
    with pytest.raises(InputError, match="is not what the data give now"):
        make_site(project.raw, project.outputs)
    project.make(worker=worker, edition="final", corrections=CORRECTED)
    make_site(project.raw, project.outputs)
    assert (site / f"{SLUG}-version-1" / "report.html").read_bytes() == first
    assert "Version 2" in (site / SLUG / "report.html").read_text(encoding="utf-8")
    index = (site / "index.html").read_text(encoding="utf-8")
    assert index.index("Quarter 3 2024/25, version 2") < index.index("Quarter 3 2024/25, version 1")
    noted = json.loads((site / "site.json").read_text(encoding="utf-8"))
    assert set(noted["reports"]) == {SLUG, f"{SLUG}-version-1"}
    project.revise(91, 93)
    project.make(worker=worker, edition="final", corrections=CORRECTED)
    with pytest.raises(InputError, match="was published, and is another one now, without"):
        make_site(project.raw, project.outputs)
