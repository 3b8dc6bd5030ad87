"""Tokens in commentary: `{value}` stands for the figure that the table shows, so prose and table cannot differ (floor 0).

A token is a word in braces; `{{` gives a brace. Which there are depends on what the text is about: a KPI or a section.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import AMBER, GREEN, NOT_RATED, RED, SUPPRESSED
from kpi_tools.words.wording import (
    decimals_against,
    in_words,
    listed,
    rounded,
    show,
    show_against,
    show_line,
)

KPI_TOKENS: Final = (
    "value", "target", "floor_standard", "previous", "change", "year_ago", "numerator", "denominator", "quarter",
    "previous_quarter", "rating", "previous_rating",
)  # fmt: skip
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
_OF: Final = {
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
    unit, decimals = kpi["unit"], int(kpi["decimals"])
    lines = kpi["target"], kpi["floor_standard"]
    lines_before = kpi["previous_target"], kpi["previous_floor_standard"]
    figures = {
        "value": _shown(kpi["value"], lambda v: show_against(v, unit, decimals, lines)),
        "target": _shown(kpi["target"], lambda v: show_line(v, unit, decimals)),
        "floor_standard": _shown(kpi["floor_standard"], lambda v: show_line(v, unit, decimals)),
        "previous": _shown(kpi["previous_value"], lambda v: show_against(v, unit, decimals, lines_before)),
        "change": _change(kpi, decimals_against(kpi["value"], decimals, lines),
                          decimals_against(kpi["previous_value"], decimals, lines_before)),
        "year_ago": _shown(kpi["year_ago_value"], lambda v: show(v, unit, decimals)),
        "numerator": _shown(kpi["numerator"], lambda v: f"{v:,.0f}"),
        "denominator": _shown(kpi["denominator"], lambda v: f"{v:,.0f}"),
        "quarter": Quarter.parse(kpi["quarter"]).title,
        "previous_quarter": Quarter.parse(kpi["quarter"]).shift(-1).title,
        "rating": _text(kpi["rag"]),
        "previous_rating": _text(kpi["previous_rag"]),
    }  # fmt: skip
    hidden = {
        token for status, tokens in _OF.items() if kpi.get(status) == SUPPRESSED for token in tokens
    }
    return {
        token: WITHHELD if token in hidden and text is None else text
        for token, text in figures.items()
    }


def section_figures(counts: Mapping[str, int], quarter: Quarter) -> dict[str, str | None]:
    """What each of SECTION_TOKENS says: the report's quarter, the counts of the section's KPIs in words below ten."""
    words = {"kpis": "kpis", "green": GREEN, "amber": AMBER, "red": RED, "not_rated": NOT_RATED}
    counted = {token: in_words(counts.get(word, 0)) for token, word in words.items()}
    return {"quarter": quarter.title, "previous_quarter": quarter.shift(-1).title, **counted}


def listing(known: Collection[str]) -> str:
    """The tokens that there are, for a sentence: `{value}, {target} and {change}`."""
    return listed([f"{{{name}}}" for name in known])


def _change(kpi: Mapping[str, Any], *decimals: int) -> str | None:
    """The difference of the two figures as printed, with its direction: `a rise of 3 percentage points`."""
    if not (_known(kpi["value"]) and _known(kpi["previous_value"])):
        return None
    now, then = (
        Decimal(rounded(kpi[name], places).replace(",", ""))
        for name, places in zip(("value", "previous_value"), decimals, strict=True)
    )
    if now == then:
        return "no change"
    unit = "percentage points" if kpi["unit"] == "%" else kpi["unit"]
    size = show(float(abs(now - then)), unit, max(decimals))
    if unit == "percentage points" and abs(now - then) == 1:
        size = size.removesuffix("s")
    return f"{'a rise' if now > then else 'a fall'} of {size}"


def _shown(value: float, words: Callable[[float], str]) -> str | None:
    return words(value) if _known(value) else None


def _known(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
