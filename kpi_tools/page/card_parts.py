"""The parts of a card in words: its strip of figures, its flag, its footnotes and its legend."""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from kpi_tools.page.card_tables import in_head, with_value
from kpi_tools.page.descriptions import data_period
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import (
    CARRIED_FORWARD,
    CLOSEST,
    ESTIMATED,
    FINAL,
    HIGHER,
    ILLUSTRATIVE,
    STATUSES_WITH_VALUE,
)
from kpi_tools.words.row_words import Row
from kpi_tools.words.wording import (
    capitalised,
    decimals_against,
    in_words,
    rounded,
    show,
    show_against,
    show_line,
)

_LEGEND = {
    ESTIMATED: "Pale: not final, or read from a published chart",
    ILLUSTRATIVE: "White with a dashed edge: illustrative, not a fact",
}


def facts(kpi: Row) -> list[dict[str, Any]]:
    """The strip: latest, target, floor standard, previous with its rating, same quarter last year, data period."""
    (unit, head), decimals = in_head(kpi["unit"]), kpi["decimals"]
    worded = head.removeprefix("Result").strip(" ()")
    target = show_line(kpi["target"], unit, decimals)
    if kpi["polarity"] == CLOSEST and math.isfinite(kpi["tolerance"]):
        target += f" ± {rounded(kpi['tolerance'], decimals)}"
    counted = math.isfinite(kpi["numerator"]) and math.isfinite(kpi["denominator"])
    latest = show_against(kpi["value"], unit, decimals, (kpi["target"], kpi["floor_standard"]))
    latest = latest if math.isfinite(kpi["value"]) else kpi["status"]
    previous = show_against(
        kpi["previous_value"],
        unit,
        decimals,
        (kpi["previous_target"], kpi["previous_floor_standard"]),
    )
    strip = [
        _fact(
            "Latest",
            latest,
            kpi["status"],
            small=f"{kpi['numerator']:,.0f} of {kpi['denominator']:,.0f}" if counted else None,
        ),
        _fact("Target", target, kpi["target_status"], small=shortfall(kpi, "target")),
        _fact(
            "Floor standard",
            show_line(kpi["floor_standard"], unit, decimals),
            kpi["target_status"],
            small=shortfall(kpi, "floor_standard"),
        ),
        _fact(
            "Previous",
            previous,
            kpi["previous_status"],
            kpi["previous_rating"],
            _title(kpi["previous_quarter"]),
        ),
        _fact(
            "Same quarter last year",
            show(kpi["year_ago_value"], unit, decimals),
            kpi.get("year_ago_status"),
            small=_title(kpi["year_ago_quarter"]),
        ),
    ]
    with_unit = [
        fact
        | {
            "unit": worded if _is_figure(fact["value"]) else "",
            "none": not _is_figure(fact["value"]),
        }
        for fact in strip
    ]
    status = f"{kpi['status']} figure" if kpi["status"] in STATUSES_WITH_VALUE else kpi["status"]
    return [
        *with_unit,
        _fact("Data period", capitalised(data_period(kpi)), small=status)
        | {"unit": "", "none": False},
    ]


def shortfall(kpi: Row, name: str) -> str | None:
    """How far the latest figure misses the target or floor standard: `26 points below`; nothing where it is met."""
    gap = kpi["value"] - kpi[name]
    if (
        kpi["polarity"] == CLOSEST
        or not math.isfinite(gap)
        or (gap >= 0) == (kpi["polarity"] == HIGHER)
        or gap == 0
    ):
        return None
    places = decimals_against(kpi["value"], kpi["decimals"], (kpi["target"], kpi["floor_standard"]))
    places = max(places, *(_places(kpi[line]) for line in ("target", "floor_standard")))
    unit = "points" if kpi["unit"] == "%" else in_head(kpi["unit"])[0]
    return f"{show(abs(gap), unit, places)} {'above' if gap > 0 else 'below'}"


def _places(line: float) -> int:
    return (
        min(6, max(0, -int(Decimal(repr(float(line))).normalize().as_tuple().exponent)))
        if math.isfinite(line)
        else 0
    )


def flag(kpi: Row) -> str | None:
    """That the rating rests on data older than the report, or carried forward; nothing where it does not."""
    if kpi["status"] == CARRIED_FORWARD:
        return "Older data: the latest figure is carried forward from an earlier period."
    if not kpi["lag_quarters"]:
        return None
    behind = (
        "one quarter" if kpi["lag_quarters"] == 1 else f"{in_words(kpi['lag_quarters'])} quarters"
    )
    return f"Older data: reported {behind} in arrears, so the latest figure is for {_title(kpi['quarter'])}."


def _is_figure(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _fact(
    label: str, value: str, status: Any = None, rating: str | None = None, small: str | None = None
) -> dict[str, Any]:
    return {
        "label": label,
        "value": value,
        "status": with_value(status),
        "rating": rating,
        "small": small,
    }


def _title(quarter: Any) -> str | None:
    return Quarter.parse(quarter).title if known(quarter) else None


def notes_below(kpi: Row, benchmarks: Sequence[Row]) -> list[str]:
    """Footnotes: other areas, and where a latest figure or target comes from that is not final."""
    return [f"{other_area(kpi, row)}." for row in benchmarks] + [
        note for note, status in _sources(kpi) if status != FINAL
    ]


def season(kpi: Row) -> list[str]:
    """For a KPI declared seasonal: with which quarter to compare it; else nothing."""
    if kpi.get("seasonal") != "yes":
        return []
    ago = kpi["year_ago_value"]
    figure = (
        f" ({show(ago, kpi['unit'], kpi['decimals'])})"
        if pd.notna(ago)
        else ", when there was no figure"
    )
    return [
        f"Seasonal: compare with the same quarter last year{figure}, not with the quarter before."
    ]


def other_area(kpi: Row, benchmark: Row) -> str:
    """Another area's figure with its date: `England, 2023: 50.3%`."""
    figure = show_line(float(benchmark["value"]), kpi["unit"], kpi["decimals"])
    mark = "" if benchmark["status"] == FINAL else f" ({benchmark['status']})"
    return f"{benchmark['area']}, {benchmark['period']}: {figure}{mark}"


def sources(kpi: Row) -> list[str]:
    """Where the latest figure and the target come from, if they are final: with the definition, out of the way."""
    return [note for note, status in _sources(kpi) if status == FINAL]


def _sources(kpi: Row) -> list[tuple[str, Any]]:
    given_with = (
        ("Latest figure", kpi["note"], kpi["status"]),
        ("Target", kpi["target_reason"], kpi["target_status"]),
    )
    return [(note, status) for what, text, status in given_with for note in _about(what, text)]


def _about(what: str, note: Any) -> list[str]:
    text = (known(note) or "").strip().rstrip(".")
    if not text:
        return []
    if text.lower().startswith(what.lower()):
        return [f"{text}."]
    plain = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return [f"{what}: {plain}."]


def legend(statuses: Iterable[str]) -> list[dict[str, str]]:
    """What the chart's looks mean, for the kinds of figure that are in it."""
    kinds = {
        ILLUSTRATIVE if status == ILLUSTRATIVE else ESTIMATED
        for status in statuses
        if status in STATUSES_WITH_VALUE and status != FINAL
    }
    return [{"kind": kind, "text": text} for kind, text in _LEGEND.items() if kind in kinds]


def known(value: Any) -> str | None:
    """A text, or nothing where the cell was empty."""
    return None if value is None or pd.isna(value) or not str(value).strip() else str(value)
