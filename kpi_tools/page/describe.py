"""One KPI in words: what its figure covers, which way it goes, its outlook, what it takes."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from kpi_tools.cases import in_period, sensitivity, takes_in_words, what_it_takes
from kpi_tools.loading import Returns
from kpi_tools.loading.schemas import BEGINNING
from kpi_tools.outlook import (
    FROM_COUNTS,
    FROM_PAST,
    FROM_TREND,
    NOT_THEN,
    TOO_FAR,
    chance_in_words,
    line_chances,
    outlook,
)
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, Rows, in_doubt, is_number, is_text, rows_by, rows_of, text_of
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
from kpi_tools.wording import amount, between, capitalised, listed, parts_of, plural, rounded, show

Quarters = list[tuple[float, float]]
_POINTS = "percentage points"

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
    """One of `returns.months` of a KPI whose figure covers more: `December 2024 alone: 68%.`"""
    parts = f" ({parts_of(dict(month))})" if pd.notna(month["denominator"]) else ""
    mark = f" ({ILLUSTRATIVE})" if month["status"] == ILLUSTRATIVE else ""
    figure = show(month["value"], unit, decimals)
    return f"{month['period_end']:%B %Y} alone: {figure}{parts}{mark}."


def direction_sentence(kpi: Mapping[str, Any]) -> str:
    """The direction of travel with its size: `Negative: falling by 2.1 points a year (…).`"""
    state = kpi["direction_of_travel"]
    if state == NOT_ENOUGH_DATA:
        anew = is_text(kpi.get("series_from"))
        span = "since the series began anew" if anew else "in the period shown"
        return f"Not enough data: {plural(int(kpi['points']), 'figure')} {span}."
    if state == NOT_TESTABLE:
        why = "neither rising nor falling is better, or the figures build up over the year"
        return f"Not testable: {why}."
    return f"{capitalised(state)}: {size_in_words(kpi, state)}."


def size_in_words(kpi: Mapping[str, Any], state: str, rule: str = "") -> str:
    """`falling by 2.1 percentage points a year (95% interval 0.6 to 3.6)`; where the direction's
    `state` is stable from what to what; empty where it is not known. `rule`: `gls_` for the
    overlap-aware one."""
    slope, low, high = (float(kpi[f"{rule}slope{end}"]) for end in ("", "_low", "_high"))
    if math.isnan(slope + low + high):
        return ""
    places = int(kpi["decimals"])
    places += high - low < 3 * 10 ** (1 - places)

    def by(size: float) -> str:
        return amount(size, kpi["unit"], places, points=_POINTS)

    def change(size: float) -> str:
        way = "a rise" if size > 0 else "a fall"
        return f"{way} of {by(size)}" if round(size, places) else "no change"

    if state == STABLE:
        return f"{between(change(low), change(high))} a year"
    way = 1 if slope > 0 else -1  # along which the ends are told: one beyond nought is negative
    near, far = (rounded(end, places) for end in sorted((low * way, high * way)))
    interval = f" (95% interval {near} to {far})" if near != far else ""
    return f"{'rising' if slope > 0 else 'falling'} by {by(slope)} a year{interval}"


def arrow_sentences(kpi: Row) -> list[str]:
    """The two-point arrows that the council shows, and where the trend points another way."""
    sentences = []
    for kind, against in AGAINST.items():
        arrow, change = kpi.get(f"arrow_{kind}"), kpi.get(f"change_{kind}")
        if not is_text(arrow) or not is_number(change):
            continue
        if arrow == "unchanged":
            sentences.append(f"Unchanged from {against}.")
            continue
        by = amount(change, kpi["unit"], int(kpi["decimals"]), points=_POINTS)
        sentences.append(f"{capitalised(arrow)} than {against}, by {by}.")
    if sentences and kpi.get("arrows_differ") is True:
        way = kpi["direction_of_travel"]
        sentences.append(f"The trend over the figures shown points another way: {way}.")
    return sentences


def course(kpi: Row, points: Rows, anew: Sequence[str], terms: Terms) -> list[str]:
    """Which way a KPI goes, where its series begins `anew`, its two-point arrows."""
    if any(map(in_doubt, points)):
        return [IN_DOUBT]
    tested = TREND_ARROW in terms.council.arrows and kpi.get("kind") != MILESTONE
    return [*([direction_sentence(kpi)] if tested else []), *anew, *arrow_sentences(kpi)]


def begins_anew(points: Rows, changes: Rows, rebases: Rows) -> list[str]:
    """From when the figures shown are a new series, defined otherwise or rebased, and why."""
    quarters = {row["quarter"] for row in points[1:]}
    agreed = [(date.fromisoformat(one["date"]), one) for one in rebases]
    return [
        f"A new series begins with {when:%B %Y}: {one['reason'].rstrip('.')}. Agreed by: "
        f"{one['name']}{f' ({ILLUSTRATIVE})' if one['status'] == ILLUSTRATIVE else ''}."
        for when, one in agreed
        if Quarter.containing(when).label in quarters
    ] + [
        f"New definition from {Quarter.parse(change['from_quarter']).title}: "
        f"{(text_of(change['reason']) or 'no reason is recorded').rstrip('.')}. "
        "Earlier figures are not compared with later ones."
        for change in changes
        if change["from_quarter"] in quarters
    ]


# Where it is heading.


def outlooks(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> dict[str, Row]:
    """The outlook of each KPI by its id, from the same figures as its chart (`recent`).

    `steps` (next figure, year's end), each with `when`, `ends` (whether the financial year does),
    `expected`, `range` and `chances` of `line`, `words` and `figure`; `next` (as `predicted`, for
    the picture); `basis` (from what, or why there is none); `sentences`; `direction` (a sentence
    where the overlap-aware direction differs from the official one) and `status` (illustrative, or
    empty).
    """
    terms, settings = Terms(returns.council), settings_of(returns)
    expected = outlook(recent, **settings).set_index("kpi_id").to_dict("index")
    chances = rows_by(line_chances(recent, lines_of(kpis, terms), **settings))
    notes = direction_notes(recent, returns) if TREND_ARROW in terms.council.arrows else {}
    quarters = rows_by(quarters_alone(returns.figures, returns.months))
    doubted = {row["kpi_id"] for row in rows_of(recent) if in_doubt(row)}
    found = {}
    for kpi in rows_of(kpis[kpis["kind"] != MILESTONE]):
        name, lines = kpi["kpi_id"], chances.get(kpi["kpi_id"], [])
        then = [row for row in quarters.get(name, []) if row["period_end"] <= kpi["period_end"]]
        found[name] = {
            "steps": [] if name in doubted else _steps(kpi, expected[name], lines),
            "next": predicted(expected[name], "next"),
            "basis": IN_DOUBT if name in doubted else _basis(kpi, expected[name]),
            "sentences": [] if name in doubted else takes(kpi, then, lines, terms),
            "direction": "" if name in doubted else notes.get(name, ""),
            "status": ILLUSTRATIVE if kpi["illustrative"] else "",
        }
    return found


def predicted(row: Row, name: str) -> Row | None:
    """What is expected `next` or at the `year_end`, of a row of `outlook.outlook`: `quarter`,
    `expected`, `low` and `high`; None where nothing is."""
    found = {part: row[f"{name}_{part}"] for part in ("quarter", "expected", "low", "high")}
    return found if is_number(found["expected"]) else None


def direction_notes(recent: pd.DataFrame, returns: Returns) -> dict[str, str]:
    """Where the overlap-aware direction is another, a sentence, else empty; none in doubt."""
    noted = rows_by(gls_direction(recent, **settings_of(returns)))
    return {
        name: str(rows[-1]["direction_note"])
        for name, rows in noted.items()
        if rows[-1]["frequency"] not in SELDOM and not any(map(in_doubt, rows))
    }


def settings_of(returns: Returns) -> Any:
    """When a council takes a trend for one, as `outlook` and `trend` ask it."""
    council = returns.council
    return {"significance": council.significance, "minimum_points": council.minimum_points}


def likelihood(chance: float) -> str:
    """A chance in a word, from very likely (9 in 10 or more) to very unlikely."""
    return next(words for least, words in _LIKELY if chance >= least)


def _steps(kpi: Row, row: Row, lines: Rows) -> list[dict[str, Any]]:
    last = row["next_quarter"] == row["year_end_quarter"]
    steps = []
    for name in ("next",) if last else ("next", "year_end"):
        if not (of := predicted(row, name)):
            continue
        ends = [show(of[end], kpi["unit"], int(kpi["decimals"])) for end in ("low", "high")]
        chances = [
            {
                "line": _reaches(kpi, line),
                "words": capitalised(likelihood(chance)),
                "figure": chance_in_words(chance).removeprefix("is "),
            }
            for line in lines
            if not line["earlier"] and not math.isnan(chance := line[f"{name}_chance"])
        ]
        step = {
            "when": short_title(of["quarter"]),
            "ends": name == "year_end" or last,
            "expected": show(of["expected"], kpi["unit"], int(kpi["decimals"])),
            "range": " to ".join(dict.fromkeys(ends)),
        }
        steps.append(step | {"chances": chances})
    return steps


def _reaches(kpi: Row, line: Row) -> str:
    """`Meets target 90%`; of a line so much beside it `Reaches Blue, 95%`."""
    goal = f"Meets {line['line']} " if line["plain"] else f"Reaches {line['band']}, "
    far = f" to {level_of(kpi, line['far_edge'])}" if kpi["polarity"] == CLOSEST else ""
    return f"{goal}{level_of(kpi, line['edge'])}{far}"


def _basis(kpi: Row, row: Row) -> str:
    if math.isnan(row["next_expected"]):
        return f"{capitalised(str(row['outlook']))}."
    of = plural(int(kpi["points"]), "figure")
    how = f"the mean of {of}, as there is no clear trend"
    if row["outlook"] == FROM_TREND:
        how = f"the trend of {of}"
    elif row["outlook"] in (FROM_COUNTS, FROM_PAST):
        how = row["outlook"].removeprefix("from ")
    year_end = {
        TOO_FAR: " The year's end is too far ahead to judge.",
        NOT_THEN: " No figure is due at the year's end.",
    }.get(row["year_end_state"], "")
    return f"From {how}.{year_end}"


def outlook_in_words(kpi: Row, expected: Row, lines: Rows) -> str:
    """What a card says of the outlook, as a paragraph. `expected`: its row of `outlook.outlook`;
    `lines`: its rows of `outlook.line_chances`."""
    sentences = []
    for step in _steps(kpi, expected, lines):
        when = f"{step['when']}{', the end of the year' if step['ends'] else ''}"
        within = "" if step["range"] == step["expected"] else f" ({step['range']})"
        sentences.append(f"Expected for {when}: {step['expected']}{within}.")
        for one in step["chances"]:
            sentences.append(f"{one['line']}: {one['words'].lower()} ({one['figure']}).")
    return " ".join([*sentences, _basis(kpi, expected)])


# What it takes.


def takes(kpi: Row, quarters: Rows, lines: Rows, terms: Terms) -> list[str]:
    """The quarter alone, what it takes to reach the next line, how many cases decide the rating.
    `quarters`: its rows of `cases.in_period`, oldest first; `lines`: of `terms.lines_of`."""
    sentences = []
    if quarters and is_number(quarters[-1].get("in_period_value")):
        row = quarters[-1]
        figure = show(row["in_period_value"], row["unit"], int(row["decimals"]))
        parts = parts_of({name: row[f"in_period_{name}"] for name in ("numerator", "denominator")})
        sentences.append(f"The quarter alone: {figure} ({parts}).")
    if is_rolling(kpi) and parts_of(kpi):
        leaving = leaving_quarters(quarters)
        assumed = " (taking each quarter that drops out for a quarter of the twelve months)"
        reach = to_reach(kpi, lines, leaving)[:1]
        sentences += [f"{one.rstrip('.')}{'' if leaving else assumed}." for one in reach]
    changes = sensitivity(kpi, lines, terms.scheme(kpi))
    return sentences + ([f"Would be {listed(changes, 'or')}."] if changes else [])


def is_rolling(kpi: Row) -> bool:
    """Whether what it takes can be counted by quarters: a share of 12 months with a side."""
    rolling = kpi["basis"] == "rolling_12_months" and kpi["unit"] in MULTIPLIERS
    return rolling and kpi["polarity"] in (HIGHER, LOWER)


def quarters_alone(figures: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """`figures` with the quarters alone inside rolling figures, from their three months."""
    alone = months[months["basis"] == MONTH].dropna(subset=["numerator", "denominator"])
    quarters = alone.groupby(["kpi_id", "quarter"]).agg(
        period_end=("period_end", "max"),
        numerator=("numerator", "sum"),
        denominator=("denominator", "sum"),
        months=("month", "nunique"),
    )
    return in_period(figures, quarters[quarters["months"] == 3].reset_index())


def leaving_quarters(quarters: Rows) -> Quarters | None:
    """Numerator and denominator of the rolling figure's four quarters; None unless all known."""
    parts = [(row["in_period_numerator"], row["in_period_denominator"]) for row in quarters[-4:]]
    return None if any(math.isnan(part) for pair in parts for part in pair) else parts


def to_reach(kpi: Row, lines: Rows, leaving: Quarters | None) -> list[str]:
    """What each coming quarter must be for each of the `lines` that is missed, the lowest first."""
    sentences = []
    parts, way, unit = (kpi["numerator"], kpi["denominator"]), kpi["polarity"], kpi["unit"]
    for line in reversed(lines):
        if (level := missed(kpi, line)) is not None:
            how: Any = {"leaving": leaving, "polarity": way, "per": MULTIPLIERS[unit]}
            steps = what_it_takes(*parts, level, **how)
            words = takes_in_words(steps, line["line"], unit, int(kpi["decimals"]), polarity=way)
            of = f"{line['line']} of {level_of(kpi, level, bare=False)}"
            sentences.append(f"To reach the {of}: {words[:1].lower()}{words[1:]}")
    return sentences


def since_title(label: str | Quarter) -> str:
    """From when on: `Quarter 3 2024/25`, or `the beginning` where the tables name no quarter."""
    quarter = Quarter.parse(label)
    return "the beginning" if quarter == BEGINNING else quarter.title


def short_title(label: str | Quarter) -> str:
    """`Q3 2024/25`, where there is little room."""
    return since_title(label).replace("Quarter ", "Q")
