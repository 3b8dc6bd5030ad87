"""What the council measures and by which lines it judges: council.toml, kpis.csv, targets.csv."""

import tomllib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.intake import fields as field
from kpi_tools.intake.columns import places
from kpi_tools.intake.ids import Ids, skeleton
from kpi_tools.intake.reading import Snapshot
from kpi_tools.intake.sums import check_sums
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    BASES,
    CLOSEST,
    ESTIMATED,
    FINAL,
    FREQUENCIES,
    HIGHER,
    ILLUSTRATIVE,
    LOWER,
    POLARITIES,
)
from kpi_tools.words.hygiene import NAME_CAP, clean_name
from kpi_tools.words.problems import Ledger

KPIS: Final = Layout(
    ("kpi_id", "kpi_name", "section", "directorate", "unit", "decimals", "polarity", "basis", "frequency",
     "lag_quarters", "first_quarter"),
    ("last_quarter", "definition", "owner", "status", "source", "monthly_basis", "sensitive", "part_of", "seasonal"),
)  # fmt: skip
TARGETS: Final = Layout(
    ("kpi_id", "from_quarter", "target", "floor_standard"), ("tolerance", "reason", "status")
)
LINES: Final = ("target", "floor_standard", "tolerance", "target_reason", "target_status")


@dataclass(frozen=True)
class Council:
    """Whose performance is reported, in which order, and by which rules (council.toml)."""

    name: str
    report_title: str
    sections: tuple[str, ...]
    owner_team: str = ""
    prepared_by: str = ""
    signed_off_by: str = ""
    scheme: str = words.FLOOR_STANDARD
    percent: float = 0.0
    rule: str = "ols"
    window: int = 6
    minimum_points: int = 5
    significance: float = 0.05
    profile: str = "plotthedots"
    screening: bool = True
    rejected_share: float = 0.05
    threshold: int = 5
    rounding: int = 0
    arrows: tuple[str, ...] = ("trend",)
    unchanged_within: str = "0"
    not_due: str = "counted"


_PLACES: Final = {
    "council": ("name", "report_title", "sections", "owner_team", "prepared_by", "signed_off_by"),
    "rating": ("scheme", "percent"),
    "direction": ("rule", "window", "minimum_points", "significance"),
    "anomalies": ("profile", "screening"),
    "loading": ("rejected_share",),
    "small_numbers": ("threshold", "rounding"),
}
_MEANT: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "name": ("a text", lambda value: _is_name(value)),
    "report_title": ("a text", lambda value: _is_name(value)),
    "owner_team": ("a text", lambda value: _is_name(value)),
    "prepared_by": ("a role", lambda value: _is_name(value)),
    "signed_off_by": ("a role", lambda value: _is_name(value)),
    "sections": (
        "a list of different texts",
        lambda value: isinstance(value, list) and bool(value) and all(map(_is_name, value)) and len({*value}) == len(value),
    ),
    "scheme": (" or ".join(f'"{scheme}"' for scheme in words.SCHEMES), lambda value: value in words.SCHEMES),
    "percent": ("a number from 0 to 100", lambda value: _is_number(value) and 0 <= value <= 100),
    "rule": ('"ols"', lambda value: value == "ols"),
    "window": ("a whole number from 2 to 40", lambda value: _is_whole(value, 2, 40)),
    "minimum_points": ("a whole number from 3 to 40", lambda value: _is_whole(value, 3, 40)),
    "significance": ("a number between 0 and 1", lambda value: isinstance(value, float) and 0 < value < 1),
    "profile": (" or ".join(f'"{name}"' for name in words.PROFILES), lambda value: value in words.PROFILES),
    "screening": ("true or false", lambda value: isinstance(value, bool)),
    "threshold": ("a whole number from 2 to 100", lambda value: _is_whole(value, 2, 100)),
    "rounding": ("a whole number from 2 to 100", lambda value: _is_whole(value, 2, 100)),
    "rejected_share": ("a share from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1),
}  # fmt: skip


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(clean_name(value)) <= NAME_CAP


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def read_council(snapshot: Snapshot, ledger: Ledger) -> Council:
    """The council's settings. Faults go into the ledger, and the default or an empty text stands in."""

    def fault(sentence: str, place: str = "", value: object = "") -> None:
        ledger.problem(
            "setting-bad", snapshot.file, column=place, value=str(value), detail=sentence
        )

    found: dict[str, Any] = {}
    try:
        settings = tomllib.loads(snapshot.raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        fault(f"The file is not valid TOML: {error}.")
        settings = {}
        found = {"name": "", "report_title": "", "sections": ()}
    for part, values in settings.items():
        if part not in _PLACES or not isinstance(values, dict):
            fault(f"There is no part [{part}]; there are {', '.join(_PLACES)}.", part)
            continue
        for key, value in values.items():
            if key not in _PLACES[part]:
                fault(
                    f"There is no setting of this name in [{part}]; there are {', '.join(_PLACES[part])}.",
                    f"{part}.{key}",
                )
            elif not _MEANT[key][1](value):
                fault(f"It must be {_MEANT[key][0]}.", f"{part}.{key}", value)
            elif key == "sections":
                found[key] = tuple(map(clean_name, value))
            else:
                found[key] = clean_name(value) if isinstance(value, str) else value
    if ("percent" in found) != (found.get("scheme") == words.PERCENTAGE):
        fault(
            f'It goes with the scheme "{words.PERCENTAGE}", and with no other.',
            "rating.percent",
            found.get("percent", ""),
        )
    for key in ("name", "report_title", "sections"):
        if key not in found:
            if not (settings.get("council") or {}).get(key):
                fault("The setting is missing.", f"council.{key}")
            found[key] = () if key == "sections" else ""
    return Council(
        **{known.name: found[known.name] for known in fields(Council) if known.name in found}
    )


def read_kpis(table: Table, council: Council) -> pd.DataFrame:
    """One row per KPI, in the order of the file, typed; `status` becomes `kpi_status`. Rows with faults are left out."""
    rows, first_row, alike = [], dict[str, int](), defaultdict[str, str](str)
    for row in range(len(table)):
        kpi_id = field.name(table, row, "kpi_id", needed=True) or ""
        folded = "".join(kpi_id.split()).casefold()
        if folded in first_row:
            table.fault(row, "kpi_id", "catalogue-twice", str(first_row[folded]))
        elif kpi_id and alike[skeleton(kpi_id)]:
            table.fault(row, "kpi_id", "catalogue-lookalike", alike[skeleton(kpi_id)])
        first_row.setdefault(folded, table.rows[row])
        alike[skeleton(kpi_id)] = kpi_id
        first = field.quarter(table, row, "first_quarter")
        last = field.quarter(table, row, "last_quarter", needed=False)
        if first and last and last < first:
            table.fault(row, "last_quarter", "catalogue-order")
        rows.append({
            "kpi_id": kpi_id,
            "kpi_name": field.name(table, row, "kpi_name", needed=True),
            "section": field.choice(table, row, "section", council.sections),
            "directorate": field.name(table, row, "directorate", needed=True),
            "unit": field.name(table, row, "unit", needed=True),
            "decimals": field.whole(table, row, "decimals", 6),
            "polarity": field.choice(table, row, "polarity", POLARITIES),
            "basis": field.choice(table, row, "basis", BASES),
            "frequency": field.choice(table, row, "frequency", FREQUENCIES),
            "lag_quarters": field.whole(table, row, "lag_quarters", 8),
            "first_quarter": first.label if first else None,
            "last_quarter": last.label if last else None,
            "definition": field.prose(table, row, "definition"),
            "owner": field.name(table, row, "owner"),
            "kpi_status": field.choice(table, row, "status", (FINAL, ILLUSTRATIVE), FINAL),
            "source": field.name(table, row, "source"),
            "monthly_basis": field.choice(table, row, "monthly_basis", (words.MONTH, "rolling_12_months"), ""),
            "sensitive": field.choice(table, row, "sensitive", ("yes", "no"), "no"),
            "part_of": field.name(table, row, "part_of"),
            "seasonal": field.choice(table, row, "seasonal", ("yes", "no"), "no"),
        })  # fmt: skip
    check_sums(table, rows)
    columns = ["kpi_status" if name == "status" else name for name in KPIS.names]
    return typed(
        pd.DataFrame(rows, columns=columns)[~table.bad], whole=("decimals", "lag_quarters")
    )


def read_targets(
    table: Table, catalogue: pd.DataFrame, ids: Ids, scheme: str = words.FLOOR_STANDARD
) -> pd.DataFrame:
    """One row per KPI and first quarter of force: target, floor_standard, tolerance (float64), target_reason, target_status."""
    kpis = catalogue.set_index("kpi_id")[["unit", "decimals", "polarity"]].to_dict("index")
    rows, first_row = [], dict[tuple[str | None, Quarter | None], int]()
    for row in range(len(table)):
        kpi_id, since = (
            field.kpi_id(table, row, "kpi_id", ids),
            field.quarter(table, row, "from_quarter"),
        )
        if kpi_id and since and (kpi_id, since) in first_row:
            table.fault(row, "from_quarter", "catalogue-twice", str(first_row[kpi_id, since]))
        first_row.setdefault((kpi_id, since), table.rows[row])
        kpi = kpis.get(kpi_id or "")
        lines = {
            name: field.number(table, row, name, bool(kpi) and kpi["unit"] == "%")
            for name in LINES[:3]
        }
        if kpi:
            _check_lines(table, row, lines, **kpi)
        if scheme == words.PERCENTAGE and not np.isnan(lines["floor_standard"]):
            table.fault(row, "floor_standard", "target-unused")
        rows.append({
            "kpi_id": kpi_id, "from_quarter": since.label if since else None, **lines,
            "target_reason": field.name(table, row, "reason"),
            "target_status": field.choice(table, row, "status", (FINAL, ESTIMATED, ILLUSTRATIVE), FINAL),
        })  # fmt: skip
    return typed(
        pd.DataFrame(rows, columns=["kpi_id", "from_quarter", *LINES])[~table.bad], real=LINES[:3]
    )


def _check_lines(
    table: Table, row: int, lines: dict[str, float], unit: str, decimals: int, polarity: str
) -> None:
    target, floor, tolerance = lines["target"], lines["floor_standard"], lines["tolerance"]
    if unit == "%":
        # a KPI shown with two decimals may well have a target of 0.02%; one shown in whole per cent has not
        for name in ("target", "floor_standard"):
            signed = "%" in table.cells[name][row] or table.kind(name, row) == "percent"
            if lines[name] > 100:
                table.fault(row, name, "value-above-100")
            elif 0 < lines[name] <= 1 and decimals < 2 and not signed:
                table.fault(row, name, "target-fraction")
    for name in ("target", "floor_standard"):
        if lines[name] < 0 and not unit.startswith(words.MONEY):
            table.fault(row, name, "value-negative")
    if (polarity == HIGHER and floor > target) or (polarity == LOWER and floor < target):
        table.fault(row, "target", "target-side", polarity)
    if not np.isnan(tolerance):
        if polarity != CLOSEST:
            table.fault(row, "tolerance", "target-tolerance", f"The KPI's polarity is {polarity}.")
        elif tolerance <= 0:
            table.fault(row, "tolerance", "target-tolerance", "The tolerance is not above zero.")


def check_targets_in_force(
    catalogue: pd.DataFrame, targets: pd.DataFrame, quarter: Quarter, file: str, ledger: Ledger
) -> None:
    """Warn of each KPI that is in the set at `quarter` and has no target for the figure that its report shows."""
    first = targets.groupby("kpi_id")["from_quarter"].min().to_dict()
    now = quarter.label  # labels stand in the order of time
    in_set = (catalogue["first_quarter"] <= now) & ~(catalogue["last_quarter"] < now).fillna(
        False
    ).astype(bool)
    for kpi_id, lag in zip(
        catalogue.loc[in_set, "kpi_id"], catalogue.loc[in_set, "lag_quarters"].tolist(), strict=True
    ):
        shown = quarter.shift(-lag)
        if kpi_id not in first or first[kpi_id] > shown.label:
            ledger.problem("target-none", file, column="kpi_id", value=kpi_id, detail=shown.title)


def with_targets(table: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """`table` (kpi_id, quarter, …) with the target lines in force in each row's own quarter; order and index as given."""
    bare = table.drop(columns=[name for name in LINES if name in table.columns])
    labels = pd.Index(sorted({*bare["quarter"].unique(), *targets["from_quarter"].unique()}))
    ids = pd.Index(targets["kpi_id"].unique())
    # KPI and quarter as one number: the line in force is the last one that is not greater
    since = places(targets["kpi_id"], ids) * len(labels) + places(targets["from_quarter"], labels)
    kpi, when = places(bare["kpi_id"], ids), places(bare["quarter"], labels)
    order = np.argsort(since, kind="stable")
    found = np.searchsorted(since[order], kpi * len(labels) + when, side="right") - 1
    in_force = (kpi >= 0) & (found >= 0)
    in_force[in_force] = since[order][found[in_force]] // len(labels) == kpi[in_force]
    lines = (
        targets[list(LINES)]
        .iloc[order]
        .reset_index(drop=True)
        .reindex(np.where(in_force, found, -1))
    )
    return pd.concat([bare, lines.set_axis(bare.index)], axis=1)


def typed(
    table: pd.DataFrame, whole: tuple[str, ...] = (), real: tuple[str, ...] = ()
) -> pd.DataFrame:
    """`table` with the same column types however few rows it has: text where nothing else is said."""
    kinds = {
        name: "int64" if name in whole else "float64" if name in real else "str"
        for name in table.columns
    }
    return table.astype(kinds).reset_index(drop=True)
