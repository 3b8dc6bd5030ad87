"""A finding of the checks before release, and the table of them."""

from collections.abc import Iterable
from typing import Final, NamedTuple

import pandas as pd

from kpi_tools.words.rules import ERROR, WARNING

FINDING_COLUMNS: Final = ("severity", "code", "place", "finding", "remedy")


class Finding(NamedTuple):
    """What is wrong in the report, where, and what to do. An error stands in the way of the final report."""

    severity: str
    code: str
    place: str
    finding: str
    remedy: str


def error(code: str, place: str, finding: str, remedy: str) -> Finding:
    """A finding that must be mended, or overridden with a reason."""
    return Finding(ERROR, code, place, finding, remedy)


def warning(code: str, place: str, finding: str, remedy: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(WARNING, code, place, finding, remedy)


def as_findings(found: Iterable[Finding]) -> pd.DataFrame:
    """One row a finding (columns: FINDING_COLUMNS), errors first, otherwise in the order found."""
    ordered = sorted(found, key=lambda finding: finding.severity != ERROR)
    return pd.DataFrame(ordered, columns=list(FINDING_COLUMNS)).astype("str")
