"""`kpi start --year`: what is agreed for a new year in one workbook, and what follows of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools import spreadsheets
from kpi_tools.collect import message
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.errors import InputError
from kpi_tools.loading import in_set, quarters_with_returns, read_returns, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK
from kpi_tools.units import known_unit
from kpi_tools.wording import plural

DECISIONS: Final = ("stays", "retired", "renamed", "moved", "new")
SHEET: Final = "KPIs"
_OF_KPI: Final = ["kpi_id", "kpi_name", "section", "unit", "polarity"]
_LINES: Final = ["target", "floor_standard"]
_FREE: Final = ["decision", *_LINES, "new_name", "new_section", "reason"]
COLUMNS: Final = [*_OF_KPI, *(f"last_{name}" for name in _LINES), *_FREE]


def start_year(raw: Path, year: str) -> list[str]:
    """Write the workbook of a year, or where it is there take over what was decided in it; return
    the lines that tell it. Raises `InputError` for no year, or a decision that cannot be; nothing
    is changed then."""
    if not re.fullmatch(r"20\d\d[-/](20)?\d\d", year.strip()):
        raise InputError(f'"{year}" is not a financial year. Write it as 2025-26.')
    first = Quarter.parse(f"{year} Q1")
    path = _workbook(raw, first)
    book = raw / COUNCIL_BOOK
    if book.is_file() and not (raw / "kpis.csv").is_file():
        raise InputError(f"{book} has the tables: write there what is agreed for {year}.")
    if path.is_file():
        return _take_over(raw, first, path)
    there = quarters_with_returns(raw)
    returns = read_returns(raw, there[-1] if there else first, agreed_until=first)
    last = first.shift(-1)
    kpis = with_targets(in_set(returns.catalogue, last).assign(quarter=last.label), returns.targets)
    kpis = kpis.rename(columns={name: f"last_{name}" for name in _LINES})
    table = kpis.drop(columns=_FREE, errors="ignore").reindex(columns=COLUMNS)
    made = spreadsheets.make_workbook({SHEET: table})
    sheet, letter = made[SHEET], spreadsheets.column_letter(COLUMNS, "decision")
    cells, rule = [f"{letter}2:{letter}{len(table) + 51}"], spreadsheets.choices(DECISIONS)
    spreadsheets.restrict(sheet, cells, **rule)
    for line in range(2, len(table) + 2):
        sheet[f"{letter}{line}"].fill = spreadsheets.solid("FFFFE699")
    for name in _FREE:
        sheet.column_dimensions[spreadsheets.column_letter(COLUMNS, name)].width = 22
    with spreadsheets.writing(path):
        spreadsheets.save_workbook(made, path)
    return message("year_begun", path=path, kpis=plural(len(table), "KPI")).splitlines()


def undecided(raw: Path, quarter: Quarter) -> list[str]:
    """The KPIs of which nothing is decided for the year of a quarter with a workbook."""
    path = _workbook(raw, quarter)
    rows = _decided(path) if path.is_file() else pd.DataFrame(columns=[*COLUMNS, "_line"])
    return rows.loc[(rows["kpi_id"] != "") & (rows["decision"] == ""), "kpi_id"].tolist()


def _workbook(raw: Path, quarter: Quarter) -> Path:
    return raw.parent / f"year-{quarter.label[:7]}.xlsx"


def _decided(path: Path) -> pd.DataFrame:
    found = next((sheet for sheet in open_sheets(path)[0] if sheet.name == SHEET), None)
    if found is None:
        raise InputError(f"{path} has no sheet {SHEET}.")
    rows = pd.DataFrame(found.records(), dtype="str")
    rows = rows.reindex(columns=[*COLUMNS, "_line"], fill_value="")
    return rows.assign(decision=rows["decision"].str.casefold())


def _take_over(raw: Path, first: Quarter, path: Path) -> list[str]:
    decided = _decided(path)
    if faults := list(_faults(decided, path)):
        raise InputError("\n".join([*faults, "Nothing was changed."]))
    decided = decided[decided["decision"] != ""].assign(from_quarter=first.label)
    before = {name: _council_table(raw, name) for name in ("kpis", "targets", "changes")}
    of = {one: decided[decided["decision"] == one].set_index("kpi_id") for one in DECISIONS}
    kept = decided[decided["decision"] != "retired"].set_index("kpi_id")
    new = of["new"][_OF_KPI[1:]].assign(first_quarter=first.label)
    kpis = _with_new(before["kpis"], new.reset_index(), ["kpi_id"]).copy()
    until = pd.Series(first.shift(-1).label, of["retired"].index, dtype="str")
    named = {"kpi_name": kept["new_name"], "section": kept["new_section"], "last_quarter": until}
    for name, texts in named.items():
        if texts.any():
            found = kpis["kpi_id"].map(texts[texts != ""])
            kpis[name] = found.fillna(kpis.get(name, ""))
    lines = {name: kept[name].where(kept[name] != "", kept[f"last_{name}"]) for name in _LINES}
    agreed = kept.assign(**lines)[["from_quarter", *_LINES, "reason"]].reset_index()
    agreed = agreed[(agreed[_LINES] != "").any(axis=1)]
    change = decided["decision"].map({"new": "added", "retired": "removed"})
    changes = decided.assign(change=change).dropna(subset="change")
    changes = changes[["kpi_id", "from_quarter", "change", "reason"]]
    after = {
        "kpis": kpis,
        "targets": _with_new(before["targets"], agreed, ["kpi_id", "from_quarter"]),
        "changes": _with_new(before["changes"], changes, list(changes)),
    }
    with spreadsheets.writing(raw):
        for name, table in after.items():
            if not table.equals(before[name]):
                table.to_csv(raw / f"{name}.csv", index=False, lineterminator="\n")
    counts = decided["decision"].value_counts()
    counted = ", ".join(f"{counts[name]} {name}" for name in DECISIONS if name in counts)
    files = f"Written: kpis.csv, targets.csv and changes.csv in {raw}."
    written = [f"From {first.title}: {counted or 'nothing'}. {files}"]
    if {"renamed", "moved"} & set(counts.index):
        shows = "shows in earlier reports as well, if they are made again"
        written.append(f"A new name or section {shows}.")
    if left := undecided(raw, first):
        written.append(f"Not decided yet: {', '.join(left)}. kpi check says so until it is.")
    return written


def _council_table(raw: Path, name: str) -> pd.DataFrame:
    """One of the council's own tables, every cell as it stands there."""
    path = raw / f"{name}.csv"
    if not path.is_file():
        more = ["change", "reason"] if name == "changes" else []
        return pd.DataFrame(columns=["kpi_id", "from_quarter", *more], dtype="str")
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        if "kpi_id" not in table:
            raise ValueError("it has no column kpi_id")
    except ValueError as error:
        what = "is no plain CSV file in UTF-8, so nothing was changed"
        raise InputError(f"{path} {what}: {error}.") from None
    return table.fillna("")


def _with_new(table: pd.DataFrame, rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """A table with the rows whose key it does not have, without new columns that are blank."""
    there = set(table.reindex(columns=key, fill_value="").itertuples(index=False, name=None))
    rows = rows[[one not in there for one in rows[key].itertuples(index=False, name=None)]]
    names = [name for name in rows if name in table or (rows[name] != "").any()]
    return pd.concat([table, rows[names]], ignore_index=True).fillna("") if len(rows) else table


def _faults(rows: pd.DataFrame, path: Path) -> Iterator[str]:
    twice = rows["kpi_id"].duplicated(keep=False)
    for row, again in zip(rows.to_dict("records"), twice, strict=True):
        where, decision = f"{path.name}, row {row['_line']}", row["decision"]
        if decision not in ("", *DECISIONS):
            yield f'{where}: "{decision}" is none of {", ".join(DECISIONS)}.'
        if again or decision and not row["kpi_id"]:
            yield f"{where}: each KPI needs an id of its own."
        if not row[{"renamed": "new_name", "moved": "new_section"}.get(decision, "_line")]:
            yield f"{where}: {row['kpi_id']} is {decision}, but not said to what."
        asked = (row["kpi_name"], row["section"], row["polarity"], known_unit(row["unit"]))
        if decision == "new" and not all(asked):
            yield f"{where}: a new KPI needs kpi_name, section, unit and polarity."
        for name in _LINES:
            if row[name] and not re.fullmatch(r"-?\d+(\.\d+)?", row[name].rstrip("%")):
                yield f'{where}: the {name.replace("_", " ")} "{row[name]}" is no number.'
