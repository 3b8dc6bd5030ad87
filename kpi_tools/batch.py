"""Many reports, on all processors or on a cluster: one that fails does not stop the rest.

`make_report` is a plain function and an order can be pickled, so any executor of `concurrent.futures` will do.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor, as_completed
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from kpi_tools.errors import InputError, KpiError
from kpi_tools.making import Report
from kpi_tools.orders import Order, up_to_date
from kpi_tools.report import report_quarter
from kpi_tools.running.apart import Apart

Outcome = tuple[Order, Report | KpiError]
_PATIENCE = 10
_LONGEST = 400


class IncompleteError(KpiError):
    """Not every report was made; the text lists those that were not, with the reason."""


def make_report(order: Order) -> Report:
    """Make one report, as `report.report_quarter` does. Every `KpiError` is a plain one, which any process can read."""
    try:
        return report_quarter(order.quarter, order.raw, order.outputs, **order.settings)
    except KpiError as error:
        raise _with_status(KpiError(str(error)), error.exit_status) from None


def make_reports(orders: Sequence[Order], executor: Executor | None) -> Iterator[Outcome]:
    """Each order, as soon as it is done, with its report or the reason why there is none. Without orders nobody need work."""
    futures = {executor.submit(make_report, order): order for order in orders} if executor else {}
    for future in as_completed(futures):
        try:
            yield futures[future], future.result()
        except KpiError as error:
            yield futures[future], error
        except CancelledError:
            lost = (
                "It could not be made: the scheduler was lost. The same command goes on from here."
            )
            yield futures[future], KpiError(lost)
        except (
            Exception
        ) as error:  # of the executor, or a defect of ours: the rest is made all the same
            said = " ".join(str(error).split())[:_LONGEST]
            yield futures[future], KpiError(f"It could not be made: {type(error).__name__}: {said}")


def make_all(
    orders: Sequence[Order], refused: Sequence[tuple[str, KpiError]] = (), *,
    force: bool = False, processes: int | None = None, scheduler: str | None = None, progress: bool = False,
) -> None:  # fmt: skip
    """Make the reports that are not up to date (with `force` all), and say what became of them.

    `refused`: what could not be ordered, listed with what fails. `processes`: how many at a time, else one for each
    processor; `scheduler`: the address of a Dask scheduler instead. Raises `IncompleteError` where not every report could
    be made or it was interrupted, and what `cluster` raises for a scheduler that cannot be used.
    """
    wanted = [order for order in orders if force or not up_to_date(order)]
    failed, made, stopped = list(refused), 0, 0
    at_work = (
        cluster(scheduler) if scheduler else here(min(processes or processors(), len(wanted) or 1))
    )
    with at_work if wanted else nullcontext() as executor:
        try:
            for order, result in _shown(make_reports(wanted, executor), len(wanted), progress):
                if isinstance(result, KpiError):
                    failed.append((order.name, result))
                else:
                    made += 1
                    click.echo(str(order.page))
        except KeyboardInterrupt as interrupt:
            stopped = getattr(interrupt, "exit_status", 130)
    kept = f", {len(orders) - len(wanted)} up to date already" if len(wanted) < len(orders) else ""
    counted = f"{made} of {len(orders) + len(refused)} reports made{kept}."
    if not stopped and not failed:
        click.echo(counted, err=True)
        return
    lines = [f"  {name}: {_in_short(error)}" for name, error in failed]
    head = f"{'Stopped: ' if stopped else ''}{counted}{' The same command goes on from here.' if stopped else ''}"
    text = "\n".join([f"{head}{' Not made:' if lines else ''}", *lines])
    raise _with_status(
        IncompleteError(text), stopped or _status({error.exit_status for _, error in failed})
    )


@contextmanager
def here(processes: int) -> Iterator[Executor]:
    """An executor of this computer; what is still under way when it is left is ended."""
    executor = Apart(processes)
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def cluster(address: str, patience: float | None = None) -> Iterator[Executor]:
    """An executor of the Dask cluster whose scheduler is at `address`, such as tcp://10.0.0.5:8786.

    Its workers need this package, and see the same folders. What a lost worker had is given to another. Raises
    `InputError` where Dask is not installed, `KpiError` where no scheduler answers or it has no workers.
    """
    import asyncio
    import logging

    try:
        from distributed import Client
        from distributed.comm.core import connect
    except ImportError:
        raise InputError(
            '--scheduler needs Dask, which is not installed: pip install "kpi-tools[dask]".'
        ) from None
    patience = _PATIENCE if patience is None else patience
    for name in ("distributed.client", "distributed.core"):  # what went wrong is said in sentences
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    reach: Any = connect
    start: Any = Client

    async def knock() -> None:
        (await asyncio.wait_for(reach(address, timeout=patience), patience)).abort()

    try:  # first without a client, which waits for ever where something else than a scheduler listens
        asyncio.run(knock())
        client = start(address, timeout=patience, set_as_default=False)
    except (OSError, ValueError) as error:
        said = (
            " ".join(str(error).split())[:_LONGEST].rstrip(".")
            or "what listens there is something else"
        )
        raise KpiError(f"No Dask scheduler answers at {address}: {said}.") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise KpiError(
                f"The scheduler at {address} has no workers: dask worker {address} --nthreads 1"
            ) from None
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


def processors() -> int:
    """How many processes can work here at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _shown(outcomes: Iterator[Outcome], total: int, progress: bool) -> Iterator[Outcome]:
    """The outcomes as they come, with a bar of counts and the time left where that is asked for."""
    if not progress or not total:
        yield from outcomes
        return
    from tqdm import tqdm

    failed = 0
    with tqdm(total=total, unit="report", desc="Reports", leave=False) as bar:
        for order, result in outcomes:
            failed += isinstance(result, KpiError)
            bar.set_postfix_str(f"{failed} failed" if failed else "", refresh=False)
            bar.update()
            with tqdm.external_write_mode():
                yield order, result


def _in_short(error: KpiError) -> str:
    first, *more = str(error).splitlines()
    return f"{first} (`kpi check` lists them all)" if more else first


def _status(found: set[int]) -> int:
    return found.pop() if len(found) == 1 else 1


def _with_status(error: KpiError, status: int) -> KpiError:
    error.exit_status = status
    return error
