"""Many figures: Parquet in, rated Parquet out, the same on every engine, in blocks of any size, and what is said of bad input.

The expected values are those of the four functions on one table in memory, which their own tests hold to hand and scipy.
"""

from urllib.parse import quote

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from kpi_tools.cli import main
from kpi_tools.errors import KpiError
from kpi_tools.rating import rate
from kpi_tools.scale.blocks import ADDED, rate_parquet
from kpi_tools.trend import ADDED as DIRECTED
from kpi_tools.trend import direction_of_travel
from kpi_tools.variation import process_limits, special_causes

BY = ["authority", "kpi_id"]
AUTHORITIES = ["007", "E06000001", "Ealing & Hove", "Zürich/West", "Ωmega"]


def figures(authorities=AUTHORITIES, kpis=4, quarters=24):
    """Seeded series of which some move, some stand still and some have gaps; text that looks like numbers among the keys."""
    random = np.random.default_rng(20241231)
    ends = pd.date_range(end="2024-12-31", periods=quarters, freq="QE")
    rows = []
    for authority in authorities:
        for number in range(kpis):
            denominator = random.integers(50, 400, quarters)
            rise = 0.01 * number * np.arange(quarters) / 3
            share = np.clip(random.normal(0.7, 0.08, quarters) + rise, 0.01, 1)
            row = {"authority": authority, "kpi_id": f"K{number}", "period_end": ends}
            row |= {"numerator": np.round(share * denominator).astype(int)}
            row |= {"denominator": denominator, "target": 75.0}
            row |= {"floor_standard": 65.0 if number != 1 else 85.0}
            row |= {"polarity": "lower" if number == 1 else "higher"}
            row |= {"basis": "rolling_12_months" if number == 2 else "quarter"}
            rows.append(pd.DataFrame(row | {"remark": f"kept as it is: {authority}"}))
    table = pd.concat(rows, ignore_index=True)
    table["value"] = 100 * table["numerator"] / table["denominator"]
    lost = table.index % 37 == 5
    return table.assign(
        value=table["value"].mask(lost),
        numerator=table["numerator"].astype("Int64").mask(lost),
        status="final",
    )


@pytest.fixture(scope="module")
def table():
    return figures()


@pytest.fixture(scope="module")
def expected(table):
    return worked_out(table)


def worked_out(table):
    """The four functions on the table as pandas has it."""
    recent = direction_of_travel(table[table["period_end"] > "2023-06-30"], by=BY)
    direction = recent.drop_duplicates(BY)[[*BY, *DIRECTED]]
    classified = special_causes(process_limits(rate(table), by=BY), by=BY)
    return classified.merge(direction, on=BY, how="left", validate="many_to_one")


@pytest.fixture
def source(tmp_path, table):
    return source_file(table, tmp_path)


def source_file(table, folder):
    path = folder / "figures.parquet"
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path, row_group_size=100)
    return path


def ordered(table):
    return table.sort_values([*BY, "period_end"]).reset_index(drop=True)


def same(found, expected, columns=ADDED):
    """The same rows with the same words and whole numbers, and the same figures to 1e-9."""
    found, expected = ordered(found), ordered(expected)
    keys = (one[BY].astype("str").to_numpy().tolist() for one in (found, expected))
    assert next(keys) == next(keys)
    for name in columns:
        left, right = found[name], expected[name]
        if pd.api.types.is_float_dtype(right):
            near = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True, "err_msg": name}
            np.testing.assert_allclose(left.astype(float), right, **near)
        else:
            plain = (one.astype(object).where(one.notna(), None).tolist() for one in (left, right))
            assert next(plain) == next(plain), name


@pytest.fixture(params=["polars", "pandas"])
def engine(request):
    return request.param


def test_the_examples_show_something(expected):
    assert expected["rating"].value_counts().min() > 10
    trends = {"positive", "negative", "stable or no clear trend"}
    assert trends <= set(expected["direction_of_travel"])
    assert expected["special_cause"].notna().sum() > 10 and (expected["overlap"] == 4).any()


@pytest.mark.parametrize("block_rows", [1, 50, 10_000])
def test_every_engine_in_blocks_of_any_size(source, tmp_path, expected, engine, block_rows):
    output = tmp_path / "rated.parquet"
    done = rate_parquet(source, output, engine=engine, block_rows=block_rows)
    assert (done.rows, done.faults) == (len(expected), ())
    assert done.blocks == {1: len(AUTHORITIES) * 4, 50: len(AUTHORITIES) * 2, 10_000: 1}[block_rows]
    same(pq.read_table(output).to_pandas(), expected)


def test_the_callers_columns_come_first_and_unchanged(source, tmp_path, engine):
    output = tmp_path / "rated.parquet"
    rate_parquet(source, output, engine=engine)
    given, rated = pq.read_table(source), pq.read_table(output)
    assert rated.column_names == [*given.column_names, *ADDED]
    order = [(name, "ascending") for name in (*BY, "period_end")]
    assert rated.select(given.column_names).sort_by(order).equals(given.sort_by(order))
    again = tmp_path / "again.parquet"
    rate_parquet(output, again, engine=engine)
    assert pq.read_table(again).equals(rated)


def test_rows_in_any_order(table, tmp_path, expected, engine):
    mixed = tmp_path / "mixed.parquet"
    shuffled = table.sample(frac=1, random_state=5)
    pq.write_table(pa.Table.from_pandas(shuffled, preserve_index=False), mixed, row_group_size=64)
    rate_parquet(mixed, tmp_path / "rated.parquet", engine=engine, block_rows=200)
    same(pq.read_table(tmp_path / "rated.parquet").to_pandas(), expected)


def test_columns_that_stand_in_folder_names(table, tmp_path, expected, engine):
    folder, output = tmp_path / "in", tmp_path / "out.parquet"
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    ds.write_dataset(arrow, folder, format="parquet", partitioning=hive())
    assert rate_parquet(folder, output, engine=engine, block_rows=100).rows == len(table)
    same(pq.read_table(output).to_pandas(), expected)


def test_a_folder_holds_a_file_for_each_authority(source, tmp_path, expected, engine):
    output = tmp_path / "rated"
    assert rate_parquet(source, output, engine=engine, block_rows=50).rows == len(expected)
    names = {folder.name for folder in output.iterdir()}
    assert names == {f"authority={quote(one, safe='')}" for one in AUTHORITIES}
    read = pq.read_table(output, partitioning=hive()).to_pandas()
    same(read, expected)
    again = tmp_path / "again.parquet"  # which is an input as well
    rate_parquet(output, again, engine=engine)
    same(pq.read_table(again).to_pandas(), expected)


def hive():
    return ds.partitioning(pa.schema([("authority", pa.string())]), flavor="hive")


# What cannot be used


def command(capsys, *arguments):
    """Exit status and what was said."""
    status = main(["rate", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.err + said.out


def without(table, path, **changes):
    gone = [name for name, value in changes.items() if value is None]
    given = {name: value for name, value in changes.items() if value is not None}
    table.drop(columns=gone).assign(**given).to_parquet(path, index=False)


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"target": None}, "has no column target. Its columns are: authority, kpi_id,"),
    ({"kpi_id": None, "value": None}, "has no column kpi_id or value."),
    ({"value": "87%"}, "the column value holds string, where there should be numbers."),
    ({"period_end": "2024-12-31"}, "the column period_end holds string, where there should be dates."),
    ({"polarity": 1}, "the column polarity holds int64, where there should be text."),
])  # fmt: skip
def test_a_column_that_cannot_be_used(table, tmp_path, capsys, changes, sentence, engine):
    bad, out = tmp_path / "bad.parquet", tmp_path / "out.parquet"
    without(table, bad, **changes)
    status, said = command(capsys, bad, out, "--engine", engine)
    assert status == 2 and sentence in said.replace("large_string", "string")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.parquet"]


def test_a_file_that_is_no_parquet(tmp_path, capsys, table):
    path, out = tmp_path / "figures.parquet", tmp_path / "out.parquet"
    for content in (b"", b"authority,kpi_id\n", b"PAR1" + b"\0" * 100 + b"PAR1"):
        path.write_bytes(content)
        status, said = command(capsys, path, out)
        assert status == 2 and "cannot be read as Parquet" in said and "Traceback" not in said
    table.head(0).to_parquet(path)
    nothing = f"{path} holds no rows with a period: there is nothing to rate.\n"
    assert command(capsys, path, out) == (2, nothing)
    (tmp_path / "empty").mkdir()
    status, said = command(capsys, tmp_path / "empty", out)
    assert status == 2 and "holds no file whose name ends in .parquet" in said
    status, said = command(capsys, tmp_path / "nowhere.parquet", out)
    assert status == 2 and "There is no file or folder" in said
    assert not out.exists()


def test_an_output_that_cannot_be(source, tmp_path, capsys):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old.parquet").write_bytes(b"old")
    for output, sentence in (
        (tmp_path / "there", "is there already"),
        (source, "is there already"),
        (tmp_path / "no" / "out.parquet", "There is no folder"),
    ):
        status, said = command(capsys, source, output)
        assert status == 2 and sentence in said
    assert (tmp_path / "there" / "old.parquet").read_bytes() == b"old"


def test_an_engine_that_is_not_there(source, tmp_path, capsys, monkeypatch):
    status, said = command(capsys, source, tmp_path / "out.parquet", "--engine", "abacus")
    assert status == 2 and "Choose one of: polars, pandas, spark" in said
    monkeypatch.setattr("kpi_tools.scale.find_spec", lambda name: None)
    for engine, package in (("polars", "polars"), ("pandas", "pandas"), ("spark", "pyspark")):
        status, said = command(capsys, source, tmp_path / "out.parquet", "--engine", engine)
        assert status == 2 and f"needs {package}, which is not installed" in said


def test_a_row_without_its_series(table, tmp_path, capsys, engine):
    without(table, tmp_path / "bad.parquet", authority=table["authority"].mask(table.index == 7))
    places = (tmp_path / "bad.parquet", tmp_path / "out.parquet")
    status, said = command(capsys, *places, "--engine", engine)
    assert status == 2 and "one row without authority" in said


@pytest.mark.parametrize("stored", ["numbers of a list", "views"])
def test_folders_of_files_with_text_stored_in_another_way(
    table, tmp_path, expected, engine, stored
):
    """As pandas writes categories, and as Polars writes text."""
    for number, (_, rows) in enumerate(table.groupby("authority")):
        folder = tmp_path / "in" / f"part-{number}"
        folder.mkdir(parents=True)
        if stored == "views":
            pl.from_pandas(rows).write_parquet(folder / "a.parquet")
        else:
            names = pd.Categorical(rows["authority"])
            rows.assign(authority=names).to_parquet(folder / "a.parquet", index=False)
    rate_parquet(tmp_path / "in", tmp_path / "out.parquet", engine=engine, block_rows=100)
    same(pq.read_table(tmp_path / "out.parquet").to_pandas(), expected)


@pytest.mark.parametrize(("change", "sentence"), [
    (lambda rows: rows.drop(columns="remark"), "in its column remark for one"),
    (lambda rows: rows.assign(value="87%"), "in its column value for one"),
])  # fmt: skip
def test_files_unlike_each_other_are_refused(table, tmp_path, capsys, change, sentence):
    (tmp_path / "in").mkdir()
    table.to_parquet(tmp_path / "in" / "a.parquet", index=False)
    change(table).to_parquet(tmp_path / "in" / "b.parquet", index=False)
    status, said = command(capsys, tmp_path / "in", tmp_path / "out.parquet")
    assert status == 2 and f"b.parquet differs from a.parquet, {sentence}" in said
    assert not (tmp_path / "out.parquet").exists()


def test_a_block_that_cannot_be_rated_is_named_and_the_rest_done(
    table, tmp_path, expected, capsys, engine
):
    twice = table[(table["authority"] == "007") & (table["kpi_id"] == "K2")].head(1)
    pd.concat([table, twice]).to_parquet(tmp_path / "bad.parquet", index=False)
    places = (tmp_path / "bad.parquet", tmp_path / "out.parquet")
    done = rate_parquet(*places, engine=engine, block_rows=100)
    assert len(done.faults) == 1 and "authority 007" in done.faults[0]
    rated = pq.read_table(tmp_path / "out.parquet").to_pandas()
    same(rated, expected[expected["authority"] != "007"])
    status, said = command(capsys, tmp_path / "bad.parquet", tmp_path / "all.parquet")
    assert status == 2 and "authority 007" in said and not (tmp_path / "all.parquet").exists()


def test_a_table_that_cannot_be_written(source, tmp_path, monkeypatch):
    monkeypatch.setattr(pq.ParquetWriter, "write_batch", _no_space)
    monkeypatch.setattr(ds, "write_dataset", _no_space)
    for name in ("out", "out.parquet"):
        with pytest.raises(KpiError, match="Nothing can be written to .* [(]no space left[)]"):
            rate_parquet(source, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["figures.parquet"]


def _no_space(*_, **__):
    raise OSError("no space left")


def test_an_output_among_the_figures(table, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    table.to_parquet(tmp_path / "in" / "a.parquet", index=False)
    status, said = command(capsys, tmp_path / "in", tmp_path / "in" / "out.parquet")
    assert status == 2 and "would be one more of the figures" in said
