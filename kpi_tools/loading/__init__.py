"""The raw folder → tidy tables of all that is known at a quarter, every problem and every change. A
report for quarter Q reads only the returns folders up to Q; the last word on a figure wins. Nothing
is guessed and nothing is lost: what is not accepted stands among the rejected rows with its
reasons, and the counts reconcile."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.errors import InputError
from kpi_tools.loading import context, due, schemas, words
from kpi_tools.loading.account import Run
from kpi_tools.loading.catalogue import line_columns, read_kpis, read_targets, with_targets
from kpi_tools.loading.council import Council, read_council
from kpi_tools.loading.disclosure import Withheld, suppress
from kpi_tools.loading.due import Calendar, calendars, due_figures, in_set, period_words
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.known import figures_and_months, note_months
from kpi_tools.loading.read import Schema
from kpi_tools.loading.returns import Catalogue, submissions_upto, with_decimals, with_nulls
from kpi_tools.loading.rules import ERROR, RULES, WARNING, as_list, errors_of
from kpi_tools.quarters import Quarter
from kpi_tools.received import (
    COUNCIL_BOOK,
    FIGURES,
    files_in,
    latest_quarter,
    quarters_with_returns,
    raw_folder,
    sort_out,
    strays,
)
from kpi_tools.schemes import one_of, unknown_lines
from kpi_tools.wording import named, plural
from kpi_tools.workbooks.child import Workbooks

__all__ = ["Calendar", "Council", "Returns", "ReturnsError", "as_known_at", "calendars", "load"]
__all__ += ["commentary_now", "commentary_until", "due_figures", "in_set", "latest_quarter"]
__all__ += ["line_columns", "part_of", "period_words", "quarters_with_returns", "raw_folder"]
__all__ += ["read_returns", "with_targets"]

_COUNCIL_FILES: Final = ("council.toml", "kpis.csv", "targets.csv")


@dataclass(frozen=True)
class Returns:
    """All that is known at a quarter, in tables of pandas; missing texts are null, numbers NaN.

    * `figures`: one row per KPI and quarter, made from months where none was sent; `months`: one
      per KPI and month (column `month`, "2024-12"; `basis` `month` where it is of that alone);
    * `submissions`: every accepted row of every returns folder up to the quarter;
    * `problems`, `log`: what was found wrong, what was taken otherwise than written, with places;
    * `rejected`: the refused rows as sent; `counts`: rows in = accepted + rejected + blank, per
      file;
    * `changelog`: which KPIs were added, removed or redefined from which report on, and why;
    * `rebases`: from when process limits were agreed to be made anew, why and by whom;
    * `events`: the single events behind counts, but for those of sensitive KPIs; `annotations`:
      dated notes on the pictures;
    * `actions`: every change of an action up to the quarter, as actions.csv has them;
    * `only`: of a part of the council, what the head of its report says of that;
    * `agreed`: the small figures of sensitive KPIs that are printed by decision. Those that are not
      are nowhere in these tables (status `suppressed`); `withheld` knows them and only says whether
      a text gives one away.
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
    events: pd.DataFrame
    annotations: pd.DataFrame
    actions: pd.DataFrame
    agreed: pd.DataFrame
    withheld: Withheld
    words: pd.DataFrame
    only: str = ""

    @property
    def summary(self) -> str:
        """The reconciliation in one line: rows in, and files read, refused and skipped."""
        rows = self.counts[["rows_in", "accepted", "rejected", "blank"]].sum()
        files = self.counts["outcome"].value_counts()
        blank = f" + blank {rows['blank']:,}" if rows["blank"] else ""
        states = (f"{files.get(one, 0)} {one}" for one in ("read", "refused", "skipped"))
        account = f"accepted {rows['accepted']:,} + rejected {rows['rejected']:,}{blank}"
        return f"rows in {rows['rows_in']:,} = {account} (files: {', '.join(states)})"


class ReturnsError(InputError):
    """The returns have errors; `problems` lists all, the text the first twenty of each rule."""

    def __init__(self, text: str, returns: Returns) -> None:
        super().__init__(text)
        self.returns = returns
        self.problems = returns.problems


def council_is_sound(returns: Returns) -> bool:
    """Whether nothing stands against the council's own tables, without which there is no report."""
    errors = returns.problems[returns.problems["severity"] == ERROR]
    return not _of_council_files(errors).any()


def _of_council_files(problems: pd.DataFrame) -> pd.Series:
    in_book = (problems["file"] == COUNCIL_BOOK) & (problems["sheet"] != FIGURES)
    return problems["file"].isin(_COUNCIL_FILES) | in_book


def load(
    raw: str | Path,
    quarter: str | Quarter | None = None,
    *,
    allow_rejected: bool = False,
    only: str = "",
) -> Returns:
    """All that is known at `quarter` (default: the latest with returns), from the folder `raw`.

    Args:
        raw: the folder with council.toml, the council's own tables and returns/.
        quarter: such as "2024-25 Q3".
        allow_rejected: leave rows and files that break a rule out instead of raising, up to the
            share of rows that council.toml allows.
        only: keep the KPIs of one section or directorate.

    Raises:
        ReturnsError: where anything breaks a rule.
        InputError: where a quarter or file is missing.
    """
    returns = read_returns(raw, quarter)
    if only:
        returns = part_of(returns, only)
    errors = returns.problems[returns.problems["severity"] == ERROR]
    if errors.empty:
        return returns
    title, count = returns.quarter.title, plural(len(errors_of(errors)), "error")
    rejected, rows = returns.counts[["rejected", "rows_in"]].sum()
    share, of_council = returns.council.rejected_share, _of_council_files(errors)
    if not allow_rejected:
        sentence = f"The data for {title} have {count}."
    elif of_council.any():
        sentence = "The council's own tables have errors, which cannot be left out."
        errors = errors[of_council]
    elif "file-changing" in set(errors["code"]):
        sentence = "A file changed while it was being read."
    elif rejected / max(rows, 1) > share:
        of = f"{rejected:,} of {plural(rows, 'row')}, more than the {100 * share:g}%"
        sentence = f"Rejected for {title}: {of} that council.toml allows (loading, rejected_share)."
    else:
        return returns
    raise ReturnsError(f"{sentence}\n{as_list(errors)}\n  {returns.summary}", returns)


def read_returns(
    raw: str | Path, quarter: str | Quarter | None = None, *, agreed_until: Quarter | None = None
) -> Returns:
    """As `load`, but faults in the data are only collected, and what has them is left out. Targets
    are those in force by the quarter, or by `agreed_until`, for what looks ahead. Raises
    `InputError` for an unknown quarter, a quarter without returns, and a missing folder or file."""
    folder = raw_folder(raw)
    wanted, latest = _asked_for(folder, quarter)
    with Workbooks() as books:
        if any(folder.rglob("*.xlsx")):
            books.begin()  # while the council's own tables are read
        run = Run(folder, books)

        for path in strays(folder, schemas.FILES):
            there = f"There are {one_of(path.name, schemas.FILES)}."
            of_quarter = "Texts stand in a file named as its quarter, such as 2024-25-Q3.csv."
            run.skip(path, "table-other", there if path.parent == folder else of_quarter)
        council = read_council(run.snapshot(folder / "council.toml"), run.ledger)
        sections = council.sections
        catalogue = _catalogue(run, council, wanted)
        ids, targets = catalogue.ids, catalogue.targets
        submissions, happened = _received(run, catalogue, wanted, latest)
        kpis = with_decimals(catalogue.kpis, submissions)

        def known(schema: Schema, places: tuple[str, ...] = ()) -> pd.DataFrame:
            rows = schemas.read(table := run.table(schema), schema, ids, {"section": places})
            return schemas.in_force(table, rows, wanted)

        agreed = known(schemas.SMALL_NUMBERS)
        safe = suppress(submissions, kpis, council.threshold, council.rounding, agreed)
        for row in safe.uncounted.fillna({"sheet": ""}).to_dict("records"):
            place = {"sheet": row["sheet"], "row": row["row"], "column": "numerator"}
            run.ledger.problem("small-number-unknown", row["file"], **place)
        table = run.commentary(wanted)
        commentary = words.read_commentary(table, council, ids, kpis, safe.withheld)
        texts = words.read_words(run.words, ids, kpis, safe.withheld)
        commentary = words.with_commentary(commentary, texts, wanted, run.ledger)
        activity = context.read_activity(run.table(schemas.ACTIVITY), sections, wanted)
        areas = run.table(schemas.BENCHMARKS)
        benchmarks = context.read_benchmarks(areas, kpis, targets, ids, wanted)
        context.check_headline(areas, benchmarks, council.headline)
        changelog = known(schemas.CHANGES)
        rebases = context.read_rebases(run.table(schemas.REBASES), ids, wanted)
        notes = known(schemas.ANNOTATIONS, (*sections, "all"))
        actions = words.read_actions(run.table(schemas.ACTIONS), ids, wanted, sections)
        owners = kpis.set_index("kpi_id")["owner"].to_dict()
        actions = words.with_actions(actions, texts, owners, (sent for _, sent in run.words))
    run.check_still_there()
    targets = schemas.known_at(targets, max(wanted, agreed_until or wanted))
    figures = figures_and_months(safe.submissions, kpis, targets)
    note_months(figures, safe.submissions, kpis, wanted, run.ledger)
    problems = run.ledger.problems()
    rejected = run.rejected(problems)
    # a benchmark that cannot be used is left out, and stops no report
    mild = problems["file"] == schemas.BENCHMARKS.file
    problems["severity"] = problems["severity"].mask(mild, WARNING)
    sensitive = kpis.loc[kpis["sensitive"] == "yes", "kpi_id"]
    return Returns(
        quarter=wanted,
        council=council,
        catalogue=kpis,
        targets=targets,
        figures=figures.figures,
        months=figures.months,
        submissions=with_nulls(safe.submissions),
        commentary=commentary,
        activity=activity,
        benchmarks=benchmarks,
        problems=problems,
        log=run.ledger.log(),
        rejected=rejected,
        counts=run.counts(),
        changelog=changelog,
        rebases=rebases,
        events=happened[~happened["kpi_id"].isin(sensitive)].reset_index(drop=True),
        annotations=notes.sort_values("date", kind="stable", ignore_index=True),
        actions=actions,
        agreed=agreed,
        withheld=safe.withheld,
        words=texts,
    )


def _catalogue(run: Run, council: Council, upto: Quarter) -> Catalogue:
    """What returns are held against: kpis.csv and targets.csv."""
    table, lines = run.table(schemas.KPIS), run.table(schemas.TARGETS)
    kpis = read_kpis(table, council)
    ids = Ids(kpis, np.array(table.cells["kpi_id"], dtype=object)[table.bad])
    targets = read_targets(lines, kpis, ids, council.scheme)
    table.later = int((kpis["first_quarter"] > upto.label).sum())
    lines.later = int((targets["from_quarter"] > upto.label).sum())
    due.check_targets(lines, kpis, targets, upto)
    for sentence in unknown_lines(council.schemes.values(), line_columns(targets)):
        run.ledger.problem("setting-bad", "council.toml", column="rating", detail=sentence)
    return Catalogue(kpis, targets, ids, council.milestones)


def _received(
    run: Run, known: Catalogue, upto: Quarter, latest: Quarter
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the returns, with counts of single events among them; the events."""
    sent = submissions_upto(upto, run, known)
    events = context.read_events(run.table(schemas.EVENTS), known.kpis, known.ids, upto, latest)
    counts = context.counted(events, upto, sent["received"])
    if len(counts):
        sent = pd.concat([sent, counts])
        sent = sent.sort_values("received", kind="stable", ignore_index=True)
    return sent, events


def commentary_until(raw: str | Path, returns: Returns) -> pd.DataFrame:
    """The commentary of every report up to that of `returns`, oldest first.

    Columns: `quarter` (of the report) and those of `returns.commentary`. Rows that break a rule are
    left out: they were refused with a reason when their own quarter was checked.
    """
    folder = raw_folder(raw)
    with Workbooks() as books:
        run = Run(folder, books)
        read = [
            (quarter, _commentary_of(run, returns, quarter))
            for quarter in sorted(sort_out(folder)[0])
            if quarter < returns.quarter
        ]
    every = [*read, (returns.quarter, returns.commentary)]
    labelled = [rows.assign(quarter=quarter.label) for quarter, rows in every]
    return pd.concat(labelled, ignore_index=True)


def commentary_now(raw: str | Path, returns: Returns) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The commentary of the returns' quarter as its file stands now, and the problems in it."""
    with Workbooks() as books:
        run = Run(raw_folder(raw), books)
        commentary = _commentary_of(run, returns, returns.quarter)
    return commentary, run.ledger.problems()


def _commentary_of(run: Run, returns: Returns, quarter: Quarter) -> pd.DataFrame:
    table = run.commentary(quarter)
    kpis, council = returns.catalogue, returns.council
    rows = words.read_commentary(table, council, Ids(kpis), kpis, returns.withheld)
    return words.with_commentary(rows, returns.words, quarter)


def as_known_at(returns: Returns, quarter: Quarter) -> Returns:
    """The same council as known at an earlier quarter: only figures received by then. No file is
    read again. The commentary of that quarter is not among it. Problems, log and counts stay those
    of the reading."""
    submissions = schemas.known_at(returns.submissions, quarter, "received")
    figures = figures_and_months(submissions, returns.catalogue, returns.targets)
    since = ("benchmarks", "changelog", "events", "annotations", "actions", "rebases")
    return replace(
        returns,
        quarter=quarter,
        submissions=submissions,
        figures=figures.figures,
        months=figures.months,
        commentary=returns.commentary.head(0),
        activity=schemas.known_at(returns.activity, quarter, "period"),
        **{name: schemas.known_at(getattr(returns, name), quarter) for name in since},
    )


def part_of(returns: Returns, name: str) -> Returns:
    """The returns with the KPIs of one section or directorate, as title and first notice say.
    Raises `InputError` with the nearest names where there is none of that name."""
    catalogue, council = returns.catalogue, returns.council
    places = dict.fromkeys([*council.sections, *catalogue["directorate"].dropna()])
    found = named(name, {place: place for place in places}, "section or directorate")
    column = "section" if found in council.sections else "directorate"
    kpis = catalogue[(catalogue[column] == found).fillna(False)].reset_index(drop=True)
    kept = [one for one in council.sections if one == found or one in set(kpis["section"])]
    whole, part = (len(in_set(table, returns.quarter)) for table in (catalogue, kpis))
    all_kpis = plural(whole, council.words["kpi"], council.words["kpi_plural"])
    notice = (
        f"{found} only. This report has {part:,} of the {all_kpis} of the council's report, and "
        "its counts are of these alone."
    )
    about = kept if column == "section" else []

    tables = {}
    for one in (
        *("targets", "figures", "months", "submissions", "benchmarks", "rebases", "agreed"),
        *("activity", "commentary", "actions", "changelog", "words"),
    ):
        table = getattr(returns, one)
        of = table.get("kpi_id", pd.Series(None, table.index, dtype="str"))  # activity is of none
        of_section = of.isna() & table.get("section", of).isin(about)
        tables[one] = table[of.isin(kpis["kpi_id"]) | of_section].reset_index(drop=True)
    title = f"{council.report_title}: {found}"
    council = replace(council, sections=tuple(kept), report_title=title)
    return replace(returns, council=council, catalogue=kpis, only=notice, **tables)


def _asked_for(raw: Path, quarter: str | Quarter | None) -> tuple[Quarter, Quarter]:
    """The quarter asked for, and the latest with returns."""
    latest = latest_quarter(raw) if quarter is None else None
    wanted, there = latest or Quarter.parse(quarter or ""), quarters_with_returns(raw)
    if wanted in there:
        return wanted, max(there)
    folder, unread = sort_out(raw)[0].get(wanted), ""
    for one in files_in(folder) if folder else ():
        unread = unread or f" In {one.path.parent.name} no file can be read:"
        unread += f"\n  {one.path.name}: {RULES[one.code].sentence.replace('{detail}', one.detail)}"
    unread += "\n " if unread else ""
    have = f"Quarters with returns: {', '.join(known.label for known in there) or 'none'}."
    raise InputError(f"There are no returns for {wanted.title}.{unread} {have}")
