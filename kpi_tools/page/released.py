"""The edition's word at the top, the chapter Checks, and the last: how the report was made, whose
record goes into the manifest, too, so that page and manifest cannot differ."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools import __version__
from kpi_tools.checks import CHECKS
from kpi_tools.checks.findings import (
    EDITIONS,
    FINAL,
    Override,
    grouped,
    hold_back,
    kinds,
    open_errors,
    parse_overrides,
    with_overrides,
)
from kpi_tools.errors import InputError
from kpi_tools.loading import Returns, raw_folder
from kpi_tools.page.html import Html, piece, render, section
from kpi_tools.parameters import corrections_of
from kpi_tools.provenance import digest, fingerprints, sources, unlike_lock, versions
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Rows, rows_of
from kpi_tools.scorecard import rating_counts, ratings_of
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import MONITORED, NOT_DUE, SUPPRESSED, TREND_ARROW
from kpi_tools.wording import listed, plural

_DIGITS: Final = 16


def record(
    returns: Returns,
    kpis: pd.DataFrame,
    found: Mapping[str, int],
    edition: str,
    overrides: Iterable[Override] = (),
    prepared_by: str = "",
    signed_off_by: str = "",
) -> dict[str, Any]:
    """What is to be said of a report besides its inputs and program, as the manifest has it (JSON).
    `found`: the `kinds` of what its checks found, given for each of `CHECKS`; `overrides`: what was
    let pass; `prepared_by` and `signed_off_by`: roles, where empty those of council.toml."""
    council, terms = returns.council, Terms(returns.council)
    counted = rating_counts(kpis, council)
    seldom = (MONITORED, NOT_DUE)
    ratings = [name for name in ratings_of(council) if counted[name] or name not in seldom]
    sensitive = set(returns.catalogue.loc[returns.catalogue["sensitive"] == "yes", "kpi_id"])
    tables = (returns.figures, returns.months)
    hidden = [one["kpi_id"].isin(sensitive) & (one["status"] == SUPPRESSED) for one in tables]
    rows = returns.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
    return {
        "edition": edition,
        "prepared_by": prepared_by or council.prepared_by or council.owner_team or None,
        "signed_off_by": signed_off_by or council.signed_off_by or None,
        "data_until": returns.quarter.end.isoformat(),
        "ratings": {name: counted[name] for name in ratings},
        "rows": {str(name): int(number) for name, number in rows.items()},
        "rules": {
            "rating": terms.meanings(),
            "schemes": {name: terms.meanings(name) for name in terms.further_schemes(kpis)},
            "direction": council.rule,
            "window": council.window,
            "minimum_points": council.minimum_points,
            "significance": council.significance,
            "process_limits": council.profile,
        },
        "small_numbers": {
            "threshold": council.threshold,
            "rounding": council.rounding or None,
            "suppressed": sum(int(one.sum()) for one in hidden),
            "shown": rows_of(returns.agreed),
        },
        "checks": {code: found.get(code, 0) for code in CHECKS},
        "overrides": [one._asdict() for one in overrides],
    }


def how_made(
    returns: Returns,
    raw: str | Path,
    kpis: pd.DataFrame,
    findings: pd.DataFrame,
    edition: str,
    overrides: str = "",
    prepared_by: str = "",
    signed_off_by: str = "",
) -> Html:
    """The chapter's paragraphs and the table of inputs; parameters as the notebook has them."""
    given = parse_overrides(overrides)
    counted = kinds(with_overrides(findings, given))
    manifest = record(returns, kpis, counted, edition, given, prepared_by, signed_off_by)
    used = fingerprints(raw_folder(raw), returns.quarter)
    passed = {one.code for one in given}
    found = [
        f"{code} {number}{', overridden' if code in passed else ''}"
        for code, number in manifest["checks"].items()
        if number
    ]
    names = returns.catalogue.set_index("kpi_id")["kpi_name"]
    agreed = [
        (names[one["kpi_id"]], _period(one["period"]), one["agreed_by"], one["reason"].rstrip("."))
        for one in rows_of(returns.agreed)
    ]
    return render(
        "made.html.j2",
        terms=Terms(returns.council),
        manifest=manifest,
        trend=TREND_ARROW in returns.council.arrows,
        files=plural(len(used), "file"),
        digest=digest(used),
        sensitive=(returns.catalogue["sensitive"] == "yes").any(),
        suppressed=plural(manifest["small_numbers"]["suppressed"], "figure"),
        agreed=agreed,
        found=found,
        version=__version__,
        sources=sources(),
        packages=listed([f"{name} {version}" for name, version in versions().items()]),
        unlike=unlike_lock(),
        inputs=_inputs(used),
    )


def _period(period: str) -> str:
    if "Q" in period:
        return Quarter.parse(period).title
    return f"{date.fromisoformat(f'{period}-01'):%B %Y}"


def _inputs(used: Mapping[str, str]) -> Rows:
    """A row for each of the council's own tables, and for each quarter's returns and commentary."""
    groups: dict[str, dict[str, str]] = {}
    for path, name in used.items():
        kind, *rest = re.split("[/.]", path)
        label = f"{kind.capitalize()} of {Quarter.parse(rest[0]).title}" if "/" in path else path
        groups.setdefault(label, {})[path] = name
    return [
        {
            "Input": label,
            "Files": str(len(of)),
            "Name of its content": digest(of) if len(of) > 1 else [*of.values()][0][:_DIGITS],
        }
        for label, of in groups.items()
    ]


def notices(edition: str, quarter: Quarter, corrections: str = "", only: str = "") -> list[str]:
    """What stands at the head of a report: a draft, a part, a version, each a word and the rest."""
    if edition not in EDITIONS:
        raise InputError(f'A report is "draft" or "final", not {edition!r}.')
    sentences = [only] if only else []
    if edition != FINAL:
        draft = f"Draft. Not for publication: the report for {quarter.title} has not been released."
        sentences.insert(0, f"{draft} The chapter Checks says why.")
    for number, (day, what, why) in reversed([*enumerate(corrections_of(corrections), start=2)]):
        again = f"Version {number}. Published again on {day.day} {day:%B %Y}."
        sentences.append(f"{again} Corrected: {what}. Reason: {why}.")
    return sentences


def edition_notice(edition: str, quarter: Quarter, corrections: str = "", only: str = "") -> Html:
    """The notices at the top, each with its first sentence in bold."""
    return piece("edition", notices(edition, quarter, corrections, only))


def checks_chapter(findings: pd.DataFrame, edition: str, overrides: str = "") -> Html:
    """The chapter Checks: every finding in a draft; in the final report those that were let pass.
    Raises `InputError` in a final report while an error stands."""
    every, final = with_overrides(findings, parse_overrides(overrides)), edition == FINAL
    passed = every[every["by"].notna()]
    if final:
        hold_back(every)
        if passed.empty:
            return Html()
    rows = [
        {
            "Place": "; ".join(row["place"]),
            "Finding": row["finding"],
            "What to do": row["remedy"],
            "Check": row["code"],
            "Severity": row["severity"] if pd.isna(row["by"]) else "overridden",
        }
        for row in grouped(passed if final else every)
    ]
    page = render(
        "checks.html.j2",
        final=final,
        found=len(every),
        errors=len(open_errors(every)),
        passed=rows_of(passed.drop_duplicates("code")),
        findings=rows,
    )
    return section("Checks overridden" if final else "Checks", page)
