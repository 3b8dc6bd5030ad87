"""Where a KPI is heading, as its card says it: a judgement with its uncertainty, and the arithmetic of what it takes."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.outlook import FROM_TREND, TOO_FAR, chance_in_words, outlook, show_expected
from kpi_tools.page.card_tables import in_head, short_title
from kpi_tools.page.needed import is_rolling, leaving_quarters, own_quarters, to_reach
from kpi_tools.statistics.cases import sensitivity
from kpi_tools.statistics.trend import gls_direction
from kpi_tools.vocabulary import AMBER, ILLUSTRATIVE, RED
from kpi_tools.words.row_words import Row, Rows, is_number, rows_by, rows_of
from kpi_tools.words.wording import capitalised, in_words, listed, plural, show, show_line

_LIKELY = (
    (0.9, "very likely"),
    (0.66, "likely"),
    (1 / 3, "as likely as not"),
    (0.1, "unlikely"),
    (0.0, "very unlikely"),
)
_NEXT_LINE = {RED: "floor_standard", AMBER: "target"}


@dataclass(frozen=True)
class Outlook:
    """One KPI's: `steps` (next quarter, year's end), `basis` (from what, or why there is none), `said`, `direction` (a
    sentence where the overlap-aware direction differs from the official one) and `status` (illustrative, or empty).

    A step has `when`, `ends` (whether the financial year does), `expected`, `range` and `chances`, each of these with
    `line`, `words` and `figure`.
    """

    steps: list[dict[str, Any]]
    basis: str
    said: list[str]
    direction: str
    status: str


def outlooks(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> dict[str, Outlook]:
    """The outlook of each KPI of the scorecard by its id, from the same quarters as its chart (`recent`)."""
    settings: Any = {
        "significance": returns.council.significance,
        "minimum_points": returns.council.minimum_points,
    }
    expected = outlook(recent, **settings).set_index("kpi_id").to_dict("index")
    notes = (
        gls_direction(recent, **settings)
        .drop_duplicates("kpi_id")
        .set_index("kpi_id")["direction_note"]
    )
    own = rows_by(own_quarters(returns.figures, returns.months))
    return {
        row["kpi_id"]: Outlook(
            _steps(row, expected[row["kpi_id"]]),
            _basis(row, expected[row["kpi_id"]]),
            takes(
                row,
                [
                    then
                    for then in own.get(row["kpi_id"], [])
                    if then["period_end"] <= row["period_end"]
                ],
            ),
            str(notes[row["kpi_id"]]),
            ILLUSTRATIVE if row["illustrative"] else "",
        )
        for row in rows_of(kpis)
    }


def takes(kpi: Row, own: Rows) -> list[str]:
    """The quarter alone, what it takes to reach the next line, how many cases decide the rating: arithmetic, not chance.

    `kpi`: a row of the scorecard; `own`: its quarters as `cases.in_period` gives them, oldest first.
    """
    said = [sentence] if (sentence := _alone(own)) else []
    line = _NEXT_LINE.get(kpi["rating"])
    if line and is_rolling(kpi) and is_number(kpi["numerator"]) and is_number(kpi["denominator"]):
        leaving = leaving_quarters(own)
        assumed = (
            ""
            if leaving
            else " (taking each quarter that drops out for a quarter of the twelve months)"
        )
        if sentence := to_reach(kpi, line, leaving):
            said.append(f"{sentence.rstrip('.')}{assumed}.")
    changes = [text.removeprefix("would be ") for text in sensitivity(kpi)]
    return said + (
        [f"Would be {listed(changes[:2] if kpi['rating'] == AMBER else changes[:1], 'or')}."]
        if changes
        else []
    )


def _alone(own: Rows) -> str:
    """The latest quarter inside the rolling figure, where it is known."""
    if not own or not is_number(own[-1].get("in_period_value")):
        return ""
    row = own[-1]
    figure = show(row["in_period_value"], row["unit"], int(row["decimals"]))
    return f"The quarter alone: {figure} ({row['in_period_numerator']:,.0f} of {row['in_period_denominator']:,.0f})."


def likelihood(chance: float) -> str:
    """A chance in a word: very likely (9 in 10 or more), likely (2 in 3), as likely as not, unlikely, very unlikely."""
    return next(words for least, words in _LIKELY if chance >= least)


def outlook_sentence(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> str:
    """How many KPIs are more likely than not to meet target and floor standard next quarter: a judgement, never a fact."""
    settings: Any = {
        "significance": returns.council.significance,
        "minimum_points": returns.council.minimum_points,
    }
    expected = outlook(recent, **settings).set_index("kpi_id")
    reds = [row["kpi_id"] for row in rows_of(kpis) if row["rating"] == RED]
    target, floor = expected["next_target_chance"].dropna(), expected["next_floor_chance"].dropna()
    if target.empty:
        return "No outlook can be given: there are too few figures."
    said = (
        f"Outlook (a judgement, not a fact): {in_words(int((target > 0.5).sum()))} of the {plural(len(target), 'KPI')} "
        "that can be judged are more likely than not to meet their target with the next figure"
    )
    judged = [kpi_id for kpi_id in reds if kpi_id in floor.index]
    if judged:
        better = int((floor[judged] > 0.5).sum())
        said += f", and {in_words(better)} of the {plural(len(judged), 'KPI')} now Red to reach the floor standard"
    return f"{said}, if nothing changes."


def _steps(kpi: Row, row: Row) -> list[dict[str, Any]]:
    unit, _ = in_head(kpi["unit"])
    last = row["next_quarter"] == row["year_end_quarter"]
    steps = []
    for name in ("next",) if last else ("next", "year_end"):
        if math.isnan(row[f"{name}_expected"]):
            continue
        ends = name == "year_end" or last
        figures = [
            show_expected(row[f"{name}_{part}"], unit, int(kpi["decimals"]))
            for part in ("expected", "low", "high")
        ]
        chances = [
            {
                "line": f"Meets {word} {show_line(kpi[line], unit, int(kpi['decimals']))}",
                "words": capitalised(likelihood(row[f"{name}_{part}_chance"])),
                "figure": chance_in_words(row[f"{name}_{part}_chance"]).removeprefix("is "),
            }
            for part, line, word in (
                ("target", "target", "target"),
                ("floor", "floor_standard", "floor"),
            )
            if not math.isnan(row[f"{name}_{part}_chance"])
        ]
        steps.append({
            "when": short_title(row[f"{name}_quarter"]), "ends": ends,
            "expected": figures[0], "range": f"{figures[1]} to {figures[2]}", "chances": chances,
        })  # fmt: skip
    return steps


def _basis(kpi: Row, row: Row) -> str:
    if math.isnan(row["next_expected"]):
        return f"{capitalised(str(row['outlook']))}."
    of = f"{plural(int(kpi['points']), 'quarterly figure')}"
    how = (
        f"the trend of {of}"
        if row["outlook"] == FROM_TREND
        else f"the mean of {of}, as there is no clear trend"
    )
    far = " The year's end is too far ahead to judge." if row["year_end_state"] == TOO_FAR else ""
    return f"Judged from {how}.{far}"
