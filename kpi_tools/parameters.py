"""A report notebook's parameters, and the mark with which it shows that it came to its end."""

import ast
import sys
from dataclasses import dataclass
from datetime import date

from kpi_tools.errors import InputError
from kpi_tools.quarters import Quarter

_INJECTED = "# Parameters\n"
"""The first line of the cell into which papermill writes what it is given."""


def corrections_of(text: str) -> list[tuple[date, str, str]]:
    """The parameter `corrections`, a line for each time that a report was published again: the day,
    what was corrected, why. Raises `InputError` for a line that is not `2025-03-14 | what | why`,
    and for days that go backwards."""
    found: list[tuple[date, str, str]] = []
    for line in filter(str.strip, text.splitlines()):
        parts = [part.strip() for part in line.split("|")]
        try:
            day = date.fromisoformat(parts[0])
        except ValueError:
            day = None
        if day is None or len(parts) != 3 or not all(parts) or (found and found[-1][0] > day):
            raise InputError(
                'A correction is written "2025-03-14 | what was corrected | why", in the order of '
                f"time, and not {line!r}."
            )
        found.append((day, parts[1].rstrip("."), parts[2].rstrip(".")))
    return found


def check_parameters() -> None:
    """Refuse a parameter that the notebook does not have: the first line of a notebook after its
    parameters.

    papermill alone only warns of a misspelt name, and makes the report of the notebook's own
    default. Where papermill had no part, as in JupyterLab, there is nothing to compare.

    Raises:
        InputError: names the parameter that does not exist and those that do.
    """
    cells = _executed()
    place = next((n for n, source in enumerate(cells) if source.startswith(_INJECTED)), 0)
    has = [name for source in cells[:place] for name in _assigned(source)]
    unknown = [name for name in _assigned(cells[place]) if name not in has] if has else []
    if unknown:
        raise InputError(
            f'This notebook has no parameter "{unknown[0]}". It has: {", ".join(sorted(set(has)))}.'
        )


def _executed() -> list[str]:
    """The sources of the cells executed until now."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return list(shell.user_ns["In"]) if shell else []


def _assigned(source: str) -> list[str]:
    try:
        nodes = ast.parse(source).body
    except SyntaxError:  # a cell that somebody got wrong, in JupyterLab
        return []
    return [
        target.id
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]


@dataclass(frozen=True)
class Complete:
    """The mark that ends a report: shown by its last cell, and demanded by the runner."""

    quarter: Quarter

    def __repr__(self) -> str:
        return f"End of the report for {self.quarter.title}."

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, str]]:
        return {"text/html": f"<p>{self!r}</p>", "text/plain": repr(self)}, {"kpi_tools": "report"}


def complete(quarter: object) -> Complete:
    """The last line of a report notebook. `quarter` is a `Quarter` or its text."""
    return Complete(Quarter.parse(quarter))
