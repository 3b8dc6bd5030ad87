"""The site of all final reports: which there are, whether it is up to date, and its folder, whole or not at all."""

import json
import shutil
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kpi_tools.errors import InputError
from kpi_tools.parameters import corrections_of
from kpi_tools.provenance import council_name, fingerprint, fingerprints, program, slug
from kpi_tools.quarters import Quarter
from kpi_tools.report.publish import MANIFEST, WORK, as_json, replace_folder, work_folder

if TYPE_CHECKING:
    import pandas as pd

    from kpi_tools.loading import Returns
    from kpi_tools.publications.site import Page

SITE: Final = "site"
STATE: Final = "site.json"
DIRECTORATES: Final = "directorates"
LINKS: Final = {"index.html": "All reports", "definitions.html": "Data and definitions"}
_LEFT_OUT: Final = (".ipynb",)


def make_site(raw: Path, outputs: Path, *, force: bool = False) -> tuple[Path, bool]:
    """Make `outputs`/site of the final reports in `outputs`, where anything changed; its folder, and whether it was made.

    Raises `InputError` where there is no final report, where one is not what its inputs give now, or where one differs from
    what was published without saying so at its head (`--corrected`).
    """
    finals = _finals(raw, outputs)
    latest = max(Quarter.parse(noted["quarter"]) for noted in finals.values())
    explorers = _explorers(raw, outputs, latest)
    state = {
        "reports": {name: fingerprint(outputs / name / MANIFEST) for name in finals},
        "explorers": {name: fingerprint(path) for name, path in explorers.items()},
        "inputs": fingerprints(raw, latest),
        "program": program(),
    }
    site = outputs / SITE
    if not force and _is_up_to_date(site, state):
        return site, False
    _check_versions(site, finals)
    with work_folder(outputs, SITE) as work:
        folder = work / "made"
        folder.mkdir()
        for name in finals:
            leave = shutil.ignore_patterns(*(f"*{suffix}" for suffix in _LEFT_OUT))
            shutil.copytree(outputs / name, folder / name, ignore=leave)
        (folder / DIRECTORATES).mkdir()
        for name, path in explorers.items():
            shutil.copyfile(path, folder / DIRECTORATES / f"{slug(name)}.html")
        _write_pages(raw, latest, finals, folder, list(explorers))
        content = {
            path.relative_to(folder).as_posix(): fingerprint(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        (folder / STATE).write_text(as_json(state | {"files": content}), "utf-8", newline="\n")
        replace_folder(folder, site, outputs / WORK / f"{SITE}.aside")
    return site, True


def _finals(raw: Path, outputs: Path) -> dict[str, dict[str, Any]]:
    """The manifests of the final reports by the names of their folders, the latest first."""
    found = {}
    for path in sorted(outputs.glob(f"*/{MANIFEST}")):
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            if noted.get("edition") == "final" and noted["council"] == council_name(raw):
                found[path.parent.name] = noted
        except (OSError, ValueError, KeyError, AttributeError):
            continue
    whole = [name for name, noted in found.items() if name == Quarter.parse(noted["quarter"]).slug]
    if not whole:
        raise InputError(
            f"There is no final report of {council_name(raw)} in {outputs}: the site has final reports only. Make one with "
            "`kpi report QUARTER --final`."
        )
    for name in whole:
        quarter = Quarter.parse(found[name]["quarter"])
        now, then = fingerprints(raw, quarter), found[name]["inputs"]
        if changed := sorted(set(now.items()) ^ set(then.items())):
            raise InputError(
                f"The final report for {quarter.title} is not what the data give now ({changed[0][0]} was changed). Make it "
                'again, if it was published with --corrected "day | what | why", or put the data back.'
            )
    return dict(sorted(found.items(), key=_place, reverse=True))


def _explorers(raw: Path, outputs: Path, latest: Quarter) -> dict[str, Path]:
    """The explorer's pages of the latest final report, by directorate: those that its data give now."""
    found, now = {}, fingerprints(raw, latest)
    for path in sorted((outputs / "explorer").glob(f"{latest.slug}-*/{MANIFEST}")):
        try:
            noted = json.loads(path.read_text(encoding="utf-8"))
            if noted["inputs"] == now and noted["council"] == council_name(raw):
                found[noted["parameters"]["directorate"]] = path.with_name("explorer.html")
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _place(item: tuple[str, dict[str, Any]]) -> tuple[str, bool, int]:
    """The latest quarter, in it the whole council, and of that the latest version stand first."""
    noted = item[1]
    return noted["quarter"], not noted.get("parameters", {}).get("only"), _version(noted)


def _is_up_to_date(site: Path, state: dict[str, Any]) -> bool:
    try:
        noted = json.loads((site / STATE).read_text(encoding="utf-8"))
        files = noted.pop("files")
        return bool(
            noted == state and all(fingerprint(site / name) == one for name, one in files.items())
        )
    except (InputError, OSError, ValueError, KeyError, AttributeError):
        return False


def _check_versions(site: Path, finals: dict[str, dict[str, Any]]) -> None:
    for name, noted in finals.items():
        try:
            before = json.loads((site / name / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if before["inputs"] != noted["inputs"] and _version(before) == _version(noted):
            raise InputError(
                f"The report in {name} was published, and is another one now, without saying so. Make it again with "
                f'--corrected "day | what | why", or remove {site / name} if nobody has seen it.'
            )


def _version(noted: dict[str, Any]) -> int:
    return 1 + len(corrections_of(noted.get("parameters", {}).get("corrections", "")))


def _write_pages(
    raw: Path,
    latest: Quarter,
    finals: dict[str, dict[str, Any]],
    folder: Path,
    directorates: Sequence[str],
) -> None:
    from kpi_tools.loading import load
    from kpi_tools.publications.data import long_table, write_data
    from kpi_tools.publications.site import Published, site_pages
    from kpi_tools.scorecard import recent_quarters

    rejected = any(noted.get("allow_rejected") for noted in finals.values())
    returns = load(raw, latest, allow_rejected=rejected)
    reports = [
        Published(
            name,
            Quarter.parse(noted["quarter"]),
            _version(noted),
            noted.get("parameters", {}).get("only", ""),
            noted["ratings"],
            tuple(noted["outputs"]),
            (folder / name / "report.html").read_text(encoding="utf-8"),
        )
        for name, noted in finals.items()
    ]
    table = long_table([returns])
    table = table[table["report"].isin({one.quarter.label for one in reports if not one.part})]
    write_data([returns], folder / "data", table)
    explorers = {name: f"{DIRECTORATES}/{slug(name)}.html" for name in directorates}
    pages = site_pages(returns, recent_quarters(returns), table, reports, explorers)
    made = f"Final reports only, as known at {latest.title}."
    for place, page in pages.items():
        path = folder / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(wrapped(page, place, returns.council.name, made), "utf-8", newline="\n")


def wrapped(
    page: "Page", place: str, council: str, made: str, links: Mapping[str, str] = LINKS
) -> str:
    """A page of the site as text; `links`: what its head leads to, by the place in the site."""
    from markupsafe import Markup

    from kpi_tools.page.html import render
    from kpi_tools.report.export import PAGE, page_style, policy

    style, up = page_style(), "../" * place.count("/")
    script = (PAGE / "template" / "site.js").read_text("utf-8")
    allowed = policy(style)
    if page.index:
        name = b64encode(sha256(script.encode()).digest()).decode()
        allowed = allowed.replace("script-src 'none'", f"script-src 'sha256-{name}'")
    index = json.dumps(_listed(page.index), ensure_ascii=False).replace("<", "\\u003c")
    return str(
        render(
            "site.html.j2",
            title=page.title,
            council=council,
            body=page.body,
            style=Markup(style),
            policy=allowed,
            links={up + to: word for to, word in links.items()},
            made=made,
            index=index if page.index else "",
            script=script,
        ).markup
    )


def _listed(index: Sequence[tuple[str, str, str, str]]) -> list[list[str]]:
    return [list(entry) for entry in index]


def write_comparison(councils: "Sequence[Returns]", table: "pd.DataFrame", folder: Path) -> Path:
    """Write comparison.html, several councils beside each other, beside their data table; its path."""
    from kpi_tools.publications.councils import comparison
    from kpi_tools.publications.site import Page

    page = Page("Councils compared", comparison(table, councils))
    made = "Each council's figures by its own rules and lines."
    text = wrapped(page, "", f"{len(councils)} councils", made, {"kpis.csv": "All figures (CSV)"})
    path = folder / "comparison.html"
    path.write_text(text, "utf-8", newline="\n")
    return path
