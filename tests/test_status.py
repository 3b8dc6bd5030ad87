"""`kpi status`: who has sent what, of a quarter half received; and a new year."""

from pathlib import Path

import pandas as pd
from councils import write_council

from kpi_tools.collect.status import (
    counts_by,
    known_for,
    kpi_status,
    reminders,
    three_lines,
    write_status,
)
from kpi_tools.quarters import Quarter

NOW = Quarter(2024, 2)


def half_received(folder: Path) -> Path:
    """Six KPIs of two owners: one sent and Green, one Red, one rejected, one not sent, one annual that is not due."""
    kpis = ["kpi_id,kpi_name,section,unit,polarity,owner,frequency"]
    owners = dict(zip("ABCDEF", ["Roads"] * 3 + ["Parks"] * 3, strict=True))
    kpis += [
        f"{x},The {x},First,%,higher,{owner},{'annual' * (x == 'F')}" for x, owner in owners.items()
    ]
    targets = ["kpi_id,target,floor_standard", *(f"{x},90,80" for x in "ABCDEF")]
    returns = {
        "2024-25 Q1": [f"{x},2024-25 Q1,95" for x in "ABCD"],
        "2024-25 Q2": ["A,2024-25 Q2,95", "B,2024-25 Q2,50", "C,2024-25 Q2,150"],
    }
    raw = write_council(folder, kpis, targets, returns)
    (raw / "commentary").mkdir()
    (raw / "commentary" / "2024-25-Q2.csv").write_text(
        "kpi_id,commentary\nA,Well done.\n", encoding="utf-8"
    )
    return raw


def test_a_quarter_half_received(tmp_path: Path) -> None:
    raw = half_received(tmp_path)
    kpis = kpi_status(known_for(raw, NOW), NOW).set_index("kpi_id")
    assert kpis["state"].to_dict() == {
        "A": "received",
        "B": "received",
        "C": "rejected",
        "D": "missing",
        "E": "missing",
    }
    assert kpis.index[kpis["late"]].tolist() == ["E"]  # due in Quarter 1, and never sent
    assert kpis.index[kpis["words"]].tolist() == ["A"] and kpis.index[
        kpis["action"] == "needed"
    ].tolist() == ["B"]
    kpis = kpis.reset_index()
    counted = counts_by(kpis, "owner").set_index("owner")
    assert counted.loc["Roads"].tolist() == [3, 2, 0, 1, 2, 1] and counted.loc[
        "Parks"
    ].tolist() == [2, 0, 1, 0, 2, 0]
    assert three_lines(kpis) == [
        "Figures: 2 of 5 received, 1 rejected, 2 missing, 1 late from before.",
        "Words: 1 of 5 KPIs have a commentary.", "Actions: B needs one.",
    ]  # fmt: skip
    texts = reminders(kpis, NOW)
    assert "- the figure of C (The C) for Quarter 2 2024/25, which was rejected" in texts["Roads"]
    assert "- an action for B (The B)" in texts["Roads"] and "A (The A)" not in texts["Roads"]
    text, (page, table) = write_status(raw, NOW, tmp_path / "out")
    assert "all.csv: read, rows in 3 = accepted 2 + rejected 1" in text
    html = page.read_text(encoding="utf-8")
    assert "To: Parks" in html and html.count("<pre>") == 2 and "<script" not in html
    assert len(pd.read_csv(table)) == 5


def test_a_quarter_of_which_nothing_has_come(tmp_path: Path) -> None:
    raw, later = half_received(tmp_path), Quarter(2024, 4)
    kpis = kpi_status(known_for(raw, later), later)
    assert set(kpis["state"]) == {"missing"} and len(kpis) == 6  # the annual one is due now
    assert three_lines(kpis)[2] == "Actions: none is missing."
