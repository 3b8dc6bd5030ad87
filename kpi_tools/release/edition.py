"""Draft or final: the one word that a report's edition is, the checks that stand in its way, and who let them pass.

A draft shows every finding in a chapter of its own. The final report is refused while an error stands that nobody has
overridden with a reason; what was overridden is printed in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING, Final

import pandas as pd
from markupsafe import Markup

from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import Returns
from kpi_tools.page.html import SAID, Html, paragraphs, section
from kpi_tools.page.tables import report_table
from kpi_tools.quarters import Quarter
from kpi_tools.release.checks import release_findings
from kpi_tools.release.page_checks import page_findings
from kpi_tools.remarks import commentary_until
from kpi_tools.words.findings import Finding, as_findings
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.rules import ERROR
from kpi_tools.words.wording import in_words, listed, plural

if TYPE_CHECKING:
    from nbformat import NotebookNode

DRAFT: Final = "draft"
FINAL: Final = "final"
EDITIONS: Final = (DRAFT, FINAL)
_SHOWN: Final = 10
_CHECKS: Final = "checks"


@dataclass(frozen=True)
class Override:
    """The findings of one check let pass: why, and by whom (a role)."""

    code: str
    because: str
    by: str

    def __post_init__(self) -> None:
        for name, text in (("code", self.code), ("reason", self.because), ("role", self.by)):
            if not text.strip() or "|" in text or "\n" in text:
                raise InputError(
                    f"An override needs a {name} in plain words, on one line and without |; it has {text!r}."
                )


def as_text(overrides: Iterable[tuple[str, str, str]]) -> str:
    """The overrides (check, reason, role) as a notebook's parameter has them: `code | because | by`, one a line."""
    return "\n".join(
        " | ".join((one.code, one.because, one.by)) for one in starmap(Override, overrides)
    )


def parse_overrides(text: str) -> tuple[Override, ...]:
    """What `as_text` wrote. Raises `InputError` for a line that has not three parts."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3:
            raise InputError(
                f'An override is written "code | because | by", and this one is {line!r}.'
            )
        found.append(Override(*parts))
    return tuple(found)


def judged(findings: pd.DataFrame, overrides: Iterable[Override]) -> pd.DataFrame:
    """The findings with `because` and `by` (null where not overridden).

    Raises `InputError` for an override of a check that found nothing: it would hide a finding of later.
    """
    given: Mapping[str, Override] = {one.code: one for one in overrides}
    if idle := [code for code in given if code not in set(findings["code"])]:
        there = listed(list(dict.fromkeys(findings["code"]))) or "none"
        raise InputError(f"There is no finding {idle[0]!r} to override. There are: {there}.")
    own = [given.get(code) for code in findings["code"]]
    return findings.assign(
        because=[one and one.because for one in own], by=[one and one.by for one in own]
    )


def standing(findings: pd.DataFrame) -> pd.DataFrame:
    """The errors among judged findings that nobody has overridden."""
    return findings[(findings["severity"] == ERROR) & findings["by"].isna()]


def hold_back(
    returns: Returns,
    raw: object,
    edition: str,
    overrides: tuple[tuple[str, str, str], ...],
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """The findings of the checks before release; `tables` as `scorecard.report_tables` makes them, where at hand.

    Raises `InputError`, a list of sentences, where the final report must not be made, or an override has no finding.
    """
    if edition not in EDITIONS:
        raise InputError(f'A report is "draft" or "final", not {edition!r}.')
    made = (tables["Quarters"], tables["KPIs"]) if tables else ()
    findings = release_findings(returns, *made, earlier=commentary_until(str(raw), returns))
    errors = standing(judged(findings, starmap(Override, overrides)))
    if edition == FINAL and len(errors):
        title = returns.quarter.title
        raise InputError(
            f"The final report of {title} is refused: {plural(len(errors), 'error')} found by its checks.\n"
            f"{as_lines(errors)}\n  Mend them, or let one pass with --override CODE --because REASON --by ROLE."
        )
    return findings


def check_page(page: str, returns: Returns, tables: Mapping[str, pd.DataFrame]) -> None:
    """Raise `KpiError` where the finished page contradicts its tables (`scorecard.report_tables`)."""
    wrong = as_findings(page_findings(page, tables["KPIs"], tables["Quarters"], returns.activity))
    if len(wrong):
        raise KpiError(f"The page contradicts its figures.\n{as_lines(wrong)}")


def as_lines(findings: pd.DataFrame, most: int = _SHOWN) -> str:
    """Findings as sentences, one a line; those beyond `most` are counted."""
    rows = [
        Finding(*row)
        for row in findings[list(Finding._fields)].head(most).itertuples(index=False, name=None)
    ]
    lines = [
        f"  {row.place}: {row.finding} {row.remedy} [{row.code}, {row.severity}]" for row in rows
    ]
    more = len(findings) - most
    return "\n".join([*lines, *([f"  … and {more:,} more."] if more > 0 else [])])


def edition_notice(edition: str, quarter: Quarter) -> Html:
    """The word Draft at the top of what is not final."""
    if edition == FINAL:
        return Html()
    text = Markup(
        '<div class="kpi-draft" role="note" aria-label="Edition"><p><strong>Draft.</strong> {}</p></div>'
    )
    return Html(
        text.format(
            f"Not for publication: the report for {quarter.title} has not been released. The chapter Checks says why."
        )
    )


def checks_chapter(findings: pd.DataFrame, edition: str, overrides: str = "") -> Html:
    """The chapter Checks: every finding in a draft; in the final report those that were overridden, or nothing.

    `overrides` as the notebook's parameter has them. Raises `InputError` in a final report while an error stands.
    """
    table = judged(findings, parse_overrides(overrides))
    return Html(_chapter(table, edition).markup, said={_CHECKS: kinds(table)})


def kinds(findings: pd.DataFrame) -> dict[str, int]:
    """How many findings there are of each kind, by its code."""
    return {str(code): int(count) for code, count in findings["code"].value_counts().items()}


def kinds_shown(notebook: "NotebookNode") -> Mapping[str, int] | None:
    """The `kinds` of findings that the chapter Checks of an executed notebook shows; null where it has none."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    said = (output.get("metadata", {}).get(SAID, {}) for output in outputs)
    return next((dict(one[_CHECKS]) for one in said if _CHECKS in one), None)


def _chapter(table: pd.DataFrame, edition: str) -> Html:
    errors = standing(table)
    passed = table[table["by"].notna()]
    if edition == FINAL:
        if len(errors):
            raise InputError(f"The final report is refused.\n{as_lines(errors)}")
        return (
            section("Checks overridden", _passed_sentence(passed), _table(passed))
            if len(passed)
            else Html()
        )
    if table.empty:
        return section("Checks", "The checks before release found nothing.")
    count = f"The checks before release found {plural(len(table), 'thing')}, of which {in_words(len(errors))} "
    told = f"{'stands' if len(errors) == 1 else 'stand'} in the way of the final report."
    return section(
        "Checks", count + told, *([_passed_sentence(passed)] if len(passed) else []), _table(table)
    )


def _passed_sentence(passed: pd.DataFrame) -> Html:
    said = passed.drop_duplicates("code")
    return paragraphs(*(
        f"{row['code']}: let pass by the {row['by']}, because {row['because'].rstrip('.')}." for row in rows_of(said)
    ))  # fmt: skip


def _table(table: pd.DataFrame) -> Html:
    shown = pd.DataFrame({
        "Place": table["place"], "Finding": table["finding"], "What to do": table["remedy"], "Check": table["code"],
        "Severity": [row["severity"] if pd.isna(row["by"]) else "overridden" for row in rows_of(table)],
    })  # fmt: skip
    return report_table(
        shown, "Findings of the checks before release", name="findings", wide=True, quiet=True
    )
