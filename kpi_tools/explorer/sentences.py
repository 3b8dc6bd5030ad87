"""How a KPI stands, in sentences made of its figures: the answer, both directions, words to begin the commentary with."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpi_tools.explorer.evidence import WITHHELD, Evidence, run_of
from kpi_tools.page.describe import direction_sentence, month_alone
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard.series import NOT_JUDGED
from kpi_tools.terms import Terms
from kpi_tools.tokens import kpi_figures
from kpi_tools.trend import size_in_words
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    CONCERN,
    ILLUSTRATIVE,
    IMPROVEMENT,
    LIMIT_MEANINGS,
    MONITORED,
    MONTH,
    NEGATIVE,
    NEUTRAL,
    NOT_RATED,
    NOT_REPORTED,
    POSITIVE,
    STABLE,
)
from kpi_tools.wording import (
    between,
    capitalised,
    figure_of,
    in_words,
    is_number,
    is_text,
    line_of,
    rows_of,
    show,
    text_of,
)

_DIRECTIONS = {
    POSITIVE: "The direction of travel is positive.",
    NEGATIVE: "The direction of travel is negative.",
    STABLE: "The direction of travel is stable, or without a clear trend.",
}
_UNUSUAL = {
    COMMON_CAUSE: "The latest figure lies within its usual variation.",
    IMPROVEMENT: "The latest figure is better than usual variation would explain.",
    CONCERN: "The latest figure is worse than usual variation would explain.",
    NEUTRAL: "The latest figure is unusual.",
    NOT_REPORTED: "The latest figure has not been reported.",
    NOT_JUDGED: f"Nothing is concluded: {WITHHELD}.",
}


def standing(known: Evidence, kpi_id: str) -> str:
    """The answer in a few sentences: the latest figure against its lines, whether it is unusual, luck or process."""
    kpi = known.kpi(kpi_id)
    variation = kpi["variation"]
    unusual = _UNUSUAL.get(
        variation, f"{capitalised(LIMIT_MEANINGS.get(variation, str(variation)))}."
    )
    terms = Terms(known.returns.council)
    lines = [f"{terms.word(name)} {line_of(kpi, name)}" for name in terms.lines(kpi)]
    against = f"; {', '.join(lines)}" if lines else ""
    sentences = [
        f"{capitalised(figure_of(kpi))} in {_when(kpi)}{against}.",
        how_long(known.of("quarters", kpi_id)),
        doubts_in_words(known, kpi_id) or ("" if is_text(kpi["milestone"]) else unusual),
        f"{capitalised(kpi['reading'])}." if is_text(kpi["reading"]) else "",
    ]
    return " ".join(text for text in sentences if text)


def doubts_in_words(known: Evidence, kpi_id: str) -> str:
    """Which figures look like a fault of the data, and that nothing is concluded until they are confirmed; or empty."""
    doubts = rows_of(known.of("doubts", kpi_id))
    said = [f"{Quarter.parse(row['quarter']).title}: {row['doubt']}" for row in doubts]
    return " ".join([*said, _UNUSUAL[NOT_JUDGED]]) if said else ""


def how_long(quarters: pd.DataFrame) -> str:
    """`Red for five quarters in a row, since Quarter 3 2023/24.` from one KPI's rated quarters, oldest first; or empty."""
    ratings = quarters["rating"].tolist()
    if not ratings or ratings[-1] in (NOT_RATED, MONITORED):
        return ""
    run = run_of(ratings)
    first = Quarter.parse(quarters["quarter"].iloc[-run]).title
    each = "quarter" if _is_quarterly(quarters.iloc[-1]) else "figure"
    if run == 1:
        before = ratings[-2] if len(ratings) > 1 and ratings[-2] != NOT_RATED else None
        return f"{ratings[-1]} for the first {each}, {before} before." if before else ""
    if run == len(ratings):
        since = f"in {'both' if run == 2 else f'all {in_words(run)}'} {each}s known"
    else:
        since = f"for {in_words(run)} {each}s in a row"
    marks = [name for name in ("status", "target_status") if name in quarters]
    invented = bool((quarters[marks].iloc[-run:] == ILLUSTRATIVE).any(axis=None))
    note = " (some figures or lines of these are illustrative)" if invented else ""
    return f"{ratings[-1]} {since}, since {first}{note}."


def directions(known: Evidence, kpi_id: str) -> list[str]:
    """Both directions of travel with their size, and what the two rules disagree about; nothing of a doubted series."""
    if doubt := doubts_in_words(known, kpi_id):
        return [doubt]
    kpi = known.kpi(kpi_id)
    published = direction_sentence(kpi)
    size = size_in_words(kpi["gls_slope"], kpi["gls_slope_low"], kpi["gls_slope_high"], kpi["unit"])
    rolling = kpi["basis"] == "rolling_12_months"
    shared = "Allowing for the data that rolling figures share" if rolling else "By the second rule"
    opinion = kpi["second_opinion"]
    sentences = [
        f"By the published rule: {published[:1].lower()}{published[1:]}",
        f"{shared}: {kpi['gls_direction']}{f', {size}' if size else ''}.",
        kpi["direction_note"],
        f"A second opinion (Mann-Kendall): {opinion}." if is_text(opinion) else "",
    ]
    return [text for text in sentences if is_text(text)]


def draft(known: Evidence, kpi_id: str) -> str:
    """A first paragraph for the commentary on a KPI, from its figures alone, with tokens where figures belong.

    Whatever is said is in the tables; why it is so is for the service to say.
    """
    kpi = known.kpi(kpi_id)
    if is_text(kpi["milestone"]):
        return f"In {{quarter}} it is {figure_of(kpi)}. {how_long(known.of('quarters', kpi_id))}".strip()
    if not is_number(kpi["value"]):
        return f"There is no figure for {_when(kpi)} ({kpi['status']})."
    if doubt := doubts_in_words(known, kpi_id):
        return f"To be checked before anything is written. {doubt}"
    parts = " ({numerator} of {denominator})" if is_number(kpi["denominator"]) else ""
    months = known.months(kpi_id)
    months = months[months["value"].notna() & (months["basis"] == MONTH)]
    alone = kpi["basis"] != "quarter" and len(months)
    sentences = [
        f"At {{value}}{parts} {_against(kpi, known)}.",
        _before(kpi),
        how_long(known.of("quarters", kpi_id)),
        _DIRECTIONS.get(kpi["direction_of_travel"], ""),
        _UNUSUAL.get(kpi["variation"], ""),
        month_alone(months.iloc[-1], kpi["unit"], int(kpi["decimals"])) if alone else "",
        _ahead(known, kpi),
    ]
    return " ".join(text for text in sentences if text)


def _when(kpi: Mapping[str, Any]) -> str:
    """The quarter of the latest figure; of what is not quarterly the period that it covers."""
    if _is_quarterly(kpi):
        return Quarter.parse(kpi["quarter"]).title
    period = str(kpi["period"])
    one_year = period.startswith(("Year", "Academic"))
    return f"the {period[:1].lower()}{period[1:]}" if one_year else period


def _is_quarterly(row: Mapping[str, Any]) -> bool:
    return row.get("frequency", "quarterly") in ("quarterly", "monthly")


def _against(kpi: dict[str, Any], known: Evidence) -> str:
    terms = Terms(known.returns.council)
    one = terms.word("kpi")
    if kpi["rating"] == MONITORED:
        return f"in {{quarter}} the {one} is monitored only"
    if not is_number(kpi["band"]):
        return f"in {{quarter}} the {one} is not rated"
    scheme = known.returns.council.schemes[text_of(kpi["scheme"]) or ""]
    worst = kpi["band"] == len(scheme.bands) and is_number(kpi["floor_standard"])
    line = "floor_standard" if worst else "target"
    if not is_number(kpi[line]):
        return f"the {one} is {{rating}}"
    word = terms.word(line)
    article = "an" if word[:1].lower() in "aeiou" else "a"
    return f"the {one} is {{rating}} against {article} {word} of {{{line}}}"


def _before(kpi: dict[str, Any]) -> str:
    figures = kpi_figures(kpi)
    if not _is_quarterly(kpi):
        return "The figure before was {previous}." if figures["previous"] else ""
    then = [
        f"{{{name}}} a {ago} earlier"
        for name, ago in (("previous", "quarter"), ("year_ago", "year"))
        if figures[name]
    ]
    return f"It was {' and '.join(then)}." if then else ""


def _ahead(known: Evidence, kpi: dict[str, Any]) -> str:
    row = rows_of(known.of("outlooks", kpi["kpi_id"]))[0]
    if math.isnan(row["next_low"]):
        return ""
    place = kpi["unit"], int(kpi["decimals"])
    low, high = (show(row[name], *place) for name in ("next_low", "next_high"))
    return f"For {Quarter.parse(row['next_quarter']).title} {between(low, high)} is to be expected."
