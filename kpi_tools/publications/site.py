"""The pages of the site of all final reports: an index with a search, each KPI's history, the definitions.

Everything on them is of the final reports and of what was known at the latest of them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lxml.html
import pandas as pd
from markupsafe import Markup

from kpi_tools.loading import Returns
from kpi_tools.page.cards import card
from kpi_tools.page.chapters import beside
from kpi_tools.page.html import (
    Html,
    badge,
    figure_with_status,
    looks,
    paragraphs,
    render,
    report_table,
    slug,
)
from kpi_tools.publications.data import SCHEMA
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import score
from kpi_tools.terms import Terms, names
from kpi_tools.vocabulary import ILLUSTRATIVE
from kpi_tools.wording import capitalised, figure_of, in_doubt, line_of, rows_by, rows_of

_SHOWN = 600
"""So many characters of what a report says of a KPI are searched."""
_KINDS = (
    ("report.html", "report"),
    ("onepage.html", "one page"),
    ("report.pdf", "PDF"),
    ("onepage.pdf", "one page, PDF"),
    ("report.docx", "Word"),
    ("kpis.xlsx", "Excel"),
    ("kpis.csv", "CSV"),
)


@dataclass(frozen=True)
class Published:
    """A final report: the folder `name` with its `files`; of a `part` of the council, where it is of one."""

    name: str
    quarter: Quarter
    version: int
    part: str
    ratings: Mapping[str, int]
    files: tuple[str, ...]
    page: str


@dataclass(frozen=True)
class Page:
    """A page of the site; `index`: what its search finds, of each entry the address, title, place and text."""

    title: str
    body: Html
    index: Sequence[tuple[str, str, str, str]] = ()


def site_pages(
    returns: Returns,
    recent: pd.DataFrame,
    table: pd.DataFrame,
    finals: Sequence[Published],
    explorers: Mapping[str, str] | None = None,
) -> dict[str, Page]:
    """The pages by their place in the site.

    Args:
        returns: What was known at the latest final report.
        recent: The figures that it shows.
        table: The long table (`data.long_table`) of the final reports.
        finals: The final reports, earlier versions and parts among them, the latest first.
        explorers: The places of the explorer's pages, by directorate.
    """
    kpis = score(recent, returns)
    council = returns.council
    pages = {
        "index.html": _index(returns, kpis, finals, explorers or {}),
        "definitions.html": _definitions(returns, kpis),
    }
    with_cards, points, called = beside(kpis, recent, returns), rows_by(recent), names(kpis)
    there = {final.quarter.label: final.name for final in reversed(finals) if not final.part}
    colours = looks(Terms(council))
    for row in rows_of(kpis):
        own = table[table["kpi_id"] == row["kpi_id"]]
        heading = Html(
            Markup('<h2 id="latest">{}</h2>').format(f"In the report for {returns.quarter.title}")
        )
        body = (
            heading
            + card(row, points[row["kpi_id"]], with_cards)
            + _as_reported(row, own, there, colours)
        )
        pages[f"kpi/{slug(row['kpi_id'])}.html"] = Page(
            f"{called[row['kpi_id']]}: {council.name}", body + _as_known(own, colours, council)
        )
    return pages


def _link(address: str, text: str) -> Html:
    return Html(Markup('<a href="{}">{}</a>').format(address, text))


def _index(
    returns: Returns, kpis: pd.DataFrame, finals: Sequence[Published], explorers: Mapping[str, str]
) -> Page:
    terms, colours = Terms(returns.council), looks(Terms(returns.council))
    called = names(kpis)
    groups = [
        {
            "title": name,
            "rows": [
                {
                    "address": f"kpi/{slug(row['kpi_id'])}.html",
                    "name": called[row["kpi_id"]],
                    "id": row["kpi_id"],
                    "figure": figure_with_status(
                        figure_of(row) + " ?" * in_doubt(row), row["status"]
                    ),
                    "badge": badge(
                        row["rating"], colours.get(row["rating"]), doubted=in_doubt(row)
                    ),
                }
                for row in rows_of(kpis[kpis["section"] == name])
            ],
        }
        for name in returns.council.sections
        if (kpis["section"] == name).any()
    ]
    body = render(
        "site_index.html.j2",
        reports=_reports(finals, terms.ratings),
        groups=groups,
        kpis=terms.word("kpi", 2),
        latest=returns.quarter.title,
        explorers=explorers,
    )
    found = [
        (
            f"kpi/{slug(row['kpi_id'])}.html",
            called[row["kpi_id"]],
            "history",
            " ".join(
                str(row[n])
                for n in ("kpi_id", "section", "short_name", "definition")
                if isinstance(row[n], str)
            ),
        )
        for row in rows_of(kpis)
    ]
    for final in finals:
        if not final.part:
            found += _said(final)
    return Page(f"{returns.council.report_title}s of {returns.council.name}", body, found)


def _reports(finals: Sequence[Published], ratings: Sequence[str]) -> Html:
    rows = []
    for final in finals:
        version = f", version {final.version}" * (final.version > 1 or "-version-" in final.name)
        files = [
            _link(f"{final.name}/{file}", word) for file, word in _KINDS if file in final.files
        ]
        counts = ", ".join(
            f"{final.ratings[one]} {one}" for one in ratings if final.ratings.get(one)
        )
        rows.append(
            {
                "Report": f"{final.quarter.title}{version}{f': {final.part}' if final.part else ''}",
                "Ratings": counts,
                "Read it as": Html(Markup(", ").join(file.markup for file in files)),
            }
        )
    return report_table(
        pd.DataFrame(rows),
        "All final reports, the latest first",
        name="reports",
        wide=True,
        quiet=True,
    )


def _said(final: Published) -> Iterable[tuple[str, str, str, str]]:
    """What the report of a quarter says of each KPI, for the search: read from its page."""
    main = lxml.html.fromstring(final.page)
    for article in main.iter("article"):
        anchor, title = article.get("id", ""), article.find(".//h3")
        if not anchor.startswith("kpi-") or title is None:
            continue
        words = [
            " ".join(" ".join(part.itertext()).split())
            for part in article.find_class("kpi-commentary") + article.find_class("kpi-action")
        ]
        name = re.sub(r"^[\d.]+ ", "", " ".join(title.text_content().split()))
        yield (
            f"{final.name}/report.html#{anchor}",
            name,
            final.quarter.title,
            " ".join(words)[:_SHOWN],
        )


def _as_reported(
    row: Any, own: pd.DataFrame, there: Mapping[str, str], colours: Mapping[str, str]
) -> Html:
    """The KPI in each final report, as it was printed, with a link to its card there."""
    rows = [
        {
            "Report": _link(
                f"../{there[one['report']]}/report.html#kpi-{slug(row['kpi_id'])}",
                Quarter.parse(one["report"]).title,
            ),
            **_cells(one, colours),
            "Direction": capitalised(one["direction_of_travel"] or ""),
        }
        for one in reversed(rows_of(own[own["is_latest"]].astype(object).where(own.notna(), None)))
        if one["report"] in there
    ]
    return report_table(pd.DataFrame(rows), "As each report printed it", name="reported", wide=True)


def _as_known(own: pd.DataFrame, colours: Mapping[str, str], council: Any) -> Html:
    now = own[own["known_now"]].astype(object).where(own.notna(), None)
    rows = [{"Period": one["period"], **_cells(one, colours)} for one in reversed(rows_of(now))]
    for cells in rows:
        cells.pop("Covers", None)
    return report_table(
        pd.DataFrame(rows), "Every figure, as known at the latest report", name="known", wide=True
    )


def _cells(one: dict[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    lines = {"target": "Target", "floor_standard": "Floor standard"}
    return {
        "Covers": one["period"],
        "Figure": figure_with_status(
            figure_of(one) + " ?" * in_doubt(one),
            one["status"] if one["value"] is not None else None,
        ),
        **{
            head: figure_with_status(
                line_of(one, name), one["target_status"] if one[name] is not None else None
            )
            for name, head in lines.items()
        },
        "Rating": badge(one["rating"], colours.get(one["rating"]), doubted=in_doubt(one)),
    }


def _definitions(returns: Returns, kpis: pd.DataFrame) -> Page:
    called, terms = names(kpis), Terms(returns.council)
    rows = [
        {
            terms.head("kpi"): _link(f"kpi/{slug(row['kpi_id'])}.html", called[row["kpi_id"]]),
            "Id": row["kpi_id"],
            "Definition": figure_with_status(
                row["definition"] if isinstance(row["definition"], str) else "none given",
                ILLUSTRATIVE if row["kpi_status"] == ILLUSTRATIVE else None,
            ),
            "Unit": row["unit"],
            "Better": row["polarity"],
            "Accountable": row["owner"] if isinstance(row["owner"], str) else row["directorate"],
        }
        for row in rows_of(kpis)
    ]
    columns = [
        {"Column": one["name"], "Type": one["type"], "Meaning": one["description"]}
        for one in SCHEMA["fields"]
    ]
    links = [
        _link(f"data/{name}", name).markup
        for name in ("kpis.csv", "kpis.parquet", "datapackage.json")
    ]
    said = Html(
        Markup("All figures as one table: {}. A row for each KPI, report and period.").format(
            Markup(", ").join(links)
        )
    )
    body = report_table(
        pd.DataFrame(rows), f"What each {terms.word('kpi')} counts", name="definitions", wide=True
    )
    body += paragraphs(said)
    body += report_table(
        pd.DataFrame(columns), "The columns of the data table", name="columns", wide=True
    )
    return Page(f"Data and definitions: {returns.council.name}", body)
