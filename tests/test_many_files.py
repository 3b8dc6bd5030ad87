"""Folders of Parquet as councils really send them: files unlike each other, one of them spoilt, and disks that are full.

What can be read is judged as if it stood in one good file; the expected values are those of `test_many_figures`.
"""

import errno
import os

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from test_many_figures import AUTHORITIES, BY, command, figures, hive, same, source_file, worked_out

from kpi_tools.errors import InputError, KpiError
from kpi_tools.many.blocks import rate_parquet

ODD = "Zürich/West"


@pytest.fixture(scope="module")
def table():
    return figures()


@pytest.fixture(scope="module")
def expected(table):
    return worked_out(table)


@pytest.fixture(params=["polars", "pandas"])
def engine(request):
    return request.param


def each_in_its_file(table, folder, change=None, names="{}.parquet"):
    """One file an authority, numbered in their order; what `change` makes of the Arrow table of each."""
    for number, (authority, rows) in enumerate(table.groupby("authority")):
        arrow = pa.Table.from_pandas(rows, preserve_index=False)
        path = folder / names.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(change(authority, arrow) if change else arrow, path)
    return folder


def put(arrow, name, values):
    return arrow.set_column(arrow.schema.get_field_index(name), name, values)


def test_authorities_that_stand_in_folders_and_files_alike(table, tmp_path, expected, engine):
    for number, authority in enumerate(AUTHORITIES):
        rows = table[table["authority"] == authority]
        (tmp_path / "in" / f"authority={number}").mkdir(parents=True)
        rows.to_parquet(tmp_path / "in" / f"authority={number}" / "a.parquet", index=False)
    done = rate_parquet(tmp_path / "in", tmp_path / "out.parquet", engine=engine, block_rows=100)
    assert done.faults == ()
    same(pq.read_table(tmp_path / "out.parquet").to_pandas(), expected)


def test_whole_numbers_for_authorities_in_folders_and_files(table, tmp_path, engine):
    numbered = table.assign(authority=table["authority"].map(AUTHORITIES.index))
    each_in_its_file(numbered, tmp_path / "in", names="authority={}/a.parquet")
    rate_parquet(tmp_path / "in", tmp_path / "out.parquet", engine=engine, block_rows=100)
    same(pq.read_table(tmp_path / "out.parquet").to_pandas(), worked_out(numbered))


def test_text_that_is_stored_as_views(table, tmp_path, expected, engine):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    for name in (*BY, "polarity", "remark"):
        arrow = put(arrow, name, arrow[name].cast(pa.string_view()))
    pq.write_table(arrow, tmp_path / "in.parquet")
    rate_parquet(tmp_path / "in.parquet", tmp_path / "out.parquet", engine=engine, block_rows=100)
    same(pq.read_table(tmp_path / "out.parquet").to_pandas(), expected)


UNLIKE = {
    "no status in one": lambda arrow: arrow.drop_columns(["status"]),
    "one has more": lambda arrow: arrow.append_column("more", pa.array(["x"] * len(arrow))),
    "whole targets": lambda arrow: put(arrow, "target", arrow["target"].cast(pa.int32())),
    "no status that is known": lambda arrow: put(arrow, "status", pa.nulls(len(arrow))),
    "text in a list": lambda arrow: put(arrow, "kpi_id", arrow["kpi_id"].dictionary_encode()),
    "another order": lambda arrow: arrow.select(arrow.column_names[::-1]),
}


@pytest.mark.parametrize("odd", [AUTHORITIES[0], ODD])
@pytest.mark.parametrize("case", list(UNLIKE))
def test_files_unlike_each_other(table, tmp_path, expected, engine, case, odd):
    each_in_its_file(
        table, tmp_path / "in", lambda who, arrow: UNLIKE[case](arrow) if who == odd else arrow
    )
    done = rate_parquet(tmp_path / "in", tmp_path / "out.parquet", engine=engine, block_rows=200)
    assert done.faults == ()
    rated = pq.read_table(tmp_path / "out.parquet").to_pandas()
    same(rated, expected)
    assert "status" in rated and ("more" in rated) == (case == "one has more")
    if case == "one has more":
        assert set(rated.loc[rated["more"] == "x", "authority"]) == {odd}


def test_a_type_that_is_no_others(table, tmp_path, capsys, engine):
    """Dates and moments do not mix; the file that differs from those before it is left out, and the rest is rated."""

    def change(who, arrow):
        return (
            arrow if who != ODD else put(arrow, "period_end", arrow["period_end"].cast(pa.date32()))
        )

    each_in_its_file(table, tmp_path / "in", change)
    status, said = command(capsys, tmp_path / "in", tmp_path / "out.parquet", "--engine", engine)
    assert (
        status == 2
        and "differs from the other files: its column period_end holds date32[day], theirs" in said
    )
    rated = pq.read_table(tmp_path / "out.parquet").to_pandas()
    same(rated, worked_out(table[table["authority"] != ODD]))


def test_an_authority_without_any_target_comes_first(table, tmp_path, engine):
    """pandas writes a column that holds nothing as one of no type at all."""
    none = table.assign(target=table["target"].mask(table["authority"] == AUTHORITIES[0]))

    def change(who, arrow):
        return put(arrow, "target", pa.nulls(len(arrow))) if who == AUTHORITIES[0] else arrow

    each_in_its_file(none, tmp_path / "in", change)
    rate_parquet(tmp_path / "in", tmp_path / "out.parquet", engine=engine)
    rated = pq.read_table(tmp_path / "out.parquet").to_pandas()
    same(rated, worked_out(none))
    assert rated.loc[rated["authority"] == AUTHORITIES[0], "rating"].eq("Not rated").all()


# One spoilt, and the rest done


def spoilt_pages(path):
    """What the footer promises is there, and is none of it figures."""
    content = bytearray(path.read_bytes())
    pages = pq.ParquetFile(path).metadata.row_group(0).column(3)
    start = pages.dictionary_page_offset or pages.data_page_offset
    content[start : start + pages.total_compressed_size] = bytes(pages.total_compressed_size)
    path.write_bytes(content)


def test_pages_of_one_series_that_cannot_be_read(table, tmp_path, expected, capsys, engine):
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    ds.write_dataset(
        arrow, tmp_path / "in", format="parquet", partitioning=hive(), max_rows_per_group=24
    )
    (bad,) = (tmp_path / "in" / "authority=E06000001").iterdir()
    assert pq.ParquetFile(bad).num_row_groups == 4
    spoilt_pages(bad)
    status, said = command(capsys, tmp_path / "in", tmp_path / "out.parquet", "--engine", engine)
    assert status == 2 and "authority E06000001, kpi_id K0: these rows cannot be read" in said
    rated = pq.read_table(tmp_path / "out.parquet").to_pandas()
    same(rated, expected[(expected["authority"] != "E06000001") | (expected["kpi_id"] != "K0")])


def test_only_the_series_with_two_rows_for_a_period_is_left_out(
    table, tmp_path, expected, capsys, engine
):
    twice = table.loc[[*table.index, 30]]
    status, said = command(
        capsys,
        source_file(twice, tmp_path),
        tmp_path / "out.parquet",
        "--engine",
        engine,
        "--partitioned",
    )
    assert (
        status == 2
        and "authority 007, kpi_id K1: Two rows of 007, K1 are for the same period" in said
    )
    assert "480 figures rated" not in said and "456 figures rated" in said
    rated = ds.dataset(tmp_path / "out.parquet", partitioning=hive()).to_table().to_pandas()
    same(rated, expected[(expected["authority"] != "007") | (expected["kpi_id"] != "K1")])


def test_a_row_without_its_kpi(table, tmp_path, expected, capsys, engine):
    lost = table.assign(kpi_id=table["kpi_id"].mask(table.index == 7))
    status, said = command(
        capsys, source_file(lost, tmp_path), tmp_path / "out.parquet", "--engine", engine
    )
    assert status == 2 and "authority 007: one row without kpi_id" in said
    same(
        pq.read_table(tmp_path / "out.parquet").to_pandas(),
        expected[expected["authority"] != "007"],
    )


def test_many_faults_do_not_take_for_ever(table, tmp_path, monkeypatch):
    """Where every series is spoilt, most are reported as the blocks they are in."""
    every = source_file(table.loc[[*table.index, *table.index]], tmp_path)
    monkeypatch.setattr("kpi_tools.many.blocks._FAULTS_FOUND", 3)
    with pytest.raises(InputError, match="authority 007, kpi_id K0: Two rows"):
        rate_parquet(every, tmp_path / "out.parquet")


@pytest.mark.parametrize("bad", ["no target", "no file"])
def test_one_bad_file_where_each_authority_has_its_own(
    table, tmp_path, expected, capsys, engine, bad
):
    each_in_its_file(table, tmp_path / "in")
    if bad == "no file":
        (tmp_path / "in" / "1.parquet").write_bytes(b"PAR1")
    else:
        arrow = pq.read_table(tmp_path / "in" / "1.parquet").drop_columns(["target"])
        pq.write_table(arrow, tmp_path / "in" / "1.parquet")
    status, said = command(capsys, tmp_path / "in", tmp_path / "out.parquet", "--engine", engine)
    assert status == 2 and "Not rated:" in said and "1.parquet" in said
    same(
        pq.read_table(tmp_path / "out.parquet").to_pandas(),
        expected[expected["authority"] != "E06000001"],
    )


def test_a_bad_file_beside_files_that_share_authorities(table, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    for number in range(3):
        table[number::3].to_parquet(tmp_path / "in" / f"{number}.parquet", index=False)
    (tmp_path / "in" / "2.parquet").write_bytes(b"PAR1")
    status, said = command(capsys, tmp_path / "in", tmp_path / "out.parquet")
    assert (
        status == 2 and "so nothing was rated" in said and not (tmp_path / "out.parquet").exists()
    )


def test_a_column_of_names_that_cannot_be_read(table, tmp_path, capsys):
    path = source_file(table, tmp_path)
    content = bytearray(path.read_bytes())
    first = pq.ParquetFile(path).metadata.row_group(0).column(0)
    content[first.dictionary_page_offset : first.dictionary_page_offset + 60] = bytes(60)
    path.write_bytes(content)
    status, said = command(capsys, path, tmp_path / "out.parquet")
    assert (
        status == 2
        and f"{path} cannot be read as Parquet" in said
        and "fault in the program" not in said
    )


# Where nothing can be written


def test_a_disk_that_is_full(table, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = source_file(table, tmp_path)
    monkeypatch.setattr("kpi_tools.many.written.pq.ParquetWriter.write_table", full)
    monkeypatch.setattr("kpi_tools.many.written.ds.write_dataset", full)
    for more in ([], ["--partitioned"]):
        status, said = command(capsys, path, tmp_path / "out.parquet", *more)
        assert (
            status == 1
            and said
            == f"Nothing can be written to {tmp_path} ({os.strerror(28)}), so nothing was rated.\n"
        )
    assert [found.name for found in tmp_path.iterdir()] == ["figures.parquet"]


def test_a_folder_that_cannot_be_written_to(table, tmp_path, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    path = source_file(table, tmp_path)
    monkeypatch.setattr("kpi_tools.many.written.pq.ParquetWriter", denied)
    with pytest.raises(KpiError, match="Nothing can be written"):
        rate_parquet(path, tmp_path / "out.parquet")


def test_an_output_among_the_figures(table, tmp_path, capsys):
    each_in_its_file(table, tmp_path / "in")
    status, said = command(capsys, tmp_path / "in", tmp_path / "in" / "out.parquet")
    assert status == 2 and "would be one more of the figures" in said
    assert not (tmp_path / "in" / "out.parquet").exists()


def test_more_quarters_than_there_are(table, tmp_path, capsys):
    status, said = command(
        capsys, source_file(table, tmp_path), tmp_path / "out.parquet", "--quarters", "99999"
    )
    assert status == 2 and "99999 is not in the range" in said
