"""Parquet in, rated Parquet out, in blocks of whole series: bounded memory at any size.

The input is a file, or a folder of files with the same columns, which may be partitioned
(`authority=E10000016`, as Spark, Polars and PyArrow write it). What is unlike that is refused.
"""

import calendar
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
_FIT: Final[dict[str, tuple[Callable[[pa.DataType], bool], ...]]] = {
    "numbers": (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal),
    "dates": (pa.types.is_date, lambda kind: pa.types.is_timestamp(kind) and not kind.tz),
    "text": (pa.types.is_string, pa.types.is_large_string),
}
_FIT["text or whole numbers"] = (*_FIT["text"], pa.types.is_integer)
_WANTED: Final = (
    dict.fromkeys(USED, "text") | dict.fromkeys(NUMBERS, "numbers") | {"period_end": "dates"}
)
"""What a column should hold."""
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

    The direction of travel is that of the `quarters` up to the latest period there is. `output` is
    a file where its name ends in .parquet, else a folder with one for each value of the first
    column of `by`. It appears when it is complete and never replaces anything. Where a block cannot
    be rated the others are, and `Outcome.faults` says so.

    Raises `InputError` for an output that is there, and for input that cannot be used; `KpiError`
    where it cannot be written.
    """
    check_output(path, output)
    source = source_of(path, by)
    blocks, last = blocks_of(source, block_rows)
    after = months_before(last, 3 * quarters)
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    faults, rows, schema = list[str](), list[int](), schema_of(source.dataset.schema)

    def rated() -> Iterator[pa.RecordBatch]:
        for name, inside in blocks:
            try:
                with _as_parquet(path):
                    read = source.dataset.to_table(filter=inside)
                table = table_rated(read, source.by, engine, after)
            except InputError as error:
                faults.append(f"{path}, {name}: {error}")
                continue
            rows.append(len(table))
            yield from table.combine_chunks().to_batches()

    try:
        if output.suffix == ".parquet":
            with pq.ParquetWriter(draft, schema, compression="zstd") as file:
                for batch in rated():
                    file.write_batch(batch)
        else:
            in_folders = ds.partitioning(pa.schema([schema.field(source.by[0])]), flavor="hive")
            how: Any = {"schema": schema, "partitioning": in_folders, "max_partitions": block_rows}
            ds.write_dataset(rated(), draft, format="parquet", **how)
        if not rows:
            raise InputError(faults[0])
        draft.rename(output)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise KpiError(
            f"Nothing can be written to {output.parent} ({why}), so nothing was rated."
        ) from error
    finally:
        if draft.is_dir():
            shutil.rmtree(draft, ignore_errors=True)
        draft.unlink(missing_ok=True)
    return Outcome(sum(rows), len(blocks) - len(faults), tuple(faults))


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
    first = _schema_at(files[0])
    for file in files[1:]:
        if not (schema := _schema_at(file)).equals(first):
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
    for field in schema:
        wanted = "text or whole numbers" if field.name in keys else _WANTED.get(field.name, "")
        is_empty = pa.types.is_null(field.type) and field.name not in keys
        if wanted and not is_empty and not any(fit(field.type) for fit in _FIT[wanted]):
            raise InputError(
                f"{files[0]}: the column {field.name} holds {field.type}, where there should be "
                f"{wanted}."
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
    with _as_parquet(source.root):
        batches = source.dataset.to_batches(columns=["period_end"])
        ends = [end for batch in batches if (end := pc.max(batch.column(0)).as_py())]
        if not ends:
            raise InputError(
                f"{source.root} holds no rows with a period: there is nothing to rate."
            )
        last = max(ends)
        blocks = list(_cut(source, source.by[:2], most_rows))
    return blocks, last.date() if isinstance(last, datetime) else last


def _cut(
    source: Source,
    keys: Sequence[str],
    most: int,
    where: ds.Expression | None = None,
    within: str = "",
) -> Iterator[Block]:
    """Neighbouring values of the first key together until there are enough rows."""
    (name, *others), counts = keys, Counter[Any]()
    for batch in source.dataset.to_batches(columns=[name], filter=where):
        for value in pc.value_counts(batch.column(0)).to_pylist():
            counts[value["values"]] += value["counts"]
    if empty := counts.pop(None, 0):
        raise InputError(
            f"{source.root}: {plural(empty, 'row')} without {name}. Fill it in: it tells the "
            "series apart."
        )
    groups, rows = list[list[Any]](), most
    for value in sorted(counts):
        if rows + counts[value] > most:
            groups.append([])
            rows = 0
        groups[-1].append(value)
        rows += counts[value]
    for group in groups:
        low, high = group[0], group[-1]
        words = f"{within}{name} {low}" + (f" to {high}" if high != low else "")
        inside = (ds.field(name) >= low) & (ds.field(name) <= high)
        inside = inside if where is None else where & inside
        if counts[low] > most and others:
            yield from _cut(source, others, most, inside, f"{words}, ")
        else:
            yield words, inside


@contextmanager
def _as_parquet(path: Path) -> Iterator[None]:
    """Raise `InputError` where what is at `path` cannot be read."""
    try:
        yield
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as Parquet ({first_line(error)}). Have it written again."
        ) from error


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
    given = frame.select(*(name for name in frame.collect_schema().names() if name not in ADDED))
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
    with _as_parquet(file):
        return pa.schema([(field.name, _plain(field.type)) for field in pq.read_schema(file)])


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values themselves, where text is stored as numbers of a list, or as views."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.large_string() if pa.types.is_string_view(kind) else kind
