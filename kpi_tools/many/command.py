"""What `kpi rate` asks for, in words typed by a person, given to the engine that does it."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kpi_tools.errors import InputError

if TYPE_CHECKING:
    from kpi_tools.many.blocks import Judgement

POLARS_SETTINGS = {"_RJEM_MALLOC_CONF": "dirty_decay_ms:10000", "POLARS_MAX_THREADS": "1"}
"""Said to Polars before it is imported. The first keeps for the next block the memory that the last one freed. One thread,
since the steps of the rules are short: more of them wait for each other, which costs a seventh more of processor for a
fifteenth less by the clock. What can go on beside the rules is the writing, and it does.
"""
_PACKAGES = {
    "polars": ("polars", "pyarrow"),
    "pandas": ("pandas", "pyarrow"),
    "spark": ("pyspark", "pyarrow"),
}
_EXTRAS = {"pyspark": "spark", "polars": "figures", "pyarrow": "figures"}


def rate_many(
    source: Path, output: Path, engine: str, by: str | None, quarters: int, partitioned: bool,
    master: str | None,
) -> "Judgement":  # fmt: skip
    """`blocks.rate_parquet`, or `spark.rate_on_spark` for the engine `spark`; raises `InputError` for what cannot be."""
    check_engine(engine)
    if master and engine != "spark":
        raise InputError("--master names a Spark cluster: it goes with --engine spark.")
    columns = tuple(name.strip() for name in by.split(",") if name.strip()) if by else None
    if engine == "spark":
        from kpi_tools.many.spark import rate_on_spark

        return rate_on_spark(
            source, output, by=columns, quarters=quarters, partitioned=partitioned, master=master
        )
    for name, setting in POLARS_SETTINGS.items():
        os.environ.setdefault(name, setting)
    from kpi_tools.many.blocks import rate_parquet

    return rate_parquet(
        source, output, by=columns, engine=engine, quarters=quarters, partitioned=partitioned
    )


def check_engine(engine: str) -> None:
    """Raise `InputError` where an engine is not known, or a package that it needs is not installed."""
    if engine not in _PACKAGES:
        raise InputError(f'There is no engine "{engine}". Choose one of: {", ".join(_PACKAGES)}.')
    for package in _PACKAGES[engine]:
        if find_spec(package) is None:
            extra = _EXTRAS.get(package, "")
            raise InputError(
                f"The engine {engine} needs {package}, which is not installed: pip install '.[{extra}]' in the folder of "
                "this project, or choose another --engine."
            )
