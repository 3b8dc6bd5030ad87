"""What moved since the previous report, so that it adds up: ratings from → to, the way from the old counts to the new.

Like for like means the KPIs that are in both reports, each with the two figures as they are known now.
"""

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.quarters import Quarter
from kpi_tools.vocabulary import NOT_RATED, RAGS
from kpi_tools.words.row_words import rows_of
from kpi_tools.words.wording import show_line

RATINGS = (*RAGS, NOT_RATED)
ADDED, REMOVED, REDEFINED = "Added", "Removed", "Redefined"
NEW_TARGET, NEWLY_RATED, NO_LONGER_RATED = "New target", "Rated again", "Not rated now"
NO_REASON = "No reason is recorded."


def rating_pairs(kpis: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    """The KPIs of both sets, in report order: `kpi_id`, `kpi_name`, `section`, `before`, `now` (a rating or Not rated).

    `same` is the scorecard a quarter earlier by the figures known now (`scorecard.quarter_before`).
    """
    then = same.set_index("kpi_id")["rating"]
    both = kpis[kpis["kpi_id"].isin(then.index)]
    return pd.DataFrame({
        "kpi_id": both["kpi_id"], "kpi_name": both["kpi_name"], "section": both["section"],
        "before": both["kpi_id"].map(then), "now": both["rating"],
    }).reset_index(drop=True)  # fmt: skip


def rating_matrix(pairs: pd.DataFrame) -> pd.DataFrame:
    """From → to: one row per rating before (`before`), one column per rating now, with `Total` on both sides."""
    counted = pd.crosstab(pairs["before"], pairs["now"]).reindex(
        index=RATINGS, columns=RATINGS, fill_value=0
    )
    counted = counted.assign(Total=counted.sum(axis=1))
    counted.loc["Total"] = counted.sum()
    return counted.astype(int).rename_axis(index="before", columns=None).reset_index()


def came_and_went(pairs: pd.DataFrame) -> pd.DataFrame:
    """For each rating, by name: `rating`, `came` and `went`, lists of sentences such as `Calls (from Amber)`."""
    moved = pairs[pairs["before"] != pairs["now"]]
    rows = []
    for rating in RATINGS:
        came, went = moved[moved["now"] == rating], moved[moved["before"] == rating]
        rows.append({
            "rating": rating,
            "came": [f"{n} (from {old})" for n, old in zip(came["kpi_name"], came["before"], strict=True)],
            "went": [f"{n} (to {new})" for n, new in zip(went["kpi_name"], went["now"], strict=True)],
        })  # fmt: skip
    return pd.DataFrame(rows)


def reconcile(kpis: pd.DataFrame, before: pd.DataFrame, same: pd.DataFrame) -> pd.DataFrame:
    """The way from the previous report's counts to this one's: `step`, `kind`, `kpis`, then a column for each rating.

    Rows of kind `count` are counts, those of kind `change` lead from one to the next: as printed; less the KPIs no
    longer reported; ratings changed by figures received since; like for like, the quarter before; moved since; like
    for like, now; KPIs new in this report; this report. `reconciles` says whether it adds up.
    """
    now, then = set(kpis["kpi_id"]), set(before["kpi_id"])
    shared = now & set(same["kpi_id"])
    old, new = same[same["kpi_id"].isin(shared)], kpis[kpis["kpi_id"].isin(shared)]
    printed, stayed = _count(before), _count(before[before["kpi_id"].isin(shared)])
    gone = -_count(before[~before["kpi_id"].isin(shared)])
    pairs = rating_pairs(kpis, same)
    moves = _count(pairs, "now") - _count(pairs, "before")
    early = _count(old[~old["kpi_id"].isin(then)])
    restated = _count(old[old["kpi_id"].isin(then)]) - stayed + early
    came = _count(kpis[~kpis["kpi_id"].isin(shared)])
    steps = [
        ("Previous report, as printed", "count", printed),
        ("KPIs no longer reported", "change", gone),
        ("Ratings changed by figures received since", "change", restated),
        ("The same KPIs, previous quarter, as known now", "count", _count(old)),
        ("Moved since the previous quarter", "change", moves),
        ("The same KPIs, now", "count", _count(new)),
        ("KPIs new in this report", "change", came),
        ("This report", "count", _count(kpis)),
    ]
    table = pd.DataFrame([counted for _, _, counted in steps]).astype(int)
    return pd.DataFrame({"step": [s for s, _, _ in steps], "kind": [k for _, k, _ in steps]}).join(
        table
    )


def does_not_add_up(steps: pd.DataFrame) -> list[str]:
    """Where the rows of `reconcile` do not add up, a sentence each; none where all is well."""
    columns = ["kpis", *RATINGS]
    said, running = [], None
    for row in rows_of(steps):
        here = pd.Series({name: int(row[name]) for name in columns})
        if here["kpis"] != here[list(RATINGS)].sum():
            said.append(
                f"{row['step']}: the ratings add up to {here[list(RATINGS)].sum()}, not to {here['kpis']} KPIs."
            )
        if row["kind"] == "change":
            running = here if running is None else running + here
            continue
        if running is not None:
            said += [
                f"{row['step']}: {name} is {here[name]}, and the rows above lead to {running[name]}."
                for name in columns
                if here[name] != running[name]
            ]
        running = here
    return said


def set_changes(kpis: pd.DataFrame, before: pd.DataFrame, returns: Returns) -> pd.DataFrame:
    """The KPIs added, removed, redefined, with a new target, rated again or no longer rated: `kpi_name`, `change`, `reason`.

    Reasons come from the change log (`returns.changelog`) and from targets.csv; one that is missing says so.
    """
    now, then = kpis.set_index("kpi_id"), before.set_index("kpi_id")
    logged = returns.changelog[returns.changelog["from_quarter"] == returns.quarter.label]
    why = {(row["kpi_id"], row["change"]): row["reason"] for row in rows_of(logged)}
    names = {**then["kpi_name"].to_dict(), **now["kpi_name"].to_dict()}
    found: list[tuple[str, str, object]] = []
    found += [
        (kpi, ADDED, why.get((kpi, "added")))
        for kpi in now.index.difference(then.index, sort=False)
    ]
    found += [
        (kpi, REMOVED, why.get((kpi, "removed")))
        for kpi in then.index.difference(now.index, sort=False)
    ]
    found += [
        (kpi, REDEFINED, reason) for (kpi, change), reason in why.items() if change == "redefined"
    ]
    for kpi in (kpi for kpi in now.index if kpi in then.index):
        row, was = now.loc[kpi], then.loc[kpi]
        if lines := _new_lines(row, was):
            found.append((kpi, NEW_TARGET, f"{lines} {_sentence(row['target_reason'])}"))
        if was["rating"] == NOT_RATED != row["rating"]:
            now_rated = f"{Quarter.parse(row['quarter']).title} is rated {row['rating']}"
            found.append(
                (
                    kpi,
                    NEWLY_RATED,
                    f"{now_rated}; the previous report had: {was['not_rated_reason']}.",
                )
            )
        if row["rating"] == NOT_RATED != was["rating"]:
            found.append((kpi, NO_LONGER_RATED, _sentence(row["not_rated_reason"])))
    rows = [(kpi, names.get(kpi, kpi), change, _sentence(reason)) for kpi, change, reason in found]
    return pd.DataFrame(rows, columns=["kpi_id", "kpi_name", "change", "reason"])


def _new_lines(row: pd.Series, was: pd.Series) -> str:
    """What is agreed otherwise than for the figure in the previous report: `Target 90%, was 85%.`"""
    unit, decimals = row["unit"], int(row["decimals"])
    return " ".join(
        f"{name} {show_line(row[column], unit, decimals)}, was {show_line(was[column], unit, decimals)}."
        for column, name in (("target", "Target"), ("floor_standard", "Floor standard"))
        if row[column] != was[column] and not (pd.isna(row[column]) and pd.isna(was[column]))
    )


def _count(rated: pd.DataFrame, column: str = "rating") -> pd.Series:
    counted = rated[column].value_counts().reindex(list(RATINGS), fill_value=0).astype(int)
    return pd.concat([pd.Series({"kpis": len(rated)}), counted])


def _sentence(text: object) -> str:
    plain = text.strip() if isinstance(text, str) else ""
    return (
        NO_REASON
        if not plain
        else plain
        if plain.endswith(".")
        else f"{plain[:1].upper()}{plain[1:]}."
    )
