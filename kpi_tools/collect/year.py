"""`kpi start --year`: what is agreed for a new year in one workbook, and what follows of it."""

import re
from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools import spreadsheets
from kpi_tools.collect import message
from kpi_tools.errors import InputError
from kpi_tools.loading import in_set, quarters_with_returns, read_returns, with_targets
from kpi_tools.loading.grids import Snapshot
from kpi_tools.loading.read import read_table
from kpi_tools.loading.rules import ERROR, Ledger, as_list
from kpi_tools.loading.schemas import YEAR, read
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK
from kpi_tools.wording import plural
from kpi_tools.workbooks.child import Workbooks

SHEET: Final = "KPIs"
_OF_KPI: Final = ["kpi_id", "kpi_name", "section", "unit", "polarity"]
_LINES: Final = ["target", "floor_standard"]
_FREE: Final = ["decision", *_LINES, "new_name", "new_section", "reason"]
_ASKED: Final = {"renamed": ["new_name"], "moved": ["new_section"], "new": _OF_KPI}
"""What a decision has to say."""
DECISIONS: Final = next(one.options for one in YEAR.columns if one.name == "decision")


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
    table = kpis.drop(columns=_FREE, errors="ignore").reindex(columns=[*YEAR.names])
    made = spreadsheets.make_workbook({SHEET: table})
    sheet, letter = made[SHEET], spreadsheets.column_letter(YEAR.names, "decision")
    cells, rule = [f"{letter}2:{letter}{len(table) + 51}"], spreadsheets.choices(DECISIONS)
    spreadsheets.restrict(sheet, cells, **rule)
    for line in range(2, len(table) + 2):
        sheet[f"{letter}{line}"].fill = spreadsheets.solid("FFFFE699")
    for name in _FREE:
        sheet.column_dimensions[spreadsheets.column_letter(YEAR.names, name)].width = 22
    with spreadsheets.writing(path):
        spreadsheets.save_workbook(made, path)
    return message("year_begun", path=path, kpis=plural(len(table), "KPI")).splitlines()


def undecided(raw: Path, quarter: Quarter) -> list[str]:
    """The KPIs of which nothing is decided for the year of a quarter with a workbook."""
    path = _workbook(raw, quarter)
    if not path.is_file():
        return []
    rows, _ = _decided(path)
    return rows.loc[rows["decision"] == "", "kpi_id"].tolist()


def _workbook(raw: Path, quarter: Quarter) -> Path:
    return raw.parent / f"year-{quarter.label[:7]}.xlsx"


def _decided(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the workbook as texts, and what is wrong in them."""
    ledger = Ledger()
    with Workbooks() as books:
        snapshot = Snapshot(path, path.name, path.read_bytes())
        table = read_table(snapshot, YEAR, ledger, books)
    rows = pd.DataFrame(columns=YEAR.names, dtype="str")
    if table is not None:
        rows = read(table, YEAR)
        for place, row in enumerate(rows.to_dict("records")):
            for name in _ASKED.get(row["decision"], ()):
                if pd.isna(row[name]):
                    table.fault(place, name, "catalogue-missing")
    numbers = rows.select_dtypes("float64")
    rows[numbers.columns] = numbers.map("{:.15g}".format, na_action="ignore").astype("str")
    problems = ledger.problems()
    return rows.fillna(""), problems[problems["severity"] == ERROR]


def _take_over(raw: Path, first: Quarter, path: Path) -> list[str]:
    decided, errors = _decided(path)
    if len(errors):
        raise InputError(f"{as_list(errors)}\nNothing was changed.")
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
