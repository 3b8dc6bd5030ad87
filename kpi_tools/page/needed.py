"""What it takes to get to floor standard and target, in words: cases, quarters to come, the latest month if it held."""

import math

import pandas as pd

from kpi_tools.statistics.cases import (
    in_period,
    rolling_after,
    sensitivity,
    takes_in_words,
    what_it_takes,
)
from kpi_tools.vocabulary import HIGHER, LOWER, MONTH, MULTIPLIERS
from kpi_tools.words.row_words import Row, Rows, is_number, line_of
from kpi_tools.words.wording import in_words, listed, show

Quarters = list[tuple[float, float]]

_A_QUARTER = 3


def needed(kpi: Row, own: Rows, months: pd.DataFrame) -> list[str]:
    """Sentences on a row of the scorecard: its cases, what each coming quarter must be, how many cases decide the rating.

    `own`: the KPI's quarters as `cases.in_period` gives them, oldest first; `months`: its single months.
    """
    said = []
    counted = is_number(kpi["numerator"]) and is_number(kpi["denominator"])
    if counted:
        said.append(
            f"The latest figure counts {kpi['numerator']:,.0f} of {kpi['denominator']:,.0f} cases."
        )
    if counted and is_rolling(kpi):
        said += _in_coming_quarters(kpi, leaving_quarters(own), months)
    said += [f"The KPI {text}." for text in sensitivity(kpi)]
    return said or [
        "How many cases are behind this figure is not known, so what it takes cannot be counted."
    ]


def is_rolling(kpi: Row) -> bool:
    """Whether what it takes can be counted quarter by quarter: a share or rate of twelve months that has a better side."""
    return (
        kpi["basis"] == "rolling_12_months"
        and kpi["unit"] in MULTIPLIERS
        and kpi["polarity"] in (HIGHER, LOWER)
    )


def own_quarters(figures: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """`figures` with the quarters alone inside rolling figures (`cases.in_period`), from the months where there are three."""
    alone = months[
        (months["basis"] == MONTH) & months["numerator"].notna() & months["denominator"].notna()
    ]
    quarters = alone.groupby(["kpi_id", "quarter"]).agg(
        period_end=("period_end", "max"), numerator=("numerator", "sum"), denominator=("denominator", "sum"),
        months=("month", "nunique"),
    )  # fmt: skip
    return in_period(figures, quarters[quarters["months"] == _A_QUARTER].reset_index())


def leaving_quarters(own: Rows) -> Quarters | None:
    """Numerator and denominator of the four quarters in the rolling figure, oldest first; None unless all are known."""
    parts = [
        (float(row["in_period_numerator"]), float(row["in_period_denominator"])) for row in own[-4:]
    ]
    return None if any(math.isnan(part) for pair in parts for part in pair) else parts


def to_reach(kpi: Row, name: str, leaving: Quarters | None) -> str:
    """What each coming quarter must be for the line `name` (`target`, `floor_standard`); empty where it is met or not set."""
    level, polarity, unit = kpi[name], kpi["polarity"], kpi["unit"]
    if not is_number(level) or (
        kpi["value"] >= level if polarity == HIGHER else kpi["value"] <= level
    ):
        return ""
    steps = what_it_takes(
        kpi["numerator"],
        kpi["denominator"],
        level,
        leaving=leaving,
        polarity=polarity,
        per=MULTIPLIERS[unit],
    )
    line = name.replace("_", " ")
    words = takes_in_words(steps, line, unit, int(kpi["decimals"]), polarity=polarity)
    return f"To reach the {line} of {line_of(kpi, name)}: {words[:1].lower()}{words[1:]}"


def _in_coming_quarters(kpi: Row, leaving: Quarters | None, months: pd.DataFrame) -> list[str]:
    said = [
        sentence
        for name in ("floor_standard", "target")
        if (sentence := to_reach(kpi, name, leaving))
    ]
    said += _if_held(kpi, leaving, months)
    if said and leaving is None:
        said.append(
            "This takes each quarter that drops out for a quarter of the twelve months, since the quarters alone are not "
            "known, and as many new cases as leave."
        )
    return said


def _if_held(kpi: Row, leaving: Quarters | None, months: pd.DataFrame) -> list[str]:
    """Where the rolling figure goes if the latest single month's figure held."""
    told = months[months["value"].notna() & (months["basis"] == MONTH)]
    if told.empty:
        return []
    last, per = told.iloc[-1], MULTIPLIERS[kpi["unit"]]
    rate = (
        per * last["numerator"] / last["denominator"] if last["denominator"] > 0 else last["value"]
    )
    after = [
        rolling_after(
            kpi["numerator"], kpi["denominator"], rate, quarters, leaving=leaving, per=per
        )
        for quarters in (1, 2, 3, 4)
    ]
    figures = [show(figure, kpi["unit"], int(kpi["decimals"])) for figure in after]
    each = [
        f"{figure} after {in_words(n)} quarter{'s' if n > 1 else ''}"
        for n, figure in enumerate(figures, 1)
    ]
    month = (
        f"{show(last['value'], kpi['unit'], int(kpi['decimals']))} of {last['period_end']:%B %Y}"
    )
    return [f"If the {month} held, the rolling figure would be {listed(each)}."]
