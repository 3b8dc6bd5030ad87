"""What changed since the previous report, so that it adds up: counts, ratings, the set of KPIs, figures published before.

Like for like means the KPIs that are in both reports, each with the two figures as they are known now. What had been
received by a quarter is known for ever (`loading.as_known_at`), so two states of knowledge can be laid side by side.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pandas as pd

from kpi_tools.loading import Council, Returns, as_known_at, line_columns
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard.scores import (
    counted,
    counts,
    known_by,
    rated,
    rating_counts,
    ratings_of,
    recent_quarters,
    score,
)
from kpi_tools.vocabulary import MONITORED, NOT_DUE, NOT_RATED
from kpi_tools.wording import (
    Row,
    capitalised,
    is_number,
    rounded,
    rows_of,
    show,
    show_line,
    written_decimals,
)

ADDED, REMOVED, REDEFINED = "Added", "Removed", "Redefined"
NEW_TARGET, NEWLY_RATED, NO_LONGER_RATED = "New target", "Rated again", "Not rated now"
NO_REASON: Final = "No reason is recorded."
RESTATED, FILLED_IN, WITHDRAWN = "restated", "filled in", "withdrawn"
REWRITTEN: Final = "written otherwise"
"""The same figure with fewer or more decimals, or without the counts behind it: sent again, not restated."""
RESTATEMENTS: Final = [
    "kpi_id",
    "kpi_name",
    "quarter",
    "kind",
    "old",
    "new",
    "reason",
    "received",
    "old_rating",
    "new_rating",
    "old_direction",
    "new_direction",
]
_PARTS: Final = ["value", "numerator", "denominator"]
_FIGURE: Final = ["kpi_id", "quarter"]
_MOST_DECIMALS: Final = 6


def movement(
    kpis: pd.DataFrame,
    before: pd.DataFrame,
    like_for_like: pd.DataFrame,
    council: Council | None = None,
) -> pd.DataFrame:
    """How each count changed: plainly against the previous report, and on the KPIs that are in both sets.

    Columns: `count` (a rating or direction), `now`, `previous` (as printed in the previous report), `change`,
    `same_now`, `same_previous` (the same KPIs, a quarter earlier, as known now), `same_change`. Of a KPI that was not
    due the figure that stands is counted on both sides, so nothing changes because nothing came.
    """
    shared = set(kpis["kpi_id"]) & set(like_for_like["kpi_id"])
    sides = {
        "now": kpis,
        "previous": before,
        "same_now": kpis[kpis["kpi_id"].isin(shared)],
        "same_previous": like_for_like[like_for_like["kpi_id"].isin(shared)],
    }
    table = pd.DataFrame({side: counts(cards, council) for side, cards in sides.items()})
    empty = [name for name in (MONITORED, NOT_DUE) if not table.loc[name].any()]
    table = table.drop(index=empty).rename_axis("count").reset_index()
    table["change"] = table["now"] - table["previous"]
    table["same_change"] = table["same_now"] - table["same_previous"]
    return table[["count", "now", "previous", "change", "same_now", "same_previous", "same_change"]]


def rating_pairs(
    kpis: pd.DataFrame, same: pd.DataFrame, council: Council | None = None
) -> pd.DataFrame:
    """The KPIs of both sets, in report order: `kpi_id`, `kpi_name`, `section`, `before`, `now` (as `counted`).

    `same` is the scorecard a quarter earlier by the figures known now (`scores.quarter_before`).
    """
    then = pd.Series(counted(same, council).array, index=same["kpi_id"])
    both = kpis[kpis["kpi_id"].isin(then.index)]
    pairs = both[["kpi_id", "kpi_name", "section"]].assign(
        before=both["kpi_id"].map(then), now=counted(both, council)
    )
    return pairs.reset_index(drop=True)


def rating_matrix(pairs: pd.DataFrame, council: Council | None = None) -> pd.DataFrame:
    """From → to: one row per rating before (`before`), one column per rating now, with `Total` on both sides.

    The bands always have their place, other ratings where a KPI has one.
    """
    there = {*pairs["before"], *pairs["now"]}
    seldom = (NOT_RATED, MONITORED, NOT_DUE)
    names = [name for name in ratings_of(council) if name in there or name not in seldom]
    table = pd.crosstab(pairs["before"], pairs["now"])
    table = table.reindex(index=names, columns=names, fill_value=0)
    table = table.assign(Total=table.sum(axis=1))
    table.loc["Total"] = table.sum()
    return table.astype(int).rename_axis(index="before", columns=None).reset_index()


def came_and_went(pairs: pd.DataFrame, council: Council | None = None) -> pd.DataFrame:
    """For each rating, by name: `rating`, `came` and `went`, lists of sentences such as `Calls (from Amber)`."""
    moved = rows_of(pairs[pairs["before"] != pairs["now"]])
    rows = [
        {
            "rating": name,
            "came": [
                f"{one['kpi_name']} (from {one['before']})" for one in moved if one["now"] == name
            ],
            "went": [
                f"{one['kpi_name']} (to {one['now']})" for one in moved if one["before"] == name
            ],
        }
        for name in ratings_of(council)
    ]
    return pd.DataFrame(rows)


def reconcile(
    kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame, council: Council | None = None
) -> pd.DataFrame:
    """The way from the previous report's counts to this one's: `step`, `kind`, `kpis`, then a column for each rating.

    Rows of kind `count` are counts, those of kind `change` lead from one to the next: as printed; less the KPIs no
    longer reported; ratings changed by figures received since; like for like, the quarter before; moved since; like
    for like, now; KPIs new in this report; this report.
    """

    def count(cards: pd.DataFrame) -> pd.Series:
        return pd.Series(rating_counts(cards, council))

    shared = set(kpis["kpi_id"]) & set(same["kpi_id"])
    old, new = same[same["kpi_id"].isin(shared)], kpis[kpis["kpi_id"].isin(shared)]
    gone = before[~before["kpi_id"].isin(shared)]
    early = old[~old["kpi_id"].isin(before["kpi_id"])]  # was not in the report that was printed
    stayed = count(before) - count(gone)
    steps = [
        ("Previous report, as printed", "count", count(before)),
        ("KPIs no longer reported", "change", -count(gone)),
        ("Ratings changed by figures received since", "change", count(old) - count(early) - stayed),
        ("The same KPIs, previous quarter, as known now", "count", count(old)),
        ("Moved since the previous quarter", "change", count(new) - count(old)),
        ("The same KPIs, now", "count", count(new)),
        ("KPIs new in this report", "change", count(kpis) - count(new)),
        ("This report", "count", count(kpis)),
    ]
    if len(early):
        steps.insert(3, ("KPIs of both that the previous report left out", "change", count(early)))
    table = pd.DataFrame([number for _, _, number in steps]).astype(int)
    table.insert(0, "step", [step for step, _, _ in steps])
    table.insert(1, "kind", [kind for _, kind, _ in steps])
    return table.drop(columns=[name for name in (MONITORED, NOT_DUE) if not table[name].any()])


def set_changes(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The KPIs added, removed, redefined, with a new target, rated again or no longer rated: `kpi_name`, `change`, `reason`.

    Reasons come from the change log (`returns.changelog`) and from targets.csv; one that is missing says so. Lines that
    grow through the year with the figure are not new in each quarter. Without a report before, nothing changed.
    """
    logged = returns.changelog[returns.changelog["from_quarter"] == returns.quarter.label]
    why = {(row["kpi_id"], row["change"]): row["reason"] for row in rows_of(logged)}
    now = {row["kpi_id"]: row for row in rows_of(kpis)}
    then = {row["kpi_id"]: row for row in rows_of(before)}
    if not then:
        return pd.DataFrame(columns=["kpi_id", "kpi_name", "change", "reason"])
    found: list[tuple[str, str, object]] = []
    found += [(kpi, ADDED, why.get((kpi, "added"))) for kpi in now if kpi not in then]
    found += [(kpi, REMOVED, why.get((kpi, "removed"))) for kpi in then if kpi not in now]
    found += [
        (kpi, REDEFINED, text) for (kpi, change), text in why.items() if change == "redefined"
    ]
    for kpi in (kpi for kpi in now if kpi in then):
        row, was = now[kpi], then[kpi]
        if lines := _new_lines(row, was, returns):
            found.append((kpi, NEW_TARGET, f"{lines} {_sentence(row['target_reason'])}"))
        if was["rating"] == NOT_RATED and row["rating"] not in (NOT_RATED, MONITORED):
            reason = f"the previous report had: {was['not_rated_reason']}."
            title = Quarter.parse(row["quarter"]).title
            found.append((kpi, NEWLY_RATED, f"{title} is rated {row['rating']}; {reason}"))
        if row["rating"] == NOT_RATED and was["rating"] not in (NOT_RATED, MONITORED):
            found.append((kpi, NO_LONGER_RATED, _sentence(row["not_rated_reason"])))
    names = {kpi: row["kpi_name"] for kpi, row in (then | now).items()}
    rows = [(kpi, names.get(kpi, kpi), change, _sentence(text)) for kpi, change, text in found]
    return pd.DataFrame(rows, columns=["kpi_id", "kpi_name", "change", "reason"])


def restatements(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    """What this quarter's returns changed of what was known at the previous report; none for the first report.

    `before`: the previous report's scorecard, `same`: that of its quarter as known now (`scores.earlier_reports`).
    Columns and order as `restated_between` gives them.
    """
    last = returns.quarter.shift(-1)
    if not known_by(returns, last):
        return pd.DataFrame(columns=RESTATEMENTS)
    return _restated(as_known_at(returns, last), returns, lambda: (before, same))


def restated_between(earlier: Returns, later: Returns) -> pd.DataFrame:
    """The figures known to `earlier` (or said to be missing by it) that are another in `later`: one row for each.

    Columns: `kpi_id`, `kpi_name`, `quarter`, `kind` (restated, filled in, withdrawn, or written otherwise: rounded, or
    without the counts behind it), `old` and `new` as text with unit, `reason` (the note of the new figure), `received`
    (the returns that brought it), the figure's rating before and now, and the direction of travel of the earlier
    report's quarters before and now (null where the KPI was not in that report).
    """
    return _restated(
        earlier, later, lambda: (recent_quarters(earlier), recent_quarters(later, earlier.quarter))
    )


def returned_again(returns: Returns) -> pd.DataFrame:
    """The files of this quarter's returns in which no figure is new: `file`, `rows`, `quarters` (of their figures).

    Each figure had been received before, as it is or with other decimals: an old return sent again, most likely.
    """
    found = []
    for file, pairs in _with_what_was_known(returns):
        if all(old is not None and _alike(old["value"], new["value"]) for old, new in pairs):
            quarters = sorted({str(new["quarter"]) for _, new in pairs})
            found.append({"file": file, "rows": len(pairs), "quarters": quarters})
    return pd.DataFrame(found, columns=["file", "rows", "quarters"])


def sent_rounded(returns: Returns) -> pd.DataFrame:
    """The figures of this quarter's returns that had been received before with more decimals.

    Columns: `file`, `kpi_id`, `period`, `old`, `new`. The rounded figure is the later word, and takes the other's place.
    """
    found = [
        {
            "file": file,
            "kpi_id": new["kpi_id"],
            "period": new["period"],
            "old": old["value"],
            "new": new["value"],
        }
        for file, pairs in _with_what_was_known(returns)
        for old, new in pairs
        if old is not None and _is_rounded(old["value"], new["value"])
    ]
    return pd.DataFrame(found, columns=["file", "kpi_id", "period", "old", "new"])


def _with_what_was_known(returns: Returns) -> Iterator[tuple[str, list[tuple[Row | None, Row]]]]:
    """By file of this quarter's returns its rows, each with the last word of earlier returns on its period."""
    this_quarter = returns.submissions["received"] == returns.quarter.label
    known = returns.submissions[~this_quarter]
    last = {(row["kpi_id"], row["period"]): row for row in rows_of(known)}
    for file, rows in returns.submissions[this_quarter].groupby("file", sort=False):
        yield (
            str(file),
            [(last.get((row["kpi_id"], row["period"])), row) for row in rows_of(rows)],
        )


def issue_changes(earlier: Returns, later: Returns) -> dict[str, pd.DataFrame]:
    """What differs between the reports of two quarters, by its heading: figures restated, ratings, commentary.

    Both are as loaded for their own quarter. `Ratings` also lists the KPIs that are in one report only.
    """
    sides = {
        side: score(recent_quarters(one), one).set_index("kpi_id")
        for side, one in (("before", earlier), ("now", later))
    }
    names = {**sides["before"]["kpi_name"].to_dict(), **sides["now"]["kpi_name"].to_dict()}

    def differing(column: str, without: str) -> pd.DataFrame:
        table = pd.DataFrame({side: cards[column] for side, cards in sides.items()})
        table = table.reindex(list(names)).fillna(without)
        table = table[table["before"] != table["now"]].reset_index(names="kpi_id")
        table.insert(1, "kpi_name", table["kpi_id"].map(names))
        return table

    return {
        "Figures restated": restated_between(earlier, later),
        "Ratings": differing("rating", "not in this report"),
        "Commentary": differing("commentary", ""),
        "Management action": differing("management_action", ""),
    }


def _restated(
    earlier: Returns, later: Returns, reports: Callable[[], tuple[pd.DataFrame, pd.DataFrame]]
) -> pd.DataFrame:
    """`reports`: tables with the direction of travel of each KPI in the earlier report, as known then and now."""
    both = earlier.figures.merge(later.figures, on=_FIGURE, suffixes=("_old", "_new"))
    same = [
        (both[f"{name}_old"] == both[f"{name}_new"]) | both[_pair(name)].isna().all(axis=1)
        for name in _PARTS
    ]
    changed = both.loc[~pd.concat(same, axis=1).all(axis=1), _FIGURE]
    if changed.empty:
        return pd.DataFrame(columns=RESTATEMENTS)
    sides = [changed.merge(side.figures, on=_FIGURE) for side in (earlier, later)]
    both_rated = rated(pd.concat(sides, ignore_index=True), later.council)
    old, new = both_rated.head(len(changed)), both_rated.tail(len(changed))
    changed = old.merge(new, on=_FIGURE, suffixes=("_old", "_new"))
    old_direction, new_direction = map(_directions, reports())
    rows = []
    for row in rows_of(changed):
        was, now = _texts(row)
        rows.append(
            {
                "kpi_id": row["kpi_id"],
                "kpi_name": row["kpi_name_new"],
                "quarter": row["quarter"],
                "kind": _kind(row),
                "old": was,
                "new": now,
                "reason": row["note_new"],
                "received": row["received_new"],
                "old_rating": row["rating_old"],
                "new_rating": row["rating_new"],
                "old_direction": old_direction.get(row["kpi_id"]),
                "new_direction": new_direction.get(row["kpi_id"]),
            }
        )
    return pd.DataFrame(rows, columns=RESTATEMENTS)


def _kind(row: dict[str, Any]) -> str:
    old, new = row["value_old"], row["value_new"]
    if not is_number(old):
        return FILLED_IN
    if not is_number(new):
        return WITHDRAWN
    parts = [(row[f"{name}_old"], row[f"{name}_new"]) for name in _PARTS[1:]]
    as_before = all(one == other or not is_number(other) for one, other in parts)
    return REWRITTEN if as_before and _alike(old, new) else RESTATED


def _alike(old: Any, new: Any) -> bool:
    """Whether two values are the same, or one is the other rounded."""
    if not is_number(old) or not is_number(new):
        return is_number(old) == is_number(new)
    places = sorted(map(written_decimals, (old, new)))[0]
    return rounded(old, places) == rounded(new, places)


def _is_rounded(old: Any, new: Any) -> bool:
    """Whether the new value is the old one with fewer decimals."""
    if not is_number(old) or not is_number(new) or old == new:
        return False
    return written_decimals(new) < written_decimals(old) and _alike(old, new)


def _new_lines(row: dict[str, Any], was: dict[str, Any], returns: Returns) -> str:
    """What is agreed otherwise than for the figure in the previous report: `Target 90%, was 85%.`"""
    if row["basis"] == "year_to_date":
        return ""
    unit, decimals, found = row["unit"], int(row["decimals"]), []
    for name in line_columns(returns.targets):
        now, before = row[name], was.get(name, float("nan"))
        if now != before and not (pd.isna(now) and pd.isna(before)):
            word = capitalised(returns.council.words.get(name, name.replace("_", " ")))
            lines = (show_line(line, unit, decimals) for line in (now, before))
            found.append("{} {}, was {}.".format(word, *lines))
    return " ".join(found)


def _sentence(text: object) -> str:
    plain = text.strip() if isinstance(text, str) else ""
    if not plain:
        return NO_REASON
    return plain if plain.endswith(".") else f"{plain[:1].upper()}{plain[1:]}."


def _pair(name: str) -> list[str]:
    return [f"{name}_old", f"{name}_new"]


def _directions(recent: pd.DataFrame) -> dict[str, str]:
    last = recent.groupby("kpi_id")["direction_of_travel"].last()
    return {str(kpi_id): str(direction) for kpi_id, direction in last.items()}


def _texts(row: dict[str, Any]) -> tuple[str, str]:
    """Both figures with as many decimals as it takes to tell them apart, and with the counts behind them if those differ."""
    values = [row[name] for name in _pair("value")]
    places = int(row["decimals_new"])
    if all(map(is_number, values)) and values[0] != values[1]:
        while places < _MOST_DECIMALS and rounded(values[0], places) == rounded(values[1], places):
            places += 1
    return _text(row, "old", places), _text(row, "new", places)


def _text(row: dict[str, Any], side: str, places: int) -> str:
    value, numerator, denominator = (row[f"{name}_{side}"] for name in _PARTS)
    if not is_number(value):
        return str(row[f"status_{side}"])
    text = show(value, str(row["unit_new"]), places)
    same = all(row[f"{name}_old"] == row[f"{name}_new"] for name in _PARTS[1:])
    return (
        text if same or pd.isna(denominator) else f"{text} ({numerator:,.0f} of {denominator:,.0f})"
    )
