"""A corpus of returns as services send them: every case a file, and what must become of each of its cells.

`python tests/malformed.py FOLDER` writes the files; `CASES` holds them with what is expected. Expectations are written
by hand from the rules of METHOD.md and the remedies that an analyst would give, never taken from the program.
"""

import io
import re
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from small_council import HEAD, QUARTER, text_of

Key = tuple[str, str]
GOOD: dict[Key, float | str] = {("C1", QUARTER): 412.0, ("P2", "2024-25 Q2"): 34.0}


@dataclass(frozen=True)
class Case:
    """One file, and what must come of it: figures taken, errors by (row, column), the file's own fault, rows logged."""

    name: str
    file: str
    make: Callable[[], bytes]
    taken: dict[Key, float | str] = field(default_factory=dict)
    refused: dict[tuple[int, str], str] = field(default_factory=dict)
    fault: str = ""
    logged: frozenset[tuple[int, str]] = frozenset()
    warned: frozenset[tuple[int, str, str]] = frozenset()

    @property
    def content(self) -> bytes:
        """The file, made each time it is asked for: some are large."""
        return self.make()


CASES: list[Case] = []


def rows(*changed: list[Any]) -> list[list[Any]]:
    """The headings, a good row, the rows given, a good row."""
    return [
        HEAD,
        ["C1", QUARTER, 412, "", "", "final", ""],
        *changed,
        ["P2", "2024-25 Q2", 34, 813, 2421, "final", ""],
    ]


def book_of(table: list[list[Any]], change: Callable[[Any, Any], None] | None = None) -> bytes:
    """The table as a workbook; `change(book, sheet)` spoils it before it is saved."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Return"
    for line, row in enumerate(table, start=1):
        for column, value in enumerate(row, start=1):
            if value != "":
                sheet.cell(line, column).value = value
                if isinstance(value, str):
                    sheet.cell(line, column).data_type = "s"
    if change:
        change(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def add(
    name: str, content: bytes | str | Callable[[], bytes], file: str = "return.csv", **expected: Any
) -> None:
    """One more case; a text is written as UTF-8, and what makes a workbook is called when it is needed."""
    if callable(content):
        CASES.append(
            Case(name, file if file != "return.csv" else "return.xlsx", content, **expected)
        )
    else:
        raw = content.encode() if isinstance(content, str) else content
        CASES.append(Case(name, file, lambda: raw, **expected))


def both(name: str, row: list[Any], *, as_: float | str | None = None, key: Key | None = None, code: str = "",
         column: str = "value", logged: str = "", warned: tuple[str, str] | None = None) -> None:  # fmt: skip
    """A row as CSV and as a workbook: taken as `as_` under `key`, or refused by `code` at `column`."""
    expected: dict[str, Any] = {"taken": dict(GOOD)}
    if as_ is not None:
        expected["taken"][key or (row[0], row[1])] = as_
    if code:
        expected["refused"] = {(3, column): code}
    if logged:
        expected["logged"] = frozenset({(3, logged)})
    if warned:
        expected["warned"] = frozenset({(3, *warned)})
    add(name + " (csv)", text_of(rows(row)), **expected)
    add(name + " (xlsx)", lambda: book_of(rows(row)), **expected)


def row(value: Any = "87.5", kpi: str = "P1", period: Any = QUARTER, above: Any = "", below: Any = "",
        status: str = "final", note: str = "") -> list[Any]:  # fmt: skip
    """A row of a return."""
    return [kpi, period, value, above, below, status, note]


# numbers whose meaning is certain
both("plain", row("87.5"), as_=87.5)
both("spaces around", row(" 87.5 "), as_=87.5, logged="value")
both("no-break space", row("87.5\u00a0"), as_=87.5, logged="value")
both("percent sign", row("87.5%"), as_=87.5, logged="value")
both("percent sign below one", row("0.9%"), as_=0.9, logged="value")
both("thousands", row("1,412", "C1", "2024-25 Q2"), as_=1412.0, logged="value")
both("pounds", row("£1,412", "F1"), as_=1412.0, logged="value")
both("small percentage where targets are small", row("0.9", "S1"), as_=0.9)
both("follows from its parts", row("", "P2", QUARTER, "30", "40"), as_=75.0, logged="value")
both("rate follows from its parts", row("", "R1", QUARTER, "30", "2000"), as_=15.0, logged="value")
both("rounded as written", row("33.6", "P1", QUARTER, "813", "2421"), as_=33.6)
both("rounded down as written", row("33.6", "P1", QUARTER, "3364", "10000"), as_=33.6)
both("all of them", row("100", "P2", QUARTER, "40", "40"), as_=100.0)
both("zero width in number", row("87\u200b.5"), as_=87.5, logged="value")
both("percent sign after a space", row("87.5 %"), as_=87.5, logged="value")
both("nought", row("0", "C1", "2024-25 Q2"), as_=0.0)
both("minus nought", row("-0", "C1", "2024-25 Q2"), as_=0.0)
both("without the zero before the point", row(".5", "S1"), as_=0.5, logged="value")
both("money below zero", row("-12.5", "F1"), as_=-12.5)
both("pence and thousands", row("£1,412.50", "F1"), as_=1412.5, logged="value")

# no number, with its reason
for marker, reason in (
    ("n/a", "not applicable"), ("N/A", "not applicable"), ("-", "not available"), ("..", "not available"),
    (":", "not available"), ("[x]", "not available"), ("x", "not available"), ("[z]", "not applicable"),
    ("z", "not applicable"), ("c", "suppressed"), ("[c]", "suppressed"), ("*", "suppressed"), ("~", "suppressed"),
    ("<5", "suppressed"), ("< 5", "suppressed"), ("<10", "suppressed"), ("C", "suppressed"),
    ("\u2014", "not available"), ("1 to 4", "suppressed"), ("[low]", "rounds to zero"), ("k", "rounds to zero"),
):  # fmt: skip
    both(f"marker {marker}", row(marker, status=""), as_=reason, logged="value")
both("blank", row("", status=""), as_="not available")
both("blank with reason", row("", status="not collected"), as_="not collected")
both("blank but final", row(""), as_="not available", warned=("status", "status-without-value"))

# refused
for value, code in (
    ("about ninety", "value-text"), ("TBC", "value-text"), ("72p", "value-flag"), ("72*", "value-flag"),
    ("72 (p)", "value-flag"), ("72r", "value-flag"), ("10-Feb", "value-date"), ("Feb-10", "value-date"),
    ("80-90", "value-range"), ("80 to 90", "value-range"), (">95", "value-range"), ("95+", "value-range"),
    ("#N/A", "value-error"), ("#DIV/0!", "value-error"), ("#REF!", "value-error"), ("72,5", "value-comma"),
    ("inf", "value-infinite"), ("NaN", "value-infinite"), ("1E+01", "value-scientific"), ("8 7", "value-spaces"),
    ("101", "value-above-100"), ("-5", "value-negative"), ("0.87", "value-fraction"), ("1", "value-fraction"),
    ("TRUE", "value-truth"), ("NA", "value-text"), ("null", "value-text"), ("087", "value-zeros"),
    ("87.", "value-text"),
    ("８７", "value-text"), ("eighty", "value-text"), ("=87", "value-text"), ("87.5.1", "value-text"),
    ("£87", "value-sign"), ("'87", "value-text"), ("87/90", "value-range"), ("##", "value-error"),
    ("<50", "value-range"), ("<1", "value-range"), ("~90", "value-range"), ("c. 90", "value-range"),
    ("1\u20134", "value-range"),
    ("1-4", "value-range"), ("\u226595", "value-range"), ("1.412,5", "value-comma"), ("1,41", "value-comma"),
    ("14,12,000", "value-comma"), ("87,5%", "value-comma"), ("0,875", "value-comma"), ("1\u00a0412", "value-spaces"),
    ("5\n6", "value-spaces"), ("72 p", "value-flag"), ("72e", "value-flag"), ("72\u2020", "value-flag"),
    ("72%*", "value-flag"),
    ("5 (provisional)", "value-flag"), ("72 [r]", "value-flag"), ("r72", "value-text"), ("nil", "value-text"),
    ("n.a.", "value-text"),
    ("...", "value-text"), ("--", "value-text"), ("(5)", "value-text"), ("\u22125", "value-negative"),
    ("-0.1%", "value-negative"),
    ("-inf", "value-infinite"), ("\u221e", "value-infinite"), ("1" + "0" * 400, "value-infinite"),
    ("1e5", "value-scientific"),
    ("00.5", "value-zeros"), ("05", "value-zeros"), ("08:30", "value-time"), ("2024-02-10", "value-date"),
    ("10/02/2024", "value-date"),
    ("10 Feb", "value-date"), ("#DIV/0", "value-error"), ("#N/a", "value-error"), ("Err:502", "value-error"),
    ("100.01", "value-above-100"),
    ("1,412", "value-above-100"), ("8750%", "value-above-100"), ("0.875", "value-fraction"),
    ("\u201c87\u201d", "value-text"),
):  # fmt: skip
    both(f"value {value}", row(value), code=code)
both("endless digits of a count", row("9" * 400, "C1", "2024-25 Q2"), code="value-infinite")
both(
    "percent sign in the numerator",
    row("75", "P2", QUARTER, "30%", "40"),
    code="parts-sign",
    column="numerator",
)
both("value unlike parts by ten", row("7.5", "P2", QUARTER, "30", "40"), code="value-unlike-parts")
both("fraction with its parts", row("0.75", "P2", QUARTER, "30", "40"), code="value-unlike-parts")
both("one per cent with its parts", row("1", "P2", QUARTER, "1", "100"), as_=1.0)
both("error in the status", row("75", status="#REF!"), code="value-error", column="status")
both("error in the note", row("75", note="#N/A"), code="value-error", column="note")
both("negative count", row("-5", "C1", "2024-25 Q2"), code="value-negative")
both("percent sign on a count", row("5%", "C1", "2024-25 Q2"), code="value-sign")
both("unlike its parts", row("75", "P2", QUARTER, "30", "41"), code="value-unlike-parts")
both(
    "rounded the wrong way", row("33.6", "P1", QUARTER, "3366", "10000"), code="value-unlike-parts"
)
both(
    "numerator over denominator",
    row("", "P2", QUARTER, "41", "40"),
    code="parts-over",
    column="numerator",
)
both(
    "denominator zero",
    row("", "P2", QUARTER, "0", "0", ""),
    code="parts-zero",
    column="denominator",
)
both(
    "text in numerator",
    row("75", "P2", QUARTER, "30ish", "40"),
    code="value-text",
    column="numerator",
)
both(
    "negative denominator",
    row("75", "P2", QUARTER, "30", "-40"),
    code="value-negative",
    column="denominator",
)
both(
    "suppressed but parts given",
    row("c", "P2", QUARTER, "3", "40", ""),
    code="parts-withheld",
    column="numerator",
)
both("value and reason", row("75", status="suppressed"), code="status-with-value", column="status")
both("unknown status", row("75", status="draft"), code="status-unknown", column="status")
both("two reasons", row("c", status="not collected"), code="status-other-reason")

# ids
both("id in lower case", row(kpi="p1"), as_=87.5, key=("P1", QUARTER), logged="kpi_id")
both("id with spaces", row(kpi=" CS 01 "), as_=87.5, key=("CS01", QUARTER), logged="kpi_id")
both("id with zero width", row(kpi="P\u200b1"), as_=87.5, key=("P1", QUARTER), logged="kpi_id")
for kept in ("007", "1E5", "NA", "TRUE", "MAR1", "nan"):
    both(f"id {kept} stays text", row("5", kept), as_=5.0)
for wrong, code in (
    ("ZZ9", "id-unknown"), ("", "id-missing"), ("\u0421S01", "id-lookalike"), ("CSO1", "id-lookalike"),
    ("CS0l", "id-lookalike"), ("7", "id-lookalike"), ("0007", "id-lookalike"), ("100000", "id-lookalike"),
    ("1.00E+05", "id-lookalike"), ("01-Mar", "id-lookalike"), ("\uff30\uff11", "id-lookalike"),
    ("CS-01", "id-lookalike"),
    ("#REF!", "value-error"), ("P1;DROP", "id-unknown"), ("../P1", "id-lookalike"), ("CS1", "id-lookalike"),
    ("CS001", "id-lookalike"), ("7.0", "id-lookalike"), ("'007", "id-lookalike"), ("1E+5", "id-lookalike"),
    ("Mar-01", "id-lookalike"),
    ("01/03/2024", "id-lookalike"), ("P_1", "id-lookalike"), ("C501", "id-lookalike"), ("P1 - Roads", "id-unknown"),
):  # fmt: skip
    both(f"id {wrong!a}", row(kpi=wrong), code=code, column="kpi_id")
both("total", row("999", "Total"), code="row-total", column="kpi_id")
for total in ("TOTAL:", "Sub-total", "Average", "Totals for the section"):
    both(f"row called {total}", row("999", total), code="row-total", column="kpi_id")
both("grand total", row("999", "Grand total", ""), code="row-total", column="kpi_id")
both(
    "footnote",
    ["* provisional figures", "", "", "", "", "", ""],
    code="row-footnote",
    column="kpi_id",
)

# periods
for text in ("2024/25 Q3", "Q3 2024/25", "Q3 24/25", "Quarter 3, 2024/25", "qtr 3 2024-25", "31/12/2024", "31.12.2024",
             "31 December 2024", "31-Dec-24", "2024-12-31", " 2024-25 Q3", "2024–25 Q3", "Q3 2024-2025", "2024/25Q3",
             "Q3 FY24/25", "FY2024-25 Q3", "Q3 (2024/25)", "2024/25 (Q3)", "Quarter 3 of 2024/25", "2024-25_Q3", "2024/12/31",
             "31st December 2024", "2024-12-31T00:00:00", "31/12/24", "\uff12\uff10\uff12\uff14-25 Q3",
             "2024-25\nQ3"):  # fmt: skip
    both(f"period {text!a}", row(period=text), as_=87.5, key=("P1", QUARTER), logged="period")
both("month of a monthly KPI", row("87", "M1", "2024-12"), as_=87.0)
both(
    "month in words with a hyphen",
    row("87", "M1", "Dec-2024"),
    as_=87.0,
    key=("M1", "2024-12"),
    logged="period",
)
both(
    "month in words", row("87", "M1", "Dec 2024"), as_=87.0, key=("M1", "2024-12"), logged="period"
)
for text, code in (
    ("Q2 2023", "period-bad"), ("2024-25 Q5", "period-bad"), ("2024-26 Q1", "period-bad"), ("Q3", "period-bad"),
    ("2024/25", "period-bad"), ("45657", "period-bad"), ("last quarter", "period-bad"), ("", "period-missing"),
    ("31/02/2024", "period-date"), ("12/31/2024", "period-date"), ("30/11/2024", "period-date"),
    ("06/12/2024", "period-date"),
    ("2024-25 Q4", "period-future"), ("31/03/2025", "period-future"), ("2034-35 Q1", "period-future"),
    ("2024-12", "period-month"), ("#VALUE!", "value-error"), ("2023 Q2", "period-bad"), ("Q2 23", "period-bad"),
    ("Q2/2023", "period-bad"), ("FY23 Q2", "period-bad"), ("2024-25 Q0", "period-bad"), ("2024", "period-bad"),
    ("2024-25", "period-bad"), ("Dec-24", "period-bad"), ("24-Dec", "period-bad"), ("2024-13", "period-bad"),
    ("Q3 2024/25 (provisional)", "period-bad"), ("Q3 2024/25 Q2 2024/25", "period-bad"), ("Oct-Dec 2024", "period-bad"),
    ("12-31-2024", "period-date"), ("29/02/2023", "period-date"), ("2024-10-01", "period-date"),
    ("Dec 2024", "period-month"),
    ("2025-26 Q1", "period-future"), ("n/a", "period-bad"), ("45657.0", "period-bad"),
):  # fmt: skip
    both(f"period {text!a}", row(period=text), code=code, column="period")
both("date for a monthly KPI", row("87", "M1", "31/12/2024"), code="period-which", column="period")
both(
    "period after the KPI left",
    row("5", "OLD", "2024-25 Q2"),
    as_=5.0,
    warned=("period", "period-retired"),
)

# duplicates
add("equal rows", text_of(rows(row(), row())), taken={**GOOD, ("P1", QUARTER): 87.5},
    warned=frozenset({(3, "kpi_id", "duplicate-same"), (4, "kpi_id", "duplicate-same")}))  # fmt: skip
add("conflicting rows", text_of(rows(row("87"), row("78"))), taken=dict(GOOD),
    refused={(3, "kpi_id"): "duplicate-conflict", (4, "kpi_id"): "duplicate-conflict"})  # fmt: skip
add("conflict written in two ways", text_of(rows(row("87"), row("78", "p1", "Q3 24/25"))), taken=dict(GOOD),
    refused={(3, "kpi_id"): "duplicate-conflict", (4, "kpi_id"): "duplicate-conflict"})  # fmt: skip

# rows and files of text
_FINE = text_of(rows(row()))
_ALL: dict[Key, float | str] = {**GOOD, ("P1", QUARTER): 87.5}
add("with mark", "\ufeff" + _FINE, taken=_ALL)
add("two marks", "\ufeff\ufeff" + _FINE, taken=_ALL)
add("windows-1252", text_of(rows(row(note="caf\u00e9 \u2013 \u00a35"))).encode("cp1252"), taken=_ALL,
    logged=frozenset({(0, "")}))  # fmt: skip
add(
    "utf-16 with tabs",
    text_of(rows(row()), "\t").encode("utf-16"),
    taken=_ALL,
    logged=frozenset({(0, "")}),
)
add(
    "utf-16 without mark",
    text_of(rows(row()), "\t").encode("utf-16-le"),
    taken=_ALL,
    logged=frozenset({(0, "")}),
)
add("utf-16 big-endian", "\ufeff".encode("utf-16-be") + _FINE.encode("utf-16-be"), taken=_ALL)
add("semicolons", text_of(rows(row()), ";"), taken=_ALL, logged=frozenset({(0, "")}))
add(
    "semicolons and a comma",
    text_of(rows(row("1,412", "F1")), ";"),
    taken=dict(GOOD),
    refused={(3, "value"): "value-comma"},
)
add("old line ends", text_of(rows(row()), end="\r"), taken=_ALL)
add("no last line end", _FINE.rstrip(), taken=_ALL)
add("quoted thousands", _FINE.replace("87.5", '"1,412"').replace("P1", "F1"), taken={**GOOD, ("F1", QUARTER): 1412.0},
    logged=frozenset({(3, "value")}))  # fmt: skip
add(
    "unquoted thousands",
    _FINE.replace("87.5", "1,412").replace("P1", "F1"),
    taken=dict(GOOD),
    refused={(3, ""): "row-long"},
)
add(
    "short row",
    _FINE.replace("87.5,,,final,", "87.5"),
    taken=dict(GOOD),
    refused={(3, ""): "row-short"},
)
add(
    "footnote alone",
    _FINE + "Source: our system\r\n",
    taken=_ALL,
    refused={(5, "kpi_id"): "row-footnote"},
)
add("title above", "Anyshire return\r\n\r\n" + _FINE, taken=_ALL, logged=frozenset({(1, "")}))
add(
    "heading case",
    _FINE.replace("kpi_id,period", "KPI ID,Period "),
    taken=_ALL,
    logged=frozenset({(1, "kpi_id"), (1, "period")}),
)
add("blank lines", _FINE.replace("\r\nP1", "\r\n\r\n,,,,,,\r\nP1"), taken=_ALL)
add("note of two lines", text_of(rows(row(note="one\ntwo"), row("81", "CS01"), row("72p", "S1"))),
    taken={**_ALL, ("CS01", QUARTER): 81.0}, refused={(6, "value"): "value-flag"})  # fmt: skip
add("unexpected column", _FINE.replace("note", "phone").replace("final,", "final,01234"), taken=_ALL,
    warned=frozenset({(1, "phone", "table-unexpected")}))  # fmt: skip
add(
    "control characters in note",
    text_of(rows(row(note="a\x0bb\x1bc"))),
    taken=_ALL,
    logged=frozenset({(3, "note")}),
)
add(
    "reversed text in note",
    text_of(rows(row(note="\u202eevil"))),
    taken=_ALL,
    logged=frozenset({(3, "note")}),
)
add("only headings", text_of([HEAD]), warned=frozenset({(1, "", "table-no-rows")}))
add(
    "tab-separated text file",
    text_of(rows(row()), "\t"),
    file="return.txt",
    taken=_ALL,
    logged=frozenset({(0, "")}),
)

add(
    "directive for the separator",
    "sep=;\r\n" + text_of(rows(row()), ";"),
    taken=_ALL,
    logged=frozenset({(0, ""), (1, "")}),
)
add("bars", text_of(rows(row()), "|"), taken=_ALL, logged=frozenset({(0, "")}))
add(
    "utf-16 with semicolons",
    text_of(rows(row()), ";").encode("utf-16"),
    taken=_ALL,
    logged=frozenset({(0, "")}),
)
add("utf-32", _FINE.encode("utf-32"), taken=_ALL, logged=frozenset({(0, "")}))
add("line feeds alone", _FINE.replace("\r\n", "\n"), taken=_ALL)
add(
    "all in quotes",
    "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in rows(row())),
    taken=_ALL,
)
add("separators at the end of every row", _FINE.replace("\r\n", ",,,\r\n"), taken=_ALL)
add("separators too many in one row", _FINE.replace("87.5,,,final,", "87.5,,,final,,"), taken=dict(GOOD),
    refused={(3, ""): "row-long"})  # fmt: skip
add("a whole row in quotes", _FINE.replace("P1,2024-25 Q3,87.5,,,final,", '"P1,2024-25 Q3,87.5,,,final,"'),
    taken=dict(GOOD), refused={(3, ""): "row-short"})  # fmt: skip
add("one row with other separators", _FINE.replace("P1,2024-25 Q3,87.5,,,final,", "P1;2024-25 Q3;87.5;;;final;"),
    taken=dict(GOOD), refused={(3, ""): "row-short"})  # fmt: skip
add("end-of-file mark of old", _FINE + "\x1a", taken=_ALL)
add("a million blank rows", _FINE + ",,,,,,\r\n" * 1_000_000, taken=_ALL)
add("nearly twenty megabytes of line ends", _FINE + "\n" * 19_000_000, taken=_ALL)
add(
    "unit in the heading",
    _FINE.replace(",value,", ",Value (%),"),
    taken=_ALL,
    logged=frozenset({(1, "value")}),
)
add("ten thousand times the same", _FINE + "C1,2024-25 Q1,5,,,final,\r\n" * 10_000,
    taken={**_ALL, ("C1", "2024-25 Q1"): 5.0},
    warned=frozenset((line, "kpi_id", "duplicate-same") for line in range(5, 10_005)))  # fmt: skip

# files refused
_BOOK = book_of(rows(row()))
_PAGE = "<!DOCTYPE html><html><body>Sign in</body></html>"
for name, content, file, fault in (
    ("empty", b"", "return.csv", "file-empty"),
    ("empty workbook file", b"", "return.xlsx", "file-empty"),
    ("blank lines only", b"\r\n\r\n ", "return.csv", "file-empty"),
    ("zeros", bytes(4096), "return.csv", "file-zeros"),
    ("zeros in a workbook", bytes(4096), "return.xlsx", "file-zeros"),
    ("zeros at the end", _FINE.encode() + bytes(500), "return.csv", "file-truncated"),
    ("zeros inside", _FINE.encode().replace(b"final", b"fi\x00nal"), "return.csv", "file-encoding"),
    ("truncated workbook", _BOOK[: len(_BOOK) // 2], "return.xlsx", "file-truncated"),
    ("truncated quote", _FINE.encode() + b'C1,2024-25 Q1,"41', "return.csv", "file-truncated"),
    ("quote inside", _FINE.replace("final,", 'final,"a"b"', 1).encode(), "return.csv", "file-quotes"),
    ("image", b"\x89PNG\r\n\x1a\n" + bytes(50), "return.csv", "file-kind"),
    ("image in a workbook", b"\xff\xd8\xff\xe0" + bytes(50), "return.xlsx", "file-kind"),
    ("document", b"%PDF-1.7\n", "return.xlsx", "file-kind"),
    ("web page", _PAGE.encode(), "return.csv", "file-kind"),
    ("web page in a workbook", _PAGE.encode(), "return.xlsx", "file-kind"),
    ("workbook named .csv", _BOOK, "return.csv", "file-kind"),
    ("text named .xlsx", _FINE.encode(), "return.xlsx", "file-kind"),
    ("password", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "return.xlsx", "file-password"),
    ("old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "return.xls", "file-format"),
    ("workbook with macros by name", _BOOK, "return.xlsm", "file-format"),
    ("json", b'{"kpi_id": "P1"}', "return.csv", "file-kind"),
    ("unknown bytes", b"kpi_id,period,value\nP1,\x81\x8d\x01,5\n", "return.csv", "file-encoding"),
    ("windows-1252 in the midst of utf-8", text_of(rows(row(note="caf\u00e9"))).encode() + b"C1,2024-25 Q1,5,,,final,caf\xe9",
     "return.csv", "file-encoding"),
    ("mark of utf-8, other text", b"\xef\xbb\xbf" + text_of(rows(row(note="\u00a35"))).encode("cp1252"),
     "return.csv", "file-encoding"),
    ("utf-16 cut within a letter", _FINE.encode("utf-16")[:-1], "return.csv", "file-encoding"),
    ("web page in utf-16", _PAGE.encode("utf-16"), "return.csv", "file-kind"),
    ("web page named .xls", _PAGE.encode(), "return.xls", "file-format"),
    ("text named .ods", _FINE.encode(), "return.ods", "file-format"),
    ("all rows in quotes", "\r\n".join(f'"{line}"' for line in _FINE.split("\r\n")).encode(),
     "return.csv", "table-header"),
    ("a million blank rows and a stray cell", (_FINE + ",,,,,,\r\n" * 1_000_000 + ",,x,,,,").encode(),
     "return.csv", "file-stray"),
    ("three hundred thousand rows", (_FINE + "C1,2024-25 Q1,5,,,final,\r\n" * 300_000).encode(),
     "return.csv", "file-large"),
    ("six million cells", (_FINE + ("12," * 150 + "\r\n") * 40_000).encode(), "return.csv", "file-large"),
    ("cell without an end", _FINE.replace("final,", "final," + "x" * 140_000, 1).encode(), "return.csv", "file-quotes"),
    ("heading row repeated", (_FINE + "KPI ID,Period,Value,,,,\r\nC1,2024-25 Q1,5,,,final,\r\n").encode(),
     "return.csv", "table-two"),
    ("tables side by side", b"kpi_id,period,value,,kpi_id,period,value\nP1,2024-25 Q3,87,,C1,2024-25 Q3,5\n",
     "return.csv", "table-duplicate"),
    ("wide by bare quarters", b"kpi_id,Q1,Q2,Q3,Q4\nP1,1,2,3,4\n", "return.csv", "table-wide"),
    ("wide by years", b"kpi_id,2022/23,2023/24\nP1,87,88\n", "return.csv", "table-wide"),
    ("wide by bare months", b"kpi_id,Apr,May,Jun\nM1,87,88,89\n", "return.csv", "table-wide"),
    ("wide by dates", b"kpi_id,30/06/2024,30/09/2024\nP1,87,88\n", "return.csv", "table-wide"),
    ("wide by ambiguous quarters", b"Title\n\nkpi_id,name,Q1 2024,Q2 2024\nP1,x,87,88\n", "return.csv", "table-wide"),
    ("periods as rows", b"kpi_id,P1,P2\nperiod,2024-25 Q3,2024-25 Q3\nvalue,87,88\n", "return.csv", "table-wide"),
    ("wide", b"kpi_id,2024-25 Q1,2024-25 Q2\nP1,87,88\n", "return.csv", "table-wide"),
    ("wide by months", b"kpi_id,Oct 2024,Nov 2024\nM1,87,88\n", "return.csv", "table-wide"),
    ("two tables", (_FINE + "\r\n" + _FINE).encode(), "return.csv", "table-two"),
    ("duplicate heading", _FINE.replace("numerator", "value").encode(), "return.csv", "table-duplicate"),
    ("missing column", _FINE.replace("period", "when").encode(), "return.csv", "table-columns"),
    ("no headings", _FINE.split("\r\n", 1)[1].encode(), "return.csv", "table-header"),
    ("prose", b"Dear all,\nplease find our figures below.\nRegards\n", "return.csv", "table-header"),
):  # fmt: skip
    add(name, content, file, fault=fault)


# workbooks
def spoilt(name: str, change: Callable[[Any, Any], None], **expected: Any) -> None:
    """A workbook with a good row 3, changed."""
    add(name, lambda: book_of(rows(row(87.5)), change), **expected)


def _set(place: str, value: Any, form: str = "General") -> Callable[[Any, Any], None]:
    def change(_: Any, sheet: Any) -> None:
        sheet[place] = value
        sheet[place].number_format = form

    return change


spoilt("percent format", _set("C3", 0.875, "0.0%"), taken=_ALL, logged=frozenset({(3, "value")}))
for sent, shown in (
    (0.29, 29.0),
    (0.0575, 5.75),
    (0.1 + 0.2, 30.0),
    (1, 100.0),
    (0.005, 0.5),
    (0, 0.0),
):
    spoilt(f"percent format {sent!r}", _set("C3", sent, "0.0%;[Red]-0.0%"), taken={**GOOD, ("P1", QUARTER): shown},
           logged=frozenset({(3, "value")}))  # fmt: skip
spoilt("percent format over a number of per cent", _set("C3", 87.5, "0.0%"), taken=dict(GOOD),
       refused={(3, "value"): "value-above-100"})  # fmt: skip
spoilt("percent sign only in the format", _set("C3", 87.5, '0.0"%"'), taken=_ALL)
spoilt("percent format on a count", lambda b, s: (_set("A3", "1E5")(b, s), _set("C3", 0.5, "0%")(b, s)), taken=dict(GOOD),
       refused={(3, "value"): "value-sign"})  # fmt: skip
for place, name in (
    ("F3", "status"),
    ("G3", "note"),
    ("A3", "kpi_id"),
    ("B3", "period"),
    ("D3", "numerator"),
):
    spoilt(f"uncalculated formula in {name}", _set(place, '="final"'), taken=dict(GOOD),
           refused={(3, name): "formula-empty"})  # fmt: skip
    spoilt(
        f"spreadsheet error in {name}",
        _set(place, "#N/A"),
        taken=dict(GOOD),
        refused={(3, name): "value-error"},
    )
for name, value, form in (
    ("date", date(2024, 1, 1), "dd/mm/yyyy"),
    ("truth", True, "General"),
    ("share", 0.5, "0%"),
):
    spoilt(
        f"{name} in status",
        _set("F3", value, form),
        taken=dict(GOOD),
        refused={(3, "status"): "status-unknown"},
    )
spoilt("year cell of a monthly KPI", lambda b, s: (_set("A3", "M1")(b, s), _set("B3", date(2024, 1, 1), "yyyy")(b, s)),
       taken=dict(GOOD), refused={(3, "period"): "period-date"})  # fmt: skip
spoilt(
    "date without its format",
    _set("B3", 45657),
    taken=dict(GOOD),
    refused={(3, "period"): "period-bad"},
)
spoilt(
    "format that shows nothing",
    _set("C3", 87.5, ";;;"),
    taken=_ALL,
    warned=frozenset({(3, "value", "cell-unseen")}),
)
spoilt("chart on a sheet of its own", lambda b, s: b.create_chartsheet("Chart"), taken=_ALL)
spoilt("table far below", lambda b, s: s.insert_rows(1, 500), taken=_ALL)
spoilt(
    "two tables one below the other",
    lambda b, s: [s.cell(9, at, name) for at, name in enumerate(HEAD, 1)],
    fault="table-two",
)
spoilt(
    "merged title",
    lambda b, s: (s.insert_rows(1), _set("A1", "Return")(b, s), s.merge_cells("A1:G1")),
    taken=_ALL,
)
spoilt("merged ids", lambda b, s: s.merge_cells("A3:A4"), taken={("C1", QUARTER): 412.0},
       refused={(3, "kpi_id"): "row-merged", (4, "kpi_id"): "row-merged"})  # fmt: skip
spoilt("total by formula", lambda b, s: (_set("A6", "Total")(b, s), _set("C6", "=SUM(C2:C4)")(b, s)), taken=_ALL,
       refused={(6, "kpi_id"): "row-total"})  # fmt: skip
spoilt("second table very hidden", lambda b, s: setattr(b.copy_worksheet(s), "sheet_state", "veryHidden"), taken=_ALL,
       warned=frozenset({(0, "", "sheet-hidden")}))  # fmt: skip
spoilt("float noise", _set("C3", 87.49999999999999999), taken=_ALL)
spoilt(
    "date cell for the quarter",
    _set("B3", date(2024, 12, 31), "dd/mm/yyyy"),
    taken=_ALL,
    logged=frozenset({(3, "period")}),
)
spoilt(
    "date and time cell",
    _set("B3", datetime(2024, 12, 31), "dd/mm/yyyy"),
    taken=_ALL,
    logged=frozenset({(3, "period")}),
)
spoilt(
    "date inside the quarter",
    _set("B3", date(2024, 12, 30), "dd/mm/yyyy"),
    taken=dict(GOOD),
    refused={(3, "period"): "period-date"},
)
spoilt(
    "date in value",
    _set("C3", date(2024, 2, 10), "d-mmm"),
    taken=dict(GOOD),
    refused={(3, "value"): "value-date"},
)
spoilt(
    "time in value",
    _set("C3", time(8, 30), "hh:mm"),
    taken=dict(GOOD),
    refused={(3, "value"): "value-time"},
)
spoilt("truth in value", _set("C3", True), taken=dict(GOOD), refused={(3, "value"): "value-truth"})
spoilt(
    "error in value", _set("C3", "#N/A"), taken=dict(GOOD), refused={(3, "value"): "value-error"}
)
spoilt("error in id", _set("A3", "#REF!"), taken=dict(GOOD), refused={(3, "kpi_id"): "value-error"})
spoilt(
    "uncalculated formula",
    _set("C3", "=80+7.5"),
    taken=dict(GOOD),
    refused={(3, "value"): "formula-empty"},
)
spoilt(
    "id became a number", _set("A3", 7), taken=dict(GOOD), refused={(3, "kpi_id"): "id-lookalike"}
)
spoilt(
    "id became a date",
    _set("A3", date(2024, 3, 1), "d-mmm"),
    taken=dict(GOOD),
    refused={(3, "kpi_id"): "id-lookalike"},
)
spoilt(
    "id became a power",
    _set("A3", 1e5, "0.00E+00"),
    taken=dict(GOOD),
    refused={(3, "kpi_id"): "id-lookalike"},
)
spoilt("truth as id", lambda b, s: _set("A3", True)(b, s), taken={**GOOD, ("TRUE", QUARTER): 87.5},
       warned=frozenset({(3, "value", "value-fractional")}))  # fmt: skip
spoilt("month cell of a monthly KPI", lambda b, s: (_set("A3", "M1")(b, s), _set("B3", date(2024, 12, 1), "mmm-yy")(b, s)),
       taken={**GOOD, ("M1", "2024-12"): 87.5}, logged=frozenset({(3, "period")}))  # fmt: skip
spoilt(
    "hidden row",
    lambda b, s: setattr(s.row_dimensions[3], "hidden", True),
    taken=_ALL,
    warned=frozenset({(3, "", "row-hidden")}),
)
spoilt("hidden column", lambda b, s: setattr(s.column_dimensions["C"], "hidden", True), taken=_ALL,
       warned=frozenset({(0, "value", "column-hidden")}))  # fmt: skip
spoilt("struck through", lambda b, s: setattr(s["C3"], "font", Font(strike=True)), taken=_ALL,
       warned=frozenset({(3, "value", "cell-struck")}))  # fmt: skip
spoilt("merged", lambda b, s: s.merge_cells("C3:C4"), taken={("C1", QUARTER): 412.0},
       refused={(3, "value"): "row-merged", (4, "value"): "row-merged"})  # fmt: skip
spoilt(
    "notes beside the table",
    _set("H3", "ask Jo"),
    taken=dict(GOOD),
    refused={(3, ""): "row-beside"},
)
spoilt("blank rows", lambda b, s: s.insert_rows(3, 4), taken=_ALL)
spoilt(
    "titles above",
    lambda b, s: (s.insert_rows(1, 2), _set("A1", "Return of Roads")(b, s)),
    taken=_ALL,
    logged=frozenset({(1, "")}),
)
spoilt(
    "second sheet of notes",
    lambda b, s: b.create_sheet("Notes").append(["Please read"]),
    taken=_ALL,
)
spoilt("hidden sheet", lambda b, s: (b.create_sheet("Lists").append(["a"]), setattr(b["Lists"], "sheet_state", "hidden")),
       taken=_ALL, warned=frozenset({(0, "", "sheet-hidden")}))  # fmt: skip
spoilt("two candidate sheets", lambda b, s: b.copy_worksheet(s), fault="table-sheets")
spoilt("table on a hidden sheet", lambda b, s: (b.create_sheet("Front"), setattr(s, "sheet_state", "hidden")),
       fault="table-hidden", warned=frozenset({(0, "", "sheet-hidden")}))  # fmt: skip
spoilt("stray cell at the end of the sheet", _set("XFD1048576", "x"), fault="file-stray")
spoilt("stray cell a million rows down", _set("B1000000", " "), fault="file-stray")
spoilt("stray cell far right", _set("XFD2", 1), fault="file-stray")
spoilt(
    "number as text",
    lambda b, s: (_set("C3", "87.5")(b, s), setattr(s["C3"], "data_type", "s")),
    taken=_ALL,
)
spoilt(
    "carriage return in note",
    _set("G3", "one_x000D_two"),
    taken=_ALL,
    logged=frozenset({(3, "note")}),
)
spoilt("empty sheet", lambda b, s: s.delete_rows(1, 20), fault="file-empty")


def _repacked(change: Callable[[dict[str, bytes]], None], level: int = 6) -> Callable[[], bytes]:
    """What makes the workbook with its parts changed."""
    return lambda: _pack(change, level)


def _pack(change: Callable[[dict[str, bytes]], None], level: int) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_BOOK)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return out.getvalue()


_SHEET = "xl/worksheets/sheet1.xml"
_LAUGHS = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def _entity(parts: dict[str, bytes]) -> None:
    parts[_SHEET] = parts[_SHEET].replace(b"<worksheet", _LAUGHS + b"<worksheet", 1)


add(
    "macros",
    _repacked(lambda parts: parts.update({"xl/vbaProject.bin": b"x"})),
    fault="file-macros",
)
add(
    "a link that no cell uses",
    _repacked(lambda parts: parts.update({"xl/externalLinks/externalLink1.xml": b"<x/>"})),
    taken=_ALL,
)
add("entity expansion", _repacked(_entity), fault="file-hostile")
add(
    "zip expansion",
    _repacked(lambda parts: parts.update({"xl/media/a.bin": bytes(60 * 2**20)}), 9),
    fault="file-large",
)
add(
    "zip ratio",
    _repacked(lambda parts: parts.update({"xl/media/a.bin": bytes(20 * 2**20)}), 9),
    fault="file-hostile",
)
add("no sheet in it", _repacked(lambda parts: parts.pop(_SHEET)), fault="file-truncated")
add(
    "broken part",
    _repacked(lambda parts: parts.update({_SHEET: parts[_SHEET][:300]})),
    fault="file-truncated",
)
add(
    "not a workbook inside",
    _repacked(lambda parts: [parts.pop(name) for name in list(parts) if "workbook" in name]),
    fault="file-kind",
)


def _in_sheet(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[_SHEET]
        parts[_SHEET] = parts[_SHEET].replace(old, new, 1)

    return change


def _everywhere(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.update(
        {name: part.replace(old, new) for name, part in parts.items()}
    )


_END = b"</sheetData>"


def _formatted() -> bytes:
    """Half a million cells with a format and nothing in them."""
    return b"".join(
        b'<row r="%d">' % line
        + b"".join(b'<c r="%c%d" s="0"/>' % (place, line) for place in b"ABCD")
        + b"</row>"
        for line in range(6, 120_000)
    )


add(
    "half a million formatted blank cells",
    _repacked(lambda parts: _in_sheet(_END, _formatted() + _END)(parts)),
    taken=_ALL,
)
add("half a million formatted blank cells and a stray one", _repacked(lambda parts: _in_sheet(
    _END, _formatted() + b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>' + _END)(parts)), fault="file-stray")  # fmt: skip
add("merged with a million rows, ten thousand times", _repacked(
    lambda parts: _in_sheet(_END, _END + b"<mergeCells>" + b"".join(
        b'<mergeCell ref="A3:A%d"/>' % line for line in range(1_000_000, 1_010_000)) + b"</mergeCells>")(parts)),
    taken={("C1", QUARTER): 412.0}, refused={(3, "kpi_id"): "row-merged", (4, "kpi_id"): "row-merged"})  # fmt: skip
add("rows out of order", _repacked(_in_sheet(b'<row r="3"', b'<row r="2"')), fault="file-truncated")
add("strict form of the format", _repacked(_everywhere(
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main")),
    fault="file-kind")  # fmt: skip
add("infinite number in a cell", _repacked(_in_sheet(b"<v>412</v>", b"<v>1e400</v>")),
    taken={key: value for key, value in _ALL.items() if key[0] != "C1"}, refused={(2, "value"): "value-infinite"})  # fmt: skip
add(
    "macro sheet",
    _repacked(lambda parts: parts.update({"xl/macrosheets/sheet1.xml": b"<x/>"})),
    fault="file-macros",
)
add(
    "query of a database",
    _repacked(lambda parts: parts.update({"xl/queryTables/queryTable1.xml": b"<x/>"})),
    fault="file-links",
)
add(
    "a connection that no sheet uses",
    _repacked(lambda parts: parts.update({"xl/connections.xml": b"<x/>"})),
    taken=_ALL,
)
add("document type in a small part", _repacked(lambda parts: parts.update(
    {"docProps/app.xml": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'})), fault="file-hostile")  # fmt: skip
for _text in ("abc", "1_0", "NaN", "\u0661\u0662"):
    add(f"{_text} where a number stands", _repacked(_in_sheet(b"<v>412</v>", f"<v>{_text}</v>".encode())),
        fault="file-hostile")  # fmt: skip
add("styles without end", _repacked(lambda parts: parts.update({"xl/styles.xml": parts["xl/styles.xml"].replace(
    b"</cellXfs>", b"".join(b'<xf numFmtId="%d"/>' % (line * 7919 % 10**7) for line in range(200_000)) + b"</cellXfs>")})),
    fault="file-hostile")  # fmt: skip
add("a million styled blank rows", _repacked(
    lambda parts: parts.update({_SHEET: parts[_SHEET].replace(b"</sheetData>", b"".join(
        b'<row r="%d"/>' % line for line in range(6, 1_048_577)) + b"</sheetData>")})), taken=_ALL)  # fmt: skip


# what people do with workbooks and columns, and what a reader must not stumble over
add("a cell that takes its figure from another file", _repacked(
    _in_sheet(b"<v>412</v>", b"<f>[1]Sheet1!A1</f><v>412</v>")), fault="file-links")  # fmt: skip
add("an empty fill", _repacked(lambda parts: parts.update({"xl/styles.xml": re.sub(
    rb"<fill><patternFill ?/></fill>", b"<fill/>", parts["xl/styles.xml"], count=1)})), taken=_ALL,
    warned=frozenset({(0, "", "styles-unknown")}))  # fmt: skip
add("styles that nobody can read", _repacked(lambda parts: parts.update({"xl/styles.xml": parts["xl/styles.xml"].replace(
    b'numFmtId="0"', b'numFmtId="x"')})), taken=_ALL,
    warned=frozenset({(0, "", "styles-unknown")}))  # fmt: skip
add("properties that nobody can read", _repacked(lambda parts: parts.update(
    {"docProps/core.xml": b"<x><created>yesterday</created></x>"})), taken=_ALL)  # fmt: skip
add(
    "a rule of colours that nobody can read",
    _repacked(
        _in_sheet(
            _END,
            _END
            + b'<conditionalFormatting sqref="nowhere"><cfRule type="strange"/></conditionalFormatting>',
        )
    ),
    taken=_ALL,
)
spoilt("white on white", lambda b, s: setattr(s["C3"], "font", Font(color="FFFFFFFF")), taken=_ALL,
       warned=frozenset({(3, "value", "cell-unseen")}))  # fmt: skip
spoilt("black on black", lambda b, s: setattr(s["C3"], "fill", PatternFill("solid", start_color="FF000000")), taken=_ALL,
       warned=frozenset({(3, "value", "cell-unseen")}))  # fmt: skip
spoilt("white on blue", lambda b, s: (setattr(s["C3"], "font", Font(color="FFFFFFFF")),
       setattr(s["C3"], "fill", PatternFill("solid", start_color="FF1D4F8C"))), taken=_ALL)  # fmt: skip
spoilt("a comment", lambda b, s: setattr(s["C3"], "comment", Comment("do not use", "Jo")), taken=_ALL,
       warned=frozenset({(3, "value", "cell-comment")}))  # fmt: skip
spoilt(
    "our own notes that come back",
    lambda b, s: setattr(s["C3"], "comment", Comment("Mend", "kpi check")),
    taken=_ALL,
)
for _name, _formula in (
    ("itself", "C2*1"),
    ("a sum with itself", "SUM(C2:C4)"),
    ("another cell and back", "H9"),
):
    add(f"a formula of {_name}", _repacked(lambda parts, text=_formula: (
        _in_sheet(b"<v>412</v>", f"<f>{text}</f><v>0</v>".encode())(parts),
        _in_sheet(_END, b'<row r="9"><c r="H9"><f>C2</f><v>0</v></c></row>' + _END)(parts) if text == "H9" else None)),
        taken={key: value for key, value in _ALL.items() if key[0] != "C1"}, refused={(2, "value"): "formula-circular"} | (
            {(9, "kpi_id"): "row-footnote"} if _formula == "H9" else {}))  # fmt: skip


def _elsewhere(parts: dict[str, bytes]) -> None:
    parts["xl/tables/one.xml"] = parts.pop(_SHEET)
    for name in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
        parts[name] = parts[name].replace(b"worksheets/sheet1.xml", b"tables/one.xml")


add("a sheet in a folder of another name", _repacked(_elsewhere), taken=_ALL)
add("a formula that makes nought", _repacked(_in_sheet(b"<v>412</v>", b"<f>C4-34</f><v>0</v>")),
    taken={**_ALL, ("C1", QUARTER): 0.0})  # fmt: skip
add("a comma at the end of every row", "\r\n".join(
    [_FINE.split("\r\n")[0], *(line + "," for line in _FINE.split("\r\n")[1:] if line)]), taken=_ALL,
    logged=frozenset({(1, "")}))  # fmt: skip
add("thousands without quotes in every row", "kpi_id,period,value,numerator,denominator,status,note\r\n"
    "C1,2024-25 Q3,1,412,,,final,\r\nF1,2024-25 Q3,2,500,,,final,\r\n",
    refused={(2, ""): "row-long", (3, ""): "row-long"})  # fmt: skip
both("a subtotal", row("999", "Roads Total"), code="row-total", column="kpi_id")
both(
    "the name of a KPI", row("87.5", "name of p1 "), as_=87.5, key=("P1", QUARTER), logged="kpi_id"
)
for _mark in ("P1 (revised)", "P1*", "P1 revised", "p1 [r]"):
    both(f"id {_mark}", row("87.5", _mark), code="id-marked", column="kpi_id")
add("a row of units", _FINE.replace("note\r\n", "note\r\nid,quarter,%,number,number,,\r\n", 1),
    taken=_ALL, refused={(2, "kpi_id"): "row-units"})  # fmt: skip
both(
    "a count that is not whole",
    row("412.5", "C1", "2024-25 Q2"),
    as_=412.5,
    warned=("value", "value-fractional"),
)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for number, case in enumerate(CASES):
        folder = (
            target
            / f"{number:03} {''.join(letter for letter in case.name if letter.isalnum() or letter == ' ')}"
        )
        folder.mkdir(parents=True)
        (folder / case.file).write_bytes(case.content)
