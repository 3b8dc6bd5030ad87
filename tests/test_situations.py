"""Situations that people who report on performance meet: what must happen to small councils that have them."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from kpi_tools.loading import ReturnsError, load, read_returns
from kpi_tools.report import make_report
from kpi_tools.report.process import Worker
from kpi_tools.scorecard import counts, earlier_reports, recent_quarters, score
from kpi_tools.scorecard.changes import movement
from tests.small_council import make_council, quarters

QUARTER = "2024-25 Q3"
HERE = "2024-25-Q3"
STEADY = [(HERE, "W", label, 44 + at) for at, label in enumerate(quarters("2022-23 Q4", 8))]
WASTE = {"kpi_id": "W", "kpi_name": "Waste recycled"}
FIFTY = {"kpi_id": "W", "target": 50, "floor_standard": 45}


def row_of(raw: Path, kpi_id: str, quarter: str = QUARTER):
    returns = load(raw, quarter)
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    return kpis.loc[kpi_id]


def page_of(raw: Path, out: Path, worker: Worker) -> str:
    made = make_report(QUARTER, raw, out, worker=worker)
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    return " ".join(re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.S).split())


# A percentage that may pass 100


RENT = [99.1, 100.64, 99.8, 98.9, 100.2, 101.15, 100.4, 102.44]


def rent(raw: Path, **kpi: object) -> Path:
    figures = [
        (HERE, "R", label, value)
        for label, value in zip(quarters("2022-23 Q4", 8), RENT, strict=True)
    ]
    targets = [FIFTY, {"kpi_id": "R", "target": 100, "floor_standard": 98}]
    kpis = [{"kpi_id": "R", "kpi_name": "Rent collected", "decimals": 2, **kpi}, WASTE]
    return make_council(raw, kpis, [*figures, *STEADY], targets)


def test_a_percentage_above_100_is_an_error_that_says_how_to_declare_it(tmp_path):
    with pytest.raises(ReturnsError) as caught:
        load(rent(tmp_path))
    above = caught.value.problems.query("severity == 'error'")
    assert above["code"].tolist() == ["value-above-100"] * 5
    assert above["remedy"].str.contains("range.*kpis.csv|kpis.csv.*range").all()


def test_one_that_may_is_read_rated_and_written_like_any_other(tmp_path, worker):
    raw = rent(tmp_path / "raw", range="0..")
    book = Workbook()
    book.active.append(["kpi_id", "period", "value", "numerator", "denominator"])
    book.active.append(["R", QUARTER, 1.0244, 2_110_264, 2_060_000])
    book.active["C2"].number_format = "0.00%"
    place = raw / "returns" / HERE / "all.csv"
    rows = place.read_text(encoding="utf-8").splitlines()
    place.write_text("\n".join(row for row in rows if not row.endswith(",102.44")) + "\n")
    book.save(raw / "returns" / HERE / "rent.xlsx")
    row = row_of(raw, "R")
    assert row["rating"] == "Green" and row["value"] == pytest.approx(102.44)
    assert "102.44%" in page_of(raw, tmp_path / "out", worker)


# Annual and half-yearly


def yearly(raw: Path) -> Path:
    pupils = {"kpi_id": "P", "kpi_name": "Pupils", "frequency": "annual", "due": "Q2"}
    pupils |= {"year_ends": "08-31"}
    tenants = {"kpi_id": "T", "kpi_name": "Tenants satisfied", "frequency": "half_yearly"}
    came = "2024-25-Q2"
    figures = [(came, "P", "2021/22", 44), (came, "P", "2022/23", 48), (came, "P", "2023/24", 51)]
    figures += [(came, "T", "2023-24 Q2", 75), (came, "T", "2023-24 Q4", 77)]
    figures += [(came, "T", "2024-25 Q2", 81)]
    waste = [(came if one[2] < QUARTER else HERE, *one[1:]) for one in STEADY]
    targets = [FIFTY, FIFTY | {"kpi_id": "P", "floor_standard": ""}]
    targets += [{"kpi_id": "T", "target": 80, "floor_standard": 70}]
    return make_council(raw, [pupils, tenants, WASTE], [*figures, *waste], targets)


def test_between_its_due_quarters_the_latest_figure_stands(tmp_path, worker):
    raw = yearly(tmp_path / "raw")
    for kpi_id, value, period, due in (
        ("P", 51, "Academic year 2023/24", "2025-26 Q2"),
        ("T", 81, "July to September 2024", "2024-25 Q4"),
    ):
        now, then = row_of(raw, kpi_id), row_of(raw, kpi_id, "2024-25 Q2")
        stands = now[["value", "rating", "period", "next_due"]].tolist()
        assert stands == [value, "Green", period, due]
        assert not now["is_due"] and then["is_due"] and then["rating"] == "Green"
    returns = load(raw)
    kpis = score(recent_quarters(returns), returns)
    before, same = earlier_reports(returns)
    assert counts(kpis)["Green"] == counts(before)["Green"] == 3
    assert (movement(kpis, before, same)["same_change"] == 0).all()
    text = page_of(raw, tmp_path / "out", worker)
    assert "not available" not in text and "Quarter 2 2025/26" in text


# What is not even a KPI of the council


def test_unknown_kpis_of_a_return_are_the_services_own_fault(tmp_path):
    raw = make_council(tmp_path, [WASTE], [*STEADY, (HERE, "Z9", QUARTER, 5)])
    rows = read_returns(raw).problems.query("code == 'id-unknown'")
    assert rows["who"].tolist() == ["the service that sent it"]
