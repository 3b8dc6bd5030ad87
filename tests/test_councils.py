"""Several councils beside each other: every rating in its cell, and a distribution as the standard library has it."""

import statistics
from dataclasses import replace

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from kpi_tools.publications.data import long_table
from kpi_tools.publications.site import comparison
from kpi_tools.report.site import write_comparison
from tests import kent

NAMES = ["Alder", "Birch", "Cedar", "Damson", "Elder"]


@pytest.fixture(scope="module")
def made():
    """Five councils with other figures for one KPI; one of them in doubt, and another unit for another KPI."""
    one = kent.returns("2025-26 Q2", kent.BOROUGH)
    councils = [replace(one, council=replace(one.council, name=name)) for name in NAMES]
    table = long_table([one])
    tables = []
    for place, name in enumerate(NAMES):
        own = table.assign(council=name, council_id=name.lower())
        now = (own["kpi_id"] == "CG1") & own["is_latest"] & own["known_now"]
        own.loc[now, "value"] = 50.0 + 2 * place * place
        own.loc[now, "doubt_state"] = "open" if name == "Elder" else None
        own.loc[own["kpi_id"] == "CG2", "unit"] = "days" if name == "Alder" else "count"
        tables.append(own)
    return councils, pd.concat(tables, ignore_index=True)


def test_every_rating_stands_in_its_cell(made):
    councils, table = made
    soup = BeautifulSoup(str(comparison(table, councils)), "html.parser")
    grid = soup.select_one("#grid-caption").find_parent("table")
    assert [head.get_text(strip=True) for head in grid.select("thead th")][1:] == NAMES
    now = table[table["known_now"] & table["is_latest"]].set_index(["kpi_id", "council"])["rating"]
    rows = grid.select("tbody tr")
    assert len(rows) == now.index.get_level_values(0).nunique() - 1
    for row in rows:
        kpi_id = row.th.get_text(strip=True).rpartition("(")[2].rstrip(")")
        for name, cell in zip(NAMES, row.find_all("td"), strict=True):
            assert now[kpi_id, name] in cell.get_text()
    assert "Not compared, since unit or sense differ: CG2." in soup.get_text()


def test_the_distribution_leaves_doubt_out(made):
    councils, table = made
    soup = BeautifulSoup(str(comparison(table, councils)), "html.parser")
    rows = soup.select_one("#distribution-caption").find_parent("table").select("tbody tr")
    (row,) = [row for row in rows if "(CG1)" in row.th.get_text()]
    cells = [cell.get_text(" ", strip=True) for cell in row.find_all("td")]
    values = [50.0, 52.0, 58.0, 68.0]
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    shown = [f"{value:.1f}%" for value in quarters]
    assert cells[:6] == ["4", "50.0% (Alder)", *shown, "68.0% (Damson)"]
    assert len(row.svg["aria-label"]) > 20 and str(row.svg).count("<path") == 1 + 4 + 1


def test_two_councils_with_nothing_in_common(made, tmp_path):
    councils, table = made
    alone = table[(table["council"] == "Alder") | (table["kpi_id"] == "none")]
    text = str(comparison(alone, councils[:1]))
    assert "No KPI" in text or "no KPI" in text
    first = write_comparison(councils, table, tmp_path).read_bytes()
    assert first == write_comparison(councils, table, tmp_path).read_bytes()
