"""Figures on Spark: the rules on Spark's own tables, and a real cluster (master and workers as processes of their own).

The answers expected are those that pandas gives on the same table (test_scale).
"""

import os
import re
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path

import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from test_scale import BY, figures, hive, same, source_file, worked_out

from kpi_tools.cli import main
from kpi_tools.rating import rate
from kpi_tools.trend import direction_of_travel
from tests.engines import to_pandas

pytestmark = pytest.mark.cluster
WINDOW = date(2023, 6, 30)


@pytest.fixture(scope="module", autouse=True)
def _spark_is_there(cluster):
    cluster("pyspark", program="java")


@pytest.fixture(scope="module")
def local():
    """Spark in one process of its own."""
    from kpi_tools.scale.spark import session

    spark = session("local[1]")
    spark.conf.set("spark.sql.shuffle.partitions", 1)
    yield spark
    spark.stop()


class Cluster:
    """A standalone Spark cluster on this computer: a master and its workers, each a process of its own."""

    def __init__(self, folder):
        self.folder, self.processes, self.number = folder, [], 0
        ports = ["--port", "0", "--webui-port", "0"]
        self.master, said = self.start("master", "org.apache.spark.deploy.master.Master", *ports)
        self.address = self.wait_for(said, r"Starting Spark master at (spark://\S+)")

    def worker(self):
        self.number += 1
        options = ["--port", "0", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
        work = ["--work-dir", str(self.folder / f"work{self.number}")]
        worker, said = self.start(
            "worker", "org.apache.spark.deploy.worker.Worker", *options, *work, self.address
        )
        self.wait_for(said, "(Successfully registered with master)")
        return worker

    def start(self, name, kind, *options):
        from pyspark.find_spark_home import _find_spark_home

        program = str(Path(_find_spark_home(), "bin", "spark-class"))
        command = [program, kind, "--host", "127.0.0.1", *options]
        how = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
        how["env"] = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
        process = subprocess.Popen(command, **how)
        self.processes.append(process)
        return process, process.stderr

    @staticmethod
    def wait_for(said, pattern):
        """Read what a process says until it says this; what follows is read too, so that it is never held up."""
        for line in said:
            if found := re.search(pattern, line):
                threading.Thread(target=_read_on, args=[said], daemon=True).start()
                return found[1]
        raise AssertionError(f"a process ended before it said {pattern}")

    @staticmethod
    def kill(process):
        """End a worker as a failing computer does: at once, with all that it had started."""
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in family:
            child.kill()
        psutil.wait_procs(family)
        process.wait()

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)


def _read_on(said):
    with said:
        for _ in said:
            pass


@pytest.fixture(scope="module")
def standalone(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.worker()
        cluster.worker()
        yield cluster
    finally:
        cluster.end()


def test_rating_and_direction_on_sparks_own_tables(local, tmp_path):
    table = figures()
    frame = local.read.parquet(str(source_file(table, tmp_path)))
    found = to_pandas(direction_of_travel(rate(frame), by=BY, after=WINDOW))
    columns = ["rating", "not_rated_reason", "direction_of_travel"]
    same(found, worked_out(table), [*columns, "slope", "slope_low", "r_squared"])


def test_a_cluster_rates_partitions(standalone, tmp_path):
    table = figures()
    folder, output = tmp_path / "in", tmp_path / "out"
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    ds.write_dataset(arrow, folder, format="parquet", partitioning=hive())
    options = ["--engine", "spark", "--master", standalone.address]
    assert main(["rate", str(folder), str(output), *options]) == 0
    same(ds.dataset(output).to_table().to_pandas(), worked_out(table))


@pytest.mark.slow
def test_a_worker_that_is_killed_is_done_without(standalone, tmp_path):
    from kpi_tools.scale.spark import rate_on_spark

    table = figures([f"E{number:08}" for number in range(12)], kpis=4)
    victim = standalone.worker()
    places = (source_file(table, tmp_path), tmp_path / "out")
    with ThreadPoolExecutor(1) as thread:
        how = {"master": standalone.address, "block_rows": 40}
        done = thread.submit(rate_on_spark, *places, **how)
        while not (working(victim) and tasks_done()):
            assert not done.done(), "the run was over before a worker could be killed"
            threading.Event().wait(0.02)
        standalone.kill(victim)
        assert not done.done(), "the run was over before the worker was killed"
        assert done.result().rows == len(table)
    same(ds.dataset(tmp_path / "out").to_table().to_pandas(), worked_out(table))


def working(worker):
    """Whether Python rates a block there."""
    pythons = (child for child in children(worker) if child.name().startswith("python"))
    return any("pyspark" in " ".join(child.cmdline()) for child in pythons)


def children(worker):
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(worker.pid).children(recursive=True)
    return []


def tasks_done():
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession() or SparkSession._instantiatedSession
    if spark is None:
        return 0
    status = spark.sparkContext.statusTracker()
    stages = [status.getStageInfo(number) for number in status.getActiveStageIds()]
    return sum(stage.numCompletedTasks for stage in stages if stage and stage.numTasks > 20)


@pytest.mark.slow
def test_faults_are_sentences(standalone, tmp_path, capsys):
    table = figures(["007"])
    pd.concat([table, table.head(1)]).to_parquet(tmp_path / "twice.parquet", index=False)
    options = ["--engine", "spark", "--master", standalone.address]
    assert main(["rate", str(tmp_path / "twice.parquet"), str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr().err
    assert 'Two rows of one series are for the same "period_end"' in said
    assert "007, K0, 2019-03-31" in said and "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["twice.parquet"]


def test_a_cluster_that_does_not_answer(tmp_path, capsys):
    path = source_file(figures(["007"]), tmp_path)
    options = ["--engine", "spark", "--master", "spark://127.0.0.1:9"]
    assert main(["rate", str(path), str(tmp_path / "out"), *options]) == 1
    assert "No Spark cluster answers at spark://127.0.0.1:9" in capsys.readouterr().err
