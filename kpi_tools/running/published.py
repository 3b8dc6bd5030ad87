"""The executed notebook as it may be given away: the same each time, and nothing of the machine that ran it."""

import ast
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode


def published(executed: "NotebookNode", parameters: Mapping[str, str]) -> "NotebookNode":
    """The executed notebook as it may be given away, the same each time.

    Its parameters cell says `parameters`, the injected cell is gone; so are times, random names and everything that
    the kernel wrote to its error stream.
    """
    import nbformat

    cells: list[NotebookNode] = []
    for cell in executed.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            continue
        fixed = {"id": f"cell-{len(cells) + 1}", "metadata": {"tags": tags} if tags else {}}
        cell = nbformat.from_dict(dict(cell) | fixed)
        if cell.cell_type == "code":
            cell.execution_count = 1 + sum(other.cell_type == "code" for other in cells)
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count
        if "parameters" in tags:
            cell.source = _with_values(cell.source, parameters)
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(
        cells=cells,
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
        nbformat_minor=5,
    )


def _with_values(source: str, parameters: Mapping[str, str]) -> str:
    lines = source.encode().splitlines(keepends=True)  # the positions in a syntax tree count bytes
    for node in reversed(ast.parse(source).body):
        assert isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if node.targets[0].id not in parameters:
            continue
        value, first, last = node.value, node.value.lineno - 1, (node.value.end_lineno or 1) - 1
        before, after = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
        text = json.dumps(parameters[node.targets[0].id], ensure_ascii=False)
        lines[first : last + 1] = [before + text.encode("utf-8", "replace") + after]
    return b"".join(lines).decode()


def relative(folder: Path, raw: Path) -> str:
    """How `raw` is reached from `folder`, so that no machine is named; its bare name where the two share no folder."""
    if folder.drive != raw.drive or os.path.commonpath([folder, raw]) == folder.anchor:
        return raw.name
    return Path(os.path.relpath(raw, folder)).as_posix()
