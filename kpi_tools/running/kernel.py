"""The Jupyter kernel that runs a notebook: this very Python, alone, and gone when its starter is gone."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.utils import run_sync

from kpi_tools.running.forked import PACKAGE, Copy, end_with, limit_memory

LARGEST_OUTPUT = 64 * 1024**2
LARGEST_LOG = 1024**2
QUIET = 0.02
LONGEST_FOLDER = 80
"""A local socket's whole path has at most 103 characters (macOS; Linux 107)."""
SERVE = "from kpi_tools.running.kernel import serve; serve()"


class Manager(AsyncKernelManager):
    """Starts the running Python, whatever kernels the user has installed under the same name.

    A kernel that shows more than `LARGEST_OUTPUT` characters is ended, and `flooded` says so: an endless loop that
    prints would otherwise fill this process's memory long before its cell takes too long.
    """

    spec = KernelSpec(
        argv=[
            *(sys.executable, "-P", "-X", "frozen_modules=off", "-c", SERVE),
            *("-f", "{connection_file}", "--log-level=ERROR"),
        ],
        display_name="Python 3",
        language="python",
    )
    reader: Any = None
    flooded = False

    @property
    def kernel_spec(self) -> KernelSpec:
        return self.spec

    def client(self, **options: Any) -> Any:
        self.reader = super().client(**options)
        channel, shown = self.reader.iopub_channel, 0
        receive = channel.get_msg

        async def metered(*arguments: Any, **options: Any) -> Any:
            nonlocal shown
            if options.get("timeout"):  # at the start, for what is there already or will never come
                options["timeout"] = min(options["timeout"], QUIET)
            message = await receive(*arguments, **options)
            shown += _characters(message["content"])
            if shown > LARGEST_OUTPUT and self.provisioner and not self.flooded:
                self.flooded = True
                await self.provisioner.kill()
            return message

        channel.get_msg = metered
        return self.reader


class Adopted(LocalProvisioner):
    """Has a copy of this process be the kernel, instead of starting one."""

    def adopt(self, copy: Copy, log: str) -> None:
        self._copy: Any = copy
        self._log = log

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        self._copy.begin(cmd[cmd.index("-f") + 1], options["cwd"], options["env"], self._log)
        self.process, self.pid, self.pgid, self.cwd = (
            self._copy,
            self._copy.pid,
            self._copy.pid,
            options["cwd"],
        )
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        await super().kill(restart)
        self._copy.wait()  # it takes no time; asked whether it has ended, it would be asked again a tenth of a second later


def _characters(content: dict[str, Any]) -> int:
    texts = (content.get("text"), *content.get("data", {}).values())
    return sum(len(text) for text in texts if isinstance(text, str))


@contextmanager
def kernel(folder: Path, copy: Copy | None = None) -> Iterator[tuple[Manager, IO[bytes]]]:
    """A kernel at work in `folder`, and the file to which it writes what belongs to no cell; both gone afterwards.

    Its own files are in a private temporary folder: neither the home folder nor its start-up scripts take part. It is
    spoken to there as well, where there are local sockets: a port that was free may be another program's a moment later.
    It is `copy` (`forked.copy_of_this_process`) where there is one, else a new Python.
    """
    with tempfile.TemporaryDirectory(prefix="kpi-", ignore_cleanup_errors=True) as private:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, (PACKAGE, os.environ.get("PYTHONPATH")))),
            "PYTHONUTF8": "1",
            "IPYTHONDIR": private,
        }
        manager = Manager(connection_file=os.path.join(private, "kernel.json"))
        if os.name == "posix" and len(os.fsencode(private)) <= LONGEST_FOLDER:
            manager.transport = "ipc"
        if copy is not None:
            manager.provisioner = Adopted(
                kernel_id=manager.kernel_id, kernel_spec=manager.spec, parent=manager
            )
            manager.provisioner.adopt(copy, os.path.join(private, "kernel.log"))
        with open(os.path.join(private, "kernel.log"), "w+b") as log:
            try:
                run_sync(manager.start_kernel)(
                    cwd=str(folder), env=environment, stdout=log, stderr=log
                )
                yield manager, log
            finally:
                if manager.reader is not None:
                    manager.reader.stop_channels()
                if manager.has_kernel:
                    run_sync(manager.shutdown_kernel)(now=True)
                run_sync(manager.cleanup_resources)()


def tail(log: IO[bytes]) -> str:
    """The end of what the kernel wrote to its log."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - LARGEST_LOG))
    return log.read().decode("utf-8", "replace")


def serve() -> None:
    """Be the kernel, in its own process: end with the process that started it, and never take all the memory."""
    starter = os.environ.get("JPY_PARENT_PID")
    if sys.platform == "linux":
        end_with(int(starter or os.getppid()))
        limit_memory()
    if os.name == "posix" and starter and os.getppid() != int(starter):
        sys.exit(1)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()
