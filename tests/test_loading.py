"""From the raw folder to figures: which folders are read, whose word is last, what stops a report and what is said."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kpi_tools.errors import InputError
from kpi_tools.loading import (
    ReturnsError,
    as_known_at,
    commentary_until,
    council_is_sound,
    latest_quarter,
    load,
    quarters_with_returns,
    raw_folder,
    read_returns,
)
from kpi_tools.quarters import Quarter
from tests import kent
from tests.small_council import append, write_raw, write_table

HEAD = "kpi_id,period,value,numerator,denominator,status,note\n"


@pytest.fixture
def raw(tmp_path):
    write_raw(tmp_path)
    rows = "C1,2024-25 Q3,412,,,final,\nP1,2024-25 Q3,87.5,,,provisional,early\n"
    send(tmp_path, "2024-25-Q3", rows)
    return tmp_path


def send(raw: Path, slug: str, rows: str, file: str = "roads.csv") -> Path:
    folder = raw / "returns" / slug
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    path.write_text(HEAD + rows, encoding="utf-8")
    return path


def figure(raw: Path, kpi_id: str, quarter: str, known_at: str) -> pd.Series:
    figures = load(raw, known_at).figures
    found = figures[(figures["kpi_id"] == kpi_id) & (figures["quarter"] == quarter)]
    assert len(found) == 1
    return found.iloc[0]


def test_a_figure_comes_with_its_kpi_and_its_target(raw):
    found = figure(raw, "P1", "2024-25 Q3", "2024-25 Q3")
    expected = {"value": 87.5, "status": "provisional", "note": "early", "received": "2024-25 Q3"}
    expected |= {"kpi_name": "Name of P1", "unit": "%", "decimals": 1, "kpi_status": "final"}
    expected |= {"target": 90, "floor_standard": 80, "target_status": "final"}
    expected |= {"period_end": pd.Timestamp("2024-12-31")}
    assert found[list(expected)].to_dict() == expected
    assert found[["numerator", "tolerance", "last_quarter"]].isna().all()


def test_figures_stand_in_the_order_of_the_catalogue_and_of_time(raw):
    send(raw, "2024-25-Q3", "C1,2023-24 Q4,1,,,final,\nC1,2024-25 Q1,2,,,final,\n", "more.csv")
    figures = load(raw).figures
    places = (figures["kpi_id"] + " " + figures["quarter"]).tolist()
    assert places == ["P1 2024-25 Q3", "C1 2023-24 Q4", "C1 2024-25 Q1", "C1 2024-25 Q3"]


def test_a_later_folder_has_the_last_word_but_not_before_it_came(raw):
    send(raw, "2024-25-Q2", "C1,2024-25 Q2,400,,,final,\n")
    send(raw, "2024-25-Q3", "C1,2024-25 Q2,390,,,final,restated\n", "again.csv")
    assert figure(raw, "C1", "2024-25 Q2", "2024-25 Q2")["value"] == 400
    later = figure(raw, "C1", "2024-25 Q2", "2024-25 Q3")
    assert (later["value"], later["received"]) == (390, "2024-25 Q3")
    assert len(load(raw).submissions.query("kpi_id == 'C1' and period == '2024-25 Q2'")) == 2


@pytest.mark.parametrize(
    ("word", "value", "status"), [("", 400, "final"), ("[x]", None, "not available")]
)
def test_a_blank_withdraws_nothing_and_a_word_does(raw, word, value, status):
    send(raw, "2024-25-Q2", "C1,2024-25 Q2,400,,,final,\n")
    send(raw, "2024-25-Q3", f"C1,2024-25 Q2,{word},,,,\n", "again.csv")
    found = figure(raw, "C1", "2024-25 Q2", "2024-25 Q3")
    assert (None if pd.isna(found["value"]) else found["value"], found["status"]) == (value, status)


def test_months_stand_apart_from_quarters(raw):
    send(raw, "2024-25-Q3", "M1,2024-12,71,,,final,\nM1,2024-25 Q3,69,,,final,\n", "care.csv")
    returns = load(raw)
    assert "month" not in returns.figures.columns
    assert list(returns.months["month"]) == ["2024-12"]
    assert returns.months["period_end"].iloc[0] == pd.Timestamp("2024-12-31")
    assert returns.figures.query("kpi_id == 'M1'")["value"].tolist() == [69]


def test_which_quarters_there_are(raw):
    send(raw, "2023-24-Q4", "")
    (raw / "returns" / "2025-26-Q1").mkdir()
    assert quarters_with_returns(raw) == [Quarter(2023, 4), Quarter(2024, 3)]
    assert latest_quarter(raw) == Quarter(2024, 3) == load(raw).quarter


def test_a_quarter_without_returns_is_a_sentence_that_names_those_with(raw):
    told = r"no returns for Quarter 1 2024/25. Quarters with returns: 2024-25 Q3\."
    with pytest.raises(InputError, match=told) as stop:
        load(raw, "2024/25 Q1")
    assert stop.value.exit_status == 2
    with pytest.raises(InputError, match="ambiguous"):
        load(raw, "Q2 2023")


def test_a_missing_table_of_the_council_is_a_sentence(raw):
    for gone in ("targets.csv", "kpis.csv", "council.toml"):
        (raw / gone).unlink()
        with pytest.raises(InputError, match=f"no file {gone}"):
            load(raw)


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(InputError, match='no folder "returns"'):
        load(tmp_path)
    (tmp_path / "returns").mkdir()
    with pytest.raises(InputError, match="named like 2024-25-Q3"):
        latest_quarter(tmp_path)


def test_errors_stop_with_a_list_and_the_reconciliation(raw):
    send(raw, "2024-25-Q3", "CS01,2024-25 Q3,72p,,,final,\nZZ,2024-25 Q3,5,,,final,\n", "bad.csv")
    with pytest.raises(ReturnsError) as stop:
        load(raw)
    text = str(stop.value)
    assert "two errors" in text and "rejected 2" in text
    lines = [line.strip() for line in text.splitlines()]
    assert lines[1:3] == ["returns/2024-25-Q3/bad.csv", 'row 2, column C "value": "72p"']
    assert lines[3].startswith('The mark "p" stands behind the number. Give the number alone')
    assert list(stop.value.problems["code"]) == ["value-flag", "id-unknown"]


def test_like_faults_are_one_finding_at_most_twenty_are_told_and_all_are_kept(raw):
    send(raw, "2024-25-Q3", "".join(f"ZZ{n},2024-25 Q3,5,,,final,\n" for n in range(30)), "bad.csv")
    with pytest.raises(ReturnsError, match="rows 2 to 31, column A") as stop:
        load(raw)
    assert str(stop.value).count("ZZ") == 5 and len(stop.value.problems) == 30
    rows = "".join(
        f"P2,{2000 + n // 4}-{n // 4 + 1:02} Q{n % 4 + 1},9,1,{n + 12},final,\n" for n in range(30)
    )
    send(raw, "2024-25-Q3", rows, "bad.csv")
    with pytest.raises(ReturnsError, match="and 10 more of the same kinds") as stop:
        load(raw)
    assert str(stop.value).count("Numerator and denominator make") == 20


def test_what_is_no_return_is_skipped_and_listed(raw):
    folder = raw / "returns" / "2024-25-Q3"
    original = (folder / "roads.csv").read_bytes()
    for name in ("~$roads.xlsx", ".~lock.roads.csv#", "desktop.ini", "Thumbs.db", "upload.tmp"):
        (folder / name).write_bytes(b"x")
    for name in ("roads - Copy.csv", "roads (1).csv", "Copy of roads.csv", "roads copy.csv"):
        (folder / name).write_bytes(original)
    (folder / "zz same content.csv").write_bytes(original)
    (folder / "letter.docx").write_bytes(b"PK")
    (raw / "returns" / "notes.txt").write_text("x")
    (raw / "returns" / "old stuff").mkdir()
    returns = load(raw)
    assert len(returns.figures) == 2
    skipped = returns.counts[returns.counts["outcome"] == "skipped"]
    assert len(skipped) == 13
    codes = returns.problems.set_index("file")["code"]
    assert (codes.filter(like="opy").unique() == ["file-copy"]).all()
    assert codes["returns/2024-25-Q3/zz same content.csv"] == "file-copy"
    assert codes["returns/2024-25-Q3/letter.docx"] == "file-other"
    assert codes["returns/old stuff"] == codes["returns/notes.txt"] == "folder-other"
    assert codes["returns/2024-25-Q3/desktop.ini"] == "file-leftover"


def test_a_table_that_nobody_reads_is_told_with_the_name_that_was_meant(raw):
    for name in ("benchmark.csv", "kpis.xlsx", "README.md", "~$kpis.xlsx", "council.docx"):
        (raw / name).write_text("x")
    (raw / "commentary" / "2024-25-Q3 v2.csv").write_text("x")
    told = load(raw).problems.set_index("file")["rule"]
    assert sorted(told.index) == ["benchmark.csv", "commentary/2024-25-Q3 v2.csv", "kpis.xlsx"]
    assert 'the nearest is "benchmarks.csv"' in told["benchmark.csv"]
    assert "such as 2024-25-Q3.csv" in told["commentary/2024-25-Q3 v2.csv"]


def test_a_file_that_changes_while_it_is_read_is_told(raw, monkeypatch):
    from kpi_tools.loading import read

    path, read_table = raw / "returns" / "2024-25-Q3" / "roads.csv", read.read_table

    def slow(snapshot: read.Snapshot, *others: Any) -> object:
        if snapshot.path == path:
            path.write_text(HEAD + "C1,2024-25 Q3,999,,,final,\n")
        return read_table(snapshot, *others)

    monkeypatch.setattr("kpi_tools.loading.account.read_table", slow)
    sound = path.read_bytes()
    returns = read_returns(raw)
    assert list(returns.problems["code"]) == ["file-changing"]
    assert returns.figures.query("kpi_id == 'C1'")["value"].tolist() == [412]
    path.write_bytes(sound)
    with pytest.raises(ReturnsError, match="^A file changed while it was being read") as stop:
        load(raw, allow_rejected=True)  # it is never left out
    assert "roads.csv" in str(stop.value)


def test_what_stands_beside_the_figures_is_that_of_the_quarter(raw):
    (raw / "activity.csv").write_text(
        "activity_id,activity_name,section,unit,decimals,period,value,lower_expected,upper_expected,status,note\n"
        "A1,Calls,Roads,count,0,2024-25 Q3,5,4,6,final,\nA1,Calls,Roads,count,0,2024-25 Q4,5,4,6,final,\n"
    )
    (raw / "benchmarks.csv").write_text(
        "kpi_id,area,period,value,from_quarter,status,source\n"
        "P1,England,2023,60.4,2024-25 Q3,final,DfE\nP1,England,2024,61,2024-25 Q4,final,DfE\n"
    )
    (raw / "commentary" / "2024-25-Q3.csv").write_text(
        "kpi_id,section,commentary,management_action,author,status\np1,,Words\u200b here,Act,Head,\n,Roads,Good,,,illustrative\n",
        encoding="utf-8",
    )
    returns = load(raw)
    assert returns.activity["period"].tolist() == ["2024-25 Q3"]
    assert returns.benchmarks["period"].tolist() == ["2023"]
    words = returns.commentary[["kpi_id", "section", "commentary", "status"]].fillna("")
    assert words.values.tolist() == [
        ["P1", "", "Words here", "final"],
        ["", "Roads", "Good", "illustrative"],
    ]
    assert set(returns.log["column"]) == {"kpi_id (A)", "commentary (C)"}


def test_commentary_on_a_kpi_by_its_name_stays_in_later_reports(raw):
    send(raw, "2024-25-Q2", "C1,2024-25 Q2,400,,,final,\n")
    path = raw / "commentary" / "2024-25-Q2.csv"
    path.write_text("kpi_id,commentary\nName of P1,Words by its name\n", encoding="utf-8")
    words = commentary_until(raw, load(raw, "2024-25 Q3"))
    assert words.loc[words["quarter"] == "2024-25 Q2", "kpi_id"].tolist() == ["P1"]


@pytest.mark.parametrize(("row", "code"), [
    (",,Words,,,", "text-place"),
    ("P1,Roads,Words,,,", "text-place"),
    ("ZZ,,Words,,,", "id-unknown"),
    (",Rods,Words,,,", "catalogue-choice"),
    ("P1,,Words,,,draft", "catalogue-choice"),
    ("P1,,One,,,\nP1,,Two,,,", "duplicate-conflict"),
    ("P1,,Itâ€™s late,,,", "text-mangled"),
    ("P1,,Over Â£5,,,", "text-mangled"),
    ("P1,,A \ufffd,,,", "text-lost"),
])  # fmt: skip
def test_commentary_is_refused_where_its_place_is_not_certain(raw, row, code):
    path = raw / "commentary" / "2024-25-Q3.csv"
    text = f"kpi_id,section,commentary,management_action,author,status\n{row}\n"
    path.write_text(text, encoding="utf-8")
    returns = read_returns(raw)
    assert set(returns.problems["code"]) == {code} and returns.commentary.empty


@pytest.mark.parametrize("quarter", quarters_with_returns(kent.RAW))
def test_the_projects_own_data_load_without_a_complaint(quarter):
    returns = kent.returns(quarter.label)
    assert set(returns.problems["code"]) <= {"commentary-none"}
    assert returns.log.empty and returns.rejected.empty


def test_the_account_of_rows_and_files_adds_up_in_one_line(raw):
    """15 KPIs, 15 targets, one text, two figures; one row refused; two blank rows in one file and one in the other."""
    first = "C1,2024-25 Q3,412,,,final,\n"
    folder = send(raw, "2024-25-Q3", f"{first}\nP1,2024-25 Q3,87.5,,,final,\n,,,,,,\n").parent
    sound = "accepted 33 + rejected 0 + blank 2 (files: 5 read, 0 refused, 0 skipped)"
    assert load(raw).summary == f"rows in 35 = {sound}"
    send(raw, "2024-25-Q3", "ZZ,2024-25 Q3,5,,,final,\n\n", "bad.csv")
    (folder / "void.csv").write_text("")
    (folder / "desktop.ini").write_text("x")
    bad = "accepted 33 + rejected 1 + blank 3 (files: 6 read, 1 refused, 1 skipped)"
    assert read_returns(raw).summary == f"rows in 37 = {bad}"
    for name in ("void.csv", "desktop.ini", "bad.csv"):
        (folder / name).unlink()
    earlier = "".join(f"{{}},2023-24 Q{n},85,,,final,\n" for n in (1, 2, 3, 4))
    send(raw, "2024-25-Q3", first + earlier.replace("{}", "C1") + earlier.replace("{}", "P1"))
    more = "accepted 40 + rejected 0 (files: 5 read, 0 refused, 0 skipped)"
    assert load(raw).summary == f"rows in 40 = {more}"


def test_what_is_told_where_a_report_stops(raw):
    folder = send(raw, "2024-25-Q3", "ZZ,2024-25 Q3,5,,,final,\n", "bad.csv").parent
    with pytest.raises(ReturnsError) as stop:
        load(raw)
    first, *_, last = str(stop.value).splitlines()
    assert first == "The data for Quarter 3 2024/25 have one error."
    assert last == "  rows in 34 = accepted 33 + rejected 1 (files: 6 read, 0 refused, 0 skipped)"
    assert stop.value.returns.quarter == Quarter(2024, 3)
    # one of 40 rows, which is just what may be left out
    more = "".join(f"C1,2023-24 Q{n},1,,,final,\n" for n in (1, 2, 3, 4))
    send(raw, "2024-25-Q3", more, "more.csv")
    send(raw, "2024-25-Q3", "P1,2023-24 Q1,85,,,final,\nP1,2023-24 Q2,85,,,final,\n", "again.csv")
    settings = (raw / "council.toml").read_text()
    (raw / "council.toml").write_text(settings + "[loading]\nrejected_share = 0.025\n")
    assert load(raw, allow_rejected=True).rejected["kpi_id"].tolist() == ["ZZ"]
    (raw / "council.toml").write_text(settings + "[loading]\nrejected_share = 0.0249\n")
    with pytest.raises(ReturnsError) as stop:
        load(raw, allow_rejected=True)
    first, *told, last = str(stop.value).splitlines()
    allowed = "more than the 2.49% that council.toml allows (loading, rejected_share)."
    assert first == f"Rejected for Quarter 3 2024/25: 1 of 40 rows, {allowed}"
    assert any("bad.csv" in line for line in told)
    assert last.startswith("  rows in 40 = accepted 39 + rejected 1 ")
    assert folder.is_dir() and stop.value.problems["code"].tolist() == ["id-unknown"]


def test_faults_of_the_councils_own_tables_alone_are_told_where_both_have_some(raw):
    send(raw, "2024-25-Q3", "ZZ,2024-25 Q3,5,,,final,\n", "bad.csv")
    assert council_is_sound(read_returns(raw))
    for name, old, new in (
        ("targets.csv", "90,80", "80,90"),
        ("kpis.csv", "higher", "sideways"),
        ("council.toml", '"Anyshire"', "5"),
    ):
        path = raw / name
        sound = path.read_text()
        path.write_text(sound.replace(old, new, 1))
        assert not council_is_sound(read_returns(raw))
        with pytest.raises(ReturnsError) as stop:
            load(raw, allow_rejected=True)
        text = str(stop.value)
        assert text.startswith("The council's own tables have errors, which cannot be left out.\n")
        assert name in text and "bad.csv" not in text
        path.write_text(sound)
    # a warning is no error
    text = (raw / "kpis.csv").read_text()
    text = text.replace("source\n", "source,extra\n").replace(",\n", ",,x\n")
    (raw / "kpis.csv").write_text(text)
    returns = read_returns(raw)
    assert "kpis.csv" in set(returns.problems["file"]) and council_is_sound(returns)


def test_the_raw_folder_is_found_from_within_the_project(tmp_path, monkeypatch):
    raw, inner = tmp_path / "data" / "raw", tmp_path / "notebooks" / "mine"
    for folder in (raw, inner):
        folder.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert raw_folder("data/raw") == Path("data/raw")
    (raw / "council.toml").write_text("")
    assert raw_folder("data/raw") == raw == raw_folder(raw)
    assert raw_folder(tmp_path / "gone") == tmp_path / "gone"
    nearer = inner / "data" / "raw"
    nearer.mkdir(parents=True)
    (nearer / "council.toml").write_text("")
    assert raw_folder(Path("data/raw")) == nearer


def test_a_quarter_whose_files_cannot_be_read_names_them(raw):
    folder = raw / "returns" / "2024-25-Q3"
    (folder / "roads.csv").rename(folder / "roads.xlsm")
    (folder / "~$care.xlsx").touch()
    with pytest.raises(InputError) as stop:
        load(raw, "2024-25 Q3")
    first, one, other, last = str(stop.value).splitlines()
    assert first == "There are no returns for Quarter 3 2024/25. In 2024-25-Q3 no file can be read:"
    assert one.startswith("  roads.xlsm: ") and other.startswith("  ~$care.xlsx: ")
    assert last == "  Quarters with returns: none."


def test_no_returns_at_all_are_a_sentence(raw):
    (raw / "returns" / "2024-25-Q3" / "roads.csv").unlink()
    with pytest.raises(InputError) as stop:
        load(raw)
    advice = "Put them into a folder named like 2024-25-Q3."
    assert str(stop.value) == f"There are no returns in {raw / 'returns'}. {advice}"
    with pytest.raises(InputError) as stop:
        load(raw, "2024-25 Q3")
    none = "There are no returns for Quarter 3 2024/25. Quarters with returns: none."
    assert str(stop.value) == none
    for slug in ("2023-24-Q1", "2023-24-Q2"):
        send(raw, slug, "C1,2023-24 Q1,1,,,final,\n")
    with pytest.raises(InputError, match=r"Quarters with returns: 2023-24 Q1, 2023-24 Q2\.$"):
        load(raw, Quarter(2024, 3))


def test_what_comes_into_force_later_is_neither_counted_nor_known_unless_agreed_ahead(raw):
    kpi = "NEW,Name,Roads,Place,count,0,higher,quarter,quarterly,0,2024-25 Q4,,,Head,final,"
    lines = ["P1,2024-25 Q4,95,85", "P1,2025-26 Q1,96,86", "NEW,2024-25 Q4,400,300"]
    append(raw / "kpis.csv", kpi.split(","))
    for line in (*lines, "C1,2024-25 Q3,410,310"):
        append(raw / "targets.csv", [*line.split(","), "", "", "final"])

    def since(until: Quarter | None) -> list[str]:
        targets = read_returns(raw, "2024-25 Q3", agreed_until=until).targets
        return sorted(targets["from_quarter"])[15:]

    returns = load(raw, "2024-25 Q3")
    rows_in = returns.counts.set_index("file")["rows_in"]
    assert rows_in[["kpis.csv", "targets.csv"]].tolist() == [15, 16]
    assert since(None) == since(Quarter(2024, 2)) == ["2024-25 Q3"]
    assert since(Quarter(2024, 4)) == ["2024-25 Q3", "2024-25 Q4", "2024-25 Q4"]
    assert since(Quarter(2025, 1))[-1] == "2025-26 Q1"
    assert returns.targets.index.tolist() == list(range(16)) and "index" not in returns.targets


def test_as_known_at_leaves_out_whatever_came_later(raw):
    send(raw, "2024-25-Q2", "C1,2024-25 Q2,400,,,final,\nM1,2024-09,70,,,final,\n")
    send(raw, "2024-25-Q1", "C1,2024-25 Q1,300,,,final,\n")
    send(raw, "2024-25-Q3", "C1,2024-25 Q2,390,,,final,\nM1,2024-12,71,,,final,\n", "again.csv")
    quarters = [f"2024-25 Q{n}" for n in (1, 2, 3)]
    visits = {"activity_id": "A1", "activity_name": "Calls", "section": "Roads", "unit": "count"}
    visits |= {"decimals": 0, "value": 5}
    write_table(raw / "activity.csv", [visits | {"period": one} for one in quarters])
    since = dict(zip(("P1", "P2", "C1"), quarters, strict=True))
    rows = [{"kpi_id": kpi_id, "from_quarter": one} for kpi_id, one in since.items()]
    for name, more in {
        "benchmarks": {"area": "England", "period": "2021", "value": 15},
        "rebases": {"first_period": "2024-25 Q1", "reason": "New system", "name": "Head"},
        "changes": {"change": "redefined", "reason": "Why"},
    }.items():
        write_table(raw / f"{name}.csv", [row | more for row in rows])
    now = load(raw)
    tables = ("benchmarks", "rebases", "changelog")
    assert [len(getattr(now, name)) for name in (*tables, "activity", "months")] == [3, 3, 3, 3, 2]
    then = as_known_at(now, Quarter(2024, 2))
    assert then.quarter == Quarter(2024, 2)
    assert then.council is now.council and then.catalogue is now.catalogue
    assert then.figures.query("kpi_id == 'C1'")["value"].tolist() == [300, 400]
    assert then.months["month"].tolist() == ["2024-09"]
    assert then.submissions["value"].to_dict() == {0: 300, 1: 400, 2: 70}
    assert list(then.submissions) == list(now.submissions)
    assert then.activity["period"].tolist() == quarters[:2]
    assert [getattr(then, name)["kpi_id"].tolist() for name in tables] == [["P1", "P2"]] * 3
    assert then.commentary.empty and len(now.commentary) == 1
    assert then.problems is now.problems and then.counts is now.counts
    assert now.figures.query("kpi_id == 'C1'")["value"].tolist() == [300, 390, 412]


def test_a_benchmark_may_have_a_sign_where_its_kpi_is_a_percentage(raw):
    (raw / "benchmarks.csv").write_text(
        "kpi_id,area,period,value,from_quarter,status,source\n"
        "P1,England,2023,60.4%,2024-25 Q3,final,DfE\nC1,England,2023,60.4%,2024-25 Q3,final,DfE\n"
    )
    returns = read_returns(raw)
    assert returns.problems[["file", "row"]].values.tolist() == [["benchmarks.csv", 3]]
    assert returns.benchmarks[["kpi_id", "value"]].values.tolist() == [["P1", 60.4]]


def test_two_files_that_differ_under_one_name_are_an_error_wherever_they_differ(raw):
    folder = raw / "returns" / "2024-25-Q3"
    original = (folder / "roads.csv").read_bytes()
    (folder / "roads (1).csv").write_bytes(original)
    assert load(raw).problems[["severity", "code"]].values.tolist() == [["notice", "file-copy"]]
    (folder / "roads (1).csv").write_bytes(original.replace(b"early", b"late"))
    returns = read_returns(raw)
    assert returns.problems[["file", "severity", "code"]].values.tolist() == [
        ["returns/2024-25-Q3/roads (1).csv", "error", "file-copy-differs"]
    ]
    assert len(returns.figures) == 2
    # what is named as a copy, without what it is a copy of, is a return
    (folder / "roads.csv").unlink()
    assert load(raw).figures["note"].dropna().tolist() == ["late"]


def test_the_account_and_the_rejected_rows_have_their_columns(raw):
    account = "file sheet outcome rows_in accepted rejected blank bytes sha256"
    assert list(load(raw).counts) == account.split()
    assert list(load(raw).rejected) == ["file", "sheet", "row", "codes", "reasons"]
    text = "kpi_id,period,value\nZZ,2024-25 Q3,72p\nC1,2024-25 Q1,5\nC1,2024-25 Q1,5\nC1,2023-24 Q1,5,6\n"
    (raw / "returns" / "2024-25-Q3" / "bad.csv").write_text(text)
    returns = read_returns(raw)
    # the second of two equal rows is warned of, which is no reason to refuse it
    assert "duplicate-same" in set(returns.problems["code"])
    rejected = returns.rejected
    columns = "file sheet row codes reasons kpi_id period value beyond"
    assert list(rejected) == columns.split()
    sent = ["file", "row", "codes", "value", "beyond"]
    assert rejected[sent].fillna("").values.tolist() == [
        ["returns/2024-25-Q3/bad.csv", 2, "id-unknown value-flag", "72p", ""],
        ["returns/2024-25-Q3/bad.csv", 5, "row-long", "5", "6"],
    ]
    first, second = rejected["reasons"]
    assert first.startswith("kpi_id: ")
    assert ' value: The mark "p" stands behind the number.' in first
    assert second.startswith("The row has 4 instead of 3 cells. Look for a comma")


def test_of_two_commentaries_of_a_quarter_the_first_is_read_and_the_other_is_told(raw):
    for name in ("2024-25-Q3.csv", "2024-25-Q3.xlsx", "2024-25-Q3.txt"):
        (raw / "commentary" / name).write_text("kpi_id,section,commentary\nP1,,Words\n")
    returns = read_returns(raw)
    told = returns.problems
    assert told[["file", "code"]].values.tolist() == [
        ["commentary/2024-25-Q3.txt", "table-other"],
        ["commentary/2024-25-Q3.xlsx", "file-twice"],
    ]
    assert "2024-25-Q3.csv and 2024-25-Q3.xlsx" in told["rule"][1]
    assert returns.commentary["commentary"].tolist() == ["Words"]


def test_the_outcome_of_each_file_stands_in_the_account(raw):
    folder = raw / "returns" / "2024-25-Q3"
    (folder / "old.xls").write_bytes(b"x")
    (folder / "desktop.ini").write_bytes(b"x")
    (raw / "commentary" / "2024-25-Q3.csv").write_bytes(bytes(3))
    counts = read_returns(raw).counts.set_index("file")
    told = counts[["outcome", "sheet", "bytes"]].iloc[3:].sort_index()
    assert told.reset_index().values.tolist() == [
        ["commentary/2024-25-Q3.csv", "refused", "", 3],
        ["returns/2024-25-Q3/desktop.ini", "skipped", "", 0],
        ["returns/2024-25-Q3/old.xls", "refused", "", 0],
        ["returns/2024-25-Q3/roads.csv", "read", "", (folder / "roads.csv").stat().st_size],
    ]
    assert (counts["sha256"] == "").sum() == 2
