"""Doubts: figures that look like a fault of the data (METHOD.md, "Doubts").

A special cause asks the service what happened; a doubt asks whoever sent the figure whether it is
the figure. It is a question, not a verdict: the figure stays, is rated and counted, but is marked,
and nothing is concluded from it until the note of the return says `checked: why`.

A figure is held against those before it (where there are fewer than four, against all others of its
KPI), on the scale of its measure: ratios for what is always positive, differences for percentages.
Both a distance and a mechanism are needed, except where the distance is enormous: the figure must
lie beyond all others, and there must be a way in which the right figure could have become this one
(a decimal point, another KPI's row, an empty cell taken for nought).
"""

import math
import re
import statistics
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.rows import Row, in_doubt, is_number, rows_of, text_of
from kpi_tools.vocabulary import CARRIED_FORWARD, CONFIRMED, LET_PASS, OPEN
from kpi_tools.wording import between, period_of, show

MARK: Final = "?"
"""What stands beside a doubted figure wherever it shows."""
_TOML: Final = Path(__file__).with_suffix(".toml")
REMEDIES: Final[dict[str, str]] = tomllib.loads(_TOML.read_text(encoding="utf-8"))
DOUBTS: Final = tuple(REMEDIES)
SLIP, ZERO, ANOTHER, REMAINDER, EXCHANGED, REPEATED, DENOMINATOR, FAR = DOUBTS

_CHECKED: Final = re.compile(r"\bchecked:\s*\w", re.I)
_ENOUGH: Final = 4
"""From so many figures on they alone say what is usual; with fewer the lines help."""
_NEAR: Final = 1.25
"""Moved back, a figure may lie a quarter outside the range: it is the next of a series."""
_ROUNDED_TO: Final = (1000.0, 100.0, 50.0, 10.0, 5.0)
_TIMES: Final = {
    10: ("ten times", "a tenth of"),
    100: ("a hundred times", "a hundredth of"),
    1000: ("a thousand times", "a thousandth of"),
}
_Doubt = tuple[str, str] | None


def with_doubts(figures: pd.DataFrame, history: pd.DataFrame | None = None) -> pd.DataFrame:
    """Add to figures whether each looks like a fault of the data: `doubt_code` (one of `DOUBTS`),
    `doubt` (a sentence) and `doubt_state`, `open`, or `confirmed` where the note says
    `checked: why`; null where there is no doubt. `figures` have one row a KPI and period: `kpi_id`,
    `period_end`, `value`, `unit`, `decimals`; `numerator`, `denominator`, `status`, `note`,
    `target`, `floor_standard` and `series_from` (a series ends where it changes) are used where
    they are there. `history`: more figures of the same KPIs, likewise; those of `figures` count
    once."""
    known = figures if history is None else pd.concat([figures, history], ignore_index=True)
    known = known.drop_duplicates(["kpi_id", "period_end"]).sort_values("period_end", kind="stable")
    series, same_period = defaultdict(list), defaultdict(list)
    for row in rows_of(known.dropna(subset="value")):
        series[row["kpi_id"], text_of(row.get("series_from"))].append(row)
        same_period[row["period_end"]].append(row)
    found = {}
    for (kpi_id, _), rows in series.items():
        for row, code, sentence in _of_series(rows, same_period):
            state = CONFIRMED if _is_checked(row) else OPEN
            found[kpi_id, row["period_end"]] = code, sentence, state
    keys = zip(figures["kpi_id"], figures["period_end"], strict=True)
    doubts = [found.get(key, (None, None, None)) for key in keys]
    columns = ["doubt_code", "doubt", "doubt_state"]
    return figures.assign(**pd.DataFrame(doubts, figures.index, columns, dtype="str"))


def doubt_table(figures: pd.DataFrame) -> pd.DataFrame:
    """The doubts among figures that nobody has confirmed, a row each. Columns: `kpi_id`, `quarter`,
    `period` (in words), `code`, `doubt`, `remedy`, `who`."""
    rows = [row for row in rows_of(figures) if in_doubt(row)]
    found = [
        (
            *(row["kpi_id"], row["quarter"], period_of(row), row["doubt_code"], row["doubt"]),
            *(REMEDIES[row["doubt_code"]], text_of(row.get("owner")) or "the service that sent it"),
        )
        for row in rows
    ]
    columns = ["kpi_id", "quarter", "period", "code", "doubt", "remedy", "who"]
    return pd.DataFrame(found, columns=columns, dtype="str")


def let_pass(figures: pd.DataFrame, overrides: str) -> pd.DataFrame:
    """The figures with the doubts let pass that `overrides` names: `code | because | by` a line."""
    codes = {line.partition("|")[0].strip() for line in overrides.splitlines()}
    passed = figures["doubt_code"].isin(codes) & (figures["doubt_state"] == OPEN)
    return figures.assign(doubt_state=figures["doubt_state"].mask(passed, LET_PASS))


class _Usual:
    """What the other figures of a series say is usual: their range, and the steps between them.
    `nearest`: the figure before (for the first ones: after). `ratios`: distances are ratios, not
    differences."""

    def __init__(
        self, values: Sequence[float], nearest: float, digit: float = 0.0, ratios: bool = True
    ) -> None:
        self.values, self.nearest, self.digit = values, nearest, digit
        self.low, self.high, self.middle = min(values), max(values), statistics.median(values)
        self._ratios = ratios and self.low > 0

    def is_leap(self, value: float) -> bool:
        """Whether a value is outside, further than two of the largest steps from the nearest."""
        largest = max((abs(b - a) for a, b in pairwise(self.values)), default=0.0)
        return not self.low <= value <= self.high and abs(value - self.nearest) > 2 * largest

    def strangeness(self, value: float) -> float:
        """How many times the usual spread a value lies beyond the range; 0 inside it."""
        by_ratio = self._ratios and value > 0
        scale = math.log if by_ratio else float
        beyond = max(scale(value) - scale(self.high), scale(self.low) - scale(value), 0.0)
        steps = [abs(scale(b) - scale(a)) for a, b in pairwise(self.values)]
        digit = self.digit / self.low if by_ratio else self.digit
        span = scale(self.high) - scale(self.low)
        return beyond / max(span, 2 * max(steps, default=0.0), 2 * digit)

    def is_beyond(self, value: float, times: float, counted: bool) -> bool:
        """Whether a value is so many times beyond the range; a count, more than by chance."""
        if value <= 0 or self.low <= 0 or self.low <= value <= self.high:
            return False
        edge = self.high if value > self.high else self.low
        chance = 3 * math.sqrt(edge) if counted else 0.0
        return max(value / edge, edge / value) >= times * (1 - 1e-9) and abs(value - edge) > chance


def _of_series(
    rows: list[Row], same_period: Mapping[Any, list[Row]]
) -> Iterator[tuple[Row, str, str]]:
    """The doubted figures of one KPI, by time; one that nobody confirmed says nothing of others."""
    digit = _last_digit([row["value"] for row in rows], int(rows[0]["decimals"]))
    trusted: list[Row] = []
    for place, row in enumerate(rows):
        enough = len(trusted) >= _ENOUGH
        others = trusted if enough else [*trusted, *rows[place + 1 :]]
        usual = None
        if others:
            nearest = trusted[-1] if trusted else others[0]
            values = [one["value"] for one in others]
            usual = _Usual(values, nearest["value"], digit, row["unit"] != "%")
        doubt = _slip(row, usual, enough)
        if enough and usual is not None:
            doubt = (
                doubt
                or _zero(row, usual)
                or _another(row, usual, same_period[row["period_end"]])
                or _remainder(row, usual)
                or _exchanged(row, usual)
                or _far(row, usual)
                or _repeated(row, trusted, usual)
                or _denominator(row, trusted)
            )
        if doubt:
            yield row, *doubt
        if not doubt or _is_checked(row):
            trusted.append(row)


def _slip(row: Row, usual: _Usual | None, enough: bool) -> _Doubt:
    """A decimal point that moved: the figure is beyond all others, and among them when it is moved
    back. Beyond is at least twice (or half) the nearest edge of the range, so that it is seen in
    every KPI whose figures span less than fivefold. Where the figures are few it is five times,
    beyond these and the lines together. A figure near the lines is not doubted: it may be the leap
    that was planned."""
    value, lines = row["value"], _lines(row)
    known = [*(usual.values if usual else ()), *([] if enough or len(lines) < 2 else lines)]
    if len(known) < 2 or (lines and min(lines) / _NEAR <= value <= max(lines) * _NEAR):
        return None
    among = _Usual(known, usual.nearest if usual else lines[0])
    if not among.is_beyond(value, 2 if enough else 5, row["unit"] == "count"):
        return None
    if not max(value / among.nearest, among.nearest / value) >= 4:
        return None
    up = value > among.high
    for times, words in _TIMES.items():
        back = value / times if up else value * times
        if among.low / _NEAR <= back <= among.high * _NEAR:
            usually = usual.middle if usual else lines[0]
            what = f"the {'usual ' if usual else 'target, '}{_printed(row, usually)}"
            return SLIP, f"{_printed(row)} is about {words[not up]} {what}."
    return None


def _zero(row: Row, usual: _Usual) -> _Doubt:
    """Nought where nought is improbable: a leap from the last figure, and no small count."""
    fewest = 7 if row["unit"] == "count" else 3 * usual.digit
    if row["value"] != 0 or usual.low < fewest or not usual.is_leap(0):
        return None
    return ZERO, f"It is 0, and the figures before it lie near {_printed(row, usual.middle)}."


def _another(row: Row, usual: _Usual, neighbours: list[Row]) -> _Doubt:
    """The figure of another KPI for the same period, and strange for this one. Figures of one or
    two digits are often the same by chance, so they must be stranger."""
    value = row["value"]
    particular = len(Decimal(repr(value)).normalize().as_tuple().digits) > 2
    if value == 0 or (row["unit"] == "count" and not particular):
        return None
    if not (usual.strangeness(value) > 1 or particular and usual.is_leap(value)):
        return None
    for other in neighbours:
        if other["value"] == value and other["kpi_id"] != row["kpi_id"]:
            usually = f"is far from its usual {_printed(row, usual.middle)}"
            of = f"the figure of {other['kpi_id']} for the same period"
            return ANOTHER, f"{_printed(row)} is {of}, and {usually}."
    return None


def _remainder(row: Row, usual: _Usual) -> _Doubt:
    """What is left of 100%, where that would be usual."""
    rest = 100 - row["value"]
    likely = row["unit"] == "%" and usual.low <= rest <= usual.high
    if not likely or usual.strangeness(row["value"]) <= 1:
        return None
    rests = f"what {_printed(row, rest)}, which would be usual, leaves to 100%"
    return REMAINDER, f"{_printed(row)} is {rests}."


def _exchanged(row: Row, usual: _Usual) -> _Doubt:
    """Two neighbouring digits in each other's place: 57.2 where 75.2 would be usual."""
    if usual.strangeness(row["value"]) <= 1.5:
        return None
    sign, digits, exponent = Decimal(f"{row['value']:.{int(row['decimals'])}f}").as_tuple()
    for place, (one, other) in enumerate(pairwise(digits)):
        back = (*digits[:place], other, one, *digits[place + 2 :])
        right = float(Decimal((sign, back, int(exponent))))
        if back[0] and usual.low <= right <= usual.high:
            would = f"{_printed(row, right)}, which would be usual,"
            return EXCHANGED, f"{_printed(row)} is {would} with two digits exchanged."
    return None


def _far(row: Row, usual: _Usual) -> _Doubt:
    """Further off than any mechanism is needed for: beyond the range twice, by four widths. Of few
    figures 20 times."""
    times = 2 if len(usual.values) >= 2 * _ENOUGH else 20
    counted = row["unit"] == "count"
    if usual.strangeness(row["value"]) <= 4 or not usual.is_beyond(row["value"], times, counted):
        return None
    where = between(_printed(row, usual.low), _printed(row, usual.high))
    return FAR, f"{_printed(row)} is far from all figures before it, which lie {where}."


def _repeated(row: Row, earlier: list[Row], usual: _Usual) -> _Doubt:
    """The same parts as the period before, or the same figure where figures hardly repeat."""
    before = earlier[-1]
    if row.get("status") == CARRIED_FORWARD or row["value"] != before["value"]:
        return None
    names = ("numerator", "denominator")
    parts, those = ([one.get(name) for name in names] for one in (row, before))
    if all(map(is_number, parts + those)):
        same = parts == those and row["denominator"] >= 30
    else:
        steps = [abs(b - a) for a, b in pairwise(usual.values)]
        same = statistics.median(steps) >= 100 * usual.digit
    if not same:
        return None
    return REPEATED, f"{_printed(row)} is, to the last digit, what was sent for the period before."


def _denominator(row: Row, earlier: list[Row]) -> _Doubt:
    """Far more or fewer cases than usual."""
    known = [one for one in earlier if is_number(one.get("denominator"))]
    cases = [one["denominator"] for one in known if one["denominator"] > 0]
    now = row.get("denominator")
    if len(cases) < _ENOUGH or not is_number(now):
        return None
    usual = _Usual(cases, cases[-1])
    if not usual.is_beyond(now, max(2, usual.high / usual.low), counted=True):
        return None
    sentence = f"The denominator is {now:,.0f}, and it usually is near {usual.middle:,.0f}."
    return DENOMINATOR, sentence


def _lines(row: Row) -> list[float]:
    lines = (row.get(name) for name in ("target", "floor_standard"))
    return [line for line in lines if is_number(line) and line > 0]


def _last_digit(values: Sequence[float], decimals: int) -> float:
    """What the last digit of most figures is worth: 0.1, 1, or 5 where all are rounded to 5."""
    places = sorted(-int(Decimal(repr(value)).normalize().as_tuple().exponent) for value in values)
    most = min(places[len(places) // 2], decimals + 1)
    if most > 0:
        return float(10.0**-most)
    of_all = (worth for worth in _ROUNDED_TO if all(value % worth == 0 for value in values))
    return next(of_all, 1.0)


def _is_checked(row: Row) -> bool:
    note = row.get("note")
    return isinstance(note, str) and _CHECKED.search(note) is not None


def _printed(row: Row, value: float | None = None) -> str:
    return show(row["value"] if value is None else value, row["unit"], int(row["decimals"]))
