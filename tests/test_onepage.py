"""The quarter on one page: its figures are those of the report, it fits one A4, and anybody can read it."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from markupsafe import escape
from pypdf import PdfReader

import kpi_tools as kpi
from kpi_tools.page.summary import attention
from kpi_tools.publications.onepage import one_page, short
from kpi_tools.rows import rows_of
from kpi_tools.terms import Terms, names
from kpi_tools.wording import figure_of, line_of
from tests.kent import BOROUGH, RAW, earlier, recent, returns, scorecard
from tests.small_council import make_council
from tests.workplace import violations

REPORTS = [(RAW, "2024-25 Q3"), (RAW, "2023-24 Q2"), (BOROUGH, "2025-26 Q2")]


def tables(raw: Path, quarter: str) -> tuple[Any, ...]:
    known, kpis, before = returns(quarter, raw), scorecard(quarter, raw), earlier(quarter, raw)
    movement = kpi.movement(kpis, *before, known.council)
    return known, kpis, before[0], movement, recent(quarter, raw)


@pytest.fixture(scope="module", params=REPORTS, ids=lambda given: given[1])
def made(request):
    found = tables(*request.param)
    return found, one_page(*found)


def test_its_figures_are_those_of_the_scorecard(made):
    (returns, kpis, *_), page = made
    soup = BeautifulSoup(page, "html.parser")
    rows = {row.th.span.text: row for row in soup.select("table.rd tbody tr")}
    worst = kpis[kpis["rating"] == "Red"]
    assert set(rows) == set(worst["kpi_id"]) and len(rows) in (8, 9, 2)
    for row in rows_of(worst):
        cells = [cell.get_text(" ", strip=True) for cell in rows[row["kpi_id"]].find_all("td")]
        cells = [cell.removesuffix(" (illustrative)") for cell in cells]
        assert cells[0] == figure_of(row)
        assert cells[1].endswith(line_of(row, "floor_standard", bare=True))
    counted = kpi.counts(kpis, returns.council)
    tiles = [tile.get_text(" ", strip=True).split() for tile in soup.select("td.st") if tile.span]
    told = {tile[2].lower(): int(tile[0]) for tile in tiles if len(tile) > 2}
    for name in [band.name for band in returns.council.schemes[""].bands]:
        assert told[name.lower()] == counted[name], name


def test_what_gets_worse_is_named_as_on_the_first_screen(made):
    """Both directions must agree: of 2023-24 Q2 these are AS03, AS04 and AS06, not ES04 and IC04."""
    (returns, kpis, _, _, recent), page = made
    terms, called = Terms(returns.council), names(kpis, short=True)
    lines = attention(kpis, recent, returns, terms)
    worse = [row for line in lines if "getting worse" in line["reason"] for row in line["rows"]]
    middle = [called[row["kpi_id"]] for row in worse if row["rating"] in terms.middle]
    said = re.search("To watch: rated .*? and getting worse: (.*?)</li>", page)
    named = [one.split(" (")[0] for one in said[1].split("); ")] if said else []
    assert named == [str(escape(name)) for name in middle]
    if returns.quarter.label == "2023-24 Q2":
        assert middle == [called[one] for one in ("AS03", "AS04", "AS06")]


def test_it_asks_for_nothing_and_is_small(made):
    _, page = made
    assert len(page.encode()) < 100_000
    assert not re.search(r"<(script|img|svg|link|iframe)|url\(|@import|https?:", page)
    assert one_page(*made[0]) == page


def worse(found, number: int):
    """The same with so many KPIs in the last band, each with words that are long."""
    returns, kpis, *rest = found
    kpis = pd.concat([kpis] * 2, ignore_index=True).head(max(number, len(kpis)))
    reds = kpis.index < number
    last = [*returns.council.schemes[""].bands][-1].name
    long = "A long action that says in many words what is to be done about it and by whom and how often. "
    kpis = kpis.assign(
        kpi_id=[f"{row}-{n}" for n, row in enumerate(kpis["kpi_id"])],
        rating=kpis["rating"].mask(reds, last).where(reds | (kpis["rating"] != last), "Green"),
        management_action=kpis["management_action"].mask(reds, long * 3),
    )
    return returns, kpis, *rest


@pytest.mark.parametrize("number", [0, 1, 10, 30])
@pytest.mark.slow
def test_ten_reds_fit_one_a4_and_of_more_the_ten_worst(number, tmp_path, browser):
    page = one_page(*worse(tables(RAW, "2024-25 Q3"), number))
    rows = BeautifulSoup(page, "html.parser").select("table.rd tbody tr")
    assert len(rows) == min(number, 10)
    said = {
        0: "No KPI is rated Red",
        1: "The one KPI rated Red, and",
        10: "The 10 KPIs rated Red, and",
        30: "The 10 furthest from their lines of the 30 KPIs rated Red",
    }
    assert said[number] in page
    opened = browser.new_page()
    opened.set_content(page)
    opened.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    opened.close()
    assert len(PdfReader(tmp_path / "page.pdf").pages) == 1


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.slow
def test_axe_finds_nothing(made, width, tmp_path, opened):
    (tmp_path / "page.html").write_text(made[1], encoding="utf-8")
    page = opened((tmp_path / "page.html").as_uri(), width)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("text", "expected"), [
    ("One sentence. Another.", "One sentence"),
    ("First this is done, then something else is done by somebody at length", "First this is done, then …"),
    ("**Bold** words", "Bold words"),
])  # fmt: skip
def test_a_text_is_cut_at_a_word(text, expected):
    assert short(text, 30) == expected


def test_the_line_is_headed_by_what_it_is(tmp_path):
    """Of a council without a floor standard none is named; lines of several kinds stand by name."""
    figures = [("2024-25 Q3", one, "2024-25 Q3", 30) for one in ("A1", "B1")]
    settings = """
[words]
target = "Goal"
[rating]
scheme = "percentage"
percent = 10
[rating.schemes.pair]
bands = [{ name = "Green", meets = "target" }, { name = "Red" }]
"""

    def headed(*schemes: str) -> tuple[str, list[str]]:
        names = zip(("A1", "B1"), schemes, strict=True)
        kpis = [{"kpi_id": one, "scheme": scheme} for one, scheme in names]
        raw = make_council(tmp_path / "-".join(schemes), kpis, figures, settings=settings)
        soup = BeautifulSoup(one_page(*tables(raw, "2024-25 Q3")), "html.parser")
        lines = [row.find_all("td")[1] for row in soup.select("table.rd tbody tr")]
        shown = [line.span.text for line in lines if "lb" not in line.span.get("class", [])]
        return soup.select("table.rd thead th")[2].text, shown

    assert headed("", "") == ("Goal within 10%", [])
    assert headed("", "pair") == ("Line", ["goal ", "goal within 10% "])
