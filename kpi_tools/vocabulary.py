"""The words of the field, one per thing: ratings, directions, polarities, statuses, columns.

Every other module takes these names from here, so a rating or a column is spelt one way
in tables, functions, notebooks and the report (METHOD.md, "Words").
"""

from typing import Final

from kpi_tools.units import MULTIPLIERS as MULTIPLIERS

GREEN: Final = "Green"
AMBER: Final = "Amber"
RED: Final = "Red"
NOT_RATED: Final = "Not rated"
MONITORED: Final = "Monitored"
"""Of a KPI that the council only watches: it has no rating, and needs none."""
NOT_DUE: Final = "Not due"
"""Counts a KPI whose rating stands from an earlier report, where the council counts these apart."""

POSITIVE: Final = "positive"
STABLE: Final = "stable or no clear trend"
NEGATIVE: Final = "negative"
NOT_ENOUGH_DATA: Final = "not enough data"
NOT_TESTABLE: Final = "not testable"
TRENDS: Final = (POSITIVE, STABLE, NEGATIVE)
UNTESTED: Final = (NOT_ENOUGH_DATA, NOT_TESTABLE)

BETTER: Final = "better"
WORSE: Final = "worse"
UNCHANGED: Final = "unchanged"
TREND_ARROW: Final = "trend"
"""The arrow that the direction of travel gives; the others compare two figures."""

HIGHER: Final = "higher"
LOWER: Final = "lower"
CLOSEST: Final = "target"
POLARITIES: Final = (HIGHER, LOWER, CLOSEST)

MONTH: Final = "month"
"""Basis of a monthly figure that is of the month alone."""
IN_MONTHS: Final = ("weekly", "monthly")
"""Frequencies whose figures may come for a month, or a day of it."""
IN_YEARS: Final = ("annual", "biennial")
NUMBER: Final = "number"
MILESTONE: Final = "milestone"
KINDS: Final = (NUMBER, MILESTONE)
"""What a KPI's figure is: a number, or the council's word for how a piece of work stands."""
NO_POLARITY_GIVEN: Final = "none"
"""The polarity of a measure that is only monitored."""

ENGLAND: Final = "England"
"""The area that others are compared with, and that has no rank among them."""

FINAL: Final = "final"
PROVISIONAL: Final = "provisional"
ESTIMATED: Final = "estimated"
CARRIED_FORWARD: Final = "carried forward"
ILLUSTRATIVE: Final = "illustrative"
SUPPRESSED: Final = "suppressed"
NOT_AVAILABLE: Final = "not available"
NOT_COLLECTED: Final = "not collected"
NOT_APPLICABLE: Final = "not applicable"
ROUNDS_TO_ZERO: Final = "rounds to zero"
NOT_YET_DUE: Final = "not yet due"
"""Stands where a KPI has never been due: no service sends it."""
STATUSES_WITH_VALUE: Final = (FINAL, PROVISIONAL, ESTIMATED, CARRIED_FORWARD, ILLUSTRATIVE)
STATUSES_WITHOUT_VALUE: Final = (
    SUPPRESSED,
    NOT_AVAILABLE,
    NOT_COLLECTED,
    NOT_APPLICABLE,
    ROUNDS_TO_ZERO,
)
STATUSES: Final = STATUSES_WITH_VALUE + STATUSES_WITHOUT_VALUE

OPEN: Final = "open"
CONFIRMED: Final = "confirmed"
LET_PASS: Final = "let pass"

MONEY: Final = ("£", "GBP")
"""How a unit of money begins: the only ones in which a figure may be negative."""

FLOOR_STANDARD: Final = "floor_standard"
PERCENTAGE: Final = "percentage"

IMPROVEMENT: Final = "improvement"
CONCERN: Final = "concern"
NEUTRAL: Final = "neutral"
COMMON_CAUSE: Final = "common cause"
NOT_REPORTED: Final = "not reported"
SPECIAL_CAUSES: Final = (IMPROVEMENT, CONCERN, NEUTRAL)

OUTSIDE: Final = "outside a limit"
TREND: Final = "trend of seven"
TWO_IN_THREE: Final = "two in three near a limit"
SHIFT: Final = "shift of seven"
LONG_RUN: Final = "longer run than chance makes"
FEW_CROSSINGS: Final = "fewer crossings than chance makes"
RULES: Final = (OUTSIDE, TREND, TWO_IN_THREE, SHIFT, LONG_RUN, FEW_CROSSINGS)
"""The signs that a change is more than noise, the first that holds is the one given."""

PROFILES: Final = ("plotthedots", "mdc")
"""Whether a figure beyond a limit counts among the two in three: not as NHS readers know it."""

LIMITS: Final = "limits"
TRIAL_LIMITS: Final = "trial limits"
TRIAL: Final = "trial"
NO_VARIATION: Final = "no variation"
RUN_CHART: Final = "run chart"
LIMITS_ALONE: Final = "limits alone"
NO_LIMITS: Final = "no limits"
NOT_CHARTED: Final = "not charted"
LIMIT_MEANINGS: Final = {
    LIMITS: "process limits from 13 or more figures",
    TRIAL_LIMITS: "process limits from 8 to 12 figures: read them with care",
    TRIAL: "process limits from fewer than 8 figures: a figure outside them is worth a question, "
    "no other rule is used",
    LIMITS_ALONE: "most figures lie at the end of what they can be, where runs are usual, so the "
    "limits alone are tested",
    RUN_CHART: "a median and no limits: what counts is how long figures stay on one side of it, "
    "and how often they cross it",
    NO_VARIATION: "every figure is the same, so the limits stand on the mean",
    NO_LIMITS: "no two figures follow each other, so limits cannot be calculated",
    NOT_CHARTED: "year-to-date figures grow through the year by their nature, so they have no "
    "process limits",
}

PASSES: Final = "consistently passes"
FAILS: Final = "consistently fails"
HIT_OR_MISS: Final = "hit or miss"
NOT_DESCRIBED: Final = "not described by its mean"
NO_TARGET: Final = "no target"
UNKNOWN_POLARITY: Final = "polarity not known"
