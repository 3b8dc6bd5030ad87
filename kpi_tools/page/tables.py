"""Tables → the report's tables: every one with a caption and scoped headers, made by one function."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.page.html import Html, render, slug, small
from kpi_tools.vocabulary import (
    ESTIMATED,
    ILLUSTRATIVE,
    NEGATIVE,
    NOT_ENOUGH_DATA,
    NOT_RATED,
    NOT_TESTABLE,
    POSITIVE,
    RAG_MEANINGS,
    RAGS,
    STABLE,
    TRENDS,
)
from kpi_tools.words.wording import change_in_words, decimals_against, show, show_against, show_line

RATINGS, DIRECTION = "RAG rating", "Direction of travel"
_OTHER = "other"
_SHORT = {POSITIVE: "Positive", STABLE: "Stable", NEGATIVE: "Negative", _OTHER: "Not tested"}

Column = tuple[str, str]

_HEAD: Column = ("", "Section")
_WORDS: dict[Column, str] = (
    {("", "KPIs"): "kpis"}
    | {(RATINGS, rag): rag for rag in (*RAGS, NOT_RATED)}
    | {(DIRECTION, short): word for word, short in _SHORT.items()}
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
    aligned = [False, *(numbers or pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes.iloc[1:])]
    records = list(frame.itertuples(index=False, name=None))
    rows = [
        {
            "head": row[0],
            "total": place >= len(records) - totals,
            "cells": [{"text": cell, "number": number} for cell, number in zip(row[1:], aligned[1:], strict=True)],
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


def badge(rag: str | None) -> Html:
    """A rating as word, colour and shape; `Not rated` for none."""
    return small("badge", NOT_RATED if rag is None or pd.isna(rag) else rag)


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
        ratings=[(name, f"{meaning[0].upper()}{meaning[1:]}") for name, meaning in RAG_MEANINGS.items()],
        directions=[
            (POSITIVE, "Performance is improving over the quarters shown, by more than chance explains"),
            (STABLE, "No change that chance would not explain"),
            (NEGATIVE, "Performance is worsening over the quarters shown, by more than chance explains"),
            (NOT_ENOUGH_DATA, "Fewer than five of the quarters shown have a figure"),
            (NOT_TESTABLE, "The figures add up over the year, so a trend in them means nothing"),
        ],
        words=[
            ("Target", "The level agreed for the period: a dashed line in the charts"),
            ("Floor standard", "The level below which performance is Red: a dotted line in the charts"),
            ("Activity indicator", "Shows demand; it has an expected range, no target and no rating"),
            (
                figure_with_status("", ESTIMATED),
                "Not a final figure: estimated, provisional or read from a published chart",
            ),
            (figure_with_status("", ILLUSTRATIVE), "Invented to complete the picture; not a fact about any council"),
        ],
    )


def matrix(kpis: pd.DataFrame, sections: Sequence[str], previous: Mapping[str, int] | None = None) -> Html:
    """Sections × ratings and directions, with totals.

    `kpis`: one row per KPI with `section`, `rag`, `direction_of_travel`. `previous`: the last report's counts as
    `scorecard.counts` gives them, for two more rows: what it had, and the change.
    """
    rows: list[dict[Column, Any]] = [{_HEAD: name} | _counted(kpis[kpis["section"] == name]) for name in sections]
    total = _counted(kpis)
    rows.append({_HEAD: "All KPIs"} | total)
    if previous is not None:
        before = {column: previous[_WORDS[column]] for column in total}
        rows.append({_HEAD: "Previous report"} | before)
        rows.append({_HEAD: "Change"} | {column: _signed(total[column] - then) for column, then in before.items()})
    frame = pd.DataFrame([list(row.values()) for row in rows], dtype=object)
    frame.columns = pd.Index(list(rows[0]), tupleize_cols=False)
    return report_table(
        frame,
        "KPIs by section, with how many have each rating and direction of travel",
        name="matrix",
        totals=1 if previous is None else 3,
        look="kpi-matrix",
        numbers=True,
        wide=True,
    )


def scoreboard(kpis: pd.DataFrame, previous: Mapping[str, int] | None = None) -> Html:
    """The counts of ratings and directions in large figures, each with its change on the `previous` report's counts.

    What is none now and was none before, such as "not rated", is left out.
    """
    groups = []
    for title in (RATINGS, DIRECTION):
        tiles = []
        for (group, label), count in _counted(kpis).items():
            word = _WORDS[group, label]
            before = previous[word] if previous is not None else None
            if group == title and (word in (*RAGS, *TRENDS) or count or before):
                change = None if before is None else _changed(count - before)
                tiles.append({"name": word, "label": label, "count": count, "change": change})
        groups.append({"title": title, "anchor": f"board-{slug(title)}", "tiles": tiles})
    return render("scoreboard.html.j2", groups=groups)


def _counted(kpis: pd.DataFrame) -> dict[Column, int]:
    """How many KPIs there are, have each rating, and have each direction: both add up to all."""
    ratings = kpis["rag"].fillna(NOT_RATED)
    directions = kpis["direction_of_travel"].where(kpis["direction_of_travel"].isin(TRENDS), _OTHER)
    found = {"kpis": len(kpis)} | ratings.value_counts().to_dict() | directions.value_counts().to_dict()
    return {column: int(found.get(word, 0)) for column, word in _WORDS.items()}


def reds(kpis: pd.DataFrame) -> Html:
    """Every Red KPI with its figures and its management action, linked to its card."""
    entries = [
        {
            "anchor": f"kpi-{slug(row['kpi_id'])}",
            "name": row["kpi_name"],
            "section": row["section"],
            "direction": row["direction_of_travel"],
            "action": _text(row["management_action"]),
            "commentary_status": _text(row["commentary_status"]),
            "status": row["status"],
            "target_status": row["target_status"],
            "previous_status": _text(row["previous_status"]),
            "latest": show(row["value"], row["unit"], _places(row)),
            "floor": show_line(row["floor_standard"], row["unit"], row["decimals"]),
            "distance": _distance(row),
            "previous": show_against(
                row["previous_value"],
                row["unit"],
                row["decimals"],
                (row["previous_target"], row["previous_floor_standard"]),
            ),
            "previous_rag": _text(row["previous_rag"]),
        }
        for row in kpis[kpis["rag"] == "Red"].to_dict("records")
    ]
    if not entries:
        return Html(Markup("<p>No KPI is rated Red.</p>"))
    return render("reds.html.j2", reds=entries)


def _places(row: dict[str, Any]) -> int:
    """As many decimals as the floor standard has, and as it takes to tell the figure from its lines."""
    written = -int(Decimal(repr(float(row["floor_standard"]))).normalize().as_tuple().exponent)
    return max(written, decimals_against(row["value"], row["decimals"], (row["target"], row["floor_standard"])))


def _distance(row: dict[str, Any]) -> str:
    """How far the figure is from its floor standard: `9 percentage points below`."""
    gap = row["value"] - row["floor_standard"]
    unit = "percentage points" if row["unit"] == "%" else row["unit"]
    return f"{show(abs(gap), unit, _places(row))} {'below' if gap < 0 else 'above'}"


def _signed(change: int) -> str:
    return f"{change:+d}".replace("-", "−") if change else "0"


def _changed(change: int) -> str:
    return f"{change_in_words(change)} {'than' if change else 'as'} last quarter"


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


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
