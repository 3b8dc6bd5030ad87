"""Which KPI is the sum of others (`part_of` in kpis.csv): whether that can be so."""

from typing import Any

from kpi_tools.intake.tables import Table
from kpi_tools.suppression.counts import parts_named


def check_sums(table: Table, rows: list[dict[str, Any]]) -> None:
    """Each KPI named in `part_of` is there, counts in the same unit and at the same times, and is not its own part."""
    there = {row["kpi_id"]: row for row in rows}
    sums = {row["kpi_id"]: parts_named(row["part_of"]) for row in rows}
    for at, row in enumerate(rows):
        for total in sums[row["kpi_id"]]:
            if total not in there:
                table.fault(at, "part_of", "part-of", f"The catalogue has no KPI {total}.")
            elif row["kpi_id"] in _totals_above(total, sums):
                table.fault(at, "part_of", "part-of", f"{row['kpi_id']} would be a part of itself.")
            elif there[total]["unit"] != row["unit"]:
                table.fault(
                    at, "part_of", "part-of", f"{total} has the unit {there[total]['unit']}."
                )
            elif (there[total]["basis"] == "snapshot") != (row["basis"] == "snapshot"):
                table.fault(
                    at, "part_of", "part-of", f"One of the two is of a day, the other not: {total}."
                )


def _totals_above(total: str, sums: dict[str, tuple[str, ...]]) -> set[str]:
    found, edge = set[str](), {total}
    while edge:
        found |= edge
        edge = {above for one in edge for above in sums.get(one, ())} - found
    return found
