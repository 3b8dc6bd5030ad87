"""Figures that already live on a Spark cluster, judged there: whole series go to the workers as blocks.

Rules that look at neighbours need each series in order and in one place. Spark brings the series together by a hash of what
names them and hands each block, as an Arrow table, to the same functions that judge it elsewhere. The workers need this
package; they use Polars where it is installed, else pandas.
"""

import os
import re
import shutil
import socket
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable, Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from kpi_tools.errors import InputError, KpiError
from kpi_tools.many.blocks import (
    BLOCK_ROWS,
    QUARTERS,
    Judgement,
    months_before,
    schema_of,
    table_judged,
)
from kpi_tools.many.sources import Source, source_of
from kpi_tools.many.written import check_output

_BYTE = re.compile("%([0-9A-Fa-f]{2})")
_FAULT = re.compile(r"(Exception|Error)\b")
_OURS = re.compile(r"InputError: (.+)")


def judged_on_spark(
    figures: DataFrame, *, by: Sequence[str] = ("authority", "kpi_id"), after: date, blocks: int
) -> DataFrame:
    """`judged.judged` of a Spark table, as a Spark table: so many `blocks` of whole series, each of which one worker judges.

    Nothing is computed until the result is asked for. A worker that is lost has its blocks judged by another, as Spark does.
    """
    schema = to_arrow_schema(figures.schema)
    result = from_arrow_schema(schema_of(schema))
    block = F.pmod(F.hash(*(F.col(name) for name in by)), F.lit(blocks))
    with warnings.catch_warnings():  # that it does not know pandas 3: only Arrow tables pass here
        warnings.simplefilter("ignore", FutureWarning)
        apart = figures.repartition(
            blocks, block
        )  # as many tasks as blocks: else small ones are put together in one
        return apart.groupBy(block).applyInArrow(_judge(tuple(by), after), result)


def rate_on_spark(
    path: Path,
    output: Path,
    *,
    by: tuple[str, ...] | None = None,
    quarters: int = QUARTERS,
    partitioned: bool = False,
    master: str | None = None,
    block_rows: int = BLOCK_ROWS,
) -> Judgement:
    """What `blocks.rate_parquet` does, on the Spark cluster `master` (default: all cores of this computer).

    `output` is a folder of Parquet files, as Spark writes it. Files are read and written where the cluster sees them.
    Raises `InputError` as there, and `KpiError` where the cluster cannot be reached or gives up.
    """
    check_output(path, output)
    source = source_of(path, by)
    if source.uneven:
        raise InputError(
            f"Not all files in {path} have the same columns, as Spark needs it. --engine polars takes them."
        )
    blocks = -(-source.rows // block_rows)
    draft = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}")
    with tempfile.TemporaryFile() as log:
        spark = session(master, log)
        try:
            reader = (
                spark.read.option("basePath", str(source.root)) if source.folders else spark.read
            )
            figures = _named(reader.parquet(*map(str, source.files)), source)
            after = months_before(source.last, 3 * quarters)
            writer = judged_on_spark(figures, by=source.by, after=after, blocks=blocks).write
            (writer.partitionBy(source.by[0]) if partitioned else writer).parquet(str(draft))
            draft.rename(output)
        except PySparkException as error:
            raise _sentence(error) from error
        finally:
            spark.stop()
            shutil.rmtree(draft, ignore_errors=True)
    return Judgement(source.rows, blocks, source.faults)


def _named(figures: DataFrame, source: Source) -> DataFrame:
    """The folders' values as every other engine reads them: Spark takes each byte of `M%C3%B4n` for a letter."""
    for name in source.folders:
        parts = {part for file in source.files for part in file.relative_to(source.root).parts[:-1]}
        written = [
            value for key, _, value in (part.partition("=") for part in parts) if key == name
        ]
        for value in written:
            read, meant = _BYTE.sub(lambda byte: chr(int(byte[1], 16)), value), unquote(value)
            figures = figures if read == meant else figures.replace(read, meant, subset=[name])
    return figures


def session(master: str | None, log: BinaryIO) -> SparkSession:
    """A session whose Java process writes what it has to say to `log`: here faults are sentences."""
    settings: dict[str, bool | float | int | str | None] = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 007 stays 007
    }
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    _check_reached(master)
    builder = (
        SparkSession.builder.master(master or "local[*]").appName("kpi rate").config(map=settings)
    )
    kept = os.dup(2)
    try:
        os.dup2(log.fileno(), 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return builder.getOrCreate()
    except Exception as error:
        log.seek(0)
        raise KpiError(
            f"Spark could not be started on {master or 'this computer'}. It needs Java 17 or later. It said: "
            f"{_telling(log.read().decode(errors='replace')) or _first_line(error)}"
        ) from error
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _telling(log: str) -> str:
    """The line of a log that names the fault: not the last one, which is of the list of calls below it."""
    lines = log.strip().splitlines()
    return next(
        (line for line in lines if _FAULT.search(line)), lines[-1] if lines else ""
    ).strip()[:300]


def _judge(by: tuple[str, ...], after: date) -> Callable[[pa.Table], pa.Table]:
    def judge(table: pa.Table) -> pa.Table:
        return table_judged(table, by, "polars" if find_spec("polars") else "pandas", after)

    return judge


def _check_reached(master: str | None) -> None:
    """Raise `KpiError` at once where nothing answers at a `spark://` address; Spark itself would try for a minute."""
    address = urlsplit(master or "")
    if address.scheme == "spark":
        try:
            socket.create_connection(
                (address.hostname or "", address.port or 7077), timeout=10
            ).close()
        except OSError as error:
            raise KpiError(
                f"No Spark cluster answers at {master} ({error.strerror or error})."
            ) from error


def _sentence(error: PySparkException) -> KpiError:
    """What one of our functions said on a worker, or that the cluster gave up."""
    if found := _OURS.search(str(error)):
        return InputError(found[1].strip())
    return KpiError(f"The Spark cluster gave up: {_first_line(error)}.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
