"""Tokens in commentary: `{value}` stands for the figure that the table shows, so prose and table cannot differ.

A token is a word in braces; `{{` gives a brace. Which there are depends on what the text is about: a KPI or a section.
"""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import AMBER, GREEN, NOT_RATED, RED, SUPPRESSED
from kpi_tools.wording import (
    decimals_against,
    figure_of,
    in_words,
    is_number,
    line_of,
    listed,
    rounded,
    show,
)

KPI_TOKENS: Final = (
    "value",
    "target",
    "floor_standard",
    "previous",
    "change",
    "year_ago",
    "numerator",
    "denominator",
    "quarter",
    "previous_quarter",
    "rating",
    "previous_rating",
)
SECTION_TOKENS: Final = (
    "quarter",
    "previous_quarter",
    "kpis",
    "green",
    "amber",
    "red",
    "not_rated",
)

WITHHELD: Final = "[c]"
"""What a token prints whose figure is suppressed."""
_HIDDEN_WITH: Final = {
    "status": ("value", "numerator", "denominator", "change", "rating"),
    "previous_status": ("previous", "change", "previous_rating"),
    "year_ago_status": ("year_ago",),
}

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")


def unknown(text: str, known: Collection[str]) -> list[str]:
    """What is wrong with the tokens of `text`, a sentence for each that is not one of `known` or has no end."""
    said = []
    for part in _PART.finditer(text):
        if part[0] == "{":
            said.append("A brace is opened and not closed.")
        elif part[1] is not None and part[1].strip() not in known:
            said.append(f"There is no token {part[0]} here.")
    return list(dict.fromkeys(said))


def without_figure(text: str, figures: Mapping[str, str | None]) -> list[str]:
    """The tokens of `text` that are known and have no figure in this quarter, as written."""
    names = [part[1].strip() for part in _PART.finditer(text) if part[1] is not None]
    return [
        f"{{{name}}}" for name in dict.fromkeys(names) if name in figures and figures[name] is None
    ]


def filled(text: str, figures: Mapping[str, str | None]) -> str:
    """`text` with each token replaced by its figure. One that is unknown or has none stays as written: a visible gap."""

    def figure(part: re.Match[str]) -> str:
        if part[0] in ("{{", "}}"):
            return part[0][0]
        return figures.get((part[1] or "").strip()) or part[0]

    return _PART.sub(figure, text)


def kpi_figures(kpi: Mapping[str, Any]) -> dict[str, str | None]:
    """What each of KPI_TOKENS says for a row of the scorecard, as the card prints it; None where there is no figure.

    A figure that is suppressed is `[c]`, and so is its rating and the change to or from it.
    """
    row = dict(kpi)
    figures = {
        "value": _known(row["value"], figure_of(row)),
        "target": _known(row["target"], line_of(row, "target")),
        "floor_standard": _known(row["floor_standard"], line_of(row, "floor_standard")),
        "previous": _known(row["previous_value"], figure_of(row, "previous_")),
        "change": _change(row),
        "year_ago": _known(row["year_ago_value"], figure_of(row, "year_ago_")),
        "quarter": Quarter.parse(row["quarter"]).title,
        "previous_quarter": Quarter.parse(row["quarter"]).shift(-1).title,
        "rating": _rating(row["rating"]),
        "previous_rating": _rating(row["previous_rating"]),
    } | {
        part: f"{row[part]:,.0f}" if is_number(row[part]) else None
        for part in ("numerator", "denominator")
    }
    for status, tokens in _HIDDEN_WITH.items():
        if row.get(status) == SUPPRESSED:
            figures |= {token: WITHHELD for token in tokens if figures[token] is None}
    return figures


def section_figures(counts: Mapping[str, int], quarter: Quarter) -> dict[str, str | None]:
    """What each of SECTION_TOKENS says: the report's quarter, the counts of the section's KPIs in words below ten."""
    words = {"kpis": "kpis", "green": GREEN, "amber": AMBER, "red": RED, "not_rated": NOT_RATED}
    counted = {token: in_words(counts.get(word, 0)) for token, word in words.items()}
    return {"quarter": quarter.title, "previous_quarter": quarter.shift(-1).title, **counted}


def listing(known: Collection[str]) -> str:
    """The tokens that there are, for a sentence: `{value}, {target} and {change}`."""
    return listed([f"{{{name}}}" for name in known])


def _change(row: dict[str, Any]) -> str | None:
    """The difference of the two figures as printed, with its direction: `a rise of 3 percentage points`."""
    if not (is_number(row["value"]) and is_number(row["previous_value"])):
        return None
    places = [
        decimals_against(
            row[f"{of}value"],
            int(row["decimals"]),
            (row[f"{of}target"], row[f"{of}floor_standard"]),
        )
        for of in ("", "previous_")
    ]
    now, then = (
        Decimal(rounded(row[name], decimals).replace(",", ""))
        for name, decimals in zip(("value", "previous_value"), places, strict=True)
    )
    if now == then:
        return "no change"
    unit = "percentage points" if row["unit"] == "%" else row["unit"]
    return f"{'a rise' if now > then else 'a fall'} of {show(float(abs(now - then)), unit, max(places))}"


def _known(value: Any, text: str) -> str | None:
    return text if is_number(value) else None


def _rating(rating: str) -> str | None:
    return None if rating == NOT_RATED else rating
