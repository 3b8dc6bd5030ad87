"""What all tests share: the same examples every time, and a browser where there is one."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """`program("chromium", …)`: the path of the first of these that is installed.

    Without any the test is skipped, or fails where KPI_REQUIRE_BROWSER is 1, as in .ci/run.
    """

    def find(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        if os.environ.get("KPI_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{names[0]} is not installed, and KPI_REQUIRE_BROWSER asks for it.")
        pytest.skip(f"{names[0]} is not installed")

    return find


@pytest.fixture(scope="module")
def browser(program: Callable[..., str]) -> Iterator["Browser"]:
    """Chromium, started once a module: Playwright's event loop must not stay while other tests run notebooks."""
    path = program("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()
