"""Parquet in, judged Parquet out, in blocks of whole series: bounded memory at any size, on any executor.

A block is read, judged by `judged` and handed back as an Arrow table, or written among the partitions by who judged it.
Polars and pandas are served alike; the rules know neither.
"""

import calendar
import shutil
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kpi_tools.errors import InputError, KpiError
from kpi_tools.many.division import Block, blocks_of, inside, parts_of
from kpi_tools.many.judged import ADDED, USED, judged
from kpi_tools.many.sources import Source, dataset, is_text, plain_type, source_of
from kpi_tools.many.written import Writer, check_output, writing
from kpi_tools.words.wording import plural

BLOCK_ROWS = 600_000
QUARTERS = 6
_AHEAD = 4
_FAULTS_FOUND = 20
_WHOLE = ("points", "baseline", "baseline_points", "overlap", "run", "steps")
_TEXT = ("rating", "not_rated_reason", "direction_of_travel", "limits", "rule", "special_cause")
_KINDS = {
    n: pa.int64() if n in _WHOLE else pa.string() if n in _TEXT else pa.float64() for n in ADDED
}


@dataclass(frozen=True)
class Judgement:
    """What was done: `rows` judged in `blocks`, and what could not be, a sentence each."""

    rows: int
    blocks: int
    faults: tuple[str, ...]

    @property
    def account(self) -> str:
        """What was done, as a sentence."""
        left = f", {plural(len(self.faults), 'fault')}" if self.faults else ""
        return f"{self.rows:,} figures rated in {plural(self.blocks, 'block')}{left}."


def rate_parquet(
    path: Path,
    output: Path,
    *,
    by: tuple[str, ...] | None = None,
    engine: str = "polars",
    quarters: int = QUARTERS,
    partitioned: bool = False,
    block_rows: int = BLOCK_ROWS,
    executor: Executor | None = None,
) -> Judgement:
    """Judge the figures of a Parquet file or folder (`sources.source_of`) and write them with the columns `judged.ADDED`.

    The direction of travel is that of the `quarters` up to the latest period there is. `output` is one
    file, or with `partitioned` a folder with one folder a value of the first column of `by`. It appears when it is
    complete and never replaces anything. Blocks are judged one after the other, or on an `executor`, a few ahead of the
    writing. Where a series cannot be judged the others are, and `Judgement.faults` says so.

    Raises `InputError` for an output that is there, and for input that cannot be used; `KpiError` where it cannot be written.
    """
    check_output(path, output)
    source = source_of(path, by)
    after = months_before(source.last, 3 * quarters)
    faults, rows, number = list(source.faults), 0, 0
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    try:
        with Writer(draft, source.by[0] if partitioned else None) as writer:
            blocks = blocks_of(source, block_rows)
            for outcome in _outcomes(source, blocks, engine, after, executor):
                if isinstance(outcome, KpiError):
                    faults.append(str(outcome))
                else:
                    number, rows = number + 1, rows + len(outcome)
                    writer.write(outcome)
                del outcome  # not to be kept while the next block is judged
        if rows == 0:
            raise InputError(faults[0])
        with writing(output):
            draft.rename(output)
    finally:
        shutil.rmtree(draft, ignore_errors=True) if draft.is_dir() else draft.unlink(
            missing_ok=True
        )
    return Judgement(rows, number, tuple(faults))


def block_judged(source: Source, block: Block, engine: str, after: date) -> pa.Table:
    """The rows of one block, as they come, with the columns that `judged` adds. Any process can be asked.

    Raises `InputError` for rows that cannot be read or judged, and says which.
    """
    said = (
        f"{name} {low}" + (f" to {high}" if high != low else "") for name, low, high in block.ranges
    )
    where = ", ".join((str(source.root), *said))
    try:
        rows = block_read(source, block, engine)
    except Exception as error:
        raise InputError(
            f"{where}: these rows cannot be read ({str(error).strip()[:200]})."
        ) from error
    for name in source.by:
        if (
            empty := rows[name].null_count
            if isinstance(rows, pa.Table)
            else rows[name].null_count()
        ):
            raise InputError(
                f"{where}: {plural(empty, 'row')} without {name}. Fill it in: it tells the series apart."
            )
    try:
        return _judged(rows, schema_of(source.schema), source.by, engine, after)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def block_read(source: Source, block: Block, engine: str) -> Any:
    """The rows of one block as they come: a Polars table, or an Arrow table for pandas."""
    return _read_polars(source, block) if engine == "polars" else _read_arrow(source, block)


def table_judged(table: pa.Table, by: Sequence[str], engine: str, after: date) -> pa.Table:
    """An Arrow table of whole series with the columns that `judged` adds: what Spark hands to a worker."""
    rows = table
    if engine == "polars":
        import polars as pl

        rows = pl.from_arrow(table)
    return _judged(rows, schema_of(table.schema), by, engine, after)


def schema_of(schema: pa.Schema) -> pa.Schema:
    """The columns of the output: the caller's as they are (text that was numbered is plain text), then those added."""
    plain = [pa.field(field.name, plain_type(field.type)) for field in schema]
    return pa.schema(
        [field for field in plain if field.name not in ADDED]
        + [pa.field(n, k) for n, k in _KINDS.items()]
    )


def months_before(day: date, months: int) -> date:
    """The last day of the month so many months before that of `day`."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _outcomes(
    source: Source, blocks: Iterable[Block], engine: str, after: date, executor: Executor | None
) -> Iterator[pa.Table | KpiError]:
    """The judged blocks in their order, or why not; never more than a few at a time are waiting to be written.

    A block that cannot be judged is divided until the series that spoils it is alone; after many faults it is left whole.
    """
    waiting: deque[tuple[Block, Future[pa.Table] | None]] = deque()
    left = _FAULTS_FOUND

    def outcomes(
        block: Block, future: Future[pa.Table] | None = None
    ) -> Iterator[pa.Table | KpiError]:
        nonlocal left
        try:
            with suppress(
                BrokenExecutor, CancelledError
            ):  # a worker was lost: its block is judged here
                if future is not None:
                    yield future.result()
                    return
            yield block_judged(source, block, engine, after)
        except KpiError as error:
            parts = parts_of(source, block) if left > 0 else []
            for part in parts:
                yield from outcomes(part)
            if not parts:
                left -= 1
                yield error

    for block in blocks:
        future = None
        with suppress(BrokenExecutor):
            future = (
                executor.submit(block_judged, source, block, engine, after) if executor else None
            )
        waiting.append((block, future))
        if executor is None or len(waiting) > _AHEAD:
            yield from outcomes(*waiting.popleft())
    while waiting:
        yield from outcomes(*waiting.popleft())


def _read_polars(source: Source, block: Block) -> Any:
    import polars as pl

    folders = dict.fromkeys(source.folders, pl.String)
    tables = [
        pl.scan_parquet(
            alike, glob=False, hive_partitioning=bool(folders), hive_schema=folders or None
        )
        for alike in (
            _alike(block.files) if source.uneven else [[str(file) for file in block.files]]
        )
    ]
    rows = pl.concat(tables, how="diagonal_relaxed") if source.uneven else tables[0]
    rows = rows.with_columns(pl.col(name).cast(pl.String) for name in _numbered(source))
    for name, low, high in block.ranges:
        rows = rows.filter(pl.col(name).is_between(pl.lit(low), pl.lit(high)))
    return rows.collect()


def _alike(files: Sequence[Path]) -> list[list[str]]:
    """The files as they come, neighbours with the same columns in the same order together."""
    schemas = groupby(
        files, key=lambda file: (*(schema := pq.read_schema(file)).names, *schema.types)
    )
    return [[str(file) for file in group] for _, group in schemas]


def _read_arrow(source: Source, block: Block) -> pa.Table:
    return dataset(source, block.files).to_table(filter=inside(source, block))


def in_one_piece(rows: Any) -> Any:
    """A Polars table without the pieces in which it was read: else each step that looks at neighbours joins them anew."""
    return rows.rechunk()


def _judged(rows: Any, schema: pa.Schema, by: Sequence[str], engine: str, after: date) -> pa.Table:
    """Polars rows as they are. For pandas Arrow rows, of which only the columns that the rules read go through it."""
    if engine == "polars":
        return (
            judged(in_one_piece(rows), by=by, after=after)
            .to_arrow()
            .select(schema.names)
            .cast(schema)
        )
    rows = rows.cast(pa.schema([field.with_type(plain_type(field.type)) for field in rows.schema]))
    used = rows.select([name for name in rows.column_names if name in (*by, *USED)])
    table = judged(used.to_pandas(date_as_object=False), by=by, after=after)
    columns = [rows[name] for name in schema.names if name not in ADDED]
    columns += [pa.Array.from_pandas(table[name], type=kind) for name, kind in _KINDS.items()]
    return pa.table(columns, schema=schema)


def _numbered(source: Source) -> list[str]:
    """Columns of text that some file stores as numbers of a list, all the columns of text where the files differ."""
    numbered = pa.types.is_dictionary
    return [
        f.name for f in source.schema if numbered(f.type) or (source.uneven and is_text(f.type))
    ]
