"""What all tests share: the same examples every time, and a browser where there is one."""

import os
import shutil
import signal
from importlib.util import find_spec
from typing import NoReturn

import pandas as pd
import pytest
from hypothesis import settings

LONG = os.environ.get("KPI_LONG") == "1"
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, max_examples=100 if LONG else 15
)
settings.load_profile("repeatable")
if not LONG:  # as a report is made: a fifth of the time of reading small tables
    pd.set_option("mode.string_storage", "python")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless KPI_LONG is 1."""
    if not LONG:
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: KPI_LONG=1 runs it"))


@pytest.fixture
def project(tmp_path):
    """A small council of its own (`workplace.Project`)."""
    from tests.workplace import Project

    return Project(tmp_path)


@pytest.fixture(scope="session")
def worker():
    """A process that makes reports for the tests that do not mind which."""
    from kpi_tools.report.process import Worker

    with Worker() as one:
        yield one


@pytest.fixture(scope="session")
def desk(tmp_path_factory):
    """The returns folder of a quarter, to be read again and again (`small_council.Desk`)."""
    from tests.small_council import Desk

    with Desk(tmp_path_factory.mktemp("desk")) as one:
        yield one


@pytest.fixture
def at_work(worker, monkeypatch):
    """Commands of this process have their reports made by `worker`, not by a new process each."""
    from kpi_tools import report

    inner = report._in_worker

    def in_worker(given, *rest, **more):
        return inner(given or worker, *rest, **more)

    monkeypatch.setattr(report, "_in_worker", in_worker)


@pytest.fixture(scope="session")
def program():
    """`program("chromium", …)`: the path of the first of these that is installed.

    Without any the test is skipped, or fails where KPI_REQUIRE_BROWSER is 1, as in .ci/run.
    """

    def find(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        _do_without(names[0], "KPI_REQUIRE_BROWSER")

    return find


@pytest.fixture(scope="session")
def cluster():
    """`cluster("pyspark", program="java")`: skip where a package of requirements-cluster.lock, or
    what it runs on, is absent.

    The test fails instead where KPI_REQUIRE_CLUSTER is 1, as in .ci/run.
    """

    def need(package: str, program: str = "") -> None:
        if find_spec(package) is None:
            _do_without(package, "KPI_REQUIRE_CLUSTER")
        if program and not shutil.which(program):
            _do_without(program, "KPI_REQUIRE_CLUSTER")

    return need


def _do_without(name: str, demand: str) -> NoReturn:
    if os.environ.get(demand) == "1":
        pytest.fail(f"{name} is not installed, and {demand} asks for it.")
    pytest.skip(f"{name} is not installed")


@pytest.fixture(scope="session")
def chromium(program):
    """The path of Chromium, or of a browser like it."""
    return program("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


@pytest.fixture(scope="module")
def browser(chromium):
    """Chromium, started once a module: Playwright's event loop must not stay while other tests run notebooks."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser):
    """`opened(address, 390)`: a page of the browser, so wide, and perhaps with all that is folded
    open; `opened.asked` is what was asked for.
    """
    context = browser.new_context()

    def open_page(address, width=1280, height=900, *, unfold=False):
        page = context.new_page()
        page.on("request", lambda request: open_page.asked.append(request.url))
        page.set_viewport_size({"width": width, "height": height})
        page.goto(address)
        if unfold:
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return page

    open_page.asked = []
    yield open_page
    context.close()
