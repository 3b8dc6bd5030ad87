"""kpis.xlsx for directors: every KPI with its last figures coloured by rating, charts by section, and all tables behind them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from kpi_tools.loading import Returns
from kpi_tools.page.drawing import BLUE, COLOURS, INK, UNRATED
from kpi_tools.page.html import looks
from kpi_tools.publications.onepage import SHAPES
from kpi_tools.quarters import quarter_range
from kpi_tools.spreadsheets import fit_to_width, make_workbook, safe_text, save_workbook
from kpi_tools.terms import Terms, names
from kpi_tools.vocabulary import ILLUSTRATIVE, MONEY
from kpi_tools.wording import (
    Row,
    capitalised,
    figure_of,
    in_doubt,
    is_number,
    rows_by,
    rows_of,
    unit_words,
)

GLANCE: Final = "At a glance"
_FIRST_QUARTER: Final = 11
"""The column in which the first of the last figures stands."""
_LONGEST: Final = 31
_WIDTHS: Final = (8, 32, 24, 28, 11, 13, 15, 10, 10, 24)
_ACROSS, _WIDE, _HIGH = 2, 15.5, 7.5


def write_directors_workbook(
    tables: Mapping[str, pd.DataFrame], returns: Returns, path: Path
) -> Path:
    """Write `tables` (KPIs, Quarters, Counts) behind a sheet of all KPIs and a sheet of charts for each section; the path.

    The same tables give the same bytes.
    """
    book = make_workbook(tables)
    kpis, recent = tables["KPIs"], tables["Quarters"]
    _glance(book.create_sheet(GLANCE, 0), kpis, recent, returns)
    for place, section in enumerate(dict.fromkeys(kpis["section"])):
        own = kpis[kpis["section"] == section]
        _charts(book, book.create_sheet(_title(section, book), place + 1), own, recent, returns)
    for name in tables:
        book[name].auto_filter.ref = book[name].dimensions
        fit_to_width(book[name])
    return save_workbook(book, path)


def _title(section: str, book: Any) -> str:
    plain = re.sub(r"[\[\]:*?/\\']", " ", section).strip()[:_LONGEST] or "Charts"
    number = 2
    title = plain
    while title.casefold() in {name.casefold() for name in book.sheetnames}:
        title = f"{plain[: _LONGEST - 3]} {number}"
        number += 1
    return title


def _glance(sheet: Any, kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns) -> None:
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    terms, colours = Terms(returns.council), looks(Terms(returns.council))
    called, points = names(kpis, short=True), rows_by(recent)
    quarters = [one.label for one in quarter_range(returns.quarter, returns.council.window)]
    heads = [
        "Id",
        terms.head("kpi"),
        terms.head("section"),
        "Owner",
        "Latest",
        "Rating",
        "Direction",
        terms.head("target"),
        terms.head("floor_standard"),
        "Period",
        *quarters,
    ]
    for place, head in enumerate(heads, start=1):
        cell = sheet.cell(1, place, safe_text(head))
        cell.font, cell.fill = (
            Font(name="Calibri", bold=True, color="FFFFFFFF"),
            PatternFill("solid", start_color="FF12355B"),
        )
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        width = _WIDTHS[place - 1] if place <= len(_WIDTHS) else 12
        sheet.column_dimensions[get_column_letter(place)].width = width
    edge = Border(bottom=Side("thin", color="FFD3D8DD"))

    def put(
        line: int, place: int, value: Any, form: str = "General", look: str = "", pale: bool = False
    ) -> None:
        cell = sheet.cell(line, place)
        cell.alignment = Alignment(wrap_text=isinstance(value, str), vertical="top")
        cell.border, cell.number_format = edge, form
        cell.value = safe_text(value) if isinstance(value, str) else value
        if isinstance(value, str):
            cell.data_type = "s"
        if look:
            colour = COLOURS.get(look, UNRATED)
            cell.fill = PatternFill(
                "solid", start_color=f"FF{(colour.tint if pale else colour.badge)[1:]}"
            )
            ink = INK if pale else colour.text
            cell.font = Font(name="Calibri", bold=not pale, color=f"FF{ink[1:]}")

    for line, row in enumerate(rows_of(kpis), start=2):
        sheet.row_dimensions[line].height = 30
        doubt = " ?" * in_doubt(row)
        look = colours.get(row["rating"], "not-rated")
        number = is_number(row["value"])
        latest = float(row["value"]) if number else figure_of(row)
        texts = [row["kpi_id"], called[row["kpi_id"]], row["section"], row["owner"] or ""]
        for place, text in enumerate(texts, start=1):
            put(line, place, text)
        put(line, 5, latest, _format(row, mark=doubt + _invented(row["status"])), look)
        put(line, 6, f"{SHAPES.get(look, '◌')} {row['rating']}{doubt}", look=look)
        put(line, 7, capitalised(terms.arrow_of(row)))
        for place, name in ((8, "target"), (9, "floor_standard")):
            put(
                line,
                place,
                float(row[name]) if is_number(row[name]) else None,
                _format(row, name, _invented(row["target_status"])),
            )
        marked = "" if row["status"] == "final" else f" ({row['status']})"
        put(line, 10, f"{row['period']}{marked if number else ''}")
        at = {point["due_quarter"]: point for point in points[row["kpi_id"]]}
        for place, label in enumerate(quarters, start=_FIRST_QUARTER):
            point = at.get(label)
            if point is None or not is_number(point["value"]):
                put(
                    line,
                    place,
                    point["milestone"]
                    if point and isinstance(point.get("milestone"), str)
                    else None,
                )
                continue
            look = colours.get(point["rating"], "not-rated")
            put(
                line,
                place,
                float(point["value"]),
                _format(point, mark=f" {SHAPES.get(look, '◌')}{_invented(point['status'])}"),
                look,
                pale=True,
            )
    sheet.freeze_panes = "C2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.cell(
        sheet.max_row + 2, 2, "† illustrative: invented to complete the picture. ? in doubt."
    )
    sheet.print_title_rows = "1:1"
    fit_to_width(sheet)


def _invented(status: Any) -> str:
    return " †" if status == ILLUSTRATIVE else ""


def _format(row: Row, line: str = "", mark: str = "") -> str:
    """The number format of a figure, with the mark of its rating behind it: the cell stays a number."""
    decimals = int(row["decimals"])
    if line and is_number(row[line]):  # a line keeps its own decimals
        decimals = max(decimals, len(f"{row[line]:.6f}".rstrip("0").partition(".")[2]))
    number = "#,##0" + (f".{'0' * decimals}" if decimals else "")
    before = '"£"' if str(row["unit"]).startswith(MONEY) else ""
    words = f" {unit_words(row['unit'])}".rstrip() if before else ""
    after = ("%" if row["unit"] == "%" else words) + mark
    return f'{before}{number}"{after}"' if after else f"{before}{number}"


def _charts(
    book: Any, sheet: Any, kpis: pd.DataFrame, recent: pd.DataFrame, returns: Returns
) -> None:
    """A chart for each KPI of a section, over the rows of the sheet Quarters: figures, target, floor standard."""
    from openpyxl.chart import LineChart, Reference
    from openpyxl.chart.series import SeriesLabel
    from openpyxl.chart.shapes import GraphicalProperties
    from openpyxl.drawing.line import LineProperties
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    quarters, terms = book["Quarters"], Terms(returns.council)
    columns = {str(name): place for place, name in enumerate(recent.columns, start=1)}
    lines = recent.reset_index(drop=True).groupby("kpi_id", sort=False).indices
    sheet["A1"] = safe_text(f"{kpis['section'].iloc[0]}: last figures")
    sheet["A1"].font = Font(bold=True, size=14)
    shown = [
        row
        for row in rows_of(kpis)
        if any(is_number(v) for v in recent["value"].iloc[lines[row["kpi_id"]]])
    ]
    called = names(kpis, short=True)
    for number, row in enumerate(shown):
        first, last = lines[row["kpi_id"]][0] + 2, lines[row["kpi_id"]][-1] + 2
        chart = LineChart()
        chart.title = f"{called[row['kpi_id']]} ({row['kpi_id']}), {row['unit'] or 'number'}"[:120]
        chart.width, chart.height = _WIDE, _HIGH
        chart.x_axis.delete = chart.y_axis.delete = False
        chart.legend.position = "b"
        chart.y_axis.majorGridlines.spPr = GraphicalProperties(
            ln=LineProperties(solidFill="D3D8DD")
        )
        styles = (
            ("value", "Figure", BLUE, "solid"),
            ("target", terms.head("target"), INK, "dash"),
            ("floor_standard", terms.head("floor_standard"), INK, "sysDot"),
        )
        for name, title, colour, dash in styles:
            if name != "value" and not is_number(row[name]):
                continue
            at = columns[name]
            chart.add_data(Reference(quarters, min_col=at, min_row=first, max_row=last))
            series = chart.series[-1]
            series.tx = SeriesLabel(v=title)
            series.graphicalProperties.line.solidFill = colour[1:]
            series.graphicalProperties.line.dashStyle = dash
            series.marker.symbol = "circle" if name == "value" else "none"
            series.smooth = False
        chart.set_categories(
            Reference(quarters, min_col=columns["quarter"], min_row=first, max_row=last)
        )
        column = get_column_letter(1 + number % _ACROSS * 9)
        sheet.add_chart(chart, f"{column}{3 + number // _ACROSS * 16}")
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "portrait", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
