"""What a report shows, piece by piece in its order: `kpi.show.opening(…)` in a notebook."""

# ruff: noqa: F401
from kpi_tools.page.changes import changes
from kpi_tools.page.chapters import at_a_glance, method, opening, reds, sections
from kpi_tools.page.html import style
from kpi_tools.page.released import checks_chapter, edition_notice, how_made
from kpi_tools.page.summary import key, summary
