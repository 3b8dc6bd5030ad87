"""The explorer's notebook in JupyterLab: on one screen, on this computer only."""

import json
import os
from pathlib import Path

from kpi_tools.received import latest_quarter
from kpi_tools.report import EXPLORER, OUTPUTS_GIVEN, PROJECT, RAW

_WORKSPACE = "explorer"
_LAB = Path(__file__).parent / "lab"
_QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    # what JupyterLab asks for at every start; its own configuration, which would switch it on, is
    # left aside
    "--ServerApp.jpserver_extensions=jupyter_lsp=True",
)


def jupyter_arguments(raw: Path, outputs: Path) -> tuple[list[str], dict[str, str]]:
    """What JupyterLab is started with, and in which environment, to explore `raw`."""
    root, notebook = PROJECT, EXPLORER
    if raw.resolve() != RAW.resolve():
        notebook = _copy_for(raw, outputs)
        root = notebook.parent
    home = Path(os.environ.get("JUPYTER_CONFIG_DIR") or Path.home() / ".jupyter")
    looks = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or str(home / "lab" / "user-settings")
    _write_workspace(outputs / ".lab", notebook.relative_to(root).as_posix())
    asked = [
        "--ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/workspaces/{_WORKSPACE}",
        f"--LabApp.workspaces_dir={outputs / '.lab'}",
        f"--LabApp.app_settings_dir={_LAB}",
        *_QUIET,
    ]
    settings = {"JUPYTER_NO_CONFIG": "1", "JUPYTERLAB_SETTINGS_DIR": looks}
    return asked, settings | {OUTPUTS_GIVEN: str(outputs.resolve())}


def _write_workspace(folder: Path, notebook: str) -> None:
    """What JupyterLab opens with: the notebook, to its right the output of the screen's cell."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    folder.mkdir(parents=True, exist_ok=True)
    layout = (_LAB / "workspace.json").read_text(encoding="utf-8")
    WorkspacesManager(str(folder)).save(_WORKSPACE, layout.replace("NOTEBOOK", notebook))


def _copy_for(raw: Path, outputs: Path) -> Path:
    """The notebook in `outputs`, of all directorates in `raw` at its latest quarter."""
    from kpi_tools.report.export import relative, with_values

    notebook = json.loads(EXPLORER.read_text(encoding="utf-8"))
    given = {
        "quarter": latest_quarter(raw).label,
        "raw": relative(outputs, raw.resolve()),
        "directorate": "",
    }
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            cell["source"] = with_values("".join(cell["source"]), given)
    outputs.mkdir(parents=True, exist_ok=True)
    copy = outputs / EXPLORER.name
    copy.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
    return copy
