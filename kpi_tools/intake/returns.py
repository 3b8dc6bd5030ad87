"""Moved to `loading.returns`."""

from kpi_tools.quarters import Quarter

NEVER = 10**6
"""Later than every quarter."""


def ordinal(quarter: Quarter) -> int:
    """The quarter as a number: one more for each quarter."""
    return quarter.year * 4 + quarter.number
