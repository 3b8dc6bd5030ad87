"""kpis.xlsx for directors: every KPI with its last figures coloured by rating, charts, tables."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.drawing import BLUE, COLOURS, INK, UNRATED
from kpi_tools.publications.data import COLUMNS
from kpi_tools.publications.onepage import SHAPES
from kpi_tools.quarters import quarter_range
from kpi_tools.rows import Row, Rows, in_doubt, is_number, rows_by, rows_of
from kpi_tools.spreadsheets import fit_to_width, make_workbook, safe_text, save_workbook, solid
from kpi_tools.terms import Terms, names
from kpi_tools.vocabulary import ILLUSTRATIVE, MONEY
from kpi_tools.wording import capitalised, figure_of, unit_words, written_decimals
from kpi_tools.workbooks.parts import letters

GLANCE: Final = "At a glance"
_LONGEST: Final = 31
_WIDTHS: Final = {"Id": 8, "Owner": 28, "Latest": 11, "Rating": 13, "Direction": 15, "Period": 24}
_ACROSS, _WIDE, _HIGH = 2, 15.5, 7.5
Cell = tuple[Any, str, str, bool]
"""What stands in a cell: value, number format, colour, and whether that is pale."""


def write_directors_workbook(
    tables: Mapping[str, pd.DataFrame], returns: Returns, path: Path
) -> Path:
    """Write `tables` (KPIs, Quarters, Counts) behind a sheet of all KPIs and charts by section: the
    columns of Quarters that datapackage.json explains. The same tables give the same bytes."""
    kpis, recent = tables["KPIs"], tables["Quarters"]
    explained = recent[[name for name in recent if name in COLUMNS]]
    lines = _lines(kpis, recent, returns)
    glance = pd.DataFrame([{head: cell[0] for head, cell in line.items()} for line in lines])
    book = make_workbook({GLANCE: glance, **tables, "Quarters": explained})
    _dress(book[GLANCE], lines, Terms(returns.council))
    for place, (section, some) in enumerate(kpis.groupby("section", sort=False), start=1):
        _add_charts(book, book.create_sheet(_title(section, book), place), some, explained, returns)
    for name in tables:
        book[name].auto_filter.ref = book[name].dimensions
        fit_to_width(book[name])
    return save_workbook(book, path)


def _title(section: str, book: Any) -> str:
    """A section's name as that of a sheet."""
    plain = re.sub(r"[\[\]:*?/\\']", " ", section).strip()[:_LONGEST] or "Charts"
    taken = {name.casefold() for name in book.sheetnames}
    numbered = (f"{plain[: _LONGEST - 3]} {number}" for number in range(2, len(taken) + 3))
    return next(title for title in (plain, *numbered) if title.casefold() not in taken)


def _lines(kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> list[dict[str, Cell]]:
    """The rows of the sheet of all KPIs, without lines that none has."""
    terms, points, called = Terms(returns.council), rows_by(recent), names(kpis, short=True)
    quarters = [one.label for one in quarter_range(returns.quarter, returns.council.window)]
    unset = {terms.head(name) for name in ("target", "floor_standard")}
    unset -= {terms.head(name) for name in terms.all_lines(kpis)}
    lines = [
        _line(row, points[row["kpi_id"]], quarters, called[row["kpi_id"]], terms)
        for row in rows_of(kpis)
    ]
    return [{head: one for head, one in line.items() if head not in unset} for line in lines]


def _dress(sheet: Any, lines: list[dict[str, Cell]], terms: Terms) -> None:
    """The looks of the sheet of all KPIs: widths, formats of numbers, colours of ratings."""
    from openpyxl.styles import Alignment, Border, Font, Side

    edge = Border(bottom=Side("thin", color="FFD3D8DD"))
    widths = _WIDTHS | {terms.head("kpi"): 32, terms.head("section"): 24}
    for place, head in enumerate(lines[0] if lines else (), start=1):
        sheet.column_dimensions[letters(place)].width = widths.get(head, 12)
    for number, line in enumerate(lines, start=2):
        sheet.row_dimensions[number].height = 30
        for place, (value, form, look, pale) in enumerate(line.values(), start=1):
            cell = sheet.cell(number, place)
            cell.alignment = Alignment(wrap_text=isinstance(value, str), vertical="top")
            cell.border, cell.number_format = edge, form
            if look:
                colour = COLOURS.get(look, UNRATED)
                fill, ink = (colour.tint, INK) if pale else (colour.badge, colour.text)
                cell.fill = solid(f"FF{fill[1:]}")
                cell.font = Font(name="Calibri", bold=not pale, color=f"FF{ink[1:]}")
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    note = "† illustrative: invented to complete the picture. ? in doubt."
    sheet.cell(sheet.max_row + 2, 2, note)
    fit_to_width(sheet)


def _line(row: Row, points: Rows, quarters: list[str], name: str, terms: Terms) -> dict[str, Cell]:
    """A KPI's cells by their heads."""
    doubt, look, is_known = " ?" * in_doubt(row), terms.look(row["rating"]), is_number(row["value"])
    figure, mark = float(row["value"]) if is_known else figure_of(row), _invented(row["status"])
    marked = f" ({row['status']})" if is_known and row["status"] != "final" else ""

    def plain(value: Any, form: str = "General") -> Cell:
        return value, form, "", False

    def line(name: str) -> Cell:
        value = float(row[name]) if name in terms.lines(row) else None
        return plain(value, _format(row, name, _invented(row["target_status"])))

    cells = {
        "Id": plain(row["kpi_id"]),
        terms.head("kpi"): plain(name),
        terms.head("section"): plain(row["section"]),
        "Owner": plain(row["owner"] or ""),
        "Latest": (figure, _format(row, mark=doubt + mark), look, False),
        "Rating": (f"{SHAPES.get(look, '◌')} {row['rating']}{doubt}", "General", look, False),
        "Direction": plain(capitalised(terms.arrow_of(row))),
        terms.head("target"): line("target"),
        terms.head("floor_standard"): line("floor_standard"),
        "Period": plain(f"{row['period']}{marked}"),
    }
    at = {point["due_quarter"]: point for point in points}
    for label in quarters:
        point = at.get(label, {"value": None})
        if is_number(point["value"]):
            look = terms.look(point["rating"])
            mark = f" {SHAPES.get(look, '◌')}{_invented(point['status'])}"
            cells[label] = float(point["value"]), _format(point, mark=mark), look, True
        else:
            milestone = point.get("milestone")
            cells[label] = plain(milestone if isinstance(milestone, str) else None)
    return cells


def _invented(status: Any) -> str:
    return " †" if status == ILLUSTRATIVE else ""


def _format(row: Row, line: str = "", mark: str = "") -> str:
    """The number format of a figure, behind it the mark of its rating: the cell stays a number."""
    decimals = int(row["decimals"])
    if line and is_number(row[line]):  # a line keeps its own decimals
        decimals = max(decimals, written_decimals(row[line]))
    number = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    before = '"£"' if str(row["unit"]).startswith(MONEY) else ""
    words = f" {unit_words(row['unit'])}".rstrip() if before else ""
    after = ("%" if row["unit"] == "%" else words) + mark
    return f'{before}{number}"{after}"' if after else f"{before}{number}"


def _add_charts(book: Any, sheet: Any, kpis: pd.DataFrame, recent: Any, returns: Returns) -> None:
    """A chart for each KPI of a section, over the rows of the sheet Quarters: figures and lines."""
    from openpyxl.chart import LineChart, Reference
    from openpyxl.chart.series import SeriesLabel
    from openpyxl.chart.shapes import GraphicalProperties
    from openpyxl.drawing.line import LineProperties
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    terms, called = Terms(returns.council), names(kpis, short=True)
    styles = (
        ("value", "Figure", BLUE, "solid"),
        ("target", terms.head("target"), INK, "dash"),
        ("floor_standard", terms.head("floor_standard"), INK, "sysDot"),
    )
    places = recent.reset_index(drop=True).groupby("kpi_id", sort=False).indices
    known = set(recent.loc[recent["value"].notna(), "kpi_id"])
    sheet["A1"] = safe_text(f"{kpis['section'].iloc[0]}: last figures")
    sheet["A1"].font = Font(bold=True, size=14)
    for number, row in enumerate(rows_of(kpis[kpis["kpi_id"].isin(known)])):
        kpi_places = places[row["kpi_id"]]

        def cells(name: str, rows: Any = kpi_places) -> Any:
            column = recent.columns.get_loc(name) + 1
            span = {"min_row": rows[0] + 2, "max_row": rows[-1] + 2}
            return Reference(book["Quarters"], min_col=column, **span)

        chart = LineChart()
        chart.title = f"{called[row['kpi_id']]} ({row['kpi_id']}), {row['unit'] or 'number'}"[:120]
        chart.width, chart.height = _WIDE, _HIGH
        chart.x_axis.delete = chart.y_axis.delete = False
        chart.legend.position = "b"
        grid = GraphicalProperties(ln=LineProperties(solidFill="D3D8DD"))
        chart.y_axis.majorGridlines.spPr = grid
        for name, title, colour, dash in styles:
            if name in ("value", *terms.lines(row)):
                chart.add_data(cells(name))
                series = chart.series[-1]
                series.tx, series.smooth = SeriesLabel(v=title), False
                series.graphicalProperties.line.solidFill = colour[1:]
                series.graphicalProperties.line.dashStyle = dash
                series.marker.symbol = "circle" if name == "value" else "none"
        chart.set_categories(cells("quarter"))
        column = get_column_letter(1 + number % _ACROSS * 9)
        sheet.add_chart(chart, f"{column}{3 + number // _ACROSS * 16}")
    sheet.sheet_view.showGridLines = False
    fit_to_width(sheet)
    sheet.page_setup.orientation = "portrait"
