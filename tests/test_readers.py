"""The whole report as its readers meet it: by keyboard, large, narrow, in forced colours, read aloud, on paper.

What is read aloud is taken from the browser's accessibility tree and compared with the raw returns, not with our tables.
"""

import csv
import re
import unicodedata
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from kpi_tools.report import Report, history_of_kpi, report_quarter

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
QUARTER = "2024-25 Q3"
RAW = Path(__file__).parent.parent / "data" / "raw"
MONTHS = {1: "June", 2: "September", 3: "December", 4: "March"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, program: Any) -> Report:
    program("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    return report_quarter(QUARTER, outputs=tmp_path_factory.mktemp("readers"), pdf=True)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return (
        history_of_kpi("ES01", QUARTER, outputs=tmp_path_factory.mktemp("history")).folder
        / "history.html"
    )


def opened(
    browser: "Browser", path: Path, width: int = 1280, height: int = 800, **context: Any
) -> "Page":
    page = browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
    page.goto(path.as_uri())
    return page


@pytest.fixture(scope="module")
def page(browser: "Browser", made: Report) -> Iterator["Page"]:
    shown = opened(browser, made.folder / "report.html")
    yield shown
    shown.context.close()


# Read aloud


def spoken(page: "Page", role: str = "image") -> list[tuple[str, str]]:
    """What is said of every node of a role, in the order of reading, as assistive technology is given it.

    Pairs of title and description: the name of a chart is both, one after the other.
    """
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    nodes = [node for node in tree if not node["ignored"] and node["role"]["value"] == role]
    said = [(node["name"]["value"], node.get("description", {}).get("value", "")) for node in nodes]
    return [(name.removesuffix(description).rstrip(), description) for name, description in said]


def raw_table(name: str) -> list[dict[str, str]]:
    with open(RAW / name, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def received() -> dict[tuple[str, str], str]:
    """The last word on each figure, from the files themselves, up to the report's quarter."""
    figures: dict[tuple[str, str], str] = {}
    for folder in sorted(path for path in (RAW / "returns").iterdir() if path.name <= "2024-25-Q3"):
        for path in folder.iterdir():
            for row in sheet(path):
                figures[row["kpi_id"], row["period"]] = row["value"]
    return figures


def sheet(path: Path) -> list[dict[str, str]]:
    """The rows of a return, in text or in a workbook, by the heads of its columns."""
    if path.suffix == ".csv":
        return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    rows = list(openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True))
    (start,) = (place for place, row in enumerate(rows) if row[0] == "kpi_id")
    return [
        dict(zip(map(str, rows[start]), map(str, row), strict=True))
        for row in rows[start + 1 :]
        if row[0]
    ]


def month(period: str) -> str:
    """`December 2024` for `2024-25 Q3`."""
    year, number = int(period[:4]), int(period[-1])
    return f"{MONTHS[number]} {year + (number == 4)}"


def numbers(text: str) -> list[Decimal]:
    return [
        Decimal(number.replace(",", "")) for number in re.findall(r"-?\d[\d,]*(?:\.\d+)?", text)
    ]


def test_every_chart_is_read_aloud_with_the_figures_that_were_sent(page: "Page"):
    """For each KPI's chart: its title, and each quarter's figure to the decimals that are read."""
    compared = 0
    names = {row["kpi_name"]: row for row in raw_table("kpis.csv")}
    charts = spoken(page)
    figures, heard = received(), 0
    for title, description in charts:
        if title not in names or not description.startswith("Columns"):
            continue
        kpi_id = names[title]["kpi_id"]
        said = dict(re.findall(r"(\w+ \d{4}) (£?[\d,.]*\d)", description.split(". The target")[0]))
        assert len(said) == 6, description
        for (of, period), sent in figures.items():
            if of != kpi_id or " Q" not in period or month(period) not in said:
                continue
            read = said[month(period)].removeprefix("£").replace(",", "")
            places = Decimal(1).scaleb(-len(read.partition(".")[2]))
            assert Decimal(read) == Decimal(sent).quantize(places, ROUND_HALF_UP), (kpi_id, period)
            compared += 1
        heard += 1
    assert (heard, compared) == (38, 38 * 6)


def test_targets_read_aloud_are_those_of_the_targets_table(page: "Page"):
    """The last target and floor standard that a description names are the ones in force at the KPI's latest quarter."""
    names = {row["kpi_name"]: row for row in raw_table("kpis.csv")}
    for title, description in spoken(page):
        if title not in names or not description.startswith("Columns"):
            continue
        kpi = names[title]
        behind = int(kpi["lag_quarters"] or 0)
        latest = ["2024-25 Q3", "2024-25 Q2"][behind]
        row = [
            row
            for row in raw_table("targets.csv")
            if row["kpi_id"] == kpi["kpi_id"] and row["from_quarter"] <= latest
        ][-1]
        found = re.search(
            r"The target is (.*?)\. The floor standard is (.*?)\. The latest", description
        )
        assert found, description
        for told, column in zip(found.groups(), ("target", "floor_standard"), strict=True):
            last = re.sub(
                r" from \w+ \d{4}$", "", told.removesuffix(" throughout").split(", then ")[-1]
            )
            assert numbers(last)[0] == Decimal(row[column]), (kpi["kpi_id"], told)


def test_every_image_has_a_name_and_says_something_of_its_own(page: "Page"):
    images = spoken(page)
    shown = {row["activity_name"] for row in raw_table("activity.csv")}
    assert len(images) == 38 + 1 + len(shown)
    assert all(name and len(description) > 30 for name, description in images)
    assert len({description for _, description in images}) == len(images)


def test_every_chart_on_the_page_is_in_the_tree(page: "Page"):
    assert (
        len(spoken(page)) == page.locator("svg.kpi-chart").count() == page.locator("figure").count()
    )


def test_headings_are_in_order_and_ids_are_there_once(page: "Page"):
    levels = page.eval_on_selector_all(
        "h1, h2, h3, h4, h5, h6", "all => all.map(h => Number(h.tagName[1]))"
    )
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_every_table_has_a_caption_and_every_head_a_scope(page: "Page"):
    assert page.locator("table").count() == page.locator("table > caption").count() > 38
    assert page.locator("th:not([scope])").count() == 0


# By keyboard

_STATE = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  return e === document.body ? null : {
    tag: e.tagName, text: e.textContent.trim().slice(0, 40), outline: s.outlineStyle, width: parseFloat(s.outlineWidth),
    top: r.top + scrollY, seen: r.bottom > 0 && r.top < innerHeight && r.width > 0, nav: !!e.closest('nav'),
  };
}"""


def test_the_keyboard_walks_through_the_whole_page_in_order_and_out_of_it(
    browser: "Browser", made: Report
):
    page = opened(browser, made.folder / "report.html")
    wanted = page.evaluate(
        """[...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(e => e.checkVisibility(
            {visibilityProperty: true, contentVisibilityAuto: true})).length"""
    )
    stops: list[dict[str, Any]] = []
    for _ in range(wanted + 10):
        page.keyboard.press("Tab")
        state = page.evaluate(_STATE)
        if state is None:
            break
        stops.append(state)
    page.context.close()
    assert len(stops) == wanted > 200  # none is left out, and the last Tab leaves the page: no trap
    assert stops[0]["text"] == "Skip to the report"
    assert all(stop["seen"] for stop in stops), [stop for stop in stops if not stop["seen"]][:3]
    assert all(stop["outline"] == "solid" and stop["width"] >= 3 for stop in stops)
    tops = [stop["top"] for stop in stops if not stop["nav"]][1:]
    backwards = [(a, b) for a, b in zip(tops, tops[1:], strict=False) if b < a - 700]
    assert backwards == []  # within a card the order may go up a column, never up the page


def test_the_skip_link_skips(browser: "Browser", made: Report):
    page = opened(browser, made.folder / "report.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#for-the-minutes-1"
    page.context.close()


def test_details_open_and_close_by_keyboard(browser: "Browser", made: Report):
    page = opened(browser, made.folder / "report.html")
    summary = page.locator("#kpi-cs01 summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("#kpi-cs01 details").first.get_attribute("open") is not None
    assert page.locator("#kpi-cs01 table").first.is_visible()
    page.keyboard.press("Space")
    assert page.locator("#kpi-cs01 details").first.get_attribute("open") is None
    page.context.close()


# Narrow, large, in other colours, without scripts


def _all_open(page: "Page") -> None:
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")


@pytest.mark.parametrize("width", [320, 360, 768, 1024])
def test_nothing_needs_sideways_scrolling(browser: "Browser", made: Report, width: int):
    page = opened(browser, made.folder / "report.html", width)
    _all_open(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_text_of_twice_the_size_loses_nothing(browser: "Browser", made: Report):
    """Text alone doubled: nothing is cut off inside a box that hides what does not fit, nothing runs out of the page."""
    page = opened(browser, made.folder / "report.html", 1280)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    _all_open(page)
    cut = page.evaluate(
        """[...document.querySelectorAll('body *')].filter(e => {
            const s = getComputedStyle(e);
            return !e.closest('svg') && !e.closest('.kpi-hidden') && s.overflowX !== 'visible' && s.overflowX !== 'auto'
                && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
        }).map(e => e.className)"""
    )
    assert cut == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    page.context.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_what_can_be_pressed_is_24_pixels_or_stands_in_a_sentence(
    browser: "Browser", made: Report, width: int
):
    """WCAG 2.5.8: 24 by 24, or so far from its neighbours that circles of 24 do not meet; links in text are excepted."""
    page = opened(browser, made.folder / "report.html", width)
    small = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll('a[href], summary')].filter(e => e.checkVisibility() && !e.matches('.skip'));
          const boxes = all.map(e => e.getBoundingClientRect());
          const middle = r => [(r.left + r.right) / 2, (r.top + r.bottom) / 2];
          return all.filter((e, i) => {
            const r = boxes[i];
            if (r.width >= 24 && r.height >= 24) return false;
            const [x, y] = middle(r);
            return boxes.some((o, j) => {
              if (j === i) return false;
              const nx = Math.max(o.left, Math.min(x, o.right)), ny = Math.max(o.top, Math.min(y, o.bottom));
              return Math.hypot(nx - x, ny - y) < 12;
            });
          }).map(e => e.outerHTML.slice(0, 120));
        }"""
    )
    assert small == []
    page.context.close()


def test_in_forced_colours_ratings_keep_shape_word_and_border(browser: "Browser", made: Report):
    page = opened(browser, made.folder / "report.html", forced_colors="active")
    looks = page.evaluate(
        """[...document.querySelectorAll('.kpi-card .kpi-rag, .kpi-arrow, .kpi-expect')].filter(e => e.checkVisibility()).map(
            e => [getComputedStyle(e).borderTopStyle, e.querySelector('svg').getBoundingClientRect().width > 5,
                  e.textContent.trim().length > 2, getComputedStyle(e.querySelector('svg')).fill === getComputedStyle(e).color
            ].concat(e.closest('table') ? 'table' : ''))"""
    )
    assert len(looks) > 100
    assert all(shape and word and fill for _, shape, word, fill, _ in looks)
    assert all(border != "none" for border, *_, place in looks if not place)
    chart = page.evaluate("getComputedStyle(document.querySelector('.kpi-chart')).backgroundColor")
    assert chart == "rgb(255, 255, 255)"  # the charts keep their own colours on their own white
    page.context.close()


def test_the_summary_fits_one_screen_and_one_printed_page(browser: "Browser", made: Report):
    page = opened(browser, made.folder / "report.html", 1280, 800)
    page.evaluate("document.querySelector('#executive-summary').scrollIntoView()")
    ends = page.evaluate("document.querySelector('.kpi-beside').getBoundingClientRect().bottom")
    assert ends <= 800
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 680, "height": 990})  # A4 within its margins
    height = page.evaluate(
        """document.querySelector('.kpi-beside').getBoundingClientRect().bottom
            - document.querySelector('#executive-summary').getBoundingClientRect().top"""
    )
    assert height < 960
    assert (
        page.evaluate("document.documentElement.scrollWidth") <= 680
    )  # else the browser shrinks everything
    page.context.close()


def test_without_scripts_the_contents_and_every_chart_are_there(browser: "Browser", made: Report):
    page = opened(browser, made.folder / "report.html", java_script_enabled=False)
    links, chapters = page.locator("nav.contents a"), page.locator("main h2").count()
    assert links.count() == links.locator("visible=true").count() == chapters > 10
    assert (
        page.locator("svg.kpi-chart").locator("visible=true").count()
        == page.locator("svg.kpi-chart").count()
    )
    page.context.close()
    narrow = opened(browser, made.folder / "report.html", 360, java_script_enabled=False)
    back = narrow.locator(".back a")
    assert back.count() == back.locator("visible=true").count() == chapters
    narrow.context.close()


def test_the_history_page_is_for_everyone_too(browser: "Browser", history: Path):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(browser, history, 320)
    _all_open(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    images = spoken(page)
    assert len(images) >= 4 and all(name and description for name, description in images)
    page.context.close()


# On paper


def letters(text: str) -> str:
    """Letters and digits alone, joined letters taken apart: what is left where a PDF's spaces are guessed."""
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text)).lower()


def test_the_pdf_is_tagged_bookmarked_numbered_and_no_card_is_split(made: Report):
    pypdf = pytest.importorskip("pypdf")
    read = pypdf.PdfReader(made.folder / "report.pdf")
    root = read.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en-GB"
    assert (read.metadata.author, read.metadata.title) == (
        "Kent County Council",
        "Draft: Quarterly Performance Report, Quarter 3 2024/25",
    )
    texts = [" ".join(leaf.extract_text().split()) for leaf in read.pages]
    assert all(f"{number} / {len(texts)}" in text for number, text in enumerate(texts, 1))
    chapters = [entry.title for entry in read.outline[1] if not isinstance(entry, list)]
    html = (made.folder / "report.html").read_text(encoding="utf-8")
    assert chapters[0].startswith("1 For the minutes") and len(chapters) == html.count("<h2 ")
    assert all(len(text) > 40 for text in texts)  # no page is left empty
    for row in raw_table("kpis.csv"):
        starts = [
            number for number, text in enumerate(texts) if re.search(rf"\b{row['kpi_id']}\b", text)
        ]
        if row["last_quarter"] or row["first_quarter"] > QUARTER:
            continue
        rest = texts[starts[0]].partition(f" {row['kpi_id']} ")[2]
        assert "Outlook" in rest and letters(row["definition"])[:60] in letters(rest), row["kpi_id"]


def test_the_page_is_small(made: Report):
    assert (made.folder / "report.html").stat().st_size < 1_000_000
