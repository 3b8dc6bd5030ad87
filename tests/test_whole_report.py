"""The reports of two quarters, made by the command's own path from data/raw, read as a reader's machine reads them."""

import re

import openpyxl
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from kpi_tools.page.html import slug
from kpi_tools.report import make_report
from kpi_tools.scorecard import recent_quarters
from tests.kent import EIGHT_REDS, returns, table
from tests.workplace import unfit, violations

QUARTERS = ("2024-25 Q3", "2023-24 Q2")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def reports(outputs, worker):
    return {quarter: make_report(quarter, outputs=outputs, worker=worker) for quarter in QUARTERS}


@pytest.fixture(scope="module", params=QUARTERS)
def made(request, reports):
    page = (reports[request.param].folder / "report.html").read_text(encoding="utf-8")
    return request.param, page, BeautifulSoup(page, "html.parser")


def words(piece) -> str:
    return " ".join(piece.get_text(" ").split())


def test_one_small_file_that_asks_for_nothing(made):
    _, page, soup = made
    assert len(page.encode()) < 1_000_000
    assert not re.search(r"(?:https?:)?//[a-z]", page.replace("http://www.w3.org/2000/svg", ""))
    assert unfit(page) == []
    assert soup.html["lang"] == "en-GB"
    assert len(soup.find_all("h1")) == 1


def test_a_card_for_each_kpi_with_its_chart_in_words_and_as_a_table(made):
    quarter, _, soup = made
    recent = recent_quarters(returns(quarter))
    cards = soup.select("article[id^=kpi-]")
    ids = [f"kpi-{slug(kpi_id)}" for kpi_id in recent["kpi_id"].unique()]
    assert [card["id"] for card in cards] == ids and len(cards) == 38
    for card, (_, rows) in zip(cards, recent.groupby("kpi_id", sort=False), strict=True):
        chart = card.find("svg", attrs={"role": "img"})
        assert words(chart.title).startswith(rows["kpi_name"].iloc[0])
        description = words(chart.desc)
        assert f"The latest is {rows['rating'].iloc[-1]}." in description
        listed = card.select("table tbody tr")
        assert len(listed) == 6
        for line, (_, row) in zip(listed, rows.iterrows(), strict=True):
            _, figure, _, _, rating, *_ = map(words, line.find_all(["th", "td"]))
            shown = float(re.sub(r"[^\d.]", "", figure))
            assert shown == pytest.approx(row["value"], abs=0.5 * 10 ** -row["decimals"] + 1e-9)
            assert re.search(rf"\b{re.escape(figure.split()[0].rstrip('%'))}", description), line
            assert rating == row["rating"]


def test_what_is_illustrative_says_so_in_cards_and_at_the_top(made):
    quarter, _, soup = made
    recent = recent_quarters(returns(quarter))
    invented = recent[recent["status"] == "illustrative"]
    banner = words(soup.select_one(".kpi-banner"))
    assert f"{len(invented)} of the 228 figures" in banner
    for kpi_id, rows in invented.groupby("kpi_id"):
        card = soup.find(id=f"kpi-{slug(kpi_id)}")
        figures = [words(row.td) for row in card.select("table tbody tr")]
        text = card.find("svg", attrs={"role": "img"}).desc.get_text()
        assert sum("illustrative" in figure for figure in figures) == len(rows), kpi_id
        assert text.count("(illustrative)") == len(rows)


def test_the_minute_of_quarter_2_is_the_first_paragraph(reports):
    page = (reports["2023-24 Q2"].folder / "report.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    first = words(soup.find(id="p1.1").parent)
    assert "Out of the 38 KPIs" in first
    assert "seven indicators (three more than the previous quarter)" in first
    names = {row["kpi_name"] for row in table("kpis.csv") if row["kpi_id"] in EIGHT_REDS}
    assert {words(item) for item in soup.select_one(".kpi-bullets").find_all("li")} == names


def test_every_paragraph_number_and_contents_entry_leads_somewhere(made):
    _, _, soup = made
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in soup.find_all("a", href=True)} <= set(ids)
    for card in soup.select("article[id^=kpi-]"):
        cited = card.find("a", class_="kpi-pn")
        assert re.fullmatch(r"p\d+\.\d+", cited["id"]) and cited["href"] == f"#{card['id']}"


def test_the_tables_beside_it_hold_the_same_ratings(reports):
    folder = reports["2024-25 Q3"].folder
    sheet = openpyxl.load_workbook(folder / "kpis.xlsx")["KPIs"]
    head, *rows = sheet.iter_rows(values_only=True)
    from_workbook = {row[head.index("kpi_id")]: row[head.index("rating")] for row in rows}
    from_csv = pd.read_csv(folder / "kpis.csv").set_index("kpi_id")["rating"].to_dict()
    assert from_workbook == from_csv
    assert pd.Series(from_csv).value_counts().to_dict() == {"Green": 17, "Amber": 12, "Red": 9}


@pytest.mark.slow
def test_a_second_run_gives_the_same_bytes_in_every_file(reports, tmp_path):
    first, again = reports["2024-25 Q3"], make_report("2024-25 Q3", outputs=tmp_path)
    assert first.files == again.files and len(again.files) == 6
    for name in again.files:
        assert (again.folder / name).read_bytes() == (first.folder / name).read_bytes(), name


@pytest.mark.browser
@pytest.mark.parametrize("quarter", QUARTERS)
def test_the_first_screen_ends_with_the_key(reports, opened, quarter):
    """In Arial, or letters as wide, on 1280 by 800: paragraph, attention, counts, sections, reports, changes and key."""
    page = opened((reports[quarter].folder / "report.html").as_uri(), height=800)
    wide = page.evaluate("""() => {
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = '100px Arial, "Liberation Sans"';
        return pen.measureText("mmmm").width;
    }""")
    if abs(wide - 333) > 2:
        pytest.skip("neither Arial nor Liberation Sans is installed")
    assert page.evaluate("document.querySelector('.kpi-key').getBoundingClientRect().bottom") < 800


@pytest.mark.browser
def test_on_a_phone_folded_cards_halve_the_length(reports, opened):
    page = opened((reports["2024-25 Q3"].folder / "report.html").as_uri(), 390)
    length = "document.documentElement.scrollHeight"
    folded = page.evaluate(length)
    page.evaluate("document.querySelectorAll('.kpi-fold').forEach(part => { part.open = true })")
    assert folded <= page.evaluate(length) / 2


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 1280])
def test_no_accessibility_violation_and_no_sideways_scroll(reports, opened, width):
    page = opened((reports["2024-25 Q3"].folder / "report.html").as_uri(), width, unfold=True)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert len(opened.asked) == 1
