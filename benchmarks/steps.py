"""Which step of one report takes how long: `python benchmarks/steps.py QUARTER OUTPUTS` prints it as JSON."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

BEGUN = psutil.Process().create_time()
marks: list[tuple[str, float]] = []


def marked(place: Any, name: str, before: str, after: str) -> None:
    """Have the function note when it is called (the end of the step `before`) and left (the end of `after`)."""
    original: Callable[..., Any] = getattr(place, name)

    def noting(*given: Any, **named: Any) -> Any:
        marks.append((before, time.time()))
        result = original(*given, **named)
        marks.append((after, time.time()))
        return result

    setattr(place, name, noting)


def main() -> None:
    from kpi_tools import report
    from kpi_tools.report import runner

    marked(
        report,
        "_report_content",
        "Python, the command",
        "pandas imported; returns read and checked",
    )
    marked(runner, "_execute", "notebook checked", "the last cell; the kernel ended")

    original = runner._execute

    def execute(*given: Any) -> Any:
        import papermill.engines

        manager = papermill.engines.NotebookExecutionManager
        start, complete = manager.cell_start, manager.cell_complete

        def cell_start(self: Any, cell: Any, *more: Any, **named: Any) -> None:
            if cell.cell_type == "code":
                marks.append(
                    ("papermill and kernel" if not cells else "between cells", time.time())
                )
            start(self, cell, *more, **named)

        def cell_complete(self: Any, cell: Any, *more: Any, **named: Any) -> None:
            complete(self, cell, *more, **named)
            if cell.cell_type == "code":
                cells.append(cell)
                marks.append((f"cell: {cell.source.strip().splitlines()[-1][:50]}", time.time()))

        cells: list[Any] = []
        manager.cell_start, manager.cell_complete = cell_start, cell_complete
        return original(*given)

    runner._execute = execute
    report.make_report(sys.argv[1], outputs=Path(sys.argv[2]))
    marks.append(("page, tables, manifest, files", time.time()))
    steps: dict[str, float] = {}
    before = BEGUN
    for name, moment in marks:
        steps[name] = steps.get(name, 0) + moment - before
        before = moment
    whole = before - BEGUN
    small = sum(seconds for seconds in steps.values() if seconds < 0.02 * whole)
    shown = [
        (name, seconds, seconds / whole)
        for name, seconds in steps.items()
        if seconds >= 0.02 * whole
    ]
    print(json.dumps([*shown, ("all other steps, each under 2%", small, small / whole)]))


if __name__ == "__main__":
    main()
