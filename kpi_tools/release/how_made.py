"""The last chapter: from what, by which program and rules, by whom a report was made, and what its checks found (floor 3).

The same record goes into the manifest, so page and manifest cannot differ.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools import __version__
from kpi_tools.loading import Council, Returns, raw_folder
from kpi_tools.page.html import Html, paragraphs
from kpi_tools.page.tables import report_table
from kpi_tools.provenance.inputs import digest, fingerprints
from kpi_tools.provenance.program import sources, unlike_lock, versions
from kpi_tools.quarters import Quarter
from kpi_tools.release.checks import CHECKS
from kpi_tools.release.edition import Override, judged, kinds, parse_overrides
from kpi_tools.scorecard import counts
from kpi_tools.vocabulary import NOT_RATED, PERCENTAGE, RAGS, SUPPRESSED
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import listed, plural

NOT_RECORDED: Final = "not recorded"
_SHOWN: Final = 16


def record(
    returns: Returns, kpis: pd.DataFrame, found: Mapping[str, int], edition: str, overrides: Iterable[Override] = (),
    prepared_by: str = "", signed_off_by: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What is to be said of a report besides its inputs and program, as the manifest has it (JSON types only).

    `kpis`: its scorecard; `found`: the `edition.kinds` of what its checks found; `prepared_by`, `signed_off_by`: roles,
    where empty those of council.toml, where that has none null. `checks` gives for each check of `checks.CHECKS` how many
    findings it had, `overrides` those let pass.
    """
    council = returns.council
    counted = counts(kpis)
    rows = returns.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
    return {
        "edition": edition,
        "prepared_by": prepared_by or council.prepared_by or None,
        "signed_off_by": signed_off_by or council.signed_off_by or None,
        "data_until": returns.quarter.end.isoformat(),
        "ratings": {name: counted[name] for name in (*RAGS, NOT_RATED)},
        "rows": {str(name): int(number) for name, number in rows.items()},
        "rules": {
            "rating": council.scheme,
            **({"percent": council.percent} if council.scheme == PERCENTAGE else {}),
            "direction": council.rule,
            "window": council.window,
            "minimum_points": council.minimum_points,
            "significance": council.significance,
            "process_limits": council.profile,
        },
        "small_numbers": {
            "threshold": council.threshold,
            "rounding": council.rounding or None,
            "suppressed": _suppressed(returns),
            "shown": rows_of(returns.agreed),
        },
        "checks": {code: found.get(code, 0) for code in CHECKS},
        "overrides": [
            {"code": one.code, "because": one.because, "by": one.by} for one in overrides
        ],
    }


def how_made(
    returns: Returns, raw: str | Path, kpis: pd.DataFrame, findings: pd.DataFrame, edition: str, overrides: str = "",
    prepared_by: str = "", signed_off_by: str = "",
) -> Html:  # fmt: skip
    """The chapter's paragraphs and the table of inputs; parameters as the notebook has them, else as `record`."""
    given = parse_overrides(overrides)
    said = record(
        returns, kpis, kinds(judged(findings, given)), edition, given, prepared_by, signed_off_by
    )
    used = fingerprints(raw_folder(raw), returns.quarter)
    rows = said["rows"]
    received = (
        f"The tables read hold {rows['rows_in']:,} rows: {rows['accepted']:,} accepted, {rows['rejected']:,} rejected "
        f"and {rows['blank']:,} blank."
    )
    return paragraphs(
        f"Prepared by: {said['prepared_by'] or NOT_RECORDED}. Signed off by: {said['signed_off_by'] or NOT_RECORDED}.",
        f"It was made from {plural(len(used), 'file')}, whose content together has the name {digest(used)}. {received}",
        _rules(returns.council),
        *_small_numbers(said["small_numbers"], returns),
        _checks(said),
        _program(),
    ) + _inputs(used)


def _rules(council: Council) -> str:
    rating = (
        f"{council.percent:g}% about the target divide Amber from Red"
        if council.scheme == PERCENTAGE
        else "each KPI has its own floor standard"
    )
    return (
        f"Rules: {rating}; the direction of travel is tested over {council.window} quarters with at least "
        f"{council.minimum_points} figures at the {council.significance:.0%} level (rule {council.rule}); process limits "
        f"are those of the profile {council.profile}."
    )


def _suppressed(returns: Returns) -> int:
    """How many of the figures known, quarters and months, of sensitive KPIs are suppressed."""
    sensitive = set(returns.catalogue.loc[returns.catalogue["sensitive"] == "yes", "kpi_id"])
    tables = (returns.figures, returns.months)
    return sum(
        int((table["kpi_id"].isin(sensitive) & (table["status"] == SUPPRESSED)).sum())
        for table in tables
    )


def _small_numbers(said: Mapping[str, Any], returns: Returns) -> list[str]:
    """Nothing where no KPI is sensitive."""
    if not (returns.catalogue["sensitive"] == "yes").any():
        return []
    rounded = (
        f" Other counts of these KPIs are rounded to the nearest {said['rounding']}."
        if said["rounding"]
        else ""
    )
    names = returns.catalogue.set_index("kpi_id")["kpi_name"]
    told = [
        f"{names[row['kpi_id']]}, {_period(row['period'])}: printed although it may be small, agreed by the "
        f"{row['agreed_by']}, because {row['reason'].rstrip('.')}."
        for row in said["shown"]
    ]
    return [
        f"Small numbers: {plural(said['suppressed'], 'figure')} of sensitive KPIs, marked [c] or suppressed, cannot be "
        f"printed: each counts fewer than {said['threshold']} cases or would give such a figure away.{rounded}",
        *told,
    ]


def _period(period: str) -> str:
    return (
        Quarter.parse(period).title
        if "Q" in period
        else f"{date.fromisoformat(f'{period}-01'):%B %Y}"
    )


def _checks(said: Mapping[str, Any]) -> str:
    open_, passed = (
        {code: n for code, n in said["checks"].items() if n},
        {one["code"] for one in said["overrides"]},
    )
    told = [f"{code} {n}{', overridden' if code in passed else ''}" for code, n in open_.items()]
    clean = len(said["checks"]) - len(open_)
    found = f" Findings: {'; '.join(told)}." if told else ""
    return f"Of {len(said['checks'])} kinds of check before release, {clean} found nothing.{found}"


def _program() -> str:
    there = listed([f"{name} {version}" for name, version in versions().items()])
    other = unlike_lock()
    same = (
        f"Not reproducible: {'; '.join(other)}."
        if other
        else "These are the versions of requirements.lock, so the same inputs give the same bytes."
    )
    return f"Program: kpi-tools {__version__}, sources {sources()}, with {there}. {same}"


def _inputs(used: Mapping[str, str]) -> Html:
    """One row for each of the council's own tables, and for each quarter's returns and commentary together."""
    groups: dict[str, dict[str, str]] = {}
    for path, name in used.items():
        groups.setdefault(_group(path), {})[path] = name
    rows = [
        {
            "Input": group,
            "Files": str(len(names)),
            "Name of its content": next(iter(names.values()))[:_SHOWN]
            if len(names) == 1
            else digest(names),
        }
        for group, names in groups.items()
    ]
    caption = "What this report was made from, each with a name made of its content (SHA-256, the first 16 digits)"
    return report_table(pd.DataFrame(rows), caption, name="inputs", wide=True, quiet=True)


def _group(path: str) -> str:
    kind, _, rest = path.partition("/")
    return (
        f"{kind.capitalize()} of {Quarter.parse(rest.partition('/')[0].partition('.')[0]).title}"
        if rest
        else path
    )
