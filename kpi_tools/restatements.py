"""Figures that were published before and are another now: old, new, reason, effect on rating and direction.

What had been received by a quarter is known for ever (`loading.as_known_at`), so two states of knowledge can be laid
side by side: those of two reports, or of this report and the one before it.
"""

from collections.abc import Callable

import pandas as pd

from kpi_tools.loading import Returns, as_known_at
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import judged, recent_quarters, score
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import rounded, show

COLUMNS = [
    "kpi_id", "kpi_name", "quarter", "old", "new", "reason", "received", "old_rating", "new_rating", "old_direction",
    "new_direction",
]  # fmt: skip
_KEYS = ["kpi_id", "quarter"]
_PARTS = ["value", "numerator", "denominator"]
_MOST_DECIMALS = 6


def restatements(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    """What this quarter's returns changed of what was known at the previous report; none for the first report.

    `before`: the previous report's scorecard, `same`: that of its quarter as known now (`scorecard.earlier_reports`).
    Columns and order as `restated_between` gives them.
    """
    last = returns.quarter.shift(-1)
    if not known_by(returns, last):
        return pd.DataFrame(columns=COLUMNS)
    return _restated(as_known_at(returns, last), returns, lambda: (before, same))


def known_by(returns: Returns, quarter: Quarter) -> bool:
    """Whether anything had been received by then."""
    return any(
        Quarter.parse(label) <= quarter for label in returns.submissions["received"].unique()
    )


def restated_between(earlier: Returns, later: Returns) -> pd.DataFrame:
    """The figures known to `earlier` (or said to be missing by it) that are another in `later`: one row for each.

    Columns: `kpi_id`, `kpi_name`, `quarter`, `old` and `new` as text with unit, `reason` (the note of the new figure),
    `received` (the returns that brought it), the figure's rating before and now, and the direction of travel of the
    earlier report's quarters before and now (null where the KPI was not in that report).
    """
    return _restated(
        earlier, later, lambda: (recent_quarters(earlier), recent_quarters(later, earlier.quarter))
    )


def _restated(
    earlier: Returns, later: Returns, reports: Callable[[], tuple[pd.DataFrame, pd.DataFrame]]
) -> pd.DataFrame:
    """`reports`: tables with the direction of travel of each KPI in the earlier report, as known then and now."""
    both = earlier.figures.merge(later.figures, on=_KEYS, suffixes=("_old", "_new"))
    other = [
        (both[f"{name}_old"] != both[f"{name}_new"]) & both[_pair(name)].notna().any(axis=1)
        for name in _PARTS
    ]
    changed = both.loc[pd.concat(other, axis=1).any(axis=1), _KEYS]
    if changed.empty:
        return pd.DataFrame(columns=COLUMNS)
    sides = [changed.merge(side.figures, on=_KEYS) for side in (earlier, later)]
    rated = judged(pd.concat(sides, ignore_index=True), later.council)
    old, new = rated.head(len(changed)), rated.tail(len(changed))
    changed = old.merge(new, on=_KEYS, suffixes=("_old", "_new"))
    old_direction, new_direction = map(_directions, reports())
    rows = []
    for row in rows_of(changed):
        was, now = _texts(row)
        rows.append({
            "kpi_id": row["kpi_id"], "kpi_name": row["kpi_name_new"], "quarter": row["quarter"], "old": was, "new": now,
            "reason": row["note_new"], "received": row["received_new"],
            "old_rating": row["rating_old"], "new_rating": row["rating_new"],
            "old_direction": old_direction.get(row["kpi_id"]), "new_direction": new_direction.get(row["kpi_id"]),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def issue_changes(earlier: Returns, later: Returns) -> dict[str, pd.DataFrame]:
    """What differs between the reports of two quarters, by its heading: figures restated, ratings, commentary.

    Both are as loaded for their own quarter. `Ratings` also lists the KPIs that are in one report only.
    """
    then, now = (score(recent_quarters(one), one).set_index("kpi_id") for one in (earlier, later))
    names = {**then["kpi_name"].to_dict(), **now["kpi_name"].to_dict()}
    sides = {"before": then, "now": now}
    ratings = _sides({side: card["rating"] for side, card in sides.items()}, names)
    words = {
        name: _sides({side: card[column].fillna("") for side, card in sides.items()}, names)
        for column, name in (
            ("commentary", "Commentary"),
            ("management_action", "Management action"),
        )
    }
    figures = restated_between(earlier, later)
    return {"Figures restated": figures, "Ratings": ratings.fillna("not in this report"), **words}


def _sides(texts: dict[str, pd.Series], names: dict[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(texts).reindex(list(names))
    table = table[table["before"].fillna("") != table["now"].fillna("")]
    return table.reset_index(names="kpi_id").assign(
        kpi_name=lambda rows: rows["kpi_id"].map(names)
    )[["kpi_id", "kpi_name", "before", "now"]]


def _pair(name: str) -> list[str]:
    return [f"{name}_old", f"{name}_new"]


def _directions(recent: pd.DataFrame) -> dict[str, str]:
    last = recent.groupby("kpi_id")["direction_of_travel"].last()
    return {str(kpi_id): str(direction) for kpi_id, direction in last.items()}


def _texts(row: dict[str, object]) -> tuple[str, str]:
    """Both figures with as many decimals as it takes to tell them apart, and with the counts behind them if those differ."""
    values = [row[name] for name in _pair("value")]
    places = int(row["decimals_new"])  # type: ignore[call-overload]
    if all(pd.notna(value) for value in values) and values[0] != values[1]:
        while places < _MOST_DECIMALS and rounded(values[0], places) == rounded(values[1], places):  # type: ignore[arg-type]
            places += 1
    texts = [_text(row, side, places) for side in ("old", "new")]
    return texts[0], texts[1]


def _text(row: dict[str, object], side: str, places: int) -> str:
    value, numerator, denominator = (row[f"{name}_{side}"] for name in _PARTS)
    if pd.isna(value):
        return str(row[f"status_{side}"])
    text = show(value, str(row["unit_new"]), places)  # type: ignore[arg-type]
    same = all(row[f"{name}_old"] == row[f"{name}_new"] for name in _PARTS[1:])
    return (
        text if same or pd.isna(denominator) else f"{text} ({numerator:,.0f} of {denominator:,.0f})"
    )
