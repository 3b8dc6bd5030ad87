"""The whole page: what gets in, what is refused, what a browser and an accessibility checker find."""

import re
from typing import Any

import nbformat
import pandas as pd
import pytest

from kpi_tools.errors import KpiError
from kpi_tools.page.cards import activity_cards, cards
from kpi_tools.page.chapters import at_a_glance, illustrative_banner, reds
from kpi_tools.page.html import Html, markdown, paragraphs, section, style
from kpi_tools.page.summary import key, summary
from kpi_tools.parameters import complete
from kpi_tools.report.export import numbered, page_style, to_html
from kpi_tools.report.export import policy as policy_of
from kpi_tools.scorecard.changes import movement
from kpi_tools.terms import Terms
from tests import kent
from tests.page_samples import activity_points, points, scorecard_of
from tests.workplace import unfit, violations

RED = points(
    "CS02", values=(80, 80, 80, 80, 80, 71), direction_of_travel="negative", lag_quarters=1
)
MISSING = points(
    "CS03",
    values=(82, 84, float("nan"), 88, 86, float("nan")),
    not_rated_reason="not received",
    direction_of_travel="not enough data",
    status=["illustrative", "estimated", "suppressed", "final", "final", "not collected"],
    target_status="illustrative",
)
SERIES = (points("CS01"), RED, MISSING)


def code(*shown: Any, tags: tuple[str, ...] = ()) -> Any:
    outputs = []
    for thing in shown:
        shown = getattr(thing, "_repr_mimebundle_", None)
        data, metadata = shown() if shown else (thing, {})
        outputs.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    return nbformat.v4.new_code_cell(
        "secret_code()", outputs=outputs, metadata={"tags": list(tags)}
    )


def notebook(*cells: Any) -> Any:
    texts = (nbformat.v4.new_markdown_cell(one) if isinstance(one, str) else one for one in cells)
    return nbformat.v4.new_notebook(cells=[*texts])


HEAD = {"title": "Quarterly Performance Report, Quarter 3 2024/25", "author": "Kent County Council"}


def page(*cells: Any) -> str:
    given = HEAD | {"date": "2024-12-31", "provenance": "Made from 3 returns."}
    return to_html(notebook(*cells), **given)


@pytest.fixture(scope="module")
def report():
    kpis, recent, activity = scorecard_of(*SERIES), pd.concat(SERIES), activity_points()
    before, returns = scorecard_of(points("CS01", values=(80,) * 6), *SERIES[1:]), kent.returns()
    moved = movement(kpis, before, before)
    return page(
        "# The notebook's own title",
        code(style()),
        code(illustrative_banner(recent, activity, Terms())),
        code(summary(kpis, before, moved, recent, returns)),
        code(key(returns, kpis)),
        code(at_a_glance(kpis, recent, returns)),
        code(reds(kpis, before, recent, returns)),
        code(section("Customer Services", "Three KPIs.")),
        code(cards(kpis, recent), activity_cards(activity, "Customer Services")),
        "## Method\n\nA *straight* line; see [the key](#how-to-read-this-report).",
    )


def test_it_is_one_document_with_language_title_author_and_date(report):
    assert report.startswith('<!DOCTYPE html>\n<html lang="en-GB">')
    assert report.rstrip().endswith("</html>")
    assert "<title>Quarterly Performance Report, Quarter 3 2024/25</title>" in report
    assert '<meta name="author" content="Kent County Council">' in report
    assert '<meta name="dcterms.date" content="2024-12-31">' in report
    assert "Figures to 31 December 2024" in report
    assert "secret_code" not in report and "The notebook's own title" not in report
    assert report.count("<style>") == 1


def test_there_is_one_first_heading_and_no_level_is_skipped(report):
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", report)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))


def test_the_style_sheet_is_the_one_its_policy_admits(report):
    policy = re.search(r"style-src '(sha256-[^']+)'", report)
    sheet = re.search(r"<style>(.*?)</style>", report, re.S)
    assert policy and sheet
    assert sheet[1] == page_style() and policy[1] in policy_of(sheet[1])
    assert "default-src 'none'" in report


def test_sections_and_paragraphs_are_numbered_and_listed(report):
    contents = re.search(r"<nav.*?</nav>", report, re.S)
    assert contents
    listed = re.findall(r'href="#([^"]+)"><span class="no">(\d+)</span> ([^<]+)', contents[0])
    assert listed == [
        ("for-the-minutes", "1", "Summary"),
        ("how-to-read-this-report", "2", "How to read this report"),
        ("executive-summary", "3", "At a glance"),
        ("kpis-rated-red", "4", "KPIs rated Red"),
        ("customer-services", "5", "Customer Services"),
        ("method", "6", "Method"),
    ]
    numbers = "1.1 1.2 1.3 3.1 4.1 4.2 5.1 5.2 5.3 5.4 6.1"
    assert re.findall(r'id="p([\d.]+)"', report) == numbers.split()
    link = '<a class="kpi-pn" id="p1.3" href="#for-the-minutes-3">1.3 </a>Rated Red:'
    assert f'<p class="kpi-para" id="for-the-minutes-3">{link}' in report


def test_the_anchor_of_a_paragraph_and_of_a_card_stays_when_its_number_does_not():
    def anchors(*pieces: Html | str) -> str:
        body = numbered(str(section("New section", "x") + section("A", *pieces)))["body"]
        found = re.findall(r'href="#([\w-]+)">([\d.]+) </a>', body)
        return " ".join(f"{number} {name}" for name, number in found)

    card = cards(scorecard_of(points()), points())
    assert anchors("one", card, "two") == "1.1 new-section-1 2.1 a-1 2.2 kpi-cs01 2.3 a-2"


def test_the_same_notebook_gives_the_same_bytes_and_is_left_alone():
    given = notebook("## One", code(paragraphs("Text.")))
    for cell in given.cells:
        cell["id"] = "random-" + cell["id"]
    kept = given.copy()
    first = to_html(given, title="T", author="A", date="2024-12-31")
    assert "random-" not in first
    given.cells[0]["id"] = "another"
    assert to_html(given, title="T", author="A", date="2024-12-31") == first
    assert given == kept


@pytest.mark.parametrize("tag", ["internal", "parameters", "injected-parameters"])
def test_cells_for_the_analyst_stay_behind(tag):
    shown = page(
        "## One",
        code({"text/html": "<table></table>", "text/plain": "for the analyst"}, tags=(tag,)),
        code({"text/plain": "for the analyst"}),
    )
    assert "for the analyst" not in shown and "<table" not in shown
    # only the last line of the run comes through
    end = "End of the report for Quarter 3 2024/25."
    assert end in page("## One", code(complete("2024-25 Q3")))


@pytest.mark.parametrize("mime", [
    "text/html",
    "application/vnd.vegalite.v6+json",
    "application/javascript",
    "image/svg+xml",
    "application/vnd.jupyter.widget-view+json",
    "text/markdown",
    "text/latex",
])  # fmt: skip
def test_foreign_outputs_are_refused_by_their_cell(mime):
    with pytest.raises(KpiError, match=f"Cell 2 .*{re.escape(mime)}"):
        page("## One", code({mime: "x", "text/plain": "x"}))


def test_an_error_is_refused_even_in_a_cell_that_stays_behind():
    cell = code(tags=("internal",))
    cell.outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])]
    with pytest.raises(KpiError, match="Cell 1 .*ValueError: no"):
        page(cell)


def test_markdown_has_no_raw_html_and_no_addresses():
    shown = page(
        "## One\n\n<img src=x onerror=alert(1)> [a](https://example.org) [b](javascript:x) "
        '![c](https://example.org/x.png)\n\n<div style="x">'
    )
    assert "&lt;img" in shown
    assert not any(word in shown for word in ("<img", "example.org", "javascript"))
    assert str(markdown("[a](#anchor)")) == "<p>a</p>"


@pytest.mark.parametrize("added", [
    "<script>1</script>",
    '<p onclick="x">x</p>',
    '<p style="color:red">x</p>',
    '<a href="https://example.org">x</a>',
    '<a href="#nowhere">x</a>',
    '<p id="main">x</p>',
    '<svg><path fill="url(https://example.org)"></path></svg>',
    '<meta http-equiv="refresh" content="0">',
    "<style>p{}</style>",
    "<!-- x -->",
    "<div>",
    "1\u202e234",
])  # fmt: skip
def test_anything_else_in_a_page_would_be_seen(added):
    shown = page("## One\n\nText.")
    assert unfit(shown) == []
    assert unfit(shown.replace("</main>", f"{added}</main>"))


# In a browser


@pytest.fixture(scope="module")
def address(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report, encoding="utf-8", newline="\n")
    return path.as_uri()


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(opened, address, width):
    assert violations(opened(address, width, unfold=True)) == []


TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.mark.browser
def test_the_page_never_scrolls_sideways(opened, address):
    for width in (320, 360, 640, 800, 1280):
        assert opened(address, width, unfold=True).evaluate(TOO_WIDE) <= 0, width


@pytest.mark.browser
def test_text_of_twice_the_size_does_not_scroll_sideways(browser, chromium, address):
    twice = ["--no-sandbox", "--blink-settings=defaultFontSize=32"]
    large = browser.browser_type.launch(executable_path=chromium, args=twice)
    shown = large.new_page(viewport={"width": 1280, "height": 800})
    shown.goto(address)
    shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert shown.evaluate(TOO_WIDE) <= 0
    large.close()


@pytest.mark.browser
def test_it_asks_for_nothing_and_works_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False)
    shown, asked, said = context.new_page(), [], []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: said.append(message.text))
    shown.goto(address)
    charts = shown.locator("svg.kpi-chart").all()
    assert asked == [address] and said == []
    assert len(charts) == 10 and all(chart.is_visible() for chart in charts)
    cover = shown.locator(".cover").evaluate("e => getComputedStyle(e).backgroundColor")
    assert cover == "rgb(18, 53, 91)"
    context.close()


@pytest.mark.browser
def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened, address):
    shown = opened(address, 360)
    wanted = shown.evaluate(
        """[...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter(
            e => e.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true})).length"""
    )
    reached = []
    for _ in range(wanted + 5):
        shown.keyboard.press("Tab")
        state = shown.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e);
            return e === document.body ? null : [e.tagName, e.textContent.trim().slice(0, 30), s.outlineStyle]; }""")
        if state is None:
            break
        reached.append(state)
    assert reached[0][1] == "Skip to the report"
    assert len(reached) == wanted
    assert all(outline != "none" for _, _, outline in reached)
    assert ["SUMMARY", "Figures in this picture", "solid"] in reached


@pytest.mark.browser
def test_cards_are_folded_on_a_phone_and_open_on_paper(opened, address):
    shown = opened(address, 390)
    heights = "[...document.querySelectorAll('article.kpi-card .kpi-fold')].map(e => e.getBoundingClientRect().height)"
    assert all(height < 60 for height in shown.evaluate(heights))
    assert all(shown.locator("article .kpi-verdict").nth(place).is_visible() for place in range(3))
    shown.emulate_media(media="print")
    shown.evaluate("new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))")
    assert all(height > 70 for height in shown.evaluate(heights))
    hidden = """[...document.querySelectorAll('nav, .skip, .kpi-fold > summary')].every(
        e => getComputedStyle(e).display === 'none')"""
    assert shown.evaluate(hidden)


@pytest.mark.browser
def test_no_rating_of_a_list_is_out_of_sight_on_a_phone(opened, address):
    shown = opened(address, 320)
    far = """[...document.querySelectorAll('table[role=table] .kpi-rag')].filter(
        e => e.getBoundingClientRect().right > window.innerWidth).length"""
    assert shown.locator("table[role=table] .kpi-rag").count() == 3 and shown.evaluate(far) == 0
