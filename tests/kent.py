"""Kent's data once a process, and the same with another series for one KPI, for the tests of what explains a KPI."""

import csv
import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from kpi_tools.explorer.evidence import Evidence, evidence
from kpi_tools.loading import Returns, commentary_until, load, with_targets
from kpi_tools.quarters import Quarter, quarter_range
from kpi_tools.scorecard import earlier_reports, recent_quarters, score

RAW = Path(__file__).parent.parent / "data" / "raw"
BOROUGH = RAW.parent / "examples" / "borough"
QUARTER = Quarter(2024, 3)
_LEFT_OUT = ("*.xlsx", "benchmarks.csv", "activity.csv", "changes.csv")
LINES = ["target", "floor_standard", "tolerance", "target_reason", "target_status"]
NAN = float("nan")
EIGHT_REDS = {"CS03", "GL01", "GL02", "ES01", "ES02", "ES03", "IC02", "AS02"}


@cache
def returns(quarter: str = QUARTER.label, raw: Path = RAW) -> Returns:
    return load(raw, quarter)


@cache
def recent(quarter: str = QUARTER.label, raw: Path = RAW) -> pd.DataFrame:
    return recent_quarters(returns(quarter, raw))


@cache
def scorecard(quarter: str = QUARTER.label, raw: Path = RAW) -> pd.DataFrame:
    """The report's row of each KPI; of the quarter before the first folder, as its report would have been printed."""
    if quarter == "2023-24 Q1":
        return earlier("2023-24 Q2")[0]
    return score(recent(quarter, raw), returns(quarter, raw))


@cache
def earlier(quarter: str = QUARTER.label, raw: Path = RAW) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The report before, as it was and as known now."""
    return earlier_reports(returns(quarter, raw))


def table(name: str | Path) -> list[dict[str, str]]:
    with (RAW / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def commentary() -> pd.DataFrame:
    """The commentary of all reports, its tokens not yet filled."""
    return commentary_until(RAW, returns())


@cache
def everything(quarter: str = QUARTER.label) -> Evidence:
    return evidence(returns(quarter))


@cache
def known(kpi_id: str) -> Evidence:
    return evidence(returns(), {kpi_id})


def with_figures(
    values: Sequence[float],
    kpi_id: str = "CS01",
    lines: bool = True,
    note: str | None = None,
    **columns: Any,
) -> Evidence:
    """What the rules say of a KPI whose last quarters had these values; `columns` of the catalogue may differ."""
    kent = returns()
    catalogue = kent.catalogue.copy()
    for name, value in columns.items():
        catalogue[name] = catalogue[name].mask(catalogue["kpi_id"] == kpi_id, value)
    own = catalogue[catalogue["kpi_id"] == kpi_id]
    quarters = quarter_range(QUARTER, len(values))
    ends = pd.to_datetime([quarter.end for quarter in quarters]).astype("datetime64[s]")
    frame = pd.DataFrame({"kpi_id": kpi_id, "period_end": ends}).assign(
        quarter=pd.array([quarter.label for quarter in quarters], dtype="str"),
        value=pd.array([float(value) for value in values], dtype="float64"),
        status=["final" if value == value else "not available" for value in values],
        **{"numerator": NAN, "denominator": NAN, "note": note, "received": QUARTER.label},
    )
    targets = kent.targets if lines else kent.targets[kent.targets["kpi_id"] != kpi_id]
    figures = with_targets(own.merge(frame, on="kpi_id"), targets)
    figures = figures.reindex(columns=kent.figures.columns)
    none = {"months": kent.months.head(0), "submissions": kent.submissions.head(0)}
    made = replace(kent, catalogue=catalogue, figures=figures, targets=targets, **none)
    return evidence(made, {kpi_id})


def with_months(values: Sequence[float], last: str = "2024-12", kpi_id: str = "ES01") -> Evidence:
    """What the rules say of a KPI that has these monthly figures, up to the month `last`; NaN leaves a month out."""
    kent = returns()
    end = pd.Timestamp(last) + pd.offsets.MonthEnd(0)
    ends = pd.date_range(end=end, periods=len(values), freq="ME")
    row = kent.months[kent.months["kpi_id"] == kpi_id].iloc[[-1]]
    months = pd.concat([row] * len(values), ignore_index=True).assign(
        value=[float(value) for value in values],
        **{"numerator": NAN, "denominator": NAN},
        period_end=ends.astype("datetime64[s]"),
        month=[f"{end:%Y-%m}" for end in ends],
        quarter=[Quarter.containing(end.date()).label for end in ends],
    )
    known = months[months["value"].notna()].reset_index(drop=True)
    return evidence(replace(kent, months=known), {kpi_id})


def governance_without_action(raw: Path) -> Path:
    """A copy of which a report is quick: one section, whose Red (GL01) has lost its management action."""
    shutil.copytree(RAW, raw, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for path in raw.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        said = path.parent.name == "commentary"
        kept = [row for row in rows if row[0].startswith("GL") or (said and row[1][:3] == "Gov")]
        kept = [[*row[:3], "", *row[4:]] if row[0] == "GL01" and said else row for row in kept]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *kept])
    council = (raw / "council.toml").read_text(encoding="utf-8")
    own = re.sub(r"(?s)sections = \[.*?\]\n", 'sections = ["Governance and Law"]\n', council)
    (raw / "council.toml").write_text(own, encoding="utf-8")
    return raw
