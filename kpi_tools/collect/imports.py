"""`kpi import`: the next quarter from the council's own workbook, by the mapping with which it began."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools.collect import folder as made
from kpi_tools.collect.cells import Book
from kpi_tools.collect.columns import Column
from kpi_tools.collect.kpis import collect
from kpi_tools.collect.layout import find_table
from kpi_tools.collect.mapping import FILE, Mapping_, read_mapping
from kpi_tools.collect.recognise import quarter_of
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.collect.start import account_of, has_figures
from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import Returns, quarters_with_returns, read_returns, with_targets
from kpi_tools.provenance import slug
from kpi_tools.quarters import Quarter
from kpi_tools.wording import is_number, plural, rows_of

_FEW: Final = 8


@dataclass
class Imported:
    """What was written, and the lines that tell it."""

    files: list[Path] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def import_quarter(raw: Path, quarter: Quarter, workbook: Path) -> Imported:
    """Write what a workbook has for a report and was not known before it: figures, also restated ones, and words.

    Raises `InputError`, with nothing written, where there is no mapping, the return is there already, or a column with
    figures has no period.
    """
    mapping = raw.parent / FILE
    if not mapping.is_file():
        raise InputError(
            f"There is no {mapping}. A council that began with kpi start --from has one beside its folder raw."
        )
    said = read_mapping(mapping)
    sheets, left = open_sheets(workbook)
    plain = [one for sheet in sheets if (one := find_table(sheet, {}))]
    columns = [column for one in plain for column in one.columns]
    given = _by_heading(said, columns)
    tables = [one for sheet in sheets if (one := find_table(sheet, given)) and has_figures(one)]
    book = collect(tables, said.kpis)
    if open_ := [one for one in book.columns if one.open]:
        raise InputError(
            f'{workbook.name}, column {open_[0].letter} ("{open_[0].heading}"): {open_[0].why}. Say it in the heading, such as '
            f'"Q1 2024/25 actual". Nothing was written.'
        )
    before = [one for one in quarters_with_returns(raw) if one < quarter]
    returns = read_returns(raw, before[-1]) if before else read_returns(raw)
    told = Imported(lines=[*_changed(said, columns), *account_of(book)])
    _only_known(book, returns, told)
    rows = _new_rows(book, returns, quarter, told)
    told.lines += _other_targets(book, returns, quarter)
    texts = made.text_rows(book.kpis, quarter).get(quarter, [])
    name = slug(workbook.stem) or "workbook"
    place, words = (
        raw / "returns" / quarter.slug / f"{name}.csv",
        raw / "commentary" / f"{quarter.slug}.csv",
    )
    if place.exists():
        raise InputError(
            f"{place} is there already, and nothing was changed. Take it away to import the workbook again."
        )
    if not rows:
        raise InputError(
            f"{workbook.name} has no figure that is new by {quarter.title}. Nothing was written."
        )
    files = {place: made.csv_text("returns", rows)}
    if texts and words.exists():
        told.lines.append(
            f"{words} is there already: its texts stay, those of the workbook were left."
        )
    elif texts:
        files[words] = made.csv_text("commentary", texts)
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise KpiError(f"{error.filename} could not be written: {error.strerror}.") from error
    told.files = list(files)
    told.lines += [f'Sheet "{sheet}": {why}.' for sheet, why in left]
    return told


def _by_heading(said: Mapping_, columns: list[Column]) -> dict[tuple[str, str], dict[str, str]]:
    """What the mapping says of the columns that are still headed so, wherever they stand now."""
    then: dict[tuple[str, str], list[dict[str, str]]] = {}
    for (sheet, _), row in said.columns.items():
        then.setdefault((sheet, row.get("heading", "")), []).append(row)
    given = {}
    for column in columns:
        rows = then.get((column.sheet, column.heading), [])
        if len(rows) == 1 and rows[0]["taken_for"] != column.means:
            given[column.sheet, column.letter] = {"taken_for": rows[0]["taken_for"]}
    return given


def _changed(said: Mapping_, columns: list[Column]) -> list[str]:
    """What is otherwise in the layout than when the mapping was made."""
    then = {(sheet, row.get("heading", "")) for (sheet, _), row in said.columns.items()}
    now = {(one.sheet, one.heading) for one in columns}
    told = [f'no longer there: "{name}"' for _, name in sorted(then - now) if name]
    told += [
        f'new: "{one.heading}" ({one.letter}), taken for {one.means} {one.period}'.rstrip()
        for one in columns
        if (one.sheet, one.heading) not in then
    ]
    more = [f"and {len(told) - _FEW} more"] if len(told) > _FEW else []
    return (
        ["Columns otherwise than in the mapping:", *(f"  {text}" for text in told[:_FEW] + more)]
        if told
        else []
    )


def _only_known(book: Book, returns: Returns, told: Imported) -> None:
    """Leave KPIs that kpis.csv does not have."""
    known = set(returns.catalogue["kpi_id"])
    strange = [kpi for kpi in book.kpis if kpi.said["kpi_id"] not in known]
    book.kpis = [kpi for kpi in book.kpis if kpi.said["kpi_id"] in known]
    for kpi in strange:
        told.lines.append(
            f'Not in kpis.csv, and left: "{kpi.said["kpi_name"]}" (row {kpi.line}). Add it there first.'
        )
    gone = known - {kpi.said["kpi_id"] for kpi in book.kpis}
    if gone:
        told.lines.append(
            f"Not in the workbook: {', '.join(sorted(gone)[:_FEW])}{' and more' * (len(gone) > _FEW)}."
        )


def _other_targets(book: Book, returns: Returns, quarter: Quarter) -> list[str]:
    """A sentence for each target of the workbook that is not the one in force: targets are agreed in targets.csv."""
    asked = pd.DataFrame({"kpi_id": [kpi.said["kpi_id"] for kpi in book.kpis]}).assign(
        quarter=quarter.label
    )
    in_force = with_targets(asked, returns.targets)
    lines = []
    for kpi, row in zip(book.kpis, rows_of(in_force), strict=True):
        sent = [
            one
            for one in made.target_rows(kpi, book)
            if (one["from_quarter"] or "") <= quarter.label
        ]
        ours = row["year_target"] if is_number(row["year_target"]) else row["target"]
        theirs = sent[-1].get("target") if sent else None
        if theirs and (not is_number(ours) or abs(float(theirs) - ours) > 1e-9):
            have = f"{ours:g}" if is_number(ours) else "none"
            lines.append(
                f"Target of {row['kpi_id']}: {theirs} in the workbook, {have} in targets.csv, which stays."
            )
    return lines[:_FEW] + [f"and {len(lines) - _FEW} more targets that differ."] * (
        len(lines) > _FEW
    )


def _new_rows(book: Book, returns: Returns, quarter: Quarter, told: Imported) -> made.Rows:
    """The rows whose figure was not known before, or is another now."""
    sent = returns.submissions.drop_duplicates(["kpi_id", "period"], keep="last")
    known = {(row.kpi_id, row.period): row.value for row in sent.itertuples()}
    kinds = returns.catalogue.set_index("kpi_id")["frequency"]
    found, restated, later = [], 0, 0
    for kpi in book.kpis:
        kpi.said["frequency"] = kinds[kpi.said["kpi_id"]]
        for row in made.return_rows(kpi, book):
            ends = quarter_of(row["period"])
            label = ends.label if "/" in row["period"] else row["period"]
            old = known.get((kpi.said["kpi_id"], label))
            if ends > quarter:
                later += bool(row.get("value"))
            elif row.get("value") and (
                old is None or old != old or abs(old - float(row["value"])) > 1e-9
            ):
                restated += old is not None and old == old
                found.append(row)
    told.lines.append(
        f"{plural(len(found), 'figure')} new by {quarter.title}, {restated} of them other than known before; "
        f"{plural(later, 'figure')} of later periods left."
    )
    return found
