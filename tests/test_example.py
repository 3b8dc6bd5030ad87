"""The second example of the repository, whole: its three reports, in its own words and its own folder."""

import os
import re

import pandas as pd
import pytest

from kpi_tools.explorer.evidence import evidence
from kpi_tools.explorer.history import one_kpi
from kpi_tools.explorer.table import pages
from kpi_tools.report import make_report
from kpi_tools.scorecard.actions import followed
from tests import kent

RAW = kent.BOROUGH
LONG = os.environ.get("KPI_LONG") == "1"
QUARTERS = ("2024-25 Q4", "2025-26 Q1", "2025-26 Q2")
FOREIGN = re.compile(r"\b([Tt]argets?|[Ff]loor|KPIs?|Kent|nan|None)\b")
MADE_FROM = re.compile(r"(targets|kpis)\.csv|kpi-tools")
"""Names of files and of the program, which are the same for every council."""


def words(page: object) -> str:
    """What is read on a page or a piece of it, alternative texts among it; not its styles, scripts and tokens."""
    text = re.sub(r"(?s)<(style|script)\b.*?</\1>", " ", str(page))
    text = re.sub(r"(?s)<[^>]*?(?:aria-label|alt)=\"([^\"]*)\"[^>]*>", r" \1 ", text)
    return MADE_FROM.sub(" ", re.sub(r"\{\w+\}", " ", re.sub(r"(?s)<[^>]*>", " ", text)))


def foreign(page: object) -> list[str]:
    text = words(page)
    return [text[max(found.start() - 40, 0) : found.end() + 40] for found in FOREIGN.finditer(text)]


@pytest.fixture(scope="module")
def reports(tmp_path_factory, worker):
    outputs = tmp_path_factory.mktemp("borough")
    made = QUARTERS if LONG else QUARTERS[1:]
    for quarter in made:
        make_report(quarter, RAW, outputs, worker=worker)
    return {quarter: outputs / quarter.replace(" ", "-") for quarter in made}


def test_each_report_counts_every_measure_once(reports):
    for quarter, folder in reports.items():
        ratings = pd.read_csv(folder / "kpis.csv", comment="#")["rating"]
        assert len(ratings) == 16, quarter
    counted = {"Blue": 4, "Green": 5, "Amber": 3, "Red": 2, "Not rated": 1, "Monitored": 1}
    assert ratings.value_counts().to_dict() == counted
    page = words((reports["2025-26 Q2"] / "report.html").read_text(encoding="utf-8"))
    assert "Blue from 2 to 4, Green from 6 to 5, Amber from 5 to 3 and Red from 1 to 2" in page
    assert "Prepared by: Performance team." in page  # owner_team of its council.toml


def test_nothing_on_a_page_is_of_another_council(reports):
    for quarter, folder in reports.items():
        assert not foreign((folder / "report.html").read_text(encoding="utf-8")), quarter


@pytest.mark.parametrize("kpi_id", ["CG1", "WW5", "WW3", "GH4"])
@pytest.mark.slow
def test_nor_in_a_history(kpi_id):
    one = one_kpi(kpi_id, QUARTERS[-1], RAW)
    pieces = (one.answer, one.definition, one.targets, one.usual_range, one.directions, one.seasons)
    pieces += (one.areas, one.takes, one.restated, one.remarks, one.doubts)
    assert not foreign(" ".join(map(str, pieces)))


@pytest.mark.slow
def test_nor_in_the_explorer():
    known = evidence(kent.returns(QUARTERS[-1], RAW))
    assert not foreign(str(pages(known, "", known.returns.commentary.assign(quarter=QUARTERS[-1]))))


def test_each_action_that_was_open_is_accounted_for(reports):
    open_before: set[str] = set()
    for quarter, folder in reports.items():
        actions = followed(kent.returns(quarter, RAW)).set_index("action_id")
        page = words((folder / "report.html").read_text(encoding="utf-8"))
        assert not actions.loc[sorted(open_before), "became"].isna().any(), quarter
        assert [name for name in open_before if name not in page] == [], quarter
        open_before = set(actions.index[actions["status"] == "open"])
    assert "Management action A-04: Bring the housing programme board together" in page
