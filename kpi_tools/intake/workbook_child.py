"""Reads workbooks in a process of its own, so that a hostile one costs that process and nothing else.

Started by `workbooks`: workbooks come in on standard input, each as eight bytes of length and then its bytes; for each
goes out one line of JSON, `{"fault": code, "detail": text}` or `{"sheets": [...]}`.
Imports openpyxl, the standard library and the modules beside it that do the same, so that it starts quickly.
"""

import json
import os
import sys
import zipfile
import zlib
from typing import Any

from kpi_tools.intake.workbook_container import Refused
from kpi_tools.intake.workbook_sheets import read_workbook

MEMORY, CPU_SECONDS = 500 * 2**20, 15


def _limit() -> None:
    """Cap memory, and let the next workbook use so many more processor seconds, where the platform has such limits."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    for kind, amount in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds)):
        try:
            hard = resource.getrlimit(kind)[1]
            resource.setrlimit(
                kind, (amount if hard == resource.RLIM_INFINITY else min(amount, hard), hard)
            )
        except (ValueError, OSError):
            pass


def _answer(raw: bytes) -> dict[str, Any]:
    try:
        return read_workbook(raw)
    except Refused as refused:
        return {"fault": refused.args[0], "detail": refused.args[1]}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return {"fault": "file-truncated", "detail": "a part of it cannot be unpacked"}
    except MemoryError:
        return {"fault": "file-large", "detail": "it needs more memory than a return should"}
    except Exception as error:  # noqa: BLE001 - whatever a damaged workbook makes the reader raise is a fault of the workbook
        return {
            "fault": "file-truncated",
            "detail": f"it cannot be read as a workbook ({type(error).__name__})",
        }


def main() -> None:
    """Answer for each workbook on standard input until there are no more."""
    # openpyxl looks for numpy only to recognise its numbers in cells to be written
    sys.modules["numpy"] = None  # type: ignore[assignment]
    os.environ["OPENPYXL_LXML"] = "False"
    import warnings

    warnings.simplefilter("ignore")
    import defusedxml  # noqa: F401  (openpyxl guards itself with it only where it is installed)
    import openpyxl  # noqa: F401

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    while len(head := source.read(8)) == 8:
        _limit()
        raw = source.read(int.from_bytes(head, "big"))
        sink.write(json.dumps(_answer(raw)).encode() + b"\n")
        sink.flush()
