"""Tokens in commentary: `{value}` stands for the figure that the table shows, so prose and table
cannot differ; `{{` gives a brace."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from kpi_tools.quarters import Quarter
from kpi_tools.rows import is_number
from kpi_tools.schemes import Scheme
from kpi_tools.vocabulary import NOT_RATED, SUPPRESSED
from kpi_tools.wording import (
    amount,
    decimals_against,
    figure_of,
    in_words,
    line_of,
    listed,
    rounded,
)

KPI_TOKENS: Final = (
    *("value", "target", "floor_standard", "previous", "change", "year_ago", "numerator"),
    *("denominator", "quarter", "previous_quarter", "rating", "previous_rating"),
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
    """What is wrong with tokens of `text`: a sentence for each not `known`, or without an end."""
    faults = []
    for part in _PART.finditer(text):
        if part[0] == "{":
            faults.append("A brace is opened and not closed.")
        elif part[1] is not None and part[1].strip() not in known:
            faults.append(f"There is no token {part[0]} here.")
    return list(dict.fromkeys(faults))


def without_figure(text: str, figures: Mapping[str, str | None]) -> list[str]:
    """The tokens of `text` that are known and have no figure in this quarter, as written."""
    names = [part[1].strip() for part in _PART.finditer(text) if part[1] is not None]
    return [f"{{{name}}}" for name in dict.fromkeys(names) if figures.get(name, "") is None]


def filled(text: str, figures: Mapping[str, str | None]) -> str:
    """`text` with each token replaced by its figure; one without stays: a visible gap."""

    def figure(part: re.Match[str]) -> str:
        if part[0] in ("{{", "}}"):
            return part[0][0]
        return figures.get((part[1] or "").strip()) or part[0]

    return _PART.sub(figure, text)


def kpi_figures(kpi: Mapping[str, Any]) -> dict[str, str | None]:
    """What each of KPI_TOKENS says for a row of the scorecard; None where there is no figure. As
    the card prints it. A figure that is suppressed is `[c]`, and so is its rating and the change to
    or from it."""
    row, quarter = dict(kpi), Quarter.parse(kpi["quarter"])
    figures = {"change": _change(row), **_quarters(quarter)}
    for name, of in (("value", ""), ("previous", "previous_"), ("year_ago", "year_ago_")):
        figures[name] = figure_of(row, of) if is_number(row[f"{of}value"]) else None
    for line in ("target", "floor_standard"):
        figures[line] = line_of(row, line) if is_number(row[line]) else None
    for name in ("rating", "previous_rating"):
        figures[name] = None if row[name] == NOT_RATED else row[name]
    for part in ("numerator", "denominator"):
        figures[part] = f"{row[part]:,.0f}" if is_number(row[part]) else None
    for status, tokens in _HIDDEN_WITH.items():
        if row.get(status) == SUPPRESSED:
            figures |= {token: WITHHELD for token in tokens if figures[token] is None}
    return figures


def section_tokens(schemes: Mapping[str, Scheme]) -> list[str]:
    """The tokens of a commentary on a section: quarters, and how many KPIs have each rating."""
    bands = [band.name for scheme in schemes.values() for band in scheme.bands]
    counted = ["kpis", *map(_token, [*bands, NOT_RATED])]
    return list(dict.fromkeys(["quarter", "previous_quarter", *counted]))


def section_figures(counts: Mapping[str, int], quarter: Quarter) -> dict[str, str | None]:
    """What each token of a section says: the quarter, and counts of the section's KPIs."""
    counted = {_token(name): in_words(number) for name, number in counts.items()}
    return {**_quarters(quarter), **counted}


def _token(rating: str) -> str:
    """`on_course` for a band called On course."""
    return re.sub(r"\W+", "_", rating.casefold()).strip("_")


def _quarters(quarter: Quarter) -> dict[str, str | None]:
    return {"quarter": quarter.title, "previous_quarter": quarter.shift(-1).title}


def listing(known: Collection[str]) -> str:
    """The tokens that there are, for a sentence: `{value}, {target} and {change}`."""
    return listed([f"{{{name}}}" for name in known])


def _change(row: dict[str, Any]) -> str | None:
    """The difference of the figures as printed: `a rise of 3 percentage points`."""
    if not (is_number(row["value"]) and is_number(row["previous_value"])):
        return None
    printed, most = [], 0
    for of in ("", "previous_"):
        lines = (row[f"{of}target"], row[f"{of}floor_standard"])
        places = decimals_against(row[f"{of}value"], int(row["decimals"]), lines)
        printed.append(Decimal(rounded(row[f"{of}value"], places).replace(",", "")))
        most = max(most, places)
    now, then = printed
    if now == then:
        return "no change"
    by = amount(float(now - then), row["unit"], most, points="percentage points")
    return f"{'a rise' if now > then else 'a fall'} of {by}"
