"""Many figures: one table of many authorities, rated in blocks of whole series, on this computer or
on Spark.

An extra, with packages of its own (`figures`, `spark` in pyproject.toml): only the command `rate`
imports it, when asked.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_tools.errors import InputError

if TYPE_CHECKING:
    from kpi_tools.scale.blocks import Outcome

POLARS_SETTINGS = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:10000", "POLARS_MAX_THREADS": "1"}
"""Set before Polars is imported. The first keeps for the next block the memory that the last one
freed. One thread, since the steps of the rules are short: more of them wait for each other, a
seventh more of processor for a fifteenth less by the clock.
"""
_PACKAGES = {"polars": "polars", "pandas": "pandas", "spark": "pyspark"}


def rate_many(
    source: Path, output: Path, engine: str, by: str | None, quarters: int, master: str | None
) -> "Outcome":
    """`blocks.rate_parquet` or `spark.rate_on_spark`, for what the command `rate` was given."""
    if engine not in _PACKAGES:
        raise InputError(f'There is no engine "{engine}". Choose one of: {", ".join(_PACKAGES)}.')
    for package in (_PACKAGES[engine], "pyarrow"):
        if find_spec(package) is None:
            extra = "spark" if package == "pyspark" else "figures"
            raise InputError(
                f"The engine {engine} needs {package}, which is not installed: pip install "
                f"'.[{extra}]' in the folder of this project, or choose another --engine."
            )
    if master and engine != "spark":
        raise InputError("--master names a Spark cluster: it goes with --engine spark.")
    keys = tuple(name.strip() for name in by.split(",") if name.strip()) if by else None
    if engine == "spark":
        from kpi_tools.scale.spark import rate_on_spark

        return rate_on_spark(source, output, by=keys, quarters=quarters, master=master)
    for name, setting in POLARS_SETTINGS.items():
        os.environ.setdefault(name, setting)
    from kpi_tools.scale.blocks import rate_parquet

    return rate_parquet(source, output, by=keys, engine=engine, quarters=quarters)
