"""The rules for the rows of a return: what is accepted, what is refused and why.

Every rule is applied to a whole column; only rows that break one, or were written otherwise, are looked at singly.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from kpi_tools.intake.cells import fault_of_text, read_status
from kpi_tools.intake.columns import Bools, Numbers, part, read_column, read_numbers
from kpi_tools.intake.ids import Ids, Match
from kpi_tools.intake.periods import read_period
from kpi_tools.intake.returns import NEVER, Catalogue, Return, ordinal
from kpi_tools.intake.tables import Table
from kpi_tools.loading.targets import with_targets
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import FINAL, NOT_AVAILABLE, STATUSES, STATUSES_WITHOUT_VALUE
from kpi_tools.words.hygiene import TEXT_CAP, clean_text, what_changed

_WELL_ABOVE_FRACTIONS: Final = 5.0


def check_return(table: Table, folder: Quarter, known: Catalogue) -> Return:
    """Check each row of `table`, received in the folder of a quarter; faults and changes go into its ledger."""
    misshapen = table.bad.copy()
    id_codes, matches = read_column(table, "kpi_id", known.ids.find)
    period_codes, periods = read_column(table, "period", read_period)
    status_codes, statuses = read_column(table, "status", read_status)
    note_codes, notes = read_column(table, "note", _read_note)
    sent = Return(
        table, folder, known,
        kpi=part(id_codes, [known.position.get(match.id, -1) for match in matches], None, int),
        quarter=part(period_codes, [found.quarter.label if found.quarter else "" for found in periods], None),
        month=part(period_codes, periods, "month"),
        ordinal=part(period_codes, [ordinal(found.quarter) if found.quarter else 0 for found in periods], None, int),
        value=read_numbers(table, "value"), numerator=read_numbers(table, "numerator"),
        denominator=read_numbers(table, "denominator"),
        status=part(status_codes, statuses, 0), note=part(note_codes, notes, 0), silent=np.zeros(len(table), dtype=bool),
    )  # fmt: skip
    looked_at = ~misshapen & ~_check_ids(sent, id_codes, matches, ~misshapen)
    sent.fault(
        looked_at,
        "period",
        part(period_codes, periods, "fault"),
        part(period_codes, periods, "detail"),
    )
    for name, numbers in _numbers(sent):
        sent.fault(looked_at, name, numbers.fault, numbers.detail)
    for fault in sorted({fault for _, _, fault in statuses if fault}):
        found = part(status_codes, statuses, 2) == fault
        sent.fault(
            looked_at & found,
            "status",
            fault,
            ", ".join(STATUSES) if fault == "status-unknown" else "",
        )
    sent.fault(looked_at, "note", part(note_codes, notes, 2), f"{TEXT_CAP:,}")
    swallowed = part(
        note_codes, [_holds_rows(found, known.ids) for found, _, _ in notes], None, bool
    )
    sent.fault(looked_at & swallowed, "note", "text-rows")
    _check_periods(sent, looked_at & sent.readable, part(period_codes, periods, "from_date", bool))
    on_a_kpi = looked_at & (sent.kpi >= 0)
    _check_numbers(sent, on_a_kpi)
    _check_fractions(sent, on_a_kpi & sent.readable)
    _check_parts(sent, on_a_kpi)
    _check_reasons(sent, on_a_kpi)
    _log_texts(sent, "kpi_id", id_codes, [(match.id, match.why) for match in matches])
    _log_texts(
        sent,
        "period",
        period_codes,
        [(found.month or str(found.quarter or ""), found.why) for found in periods],
    )
    _log_texts(sent, "status", status_codes, [(found, why) for found, why, _ in statuses])
    _log_texts(sent, "note", note_codes, [(found, why) for found, why, _ in notes])
    return sent


def _numbers(sent: Return) -> Iterable[tuple[str, Numbers]]:
    return ("value", sent.value), ("numerator", sent.numerator), ("denominator", sent.denominator)


def _read_note(text: str, kind: str = "") -> tuple[str, str, str]:
    if fault := fault_of_text(text, kind):
        return "", "", fault
    taken = clean_text(text)
    return taken[:TEXT_CAP], what_changed(text, taken), "text-cut" if len(taken) > TEXT_CAP else ""


def _holds_rows(note: str, ids: Ids) -> bool:
    """Whether a line of the note, but for the first, is a row of a return: an id and a period among its cells."""
    lines = [re.split(r"[,;\t]", line) for line in note.split("\n")[1:]]
    return any(
        any(ids.find(cell).id for cell in cells)
        and any(not read_period(cell).fault for cell in cells)
        for cells in lines
        if len(cells) > 2
    )


def _check_ids(sent: Return, codes: np.ndarray, matches: list[Match], looked_at: Bools) -> Bools:
    """Faults of the ids; returns the rows that are no figures at all (totals, footnotes), of which no more is said."""
    fault = part(codes, matches, "fault")
    total = fault == "row-total"
    footnote = np.isin(fault, ("id-unknown", "id-missing"))
    for column, texts in sent.table.cells.items():
        if column != "kpi_id" and footnote.any():
            footnote &= np.array([not text.strip() for text in texts], dtype=bool)
    sent.fault(
        looked_at,
        "kpi_id",
        np.where(footnote, "row-footnote", fault),
        part(codes, matches, "detail"),
    )
    return total | footnote


def _check_periods(sent: Return, looked_at: Bools, from_date: Bools) -> None:
    monthly, a_month = sent.of(sent.known.monthly), sent.month != ""
    sent.fault(looked_at & a_month & ~monthly, "period", "period-month", sent.month)
    sent.fault(looked_at & from_date & monthly, "period", "period-which")
    sent.fault(
        looked_at & (sent.ordinal > ordinal(sent.folder)),
        "period",
        "period-future",
        sent.folder.title,
    )
    last = sent.of(sent.known.last)
    if (retired := looked_at & (sent.ordinal > last)).any():
        left = [
            Quarter((number - 1) // 4, (number - 1) % 4 + 1).title if number < NEVER else ""
            for number in last.tolist()
        ]
        sent.fault(retired, "period", "period-retired", np.array(left, dtype=object))


def _check_numbers(sent: Return, looked_at: Bools) -> None:
    percentage, unit = sent.of(sent.known.percentage), sent.of(sent.known.unit)
    for name, numbers in _numbers(sent):
        is_value = name == "value"
        sent.fault(
            looked_at & numbers.percent & ~(percentage & is_value),
            name,
            *(("value-sign", unit) if is_value else ("parts-sign", "")),
        )
        sent.fault(looked_at & numbers.pound & ~sent.of(sent.known.money), name, "value-sign", unit)
        negative_is_wrong = ~sent.of(sent.known.money) | (name == "denominator")
        sent.fault(looked_at & (numbers.value < 0) & negative_is_wrong, name, "value-negative")
    sent.fault(looked_at & percentage & (sent.value.value > 100), "value", "value-above-100")


def _check_fractions(sent: Return, looked_at: Bools) -> None:
    """A percentage of at most one where the KPI's target and floor, or else its other figures, are well above: 0.87 for 87%."""
    value = sent.value
    doubtful = (
        looked_at
        & sent.of(sent.known.percentage)
        & (value.value > 0)
        & (value.value <= 1)
        & ~value.percent
    )
    doubtful &= ~(sent.numerator.given & sent.denominator.given)
    if not doubtful.any():
        return
    rows = np.flatnonzero(doubtful)
    asked = pd.DataFrame(
        {"kpi_id": sent.of(sent.known.kpi_id)[rows], "quarter": sent.quarter[rows]}
    ).astype("str")
    lines = (
        with_targets(asked, sent.known.targets)[["target", "floor_standard"]].min(axis=1).to_numpy()
    )
    usual = pd.Series(value.value).groupby(sent.kpi).median().reindex(sent.kpi[rows]).to_numpy()
    near = np.where(np.isnan(lines), usual, lines)
    for row, line in zip(rows, near, strict=True):
        if line > _WELL_ABOVE_FRACTIONS:
            sent.table.fault(int(row), "value", "value-fraction", f" with figures near {line:g}")


def _check_parts(sent: Return, looked_at: Bools) -> None:
    """Numerator, denominator and value agree; a value left blank follows from the other two."""
    value, above, below = sent.value, sent.numerator.value, sent.denominator.value
    both = looked_at & sent.numerator.given & sent.denominator.given
    sent.fault(looked_at & (below == 0), "denominator", "parts-zero")
    sent.fault(
        both & sent.of(sent.known.percentage) & (above > below) & (below > 0),
        "numerator",
        "parts-over",
    )
    multiplier = sent.of(sent.known.multiplier)
    both &= (below > 0) & np.isfinite(multiplier)
    made = np.full(len(above), np.nan)
    made[both] = multiplier[both] * above[both] / below[both]
    rounding = 0.5 * 10.0**-value.decimals + 1e-9 * np.maximum(1, np.abs(made))
    with np.errstate(invalid="ignore"):
        unlike = both & value.given & (np.abs(value.value - made) > rounding)
    for row in np.flatnonzero(unlike):
        sent.table.fault(
            int(row), "value", "value-unlike-parts", f"{made[row]:,.{value.decimals[row] + 1}f}"
        )
    without_reason = ~np.isin(sent.status, STATUSES_WITHOUT_VALUE)
    follows = both & value.blank & (value.fault == "") & without_reason
    value.value[follows], value.blank[follows], value.reason[follows] = made[follows], False, ""
    value.why[follows] = "it follows from numerator and denominator"
    withheld = sent.numerator.given & sent.denominator.given & ~value.given & (value.fault == "")
    withheld &= looked_at & ((value.reason != "") & ~value.blank | ~without_reason)
    sent.fault(
        withheld, "numerator", "parts-withheld", np.where(value.blank, sent.status, value.reason)
    )


def _check_reasons(sent: Return, looked_at: Bools) -> None:
    """Settle the status of each row: that of a figure, or the reason why there is none."""
    value, status = sent.value, sent.status
    gives_reason, says_nothing = np.isin(status, STATUSES_WITHOUT_VALUE), status == ""
    sent.fault(looked_at & value.given & gives_reason, "status", "status-with-value", status)
    missing = looked_at & ~value.given & (value.fault == "")
    general = value.blank | (value.reason == NOT_AVAILABLE)
    other = missing & gives_reason & ~general & (value.reason != status)
    for row in np.flatnonzero(other):
        both = f'{value.reason[row]}, but the status says "{status[row]}"'
        sent.table.fault(int(row), "value", "status-other-reason", both)
    unexplained = missing & value.blank & ~gives_reason & ~says_nothing & ~sent.table.bad
    sent.fault(unexplained, "status", "status-without-value", status)
    sent.silent[:] = missing & value.blank & says_nothing
    final = looked_at & value.given & says_nothing
    if sent.table.letters.get("status"):
        for row in np.flatnonzero(final & ~sent.table.bad):
            sent.table.changed(int(row), "status", FINAL, "no status is given with the figure")
    for name, numbers in _numbers(sent):
        for row in np.flatnonzero(looked_at & (numbers.why != "") & ~sent.table.bad):
            taken = f"{numbers.value[row]:.15g}" if numbers.given[row] else ""
            sent.table.changed(int(row), name, taken, numbers.why[row])
    sent.status = np.where(final, FINAL, status).astype(object)
    sent.status = np.where(missing & ~(gives_reason & general), value.reason, sent.status).astype(
        object
    )


def _log_texts(sent: Return, column: str, codes: np.ndarray, taken: list[tuple[str, str]]) -> None:
    why = part(codes, taken, 1)
    for row in np.flatnonzero((why != "") & ~sent.table.bad):
        sent.table.changed(int(row), column, taken[codes[row]][0], why[row])


def check_duplicates(returns: list[Return]) -> None:
    """The same KPI and period sent more than once for one folder: rows that differ are all refused, equal ones noted."""
    keys = [
        pd.DataFrame(
            {
                "kpi": sent.kpi,
                "period": sent.period.astype(object),
                "part": part_,
                "row": range(len(sent.kpi)),
            }
        )[sent.readable]
        for part_, sent in enumerate(returns)
    ]
    if not keys:
        return
    rows = pd.concat(keys, ignore_index=True)
    again: dict[tuple[int, str], list[tuple[int, int]]] = defaultdict(list)
    for kpi, period, part_, row in rows[rows.duplicated(["kpi", "period"], keep=False)].itertuples(
        index=False
    ):
        again[kpi, period].append((part_, row))
    for places in again.values():
        same = len({_content(returns[part_], row) for part_, row in places}) == 1
        tables = [(returns[part_].table, row) for part_, row in places]
        for table, row in tables:
            first = [place for place in tables[:6] if place[0] is not table or place[1] != row][:5]
            others = [
                f"row {other.rows[at]}" + (f" of {other.file}" if other is not table else "")
                for other, at in first
            ]
            if not table.bad[row] or not same:
                table.fault(
                    row,
                    "kpi_id",
                    "duplicate-same" if same else "duplicate-conflict",
                    "; ".join(others),
                )


def _content(sent: Return, row: int) -> tuple[object, ...]:
    if sent.table.bad[row]:
        return (sent.table.file, sent.table.sheet, row)
    parts = [f"{numbers.value[row]:.12g}" for _, numbers in _numbers(sent)]
    return (*parts, sent.status[row], sent.note[row])
