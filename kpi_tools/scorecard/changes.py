"""What changed since the previous report, so that it adds up: counts, ratings, KPIs, figures. Like
for like means the KPIs that are in both reports, each with the two figures as they are known now.
What had been received by a quarter is known for ever (`loading.as_known_at`), so two states of
knowledge can be laid side by side."""

from typing import Any, Final

import pandas as pd

from kpi_tools.loading import Council, Returns, as_known_at, line_columns
from kpi_tools.quarters import Quarter
from kpi_tools.rows import Row, is_number, rows_of
from kpi_tools.scorecard import (
    DEFAULT_COUNCIL,
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
from kpi_tools.wording import capitalised, parts_of, rounded, show, show_line, written_decimals

ADDED, REMOVED, REDEFINED = "Added", "Removed", "Redefined"
NEW_TARGET, NEWLY_RATED, NO_LONGER_RATED = "New target", "Rated again", "Not rated now"
NO_REASON: Final = "No reason is recorded."
RESTATED, FILLED_IN, WITHDRAWN = "restated", "filled in", "withdrawn"
REWRITTEN: Final = "written otherwise"
"""The same figure with other decimals, or without its counts: sent again, not restated."""
RESTATEMENTS: Final = [
    *("kpi_id", "kpi_name", "quarter", "kind", "old", "new", "reason", "received"),
    *("old_rating", "new_rating", "old_direction", "new_direction"),
]
_RESTATED: Final = {
    **{"kpi_name_new": "kpi_name", "note_new": "reason", "received_new": "received"},
    **{"rating_old": "old_rating", "rating_new": "new_rating"},
}
_PARTS: Final = ["value", "numerator", "denominator"]
_FIGURE: Final = ["kpi_id", "quarter"]
_MOST_DECIMALS: Final = 6


def movement(
    kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame, council: Council = DEFAULT_COUNCIL
) -> pd.DataFrame:
    """How each count changed: plainly, and on the KPIs that are in both sets.

    Columns: `count` (a rating or direction), `now`, `previous` (as printed in the previous report),
    `change`, `same_now`, `same_previous` (the same KPIs, a quarter earlier, as known now),
    `same_change`. Of a KPI that was not due the figure that stands is counted on both sides, so
    nothing changes because nothing came.
    """
    shared = set(kpis["kpi_id"]) & set(same["kpi_id"])
    sides = {
        "now": kpis,
        "previous": before,
        "same_now": kpis[kpis["kpi_id"].isin(shared)],
        "same_previous": same[same["kpi_id"].isin(shared)],
    }
    table = pd.DataFrame({side: counts(cards, council) for side, cards in sides.items()})
    empty = [name for name in (MONITORED, NOT_DUE) if not table.loc[name].any()]
    table = table.drop(index=empty).rename_axis("count").reset_index()
    table.insert(3, "change", table["now"] - table["previous"])
    return table.assign(same_change=table["same_now"] - table["same_previous"])


def rating_pairs(
    kpis: pd.DataFrame, same: pd.DataFrame, council: Council = DEFAULT_COUNCIL
) -> pd.DataFrame:
    """The KPIs of both sets: `kpi_id`, `kpi_name`, `section`, `before`, `now` (as `counted`).
    `same` is the scorecard a quarter earlier by the figures known now
    (`scorecard.quarter_before`)."""
    then = pd.Series(counted(same, council).array, index=same["kpi_id"])
    both = kpis[kpis["kpi_id"].isin(then.index)]
    both = both.assign(before=both["kpi_id"].map(then), now=counted(both, council))
    return both[["kpi_id", "kpi_name", "section", "before", "now"]].reset_index(drop=True)


def rating_matrix(pairs: pd.DataFrame, council: Council = DEFAULT_COUNCIL) -> pd.DataFrame:
    """From → to: a row per rating before (`before`), a column per rating now, with `Total`. The
    bands always have their place, other ratings where a KPI has one."""
    there = {*pairs["before"], *pairs["now"]}
    seldom = (NOT_RATED, MONITORED, NOT_DUE)
    names = [name for name in ratings_of(council) if name in there or name not in seldom]
    table = pd.crosstab(pairs["before"], pairs["now"])
    table = table.reindex(index=names, columns=names, fill_value=0)
    table = table.assign(Total=table.sum(axis=1))
    table.loc["Total"] = table.sum()
    return table.astype(int).rename_axis(index="before", columns=None).reset_index()


def reconcile(
    kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame, council: Council = DEFAULT_COUNCIL
) -> pd.DataFrame:
    """From the previous report's counts to this one's: `step`, `kind`, `kpis`, then the ratings.
    Rows of kind `count` are counts, those of kind `change` lead from one to the next: as printed;
    less the KPIs no longer reported; ratings changed by figures received since; like for like, the
    quarter before; moved since; like for like, now; KPIs new in this report; this report."""

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
    words, kinds, numbers = zip(*steps, strict=True)
    table = pd.DataFrame(numbers).astype(int)
    table.insert(0, "step", words)
    table.insert(1, "kind", kinds)
    return table.drop(columns=[name for name in (MONITORED, NOT_DUE) if not table[name].any()])


def set_changes(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The KPIs added, removed, redefined, with a new target, rated again or no longer rated.
    Columns: `kpi_id`, `kpi_name`, `change`, `reason`. Reasons come from the change log
    (`returns.changelog`) and from targets.csv; one that is missing says so. Lines that grow through
    the year with the figure are not new in each quarter. Without a report before, nothing
    changed."""
    logged = returns.changelog[returns.changelog["from_quarter"] == returns.quarter.label]
    why = {(row["kpi_id"], row["change"]): row["reason"] for row in rows_of(logged)}
    now, then = ({row["kpi_id"]: row for row in rows_of(table)} for table in (kpis, before))
    found: list[tuple[str, str, object]] = []
    if then:
        found += [(kpi, ADDED, why.get((kpi, "added"))) for kpi in now if kpi not in then]
        found += [(kpi, REMOVED, why.get((kpi, "removed"))) for kpi in then if kpi not in now]
        redefined = {kpi: text for (kpi, what), text in why.items() if what == "redefined"}
        found += [(kpi, REDEFINED, text) for kpi, text in redefined.items()]
    for kpi in (kpi for kpi in now if kpi in then):
        row, was = now[kpi], then[kpi]
        if lines := _new_lines(row, was, returns):
            found.append((kpi, NEW_TARGET, f"{lines} {_sentence(row['target_reason'])}"))
        if was["rating"] == NOT_RATED and row["rating"] not in (NOT_RATED, MONITORED):
            title = Quarter.parse(row["quarter"]).title
            reason = f"the previous report had: {was['not_rated_reason']}."
            found.append((kpi, NEWLY_RATED, f"{title} is rated {row['rating']}; {reason}"))
        if row["rating"] == NOT_RATED and was["rating"] not in (NOT_RATED, MONITORED):
            found.append((kpi, NO_LONGER_RATED, row["not_rated_reason"]))
    names = {kpi: row["kpi_name"] for kpi, row in (then | now).items()}
    rows = [(kpi, names.get(kpi, kpi), change, _sentence(text)) for kpi, change, text in found]
    return pd.DataFrame(rows, columns=["kpi_id", "kpi_name", "change", "reason"])


def restatements(returns: Returns, before: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    """What this quarter's returns changed of what was known at the previous report. `before`: the
    previous report's scorecard, `same`: that of its quarter as known now
    (`scorecard.earlier_reports`). Columns and order as `restated_between` gives them; none for the
    first report."""
    last = returns.quarter.shift(-1)
    if not known_by(returns, last):
        return pd.DataFrame(columns=RESTATEMENTS)
    return restated_between(as_known_at(returns, last), returns, before, same)


def restated_between(
    earlier: Returns,
    later: Returns,
    then: pd.DataFrame | None = None,
    now: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The figures known to `earlier` (or missing by it) that are another in `later`, a row each.
    Columns: `kpi_id`, `kpi_name`, `quarter`, `kind` (restated, filled in, withdrawn, or written
    otherwise: rounded, or without the counts behind it), `old` and `new` as text with unit,
    `reason` (the note of the new figure), `received` (the returns that brought it), the figure's
    rating before and now, and the direction of travel of the earlier report's quarters before and
    now (null where the KPI was not in that report): of `then` and `now`, made where not at hand."""
    both = earlier.figures.merge(later.figures, on=_FIGURE, suffixes=("_old", "_new"))
    same = pd.Series(True, index=both.index)
    for name in _PARTS:
        old, new = both[f"{name}_old"], both[f"{name}_new"]
        same &= (old == new) | (old.isna() & new.isna())
    changed = both.loc[~same, _FIGURE]
    if changed.empty:
        return pd.DataFrame(columns=RESTATEMENTS)
    sides = [changed.merge(side.figures, on=_FIGURE) for side in (earlier, later)]
    both_rated = rated(pd.concat(sides, ignore_index=True), later.council)
    old, new = both_rated.head(len(changed)), both_rated.tail(len(changed))
    table = old.merge(new, on=_FIGURE, suffixes=("_old", "_new"))
    then = recent_quarters(earlier) if then is None else then
    now = recent_quarters(later, earlier.quarter) if now is None else now
    was, known = (one.groupby("kpi_id")["direction_of_travel"].last() for one in (then, now))
    table[["old", "new"]] = [_texts(row) for row in rows_of(table)]
    table["kind"] = [_kind(row) for row in rows_of(table)]
    ways = {"old_direction": table["kpi_id"].map(was), "new_direction": table["kpi_id"].map(known)}
    return table.assign(**ways).rename(columns=_RESTATED)[RESTATEMENTS]


def sent_before(returns: Returns) -> pd.DataFrame:
    """The figures of this quarter's returns that had been received before. Columns: `file`,
    `kpi_id`, `period`, `old` (the last word of earlier returns), `new`; `same`: whether it is that
    figure, as it is or with other decimals; `rounded`: with fewer. Figures that were not known have
    a row too, that is neither."""
    names = ["file", "kpi_id", "period", "value"]
    now = returns.submissions["received"] == returns.quarter.label
    earlier, sent = returns.submissions[~now][names[1:]], returns.submissions[now][names]
    last = earlier.drop_duplicates(names[1:3], keep="last").rename(columns={"value": "old"})
    table = sent.merge(last, on=names[1:3], how="left", indicator="known")
    rows = rows_of(table)
    same = [row["known"] == "both" and _alike(row["old"], row["value"]) for row in rows]
    fewer = [
        is_number(row["old"]) and written_decimals(row["value"]) < written_decimals(row["old"])
        for row in rows
    ]
    rounded_now = [one and less for one, less in zip(same, fewer, strict=True)]
    table = table.assign(same=same, rounded=rounded_now).rename(columns={"value": "new"})
    return table[[*names[:3], "old", "new", "same", "rounded"]]


def issue_changes(earlier: Returns, later: Returns) -> dict[str, pd.DataFrame]:
    """What differs between the reports of two quarters, by its heading: figures, ratings, words.
    Both are as loaded for their own quarter. `Ratings` also lists the KPIs that are in one only."""
    before, now = (score(recent_quarters(one), one).set_index("kpi_id") for one in (earlier, later))
    names = before["kpi_name"].to_dict() | now["kpi_name"].to_dict()

    def differing(column: str, without: str) -> pd.DataFrame:
        table = pd.DataFrame({"before": before[column], "now": now[column]})
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


def _kind(row: Row) -> str:
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
    places = min(map(written_decimals, (old, new)))
    return rounded(old, places) == rounded(new, places)


def _new_lines(row: Row, was: Row, returns: Returns) -> str:
    """What is agreed otherwise than for the previous report's figure: `Target 90%, was 85%.`"""
    if row["basis"] == "year_to_date":
        return ""
    found = []
    for name in line_columns(returns.targets):
        both = [row[name], was.get(name, float("nan"))]
        if both[0] != both[1] and not pd.isna(both).all():
            word = capitalised(returns.council.words.get(name, name.replace("_", " ")))
            now, then = (show_line(line, row["unit"], int(row["decimals"])) for line in both)
            found.append(f"{word} {now}, was {then}.")
    return " ".join(found)


def _sentence(text: object) -> str:
    plain = text.strip() if isinstance(text, str) else ""
    if not plain:
        return NO_REASON
    return plain if plain.endswith(".") else f"{capitalised(plain)}."


def _texts(row: Row) -> list[str]:
    """Both figures with the decimals that tell them apart, and their counts if those differ."""
    places, values = int(row["decimals_new"]), [row["value_old"], row["value_new"]]
    if all(map(is_number, values)) and values[0] != values[1]:
        while places < _MOST_DECIMALS and len({rounded(value, places) for value in values}) == 1:
            places += 1
    same = all(row[f"{name}_old"] == row[f"{name}_new"] for name in _PARTS[1:])
    texts = []
    for side, value in zip(("old", "new"), values, strict=True):
        parts = None if same else parts_of({name: row[f"{name}_{side}"] for name in _PARTS})
        text = show(value, row["unit_new"], places) + (f" ({parts})" if parts else "")
        texts.append(text if is_number(value) else str(row[f"status_{side}"]))
    return texts
