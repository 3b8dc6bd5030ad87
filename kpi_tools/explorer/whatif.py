"""What if: another target, floor standard, next figure or next cases, answered by the functions that rate what is so.

Nothing is written. What would be stands on what is so, and says where it differs (METHOD.md, "Outlook").
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from kpi_tools.assurance import usual_range
from kpi_tools.cases import rolling_after
from kpi_tools.errors import InputError
from kpi_tools.explorer.charts import SIZES
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.explorer.sentences import doubts_in_words
from kpi_tools.explorer.views import trend_of
from kpi_tools.outlook import chance_in_words, ends_of, outlook, outlook_in_words
from kpi_tools.page.describe import is_rolling, leaving_quarters, to_reach
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import rated
from kpi_tools.terms import Terms, lines_of
from kpi_tools.trend import direction_of_travel
from kpi_tools.vocabulary import HIGHER, LOWER, MONTH, MULTIPLIERS
from kpi_tools.wording import Row, is_number, is_text, parts_of, rows_of, show, show_line

LINES = ("target", "floor_standard")
_MARGIN = 0.35


def what_if(
    known: Evidence, kpi_id: str, supposed: Mapping[str, float], size: str = "M"
) -> dict[str, Any]:
    """The `sliders` of a KPI, what is `said` of what is supposed, and the trend with it (`svg`, `places`).

    `supposed`: any of `target`, `floor_standard`, `next` (the next figure) and `alone` (the next quarter by itself, of a
    rolling figure). Raises `InputError` for a number that cannot be.
    """
    kpi, terms = known.kpi(kpi_id), Terms(known.returns.council)
    why_not = doubts_in_words(known, kpi_id) or _why_not(kpi, terms)
    if why_not:
        return {"sliders": [], "said": [why_not]}
    given = _checked(kpi, supposed)
    if "alone" in given:
        given["next"] = _rolled(known, kpi, given["alone"])
    lines = {name: given.get(name, kpi[name]) for name in LINES}
    sliders = _sliders(known, kpi, given, terms)
    if _crossed(kpi, lines):
        target, floor = (show_line(lines[n], kpi["unit"], int(kpi["decimals"])) for n in LINES)
        words = [terms.word(name) for name in LINES]
        over = f"The {words[1]} ({floor}) lies beyond the {words[0]} ({target}): one has to move."
        return {"sliders": sliders, "said": [over]}
    said: list[str] = []
    if any(name in given for name in LINES):
        said += _of_lines(known, kpi, lines, terms)
    if "next" in given:
        said += _of_next(known, kpi, lines, given, terms)
    if not said:
        row = rows_of(known.of("outlooks", kpi_id))[0]
        words_of = outlook_in_words(row, kpi["unit"], int(kpi["decimals"]), terms.word)
        said = [f"So it is: {_figure(kpi, kpi['value'])}, {kpi['rating']}.", words_of]
    shown = {name: level for name, level in given.items() if name != "alone"}
    picture, _ = trend_of(known, kpi_id, SIZES[size], shown)
    svg = picture.svg("kx-what-if", f"{kpi_id}: what if", " ".join(said))
    return {"sliders": sliders, "said": said, "svg": svg, "places": picture.places()}


def _why_not(kpi: Row, terms: Terms) -> str:
    if is_text(kpi["milestone"]):
        return "A status has no figure to suppose."
    if not is_number(kpi["value"]):
        return "There is no latest figure to begin with."
    if kpi["polarity"] not in (HIGHER, LOWER) or not is_number(kpi["target"]):
        return f"It has no {terms.word('target')} that a higher or a lower figure meets."
    return ""


def _checked(kpi: Row, supposed: Mapping[str, float]) -> dict[str, float]:
    low, high = ends_of(kpi)
    for name, value in supposed.items():
        if not is_number(value) or not low <= value <= high:
            raise InputError(f"{value} cannot be a figure of {kpi['kpi_id']}, {name}.")
    return {name: float(value) for name, value in supposed.items()}


def _crossed(kpi: Row, lines: Mapping[str, float]) -> bool:
    """Whether the floor standard asks for more than the target."""
    over = lines["floor_standard"] - lines["target"]
    return bool(over > 0 if kpi["polarity"] == HIGHER else over < 0)


def _of_lines(known: Evidence, kpi: Row, lines: dict[str, float], terms: Terms) -> list[str]:
    would = kpi | lines
    rating = _rating(known, would)
    against = " and ".join(
        f"{terms.word(name)} of {show_line(lines[name], kpi['unit'], int(kpi['decimals']))}"
        for name in LINES
        if is_number(lines[name])
    )
    said = [
        f"Against a {against} the latest {_figure(kpi, kpi['value'])} is {rating}{_so(rating, kpi['rating'])}."
    ]
    chance, is_so = (_chances(known, kpi, one)["next_target_chance"] for one in (lines, kpi))
    if not math.isnan(chance):
        words = f"{chance_in_words(chance)}{_so(chance_in_words(chance), chance_in_words(is_so))}"
        said.append(f"The chance of meeting the {terms.word('target')} next {words}.")
    if is_rolling(kpi) and parts_of(kpi):
        missed = rows_of(lines_of(pd.DataFrame([would]), terms))
        said += to_reach(would, missed, leaving_quarters(rows_of(known.alone(kpi["kpi_id"]))))
    return said


def _of_next(
    known: Evidence, kpi: Row, lines: dict[str, float], given: dict[str, float], terms: Terms
) -> list[str]:
    value, council = given["next"], known.returns.council
    figure, when = _figure(kpi, value), Quarter.parse(kpi["quarter"]).shift(1).title
    rating = _rating(known, kpi | lines | {"value": value, "numerator": math.nan})
    recent = known.of("recent", kpi["kpi_id"])
    end = pd.Timestamp(Quarter.parse(kpi["quarter"]).shift(1).end)
    row = recent.tail(1).assign(value=value, period_end=end, quarter="")
    series = pd.concat([recent.iloc[1:], row], ignore_index=True)[
        ["kpi_id", "period_end", "value", "polarity", "basis"]
    ]
    direction = direction_of_travel(
        series, significance=council.significance, minimum_points=council.minimum_points
    )["direction_of_travel"].iloc[-1]
    begin = f"A figure of {figure} in {when}"
    if "alone" in given:
        alone = _figure(kpi, given["alone"])
        begin = f"At {alone} in {when} alone the rolling figure comes to {figure}: it"
    said = [
        f"{begin} would be {rating}{_so(rating, kpi['rating'])}, its direction {direction}"
        f"{_so(direction, kpi['direction_of_travel'])}."
    ]
    last = known.of("points", kpi["kpi_id"]).iloc[-1]
    if is_number(last["lower_limit"]) and last["series"] == "quarters":
        inside = last["lower_limit"] <= value <= last["upper_limit"]
        where = "inside" if inside else "outside"
        said.append(
            f"It lies {where} the usual range of {usual_range(rows_of(last.to_frame().T)[0])}."
        )
    chance = _chances(known, kpi, {"target": value})["next_target_chance"]
    if not math.isnan(chance):
        said.append(
            f"As things are, the chance of a figure so good or better {chance_in_words(chance)}."
        )
    return said


def _rating(known: Evidence, row: Row) -> str:
    return str(rated(pd.DataFrame([row]), known.returns.council)["rating"].iloc[0])


def _chances(known: Evidence, kpi: Row, lines: Mapping[str, Any]) -> Row:
    council = known.returns.council
    return rows_of(
        outlook(
            known.of("recent", kpi["kpi_id"]),
            target=float(lines["target"]),
            significance=council.significance,
            minimum_points=council.minimum_points,
        )
    )[0]


def _rolled(known: Evidence, kpi: Row, alone: float) -> float:
    """The rolling figure after a next quarter at `alone`."""
    if not (is_rolling(kpi) and parts_of(kpi)):
        raise InputError(
            f"The cases of {kpi['kpi_id']} are not known, so a quarter alone moves nothing."
        )
    leaving = leaving_quarters(rows_of(known.alone(kpi["kpi_id"])))
    parts, per = (kpi["numerator"], kpi["denominator"]), MULTIPLIERS[kpi["unit"]]
    return rolling_after(*parts, alone, 1, leaving=leaving, per=per)


def _sliders(
    known: Evidence, kpi: Row, given: dict[str, float], terms: Terms
) -> list[dict[str, Any]]:
    """From where to where each can go, and what is so."""
    decimals, (low, high) = int(kpi["decimals"]), ends_of(kpi)
    row = rows_of(known.of("outlooks", kpi["kpi_id"]))[0]
    after = Quarter.parse(kpi["quarter"]).shift(1)
    expected = row["next_expected"] if is_number(row["next_expected"]) else kpi["value"]
    named = {"target": terms.head("target"), "floor_standard": terms.head("floor_standard")}
    so = {name: kpi[name] for name in LINES if is_number(kpi[name])} | {"next": expected}
    named["next"] = after.title
    if is_rolling(kpi) and parts_of(kpi):
        months = known.months(kpi["kpi_id"])
        months = months[months["value"].notna() & (months["basis"] == MONTH)]
        so["alone"] = float(months["value"].iloc[-1]) if len(months) else kpi["value"]
        named["alone"] = f"Quarter {after.number} alone"
    figures = [*known.of("quarters", kpi["kpi_id"])["value"].dropna(), *so.values()]
    margin = _MARGIN * (max(figures) - min(figures) or 1.0)
    begin, end = max(low, min(figures) - margin), min(high, max(figures) + margin)
    return [
        {
            "name": name,
            "label": named[name],
            "value": round(given.get(name, level), decimals),
            "so": round(level, decimals),
            "min": round(low if name == "alone" else begin, decimals),
            "max": round(high if name == "alone" and math.isfinite(high) else end, decimals),
            "step": 10.0**-decimals,
            "unit": "%" if kpi["unit"] == "%" else "",
        }
        for name, level in so.items()
    ]


def _figure(kpi: Row, value: float) -> str:
    return show(value, kpi["unit"], int(kpi["decimals"]))


def _so(would: object, is_so: object) -> str:
    return ", as it is" if would == is_so else f" (it is {str(is_so).removeprefix('is ')})"
