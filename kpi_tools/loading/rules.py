"""What was found wrong and what was changed on the way in, each with its place: collected. The
rules that what is read must keep stand in rules.csv: a stable code, the fault and the remedy in
words, how grave it is and who can put it right."""

import csv
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any, Final, NamedTuple

import pandas as pd

from kpi_tools.loading.cells import clean_name

ERROR: Final = "error"
WARNING: Final = "warning"
NOTICE: Final = "notice"
SERVICE: Final = "the service that sent it"
TEAM: Final = "the performance team"
_WHO: Final = {"service": SERVICE, "team": TEAM}

_PLACE: Final = ("file", "sheet", "row", "column")
PROBLEM_COLUMNS: Final = ("severity", "code", *_PLACE, "value", "rule", "remedy", "who")
LOG_COLUMNS: Final = (*_PLACE, "sent", "taken", "why")
WAITS: Final = "id-waits"
MOST_LISTED: Final = 20
_FEW: Final = 5
_LONGEST_VALUE: Final = 80
_WIDTH: Final = 110


class Rule(NamedTuple):
    """What is wrong, with a place for particulars; what to do; how grave; who puts it right."""

    sentence: str
    remedy: str
    severity: str
    who: str


with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    RULES: Final = {
        row["code"]: Rule(row["fault"], row["remedy"], row["severity"], _WHO[row["who"]])
        for row in csv.DictReader(_file)
    }


@dataclass
class Ledger:
    """Collects problems and changes; rows are those that a person sees, 0 is the whole file."""

    _problems: list[tuple[Any, ...]] = field(default_factory=list)
    _changes: list[tuple[Any, ...]] = field(default_factory=list)

    def problem(
        self,
        code: str,
        file: str,
        *,
        sheet: str = "",
        row: int = 0,
        column: str = "",
        value: str = "",
        detail: str = "",
        excel_row: int = 0,
    ) -> str:
        """Note that the rule `code` is broken there; return its severity. `row` of a CSV file is
        the line on which it starts; where cells hold line ends Excel counts otherwise:
        `excel_row`."""
        rule = RULES[code]
        who = rule.who if "/" in file else TEAM  # only what lies in a folder of a quarter was sent
        quote = value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "…"
        sentence = rule.sentence.replace("{detail}", detail)
        if excel_row and excel_row != row:
            sentence += f" (Row {excel_row} in a spreadsheet program.)"
        place = (file, sheet, row, column)
        self._problems.append((rule.severity, code, *place, quote, sentence, rule.remedy, who))
        return rule.severity

    def change(
        self, file: str, sheet: str, row: int, column: str, sent: str, taken: str, why: str
    ) -> None:
        """Note that what was sent was taken as something else, because its meaning is certain."""
        self._changes.append((file, sheet, row, column, sent, taken, why))

    def problems(self) -> pd.DataFrame:
        """All problems, one row each, by file, sheet and row; no `row`: the whole file."""
        return _table(PROBLEM_COLUMNS, self._problems)

    def log(self) -> pd.DataFrame:
        """All changes, one row each, in the same order."""
        return _table(LOG_COLUMNS, self._changes)


def errors_of(problems: pd.DataFrame) -> pd.DataFrame:
    """The errors that somebody can put right: what waits for kpis.csv follows from them."""
    return problems[(problems["severity"] == ERROR) & (problems["code"] != WAITS)]


def _table(names: tuple[str, ...], records: list[tuple[Any, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(records, columns=list(names))
    table = table.astype({name: "int64" if name == "row" else "str" for name in names})
    table = table.sort_values(["file", "sheet", "row"], kind="stable", ignore_index=True)
    return table.assign(row=table["row"].astype("Int64").mask(table["row"] == 0))


def column_name(column: str) -> str:
    """The name in a problem's `column`, which also carries the letter: `value (C)` → `value`."""
    return column.rpartition(" (")[0] or column


def as_list(problems: pd.DataFrame) -> str:
    """The problems under the name of each file and sheet: places and cells, below them the rule.
    Like faults of one column are one finding, with its rows. Of each rule the first `MOST_LISTED`
    findings are listed; of the others the rows are counted."""
    waiting = problems[problems["code"] == WAITS]
    findings = defaultdict[tuple[str, ...], list[Any]](list)
    for problem in problems.drop(index=waiting.index).itertuples(index=False):
        alike = (problem.file, problem.sheet, problem.code, problem.column, problem.rule)
        findings[alike].append(problem)
    listed, printed, left = defaultdict[str, int](int), [], 0
    for (*_, code, _, _), alike_problems in findings.items():
        listed[code] += 1
        if listed[code] <= MOST_LISTED:
            printed.append(alike_problems)
        else:
            left += len(alike_problems)
    lines = list[str]()
    for (file, sheet), entries in groupby(printed, lambda entry: (entry[0].file, entry[0].sheet)):
        lines.append(file + (f', sheet "{sheet}"' if sheet else ""))
        lines += [line for entry in entries for line in _entry(entry)]
    if left:
        lines.append(f"… and {left:,} more of the same kinds.")
    if len(waiting):
        rows = "One row" if len(waiting) == 1 else f"{len(waiting):,} rows"
        files = ", ".join(waiting["file"].drop_duplicates())
        without = f"{rows} of KPIs that have no sound row in kpis.csv wait for it"
        lines.append(f"{without}: {files}. [{WAITS}]")
    return "\n".join(lines)


def as_changes(log: pd.DataFrame, file: str) -> str:
    """How many cells were taken otherwise than sent, the first of them, and the `file` with all;
    "" for none."""
    if log.empty:
        return ""
    count = "One cell was" if len(log) == 1 else f"{len(log):,} cells were"
    lines = [f"{count} taken otherwise than sent:"]
    for change in log.head(_FEW).itertuples(index=False):
        row = "" if pd.isna(change.row) else f"row {change.row}"
        place = (change.file, row, change.column)
        sent, taken = (clean_name(text)[:_LONGEST_VALUE] for text in (change.sent, change.taken))
        what = f': "{sent}" as "{taken}"' if sent or taken else ""
        why = f" ({change.why})" if change.why else ""
        lines.append(f"  {', '.join(filter(None, place))}{what}{why};")
    if len(log) > _FEW:
        lines.append(f"  … and {len(log) - _FEW:,} more;")
    lines.append(f"  {'it is' if len(log) == 1 else 'all are'} in {file}.")
    return "\n".join(lines)


def _entry(problems: list[Any]) -> list[str]:
    problem = problems[0]
    rows = sorted({int(one.row) for one in problems if not pd.isna(one.row)})
    place = [rows_in_words(rows)] if rows else []
    if problem.column:
        name = column_name(problem.column)
        letter = problem.column.removeprefix(name).strip(" ()")
        place.append(f'column {letter} "{name}"' if letter else f'column "{name}"')
    texts = (" ".join(one.value.split()) for one in problems)
    values = list(dict.fromkeys(filter(None, texts)))
    examples = ", ".join(f'"{value}"' for value in values[:_FEW])
    more = f" and {len(values) - _FEW:,} more" if len(values) > _FEW else ""
    first = ", ".join(place) + (f": {examples}{more}" if examples else "")
    mark = problem.code if problem.severity == ERROR else f"{problem.severity} {problem.code}"
    whose = f"; for {problem.who}" if problem.who != SERVICE else ""
    text = f"{problem.rule} {problem.remedy} [{mark}{whose}]"
    below = wrap(text, _WIDTH - 4, break_on_hyphens=False)
    return [f"  {first}"] * bool(first) + [f"    {line}" for line in below]


def rows_in_words(rows: list[int]) -> str:
    """Rows in words: `row 3`, `rows 3 and 5`, `rows 3 to 7`."""
    groups = groupby(enumerate(rows), lambda one: one[1] - one[0])
    runs = [[row for _, row in run] for _, run in groups]
    spans = [(run if len(run) < 3 else (run[0], run[-1]), len(run) > 2) for run in runs]
    parts = [(" to " if long else " and ").join(map(str, ends)) for ends, long in spans]
    if len(parts) > _FEW:
        parts = [*parts[:_FEW], f"{sum(map(len, runs[_FEW:])):,} more"]
    words = ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]
    return f"{'row' if len(rows) == 1 else 'rows'} {words}"
