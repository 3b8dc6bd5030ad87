"""The long table of all quarters: its figures are those of the reports, its description is true of its columns."""

import hashlib
import json
from datetime import date

import duckdb
import pandas as pd
import pytest

from kpi_tools.cli import main
from kpi_tools.explorer.evidence import evidence
from kpi_tools.loading import load
from kpi_tools.publications.data import SCHEMA, long_table, write_data
from kpi_tools.quarters import Quarter, quarter_range
from tests.kent import BOROUGH, RAW, returns, scorecard
from tests.small_council import HEAD, QUARTER, make_council, text_of, write_raw

KEY = SCHEMA["primaryKey"]
SAME = ["value", "numerator", "denominator", "status", "target", "floor_standard", "rating"]
SAME += ["period", "quarter", "direction_of_travel", "slope", "is_due", "illustrative"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tables of both examples."""
    place = tmp_path_factory.mktemp("table")
    both = [returns(), returns("2025-26 Q2", BOROUGH)]
    write_data(both, place, long_table(both))
    return place


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_parquet(folder / "kpis.parquet")


@pytest.mark.parametrize(
    ("raw", "quarter"), [(RAW, "2023-24 Q2"), (RAW, "2024-25 Q3"), (BOROUGH, "2025-26 Q1")]
)
def test_the_latest_rows_of_a_report_are_its_scorecard(table, raw, quarter):
    kpis, marks = scorecard(quarter, raw), ["status", "target_status", "kpi_status"]
    kpis = kpis.assign(illustrative=(kpis[marks] == "illustrative").any(axis=1))
    council = returns(quarter, raw).council.name
    own = (table["council"] == council) & (table["report"] == quarter)
    rows = table[own & table["is_latest"]].set_index("kpi_id")
    assert sorted(rows.index) == sorted(kpis["kpi_id"])
    found, expected = rows[SAME], kpis.set_index("kpi_id").loc[rows.index, SAME]
    found, expected = (one.astype(object).where(one.notna(), None) for one in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_like=True, check_names=False)


def test_both_files_and_the_description_agree(folder, table):
    plain = {"encoding": "utf-8-sig", "dtype": str, "keep_default_na": False}
    written = pd.read_csv(folder / "kpis.csv", **plain)
    assert len(written) == len(table) > 1900
    assert list(written.columns) == list(table.columns) == [one["name"] for one in SCHEMA["fields"]]
    assert not table.duplicated(KEY).any()
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    kinds = {"string": str, "number": float, "integer": int, "date": date.fromisoformat}
    kinds["boolean"] = {"TRUE": True, "FALSE": False}.__getitem__
    for field in package["resources"][0]["schema"]["fields"]:
        cells = written[field["name"]]
        assert field["description"], field
        if field.get("constraints", {}).get("required"):
            assert (cells != "").all(), field
        read = [kinds[field["type"]](cell) for cell in cells if cell]
        known = table[field["name"]].dropna()
        assert len(read) == len(known), field
        if field["type"] in ("number", "integer"):
            assert read == known.tolist(), field


def test_as_reported_stays_and_as_known_now_has_every_period(table):
    one = table[(table["kpi_id"] == "ES01") & table["council_id"].eq("kent-county-council")]
    now = one[one["known_now"]]
    assert set(now["report"]) == {"2024-25 Q3"} and now["quarter"].is_monotonic_increasing
    assert now["quarter"].is_unique and len(now) > 6
    first = one[one["report"] == "2023-24 Q2"]
    assert len(first) == 6 and first["period_end"].max() == date(2023, 9, 30)
    assert now["lower_limit"].notna().all() and one[~one["known_now"]]["lower_limit"].isna().all()


def test_the_same_data_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        one = [load(BOROUGH)]
        write_data(one, tmp_path / name, long_table(one))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_another_engine_reads_it_in_two_lines(folder):
    counted = duckdb.sql(
        f"select rating, count(*) from '{folder}/kpis.parquet' "
        "where is_latest and report = '2024-25 Q3' group by rating"
    ).fetchall()
    assert dict(counted) == {"Green": 17, "Amber": 12, "Red": 9}


def test_bad_input_gets_a_sentence(tmp_path, capsys):
    assert main(["data", str(BOROUGH), str(BOROUGH), "--outputs", str(tmp_path)]) == 2
    assert 'Two of the councils would have the id "example-borough' in capsys.readouterr().err
    assert main(["data", str(tmp_path / "none"), "--outputs", str(tmp_path)]) == 2
    assert not list(tmp_path.iterdir())


def test_a_kpi_without_figures_and_forbidden_characters(tmp_path):
    rows = [HEAD, ["P1", QUARTER, "91", "", "", "", "a\tb"]]
    rows.append(["C1", QUARTER, "", "", "", "not available", ""])
    roads = write_raw(tmp_path / "raw") / "roads.csv"
    roads.write_text(text_of(rows), encoding="utf-8")
    kpis = tmp_path / "raw" / "kpis.csv"
    long = ("A name of three hundred letters " * 10)[:300].strip()
    head, *lines = kpis.read_text(encoding="utf-8").replace("Name of P1", long).splitlines()
    marked = {"P1": '"GAR","Scrutiny, 12 May 2025","Cabinet"'}
    lines = [f"{line},{marked.get(line.split(',')[0], ',,')}" for line in lines]
    head += ",data_quality,reviewed_at,escalated_to"
    kpis.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    table = long_table([load(tmp_path / "raw", QUARTER)])
    latest = table[table["is_latest"]].set_index("kpi_id")
    assert latest.loc["P1", "value"] == 91 and latest.loc["P1", "kpi_name"] == long
    assert pd.isna(latest.loc["C1", "value"]) and latest.loc["C1", "status"] == "not available"
    assert latest["rating"].notna().all()
    quality = latest.iloc[:, -3:]
    assert quality.columns.tolist() == ["data_quality", "reviewed_at", "escalated_to"]
    assert quality.loc["P1"].tolist() == ["GAR", "Scrutiny, 12 May 2025", "Cabinet"]
    assert quality.loc["C1"].isna().all()


def test_limits_are_those_of_the_councils_kind_of_chart(tmp_path):
    """As the explorer has them, for a percentage with its parts."""
    parts = [40, 60, 50, 45] * 6
    quarters = [quarter.label for quarter in quarter_range(Quarter(2024, 3), len(parts))]
    figures = [(QUARTER, "A", at, n, n, 100) for at, n in zip(quarters, parts, strict=True)]

    def limits(kind: str) -> pd.Series:
        settings = f'[anomalies]\nchart = "{kind}"\n'
        raw = make_council(tmp_path / kind, [{"kpi_id": "A"}], figures, settings=settings)
        council = load(raw)
        known = evidence(council).points
        table = long_table([council])
        for name in ("lower_limit", "mean", "upper_limit"):
            assert table[name].tolist() == known[name].tolist()
        return table["upper_limit"]

    assert not limits("auto").equals(limits("xmr"))
