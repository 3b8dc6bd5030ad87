"""Many reports, on all processors or on a cluster; one that fails does not stop the rest."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from kpi_tools.errors import InputError, KpiError
from kpi_tools.provenance import council_name, slug
from kpi_tools.quarters import Quarter
from kpi_tools.received import latest_quarter, quarters_with_returns
from kpi_tools.report import Job, Report, make, report_job
from kpi_tools.report.process import Worker
from kpi_tools.report.verify import up_to_date

Refused = tuple[str, KpiError]
_PATIENCE = 10
_LONGEST = 400


class IncompleteError(KpiError):
    """Not every report was made; the text lists those that were not, with the reason."""


# Which


def jobs_of(
    raw: Path,
    outputs: Path,
    quarters: Sequence[Quarter] | None,
    settings: Mapping[str, Any],
    council: str = "",
) -> list[Job]:
    """The report of each of `quarters`; where there are none of the latest, where None of all."""
    latest = latest_quarter(raw)
    wanted = quarters_with_returns(raw) if quarters is None else quarters or [latest]
    return [
        report_job(quarter, raw, outputs, what=council, **settings)
        for quarter in dict.fromkeys(wanted)
    ]


def jobs_of_councils(
    folders: Iterable[Path],
    outputs: Path,
    quarters: Sequence[Quarter] | None,
    settings: Mapping[str, Any],
) -> tuple[list[Job], list[Refused]]:
    """The reports of several councils, each into `outputs`/<slug>; folders without, and why."""
    names: dict[Path, str] = {}
    jobs, refused = list[Job](), list[Refused]()
    for folder in {folder.resolve(): folder for folder in folders}.values():
        try:
            names[folder] = council_name(folder)
        except KpiError as error:
            refused.append((str(folder), error))
    for folder, name in names.items():
        place = slug(name)
        others = [str(one) for one in names if slug(names[one]) == place and one != folder]
        try:
            if others:
                raise InputError(
                    f'Its reports would go to "{place}", and so would those of '
                    f"{', '.join(others)}, so none of them is made. Give one of the councils "
                    "another name in its council.toml."
                )
            jobs += jobs_of(folder, outputs / place, quarters, settings, name)
        except KpiError as error:
            refused.append((str(folder), error))
    return jobs, refused


# How

_here = threading.local()


def processors() -> int:
    """How many of this computer's processors may be used."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_here(job: Job) -> Report:
    """Make one report, by the process of this thread: a function for any executor."""
    return make(job, getattr(_here, "worker", None))


def make_all(
    jobs: Sequence[Job],
    refused: Sequence[Refused] = (),
    *,
    force: bool = False,
    processes: int | None = None,
    scheduler: str | None = None,
    progress: bool = False,
) -> None:
    """Make the reports that are not up to date (with `force` all), and say what became of them.
    `refused` is listed with what fails. `processes`: how many at a time, else one for each
    processor; `scheduler`: the address of a Dask scheduler instead."""
    wanted = [job for job in jobs if force or not up_to_date(job)]
    failed, made, stopped = list(refused), 0, 0
    pool = cluster(scheduler) if scheduler else here(min(processes or processors(), len(wanted)))
    with pool if wanted else nullcontext() as executor:
        try:
            for job, result in _outcomes(wanted, executor, progress):
                if isinstance(result, KpiError):
                    failed.append((job.title, result))
                else:
                    made += 1
                    click.echo(str(result.folder / f"{job.kind}.html"))
        except KeyboardInterrupt as interrupt:
            stopped = getattr(interrupt, "exit_status", 130)
    kept = f", {len(jobs) - len(wanted)} up to date already" if len(wanted) < len(jobs) else ""
    counted = f"{made} of {len(jobs) + len(refused)} reports made{kept}."
    if not stopped and not failed:
        click.echo(counted, err=True)
        return
    head = f"Stopped: {counted} The same command goes on from here." if stopped else counted
    lines = [f"{head} Not made:" if failed else head]
    for name, error in failed:
        first, *more = str(error).splitlines()
        lines.append(f"  {name}: {first}" + " (`kpi check` lists them all)" * bool(more))
    statuses = {error.exit_status for _, error in failed}
    status = stopped or (statuses.pop() if len(statuses) == 1 else 1)
    incomplete = IncompleteError("\n".join(lines))
    incomplete.exit_status = status
    raise incomplete


def _outcomes(
    jobs: Sequence[Job], executor: Executor | None, progress: bool = False
) -> Iterator[tuple[Job, Report | KpiError]]:
    """Each job, as soon as it is done, with its report or the reason why there is none."""
    from tqdm import tqdm

    failed = 0
    futures = {executor.submit(make_here, job): job for job in jobs} if executor else {}
    hidden = not (progress and jobs)
    with tqdm(total=len(jobs), unit="report", desc="Reports", leave=False, disable=hidden) as bar:
        for future in as_completed(futures):
            result: Report | KpiError
            try:
                result = future.result()
            except KpiError as error:
                result = error
            except CancelledError:
                result = KpiError("The scheduler was lost. The same command goes on from here.")
            except Exception as error:  # of the executor, or a defect of ours: the rest is made
                result = KpiError(f"It could not be made: {type(error).__name__}: {_line(error)}")
            failed += isinstance(result, KpiError)
            bar.set_postfix_str(f"{failed} failed" if failed else "", refresh=False)
            bar.update()
            with nullcontext() if hidden else tqdm.external_write_mode():
                yield futures[future], result


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST]


@contextmanager
def here(processes: int) -> Iterator[Executor]:
    """An executor of this computer, each of whose threads has a process that makes its reports."""
    workers: list[Worker] = []

    def begin() -> None:
        _here.worker = Worker()
        workers.append(_here.worker)

    executor = ThreadPoolExecutor(processes, initializer=begin)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.end()
        executor.shutdown()


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """An executor of the Dask cluster whose scheduler is at `address`. Its workers need this
    package, and see the same folders."""
    import asyncio
    import logging

    try:
        from distributed import Client
        from distributed.comm.core import connect
    except ImportError:
        raise InputError(
            '--scheduler needs Dask, which is not installed: pip install "kpi-tools[dask]".'
        ) from None
    for name in ("distributed.client", "distributed.core"):  # what went wrong is said in sentences
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    async def knock() -> None:
        reached = connect(address, timeout=_PATIENCE)  # type: ignore[no-untyped-call]
        (await asyncio.wait_for(reached, _PATIENCE)).abort()

    start: Any = Client
    try:  # first without a client, which waits for ever where something else listens
        asyncio.run(knock())
        client = start(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = _line(error).rstrip(".") or "what listens there is something else"
        raise KpiError(f"No Dask scheduler answers at {address}: {reason}.") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError:
            raise KpiError(
                f"The scheduler at {address} has no workers: dask worker {address} --nthreads 1"
            ) from None
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)
