"""What each column of a sheet was taken for: meanings, what follows from all columns together, what a person says instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from kpi_tools.collect.recognise import (
    CERTAIN,
    GIVEN,
    LAST_MONTHS,
    LIKELY,
    NOT_TOLD,
    find_period,
    folded,
    kind_of,
    quarter_of,
)
from kpi_tools.collect.sheets import Sheet
from kpi_tools.errors import InputError

FIGURES: Final = ("actual", "cumulative", "target", "floor_standard", "numerator", "denominator")
"""Meanings of columns that hold figures of the KPI itself."""
OF_PERIOD: Final = (*FIGURES, "rating", "commentary", "management_action")
OF_KPI: Final = (
    "kpi_id",
    "kpi_name",
    "section",
    "directorate",
    "owner",
    "unit",
    "polarity",
    "frequency",
    "definition",
)
LEFT: Final = ("to_date", "previous", "benchmark", "direction", "total", "tolerance", "ignore")
MEANINGS: Final = (*OF_KPI, *OF_PERIOD, "period", "row", *LEFT)
"""All that a column can be taken for; `row` says row by row what its figures are, those of `LEFT` are left out."""
_GENERAL: Final = ("target", "floor_standard", "commentary", "management_action")
"""What may stand once for all periods of a sheet."""
_NUMBER: Final = re.compile(r"[-+(<>≤≥]*\s?£?\s?-?[\d,]*\.?\d+\s?[%kmn]*\)?")


def is_number(text: str) -> bool:
    """Whether a cell holds a number, with the signs that people write beside it."""
    return bool(_NUMBER.fullmatch(folded(text)))


@dataclass(frozen=True)
class Column:
    """What a column was taken for, and the period that it is of, with how sure that is and why."""

    sheet: str
    place: int
    letter: str
    heading: str
    means: str
    period: str = ""
    sure: str = CERTAIN
    why: str = ""

    @property
    def open(self) -> bool:
        """Whether something about it has to be said by a person."""
        return self.sure == NOT_TOLD and self.means in OF_PERIOD


def settle(
    sheet: Sheet, columns: list[Column], body: list[int], context: str, dated: bool
) -> list[Column]:
    """The columns with what follows from all of them: the one of names, periods of groups, every third month."""
    if not any(column.means == "kpi_name" for column in columns):
        texts = {
            column: [
                t
                for line in body
                if (t := sheet.cells.get((line, column.place), "")) and not is_number(t)
            ]
            for column in columns
            if column.means in ("ignore", "section", "definition", "kpi_id")
        }
        best = max(
            texts, key=lambda one: (len({*texts[one]}), sum(map(len, texts[one]))), default=None
        )
        if best and len(texts[best]) > 1:
            why = "the column with the most different texts"
            columns = _with(columns, best, means="kpi_name", sure=LIKELY, why=why)
    for means in (
        "kpi_name",
        "kpi_id",
        "section",
        "owner",
        "unit",
        "polarity",
        "period",
        "frequency",
        "row",
    ):
        for other in [one for one in columns if one.means == means][1:]:
            other_means = "definition" if means == "kpi_name" else "ignore"
            columns = _with(
                columns, other, means=other_means, sure=LIKELY, why=f"a second column of {means}"
            )
    columns = _third_months(columns)
    if not any(one.means == "actual" for one in columns):
        for one in [
            one for one in columns if one.means == "to_date" and "target" in folded(one.heading)
        ]:
            columns = _with(columns, one, means="target")
    return _groups(columns, context, dated)


def _with(columns: list[Column], column: Column, **changes: Any) -> list[Column]:
    return [replace(one, **changes) if one is column else one for one in columns]


def _third_months(columns: list[Column]) -> list[Column]:
    """Where only every third month stands there, the quarters that end with them are meant."""
    months = {
        one.period for one in columns if one.means in FIGURES and kind_of(one.period) == "month"
    }
    if len(months) < 2 or any(month[5:] not in LAST_MONTHS for month in months):
        return columns
    return [
        replace(
            one,
            period=quarter_of(one.period).label,
            sure=LIKELY,
            why=f"{one.why}; every third month, so the quarter to it",
        )
        if kind_of(one.period) == "month"
        else one
        for one in columns
    ]


def _groups(columns: list[Column], context: str, dated: bool) -> list[Column]:
    """Columns without a period of their own: repeated ones are of the figure beside them, one alone of the title's period."""
    figures = [
        one
        for one in columns
        if one.means in ("actual", "cumulative") and (one.period or one.sure == NOT_TOLD)
    ]
    counted: dict[str, int] = {}
    for one in columns:
        if one.means in OF_PERIOD and not one.period:
            counted[one.means] = counted.get(one.means, 0) + 1
    settled = []
    for one in columns:
        if one.means in OF_PERIOD and not one.period and one.sure != NOT_TOLD:
            before = [other for other in figures if other.place < one.place]
            after = [other for other in figures if other.place > one.place]
            first = next(
                other for other in columns if other.means == one.means and not other.period
            )
            leads = not [other for other in figures if other.place < first.place]
            beside = (after[:1] if leads else before[-1:]) if counted[one.means] > 1 else []
            if beside:
                why = f"{one.why}; of the figure beside it, in {beside[0].letter}"
                one = replace(
                    one,
                    period=beside[0].period,
                    sure=beside[0].sure if not beside[0].period else LIKELY,
                    why=why,
                )
            elif context and not figures and (dated or one.means not in _GENERAL):
                where = "name of the sheet" if dated else "title"
                why = f"{one.why}; the period is that of the {where}"
                one = replace(one, period=context, sure=LIKELY, why=why)
        settled.append(one)
    return settled


def as_given(column: Column, given: Mapping[str, str]) -> Column:
    """The column as the mapping has it."""
    means = given.get("taken_for") or column.means
    period = given.get("period") or column.period
    if (means, period) == (column.means, column.period) and not column.open:
        return column
    if means not in MEANINGS:
        raise InputError(
            f'mapping.xlsx, Columns: "{means}" for column {column.letter} is none of {", ".join(MEANINGS)}.'
        )
    when = find_period(period)
    if period and not when.label:
        why = when.fault or when.open or "it names no period"
        raise InputError(
            f'mapping.xlsx: "{period}" for column {column.letter} ("{column.heading}") is no period: {why}. '
            'Write it as "2024-25 Q1", "2024-04" or "2024/25".'
        )
    settled = bool(given.get("period")) or means not in OF_PERIOD or not column.open
    return replace(column, means=means, period=when.label, sure=GIVEN if settled else NOT_TOLD)
