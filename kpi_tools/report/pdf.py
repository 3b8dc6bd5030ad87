"""The page on paper: report.html printed to a tagged PDF by whatever Chromium, Chrome or Edge this computer has.

The browser adds tags (from the page's headings, lists and tables), bookmarks, language, title and page numbers (from the
style sheet). It runs without network, with a profile of its own that is thrown away, and is ended if it takes too long.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from kpi_tools.errors import InputError, KpiError

PDF_TIMEOUT = 120
_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
_PLACES = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ),
    "win32": ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe"),
}
_WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--metrics-recording-only",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
)
_DATED = re.compile(rb"(/(?:Creation|Mod)Date \(D:)\d{14}")
_MADE_BY = re.compile(rb"/Creator \(((?:\\.|[^\\)])*)\)")


def find_browser() -> Path:
    """The browser that prints: the first of Chromium, Chrome and Edge on the path, else where they are usually installed.

    Raises `InputError` where there is none: the page can then be printed by hand.
    """
    for found in (*map(shutil.which, _NAMES), *_usual_places()):
        if found and Path(found).is_file():
            return Path(found)
    raise InputError(
        "No browser that makes PDFs was found on this computer (Chromium, Chrome or Edge). Install one of them, or leave "
        "out --pdf, open report.html in any browser and print it to PDF there."
    )


def write_pdf(
    page: Path,
    pdf: Path,
    *,
    author: str,
    day: str,
    browser: Path | None = None,
    timeout: int = PDF_TIMEOUT,
) -> None:
    """Print the file `page` to `pdf`, by `author` (the council) and dated `day` (`2024-12-31`).

    `browser`: that of `find_browser` if none is given. The same page, browser and fonts give the same bytes. Raises
    `KpiError` where the browser fails, takes longer than `timeout` seconds, or leaves something that is no complete tagged
    PDF; nothing is then left under the name of `pdf`.
    """
    browser = browser or find_browser()
    # Not beside the page: what the browser leaves in its profile is not for publication. Nor in the temporary folder of
    # the system: a Chromium that came as a snap has another one, and what it writes there is not seen here.
    with tempfile.TemporaryDirectory(
        prefix="kpi-pdf-", dir=page.resolve().parent.parent, ignore_cleanup_errors=True
    ) as own:
        made = Path(own) / "page.pdf"
        command = [
            str(browser),
            *_FLAGS,
            f"--user-data-dir={Path(own) / 'profile'}",
            f"--print-to-pdf={made}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append(
                "--no-sandbox"
            )  # Chromium refuses root with it; the page runs nothing and asks for nothing
        complaint = _run([*command, page.resolve().as_uri()], timeout)
        content = made.read_bytes() if made.is_file() else b""
    fault = _fault(content)
    if fault:
        raise KpiError(f"{browser.name} made no usable PDF of {page.name}: {fault}{complaint}")
    pdf.write_bytes(_signed(content, author, day))


def _usual_places() -> Iterator[str]:
    places = _PLACES.get(sys.platform, ())
    if sys.platform != "win32":
        yield from places
        return
    for root in filter(None, map(os.environ.get, _WINDOWS_ROOTS)):
        yield from (str(Path(root) / place) for place in places)


def _run(command: list[str], timeout: int) -> str:
    """Run the browser to its end, with everything it started; the last thing it complained of, for the sentence."""
    alone = {"start_new_session": True} if os.name == "posix" else {}
    with tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **alone
            )  # type: ignore[call-overload]
        except OSError as error:
            raise KpiError(
                f"{command[0]} could not be started: {error.strerror or error}."
            ) from error
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise KpiError(
                f"{Path(command[0]).name} did not finish the PDF in {timeout} seconds and was ended. Run again, or leave "
                "out --pdf and print the page from a browser."
            ) from None
        finally:
            _end(process)
        log.seek(0)
        lines = log.read().decode("utf-8", "replace").strip().splitlines()
    return f" ({lines[-1][:200]})" if process.returncode and lines else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the browser and its children, where any is still there."""
    if os.name == "posix":
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()


def _fault(content: bytes) -> str:
    if not content:
        return "there is no file"
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-32:]:
        return "it is cut short"
    return "" if b"/StructTreeRoot" in content else "it has no tags, so it cannot be read aloud"


def _signed(content: bytes, author: str, day: str) -> bytes:
    """The PDF with its author and day instead of the hour and browser of its making; offsets in it stay right."""
    date = day.replace("-", "").encode() + b"000000"
    content = _DATED.sub(lambda found: found[1] + date, content)

    def maker(found: re.Match[bytes]) -> bytes:
        room = len(found[0])
        named = b"/Author " + _text(author) + b" /Creator (kpi-tools)"
        return (named if len(named) <= room else b"/Creator (kpi-tools)").ljust(room)

    return _MADE_BY.sub(maker, content, count=1)


def _text(text: str) -> bytes:
    """A text as a PDF holds it: plain where it is ASCII, else UTF-16 in hexadecimal."""
    if text.isascii():
        return b"(" + re.sub(r"([\\()])", r"\\\1", text).encode() + b")"
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"
