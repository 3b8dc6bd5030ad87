"""Several councils beside each other: all ratings as a grid, and how each KPI's figures lie."""

from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import Html, looks, paragraphs, render, report_table
from kpi_tools.publications.site import figure_cell, rating_cell, table_rows
from kpi_tools.terms import Terms
from kpi_tools.wording import Row, capitalised, in_doubt, is_number, listed, plural, show

_NAMED = 2
_ACROSS, _EDGE = 220.0, 6.0
_HEADS = ("Lowest", "Lower quarter", "Median", "Upper quarter", "Highest")
Rows = dict[str, Row]
"""The rows of one KPI by council."""


def comparison(table: pd.DataFrame, councils: Sequence[Returns]) -> Html:
    """The page's body: a row for each KPI id that several councils have in one unit and sense.

    `table`: their long table; of each council the latest report counts. A figure in doubt stands in
    the grid with its mark and is left out of the distribution.
    """
    found: dict[str, Rows] = {}
    for row in table_rows(table[table["known_now"] & table["is_latest"]]):
        found.setdefault(row["kpi_id"], {})[row["council"]] = row
    several = {kpi_id: rows for kpi_id, rows in found.items() if len(rows) > 1}
    shared = {
        kpi_id: rows
        for kpi_id, rows in several.items()
        if len({(row["unit"], row["polarity"]) for row in rows.values()}) == 1
    }
    each = [f"{one.council.name}, {one.quarter.title}" for one in councils]
    stand = "stands" if len(shared) == 1 else "stand"
    sentences = [
        f"The latest report of each: {listed(each)}.",
        f"{capitalised(plural(len(shared), 'KPI'))} of {len(found):,} {stand} in more than one "
        "council's report under one id.",
    ]
    if unlike := sorted(several.keys() - shared.keys()):
        sentences.append(f"Not compared, since unit or sense differ: {', '.join(unlike)}.")
    body = paragraphs(*sentences)
    if not shared:
        return body
    colours = {one.council.name: looks(Terms(one.council)) for one in councils}
    grid = [
        {"KPI": _name(rows), **{name: _cell(rows.get(name), colours[name]) for name in colours}}
        for rows in shared.values()
    ]
    lie = [_distribution(rows) for rows in shared.values()]
    body += report_table(pd.DataFrame(grid), "Ratings and latest figures", name="grid", wide=True)
    return body + report_table(
        pd.DataFrame(lie), "How the figures lie", name="distribution", wide=True
    )


def _name(rows: Rows) -> str:
    one = next(iter(rows.values()))
    return f"{one['kpi_name']} ({one['kpi_id']})"


def _cell(row: Row | None, colours: dict[str, str]) -> Html | str:
    if row is None:
        return "–"
    return Html(rating_cell(row, colours).markup + " " + figure_cell(row, mark=False).markup)


def _distribution(rows: Rows) -> dict[str, Any]:
    known = {
        name: row for name, row in rows.items() if is_number(row["value"]) and not in_doubt(row)
    }
    one = next(iter(rows.values()))
    blank = {"KPI": _name(rows), "Councils": len(known)}
    if not known:
        return blank | dict.fromkeys((*_HEADS, "Picture"), "–")
    values = sorted(float(row["value"]) for row in known.values())
    parts = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    figures = [
        show(value, one["unit"], int(one["decimals"])) for value in (values[0], *parts, values[-1])
    ]
    span = (values[-1] - values[0]) or 1.0
    *ticks, median = (
        round(_EDGE + (value - values[0]) / span * (_ACROSS - 2 * _EDGE), 1)
        for value in (*values, parts[1])
    )
    text = f"{len(values)} figures from {figures[0]} to {figures[-1]}, median {figures[2]}"
    picture = render("strip.html.j2", ticks=ticks, median=median, across=_ACROSS, text=text)
    for place in (0, -1):
        who = sorted(name for name, row in known.items() if float(row["value"]) == values[place])
        named = listed(who) if len(who) <= _NAMED else plural(len(who), "council")
        figures[place] = f"{figures[place]} ({named})"
    return blank | dict(zip(_HEADS, figures, strict=True)) | {"Picture": picture}
