"""What goes back to the services: complete, marked, safe to open, the same each time."""

from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook
from small_council import write_raw

from kpi_tools.files.rejects import write_rejected
from kpi_tools.loading import Returns, read_returns


@pytest.fixture
def returns(tmp_path: Path) -> Returns:
    folder = write_raw(tmp_path / "raw")
    (folder / "roads.csv").write_text(
        "kpi_id,period,value,numerator,denominator,status,note\n"
        "C1,2024-25 Q3,412,,,final,fine\n"
        'P1,2024-25 Q3,72p,,,draft,"=HYPERLINK(""http://x"")"\n'
        "CS01,2024-25 Q3,80,,final,\n",
        encoding="utf-8",
    )
    return read_returns(tmp_path / "raw")


def test_each_rejected_row_is_there_as_sent_with_its_reasons(
    returns: Returns, tmp_path: Path
) -> None:
    write_rejected(returns, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out" / "rejected.csv", dtype="str", keep_default_na=False)
    assert table["row"].tolist() == ["3", "4"]
    assert table["codes"].tolist() == ["value-flag status-unknown", "row-short"]
    assert table.loc[0, ["kpi_id", "value", "status"]].tolist() == ["P1", "72p", "draft"]
    assert 'value: The mark "p" stands behind the number.' in table.loc[0, "reasons"]
    assert table.loc[0, "note"] == '\'=HYPERLINK("http://x")'


def test_each_bad_cell_is_coloured_and_noted(returns: Returns, tmp_path: Path) -> None:
    write_rejected(returns, tmp_path / "out")
    sheet = load_workbook(tmp_path / "out" / "rejected.xlsx")["Rejected"]
    names = [cell.value for cell in sheet[1]]
    noted = {(cell.row, names[cell.column - 1]) for row in sheet for cell in row if cell.comment}
    assert noted == {(2, "value"), (2, "status"), (3, "codes")}
    marked = sheet.cell(2, names.index("value") + 1)
    assert (
        marked.fill.start_color.rgb == "FFF4B6B0" and "Give the number alone" in marked.comment.text
    )
    assert all(cell.data_type != "f" for row in sheet for cell in row)


def test_two_writings_give_the_same_bytes(returns: Returns, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_rejected(returns, tmp_path / "one")]
    assert first == [path.read_bytes() for path in write_rejected(returns, tmp_path / "two")]
