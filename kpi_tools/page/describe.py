"""One KPI in words: what its figure covers, which way it goes and by how much, where it is heading, what that takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from kpi_tools.cases import in_period, rolling_after, sensitivity, takes_in_words, what_it_takes
from kpi_tools.loading import Returns
from kpi_tools.outlook import (
    FROM_CASES,
    FROM_COUNTS,
    FROM_PAST,
    FROM_TREND,
    TOO_FAR,
    chance_in_words,
    line_chances,
    outlook,
)
from kpi_tools.quarters import Quarter
from kpi_tools.terms import AGAINST, Terms, level_of, lines_of, missed
from kpi_tools.trend import gls_direction
from kpi_tools.vocabulary import (
    CLOSEST,
    HIGHER,
    ILLUSTRATIVE,
    LOWER,
    MILESTONE,
    MONTH,
    MULTIPLIERS,
    NOT_ENOUGH_DATA,
    NOT_TESTABLE,
    STABLE,
    TREND_ARROW,
)
from kpi_tools.wording import (
    Row,
    Rows,
    between,
    capitalised,
    in_doubt,
    in_words,
    is_number,
    is_text,
    listed,
    parts_of,
    plural,
    rounded,
    rows_by,
    rows_of,
    show,
    text_of,
)

Quarters = list[tuple[float, float]]

_A_QUARTER = 3
_LIKELY = (
    (0.9, "very likely"),
    (0.66, "likely"),
    (1 / 3, "as likely as not"),
    (0.1, "unlikely"),
    (0.0, "very unlikely"),
)
SELDOM = ("half_yearly", "termly", "annual", "biennial")
IN_DOUBT = "Nothing is concluded from these figures while one of them is in doubt."


def month_alone(month: Mapping[str, Any], unit: str, decimals: int) -> str:
    """The latest single month of a KPI whose figure covers more: `December 2024 alone: 68% (50 of 73).`

    `month` is its row of `returns.months`.
    """
    parts = f" ({parts_of(dict(month))})" if pd.notna(month["denominator"]) else ""
    mark = f" ({ILLUSTRATIVE})" if month["status"] == ILLUSTRATIVE else ""
    return (
        f"{month['period_end']:%B %Y} alone: {show(month['value'], unit, decimals)}{parts}{mark}."
    )


def direction_sentence(kpi: Mapping[str, Any]) -> str:
    """The direction of travel in words with its size: `Negative: falling by 2.1 percentage points a year (0.6 to 3.6).`"""
    state, points = kpi["direction_of_travel"], int(kpi["points"])
    if state == NOT_ENOUGH_DATA:
        return f"Not enough data: {plural(points, 'figure')} in the period shown."
    if state == NOT_TESTABLE:
        return "Not testable: neither rising nor falling is better, or the figures build up over the year."
    low, high = sorted((kpi["slope_low"], kpi["slope_high"]))
    places = int(kpi["decimals"])
    places += high - low < 3 * 10 ** (1 - places)
    if state == STABLE:
        return f"{capitalised(STABLE)}: {between(_change(low, kpi, places), _change(high, kpi, places))} a year."
    smaller, larger = (rounded(one, places) for one in sorted((abs(low), abs(high))))
    interval = f" (95% interval {smaller} to {larger})" if smaller != larger else ""
    return (
        f"{capitalised(state)}: {'rising' if kpi['slope'] > 0 else 'falling'} by {_amount(kpi['slope'], kpi, places)} a year"
        f"{interval}."
    )


def arrow_sentences(kpi: Row) -> list[str]:
    """The two-point arrows that the council shows, and where the trend points another way."""
    said = []
    for kind, against in AGAINST.items():
        arrow, change = kpi.get(f"arrow_{kind}"), kpi.get(f"change_{kind}")
        if not is_text(arrow) or not is_number(change):
            continue
        if arrow == "unchanged":
            said.append(f"Unchanged from {against}.")
            continue
        amount = _amount(change, kpi, _written(change, int(kpi["decimals"])))
        said.append(f"{capitalised(arrow)} than {against}, by {amount}.")
    if said and kpi.get("arrows_differ") is True:
        said.append(
            f"The trend over the figures shown points another way: {kpi['direction_of_travel']}."
        )
    return said


def redefinitions(points: Rows, changes: Rows) -> list[str]:
    """From when a KPI is counted otherwise among the figures shown, and why: nothing is compared across it."""
    shown = {row["quarter"] for row in points[1:]}
    said = []
    for change in changes:
        if change["from_quarter"] in shown:
            since = f"New definition from {Quarter.parse(change['from_quarter']).title}"
            why = (text_of(change["reason"]) or "no reason is recorded").rstrip(".")
            said.append(f"{since}: {why}. Earlier figures are not compared with later ones.")
    return said


def _written(size: float, decimals: int) -> int:
    while decimals < 6 and not rounded(abs(size), decimals).strip("0.,"):
        decimals += 1
    return decimals


def _amount(size: float, kpi: Mapping[str, Any], places: int) -> str:
    unit = "percentage points" if kpi["unit"] == "%" else kpi["unit"]
    return show(abs(size), unit, places)


def _change(size: float, kpi: Mapping[str, Any], places: int) -> str:
    if round(abs(size), places) == 0:
        return "no change"
    return f"{'a rise' if size > 0 else 'a fall'} of {_amount(size, kpi, places)}"


# Where it is heading.


@dataclass(frozen=True)
class Outlook:
    """One KPI's: `steps` (next figure, year's end), `basis` (from what, or why there is none), `said`, `direction` (a
    sentence where the overlap-aware direction differs from the official one) and `status` (illustrative, or empty).

    A step has `when`, `ends` (whether the financial year does), `expected`, `range` and `chances`, each of these with
    `line`, `words` and `figure`.
    """

    steps: list[dict[str, Any]]
    basis: str
    said: list[str]
    direction: str
    status: str


def outlooks(
    kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns, terms: Terms | None = None
) -> dict[str, Outlook]:
    """The outlook of each KPI of the scorecard by its id, from the same figures as its chart (`recent`)."""
    terms = terms or Terms(returns.council)
    settings = _settings(returns)
    expected = outlook(recent, **settings).set_index("kpi_id").to_dict("index")
    lines = rows_by(line_chances(recent, lines_of(kpis, terms), **settings))
    notes = direction_notes(recent, returns)
    own = rows_by(own_quarters(returns.figures, returns.months))
    doubted = {row["kpi_id"] for row in rows_of(recent) if in_doubt(row)}
    found = {}
    for kpi in rows_of(kpis):
        name, status = kpi["kpi_id"], ILLUSTRATIVE if kpi["illustrative"] else ""
        if kpi["kind"] == MILESTONE:
            continue
        if name in doubted:
            found[name] = Outlook([], IN_DOUBT, [], "", status)
            continue
        own_lines = lines.get(name, [])
        then = [row for row in own.get(name, []) if row["period_end"] <= kpi["period_end"]]
        found[name] = Outlook(
            _steps(kpi, expected[name], own_lines),
            _basis(kpi, expected[name]),
            takes(kpi, then, own_lines, terms),
            notes.get(name, "") if TREND_ARROW in terms.arrows else "",
            status,
        )
    return found


def direction_notes(recent: pd.DataFrame, returns: Returns) -> dict[str, str]:
    """Of each KPI whose figures can be concluded from: where its overlap-aware direction is another, in a sentence, or empty."""
    noted = rows_by(gls_direction(recent, **_settings(returns)))
    return {
        name: str(rows[-1]["direction_note"])
        for name, rows in noted.items()
        if rows[-1]["frequency"] not in SELDOM and not any(map(in_doubt, rows))
    }


def _settings(returns: Returns) -> Any:
    council = returns.council
    return {"significance": council.significance, "minimum_points": council.minimum_points}


def likelihood(chance: float) -> str:
    """A chance in a word: very likely (9 in 10 or more), likely (2 in 3), as likely as not, unlikely, very unlikely."""
    return next(words for least, words in _LIKELY if chance >= least)


def _steps(kpi: Row, row: Row, lines: Rows) -> list[dict[str, Any]]:
    unit, decimals = kpi["unit"], int(kpi["decimals"])
    last = row["next_quarter"] == row["year_end_quarter"]
    steps = []
    for name in ("next",) if last else ("next", "year_end"):
        if math.isnan(row[f"{name}_expected"]):
            continue
        figures = [
            show(row[f"{name}_{part}"], unit, decimals) for part in ("expected", "low", "high")
        ]
        chances = [
            {
                "line": _reaches(kpi, line),
                "words": capitalised(likelihood(line[f"{name}_chance"])),
                "figure": chance_in_words(line[f"{name}_chance"]).removeprefix("is "),
            }
            for line in lines
            if not line["earlier"] and not math.isnan(line[f"{name}_chance"])
        ]
        steps.append(
            {
                "when": short_title(row[f"{name}_quarter"]),
                "ends": name == "year_end" or last,
                "expected": figures[0],
                "range": " to ".join(dict.fromkeys(figures[1:])),
                "chances": chances,
            }
        )
    return steps


def _reaches(kpi: Row, line: Row) -> str:
    """`Meets target 90%`; of a line so much beside it `Reaches Blue, 95%`."""
    goal = f"Meets {line['line']} " if line["plain"] else f"Reaches {line['band']}, "
    if kpi["polarity"] == CLOSEST:
        return f"{goal}{level_of(kpi, line['edge'])} to {level_of(kpi, line['far_edge'])}"
    return f"{goal}{level_of(kpi, line['edge'])}"


def _basis(kpi: Row, row: Row) -> str:
    if math.isnan(row["next_expected"]):
        return f"{capitalised(str(row['outlook']))}."
    of = plural(int(kpi["points"]), "figure")
    how = f"the mean of {of}, as there is no clear trend"
    how = f"the trend of {of}" if row["outlook"] == FROM_TREND else how
    if row["outlook"] in (FROM_COUNTS, FROM_CASES, FROM_PAST):
        how = row["outlook"].removeprefix("from ")
    far = " The year's end is too far ahead to judge." if row["year_end_state"] == TOO_FAR else ""
    return f"From {how}.{far}"


# What it takes.


def takes(kpi: Row, own: Rows, lines: Rows, terms: Terms | None = None) -> list[str]:
    """The quarter alone, what it takes to reach the next line, how many cases decide the rating: arithmetic, not chance.

    `kpi`: a row of the scorecard; `own`: its quarters as `cases.in_period` gives them, oldest first; `lines`: its rows of
    `terms.lines_of`.
    """
    said = [sentence] if (sentence := _alone(own)) else []
    if is_rolling(kpi) and parts_of(kpi):
        leaving = leaving_quarters(own)
        assumed = " (taking each quarter that drops out for a quarter of the twelve months)"
        for sentence in to_reach(kpi, lines, leaving)[:1]:
            said.append(f"{sentence.rstrip('.')}{'' if leaving else assumed}.")
    scheme = (terms or Terms()).scheme(kpi)
    changes = [text.removeprefix("would be ") for text in sensitivity(kpi, scheme)]
    worst = kpi["rating"] == scheme.bands[-1].name
    nearest = changes[:1] if worst else list(dict.fromkeys([*changes[:1], *changes[-1:]]))
    return said + ([f"Would be {listed(nearest, 'or')}."] if nearest else [])


def needed(kpi: Row, own: Rows, months: pd.DataFrame, terms: Terms | None = None) -> list[str]:
    """Sentences on a row of the scorecard: its cases, what each coming quarter must be, how many cases decide the rating.

    `own`: the KPI's quarters as `cases.in_period` gives them, oldest first; `months`: its single months.
    """
    counted = parts_of(kpi)
    said = [f"The latest figure counts {counted} cases."] if counted else []
    if counted and is_rolling(kpi):
        leaving = leaving_quarters(own)
        lines = rows_of(lines_of(pd.DataFrame([kpi]), terms or Terms()))
        ahead = [*to_reach(kpi, lines, leaving), *_if_held(kpi, leaving, months)]
        if ahead and leaving is None:
            ahead.append(
                "This takes each quarter that drops out for a quarter of the twelve months, since the quarters alone are "
                "not known, and as many new cases as leave."
            )
        said += ahead
    said += [f"The KPI {text}." for text in sensitivity(kpi, (terms or Terms()).scheme(kpi))]
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
        period_end=("period_end", "max"),
        numerator=("numerator", "sum"),
        denominator=("denominator", "sum"),
        months=("month", "nunique"),
    )
    return in_period(figures, quarters[quarters["months"] == _A_QUARTER].reset_index())


def leaving_quarters(own: Rows) -> Quarters | None:
    """Numerator and denominator of the four quarters in the rolling figure, oldest first; None unless all are known."""
    parts = [
        (float(row["in_period_numerator"]), float(row["in_period_denominator"])) for row in own[-4:]
    ]
    return None if any(math.isnan(part) for pair in parts for part in pair) else parts


def to_reach(kpi: Row, lines: Rows, leaving: Quarters | None) -> list[str]:
    """What each coming quarter must be for each of the lines (of `terms.lines_of`) that are missed, the lowest first."""
    said = []
    for line in reversed(lines):
        if (level := missed(kpi, line)) is None:
            continue
        steps = what_it_takes(
            kpi["numerator"],
            kpi["denominator"],
            level,
            leaving=leaving,
            polarity=kpi["polarity"],
            per=MULTIPLIERS[kpi["unit"]],
        )
        words = takes_in_words(
            steps, line["line"], kpi["unit"], int(kpi["decimals"]), polarity=kpi["polarity"]
        )
        of = f"{line['line']} of {level_of(kpi, level, bare=False)}"
        said.append(f"To reach the {of}: {words[:1].lower()}{words[1:]}")
    return said


def _alone(own: Rows) -> str:
    """The latest quarter inside the rolling figure, where it is known."""
    if not own or not is_number(own[-1].get("in_period_value")):
        return ""
    row = own[-1]
    figure = show(row["in_period_value"], row["unit"], int(row["decimals"]))
    return f"The quarter alone: {figure} ({row['in_period_numerator']:,.0f} of {row['in_period_denominator']:,.0f})."


def _if_held(kpi: Row, leaving: Quarters | None, months: pd.DataFrame) -> list[str]:
    """Where the rolling figure goes if the latest single month's figure held."""
    known = months[months["value"].notna() & (months["basis"] == MONTH)]
    if known.empty:
        return []
    last, per = known.iloc[-1], MULTIPLIERS[kpi["unit"]]
    rate = last["value"]
    if last["denominator"] > 0:
        rate = per * last["numerator"] / last["denominator"]
    parts = kpi["numerator"], kpi["denominator"]
    unit, decimals = kpi["unit"], int(kpi["decimals"])
    each = [
        f"{show(rolling_after(*parts, rate, n, leaving=leaving, per=per), unit, decimals)} after {plural(n, 'quarter')}"
        for n in (1, 2, 3, 4)
    ]
    month = f"{show(last['value'], unit, decimals)} of {last['period_end']:%B %Y}"
    return [f"If the {month} held, the rolling figure would be {listed(each)}."]


def short_title(label: str | Quarter) -> str:
    """`Q3 2024/25`, where there is little room."""
    return Quarter.parse(label).title.replace("Quarter ", "Q")


def arrears(kpi: Row) -> str:
    """`one quarter in arrears`."""
    return f"{in_words(int(kpi['lag_quarters']))} {'quarter' if kpi['lag_quarters'] == 1 else 'quarters'} in arrears"
