"""The pages of the site: index with a search, each KPI's history, definitions. All is of the final
reports, and of what was known at the latest of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lxml.html
import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.cards import Context, card, figures_table
from kpi_tools.page.chapters import context_of
from kpi_tools.page.facts import figure_cell, rating_cell
from kpi_tools.page.html import (
    Html,
    figure_with_status,
    paragraphs,
    render,
    report_table,
    slug,
)
from kpi_tools.parameters import corrections_of
from kpi_tools.publications.data import SCHEMA
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, in_doubt, rows_by, rows_of, text_of
from kpi_tools.scorecard import score
from kpi_tools.terms import Terms, names
from kpi_tools.vocabulary import CLOSEST, ILLUSTRATIVE, TREND_ARROW
from kpi_tools.wording import capitalised, listed, plural, show

_SEARCHED = 600
"""So many characters of what a report says of a KPI are searched."""
_FILES = {
    "report.html": "report",
    "onepage.html": "one page",
    "report.pdf": "PDF",
    "onepage.pdf": "one page, PDF",
    "report.docx": "Word",
    "kpis.xlsx": "Excel",
    "kpis.csv": "CSV",
}
_NAMED = 2
_ACROSS, _EDGE = 220.0, 6.0
_HEADS = ("Lowest", "Lower quarter", "Median", "Upper quarter", "Highest")
_DATA = ("kpis.csv", "kpis.parquet", "datapackage.json")
Entry = tuple[str, str, str, str]
"""What the search finds: its address, title, place and text."""


@dataclass(frozen=True)
class Final:
    """A final report; `noted` is its manifest."""

    folder: Path
    noted: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def quarter(self) -> Quarter:
        """Its quarter."""
        return Quarter.parse(self.noted["quarter"])

    @property
    def part(self) -> str:
        """The section or directorate that it is of; empty where it is of the whole council."""
        return str(self.noted["parameters"].get("only", ""))

    @property
    def version(self) -> int:
        """How many times it was published."""
        return 1 + len(corrections_of(self.noted["parameters"].get("corrections", "")))


@dataclass(frozen=True)
class Page:
    """A page of the site; `index` is what its search finds."""

    title: str
    body: Html
    index: Sequence[Entry] = ()


def site_pages(
    returns: Returns,
    recent: pd.DataFrame,
    table: pd.DataFrame,
    finals: Sequence[Final],
    explorers: Mapping[str, str],
) -> dict[str, Page]:
    """The pages by their place in the site. `returns`, `recent`: of the latest report; `table`: the
    `long_table` of `finals`, which are all final reports, earlier versions and parts too;
    `explorers`: places of pages by directorate."""
    kpis, council = score(recent, returns), returns.council
    called = names(kpis)
    with_cards, points = context_of(kpis, recent, returns), rows_by(recent)
    whole = {final.quarter.label: final.name for final in reversed(finals) if not final.part}
    pages = {
        "index.html": _index(returns, kpis, finals, explorers),
        "definitions.html": _definitions(returns, kpis),
    }
    latest = Html('<h2 id="latest">{}</h2>').format(f"In the report for {returns.quarter.title}")
    for row in rows_of(kpis):
        of_kpi = table[table["kpi_id"] == row["kpi_id"]]
        body = latest + card(row, points[row["kpi_id"]], with_cards)
        body += _history(row, of_kpi, whole, with_cards)
        title = f"{called[row['kpi_id']]}: {council.name}"
        pages[f"kpi/{slug(row['kpi_id'])}.html"] = Page(title, body)
    return pages


def _link(address: str, text: str) -> Html:
    return Html('<a href="{}">{}</a>').format(address, text)


def _links(folder: str, words: Mapping[str, str]) -> Html:
    """Links to files of a folder."""
    return Html(", ").join(_link(f"{folder}/{name}", word) for name, word in words.items())


def _index(returns: Returns, kpis: pd.DataFrame, finals: Sequence[Final], explorers: Any) -> Page:
    terms, called = Terms(returns.council), names(kpis)
    groups, found = dict[str, list[Row]](), list[Entry]()
    for row in rows_of(kpis):
        address, name = f"kpi/{slug(row['kpi_id'])}.html", called[row["kpi_id"]]
        line = {"address": address, "name": name, "id": row["kpi_id"]}
        line |= {"figure": figure_cell(row), "badge": rating_cell(row, terms)}
        groups.setdefault(row["section"], []).append(line)
        texts = (text_of(row[n]) for n in ("kpi_id", "section", "short_name", "definition"))
        found.append((address, name, "history", " ".join(filter(None, texts))))
    for final in (final for final in finals if not final.part):
        found += _sayings(final)
    body = render(
        "site_index.html.j2",
        reports=_reports(finals, terms.ratings),
        groups=groups,
        kpis=terms.word("kpi", 2),
        latest=returns.quarter.title,
        explorers=explorers,
    )
    return Page(f"{returns.council.report_title}s of {returns.council.name}", body, found)


def _reports(finals: Sequence[Final], ratings: Sequence[str]) -> Html:
    rows = []
    for final in finals:
        version = f", version {final.version}" * (final.version > 1 or "-version-" in final.name)
        there = {name: word for name, word in _FILES.items() if name in final.noted["outputs"]}
        counts = final.noted["ratings"]
        rows.append(
            {
                "Report": f"{final.quarter.title}{version}" + f": {final.part}" * bool(final.part),
                "Ratings": ", ".join(
                    f"{counts[name]} {name}" for name in ratings if counts.get(name)
                ),
                "Read it as": _links(final.name, there),
            }
        )
    return report_table(rows, "All final reports, the latest first", name="reports")


def _sayings(final: Final) -> Iterator[Entry]:
    """What the report of a quarter says of each KPI, read from its page."""
    page = (final.folder / "report.html").read_text(encoding="utf-8")
    for article in lxml.html.fromstring(page).iter("article"):
        anchor, title = article.get("id", ""), article.find(".//h3")
        if anchor.startswith("kpi-") and title is not None:
            parts = article.find_class("kpi-commentary") + article.find_class("kpi-action")
            words = " ".join(" ".join(" ".join(part.itertext()).split()) for part in parts)
            name = re.sub(r"^[\d.]+ ", "", " ".join(title.text_content().split()))
            address = f"{final.name}/report.html#{anchor}"
            yield address, name, final.quarter.title, words[:_SEARCHED]


def _history(kpi: Row, of_kpi: pd.DataFrame, whole: Mapping[str, str], context: Context) -> Html:
    """The KPI as each final report printed it, with a link to its card there; then as known now."""
    trend, printed = "Direction" if context.terms.arrow == TREND_ARROW else "Trend", []
    latest = of_kpi[of_kpi["is_latest"] & of_kpi["report"].isin(whole)]
    rows = rows_of(latest)[::-1]
    for one, cells in zip(rows, figures_table(kpi, rows, context), strict=True):
        address = f"../{whole[one['report']]}/report.html#kpi-{slug(kpi['kpi_id'])}"
        report = {"Report": _link(address, Quarter.parse(one["report"]).title)}
        direction = {trend: capitalised(text_of(one["direction_of_travel"]) or "")}
        printed.append(report | cells | direction)
    known = figures_table(kpi, rows_of(of_kpi[of_kpi["known_now"]])[::-1], context)
    every = _table(known, "Every figure, as known at the latest report", "known")
    return _table(printed, "As each report printed it", "reported") + every


def _definitions(returns: Returns, kpis: pd.DataFrame) -> Page:
    called, terms = names(kpis), Terms(returns.council)
    better = {CLOSEST: f"closest to the {terms.word('target')}", "none": "neither"}
    rows = []
    for row in rows_of(kpis):
        given, invented = text_of(row["definition"]), row["kpi_status"] == ILLUSTRATIVE
        status = ILLUSTRATIVE if invented else None
        rows.append(
            {
                terms.head("kpi"): _link(f"kpi/{slug(row['kpi_id'])}.html", called[row["kpi_id"]]),
                "Id": row["kpi_id"],
                "Definition": figure_with_status(given or "none given", status),
                "Unit": row["unit"],
                "Better": better.get(row["polarity"], row["polarity"]),
                "Accountable": text_of(row["owner"]) or row["directorate"],
            }
        )
    columns = [
        {"Column": one["name"], "Type": one["type"], "Meaning": one["description"]}
        for one in SCHEMA["fields"]
    ]
    sentence = Html("All figures as one table: {}. A row for each KPI, report and period.")
    body = (
        _table(rows, f"What each {terms.word('kpi')} counts", "definitions")
        + paragraphs(sentence.format(_links("data", dict(zip(_DATA, _DATA, strict=True)))))
        + _table(columns, "The columns of the data table", "columns")
    )
    return Page(f"Data and definitions: {returns.council.name}", body)


def _table(rows: list[dict[str, Any]], caption: str, name: str) -> Html:
    return report_table(rows, caption, name=name, quiet=False)


# Several councils beside each other


def comparison(table: pd.DataFrame, councils: Sequence[Returns]) -> Html:
    """The page's body: a row for each KPI id that several councils have in one unit and sense.

    Of each council in the long `table` the latest report counts. A figure in doubt is in the grid
    with its mark, and not in the distribution.
    """
    now = table[table["known_now"] & table["is_latest"]]
    several = [rows for _, rows in now.groupby("kpi_id", sort=False) if len(rows) > 1]
    kinds = [len(rows[["unit", "polarity"]].drop_duplicates()) for rows in several]
    shared = [rows for rows, kind in zip(several, kinds, strict=True) if kind == 1]
    unlike = [rows["kpi_id"].iloc[0] for rows, kind in zip(several, kinds, strict=True) if kind > 1]
    each = [f"{one.council.name}, {one.quarter.title}" for one in councils]
    stand = "stands" if len(shared) == 1 else "stand"
    sentences = [
        f"The latest report of each: {listed(each)}.",
        f"{capitalised(plural(len(shared), 'KPI'))} of {now['kpi_id'].nunique():,} {stand} in more "
        "than one council's report under one id.",
    ]
    if unlike:
        sentences.append(f"Not compared, since unit or sense differ: {', '.join(sorted(unlike))}.")
    body = paragraphs(*sentences)
    if not shared:
        return body
    terms = {one.council.name: Terms(one.council) for one in councils}
    grid, distribution = list[dict[str, Any]](), list[dict[str, Any]]()
    for rows in map(rows_of, shared):
        name = {"KPI": f"{rows[0]['kpi_name']} ({rows[0]['kpi_id']})"}
        cells: dict[str, Any] = dict.fromkeys(terms, "–")
        for row in rows:
            rating = rating_cell(row, terms[row["council"]])
            cells[row["council"]] = rating + Html(" ") + figure_cell(row)
        grid.append(name | cells)
        distribution.append(name | _distribution(rows))
    body += _table(grid, "Ratings and latest figures", "grid")
    return body + _table(distribution, "How the figures lie", "distribution")


def _distribution(rows: list[Row]) -> dict[str, Any]:
    """How one KPI's figures lie among the councils; those in doubt are left out."""
    known = {row["council"]: row["value"] for row in rows if not in_doubt(row)}
    values = pd.Series(known, dtype=float).dropna().sort_values()
    if values.empty:
        return {"Councils": 0} | dict.fromkeys((*_HEADS, "Picture"), "–")
    quarters = values.quantile([0, 0.25, 0.5, 0.75, 1]).tolist()
    figures = [show(value, rows[0]["unit"], int(rows[0]["decimals"])) for value in quarters]
    least, most = values.iloc[0], values.iloc[-1]
    *ticks, median = (
        round(_EDGE + (value - least) / (most - least or 1.0) * (_ACROSS - 2 * _EDGE), 1)
        for value in (*values.tolist(), quarters[2])
    )
    text = f"{len(values)} figures from {figures[0]} to {figures[-1]}, median {figures[2]}"
    picture = render("strip.html.j2", ticks=ticks, median=median, across=_ACROSS, text=text)
    for place, end in ((0, least), (-1, most)):
        who = sorted(values.index[values == end])
        figures[place] += f" ({listed(who) if len(who) <= _NAMED else plural(len(who), 'council')})"
    heads = dict(zip(_HEADS, figures, strict=True))
    return {"Councils": len(values)} | heads | {"Picture": picture}
