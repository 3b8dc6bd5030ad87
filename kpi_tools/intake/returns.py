"""A return beside the catalogue: what each of its rows says, as arrays."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.intake.columns import Bools, Numbers, Objects
from kpi_tools.intake.ids import Ids
from kpi_tools.intake.tables import Layout, Table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import MONEY, MULTIPLIERS

SHOWN: Final = ("kpi_name", "unit", "last_figure", "target", "floor_standard")
"""What stands in a return template between the period and the figures, for whoever fills it in."""
RETURNS: Final = Layout(
    ("kpi_id", "period", "value"), ("numerator", "denominator", "status", "note"), SHOWN
)
SUBMISSION: Final = (
    "kpi_id", "period", "quarter", "month", "value", "numerator", "denominator", "status", "note",
    "received", "file", "sheet", "row", "silent",
)  # fmt: skip
NEVER: Final = 10**6
"""Later than every quarter."""


class Catalogue:
    """The catalogue as arrays: attribute by position, and the lookup of ids."""

    def __init__(self, kpis: pd.DataFrame, targets: pd.DataFrame) -> None:
        self.targets = targets
        self.ids = Ids(kpis["kpi_id"])
        self.position = {kpi_id: place for place, kpi_id in enumerate(kpis["kpi_id"])}
        self.kpi_id = kpis["kpi_id"].to_numpy(dtype=object)
        self.unit = kpis["unit"].to_numpy(dtype=object)
        self.percentage = (kpis["unit"] == "%").to_numpy(dtype=bool)
        self.money = kpis["unit"].str.startswith(MONEY).to_numpy(dtype=bool)
        self.multiplier = kpis["unit"].map(MULTIPLIERS).to_numpy(dtype="float64")
        self.monthly = (kpis["frequency"] == "monthly").to_numpy(dtype=bool)
        self.last = np.array(
            [
                ordinal(Quarter.parse(label)) if isinstance(label, str) else NEVER
                for label in kpis["last_quarter"]
            ],
            dtype=int,
        )


def ordinal(quarter: Quarter) -> int:
    """The quarter as a number: one more for each quarter."""
    return quarter.year * 4 + quarter.number


@dataclass
class Return:
    """One table of a return as it is checked: what each column says, row by row."""

    table: Table
    folder: Quarter
    known: Catalogue
    kpi: np.ndarray
    quarter: Objects
    month: Objects
    ordinal: np.ndarray
    value: Numbers
    numerator: Numbers
    denominator: Numbers
    status: Objects
    note: Objects
    silent: Bools

    @cached_property
    def readable(self) -> Bools:
        """Where KPI and period are known."""
        return (self.kpi >= 0) & (self.ordinal > 0)

    @property
    def period(self) -> Objects:
        """The month, or else the quarter's label."""
        return np.where(self.month != "", self.month, self.quarter)

    def of(self, attribute: np.ndarray) -> np.ndarray:
        """The catalogue's attribute for each row; meaningless where the KPI is unknown."""
        return (
            attribute[self.kpi]
            if len(attribute)
            else np.zeros(len(self.kpi), dtype=attribute.dtype)
        )

    def fault(
        self, where: np.ndarray, column: str, code: Objects | str, detail: Objects | str = ""
    ) -> None:
        """The rule `code` is broken in these rows; code and detail for all, or one for each row ("" = none broken)."""
        broken = where if isinstance(code, str) else where & (code != "")
        for row in np.flatnonzero(broken):
            self.table.fault(
                int(row), column, code if isinstance(code, str) else code[row],
                detail if isinstance(detail, str) else str(detail[row]),
            )  # fmt: skip

    def accepted(self) -> pd.DataFrame:
        """The rows that broke no rule (columns: SUBMISSION)."""
        good = ~self.table.bad
        return pd.DataFrame({
            "kpi_id": self.of(self.known.kpi_id)[good], "period": self.period[good], "quarter": self.quarter[good],
            "month": self.month[good], "value": self.value.value[good], "numerator": self.numerator.value[good],
            "denominator": self.denominator.value[good], "status": self.status[good], "note": self.note[good],
            "received": self.folder.label, "file": self.table.file, "sheet": self.table.sheet,
            "row": np.array(self.table.rows, dtype="int64")[good], "silent": self.silent[good],
        }, columns=list(SUBMISSION))  # fmt: skip
