"""A copy of the explorer's notebook for a council whose folder is not the project's own."""

import json
from pathlib import Path

from kpi_tools.report.export import relative, with_values
from kpi_tools.report.job import PROJECT
from kpi_tools.report.many import orders_of


def explorer_of(raw: Path, outputs: Path) -> Path:
    """The notebook `outputs/directorate_explorer.ipynb`, of all directorates in `raw` at its latest quarter."""
    source = PROJECT / "notebooks" / "directorate_explorer.ipynb"
    notebook = json.loads(source.read_text(encoding="utf-8"))
    raw, latest = raw.resolve(), orders_of(raw, outputs, [], {})[0].quarter
    given = {"quarter": latest.label, "raw": relative(outputs, raw), "directorate": ""}
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", ()):
            cell["source"] = with_values("".join(cell["source"]), given)
    outputs.mkdir(parents=True, exist_ok=True)
    copy = outputs / source.name
    copy.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
    return copy
