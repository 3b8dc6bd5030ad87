"""The tables of a card: the figures behind its chart, and the history of its target."""

import math
from collections.abc import Sequence

import pandas as pd

from kpi_tools.page.html import Html
from kpi_tools.page.tables import badge, figure_with_status, report_table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import ILLUSTRATIVE, STATUSES_WITH_VALUE
from kpi_tools.words.row_words import Row, Rows, is_text
from kpi_tools.words.wording import rounded, show_against, show_line


def figures_table(kpi: Row, points: Rows, anchor: str) -> Html:
    """The figures behind a KPI's chart: each quarter's result, target, floor standard and rating."""
    (unit, result), decimals = in_head(kpi["unit"]), kpi["decimals"]
    frame = pd.DataFrame(
        [
            {
                "Quarter": short_title(row["quarter"]),
                result: figure_with_status(
                    show_against(
                        row["value"], unit, decimals, (row["target"], row["floor_standard"])
                    )
                    if math.isfinite(row["value"])
                    else row["status"],
                    with_value(row["status"]),
                ),
                "Target": figure_with_status(
                    show_line(row["target"], unit, decimals), _invented(row["target_status"])
                ),
                "Floor": figure_with_status(
                    show_line(row["floor_standard"], unit, decimals),
                    _invented(row["target_status"]),
                ),
                "Rating": badge(row["rating"]),
            }
            for row in points
        ]
    )
    return behind_chart(frame, kpi["kpi_name"], anchor)


def in_head(unit: str) -> tuple[str, str]:
    """The unit to print in a table's cells and the head of its column: a unit of words stands in the head, once."""
    if unit in ("%", "", "count", "number") or unit.startswith("GBP"):
        return unit, "Result"
    return "", f"Result ({unit.removeprefix('rate ')})"


def target_history(kpi: Row, targets: Sequence[Row]) -> list[dict[str, str | None]]:
    """Every target and floor standard that the KPI has had: `since` (quarter), `lines`, `reason` and its `status`.

    `targets`: its rows of the table, oldest first.
    """
    (unit, _), decimals = in_head(kpi["unit"]), kpi["decimals"]
    entries: list[dict[str, str | None]] = []
    before: tuple[str, str] | None = None
    for row in targets:
        reason = (
            row["target_reason"].rstrip(".")
            if is_text(row["target_reason"])
            else "no reason was given"
        )
        tolerance = (
            f" ± {rounded(row['tolerance'], decimals)}" if math.isfinite(row["tolerance"]) else ""
        )
        lines = (show_line(row[name], unit, decimals) for name in ("target", "floor_standard"))
        entries.append({
            "since": short_title(row["from_quarter"]),
            "lines": f"target {next(lines)}{tolerance}, floor standard {next(lines)}",
            "reason": "as above" if (reason, row["target_status"]) == before else reason,
            "status": _invented(row["target_status"]),
        })  # fmt: skip
        before = (reason, row["target_status"])
    return entries


def behind_chart(frame: pd.DataFrame, title: str, anchor: str) -> Html:
    """The table that stands under a chart, out of sight until it is asked for."""
    return report_table(
        frame,
        f"{title}, by quarter",
        name=f"{anchor}-table",
        quiet=True,
        wide=True,
        look="kpi-figures",
    )


def short_title(label: str) -> str:
    """`Q3 2024/25`, for the first column of a small table."""
    quarter = Quarter.parse(label)
    return f"Q{quarter.number} {quarter.year}/{(quarter.year + 1) % 100:02}"


def with_value(status: object) -> str | None:
    """A status that goes with a value; nothing for those that say why there is none."""
    return str(status) if status in STATUSES_WITH_VALUE else None


def _invented(status: object) -> str | None:
    return ILLUSTRATIVE if status == ILLUSTRATIVE else None
