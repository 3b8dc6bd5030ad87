"""The page on paper: printed to a tagged PDF by the Chromium, Chrome or Edge of this computer.

The browser adds tags, bookmarks, language, title and page numbers. It runs without network, with a
profile of its own that is thrown away, and is ended if it takes too long.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from kpi_tools.errors import InputError, KpiError

PDF_TIMEOUT = 120
_NAMES = "chromium chromium-browser google-chrome google-chrome-stable chrome microsoft-edge msedge"
_MAC = "/Applications/{0}.app/Contents/MacOS/{0}"
_WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
_WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_OFF = "gpu extensions sync background-networking component-update default-apps"
_FLAGS = (
    *("--headless", "--no-first-run", "--no-default-browser-check", "--metrics-recording-only"),
    *(f"--disable-{name}" for name in _OFF.split()),
    "--host-resolver-rules=MAP * ~NOTFOUND",
    *("--no-pdf-header-footer", "--generate-pdf-document-outline"),
)
_DATED = re.compile(rb"(/(?:Creation|Mod)Date \(D:)\d{14}")
_MADE_BY = re.compile(rb"/Creator \(((?:\\.|[^\\)])*)\)")


def find_browser() -> Path:
    """The browser that prints: the first of Chromium, Chrome and Edge on the path or where they are
    put. Raises `InputError` where there is none: the page can then be printed by hand."""
    for found in (*map(shutil.which, _NAMES.split()), *_usual_places()):
        if found and Path(found).is_file():
            return Path(found)
    raise InputError(
        "No browser that makes PDFs was found on this computer (Chromium, Chrome or Edge). Install "
        "one of them, or leave out --pdf, open report.html in any browser and print it to PDF "
        "there."
    )


def write_pdf(
    page: Path, pdf: Path, *, author: str, day: str, browser: Path, timeout: int = PDF_TIMEOUT
) -> None:
    """Print the file `page` to `pdf`, by `author` (the council) and dated `day` (`2024-12-31`). The
    same page, browser and fonts give the same bytes. Raises `KpiError` where the browser fails,
    takes longer than `timeout` seconds, or leaves something that is no complete tagged PDF; nothing
    is then left under the name of `pdf`."""
    # Not beside the page: what the browser leaves in its profile is not for publication. Nor in the
    # temporary folder of the system: a Chromium that came as a snap has another one, and what it
    # writes there is not seen here.
    place = page.resolve().parent.parent
    with tempfile.TemporaryDirectory("", "kpi-", place, ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "page.pdf"
        command = [str(browser), *_FLAGS, f"--user-data-dir={Path(folder) / 'profile'}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium refuses root with it; the page runs nothing
        complaint = _run([*command, f"--print-to-pdf={made}", page.resolve().as_uri()], timeout)
        content = made.read_bytes() if made.is_file() else b""
    if not content:
        fault = "there is no file"
    elif not content.startswith(b"%PDF-") or b"%%EOF" not in content[-32:]:
        fault = "it is cut short"
    elif b"/StructTreeRoot" not in content:
        fault = "it has no tags, so it cannot be read aloud"
    else:
        pdf.write_bytes(_signed(content, author, day))
        return
    raise KpiError(f"{browser.name} made no usable PDF of {page.name}: {fault}{complaint}")


def _usual_places() -> list[str]:
    if sys.platform == "win32":
        roots = filter(None, map(os.environ.get, _WINDOWS_ROOTS))
        return [str(Path(root) / place) for root in roots for place in _WINDOWS]
    return [_MAC.format(name) for name in ("Google Chrome", "Microsoft Edge", "Chromium")]


def _run(command: list[str], timeout: int) -> str:
    """Run the browser to its end, with all that it started; its last complaint."""
    with tempfile.TemporaryFile() as log:
        how: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        try:
            process = subprocess.Popen(command, start_new_session=True, **how)
        except OSError as error:
            why = error.strerror or error
            raise KpiError(f"{command[0]} could not be started: {why}.") from error
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise KpiError(
                f"{Path(command[0]).name} did not finish the PDF in {timeout} seconds and was "
                "ended. Run again, or leave out --pdf and print the page from a browser."
            ) from None
        finally:
            if os.name == "posix":
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return f" ({lines[-1][:200]})" if process.returncode and lines else ""


def _signed(content: bytes, author: str, day: str) -> bytes:
    """The PDF with author and day instead of hour and browser; every offset stays."""
    date = day.replace("-", "").encode() + b"000000"
    content = _DATED.sub(lambda found: found[1] + date, content)
    if author.isascii():
        text = b"(" + re.sub(r"([\\()])", r"\\\1", author).encode() + b")"
    else:  # UTF-16 in hexadecimal
        text = b"<FEFF" + author.encode("utf-16-be").hex().upper().encode() + b">"

    def maker(found: re.Match[bytes]) -> bytes:
        named = b"/Author " + text + b" /Creator (kpi-tools)"
        fits = len(named) <= len(found[0])
        return (named if fits else b"/Creator (kpi-tools)").ljust(len(found[0]))

    return _MADE_BY.sub(maker, content, count=1)
