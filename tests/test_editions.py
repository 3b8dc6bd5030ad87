"""A report for one committee, and a final report that is published again: what its head says, and what stays beside it."""

import pandas as pd
import pytest

from kpi_tools.errors import InputError
from kpi_tools.loading import commentary_until, load
from kpi_tools.page.released import notices
from kpi_tools.parameters import corrections_of
from kpi_tools.quarters import Quarter
from kpi_tools.scorecard import counts, earlier_reports, recent_quarters, score
from tests.kent import RAW, scorecard
from tests.workplace import QUARTER, SLUG

FIRST = "2025-03-14 | R1 was counted twice | the contractor sent two files"
SECOND = "2025-03-20 | the target of C1 | a slip of the pen"


@pytest.mark.parametrize(
    "name", ["Adult Social Care", "adult  social care", "Children, Young People and Education"]
)
@pytest.mark.slow
def test_a_part_has_the_rows_of_the_whole(name):
    kpis, part = scorecard(), load(RAW, "2024-25 Q3", only=name)
    own = score(recent_quarters(part), part)
    column = "section" if "adult" in name.casefold() else "directorate"
    expected = kpis[kpis[column].str.casefold() == " ".join(name.split()).casefold()]
    assert 0 < len(own) < len(kpis)
    pd.testing.assert_frame_equal(own, expected.reset_index(drop=True), check_dtype=False)
    said = f"This report has {len(own)} of the 38 KPIs of the council's report"
    assert part.only == f"{own[column].iloc[0]} only. {said}, and its counts are of these alone."
    assert counts(own, part.council)["kpis"] == len(own)
    before, _ = earlier_reports(part)
    assert set(before["section"]) <= set(part.council.sections)
    said = commentary_until(RAW, part)
    assert set(said["kpi_id"].dropna()) <= set(part.catalogue["kpi_id"])
    assert set(said["section"].dropna()) <= set(part.council.sections)


def test_a_part_that_is_none_is_told_with_the_nearest():
    told = 'There is no section or directorate "Adult Care". The nearest: Adult Social Care'
    with pytest.raises(InputError, match=told):
        load(RAW, "2024-25 Q3", only="Adult Care")


def test_the_notices_say_what_was_corrected_when_and_why():
    quarter = Quarter.parse(QUARTER)
    assert notices("final", quarter) == []
    assert notices("final", quarter, f"{FIRST}\n{SECOND}") == [
        "Version 3. Published again on 20 March 2025. Corrected: the target of C1. Reason: a slip of the pen.",
        "Version 2. Published again on 14 March 2025. Corrected: R1 was counted twice. Reason: the contractor sent two files.",
    ]


def test_a_correction_that_lacks_a_part_gets_a_sentence():
    wrong = ["yesterday | what | why", "2025-03-14 | what", "2025-03-14 | | why"]
    for line in (*wrong, f"{SECOND}\n{FIRST}"):
        with pytest.raises(InputError, match='A correction is written "2025-03-14'):
            corrections_of(line)


@pytest.mark.slow
def test_the_first_version_stays_beside_the_second(project, worker):
    with pytest.raises(InputError, match="holds no version 1 to correct"):
        project.make(worker=worker, edition="final", corrections=FIRST)
    with pytest.raises(InputError, match="Only a final report is published again"):
        project.make(worker=worker, corrections=FIRST)
    project.make(worker=worker, edition="final")
    first = {path.name: path.read_bytes() for path in project.final.iterdir()}
    project.revise(75, 91)
    made = project.make(worker=worker, edition="final", corrections=FIRST)
    kept = project.outputs / f"{SLUG}-version-1"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == first
    for name in ("report.html", "onepage.html"):
        page = (made.folder / name).read_text(encoding="utf-8")
        assert "R1 was counted twice" in page and "14 March 2025" in page and "Version 2" in page
        assert "Version 2" not in (kept / name).read_text(encoding="utf-8")
    again = project.make(worker=worker, edition="final", corrections=FIRST)
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == first
    assert '"edition": "final"' in (again.folder / "manifest.json").read_text(encoding="utf-8")
    project.make(worker=worker, edition="final", corrections=f"{FIRST}\n{SECOND}")
    assert (project.outputs / f"{SLUG}-version-2").is_dir()


@pytest.mark.slow
def test_a_part_goes_into_a_folder_of_its_own(project, worker):
    made = project.make(worker=worker, only="care")
    assert made.folder.name == f"{SLUG}-care"
    table = pd.read_csv(made.folder / "kpis.csv", encoding="utf-8-sig")
    assert set(table["kpi_id"]) == {"C1"}
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    assert "Report: Care" in page and "1 of the three KPIs" in page
