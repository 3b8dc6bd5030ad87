"""Several councils beside each other: all ratings as a grid, and how the figures of each KPI lie."""

from collections.abc import Sequence
from statistics import quantiles
from typing import Any

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.html import (
    Html,
    badge,
    figure_with_status,
    looks,
    paragraphs,
    render,
    report_table,
)
from kpi_tools.terms import Terms
from kpi_tools.wording import (
    capitalised,
    figure_of,
    in_doubt,
    is_number,
    listed,
    plural,
    rows_of,
    show,
)

_FEWEST, _NAMED = 2, 2
_ACROSS, _EDGE = 220.0, 6.0


def comparison(table: pd.DataFrame, councils: Sequence[Returns]) -> Html:
    """The page's body: a KPI of one id stands in a row where at least two councils have it in the same unit and sense.

    `table`: their long table; of each council the latest report counts. A figure in doubt stands in the grid with its mark and
    is left out of the distribution.
    """
    latest = rows_of(
        table[table["known_now"] & table["is_latest"]].astype(object).where(table.notna(), None)
    )
    colours = {one.council.name: looks(Terms(one.council)) for one in councils}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in latest:
        found.setdefault(row["kpi_id"], {})[row["council"]] = row
    shared = {
        kpi_id: rows
        for kpi_id, rows in found.items()
        if len(rows) >= _FEWEST
        and len({(row["unit"], row["polarity"]) for row in rows.values()}) == 1
    }
    apart = sorted(k for k, rows in found.items() if len(rows) >= _FEWEST and k not in shared)
    said = [
        f"The latest report of each: {listed([f'{one.council.name}, {one.quarter.title}' for one in councils])}."
    ]
    some = f"{capitalised(plural(len(shared), 'KPI'))} of {len(found):,}"
    stand = "stands" if len(shared) == 1 else "stand"
    said.append(f"{some} {stand} in more than one council's report under one id.")
    if apart:
        said.append(f"Not compared, since unit or sense differ: {', '.join(apart)}.")
    body = paragraphs(*said)
    if not shared:
        return body
    grid = [
        {"KPI": _name(rows), **{name: _cell(rows.get(name), colours[name]) for name in colours}}
        for rows in shared.values()
    ]
    lie = [_distribution(rows) for rows in shared.values()]
    body += report_table(pd.DataFrame(grid), "Ratings and latest figures", name="grid", wide=True)
    return body + report_table(
        pd.DataFrame(lie), "How the figures lie", name="distribution", wide=True
    )


def _name(rows: dict[str, dict[str, Any]]) -> str:
    one = next(iter(rows.values()))
    return f"{one['kpi_name']} ({one['kpi_id']})"


def _cell(row: dict[str, Any] | None, colours: dict[str, str]) -> Html | str:
    if row is None:
        return "–"
    mark = badge(row["rating"], colours.get(row["rating"]), doubted=in_doubt(row))
    figure = figure_with_status(figure_of(row), row["status"] if row["value"] is not None else None)
    return Html(mark.markup + " " + figure.markup)


def _who(names: list[str]) -> str:
    return listed(sorted(names)) if len(names) <= _NAMED else plural(len(names), "council")


def _distribution(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    known = {
        name: row for name, row in rows.items() if is_number(row["value"]) and not in_doubt(row)
    }
    one = next(iter(rows.values()))
    blank = {"KPI": _name(rows), "Councils": len(known)}
    heads = ("Lowest", "Lower quarter", "Median", "Upper quarter", "Highest")
    if not known:
        return blank | dict.fromkeys(heads, "–") | {"Picture": "–"}
    values = sorted(float(row["value"]) for row in known.values())
    parts = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    shown = [
        show(value, one["unit"], int(one["decimals"])) for value in (values[0], *parts, values[-1])
    ]
    low, high = (
        _who([name for name, row in known.items() if float(row["value"]) == end])
        for end in (values[0], values[-1])
    )
    span = (values[-1] - values[0]) or 1.0

    def place(value: float) -> float:
        return round(_EDGE + (value - values[0]) / span * (_ACROSS - 2 * _EDGE), 1)

    picture = render(
        "strip.html.j2",
        ticks=[place(value) for value in values],
        median=place(parts[1]),
        across=_ACROSS,
        text=f"{len(values)} figures from {shown[0]} to {shown[-1]}, median {shown[2]}",
    )
    shown[0], shown[-1] = f"{shown[0]} ({low})", f"{shown[-1]} ({high})"
    return blank | dict(zip(heads, shown, strict=True)) | {"Picture": picture}
