"""Figures → the quarter's scorecard: rated rows, counts, what changed since the previous report, and the actions."""

from kpi_tools.loading import in_set
from kpi_tools.scorecard.actions import followed, in_report, without_action
from kpi_tools.scorecard.changes import (
    came_and_went,
    issue_changes,
    movement,
    rating_matrix,
    rating_pairs,
    reconcile,
    restated_between,
    restatements,
    returned_again,
    sent_rounded,
    set_changes,
)
from kpi_tools.scorecard.scores import (
    counted,
    counts,
    earlier_reports,
    first_report,
    known_by,
    matrix,
    movers,
    quarter_before,
    rated,
    rated_figures,
    rating_counts,
    rating_history,
    ratings_of,
    recent_of,
    recent_quarters,
    report_tables,
    score,
    section_words,
    trends_of,
)

__all__ = [
    "came_and_went", "counted", "counts", "earlier_reports", "first_report", "followed", "in_report", "in_set",
    "issue_changes", "known_by", "matrix", "movement", "movers", "quarter_before", "rated", "rated_figures",
    "rating_counts", "rating_history", "rating_matrix", "rating_pairs", "ratings_of", "recent_of", "recent_quarters",
    "reconcile", "report_tables", "restated_between", "restatements", "returned_again", "score", "section_words",
    "sent_rounded", "set_changes", "trends_of", "without_action",
]  # fmt: skip
