"""Rate a council's KPIs, read their direction and anomalies, and make the quarterly performance
report.

The public names, each loaded when first used so that `import kpi_tools` costs nothing:
a notebook says `import kpi_tools as kpi` and asks `kpi.load(…)`, `kpi.score(…)`,
`kpi.show.reds(…)`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "quarters": ("Quarter",),
    "loading": ("commentary_until", "load"),
    "rating": ("rate",),
    "trend": ("direction_of_travel",),
    "limits": ("process_limits",),
    "variation": ("special_causes",),
    "comparison": ("compare",),
    "scorecard": ("counts", "earlier_reports", "recent_quarters", "score"),
    "scorecard.changes": ("movement",),
    "doubts": ("let_pass",),
    "checks": ("release_findings",),
    "page": ("show",),
    "explorer.chart": ("chart",),
    "explorer.screen": ("explore",),
    "explorer.history": ("one_kpi",),
    "parameters": ("check_parameters", "complete"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"kpi_tools has no {name!r}. Its names are: {', '.join(__all__)}.")
    home = import_module(f"kpi_tools.{_HOME[name]}")
    value = getattr(home, name, None) or import_module(f"{home.__name__}.{name}")
    globals()[name] = value
    return value


def __dir__() -> "list[str]":  # in quotes, for a Python too old, which is to be told so
    return __all__
