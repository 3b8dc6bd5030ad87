"""The raw folder → one tidy table of figures as known at a quarter, with every problem and every change (floor 1).

A report for quarter Q reads only the returns folders up to Q; the last word on a figure wins. Nothing is guessed and
nothing is lost: what is not accepted stands among the rejected rows with its reasons, and the counts reconcile.

"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.loading import beside, events, schemas
from kpi_tools.loading import words as spoken
from kpi_tools.loading.account import Run
from kpi_tools.loading.catalogue import read_kpis, with_decimals
from kpi_tools.loading.council import Council, read_council
from kpi_tools.loading.disclosure import Withheld, suppress
from kpi_tools.loading.due import Calendar, calendars, due_figures, in_set, period_words, shown_in
from kpi_tools.loading.fields import known_by
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.known import figures_and_months, note_months
from kpi_tools.loading.part import part_of
from kpi_tools.loading.read import Table
from kpi_tools.loading.returns import Catalogue, shown, submissions_upto
from kpi_tools.loading.rules import ERROR, RULES, WARNING, as_list, errors_of
from kpi_tools.loading.targets import check_targets, line_columns, read_targets, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK, FIGURES, files_in, returns_in, sort_out
from kpi_tools.schemes import unknown_lines
from kpi_tools.workbooks.child import Workbooks

__all__ = [
    "Calendar",
    "Council",
    "Returns",
    "ReturnsError",
    "as_known_at",
    "calendars",
    "commentary_now",
    "commentary_until",
    "due_figures",
    "in_set",
    "latest_quarter",
    "line_columns",
    "load",
    "period_words",
    "quarters_with_returns",
    "read_returns",
    "with_targets",
]

_OWN_FILES: Final = ("council.toml", "kpis.csv", "targets.csv")


def _nothing(schema: schemas.Schema) -> pd.DataFrame:
    return pd.DataFrame(columns=list(schema.names)).astype("str")


@dataclass(frozen=True)
class Returns:
    """All that is known at a quarter. Tables are pandas; a missing text is null, a missing number NaN.

    * `figures`: one row per KPI and quarter, made from months where none was sent; `months`: one per KPI and month
      (column `month`, "2024-12"; `basis` `month` where it is of the month alone);
    * `submissions`: every accepted row of every returns folder up to the quarter;
    * `problems`, `log`: what was found wrong, what was taken otherwise than written, each with its place;
    * `rejected`: the refused rows as sent; `counts`: rows in = accepted + rejected + blank, per file;
    * `changelog`: which KPIs were added, removed or redefined from which report on, and why;
    * `rebases`: from when a KPI's process limits were agreed to be made anew, why and by whom;
    * `events`: the single events behind counts, but for those of sensitive KPIs; `annotations`: dated notes on the pictures;
    * `actions`: every change of an action up to the quarter, as actions.csv has them;
    * `only`: of a part of the council, what the head of its report says of that;
    * `agreed`: the small figures of sensitive KPIs that are printed by decision. Those that are not are nowhere in these
      tables (status `suppressed`); `withheld` knows them and only says whether a text gives one away.
    """

    quarter: Quarter
    council: Council
    catalogue: pd.DataFrame
    targets: pd.DataFrame
    figures: pd.DataFrame
    months: pd.DataFrame
    submissions: pd.DataFrame
    commentary: pd.DataFrame
    activity: pd.DataFrame
    benchmarks: pd.DataFrame
    problems: pd.DataFrame
    log: pd.DataFrame
    rejected: pd.DataFrame
    counts: pd.DataFrame
    changelog: pd.DataFrame
    rebases: pd.DataFrame
    events: pd.DataFrame = field(default_factory=lambda: _nothing(schemas.EVENTS))
    annotations: pd.DataFrame = field(default_factory=lambda: _nothing(schemas.ANNOTATIONS))
    actions: pd.DataFrame = field(default_factory=lambda: _nothing(schemas.ACTIONS))
    agreed: pd.DataFrame = field(default_factory=lambda: _nothing(schemas.SMALL_NUMBERS))
    withheld: Withheld = field(default_factory=Withheld)
    words: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=spoken.SAID, dtype="str")
    )
    only: str = ""

    @property
    def summary(self) -> str:
        """The reconciliation in one line: rows in = accepted + rejected (+ blank), files read, refused and skipped."""
        rows = self.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
        files = self.counts["outcome"].value_counts()
        blank = f" + blank {rows['blank']:,}" if rows["blank"] else ""
        by_state = ", ".join(
            f"{files.get(outcome, 0)} {outcome}" for outcome in ("read", "refused", "skipped")
        )
        account = f"accepted {rows['accepted']:,} + rejected {rows['rejected']:,}{blank}"
        return f"rows in {rows['rows_in']:,} = {account} (files: {by_state})"


class ReturnsError(InputError):
    """The returns have errors; `problems` (see `problems.PROBLEM_COLUMNS`) lists all, the text the first twenty."""

    def __init__(self, text: str, returns: Returns) -> None:
        super().__init__(text)
        self.returns = returns
        self.problems = returns.problems


def own_tables_are_sound(returns: Returns) -> bool:
    """Whether nothing stands against the council's own tables, without which no scorecard can be made."""
    errors = returns.problems[returns.problems["severity"] == ERROR]
    return not _of_own_files(errors).any()


def _of_own_files(problems: pd.DataFrame) -> pd.Series:
    in_book = (problems["file"] == COUNCIL_BOOK) & (problems["sheet"] != FIGURES)
    return problems["file"].isin(_OWN_FILES) | in_book


def raw_folder(raw: str | Path) -> Path:
    """The folder of raw data: as given, or, where `raw` is relative, from the nearest folder above in which it is found.

    So `data/raw` means the same in a notebook, which runs in its own folder, as at the project's root. Raises `InputError`
    for a name that no folder can have.
    """
    path, here = Path(raw), Path.cwd()
    try:
        for base in (here, *here.parents):
            if (base / path / "council.toml").is_file():
                return path if path.is_absolute() else base / path
    except OSError as error:
        name = f"{str(path)[:60]}…" if len(str(path)) > 60 else str(path)
        raise InputError(f"The folder {name} cannot be opened: {error.strerror}.") from error
    return path


def quarters_with_returns(raw: str | Path) -> list[Quarter]:
    """The quarters that have a folder with returns, oldest first. Raises `InputError` where there is no such folder."""
    return sorted(
        quarter for quarter, folder in _folders(raw_folder(raw)).items() if returns_in(folder)
    )


def latest_quarter(raw: str | Path) -> Quarter:
    """The latest quarter with returns. Raises `InputError` where there is none."""
    quarters = quarters_with_returns(raw)
    if not quarters:
        raise InputError(
            f"There are no returns in {Path(raw) / 'returns'}. Put them into a folder named like 2024-25-Q3."
        )
    return quarters[-1]


def load(
    raw: str | Path,
    quarter: str | Quarter | None = None,
    *,
    allow_rejected: bool = False,
    only: str = "",
) -> Returns:
    """All that is known at `quarter` (default: the latest with returns), from the folder `raw`.

    Raises `ReturnsError` where anything breaks a rule. With `allow_rejected` rows and files of returns that do are left
    out instead, up to the share of rows that council.toml allows. `only` keeps the KPIs of one section or directorate.
    Raises `InputError` where a quarter or file is missing.
    """
    returns = read_returns(raw, quarter)
    if only:
        returns = part_of(returns, only)
    errors = returns.problems[returns.problems["severity"] == ERROR]
    if errors.empty:
        return returns
    title = returns.quarter.title
    if not allow_rejected:
        number = len(errors_of(errors))
        count = "one error" if number == 1 else f"{number:,} errors"
        text = f"The data for {title} have {count}.\n{as_list(errors)}\n  {returns.summary}"
        raise ReturnsError(text, returns)
    if _of_own_files(errors).any():
        own_errors = as_list(errors[_of_own_files(errors)])
        text = f"The council's own tables have errors, which cannot be left out.\n{own_errors}"
        raise ReturnsError(text, returns)
    if (errors["code"] == "file-changing").any():
        raise ReturnsError(f"A file changed while it was being read.\n{as_list(errors)}", returns)
    rejected, rows = int(returns.counts["rejected"].sum()), int(returns.counts["rows_in"].sum())
    if rejected / max(rows, 1) > returns.council.rejected_share:
        raise ReturnsError(
            f"{rejected:,} of the {rows:,} rows for {title} {'is' if rejected == 1 else 'are'} rejected, more than the "
            f"{100 * returns.council.rejected_share:g}% that council.toml allows (loading, rejected_share).\n"
            f"{as_list(errors)}\n  {returns.summary}",
            returns,
        )
    return returns


def read_returns(
    raw: str | Path, quarter: str | Quarter | None = None, *, agreed_until: Quarter | None = None
) -> Returns:
    """As `load`, but faults in the data are only collected, and what has them is left out.

    Targets are those in force by the quarter, or by `agreed_until`, for what looks ahead.

    Raises `InputError` for an unknown quarter, a quarter without returns, and a missing folder or file.
    """
    folder = raw_folder(raw)
    wanted = _known_quarter(folder, quarter)
    with Workbooks() as books:
        run = Run(folder, books)

        def own(schema: schemas.Schema) -> Table:
            return run.table(folder / schema.file, schema.layout, needed=not schema.optional)

        council = read_council(run.snapshot(folder / "council.toml"), run.ledger)
        sections = council.sections
        catalogue, lines = own(schemas.KPIS), own(schemas.TARGETS)
        kpis = read_kpis(catalogue, council)
        ids = Ids(
            kpis["kpi_id"],
            names=dict(zip(kpis["kpi_id"], kpis["kpi_name"], strict=True)),
            refused=np.array(catalogue.cells["kpi_id"], dtype=object)[catalogue.bad],
        )

        def known(schema: schemas.Schema, places: tuple[str, ...] = ()) -> pd.DataFrame:
            return known_by(own(schema), schema, ids, wanted, places)

        targets = read_targets(lines, kpis, ids, council.scheme)
        catalogue.later = int((kpis["first_quarter"] > wanted.label).sum())
        lines.later = int((targets["from_quarter"] > wanted.label).sum())
        check_targets(lines, kpis, targets, wanted, shown_in)
        for sentence in unknown_lines(council.schemes.values(), line_columns(targets)):
            run.ledger.problem("setting-bad", "council.toml", column="rating", detail=sentence)
        submissions = submissions_upto(
            wanted, run, Catalogue(kpis, targets, ids, council.milestones)
        )
        latest = max(quarters_with_returns(folder))
        happened = events.read_events(own(schemas.EVENTS), kpis, ids, wanted, latest)
        counts = events.counted(happened, wanted, schemas.EVENTS.file, submissions.columns)
        if len(counts):
            submissions = pd.concat([submissions, counts.astype(submissions.dtypes)])
            submissions = submissions.sort_values("received", kind="stable", ignore_index=True)
        kpis = with_decimals(kpis, submissions)
        agreed = known(schemas.SMALL_NUMBERS)
        safe = suppress(submissions, kpis, council.threshold, council.rounding, agreed)
        for row in safe.not_judged.to_dict("records"):
            sheet = row["sheet"] if isinstance(row["sheet"], str) else ""
            run.ledger.problem(
                "small-number-unknown", row["file"], sheet=sheet, row=row["row"], column="numerator"
            )
        texts = run.commentary(wanted, schemas.COMMENTARY.layout)
        commentary = beside.read_commentary(texts, sections, ids)
        commentary = beside.withhold_texts(texts, commentary, kpis, safe.withheld)
        said = spoken.read_words(run.words, ids, kpis, safe.withheld)
        commentary = spoken.with_commentary(commentary, said, wanted, run.ledger)
        activity = beside.read_activity(own(schemas.ACTIVITY), sections, wanted)
        areas = own(schemas.BENCHMARKS)
        benchmarks = beside.read_benchmarks(areas, kpis, targets, ids, wanted)
        beside.check_headline(areas, benchmarks, council.headline)
        changelog = known(schemas.CHANGES)
        rebases = beside.read_rebases(own(schemas.REBASES), ids, wanted)
        notes = known(schemas.ANNOTATIONS, (*sections, "all"))
        notes = notes.sort_values("date", kind="stable", ignore_index=True)
        sensitive = set(kpis.loc[kpis["sensitive"] == "yes", "kpi_id"])
        happened = happened[~happened["kpi_id"].isin(sensitive)].reset_index(drop=True)
        actions = known(schemas.ACTIONS, sections)
        owners = dict(zip(kpis["kpi_id"], kpis["owner"], strict=True))
        actions = spoken.with_actions(actions, said, owners, run.ledger)
    run.check_still_there()
    targets = _upto(targets, "from_quarter", max(wanted, agreed_until or wanted))
    figures = figures_and_months(safe.submissions, kpis, targets)
    note_months(figures, safe.submissions, kpis, wanted, run.ledger)
    problems = run.ledger.problems()
    rejected = run.rejected(problems)
    # a benchmark that cannot be used is left out, and stops no report
    mild = problems["file"] == schemas.BENCHMARKS.file
    problems["severity"] = problems["severity"].mask(mild, WARNING)
    return Returns(
        wanted,
        council,
        kpis,
        targets,
        figures.figures,
        figures.months,
        shown(safe.submissions),
        commentary,
        activity,
        benchmarks,
        problems,
        run.ledger.log(),
        rejected,
        run.counts(),
        changelog,
        rebases,
        happened,
        notes,
        actions,
        agreed,
        safe.withheld,
        said,
    )


def commentary_until(raw: str | Path, returns: Returns) -> pd.DataFrame:
    """The commentary of every report up to that of `returns`, oldest first.

    Columns: `quarter` (of the report) and those of `returns.commentary`. Rows that break a rule are left out: they
    were refused with a reason when their own quarter was checked.
    """
    folder = raw_folder(raw)
    quarters = sorted(quarter for quarter in sort_out(folder)[0] if quarter < returns.quarter)
    read = []
    with Workbooks() as books:
        run = Run(folder, books)
        for quarter in quarters:
            read.append((quarter, _words_of(run, returns, quarter)))
    every = [*read, (returns.quarter, returns.commentary)]
    return pd.concat(
        [rows.assign(quarter=quarter.label) for quarter, rows in every], ignore_index=True
    )


def commentary_now(raw: str | Path, returns: Returns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The commentary of the returns' quarter as its file stands at this moment, and the problems found in it."""
    with Workbooks() as books:
        run = Run(raw_folder(raw), books)
        said = _words_of(run, returns, returns.quarter)
    return said, run.ledger.problems()


def _words_of(run: Run, returns: Returns, quarter: Quarter) -> pd.DataFrame:
    table = run.commentary(quarter, schemas.COMMENTARY.layout)
    ids = Ids(returns.catalogue["kpi_id"])
    said = beside.read_commentary(table, returns.council.sections, ids)
    said = beside.withhold_texts(table, said, returns.catalogue, returns.withheld)
    return spoken.with_commentary(said, returns.words, quarter)


def as_known_at(returns: Returns, quarter: Quarter) -> Returns:
    """The same council as known at an earlier quarter: only the figures received by then. No file is read again.

    The commentary of that quarter is not among it. Problems, log and counts stay those of the reading.
    """
    known = _upto(returns.submissions, "received", quarter)
    figures, months, _ = figures_and_months(known, returns.catalogue, returns.targets)
    rebases = returns.rebases
    return replace(
        returns,
        quarter=quarter,
        submissions=known,
        figures=figures,
        months=months,
        commentary=returns.commentary.head(0),
        activity=_upto(returns.activity, "period", quarter),
        benchmarks=_upto(returns.benchmarks, "from_quarter", quarter),
        changelog=_upto(returns.changelog, "from_quarter", quarter),
        events=_upto(returns.events, "from_quarter", quarter),
        annotations=_upto(returns.annotations, "from_quarter", quarter),
        actions=_upto(returns.actions, "from_quarter", quarter),
        rebases=rebases[~(rebases["from_quarter"] > quarter.label)],
    )


def _upto(table: pd.DataFrame, column: str, quarter: Quarter) -> pd.DataFrame:
    """The rows of quarters up to one; labels stand in the order of time."""
    return table[(table[column] <= quarter.label).astype(bool)].reset_index(drop=True)


def _folders(raw: Path) -> dict[Quarter, Path]:
    return sort_out(raw)[0]


def _unreadable(raw: Path, quarter: Quarter) -> str:
    """What lies in a quarter's folder instead, a line each; nothing where there is none or it is empty."""
    folder = _folders(raw).get(quarter)
    found = files_in(folder) if folder else []
    lines = [
        f"\n  {one.path.name}: {RULES[one.code].sentence.replace('{detail}', one.detail)}"
        for one in found
    ]
    return f" In {folder.name} no file can be read:{''.join(lines)}\n " if folder and found else ""


def _known_quarter(raw: Path, quarter: str | Quarter | None) -> Quarter:
    if quarter is None:
        return latest_quarter(raw)
    wanted, there = Quarter.parse(quarter), quarters_with_returns(raw)
    if wanted not in there:
        have = ", ".join(known.label for known in there) or "none"
        raise InputError(
            f"There are no returns for {wanted.title}.{_unreadable(raw, wanted)} Quarters with returns: {have}."
        )
    return wanted
