"""An executed notebook → the report's page, which asks for and runs nothing, and a notebook.

Only pieces made by `kpi_tools.page.html` and Markdown cells come through; code, printed text and
cells tagged `internal` stay behind; whatever could run or fetch something stops the export.
"""

import ast
import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from copy import deepcopy
from datetime import date as Date
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat
from markupsafe import Markup
from nbconvert.exporters.templateexporter import TemplateExporter
from nbformat import NotebookNode

from kpi_tools.errors import KpiError
from kpi_tools.loading.cells import clean_text
from kpi_tools.page.html import MADE_HERE, notebook_markdown, unwrapped

INTERNAL = "internal"
_LEFT_OUT = {INTERNAL, "parameters", "injected-parameters"}
PAGE = Path(__file__).parent.parent / "page"
_SECTION_END = '<p class="back"><a href="#contents">Contents</a></p>\n</section>'
_ATTRIBUTES = r'<[a-z][\w-]*(?:\s+[\w:-]+(?:="[^"]*")?)*?'
_ACTIVE = re.compile(
    r"<(?:script|iframe|object|embed|link|base|form|img|image|foreignobject|audio|video|input"
    r"|button)\b"
    rf"|{_ATTRIBUTES}\s+(?:on\w+|style|src|xlink:href)\b"
    rf'|{_ATTRIBUTES}\s+href="(?!#|data:(?:text/csv|image/svg\+xml);base64,[\w+/=]*" download=)',
    re.I,
)
_MARKS = re.compile(
    r'<h2 id="(?P<anchor>[^"]+)"><span class="kpi-sn"></span>(?P<title>.*?)</h2>'
    r'|(?P<plain><p class="kpi-para">)?<span class="kpi-pn"(?: id="cite-(?P<name>[^"]+)")?></span>',
    re.S,
)


def to_html(
    notebook: NotebookNode, *, title: str, author: str, date: str, provenance: str = ""
) -> str:
    """The page of an executed notebook, as text. `date`: the day the data was cut off
    (`2024-12-31`); `provenance`: a line for the foot. Raises `KpiError`, naming the cell, for an
    error, a widget, a script-bearing output or a table that this package did not make, and for a
    page that is not self-contained."""
    chosen = deepcopy(notebook)
    for number, cell in enumerate(chosen.cells, start=1):
        _refuse_unsafe(cell, number)
    chosen.cells = [cell for cell in chosen.cells if not _is_left_out(cell)]
    for number, cell in enumerate(chosen.cells, start=1):
        cell.metadata, cell["id"] = NotebookNode(), f"cell-{number}"
    styles, day = page_style(), Date.fromisoformat(date)
    resources = {
        "title": title,
        "author": author,
        "date_iso": day.isoformat(),
        "date_words": f"{day.day} {day:%B %Y}",
        "provenance": provenance,
        "style": styles,
        "policy": policy(styles),
    }
    exporter = TemplateExporter(
        template_name="template", extra_template_basedirs=[str(PAGE)], template_file="index.html.j2"
    )
    exporter.register_filter("piece", _piece)
    exporter.register_filter("prose", lambda text: notebook_markdown(clean_text(text)))
    exporter.register_filter("numbered", numbered)
    page, _ = exporter.from_notebook_node(chosen, resources=resources)
    # The pieces escape what they are given; this is the second lock.
    if found := _ACTIVE.search(page):
        raise KpiError(f"The page is not fit to publish: it holds {found[0][:80]!r}.")
    return page


def policy(style: str) -> str:
    """The Content-Security-Policy of a page whose one style sheet is `style`."""
    name = b64encode(sha256(style.encode()).digest()).decode()
    admitted = f"style-src 'sha256-{name}'"
    return f"default-src 'none'; script-src 'none'; {admitted}; base-uri 'none'; form-action 'none'"


def page_style() -> str:
    """The page's one style sheet, without comments and indents."""
    names = ("components.css", "page.css")
    source = "\n".join((PAGE / "template" / name).read_text("utf-8") for name in names)
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    return re.sub(r"\s*\n\s*", "\n", source).strip() + "\n"


def numbered(body: str) -> dict[str, Any]:
    """The body with sections and paragraphs numbered (1, 1.1, 1.2 …), and the list of contents. A
    paragraph has two anchors: its number (`p1.1`), good for this report, and its name, which its
    number links to and which stays in the next report: that of its card (`kpi-es01`), or of its
    section and place (`for-the-minutes-1`)."""
    contents: list[dict[str, Any]] = []
    number, unnamed = 0, 0

    def mark(found: re.Match[str]) -> str:
        nonlocal number, unnamed
        anchor, name, before = found["anchor"], found["name"], found["plain"] or ""
        if anchor:
            before, number, unnamed = f"{_SECTION_END}\n" if contents else "", 0, 0
            place, title = len(contents) + 1, Markup(found["title"])
            contents.append({"number": place, "anchor": anchor, "title": title})
            return (
                f'{before}<section class="part" aria-labelledby="{anchor}">\n'
                f'<h2 id="{anchor}" tabindex="-1"><span class="kpi-sn">{place}</span> {title}</h2>'
            )
        if not contents:
            return before
        number += 1
        cited = f"{len(contents)}.{number}"
        if before:
            unnamed += 1
            name = f"{contents[-1]['anchor']}-{unnamed}"
            before = f'<p class="kpi-para" id="{name}">'
        return f'{before}<a class="kpi-pn" id="p{cited}" href="#{name or f"p{cited}"}">{cited} </a>'

    text = _MARKS.sub(mark, body)
    return {"body": text + (_SECTION_END if contents else ""), "contents": contents}


def _is_left_out(cell: NotebookNode) -> bool:
    return bool(_LEFT_OUT & set(cell.metadata.get("tags", ())))


def _piece(output: NotebookNode) -> str:
    if output.get("metadata", {}).get(MADE_HERE) == "report":
        return unwrapped(output.data["text/html"]) + "\n"
    return ""


def _refuse_unsafe(cell: NotebookNode, number: int) -> None:
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            error = f"{output.get('ename')}: {output.get('evalue')}"
            raise KpiError(
                f"Cell {number} of the notebook ended in an error ({error}), so there is no "
                "report. Mend it and run the notebook again."
            )
        ours = output.get("metadata", {}).get(MADE_HERE)
        foreign = sorted(set(output.get("data", {})) - {"text/plain"})
        if foreign and not ours and not _is_left_out(cell):
            raise KpiError(
                f"Cell {number} of the notebook shows something the report cannot take over "
                f'({", ".join(foreign)}). Show it with kpi_tools, or tag the cell "{INTERNAL}" to '
                "leave it out."
            )


# The notebook beside the page


def published(executed: NotebookNode, parameters: Mapping[str, str]) -> NotebookNode:
    """The executed notebook as it may be given away, the same each time. Its parameters cell says
    `parameters`, the injected cell is gone; so are times, random names and everything that the
    kernel wrote to its error stream."""
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
            cell.source = with_values(cell.source, parameters)
        cells.append(cell)
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata, nbformat_minor=5)


def with_values(source: str, parameters: Mapping[str, str]) -> str:
    """A cell of parameters with other values, its comments kept."""
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
    """How `raw` is reached from `folder`, so that no machine is named; else its bare name."""
    if folder.drive != raw.drive or os.path.commonpath([folder, raw]) == folder.anchor:
        return raw.name
    return Path(os.path.relpath(raw, folder)).as_posix()
