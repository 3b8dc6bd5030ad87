"""A directorate as one table and its views as plain data, and the page that outlives the kernel.

Everything on the screen is text, numbers and lists, so that it can be sent to a browser as it is;
the front end only lays it out. The offline page holds the front end, the data and every picture
once; nothing is fetched, nothing is evaluated. Without script, and on paper, the table and each KPI
with its pictures are read as they stand.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from kpi_tools.assurance import BY_LUCK
from kpi_tools.doubts import MARK
from kpi_tools.explorer.charts import several_picture
from kpi_tools.explorer.evidence import TEXTS, Evidence, commentary_so_far
from kpi_tools.explorer.points import facts
from kpi_tools.explorer.sentences import status_sentences
from kpi_tools.explorer.views import VIEWS, legend, view
from kpi_tools.page.chart_words import quality_notes
from kpi_tools.page.html import Html, piece, render, slug
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, rows_by, rows_of
from kpi_tools.scorecard.series import NOT_ASSESSED
from kpi_tools.terms import names
from kpi_tools.vocabulary import (
    COMMON_CAUSE,
    FINAL,
    ILLUSTRATIVE,
    MONITORED,
    NOT_RATED,
    SPECIAL_CAUSES,
    TREND_ARROW,
)
from kpi_tools.wording import capitalised, figure_of, line_of, period_of, plural

HERE = Path(__file__).parent
COLUMNS = {
    "quarters": "kpi_id period value numerator denominator target floor_standard rating status",
    "points": "kpi_id period value mean lower_limit upper_limit target special_cause rule status",
    "benchmarks": "kpi_id area period value status source",
}
"""The columns of a view's table, as it is taken away."""
_TABLES = {"limits": "points", "areas": "benchmarks"}
_UNSAFE = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def screen(known: Evidence, directorate: str, **more: Any) -> dict[str, Any]:
    """The screen but for its pictures: the KPIs in order of consequence, and what can be chosen."""
    council, quarter = known.returns.council, known.returns.quarter
    terms = known.terms
    short = names(known.kpis, short=True)
    six = rows_by(known.recent)
    kpis = [
        _row(row | {"short": short[row["kpi_id"]]}, six[row["kpi_id"]], known)
        for row in rows_of(known.kpis)
    ]
    there = {kpi["rating"] for kpi in kpis} | set(terms.looks)
    bands = [name for name in (*reversed(terms.looks), NOT_RATED, MONITORED) if name in there]
    good, flat, bad = terms.states
    unchanged = "No trend" if terms.arrow == TREND_ARROW else capitalised(flat)
    latest = known.kpis[known.kpis["value"].notna()]
    others = latest.loc[latest["status"] != FINAL, "status"].value_counts()
    sure = [f"{plural(int(count), 'figure')} {status}" for status, count in others.items()]
    return {
        "directorate": directorate or "All directorates",
        "quarter": quarter.label,
        "title": quarter.title,
        "council": council.name,
        "as_at": f"As at {quarter.title}. Latest figures: {', '.join(sure) or 'all final'}.",
        "words": {
            "kpi": terms.word("kpi"),
            "kpis": terms.word("kpi", 2),
            "target": terms.head("target"),
            "action": terms.head("management_action"),
        },
        "bands": [{"name": name, "look": terms.look(name)} for name in bands],
        "directions": [[bad, "Worse"], [flat, unchanged], [good, "Better"]],
        "views": [[name, title] for name, title in VIEWS.items()],
        "kpis": kpis,
        **more,
    }


def _row(kpi: Row, recent: Rows, known: Evidence) -> dict[str, Any]:
    terms, kpi_id = known.terms, kpi["kpi_id"]
    line = next(iter(terms.lines(kpi)), "target")
    doubted = in_doubt(kpi)
    sure = {FINAL: "final", ILLUSTRATIVE: "hollow"}
    good, flat, bad = terms.states
    state = terms.arrow_of(kpi)
    way = "across" if state == flat else ""
    if state in (good, bad) and is_number(kpi["arrow_change"]):  # as the figure goes
        way = "up" if kpi["arrow_change"] > 0 else "down"
    return {
        "id": kpi_id,
        "name": kpi["kpi_name"],
        "short": kpi["short"],
        "section": kpi["section"],
        "owner": kpi["owner"] if is_text(kpi["owner"]) else "",
        "rating": kpi["rating"],
        "look": terms.look(kpi["rating"]),
        "value": f"{figure_of(kpi, bare=True)}{MARK if doubted else ''}",
        "target": line_of(kpi, line, bare=True) if is_number(kpi.get(line)) else "",
        "six": [
            {
                "title": period_of(row),
                "rating": row["rating"],
                "look": terms.look(row["rating"]),
                "sure": "doubt" if in_doubt(row) else sure.get(row["status"], "pale"),
            }
            for row in recent
        ],
        "direction": state,
        "way": way,
        "why": _reason(kpi),
        "unusual": kpi["variation"] if kpi["variation"] in SPECIAL_CAUSES else "",
        "marks": piece("spc_marks", kpi),
        "doubt": doubted or bool(len(known.of("doubts", kpi_id))),
        "lead": " ".join([status_sentences(known, kpi_id), *quality_notes(kpi)]),
        "source": kpi["source"] if is_text(kpi["source"]) else "",
    }


def _reason(kpi: Row) -> str:
    """Why a KPI stands where it does: by the limits where it is Green by luck; "" in doubt."""
    reading = [kpi["reading"]] if is_text(kpi["reading"]) else []
    texts = reading if kpi["consequence"].endswith(BY_LUCK) else [kpi["consequence"], *reading]
    if kpi["variation"] == NOT_ASSESSED:
        texts = []
    if kpi["variation"] not in (COMMON_CAUSE, *SPECIAL_CAUSES):
        texts.append(str(kpi["variation"]))
    if len(texts) > 1 and texts[0] == kpi["rating"]:  # which stands beside it
        texts = texts[1:]
    return " ".join(f"{capitalised(text)}." for text in texts)


def view_data(known: Evidence, kpi_id: str, name: str, size: str) -> dict[str, Any]:
    """One view of one KPI: its drawing (`svg`), where its points stand in it (`places`), the
    figures behind it (`table`), its `notes`, `legend` and the point to begin with (`latest`). The
    view `several` is its course over all quarters of `known`, small, to stand beside others."""
    figures = {"table": table(known, kpi_id, name)}
    if name == "several":
        picture, kpi = several_picture(known, kpi_id), known.kpi(kpi_id)
        texts = f"{kpi_id} beside others", f"{kpi_id}: {figure_of(kpi)}, {kpi['rating']}"
        svg = picture.svg(f"kx-{slug(kpi_id)}-several", *texts)
        return {"svg": svg, "places": picture.places(), **figures}
    picture, description, notes = view(name, known, kpi_id, size)
    places, stem = picture.places(), f"kx-{slug(kpi_id)}-{name}-{size.lower()}"
    svg = picture.svg(stem, f"{kpi_id}: {VIEWS[name]}", description) if places else ""
    points = [row for row in picture.canvas.points if not row["look"].endswith("month")]
    ids = [row["id"] for row in points if row["id"]]
    if name == "season":
        ids.sort(key=lambda label: Quarter.parse(label).label)
    return {
        "svg": svg,
        "places": places,
        "notes": notes,
        "legend": legend(known, kpi_id, picture),
        "latest": ids[-1] if ids else "",
        **figures,
    }


def facts_of(known: Evidence, kpi_id: str, commentary: pd.DataFrame) -> dict[str, Any]:
    """The facts of all points of a KPI, by their id."""
    remarks = commentary[commentary["kpi_id"] == kpi_id]
    return facts(known, kpi_id, commentary_so_far(known, remarks))


def table(known: Evidence, kpi_id: str, name: str) -> dict[str, list[Any]]:
    """The figures of a view as they are taken away: `columns` and `rows`, "" for none."""
    rows = _TABLES.get(name, "quarters")
    columns = COLUMNS[rows].split()
    cells = known.of(rows, kpi_id)[columns].astype(object)
    cells = cells.where(cells.notna(), "").map(_whole)
    return {"columns": columns, "rows": cells.to_numpy().tolist()}


def _whole(cell: Any) -> Any:
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def pages(known: Evidence, directorate: str, commentary: pd.DataFrame) -> Html:
    """The table and each KPI's trend, for reading: pictures as images, which show untrusted too."""

    def look(kpi_id: str, name: str) -> dict[str, Any]:
        one = view_data(known, kpi_id, name, "M")
        return one | {"svg": image(one["svg"], f"{kpi_id} {VIEWS[name]}") if one["svg"] else ""}

    return _static(screen(known, directorate), _now(known, commentary), ["trend"], look)


def offline_page(
    known: Evidence, directorate: str, commentary: pd.DataFrame, foot: str = ""
) -> str:
    """The whole page as text. `foot`: what it was made from, its last line."""
    data, texts = screen(known, directorate), _now(known, commentary)
    views, pictures = dict[str, Any](), dict[str, Markup]()
    sizes = [(name, size) for name in VIEWS for size in "SM"]
    for kpi_id in known.kpis["kpi_id"]:
        for name, size in (*sizes, ("several", "M")):
            key = f"{kpi_id} {name} {size}"
            one = view_data(known, kpi_id, name, size)
            pictures[key] = Markup(one.pop("svg"))
            # what is said beside the smaller picture is the same
            views[key] = {"places": one["places"]} if size == "S" else one
    static = _static(
        data,
        texts,
        list(VIEWS),
        lambda kpi_id, name: views[f"{kpi_id} {name} M"] | {"svg": pictures[f"{kpi_id} {name} M"]},
    )
    data |= {
        "drawn": views,
        "facts": {one: facts_of(known, one, commentary) for one in known.kpis["kpi_id"]},
        "texts": texts,
        "as_at": f"{data['as_at']} Works without a network.",
    }
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    script, style = (
        "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
        for names in (("screen.js", "page.js"), ("screen.css", "page.css"))
    )
    page = render(
        "explorer_page.html.j2",
        title=f"{data['directorate']}: {data['title']}",
        council=data["council"],
        day=known.returns.quarter.end.isoformat(),
        foot=foot,
        policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'",
        style=Markup(style),
        script=Markup(script),
        data=Markup(re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], text)),
        small={at: svg for at, svg in pictures.items() if svg and at.endswith((" S", "several M"))},
        static=static,
    )
    return f"{page}\n"


def _static(
    data: dict[str, Any],
    texts: dict[str, Any],
    views: Sequence[str],
    look: Callable[[str, str], dict[str, Any]],
) -> Html:
    articles = [
        kpi
        | {
            "views": [
                {"key": f"{kpi['id']} {name} M", "title": VIEWS[name]} | look(kpi["id"], name)
                for name in views
            ],
            "texts": texts.get(kpi["id"], {}),
        }
        for kpi in data["kpis"]
    ]
    return render("explorer_pages.html.j2", data=data, articles=articles)


def image(svg: str, alt: str) -> Markup:
    """A drawing as an image that needs nothing else: what JupyterLab shows untrusted as well."""
    whole = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="Arial"', 1)
    coded = base64.b64encode(whole.encode()).decode()
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(alt, coded)


def _now(known: Evidence, commentary: pd.DataFrame) -> dict[str, dict[str, str]]:
    """What the report of the quarter says of each KPI."""
    now = commentary[commentary["quarter"] == known.returns.quarter.label]
    return {
        row["kpi_id"]: {name: row[name] for name in TEXTS if is_text(row[name])}
        for row in rows_of(commentary_so_far(known, now))
    }


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
