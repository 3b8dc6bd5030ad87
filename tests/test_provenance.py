"""What a report depends on has a name; what comes into force later has no part in it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from kpi_tools import provenance
from kpi_tools.checks import CHECKS
from kpi_tools.checks.tables import versions
from kpi_tools.cli import main
from kpi_tools.doubts import DOUBTS
from kpi_tools.provenance import digest, fingerprints
from kpi_tools.quarters import Quarter
from kpi_tools.report import make_report
from tests.kent import RAW, governance_without_action
from tests.small_council import append

ROOT = Path(__file__).parents[1]
QUARTER = Quarter(2024, 3)
TARGETS = ["GL01", "2025-26 Q1", "95", "85", "", "Agreed for 2025/26", "final"]
NEXT_KPI = {"kpi_id": "GL03", "kpi_name": "Series1", "section": "Governance and Law", "unit": "%"}
NEXT_KPI |= {"directorate": "Chief Executive's", "decimals": "0", "polarity": "higher"}
NEXT_KPI |= {"basis": "quarter", "frequency": "quarterly", "lag_quarters": "0"}
NEXT_KPI |= {"first_quarter": "2025-26 Q1", "definition": "FOI requests within 21 working days"}
LATER = {
    "actions.csv": ["X1", "GL01", "More staff.", "2024-25 Q4"],
    "events.csv": ["GL01", "2024-11-05", "2024-25 Q4"],
    "annotations.csv": ["GL01", "2024-04-01", "New system", "2024-25 Q4"],
}
CHANGE = ["GL01", "2025-26 Q1", "redefined", "Counted otherwise from then on.", "final"]
HEADS = {
    "changes.csv": "kpi_id from_quarter change reason status",
    "benchmarks.csv": "kpi_id area period value from_quarter status source",
    "activity.csv": "activity_id activity_name section unit decimals period value",
    "actions.csv": "action_id kpi_id action from_quarter",
    "events.csv": "kpi_id date from_quarter",
    "annotations.csv": "kpi_id date label from_quarter",
}


@pytest.fixture
def raw(tmp_path):
    return governance_without_action(tmp_path / "raw")


@pytest.fixture
def tables(raw):
    """And with every further table, still without rows."""
    for name, head in HEADS.items():
        append(raw / name, head.split())
    return raw


def look_ahead(raw: Path) -> None:
    """Everything that a council may agree for a later year."""
    append(raw / "targets.csv", TARGETS)
    head = (raw / "kpis.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    append(raw / "kpis.csv", [NEXT_KPI.get(name, "") for name in head])
    append(raw / "changes.csv", CHANGE)
    append(raw / "benchmarks.csv", ["GL01", "England", "2025", "88", "2025-26 Q1", "final", ""])
    requests = ["A1", "Requests", "Governance and Law", "count", "0", "2024-25 Q4", "700"]
    append(raw / "activity.csv", requests)
    kpis_until(raw, "2025-26 Q2")
    (raw / "returns" / "2024-25-Q4").mkdir()
    later = raw / "returns" / "2024-25-Q4" / "all.csv"
    append(later, ["kpi_id", "period", "value"], ["GL01", "2024-25 Q2", "71"])
    words = raw / "commentary" / "2024-25-Q4.csv"
    append(words, ["kpi_id", "section", "commentary"], ["GL01", "", "Later."])


def kpis_until(raw: Path, last: str) -> None:
    """The KPIs leave the set after that quarter."""
    kpis = (raw / "kpis.csv").read_text(encoding="utf-8")
    kpis = kpis.replace("2023-24 Q1,,", f"2023-24 Q1,{last},")
    (raw / "kpis.csv").write_text(kpis, encoding="utf-8")


def test_a_report_stays_the_same_to_the_byte_when_the_next_year_is_agreed(tables, tmp_path, worker):
    raw = tables
    first = make_report(QUARTER, raw, tmp_path / "one", worker=worker)
    look_ahead(raw)
    later = make_report(QUARTER, raw, tmp_path / "two", worker=worker)
    for name in first.files:
        assert (later.folder / name).read_bytes() == (first.folder / name).read_bytes(), name
    assert main(["verify", str(first.folder), "--raw", str(raw), "--quick"]) == 0


def test_each_row_in_force_counts_and_no_later_one(tables):
    raw = tables
    before = fingerprints(raw, QUARTER)
    assert list(before) == sorted(before)
    look_ahead(raw)
    for name, row in LATER.items():
        append(raw / name, row)
    assert fingerprints(raw, QUARTER) == before
    later = fingerprints(raw, Quarter(2025, 1))
    changed = {name for name in before if later[name] != before[name]}
    assert changed == {"targets.csv", "kpis.csv", *HEADS}
    append(raw / "targets.csv", [*TARGETS[:1], "2024-25 Q3", *TARGETS[2:]])
    changed = fingerprints(raw, QUARTER)
    assert [name for name in before if changed[name] != before[name]] == ["targets.csv"]
    assert digest(changed) != digest(before)


def test_a_kpi_that_leaves_the_set_in_this_quarter_is_known_to_leave(raw):
    before = fingerprints(raw, QUARTER)
    kpis_until(raw, QUARTER.label)
    assert fingerprints(raw, QUARTER)["kpis.csv"] != before["kpis.csv"]


def test_settings_count_by_what_they_say_and_broken_tables_by_their_bytes(raw):
    before = fingerprints(raw, QUARTER)
    council = (raw / "council.toml").read_text(encoding="utf-8")
    (raw / "council.toml").write_text("# a remark\n" + council, encoding="utf-8")
    assert fingerprints(raw, QUARTER) == before
    (raw / "council.toml").write_text(council.replace("window = 6", "window = 7"), encoding="utf-8")
    assert fingerprints(raw, QUARTER)["council.toml"] != before["council.toml"]
    for written in (b"kpi_id;since\n", b"\xff\xfe", b'kpi_id,from_quarter\n"', b""):
        (raw / "targets.csv").write_bytes(written)
        assert fingerprints(raw, QUARTER)["targets.csv"] != before["targets.csv"]


def test_spreadsheets_and_old_quarters_count_whatever_their_case(raw):
    sent = raw / "returns" / "2024-25-Q3"
    shutil.copy(RAW / "returns/2024-25-Q3/public-health.xlsx", sent / "HEALTH.XLSX")
    (sent / "~$HEALTH.XLSX").write_bytes(b"open")
    (sent / "mail.txt").write_bytes(b"no table")
    there = set(fingerprints(raw, QUARTER))
    assert "returns/2024-25-Q3/HEALTH.XLSX" in there
    assert "returns/2023-24-Q2/chief-executives.csv" in there
    assert not {name for name in there if "~$" in name or name.endswith(".txt")}


# The program


def test_versions_other_than_those_of_the_lock_are_named_and_hold_the_final_report_back(
    monkeypatch, tmp_path
):
    assert provenance.unlike_lock() == []
    versions_now = {"pandas": "0.0.1"}
    monkeypatch.setattr(provenance, "_installed", lambda name: versions_now.get(name, "6.3.0"))
    lock = tmp_path / "requirements.lock"
    lock.write_text("pandas==3.1.1 \\\n    --hash=sha256:00\naltair==6.3.0 \\\n", encoding="utf-8")
    unlike = provenance.unlike_lock(lock)
    assert "pandas 0.0.1 instead of 3.1.1" in unlike and "numpy 6.3.0 instead of none" in unlike
    assert not [text for text in unlike if text.startswith("altair")]
    without = provenance.unlike_lock(tmp_path / "none.lock")
    assert without == ["there is no none.lock to compare the packages with"]
    found = list(versions(unlike))
    assert [one.code for one in found] == ["versions-not-locked"]
    assert CHECKS["versions-not-locked"][0] == "error"
    assert list(versions([])) == []


def test_every_source_of_the_package_has_a_part_in_its_name(monkeypatch, tmp_path):
    copy = tmp_path / "kpi_tools"
    shutil.copytree(ROOT / "kpi_tools", copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_PACKAGE", copy)
    name = provenance.sources.__wrapped__
    assert name() == provenance.sources()
    css = copy / "page" / "template" / "page.css"
    written = css.read_bytes()
    css.write_bytes(written.replace(b"\n", b"\r\n"))
    assert name() == provenance.sources()
    css.write_bytes(written + b"/* */")
    assert name() != provenance.sources()


def test_every_code_of_a_finding_is_among_the_checks():
    given = {"rating-order", "rating-never", "rating-zero", *DOUBTS}
    for path in (ROOT / "kpi_tools" / "checks").glob("*.py"):
        source = path.read_text(encoding="utf-8")
        given |= set(re.findall(r'(?:Finding\(\s*|\bcode = )"([a-z-]+)"', source))
    assert given == set(CHECKS)


def test_the_page_and_the_manifest_say_who_what_and_by_which_rules(raw, tmp_path, worker):
    names = {"prepared_by": "Analyst", "signed_off_by": "Chief Analyst"}
    made = make_report(QUARTER, raw, tmp_path, worker=worker, **names)
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    noted = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
    assert "Prepared by: Analyst. Signed off by: Chief Analyst." in page
    assert (noted["prepared_by"], noted["signed_off_by"]) == ("Analyst", "Chief Analyst")
    assert noted["checks"]["red-without-action"] == 1 and "red-without-action 1" in page
    assert noted["ratings"] == {"Green": 0, "Amber": 0, "Red": 2, "Not rated": 0}
    assert noted["rules"]["window"] == 6
    bands = {"Green": "target", "Amber": "floor standard", "Red": "the rest"}
    assert noted["rules"]["rating"] == bands
    assert noted["rows"]["rows_in"] == noted["rows"]["accepted"] and noted["rows"]["rejected"] == 0
    assert noted["program"]["unlike_lock"] == [] and noted["program"]["code"]["sources"] in page
    assert noted["inputs_digest"] in page and noted["inputs"]["targets.csv"][:16] in page
