"""A directorate as one page that outlives the kernel: the screen without Python, and everything readable without script.

The page holds the front end, the data and every picture once; nothing is fetched, nothing is evaluated. Without script, and
on paper, the table and each KPI with its pictures are read as they stand.
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

from kpi_tools.explorer import table
from kpi_tools.explorer.evidence import Evidence, said_so_far
from kpi_tools.explorer.views import VIEWS
from kpi_tools.page.html import Html, render
from kpi_tools.wording import is_text

_HERE = Path(__file__).parent
_UNSAFE = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def pages(
    known: Evidence, directorate: str, commentary: pd.DataFrame, views: Sequence[str] = ("trend",)
) -> Html:
    """The table and each KPI with some of its views, for reading: pictures as images, so that they show untrusted too."""
    said = _said(known, said_so_far(known, commentary))

    def look(at: str) -> dict[str, Any]:
        kpi_id, name, size = at.rsplit(" ", 2)
        one = table.shown(known, kpi_id, name, size)
        return {**one, "svg": image(one["svg"], f"{kpi_id} {VIEWS[name]}") if one["svg"] else ""}

    return _static(table.screen(known, directorate), said, views, look)


def offline_page(
    known: Evidence, directorate: str, commentary: pd.DataFrame, foot: str = ""
) -> str:
    """The whole page as text. `foot`: what it was made from, its last line."""
    data = table.screen(known, directorate)
    said = _said(known, said_so_far(known, commentary))
    views, facts, pictures = {}, {}, {}
    for kpi_id in known.kpis["kpi_id"]:
        facts[kpi_id] = table.facts_of(known, kpi_id, commentary)
        for name, sizes in {**dict.fromkeys(VIEWS, "SM"), "several": "M"}.items():
            for size in sizes:
                key = f"{kpi_id} {name} {size}"
                views[key] = table.shown(known, kpi_id, name, size)
                pictures[key] = Markup(views[key].pop("svg"))
                if size == "S":  # what is said beside the smaller picture is the same
                    views[key] = {"places": views[key]["places"]}
    static = _static(data, said, list(VIEWS), lambda at: {**views[at], "svg": pictures[at]})
    data |= {"shown": views, "facts": facts, "said": said}
    data["as_at"] += " Works without a network."
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    script = f"{_read('screen.js')}\n{_read('page.js')}"
    style = _read("screen.css") + _read("page.css")
    small = {at: svg for at, svg in pictures.items() if svg and at.endswith(("S", "several M"))}
    page = render(
        "explorer_page.html.j2",
        title=f"{data['directorate']}: {data['title']}",
        council=data["council"],
        day=known.returns.quarter.end.isoformat(),
        foot=foot,
        policy=f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style),
        script=Markup(script),
        data=Markup(re.sub("[<>&\u2028\u2029]", lambda found: _UNSAFE[found[0]], text)),
        small=small,
        static=static,
    )
    return str(page) + "\n"


def _static(
    data: dict[str, Any], said: dict[str, Any], views: Sequence[str], look: Callable[[str], Any]
) -> Html:
    articles = [
        kpi
        | {
            "views": [
                {"key": at, "title": VIEWS[name], **look(at)}
                for name in views
                for at in [f"{kpi['id']} {name} M"]
            ],
            "said": said.get(kpi["id"], {}),
        }
        for kpi in data["kpis"]
    ]
    return render("explorer_pages.html.j2", data=data, articles=articles)


def image(svg: str, alt: str) -> Markup:
    """A drawing as an image that needs nothing else: what JupyterLab shows of an untrusted notebook as well."""
    whole = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="Arial"', 1)
    coded = base64.b64encode(whole.encode()).decode()
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(alt, coded)


def _said(known: Evidence, commentary: pd.DataFrame) -> dict[str, dict[str, str]]:
    """What the report of the quarter says of each KPI."""
    own = commentary[commentary["quarter"] == known.returns.quarter.label]
    names = ("commentary", "management_action")
    return {
        str(row["kpi_id"]): {name: row[name] for name in names if is_text(row[name])}
        for row in own.to_dict("records")
        if is_text(row["kpi_id"])
    }


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
