"""Who has sent what for a quarter: of each KPI its figure, words and action, and whom to remind."""

from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools import loading
from kpi_tools.collect import message
from kpi_tools.loading import Returns, calendars, in_set, quarters_with_returns, read_returns
from kpi_tools.loading.rules import ERROR
from kpi_tools.page.html import render
from kpi_tools.quarters import Quarter
from kpi_tools.rows import rows_of
from kpi_tools.scorecard import report_tables
from kpi_tools.scorecard.actions import without_action
from kpi_tools.spreadsheets import write_csv
from kpi_tools.terms import Terms
from kpi_tools.vocabulary import NOT_AVAILABLE
from kpi_tools.wording import capitalised, listed

RECEIVED, MISSING, REJECTED = "received", "missing", "rejected"
_OF_KPI: Final = ["kpi_id", "kpi_name", "directorate", "owner"]


def known_for(raw: str | Path, quarter: Quarter) -> Returns:
    """What is known for a quarter, whether or not anything has come for it yet."""
    there = [one for one in quarters_with_returns(raw) if one <= quarter]
    return read_returns(raw, there[-1] if there else quarter, agreed_until=quarter)


def kpi_status(returns: Returns, quarter: Quarter) -> pd.DataFrame:
    """One row for each KPI of which a figure is due in the report of a quarter. `state`: received
    (a figure, or a reason why there is none), rejected, or missing; `late`: one that was due before
    has not come yet; `words`: whether there is a commentary; `action`: `needed` for a KPI in the
    last band without one."""
    by_kpi, here, figures = calendars(returns), returns.quarter == quarter, returns.figures
    given = figures[["value", "note", "milestone"]].notna().any(axis=1)
    given |= figures["status"] != NOT_AVAILABLE
    there = set(zip(figures["kpi_id"][given], figures["quarter"][given], strict=True))
    files = returns.rejected["file"].str.startswith(f"returns/{quarter.slug}/")
    refused = returns.rejected[files & here].get("kpi_id", pd.Series(dtype="str"))
    refused = set(refused.astype("str").str.strip().str.casefold())
    # with the first returns nobody was late
    earlier = bool((returns.submissions["received"] < quarter.label).any())
    rows = []
    for kpi in rows_of(in_set(returns.catalogue, quarter)):
        kpi_id, calendar = kpi["kpi_id"], by_kpi[kpi["kpi_id"]]
        if not calendar.is_due(quarter):
            continue
        expected = calendar.expected(quarter)
        state = REJECTED if {kpi_id.casefold(), kpi["kpi_name"].casefold()} & refused else MISSING
        late = any(
            (kpi_id, calendar.expected(due).label) not in there
            for due in calendar.due_until(quarter.shift(-1), 1)
            if due.label >= kpi["first_quarter"]
        )
        rows.append(
            {name: kpi[name] for name in _OF_KPI}
            | {"period": expected.title, "late": late and earlier}
            | {"state": RECEIVED if (kpi_id, expected.label) in there else state}
        )
    kpis = pd.DataFrame(rows, columns=[*_OF_KPI, "period", "state", "late"])
    errors = returns.problems[returns.problems["severity"] == ERROR]
    lacking = pd.Series(dtype="str")
    if here and loading.council_is_sound(returns) and "council.toml" not in set(errors["file"]):
        lacking = without_action(report_tables(returns)["KPIs"], returns)["kpi_id"]
    return kpis.assign(
        late=kpis["late"].astype(bool),
        words=kpis["kpi_id"].isin(returns.commentary["kpi_id"].dropna()) & here,
        action=kpis["kpi_id"].isin(lacking).map({True: "needed", False: ""}),
    )


def counts_by(kpis: pd.DataFrame, by: str) -> pd.DataFrame:
    """Of each directorate or owner how many are due, received, late, without words and so on."""
    received, rejected = kpis["state"] == RECEIVED, kpis["state"] == REJECTED
    counted = kpis[[by]].assign(due=1, received=received, late=kpis["late"], rejected=rejected)
    without_action = kpis["action"] == "needed"
    counted = counted.assign(without_words=~kpis["words"], without_action=without_action)
    return counted.groupby(by, sort=False).sum().astype(int).reset_index()


def three_lines(kpis: pd.DataFrame, terms: Terms) -> list[str]:
    """What is there and what is not, in three lines: figures, words, actions."""
    due, states, late = len(kpis), kpis["state"].value_counts(), kpis["late"].sum()
    rest = [f", {states[name]} {name}" for name in (REJECTED, MISSING) if name in states]
    rest += [f", {late} late from before"] if late else []
    lacking = listed(kpis.loc[kpis["action"] == "needed", "kpi_id"].tolist())
    return [
        f"Figures: {states.get(RECEIVED, 0)} of {due} received{''.join(rest)}.",
        f"Words: {kpis['words'].sum()} of {due} {terms.word('kpi', due)} with a commentary.",
        f"Actions: {f'missing for {lacking}' if lacking else 'none is missing'}.",
    ]


def reminders(kpis: pd.DataFrame, quarter: Quarter) -> dict[str, str]:
    """By owner a text to send, where something is still to come."""
    texts = {}
    for owner, rows in kpis.groupby("owner", sort=False):
        wants = list[str]()
        for row in rows_of(rows):
            name = f"{row['kpi_id']} ({row['kpi_name']})"
            again = ", which was rejected: see the workbook sent back"
            missing = f"the figure of {name} for {row['period']}"
            missing += again if row["state"] == REJECTED else ""
            wants += [missing] * (row["state"] != RECEIVED)
            wants += [f"the figure of {name} that was due before"] * row["late"]
            wants += [f"a commentary on {name}"] * (not row["words"])
            wants += [f"an action for {name}, which is in the lowest band"] * bool(row["action"])
        if wants:
            things = "\n".join(f"- {text}" for text in wants)
            texts[str(owner)] = message("reminder", owner=owner, quarter=quarter, wants=things)
    return texts


def write_status(raw: str | Path, quarter: object, folder: str | Path) -> tuple[str, list[Path]]:
    """One screen of text, and status.html and status.csv in `folder`/status/<quarter>."""
    wanted = Quarter.parse(quarter)
    returns = known_for(raw, wanted)
    kpis, terms = kpi_status(returns, wanted), Terms(returns.council)
    lines, files = three_lines(kpis, terms), _files(returns, wanted)
    counted = {by: _headed(counts_by(kpis, by)) for by in ("directorate", "owner")}
    place = Path(folder) / "status" / wanted.slug
    place.mkdir(parents=True, exist_ok=True)
    late, words = kpis["late"].map({True: "late", False: ""}), {True: "yes", False: "no"}
    in_words = kpis.assign(late=late, words=kpis["words"].map(words))
    tables = {f"By {by}": rows for by, rows in counted.items()}
    tables |= {"One by one": _headed(in_words), "Files": pd.DataFrame({"File": files})}
    html, title = place / "status.html", f"{returns.council.name}: what has come for {wanted.title}"
    shown = {caption: rows_of(rows.fillna("")) for caption, rows in tables.items()}
    of = {"lines": lines, "tables": shown, "reminders": reminders(kpis, wanted).values()}
    html.write_text(render("status.html.j2", title=title, **of), encoding="utf-8", newline="\n")
    screen = [f"{wanted.title}:", *(f"  {line}" for line in lines)]
    for rows in counted.values():
        cells = [list(rows.columns), *rows.astype("str").to_numpy().tolist()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        padded = (map(str.ljust, line, widths) for line in cells)
        screen += ["", *("  ".join(line).rstrip() for line in padded)]
    screen += ["", "Files:", *(f"  {text}" for text in files)]
    return "\n".join(screen), [html, write_csv(kpis, place / "status.csv")]


def _headed(rows: pd.DataFrame) -> pd.DataFrame:
    heads = [capitalised(name.removeprefix("kpi_").replace("_", " ")) for name in rows.columns]
    return rows.set_axis(heads, axis=1)


def _files(returns: Returns, quarter: Quarter) -> list[str]:
    counts = returns.counts[returns.counts["file"].str.startswith(f"returns/{quarter.slug}/")]
    lines = []
    for row in rows_of(counts):
        outcome = row["outcome"].replace("words", "sheet Words read")
        parts = [f"{name} {row[name]:,}" for name in ("accepted", "rejected", "blank")]
        account = f"rows in {row['rows_in']:,} = {' + '.join(parts)}"
        lines.append(f"{row['file'].rpartition('/')[2]}: {outcome}, {account}")
    return lines or ["none has come"]
