"""Parquet in, rated Parquet out, in blocks of whole series: bounded memory at any size, with Polars or pandas.

The input is a file, or a folder of files with the same columns, which may be partitioned (`authority=E10000016`, as Spark,
Polars and PyArrow write it). What is unlike that is refused with a sentence.
"""

import calendar
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError, KpiError
from kpi_tools.rating import NUMBERS
from kpi_tools.scale.rows import ADDED, NEEDED, USED, rate_rows
from kpi_tools.wording import listed, plural

BLOCK_ROWS: Final = 600_000
QUARTERS: Final = 6
_WHOLE = ("points", "baseline", "baseline_points", "overlap", "run", "steps")
_TEXT = (
    "rating",
    "not_rated_reason",
    "direction_of_travel",
    "limits",
    "chart",
    "rule",
    "special_cause",
)
_KINDS: Final = {
    name: pa.int64() if name in _WHOLE else pa.string() if name in _TEXT else pa.float64()
    for name in ADDED
}
_UNREADABLE: Final = (pa.ArrowException, OSError, ValueError)
Range = tuple[str, Any, Any]
"""A column with the least and the greatest of its values in a block."""


@dataclass(frozen=True)
class Outcome:
    """What was done: `rows` rated in `blocks`, and what could not be, a sentence each."""

    rows: int
    blocks: int
    faults: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """What was done, as a sentence."""
        left = f", {plural(len(self.faults), 'fault')}" if self.faults else ""
        return f"{plural(self.rows, 'figure')} rated in {plural(self.blocks, 'block')}{left}."


@dataclass(frozen=True)
class Source:
    """Parquet files with the same columns. `folders` are the columns that stand in folder names only, as text."""

    root: Path
    files: tuple[Path, ...]
    schema: pa.Schema
    folders: tuple[str, ...]
    by: tuple[str, ...]

    @property
    def dataset(self) -> ds.Dataset:
        """The rows, with the columns of the folders."""
        named = pa.schema([(name, pa.string()) for name in self.folders])
        return ds.dataset(
            [str(file) for file in self.files],
            schema=self.schema,
            format="parquet",
            partitioning=ds.partitioning(named, flavor="hive") if self.folders else None,
            partition_base_dir=str(self.root) if self.folders else None,
        )


def rate_parquet(
    path: Path,
    output: Path,
    *,
    by: tuple[str, ...] | None = None,
    engine: str = "polars",
    quarters: int = QUARTERS,
    partitioned: bool = False,
    block_rows: int = BLOCK_ROWS,
) -> Outcome:
    """Rate the figures of a Parquet file or folder and write them with the columns `rows.ADDED`.

    The direction of travel is that of the `quarters` up to the latest period there is. `output` is one file, or with
    `partitioned` a folder with one folder a value of the first column of `by`; it appears when it is complete and never
    replaces anything. Where a block cannot be rated the others are, and `Outcome.faults` says so.

    Raises `InputError` for an output that is there, and for input that cannot be used; `KpiError` where it cannot be written.
    """
    check_output(path, output)
    source = source_of(path, by)
    blocks, last = blocks_of(source, block_rows)
    after = months_before(last, 3 * quarters)
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    faults, rows, file = list[str](), 0, None
    try:
        for number, block in enumerate(blocks):
            try:
                table = _rated_block(source, block, engine, after)
            except InputError as error:
                faults.append(str(error))
                continue
            rows += len(table)
            if partitioned:
                _write_folders(table, draft, source.by[0], number)
            else:
                file = file or pq.ParquetWriter(draft, table.schema, compression="zstd")
                file.write_table(table)
        if file:
            file.close()
        if not rows:
            raise InputError(faults[0])
        draft.rename(output)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise KpiError(
            f"Nothing can be written to {output.parent} ({why}), so nothing was rated."
        ) from error
    finally:
        shutil.rmtree(draft) if draft.is_dir() else draft.unlink(missing_ok=True)
    return Outcome(rows, len(blocks) - len(faults), tuple(faults))


def check_output(path: Path, output: Path) -> None:
    """Raise `InputError` where the output is there already, cannot be, or would be taken for one of the figures."""
    if output.exists():
        raise InputError(f"{output} is there already. Give another name, or take it away first.")
    if not output.parent.is_dir():
        raise InputError(f"There is no folder {output.parent} to write {output.name} to.")
    if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
        raise InputError(
            f"{output} would be one more of the figures in {path}. Give a name outside that folder."
        )


def source_of(path: Path, by: Sequence[str] | None = None) -> Source:
    """What is at `path`, checked. `by` names a series; without it, `authority` (where there is one) and `kpi_id`.

    Raises `InputError`, a sentence, for what is absent, empty or not Parquet, for files unlike each other, and for a column
    that is absent or of a type that cannot be used.
    """
    files = (path,) if path.is_file() else _files_in(path)
    parts = files[0].relative_to(path).parts[:-1] if files[0] != path else ()
    named = [part.partition("=")[0] for part in parts if "=" in part]
    first = None
    for file in files:
        try:
            schema = pq.read_schema(file)
        except _UNREADABLE as error:
            raise InputError(
                f"{file} cannot be read as Parquet ({_first_line(error)}). Have it written again."
            ) from error
        plain = pa.schema([(field.name, _plain(field.type)) for field in schema])
        first = first or plain
        if not plain.equals(first):
            odd = next((f for f in plain if f not in first), None) or next(
                f for f in first if f not in plain
            )
            raise InputError(
                f"{file} differs from {files[0].name}, in its column {odd.name} for one. All files have to hold "
                "the same columns, of the same types, in the same order."
            )
    assert first is not None
    folders = tuple(name for name in named if name not in first.names)
    schema = pa.schema([*first, *((name, pa.string()) for name in folders)])
    keys = by or [
        name for name in ("authority", "kpi_id") if name in schema.names or name == "kpi_id"
    ]
    if missing := [name for name in (*keys, *NEEDED) if name not in schema.names]:
        raise InputError(
            f"{files[0]} has no column {listed(missing, 'or')}. Its columns are: {', '.join(schema.names)}."
        )
    for name in (*keys, *USED):
        if name in schema.names and (wanted := _unfit(name, schema.field(name).type, name in keys)):
            found = schema.field(name).type
            raise InputError(
                f"{files[0]}: the column {name} holds {found}, where there should be {wanted}."
            )
    return Source(path, files, schema, folders, tuple(keys))


def blocks_of(source: Source, most_rows: int) -> tuple[list[tuple[Range, ...]], date]:
    """Blocks of whole series with about `most_rows` rows each, in the order of the series, and the latest period.

    They are cut between values of the first column of `by`; where a single value has more rows than that, between those of
    the second. Raises `InputError` for a row without what names its series, and where there is no row.
    """
    first, *others = source.by
    counts, last = _counts(source, first)
    blocks = list[tuple[Range, ...]]()
    for low, high, rows in _cut(counts, most_rows):
        ends = (first, low, high)
        if rows > most_rows and others:
            within, _ = _counts(source, others[0], _inside([ends]))
            blocks += [(ends, (others[0], a, b)) for a, b, _ in _cut(within, most_rows)]
        else:
            blocks.append((ends,))
    if last is None:
        raise InputError(f"{source.root} holds no rows with a period: there is nothing to rate.")
    return blocks, last


def block_read(source: Source, block: Sequence[Range], engine: str) -> Any:
    """The rows of one block as they come: a Polars table, or an Arrow table for pandas."""
    if engine != "polars":
        return source.dataset.to_table(filter=_inside(block))
    import polars as pl

    folders = dict.fromkeys(source.folders, pl.String)
    files = [str(file) for file in source.files]
    rows = pl.scan_parquet(
        files, glob=False, hive_partitioning=bool(folders), hive_schema=folders or None
    )
    texts = [
        f.name
        for f in source.schema
        if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
    ]
    rows = rows.with_columns(pl.col(texts).cast(pl.String))
    for name, low, high in block:
        rows = rows.filter(pl.col(name).is_between(pl.lit(low), pl.lit(high)))
    return (
        rows.collect().rechunk()
    )  # in one piece: else each step that looks at neighbours joins them anew


def table_rated(table: pa.Table, by: Sequence[str], engine: str, after: date) -> pa.Table:
    """An Arrow table of whole series with the columns that `rate_rows` adds: what Spark hands to a worker."""
    if engine == "polars":
        import polars as pl

        return _rated(pl.from_arrow(table), schema_of(table.schema), by, after)
    return _rated(table, schema_of(table.schema), by, after)


def schema_of(schema: pa.Schema) -> pa.Schema:
    """The columns of the output: the caller's as they are, then those added."""
    given = [pa.field(f.name, _plain(f.type)) for f in schema if f.name not in ADDED]
    return pa.schema([*given, *(pa.field(name, kind) for name, kind in _KINDS.items())])


def months_before(day: date, months: int) -> date:
    """The last day of the month so many months before that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _rated_block(source: Source, block: Sequence[Range], engine: str, after: date) -> pa.Table:
    """The rows of one block with the columns that `rate_rows` adds. Raises `InputError`, which says of which rows."""
    ends = (f"{name} {low}" + (f" to {high}" if high != low else "") for name, low, high in block)
    where = ", ".join((str(source.root), *ends))
    try:
        rows = block_read(source, block, engine)
    except Exception as error:
        raise InputError(f"{where}: these rows cannot be read ({_first_line(error)}).") from error
    try:
        return _rated(rows, schema_of(source.schema), source.by, after)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _rated(rows: Any, schema: pa.Schema, by: Sequence[str], after: date) -> pa.Table:
    """Polars rows as they are. Of Arrow rows only the columns that the rules read go through pandas."""
    if not isinstance(rows, pa.Table):
        table = rate_rows(rows, by=by, after=after).to_arrow()
        return table.select(schema.names).cast(schema)
    rows = rows.cast(pa.schema([(field.name, _plain(field.type)) for field in rows.schema]))
    used = rows.select([name for name in rows.column_names if name in (*by, *USED)])
    table = rate_rows(used.to_pandas(date_as_object=False), by=by, after=after)
    columns = [rows[name] for name in schema.names if name not in ADDED]
    columns += [pa.Array.from_pandas(table[name], type=kind) for name, kind in _KINDS.items()]
    return pa.table(columns, schema=schema)


def _write_folders(table: pa.Table, folder: Path, name: str, number: int) -> None:
    keys = pa.schema([table.schema.field(name)])
    ds.write_dataset(
        table,
        folder,
        format="parquet",
        partitioning=ds.partitioning(keys, flavor="hive"),
        basename_template=f"block-{number:05}-{{i}}.parquet",
        existing_data_behavior="overwrite_or_ignore",
        max_partitions=len(table) + 1,
    )


def _files_in(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise InputError(f"There is no file or folder {folder}.")
    found = [
        file
        for file in sorted(folder.rglob("*.parquet"))
        if not any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)
    ]
    if not found:
        raise InputError(f"The folder {folder} holds no file whose name ends in .parquet.")
    return tuple(found)


def _counts(
    source: Source, name: str, where: ds.Expression | None = None
) -> tuple[Counter[Any], date | None]:
    """How many rows each value of a column has, and the latest period. Raises `InputError` where a row has no value."""
    counts, last = Counter[Any](), None
    try:
        for batch in source.dataset.to_batches(columns=[name, "period_end"], filter=where):
            for value in pc.value_counts(batch.column(0)).to_pylist():
                counts[value["values"]] += value["counts"]
            latest = pc.max(batch.column(1)).as_py()
            latest = latest.date() if isinstance(latest, datetime) else latest
            last = max(filter(None, (last, latest)), default=None)
    except _UNREADABLE as error:
        raise InputError(
            f"{source.root} cannot be read as Parquet ({_first_line(error)})."
        ) from error
    if empty := counts.pop(None, 0):
        raise InputError(
            f"{source.root}: {plural(empty, 'row')} without {name}. Fill it in: it tells the series apart."
        )
    return counts, last


def _cut(counts: Counter[Any], most_rows: int) -> Iterator[tuple[Any, Any, int]]:
    """Neighbouring values together until there are enough rows: the first, the last, and how many rows."""
    low = high = None
    rows = 0
    for value in sorted(counts):
        if rows and rows + counts[value] > most_rows:
            yield low, high, rows
            rows = 0
        low, high, rows = (low if rows else value), value, rows + counts[value]
    if rows:
        yield low, high, rows


def _inside(block: Sequence[Range]) -> ds.Expression:
    ranges = ((ds.field(name) >= low) & (ds.field(name) <= high) for name, low, high in block)
    return reduce(and_, ranges)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, where text is stored as numbers of a list, or as views (which cannot be filtered)."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _unfit(name: str, kind: pa.DataType, key: bool) -> str:
    """What a column should hold and does not; empty where it does. A column without any value may have any type."""
    types = pa.types
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind) and not key
    if name in NUMBERS:
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        return "" if number or types.is_null(kind) else "numbers"
    if name == "period_end":
        return "" if types.is_date(kind) or types.is_timestamp(kind) and not kind.tz else "dates"
    if key:
        return "" if text or types.is_integer(kind) else "text or whole numbers"
    return "" if text else "text"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120].rstrip(".")
