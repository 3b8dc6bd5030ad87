"""All quarters of one or more councils as one long table: CSV, Parquet and datapackage.json.

A row for each KPI, report and period. kpis.json declares the columns (Frictionless Table Schema).
"""

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools import __version__
from kpi_tools.errors import InputError
from kpi_tools.loading import Returns, as_known_at
from kpi_tools.provenance import fingerprint, slug
from kpi_tools.quarters import Quarter
from kpi_tools.rows import in_doubt, rows_of
from kpi_tools.scorecard import due_rows, rated, recent_quarters
from kpi_tools.scorecard.series import classified
from kpi_tools.spreadsheets import put, write_csv
from kpi_tools.vocabulary import ILLUSTRATIVE

STEM: Final = "kpis"
SCHEMA: Final[dict[str, Any]] = json.loads(
    files(__package__).joinpath(f"{STEM}.json").read_text(encoding="utf-8")
)
COLUMNS: Final = [field["name"] for field in SCHEMA["fields"]]
_KINDS: Final = {
    "string": ("str", "string"),
    "number": ("float64", "float64"),
    "integer": ("Int64", "int64"),
    "boolean": ("bool", "bool_"),
    "date": ("datetime64[s]", "date32"),
}
"""The types of Frictionless as those of pandas and of PyArrow."""
_OF_LATEST: Final = ["direction_of_travel", "slope", "p_value"]
_LIMITS: Final = ["lower_limit", "mean", "upper_limit", "special_cause"]


def long_table(councils: Iterable[Returns]) -> pd.DataFrame:
    """One row for each council, KPI, report and period, with the columns of kpis.json. Each earlier
    report has the periods that it showed, as they were known then; the latest has every period
    known (`known_now`). A suppressed figure is empty, with status `suppressed`."""
    tables = [_of_council(returns) for returns in councils]
    whole = pd.concat(tables, ignore_index=True).replace("", None)
    return whole.astype({field["name"]: _KINDS[field["type"]][0] for field in SCHEMA["fields"]})


def write_data(councils: Sequence[Returns], folder: Path, table: pd.DataFrame) -> list[Path]:
    """Write `table` (their `long_table`, or of it) as kpis.csv, kpis.parquet and datapackage.json
    into `folder`; their paths. Raises `InputError` where two councils have one id, or PyArrow,
    which writes Parquet, is not installed."""
    ids = [slug(returns.council.name) for returns in councils]
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise InputError(
            f'Two of the councils would have the id "{twice}". Give one of them another name in '
            "its council.toml."
        )
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise InputError(
            "Parquet is written by PyArrow, which this Python does not have: install "
            "kpi-tools[figures]."
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    csv, parquet = folder / f"{STEM}.csv", folder / f"{STEM}.parquet"
    written = [write_csv(table, csv), _write_parquet(table, parquet)]
    package = json.dumps(_package(councils, written), indent=1, ensure_ascii=False) + "\n"
    return [*written, put(folder / "datapackage.json", package.encode())]


def _of_council(returns: Returns) -> pd.DataFrame:
    quarters = map(Quarter.parse, returns.submissions["received"].unique())
    reports = sorted(quarter for quarter in quarters if quarter < returns.quarter)
    latest_figures = recent_quarters(returns)
    parts = [(returns.quarter, _older(returns, latest_figures))]
    parts += [(quarter, recent_quarters(as_known_at(returns, quarter))) for quarter in reports]
    parts.append((returns.quarter, latest_figures))
    rows = pd.concat(
        [
            table.assign(report=quarter.label, report_end=pd.Timestamp(quarter.end))
            for quarter, table in parts
            if len(table)
        ],
        ignore_index=True,
    )
    latest = ~rows.duplicated(["report", "kpi_id"], keep="last")
    now = rows["report"] == returns.quarter.label
    order = {kpi_id: place for place, kpi_id in enumerate(returns.catalogue["kpi_id"])}
    rows = rows.assign(
        council_id=slug(returns.council.name),
        council=returns.council.name,
        known_now=now,
        is_latest=latest,
        is_due=rows["is_due"] & latest,
        illustrative=(rows[["status", "target_status", "kpi_status"]] == ILLUSTRATIVE).any(axis=1),
        _place=rows["kpi_id"].map(order),
        **{name: rows[name].where(latest) for name in _OF_LATEST},
    )
    rows = rows.join(_limits(rows[now], returns)[_LIMITS])
    return rows.sort_values(["_place", "report", "due_quarter"], kind="stable")[COLUMNS]


def _older(returns: Returns, displayed: pd.DataFrame) -> pd.DataFrame:
    """The due figures before those that the latest report shows, from each KPI's first on."""
    if returns.figures.empty:
        return displayed.head(0)
    span = returns.quarter - Quarter.parse(returns.figures["quarter"].min()) + 5  # and a year's lag
    every = rated(due_rows(returns, returns.quarter, span), returns.council)
    first_displayed = every["kpi_id"].map(displayed.groupby("kpi_id")["due_quarter"].min())
    older = every[(every["due_quarter"] < first_displayed).astype(bool)]
    there = older["value"].notna() | older["milestone"].notna()
    begun = there.groupby(older["kpi_id"]).cummax()
    return older[begun]


def _limits(rows: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The process limits of the periods as known now; none for a KPI with a figure in doubt."""
    doubted = {row["kpi_id"] for row in rows_of(rows[["kpi_id", "doubt_state"]]) if in_doubt(row)}
    once = rows.drop_duplicates(["kpi_id", "period_end"], keep="last")
    once = once[~once["kpi_id"].isin(doubted)]
    flagged = classified(once.assign(series="quarters", _index=once.index), returns)
    # limits of the time between rare events are none of the counts that stand here
    counted = flagged[flagged["series"] == "quarters"]
    return counted.set_index("_index").reindex(rows.index)


def _write_parquet(table: pd.DataFrame, path: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, columns = [], []
    for one in SCHEMA["fields"]:
        name, kind = one["name"], getattr(pa, _KINDS[one["type"]][1])()
        fields.append(pa.field(name, kind, metadata={"description": one["description"]}))
        columns.append(pa.array(table[name], type=kind, from_pandas=True))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), sink)
    return put(path, sink.getvalue().to_pybytes())


def _package(councils: Sequence[Returns], written: list[Path]) -> dict[str, Any]:
    """The description of the package, as Frictionless has it: of both files, by the same schema."""
    names = [returns.council.name for returns in councils]
    last = max(returns.quarter for returns in councils)
    same = "The same rows and columns as kpis.csv."
    about: dict[str, dict[str, Any]] = {
        "csv": {"type": "table", "mediatype": "text/csv", "schema": SCHEMA},
        # to read Parquet, who checks the package would need more than Frictionless itself
        "parquet": {"type": "file", "description": same},
    }
    resources = [
        {
            "name": f"kpis-{form}",
            "path": path.name,
            "format": form,
            "encoding": "utf-8",
            "bytes": path.stat().st_size,
            "hash": f"sha256:{fingerprint(path)}",
        }
        | about[form]
        for path in written
        if (form := path.suffix[1:])
    ]
    return {
        "name": "kpis",
        "title": f"Key performance indicators to {last.title}: {'; '.join(names)}",
        "description": "One row for each KPI, report and period, as reported and as known now.",
        "version": last.label,
        "contributors": [{"title": name, "role": "publisher"} for name in names],
        "sources": [{"title": f"kpi-tools {__version__}"}],
        "resources": resources,
    }
