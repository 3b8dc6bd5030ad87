"""How many slips in the latest figure of a KPI the check names, and how often it doubts a figure that is right.

    python benchmarks/planted_slips.py

Into the latest figure of each KPI of the example in turn one slip is planted, in a copy of its returns; it is named
where loading refuses the row or the figure is doubted. Those that are not are listed: there the history (small
figures, a wide range) does not make the slip strange.
"""

import csv
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import openpyxl

from kpi_tools.loading import load, read_returns
from kpi_tools.scorecard import recent_quarters

RAW = Path(__file__).parent.parent / "data" / "raw"
QUARTER = "2024-25 Q3"
Row = dict[str, str]


def sent(folder: Path) -> dict[Path, list[Row]]:
    """The returns of the quarter by file; a workbook's table is taken for a CSV file from here on."""
    tables: dict[Path, list[Row]] = {}
    for path in sorted((folder / "returns" / QUARTER.replace(" ", "-")).iterdir()):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                tables[path] = list(csv.DictReader(file))
        else:
            cells = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
            lines = [["" if cell is None else str(cell) for cell in line] for line in cells]
            at = next(place for place, line in enumerate(lines) if "kpi_id" in line)
            rows = [
                dict(zip(lines[at], line, strict=True)) for line in lines[at + 1 :] if any(line)
            ]
            path.unlink()
            tables[path.with_suffix(".csv")] = rows
    return tables


def write(path: Path, rows: list[Row]) -> None:
    """A return as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def scaled(times: float) -> Callable[[Row, Row], Row | None]:
    """The decimal point of the value moved."""
    return lambda row, _: row | {"value": f"{float(row['value']) * times:.10g}"}


def exchanged(row: Row, _: Row) -> Row | None:
    """Numerator and denominator in each other's place, where there are any."""
    parts = {"numerator": row["denominator"], "denominator": row["numerator"]}
    return row | parts if row["numerator"] else None


def digits_exchanged(row: Row, _: Row) -> Row | None:
    """The first two digits in each other's place, where they differ."""
    first, second, *rest = row["value"].replace(".", "", 1).ljust(2, "0")
    if first == second or row["value"].find(".") == 1:
        return None
    parts = {"value": second + first + row["value"][2:], "numerator": "", "denominator": ""}
    return row | parts if len(row["value"]) > 1 else None


SLIPS: dict[str, Callable[[Row, Row], Row | None]] = {
    "ten times": scaled(10),
    "a hundred times": scaled(100),
    "a tenth": scaled(0.1),
    "parts exchanged": exchanged,
    "digits exchanged": digits_exchanged,
    "zero": lambda row, _: row | {"value": "0", "numerator": "", "denominator": ""},
    "the next KPI's figure": lambda row, other: (
        row | {"value": other["value"], "numerator": "", "denominator": ""}
    ),
}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place) / "raw"
        shutil.copytree(RAW, raw)
        tables = sent(raw)
        for path, rows in tables.items():
            write(path, rows)
        recent = recent_quarters(load(raw, QUARTER))
        doubted = recent["doubt"].notna().sum()
        print(f"Untouched: {doubted} of {recent['value'].notna().sum()} figures doubted")
        latest = (
            recent.groupby("kpi_id", sort=False).tail(1).set_index("kpi_id")["quarter"].to_dict()
        )
        found = {
            row["kpi_id"]: (path, at)
            for path, rows in tables.items()
            for at, row in enumerate(rows)
            if row["period"] == latest.get(row["kpi_id"])
        }
        ids = [kpi_id for kpi_id in latest if kpi_id in found]
        for name, slip in SLIPS.items():
            named, missed = 0, []
            for kpi_id, other in zip(ids, [*ids[1:], ids[0]], strict=True):
                path, at = found[kpi_id]
                rows = tables[path]
                other_path, other_at = found[other]
                planted = slip(rows[at], tables[other_path][other_at])
                if planted is None:
                    continue
                write(path, [*rows[:at], planted, *rows[at + 1 :]])
                if is_named(raw, kpi_id):
                    named += 1
                else:
                    missed.append(f"{kpi_id} {planted['value']}")
                write(path, rows)
            print(
                f"{name:<22} {named:>3} of {named + len(missed):<3} {'; '.join(missed)}", flush=True
            )


def is_named(raw: Path, kpi_id: str) -> bool:
    """Whether the check stops at the figure: its row is refused, or doubted."""
    returns = read_returns(raw, QUARTER)
    if (returns.problems["severity"] == "error").any():
        return True
    recent = recent_quarters(returns)
    return bool(recent.loc[recent["kpi_id"] == kpi_id, "doubt"].notna().any())


if __name__ == "__main__":
    main()
