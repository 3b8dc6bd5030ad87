"""Parquet in, rated Parquet out, in blocks of whole series: bounded memory at any size.

The input is a file, or a folder of files with the same columns, which may be partitioned
(`authority=E10000016`, as Spark, Polars and PyArrow write it). What is unlike that is refused.
"""

import calendar
import os
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import narwhals.stable.v2 as nw
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError, KpiError
from kpi_tools.frames import in_order
from kpi_tools.kinds import XMR, charted
from kpi_tools.limits import CAUSES, LIMITED, limited
from kpi_tools.rating import NUMBERS, rate
from kpi_tools.trend import ADDED as DIRECTED
from kpi_tools.trend import directions
from kpi_tools.variation import signalled
from kpi_tools.vocabulary import NO_LIMITS, PROFILES, TRIAL
from kpi_tools.wording import listed, plural

REQUIRED = ("period_end", "value", "target", "floor_standard", "polarity")
USED = (*REQUIRED, "numerator", "denominator", "unit", "tolerance", "status", "basis")
ADDED = ("rating", "not_rated_reason", *DIRECTED, *LIMITED[:-1], *CAUSES)
BLOCK_ROWS: Final = 600_000
QUARTERS: Final = 6
_WHOLE = ("points", "baseline", "baseline_points", "overlap", "run", "steps")
_TEXT = ("rating", "not_rated_reason", "direction_of_travel") + (
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
Block = tuple[str, ds.Expression]
"""Which series, in words and as a filter."""


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
    """Parquet files with the same columns; `folders` are the columns in folder names only."""

    root: Path
    files: tuple[Path, ...]
    dataset: ds.Dataset
    folders: tuple[str, ...]
    by: tuple[str, ...]


def rate_parquet(
    path: Path,
    output: Path,
    *,
    by: tuple[str, ...] | None = None,
    engine: str = "polars",
    quarters: int = QUARTERS,
    block_rows: int = BLOCK_ROWS,
) -> Outcome:
    """Rate the figures of a Parquet file or folder and write them with the columns `ADDED`.

    The direction of travel is that of the `quarters` up to the latest period there is. `output`
    appears when it is complete and never replaces anything. Where a block cannot be rated the
    others are, and `Outcome.faults` says so.

    Raises `InputError` for an output that is there, and for input that cannot be used; `KpiError`
    where it cannot be written.
    """
    check_output(path, output)
    source = source_of(path, by)
    blocks, last = blocks_of(source, block_rows)
    after = months_before(last, 3 * quarters)
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    faults, rows = list[str](), 0
    try:
        with pq.ParquetWriter(draft, schema_of(source.dataset.schema), compression="zstd") as file:
            for name, inside in blocks:
                try:
                    table = table_rated(block_read(source, inside), source.by, engine, after)
                except InputError as error:
                    faults.append(f"{path}, {name}: {error}")
                    continue
                rows += len(table)
                file.write_table(table)
        if not rows:
            raise InputError(faults[0])
        draft.rename(output)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise KpiError(
            f"Nothing can be written to {output.parent} ({why}), so nothing was rated."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return Outcome(rows, len(blocks) - len(faults), tuple(faults))


def check_output(path: Path, output: Path) -> None:
    """Raise `InputError` for an output that is there, cannot be, or would be one of the figures."""
    if output.exists():
        raise InputError(f"{output} is there already. Give another name, or take it away first.")
    if not output.parent.is_dir():
        raise InputError(f"There is no folder {output.parent} to write {output.name} to.")
    if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
        raise InputError(
            f"{output} would be one more of the figures in {path}. Give a name outside that folder."
        )


def source_of(path: Path, by: Sequence[str] | None = None) -> Source:
    """What is at `path`, checked. `by` names a series; else `authority`, if there, and `kpi_id`.

    Raises `InputError`, a sentence, for what is absent, empty or not Parquet, for files unlike each
    other, and for a column that is absent or of a type that cannot be used.
    """
    files = (path,) if path.is_file() else _files_in(path)
    schemas = {file: _schema_at(file) for file in files}
    first = schemas[files[0]]
    for file, schema in schemas.items():
        if not schema.equals(first):
            odd = [*(f for f in schema if f not in first), *(f for f in first if f not in schema)]
            raise InputError(
                f"{file} differs from {files[0].name}, in its column {odd[0].name} for one. All "
                "files have to hold the same columns, of the same types, in the same order."
            )
    parts = files[0].parent.relative_to(path).parts if path.is_dir() else ()
    named = [part.partition("=")[0] for part in parts if "=" in part]
    folders = tuple(name for name in named if name not in first.names)
    by_folders = pa.schema([(name, pa.string()) for name in folders])
    schema = pa.schema([*first, *by_folders])
    keys = by or [name for name in ("authority", "kpi_id") if name in (*schema.names, "kpi_id")]
    if missing := [name for name in (*keys, *REQUIRED) if name not in schema.names]:
        raise InputError(
            f"{files[0]} has no column {listed(missing, 'or')}. Its columns are: "
            f"{', '.join(schema.names)}."
        )
    for name in (*keys, *USED):
        if name in schema.names and (wanted := _unfit(name, schema.field(name).type, name in keys)):
            raise InputError(
                f"{files[0]}: the column {name} holds {schema.field(name).type}, "
                f"where there should be {wanted}."
            )
    dataset = ds.dataset(
        [str(file) for file in files],
        schema=schema,
        format="parquet",
        partitioning=ds.partitioning(by_folders, flavor="hive") if folders else None,
        partition_base_dir=str(path) if folders else None,
    )
    return Source(path, files, dataset, folders, tuple(keys))


def blocks_of(source: Source, most_rows: int) -> tuple[list[Block], date]:
    """Blocks of whole series with about `most_rows` rows each, in their order; the latest period.

    They are cut between values of the first column of `by`; where a single value has more rows than
    that, between those of the second. Raises `InputError` for a row without what names its series,
    and where there is no row.
    """
    first, *others = source.by
    counts, last = _counts(source, first)
    blocks = list[Block]()
    for name, inside, rows in _cut(first, counts, most_rows):
        if rows > most_rows and others:
            within, _ = _counts(source, others[0], inside)
            blocks += [
                (f"{name}, {part}", inside & also)
                for part, also, _ in _cut(others[0], within, most_rows)
            ]
        else:
            blocks.append((name, inside))
    if last is None:
        raise InputError(f"{source.root} holds no rows with a period: there is nothing to rate.")
    return blocks, last


def block_read(source: Source, inside: ds.Expression) -> pa.Table:
    """The rows of one block. Raises `InputError` where they cannot be read."""
    try:
        return source.dataset.to_table(filter=inside)
    except _UNREADABLE as error:
        raise InputError(f"these rows cannot be read ({first_line(error)}).") from error


def table_rated(table: pa.Table, by: Sequence[str], engine: str, after: date) -> pa.Table:
    """An Arrow table of whole series with the columns that `rate_rows` adds."""
    schema = schema_of(table.schema)
    if engine == "polars":
        import polars as pl

        rated = rate_rows(pl.from_arrow(table), by=by, after=after).to_arrow()
        return rated.select(schema.names).cast(schema)
    table = table.cast(pa.schema([(field.name, _plain(field.type)) for field in table.schema]))
    used = table.select([name for name in table.column_names if name in (*by, *USED)])
    rated = rate_rows(used.to_pandas(date_as_object=False), by=by, after=after)
    columns = [table[name] for name in schema.names if name not in ADDED]
    columns += [pa.Array.from_pandas(rated[name], type=kind) for name, kind in _KINDS.items()]
    return pa.table(columns, schema=schema)


def rate_rows(
    figures: Any, *, by: Sequence[str] = ("authority", "kpi_id"), after: date | None = None
) -> Any:
    """Add what `rate`, `direction_of_travel`, `process_limits` and `special_causes` say, in this
    order, to each row.

    `by` names a series; `period_end`, `value`, `target`, `floor_standard` and `polarity` are
    needed, and those in `USED` are used where they are there. The direction is that of the periods
    that end later than `after`, and stands in every row of its series, as the limits do. Eager
    frames keep their order, and sorted ones are quicker; lazy ones have none.

    Raises `InputError` for a column that is not there or holds something else, and, on eager
    frames, for a row without its period and two rows for one.
    """
    frame: Any = nw.from_native(figures)
    there = frame.collect_schema().names()
    if missing := [name for name in REQUIRED if name not in there]:
        raise InputError(
            f"There is no column {' or '.join(missing)} in the table. Its columns are: "
            f"{', '.join(there)}."
        )
    given = frame.select(*(name for name in there if name not in ADDED))
    rows = in_order(rate(given.to_native()), by, "period_end")
    y, better = rows.numbers("value"), rows.better("polarity")
    lines = directions(rows, y, better, after=after)
    y, limits = limited(rows, charted(rows, "value", XMR))
    del limits["chart"]  # all are XmR
    states = limits["limits"]
    few, none = (states.codes == states.meanings.index(word) for word in (TRIAL, NO_LIMITS))
    causes = signalled(y, limits, few, better, PROFILES[0], none, y)
    table = nw.from_native(rows.with_columns(**lines, **limits, **causes))
    return table.drop("band").to_native()


def schema_of(schema: pa.Schema) -> pa.Schema:
    """The columns of the output: the caller's as they are, then those added."""
    given = [pa.field(f.name, _plain(f.type)) for f in schema if f.name not in ADDED]
    return pa.schema([*given, *(pa.field(name, kind) for name, kind in _KINDS.items())])


def months_before(day: date, months: int) -> date:
    """The last day of the month so many months before that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def first_line(error: Exception) -> str:
    """What an error says, for a sentence."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


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


def _schema_at(file: Path) -> pa.Schema:
    try:
        return pa.schema([(field.name, _plain(field.type)) for field in pq.read_schema(file)])
    except _UNREADABLE as error:
        raise InputError(
            f"{file} cannot be read as Parquet ({first_line(error)}). Have it written again."
        ) from error


def _counts(
    source: Source, name: str, where: ds.Expression | None = None
) -> tuple[Counter[Any], date | None]:
    """How many rows each value of a column has, and the latest period."""
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
            f"{source.root} cannot be read as Parquet ({first_line(error)})."
        ) from error
    if empty := counts.pop(None, 0):
        raise InputError(
            f"{source.root}: {plural(empty, 'row')} without {name}. Fill it in: it tells the "
            "series apart."
        )
    return counts, last


def _cut(name: str, counts: Counter[Any], most: int) -> Iterator[tuple[str, ds.Expression, int]]:
    """Neighbouring values together until there are enough rows, and how many rows they have."""
    groups, rows = list[list[Any]](), most
    for value in sorted(counts):
        if rows + counts[value] > most:
            groups.append([])
            rows = 0
        groups[-1].append(value)
        rows += counts[value]
    for group in groups:
        low, high = group[0], group[-1]
        words = f"{name} {low}" + (f" to {high}" if high != low else "")
        inside = (ds.field(name) >= low) & (ds.field(name) <= high)
        yield words, inside, sum(counts[value] for value in group)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, where text is stored as numbers of a list, or as views."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _unfit(name: str, kind: pa.DataType, key: bool) -> str:
    """What a column should hold and does not. One without any value may have any type."""
    types = pa.types
    if types.is_null(kind) and not key:
        return ""
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    day = types.is_date(kind) or (types.is_timestamp(kind) and not kind.tz)
    text = types.is_string(kind) or types.is_large_string(kind)
    if name in NUMBERS:
        return "" if number else "numbers"
    if name == "period_end":
        return "" if day else "dates"
    if key:
        return "" if text or types.is_integer(kind) else "text or whole numbers"
    return "" if text else "text"
