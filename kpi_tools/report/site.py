"""The site of all final reports: which there are, whether it is up to date, its folder."""

import json
import shutil
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from kpi_tools.errors import InputError
from kpi_tools.provenance import council_name, fingerprint, fingerprints, program
from kpi_tools.quarters import Quarter
from kpi_tools.report.publish import MANIFEST, as_json, manifest_of, replace_folder, work_folder

if TYPE_CHECKING:
    import pandas as pd

    from kpi_tools.loading import Returns
    from kpi_tools.publications import site as pages

SITE: Final = "site"
STATE: Final = "site.json"
DIRECTORATES: Final = "directorates"
LINKS: Final = {"index.html": "All reports", "definitions.html": "Data and definitions"}


def make_site(raw: Path, outputs: Path, *, force: bool = False) -> tuple[Path, bool]:
    """Make `outputs`/site of the final reports in `outputs`; its folder, and whether it was made,
    which it is where anything changed. Raises `InputError` where there is no final report, and
    where one is not what its inputs give now, or not what was published and does not say so at its
    head (`--corrected`)."""
    finals = _finals(raw, outputs)
    latest = max(final.quarter for final in finals)
    now = fingerprints(raw, latest)
    explorers = {
        noted["parameters"]["directorate"]: folder / "explorer.html"
        for folder, noted in _manifests(raw, outputs / "explorer", f"{latest.slug}-*")
        if noted["inputs"] == now
    }
    state = {
        "reports": {one.name: fingerprint(outputs / one.name / MANIFEST) for one in finals},
        "explorers": {name: fingerprint(path) for name, path in explorers.items()},
        "inputs": now,
        "program": program(),
    }
    site = outputs / SITE
    with suppress(OSError):
        if not force and (site / STATE).read_text(encoding="utf-8") == as_json(state):
            return site, False
    _check_versions(site, finals)
    with work_folder(outputs, SITE) as work:
        folder = work / "made"
        (folder / DIRECTORATES).mkdir(parents=True)
        for final in finals:
            leave = shutil.ignore_patterns("*.ipynb")
            shutil.copytree(outputs / final.name, folder / final.name, ignore=leave)
        places = {
            name: f"{DIRECTORATES}/{path.parent.name.removeprefix(f'{latest.slug}-')}.html"
            for name, path in explorers.items()
        }
        for name, place in places.items():
            shutil.copyfile(explorers[name], folder / place)
        _write_pages(raw, latest, finals, folder, places)
        (folder / STATE).write_text(as_json(state), "utf-8", newline="\n")
        replace_folder(folder, site)
    return site, True


def _manifests(raw: Path, folder: Path, names: str) -> list[tuple[Path, dict[str, Any]]]:
    """The reports of the council in the folders of such `names`, each with its manifest."""
    council, found = council_name(raw), []
    for path in sorted(folder.glob(f"{names}/{MANIFEST}")):
        with suppress(InputError):  # somebody else's
            if (noted := manifest_of(path.parent))["council"] == council:
                found.append((path.parent, noted))
    return found


def _finals(raw: Path, outputs: Path) -> "list[pages.Final]":
    """The final reports: the latest first, and of a quarter the whole council's latest version."""
    from kpi_tools.publications.site import Final

    every = [Final(folder, noted) for folder, noted in _manifests(raw, outputs, "*")]
    found = [one for one in every if one.noted.get("edition") == "final"]
    whole = [final for final in found if final.name == final.quarter.slug]
    if not whole:
        raise InputError(
            f"There is no final report of {council_name(raw)} in {outputs}: the site has final "
            "reports only. Make one with `kpi report QUARTER --final`."
        )
    for final in whole:
        now, then = fingerprints(raw, final.quarter), final.noted["inputs"]
        if changed := sorted(set(now.items()) ^ set(then.items())):
            raise InputError(
                f"The final report for {final.quarter.title} is not what the data give now "
                f"({changed[0][0]} was changed). Make it again, if it was published with "
                '--corrected "day | what | why", or put the data back.'
            )
    return sorted(found, key=lambda one: (one.quarter, not one.part, one.version), reverse=True)


def _check_versions(site: Path, finals: "Sequence[pages.Final]") -> None:
    for final in finals:
        noted = final.noted
        with suppress(InputError):  # it was not there
            noted = manifest_of(site / final.name)
        published = replace(final, noted=noted)
        if noted["inputs"] != final.noted["inputs"] and published.version == final.version:
            raise InputError(
                f"The report in {final.name} was published, and is another one now, without saying "
                'so. Make it again with --corrected "day | what | why", or remove '
                f"{site / final.name} if nobody has seen it."
            )


def _write_pages(
    raw: Path,
    latest: Quarter,
    finals: "Sequence[pages.Final]",
    folder: Path,
    explorers: Mapping[str, str],
) -> None:
    from kpi_tools.loading import load
    from kpi_tools.publications.data import long_table, write_data
    from kpi_tools.publications.site import site_pages
    from kpi_tools.scorecard import recent_quarters

    rejected = any(final.noted.get("allow_rejected") for final in finals)
    returns = load(raw, latest, allow_rejected=rejected)
    table = long_table([returns])
    table = table[table["report"].isin({one.quarter.label for one in finals if not one.part})]
    write_data([returns], folder / "data", table)
    made = f"Final reports only, as known at {latest.title}."
    made_of = (returns, recent_quarters(returns), table, finals, explorers)
    for place, page in site_pages(*made_of).items():
        _write(page, folder, place, returns.council.name, made)


def write_comparison(councils: "Sequence[Returns]", table: "pd.DataFrame", folder: Path) -> Path:
    """Write comparison.html, which shows councils beside each other; its path."""
    from kpi_tools.publications.site import Page, comparison

    page = Page("Councils compared", comparison(table, councils))
    links = {"kpis.csv": "All figures (CSV)"}
    made = "Each council's figures by its own rules and lines."
    return _write(page, folder, "comparison.html", f"{len(councils)} councils", made, links)


def _write(
    page: "pages.Page",
    folder: Path,
    place: str,
    council: str,
    made: str,
    links: Mapping[str, str] = LINKS,
) -> Path:
    """A page with its search, where it has one; `links`: what its head leads to."""
    from kpi_tools.page.html import render
    from kpi_tools.report.export import PAGE, page_style, policy

    style, up = page_style(), "../" * place.count("/")
    script = (PAGE / "template" / "site.js").read_text("utf-8")
    allowed, index = policy(style), ""
    if page.index:
        name = b64encode(sha256(script.encode()).digest()).decode()
        allowed = allowed.replace("script-src 'none'", f"script-src 'sha256-{name}'")
        index = json.dumps(page.index, ensure_ascii=False).replace("<", "\\u003c")
    text = render(
        "site.html.j2",
        title=page.title,
        council=council,
        body=page.body,
        style=Markup(style),
        policy=allowed,
        links={up + to: word for to, word in links.items()},
        made=made,
        index=index,
        script=script,
    )
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(str(text), "utf-8", newline="\n")
    return path
