"""Rate a council's KPIs, read their direction and anomalies, and make the quarterly performance report.

The public names, each loaded when first used so that `import kpi_tools` costs nothing:
a notebook says `import kpi_tools as kpi` and asks `kpi.load(…)`, `kpi.recent_quarters(…)`, `kpi.score(…)`.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "quarters": ("Quarter",),
    "loading": ("commentary_until", "load"),
    "rating": ("rate",),
    "trend": ("direction_of_travel", "gls_direction"),
    "limits": ("process_limits",),
    "variation": ("special_causes",),
    "comparison": ("compare",),
    "scorecard": (
        "recent_quarters",
        "score",
        "earlier_reports",
        "quarter_before",
        "movement",
        "counts",
    ),
    "page.html": ("style",),
    "page.chapters": (
        "opening",
        "at_a_glance",
        "reds",
        "sections",
        "method",
    ),
    "page.summary": ("summary", "key"),
    "page.changes": ("changes",),
    "explorer.directorate": ("explore",),
    "explorer.history": ("one_kpi",),
    "doubts": ("let_pass", "with_doubts"),
    "checks": ("release_findings",),
    "page.released": ("edition_notice", "checks_chapter", "how_made"),
    "parameters": ("check_parameters",),
    "report.runner": ("complete",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"kpi_tools has no {name!r}. Its names are: {', '.join(__all__)}.")
    value = getattr(import_module(f"kpi_tools.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":  # in quotes, for a Python too old, which is to be told so
    return __all__
