"""A small council with sensitive KPIs: what is suppressed stands in no file that is made, and in no explorer.

Its figures are sentinels with digits that stand nowhere by chance; the threshold is 100, so that
they can be long.
"""

import base64
import json
import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from kpi_tools.cli import main
from kpi_tools.explorer.screen import explore
from kpi_tools.explorer.table import offline_page
from kpi_tools.explorer.views import VIEWS
from kpi_tools.loading import ReturnsError, commentary_until, load, read_returns
from kpi_tools.loading.disclosure import Withheld
from kpi_tools.publications.data import long_table, write_data
from kpi_tools.publications.site import Final, site_pages
from kpi_tools.report import make, make_report, page_jobs
from kpi_tools.scorecard import earlier_reports, recent_quarters, score
from tests import kent
from tests.small_council import append, make_council, quarters, rows_of, write_table

QUARTER = "2024-25 Q3"
HERE = "returns/2024-25-Q3/all.csv"
KPIS = {"A": "North", "B": "South", "C": "West", "T": "Whole county", "P": "Seen in time"}
SENTINELS = [
    *("97.53125", "97.53", "81513.95778", "81,513", "81513", "8,087", "8087"),
    *("0.754297", "0.75%", "5,231", "5231", "0.783789", "NOTESENTINEL"),
]
NOW = [
    ("A", QUARTER, 97.53125, "", "", "", "NOTESENTINEL 97.53125 came late"),
    ("B", QUARTER, 31415.92653),
    ("C", QUARTER, 50000.5),
    ("T", QUARTER, 81513.95778),
    ("P", QUARTER, "", 61, 8087),
    ("P", "2024-12", "", 41, 5231),
]
SAID = [
    "kpi_id,section,commentary,management_action",
    'A,,"Now {value}, before {previous}: {change}. Rated {rating}.",We act at {value}.',
    'P,,"{numerator} of {denominator}, which is {value}.",Work.',
    ",Care,A quiet quarter.,",
]


@pytest.fixture
def raw(tmp_path):
    alike = {"section": "Care", "decimals": 5, "sensitive": "yes"}
    counted = {"unit": "count", "part_of": "T"}
    share = {"unit": "%", "frequency": "monthly"}
    kinds = {"T": {"unit": "count"}, "P": share}
    figures = [(QUARTER, *row) for row in NOW]
    for at, quarter in enumerate(quarters("2023-24 Q2", 5)):
        counts = {"A": 500 + at, "B": 600 + at, "C": 700 + at, "T": 1800 + 3 * at}
        figures += [("2024-25 Q2", kpi, quarter, count) for kpi, count in counts.items()]
        figures.append(("2024-25 Q2", "P", quarter, "", 4000 + at, 8000))
    names = [{"kpi_id": kpi, "kpi_name": name} for kpi, name in KPIS.items()]
    kpis = [one | alike | kinds.get(one["kpi_id"], counted) for one in names]
    lines = dict.fromkeys(KPIS, {"target": 700, "floor_standard": 600})
    lines["P"] = {"target": 50, "floor_standard": 40}
    targets = [{"kpi_id": kpi} | own for kpi, own in lines.items()]
    settings, words = "[small_numbers]\nthreshold = 100\n", {"commentary/2024-25-Q3": SAID}
    return make_council(tmp_path / "data" / "raw", kpis, figures, targets, settings, **words)


def contents(folder: Path) -> dict[str, str]:
    """Everything in the files of a folder as text: workbooks unzipped, data in base64 decoded."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if path.suffix == ".parquet":
            found[path.name] = pd.read_parquet(path).to_csv()
            continue
        if path.suffix in (".xlsx", ".docx"):
            with zipfile.ZipFile(path) as book:
                for name in book.namelist():
                    found[f"{path.name}/{name}"] = book.read(name).decode("utf-8", "replace")
            continue
        text = path.read_text(encoding="utf-8")
        hidden = re.findall(r"base64,\\?\n?([A-Za-z0-9+/=\s]{16,})", text)
        decoded = (base64.b64decode(part).decode("utf-8", "replace") for part in hidden)
        found[path.name] = text + "".join(decoded)
    return found


def leaks(folder: Path) -> list[tuple[str, str]]:
    """Where a sentinel stands; in a hash four digits in a row are chance."""
    digest = re.compile(r"(?<![\w.])[0-9a-f]{16}(?:[0-9a-f]{48})?\b")
    texts = {name: digest.sub("", text) for name, text in contents(folder).items()}
    return [(name, one) for name, text in texts.items() for one in SENTINELS if one in text]


def test_the_sentinels_would_be_found(raw, tmp_path, worker):
    """Without suppression they stand in page, notebook, tables and history: the search can see them."""
    kpis = (raw / "kpis.csv").read_text(encoding="utf-8").replace(",yes,", ",no,")
    (raw / "kpis.csv").write_text(kpis, encoding="utf-8")
    made = make_report(QUARTER, raw, tmp_path / "outputs", worker=worker, word=True)
    found = leaks(made.folder)
    everywhere = "kpis.csv kpis.xlsx onepage.html report.docx report.html report.ipynb"
    assert sorted({name.partition("/")[0] for name, _ in found}) == everywhere.split()
    one = [load(raw, QUARTER)]
    write_data(one, tmp_path / "table", long_table(one))
    assert {name for name, _ in leaks(tmp_path / "table")} == {"kpis.csv", "kpis.parquet"}
    assert {one for _, one in found} >= {"97.53125", "81,513", "8,087", "0.754297", "NOTESENTINEL"}


def test_no_file_of_the_report_holds_a_suppressed_figure(raw, tmp_path, worker):
    made = make_report(QUARTER, raw, tmp_path / "outputs", worker=worker, word=True)
    one = [load(raw, QUARTER)]
    write_data(one, tmp_path / "table", long_table(one))
    assert leaks(made.folder) == leaks(tmp_path / "table") == []
    texts = contents(made.folder)
    page = texts["report.html"]
    returns = load(raw, QUARTER)
    noted = json.loads(texts["manifest.json"])
    finals = [Final(made.folder, noted)]
    pages = site_pages(returns, recent_quarters(returns), long_table([returns]), finals, {})
    (tmp_path / "site").mkdir()
    for name, one in pages.items():
        text = f"{one.body}{json.dumps(one.index)}"
        (tmp_path / "site" / name.replace("/", "-")).write_text(text, encoding="utf-8")
    assert len(pages) == 7 and leaks(tmp_path / "site") == []
    assert "Now [c], before 504.00000: [c]. Rated [c]." in page.replace("\u00a0", " ")
    assert "[c] of [c], which is [c]." in page and "We act at [c]." in page
    assert "31,415.92653" in page and "50,000.50000" in page  # the other two stay
    assert page.count(">[c]<") >= 3  # the places of the columns in the charts of A, B and P
    settled = {"rounding": None, "shown": [], "suppressed": 4, "threshold": 100}
    assert noted["small_numbers"] == settled
    assert "four figures of sensitive KPIs, marked [c] or suppressed, cannot be printed" in page
    assert noted["ratings"] == {"Green": 2, "Amber": 0, "Red": 0, "Not rated": 3}


@pytest.mark.slow
def test_nor_does_the_history_of_a_kpi_or_the_explorer(raw, tmp_path, worker):
    jobs = page_jobs("history", ["A", "P"], QUARTER, raw, tmp_path / "outputs", worker=worker)
    assert [leaks(make(job, worker).folder) for job in jobs] == [[], []]
    look = explore("", QUARTER, str(raw))
    seen = [json.dumps(look.data), str(look.pages), offline_page(look.known, "", look.commentary)]
    for kpi in look.data["kpis"]:
        for name in (*VIEWS, "several"):
            seen.append(json.dumps(look.view_of(kpi["id"], name, "M")))
    assert [one for one in SENTINELS if any(one in text for text in seen)] == []
    known = repr(look.known.returns)
    assert "NOTESENTINEL" not in known and "97.53" not in known


def test_a_suppressed_figure_has_no_rating_and_the_next_report_does_not_tell_it(raw):
    returns = load(raw, QUARTER)
    kpis = score(recent_quarters(returns), returns).set_index("kpi_id")
    status = {"B": "final", "C": "final"} | dict.fromkeys("ATP", "suppressed")
    assert kpis["status"].to_dict() == status
    assert kpis.loc["A", ["rating", "not_rated_reason"]].tolist() == ["Not rated", "suppressed"]
    later = {"A": 900, "B": 900, "C": 900, "T": 2700}
    rows = [{"kpi_id": one, "period": "2024-25 Q4", "value": n} for one, n in later.items()]
    write_table(raw / "returns/2024-25-Q4/all.csv", rows)
    later = load(raw, "2024-25 Q4")
    before = earlier_reports(later)[0].set_index("kpi_id")
    assert before["status"].to_dict() == kpis["status"].to_dict()
    now = score(recent_quarters(later), later).set_index("kpi_id")
    assert pd.isna(now.loc["A", "previous_value"])


# Texts


def test_a_typed_figure_that_is_suppressed_is_refused_with_its_place_and_not_repeated(raw, capsys):
    said = ["kpi_id,section,commentary", "A,,Fine.", "P,,Only 61 were seen."]
    said.append("C,,Here 61 is a number like any other.")
    write_table(raw / "commentary/2024-25-Q3.csv", said)
    problems = read_returns(raw, QUARTER).problems
    (told,) = problems[problems["code"] == "small-number-in-text"].to_dict("records")
    place = ("commentary/2024-25-Q3.csv", 3, "commentary (C)", "")
    assert tuple(told[name] for name in ("file", "row", "column", "value")) == place
    assert main(["check", QUARTER, "--raw", str(raw)]) == 2
    shown = capsys.readouterr()
    assert "commentary/2024-25-Q3.csv\n  row 3, column C" in shown.out
    assert "61" not in shown.out + shown.err
    with pytest.raises(ReturnsError):
        load(raw, QUARTER)
    assert "small-number-in-text" not in load(raw, "2024-25 Q2").problems["code"].tolist()


@pytest.mark.parametrize(("number", "text", "tells"), [
    (3, "three children", True),
    (3, "Three children", True),
    (3, "All three KPIs are Green.", False),
    (3, "in Quarter 3", False),
    (3, "Q3", False),
    (3, "2024/25", False),
    (3, "3 of them", True),
    (1, "one of the", False),
    (1, "one child", True),
    (3, "thirty-three", False),
    (3, "on 3 December", False),
    (3, "within 3 weeks", False),
    (3, "within three working days", False),
    (3, "£3", True),
    (3, "3.0", True),
    (3, "3.4", False),
    (0, "0", False),
    (3, "a 3-bed house", True),
    (3, "3/4", False),
    (3, "item 3.", True),
    (59.7, "60%", True),
    (59.7, "60", False),
    (59.68, "It was 59.7.", True),
    (3, None, False),
    (8087, "Of 8,087 few were seen.", True),
    (0.75, "We saw 0.8 per cent.", True),
    (0.75, "We saw 0.75% of them.", True),
    (61, "Within 61 days.", False),
    (61, "It was 61,000, or 161, or 6.1, or 1/61.", False),
    (61, "Since 2024/61.", False),
])  # fmt: skip
def test_which_numbers_in_a_text_are_a_figure(number, text, tells):
    withheld = Withheld()
    withheld.add("K", [number])
    assert withheld.tells("K", text) is tells
    assert not withheld.tells("L", text)
    assert str(number) not in repr(withheld)


def test_a_text_on_the_section_is_remarked_on_and_kept(raw):
    said = [{"section": "Care", "commentary": "Only 61 were seen."}]
    write_table(raw / "commentary/2024-25-Q3.csv", said)
    returns = load(raw, QUARTER)
    assert returns.problems["code"].tolist() == ["small-number-in-section"]
    assert len(returns.commentary) == 1


def test_earlier_commentary_that_tells_is_not_shown_later(raw):
    said = ["kpi_id,commentary", "P,Already 61 were seen.", "A,Fine."]
    write_table(raw / "commentary/2024-25-Q2.csv", said)
    known = set(commentary_until(raw, load(raw, QUARTER))["commentary"])
    assert "Already 61 were seen." not in known and "Fine." in known


# Decisions and settings


def test_a_figure_printed_by_decision_says_so_with_reason_and_role(raw, tmp_path, worker):
    head = ["kpi_id", "period", "from_quarter", "reason", "agreed_by"]
    decision = ["P", "Q3 2024/25", QUARTER, "the regulator has published it", "Monitoring Officer"]
    later = ["A", QUARTER, "2024-25 Q4", "later", "Monitoring Officer"]
    append(raw / "small_numbers.csv", head, decision, later)
    made = make_report(QUARTER, raw, tmp_path / "outputs", worker=worker)
    page = (made.folder / "report.html").read_text(encoding="utf-8")
    assert "8,087" in page and "97.53" not in page
    assert (
        "Seen in time, Quarter 3 2024/25: printed although it may be small, agreed by the Monitoring Officer, because "
        "the regulator has published it."
    ) in page
    noted = json.loads((made.folder / "manifest.json").read_text(encoding="utf-8"))
    (shown,) = noted["small_numbers"]["shown"]
    agreed = [shown[name] for name in ("kpi_id", "period", "agreed_by")]
    assert agreed == ["P", QUARTER, "Monitoring Officer"]


@pytest.mark.parametrize(("row", "column", "code"), [
    (["P", "sometime", QUARTER, "why", "role"], "period", "period-own"),
    (["P", QUARTER, QUARTER, "", "role"], "reason", "catalogue-missing"),
    (["P", QUARTER, QUARTER, "why", ""], "agreed_by", "catalogue-missing"),
    (["X", QUARTER, QUARTER, "why", "role"], "kpi_id", "id-unknown"),
])  # fmt: skip
def test_a_decision_without_reason_role_or_place_is_refused(raw, row, column, code):
    head = ["kpi_id", "period", "from_quarter", "reason", "agreed_by"]
    append(raw / "small_numbers.csv", head, row)
    problem = read_returns(raw, QUARTER).problems.iloc[0]
    assert (problem["file"], problem["row"], problem["code"]) == ("small_numbers.csv", 2, code)
    assert problem["column"].startswith(column)


@pytest.mark.parametrize(("kpi_id", "part_of", "said"), [
    ("A", "Z", "The catalogue has no KPI Z."),
    ("T", "A", "T would be a part of itself."),
    ("A", "A", "A would be a part of itself."),
    ("A", "T; P", "P has the unit %."),
])  # fmt: skip
def test_a_sum_that_cannot_be_is_refused_with_its_place(raw, kpi_id, part_of, said):
    kpis = rows_of((raw / "kpis.csv").read_text(encoding="utf-8").splitlines())
    parts = {kpi_id: {"part_of": part_of}}
    write_table(raw / "kpis.csv", [kpi | parts.get(kpi["kpi_id"], {}) for kpi in kpis])
    problems = read_returns(raw, QUARTER).problems
    assert said in problems.loc[problems["code"] == "part-of", "rule"].tolist()
    assert set(problems.loc[problems["code"] == "part-of", "file"]) == {"kpis.csv"}


def test_a_sensitive_share_without_its_counts_is_suppressed_and_named(raw):
    append(raw / HERE, ["P", "2024-11", "55.5", "", "", "", ""])
    returns = load(raw, QUARTER)
    row = returns.problems[returns.problems["code"] == "small-number-unknown"].iloc[0]
    assert (row["file"], row["row"], row["value"]) == (HERE, 8, "")
    assert returns.months.set_index("month").loc["2024-11", "status"] == "suppressed"


def test_a_council_without_sensitive_kpis_says_nothing_of_small_numbers():
    known = kent.returns()
    assert set(known.catalogue["sensitive"]) == {"no"}
    assert "suppressed" not in set(known.figures["status"])
