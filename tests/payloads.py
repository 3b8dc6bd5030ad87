"""Texts that attack whoever shows or opens them, and a council whose every text field holds them.

payloads.txt has one a line, as in a Python string: first what would run, then, below a blank line,
what would calculate in a spreadsheet.
"""

from pathlib import Path

from tests.small_council import write_table

AWAY = "pwned.invalid"
SCRIPTS, FORMULAS = (
    [line.encode().decode("unicode_escape") for line in part.splitlines()]
    for part in Path(__file__).with_suffix(".txt").read_text(encoding="ascii").split("\n\n")
)
PAYLOADS = SCRIPTS + FORMULAS
QUARTER = "2024-25 Q3"


def write_hostile_council(raw: Path, refused_rows: bool = True) -> Path:
    """A raw folder in which each payload stands in each text field, three to a cell; some rows of
    its returns are refused.
    """
    count = len(PAYLOADS) // 3

    def at(row: int, field: int) -> str:
        return " ".join(PAYLOADS[(3 * row + 7 * field + more) % len(PAYLOADS)] for more in range(3))

    def said(row: int, field: int) -> str:
        # what stands in braces in a commentary must be one of its tokens
        return at(row, field).replace("{", "(")

    # at most one KPI in each section, so that a payload stands in the name of each section, too
    numbers = range(count)
    sections = [_name(f"{at(n, 0)} {n}") for n in numbers]
    ids = [f"K{n:03}{at(n, 11) if n % 2 else ''}" for n in numbers]
    title = _toml(_name(" ".join(SCRIPTS[1:30:4])))
    raw.mkdir(parents=True)
    (raw / "council.toml").write_text(
        f"[council]\nname = {_toml(_name(SCRIPTS[3] + SCRIPTS[18]))}\nreport_title = {title}\n"
        f"sections = [{', '.join(map(_toml, sections))}]\nowner_team = {_toml(FORMULAS[0])}\n"
        "[loading]\nrejected_share = 0.5\n",
        encoding="utf-8",
    )
    now, first = {"from_quarter": QUARTER}, {"from_quarter": "2020-21 Q1"}
    kpis = [
        {"kpi_id": ids[n], "kpi_name": f"{at(n, 1)} {n}", "section": sections[n]}
        | {"directorate": at(n, 2), "unit": f"other: {at(n, 12)}" if n % 3 == 1 else "%"}
        | {"polarity": "higher", "definition": at(n, 3), "owner": at(n, 4), "source": at(n, 5)}
        for n in numbers
    ]
    targets = [
        {"kpi_id": ids[n], **first, "target": 90, "floor_standard": 80, "reason": at(n, 6)}
        | {"status": "estimated"}
        for n in numbers
    ]
    sent = [
        {"kpi_id": ids[n], "period": f"2024-25 Q{q}", "value": 70 + (n + q) % 30}
        | {"status": "provisional", "note": at(n, 7), at(9, 0): ""}
        for n in numbers
        for q in (1, 2, 3)
    ]
    refused = [
        {"kpi_id": ids[n], "period": "2023-24 Q4", "value": at(n, 8), "note": at(n, 9)}
        for n in numbers
    ]
    words = [
        {"kpi_id": ids[n], "section": "", "commentary": said(n, 8)}
        | {"management_action": said(n, 9), "author": at(n, 10)}
        for n in numbers
    ]
    words += [
        {"section": sections[n], "commentary": said(n, 11), "author": at(n, 12)} for n in numbers
    ]
    activity = [
        {"activity_id": f"A{n:03}", "activity_name": f"{at(n, 2)} {n}", "section": sections[n]}
        | {"unit": f"other: {at(n, 3)}", "period": f"2024-25 Q{q}", "value": 100 + q, "decimals": 0}
        | {"note": at(n, 4)}
        for n in numbers[::4]
        for q in (1, 2, 3)
    ]
    changes = [
        {"kpi_id": ids[n], **now, "change": ("added", "redefined")[n % 2], "reason": at(n, 8)}
        for n in numbers
    ]
    benchmarks = [
        {"kpi_id": ids[n], "area": at(n, 5), "period": at(n, 6), "value": 50, "source": at(n, 7)}
        | {"from_quarter": "2024-25 Q1"}
        for n in numbers
    ]
    for name, table in {
        "kpis": kpis,
        "targets": targets,
        "returns/2024-25-Q3/return": [*sent, *(refused if refused_rows else [])],
        "commentary/2024-25-Q3": words,
        "activity": activity,
        "changes": changes,
        "benchmarks": benchmarks,
    }.items():
        write_table(raw / f"{name}.csv", table)
    return raw


def _name(text: str) -> str:
    return " ".join(text.split())[:290]


def _toml(text: str) -> str:
    escaped = "".join(
        letter if letter.isprintable() and letter not in '"\\' else f"\\u{ord(letter):04x}"
        for letter in text
    )
    return f'"{escaped}"'
