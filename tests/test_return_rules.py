"""The rules for the rows of a return: what is refused with which particulars, what is taken, and what is logged."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_council import HEAD, QUARTER, text_of, write_raw

from kpi_tools.intake.reading import Snapshot, read_table
from kpi_tools.intake.return_rules import check_duplicates, check_return
from kpi_tools.intake.returns import RETURNS, Catalogue, Return, ordinal
from kpi_tools.intake.workbooks import Workbooks
from kpi_tools.loading import read_returns
from kpi_tools.quarters import Quarter
from kpi_tools.words.problems import Ledger, column_name


class Noted(Ledger):
    """A ledger that keeps the particulars apart: (row, column, code, detail)."""

    def problem(self, code: str, file: str, **more: Any) -> str:
        self.__dict__.setdefault("noted", []).append(
            (more["row"], column_name(more["column"]), code, more.get("detail", ""))
        )
        return super().problem(code, file, **more)

    @property
    def details(self) -> list[tuple[int, str, str, str]]:
        return sorted(self.__dict__.get("noted", []))

    @property
    def changes(self) -> list[tuple[int, str, str, str]]:
        log = self.log()
        return sorted(
            zip(log["row"], map(column_name, log["column"]), log["taken"], log["why"], strict=True)
        )


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    raw = tmp_path_factory.mktemp("rules")
    (write_raw(raw) / "return.csv").write_text(text_of([HEAD]), encoding="utf-8")
    council = read_returns(raw, QUARTER)
    return Catalogue(council.catalogue, council.targets)


def send(
    known: Catalogue,
    *rows: list[Any],
    head: list[str] = HEAD,
    name: str = "r.csv",
    to: Noted | None = None,
) -> Return:
    ledger = Noted() if to is None else to
    with Workbooks() as books:
        table = read_table(
            Snapshot(Path(name), name, text_of([head, *rows]).encode()), RETURNS, ledger, books
        )
    assert table is not None
    return check_return(table, Quarter.parse(QUARTER), known)


def row(kpi: str, value: str = "87.5", above: str = "", below: str = "", status: str = "final", period: str = QUARTER,
        note: str = "") -> list[str]:  # fmt: skip
    return [kpi, period, value, above, below, status, note]


def details(sent: Return) -> list[tuple[str, str, str]]:
    return [tuple(found[1:]) for found in sent.table.ledger.details]  # type: ignore[attr-defined,misc]


def taken(sent: Return) -> list[tuple[str, float | str, str]]:
    rows = sent.accepted()
    return [
        (kpi, "" if pd.isna(value) else value, status)
        for kpi, value, status in zip(rows["kpi_id"], rows["value"], rows["status"], strict=True)
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (row("P1", period="2024-12"), ("period", "period-month", "2024-12")),
        (row("M1", period="31/12/2024"), ("period", "period-which", "")),
        (row("P1", period="2024-25 Q4"), ("period", "period-future", "Quarter 3 2024/25")),
        (row("M1", period="2025-01"), ("period", "period-future", "Quarter 3 2024/25")),
        (row("OLD", "5", period="2024-25 Q2"), ("period", "period-retired", "Quarter 1 2024/25")),
        (row("C1", "5%"), ("value", "value-sign", "count")),
        (row("R1", "5%"), ("value", "value-sign", "rate per 1,000")),
        (row("P1", "75", "30%", "40"), ("numerator", "parts-sign", "")),
        (row("P1", "75", "30", "40%"), ("denominator", "parts-sign", "")),
        (row("P1", "£75"), ("value", "value-sign", "%")),
        (row("C1", "75", "£30", "40"), ("numerator", "value-sign", "count")),
        (row("C1", "-1"), ("value", "value-negative", "")),
        (row("C1", "1", "-1"), ("numerator", "value-negative", "")),
        (row("F1", "1", "1", "-1"), ("denominator", "value-negative", "")),
        (row("P1", "100.1"), ("value", "value-above-100", "")),
        (row("P1", "0.87"), ("value", "value-fraction", " with figures near 80")),
        (row("P1", "1"), ("value", "value-fraction", " with figures near 80")),
        (row("P1", "0.87", "87"), ("value", "value-fraction", " with figures near 80")),
        (row("P2", "75", "30", "41"), ("value", "value-unlike-parts", "73.2")),
        (row("R1", "1.50", "31", "2000"), ("value", "value-unlike-parts", "15.500")),
        (row("R1", "15000", "31000000", "2000"), ("value", "value-unlike-parts", "15,500,000.0")),
        (row("R1", "1000000001500", "2000000000000", "2000"), ("value", "value-unlike-parts", "1,000,000,000,000.0")),
        (row("P2", "", "41", "40"), ("numerator", "parts-over", "")),
        (row("P2", "", "2", "1"), ("numerator", "parts-over", "")),
        (row("C1", "5", "1", "0"), ("denominator", "parts-zero", "")),
        (row("P2", "", "3", "40", "suppressed"), ("numerator", "parts-withheld", "suppressed")),
        (row("P2", "c", "3", "40", ""), ("numerator", "parts-withheld", "suppressed")),
        (row("C1", "n/a", "3", "40", ""), ("numerator", "parts-withheld", "not applicable")),
        (row("P1", "75", status="suppressed"), ("status", "status-with-value", "suppressed")),
        (row("P1", "c", status="not collected"),
         ("value", "status-other-reason", 'suppressed, but the status says "not collected"')),
        (row("P1", "", status="provisional"), ("status", "status-without-value", "provisional")),
        (row("P1", status="#REF!"), ("status", "value-error", "")),
        (row("P1", note="#N/A"), ("note", "value-error", "5,000")),
        (row("P1", note="x" * 5_001), ("note", "text-cut", "5,000")),
        (row("Total", "x", period="?"), ("kpi_id", "row-total", "")),
        (["* provisional", " ", "", "", "", "", ""], ("kpi_id", "row-footnote", "")),
        (["* provisional", "", "", "", "", "final", ""], ("kpi_id", "id-unknown", "")),
    ],
)  # fmt: skip
def test_a_rule_that_is_broken_and_its_particulars(
    known: Catalogue, sent: list[str], expected: tuple[str, str, str]
) -> None:
    assert expected in details(send(known, sent))


@pytest.mark.parametrize(
    ("sent", "codes"),
    [
        # a row that is too short is in no column for certain, and a period that is none gives no target to compare with
        (["C1", QUARTER, "-5"], ["row-short"]),
        (["P1", QUARTER, "0.87"], ["row-short"]),
        (["P2", QUARTER, "75", "3", "-4"], ["row-short"]),
        (["P2", "?", "c"], ["row-short"]),
        (row("P1", "0.87", period="?"), ["period-bad"]),
        (row("P2", "75", "30", "0"), ["parts-zero"]),
        (["\u200b", "", "", "", "", "", ""], ["row-footnote"]),
        (row("ZZ", "0.87"), ["id-unknown"]),
        (row("ZZ", "-5", "41", "-40"), ["id-unknown"]),
        (row("ZZ", "75", status="suppressed"), ["id-unknown"]),
    ],
)
def test_what_depends_on_something_that_is_not_certain_is_not_said(
    known: Catalogue, sent: list[str], codes: list[str]
) -> None:
    assert [code for _, code, _ in details(send(known, row("C1"), sent, row("R1")))] == codes


def test_of_a_total_no_more_is_said(known: Catalogue) -> None:
    assert details(send(known, row("Total", "x", period="?"))) == [("kpi_id", "row-total", "")]


def test_an_unknown_status_is_told_those_there_are(known: Catalogue) -> None:
    ((column, code, detail),) = details(send(known, row("P1", status="draft")))
    assert (column, code) == ("status", "status-unknown") and detail.startswith(
        "final, provisional, estimated"
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (row("P1", "100"), ("P1", 100, "final")),
        (row("C1", "0"), ("C1", 0, "final")),
        (row("C1", "1", "0"), ("C1", 1, "final")),
        (row("F1", "-5", "-7"), ("F1", -5, "final")),
        (row("F1", "£5", "£7"), ("F1", 5, "final")),
        (row("P1", "1.01"), ("P1", 1.01, "final")),
        (row("P1", "0"), ("P1", 0, "final")),
        (row("P1", "0.9%"), ("P1", 0.9, "final")),
        (row("P2", "1", "1", "100"), ("P2", 1, "final")),
        (row("S1", "0.9"), ("S1", 0.9, "final")),
        (row("C1", "0.5"), ("C1", 0.5, "final")),
        # 3,365 of 10,000 are 33.65%: 33.6 and 33.7 are both a half away, 33.5 is further
        (row("P1", "33.6", "3365", "10000"), ("P1", 33.6, "final")),
        (row("P1", "33.7", "3365", "10000"), ("P1", 33.7, "final")),
        (row("P2", "100", "40", "40"), ("P2", 100, "final")),
        (row("P2", "", "30", "40"), ("P2", 75, "final")),
        (row("P2", "", "1", "1"), ("P2", 100, "final")),
        (row("R1", "", "31", "2000", "estimated"), ("R1", 15.5, "estimated")),
        (row("C1", "5", "50", "40"), ("C1", 5, "final")),
        (row("C1", "", "3", "40", ""), ("C1", "", "not available")),
        (row("P1", "", status=""), ("P1", "", "not available")),
        (row("P2", "", "", "40", ""), ("P2", "", "not available")),
        (row("P2", "c", "", "40", ""), ("P2", "", "suppressed")),
        (row("P2", "c", "30", "", ""), ("P2", "", "suppressed")),
        # 1,000 × 2e12 of 2,000 are 1e12; floating noise is a billionth of it, a thousand
        (row("R1", "1000000000500", "2000000000000", "2000"), ("R1", 1_000_000_000_500, "final")),
        (row("P2", "", "30", "", ""), ("P2", "", "not available")),
        (row("P1", "", status="not collected"), ("P1", "", "not collected")),
        (row("P1", "-", status="suppressed"), ("P1", "", "suppressed")),
        (row("P1", "c", status="suppressed"), ("P1", "", "suppressed")),
        (row("P1", "c", status="final"), ("P1", "", "suppressed")),
        (row("P1", "", status="provisional"), ("P1", "", "not available")),
        (row("P1", status=""), ("P1", 87.5, "final")),
        (row("P1", status="estimated"), ("P1", 87.5, "estimated")),
        (row("OLD", "5", period="2024-25 Q1"), ("OLD", 5, "final")),
    ],
)
def test_what_keeps_the_rules_is_taken(
    known: Catalogue, sent: list[str], expected: tuple[str, float | str, str]
) -> None:
    found = send(known, sent)
    assert taken(found) == [expected]
    assert {code for _, code, _ in details(found)} <= {"status-without-value"}


@pytest.mark.parametrize("last", [Quarter(2023, 4), Quarter(2024, 1), Quarter(2024, 2)])
def test_the_last_quarter_of_a_kpi_is_named(known: Catalogue, last: Quarter) -> None:
    other = Catalogue.__new__(Catalogue)
    other.__dict__.update(known.__dict__, last=known.last.copy())
    other.last[known.position["C1"]] = ordinal(last)
    assert details(send(other, row("C1", "5"))) == [("period", "period-retired", last.title)]
    assert details(send(other, row("C1", "5", period=last.label))) == []


def test_without_targets_a_fraction_is_told_by_the_kpis_other_figures(known: Catalogue) -> None:
    bare = Catalogue.__new__(Catalogue)
    bare.__dict__.update(known.__dict__, targets=known.targets.head(0))
    # the median of 0.87, 86 and 88 is 86; of 0.9, 4 and 6 it is 4; of 0.9, 5 and 6 it is 5, not above five
    for others, expected in (
        (("86", "88"), [("value", "value-fraction", " with figures near 86")]),
        (("4", "6"), []),
        (("5", "6"), []),
        (("5.5", "6"), [("value", "value-fraction", " with figures near 5.5")]),
    ):
        rows = [
            row("P1", "0.87"),
            *(row("P1", value, period=f"2023-24 Q{n}") for n, value in enumerate(others, start=1)),
        ]
        assert details(send(bare, *rows)) == expected


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (row("P1"), []),
        (row("P1", "87.5%"), [("value", "87.5", "the sign % left out")]),
        (row("P2", "", "30", "40"), [("value", "75", "it follows from numerator and denominator")]),
        (row("P2", "", "", "40", "suppressed"), []),
        (row("P1", "n/a"), [("value", "", '"n/a" means not applicable')]),
        (row("C1", "5", "+1"), [("numerator", "1", "written with separators or signs")]),
        (row("p1"), [("kpi_id", "P1", "spaces or case in the id")]),
        (row("P1", period="Q3 2024/25"), [("period", QUARTER, "written as the tables have it")]),
        (row("M1", period="Dec 2024"), [("period", "2024-12", "a month in words")]),
        (row("P1", status="FINAL"), [("status", "final", "spelt as the tables have it")]),
        (row("P1", status=""), [("status", "final", "no status is given with the figure")]),
        (row("P1", "", status=""), []),
        (row("P1", note=" so"), [("note", "so", "spaces at the ends removed")]),
        (row("P1", "72p", status="FINAL", note=" so"), []),
    ],
)  # fmt: skip
def test_what_is_taken_otherwise_than_written_is_logged_unless_the_row_is_refused(
    known: Catalogue, sent: list[str], expected: list[tuple[str, str, str]]
) -> None:
    assert [change[1:] for change in send(known, sent).table.ledger.changes] == expected  # type: ignore[attr-defined]


def test_without_a_column_for_the_status_nothing_is_logged_of_it(known: Catalogue) -> None:
    sent = send(known, ["P1", QUARTER, "87.5"], head=["kpi_id", "period", "value"])
    assert taken(sent) == [("P1", 87.5, "final")] and sent.table.ledger.log().empty


def test_only_a_blank_without_a_status_says_nothing(known: Catalogue) -> None:
    sent = send(
        known,
        row("P1", "", status=""),
        row("P2", "-", status=""),
        row("C1", "", status="suppressed"),
        row("R1", "5", status=""),
    )
    assert sent.accepted()["silent"].tolist() == [True, False, False, False]


def test_a_note_of_the_longest_length_is_whole_and_a_longer_one_is_cut(known: Catalogue) -> None:
    sent = send(known, row("P1", note="x" * 5_000), row("P2", note="x" * 5_001))
    assert sent.accepted()["note"].str.len().tolist() == [5_000, 5_000]
    assert [found[0] for found in sent.table.ledger.details] == [3]  # type: ignore[attr-defined]


def duplicates(known: Catalogue, *files: list[list[str]]) -> list[tuple[int, str, str, str]]:
    ledger = Noted()
    check_duplicates(
        [
            send(known, *rows, name=f"{name}.csv", to=ledger)
            for name, rows in zip("abc", files, strict=False)
        ]
    )
    return ledger.details


def test_equal_rows_name_each_other_and_different_ones_are_refused(known: Catalogue) -> None:
    assert duplicates(known, [row("P1"), row("p1"), row("P2")]) == [
        (2, "kpi_id", "duplicate-same", "row 3"),
        (3, "kpi_id", "duplicate-same", "row 2"),
    ]
    for other in (
        row("P1", "87"),
        row("P1", "87.5", "7"),
        row("P1", status="estimated"),
        row("P1", note="so"),
    ):
        assert duplicates(known, [row("P1"), other]) == [
            (2, "kpi_id", "duplicate-conflict", "row 3"),
            (3, "kpi_id", "duplicate-conflict", "row 2"),
        ]
    assert (
        duplicates(known, [row("M1", period="2024-12"), row("M1", period="2024-11"), row("M1")])
        == []
    )
    assert duplicates(known) == []
    codes = [
        code
        for _, _, code, _ in duplicates(
            known, [row("P1", period="?"), row("P1", period="?"), row("ZZ"), row("ZZ")]
        )
    ]
    assert codes == ["period-bad", "period-bad", "id-unknown", "id-unknown"]


def test_rows_of_two_files_are_named_with_the_file(known: Catalogue) -> None:
    assert duplicates(known, [row("P2"), row("P1")], [row("P1")]) == [
        (2, "kpi_id", "duplicate-same", "row 3 of a.csv"),
        (3, "kpi_id", "duplicate-same", "row 2 of b.csv"),
    ]


def test_five_others_are_named(known: Catalogue) -> None:
    found = duplicates(known, [row("P1")] * 8)
    assert [detail for *_, detail in found][0] == "row 3; row 4; row 5; row 6; row 7"
    assert [detail for *_, detail in found][7] == "row 2; row 3; row 4; row 5; row 6"


def test_a_refused_row_is_like_no_other_and_is_named(known: Catalogue) -> None:
    assert duplicates(known, [row("P1", "72p"), row("P1", "72p")]) == [
        (2, "kpi_id", "duplicate-conflict", "row 3"),
        (2, "value", "value-flag", '"p"'),
        (3, "kpi_id", "duplicate-conflict", "row 2"),
        (3, "value", "value-flag", '"p"'),
    ]


@pytest.mark.parametrize(
    ("note", "swallows"),
    [
        ("open\nP2,2024-25 Q3,85,,,final,\nclose", True),
        ("open\n2024-25 Q3;P2;85", True),
        ("open\nP2\t2024-25 Q3\t85", True),
        ("P2,2024-25 Q3,85", False),
        (
            "Since 2024-25 Q3, P1 counts cases, not people.\nP2, P1 and C1 follow.\nAgreed in 2024-25 Q2, Q3, Q4.",
            False,
        ),
        ("one\nP2,2024-25 Q3", False),
    ],
)
def test_rows_that_a_quotation_mark_takes_into_a_note_are_not_lost(
    known: Catalogue, note: str, swallows: bool
) -> None:
    noted = Noted()
    sent = send(known, row("P1", note=note), to=noted)
    assert noted.details == ([(2, "note", "text-rows", "")] if swallows else [])
    assert sent.table.bad.tolist() == [swallows]
