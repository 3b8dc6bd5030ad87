"""How a KPI stands, in words: the latest figure against its lines, unusual or not, luck or process, both directions."""

from typing import Any

from kpi_tools.explorer.draft import draft, how_long
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.page.describe import direction_sentence
from kpi_tools.page.html import Html, render
from kpi_tools.quarters import Quarter
from kpi_tools.statistics.trend import size_in_words
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    CONCERN,
    HIT_OR_MISS,
    IMPROVEMENT,
    LIMIT_MEANINGS,
    NEUTRAL,
    NOT_REPORTED,
)
from kpi_tools.words.row_words import figure_of, line_of
from kpi_tools.words.wording import capitalised


def heading(known: Evidence, kpi_id: str) -> Html:
    """Name, rating, direction, and how the KPI stands."""
    kpi = known.kpi(kpi_id)
    return render("explorer_head.html.j2", name=kpi["kpi_name"], kpi_id=kpi_id, rating=kpi["rating"],
                  direction=kpi["direction_of_travel"], lead=standing(known, kpi_id))  # fmt: skip


def standing(known: Evidence, kpi_id: str) -> str:
    """The answer in a few sentences: the latest figure against its lines, whether it is unusual, luck or process."""
    kpi = known.kpi(kpi_id)
    reading = f" {capitalised(kpi['reading'])}." if isinstance(kpi["reading"], str) else ""
    if reading and kpi["assurance"] == HIT_OR_MISS and kpi["variation"] in (IMPROVEMENT, CONCERN):
        reading += " That reading holds only if the process is still the same."
    return (
        f"{capitalised(figure_of(kpi))} in {Quarter.parse(kpi['quarter']).title}; target {line_of(kpi, 'target')}, "
        f"floor standard {line_of(kpi, 'floor_standard')}. {how_long(known.of('quarters', kpi_id))} {_variation(kpi)}{reading}"
    ).replace("  ", " ")


def words_to_begin_with(known: Evidence, kpi_id: str) -> Html:
    """A first paragraph for the commentary, from the figures alone, to copy and go on from."""
    return render("explorer_draft.html.j2", text=draft(known, kpi_id))


def directions(kpi: dict[str, Any]) -> list[str]:
    """Both directions of travel with their size, and what the two rules disagree about."""
    said = [f"By the published rule: {_uncapital(direction_sentence(kpi))}"]
    size = size_in_words(kpi["gls_slope"], kpi["gls_slope_low"], kpi["gls_slope_high"], kpi["unit"])
    shared = (
        "Allowing for the data that rolling figures share"
        if kpi["basis"] == "rolling_12_months"
        else "By the second rule"
    )
    said.append(f"{shared}: {kpi['gls_direction']}{f', {size}' if size else ''}.")
    said.append(kpi["direction_note"])
    said.append(
        f"A second opinion (Mann-Kendall): {kpi['second_opinion']}."
        if kpi["second_opinion"]
        else ""
    )
    return [text for text in said if isinstance(text, str) and text]


def _variation(kpi: dict[str, Any]) -> str:
    said = {
        COMMON_CAUSE: "The latest figure lies within its usual variation.",
        IMPROVEMENT: "The latest figure is an unusual improvement.",
        CONCERN: "The latest figure is an unusual concern.",
        NEUTRAL: "The latest figure is unusual.",
        NOT_REPORTED: "The latest figure has not been reported.",
    }
    return said.get(
        kpi["variation"],
        f"{capitalised(LIMIT_MEANINGS.get(kpi['variation'], str(kpi['variation'])))}.",
    )


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]
