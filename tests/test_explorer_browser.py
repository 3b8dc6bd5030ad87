"""The explorer as an analyst meets it: JupyterLab as `kpi explore` starts it, in a real browser, without a network.

The server has its own token, its own folders and a copy of the project's notebooks and data. Screenshots go to the
folder in KPI_SCREENSHOTS, or are thrown away with the test's own.
"""

import csv
import io
import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.workplace import make_history, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

ROOT = Path(__file__).parent.parent
LONGEST = 120_000
START = """
import sys
from pathlib import Path
from kpi_tools import cli, report
from kpi_tools.report import explorer
explorer.PROJECT = Path(sys.argv[1])
explorer.EXPLORER = explorer.PROJECT / "notebooks" / "directorate_explorer.ipynb"
report.OUTPUTS = explorer.PROJECT / "outputs"
sys.exit(cli.main(["explore", "--no-browser", *sys.argv[2:]]))
"""
IDLE = "Python 3 (ipykernel) | Idle"
DOCKED = ".jp-LinkedOutputView .kx"

pytestmark = pytest.mark.browser


@dataclass
class Screen:
    """The explorer on a page, and what the browser noticed of it."""

    page: "Page"
    within: str = ".kx"
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)

    def find(self, selector: str) -> "Locator":
        return self.page.locator(self.within).first.locator(selector)

    def row(self, kpi_id: str) -> "Locator":
        return self.find(f"tr[data-kpi='{kpi_id}']")

    def shows(self, view: str) -> None:
        """Wait until the chart is that of `ES01 trend`."""
        self.find(f".kx-chart[data-view='{view}'] svg").first.wait_for(timeout=LONGEST)

    def says(self, part: str, *texts: str) -> None:
        """Wait until a part of the screen holds these texts."""
        for text in texts:
            self.find(f".kx-{part}").filter(has_text=text).first.wait_for(timeout=LONGEST)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def shot(self, name: str) -> None:
        if folder := os.environ.get("KPI_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"explorer-{name}.png")

    def taken(self, name: str) -> Any:
        with self.page.expect_download() as given:
            self.find(".kx-take").get_by_role("button", name=name, exact=True).click()
        content = Path(given.value.path()).read_bytes()
        return content if name == "PNG" else content.decode("utf-8-sig")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(ROOT / "data" / "raw", folder / "data" / "raw")
    return folder


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a JupyterLab on this computer, with its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {
        f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    own |= {"JUPYTER_TOKEN": token, "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT)}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings")}
    command = [sys.executable, "-c", START, str(home)]
    command += [f"--port={port}"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with open(home / "log.txt", "wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | own, cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_it_answers(
            f"http://127.0.0.1:{port}/api?token={token}", process, home / "log.txt"
        )
        yield f"http://127.0.0.1:{port}/?token={token}"
    finally:
        end(process)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End the server and the kernels that it started."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        for left in (one for one in family if one.is_running()):
            with suppress(psutil.Error):
                left.kill()
    process.kill()
    process.wait()


def opened(browser: "Browser", address: str, **looks: object) -> Screen:
    """A page of the server on the explorer's workspace, its kernel ready."""
    size = {"width": 1280, "height": 800}
    context = browser.new_context(viewport=size, accept_downloads=True, **looks)
    screen = Screen(context.new_page(), DOCKED)
    origin = address.partition("?")[0]
    watch(screen, origin, origin.replace("http", "ws"), "data:", "blob:")
    screen.page.goto(address)
    screen.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=LONGEST)
    screen.page.get_by_text(IDLE).wait_for(timeout=LONGEST)
    return screen


def watch(screen: Screen, *near: str) -> None:
    """Note every error on the page, and every request that goes further than `near`."""

    def asked(request: "Request") -> None:
        if not request.url.startswith(near):
            screen.strangers.append(request.url)

    def said(message: "ConsoleMessage") -> None:
        if message.type == "error":
            screen.complaints.append(message.text)

    def sent(payload: str | bytes) -> None:
        if isinstance(payload, bytes) and b'"ask":"view"' in payload:
            screen.asked.append(payload)

    screen.page.on("websocket", lambda socket: socket.on("framesent", sent))
    screen.page.on("request", asked)
    screen.page.on("console", said)
    screen.page.on("pageerror", lambda error: screen.complaints.append(str(error)))


def run_all(screen: Screen) -> None:
    screen.page.locator(".lm-MenuBar-item", has_text="Run").click()
    screen.page.locator("[data-command='runmenu:run-all']").click()
    try:
        screen.find(".kx-chart[data-view] svg").first.wait_for(timeout=LONGEST)
    except Exception:
        said = [
            text[:500] for text in screen.page.locator(".jp-OutputArea-output").all_inner_texts()
        ]
        pytest.fail(
            f"There is no explorer. The cells say: {said}; the browser: {screen.complaints}"
        )


@pytest.fixture(scope="module")
def lab(browser: "Browser", home: Path) -> Iterator[Screen]:
    """The explorer as `kpi explore` opens it, run."""
    with served(home) as address:
        screen = opened(browser, address)
        run_all(screen)
        yield screen
        screen.page.context.close()


def test_it_opens_beside_the_notebook_with_what_matters_most(lab):
    lab.shows("IC05 trend")
    assert lab.row("IC05").get_attribute("aria-selected") == "true"
    assert lab.find("tbody tr").count() == 13
    lab.says("fact", "Quarter 3 2024/25 613; target 700, floor standard 650", "Red")
    assert lab.page.locator(".Toastify__toast").count() == 0, "no question about news"
    lab.shot("1-first")


def test_a_row_brings_its_chart_its_words_and_its_facts(lab):
    lab.row("ES01").click()
    lab.shows("ES01 trend")
    texts = lab.find(".kx-chart svg text").all_text_contents()
    assert {"34%", "Dec alone 68%", "Target 60%", "Floor 55%"} <= set(texts)
    lab.says("lead", "Red in all 12 quarters")
    lab.says("why", "it needs 77% in each of the next two quarters to reach the floor standard")
    lab.says("fact", "34% (813 of 2,421)")
    lab.shot("2-trend")


def test_a_point_shows_its_numbers_its_reason_and_what_was_said(lab):
    lab.find(".kx-views, .kx-seg").get_by_role("button", name="Usual range").click()
    lab.shows("ES01 limits")
    ring = lab.find(".kx-ring").get_attribute("cx")
    box = lab.find(".kx-chart svg").bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] * 0.69, box["y"] + box["height"] * 0.6)
    lab.says("tip", "Quarter 1 2024/25", "14%")
    lab.page.mouse.down()
    lab.page.mouse.up()
    lab.says("fact", "Quarter 1 2024/25 14%")
    lab.says(
        "why", "Not flagged: 14% lies within", "Management action, report of Quarter 1 2024/25"
    )
    assert lab.find(".kx-ring").get_attribute("cx") != ring
    lab.shot("3-clicked")


def test_the_keys_reach_the_list_and_no_cell_of_the_notebook(lab):
    cells = lab.page.locator(".jp-Notebook .jp-Cell").count()
    lab.row("ES01").focus()
    lab.press("ArrowDown")
    lab.shows("IC04 limits")
    lab.press("a", "b", "d", "d", "m", "End", "1")
    lab.shows("IC08 trend")
    lab.press("Home", "ArrowDown", "ArrowDown", "ArrowLeft")
    lab.shows("ES01 trend")
    lab.says("fact", "Quarter 2 2024/25")
    assert lab.row("ES01").evaluate("made => made === document.activeElement")
    lab.press("/")
    assert lab.find("input[type=search]").evaluate("made => made === document.activeElement")
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == cells


def test_of_choices_that_follow_each_other_only_the_last_is_asked_for_and_once(lab):
    lab.row("IC05").click()
    lab.shows("IC05 trend")
    lab.asked.clear()
    held = "row => { for (let n = 0; n < 7; n++) { document.activeElement.dispatchEvent("
    held += "new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true })); } }"
    lab.row("IC05").evaluate(held)
    lab.shows("IC02 trend")
    assert len(lab.asked) == 1 and b"IC02" in lab.asked[0]


def test_search_finds_by_words_and_names_the_nearest(lab):
    search = lab.find("input[type=search]")
    search.fill("care leavers")
    lab.says("shown", "1 of 13 shown")
    search.press("Enter")
    lab.shows("IC06 trend")
    search.fill("fostr")
    lab.says("none", "No KPI here has “fostr”. The nearest: ")
    lab.find(".kx-none").get_by_role("button", name="IC05 Foster households").click()
    lab.shows("IC05 trend")
    assert lab.find("tbody tr:visible").count() == 13


def test_toggles_are_or_within_a_group_and_and_between(lab):
    def toggle(name: str) -> "Locator":
        return lab.find(".kx-tools").get_by_role("button", name=name)

    toggle("Amber 4").click()
    toggle("Green 5").click()
    lab.says("shown", "9 of 13 shown")
    toggle("Unusual 4").click()
    lab.says("shown", "4 of 13 shown")
    assert toggle("Unusual 4").get_attribute("aria-pressed") == "true"
    assert toggle("Doubt 0").is_disabled()
    lab.find(".kx-shown").get_by_role("button", name="Clear").click()
    lab.says("shown", "13 KPIs")


def test_several_stand_on_one_scale_of_time(lab):
    lab.row("IC05").click()
    lab.row("IC06").locator("input").click()
    lab.row("ES01").click(modifiers=["Control"])
    lab.shows("IC05 IC06 ES01")
    assert lab.find(".kx-several svg").count() == 3
    lab.shot("4-several")
    first, second = (rows(lab.taken("CSV")) for _ in range(2))
    assert first == second and {row["kpi_id"] for row in first} == {"IC05", "IC06", "ES01"}
    lab.find(".kx-seg").get_by_role("button", name="Usual range").click()
    lab.shows("IC05 IC06 ES01 limits")
    assert lab.find(".kx-several svg").count() == 3
    assert {row["kpi_id"] for row in rows(lab.taken("CSV")) if row["upper_limit"]} >= {"ES01"}
    assert "Usual range. Children" in lab.taken("SVG")
    lab.find(".kx-seg").get_by_role("button", name="Other areas").click()
    lab.shows("IC05 IC06 ES01 areas")
    lab.says("several", "There are no figures of other areas for this KPI.")
    lab.shot("4-several-areas")
    lab.find(".kx-seg").get_by_role("button", name="Trend").click()
    lab.shows("IC05 IC06 ES01")
    lab.find(".kx-head").get_by_role("button", name="Back to IC05 alone").click()
    lab.shows("IC05 trend")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_picture_and_figures_are_those_on_screen(lab):
    lab.row("ES01").click()
    lab.shows("ES01 trend")
    seen = lab.find(".kx-chart svg text").all_text_contents()
    svg = lab.taken("SVG")
    assert svg.startswith("<svg") and not [text for text in seen if f">{text}</text>" not in svg]
    for text in ("Percentage of Education", "Source: KCC Quarterly", "As at Quarter 3 2024/25"):
        assert text in svg
    table = rows(lab.taken("CSV"))
    assert [row["value"] for row in table][-3:] == ["14", "26", "34"]
    assert table[-1] | {"numerator": "813", "denominator": "2421", "rating": "Red"} == table[-1]
    assert lab.taken("PNG").startswith(b"\x89PNG")
    lab.shot("5-taken")


def test_a_view_without_figures_says_so_and_leads_back(lab):
    lab.row("IC05").click()
    lab.find(".kx-seg").get_by_role("button", name="Other areas").click()
    lab.says("chart", "There are no figures of other areas for this KPI.")
    assert lab.find(".kx-take").get_by_role("button", name="SVG").is_disabled()
    lab.find(".kx-chart").get_by_role("button", name="Show the trend").click()
    lab.shows("IC05 trend")


def test_what_if_answers_beside_what_is_so_and_goes_back(lab):
    lab.row("ES01").click()
    lab.find("[data-tab=what]").click()
    lab.says("said", "So it is: 34%, Red.")
    lab.find("input[type=number][data-name=target]").fill("70")
    lab.press("Enter")
    lab.shows("ES01 what if")
    lab.says(
        "said", "Against a target of 70% and floor standard of 55% the latest 34% is Red, as it is"
    )
    texts = lab.find(".kx-chart svg text").all_text_contents()
    assert {"What if 70%", "Target 60%", "34%"} <= set(texts)
    assert "What if: not a fact." in lab.taken("SVG")
    lab.find("input[type=range][data-name=alone]").fill("90")
    lab.says("said", "At 90% in Quarter 4 2024/25 alone the rolling figure comes to 48%")
    lab.shot("6-what-if")
    lab.find(".kx-what").get_by_role("button", name="Back to what is so").click()
    lab.shows("ES01 trend")
    lab.says("said", "So it is: 34%, Red.")


def test_words_are_written_checked_kept_from_harm_and_undone(lab, home):
    """Save, somebody else's change, save over it, undo: the council's own file, in its own form."""
    path = home / "data" / "raw" / "commentary" / "2024-25-Q3.csv"
    before = path.read_bytes()
    lab.row("IC06").click()
    lab.find("[data-tab=write]").click()
    text = lab.find(".kx-write textarea").first
    text.wait_for(timeout=LONGEST)
    text.fill("At {value} it is {rating}; the target of 70% was missed.")
    lab.says("reads", "Reads: At 53.6% it is Red; the target of 70% was missed.")
    lab.press("Control+s")
    lab.says("write", "Saved in commentary/2024-25-Q3.csv", "one finding")
    lab.says("found", "target of 70")
    lab.shot("7-write")
    saved = path.read_bytes()
    changed = [line for line in saved.splitlines() if line not in before.splitlines()]
    assert len(changed) == 1 and changed[0].startswith(b"IC06,,At {value} it is {rating}")
    path.write_bytes(saved.replace(b"it is {rating};", b"theirs;"))
    text = lab.find(".kx-write textarea").first
    text.fill("Mine.")
    lab.find(".kx-write").get_by_role("button", name="Save", exact=True).click()
    lab.says("write", "Nothing was lost")
    lab.find(".kx-write").get_by_role("button", name="see theirs").click()
    lab.says("reads", "Theirs: At {value} theirs;")
    lab.find(".kx-write").get_by_role("button", name="save mine over it").click()
    lab.says("found", "Passes the check.")
    assert b"IC06,,Mine.," in path.read_bytes()
    lab.find(".kx-write").get_by_role("button", name="Undo last save").click()
    lab.says("write", "The last save is undone")
    assert path.read_bytes() == saved.replace(b"it is {rating};", b"theirs;")
    lab.find("[data-tab=why]").click()


def test_another_kind_of_control_chart_is_shown_and_said(lab):
    lab.row("IC05").click()
    lab.find(".kx-views, .kx-seg").get_by_role("button", name="Usual range").click()
    lab.shows("IC05 limits")
    lab.find(".kx-key").get_by_label("Control chart").select_option(label="run chart")
    lab.says("why", "A run chart, as it was chosen.", "its run below the median is 3 long")
    lab.find(".kx-key").get_by_label("Control chart").select_option(label="XmR chart")
    lab.says("why", "613 lies within the usual range of 612.1 to 663.6")
    lab.find(".kx-views, .kx-seg").get_by_role("button", name="Trend").click()
    lab.shows("IC05 trend")


def test_another_directorate_opens_in_the_same_place(lab):
    lab.find("select").first.select_option("Public Health")
    lab.row("PH02").wait_for(timeout=LONGEST)
    assert lab.row("IC05").count() == 0
    assert lab.find(".kx-notice").first.is_hidden(), "that its KPIs are others goes without saying"
    lab.says("asat", "As at Quarter 3 2024/25")
    lab.find("select").first.select_option("Children, Young People and Education")
    lab.row("IC05").wait_for(timeout=LONGEST)


def test_it_is_dark_where_jupyterlab_is_and_can_be_read(lab):
    def theme(name: str) -> None:
        lab.page.locator(".lm-MenuBar-item", has_text="Settings").click()
        lab.page.locator(".lm-Menu-item", has_text="Theme").first.hover()
        lab.page.locator(".lm-Menu-item", has_text=name).first.click()

    theme("JupyterLab Dark")
    lab.page.locator(f"{DOCKED}.kx-dark").wait_for(timeout=LONGEST)
    lab.row("ES01").click()
    lab.find("[data-tab=what]").click()
    lab.says("said", "So it is")
    lab.shot("9-dark")
    assert violations(lab.page, DOCKED, {"type": "rule", "values": ["color-contrast"]}) == []
    theme("JupyterLab Light")
    lab.page.locator(f"{DOCKED}:not(.kx-dark)").wait_for(timeout=LONGEST)
    lab.find("[data-tab=why]").click()


def test_nothing_was_amiss_and_nothing_left_this_computer(lab):
    assert lab.complaints == []
    assert lab.strangers == []


@pytest.mark.slow
def test_reopened_without_its_kernel_it_shows_the_last_picture_and_says_how_to_go_on(
    lab, home, browser
):
    lab.row("ES01").click()
    lab.shows("ES01 trend")
    lab.page.locator(".lm-MenuBar-item", has_text="File").click()
    lab.page.locator("[data-command='docmanager:save']").first.click()
    lab.page.wait_for_function(
        "() => !document.querySelector('.jp-mod-current .jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty')"
    )
    with served(home) as address:
        again = opened(
            browser, address.replace("/?", "/lab/tree/notebooks/directorate_explorer.ipynb?")
        )
        again.within = ".jp-Notebook .kx"
        again.shows("ES01 trend")
        assert again.find("tbody tr").count() == 13
        again.says(
            "notice", "The last picture is shown. Not connected. Run > Run All Cells to go on."
        )
        again.row("IC04").click()
        again.says("lead", "73.2% in Quarter 3 2024/25")
        again.says("chart", "Not connected. Run > Run All Cells to go on.")
        again.find("[data-tab=write]").click()
        again.says("write", "Run > Run All Cells to go on.")
        again.shot("10-reopened")
        again.page.context.close()
        docked = opened(browser, address)
        view = docked.page.locator(".jp-LinkedOutputView")
        view.get_by_text("Run > Run All Cells to go on.").first.wait_for(timeout=LONGEST)
        assert not view.get_by_text("Loading widget").is_visible()
        docked.shot("11-docked")
        run_all(docked)
        assert not view.get_by_text("Run > Run All Cells to go on.").first.is_visible()
        docked.page.context.close()


@pytest.mark.slow
def test_what_papermill_makes_shows_its_picture_untrusted(home, browser):
    folder = home / "notebooks"
    command = [sys.executable, "-m", "papermill", str(folder / "directorate_explorer.ipynb")]
    command += [str(folder / "out.ipynb"), "-p", "directorate", "Public Health"]
    own = {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(home / "ipython")}
    subprocess.run(command, check=True, cwd=folder, env=os.environ | own, capture_output=True)
    with served(home) as address:
        seen = opened(browser, address.replace("/?", "/lab/tree/notebooks/out.ipynb?"))
        notebook = seen.page.locator(".jp-NotebookPanel:visible")
        picture = notebook.locator(".kx-last img, .jp-OutputArea img").first
        picture.wait_for(timeout=LONGEST)
        assert picture.evaluate("image => image.naturalWidth"), "a broken picture has no width"
        assert picture.bounding_box()["width"] > 400
        assert notebook.locator(".kx").count() == 0, "it is not trusted"
        assert notebook.get_by_text("Run > Run All Cells to go on.").first.is_visible()
        assert notebook.locator(".jp-OutputArea p", has_text="(PH").first.is_visible()
        seen.shot("12-papermill")
        seen.page.context.close()


@pytest.fixture(scope="module")
def page(browser: "Browser", tmp_path_factory) -> Iterator[Screen]:
    """The offline page of a directorate, from a file, with the network off."""
    from kpi_tools.cli import main

    folder = tmp_path_factory.mktemp("page")
    arguments = ["explore", "--page", "children, young people and education", "2024-25 Q3"]
    assert main([*arguments, "--outputs", str(folder)]) == 0
    made = folder / "explorer" / "2024-25-Q3-children-young-people-and-education"
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_offline(True)
    screen = Screen(context.new_page())
    watch(screen, (made / "explorer.html").as_uri())
    screen.page.goto((made / "explorer.html").as_uri())
    yield screen
    context.close()


def go(page: Screen, fragment: str) -> None:
    page.page.evaluate("text => { location.hash = text; }", fragment)


def test_the_page_answers_without_python_and_without_a_network(page):
    page.shows("IC05 trend")
    page.says("lead", "Red for four quarters running", "lies within its usual variation")
    page.row("ES01").click()
    page.shows("ES01 trend")
    page.says("why", "it needs 77% in each of the next two quarters to reach the floor standard")
    page.find(".kx-seg").get_by_role("button", name="Other areas").click()
    page.shows("ES01 areas")
    page.says("why", "Ours is 33 points below England in 2023.")
    page.find("[data-tab=write]").click()
    page.says("write", "The figure covers 12 months (813 of 2,421 plans)", "Hold the monthly rate")
    assert page.find(".kx-write textarea, [data-tab=what]").count() == 0


def test_its_address_names_kpi_view_and_point(page):
    assert page.page.evaluate("location.hash").startswith("#kpi=ES01&view=areas")
    go(page, "kpi=ic06&view=limits&point=2024-25 Q1")
    page.shows("IC06 limits")
    page.says("fact", "Quarter 1 2024/25 56.1%")
    go(page, "kpi=XX99")
    page.says("notice", "There is no KPI XX99 here. Shown: IC05, which matters most.")
    page.row("IC05").focus()
    page.press("ArrowDown", "2", "Space")
    page.row("ES01").click(modifiers=["Control"])
    page.shows("IC06 ES01 limits")
    page.press("1")
    page.shows("IC06 ES01")


def test_its_pictures_and_figures_can_be_taken_away(page):
    go(page, "kpi=ES01&view=trend")
    page.shows("ES01 trend")
    assert ">34%</text>" in page.taken("SVG")
    assert rows(page.taken("CSV"))[-1]["numerator"] == "813"
    assert len(page.taken("PNG")) > 20_000


@pytest.mark.parametrize("look", ["light", "dark", "narrow", "several", "zoomed"])
def test_nobody_is_shut_out_of_the_page(page, look):
    """axe finds nothing, and nothing is wider than its place; 640 wide is 1280 at 200%."""
    size = {"narrow": (390, 844), "zoomed": (640, 400)}.get(look, (1280, 800))
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    page.page.emulate_media(color_scheme="dark" if look == "dark" else "light")
    go(page, "kpi=IC02&view=limits" + "&compare=IC05,IC06" * (look == "several"))
    page.find(".kx-chart[data-view] svg").first.wait_for()
    page.shot(f"8-page-{look}")
    assert violations(page.page) == []
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.page.evaluate(wide) <= 0
    page.page.set_viewport_size({"width": 1280, "height": 800})


def test_it_reads_with_script_off(page, browser):
    context = browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(page.page.url)
    text = bare.locator("body").inner_text()
    assert "What matters most first" in text and "34% in Quarter 3 2024/25" in text
    assert (
        bare.locator("article svg").count() >= 13 and bare.locator("article details").count() >= 26
    )
    context.close()


def test_the_page_asked_for_nothing(page):
    assert page.complaints == []
    assert page.strangers == []


@pytest.mark.slow
def test_a_history_gives_its_pictures_and_figures_without_script(browser, tmp_path):
    made = make_history("ES01", "2024-25 Q3", ROOT / "data" / "raw", tmp_path).folder
    context = browser.new_context(accept_downloads=True)
    context.set_offline(True)
    screen = Screen(context.new_page())
    watch(screen, "file:")
    screen.page.goto((made / "history.html").as_uri())
    taken = {}
    for view in ("trend", "limits", "season", "areas"):
        for kind in ("svg", "csv"):
            link = screen.page.locator(f"a[download='ES01-{view}-2024-25-Q3.{kind}']")
            link.evaluate("made => { made.closest('details').open = true; }")
            with screen.page.expect_download() as given:
                link.click()
            taken[view, kind] = Path(given.value.path()).read_text(encoding="utf-8-sig")
    assert ">34%</text>" in taken["trend", "svg"] and "As at Quarter 3" in taken["trend", "svg"]
    assert rows(taken["trend", "csv"])[-1]["numerator"] == "813"
    assert screen.complaints == [] and screen.strangers == []
    context.close()
