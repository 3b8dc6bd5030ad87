"""Arrows between two figures, as members know them: against the previous due figure, a year ago, or
the average of four. The direction of travel is tested over the figures shown; these only compare.
Nothing is compared across a redefinition."""

from typing import Final

import pandas as pd

from kpi_tools import vocabulary as words
from kpi_tools.loading import Council
from kpi_tools.quarters import Quarter

PREVIOUS, YEAR_AGO, AVERAGE = "previous", "year_ago", "average"
_FOUR: Final = 4
_NOISE: Final = 1e-9
_COLUMNS: Final = ("previous", "same_quarter_last_year", "average_of_four")
_WITH: Final = dict(zip((PREVIOUS, YEAR_AGO, AVERAGE), _COLUMNS, strict=True))
"""The column with which each kind of arrow compares."""


def with_earlier_figures(rows: pd.DataFrame) -> pd.DataFrame:
    """Add to due figures, in the order of time, the earlier figures of the same KPI. `previous`
    (the due figure before), `same_quarter_last_year` and `average_of_four` (the mean of the four
    before, all of them needed) are null where there is none or a redefinition (`series_from`) lies
    between. `year_ago_quarter`, `year_ago_period`, `year_ago_value`, `year_ago_target` and
    `year_ago_status` are that figure as it is, and `year_ago_comparable` says whether it is of the
    same series; the quarter is null where none was due a year before."""
    figure = ["period", "value", "target", "status", "_series"]
    rows = rows.assign(_series=rows["series_from"].fillna("")).reset_index(drop=True)
    by_kpi = rows.groupby("kpi_id", sort=False)

    def before(name: str, back: int = 1) -> pd.Series:
        return by_kpi[name].shift(back).where(by_kpi["_series"].shift(back) == rows["_series"])

    labels = {label: Quarter.parse(label).shift(4).label for label in rows["quarter"].unique()}
    ago = rows[figure].add_prefix("year_ago_").assign(year_ago_quarter=rows["quarter"])
    ago = rows[["kpi_id"]].assign(quarter=rows["quarter"].map(labels)).join(ago)
    found = rows.merge(ago, on=["kpi_id", "quarter"], how="left", validate="many_to_one")
    comparable = found["year_ago__series"] == found["_series"]
    return found.assign(
        year_ago_comparable=comparable,
        same_quarter_last_year=found["year_ago_value"].where(comparable),
        previous=before("value"),
        previous_line=before("target"),
        average_of_four=sum(before("value", back) for back in range(1, _FOUR + 1)) / _FOUR,
    ).drop(columns=["_series", "year_ago__series"])


def with_arrows(rows: pd.DataFrame, council: Council) -> pd.DataFrame:
    """Add `arrow_<kind>` and `change_<kind>` for each two-point kind that the council shows
    (`[direction] show`). The arrow is better, worse, unchanged (within `unchanged_within`; equality
    is unchanged), not enough data, or not testable: of what has no polarity, of milestones, of a
    sum for the year against anything but a year ago, and of what counts since a date. The change is
    in the KPI's unit; closest to target it is that of the distance."""
    added = dict[str, pd.Series]()
    for kind in council.arrows:
        if kind != words.TREND_ARROW:
            added |= _arrow(rows, kind, council.unchanged_within)
    return rows.assign(**added).drop(columns=["previous_line", "average_of_four"])


def _arrow(rows: pd.DataFrame, kind: str, within: str) -> dict[str, pd.Series]:
    then = rows[_WITH[kind]]
    line = rows[{PREVIOUS: "previous_line", YEAR_AGO: "year_ago_target"}.get(kind, "target")]
    closest = rows["polarity"] == words.CLOSEST
    now = rows["value"].mask(closest, (rows["value"] - rows["target"]).abs())
    before = then.mask(closest, (then - line).abs())
    change = now - before
    slack = before.abs() * float(within[:-1]) / 100 if within.endswith("%") else float(within)
    noise = _NOISE * before.abs().clip(lower=1)
    gain = change.where(rows["polarity"] == words.HIGHER, -change)
    arrow = pd.Series(words.UNCHANGED, index=rows.index, dtype="str")
    arrow = arrow.mask(gain > slack + noise, words.BETTER).mask(gain < -slack - noise, words.WORSE)
    never = ~rows["polarity"].isin((words.HIGHER, words.LOWER, words.CLOSEST))
    if kind != YEAR_AGO:  # what adds up within the year is always more than the quarter before
        adds_up = (rows["unit"] != "%") | (rows["adds_up"] == "yes")
        never |= (rows["basis"] == "year_to_date") & adds_up
    never |= rows["since"].notna() | (rows["kind"] == words.MILESTONE)
    arrow = arrow.mask(change.isna(), words.NOT_ENOUGH_DATA).mask(never, words.NOT_TESTABLE)
    return {f"arrow_{kind}": arrow, f"change_{kind}": change.mask(never)}
