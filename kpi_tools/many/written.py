"""Where judged figures are written: a file, or a folder for each value of a column; and what is said where they cannot be."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from kpi_tools.errors import InputError, KpiError


class Writer:
    """Judged tables one after the other into one file, or into folders by the values of a column.

    They are written by a thread of their own, one at a time, so that the next block is judged meanwhile.
    """

    def __init__(self, path: Path, folders_by: str | None) -> None:
        self.path, self.folders_by = path, folders_by
        self.file: pq.ParquetWriter | None = None
        self.tables = 0
        self.thread = ThreadPoolExecutor(max_workers=1)
        self.last: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self.thread.shutdown()
        if self.file:
            with writing(self.path):
                self.file.close()
        if self.last and not error:
            self.last.result()

    def write(self, table: pa.Table) -> None:
        """Have a table written. Raises `KpiError` where the one before could not be."""
        if self.last:
            self.last.result()
        self.last = self.thread.submit(self._write, table)

    def _write(self, table: pa.Table) -> None:
        self.tables += 1
        with writing(self.path):
            if self.folders_by is None:
                self.file = self.file or pq.ParquetWriter(
                    self.path, table.schema, compression="zstd"
                )
                self.file.write_table(table)
                return
            keys = pa.schema([table.schema.field(self.folders_by)])
            ds.write_dataset(
                table, self.path, format="parquet", partitioning=ds.partitioning(keys, flavor="hive"),
                basename_template=f"block-{self.tables:05}-{{i}}.parquet", existing_data_behavior="overwrite_or_ignore",
                max_partitions=len(table) + 1,
            )  # fmt: skip


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `KpiError`, a sentence, where something cannot be written: a full disk, a folder that may not be changed."""
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise KpiError(
            f"Nothing can be written to {path.parent} ({why}), so nothing was rated."
        ) from error


def check_output(path: Path, output: Path) -> None:
    """Raise `InputError` where the output is there already, cannot be, or would be taken for one of the figures."""
    if output.exists():
        what = "folder" if output.is_dir() else "file"
        raise InputError(
            f"There is a {what} {output} already. Give another name, or take it away first."
        )
    if not output.parent.is_dir():
        raise InputError(f"There is no folder {output.parent} to write {output.name} to.")
    if os.path.isdir(path) and output.resolve().is_relative_to(path.resolve()):
        raise InputError(
            f"{output} would be one more of the figures in {path}. Give a name outside that folder."
        )
