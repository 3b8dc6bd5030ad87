"""Submissions in, the same table out, without the figures that are small and those that would give them away (floor 0).

It is done in the order in which the returns came, since what one report has printed every later one has to reckon with; so a
report made again years later hides what it hid then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from kpi_tools.quarters import Quarter
from kpi_tools.suppression.counts import Figure, Kpis
from kpi_tools.suppression.safety import also_to_hide, remainders
from kpi_tools.suppression.texts import Withheld
from kpi_tools.vocabulary import MULTIPLIERS, SUPPRESSED

_NUMBERS: Final = ["value", "numerator", "denominator"]
SHOWN: Final = ("kpi_id", "period", "from_quarter", "reason", "agreed_by")


@dataclass(frozen=True)
class Suppressed:
    """`submissions` as they may be printed; `withheld`, which knows the figures and does not tell; `not_judged`: the rows
    of sensitive KPIs, hidden, of which nobody can say how many cases they count."""

    submissions: pd.DataFrame
    withheld: Withheld
    not_judged: pd.DataFrame


def suppress(
    submissions: pd.DataFrame,
    kpis: pd.DataFrame,
    threshold: int,
    rounding: int = 0,
    shown: pd.DataFrame | None = None,
) -> Suppressed:
    """Hide small figures of sensitive KPIs, and what would give them away: status `suppressed`, no numbers, no note.

    `submissions`: columns as `intake.returns.SUBMISSION`, in the order received; `kpis`: the catalogue, with `sensitive`
    (yes or no) and `part_of` (of which KPIs it is a part). Small is what counts 1 to `threshold` - 1 cases: a count, or of
    a percentage those who met it, those who did not, or all. Of every hidden figure at least `threshold` values agree with
    everything printed. `rounding`: the base to which the other counts of sensitive KPIs are rounded (0: none), halves up; a
    percentage or rate is then made of the rounded counts. `shown`: small figures printed all the same (columns: SHOWN),
    those received from `from_quarter` on.
    """
    known = Kpis(kpis)
    if not known.sensitive or submissions.empty:
        return Suppressed(submissions, Withheld(), submissions.head(0))
    agreed = (
        []
        if shown is None
        else [tuple(row) for row in shown[list(SHOWN[:3])].itertuples(index=False)]
    )
    hidden: list[int] = []
    not_judged: list[int] = []
    figures: dict[int, Figure] = {}
    for family in known.families():
        rows = submissions[submissions["kpi_id"].isin(family) & ~submissions["silent"].astype(bool)]
        rows = rows[rows["value"].notna() | (rows["status"] == SUPPRESSED)]
        own = {
            int(at): known.figure(row)
            for at, row in zip(rows.index, rows.to_dict("records"), strict=True)
        }
        figures |= own
        hidden += _hidden(rows, own, known.sensitive, agreed, threshold)
        not_judged += [at for at, one in own.items() if not one.parts and one.sent[0] is not None]
    withheld = Withheld()
    for at in hidden:
        withheld.add(
            figures[at].kpi_id, [number for number in figures[at].sent if number is not None]
        )
    rounded = _rounded(submissions, kpis, known.sensitive, rounding) if rounding else submissions
    hidden += (
        rounded.index[rounded["value"].isna() & submissions["value"].notna()]
        .difference(hidden)
        .tolist()
    )
    table = _without(rounded, hidden, withheld)
    doubtful = submissions.loc[[at for at in not_judged if at in set(hidden)]]
    return Suppressed(table, withheld, doubtful[doubtful["kpi_id"].isin(known.sensitive)])


def _hidden(
    rows: pd.DataFrame,
    figures: dict[int, Figure],
    sensitive: set[str],
    agreed: list[tuple[Any, ...]],
    threshold: int,
) -> Iterator[int]:
    """The rows to hide of one family, returns folder by returns folder."""
    decided: dict[Figure, bool] = {}
    latest: dict[tuple[str, str], Figure] = {}
    for label in sorted(rows["received"].unique(), key=Quarter.parse):
        quarter = Quarter.parse(label)
        here = {at: figures[at] for at in rows.index[rows["received"] == label]}
        latest |= {(one.kpi_id, one.period): one for one in here.values()}
        allowed = {
            (kpi, period) for kpi, period, since in agreed if Quarter.parse(since) <= quarter
        }
        for one in here.values():
            if (one.kpi_id, one.period) in allowed and one.parts:
                decided[one] = False
            elif one.sent[0] is None or (
                one.kpi_id in sensitive and one not in decided and _is_small(one, threshold)
            ):
                decided[one] = True
        known = list(latest.values())
        secret = [one for one in known if decided.get(one) is True]
        printed = [one for one in known if decided.get(one) is False]
        free = [one for one in known if one not in decided]
        secret += [
            one
            for one in remainders(known)
            if {leaf for leaf, _ in one.events} & sensitive and _is_small(one, threshold)
        ]
        besides = also_to_hide(secret, printed, free, threshold - 1) if secret else set()
        decided |= {one: one in besides for one in free}
        yield from (at for at, one in here.items() if decided[one])


def _is_small(figure: Figure, threshold: int) -> bool:
    """Whether it counts few cases, or nobody knows how many."""
    return not figure.parts or any(0 < abs(count) < threshold for count in figure.parts)


def _rounded(
    submissions: pd.DataFrame, kpis: pd.DataFrame, sensitive: set[str], base: int
) -> pd.DataFrame:
    """The counts of sensitive KPIs to the nearest multiple of the base, percentages and rates made of them."""
    own = submissions["kpi_id"].isin(sensitive)
    unit = submissions["kpi_id"].map(kpis.set_index("kpi_id")["unit"])
    per = unit.map(MULTIPLIERS)
    numbers = submissions[_NUMBERS].astype("float64")
    near = (numbers / base + 0.5) // 1 * base
    near["denominator"] = near["denominator"].where(unit == "%", numbers["denominator"])
    near["value"] = (
        near["numerator"] * per / near["denominator"].where(near["denominator"] > 0)
    ).where(per.notna(), near["value"])
    return submissions.assign(**{name: near[name].where(own, numbers[name]) for name in _NUMBERS})


def _without(submissions: pd.DataFrame, hidden: list[int], withheld: Withheld) -> pd.DataFrame:
    at = submissions.index.isin(hidden)
    numbers = {name: submissions[name].astype("float64").mask(at) for name in _NUMBERS}
    told = [
        withheld.tells(kpi_id, note)
        for kpi_id, note in zip(submissions["kpi_id"], submissions["note"], strict=True)
    ]
    return submissions.assign(
        **numbers,
        status=submissions["status"].mask(at, SUPPRESSED),
        note=submissions["note"].mask(
            at | pd.Series(told, index=submissions.index, dtype=bool), ""
        ),
    )
