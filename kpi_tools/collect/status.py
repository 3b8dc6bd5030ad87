"""Who has sent what for a quarter: of each KPI whether its figure, its words and an action are there, and whom to remind."""

from html import escape
from pathlib import Path
from typing import Final

import pandas as pd

from kpi_tools.collect.pages import page, table
from kpi_tools.loading import (
    Returns,
    calendars,
    in_set,
    own_tables_are_sound,
    quarters_with_returns,
    read_returns,
)
from kpi_tools.loading.rules import ERROR
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import report_tables
from kpi_tools.scorecard.actions import without_action
from kpi_tools.spreadsheets import write_csv
from kpi_tools.vocabulary import NOT_AVAILABLE
from kpi_tools.wording import capitalised, listed, plural, rows_of

RECEIVED, MISSING, REJECTED = "received", "missing", "rejected"
COUNTED: Final = ("due", RECEIVED, "late", REJECTED, "without_words", "without_action")
KPI_COLUMNS: Final = [
    "kpi_id",
    "kpi_name",
    "directorate",
    "owner",
    "period",
    "state",
    "late",
    "words",
    "action",
]


def known_for(raw: str | Path, quarter: Quarter) -> Returns:
    """What is known for a quarter, whether or not anything has come for it yet."""
    known = [one for one in quarters_with_returns(raw) if one <= quarter]
    return read_returns(raw, known[-1] if known else quarter, agreed_until=quarter)


def kpi_status(returns: Returns, quarter: Quarter) -> pd.DataFrame:
    """One row for each KPI of which a figure is due in the report of a quarter (columns: KPI_COLUMNS).

    `state`: received (a figure, or a reason why there is none), rejected, or missing; `late`: one that was due before has
    not come yet; `words`: whether there is a commentary; `action`: `needed` for a KPI in the last band without one.
    """
    known = calendars(returns)
    figures = returns.figures.set_index(["kpi_id", "quarter"])
    here = returns.quarter == quarter
    said = set(returns.commentary["kpi_id"].dropna()) if here else set()
    errors = returns.problems[returns.problems["severity"] == ERROR]
    folder = f"returns/{quarter.slug}/"
    refused = (
        returns.rejected[returns.rejected["file"].str.startswith(folder)]
        if here
        else returns.rejected.head(0)
    )
    names = dict(
        zip(returns.catalogue["kpi_name"].str.casefold(), returns.catalogue["kpi_id"], strict=True)
    )
    sent = {str(text).strip() for text in refused.get("kpi_id", ())}
    bad = {kpi_id.casefold() for kpi_id in sent} | {
        names.get(text.casefold(), "").casefold() for text in sent
    }
    needed = set[str]()
    if here and own_tables_are_sound(returns) and not (errors["file"] == "council.toml").any():
        needed = set(without_action(report_tables(returns)["KPIs"], returns)["kpi_id"])
    rows = []
    for kpi in rows_of(in_set(returns.catalogue, quarter)):
        calendar = known[kpi["kpi_id"]]
        if not calendar.is_due(quarter):
            continue
        of = calendar.expected(quarter)
        before = [
            due
            for due in calendar.due_until(quarter.shift(-1), 1)
            if due.label >= kpi["first_quarter"]
        ]
        late = [
            due for due in before if not _is_there(figures, kpi["kpi_id"], calendar.expected(due))
        ]
        there = _is_there(figures, kpi["kpi_id"], of)
        state = RECEIVED if there else REJECTED if kpi["kpi_id"].casefold() in bad else MISSING
        rows.append(
            {
                **{name: kpi[name] for name in KPI_COLUMNS[:4]},
                "period": of.title,
                "state": state,
                "late": bool(late) and len(figures) > 0,
                "words": kpi["kpi_id"] in said,
                "action": "needed" if kpi["kpi_id"] in needed else "",
            }
        )
    return pd.DataFrame(rows, columns=KPI_COLUMNS)


def _is_there(figures: pd.DataFrame, kpi_id: str, quarter: Quarter) -> bool:
    """Whether a figure is there, or a reason why there is none."""
    if (kpi_id, quarter.label) not in figures.index:
        return False
    row = figures.loc[(kpi_id, quarter.label)]
    milestone = isinstance(row.get("milestone"), str)
    return bool(
        pd.notna(row["value"])
        or milestone
        or row["status"] != NOT_AVAILABLE
        or isinstance(row["note"], str)
    )


def counts_by(kpis: pd.DataFrame, by: str) -> pd.DataFrame:
    """For each directorate or owner: how many figures are due, received, late, rejected, without words, without action."""
    table = kpis.assign(
        due=1,
        received=kpis["state"] == RECEIVED,
        rejected=kpis["state"] == REJECTED,
        late=kpis["late"],
        without_words=~kpis["words"].astype(bool),
        without_action=kpis["action"] == "needed",
    )
    return table.groupby(by, sort=False)[list(COUNTED)].sum().astype(int).reset_index()


def three_lines(kpis: pd.DataFrame) -> list[str]:
    """What is there and what is not, in three lines: figures, words, actions."""
    due = len(kpis)
    states = kpis["state"].value_counts()
    received, late = states.get(RECEIVED, 0), int(kpis["late"].sum())
    rest = [f"{states[name]} {name}" for name in (REJECTED, MISSING) if states.get(name)]
    rest += [f"{late} late from before"] if late else []
    words, needed = (
        int(kpis["words"].sum()),
        kpis.loc[kpis["action"] == "needed", "kpi_id"].tolist(),
    )
    return [
        f"Figures: {received} of {due} received{''.join(f', {text}' for text in rest)}.",
        f"Words: {words} of {due} KPIs have a commentary.",
        f"Actions: {listed(needed)} {'needs' if len(needed) == 1 else 'need'} one."
        if needed
        else "Actions: none is missing.",
    ]


def reminders(kpis: pd.DataFrame, quarter: Quarter) -> dict[str, str]:
    """By owner a text to send, where something is still to come."""
    texts = {}
    for owner, rows in kpis.groupby("owner", sort=False):
        wants = list[str]()
        for row in rows_of(rows):
            name = f"{row['kpi_id']} ({row['kpi_name']})"
            if row["state"] != RECEIVED:
                again = ", which was rejected: see the workbook sent back" * (
                    row["state"] == REJECTED
                )
                wants.append(f"the figure of {name} for {row['period']}{again}")
            wants += [f"the figure of {name} that was due before"] * bool(row["late"])
            wants += [f"a commentary on {name}"] * (not row["words"])
            wants += [f"an action for {name}, which is in the lowest band"] * bool(row["action"])
        if wants:
            lines = "\n".join(f"- {text}" for text in wants)
            what = plural(len(wants), "thing")
            texts[str(owner)] = (
                f"To: {owner}\nFor the report on {quarter.title} {what} {'is' if len(wants) == 1 else 'are'} still to come:\n"
                f"{lines}\nPlease fill in the workbook that we sent, and send it back. Thank you."
            )
    return texts


def status_text(kpis: pd.DataFrame, returns: Returns, quarter: Quarter) -> str:
    """One screen: three lines, a row for each directorate and owner, the files that came."""
    lines = [f"{quarter.title}:", *(f"  {line}" for line in three_lines(kpis))]
    for by in ("directorate", "owner"):
        counted = counts_by(kpis, by)
        counted.columns = [capitalised(name.replace("_", " ")) for name in counted.columns]
        first = counted.columns[0]
        counted[first] = counted[first].str.ljust(counted[first].str.len().max())
        lines += ["", counted.to_string(index=False, justify="left")]
    files = _files(returns, quarter)
    lines += (
        ["", "Files:", *(f"  {text}" for text in files)] if files else ["", "Files: none has come."]
    )
    return "\n".join(lines)


def _files(returns: Returns, quarter: Quarter) -> list[str]:
    own = returns.counts[returns.counts["file"].str.startswith(f"returns/{quarter.slug}/")]
    found = []
    for row in rows_of(own):
        name, words = row["file"].rpartition("/")[2], row["outcome"] == "words"
        account = (
            f"accepted {row['accepted']:,} + rejected {row['rejected']:,} + blank {row['blank']:,}"
        )
        outcome = "sheet Words read" if words else row["outcome"]
        found.append(f"{name}: {outcome}, rows in {row['rows_in']:,} = {account}")
    return found


def write_status(
    raw: str | Path, quarter: str | Quarter, folder: str | Path
) -> tuple[str, list[Path]]:
    """The text of `status_text`, and the files written into `folder`/status/<quarter>: status.html, status.csv."""
    wanted = Quarter.parse(quarter)
    returns = known_for(raw, wanted)
    kpis = kpi_status(returns, wanted)
    place = Path(folder) / "status" / wanted.slug
    place.mkdir(parents=True, exist_ok=True)
    html = place / "status.html"
    html.write_text(_page(kpis, returns, wanted), encoding="utf-8", newline="\n")
    return status_text(kpis, returns, wanted), [html, write_csv(kpis, place / "status.csv")]


def _page(kpis: pd.DataFrame, returns: Returns, quarter: Quarter) -> str:
    title = f"{returns.council.name}: what has come for {quarter.title}"
    shown = kpis.assign(
        late=kpis["late"].map({True: "late", False: ""}),
        words=kpis["words"].map({True: "yes", False: "no"}),
    )
    tables = [(f"By {by}", counts_by(kpis, by)) for by in ("directorate", "owner")]
    tables += [
        ("KPI by KPI", shown),
        ("Files", pd.DataFrame({"file": _files(returns, quarter) or ["none has come"]})),
    ]
    texts = reminders(kpis, quarter)
    parts = [f"<p>{'<br>'.join(map(escape, three_lines(kpis)))}</p>"]
    for caption, rows in tables:
        heads = [capitalised(name.replace("_", " ")).replace("Kpi", "KPI") for name in rows.columns]
        parts.append(table(caption, heads, rows.itertuples(index=False)))
    parts += ["<h2>Reminders</h2>", *(f"<pre>{escape(text)}</pre>" for text in texts.values())]
    parts += [] if texts else ["<p>Nothing is still to come.</p>"]
    return page(title, parts)
