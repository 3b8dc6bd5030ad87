"""How a KPI stands, in sentences made of its figures: the answer, directions, a first draft."""

import pandas as pd

from kpi_tools import vocabulary
from kpi_tools.explorer.evidence import WITHHELD, Evidence
from kpi_tools.explorer.reasons import sentences_of
from kpi_tools.page.chart_words import how_long, latest_run
from kpi_tools.page.describe import direction_sentence, month_alone, size_in_words
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, is_text, rows_of
from kpi_tools.scorecard.series import NOT_ASSESSED
from kpi_tools.tokens import kpi_figures
from kpi_tools.wording import between, capitalised, figure_of, line_of, show

_DIRECTIONS = {
    vocabulary.POSITIVE: "The direction of travel is positive.",
    vocabulary.NEGATIVE: "The direction of travel is negative.",
    vocabulary.STABLE: "The direction of travel is stable, or without a clear trend.",
}
_UNUSUAL = {
    vocabulary.COMMON_CAUSE: "The latest figure lies within its usual variation.",
    vocabulary.IMPROVEMENT: "The latest figure is better than usual variation would explain.",
    vocabulary.CONCERN: "The latest figure is worse than usual variation would explain.",
    vocabulary.NEUTRAL: "The latest figure is unusual.",
    vocabulary.NOT_REPORTED: "The latest figure has not been reported.",
    NOT_ASSESSED: f"Nothing is concluded: {WITHHELD}.",
}


def status_sentences(known: Evidence, kpi_id: str) -> str:
    """The latest figure against its lines, for how long, whether it is unusual, luck or process."""
    kpi, terms = known.kpi(kpi_id), known.terms
    variation = str(kpi["variation"])
    meaning = f"{capitalised(vocabulary.LIMIT_MEANINGS.get(variation, variation))}."
    unusual = "" if is_text(kpi["milestone"]) else _UNUSUAL.get(variation, meaning)
    doubt = doubts_in_words(known, kpi_id)
    latest = f"{capitalised(figure_of(kpi))} in {_when(kpi)}"
    lines = [f"{terms.word(name)} {line_of(kpi, name)}" for name in terms.lines(kpi)]
    return _joined(
        f"{'; '.join([latest, ', '.join(lines)] if lines else [latest])}.",
        doubt or so_long(known.of("quarters", kpi_id)),
        "" if doubt else unusual,
        f"{capitalised(kpi['reading'])}." if is_text(kpi["reading"]) else "",
    )


def doubts_in_words(known: Evidence, kpi_id: str) -> str:
    """Which figures look like a fault, and that nothing is concluded till then; or empty."""
    doubts = rows_of(known.of("doubts", kpi_id))
    sentences = [f"{Quarter.parse(row['quarter']).title}: {row['doubt']}" for row in doubts]
    return _joined(*sentences, _UNUSUAL[NOT_ASSESSED]) if sentences else ""


def so_long(quarters: pd.DataFrame) -> str:
    """`Red for five quarters running, since Quarter 3 2023/24.`, or empty, of a KPI's rated
    quarters, oldest first."""
    rows = rows_of(quarters)
    run, long = latest_run(rows), how_long(rows)
    if len(run) < 2:
        return f"{long}." if long else ""
    marks = quarters.filter(["status", "target_status"]).tail(len(run))
    invented = bool((marks == vocabulary.ILLUSTRATIVE).any(axis=None))
    note = " (some figures or lines of these are illustrative)" if invented else ""
    return f"{long}, since {Quarter.parse(run[0]['quarter']).title}{note}."


def directions(known: Evidence, kpi_id: str) -> list[str]:
    """Both directions of travel with their size, and what the two rules disagree about."""
    if doubt := doubts_in_words(known, kpi_id):
        return [doubt]
    kpi = known.kpi(kpi_id)
    published = direction_sentence(kpi)
    size = size_in_words(kpi, str(kpi["gls_direction"]), "gls_")
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
    """A first paragraph for the commentary, from the figures alone, with tokens where they belong;
    why it is so is for the service to say."""
    kpi, terms, months = known.kpi(kpi_id), known.terms, known.single_months(kpi_id)
    expected, place = rows_of(known.of("outlooks", kpi_id))[0], (kpi["unit"], int(kpi["decimals"]))
    alone = kpi["basis"] != "quarter" and len(months)
    lines, worst = terms.lines(kpi), kpi["band"] == len(terms.scheme(kpi).bands)
    line = "floor_standard" if worst and "floor_standard" in lines else "target"  # that it misses
    sentences = sentences_of(
        "explorer_draft.txt.j2",
        kpi=kpi,
        terms=terms,
        figure=figure_of(kpi),
        figures=kpi_figures(kpi),
        when=_when(kpi),
        so_long=so_long(known.of("quarters", kpi_id)),
        doubt=doubts_in_words(known, kpi_id),
        line=terms.word(line) if line in lines else "",
        level=f"{{{line}}}",
        quarterly=_is_quarterly(kpi),
        direction=_DIRECTIONS.get(kpi["direction_of_travel"], ""),
        unusual=_UNUSUAL.get(kpi["variation"], ""),
        month=month_alone(months.iloc[-1], *place) if alone else "",
        expected=expected,
        next=Quarter.parse(expected["next_quarter"]).title,
        between=between(*(show(expected[end], *place) for end in ("next_low", "next_high"))),
    )
    return " ".join(sentences)


def _joined(*sentences: str) -> str:
    return " ".join(text for text in sentences if text)


def _when(kpi: Row) -> str:
    """The quarter of the latest figure; of what is not quarterly the period that it covers."""
    if _is_quarterly(kpi):
        return Quarter.parse(kpi["quarter"]).title
    period = str(kpi["period"])
    one_year = period.startswith(("Year", "Academic"))
    return f"the {period[:1].lower()}{period[1:]}" if one_year else period


def _is_quarterly(row: Row) -> bool:
    return row.get("frequency", "quarterly") in ("quarterly", "monthly")
