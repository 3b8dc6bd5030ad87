"""Any small council in a raw folder, from what a test says of it; all else is as the codebook's defaults have it."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

COUNCIL = '[council]\nname = "Anyshire"\nreport_title = "Report"\nsections = ["Roads", "Care"]\n'
NEEDED = {"section": "Roads", "unit": "%", "polarity": "higher"}
Rows = Iterable[Mapping[str, object]]


def make_council(
    raw: Path,
    kpis: Rows,
    figures: Iterable[tuple[str, str, str, object]],
    targets: Rows = (),
    settings: str = "",
    **tables: Rows,
) -> Path:
    """A council of these KPIs, with a target of 50 each unless `targets` are given.

    `figures`: the folder of returns that each came in, KPI, period, value. `tables`: further ones by name, each row a dict.
    """
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "council.toml").write_text(COUNCIL + settings, encoding="utf-8")
    kpis = [NEEDED | {"kpi_name": f"Name of {kpi['kpi_id']}"} | dict(kpi) for kpi in kpis]
    write_table(raw / "kpis.csv", kpis)
    fifty = [{"kpi_id": kpi["kpi_id"], "target": 50} for kpi in kpis]
    write_table(raw / "targets.csv", targets or fifty)
    for name, rows in tables.items():
        write_table(raw / f"{name}.csv", rows)
    sent = list(figures)
    for folder in {one[0] for one in sent}:
        (raw / "returns" / folder).mkdir(parents=True, exist_ok=True)
        names = ("kpi_id", "period", "value")
        rows = [dict(zip(names, one[1:], strict=True)) for one in sent if one[0] == folder]
        write_table(raw / "returns" / folder / "place.csv", rows)
    return raw


def write_table(path: Path, rows: Rows) -> None:
    """The rows as CSV, with every column that one of them has."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def quarters(first: str, count: int) -> list[str]:
    """So many quarters from a first one on, as the tables write them."""
    year, number = int(first[:4]), int(first[-1])
    steps = [divmod(year * 4 + number - 1 + step, 4) for step in range(count)]
    return [f"{year}-{(year + 1) % 100:02} Q{number + 1}" for year, number in steps]
