"""Figures that already live on a Spark cluster, rated there.

Spark brings whole series together by a hash of what names them and hands each block, as an Arrow
table, to the same functions that rate it elsewhere. The workers need this package; they use Polars
where it is installed, else pandas.
"""

import os
import re
import shutil
import socket
import sys
import uuid
import warnings
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from kpi_tools.errors import InputError, KpiError
from kpi_tools.scale.blocks import (
    BLOCK_ROWS,
    QUARTERS,
    Outcome,
    Source,
    check_output,
    first_line,
    months_before,
    schema_of,
    source_of,
    table_rated,
)


def rated_on_spark(figures: DataFrame, by: Sequence[str], after: date, blocks: int) -> DataFrame:
    """`rate_rows` of a Spark table: so many `blocks` of whole series, each by one worker.

    Nothing is computed until the result is asked for. A worker that is lost has its blocks rated by
    another, as Spark does.
    """

    def rate(table: pa.Table) -> pa.Table:
        return table_rated(table, by, "polars" if find_spec("polars") else "pandas", after)

    result = from_arrow_schema(schema_of(to_arrow_schema(figures.schema)))
    block = F.pmod(F.hash(*(F.col(name) for name in by)), F.lit(blocks))
    with warnings.catch_warnings():  # that it does not know pandas 3: only Arrow tables pass here
        warnings.simplefilter("ignore", FutureWarning)
        # as many tasks as blocks: else small ones are put together in one
        return figures.repartition(blocks, block).groupBy(block).applyInArrow(rate, result)


def rate_on_spark(
    path: Path,
    output: Path,
    *,
    by: tuple[str, ...] | None = None,
    quarters: int = QUARTERS,
    master: str | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Outcome:
    """What `blocks.rate_parquet` does, on the Spark cluster `master` (default: all cores of this
    computer).

    `output` is a folder of Parquet files, as Spark writes it. Files are read and written where the
    cluster sees them. Raises `InputError` as there, and `KpiError` where the cluster cannot be
    reached or gives up.
    """
    check_output(path, output)
    source = source_of(path, by)
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    spark = session(master)
    try:
        reader = spark.read.option("basePath", str(source.root)) if source.folders else spark.read
        figures = _folder_names(reader.parquet(*map(str, source.files)), source)
        rows, last = figures.agg(F.count(F.lit(1)), F.max("period_end")).first() or (0, None)
        if last is None:
            raise InputError(f"{path} holds no rows with a period: there is nothing to rate.")
        blocks = -(-rows // block_rows)
        after = months_before(last, 3 * quarters)
        rated_on_spark(figures, source.by, after, blocks).write.parquet(str(draft))
        draft.rename(output)
    except PySparkException as error:
        if found := re.search("InputError: (.+)", str(error)):
            raise InputError(found[1].strip()) from error
        raise KpiError(f"The Spark cluster gave up: {first_line(error)}.") from error
    finally:
        spark.stop()
        shutil.rmtree(draft, ignore_errors=True)
    return Outcome(rows, blocks)


def _folder_names(figures: DataFrame, source: Source) -> DataFrame:
    """Folder names as other engines read them: Spark takes each byte of `M%C3%B4n` for a letter."""
    for name in source.folders:
        parts = {part for file in source.files for part in file.relative_to(source.root).parts[:-1]}
        for key, _, value in (part.partition("=") for part in sorted(parts)):
            read = re.sub("%([0-9A-Fa-f]{2})", lambda byte: chr(int(byte[1], 16)), value)
            if key == name and read != unquote(value):
                figures = figures.replace(read, unquote(value), subset=[name])
    return figures


def session(master: str | None = None) -> SparkSession:
    """A session on the cluster `master`. Raises `KpiError` where it cannot be started."""
    address = urlsplit(master or "")
    try:
        if address.scheme == "spark":  # Spark itself would try for a minute
            place = (address.hostname or "", address.port or 7077)
            socket.create_connection(place, timeout=10).close()
    except OSError as error:
        why = error.strerror or error
        raise KpiError(f"No Spark cluster answers at {master} ({why}).") from error
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 007 stays 007
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master or "local[*]").appName("kpi rate")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return builder.config(map=settings).getOrCreate()
    except Exception as error:
        raise KpiError(
            f"Spark could not be started on {master or 'this computer'}. It needs Java 17 or "
            f"later. It said: {first_line(error)}."
        ) from error
