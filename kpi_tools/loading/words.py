"""What the sheets Words of the returns say: commentary of a quarter, how actions stand, new actions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from kpi_tools.loading import schemas
from kpi_tools.loading.beside import withhold_texts
from kpi_tools.loading.disclosure import Withheld
from kpi_tools.loading.fields import read
from kpi_tools.loading.ids import Ids
from kpi_tools.loading.read import Layout, Table
from kpi_tools.loading.rules import Ledger
from kpi_tools.quarters import Quarter
from kpi_tools.tokens import KPI_TOKENS, listing, unknown

SHOWN: Final = ("kpi_name", "so_far")
"""What stands in the sheet for whoever fills it in."""
LAYOUT: Final[Layout] = replace(schemas.WORDS.layout, shown=SHOWN)
COMMENTARY, ACTION, NEW = "commentary", "action", "new action"
SAID: Final = [*schemas.WORDS.names, "quarter", "file", "row"]


def read_words(
    tables: Sequence[tuple[Quarter, Table]], ids: Ids, kpis: pd.DataFrame, withheld: Withheld
) -> pd.DataFrame:
    """The rows of all sheets Words that say something, oldest quarter first (columns: SAID). Faults go into their ledgers.

    Of two rows that say the same of one KPI one is kept; two commentaries that differ are both refused.
    """
    found = list[pd.DataFrame]()
    first = dict[tuple[Any, ...], tuple[Table, int, str]]()
    for quarter, table in tables:
        for name in SHOWN:
            table.cells.pop(name, None)
        rows = read(table, schemas.WORDS, ids).assign(quarter=quarter.label, file=table.file)
        rows["row"] = np.array(table.rows, dtype="int64")
        said = rows[["text", "status", "due", "owner"]].notna().any(axis=1) & ~table.bad
        for place in map(int, np.flatnonzero(said.to_numpy())):
            row = rows.iloc[place].to_dict()
            text = row["text"] if isinstance(row["text"], str) else ""
            for fault in unknown(text, KPI_TOKENS) if row["what"] == COMMENTARY else ():
                detail = f"{fault} There are: {listing(KPI_TOKENS)}."
                table.fault(place, "text", "token-unknown", detail)
            names = {ACTION: row["action_id"], NEW: text}.get(row["what"])
            key = quarter, row["what"], row["kpi_id"], names
            other, at, words = first.setdefault(key, (table, place, text))
            if (other, at) != (table, place):
                said.iloc[place] = False
                if words != text:
                    here, there = (
                        f"{table.file}, row {table.rows[place]}",
                        f"{other.file}, row {other.rows[at]}",
                    )
                    table.fault(place, "text", "duplicate-conflict", there)
                    other.fault(at, "text", "duplicate-conflict", here)
        texts = rows.rename(columns={"text": "commentary"}).assign(
            management_action=None, section=None
        )
        texts = withhold_texts(table, texts[said].reset_index(drop=True), kpis, withheld)
        found.append(texts.rename(columns={"commentary": "text"})[SAID])
    if not found:
        return pd.DataFrame(columns=SAID, dtype="str")
    every = pd.concat(found, ignore_index=True)
    refused = {
        (table.file, row) for _, table in tables for row in np.array(table.rows)[table.bad].tolist()
    }
    good = [place not in refused for place in zip(every["file"], every["row"], strict=True)]
    return every[np.array(good, dtype=bool)].reset_index(drop=True)


def with_commentary(
    commentary: pd.DataFrame, said: pd.DataFrame, quarter: Quarter, ledger: Ledger | None = None
) -> pd.DataFrame:
    """`commentary` of a quarter with what its returns say; what stands in commentary/ goes before it, and that is told."""
    own = said[
        (said["quarter"] == quarter.label) & (said["what"] == COMMENTARY) & said["text"].notna()
    ]
    edited = commentary.set_index("kpi_id")["commentary"].to_dict()
    added = []
    for row in own.to_dict("records"):
        written = edited.get(row["kpi_id"])
        if not isinstance(written, str):
            added.append(row)
        elif written != row["text"] and ledger:
            ledger.problem(
                "text-edited", row["file"], row=row["row"], column="text", detail=row["kpi_id"]
            )
    if not added:
        return commentary
    texts = {row["kpi_id"]: row["text"] for row in added}
    before = zip(commentary["kpi_id"], commentary["commentary"], strict=True)
    filled = commentary.assign(commentary=[texts.pop(kpi_id, text) for kpi_id, text in before])
    rows = [
        {
            "kpi_id": row["kpi_id"],
            "commentary": row["text"],
            "status": "final",
            "file": row["file"],
            "row": row["row"],
        }
        for row in added
        if row["kpi_id"] in texts
    ]
    more = pd.DataFrame(rows, columns=commentary.columns)
    return (
        pd.concat([filled, more], ignore_index=True).astype(commentary.dtypes) if rows else filled
    )


def with_actions(
    actions: pd.DataFrame, said: pd.DataFrame, owners: Mapping[str, str], ledger: Ledger
) -> pd.DataFrame:
    """`actions` with a row for each that the returns open or change; a row of actions.csv for that quarter goes before it.

    A new action has the id `<kpi>-<quarter>-<number>`, never used again.
    """
    rows: list[dict[str, Any]] = actions.to_dict("records")
    last = {row["action_id"]: row for row in rows}
    own = {(row["action_id"], row["from_quarter"]) for row in rows}
    for row in said[said["what"] != COMMENTARY].to_dict("records"):
        given = {
            name: row[name] for name in ("owner", "due", "status") if isinstance(row[name], str)
        }
        quarter = Quarter.parse(row["quarter"])
        if row["what"] == NEW and isinstance(row["text"], str):
            number = 1
            while (name := f"{row['kpi_id']}-{quarter.slug}-{number}") in last:
                number += 1
            new = {
                "action_id": name,
                "kpi_id": row["kpi_id"],
                "section": None,
                "action": row["text"],
                "note": None,
                "owner": owners.get(row["kpi_id"]),
                "opened": quarter.label,
                "due": None,
                "status": "open",
            }
        elif row["what"] == ACTION and row["action_id"] in last:
            old = last[row["action_id"]]
            if not isinstance(row["text"], str) and all(
                old[name] == text for name, text in given.items()
            ):
                continue  # as the template had it
            new = old | {"note": row["text"]}
        else:
            detail = str(row["action_id"] or "it is blank")
            place = {"file": row["file"], "row": row["row"], "column": "action_id"}
            ledger.problem("action-unknown", **place, detail=detail)
            continue
        new = new | given | {"from_quarter": quarter.label}
        last[new["action_id"]] = new
        if (new["action_id"], new["from_quarter"]) not in own:
            rows.append(new)
    return pd.DataFrame(rows, columns=actions.columns).astype(actions.dtypes)
