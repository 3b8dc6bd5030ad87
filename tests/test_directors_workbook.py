"""kpis.xlsx: the figures are those of the scorecard, coloured by rating; the same bytes with lxml and without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from kpi_tools.loading import load
from kpi_tools.page.drawing import COLOURS
from kpi_tools.publications.data import COLUMNS
from kpi_tools.publications.workbook import write_directors_workbook
from kpi_tools.rows import is_number, rows_by, rows_of
from kpi_tools.scorecard import report_tables
from tests.kent import BOROUGH, RAW
from tests.kent import returns as known
from tests.small_council import make_council

WRITE = """
import sys, os
from pathlib import Path
from kpi_tools.loading import load
from kpi_tools.scorecard import report_tables
from kpi_tools.publications.data import COLUMNS
from kpi_tools.publications.workbook import write_directors_workbook
returns = load(sys.argv[1], "2025-26 Q2")
write_directors_workbook(report_tables(returns), returns, Path(sys.argv[2]))
import openpyxl
print(openpyxl.LXML)
"""


@pytest.fixture(
    scope="module", params=[(RAW, "2024-25 Q3"), (BOROUGH, "2025-26 Q2")], ids=["county", "borough"]
)
def made(request, tmp_path_factory):
    raw, quarter = request.param
    returns = known(quarter, raw)
    tables = report_tables(returns)
    path = write_directors_workbook(tables, returns, tmp_path_factory.mktemp("book") / "kpis.xlsx")
    return tables, load_workbook(path), returns, path


def test_a_line_that_no_kpi_has_has_no_column(tmp_path):
    figures = [("2024-25 Q3", "A1", "2024-25 Q3", 55)]
    returns = load(make_council(tmp_path / "raw", [{"kpi_id": "A1"}], figures))
    path = write_directors_workbook(report_tables(returns), returns, tmp_path / "kpis.xlsx")
    sheet = load_workbook(path).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    assert "Target" in heads and "Floor standard" not in heads
    assert sheet.column_dimensions["I"].width == 24  # the period's, which came up


def test_every_figure_stands_in_its_place_and_colour(made):
    tables, book, returns, _ = made
    sheet = book.worksheets[0]
    heads = {cell.value: cell.column for cell in sheet[1]}
    lines = {sheet.cell(line, 1).value: line for line in range(2, sheet.max_row - 1)}
    assert list(lines) == list(tables["KPIs"]["kpi_id"])
    points = rows_by(tables["Quarters"])
    looks = {band.name: band.colour for band in returns.council.schemes[""].bands}
    shown = 0
    for row in rows_of(tables["KPIs"]):
        line = lines[row["kpi_id"]]
        value = sheet.cell(line, heads["Latest"]).value
        if is_number(row["value"]):
            assert value == pytest.approx(row["value"], rel=1e-12)
        else:
            assert isinstance(value, str)
        rating = sheet.cell(line, heads["Rating"])
        assert row["rating"] in rating.value
        if row["rating"] in looks:
            colour = COLOURS[looks[row["rating"]]].badge[1:]
            assert rating.fill.start_color.rgb[2:].lower() == colour.lower()
        at = {point["due_quarter"]: point for point in points[row["kpi_id"]]}
        for label in [head for head in heads if head and "-" in head and " Q" in head]:
            cell = sheet.cell(line, heads[label])
            point = at.get(label)
            if point and is_number(point["value"]):
                assert cell.value == pytest.approx(point["value"], rel=1e-12)
                shown += 1
            elif not (point and isinstance(point["milestone"], str)):
                assert cell.value is None
    assert shown > 60


def test_it_is_ready_to_read_and_print(made):
    tables, book, _, _ = made
    sections = [one[:31].replace("'", " ") for one in tables["KPIs"]["section"].unique()]
    assert book.sheetnames == ["At a glance", *sections, *tables]
    for name in ("At a glance", *tables):
        sheet = book[name]
        assert sheet.freeze_panes and sheet.auto_filter.ref
        assert sheet.page_setup.orientation == "landscape"
    charts = sum(len(book[name]._charts) for name in sections)
    known = tables["Quarters"].groupby("kpi_id")["value"].count()
    assert charts == int((known > 0).sum())
    sheet = book["Quarters"]
    assert {cell.value for cell in sheet[1]} <= set(COLUMNS)  # which datapackage.json explains
    column = [cell.value for cell in sheet[1]].index("period_end")
    assert all(row[column].is_date for row in sheet.iter_rows(min_row=2))


@pytest.mark.slow
def test_the_same_bytes_with_lxml_and_without(made, tmp_path):
    said = {}
    for asked in ("True", "False"):
        path = tmp_path / f"{asked}.xlsx"
        command = [sys.executable, "-c", WRITE, str(BOROUGH), str(path)]
        how = {"env": os.environ | {"OPENPYXL_LXML": asked}, "cwd": Path(__file__).parent.parent}
        done = subprocess.run(command, check=True, capture_output=True, text=True, **how)
        said[asked] = path.read_bytes()
        assert done.stdout.strip() == "False"
    assert said["True"] == said["False"]
    tables, _, returns, path = made
    again = write_directors_workbook(tables, returns, tmp_path / "again.xlsx")
    assert again.read_bytes() == path.read_bytes()
