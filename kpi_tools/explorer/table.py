"""A directorate as one table and its views as plain data: what the screen shows, in the notebook and on the offline page.

Everything here is text, numbers and lists, so that it can be sent to a browser as it is; the front end only lays it out.
"""

import math
from typing import Any

import pandas as pd

from kpi_tools.assurance import BY_LUCK
from kpi_tools.doubts import MARK
from kpi_tools.explorer.charts import several_picture
from kpi_tools.explorer.evidence import Evidence, said_so_far
from kpi_tools.explorer.points import facts
from kpi_tools.explorer.sentences import standing
from kpi_tools.explorer.views import VIEWS, view
from kpi_tools.page.chart_words import quality_notes
from kpi_tools.page.html import looks, slug
from kpi_tools.page.overviews import assurance_marks
from kpi_tools.quarters import Quarter
from kpi_tools.terms import Terms, names
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    FINAL,
    ILLUSTRATIVE,
    MONITORED,
    NOT_RATED,
    SPECIAL_CAUSES,
)
from kpi_tools.wording import (
    Row,
    capitalised,
    figure_of,
    in_doubt,
    is_number,
    is_text,
    line_of,
    period_of,
    plural,
    rows_by,
    rows_of,
)

_FIGURES = [
    "kpi_id",
    "period",
    "value",
    "numerator",
    "denominator",
    "target",
    "floor_standard",
    "rating",
    "status",
]
COLUMNS = {
    "limits": [
        "kpi_id",
        "period",
        "value",
        "mean",
        "lower_limit",
        "upper_limit",
        "target",
        "special_cause",
        "rule",
        "status",
    ],
    "areas": ["kpi_id", "area", "period", "value", "status", "source"],
}
"""The columns of a view's table, as it is taken away; those of the others are the quarters'."""


def screen(known: Evidence, directorate: str, **more: Any) -> dict[str, Any]:
    """The whole screen but for its pictures: the KPIs in order of consequence, and what can be chosen of them."""
    council, quarter = known.returns.council, known.returns.quarter
    terms = Terms(council)
    kpis = [_row(row, known, terms) for row in _named(known)]
    colours = looks(terms)
    there = {kpi["rating"] for kpi in kpis}
    bands = [*reversed(terms.looks), NOT_RATED, MONITORED]
    good, flat, bad = terms.states
    return {
        "directorate": directorate or "All directorates",
        "quarter": quarter.label,
        "title": quarter.title,
        "council": council.name,
        "as_at": _as_at(known),
        "words": {
            "kpi": terms.word("kpi"),
            "kpis": terms.word("kpi", 2),
            "target": terms.head("target"),
        },
        "bands": [{"name": n, "look": colours[n]} for n in bands if n in there or n in terms.looks],
        "directions": [[bad, "Worse"], [flat, "No trend"], [good, "Better"]],
        "views": [[name, title] for name, title in VIEWS.items()],
        "kpis": kpis,
        **more,
    }


def shown(known: Evidence, kpi_id: str, name: str, size: str) -> dict[str, Any]:
    """One view of one KPI: its drawing (`svg`), where its points stand in it (`places`), the figures behind it (`table`).

    With it its `notes`, its `legend` and the point to begin with (`latest`). `several`: the course, for beside others.
    """
    figures = {"table": table(known, kpi_id, name)}
    if name == "several":
        quarters = sorted(set(known.quarters["quarter"]), key=Quarter.parse)
        small = several_picture(
            known.of("quarters", kpi_id), quarters, Terms(known.returns.council)
        )
        alt = f"{kpi_id}: {figure_of(known.kpi(kpi_id))}, {known.kpi(kpi_id)['rating']}"
        svg = small.svg(f"kx-{slug(kpi_id)}-several", f"{kpi_id} beside others", alt)
        return {"svg": svg, "places": small.places(), **figures}
    drawn = view(name, known, kpi_id, size)
    stem = f"kx-{slug(kpi_id)}-{name}-{size.lower()}"
    svg = ""
    if drawn.picture.points:
        svg = drawn.picture.svg(stem, f"{kpi_id}: {VIEWS[name]}", drawn.description)
    texts = {"notes": drawn.notes, "legend": drawn.legend, "latest": drawn.latest}
    return {"svg": svg, "places": drawn.picture.places(), **texts, **figures}


def facts_of(known: Evidence, kpi_id: str, commentary: pd.DataFrame) -> dict[str, Any]:
    """The facts of all points of a KPI, by their id."""
    said = said_so_far(known, commentary[commentary["kpi_id"] == kpi_id])
    colours = looks(Terms(known.returns.council))
    return {
        name: {**vars(one), "look": colours.get(one.rating, "")}
        for name, one in facts(known, kpi_id, said).items()
    }


def table(known: Evidence, kpi_id: str, name: str) -> dict[str, list[Any]]:
    """The figures of a view: `columns` and `rows`, as they are taken away; nothing stands in place of what is not known."""
    tables = {"limits": known.of("points", kpi_id), "areas": known.benchmarks(kpi_id)}
    columns = COLUMNS.get(name, _FIGURES)
    rows = tables.get(name, known.of("quarters", kpi_id))[columns]
    cells = [[_cell(cell) for cell in row.values()] for row in rows_of(rows)]
    return {"columns": columns, "rows": cells}


def _cell(cell: Any) -> Any:
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)) or cell is pd.NA:
        return ""
    return int(cell) if isinstance(cell, float) and cell == int(cell) else cell


def _named(known: Evidence) -> list[Row]:
    short = names(known.kpis, short=True)
    return [row | {"short": short[row["kpi_id"]]} for row in rows_of(known.kpis)]


def _row(kpi: Row, known: Evidence, terms: Terms) -> dict[str, Any]:
    colours, kpi_id = looks(terms), kpi["kpi_id"]
    doubted = in_doubt(kpi) or bool(len(known.of("doubts", kpi_id)))
    line = next(iter(terms.lines(kpi)), "target")
    unusual = kpi["variation"] if kpi["variation"] in SPECIAL_CAUSES else ""
    return {
        "id": kpi_id,
        "name": kpi["kpi_name"],
        "short": kpi["short"],
        "section": kpi["section"],
        "owner": kpi["owner"] if is_text(kpi["owner"]) else "",
        "rating": kpi["rating"],
        "look": colours.get(kpi["rating"], "not-rated"),
        "value": f"{figure_of(kpi, bare=True)}{MARK if in_doubt(kpi) else ''}",
        "target": line_of(kpi, line, bare=True) if is_number(kpi.get(line)) else "",
        "six": _six(rows_by(known.recent)[kpi_id], colours),
        "direction": kpi["arrow"] if is_text(kpi["arrow"]) else kpi["direction_of_travel"],
        "way": _way(kpi, terms),
        "why": _reason(kpi),
        "unusual": unusual,
        "marks": assurance_marks(kpi),
        "doubt": doubted,
        "lead": " ".join([standing(known, kpi_id), *quality_notes(kpi)]),
        "source": kpi["source"] if is_text(kpi["source"]) else "",
    }


def _six(rows: list[Row], colours: dict[str, str]) -> list[dict[str, str]]:
    """The ratings shown, each with its quarter, colour and how sure its figure is."""
    sure = {FINAL: "final", ILLUSTRATIVE: "hollow"}
    return [
        {
            "title": period_of(row),
            "rating": row["rating"],
            "look": colours.get(row["rating"], "not-rated"),
            "sure": "doubt" if in_doubt(row) else sure.get(row["status"], "pale"),
        }
        for row in rows
    ]


def _way(kpi: Row, terms: Terms) -> str:
    """Where the arrow points: up and down as the figure goes, across where there is no clear trend, else nowhere."""
    good, flat, bad = terms.states
    state = kpi["arrow"] if is_text(kpi["arrow"]) else kpi["direction_of_travel"]
    if state == flat:
        return "across"
    if state not in (good, bad) or not is_number(kpi["arrow_change"]):
        return ""
    return "up" if kpi["arrow_change"] > 0 else "down"


def _reason(kpi: Row) -> str:
    """Why a KPI stands where it does in the order; what the limits say says it for those that are Green by luck."""
    reading = [kpi["reading"]] if is_text(kpi["reading"]) else []
    texts = reading if kpi["consequence"].endswith(BY_LUCK) else [kpi["consequence"], *reading]
    if kpi["variation"] not in (COMMON_CAUSE, *SPECIAL_CAUSES):
        texts.append(str(kpi["variation"]))
    return " ".join(f"{capitalised(text)}." for text in texts)


def _as_at(known: Evidence) -> str:
    """Up to when the returns were read, and which of the latest figures are not final."""
    latest = known.kpis[known.kpis["value"].notna()]
    others = latest.loc[latest["status"] != FINAL, "status"].value_counts()
    said = [f"{plural(int(count), 'figure')} {status}" for status, count in others.items()]
    return f"As at {known.returns.quarter.title}. Latest figures: {', '.join(said) or 'all final'}."
