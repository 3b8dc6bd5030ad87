"""The `kpi` command with light stand-ins for loading, page and tables: a test of the runner costs a kernel, no more.

As a script: `standin.py NOTEBOOK report QUARTER …` is the command with another notebook, and
`standin.py NOTEBOOK --kill-at-each-step QUARTER PROJECT` makes the report again and again without a kernel, killed one
step later each time, and prints what was found under the final name, as JSON. Settings of the first form:
KPI_WITHOUT_KERNEL, and KPI_LARGEST_FILE in bytes, beyond which writing fails as on a full disk.
"""

import hashlib
import json
import os
import shutil
import signal
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from kpi_tools import cli, making, report
from kpi_tools.quarters import Quarter
from kpi_tools.running import folders

CELL_TIMEOUT = 20


def modules() -> dict[str, ModuleType]:
    """The stand-ins by the names of the modules for which they stand."""
    council = SimpleNamespace(report_title="Performance report", name="The council")

    def to_html(notebook: Any, **_: Any) -> str:
        outputs = [
            output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
        ]
        shown = [
            str(output.get("text") or output.get("data", {}).get("text/html")) for output in outputs
        ]
        return "<!doctype html><html>" + "\n".join(shown) + "</html>\n"

    def write(table: object, path: Path) -> None:
        path.write_text(str(table), encoding="utf-8")

    parts: dict[str, dict[str, Any]] = {
        "loading": {
            "latest_quarter": lambda raw: Quarter(2024, 3),
            "known": lambda raw, returns: nullcontext(),
        },
        "files.rejects": {
            "load_keeping_rejected": lambda raw, quarter, **_: SimpleNamespace(
                council=council, summary="rows"
            )
        },
        "running.export": {"to_html": to_html},
        "release.edition": {
            "DRAFT": "draft",
            "as_text": lambda given: "",
            "check_page": lambda *_: None,
            "hold_back": lambda *_: None,
            "kinds": lambda found: {},
            "kinds_shown": lambda notebook: None,
            "parse_overrides": lambda text: text,
        },
        "release.how_made": {"record": lambda *_, **__: {"rows": "rows"}},
        "scorecard": {"report_tables": lambda returns: {"KPIs": "1"}},
        "files.spreadsheets": {"write_csv": write, "write_workbook": write},
    }
    made = {}
    for name, contents in parts.items():
        made[f"kpi_tools.{name}"] = module = ModuleType(f"kpi_tools.{name}")
        module.__dict__.update(contents)
    return made


def executed(path: Path, parameters: dict[str, str], mark: str, **_: Any) -> Any:
    """What `run_notebook` would give for a notebook of which only the last cell shows something."""
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    shown = {"text/html": f"<p>{mark}</p>", "text/plain": mark}
    notebook.cells[-1].outputs = [nbformat.v4.new_output("display_data", data=shown)]
    return notebook


def state(folder: Path) -> str:
    """One name for everything in a folder; `absent` where there is none."""
    if not folder.exists():
        return "absent"
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(
                path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
            )
    return whole.hexdigest()


def kill_at_each_step(notebook: Path, quarter: str, project: Path) -> dict[str, Any]:
    """A step is what Python reports to its audit hooks about the outputs: opened, made, renamed, removed, called."""
    outputs, raw = project / "outputs", project / "data" / "raw"
    final = outputs / Quarter.parse(quarter).slug
    kept = project / "kept"
    shutil.copytree(final, kept)
    executed(notebook, {}, "")  # what it imports is not imported again in each child
    found: list[dict[str, str]] = []
    while not found or found[-1]["ended"] == "killed":
        shutil.rmtree(final, ignore_errors=True)
        shutil.copytree(kept, final)
        child = os.fork()
        if child == 0:
            _die_at(len(found) + 1)
            report.report_quarter(quarter, raw, outputs, notebook)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        seen = state(final)
        with folders.work_folder(outputs, final.name):
            pass  # what the next run does first
        ended = "killed" if os.WIFSIGNALED(status) else str(os.WEXITSTATUS(status))
        left = [path.name for path in (outputs / folders.WORK).iterdir() if path.is_dir()]
        found.append(
            {"ended": ended, "seen": seen, "restored": state(final), "left": " ".join(left)}
        )
    return {"old": state(kept), "new": found[-1]["seen"], "found": found}


def _die_at(step: int) -> None:
    left, looking = step, False

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left, looking
        if looking:  # what this function does is an event as well
            return
        looking = True
        paths = [
            os.fsdecode(argument)
            for argument in arguments
            if isinstance(argument, str | bytes | os.PathLike)
        ]
        left -= event == "ctypes.dlsym" or any(f"{os.sep}outputs" in path for path in paths)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        looking = False

    sys.addaudithook(count)


def main() -> int:
    sys.modules.update(modules())
    notebook = Path(sys.argv[1])
    if sys.argv[2] == "--kill-at-each-step":
        making.run_notebook = executed
        if "--two-steps" in sys.argv:
            folders._exchange = lambda one, other: False
        print(json.dumps(kill_at_each_step(notebook, sys.argv[3], Path(sys.argv[4]))))
        return 0
    if largest := os.environ.get("KPI_LARGEST_FILE"):
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    if "KPI_WITHOUT_KERNEL" in os.environ:
        making.run_notebook = executed
    report.report_quarter = partial(report.report_quarter, notebook=notebook, timeout=CELL_TIMEOUT)
    return cli.main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
