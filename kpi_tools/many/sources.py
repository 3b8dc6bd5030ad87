"""Parquet to be judged: what a file or folder holds, and whether it can be used.

A folder may be partitioned, one folder a value (`authority=E10000016`, as Spark, Polars and PyArrow write it). Nothing but
the footers is read here, and of bad company the column that tells whose rows a file has.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError
from kpi_tools.many.judged import NEEDED, USED
from kpi_tools.rating import NUMBERS
from kpi_tools.words.wording import listed

UNREADABLE = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True)
class Source:
    """Readable Parquet files. `folders` are the columns that stand in folder names only, as text.

    `uneven`: the files do not all hold what `schema` says (a column is absent, or without any value, or of whole numbers
    where others have decimals), so it is made so when they are read.
    """

    root: Path
    files: tuple[Path, ...]
    schema: pa.Schema
    folders: tuple[str, ...]
    by: tuple[str, ...]
    rows: int
    last: date
    faults: tuple[str, ...] = ()
    uneven: bool = False


def source_of(path: Path, by: Sequence[str] | None = None) -> Source:
    """What is at `path`, checked. `by` names a series; without it, `authority` (where there is one) and `kpi_id`.

    Raises `InputError`, a sentence, for what is absent, empty or not Parquet, and for a column that is absent or of a type
    that cannot be used. Where each file has the rows of its own authorities (in a folder partitioned by the first column of
    `by`, or because no value of it stands in two files) such files are left out and said to be in `faults`: the
    series of the others are whole. Elsewhere any such file is an error.
    """
    files = _files(path)
    named = tuple(name for name, _ in folder_values(path, files[0]))
    schema: pa.Schema | None = None
    folders, uneven = named, False
    sound, faults, rows, last = [], [], 0, date.min
    for file in files:
        try:
            parquet = pq.ParquetFile(file)
            if parquet.metadata.num_rows == 0:
                continue
            lacking = tuple(name for name in named if name not in parquet.schema_arrow.names)
            if schema and lacking != folders:
                raise InputError(
                    f"{file} differs from the other files: one has {listed(named)} in it, one has not."
                )
            found = _readable(parquet.schema_arrow, lacking)
            keys = by or tuple(
                name for name in ("authority", "kpi_id") if name in found.names or name == "kpi_id"
            )
            _check(file, found, keys)
            united = _united(file, found, schema)
            last = max(last, _last_period(parquet))
        except UNREADABLE as error:
            faults.append(
                f"{file} cannot be read as Parquet ({first_line(error)}). Have it written again."
            )
        except InputError as error:
            faults.append(str(error))
        else:
            uneven = uneven or not _even(parquet, found, united, schema)
            schema, by, folders = united, keys, lacking
            rows += parquet.metadata.num_rows
            sound.append(file)
    if faults and not (sound and by and (by[0] in named or _apart(sound, files, by[0]))):
        more = " Its rows may belong to any series, so nothing was rated." if len(files) > 1 else ""
        raise InputError(faults[0] + more)
    if schema is None or not by:
        raise InputError(f"{path} holds no rows: there is nothing to rate.")
    return Source(path, tuple(sound), schema, folders, tuple(by), rows, last, tuple(faults), uneven)


def dataset(
    source: Source, files: Sequence[Path], *, as_dictionary: Sequence[str] = ()
) -> ds.Dataset:
    """The files as a PyArrow dataset, with the columns of their folders as text."""
    options = ds.ParquetReadOptions(dictionary_columns=set(as_dictionary))
    folders = ds.partitioning(
        pa.schema([(name, pa.string()) for name in source.folders]), flavor="hive"
    )
    return ds.dataset(
        [str(file) for file in files],
        schema=source.schema if source.uneven else None,
        format=ds.ParquetFileFormat(read_options=options),
        partitioning=folders if source.folders else None,
        partition_base_dir=str(source.root) if source.folders else None,
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, where text is stored as numbers of a list, or as views (which cannot be filtered)."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of those that Arrow has for text."""
    return (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def folder_values(root: Path, file: Path) -> list[tuple[str, str]]:
    """The columns that stand in the names of the folders of a file, with their values."""
    parts = file.relative_to(root).parts[:-1] if file != root else ()
    return [
        (name, unquote(value))
        for name, mark, value in (part.partition("=") for part in parts)
        if mark
    ]


def first_line(error: Exception) -> str:
    """What a library says of a fault, short enough for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120].rstrip(".")


def _files(path: Path) -> list[Path]:
    try:
        path.stat()
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"There is no file or folder {path}.") from None
        raise InputError(f"{path} cannot be read ({os.strerror(error.errno or 0)}).") from None
    if path.is_file():
        return [path]
    hidden = ("_", ".")
    found = [
        file
        for file in sorted(path.rglob("*.parquet"))
        if file.is_file()
        and not any(part.startswith(hidden) for part in file.relative_to(path).parts)
    ]
    if not found:
        raise InputError(f"The folder {path} holds no file whose name ends in .parquet.")
    return found


def _readable(schema: pa.Schema, folders: Sequence[str]) -> pa.Schema:
    """The columns of a file as they are read: views as plain text, and those of its folders with them."""
    fields = [
        f.with_type(plain_type(f.type)) if pa.types.is_string_view(f.type) else f for f in schema
    ]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in folders)])


def _even(
    parquet: pq.ParquetFile, found: pa.Schema, united: pa.Schema, schema: pa.Schema | None
) -> bool:
    """Whether a file can be read as it is: with the columns of those before it, and none of them views."""
    views = any(pa.types.is_string_view(kind) for kind in parquet.schema_arrow.types)
    return not views and found.equals(united) and found.equals(schema or found)


def _check(file: Path, found: pa.Schema, by: Sequence[str]) -> None:
    if missing := [name for name in (*by, *NEEDED) if name not in found.names]:
        raise InputError(
            f"{file} has no column {listed(missing, 'or')}. Its columns are: {', '.join(found.names)}."
        )
    for name in (*by, *USED):
        if name in found.names and (
            wanted := _unfit(name, plain_type(found.field(name).type), name in by)
        ):
            raise InputError(
                f"{file}: the column {name} holds {found.field(name).type}, where there should be {wanted}."
            )


def _united(file: Path, found: pa.Schema, schema: pa.Schema | None) -> pa.Schema:
    """The columns of the files so far and of this one: whole numbers pass as decimals, and nothing as anything."""
    if schema is None or schema.equals(found):
        return found
    parts = [pa.schema([(f.name, plain_type(f.type)) for f in one]) for one in (schema, found)]
    try:
        return pa.unify_schemas(parts, promote_options="permissive")
    except pa.ArrowException:
        name = next(
            n
            for n in schema.names
            if n in found.names and not _agree(*(one.field(n) for one in parts))
        )
        raise InputError(
            f"{file} differs from the other files: its column {name} holds {found.field(name).type}, theirs "
            f"{schema.field(name).type}."
        ) from None


def _agree(*fields: pa.Field) -> bool:
    try:
        return bool(
            pa.unify_schemas([pa.schema([field]) for field in fields], promote_options="permissive")
        )
    except pa.ArrowException:
        return False


def _unfit(name: str, kind: pa.DataType, key: bool) -> str:
    """What a column should hold and does not; empty where it does. A column without any value may have any type."""
    if name in NUMBERS:
        number = (
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        )
        return "" if number or pa.types.is_null(kind) else "numbers"
    if name == "period_end":
        return (
            ""
            if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and not kind.tz)
            else "dates"
        )
    if key:
        return "" if is_text(kind) or pa.types.is_integer(kind) else "text or whole numbers"
    return "" if is_text(kind) or pa.types.is_null(kind) else "text"


def _apart(sound: Sequence[Path], files: Sequence[Path], name: str) -> bool:
    """Whether no value of a column stands in two files, of two or more that can be read: each has its own authorities."""
    seen: set[object] = set()
    told = 0
    for file in files:
        try:
            values = set(pc.unique(pq.ParquetFile(file).read(columns=[name])[name]).to_pylist())
        except (*UNREADABLE, KeyError):
            if file in sound:
                return False
            continue
        if seen & values:
            return False
        seen, told = seen | values, told + 1
    return told > 1


def _last_period(parquet: pq.ParquetFile) -> date:
    """The latest period, from the footer where it is noted there."""
    place = next(
        i for i in range(len(parquet.schema)) if parquet.schema.column(i).path == "period_end"
    )
    groups = [
        parquet.metadata.row_group(number).column(place)
        for number in range(parquet.metadata.num_row_groups)
    ]
    noted = [
        group.statistics.max
        for group in groups
        if group.statistics and group.statistics.has_min_max
    ]
    if len(noted) < len(groups):
        noted = [pc.max(parquet.read(columns=["period_end"])["period_end"]).as_py() or date.min]
    return max(moment.date() if isinstance(moment, datetime) else moment for moment in noted)
