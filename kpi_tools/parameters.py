"""What papermill was given for a notebook, compared with the parameters that the notebook has."""

import ast
import sys

from kpi_tools.errors import InputError

_INJECTED = "# Parameters\n"
"""The first line of the cell into which papermill writes what it is given, below the notebook's own parameters."""


def check_parameters() -> None:
    """Refuse a parameter that the notebook does not have: the first line of a notebook after its parameters.

    papermill alone only warns of a misspelt name, and makes the report of the notebook's own default. Where papermill
    had no part, as in JupyterLab, there is nothing to compare.

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
    if "IPython" not in sys.modules:
        return []
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
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
