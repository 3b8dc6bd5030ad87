"""Its names are in `kpi_tools.tokens` now."""

from kpi_tools.tokens import *  # noqa: F403
