"""The bytes of one file as rows of texts: its kind, encoding and separator, its limits, and how many lines are blank."""

from typing import Any

import pytest

from kpi_tools.intake import grids
from kpi_tools.intake.grids import FileFault, Grid, text_grid, workbook_grids
from kpi_tools.words.problems import Ledger

HEADINGS = {"kpi_id", "period", "value"}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100)


def known(rows: Any) -> int:
    return max((len(HEADINGS & set(row)) for row in rows), default=0)


def cut(content: bytes | str) -> Grid:
    return text_grid(content.encode() if isinstance(content, str) else content, known)


def fault_of(content: bytes | str) -> tuple[str, str]:
    with pytest.raises(FileFault) as fault:
        cut(content)
    return fault.value.code, fault.value.detail


class Books:
    """Gives one answer to every workbook."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def read(self, raw: bytes) -> dict[str, Any]:
        return self.answer


def grids_of(raw: bytes, ledger: Ledger | None = None, **answer: Any) -> list[Grid]:
    return workbook_grids(raw, Books(answer), "r.xlsx", ledger or Ledger())  # type: ignore[arg-type]


def workbook_fault(raw: bytes, **answer: Any) -> tuple[str, str]:
    with pytest.raises(FileFault) as fault:
        grids_of(raw, **answer)
    return fault.value.code, fault.value.detail


# kinds of files


KINDS = [
    (b"\x89PNG\r\n\x1a\n", "an image"), (b"\xff\xd8\xff\xe0", "an image"), (b"GIF89a", "an image"), (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"), (b"RIFF1234WEBP", "an image or sound"), (b"%PDF-1.7", "a PDF document"),
    (b"{\\rtf1", "a word-processor document"), (b"\x1f\x8b\x08", "a compressed archive"),
    (b"7z\xbc\xaf\x27\x1c", "a compressed archive"), (b"Rar!\x1a\x07", "a compressed archive"),
    (b"PK\x05\x06" + bytes(18), "an empty archive"), (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "a database"), (b"<html>", "a web page or XML"), (b" \r\n <?xml ?>", "a web page or XML"),
    (b'{"kpi_id": 1}', "JSON"), (b"[{}]", "JSON"), (b"[\n 1]", "JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "kind"), KINDS)
def test_what_is_no_table_is_named_whatever_the_file_is_called(raw: bytes, kind: str) -> None:
    assert fault_of(raw) == workbook_fault(raw) == ("file-kind", kind)


def test_workbooks_and_texts_under_each_others_names() -> None:
    assert fault_of(b"PK\x03\x04...") == ("file-kind", "a workbook")
    assert fault_of(OLE) == ("file-kind", "an old .xls workbook or a protected one")
    assert workbook_fault(OLE) == ("file-password", "")
    assert workbook_fault(b"kpi_id,period,value\n") == ("file-kind", "a text file, such as CSV")
    assert fault_of("<html>".encode("utf-16")) == ("file-kind", "a web page or XML")
    assert cut("[x],value\n").cells == [["[x]", "value"]]


def test_nothing_is_no_table() -> None:
    for raw in (b"", b" \r\n\t\n", b"\xef\xbb\xbf", b"\x1a"):
        assert fault_of(raw) == ("file-empty", "")
    assert workbook_fault(b"") == ("file-empty", "")
    assert fault_of(bytes(9)) == workbook_fault(bytes(9)) == ("file-zeros", "")


def test_what_a_fault_of_a_file_says_unless_told_more() -> None:
    fault = FileFault("file-empty")
    assert (fault.code, fault.detail, fault.sheet, fault.row) == ("file-empty", "", "", 0)


# encodings


TEXT = "kpi_id,period,value\nP1,caf\u00e9,5\n"
CELLS = [["kpi_id", "period", "value"], ["P1", "caf\u00e9", "5"]]


@pytest.mark.parametrize(
    ("raw", "remarks"),
    [
        (TEXT.encode(), []),
        (TEXT.encode("utf-8-sig"), []),
        (TEXT.encode("utf-32"), ["the text is in UTF-32"]),
        (b"\x00\x00\xfe\xff" + TEXT.encode("utf-32-be"), ["the text is in UTF-32"]),
        (TEXT.encode("utf-16"), ["the text is in UTF-16"]),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), ["the text is in UTF-16"]),
        (TEXT.encode("utf-16-le"), ["the text is in UTF-16 without a mark"]),
        (TEXT.encode("utf-16-be"), ["the text is in UTF-16 without a mark"]),
        (TEXT.encode("cp1252"), ["the text is in Windows-1252"]),
    ],
)
def test_an_encoding_is_told_where_it_is_not_utf_8(raw: bytes, remarks: list[str]) -> None:
    grid = cut(raw)
    assert (grid.cells, grid.remarks) == (CELLS, remarks)


def test_letters_whose_low_byte_is_zero_do_not_hide_utf_16() -> None:
    text = "kpi_id,period,value\nP1,\u0100\u0100,5\n"
    for encoding in ("utf-16-le", "utf-16-be"):
        assert cut(text.encode(encoding)).cells[1] == ["P1", "\u0100\u0100", "5"]


def test_five_letters_of_utf_16_are_told_from_zeros() -> None:
    assert cut("a,b\nc".encode("utf-16-le")).cells == [["a", "b"], ["c"]]
    assert fault_of("a,bc".encode("utf-16-le")) == (
        "file-truncated",
        "it ends in zeros, so it was not wholly downloaded",
    )


@pytest.mark.parametrize(
    ("raw", "code", "detail"),
    [
        (TEXT.encode() + b"P2,caf\xe9,6\n", "file-encoding", "most of it is UTF-8, but not line 3"),
        (b"\xef\xbb\xbfvalue\n\xa3\n", "file-encoding", "most of it is UTF-8, but not line 2"),
        (b"value\n\xe9\x01\n", "file-encoding", "it holds bytes that no text has"),
        (b"value\n\xe9\x7f\n", "file-encoding", "it holds bytes that no text has"),
        (b"val\x81", "file-encoding", "byte 4 fits neither UTF-8 nor cp1252"),
        (
            TEXT.encode("utf-16")[:-1],
            "file-encoding",
            f"byte {2 * len(TEXT) + 1} fits neither UTF-8 nor utf-16",
        ),
        (
            TEXT.encode() + bytes(5) + b"\n",
            "file-truncated",
            "it ends in zeros, so it was not wholly downloaded",
        ),
        (TEXT.encode().replace(b"P1", b"P\x001"), "file-encoding", "it holds zero bytes"),
        (TEXT.replace("P1", "P\x001").encode("utf-16"), "file-encoding", "it holds zero bytes"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(
    raw: bytes, code: str, detail: str
) -> None:
    assert fault_of(raw) == (code, detail)


# separators


@pytest.mark.parametrize(
    ("separator", "remarks"),
    [(",", []), (";", ["the cells are separated by semicolons"]), ("\t", ["the cells are separated by tabs"]),
     ("|", ["the cells are separated by bars"])],
)  # fmt: skip
def test_the_separator_is_the_one_that_brings_out_the_headings(
    separator: str, remarks: list[str]
) -> None:
    grid = cut(
        f"a,b;c\td|e\n{separator.join(['kpi_id', 'period', 'value'])}\nP1{separator}x{separator}5\n"
    )
    assert grid.cells[1:] == [["kpi_id", "period", "value"], ["P1", "x", "5"]]
    assert (grid.remarks, grid.comma_is_doubtful) == (remarks, separator == ";")
    assert grid.ragged_is_fault and grid.sheet == "" and grid.filled and not grid.hidden


def test_headings_are_looked_for_in_the_first_sixty_rows() -> None:
    seen: list[int] = []

    def count(rows: Any) -> int:
        seen.append(len(rows))
        return 0

    text_grid(b"a\n" * 100, count)
    assert seen == [60] * 4


def test_marks_at_the_ends_of_a_text_are_no_part_of_it() -> None:
    assert cut("\ufeffX,b\nc,X\x1a").cells == [["X", "b"], ["c", "X"]]


# rows, lines and limits


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("a,b", 0), ("a,b\n", 0), ("a,,", 0), ("a,b\n\n", 1), ("a,b\n\n\n", 2), ("a,b\r\n\r\n\r\n", 2), ("a,b\r\r\r", 2),
        ("a,b\n,,\n ,", 2), ("a,b\n\t\n", 1), ("a,b\n,", 1), ("a,b\n\n,\r", 2), ("a,b, ,\r\n,,\r\n", 1),
    ],
)  # fmt: skip
def test_lines_of_nothing_after_the_last_row_are_counted_and_not_read(
    text: str, blank: int
) -> None:
    grid = cut(text)
    assert (len(grid.cells), grid.blank) == (1, blank)


def test_rows_are_lines_unless_cells_hold_line_ends() -> None:
    plain = cut("a\n\nb\n")
    assert (plain.cells, plain.lines, plain.records) == ([["a"], [], ["b"]], [1, 2, 3], None)
    quoted = cut('"a",b\n"c",d\n')
    assert (quoted.lines, quoted.records) == ([1, 2], None)
    several = cut('"a\nb",c\nd\n"e\n\nf"\ng\n')
    assert several.cells == [["a\nb", "c"], ["d"], ["e\n\nf"], ["g"]]
    assert (several.lines, several.records) == ([1, 3, 4, 7], [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ('a,"b\nc\nd\n', "file-truncated", "the quotation marks that open in row 1 never close"),
        ('a\nb,"c\n\nd', "file-truncated", "the quotation marks that open in row 2 never close"),
        ('"a\nb"\nc,"d', "file-truncated", "the quotation marks that open in row 3 never close"),
        ('"a"b\n', "file-quotes", "see row 1"),
        ('a\n"b\nc"\n"d"e\n', "file-quotes", "see row 4"),
        ("a\nb\n" + "x" * 131_073, "file-quotes", "the cell that begins in row 3 never ends"),
        (
            'a\n"b\n' + "x" * 131_073 + '"',
            "file-quotes",
            "the cell that begins in row 2 never ends",
        ),
    ],
)
def test_what_quotation_marks_spoil_is_told_with_its_row(text: str, code: str, detail: str) -> None:
    assert fault_of(text) == (code, detail)


def test_the_limits_are_those_of_a_return() -> None:
    assert (grids.MOST_ROWS, grids.MOST_COLUMNS, grids.MOST_CELLS) == (200_000, 200, 3_000_000)


@pytest.mark.parametrize(
    ("text", "code", "detail"),
    [
        ("a,b\nc,d\n", "", ""),
        ('a,"b"\nc,d\n', "", ""),
        ("a\nb\nc", "file-large", "more than -98 rows"),
        ('a,"b"\nc\nd\n', "file-large", "more than -98 rows"),
        ("a,b\n\n\n,,x\n", "file-stray", "C4"),
        ("a,b\r\r\r,,x\r", "file-stray", "C4"),
        ("a,b\r\n\r\n\r\n\"x\"\r\n", "file-stray", "A4"),
        ("a,b\n\n \n\"\",x,\n", "file-stray", "B4"),
        ("\n\n\n\t,X,\n", "file-stray", "B4"),
        ("a\rb\rc\rd\r", "file-large", "more than -98 rows"),
        ("a,b\n,\nb\n,,x\n", "file-large", "more than -98 rows"),
    ],
)  # fmt: skip
def test_many_rows_are_refused_and_a_stray_cell_below_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch, text: str, code: str, detail: str
) -> None:
    """A hundred rows more than the limit are let be, for titles: with a limit of -98 these are two."""
    monkeypatch.setattr(grids, "MOST_ROWS", -98)
    if code:
        assert fault_of(text) == (code, detail)
    else:
        assert len(cut(text).cells) == 2


def test_many_cells_and_columns_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grids, "MOST_CELLS", 3)
    assert len(cut("a,b,c,d").cells[0]) == 4
    assert fault_of("a,b,c,d,e") == ("file-large", "more than 3 cells")
    monkeypatch.setattr(grids, "MOST_CELLS", 100)
    monkeypatch.setattr(grids, "MOST_COLUMNS", 3)
    assert len(cut("a,b,c\nd,e,f, ,\n").cells) == 2
    assert fault_of("a,b\nd,e,f,g\n") == ("file-large", "more than 3 columns")


# workbooks


def sheet(**parts: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "name": "Return", "hidden": False, "rows": [], "kinds": [], "struck": [], "unseen": [], "hidden_rows": [],
        "hidden_columns": [], "merged": [],
    }  # fmt: skip
    return empty | parts


def test_a_sheet_in_every_part() -> None:
    (grid,) = grids_of(b"PK\x03\x04", sheets=[sheet(
        rows=[[2, ["a", "b"]], [5, ["c"]]], kinds=[[5, 0, "formula"], [2, 1, "date"]], struck=[[2, 0]], unseen=[[5, 0]],
        hidden_rows=[5], hidden_columns=[[1, 2], [198, 16_383]], merged=["A1:B2"],
    )])  # fmt: skip
    assert grid == Grid(
        "Return", [["a", "b"], ["c"]], [2, 5], records=None, kinds={(5, 0): "formula", (2, 1): "date"}, hidden=False,
        filled=True, hidden_rows=[5], hidden_columns={1, 2, 198, 199, 200}, struck=[(2, 0)], unseen=[(5, 0)],
        merged=["A1:B2"], remarks=[], comma_is_doubtful=False, ragged_is_fault=False, blank=0,
    )  # fmt: skip
    assert grid.formula_rows() == {5}
    assert (
        not any((grid.hidden, grid.comma_is_doubtful, grid.ragged_is_fault))
        and grid.filled
        and grid.blank == 0
    )


def test_a_hidden_sheet_is_reported_where_it_holds_something() -> None:
    ledger = Ledger()
    sheets = [{"name": name, "hidden": True, "filled": name == "Full"} for name in ("Full", "Void")]
    found = grids_of(b"PK\x03\x04", ledger, sheets=[*sheets, sheet()])
    assert [(grid.sheet, grid.hidden, grid.filled, grid.cells) for grid in found] == [
        ("Full", True, True, []), ("Void", True, False, []), ("Return", False, True, []),
    ]  # fmt: skip
    problems = ledger.problems()
    assert problems[["code", "file", "sheet"]].values.tolist() == [
        ["sheet-hidden", "r.xlsx", "Full"]
    ]
    assert '"Full"' in problems["rule"].iloc[0]


def test_a_fault_of_the_reader_is_the_files() -> None:
    assert workbook_fault(b"PK\x03\x04", fault="file-stray", detail="B4") == ("file-stray", "B4")
