"""What must hold before a report is released: tables and texts go in, findings come out. Rules for
single cells are kept by loading; here the report as a whole is checked."""

from itertools import chain

import pandas as pd

from kpi_tools.checks import tables, texts
from kpi_tools.checks.findings import CHECKS, as_findings
from kpi_tools.loading import Returns
from kpi_tools.provenance import unlike_lock
from kpi_tools.scorecard import earlier_reports, recent_quarters, score
from kpi_tools.scorecard.changes import rating_pairs

__all__ = ["CHECKS", "release_findings"]


def release_findings(
    returns: Returns,
    recent: pd.DataFrame | None = None,
    kpis: pd.DataFrame | None = None,
    same: pd.DataFrame | None = None,
    *,
    earlier: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Everything found before the release of the report of the returns' quarter.

    Args:
        returns: What is known at the quarter.
        recent: As `recent_quarters`; made where not at hand, as are `kpis` and `same`.
        kpis: As `score`.
        same: The scorecard of the quarter before, as known now (`earlier_reports`).
        earlier: The commentary of earlier reports (`commentary_until`); without it, commentary that
            is the same as last time is not found.

    Returns:
        One row a finding (columns: `findings.COLUMNS`), errors first.
    """
    recent = recent_quarters(returns) if recent is None else recent
    kpis = score(recent, returns) if kpis is None else kpis
    same = earlier_reports(returns)[1] if same is None else same
    pairs = rating_pairs(kpis, same, returns.council)
    written = texts.written(returns, kpis)
    return as_findings(
        chain(
            tables.doubted(recent, returns.months),
            tables.reds_without_action(kpis, returns),
            tables.missing(kpis, recent),
            tables.unrated_by_rule(kpis, returns.council),
            tables.late(recent, returns),
            tables.old_ratings(kpis, returns.quarter),
            tables.same_series(recent),
            tables.sent_again(returns),
            tables.floors_without_target(kpis),
            tables.left_over_names(returns),
            texts.tokens_without_figure(written, kpis),
            texts.counts(written, kpis, pairs, returns.council),
            texts.targets(written, kpis, returns.council),
            texts.quarters(written, kpis, returns.quarter),
            texts.improvements(written, kpis, returns.council),
            texts.titles(written, kpis, tables.other_texts(returns)),
            texts.unchanged(written, earlier, returns.quarter),
            tables.taken_otherwise(returns),
            tables.versions(unlike_lock()),
        )
    )
