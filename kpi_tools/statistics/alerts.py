"""Data-quality alerts: figures that look wrong as data, a list apart from the signals of performance, for another
person.

A special cause asks the service what happened; an alert asks whoever sent the figure whether it is the figure. Each
is a question, not a verdict: nothing is changed or left out because of it (METHOD.md, "Anomalies").
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import CARRIED_FORWARD, MULTIPLIERS
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import show

SLIP = "decimal slip"
NOT_A_PERCENTAGE = "percentage outside 0 to 100"
REPEATED = "repeated to the last digit"
NUMERATOR_OVER = "numerator over denominator"
UNLIKE_PARTS = "value unlike numerator and denominator"
DENOMINATOR_JUMP = "denominator jump"
ZERO = "zero that looks like a missing value"
LATE = "late"
RESTATED = "restated"
REMEDIES = {
    SLIP: "Check the decimal point and the unit.",
    NOT_A_PERCENTAGE: "Check the figure and its unit.",
    REPEATED: "Check that it is this period's figure; if none was made, return it as carried forward.",
    NUMERATOR_OVER: "Check whether the two were exchanged.",
    UNLIKE_PARTS: "Return the parts from which the value was calculated.",
    DENOMINATOR_JUMP: "Check whether all cases were counted, and the definition still holds.",
    ZERO: "If there was no figure, leave the value empty and give the status.",
    LATE: "Agree a date, or a longer lag in the catalogue.",
    RESTATED: "Give the reason in the note, for the list of restatements.",
}
_COLUMNS = ["kpi_id", "quarter", "code", "value", "alert", "remedy", "who"]
_FEWEST_OTHERS = 3


def alerts(figures: pd.DataFrame, submissions: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row an alert, in the order of the figures: `kpi_id`, `quarter`, `code`, `value`, `alert` (a sentence),
    `remedy`, `who`.

    `figures`: rows with `kpi_id`, `quarter`, `period_end`, `value`, `unit`, `decimals`, `numerator`, `denominator`;
    `status`, `owner`, `received`, `lag_quarters` and `first_quarter` are used where they are there. `submissions`:
    every figure ever sent (`kpi_id`, `quarter`, `value`, `received`), from which restatements are seen.
    """
    ordered = figures.sort_values("period_end", kind="stable")
    found: list[tuple[Any, ...]] = []
    for kpi, rows in ordered.groupby("kpi_id", sort=False):
        sent = rows_of(rows)
        values, cases = (rows[name].to_numpy(dtype=float) for name in ("value", "denominator"))
        for place, row in enumerate(sent):
            before = sent[place - 1] if place else None
            others = _finite(np.delete(values, place)), _finite(np.delete(cases, place))
            for code, sentence in [
                *_of_one(row),
                *_of_series(row, before, *others),
                *_of_time(row),
            ]:
                who = row.get("owner")
                who = who if isinstance(who, str) else "the service that sent it"
                found.append(
                    (kpi, row["quarter"], code, row["value"], sentence, REMEDIES[code], who)
                )
    if submissions is not None:
        owners = dict(
            zip(
                figures["kpi_id"],
                figures.get("owner", pd.Series(None, index=figures.index)),
                strict=True,
            )
        )
        found += _restated(submissions, owners)
    table = pd.DataFrame(found, columns=_COLUMNS)
    places = {
        key: at for at, key in enumerate(zip(figures["kpi_id"], figures["quarter"], strict=True))
    }
    order = [
        places.get(key, len(places)) for key in zip(table["kpi_id"], table["quarter"], strict=True)
    ]
    return table.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _of_one(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What one figure says about itself."""
    value, n, d, unit = row["value"], row["numerator"], row["denominator"], row["unit"]
    if unit == "%" and not (math.isnan(value) or 0 <= value <= 100):
        yield NOT_A_PERCENTAGE, f"{_said(row)} is not between 0% and 100%."
    if math.isnan(n) or math.isnan(d):
        return
    if unit == "%" and n > d:
        yield NUMERATOR_OVER, f"The numerator, {n:,.0f}, is larger than the denominator, {d:,.0f}."
    if unit in MULTIPLIERS and d > 0 and not math.isnan(value):
        ratio = MULTIPLIERS[unit] * n / d
        if abs(ratio - value) > 0.5 * 10.0 ** -int(row["decimals"]) * (1 + 1e-9):
            yield (
                UNLIKE_PARTS,
                f"{_said(row)} was sent, but {n:,.0f} of {d:,.0f} is {show(ratio, unit, int(row['decimals']) + 1)}.",
            )


def _of_series(
    row: dict[str, Any],
    before: dict[str, Any] | None,
    others: Sequence[float],
    cases: Sequence[float],
) -> Iterator[tuple[str, str]]:
    """What the other figures of the series say about one."""
    value, d = row["value"], row["denominator"]
    if len(others) >= _FEWEST_OTHERS and not math.isnan(value):
        usual, low, high = float(np.median(others)), min(others), max(others)
        factor = next((f for f in (10, 100) if low > 0 and _between(value, f, low, high)), None)
        if factor:
            size = {10: ("a tenth of", "ten times"), 100: ("a hundredth of", "a hundred times")}[
                factor
            ][value > high]
            yield (
                SLIP,
                f"{_said(row)} is about {size} the usual {show(usual, row['unit'], int(row['decimals']))}.",
            )
        if value == 0 and low > usual / 2 > 0:
            yield (
                ZERO,
                f"The value is 0, although it usually is near {show(usual, row['unit'], int(row['decimals']))}.",
            )
    if (
        len(cases) >= _FEWEST_OTHERS
        and not math.isnan(d)
        and (usual := float(np.median(cases))) > 0
        and not usual / 2 <= d <= usual * 2
    ):
        yield (
            DENOMINATOR_JUMP,
            f"The denominator is {d:,.0f}, although it usually is near {usual:,.0f}.",
        )
    if before is not None and row.get("status") != CARRIED_FORWARD and _repeats(row, before):
        yield REPEATED, f"{_said(row)} is, to the last digit, what was sent for the period before."


def _between(value: float, factor: int, low: float, high: float) -> bool:
    """Whether a value beyond all others would lie among them if its decimal point moved."""
    return (value > 3 * high and low * 0.75 <= value / factor <= high * 1.25) or (
        0 < value < low / 3 and low * 0.75 <= value * factor <= high * 1.25
    )


def _repeats(row: dict[str, Any], before: dict[str, Any]) -> bool:
    """The same parts, or without parts the same value with more digits than the KPI shows."""
    if math.isnan(row["value"]) or row["value"] != before["value"]:
        return False
    if not math.isnan(row["numerator"]) and not math.isnan(before["numerator"]):
        return bool(
            row["numerator"] == before["numerator"]
            and row["denominator"] == before["denominator"] > 0
        )
    return bool(round(row["value"], max(int(row["decimals"]), 1)) != row["value"])


def _of_time(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Whether a figure came after the report in which it was due; what is older than the KPI is history, not late."""
    received, first = row.get("received"), row.get("first_quarter")
    if not isinstance(received, str) or math.isnan(row["value"]):
        return
    due = Quarter.parse(row["quarter"]).shift(int(row.get("lag_quarters") or 0))
    if Quarter.parse(received) > due and not (
        isinstance(first, str) and first and due < Quarter.parse(first)
    ):
        yield (
            LATE,
            f"The figure was due for the report of {due.title} and came for that of {Quarter.parse(received).title}.",
        )


def _restated(submissions: pd.DataFrame, owners: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    sent = submissions.dropna(subset=["value"]).sort_values("received", kind="stable")
    for (kpi, quarter), rows in sent.groupby(["kpi_id", "quarter"], sort=False):
        first, last = rows.iloc[0], rows.iloc[-1]
        if first["value"] != last["value"]:
            who = owners.get(kpi)
            sentence = f"Sent as {first['value']:,g} ({first['received']}), then as {last['value']:,g} ({last['received']})."
            who = who if isinstance(who, str) else "the service that sent it"
            yield kpi, quarter, RESTATED, last["value"], sentence, REMEDIES[RESTATED], who


def _said(row: dict[str, Any]) -> str:
    return show(row["value"], row["unit"], int(row["decimals"]))


def _finite(numbers: Any) -> list[float]:
    return [float(number) for number in numbers if math.isfinite(number)]
