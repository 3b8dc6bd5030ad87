"""The explorer as an analyst meets it: JupyterLab as `kpi explore` starts it, in a real browser, without a network.

The server has its own token, its own folders and a copy of the project's notebooks and data. Screenshots go to the
folder in KPI_SCREENSHOTS, or are thrown away with the test's own.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parent.parent
LONGEST = 120_000
START = """
import sys
from pathlib import Path
from kpi_tools import cli
from kpi_tools.report import explorer
explorer.PROJECT = Path(sys.argv[1])
explorer.EXPLORER = explorer.PROJECT / "notebooks" / "directorate_explorer.ipynb"
sys.exit(cli.main(["explore", "--no-browser", *sys.argv[2:]]))
"""

SCROLL = """(panel, heading) => {
  const title = [...panel.querySelectorAll("h2")].find(each => each.textContent.includes(heading));
  if (title) { title.scrollIntoView(); }
}"""

ALL_DONE = """() => [...document.querySelectorAll(".jp-InputPrompt")].every(each => !each.textContent.includes("*"))"""

pytestmark = pytest.mark.browser


INTO_VIEW = "selector => { const found = document.querySelector(selector); found?.scrollIntoView(); return !!found; }"


@dataclass
class Lab:
    """A page on the explorer, and what the browser noticed of it."""

    page: "Page"
    address: str
    shots: Path
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def shot(self, name: str) -> None:
        self.page.screenshot(path=self.shots / f"explorer-{name}.png")

    def choose(self, label: str, value: str) -> None:
        box = self.page.locator(f".widget-dropdown:has(label:text-is('{label}')) select")
        option = box.locator("option", has_text=value).first
        box.select_option(label=option.text_content())

    def chart(self, name: str) -> None:
        self.page.wait_for_selector(f"[data-view='{name}'] svg", timeout=LONGEST)

    def bring(self, selector: str) -> None:
        """Scroll to an element, which JupyterLab may put in anew at any moment."""
        self.page.wait_for_selector(selector, timeout=LONGEST)
        self.page.wait_for_function(INTO_VIEW, arg=selector, timeout=LONGEST)

    def point_says(self, *texts: str) -> None:
        """Wait until the panel of the chosen point holds these texts."""
        for text in texts:
            self.page.locator(".kpi-point", has_text=text).wait_for(timeout=LONGEST)

    def words_say(self, text: str) -> None:
        """Wait until the sentences below the chart hold this text."""
        self.page.locator("figcaption", has_text=text).wait_for(timeout=LONGEST)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Address and token of a JupyterLab on this computer."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(ROOT / "data" / "raw", home / "data" / "raw")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, address = secrets.token_hex(16), f"http://127.0.0.1:{port}"
    own = {
        f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    own |= {"JUPYTER_TOKEN": token, "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT)}
    own |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [
        sys.executable,
        "-c",
        START,
        str(home),
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with open(home / "log.txt", "wb") as log:
        process = subprocess.Popen(
            command, env=os.environ | own, cwd=home, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait_until_it_answers(f"{address}/api?token={token}", process, home / "log.txt")
        yield address, token
    finally:
        end(process)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.2)
            break
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


def end(process: subprocess.Popen[bytes]) -> None:
    """End the server and the kernels that it started."""
    family = (
        [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
    )
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    for left in [member for member in family if member.is_running()]:
        with suppress(psutil.Error):
            left.kill()
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def context(browser: "Browser") -> Iterator["BrowserContext"]:
    """A visitor with a screen of 1280 by 900 points."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="module")
def opened(
    context: "BrowserContext", server: tuple[str, str], tmp_path_factory
) -> Callable[..., Lab]:
    """`opened(path, selector)`: a page of the server with all cells of its notebook run, until the selector is there."""
    address, token = server
    shots = Path(os.environ.get("KPI_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    shots.mkdir(parents=True, exist_ok=True)
    near = (address, address.replace("http", "ws"), "data:", "blob:")

    def run(path: str, selector: str) -> Lab:
        lab = Lab(context.new_page(), address, shots)
        lab.page.on(
            "request",
            lambda asked: None if asked.url.startswith(near) else lab.strangers.append(asked.url),
        )
        lab.page.on(
            "console",
            lambda said: lab.complaints.append(said.text) if said.type == "error" else None,
        )
        lab.page.on("pageerror", lambda error: lab.complaints.append(str(error)))
        lab.page.goto(f"{address}{path}?token={token}")
        lab.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=LONGEST)
        lab.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=LONGEST)
        with suppress(Exception):  # JupyterLab's own question about news, once a user
            lab.page.locator(".Toastify__toast button", has_text="No").click(timeout=2_000)
        lab.page.locator(".lm-MenuBar-item", has_text="Run").click()
        lab.page.locator("[data-command='runmenu:run-all']").click()
        try:
            lab.page.wait_for_selector(selector, timeout=LONGEST)
        except Exception:
            lab.shot("0-failed")
            outputs = lab.page.locator(".jp-OutputArea-output").all_inner_texts()
            pytest.fail(
                f"There is no {selector}. The cells say: {outputs}; the browser: {lab.complaints}"
            )
        return lab

    return run


@pytest.fixture(scope="module")
def lab(opened: Callable[..., Lab]) -> Lab:
    """The explorer, as `kpi explore` opens it."""
    return opened("/", "[data-view='IC05 trend'] svg")


def test_the_explorer_opens_and_shows_what_matters_most(lab):
    lab.bring("[data-view]")
    lab.page.locator(".kpi-head h3", has_text="foster households").wait_for()
    lab.point_says("Quarter 3 2024/25", "613")
    lab.shot("1-first")


def test_another_section_and_kpi_change_chart_and_words(lab):
    lab.choose("Section", "Education and Skills")
    lab.page.locator(".kpi-head h3", has_not_text="foster households").wait_for()
    lab.choose("KPI", "ES01")
    lab.chart("ES01 trend")
    lab.page.locator(".kpi-head h3", has_text="issued within 20 weeks").wait_for()
    texts = lab.page.locator("[data-view] svg text").all_text_contents()
    assert {"34%", "Dec alone 68%", "Target 60%", "Floor 55%"} <= set(texts)
    lab.words_say("December 2024 alone: 68% (50 of 73)")
    lab.point_says("813 of 2,421")
    lab.shot("2-trend")


def test_a_click_on_a_point_shows_its_numbers_rules_and_commentary(lab):
    lab.page.get_by_role("button", name="Usual range").click()
    lab.chart("ES01 limits")
    lab.words_say("Process limits from 8 to 12 figures")
    lab.point_says("Quarter 3 2024/25")
    lab.page.locator("[data-view] g.mark-symbol").last.locator("path").nth(9).click()
    lab.point_says(
        "Quarter 1 2024/25",
        "Not flagged: 14% lies within",
        "Recent months were better",
        "Management action",
    )
    lab.shot("3-clicked")


def test_the_list_of_points_does_what_a_click_does(lab):
    lab.choose("Point", "Quarter 3 2023/24")
    lab.point_says("Quarter 3 2023/24", "17%")


@pytest.mark.parametrize(
    ("button", "name", "sentence"),
    [
        ("Same quarter", "season", "Quarter 3 over the years: 41%"),
        ("Other areas", "areas", "England, 2023: 50%"),
    ],
)
def test_the_other_views(lab, button, name, sentence):
    lab.page.get_by_role("button", name=button).click()
    lab.chart(f"ES01 {name}")
    lab.words_say(sentence)
    lab.shot(f"4-{name}")


def test_a_kpi_without_benchmarks_says_so(lab):
    lab.choose("KPI", "ES02")
    lab.words_say("There are no figures of other areas for it.")
    lab.page.locator("[data-view]").wait_for(state="hidden")
    lab.page.get_by_role("button", name="Trend").click()
    lab.chart("ES02 trend")


def test_it_ends_with_the_parameters_on_screen(lab):
    lab.page.locator(".jp-WindowedPanel-outer").evaluate(
        "panel => panel.scrollTo(0, panel.scrollHeight)"
    )
    lab.page.locator(".kpi-parameters", has_text='kpi = "ES02"').wait_for()
    lab.shot("5-parameters")


def test_the_tables_at_its_top(lab):
    lab.page.locator(".jp-WindowedPanel-outer").evaluate("panel => panel.scrollTo(0, 0)")
    lab.bring(".kpi-order")
    lab.page.locator(".kpi-order").first.locator("tbody tr").nth(12).wait_for()
    lab.shot("6-table")
    lab.bring(".kpi-grid")
    lab.page.locator(".kpi-grid tbody tr").nth(12).wait_for()
    lab.shot("7-grid")


def test_the_words_to_begin_with_follow_the_kpi(lab):
    lab.choose("KPI", "ES01")
    lab.page.locator(
        ".kpi-begin",
        has_text="At 34% (813 of 2,421) the KPI is Red against a floor standard of 55%.",
    ).wait_for()
    lab.bring(".kpi-begin")
    lab.shot("8-draft")


def test_nothing_was_amiss_and_nothing_left_this_computer(lab):
    assert lab.complaints == []
    assert lab.strangers == []


def test_the_history_shows_one_kpi_in_depth(opened):
    history = opened("/lab/tree/notebooks/kpi_history.ipynb", ".jp-OutputArea-output .kpi-card svg")
    history.page.wait_for_function(ALL_DONE, timeout=LONGEST)
    panel = history.page.locator(".jp-WindowedPanel-outer")
    for name, heading, seen in (
        ("unusual", "Is it unusual?", "usual range of 5.3% to 53.7%"),
        ("takes", "What would it take?", "it needs 77% in each of the next two quarters"),
        ("said", "What was said of it", "At 34% (813 of 2,421) the KPI is Red"),
    ):
        panel.evaluate(SCROLL, heading)
        history.page.get_by_text(seen).locator("visible=true").first.wait_for(timeout=LONGEST)
        history.shot(f"9-history-{name}")
    text = history.page.locator(".jp-Notebook").inner_text()
    assert "Stopped" not in text and "Traceback" not in text
    assert history.complaints == []
    assert history.strangers == []
