"""The edition's word at the top, the chapter Checks, and the last chapter: from what, by which program and rules, by whom.

The record of the last chapter goes into the manifest, too, so that page and manifest cannot differ.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from markupsafe import Markup

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
from kpi_tools.loading import Council, Returns, raw_folder
from kpi_tools.page.html import Html, paragraphs, report_table, section
from kpi_tools.parameters import corrections_of
from kpi_tools.provenance import digest, fingerprints, sources, unlike_lock, versions
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import rating_counts, ratings_of
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import MONITORED, NOT_DUE, SUPPRESSED
from kpi_tools.wording import in_words, listed, plural, rows_of

if TYPE_CHECKING:
    pass

NOT_RECORDED: Final = "not recorded"
_SHOWN: Final = 16


def record(
    returns: Returns,
    kpis: pd.DataFrame,
    found: Mapping[str, int],
    edition: str,
    overrides: Iterable[Override] = (),
    prepared_by: str = "",
    signed_off_by: str = "",
) -> dict[str, Any]:
    """What is to be said of a report besides its inputs and program, as the manifest has it (JSON types only).

    `kpis`: its scorecard; `found`: the `edition.kinds` of what its checks found; `prepared_by`, `signed_off_by`: roles,
    where empty those of council.toml, where that has none null. `checks` gives for each check of `checks.CHECKS` how many
    findings it had, `overrides` those let pass.
    """
    council = returns.council
    counted = rating_counts(kpis, council)
    ratings = [
        name for name in ratings_of(council) if counted[name] or name not in (MONITORED, NOT_DUE)
    ]
    rows = returns.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
    return {
        "edition": edition,
        "prepared_by": prepared_by or council.prepared_by or None,
        "signed_off_by": signed_off_by or council.signed_off_by or None,
        "data_until": returns.quarter.end.isoformat(),
        "ratings": {name: counted[name] for name in ratings},
        "rows": {str(name): int(number) for name, number in rows.items()},
        "rules": {
            "rating": _bands(Terms(council)),
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
    returns: Returns,
    raw: str | Path,
    kpis: pd.DataFrame,
    findings: pd.DataFrame,
    edition: str,
    overrides: str = "",
    prepared_by: str = "",
    signed_off_by: str = "",
) -> Html:
    """The chapter's paragraphs and the table of inputs; parameters as the notebook has them, else as `record`."""
    given = parse_overrides(overrides)
    said = record(
        returns,
        kpis,
        kinds(with_overrides(findings, given)),
        edition,
        given,
        prepared_by,
        signed_off_by,
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
    ratings = "; ".join(f"{band}: {line}" for band, line in _bands(Terms(council)).items())
    return (
        f"Rules: {ratings}; the direction of travel is tested over {council.window} quarters with at least "
        f"{council.minimum_points} figures at the {council.significance:.0%} level (rule {council.rule}); process limits "
        f"are those of the profile {council.profile}."
    )


def _bands(terms: Terms) -> dict[str, str]:
    """The line that each band of the default scheme asks for: `{"Green": "target", …, "Red": "the rest"}`."""
    names = {name: terms.word(name) for name in ("target", "floor_standard")}
    return {
        band.name: " or ".join(line.words(names) for line in band.meets) or "the rest"
        for band in terms.bands
    }


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


def notices(
    edition: str, quarter: Quarter, corrections: str = "", only: str = ""
) -> tuple[str, ...]:
    """What stands at the head of a report and of all that goes with it: a draft, a part, a version, each a word and the rest."""
    if edition not in EDITIONS:
        raise InputError(f'A report is "draft" or "final", not {edition!r}.')
    said = [only] if only else []
    if edition != FINAL:
        draft = f"Draft. Not for publication: the report for {quarter.title} has not been released."
        said.insert(0, f"{draft} The chapter Checks says why.")
    again = list(enumerate(corrections_of(corrections), start=2))
    for number, (day, what, why) in reversed(again):
        when = f"{day.day} {day:%B %Y}"
        said.append(
            f"Version {number}. Published again on {when}. Corrected: {what}. Reason: {why}."
        )
    return tuple(said)


def edition_notice(edition: str, quarter: Quarter, corrections: str = "", only: str = "") -> Html:
    """The notices at the top: the word Draft of what is not final, which part of the council it is, which version and why."""
    text = Markup(
        '<div class="kpi-draft" role="note" aria-label="{}"><p><strong>{}.</strong> {}</p></div>'
    )
    said = [one.partition(". ") for one in notices(edition, quarter, corrections, only)]
    labels = ["Edition", *(f"Edition, {number}" for number in range(2, len(said) + 1))]
    each = zip(labels, said, strict=False)
    return Html(Markup("").join(text.format(label, word, rest) for label, (word, _, rest) in each))


def checks_chapter(findings: pd.DataFrame, edition: str, overrides: str = "") -> Html:
    """The chapter Checks: every finding in a draft; in the final report those that were overridden, or nothing.

    `overrides` as the notebook's parameter has them. Raises `InputError` in a final report while an error stands.
    """
    table = with_overrides(findings, parse_overrides(overrides))
    return _chapter(table, edition)


def _chapter(table: pd.DataFrame, edition: str) -> Html:
    errors = open_errors(table)
    passed = table[table["by"].notna()]
    if edition == FINAL:
        hold_back(table)
        return (
            section("Checks overridden", _passed_sentence(passed), _table(passed))
            if len(passed)
            else Html()
        )
    if table.empty:
        return section("Checks", "The checks before release found nothing.")
    return section(
        "Checks",
        _count(table, errors),
        *([_passed_sentence(passed)] if len(passed) else []),
        _table(table),
    )


def _count(table: pd.DataFrame, errors: pd.DataFrame) -> str:
    """`The checks before release found three things, of which one stands in the way of the final report.`"""
    found = f"The checks before release found {plural(len(table), 'thing')}"
    if errors.empty:
        return f"{found}; {'it does' if len(table) == 1 else 'they do'} not stand in the way of the final report."
    if len(errors) == len(table):
        which = "it stands" if len(errors) == 1 else "all of them stand"
        return f"{found}; {which} in the way of the final report."
    which = f"{in_words(len(errors))} {'stands' if len(errors) == 1 else 'stand'}"
    return f"{found}, of which {which} in the way of the final report."


def _passed_sentence(passed: pd.DataFrame) -> Html:
    said = passed.drop_duplicates("code")
    return paragraphs(
        *(
            f"{row['code']}: let pass by the {row['by']}, because {row['because'].rstrip('.')}."
            for row in rows_of(said)
        )
    )


def _table(table: pd.DataFrame) -> Html:
    rows = [
        {
            "Place": "; ".join(row["place"]),
            "Finding": row["finding"],
            "What to do": row["remedy"],
            "Check": row["code"],
            "Severity": row["severity"] if pd.isna(row["by"]) else "overridden",
        }
        for row in grouped(table)
    ]
    caption = "Findings of the checks before release"
    return report_table(pd.DataFrame(rows), caption, name="findings", wide=True, quiet=True)
