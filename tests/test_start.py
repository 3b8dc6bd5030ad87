"""`kpi start --from`: workbooks as councils have them become folders with the same figures."""

import csv
import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.styles import PatternFill

from kpi_tools.collect.periods import find_period
from kpi_tools.collect.start import import_quarter, start_empty, start_from
from kpi_tools.errors import InputError
from kpi_tools.loading import load, quarters_with_returns, read_returns
from kpi_tools.quarters import Quarter

FILLS = {
    name: PatternFill("solid", start_color=colour)
    for name, colour in (("Green", "FF00B050"), ("Amber", "FFFFC000"), ("Red", "FFFF0000"))
}
KPIS = [  # name, kind of figure, better (1 higher, -1 lower), target
    ("Percentage of household waste recycled", "%", 1, 50),
    ("Missed bins per 100,000 collections", "rate per 100,000", -1, 60),
    ("Average number of days to re-let a home", "days", -1, 28),
    ("Council tax collected (%)", "%", 1, 97),
    ("Number of fly-tips reported", "count", -1, 400),
]
SHARES = (0.85, 0.93, 0.97, 1.0, 1.02)
QUARTERS = [f"Q{number} 2024/25" for number in range(1, 5)]
LABELS = [f"2024-25 Q{number}" for number in range(1, 5)]


def figure(kpi: tuple[Any, ...], place: int) -> float:
    """The figure of a KPI at a place: some meet its target, some come near, some are far off."""
    _, unit, way, target = kpi
    share = SHARES[(place * 2 + target) % len(SHARES)]
    value = target * (share if way > 0 else 2 - share)
    return round(value) if unit == "count" else round(min(value, 100) if unit == "%" else value, 1)


def rating(value: float, target: float, way: int, amber: float = 0.1) -> str:
    """Green at the target, Amber within so much of it, else Red: by hand."""
    if way * (value - target) >= 0:
        return "Green"
    return "Amber" if way * (value - target) >= -amber * target else "Red"


def saved(
    path: Path, rows: Iterable[Iterable[Any]], change: Callable[[Any], object] = lambda sheet: None
) -> Path:
    book = Workbook()
    book.active.title = "KPIs"
    for row in rows:
        book.active.append(list(row))
    change(book.active)
    book.save(path)
    return path


def triples(path: Path) -> Path:
    """Title rows, a code, actual, target and status for each quarter, a comment, notes below."""
    names = [f"{quarter} {what}" for quarter in QUARTERS for what in ("actual", "target", "RAG")]
    rows: list[list[Any]] = [
        ["Anyborough (illustrative)"],
        ["Performance 2024/25"],
        [],
        ["Ref", "Indicator", "Priority", "Lead officer", *names, "Comment"],
    ]
    for at, kpi in enumerate(KPIS):
        row: list[Any] = [f"PI{at}", kpi[0], "Clean" if at < 3 else "Fair", "Head of Service"]
        for place in range(4):
            value = figure(kpi, place)
            row += [value, kpi[3], rating(value, kpi[3], kpi[2])[0]]
        rows.append([*row, f"Comment {at} {{braces}}\n• bullet ‘quoted’"])
    rows[5][4], rows[5][6] = "TBC", "n/a"
    return saved(path, [*rows, [], ["Note: RAG is green at target, amber within 10%"]])


def months(path: Path) -> Path:
    """Months as dates, in words what is good, in-month beside the year to date, arrows."""
    head = ["KPI", "Unit", "Good is", "Service", "Target"]
    days = [dt.date(2024 + (month > 9), (month + 2) % 12 + 1, 1) for month in range(1, 13)]
    rows: list[list[Any]] = [["Scorecard 2024/25"], [*head, *days, "Year to date", "DoT"]]
    for kpi in KPIS[:4]:
        values = [figure(kpi, place) for place in range(12)]
        rows.append(
            [kpi[0], kpi[1], "High" if kpi[2] > 0 else "Low", "Place", kpi[3], *values, 7.5, "↑"]
        )
    return saved(path, rows, _as_months)


def _as_months(sheet: Any) -> None:
    for cell in sheet[2][5:17]:
        cell.number_format = "mmm-yy"


def colours(path: Path) -> Path:
    """Merged section rows, year as the sheet's name, ratings as fills, percentages as shares."""
    book = Workbook()
    sheet = book.active
    sheet.title = "2024-25"
    sheet.append(["Measure", "Target 2024/25", "Q1", "Q2", "Q3", "Q4"])
    for section, kpis in (("Clean", KPIS[:3]), ("Fair", KPIS[3:])):
        sheet.append([section])
        sheet.merge_cells(f"A{sheet.max_row}:F{sheet.max_row}")
        for kpi in kpis:
            values = [figure(kpi, place) for place in range(4)]
            scale = 100 if kpi[1] == "%" else 1
            sheet.append([kpi[0], kpi[3] / scale, *(value / scale for value in values)])
            for cell, value in zip(sheet[sheet.max_row][2:], values, strict=True):
                cell.fill = FILLS[rating(value, kpi[3], kpi[2])]
            for cell in sheet[sheet.max_row][1:] if scale == 100 else ():
                cell.number_format = "0.0%"
    book.save(path)
    return path


def groups(path: Path) -> Path:
    """Two sheets and a cover, periods merged over triples, headings again half way, texts."""
    book = Workbook()
    book.active.append(["Pack, Quarter 4 2024/25"])
    for name, kpis in (("Place", KPIS[:3]), ("People", KPIS[3:])):
        sheet = book.create_sheet(name)
        periods = [text for quarter in QUARTERS for text in (quarter, None, None)]
        heads: list[list[Any]] = [
            ["No.", "What we measure", "Polarity", *periods, "2023/24 outturn"],
            [None, None, None, *("Actual", "Target", "Status") * 4],
        ]
        for row in heads:
            sheet.append(row)
        for area in ("D1:F1", "G1:I1", "J1:L1", "M1:O1"):
            sheet.merge_cells(area)
        for at, kpi in enumerate(kpis):
            row = [f"{name[:2]}{at}", kpi[0], "▲" if kpi[2] > 0 else "▼"]
            for value in (figure(kpi, place) for place in range(4)):
                row += [f"{value:,}{'%' * (kpi[1] == '%')} →"]
                row += [f"{'≥' if kpi[2] > 0 else '<'}{kpi[3]}", rating(value, kpi[3], kpi[2])]
            sheet.append([*row, 12.5])
            if at == 0:
                for head in heads:
                    sheet.append(head)
    book.save(path)
    return path


def across(path: Path) -> Path:
    """Periods down and KPIs across."""
    rows = [["Quarter", *(kpi[0] for kpi in KPIS)], ["Target", *(kpi[3] for kpi in KPIS)]]
    rows += [[q, *(figure(kpi, place) for kpi in KPIS)] for place, q in enumerate(QUARTERS)]
    return saved(path, rows)


def down(path: Path) -> Path:
    """One row for each KPI and quarter, the first cell merged down."""
    rows: list[list[Any]] = [["Indicator", "Period", "Result", "Target", "RAG rating"]]
    for kpi in KPIS:
        for place, quarter in enumerate(QUARTERS):
            value, name = figure(kpi, place), kpi[0] if not place else None
            rows.append([name, quarter, value, kpi[3], rating(value, kpi[3], kpi[2])])
    merged = [f"A{line}:A{line + 3}" for line in range(2, 22, 4)]
    return saved(path, rows, lambda sheet: [sheet.merge_cells(area) for area in merged])


BANDS = "Green: target; Amber: target within 10%; Red"


def answered(mapping: Path) -> None:
    """Fill in what could not be told, as who knows the council would."""
    book = load_workbook(mapping)
    ways = {name: "higher" if way > 0 else "lower" for name, _, way, _ in KPIS}
    for row in book["To fill in"].iter_rows(min_row=2):
        answers = {"polarity": ways.get(row[2].value), "target_covers": "quarter", "bands": BANDS}
        row[4].value = answers[row[3].value]
    book.save(mapping)


def begun(tmp: Path, workbook: Path, *bands: str) -> tuple[Path, list[str]]:
    """The raw folder after one run, or two with the answers between; quicker where bands are given."""
    started = start_from("Anyborough", workbook, tmp / "data", *bands)
    if not started.quarter:
        assert not (started.folder / "raw").exists()
        answered(started.folder / "mapping.xlsx")
        started = start_from("Anyborough", workbook, tmp / "data", *bands)
    return started.folder / "raw", started.lines


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """The raw folder that a workbook becomes, and what was told; made once, to be read only."""

    @cache
    def make(write: Callable[[Path], Path]) -> tuple[Path, list[str]]:
        folder = tmp_path_factory.mktemp(write.__name__)
        return begun(folder, write(folder / "wide.xlsx"))

    return make


@pytest.mark.parametrize(("write", "kpis", "figures", "left", "ratings"), [
    (triples, KPIS, 19, 0, 19),
    (months, KPIS[:4], 48, 4, 0),
    (colours, KPIS, 20, 0, 20),
    (groups, KPIS, 20, 5, 20),
    (across, KPIS, 20, 0, 0),
    (down, KPIS, 20, 0, 20),
], ids=lambda one: getattr(one, "__name__", ""))  # fmt: skip
def test_a_wide_workbook_becomes_a_folder(folder_of, write, kpis, figures, left, ratings):
    raw, lines = folder_of(write)
    account = f"Figures in the workbook {figures + left} = {figures} taken + {left} left"
    assert account in "\n".join(lines)
    returns = load(raw, "2024-25 Q4")
    assert returns.rejected.empty
    facts = returns.catalogue[["kpi_name", "unit", "polarity"]].itertuples(index=False, name=None)
    assert [*facts] == [(kpi[0], kpi[1], "higher" if kpi[2] > 0 else "lower") for kpi in kpis]
    table, when = (returns.months, "month") if write is months else (returns.figures, "quarter")
    days = [f"{2024 + (month > 9)}-{(month + 2) % 12 + 1:02}" for month in range(1, 13)]
    periods = days if write is months else LABELS
    names = dict(zip(returns.catalogue["kpi_id"], kpis, strict=True))
    found = table[table["value"].notna()].to_dict("records")
    assert len(found) == figures
    for row in found:
        kpi = names[row["kpi_id"]]
        assert row["value"] == pytest.approx(figure(kpi, periods.index(row[when])), rel=1e-12)
        assert row["target"] == kpi[3]
    page = (raw.parent / "differences.html").read_text(encoding="utf-8")
    if ratings:
        assert f"Ratings: {ratings} of {ratings} as in the workbook" in lines[-1]
        assert "target within 10%" in (raw / "council.toml").read_text(encoding="utf-8")
        assert f"{ratings} of {ratings} ratings in the workbook are ours as well" in page
    else:
        assert "The workbook has no rating beside a figure" in page


def test_words_sections_and_owners_come_along(folder_of):
    raw, _ = folder_of(triples)
    with (raw / "commentary" / "2024-25-Q4.csv").open(encoding="utf-8") as file:
        texts = [row["commentary"] for row in csv.DictReader(file)]
    assert texts == [f"Comment {at} {{{{braces}}}}\n• bullet ‘quoted’" for at in range(5)]
    returns = load(raw)
    assert returns.council.sections == ("Clean", "Fair")
    assert set(returns.catalogue["owner"]) == {"Head of Service"}
    sections = load(folder_of(colours)[0]).catalogue["section"]
    assert sections.tolist() == ["Clean"] * 3 + ["Fair"] * 2


def test_each_decision_stands_in_the_mapping_and_an_answer_goes_before_it(tmp_path):
    workbook = months(tmp_path / "wide.xlsx")
    started = start_from("Anyborough", workbook, tmp_path)
    mapping = started.folder / "mapping.xlsx"
    book = load_workbook(mapping)
    columns = {
        row[1].value: [cell.value for cell in row] for row in book["Columns"].iter_rows(min_row=2)
    }
    assert columns["F"][2:6] == ["2024-04", "actual", "2024-04", "certain"]
    assert columns["R"][3] == "cumulative" and columns["S"][3] == "direction"
    assert len(columns) == 19
    for row in book["Columns"].iter_rows(min_row=2):
        if row[1].value in "FGH":
            row[3].value = "ignore"
    book.save(mapping)
    answered(mapping)
    started = start_from("Anyborough", workbook, tmp_path)
    assert "Figures in the workbook 40 = 36 taken + 4 left" in "\n".join(started.lines)


def wide_with(tmp_path: Path, change: Callable[[Any], None]) -> Path:
    path = triples(tmp_path / "wide.xlsx")
    book = load_workbook(path)
    change(book.active)
    book.save(path)
    return path


def _all(cell: str, value: object) -> Callable[[Any], None]:
    return lambda sheet: sheet.__setitem__(cell, value)


def test_numbers_that_begin_anew_are_no_codes(tmp_path):
    book = Workbook()
    for name, kpis in (("Place", KPIS[:3]), ("People", KPIS[3:])):
        sheet = book.create_sheet(name)
        sheet.append(["No.", "Measure", "Target", *QUARTERS])
        for number, kpi in enumerate(kpis, start=1):
            sheet.append([number, kpi[0], kpi[3], *(figure(kpi, place) for place in range(4))])
    book.save(tmp_path / "wide.xlsx")
    raw, _ = begun(tmp_path, tmp_path / "wide.xlsx", BANDS)
    kpis = load(raw).catalogue
    assert kpis["kpi_id"].tolist() == ["K01", "K02", "K03", "K04", "K05"]
    assert kpis["section"].tolist() == ["Place"] * 3 + ["People"] * 2


@pytest.mark.parametrize("heads", [("PI", "Description"), (None, None)])
def test_codes_are_no_names_whatever_stands_above_them(tmp_path, heads):
    rows = [[*heads, *QUARTERS, "Target"], ["HOUSING", None, None, None, None, None, None]]
    rows += [["H1", "Days to re-let a home", 30, 29, 28, 27, 28]]
    rows += [["H2", "Repairs completed first time (%)", 90, 91, 92, 93, 95], ["WASTE"]]
    rows += [["W1", "Fly tips removed in 24 hours (%)", 95, 94, 93, 96, 97]]
    started = start_from("Anyborough", saved(tmp_path / "wide.xlsx", rows), tmp_path, BANDS)
    book = load_workbook(started.folder / "mapping.xlsx")
    for row in book["To fill in"].iter_rows(min_row=2):
        row[4].value = {"polarity": "higher", "unit": "%"}[row[3].value]
    book.save(started.folder / "mapping.xlsx")
    started = start_from("Anyborough", tmp_path / "wide.xlsx", tmp_path, BANDS)
    kpis = read_returns(started.folder / "raw").catalogue
    assert kpis["kpi_id"].tolist() == ["H1", "H2", "W1"]
    assert kpis["kpi_name"].tolist() == [rows[2][1], rows[3][1], rows[5][1]]
    assert kpis["section"].tolist() == ["HOUSING", "HOUSING", "WASTE"]


def test_a_duration_is_read_and_a_target_that_is_not_is_asked_for(tmp_path):
    rows = [["Ref", "Indicator", "Target", *QUARTERS[:2]]]
    rows += [["F2", "Average call wait", "3:30", "4:15", "3:20"]]
    rows += [["F3", "Re-let of homes (days)", "26 to 28", 27, 25]]
    rows += [["F4", "Emissions (tCO2e)", 100, 90, 95]]
    saved(tmp_path / "wide.xlsx", rows)
    started = start_from("Anyborough", tmp_path / "wide.xlsx", tmp_path / "data", BANDS)
    book = load_workbook(started.folder / "mapping.xlsx")
    asked = {(row[1], row[3]) for row in book["To fill in"].iter_rows(min_row=2, values_only=True)}
    assert asked >= {("f3", "rated")} and not asked & {("f2", "rated"), ("f4", "unit")}
    for row in book["To fill in"].iter_rows(min_row=2):
        row[4].value = {"polarity": "lower", "rated": "no", "target_covers": "quarter"}[
            row[3].value
        ]
    book.save(started.folder / "mapping.xlsx")
    started = start_from("Anyborough", tmp_path / "wide.xlsx", tmp_path / "data", BANDS)
    returns = read_returns(started.folder / "raw")
    assert returns.catalogue["unit"].tolist()[::2] == ["minutes", "tCO2e"]
    figures = returns.figures.query("kpi_id == 'F2'")
    assert figures["value"].round(3).tolist() == [4.25, 3.333]
    assert returns.targets.set_index("kpi_id")["target"]["F2"] == 3.5


def taken_for(tmp_path: Path, rows: list[list[Any]]) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What the columns of a sheet are taken for by heading, and the KPIs as the mapping has them."""
    tmp_path.mkdir(exist_ok=True)
    started = start_from("Anyborough", saved(tmp_path / "wide.xlsx", rows), tmp_path, BANDS)
    book = load_workbook(started.folder / "mapping.xlsx")
    tables = {}
    for sheet in book:
        heads, *cells = [row for row in sheet.iter_rows(values_only=True) if any(row)]
        tables[sheet.title] = [dict(zip(heads, row, strict=True)) for row in cells]
    return {one["heading"]: one["taken_for"] for one in tables["Columns"]}, tables["KPIs"]


def test_marks_of_footnotes_and_thresholds_of_bands_are_headings_all_the_same(tmp_path):
    heads = ["Indicator", "Target*", "Amber threshold¹", *QUARTERS[:2]]
    columns, _ = taken_for(tmp_path / "a", [heads, ["Waste recycled (%)", 50, 45, 48, 51]])
    assert [*columns.values()] == ["kpi_name", "target", "floor_standard", "actual", "actual"]
    heads[1] = "Green threshold"
    columns, _ = taken_for(tmp_path / "b", [heads, ["Waste recycled (%)", 50, 45, 48, 51]])
    assert columns["Green threshold"] == "target"


def test_a_name_that_begins_as_a_code_is_a_name_where_the_others_have_none(tmp_path):
    names = ["Stage 2 complaints answered (%)", "CO2 emissions of fleet (%)", "Calls answered (%)"]
    _, kpis = taken_for(tmp_path / "a", [["KPI", *QUARTERS[:2]], *([one, 5, 6] for one in names)])
    assert [one["kpi_name"] for one in kpis] == names
    names = ["C1 Complaints answered (%)", "C2: Emissions of fleet (%)", "C3 - Calls answered (%)"]
    _, kpis = taken_for(tmp_path / "b", [["KPI", *QUARTERS[:2]], *([one, 5, 6] for one in names)])
    assert [one["kpi_id"] for one in kpis] == ["C1", "C2", "C3"]


def test_a_target_in_words_is_asked_for_and_tables_below_each_other_are_sections(tmp_path):
    heads = ["Measure", "Q3 2024/25", "Target", "RAG"]
    rows = [["Theme 1: Homes"], heads, ["Empty homes (%)", 12, "Top quartile", "G"], []]
    rows += [["Theme 2: Streets"], heads, ["Fly-tips cleared (%)", 97, 95, "G"]]
    _, kpis = taken_for(tmp_path, rows)
    assert [one["section"] for one in kpis] == ["Theme 1: Homes", "Theme 2: Streets"]
    assert kpis[0]["rated"] is None and 'rated: its target "Top quartile"' in kpis[0]["why"]


# fmt: off
@pytest.mark.parametrize(("heading", "means"), [
    ("Q3 forecast 24/25", "forecast"), ("Projected outturn 2024/25", "forecast"),
    ("Stretch target", "ignore"), ("Last year's target", "previous"), ("Standard", "target"),
    ("Previous year outturn", "previous"), ("Previous quarter RAG", "previous"),
    ("Previous year actual 2023/24", "actual"), ("Q1 actual last year", "previous"),
    ("Direction of good", "polarity"), ("Good?", "polarity"), ("Freq", "frequency"),
    ("Target (%)", "target"), ("This quarter", "actual"),
])  # fmt: on
def test_a_heading_of_another_time_or_kind_is_no_figure_of_the_period(tmp_path, heading, means):
    rows = [["Performance, Quarter 2 2024/25"], ["Indicator", *QUARTERS[:2], heading]]
    columns, _ = taken_for(tmp_path, [*rows, ["Waste recycled (%)", 48, 51, 50]])
    assert columns[heading] == means


def test_what_headings_say_of_basis_unit_and_polarity_is_not_asked_for(tmp_path):
    rows = [["Measure", "Polarity", "12 months to Mar 2024 (%)", "12 months to Mar 2025 (%)"]]
    _, kpis = taken_for(tmp_path, [*rows, ["Burglaries solved", "H", 6, 7], ["Late", "L", 5, 4]])
    assert {(one["basis"], one["unit"]) for one in kpis} == {("rolling_12_months", "%")}
    assert [one["polarity"] for one in kpis] == ["higher", "lower"]


def targets_of(tmp_path: Path, rows: list[list[Any]]) -> tuple[set[Any], list[Any]]:
    """What is asked for, and the periods that columns of targets were taken for."""
    tmp_path.mkdir(exist_ok=True)
    started = start_from("Anyborough", saved(tmp_path / "wide.xlsx", rows), tmp_path, BANDS)
    book = load_workbook(started.folder / "mapping.xlsx")
    asked = {row[3] for row in book["To fill in"].iter_rows(min_row=2, values_only=True)}
    columns = book["Columns"].iter_rows(min_row=2, values_only=True)
    return asked, [row[4] for row in columns if row[3] == "target"]


def test_a_target_of_a_year_is_none_of_every_quarter_and_one_in_a_name_is_asked_for(tmp_path):
    heads, row = ["Measure", "Good is", *QUARTERS[:2]], ["Homes built", "High", 20, 30]
    asked, periods = targets_of(tmp_path / "a", [[*heads, "Annual target"], [*row, 100]])
    assert asked == {"target_covers"} and periods == ["2024/25"]
    rows = [[*heads, "Target", "Target 2023/24"], [*row, 30, 25]]
    assert targets_of(tmp_path / "b", rows) == ({"period", "target_covers"}, [None, "2023/24"])
    rows = [[*heads, "Target"], ["Ratio of staff", "High", 18, 21, "1:20"]]
    assert targets_of(tmp_path / "e", rows)[0] >= {"rated"}
    rows = [heads, ["Calls answered (target 80%)", "High", "79%", "81%"]]
    assert targets_of(tmp_path / "c", rows)[0] == {"rated"}
    heads = ["Measure", "Good is", "Q1 24/25", "Q1 RAG", "Q2 24/25", "Q2 RAG", "Target"]
    rows = [heads, ["Homes built", "High", 25, "Green", 50, "Green", 100]]
    assert targets_of(tmp_path / "d", rows)[0] == {"target_covers"}


def test_a_block_for_each_kpi_has_its_name_above_and_rows_may_be_of_the_year_to_date(tmp_path):
    block = [["", "Q1", "Q2"], ["Actual", 5, 6], ["Target", 6, 6], ["RAG", "A", "G"], []]
    rows = [["Performance 2024/25 Q1-Q2"], ["Tax collected (%)"], *block, ["Late (%)"], *block]
    _, kpis = taken_for(tmp_path / "a", rows)
    assert [one["kpi_name"] for one in kpis] == ["Tax collected (%)", "Late (%)"]
    rows = [["Indicator", "Type", *QUARTERS[:2]], ["Homes", "Quarterly", 5, 6]]
    rows += [["", "YTD", 5, 11], ["", "Target YTD", 6, 12], ["", "Stretch", 9, 9]]
    columns, _ = taken_for(tmp_path / "b", rows)
    assert columns["Type"] == "row"


# fmt: off
@pytest.mark.parametrize(("heading", "period"), [
    ("Nov24", "2024-11"), ("Aug_24", "2024-08"), ("01/2025", "2025-01"), ("24/25Q2", "2024-25 Q2"),
    ("First quarter 2024/25", "2024-25 Q1"), ("2024-25 Quarter Four", "2024-25 Q4"),
])  # fmt: on
def test_a_period_is_found_however_it_is_spelt(heading, period):
    assert find_period(heading).label == period


def test_a_year_beside_a_quarter_is_one_period_and_a_target_is_of_the_year_of_its_sheet(tmp_path):
    rows = [["KPI", "Financial year", "Quarter", "Value", "Target"]]
    rows += [["Late (%)", year, f"Q{at}", 5, 6] for year in ("2023/24", "2024/25") for at in (1, 2)]
    rows[0].append("Good is")
    raw, _ = begun(tmp_path / "a", saved(tmp_path / "long.xlsx", [rows[0], *([*row, "L"] for row in rows[1:])]), BANDS)
    quarters = ["2023-24 Q1", "2023-24 Q2", "2024-25 Q1", "2024-25 Q2"]
    assert sorted(load(raw).figures["quarter"]) == quarters

    def years(sheet: Any) -> None:
        sheet.title, other = "2023-24", sheet.parent.create_sheet("2024-25")
        for row in [["KPI", "Target", "Q1", "Q2"], ["Tax collected (%)", 50, 48, 51]]:
            other.append(row)

    rows = [["KPI", "Target", "Q1", "Q2"], ["Tax collected (%)", 45, 48, 51]]
    saved(tmp_path / "years.xlsx", rows, years)
    started = start_from("Anyborough", tmp_path / "years.xlsx", tmp_path / "b", BANDS)
    columns = load_workbook(started.folder / "mapping.xlsx")["Columns"]
    found = [row[4] for row in columns.iter_rows(values_only=True) if row[3] == "target"]
    assert found == ["2023/24", "2024/25"]


def test_what_stands_beside_a_figure_or_is_of_part_of_a_year_is_not_taken_for_it(tmp_path):
    heads = ["KPI", "Q2 24/25 sample size", "2024/25 (to date)", "Q2 24/25", "RAG"]
    rows = [["Savings", 300, 9, "£1.5 million", "R ↓"], ["Fees", 400, 8, "£2 million", "● Green"]]
    columns, _ = taken_for(tmp_path, [heads, *rows])
    assert [*columns.values()] == ["kpi_name", "ignore", "cumulative", "actual", "rating"]
    assert find_period("Apr-Dec 24/25").open and find_period("Apr-Jun 24").label == "2024-25 Q1"


@pytest.mark.parametrize("target", [[], [85, 20, 50]], ids=["bands alone", "beside a target"])
def test_what_stands_below_green_and_red_are_target_and_floor_and_say_what_is_better(
    tmp_path, target
):
    heads = ["Code", "Measure", *["Target"] * bool(target)]
    rows = [[*[None] * len(heads), "RAG thresholds", None, None, "2024/25"]]
    rows.append([*heads, "Red", "Amber", "Green", "Q1", "Q2", "RAG"])
    rows += [
        ["A1", "Calls answered (%)", *target[:1], "Below 75%", "75% to 84%", "85% or more", 88, 84, "A"],
        ["A2", "Days to process", *target[1:2], ">25", "21-25", "20 or fewer", 22, 26, "R"],
        ["A3", "Waste recycled (%)", *target[2:], "<45%", "45 – 49%", "≥50%", 44, 50, "G"],
    ]
    raw, told = begun(tmp_path, saved(tmp_path / "wide.xlsx", rows))
    lines = load(raw).targets.set_index("kpi_id")[["target", "floor_standard"]]
    assert lines.to_numpy().tolist() == [[85, 75], [20, 25], [50, 45]]
    assert load(raw).catalogue["polarity"].tolist() == ["higher", "lower", "higher"]
    assert any("Ratings: 3 of 3 as in the workbook" in line for line in told)


def test_the_line_above_the_headings_is_a_section_where_others_stand_below(tmp_path):
    rows = [["Scorecard"], ["Theme: Homes"], ["Measure", *QUARTERS[:2]], ["Voids (%)", 5, 6]]
    _, kpis = taken_for(tmp_path, [*rows, ["Theme: Streets"], ["Litter (%)", 7, 8]])
    assert [one["section"] for one in kpis] == ["Theme: Homes", "Theme: Streets"]


def test_what_is_hidden_what_is_no_kpi_and_what_is_only_monitored_is_told(tmp_path):
    rows = [
        ["Ref", "Measure", "Unit", "Good is", "Target", *QUARTERS[:3]],
        ["A1", "Calls answered", "%", "High", 90, 85, 86, 95],
        ["A2", "Calls made", "Number", "", "", 40, 41, 42],
        ["Total", "", "", "", "", 125, 127, 137],
    ]

    def hide(sheet: Any) -> None:
        sheet.column_dimensions["G"].hidden = sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["Q"].hidden = sheet.row_dimensions[99].hidden = True

    raw, lines = begun(tmp_path, saved(tmp_path / "wide.xlsx", rows, hide), BANDS)
    assert '  Sheet "KPIs": read although hidden: row 3, column G.' in lines
    assert "  Only monitored, not rated: A2." in lines
    assert load(raw).catalogue["kpi_id"].tolist() == ["A1", "A2"]


def test_a_unit_of_the_councils_own_stands_and_a_rate_is_what_its_name_says(tmp_path):
    rows = [
        ["Measure", "Unit", "Good is", "Target", *QUARTERS[:3]],
        ["Carbon of buildings", "tCO2e", "Low", 90, 85, 86, 95],
        ["Missed bins per 100,000 collections", "Rate", "Low", 45, 61, 50, 44],
    ]
    raw, _ = begun(tmp_path, saved(tmp_path / "wide.xlsx", rows), BANDS)
    assert load(raw).catalogue["unit"].tolist() == ["tCO2e", "rate per 100,000"]


def test_how_a_council_rates_is_asked_where_its_words_are_not_known(tmp_path):
    """A way of rating that only the other words show would be a guess."""

    def own(sheet: Any) -> None:
        for row in sheet.iter_rows(min_row=5):
            for cell in row:
                cell.value = "Wobbling" if cell.value == "A" else cell.value

    started = start_from("Anyborough", wide_with(tmp_path, own), tmp_path)
    asked = load_workbook(started.folder / "mapping.xlsx")["To fill in"]
    texts = [str(cell.value) for row in asked.iter_rows(min_row=2) for cell in row]
    assert not started.quarter and "bands" in texts
    with pytest.raises(InputError, match="own for these colours go into council.toml"):
        start_from("Other", tmp_path / "wide.xlsx", tmp_path, "Fine: target; Wobbling")
    assert any(text.startswith('the rating "Wobbling", ') for text in texts), texts


def test_a_quarter_that_stands_beside_its_months_is_not_its_last_month(tmp_path):
    periods = ["Apr 2024", "May 2024", "Jun 2024", "Q1 2024/25"]
    rows = [["Measure", "Unit", "Good is", "Target", *periods]]
    rows.append(["Calls answered", "%", "High", 90, 80, 81, 82, 81])
    raw, _ = begun(tmp_path, saved(tmp_path / "wide.xlsx", rows), BANDS)
    returns = load(raw)
    assert returns.figures["value"].tolist() == [81]
    assert set(returns.problems["code"]) == {"commentary-none"}


def _no_figures(sheet: Any) -> None:
    for place in (5, 8, 11, 14):
        for line in range(5, 10):
            sheet.cell(line, place).value = None


def _second_headings(sheet: Any) -> None:
    for place in range(1, 18):
        heading = sheet.cell(4, place).value
        sheet.cell(12, place, str(heading).replace("Q1", "Q3").replace("Q2", "Q1"))


def _strange_ratings(sheet: Any) -> None:
    """Red and Green by turns, from each KPI's best figure to its worst."""
    for line, (_, _, way, _) in enumerate(KPIS, start=5):
        sheet.cell(line, 2).value += f" ({'higher' if way > 0 else 'lower'} is better)"
        places = [place for place in (5, 8, 11, 14) if sheet.cell(line, place).value != "TBC"]
        places.sort(key=lambda place: -way * sheet.cell(line, place).value)
        for at, place in enumerate(places):
            sheet.cell(line, place + 2).value = "RG"[at % 2]


@pytest.mark.parametrize(("change", "sentence"), [
    (_no_figures, "five KPIs and no figure of any period were found"),
    (_second_headings, "headings disagree: E4 says .Q1 2024/25 actual., E12 says .Q3 2024/25 actual."),
    (_all("A6", "PI0"), r'Two KPIs have the code "PI0": row 5 \(.*\) and row 6'),
    (_all("H4", "Q5 2024/25 actual"), r'heading "Q5 2024/25 actual" \(H4\) cannot be: there is no quarter 5'),
    (_strange_ratings, "follow from no scheme: of .* tried, the best .* gives"),
], ids=["figures", "headings", "code", "period", "ratings"])  # fmt: skip
def test_what_cannot_be_taken_is_a_sentence_and_nothing_written(tmp_path, change, sentence):
    workbook = wide_with(tmp_path, change)
    with pytest.raises(InputError, match=sentence):
        start_from("Anyborough", workbook, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_mapping_of_another_workbook_and_a_folder_that_is_there(tmp_path):
    started = start_from("Anyborough", months(tmp_path / "wide.xlsx"), tmp_path / "data")
    before = (started.folder / "mapping.xlsx").read_bytes()
    with pytest.raises(InputError, match="mapping.xlsx is of another workbook than wide2.xlsx"):
        start_from("Anyborough", triples(tmp_path / "wide2.xlsx"), tmp_path / "data")
    assert [path.name for path in started.folder.iterdir()] == ["mapping.xlsx"]
    assert (started.folder / "mapping.xlsx").read_bytes() == before
    shutil.rmtree(started.folder)
    raw, _ = begun(tmp_path, triples(tmp_path / "wide2.xlsx"), BANDS)
    with pytest.raises(InputError, match="is there already, and nothing was changed"):
        start_from("Anyborough", tmp_path / "wide2.xlsx", tmp_path / "data")
    assert quarters_with_returns(raw)


LETTERS = st.text("abcdefghijklmnoprstuvw ", min_size=8, max_size=25)
WORDS = LETTERS.map(str.strip).filter(lambda text: len(text) > 6)


@st.composite
def councils(draw: st.DrawFn) -> list[dict[str, Any]]:
    """KPIs with a name, a unit, a target and figures of some quarters."""
    names = draw(st.lists(WORDS, min_size=2, max_size=6, unique_by=lambda t: " ".join(t.split())))
    number = st.integers(2, 999).map(lambda n: n / 10)
    some = st.dictionaries(st.sampled_from(LABELS), number, min_size=1)
    names = [" ".join(f"Rate of {name}".split()) for name in names]
    return [{"name": name, "target": draw(number), "figures": draw(some)} for name in names]


@settings(
    max_examples=settings.default.max_examples // 6,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(kpis=councils(), order=st.permutations(range(6)))
def test_any_folder_survives_a_wide_workbook(tmp_path, kpis, order):
    place = tmp_path / "any"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    heads = ["Indicator", "Unit", "Target", "Polarity", "Owner", "Priority"]
    rows = [[*(heads[at] for at in order), *QUARTERS]]
    for kpi in kpis:
        cells = [kpi["name"], "days", kpi["target"], "Higher is better", "Head of Waste", "Fair"]
        rows.append([*(cells[at] for at in order), *(kpi["figures"].get(q) for q in LABELS)])
    workbook = place / "wide.csv"
    with workbook.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    started = start_from("Any", workbook, place, "Green: target; Red")
    assert started.quarter
    returns = load(started.folder / "raw")
    figures = returns.figures[returns.figures["value"].notna()]
    ids = dict(zip(returns.catalogue["kpi_name"], returns.catalogue["kpi_id"], strict=True))
    assert list(ids) == [kpi["name"] for kpi in kpis]
    assert {(row.kpi_id, row.quarter): row.value for row in figures.itertuples()} == {
        (ids[kpi["name"]], q): value for kpi in kpis for q, value in kpi["figures"].items()
    }
    assert returns.targets["target"].tolist() == [kpi["target"] for kpi in kpis]


def test_a_workbook_is_a_folder_of_tables(tmp_path):
    """council.xlsx, filled in by hand, is read as it is; a report knows what had come by then."""
    raw = start_empty("Anyborough", tmp_path).folder / "raw"
    book = load_workbook(raw / "council.xlsx")
    assert book.sheetnames == ["KPIs", "Targets", "Actions", "Figures"]
    bins = {"kpi_id": "A1", "kpi_name": "Bins emptied", "section": "Our first section"}
    lorry = {"action_id": "A1-1", "kpi_id": "A1", "action": "Another lorry"}
    first, second = "2024-25 Q1", "2024-25 Q2"
    figures = [(first, 88, first), (first, 89, second), (second, 140, second)]
    rows: dict[str, list[dict[str, Any]]] = {
        "KPIs": [bins | {"unit": "%", "polarity": "higher"}],
        "Targets": [{"kpi_id": "A1", "target": 90, "floor_standard": 80}],
        "Actions": [lorry | {"from_quarter": second}],
        "Figures": [
            {"kpi_id": "A1", "period": of, "value": value, "received": when}
            for of, value, when in figures
        ],
    }
    for name, lines in rows.items():
        heads = {cell.value: cell for cell in book[name][1]}
        assert all(cell.comment and cell.comment.text for cell in heads.values())
        for line, row in enumerate(lines, start=2):
            for column, value in row.items():
                book[name].cell(line, heads[column].column, value)
    heads["received"].value = " Received"
    book["Figures"].insert_rows(1)
    book["Figures"]["A1"] = "Figures of Anyborough"
    book.save(raw / "council.xlsx")
    assert [one.label for one in quarters_with_returns(raw)] == ["2024-25 Q1", "2024-25 Q2"]
    early, late = read_returns(raw, first), read_returns(raw, second)
    assert early.figures["value"].tolist() == [88] and late.figures["value"].tolist() == [89]
    assert late.actions["action"].tolist() == ["Another lorry"] and early.actions.empty
    (fault,) = late.problems[late.problems["severity"] == "error"].to_dict("records")
    place = ("council.xlsx", "Figures", 5, "value (C)", "value-above-100")
    assert tuple(fault[name] for name in ("file", "sheet", "row", "column", "code")) == place
    book["Figures"]["H4"].value = "in May"
    book.save(raw / "council.xlsx")
    assert "table-received" in set(read_returns(raw, first).problems["code"])


def test_the_next_quarter_comes_from_the_same_workbook(tmp_path):
    raw, _ = begun(tmp_path, triples(tmp_path / "wide.xlsx"), BANDS)
    book = load_workbook(tmp_path / "wide.xlsx")
    sheet = book.active
    sheet.insert_cols(5, 3)
    for place, what in enumerate(("actual", "target", "RAG"), start=5):
        sheet.cell(4, place, f"Q1 2025/26 {what}")
    sheet.cell(4, 4, "Officer")
    for line in range(5, 10):
        sheet.cell(line, 5, line * 10)
    sheet["F6"] = 61
    sheet["H5"] = 44.4  # Quarter 1 2024/25 of the first KPI, restated
    sheet.cell(10, 1, "PI9")
    sheet.cell(10, 2, "A new measure")
    sheet.cell(10, 5, 3)
    book.save(tmp_path / "wide.xlsx")
    lines, files = import_quarter(raw, Quarter(2025, 1), tmp_path / "wide.xlsx")
    text = "\n".join(lines)
    assert 'no longer there: "Lead officer"' in text and 'new: "Officer" (D)' in text
    assert "Target of PI1: 61 in the workbook, 60 in targets.csv, which stays." in text
    assert text.count("Target of") == 1
    assert 'Not in kpis.csv, and left: "A new measure" (row 10)' in text
    assert "six figures new by Quarter 1 2025/26, 1 of them other than known before" in text
    found = load(raw, "2025-26 Q1").figures.set_index(["kpi_id", "quarter"])["value"]
    assert [found[f"PI{at}", "2025-26 Q1"] for at in range(5)] == [50, 60, 70, 80, 90]
    assert found["PI0", "2024-25 Q1"] == 44.4
    with pytest.raises(InputError, match="is there already, and nothing was changed"):
        import_quarter(raw, Quarter(2025, 1), tmp_path / "wide.xlsx")
    sheet["A5"], sheet["A6"] = "PI1", "PI0"
    book.save(tmp_path / "wide.xlsx")
    with pytest.raises(InputError, match=f'row 5: the code PI1 .* "{KPIS[0][0]}", which is PI0'):
        import_quarter(raw, Quarter(2025, 2), tmp_path / "wide.xlsx")


def test_the_reason_why_a_quarter_has_no_figure_is_imported(tmp_path):
    rows = [["Ref", "Measure", "Unit", "Good is", "Target", QUARTERS[0]]]
    rows += [["A1", "Calls", "%", "High", 90, 85], ["A2", "Visits", "Number", "High", 9, 7]]
    raw, _ = begun(tmp_path, saved(tmp_path / "wide.xlsx", rows), BANDS)
    rows = [[*rows[0][:5], QUARTERS[1]], [*rows[1][:5], 86], [*rows[2][:5], "<5"]]
    lines, files = import_quarter(raw, Quarter(2024, 2), saved(tmp_path / "wide.xlsx", rows))
    assert "one figure new by Quarter 2 2024/25" in "\n".join(lines)
    found = load(raw, "2024-25 Q2").submissions.set_index(["kpi_id", "period"])["status"]
    assert found["A2", "2024-25 Q2"] == "suppressed"
