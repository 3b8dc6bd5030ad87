"""How what is to be judged divides into blocks of whole series: by what names them, so that any process can read its own."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError
from kpi_tools.many.sources import UNREADABLE, Source, dataset, first_line, folder_values, is_text
from kpi_tools.words.wording import plural


@dataclass(frozen=True)
class Block:
    """Whole series: the rows whose columns lie in these ranges, ends included, in these files."""

    files: tuple[Path, ...]
    ranges: tuple[tuple[str, Any, Any], ...]


def blocks_of(source: Source, most_rows: int) -> Iterator[Block]:
    """Blocks of whole series with about `most_rows` rows each, in the order of the series.

    They are cut between values of the first column of `by`; where a single value has more rows than that, between series.
    Raises `InputError` for a row without what names its series.
    """
    first, *others = source.by
    for low, high, rows in _cut(_counts(source, source.files, first), most_rows):
        ranges = ((first, low, high),)
        files = _holding(source, ranges)
        if rows > most_rows and low == high and others:
            within = _counts(source, files, others[0], inside(source, Block(files, ranges)))
            for least, most, _ in _cut(within, most_rows):
                yield Block(files, (*ranges, (others[0], least, most)))
        else:
            yield Block(files, ranges)


def parts_of(source: Source, block: Block) -> list[Block]:
    """The same series in two blocks or three; none where there is but one, or where they cannot be read to be told apart."""
    named = [name for name, low, high in block.ranges if low == high]
    if len(named) == len(source.by):
        return []
    name, ranges = source.by[len(named)], block.ranges[: len(named)]
    try:
        counts = _counts(source, block.files, name, inside(source, block))
    except InputError:
        return []
    halves = [
        (*ranges, (name, low, high)) for low, high, _ in _cut(counts, -(-counts.total() // 2))
    ]
    if len(halves) == 1:
        return parts_of(source, Block(block.files, halves[0]))
    return [Block(_holding(source, half), half) for half in halves]


def inside(source: Source, block: Block) -> ds.Expression:
    """The rows of a block. Where files differ each is compared in the type that all have: PyArrow cannot compare views."""
    bounds = []
    for name, low, high in block.ranges:
        column = (
            ds.field(name).cast(source.schema.field(name).type) if source.uneven else ds.field(name)
        )
        bounds.append((column >= low) & (column <= high))
    return reduce(and_, bounds)


def _counts(
    source: Source, files: Sequence[Path], name: str, where: ds.Expression | None = None
) -> Counter[Any]:
    """How many rows each value of a column has. Raises `InputError` where a row has none."""
    as_dictionary = (
        [name] if is_text(source.schema.field(name).type) and name not in source.folders else []
    )
    counts: Counter[Any] = Counter()
    try:
        for batch in dataset(source, files, as_dictionary=as_dictionary).to_batches(
            columns=[name], filter=where
        ):
            for counted in pc.value_counts(batch.column(0)).to_pylist():
                counts[counted["values"]] += counted["counts"]
    except UNREADABLE as error:
        bad = next((file for file in files if not _whole(file, name)), source.root)
        raise InputError(
            f"{bad} cannot be read as Parquet ({first_line(error)}). Have it written again."
        ) from error
    if empty := counts.pop(None, 0):
        raise InputError(
            f"{source.root}: {plural(empty, 'row')} without {name}. Fill it in: it tells the series apart."
        )
    return counts


def _whole(file: Path, name: str) -> bool:
    try:
        pq.ParquetFile(file).read(columns=[name])
    except UNREADABLE:
        return False
    return True


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
    wanted = {name: (low, high) for name, low, high in ranges if name in source.folders}
    return tuple(
        file
        for file in source.files
        if all(
            wanted[n][0] <= v <= wanted[n][1]
            for n, v in folder_values(source.root, file)
            if n in wanted
        )
    )
