"""Commands that start another program: JupyterLab on the explorers, and the tests."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from kpi_tools import report as reports
from kpi_tools.commands.shared import Terminated
from kpi_tools.errors import InputError, KpiError

EXPLORER = "notebooks/directorate_explorer.ipynb"
_QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    # what JupyterLab asks for at every start; its own configuration, which would switch it on, is left aside
    "--ServerApp.jpserver_extensions=jupyter_lsp=True",
)
_HARMLESS = r"--no-browser|--debug|--allow-root|--browser=.+|--(ServerApp\.)?port(_retries)?=\d+"


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> None:
    """Prove that the project works: run its tests. ARGUMENTS are handed to pytest."""
    _run("pytest", *arguments)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def explore(arguments: tuple[str, ...]) -> None:
    """Open the directorate explorer in JupyterLab, on this computer only. Ctrl-C ends it.

    Nothing is asked of the network: JupyterLab's look for news and newer versions is switched off. ARGUMENTS may be
    --no-browser, --browser=NAME, --port=NUMBER, --allow-root and --debug. Configuration files of Jupyter are left aside, so
    that none of them can open it to others.
    """
    if refused := [argument for argument in arguments if not re.fullmatch(_HARMLESS, argument)]:
        raise InputError(
            f"{refused[0]} is not for kpi explore, which is for this computer only, behind its token. It takes --no-browser, "
            "--browser=NAME, --port=NUMBER, --allow-root and --debug. For anything else start jupyter lab yourself."
        )
    here = f"--ServerApp.root_dir={reports.PROJECT}"
    start = f"--LabApp.default_url=/lab/tree/{EXPLORER}"
    home = Path(os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter")
    looks = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or str(home / "lab" / "user-settings")
    own = {"JUPYTER_NO_CONFIG": "1", "JUPYTERLAB_SETTINGS_DIR": looks}
    _run("jupyterlab", "--ip=127.0.0.1", here, start, *_QUIET, *arguments, **own)


def _run(module: str, *arguments: str, **environment: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise KpiError(
            f"This Python ({sys.executable}) has no {module}. Install the requirements again (README.md)."
        )
    command, settings = [sys.executable, "-m", module, *arguments], os.environ | environment
    process = subprocess.Popen(command, cwd=reports.PROJECT, env=settings)
    while True:
        try:
            raise SystemExit(process.wait())
        except Terminated:
            process.terminate()
        except KeyboardInterrupt:
            pass  # it has had it too, and says what it does about it
