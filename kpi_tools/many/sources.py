"""Parquet to be judged: what a file or folder holds, whether it can be used, and how it divides into blocks of whole series.

A folder may be partitioned, one folder a value (`authority=E10000016`, as Spark, Polars and PyArrow write it). Nothing but
the footers and one column is read here.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError
from kpi_tools.many.judged import NEEDED, USED
from kpi_tools.words.wording import listed, plural

_NUMBERS = ("value", "target", "floor_standard", "numerator", "denominator", "tolerance")
_UNREADABLE = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True)
class Source:
    """Readable Parquet files of one schema. `folders` are the columns that stand in folder names, as text."""

    root: Path
    files: tuple[Path, ...]
    schema: pa.Schema
    folders: tuple[str, ...]
    by: tuple[str, ...]
    rows: int
    last: date
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """Whole series: the rows whose columns lie in these ranges, ends included, in these files."""

    files: tuple[Path, ...]
    ranges: tuple[tuple[str, Any, Any], ...]


def source_of(path: Path, by: Sequence[str] | None = None) -> Source:
    """What is at `path`, checked. `by` names a series; without it, `authority` (where there is one) and `kpi_id`.

    Raises `InputError`, a sentence, for what is absent, empty or not Parquet, and for a column that is absent or of a type
    that cannot be used. In a folder partitioned by the first column of `by` such files are left out and said to be in
    `faults`: the series of the others are whole. Elsewhere any such file is an error.
    """
    files = _files(path)
    folders = tuple(name for name, _ in _folder_values(path, files[0]))
    schema: pa.Schema | None = None
    sound, faults, rows, last = [], [], 0, date.min
    for file in files:
        try:
            parquet = pq.ParquetFile(file)
            if parquet.metadata.num_rows == 0:
                continue
            found = _with_folders(parquet.schema_arrow, folders)
            by = by or tuple(name for name in ("authority", "kpi_id") if name in found.names or name == "kpi_id")
            _check(file, found, by, schema)
            last = max(last, _last_period(parquet))
        except _UNREADABLE as error:
            faults.append(f"{file} cannot be read as Parquet ({_first_line(error)}). Have it written again.")
        except InputError as error:
            faults.append(str(error))
        else:
            schema = schema or found
            rows += parquet.metadata.num_rows
            sound.append(file)
    if faults and not (sound and by and by[0] in folders):
        more = " Its rows may belong to any series, so nothing was rated." if len(files) > 1 else ""
        raise InputError(faults[0] + more)
    if schema is None or not by:
        raise InputError(f"{path} holds no rows: there is nothing to rate.")
    return Source(path, tuple(sound), schema, folders, tuple(by), rows, last, tuple(faults))


def blocks_of(source: Source, most_rows: int) -> Iterator[Block]:
    """Blocks of whole series with about `most_rows` rows each, in the order of the series.

    They are cut between values of the first column of `by`; where a single value has more rows than that, between series.
    """
    first, *others = source.by
    for low, high, rows in _cut(_counts(source, first), most_rows):
        ranges = ((first, low, high),)
        if rows > most_rows and low == high and others:
            within = _counts(source, others[0], ds.field(first) == low)
            for least, most, _ in _cut(within, most_rows):
                yield Block(_holding(source, ranges), (*ranges, (others[0], least, most)))
        else:
            yield Block(_holding(source, ranges), ranges)


def dataset(source: Source, files: Sequence[Path], *, as_dictionary: Sequence[str] = ()) -> ds.Dataset:
    """The files as a PyArrow dataset, with the columns of their folders as text."""
    options = ds.ParquetReadOptions(dictionary_columns=set(as_dictionary))
    folders = ds.partitioning(pa.schema([(name, pa.string()) for name in source.folders]), flavor="hive")
    return ds.dataset(
        [str(file) for file in files],
        format=ds.ParquetFileFormat(read_options=options),
        partitioning=folders if source.folders else None,
        partition_base_dir=str(source.root) if source.folders else None,
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, where text is stored as numbers of a list."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError(f"There is no file or folder {path}.")
    if path.is_file():
        return [path]
    hidden = ("_", ".")
    found = [
        file
        for file in sorted(path.rglob("*.parquet"))
        if file.is_file() and not any(part.startswith(hidden) for part in file.relative_to(path).parts)
    ]
    if not found:
        raise InputError(f"The folder {path} holds no file whose name ends in .parquet.")
    return found


def _folder_values(root: Path, file: Path) -> list[tuple[str, str]]:
    parts = file.relative_to(root).parts[:-1] if file != root else ()
    return [(name, unquote(value)) for name, mark, value in (part.partition("=") for part in parts) if mark]


def _with_folders(schema: pa.Schema, folders: Sequence[str]) -> pa.Schema:
    for name in folders:
        if name not in schema.names:
            schema = schema.append(pa.field(name, pa.string()))
    return schema


def _check(file: Path, found: pa.Schema, by: Sequence[str], schema: pa.Schema | None) -> None:
    if missing := [name for name in (*by, *NEEDED) if name not in found.names]:
        raise InputError(f"{file} has no column {listed(missing, 'or')}. Its columns are: {', '.join(found.names)}.")
    for name in (*by, *USED):
        if name in found.names and (wanted := _unfit(name, plain_type(found.field(name).type), name in by)):
            raise InputError(
                f"{file}: the column {name} holds {found.field(name).type}, where there should be {wanted}."
            )
    for field in schema or ():
        if field.name not in found.names or found.field(field.name).type != field.type:
            raise InputError(f"{file} differs from the other files: {field.name} should be there, as {field.type}.")


def _unfit(name: str, kind: pa.DataType, key: bool) -> str:
    """What a column should hold and does not; empty where it does. A column without any value may have any type."""
    if name in _NUMBERS:
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        return "" if number or pa.types.is_null(kind) else "numbers"
    if name == "period_end":
        return "" if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and not kind.tz) else "dates"
    if key:
        return "" if _is_text(kind) or pa.types.is_integer(kind) else "text or whole numbers"
    return "" if _is_text(kind) or pa.types.is_null(kind) else "text"


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _last_period(parquet: pq.ParquetFile) -> date:
    """The latest period, from the footer where it is noted there."""
    place = next(i for i in range(len(parquet.schema)) if parquet.schema.column(i).path == "period_end")
    groups = [parquet.metadata.row_group(number).column(place) for number in range(parquet.metadata.num_row_groups)]
    noted = [group.statistics.max for group in groups if group.statistics and group.statistics.has_min_max]
    if len(noted) < len(groups):
        noted = [pc.max(parquet.read(columns=["period_end"])["period_end"]).as_py() or date.min]
    return max(moment.date() if isinstance(moment, datetime) else moment for moment in noted)


def _counts(source: Source, name: str, where: ds.Expression | None = None) -> Counter[Any]:
    """How many rows each value of a column has. Raises `InputError` where a row has none."""
    as_dictionary = [name] if _is_text(source.schema.field(name).type) and name not in source.folders else []
    counts: Counter[Any] = Counter()
    for batch in dataset(source, source.files, as_dictionary=as_dictionary).to_batches(columns=[name], filter=where):
        for counted in pc.value_counts(batch.column(0)).to_pylist():
            counts[counted["values"]] += counted["counts"]
    if empty := counts.pop(None, 0):
        raise InputError(
            f"{source.root}: {plural(empty, 'row')} without {name}. Fill it in: it tells the series apart."
        )
    return counts


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


def _holding(source: Source, ranges: Sequence[tuple[str, Any, Any]]) -> tuple[Path, ...]:
    """The files that may hold rows in these ranges: folders that name another value are left out."""
    wanted = {name: (low, high) for name, low, high in ranges}
    return tuple(
        file
        for file in source.files
        if all(wanted[n][0] <= v <= wanted[n][1] for n, v in _folder_values(source.root, file) if n in wanted)
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120].rstrip(".")
