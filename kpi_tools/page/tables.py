"""Tables → the report's tables: every one with a caption and scoped headers, made by one function."""

from typing import Any

import pandas as pd

from kpi_tools.page.html import Html, render, slug, small
from kpi_tools.vocabulary import (
    ESTIMATED,
    ILLUSTRATIVE,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_TESTABLE,
    POSITIVE,
    RAG_MEANINGS,
    STABLE,
)


def report_table(
    frame: pd.DataFrame,
    caption: str,
    *,
    name: str | None = None,
    totals: int = 0,
    wide: bool = False,
    quiet: bool = False,
    look: str = "",
    numbers: bool = False,
) -> Html:
    """`frame` as a table: first column = row headers, the rest cells; numbers stand right, text (or `Html`) left.

    Column labels that are pairs give two rows of heads, the first naming a group. `totals`: how many of the last rows
    are totals. `wide`: the table scrolls by itself on narrow screens. `quiet`: the caption is read aloud but not seen.
    `numbers`: all cells are numbers, also where the column holds other things.
    `name` is the stem of the caption's id, to be unique on the page (default: the caption's words).
    """
    aligned = [
        False,
        *(numbers or pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes.iloc[1:]),
    ]
    records = list(frame.itertuples(index=False, name=None))
    rows = [
        {
            "head": row[0],
            "total": place >= len(records) - totals,
            "cells": [
                {"text": cell, "number": number}
                for cell, number in zip(row[1:], aligned[1:], strict=True)
            ],
        }
        for place, row in enumerate(records)
    ]
    return render(
        "table.html.j2",
        heads=_heads(list(frame.columns), aligned),
        rows=rows,
        caption=caption,
        wide=wide,
        quiet=quiet,
        look=look,
        name=name or slug(caption),
    )


def badge(rating: str) -> Html:
    """A rating as word, colour and shape; `Not rated` for none."""
    return small("badge", rating)


def arrow(direction: str) -> Html:
    """A direction of travel as word and arrow."""
    return small("direction", direction)


def figure_with_status(text: str, status: str | None) -> Html:
    """A figure with the mark its status asks for: none for final ones."""
    return small("figure_with", text, status)


def key() -> Html:
    """What the colours, arrows, lines and marks mean."""
    return render(
        "key.html.j2",
        ratings=[
            (name, f"{meaning[0].upper()}{meaning[1:]}") for name, meaning in RAG_MEANINGS.items()
        ],
        directions=[
            (
                POSITIVE,
                "Performance is improving over the quarters shown, by more than chance explains",
            ),
            (STABLE, "No change that chance would not explain"),
            (
                NEGATIVE,
                "Performance is worsening over the quarters shown, by more than chance explains",
            ),
            (NOT_ENOUGH_DATA, "Fewer than five of the quarters shown have a figure"),
            (NOT_TESTABLE, "The figures add up over the year, so a trend in them means nothing"),
        ],
        outlook=[
            (
                "A judgement, not a fact",
                "What to expect if nothing changes: the line through the quarters shown carried on, or their mean where there "
                "is no clear trend. The range holds 19 times in 20. So few figures make a rough guide, which knows of no "
                "plan, action or season",
            ),
            (
                "Likelihood",
                "Very likely: 9 chances in 10 or more. Likely: 2 in 3 or more. Unlikely: under 1 in 3. Very unlikely: under "
                "1 in 10. Between: as likely as not",
            ),
        ],
        words=[
            ("Target", "The level agreed for the period: a dashed line in the charts"),
            (
                "Floor standard",
                "The level below which performance is Red: a dotted line in the charts",
            ),
            (
                "Activity indicator",
                "Shows demand; it has an expected range, no target and no rating",
            ),
            (
                "Same quarter last year",
                "Figures are not adjusted for the season: compare with this one where a season matters",
            ),
            (
                figure_with_status("", ESTIMATED),
                "Not a final figure: estimated, provisional or read from a published chart",
            ),
            (
                figure_with_status("", ILLUSTRATIVE),
                "Invented to complete the picture; not a fact about any council",
            ),
        ],
    )


def _heads(columns: list[Any], numbers: list[bool]) -> list[list[dict[str, Any]]]:
    plain = [
        {"text": column, "scope": "col", "span": 1, "down": 1, "number": number}
        for column, number in zip(columns, numbers, strict=True)
    ]
    if not any(isinstance(column, tuple) for column in columns):
        return [plain]
    groups: list[dict[str, Any]] = []
    below: list[dict[str, Any]] = []
    for (group, label), head in zip(columns, plain, strict=True):
        if not group:
            groups.append(head | {"text": label, "down": 2})
            continue
        below.append(head | {"text": label})
        if groups[-1]["text"] == group:
            groups[-1]["span"] += 1
        else:
            groups.append(head | {"text": group, "scope": "colgroup", "number": False})
    return [groups, below]
