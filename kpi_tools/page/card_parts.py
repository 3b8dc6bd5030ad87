"""The parts of a card: its strip of figures, its footnotes, its legend, and the table behind its chart."""

import math
from typing import Any

import pandas as pd

from kpi_tools.page.descriptions import data_period
from kpi_tools.page.html import Html
from kpi_tools.page.tables import badge, figure_with_status, report_table
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import CLOSEST, ESTIMATED, FINAL, ILLUSTRATIVE, NOT_RATED, STATUSES_WITH_VALUE
from kpi_tools.words.wording import MISSING, capitalised, in_words, rounded, show, show_against, show_line

_NOT_SET = "not set"
_LEGEND = {
    ESTIMATED: "Pale: not final, or read from a published chart",
    ILLUSTRATIVE: "White with a dashed edge: illustrative, not a fact",
}


def facts(kpi: pd.Series) -> list[dict[str, Any]]:
    """The strip: latest, target, floor standard, previous with its rating, same quarter last year, data period."""
    (unit, head), decimals = _in_head(kpi["unit"]), kpi["decimals"]
    worded = head.removeprefix("Result").strip(" ()")
    target = show_line(kpi["target"], unit, decimals)
    if kpi["polarity"] == CLOSEST and math.isfinite(kpi["tolerance"]):
        target += f" ± {rounded(kpi['tolerance'], decimals)}"
    counted = math.isfinite(kpi["numerator"]) and math.isfinite(kpi["denominator"])
    latest = show_against(kpi["value"], unit, decimals, (kpi["target"], kpi["floor_standard"]))
    latest = latest if math.isfinite(kpi["value"]) else kpi["status"]
    previous = show_against(
        kpi["previous_value"], unit, decimals, (kpi["previous_target"], kpi["previous_floor_standard"])
    )
    strip = [
        _fact(
            "Latest",
            latest,
            kpi["status"],
            small=f"{kpi['numerator']:,.0f} of {kpi['denominator']:,.0f}" if counted else None,
        ),
        _fact("Target", target, kpi["target_status"]),
        _fact("Floor standard", show_line(kpi["floor_standard"], unit, decimals), kpi["target_status"]),
        _fact(
            "Previous",
            previous,
            kpi["previous_status"],
            known(kpi["previous_rag"]) or NOT_RATED,
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
        fact | {"unit": worded if _is_figure(fact["value"]) else "", "none": not _is_figure(fact["value"])}
        for fact in strip
    ]
    status = f"{kpi['status']} figure" if kpi["status"] in STATUSES_WITH_VALUE else kpi["status"]
    return [*with_unit, _fact("Data period", capitalised(data_period(kpi)), small=status) | {"unit": "", "none": False}]


def _is_figure(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _fact(
    label: str, value: str, status: Any = None, rag: str | None = None, small: str | None = None
) -> dict[str, Any]:
    return {"label": label, "value": value, "status": given(status), "rag": rag, "small": small}


def _title(quarter: Any) -> str | None:
    return Quarter.parse(quarter).title if known(quarter) else None


def _short_title(label: str) -> str:
    quarter = Quarter.parse(label)
    return f"Q{quarter.number} {quarter.year}/{(quarter.year + 1) % 100:02}"


def notes_below(kpi: pd.Series, benchmarks: list[dict[str, Any]]) -> list[str]:
    """Footnotes: benchmarks, arrears, and where a latest figure or target comes from that is not final."""
    notes = [
        f"{row['area']}, {row['period']}: {show(float(row['value']), kpi['unit'], kpi['decimals'])}"
        f"{'' if row['status'] == FINAL else ' (' + row['status'] + ')'}."
        for row in benchmarks
    ]
    if kpi["lag_quarters"]:
        behind = "one quarter" if kpi["lag_quarters"] == 1 else f"{in_words(kpi['lag_quarters'])} quarters"
        notes.append(
            f"Reported {behind} in arrears, so the latest figure is for {Quarter.parse(kpi['quarter']).title}."
        )
    return notes + [note for note, status in _sources(kpi) if status != FINAL]


def sources(kpi: pd.Series) -> list[str]:
    """Where the latest figure and the target come from, if they are final: with the definition, out of the way."""
    return [note for note, status in _sources(kpi) if status == FINAL]


def _sources(kpi: pd.Series) -> list[tuple[str, Any]]:
    given_with = (("Latest figure", kpi["note"], kpi["status"]), ("Target", kpi["target_reason"], kpi["target_status"]))
    return [(note, status) for what, text, status in given_with for note in _about(what, text)]


def _about(what: str, note: Any) -> list[str]:
    text = (known(note) or "").strip().rstrip(".")
    if not text:
        return []
    if text.lower().startswith(what.lower()):
        return [f"{text}."]
    plain = text if text[:2].isupper() else text[:1].lower() + text[1:]
    return [f"{what}: {plain}."]


def figures_table(kpi: pd.Series, points: pd.DataFrame, anchor: str) -> Html:
    """The figures behind a KPI's chart: each quarter's result, target, floor standard and rating."""
    (unit, result), decimals = _in_head(kpi["unit"]), kpi["decimals"]
    frame = pd.DataFrame(
        [
            {
                "Quarter": _short_title(row["quarter"]),
                result: figure_with_status(
                    show_against(row["value"], unit, decimals, (row["target"], row["floor_standard"]))
                    if math.isfinite(row["value"])
                    else row["status"],
                    given(row["status"]),
                ),
                "Target": figure_with_status(
                    show_line(row["target"], unit, decimals), _illustrative_only(row["target_status"])
                ),
                "Floor": figure_with_status(
                    show_line(row["floor_standard"], unit, decimals), _illustrative_only(row["target_status"])
                ),
                "Rating": badge(row["rag"]),
            }
            for row in points.to_dict("records")
        ]
    )
    return _behind_chart(frame, kpi["kpi_name"], anchor)


def _in_head(unit: str) -> tuple[str, str]:
    """The unit to print in a table's cells and the head of its column: a unit of words stands in the head, once."""
    if unit in ("%", "", "count", "number") or unit.startswith("GBP"):
        return unit, "Result"
    return "", f"Result ({unit.removeprefix('rate ')})"


def activity_table(points: pd.DataFrame, anchor: str) -> Html:
    """The figures behind an activity indicator's chart, with what was expected of each."""
    latest = points.iloc[-1]
    unit, result = _in_head(latest["unit"])
    frame = pd.DataFrame(
        [
            {
                "Quarter": _short_title(row["period"]),
                result: figure_with_status(
                    show(row["value"], unit, row["decimals"]) if math.isfinite(row["value"]) else row["status"],
                    given(row["status"]),
                ),
                "Expected": _range(row, unit),
            }
            for row in points.to_dict("records")
        ]
    )
    return _behind_chart(frame, latest["activity_name"], anchor)


def _behind_chart(frame: pd.DataFrame, title: str, anchor: str) -> Html:
    return report_table(
        frame, f"{title}, by quarter", name=f"{anchor}-table", quiet=True, wide=True, look="kpi-figures"
    )


def _range(row: dict[str, Any], unit: str) -> str:
    low, high = (show(row[name], unit, row["decimals"]) for name in ("lower_expected", "upper_expected"))
    return _NOT_SET if MISSING in (low, high) else f"{low} to {high}"


def expectation(row: dict[str, Any]) -> dict[str, str] | None:
    """How an activity figure stands to what was expected; nothing where one of the three is missing."""
    if not all(math.isfinite(row[name]) for name in ("value", "lower_expected", "upper_expected")):
        return None
    if row["value"] > row["upper_expected"]:
        return {"kind": "above", "words": "Above expectation"}
    if row["value"] < row["lower_expected"]:
        return {"kind": "below", "words": "Below expectation"}
    return {"kind": "within", "words": "Within expectation"}


def legend(statuses: pd.Series) -> list[dict[str, str]]:
    """What the chart's looks mean, for the kinds of figure that are in it."""
    kinds = {
        ILLUSTRATIVE if status == ILLUSTRATIVE else ESTIMATED
        for status in statuses
        if status in STATUSES_WITH_VALUE and status != FINAL
    }
    return [{"kind": kind, "text": text} for kind, text in _LEGEND.items() if kind in kinds]


def given(status: Any) -> str | None:
    """A status that goes with a value; nothing for those that say why there is none."""
    return status if status in STATUSES_WITH_VALUE else None


def _illustrative_only(status: Any) -> str | None:
    return status if status == ILLUSTRATIVE else None


def known(value: Any) -> str | None:
    """A text, or nothing where the cell was empty."""
    return None if value is None or pd.isna(value) or not str(value).strip() else str(value)
