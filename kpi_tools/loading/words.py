"""Commentary and how actions stand: from commentary/, and the sheets Words of returns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading import schemas
from kpi_tools.loading.council import Council
from kpi_tools.loading.disclosure import Withheld
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.read import Table
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter
from kpi_tools.rows import text_of
from kpi_tools.tokens import KPI_TOKENS, listing, section_tokens, unknown

COMMENTARY, ACTION, NEW = "commentary", "action", "new action"
COLUMNS: Final = [*schemas.WORDS.names, "quarter", "file", "sheet", "row"]
_TEXTS: Final = ("commentary", "management_action")


def read_commentary(
    table: Table, council: Council, ids: Ids, kpis: pd.DataFrame, withheld: Withheld
) -> pd.DataFrame:
    """kpi_id or section (the other is missing), texts, author, status; file, row: its place."""
    rows = schemas.read(table, schemas.COMMENTARY, ids, {"section": council.sections})
    of_section = section_tokens(council.schemes)
    for place in np.flatnonzero(rows[[*_TEXTS]].isna().all(axis=1) & ~table.bad).tolist():
        table.fault(place, "commentary", "text-missing")
    for place, row in enumerate(rows.to_dict("records")):
        tokens = KPI_TOKENS if table.cells["kpi_id"][place].strip() else of_section
        for name in _TEXTS:
            _check_tokens(table, place, name, row[name], tokens)
    _check_withheld(table, rows[~table.bad], kpis, withheld, _TEXTS)
    return _placed(rows, table)[~table.bad].reset_index(drop=True)


def _placed(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    return rows.assign(file=table.file, row=np.array(table.rows, dtype="int64"))


def _check_tokens(table: Table, place: int, column: str, text: Any, tokens: Any) -> None:
    for fault in unknown(text, tokens) if isinstance(text, str) else ():
        table.fault(place, column, "token-unknown", f"{fault} There are: {listing(tokens)}.")


def _check_withheld(
    table: Table, rows: pd.DataFrame, kpis: pd.DataFrame, withheld: Withheld, columns: Iterable[str]
) -> None:
    """Refuse a text that gives a suppressed figure of its KPI away. One on a section in which such
    a figure stands is only remarked on: it may be another number. No problem repeats it."""
    for place, row in rows.to_dict("index").items():
        of_kpi = isinstance(row["kpi_id"], str)
        section = kpis.loc[kpis["section"] == row.get("section"), "kpi_id"]
        for column in columns:
            about = [row["kpi_id"]] if of_kpi else section
            if any(withheld.tells(kpi_id, row[column]) for kpi_id in about):
                code = "small-number-in-text" if of_kpi else "small-number-in-section"
                table.fault(int(place), column, code, quoted=False)


def read_words(
    tables: Sequence[tuple[Quarter, Table]], ids: Ids, kpis: pd.DataFrame, withheld: Withheld
) -> pd.DataFrame:
    """The rows of all sheets Words that say something, oldest quarter first (columns: COLUMNS).
    Faults go into their ledgers. Of two rows that say the same of one KPI one is kept; two
    commentaries that differ are both refused."""
    found = list[tuple[Table, pd.DataFrame]]()
    first = dict[tuple[Any, ...], tuple[Table, int, str]]()
    for quarter, table in tables:
        rows = _placed(schemas.read(table, schemas.WORDS, ids), table)
        rows = rows.assign(quarter=quarter.label, sheet=table.sheet)
        filled = rows[["text", "status", "due", "owner"]].notna().any(axis=1) & ~table.bad
        for place in map(int, np.flatnonzero(filled.to_numpy())):
            row = rows.iloc[place].to_dict()
            text = row["text"] if isinstance(row["text"], str) else ""
            if row["what"] == COMMENTARY:
                _check_tokens(table, place, "text", text, KPI_TOKENS)
            names = {ACTION: row["action_id"], NEW: text}.get(row["what"])
            key = quarter, row["what"], row["kpi_id"], names
            other, at, words = first.setdefault(key, (table, place, text))
            filled.iloc[place] = (other, at) == (table, place)
            if words != text:
                pair = ((table, place), (other, at))
                for (of, row_of), (by, row_by) in (pair, pair[::-1]):
                    detail = f"{by.file}, row {by.rows[row_by]}"
                    of.fault(row_of, "text", "duplicate-conflict", detail)
        _check_withheld(table, rows[filled], kpis, withheld, ["text"])
        found.append((table, rows.loc[filled, COLUMNS]))
    none = pd.DataFrame(columns=COLUMNS, dtype="str")
    good = [rows[~table.bad[rows.index]] for table, rows in found]
    return pd.concat(good or [none], ignore_index=True)


def with_commentary(
    commentary: pd.DataFrame, words: pd.DataFrame, quarter: Quarter, ledger: Ledger | None = None
) -> pd.DataFrame:
    """`commentary` with what the returns of a quarter say, before which goes what it says itself.
    That a text was edited so is told."""
    now = (words["quarter"] == quarter.label) & (words["what"] == COMMENTARY)
    sent = words[now & words["text"].notna()].set_index("kpi_id", drop=False)
    edited = commentary.set_index("kpi_id")["commentary"].dropna()
    for row in sent[sent.index.isin(edited.index)].to_dict("records"):
        if ledger is not None and edited[row["kpi_id"]] != row["text"]:
            place = {name: row[name] for name in ("sheet", "row")}
            place |= {"column": "text", "detail": row["kpi_id"]}
            ledger.problem("text-edited", row["file"], **place)
    added = sent[~sent.index.isin(edited.index)]
    if added.empty:
        return commentary
    texts = commentary["commentary"].fillna(commentary["kpi_id"].map(added["text"]))
    new = added[~added.index.isin(commentary["kpi_id"])].assign(status="final")
    new = new.rename(columns={"text": "commentary"})
    more = new.reindex(columns=commentary.columns).astype(commentary.dtypes)
    return pd.concat([commentary.assign(commentary=texts), more], ignore_index=True)


def read_actions(table: Table, ids: Ids, upto: Quarter, sections: tuple[str, ...]) -> pd.DataFrame:
    """The changes of actions in force by a quarter; that one goes over to another KPI is told."""
    rows = schemas.read(table, schemas.ACTIONS, ids, {"section": sections})
    about = rows["kpi_id"].fillna(rows["section"])[~table.bad]
    before = about.groupby(rows["action_id"]).shift()
    for at in before.index[before.notna() & (before != about)]:
        table.fault(int(at), "action_id", "action-moved", before[at])
    return schemas.in_force(table, rows, upto)


def with_actions(
    actions: pd.DataFrame, words: pd.DataFrame, owners: Mapping[str, str], tables: Iterable[Table]
) -> pd.DataFrame:
    """`actions` with a row for each that the returns open or change; its own rows go before it.
    `tables`: the sheets of `words`. A new action has the id `<kpi>-<quarter>-<number>`,
    never used again."""
    rows: list[dict[str, Any]] = actions.to_dict("records")
    last = {row["action_id"]: row for row in rows}
    existing = {(row["action_id"], row["from_quarter"]) for row in rows}
    sheet_of = {table.file: table for table in tables}
    for row in words[words["what"] != COMMENTARY].to_dict("records"):
        given = {one: row[one] for one in ("owner", "due", "status") if isinstance(row[one], str)}
        quarter, text = Quarter.parse(row["quarter"]), row["text"]
        if row["what"] == NEW and isinstance(text, str):
            number = 1
            while (name := f"{row['kpi_id']}-{quarter.slug}-{number}") in last:
                number += 1
            new = dict.fromkeys(actions.columns) | {"action_id": name, "kpi_id": row["kpi_id"]}
            new |= {"action": text, "owner": owners.get(row["kpi_id"])}
            new |= {"opened": quarter.label, "status": "open"}
        elif row["what"] == ACTION and row["action_id"] in last:
            old = last[row["action_id"]]
            if not isinstance(text, str) and all(old[name] == one for name, one in given.items()):
                continue  # as the template had it
            new = old | {"note": text}
        else:
            name, table = text_of(row["action_id"]) or "the cell is blank", sheet_of[row["file"]]
            table.fault(table.rows.index(row["row"]), "action_id", "action-unknown", name)
            continue
        new = last[new["action_id"]] = new | given | {"from_quarter": quarter.label}
        if (new["action_id"], new["from_quarter"]) not in existing:
            rows.append(new)
    return pd.DataFrame(rows, columns=actions.columns).astype(actions.dtypes)
