"""Its names are in `kpi_tools.wording` now."""

from kpi_tools.wording import *  # noqa: F403
