"""What if: another target, floor standard, next figure or next cases.

Answered by the functions that rate what is so. Nothing is written. What would be stands on what is
so, and says where it differs (METHOD.md, "What if").
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from kpi_tools.cases import rolling_after
from kpi_tools.errors import InputError
from kpi_tools.explorer.charts import SIZES, trend_picture
from kpi_tools.explorer.evidence import Evidence
from kpi_tools.explorer.reasons import sentences_of
from kpi_tools.explorer.sentences import doubts_in_words
from kpi_tools.outlook import chance_in_words, outlook
from kpi_tools.page.describe import is_rolling, leaving_quarters, settings_of, to_reach
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, is_number, is_text, rows_of
from kpi_tools.scorecard import due_rows, rated
from kpi_tools.terms import lines_of
from kpi_tools.units import ends_of
from kpi_tools.vocabulary import HIGHER, LOWER, MULTIPLIERS
from kpi_tools.wording import capitalised, parts_of, show, show_line

LINES = ("target", "floor_standard")
_OF_PERIOD = ("quarter", "period_end", "previous", "same_quarter_last_year")
_MARGIN = 0.35


def what_if(
    known: Evidence, kpi_id: str, supposed: Mapping[str, float], size: str = "M"
) -> dict[str, Any]:
    """The `sliders` of a KPI, the `sentences` on what is supposed, and the trend with it: any of
    `target`, `floor_standard`, `next` (the next figure) and `alone` (the next quarter by itself, of
    a rolling figure). Raises `InputError` for a number that cannot be."""
    kpi, terms = known.kpi(kpi_id), known.terms
    if why_not := doubts_in_words(known, kpi_id) or _why_not(known, kpi):
        return {"sliders": [], "sentences": [why_not]}
    coming = _coming(known, kpi)
    given = _checked(known, kpi, supposed, coming)
    lines: dict[str, Any] = {name: given.get(name, kpi[name]) for name in LINES}
    sliders = _sliders(known, kpi, given, coming)
    over = lines["floor_standard"] - lines["target"]
    if over > 0 if kpi["polarity"] == HIGHER else over < 0:
        target, floor = (f"the {terms.word(name)} ({_line(kpi, lines[name])})" for name in LINES)
        beyond = f"{capitalised(floor)} lies beyond {target}: one has to move."
        return {"sliders": sliders, "sentences": [beyond]}
    sentences = sentences_of(
        "explorer_what_if.txt.j2",
        kpi=kpi,
        terms=terms,
        given=given,
        after=Quarter.parse(coming["quarter"]).title if coming else "",
        figure=lambda value: _figure(kpi, value),
        lines=_of_lines(known, kpi, lines) if set(LINES) & set(given) else {},
        next=_of_next(known, kpi | coming | lines, given["next"]) if "next" in given else {},
        outlook=known.outlook_in_words(kpi_id),
    )
    drawn = {name: level for name, level in given.items() if name != "alone"}
    picture = trend_picture(known, kpi_id, SIZES[size], drawn)
    svg = picture.svg("kx-what-if", f"{kpi_id}: what if", " ".join(sentences))
    return {"sliders": sliders, "sentences": sentences, "svg": svg, "places": picture.places()}


def _why_not(known: Evidence, kpi: Row) -> str:
    if is_text(kpi["milestone"]):
        return "A status has no figure to suppose."
    if not is_number(kpi["value"]):
        return "There is no latest figure to begin with."
    if kpi["polarity"] not in (HIGHER, LOWER) or not is_number(kpi["target"]):
        return f"It has no {known.terms.word('target')} that a higher or a lower figure meets."
    return ""


def _coming(known: Evidence, kpi: Row) -> Row:
    """The figure that is due next: its period and the figures before it; empty where the KPI is
    not due again."""
    if not is_text(kpi["next_due"]):
        return {}
    tables = {name: known.of(name, kpi["kpi_id"]) for name in ("catalogue", "figures")}
    due = due_rows(replace(known.returns, **tables), Quarter.parse(kpi["next_due"]), 1)
    return {name: row[name] for row in rows_of(due) for name in _OF_PERIOD}


def _checked(
    known: Evidence, kpi: Row, supposed: Mapping[str, float], coming: Row
) -> dict[str, float]:
    """What is supposed as numbers; a quarter alone makes the rolling figure `next`."""
    low, high = ends_of(kpi)
    for name, value in supposed.items():
        if not is_number(value) or not low <= value <= high:
            raise InputError(f"{value} cannot be a figure of {kpi['kpi_id']}, {name}.")
    given = {name: float(value) for name, value in supposed.items()}
    if not coming and not set(given) <= set(LINES):
        raise InputError(f"No further figure of {kpi['kpi_id']} is due.")
    if "alone" not in given:
        return given
    if not _counted(kpi):
        raise InputError(
            f"The cases of {kpi['kpi_id']} are not known, so a quarter alone moves nothing."
        )
    rolled = rolling_after(
        kpi["numerator"],
        kpi["denominator"],
        given["alone"],
        1,
        leaving=leaving_quarters(rows_of(known.of("alone", kpi["kpi_id"]))),
        per=MULTIPLIERS[kpi["unit"]],
    )
    return given | {"next": rolled}


def _of_lines(known: Evidence, kpi: Row, lines: dict[str, float]) -> dict[str, Any]:
    """The latest figure against other lines: its rating, the chance, what it takes."""
    would, terms, reach = kpi | lines, known.terms, list[str]()
    if _counted(kpi):
        missed = rows_of(lines_of(pd.DataFrame([would]), terms))
        leaving = leaving_quarters(rows_of(known.of("alone", kpi["kpi_id"])))
        reach = to_reach(would, missed, leaving)
    named = {name: level for name, level in lines.items() if is_number(level)}
    return {
        "against": [f"{terms.word(name)} of {_line(kpi, named[name])}" for name in named],
        "rating": _rating(known, would),
        "chance": _chance(known, kpi, lines["target"]),
        "chance_now": _chance(known, kpi, kpi["target"]) or "not known",
        "reach": reach,
    }


def _of_next(known: Evidence, coming: Row, value: float) -> dict[str, str]:
    """The next figure: its rating, and the chance that it comes."""
    would = coming | {"value": value, "numerator": math.nan}
    return {"rating": _rating(known, would), "chance": _chance(known, coming, value)}


def _rating(known: Evidence, row: Row) -> str:
    return str(rated(pd.DataFrame([row]), known.returns.council)["rating"].iloc[0])


def _chance(known: Evidence, kpi: Row, target: float) -> str:
    """The chance that the next figure meets a target, in words; empty where none can be told."""
    recent, settings = known.of("recent", kpi["kpi_id"]), settings_of(known.returns)
    chance = outlook(recent, target=float(target), **settings)["next_target_chance"].iloc[0]
    return chance_in_words(chance) if is_number(chance) else ""


def _sliders(
    known: Evidence, kpi: Row, given: dict[str, float], coming: Row
) -> list[dict[str, Any]]:
    """From where to where each can go, and what is so."""
    decimals, (low, high) = int(kpi["decimals"]), ends_of(kpi)
    expected = known.of("outlooks", kpi["kpi_id"])["next_expected"].iloc[0]
    so: dict[str, tuple[str, Any]]
    so = {known.terms.head(name): (name, kpi[name]) for name in LINES if is_number(kpi[name])}
    if coming:
        after = Quarter.parse(coming["quarter"])
        so[after.title] = "next", expected if is_number(expected) else kpi["value"]
    if coming and _counted(kpi):
        months = known.single_months(kpi["kpi_id"])["value"]
        alone = float(months.iloc[-1]) if len(months) else kpi["value"]
        so[f"Quarter {after.number} alone"] = "alone", alone
    figures = [*known.of("quarters", kpi["kpi_id"])["value"].dropna()]
    figures += [level for _, level in so.values()]
    margin = _MARGIN * (max(figures) - min(figures) or 1.0)
    ends = max(low, min(figures) - margin), min(high, max(figures) + margin)
    of_one = low, high if math.isfinite(high) else ends[1]
    return [
        {
            "name": name,
            "label": label,
            "value": round(given.get(name, level), decimals),
            "so": round(level, decimals),
            "min": round((of_one if name == "alone" else ends)[0], decimals),
            "max": round((of_one if name == "alone" else ends)[1], decimals),
            "step": 10.0**-decimals,
            "unit": "%" if kpi["unit"] == "%" else "",
        }
        for label, (name, level) in so.items()
    ]


def _counted(kpi: Row) -> bool:
    return is_rolling(kpi) and bool(parts_of(kpi))


def _figure(kpi: Row, value: float) -> str:
    return show(value, kpi["unit"], int(kpi["decimals"]))


def _line(kpi: Row, value: float) -> str:
    return show_line(value, kpi["unit"], int(kpi["decimals"]))
