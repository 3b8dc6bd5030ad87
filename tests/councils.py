"""Small councils written into a raw folder, for tests of what follows from what was sent."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kpi_tools.quarters import Quarter

SETTINGS = '[council]\nname = "Anyshire"\nreport_title = "Report"\nsections = ["First", "Second"]\n'


def write_council(
    folder: Path,
    kpis: Sequence[str],
    targets: Sequence[str],
    returns: Mapping[str, Sequence[str]],
    settings: str = "",
    **tables: Sequence[str],
) -> Path:
    """A raw folder of lines of CSV, a heading first: `returns` by quarter, other `tables` by name."""
    raw = folder / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "council.toml").write_text(SETTINGS + settings, encoding="utf-8")
    for name, lines in {"kpis": kpis, "targets": targets, **tables}.items():
        (raw / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for quarter, lines in returns.items():
        place = raw / "returns" / Quarter.parse(quarter).slug
        place.mkdir(parents=True, exist_ok=True)
        text = "\n".join(("kpi_id,period,value", *lines))
        (place / "all.csv").write_text(text + "\n", encoding="utf-8")
    return raw
