"""Findings, what lets them pass, and how they are printed. An error stands in the way of the final
report until it is put right or overridden with a reason by a role; a warning should be looked at; a
notice informs."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import Final, NamedTuple

import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.loading.rules import ERROR, NOTICE, WARNING, rows_in_words
from kpi_tools.rows import Row, rows_of
from kpi_tools.wording import listed, plural

COLUMNS: Final = ("severity", "code", "place", "finding", "remedy")
DRAFT: Final = "draft"
FINAL: Final = "final"
EDITIONS: Final = (DRAFT, FINAL)
_ORDER: Final = (ERROR, WARNING, NOTICE)
_WIDTH: Final = 110
_PLACES: Final = 6
_IN_A_ROW: Final = re.compile(r"(?P<file>.*), row (?P<row>\d+)(?P<column>,.*|)")


with Path(__file__).with_name("checks.csv").open(encoding="utf-8", newline="") as _file:
    CHECKS: Final = {row["code"]: (row["severity"], row["remedy"]) for row in csv.DictReader(_file)}
"""Every kind of finding before release: how grave it is, and what to do, with its particulars."""


class Finding(NamedTuple):
    """What is wrong in the report (a code of CHECKS), where, and the particulars of what to do."""

    code: str
    place: str
    finding: str
    detail: str = ""


def as_findings(found: Iterable[Finding]) -> pd.DataFrame:
    """One row a finding (columns: COLUMNS), errors first, otherwise in the order found."""
    rows = [
        (severity, one.code, one.place, one.finding, remedy.replace("{detail}", one.detail))
        for one in found
        for severity, remedy in [CHECKS[one.code]]
    ]
    ordered = sorted(rows, key=lambda row: _ORDER.index(row[0]))
    return pd.DataFrame(ordered, columns=list(COLUMNS)).astype("str")


class Override(NamedTuple):
    """The findings of one check let pass: why, and by whom (a role)."""

    code: str
    because: str
    by: str


def parse_overrides(text: str) -> tuple[Override, ...]:
    """The overrides in a notebook's parameter: `code | because | by`, one a line. Raises
    `InputError` for a line that has not three parts."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not all(parts):
            raise InputError(
                "An override needs a code, a reason and a role in plain words, on one line: it is "
                f'written "code | because | by", and this one is {line!r}.'
            )
        found.append(Override(*parts))
    return tuple(found)


def with_overrides(findings: pd.DataFrame, overrides: Iterable[Override]) -> pd.DataFrame:
    """The findings with `because` and `by` (null where not overridden). Raises `InputError` for an
    override of a check that found nothing: it would hide a finding of later."""
    given = {one.code: one for one in overrides}
    if idle := [code for code in given if code not in set(findings["code"])]:
        there = listed(list(dict.fromkeys(findings["code"]))) or "none"
        raise InputError(f"There is no finding {idle[0]!r} to override. There are: {there}.")
    codes = findings["code"]
    because, by = ({code: one[part] for code, one in given.items()} for part in (1, 2))
    return findings.assign(because=codes.map(because.get), by=codes.map(by.get))


def open_errors(findings: pd.DataFrame) -> pd.DataFrame:
    """The errors among findings with overrides that nobody has let pass."""
    return findings[(findings["severity"] == ERROR) & findings["by"].isna()]


def hold_back(findings: pd.DataFrame) -> None:
    """Raise `InputError`, a list of sentences, where an error stands open."""
    if len(errors := open_errors(findings)):
        raise InputError(
            f"The final report is refused: {plural(len(errors), 'error')} found by its checks.\n"
            f"{findings_text(errors)}\n  Put them right, or let one pass with "
            "--override CODE --because REASON --by ROLE."
        )


def kinds(findings: pd.DataFrame) -> dict[str, int]:
    """How many findings there are of each kind, by its code."""
    return {str(code): int(count) for code, count in findings["code"].value_counts().items()}


def grouped(findings: pd.DataFrame) -> list[Row]:
    """The findings with like ones together: rows of COLUMNS, `place` a list of places."""
    groups: dict[tuple[str, ...], Row] = {}
    for row in rows_of(findings):
        key = (row["code"], row["finding"], row["remedy"])
        groups.setdefault(key, row | {"place": []})["place"].append(row["place"])
    return list(groups.values())


def findings_text(findings: pd.DataFrame) -> str:
    """For a terminal: severity, check and places in columns, the finding and remedy below."""
    code = max(findings["code"].str.len().max(), 5)
    lines = [f"{'Severity':<9} {'Check':<{code}} Place"]
    for row in grouped(findings):
        lines.append(f"{row['severity']:<9} {row['code']:<{code}} {_places(row['place'])}")
        text = f"{row['finding']} {row['remedy']}"
        lines += wrap(text, _WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 10)
    return "\n".join(lines)


def _places(places: list[str]) -> str:
    """The first places; `file, row 2, column` is said once where only the row differs."""
    parts = [_IN_A_ROW.fullmatch(place) for place in places]
    if all(parts) and len({(part["file"], part["column"]) for part in parts if part}) == 1:
        first, rows = parts[0], sorted({int(part["row"]) for part in parts if part})
        return f"{first['file']}, {rows_in_words(rows)}{first['column']}" if first else ""
    more = len(places) - _PLACES
    return "; ".join(places[:_PLACES]) + (f" and {more:,} more" if more > 0 else "")
