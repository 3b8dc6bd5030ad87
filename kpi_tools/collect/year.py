"""`kpi start --year`: what is agreed for a new year, KPI by KPI, in one workbook, and what follows for the tables."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from kpi_tools.collect.folder import Rows
from kpi_tools.collect.mapping import rows_below
from kpi_tools.collect.sheets import open_sheets
from kpi_tools.errors import InputError, KpiError
from kpi_tools.loading import in_set, quarters_with_returns, read_returns, with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.received import COUNCIL_BOOK
from kpi_tools.spreadsheets import make_workbook, save_workbook
from kpi_tools.units import known_unit
from kpi_tools.wording import plural

DECISIONS: Final = ("stays", "retired", "renamed", "moved", "new")
SHEET: Final = "KPIs"
COLUMNS: Final = (
    "kpi_id",
    "kpi_name",
    "section",
    "unit",
    "polarity",
    "last_target",
    "last_floor_standard",
    "decision",
    "target",
    "floor_standard",
    "new_name",
    "new_section",
    "reason",
)
_FREE: Final = COLUMNS[7:]


def first_quarter(year: str) -> Quarter:
    """Its first quarter, of a year such as 2025-26 or 2025/26. Raises `InputError` for anything else."""
    if not re.fullmatch(r"20\d\d[-/](20)?\d\d", year.strip()):
        raise InputError(f'"{year}" is not a financial year. Write it as 2025-26.')
    return Quarter.parse(f"{year} Q1")


def year_file(raw: Path, year: Quarter) -> Path:
    """Where the workbook of a year lies: beside the folder raw."""
    return raw.parent / f"year-{year.label[:7]}.xlsx"


def start_year(raw: Path, year: str) -> list[str]:
    """Write the workbook of a year, or where it is there take over what was decided in it; the lines that tell it.

    Raises `InputError` for a decision that cannot be, with nothing changed.
    """
    first = first_quarter(year)
    path = year_file(raw, first)
    if (raw / COUNCIL_BOOK).is_file() and not (raw / "kpis.csv").is_file():
        raise InputError(
            f"{raw / COUNCIL_BOOK} has the tables: write there what is agreed for {year}."
        )
    if path.is_file():
        return _take_over(raw, first, path)
    known = quarters_with_returns(raw)
    returns = read_returns(raw, known[-1] if known else first, agreed_until=first)
    kpis = in_set(returns.catalogue, first.shift(-1)).assign(quarter=first.shift(-1).label)
    table = with_targets(kpis, returns.targets).rename(
        columns={"target": "last_target", "floor_standard": "last_floor_standard"}
    )
    table = (
        table.reindex(columns=list(COLUMNS))
        .astype(dict.fromkeys(_FREE, "object"))
        .fillna(dict.fromkeys(_FREE, ""))
    )
    book = make_workbook({SHEET: table})
    _dress(book[SHEET], len(table))
    try:
        save_workbook(book, path)
    except OSError as error:
        raise KpiError(f"{path} could not be written: {error.strerror}.") from error
    return [
        f"Written: {path}, with {plural(len(table), 'KPI')} of the year before.",
        f"Say in the column decision what becomes of each ({', '.join(DECISIONS[:4])}; a row of its own is {DECISIONS[4]}), "
        "give the targets, and run the same command again.",
    ]


def undecided(raw: Path, quarter: Quarter) -> list[str]:
    """The KPIs of which nothing is decided for the year of a quarter, where its workbook is there."""
    path = year_file(raw, Quarter(quarter.year, 1))
    rows = _decided(path) if path.is_file() else []
    return [row["kpi_id"] for row in rows if row["kpi_id"] and not row["decision"]]


def _dress(sheet: Any, rows: int) -> None:
    from openpyxl.styles import PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    letter = get_column_letter(COLUMNS.index("decision") + 1)
    check = DataValidation("list", formula1=f'"{",".join(DECISIONS)}"', allow_blank=True)
    check.showErrorMessage, check.error = True, f"One of: {', '.join(DECISIONS)}."
    check.add(f"{letter}2:{letter}{rows + 50}")
    sheet.add_data_validation(check)
    yellow = PatternFill("solid", start_color="FFFFE699")
    for line in range(2, rows + 2):
        sheet[f"{letter}{line}"].fill = yellow
    for name in ("decision", "target", "new_name", "new_section", "reason"):
        sheet.column_dimensions[get_column_letter(COLUMNS.index(name) + 1)].width = 22


def _decided(path: Path) -> Rows:
    sheets, _ = open_sheets(path)
    found = next((sheet for sheet in sheets if sheet.name == SHEET), None)
    if found is None:
        raise InputError(f"{path} has no sheet {SHEET}.")
    return [dict.fromkeys(COLUMNS, "") | row | {"_line": row["_line"]} for row in rows_below(found)]


def _take_over(raw: Path, first: Quarter, path: Path) -> list[str]:
    rows = _decided(path)
    faults = list(_faults(rows, path))
    if faults:
        raise InputError("\n".join([*faults, "Nothing was changed."]))
    kpis, targets = _Csv(raw / "kpis.csv"), _Csv(raw / "targets.csv")
    changes = _Csv(raw / "changes.csv", "kpi_id", "from_quarter", "change", "reason")
    counted = dict.fromkeys(DECISIONS, 0)
    for row in rows:
        decision, kpi_id = row["decision"].casefold(), row["kpi_id"]
        if not decision:
            continue
        counted[decision] += 1
        own: dict[str, str] = next((one for one in kpis.rows if one["kpi_id"] == kpi_id), {})
        if decision == "new" and not own:
            own = {
                name: row[name] for name in ("kpi_id", "kpi_name", "section", "unit", "polarity")
            }
            kpis.add(own | {"first_quarter": first.label})
            changes.once(
                {
                    "kpi_id": kpi_id,
                    "from_quarter": first.label,
                    "change": "added",
                    "reason": row["reason"],
                }
            )
        if decision == "retired":
            kpis.set(own, "last_quarter", first.shift(-1).label)
            changes.once(
                {
                    "kpi_id": kpi_id,
                    "from_quarter": first.label,
                    "change": "removed",
                    "reason": row["reason"],
                }
            )
            continue
        if row["new_name"]:
            kpis.set(own, "kpi_name", row["new_name"])
        if row["new_section"]:
            kpis.set(own, "section", row["new_section"])
        own_lines = {one: row[one] or row[f"last_{one}"] for one in ("target", "floor_standard")}
        if any(own_lines.values()):
            agreed = {
                "kpi_id": kpi_id,
                "from_quarter": first.label,
                **own_lines,
                "reason": row["reason"],
            }
            targets.once(agreed, "kpi_id", "from_quarter")
    for table in (kpis, targets, changes):
        table.save()
    told = ", ".join(f"{count} {name}" for name, count in counted.items() if count) or "nothing"
    left = undecided(raw, first)
    lines = [
        f"From {first.title}: {told}. Written: kpis.csv, targets.csv and changes.csv in {raw}."
    ]
    if counted["renamed"] or counted["moved"]:
        lines.append(
            "A new name or section shows in earlier reports as well, if they are made again."
        )
    if left:
        lines.append(f"Not decided yet: {', '.join(left)}. kpi check says so until it is.")
    return lines


def _faults(rows: Rows, path: Path) -> Iterator[str]:
    ids = [row["kpi_id"] for row in rows]
    for row in rows:
        where, decision = f"{path.name}, row {row['_line']}", row["decision"].casefold()
        if decision and decision not in DECISIONS:
            yield f'{where}: "{row["decision"]}" is none of {", ".join(DECISIONS)}.'
        if decision and not row["kpi_id"] or ids.count(row["kpi_id"]) > 1:
            yield f"{where}: each KPI needs an id of its own."
        if (
            decision == "renamed"
            and not row["new_name"]
            or decision == "moved"
            and not row["new_section"]
        ):
            yield f"{where}: {row['kpi_id']} is {decision}, but not said to what."
        if decision == "new" and not (
            row["kpi_name"] and row["section"] and row["polarity"] and known_unit(row["unit"])
        ):
            yield f"{where}: a new KPI needs kpi_name, section, unit and polarity."
        for name in ("target", "floor_standard"):
            if row[name] and not re.fullmatch(r"-?\d+(\.\d+)?", row[name].rstrip("%")):
                yield f'{where}: the {name.replace("_", " ")} "{row[name]}" is no number.'


class _Csv:
    """One of the council's own tables, to be changed and written back with its columns and rows as they were."""

    def __init__(self, path: Path, *columns: str) -> None:
        self.path, self.columns, self.rows = path, list(columns), list[dict[str, str]]()
        self._changed = False
        if path.is_file():
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.DictReader(file)
                self.rows, self.columns = list(reader), list(reader.fieldnames or columns)

    def add(self, row: dict[str, str]) -> None:
        self.columns += [name for name, text in row.items() if text and name not in self.columns]
        self.rows.append(row)
        self._changed = True

    def set(self, row: dict[str, str], name: str, text: str) -> None:
        self.columns += [name] * (name not in self.columns)
        row[name] = text
        self._changed = True

    def once(self, row: dict[str, str], *key: str) -> None:
        """Add a row, unless there is one of the same key (default: the same row)."""
        names = key or tuple(row)
        if not any(all((one.get(name) or "") == row[name] for name in names) for one in self.rows):
            self.add(row)

    def save(self) -> None:
        if self._changed:
            with self.path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(
                    file, self.columns, extrasaction="ignore", lineterminator="\n", restval=""
                )
                writer.writeheader()
                writer.writerows(self.rows)
